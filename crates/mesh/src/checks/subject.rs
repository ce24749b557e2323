//! What the checks look at.

use ringwall_model::snapshot::Snapshot;
use ringwall_model::workload::CustomKind;

use crate::config::MeshConfig;
use crate::mesh::{Mesh, Settings};
use crate::workloads::{Origin, Workload};

/// A snapshot with what its mesh makes of it.
#[derive(Debug)]
pub struct Subject {
    pub(super) mesh: Mesh,
    /// Whether the input shows a mesh with another root namespace.
    pub(super) has_other_root: bool,
}

impl Subject {
    /// Reads a snapshot. What is of a wrong type is as if it were not there.
    pub fn new(snapshot: &Snapshot, custom: &[CustomKind]) -> Self {
        let mesh = Mesh::of(snapshot, MeshConfig::default(), &Settings { custom, ..Settings::default() });
        let states_root = |text: &str| text.contains("rootNamespace");
        let has_other_root = snapshot.of_kind("", "ConfigMap").any(|map| {
            map.id.name.starts_with("istio") && map.root().str_at(&["data", "mesh"]).is_some_and(states_root)
        });
        Self { mesh, has_other_root }
    }

    /// The pods and templates that are not over, by their place in [`crate::workloads::Workloads::all`].
    pub(super) fn pods(&self) -> impl Iterator<Item = (usize, &Workload)> {
        let is_pod = |(_, one): &(usize, &Workload)| one.origin != Origin::Entry && one.is_alive();
        self.mesh.workloads.all.iter().enumerate().filter(is_pod)
    }

    /// `Kind namespace/name`.
    pub(super) fn who(&self, workload: usize) -> String {
        let one = &self.mesh.workloads.all[workload];
        format!("{} {}/{}", one.kind, one.namespace, one.name)
    }
}
