//! The resources that the analyzers see: which kinds are read, under which names, and what istioctl puts in itself.
//!
//! Sources: istio.io/istio `pilot/pkg/config/file/store.go`, `pkg/config/analysis/local/istiod_analyze.go`,
//! `pkg/config/analysis/local/defaults.go`, `pkg/config/schema/collections`.

use std::collections::BTreeMap;
use std::fmt;

use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree;

use crate::mesh::Mesh;
use crate::ordered::Ordered;
use crate::reader::{Texts, Value};
use crate::{Unread, View};

/// A kind that some analyzer looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    AuthorizationPolicy,
    ConfigMap,
    CustomResourceDefinition,
    Deployment,
    DestinationRule,
    EnvoyFilter,
    Gateway,
    GrpcRoute,
    HttpRoute,
    KubernetesGateway,
    MutatingWebhookConfiguration,
    Namespace,
    Node,
    PeerAuthentication,
    Pod,
    ProxyConfig,
    RequestAuthentication,
    Secret,
    Service,
    ServiceEntry,
    Sidecar,
    Telemetry,
    TrafficExtension,
    ValidatingWebhookConfiguration,
    VirtualService,
    WasmPlugin,
    WorkloadEntry,
    WorkloadGroup,
}

/// What is known of a kind.
struct Known {
    kind: Kind,
    group: &'static str,
    name: &'static str,
    versions: &'static [&'static str],
    is_cluster_wide: bool,
}

const fn known(
    kind: Kind,
    group: &'static str,
    name: &'static str,
    versions: &'static [&'static str],
    is_cluster_wide: bool,
) -> Known {
    Known { kind, group, name, versions, is_cluster_wide }
}

const NETWORKING: &str = "networking.istio.io";
const SECURITY: &str = "security.istio.io";
const GATEWAY_API: &str = "gateway.networking.k8s.io";
const HOOKS: &str = "admissionregistration.k8s.io";
const V1: &[&str] = &["v1"];
const V1_BETA: &[&str] = &["v1", "v1beta1"];
const V1_ALL: &[&str] = &["v1", "v1alpha3", "v1beta1"];
const V1_ALPHA2: &[&str] = &["v1", "v1alpha2", "v1beta1"];

const KINDS: &[Known] = &[
    known(Kind::AuthorizationPolicy, SECURITY, "AuthorizationPolicy", V1_BETA, false),
    known(Kind::ConfigMap, "", "ConfigMap", V1, false),
    known(Kind::CustomResourceDefinition, "apiextensions.k8s.io", "CustomResourceDefinition", V1, true),
    known(Kind::Deployment, "apps", "Deployment", V1, false),
    known(Kind::DestinationRule, NETWORKING, "DestinationRule", V1_ALL, false),
    known(Kind::EnvoyFilter, NETWORKING, "EnvoyFilter", &["v1alpha3"], false),
    known(Kind::Gateway, NETWORKING, "Gateway", V1_ALL, false),
    known(Kind::GrpcRoute, GATEWAY_API, "GRPCRoute", &["v1", "v1alpha2"], false),
    known(Kind::HttpRoute, GATEWAY_API, "HTTPRoute", V1_ALPHA2, false),
    known(Kind::KubernetesGateway, GATEWAY_API, "Gateway", V1_ALPHA2, false),
    known(Kind::MutatingWebhookConfiguration, HOOKS, "MutatingWebhookConfiguration", V1, true),
    known(Kind::Namespace, "", "Namespace", V1, true),
    known(Kind::Node, "", "Node", V1, true),
    known(Kind::PeerAuthentication, SECURITY, "PeerAuthentication", V1_BETA, false),
    known(Kind::Pod, "", "Pod", V1, false),
    known(Kind::ProxyConfig, NETWORKING, "ProxyConfig", &["v1beta1"], false),
    known(Kind::RequestAuthentication, SECURITY, "RequestAuthentication", V1_BETA, false),
    known(Kind::Secret, "", "Secret", V1, false),
    known(Kind::Service, "", "Service", V1, false),
    known(Kind::ServiceEntry, NETWORKING, "ServiceEntry", V1_ALL, false),
    known(Kind::Sidecar, NETWORKING, "Sidecar", V1_ALL, false),
    known(Kind::Telemetry, "telemetry.istio.io", "Telemetry", &["v1", "v1alpha1"], false),
    known(Kind::TrafficExtension, "extensions.istio.io", "TrafficExtension", &["v1alpha1"], false),
    known(Kind::ValidatingWebhookConfiguration, HOOKS, "ValidatingWebhookConfiguration", V1, true),
    known(Kind::VirtualService, NETWORKING, "VirtualService", V1_ALL, false),
    known(Kind::WasmPlugin, "extensions.istio.io", "WasmPlugin", &["v1alpha1"], false),
    known(Kind::WorkloadEntry, NETWORKING, "WorkloadEntry", V1_ALL, false),
    known(Kind::WorkloadGroup, NETWORKING, "WorkloadGroup", V1_ALL, false),
];

