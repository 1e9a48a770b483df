//! The way of a message, hop by hop.

use std::fmt::Write as _;

use crate::report::html::{begin, findings, text};
use crate::report::json::chain::{ChainData, Hop};
use crate::report::json::explanation::ExplanationData;
use crate::report::json::words::AnswerWord;

/// The chain of a message.
#[must_use]
pub fn chain(chain: &ChainData) -> String {
    let mut out = String::new();
    head(&mut out, chain, chain.answer);
    table(&mut out, chain, |_| None);
    tail(&mut out, chain);
    out.push_str("</article>\n");
    out
}

/// A chain with the causes of what lacked TLS.
#[must_use]
pub fn explanation(explanation: &ExplanationData) -> String {
    let mut out = String::new();
    let of = |number: usize| explanation.hops.iter().find(|hop| hop.hop == number);
    head(&mut out, &explanation.chain, explanation.answer);
    table(&mut out, &explanation.chain, |hop| {
        let concluded = of(hop.hop)?.conclusion.state.word();
        Some(concluded.replace('-', " "))
    });
    for hop in explanation.hops.iter().filter(|hop| !hop.causes.is_empty()) {
        let _ = writeln!(
            out,
            "<details><summary>Hop {}: why, and whom to ask</summary><dl>",
            hop.hop
        );
        for cause in &hop.causes {
            let _ = writeln!(
                out,
                "<dt>{}</dt><dd><code>{}</code>",
                cause.standing.word().replace('-', " "),
                text(&cause.code)
            );
            for (word, reasons) in [("for", &cause.for_), ("but", &cause.against)] {
                for reason in reasons {
                    let _ = writeln!(out, "<br>{word}: {}", text(reason));
                }
            }
            out.push_str("</dd>\n");
        }
        for next in &hop.next {
            let _ = writeln!(out, "<dt>next</dt><dd>{}</dd>", text(next));
        }
        out.push_str("</dl></details>\n");
    }
    tail(&mut out, &explanation.chain);
    out.push_str("</article>\n");
    out
}

fn head(out: &mut String, chain: &ChainData, answer: AnswerWord) {
    let subject = chain.message.subject.as_deref().unwrap_or("(no subject)");
    let title = match chain.source.index {
        0 => chain.source.path.to_string(),
        index => format!("{} message {}", chain.source.path, index + 1),
    };
    let level = match answer {
        AnswerWord::Yes => "every exposed hop is recorded as TLS",
        AnswerWord::No => "a hop went without TLS",
        AnswerWord::Unknown => "cannot tell",
    };
    begin(out, answer, &title, level, subject);
}

fn table(out: &mut String, chain: &ChainData, told: impl Fn(&Hop) -> Option<String>) {
    out.push_str(
        "<table><thead><tr><th>Hop</th><th>From</th><th>By</th><th>With</th><th>TLS</th>\
         <th>Line believed</th></tr></thead><tbody>\n",
    );
    for hop in &chain.hops {
        let from = hop.from.as_ref().and_then(|from| {
            let names = [&from.rdns, &from.helo, &from.ip];
            names.into_iter().flatten().next()
        });
        let by = hop
            .by
            .as_ref()
            .and_then(|by| by.host.as_ref().or(by.ip.as_ref()));
        let tls = told(hop).unwrap_or_else(|| {
            let state = hop.tls.state.word().replace('-', " ");
            match &hop.tls.standing {
                Some(standing) => format!("{state} ({})", standing.word().replace('-', " ")),
                None => state,
            }
        });
        let version = hop.tls.version.as_deref().unwrap_or_default();
        let _ = writeln!(
            out,
            "<tr><td class=\"n\">{}</td><td>{}</td><td>{}</td><td>{}</td><td>{} {}</td>\
             <td>{}</td></tr>",
            hop.hop,
            text(from.map_or("", String::as_str)),
            text(by.map_or("", String::as_str)),
            text(hop.with.as_deref().unwrap_or_default()),
            text(&tls),
            text(version),
            hop.trusted.word()
        );
    }
    out.push_str("</tbody></table>\n");
}

fn tail(out: &mut String, chain: &ChainData) {
    if !chain.legs.is_empty() {
        out.push_str("<dl>\n");
        for part in &chain.legs {
            let _ = writeln!(
                out,
                "<dt>{}</dt><dd>{}</dd>",
                part.leg.word().replace('-', " "),
                text(&part.text)
            );
        }
        out.push_str("</dl>\n");
    }
    findings(out, &chain.findings);
}
