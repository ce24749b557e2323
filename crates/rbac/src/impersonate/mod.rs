//! Whether one may act as another, and as whom then. Source: k8s.io/apiserver `pkg/endpoints/filters/impersonation`.
//!
//! ```text
//!   user + headers + request ──▶ checks, each asked of the authorizers in turn ──▶ the new user, or a refusal
//! ```
//! Since Kubernetes 1.36 an API server tries modes, the narrowest first, each of which asks twice: may one act as this identity in this mode
//! (`impersonate:MODE`), and may one do this very thing in this mode (`impersonate-on:MODE:VERB`). What no such mode allows, the mode of
//! old may: it asks `impersonate` of each header, and nothing about what is done then.
//!
//! The reference remembers which mode an asker used last and tries that first. That changes which refusal is told and which checks are
//! made, never whether there is one; here nothing is remembered.

mod headers;
mod words;

use std::fmt;

use ringwall_model::go::go_quote;
use ringwall_model::selector::is_dns_subdomain;
use ringwall_model::version::Minor;

pub use headers::Headers;

use crate::attributes::{
    ANONYMOUS, AUTHENTICATED, Action, Decision, MASTERS, NODES, ResourceAction, SERVICE_ACCOUNTS,
    UNAUTHENTICATED, User, split_service_account,
};
use crate::authorize::{Authorize, forbidden_message};
use crate::request::RequestInfo;

/// The API group of what constrained impersonation asks about, and of uids and extras always.
pub const AUTHENTICATION: &str = "authentication.k8s.io";
/// What the user name of a node begins with.
pub const NODE_PREFIX: &str = "system:node:";
/// What a service account's token says of the node that its pod is on.
const NODE_NAME: &str = "authentication.kubernetes.io/node-name";
/// What the authorizers are told instead of that where the mode is about the own node.
const NODE_KEYS: &str = "authentication.kubernetes.io/associated-node-keys";
/// From so many groups or values on, it is asked first whether all are allowed. Source: `manyAuthorizationChecksInLoop`.
const MANY: usize = 4;

/// Which of the reference's two filters an API server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Only the mode of old.
    Legacy,
    /// All modes.
    Constrained,
}

impl Filter {
    /// The filter of an API server of this version, its feature gates as they are by default (`ConstrainedImpersonation` is on since
    /// 1.36).
    pub fn of(version: Minor) -> Self {
        if version >= Minor(36) { Self::Constrained } else { Self::Legacy }
    }
}

/// A mode of impersonation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// A service account acts as the node that its pod is on.
    AssociatedNode,
    /// As any node.
    ArbitraryNode,
    /// As a service account.
    ServiceAccount,
    /// As anyone else.
    UserInfo,
    /// The one of old.
    Legacy,
}

impl Mode {
    /// All, in the order in which they are tried.
    pub const ALL: [Self; 5] =
        [Self::AssociatedNode, Self::ArbitraryNode, Self::ServiceAccount, Self::UserInfo, Self::Legacy];

    /// The verb with which the identity is asked for.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::AssociatedNode => "impersonate:associated-node",
            Self::ArbitraryNode => "impersonate:arbitrary-node",
            Self::ServiceAccount => "impersonate:serviceaccount",
            Self::UserInfo => "impersonate:user-info",
            Self::Legacy => "impersonate",
        }
    }

    /// The verb with which it is asked whether something may be done in this mode; `None` in the mode of old, which does not ask.
    pub fn verb_on(self, verb: &str) -> Option<String> {
        let mode = self.verb().strip_prefix("impersonate:")?;
        Some(format!("impersonate-on:{mode}:{verb}"))
    }

    /// Whether the mode is for this asker and this wanted user at all.
    fn fits(self, wanted: &User, requestor: &User) -> bool {
        let only_name = wanted.uid.is_empty() && wanted.groups.is_empty() && wanted.extra.is_empty();
        let node = node_of(&wanted.name);
        let is_account = split_service_account(&wanted.name).is_some();
        match self {
            Self::AssociatedNode => {
                let own = requestor.extra.get(NODE_NAME).map(Vec::as_slice);
                let is_own = matches!((own, node), (Some([own]), Some(node)) if own == node);
                only_name && is_own && split_service_account(&requestor.name).is_some()
            }
            Self::ArbitraryNode => only_name && node.is_some(),
            Self::ServiceAccount => only_name && is_account,
            Self::UserInfo => node.is_none() && !is_account,
            Self::Legacy => true,
        }
    }
}

/// The node in the user name of one.
pub fn node_of(user: &str) -> Option<&str> {
    user.strip_prefix(NODE_PREFIX).filter(|name| is_dns_subdomain(name))
}

/// What the authorizers were asked about, and what they said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The decision.
    pub decision: Decision,
    /// The reason that went with it.
    pub reason: String,
    /// What was asked.
    pub asked: Asked,
}

