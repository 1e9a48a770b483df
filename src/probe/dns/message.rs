//! Questions as the wire has them, what counts as their answer, and names.

use std::fmt::Write as _;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RecordType};

/// RFC 9715, section 3: what passes the Internet without fragments.
const UDP_PAYLOAD: u16 = 1232;

/// What a question asks about signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Nothing.
    Plain,
    /// Whether they hold (RFC 6840, section 5.7: the AD bit in a question).
    Validated,
    /// For the data, whether they hold or not (RFC 4035, section 3.2.2).
    Unchecked,
}

/// A question; with EDNS (RFC 6891) where it says what it wants.
pub fn question(name: &Name, kind: RecordType, ask: Option<Ask>) -> Message {
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(name.clone(), kind));
    if let Some(ask) = ask {
        let mut options = Edns::new();
        options.set_max_payload(UDP_PAYLOAD);
        if ask != Ask::Plain {
            // RFC 6891, section 6.1.4: the DO bit.
            options.set_dnssec_ok(true);
            message.metadata.authentic_data = ask == Ask::Validated;
            message.metadata.checking_disabled = ask == Ask::Unchecked;
        }
        message.set_edns(options);
    }
    message
}

/// Whether a message answers this question (RFC 5452, section 9.1).
pub fn is_answer(message: &Message, question: &Message) -> bool {
    let same_question = message.queries == question.queries
        // Some servers leave the question out of a refusal.
        || (message.queries.is_empty()
            && !matches!(
                message.metadata.response_code,
                ResponseCode::NoError | ResponseCode::NXDomain
            ));
    message.metadata.id == question.metadata.id
        && message.metadata.message_type == MessageType::Response
        && message.metadata.op_code == OpCode::Query
        && same_question
        && message
            .queries
            .iter()
            .all(|query| query.query_class() == DNSClass::IN)
}

/// A name as the wire has it. Escapes as [`presentation`] writes them are
/// read; the library writes octal ones and reads none.
pub fn absolute(name: &str) -> Option<Name> {
    let mut labels: Vec<Vec<u8>> = vec![Vec::new()];
    let mut octets = name.bytes();
    while let Some(octet) = octets.next() {
        let octet = match octet {
            b'.' => {
                labels.push(Vec::new());
                continue;
            }
            b'\\' => match octets.next()? {
                first @ b'0'..=b'9' => {
                    let mut number = u16::from(first - b'0');
                    for _ in 0..2 {
                        let digit = octets.next().filter(u8::is_ascii_digit)?;
                        number = number * 10 + u16::from(digit - b'0');
                    }
                    u8::try_from(number).ok()?
                }
                other => other,
            },
            other => other,
        };
        labels.last_mut()?.push(octet);
    }
    if labels.iter().any(Vec::is_empty) {
        return None;
    }
    let labels = labels.iter().map(Vec::as_slice);
    let mut name = Name::from_labels(labels).ok()?.to_lowercase();
    name.set_fqdn(true);
    Some(name)
}

/// A name as text: lower case, no final dot, empty for the root; octets that
/// are no part of a host name escaped (RFC 1035, section 5.1).
#[must_use]
pub fn presentation(name: &Name) -> String {
    let mut text = String::new();
    for label in name.iter() {
        if !text.is_empty() {
            text.push('.');
        }
        for octet in label {
            match octet.to_ascii_lowercase() {
                special @ (b'.' | b'\\' | b'"' | b';' | b'(' | b')' | b'@' | b'$') => {
                    text.push('\\');
                    text.push(char::from(special));
                }
                graphic if graphic.is_ascii_graphic() => text.push(char::from(graphic)),
                other => {
                    write!(text, "\\{other:03}").expect("writing to a String cannot fail");
                }
            }
        }
    }
    text
}
