//! What sends and receives: pods, the templates of those to come, and machines outside that Istio is told of.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::IpAddr;

use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::Node;
use ringwall_model::workload::{self, CUSTOM, CustomKind, Shape};

use crate::place::{Misread, Pairs, Place, sorted, value};
use crate::reader::{At, Reader};

/// The name of the proxy's container in a pod. Source: istio.io/istio `pkg/kube/inject/webhook.go` (`ProxyContainerName`).
const PROXY: &str = "istio-proxy";

/// A namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespace {
    /// The index of its object in the snapshot, where there is one.
    pub object: Option<usize>,
    /// Its labels.
    pub labels: Pairs,
}

impl Namespace {
    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        value(&self.labels, key)
    }
}

/// What a workload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    /// A pod that runs.
    Pod,
    /// The template of pods to come, or a pod that is not there yet.
    Template,
    /// An address or a name outside of Kubernetes: a `WorkloadEntry`, or an endpoint of a `ServiceEntry`.
    Entry,
}

/// A port that a container says it listens on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContainerPort {
    /// Its name, or nothing.
    pub name: Box<str>,
    /// Its number.
    pub number: u16,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: Box<str>,
}

/// A probe that the kubelet makes over the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The field.
    pub path: FieldPath,
    /// The port that it asks.
    pub port: u16,
}

/// A pod, all pods of a template, or a machine outside.
#[derive(Clone, Debug)]
pub struct Workload {
    /// The index of the object that says so.
    pub object: usize,
    /// What it is.
    pub origin: Origin,
    /// The kind of the object that a user would edit.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// The object's name; of an endpoint of a `ServiceEntry` its address.
    pub name: String,
    /// The way to the pod's `metadata` and `spec`: nothing for a pod.
    pub at: FieldPath,
    /// The labels of the pods.
    pub labels: Pairs,
    /// Their annotations.
    pub annotations: Pairs,
    /// Their service account.
    pub service_account: String,
    /// The ports that their containers declare.
    pub ports: Vec<ContainerPort>,
    /// The probes of their containers.
    pub probes: Vec<Probe>,
    /// Whether they are on the network of their node.
    pub host_network: bool,
    /// The proxy's container, where it is written.
    pub proxy: Option<FieldPath>,
    /// Whether that is a gateway's, a waypoint's or ztunnel itself.
    pub is_router: bool,
    /// Whether they are over.
    pub finished: bool,
    /// The ports of a machine outside, by the names that services give them.
    pub entry_ports: BTreeMap<String, u16>,
    /// Which labels of a `WorkloadEntry` are those of its metadata, not of its `spec`.
    pub own_labels: BTreeSet<Box<str>>,
    /// Whether the address of a machine outside is a name or a socket, which only a `ServiceEntry` that asks DNS leads to.
    pub needs_dns: bool,
}

impl Workload {
    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        value(&self.labels, key)
    }

    /// The value of an annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        value(&self.annotations, key)
    }

    /// The place of a label or an annotation (`what` is `labels` or `annotations`) in the object.
    pub fn metadata(&self, what: &str, key: &str) -> Place {
        let at = match self.origin {
            Origin::Entry if self.own_labels.contains(key) => FieldPath::keys(&["metadata"]),
            Origin::Entry => self.at.clone(),
            Origin::Pod | Origin::Template => self.at.clone().key("metadata"),
        };
        Place { object: self.object, path: at.key(what).key(key) }
    }

    /// The place of a field of the pod's `spec`.
    pub fn spec(&self, key: &str) -> Place {
        Place { object: self.object, path: self.at.clone().key("spec").key(key) }
    }

    /// Takes over the labels of a `WorkloadEntry`'s metadata, which go over those of its `spec`. Source: istio.io/istio
    /// `pilot/pkg/serviceregistry/serviceentry/conversion.go` (`ConvertWorkloadEntry`).
    fn label_by(&mut self, own: Pairs) {
        self.own_labels = own.iter().map(|(key, _)| key.clone()).collect();
        self.labels.retain(|(key, _)| !self.own_labels.contains(key));
        self.labels.extend(own);
        self.labels = sorted(std::mem::take(&mut self.labels));
    }

    /// Whether it is of Istio itself: its control plane calls nobody, and the proxies of nodes and waypoints call for others.
    pub fn is_of_istio(&self) -> bool {
        let is = |key: &str, value: &str| self.label(key) == Some(value);
        is("app", "istiod")
            || is("istio", "pilot")
            || is("app", "ztunnel")
            || is("k8s-app", "istio-cni-node")
            || is("gateway.istio.io/managed", "istio.io-mesh-controller")
    }

    /// Whether it can be asked: it is no pod that is over.
    pub fn is_alive(&self) -> bool {
        !self.finished
    }
}

