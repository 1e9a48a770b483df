//! An authoritative name server over UDP and TCP.
//!
//! The zone is one record a line, `NAME TYPE DATA`, names absolute with or
//! without final dot: `A`, `AAAA`, `MX PREFERENCE HOST`, `CNAME`, `TXT`. In place
//! of a type may stand a behaviour, for all types of the name, or behind a type
//! for that type alone: `SERVFAIL`, `REFUSED`, `TIMEOUT` (no answer),
//! `TRUNCATED` (over UDP nothing but the TC bit), `BOGUS` (SERVFAIL, but the
//! data where the CD bit is set).
//!
//! It answers as a validating resolver would: `SECURE` in place of a type says
//! that the name and all below it are signed, `INSECURE` that they are not; an
//! answer whose every name is signed has the AD bit. The names a resolver is
//! tested with are there too, unless the zone begins with `; does not validate`.
//! `TLSA U S M @HOST` stands for the digest of what HOST shows.
//! A name that is neither an
//! owner nor above one gets NXDOMAIN, other questions NODATA.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use hickory_server::net::runtime::Time;
use hickory_server::net::xfer::Protocol;
use hickory_server::proto::op::{
    Edns, Header, HeaderCounts, MessageType, Metadata, OpCode, ResponseCode,
};
use hickory_server::proto::rr::rdata::{A, AAAA, CNAME, MX, SOA, TLSA, TXT};
use hickory_server::proto::rr::{Name, RData, Record, RecordType};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use tokio::net::{TcpListener, UdpSocket};

use super::log::Log;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behaviour {
    Code(ResponseCode),
    Timeout,
    Truncated,
    Bogus,
}

/// What the name server knows.
#[derive(Debug, Default)]
pub struct Zone {
    records: BTreeMap<String, Vec<Record>>,
    behaviours: BTreeMap<(String, Option<RecordType>), Behaviour>,
    names: BTreeSet<String>,
    signed: BTreeMap<String, bool>,
}

/// What a resolver is tested with.
const TEST_NAMES: &str = "
in-addr.arpa SECURE
ip6.arpa SECURE
google.com A 192.0.2.1
microsoft.com A 192.0.2.1
dnssec-failed.org BOGUS
dnssec-failed.org A 192.0.2.1
rhybar.cz BOGUS
rhybar.cz A 192.0.2.1
";

impl Zone {
    /// Reads a zone.
    pub fn parse(text: &str) -> Self {
        let mut zone = Self::default();
        let tested = if text.trim_start().starts_with("; does not validate") {
            ""
        } else {
            TEST_NAMES
        };
        for line in text.lines().chain(tested.lines()) {
            let line = line.split(" ;").next().unwrap_or_default().trim();
            if line.is_empty() || line.starts_with(';') || line.starts_with('#') {
                continue;
            }
            zone.add(line);
        }
        zone
    }

    fn add(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        let owner = key(words.next().expect("an owner"));
        let mut parent = owner.as_str();
        loop {
            self.names.insert(parent.to_owned());
            match parent.split_once('.') {
                Some((_, rest)) => parent = rest,
                None => break,
            }
        }
        let kind = words.next().unwrap_or_else(|| panic!("{line}: no type"));
        let rest: Vec<&str> = words.collect();
        if matches!(kind, "SECURE" | "INSECURE") {
            self.signed.insert(owner, kind == "SECURE");
            return;
        }
        if let Some(behaviour) = behaviour(kind) {
            self.behaviours.insert((owner, None), behaviour);
            return;
        }
        let record_type = RecordType::from_str(kind).unwrap_or_else(|_| panic!("{line}: no type"));
        let first = *rest.first().unwrap_or_else(|| panic!("{line}: no data"));
        if let Some(behaviour) = behaviour(first) {
            self.behaviours
                .insert((owner, Some(record_type)), behaviour);
            return;
        }
        let data = match record_type {
            RecordType::A => RData::A(A(first.parse().expect("an IPv4 address"))),
            RecordType::AAAA => RData::AAAA(AAAA(first.parse().expect("an IPv6 address"))),
            RecordType::MX => {
                RData::MX(MX::new(first.parse().expect("a preference"), name(rest[1])))
            }
            RecordType::CNAME => RData::CNAME(CNAME(name(first))),
            RecordType::TLSA => RData::TLSA(TLSA::new(
                first.parse::<u8>().expect("a usage").into(),
                rest[1].parse::<u8>().expect("a selector").into(),
                rest[2].parse::<u8>().expect("a matching type").into(),
                hexadecimal(rest[3]),
            )),
            RecordType::TXT => RData::TXT(TXT::new(vec![rest.join(" ")])),
            other => panic!("{line}: {other} is not served"),
        };
        let record = Record::from_rdata(name(&owner), 300, data);
        self.records.entry(owner).or_default().push(record);
    }

    fn behaviour(&self, name: &str, kind: RecordType) -> Option<Behaviour> {
        self.behaviours
            .get(&(name.to_owned(), Some(kind)))
            .or_else(|| self.behaviours.get(&(name.to_owned(), None)))
            .copied()
    }

