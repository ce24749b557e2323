//! A cluster as np-guard sees it.

use std::collections::{BTreeSet, HashSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use ringwall_model::address::{Block, Family};
use ringwall_model::object::Object;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::Node;

use super::Party;
use crate::cluster::{Cluster, NAME_LABEL, Pod};
use crate::policy::{Direction, Peer};

/// The pod that brings requests to Ingresses and Routes, and its namespace.
pub(super) const CONTROLLER: &str = "ingress-controller";
const CONTROLLER_NAMESPACE: &str = "ingress-controller-ns";

/// A workload, and the pod that stands for it.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) party: Arc<Party>,
    /// Its index in the cluster of the view.
    pub(super) pod: usize,
}

/// The cluster, changed to what np-guard knows of it.
#[derive(Debug)]
pub(super) struct View {
    pub(super) cluster: Cluster,
    /// Workloads, by what they read like.
    pub(super) peers: Vec<Subject>,
    /// The pod of the ingress controller, by index.
    pub(super) controller: usize,
    /// The ranges of addresses that rules for what is received tell apart.
    pub(super) sources: Vec<(Ipv4Addr, Ipv4Addr)>,
    /// The same for what is sent.
    pub(super) destinations: Vec<(Ipv4Addr, Ipv4Addr)>,
}

impl View {
    pub(super) fn of(snapshot: &Snapshot, cluster: &Cluster) -> Self {
        let mut view = Cluster {
            pods: Vec::new(),
            workloads: Vec::new(),
            nodes: Vec::new(),
            foreign: Vec::new(),
            pod_ranges: Block::parse("0.0.0.0/0").into_iter().collect(),
            ranges_stated: false,
            ..cluster.clone()
        };
        let mut seen_before: HashSet<Arc<Party>> = HashSet::new();
        let mut peers = Vec::new();
        for pod in cluster.pods.iter().filter(|pod| is_known(&snapshot.all()[pod.object])) {
            let party = Arc::new(party_of(snapshot, cluster, pod));
            if seen_before.insert(Arc::clone(&party)) {
                peers.push(Subject { party, pod: view.pods.len() });
                view.pods.push(seen(pod, view.pods.len()));
            }
        }
        let controller = view.pods.len();
        view.pods.push(Pod { workload: controller, ..Pod::thought_of(CONTROLLER_NAMESPACE, CONTROLLER) });
        let labels = view.namespaces.entry(CONTROLLER_NAMESPACE.to_owned()).or_default();
        labels.set(NAME_LABEL, CONTROLLER_NAMESPACE);
        peers.sort_by_cached_key(|peer| peer.party.to_string());
        let sources = ranges(&view, Direction::Ingress);
        let destinations = ranges(&view, Direction::Egress);
        Self { cluster: view, peers, controller, sources, destinations }
    }
}

/// Whether np-guard knows pods of the kind.
fn is_known(object: &Object) -> bool {
    matches!(
        (object.id.group.as_str(), object.id.kind.as_str()),
        ("", "Pod" | "ReplicationController")
            | ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet")
            | ("batch", "Job" | "CronJob")
    )
}

/// The pod without what np-guard does not look at; of several ports with one name, the first has it.
fn seen(pod: &Pod, workload: usize) -> Pod {
    let mut pod = Pod {
        workload,
        addresses: Vec::new(),
        host_network: false,
        node: None,
        finished: false,
        ..pod.clone()
    };
    let mut names = HashSet::new();
    for port in &mut pod.ports {
        if !names.insert(port.name.clone()) {
            port.name.clear();
        }
    }
    pod
}

/// The workload that a pod is counted to: what the pod says that controls it, or what makes it.
fn party_of(snapshot: &Snapshot, cluster: &Cluster, pod: &Pod) -> Party {
    let object: &Object = &snapshot.all()[pod.object];
    let references = object.root().at(&["metadata", "ownerReferences"]);
    // A controller without a kind makes pods all the same.
    let stated = references
        .into_iter()
        .flat_map(Node::items)
        .find(|reference| reference.get("controller").and_then(Node::as_bool) == Some(true))
        .filter(|_| object.is("", "Pod"))
        .map(|reference| ["kind", "name"].map(|key| reference.str_at(&[key]).unwrap_or_default()))
        .filter(|[kind, name]| *kind != "Node" && !name.is_empty())
        .map(|[kind, name]| (if kind.is_empty() { "Pod" } else { kind }, name));
    let (kind, name) = match stated {
        Some(stated) => stated,
        None => {
            let workload = &cluster.workloads[pod.workload];
            (workload.kind.as_str(), workload.name.as_str())
        }
    };
    Party::Workload { namespace: pod.namespace.clone(), name: name.to_owned(), kind: kind.to_owned() }
}

/// The addresses, cut wherever a block of a policy for the direction begins or ends.
fn ranges(cluster: &Cluster, direction: Direction) -> Vec<(Ipv4Addr, Ipv4Addr)> {
    let mut starts = BTreeSet::from([0]);
    let rules = cluster.policies.iter().filter_map(|policy| policy.rules(direction)).flatten();
    for peer in rules.flat_map(|rule| rule.peers.iter().flatten()) {
        let Peer::Addresses { blocks, except } = peer else { continue };
        for block in blocks.iter().filter(|block| block.first.family == Family::V4) {
            for (first, last) in without(*block, except) {
                starts.extend([first, last + 1]);
            }
        }
    }
    starts.retain(|start| *start <= u128::from(u32::MAX));
    let ends = starts.iter().skip(1).map(|next| next - 1).chain([u128::from(u32::MAX)]);
    let address = |bits: u128| u32::try_from(bits).map_or(Ipv4Addr::BROADCAST, Ipv4Addr::from);
    starts.iter().zip(ends).map(|(first, last)| (address(*first), address(last))).collect()
}

/// The addresses of a block but those of others, as the longest ranges.
fn without(block: Block, except: &[Block]) -> Vec<(u128, u128)> {
    let mut holes: Vec<(u128, u128)> = except
        .iter()
        .filter(|inner| block.covers(**inner))
        .map(|inner| (inner.first.bits, inner.last().bits))
        .collect();
    holes.sort_unstable();
    let mut ranges = Vec::with_capacity(holes.len() + 1);
    let mut next = block.first.bits;
    for (first, last) in holes {
        if next < first {
            ranges.push((next, first - 1));
        }
        next = next.max(last + 1);
    }
    if next <= block.last().bits {
        ranges.push((next, block.last().bits));
    }
    ranges
}
