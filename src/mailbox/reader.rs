//! The messages of one stream, whatever its form.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::detect::{self, Form};
use super::error::{ReadError, Unreadable};
use super::gzip::Expanded;
use super::limits::Limits;
use super::message::{Origin, RawMessage};
use super::notes::Notes;
use super::outlook;
use super::part::{self, Attached};
use super::pasted::{self, Base, Pasted};
use super::split::{self, Cut, Mbox};
use super::window::{Input, Window};
use crate::trace::chain::SourceKind;

/// Compressed forms inside compressed forms.
const MOST_LAYERS: usize = 3;

/// Reads one stream.
#[derive(Debug)]
pub(super) struct Reader {
    name: Arc<str>,
    /// The file, where the stream is one and not compressed.
    path: Option<PathBuf>,
    maildir: bool,
    window: Window,
    shape: Shape,
    index: usize,
    /// Octets taken of the compressed form, where there is one.
    taken: Option<Arc<AtomicU64>>,
}

#[derive(Debug)]
enum Shape {
    Message,
    Mbox(Box<Mbox>),
    Text,
    Outlook,
    Done,
}

impl Reader {
    /// Finds out what the stream is.
    pub fn new(
        mut window: Window,
        name: &str,
        mut path: Option<PathBuf>,
        maildir: bool,
        limits: &Limits,
    ) -> Result<Self, ReadError> {
        let mut taken = None;
        let mut layers = 0;
        let form = loop {
            window.show(detect::ENOUGH);
            // What a crashed machine never wrote may be long.
            while !window.is_last() && window.visible().iter().all(|octet| *octet == 0) {
                window.pass(usize::MAX);
                window.show(detect::ENOUGH);
            }
            if window.visible().is_empty()
                && let Some(error) = window.failure()
            {
                return Err(ReadError::new(name, Unreadable::from(&error)));
            }
            let form = detect::form(window.visible(), window.is_last())
                .map_err(|why| ReadError::new(name, why))?;
            if form != Form::Gzip {
                break form;
            }
            layers += 1;
            if layers > MOST_LAYERS {
                let why = Unreadable::Foreign("compressed again and again; expand it first");
                return Err(ReadError::new(name, why));
            }
            let expanded = Expanded::new(window, limits);
            taken.get_or_insert_with(|| expanded.taken());
            path = None;
            window = Window::new(Input::Stream(Box::new(expanded)), Vec::new());
        };
        let shape = match form {
            Form::Message { skip } => {
                window.pass(skip);
                Shape::Message
            }
            Form::Mbox { skip, dialect } => {
                window.pass(skip);
                Shape::Mbox(Box::new(Mbox::new(dialect, path.clone())))
            }
            Form::Outlook => Shape::Outlook,
            Form::Text | Form::Gzip => Shape::Text,
        };
        Ok(Self {
            name: name.into(),
            path,
            maildir,
            window,
            shape,
            index: 0,
            taken,
        })
    }

    /// The next message, or what hinders it.
    pub fn next(
        &mut self,
        limits: &Limits,
        part: Option<usize>,
    ) -> Option<Result<RawMessage, ReadError>> {
        let whole;
        let wide = match part {
            Some(_) => {
                whole = Limits {
                    body: limits.attached,
                    ..limits.clone()
                };
                &whole
            }
            None => limits,
        };
        let read = match &mut self.shape {
            Shape::Done => None,
            Shape::Mbox(mbox) => mbox.next(&mut self.window, wide).map(|cut| {
                let message = self.message(cut, SourceKind::Mbox);
                Ok(message)
            }),
            Shape::Message => {
                self.shape = Shape::Done;
                Some(self.single(wide))
            }
            Shape::Text => {
                self.shape = Shape::Done;
                self.window.show(limits.pasted);
                let offset = self.window.offset();
                let line = self.window.line();
                let text = self.window.visible();
                let text = text.get(..limits.pasted).unwrap_or(text).to_vec();
                Some(self.pasted(&text, offset, line, wide))
            }
            Shape::Outlook => {
                self.shape = Shape::Done;
                return Some(self.outlook(part, limits));
            }
        };
        match (read, part) {
            (Some(Ok(message)), Some(number)) => Some(self.attached(message, number, limits)),
            (Some(read), _) => Some(read),
            (None, _) => {
                self.shape = Shape::Done;
                let error = self.window.failure()?;
                Some(Err(
                    ReadError::new(&self.name, Unreadable::from(&error)).at(self.window.offset())
                ))
            }
        }
    }

    /// Takes notes of where headers and bodies end, or uses them, where this is an
    /// mbox in a file.
    pub fn noting(&mut self, notes: &Notes) {
        if let Shape::Mbox(mbox) = &mut self.shape
            && let (Some(path), Some(stamp)) = (&self.path, self.window.stamp())
        {
            mbox.noting(notes.of(path.clone(), stamp));
        }
    }

    /// Octets of the input taken so far.
    pub fn passed(&self) -> u64 {
        match &self.taken {
            Some(taken) => taken.load(Ordering::Relaxed),
            None => self.window.offset(),
        }
    }

