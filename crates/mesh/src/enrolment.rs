//! Who is in the mesh: what the labels ask for, and what running pods show.
//!
//! Sources: the selectors of the webhook in istio.io/istio `manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml`,
//! the injector in `pkg/kube/inject/inject.go` (`injectRequired`), and ambient's selectors in `manifests/charts/istio-cni/values.yaml` and
//! `cni/pkg/util/enablement_selector.go`.

use ringwall_model::address::{Address, Block};

use crate::authorization::policy::parse_bool;
use crate::injector::{Injector, ProxyDefaults};
use crate::place::Place;
use crate::workloads::{Namespace, Origin, Workload};

/// The label and the annotation that ask for a sidecar, or for none.
pub const INJECT: &str = "sidecar.istio.io/inject";
/// The label of a namespace that asks for sidecars of the default revision.
pub const INJECTION: &str = "istio-injection";
/// The label that asks for a sidecar of a revision.
pub const REVISION: &str = "istio.io/rev";
/// The label that asks for ambient.
pub const DATAPLANE_MODE: &str = "istio.io/dataplane-mode";
/// The label that says to clients whether a pod takes mutual TLS. Injection sets it.
pub const TLS_MODE: &str = "security.istio.io/tlsMode";
/// The label that says that a pod takes HBONE.
pub const TUNNEL: &str = "networking.istio.io/tunnel";
/// The label of what has a waypoint before it: its value is the waypoint's name, or `none`.
pub const USE_WAYPOINT: &str = "istio.io/use-waypoint";
/// The label beside it that says in which namespace the waypoint is.
pub const USE_WAYPOINT_NAMESPACE: &str = "istio.io/use-waypoint-namespace";
/// The annotation of a Gateway that names the service account of its pods.
pub const GATEWAY_ACCOUNT: &str = "gateway.istio.io/service-account";
/// The label of a service that sends gateways through its waypoint.
pub const INGRESS_USE_WAYPOINT: &str = "istio.io/ingress-use-waypoint";
/// The label of a waypoint that says what it is for: `service`, `workload`, `all` or `none`.
pub const WAYPOINT_FOR: &str = "istio.io/waypoint-for";
/// The annotation that names what is injected.
pub const TEMPLATES: &str = "inject.istio.io/templates";
/// The annotation that injection leaves.
pub const STATUS: &str = "sidecar.istio.io/status";
/// The annotation that ambient leaves.
pub const REDIRECTION: &str = "ambient.istio.io/redirection";

/// Namespaces that the injector passes over. Source: `pkg/kube/inject/initializer.go` (`IgnoredNamespaces`).
const IGNORED: [&str; 4] = ["kube-system", "kube-public", "kube-node-lease", "local-path-storage"];

/// The agent's own ports, which are never redirected. Source: `files/injection-template.yaml` (15090, 15021 and the status port).
const AGENT_PORTS: [u16; 3] = [15_020, 15_021, 15_090];

/// What carries a workload's traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// Nothing of the mesh.
    None,
    /// A proxy beside it.
    Sidecar,
    /// The node's ztunnel.
    Ambient,
    /// It is a gateway itself.
    Gateway,
}

/// What decides on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// It is on the network of its node, where nothing may be redirected.
    HostNetwork,
    /// Its namespace is one of the cluster's own.
    IgnoredNamespace,
    /// A label of its namespace.
    NamespaceLabel,
    /// A label of the pod.
    PodLabel,
    /// An annotation of the pod, which counts where there is no such label.
    PodAnnotation,
    /// The mesh injects where nothing is said.
    ByDefault,
    /// The injector's own settings leave it out.
    Injector,
    /// Nothing asks for it.
    NothingAsks,
    /// The annotation that injection or ambient leaves.
    Status,
    /// The proxy's container is in the pod.
    Container,
    /// It runs and has no sign of a proxy.
    NoSign,
    /// It is outside of Kubernetes, and says so by a label or its service account.
    Entry,
    /// It gets the agent alone: its library for gRPC does by itself what a proxy would do.
    Proxyless,
}

/// An answer, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The answer.
    pub mode: Mode,
    /// The revision of the control plane, of a sidecar that labels ask for.
    pub revision: Option<String>,
    /// What decides.
    pub reason: Reason,
    /// Where that is written, if it is.
    pub place: Option<Place>,
}

impl Decision {
    fn new(mode: Mode, reason: Reason, place: Option<Place>) -> Self {
        Self { mode, revision: None, reason, place }
    }

