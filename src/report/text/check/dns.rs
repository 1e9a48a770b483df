//! The DNS answers, as a zone file would have them (RFC 1035, section 5).

use crate::attempt::Attempt;
use crate::dane::verify::named_by;
use crate::observed::domain::{Dnssec, DomainObservation, MxSource, ResolverPath};
use crate::report::text::escape;
use crate::report::text::layout::paragraph;

/// Every answer, comments behind semicolons.
pub(super) fn render(observation: &DomainObservation) -> String {
    let mut zone = Zone(String::new());
    let resolver = &observation.resolver;
    let path = match resolver.path {
        ResolverPath::Loopback => "on this machine",
        ResolverPath::Tls => "over TLS",
        ResolverPath::Plain => "in cleartext",
    };
    let validates = match resolver.validates {
        Some(true) => "validates",
        Some(false) => "does not validate",
        None => "not known to validate",
    };
    zone.comment(&format!(
        "resolver {}, {path}, {validates}",
        resolver.address
    ));
    let domain = observation.domain.as_str();
    zone.answer(&observation.mx, domain, "MX", |zone, mx| {
        if mx.source == MxSource::Implicit {
            zone.comment(&format!("{domain}. MX: none, or not asked"));
        }
        for record in mx
            .records
            .iter()
            .filter(|_| mx.source != MxSource::Implicit)
        {
            zone.record(
                domain,
                &format!("MX {} {}.", record.preference, record.host),
                mx.dnssec,
            );
        }
    });
    for host in &observation.hosts {
        let name = host.host.as_str();
        if let Some(canonical) = &host.canonical {
            zone.line(&format!("{name}. CNAME {canonical}."));
        }
        let owner = host.canonical.as_ref().map_or(name, |c| c.as_str());
        zone.answer(&host.addresses, owner, "A, AAAA", |zone, addresses| {
            for ip in &addresses.list {
                let kind = if ip.is_ipv4() { "A" } else { "AAAA" };
                zone.record(owner, &format!("{kind} {ip}"), addresses.dnssec);
            }
            if addresses.list.is_empty() {
                zone.comment(&format!("{owner}. A, AAAA: none"));
            }
            if let Some(failure) = &addresses.partial {
                zone.comment(&failure.message);
            }
        });
        let port = host.endpoints.first().map_or(25, |endpoint| endpoint.port);
        zone.answer(&host.tlsa, name, "TLSA", |zone, tlsa| {
            if tlsa.records.is_empty() {
                zone.comment(&format!("_{port}._tcp.{}. TLSA: none", tlsa.base_domain));
            }
            for record in &tlsa.records {
                let data: String = record.data.iter().map(|b| format!("{b:02x}")).collect();
                zone.record(
                    &format!("_{port}._tcp.{}", tlsa.base_domain),
                    &format!(
                        "TLSA {} {} {} {data}",
                        record.usage, record.selector, record.matching
                    ),
                    tlsa.dnssec,
                );
                let plain = record.record();
                if let Err(why) = plain.usability() {
                    zone.comment(&format!("  not usable: {why}"));
                    continue;
                }
                let named: Vec<String> = host
                    .endpoints
                    .iter()
                    .filter(|endpoint| {
                        endpoint.handshake.done().is_some_and(|handshake| {
                            named_by(std::slice::from_ref(&plain), &handshake.chain) == [true]
                        })
                    })
                    .map(|endpoint| endpoint.address.to_string())
                    .collect();
                if host
                    .endpoints
                    .iter()
                    .any(|endpoint| endpoint.handshake.is_done())
                {
                    zone.comment(&match named.is_empty() {
                        true => "  names nothing that was sent".to_owned(),
                        false => format!("  names what was sent by {}", named.join(", ")),
                    });
                }
            }
        });
    }
    let sts = format!("_mta-sts.{domain}");
    zone.answer(&observation.mta_sts.record, &sts, "TXT", |zone, record| {
        for txt in &record.txt {
            zone.line(&format!("{sts}. TXT {txt:?}"));
        }
    });
    let rpt = format!("_smtp._tls.{domain}");
    zone.answer(&observation.tls_rpt, &rpt, "TXT", |zone, record| {
        for txt in &record.txt {
            zone.line(&format!("{rpt}. TXT {txt:?}"));
        }
    });
    zone.0
}

struct Zone(String);

impl Zone {
    fn line(&mut self, text: &str) {
        self.0.push_str(&paragraph("  ", &escape::text(text)));
    }

    fn comment(&mut self, text: &str) {
        self.line(&format!("; {text}"));
    }

    fn record(&mut self, owner: &str, data: &str, dnssec: Dnssec) {
        let dnssec = match dnssec {
            Dnssec::Secure => "secure",
            Dnssec::Insecure => "insecure",
            Dnssec::Unvalidated => "unvalidated",
        };
        self.line(&format!("{owner}. {data} ; {dnssec}"));
    }

    /// What was asked and answered; what failed, as a comment.
    fn answer<T>(
        &mut self,
        attempt: &Attempt<T>,
        owner: &str,
        kind: &str,
        show: impl FnOnce(&mut Self, &T),
    ) {
        match attempt {
            Attempt::Done(value) => show(self, value),
            Attempt::Failed(failure) => {
                self.comment(&format!("{owner}. {kind}: {}", failure.message));
            }
            Attempt::Skipped(_) => {}
        }
    }
}
