//! Where messages come from; beside `probe`, the other place with IO.
//!
//! Entry points, in order: [`open`] takes a path, [`open_all`] several, [`read`]
//! a stream, and each tells by content what is there; [`Messages`] gives the
//! messages one after the other, each a [`RawMessage`] with its place in its
//! file; what could not be read is a [`ReadError`] among them, and the rest
//! goes on. [`Messages::in_parallel`] works on them on several cores.
//! [`Limits`] bound it all; [`Messages::noting`] makes a second reading of the
//! same mailboxes quick.
//!
//! What is read: single messages (RFC 5322), also as Apple's Mail keeps them;
//! mbox in its dialects (RFC 4155); Maildir and other folders; Outlook's
//! `.msg`; header sections that were pasted into a text or saved as a web page;
//! gzip (RFC 1952) of any of these; and messages attached to a message
//! ([`Messages::part`]).
//!
//! A message here is its header section (RFC 5322, section 2.1) and the first
//! octets of its body. Bodies are passed over: the memory needed depends on
//! the longest header section alone, not on the size of a mailbox. Nothing is
//! written, moved or locked; a mailbox that grows while it is read may end in
//! a message cut short.
//!
//! Not supported: Outlook data files (PST), MMDF, Babyl, dbx; archives; other
//! compressions than gzip. They are named in the error.

mod claim;
mod compound;
mod detect;
mod error;
mod gzip;
mod html;
mod limits;
mod line;
mod message;
mod messages;
mod notes;
mod outlook;
mod parallel;
mod part;
mod pasted;
mod reader;
mod split;
mod transfer;
mod walk;
mod window;

pub use error::{ReadError, Unreadable};
pub use limits::Limits;
pub use message::{Place, RawMessage};
pub use messages::{Messages, open, open_all, read};
pub use notes::Notes;
