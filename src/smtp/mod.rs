//! The SMTP dialogue up to and after STARTTLS (RFC 5321, RFC 3207), sans IO:
//! octets in, replies and next commands out.
//!
//! Entry points, in order: [`reply::ReplyParser`] makes replies of octets
//! however they are cut up; [`ehlo`] reads the keywords of an EHLO reply;
//! [`masking`] knows the marks that middleboxes leave; and
//! [`dialogue::Dialogue`] decides what to say next and what each step came to.
//!
//! Not supported: MAIL and everything behind it (a probe sends no mail), and
//! pipelining (RFC 2920), since a server that does not do it would be misread.

pub mod dialogue;
pub mod ehlo;
pub mod masking;
pub mod reply;
