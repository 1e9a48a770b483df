//! What `--depth deep` and `--suites` ask an endpoint beside the usual visit:
//! connections of one question each.
//!
//! Entry point: [`look`]. Each question costs a connection, and they are some
//! time apart ([`PAUSE`]; EHLO repeats further, [`REPEAT_PAUSE`]), so that a
//! server sees a slow client and not an assault. The first sign that it has had
//! enough, a 4yz at the greeting or EHLO (421 for one) or a connection that is
//! not taken, ends the asking; so does the deadline of the endpoint. What was
//! not asked is skipped and never looks like an answer.
//!
//! The questions, and what they cost: five versions, five classes of weak
//! suites, post-quantum groups, one for each further group and one more, no
//! server name, a foreign server name, STARTTLS
//! unadvertised (where EHLO has none, and then instead of all the others), a
//! command behind STARTTLS in the same segment, and [`REPEATS`] times EHLO. The
//! certificate with the other kind of key is `visit`'s. `--suites` costs one
//! connection more a version than the server has suites there. Where TLS comes
//! first (port 465) there is no STARTTLS to be offered by turns or to put a
//! command behind, so EHLO is not repeated and nothing is injected.

use std::time::Duration;

use crate::attempt::{Attempt, Because};
use crate::failure::{Failure, Kind, Stage};
use crate::observed::depth::{
    Asked, Choice, Chosen, Depth, Injection, Repeat, Shown, SuiteClass, Suites,
};
use crate::observed::endpoint::Reply;
use crate::probe::capture::Offer;
use crate::probe::endpoint::{Called, Errand, Hello};
use crate::probe::visit::{Visit, random};
use crate::tls::hello::flight::{ServerFlight, ServerKey};
use crate::tls::hello::ladder::Enumeration;
use crate::tls::hello::suites::{KeyExchange, Suite};
use crate::tls::hello::{CURVES, ClientHello, POST_QUANTUM_GROUPS, is_post_quantum, suites_for};
use crate::tls::parameters::TlsVersion;

/// Between one connection and the next.
const PAUSE: Duration = Duration::from_millis(500);
/// The same between EHLOs, so that a load balancer may choose anew.
const REPEAT_PAUSE: Duration = Duration::from_secs(2);
/// How often EHLO is said again.
pub const REPEATS: usize = 4;
/// The most connections of one look, `--suites` included.
const MOST_CONNECTIONS: u32 = 160;
/// A name nobody has (RFC 6761, section 6.4).
const FOREIGN_NAME: &str = "starttrace.invalid";

/// The versions asked for, best first.
const VERSIONS: [TlsVersion; 5] = [
    TlsVersion::Tls13,
    TlsVersion::Tls12,
    TlsVersion::Tls11,
    TlsVersion::Tls10,
    TlsVersion::Ssl3,
];

/// Asks what was wished for.
pub async fn look(visit: &mut Visit<'_>, deep: bool, suites: bool) {
    let mut look = Look { visit, ended: None };
    let endpoint = &look.visit.first.observation;
    let implicit = endpoint.starttls == Attempt::Skipped(Because::ImplicitTls)
        && endpoint.connect.is_done()
        && endpoint
            .handshake
            .failure()
            .is_none_or(|failure| failure.kind != Kind::HandshakeNotTls);
    let offered = endpoint.starttls.is_done() || implicit;
    let lacks = matches!(endpoint.starttls, Attempt::Skipped(Because::NotOffered))
        && endpoint.ehlo.is_done();
    if deep && (offered || lacks) {
        let depth = if offered {
            look.all(implicit).await
        } else {
            look.unadvertised_alone().await
        };
        look.visit.first.observation.deep = Some(Box::new(depth));
    }
    if suites && offered {
        let found = look.suites().await;
        look.visit.first.observation.suites = Some(found);
    }
}

