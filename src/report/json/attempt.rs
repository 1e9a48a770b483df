//! Steps, failures and foreign octets.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::attempt;
use crate::failure;
use crate::report::base64;
use crate::report::json::words::StageWord;

/// One step of a probe: done, failed, or skipped. A query that was made and answered "none" is
/// done with an empty list; a step not taken never looks like one that failed.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "status", rename_all = "kebab-case")]
#[schemars(rename = "Attempt_{T}")]
pub enum Attempt<T> {
    /// The step was taken and gave this.
    Done { value: T },
    /// The step was taken and failed.
    Failed { failure: Box<Failure> },
    /// The step was not taken: `not-offered`, `not-asked`, `address-insecure`, `no-mail`, or
    /// the stage that failed before it, as `greeting-failed`.
    Skipped { because: String },
}

impl<T> Attempt<T> {
    /// The twin of an attempt, with its value by `twin`.
    pub fn of<'a, U>(inner: &'a attempt::Attempt<U>, twin: impl FnOnce(&'a U) -> T) -> Self {
        match inner {
            attempt::Attempt::Done(value) => Self::Done { value: twin(value) },
            attempt::Attempt::Failed(failure) => Self::Failed {
                failure: Box::new(Failure::from(&**failure)),
            },
            attempt::Attempt::Skipped(because) => Self::Skipped {
                because: because.word(),
            },
        }
    }
}

impl<'a, T: From<&'a U>, U> From<&'a attempt::Attempt<U>> for Attempt<T> {
    fn from(inner: &'a attempt::Attempt<U>) -> Self {
        Self::of(inner, T::from)
    }
}

/// What a step looks like to a reader. Not derived, since what is read by its
/// tag is buffered, and an error inside would be told without its place.
#[derive(Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
struct Fields<T> {
    status: String,
    value: Option<T>,
    failure: Option<Box<Failure>>,
    because: Option<String>,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Attempt<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Fields::deserialize(deserializer)?;
        let lacks = |field| D::Error::custom(format!("a {} step lacks `{field}`", fields.status));
        match fields.status.as_str() {
            "done" => {
                let value = fields.value.ok_or_else(|| lacks("value"))?;
                Ok(Self::Done { value })
            }
            "failed" => {
                let failure = fields.failure.ok_or_else(|| lacks("failure"))?;
                Ok(Self::Failed { failure })
            }
            "skipped" => {
                let because = fields.because.ok_or_else(|| lacks("because"))?;
                Ok(Self::Skipped { because })
            }
            other => Err(D::Error::custom(format!(
                "status {other:?} is none of done, failed, skipped"
            ))),
        }
    }
}

/// The value of a step that is done or not, and gives nothing else.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Nothing {}

impl From<&()> for Nothing {
    fn from((): &()) -> Self {
        Self {}
    }
}

/// What went wrong in a step.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    pub stage: StageWord,
    /// A stable kebab-case word; `starttrace codes` describes each. New ones may be added.
    pub kind: String,
    /// One sentence that can stand alone.
    pub message: String,
    /// The peer's own words.
    pub heard: Option<Octets>,
    pub detail: Detail,
}

/// What a machine wants to know of a failure beside the message.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Detail {
    /// SMTP reply code.
    pub code: Option<u16>,
    /// TLS alert by its name in RFC 8446, section 6.
    pub alert: Option<String>,
    /// The operating system's error number.
    pub os_error: Option<i32>,
    pub http_status: Option<u16>,
    /// How long was waited, milliseconds.
    pub waited_ms: Option<u64>,
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub not_before: Option<String>,
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub not_after: Option<String>,
    /// Names that the certificate holds, for a name mismatch.
    pub presented: Vec<String>,
    /// DNS response code by its IANA name.
    pub rcode: Option<String>,
}

impl From<&failure::Failure> for Failure {
    fn from(inner: &failure::Failure) -> Self {
        let detail = &inner.detail;
        Self {
            stage: inner.stage.into(),
            kind: inner.kind.word().to_owned(),
            message: inner.message.clone(),
            heard: inner.heard.as_deref().map(Octets::from),
            detail: Detail {
                code: detail.code,
                alert: detail.alert.clone(),
                os_error: detail.os_error,
                http_status: detail.http_status,
                waited_ms: detail.waited.map(milliseconds),
                not_before: detail.not_before.map(rfc3339),
                not_after: detail.not_after.map(rfc3339),
                presented: detail.presented.clone(),
                rcode: detail.rcode.clone(),
            },
        }
    }
}

/// Octets of a peer: `text` where they are UTF-8, else `base64` (RFC 4648, section 4).
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Octets {
    /// The octets as text.
    Text(String),
    /// The octets in base64.
    Base64(String),
}

impl From<&[u8]> for Octets {
    fn from(octets: &[u8]) -> Self {
        match std::str::from_utf8(octets) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Base64(base64::encode(octets)),
        }
    }
}

/// Lines of a peer.
pub fn lines(lines: &[Vec<u8>]) -> Vec<Octets> {
    lines.iter().map(|line| Octets::from(&line[..])).collect()
}

/// RFC 3339 in UTC.
pub fn rfc3339(at: Timestamp) -> String {
    at.to_string()
}

/// A span in whole milliseconds.
pub fn milliseconds(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Octets in lower-case hexadecimal.
pub fn hexadecimal(octets: &[u8]) -> String {
    use std::fmt::Write as _;
    octets.iter().fold(String::new(), |mut out, octet| {
        let _ = write!(out, "{octet:02x}");
        out
    })
}
