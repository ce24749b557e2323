//! Services: their ports, and the workloads behind them.
//!
//! Sources: istio.io/istio `pilot/pkg/serviceregistry/kube/conversion.go` (`ConvertService`) and
//! `pilot/pkg/serviceregistry/serviceentry/conversion.go` (`convertServices`).

use std::collections::HashMap;

use ringwall_model::address::Address;
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;

use crate::config::{MeshConfig, Visibility};
use crate::discovery;
use crate::place::{Misread, Pairs, Place, is_subset};
use crate::reader::{At, Reader};
use crate::workloads::{Namespace, Origin, Workload, Workloads, bare_entry, entry, namespace_of};

/// The domain of the cluster's services.
pub const DOMAIN: &str = "cluster.local";

/// How a client finds the endpoints of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// The proxy chooses one of those that it is told of.
    Proxy,
    /// It goes where the application wanted to: a headless service, or a `ServiceEntry` without resolution.
    Original,
    /// It asks DNS.
    Dns,
    /// It is another name of something else (`ExternalName`): no proxy knows it as a service.
    Alias,
}

/// Which port of a workload a port of a service leads to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// This one.
    Number(u16),
    /// The one of this name.
    Name(String),
}

/// A port of a service that carries TCP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePort {
    /// Its name, or nothing.
    pub name: String,
    /// Its number.
    pub number: u16,
    /// Where it leads.
    pub target: Target,
    /// Whether it says that it carries HTTP; nothing where it says nothing, and the proxy looks at what comes.
    pub is_http: Option<bool>,
    /// The field.
    pub path: FieldPath,
}

/// Whether a port of a `ServiceEntry` or a `Sidecar` says that it carries HTTP: by its protocol alone, and of a word that istiod does not know nothing is
/// said. Source: `Parse` in istio.io/istio `pkg/config/protocol/instance.go`.
pub(crate) fn is_http_of_entry(protocol: &str) -> Option<bool> {
    match protocol.to_ascii_lowercase().as_str() {
        "http" | "http2" | "http_proxy" | "grpc" | "grpc-web" => Some(true),
        "tcp" | "https" | "tls" | "mongo" | "redis" | "mysql" => Some(false),
        _ => None,
    }
}

/// Whether a port of a Service says that it carries HTTP: by its protocol where it states one, or else by its name, or by a number for which
/// nobody looks at what comes. Source: `ConvertProtocol` in istio.io/istio `pkg/config/kube/conversion.go`.
fn is_http(stated: Option<&str>, name: &str, number: u16) -> Option<bool> {
    let name = stated.unwrap_or(name).to_ascii_lowercase();
    if name == "kubernetes.io/h2c" || name == "kubernetes.io/ws" || name.starts_with("grpc-web") {
        return Some(true);
    }
    match name.split('-').next().unwrap_or_default() {
        "http" | "http2" | "grpc" | "http_proxy" => Some(true),
        "tcp" | "https" | "tls" | "mongo" | "redis" | "mysql" | "kubernetes.io/wss" => Some(false),
        _ if matches!(number, 25 | 53 | 3306 | 27017) => Some(false),
        _ => None,
    }
}

/// A Service, or a host of a `ServiceEntry`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The object's index in the snapshot.
    pub object: usize,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The host that rules name it by.
    pub host: String,
    /// Whether a `ServiceEntry` states it.
    pub is_entry: bool,
    /// How clients find its endpoints.
    pub resolution: Resolution,
    /// Its address, where that is stated.
    pub address: Option<Address>,
    /// Whether it is outside of the mesh: then nobody uses mutual TLS by himself.
    pub is_external: bool,
    /// The namespaces that may see it; empty for all.
    pub export_to: Vec<String>,
    /// Its ports that carry TCP.
    pub ports: Vec<ServicePort>,
    /// Which labels its workloads have, where it selects them.
    pub selector: Option<Pairs>,
    /// The workloads behind it, by their place in [`Workloads::all`].
    pub workloads: Vec<usize>,
}