    fn revision(mut self, revision: &str) -> Self {
        self.revision = Some(revision.to_owned());
        self
    }
}

/// How a workload is enrolled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolment {
    /// What pods get that are made now.
    pub expected: Decision,
    /// What a running pod has; nothing of a template.
    pub actual: Option<Decision>,
}

impl Enrolment {
    /// How a workload of a namespace is enrolled.
    pub fn of(workload: &Workload, namespace: &Namespace, injector: &Injector) -> Self {
        let actual = match workload.origin {
            // One that holds its proxy has one: a gateway, or what `istioctl kube-inject` wrote.
            Origin::Template if workload.proxy.is_some() => {
                return Self { expected: held(workload), actual: None };
            }
            Origin::Template => None,
            Origin::Pod => Some(actual(workload)),
            Origin::Entry => {
                return Self { expected: of_entry(workload), actual: None };
            }
        };
        Self { expected: expected(workload, namespace, injector), actual }
    }

    /// The answer that counts: what is there, and of a template what will be.
    pub fn decision(&self) -> &Decision {
        self.actual.as_ref().unwrap_or(&self.expected)
    }

    /// What carries the traffic.
    pub fn mode(&self) -> Mode {
        self.decision().mode
    }

    /// Whether a running pod has something else than a new one would get: it is older than the labels, and must be restarted.
    pub fn is_stale(&self) -> bool {
        self.actual.as_ref().is_some_and(|actual| actual.mode != self.expected.mode)
    }
}

/// A machine outside has a sidecar where it says so by its label, or else where it has a service account.
/// Source: `pilot/pkg/serviceregistry/serviceentry/conversion.go` (`getTLSModeFromWorkloadEntry`).
fn of_entry(workload: &Workload) -> Decision {
    let mode = if takes_mutual(workload, Mode::None) { Mode::Sidecar } else { Mode::None };
    let place = match workload.label(TLS_MODE) {
        Some(_) => Some(workload.metadata("labels", TLS_MODE)),
        None if mode == Mode::Sidecar => {
            Some(Place { object: workload.object, path: workload.at.clone().key("serviceAccount") })
        }
        None => None,
    };
    Decision::new(mode, Reason::Entry, place)
}

/// What pods get that are made now.
pub fn expected(workload: &Workload, namespace: &Namespace, injector: &Injector) -> Decision {
    let sidecar = sidecar(workload, namespace, injector);
    if sidecar.mode != Mode::None {
        return sidecar;
    }
    let ambient = ambient(workload, namespace);
    // Where neither comes, the one that something asked for tells more.
    if ambient.mode != Mode::None || sidecar.reason == Reason::NothingAsks { ambient } else { sidecar }
}

fn of_namespace(namespace: &Namespace, key: &str) -> Option<Place> {
    let path = ringwall_model::path::FieldPath::keys(&["metadata", "labels", key]);
    namespace.object.map(|object| Place { object, path })
}

/// Whether a new pod gets a sidecar: first whether the API server asks the webhook, then what the injector says.
fn sidecar(workload: &Workload, namespace: &Namespace, injector: &Injector) -> Decision {
    let none = |reason, place| Decision::new(Mode::None, reason, place);
    let asks = workload.label(INJECT);
    let label = |key: &str| Some(workload.metadata("labels", key));
    let (revision, reason, place) = match (namespace.label(INJECTION), namespace.label(REVISION)) {
        (Some("enabled"), _) => ("default", Reason::NamespaceLabel, of_namespace(namespace, INJECTION)),
        // Any other value, and both webhooks look away, whatever the pod says.
        (Some(_), _) => return none(Reason::NamespaceLabel, of_namespace(namespace, INJECTION)),
        (None, Some(revision)) => (revision, Reason::NamespaceLabel, of_namespace(namespace, REVISION)),
        (None, None) => match (workload.label(REVISION), asks) {
            (Some(revision), _) => (revision, Reason::PodLabel, label(REVISION)),
            (None, Some("true")) => ("default", Reason::PodLabel, label(INJECT)),
            (None, None) if injector.by_default && !IGNORED.contains(&workload.namespace.as_str()) => {
                ("default", Reason::ByDefault, None)
            }
            // An annotation alone is never seen: webhooks select by labels.
            (None, None) => return none(Reason::NothingAsks, None),
            (None, Some(_)) => return none(Reason::PodLabel, label(INJECT)),
        },
    };
    if asks == Some("false") {
        return none(Reason::PodLabel, label(INJECT));
    }
    if workload.host_network {
        return none(Reason::HostNetwork, Some(workload.spec("hostNetwork")));
    }
    if IGNORED.contains(&workload.namespace.as_str()) {
        return none(Reason::IgnoredNamespace, None);
    }
    // The label counts before the annotation, also where it has a value that says nothing.
    if asks.is_none() && workload.annotation(INJECT) == Some("false") {
        return none(Reason::PodAnnotation, Some(workload.metadata("annotations", INJECT)));
    }
    if injector.leaves_out(workload, asks.or_else(|| workload.annotation(INJECT))) {
        return none(Reason::Injector, injector.place.clone());
    }
    // Source: `files/grpc-agent.yaml` and `grpc-simple.yaml`, which bring no proxy.
    let is_grpc = |name: &str| matches!(name.trim(), "grpc-agent" | "grpc-simple");
    if workload.annotation(TEMPLATES).is_some_and(|list| list.split(',').any(is_grpc)) {
        return none(Reason::Proxyless, Some(workload.metadata("annotations", TEMPLATES)));
    }
    let mode = if workload.is_router { Mode::Gateway } else { Mode::Sidecar };
    Decision::new(mode, reason, place).revision(revision)
}

