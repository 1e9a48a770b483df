//! Shapes by which a writer is told where it does not give its name: of its
//! queue identifiers, and of whole lines.

use serde::Deserialize;

use super::when::Line;
use crate::trace::field::Place;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Shape {
    Sendmail,
    Exim,
    Qmail,
    Ironport,
    Zmailer,
    Dovecot,
    Postfix,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum IdShape {
    Courier,
    Pps,
    Mimecast,
    Barracuda,
    Fortimail,
    Sendmail,
    Symantec,
    Cloudmark,
    Mcafee,
    Domino,
}

/// Every shape that an id can be told by, one bit each: two ids with the same
/// marks tell the same.
pub(in crate::trace) fn id_marks(id: &str) -> u16 {
    // Most are told apart by their length and what stands between their parts.
    let has = |mark: u8| id.as_bytes().contains(&mark);
    let (length, dash) = (id.len(), has(b'-'));
    let of = |shape| of_id(id, shape);
    let told = [
        length == 42 && of(IdShape::Courier),
        length == 20 && of(IdShape::Symantec),
        dash && (12..=18).contains(&length) && of(IdShape::Pps),
        dash && of(IdShape::Mimecast),
        dash && length == 29 && of(IdShape::Fortimail),
        dash && length >= 18 && of(IdShape::Domino),
        length >= 34 && has(b'_') && of(IdShape::Mcafee),
        length == 16 && of(IdShape::Barracuda),
        (14..=15).contains(&length) && of(IdShape::Sendmail),
        length == 22 && of(IdShape::Cloudmark),
        dash && exim_id(id),
        dovecot_id(id),
        !dash && postfix_id(id),
    ];
    told.into_iter()
        .fold(0, |marks, is| marks << 1 | u16::from(is))
}

/// Whether an id has this shape.
pub(super) fn of_id(id: &str, shape: IdShape) -> bool {
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit())
    };
    match shape {
        IdShape::Courier => parts_of(id, '.')
            .is_some_and(|[one, two, three]| hex(one, 16) && hex(two, 16) && hex(three, 8)),
        IdShape::Pps => id.split_once('-').is_some_and(|(head, count)| {
            (10..=12).contains(&head.len())
                && head.starts_with(|c: char| c.is_ascii_digit())
                && head
                    .bytes()
                    .all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
                && !count.is_empty()
                && count.len() <= 5
                && count.bytes().all(|b| b.is_ascii_digit())
        }),
        IdShape::Mimecast => memchr::memchr_iter(b'-', id.as_bytes()).any(|at| {
            let behind = id.as_bytes().get(at..);
            behind.is_some_and(|behind| behind.starts_with(b"-mta-"))
        }),
        IdShape::Barracuda => id.len() == 16 && id.bytes().all(|b| b.is_ascii_alphanumeric()),
        IdShape::Fortimail => id
            .split_once('-')
            .is_some_and(|(one, two)| sendmail_id(one) && sendmail_id(two)),
        IdShape::Sendmail => {
            let (head, process) = id.split_at_checked(8).unwrap_or_default();
            matches!(process.len(), 6 | 7)
                && head.bytes().all(|b| b.is_ascii_alphanumeric())
                && head.bytes().any(|b| b.is_ascii_alphabetic())
                && process.bytes().all(|b| b.is_ascii_digit())
        }
        IdShape::Symantec => parts_of(id, '.').is_some_and(|[one, two, three, four]| {
            hex(one, 2)
                && hex(two, 2)
                && three.len() == 5
                && three.bytes().all(|b| b.is_ascii_digit())
                && hex(four, 8)
        }),
        // Two halves that begin with the same time.
        IdShape::Cloudmark => {
            id.len() == 22
                && id.bytes().all(|b| b.is_ascii_alphanumeric())
                && id.get(..3) == id.get(13..16)
        }
        IdShape::Mcafee => parts_of::<7>(id, '_').is_some_and(|parts| {
            parts
                .iter()
                .all(|part| part.len() >= 4 && part.bytes().all(|b| b.is_ascii_hexdigit()))
        }),
        IdShape::Domino if !id.starts_with("20") => false,
        IdShape::Domino => id.split_once('-').is_some_and(|(time, count)| {
            time.len() == 16
                && time.bytes().all(|b| b.is_ascii_digit())
                && !count.is_empty()
                && count.bytes().all(|b| b.is_ascii_digit())
        }),
    }
}

/// The parts of an id that has so many.
fn parts_of<const COUNT: usize>(id: &str, between: char) -> Option<[&str; COUNT]> {
    let mut parts = id.split(between);
    let mut found = [""; COUNT];
    for part in &mut found {
        *part = parts.next()?;
    }
    parts.next().is_none().then_some(found)
}

