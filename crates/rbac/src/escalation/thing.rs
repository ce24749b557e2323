//! Who there is, and what may be gained.

use std::fmt;

use crate::attributes::{
    AUTHENTICATED, SERVICE_ACCOUNTS, UNAUTHENTICATED, service_account_user, split_service_account,
};
use crate::model::{RoleKind, Subject};

/// Somebody who may hold grants.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Identity {
    /// A service account.
    Account {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A group: any of its members.
    Group(String),
    /// A user that is no service account.
    User(String),
}

impl Identity {
    /// The identity that a subject of a binding in this namespace (`""` for a `ClusterRoleBinding`) is; `None` for one that is nobody.
    pub fn of(subject: &Subject, namespace: &str) -> Option<Self> {
        match subject.kind.as_str() {
            "User" => Some(Self::of_user(&subject.name)),
            "Group" => Some(Self::Group(subject.name.clone())),
            "ServiceAccount" => {
                let namespace = if subject.namespace.is_empty() { namespace } else { &subject.namespace };
                (!namespace.is_empty())
                    .then(|| Self::of_user(&service_account_user(namespace, &subject.name)))
            }
            _ => None,
        }
    }

    /// The identity of a user's name, which may be that of a service account.
    pub fn of_user(name: &str) -> Self {
        match split_service_account(name) {
            Some((namespace, name)) => {
                Self::Account { namespace: namespace.to_owned(), name: name.to_owned() }
            }
            None => Self::User(name.to_owned()),
        }
    }

    /// The groups that it is in besides, as authenticators give them: all service accounts and those of the namespace, all who are known.
    /// Of whom else a group's members are, or which groups a user is in, nobody says.
    pub fn groups(&self) -> Vec<String> {
        let known = || AUTHENTICATED.to_owned();
        match self {
            Self::Account { namespace, .. } => {
                vec![SERVICE_ACCOUNTS.to_owned(), format!("{SERVICE_ACCOUNTS}:{namespace}"), known()]
            }
            Self::User(name) if name == crate::attributes::ANONYMOUS => vec![UNAUTHENTICATED.to_owned()],
            Self::User(_) => vec![known()],
            Self::Group(name) if name == AUTHENTICATED || name == UNAUTHENTICATED => Vec::new(),
            Self::Group(name)
                if name.strip_prefix(SERVICE_ACCOUNTS).is_some_and(|rest| rest.starts_with(':')) =>
            {
                vec![SERVICE_ACCOUNTS.to_owned(), known()]
            }
            Self::Group(_) => vec![known()],
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account { namespace, name } => write!(f, "ServiceAccount {namespace}/{name}"),
            Self::Group(name) => write!(f, "Group {name}"),
            Self::User(name) => write!(f, "User {name}"),
        }
    }
}

/// A node, as far as it is known which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Which<T> {
    /// Any: who gains it may choose.
    Any,
    /// This one.
    Named(T),
    /// One of which nobody knows which it is.
    Some,
}

/// What was gained. Namespaces are `None` for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Gained<'e> {
    /// Everything in the cluster.
    Everything,
    /// Root on a node.
    NodeRoot(Which<&'e str>),
    /// The identity of a node.
    NodeIdentity(Which<&'e str>),
    /// Everything in a namespace.
    EverythingIn(&'e str),
    /// Any user and groups but `system:masters`.
    AnyUser,
    /// Any user that is no service account.
    Users,
    /// The service accounts of a namespace.
    Accounts(Option<&'e str>),
    /// Somebody.
    Identity(&'e Identity),
    /// The rules of a role, by its index, in a scope.
    Role {
        /// Index of the role.
        role: usize,
        /// Where it is bound.
        namespace: Option<&'e str>,
    },
    /// Any Role of a namespace.
    Roles(Option<&'e str>),
    /// Any rules in an existing role, by its index.
    RoleRules(usize),
    /// Any rules in existing roles of this kind.
    AllRoleRules(RoleKind, Option<&'e str>),
    /// Roles of this kind with any rules, of this name if it is limited.
    NewRoles(RoleKind, Option<&'e str>, Option<&'e str>),
    /// Pods of one's own making.
    OwnPods(Option<&'e str>),
    /// Code in the pods of others.
    Pods(Option<&'e str>),
    /// Code in a pod, by its index among the facts.
    Pod(usize),
    /// Code in the pods of a node.
    PodsOfNode(&'e str),
    /// The content of all secrets.
    Secrets(Option<&'e str>),
    /// The content of a secret.
    Secret {
        /// Its namespace.
        namespace: &'e str,
        /// Its name.
        name: &'e str,
    },
    /// The labels of namespaces.
    NamespaceLabels(Option<&'e str>),
    /// Service accounts that are missing.
    NewAccounts(Option<&'e str>),
    /// What a controller may do whose account is not known.
    Controller,
    /// Something that opens no further row.
    Effect(Option<&'e str>),
}

/// In which namespace, or in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum At {
    All,
    In(u32),
}

/// A node of the graph. Numbers are indexes: of roles and pods as given, of identities and names as interned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Thing {
    /// Where a subject begins that has more than an identity.
    Start(u32),
    Identity(u32),
    NodeIdentity(Which<u32>),
    NodeRoot(Which<u32>),
    /// Root on any of the nodes.
    HaveNode,
    Everything,
    EverythingIn(u32),
    /// The rules of a role, bound to whomever one likes.
    Bound(u32, At),
    /// All Roles may be bound.
    RolesOf(At),
    RoleRules(u32),
    AllRoleRules(RoleKind, At),
    NewRoles(RoleKind, At, Option<u32>),
    /// Rules of any kind flow into aggregated `ClusterRoles`.
    Feed,
    /// One has an identity to which the role is bound.
    BoundTo(u32, At),
    BoundAny(RoleKind, At),
    BoundMissing(RoleKind, At, u32),
    BoundMissingAny(RoleKind, At),
    /// Any role of the kind may be bound, one that is not there yet too.
    BindsAny(RoleKind, At),
    AggregatedBound(At),
    Accounts(At),
    Users,
    AnyUser,
    Secrets(At),
    Secret(u32, u32),
    OwnPods(At),
    Pods(At),
    Pod(u32),
    /// One is inside of a pod, at least.
    InPod(u32),
    /// Pods that are not listed.
    UnknownPods(At),
    PodsOfNode(u32),
    Labels(At),
    NewAccounts(At),
    Controller(u16),
    /// A part of an alternative of a row.
    Part {
        alternative: u16,
        part: u8,
        at: At,
    },
}
