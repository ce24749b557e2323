//! Services as the API server reads them: what is missing is completed, and what it would refuse is said.

use std::sync::Arc;

use ringwall_model::address::{Address, Block};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::tree::{Kind, Node};

use super::{Service, ServiceKind, ServicePort, Target, namespace_of, port_number, protocol_of};
use crate::labels::Labels;
use crate::policy::Refusal;

/// The annotation that was there before `spec.loadBalancerSourceRanges`, and counts where that is empty.
const SOURCE_RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";

/// The Service in an object, with no pods yet; `None` where it has no spec.
pub(super) fn service(
    object: &Object,
    index: usize,
    refusals: &mut Vec<(usize, Refusal)>,
) -> Option<Service> {
    Reader { object: index, refusals }.service(object)
}

struct Reader<'r> {
    object: usize,
    refusals: &'r mut Vec<(usize, Refusal)>,
}

impl Reader<'_> {
    fn refuse(&mut self, path: FieldPath, node: Node<'_>, message: impl Into<String>) {
        let refusal = Refusal { path, span: node.span(), message: message.into() };
        self.refusals.push((self.object, refusal));
    }

    fn service(&mut self, object: &Object) -> Option<Service> {
        let root = object.root();
        let Some(spec) = root.get("spec").filter(|node| !node.is_null()) else {
            self.refuse(FieldPath::keys(&["spec"]), root, "a Service needs a spec");
            return None;
        };
        let kind = self.kind(spec);
        let named = kind == ServiceKind::ExternalName;
        Some(Service {
            object: self.object,
            namespace: namespace_of(object).to_owned(),
            name: object.id.name.clone(),
            kind,
            external_name: spec.str_at(&["externalName"]).filter(|_| named).map(str::to_owned),
            external_ips: if named { Vec::new() } else { self.external_ips(spec) },
            selector: if named { None } else { self.selector(spec) },
            pods: Arc::default(),
            endpoints: Vec::new(),
            ports: self.ports(spec, kind),
            source_ranges: if kind == ServiceKind::LoadBalancer {
                self.source_ranges(root, spec)
            } else {
                Vec::new()
            },
            local: spec.str_at(&["externalTrafficPolicy"]) == Some("Local"),
            internal: is_internal(object),
            allocates_node_ports: spec.get("allocateLoadBalancerNodePorts").and_then(Node::as_bool)
                != Some(false),
        })
    }

    /// Source: `SetDefaults_Service` in k8s.io/kubernetes `pkg/apis/core/v1/defaults.go`.
    fn kind(&mut self, spec: Node<'_>) -> ServiceKind {
        let first = spec.get("clusterIPs").and_then(|list| list.item(0)).and_then(Node::as_str);
        let headless = spec.str_at(&["clusterIP"]).filter(|text| !text.is_empty()).or(first) == Some("None");
        match spec.str_at(&["type"]).unwrap_or_default() {
            "" | "ClusterIP" if headless => ServiceKind::Headless,
            "" | "ClusterIP" => ServiceKind::ClusterIp,
            "ExternalName" => ServiceKind::ExternalName,
            kind @ ("NodePort" | "LoadBalancer") => {
                if let Some(node) = spec.get("clusterIP").filter(|_| headless) {
                    let path = FieldPath::keys(&["spec", "clusterIP"]);
                    self.refuse(path, node, format!("a Service of type {kind} cannot be headless"));
                }
                if kind == "NodePort" { ServiceKind::NodePort } else { ServiceKind::LoadBalancer }
            }
            _ => {
                let node = spec.get("type").unwrap_or(spec);
                let expected = "expected ClusterIP, NodePort, LoadBalancer or ExternalName";
                self.refuse(FieldPath::keys(&["spec", "type"]), node, expected);
                ServiceKind::ClusterIp
            }
        }
    }

    /// An empty selector selects nothing: source the comment of `Selector` in k8s.io/api `core/v1/types.go`. One that the API server
    /// would refuse selects nothing either.
    fn selector(&mut self, spec: Node<'_>) -> Option<Labels> {
        let node = spec.get("selector").filter(|node| !node.is_null())?;
        let path = FieldPath::keys(&["spec", "selector"]);
        if node.kind() != Kind::Mapping {
            self.refuse(path, node, format!("expected labels, got {}", node.kind().described()));
            return None;
        }
        let mut labels = Labels::default();
        for entry in node.entries() {
            match entry.value.as_str() {
                Some(value) => labels.set(entry.key, value),
                None if entry.value.is_null() => labels.set(entry.key, ""),
                None => {
                    let message = format!("expected a string, got {}", entry.value.kind().described());
                    self.refuse(path.clone().key(entry.key), entry.value, message);
                    return None;
                }
            }
        }
        Some(labels).filter(|labels| *labels != Labels::default())
    }

    fn external_ips(&mut self, spec: Node<'_>) -> Vec<Address> {
        let mut addresses = Vec::new();
        for (at, node) in spec.get("externalIPs").into_iter().flat_map(Node::items).enumerate() {
            match node.as_str().and_then(Address::parse) {
                Some(address) => addresses.push(address),
                None => {
                    let path = FieldPath::keys(&["spec", "externalIPs"]).index(at);
                    self.refuse(path, node, "expected an address");
                }
            }
        }
        addresses
    }

    /// Source: `GetLoadBalancerSourceRanges` in k8s.io/cloud-provider `service/helpers/helper.go`.
    fn source_ranges(&mut self, root: Node<'_>, spec: Node<'_>) -> Vec<Block> {
        let mut blocks = Vec::new();
        let list = spec.get("loadBalancerSourceRanges").into_iter().flat_map(Node::items);
        let mut stated: Vec<(FieldPath, Node<'_>, &str)> = list
            .enumerate()
            .map(|(at, node)| {
                let path = FieldPath::keys(&["spec", "loadBalancerSourceRanges"]).index(at);
                (path, node, node.as_str().unwrap_or_default())
            })
            .collect();
        let annotation = root.at(&["metadata", "annotations", SOURCE_RANGES]).filter(|_| stated.is_empty());
        if let Some((node, text)) = annotation.and_then(|node| Some((node, node.as_str()?))) {
            let path = FieldPath::keys(&["metadata", "annotations", SOURCE_RANGES]);
            let parts = text.split(',').filter(|_| !text.trim().is_empty());
            stated.extend(parts.map(|part| (path.clone(), node, part)));
        }
        for (path, node, text) in stated {
            match Block::parse(text.trim()) {
                Some(block) => blocks.push(block),
                None => {
                    let message = format!("\"{text}\" is no block of addresses, expected one as 10.0.0.0/8");
                    self.refuse(path, node, message);
                }
            }
        }
        blocks
    }

    fn ports(&mut self, spec: Node<'_>, kind: ServiceKind) -> Vec<ServicePort> {
        let list: Vec<Node<'_>> = spec.get("ports").into_iter().flat_map(Node::items).collect();
        let path = FieldPath::keys(&["spec", "ports"]);
        if list.is_empty() && kind.translates() {
            self.refuse(path, spec, "a Service that is not headless needs a port");
            return Vec::new();
        }
        let numbered = list.into_iter().enumerate();
        numbered.filter_map(|(at, node)| self.port(node, at, &path.clone().index(at))).collect()
    }

    fn port(&mut self, node: Node<'_>, index: usize, path: &FieldPath) -> Option<ServicePort> {
        if node.kind() != Kind::Mapping {
            return None;
        }
        let written = |key: &str| node.get(key).filter(|node| !node.is_null());
        let Some(number) = written("port").and_then(port_number) else {
            let at = written("port").unwrap_or(node);
            self.refuse(path.clone().key("port"), at, "expected a port from 1 to 65535");
            return None;
        };
        let Some(protocol) = protocol_of(node.get("protocol")) else {
            let at = written("protocol").unwrap_or(node);
            self.refuse(path.clone().key("protocol"), at, "expected TCP, UDP or SCTP");
            return None;
        };
        let name = node.str_at(&["name"]).unwrap_or_default().to_owned();
        let target = self.target(written("targetPort"), number, path.clone().key("targetPort"))?;
        let node_port = written("nodePort").and_then(port_number);
        Some(ServicePort { index, name, protocol, number, node_port, target })
    }

    /// Where a `targetPort` is missing, 0 or empty, it is the port. Source: `SetDefaults_Service`; what a name looks like:
    /// `IsValidPortName` in k8s.io/apimachinery `pkg/util/validation/validation.go`.
    fn target(&mut self, node: Option<Node<'_>>, number: u16, path: FieldPath) -> Option<Target> {
        let Some(node) = node else { return Some(Target::Number(number)) };
        match node.as_str() {
            Some("") => Some(Target::Number(number)),
            Some(name) => {
                if !name.bytes().any(|byte| byte.is_ascii_alphabetic()) {
                    self.refuse(
                        path,
                        node,
                        format!("\"{name}\" is text and so a name, which needs a letter"),
                    );
                }
                Some(Target::Name(name.to_owned()))
            }
            None if node.as_i64() == Some(0) => Some(Target::Number(number)),
            None => {
                let target = port_number(node);
                if target.is_none() {
                    self.refuse(path, node, "expected a port from 1 to 65535, or the name of one");
                }
                target.map(Target::Number)
            }
        }
    }
}

/// Annotations of providers that make a load balancer an internal one, and the values that do not.
pub(super) fn is_internal(object: &Object) -> bool {
    const KEYS: [&str; 9] = [
        "service.beta.kubernetes.io/aws-load-balancer-internal",
        "service.beta.kubernetes.io/aws-load-balancer-scheme",
        "service.beta.kubernetes.io/azure-load-balancer-internal",
        "networking.gke.io/load-balancer-type",
        "cloud.google.com/load-balancer-type",
        "service.beta.kubernetes.io/openstack-internal-load-balancer",
        "service.beta.kubernetes.io/oci-load-balancer-internal",
        "service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type",
        "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type",
    ];
    let annotations = object.root().at(&["metadata", "annotations"]);
    let value = |key: &&str| annotations?.get(key).and_then(Node::as_str).map(str::to_ascii_lowercase);
    KEYS.iter().filter_map(value).any(|value| {
        !matches!(value.as_str(), "" | "false" | "external" | "internet-facing" | "public" | "internet")
    })
}
