//! How software remarks on TLS in a `Received:` field.
//!
//! One function a dialect, tried in order; each reads a whole comment or gives
//! none, so that words which merely resemble a remark are no evidence. The
//! templates come from the programs' sources (Postfix `smtpd.c`, Sendmail
//! `cfhead.m4`, Exim `globals.c`, OpenSMTPD `smtp_session.c`, Courier
//! `submit.C`, mox `tlsrecv.go`, Stalwart `write_received`, Cyrus `tls.c`) and
//! from public mail (Exchange, Mimecast, IBM, Symantec, MailMarshal).

use crate::tls::parameters::VersionLabel;
use crate::trace::evidence::ClientCertificate;
use crate::trace::field::{Piece, Place, Received};
use crate::trace::nocase;

/// How many remarks of one field are kept.
const MOST_NOTES: usize = 16;
/// How many loose words of one field are looked at.
const MOST_WORDS: usize = 256;

/// A remark that states TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsNote {
    /// As written; none where only the fact is stated.
    pub version_label: Option<String>,
    pub cipher_label: Option<String>,
    pub bits: Option<u32>,
    pub bits_label: Option<String>,
    pub client_certificate: Option<ClientCertificate>,
}

/// What all the remarks of a field say together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// Comments and words that state TLS, with the place of each; the first
    /// few, a real line has at most three.
    pub stated: Vec<(TlsNote, Piece)>,
    /// How many of `stated`, from the first, are comments.
    pub comments: usize,
    /// What remarks beside them say of the client's certificate.
    pub client_certificate: Option<ClientCertificate>,
}

/// Reads every remark of a field, but those the client could have written.
#[must_use]
pub fn read(received: &Received) -> Notes {
    let mut notes = Notes::default();
    let mut torn = false;
    for (comment, place) in received.placed_comments() {
        if matches!(place, Place::BeforePeer | Place::Start) {
            continue;
        }
        if notes.stated.len() >= MOST_NOTES {
            break;
        }
        // An envelope sender with parentheses in it tears its comment in
        // pieces, and what follows are the sender's words.
        if torn {
            break;
        }
        torn = is_torn(&comment.text);
        if let Some(certificate) = client_certificate(&comment.text) {
            notes.client_certificate.get_or_insert(certificate);
        } else if let Some(note) = comment_note(&comment.text) {
            notes.stated.push((note, comment.clone()));
            notes.comments += 1;
        }
    }
    if let Some(with) = &received.with
        && let Some(note) = with_note(&with.text)
    {
        notes.stated.push((note, with.clone()));
    }
    for other in received.other.iter().take(MOST_WORDS) {
        if let Some(note) = loose_note(&other.text) {
            notes.stated.push((note, other.clone()));
        }
    }
    // Hotmail of old: `by h over TLS secured channel with Microsoft SMTPSVC`.
    let over = received.other.windows(3).take(MOST_WORDS).find(|words| {
        let word = |at: usize| words.get(at).map(|p: &Piece| p.text.as_str());
        word(0) == Some("over") && word(1) == Some("TLS") && word(2) == Some("secured")
    });
    if let Some([first, .., last]) = over {
        let text = "over TLS secured channel".to_owned();
        let span = first.span.start..last.span.end;
        notes
            .stated
            .push((TlsNote::default(), Piece { text, span }));
    }
    notes
}

/// Whether a text opens what it does not close.
fn is_torn(text: &str) -> bool {
    let octets = text.as_bytes();
    let (mut open, mut quotes) = (0_isize, 0_usize);
    for at in memchr::memchr3_iter(b'<', b'>', b'"', octets) {
        match octets.get(at) {
            Some(b'<') => open += 1,
            Some(b'>') => open -= 1,
            _ => quotes += 1,
        }
    }
    open > 0 || quotes % 2 == 1
}

