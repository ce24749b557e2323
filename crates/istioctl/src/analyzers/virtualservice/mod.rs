//! Routes of the mesh. Source: `pkg/config/analysis/analyzers/virtualservice`.

pub(super) mod claims;
pub(super) mod conflicts;
pub(super) mod destinations;
pub(super) mod gateways;
pub(super) mod rules;

use ringwall_model::path::FieldPath;

use crate::reader::Value;

/// The gateway that stands for all sidecars.
const MESH: &str = "mesh";

/// Where traffic goes, and where that is written.
struct Destination<'s> {
    value: Value<'s>,
    /// The path of it, as far as its host.
    path: FieldPath,
    /// Whether it only gets a copy.
    is_mirror: bool,
}

/// The destinations of routes, then those of mirrors.
fn destinations(spec: Value<'_>) -> Vec<Destination<'_>> {
    let mut all = Vec::new();
    for protocol in ["tcp", "tls", "http"] {
        for (at, rule) in spec.items(protocol).enumerate() {
            for (route_at, route) in rule.items("route").enumerate() {
                let path = FieldPath::keys(&["spec", protocol]).index(at).key("route").index(route_at);
                let path = path.key("destination").key("host");
                all.push(Destination { value: route.get("destination"), path, is_mirror: false });
            }
        }
    }
    for (at, rule) in spec.items("http").enumerate() {
        let path = FieldPath::keys(&["spec", "http"]).index(at);
        let mirror = rule.get("mirror");
        if mirror.is_set() {
            let path = path.clone().key("mirror").key("host");
            all.push(Destination { value: mirror, path, is_mirror: true });
        }
        for (mirror_at, mirror) in rule.items("mirrors").enumerate() {
            // The reference looks for the line of a field that mirrors do not have.
            let path = path.clone().key("mirrors").index(mirror_at).key("destination").key("host");
            all.push(Destination { value: mirror.get("destination"), path, is_mirror: true });
        }
    }
    all
}

impl Destination<'_> {
    /// Where a message about it points.
    fn place(&self) -> crate::message::Place {
        let is_in_list =
            self.path.segments().iter().any(|step| *step == ringwall_model::path::Segment::key("mirrors"));
        if is_in_list {
            crate::message::Place::Unnamed(self.path.clone())
        } else {
            crate::message::Place::Named(self.path.clone())
        }
    }
}