/// Namespaces whose objects are never looked at. Source: istio.io/istio `pkg/kube/inject/initializer.go`.
const IGNORED: [&str; 4] = ["kube-system", "kube-public", "kube-node-lease", "local-path-storage"];

/// The annotation that silences messages: codes with commas between them, or `*`.
const SUPPRESS: &str = "galley.istio.io/analyze-suppress";

impl Kind {
    fn known(self) -> Option<&'static Known> {
        KINDS.iter().find(|known| known.kind == self)
    }

    /// Its name, as it is printed.
    pub(crate) fn name(self) -> &'static str {
        self.known().map_or("", |known| known.name)
    }

    /// Whether objects of it are left out where only what files state counts.
    /// Source: istio.io/istio `pkg/config/analysis/legacy/util/kuberesource/resources.go`.
    pub(crate) const fn is_runtime(self) -> bool {
        matches!(self, Self::Service | Self::Namespace | Self::Node | Self::Pod | Self::Secret)
    }

    /// Whether its objects are read by protobuf.
    fn is_proto(self) -> bool {
        self.known().is_some_and(|known| known.group.ends_with("istio.io"))
    }
}

/// A name with its namespace, which is empty where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name<'s> {
    pub(crate) namespace: &'s str,
    pub(crate) name: &'s str,
}

impl<'s> Name<'s> {
    /// `namespace/name`, or a name in this namespace.
    pub(crate) fn short_or_full(namespace: &'s str, text: &'s str) -> Self {
        match text.split_once('/') {
            Some((namespace, name)) => Self { namespace, name },
            None => Self { namespace, name: text },
        }
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(self.name)
    }
}

/// A resource.
#[derive(Clone, Debug)]
pub(crate) struct Resource<'s> {
    pub(crate) kind: Kind,
    pub(crate) name: Name<'s>,
    pub(crate) labels: Texts<'s>,
    pub(crate) annotations: Texts<'s>,
    /// Its index in the snapshot; nothing of what istioctl puts in.
    pub(crate) index: Option<usize>,
    /// Its object, where it has one.
    pub(crate) object: Option<&'s Object>,
    /// The whole of it.
    pub(crate) root: Value<'s>,
    pub(crate) spec: Value<'s>,
}

impl<'s> Resource<'s> {
    fn of(kind: Kind, index: usize, object: &'s Object, is_cluster_wide: bool) -> Self {
        let root = Value::plain(object.root());
        let metadata = root.get("metadata");
        let namespace = object.id.namespace.as_deref().filter(|_| !is_cluster_wide).unwrap_or_default();
        let spec = root.get("spec").node.map_or(Value::NONE, |node| {
            if kind.is_proto() { Value::proto(node) } else { Value::plain(node) }
        });
        Self {
            kind,
            name: Name { namespace, name: metadata.text("name") },
            labels: metadata.map("labels"),
            annotations: metadata.map("annotations"),
            index: Some(index),
            object: Some(object),
            root,
            spec,
        }
    }

    /// The status, as its kind's decoder reads it.
    pub(crate) fn status(&self) -> Value<'s> {
        let status = self.root.get("status").node;
        status.map_or(
            Value::NONE,
            |node| if self.kind.is_proto() { Value::proto(node) } else { Value::plain(node) },
        )
    }

    /// A label.
    pub(crate) fn label(&self, key: &str) -> &'s str {
        self.labels.get(key).copied().unwrap_or_default()
    }

    /// An annotation.
    pub(crate) fn annotation(&self, key: &str) -> &'s str {
        self.annotations.get(key).copied().unwrap_or_default()
    }

    /// Whether it asks for silence on a code.
    pub(crate) fn suppresses(&self, code: &str) -> bool {
        self.annotation(SUPPRESS).split(',').any(|silenced| silenced == "*" || silenced == code)
    }

    /// The line of a field that holds a single value; else the object's first. 0 where there is no text.
    pub(crate) fn line(&self, path: Option<&FieldPath>) -> u32 {
        let Some(object) = self.object else { return 0 };
        let is_single =
            |node: &tree::Node<'_>| !matches!(node.kind(), tree::Kind::Mapping | tree::Kind::Sequence);
        match path.and_then(|path| object.root().locate(path)).filter(is_single) {
            Some(node) => object.source().position(node.span().start).line,
            None => object.locate(&FieldPath::root()).line,
        }
    }
}

