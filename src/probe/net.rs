//! Time and sockets: the one file of the library that reads a clock and opens
//! a TCP connection.
//!
//! [`Clock`] is a value, so that a test can let time pass faster: every wait
//! is divided by its speed, and every span measured is multiplied by it. A
//! greeting that takes 35 seconds is then tested in a fraction of one.
//! [`dial`] opens a connection from a chosen source address and turns the
//! operating system's error into a [`Failure`] that says whose doing it is.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::net::{TcpSocket, TcpStream};

use crate::failure::{Failure, Kind, Stage};

/// How fast time passes for a probe. The default is real time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    speed: u32,
}

impl Default for Clock {
    fn default() -> Self {
        Self { speed: 1 }
    }
}

/// A moment that time is measured from.
#[derive(Debug, Clone, Copy)]
pub struct Moment(Instant);

/// A wait came to its end before what was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimedOut;

impl Clock {
    /// A clock for tests: `speed` seconds pass in each real one.
    #[must_use]
    pub fn compressed(speed: u32) -> Self {
        Self {
            speed: speed.max(1),
        }
    }

    /// The date and time. Never compressed: certificates are judged by it.
    #[must_use]
    pub fn now(self) -> Timestamp {
        Timestamp::now()
    }

    /// This moment, to measure from.
    #[must_use]
    pub fn moment(self) -> Moment {
        Moment(Instant::now())
    }

    /// How long ago that was, in this clock's time.
    #[must_use]
    pub fn since(self, moment: Moment) -> Duration {
        moment.0.elapsed().saturating_mul(self.speed)
    }

    /// What is left of a span that began then.
    #[must_use]
    pub fn left(self, moment: Moment, span: Duration) -> Duration {
        span.saturating_sub(self.since(moment))
    }

    /// Waits for a future no longer than `span` of this clock's time.
    ///
    /// # Errors
    /// When the span passed first.
    pub async fn timeout<F: Future>(
        self,
        span: Duration,
        future: F,
    ) -> Result<F::Output, TimedOut> {
        tokio::time::timeout(self.real(span), future)
            .await
            .map_err(|_| TimedOut)
    }

    /// Lets a span of this clock's time pass.
    pub async fn sleep(self, span: Duration) {
        tokio::time::sleep(self.real(span)).await;
    }

    /// The real time that a span of this clock's time takes.
    #[must_use]
    pub fn real(self, span: Duration) -> Duration {
        span / self.speed
    }
}

/// Opens a TCP connection, from `source` if one is given, within `span`.
///
/// # Errors
/// When there is no connection, with kind and whose doing it is.
pub async fn dial(
    clock: Clock,
    peer: SocketAddr,
    source: Option<IpAddr>,
    span: Duration,
) -> Result<TcpStream, Failure> {
    if source.is_some_and(|source| source.is_ipv4() != peer.is_ipv4()) {
        return Err(Failure::new(
            Stage::Connect,
            Kind::ConnectUnreachable,
            format!(
                "{} cannot be reached from the source address that was given, which is of \
                 the other family",
                peer.ip()
            ),
        ));
    }
    let dialling = async {
        let socket = if peer.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        if let Some(source) = source {
            socket.bind(SocketAddr::new(source, 0))?;
        }
        let stream = socket.connect(peer).await?;
        // Each command is one small write that waits for its reply.
        stream.set_nodelay(true)?;
        Ok::<_, io::Error>(stream)
    };
    match clock.timeout(span, dialling).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(connect_failure(peer, &error)),
        Err(TimedOut) => {
            let mut failure = Failure::new(
                Stage::Connect,
                Kind::ConnectTimeout,
                format!(
                    "{} did not answer on port {} within {} s",
                    peer.ip(),
                    peer.port(),
                    span.as_secs()
                ),
            );
            failure.detail.waited = Some(span);
            Err(failure)
        }
    }
}

