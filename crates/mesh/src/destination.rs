//! `DestinationRule`: what clients do about TLS, as far as they are told.
//!
//! Sources: istio.io/istio `pilot/pkg/model/push_context.go` (`setDestinationRules`, `destinationRule`),
//! `pilot/pkg/model/destination_rule.go`
//! (`mergeDestinationRule`), `pilot/pkg/model/sidecar.go` (`DestinationRule`), `pilot/pkg/networking/util/util.go`
//! (`GetPortLevelTrafficPolicy`,
//! `MergeSubsetTrafficPolicy`) and `pilot/pkg/xds/endpoints/mtls_checker.go`.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use ringwall_model::object::Object;

use crate::place::{Misread, Pairs, Place, created, is_subset};
use crate::reader::{At, Reader};
use crate::services::Service;
use crate::workloads::namespace_of;

/// `ClientTLSSettings.mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TlsMode {
    /// None; also where no mode is written.
    #[default]
    Disable,
    /// The client shows no certificate.
    Simple,
    /// The client shows one of its own.
    Mutual,
    /// The client shows that of the mesh.
    IstioMutual,
}

/// In protobuf's order.
const TLS_MODES: [(&str, TlsMode); 4] = [
    ("DISABLE", TlsMode::Disable),
    ("SIMPLE", TlsMode::Simple),
    ("MUTUAL", TlsMode::Mutual),
    ("ISTIO_MUTUAL", TlsMode::IstioMutual),
];

/// Balancers, in protobuf's order; only one of them matters.
const BALANCERS: [(&str, bool); 6] = [
    ("UNSPECIFIED", false),
    ("LEAST_CONN", false),
    ("RANDOM", false),
    ("PASSTHROUGH", true),
    ("ROUND_ROBIN", false),
    ("LEAST_REQUEST", false),
];

/// `ClientTLSSettings`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// What the client uses.
    pub mode: TlsMode,
    /// Whether it takes certificates from a Secret, which a sidecar may not unless the rule selects its workloads.
    pub needs_secret: bool,
    /// Whether it names a certificate and a key of its own, or a Secret or a `ConfigMap` that may hold them.
    pub has_certificate: bool,
    /// Where it is written.
    pub place: Place,
}

/// `trafficPolicy` for one port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortSettings {
    /// The port of the service.
    pub port: Option<u32>,
    /// Its TLS.
    pub tls: Option<Tls>,
    /// Whether its balancer is `PASSTHROUGH`; nothing where it has none.
    pub is_passthrough: Option<bool>,
    /// Where it is written.
    pub place: Place,
}

/// `trafficPolicy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrafficPolicy {
    /// Its TLS.
    pub tls: Option<Tls>,
    /// Whether its balancer is `PASSTHROUGH`; nothing where it has none.
    pub is_passthrough: Option<bool>,
    /// What it says of single ports.
    pub ports: Vec<PortSettings>,
    /// Where it is written.
    pub place: Place,
}

/// A subset of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subset {
    /// Its name.
    pub name: String,
    /// Which labels its workloads have.
    pub labels: Pairs,
    /// What is otherwise for it.
    pub policy: Option<TrafficPolicy>,
    /// Where it is written.
    pub place: Place,
}

/// A `DestinationRule`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationRule {
    /// The object's index in the snapshot.
    pub object: usize,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// When it was made, in seconds since 1970. What does not say is not there yet, and will be younger than all that is.
    pub created: Option<i64>,
    /// The host, in full.
    pub host: String,
    /// The namespaces whose clients heed it; empty for all.
    pub export_to: BTreeSet<String>,
    /// Which labels its clients have, where it selects them.
    pub workload_selector: Option<Pairs>,
    /// What is for all ports and subsets.
    pub policy: Option<TrafficPolicy>,
    /// The subsets, each name once.
    pub subsets: Vec<Subset>,
}

