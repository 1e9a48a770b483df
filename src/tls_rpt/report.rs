//! Reports (RFC 8460, section 4): what a sender counted in a day, of sessions
//! with TLS and without.
//!
//! Entry points: [`read`] takes what people have of one: the JSON, the gzip file
//! (RFC 8460, section 5.2), or the mail that carries it (RFC 8460, section 5.3);
//! [`statements`] gives what it says of hosts.
//!
//! Strict where a claim rests on it (the times, the domain, the result type),
//! tolerant elsewhere, with an [`Advisory`] for each thing that was overlooked.
//! Not supported: checking the DKIM signature of the mail (RFC 8460, section 3),
//! which is for who received it; so whoever gives a report vouches for it.

use std::fmt;
use std::io::Read as _;
use std::net::IpAddr;

use flate2::read::MultiGzDecoder;
use jiff::Timestamp;
use serde_json::Value;

use super::mail;
use crate::name::DomainName;
use crate::observed::statement::{Said, StatedBy, Statement, WhyNot};

/// Octets of a report, before and after it is expanded.
pub const MOST_OCTETS: usize = 32 << 20;

/// Policies of one report, and failures of one policy, that are read.
const MOST_POLICIES: usize = 10_000;
const MOST_FAILURES: usize = 10_000;

/// One report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Hostile text: escape.
    pub organization: Option<String>,
    pub contact: Option<String>,
    pub id: Option<String>,
    pub from: Timestamp,
    pub until: Timestamp,
    pub policies: Vec<Policy>,
    pub advisories: Vec<Advisory>,
}

/// What was counted under one policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// `tlsa`, `sts`, `no-policy-found`.
    pub kind: String,
    pub domain: DomainName,
    pub mx: Vec<String>,
    pub successful: u64,
    pub failed: u64,
    pub failures: Vec<FailureDetail>,
}

/// Sessions that failed in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureDetail {
    /// RFC 8460, section 4.3; new ones may be registered.
    pub result: String,
    pub sending_ip: Option<IpAddr>,
    pub receiving_host: Option<String>,
    pub receiving_ip: Option<IpAddr>,
    pub sessions: u64,
    pub reason: Option<String>,
}

/// Why something is no report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    TooLarge,
    BrokenGzip(String),
    /// A message without a report in it.
    NoReportInMail,
    NotJson(String),
    /// A field that a claim rests on.
    Field(&'static str),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "it is larger than {} MiB", MOST_OCTETS >> 20),
            Self::BrokenGzip(why) => write!(f, "its gzip is broken: {why}"),
            Self::NoReportInMail => f.write_str(
                "it is neither JSON nor gzip, nor a mail with a part application/tlsrpt+gzip or \
                 application/tlsrpt+json",
            ),
            Self::NotJson(why) => write!(f, "it is no JSON: {why}"),
            Self::Field(field) => write!(
                f,
                "{field} is missing or not understood (RFC 8460, section 4.4)"
            ),
        }
    }
}

/// What was overlooked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advisory {
    /// A policy without a domain that could be one.
    PolicyLeftOut(usize),
    /// A failure without a result type.
    FailureLeftOut(usize),
    /// A number written as a string.
    NumberAsText(&'static str),
    /// `mx-host` as a string, as drafts had it, where a list is due.
    MxAsText,
    /// More policies or failures than are read.
    Cut,
}

impl fmt::Display for Advisory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PolicyLeftOut(n) => write!(f, "policy {n} names no domain, and is left out"),
            Self::FailureLeftOut(n) => {
                write!(
                    f,
                    "a failure of policy {n} has no result type, and is left out"
                )
            }
            Self::NumberAsText(field) => write!(f, "{field} is a number in quotes"),
            Self::MxAsText => f.write_str("mx-host is a text where a list is due"),
            Self::Cut => f.write_str("it is longer than is read"),
        }
    }
}

/// Reads a report, whatever it is wrapped in.
///
/// # Errors
/// [`Fault`], where nothing can be claimed from it.
pub fn read(octets: &[u8]) -> Result<Report, Fault> {
    if octets.len() > MOST_OCTETS {
        return Err(Fault::TooLarge);
    }
    let start = octets.iter().position(|octet| !octet.is_ascii_whitespace());
    match start.map(|start| &octets[start..]) {
        Some([0x1F, 0x8B, ..]) => json(&expand(octets)?),
        Some([b'{', ..] | [0xEF, 0xBB, 0xBF, ..]) => json(octets),
        _ => match mail::report(octets).ok_or(Fault::NoReportInMail)? {
            part if part.starts_with(&[0x1F, 0x8B]) => json(&expand(&part)?),
            part => json(&part),
        },
    }
}