/// An [`Action`] with its own texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Something of a resource.
    Resource {
        /// The verb.
        verb: String,
        /// The API group.
        group: String,
        /// The resource.
        resource: String,
        /// The subresource.
        subresource: String,
        /// The namespace.
        namespace: String,
        /// The name.
        name: String,
    },
    /// A path that is no resource.
    Path {
        /// The verb.
        verb: String,
        /// The path.
        path: String,
    },
}

impl Asked {
    fn of(action: &Action<'_>) -> Self {
        match *action {
            Action::Path { verb, path } => Self::Path { verb: verb.to_owned(), path: path.to_owned() },
            Action::Resource(action) => Self::Resource {
                verb: action.verb.to_owned(),
                group: action.group.to_owned(),
                resource: action.resource.to_owned(),
                subresource: action.subresource.to_owned(),
                namespace: action.namespace.to_owned(),
                name: action.name.to_owned(),
            },
        }
    }

    /// The action.
    pub fn action(&self) -> Action<'_> {
        match self {
            Self::Path { verb, path } => Action::Path { verb, path },
            Self::Resource { verb, group, resource, subresource, namespace, name } => {
                Action::Resource(ResourceAction { verb, group, resource, subresource, namespace, name })
            }
        }
    }
}

/// How it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nobody asked to be another.
    NotAsked,
    /// The request goes on as this user.
    As {
        /// The user.
        user: User,
        /// The mode that allowed it.
        mode: Mode,
    },
    /// The request is refused.
    Refused {
        /// The HTTP status.
        code: u16,
        /// The message of the API server.
        message: String,
    },
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked => f.write_str("nobody is impersonated"),
            Self::As { user, mode } => write!(f, "{} by {}", go_quote(&user.name), mode.verb()),
            Self::Refused { code, message } => write!(f, "{code}: {message}"),
        }
    }
}

/// An attempt to be another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impersonation {
    /// How it ends.
    pub outcome: Outcome,
    /// What was asked on the way, in order.
    pub checks: Vec<Check>,
}

/// Whom a request of a user goes on as, given its headers. The authorizers are asked once a header's value and mode.
pub fn impersonate(
    filter: Filter,
    authorizer: &dyn Authorize,
    requestor: &User,
    headers: &Headers,
    request: &RequestInfo,
) -> Impersonation {
    let wanted = headers.wanted();
    let mut walk = Walk { authorizer, requestor, checks: Vec::new() };
    let outcome = if wanted.name.is_empty() {
        if wanted == User::default() {
            Outcome::NotAsked
        } else {
            Outcome::Refused { code: 400, message: words::without_user(filter, &wanted, headers) }
        }
    } else {
        let result = match filter {
            Filter::Legacy => walk.of_old(&wanted, headers),
            Filter::Constrained => walk.modes(&wanted, &request.action()),
        };
        match result {
            Ok((user, mode)) => Outcome::As { user, mode },
            Err(message) => Outcome::Refused { code: 403, message },
        }
    };
    Impersonation { outcome, checks: walk.checks }
}

struct Walk<'a> {
    authorizer: &'a dyn Authorize,
    requestor: &'a User,
    checks: Vec<Check>,
}

/// A refusal is the message of it.
type Checked<T> = Result<T, String>;

