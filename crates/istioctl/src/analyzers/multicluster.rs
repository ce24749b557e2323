//! Networks of a mesh over several clusters. Source: `pkg/config/analysis/analyzers/multicluster/meshnetworks.go`.
//!
//! What it says is about the mesh's networks, which are no object of the input: it is said of the `ConfigMap` that states them.

use super::Context;
use crate::codes::UNKNOWN_MESH_NETWORKS_SERVICE_REGISTRY;
use crate::message::{Place, Reporter};
use crate::store::{ISTIO_SYSTEM, Kind, Name};

use ringwall_model::path::FieldPath;

/// Registries that Istio always knows.
const REGISTRIES: [&str; 3] = ["Mock", "Kubernetes", "External"];

pub(super) fn run(context: &Context<'_, '_>, reporter: &mut Reporter) {
    let Some(map) = context.store.find(Kind::ConfigMap, Name { namespace: ISTIO_SYSTEM, name: "istio" })
    else {
        return;
    };
    let secrets = context.store.all(Kind::Secret).iter();
    let clusters = secrets.filter(|secret| secret.label("istio/multiCluster") == "true");
    let clusters: Vec<&str> = clusters.flat_map(|secret| secret.root.keys("data")).collect();
    for (network, registries) in &context.mesh.networks {
        for registry in registries {
            if !REGISTRIES.contains(&registry.as_str()) && !clusters.contains(&registry.as_str()) {
                let place = Place::Unnamed(FieldPath::keys(&["data", "meshNetworks"]));
                reporter.report(UNKNOWN_MESH_NETWORKS_SERVICE_REGISTRY, map, &[registry, network], place);
            }
        }
    }
}
