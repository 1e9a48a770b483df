//! The messages of an input, one after the other.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::detect::{self, Form};
use super::error::{ReadError, Unreadable};
use super::limits::Limits;
use super::message::{Origin, RawMessage};
use super::split::{self, Cut, Mbox};
use super::window::Window;
use crate::trace::chain::SourceKind;

/// The messages of an input. What cannot be read among them is an error item;
/// the rest goes on.
#[derive(Debug)]
pub struct Messages {
    limits: Limits,
    reader: Reader,
}

/// Opens a file, or standard input where the path is `-`.
///
/// ```no_run
/// use std::path::Path;
/// use starttrace::mailbox::{self, Limits};
/// use starttrace::trace::chain::Chain;
///
/// for message in mailbox::open(Path::new("invoice.eml"), &Limits::default())? {
///     let message = message?;
///     println!("{}: {} octets", message.path, message.octets.len());
/// }
/// # Ok::<(), mailbox::ReadError>(())
/// ```
pub fn open(path: &Path, limits: &Limits) -> Result<Messages, ReadError> {
    let name = path.to_string_lossy().into_owned();
    let failed = |error: &io::Error| ReadError::new(&name, Unreadable::from(error));
    if path == Path::new("-") {
        return read(io::stdin(), &name, limits);
    }
    let about = std::fs::metadata(path).map_err(|error| failed(&error))?;
    if about.is_dir() {
        return Err(ReadError::new(
            &name,
            Unreadable::Foreign("a folder, which cannot be read yet"),
        ));
    }
    let file = File::open(path).map_err(|error| failed(&error))?;
    read(file, &name, limits)
}

/// Reads from any stream; `name` is what its messages and errors are called
/// by.
pub fn read(
    input: impl Read + Send + 'static,
    name: &str,
    limits: &Limits,
) -> Result<Messages, ReadError> {
    Ok(Messages {
        limits: limits.clone(),
        reader: Reader::new(Window::new(Box::new(input)), name)?,
    })
}

impl Iterator for Messages {
    type Item = Result<RawMessage, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.reader.next(&self.limits)
    }
}

/// The messages of one stream.
#[derive(Debug)]
struct Reader {
    name: String,
    window: Window,
    shape: Shape,
    index: usize,
}

#[derive(Debug)]
enum Shape {
    Single(SourceKind),
    Mbox(Box<Mbox>),
    Done,
}

impl Reader {
    fn new(mut window: Window, name: &str) -> Result<Self, ReadError> {
        let failed = |error: io::Error| ReadError::new(name, Unreadable::from(&error));
        window.show(detect::ENOUGH).map_err(failed)?;
        let form = detect::form(window.visible(), window.is_last())
            .map_err(|why| ReadError::new(name, why))?;
        let shape = match form {
            Form::Message { skip } => {
                window.pass(skip);
                Shape::Single(SourceKind::Eml)
            }
            Form::Mbox { skip, dialect } => {
                window.pass(skip);
                Shape::Mbox(Box::new(Mbox::new(dialect)))
            }
            Form::Text => Shape::Single(SourceKind::Headers),
            Form::Gzip => {
                let why = Unreadable::Foreign("compressed by gzip; expand it first");
                return Err(ReadError::new(name, why));
            }
            Form::Outlook => {
                let why = Unreadable::Foreign("an Outlook file; save it as text first");
                return Err(ReadError::new(name, why));
            }
        };
        Ok(Self {
            name: name.to_owned(),
            window,
            shape,
            index: 0,
        })
    }

    fn next(&mut self, limits: &Limits) -> Option<Result<RawMessage, ReadError>> {
        let (cut, kind) = match &self.shape {
            Shape::Done => return None,
            Shape::Single(kind) => (split::message(&mut self.window, limits).map(Some), *kind),
            Shape::Mbox(mbox) => (mbox.next(&mut self.window, limits), SourceKind::Mbox),
        };
        if !matches!(self.shape, Shape::Mbox(_)) || !matches!(cut, Ok(Some(_))) {
            self.shape = Shape::Done;
        }
        match cut {
            Ok(Some(cut)) => Some(Ok(self.message(cut, kind))),
            Ok(None) => None,
            Err(error) => Some(Err(
                ReadError::new(&self.name, Unreadable::from(&error)).at(self.window.offset())
            )),
        }
    }

    fn message(&mut self, cut: Cut, kind: SourceKind) -> RawMessage {
        let index = self.index;
        self.index += 1;
        let kind = match kind {
            SourceKind::Eml if cut.body == 0 && !cut.truncated => SourceKind::Headers,
            other => other,
        };
        RawMessage {
            path: self.name.clone(),
            index,
            kind,
            offset: usize::try_from(cut.offset).unwrap_or(usize::MAX),
            line: usize::try_from(cut.line).unwrap_or(usize::MAX),
            octets: cut.octets,
            header_truncated: cut.truncated,
            header_unfinished: cut.unfinished,
            size_so_far: self.window.offset(),
            origin: Origin::Verbatim,
        }
    }
}
