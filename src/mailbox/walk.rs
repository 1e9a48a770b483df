//! Folders: Maildirs, and any others that hold messages in files.
//!
//! A folder with `cur` or `new` in it is a Maildir: its messages are the files
//! there, and its subfolders are the Maildirs inside it (`.Sent`, as Maildir++
//! names them). `tmp` holds messages not yet delivered and is left alone.
//! Nothing is moved, marked or written. In other folders every file counts but
//! hidden ones, subfolders included.
//!
//! Names are listed in order, in portions, so that a folder of millions needs
//! no memory for all of their names. A folder reached twice by symbolic links
//! is read once.

use std::collections::{HashSet, VecDeque};
use std::fs::{self, ReadDir};
use std::io;
use std::path::{Path, PathBuf};

use super::error::{ReadError, Unreadable};

/// Names sorted at a time.
const PORTION: usize = 16 << 10;

/// A file to read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub path: PathBuf,
    /// Listed by a folder, not named by the user.
    pub listed: bool,
    /// Inside `cur` or `new` of a Maildir.
    pub maildir: bool,
    /// Its octets, where it is a file and no stream.
    pub size: Option<u64>,
}

impl Found {
    /// Whether standard input was named.
    pub fn is_stdin(&self) -> bool {
        !self.listed && self.path == Path::new("-")
    }
}

/// The files that the given paths stand for.
#[derive(Debug)]
pub(super) struct Walk {
    given: VecDeque<PathBuf>,
    /// The folder given, and whether it gave anything.
    root: Option<(PathBuf, bool)>,
    inside: Vec<Folder>,
    entered: HashSet<PathBuf>,
    depth: usize,
}

#[derive(Debug)]
struct Folder {
    entries: ReadDir,
    /// The next entry is the last.
    portion: Vec<PathBuf>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `cur` or `new`.
    Messages,
    /// What holds them.
    Maildir,
    Other,
}

impl Walk {
    pub fn new(given: impl IntoIterator<Item = PathBuf>, depth: usize) -> Self {
        Self {
            given: given.into_iter().collect(),
            root: None,
            inside: Vec::new(),
            entered: HashSet::new(),
            depth,
        }
    }

    fn start(&mut self, path: PathBuf) -> Option<Result<Found, ReadError>> {
        let mut size = None;
        if path != Path::new("-") {
            match fs::metadata(&path) {
                Err(error) => return Some(Err(failed(&path, &error))),
                Ok(about) if about.is_dir() => {
                    self.entered.clear();
                    self.root = Some((path.clone(), false));
                    return self.enter(path, None).map(Err);
                }
                Ok(about) => size = about.is_file().then_some(about.len()),
            }
        }
        Some(Ok(Found {
            path,
            listed: false,
            maildir: false,
            size,
        }))
    }

    /// Goes into a folder; gives what went wrong.
    fn enter(&mut self, path: PathBuf, kind: Option<Kind>) -> Option<ReadError> {
        if self.inside.len() >= self.depth {
            let name = path.to_string_lossy();
            return Some(ReadError::new(&name, Unreadable::TooDeep));
        }
        // A name that cannot be resolved was deleted, and is reported below.
        if let Ok(real) = fs::canonicalize(&path)
            && !self.entered.insert(real)
        {
            return None;
        }
        let kind = kind.unwrap_or(if is_maildir(&path) {
            Kind::Maildir
        } else {
            Kind::Other
        });
        match fs::read_dir(&path) {
            Ok(entries) => self.inside.push(Folder {
                entries,
                portion: Vec::new(),
                kind,
            }),
            Err(error) => return Some(failed(&path, &error)),
        }
        None
    }

    /// What an entry of a folder stands for; none where it is passed over.
    fn visit(&mut self, path: PathBuf, kind: Kind) -> Option<Result<Found, ReadError>> {
        let name = path.file_name().unwrap_or_default();
        let hidden = name.as_encoded_bytes().starts_with(b".");
        if hidden && kind != Kind::Maildir {
            return None;
        }
        let about = match fs::metadata(&path) {
            Ok(about) => about,
            // In a Maildir's own folder nothing but folders is looked for.
            Err(_) if kind == Kind::Maildir => return None,
            // A link that leads nowhere is still there itself.
            Err(error) if fs::symlink_metadata(&path).is_ok() => {
                return Some(Err(failed(&path, &error)));
            }
            Err(error) => return Some(Err(failed(&path, &error).vanished())),
        };
        if about.is_dir() {
            let kind = match kind {
                Kind::Messages => return None,
                Kind::Maildir if name == "cur" || name == "new" => Some(Kind::Messages),
                Kind::Maildir if name == "tmp" || !is_maildir(&path) => return None,
                Kind::Maildir => Some(Kind::Maildir),
                Kind::Other => None,
            };
            return self.enter(path, kind).map(Err);
        }
        if kind == Kind::Maildir {
            return None;
        }
        if let Some((_, any)) = &mut self.root {
            *any = true;
        }
        if !about.is_file() {
            let name = path.to_string_lossy();
            return Some(Err(ReadError::new(&name, Unreadable::NotAFile)));
        }
        Some(Ok(Found {
            path,
            listed: true,
            maildir: kind == Kind::Messages,
            size: Some(about.len()),
        }))
    }
}

impl Iterator for Walk {
    type Item = Result<Found, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(folder) = self.inside.last_mut() else {
                if let Some((path, false)) = self.root.take() {
                    let name = path.to_string_lossy();
                    return Some(Err(ReadError::new(&name, Unreadable::EmptyFolder)));
                }
                let path = self.given.pop_front()?;
                match self.start(path) {
                    Some(found) => return Some(found),
                    None => continue,
                }
            };
            let kind = folder.kind;
            match folder.portion.pop() {
                Some(path) => {
                    if let Some(found) = self.visit(path, kind) {
                        return Some(found);
                    }
                }
                None => match folder.list() {
                    Ok(true) => {}
                    Ok(false) => {
                        self.inside.pop();
                    }
                    Err(error) => {
                        let path = self.root.as_ref().map(|(path, _)| path.clone());
                        self.inside.pop();
                        return Some(Err(failed(&path.unwrap_or_default(), &error)));
                    }
                },
            }
        }
    }
}

impl Folder {
    /// Lists the next portion of names, in order; false where there is none.
    fn list(&mut self) -> io::Result<bool> {
        for entry in self.entries.by_ref().take(PORTION) {
            self.portion.push(entry?.path());
        }
        // By octets: all are names of one folder.
        self.portion
            .sort_unstable_by(|a, b| b.as_os_str().cmp(a.as_os_str()));
        Ok(!self.portion.is_empty())
    }
}

fn is_maildir(path: &Path) -> bool {
    path.join("cur").is_dir() || path.join("new").is_dir()
}

fn failed(path: &Path, error: &io::Error) -> ReadError {
    ReadError::new(&path.to_string_lossy(), Unreadable::from(error))
}
