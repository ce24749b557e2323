//! Objects as protobuf reads them from JSON: which type each field has, and what is none.
//!
//! Sources: github.com/golang/protobuf `jsonpb/decode.go`, which istiod converts objects with (istio.io/istio
//! `pkg/util/protomarshal/protomarshal.go`, `ApplyJSON`): unknown fields are passed over, `null` is as if nothing were written (in a list
//! it is an empty element), numbers may be written as texts, enums as numbers, and fields by their names in protobuf.

mod check;
mod duration;
mod json;
mod same;
mod unknown;

use ringwall_model::path::FieldPath;
use ringwall_model::tree::Node;

pub(super) use check::{check, number_key_error};
pub(super) use json::{described, first_value_error as first_json_error, mismatch};
pub(super) use unknown::unknown;

/// A type. What is wrapped in a message of its own (`google.protobuf.UInt32Value`) has the type that is in there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Type {
    Bool,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Float,
    Double,
    Text,
    Bytes,
    Duration,
    /// Any object.
    Struct,
    /// The number of an enum.
    Number,
    Enum(&'static Enum),
    Message(&'static Message),
    List(&'static Type),
    /// From texts.
    Map(&'static Type),
    /// From numbers.
    NumberMap(&'static Type),
}

/// An enum.
#[derive(Debug)]
pub(super) struct Enum {
    /// Its full name.
    pub(super) name: &'static str,
    /// Its values in the order of its file.
    pub(super) values: &'static [(&'static str, i32)],
}

/// A message: its fields in the order of its file.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) fields: &'static [Field],
}

/// A field of a message.
#[derive(Debug)]
pub(super) struct Field {
    /// Its name in JSON.
    pub(super) json: &'static str,
    /// Its name in protobuf.
    pub(super) proto: &'static str,
    /// The group of fields, of which the last one that is set clears the others.
    pub(super) one_of: Option<u8>,
    pub(super) kind: Type,
}

/// A field that has nothing to do with others.
pub(super) const fn field(json: &'static str, proto: &'static str, kind: Type) -> Field {
    Field { json, proto, one_of: None, kind }
}

/// A field of a group that exclude one another.
pub(super) const fn one_of(group: u8, json: &'static str, proto: &'static str, kind: Type) -> Field {
    Field { json, proto, one_of: Some(group), kind }
}

/// A node, the way to it and what protobuf takes it for. A `null`, as it may stand in a list, has no fields.
#[derive(Clone, Debug)]
pub(super) struct Value<'t> {
    pub(super) node: Node<'t>,
    pub(super) path: FieldPath,
    pub(super) kind: Type,
}

impl<'t> Value<'t> {
    /// What is under one of a field's two names. `null` is nothing.
    fn find(&self, field: &Field) -> Option<Self> {
        let entry = match self.node.entry(field.json) {
            Some(entry) => entry,
            None if field.json != field.proto => self.node.entry(field.proto)?,
            None => return None,
        };
        let path = || self.path.clone().key(entry.key);
        (!entry.value.is_null()).then(|| Self { node: entry.value, path: path(), kind: field.kind })
    }

    /// What is under a field's name in JSON, else under that in protobuf, unless a later field excludes it. `null` is nothing.
    pub(super) fn get(&self, name: &str) -> Option<Self> {
        let Type::Message(message) = self.kind else { return None };
        let at = message.fields.iter().position(|field| field.json == name);
        debug_assert!(at.is_some(), "no such field: {name} at {}", self.path);
        let (field, later) = message.fields.get(at?..)?.split_first()?;
        let value = self.find(field)?;
        let is_over = |later: &Field| {
            later.one_of == field.one_of && self.node_of(later).is_some_and(|node| !node.is_null())
        };
        (field.one_of.is_none() || !later.iter().any(is_over)).then_some(value)
    }