fn expand(octets: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    MultiGzDecoder::new(octets)
        .take(MOST_OCTETS as u64 + 1)
        .read_to_end(&mut out)
        .map_err(|error| Fault::BrokenGzip(error.to_string()))?;
    if out.len() > MOST_OCTETS {
        return Err(Fault::TooLarge);
    }
    Ok(out)
}

fn json(octets: &[u8]) -> Result<Report, Fault> {
    let octets = octets.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(octets);
    let root: Value =
        serde_json::from_slice(octets).map_err(|error| Fault::NotJson(error.to_string()))?;
    let mut advisories = Vec::new();
    let range = &root["date-range"];
    let policies = list(&root["policies"]);
    if policies.is_empty() && !root["policies"].is_array() {
        return Err(Fault::Field("policies"));
    }
    let mut read = Vec::new();
    for (n, value) in policies.iter().enumerate() {
        if n == MOST_POLICIES {
            advisories.push(Advisory::Cut);
            break;
        }
        match policy(value, n + 1, &mut advisories) {
            Some(policy) => read.push(policy),
            None => advisories.push(Advisory::PolicyLeftOut(n + 1)),
        }
    }
    // One of a kind is enough to be told.
    advisories.dedup();
    advisories.truncate(16);
    Ok(Report {
        organization: text(&root["organization-name"]),
        contact: text(&root["contact-info"]),
        id: text(&root["report-id"]),
        from: time(&range["start-datetime"]).ok_or(Fault::Field("date-range.start-datetime"))?,
        until: time(&range["end-datetime"]).ok_or(Fault::Field("date-range.end-datetime"))?,
        policies: read,
        advisories,
    })
}

fn policy(value: &Value, n: usize, advisories: &mut Vec<Advisory>) -> Option<Policy> {
    let policy = &value["policy"];
    let domain = DomainName::parse(policy["policy-domain"].as_str()?).ok()?;
    let summary = &value["summary"];
    let mx = match &policy["mx-host"] {
        Value::String(one) => {
            advisories.push(Advisory::MxAsText);
            vec![one.clone()]
        }
        many => list(many).iter().filter_map(text).take(64).collect(),
    };
    let mut failures = Vec::new();
    for detail in list(&value["failure-details"]) {
        if failures.len() == MOST_FAILURES {
            advisories.push(Advisory::Cut);
            break;
        }
        let Some(result) = text(&detail["result-type"]) else {
            advisories.push(Advisory::FailureLeftOut(n));
            continue;
        };
        failures.push(FailureDetail {
            result: result.to_ascii_lowercase(),
            sending_ip: address(&detail["sending-mta-ip"]),
            receiving_host: text(&detail["receiving-mx-hostname"]),
            receiving_ip: address(&detail["receiving-ip"]),
            sessions: number(
                &detail["failed-session-count"],
                "failed-session-count",
                advisories,
            ),
            reason: text(&detail["failure-reason-code"])
                .or_else(|| text(&detail["additional-information"])),
        });
    }
    Some(Policy {
        kind: text(&policy["policy-type"]).unwrap_or_default(),
        domain,
        mx,
        successful: number(
            &summary["total-successful-session-count"],
            "total-successful-session-count",
            advisories,
        ),
        failed: number(
            &summary["total-failure-session-count"],
            "total-failure-session-count",
            advisories,
        ),
        failures,
    })
}

/// A list, or one thing where a list is due.
fn list(value: &Value) -> &[Value] {
    match value {
        Value::Array(list) => list,
        Value::Object(_) => std::slice::from_ref(value),
        _ => &[],
    }
}

fn text(value: &Value) -> Option<String> {
    let text = value.as_str()?.trim();
    (!text.is_empty()).then(|| text.chars().take(400).collect())
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.trim().parse().ok()
}