struct Look<'v, 'a> {
    visit: &'v mut Visit<'a>,
    /// Why nothing more is asked.
    ended: Option<Ended>,
}

#[derive(Debug, Clone)]
enum Ended {
    /// The server, at this stage, had enough.
    At(Stage),
    /// The time or the number of connections is used up.
    Spent,
}

impl Look<'_, '_> {
    async fn all(&mut self, implicit: bool) -> Depth {
        let mut versions = Vec::new();
        for version in VERSIONS {
            let hello = self.visit.by_hand(version);
            let answer = self.choice(&hello, "asking for one version alone").await;
            versions.push(Asked {
                what: version,
                answer: of_version(answer, version),
            });
        }
        let best = best_below_13(&versions);
        let mut suites = Vec::new();
        for &class in SuiteClass::ALL {
            let answer = match best {
                Some(version) => {
                    let offered = of_class(class, version);
                    let hello = self.visit.by_hand(version).suites(&offered);
                    let answer = self.choice(&hello, "asking for weak suites alone").await;
                    among(answer, &offered)
                }
                None => Attempt::Skipped(Because::NotAsked),
            };
            suites.push(Asked {
                what: class,
                answer,
            });
        }
        let groups: Vec<u16> = POST_QUANTUM_GROUPS
            .iter()
            .copied()
            .filter(|group| is_post_quantum(*group))
            .collect();
        let hello = self.visit.by_hand(TlsVersion::Tls13).groups(&groups);
        let post_quantum = self
            .choice(&hello, "asking for post-quantum groups alone")
            .await;
        let post_quantum = of_version(post_quantum, TlsVersion::Tls13);
        let groups = self.groups(&versions, &post_quantum).await;
        let without_name = self.shown(None).await;
        let other_name = self.shown(Some(FOREIGN_NAME)).await;
        let (injection, repeats) = if implicit {
            (Attempt::Skipped(Because::ImplicitTls), Vec::new())
        } else {
            (self.injection().await, self.repeats().await)
        };
        Depth {
            first_offered: true,
            versions,
            suites,
            post_quantum,
            groups,
            without_name,
            other_name,
            repeats,
            unadvertised: Attempt::Skipped(Because::NotAsked),
            injection,
        }
    }

    /// All that can be asked of a server that does not offer STARTTLS.
    async fn unadvertised_alone(&mut self) -> Depth {
        let unadvertised = self.unadvertised().await;
        let not_asked = || Attempt::Skipped(Because::NotOffered);
        Depth {
            first_offered: false,
            versions: Vec::new(),
            suites: Vec::new(),
            post_quantum: not_asked(),
            groups: Attempt::Skipped(Because::NotOffered),
            without_name: Attempt::Skipped(Because::NotOffered),
            other_name: Attempt::Skipped(Because::NotOffered),
            repeats: self.repeats().await,
            unadvertised,
            injection: Attempt::Skipped(Because::NotOffered),
        }
    }

    /// A further conversation, after a pause; an error is what to write where
    /// none is held.
    async fn again(
        &mut self,
        hello: Hello<'_>,
        errand: Errand<'_>,
        pause: Duration,
        purpose: &'static str,
    ) -> Result<Called, Unasked> {
        if let Some(ended) = &self.ended {
            return Err(Unasked(ended.clone()));
        }
        let call = self.visit.call;
        call.clock.sleep(pause).await;
        let Some(called) = self
            .visit
            .further(hello, errand, MOST_CONNECTIONS, purpose)
            .await
        else {
            self.ended = Some(Ended::Spent);
            return Err(Unasked(Ended::Spent));
        };
        let seen = &called.observation;
        let enough = [
            (Stage::Connect, seen.connect.failure()),
            (Stage::Greeting, seen.greeting.failure()),
            (Stage::Ehlo, seen.ehlo.failure()),
        ];
        if let Some((stage, Some(_))) = enough.into_iter().find(|(_, failure)| failure.is_some()) {
            self.ended = Some(Ended::At(stage));
            return Err(Unasked(Ended::At(stage)));
        }
        Ok(called)
    }