/// A host as a rule of this namespace means it; `domain` is that of the cluster's services. Where istiod reads rules from files it
/// knows none, and a
/// short name is the host of no Service then. Source: `pilot/pkg/model/config.go` (`ResolveShortnameToFQDN`).
pub fn full_host(host: &str, namespace: &str, domain: &str) -> String {
    if host.is_empty() || host == "*" || host.contains('.') || host.parse::<IpAddr>().is_ok() {
        host.to_owned()
    } else if domain.is_empty() {
        format!("{host}.{namespace}")
    } else {
        format!("{host}.{namespace}.svc.{domain}")
    }
}

impl DestinationRule {
    /// Reads an object, if it is one. What is of a wrong type is told, and is as if it were not there. `domain` is what
    /// [`full_host`] takes.
    pub fn read(object: &Object, index: usize, domain: &str, misread: &mut Vec<Misread>) -> Option<Self> {
        if !object.is("networking.istio.io", "DestinationRule") {
            return None;
        }
        let reader = &mut Reader { object: index, misread };
        let spec = reader.mapping(&At::root(object), "spec")?;
        let namespace = namespace_of(object).to_owned();
        let host = full_host(reader.text(&spec, "host").unwrap_or_default(), &namespace, domain);
        let selector = reader.mapping(&spec, "workloadSelector");
        let workload_selector = selector.map(|at| reader.pairs(&at, "matchLabels").unwrap_or_default());
        let mut names = HashSet::new();
        let mut subsets = Vec::new();
        for at in reader.mappings(&spec, "subsets") {
            let name = reader.text(&at, "name").unwrap_or_default().to_owned();
            if names.insert(name.clone()) {
                let labels = reader.pairs(&at, "labels").unwrap_or_default();
                let policy = reader.mapping(&at, "trafficPolicy").map(|at| traffic_policy(reader, at));
                subsets.push(Subset { name, labels, policy, place: reader.place(at.path) });
            }
        }
        let exported = reader.texts(&spec, "exportTo").into_iter().map(str::to_owned).collect();
        Some(Self {
            object: index,
            namespace,
            name: object.id.name.clone(),
            created: created(object),
            host,
            // One that selects its clients is for its own namespace.
            export_to: if workload_selector.is_some() { BTreeSet::from([".".to_owned()]) } else { exported },
            workload_selector,
            policy: reader.mapping(&spec, "trafficPolicy").map(|at| traffic_policy(reader, at)),
            subsets,
        })
    }

    /// Those that select clients first, then the older ones, then by name and namespace.
    fn order(&self) -> (bool, bool, Option<i64>, &str, &str, usize) {
        let selects = self.workload_selector.is_some();
        (!selects, self.created.is_none(), self.created, &self.name, &self.namespace, self.object)
    }

    fn exports(&self, to: &str) -> bool {
        self.export_to.contains(to)
    }
}

fn traffic_policy(reader: &mut Reader<'_>, at: At<'_>) -> TrafficPolicy {
    let mut ports = Vec::new();
    for at in reader.mappings(&at, "portLevelSettings") {
        let port = reader.mapping(&at, "port").map(|port| reader.number(&port, "number").unwrap_or(0));
        let (tls, is_passthrough) = (tls(reader, &at), is_passthrough(reader, &at));
        ports.push(PortSettings { port, tls, is_passthrough, place: reader.place(at.path) });
    }
    let (tls, is_passthrough) = (tls(reader, &at), is_passthrough(reader, &at));
    TrafficPolicy { tls, is_passthrough, ports, place: reader.place(at.path) }
}

fn tls(reader: &mut Reader<'_>, at: &At<'_>) -> Option<Tls> {
    let at = reader.mapping(at, "tls")?;
    let credential = reader.text(&at, "credentialName").unwrap_or_default();
    let mut has = |key| reader.text(&at, key).is_some_and(|text| !text.is_empty());
    let has_certificate = !credential.is_empty() || (has("clientCertificate") && has("privateKey"));
    let mode = reader.one_of(&at, "mode", &TLS_MODES).unwrap_or_default();
    let needs_secret = !credential.is_empty() && !credential.starts_with("configmap://");
    Some(Tls { mode, needs_secret, has_certificate, place: reader.place(at.path) })
}