/// Namespaces and workloads of a snapshot.
#[derive(Clone, Debug, Default)]
pub struct Workloads {
    /// By name. Those that have no object but something in them are here too.
    pub namespaces: BTreeMap<String, Namespace>,
    /// In the order of the snapshot.
    pub all: Vec<Workload>,
}

/// The namespace of an object; `default` where it does not say.
pub(crate) fn namespace_of(object: &Object) -> &str {
    object.id.namespace.as_deref().unwrap_or("default")
}

impl Workloads {
    /// Reads namespaces, pods, what makes them, and `WorkloadEntry` objects. `custom` are further kinds with pod templates. A
    /// template of which
    /// there is a pod is passed over. Costs a pass over the objects.
    pub fn of(snapshot: &Snapshot, custom: &[CustomKind], misread: &mut Vec<Misread>) -> Self {
        let mut found = Self::default();
        let mut makers = HashSet::new();
        for (index, object) in snapshot.objects() {
            match (object.id.group.as_str(), object.id.kind.as_str()) {
                ("", "Namespace") => {
                    let labels = map(object.root(), "labels");
                    let namespace = Namespace { object: Some(index), labels };
                    found.namespaces.insert(object.id.name.clone(), namespace);
                }
                ("", "Pod") => {
                    makers.insert(snapshot.top_owner(index).0);
                    found.all.push(pod(object, index, At::root(object), true));
                }
                ("networking.istio.io", "WorkloadEntry") => {
                    let mut reader = Reader { object: index, misread };
                    if let Some(spec) = reader.mapping(&At::root(object), "spec") {
                        let mut entry = entry(&mut reader, &spec, namespace_of(object));
                        entry.name.clone_from(&object.id.name);
                        entry.label_by(map(object.root(), "labels"));
                        found.all.push(entry);
                    }
                }
                _ => {}
            }
        }
        for (index, object) in snapshot.objects() {
            if !makers.contains(&index) && snapshot.top_owner(index).0 == index {
                templates(object, index, custom, &mut found.all);
            }
        }
        for workload in &found.all {
            if !found.namespaces.contains_key(&workload.namespace) {
                found.namespaces.insert(workload.namespace.clone(), Namespace::default());
            }
        }
        found
    }

    /// The namespace of a name, or one without labels.
    pub fn namespace(&self, name: &str) -> Namespace {
        self.namespaces.get(name).cloned().unwrap_or_default()
    }
}

/// Labels or annotations in the metadata of a node.
fn map(node: Node<'_>, what: &str) -> Pairs {
    let entries = node.at(&["metadata", what]).into_iter().flat_map(Node::entries);
    sorted(entries.map(|entry| (entry.key.into(), entry.value.as_str().unwrap_or_default().into())).collect())
}

/// The workloads that the templates of an object make.
fn templates(object: &Object, index: usize, custom: &[CustomKind], into: &mut Vec<Workload>) {
    match workload::of(object) {
        Some(kind) if kind.is_pod() || kind.kind == "PodTemplate" => {}
        Some(kind) => {
            let Some(node) = kind.template_in(object.root()) else { return };
            let mut pod = pod(object, index, At { node, path: kind.template_path() }, false);
            if object.id.kind == "Job" {
                // Source: `JobNameLabel` in k8s.io/api `batch/v1/types.go`, and the older label beside it.
                for label in ["batch.kubernetes.io/job-name", "job-name"] {
                    pod.labels.push((label.into(), object.id.name.as_str().into()));
                }
                pod.labels = sorted(std::mem::take(&mut pod.labels));
            }
            into.push(pod);
        }
        None => {
            for kind in custom.iter().chain(CUSTOM).filter(|kind| kind.is(object)) {
                if matches!(kind.shape, Shape::Template | Shape::ArgoTemplate) {
                    let found = kind.templates_in(object.root()).into_iter();
                    into.extend(found.map(|(path, node)| pod(object, index, At { node, path }, false)));
                }
            }
        }
    }
}

