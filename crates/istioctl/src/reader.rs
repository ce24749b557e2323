//! Reading fields as protobuf's JSON and Kubernetes' JSON have them: what is not there, `null` or of another type is nothing.

use std::collections::BTreeMap;

use ringwall_mesh::proto_name;
use ringwall_model::tree::{Kind, Node};

/// A value that may not be there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'t> {
    /// Where it is written.
    pub(crate) node: Option<Node<'t>>,
    /// Whether its fields are also known under their names in protobuf.
    is_proto: bool,
}

/// Labels or the like.
pub(crate) type Texts<'t> = BTreeMap<&'t str, &'t str>;

impl<'t> Value<'t> {
    /// Nothing.
    pub(crate) const NONE: Self = Self { node: None, is_proto: false };

    /// A node that Kubernetes reads.
    pub(crate) fn plain(node: Node<'t>) -> Self {
        Self { node: Some(node), is_proto: false }
    }

    /// A node that protobuf reads.
    pub(crate) fn proto(node: Node<'t>) -> Self {
        Self { node: Some(node), is_proto: true }
    }

    fn with(self, node: Option<Node<'t>>) -> Self {
        Self { node: node.filter(|node| !node.is_null()), ..self }
    }

    /// A field, under its name in JSON or, where it has none there, the one in protobuf: `portLevelMtls` is also `port_level_mtls`.
    pub(crate) fn get(self, name: &str) -> Self {
        let Some(node) = self.node else { return self };
        let found = match node.get(name) {
            None if self.is_proto => proto_name(name).and_then(|name| node.get(&name)),
            found => found,
        };
        self.with(found)
    }

    /// The field at the end of a way.
    pub(crate) fn at(self, names: &[&str]) -> Self {
        names.iter().fold(self, |value, name| value.get(name))
    }

    /// Whether it is there.
    pub(crate) fn is_set(self) -> bool {
        self.node.is_some()
    }

    /// The elements of a list.
    pub(crate) fn items(self, name: &str) -> impl Iterator<Item = Value<'t>> + use<'t> {
        let list = self.get(name).node.filter(|list| list.kind() == Kind::Sequence);
        list.into_iter().flat_map(Node::items).map(move |node| self.with(Some(node)))
    }

    /// The texts of a list; what is none is an empty one.
    pub(crate) fn texts(self, name: &str) -> Vec<&'t str> {
        self.items(name).map(Value::as_text).collect()
    }

    /// The text itself; empty where there is none.
    pub(crate) fn as_text(self) -> &'t str {
        self.node.and_then(Node::as_str).unwrap_or_default()
    }

    /// The text of a field.
    pub(crate) fn text(self, name: &str) -> &'t str {
        self.get(name).as_text()
    }

    /// The entries of a mapping from texts to texts. `null` is an empty text.
    pub(crate) fn map(self, name: &str) -> Texts<'t> {
        let entries = self.get(name).node.into_iter().flat_map(Node::entries);
        entries.map(|entry| (entry.key, entry.value.as_str().unwrap_or_default())).collect()
    }

    /// The keys of a mapping.
    pub(crate) fn keys(self, name: &str) -> Vec<&'t str> {
        self.get(name).node.into_iter().flat_map(Node::entries).map(|entry| entry.key).collect()
    }

    /// A whole number, which protobuf also takes as text.
    pub(crate) fn number(self, name: &str) -> Option<i64> {
        let node = self.get(name).node?;
        match node.as_str() {
            Some(text) => text.trim().parse().ok(),
            None => node.as_i64().or_else(|| whole(node.as_f64()?)),
        }
    }

    /// Whether a field is `true`.
    pub(crate) fn is_true(self, name: &str) -> bool {
        self.get(name).node.and_then(Node::as_bool).unwrap_or(false)
    }

    /// Which of the names an enum has: its own name, or the one of its number. The first where it is not there.
    pub(crate) fn choice(self, name: &str, names: &[&'static str]) -> &'static str {
        let first = names.first().copied().unwrap_or_default();
        let Some(node) = self.get(name).node else { return first };
        match node.as_str() {
            Some(text) => names.iter().copied().find(|known| *known == text).unwrap_or(first),
            None => {
                node.as_u64().and_then(|at| names.get(usize::try_from(at).ok()?).copied()).unwrap_or(first)
            }
        }
    }
}

/// A number without a fraction.
fn whole(number: f64) -> Option<i64> {
    // Within these bounds a double holds every whole number.
    #[allow(clippy::cast_possible_truncation, reason = "checked to be a whole number in the bounds of i64")]
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

/// Whether labels have all of these.
pub(crate) fn contains(labels: &Texts<'_>, wanted: &Texts<'_>) -> bool {
    wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
}

/// A selector of labels as the reference prints it: `a=b,c=d`. Source: k8s.io/apimachinery `pkg/labels/selector.go`.
pub(crate) fn selector_text(selector: &Texts<'_>) -> String {
    let parts: Vec<String> = selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
    parts.join(",")
}

/// A list as Go's `%v` prints it.
pub(crate) fn go_list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    format!("[{}]", items.join(" "))
}
