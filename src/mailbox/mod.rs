//! Where messages come from; beside `probe`, the other place with IO.
//!
//! Entry points, in order: [`open`] takes a path and tells by content what is
//! there; [`Messages`] gives its messages one after the other, each a
//! [`RawMessage`] with its place in the file; what could not be read is a
//! [`ReadError`] among them, and the rest goes on. [`Limits`] bound it all.
//!
//! A message here is its header section (RFC 5322, section 2.1) and the first
//! octets of its body. Bodies are passed over: the memory needed depends on
//! the longest header section alone, not on the size of a mailbox.

mod detect;
mod error;
mod limits;
mod line;
mod message;
mod messages;
mod split;
mod window;

pub use error::{ReadError, Unreadable};
pub use limits::Limits;
pub use message::{Place, RawMessage};
pub use messages::{Messages, open, read};