/// Whether the node's ztunnel takes a pod that has no sidecar.
fn ambient(workload: &Workload, namespace: &Namespace) -> Decision {
    let of_pod = workload.label(DATAPLANE_MODE);
    let of_space = namespace.label(DATAPLANE_MODE) == Some("ambient");
    let (reason, place) = match of_pod {
        Some("ambient") => (Reason::PodLabel, Some(workload.metadata("labels", DATAPLANE_MODE))),
        Some("none") => {
            let place = Some(workload.metadata("labels", DATAPLANE_MODE));
            return Decision::new(Mode::None, Reason::PodLabel, place);
        }
        _ if of_space => (Reason::NamespaceLabel, of_namespace(namespace, DATAPLANE_MODE)),
        _ => return Decision::new(Mode::None, Reason::NothingAsks, None),
    };
    if workload.host_network {
        return Decision::new(Mode::None, Reason::HostNetwork, Some(workload.spec("hostNetwork")));
    }
    if workload.annotation(STATUS).is_some() {
        let place = Some(workload.metadata("annotations", STATUS));
        return Decision::new(Mode::None, Reason::Status, place);
    }
    // Source: `excludeNamespaces` of istio-cni's values.
    if workload.namespace == "kube-system" {
        return Decision::new(Mode::None, Reason::IgnoredNamespace, None);
    }
    Decision::new(Mode::Ambient, reason, place)
}

/// What the proxy's own container makes of a pod.
fn held(workload: &Workload) -> Decision {
    let mode = if workload.is_router { Mode::Gateway } else { Mode::Sidecar };
    let place = workload.proxy.as_ref().map(|path| Place { object: workload.object, path: path.clone() });
    Decision::new(mode, Reason::Container, place)
}

/// What a running pod has.
fn actual(workload: &Workload) -> Decision {
    let annotation = |key: &str| Some(workload.metadata("annotations", key));
    if workload.annotation(REDIRECTION) == Some("enabled") {
        return Decision::new(Mode::Ambient, Reason::Status, annotation(REDIRECTION));
    }
    if workload.proxy.is_some() {
        return held(workload);
    }
    let mode = if workload.is_router { Mode::Gateway } else { Mode::Sidecar };
    if workload.annotation(STATUS).is_some() {
        return Decision::new(mode, Reason::Status, annotation(STATUS));
    }
    if workload.label(TLS_MODE) == Some("istio") {
        return Decision::new(mode, Reason::PodLabel, Some(workload.metadata("labels", TLS_MODE)));
    }
    Decision::new(Mode::None, Reason::NoSign, None)
}

/// Whether clients are told that the workload takes mutual TLS. Injection sets the label that says so, where a pod has none.
/// Source: `pilot/pkg/model/service.go` (`GetTLSModeFromEndpointLabels`), `files/injection-template.yaml`.
pub fn takes_mutual(workload: &Workload, mode: Mode) -> bool {
    match (workload.label(TLS_MODE), workload.origin) {
        (Some(value), _) => value == "istio",
        (None, Origin::Template) => mode == Mode::Sidecar,
        (None, Origin::Entry) => !workload.service_account.is_empty(),
        (None, Origin::Pod) => false,
    }
}

