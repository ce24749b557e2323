//! The least changes after which nothing breaks that did not before.
//!
//! They are found by making them: each is put into the mesh, and the matrix is asked again, until no change helps more. Changes to rules
//! and annotations are named and not made.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{BrokenOutside, Callers, NEW, Remedy, Unsolved, broken_outside, thought_of};
use crate::enrolment::{INJECT, Mode, Reason, expected};
use crate::matrix::{Flow, Matrix, Row};
use crate::mesh::Mesh;
use crate::peer::{self, PeerAuthentication};
use crate::place::{Pairs, is_subset};
use crate::sends::{Outcome, Why};
use crate::workloads::{Namespace, Origin, Workload};

/// How often changes are made and the matrix asked anew. A change can only need others where a client that gets a sidecar is a server too.
const ROUNDS: usize = 8;

/// The changes, in order, and what is refused still after those that can be made and would be after the others. `peers` are the policies as they
/// turn.
pub(super) fn find(
    mesh: &Mesh,
    before: &Matrix,
    peers: &[PeerAuthentication],
    callers: &Callers,
) -> (Vec<Remedy>, Vec<Unsolved>) {
    // What was refused before is nobody's fault now.
    let known: HashSet<Unsolved> = refused(before).map(|(what, _)| what).collect();
    let places = mesh.peers.all.iter().enumerate().map(|(place, policy)| (policy.object, place));
    let mut changes = Changes { places: places.collect(), ..Changes::default() };
    let calls = |what: &Unsolved| what.client.is_none_or(|client| !callers.without.contains(&client));
    let is_new = |(what, _): &(Unsolved, &Flow)| !known.contains(what) && calls(what);
    let mut round = 0;
    loop {
        let count = changes.remedies.len();
        let now = made(mesh, peers, &changes.remedies);
        let matrix = Matrix::of(&now);
        if round < ROUNDS {
            round += 1;
            for (what, flow) in refused(&matrix).filter(is_new) {
                changes.help(&now, what, flow);
            }
            for BrokenOutside { call, server, target } in broken_outside(mesh, &now, callers) {
                changes.except(&now, callers.outside[call].0, server, target);
            }
            changes.even_out(&now);
        }
        if changes.remedies.len() == count {
            // What can be changed was. What is named only may help still.
            let is_lost = |(what, flow): &(Unsolved, &Flow)| {
                named_only(flow, what.service).is_none_or(|remedy| !changes.remedies.contains(&remedy))
            };
            let lost = refused(&matrix).filter(is_new).filter(is_lost);
            let outside = broken_outside(mesh, &now, callers).into_iter().map(|broken| {
                let (service, port) = callers.outside[broken.call];
                Unsolved { client: None, service, port, server: broken.server }
            });
            let lost: BTreeSet<Unsolved> = lost.map(|(what, _)| what).chain(outside).collect();
            return (changes.remedies.into_iter().collect(), lost.into_iter().collect());
        }
    }
}

/// What is refused, one by one.
fn refused(matrix: &Matrix) -> impl Iterator<Item = (Unsolved, &Flow)> {
    let refused = matrix.rows().filter(|row| row.flow.outcome == Outcome::Refused);
    refused.map(|row| {
        let Row { client, service, flow, .. } = row;
        (Unsolved { client: Some(client), service, port: flow.port, server: flow.server }, flow)
    })
}

/// The changes so far.
#[derive(Debug, Default)]
struct Changes {
    remedies: BTreeSet<Remedy>,
    /// The place of each policy in the mesh as it is, by its object.
    places: HashMap<usize, usize>,
    /// What new policies select, by their namespaces.
    new: BTreeMap<String, BTreeSet<Pairs>>,
    /// The ports of servers that exceptions are made for.
    open: BTreeSet<(usize, u16)>,
}

impl Changes {
    /// Adds what keeps one answer from being refused, if anything does. `now` is the mesh with the changes of the rounds before.
    fn help(&mut self, now: &Mesh, what: Unsolved, flow: &Flow) {
        let of_proxy = || of_proxy(now, what.client?, flow);
        match named_only(flow, what.service).or_else(of_proxy) {
            Some(remedy) => drop(self.remedies.insert(remedy)),
            None => self.except(now, what.service, flow.server, flow.target),
        }
    }