fn is_passthrough(reader: &mut Reader<'_>, at: &At<'_>) -> Option<bool> {
    let balancer = reader.mapping(at, "loadBalancer")?;
    // Of both, protobuf keeps the one that it declares later.
    Some(
        balancer.get("consistentHash").is_none()
            && reader.one_of(&balancer, "simple", &BALANCERS) == Some(true),
    )
}

/// A rule with those that are merged into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// What comes out. Each part knows the object that it is from.
    pub rule: DestinationRule,
    /// All that went into it, as indexes in the snapshot.
    pub from: Vec<usize>,
}

/// What a rule says about a port, a subset considered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effective<'r> {
    /// The TLS of the cluster.
    pub tls: Option<&'r Tls>,
    /// Whether its balancer is `PASSTHROUGH`; nothing where it has none.
    pub is_passthrough: Option<bool>,
}

impl TrafficPolicy {
    /// What it says about a port. What is said of a single port takes the place of all that is said of all, also of what it does not
    /// mention; `true` where it is so.
    fn of_port(&self, port: u16) -> (Effective<'_>, bool) {
        match self.ports.iter().find(|settings| settings.port == Some(u32::from(port))) {
            Some(own) => (Effective { tls: own.tls.as_ref(), is_passthrough: own.is_passthrough }, true),
            None => (Effective { tls: self.tls.as_ref(), is_passthrough: self.is_passthrough }, false),
        }
    }

    /// The TLS that endpoints are chosen by: that of the port, and where it has none that of all.
    fn of_endpoints(&self, port: u16) -> Option<&Tls> {
        let own = |settings: &&PortSettings| settings.port == Some(u32::from(port)) && settings.tls.is_some();
        self.ports.iter().find(own).and_then(|own| own.tls.as_ref()).or(self.tls.as_ref())
    }
}

impl Merged {
    /// What it says about a port, and a subset where one is asked for.
    pub fn effective(&self, port: u16, subset: Option<&Subset>) -> Effective<'_> {
        let whole = self.rule.policy.as_ref().map(|policy| policy.of_port(port).0);
        let nothing = Effective { tls: None, is_passthrough: None };
        // The subset is asked for by name, so that what is returned is of the rule.
        let own = subset.and_then(|wanted| self.rule.subsets.iter().find(|own| own.name == wanted.name));
        let Some(policy) = own.and_then(|own| own.policy.as_ref()) else { return whole.unwrap_or(nothing) };
        let (own, is_of_port) = policy.of_port(port);
        match whole {
            None => own,
            Some(_) if is_of_port => own,
            Some(whole) => Effective {
                tls: own.tls.or(whole.tls),
                is_passthrough: own.is_passthrough.or(whole.is_passthrough),
            },
        }
    }

    /// The TLS by which it is decided for each endpoint whether it gets mutual TLS, where the cluster leaves that open.
    pub fn of_endpoints(&self, port: u16, subset: Option<&Subset>) -> Option<&Tls> {
        let whole = || self.rule.policy.as_ref().and_then(|policy| policy.of_endpoints(port));
        let Some(wanted) = subset else { return whole() };
        let own = self.rule.subsets.iter().find(|own| own.name == wanted.name)?;
        own.policy.as_ref().and_then(|policy| policy.of_endpoints(port)).or_else(whole)
    }
}

/// The rules of one level, by host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Level {
    exact: HashMap<String, Vec<usize>>,
    /// Longest first, then by host.
    wildcards: Vec<(String, Vec<usize>)>,
}

