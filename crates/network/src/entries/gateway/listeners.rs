//! What routes can attach to, and what lets them name Services of other namespaces.

use std::collections::HashMap;

use ringwall_model::object::Object;
use ringwall_model::selector::Selector;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::Node;

use super::{GROUP, RouteKind};
use crate::cluster::{Cluster, NAME_LABEL};
use crate::services::{namespace_of, port_number};

/// Whether something holds, where the input may not show what decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    Yes,
    No,
    /// It depends on labels of a namespace that is not in the input.
    Unknown,
}

/// From which namespaces something may come. Source: `RouteNamespaces` and `ListenerNamespaces` in `gateway_types.go`.
#[derive(Clone, Debug)]
enum From {
    All,
    Same,
    None,
    Selected(Selector),
}

impl From {
    /// Reads `namespaces` of `node`; `default` where it is not stated.
    fn of(node: Option<Node<'_>>, default: Self) -> Self {
        let Some(namespaces) = node.and_then(|node| node.get("namespaces")) else { return default };
        match namespaces.str_at(&["from"]).unwrap_or_default() {
            "" => default,
            "All" => Self::All,
            "Same" => Self::Same,
            // One that is missing, or that the API server would refuse, selects nothing.
            "Selector" => {
                let selector = namespaces.get("selector").filter(|node| !node.is_null());
                selector.and_then(|node| Selector::compile(node).ok()).map_or(Self::None, Self::Selected)
            }
            _ => Self::None,
        }
    }

    fn has(&self, own: &str, other: &str, cluster: &Cluster) -> Held {
        let holds = |holds| if holds { Held::Yes } else { Held::No };
        match self {
            Self::All => Held::Yes,
            Self::None => Held::No,
            Self::Same => holds(own == other),
            Self::Selected(selector) if cluster.stated.contains(other) => {
                let labels = cluster.namespaces.get(other);
                holds(labels.is_some_and(|labels| selector.matches(|key| labels.get(key))))
            }
            Self::Selected(selector) => by_name(selector, other),
        }
    }
}

/// Whether a namespace of which nothing but the name is known is selected.
fn by_name(selector: &Selector, name: &str) -> Held {
    let (named, others): (Vec<_>, Vec<_>) =
        selector.requirements().iter().partition(|requirement| requirement.key == NAME_LABEL);
    let holds = |requirement: &ringwall_model::selector::Requirement| {
        use ringwall_model::selector::Operator::{DoesNotExist, Exists, In, NotIn};
        let listed = requirement.values.iter().any(|value| value == name);
        match requirement.operator {
            In => listed,
            NotIn => !listed,
            Exists => true,
            DoesNotExist => false,
        }
    };
    match (named.into_iter().all(holds), others.is_empty()) {
        (false, _) => Held::No,
        (true, true) => Held::Yes,
        (true, false) => Held::Unknown,
    }
}

/// A listener of a Gateway or a ListenerSet.
#[derive(Clone, Debug)]
pub(super) struct Listener<'s> {
    pub(super) name: &'s str,
    pub(super) host: Option<&'s str>,
    pub(super) port: Option<u16>,
    pub(super) protocol: &'s str,
    from: From,
    /// Groups and kinds that it takes; `None` for what its protocol says.
    kinds: Option<Vec<(&'s str, &'s str)>>,
}

impl<'s> Listener<'s> {
    fn of(node: Node<'s>) -> Self {
        let text = |key: &str| node.str_at(&[key]).filter(|text| !text.is_empty());
        let allowed = node.get("allowedRoutes").filter(|node| !node.is_null());
        let kinds: Vec<_> = allowed
            .and_then(|node| node.get("kinds"))
            .into_iter()
            .flat_map(Node::items)
            .map(|kind| {
                (kind.str_at(&["group"]).unwrap_or(GROUP), kind.str_at(&["kind"]).unwrap_or_default())
            })
            .collect();
        Self {
            name: text("name").unwrap_or_default(),
            host: text("hostname"),
            port: node.get("port").and_then(port_number),
            protocol: text("protocol").unwrap_or_default(),
            from: From::of(allowed, From::Same),
            kinds: (!kinds.is_empty()).then_some(kinds),
        }
    }

    /// Whether it takes routes of this kind.
    pub(super) fn takes(&self, kind: RouteKind, name: &str) -> bool {
        let listed = |kinds: &Vec<(&str, &str)>| kinds.contains(&(GROUP, name));
        kind.is_taken_by(self.protocol) && self.kinds.as_ref().is_none_or(listed)
    }
}

/// Who holds a list of listeners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum ParentKind {
    Gateway,
    ListenerSet,
}

