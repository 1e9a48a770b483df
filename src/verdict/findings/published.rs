//! What the domain's own MTA-STS and TLSRPT records and its policy are worth.

use super::{List, listed, said};
use crate::attempt::Attempt;
use crate::failure::{Failure, Kind, Stage};
use crate::finding::{Code, Finding};
use crate::mta_sts::policy::{self, MAX_AGE, MediaType};
use crate::mta_sts::record;
use crate::observed::domain::{StsMode, StsPolicy};
use crate::tls_rpt;
use crate::txt::NearMissWhy;
use crate::verdict::assess::Scene;

/// The MTA-STS record and policy (RFC 8461, sections 3.1 to 3.3).
pub(super) fn sts(scene: &Scene<'_>, list: &mut List) {
    let sts = &scene.observation.mta_sts;
    let name = scene.observation.domain.as_str();
    if let Some(failure) = sts.record.failure().or_else(|| sts.policy.failure()) {
        let code = Code::of(failure.kind);
        let subject = if failure.stage == Stage::Dns {
            format!("{name}: the MTA-STS record could not be looked up")
        } else {
            format!("{name}: {}", code.summary())
        };
        let mut finding = Finding::new(code, subject, seen(failure));
        finding.fix = finding.fix.map(|fix| fix.replace("DOMAIN", name));
        list.add(0, finding);
    }
    let mut fragile = Vec::new();
    if let Attempt::Done(record) = &sts.record
        && !record.txt.is_empty()
    {
        let faulty = match record::discover(&record.txt) {
            record::Discovery::Found(found) => {
                fragile.extend(found.advisories.iter().map(of_record));
                None
            }
            record::Discovery::Invalid { txt, fault } => Some(format!("{txt:?}: {fault}")),
            record::Discovery::Several(count) => Some(several(count, &record.txt)),
            record::Discovery::Absent { near_misses } => Some(misses(&near_misses)),
        };
        if let Some(seen) = faulty {
            list.add(
                0,
                Finding::new(
                    Code::StsPolicyInvalid,
                    format!("{name}: the MTA-STS record is not valid"),
                    seen,
                ),
            );
        }
    }
    if let Attempt::Done(policy) = &sts.policy {
        fragile.extend(of_policy(policy));
    }
    add_fragile(list, Code::StsFragile, name, fragile);
}

/// The TLSRPT record (RFC 8460, section 3).
pub(super) fn tls_rpt(scene: &Scene<'_>, list: &mut List) {
    let name = scene.observation.domain.as_str();
    let record = match &scene.observation.tls_rpt {
        Attempt::Done(record) if !record.txt.is_empty() => record,
        Attempt::Done(_) | Attempt::Skipped(_) => return,
        Attempt::Failed(failure) => {
            let mut finding = Finding::new(
                Code::of(failure.kind),
                format!("{name}: the TLSRPT record could not be looked up"),
                said(failure),
            );
            finding.means = "Whether senders report failures of TLS is unknown.".to_owned();
            list.add(0, finding);
            return;
        }
    };
    let faulty = match tls_rpt::discover(&record.txt) {
        tls_rpt::Discovery::Found(found) => {
            let words = found.advisories.iter().map(of_report_record).collect();
            add_fragile(list, Code::TlsRptFragile, name, words);
            return;
        }
        tls_rpt::Discovery::Invalid { txt, fault } => format!("{txt:?}: {fault}"),
        tls_rpt::Discovery::Several(count) => several(count, &record.txt),
        tls_rpt::Discovery::Absent { near_misses } => misses(&near_misses),
    };
    list.add(
        0,
        Finding::new(
            Code::TlsRptInvalid,
            format!("{name}: the TLSRPT record cannot be used"),
            faulty,
        ),
    );
}

fn add_fragile(list: &mut List, code: Code, name: &str, words: Vec<String>) {
    if !words.is_empty() {
        let subject = format!("{name}: {}", code.summary());
        list.add(usize::MAX, Finding::new(code, subject, words.join("; ")));
    }
}

/// A failure's words; of a policy that is none they hold its faults already.
fn seen(failure: &Failure) -> String {
    match failure.kind {
        Kind::StsPolicyInvalid => failure.message.clone(),
        _ => said(failure),
    }
}

