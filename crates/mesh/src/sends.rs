//! What a client sends: what it is told, and what it does by itself.
//!
//! Sources: istio.io/istio `pilot/pkg/networking/core/cluster_tls.go` (`buildUpstreamTLSSettings`, `applyUpstreamTLSSettings`),
//! `cluster_builder.go` (`applyDestinationRule`, `buildSubsetCluster`), `cluster_traffic_policy.go` (`applyLoadBalancer`),
//! `pilot/pkg/model/push_context.go` (`BestEffortInferServiceMTLSMode`) and `pilot/pkg/xds/endpoints/mtls_checker.go`.

use crate::destination::{Merged, Subset, Tls, TlsMode};
use crate::enrolment::{Mode, TLS_MODE};
use crate::mesh::{Accepts, Mesh};
use crate::peer::{self, PeerAuthentication};
use crate::place::{Pairs, Place};
use crate::services::{Resolution, Service, ServicePort};
use crate::waypoint::Named;

/// What goes over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sends {
    /// What the application says, as it is.
    Plaintext,
    /// Mutual TLS of the mesh.
    IstioMutual,
    /// TLS without a certificate of the client.
    TlsSimple,
    /// TLS with a certificate of the client's own.
    TlsMutual,
    /// The tunnel of ambient: mutual TLS of the mesh, to port 15008.
    Hbone,
    /// Nothing at all.
    Nothing,
}

impl Sends {
    /// Its name in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::IstioMutual => "istio-mutual",
            Self::TlsSimple => "tls-simple",
            Self::TlsMutual => "tls-mutual",
            Self::Hbone => "hbone",
            Self::Nothing => "nothing",
        }
    }
}

/// Why a client sends what it does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// It has no proxy.
    NoProxy,
    /// An annotation of the client takes the port past its proxy.
    Excluded(Place),
    /// Its proxy does not know of the port of the service, and passes on what comes: the service is not exported to it, or a
    /// `Sidecar` leaves it out.
    Unseen,
    /// As [`Self::Unseen`], and the proxy lets nothing out that it does not know of: `outboundTrafficPolicy` is `REGISTRY_ONLY`.
    Closed,
    /// A `DestinationRule` says so, here.
    Rule(Place),
    /// A `DestinationRule` asks for a Secret, which a sidecar may not read unless the rule selects it: then there is no TLS at all.
    Secret(Place),
    /// A `DestinationRule` asks for a certificate of the client's own and names none: then there is no TLS at all.
    NoCertificate(Place),
    /// The mesh has `enableAutoMtls` off.
    AutoOff,
    /// The service is outside of the mesh.
    External,
    /// The policy of the namespace or the mesh has DISABLE: then clients use no mutual TLS, whatever policies of workloads say.
    NamespaceDisabled(Place),
    /// The client goes to the address itself, without a choice for each endpoint, and this workload behind it has no proxy.
    Legacy(usize),
    /// The client goes to the address itself, and nothing is behind the service.
    NobodyBehind,
    /// The server is not known to take mutual TLS.
    ServerTakesNone,
    /// A policy has DISABLE for the workload, or this port of it.
    ServerDisabled(Place),
    /// By itself, since the server takes it.
    Auto,
    /// By itself, without a choice for each endpoint: the client goes to the address itself, and all behind the service are known to take it.
    AutoForAll,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// Encrypted, and both sides know who the other is.
    Mtls,
    /// In the clear.
    Plaintext,
    /// The server's proxy refuses it.
    Refused,
    /// The application gets TLS, and must know what to do with it.
    TlsToApp,
    /// The application gets the mesh's TLS, which it cannot know.
    Broken,
    /// It depends on whether the mesh's authority signed the client's certificate.
    CertDependent,
    /// It depends on listeners of a gateway that the input does not show.
    Unknown,
    /// The client's proxy does not know of the service, and lets nothing else out.
    Blocked,
}

impl Outcome {
    /// Its name in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mtls => "mtls",
            Self::Plaintext => "plaintext",
            Self::Refused => "refused",
            Self::TlsToApp => "tls-to-app",
            Self::Broken => "broken",
            Self::CertDependent => "cert-dependent",
            Self::Unknown => "unknown",
            Self::Blocked => "blocked",
        }
    }

    /// What becomes of what is sent to one that takes this, as it is or through the tunnel.
    pub const fn of(sends: Sends, accepts: Accepts, by_tunnel: bool) -> Self {
        match (sends, accepts) {
            // TLS in the tunnel is for the application, and who sends it is known.
            (Sends::TlsSimple | Sends::TlsMutual, _) if by_tunnel => Self::TlsToApp,
            (Sends::Nothing, _) => Self::Blocked,
            // Only who takes the tunnel is sent it.
            (Sends::Hbone, _) | (Sends::IstioMutual, Accepts::Permissive | Accepts::Strict) => Self::Mtls,
            (Sends::Plaintext | Sends::TlsSimple, Accepts::Strict) => Self::Refused,
            (Sends::Plaintext, _) => Self::Plaintext,
            (Sends::IstioMutual, Accepts::None | Accepts::Disable) => Self::Broken,
            (Sends::IstioMutual, Accepts::Unknown) => Self::Unknown,
            (Sends::TlsMutual, Accepts::Strict) => Self::CertDependent,
            (Sends::TlsSimple | Sends::TlsMutual, _) => Self::TlsToApp,
        }
    }
}

