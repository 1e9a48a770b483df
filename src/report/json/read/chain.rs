//! A message's chain, and why its hops lacked TLS, as documents tell of them.

use jiff::{SignedDuration, Zoned, tz::TimeZone};

use crate::explain as inner;
use crate::explain::letter::Letter;
use crate::finding::{Cause, Code, Finding};
use crate::observed::statement::{Said, Statement};
use crate::report::json::chain as twin;
use crate::report::json::explanation::{ExplanationData, SaysWord, Stated};
use crate::report::json::read::attempt::octets;
use crate::report::json::read::endpoint::version;
use crate::report::json::read::{Read, ReadError, Within as _, address, each, time};
use crate::report::json::verdict;
use crate::tls::parameters::VersionLabel;
use crate::trace::chain::{Chain, Gap, Hop, MessageFacts, SoftwareMark, Source};
use crate::trace::evidence::{Evidence, TlsEvidence};
use crate::trace::field;
use crate::trace::journey::Turn;
use crate::trace::legs::Part;
use crate::trace::shared::Shared;
use crate::trace::support::Support;

pub fn chain(data: &twin::ChainData) -> Read<Chain> {
    let message = &data.message;
    Ok(Chain {
        source: Source {
            path: data.source.path.as_str().into(),
            index: data.source.index,
            kind: data.source.kind.into(),
        },
        message: MessageFacts {
            message_id: message.message_id.clone(),
            date: zoned(message.date.as_deref()).within("message.date")?,
            from: message.from.clone(),
            to: message.to.clone(),
            subject: message.subject.clone(),
            end_to_end: message.end_to_end.into(),
            tls_not_required: message.tls_not_required,
        },
        hops: each(&data.hops, hop).within("hops")?,
        gaps: data
            .gaps
            .iter()
            .map(|gap| Gap {
                between: (gap.between[0], gap.between[1]),
                kind: gap.kind.into(),
                text: gap.text.clone(),
            })
            .collect(),
        supporting: data
            .supporting
            .iter()
            .map(|fact| Support {
                kind: fact.kind.into(),
                text: fact.text.clone(),
                line: fact.line,
                span: fact.span[0]..fact.span[1],
            })
            .collect(),
        legs: data
            .legs
            .iter()
            .map(|part| Part {
                which: part.leg.into(),
                hops: part.hops.clone(),
                state: part.state.into(),
                text: part.text.clone(),
            })
            .collect(),
        answer: data.answer.into(),
        findings: findings(&data.findings).within("findings")?.into(),
    })
}

fn zoned(text: Option<&str>) -> Read<Option<Zoned>> {
    Ok(text
        .map(time)
        .transpose()?
        .map(|at| at.to_zoned(TimeZone::UTC)))
}

fn hop(hop: &twin::Hop) -> Read<Hop> {
    let raw = match &hop.raw {
        Some(raw) => octets(raw).within("raw")?,
        None => Vec::new(),
    };
    Ok(Hop {
        number: hop.hop,
        line: hop.line,
        span: hop.span[0]..hop.span[1],
        received: if raw.is_empty() {
            of_parts(hop)?
        } else {
            field::parse_raw(&raw)
        },
        raw,
        delay: hop.delay_seconds.map(SignedDuration::from_secs),
        software: hop.software.as_ref().map(|software| {
            Shared::from(SoftwareMark {
                name: software.name.clone(),
                version: software.version.clone(),
                records_tls: software.records_tls.into(),
            })
        }),
        leg: hop.leg.into(),
        trusted: hop.trusted.into(),
        journey: hop.journey,
        turn: hop.turn.as_ref().map(|turn| Turn {
            kind: turn.kind.into(),
            text: turn.text.clone(),
        }),
        tls: tls(hop).within("tls")?.into(),
    })
}