    /// The buffer, to be used again.
    pub fn into_buffer(self) -> Vec<u8> {
        self.window.into_buffer()
    }

    fn single(&mut self, limits: &Limits) -> Result<RawMessage, ReadError> {
        let cut = split::message(&mut self.window, limits);
        if !cut.truncated && pasted::is_broken(&cut.octets) {
            let mut text = cut.octets;
            let more = limits.pasted.saturating_sub(text.len());
            self.window.show(more);
            let rest = self.window.visible();
            text.extend_from_slice(rest.get(..more).unwrap_or(rest));
            return self.pasted(&text, cut.offset, cut.line, limits);
        }
        let kind = match cut.body {
            _ if self.maildir => SourceKind::Maildir,
            0 if !cut.truncated => SourceKind::Headers,
            _ => SourceKind::Eml,
        };
        Ok(self.message(cut, kind))
    }

    fn pasted(
        &mut self,
        text: &[u8],
        offset: u64,
        line: u64,
        limits: &Limits,
    ) -> Result<RawMessage, ReadError> {
        let base = Base {
            offset: size(offset),
            line: size(line),
        };
        let Some(pasted) = pasted::repair(text, base, limits.body) else {
            let why = if detect::is_binary(text) {
                Unreadable::Binary
            } else {
                Unreadable::NotAMessage
            };
            return Err(ReadError::new(&self.name, why));
        };
        let (octets, place, origin) = match pasted {
            Pasted::AsItStands { skip, lines } => {
                let rest = text.get(skip..).unwrap_or_default();
                let end = pasted::header_length(rest).saturating_add(limits.body);
                let octets = rest.get(..end).unwrap_or(rest).to_vec();
                let place = Base {
                    offset: base.offset + skip,
                    line: base.line + lines,
                };
                (octets, place, Origin::Verbatim)
            }
            Pasted::Repaired {
                octets,
                offset,
                line,
                origin,
            } => (octets, Base { offset, line }, origin),
        };
        let mut message = self.message(Cut::default(), SourceKind::Headers);
        message.octets = octets;
        message.offset = place.offset;
        message.line = place.line;
        message.origin = origin;
        Ok(message)
    }

    fn outlook(&mut self, part: Option<usize>, limits: &Limits) -> Result<RawMessage, ReadError> {
        let read = match self.path.as_ref().map(File::open) {
            Some(Ok(file)) => outlook::headers(file, part, limits),
            Some(Err(error)) => Err(Unreadable::from(&error)),
            None => {
                let mut octets = Vec::new();
                let limit = limits.outlook as u64;
                let read = (&mut self.window).take(limit + 1).read_to_end(&mut octets);
                match read {
                    Err(error) => Err(Unreadable::from(&error)),
                    Ok(_) if octets.len() > limits.outlook => Err(Unreadable::TooLarge { limit }),
                    Ok(_) => outlook::headers(Cursor::new(octets), part, limits),
                }
            }
        };
        let headers = read.map_err(|why| ReadError::new(&self.name, why))?;
        let mut message = self.message(Cut::default(), SourceKind::Msg);
        message.octets = headers.octets;
        message.header_truncated = headers.truncated;
        message.offset = 0;
        message.line = 1;
        message.origin = Origin::Decoded;
        Ok(message)
    }

    /// The message attached to `message` that was asked for.
    fn attached(
        &self,
        mut message: RawMessage,
        asked: usize,
        limits: &Limits,
    ) -> Result<RawMessage, ReadError> {
        let failed = |why| ReadError::new(&self.name, why).at(message.offset as u64);
        let attached = part::find(&message.octets, asked).map_err(|found| {
            failed(if message.octets.len() >= limits.attached {
                Unreadable::TooLarge {
                    limit: limits.attached as u64,
                }
            } else {
                Unreadable::NoSuchPart { asked, found }
            })
        })?;
        match attached {
            Attached::Within(range) => {
                let origin = message.place(range.start);
                message.octets.truncate(range.end);
                message.octets.drain(..range.start);
                match (origin, &message.origin) {
                    (Some(place), Origin::Verbatim) => {
                        message.offset = place.offset;
                        message.line = place.line;
                    }
                    _ => message.origin = Origin::Decoded,
                }
            }
            Attached::Decoded(octets) => {
                message.octets = octets;
                message.origin = Origin::Decoded;
            }
        }
        let header = pasted::header_length(&message.octets);
        message.header_truncated = header > limits.header;
        let kept = if message.header_truncated {
            limits.header
        } else {
            header.saturating_add(limits.body)
        };
        message.octets.truncate(kept);
        message.octets.shrink_to_fit();
        Ok(message)
    }

    fn message(&mut self, cut: Cut, kind: SourceKind) -> RawMessage {
        let index = self.index;
        self.index += 1;
        RawMessage {
            path: Arc::clone(&self.name),
            index,
            kind,
            offset: size(cut.offset),
            line: size(cut.line),
            octets: cut.octets,
            header_truncated: cut.truncated,
            header_unfinished: cut.unfinished,
            size_so_far: self.passed(),
            origin: Origin::Verbatim,
        }
    }
}

fn size(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