impl Service {
    /// Whether clients of a namespace see it: all where it is for `*`, and of the rest nobody where it is for `~` too. Source:
    /// `pilot/pkg/model/push_context.go` (`initServiceRegistry`).
    pub fn is_visible(&self, namespace: &str) -> bool {
        let is_for = |whom: &str| self.export_to.iter().any(|to| to == whom);
        let is_own = namespace == self.namespace && is_for(".");
        self.export_to.is_empty() || is_for("*") || (!is_for("~") && (is_own || is_for(namespace)))
    }

    /// Narrows who sees it by what the mesh says of services that do not, and of `ServiceEntry` objects of a namespace with these labels.
    /// Source: `pilot/pkg/model/push_context.go` (`initDefaultExportMaps`, `serviceExportTo`).
    fn export(&mut self, config: &MeshConfig, namespace: Option<&Namespace>) {
        if self.export_to.is_empty() {
            self.export_to.clone_from(&config.default_service_export_to);
        }
        let Some(visibility) = config.entry_visibility.as_ref().filter(|_| self.is_entry) else { return };
        let may_see = |to: &String| matches!(to.as_str(), "*" | ".") || *to == self.namespace;
        let label = |key: &str| match key {
            discovery::NAME => Some(self.namespace.as_str()),
            key => namespace.and_then(|one| one.label(key)),
        };
        let to = match visibility.of(label) {
            Visibility::Public => return,
            Visibility::Namespace if self.export_to.is_empty() || self.export_to.iter().any(may_see) => ".",
            Visibility::Namespace | Visibility::None => "~",
        };
        self.export_to = vec![to.to_owned()];
    }

    /// The port of a workload that a port leads to; nothing where the workload has none of its name.
    ///
    /// A machine outside has ports by name: a named target is looked up by that name alone, of any other the port's own name counts before the
    /// number. Source: `pilot/pkg/serviceregistry/kube/controller/controller.go` (`serviceInstanceFromWorkloadInstance`),
    /// `pilot/pkg/serviceregistry/serviceentry/conversion.go` (`convertWorkloadInstanceToServiceInstance`).
    pub fn target(&self, port: &ServicePort, workload: &Workload) -> Option<u16> {
        match &port.target {
            Target::Number(number) => Some(*workload.entry_ports.get(&port.name).unwrap_or(number)),
            Target::Name(name) if workload.origin == Origin::Entry => workload.entry_ports.get(name).copied(),
            Target::Name(name) => {
                let is_it =
                    |own: &&crate::workloads::ContainerPort| *own.name == **name && &*own.protocol == "TCP";
                workload.ports.iter().find(is_it).map(|own| own.number)
            }
        }
    }

    /// Whether a workload that it selects is behind it. A machine outside is behind a Service only where the proxy chooses, and one that is
    /// known by a name only behind what asks DNS. Source: `pilot/pkg/serviceregistry/kube/controller/controller.go`
    /// (`serviceInstancesFromWorkloadInstances`), `pilot/pkg/serviceregistry/serviceentry/conversion.go` (`services`).
    fn leads_to(&self, workload: &Workload) -> bool {
        workload.origin != Origin::Entry
            || match self.resolution {
                Resolution::Dns => true,
                Resolution::Proxy => !workload.needs_dns,
                Resolution::Original | Resolution::Alias => self.is_entry && !workload.needs_dns,
            }
    }

    /// The place of a port.
    pub fn port_place(&self, port: &ServicePort) -> Place {
        Place { object: self.object, path: port.path.clone() }
    }
}

