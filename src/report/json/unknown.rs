//! `unknown-line`: lines of one shape that were not understood.

use schemars::JsonSchema;
use serde::Serialize;

use crate::report::json::attempt::Octets;
use crate::trace::unknown::Shape;

/// Lines of one shape whose writer, or some of whose words, nobody knows.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UnknownLineData {
    /// The line with its hosts, addresses and numbers replaced.
    pub shape: String,
    /// How many lines have this shape.
    pub count: usize,
    /// Who wrote them; null where that is what is not known.
    pub software: Option<String>,
    /// The words of the example that were not understood.
    pub words: Vec<String>,
    /// The first line of this shape, folds kept.
    pub example: Octets,
}

impl From<&Shape> for UnknownLineData {
    fn from(inner: &Shape) -> Self {
        Self {
            shape: inner.shape.clone(),
            count: inner.count,
            software: inner.software.clone(),
            words: inner.words.clone(),
            example: Octets::from(&inner.example[..]),
        }
    }
}
