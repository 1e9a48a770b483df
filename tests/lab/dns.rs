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
//! answer whose every name is signed has the AD bit. The signatures are really
//! there for who asks for them; [`super::signing`] makes them, and knows further
//! marks of zones. `*` and `DNAME` work as they should. The names a resolver is
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
use hickory_server::proto::rr::rdata::{A, AAAA, CNAME, MX, NULL, TLSA, TXT};
use hickory_server::proto::rr::{Name, RData, Record, RecordType};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use tokio::net::{TcpListener, UdpSocket};

use super::log::Log;
use super::signing::{self, Signing, Tampering};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behaviour {
    Code(ResponseCode),
    Timeout,
    Truncated,
    Bogus,
}

/// What the name server knows.
#[derive(Default)]
pub struct Zone {
    records: BTreeMap<String, Vec<Record>>,
    behaviours: BTreeMap<(String, Option<RecordType>), Behaviour>,
    names: BTreeSet<String>,
    signed: BTreeMap<String, bool>,
    marks: BTreeMap<String, Vec<String>>,
    signing: Option<Signing>,
    validates: bool,
}

/// What a resolver is tested with.
const TEST_NAMES: &str = "
in-addr.arpa SECURE
ip6.arpa SECURE
google.com A 192.0.2.1
microsoft.com A 192.0.2.1
dnssec-failed.org SECURE
dnssec-failed.org BOGUS
dnssec-failed.org A 192.0.2.1
rhybar.cz SECURE
rhybar.cz BOGUS
rhybar.cz A 192.0.2.1
";

impl Zone {
    /// Reads a zone.
    pub fn parse(text: &str) -> Self {
        let mut zone = Self {
            validates: !text.trim_start().starts_with("; does not validate"),
            ..Self::default()
        };
        let tested = if zone.validates { TEST_NAMES } else { "" };
        for line in text.lines().chain(tested.lines()) {
            let line = line.split(" ;").next().unwrap_or_default().trim();
            if line.is_empty() || line.starts_with(';') || line.starts_with('#') {
                continue;
            }
            zone.add(line);
        }
        zone.sign(None);
        zone
    }

    /// Makes the keys, for who does this to the answers about a name.
    pub fn sign(&mut self, tampering: Option<(Tampering, String, Option<RecordType>)>) {
        let withheld = self.behaviours.keys().cloned().collect();
        let signing = Signing::new(
            &self.signed,
            &self.marks,
            &self.records,
            &withheld,
            tampering,
        );
        self.signing = Some(signing);
    }