    /// Adds an exception for the port that refuses: in the policy that counts for the workload, or else in a new one. In the root
    /// namespace policies with selectors are for nobody.
    fn except(&mut self, now: &Mesh, service: usize, server: usize, port: u16) {
        let workload = &now.workloads.all[server];
        let is_for = |selector: &&Pairs| is_subset(selector, &workload.labels);
        if workload.namespace == now.peers.root() || self.open.contains(&(server, port)) {
            return;
        }
        let counts = now.servers[server].folded.workload.and_then(|policy| now.peers.all.get(policy));
        let known = counts.and_then(|policy| self.places.get(&policy.object).map(|place| (*place, policy)));
        let (policy, selector) = if let Some((place, policy)) = known {
            (Some(place), policy.selector.clone())
        } else {
            // One that selects nothing would be for all of the namespace.
            let own = now.services[service].selector.as_ref().filter(|own| !own.is_empty());
            let new = self.new.entry(workload.namespace.clone()).or_default();
            let Some(selector) = new.iter().find(is_for).or(own.filter(is_for)).cloned() else { return };
            new.insert(selector.clone());
            (None, selector)
        };
        self.open.insert((server, port));
        self.remedies.insert(Remedy::Exception {
            policy,
            namespace: workload.namespace.clone(),
            selector,
            port,
        });
    }

    /// Lets each new policy have all ports of the workloads that it selects, so that it does not matter which of several counts.
    fn even_out(&mut self, now: &Mesh) {
        for (server, port) in &self.open {
            let workload = &now.workloads.all[*server];
            let namespace = &workload.namespace;
            let counts = now.servers[*server].folded.workload.and_then(|policy| now.peers.all.get(policy));
            if counts.is_some_and(|policy| policy.object != NEW) {
                continue;
            }
            for selector in self.new.get(namespace).into_iter().flatten() {
                if is_subset(selector, &workload.labels) {
                    self.remedies.insert(Remedy::Exception {
                        policy: None,
                        namespace: namespace.clone(),
                        selector: selector.clone(),
                        port: *port,
                    });
                }
            }
        }
    }
}

/// The mesh with the changes made that can be.
fn made(mesh: &Mesh, peers: &[PeerAuthentication], remedies: &BTreeSet<Remedy>) -> Mesh {
    let mut peers = peers.to_vec();
    let mut injected = BTreeSet::new();
    for remedy in remedies {
        match remedy {
            Remedy::Inject(workload) | Remedy::TlsModeLabel(workload) => drop(injected.insert(*workload)),
            Remedy::Exception { policy, namespace, selector, port } => {
                let is_it = |peer: &&mut PeerAuthentication| {
                    peer.object == NEW && peer.namespace == *namespace && peer.selector == *selector
                };
                let found = match policy {
                    Some(policy) => peers.get_mut(*policy),
                    None => peers.iter_mut().find(is_it),
                };
                if let Some(policy) = found {
                    policy.ports.insert(*port, peer::Mode::Permissive);
                } else {
                    let mut policy = thought_of(namespace, selector.clone(), peer::Mode::Unset);
                    policy.ports.insert(*port, peer::Mode::Permissive);
                    peers.push(policy);
                }
            }
            Remedy::Rule(_) | Remedy::Annotation(_) | Remedy::Export(_) | Remedy::AutoMtls => {}
        }
    }
    mesh.with_sidecars(&injected).with_peers(peers)
}

/// The change that keeps one answer from being refused, where it is one that is only named.
fn named_only(flow: &Flow, service: usize) -> Option<Remedy> {
    match &flow.why {
        Why::Rule(place) | Why::Secret(place) | Why::NoCertificate(place) => {
            Some(Remedy::Rule(place.clone()))
        }
        Why::Excluded(place) => Some(Remedy::Annotation(place.clone())),
        Why::Unseen => Some(Remedy::Export(service)),
        Why::AutoOff => Some(Remedy::AutoMtls),
        _ => None,
    }
}

/// The change of a proxy that does.
fn of_proxy(now: &Mesh, client: usize, flow: &Flow) -> Option<Remedy> {
    match &flow.why {
        Why::NoProxy | Why::ServerTakesNone if is_injectable(now, client) => Some(Remedy::Inject(client)),
        Why::Legacy(legacy) if is_injectable(now, *legacy) => Some(Remedy::Inject(*legacy)),
        Why::ServerTakesNone
            if [client, flow.server]
                .iter()
                .all(|one| now.servers[*one].enrolment.mode() == Mode::Sidecar)
                && !now.servers[flow.server].takes_mutual =>
        {
            Some(Remedy::TlsModeLabel(flow.server))
        }
        _ => None,
    }
}

/// Whether a workload can have a sidecar at all, and has none.
fn is_injectable(now: &Mesh, index: usize) -> bool {
    let workload = &now.workloads.all[index];
    if now.servers[index].enrolment.mode() != Mode::None || workload.origin == Origin::Entry {
        return false;
    }
    // It is asked as if its namespace and it were labelled for it.
    let mut labelled: Workload = workload.clone();
    labelled.labels = vec![(INJECT.into(), "true".into())];
    let free = Namespace::default();
    expected(&labelled, &free, &now.injector).reason == Reason::PodLabel && !workload.host_network
}
