//! Wrapping and tables, by the columns a terminal shows.
//!
//! All text given here must be escaped already: a control character would
//! have no width.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::report::text::style::{Paint, Style};

/// Every page fits this many columns.
pub const COLUMNS: usize = 80;

/// How many columns a text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// Wraps at spaces to lines of at most `columns`; a word longer than a line
/// is broken, since a hostile name must not break the page.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let mut rest = word;
        let mut needed = width(rest);
        if used > 0 && used + 1 + needed > columns {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        while needed > columns {
            let (head, tail) = split_at_column(rest, columns);
            lines.push(head.to_owned());
            rest = tail;
            needed = width(rest);
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(rest);
        used += needed;
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// Wraps a paragraph to the page: the first line begins with `first`, the
/// others with as many spaces.
#[must_use]
pub fn paragraph(first: &str, text: &str) -> String {
    let indent = width(first);
    let mut out = String::new();
    for (i, line) in wrap(text, COLUMNS.saturating_sub(indent))
        .iter()
        .enumerate()
    {
        if i == 0 {
            out.push_str(first);
        } else {
            out.extend(std::iter::repeat_n(' ', indent));
        }
        out.push_str(line);
        trim_end(&mut out);
        out.push('\n');
    }
    out
}

/// Foreign words as they are, spaces kept, broken only where the page ends.
#[must_use]
pub fn quotation(first: &str, text: &str) -> String {
    let indent = width(first);
    let columns = COLUMNS.saturating_sub(indent).max(1);
    let mut out = String::from(first);
    let mut rest = text;
    loop {
        let (head, tail) = if width(rest) > columns {
            split_at_column(rest, columns)
        } else {
            (rest, "")
        };
        out.push_str(head);
        trim_end(&mut out);
        out.push('\n');
        if tail.is_empty() {
            return out;
        }
        out.extend(std::iter::repeat_n(' ', indent));
        rest = tail;
    }
}

/// Cuts to `columns`, with `...` at the end where something was cut.
#[must_use]
pub fn clip(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let (head, _) = split_at_column(text, columns.saturating_sub(3));
    format!("{head}...")
}

/// Splits so that the head has at most `columns`, but at least one character.
fn split_at_column(text: &str, columns: usize) -> (&str, &str) {
    let mut used = 0;
    for (i, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > columns && i > 0 {
            return text.split_at(i);
        }
    }
    (text, "")
}

fn trim_end(out: &mut String) {
    out.truncate(out.trim_end_matches(' ').len());
}

/// Where a column's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    /// Numbers.
    Right,
}

/// One cell; its text must be escaped already.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    text: String,
    paint: Paint,
}

impl Cell {
    /// A cell in a colour.
    #[must_use]
    pub fn painted(paint: Paint, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            paint,
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::painted(Paint::None, text)
    }
}

/// A table without rules: columns as wide as their widest cell, two spaces
/// between them.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

#[derive(Debug, Clone, Copy)]
struct Column {
    align: Align,
    least: usize,
    most: usize,
}

impl Table {
    /// A table of these columns.
    #[must_use]
    pub fn new(columns: &[Align]) -> Self {
        Self {
            columns: columns
                .iter()
                .map(|&align| Column {
                    align,
                    least: 0,
                    most: COLUMNS,
                })
                .collect(),
            rows: Vec::new(),
        }
    }

    /// Cells of this column, from 0, are cut to at most so many columns.
    #[must_use]
    pub fn at_most(mut self, column: usize, columns: usize) -> Self {
        if let Some(column) = self.columns.get_mut(column) {
            column.most = columns;
        }
        self
    }

    /// This column, from 0, is at least so many columns wide.
    #[must_use]
    pub fn at_least(mut self, column: usize, columns: usize) -> Self {
        if let Some(column) = self.columns.get_mut(column) {
            column.least = columns;
        }
        self
    }

    /// Adds a row; cells that are missing are empty.
    pub fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.into());
    }

    /// Whether no row was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines, each behind `indent` spaces, without spaces at their ends.
    #[must_use]
    pub fn render(&self, indent: usize, style: Style) -> String {
        let widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(i, column)| {
                let widest = self.rows.iter().filter_map(|row| row.get(i));
                let widest = widest.map(|cell| width(&cell.text)).max().unwrap_or(0);
                widest.max(column.least).min(column.most)
            })
            .collect();
        let mut out = String::new();
        for row in &self.rows {
            out.extend(std::iter::repeat_n(' ', indent));
            let last = row.iter().rposition(|cell| !cell.text.is_empty());
            for (i, cell) in row.iter().enumerate() {
                let Some((column, &room)) = self.columns.get(i).zip(widths.get(i)) else {
                    break;
                };
                if last.is_none_or(|last| i > last) {
                    break;
                }
                if i > 0 {
                    out.push_str("  ");
                }
                let text = clip(&cell.text, room);
                let space = room.saturating_sub(width(&text));
                if column.align == Align::Right {
                    out.extend(std::iter::repeat_n(' ', space));
                }
                out.push_str(&style.paint(cell.paint, &text));
                if column.align == Align::Left && last != Some(i) {
                    out.extend(std::iter::repeat_n(' ', space));
                }
            }
            trim_end(&mut out);
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_paragraph_hangs_behind_its_first_words() {
        let page = paragraph(
            "  means  ",
            "opportunistic senders do not look; those that authenticate refuse, and so on",
        );
        assert_eq!(
            page,
            "  means  opportunistic senders do not look; those that authenticate refuse, and\n\
             \x20        so on\n"
        );
    }

    #[test]
    fn columns_are_counted_as_a_terminal_counts_them() {
        assert_eq!(wrap("書書書 書", 6), ["書書書", "書"]);
        assert_eq!(clip("書書書書", 7), "書書...");
    }

    #[test]
    fn a_table_lines_up() {
        let mut table = Table::new(&[Align::Right, Align::Left, Align::Left]).at_most(1, 12);
        table.row(["hop".into(), "from".into(), "TLS".into()]);
        table.row(["1".into(), "laptop.acme.example".into(), "1.3".into()]);
        table.row(["12".into(), "".into(), Cell::painted(Paint::Bad, "none")]);
        assert_eq!(
            table.render(2, Style::plain()),
            "  hop  from          TLS\n    1  laptop.ac...  1.3\n   12                none\n"
        );
        assert!(
            table
                .render(2, Style::coloured())
                .contains("\u{1b}[31mnone\u{1b}[0m")
        );
    }

    proptest! {
        /// Some characters (U+17D8) are three columns wide.
        #[test]
        fn no_line_is_too_wide(text in ".{0,300}", columns in 3usize..90) {
            let text = crate::report::text::escape::text(&text).into_owned();
            for line in wrap(&text, columns) {
                prop_assert!(width(&line) <= columns, "{line:?}");
            }
        }
    }
}
