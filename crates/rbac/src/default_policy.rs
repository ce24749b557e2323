//! The RBAC objects that every API server makes when it starts, and mends at each start: `cluster-admin`, `admin`, `edit`, `view`, the
//! roles of the control plane's parts and controllers, and who is bound to them.
//!
//! They differ from version to version. The files `default-policy/v1.*.txt` are printed by the reference of each version, with the feature
//! gates that it turns on by itself (program `default-policy/main.go`, which also says how they are read). Source: k8s.io/kubernetes
//! `plugin/pkg/auth/authorizer/rbac/bootstrappolicy`, in the order of `pkg/registry/rbac/rest/storage_rbac.go`.

use std::collections::HashSet;
use std::sync::LazyLock;

use ringwall_model::selector::Selector;
use ringwall_model::version::Minor;

use crate::model::{Binding, GROUP, Origin, RbacObject, Role, RoleRef, RoleSelector, Rule, Subject};

/// The policy of each version, the oldest first.
const POLICIES: [(Minor, &str); 4] = [
    (Minor(34), include_str!("../default-policy/v1.34.txt")),
    (Minor(35), include_str!("../default-policy/v1.35.txt")),
    (Minor(36), include_str!("../default-policy/v1.36.txt")),
    (Minor(37), include_str!("../default-policy/v1.37.txt")),
];

/// The versions whose default policy is known, the oldest first.
pub const KNOWN: [Minor; 4] = [POLICIES[0].0, POLICIES[1].0, POLICIES[2].0, POLICIES[3].0];

/// The version whose policy [`of`] gives: `version` itself where it is known, for older ones the oldest and for newer ones the newest
/// that is.
pub fn known_for(version: Minor) -> Minor {
    policy_for(version).0
}

/// The default policy of a version, in the reference's order: `ClusterRoles`, their bindings, Roles, theirs. All objects are of
/// [`Origin::Default`].
///
/// A version older than all of [`KNOWN`] gets the oldest policy of them, one that is newer the newest; [`known_for`] says which it is.
/// The aggregated roles `admin`, `edit` and `view` have no rules here, as the API server makes them: a controller fills them, which
/// [`Policy::aggregate`](crate::policy::Policy::aggregate) does too.
///
/// Reads a text of some 40 KB each time.
pub fn of(version: Minor) -> Vec<RbacObject> {
    read(policy_for(version).1)
}

fn policy_for(version: Minor) -> (Minor, &'static str) {
    let found = POLICIES.into_iter().rev().find(|(known, _)| *known <= version);
    found.unwrap_or(POLICIES[0])
}

/// Reads a policy as `default-policy/main.go` prints it.
fn read(text: &str) -> Vec<RbacObject> {
    let mut objects: Vec<RbacObject> = Vec::new();
    // What is said before the first object holds for all; bindings keep neither labels nor annotations.
    let mut any_role = Role { origin: Origin::Default, ..Role::default() };
    for line in text.lines() {
        let Some((word, said)) = line.split_once(' ') else { continue };
        match (word, objects.last_mut()) {
            ("#", _) => {}
            ("ClusterRole" | "Role", _) => {
                let (namespace, name) = place(word == "Role", said);
                objects.push(RbacObject::Role(Role { namespace, name, ..any_role.clone() }));
            }
            ("ClusterRoleBinding" | "RoleBinding", _) => {
                let (namespace, name) = place(word == "RoleBinding", said);
                let binding = Binding { namespace, name, origin: Origin::Default, ..Binding::default() };
                objects.push(RbacObject::Binding(binding));
            }
            (_, None) => read_role(&mut any_role, word, said),
            (_, Some(RbacObject::Role(role))) => read_role(role, word, said),
            (_, Some(RbacObject::Binding(binding))) => read_binding(binding, word, said),
        }
    }
    objects
}

