//! All that decides what is encrypted between whom, read from a snapshot.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use ringwall_model::snapshot::Snapshot;
use ringwall_model::workload::CustomKind;

use crate::config::MeshConfig;
use crate::destination::{DestinationRule, Destinations};
use crate::enrolment::{Enrolment, Exclusions, Mode, Reason, TLS_MODE, takes_mutual, takes_tunnel};
use crate::gateways::{Gateways, Listens};
use crate::injector::Injector;
use crate::peer::{self, Folded, PeerAuthentication, Peers};
use crate::peer_ambient::Ambient;
use crate::place::{Misread, Pairs, Place, sorted};
use crate::quirks::Release;
use crate::scope::{Scope, Scopes};
use crate::services::{self, Resolution, Service};
use crate::waypoint::{Named, Waypoints};
use crate::workloads::{Origin, Workloads};

/// What a workload takes in on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Accepts {
    /// No proxy stands before the application: it gets what comes.
    None,
    /// A gateway, whose listeners the input does not show.
    Unknown,
    /// The proxy gives the application what comes.
    Disable,
    /// Mutual TLS of the mesh, and everything else too.
    Permissive,
    /// Mutual TLS of the mesh alone.
    Strict,
}

impl Accepts {
    /// As the reference names it; `NONE` where there is no proxy, or one that asks for nothing of the mesh.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Unknown => "UNKNOWN",
            Self::Disable => peer::Mode::Disable.name(),
            Self::Permissive => peer::Mode::Permissive.name(),
            Self::Strict => peer::Mode::Strict.name(),
        }
    }

    fn of(mode: peer::Mode) -> Self {
        match mode {
            peer::Mode::Disable => Self::Disable,
            peer::Mode::Strict => Self::Strict,
            peer::Mode::Permissive | peer::Mode::Unset => Self::Permissive,
        }
    }
}

/// Why a workload takes in what it does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum WhyAccepts {
    /// It has no proxy; see its [`Enrolment`].
    NoProxy,
    /// It is a gateway, whose listeners say themselves what they take: here, where the input shows them.
    Gateway(Option<Place>),
    /// The port goes past its proxy: an annotation says so, or it is the agent's own.
    Excluded(Option<Place>),
    /// A policy says so.
    Policy(Place),
    /// No policy says anything.
    Default,
    /// Istiod points ztunnel to a policy that it never sends, and so nothing holds: a fault of it that lets everything in.
    MissingPolicy(Place),
}

/// Workloads that nothing tells apart, as servers.
#[derive(Clone, Debug)]
pub struct Server {
    /// How it is enrolled.
    pub enrolment: Enrolment,
    /// What its policies say.
    pub folded: Folded,
    /// What they say to ztunnel, where that is its proxy.
    pub ambient: Option<Ambient>,
    /// Which ports go past its proxy.
    pub exclusions: Exclusions,
    /// Whether clients are told that it takes mutual TLS.
    pub takes_mutual: bool,
    /// Whether clients are told that it takes HBONE.
    pub takes_tunnel: bool,
}

/// What is known of a mesh beside its objects and its `MeshConfig`.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'s> {
    /// Further kinds with pod templates.
    pub custom: &'s [CustomKind],
    /// How sidecars are injected.
    pub injector: &'s Injector,
    /// The domain that short hosts of rules are completed with; see [`crate::destination::full_host`].
    pub rule_domain: &'s str,
}

static USUAL_INJECTOR: LazyLock<Injector> = LazyLock::new(Injector::default);

impl Default for Settings<'_> {
    fn default() -> Self {
        Self { custom: &[], injector: &USUAL_INJECTOR, rule_domain: services::DOMAIN }
    }
}

/// What a mesh is made of.
#[derive(Clone, Debug)]
pub struct Mesh {
    /// What the whole mesh is set to.
    pub config: MeshConfig,
    /// Namespaces and workloads.
    pub workloads: Workloads,
    /// For each workload what it is as a server.
    pub servers: Vec<Server>,
    /// Services.
    pub services: Vec<Service>,
    /// What servers take in.
    pub peers: Peers,
    /// What clients are told.
    pub destinations: Destinations,
    /// Which services they know of.
    pub scopes: Scopes,
    /// What stands between.
    pub waypoints: Waypoints,
    /// What the listeners of gateways take in.
    pub gateways: Gateways,
    /// Fields of the wrong type, in the order in which they were read.
    pub misread: Vec<Misread>,
    /// How sidecars are injected.
    pub injector: Injector,
}

