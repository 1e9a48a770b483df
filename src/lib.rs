//! Did this mail, and will the next one, travel over TLS, and if a hop did
//! not, why?
//!
//! # Two flows that meet once
//!
//! ```text
//! message -> trace (chain, hops, what each line states) ---------------+
//!                                                                      +-> explain -> causes, ranked
//! domain -> mx -> endpoint -> smtp dialogue -> handshake -> observed -+
//!                                                                     +-> verdict -> protection, senders
//! ```
//!
//! A saved message becomes a [`trace::chain::Chain`]: its hops in travel order,
//! each with the software that wrote the line and its evidence about TLS. A
//! domain becomes a [`observed::domain::DomainObservation`]: what every
//! address of every MX host did. [`verdict::assess`] says what an observation
//! means for mail sent now, and [`explain::explain`] joins a chain with
//! observations to say why a hop lacked TLS.
//!
//! What was seen, what it means and how it is shown live apart, so that every
//! rule can be tested with a literal, and a saved observation can be judged
//! again without a network.
//!
//! # The map
//!
//! | module | what it holds |
//! |---|---|
//! | [`name`], [`attempt`], [`failure`], [`answer`] | the nouns everything stands on |
//! | [`smtp`], [`tls`], [`dane`], [`mta_sts`], [`tls_rpt`] | the standards, pure: octets in, facts out |
//! | [`trace`] | the header side, pure |
//! | [`mta_log`] | what logs of mail servers say of one delivery, pure |
//! | [`observed`] | what a probe saw, data only |
//! | [`verdict`], [`explain`] | judgement, pure functions over facts |
//! | [`finding`] | every code, with its words |
//! | [`probe`] | the only folder with sockets |
//! | [`scan`] | many domains: politeness, sharing, the journal |
//! | [`history`] | what earlier probes and messages showed, in a file |
//! | [`mailbox`] | reading message files, the other place with IO |
//! | [`report`] | faces: text and JSON |
//! | [`cli`] | arguments in, exit status out |
//!
//! Imports point one way: `cli` may use everything; `probe`, `verdict` and
//! `explain` use [`observed`] and never one another; `observed` uses the
//! standards, and those only the nouns. [`report`] and [`explain`] read
//! [`trace`], which uses [`tls`] and [`name`].
//!
//! # A worked example
//!
//! A message's chain explained from the headers alone, as `starttrace explain
//! --offline` does it:
//!
//! ```
//! use starttrace::answer::Answer;
//! use starttrace::explain::{Past, explain};
//! use starttrace::report::text;
//! use starttrace::trace::chain::Chain;
//!
//! let chain = Chain::parse(
//!     b"Received: from out7.relay.example (out7.relay.example [203.0.113.7])\r\n\
//!       \tby mx1.partner.example (Postfix) with ESMTP id 4XkQ2c1Zz9\r\n\
//!       \tfor <ap@partner.example>; Tue, 03 Nov 2026 09:14:07 +0000\r\n\
//!       From: bo@relay.example\r\n\r\nhello\r\n",
//! )?;
//! let explanation = explain(&chain, &[], &Past::default());
//! assert_eq!(explanation.answer, Answer::No);
//! let page = text::explain::render(&chain, &[], &explanation, text::style::Style::plain());
//! assert!(page.contains("out7.relay.example"));
//! # Ok::<(), starttrace::trace::chain::NoTrace>(())
//! ```

pub mod answer;
pub mod attempt;
pub mod cli;
pub mod dane;
pub mod explain;
pub mod failure;
pub mod finding;
pub mod history;
mod lately;
pub mod mailbox;
pub mod mta_log;
pub mod mta_sts;
pub mod name;
pub mod observed;
pub mod organisation;
pub mod probe;
pub mod report;
pub mod scan;
pub mod smtp;
pub mod tls;
pub mod tls_rpt;
pub mod trace;
pub mod txt;
pub mod verdict;

// Observations for tests, shared with the tests outside of the library, which
// name this crate from outside.
#[cfg(test)]
extern crate self as starttrace;
#[cfg(test)]
#[path = "../tests/samples/mod.rs"]
mod samples;
