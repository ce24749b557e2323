//! Labels of pods, namespaces and nodes.

use ringwall_model::tree::Node;

/// Labels, by key. A look-up costs a binary search.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Labels(Vec<(Box<str>, Box<str>)>);

impl Labels {
    /// The labels in `metadata.labels` of a node.
    pub fn of(root: Node<'_>) -> Self {
        let mut labels = Self::default();
        for entry in root.at(&["metadata", "labels"]).into_iter().flat_map(Node::entries) {
            labels.set(entry.key, entry.value.as_str().unwrap_or_default());
        }
        labels
    }

    /// The value of a label.
    pub fn get(&self, key: &str) -> Option<&str> {
        let at = self.0.binary_search_by(|(other, _)| (**other).cmp(key)).ok()?;
        Some(&self.0[at].1)
    }

    /// Gives a label a value.
    pub fn set(&mut self, key: &str, value: &str) {
        match self.0.binary_search_by(|(other, _)| (**other).cmp(key)) {
            Ok(at) => self.0[at].1 = value.into(),
            Err(at) => self.0.insert(at, (key.into(), value.into())),
        }
    }

    /// Keys and values, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }
}