/// Reads one comment.
#[must_use]
pub fn comment_note(text: &str) -> Option<TlsNote> {
    if text.len() > 2048 {
        return None;
    }
    let text = text.trim();
    bare_marker(text)
        .or_else(|| using(text))
        .or_else(|| assignments(text))
        .or_else(|| courier(text))
        .or_else(|| colons(text))
        .or_else(|| encrypted(text))
        .or_else(|| chasquid(text))
        .or_else(|| generic(text))
        .or_else(|| version_and_suite(text))
        .or_else(|| dotnet(text))
}

/// `(TLS)`, `(SSL)`, `(Using TLS)`, `(TLS encrypted)`, `(TLS1.3)`, `(requiretls)`.
fn bare_marker(text: &str) -> Option<TlsNote> {
    let fact = [
        "tls",
        "ssl",
        "using tls",
        "tls encrypted",
        "google transport security",
        // RFC 8689, section 4.2.1: only ever relayed over TLS.
        "requiretls",
    ];
    if fact.iter().any(|fact| fact.eq_ignore_ascii_case(text)) {
        return Some(TlsNote::default());
    }
    let label = VersionLabel::parse(text)?;
    label.version()?;
    Some(TlsNote {
        version_label: Some(text.to_owned()),
        ..TlsNote::default()
    })
}

/// `using V with cipher C (256/256 bits) …` (Postfix and its kin),
/// `using TLSv1` (Postini), `using TLS: TLSv1.2, AES256-SHA` (MailMarshal).
fn using(text: &str) -> Option<TlsNote> {
    let rest = nocase::strip_prefix(text, "using ")?;
    if let Some(list) = nocase::strip_prefix(rest, "TLS: ") {
        let mut parts = list.split(',').map(str::trim);
        let version = parts.next()?;
        VersionLabel::parse(version)?;
        return Some(note(Some(version), parts.next(), None));
    }
    let mut words = rest.split_ascii_whitespace();
    let version = words.next()?;
    let label = VersionLabel::parse(version)?;
    let version = (label != VersionLabel::Some).then_some(version);
    match (words.next(), words.next(), words.next()) {
        (None, _, _) => Some(note(version, None, None)),
        (Some("with"), Some("cipher"), Some(cipher)) => {
            let behind = rest.split_once(cipher).map_or("", |(_, b)| b).trim_start();
            // `(256/256 bits)` or `(256 bits)`, not `(curve … 256 ECDH bits)`.
            let bits = behind
                .strip_prefix('(')
                .and_then(|b| b.split_once(')'))
                .and_then(|(b, _)| b.strip_suffix(" bits"))
                .filter(|b| b.bytes().all(|c| c.is_ascii_digit() || c == b'/'));
            Some(note(version, Some(cipher.trim_end_matches(',')), bits))
        }
        _ => None,
    }
}

/// `version=V cipher=C bits=256 verify=NO` (Sendmail), with commas (Exchange,
/// Mimecast), with `tlsversion=` (Exclaimer), `cipher=C subject="…"`
/// (Momentum).
fn assignments(text: &str) -> Option<TlsNote> {
    // MIMEDefang: `TLS bits=256 verify=OK`.
    let bare = text.strip_prefix("TLS bits=").is_some();
    let first = text.split(['=', ' ']).next()?;
    if !bare && !["version", "tlsversion", "cipher"].contains(&first) {
        return None;
    }
    let mut made = TlsNote::default();
    let mut said = bare;
    for word in text
        .split([' ', ',', '\t'])
        .filter(|word| !word.is_empty())
        .take(24)
    {
        let Some((key, written)) = word.split_once('=') else {
            continue;
        };
        let written = written.trim_matches(';');
        if written.is_empty() {
            continue;
        }
        match key {
            "version" | "tlsversion" => {
                // SmarterMail: `version=TLS\Tls12`.
                let written = written.strip_prefix("TLS\\").unwrap_or(written);
                let label = VersionLabel::parse(written)?;
                said = true;
                if label != VersionLabel::Some {
                    made.version_label.get_or_insert(written.to_owned());
                }
            }
            "cipher" | "tlscipher" => {
                let none = ["(none)", "none", "0"].contains(&written.to_ascii_lowercase().as_str());
                if none {
                    return None;
                }
                said = true;
                made.cipher_label.get_or_insert(written.to_owned());
            }
            "bits" => {
                made.bits = leading_number(written);
                made.bits_label = Some(written.to_owned());
            }
            // Sendmail's ${verify}: OK and TRUSTED verified; NO none was
            // presented; NOT none was asked for.
            "verify" => {
                made.client_certificate = match written.to_ascii_uppercase().as_str() {
                    "OK" | "TRUSTED" => Some(ClientCertificate::Verified),
                    "NO" | "NOT" => Some(ClientCertificate::None),
                    "FAIL" => Some(ClientCertificate::Presented),
                    _ => None,
                };
            }
            "subject" => made.client_certificate = Some(ClientCertificate::Presented),
            _ => {}
        }
    }
    said.then_some(made)
}

