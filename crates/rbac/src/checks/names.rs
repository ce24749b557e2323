//! Names and paths of rules that no request has, and rules where they do not count.

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fixable};

use super::resources::{is_known_group, split};
use super::subject::{Written, item_path, joined, rule_path};
use super::{EVERY_VERSION, Flaws, RBAC, RbacCheck, Subject, safe};
use crate::matching::ALL;
use crate::model::Rule;

const REFERRING: &str =
    "https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources";

pub(super) const CREATED: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-051",
        name: "named-creation",
        severity: Severity::Low,
        summary: "a rule limits by name what has no name",
        what: "A rule with `resourceNames` gives `create` on a resource (not a subresource), or `deletecollection`. `list` and `watch` are left \
               alone: with the field selector `metadata.name` they have a name. The severity is info where the rule has other verbs.",
        why: "The name is not known to the authorizer when an object is created by `POST`, nor when many are deleted: the rule gives neither. \
              Only a server-side apply, and a `PUT` that creates, ask with the name. `audit2rbac` writes such rules.",
        fix: "Give `create` in a rule without `resourceNames`, if at all.",
        bad: everywhere!(
            "- apiGroups: [\"\"]\n  resources: [configmaps]\n  resourceNames: [ci-lock]\n  verbs: [create]\n"
        ),
        good: everywhere!(
            "- apiGroups: [\"\"]\n  resources: [configmaps]\n  resourceNames: [ci-lock]\n  verbs: [get, update]\n"
        ),
        versions: EVERY_VERSION,
        references: &[REFERRING],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("whether every name may be created is not in the manifest"),
    find: created,
};

pub(super) const PATTERN: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-052",
        name: "pattern-in-resource-names",
        severity: Severity::Low,
        summary: "a rule limits names by a pattern, and there are none",
        what: "An entry of `resourceNames` has a `*` or `?`, or ends with a slash; names are compared as texts.",
        why: "No object is called `team-*` or `*`: the rule gives nothing by this entry. Patterns have been asked for, and declined.",
        fix: "List the names, or leave `resourceNames` out where all are meant.",
        bad: everywhere!(
            "- apiGroups: [\"\"]\n  resources: [configmaps]\n  resourceNames: [\"ci-*\"]\n  verbs: [get]\n"
        ),
        good: everywhere!(
            "- apiGroups: [\"\"]\n  resources: [configmaps]\n  resourceNames: [ci-lock]\n  verbs: [get]\n"
        ),
        versions: EVERY_VERSION,
        references: &[REFERRING, "https://github.com/kubernetes/kubernetes/issues/56582"],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("which objects are meant is not in the manifest"),
    find: patterns,
};

pub(super) const URL_IN_NAMESPACE: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-053",
        name: "path-in-namespace",
        severity: Severity::Low,
        summary: "a rule gives a path where paths are not given",
        what: "A Role has `nonResourceURLs`; or a ClusterRole has, and the input binds it by RoleBindings alone (info).",
        why: "Requests for paths are of no namespace: only a ClusterRoleBinding gives them. The API server refuses such a Role.",
        fix: "Put the rule into a ClusterRole, and bind that by a ClusterRoleBinding.",
        bad: within!(
            "- apiGroups: [\"\"]\n  resources: [pods]\n  verbs: [get]\n- nonResourceURLs: [/metrics]\n  verbs: [get]\n"
        ),
        good: everywhere!("- nonResourceURLs: [/metrics]\n  verbs: [get]\n"),
        versions: EVERY_VERSION,
        references: &[RBAC],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByTool(Applicability::Safe),
    find: urls_in_namespaces,
};

pub(super) const URL_PATTERN: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-054",
        name: "star-in-path",
        severity: Severity::Low,
        summary: "a rule names a path that no request has",
        what: "An entry of `nonResourceURLs` has a `*` that is not at its end (`/apis/*/v1`), or does not begin with `/`. The severity is info \
               where the rule has other paths.",
        why: "Only a star at the end stands for whatever follows; elsewhere it is a letter. The API server does not refuse it, and nothing \
              is given by it.",
        fix: "End the path with the star, or list the paths.",
        bad: everywhere!("- nonResourceURLs: [/apis/*/v1]\n  verbs: [get]\n"),
        good: everywhere!("- nonResourceURLs: [/apis/*]\n  verbs: [get]\n"),
        versions: EVERY_VERSION,
        references: &[RBAC],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("which paths are meant is not in the manifest"),
    find: url_patterns,
};