/// A Gateway or a ListenerSet.
#[derive(Clone, Debug)]
pub(super) struct Parent<'s> {
    pub(super) namespace: &'s str,
    pub(super) listeners: Vec<Listener<'s>>,
    /// Addresses of a Gateway: those that it has, else those that it asks for.
    pub(super) addresses: Vec<&'s str>,
    /// Whether it takes routes that ask for a default (experimental).
    pub(super) is_default: bool,
    /// Namespace and name of the Gateway of a ListenerSet.
    pub(super) gateway: Option<(&'s str, &'s str)>,
    /// From where ListenerSets may attach to it.
    sets: From,
}

impl Parent<'_> {
    /// Whether one of its listeners takes routes of a namespace.
    pub(super) fn takes_from(&self, listener: &Listener<'_>, namespace: &str, cluster: &Cluster) -> Held {
        listener.from.has(self.namespace, namespace, cluster)
    }

    /// Whether a ListenerSet of a namespace may attach to it.
    pub(super) fn takes_set_from(&self, namespace: &str, cluster: &Cluster) -> Held {
        self.sets.has(self.namespace, namespace, cluster)
    }
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Parents<'s> {
    pub(super) all: Vec<Parent<'s>>,
    by_name: HashMap<(ParentKind, &'s str, &'s str), usize>,
}

impl<'s> Parents<'s> {
    pub(super) fn of(snapshot: &'s Snapshot) -> Self {
        let mut parents = Self::default();
        for (_, object) in snapshot.objects() {
            let Some(kind) = kind_of(&object.id.group, &object.id.kind) else { continue };
            let namespace = namespace_of(object);
            let root = object.root();
            let Some(spec) = root.get("spec") else { continue };
            let list = |keys: &[&str]| root.at(keys).into_iter().flat_map(Node::items);
            let value = |node: Node<'s>| node.str_at(&["value"]);
            let mut addresses: Vec<&str> = list(&["status", "addresses"]).filter_map(value).collect();
            if addresses.is_empty() {
                addresses = list(&["spec", "addresses"]).filter_map(value).collect();
            }
            let gateway = spec.get("parentRef").filter(|_| kind == ParentKind::ListenerSet);
            let gateway = gateway.and_then(|node| {
                Some((node.str_at(&["namespace"]).unwrap_or(namespace), node.str_at(&["name"])?))
            });
            let key = (kind, namespace, object.id.name.as_str());
            parents.by_name.entry(key).or_insert(parents.all.len());
            parents.all.push(Parent {
                namespace,
                listeners: list(&["spec", "listeners"]).map(Listener::of).collect(),
                addresses,
                is_default: kind == ParentKind::Gateway && spec.str_at(&["defaultScope"]) == Some("All"),
                gateway,
                sets: From::of(spec.get("allowedListeners"), From::None),
            });
        }
        parents
    }

    pub(super) fn find(&self, kind: ParentKind, namespace: &str, name: &str) -> Option<&Parent<'s>> {
        self.all.get(*self.by_name.get(&(kind, namespace, name))?)
    }
}

/// What a parent is; `None` for what no outside comes through, or what the API leaves to implementations.
pub(super) fn kind_of(group: &str, kind: &str) -> Option<ParentKind> {
    match (group, kind) {
        (GROUP, "Gateway") => Some(ParentKind::Gateway),
        (GROUP, "ListenerSet") | ("gateway.networking.x-k8s.io", "XListenerSet") => {
            Some(ParentKind::ListenerSet)
        }
        _ => None,
    }
}

/// A ReferenceGrant. Source: `ReferenceGrantSpec` in `referencegrant_types.go`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grant<'s> {
    namespace: &'s str,
    spec: Node<'s>,
}

impl<'s> Grant<'s> {
    /// `ReferencePolicy` was its name before v0.5.
    pub(super) fn of(object: &'s Object) -> Option<Self> {
        let kind = object.id.kind.as_str();
        let is_grant = object.id.group == GROUP && matches!(kind, "ReferenceGrant" | "ReferencePolicy");
        let spec = object.root().get("spec").filter(|_| is_grant)?;
        Some(Self { namespace: namespace_of(object), spec })
    }

    /// The namespace in which it allows.
    pub(super) fn namespace(&self) -> &'s str {
        self.namespace
    }

    /// Whether it lets routes of a kind and namespace name a Service.
    pub(super) fn allows(&self, kind: &str, from: &str, service: &str) -> bool {
        let list = |key: &str| self.spec.get(key).into_iter().flat_map(Node::items);
        let is = |node: Node<'_>, key: &str, value: &str| node.str_at(&[key]) == Some(value);
        list("from")
            .any(|node| is(node, "group", GROUP) && is(node, "kind", kind) && is(node, "namespace", from))
            && list("to").any(|node| {
                let name = node.str_at(&["name"]).filter(|name| !name.is_empty());
                let core =
                    node.get("group").is_none_or(|group| group.is_null() || group.as_str() == Some(""));
                core && is(node, "kind", "Service") && name.is_none_or(|name| name == service)
            })
    }
}