impl Level {
    /// The rules for the most specific host that a host matches. Source: `pilot/pkg/model/config.go` (`MostSpecificHostMatch`).
    fn best(&self, host: &str) -> &[usize] {
        if let Some(found) = self.exact.get(host) {
            return found;
        }
        let mut needle = host;
        if let Some(rest) = host.strip_prefix('*') {
            if let Some((_, found)) = self.wildcards.iter().find(|(own, _)| own == host) {
                return found;
            }
            needle = rest;
        }
        let matches = |(own, _): &&(String, Vec<usize>)| needle.ends_with(own.get(1..).unwrap_or_default());
        self.wildcards.iter().find(matches).map_or(&[], |(_, found)| found)
    }

    fn of_host(&mut self, host: &str) -> &mut Vec<usize> {
        if !host.starts_with('*') {
            return self.exact.entry(host.to_owned()).or_default();
        }
        let order = |own: &(String, Vec<usize>)| {
            own.0.len().cmp(&host.len()).reverse().then(own.0.as_str().cmp(host))
        };
        let at = match self.wildcards.binary_search_by(order) {
            Ok(at) => at,
            Err(at) => {
                self.wildcards.insert(at, (host.to_owned(), Vec::new()));
                at
            }
        };
        &mut self.wildcards[at].1
    }
}

/// All `DestinationRule` objects of a mesh.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destinations {
    /// The rules as they are merged; which of them count for whom is asked by [`Destinations::of_service`].
    pub merged: Vec<Merged>,
    root: String,
    /// Of each namespace what its own clients heed.
    local: HashMap<String, Level>,
    /// Of each namespace what others may heed.
    exported: HashMap<String, Level>,
    /// Of the root namespace what nobody else may heed.
    root_local: Level,
}

/// The rules that may count for a service.
#[derive(Clone, Copy, Debug)]
pub struct OfService<'d> {
    all: &'d Destinations,
    host: &'d str,
    of_service: &'d [usize],
    of_root: &'d [usize],
    /// Whether all of these are for clients of all namespaces.
    is_for_all: bool,
}

/// The rules of a client's own namespace, which count before all others.
#[derive(Clone, Copy, Debug)]
pub struct Own<'d>(Option<&'d Level>);

impl Destinations {
    /// Takes them all together; their order does not matter. `keeps_private` says that one that exports to nobody is for its own namespace
    /// alone; see [`crate::config::MeshConfig::keeps_rules_private`]. Costs a sort, and a look at rules for the same host of the same namespace.
    pub fn new(mut rules: Vec<DestinationRule>, root: &str, keeps_private: bool) -> Self {
        rules.sort_by(|a, b| a.order().cmp(&b.order()));
        let mut all = Self { root: root.to_owned(), ..Self::default() };
        for rule in rules {
            let (namespace, exported) = (rule.namespace.clone(), &rule.export_to);
            let is_own = exported.is_empty() || [".", "*", &namespace].iter().any(|to| rule.exports(to));
            let is_private = (exported.is_empty() && keeps_private)
                || exported.len() == 1 && (rule.exports(".") || rule.exports(&namespace));
            if is_own {
                merge(&mut all.merged, all.local.entry(namespace.clone()).or_default(), &rule);
            }
            if !is_private {
                merge(&mut all.merged, all.exported.entry(namespace).or_default(), &rule);
            } else if namespace == root {
                merge(&mut all.merged, &mut all.root_local, &rule);
            }
        }
        all
    }

    /// The rules that may count for a service. Costs two look-ups by host.
    pub fn of_service<'d>(&'d self, service: &'d Service) -> OfService<'d> {
        let best =
            |namespace: &str| self.exported.get(namespace).map_or(&[][..], |level| level.best(&service.host));
        let (of_service, of_root) = (best(&service.namespace), best(&self.root));
        let is_public = |index: &usize| {
            let to = &self.merged[*index].rule.export_to;
            to.is_empty() || to.contains("*")
        };
        let is_for_all = of_service.iter().chain(of_root).all(is_public);
        OfService { all: self, host: &service.host, of_service, of_root, is_for_all }
    }

