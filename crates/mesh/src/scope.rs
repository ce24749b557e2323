//! `Sidecar`: which services the proxies of clients know of. What they do not know of they pass on as it comes.
//!
//! Sources: istio.io/istio `pilot/pkg/model/push_context.go` (`initSidecarScopes`, `doGetSidecarScope`) and `pilot/pkg/model/sidecar.go`
//! (`convertIstioListenerToWrapper`, `selectServices`). Destinations of a `VirtualService` that brings in more are not followed.

use std::collections::HashMap;

use ringwall_model::object::Object;

use crate::place::{Misread, Pairs, created, is_subset};
use crate::reader::{At, Reader};
use crate::services::{Service, is_http_of_entry};
use crate::workloads::namespace_of;

/// A host that a listener names.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Import {
    /// A namespace, or `*`.
    namespace: String,
    host: String,
    /// Whether it is kept out.
    excluded: bool,
}

impl Import {
    /// Whether a service's host is one of these. Source: `pkg/config/host/name.go` (`SubsetOf`).
    fn matches(&self, host: &str) -> bool {
        match (self.host.strip_prefix('*'), host.strip_prefix('*')) {
            (Some(own), Some(other)) => other.len() >= own.len() && other.ends_with(own),
            (Some(own), None) => host.ends_with(own),
            (None, _) => self.host == host,
        }
    }
}

/// An egress listener.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Listener {
    /// The one port that it is for.
    port: Option<u32>,
    imports: Vec<Import>,
}

/// A `Sidecar` object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The object's index in the snapshot.
    pub object: usize,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    created: Option<i64>,
    selector: Option<Pairs>,
    listeners: Vec<Listener>,
    /// The ports on which proxies take in what comes, in place of those of services, and whether they say that they carry HTTP; those of the
    /// services where there is none. Source: `buildInboundChainConfigs` in `pilot/pkg/networking/core/listener_inbound.go`.
    pub ingress: Vec<(u32, Option<bool>)>,
    /// Whether nothing is let out to what is not known of, where it says anything of that.
    pub registry_only: Option<bool>,
}

impl Scope {
    /// Reads an object, if it is one. What is of a wrong type is told, and is as if it were not there.
    pub fn read(object: &Object, index: usize, misread: &mut Vec<Misread>) -> Option<Self> {
        if !object.is("networking.istio.io", "Sidecar") {
            return None;
        }
        let reader = &mut Reader { object: index, misread };
        let mut scope = Self {
            object: index,
            namespace: namespace_of(object).to_owned(),
            name: object.id.name.clone(),
            created: created(object),
            selector: None,
            listeners: Vec::new(),
            ingress: Vec::new(),
            registry_only: None,
        };
        let Some(spec) = reader.mapping(&At::root(object), "spec") else { return Some(scope) };
        let selector = reader.mapping(&spec, "workloadSelector");
        scope.selector = selector.map(|at| reader.pairs(&at, "labels").unwrap_or_default());
        // A policy without a mode has the first of its modes.
        scope.registry_only = reader
            .mapping(&spec, "outboundTrafficPolicy")
            .map(|policy| reader.text(&policy, "mode").is_none_or(|mode| mode == "REGISTRY_ONLY"));
        for listener in reader.mappings(&spec, "ingress") {
            let Some(port) = reader.mapping(&listener, "port") else { continue };
            let Some(number) = reader.number(&port, "number") else { continue };
            let protocol = reader.text(&port, "protocol").unwrap_or_default();
            // What the listener decrypts by itself is what it was before.
            let is_ended = listener.get("tls").is_some() && protocol.eq_ignore_ascii_case("HTTPS");
            let is_http = if is_ended { Some(true) } else { is_http_of_entry(protocol) };
            scope.ingress.push((number, is_http));
        }
        for listener in reader.mappings(&spec, "egress") {
            let port = reader.mapping(&listener, "port").and_then(|port| {
                // One for a proxy of HTTP takes all ports.
                let is_proxy = reader
                    .text(&port, "protocol")
                    .is_some_and(|name| name.eq_ignore_ascii_case("HTTP_PROXY"));
                reader.number(&port, "number").filter(|number| *number != 0 && !is_proxy)
            });
            let hosts = reader.texts(&listener, "hosts");
            scope.listeners.push(Listener { port, imports: hosts.into_iter().filter_map(import).collect() });
        }
        Some(scope)
    }

    fn order(&self) -> (bool, bool, Option<i64>, &str, &str, usize) {
        let selects = self.selector.is_some();
        (!selects, self.created.is_none(), self.created, &self.name, &self.namespace, self.object)
    }

    /// Whether clients of a namespace know of a port of a service. Of services that are not exported to them they never do.
    pub fn sees(&self, namespace: &str, service: &Service, port: u16) -> bool {
        let named = |import: &&Import| {
            let own = if import.namespace == "." { namespace } else { import.namespace.as_str() };
            (own == "*" || own == service.namespace) && import.matches(&service.host)
        };
        let sees = |listener: &Listener| {
            listener.port.is_none_or(|own| own == u32::from(port))
                && listener.imports.iter().any(|import| !import.excluded && named(&import))
                && !listener.imports.iter().any(|import| import.excluded && named(&import))
        };
        self.listeners.is_empty() || self.listeners.iter().any(sees)
    }
}

/// A host as `namespace/name`; `~` before the namespace keeps it out.
fn import(text: &str) -> Option<Import> {
    let (namespace, host) = text.split_once('/').filter(|(_, host)| !host.contains('/'))?;
    let (namespace, excluded) = match namespace.strip_prefix('~') {
        Some("") => ("*", true),
        Some(rest) => (rest, true),
        None => (namespace, false),
    };
    Some(Import { namespace: namespace.to_owned(), host: host.to_owned(), excluded })
}

/// All `Sidecar` objects of a mesh.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes {
    /// In the order in which they are asked: those that select workloads first, then the older ones.
    pub all: Vec<Scope>,
    by_namespace: HashMap<String, Vec<usize>>,
    /// That of the root namespace for all that have none.
    root: Option<usize>,
}

impl Scopes {
    /// Takes them all together; their order does not matter.
    pub fn new(mut all: Vec<Scope>, root: &str) -> Self {
        all.sort_by(|a, b| a.order().cmp(&b.order()));
        let mut by_namespace: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, scope) in all.iter().enumerate() {
            by_namespace.entry(scope.namespace.clone()).or_default().push(index);
        }
        let root = all.iter().position(|scope| scope.namespace == root && scope.selector.is_none());
        Self { all, by_namespace, root }
    }

    /// The one that counts for a workload, by its place in [`Scopes::all`]; nothing where it knows of all services.
    pub fn of(&self, namespace: &str, labels: &Pairs) -> Option<usize> {
        let selects = |index: &&usize| {
            self.all[**index].selector.as_ref().is_none_or(|selector| is_subset(selector, labels))
        };
        let own = self.by_namespace.get(namespace).into_iter().flatten().find(selects);
        own.copied().or(self.root)
    }
}
