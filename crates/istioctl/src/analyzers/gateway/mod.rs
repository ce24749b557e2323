//! Gateways at the edge of a mesh. Source: `pkg/config/analysis/analyzers/gateway`.

pub(super) mod conflicts;
pub(super) mod duplicates;
pub(super) mod ports;
pub(super) mod secrets;

use ringwall_model::path::FieldPath;

use crate::codes::REFERENCED_RESOURCE_NOT_FOUND;
use crate::message::{Place, Reporter};
use crate::reader::{Texts, selector_text};
use crate::store::Resource;

/// The first label of a Gateway's selector, at which messages about the selector point.
fn selector_place(selector: &Texts<'_>) -> Place {
    let path = FieldPath::keys(&["spec", "selector"]);
    match selector.keys().next() {
        Some(label) => Place::Named(path.key(label)),
        None => Place::Unnamed(path),
    }
}

/// Nobody is selected.
fn selects_nobody(gateway: &Resource<'_>, selector: &Texts<'_>, reporter: &mut Reporter) {
    let arguments = ["selector", &selector_text(selector)];
    reporter.report(REFERENCED_RESOURCE_NOT_FOUND, gateway, &arguments, selector_place(selector));
}

/// The number of a server's port; 0 where it has none.
fn port_of(server: crate::reader::Value<'_>) -> i64 {
    server.get("port").number("number").unwrap_or(0)
}