    /// The rules that clients of a namespace heed before all others.
    pub fn own(&self, namespace: &str) -> Own<'_> {
        Own(if namespace == self.root { Some(&self.root_local) } else { self.local.get(namespace) })
    }

    /// The selectors of rules that pick their clients in a namespace.
    pub fn client_selectors(&self, namespace: &str) -> impl Iterator<Item = &Pairs> {
        let level = self.local.get(namespace);
        let lists = level.into_iter().flat_map(|level| {
            level.exact.values().chain(level.wildcards.iter().map(|(_, list)| list)).flatten()
        });
        lists.filter_map(|index| self.merged[*index].rule.workload_selector.as_ref())
    }
}

impl<'d> OfService<'d> {
    /// Whether clients heed the same rule as those of any other namespace whose own rules are silent too.
    pub(crate) fn is_common(&self, own: Own<'_>) -> bool {
        self.is_for_all && own.0.is_none_or(|level| level.best(self.host).is_empty())
    }

    /// The rule that a client heeds, by its place in [`Destinations::merged`]. The first level that has one for the host counts
    /// alone: the client's
    /// namespace (see [`Destinations::own`]), then the service's, then the root namespace. Costs a look-up by host.
    pub fn for_client(&self, own: Own<'d>, namespace: &str, labels: &Pairs) -> Option<usize> {
        let own = own.0.map_or(&[][..], |level| level.best(self.host));
        if !own.is_empty() {
            return self.choose(own.iter(), namespace, labels);
        }
        let heeds = |index: &&'d usize| {
            let to = &self.all.merged[**index].rule.export_to;
            to.is_empty() || to.contains("*") || to.contains(namespace)
        };
        for level in [self.of_service, self.of_root] {
            if level.iter().any(|index| heeds(&index)) {
                return self.choose(level.iter().filter(heeds), namespace, labels);
            }
        }
        None
    }

    /// One that selects the client, else the last of those that select nobody.
    fn choose(
        &self,
        list: impl Iterator<Item = &'d usize>,
        namespace: &str,
        labels: &Pairs,
    ) -> Option<usize> {
        let mut for_all = None;
        for index in list {
            let rule = &self.all.merged[*index].rule;
            match &rule.workload_selector {
                None => for_all = Some(*index),
                Some(selector) if rule.namespace == namespace && is_subset(selector, labels) => {
                    return Some(*index);
                }
                Some(_) => {}
            }
        }
        for_all
    }
}

/// Adds a rule to a level: into those for the same host that it goes with, or beside them.
fn merge(merged: &mut Vec<Merged>, level: &mut Level, rule: &DestinationRule) {
    let list = level.of_host(&rule.host);
    let mut is_apart = true;
    for index in list.iter() {
        let other = &mut merged[*index];
        if rule.export_to == other.rule.export_to {
            is_apart = false;
        } else {
            is_apart = true;
            if other.rule.export_to.is_empty() || !rule.export_to.is_superset(&other.rule.export_to) {
                continue;
            }
        }
        match (&rule.workload_selector, &other.rule.workload_selector) {
            (None, None) => is_apart = false,
            (Some(own), Some(others)) if own == others => is_apart = false,
            (Some(_), Some(_)) => {
                is_apart = true;
                continue;
            }
            _ => {}
        }
        other.from.push(rule.object);
        for subset in &rule.subsets {
            if other.rule.subsets.iter().all(|own| own.name != subset.name) {
                other.rule.subsets.push(subset.clone());
            }
        }
        if other.rule.policy.is_none() {
            other.rule.policy.clone_from(&rule.policy);
        }
    }
    if is_apart {
        list.push(merged.len());
        merged.push(Merged { rule: rule.clone(), from: vec![rule.object] });
    }
}
