//! Colour, which only repeats what the words beside it say already.

use crate::finding::Severity;

/// Whether a page is coloured. Decided by the caller, who knows the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    colour: bool,
}

/// What a piece of text is, which decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paint {
    #[default]
    None,
    /// The answer line, headings.
    Strong,
    Good,
    Bad,
    Doubtful,
    /// Notes, things of less weight.
    Quiet,
}

impl Style {
    /// Words only.
    #[must_use]
    pub const fn plain() -> Self {
        Self { colour: false }
    }

    /// Words, repeated in colour (ECMA-48 SGR).
    #[must_use]
    pub const fn coloured() -> Self {
        Self { colour: true }
    }

    /// The text in its colour. The text must be escaped already.
    #[must_use]
    pub fn paint(self, paint: Paint, text: &str) -> String {
        let code = match paint {
            Paint::None => return text.to_owned(),
            Paint::Strong => "1",
            Paint::Good => "32",
            Paint::Bad => "31",
            Paint::Doubtful => "33",
            Paint::Quiet => "2",
        };
        if self.colour && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// The text in the colour of a severity.
    #[must_use]
    pub fn severity(self, severity: Severity, text: &str) -> String {
        let paint = match severity {
            Severity::Error => Paint::Bad,
            Severity::Warning => Paint::Doubtful,
            Severity::Note => Paint::Strong,
        };
        self.paint(paint, text)
    }
}