/// A container, as far as it matters.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Container<'s> {
    pub(crate) name: &'s str,
    pub(crate) image: &'s str,
    pub(crate) run_as_user: Option<i64>,
}

/// What is asked of pods and templates of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct PodSpec<'s> {
    pub(crate) containers: Vec<Container<'s>>,
    pub(crate) init_containers: Vec<Container<'s>>,
    pub(crate) run_as_user: Option<i64>,
    pub(crate) host_network: bool,
    pub(crate) node_name: &'s str,
}

impl<'s> PodSpec<'s> {
    pub(crate) fn of(spec: Value<'s>) -> Self {
        let containers = |name: &str| {
            let one = |container: Value<'s>| Container {
                name: container.text("name"),
                image: container.text("image"),
                run_as_user: container.get("securityContext").number("runAsUser"),
            };
            spec.items(name).map(one).collect()
        };
        Self {
            containers: containers("containers"),
            init_containers: containers("initContainers"),
            run_as_user: spec.get("securityContext").number("runAsUser"),
            host_network: spec.is_true("hostNetwork"),
            node_name: spec.text("nodeName"),
        }
    }

    /// Containers, then those that run before.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Container<'s>> {
        self.containers.iter().chain(&self.init_containers)
    }
}

/// A pod.
#[derive(Clone, Debug)]
pub(crate) struct Pod<'s> {
    pub(crate) resource: Resource<'s>,
    pub(crate) spec: PodSpec<'s>,
}

/// A port of a Service.
#[derive(Clone, Debug)]
pub(crate) struct Port<'s> {
    pub(crate) number: i64,
    pub(crate) name: &'s str,
    pub(crate) protocol: &'s str,
    pub(crate) app_protocol: Option<&'s str>,
    /// As it is printed; `0` where none is stated.
    pub(crate) target: String,
}

/// A Service.
#[derive(Clone, Debug)]
pub(crate) struct Service<'s> {
    pub(crate) resource: Resource<'s>,
    pub(crate) selector: Texts<'s>,
    pub(crate) ports: Vec<Port<'s>>,
    pub(crate) is_external_name: bool,
}

impl<'s> Service<'s> {
    fn of(resource: Resource<'s>) -> Self {
        let spec = resource.spec;
        let port = |port: Value<'s>| Port {
            number: port.number("port").unwrap_or(0),
            name: port.text("name"),
            protocol: port.text("protocol"),
            app_protocol: port.get("appProtocol").node.and_then(tree::Node::as_str),
            target: match port.get("targetPort").node {
                Some(node) => {
                    node.as_str().map_or_else(|| node.as_i64().unwrap_or(0).to_string(), str::to_owned)
                }
                None => "0".to_owned(),
            },
        };
        Self {
            selector: spec.map("selector"),
            ports: spec.items("ports").map(port).collect(),
            is_external_name: spec.text("type") == "ExternalName",
            resource,
        }
    }
}

/// The names of what istioctl puts in: a gateway for what enters the mesh, as an installation has one.
#[derive(Debug)]
pub(crate) struct Defaults {
    service: String,
    pod: String,
}

impl Defaults {
    /// Those of a mesh.
    pub(crate) fn of(mesh: &Mesh) -> Self {
        Self { service: mesh.ingress_service.clone(), pod: format!("{}-dummypod", mesh.ingress_service) }
    }
}

/// The namespace of Istio's own parts.
pub(crate) const ISTIO_SYSTEM: &str = "istio-system";

/// All resources, by kind; those of a kind are in the order of the input.
#[derive(Debug, Default)]
pub(crate) struct Store<'s> {
    kinds: BTreeMap<Kind, Vec<Resource<'s>>>,
    /// Where each is in the list of its kind.
    places: BTreeMap<(Kind, Name<'s>), usize>,
    pub(crate) pods: Vec<Pod<'s>>,
    pub(crate) services: Vec<Service<'s>>,
    /// What could not be read.
    pub(crate) unread: Vec<Unread>,
}