    /// What a hello made by hand is answered with.
    async fn answer(
        &mut self,
        hello: &ClientHello,
        purpose: &'static str,
    ) -> Result<Answered, Unasked> {
        let called = self
            .again(Hello::ByHand(hello), Errand::Usual, PAUSE, purpose)
            .await?;
        Ok(match called.answer {
            Some(answer) if answer.flight.hello.is_some() => Answered::Hello(answer.flight),
            Some(answer) => match answer.trouble {
                // Silence is no answer; an alert and a hang-up are the ways to
                // say no.
                Some(failure)
                    if matches!(failure.kind, Kind::HandshakeTimeout | Kind::Deadline) =>
                {
                    Answered::Unknown(failure)
                }
                _ => Answered::Nothing,
            },
            None => Answered::Unknown(called.observation.starttls.failure().cloned().unwrap_or(
                Failure::new(
                    Stage::Starttls,
                    Kind::StarttlsNotSupported,
                    "STARTTLS was not offered this time",
                ),
            )),
        })
    }

    async fn choice(
        &mut self,
        hello: &ClientHello,
        purpose: &'static str,
    ) -> Result<Answered, Attempt<Choice>> {
        self.answer(hello, purpose)
            .await
            .map_err(|unasked| unasked.attempt(self.visit))
    }

    /// Every group at the best version that has any, beside those that the
    /// answers before have told.
    async fn groups(
        &mut self,
        versions: &[Asked<TlsVersion>],
        post_quantum: &Attempt<Choice>,
    ) -> Attempt<Vec<u16>> {
        let best = match chosen_at(versions, TlsVersion::Tls13) {
            Some(_) => Some(TlsVersion::Tls13),
            None => best_below_13(versions),
        };
        let Some(version) = best else {
            return Attempt::Skipped(Because::NotAsked);
        };
        let mut left = if version == TlsVersion::Tls13 {
            POST_QUANTUM_GROUPS.to_vec()
        } else {
            CURVES.to_vec()
        };
        if version == TlsVersion::Tls13 && refused(post_quantum) {
            left.retain(|group| !is_post_quantum(*group));
        }
        let mut accepted: Vec<u16> = Vec::new();
        let told = [
            post_quantum.done().and_then(|choice| choice.chosen),
            chosen_at(versions, version),
        ];
        for group in told.into_iter().flatten().filter_map(|told| told.group) {
            if let Some(at) = left.iter().position(|&offered| offered == group) {
                accepted.push(left.remove(at));
            }
        }
        // Before TLS 1.3 the suite decides whether there is a group at all.
        let suites: Vec<u16> = suites_for(version)
            .into_iter()
            .filter(|code| {
                let exchange = Suite::of(*code).map(Suite::key_exchange);
                matches!(exchange, Some(KeyExchange::Tls13 | KeyExchange::Ecdhe))
            })
            .collect();
        // What is left grows shorter each time.
        while !left.is_empty() {
            let hello = self.visit.by_hand(version).suites(&suites).groups(&left);
            let answer = self.choice(&hello, "asking for one group less").await;
            let choice = match of_version(answer, version) {
                Attempt::Done(choice) => choice,
                Attempt::Failed(failure) => return Attempt::Failed(failure),
                Attempt::Skipped(because) => return Attempt::Skipped(because),
            };
            let group = choice.chosen.and_then(|chosen| chosen.group);
            let Some(at) = left.iter().position(|offered| Some(*offered) == group) else {
                break;
            };
            accepted.push(left.remove(at));
        }
        Attempt::Done(accepted)
    }

