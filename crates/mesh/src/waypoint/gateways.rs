//! Gateways as waypoints: whether one is ready, what it is for, and who may attach to it.
//!
//! Sources: istio.io/istio `pilot/pkg/serviceregistry/ambient/waypoints.go` (`gatewayToWaypointTransform`, `makeAllowedRoutes`,
//! `AllowsAttachmentFromNamespace`), `pilot/pkg/config/kube/gatewaycommon/classinfo.go` (`GetBuiltinGatewayClasses`).

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use ringwall_model::object::Object;
use ringwall_model::selector::Selector;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::{Kind, Node};

use super::{For, Other};
use crate::authorization::select::WAYPOINT_CLASS;
use crate::discovery::NAME;
use crate::enrolment::WAYPOINT_FOR;
use crate::workloads::namespace_of;

/// The API group of Gateways and their classes.
const GROUP: &str = "gateway.networking.k8s.io";
/// The controller of the classes that are for waypoints.
const MESH_CONTROLLER: &str = "istio.io/mesh-controller";
/// The classes that istiod makes where they are missing, and their controllers.
const BUILT_IN: [(&str, &str); 4] = [
    (WAYPOINT_CLASS, MESH_CONTROLLER),
    ("istio", "istio.io/gateway-controller"),
    ("istio-remote", "istio.io/unmanaged-gateway"),
    ("istio-east-west", "istio.io/eastwest-controller"),
];
/// The annotation of a Gateway, or its class, that says how a waypoint of another make takes what comes in.
const BINDING: &str = "ambient.istio.io/waypoint-inbound-binding";
/// The protocol of a listener for that.
const PROXY_PROTOCOL: &str = "istio.io/PROXY";

/// A Gateway.
#[derive(Clone, Debug)]
pub(super) struct Gateway {
    /// Its place in the snapshot.
    pub object: usize,
    /// Whether its status has an address that counts. Of one without any status, as files have it, that is taken so.
    pub is_ready: bool,
    /// What it is for.
    pub serves: String,
    /// What it makes, if that is not known to be a waypoint.
    pub other: Option<Other>,
    from: From,
}

/// From which namespaces a listener takes what attaches.
#[derive(Clone, Debug)]
enum From {
    All,
    Same,
    /// Those that a selector selects; none where it is missing or wrong.
    Selected(Option<Selector>),
}

/// Whether a listener takes what attaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Yes,
    No,
    /// It goes by labels that are not in the input.
    Unknown,
}

/// The Gateways of a snapshot, and its namespaces.
#[derive(Debug, Default)]
pub(super) struct Gateways<'s> {
    /// By namespace and name.
    all: BTreeMap<(String, String), Gateway>,
    namespaces: HashMap<&'s str, (usize, &'s Object)>,
}

impl<'s> Gateways<'s> {
    /// Reads them. Costs two passes over the objects.
    pub(super) fn of(snapshot: &'s Snapshot) -> Self {
        let mut classes: HashMap<&str, &Object> = HashMap::new();
        let mut found = Self::default();
        for (index, object) in snapshot.objects() {
            if object.is("", "Namespace") {
                found.namespaces.insert(&object.id.name, (index, object));
            } else if object.is(GROUP, "GatewayClass") {
                classes.insert(&object.id.name, object);
            }
        }
        for (index, object) in snapshot.objects().filter(|(_, object)| object.is(GROUP, "Gateway")) {
            let name = object.root().str_at(&["spec", "gatewayClassName"]).unwrap_or_default();
            let gateway = Gateway::read(object, index, name, classes.get(name).copied());
            found.all.insert((namespace_of(object).to_owned(), object.id.name.clone()), gateway);
        }
        found
    }

