//! Fields that a message does not have.

use ringwall_model::near::nearest;

use super::{Message, Type, Value};
use crate::validate::Complaint;

/// Names that the definition of the custom resource has beside those in JSON.
const ALSO: [&str; 2] = ["jwks_uri", "mirror_percent"];

/// Complains of all fields that a message does not have.
pub(in crate::validate) fn unknown(value: &Value<'_>, complaints: &mut Vec<Complaint>) {
    let children = || {
        let entries = value.node.entries();
        entries.map(|entry| (entry.key, entry.value, value.path.clone().key(entry.key)))
    };
    match value.kind {
        Type::Message(message) => {
            for (key, node, path) in children() {
                let is_it =
                    |field: &&super::Field| field.json == key || (ALSO.contains(&key) && field.proto == key);
                match message.fields.iter().find(is_it) {
                    Some(field) => unknown(&Value { node, path, kind: field.kind }, complaints),
                    None => complaints.push(Complaint::new(path, unknown_message(key, message))),
                }
            }
        }
        Type::List(of) => {
            for (index, node) in value.node.items().enumerate() {
                unknown(&Value { node, path: value.path.clone().index(index), kind: *of }, complaints);
            }
        }
        Type::Map(of) | Type::NumberMap(of) => {
            for (_, node, path) in children() {
                unknown(&Value { node, path, kind: *of }, complaints);
            }
        }
        _ => {}
    }
}

/// That a message has no such field, and which one may be meant.
fn unknown_message(key: &str, message: &Message) -> String {
    let is_same = |field: &&super::Field| field.json.eq_ignore_ascii_case(key) || field.proto == key;
    let same = message.fields.iter().find(is_same).map(|field| field.json);
    match same.or_else(|| nearest(key, message.fields.iter().map(|field| field.json))) {
        Some(name) => format!("unknown field \"{key}\"; \"{name}\" may be meant"),
        None => format!("unknown field \"{key}\""),
    }
}
