//! What workloads need of the network, as their manifests declare it.
//!
//! - A Service that a container names (in its environment, arguments, commands, or in a ConfigMap that it uses) is called by it.
//! - What entries lead to is reached by them.
//! - Members of a StatefulSet with a headless Service speak to one another.
//! - A Service that a webhook configuration or an `APIService` names is called by the API server.
//!
//! A name counts where it stands as an address does: with a port, behind `://` or `@`, with its namespace, or alone in a variable whose name
//! is that of an address.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ringwall_model::address::{Address, Block};
use ringwall_model::finding::Location;
use ringwall_model::object::{Object, ObjectId};
use ringwall_model::server_call::server_calls;
use ringwall_model::text::Span;
use ringwall_model::tree::{Kind, Node};
use ringwall_network::entries::Seen;
use ringwall_network::port::{Port, Protocol};
use ringwall_network::port_set::PortSet;
use ringwall_network::services::ServiceKind;

use crate::network::Network;

/// An end of something that is needed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NeedEnd {
    /// A workload, by index in the cluster.
    Workload(usize),
    /// Any pod.
    EveryPod,
    /// Anyone, outside too.
    Everyone,
    /// An address or a block of them.
    Block(Block),
    /// A name outside of the cluster, for which no NetworkPolicy can be written.
    Name(String),
}

/// A connection that is needed, and what says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Who connects.
    pub from: NeedEnd,
    /// To whom.
    pub to: NeedEnd,
    /// On which port of the receiver.
    pub port: Port,
    /// What says so, a sentence without full stop.
    pub because: String,
    /// Where that is written.
    pub location: Option<Location>,
}

/// Parts of names of variables that hold addresses.
const TELLING: [&str; 14] = [
    "HOST", "ADDR", "URL", "URI", "ENDPOINT", "SERVER", "SERVICE", "UPSTREAM", "DSN", "BROKER", "BACKEND",
    "TARGET", "_DB", "NODES",
];

/// The ports of schemes that have one. Source: IANA's registry of schemes and the clients' own defaults.
const SCHEMES: [(&str, u16); 12] = [
    ("http", 80),
    ("https", 443),
    ("ws", 80),
    ("wss", 443),
    ("postgres", 5432),
    ("postgresql", 5432),
    ("mysql", 3306),
    ("redis", 6379),
    ("mongodb", 27017),
    ("amqp", 5672),
    ("nats", 4222),
    ("ldap", 389),
];

/// All that the manifests declare. Costs a walk of each workload's template and of the `ConfigMap`s that it uses.
pub fn declared(network: &Network<'_>) -> Vec<Need> {
    let mut needs = Needs { network, all: Vec::new() };
    for (index, workload) in network.cluster.workloads.iter().enumerate() {
        let object = &network.snapshot.all()[workload.object];
        needs.of_workload(index, object);
    }
    needs.of_entries();
    needs.of_members();
    needs.of_api_server();
    needs.all
}

struct Needs<'n, 's> {
    network: &'n Network<'s>,
    all: Vec<Need>,
}

/// A text of a workload that may hold addresses.
struct Text<'t> {
    text: &'t str,
    /// Whether it is all of a variable whose name is that of an address.
    is_address: bool,
    span: Span,
    what: String,
}

impl Needs<'_, '_> {
    fn add(&mut self, need: Need) {
        let known = |other: &Need| other.from == need.from && other.to == need.to && other.port == need.port;
        if need.from != need.to && !self.all.iter().any(known) {
            self.all.push(need);
        }
    }

    fn of_workload(&mut self, index: usize, object: &Object) {
        let namespace = self.network.cluster.workloads[index].namespace.clone();
        let mut texts = Vec::new();
        let mut maps = BTreeSet::new();
        collect(object.root(), &mut texts, &mut maps);
        for text in &texts {
            self.of_text(index, &namespace, object, text);
        }
        for name in maps {
            let id = ObjectId {
                group: String::new(),
                kind: "ConfigMap".to_owned(),
                namespace: Some(namespace.clone()),
                name,
            };
            let Some(map) = self.network.snapshot.find(&id) else { continue };
            for entry in map.root().get("data").into_iter().flat_map(Node::entries) {
                let Some(text) = entry.value.as_str() else { continue };
                let text = Text {
                    text,
                    is_address: is_telling(entry.key),
                    span: entry.value.span(),
                    what: format!("ConfigMap {} says so in {}", map.id.name, entry.key),
                };
                self.of_text(index, &namespace, map, &text);
            }
        }
    }

