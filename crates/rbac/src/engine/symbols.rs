//! Texts as numbers: two texts are equal where their numbers are.

use std::collections::HashMap;

/// The number of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Symbol(u32);

impl Symbol {
    /// The number of no text: it equals that of no other.
    pub(super) const UNKNOWN: Self = Self(u32::MAX);
}

/// All texts that were given a number.
#[derive(Clone, Debug, Default)]
pub(super) struct Symbols {
    numbers: HashMap<Box<str>, Symbol>,
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