/// Exim's: 6-6-2, and 6-11-4 since 4.97.
fn exim_id(id: &str) -> bool {
    let dashes: &[usize] = match id.len() {
        16 => &[6, 13],
        23 => &[6, 18],
        _ => return false,
    };
    id.bytes()
        .enumerate()
        .all(|(at, octet)| (octet == b'-') == dashes.contains(&at))
}

/// Dovecot's: a session's 128 bits in base64.
fn dovecot_id(id: &str) -> bool {
    id.len() == 22
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')
}

/// Postfix's queue identifiers: hexadecimal, or the long form, which has no
/// vowels and a `z` between time and inode.
fn postfix_id(id: &str) -> bool {
    let short = |id: &str| {
        (9..=16).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b))
    };
    let long = |id: &str| {
        let vowel = |b: u8| matches!(b.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u');
        (12..=20).contains(&id.len())
            && id.bytes().any(|b| b == b'z')
            && id.bytes().all(|b| b.is_ascii_alphanumeric() && !vowel(b))
    };
    short(id) || long(id)
}

/// Sendmail's queue identifiers: 8 or 9 letters and digits of the time, 6 of
/// the process.
fn sendmail_id(id: &str) -> bool {
    id.len() == 14 && id.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Recognises a shape, and gives the text its version stands in.
pub(super) fn of_line<'a>(line: &Line<'a>, shape: Shape) -> Option<&'a str> {
    let received = line.received;
    let lower = received
        .protocol
        .as_deref()
        .is_some_and(|word| word.starts_with(|c: char| c.is_ascii_lowercase()));
    match shape {
        Shape::Sendmail => line
            .comments()
            .filter(|(_, place)| *place == Place::By)
            .map(|(comment, _)| comment.text.as_str())
            .find(|text| {
                let mut parts = text.split('/');
                let numbers = |part: Option<&str>| {
                    part.is_some_and(|p| {
                        p.starts_with("8.")
                            && p.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.')
                    })
                };
                numbers(parts.next()) && parts.next().is_some_and(|p| p.starts_with("8."))
            }),
        Shape::Exim => {
            let id = received.id.as_ref()?.text.as_str();
            (lower && exim_id(id)).then_some("")
        }
        Shape::Qmail => {
            let from = received.from.as_ref()?;
            let said = line.comments().any(|(comment, place)| {
                matches!(place, Place::BeforePeer | Place::From)
                    && comment.text.starts_with("HELO ")
            });
            let plain = line
                .keyword
                .as_deref()
                .is_some_and(|k| k == "SMTP" || k == "ESMTPA");
            (said && plain && from.helo.is_some() && received.id.is_none()).then_some("")
        }
        Shape::Ironport => {
            let said = line
                .comments()
                .any(|(comment, _)| comment.text.starts_with("HELO "));
            // Without HELO it is told by a date that lacks the day's name.
            let bare = received.comments.len() == 1
                && received.comments.iter().all(|c| c.text.starts_with('['))
                && line.raw.rsplit(';').next().is_some_and(|date| {
                    date.trim_start().starts_with(|c: char| c.is_ascii_digit())
                });
            let shaped = (said && received.comments.len() == 2) || bare;
            let esmtp = line
                .keyword
                .as_deref()
                .is_some_and(|k| k == "ESMTP" || (bare && k == "SMTP"));
            (shaped && esmtp && received.id.is_none()).then_some("")
        }
        Shape::Zmailer => line
            .comments()
            .any(|(comment, _)| comment.text.contains("rhost-flags-"))
            .then_some(""),
        // A session, and the sender behind it.
        Shape::Dovecot => {
            let session = dovecot_id(received.id.as_ref()?.text.as_str());
            let sender = line
                .comments()
                .any(|(comment, _)| comment.text.starts_with("envelope-from <"));
            (session && sender).then_some("")
        }
        Shape::Postfix => {
            let id = received.id.as_ref()?.text.as_str();
            if !postfix_id(id) {
                return None;
            }
            let of_postfix = line.comments().any(|(comment, place)| {
                let text = comment.text.as_str();
                matches!(place, Place::From | Place::By)
                    && [
                        "No client certificate requested",
                        "Client did not present a certificate",
                        "Client CN \"",
                        "Authenticated sender: ",
                    ]
                    .iter()
                    .any(|head| text.starts_with(head))
            });
            let named = line.comments().any(|(_, place)| place == Place::By)
                && line.comments().any(|(comment, place)| {
                    place == Place::BeforePeer
                        && comment.text.ends_with(']')
                        && comment.text.contains(" [")
                });
            (of_postfix || named).then_some("")
        }
    }
}
