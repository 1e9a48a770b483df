//! The server's answer to a ClientHello, read as it comes: records, alerts,
//! and handshake messages put together from them (RFC 5246, sections 6.2, 7.2
//! and 7.4; RFC 8446, sections 4.1, 5.1 and 6).
//!
//! Bounded: [`MAX_RECORD`] octets a record, [`MAX_FLIGHT`] in all. What was
//! understood before something went wrong stays readable.

use std::fmt;

use crate::tls::hello::suites::{KeyExchange, Suite};
use crate::tls::parameters::TlsVersion;

/// The longest record taken: 2^14 octets, and what RFC 5246, section 6.2.3 lets
/// compression and encryption add.
pub const MAX_RECORD: usize = 18_432;
/// The longest answer taken.
pub const MAX_FLIGHT: usize = 256 * 1024;
/// Certificates kept of one answer.
const MAX_CERTIFICATES: usize = 100;
/// Alerts kept of one answer.
const MAX_ALERTS: usize = 8;

/// The answer so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerFlight {
    pub hello: Option<ServerHello>,
    /// The chain as sent, leaf first; TLS 1.2 and before.
    pub certificates: Vec<Vec<u8>>,
    pub key: Option<ServerKey>,
    pub client_certificate_requested: bool,
    pub alerts: Vec<Alert>,
}

/// What the server chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerHello {
    /// None where the number is no version known.
    pub version: Option<TlsVersion>,
    pub version_number: u16,
    pub suite: u16,
    /// The group of TLS 1.3; before that it stands in [`ServerKey::Curve`].
    pub group: Option<u16>,
    /// It asks for another hello first (RFC 8446, section 4.1.4).
    pub retry: bool,
    /// The server says that it can do better than it was asked for: a version
    /// that it speaks at least (RFC 8446, section 4.1.3).
    pub speaks_also: Option<TlsVersion>,
}

/// What the server's key exchange message tells; TLS 1.2 and before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerKey {
    /// Finite field Diffie-Hellman, with the size of the prime in bits.
    Dh { bits: u32 },
    /// Elliptic curve Diffie-Hellman on a named group.
    Curve { group: u16 },
    /// Elliptic curve Diffie-Hellman on a curve without a name.
    ExplicitCurve,
    /// A temporary RSA key of an export suite.
    Rsa { bits: u32 },
}

/// An alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alert {
    pub fatal: bool,
    pub code: u8,
}

impl Alert {
    /// Its name (RFC 8446, section 6; older ones from RFC 5246, section 7.2).
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Some(match self.code {
            0 => "close_notify",
            10 => "unexpected_message",
            20 => "bad_record_mac",
            21 => "decryption_failed",
            22 => "record_overflow",
            30 => "decompression_failure",
            40 => "handshake_failure",
            41 => "no_certificate",
            42 => "bad_certificate",
            43 => "unsupported_certificate",
            44 => "certificate_revoked",
            45 => "certificate_expired",
            46 => "certificate_unknown",
            47 => "illegal_parameter",
            48 => "unknown_ca",
            49 => "access_denied",
            50 => "decode_error",
            51 => "decrypt_error",
            60 => "export_restriction",
            70 => "protocol_version",
            71 => "insufficient_security",
            80 => "internal_error",
            86 => "inappropriate_fallback",
            90 => "user_canceled",
            100 => "no_renegotiation",
            109 => "missing_extension",
            110 => "unsupported_extension",
            112 => "unrecognized_name",
            113 => "bad_certificate_status_response",
            115 => "unknown_psk_identity",
            116 => "certificate_required",
            120 => "no_application_protocol",
            _ => return None,
        })
    }
}

/// Whether the answer is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// More is to come.
    More,
    /// The server has said all it says before it waits for us.
    Done,
}

/// Why reading stopped early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlightError {
    /// What came is no TLS record.
    NotTls,
    RecordTooLong(usize),
    FlightTooLong,
    /// A message or record out of place.
    Unexpected(&'static str),
    /// A message whose lengths do not fit.
    Malformed(&'static str),
}

impl fmt::Display for FlightError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTls => f.write_str("the answer is not TLS"),
            Self::RecordTooLong(length) => write!(f, "a TLS record claims {length} octets"),
            Self::FlightTooLong => f.write_str("the answer does not end"),
            Self::Unexpected(what) => write!(f, "{what} came out of place"),
            Self::Malformed(what) => write!(f, "{what} is malformed"),
        }
    }
}

impl std::error::Error for FlightError {}

/// Reads an answer in whatever pieces it comes.
#[derive(Debug, Default)]
pub struct Flight {
    /// Octets of which no whole record has come yet.
    input: Vec<u8>,
    /// Handshake octets of which no whole message has come yet.
    messages: Vec<u8>,
    total: usize,
    seen: ServerFlight,
    ended: Option<Result<Step, FlightError>>,
}

