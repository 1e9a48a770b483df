//! The envelope round every document, and the schema of all of them.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Value, json};

use crate::explain::Explanation;
use crate::explain::cases::{Cases, Met};
use crate::finding::{Cause, Code};
use crate::history::change::{Change, Judged};
use crate::history::{Known, Pruned};
use crate::observed::domain::DomainObservation;
use crate::report::json::cases::CasesData;
use crate::report::json::chain::ChainData;
use crate::report::json::code::CodeData;
use crate::report::json::domain::DomainReport;
use crate::report::json::explanation::ExplanationData;
use crate::report::json::history::{DiffData, HistoryData};
use crate::report::json::scan::{DomainData, RunData, ScanSummary};
use crate::report::json::summary::SummaryData;
use crate::report::json::unknown::UnknownLineData;
use crate::trace::chain::Chain;
use crate::trace::summary::Summary;
use crate::trace::unknown::Shape;
use crate::trace::witness::Witnesses;
use crate::verdict::Verdict;

/// The version of the published format.
pub const SCHEMA_VERSION: &str = "1.0";

/// What `check` saw of one domain, and what it means.
#[must_use]
pub fn domain_report(observation: &DomainObservation, verdict: &Verdict) -> Value {
    envelope("domain-report", &DomainReport::new(observation, verdict))
}

/// The hops of one message.
#[must_use]
pub fn chain(chain: &Chain) -> Value {
    envelope("chain", &ChainData::from(chain))
}

/// The same document in one line, written straight from the twins: for many
/// messages.
#[must_use]
pub fn chain_line(chain: &Chain) -> String {
    #[derive(Serialize)]
    struct Envelope {
        schema: &'static str,
        r#type: &'static str,
        data: ChainData,
    }
    let document = Envelope {
        schema: SCHEMA_VERSION,
        r#type: "chain",
        data: ChainData::from(chain),
    };
    serde_json::to_string(&document)
        .expect("the twins are structs, strings and numbers, which always serialise")
}

/// Why the hops of one message lacked TLS.
#[must_use]
pub fn explanation(
    chain: &Chain,
    probes: &[(DomainObservation, Verdict)],
    explanation: &Explanation,
) -> Value {
    explanation_among(chain, probes, explanation, &[])
}

/// The same for one of many messages, with the cases that its hops are of.
#[must_use]
pub fn explanation_among(
    chain: &Chain,
    probes: &[(DomainObservation, Verdict)],
    explanation: &Explanation,
    met: &[Option<Met>],
) -> Value {
    envelope(
        "explanation",
        &ExplanationData::new(chain, probes, explanation, met),
    )
}

/// Many messages in cases; `skipped` inputs gave no chain.
#[must_use]
pub fn cases(cases: &Cases, skipped: usize) -> Value {
    envelope("summary", &CasesData::new(cases, skipped))
}

/// The hops of many messages in one table; `skipped` inputs gave no chain.
#[must_use]
pub fn summary(summary: &Summary, witnesses: &Witnesses, skipped: usize) -> Value {
    envelope("summary", &SummaryData::new(summary, witnesses, skipped))
}

/// A finding code described.
#[must_use]
pub fn code(code: Code) -> Value {
    envelope("code", &CodeData::from(code))
}

/// A cause code described.
#[must_use]
pub fn cause(cause: Cause) -> Value {
    envelope("code", &CodeData::from(cause))
}

/// Lines of one shape that were not understood.
#[must_use]
pub fn unknown_line(shape: &Shape) -> Value {
    envelope("unknown-line", &UnknownLineData::from(shape))
}

/// The start of a scan.
#[must_use]
pub fn scan_run(run: &RunData) -> Value {
    envelope("run", run)
}

/// What came of one line of a scan's list.
#[must_use]
pub fn scan_domain(domain: &DomainData) -> Value {
    envelope("domain", domain)
}

