//! Waypoints: which one stands before a service or a workload, for clients in ambient mode.
//!
//! Sidecars go around them. Source: istio.io/istio `pilot/pkg/serviceregistry/ambient/waypoints.go` (`fetchWaypointForTarget`,
//! `fetchWaypointForService`, `fetchWaypointForWorkload`), `pilot/pkg/xds/endpoints/endpoint_builder.go` (`findServiceWaypoint`).

use std::collections::BTreeMap;

use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::Node;

use crate::authorization::select::WAYPOINT_CLASS;
use crate::enrolment::{
    GATEWAY_ACCOUNT, INGRESS_USE_WAYPOINT, USE_WAYPOINT, USE_WAYPOINT_NAMESPACE, WAYPOINT_FOR,
};
use crate::place::Place;
use crate::services::Service;
use crate::workloads::{Workload, namespace_of};

/// What a label names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The waypoint's namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The label.
    pub place: Place,
}

/// What a waypoint takes for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// A service.
    Service,
    /// A pod, by its address.
    Workload,
}

impl For {
    /// As labels name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Workload => "workload",
        }
    }
}

/// What stands before something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    Nothing,
    /// This waypoint, and its Gateway's place in the snapshot where that is in the input.
    Waypoint(Named, Option<usize>),
    /// Nothing, since what is named does not do it.
    Unfit(Named, Unfit),
}

impl Before {
    /// The waypoint, if there is one.
    pub const fn waypoint(&self) -> Option<(&Named, Option<usize>)> {
        match self {
            Self::Waypoint(named, gateway) => Some((named, *gateway)),
            Self::Nothing | Self::Unfit(..) => None,
        }
    }
}

/// Why a waypoint that is named is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It does not take this for others.
    For(For),
    /// It takes nothing from this namespace: `allowedRoutes` of its listener.
    Namespace,
    /// The Gateway of this name is no waypoint.
    Class,
}

/// A Gateway.
#[derive(Clone, Debug)]
struct Gateway {
    object: usize,
    is_waypoint: bool,
    serves: String,
    /// Whether its listener takes what is attached from other namespaces.
    is_open: bool,
}

/// What stands before each service and workload of a mesh.
#[derive(Clone, Debug, Default)]
pub struct Waypoints {
    services: Vec<Before>,
    workloads: Vec<Before>,
    /// Which services' waypoints gateways go through too.
    take_gateways: Vec<bool>,
}

/// The waypoints of a snapshot, and which namespaces name them.
#[derive(Debug, Default)]
struct Reader {
    /// By namespace and name.
    gateways: BTreeMap<(String, String), Gateway>,
    /// What namespaces say.
    namespaces: BTreeMap<String, Said>,
    /// Those namespaces whose services' waypoints gateways go through.
    take_gateways: BTreeMap<String, bool>,
}

/// The service account of a waypoint: the one that its Gateway names by an annotation, or that of its own name. Source: istio.io/istio
/// `pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go`.
pub fn account(snapshot: &Snapshot, gateway: Option<usize>, named: &Named) -> String {
    let object = gateway.and_then(|gateway| snapshot.all().get(gateway));
    let stated =
        object.and_then(|object| object.root().str_at(&["metadata", "annotations", GATEWAY_ACCOUNT]));
    stated.unwrap_or(&named.name).to_owned()
}

/// What labels say of a waypoint.
#[derive(Clone, Debug, Default)]
enum Said {
    /// Nothing.
    #[default]
    Nothing,
    /// That there shall be none.
    None,
    /// Its name.
    Named(Named),
}

impl Said {
    /// What the labels of an object say.
    fn of(object: &Object, index: usize, at: &FieldPath, own: &str) -> Self {
        let labels = object.root().locate(at).and_then(|node| node.at(&["metadata", "labels"]));
        let text = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Node::as_str);
        match text(USE_WAYPOINT) {
            None => Self::Nothing,
            Some("none") => Self::None,
            Some(name) => {
                let namespace = text(USE_WAYPOINT_NAMESPACE).unwrap_or(own).to_owned();
                let path = at.clone().key("metadata").key("labels").key(USE_WAYPOINT);
                Self::Named(Named { namespace, name: name.to_owned(), place: Place { object: index, path } })
            }
        }
    }
}

/// Whether the listener for HBONE takes what is attached from other namespaces; which of them a selector means is not looked at.
fn is_open(gateway: &Object) -> bool {
    let listeners = gateway.root().at(&["spec", "listeners"]).into_iter().flat_map(Node::items);
    let mut hbone = listeners.filter(|listener| listener.str_at(&["protocol"]) == Some("HBONE"));
    let from = hbone.next().and_then(|listener| listener.str_at(&["allowedRoutes", "namespaces", "from"]));
    matches!(from, Some("All" | "Selector"))
}