/// Reads Services and `ServiceEntry` objects, and finds the workloads behind each. Endpoints that a `ServiceEntry` states become
/// workloads. Costs a
/// pass over the objects, and for each service a look at the workloads that have the rarest label that it asks for.
pub fn read(
    snapshot: &Snapshot,
    config: &MeshConfig,
    workloads: &mut Workloads,
    misread: &mut Vec<Misread>,
) -> Vec<Service> {
    let mut services = Vec::new();
    for (index, object) in snapshot.objects() {
        let mut reader = Reader { object: index, misread };
        match (object.id.group.as_str(), object.id.kind.as_str()) {
            ("", "Service") => services.push(of_kubernetes(object, &mut reader)),
            ("networking.istio.io", "ServiceEntry") => {
                of_istio(object, &mut reader, workloads, &mut services);
            }
            _ => {}
        }
    }
    for service in &mut services {
        service.export(config, workloads.namespaces.get(&service.namespace));
    }
    select(&mut services, workloads);
    services
}

fn of_kubernetes(object: &Object, reader: &mut Reader<'_>) -> Service {
    let root = At::root(object);
    let namespace = namespace_of(object).to_owned();
    let mut service = Service {
        object: reader.object,
        host: format!("{}.{namespace}.svc.{DOMAIN}", object.id.name),
        namespace,
        name: object.id.name.clone(),
        is_entry: false,
        resolution: Resolution::Proxy,
        address: None,
        is_external: false,
        export_to: Vec::new(),
        ports: Vec::new(),
        selector: None,
        workloads: Vec::new(),
    };
    let metadata = root.get("metadata").and_then(|metadata| metadata.get("annotations"));
    if let Some(list) = metadata.and_then(|at| reader.text(&at, "networking.istio.io/exportTo")) {
        let entries = list.split(',').map(|entry| entry.trim().to_owned());
        service.export_to = if list.is_empty() { Vec::new() } else { entries.collect() };
    }
    let Some(spec) = reader.mapping(&root, "spec") else { return service };
    if reader.text(&spec, "type") == Some("ExternalName")
        && reader.text(&spec, "externalName").is_some_and(|name| !name.is_empty())
    {
        service.resolution = Resolution::Alias;
        service.is_external = true;
    }
    match reader.text(&spec, "clusterIP") {
        Some("None") => service.resolution = Resolution::Original,
        address => service.address = address.and_then(Address::parse),
    }
    service.selector = reader.pairs(&spec, "selector").filter(|selector| !selector.is_empty());
    for port in reader.mappings(&spec, "ports") {
        if reader.text(&port, "protocol").is_some_and(|protocol| !matches!(protocol, "" | "TCP")) {
            continue;
        }
        let number = reader.number(&port, "port").and_then(|number| u16::try_from(number).ok());
        let Some(number) = number else { continue };
        let target = match port.get("targetPort") {
            None => Target::Number(number),
            Some(at) => match (at.node.as_str(), at.node.as_u64().map(u16::try_from)) {
                (Some(""), _) | (_, Some(Ok(0))) => Target::Number(number),
                (Some(name), _) => Target::Name(name.to_owned()),
                (_, Some(Ok(target))) => Target::Number(target),
                _ => {
                    reader.wrong(&at, "expected a port's number or name".to_owned());
                    continue;
                }
            },
        };
        let name = reader.text(&port, "name").unwrap_or_default().to_owned();
        let is_http = is_http(reader.text(&port, "appProtocol"), &name, number);
        service.ports.push(ServicePort { name, number, target, is_http, path: port.path });
    }
    service
}