pub(super) const CLUSTER_WIDE: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-055",
        name: "cluster-resource-in-namespace",
        severity: Severity::Low,
        summary: "a rule gives a resource of the cluster where only those of a namespace are given",
        what: "A Role names a resource that is in no namespace (`nodes`, `persistentvolumes`, `clusterroles`), Kubernetes' own or of a CRD in \
               the input; or a ClusterRole does, and the input binds it by RoleBindings alone, and no other of its resources is in a namespace \
               (info). `get`, `update`, `patch` and `delete` on `namespaces` are left alone: a RoleBinding gives them for its own namespace. The \
               severity is info where the rule has other resources.",
        why: "Requests for such a resource are of no namespace, and a RoleBinding gives nothing of it.",
        fix: "Put the rule into a ClusterRole, and bind that by a ClusterRoleBinding; or take the resource out.",
        bad: within!("- apiGroups: [\"\"]\n  resources: [nodes]\n  verbs: [get, list]\n"),
        good: everywhere!("- apiGroups: [\"\"]\n  resources: [nodes]\n  verbs: [get, list]\n"),
        versions: EVERY_VERSION,
        references: &["https://kubernetes.io/docs/reference/access-authn-authz/rbac/#role-and-clusterrole"],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByTool(Applicability::Safe),
    find: cluster_wide,
};

fn is_unnamed(rule: &Rule, verb: &str) -> bool {
    // A create by way of a subresource names its parent.
    let is_parent = || rule.resources.iter().any(|resource| !resource.contains('/') && resource != ALL);
    verb == "deletecollection" || (verb == "create" && is_parent())
}

fn created(subject: &Subject<'_>, flaws: &mut Flaws) {
    for written in subject.roles() {
        for (at, rule) in written.rules() {
            if rule.resource_names.is_empty() || rule.resource_names.iter().any(String::is_empty) {
                continue;
            }
            let verbs: Vec<(usize, &str)> = rule
                .verbs
                .iter()
                .map(String::as_str)
                .enumerate()
                .filter(|(_, verb)| is_unnamed(rule, verb))
                .collect();
            let Some((first, _)) = verbs.first().copied() else { continue };
            let names: Vec<&str> = verbs.iter().map(|(_, verb)| *verb).collect();
            let message = format!(
                "{} {} no name, and the rule is for objects by name",
                joined(&names),
                if names.len() == 1 { "has" } else { "have" }
            );
            let path = item_path(at, "verbs", first);
            let flaw = flaws.add(written.object, path, names.join(","), message);
            flaw.related(written.object, rule_path(at).key("resourceNames"));
            if verbs.len() < rule.verbs.len() {
                flaw.severity(Severity::Info);
            }
        }
    }
}

fn patterns(subject: &Subject<'_>, flaws: &mut Flaws) {
    for written in subject.roles() {
        for (at, rule) in written.rules() {
            // `kubernetes.io/*` stands for all signers of a domain, and is asked for so.
            let is_signer = rule.resources.iter().all(|resource| resource == "signers");
            let is_pattern = |name: &String| {
                (name.contains(['*', '?']) || name.ends_with('/')) && !(is_signer && name.ends_with("/*"))
            };
            for (item, name) in rule.resource_names.iter().enumerate().filter(|(_, name)| is_pattern(name)) {
                let message = format!("no object is called \"{name}\": names are no patterns");
                let path = item_path(at, "resourceNames", item);
                flaws.add(written.object, path, name.as_str(), message);
            }
        }
    }
}

/// Whether a `ClusterRole` is held by `RoleBindings` alone, in the input.
fn is_local(subject: &Subject<'_>, written: &Written) -> bool {
    let reach = subject.reach(&written.role);
    written.role.namespace.is_none()
        && !reach.holders.is_empty()
        && !reach.is_everywhere()
        && reach.into.is_empty()
}

fn urls_in_namespaces(subject: &Subject<'_>, flaws: &mut Flaws) {
    for written in subject.roles() {
        let is_role = written.role.namespace.is_some();
        for (at, rule) in written.rules().filter(|(_, rule)| !rule.non_resource_urls.is_empty()) {
            if !is_role && !is_local(subject, written) {
                continue;
            }
            let message = if is_role {
                "a Role gives no paths, and the API server refuses it".to_owned()
            } else {
                "the role is bound by RoleBindings alone, and they give no paths".to_owned()
            };
            let path = item_path(at, "nonResourceURLs", 0);
            let fix = if !is_role {
                Err("how the role is bound elsewhere is not in the manifest".to_owned())
            } else if rule.resources.is_empty() {
                Ok(safe("take out the rule that gives nothing", vec![Change::Remove { path: rule_path(at) }]))
            } else {
                let path = rule_path(at).key("nonResourceURLs");
                Ok(safe("take out the paths", vec![Change::Remove { path }]))
            };
            let flaw = flaws.add(written.object, path, rule.non_resource_urls.join(","), message).fix(fix);
            if !is_role {
                flaw.severity(Severity::Info);
            }
        }
    }
}

