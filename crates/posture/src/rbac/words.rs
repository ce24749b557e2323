//! Subjects, bindings, roles and rules in words.

use ringwall_rbac::attributes::{Action, split_service_account};
use ringwall_rbac::model::{Binding, Role, Rule, Subject};
use ringwall_rbac::review::combined;

/// `ServiceAccount shop/web`, `User alice`, `Group dev`.
pub fn subject(subject: &Subject, within: Option<&str>) -> String {
    if subject.kind == "ServiceAccount" {
        let own = Some(subject.namespace.as_str()).filter(|namespace| !namespace.is_empty());
        let namespace = own.or(within).unwrap_or_default();
        return format!("ServiceAccount {namespace}/{}", subject.name);
    }
    if subject.kind == "User"
        && let Some((namespace, name)) = split_service_account(&subject.name)
    {
        return format!("ServiceAccount {namespace}/{name}");
    }
    format!("{} {}", subject.kind, subject.name)
}

/// A user or group by its name: an account's user is called by the account.
pub fn named(is_group: bool, name: &str) -> String {
    match split_service_account(name) {
        _ if is_group => format!("Group {name}"),
        Some((namespace, name)) => format!("ServiceAccount {namespace}/{name}"),
        None => format!("User {name}"),
    }
}

/// `RoleBinding shop/readers`, `ClusterRoleBinding readers`.
pub fn binding(binding: &Binding) -> String {
    match &binding.namespace {
        Some(namespace) => format!("RoleBinding {namespace}/{}", binding.name),
        None => format!("ClusterRoleBinding {}", binding.name),
    }
}

/// `Role shop/reader`, `ClusterRole reader`.
pub fn role(role: &Role) -> String {
    match &role.namespace {
        Some(namespace) => format!("Role {namespace}/{}", role.name),
        None => format!("ClusterRole {}", role.name),
    }
}

/// The role that a binding refers to, whether it is there or not.
pub fn referred(binding: &Binding) -> String {
    let reference = &binding.role_ref;
    match &binding.namespace {
        Some(namespace) if reference.kind == "Role" => format!("Role {namespace}/{}", reference.name),
        _ => format!("{} {}", reference.kind, reference.name),
    }
}

/// `get, list on pods, deployments.apps named web`; paths as they are.
pub fn rule(rule: &Rule) -> String {
    let verbs = listed(&rule.verbs, "no verb");
    let mut parts = Vec::new();
    if !rule.resources.is_empty() || rule.non_resource_urls.is_empty() {
        let groups = &rule.api_groups;
        let resources: Vec<String> = rule
            .resources
            .iter()
            .flat_map(|resource| groups.iter().map(move |group| combined(resource, group)))
            .collect();
        let mut part = listed(&resources, "no resource");
        if !rule.resource_names.is_empty() {
            part.push_str(" named ");
            part.push_str(&rule.resource_names.join(", "));
        }
        parts.push(part);
    }
    if !rule.non_resource_urls.is_empty() {
        parts.push(rule.non_resource_urls.join(", "));
    }
    format!("{verbs} on {}", parts.join(" and on "))
}

/// A resource with its group, or a path as it is.
pub fn resource(resource: &str, group: Option<&str>) -> String {
    match group {
        Some(group) => combined(resource, group),
        None => resource.to_owned(),
    }
}

/// So many of a list are written.
const SHOWN: usize = 8;

fn listed(list: &[String], none: &str) -> String {
    match list.len() {
        0 => none.to_owned(),
        count if count > SHOWN => {
            format!("{} and {} more", list[..SHOWN].join(", "), count - SHOWN)
        }
        _ => list.join(", "),
    }
}

/// `get pods/log named web in namespace shop`.
pub fn action(action: &Action<'_>) -> String {
    match action {
        Action::Path { verb, path } => format!("{verb} {path}"),
        Action::Resource(action) => {
            let name = if action.name.is_empty() { String::new() } else { format!(" named {}", action.name) };
            let place = if action.namespace.is_empty() {
                "in all namespaces".to_owned()
            } else {
                format!("in namespace {}", action.namespace)
            };
            format!("{} {}{name} {place}", action.verb, combined(&action.combined(), action.group))
        }
    }
}