    fn of_text(&mut self, from: usize, namespace: &str, object: &Object, text: &Text<'_>) {
        for host in hosts(text.text) {
            let alone = host.name.len() == text.text.trim().len();
            let location = || Some(Location::at(object, text.span));
            let from = NeedEnd::Workload(from);
            if let Some(address) = Address::parse(host.name) {
                let Some(number) = host.port.or_else(|| scheme_port(host.scheme)) else { continue };
                // What a pod says to itself passes no policy; an address of nobody is one to listen on.
                let loopback = IpAddr::from(address).is_loopback() || IpAddr::from(address).is_unspecified();
                if loopback {
                    continue;
                }
                let port = Port { protocol: Protocol::Tcp, number };
                let to = NeedEnd::Block(Block::of(address));
                if host.scheme.is_some() || host.port.is_some() {
                    self.add(Need { from, to, port, because: text.what.clone(), location: location() });
                }
                continue;
            }
            let parts: Vec<&str> = host.name.split('.').collect();
            let found = self.service(namespace, &parts);
            let strong =
                host.port.is_some() || host.scheme.is_some() || host.at || (alone && text.is_address);
            match found {
                // A name with that of its namespace is hardly ever anything else.
                Some(service) if strong || parts.len() > 1 => {
                    self.of_service(&from, service, &host, &text.what, location().as_ref());
                }
                Some(_) => {}
                None => {
                    let is_outside = parts.len() > 1
                        && parts.iter().all(|part| !part.is_empty())
                        && host.scheme.is_some()
                        && !matches!(parts.last(), Some(&("local" | "svc")));
                    let number = host.port.or_else(|| scheme_port(host.scheme));
                    if let Some(number) = number.filter(|_| is_outside) {
                        let port = Port { protocol: Protocol::Tcp, number };
                        let to = NeedEnd::Name(host.name.to_owned());
                        self.add(Need { from, to, port, because: text.what.clone(), location: location() });
                    }
                }
            }
        }
    }

    /// The Service that a name stands for, by index: `web`, `web.shop`, `web.shop.svc.cluster.local`, and a pod of it before each.
    fn service(&self, namespace: &str, parts: &[&str]) -> Option<usize> {
        let find = |namespace: &str, name: &str| self.network.services.index(namespace, name);
        let is_tail = |parts: &[&str]| parts.first().is_none_or(|part| *part == "svc");
        match parts {
            [name] => find(namespace, name),
            [name, place, rest @ ..] if is_tail(rest) && find(place, name).is_some() => find(place, name),
            [_, name, place, rest @ ..] if is_tail(rest) && find(place, name).is_some() => find(place, name),
            // A member of a StatefulSet, by its own name and that of the Service.
            [_, name] => find(namespace, name),
            _ => None,
        }
    }

    fn of_service(
        &mut self,
        from: &NeedEnd,
        index: usize,
        host: &Host<'_>,
        because: &str,
        location: Option<&Location>,
    ) {
        let Some(index) = self.network.services.behind(index) else { return };
        let service = &self.network.services.all[index];
        let number = host.port.or_else(|| {
            let default = scheme_port(host.scheme)?;
            service.ports.iter().any(|port| port.number == default).then_some(default)
        });
        let headless = service.kind == ServiceKind::Headless;
        let ports: Vec<_> =
            service.ports.iter().filter(|port| number.is_none_or(|number| port.number == number)).collect();
        let mut reached: Vec<(usize, Port)> = Vec::new();
        for port in ports {
            for (pod, targets) in service.reached(port, &self.network.cluster) {
                reached.extend(ports_of(&targets).into_iter().map(|port| (pod, port)));
            }
        }
        // Who calls a headless Service speaks to the pod itself, on whatever port it says.
        if let Some(number) = number.filter(|_| headless && reached.is_empty()) {
            let port = Port { protocol: Protocol::Tcp, number };
            reached.extend(service.pods.iter().map(|pod| (*pod, port)));
        }
        let name = format!("{}/{}", service.namespace, service.name);
        for (pod, port) in reached {
            self.add(Need {
                from: from.clone(),
                to: NeedEnd::Workload(self.network.cluster.pods[pod].workload),
                port,
                because: format!("{because} (Service {name})"),
                location: location.cloned(),
            });
        }
    }

    /// What comes in from outside.
    fn of_entries(&mut self) {
        let network = self.network;
        let proxies = proxies(network);
        for entry in &network.entries {
            let object = &network.snapshot.all()[entry.object];
            let location = Some(Location::of(object, &ringwall_model::path::FieldPath::root()));
            for (pod, ports) in entry.reached() {
                let to = NeedEnd::Workload(network.cluster.pods[pod].workload);
                let from: Vec<NeedEnd> = match entry.seen {
                    Seen::Proxy if proxies.is_empty() => vec![NeedEnd::EveryPod],
                    Seen::Proxy => proxies.iter().copied().map(NeedEnd::Workload).collect(),
                    Seen::Client if !entry.sources.is_empty() => {
                        entry.sources.iter().copied().map(NeedEnd::Block).collect()
                    }
                    Seen::Client | Seen::Node => vec![NeedEnd::Everyone],
                };
                for port in ports_of(&ports) {
                    for from in &from {
                        self.add(Need {
                            from: from.clone(),
                            to: to.clone(),
                            port,
                            because: format!("{entry} leads to it"),
                            location: location.clone(),
                        });
                    }
                }
            }
        }
    }