/// The field's clauses, where the field itself was not kept.
fn of_parts(hop: &twin::Hop) -> Read<field::Received> {
    let ip = |text: &Option<String>| text.as_deref().map(address).transpose();
    let piece = |text: &Option<String>| {
        text.as_ref().map(|text| field::Piece {
            text: text.clone(),
            span: 0..0,
        })
    };
    let mut received = field::Received::from(field::Said {
        via: piece(&hop.via),
        with: piece(&hop.with_text),
        protocol: hop.with.clone(),
        ..field::Said::default()
    });
    received.id = piece(&hop.id);
    received.for_ = piece(&hop.for_);
    if let Some(from) = &hop.from {
        received.from = Some(field::From {
            token: from.helo.clone().or_else(|| from.ip.clone()),
            helo: from.helo.clone(),
            rdns: from.rdns.clone(),
            ip: ip(&from.ip).within("from.ip")?,
            ..field::From::default()
        });
    }
    if let Some(by) = &hop.by {
        received.by = Some(field::By {
            host: by.host.clone(),
            ip: ip(&by.ip).within("by.ip")?,
            ..field::By::default()
        });
    }
    if let Some(at) = zoned(hop.date.as_deref()).within("date")? {
        received.date = Some(field::Date {
            at,
            zone: hop.zone.as_deref().unwrap_or_default().into(),
            span: 0..0,
        });
    }
    Ok(received)
}

fn tls(hop: &twin::Hop) -> Read<TlsEvidence> {
    let tls = &hop.tls;
    // From a place in the file to one in the field.
    let within = |at: usize| at.saturating_sub(hop.span[0]);
    Ok(TlsEvidence {
        state: tls.state.into(),
        standing: tls.standing.map(Into::into),
        version: tls
            .version
            .as_deref()
            .map(version)
            .transpose()
            .within("version")?,
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
                span: evidence.span.map(|[start, end]| within(start)..within(end)),
            })
            .collect(),
    })
}

fn findings(findings: &[verdict::Finding]) -> Read<Vec<Finding>> {
    each(findings, |finding| {
        Ok(Finding {
            code: Code::parse(&finding.code)
                .ok_or_else(|| unknown(&finding.code))
                .within("code")?,
            severity: finding.severity.into(),
            subject: finding.subject.clone(),
            seen: finding.seen.clone(),
            means: finding.means.clone(),
            fix: finding.fix.clone(),
        })
    })
}

fn unknown(code: &str) -> ReadError {
    ReadError::new(format!(
        "{code:?} is no code (a newer starttrace may know it)"
    ))
}

/// The explanation, without its chain and probes.
pub fn explanation(data: &ExplanationData) -> Read<inner::Explanation> {
    Ok(inner::Explanation {
        hops: each(&data.hops, |hop| {
            Ok(inner::HopExplanation {
                hop: hop.hop,
                conclusion: inner::Conclusion {
                    state: hop.conclusion.state.into(),
                    standing: hop.conclusion.standing.into(),
                },
                causes: each(&hop.causes, |cause| {
                    Ok(inner::RankedCause {
                        cause: Cause::parse(&cause.code)
                            .ok_or_else(|| unknown(&cause.code))
                            .within("code")?,
                        standing: cause.standing.into(),
                        for_: cause.for_.clone(),
                        against: cause.against.clone(),
                    })
                })
                .within("causes")?,
                probed: match &hop.probed {
                    Some(probed) => Some(inner::Probed {
                        matched_by: probed.matched_by.into(),
                        observed_at: time(&probed.observed_at).within("probed.observed_at")?,
                        age_days: probed.age_days,
                        from: probed.from.into(),
                    }),
                    None => None,
                },
                stated: each(&hop.stated, stated).within("stated")?,
                next: hop.next.clone(),
                letter: hop.letter.as_ref().map(|letter| Letter {
                    to: letter.to.clone(),
                    subject: letter.subject.clone(),
                    paragraphs: letter.paragraphs.clone(),
                }),
            })
        })
        .within("hops")?,
        earlier: each(&data.earlier, super::observation).within("earlier")?,
        answer: data.answer.into(),
        trouble_here: data.trouble_here,
    })
}

fn stated(data: &Stated) -> Read<Statement> {
    let says = match (data.says, data.why_not) {
        (SaysWord::Encrypted, _) => Said::Encrypted {
            version: data
                .version
                .as_deref()
                .and_then(VersionLabel::parse)
                .and_then(VersionLabel::version),
            cipher: data.cipher.clone(),
        },
        (SaysWord::Cleartext, _) => Said::Cleartext,
        (SaysWord::NoTls, Some(why)) => Said::NoTls(why.into()),
        (SaysWord::NoTls, None) => {
            return Err(ReadError::new("no-tls without why_not"));
        }
    };
    Ok(Statement {
        by: data.by.into(),
        place: data.place.clone(),
        quote: data.text.clone(),
        from: time(&data.from).within("from")?,
        until: time(&data.until).within("until")?,
        client: data.client.clone(),
        client_ip: data.client_ip,
        server: data.server.clone(),
        server_ip: data.server_ip,
        id: data.id.clone(),
        says,
    })
}