/// Namespace and name, from `NAMESPACE/NAME` where there is a namespace.
fn place(namespaced: bool, said: &str) -> (Option<String>, String) {
    match said.split_once('/') {
        Some((namespace, name)) if namespaced => (Some(namespace.to_owned()), name.to_owned()),
        _ => (None, said.to_owned()),
    }
}

fn read_role(role: &mut Role, word: &str, said: &str) {
    match word {
        "label" => role.labels.extend(pair(said)),
        "annotation" => role.annotations.extend(pair(said)),
        "selector" => role.aggregation.get_or_insert_default().push(selector(said)),
        "rule" => role.rules.push(rule(said)),
        _ => {}
    }
}

fn read_binding(binding: &mut Binding, word: &str, said: &str) {
    let Some((kind, name)) = said.split_once(' ') else { return };
    match word {
        "roleRef" => {
            binding.role_ref =
                RoleRef { api_group: GROUP.to_owned(), kind: kind.to_owned(), name: name.to_owned() };
        }
        "subject" => {
            let is_account = kind == "ServiceAccount";
            let (namespace, name) = place(is_account, name);
            binding.subjects.push(Subject {
                kind: kind.to_owned(),
                api_group: if is_account { String::new() } else { GROUP.to_owned() },
                name,
                namespace: namespace.unwrap_or_default(),
            });
        }
        _ => {}
    }
}

fn pair(text: &str) -> Option<(String, String)> {
    text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()))
}

fn selector(said: &str) -> RoleSelector {
    let match_labels = said.split(',').filter_map(pair).collect();
    let mut selector = RoleSelector { match_labels, ..RoleSelector::default() };
    let labels = selector.match_labels.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    selector.compiled = Some(Selector::of_labels(labels));
    selector
}

fn rule(said: &str) -> Rule {
    let mut rule = Rule::default();
    for (field, items) in said.split(' ').filter_map(|field| field.split_once('=')) {
        let items = items.split(',');
        let list = match field {
            "verbs" => &mut rule.verbs,
            "resources" => &mut rule.resources,
            "resourceNames" => &mut rule.resource_names,
            "nonResourceURLs" => &mut rule.non_resource_urls,
            "apiGroups" => {
                rule.api_groups =
                    items.map(|group| if group == "core" { "" } else { group }.to_owned()).collect();
                continue;
            }
            _ => continue,
        };
        *list = items.map(str::to_owned).collect();
    }
    rule
}

/// A binding and one of its subjects, by their names: namespace and name of the binding, role, then kind, namespace and name of the
/// subject.
type GrantName = (String, String, String, String, String, String);

/// The grants that API servers make by themselves, of all versions that are known.
static DEFAULT: LazyLock<HashSet<GrantName>> = LazyLock::new(|| {
    let objects = KNOWN.into_iter().flat_map(of);
    let bindings = objects.filter_map(|object| match object {
        RbacObject::Binding(binding) => Some(binding),
        RbacObject::Role(_) => None,
    });
    bindings.flat_map(|binding| (0..binding.subjects.len()).map(move |at| name_of(&binding, at))).collect()
});

fn name_of(binding: &Binding, subject: usize) -> GrantName {
    let subject = binding.subjects.get(subject).cloned().unwrap_or_default();
    (
        binding.namespace.clone().unwrap_or_default(),
        binding.name.clone(),
        binding.role_ref.name.clone(),
        subject.kind,
        subject.namespace,
        subject.name,
    )
}

