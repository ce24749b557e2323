//! What the checks look at.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use ringwall_model::snapshot::Snapshot;
use ringwall_model::workload::CustomKind;

use crate::authorization::policy::AuthorizationPolicy;
use crate::authorization::select;
use crate::config::MeshConfig;
use crate::enrolment::Mode;
use crate::matrix::Matrix;
use crate::mesh::{Mesh, Settings};
use crate::request_authentication::RequestAuthentication;
use crate::workloads::{Origin, Workload};

/// A snapshot with what its mesh makes of it.
#[derive(Debug)]
pub struct Subject<'s> {
    pub(super) snapshot: &'s Snapshot,
    pub(super) mesh: Mesh,
    pub(super) policies: Vec<AuthorizationPolicy>,
    pub(super) tokens: Vec<RequestAuthentication>,
    /// Whether the input shows a mesh with another root namespace.
    pub(super) has_other_root: bool,
    /// The labels of each workload.
    labels: Vec<BTreeMap<String, String>>,
    matrix: OnceCell<Matrix>,
}

impl<'s> Subject<'s> {
    /// Reads a snapshot. What is of a wrong type is as if it were not there.
    pub fn new(snapshot: &'s Snapshot, custom: &[CustomKind]) -> Self {
        let mesh = Mesh::of(snapshot, MeshConfig::default(), &Settings { custom, ..Settings::default() });
        let (mut policies, mut tokens, mut refusals) = (Vec::new(), Vec::new(), Vec::new());
        for (index, object) in snapshot.objects() {
            if AuthorizationPolicy::is(object) {
                policies.push(AuthorizationPolicy::read(object, index, &mut refusals));
            } else if RequestAuthentication::is(object) {
                tokens.push(RequestAuthentication::read(object, index, &mut refusals));
            }
        }
        let labels = mesh.workloads.all.iter().map(|workload| {
            workload.labels.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
        });
        let labels = labels.collect();
        let states_root = |text: &str| text.contains("rootNamespace");
        let has_other_root = snapshot.of_kind("", "ConfigMap").any(|map| {
            map.id.name.starts_with("istio") && map.root().str_at(&["data", "mesh"]).is_some_and(states_root)
        });
        Self { snapshot, mesh, policies, tokens, has_other_root, labels, matrix: OnceCell::new() }
    }

    /// Who sends what to whom; made when it is asked for.
    pub(super) fn matrix(&self) -> &Matrix {
        self.matrix.get_or_init(|| Matrix::of(&self.mesh))
    }

    /// The pods and templates that are not over, by their place in [`crate::workloads::Workloads::all`].
    pub(super) fn pods(&self) -> impl Iterator<Item = (usize, &Workload)> {
        let is_pod = |(_, one): &(usize, &Workload)| one.origin != Origin::Entry && one.is_alive();
        self.mesh.workloads.all.iter().enumerate().filter(is_pod)
    }

    /// What carries the traffic of a workload.
    pub(super) fn mode(&self, workload: usize) -> Mode {
        self.mesh.servers[workload].enrolment.mode()
    }

    /// A workload as policies of who is let in see it.
    pub(super) fn selected(&self, workload: usize) -> select::Workload<'_> {
        let one = &self.mesh.workloads.all[workload];
        let is_waypoint = one.label("gateway.istio.io/managed") == Some("istio.io-mesh-controller");
        select::Workload {
            namespace: &one.namespace,
            labels: &self.labels[workload],
            is_waypoint,
            service: None,
        }
    }

    /// `Kind namespace/name`.
    pub(super) fn who(&self, workload: usize) -> String {
        let one = &self.mesh.workloads.all[workload];
        format!("{} {}/{}", one.kind, one.namespace, one.name)
    }
}