    fn node_of(&self, field: &Field) -> Option<Node<'t>> {
        self.node.get(field.json).or_else(|| self.node.get(field.proto))
    }

    /// Whether a field is written.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Whether a text of a field is not empty.
    pub(super) fn has_text(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }

    /// Whether a list or a map has elements.
    pub(super) fn has_items(&self, name: &str) -> bool {
        self.get(name).is_some_and(|list| match list.kind {
            Type::List(_) => list.node.items().next().is_some(),
            _ => list.node.entries().next().is_some(),
        })
    }

    /// The way to a field, also where it is not written.
    pub(super) fn at(&self, name: &str) -> FieldPath {
        self.get(name).map_or_else(|| self.path.clone().key(name), |field| field.path)
    }

    /// The elements of a list.
    pub(super) fn items(&self, name: &str) -> Vec<Self> {
        let Some(list) = self.get(name) else { return Vec::new() };
        let Type::List(kind) = list.kind else { return Vec::new() };
        let item = |(index, node)| Self { node, path: list.path.clone().index(index), kind: *kind };
        list.node.items().enumerate().map(item).collect()
    }

    /// The texts of a list.
    pub(super) fn texts(&self, name: &str) -> Vec<(FieldPath, &'t str)> {
        let text = |value: Self| (value.path, value.node.as_str().unwrap_or_default());
        self.items(name).into_iter().map(text).collect()
    }

    /// The text of a field; nothing is an empty one.
    pub(super) fn text(&self, name: &str) -> &'t str {
        self.get(name).map(|field| field.as_text()).unwrap_or_default()
    }

    /// The text that this is; anything else is an empty one.
    pub(super) fn as_text(&self) -> &'t str {
        self.node.as_str().unwrap_or_default()
    }

    /// The number of a field; nothing is 0.
    pub(super) fn number(&self, name: &str) -> i128 {
        self.get(name).map_or(0, |field| field.integer())
    }

    /// The number that this is; anything else is 0.
    pub(super) fn integer(&self) -> i128 {
        json::integer(self.node).unwrap_or(0)
    }

    /// The number of a field that may have a fraction; nothing where none is written.
    pub(super) fn double(&self, name: &str) -> Option<f64> {
        self.get(name).and_then(|field| json::double(field.node))
    }

    /// Whether a field is `true`.
    pub(super) fn is_true(&self, name: &str) -> bool {
        self.get(name).and_then(|field| field.node.as_bool()).unwrap_or(false)
    }

    /// The number of an enum's value; nothing is 0.
    pub(super) fn choice(&self, name: &str) -> i128 {
        let Some(field) = self.get(name) else { return 0 };
        let Type::Enum(choices) = field.kind else { return 0 };
        match field.node.as_str() {
            Some(text) => choices
                .values
                .iter()
                .find(|(known, _)| *known == text)
                .map_or(0, |(_, number)| i128::from(*number)),
            None => field.integer(),
        }
    }

    /// The name of an enum's value, or its number where it has none.
    pub(super) fn choice_name(&self, name: &str) -> String {
        let number = self.choice(name);
        let Type::Message(message) = self.kind else { return number.to_string() };
        let field = message.fields.iter().find(|field| field.json == name);
        let known = match field.map(|field| field.kind) {
            Some(Type::Enum(choices)) => {
                choices.values.iter().find(|(_, value)| i128::from(*value) == number)
            }
            _ => None,
        };
        known.map_or_else(|| number.to_string(), |(name, _)| (*name).to_owned())
    }

    /// The nanoseconds of a duration.
    pub(super) fn duration(&self, name: &str) -> Option<i128> {
        self.get(name).and_then(|field| duration::duration(field.node.as_str()?).ok())
    }

    /// The entries of a map.
    pub(super) fn entries(&self, name: &str) -> Vec<(&'t str, Self)> {
        let Some(map) = self.get(name) else { return Vec::new() };
        let (Type::Map(kind) | Type::NumberMap(kind)) = map.kind else { return Vec::new() };
        let entry = |entry: ringwall_model::tree::Entry<'t>| {
            (entry.key, Self { node: entry.value, path: map.path.clone().key(entry.key), kind: *kind })
        };
        map.node.entries().map(entry).collect()
    }
}
