//! One page for people who have no terminal: everything in one file, no
//! scripts, nothing fetched from anywhere, fit for printing and for archives.
//!
//! Entry points, in order: [`head`] begins the page, [`domain_report`],
//! [`domain`], [`chain`] and [`explanation`] give one result each as they come,
//! so that a page of a million results is written without being held, and
//! [`foot`] ends it with the counts, which the style sheet puts on top.
//!
//! Every text comes from strangers: it is spelt out where it would deceive a
//! reader ([`escape`]) and then escaped for HTML. Attributes hold words of our
//! own alone.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::finding::Code;
use crate::report::facts::Facts;
use crate::report::json::domain::DomainReport;
use crate::report::json::scan::DomainData;
use crate::report::json::verdict::{Finding, Seen, Senders};
use crate::report::json::words::{AnswerWord, ProtectionWord};
use crate::report::text::escape;

mod host;
mod message;

pub use message::{chain, explanation};

const STYLE: &str = "\
body{font:16px/1.5 system-ui,sans-serif;color:#1b1b1b;background:#fff;max-width:60rem;\
margin:2rem auto;padding:0 1rem}\
main{display:flex;flex-direction:column}#counts{order:-1}\
h1{font-size:1.5rem}h2{font-size:1.15rem;margin:0}\
table{border-collapse:collapse;margin:.5rem 0;width:100%}\
th,td{text-align:left;vertical-align:top;border-bottom:1px solid #ddd;padding:.25rem .5rem}\
td.n{text-align:right}\
td,p,li,dd{overflow-wrap:anywhere}\
article{border:1px solid #ccc;border-left-width:.5rem;padding:.75rem 1rem;margin:.75rem 0;\
break-inside:avoid}\
article.yes{border-left-color:#1a7f37}article.no{border-left-color:#b3261e}\
article.unknown{border-left-color:#9a6700}\
summary{cursor:pointer}.level{font-weight:600}.small{color:#555;font-size:.9rem}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem .75rem;margin:.25rem 0}\
dt{font-weight:600}dd{margin:0}\
@media print{body{max-width:none;margin:0}}";

/// What was counted while the page was written.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    pub levels: BTreeMap<ProtectionWord, u64>,
    /// Messages by their answer.
    pub messages: BTreeMap<AnswerWord, u64>,
    /// Lines that could not be read.
    pub bad: u64,
}

/// The beginning of the page.
#[must_use]
pub fn head(files: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Does mail travel over TLS? starttrace report</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>Does mail travel over TLS?</h1>\n\
         <p class=\"small\">Made by starttrace {} of {}.</p>\n<main>\n",
        env!("CARGO_PKG_VERSION"),
        text(files)
    )
}

/// The end of the page, with what was counted, and the scans it was taken from.
#[must_use]
pub fn foot(counts: &Counts, facts: &Facts) -> String {
    let mut out = String::from("<section id=\"counts\">\n");
    for sentence in facts.sentences() {
        let _ = writeln!(out, "<p>{}</p>", text(&sentence));
    }
    if !counts.levels.is_empty() {
        out.push_str(
            "<table><thead><tr><th>Level</th><th>Domains</th><th>What it means</th></tr>\
                      </thead><tbody>\n",
        );
        for (level, count) in counts.levels.iter().rev() {
            let _ = writeln!(
                out,
                "<tr><td class=\"level\">{}</td><td class=\"n\">{count}</td><td>{}</td></tr>",
                level.word(),
                meaning(*level)
            );
        }
        out.push_str("</tbody></table>\n");
    }
    if !counts.messages.is_empty() {
        out.push_str(
            "<table><thead><tr><th>Every hop over TLS?</th><th>Messages</th></tr></thead>\
                      <tbody>\n",
        );
        for (answer, count) in &counts.messages {
            let _ = writeln!(
                out,
                "<tr><td class=\"level\">{}</td><td class=\"n\">{count}</td></tr>",
                answer.word()
            );
        }
        out.push_str("</tbody></table>\n");
    }
    if counts.bad > 0 {
        let _ = writeln!(
            out,
            "<p><strong>{} of the results could not be read and are not on this page.</strong></p>",
            counts.bad
        );
    }
    out.push_str(
        "<p class=\"small\">What was seen holds for when it was seen. What could not be seen is \
         unknown, not bad.</p>\n</section>\n</main>\n</body>\n</html>\n",
    );
    out
}

/// One sentence on a level.
fn meaning(level: ProtectionWord) -> &'static str {
    match level {
        ProtectionWord::NoMail => "The domain takes no mail.",
        ProtectionWord::Cleartext => "No mail host that was seen has working TLS.",
        ProtectionWord::Mixed => "Some mail hosts have TLS, others do not.",
        ProtectionWord::Legacy => "Some mail hosts have TLS below 1.2 only, which is forbidden.",
        ProtectionWord::Encrypted => "Every mail host seen has TLS 1.2 or better.",
        ProtectionWord::Authenticated => "And each proves its name.",
        ProtectionWord::Enforced => "And a published policy makes senders insist.",
        ProtectionWord::Unknown => "Nothing could be seen.",
    }
}