/// `TLS: V,256bits,C`, after `AUTH: …,` perhaps (Courier).
fn courier(text: &str) -> Option<TlsNote> {
    let at = if text.starts_with("TLS: ") {
        0
    } else if text.starts_with("AUTH: ") {
        text.find(", TLS: ")? + 2
    } else {
        return None;
    };
    let mut parts = text.get(at + 5..)?.split(',').map(str::trim);
    let version = parts.next()?;
    VersionLabel::parse(version)?;
    let bits = parts.next()?.strip_suffix("bits")?;
    Some(note(Some(version), parts.next(), Some(bits)))
}

/// `V:C:bits` (Exim to 4.92), `V:C:bits:NO` (OpenSMTPD), `V:C` (KumoMTA), after
/// `Cipher` or `tls_cipher` in older Exim.
fn colons(text: &str) -> Option<TlsNote> {
    let text = nocase::strip_prefix(text, "cipher ")
        .or_else(|| nocase::strip_prefix(text, "tls_cipher "))
        .unwrap_or(text);
    let mut parts = text.split(':');
    let version = parts.next()?;
    VersionLabel::parse(version)?.version()?;
    let cipher = parts.next()?;
    if !is_cipher(cipher) {
        return None;
    }
    let bits = parts.next();
    if bits.is_some_and(|b| b.parse::<u32>().is_err()) {
        return None;
    }
    let mut made = note(Some(version), Some(cipher), bits);
    made.client_certificate = match parts.next() {
        Some("YES") => Some(ClientCertificate::Verified),
        Some("NO") => Some(ClientCertificate::None),
        Some(_) => return None,
        None => None,
    };
    parts.next().is_none().then_some(made)
}

/// `C encrypted` (qpsmtpd), `C encrypted, authenticated` (s/qmail),
/// `V:C encrypted` (Telekom).
fn encrypted(text: &str) -> Option<TlsNote> {
    let text = text.strip_suffix(", authenticated").unwrap_or(text);
    let cipher = text.strip_suffix(" encrypted")?;
    if let Some((version, cipher)) = cipher.split_once(':') {
        VersionLabel::parse(version)?.version()?;
        return is_cipher(cipher).then(|| note(Some(version), Some(cipher), None));
    }
    is_cipher(cipher).then(|| note(None, Some(cipher), None))
}

/// `over submission+TLS, TLS-1.3, envelope from …` (chasquid).
fn chasquid(text: &str) -> Option<TlsNote> {
    let rest = text.strip_prefix("over ")?;
    let mut parts = rest.split(", ");
    let _port = parts.next()?;
    let version = parts.next()?;
    VersionLabel::parse(version)?.version()?;
    Some(note(Some(version), None, None))
}

/// `Generic MTA with TLSv1.2 C 256/256`, `Cellopoint … with TLS`.
fn generic(text: &str) -> Option<TlsNote> {
    let (head, rest) = text.rsplit_once(" with ")?;
    let mta = head.starts_with("Cellopoint ") || head.ends_with("MTA") || head.ends_with(" ESMTP");
    if !mta || head.contains(['<', '>', '@', '"', '=']) {
        return None;
    }
    if rest == "TLS" {
        return Some(TlsNote::default());
    }
    let mut words = rest.split_ascii_whitespace();
    let version = words.next()?;
    VersionLabel::parse(version)?.version()?;
    let cipher = words.next().filter(|cipher| is_cipher(cipher))?;
    Some(note(Some(version), Some(cipher), words.next()))
}

