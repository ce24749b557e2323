//! What each workload takes in on each port, and which object decides it.

use ringwall_mesh::enrolment::Mode;
use ringwall_model::finding::Location;

use super::{Meshed, words};

/// What a workload takes in on one port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortRow {
    /// The port of the container; `None` for all that are not told apart.
    pub port: Option<u16>,
    /// `STRICT`, `PERMISSIVE`, `DISABLE`, or `NONE` where no proxy stands before it.
    pub accepts: &'static str,
    /// Why.
    pub why: String,
    /// Where that is written.
    pub location: Option<Location>,
}

/// A workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadRow {
    /// `Kind namespace/name`.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// What carries its traffic.
    pub mode: &'static str,
    /// Why.
    pub enrolled: &'static str,
    /// Where that is written.
    pub location: Option<Location>,
    /// Whether it runs with something else than it would get now, and must be restarted.
    pub is_stale: bool,
    /// Its ports.
    pub ports: Vec<PortRow>,
    /// Ports that its policy names and no container has.
    pub of_nobody: Vec<u16>,
}

/// A policy, and whom it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRow {
    /// `PeerAuthentication namespace/name`.
    pub name: String,
    /// Its mode, as it is written.
    pub mode: &'static str,
    /// `the mesh`, `namespace NAME`, or `NAMESPACE, where LABELS`.
    pub scope: String,
    /// Where it is written.
    pub location: Option<Location>,
    /// How many workloads it is for.
    pub workloads: usize,
    /// How many of them have no proxy, so that it does nothing for them.
    pub without_proxy: usize,
}

impl Meshed<'_> {
    /// All workloads, by namespace and name, each with its ports.
    pub fn mtls(&self, namespace: Option<&str>) -> Vec<WorkloadRow> {
        let mesh = &self.mesh;
        let all = mesh.workloads.all.iter().enumerate();
        let mut rows: Vec<WorkloadRow> = all
            .filter(|(_, workload)| {
                workload.is_alive() && namespace.is_none_or(|one| one == workload.namespace)
            })
            .map(|(index, workload)| {
                let server = &mesh.servers[index];
                let decision = server.enrolment.decision();
                let mut numbers: Vec<Option<u16>> = workload
                    .ports
                    .iter()
                    .filter(|port| &*port.protocol == "TCP")
                    .map(|port| Some(port.number))
                    .collect();
                numbers.extend(server.folded.ports.keys().copied().map(Some));
                numbers.sort_unstable();
                numbers.dedup();
                if numbers.is_empty() {
                    numbers.push(None);
                }
                WorkloadRow {
                    name: words::workload(workload),
                    namespace: workload.namespace.clone(),
                    mode: words::mode(decision.mode),
                    enrolled: words::enrolled(decision),
                    location: decision.place.as_ref().and_then(|place| self.location(place)),
                    is_stale: server.enrolment.is_stale(),
                    ports: numbers.into_iter().map(|port| self.port(index, port)).collect(),
                    of_nobody: server.folded.ports_of_nobody(workload),
                }
            })
            .collect();
        rows.sort_by(|left, right| (&left.namespace, &left.name).cmp(&(&right.namespace, &right.name)));
        rows
    }

    fn port(&self, workload: usize, port: Option<u16>) -> PortRow {
        let number = port.unwrap_or_default();
        let why = self.mesh.why_accepts(workload, number);
        let (words, place) = words::accepts(self, workload, &why);
        PortRow {
            port,
            accepts: self.mesh.accepts(workload, number).name(),
            why: words,
            location: place.and_then(|place| self.location(place)),
        }
    }

    /// All policies, and for how many workloads each is the one of its scope.
    pub fn policies(&self) -> Vec<PolicyRow> {
        let (mesh, peers) = (&self.mesh, &self.mesh.peers);
        let mut counts = vec![(0, 0); peers.all.len()];
        for (workload, server) in mesh.workloads.all.iter().zip(&mesh.servers) {
            if !workload.is_alive() {
                continue;
            }
            let folded = &server.folded;
            for policy in [folded.mesh, folded.namespace, folded.workload].into_iter().flatten() {
                let (all, without) = &mut counts[policy];
                *all += 1;
                *without += usize::from(server.enrolment.mode() == Mode::None);
            }
        }
        let rows = peers.all.iter().zip(counts).map(|(policy, (workloads, without_proxy))| {
            let labels: Vec<String> =
                policy.selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let scope = if !labels.is_empty() {
                format!("{}, where {}", policy.namespace, labels.join(","))
            } else if policy.namespace == peers.root() {
                "the mesh".to_owned()
            } else {
                format!("namespace {}", policy.namespace)
            };
            PolicyRow {
                name: words::policy(policy),
                mode: policy.mode.name(),
                scope,
                location: self.location(&policy.mode_place()),
                workloads,
                without_proxy,
            }
        });
        rows.collect()
    }
}
