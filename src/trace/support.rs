//! What the rest of the header says of a journey: the mailing list, forwarders,
//! the address the message was written at, the receiver's own checks. None of
//! it states TLS; it tells what the `Received:` lines mean.
//!
//! All but the mailbox's own `Authentication-Results` could be forged.

use std::ops::Range;

use crate::organisation::same_organisation;
use crate::trace::TrustRule;
use crate::trace::chain::{Hop, Trust};
use crate::trace::field_name::FieldName;
use crate::trace::message::Header;

/// Facts kept of one message.
const MOST: usize = 32;

/// One fact from a field that is no `Received:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Support {
    pub kind: SupportKind,
    /// One clause in words. May quote hostile text: escape.
    pub text: String,
    /// Line in the file, from 1.
    pub line: usize,
    /// Octets in the file.
    pub span: Range<usize>,
}

/// Where a fact comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SupportKind {
    /// RFC 8601, the topmost field of the mailbox's own side alone.
    AuthenticationResults,
    /// The address of the writer's machine, as a provider noted it.
    OriginatingIp,
    /// What Exchange noted of the sender.
    Exchange,
    /// A mailing list sent it (RFC 2919, RFC 2369).
    List,
    /// Somebody on the way sealed it (RFC 8617).
    Arc,
    /// Somebody sent it on to another address.
    Forwarded,
}

impl SupportKind {
    /// The word of the published contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::AuthenticationResults => "authentication-results",
            Self::OriginatingIp => "originating-ip",
            Self::Exchange => "exchange",
            Self::List => "list",
            Self::Arc => "arc",
            Self::Forwarded => "forwarded",
        }
    }
}

/// What the header says of how the message was sent on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Signs {
    /// The list's name, and the domain it lives at.
    pub list: Option<(String, String)>,
    /// The domain that rewrote the sender's address.
    pub srs: Option<String>,
    /// A field says that the message was sent on.
    pub forwarded: bool,
    /// Domains that sealed it.
    pub sealed: Vec<String>,
}

/// Reads what stands beside the trace.
pub(super) fn signs(header: &Header<'_>) -> Signs {
    let mut signs = Signs::default();
    for field in &header.fields {
        match field.known {
            FieldName::ListId if signs.list.is_none() => {
                signs.list = list_of(field.text().trim());
            }
            FieldName::ReturnPath if signs.srs.is_none() => {
                signs.srs = srs_of(field.text().trim());
            }
            FieldName::ForwardedFor | FieldName::ForwardedTo => signs.forwarded = true,
            FieldName::ArcSeal if signs.sealed.len() < MOST => {
                let domain = tag(field.text().trim(), "d").map(str::to_ascii_lowercase);
                signs.sealed.extend(domain);
            }
            _ => {}
        }
    }
    signs
}

/// The facts, in the order of the header; the place counts from the file's
/// beginning.
pub(super) fn facts(
    header: &Header<'_>,
    signs: &Signs,
    hops: &[Hop],
    rules: &[TrustRule],
    line: usize,
    offset: usize,
) -> Vec<Support> {
    // The newest line of somebody else: what stands below it is not ours.
    let border = hops
        .iter()
        .rev()
        .find(|hop| hop.trusted != Trust::Own)
        .map_or(usize::MAX, |hop| hop.span.start);
    let mut facts: Vec<Support> = Vec::new();
    let mut results = false;
    for field in &header.fields {
        if facts.len() >= MOST {
            break;
        }
        // Of the sender's address it is known whether it was rewritten.
        let as_it_was = field.known == FieldName::ReturnPath && signs.srs.is_none();
        if as_it_was || !is_telling(field.known) {
            continue;
        }
        let value = field.text();
        if field.known == FieldName::AuthenticationResults {
            let above = field.span.start + offset < border;
            let id = authserv_id(&value);
            if results || !above || !id.is_some_and(|id| is_own(id, hops, rules)) {
                continue;
            }
        }
        let Some((kind, text)) = fact(field.known, value.trim()) else {
            continue;
        };
        results |= kind == SupportKind::AuthenticationResults;
        if facts
            .iter()
            .any(|known| known.kind == kind && known.text == text)
        {
            continue;
        }
        facts.push(Support {
            kind,
            text,
            line: line + field.line,
            span: field.span.start + offset..field.span.end + offset,
        });
    }
    facts
}