impl Flight {
    /// Takes the next octets.
    ///
    /// # Errors
    /// When the answer is not TLS, too long, or malformed; [`Flight::seen`]
    /// still tells what came before.
    pub fn push(&mut self, octets: &[u8]) -> Result<Step, FlightError> {
        if let Some(ended) = self.ended {
            return ended;
        }
        let room = MAX_FLIGHT.saturating_sub(self.total);
        let taken = &octets[..octets.len().min(room)];
        self.total += taken.len();
        self.input.extend_from_slice(taken);
        let result = self.records().and_then(|step| {
            if step == Step::More && taken.len() < octets.len() {
                Err(FlightError::FlightTooLong)
            } else {
                Ok(step)
            }
        });
        if result != Ok(Step::More) {
            self.ended = Some(result);
            self.input = Vec::new();
            self.messages = Vec::new();
        }
        result
    }

    /// What has been understood so far.
    #[must_use]
    pub fn seen(&self) -> &ServerFlight {
        &self.seen
    }

    /// The same, for keeping.
    #[must_use]
    pub fn into_seen(self) -> ServerFlight {
        self.seen
    }

    /// Reads the whole records that have come, and drops them.
    fn records(&mut self) -> Result<Step, FlightError> {
        let input = std::mem::take(&mut self.input);
        let mut rest = input.as_slice();
        let mut step = Step::More;
        while step == Step::More && !rest.is_empty() {
            // As soon as the first octets show that this is no TLS, it is told.
            if !(20..=24).contains(&rest[0]) || rest.get(1).is_some_and(|&major| major != 3) {
                return Err(FlightError::NotTls);
            }
            let Some((header, body)) = rest.split_at_checked(5) else {
                break;
            };
            let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
            if length > MAX_RECORD {
                return Err(FlightError::RecordTooLong(length));
            }
            let Some((body, after)) = body.split_at_checked(length) else {
                break;
            };
            step = match header[0] {
                21 => self.alerts(body)?,
                22 => self.handshake(body)?,
                // RFC 8446, appendix D.4: may come anywhere, and means nothing.
                20 if self.seen.hello.is_none() => Step::More,
                20 => return Err(FlightError::Unexpected("a ChangeCipherSpec")),
                _ => return Err(FlightError::Unexpected("application data")),
            };
            rest = after;
        }
        if step == Step::More {
            self.input = rest.to_vec();
        }
        Ok(step)
    }

    fn alerts(&mut self, body: &[u8]) -> Result<Step, FlightError> {
        let (pairs, []) = body.as_chunks::<2>() else {
            return Err(FlightError::Malformed("an alert"));
        };
        for &[level, code] in pairs {
            let fatal = level != 1;
            if self.seen.alerts.len() < MAX_ALERTS {
                self.seen.alerts.push(Alert { fatal, code });
            }
            // close_notify ends the connection whatever its level.
            if fatal || code == 0 {
                return Ok(Step::Done);
            }
        }
        Ok(Step::More)
    }

    /// Adds a fragment and reads the whole messages that have come.
    fn handshake(&mut self, fragment: &[u8]) -> Result<Step, FlightError> {
        let mut messages = std::mem::take(&mut self.messages);
        messages.extend_from_slice(fragment);
        let mut rest = messages.as_slice();
        let mut step = Step::More;
        while step == Step::More {
            let Some((&[kind, a, b, c], body)) = rest.split_first_chunk::<4>() else {
                break;
            };
            let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
            if length > MAX_FLIGHT {
                return Err(FlightError::FlightTooLong);
            }
            let Some((body, after)) = body.split_at_checked(length) else {
                break;
            };
            step = self.message(kind, body)?;
            rest = after;
        }
        if step == Step::More {
            let read = messages.len() - rest.len();
            messages.drain(..read);
            self.messages = messages;
        }
        Ok(step)
    }

    fn message(&mut self, kind: u8, body: &[u8]) -> Result<Step, FlightError> {
        let Some(hello) = &self.seen.hello else {
            return match kind {
                // HelloRequest, which may come at any time and is ignored.
                0 => Ok(Step::More),
                2 => {
                    let hello =
                        server_hello(body).ok_or(FlightError::Malformed("the ServerHello"))?;
                    let encrypted_next = hello.version == Some(TlsVersion::Tls13);
                    self.seen.hello = Some(hello);
                    Ok(if encrypted_next {
                        Step::Done
                    } else {
                        Step::More
                    })
                }
                _ => Err(FlightError::Unexpected("a message before the ServerHello")),
            };
        };
        match kind {
            11 => {
                let (certificates, whole) = certificate_list(body);
                self.seen.certificates = certificates;
                if !whole {
                    return Err(FlightError::Malformed("the Certificate message"));
                }
            }
            // A key exchange message that cannot be read tells nothing, and
            // spoils nothing.
            12 => self.seen.key = server_key(hello.suite, body),
            13 => self.seen.client_certificate_requested = true,
            14 => return Ok(Step::Done),
            // HelloRequest, SupplementalData, CertificateStatus.
            0 | 22 | 23 => {}
            2 => return Err(FlightError::Unexpected("a second ServerHello")),
            _ => return Err(FlightError::Unexpected("a handshake message")),
        }
        Ok(Step::More)
    }
}