/// Whether a subject of a binding is of the policy that every cluster has. In a dump, where it is an object like others, it is told by its
/// names.
pub fn is_default_grant(binding: &Binding, subject: usize) -> bool {
    binding.origin == Origin::Default
        || (binding.name.starts_with("system:") || binding.name == "cluster-admin")
            && DEFAULT.contains(&name_of(binding, subject))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fmt::Write as _;

    use super::*;
    use crate::policy::Policy;

    /// Prints what was read as the generator prints it; the lines before the first object are `head`.
    fn written(objects: &[RbacObject], head: &[&str]) -> String {
        let mut text = head.join("\n") + "\n";
        let mut line = |words: &[&str]| {
            let _ = writeln!(text, "{}", words.join(" "));
        };
        let placed = |namespace: Option<&str>, name: &str| match namespace {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name.to_owned(),
        };
        let pairs = |map: &BTreeMap<String, String>, word: &str| -> Vec<String> {
            let all: Vec<_> = map.iter().map(|(key, value)| format!("{key}={value}")).collect();
            for shared in head.iter().filter_map(|line| line.strip_prefix(word)?.strip_prefix(' ')) {
                assert!(all.iter().any(|one| one == shared), "{shared} is of every object");
            }
            all.into_iter().filter(|one| !head.contains(&format!("{word} {one}").as_str())).collect()
        };
        for object in objects {
            match object {
                RbacObject::Role(role) => {
                    line(&[role.kind().kind(), &placed(role.namespace.as_deref(), &role.name)]);
                    for (map, word) in [(&role.labels, "label"), (&role.annotations, "annotation")] {
                        for pair in pairs(map, word) {
                            line(&[word, &pair]);
                        }
                    }
                    for selector in role.aggregation.iter().flatten() {
                        line(&["selector", &pairs(&selector.match_labels, "").join(",")]);
                    }
                    for rule in &role.rules {
                        let groups = rule.api_groups.iter();
                        let groups: Vec<_> = groups
                            .map(|group| if group.is_empty() { "core" } else { group }.to_owned())
                            .collect();
                        let fields = [
                            ("verbs", &rule.verbs),
                            ("apiGroups", &groups),
                            ("resources", &rule.resources),
                            ("resourceNames", &rule.resource_names),
                            ("nonResourceURLs", &rule.non_resource_urls),
                        ];
                        let fields = fields.iter().filter(|(_, items)| !items.is_empty());
                        let fields: Vec<_> =
                            fields.map(|(field, items)| format!("{field}={}", items.join(","))).collect();
                        line(&["rule", &fields.join(" ")]);
                    }
                }
                RbacObject::Binding(binding) => {
                    line(&[binding.kind(), &placed(binding.namespace.as_deref(), &binding.name)]);
                    line(&["roleRef", &binding.role_ref.kind, &binding.role_ref.name]);
                    for subject in &binding.subjects {
                        let namespace =
                            (subject.kind == "ServiceAccount").then_some(subject.namespace.as_str());
                        line(&["subject", &subject.kind, &placed(namespace, &subject.name)]);
                    }
                }
            }
        }
        text
    }

    #[test]
    fn nothing_is_lost_in_reading() {
        for (version, text) in POLICIES {
            let kinds = ["ClusterRole ", "ClusterRoleBinding ", "Role ", "RoleBinding "];
            let is_object = |line: &&str| kinds.iter().any(|kind| line.starts_with(kind));
            let head: Vec<_> = text.lines().take_while(|line| !is_object(line)).collect();
            assert!(head[0].contains(&format!(" {version}.")), "the file of {version} says {}", head[0]);
            let objects = of(version);
            assert_eq!(objects.len(), text.lines().filter(is_object).count(), "{version}");
            assert_eq!(written(&objects, &head), text, "{version}");
        }
    }

    #[test]
    fn every_version_has_what_its_reference_makes() {
        let counts = [(34, [68, 49, 7, 7]), (35, [68, 49, 7, 7]), (36, [69, 50, 7, 7]), (37, [73, 54, 7, 7])];
        for (minor, expected) in counts {
            let objects = of(Minor(minor));
            let count = |kind: &str| {
                let of_kind = |object: &&RbacObject| match object {
                    RbacObject::Role(role) => role.kind().kind() == kind,
                    RbacObject::Binding(binding) => binding.kind() == kind,
                };
                objects.iter().filter(of_kind).count()
            };
            let counted = ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"].map(count);
            assert_eq!(counted, expected, "v1.{minor}");
        }
    }

    fn check_rule(rule: &Rule, of: &str) {
        assert!(!rule.verbs.is_empty(), "{of}: {rule:?}");
        let of_resources = !rule.api_groups.is_empty() && !rule.resources.is_empty();
        let of_urls = !rule.non_resource_urls.is_empty();
        assert!(of_resources != of_urls, "{of}: {rule:?}");
        let lists = [&rule.verbs, &rule.resources, &rule.resource_names, &rule.non_resource_urls];
        assert!(lists.into_iter().flatten().all(|item| !item.is_empty()), "{of}: {rule:?}");
    }

    #[test]
    fn every_object_is_well_formed() {
        for version in KNOWN {
            let (objects, mut seen) = (of(version), BTreeSet::new());
            let policy = Policy::of(objects.clone());
            for object in &objects {
                let identity = match object {
                    RbacObject::Role(role) => {
                        let identity = (role.kind().kind(), role.namespace.clone(), role.name.clone());
                        assert_eq!(role.origin, Origin::Default, "{identity:?}");
                        assert!(!role.stored && role.copied_from.is_empty(), "{identity:?}");
                        let mended = role.annotations.get("rbac.authorization.kubernetes.io/autoupdate");
                        assert_eq!(mended.map(String::as_str), Some("true"), "{identity:?}");
                        let made = role.labels.get("kubernetes.io/bootstrapping").map(String::as_str);
                        assert_eq!(made, Some("rbac-defaults"), "{identity:?}");
                        // A role is aggregated or has rules.
                        assert_eq!(role.aggregation.is_some(), role.rules.is_empty(), "{identity:?}");
                        assert!(role.aggregation.iter().flatten().all(|one| one.compiled.is_some()));
                        role.rules.iter().for_each(|rule| check_rule(rule, &role.name));
                        identity
                    }
                    RbacObject::Binding(binding) => {
                        let identity = (binding.kind(), binding.namespace.clone(), binding.name.clone());
                        assert_eq!(binding.origin, Origin::Default, "{identity:?}");
                        let namespace = binding.namespace.as_deref().unwrap_or_default();
                        assert!(policy.resolve(&binding.role_ref, namespace).is_ok(), "{identity:?}");
                        for subject in &binding.subjects {
                            let is_account = match subject.kind.as_str() {
                                "ServiceAccount" => true,
                                "User" | "Group" => false,
                                other => panic!("{identity:?} is for a {other}"),
                            };
                            assert_eq!(subject.namespace.is_empty(), !is_account, "{identity:?}");
                            assert_eq!(
                                subject.api_group,
                                if is_account { "" } else { GROUP },
                                "{identity:?}"
                            );
                        }
                        identity
                    }
                };
                assert!(!identity.2.is_empty() && !identity.2.contains('/'), "{identity:?}");
                assert_eq!(identity.0.starts_with("Cluster"), identity.1.is_none(), "{identity:?}");
                assert!(seen.insert(identity), "an object twice in {version}: {object:?}");
            }
        }
    }

    #[test]
    fn versions_beyond_the_known_get_the_nearest() {
        assert_eq!(KNOWN.last(), Some(&Minor::NEWEST), "the newest Kubernetes has a policy");
        assert!(KNOWN.is_sorted());
        for version in KNOWN {
            assert_eq!(known_for(version), version);
        }
        assert_eq!((known_for(Minor(0)), known_for(Minor(33))), (Minor(34), Minor(34)));
        assert_eq!((known_for(Minor(38)), known_for(Minor(u32::MAX))), (Minor(37), Minor(37)));
        let names = |version: Minor| format!("{:?}", of(version));
        assert_eq!(names(Minor(20)), names(Minor(34)));
        assert_eq!(names(Minor(99)), names(Minor(37)));
        assert_ne!(names(Minor(34)), names(Minor(37)));
    }
}