/// `Tls12, Aes256, Sha384, DiffieHellmanEllipticKey384`: the words of .NET's
/// `SslStream`.
fn dotnet(text: &str) -> Option<TlsNote> {
    let (version, algorithms) = text.split_once(", ")?;
    if !["Tls", "Tls11", "Tls12", "Tls13"].contains(&version) {
        return None;
    }
    let plain = algorithms
        .split(", ")
        .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric()));
    plain.then(|| note(Some(version), Some(algorithms), None))
}

/// `TLS1.3 TLS_AES_128_GCM_SHA256` (mox).
fn version_and_suite(text: &str) -> Option<TlsNote> {
    let (version, cipher) = text.split_once(' ')?;
    VersionLabel::parse(version)?.version()?;
    is_cipher(cipher).then(|| note(Some(version), Some(cipher), None))
}

/// Words of the `with` clause that state TLS.
fn with_note(text: &str) -> Option<TlsNote> {
    // Cisco: ESMTP/TLS/C.
    let first = text.split(' ').next()?;
    let mut parts = first.split('/');
    if let (Some(_), Some("TLS"), cipher) = (parts.next(), parts.next(), parts.next()) {
        return Some(note(None, cipher, None));
    }
    // qmail with TLS, MessageLabs: C encrypted SMTP.
    if let Some((cipher, rest)) = text.split_once(" encrypted ")
        && is_cipher(cipher)
        && rest.to_ascii_uppercase().contains("SMTP")
    {
        return Some(note(None, Some(cipher), None));
    }
    None
}

/// Words outside any clause: OpenSMTPD to 5.9 wrote `TLS version=… cipher=…`,
/// Mimecast writes `with STARTTLS`.
fn loose_note(text: &str) -> Option<TlsNote> {
    if text == "with STARTTLS" || text == "with both STARTTLS and AUTH" {
        return Some(TlsNote::default());
    }
    text.strip_prefix("TLS version=")
        .and_then(|_| assignments(text.get(4..)?))
}

/// Whether words outside any clause are known ones.
pub(super) fn is_loose_note(text: &str) -> bool {
    loose_note(text).is_some() || ["over", "TLS", "secured", "channel"].contains(&text)
}

/// A remark on the client's certificate alone.
#[must_use]
pub fn client_certificate(text: &str) -> Option<ClientCertificate> {
    let text = text.trim();
    let none = [
        "no client certificate requested",
        "client did not present a certificate",
        "client certificate not present",
    ];
    if none.iter().any(|none| none.eq_ignore_ascii_case(text)) {
        return Some(ClientCertificate::None);
    }
    let rest = nocase::strip_prefix(text, "client ")?;
    if nocase::starts_with(rest, "cn \"") {
        let verified = rest.to_ascii_lowercase().ends_with("(verified ok)");
        return Some(if verified {
            ClientCertificate::Verified
        } else {
            ClientCertificate::Presented
        });
    }
    nocase::starts_with(rest, "rpk ").then_some(ClientCertificate::Presented)
}

fn note(version: Option<&str>, cipher: Option<&str>, bits: Option<&str>) -> TlsNote {
    TlsNote {
        version_label: version.map(str::to_owned),
        cipher_label: cipher.filter(|c| !c.is_empty()).map(str::to_owned),
        bits: bits.and_then(leading_number),
        bits_label: bits.map(str::to_owned),
        client_certificate: None,
    }
}

/// `256/256` gives the bits in use first.
fn leading_number(text: &str) -> Option<u32> {
    let digits: String = text
        .chars()
        .take_while(char::is_ascii_digit)
        .take(6)
        .collect();
    digits.parse().ok()
}