    /// The keys.
    pub fn signing(&self) -> &Signing {
        self.signing.as_ref().expect("parsing makes them")
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
        if matches!(kind, "NSEC3" | "OPTOUT" | "ALGORITHM") {
            let mark = format!("{kind} {}", rest.join(" "));
            self.marks.entry(owner).or_default().push(mark);
            return;
        }
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
            RecordType::DNAME => RData::Unknown {
                code: RecordType::DNAME,
                rdata: NULL::with(wire(first)),
            },
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
    /// has it; the owners a wildcard answered for; and the name that has
    /// nothing of the type, if the way ends at one.
    fn answer(&self, asked: &str, kind: RecordType) -> Reply {
        let mut reply = Reply {
            code: ResponseCode::NoError,
            answers: Vec::new(),
            wildcards: Vec::new(),
            end: None,
        };
        let mut current = asked.to_owned();
        for _ in 0..8 {
            if let Some(Behaviour::Code(code)) = self.behaviour(&current, kind) {
                reply.code = code;
                reply.answers.clear();
                return reply;
            }
            let own = self.signing().own(&current, kind);
            let found = match self.redirection(&current) {
                Some((owner, data)) => {
                    let target = signing::redirect(&current, &owner, &data);
                    let dname = self.records[&owner]
                        .iter()
                        .find(|record| record.record_type() == RecordType::DNAME);
                    reply.answers.extend(dname.cloned());
                    vec![Record::from_rdata(
                        name(&current),
                        300,
                        RData::CNAME(CNAME(target)),
                    )]
                }
                None => match self.records.get(&current) {
                    Some(records) => records.clone(),
                    None if self.names.contains(&current) || self.signing().is_zone(&current) => {
                        Vec::new()
                    }
                    None => match self.wildcard(&current) {
                        Some(records) => {
                            reply.wildcards.push(current.clone());
                            records
                        }
                        None => {
                            reply.code = ResponseCode::NXDomain;
                            reply.end = Some(current);
                            return reply;
                        }
                    },
                },
            };
            let mut matching: Vec<Record> = own.unwrap_or_default();
            matching.extend(found.iter().filter(|r| r.record_type() == kind).cloned());
            if !matching.is_empty() {
                reply.answers.extend(matching);
                return reply;
            }
            let alias = found
                .iter()
                .find(|r| r.record_type() == RecordType::CNAME)
                .filter(|_| kind != RecordType::DS || !self.signing().is_zone(&current));
            let Some(alias) = alias else {
                reply.end = Some(current);
                return reply;
            };
            reply.answers.push(alias.clone());
            if let RData::CNAME(target) = &alias.data {
                current = key(&target.0.to_ascii());
            }
        }
        reply
    }

    /// The DNAME above a name, and where it leads.
    fn redirection(&self, asked: &str) -> Option<(String, String)> {
        self.records.iter().find_map(|(owner, records)| {
            let record = records
                .iter()
                .find(|record| record.record_type() == RecordType::DNAME)?;
            let RData::Unknown { rdata, .. } = &record.data else {
                return None;
            };
            let below = asked != owner && signing::at_or_below(asked, owner);
            below.then(|| (owner.clone(), from_wire(&rdata.anything)))
        })
    }

    /// What a wildcard has for a name, under that name.
    fn wildcard(&self, asked: &str) -> Option<Vec<Record>> {
        let mut above = asked;
        while let Some((_, rest)) = above.split_once('.') {
            if let Some(records) = self.records.get(&format!("*.{rest}")) {
                let mut records = records.clone();
                for record in &mut records {
                    record.name = name(asked);
                }
                return Some(records);
            }
            if self.names.contains(rest) {
                return None;
            }
            above = rest;
        }
        None
    }
}

/// What is to be answered.
struct Reply {
    code: ResponseCode,
    answers: Vec<Record>,
    wildcards: Vec<String>,
    end: Option<String>,
}

fn wire(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in key(name).split('.') {
        out.push(u8::try_from(label.len()).unwrap());
        out.extend(label.as_bytes());
    }
    out.push(0);
    out
}

fn from_wire(mut octets: &[u8]) -> String {
    let mut labels = Vec::new();
    while let Some((&length, rest)) = octets.split_first()
        && length > 0
    {
        let (label, rest) = rest.split_at(length.into());
        labels.push(String::from_utf8_lossy(label).into_owned());
        octets = rest;
    }
    labels.join(".")
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

pub fn key(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

pub fn name(text: &str) -> Name {
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
                let mut reply = self.zone.answer(&asked, kind);
                let unchecked = request.metadata.checking_disabled;
                let mut owners: Vec<String> = vec![asked.clone()];
                for record in &reply.answers {
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
                if bogus && !unchecked && self.zone.validates {
                    reply.code = ResponseCode::ServFail;
                    reply.answers.clear();
                    reply.end = None;
                }
                metadata.checking_disabled = unchecked;
                metadata.authentic_data = !bogus
                    && !unchecked
                    && request.metadata.authentic_data
                    && owners.iter().all(|name| self.zone.is_signed(name));
                let signing = self.zone.signing();
                if signing.forges_no_such_name(&asked, kind) {
                    reply.code = ResponseCode::NXDomain;
                }
                metadata.response_code = reply.code;
                let (mut answers, mut authority) = signing.sign(
                    kind,
                    reply.answers,
                    &reply.wildcards,
                    reply.end.as_deref(),
                    bogus,
                );
                let wanted = request.edns.as_ref().is_some_and(|e| e.flags().dnssec_ok);
                if !wanted {
                    let plain = |record: &Record| {
                        let of = record.record_type();
                        of == kind
                            || !matches!(
                                of,
                                RecordType::RRSIG | RecordType::NSEC | RecordType::NSEC3
                            )
                    };
                    answers.retain(plain);
                    authority.retain(plain);
                }
                response
                    .send_response(builder.build(
                        metadata,
                        answers.iter(),
                        authority.iter(),
                        None,
                        None,
                    ))
                    .await
            }
        };
        sent.unwrap_or(silent)
    }
}
