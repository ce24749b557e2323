//! Settings that are written in several places, of which some go over others.

use ringwall_model::tree::Node;

/// The same mapping as several places write it, the last of which counts first. Lists are not joined, mappings are.
#[derive(Clone, Debug, Default)]
pub(super) struct Layers<'t>(Vec<Node<'t>>);

impl<'t> Layers<'t> {
    /// What one place says.
    pub(super) fn one(root: Node<'t>) -> Self {
        Self(vec![root])
    }

    /// What stands at these ways, each over those before it.
    pub(super) fn of(root: Node<'t>, ways: &[&[&str]]) -> Self {
        Self(ways.iter().filter_map(|way| root.at(way)).collect())
    }

    /// What stands under a field.
    pub(super) fn under(&self, keys: &[&str]) -> Self {
        Self(self.0.iter().filter_map(|root| root.at(keys)).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A field; one that is null is as good as none.
    pub(super) fn at(&self, keys: &[&str]) -> Option<Node<'t>> {
        self.0.iter().rev().find_map(|root| root.at(keys).filter(|node| !node.is_null()))
    }

    /// A text that is not empty.
    pub(super) fn text(&self, keys: &[&str]) -> Option<&'t str> {
        self.at(keys).and_then(Node::as_str).filter(|text| !text.is_empty())
    }

    /// What a template prints of a text or a number.
    pub(super) fn printed(&self, keys: &[&str]) -> Option<String> {
        let node = self.at(keys)?;
        Some(node.as_str().unwrap_or_else(|| node.raw().trim()).to_owned())
    }

    /// The texts of a list.
    pub(super) fn texts(&self, keys: &[&str]) -> Option<Vec<String>> {
        Some(self.at(keys)?.items().filter_map(|item| item.as_str().map(str::to_owned)).collect())
    }
}