    /// The certificate shown to a client that names another host, or none.
    async fn shown(&mut self, name: Option<&'static str>) -> Attempt<Shown> {
        let leaf = |visit: &Visit<'_>| {
            let handshake = visit.first.observation.handshake.done()?;
            Some(handshake.chain.first()?.sha256.clone())
        };
        if !self.visit.first.observation.handshake.is_done() {
            return Attempt::Skipped(Because::After(Stage::Handshake));
        }
        let (errand, purpose) = match name {
            Some(name) => (Errand::Named(Some(name)), "naming a server nobody has"),
            None => (Errand::Named(None), "naming no server"),
        };
        let hello = Hello::Ours(Offer::All);
        let called = match self.again(hello, errand, PAUSE, purpose).await {
            Ok(called) => called,
            Err(unasked) => return unasked.attempt(self.visit),
        };
        let usual = leaf(self.visit);
        match called.observation.handshake {
            Attempt::Done(handshake) => {
                let leaf = handshake.chain.into_iter().next();
                let sha256 = leaf.as_ref().map(|leaf| leaf.sha256.clone());
                Attempt::Done(Shown {
                    same: sha256 == usual,
                    sha256,
                    names: leaf.map(|leaf| leaf.names).unwrap_or_default(),
                })
            }
            Attempt::Failed(failure) => Attempt::Failed(failure),
            Attempt::Skipped(because) => Attempt::Skipped(because),
        }
    }

    /// Whether a command in cleartext behind STARTTLS is taken for one spoken
    /// inside TLS (RFC 3207, section 4.2 wants it forgotten).
    async fn injection(&mut self) -> Attempt<Injection> {
        if !self.visit.first.observation.handshake.is_done() {
            return Attempt::Skipped(Because::After(Stage::Handshake));
        }
        let purpose = "with a command behind STARTTLS in the same segment";
        let hello = Hello::Ours(Offer::All);
        match self.again(hello, Errand::Inject, PAUSE, purpose).await {
            Ok(called) => match called.observation.handshake {
                Attempt::Done(_) => Attempt::Done(Injection {
                    answered: called.injected,
                }),
                Attempt::Failed(failure) => Attempt::Failed(failure),
                Attempt::Skipped(because) => Attempt::Skipped(because),
            },
            Err(unasked) => unasked.attempt(self.visit),
        }
    }

    async fn unadvertised(&mut self) -> Attempt<Reply> {
        let purpose = "with STARTTLS although it is not offered";
        let hello = Hello::Ours(Offer::All);
        match self
            .again(hello, Errand::Unadvertised, PAUSE, purpose)
            .await
        {
            Ok(called) => called.observation.starttls,
            Err(unasked) => unasked.attempt(self.visit),
        }
    }

    async fn repeats(&mut self) -> Vec<Attempt<Repeat>> {
        let mut repeats = Vec::new();
        for _ in 0..REPEATS {
            let hello = Hello::Ours(Offer::All);
            let purpose = "to see whether EHLO is answered alike";
            let asked = self
                .again(hello, Errand::EhloOnly, REPEAT_PAUSE, purpose)
                .await;
            repeats.push(match asked {
                Ok(called) => match called.observation.ehlo {
                    Attempt::Done(ehlo) => Attempt::Done(Repeat {
                        starttls: crate::smtp::ehlo::offers(&ehlo.keywords, "STARTTLS"),
                    }),
                    Attempt::Failed(failure) => Attempt::Failed(failure),
                    Attempt::Skipped(because) => Attempt::Skipped(because),
                },
                Err(unasked) => unasked.attempt(self.visit),
            });
        }
        repeats
    }

    /// Every suite, version by version. A version without an entry was not
    /// asked to the end.
    async fn suites(&mut self) -> Suites {
        let mut found = Suites::new();
        for version in VERSIONS {
            let mut enumeration = Enumeration::new(version);
            while let Some(hello) = enumeration.next(random()) {
                let hello = match self.visit.named() {
                    Some(host) => hello.server_name(host),
                    None => hello,
                };
                match self.answer(&hello, "asking for one suite less").await {
                    Ok(Answered::Hello(flight)) => enumeration.answered(&flight),
                    Ok(Answered::Nothing) => enumeration.answered(&ServerFlight::default()),
                    Ok(Answered::Unknown(_)) | Err(_) => return found,
                }
            }
            found.insert(version, enumeration.accepted().to_vec());
        }
        found
    }
}

