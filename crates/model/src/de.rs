//! Reading a [`Node`] through `serde`: a typed struct asks for the fields that a ring needs, and
//! nothing else is touched.
//!
//! As in Go, a `null` in a struct counts as a field that is not there, and of repeated keys the last
//! stands. Types that must follow Go to the last detail (repeated keys that merge) use [`crate::decode`].

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};

use crate::path::{FieldPath, Segment};
use crate::text::Span;
use crate::tree::{Entries, Items, Kind, Node};

/// Reads `T` from a node.
///
/// # Errors
/// The first field that does not fit, with its path and span.
pub fn from_node<'t, T: Deserialize<'t>>(node: Node<'t>) -> Result<T, DecodeError> {
    T::deserialize(Reader { node })
}

/// A field that does not fit the type that reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The field, from the node that was read.
    pub path: FieldPath,
    /// Where its value is written, where one is.
    pub span: Option<Span>,
    /// What is wrong, as a sentence without full stop.
    pub message: String,
}

impl DecodeError {
    fn within(mut self, segment: Segment, span: Span) -> Self {
        let mut path = FieldPath::root();
        path.push(segment);
        self.path = path.join(&self.path);
        self.span.get_or_insert(span);
        self
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

impl std::error::Error for DecodeError {}

impl serde::de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { path: FieldPath::root(), span: None, message: message.to_string() }
    }
}

#[derive(Clone, Copy)]
struct Reader<'t> {
    node: Node<'t>,
}

impl<'t> Reader<'t> {
    fn unexpected(self) -> Unexpected<'t> {
        let node = self.node;
        match node.kind() {
            Kind::Null => Unexpected::Unit,
            Kind::Bool => Unexpected::Bool(node.as_bool().unwrap_or_default()),
            Kind::Integer => Unexpected::Signed(node.as_i64().unwrap_or_default()),
            Kind::Unsigned => Unexpected::Unsigned(node.as_u64().unwrap_or_default()),
            Kind::Float => Unexpected::Float(node.as_f64().unwrap_or_default()),
            Kind::String => Unexpected::Str(node.as_str().unwrap_or_default()),
            Kind::Sequence => Unexpected::Seq,
            Kind::Mapping => Unexpected::Map,
        }
    }
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let node = self.node;
        match node.kind() {
            Kind::Null => visitor.visit_unit(),
            Kind::Bool => visitor.visit_bool(node.as_bool().unwrap_or_default()),
            Kind::Integer => visitor.visit_i64(node.as_i64().unwrap_or_default()),
            Kind::Unsigned => visitor.visit_u64(node.as_u64().unwrap_or_default()),
            Kind::Float => visitor.visit_f64(node.as_f64().unwrap_or_default()),
            Kind::String => visitor.visit_borrowed_str(node.as_str().unwrap_or_default()),
            Kind::Sequence => visitor.visit_seq(List { items: node.items(), index: 0 }),
            Kind::Mapping => visitor.visit_map(Fields::new(node, false)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.node.kind() {
            Kind::Mapping => visitor.visit_map(Fields::new(self.node, true)),
            _ => Err(DecodeError::invalid_type(self.unexpected(), &"a mapping")),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.node.as_str() {
            Some(text) => visitor.visit_enum(UnitVariant { text }),
            None => Err(DecodeError::invalid_type(self.unexpected(), &"a string")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map identifier
    }
}

struct List<'t> {
    items: Items<'t>,
    index: usize,
}

impl<'t> SeqAccess<'t> for List<'t> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'t>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        let Some(node) = self.items.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        seed.deserialize(Reader { node })
            .map(Some)
            .map_err(|error| error.within(Segment::Index(index), node.span()))
    }
}

struct Fields<'t> {
    entries: Entries<'t>,
    /// Repeated keys are looked for in mappings of ordinary size only: a search in a huge one would cost
    /// its square. There, a map takes the last value all the same, and a struct refuses the repetition.
    look_ahead: bool,
    value: Option<(&'t str, Node<'t>)>,
    skip_null: bool,
}

impl<'t> Fields<'t> {
    fn new(node: Node<'t>, skip_null: bool) -> Self {
        let look_ahead = node.entries().take(65).count() < 65;
        Self { entries: node.entries(), look_ahead, value: None, skip_null }
    }