/// SHA-256 of "HelloRetryRequest" (RFC 8446, section 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

fn server_hello(body: &[u8]) -> Option<ServerHello> {
    let mut reader = Reader(body);
    let mut version_number = reader.u16()?;
    let random = reader.take(32)?;
    let session = reader.u8()?;
    reader.take(usize::from(session))?;
    let suite = reader.u16()?;
    let _compression = reader.u8()?;
    let retry = random == RETRY;
    let mut group = None;
    // Extensions may be missing altogether (RFC 5246, section 7.4.1.3).
    if !reader.0.is_empty() {
        let length = reader.u16()?;
        let mut extensions = Reader(reader.take(usize::from(length))?);
        while !extensions.0.is_empty() {
            let kind = extensions.u16()?;
            let length = extensions.u16()?;
            let mut data = Reader(extensions.take(usize::from(length))?);
            match kind {
                43 => version_number = data.u16()?,
                51 => group = Some(data.u16()?),
                _ => {}
            }
        }
    }
    let version = match version_number {
        0x0300 => Some(TlsVersion::Ssl3),
        0x0301 => Some(TlsVersion::Tls10),
        0x0302 => Some(TlsVersion::Tls11),
        0x0303 => Some(TlsVersion::Tls12),
        0x0304 => Some(TlsVersion::Tls13),
        _ => None,
    };
    let speaks_also = match random.strip_prefix(&random[..24]) {
        Some(b"DOWNGRD\x01") => Some(TlsVersion::Tls13),
        Some(b"DOWNGRD\x00") => Some(TlsVersion::Tls12),
        _ => None,
    }
    .filter(|&better| version.is_some_and(|version| version < better));
    Some(ServerHello {
        version,
        version_number,
        suite,
        group,
        retry,
        speaks_also,
    })
}

/// The certificates, and whether the list was whole.
fn certificate_list(body: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let mut certificates = Vec::new();
    let mut reader = Reader(body);
    let Some(mut list) = reader
        .u24()
        .and_then(|length| reader.take(length))
        .map(Reader)
    else {
        return (certificates, false);
    };
    while !list.0.is_empty() && certificates.len() < MAX_CERTIFICATES {
        let Some(certificate) = list.u24().and_then(|length| list.take(length)) else {
            return (certificates, false);
        };
        certificates.push(certificate.to_vec());
    }
    (certificates, true)
}

fn server_key(suite: u16, body: &[u8]) -> Option<ServerKey> {
    let mut reader = Reader(body);
    match Suite::of(suite)?.key_exchange() {
        // RFC 5246, section 7.4.3: prime, generator, public value.
        KeyExchange::Dhe => Some(ServerKey::Dh {
            bits: reader.number_bits()?,
        }),
        // RFC 8422, section 5.4.
        KeyExchange::Ecdhe => match reader.u8()? {
            3 => Some(ServerKey::Curve {
                group: reader.u16()?,
            }),
            1 | 2 => Some(ServerKey::ExplicitCurve),
            _ => None,
        },
        // RFC 2246, section 7.4.3: modulus, exponent.
        KeyExchange::Rsa => Some(ServerKey::Rsa {
            bits: reader.number_bits()?,
        }),
        KeyExchange::Tls13 | KeyExchange::Static => None,
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|octets| octets[0])
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)
            .map(|octets| u16::from_be_bytes([octets[0], octets[1]]))
    }

    fn u24(&mut self) -> Option<usize> {
        self.take(3).map(|octets| {
            octets
                .iter()
                .fold(0, |sum, &octet| (sum << 8) | usize::from(octet))
        })
    }

    /// The length in bits of a number with a length of two octets before it.
    fn number_bits(&mut self) -> Option<u32> {
        let length = self.u16()?;
        let octets = self.take(usize::from(length))?;
        let zeros = octets.iter().take_while(|&&octet| octet == 0).count();
        let number = &octets[zeros..];
        let first = number.first()?;
        let rest = u32::try_from(number.len() - 1).ok()?;
        Some(rest * 8 + (8 - first.leading_zeros()))
    }
}