impl Waypoints {
    /// Finds them. Costs a pass over the objects, and a look at each service and workload.
    pub fn of(snapshot: &Snapshot, services: &[Service], workloads: &[Workload]) -> Self {
        let reader = Reader::of(snapshot);
        let object = |index: usize| snapshot.all().get(index);
        let of_service = |service: &Service| {
            object(service.object)
                .map_or(Before::Nothing, |object| reader.before_service(object, service.object))
        };
        let of_workload = |workload: &Workload| reader.before_workload(object(workload.object), workload);
        let takes =
            |service: &Service| object(service.object).is_some_and(|object| reader.takes_gateways(object));
        Self {
            services: services.iter().map(of_service).collect(),
            workloads: workloads.iter().map(of_workload).collect(),
            take_gateways: services.iter().map(takes).collect(),
        }
    }

    /// What stands before a Service or `ServiceEntry`, by its place in [`crate::mesh::Mesh::services`].
    pub fn before_service(&self, service: usize) -> &Before {
        self.services.get(service).unwrap_or(&Before::Nothing)
    }

    /// What stands before a workload that is called by its address, by its place in [`crate::workloads::Workloads::all`].
    pub fn before_workload(&self, workload: usize) -> &Before {
        self.workloads.get(workload).unwrap_or(&Before::Nothing)
    }

    /// Whether gateways go through the waypoint of a service too, which its label says, or else that of its namespace. Source: `ingressUseWaypointFromLabels`
    /// in `pilot/pkg/serviceregistry/ambient/services.go`.
    pub fn takes_gateways(&self, service: usize) -> bool {
        self.take_gateways.get(service).copied().unwrap_or(false)
    }
}

/// What an object says of whether gateways go through waypoints.
fn said_of_gateways(object: &Object) -> Option<bool> {
    let said = object.root().str_at(&["metadata", "labels", INGRESS_USE_WAYPOINT])?;
    Some(said.eq_ignore_ascii_case("true"))
}

impl Reader {
    fn of(snapshot: &Snapshot) -> Self {
        let mut found = Self::default();
        for (index, object) in snapshot.objects() {
            let text = |path: &[&str]| object.root().str_at(path);
            if object.is("", "Namespace") {
                let name = &object.id.name;
                let said = Said::of(object, index, &FieldPath::root(), name);
                found.namespaces.insert(name.clone(), said);
                found.take_gateways.extend(said_of_gateways(object).map(|takes| (name.clone(), takes)));
            } else if object.is("gateway.networking.k8s.io", "Gateway") {
                let gateway = Gateway {
                    object: index,
                    is_waypoint: text(&["spec", "gatewayClassName"]) == Some(WAYPOINT_CLASS),
                    serves: text(&["metadata", "labels", WAYPOINT_FOR])
                        .unwrap_or(For::Service.name())
                        .to_owned(),
                    is_open: is_open(object),
                };
                found.gateways.insert((namespace_of(object).to_owned(), object.id.name.clone()), gateway);
            }
        }
        found
    }

    fn before_service(&self, object: &Object, index: usize) -> Before {
        let namespace = namespace_of(object);
        self.before(Said::of(object, index, &FieldPath::root(), namespace), namespace, For::Service)
    }

    fn before_workload(&self, object: Option<&Object>, workload: &Workload) -> Before {
        let own = object.map_or(Said::Nothing, |object| {
            Said::of(object, workload.object, &workload.at, &workload.namespace)
        });
        let is_own = !matches!(own, Said::Nothing);
        match self.before(own, &workload.namespace, For::Workload) {
            // What the namespace names is for its services.
            Before::Unfit(..) if !is_own => Before::Nothing,
            before => before,
        }
    }

    fn takes_gateways(&self, object: &Object) -> bool {
        let of_namespace = || self.take_gateways.get(namespace_of(object)).copied();
        said_of_gateways(object).or_else(of_namespace).unwrap_or(false)
    }

    fn before(&self, own: Said, namespace: &str, of: For) -> Before {
        let said = match own {
            Said::Nothing => self.namespaces.get(namespace).cloned().unwrap_or_default(),
            own => own,
        };
        let Said::Named(named) = said else { return Before::Nothing };
        let key = (named.namespace.clone(), named.name.clone());
        match self.gateways.get(&key) {
            None => Before::Waypoint(named, None),
            Some(gateway) if !gateway.is_waypoint => Before::Unfit(named, Unfit::Class),
            Some(gateway) if named.namespace != namespace && !gateway.is_open => {
                Before::Unfit(named, Unfit::Namespace)
            }
            Some(gateway) if gateway.serves == of.name() || gateway.serves == "all" => {
                Before::Waypoint(named, Some(gateway.object))
            }
            Some(_) => Before::Unfit(named, Unfit::For(of)),
        }
    }
}
