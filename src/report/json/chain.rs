//! `chain`: the hops of one message.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::json::attempt::{Octets, rfc3339};
use crate::report::json::verdict::{Finding, findings};
use crate::report::json::words::{
    AnswerWord, ClientCertificateWord, EndToEndWord, EvidenceWord, GapWord, LegWord, PartStateWord,
    RecordsTlsWord, SaysWord, SourceKindWord, StandingWord, SupportWord, TlsStateWord, TrustWord,
    TurnWord, WhichWord,
};
use crate::trace::chain as inner;
use crate::trace::field::Piece;

/// The Received chain of one message.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ChainData {
    pub source: Source,
    pub message: Message,
    /// In travel order: hop 1 is the oldest.
    pub hops: Vec<Hop>,
    pub gaps: Vec<Gap>,
    /// What other fields of the header say of the journey. All but the mailbox's own
    /// authentication results could be forged.
    pub supporting: Vec<Supporting>,
    /// The way in three parts: from the writer to the writer's server, between the servers,
    /// from the last server to the reader.
    pub legs: Vec<Part>,
    /// `yes`: every exposed hop is recorded as encrypted on trustworthy lines. `no`: an exposed
    /// hop was proved or likely cleartext.
    pub answer: AnswerWord,
    pub findings: Vec<Finding>,
}

impl From<&inner::Chain> for ChainData {
    fn from(chain: &inner::Chain) -> Self {
        let message = &chain.message;
        Self {
            source: Source {
                path: chain.source.path.to_string(),
                index: chain.source.index,
                kind: chain.source.kind.into(),
            },
            message: Message {
                message_id: message.message_id.clone(),
                date: message.date.as_ref().map(|date| rfc3339(date.timestamp())),
                from: message.from.clone(),
                to: message.to.clone(),
                subject: message.subject.clone(),
                end_to_end: message.end_to_end.into(),
                tls_not_required: message.tls_not_required,
            },
            hops: chain.hops.iter().map(Hop::from).collect(),
            gaps: chain
                .gaps
                .iter()
                .map(|gap| Gap {
                    between: [gap.between.0, gap.between.1],
                    kind: gap.kind.into(),
                    text: gap.text.clone(),
                })
                .collect(),
            supporting: chain
                .supporting
                .iter()
                .map(|fact| Supporting {
                    kind: fact.kind.into(),
                    text: fact.text.clone(),
                    line: fact.line,
                    span: span(&fact.span),
                })
                .collect(),
            legs: chain
                .legs
                .iter()
                .map(|part| Part {
                    leg: part.which.into(),
                    hops: part.hops.clone(),
                    state: part.state.into(),
                    text: part.text.clone(),
                })
                .collect(),
            answer: chain.answer.into(),
            findings: findings(&chain.findings),
        }
    }
}

/// Where the message came from.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    /// As given; `-` is standard input.
    pub path: String,
    /// Which message of the file, from 0.
    pub index: usize,
    pub kind: SourceKindWord,
}

/// What the message says of itself.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    pub message_id: Option<String>,
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub date: Option<String>,
    pub from: Option<String>,
    pub to: Vec<String>,
    pub subject: Option<String>,
    pub end_to_end: EndToEndWord,
    /// `TLS-Required: No` (RFC 8689, section 3) is in the header.
    pub tls_not_required: bool,
}

/// One hop: one Received field.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Hop {
    /// From 1, the oldest.
    pub hop: usize,
    /// Line in the file, from 1.
    pub line: usize,
    /// Octets in the file: first, and one behind the last.
    pub span: [usize; 2],
    /// The field as it stands in the file, folds kept; null in what older versions wrote.
    pub raw: Option<Octets>,
    /// Names as written, without brackets.
    pub from: Option<From_>,
    pub by: Option<By>,
    /// The protocol in upper case.
    pub with: Option<String>,
    /// The protocol as written.
    pub with_text: Option<String>,
    pub via: Option<String>,
    pub id: Option<String>,
    /// Without angle brackets.
    #[serde(rename = "for")]
    pub for_: Option<String>,
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub date: Option<String>,
    /// The zone as written.
    pub zone: Option<String>,
    /// Since the hop before; negative where clocks disagree.
    pub delay_seconds: Option<i64>,
    pub software: Option<Software>,
    pub leg: LegWord,
    pub trusted: TrustWord,
    /// From 1; a mailing list, a forwarder or a program that fetches mail begins the next.
    pub journey: usize,
    /// How the message was sent on before this hop; null where it was not.
    pub turn: Option<Turn>,
    pub tls: Tls,
}

