//! Lines that the program does not understand, sorted by their shape: those
//! whose writer the table does not know, and those with words that belong to no
//! clause. Ready to be sent in, so that a row can be written for them.
//!
//! Entry points: [`Unknowns::add`] for every chain, then [`Unknowns::shapes`].
//! A shape is the line with its hosts, addresses and numbers replaced. Memory
//! is bounded: beyond [`MOST_SHAPES`] shapes, lines are counted only.

use std::collections::HashMap;

use crate::trace::chain::{Chain, Hop};
use crate::trace::field::{Token, tokens};
use crate::trace::peer::address;

/// Shapes kept.
pub const MOST_SHAPES: usize = 1000;
/// Octets of a line that are looked at.
const MOST_OCTETS: usize = 4096;

/// Lines of one shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    pub shape: String,
    /// How many lines have it.
    pub count: usize,
    /// Who wrote them, where that is known and only words are not.
    pub software: Option<String>,
    /// The words of the example that nobody understood. Hostile: escape.
    pub words: Vec<String>,
    /// The first line of this shape, as it stands in the file. Hostile:
    /// escape.
    pub example: Vec<u8>,
}

/// What was not understood in many messages.
#[derive(Debug, Clone, Default)]
pub struct Unknowns {
    shapes: HashMap<String, Shape>,
    /// Lines read.
    pub lines: usize,
    /// Lines whose writer is unknown.
    pub without_writer: usize,
    /// Lines whose writer is known, with words that are not.
    pub with_words: usize,
    /// Lines of shapes that were too many to keep.
    pub dropped: usize,
}

impl Unknowns {
    /// Takes in the lines of one message.
    pub fn add(&mut self, chain: &Chain) {
        for hop in &chain.hops {
            self.add_line(hop);
        }
    }

    fn add_line(&mut self, hop: &Hop) {
        self.lines += 1;
        let words: Vec<String> = hop
            .received
            .not_understood()
            .take(16)
            .map(|piece| piece.text.clone())
            .collect();
        match (&hop.software, words.is_empty()) {
            (Some(_), true) => return,
            (Some(_), false) => self.with_words += 1,
            (None, _) => self.without_writer += 1,
        }
        let shape = shape_of(&hop.raw);
        if let Some(known) = self.shapes.get_mut(&shape) {
            known.count += 1;
        } else if self.shapes.len() < MOST_SHAPES {
            let made = Shape {
                shape: shape.clone(),
                count: 1,
                software: hop.software.as_ref().map(|mark| mark.name.clone()),
                words,
                example: hop.raw.get(..MOST_OCTETS).unwrap_or(&hop.raw).to_vec(),
            };
            self.shapes.insert(shape, made);
        } else {
            self.dropped += 1;
        }
    }

    /// The shapes, the most frequent first.
    #[must_use]
    pub fn shapes(&self) -> Vec<&Shape> {
        let mut all: Vec<&Shape> = self.shapes.values().collect();
        all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.shape.cmp(&b.shape)));
        all
    }
}

/// The line without what differs from message to message.
fn shape_of(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw.get(..MOST_OCTETS).unwrap_or(raw));
    let value = text.split_once(':').map_or("", |(_, value)| value);
    let value = value.rsplit_once(';').map_or(value, |(value, _)| value);
    let mut shape = String::with_capacity(value.len());
    write_shape(value, 0, &mut shape);
    shape
}

fn write_shape(text: &str, depth: usize, shape: &mut String) {
    for (token, _) in tokens(text) {
        if !shape.is_empty() && !shape.ends_with('(') {
            shape.push(' ');
        }
        match token {
            Token::Word(word) => shape.push_str(&kind_of(word)),
            Token::Semicolon => shape.push(';'),
            Token::Comment(inner) if depth < 4 => {
                shape.push('(');
                write_shape(inner, depth + 1, shape);
                shape.push(')');
            }
            Token::Comment(_) => shape.push_str("(...)"),
        }
    }
}

fn kind_of(word: &str) -> String {
    let bare = word.trim_matches(['[', ']', '<', '>', ',', ':']);
    let digit = bare.bytes().any(|b| b.is_ascii_digit());
    if let Some((key, value)) = bare.split_once('=')
        && !key.is_empty()
        && !value.is_empty()
        && !key.contains('@')
    {
        return format!("{key}={}", kind_of(value));
    }
    if bare.contains('@') {
        "ADDRESS".to_owned()
    } else if address(word).is_some() {
        if word.starts_with('[') { "[IP]" } else { "IP" }.to_owned()
    } else if bare.contains('.') && bare.bytes().any(|b| b.is_ascii_alphabetic()) {
        "HOST".to_owned()
    } else if digit || bare.chars().count() > 24 {
        "#".to_owned()
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(lines: &[&str]) -> Unknowns {
        let mut unknowns = Unknowns::default();
        for line in lines {
            let message = format!("Received: {line}\n\n");
            unknowns.add(&Chain::parse(message.as_bytes()).unwrap());
        }
        unknowns
    }

    #[test]
    fn lines_of_one_shape_are_counted_together() {
        let date = "; Tue, 03 Nov 2026 09:14:07 +0000";
        let unknowns = read(&[
            &format!(
                "from a.example ([192.0.2.1]) by b.example (Nobody 1.2) with ESMTP id 7z{date}"
            ),
            &format!(
                "from c.example ([2001:db8::7]) by d.example (Nobody 1.3) with ESMTP id 8{date}"
            ),
            &format!(
                "from c.example (c.example [192.0.2.7]) by d.example (Postfix) with ESMTPS id 8{date}"
            ),
        ]);
        let shapes = unknowns.shapes();
        assert_eq!(shapes.len(), 1);
        assert_eq!(shapes[0].count, 2);
        assert_eq!(
            shapes[0].shape,
            "from HOST ([IP]) by HOST (Nobody #) with ESMTP id #"
        );
        assert_eq!((unknowns.lines, unknowns.without_writer), (3, 2));
    }

    #[test]
    fn words_of_a_known_writer_are_told() {
        let unknowns = read(&[
            "from c.example (c.example [192.0.2.7]) by d.example (Postfix) quite with ESMTPS id 8; \
             Tue, 03 Nov 2026 09:14:07 +0000",
        ]);
        let shapes = unknowns.shapes();
        assert_eq!(shapes[0].software.as_deref(), Some("Postfix"));
        assert_eq!(shapes[0].words, ["quite"]);
        assert_eq!(unknowns.with_words, 1);
    }

    #[test]
    fn shapes_beyond_the_most_are_counted_only() {
        let mut unknowns = Unknowns::default();
        for number in 0..MOST_SHAPES + 5 {
            let letters: String = number
                .to_string()
                .bytes()
                .map(|b| char::from(b - b'0' + b'a'))
                .collect();
            let line = format!(
                "Received: by x.example (N{letters}) id 7; Tue, 3 Nov 2026 9:14:07 +0000\n\n"
            );
            unknowns.add(&Chain::parse(line.as_bytes()).unwrap());
        }
        assert_eq!(unknowns.shapes().len(), MOST_SHAPES);
        assert_eq!(unknowns.dropped, 5);
    }
}
