//! The only folder with sockets: from a domain to a
//! [`DomainObservation`](crate::observed::domain::DomainObservation).
//!
//! A probe says EHLO, STARTTLS, EHLO, QUIT; never MAIL FROM: it sends no mail.
//!
//! Entry points, in order: [`Options`] say whom to ask, from where and how
//! long; [`Prober::new`] reads roots and resolvers and is the only step that
//! can fail; [`Prober::check`] probes a domain and [`Prober::check_host`] one
//! host. What goes wrong there is data, never an error.
//!
//! Below them: `dns` asks, `policy` fetches what
//! the domain demands of senders (RFC 8461), `mx` finds the hosts (RFC 5321, section 5.1;
//! RFC 7505), `tlsa` what their certificates must be (RFC 7672), `endpoint` holds one conversation with one address
//! (RFC 3207), `visit` as many as it takes to see what the server speaks, `deep` all
//! that is asked beside on request, `capture` records the handshake without judging it, and
//! `control` asks a host known to offer STARTTLS before anything negative is
//! said. [`net`] has the clock and the dialling, `proxy` the dialling through a
//! SOCKS server (RFC 1928); [`Share`] is for runs over many domains.

mod capture;
mod control;
mod deep;
mod dns;
mod endpoint;
mod here;
mod mx;
mod options;
mod policy;
mod prober;
mod proxy;
mod roots;
mod setup;
mod share;
mod tlsa;
mod visit;

pub mod net;

pub use dns::{InvalidResolver, Resolver};
pub use net::Clock;
pub use options::{
    ControlChoice, DEFAULT_CONTROL, DnssecTrust, Families, InvalidControl, Options, Roots,
    SMTP_PORT, Service,
};
pub use prober::Prober;
pub use proxy::{InvalidProxy, Proxy};
pub use setup::SetupError;
pub use share::{EndpointKey, Fetched, Later, Share, Talked, Turn};
pub use visit::Looks;
