//! The published JSON: serde twins of the types inside, built by `From`, so
//! that renaming a field inside cannot change the published format.
//!
//! Entry points: [`domain_report`], [`chain()`], [`explanation()`], [`code`],
//! [`cause`], [`cases`], [`unknown_line`], [`history_list`] and its kin, and for a scan [`scan_run`], [`scan_domain`]
//! (as a line of text [`scan_domain_line`]) and [`scan_summary`] give one document each, in the envelope
//! `{"schema": "1.0", "type": T, "data": {…}}`; [`schema`] gives the JSON
//! Schema (draft 2020-12) that all of them satisfy.
//!
//! The rules: fields may be added; none is renamed, retyped or dropped without
//! a new major version. A field without value is `null`, never left out. Times
//! are RFC 3339 in UTC. Octets of a peer are `{"text": …}` where they are
//! UTF-8, else `{"base64": …}`. A step of a probe is `done`, `failed` or
//! `skipped`, each with what belongs to it. Words that may become more with
//! time (codes, kinds, anomalies) are plain strings in the schema; words of a
//! closed list are enumerated.
//!
//! [`read`] reads them back.

pub mod attempt;
mod cases;
pub mod chain;
mod code;
mod depth;
mod document;
pub mod domain;
pub mod endpoint;
pub mod explanation;
mod history;
pub mod read;
pub mod scan;
mod summary;
mod unknown;
pub mod verdict;
pub mod words;

pub use document::{
    SCHEMA_VERSION, cases, cause, chain, chain_line, code, domain_report, explanation,
    explanation_among, history_diff, history_list, history_prune, scan_domain, scan_domain_line,
    scan_run, scan_summary, schema, summary, unknown_line,
};