    fn repeated_later(&self, key: &str) -> bool {
        self.look_ahead && self.entries.clone().any(|later| later.key == key)
    }
}

impl<'t> MapAccess<'t> for Fields<'t> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'t>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        while let Some(entry) = self.entries.next() {
            if (self.skip_null && entry.value.is_null()) || self.repeated_later(entry.key) {
                continue;
            }
            self.value = Some((entry.key, entry.value));
            let key: serde::de::value::BorrowedStrDeserializer<'t, DecodeError> =
                serde::de::value::BorrowedStrDeserializer::new(entry.key);
            return seed.deserialize(key).map(Some).map_err(|mut error| {
                error.span.get_or_insert(entry.key_span);
                error
            });
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'t>>(&mut self, seed: V) -> Result<V::Value, DecodeError> {
        let Some((key, node)) = self.value.take() else {
            return Err(DecodeError::custom("a value before its key"));
        };
        seed.deserialize(Reader { node }).map_err(|error| error.within(Segment::key(key), node.span()))
    }
}

struct UnitVariant<'t> {
    text: &'t str,
}

impl<'t> EnumAccess<'t> for UnitVariant<'t> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'t>>(self, seed: V) -> Result<(V::Value, Self), DecodeError> {
        let variant = seed.deserialize(self.text.into_deserializer())?;
        Ok((variant, self))
    }
}

impl<'t> VariantAccess<'t> for UnitVariant<'t> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'t>>(self, _seed: T) -> Result<T::Value, DecodeError> {
        Err(DecodeError::custom("expected a plain word"))
    }

    fn tuple_variant<V: Visitor<'t>>(self, _len: usize, _visitor: V) -> Result<V::Value, DecodeError> {
        Err(DecodeError::custom("expected a plain word"))
    }

    fn struct_variant<V: Visitor<'t>>(
        self,
        _fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, DecodeError> {
        Err(DecodeError::custom("expected a plain word"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::text::Source;
    use crate::tree::{Tree, TreeBuilder};

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Sample<'t> {
        #[serde(default, borrow)]
        name: Option<&'t str>,
        #[serde(default)]
        count: i32,
        #[serde(default)]
        labels: BTreeMap<String, String>,
    }

    fn tree(build: impl FnOnce(&mut TreeBuilder)) -> Tree {
        let mut builder = TreeBuilder::new(Arc::new(Source::new("s", "name count labels xx")));
        builder.begin(Kind::Mapping, 0);
        build(&mut builder);
        builder.end(Some(20));
        builder.finish()
    }

    #[test]
    fn null_fields_are_absent_and_the_last_repeated_key_stands() {
        let tree = tree(|b| {
            b.string(Span::new(0, 4), "name");
            b.null(Span::new(0, 0));
            b.string(Span::new(5, 10), "count");
            b.integer(Span::new(5, 10), 1);
            b.string(Span::new(5, 10), "count");
            b.integer(Span::new(5, 10), 2);
        });
        let sample: Sample<'_> = from_node(tree.root()).unwrap();
        assert_eq!(sample, Sample { name: None, count: 2, labels: BTreeMap::new() });
    }

    #[test]
    fn a_field_of_the_wrong_type_is_named_and_located() {
        let tree = tree(|b| {
            b.string(Span::new(11, 17), "labels");
            b.begin(Kind::Mapping, 11);
            b.string(Span::new(11, 12), "a");
            b.integer(Span::new(18, 20), 7);
            b.end(Some(20));
        });
        let error = from_node::<Sample<'_>>(tree.root()).unwrap_err();
        assert_eq!(error.path.to_string(), "labels.a");
        assert_eq!(error.span, Some(Span::new(18, 20)));
        assert!(error.message.contains("expected a string"), "{}", error.message);
    }

    #[test]
    fn an_unknown_field_is_an_error_where_the_type_says_so() {
        let tree = tree(|b| {
            b.string(Span::new(0, 4), "nane");
            b.null(Span::new(0, 0));
            b.string(Span::new(0, 4), "nome");
            b.boolean(Span::new(0, 4), true);
        });
        assert!(from_node::<Sample<'_>>(tree.root()).unwrap_err().message.contains("unknown field `nome`"));
    }
}
