//! Whether a rule allows an action, and whether a subject is a user. Source: k8s.io/kubernetes
//! `pkg/apis/rbac/v1/evaluation_helpers.go`, `plugin/pkg/auth/authorizer/rbac/rbac.go` (`RuleAllows`) and
//! `pkg/registry/rbac/validation/rule.go` (`appliesToUser`).

use crate::attributes::{Action, ResourceAction, SERVICE_ACCOUNT_PREFIX, User};
use crate::model::{Rule, Subject};

/// What stands for all verbs, groups, resources or paths.
pub const ALL: &str = "*";

impl Rule {
    /// Whether the rule allows the action.
    pub fn allows(&self, action: &Action<'_>) -> bool {
        match action {
            Action::Resource(action) => self.allows_resource(action),
            Action::Path { verb, path } => self.has_verb(verb) && self.has_url(path),
        }
    }

    /// Whether the rule allows what is asked of a resource.
    pub fn allows_resource(&self, action: &ResourceAction<'_>) -> bool {
        self.has_verb(action.verb)
            && self.has_group(action.group)
            && self.has_resource(action.resource, action.subresource)
            && self.has_name(action.name)
    }

    /// Whether the verb is among the rule's.
    pub fn has_verb(&self, verb: &str) -> bool {
        self.verbs.iter().any(|own| own == ALL || own == verb)
    }

    /// Whether the API group is among the rule's.
    pub fn has_group(&self, group: &str) -> bool {
        self.api_groups.iter().any(|own| own == ALL || own == group)
    }

    /// Whether the resource, with its subresource if that is not empty, is among the rule's.
    pub fn has_resource(&self, resource: &str, subresource: &str) -> bool {
        self.resources.iter().any(|own| resource_matches(own, resource, subresource))
    }

    /// Whether the name of an object, which may be empty, is among the rule's.
    pub fn has_name(&self, name: &str) -> bool {
        self.resource_names.is_empty() || self.resource_names.iter().any(|own| own == name)
    }

    /// Whether the path is among the rule's.
    pub fn has_url(&self, path: &str) -> bool {
        self.non_resource_urls.iter().any(|own| url_matches(own, path))
    }
}

/// Whether what a rule says of resources matches a resource, with its subresource if that is not empty.
pub fn resource_matches(own: &str, resource: &str, subresource: &str) -> bool {
    if own == ALL {
        return true;
    }
    if subresource.is_empty() {
        return own == resource;
    }
    let rest = own.strip_suffix(subresource).and_then(|rest| rest.strip_suffix('/'));
    rest.is_some_and(|rest| rest == resource || rest == ALL)
}

/// Whether what a rule says of paths matches a path.
pub fn url_matches(own: &str, path: &str) -> bool {
    own == ALL || own == path || (own.ends_with('*') && path.starts_with(own.trim_end_matches('*')))
}

impl Subject {
    /// Whether the subject, in a binding of this namespace (`""` for a `ClusterRoleBinding`), is the user or one of its groups.
    pub fn is(&self, user: &User, namespace: &str) -> bool {
        match self.kind.as_str() {
            "User" => user.name == self.name,
            "Group" => user.groups.contains(&self.name),
            "ServiceAccount" => {
                let namespace = if self.namespace.is_empty() { namespace } else { &self.namespace };
                !namespace.is_empty() && is_user_of(&user.name, namespace, &self.name)
            }
            _ => false,
        }
    }
}

/// Whether a user's name is that of a service account. Source: k8s.io/apiserver `pkg/authentication/serviceaccount/util.go`
/// (`MatchesUsername`).
fn is_user_of(user: &str, namespace: &str, name: &str) -> bool {
    user.strip_prefix(SERVICE_ACCOUNT_PREFIX)
        .and_then(|rest| rest.strip_prefix(namespace))
        .and_then(|rest| rest.strip_prefix(':'))
        == Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_one_only_where_it_stands_alone_or_for_all_resources_of_a_subresource() {
        assert!(resource_matches("*", "pods", "log"));
        assert!(resource_matches("*/log", "pods", "log"));
        assert!(resource_matches("pods/log", "pods", "log"));
        assert!(!resource_matches("pods", "pods", "log"));
        assert!(!resource_matches("pods/*", "pods", "log"));
        assert!(!resource_matches("*/*", "pods", "log"));
        assert!(!resource_matches("*/log", "pods", ""));
    }

    #[test]
    fn a_path_is_matched_by_its_beginning_up_to_the_stars_at_the_end() {
        assert!(url_matches("/log**", "/logs"));
        assert!(!url_matches("/healthz/*", "/healthz"));
        assert!(!url_matches("/a*b", "/axb"));
    }
}
