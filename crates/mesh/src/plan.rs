//! What breaks if a namespace or the whole mesh takes mutual TLS alone, and the least changes that let it.
//!
//! The answer is the matrix before and after; nothing is guessed. The changes are found by making them: each is put into the mesh,
//! and the matrix is
//! asked again, until nothing breaks that did not before. Changes to rules and annotations are named and not made.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::enrolment::{Mode, Reason, expected};
use crate::matrix::{Flow, Matrix, Row};
use crate::mesh::{Accepts, Mesh};
use crate::peer::{self, PeerAuthentication};
use crate::place::{Pairs, Place};
use crate::sends::{Outcome, Why};
use crate::workloads::{Origin, Workload};

/// What turns STRICT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'s> {
    /// The policy of the mesh.
    Mesh,
    /// The policy of a namespace.
    Namespace(&'s str),
}

/// A change that keeps something from breaking.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remedy {
    /// Give this workload a sidecar.
    Inject(usize),
    /// Let a port take what comes, for the workloads that have these labels.
    Exception {
        /// The policy to say so in, by its place in [`peer::Peers::all`] of the mesh as it is; a new one where there is none
        /// for the workload.
        policy: Option<usize>,
        /// The namespace of the policy.
        namespace: String,
        /// The labels that it selects.
        selector: Pairs,
        /// The port of the container.
        port: u16,
    },
    /// Change what a `DestinationRule` says here.
    Rule(Place),
    /// Take the port out of an annotation here.
    Annotation(Place),
    /// Let this workload's label say that it takes mutual TLS.
    TlsModeLabel(usize),
    /// Let the clients' namespaces see the service, by its place in [`Mesh::services`].
    Export(usize),
    /// Switch `enableAutoMtls` on.
    AutoMtls,
}

/// One answer that gets worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its place in [`Matrix::services`].
    pub service: usize,
    /// Its place in [`crate::matrix::OfService::groups`].
    pub group: usize,
    /// Its place in [`crate::matrix::Group::flows`].
    pub flow: usize,
    /// What became of it before.
    pub before: Outcome,
}

/// What turning STRICT does.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The policy that turns, by its place in the mesh as it is; nothing where a new one is needed.
    pub policy: Option<usize>,
    /// The matrix after it, with nothing else changed.
    pub after: Matrix,
    /// What is refused then and was not before.
    pub broken: Vec<Broken>,
    /// What then depends on whether the mesh's authority signed the client's own certificate.
    pub depends: Vec<Broken>,
    /// Probes that break, because the workload's annotation keeps them from being rewritten: the workload, and the field.
    pub probes: Vec<(usize, Place)>,
    /// Workloads of the scope that nothing protects then: they have no proxy.
    pub unprotected: Vec<usize>,
    /// Workloads of the scope that another policy keeps from being STRICT on all ports, and where that says so.
    pub exempt: Vec<(usize, Place)>,
    /// The changes after which nothing breaks, in order; where all of them can be made.
    pub remedies: Vec<Remedy>,
    /// What none of these changes helps.
    pub unsolved: Vec<Unsolved>,
    /// Clients that are known not to call, by their place in [`crate::workloads::Workloads::all`].
    pub without: BTreeSet<usize>,
}

/// What no change helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Unsolved {
    /// The client, by its place in [`crate::workloads::Workloads::all`].
    pub client: usize,
    /// The service, by its place in [`Mesh::services`].
    pub service: usize,
    /// The port, by its place in [`crate::services::Service::ports`].
    pub port: usize,
    /// The server, as the client.
    pub server: usize,
}

/// The annotation by which a workload keeps its probes as they are.
const REWRITE: &str = "sidecar.istio.io/rewriteAppHTTPProbers";

/// How often changes are made and the matrix asked anew. A change can only need others where a client that gets a sidecar is a server too.
const ROUNDS: usize = 8;

impl Plan {
    /// What turning STRICT does to a mesh. Costs a matrix before and after it, and one for each round of changes.
    pub fn strict(mesh: &Mesh, scope: Scope<'_>) -> Self {
        Self::without(mesh, scope, BTreeSet::new())
    }

