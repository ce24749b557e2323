//! Whether a Gateway takes a route.

use std::collections::BTreeSet;

use super::listeners::{Held, Listener, Parent, ParentKind, kind_of};
use super::{GROUP, Gateways, RouteKind};
use crate::entries::backend::At;
use crate::entries::{ANY_HOST, Entry, EntryFlawKind};
use crate::port::Port;
use crate::services::port_number;

/// What takes a route, all parents together.
#[derive(Debug, Default)]
pub(super) struct Attached {
    pub(super) is_attached: bool,
    pub(super) hosts: BTreeSet<String>,
    /// The ports of the listeners.
    pub(super) listens: BTreeSet<Port>,
}

/// What a route asks of a listener.
struct Asked<'r, 't> {
    kind: RouteKind,
    section: Option<&'t str>,
    port: Option<u16>,
    hosts: &'r [&'t str],
}

/// How near a route comes to a listener that does not take it; the nearest is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Miss {
    NoListener,
    Kind,
    Namespace,
    Hosts,
}

impl Gateways<'_> {
    /// Finds what takes a route; `None` where it is meant for no Gateway.
    pub(super) fn attach(&self, entry: &mut Entry, kind: RouteKind, spec: &At<'_>) -> Option<Attached> {
        let mut attached = Attached::default();
        let mut is_meant = false;
        let hosts = spec.items("hostnames");
        let hosts: Vec<&str> = hosts.iter().filter_map(|host| host.node.as_str()).collect();
        let mut asked = Asked { kind, section: None, port: None, hosts: &hosts };
        for at in spec.items("parentRefs") {
            let group = at.node.str_at(&["group"]).unwrap_or(GROUP);
            let Some(parent) = kind_of(group, at.text("kind").unwrap_or("Gateway")) else { continue };
            is_meant = true;
            asked.section = at.text("sectionName");
            asked.port = at.get("port").and_then(|port| port_number(port.node));
            self.parent(entry, &mut attached, &asked, &at, parent);
        }
        if spec.text("useDefaultGateways") == Some("All") {
            for gateway in self.parents.all.iter().filter(|parent| parent.is_default) {
                is_meant = true;
                (asked.section, asked.port) = (None, None);
                let at = spec.nearest("useDefaultGateways");
                // A default that does not take it is no fault of the route.
                let _ = self.listeners(entry, &mut attached, &asked, &at, gateway);
            }
        }
        is_meant.then_some(attached)
    }

    fn parent(
        &self,
        entry: &mut Entry,
        attached: &mut Attached,
        asked: &Asked<'_, '_>,
        at: &At<'_>,
        kind: ParentKind,
    ) {
        let Some(name) = at.text("name") else {
            entry.flaw(EntryFlawKind::Refused, &at.nearest("name"), "a parent needs a name");
            return;
        };
        let own = entry.namespace.clone();
        let namespace = at.text("namespace").unwrap_or(&own);
        let word = if kind == ParentKind::Gateway { "Gateway" } else { "ListenerSet" };
        let Some(parent) = self.parents.find(kind, namespace, name) else {
            let message =
                format!("{word} {namespace}/{name} is not in the input and is taken to let the route in");
            entry.assume(EntryFlawKind::GatewayMissing, &at.nearest("name"), message);
            attached.is_attached = true;
            if asked.kind.has_hosts() {
                attached.hosts.extend(asked.hosts.iter().map(|host| (*host).to_owned()));
            }
            attached.listens.extend(asked.port.map(|number| asked.port_of(number)));
            return;
        };
        if kind == ParentKind::ListenerSet && !self.set(entry, at, parent, namespace, name) {
            return;
        }
        if let Err(miss) = self.listeners(entry, attached, asked, at, parent) {
            let message = match (miss, asked.section, asked.port) {
                (Miss::NoListener, Some(section), None) => {
                    format!("{word} {namespace}/{name} has no listener called \"{section}\"")
                }
                (Miss::NoListener, None, Some(port)) => {
                    format!("{word} {namespace}/{name} has no listener on port {port}")
                }
                (Miss::NoListener, Some(section), Some(port)) => {
                    format!("{word} {namespace}/{name} has no listener called \"{section}\" on port {port}")
                }
                (Miss::NoListener, None, None) => format!("{word} {namespace}/{name} has no listener"),
                (Miss::Kind, ..) => {
                    format!("no listener of {word} {namespace}/{name} takes a {}", entry.object_kind)
                }
                (Miss::Namespace, ..) => {
                    format!("no listener of {word} {namespace}/{name} takes routes of namespace {own}")
                }
                (Miss::Hosts, ..) => {
                    format!("no listener of {word} {namespace}/{name} answers to a host name of the route")
                }
            };
            entry.flaw(EntryFlawKind::NotAttached, &at.nearest("name"), message);
        }
    }

    /// Whether the Gateway of a ListenerSet takes that.
    fn set(&self, entry: &mut Entry, at: &At<'_>, set: &Parent<'_>, namespace: &str, name: &str) -> bool {
        let at = at.nearest("name");
        let Some((owner, gateway)) = set.gateway else {
            let message = format!("ListenerSet {namespace}/{name} names no Gateway");
            entry.flaw(EntryFlawKind::NotAttached, &at, message);
            return false;
        };
        let Some(parent) = self.parents.find(ParentKind::Gateway, owner, gateway) else {
            let message =
                format!("Gateway {owner}/{gateway} is not in the input and is taken to have the listeners");
            entry.assume(EntryFlawKind::GatewayMissing, &at, message);
            return true;
        };
        match parent.takes_set_from(namespace, self.cluster) {
            Held::Yes => true,
            Held::Unknown => {
                let message = format!(
                    "the labels of namespace {namespace} are not in the input; Gateway {owner}/{gateway} asks for some"
                );
                entry.assume(EntryFlawKind::NamespaceUnknown, &at, message);
                true
            }
            Held::No => {
                let message =
                    format!("Gateway {owner}/{gateway} takes no ListenerSets of namespace {namespace}");
                entry.flaw(EntryFlawKind::NotAttached, &at, message);
                false
            }
        }
    }

    /// Attaches a route to all listeners that take it.
    fn listeners(
        &self,
        entry: &mut Entry,
        attached: &mut Attached,
        asked: &Asked<'_, '_>,
        at: &At<'_>,
        parent: &Parent<'_>,
    ) -> Result<(), Miss> {
        let mut nearest = Miss::NoListener;
        let (mut taken, mut unknown) = (false, true);
        let named = |listener: &&Listener<'_>| {
            asked.section.is_none_or(|section| section == listener.name)
                && asked.port.is_none_or(|port| Some(port) == listener.port)
        };
        for listener in parent.listeners.iter().filter(named) {
            if !listener.takes(asked.kind, &entry.object_kind) {
                nearest = nearest.max(Miss::Kind);
                continue;
            }
            let held = parent.takes_from(listener, &entry.namespace, self.cluster);
            if held == Held::No {
                nearest = nearest.max(Miss::Namespace);
                continue;
            }
            let hosts = asked.hosts_at(listener);
            if hosts.is_empty() && asked.kind.has_hosts() {
                nearest = nearest.max(Miss::Hosts);
                continue;
            }
            unknown &= held == Held::Unknown;
            taken = true;
            attached.hosts.extend(hosts);
            attached.listens.extend(listener.port.map(|number| asked.port_of(number)));
        }
        if !taken {
            return Err(nearest);
        }
        attached.is_attached = true;
        if !asked.kind.has_hosts() {
            attached.hosts.extend(parent.addresses.iter().map(|address| (*address).to_owned()));
        }
        if unknown {
            let message = format!(
                "the labels of namespace {} are not in the input; the listeners of the Gateway ask for some",
                entry.namespace
            );
            entry.assume(EntryFlawKind::NamespaceUnknown, at, message);
        }
        Ok(())
    }
}

