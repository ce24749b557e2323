//! Values by number.

use std::collections::HashMap;
use std::hash::Hash;

/// Values by number, each once.
#[derive(Clone, Debug)]
pub(crate) struct Interner<T> {
    pub(crate) items: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { items: Vec::new(), numbers: HashMap::new() }
    }
}

impl<T: Clone + Eq + Hash> Interner<T> {
    pub(crate) fn number(&mut self, item: T) -> u32 {
        if let Some(number) = self.numbers.get(&item) {
            return *number;
        }
        let number = self.items.len() as u32;
        self.items.push(item.clone());
        self.numbers.insert(item, number);
        number
    }
}

/// Values by number, each once, as long as somebody has a use for them. The number of one that went is given again.
#[derive(Clone, Debug)]
pub(crate) struct Counted<T> {
    items: Vec<Option<T>>,
    uses: Vec<u32>,
    numbers: HashMap<T, u32>,
    free: Vec<u32>,
}

impl<T> Default for Counted<T> {
    fn default() -> Self {
        Self { items: Vec::new(), uses: Vec::new(), numbers: HashMap::new(), free: Vec::new() }
    }
}

impl<T: Clone + Eq + Hash> Counted<T> {
    /// The number of a value that is used once more, and whether it is new.
    pub(crate) fn take(&mut self, item: &T) -> (u32, bool) {
        if let Some(number) = self.numbers.get(item) {
            self.uses[*number as usize] += 1;
            return (*number, false);
        }
        let number = self.free.pop().unwrap_or_else(|| {
            self.items.push(None);
            self.uses.push(0);
            self.items.len() as u32 - 1
        });
        self.items[number as usize] = Some(item.clone());
        self.uses[number as usize] = 1;
        self.numbers.insert(item.clone(), number);
        (number, true)
    }

    /// Ends one use of a value; whether it was the last, and the value is gone.
    pub(crate) fn give(&mut self, number: u32) -> bool {
        let at = number as usize;
        self.uses[at] -= 1;
        if self.uses[at] > 0 {
            return false;
        }
        if let Some(item) = self.items[at].take() {
            self.numbers.remove(&item);
            self.free.push(number);
        }
        true
    }

    /// The number of a value that is used.
    pub(crate) fn number(&self, item: &T) -> Option<u32> {
        self.numbers.get(item).copied()
    }

    /// A value by its number.
    pub(crate) fn get(&self, number: u32) -> Option<&T> {
        self.items.get(number as usize)?.as_ref()
    }

    /// All values that are used, by number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.items.iter().enumerate().filter_map(|(number, item)| Some((number as u32, item.as_ref()?)))
    }

    /// One more than the highest number.
    pub(crate) fn bound(&self) -> usize {
        self.items.len()
    }
}

/// A place for something by number: the lists grow as far as asked.
pub(crate) fn slot<T: Default>(list: &mut Vec<T>, at: u32) -> &mut T {
    let at = at as usize;
    if at >= list.len() {
        list.resize_with(at + 1, T::default);
    }
    &mut list[at]
}

/// Puts a number into a sorted list.
pub(crate) fn insert(list: &mut Vec<u32>, number: u32) {
    if list.last().is_none_or(|last| *last < number) {
        list.push(number);
    } else if let Err(at) = list.binary_search(&number) {
        list.insert(at, number);
    }
}

/// Takes a number out of a sorted list.
pub(crate) fn remove(list: &mut Vec<u32>, number: u32) {
    if let Ok(at) = list.binary_search(&number) {
        list.remove(at);
    }
}