/// What a client's proxy does about a port of a service, all endpoints together.
#[derive(Clone, Debug)]
pub(crate) enum Cluster<'m> {
    /// The same to each.
    Same { sends: Sends, why: Why, tunnels: bool },
    /// Mutual TLS to those that take it; this TLS decides in their place, where a rule has one.
    Each(Option<&'m Tls>),
}

/// One port of a service as a client sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'m> {
    pub(crate) mesh: &'m Mesh,
    pub(crate) client: Mode,
    pub(crate) rule: Option<&'m Merged>,
    pub(crate) service: &'m Service,
    pub(crate) port: &'m ServicePort,
    pub(crate) subset: Option<&'m Subset>,
}

impl<'m> View<'m> {
    /// Whether the client goes to the address that the application asked for; then there is no choice for each endpoint.
    pub(crate) fn is_original(&self) -> bool {
        // A gateway has no address that the application asked for.
        let of_service = self.service.resolution == Resolution::Original && self.client != Mode::Gateway;
        let says = |subset| {
            self.rule
                .is_some_and(|rule| rule.effective(self.port.number, subset).is_passthrough == Some(true))
        };
        let of_subset = self.subset.and_then(|subset| subset.policy.as_ref());
        of_service
            || says(None)
            || (self.subset.is_some() && says(self.subset))
            || of_subset.is_some_and(|policy| policy.is_passthrough == Some(true))
    }

    /// What a rule says of TLS.
    pub(crate) fn tls(&self) -> Option<&'m Tls> {
        self.rule.and_then(|rule| rule.effective(self.port.number, self.subset).tls)
    }

    /// What the proxy does, all endpoints together.
    pub(crate) fn cluster(&self) -> Cluster<'m> {
        let same = |sends, why, tunnels| Cluster::Same { sends, why, tunnels };
        let effective = self.tls();
        let is_original = self.is_original();
        if let Some(tls) = effective {
            let selects = self.rule.is_some_and(|rule| rule.rule.workload_selector.is_some());
            let place = tls.place.clone();
            let is_own = matches!(tls.mode, TlsMode::Simple | TlsMode::Mutual);
            if is_own && tls.needs_secret && !selects && self.client == Mode::Sidecar {
                return same(Sends::Plaintext, Why::Secret(place), !is_original);
            }
            let (sends, why) = match tls.mode {
                TlsMode::Disable => (Sends::Plaintext, Why::Rule(place)),
                TlsMode::Simple => (Sends::TlsSimple, Why::Rule(place)),
                TlsMode::Mutual if !tls.has_certificate => {
                    return same(Sends::Plaintext, Why::NoCertificate(place), false);
                }
                TlsMode::Mutual => (Sends::TlsMutual, Why::Rule(place)),
                TlsMode::IstioMutual => (Sends::IstioMutual, Why::Rule(place)),
            };
            return same(sends, why, !is_original);
        }
        if let Some(why) = self.no_auto() {
            return same(Sends::Plaintext, why, !is_original);
        }
        if is_original {
            return same(Sends::IstioMutual, Why::AutoForAll, false);
        }
        Cluster::Each(self.rule.and_then(|rule| rule.of_endpoints(self.port.number, self.subset)))
    }

    /// Why the client does not think of mutual TLS by itself, if it does not.
    fn no_auto(&self) -> Option<Why> {
        if self.service.is_external {
            return Some(Why::External);
        }
        if !self.mesh.config.enable_auto_mtls {
            return Some(Why::AutoOff);
        }
        // Here only what is said of all ports is looked at, of a subset or else of the service.
        let policy = match self.subset {
            Some(subset) => subset.policy.as_ref(),
            None => self.rule.and_then(|rule| rule.rule.policy.as_ref()),
        };
        let says = policy.is_some_and(|policy| policy.is_passthrough == Some(true));
        if self.service.resolution == Resolution::Original || says {
            let mut behind = self.endpoints().peekable();
            if behind.peek().is_none() {
                return Some(Why::NobodyBehind);
            }
            if let Some(legacy) = behind.find(|workload| self.is_disabled(*workload)) {
                return Some(Why::Legacy(legacy));
            }
        }
        let (mode, decider) = self.mesh.peers.of_namespace(&self.service.namespace);
        let place =
            decider.and_then(|policy| self.mesh.peers.all.get(policy)).map(PeerAuthentication::mode_place);
        place.filter(|_| mode == peer::Mode::Disable).map(Why::NamespaceDisabled)
    }

    /// The workloads behind the port, of all subsets.
    fn endpoints(&self) -> impl Iterator<Item = usize> {
        let all = &self.mesh.workloads.all;
        let has = |workload: &usize| self.service.target(self.port, &all[*workload]).is_some();
        self.service.workloads.iter().copied().filter(has)
    }

    /// Whether what is sent to one endpoint goes through the tunnel, TLS of a rule too, which is then inside of it. Source:
    /// `applyHBONETransportSocketMatches` in `pilot/pkg/networking/core/cluster_tls.go`.
    pub(crate) fn tunnels(&self, cluster: &Cluster<'m>, workload: usize) -> bool {
        // Who takes mutual TLS the older way is not sent the tunnel.
        let server = &self.mesh.servers[workload];
        let takes = server.takes_tunnel && !server.takes_mutual;
        takes && matches!(cluster, Cluster::Each(_) | Cluster::Same { tunnels: true, .. })
    }

    /// Whether the registry has a workload as one that takes no TLS.
    fn is_disabled(&self, workload: usize) -> bool {
        match self.mesh.workloads.all[workload].label(TLS_MODE) {
            Some(value) => value == "disabled",
            None => !self.mesh.servers[workload].takes_mutual,
        }
    }

    /// What is sent to one endpoint, at a port of its containers. Own TLS that goes through the tunnel is told by [`Self::tunnels`].
    pub(crate) fn to(&self, cluster: &Cluster<'m>, workload: usize, target: u16) -> (Sends, Why) {
        let server = &self.mesh.servers[workload];
        let tunnel = self.tunnels(cluster, workload);
        let tag = match cluster {
            Cluster::Same { sends: Sends::TlsSimple | Sends::TlsMutual, .. } => None,
            Cluster::Same { why, .. } if tunnel => return (Sends::Hbone, why.clone()),
            Cluster::Each(_) if tunnel => return (Sends::Hbone, Why::Auto),
            Cluster::Each(tag) => Some(*tag),
            Cluster::Same { .. } => None,
        };
        match (cluster, tag) {
            (Cluster::Same { sends, why, .. }, _) => (*sends, why.clone()),
            // The tag is what the registry knows of the endpoint; a rule cannot give it to one that has none.
            (Cluster::Each(_), Some(Some(tls))) => {
                let why = Why::Rule(tls.place.clone());
                let takes = tls.mode == TlsMode::IstioMutual && server.takes_mutual;
                (if takes { Sends::IstioMutual } else { Sends::Plaintext }, why)
            }
            (Cluster::Each(_), _) if !server.takes_mutual => (Sends::Plaintext, Why::ServerTakesNone),
            (Cluster::Each(_), _) => match server.folded.of_port(target) {
                peer::Mode::Disable => {
                    let place = server.folded.place(&self.mesh.peers, target);
                    (Sends::Plaintext, place.map_or(Why::ServerTakesNone, Why::ServerDisabled))
                }
                _ => (Sends::IstioMutual, Why::Auto),
            },
        }
    }
}