fn connect_failure(peer: SocketAddr, error: &io::Error) -> Failure {
    let (ip, port) = (peer.ip(), peer.port());
    let (stage, kind, message) = match error.kind() {
        io::ErrorKind::ConnectionRefused => (
            Stage::Connect,
            Kind::ConnectRefused,
            format!("{ip} refused the connection on port {port}"),
        ),
        io::ErrorKind::TimedOut => (
            Stage::Connect,
            Kind::ConnectTimeout,
            format!("{ip} did not answer on port {port} (the operating system gave up)"),
        ),
        _ if is_descriptor_shortage(error) => (
            Stage::Local,
            Kind::TooManyOpenFiles,
            format!("this machine has no file descriptor left for a connection to {ip}"),
        ),
        // A family this machine does not have, a source address of the other
        // family, no route: none of it says anything about the server.
        _ => (
            Stage::Connect,
            Kind::ConnectUnreachable,
            format!("{ip} port {port} cannot be reached from here: {error}"),
        ),
    };
    let mut failure = Failure::new(stage, kind, message);
    failure.detail.os_error = error.raw_os_error();
    failure
}

/// EMFILE and ENFILE, which the standard library has no stable kind for.
#[must_use]
pub fn is_descriptor_shortage(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    cfg!(unix) && matches!(error.raw_os_error(), Some(ENFILE | EMFILE))
}

/// Whether an address is one that the public Internet routes: neither
/// private, loopback, link-local, shared, documentation, benchmarking,
/// multicast nor reserved (the IANA special-purpose address registries,
/// RFC 6890). IPv6 forms that carry an IPv4 address count as that address.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    !(a == 0
        || v4.is_loopback()
        || v4.is_private()
        || v4.is_link_local()
        || v4.is_documentation()
        // RFC 6598: shared address space of carrier-grade NAT.
        || (a == 100 && (64..128).contains(&b))
        // RFC 6890, section 2.2.2: IETF protocol assignments.
        || (a == 192 && b == 0 && c == 0)
        // RFC 7526: the withdrawn 6to4 relay anycast prefix.
        || (a == 192 && b == 88 && c == 99)
        // RFC 2544: benchmarking.
        || (a == 198 && (b == 18 || b == 19))
        // Multicast, reserved, broadcast.
        || a >= 224)
}

fn is_public_v6(v6: Ipv6Addr) -> bool {
    if let Some(v4) = v6.to_ipv4_mapped() {
        return is_public_v4(v4);
    }
    let segments = v6.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        // RFC 6052, section 2.1: the well-known prefix of NAT64.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_public_v4(embedded(high, low)),
        // RFC 3056: 6to4.
        [0x2002, high, low, ..] => is_public_v4(embedded(high, low)),
        // RFC 4380: Teredo, and the rest of the IETF's 2001::/23.
        [0x2001, second, ..] if second < 0x200 => false,
        // RFC 3849 and RFC 9637: documentation.
        [0x2001, 0xdb8, ..] => false,
        [0x3fff, second, ..] if second < 0x1000 => false,
        // What IANA has given out as global unicast lies in 2000::/3; this
        // leaves out loopback, unique local (RFC 4193), link-local, multicast.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_addresses_the_internet_routes_are_public() {
        for (address, public) in [
            ("8.8.8.8", true),
            ("192.0.2.1", false),
            ("198.51.100.1", false),
            ("203.0.113.9", false),
            ("10.1.2.3", false),
            ("172.16.0.1", false),
            ("172.32.0.1", true),
            ("192.168.1.1", false),
            ("127.0.0.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("100.128.0.1", true),
            ("0.0.0.0", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("198.18.0.1", false),
            ("2606:4700::1", true),
            ("::1", false),
            ("::", false),
            ("fe80::1", false),
            ("fd00::1", false),
            ("ff02::1", false),
            ("2001:db8::1", false),
            ("2001::1", false),
            ("::ffff:10.0.0.1", false),
            ("::ffff:8.8.8.8", true),
            ("64:ff9b::a00:1", false),
            ("64:ff9b::808:808", true),
            ("2002:a00:1::1", false),
            ("::10.0.0.1", false),
            ("3fff::1", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
        }
    }

    #[test]
    fn a_compressed_clock_shortens_waits_and_stretches_measures() {
        let clock = Clock::compressed(1000);
        assert_eq!(
            clock.real(Duration::from_secs(35)),
            Duration::from_millis(35)
        );
        let moment = clock.moment();
        std::thread::sleep(Duration::from_millis(3));
        assert!(clock.since(moment) >= Duration::from_secs(3));
        assert_eq!(clock.left(moment, Duration::from_secs(1)), Duration::ZERO);
    }
}
