//! Who may use which PodSecurityPolicy: the RBAC grants of the verb `use`, and nothing else of RBAC.
//!
//! A ring for RBAC will take the place of this file. Until then it reads just what a migration needs: roles and bindings as
//! they are written, aggregated ClusterRoles, and the names of the roles that every cluster has.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ringwall_model::finding::Location;
use ringwall_model::object::{Object, ObjectId};
use ringwall_model::path::FieldPath;
use ringwall_model::selector::Selector;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::Node;
use ringwall_pods::psp::model::{GROUP, OLD_GROUP, RESOURCE};

const RBAC: &str = "rbac.authorization.k8s.io";

/// Policies that a grant names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Granted {
    /// All, those that are not there yet too.
    All,
    /// These, by name.
    Named(BTreeSet<String>),
}

impl Granted {
    const NOTHING: Self = Self::Named(BTreeSet::new());

    /// Whether the policy of this name is among them.
    pub fn holds(&self, policy: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.contains(policy),
        }
    }
}

/// Whom a grant is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// A service account.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A group.
    Group(String),
    /// A user.
    User(String),
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServiceAccount { namespace, name } => write!(f, "ServiceAccount {namespace}/{name}"),
            Self::Group(name) => write!(f, "Group {name}"),
            Self::User(name) => write!(f, "User {name}"),
        }
    }
}

impl Holder {
    /// Whether all pods of a namespace hold it, whatever service account they run as.
    pub fn is_every_pod_of(&self, namespace: &str) -> bool {
        let Self::Group(group) = self else { return false };
        matches!(group.as_str(), "system:authenticated" | "system:serviceaccounts")
            || group.strip_prefix("system:serviceaccounts:") == Some(namespace)
    }

    /// Whether it is, or holds, the controller of kube-system that makes pods for workloads.
    pub fn is_controller(&self) -> bool {
        match self {
            Self::ServiceAccount { namespace, name } => {
                namespace == "kube-system" && MAKERS.contains(&name.as_str())
            }
            Self::Group(group) => group == "system:serviceaccounts:kube-system",
            Self::User(_) => false,
        }
    }
}

/// The service accounts by which kube-controller-manager makes pods.
const MAKERS: [&str; 5] = [
    "daemon-set-controller",
    "job-controller",
    "replicaset-controller",
    "replication-controller",
    "statefulset-controller",
];

/// One grant of `use`.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The policies.
    pub policies: Granted,
    /// The namespace in which it holds; `None` for all.
    pub namespace: Option<String>,
    /// Whom it is for.
    pub holder: Holder,
    /// The binding that gives it.
    pub binding: ObjectId,
    /// Where the binding begins.
    pub location: Location,
}

/// A binding to a role that is not in the input, and that may grant a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The binding.
    pub binding: ObjectId,
    /// Where it names the role.
    pub location: Location,
    /// The role, as `ClusterRole NAME`.
    pub role: String,
    /// The namespace in which it would hold; `None` for all.
    pub namespace: Option<String>,
}

/// All grants of a snapshot.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    /// The grants, in the order of the input.
    pub list: Vec<Grant>,
    /// Roles that the input lacks.
    pub missing: Vec<Missing>,
}

/// Reads the grants. Costs a pass over the roles and bindings.
pub fn of(snapshot: &Snapshot) -> Grants {
    let mut roles: BTreeMap<(Option<&str>, &str), Vec<Node<'_>>> = BTreeMap::new();
    for kind in ["ClusterRole", "Role"] {
        for role in snapshot.of_kind(RBAC, kind) {
            let namespace = role.id.namespace.as_deref().filter(|_| kind == "Role");
            let rules = roles.entry((namespace, &role.id.name)).or_default();
            rules.extend(role.root().get("rules"));
            rules.extend(aggregated(snapshot, role));
        }
    }
    let mut grants = Grants::default();
    for kind in ["ClusterRoleBinding", "RoleBinding"] {
        for binding in snapshot.of_kind(RBAC, kind) {
            // A RoleBinding that states no namespace lands where its apply says; that is where its pods are, too.
            let namespace = (kind == "RoleBinding").then(|| binding.id.namespace.clone().unwrap_or_default());
            read(binding, namespace, &roles, &mut grants);
        }
    }
    grants
}