    /// The same where some clients are known not to call, by their place in [`crate::workloads::Workloads::all`].
    pub fn without(mesh: &Mesh, scope: Scope<'_>, without: BTreeSet<usize>) -> Self {
        let before = Matrix::of(mesh);
        let (peers, policy) = turned(mesh, scope);
        let strict = mesh.with_peers(peers.clone());
        let after = Matrix::of(&strict);
        let broken = worse(&before, &after, Outcome::Refused);
        let mut plan = Self {
            policy,
            depends: worse(&before, &after, Outcome::CertDependent),
            broken,
            after,
            probes: Vec::new(),
            unprotected: Vec::new(),
            exempt: Vec::new(),
            remedies: Vec::new(),
            unsolved: Vec::new(),
            without,
        };
        plan.survey(&strict, scope);
        plan.remedy(mesh, &before, &peers);
        plan
    }

    /// The answers that break, one by one.
    pub fn rows<'p>(&'p self, broken: &'p [Broken]) -> impl Iterator<Item = Row<'p>> {
        broken.iter().flat_map(|broken| {
            let of = &self.after.services[broken.service];
            let group = &of.groups[broken.group];
            let flow = &group.flows[broken.flow];
            let members = group.clients.iter().flat_map(|class| &self.after.clients[*class].members);
            let members = members.filter(|client| !self.without.contains(client));
            members.map(move |client| Row { client: *client, service: of.service, rule: group.rule, flow })
        })
    }

    /// Workloads of the scope, and how far they become STRICT.
    fn survey(&mut self, strict: &Mesh, scope: Scope<'_>) {
        for (index, workload) in strict.workloads.all.iter().enumerate() {
            let is_meant = match scope {
                Scope::Mesh => true,
                Scope::Namespace(namespace) => workload.namespace == namespace,
            };
            if !is_meant || !workload.is_alive() || workload.origin == Origin::Entry {
                continue;
            }
            let server = &strict.servers[index];
            match server.enrolment.mode() {
                Mode::None => self.unprotected.push(index),
                Mode::Gateway => {}
                Mode::Sidecar | Mode::Ambient => {
                    let is_open = |mode: peer::Mode| mode != peer::Mode::Strict;
                    let of_port = server.folded.ports.iter().find(|(_, (mode, _))| is_open(*mode));
                    let port = of_port.map_or(0, |(port, _)| *port);
                    if is_open(server.folded.mode) || of_port.is_some() {
                        let place = server.folded.place(&strict.peers, port);
                        self.exempt.extend(place.map(|place| (index, place)));
                    }
                }
            }
            if server.enrolment.mode() == Mode::Sidecar && workload.annotation(REWRITE) == Some("false") {
                let refused = |port| strict.accepts(index, port) == Accepts::Strict;
                let probes = workload.probes.iter().filter(|probe| refused(probe.port));
                let place = |path| (index, Place { object: workload.object, path });
                self.probes.extend(probes.map(|probe| place(probe.path.clone())));
            }
        }
    }

    /// Finds the changes after which nothing breaks.
    fn remedy(&mut self, mesh: &Mesh, before: &Matrix, peers: &[PeerAuthentication]) {
        // What was refused before is nobody's fault now.
        let refused: HashSet<Unsolved> = refused(before).map(|(what, _)| what).collect();
        let (mut remedies, mut unsolved) = (BTreeSet::new(), BTreeSet::new());
        for _ in 0..ROUNDS {
            let known = remedies.len();
            let now = made(mesh, peers, &remedies);
            let matrix = Matrix::of(&now);
            let counts = |(what, _): &(Unsolved, &Flow)| !self.without.contains(&what.client);
            for (what, flow) in refused_now(&matrix, &refused).filter(counts) {
                match remedy_of(mesh, &now, what, flow) {
                    Some(remedy) => drop(remedies.insert(remedy)),
                    None => drop(unsolved.insert(what)),
                }
            }
            if remedies.len() == known {
                break;
            }
        }
        self.remedies = remedies.into_iter().collect();
        self.unsolved = unsolved.into_iter().collect();
    }
}

/// What is refused, one by one.
fn refused(matrix: &Matrix) -> impl Iterator<Item = (Unsolved, &Flow)> {
    let refused = matrix.rows().filter(|row| row.flow.outcome == Outcome::Refused);
    refused.map(|row| {
        let Row { client, service, flow, .. } = row;
        (Unsolved { client, service, port: flow.port, server: flow.server }, flow)
    })
}

fn refused_now<'m>(
    matrix: &'m Matrix,
    before: &'m HashSet<Unsolved>,
) -> impl Iterator<Item = (Unsolved, &'m Flow)> {
    refused(matrix).filter(|(what, _)| !before.contains(what))
}