    /// Members of a StatefulSet find one another by its headless Service.
    fn of_members(&mut self) {
        let network = self.network;
        for (index, workload) in network.cluster.workloads.iter().enumerate() {
            let object = &network.snapshot.all()[workload.object];
            if workload.kind != "StatefulSet"
                || object.root().at(&["spec", "replicas"]).and_then(Node::as_i64) == Some(1)
            {
                continue;
            }
            let Some(node) = object.root().at(&["spec", "serviceName"]) else { continue };
            let service = node.as_str().and_then(|name| network.services.find(&workload.namespace, name));
            let headless = service.is_some_and(|service| service.kind == ServiceKind::Headless);
            let Some(pod) = workload.pods.first().map(|pod| &network.cluster.pods[*pod]).filter(|_| headless)
            else {
                continue;
            };
            let ports: BTreeSet<Port> = pod.ports.iter().map(|declared| declared.port).collect();
            for port in ports {
                // An end that is both is told apart from one that calls itself by mistake.
                self.all.push(Need {
                    from: NeedEnd::Workload(index),
                    to: NeedEnd::Workload(index),
                    port,
                    because: "its members find one another by their headless Service".to_owned(),
                    location: Some(Location::at(object, node.span())),
                });
            }
        }
    }

    /// Services that the API server calls.
    fn of_api_server(&mut self) {
        let network = self.network;
        for (_, object) in network.snapshot.objects() {
            for call in server_calls(object) {
                let Some(service) = network.services.find(&call.namespace, &call.name) else { continue };
                for port in service.ports.iter().filter(|port| port.number == call.port) {
                    for (pod, targets) in service.reached(port, &network.cluster) {
                        for port in ports_of(&targets) {
                            self.add(Need {
                                from: NeedEnd::Everyone,
                                to: NeedEnd::Workload(network.cluster.pods[pod].workload),
                                port,
                                because: format!(
                                    "the API server calls it for {} {}",
                                    object.id.kind, object.id.name
                                ),
                                location: Some(Location::of(object, &call.path)),
                            });
                        }
                    }
                }
            }
        }
    }
}

/// Workloads that take in requests from outside for others: those that a load balancer or node ports lead to, and whose name says so.
pub(super) fn proxies(network: &Network<'_>) -> Vec<usize> {
    let mut all: BTreeSet<usize> = BTreeSet::new();
    for entry in network.entries.iter().filter(|entry| entry.seen != Seen::Proxy) {
        for pod in entry.reached().into_keys() {
            let pod = &network.cluster.pods[pod];
            if pod.is_proxy() {
                all.insert(pod.workload);
            }
        }
    }
    if all.is_empty() {
        // What leads to them may be somebody else's.
        let pods = network.cluster.pods.iter();
        all.extend(pods.filter(|pod| pod.is_proxy()).map(|pod| pod.workload));
    }
    all.into_iter().collect()
}

/// Single ports; ranges are not something that a Service leads to.
pub(super) fn ports_of(ports: &PortSet) -> Vec<Port> {
    let of = |protocol: Protocol| {
        ports.of(protocol).map(move |(number, _)| Port { protocol, number }).collect::<Vec<_>>()
    };
    Protocol::ALL.into_iter().flat_map(of).filter(|port| port.number > 0).collect()
}

fn is_telling(name: &str) -> bool {
    let name = name.to_ascii_uppercase().replace(['-', '.'], "_");
    TELLING.iter().any(|part| name.contains(part))
}

