//! The senders of one host, by name. Most hosts have one: a list takes a tenth
//! of what a tree would.

use super::Reached;

/// Senders in the order of their names, each with how it reached the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Senders(Vec<(String, Reached)>);

impl Senders {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Reached)> {
        self.0
            .iter()
            .map(|(name, reached)| (name.as_str(), reached))
    }

    /// The one of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Reached> {
        let at = self.find(name).ok()?;
        self.0.get(at).map(|(_, reached)| reached)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Reached> {
        let at = self.find(name).ok()?;
        self.0.get_mut(at).map(|(_, reached)| reached)
    }

    /// Changes the one of this name, which is put in if it was not there.
    pub(super) fn change(&mut self, name: &str, change: impl FnOnce(&mut Reached)) {
        if let Err(at) = self.find(name) {
            self.0.reserve_exact(1);
            self.0.insert(at, (name.to_owned(), Reached::default()));
        }
        if let Some(reached) = self.get_mut(name) {
            change(reached);
        }
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0
            .binary_search_by(|(known, _)| known.as_str().cmp(name))
    }
}
