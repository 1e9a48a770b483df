//! The only folder with sockets: from a domain to a
//! [`DomainObservation`](crate::observed::domain::DomainObservation).
//!
//! A probe says EHLO, STARTTLS, EHLO, QUIT; never MAIL FROM: it sends no mail.