/// A text of a stranger, harmless for the reader and for the page.
fn text(raw: &str) -> String {
    let shown = escape::text(raw);
    let mut out = String::with_capacity(shown.len() + 8);
    for c in shown.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn begin(out: &mut String, answer: AnswerWord, title: &str, level: &str, sentence: &str) {
    let _ = writeln!(
        out,
        "<article class=\"{}\">\n<h2>{}: <span class=\"level\">{}</span></h2>\n<p>{}</p>",
        answer.word(),
        text(title),
        text(level),
        text(sentence)
    );
}

fn senders(out: &mut String, senders: Senders) {
    out.push_str("<table><thead><tr><th>A sender that</th><th>would</th></tr></thead><tbody>\n");
    for (who, word) in [
        ("uses TLS where it can", senders.opportunistic),
        ("insists on TLS", senders.mandatory),
        ("follows MTA-STS", senders.mta_sts),
        ("follows DANE", senders.dane),
    ] {
        let _ = writeln!(
            out,
            "<tr><td>{who}</td><td>{}</td></tr>",
            delivery(word.word())
        );
    }
    out.push_str("</tbody></table>\n");
}

fn delivery(word: &str) -> &'static str {
    match word {
        "delivers-encrypted" => "deliver encrypted",
        "delivers-authenticated" => "deliver encrypted, to a host that proved its name",
        "may-deliver-cleartext" => "perhaps deliver in cleartext",
        "delivers-cleartext" => "deliver in cleartext",
        "skips-host" => "pass over the host",
        "refuses" => "return the mail",
        "defers" => "keep the mail and try again",
        "no-policy" => "find no policy, and do as it does otherwise",
        _ => "do what is not known",
    }
}

fn saw(seen: Seen, at: Option<&str>) -> String {
    let when = at.map_or_else(String::new, |at| format!(" on {}", text(at)));
    format!(
        "<p class=\"small\">Saw {} of {} addresses{when}.</p>\n",
        seen.endpoints, seen.of
    )
}

fn findings(out: &mut String, findings: &[Finding]) {
    for finding in findings {
        let _ = writeln!(
            out,
            "<details><summary><strong>{}</strong>: {}</summary><dl>",
            finding.severity.word(),
            text(&finding.subject)
        );
        for (name, words) in [
            ("seen", Some(finding.seen.as_str())),
            ("means", Some(finding.means.as_str())),
            ("fix", finding.fix.as_deref()),
            ("standard", finding.standard.as_deref()),
            ("code", Some(finding.code.as_str())),
        ] {
            if let Some(words) = words.filter(|words| !words.is_empty()) {
                let _ = writeln!(out, "<dt>{name}</dt><dd>{}</dd>", text(words));
            }
        }
        out.push_str("</dl></details>\n");
    }
}

/// A report on one domain.
#[must_use]
pub fn domain_report(report: &DomainReport) -> String {
    let verdict = &report.verdict;
    let mut out = String::new();
    let level = verdict.protection.word();
    begin(
        &mut out,
        verdict.answer,
        &report.domain,
        level,
        &verdict.reason,
    );
    within(&mut out, report);
    out.push_str("</article>\n");
    out
}

/// What a whole report tells beside level and sentence.
fn within(out: &mut String, report: &DomainReport) {
    let verdict = &report.verdict;
    host::table(out, report);
    senders(out, verdict.senders);
    findings(out, &verdict.findings);
    let _ = writeln!(
        out,
        "<p class=\"small\">Required was {}; certificates were judged as of {}.</p>",
        verdict.required.word(),
        text(&verdict.at)
    );
    out.push_str(&saw(verdict.seen, Some(&report.observed.at)));
}

/// A line of a scan.
#[must_use]
pub fn domain(line: &DomainData) -> String {
    let mut out = String::new();
    let title = line.domain.as_deref().unwrap_or(&line.input.text);
    begin(
        &mut out,
        line.answer,
        title,
        line.protection.word(),
        &line.reason,
    );
    match &line.report {
        Some(report) => within(&mut out, report),
        None => {
            if line.domain.is_some() {
                senders(&mut out, line.senders);
            }
            if !line.findings.is_empty() {
                out.push_str("<ul>\n");
                for word in &line.findings {
                    let about = Code::parse(word);
                    let _ = writeln!(
                        out,
                        "<li>{} (<code>{}</code>)</li>",
                        about.map_or_else(String::new, |code| text(code.summary())),
                        text(word)
                    );
                }
                out.push_str("</ul>\n");
            }
            if line.domain.is_some() {
                out.push_str(&saw(line.seen, line.at.as_deref()));
            }
        }
    }
    let _ = writeln!(
        out,
        "<p class=\"small\">Line {} of the list: {}</p>\n</article>",
        line.input.line,
        text(&line.input.text)
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::json::scan::InputLine;

    #[test]
    fn no_text_of_a_stranger_becomes_part_of_the_page() {
        for hostile in [
            "<script>alert(1)</script>",
            "\"><img src=x onerror=alert(1)>",
            "' onmouseover='alert(1)",
            "&lt;b&gt;",
            "</article></main><h1>",
            "a\u{202e}b\u{0}\u{7}",
        ] {
            let line = DomainData::invalid(
                InputLine {
                    line: 1,
                    text: hostile.into(),
                },
                hostile,
            );
            let page = domain(&line);
            assert!(!page.contains(hostile), "{page}");
            for tag in ["<script", "<img", "<h1", "<b>"] {
                assert!(!page.contains(tag), "{page}");
            }
            assert!(page.chars().all(|c| c == '\n' || !c.is_control()));
            assert_eq!(page.matches("</article>").count(), 1);
        }
        let whole = format!(
            "{}{}",
            head("a<b>.ndjson"),
            foot(&Counts::default(), &Facts::default())
        );
        assert!(whole.contains("a&lt;b&gt;.ndjson"));
        assert!(!whole.contains("<script") && !whole.contains("http:"));
    }
}