fn of_istio(
    object: &Object,
    reader: &mut Reader<'_>,
    workloads: &mut Workloads,
    services: &mut Vec<Service>,
) {
    let Some(spec) = reader.mapping(&At::root(object), "spec") else { return };
    let namespace = namespace_of(object);
    // What is stated first is what protobuf has as zero.
    let words = [("MESH_EXTERNAL", true), ("MESH_INTERNAL", false)];
    let is_external = reader.one_of(&spec, "location", &words).unwrap_or(true);
    let words = [
        ("NONE", Resolution::Original),
        ("STATIC", Resolution::Proxy),
        ("DNS", Resolution::Dns),
        ("DNS_ROUND_ROBIN", Resolution::Dns),
        ("DYNAMIC_DNS", Resolution::Dns),
    ];
    let resolution = reader.one_of(&spec, "resolution", &words).unwrap_or(Resolution::Original);
    let mut ports = Vec::new();
    for port in reader.mappings(&spec, "ports") {
        if reader.text(&port, "protocol").is_some_and(|protocol| protocol.eq_ignore_ascii_case("UDP")) {
            continue;
        }
        let mut port_at = |key| reader.number(&port, key).and_then(|number| u16::try_from(number).ok());
        let (number, target) = (port_at("number"), port_at("targetPort").filter(|target| *target != 0));
        let Some(number) = number else { continue };
        let name = reader.text(&port, "name").unwrap_or_default().to_owned();
        let is_http = is_http_of_entry(reader.text(&port, "protocol").unwrap_or_default());
        ports.push(ServicePort {
            name,
            number,
            target: Target::Number(target.unwrap_or(number)),
            is_http,
            path: port.path,
        });
    }
    let mut endpoints = Vec::new();
    for endpoint in reader.mappings(&spec, "endpoints") {
        endpoints.push(workloads.all.len());
        let mut workload = entry(reader, &endpoint, namespace);
        workload.kind.clone_from(&object.id.kind);
        workloads.all.push(workload);
    }
    let selector = reader.mapping(&spec, "workloadSelector");
    let selector = selector.map(|at| reader.pairs(&at, "labels").unwrap_or_default());
    let export_to: Vec<String> = reader.texts(&spec, "exportTo").into_iter().map(str::to_owned).collect();
    for host in reader.texts(&spec, "hosts") {
        let mut behind = endpoints.clone();
        if resolution == Resolution::Dns
            && endpoints.is_empty()
            && selector.is_none()
            && !host.starts_with('*')
        {
            // The name is the endpoint.
            behind.push(workloads.all.len());
            let mut workload =
                bare_entry(reader.object, namespace, host, FieldPath::keys(&["spec", "hosts"]));
            workload.kind.clone_from(&object.id.kind);
            workloads.all.push(workload);
        }
        services.push(Service {
            object: reader.object,
            namespace: namespace.to_owned(),
            name: object.id.name.clone(),
            host: host.to_owned(),
            is_entry: true,
            resolution,
            address: None,
            is_external,
            export_to: export_to.clone(),
            ports: ports.clone(),
            selector: selector.clone().filter(|selector| !selector.is_empty()),
            workloads: behind,
        });
    }
}

/// Finds the workloads that services select, by the labels of each namespace.
fn select(services: &mut [Service], workloads: &Workloads) {
    let mut by_label: HashMap<(&str, &str, &str), Vec<usize>> = HashMap::new();
    for (index, workload) in workloads.all.iter().enumerate() {
        // Endpoints of a `ServiceEntry` are of that alone.
        if workload.is_alive() && !(workload.origin == Origin::Entry && workload.kind == "ServiceEntry") {
            for (key, value) in &workload.labels {
                by_label.entry((&workload.namespace, key, value)).or_default().push(index);
            }
        }
    }
    for service in services {
        let Some(selector) = &service.selector else { continue };
        let namespace = service.namespace.as_str();
        let rarest = selector
            .iter()
            .map(|(key, value)| by_label.get(&(namespace, &**key, &**value)).map_or(&[][..], Vec::as_slice))
            .min_by_key(|found| found.len())
            .unwrap_or_default();
        let is_behind = |index: &&usize| {
            let workload = &workloads.all[**index];
            is_subset(selector, &workload.labels) && service.leads_to(workload)
        };
        let chosen: Vec<usize> = rarest.iter().filter(is_behind).copied().collect();
        service.workloads.extend(chosen);
    }
}