    /// Whether a name is in a signed zone.
    fn is_signed(&self, name: &str) -> bool {
        let mut name = name;
        loop {
            if let Some(&signed) = self.signed.get(name) {
                return signed;
            }
            match name.split_once('.') {
                Some((_, rest)) => name = rest,
                None => return false,
            }
        }
    }

    /// The records that answer, following CNAME as RFC 1034, section 4.3.2
    /// has it.
    fn answer(&self, asked: &str, kind: RecordType) -> (ResponseCode, Vec<&Record>) {
        let mut answers = Vec::new();
        let mut current = asked.to_owned();
        for _ in 0..8 {
            if let Some(Behaviour::Code(code)) = self.behaviour(&current, kind) {
                return (code, Vec::new());
            }
            let Some(records) = self.records.get(&current) else {
                let code = if self.names.contains(&current) {
                    ResponseCode::NoError
                } else {
                    ResponseCode::NXDomain
                };
                return (code, answers);
            };
            let before = answers.len();
            answers.extend(records.iter().filter(|r| r.record_type() == kind));
            if answers.len() > before {
                break;
            }
            let Some(alias) = records
                .iter()
                .find(|r| r.record_type() == RecordType::CNAME)
            else {
                break;
            };
            answers.push(alias);
            if let RData::CNAME(target) = &alias.data {
                current = key(&target.0.to_ascii());
            }
        }
        (ResponseCode::NoError, answers)
    }
}

fn behaviour(word: &str) -> Option<Behaviour> {
    Some(match word {
        "SERVFAIL" => Behaviour::Code(ResponseCode::ServFail),
        "REFUSED" => Behaviour::Code(ResponseCode::Refused),
        "TIMEOUT" => Behaviour::Timeout,
        "TRUNCATED" => Behaviour::Truncated,
        "BOGUS" => Behaviour::Bogus,
        _ => return None,
    })
}

fn hexadecimal(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|n| u8::from_str_radix(&text[2 * n..2 * n + 2], 16).expect("hexadecimal"))
        .collect()
}

fn key(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

fn name(text: &str) -> Name {
    let absolute = if text.ends_with('.') {
        text.to_owned()
    } else {
        format!("{text}.")
    };
    Name::from_ascii(&absolute).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Serves the zone on both sockets, for ever.
pub async fn serve(zone: Zone, udp: UdpSocket, tcp: TcpListener, log: Arc<Log>) {
    let mut server = hickory_server::Server::new(Handler { zone, log });
    server.register_socket(udp);
    server.register_listener(tcp, Duration::from_secs(10), 64);
    let _ = server.block_until_done().await;
}

struct Handler {
    zone: Zone,
    log: Arc<Log>,
}

#[async_trait::async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        mut response: R,
    ) -> ResponseInfo {
        let mut metadata = Metadata::new(request.metadata.id, MessageType::Response, OpCode::Query);
        metadata.recursion_desired = request.metadata.recursion_desired;
        metadata.recursion_available = true;
        let silent = ResponseInfo::from(Header {
            metadata,
            counts: HeaderCounts::default(),
        });
        let Ok(info) = request.request_info() else {
            return silent;
        };
        let asked = key(&Name::from(info.query.name()).to_ascii());
        let kind = info.query.query_type();
        self.log.asked(&asked, &kind.to_string());

        let mut edns = Edns::new();
        edns.set_max_payload(1232);
        let mut builder = MessageResponseBuilder::from_message_request(request);
        if request.edns.is_some() {
            builder.edns(&edns);
        }
        let sent = match self.zone.behaviour(&asked, kind) {
            Some(Behaviour::Timeout) => return silent,
            Some(Behaviour::Truncated) if request.protocol() == Protocol::Udp => {
                metadata.truncation = true;
                response
                    .send_response(builder.build_no_records(metadata))
                    .await
            }
            _ => {
                let (mut code, mut answers) = self.zone.answer(&asked, kind);
                let unchecked = request.metadata.checking_disabled;
                let mut owners: Vec<String> = vec![asked.clone()];
                for record in &answers {
                    owners.push(key(&record.name.to_ascii()));
                    if kind != RecordType::CNAME
                        && let RData::CNAME(target) = &record.data
                    {
                        owners.push(key(&target.0.to_ascii()));
                    }
                }
                let bogus = owners
                    .iter()
                    .any(|name| self.zone.behaviour(name, kind) == Some(Behaviour::Bogus));
                if bogus && !unchecked {
                    code = ResponseCode::ServFail;
                    answers.clear();
                }
                metadata.checking_disabled = unchecked;
                metadata.authentic_data = !bogus
                    && !unchecked
                    && request.metadata.authentic_data
                    && owners.iter().all(|name| self.zone.is_signed(name));
                metadata.response_code = code;
                let soa = Record::from_rdata(
                    name("example"),
                    60,
                    RData::SOA(SOA::new(
                        name("ns.example"),
                        name("hostmaster.example"),
                        1,
                        3600,
                        600,
                        86_400,
                        60,
                    )),
                );
                let negative = answers.is_empty()
                    && matches!(code, ResponseCode::NoError | ResponseCode::NXDomain);
                let authority = negative.then_some(&soa);
                response
                    .send_response(builder.build(metadata, answers, None, authority, None))
                    .await
            }
        };
        sent.unwrap_or(silent)
    }
}
