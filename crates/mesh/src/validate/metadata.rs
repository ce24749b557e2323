//! Labels and annotations. Source: istio.io/istio `pkg/config/validation/validation.go` (`validateMetadata`).

use ringwall_model::path::FieldPath;
use ringwall_model::tree::{Kind as NodeKind, Node};

use super::kinds::Kind;
use super::words::quoted;
use super::{Complaint, Config};
use crate::authorization::policy::{DRY_RUN, parse_bool};

/// An annotation that refuses an object. Source: `pkg/config/constants/constants.go`.
const REJECT: &str = "internal.istio.io/webhook-always-reject";

/// Annotations that istiod makes itself.
const INTERNAL: [&str; 2] = ["internal.istio.io/parent-namespace", "internal.istio.io/parents"];

/// Labels and annotations are texts, or the object cannot be read at all. Source: Go's `encoding/json`.
pub(super) fn unreadable(root: Node<'_>) -> Option<Complaint> {
    let word = |node: Node<'_>| match node.kind() {
        NodeKind::Bool => "bool",
        NodeKind::Integer | NodeKind::Unsigned | NodeKind::Float => "number",
        NodeKind::Sequence => "array",
        NodeKind::Mapping => "object",
        NodeKind::String | NodeKind::Null => "string",
    };
    // Of several, the one that is written first.
    let written =
        root.get("metadata")?.entries().filter(|entry| matches!(entry.key, "labels" | "annotations"));
    for entry in written.filter(|entry| !entry.value.is_null()) {
        let key = entry.key;
        let path = FieldPath::keys(&["metadata", key]);
        let wrong = |path: FieldPath, got: &str, wanted: &str| {
            let field =
                format!("json: cannot unmarshal {got} into Go struct field ObjectMeta.metadata.{key}");
            Some(Complaint::new(path, format!("{field} of type {wanted}")))
        };
        if entry.value.kind() != NodeKind::Mapping {
            return wrong(path, word(entry.value), "map[string]string");
        }
        let mut entries = entry.value.entries();
        if let Some(inner) = entries.find(|inner| !inner.value.is_null() && inner.value.as_str().is_none()) {
            return wrong(path.key(inner.key), word(inner.value), "string");
        }
    }
    None
}

/// Why an object is refused before its spec is looked at.
pub(super) fn refused(config: &Config<'_>, kind: &Kind) -> Option<Complaint> {
    let complaint = |key: &str, message: String| {
        Some(Complaint::new(FieldPath::keys(&["metadata", "annotations", key]), message))
    };
    let who = format!("{}/{}", config.namespace, config.name);
    if let Some(value) = config.annotation(DRY_RUN) {
        if kind.kind != "AuthorizationPolicy" {
            let message = format!("{who} has unsupported annotation {DRY_RUN}, please remove the annotation");
            return complaint(DRY_RUN, message);
        }
        if !matches!(config.spec.choice("action"), 0 | 1) {
            let action = config.spec.choice_name("action");
            let only = "currently only supports action ALLOW/DENY, found action";
            return complaint(DRY_RUN, format!("the annotation {DRY_RUN} {only} {action} in {who}"));
        }
        if parse_bool(value).is_none() {
            let error = format!("strconv.ParseBool: parsing {}: invalid syntax", quoted(value));
            let message = format!("{who} has annotation {DRY_RUN} with invalid value ({value}): {error}");
            return complaint(DRY_RUN, message);
        }
    }
    if config.annotation(REJECT).is_some() {
        return complaint(REJECT, format!("{} annotation found, rejecting", quoted(REJECT)));
    }
    let key = INTERNAL.into_iter().find(|key| config.annotation(key).is_some())?;
    complaint(key, format!("{} annotation found, this may not be set by users", quoted(key)))
}