impl Mesh {
    /// What a waypoint sends on to a workload, and why; `by` is the service by which it is called, and its port, by their places. A waypoint
    /// knows no mutual TLS but that of the tunnel, in which the TLS of a rule goes on to the application. Source:
    /// `buildWaypointInboundVIPCluster` and `buildWaypointTLSContext` in `pilot/pkg/networking/core/cluster_waypoint.go`.
    pub fn sent_by_waypoint(
        &self,
        waypoint: &Named,
        by: Option<(usize, usize)>,
        workload: usize,
    ) -> (Sends, Why) {
        let tls = by.and_then(|(service, port)| {
            let service = &self.services[service];
            let rule = self.rule_of_waypoint(waypoint, service)?;
            self.destinations.merged.get(rule)?.effective(service.ports.get(port)?.number, None).tls
        });
        self.sent_on(tls, workload)
    }

    /// The rule that a waypoint heeds about a service, by its place in [`crate::destination::Destinations::merged`]. One that selects
    /// its clients is not for what comes in through a waypoint. Source: `SidecarScope.DestinationRule` in `pilot/pkg/model/sidecar.go`.
    pub(crate) fn rule_of_waypoint(&self, waypoint: &Named, service: &Service) -> Option<usize> {
        let own = self.destinations.own(&waypoint.namespace);
        self.destinations.of_service(service).for_client(own, &waypoint.namespace, &Pairs::new())
    }

    /// What a waypoint sends on, by what a rule says of TLS.
    pub(crate) fn sent_on(&self, tls: Option<&Tls>, workload: usize) -> (Sends, Why) {
        let own = tls.and_then(|tls| {
            let why = || Why::Rule(tls.place.clone());
            match tls.mode {
                TlsMode::Simple => Some((Sends::TlsSimple, why())),
                TlsMode::Mutual if tls.has_certificate => Some((Sends::TlsMutual, why())),
                TlsMode::Mutual | TlsMode::Disable | TlsMode::IstioMutual => None,
            }
        });
        own.unwrap_or(if self.servers[workload].takes_tunnel {
            (Sends::Hbone, Why::Auto)
        } else {
            (Sends::Plaintext, Why::ServerTakesNone)
        })
    }
}
