//! As many conversations with one address as it takes to see what it speaks:
//! one as a rule, three at most.
//!
//! Entry point: [`visit`]. After the first conversation:
//!
//! 1. a handshake that was hung up on, or never answered, is tried once more
//!    with the classical groups alone: the post-quantum key share makes a hello
//!    larger than one packet, which some servers and boxes on the way do not
//!    bear. What it then comes to is the endpoint's handshake.
//! 2. a handshake that still failed before the server answered, or for want of
//!    anything in common, is followed by one hello made by hand, which tells
//!    version, suite and certificate of servers that our stack cannot speak to.
//!    If TLS 1.2 and before get no ServerHello and a connection is left, TLS
//!    1.3 with the groups we lack is asked for.
//! 3. where TLSA records bind and the handshake succeeded, the certificate with
//!    the other kind of key is asked for: which one a sender gets depends on what
//!    it offers, and a match of the one says nothing of the other.
//!
//! One after the other, never two at once; the deadline is for all of them, and
//! so is the transcript.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lc_rs::rand;

use crate::attempt::Attempt;
use crate::failure::{Failure, Kind, Stage};
use crate::name::HostName;
use crate::observed::endpoint::{Event, Exchange, OtherCertificate, RawHello};
use crate::probe::capture::Offer;
use crate::probe::deep;
use crate::probe::endpoint::{self, Answer, Call, Called, Errand, Hello};
use crate::tls::certificate::Certificate;
use crate::tls::handshake::{Handshake, KeyKind};
use crate::tls::hello::flight::{ServerFlight, ServerKey};
use crate::tls::hello::{ClientHello, RARE_GROUPS, group_name, is_ours};
use crate::tls::parameters::TlsVersion;

/// The most connections of one visit.
const MOST_CONNECTIONS: u32 = 3;

/// Holds the conversations.
pub async fn visit(call: &Call<'_>, looks: Looks) -> Called {
    let began = call.clock.moment();
    let mut visit = Visit {
        call,
        first: endpoint::call(call).await,
        began,
    };
    if visit.hung_up() {
        visit.try_classical().await;
    }
    if visit.wants_by_hand() {
        visit.ask_by_hand().await;
    }
    if let Some(kind) = visit.other_kind(looks.deep) {
        visit.ask_for(kind).await;
    }
    if looks.deep || looks.suites {
        Box::pin(deep::look(&mut visit, looks.deep, looks.suites)).await;
    }
    visit.first
}

/// What is looked at beside the usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Looks {
    pub deep: bool,
    pub suites: bool,
}

/// A visit under way.
pub struct Visit<'a> {
    pub call: &'a Call<'a>,
    /// The first conversation, with what the later ones changed.
    pub first: Called,
    began: crate::probe::net::Moment,
}

