//! Waypoints: which one stands before a service or a workload, for clients in ambient mode.
//!
//! Sidecars go around them. Source: istio.io/istio `pilot/pkg/serviceregistry/ambient/waypoints.go` (`fetchWaypointForTarget`,
//! `fetchWaypointForService`, `fetchWaypointForWorkload`, `buildWeightedWaypoints`), `pilot/pkg/xds/endpoints/endpoint_builder.go`
//! (`findServiceWaypoint`).

mod gateways;

use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::Node;

use crate::authorization::policy::parse_bool;
use crate::authorization::select::GATEWAY_NAME;
use crate::enrolment::{GATEWAY_ACCOUNT, INGRESS_USE_WAYPOINT, USE_WAYPOINT, USE_WAYPOINT_NAMESPACE};
use crate::place::Place;
use crate::services::Service;
use crate::workloads::{Workload, namespace_of};
use gateways::{Gateways, Taken};

/// The label of what shall go to another waypoint for a part of its calls.
const CANARY: &str = "istio.io/use-waypoint-canary";
/// The label beside it that says in which namespace that one is.
const CANARY_NAMESPACE: &str = "istio.io/use-waypoint-canary-namespace";
/// The annotation that says for how many of 100 calls.
const CANARY_WEIGHT: &str = "istio.io/use-waypoint-canary-weight";
/// The label that istiod gives to what it makes for a Gateway.
const MANAGED: &str = "gateway.istio.io/managed";
/// Its values for waypoints and for gateways between clusters.
const MANAGED_WAYPOINTS: [&str; 2] = ["istio.io-mesh-controller", "istio.io-eastwest-controller"];

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

/// A waypoint that stands before something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waypoint {
    /// Its name, and what names it.
    pub named: Named,
    /// Its Gateway's place in the snapshot, where that is in the input.
    pub gateway: Option<usize>,
    /// Why it may be passed by after all.
    pub doubt: Option<Doubt>,
    /// What stands there, if that is not known to be a waypoint of istiod's. Whatever its class is, istiod sends traffic to it.
    pub other: Option<Other>,
}

/// What is not in the input and decides whether traffic goes to a waypoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Its Gateway. Without it the traffic goes around it.
    Gateway,
    /// The labels of the namespace, by which its listener selects who attaches.
    NamespaceLabels,
}

/// What a Gateway makes that is not known to make a waypoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Other {
    /// Its class is none that istiod makes, and no `GatewayClass` of this name is in the input.
    UnknownClass(String),
    /// Its class is of this controller.
    Controller(String),
}

/// A second waypoint that takes a part of the calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canary {
    /// The waypoint.
    pub waypoint: Waypoint,
    /// How many of 100 calls it takes, from 1 to 100.
    pub weight: u8,
}

/// What stands before something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    Nothing,
    /// This waypoint, and for a part of the calls another one.
    Waypoint(Waypoint, Option<Canary>),
    /// Nothing, since what is named does not do it.
    Unfit(Named, Unfit),
}

impl Before {
    /// The waypoint, if there is one. Of two it is the one that takes all calls, or else the first; what is in doubt is taken as there.
    pub fn waypoint(&self) -> Option<(&Named, Option<usize>)> {
        let one = match self {
            Self::Waypoint(first, Some(canary)) if canary.weight < 100 || canary.waypoint.doubt.is_some() => {
                first
            }
            Self::Waypoint(_, Some(canary)) => &canary.waypoint,
            Self::Waypoint(first, None) => first,
            Self::Nothing | Self::Unfit(..) => return None,
        };
        Some((&one.named, one.gateway))
    }
}

/// Why a waypoint that is named is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It does not take this for others.
    For(For),
    /// It takes nothing from this namespace: `allowedRoutes` of its listener.
    Namespace,
    /// The status of its Gateway has no address yet.
    NotReady,
}

/// What stands before each service and workload of a mesh.
#[derive(Clone, Debug, Default)]
pub struct Waypoints {
    services: Vec<Before>,
    workloads: Vec<Before>,
    /// Which services' waypoints gateways go through too.
    take_gateways: Vec<bool>,
}

