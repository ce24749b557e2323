//! Reading objects of Istio as their schema has them: what is of the wrong type is told, and the rest is read.

use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::tree::{Kind, Node};

use crate::place::{Misread, Pairs, Place, sorted};

/// A node and the way to it.
#[derive(Clone, Debug)]
pub(crate) struct At<'t> {
    pub(crate) node: Node<'t>,
    pub(crate) path: FieldPath,
}

impl<'t> At<'t> {
    /// An object as a whole.
    pub(crate) fn root(object: &'t Object) -> Self {
        Self { node: object.root(), path: FieldPath::root() }
    }

    /// What is under a key; nothing where `null` is. The schema's JSON knows each field under two names, as `targetRefs` and as `target_refs`.
    pub(crate) fn get(&self, key: &str) -> Option<Self> {
        let found = |key: &str| {
            let node = self.node.get(key).filter(|node| !node.is_null())?;
            Some(Self { node, path: self.path.clone().key(key) })
        };
        found(key).or_else(|| found(&proto_name(key)?))
    }
}

/// The name of a field in protobuf, where it has another one there: `portLevelMtls` is also `port_level_mtls`.
pub fn proto_name(key: &str) -> Option<String> {
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

/// Reads fields of one object, and keeps what is of the wrong type.
#[derive(Debug)]
pub(crate) struct Reader<'r> {
    pub(crate) object: usize,
    pub(crate) misread: &'r mut Vec<Misread>,
}

impl Reader<'_> {
    /// A place in the object.
    pub(crate) fn place(&self, path: FieldPath) -> Place {
        Place { object: self.object, path }
    }

    /// Notes that a field is wrong.
    pub(crate) fn wrong(&mut self, at: &At<'_>, message: String) {
        let place = self.place(at.path.clone());
        self.misread.push(Misread { place, span: at.node.span(), message });
    }

    fn of_kind<'t>(&mut self, at: At<'t>, kind: Kind) -> Option<At<'t>> {
        if at.node.kind() == kind {
            return Some(at);
        }
        self.wrong(&at, format!("expected {}, got {}", kind.described(), at.node.kind().described()));
        None
    }

    /// The mapping under a key.
    pub(crate) fn mapping<'t>(&mut self, at: &At<'t>, key: &str) -> Option<At<'t>> {
        self.of_kind(at.get(key)?, Kind::Mapping)
    }

    /// The elements of the list under a key.
    pub(crate) fn list<'t>(&mut self, at: &At<'t>, key: &str) -> Vec<At<'t>> {
        let Some(list) = at.get(key).and_then(|list| self.of_kind(list, Kind::Sequence)) else {
            return Vec::new();
        };
        let place = |(index, node)| At { node, path: list.path.clone().index(index) };
        list.node.items().enumerate().map(place).collect()
    }

    /// The mappings in the list under a key; `null` is an empty one.
    pub(crate) fn mappings<'t>(&mut self, at: &At<'t>, key: &str) -> Vec<At<'t>> {
        let elements = self.list(at, key);
        let mapping = |at: At<'t>| if at.node.is_null() { Some(at) } else { self.of_kind(at, Kind::Mapping) };
        elements.into_iter().filter_map(mapping).collect()
    }

    /// The items of the list under a key, each as a mapping. What is none is as one that is empty, so that the others keep their places.
    pub(crate) fn mappings_in_place<'t>(&mut self, at: &At<'t>, key: &str) -> Vec<At<'t>> {
        let elements = self.list(at, key);
        for at in elements.iter().filter(|at| !matches!(at.node.kind(), Kind::Mapping | Kind::Null)) {
            self.wrong(
                at,
                format!("expected {}, got {}", Kind::Mapping.described(), at.node.kind().described()),
            );
        }
        elements
    }

    /// The text under a key.
    pub(crate) fn text<'t>(&mut self, at: &At<'t>, key: &str) -> Option<&'t str> {
        self.of_kind(at.get(key)?, Kind::String)?.node.as_str()
    }

    /// The texts in the list under a key; `null` is an empty one.
    pub(crate) fn texts<'t>(&mut self, at: &At<'t>, key: &str) -> Vec<&'t str> {
        let mut texts = Vec::new();
        for element in self.list(at, key) {
            if element.node.is_null() {
                texts.push("");
            } else if let Some(text) = self.of_kind(element, Kind::String).and_then(|at| at.node.as_str()) {
                texts.push(text);
            }
        }
        texts
    }

    /// The number under a key; as a text it counts too, as it does where protobuf is read from JSON.
    pub(crate) fn number(&mut self, at: &At<'_>, key: &str) -> Option<u32> {
        let field = at.get(key)?;
        let number = match field.node.as_str() {
            Some(text) => text.parse().ok(),
            None => field.node.as_u64().and_then(|number| u32::try_from(number).ok()),
        };
        if number.is_none() {
            self.wrong(&field, format!("expected a number, got {}", field.node.raw().trim()));
        }
        number
    }

    /// One of the words that a field takes; a number counts too, as it does where protobuf is read from JSON.
    pub(crate) fn one_of<T: Copy>(&mut self, at: &At<'_>, key: &str, words: &[(&str, T)]) -> Option<T> {
        let field = at.get(key)?;
        let found = match field.node.as_str() {
            Some(text) => words.iter().find(|(word, _)| *word == text),
            None => field.node.as_u64().and_then(|number| words.get(usize::try_from(number).ok()?)),
        };
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.wrong(&field, format!("{} is none of {}", field.node.raw().trim(), known.join(", ")));
        }
        found.map(|(_, value)| *value)
    }

    /// The labels under a key, by key; `null` is an empty value.
    pub(crate) fn pairs(&mut self, at: &At<'_>, key: &str) -> Option<Pairs> {
        let map = self.mapping(at, key)?;
        let mut pairs = Pairs::new();
        for entry in map.node.entries() {
            let value = At { node: entry.value, path: map.path.clone().key(entry.key) };
            if value.node.is_null() {
                pairs.push((entry.key.into(), "".into()));
            } else if let Some(text) = self.of_kind(value, Kind::String).and_then(|at| at.node.as_str()) {
                pairs.push((entry.key.into(), text.into()));
            }
        }
        Some(sorted(pairs))
    }

    /// The texts in the list under a key, for keeps.
    pub(crate) fn owned_texts(&mut self, at: &At<'_>, key: &str) -> Vec<String> {
        self.texts(at, key).into_iter().map(str::to_owned).collect()
    }

    /// The `matchLabels` of a `selector`: `None` where there is no selector, empty where it demands nothing.
    pub(crate) fn selector(&mut self, spec: &At<'_>) -> Option<Pairs> {
        let selector = self.mapping(spec, "selector")?;
        Some(self.pairs(&selector, "matchLabels").unwrap_or_default())
    }
}