fn url_patterns(subject: &Subject<'_>, flaws: &mut Flaws) {
    for written in subject.roles() {
        for (at, rule) in written.rules() {
            let is_odd =
                |url: &str| url != ALL && (url.trim_end_matches('*').contains('*') || !url.starts_with('/'));
            let odd: Vec<(usize, &str)> = rule
                .non_resource_urls
                .iter()
                .map(String::as_str)
                .enumerate()
                .filter(|(_, url)| is_odd(url))
                .collect();
            for (item, url) in &odd {
                let why = if url.starts_with('/') {
                    "a star counts at the end alone"
                } else {
                    "paths begin with a slash"
                };
                let message = format!("no request is for \"{url}\": {why}");
                let path = item_path(at, "nonResourceURLs", *item);
                let flaw = flaws.add(written.object, path, *url, message);
                if odd.len() < rule.non_resource_urls.len() {
                    flaw.severity(Severity::Info);
                }
            }
        }
    }
}

/// Whether an item of a rule is of the cluster: each of the rule's groups that has it has it so, and one has it. Of `*` those that are known
/// count.
fn is_of_cluster(subject: &Subject<'_>, rule: &Rule, item: &str) -> bool {
    let (plural, _) = split(item);
    if plural == ALL {
        return false;
    }
    let is_own = |verb: &String| matches!(verb.as_str(), "get" | "update" | "patch" | "delete" | "*");
    if plural == "namespaces" && rule.verbs.iter().any(is_own) {
        return false;
    }
    // What is asked for without being served: users, groups, signers.
    let is_virtual = |group: &str| {
        matches!((group, plural), ("", "users" | "groups") | ("authentication.k8s.io", _))
            || (group == "certificates.k8s.io" && plural == "signers")
    };
    let scope = |group: &str| {
        if is_virtual(group) {
            return Some(true);
        }
        subject.resources.of(group, plural).map(|known| !known.namespaced)
    };
    let is_any = rule.api_groups.iter().any(|group| group == ALL);
    let found: Vec<bool> = if is_any {
        let known = subject.resources.named(plural).map(|known| !known.namespaced);
        known.chain(scope("").filter(|_| is_virtual(""))).collect()
    } else {
        rule.api_groups.iter().filter_map(|group| scope(group)).collect()
    };
    let is_open = !is_any
        && rule
            .api_groups
            .iter()
            .any(|group| subject.resources.of(group, plural).is_none() && !is_known_group(group));
    !is_open && !found.is_empty() && found.iter().all(|of_cluster| *of_cluster)
}

fn cluster_wide(subject: &Subject<'_>, flaws: &mut Flaws) {
    for written in subject.roles() {
        let is_role = written.role.namespace.is_some();
        if !is_role && !is_local(subject, written) {
            continue;
        }
        for (at, rule) in written.rules() {
            // Who may bind a ClusterRole is asked in the namespace of the binding.
            if rule.has_verb("bind") && rule.has_group(crate::model::GROUP) {
                continue;
            }
            let found: Vec<(usize, &str)> = rule
                .resources
                .iter()
                .map(String::as_str)
                .enumerate()
                .filter(|(_, item)| is_of_cluster(subject, rule, item))
                .collect();
            let Some((first, _)) = found.first().copied() else { continue };
            let is_all = found.len() == rule.resources.len();
            // A ClusterRole is made to be bound here and there.
            if !is_role && !is_all {
                continue;
            }
            let names: Vec<&str> = found.iter().map(|(_, item)| *item).collect();
            let (is, gives) = if names.len() == 1 { ("is", "it") } else { ("are", "them") };
            let by = if is_role { "a Role does not give" } else { "RoleBindings alone do not give" };
            let message = format!("{} {is} of no namespace, and {by} {gives}", joined(&names));
            let fix = if !is_role {
                Err("how the role is bound elsewhere is not in the manifest".to_owned())
            } else if rule.api_groups.iter().any(|group| group == ALL) {
                Err("whether another API has such a resource is not in the manifest".to_owned())
            } else if is_all {
                Ok(safe("take out the rule that gives nothing", vec![Change::Remove { path: rule_path(at) }]))
            } else {
                let changes =
                    found.iter().map(|(item, _)| Change::Remove { path: item_path(at, "resources", *item) });
                Ok(safe("take out what is not given", changes.collect()))
            };
            let path = item_path(at, "resources", first);
            let flaw = flaws.add(written.object, path, names.join(","), message).fix(fix);
            // Some API may have a resource of that name in namespaces.
            let is_any = rule.api_groups.iter().any(|group| group == ALL);
            if !is_role || !is_all || is_any {
                flaw.severity(Severity::Info);
            }
            for (item, _) in found.iter().skip(1) {
                flaw.related(written.object, item_path(at, "resources", *item));
            }
        }
    }
}
