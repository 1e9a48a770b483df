//! What earlier probes saw and earlier messages showed, kept in one SQLite
//! file, and only where somebody asked for it.
//!
//! Entry points: [`Store`] opens the file, writes and asks; [`Recorder`] writes
//! beside a run, from a thread of its own; [`change::between`] says what
//! changed between observations, and is pure.
//!
//! A history never is a reason for a run to fail or to be slow. Whatever is
//! wrong with the file (locked, read-only, damaged, of a newer version, the
//! disk full) is a [`Trouble`] that names the file and what to do, and the run
//! goes on without it. Waiting for another writer is bounded, writes come in
//! batches, and what does not fit into a bounded queue is counted and let go.
//!
//! Every observation is kept as the published document that was printed of it,
//! compressed (RFC 1951), so that an old one is read back as any saved report
//! is. Names in it were chosen by others: they are data, bound as parameters and
//! never part of a statement, and what stands in the history never leads to a
//! probe.
//!
//! Not supported: sharing one file over a network file system, whose locks
//! cannot be relied on; keeping the dialogue of a probe.

pub mod change;
mod file;
mod record;
mod recorder;
mod schema;
mod store;
mod trouble;

pub use record::{Entry, Known, Pruned, Seen, Stored, WitnessEntry};
pub use recorder::Recorder;
pub use store::{Access, Store};
pub use trouble::{Trouble, Wrong};
