//! Extensions that are named and not told by type. Source: istio.io/istio `pkg/config/validation/envoyfilter/envoyfilter.go`
//! (`recurseMissingTypedConfig`).

use ringwall_model::tree::{Kind as NodeKind, Node};

use super::read::DEEPEST;
use super::{Field, Kind, Many, Message, Pool, Special};

/// The names of extensions in a message of this name that have no typed configuration, though they could have one. Lists are not looked into.
pub(in crate::validate) fn untyped(node: Node<'_>, name: &str) -> Vec<String> {
    let pool = Pool::get();
    let mut names = Vec::new();
    if let Some(message) = pool.message(name).and_then(|at| pool.messages.get(at)) {
        walk(pool, node, message, DEEPEST, &mut names);
    }
    names
}

/// What is set as a field, unless a later one of its group excludes it.
fn set<'t>(node: Node<'t>, message: &Message, at: usize) -> Option<Node<'t>> {
    let find = |field: &Field| {
        let value = node.get(&field.json).or_else(|| node.get(field.proto));
        value.filter(|value| !value.is_null())
    };
    let (field, later) = message.fields.get(at..)?.split_first()?;
    let value = find(field)?;
    let is_over = field.group.is_some()
        && later.iter().any(|later| later.group == field.group && find(later).is_some());
    (!is_over).then_some(value)
}

fn walk(pool: &Pool, node: Node<'_>, message: &Message, depth: usize, names: &mut Vec<String>) {
    if depth == 0 || node.kind() != NodeKind::Mapping || message.special != Special::None {
        return;
    }
    let (mut requires, mut has, mut name) = (false, false, "");
    for (at, field) in message.fields.iter().enumerate() {
        let is_typed = field.json == "typedConfig";
        requires |= is_typed;
        let Some(value) = set(node, message, at) else { continue };
        has |= is_typed || field.json == "configDiscovery";
        if field.json == "name" {
            name = value.as_str().unwrap_or_default();
        }
        if let (Many::One, Kind::Message(at)) = (field.many, field.kind)
            && let Some(message) = pool.messages.get(at)
        {
            walk(pool, value, message, depth - 1, names);
        }
    }
    if requires && !has {
        names.push(name.to_owned());
    }
}
