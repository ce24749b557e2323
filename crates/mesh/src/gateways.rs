//! `Gateway`: what the listeners of gateways take in.
//!
//! Whether a listener asks for the mesh's certificates is all that is looked at; what it does with hosts and routes is not. Of Gateways of the Gateway
//! API, whose proxies istiod makes, so that they are in no file, only the account is told. Source: istio.io/istio `pilot/pkg/model/push_context.go`
//! (`mergeGateways`), `pilot/pkg/model/gateway.go` (`resolvePorts`), `pilot/pkg/networking/core/gateway.go` (`buildGatewayListenerTLSContext`).

use std::collections::{BTreeMap, HashMap};

use ringwall_model::object::Object;
use ringwall_model::snapshot::Snapshot;

use crate::authorization::select::WAYPOINT_CLASS;
use crate::enrolment::GATEWAY_ACCOUNT;
use crate::place::{Misread, Pairs, Place, is_subset};
use crate::reader::{At, Reader};
use crate::services::Service;
use crate::workloads::Workload;

/// A listener.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Listener {
    port: u16,
    /// Whether it asks for a certificate of the mesh.
    is_mutual: bool,
    place: Place,
}

/// A `Gateway`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Which workloads it is for; all gateways where it selects nothing.
    selector: Option<Pairs>,
    listeners: Vec<Listener>,
}

/// What the listeners of a port ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listens {
    /// A certificate of the mesh, all of them; said here.
    Mutual(Place),
    /// A certificate of the mesh, some of them.
    Mixed(Place),
    /// None of the mesh; said here.
    Otherwise(Place),
}

impl Gateway {
    /// Reads an object, if it is one. What is of a wrong type is told, and is as if it were not there.
    pub fn read(object: &Object, index: usize, misread: &mut Vec<Misread>) -> Option<Self> {
        if !object.is("networking.istio.io", "Gateway") {
            return None;
        }
        let reader = &mut Reader { object: index, misread };
        let Some(spec) = reader.mapping(&At::root(object), "spec") else {
            return Some(Self { selector: None, listeners: Vec::new() });
        };
        let selector = reader.pairs(&spec, "selector").filter(|pairs| !pairs.is_empty());
        let mut listeners = Vec::new();
        for server in reader.mappings(&spec, "servers") {
            let Some(number) =
                reader.mapping(&server, "port").and_then(|port| reader.number(&port, "number"))
            else {
                continue;
            };
            let Ok(port) = u16::try_from(number) else { continue };
            let mode = reader.mapping(&server, "tls").and_then(|tls| Some((reader.text(&tls, "mode")?, tls)));
            let (is_mutual, path) = match mode {
                Some((mode, tls)) => (mode == "ISTIO_MUTUAL", tls.path.key("mode")),
                None => (false, server.path),
            };
            listeners.push(Listener { port, is_mutual, place: reader.place(path) });
        }
        Some(Self { selector, listeners })
    }
}

/// The listeners of all gateways.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gateways {
    /// By workload, its place in [`crate::workloads::Workloads::all`], and by port of its containers.
    ports: HashMap<usize, BTreeMap<u16, Listens>>,
}

impl Gateways {
    /// Finds the listeners of the workloads that are routers. Costs for each of these a look at each `Gateway` and at the services before it.
    pub fn of(
        snapshot: &Snapshot,
        workloads: &[Workload],
        services: &[Service],
        misread: &mut Vec<Misread>,
    ) -> Self {
        let read = snapshot.objects().filter_map(|(index, object)| Gateway::read(object, index, misread));
        let gateways: Vec<Gateway> = read.collect();
        let mut found = Self::default();
        if gateways.is_empty() {
            return found;
        }
        for (index, workload) in workloads.iter().enumerate().filter(|(_, one)| one.is_router) {
            let selects = |gateway: &&Gateway| {
                gateway.selector.as_ref().is_none_or(|selector| is_subset(selector, &workload.labels))
            };
            let before: Vec<&Service> =
                services.iter().filter(|service| service.workloads.contains(&index)).collect();
            // A listener is of a port of a Service, and where none has it, of the container's.
            let target = |number: u16| {
                let mut ports =
                    before.iter().flat_map(|service| service.ports.iter().map(move |port| (service, port)));
                let own = ports.find(|(_, port)| port.number == number);
                own.map_or(Some(number), |(service, port)| service.target(port, workload))
            };
            for listener in gateways.iter().filter(selects).flat_map(|gateway| &gateway.listeners) {
                let Some(port) = target(listener.port) else { continue };
                let own = found.ports.entry(index).or_default();
                let place = listener.place.clone();
                let now = match (own.remove(&port), listener.is_mutual) {
                    (None | Some(Listens::Mutual(_)), true) => Listens::Mutual(place),
                    (None | Some(Listens::Otherwise(_)), false) => Listens::Otherwise(place),
                    (Some(Listens::Mutual(first) | Listens::Mixed(first)), _) => Listens::Mixed(first),
                    (Some(Listens::Otherwise(_)), true) => Listens::Mixed(place),
                };
                own.insert(port, now);
            }
        }
        found
    }

    /// What the listeners of a workload's port ask for; nothing where the input shows none.
    pub fn listens(&self, workload: usize, port: u16) -> Option<&Listens> {
        self.ports.get(&workload)?.get(&port)
    }
}

/// The classes of Gateways that istiod has, and whether it puts them behind the names of what it makes. Source: `GetClassInfos` in istio.io/istio
/// `pilot/pkg/config/kube/gatewaycommon/classinfo.go`.
const CLASSES: [(&str, bool); 5] = [
    ("istio", true),
    (WAYPOINT_CLASS, false),
    ("istio-east-west", false),
    ("istio-agentgateway", false),
    ("istio-agentgateway-waypoint", false),
];

/// The account that istiod makes for the pods of a Gateway; nothing of classes that are not its own, and where it makes no pods since the Gateway has
/// addresses of its own. Source: `GetDefaultName` and `IsManaged` in istio.io/istio `pilot/pkg/config/kube/gatewaycommon/gateway_utils.go`.
pub fn account_of_gateway(object: &Object) -> Option<String> {
    let class = object.root().str_at(&["spec", "gatewayClassName"])?;
    let (_, is_suffixed) = CLASSES.iter().find(|(known, _)| *known == class)?;
    let has_address =
        object.root().at(&["spec", "addresses"]).is_some_and(|list| list.items().next().is_some());
    if has_address {
        return None;
    }
    let name = &object.id.name;
    let default = || if *is_suffixed { format!("{name}-{class}") } else { name.clone() };
    let stated = object.root().str_at(&["metadata", "annotations", GATEWAY_ACCOUNT]);
    Some(stated.map_or_else(default, str::to_owned))
}
