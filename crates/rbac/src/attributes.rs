//! Who asks, and for what: what an authorizer is asked. Source: k8s.io/apiserver `pkg/authorization/authorizer/interfaces.go`
//! (`Attributes`) and `pkg/authentication/user/user.go`.

use std::collections::BTreeMap;

/// The group whose members may do anything, before any authorizer is asked.
pub const MASTERS: &str = "system:masters";
/// The group of all who are known.
pub const AUTHENTICATED: &str = "system:authenticated";
/// The group of all who are not.
pub const UNAUTHENTICATED: &str = "system:unauthenticated";
/// The user whom nobody knows.
pub const ANONYMOUS: &str = "system:anonymous";
/// The group of all service accounts; with `:NAMESPACE` behind it, of those of a namespace.
pub const SERVICE_ACCOUNTS: &str = "system:serviceaccounts";
/// What the name of a service account's user begins with.
pub const SERVICE_ACCOUNT_PREFIX: &str = "system:serviceaccount:";
/// The group of all nodes.
pub const NODES: &str = "system:nodes";

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// The uid, if the authenticator gave one.
    pub uid: String,
    /// The groups. They are never inferred from the name: an authenticator or impersonation gives them.
    pub groups: Vec<String>,
    /// What else the authenticator said.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// A user of these groups and no others.
    pub fn of_groups(name: &str, groups: &[&str]) -> Self {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        Self { name: name.to_owned(), groups, ..Self::default() }
    }

    /// A user as `kubectl --as NAME --as-group GROUP` makes one: as [`User::impersonated`] where no group is stated, else of those groups, and
    /// of the authenticated unless they say whether it is.
    pub fn impersonating(name: &str, groups: &[String]) -> Self {
        if groups.is_empty() {
            return Self::impersonated(name);
        }
        let mut user = Self { name: name.to_owned(), groups: groups.to_vec(), ..Self::default() };
        let said = |group: &str| groups.iter().any(|own| own == group);
        if name == ANONYMOUS {
            if !said(UNAUTHENTICATED) {
                user.groups.push(UNAUTHENTICATED.to_owned());
            }
        } else if !said(AUTHENTICATED) && !said(UNAUTHENTICATED) {
            user.groups.push(AUTHENTICATED.to_owned());
        }
        user
    }

    /// A user as `kubectl --as NAME` makes one that states no groups: a service account gets its groups, everyone else that of the
    /// authenticated or, the anonymous one, of the unauthenticated. Source: k8s.io/apiserver
    /// `pkg/endpoints/filters/impersonation/impersonation.go`.
    pub fn impersonated(name: &str) -> Self {
        if name == ANONYMOUS {
            return Self::of_groups(name, &[UNAUTHENTICATED]);
        }
        match split_service_account(name) {
            Some((namespace, _)) => {
                let own = format!("{SERVICE_ACCOUNTS}:{namespace}");
                Self::of_groups(name, &[SERVICE_ACCOUNTS, &own, AUTHENTICATED])
            }
            None => Self::of_groups(name, &[AUTHENTICATED]),
        }
    }

    /// The user of a service account, with the groups that its token gives it.
    pub fn service_account(namespace: &str, name: &str) -> Self {
        let own = format!("{SERVICE_ACCOUNTS}:{namespace}");
        Self::of_groups(&service_account_user(namespace, name), &[SERVICE_ACCOUNTS, &own, AUTHENTICATED])
    }

    /// Whether it is of the group that may do anything.
    pub fn is_master(&self) -> bool {
        self.groups.iter().any(|group| group == MASTERS)
    }
}

/// The user name of a service account.
pub fn service_account_user(namespace: &str, name: &str) -> String {
    format!("{SERVICE_ACCOUNT_PREFIX}{namespace}:{name}")
}

/// Namespace and name in the user name of a service account, if it is one that the API server would make.
/// Source: k8s.io/apiserver `pkg/authentication/serviceaccount/util.go` (`SplitUsername`).
pub fn split_service_account(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix(SERVICE_ACCOUNT_PREFIX)?.split_once(':')?;
    let is_namespace = ringwall_model::selector::is_dns_label(namespace);
    (is_namespace && ringwall_model::selector::is_dns_subdomain(name)).then_some((namespace, name))
}

/// What is asked for. `'a` is the life of the texts that were asked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action<'a> {
    /// Something of a resource.
    Resource(ResourceAction<'a>),
    /// A path that is no resource.
    Path {
        /// The HTTP method in lower case.
        verb: &'a str,
        /// The path.
        path: &'a str,
    },
}

/// What is asked of a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResourceAction<'a> {
    /// `get`, `list`, `create` …; any text.
    pub verb: &'a str,
    /// The API group; `""` for the core one.
    pub group: &'a str,
    /// The resource's plural name.
    pub resource: &'a str,
    /// The subresource, or `""`.
    pub subresource: &'a str,
    /// The namespace *of the request*, or `""` for a question at the cluster scope.
    pub namespace: &'a str,
    /// The object's name, or `""`.
    pub name: &'a str,
}

impl<'a> ResourceAction<'a> {
    /// `resource` or `resource/subresource`.
    pub fn combined(&self) -> std::borrow::Cow<'a, str> {
        if self.subresource.is_empty() {
            std::borrow::Cow::Borrowed(self.resource)
        } else {
            std::borrow::Cow::Owned(format!("{}/{}", self.resource, self.subresource))
        }
    }
}

impl<'a> Action<'a> {
    /// The verb.
    pub const fn verb(&self) -> &'a str {
        match self {
            Self::Resource(action) => action.verb,
            Self::Path { verb, .. } => verb,
        }
    }

    /// The namespace of the request; none for a path.
    pub const fn namespace(&self) -> &'a str {
        match self {
            Self::Resource(action) => action.namespace,
            Self::Path { .. } => "",
        }
    }
}

/// What an authorizer says. RBAC never denies: what it does not allow, another may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It is allowed.
    Allow,
    /// This authorizer does not allow it.
    NoOpinion,
}

impl Decision {
    /// The reference's word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::NoOpinion => "no-opinion",
        }
    }
}
