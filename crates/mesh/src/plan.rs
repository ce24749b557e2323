//! What breaks if a namespace or the whole mesh takes mutual TLS alone, and the least changes that let it.
//!
//! The answer is the matrix before and after; nothing is guessed.

mod remedies;

use std::collections::{BTreeMap, BTreeSet};

use ringwall_model::path::FieldPath;

use crate::enrolment::Mode;
use crate::matrix::{Matrix, Row};
use crate::mesh::{Accepts, Mesh};
use crate::peer::{self, PeerAuthentication};
use crate::place::{Pairs, Place};
use crate::sends::Outcome;
use crate::workloads::Origin;

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
        /// for the workload. New ones are taken as younger than all that are there. Which of two new ones is older does not matter: both have all
        /// ports of the workloads that both select.
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
    /// Workloads of the scope that are not STRICT on all ports.
    pub exempt: Vec<Exempt>,
    /// The changes after which nothing breaks, in order; where all of them can be made.
    pub remedies: Vec<Remedy>,
    /// What is refused still after all of these changes that could be made, and would be after those that could not.
    pub unsolved: Vec<Unsolved>,
    /// Calls from what is no workload that are refused then and were not before.
    pub broken_outside: Vec<BrokenOutside>,
    /// Who calls.
    pub callers: Callers,
}

/// Who calls, as far as it is known beside the workloads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Callers {
    /// Clients that are known not to call, by their place in [`crate::workloads::Workloads::all`].
    pub without: BTreeSet<usize>,
    /// What is called by what is no workload, and so has no certificate of the mesh: services and their ports, by their places.
    pub outside: Vec<(usize, usize)>,
}

/// A call from what is no workload that breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokenOutside {
    /// Its place in [`Callers::outside`].
    pub call: usize,
    /// The server, by its place in [`crate::workloads::Workloads::all`].
    pub server: usize,
    /// The port of its containers.
    pub target: u16,
}

/// A workload that is not STRICT on all ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exempt {
    /// The workload, by its place in [`crate::workloads::Workloads::all`].
    pub workload: usize,
    /// What keeps it from being STRICT.
    pub why: WhyExempt,
    /// Where that is written.
    pub place: Place,
}

/// What keeps a workload from being STRICT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyExempt {
    /// Another policy says something else.
    Policy,
    /// Istiod points ztunnel to a policy that it never sends; see [`crate::mesh::WhyAccepts::MissingPolicy`].
    MissingPolicy,
    /// Ztunnel is not told of the policy of the mesh, since that has a selector, and be it an empty one.
    EmptySelector,
}

/// What no change helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Unsolved {
    /// The client, by its place in [`crate::workloads::Workloads::all`]; nothing of a call from what is no workload.
    pub client: Option<usize>,
    /// The service, by its place in [`Mesh::services`].
    pub service: usize,
    /// The port, by its place in [`crate::services::Service::ports`].
    pub port: usize,
    /// The server, by its place as the client's.
    pub server: usize,
}

/// The annotation by which a workload keeps its probes as they are.
const REWRITE: &str = "sidecar.istio.io/rewriteAppHTTPProbers";

/// In place of an object's index: the policy is in no file yet.
const NEW: usize = usize::MAX;

impl Plan {
    /// What turning STRICT does to a mesh. Costs a matrix before and after it, and one for each round of changes.
    pub fn strict(mesh: &Mesh, scope: Scope<'_>) -> Self {
        Self::of(mesh, scope, Callers::default())
    }