impl Walk<'_> {
    fn check(&mut self, asker: &User, action: ResourceAction<'_>) -> Checked<()> {
        self.check_any(asker, &Action::Resource(action))
    }

    fn check_any(&mut self, asker: &User, action: &Action<'_>) -> Checked<()> {
        let (decision, reason) = self.authorizer.authorize(asker, action);
        let refusal = forbidden_message(asker, action, &reason);
        self.checks.push(Check { decision, reason, asked: Asked::of(action) });
        if decision == Decision::Allow { Ok(()) } else { Err(refusal) }
    }

    /// Tries all modes. The first refusal is told where none allows.
    fn modes(&mut self, wanted: &User, action: &Action<'_>) -> Checked<(User, Mode)> {
        let mut first: Option<String> = None;
        for mode in Mode::ALL {
            if !mode.fits(wanted, self.requestor) {
                continue;
            }
            match self.mode(mode, wanted, action) {
                Ok(user) => return Ok((user, mode)),
                Err(refusal) => drop(first.get_or_insert(refusal)),
            }
        }
        // The mode of old fits always, so that there is a refusal.
        Err(first.unwrap_or_default())
    }

    fn mode(&mut self, mode: Mode, wanted: &User, action: &Action<'_>) -> Checked<User> {
        let mut asker = self.requestor.clone();
        if mode == Mode::AssociatedNode {
            // What the token says is dropped but for what it speaks of: the answer must hold on every node.
            let keys = asker.extra.into_keys().collect();
            asker.extra = [(NODE_KEYS.to_owned(), keys)].into();
        }
        if let Some(verb) = mode.verb_on(action.verb()) {
            let on = match *action {
                Action::Resource(action) => Action::Resource(ResourceAction { verb: &verb, ..action }),
                Action::Path { path, .. } => Action::Path { verb: &verb, path },
            };
            self.check_any(&asker, &on)?;
        }
        let mut user = wanted.clone();
        self.name(mode, &asker, wanted, &mut user)?;
        if !wanted.uid.is_empty() {
            self.check(&asker, of_authentication(mode.verb(), "uids", &wanted.uid))?;
        }
        self.groups(mode, &asker, &wanted.groups)?;
        self.extra(mode, &asker, wanted)?;
        complete(&mut user);
        Ok(user)
    }

    fn name(&mut self, mode: Mode, asker: &User, wanted: &User, user: &mut User) -> Checked<()> {
        let mut action = ResourceAction {
            verb: mode.verb(),
            group: group_of(mode),
            resource: "users",
            name: &wanted.name,
            ..ResourceAction::default()
        };
        if let Some(node) = node_of(&wanted.name).filter(|_| mode != Mode::Legacy) {
            action.resource = "nodes";
            action.name = if mode == Mode::AssociatedNode { "*" } else { node };
            user.groups = vec![NODES.to_owned()];
        }
        if let Some((namespace, name)) = split_service_account(&wanted.name) {
            (action.resource, action.namespace, action.name) = ("serviceaccounts", namespace, name);
            if wanted.groups.is_empty() {
                user.groups = account_groups(namespace);
            }
        }
        self.check(asker, action)
    }

    fn groups(&mut self, mode: Mode, asker: &User, groups: &[String]) -> Checked<()> {
        let action = |name| ResourceAction {
            verb: mode.verb(),
            group: group_of(mode),
            resource: "groups",
            name,
            ..ResourceAction::default()
        };
        if mode != Mode::Legacy {
            let refuse = |name, why: &str| {
                Err(forbidden_message(
                    asker,
                    &Action::Resource(action(name)),
                    &format!("impersonating the {why} is not allowed"),
                ))
            };
            if groups.iter().any(String::is_empty) {
                return refuse("", "empty string group");
            }
            if groups.iter().any(|group| group == MASTERS) {
                return refuse(MASTERS, "system:masters group");
            }
            if groups.len() >= MANY && self.check(asker, action("*")).is_ok() {
                return Ok(());
            }
        }
        groups.iter().try_for_each(|group| self.check(asker, action(group)))
    }

    fn extra(&mut self, mode: Mode, asker: &User, wanted: &User) -> Checked<()> {
        let action = |key, value| ResourceAction {
            subresource: key,
            ..of_authentication(mode.verb(), "userextras", value)
        };
        if mode != Mode::Legacy {
            if let Some(why) = words::bad_extra(&wanted.extra) {
                return Err(forbidden_message(asker, &Action::Resource(action("", "")), &why));
            }
            let values: usize = wanted.extra.values().map(Vec::len).sum();
            let many = wanted.extra.len() >= MANY || values >= MANY;
            if many && self.check(asker, action("*", "*")).is_ok() {
                return Ok(());
            }
        }
        let mut pairs =
            wanted.extra.iter().flat_map(|(key, values)| values.iter().map(move |value| (key, value)));
        pairs.try_for_each(|(key, value)| self.check(asker, action(key, value)))
    }

    /// The filter of API servers without modes: it asks in another order. Source: `impersonation.go` (`WithImpersonation`).
    fn of_old(&mut self, wanted: &User, headers: &Headers) -> Checked<(User, Mode)> {
        let (mode, asker) = (Mode::Legacy, self.requestor);
        let mut user = wanted.clone();
        self.name(mode, asker, wanted, &mut user)?;
        self.groups(mode, asker, &wanted.groups)?;
        for (key, values) in headers.extras() {
            for value in values {
                let action = of_authentication(mode.verb(), "userextras", value);
                self.check(asker, ResourceAction { subresource: &key, ..action })?;
            }
        }
        if !wanted.uid.is_empty() {
            self.check(asker, of_authentication(mode.verb(), "uids", &wanted.uid))?;
        }
        complete(&mut user);
        Ok((user, mode))
    }
}

/// The API group of users, groups and accounts.
fn group_of(mode: Mode) -> &'static str {
    if mode == Mode::Legacy { "" } else { AUTHENTICATION }
}

fn of_authentication<'a>(verb: &'a str, resource: &'a str, name: &'a str) -> ResourceAction<'a> {
    ResourceAction { verb, group: AUTHENTICATION, resource, name, ..ResourceAction::default() }
}

fn account_groups(namespace: &str) -> Vec<String> {
    vec![SERVICE_ACCOUNTS.to_owned(), format!("{SERVICE_ACCOUNTS}:{namespace}")]
}

/// Adds the group of all who are known, or are not.
fn complete(user: &mut User) {
    let has = |group: &str| user.groups.iter().any(|own| own == group);
    let missing = if user.name == ANONYMOUS {
        Some(UNAUTHENTICATED).filter(|group| !has(group))
    } else {
        Some(AUTHENTICATED).filter(|group| !has(group) && !has(UNAUTHENTICATED))
    };
    user.groups.extend(missing.map(str::to_owned));
}

#[cfg(test)]
mod tests;