/// Whether a field can tell a fact.
fn is_telling(name: FieldName) -> bool {
    matches!(
        name,
        FieldName::AuthenticationResults
            | FieldName::OriginatingIp
            | FieldName::ExchangeAuthAs
            | FieldName::ExchangeAuthSource
            | FieldName::ListId
            | FieldName::ArcSeal
            | FieldName::ReturnPath
            | FieldName::ForwardedTo
            | FieldName::ForwardedFor
    )
}

fn fact(name: FieldName, value: &str) -> Option<(SupportKind, String)> {
    let first = |text: &str| -> String { text.split_whitespace().next().unwrap_or("").to_owned() };
    let said = match name {
        FieldName::AuthenticationResults => {
            let id = authserv_id(value)?;
            let results = results_of(value);
            if results.is_empty() {
                return None;
            }
            let text = format!("{} found {}", short(id), results.join(", "));
            (SupportKind::AuthenticationResults, text)
        }
        FieldName::OriginatingIp => {
            let word = first(value);
            let ip = super::peer::address(&word)?;
            (
                SupportKind::OriginatingIp,
                format!("the writer's machine had the address {ip}"),
            )
        }
        FieldName::ExchangeAuthAs => (
            SupportKind::Exchange,
            format!("Exchange took the sender as {}", short(&first(value))),
        ),
        FieldName::ExchangeAuthSource => (
            SupportKind::Exchange,
            format!(
                "{} noted for Exchange who the sender is",
                short(&first(value))
            ),
        ),
        FieldName::ListId => {
            let (name, _) = list_of(value)?;
            (
                SupportKind::List,
                format!("the mailing list {} sent it", short(&name)),
            )
        }
        FieldName::ArcSeal => {
            let (instance, domain) = (tag(value, "i")?, tag(value, "d")?);
            (
                SupportKind::Arc,
                format!("{} sealed it as number {}", short(domain), short(instance)),
            )
        }
        FieldName::ReturnPath => {
            let domain = srs_of(value)?;
            (
                SupportKind::Forwarded,
                format!(
                    "{} rewrote the sender's address to send it on",
                    short(&domain)
                ),
            )
        }
        FieldName::ForwardedTo => (
            SupportKind::Forwarded,
            format!("it was sent on to {}", short(&first(value))),
        ),
        FieldName::ForwardedFor => (
            SupportKind::Forwarded,
            format!("it was sent on for {}", short(&first(value))),
        ),
        _ => return None,
    };
    Some(said)
}

/// The authentication service (RFC 8601, section 2.2).
fn authserv_id(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let end = text.find(|c: char| c == ';' || c.is_whitespace());
    let id = text.get(..end.unwrap_or(text.len()))?;
    (!id.is_empty() && !id.contains('=')).then_some(id)
}

/// `spf=pass`, `dkim=pass`: methods and results without their properties.
fn results_of(text: &str) -> Vec<String> {
    let known = [
        "spf",
        "dkim",
        "dmarc",
        "arc",
        "iprev",
        "auth",
        "sender-id",
        "dane",
    ];
    let words = text.split(';').skip(1).take(MOST);
    words
        .filter_map(|part| {
            let word = part.split_whitespace().next()?;
            let (method, result) = word.split_once('=')?;
            let legal = result.len() <= 16 && result.bytes().all(|b| b.is_ascii_alphabetic());
            (known.iter().any(|k| k.eq_ignore_ascii_case(method)) && legal)
                .then(|| word.to_ascii_lowercase())
        })
        .take(8)
        .collect()
}

fn is_own(id: &str, hops: &[Hop], rules: &[TrustRule]) -> bool {
    rules.iter().any(|rule| rule.covers_name(id))
        || hops
            .iter()
            .rev()
            .take_while(|hop| hop.trusted == Trust::Own)
            .take(64)
            .filter_map(|hop| hop.received.by.as_ref()?.host.as_deref())
            .any(|host| same_organisation(host, id))
}

/// The name within angle brackets, and the domain behind its first label
/// (RFC 2919, section 2).
fn list_of(text: &str) -> Option<(String, String)> {
    let name = match (text.rfind('<'), text.rfind('>')) {
        (Some(open), Some(close)) if open < close => text.get(open + 1..close)?,
        _ => text.split_whitespace().last()?,
    };
    let name = name.trim().to_ascii_lowercase();
    let (_, domain) = name.split_once(['.', '@'])?;
    let domain = domain.to_owned();
    (domain.contains('.') && name.len() <= 255).then_some((name, domain))
}