/// The service account of a waypoint: the one that its Gateway names by an annotation, or that of its own name. Source: istio.io/istio
/// `pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go`.
pub fn account(snapshot: &Snapshot, gateway: Option<usize>, named: &Named) -> String {
    let object = gateway.and_then(|gateway| snapshot.all().get(gateway));
    let stated =
        object.and_then(|object| object.root().str_at(&["metadata", "annotations", GATEWAY_ACCOUNT]));
    stated.unwrap_or(&named.name).to_owned()
}

/// An object, or a template in it, that may name waypoints.
#[derive(Clone, Copy, Debug)]
struct Naming<'s> {
    object: &'s Object,
    index: usize,
    at: &'s FieldPath,
}

/// What labels say of a waypoint.
#[derive(Clone, Debug)]
enum Said {
    /// Nothing.
    Nothing,
    /// That there shall be none.
    None,
    /// Its name.
    Named(Named),
}

impl<'s> Naming<'s> {
    fn of(snapshot: &'s Snapshot, index: usize, at: &'s FieldPath) -> Option<Self> {
        snapshot.all().get(index).map(|object| Self { object, index, at })
    }

    fn metadata(self) -> Option<Node<'s>> {
        self.object.root().locate(self.at)?.get("metadata")
    }

    fn label(self, key: &str) -> Option<&'s str> {
        self.metadata()?.str_at(&["labels", key])
    }

    fn annotation(self, key: &str) -> Option<&'s str> {
        self.metadata()?.str_at(&["annotations", key])
    }

    /// What a label names; `beside` says in which namespace, or else it is `own`.
    fn named(self, key: &str, name: &str, beside: &str, own: &str) -> Named {
        let path = self.at.clone().key("metadata").key("labels").key(key);
        Named {
            namespace: self.label(beside).unwrap_or(own).to_owned(),
            name: name.to_owned(),
            place: Place { object: self.index, path },
        }
    }

    fn said(self, own: &str) -> Said {
        match self.label(USE_WAYPOINT) {
            None => Said::Nothing,
            Some("none") => Said::None,
            Some(name) => Said::Named(self.named(USE_WAYPOINT, name, USE_WAYPOINT_NAMESPACE, own)),
        }
    }

    /// What it says of whether gateways go through waypoints. What is no truth value is false.
    fn of_gateways(self) -> Option<bool> {
        self.label(INGRESS_USE_WAYPOINT).map(|said| parse_bool(said).unwrap_or(false))
    }
}

/// The weight of a canary as Go's `strconv.Atoi` reads it; nothing of what is no number from 0 to 100.
fn weight(text: &str) -> Option<u8> {
    text.parse::<i64>().ok().and_then(|weight| u8::try_from(weight).ok()).filter(|weight| *weight <= 100)
}

impl Waypoints {
    /// Finds them. Costs a pass over the objects, and a look at each service and workload.
    pub fn of(snapshot: &Snapshot, services: &[Service], workloads: &[Workload]) -> Self {
        let (gateways, root) = (Gateways::of(snapshot), FieldPath::root());
        let finder = Finder { gateways: &gateways, root: &root };
        let of_service = |service: &Service| {
            Naming::of(snapshot, service.object, &root)
                .map_or(Before::Nothing, |naming| finder.before_service(naming))
        };
        let of_workload = |workload: &Workload| {
            finder.before_workload(Naming::of(snapshot, workload.object, &workload.at), workload)
        };
        let takes = |service: &Service| {
            Naming::of(snapshot, service.object, &root).is_some_and(|naming| finder.takes_gateways(naming))
        };
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

/// Finds what stands before something.
#[derive(Clone, Copy, Debug)]
struct Finder<'s, 'f> {
    gateways: &'f Gateways<'s>,
    root: &'f FieldPath,
}

impl Finder<'_, '_> {
    /// The object of a namespace, where it is in the input.
    fn space<'n>(&'n self, namespace: &str) -> Option<Naming<'n>> {
        let (index, object) = self.gateways.namespace(namespace)?;
        Some(Naming { object, index, at: self.root })
    }

