//! Texts as numbers: two texts are equal where their numbers are.

use foldhash::{HashMap, HashMapExt as _};

/// The number of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Symbol(u32);

impl Symbol {
    /// The number of no text: it equals that of no other.
    pub(super) const UNKNOWN: Self = Self(u32::MAX);

    /// The number of the star, where it must not be that of a text.
    pub(super) const ALL: Self = Self(u32::MAX - 1);

    /// The number of texts that are too many to be told apart.
    pub(super) const MANY: Self = Self(u32::MAX - 2);

    /// The bit that stands for the text in a mask of 64: equal texts have equal bits. No text has none.
    pub(super) const fn bit(self) -> u64 {
        if self.0 == u32::MAX { 0 } else { 1 << (self.0 % 64) }
    }
}

/// All texts that were given a number.
#[derive(Clone, Debug)]
pub(super) struct Symbols {
    numbers: HashMap<Box<str>, Symbol>,
}

impl Default for Symbols {
    fn default() -> Self {
        Self { numbers: HashMap::new() }
    }
}

impl Symbols {
    /// The number of a text, a new one if it has none yet.
    pub(super) fn of(&mut self, text: &str) -> Symbol {
        if let Some(symbol) = self.numbers.get(text) {
            return *symbol;
        }
        // Four billion texts do not fit into an input.
        let symbol = Symbol(self.numbers.len() as u32);
        self.numbers.insert(text.into(), symbol);
        symbol
    }

    /// The number of a text; [`Symbol::UNKNOWN`] where nothing has it.
    pub(super) fn find(&self, text: &str) -> Symbol {
        self.numbers.get(text).copied().unwrap_or(Symbol::UNKNOWN)
    }
}