/// Whether clients are told that the workload takes HBONE. Injection sets the label that says so of sidecars to come where the mesh has HBONE
/// on (`by_injection`). Source: `manifests/charts/istio-control/istio-discovery/files/injection-template.yaml`, `pilot/pkg/xds/endpoints/endpoint_builder.go` (`supportTunnel`).
pub fn takes_tunnel(workload: &Workload, mode: Mode, by_injection: bool) -> bool {
    let is_injected = by_injection && mode == Mode::Sidecar && workload.origin == Origin::Template;
    mode == Mode::Ambient || workload.label(TUNNEL).map_or(is_injected, |label| label == "http")
}

/// Which ports go past the proxy of a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Exclusions {
    /// The annotation by which nothing of what comes in passes the proxy.
    pub all_inbound: Option<&'static str>,
    /// Of what comes in: all ports but these, where they are stated.
    pub only_inbound: Option<Vec<u16>>,
    /// Of what comes in.
    pub inbound: Vec<u16>,
    /// Of what goes out.
    pub outbound: Vec<u16>,
    /// The annotation by which nothing of what goes out passes the proxy: it includes no address, or excludes all, or nothing is redirected.
    pub all_outbound: Option<&'static str>,
    /// The ports that pass the proxy even so.
    pub included_outbound: Vec<u16>,
    /// Of what goes out to other ports: all addresses but these, where they are stated.
    pub only_ranges: Option<Vec<Block>>,
    /// Of what goes out to other ports.
    pub ranges: Vec<Block>,
    /// Where the mesh says what counts for workloads whose annotations do not.
    pub default_place: Option<Place>,
}

const ONLY_INBOUND: &str = "traffic.sidecar.istio.io/includeInboundPorts";
const NOT_INBOUND: &str = "traffic.sidecar.istio.io/excludeInboundPorts";
const ONLY_OUTBOUND: &str = "traffic.sidecar.istio.io/includeOutboundPorts";
const INTERCEPTION: &str = "sidecar.istio.io/interceptionMode";
const BYPASS: &str = "ambient.istio.io/bypass-inbound-capture";
const NOT_OUTBOUND: &str = "traffic.sidecar.istio.io/excludeOutboundPorts";
const ONLY_RANGES: &str = "traffic.sidecar.istio.io/includeOutboundIPRanges";
const NOT_RANGES: &str = "traffic.sidecar.istio.io/excludeOutboundIPRanges";

/// The ports of a list; what is no number is passed over, as injection refuses it.
fn ports(list: &str) -> Vec<u16> {
    let mut ports: Vec<u16> = list.split(',').filter_map(|port| port.trim().parse().ok()).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// The blocks of a list; what is no block is passed over, as injection refuses it.
fn blocks(list: &str) -> Vec<Block> {
    list.split(',').filter_map(|range| Block::parse(range.trim())).collect()
}

/// The annotation by which nothing of what goes out passes the proxy, if one says so.
fn all_outbound(workload: &Workload, proxy: &ProxyDefaults) -> Option<&'static str> {
    let includes_none = proxy.stated(workload, ONLY_RANGES).is_some_and(|list| list.trim().is_empty());
    let is_all = |range: &str| matches!(range.trim(), "0.0.0.0/0" | "*");
    let excludes_all = proxy.stated(workload, NOT_RANGES).is_some_and(|list| list.split(',').any(is_all));
    if includes_none { Some(ONLY_RANGES) } else { excludes_all.then_some(NOT_RANGES) }
}

impl Exclusions {
    /// What the annotations of a workload exclude, or the mesh where they do not say, by what carries its traffic. Sources:
    /// `files/injection-template.yaml`, `tools/istio-iptables/pkg/capture/run.go`; for ambient `getPodLevelTrafficOverrides` in
    /// `cni/pkg/nodeagent/net.go`.
    pub fn of(workload: &Workload, mode: Mode, proxy: &ProxyDefaults) -> Self {
        match mode {
            Mode::Sidecar => Self::of_sidecar(workload, proxy),
            Mode::Ambient => {
                let bypasses = workload.annotation(BYPASS).and_then(parse_bool) == Some(true);
                Self { all_inbound: bypasses.then_some(BYPASS), ..Self::default() }
            }
            Mode::None | Mode::Gateway => Self::default(),
        }
    }