fn several(count: usize, txt: &[String]) -> String {
    format!(
        "{count} records where there may be one: {}",
        listed(txt.iter().map(|txt| format!("{txt:?}")))
    )
}

fn misses(misses: &[(String, NearMissWhy)]) -> String {
    listed(misses.iter().map(|(txt, why)| {
        let why = match why {
            NearMissWhy::Case => "upper and lower case differ from the version's",
            NearMissWhy::LeadingJunk => "something stands before the version",
            NearMissWhy::OnlyVersion => "nothing follows the version",
            NearMissWhy::SpaceAroundEquals => "white space stands around the equals sign",
        };
        format!("{txt:?}: {why}")
    }))
}

const SPACE: &str = "white space stands before the first semicolon, for which some senders \
                     discard the record";
const SECOND: &str = "a second record differs only in white space, so that some senders see two \
                      and take neither";

fn of_record(advisory: &record::Advisory) -> String {
    match advisory {
        record::Advisory::SpaceBeforeSemicolon => SPACE.to_owned(),
        record::Advisory::SecondRecord => SECOND.to_owned(),
        record::Advisory::Duplicate(key) => format!("{key:?} is given again; the first counts"),
        record::Advisory::KeyCase(key) => format!("{key:?} is another field than its lower case"),
    }
}

fn of_report_record(advisory: &tls_rpt::Advisory) -> String {
    use tls_rpt::Advisory;
    match advisory {
        Advisory::SpaceBeforeSemicolon => SPACE.to_owned(),
        Advisory::SecondRecord => SECOND.to_owned(),
        Advisory::Duplicate(key) => format!("{key:?} is given again; the first is read"),
        Advisory::KeyCase(key) => format!("{key:?} is another field than its lower case"),
        Advisory::Scheme(uri) => format!("{uri:?} is neither mailto: nor https:"),
        Advisory::Uri(uri) => format!("{uri:?} names nobody to send to"),
        Advisory::ExclamationPoint(uri) => {
            format!("the exclamation point in {uri:?} must be percent-encoded")
        }
    }
}

/// What is fragile or weak in a policy that can be read.
fn of_policy(policy: &StsPolicy) -> Vec<String> {
    use policy::Advisory;
    let mut words: Vec<String> = policy
        .advisories
        .iter()
        .map(|advisory| match advisory {
            Advisory::BlankLine(line) => {
                format!("line {line} is empty, for which some senders refuse the policy")
            }
            Advisory::Duplicate { line, key } => {
                format!("line {line} gives {key:?} again; the first counts")
            }
            Advisory::KeyCase { line, key } => {
                format!("line {line}: {key:?} is another key than its lower case, and ignored")
            }
            Advisory::MaxAgeTooLarge(age) => {
                format!("max_age {age} is over the largest allowed, {MAX_AGE}")
            }
            Advisory::MaxAgeUnderADay(age) => {
                format!("max_age {age} is under a day, hardly any protection")
            }
            Advisory::MaxAgeUnderAWeek(age) => {
                format!("max_age {age} is under a week; weeks are what the standard expects")
            }
            Advisory::MxTwice(pattern) => format!("\"mx: {pattern}\" is there twice"),
            Advisory::MxPublicSuffix(pattern) => {
                format!("\"mx: {pattern}\" covers other people's hosts")
            }
            Advisory::MxWithoutMode => "mode none makes the mx lines meaningless".to_owned(),
        })
        .collect();
    // RFC 8461, section 3.2: SHOULD be text/plain.
    match &policy.media_type {
        MediaType::Plain => {}
        MediaType::Other(media_type) => words.push(format!(
            "its media type is {media_type:?} instead of text/plain, for which some senders \
             refuse it"
        )),
        MediaType::Missing => words
            .push("the web host gives no media type, for which some senders refuse it".to_owned()),
    }
    if !policy.unmatched_patterns.is_empty() && policy.mode != StsMode::None {
        words.push(format!(
            "no MX record names what these lines stand for: {}",
            listed(
                policy
                    .unmatched_patterns
                    .iter()
                    .map(|mx| format!("\"mx: {mx}\""))
            )
        ));
    }
    words
}