    fn before_service(&self, naming: Naming<'_>) -> Before {
        // What istiod makes for a waypoint has none.
        if naming.label(MANAGED).is_some_and(|value| MANAGED_WAYPOINTS.contains(&value)) {
            return Before::Nothing;
        }
        let namespace = namespace_of(naming.object);
        match self.before(Some(naming), namespace, For::Service) {
            Before::Waypoint(first, _) => {
                let canary = self.canary(naming, namespace, &first.named);
                Before::Waypoint(first, canary)
            }
            before => before,
        }
    }

    fn before_workload(&self, naming: Option<Naming<'_>>, workload: &Workload) -> Before {
        // Nor have the waypoint's own pods.
        let of_gateway = workload.label(GATEWAY_NAME);
        let gateway = of_gateway.and_then(|name| self.gateways.get(&workload.namespace, name));
        if gateway.is_some_and(|gateway| gateway.is_ready) {
            return Before::Nothing;
        }
        let is_own = naming.is_some_and(|naming| naming.label(USE_WAYPOINT).is_some());
        match self.before(naming, &workload.namespace, For::Workload) {
            // What the namespace names is for its services.
            Before::Unfit(_, Unfit::For(_)) if !is_own => Before::Nothing,
            before => before,
        }
    }

    fn takes_gateways(&self, naming: Naming<'_>) -> bool {
        let of_namespace = || self.space(namespace_of(naming.object))?.of_gateways();
        naming.of_gateways().or_else(of_namespace).unwrap_or(false)
    }

    fn before(&self, naming: Option<Naming<'_>>, namespace: &str, of: For) -> Before {
        let said = match naming.map_or(Said::Nothing, |naming| naming.said(namespace)) {
            Said::Nothing => self.space(namespace).map_or(Said::Nothing, |space| space.said(namespace)),
            own => own,
        };
        let Said::Named(named) = said else { return Before::Nothing };
        match self.resolve(named, namespace, of) {
            Ok(waypoint) => Before::Waypoint(waypoint, None),
            Err((named, why)) => Before::Unfit(named, why),
        }
    }

    /// The waypoint of a name, or why it is none for what is in this namespace.
    fn resolve(&self, named: Named, namespace: &str, of: For) -> Result<Waypoint, (Named, Unfit)> {
        let Some(gateway) = self.gateways.get(&named.namespace, &named.name) else {
            return Ok(Waypoint { named, gateway: None, doubt: Some(Doubt::Gateway), other: None });
        };
        if !gateway.is_ready {
            return Err((named, Unfit::NotReady));
        }
        let doubt = match self.gateways.takes_from(gateway, &named.namespace, namespace) {
            Taken::No => return Err((named, Unfit::Namespace)),
            Taken::Unknown => Some(Doubt::NamespaceLabels),
            Taken::Yes => None,
        };
        if gateway.serves != of.name() && gateway.serves != "all" {
            return Err((named, Unfit::For(of)));
        }
        Ok(Waypoint { named, gateway: Some(gateway.object), doubt, other: gateway.other.clone() })
    }

    /// The second waypoint of a service, which stands at the same level as the first: on the namespace only where that names the first. One
    /// that is not fit is as if it were not there.
    fn canary(&self, naming: Naming<'_>, namespace: &str, first: &Named) -> Option<Canary> {
        let space = || self.space(namespace).filter(|_| naming.label(USE_WAYPOINT).is_none());
        let has = |naming: &Naming<'_>| naming.label(CANARY).is_some();
        let by = Some(naming).filter(has).or_else(space)?;
        let name = by.label(CANARY).filter(|name| !name.is_empty() && *name != "none")?;
        let named = by.named(CANARY, name, CANARY_NAMESPACE, namespace);
        if (&named.namespace, &named.name) == (&first.namespace, &first.name) {
            return None;
        }
        let of_space = || space()?.annotation(CANARY_WEIGHT);
        let stated = naming.annotation(CANARY_WEIGHT).or_else(of_space);
        let weight = stated.and_then(weight).filter(|weight| *weight > 0)?;
        let waypoint = self.resolve(named, namespace, For::Service).ok()?;
        Some(Canary { waypoint, weight })
    }
}
