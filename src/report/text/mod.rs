//! The text faces: 80 columns, everything said without colour.
//!
//! The first line is the answer, then one sentence a manager understands, then
//! the table, then the findings as `severity[code]: subject` with what was
//! seen, what it means and what to do; the last lines say what was not seen,
//! from where, and when.
//!
//! The kit: [`escape`] makes foreign text harmless, [`layout`] wraps and
//! aligns, [`style`] colours. Colour only repeats what a word says already.
//! The pages: [`check`] shows a domain, [`trace`] a chain, [`explain`] an
//! explanation, [`plain`] the same in words of everyday, [`cases`] the
//! explanation of many messages, [`letter`] what to send to a postmaster,
//! [`codes`] the codes; [`findings`] is part of all of them.
//!
//! Not supported: terminals narrower than 80 columns, since headers and
//! dialogues are quoted as they are.

pub mod cases;
pub mod check;
pub mod codes;
pub mod escape;
pub mod explain;
pub mod findings;
pub mod history;
mod hops;
pub mod layout;
pub mod letter;
pub mod plain;
mod quote;
pub mod saved;
pub mod scan;
pub mod style;
pub mod summary;
pub mod trace;
pub mod unknown;

#[cfg(test)]
mod pages;
