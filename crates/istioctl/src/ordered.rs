//! A map that keeps the order in which keys came.
//!
//! Go walks a small map from a random place on in the order in which its keys came, so that this order is the likeliest. Where an answer of
//! the reference hangs on it, ours is the one that it gives most often.

use std::collections::BTreeMap;

/// A map in the order of its keys' first insertion.
#[derive(Clone, Debug)]
pub(crate) struct Ordered<K, V> {
    entries: Vec<(K, V)>,
    places: BTreeMap<K, usize>,
}

impl<K, V> Default for Ordered<K, V> {
    fn default() -> Self {
        Self { entries: Vec::new(), places: BTreeMap::new() }
    }
}

impl<K: Ord + Clone, V> Ordered<K, V> {
    /// Puts in a value; one that is there already under this key gives way, at its place.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        match self.places.get(&key).and_then(|at| self.entries.get_mut(*at)) {
            Some(entry) => entry.1 = value,
            None => {
                self.places.insert(key.clone(), self.entries.len());
                self.entries.push((key, value));
            }
        }
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.places.get(key).and_then(|at| self.entries.get(*at)).map(|(_, value)| value)
    }

    /// The entries, handed over.
    pub(crate) fn into_entries(self) -> Vec<(K, V)> {
        self.entries
    }

    /// The entries.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }
}

impl<K: Ord + Clone, T> Ordered<K, Vec<T>> {
    /// Adds to the list of a key.
    pub(crate) fn push(&mut self, key: K, item: T) {
        match self.places.get(&key).and_then(|at| self.entries.get_mut(*at)) {
            Some(entry) => entry.1.push(item),
            None => self.insert(key, vec![item]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_places() {
        let mut map = Ordered::default();
        for (key, value) in [("b", 1), ("a", 2), ("b", 3)] {
            map.insert(key, value);
        }
        assert_eq!(map.iter().collect::<Vec<_>>(), [(&"b", &3), (&"a", &2)]);
        assert_eq!((map.get(&"a"), map.get(&"c")), (Some(&2), None));
    }
}