    /// A Gateway.
    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<&Gateway> {
        self.all.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// The object of a namespace, and its place in the snapshot.
    pub(super) fn namespace(&self, name: &str) -> Option<(usize, &'s Object)> {
        self.namespaces.get(name).copied()
    }

    /// Whether a Gateway of one namespace takes what is in another one.
    pub(super) fn takes_from(&self, gateway: &Gateway, own: &str, namespace: &str) -> Taken {
        let sure = |is_taken| if is_taken { Taken::Yes } else { Taken::No };
        let selector = match &gateway.from {
            From::All => return Taken::Yes,
            From::Same => return sure(own == namespace),
            From::Selected(None) => return Taken::No,
            From::Selected(Some(selector)) => selector,
        };
        let is_name = |key: &str| key == NAME;
        if let Some((_, object)) = self.namespace(namespace) {
            let labels = object.root().at(&["metadata", "labels"]);
            return sure(selector.matches(|key| match labels {
                _ if is_name(key) => Some(namespace),
                labels => labels?.get(key)?.as_str(),
            }));
        }
        // Of a namespace that is not in the input the name is known.
        let (by_name, others): (Vec<_>, Vec<_>) =
            selector.requirements().iter().cloned().partition(|one| is_name(&one.key));
        let holds = |one| Selector::one(one).matches(|_| Some(namespace));
        match (by_name.into_iter().all(holds), others.is_empty()) {
            (false, _) => Taken::No,
            (true, true) => Taken::Yes,
            (true, false) => Taken::Unknown,
        }
    }
}

impl Gateway {
    fn read(object: &Object, index: usize, class_name: &str, class: Option<&Object>) -> Self {
        // A Gateway says it itself, or else its class does.
        let said = |field: &str, key: &str| {
            let of = |object: &'_ Object| object.root().str_at(&["metadata", field, key]).map(str::to_owned);
            of(object).or_else(|| class.and_then(of))
        };
        let built_in = || BUILT_IN.iter().find(|(name, _)| *name == class_name).map(|(_, own)| *own);
        let controller = match class {
            Some(class) => Some(class.root().str_at(&["spec", "controllerName"]).unwrap_or_default()),
            None => built_in(),
        };
        Self {
            object: index,
            is_ready: is_ready(object),
            serves: said("labels", WAYPOINT_FOR).unwrap_or_else(|| For::Service.name().to_owned()),
            other: match controller {
                Some(MESH_CONTROLLER) => None,
                Some(other) => Some(Other::Controller(other.to_owned())),
                None => Some(Other::UnknownClass(class_name.to_owned())),
            },
            from: from(object, said("annotations", BINDING).as_deref()),
        }
    }
}

/// Whether traffic goes to a Gateway: it does once its status has a host name or an address, which istiod never takes away again. A
/// status that says nothing is as none: a cluster always has conditions in it.
fn is_ready(gateway: &Object) -> bool {
    let Some(status) = gateway.root().get("status").filter(|status| status.kind() == Kind::Mapping) else {
        return true;
    };
    let counts = |address: Node<'_>| {
        let value = address.str_at(&["value"]).unwrap_or_default();
        // The API server fills in the type.
        match address.str_at(&["type"]).unwrap_or("IPAddress") {
            "Hostname" => true,
            "IPAddress" => value.split('%').next().unwrap_or_default().parse::<IpAddr>().is_ok(),
            _ => false,
        }
    };
    status.entries().next().is_none() || status.get("addresses").into_iter().flat_map(Node::items).any(counts)
}

/// From which namespaces its listener takes what attaches: the one that a binding means, or else that for HBONE.
fn from(gateway: &Object, binding: Option<&str>) -> From {
    let listeners = || gateway.root().at(&["spec", "listeners"]).into_iter().flat_map(Node::items);
    let has_port = |listener: &Node<'_>, port: u64| listener.get("port").and_then(Node::as_u64) == Some(port);
    let speaks = |listener: &Node<'_>, protocol| listener.str_at(&["protocol"]) == Some(protocol);
    let bound = || match bound_port(binding?)? {
        0 if binding?.starts_with("PROXY") => listeners().find(|one| speaks(one, PROXY_PROTOCOL)),
        0 => None,
        port => listeners().find(|one| has_port(one, port)),
    };
    let hbone = || listeners().find(|one| speaks(one, "HBONE") && has_port(one, 15_008));
    let namespaces =
        bound().or_else(hbone).and_then(|listener| listener.at(&["allowedRoutes", "namespaces"]));
    let Some(namespaces) = namespaces else { return From::Same };
    match namespaces.str_at(&["from"]) {
        Some("All") => From::All,
        Some("Selector") => {
            let selector = namespaces.get("selector").filter(|selector| !selector.is_null());
            From::Selected(selector.and_then(|selector| Selector::compile(selector).ok()))
        }
        _ => From::Same,
    }
}

/// The port of a binding, 0 where it has none; nothing where it is no binding. It is a protocol, and maybe a port behind a slash.
fn bound_port(binding: &str) -> Option<u64> {
    let (protocol, port) = binding.split_once('/').map_or((binding, None), |(one, port)| (one, Some(port)));
    if !matches!(protocol, "NONE" | "PROXY") || port.is_some_and(|port| port.contains('/')) {
        return None;
    }
    // What is too much for a port is no listener's, and what is no number is as none.
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { text.parse().unwrap_or(u64::MAX) } else { 0 }
    };
    Some(port.map_or(0, number))
}
