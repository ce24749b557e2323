//! What a check finds, and the words that are made from it.

use ringwall_model::path::FieldPath;

use crate::model::{self, Place};

/// What is wrong at one place of a pod: the evidence of a check.
#[derive(Clone, Copy, Debug)]
pub struct Offence<'t> {
    /// The part of the pod.
    pub place: Place,
    /// The field below that part; `[]` stands for [`Offence::index`].
    pub field: &'static str,
    /// The index that `[]` in the field stands for.
    pub index: u32,
    /// What is there.
    pub value: Value<'t>,
}

/// What stands at the place of an offence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'t> {
    /// Nothing: the field should be there.
    Missing,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(i64),
    /// A text.
    Text(&'t str),
    /// An annotation.
    Annotation {
        /// Its key. Where the reference builds it from a prefix and a container's name, the prefix.
        key: &'t str,
        /// Its value.
        value: &'t str,
    },
}

impl<'t> Offence<'t> {
    /// An offence in a field without an index.
    pub const fn new(place: Place, field: &'static str, value: Value<'t>) -> Self {
        Self { place, field, index: 0, value }
    }

    /// The field's path, from the pod template.
    pub fn path(&self) -> FieldPath {
        match self.value {
            Value::Annotation { key, .. } => self.place.path().key(key),
            _ => model::below(self.place, self.field, self.index),
        }
    }

    /// The text at the place, where it is text.
    pub const fn text(&self) -> Option<&'t str> {
        match self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// What the reference says of a failed check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// Short, and always shown.
    pub reason: &'static str,
    /// What exactly, shown for a single object.
    pub detail: String,
}
