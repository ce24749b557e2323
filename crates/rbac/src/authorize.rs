//! The authorizer's answer to one question, by the reference's walk, in its words. Source: k8s.io/kubernetes
//! `plugin/pkg/auth/authorizer/rbac/rbac.go`; k8s.io/apiserver `pkg/authorization/union/union.go`,
//! `pkg/endpoints/handlers/responsewriters/errors.go`.

use ringwall_model::go::go_quote;
use ringwall_model::version::Minor;

use crate::attributes::{Action, Decision, User};
use crate::policy::{Policy, Unresolved, aggregate};

/// Anything that decides questions as the chain of a cluster's authorizers does.
pub trait Authorize {
    /// The decision and the reason that goes with it, which may be empty.
    fn authorize(&self, user: &User, action: &Action<'_>) -> (Decision, String);
}

/// What allows an action, by the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Index of the binding.
    pub binding: usize,
    /// Index of the subject.
    pub subject: usize,
    /// Index of the role.
    pub role: usize,
    /// Index of the rule in the role.
    pub rule: usize,
}

/// Why there is an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The user is of `system:masters`; no authorizer was asked.
    Master,
    /// A rule allows it: the first in the order of the bindings.
    Allowed(Grant),
    /// No rule allows it; roles that could not be resolved may have.
    NotAllowed(Vec<Unresolved>),
}

impl Answer {
    /// Whether it is a yes.
    pub const fn decision(&self) -> Decision {
        match self {
            Self::Master | Self::Allowed(_) => Decision::Allow,
            Self::NotAllowed(_) => Decision::NoOpinion,
        }
    }
}

impl Policy {
    /// The answer of `system:masters` and then RBAC.
    pub fn answer(&self, user: &User, action: &Action<'_>) -> Answer {
        if user.is_master() {
            return Answer::Master;
        }
        let mut errors = Vec::new();
        for held in self.held(user, action.namespace()) {
            match held {
                Ok(held) => {
                    if let Some(rule) = held.rules.iter().position(|rule| rule.allows(action)) {
                        let (binding, subject, role) = (held.binding, held.subject, held.role);
                        return Answer::Allowed(Grant { binding, subject, role, rule });
                    }
                }
                Err(error) => errors.push(error),
            }
        }
        Answer::NotAllowed(errors)
    }

    /// What allows the action, one grant for each binding that does, in the authorizer's order; `system:masters` does not count.
    pub fn grants_of(&self, user: &User, action: &Action<'_>) -> Vec<Grant> {
        let all = self.held(user, action.namespace()).filter_map(Result::ok);
        all.filter_map(|held| {
            let rule = held.rules.iter().position(|rule| rule.allows(action))?;
            let (binding, subject, role) = (held.binding, held.subject, held.role);
            Some(Grant { binding, subject, role, rule })
        })
        .collect()
    }

    /// The reason of an answer as a `SubjectAccessReview` of the policy's version states it.
    pub fn reason(&self, answer: &Answer) -> String {
        match answer {
            Answer::Master => String::new(),
            Answer::Allowed(grant) => {
                format!("RBAC: allowed by {}", self.describe(grant.binding, grant.subject))
            }
            Answer::NotAllowed(errors) => aggregate(errors).map_or_else(String::new, |errors| {
                named_reason(self.version(), "rbac", &format!("RBAC: {errors}"))
            }),
        }
    }
}

/// The version since which the chain of authorizers names who says something.
const NAMED_SINCE: Minor = Minor(37);

/// What the chain of authorizers makes of the reason of one of them that allows nothing: since v1.37 it names the authorizer before it.
/// An allow is told as it is. Source: `unionAuthzHandler` in k8s.io/apiserver `pkg/authorization/union/union.go` of each version.
pub fn named_reason(version: Minor, authorizer: &str, reason: &str) -> String {
    if version >= NAMED_SINCE { format!("{authorizer}: {reason}") } else { reason.to_owned() }
}

impl Authorize for Policy {
    fn authorize(&self, user: &User, action: &Action<'_>) -> (Decision, String) {
        let answer = self.answer(user, action);
        (answer.decision(), self.reason(&answer))
    }
}

/// The message with which the API server refuses what is not allowed.
/// Sources: `ForbiddenStatusError`, and `NewForbidden` in k8s.io/apimachinery `pkg/api/errors/errors.go`.
pub fn forbidden_message(user: &User, action: &Action<'_>, reason: &str) -> String {
    let name = go_quote(&user.name);
    let what = match action {
        Action::Path { verb, path } => format!("User {name} cannot {verb} path {}", go_quote(path)),
        Action::Resource(action) => {
            let resource = go_quote(&action.combined());
            let (verb, group) = (action.verb, go_quote(action.group));
            let place = if action.namespace.is_empty() {
                "at the cluster scope".to_owned()
            } else {
                format!("in the namespace {}", go_quote(action.namespace))
            };
            format!("User {name} cannot {verb} resource {resource} in API group {group} {place}")
        }
    };
    let mut why = what.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    if !reason.is_empty() {
        why.push_str(": ");
        why.push_str(reason);
    }
    forbidden(action, &why)
}

/// `RESOURCE.GROUP "NAME" is forbidden: WHY`, for a question about no resource only `forbidden: WHY`.
pub fn forbidden(action: &Action<'_>, why: &str) -> String {
    let Action::Resource(action) = action else { return format!("forbidden: {why}") };
    if action.resource.is_empty() && action.group.is_empty() {
        return format!("forbidden: {why}");
    }
    let resource = if action.group.is_empty() {
        action.resource.to_owned()
    } else {
        format!("{}.{}", action.resource, action.group)
    };
    if action.name.is_empty() {
        return format!("{resource} is forbidden: {why}");
    }
    format!("{resource} {} is forbidden: {why}", go_quote(action.name))
}