impl Mesh {
    /// Reads a mesh. Costs a few passes over the objects, and for each workload a fold of the policies that share a label with it.
    pub fn of(snapshot: &Snapshot, mut config: MeshConfig, settings: &Settings<'_>) -> Self {
        config.release = config.release.or_else(|| Release::of(snapshot).map(|(release, _)| release));
        let mut misread = Vec::new();
        let mut workloads = Workloads::of(snapshot, settings.custom, &mut misread);
        let services = services::read(snapshot, &config, &mut workloads, &mut misread);
        let (mut peers, mut rules, mut scopes) = (Vec::new(), Vec::new(), Vec::new());
        for (index, object) in snapshot.objects() {
            peers.extend(PeerAuthentication::read(object, index, &mut misread));
            scopes.extend(Scope::read(object, index, &mut misread));
            rules.extend(DestinationRule::read(object, index, settings.rule_domain, &mut misread));
        }
        let mut mesh = Self {
            peers: Peers::new(peers, &config.root_namespace).of_release(config.release),
            destinations: Destinations::new(rules, &config.root_namespace, config.keeps_rules_private),
            scopes: Scopes::new(scopes, &config.root_namespace),
            waypoints: Waypoints::of(snapshot, &services, &workloads.all),
            gateways: Gateways::of(snapshot, &workloads.all, &services, &mut misread),
            config,
            workloads,
            servers: Vec::new(),
            services,
            misread,
            injector: settings.injector.clone(),
        };
        mesh.serve();
        mesh
    }

    /// The same mesh with other policies for what servers take in: what would be if they were so.
    #[must_use]
    pub fn with_peers(&self, peers: Vec<PeerAuthentication>) -> Self {
        let peers = Peers::new(peers, &self.config.root_namespace).of_release(self.config.release);
        let mut mesh = Self { peers, ..self.clone() };
        mesh.serve();
        mesh
    }

    /// The same mesh where these workloads have a sidecar, by their place in [`Workloads::all`]: what would be if they were injected.
    #[must_use]
    pub fn with_sidecars(&self, workloads: &BTreeSet<usize>) -> Self {
        let mut mesh = self.clone();
        for index in workloads {
            let workload = &mut mesh.workloads.all[*index];
            workload.origin = Origin::Pod;
            workload.proxy = Some(workload.at.clone().key("spec").key("containers"));
            let label = |(key, _): &(Box<str>, Box<str>)| **key != *TLS_MODE;
            let mut labels: Pairs = workload.labels.drain(..).filter(label).collect();
            labels.push((TLS_MODE.into(), "istio".into()));
            workload.labels = sorted(labels);
        }
        mesh.serve();
        mesh
    }

    /// The ports of each workload that there is something to say of, by its place in [`Workloads::all`]: those that its containers declare for
    /// TCP, those that services lead to, and those that its policy names.
    pub fn ports(&self) -> Vec<BTreeSet<u16>> {
        let mut ports: Vec<BTreeSet<u16>> = Vec::with_capacity(self.workloads.all.len());
        for (workload, server) in self.workloads.all.iter().zip(&self.servers) {
            let declared =
                workload.ports.iter().filter(|port| &*port.protocol == "TCP").map(|port| port.number);
            ports.push(declared.chain(server.folded.ports.keys().copied()).collect());
        }
        for service in &self.services {
            for index in &service.workloads {
                let workload = &self.workloads.all[*index];
                ports[*index].extend(service.ports.iter().filter_map(|port| service.target(port, workload)));
            }
        }
        ports
    }

    /// Finds out anew what each workload is as a server.
    fn serve(&mut self) {
        let nothing = crate::workloads::Namespace::default();
        let mut servers = Vec::with_capacity(self.workloads.all.len());
        for workload in &self.workloads.all {
            let namespace = self.workloads.namespaces.get(&workload.namespace).unwrap_or(&nothing);
            let enrolment = Enrolment::of(workload, namespace, &self.injector);
            let mode = enrolment.mode();
            servers.push(Server {
                folded: self.peers.fold(&workload.namespace, &workload.labels),
                ambient: (mode == Mode::Ambient)
                    .then(|| self.peers.ambient(&workload.namespace, &workload.labels)),
                exclusions: Exclusions::of(workload, mode, &self.injector.proxy),
                takes_mutual: takes_mutual(workload, mode),
                takes_tunnel: takes_tunnel(workload, mode, self.config.enable_hbone),
                enrolment,
            });
        }
        self.servers = servers;
    }

    /// What a workload takes in on a port of its containers.
    pub fn accepts(&self, workload: usize, port: u16) -> Accepts {
        self.judge(workload, port).0
    }

    /// Why it does.
    pub fn why_accepts(&self, workload: usize, port: u16) -> WhyAccepts {
        let (_, cause) = self.judge(workload, port);
        let place = || self.servers[workload].folded.place(&self.peers, port);
        match cause {
            Cause::NoProxy => WhyAccepts::NoProxy,
            Cause::Gateway => WhyAccepts::Gateway(self.gateways.listens(workload, port).map(|listens| {
                let (Listens::Mutual(place) | Listens::Mixed(place) | Listens::Otherwise(place)) = listens;
                place.clone()
            })),
            Cause::Excluded => {
                let own = &self.workloads.all[workload];
                WhyAccepts::Excluded(self.servers[workload].exclusions.inbound_place(own, port))
            }
            Cause::Sidecar => place().map_or(WhyAccepts::Default, WhyAccepts::Policy),
            Cause::Ambient => self.why_ambient(workload, port),
        }
    }