/// A question that was not put.
struct Unasked(Ended);

impl Unasked {
    fn attempt<T>(self, visit: &Visit<'_>) -> Attempt<T> {
        match self.0 {
            Ended::At(stage) => Attempt::Skipped(Because::After(stage)),
            Ended::Spent => Attempt::failed(Failure::new(
                Stage::Connect,
                Kind::Deadline,
                format!(
                    "the time for {} was used up before this was asked",
                    visit.peer()
                ),
            )),
        }
    }
}

/// What came back to a hello made by hand.
enum Answered {
    Hello(ServerFlight),
    /// An alert, a hang-up, or nothing that is TLS.
    Nothing,
    Unknown(Failure),
}

/// The answer to a hello for one version: another version is none
/// (a server may answer with a lower one, RFC 5246, appendix E.1).
fn of_version(answer: Result<Answered, Attempt<Choice>>, version: TlsVersion) -> Attempt<Choice> {
    chosen(answer, |flight| {
        flight
            .hello
            .as_ref()
            .is_some_and(|hello| hello.version == Some(version))
    })
}

/// The answer to a hello with some suites: another one is none.
fn among(answer: Result<Answered, Attempt<Choice>>, offered: &[u16]) -> Attempt<Choice> {
    chosen(answer, |flight| {
        flight
            .hello
            .as_ref()
            .is_some_and(|hello| offered.contains(&hello.suite))
    })
}

fn chosen(
    answer: Result<Answered, Attempt<Choice>>,
    counts: impl FnOnce(&ServerFlight) -> bool,
) -> Attempt<Choice> {
    match answer {
        Err(attempt) => attempt,
        Ok(Answered::Unknown(failure)) => Attempt::failed(failure),
        Ok(Answered::Nothing) => Attempt::Done(Choice { chosen: None }),
        Ok(Answered::Hello(flight)) => Attempt::Done(Choice {
            chosen: counts(&flight).then(|| of(&flight)).flatten(),
        }),
    }
}

fn of(flight: &ServerFlight) -> Option<Chosen> {
    let hello = flight.hello.as_ref()?;
    Some(Chosen {
        suite: hello.suite,
        group: match flight.key {
            Some(ServerKey::Curve { group }) => Some(group),
            _ => hello.group,
        },
        dh_bits: match flight.key {
            Some(ServerKey::Dh { bits }) => Some(bits),
            _ => None,
        },
    })
}

/// The suites of a class at a version.
fn of_class(class: SuiteClass, version: TlsVersion) -> Vec<u16> {
    suites_for(version)
        .into_iter()
        .filter(|code| Suite::of(*code).is_some_and(|suite| class.has(suite)))
        .collect()
}

/// What was chosen at a version.
fn chosen_at(versions: &[Asked<TlsVersion>], version: TlsVersion) -> Option<Chosen> {
    let asked = versions.iter().find(|asked| asked.what == version)?;
    asked.answer.done()?.chosen
}

/// Whether nothing was taken of what was offered.
fn refused(answer: &Attempt<Choice>) -> bool {
    answer.done().is_some_and(|choice| choice.chosen.is_none())
}

/// The best version the server has below TLS 1.3.
fn best_below_13(versions: &[Asked<TlsVersion>]) -> Option<TlsVersion> {
    versions
        .iter()
        .filter(|asked| asked.what < TlsVersion::Tls13)
        .filter(|asked| asked.answer.done().is_some_and(|c| c.chosen.is_some()))
        .map(|asked| asked.what)
        .max()
}