/// Gathers the texts of containers that may hold addresses, and the names of the `ConfigMap`s that a template uses.
fn collect<'t>(node: Node<'t>, texts: &mut Vec<Text<'t>>, maps: &mut BTreeSet<String>) {
    for item in node.items() {
        collect(item, texts, maps);
    }
    for entry in node.entries() {
        let value = entry.value;
        match entry.key {
            "env" if value.kind() == Kind::Sequence => {
                for variable in value.items() {
                    let name = variable.str_at(&["name"]).unwrap_or_default();
                    if let Some(node) = variable.get("value")
                        && let Some(text) = node.as_str()
                    {
                        let what = format!("variable {name} says so");
                        texts.push(Text { text, is_address: is_telling(name), span: node.span(), what });
                    }
                    if let Some(name) = variable.str_at(&["valueFrom", "configMapKeyRef", "name"]) {
                        maps.insert(name.to_owned());
                    }
                }
            }
            "args" | "command" if value.kind() == Kind::Sequence => {
                let mut before = "";
                for argument in value.items() {
                    let Some(text) = argument.as_str() else { continue };
                    let what =
                        format!("its {} say so", if entry.key == "args" { "arguments" } else { "commands" });
                    texts.push(Text { text, is_address: is_telling(before), span: argument.span(), what });
                    before = text;
                }
            }
            "configMapRef" | "configMap" => {
                maps.extend(value.str_at(&["name"]).map(str::to_owned));
            }
            "annotations" | "labels" | "status" => {}
            _ => collect(value, texts, maps),
        }
    }
}

/// A name that stands as an address does.
#[derive(Debug, PartialEq, Eq)]
struct Host<'t> {
    name: &'t str,
    port: Option<u16>,
    scheme: Option<&'t str>,
    /// Whether it stands behind an `@`.
    at: bool,
}

fn scheme_port(scheme: Option<&str>) -> Option<u16> {
    let scheme = scheme?;
    let base = scheme.split('+').next().unwrap_or(scheme);
    SCHEMES.iter().find(|(name, _)| *name == base || *name == scheme).map(|(_, port)| *port)
}

/// All names in a text, with what stands around them. Costs the length of the text.
fn hosts(text: &str) -> Vec<Host<'_>> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    let bytes = text.as_bytes();
    let mut hosts = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !is_name(bytes[at]) {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && is_name(bytes[at]) {
            at += 1;
        }
        let name = text[start..at].trim_matches('.');
        // A part of a path or of a longer word is no name of a host.
        let before = &text[..start];
        let inside = before.ends_with('/') && !before.ends_with("://");
        if inside
            || before.ends_with('_')
            || bytes.get(at) == Some(&b'_')
            || name.is_empty()
            || name.len() > 253
        {
            continue;
        }
        let scheme_of = |before: &'_ str| -> Option<(usize, usize)> {
            let end = before.strip_suffix("://")?.len();
            let rest = &before.as_bytes()[..end];
            let start = rest
                .iter()
                .rposition(|byte| !byte.is_ascii_alphanumeric() && *byte != b'+')
                .map_or(0, |at| at + 1);
            (start < end).then_some((start, end))
        };
        let behind_at = before.ends_with('@');
        let scheme = if behind_at {
            // `scheme://user:password@host`: the scheme stands before whoever logs in.
            let marker = before.rfind("://");
            marker.and_then(|marker| scheme_of(&before[..marker + 3]))
        } else {
            scheme_of(before)
        };
        let scheme = scheme.map(|(start, end)| &text[start..end]);
        // The scheme itself is a word too, and so is a user.
        if text[at..].starts_with("://") || text[at..].starts_with('@') {
            continue;
        }
        let mut port = None;
        if bytes.get(at) == Some(&b':') {
            let digits: String = text[at + 1..].chars().take_while(char::is_ascii_digit).collect();
            port = digits.parse::<u16>().ok().filter(|port| *port > 0);
        }
        let numeric = name.bytes().all(|byte| byte.is_ascii_digit());
        if !numeric {
            hosts.push(Host { name, port, scheme, at: behind_at });
        }
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_where_they_stand_as_addresses() {
        let found = |text: &str| -> Vec<(String, Option<u16>, Option<String>)> {
            hosts(text)
                .into_iter()
                .map(|host| (host.name.to_owned(), host.port, host.scheme.map(str::to_owned)))
                .collect()
        };
        let one = |name: &str, port, scheme: Option<&str>| (name.to_owned(), port, scheme.map(str::to_owned));
        assert_eq!(found("http://cart:8080/v1/items"), [one("cart", Some(8080), Some("http"))]);
        assert_eq!(found("cart.shop.svc"), [one("cart.shop.svc", None, None)]);
        assert_eq!(found("--upstream=cart:80"), [one("--upstream", None, None), one("cart", Some(80), None)]);
        let dsn = found("postgres://user:secret@orders-db:5432/orders");
        assert!(dsn.contains(&one("orders-db", Some(5432), Some("postgres"))), "{dsn:?}");
        assert!(!dsn.iter().any(|(name, ..)| name == "orders" || name == "secret"), "{dsn:?}");
        assert_eq!(found("kafka-0:9092,kafka-1:9092").len(), 2);
        assert_eq!(found("8080"), []);
        assert_eq!(found("a:70000"), [one("a", None, None)]);
        assert!(found("ü://é@ö:80").is_empty());
    }
}