    /// Whether a workload is taken to have no proxy since nothing asks for one, and its Namespace, which may, is not in the input.
    pub fn hangs_on_namespace(&self, workload: usize) -> bool {
        let namespace = self.workloads.namespaces.get(&self.workloads.all[workload].namespace);
        let is_there = namespace.is_some_and(|namespace| namespace.object.is_some());
        self.servers[workload].enrolment.decision().reason == Reason::NothingAsks && !is_there
    }

    /// Whether the sidecar of a workload lets nothing out to what it does not know of: its `Sidecar` says so, or else the mesh. Source:
    /// `initSidecarScopeInternalIndexes` in istio.io/istio `pilot/pkg/model/sidecar.go`.
    pub fn is_closed(&self, workload: usize) -> bool {
        let own = &self.workloads.all[workload];
        let scope = self.scopes.of(&own.namespace, &own.labels).and_then(|scope| self.scopes.all.get(scope));
        let says = scope.and_then(|scope| scope.registry_only).unwrap_or(self.config.registry_only);
        says && self.servers[workload].enrolment.mode() == Mode::Sidecar
    }

    /// The waypoint through which clients that are carried so call a service, by its place in [`Self::services`], and its Gateway's place in
    /// the snapshot: that which stands before it, for clients in ambient mode, and for gateways where the service says so. What has no
    /// address of its own has none.
    pub fn through_service(&self, client: Mode, service: usize) -> Option<(&Named, Option<usize>)> {
        let goes = match client {
            Mode::Ambient => true,
            Mode::Gateway => self.waypoints.takes_gateways(service),
            Mode::None | Mode::Sidecar => false,
        };
        let has_address = self.services[service].resolution != Resolution::Original;
        if goes && has_address { self.waypoints.before_service(service).waypoint() } else { None }
    }

    /// The waypoint through which they call a workload by a service, or where there is none or it has no address of its own, by the address of the
    /// workload.
    pub fn through(
        &self,
        client: Mode,
        service: Option<usize>,
        workload: usize,
    ) -> Option<(&Named, Option<usize>)> {
        let has_address = |service: &usize| self.services[*service].resolution != Resolution::Original;
        match service.filter(has_address) {
            Some(service) => self.through_service(client, service),
            None => {
                let both = client == Mode::Ambient && self.servers[workload].enrolment.mode() == client;
                if both { self.waypoints.before_workload(workload).waypoint() } else { None }
            }
        }
    }

    fn judge(&self, workload: usize, port: u16) -> (Accepts, Cause) {
        let server = &self.servers[workload];
        match server.enrolment.mode() {
            Mode::None => (Accepts::None, Cause::NoProxy),
            Mode::Gateway => {
                let accepts = match self.gateways.listens(workload, port) {
                    None => Accepts::Unknown,
                    Some(Listens::Mutual(_)) => Accepts::Strict,
                    Some(Listens::Mixed(_)) => Accepts::Permissive,
                    Some(Listens::Otherwise(_)) => Accepts::None,
                };
                (accepts, Cause::Gateway)
            }
            Mode::Sidecar if server.exclusions.excludes_inbound(port) => (Accepts::None, Cause::Excluded),
            Mode::Sidecar => (Accepts::of(server.folded.of_port(port)), Cause::Sidecar),
            // What comes by the tunnel comes by ztunnel all the same.
            Mode::Ambient if server.exclusions.all_inbound.is_some() => (Accepts::None, Cause::Excluded),
            Mode::Ambient => {
                let is_strict = server.ambient.as_ref().is_some_and(|ambient| ambient.is_strict(port));
                (if is_strict { Accepts::Strict } else { Accepts::Permissive }, Cause::Ambient)
            }
        }
    }

    fn why_ambient(&self, workload: usize, port: u16) -> WhyAccepts {
        let Some(ambient) = &self.servers[workload].ambient else { return WhyAccepts::Default };
        match ambient.place(&self.peers, port) {
            Some(place) if ambient.is_missing => WhyAccepts::MissingPolicy(place),
            Some(place) => WhyAccepts::Policy(place),
            None => WhyAccepts::Default,
        }
    }
}

/// [`WhyAccepts`] before its places are looked up.
#[derive(Clone, Copy, Debug)]
enum Cause {
    NoProxy,
    Gateway,
    Excluded,
    Sidecar,
    Ambient,
}
