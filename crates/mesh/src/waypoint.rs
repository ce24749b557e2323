//! Waypoints: which one stands before a service or a workload, for clients in ambient mode.
//!
//! Sidecars go around them. Source: istio.io/istio `pilot/pkg/serviceregistry/ambient/waypoints.go` (`fetchWaypointForTarget`,
//! `fetchWaypointForService`, `fetchWaypointForWorkload`), `pilot/pkg/xds/endpoints/endpoint_builder.go` (`findServiceWaypoint`).

use std::collections::BTreeMap;

use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;

use crate::authorization::select::WAYPOINT_CLASS;
use crate::enrolment::{USE_WAYPOINT, USE_WAYPOINT_NAMESPACE, WAYPOINT_FOR};
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
    /// Nothing, since the waypoint that is named does not take this for others.
    Unfit(Named, For),
}

/// The waypoints of a snapshot, and who names them.
#[derive(Clone, Debug, Default)]
pub struct Waypoints {
    /// By namespace and name: the Gateway, and what it is for.
    gateways: BTreeMap<(String, String), (usize, String)>,
    /// What namespaces name; nothing for `none`.
    namespaces: BTreeMap<String, Option<Named>>,
}

/// What the labels of an object name; the inner nothing is `none`.
fn named(object: &Object, index: usize, at: &FieldPath, own: &str) -> Option<Option<Named>> {
    let labels = object.root().locate(at)?.at(&["metadata", "labels"])?;
    let name = labels.get(USE_WAYPOINT)?.as_str()?;
    if name == "none" {
        return Some(None);
    }
    let namespace = labels.get(USE_WAYPOINT_NAMESPACE).and_then(|node| node.as_str()).unwrap_or(own);
    let path = at.clone().key("metadata").key("labels").key(USE_WAYPOINT);
    let place = Place { object: index, path };
    Some(Some(Named { namespace: namespace.to_owned(), name: name.to_owned(), place }))
}

impl Waypoints {
    /// Reads them. Costs a pass over the objects.
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut found = Self::default();
        for (index, object) in snapshot.objects() {
            let text = |path: &[&str]| object.root().str_at(path);
            if object.is("", "Namespace") {
                if let Some(named) = named(object, index, &FieldPath::root(), &object.id.name) {
                    found.namespaces.insert(object.id.name.clone(), named);
                }
            } else if object.is("gateway.networking.k8s.io", "Gateway")
                && text(&["spec", "gatewayClassName"]) == Some(WAYPOINT_CLASS)
            {
                let serves = text(&["metadata", "labels", WAYPOINT_FOR]).unwrap_or(For::Service.name());
                let key = (namespace_of(object).to_owned(), object.id.name.clone());
                found.gateways.insert(key, (index, serves.to_owned()));
            }
        }
        found
    }

    /// What stands before a Service or `ServiceEntry`, by its object.
    pub fn before_service(&self, snapshot: &Snapshot, service: usize) -> Before {
        let Some(object) = snapshot.all().get(service) else { return Before::Nothing };
        let namespace = namespace_of(object);
        let own = named(object, service, &FieldPath::root(), namespace);
        self.before(own, namespace, For::Service)
    }

    /// What stands before a workload that is called by its address.
    pub fn before_workload(&self, snapshot: &Snapshot, workload: &Workload) -> Before {
        let object = snapshot.all().get(workload.object);
        let own = object.and_then(|object| named(object, workload.object, &workload.at, &workload.namespace));
        let is_own = own.is_some();
        match self.before(own, &workload.namespace, For::Workload) {
            // What the namespace names is for its services.
            Before::Unfit(..) if !is_own => Before::Nothing,
            before => before,
        }
    }

    fn before(&self, own: Option<Option<Named>>, namespace: &str, of: For) -> Before {
        let of_namespace = || self.namespaces.get(namespace).cloned().flatten();
        let Some(named) = own.unwrap_or_else(of_namespace) else { return Before::Nothing };
        let key = (named.namespace.clone(), named.name.clone());
        match self.gateways.get(&key) {
            None => Before::Waypoint(named, None),
            Some((gateway, serves)) if serves == of.name() || serves == "all" => {
                Before::Waypoint(named, Some(*gateway))
            }
            Some(_) => Before::Unfit(named, of),
        }
    }
}