impl Visit<'_> {
    /// A further conversation. What it costs and what was said goes into the
    /// first one's account.
    async fn again(&mut self, hello: Hello<'_>, purpose: &'static str) -> Option<Called> {
        self.further(hello, Errand::Usual, MOST_CONNECTIONS, purpose)
            .await
    }

    /// The same on another errand; none where time or connections are used up.
    pub async fn further(
        &mut self,
        hello: Hello<'_>,
        errand: Errand<'_>,
        most: u32,
        purpose: &'static str,
    ) -> Option<Called> {
        let began = self.call.clock.since(self.began);
        let deadline = self.call.deadline.saturating_sub(began);
        let observation = &mut self.first.observation;
        if deadline < Duration::from_secs(1) || observation.connections >= most {
            return None;
        }
        let call = Call {
            hello,
            errand,
            deadline,
            ..self.call.clone()
        };
        // On the heap, since most visits come to no second conversation.
        let mut called = Box::pin(endpoint::call(&call)).await;
        observation.connections += called.observation.connections;
        observation.transcript.push(Exchange {
            at: began,
            event: Event::Further(purpose),
        });
        observation
            .transcript
            .extend(called.observation.transcript.drain(..).map(|mut exchange| {
                exchange.at += began;
                exchange
            }));
        Some(called)
    }

    fn failure(&self) -> Option<&Failure> {
        self.first.observation.handshake.failure()
    }

    /// Whether it may be the size of our hello that was not borne.
    fn hung_up(&self) -> bool {
        !self.first.hello_answered
            && self.failure().is_some_and(|failure| {
                failure.stage == Stage::Handshake
                    && matches!(failure.kind, Kind::ClosedByPeer | Kind::HandshakeTimeout)
            })
    }

    async fn try_classical(&mut self) {
        let hello = Hello::Ours(Offer::Classical);
        let Some(second) = self
            .again(hello, "without the post-quantum key share")
            .await
        else {
            return;
        };
        let observation = &mut self.first.observation;
        let before = match (&observation.handshake, &second.observation.handshake) {
            // It did not come to a handshake: what was seen before stands.
            (_, Attempt::Skipped(_)) => return,
            (Attempt::Failed(first), Attempt::Failed(second))
                if !outweighs(second.kind, first.kind) =>
            {
                return;
            }
            (Attempt::Failed(first), _) => first.clone(),
            (Attempt::Done(_) | Attempt::Skipped(_), _) => return,
        };
        self.first.hello_answered = second.hello_answered;
        self.first.proved = second.proved;
        let second = second.observation;
        observation.large_hello = second.handshake.is_done().then_some(before);
        observation.handshake = second.handshake;
        observation.after_tls = second.after_tls;
        observation.timings.handshake = second.timings.handshake;
        observation.anomalies.extend(second.anomalies);
        observation.anomalies.sort_unstable();
        observation.anomalies.dedup();
    }

    /// Whether a hello made by hand may tell more. A server that answered ours
    /// and broke off afterwards would answer it alike.
    fn wants_by_hand(&self) -> bool {
        self.failure().is_some_and(|failure| {
            failure.stage == Stage::Handshake
                && match failure.kind {
                    Kind::HandshakeIncompatible => true,
                    Kind::HandshakeAlert | Kind::ClosedByPeer | Kind::HandshakeTimeout => {
                        !self.first.hello_answered
                    }
                    _ => false,
                }
        })
    }

    async fn ask_by_hand(&mut self) {
        let hello = self.by_hand(TlsVersion::Tls12);
        let purpose = "with a simple hello made by hand";
        let Some(raw) = self.answer_to(&hello, purpose).await else {
            return;
        };
        let unheard = raw.version.is_none();
        self.first.observation.raw_hello = Some(raw);
        if unheard
            && self
                .failure()
                .is_some_and(|f| f.kind == Kind::HandshakeAlert)
        {
            let hello = self.by_hand(TlsVersion::Tls13).groups(RARE_GROUPS);
            let purpose = "with a hello for TLS 1.3 and rare groups";
            if let Some(raw) = self.answer_to(&hello, purpose).await
                && raw.version.is_some()
            {
                self.first.observation.raw_hello = Some(raw);
            }
        }
        self.reread();
    }

    pub fn by_hand(&self, version: TlsVersion) -> ClientHello {
        let hello = ClientHello::new(version, random());
        match self.named() {
            Some(host) => hello.server_name(host),
            None => hello,
        }
    }

    /// The host to name.
    pub fn named(&self) -> Option<&HostName> {
        self.call.dane.map(|check| &check.base).or(self.call.host)
    }

    /// The server as messages name it.
    pub fn peer(&self) -> String {
        match self.call.host {
            Some(host) => format!("{host} ({})", self.call.address.ip()),
            None => self.call.address.ip().to_string(),
        }
    }

    /// What came back; none where it did not come to the hello.
    async fn answer_to(&mut self, hello: &ClientHello, purpose: &'static str) -> Option<RawHello> {
        let called = self.again(Hello::ByHand(hello), purpose).await?;
        called.answer.map(read)
    }

    /// What the first handshake's failure was, in the light of the answer to
    /// the hello made by hand.
    fn reread(&mut self) {
        let peer = self.peer();
        let observation = &mut self.first.observation;
        let Some((raw, version)) = observation
            .raw_hello
            .as_ref()
            .and_then(|raw| Some((raw, raw.version?)))
        else {
            return;
        };
        let Attempt::Failed(failure) = &mut observation.handshake else {
            return;
        };
        let message = if version.is_legacy() {
            format!(
                "{peer} speaks {} at most, which this client does not speak",
                version.spoken()
            )
        } else if is_ours(raw.suite, raw.group) && certificate_is_ours(raw) {
            // What it chose we had offered as well: it is the form of our hello
            // that it does not bear.
            return;
        } else {
            let lacking = match raw.known_suite() {
                Some(suite) if suite.is_ours() => raw.group.map_or_else(
                    || "a key".to_owned(),
                    |group| format!("the group {}", group_name(group).unwrap_or("unknown")),
                ),
                Some(suite) => format!("{} ({})", suite.name, suite.class()),
                None => raw.suite_name().unwrap_or_default(),
            };
            format!(
                "{peer} speaks {} with {lacking}, which this client does not have",
                version.spoken()
            )
        };
        failure.kind = Kind::HandshakeIncompatible;
        failure.message = message;
    }

    /// The other kind of certificate to ask for, where its match with the TLSA
    /// records matters, or all is to be known.
    fn other_kind(&self, deep: bool) -> Option<KeyKind> {
        if !deep {
            let check = self.call.dane?;
            check.records.iter().find(|r| r.usability().is_ok())?;
        }
        let handshake = self.first.observation.handshake.done()?;
        Some(KeyKind::of(handshake.chain.first()?)?.other())
    }

    async fn ask_for(&mut self, key: KeyKind) {
        let purpose = match key {
            KeyKind::Rsa => "for a certificate with an RSA key",
            KeyKind::Ecdsa => "for a certificate with an ECDSA key",
        };
        let hello = Hello::Ours(Offer::Certificates(key));
        let Some(called) = self.again(hello, purpose).await else {
            return;
        };
        self.first.other_proved = called.proved;
        self.first.observation.other_certificate = match called.observation.handshake {
            Attempt::Done(handshake) => Attempt::Done(OtherCertificate {
                key,
                // A server may show the one it has whatever it is asked for.
                handshake: shows(&handshake, key).then(|| Box::new(handshake)),
            }),
            Attempt::Failed(failure) if failure.kind == Kind::HandshakeAlert => {
                Attempt::Done(OtherCertificate {
                    key,
                    handshake: None,
                })
            }
            Attempt::Failed(failure) => Attempt::Failed(failure),
            Attempt::Skipped(because) => Attempt::Skipped(because),
        };
    }
}

