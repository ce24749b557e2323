//! Reading a [`Node`] as Go's `encoding/json` fills a struct, over what is there already.
//!
//! Admission decodes objects with `sigs.k8s.io/json`, which differs from what `serde` does in ways that
//! change verdicts: a repeated key is decoded *over* the first one, so that objects merge, and the elements of
//! a repeated list land in the old elements (`privileged: true` survives); `null` resets a pointer,
//! a list or a map, and leaves a plain value as it was. The rules are those of `encoding/json/decode.go`
//! (functions `object`, `array`, `literalStore`).
//!
//! Types are checked beforehand, by [`crate::schema`]: a value of the wrong type is passed over here.

use std::collections::BTreeMap;

use crate::tree::{Kind, Node};

/// A type that can be filled from a node.
pub trait Decode<'t>: Default {
    /// Fills `self` from `node`, over what `self` holds.
    fn decode(&mut self, node: Node<'t>);
}

/// A Go struct: known fields are filled, unknown ones passed over.
///
/// Implementing this gives [`Decode`] through [`fill`].
pub trait Fields<'t>: Default {
    /// Fills the field called `key`, if there is one.
    fn field(&mut self, key: &'t str, value: Node<'t>);
}

/// Fills a struct from a mapping. `null` leaves it as it was.
pub fn fill<'t, T: Fields<'t>>(target: &mut T, node: Node<'t>) {
    for entry in node.entries() {
        target.field(entry.key, entry.value);
    }
}

impl Decode<'_> for bool {
    fn decode(&mut self, node: Node<'_>) {
        if let Some(value) = node.as_bool() {
            *self = value;
        }
    }
}

impl Decode<'_> for i64 {
    fn decode(&mut self, node: Node<'_>) {
        if let Some(value) = node.as_i64() {
            *self = value;
        }
    }
}

impl Decode<'_> for i32 {
    fn decode(&mut self, node: Node<'_>) {
        if let Some(value) = node.as_i64().and_then(|value| Self::try_from(value).ok()) {
            *self = value;
        }
    }
}

impl<'t> Decode<'t> for &'t str {
    fn decode(&mut self, node: Node<'t>) {
        if let Some(value) = node.as_str() {
            *self = value;
        }
    }
}

impl Decode<'_> for String {
    fn decode(&mut self, node: Node<'_>) {
        if let Some(value) = node.as_str() {
            value.clone_into(self);
        }
    }
}

/// A Go `map[string]string` that is kept longer than the tree; see [`StringMap`].
impl Decode<'_> for BTreeMap<String, String> {
    fn decode(&mut self, node: Node<'_>) {
        if node.kind() != Kind::Mapping {
            self.clear();
            return;
        }
        for entry in node.entries() {
            // A null value is the zero value: "".
            self.insert(entry.key.to_owned(), entry.value.as_str().unwrap_or_default().to_owned());
        }
    }
}

/// A Go pointer: `null` makes it nil, anything else is decoded over what it points to.
impl<'t, T: Decode<'t>> Decode<'t> for Option<T> {
    fn decode(&mut self, node: Node<'t>) {
        if node.is_null() {
            *self = None;
        } else {
            self.get_or_insert_with(T::default).decode(node);
        }
    }
}

/// A value that is kept apart because it is rarely there.
impl<'t, T: Decode<'t>> Decode<'t> for Box<T> {
    fn decode(&mut self, node: Node<'t>) {
        self.as_mut().decode(node);
    }
}

/// A Go slice.
///
/// The elements beyond `len` are those of an earlier, longer list under the same key: a later list that is
/// longer again is decoded over them, as Go does with the slice's backing array.
#[derive(Clone, Debug, Default)]
pub struct List<T> {
    backing: Vec<T>,
    len: usize,
}

/// Only the elements count.
impl<T: PartialEq> PartialEq for List<T> {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl<T> List<T> {
    /// The elements.
    pub fn as_slice(&self) -> &[T] {
        &self.backing[..self.len]
    }

    /// The elements, to be changed in place.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.backing[..self.len]
    }

    /// The elements.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.as_slice().iter()
    }

    /// How many elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<T> From<Vec<T>> for List<T> {
    fn from(backing: Vec<T>) -> Self {
        Self { len: backing.len(), backing }
    }
}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'t, T: Decode<'t>> Decode<'t> for List<T> {
    fn decode(&mut self, node: Node<'t>) {
        if node.kind() != Kind::Sequence {
            *self = Self::default();
            return;
        }
        let mut count = 0;
        // Elements may be large: moving them while the list grows costs more than counting them first.
        if self.backing.is_empty() {
            self.backing.reserve_exact(node.items().count());
        }
        for item in node.items() {
            if count == self.backing.len() {
                self.backing.push(T::default());
            }
            self.backing[count].decode(item);
            count += 1;
        }
        if count == 0 {
            self.backing.clear();
        }
        self.len = count;
    }
}

/// A Go `map[string]string`, in the byte order of its keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StringMap<'t>(BTreeMap<&'t str, &'t str>);

impl<'t> StringMap<'t> {
    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&'t str> {
        self.0.get(key).copied()
    }

    /// Puts a value under `key`, over what is there.
    pub fn insert(&mut self, key: &'t str, value: &'t str) {
        self.0.insert(key, value);
    }

    /// Keys and values, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&'t str, &'t str)> + '_ {
        self.0.iter().map(|(key, value)| (*key, *value))
    }

    /// Whether the map is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'t> FromIterator<(&'t str, &'t str)> for StringMap<'t> {
    fn from_iter<I: IntoIterator<Item = (&'t str, &'t str)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl<'t> Decode<'t> for StringMap<'t> {
    fn decode(&mut self, node: Node<'t>) {
        if node.kind() != Kind::Mapping {
            self.0.clear();
            return;
        }
        for entry in node.entries() {
            // A null value is the zero value: "".
            self.0.insert(entry.key, entry.value.as_str().unwrap_or_default());
        }
    }
}

/// Implements [`Decode`] and [`Fields`] for a struct from a table of keys and fields.
#[macro_export]
macro_rules! decode_fields {
    ($type:ident { $($key:literal => $field:ident),* $(,)? }) => {
        impl<'t> $crate::decode::Decode<'t> for $type {
            fn decode(&mut self, node: $crate::tree::Node<'t>) {
                $crate::decode::fill(self, node);
            }
        }
        impl<'t> $crate::decode::Fields<'t> for $type {
            fn field(&mut self, key: &'t str, value: $crate::tree::Node<'t>) {
                match key {
                    $($key => $crate::decode::Decode::decode(&mut self.$field, value),)*
                    _ => {}
                }
            }
        }
    };
    ($type:ident<$life:lifetime> { $($key:literal => $field:ident),* $(,)? }) => {
        impl<$life> $crate::decode::Decode<$life> for $type<$life> {
            fn decode(&mut self, node: $crate::tree::Node<$life>) {
                $crate::decode::fill(self, node);
            }
        }
        impl<$life> $crate::decode::Fields<$life> for $type<$life> {
            fn field(&mut self, key: &$life str, value: $crate::tree::Node<$life>) {
                match key {
                    $($key => $crate::decode::Decode::decode(&mut self.$field, value),)*
                    _ => {}
                }
            }
        }
    };
}
