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

/// The waypoints of a snapshot, and who names them.
#[derive(Clone, Debug, Default)]
pub struct Waypoints {
    /// By namespace and name.
    gateways: BTreeMap<(String, String), Gateway>,
    /// What namespaces say.
    namespaces: BTreeMap<String, Said>,
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
    /// Reads them. Costs a pass over the objects.
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut found = Self::default();
        for (index, object) in snapshot.objects() {
            let text = |path: &[&str]| object.root().str_at(path);
            if object.is("", "Namespace") {
                let said = Said::of(object, index, &FieldPath::root(), &object.id.name);
                found.namespaces.insert(object.id.name.clone(), said);
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

    /// What stands before a Service or `ServiceEntry`, by its object.
    pub fn before_service(&self, snapshot: &Snapshot, service: usize) -> Before {
        let Some(object) = snapshot.all().get(service) else { return Before::Nothing };
        let namespace = namespace_of(object);
        let own = Said::of(object, service, &FieldPath::root(), namespace);
        self.before(own, namespace, For::Service)
    }

    /// What stands before a workload that is called by its address.
    pub fn before_workload(&self, snapshot: &Snapshot, workload: &Workload) -> Before {
        let object = snapshot.all().get(workload.object);
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

    /// Whether gateways go through the waypoint of a service too, which its label says, or else that of its namespace. Source: `ingressUseWaypointFromLabels`
    /// in `pilot/pkg/serviceregistry/ambient/services.go`.
    pub fn takes_gateways(snapshot: &Snapshot, service: usize) -> bool {
        let Some(object) = snapshot.all().get(service) else { return false };
        fn said(object: &Object) -> Option<&str> {
            object.root().str_at(&["metadata", "labels", INGRESS_USE_WAYPOINT])
        }
        let space = || {
            let mut all = snapshot.of_kind("", "Namespace");
            all.find(|space| space.id.name == namespace_of(object)).and_then(said)
        };
        said(object).or_else(space).is_some_and(|said| said.eq_ignore_ascii_case("true"))
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
