//! One JSON object, or string, a line.

use serde_json::Value;

use super::lines::Raw;
use super::{Entry, NoDomain, domain};

/// Names of fields that hold a domain, where none was named.
const USUAL: [&str; 3] = ["domain", "email", "address"];

/// How the objects are read.
#[derive(Debug)]
pub(super) struct Ndjson {
    field: Option<String>,
}

impl Ndjson {
    pub(super) fn new(field: Option<String>) -> Self {
        Self { field }
    }

    pub(super) fn entry(&self, raw: &Raw) -> Entry {
        if raw.is_cut() {
            return raw.entry(&raw.octets);
        }
        let text = match serde_json::from_slice::<Value>(raw.trimmed()) {
            Ok(Value::String(text)) => Ok(text),
            Ok(Value::Object(mut object)) => self.of(&mut object),
            Ok(_) | Err(_) => Err(NoDomain::NotJson),
        };
        match text {
            Ok(text) => raw.entry_of(text.as_bytes(), domain(text.as_bytes())),
            Err(_) if std::str::from_utf8(&raw.octets).is_err() => {
                raw.entry_of(&raw.octets, Err(NoDomain::NotUtf8))
            }
            Err(why) => raw.entry_of(&raw.octets, Err(why)),
        }
    }

    fn of(&self, object: &mut serde_json::Map<String, Value>) -> Result<String, NoDomain> {
        let missing = |field: &str| NoDomain::NoSuchField(field.to_owned());
        let name = match &self.field {
            Some(field) => field.as_str(),
            None => USUAL
                .into_iter()
                .find(|field| object.contains_key(*field))
                .ok_or_else(|| missing("domain"))?,
        };
        match object.remove(name) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(missing(name)),
        }
    }
}
