//! Reading objects of Istio as their schema has them: what is of the wrong type is said, and the rest is still read.

use std::collections::BTreeMap;

use ringwall_model::path::FieldPath;
use ringwall_model::text::Span;
use ringwall_model::tree::{Kind, Node};

/// What cannot be read in an object, or what Istio would refuse of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The field, from the object.
    pub path: FieldPath,
    /// Where it is written.
    pub span: Span,
    /// What is wrong, as a sentence without full stop.
    pub message: String,
}

/// A field that is there. The schema's JSON knows each field under two names, as `targetRefs` and as `target_refs`.
pub(crate) fn field<'t>(node: Node<'t>, key: &str) -> Option<Node<'t>> {
    let found = node.get(key).filter(|node| !node.is_null());
    found.or_else(|| {
        let snake = snake(key)?;
        node.get(&snake).filter(|node| !node.is_null())
    })
}

/// The other name of a field, where it has one.
fn snake(key: &str) -> Option<String> {
    if !key.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let mut name = String::with_capacity(key.len() + 2);
    for character in key.chars() {
        if character.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(character.to_ascii_lowercase());
    }
    Some(name)
}

/// Collects what cannot be read.
#[derive(Default)]
pub(crate) struct Reader {
    pub(crate) refusals: Vec<Refusal>,
}

impl Reader {
    pub(crate) fn refuse(&mut self, path: FieldPath, node: Node<'_>, message: impl Into<String>) {
        self.refusals.push(Refusal { path, span: node.span(), message: message.into() });
    }

    fn expected(&mut self, path: FieldPath, node: Node<'_>, kind: Kind) {
        self.refuse(path, node, format!("expected {}, got {}", kind.described(), node.kind().described()));
    }

    /// A mapping that is there.
    pub(crate) fn mapping<'t>(&mut self, node: Node<'t>, key: &str, path: &FieldPath) -> Option<Node<'t>> {
        let found = field(node, key)?;
        if found.kind() == Kind::Mapping {
            return Some(found);
        }
        self.expected(path.clone().key(key), found, Kind::Mapping);
        None
    }

    /// The items of a list, with their places; none where it is not there.
    pub(crate) fn list<'t>(
        &mut self,
        node: Node<'t>,
        key: &str,
        path: &FieldPath,
    ) -> Vec<(FieldPath, Node<'t>)> {
        let Some(found) = field(node, key) else { return Vec::new() };
        let path = path.clone().key(key);
        if found.kind() != Kind::Sequence {
            self.expected(path, found, Kind::Sequence);
            return Vec::new();
        }
        found.items().enumerate().map(|(at, item)| (path.clone().index(at), item)).collect()
    }

    /// The items of a list of mappings, with their places. What is none becomes an empty one, so that the others keep their places.
    pub(crate) fn mappings<'t>(
        &mut self,
        node: Node<'t>,
        key: &str,
        path: &FieldPath,
    ) -> Vec<(FieldPath, Node<'t>)> {
        let items = self.list(node, key, path);
        for (path, item) in &items {
            if !matches!(item.kind(), Kind::Mapping | Kind::Null) {
                self.expected(path.clone(), *item, Kind::Mapping);
            }
        }
        items
    }

    /// A text that is there.
    pub(crate) fn text<'t>(&mut self, node: Node<'t>, key: &str, path: &FieldPath) -> Option<&'t str> {
        let found = field(node, key)?;
        let text = found.as_str();
        if text.is_none() {
            self.expected(path.clone().key(key), found, Kind::String);
        }
        text
    }

    /// The texts of a list. One that is none is left out.
    pub(crate) fn texts(&mut self, node: Node<'_>, key: &str, path: &FieldPath) -> Vec<String> {
        let mut texts = Vec::new();
        for (path, item) in self.list(node, key, path) {
            match item.as_str() {
                Some(text) => texts.push(text.to_owned()),
                None => self.expected(path, item, Kind::String),
            }
        }
        texts
    }

    /// The `matchLabels` of a `selector`: `None` where there is no selector, empty where it demands nothing.
    pub(crate) fn selector(&mut self, spec: Node<'_>, path: &FieldPath) -> Option<BTreeMap<String, String>> {
        let selector = self.mapping(spec, "selector", path)?;
        let path = path.clone().key("selector");
        let labels = self.mapping(selector, "matchLabels", &path);
        Some(labels.map(|labels| self.labels(labels, &path.key("matchLabels"))).unwrap_or_default())
    }

    /// A mapping of texts.
    pub(crate) fn labels(&mut self, node: Node<'_>, path: &FieldPath) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::new();
        for entry in node.entries() {
            match entry.value.as_str() {
                Some(value) => drop(labels.insert(entry.key.to_owned(), value.to_owned())),
                None => self.expected(path.clone().key(entry.key), entry.value, Kind::String),
            }
        }
        labels
    }
}

/// Whether all of these labels are among those.
pub(crate) fn is_subset(labels: &BTreeMap<String, String>, of: &BTreeMap<String, String>) -> bool {
    labels.iter().all(|(key, value)| of.get(key) == Some(value))
}
