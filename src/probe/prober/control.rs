//! The control host: whether what was seen calls for it, which one it is, and
//! what it answers. [`crate::probe::control`] says what its answer means.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::attempt::Attempt;
use crate::failure::{Failure, Kind};
use crate::name::HostName;
use crate::observed::depth::Depth;
use crate::observed::domain::{Control, DomainObservation, HostObservation};
use crate::observed::endpoint::EndpointObservation;
use crate::probe::capture::Offer;
use crate::probe::control;
use crate::probe::endpoint::{self, Call, Errand, Hello};
use crate::probe::mx;
use crate::probe::options::{ControlChoice, DEFAULT_CONTROL, Families, SMTP_PORT, Service};
use crate::probe::roots;
use crate::tls::pkix::PathJudge;

use super::Inner;
use super::plan::is_loopback;

/// The longest a stage with the control host may take: it is quick, or the
/// path is not open.
const CONTROL_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug, Clone)]
pub(super) struct ControlResult {
    pub(super) attempt: Attempt<Control>,
    pub(super) connections: u32,
}

/// Whether something was seen that would speak against a server, if it is the
/// server's doing and not the path's.
pub(super) fn wants_control(hosts: &[HostObservation]) -> bool {
    let tried = || {
        hosts
            .iter()
            .flat_map(|host| &host.endpoints)
            .filter(|endpoint| !matches!(endpoint.connect, Attempt::Skipped(_)))
    };
    let without_tls = tried()
        .any(|endpoint| endpoint.connect.is_done() && !endpoint.handshake.is_done())
        || tried().any(|endpoint| endpoint.deep.as_deref().is_some_and(Depth::is_inconsistent));
    let reached = tried().any(|endpoint| endpoint.connect.is_done());
    without_tls || (!reached && tried().next().is_some())
}

/// Whether the resolver denies that the domain, or any host for its mail,
/// exists. A null MX is no denial but the domain's own word.
pub(super) fn says_no_mail(observation: &DomainObservation) -> bool {
    let denied = |failure: Option<&Failure>| {
        failure.is_some_and(|f| matches!(f.kind, Kind::Nxdomain | Kind::NoData))
    };
    let hosts = &observation.hosts;
    denied(observation.mx.failure())
        || (!hosts.is_empty()
            && hosts.iter().all(|host| match host.addresses.done() {
                Some(addresses) => addresses.list.is_empty() && addresses.partial.is_none(),
                None => denied(host.addresses.failure()),
            }))
}

impl Inner {
    /// Which control host to ask, if any.
    pub(super) fn control_host(&self, hosts: &[HostObservation]) -> Option<(HostName, u16)> {
        match &self.options.control {
            ControlChoice::None => None,
            ControlChoice::Host { host, port } => {
                Some((host.clone(), port.unwrap_or(self.options.port)))
            }
            ControlChoice::Default => {
                let mut addresses = hosts.iter().flat_map(|host| &host.endpoints).peekable();
                let all_here = addresses.peek().is_some()
                    && addresses.all(|endpoint| is_loopback(endpoint.address));
                // That mail servers can be reached says nothing of the ports for
                // mail programs.
                let elsewhere = self.options.service() != Service::Relay;
                if self.points_here() || all_here || elsewhere {
                    return None;
                }
                HostName::parse(DEFAULT_CONTROL)
                    .ok()
                    .map(|host| (host, SMTP_PORT))
            }
        }
    }

    pub(super) async fn ask_control(&self, host: &HostName, port: u16) -> ControlResult {
        let resolved = mx::resolve(&self.dns, host).await;
        let list = match &resolved.addresses {
            Attempt::Done(addresses) => addresses.list.as_slice(),
            Attempt::Failed(_) | Attempt::Skipped(_) => &[],
        };
        let mut first = None;
        let mut connections = 0;
        for &address in self.in_turn(list).iter().take(control::MOST_ADDRESSES) {
            let observation = self.call_control(host, address, port).await;
            connections += observation.connections;
            match control::read(host, address, &observation) {
                Ok(control) => {
                    return ControlResult {
                        attempt: Attempt::Done(control),
                        connections,
                    };
                }
                Err(failure) => {
                    first.get_or_insert(*failure);
                }
            }
        }
        let failure =
            first.unwrap_or_else(|| control::unresolved(host, resolved.addresses.failure()));
        ControlResult {
            attempt: Attempt::failed(failure),
            connections,
        }
    }

    /// The addresses to try, the families by turns, so that a family this
    /// machine does not have costs one try.
    pub(super) fn in_turn(&self, list: &[IpAddr]) -> Vec<IpAddr> {
        let wanted = |address: &IpAddr| match self.options.families {
            Families::Both => true,
            Families::V4 => address.is_ipv4(),
            Families::V6 => address.is_ipv6(),
        };
        let mut v4 = list.iter().filter(|a| a.is_ipv4() && wanted(a));
        let mut v6 = list.iter().filter(|a| a.is_ipv6() && wanted(a));
        let mut turns = Vec::new();
        loop {
            let before = turns.len();
            turns.extend(v4.next());
            turns.extend(v6.next());
            if turns.len() == before {
                return turns;
            }
        }
    }

    pub(super) async fn call_control(
        &self,
        host: &HostName,
        address: IpAddr,
        port: u16,
    ) -> EndpointObservation {
        let turn = self.turns.of(address);
        let observation = {
            let _turn = turn.lock().await;
            let call = Call {
                hello: Hello::Ours(Offer::All),
                errand: Errand::Usual,
                implicit_tls: Service::of_port(port) == Service::Submissions,
                host: Some(host),
                dane: None,
                address: SocketAddr::new(address, port),
                ehlo: self.ehlo_for(Some(host)),
                source: self.options.source,
                proxy: self.options.proxy.as_ref(),
                timeout: self.options.timeout.min(CONTROL_TIMEOUT),
                deadline: self.options.deadline.min(CONTROL_TIMEOUT * 2),
                clock: self.options.clock,
                stack: &self.stack,
                judge: self.control_judge(),
                at: self.options.clock.now(),
            };
            endpoint::call(&call).await.observation
        };
        drop(turn);
        self.turns.rest(address);
        observation
    }

    /// The control host is judged by the system's roots too, whatever the
    /// user's domain is judged by.
    pub(super) fn control_judge(&self) -> &PathJudge {
        if self.options.roots.system {
            return self.judge();
        }
        self.control_judge.get_or_init(|| {
            PathJudge::new(
                roots::with_system(&self.named_roots),
                self.stack.algorithms(),
            )
        })
    }
}
