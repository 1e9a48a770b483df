//! Steps, failures and foreign octets.

use std::time::Duration;

use crate::attempt::{Attempt, Because};
use crate::failure::{Detail, Failure, Kind, Stage};
use crate::report::base64;
use crate::report::json::attempt as twin;
use crate::report::json::read::{Read, ReadError, Within as _, each, time, word};

/// The attempt of a twin, with its value by `value`.
pub fn attempt<T, U>(
    step: &twin::Attempt<T>,
    value: impl FnOnce(&T) -> Read<U>,
) -> Read<Attempt<U>> {
    Ok(match step {
        twin::Attempt::Done { value: done } => Attempt::Done(value(done).within("value")?),
        twin::Attempt::Failed { failure: failed } => {
            Attempt::failed(failure(failed).within("failure")?)
        }
        twin::Attempt::Skipped { because: why } => {
            Attempt::Skipped(because(why).within("because")?)
        }
    })
}

/// A step that gives nothing but that it was done.
pub fn nothing(_: &twin::Nothing) -> Read<()> {
    Ok(())
}

fn because(text: &str) -> Read<Because> {
    if let Some(stage) = text.strip_suffix("-failed") {
        return word(Stage::ALL, Stage::word, stage).map(Because::After);
    }
    Because::PLAIN
        .iter()
        .copied()
        .find(|because| because.word() == text)
        .ok_or_else(|| {
            ReadError::new(format!(
                "{text:?} is no reason for a skipped step (a newer starttrace may know it)"
            ))
        })
}

pub fn failure(failed: &twin::Failure) -> Read<Failure> {
    let detail = &failed.detail;
    let timed =
        |text: &Option<String>, name: &str| text.as_deref().map(time).transpose().within(name);
    Ok(Failure {
        stage: failed.stage.into(),
        kind: word(Kind::ALL, Kind::word, &failed.kind).within("kind")?,
        message: failed.message.clone(),
        heard: failed
            .heard
            .as_ref()
            .map(octets)
            .transpose()
            .within("heard")?,
        detail: Detail {
            code: detail.code,
            alert: detail.alert.clone(),
            os_error: detail.os_error,
            http_status: detail.http_status,
            waited: detail.waited_ms.map(Duration::from_millis),
            not_before: timed(&detail.not_before, "detail.not_before")?,
            not_after: timed(&detail.not_after, "detail.not_after")?,
            presented: detail.presented.clone(),
            rcode: detail.rcode.clone(),
        },
    })
}

/// Octets as they came.
pub fn octets(octets: &twin::Octets) -> Read<Vec<u8>> {
    match octets {
        twin::Octets::Text(text) => Ok(text.clone().into_bytes()),
        twin::Octets::Base64(text) => unbase64(text),
    }
}

/// Octets that stand in base64.
pub fn unbase64(text: &str) -> Read<Vec<u8>> {
    base64::decode(text).ok_or_else(|| ReadError::new("this is no base64 (RFC 4648, section 4)"))
}

pub fn lines(lines: &[twin::Octets]) -> Read<Vec<Vec<u8>>> {
    each(lines, octets)
}
