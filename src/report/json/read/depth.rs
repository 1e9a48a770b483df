//! What `--depth deep` saw, as a report tells of it.

use crate::observed::depth as inner;
use crate::report::json::depth as twin;
use crate::report::json::read::attempt::attempt;
use crate::report::json::read::endpoint::{group, reply, suite, version};
use crate::report::json::read::{Read, Within as _, each, word};

pub fn depth(deep: &twin::Deep) -> Read<inner::Depth> {
    Ok(inner::Depth {
        first_offered: deep.first_offered,
        versions: each(&deep.versions, |asked| {
            Ok(inner::Asked {
                what: version(&asked.version).within("version")?,
                answer: attempt(&asked.answer, choice).within("answer")?,
            })
        })
        .within("versions")?,
        suites: each(&deep.suite_classes, |asked| {
            Ok(inner::Asked {
                what: word(
                    inner::SuiteClass::ALL,
                    inner::SuiteClass::word,
                    &asked.class,
                )
                .within("class")?,
                answer: attempt(&asked.answer, choice).within("answer")?,
            })
        })
        .within("suite_classes")?,
        post_quantum: attempt(&deep.post_quantum, choice).within("post_quantum")?,
        groups: attempt(&deep.groups, |groups| each(groups, |name| group(name)))
            .within("groups")?,
        without_name: attempt(&deep.without_name, shown).within("without_name")?,
        other_name: attempt(&deep.other_name, shown).within("other_name")?,
        repeats: each(&deep.repeats, |repeat| {
            attempt(repeat, |repeat| {
                Ok(inner::Repeat {
                    starttls: repeat.starttls,
                })
            })
        })
        .within("repeats")?,
        unadvertised: attempt(&deep.starttls_unadvertised, reply)
            .within("starttls_unadvertised")?,
        injection: attempt(&deep.injection, |injection| {
            Ok(inner::Injection {
                answered: injection.answered,
            })
        })
        .within("injection")?,
    })
}

fn choice(choice: &twin::Choice) -> Read<inner::Choice> {
    let chosen = match &choice.cipher_suite {
        Some(name) => Some(inner::Chosen {
            suite: suite(name).within("cipher_suite")?,
            group: choice
                .group
                .as_deref()
                .map(group)
                .transpose()
                .within("group")?,
            dh_bits: choice.dh_bits,
        }),
        None => None,
    };
    Ok(inner::Choice { chosen })
}

fn shown(shown: &twin::Shown) -> Read<inner::Shown> {
    Ok(inner::Shown {
        sha256: shown.sha256.clone(),
        names: shown.names.clone(),
        same: shown.same,
    })
}
