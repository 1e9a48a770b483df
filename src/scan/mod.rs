//! Many domains: a list goes in, a line for each comes out, and nobody is
//! asked twice or faster than is polite.
//!
//! Entry points, in order: [`list`] reads the list, whatever its form;
//! [`journal`] is the file of results, which is also what a resumed scan goes
//! on from; [`pace`] says who may be connected to when; [`plan`] shares one
//! conversation with an endpoint among all domains whose mail it takes;
//! [`weather`] tells a domain's trouble from that of our own network; and
//! [`engine`] drives a [`Prober`](crate::probe::Prober) over the list.
//! [`tally`] counts what came of it, and [`memory`] stores it for later runs.
//!
//! The promise: each line of the list gives exactly one line of results, across
//! any number of interruptions. A line is written when it is whole and final;
//! what was under way when a scan ended is begun again when it is resumed.
//!
//! Time is measured, never read off a clock, so that a clock that is set, or
//! a machine that sleeps, changes nothing but how long the scan takes.
//!
//! Not supported: sharing work among machines, other than by `--shard`, which
//! needs no coordinator.

pub mod engine;
pub mod exclude;
pub mod journal;
pub mod list;
pub mod memory;
pub mod once;
pub mod output;
pub mod pace;
pub mod plan;
pub mod tally;
pub mod weather;