/// The policies with one of them STRICT, or with a new one; and which it is.
fn turned(mesh: &Mesh, scope: Scope<'_>) -> (Vec<PeerAuthentication>, Option<usize>) {
    let namespace = match scope {
        Scope::Mesh => mesh.peers.root(),
        Scope::Namespace(namespace) => namespace,
    };
    let mut peers = mesh.peers.all.clone();
    let policy = mesh.peers.of(namespace).find(|(_, policy)| policy.is_wide()).map(|(index, _)| index);
    match policy.and_then(|policy| peers.get_mut(policy)) {
        Some(policy) => policy.mode = peer::Mode::Strict,
        None => peers.push(thought_of(namespace, Pairs::new(), peer::Mode::Strict)),
    }
    (peers, policy)
}

/// A policy that is in no file yet.
fn thought_of(namespace: &str, selector: Pairs, mode: peer::Mode) -> PeerAuthentication {
    PeerAuthentication {
        object: usize::MAX,
        namespace: namespace.to_owned(),
        name: "default".to_owned(),
        created: None,
        has_selector: !selector.is_empty(),
        selector,
        mode,
        ports: BTreeMap::new(),
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
                    peer.object == usize::MAX && peer.namespace == *namespace && peer.selector == *selector
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

/// The answers that become this and were something else. Both matrices are of the same objects, and so of the same form.
fn worse(before: &Matrix, after: &Matrix, outcome: Outcome) -> Vec<Broken> {
    let mut broken = Vec::new();
    for (service, (old, new)) in before.services.iter().zip(&after.services).enumerate() {
        for (group, (old, new)) in old.groups.iter().zip(&new.groups).enumerate() {
            for (flow, (old, new)) in old.flows.iter().zip(&new.flows).enumerate() {
                if new.outcome == outcome && old.outcome != outcome {
                    broken.push(Broken { service, group, flow, before: old.outcome });
                }
            }
        }
    }
    broken
}

/// The change that keeps one answer from being refused.
fn remedy_of(mesh: &Mesh, now: &Mesh, what: Unsolved, flow: &Flow) -> Option<Remedy> {
    let Unsolved { client, service, .. } = what;
    match &flow.why {
        Why::NoProxy | Why::ServerTakesNone if is_injectable(mesh, client) => Some(Remedy::Inject(client)),
        Why::Legacy(legacy) if is_injectable(mesh, *legacy) => Some(Remedy::Inject(*legacy)),
        Why::ServerTakesNone if now.servers[client].enrolment.mode() == Mode::Sidecar => {
            Some(Remedy::TlsModeLabel(flow.server))
        }
        Why::Rule(place) | Why::Secret(place) | Why::NoCertificate(place) => {
            Some(Remedy::Rule(place.clone()))
        }
        Why::Excluded(place) => Some(Remedy::Annotation(place.clone())),
        Why::Unseen => Some(Remedy::Export(service)),
        Why::AutoOff => Some(Remedy::AutoMtls),
        _ => exception(mesh, service, flow),
    }
}

/// Whether a workload can have a sidecar at all.
fn is_injectable(mesh: &Mesh, index: usize) -> bool {
    let workload = &mesh.workloads.all[index];
    if mesh.servers[index].enrolment.mode() != Mode::None || workload.origin == Origin::Entry {
        return false;
    }
    // It is asked as if its namespace and it were labelled for it.
    let mut labelled: Workload = workload.clone();
    labelled.labels = vec![(crate::enrolment::INJECT.into(), "true".into())];
    let free = crate::workloads::Namespace::default();
    expected(&labelled, &free, &mesh.injector).reason == Reason::PodLabel && !workload.host_network
}

/// An exception for the port that refuses. In the root namespace policies with selectors are for nobody.
fn exception(mesh: &Mesh, service: usize, flow: &Flow) -> Option<Remedy> {
    let workload = &mesh.workloads.all[flow.server];
    if workload.namespace == mesh.peers.root() {
        return None;
    }
    let policy = mesh.servers[flow.server].folded.workload;
    let selector = match policy.and_then(|policy| mesh.peers.all.get(policy)) {
        Some(policy) => policy.selector.clone(),
        None => mesh.services[service].selector.clone()?,
    };
    Some(Remedy::Exception { policy, namespace: workload.namespace.clone(), selector, port: flow.target })
}
