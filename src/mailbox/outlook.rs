//! Outlook's `.msg`: a compound file of properties (MS-OXMSG).
//!
//! The header section that a message travelled with is the property
//! PidTagTransportMessageHeaders (0x007D), as Unicode (type 001F) or in the
//! sender's 8-bit character set (type 001E). Attached Outlook messages are
//! storages inside the storages of attachments; attached `.eml` files are
//! streams there.
//!
//! Not supported: bodies, so that inline PGP goes unseen; S/MIME and PGP/MIME
//! show in the header section.

use std::io::{Read, Seek};

use super::compound::{Compound, Kind, ROOT};
use super::error::Unreadable;
use super::limits::Limits;
use super::line;
use super::pasted;

/// Attached messages inside attached messages.
const DEEPEST: usize = 16;

/// Attachments looked at: a file that loops has them without end.
const MOST_ATTACHMENTS: usize = 1024;

/// What older Exchange servers wrote above the header section.
const TITLE: &[u8] = b"Microsoft Mail Internet Headers Version";

/// The header section of the message, or of the attached message asked for.
pub(super) fn headers(
    file: impl Read + Seek,
    part: Option<usize>,
    limits: &Limits,
) -> Result<Headers, Unreadable> {
    let mut compound = Compound::open(file).map_err(|error| broken(&error))?;
    let properties = "__properties_version1.0";
    if compound.find(ROOT, properties).is_none() && property(&compound, ROOT, "007D").is_none() {
        return Err(Unreadable::Foreign(
            "an Office file or another compound file, not an Outlook message",
        ));
    }
    let Some(asked) = part else {
        return of_storage(&mut compound, ROOT, limits);
    };
    let mut attached = Vec::new();
    let mut looks = MOST_ATTACHMENTS;
    collect(&compound, ROOT, 0, &mut looks, &mut attached);
    let mut found = 0;
    for entry in attached {
        if compound.kind(entry) == Some(Kind::Storage) {
            found += 1;
            if found == asked {
                return of_storage(&mut compound, entry, limits);
            }
        } else if let Ok((octets, more)) = compound.read(entry, limits.header)
            && line::begins_kept(&octets)
        {
            found += 1;
            if found == asked {
                return Ok(Headers {
                    octets,
                    truncated: more,
                });
            }
        }
    }
    Err(Unreadable::NoSuchPart { asked, found })
}

/// A header section out of an Outlook file.
#[derive(Debug)]
pub(super) struct Headers {
    pub octets: Vec<u8>,
    pub truncated: bool,
}

fn of_storage<F: Read + Seek>(
    compound: &mut Compound<F>,
    storage: usize,
    limits: &Limits,
) -> Result<Headers, Unreadable> {
    let (stream, unicode) =
        property(compound, storage, "007D").ok_or(Unreadable::NoTransportHeaders)?;
    let limit = limits.header.saturating_mul(if unicode { 2 } else { 1 });
    let (octets, truncated) = compound
        .read(stream, limit)
        .map_err(|error| broken(&error))?;
    let mut octets = if unicode {
        pasted::utf8(&octets, u16::from_le_bytes)
    } else {
        octets
    };
    while octets.last() == Some(&0) {
        octets.pop();
    }
    let text = octets.trim_ascii_start();
    let mut start = octets.len() - text.len();
    if text.starts_with(TITLE) {
        start += line::first_line(text, text.len()).len();
    }
    let text = octets.get(start..).unwrap_or_default();
    if text.trim_ascii().is_empty() {
        return Err(Unreadable::NoTransportHeaders);
    }
    let start = octets.len() - text.trim_ascii_start().len();
    octets.drain(..start);
    Ok(Headers { octets, truncated })
}

/// The stream of a text property, and whether it is Unicode.
fn property<F: Read + Seek>(
    compound: &Compound<F>,
    storage: usize,
    tag: &str,
) -> Option<(usize, bool)> {
    [("001F", true), ("001E", false)]
        .into_iter()
        .find_map(|(kind, unicode)| {
            let stream = compound.find(storage, &format!("__substg1.0_{tag}{kind}"))?;
            Some((stream, unicode))
        })
}

/// Attached messages, and attached files that may be some, in order, those
/// inside others behind them.
fn collect<F: Read + Seek>(
    compound: &Compound<F>,
    storage: usize,
    depth: usize,
    looks: &mut usize,
    found: &mut Vec<usize>,
) {
    if depth > DEEPEST || *looks == 0 {
        return;
    }
    for child in compound.children(storage) {
        if !compound.name(child).starts_with("__attach_version1.0_#") {
            continue;
        }
        *looks = looks.saturating_sub(1);
        if *looks == 0 {
            return;
        }
        // PidTagAttachDataObject, and PidTagAttachDataBinary.
        if let Some(message) = compound.find(child, "__substg1.0_3701000D") {
            found.push(message);
            collect(compound, message, depth + 1, looks, found);
        } else if let Some(file) = compound.find(child, "__substg1.0_37010102") {
            found.push(file);
        }
    }
}

fn broken(error: &std::io::Error) -> Unreadable {
    match error.kind() {
        std::io::ErrorKind::InvalidData => Unreadable::BrokenOutlook(error.to_string()),
        _ => Unreadable::from(error),
    }
}
