//! Who may use which PodSecurityPolicy: the grants of the verb `use`, as a migration asks for them. Roles and bindings are those of the RBAC
//! ring, with the default policy and aggregation done.

use std::collections::BTreeSet;
use std::fmt;

use ringwall_model::finding::Location;
use ringwall_model::object::{Object, ObjectId};
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;
use ringwall_pods::psp::model::{GROUP, OLD_GROUP, RESOURCE};
use ringwall_rbac::attributes::split_service_account;
use ringwall_rbac::model::{Binding, Origin, Rule, Subject};
use ringwall_rbac::policy::Policy;

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

/// Reads the grants. Costs what the policy costs, and a look at the rules of each binding's role.
pub fn of(snapshot: &Snapshot) -> Grants {
    let (policy, _) = Policy::of_snapshot(snapshot, snapshot.facts.version);
    let mut grants = Grants::default();
    let local = |index: &usize| policy.bindings()[*index].namespace.is_some();
    let (within, everywhere): (Vec<usize>, Vec<usize>) = (0..policy.bindings().len()).partition(local);
    for binding in everywhere.into_iter().chain(within).map(|index| &policy.bindings()[index]) {
        if let Origin::Object(object) = binding.origin {
            read(&snapshot.all()[object], binding, &policy, &mut grants);
        }
    }
    grants
}

fn read(object: &Object, binding: &Binding, policy: &Policy, grants: &mut Grants) {
    // A RoleBinding that states no namespace lands where its apply says; that is where its pods are, too.
    let stated = object.id.namespace.clone().unwrap_or_default();
    let namespace = binding.namespace.is_some().then(|| stated.clone());
    let reference = &binding.role_ref;
    let role = policy.resolve(reference, binding.namespace.as_deref().unwrap_or_default());
    let Ok(role) = role else {
        // What clouds bring for their own parts grants no policies.
        if reference.kind == "Role" || !reference.name.starts_with("system:") {
            grants.missing.push(Missing {
                binding: object.id.clone(),
                location: Location::of(object, &FieldPath::keys(&["roleRef", "name"])),
                role: format!("{} {}", reference.kind, reference.name),
                namespace,
            });
        }
        return;
    };
    let policies = granted(&policy.roles()[role].rules);
    if policies == Granted::NOTHING {
        return;
    }
    let location = Location::of(object, &FieldPath::root());
    grants.list.extend(binding.subjects.iter().filter_map(|subject| {
        Some(Grant {
            policies: policies.clone(),
            namespace: namespace.clone(),
            holder: holder(subject, &stated)?,
            binding: object.id.clone(),
            location: location.clone(),
        })
    }));
}

/// What some rules grant.
fn granted(rules: &[Rule]) -> Granted {
    let mut names = BTreeSet::new();
    for rule in rules {
        let in_group = [GROUP, OLD_GROUP].into_iter().any(|group| rule.has_group(group));
        if !in_group || !rule.has_verb("use") || !rule.has_resource(RESOURCE, "") {
            continue;
        }
        if rule.resource_names.is_empty() {
            return Granted::All;
        }
        names.extend(rule.resource_names.iter().cloned());
    }
    Granted::Named(names)
}

/// Who a subject is, in a binding that states this namespace.
fn holder(subject: &Subject, stated: &str) -> Option<Holder> {
    let name = subject.name.clone();
    Some(match subject.kind.as_str() {
        "ServiceAccount" => {
            let own = Some(&*subject.namespace).filter(|namespace| !namespace.is_empty());
            Holder::ServiceAccount { namespace: own.unwrap_or(stated).to_owned(), name }
        }
        "Group" => Holder::Group(name),
        // A service account has a user's name as well.
        "User" => match split_service_account(&name) {
            Some((namespace, name)) => {
                Holder::ServiceAccount { namespace: namespace.to_owned(), name: name.to_owned() }
            }
            None => Holder::User(name),
        },
        _ => return None,
    })
}
