//! Patches of Envoy that hang on others. Source: `pkg/config/analysis/analyzers/envoyfilter/envoyfilter.go`.

use std::collections::BTreeSet;

use ringwall_model::path::FieldPath;
use ringwall_model::tree::{Kind as NodeKind, Node};

use super::Context;
use crate::codes::{
    Code, ENVOY_FILTER_USES_ADD_OPERATION_INCORRECTLY, ENVOY_FILTER_USES_RELATIVE_OPERATION,
    ENVOY_FILTER_USES_RELATIVE_OPERATION_WITH_PROXY_VERSION, ENVOY_FILTER_USES_REMOVE_OPERATION_INCORRECTLY,
    ENVOY_FILTER_USES_REPLACE_OPERATION_INCORRECTLY,
};
use crate::message::{Place, Reporter};
use crate::reader::Value;
use crate::store::Kind;

const APPLY_TO: [&str; 12] = [
    "INVALID",
    "LISTENER",
    "FILTER_CHAIN",
    "NETWORK_FILTER",
    "HTTP_FILTER",
    "ROUTE_CONFIGURATION",
    "VIRTUAL_HOST",
    "HTTP_ROUTE",
    "CLUSTER",
    "EXTENSION_CONFIG",
    "BOOTSTRAP",
    "LISTENER_FILTER",
];

const OPERATIONS: [&str; 9] = [
    "INVALID",
    "MERGE",
    "ADD",
    "REMOVE",
    "INSERT_BEFORE",
    "INSERT_AFTER",
    "INSERT_FIRST",
    "REPLACE",
    "MERGE_AND_REPLACE_LIST",
];

pub(super) fn run(context: &Context<'_, '_>, reporter: &mut Reporter) {
    // The names in patches, so far, that are for proxies of a version.
    let mut versioned: BTreeSet<String> = BTreeSet::new();
    for filter in context.store.all(Kind::EnvoyFilter) {
        let has_priority = filter.spec.number("priority").is_some_and(|priority| priority != 0);
        for (at, patch) in filter.spec.items("configPatches").enumerate() {
            let what = patch.get("patch");
            // Nothing behind a patch that is none is looked at.
            if !what.is_set() {
                break;
            }
            let name = name_of(patch);
            let code = match (what.choice("operation", &OPERATIONS), patch.choice("applyTo", &APPLY_TO)) {
                ("ADD", "ROUTE_CONFIGURATION" | "HTTP_ROUTE") => {
                    Some(ENVOY_FILTER_USES_ADD_OPERATION_INCORRECTLY)
                }
                ("REMOVE", "ROUTE_CONFIGURATION" | "HTTP_ROUTE") => {
                    Some(ENVOY_FILTER_USES_REMOVE_OPERATION_INCORRECTLY)
                }
                ("REMOVE" | "INSERT_BEFORE" | "INSERT_AFTER", _)
                | ("REPLACE", "NETWORK_FILTER" | "HTTP_FILTER" | "VIRTUAL_HOST") => {
                    relative(has_priority, versioned.contains(&name))
                }
                ("REPLACE", _) => Some(ENVOY_FILTER_USES_REPLACE_OPERATION_INCORRECTLY),
                _ => None,
            };
            if let Some(code) = code {
                let path = FieldPath::keys(&["spec", "configPatches"]).index(at).key("patch");
                reporter.report(code, filter, &[], Place::Unnamed(path.key("operation")));
            }
            if !patch.at(&["match", "proxy"]).text("proxyVersion").is_empty() {
                versioned.insert(name);
            }
        }
    }
}

/// What is said of an operation that needs what it is relative to.
fn relative(has_priority: bool, is_versioned: bool) -> Option<&'static Code> {
    match (has_priority, is_versioned) {
        (true, _) => None,
        (false, true) => Some(ENVOY_FILTER_USES_RELATIVE_OPERATION_WITH_PROXY_VERSION),
        (false, false) => Some(ENVOY_FILTER_USES_RELATIVE_OPERATION),
    }
}

/// The name of what is patched: the one that the patch gives it, else the one of the filter that is matched. Only equality counts, and a
/// name of one sort is none of the other.
fn name_of(patch: Value<'_>) -> String {
    let Some(value) = patch.at(&["patch", "value"]).node.filter(|node| node.kind() == NodeKind::Mapping)
    else {
        return String::new();
    };
    match value.get("name") {
        Some(name) => format!("value {}", printed(name)),
        None => patch.at(&["match", "listener", "filterChain", "filter"]).text("name").to_owned(),
    }
}

fn printed(node: Node<'_>) -> String {
    serde_json::to_string(&node).unwrap_or_default()
}