fn pod(object: &Object, index: usize, at: At<'_>, is_pod: bool) -> Workload {
    let node = at.node;
    // A template of Argo has what a spec has beside its metadata.
    let (spec, in_spec) = match node.get("spec") {
        Some(spec) => (spec, at.path.clone().key("spec")),
        None => (node, at.path.clone()),
    };
    let phase = node.str_at(&["status", "phase"]);
    let runs = is_pod && (phase.is_some() || node.str_at(&["status", "podIP"]).is_some());
    let annotations = map(node, "annotations");
    let mut ports = Vec::new();
    let mut probes = Vec::new();
    let mut proxy = None;
    let mut is_router = value(&annotations, "inject.istio.io/templates") == Some("gateway");
    for key in ["containers", "initContainers"] {
        for (place, container) in spec.get(key).into_iter().flat_map(Node::items).enumerate() {
            let arguments =
                || container.get("args").into_iter().flat_map(Node::items).filter_map(Node::as_str);
            let routes = arguments().any(|argument| matches!(argument, "router" | "waypoint" | "ztunnel"));
            // A gateway may call its proxy otherwise.
            let is_agent = routes && arguments().next() == Some("proxy");
            if container.str_at(&["name"]) == Some(PROXY) || is_agent {
                proxy = Some(in_spec.clone().key(key).index(place));
                is_router |= routes;
            }
            let listens = key == "containers" || container.str_at(&["restartPolicy"]) == Some("Always");
            if listens {
                let own: Vec<_> =
                    container.get("ports").into_iter().flat_map(Node::items).filter_map(port).collect();
                probes.extend(probes_of(container, &in_spec.clone().key(key).index(place), &own));
                ports.extend(own);
            }
        }
    }
    let account = spec.str_at(&["serviceAccountName"]).or_else(|| spec.str_at(&["serviceAccount"]));
    Workload {
        object: index,
        origin: if runs { Origin::Pod } else { Origin::Template },
        kind: object.id.kind.clone(),
        namespace: namespace_of(object).to_owned(),
        name: object.id.name.clone(),
        labels: map(node, "labels"),
        annotations,
        service_account: account.filter(|name| !name.is_empty()).unwrap_or("default").to_owned(),
        ports,
        probes,
        host_network: spec.get("hostNetwork").and_then(Node::as_bool).unwrap_or(false),
        proxy,
        is_router,
        finished: matches!(phase, Some("Succeeded" | "Failed")),
        entry_ports: BTreeMap::new(),
        own_labels: BTreeSet::new(),
        needs_dns: false,
        at: at.path,
    }
}

fn port(node: Node<'_>) -> Option<ContainerPort> {
    let number = u16::try_from(node.get("containerPort")?.as_i64()?).ok()?;
    let protocol = node.str_at(&["protocol"]).filter(|text| !text.is_empty()).unwrap_or("TCP");
    let name = node.str_at(&["name"]).unwrap_or_default();
    Some(ContainerPort { name: name.into(), number, protocol: protocol.into() })
}

fn probes_of(container: Node<'_>, at: &FieldPath, ports: &[ContainerPort]) -> Vec<Probe> {
    let mut probes = Vec::new();
    for key in ["startupProbe", "readinessProbe", "livenessProbe"] {
        for way in ["httpGet", "tcpSocket", "grpc"] {
            let Some(node) = container.at(&[key, way, "port"]) else { continue };
            let port = match node.as_str() {
                Some(name) => ports.iter().find(|port| *port.name == *name).map(|port| port.number),
                None => node.as_u64().and_then(|number| u16::try_from(number).ok()),
            };
            let path = at.clone().key(key).key(way);
            probes.extend(port.map(|port| Probe { path, port }));
        }
    }
    probes
}

/// A machine of which nothing is known but its address or name.
pub(crate) fn bare_entry(object: usize, namespace: &str, name: &str, at: FieldPath) -> Workload {
    Workload {
        object,
        origin: Origin::Entry,
        kind: "WorkloadEntry".to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        at,
        labels: Pairs::new(),
        annotations: Pairs::new(),
        service_account: String::new(),
        ports: Vec::new(),
        probes: Vec::new(),
        host_network: false,
        proxy: None,
        is_router: false,
        finished: false,
        entry_ports: BTreeMap::new(),
        own_labels: BTreeSet::new(),
        needs_dns: false,
    }
}

/// What a `WorkloadEntry` says of a machine. Source: istio.io/istio `pilot/pkg/serviceregistry/serviceentry/conversion.go`.
pub(crate) fn entry(reader: &mut Reader<'_>, at: &At<'_>, namespace: &str) -> Workload {
    let address = reader.text(at, "address").unwrap_or_default();
    let mut workload = bare_entry(reader.object, namespace, address, at.path.clone());
    workload.needs_dns = !address.is_empty() && address.parse::<IpAddr>().is_err();
    if let Some(ports) = reader.mapping(at, "ports") {
        for port in ports.node.entries() {
            let number = reader.number(&ports, port.key).and_then(|number| u16::try_from(number).ok());
            // Zero is as good as none.
            let number = number.filter(|number| *number != 0);
            workload.entry_ports.extend(number.map(|number| (port.key.to_owned(), number)));
        }
    }
    workload.labels = reader.pairs(at, "labels").unwrap_or_default();
    reader.text(at, "serviceAccount").unwrap_or_default().clone_into(&mut workload.service_account);
    workload
}