/// The same as a line of text, without the detour of a [`Value`]: a scan writes
/// a million.
#[must_use]
pub fn scan_domain_line(domain: &DomainData) -> String {
    #[derive(Serialize)]
    struct Envelope<'a> {
        schema: &'static str,
        r#type: &'static str,
        data: &'a DomainData,
    }
    serde_json::to_string(&Envelope {
        schema: SCHEMA_VERSION,
        r#type: "domain",
        data: domain,
    })
    .expect("the twins are structs, strings and numbers, which always serialise")
}

/// The end of a scan.
#[must_use]
pub fn scan_summary(summary: &ScanSummary) -> Value {
    envelope("summary", summary)
}

/// A domain that the history knows.
#[must_use]
pub fn history_list(known: &Known) -> Value {
    envelope("history", &HistoryData::List(known.into()))
}

/// What changed between two observations.
#[must_use]
pub fn history_diff(before: &Judged, after: &Judged, changes: &[Change]) -> Value {
    let diff = DiffData::new(before, after, changes);
    envelope("history", &HistoryData::Diff(diff))
}

/// What was removed from the history.
#[must_use]
pub fn history_prune(pruned: &Pruned) -> Value {
    envelope("history", &HistoryData::Prune(pruned.into()))
}

fn envelope<T: Serialize>(of: &str, data: &T) -> Value {
    let data = serde_json::to_value(data)
        .expect("the twins are structs, strings and numbers, which always serialise");
    json!({ "schema": SCHEMA_VERSION, "type": of, "data": data })
}

/// The JSON Schema (draft 2020-12) of every document.
#[must_use]
pub fn schema() -> Value {
    // What a program writes: fields with a null are always there.
    let mut generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    let kinds = [
        kind::<DomainReport>(
            &mut generator,
            "domain-report",
            "What was seen of one domain's mail hosts, and what it means (check).",
        ),
        kind::<ChainData>(
            &mut generator,
            "chain",
            "The Received chain of one message, hop by hop (trace).",
        ),
        kind::<ExplanationData>(
            &mut generator,
            "explanation",
            "The chain of one message, probes of its hops, and ranked causes (explain).",
        ),
        kind::<RunData>(
            &mut generator,
            "run",
            "The start of a scan, or of its resumption (scan).",
        ),
        kind::<DomainData>(
            &mut generator,
            "domain",
            "What came of one line of a list (scan).",
        ),
        kind::<ScanSummary>(
            &mut generator,
            "summary",
            "The end of a scan, all its lines counted (scan).",
        ),
        kind::<SummaryData>(
            &mut generator,
            "summary",
            "The hops of many messages in one table (trace --summary).",
        ),
        kind::<HistoryData>(
            &mut generator,
            "history",
            "What earlier probes saw, and what changed since (history).",
        ),
        kind::<CasesData>(
            &mut generator,
            "summary",
            "The hops of many messages that lacked TLS, in cases (explain --summary).",
        ),
        kind::<CodeData>(
            &mut generator,
            "code",
            "A finding or cause code described (codes).",
        ),
        kind::<UnknownLineData>(
            &mut generator,
            "unknown-line",
            "Lines of one shape that were not understood (trace --unknown).",
        ),
    ];
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "starttrace output, schema 1.0",
        "description": "Every JSON document and every NDJSON line of starttrace. Fields may be \
            added; none is renamed, retyped or dropped without a new major version. Times are \
            RFC 3339 in UTC. A field without value is null.",
        "oneOf": kinds,
        "$defs": generator.take_definitions(true),
    })
}

fn kind<T: JsonSchema>(generator: &mut SchemaGenerator, of: &str, description: &str) -> Value {
    let data: Schema = generator.subschema_for::<T>();
    json!({
        "title": of,
        "description": description,
        "type": "object",
        "properties": {
            "schema": { "const": SCHEMA_VERSION },
            "type": { "const": of },
            "data": data,
        },
        "required": ["schema", "type", "data"],
    })
}