impl Asked<'_, '_> {
    fn port_of(&self, number: u16) -> Port {
        Port { protocol: self.kind.protocol(), number }
    }

    /// The names that the route answers to at a listener.
    fn hosts_at(&self, listener: &Listener<'_>) -> Vec<String> {
        if !self.kind.has_hosts() {
            return Vec::new();
        }
        match (listener.host, self.hosts.is_empty()) {
            (host, true) => vec![host.unwrap_or(ANY_HOST).to_owned()],
            (None, false) => self.hosts.iter().map(|host| (*host).to_owned()).collect(),
            (Some(own), false) => {
                let common = self.hosts.iter().filter_map(|host| narrower(own, host));
                common.map(str::to_owned).collect()
            }
        }
    }
}

/// The narrower of two names of which one holds the other; `*.example.com` holds `a.b.example.com` and not `example.com`.
/// Source: the comments of `Hostnames` in `httproute_types.go`.
fn narrower<'h>(a: &'h str, b: &'h str) -> Option<&'h str> {
    let holds = |wide: &str, narrow: &str| {
        let suffix = wide.strip_prefix('*').filter(|suffix| suffix.starts_with('.'));
        // What is before the suffix must be something: a label, or the asterisk of a narrower one.
        suffix.is_some_and(|suffix| narrow.strip_suffix(suffix).is_some_and(|before| !before.is_empty()))
    };
    if a == b || holds(a, b) {
        Some(b)
    } else if holds(b, a) {
        Some(a)
    } else {
        None
    }
}