fn is_cipher(word: &str) -> bool {
    word.len() >= 5
        && word.len() <= 80
        && word
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        && word.bytes().any(|b| b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn p4_every_dialect_is_read() {
        for (text, version, cipher, bits) in [
            (
                "using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519",
                "TLSv1.3",
                "TLS_AES_256_GCM_SHA384",
                256,
            ),
            (
                "using TLSv1 with cipher ECDHE-RSA-AES256-SHA (curve X9 with 256 ECDH bits, eq. 3072 bits RSA)",
                "TLSv1",
                "ECDHE-RSA-AES256-SHA",
                0,
            ),
            (
                "using TLS with cipher AES128-SHA256 (128/128 bits)",
                "",
                "AES128-SHA256",
                128,
            ),
            ("using TLS: TLSv1.2, AES256-SHA", "TLSv1.2", "AES256-SHA", 0),
            ("using TLSv1", "TLSv1", "", 0),
            (
                "version=TLSv1/SSLv3 cipher=DHE-RSA-AES256-SHA bits=256 verify=NOT",
                "TLSv1/SSLv3",
                "DHE-RSA-AES256-SHA",
                256,
            ),
            (
                "version=TLS1_2, cipher=TLS_RSA_WITH_AES_256_CBC_SHA",
                "TLS1_2",
                "TLS_RSA_WITH_AES_256_CBC_SHA",
                0,
            ),
            (
                "tlsversion=TLS12, tlscipher=TLS_ECDHE_WITH_AES256_SHA1",
                "TLS12",
                "TLS_ECDHE_WITH_AES256_SHA1",
                0,
            ),
            (
                "TLS1.2:ECDHE_RSA_AES_256_GCM_SHA384:256",
                "TLS1.2",
                "ECDHE_RSA_AES_256_GCM_SHA384",
                256,
            ),
            (
                "Cipher TLSv1:DES-CBC3-SHA:168",
                "TLSv1",
                "DES-CBC3-SHA",
                168,
            ),
            (
                "TLSv1.3:TLS_AES_256_GCM_SHA384:256:NO",
                "TLSv1.3",
                "TLS_AES_256_GCM_SHA384",
                256,
            ),
            (
                "TLS: TLSv1.3,256bits,TLS_AES_256_GCM_SHA384",
                "TLSv1.3",
                "TLS_AES_256_GCM_SHA384",
                256,
            ),
            (
                "AUTH: CRAM-MD5 u, TLS: TLS1.3, 128bits, X_Y_Z",
                "TLS1.3",
                "X_Y_Z",
                128,
            ),
            (
                "TLS1.3 TLS_AES_128_GCM_SHA256",
                "TLS1.3",
                "TLS_AES_128_GCM_SHA256",
                0,
            ),
            (
                "TLS_AES_256_GCM_SHA384 encrypted",
                "",
                "TLS_AES_256_GCM_SHA384",
                0,
            ),
            (
                "over submission+TLS, TLS-1.3, envelope from \"a\"",
                "TLS-1.3",
                "",
                0,
            ),
            (
                "Generic MTA with TLSv1.2 A-B-C 256/256",
                "TLSv1.2",
                "A-B-C",
                256,
            ),
            ("TLS1.3", "TLS1.3", "", 0),
            ("Using TLS", "", "", 0),
            ("TLS", "", "", 0),
        ] {
            let note = comment_note(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(note.version_label.unwrap_or_default(), version, "{text}");
            assert_eq!(note.cipher_label.unwrap_or_default(), cipher, "{text}");
            assert_eq!(note.bits.unwrap_or_default(), bits, "{text}");
        }
    }

    #[test]
    fn words_that_resemble_a_remark_state_nothing() {
        for text in [
            "",
            "Postfix",
            "Exim 4.97.1",
            "envelope-from <using TLSv1.3 with cipher X>",
            "Authenticated sender: TLS",
            "version=",
            "version=none cipher=none",
            "using nothing",
            "8.17.1/8.17.1",
            "helo=TLS1.3",
            "No TLS",
            "cipher=(NONE)",
            "TLSv1.3 by x",
            "STARTTLS failed",
        ] {
            assert_eq!(comment_note(text), None, "{text}");
        }
    }
}