/// The rules that a controller copies into an aggregated ClusterRole.
fn aggregated<'s>(snapshot: &'s Snapshot, role: &'s Object) -> Vec<Node<'s>> {
    let Some(selectors) = role.root().at(&["aggregationRule", "clusterRoleSelectors"]) else {
        return Vec::new();
    };
    let selectors: Vec<Selector> =
        selectors.items().filter_map(|node| Selector::compile(node).ok()).collect();
    let chosen = snapshot.of_kind(RBAC, "ClusterRole").filter(|other| {
        other.id != role.id && selectors.iter().any(|selector| selector.matches(|key| other.label(key)))
    });
    chosen.filter_map(|other| other.root().get("rules")).collect()
}

fn read(
    binding: &Object,
    namespace: Option<String>,
    roles: &BTreeMap<(Option<&str>, &str), Vec<Node<'_>>>,
    grants: &mut Grants,
) {
    let reference = |key: &str| binding.root().str_at(&["roleRef", key]).unwrap_or_default();
    let (kind, name) = (reference("kind"), reference("name"));
    let policies = if kind == "Role" {
        roles.get(&(binding.id.namespace.as_deref(), name)).map(|rules| granted(rules))
    } else {
        roles.get(&(None, name)).map(|rules| granted(rules)).or_else(|| built_in(name))
    };
    let Some(policies) = policies else {
        grants.missing.push(Missing {
            binding: binding.id.clone(),
            location: Location::of(binding, &FieldPath::keys(&["roleRef", "name"])),
            role: format!("{kind} {name}"),
            namespace,
        });
        return;
    };
    if policies == Granted::NOTHING {
        return;
    }
    let location = Location::of(binding, &FieldPath::root());
    let subjects = binding.root().get("subjects").into_iter().flat_map(Node::items);
    grants.list.extend(subjects.filter_map(|subject| {
        Some(Grant {
            policies: policies.clone(),
            namespace: namespace.clone(),
            holder: holder(subject, binding)?,
            binding: binding.id.clone(),
            location: location.clone(),
        })
    }));
}

/// What a ClusterRole grants that every cluster has: only `cluster-admin` may use policies. `None` for any other role.
fn built_in(name: &str) -> Option<Granted> {
    match name {
        "cluster-admin" => Some(Granted::All),
        "admin" | "edit" | "view" => Some(Granted::NOTHING),
        _ if name.starts_with("system:") => Some(Granted::NOTHING),
        _ => None,
    }
}

/// What some rules grant.
fn granted(rules: &[Node<'_>]) -> Granted {
    let holds = |rule: Node<'_>, key: &str, values: &[&str]| {
        let mut items = rule.get(key).into_iter().flat_map(Node::items).filter_map(Node::as_str);
        items.any(|item| item == "*" || values.contains(&item))
    };
    let mut names = BTreeSet::new();
    for rule in rules.iter().flat_map(|rules| rules.items()) {
        let applies = holds(rule, "verbs", &["use"])
            && holds(rule, "apiGroups", &[GROUP, OLD_GROUP])
            && holds(rule, "resources", &[RESOURCE]);
        if !applies {
            continue;
        }
        let mut only =
            rule.get("resourceNames").into_iter().flat_map(Node::items).filter_map(Node::as_str).peekable();
        if only.peek().is_none() {
            return Granted::All;
        }
        names.extend(only.map(str::to_owned));
    }
    Granted::Named(names)
}

fn holder(subject: Node<'_>, binding: &Object) -> Option<Holder> {
    let text = |key: &str| subject.str_at(&[key]).unwrap_or_default();
    let name = text("name");
    match text("kind") {
        "ServiceAccount" => {
            let namespace = Some(text("namespace")).filter(|namespace| !namespace.is_empty());
            let namespace = namespace.or(binding.id.namespace.as_deref()).unwrap_or_default().to_owned();
            Some(Holder::ServiceAccount { namespace, name: name.to_owned() })
        }
        "Group" => Some(Holder::Group(name.to_owned())),
        // A service account has a user's name as well.
        "User" => {
            Some(match name.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':')) {
                Some((namespace, name)) => {
                    Holder::ServiceAccount { namespace: namespace.to_owned(), name: name.to_owned() }
                }
                None => Holder::User(name.to_owned()),
            })
        }
        _ => None,
    }
}