impl<'s> Store<'s> {
    /// Takes in the objects of a snapshot. Of two of one name the later counts.
    pub(crate) fn of(snapshot: &'s Snapshot, view: View, mesh: &Mesh, defaults: &'s Defaults) -> Self {
        let mut found: Ordered<(Kind, Name<'s>), Resource<'s>> = Ordered::default();
        let mut store = Self::default();
        for (index, object) in snapshot.all().iter().enumerate() {
            let Some(known) =
                KINDS.iter().find(|known| known.group == object.id.group && known.name == object.id.kind)
            else {
                continue;
            };
            let is_hidden = known.kind.is_runtime() && view == View::Files;
            if is_hidden || !known.versions.contains(&object.version.as_str()) {
                continue;
            }
            if let Some((path, message)) = crate::decode::flaw(object) {
                store.unread.push(Unread { object: index, path, message });
                continue;
            }
            let resource = Resource::of(known.kind, index, object, known.is_cluster_wide);
            let namespace =
                if known.kind == Kind::Namespace { resource.name.name } else { resource.name.namespace };
            if !IGNORED.contains(&namespace) {
                found.insert((known.kind, resource.name), resource);
            }
        }
        if mesh.has_ingress && view == View::All {
            for resource in [default_pod(defaults), default_service(defaults)] {
                found.insert((resource.kind, resource.name), resource);
            }
        }
        for (key, resource) in found.into_entries() {
            let place = match key.0 {
                Kind::Pod => {
                    let spec = if resource.object.is_some() {
                        PodSpec::of(resource.spec)
                    } else {
                        default_pod_spec()
                    };
                    store.pods.push(Pod { resource, spec });
                    store.pods.len()
                }
                Kind::Service => {
                    let is_default = resource.object.is_none();
                    store.services.push(if is_default { put_ports(resource) } else { Service::of(resource) });
                    store.services.len()
                }
                kind => {
                    let all = store.kinds.entry(kind).or_default();
                    all.push(resource);
                    all.len()
                }
            };
            store.places.insert(key, place - 1);
        }
        store
    }

    /// The resources of a kind. Pods and Services have lists of their own.
    pub(crate) fn all(&self, kind: Kind) -> &[Resource<'s>] {
        self.kinds.get(&kind).map_or(&[], Vec::as_slice)
    }

    /// The resource of a kind with this name.
    pub(crate) fn find(&self, kind: Kind, name: Name<'_>) -> Option<&Resource<'s>> {
        self.places.get(&(kind, name)).and_then(|at| self.all(kind).get(*at))
    }

    /// Whether there is a Service of this name.
    pub(crate) fn has_service(&self, name: Name<'_>) -> bool {
        self.places.contains_key(&(Kind::Service, name))
    }

    /// A Namespace.
    pub(crate) fn namespace(&self, name: &str) -> Option<&Resource<'s>> {
        self.find(Kind::Namespace, Name { namespace: "", name })
    }
}

fn put_in<'s>(kind: Kind, name: &'s str, labels: Texts<'s>) -> Resource<'s> {
    Resource {
        kind,
        name: Name { namespace: ISTIO_SYSTEM, name },
        labels,
        annotations: Texts::new(),
        index: None,
        object: None,
        root: Value::NONE,
        spec: Value::NONE,
    }
}

fn ingress_labels<'s>() -> Texts<'s> {
    Texts::from([("istio", "ingressgateway")])
}

fn default_pod(defaults: &Defaults) -> Resource<'_> {
    put_in(Kind::Pod, &defaults.pod, ingress_labels())
}

fn default_pod_spec<'s>() -> PodSpec<'s> {
    let proxy = Container { name: "istio-proxy", ..Container::default() };
    PodSpec { containers: vec![proxy], ..PodSpec::default() }
}

fn default_service(defaults: &Defaults) -> Resource<'_> {
    put_in(Kind::Service, &defaults.service, Texts::new())
}

fn put_ports(resource: Resource<'_>) -> Service<'_> {
    let port = |(name, number): (&'static str, i64)| Port {
        number,
        name,
        protocol: "TCP",
        app_protocol: None,
        target: number.to_string(),
    };
    Service {
        resource,
        selector: ingress_labels(),
        ports: [("http2", 80), ("https", 443), ("tcp", 31400), ("tls", 15443)].map(port).into(),
        is_external_name: false,
    }
}
