//! Which hosts belong together: one registrable domain by the Public Suffix
//! List, or one provider by the table in `organisation.toml`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::lately::Lately;
use crate::name::registrable_domain;

/// Octets of the names that are remembered, twice over.
const MOST_OCTETS: usize = 32 << 10;

/// Longer texts are no names (RFC 1035, section 2.3.4).
const LONGEST: usize = 255;

/// The organisation behind a host name, as a key to compare: the provider's
/// name where the table has one, else the registrable domain in lower case.
/// None for a single label or an address.
#[must_use]
pub fn organisation(host: &str) -> Option<String> {
    key_of(host).map(|key| (*key).to_owned())
}

/// Whether two host names belong to one organisation.
#[must_use]
pub fn same_organisation(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other) || key_of(one).is_some_and(|key| key_of(other) == Some(key))
}

/// The same, shared with all who ask for it.
pub(crate) fn key_of(host: &str) -> Option<Rc<str>> {
    if host.len() > LONGEST {
        return work_out(host);
    }
    LATELY.with_borrow_mut(|lately| {
        lately.recall(host.as_bytes()).unwrap_or_else(|| {
            let key = work_out(host);
            lately.keep(host.as_bytes(), key.clone());
            key
        })
    })
}

thread_local! {
    /// The names a thread met lately.
    static LATELY: RefCell<Lately<Option<Rc<str>>>> = RefCell::new(Lately::new(MOST_OCTETS));
}

fn work_out(host: &str) -> Option<Rc<str>> {
    let lower = host.trim_end_matches('.').to_ascii_lowercase();
    let domain = registrable_domain(&lower)?;
    Some(PROVIDERS.get(domain).map_or(domain, String::as_str).into())
}

/// Whether two host names lie in domains of one name under different suffixes
/// (`suse.de` and `suse.cz`), as firms register them. That is no proof that
/// they belong together, but enough not to call them strangers.
#[must_use]
pub fn same_brand(one: &str, other: &str) -> bool {
    let brand = |host: &str| -> Option<String> {
        let lower = host.trim_end_matches('.').to_ascii_lowercase();
        let (label, _) = registrable_domain(&lower)?.split_once('.')?;
        // Short labels under many suffixes belong to many.
        (label.len() >= 4).then(|| label.to_owned())
    };
    brand(one).is_some_and(|label| brand(other) == Some(label))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    organisation: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    domains: Vec<String>,
}

static PROVIDERS: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    let table: Table = toml::from_str(include_str!("organisation.toml"))
        .expect("the table is part of the program, and a test reads it");
    table
        .organisation
        .into_iter()
        .flat_map(|row| {
            let name = row.name;
            row.domains
                .into_iter()
                .map(move |domain| (domain, name.clone()))
        })
        .collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_one_provider_belong_together() {
        for (one, other, same) in [
            ("a.eurprd04.prod.outlook.com", "b.office365.com", true),
            ("mx1.partner.example", "MX2.partner.example.", true),
            ("mx.partner.example", "mx.other.example", false),
            ("localhost", "mx.other.example", false),
            ("smtp7", "smtp7", true),
            ("a.co.uk", "b.co.uk", false),
        ] {
            assert_eq!(same_organisation(one, other), same, "{one} {other}");
        }
    }

    #[test]
    fn one_name_under_two_suffixes_is_one_brand() {
        for (one, other, same) in [
            ("mx.partner.example", "out.partner.co.uk", true),
            ("mx.partner.example", "out.partners.example", false),
            ("mx.web.de", "mx.web.com", false),
            ("partner", "mx.partner.example", false),
        ] {
            assert_eq!(same_brand(one, other), same, "{one} {other}");
        }
    }
}
