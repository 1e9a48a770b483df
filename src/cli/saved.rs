//! Saved results, read one document at a time: NDJSON, or documents written
//! over several lines, compressed or not, from files or standard input.
//!
//! A line that cannot be read is told and passed over; nothing but the
//! document at hand is held.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

/// The longest document that is read: a report on the largest domain there is
/// stays under a megabyte, a message with thousands of hops under twenty.
const LONGEST: usize = 64 << 20;

/// A document, or what stands in its place.
#[derive(Debug)]
pub enum Item {
    /// Its text, and the line it begins on.
    Document { text: String, line: u64 },
    /// Something else stands there.
    Bad { line: u64, why: String },
}

/// An input under way.
pub struct Saved {
    reader: Box<dyn BufRead>,
    /// Lines taken so far.
    line: u64,
    /// A line that was taken too early.
    back: Option<Line>,
    ended: bool,
}

/// A line without its end.
enum Line {
    Whole(Vec<u8>),
    TooLong,
}

impl Saved {
    /// Opens a file, or standard input for `-`.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut plain: Box<dyn BufRead> = if path == Path::new("-") {
            Box::new(BufReader::new(io::stdin()))
        } else {
            Box::new(BufReader::with_capacity(1 << 16, File::open(path)?))
        };
        // RFC 1952, section 2.3.1: the magic number of gzip.
        let compressed = plain.fill_buf()?.starts_with(&[0x1f, 0x8b]);
        Ok(Self::of(if compressed {
            Box::new(BufReader::with_capacity(
                1 << 16,
                MultiGzDecoder::new(plain),
            ))
        } else {
            plain
        }))
    }

    fn of(reader: Box<dyn BufRead>) -> Self {
        Self {
            reader,
            line: 0,
            back: None,
            ended: false,
        }
    }

    fn take(&mut self) -> io::Result<Option<Line>> {
        if let Some(line) = self.back.take() {
            self.line += 1;
            return Ok(Some(line));
        }
        let mut line = Vec::new();
        let limit = LONGEST as u64 + 1;
        self.reader
            .by_ref()
            .take(limit)
            .read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        self.line += 1;
        if line.len() > LONGEST && line.last() != Some(&b'\n') {
            self.skip_line()?;
            return Ok(Some(Line::TooLong));
        }
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        Ok(Some(Line::Whole(line)))
    }

    /// Passes over the rest of a line without holding it.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.reader.fill_buf()?;
            let (length, done) = match buffer.iter().position(|&b| b == b'\n') {
                _ if buffer.is_empty() => return Ok(()),
                Some(end) => (end + 1, true),
                None => (buffer.len(), false),
            };
            self.reader.consume(length);
            if done {
                return Ok(());
            }
        }
    }

    fn next_item(&mut self) -> io::Result<Option<Item>> {
        loop {
            let Some(line) = self.take()? else {
                return Ok(None);
            };
            let begins = self.line;
            let text = match line {
                Line::TooLong => {
                    return Ok(Some(Item::Bad {
                        line: begins,
                        why: format!("it is longer than {} MB", LONGEST >> 20),
                    }));
                }
                Line::Whole(line) if line.trim_ascii().is_empty() => continue,
                // A byte order mark is no part of a document.
                Line::Whole(line) if line.starts_with(b"\xef\xbb\xbf") && begins == 1 => {
                    self.back = Some(Line::Whole(line[3..].to_vec()));
                    self.line = 0;
                    continue;
                }
                Line::Whole(line) if line == b"{" => return self.over_lines(begins).map(Some),
                Line::Whole(line) => line,
            };
            return Ok(Some(document(text, begins)));
        }
    }

    /// A document over several lines, of which `{` was the first: it ends with
    /// a `}` that is not indented.
    fn over_lines(&mut self, begins: u64) -> io::Result<Item> {
        let mut text = b"{\n".to_vec();
        let torn = |why: &str| Item::Bad {
            line: begins,
            why: why.to_owned(),
        };
        loop {
            match self.take()? {
                None => return Ok(torn("the document that begins here has no end")),
                Some(Line::TooLong) => return Ok(torn("the document is too long")),
                Some(Line::Whole(line)) if line == b"}" => {
                    text.extend_from_slice(&line);
                    return Ok(document(text, begins));
                }
                // Another document begins before this one has ended.
                Some(Line::Whole(line)) if line.starts_with(b"{") => {
                    self.line -= 1;
                    self.back = Some(Line::Whole(line));
                    return Ok(torn("the document that begins here has no end"));
                }
                Some(Line::Whole(line)) => {
                    text.extend_from_slice(&line);
                    text.push(b'\n');
                    if text.len() > LONGEST {
                        return Ok(torn("the document is too long"));
                    }
                }
            }
        }
    }
}

fn document(octets: Vec<u8>, line: u64) -> Item {
    match String::from_utf8(octets) {
        Ok(text) => Item::Document { text, line },
        Err(_) => Item::Bad {
            line,
            why: "it is not UTF-8".to_owned(),
        },
    }
}

impl Iterator for Saved {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        if self.ended {
            return None;
        }
        match self.next_item() {
            Ok(item) => item,
            Err(error) => {
                self.ended = true;
                Some(Item::Bad {
                    line: self.line + 1,
                    why: format!("nothing can be read from here on: {error}"),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn items(text: &'static [u8]) -> Vec<(u64, String)> {
        Saved::of(Box::new(text))
            .map(|item| match item {
                Item::Document { text, line } => (line, text),
                Item::Bad { line, why } => (line, format!("! {why}")),
            })
            .collect()
    }

    #[test]
    fn lines_and_documents_over_lines_come_one_by_one() {
        let one = |line: u64, text: &str| (line, text.to_owned());
        let torn = "! the document that begins here has no end";
        for (text, expected) in [
            (&b""[..], vec![]),
            (b"\n \r\n", vec![]),
            (
                b"{\"a\":1}\n{\"b\":2}",
                vec![one(1, "{\"a\":1}"), one(2, "{\"b\":2}")],
            ),
            (b"\xef\xbb\xbf{\"a\":1}\r\n", vec![one(1, "{\"a\":1}")]),
            (
                b"{\n  \"a\": {\n  }\n}\n\n{\"b\":2}\n",
                vec![one(1, "{\n  \"a\": {\n  }\n}"), one(6, "{\"b\":2}")],
            ),
            (b"{\n  \"a\": 1", vec![one(1, torn)]),
            (
                b"{\n{\"b\":2}\n{\"c\":3}\n",
                vec![one(1, torn), one(2, "{\"b\":2}"), one(3, "{\"c\":3}")],
            ),
            (
                b"garbage\n\xff\n{}",
                vec![one(1, "garbage"), one(2, "! it is not UTF-8"), one(3, "{}")],
            ),
        ] {
            assert_eq!(items(text), expected);
        }
    }

    #[test]
    fn a_line_without_end_is_not_held() {
        let endless = io::repeat(b'a')
            .take((LONGEST as u64) * 3)
            .chain(&b"\n{\"b\":2}\n"[..]);
        let got: Vec<Item> = Saved::of(Box::new(BufReader::new(endless))).collect();
        assert!(matches!(&got[0], Item::Bad { line: 1, why } if why.contains("longer")));
        assert!(matches!(&got[1], Item::Document { line: 2, text } if text == "{\"b\":2}"));
    }
}