fn address(value: &Value) -> Option<IpAddr> {
    let text = value.as_str()?.trim().trim_matches(['[', ']']);
    text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

fn number(value: &Value, field: &'static str, advisories: &mut Vec<Advisory>) -> u64 {
    match value {
        Value::String(text) => {
            advisories.push(Advisory::NumberAsText(field));
            text.trim().parse().unwrap_or(0)
        }
        value => value.as_u64().unwrap_or(0),
    }
}

/// What a report says of hosts; `name` is what it is called by.
///
/// Counts of a day say that TLS failed, never that it did not: a reporter may
/// have sent mail besides that it does not count. And policies that could not
/// be fetched say nothing of TLS.
#[must_use]
pub fn statements(report: &Report, name: &str) -> Vec<Statement> {
    let client = reporter(report);
    let mut out = Vec::new();
    for policy in &report.policies {
        for failure in &policy.failures {
            let Some(why) = why(&failure.result) else {
                continue;
            };
            let hosts = match &failure.receiving_host {
                Some(host) => vec![host.clone()],
                None if policy.mx.is_empty() => vec![policy.domain.to_string()],
                None => policy.mx.clone(),
            };
            let count = match failure.sessions {
                1 => "1 session".to_owned(),
                n => format!("{n} sessions"),
            };
            let reason = failure
                .reason
                .as_ref()
                .map(|reason| format!(": {reason}"))
                .unwrap_or_default();
            for host in hosts {
                out.push(Statement {
                    by: StatedBy::SendersReport,
                    place: match &report.id {
                        Some(id) => format!("{name}, report {id}"),
                        None => name.to_owned(),
                    },
                    quote: format!(
                        "{} for {}, {count} with {host} between {} and {}{reason}",
                        failure.result, policy.domain, report.from, report.until
                    ),
                    from: report.from,
                    until: report.until,
                    client: client.clone(),
                    client_ip: failure.sending_ip,
                    server: Some(host.trim_start_matches("*.").to_ascii_lowercase()),
                    server_ip: failure.receiving_ip,
                    id: None,
                    says: Said::NoTls(why),
                });
            }
        }
    }
    out
}

/// The reporter's domain: its name where that is one, else that of its
/// contact address.
fn reporter(report: &Report) -> Option<String> {
    let name = report
        .organization
        .as_deref()
        .filter(|name| name.contains('.'));
    let contact = || Some(report.contact.as_deref()?.rsplit_once('@')?.1);
    [name, contact()]
        .into_iter()
        .flatten()
        .find_map(|text| DomainName::parse(text).ok())
        .map(|domain| domain.to_string())
}

/// RFC 8460, section 4.3: which result types say that TLS did not come about.
fn why(result: &str) -> Option<WhyNot> {
    match result {
        "starttls-not-supported" => Some(WhyNot::NotOffered),
        "certificate-host-mismatch"
        | "certificate-expired"
        | "certificate-not-trusted"
        | "tlsa-invalid" => Some(WhyNot::CertificateRejected),
        "validation-failure" => Some(WhyNot::HandshakeFailed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Write as _;

    use super::*;

    /// RFC 8460, appendix B, with the time zone that it lacks nowhere.
    const EXAMPLE: &str = r#"{
        "organization-name": "Company-X",
        "date-range": {
            "start-datetime": "2016-04-01T00:00:00Z",
            "end-datetime": "2016-04-01T23:59:59Z"
        },
        "contact-info": "sts-reporting@company-x.example",
        "report-id": "5065427c-23d3-47ca-b6e0-946ea0e8c4be",
        "policies": [{
            "policy": {
                "policy-type": "sts",
                "policy-string": ["version: STSv1", "mode: testing", "mx: *.mail.company-y.example", "max_age: 86400"],
                "policy-domain": "company-y.example",
                "mx-host": ["*.mail.company-y.example"]
            },
            "summary": {
                "total-successful-session-count": 5326,
                "total-failure-session-count": 303
            },
            "failure-details": [{
                "result-type": "certificate-expired",
                "sending-mta-ip": "2001:db8:abcd:0012::1",
                "receiving-mx-hostname": "mx1.mail.company-y.example",
                "failed-session-count": 100
            }, {
                "result-type": "starttls-not-supported",
                "sending-mta-ip": "2001:db8:abcd:0013::1",
                "receiving-mx-hostname": "mx2.mail.company-y.example",
                "receiving-ip": "203.0.113.56",
                "failed-session-count": 200,
                "additional-information": "https://reports.company-x.example/report_info?id=5065427c"
            }, {
                "result-type": "validation-failure",
                "sending-mta-ip": "198.51.100.62",
                "receiving-ip": "203.0.113.58",
                "receiving-mx-hostname": "mx-backup.mail.company-y.example",
                "failed-session-count": 3,
                "failure-reason-code": "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED"
            }]
        }]
    }"#;

    fn gzip(octets: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(octets).unwrap();
        encoder.finish().unwrap()
    }

    fn mail(kind: &str, encoding: &str, body: &str) -> String {
        format!(
            "From: tlsrpt@company-x.example\r\nTLS-Report-Domain: company-y.example\r\n\
             Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n boundary=\"----=_X\"\r\n\r\n\
             This is a report.\r\n------=_X\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
             A report\r\n------=_X\r\nContent-Type: {kind};\r\n name=\"r.json.gz\"\r\n\
             Content-Transfer-Encoding: {encoding}\r\n\r\n{body}\r\n------=_X--\r\n"
        )
    }

    #[test]
    fn the_example_of_the_standard_is_read_in_every_wrapping() {
        let plain = read(EXAMPLE.as_bytes()).unwrap();
        assert_eq!(plain.policies[0].failures.len(), 3);
        assert_eq!(
            (plain.policies[0].successful, plain.policies[0].failed),
            (5326, 303)
        );
        assert_eq!(plain.advisories, []);
        let packed = gzip(EXAMPLE.as_bytes());
        assert_eq!(read(&packed).unwrap(), plain);
        let encoded: String = super::super::mail::tests::encode(&packed)
            .as_bytes()
            .chunks(76)
            .map(|line| format!("{}\r\n", std::str::from_utf8(line).unwrap()))
            .collect();
        for message in [
            mail("application/tlsrpt+gzip", "base64", &encoded),
            mail("application/tlsrpt+json", "7bit", EXAMPLE),
            mail("application/gzip", "BASE64", &encoded),
        ] {
            assert_eq!(read(message.as_bytes()).unwrap(), plain, "{message}");
            // With line ends as files have them.
            assert_eq!(
                read(message.replace("\r\n", "\n").as_bytes()).unwrap(),
                plain
            );
        }
    }

    #[test]
    fn each_failure_is_a_statement_of_the_day() {
        let report = read(EXAMPLE.as_bytes()).unwrap();
        let said = statements(&report, "r.json");
        let says: Vec<_> = said
            .iter()
            .map(|s| (s.server.as_deref().unwrap(), &s.says))
            .collect();
        assert_eq!(
            says,
            [
                (
                    "mx1.mail.company-y.example",
                    &Said::NoTls(WhyNot::CertificateRejected)
                ),
                (
                    "mx2.mail.company-y.example",
                    &Said::NoTls(WhyNot::NotOffered)
                ),
                (
                    "mx-backup.mail.company-y.example",
                    &Said::NoTls(WhyNot::HandshakeFailed)
                ),
            ]
        );
        assert_eq!(said[1].client.as_deref(), Some("company-x.example"));
        assert_eq!(said[1].until.to_string(), "2016-04-01T23:59:59Z");
        assert!(said[1].quote.contains("200 sessions"));
    }

    #[test]
    fn what_is_odd_is_overlooked_and_what_matters_is_not() {
        let odd = EXAMPLE
            .replace("[\"*.mail.company-y.example\"]", "\"mx.company-y.example\"")
            .replace("5326", "\"5326\"");
        let report = read(odd.as_bytes()).unwrap();
        assert_eq!(report.policies[0].mx, ["mx.company-y.example"]);
        assert_eq!(report.policies[0].successful, 5326);
        assert_eq!(report.advisories.len(), 2, "{:?}", report.advisories);
        let left_out = EXAMPLE.replace("\"company-y.example\"", "\"not a domain\"");
        let report = read(left_out.as_bytes()).unwrap();
        assert_eq!(report.policies, []);
        assert_eq!(report.advisories, [Advisory::PolicyLeftOut(1)]);
        for (broken, fault) in [
            (
                EXAMPLE.replace("start-datetime", "begin"),
                Fault::Field("date-range.start-datetime"),
            ),
            (
                EXAMPLE.replace("policies", "polices"),
                Fault::Field("policies"),
            ),
            ("hello\n".into(), Fault::NoReportInMail),
            (String::new(), Fault::NoReportInMail),
        ] {
            assert_eq!(read(broken.as_bytes()), Err(fault));
        }
        assert!(matches!(read(b"{\"a\":"), Err(Fault::NotJson(_))));
        assert!(matches!(
            read(&[0x1F, 0x8B, 8, 0]),
            Err(Fault::BrokenGzip(_))
        ));
        // Zeros without end.
        assert_eq!(
            read(&gzip(&vec![b' '; MOST_OCTETS + 9])),
            Err(Fault::TooLarge)
        );
        // Nested without end.
        assert!(read("[".repeat(100_000).as_bytes()).is_err());
        assert!(read(format!("{{\"a\":{}", "[".repeat(100_000)).as_bytes()).is_err());
    }
}
