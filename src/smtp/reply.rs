//! Replies out of octets (RFC 5321, section 4.2), whatever the segments.
//!
//! Tolerated, since servers do it and a sender gets along with it: LF alone
//! as line end, any octets in the text, a code alone on its line, codes that
//! differ within one reply, lines over 512 octets. What of this breaks a rule
//! is remembered in [`Oddities`]. Bounded: a reply of more than [`MAX_OCTETS`]
//! or [`MAX_LINES`] is an error.

use crate::observed::endpoint::Reply;

/// The longest reply that is read. Real EHLO replies stay under 2 kB.
pub const MAX_OCTETS: usize = 64 * 1024;

/// The most lines of one reply that are read.
pub const MAX_LINES: usize = 200;

/// The longest reply line a server may send, CRLF included (RFC 5321, section
/// 4.5.3.1.5).
const LONGEST_LINE: usize = 512;

/// Collects octets and cuts replies out of them.
#[derive(Debug, Default)]
pub struct ReplyParser {
    buffer: Vec<u8>,
    /// Octets at the front of `buffer` that belong to lines already taken.
    taken: usize,
    /// Octets of `buffer` known to hold no further line end.
    searched: usize,
    lines: Vec<Vec<u8>>,
    /// Octets of the lines of the reply under way.
    octets: usize,
    code: Option<u16>,
    oddities: Oddities,
}

/// What was against the rules and tolerated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Oddities {
    pub bare_lf: bool,
    pub over_long_line: bool,
    pub code_mismatch: bool,
}

/// Why octets are no reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplyError {
    /// A line that does not begin with a reply code.
    Malformed(Vec<u8>),
    /// More octets or lines than any honest reply has.
    TooLong,
}

impl ReplyParser {
    /// Takes octets as they came off the wire.
    pub fn push(&mut self, octets: &[u8]) {
        if self.taken > 0 {
            self.buffer.drain(..self.taken);
            self.searched -= self.taken;
            self.taken = 0;
        }
        self.buffer.extend_from_slice(octets);
    }

    /// The next whole reply, or none if more octets are needed.
    ///
    /// # Errors
    /// When what came is no reply, or too much.
    pub fn next_reply(&mut self) -> Result<Option<Reply>, ReplyError> {
        while let Some(line) = self.next_line()? {
            let Some((code, last)) = read_code(&line) else {
                return Err(ReplyError::Malformed(line));
            };
            // RFC 5321, section 4.2.1: all lines carry the same code. Where
            // they do not, the last line's counts, as it does for Postfix
            // (smtp_chat.c) and so for much of the mail sent.
            self.oddities.code_mismatch |= self.code.is_some_and(|first| first != code);
            self.code = Some(code);
            self.octets += line.len() + 2;
            self.lines.push(line);
            if last {
                self.code = None;
                self.octets = 0;
                let lines = std::mem::take(&mut self.lines);
                return Ok(Some(Reply { code, lines }));
            }
            if self.lines.len() >= MAX_LINES {
                return Err(ReplyError::TooLong);
            }
        }
        Ok(None)
    }

    /// Octets behind the replies taken so far, lines of a reply under way
    /// left out.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        &self.buffer[self.taken..]
    }

    /// What came of a reply that is not whole: its lines, and the octets
    /// behind them.
    #[must_use]
    pub fn partial(&self) -> Vec<u8> {
        let mut octets = self.lines.join(&b"\r\n"[..]);
        if !self.lines.is_empty() && !self.pending().is_empty() {
            octets.extend_from_slice(b"\r\n");
        }
        octets.extend_from_slice(self.pending());
        octets.truncate(MAX_OCTETS);
        octets
    }

    /// Forgets all octets and lines not yet taken as a reply.
    pub fn discard(&mut self) {
        let oddities = self.oddities;
        *self = Self {
            oddities,
            ..Self::default()
        };
    }

    /// What was tolerated since the beginning.
    #[must_use]
    pub fn oddities(&self) -> Oddities {
        self.oddities
    }

    /// The next line, without its line end.
    fn next_line(&mut self) -> Result<Option<Vec<u8>>, ReplyError> {
        let from = self.searched.max(self.taken);
        let Some(at) = self.buffer[from..].iter().position(|&b| b == b'\n') else {
            self.searched = self.buffer.len();
            if self.octets + self.pending().len() > MAX_OCTETS {
                return Err(ReplyError::TooLong);
            }
            return Ok(None);
        };
        let end = from + at;
        let line = &self.buffer[self.taken..end];
        self.oddities.over_long_line |= line.len() + 1 > LONGEST_LINE;
        // RFC 5321, section 2.3.8: lines end in CRLF.
        let line = match line.strip_suffix(b"\r") {
            Some(line) => line,
            None => {
                self.oddities.bare_lf = true;
                line
            }
        };
        if self.octets + line.len() > MAX_OCTETS {
            return Err(ReplyError::TooLong);
        }
        let line = line.to_vec();
        self.taken = end + 1;
        self.searched = self.taken;
        Ok(Some(line))
    }
}

/// The code of a line, and whether the line is the last of its reply
/// (RFC 5321, section 4.2): a hyphen behind the code announces another.
fn read_code(line: &[u8]) -> Option<(u16, bool)> {
    let (code, rest) = line.split_at_checked(3)?;
    let [a @ b'2'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9'] = *code else {
        return None;
    };
    if rest.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let code = u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0');
    Some((code, rest.first() != Some(&b'-')))
}

