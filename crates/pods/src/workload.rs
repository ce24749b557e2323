//! The pod template of an object, decoded as the API server decodes it.

use std::fmt;

use ringwall_model::decode::{Decode, fill};
use ringwall_model::object::Object;
use ringwall_model::schema::{self, SchemaError};
use ringwall_model::tree::Node;
use ringwall_model::workload::WorkloadKind;

use crate::model::PodTemplate;

/// Why an object has no pod template that can be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// Not of a kind that makes pods.
    NotAWorkload,
    /// The API server knows the kind, but not in this version.
    UnknownVersion,
    /// The API server cannot decode it: these values have the wrong types.
    Undecodable(Vec<SchemaError>),
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAWorkload => f.write_str("the object does not make pods"),
            Self::UnknownVersion => f.write_str("the API server does not serve this version of the kind"),
            Self::Undecodable(errors) => match errors.first() {
                Some(error) => error.fmt(f),
                None => f.write_str("the object cannot be decoded"),
            },
        }
    }
}

impl std::error::Error for TemplateError {}

/// The pod template of an object that makes pods; `None` for one that leaves it out (a
/// `ReplicationController` without template).
///
/// # Errors
/// [`TemplateError`] where the API server would not come as far as judging it.
pub fn template_of(object: &Object) -> Result<Option<PodTemplate<'_>>, TemplateError> {
    decode(object.root(), &object.id.group, &object.version, &object.id.kind)
}

/// The pod template in a node of the given group, version and kind. See [`template_of`].
///
/// # Errors
/// As [`template_of`].
pub fn decode<'t>(
    root: Node<'t>,
    group: &str,
    version: &str,
    kind: &str,
) -> Result<Option<PodTemplate<'t>>, TemplateError> {
    let row = WorkloadKind::of(group, kind).ok_or(TemplateError::NotAWorkload)?;
    let schema = schema::of(group, version, kind).ok_or(TemplateError::UnknownVersion)?;
    if !schema.accepts(root) {
        return Err(TemplateError::Undecodable(schema.check(root)));
    }
    Ok(decode_checked(root, row))
}

/// The pod template of a node whose types are checked already.
pub(crate) fn decode_checked<'t>(root: Node<'t>, row: &WorkloadKind) -> Option<PodTemplate<'t>> {
    if row.kind == "ReplicationController" {
        // The one template that is a pointer in Go: absent is not empty.
        let mut template = None;
        descend(row.template, root, &mut |node| Decode::decode(&mut template, node));
        return template;
    }
    let mut template = PodTemplate::default();
    descend(row.template, root, &mut |node| fill(&mut template, node));
    Some(template)
}

/// Follows the path to the template through every repetition of its keys, as Go's decoder does.
pub(crate) fn descend<'t>(path: &[&str], node: Node<'t>, found: &mut dyn FnMut(Node<'t>)) {
    match path.split_first() {
        None => found(node),
        Some((first, rest)) => {
            for entry in node.entries().filter(|entry| entry.key == *first) {
                descend(rest, entry.value, found);
            }
        }
    }
}