    /// The same where it is known of some who calls and who does not.
    pub fn of(mesh: &Mesh, scope: Scope<'_>, callers: Callers) -> Self {
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
            broken_outside: broken_outside(mesh, &strict, &callers),
            callers,
        };
        plan.survey(&strict, scope);
        (plan.remedies, plan.unsolved) = remedies::find(mesh, &before, &peers, &plan.callers);
        plan
    }

    /// The answers that break, one by one.
    pub fn rows<'p>(&'p self, broken: &'p [Broken]) -> impl Iterator<Item = Row<'p>> {
        broken.iter().flat_map(|broken| {
            let of = &self.after.services[broken.service];
            let group = &of.groups[broken.group];
            let flow = &group.flows[broken.flow];
            let members = group.clients.iter().flat_map(|class| &self.after.clients[*class].members);
            let members = members.filter(|client| !self.callers.without.contains(client));
            members.map(move |client| Row { client: *client, service: of.service, rule: group.rule, flow })
        })
    }

    /// Workloads of the scope, and how far they become STRICT.
    fn survey(&mut self, strict: &Mesh, scope: Scope<'_>) {
        let ports = strict.ports();
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
                Mode::Ambient => {
                    let exempt = ambient_exempt(strict, index, &ports[index]);
                    self.exempt.extend(exempt.map(|(why, place)| Exempt { workload: index, why, place }));
                }
                Mode::Sidecar => {
                    let is_open = |mode: peer::Mode| mode != peer::Mode::Strict;
                    let of_port = server.folded.ports.iter().find(|(_, (mode, _))| is_open(*mode));
                    let port = of_port.map_or(0, |(port, _)| *port);
                    if is_open(server.folded.mode) || of_port.is_some() {
                        let place = server.folded.place(&strict.peers, port);
                        let exempt = |place| Exempt { workload: index, why: WhyExempt::Policy, place };
                        self.exempt.extend(place.map(exempt));
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

/// A name behind those of all objects: what is new is younger than what is there.
const LAST: &str = "~";

/// A policy that is in no file yet.
fn thought_of(namespace: &str, selector: Pairs, mode: peer::Mode) -> PeerAuthentication {
    PeerAuthentication {
        object: NEW,
        namespace: namespace.to_owned(),
        name: if selector.is_empty() { "default" } else { LAST }.to_owned(),
        created: None,
        has_selector: !selector.is_empty(),
        selector,
        mode,
        ports: BTreeMap::new(),
    }
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

/// The calls from what is no workload that one mesh refuses and the other did not.
fn broken_outside(before: &Mesh, after: &Mesh, callers: &Callers) -> Vec<BrokenOutside> {
    let mut broken = Vec::new();
    for (call, (service, port)) in callers.outside.iter().enumerate() {
        let service = &before.services[*service];
        for server in service.workloads.iter().copied() {
            let target =
                service.ports.get(*port).and_then(|port| service.target(port, &before.workloads.all[server]));
            let Some(target) = target else { continue };
            let refuses = |mesh: &Mesh| mesh.accepts(server, target) == Accepts::Strict;
            if refuses(after) && !refuses(before) {
                broken.push(BrokenOutside { call, server, target });
            }
        }
    }
    broken
}

/// What keeps a workload in ambient mode from being STRICT, and where it is written. A policy without a place is not in any file yet, and is
/// for no such workload.
fn ambient_exempt(strict: &Mesh, index: usize, ports: &BTreeSet<u16>) -> Option<(WhyExempt, Place)> {
    let ambient = strict.servers[index].ambient.as_ref()?;
    let own = ambient.of_ports.and_then(|policy| strict.peers.all.get(policy));
    let named = own.into_iter().flat_map(|policy| policy.ports.keys());
    // No policy says anything of port 0, so it stands for all that none does.
    let mut all = [&0].into_iter().chain(named).chain(ports);
    let port = *all.find(|port| strict.accepts(index, **port) != Accepts::Strict)?;
    if let (true, Some(policy)) = (ambient.is_missing, own) {
        let path = FieldPath::keys(&["spec", "portLevelMtls"]);
        return Some((WhyExempt::MissingPolicy, Place { object: policy.object, path }));
    }
    if let Some(place) = ambient.place(&strict.peers, port) {
        return Some((WhyExempt::Policy, place));
    }
    let folded = &strict.servers[index].folded;
    let policy = folded.decider.and_then(|policy| strict.peers.all.get(policy))?;
    let path = FieldPath::keys(&["spec", "selector"]);
    Some((WhyExempt::EmptySelector, Place { object: policy.object, path }))
}
