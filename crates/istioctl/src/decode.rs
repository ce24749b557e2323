//! Whether an object can be read at all: what cannot is left out, as the reference leaves it out.

use ringwall_mesh::validate;
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::schema;
use ringwall_model::tree::Kind;

/// The first field that cannot be read, and why.
pub(crate) fn flaw(object: &Object) -> Option<(FieldPath, String)> {
    if let Some(schema) = schema::of(&object.id.group, &object.version, &object.id.kind) {
        let error = schema.check(object.root()).into_iter().next()?;
        return Some((error.path, error.message));
    }
    match validate::unreadable(object) {
        Some(complaint) => Some((complaint.path, complaint.message)),
        None => metadata_flaw(object),
    }
}

/// Labels and annotations are texts.
fn metadata_flaw(object: &Object) -> Option<(FieldPath, String)> {
    for key in ["labels", "annotations"] {
        let Some(map) = object.root().at(&["metadata", key]).filter(|map| !map.is_null()) else { continue };
        let path = FieldPath::keys(&["metadata", key]);
        if map.kind() != Kind::Mapping {
            return Some((path, format!("expected a mapping, got {}", map.kind().described())));
        }
        if let Some(entry) = map.entries().find(|entry| !entry.value.is_null() && entry.value.as_str().is_none()) {
            return Some((path.key(entry.key), format!("expected a string, got {}", entry.value.kind().described())));
        }
    }
    None
}