    fn of_sidecar(workload: &Workload, proxy: &ProxyDefaults) -> Self {
        let only = proxy.stated(workload, ONLY_INBOUND).filter(|list| list.trim() != "*");
        // Nothing is redirected then. The ports that a `Sidecar` binds by its `ingress` are not looked at.
        if workload.annotation(INTERCEPTION) == Some("NONE") {
            return Self {
                all_inbound: Some(INTERCEPTION),
                all_outbound: Some(INTERCEPTION),
                ..Self::default()
            };
        }
        Self {
            all_inbound: None,
            only_ranges: proxy
                .stated(workload, ONLY_RANGES)
                .filter(|list| !list.split(',').any(|range| range.trim() == "*"))
                .map(blocks),
            ranges: proxy.stated(workload, NOT_RANGES).map(blocks).unwrap_or_default(),
            included_outbound: proxy.stated(workload, ONLY_OUTBOUND).map(ports).unwrap_or_default(),
            only_inbound: only.map(ports),
            inbound: proxy.stated(workload, NOT_INBOUND).map(ports).unwrap_or_default(),
            outbound: proxy.stated(workload, NOT_OUTBOUND).map(ports).unwrap_or_default(),
            all_outbound: all_outbound(workload, proxy),
            default_place: proxy.place.clone(),
        }
    }

    /// Whether the proxy is for the way out alone, as before a program that is the edge itself.
    pub fn is_way_out(&self) -> bool {
        self.all_inbound == Some(BYPASS) || self.only_inbound.as_ref().is_some_and(Vec::is_empty)
    }

    /// Where an annotation is written, or the mesh's setting that counts without it.
    fn stated_at(&self, workload: &Workload, key: &str) -> Place {
        let default = self.default_place.clone().filter(|_| workload.annotation(key).is_none());
        default.unwrap_or_else(|| workload.metadata("annotations", key))
    }

    /// Whether what comes in at a port goes past the proxy.
    pub fn excludes_inbound(&self, port: u16) -> bool {
        self.all_inbound.is_some()
            || AGENT_PORTS.contains(&port)
            || self.inbound.binary_search(&port).is_ok()
            || self.only_inbound.as_ref().is_some_and(|only| only.binary_search(&port).is_err())
    }

    /// The same without what is about the way in, by which clients are not told apart.
    pub(crate) fn outbound_only(&self) -> Self {
        let Self { outbound, all_outbound, included_outbound, only_ranges, ranges, .. } = self.clone();
        Self { outbound, all_outbound, included_outbound, only_ranges, ranges, ..Self::default() }
    }

    /// Whether all that goes out passes the proxy.
    pub fn takes_all_outbound(&self) -> bool {
        self.outbound.is_empty()
            && self.all_outbound.is_none()
            && self.only_ranges.is_none()
            && self.ranges.is_empty()
    }

    /// Whether what goes out to a port goes past the proxy; also by its address, where that is known.
    pub fn excludes_outbound(&self, port: u16, address: Option<Address>) -> bool {
        self.outbound_key(port, address).is_some()
    }

    /// The annotation by which it does. Ports count before addresses. Source: `tools/istio-iptables/pkg/capture/run.go`.
    fn outbound_key(&self, port: u16, address: Option<Address>) -> Option<&'static str> {
        if self.outbound.binary_search(&port).is_ok() {
            return Some(NOT_OUTBOUND);
        }
        if self.included_outbound.binary_search(&port).is_ok() {
            return None;
        }
        let is_in = |blocks: &[Block], address| blocks.iter().any(|block| block.contains(address));
        self.all_outbound.or_else(|| match (address?, &self.only_ranges) {
            (address, _) if is_in(&self.ranges, address) => Some(NOT_RANGES),
            (address, Some(only)) if !is_in(only, address) => Some(ONLY_RANGES),
            _ => None,
        })
    }

    /// Where it is written that what comes in at a port goes past the proxy; nothing of the agent's own ports.
    pub fn inbound_place(&self, workload: &Workload, port: u16) -> Option<Place> {
        let key = if let Some(key) = self.all_inbound {
            key
        } else if self.inbound.binary_search(&port).is_ok() {
            NOT_INBOUND
        } else if self.only_inbound.as_ref().is_some_and(|only| only.binary_search(&port).is_err()) {
            ONLY_INBOUND
        } else {
            return None;
        };
        Some(self.stated_at(workload, key))
    }

    /// Where it is written that what goes out to a port goes past the proxy.
    pub fn outbound_place(&self, workload: &Workload, port: u16, address: Option<Address>) -> Option<Place> {
        self.outbound_key(port, address).map(|key| self.stated_at(workload, key))
    }
}