impl From<&inner::Hop> for Hop {
    fn from(hop: &inner::Hop) -> Self {
        let received = &hop.received;
        let text = |piece: &Option<Piece>| piece.as_ref().map(|piece| piece.text.clone());
        Self {
            hop: hop.number,
            line: hop.line,
            span: span(&hop.span),
            raw: Some(Octets::from(&hop.raw[..])),
            from: received.from.as_ref().map(|from| From_ {
                helo: from.helo.clone(),
                rdns: from.rdns.clone(),
                ip: from.ip.map(|ip| ip.to_string()),
            }),
            by: received.by.as_ref().map(|by| By {
                host: by.host.clone(),
                ip: by.ip.map(|ip| ip.to_string()),
            }),
            with: received.keyword(),
            with_text: text(&received.with),
            via: text(&received.via),
            id: text(&received.id),
            for_: text(&received.for_),
            date: received
                .date
                .as_ref()
                .map(|date| rfc3339(date.at.timestamp())),
            zone: received.date.as_ref().map(|date| date.zone.to_string()),
            delay_seconds: hop.delay.map(|delay| delay.as_secs()),
            software: hop.software.as_ref().map(|software| Software {
                name: software.name.clone(),
                version: software.version.clone(),
                records_tls: software.records_tls.into(),
            }),
            leg: hop.leg.into(),
            trusted: hop.trusted.into(),
            journey: hop.journey,
            turn: hop.turn.as_ref().map(|turn| Turn {
                kind: turn.kind.into(),
                text: turn.text.clone(),
            }),
            tls: Tls::of(hop),
        }
    }
}

/// Who connected.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "From")]
pub struct From_ {
    pub helo: Option<String>,
    pub rdns: Option<String>,
    pub ip: Option<String>,
}

/// Who wrote the line.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct By {
    pub host: Option<String>,
    pub ip: Option<String>,
}

/// The software that wrote the line.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Software {
    pub name: String,
    pub version: Option<String>,
    pub records_tls: RecordsTlsWord,
}

/// What the line attests about TLS.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Tls {
    pub state: TlsStateWord,
    /// Null where the state is unstated or not applicable.
    pub standing: Option<StandingWord>,
    /// Normalised (`TLSv1.3`).
    pub version: Option<String>,
    /// As written.
    pub version_label: Option<String>,
    /// IANA name.
    pub cipher: Option<String>,
    /// As written.
    pub cipher_label: Option<String>,
    pub bits: Option<u32>,
    /// As written.
    pub bits_label: Option<String>,
    pub client_certificate: Option<ClientCertificateWord>,
    /// False for an anonymous suite; null where the cipher is unknown.
    pub authenticated_cipher: Option<bool>,
    pub evidence: Vec<Evidence>,
}

impl Tls {
    fn of(hop: &inner::Hop) -> Self {
        let tls = &hop.tls;
        Self {
            state: tls.state.into(),
            standing: tls.standing.map(Into::into),
            version: tls.version.map(|version| version.name().to_owned()),
            version_label: tls.version_label.clone(),
            cipher: tls.cipher.clone(),
            cipher_label: tls.cipher_label.clone(),
            bits: tls.bits,
            bits_label: tls.bits_label.clone(),
            client_certificate: tls.client_certificate.map(Into::into),
            authenticated_cipher: tls.authenticated_cipher,
            evidence: tls
                .evidence
                .iter()
                .map(|evidence| Evidence {
                    kind: evidence.kind.into(),
                    says: evidence.says.into(),
                    text: evidence.text.clone(),
                    span: evidence.span.as_ref().map(|place| span(&hop.place(place))),
                })
                .collect(),
        }
    }
}

/// One piece of evidence.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    pub kind: EvidenceWord,
    pub says: SaysWord,
    pub text: String,
    /// Octets in the file, if it stands in the file.
    pub span: Option<[usize; 2]>,
}

/// How a message was sent on.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Turn {
    pub kind: TurnWord,
    pub text: String,
}

/// What a field other than Received says.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Supporting {
    pub kind: SupportWord,
    pub text: String,
    /// Line in the file, from 1.
    pub line: usize,
    /// Octets in the file.
    pub span: [usize; 2],
}

/// One of three parts of the way.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    pub leg: WhichWord,
    /// The hops that tell of it.
    pub hops: Vec<usize>,
    pub state: PartStateWord,
    /// One sentence for people, without full stop.
    pub text: String,
}

/// A break between two neighbouring hops.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// Hop numbers.
    pub between: [usize; 2],
    pub kind: GapWord,
    pub text: String,
}

fn span(range: &Range<usize>) -> [usize; 2] {
    [range.start, range.end]
}