/// Who rewrote an address by the Sender Rewriting Scheme:
/// `<SRS0=hash=time=domain=user@forwarder>`.
fn srs_of(text: &str) -> Option<String> {
    let address = text.trim().trim_matches(['<', '>']);
    let (local, domain) = address.rsplit_once('@')?;
    let head = local.as_bytes().first_chunk::<5>()?;
    let (name, mark) = head.split_at(4);
    let rewritten = (name.eq_ignore_ascii_case(b"SRS0") || name.eq_ignore_ascii_case(b"SRS1"))
        && matches!(mark, b"=" | b"+" | b"-");
    // Microsoft's and Google's own forms of it.
    let rewritten = rewritten || local.contains("+SRS=") || local.contains("+caf_=");
    (rewritten && domain.len() <= 255).then(|| domain.to_ascii_lowercase())
}

/// A tag of a list such as `i=1; a=rsa-sha256; d=example.com` (RFC 6376,
/// section 3.2).
fn tag<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split(';').take(MOST).find_map(|part| {
        let (key, value) = part.split_once('=')?;
        (key.trim() == name).then(|| value.trim())
    })
}

fn short(text: &str) -> String {
    text.char_indices()
        .nth(120)
        .map_or(text, |(end, _)| text.get(..end).unwrap_or(text))
        .to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::trace::chain::Chain;

    fn told(header: &str) -> Vec<(SupportKind, String)> {
        let chain = Chain::parse(header.as_bytes()).unwrap();
        chain
            .supporting
            .into_iter()
            .map(|fact| (fact.kind, fact.text))
            .collect()
    }

    const OWN: &str = "Received: from a.relay.example (a.relay.example [203.0.113.7])\n\
        \tby mx.partner.example with ESMTPS id 1; Tue, 03 Nov 2026 09:14:07 +0000\n";
    const BELOW: &str = "Received: from x by y with SMTP; Tue, 03 Nov 2026 09:14:00 +0000\n";

    #[test]
    fn only_the_mailboxs_own_results_count() {
        let results = |id: &str| format!("Authentication-Results: {id}; spf=pass; dkim=fail\n");
        let own = results("partner.example");
        let expected = [(
            SupportKind::AuthenticationResults,
            "partner.example found spf=pass, dkim=fail".to_owned(),
        )];
        assert_eq!(told(&format!("{own}{OWN}{BELOW}\n")), expected);
        assert_eq!(told(&format!("{OWN}{own}{BELOW}\n")), expected);
        // Below a line of somebody else, or of somebody else.
        assert_eq!(told(&format!("{OWN}{BELOW}{own}\n")), []);
        let foreign = results("relay.example");
        assert_eq!(told(&format!("{foreign}{OWN}{BELOW}\n")), []);
        // The topmost alone.
        assert_eq!(
            told(&format!("{own}{}{OWN}\n", own.replace("fail", "pass"))),
            expected
        );
    }

    #[test]
    fn an_address_that_was_rewritten_is_known_by_its_local_part() {
        for (address, by) in [
            (
                "<SRS0=Ab1=ZZ=acme.example=bo@Forward.Example>",
                Some("forward.example"),
            ),
            ("<srs1+Ab1=a@forward.example>", Some("forward.example")),
            ("<srs0-Ab1=a@forward.example>", Some("forward.example")),
            ("<bo+SRS=Ab1=a@forward.example>", Some("forward.example")),
            ("<bo+caf_=a=b@forward.example>", Some("forward.example")),
            // RFC 6531, section 3.3: a local part may be more than ASCII.
            (
                "<bobs\u{e9}+SRS=Ab1=a@forward.example>",
                Some("forward.example"),
            ),
            ("<SRS2=Ab1=a@forward.example>", None),
            ("<SRS0@forward.example>", None),
            ("<SRS0Ab1=a@forward.example>", None),
            ("<bo@forward.example>", None),
            ("<>", None),
        ] {
            assert_eq!(srs_of(address).as_deref(), by, "{address}");
        }
    }

    #[test]
    fn fields_tell_of_lists_and_forwarders() {
        let fields = "Return-Path: <SRS0=Ab1=ZZ=acme.example=bo@forward.example>\n\
            List-Id: Fans of tests <tests.lists.example.org>\n\
            X-Originating-IP: [198.51.100.4]\n\
            ARC-Seal: i=1; a=rsa-sha256; d=forward.example; s=1; b=x\n";
        let told = told(&format!("{fields}{OWN}\n"));
        let texts: Vec<&str> = told.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "forward.example rewrote the sender's address to send it on",
                "the mailing list tests.lists.example.org sent it",
                "the writer's machine had the address 198.51.100.4",
                "forward.example sealed it as number 1",
            ]
        );
    }
}