/// Whether a handshake's leaf has this kind of key.
fn shows(handshake: &Handshake, key: KeyKind) -> bool {
    handshake.chain.first().and_then(KeyKind::of) == Some(key)
}

/// Of two failures of a handshake, whether the second says more, or less
/// against the server: silence is unknown, a hang-up is not.
fn outweighs(second: Kind, first: Kind) -> bool {
    let weight = |kind| match kind {
        Kind::ClosedByPeer => 0,
        Kind::HandshakeTimeout | Kind::Deadline => 1,
        _ => 2,
    };
    weight(second) > weight(first)
}

/// What an answer tells.
fn read(answer: Answer) -> RawHello {
    let flight = answer.flight;
    let chain = flight
        .certificates
        .iter()
        .map(|der| Certificate::read(der))
        .collect();
    let Some(hello) = &flight.hello else {
        return RawHello::default();
    };
    RawHello {
        versions: versions(&flight),
        version: hello.version,
        suite: Some(hello.suite),
        group: match flight.key {
            Some(ServerKey::Curve { group }) => Some(group),
            _ => hello.group,
        },
        dh_bits: match flight.key {
            Some(ServerKey::Dh { bits }) => Some(bits),
            _ => None,
        },
        chain,
        client_certificate_requested: flight.client_certificate_requested,
    }
}

/// RFC 5246, appendix E.1: of the versions up to the client's the server
/// chooses its best, so it has that one and none between.
fn versions(flight: &ServerFlight) -> BTreeMap<TlsVersion, bool> {
    const UP_TO_12: [TlsVersion; 4] = [
        TlsVersion::Ssl3,
        TlsVersion::Tls10,
        TlsVersion::Tls11,
        TlsVersion::Tls12,
    ];
    let mut versions = BTreeMap::new();
    let Some(hello) = &flight.hello else {
        return versions;
    };
    if let Some(chosen) = hello.version {
        if chosen <= TlsVersion::Tls12 {
            let above = UP_TO_12.into_iter().filter(|version| *version > chosen);
            versions.extend(above.map(|version| (version, false)));
        }
        versions.insert(chosen, true);
    }
    if let Some(better) = hello.speaks_also {
        versions.insert(better, true);
    }
    versions
}

/// Whether our stack has the curve of a certificate's key.
fn certificate_is_ours(raw: &RawHello) -> bool {
    raw.chain.first().is_none_or(|leaf| {
        let curve = leaf.key.curve.as_deref();
        curve.is_none_or(|curve| matches!(curve, "P-256" | "P-384" | "P-521"))
    })
}

/// The random of a hello.
pub fn random() -> [u8; 32] {
    let mut random = [0; 32];
    // A random that is none would still be a valid hello.
    let _ = rand::fill(&mut random);
    random
}
