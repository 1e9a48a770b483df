//! The messages of inputs, one after the other.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::error::{ReadError, Unreadable};
use super::limits::Limits;
use super::message::RawMessage;
use super::notes::Notes;
use super::reader::Reader;
use super::walk::{Found, Walk};
use super::window::{Input, Window};

/// The messages of one input or of several. What cannot be read among them is
/// an error item; the rest goes on.
#[derive(Debug)]
pub struct Messages {
    pub(super) limits: Limits,
    pub(super) part: Option<usize>,
    pub(super) walk: Walk,
    pub(super) reader: Option<Box<Reader>>,
    /// Octets of the inputs that are done with.
    pub(super) passed: u64,
    /// Octets of the file being read, where it is one.
    size: Option<u64>,
    /// A buffer to be used again.
    spare: Vec<u8>,
    notes: Option<Notes>,
}

/// Opens a file, a Maildir, another folder, or standard input where the path
/// is `-`. A file that cannot be read is an error here; what fails inside a
/// folder or later is one among the messages.
///
/// ```no_run
/// use std::path::Path;
/// use starttrace::mailbox::{self, Limits};
///
/// for message in mailbox::open(Path::new("invoice.eml"), &Limits::default())? {
///     let message = message?;
///     println!("{}: {} octets", message.path, message.octets.len());
/// }
/// # Ok::<(), mailbox::ReadError>(())
/// ```
pub fn open(path: &Path, limits: &Limits) -> Result<Messages, ReadError> {
    let mut messages = open_all([path.to_owned()], limits);
    if !path.is_dir()
        && let Some(found) = messages.walk.next()
    {
        messages.start(&found?)?;
    }
    Ok(messages)
}

/// Opens several files and folders, to be read one after the other.
#[must_use]
pub fn open_all(paths: impl IntoIterator<Item = PathBuf>, limits: &Limits) -> Messages {
    Messages {
        limits: limits.clone(),
        part: None,
        walk: Walk::new(paths, limits.depth),
        reader: None,
        passed: 0,
        size: None,
        spare: Vec::new(),
        notes: None,
    }
}

/// Reads from any stream; `name` is what its messages and errors are called
/// by.
pub fn read(
    input: impl Read + Send + 'static,
    name: &str,
    limits: &Limits,
) -> Result<Messages, ReadError> {
    let mut messages = open_all([], limits);
    let window = Window::new(Input::Stream(Box::new(input)), Vec::new());
    let reader = Reader::new(window, name, None, false, limits)?;
    messages.reader = Some(Box::new(reader));
    Ok(messages)
}

impl Messages {
    /// In place of each message, the one attached to it that has this number,
    /// from 1.
    #[must_use]
    pub fn part(mut self, number: usize) -> Self {
        self.part = Some(number);
        self
    }

    /// Takes notes of where headers and bodies end in mailboxes, or uses those that
    /// were taken when the same files were read before. Of the bodies of an mbox
    /// nothing is then kept but what shows encryption between writer and reader.
    ///
    /// ```no_run
    /// use std::path::Path;
    /// use starttrace::mailbox::{self, Limits, Notes};
    ///
    /// let notes = Notes::default();
    /// for _ in 0..2 {
    ///     let messages = mailbox::open(Path::new("inbox"), &Limits::default())?;
    ///     println!("{}", messages.noting(&notes).count());
    /// }
    /// # Ok::<(), mailbox::ReadError>(())
    /// ```
    #[must_use]
    pub fn noting(mut self, notes: &Notes) -> Self {
        if let Some(reader) = &mut self.reader {
            reader.noting(notes);
        }
        self.notes = Some(notes.clone());
        self
    }

    pub(super) fn start(&mut self, found: &Found) -> Result<(), ReadError> {
        let spare = std::mem::take(&mut self.spare);
        match open_found(found, spare, &self.limits) {
            Ok(mut reader) => {
                if let Some(notes) = &self.notes {
                    reader.noting(notes);
                }
                self.reader = Some(reader);
                self.size = found.size;
                Ok(())
            }
            Err(error) => {
                self.passed += found.size.unwrap_or_default();
                Err(error)
            }
        }
    }
}

/// Opens a file that a walk found; `spare` is a buffer to be used again.
pub(super) fn open_found(
    found: &Found,
    spare: Vec<u8>,
    limits: &Limits,
) -> Result<Box<Reader>, ReadError> {
    let name = found.path.to_string_lossy();
    let (input, file) = if found.is_stdin() {
        (Input::Stream(Box::new(io::stdin())), None)
    } else {
        let failed = |error: io::Error| {
            let error = ReadError::new(&name, Unreadable::from(&error));
            if found.listed {
                error.vanished()
            } else {
                error
            }
        };
        let file = File::open(&found.path).map_err(failed)?;
        let path = found.size.map(|_| found.path.clone());
        (Input::File(file), path)
    };
    let window = Window::new(input, spare);
    Reader::new(window, &name, file, found.maildir, limits).map(Box::new)
}

impl Iterator for Messages {
    type Item = Result<RawMessage, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(reader) = &mut self.reader {
                if let Some(mut item) = reader.next(&self.limits, self.part) {
                    if let Ok(message) = &mut item {
                        message.size_so_far += self.passed;
                    }
                    return Some(item);
                }
                if let Some(reader) = self.reader.take() {
                    self.passed += self.size.take().unwrap_or_else(|| reader.passed());
                    self.spare = reader.into_buffer();
                }
            }
            match self.walk.next()? {
                Err(error) => return Some(Err(error)),
                Ok(found) => {
                    if let Err(error) = self.start(&found) {
                        return Some(Err(error));
                    }
                }
            }
        }
    }
}