/// A reply line without its code and the separator behind it.
#[must_use]
pub fn text_of(line: &[u8]) -> &[u8] {
    line.get(4..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn replies(octets: &[u8]) -> Result<Vec<Reply>, ReplyError> {
        let mut parser = ReplyParser::default();
        parser.push(octets);
        let mut replies = Vec::new();
        while let Some(reply) = parser.next_reply()? {
            replies.push(reply);
        }
        Ok(replies)
    }

    fn one(octets: &[u8]) -> (Reply, Oddities) {
        let mut parser = ReplyParser::default();
        parser.push(octets);
        let reply = parser.next_reply().unwrap().unwrap();
        (reply, parser.oddities())
    }

    #[test]
    fn s3_a_greeting_may_have_many_lines() {
        let (reply, oddities) = one(b"220-a\r\n220-b\r\n220 c\r\n");
        assert_eq!(reply.code, 220);
        assert_eq!(reply.lines, [&b"220-a"[..], b"220-b", b"220 c"]);
        assert_eq!(oddities, Oddities::default());
    }

    #[test]
    fn s4_a_code_alone_is_a_reply() {
        assert_eq!(one(b"220\r\n").0.code, 220);
        assert_eq!(one(b"250-\r\n250\r\n").0.lines.len(), 2);
        assert_eq!(one(b"220\n").0.code, 220);
    }

    #[test]
    fn s5_codes_that_differ_are_noted_and_the_last_counts() {
        let (reply, oddities) = one(b"220-come in\r\n554 go away\r\n");
        assert_eq!(reply.code, 554);
        assert!(oddities.code_mismatch);
        let mut parser = ReplyParser::default();
        parser.push(b"220 a\r\n250 b\r\n");
        parser.next_reply().unwrap();
        parser.next_reply().unwrap();
        assert!(!parser.oddities().code_mismatch);
    }

    #[test]
    fn s7_long_lines_are_noted_and_endless_ones_refused() {
        let long = [b"220 ".to_vec(), vec![b'a'; 600], b"\r\n".to_vec()].concat();
        let (reply, oddities) = one(&long);
        assert_eq!(reply.lines[0].len(), 604);
        assert!(oddities.over_long_line);
        // 512 octets with CRLF are allowed.
        let fits = [b"220 ".to_vec(), vec![b'a'; 506], b"\r\n".to_vec()].concat();
        assert!(!one(&fits).1.over_long_line);

        let mut parser = ReplyParser::default();
        let mut result = Ok(None);
        for _ in 0..100 {
            parser.push(&[b'a'; 1024]);
            result = parser.next_reply();
            if result.is_err() {
                break;
            }
        }
        assert_eq!(result, Err(ReplyError::TooLong));
        assert_eq!(replies(&b"250-x\r\n".repeat(500)), Err(ReplyError::TooLong));
        let fat = [b"250-".to_vec(), vec![b'a'; 1000], b"\r\n".to_vec()].concat();
        assert_eq!(replies(&fat.repeat(100)), Err(ReplyError::TooLong));
    }

    #[test]
    fn s8_any_cut_gives_the_same_replies() {
        let octets = b"220-mx\r\n220 ESMTP\r\n250-mx\r\n250-STARTTLS\r\n250\r\n220 go\n";
        let whole = replies(octets).unwrap();
        assert_eq!(whole.len(), 3);
        for size in 1..octets.len() {
            let mut parser = ReplyParser::default();
            let mut got = Vec::new();
            for chunk in octets.chunks(size) {
                parser.push(chunk);
                while let Some(reply) = parser.next_reply().unwrap() {
                    got.push(reply);
                }
            }
            assert_eq!(got, whole, "pieces of {size}");
            assert!(parser.pending().is_empty());
        }
    }

    #[test]
    fn s19_lf_alone_ends_a_line_and_is_noted() {
        let (reply, oddities) = one(b"220-a\n220 b\n");
        assert_eq!(reply.lines, [&b"220-a"[..], b"220 b"]);
        assert!(oddities.bare_lf);
    }

    #[test]
    fn s20_octets_of_any_kind_are_kept() {
        let (reply, _) = one(b"220 \x1b[2J\xff\xfe\x00\x07 \xc3\xa9\r\n");
        assert_eq!(reply.lines[0], b"220 \x1b[2J\xff\xfe\x00\x07 \xc3\xa9");
    }

    #[test]
    fn what_has_no_code_is_no_reply() {
        for octets in [
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            b"\r\n",
            b"22\r\n",
            b"2200 x\r\n",
            b"150 x\r\n",
            b"SSH-2.0-x\r\n",
            b"250-a\r\nSTARTTLS\r\n",
        ] {
            assert!(
                matches!(replies(octets), Err(ReplyError::Malformed(_))),
                "{octets:?}"
            );
        }
    }

    #[test]
    fn what_came_of_a_broken_reply_is_kept() {
        let mut parser = ReplyParser::default();
        parser.push(b"220-first\r\n220-sec");
        assert_eq!(parser.next_reply(), Ok(None));
        assert_eq!(parser.partial(), b"220-first\r\n220-sec");
        assert_eq!(parser.pending(), b"220-sec");
        parser.discard();
        assert!(parser.partial().is_empty());
    }
}
