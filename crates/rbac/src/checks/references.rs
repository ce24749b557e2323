//! References that lead to nothing, and what nothing refers to.

use std::collections::{BTreeMap, HashMap, HashSet};

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fixable, Value};
use ringwall_model::path::FieldPath;

use super::bindings::{role_of, role_path, subject_path};
use super::subject::{Bound, account_of};
use super::{EVERY_VERSION, Flaws, RBAC, RbacCheck, Subject, nearest, reviewed, safe};
use crate::model::Subject as BoundSubject;
use crate::snapshot::is_nameless;

pub(super) const ROLE: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-038",
        name: "dangling-role",
        severity: Severity::Low,
        summary: "a binding refers to a role that is not there",
        what: "`roleRef` names a Role or ClusterRole that is neither in the input nor in the default policy; or a kind that is no role; or a \
               ClusterRoleBinding refers to a Role. A RoleBinding finds a Role in its own namespace only. For a ClusterRole the severity is \
               info, unless one of almost that name is there or the input is of a whole cluster: others may bring it.",
        why: "The binding gives nothing, and whoever relies on it finds out at run time. Who may make a role of that name later gives it a \
              meaning.",
        fix: "Correct the name, add the role, or remove the binding.",
        bad: "\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: pod-reader
  namespace: shop
rules:
- apiGroups: [\"\"]
  resources: [pods]
  verbs: [get]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: ci
  namespace: shop
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: pods-reader
subjects:
- kind: ServiceAccount
  name: ci
  namespace: shop
",
        good: within!("- apiGroups: [\"\"]\n  resources: [pods]\n  verbs: [get]\n"),
        versions: EVERY_VERSION,
        references: &[RBAC],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("`roleRef` cannot be changed: the binding has to be made anew"),
    find: dangling_role,
};

pub(super) const ACCOUNT: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-039",
        name: "dangling-account",
        severity: Severity::Low,
        summary: "a binding names a service account that is not there",
        what: "A subject is a service account other than `default` that the input does not hold, and the input would show it: it holds \
               another account of that namespace, or a whole cluster. Where an account of that name is in another namespace, the message says so.",
        why: "Authorizers do not ask whether an account exists. Who may make service accounts in that namespace makes this one, and has the \
              rights.",
        fix: "Correct name and namespace, or remove the subject.",
        bad: "\
apiVersion: v1
kind: ServiceAccount
metadata:
  name: web
  namespace: shop
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: ci
  namespace: build
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: ci
  namespace: shop
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: view
subjects:
- kind: ServiceAccount
  name: ci
  namespace: shop
",
        good: "\
apiVersion: v1
kind: ServiceAccount
metadata:
  name: ci
  namespace: shop
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: ci
  namespace: shop
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: view
subjects:
- kind: ServiceAccount
  name: ci
  namespace: shop
",
        versions: EVERY_VERSION,
        references: &["https://kubernetes.io/docs/concepts/security/rbac-good-practices/#periodic-review"],
        controls: &[nsa("Authentication and authorization"), mitre("T1078")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: dangling_account,
};

pub(super) const UNBOUND: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-040",
        name: "unbound-role",
        severity: Severity::Info,
        summary: "nobody is bound to a role",
        what: "The input holds bindings, and none refers to this Role or ClusterRole; no other ClusterRole takes it in, and it is not of the \
               default policy.",
        why: "It does nothing, until somebody binds it who has not read it.",
        fix: "Bind it or remove it.",
        bad: concat!(
            within!("- apiGroups: [\"\"]\n  resources: [pods]\n  verbs: [get]\n"),
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: old\n  namespace: shop\nrules:\n- apiGroups: \
             [\"\"]\n  resources: [services]\n  verbs: [get]\n"
        ),
        good: within!("- apiGroups: [\"\"]\n  resources: [pods]\n  verbs: [get]\n"),
        versions: EVERY_VERSION,
        references: &["https://kubernetes.io/docs/concepts/security/rbac-good-practices/#periodic-review"],
        controls: &[],
    },
    fix: Fixable::ByHand("whether the role or its binding is missing is not in the manifest"),
    find: unbound,
};

pub(super) const NOBODY: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-041",
        name: "binding-without-subjects",
        severity: Severity::Info,
        summary: "a binding gives its role to nobody",
        what: "A RoleBinding or ClusterRoleBinding has no `subjects`.",
        why: "It does nothing. Somebody who may write bindings adds to it what a review of bindings does not look for.",
        fix: "Name the subjects or remove the binding.",
        bad: "\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: ci
  namespace: shop
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: view
subjects: []
",
        good: bound_within!("view", "- kind: ServiceAccount\n  name: ci\n  namespace: shop\n"),
        versions: EVERY_VERSION,
        references: &[RBAC],
        controls: &[],
    },
    fix: Fixable::ByHand("who is meant is not in the manifest"),
    find: nobody,
};

pub(super) const TWICE: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-042",
        name: "duplicate-binding",
        severity: Severity::Info,
        summary: "a subject has a role twice",
        what: "A binding names a subject twice; or another binding before it gives the same subject the same role in the same namespace, or a \
               ClusterRoleBinding gives it the same ClusterRole in all.",
        why: "Who takes one of them away has taken nothing away.",
        fix: "Leave it in one place.",
        bad: bound_within!(
            "view",
            "- kind: ServiceAccount\n  name: ci\n  namespace: shop\n- kind: ServiceAccount\n  name: ci\n"
        ),
        good: bound_within!("view", "- kind: ServiceAccount\n  name: ci\n  namespace: shop\n"),
        versions: EVERY_VERSION,
        references: &["https://kubernetes.io/docs/concepts/security/rbac-good-practices/#periodic-review"],
        controls: &[cis("5.1.1")],
    },
    fix: Fixable::ByTool(Applicability::Safe),
    find: twice,
};

fn dangling_role(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (object, bound) in subject.bindings() {
        let reference = &bound.binding.role_ref;
        if role_of(subject, bound).is_some() || reference.name.is_empty() {
            continue;
        }
        let (message, path, severity) = match (reference.kind.as_str(), bound.namespace()) {
            ("Role", None) => (
                "a ClusterRoleBinding refers to a ClusterRole; a Role it cannot give".to_owned(),
                FieldPath::keys(&["roleRef", "kind"]),
                Severity::Low,
            ),
            ("Role", Some(namespace)) => {
                // A Role that states no namespace is applied where its binding is.
                if subject.has_placeless_role(&reference.name) {
                    continue;
                }
                (missing_role(subject, namespace, &reference.name), role_path(), Severity::Low)
            }
            ("ClusterRole", _) => {
                let near = subject.near_cluster_role(&reference.name);
                let is_shown = near.is_some() || subject.is_whole_cluster();
                let hint = near.map_or_else(String::new, |near| format!("; \"{near}\" may be meant"));
                let message = format!(
                    "ClusterRole {} is neither in the input nor in the default policy{hint}",
                    reference.name
                );
                (message, role_path(), if is_shown { Severity::Low } else { Severity::Info })
            }
            (kind, _) => (
                format!("\"{kind}\" is no kind of role: Role and ClusterRole are"),
                FieldPath::keys(&["roleRef", "kind"]),
                Severity::Low,
            ),
        };
        let witness = format!("{}/{}", reference.kind, reference.name);
        flaws.add(object, path, witness, message).severity(severity);
    }
}

fn missing_role(subject: &Subject<'_>, namespace: &str, name: &str) -> String {
    let message = format!("Role {name} is not in namespace {namespace}");
    let elsewhere = subject.roles().iter().map(|written| &written.role).find(|role| role.name == name);
    match elsewhere.map(|role| &role.namespace) {
        Some(Some(other)) => format!("{message}, but in {other}, where a RoleBinding does not look"),
        Some(None) => format!("{message}; a ClusterRole of that name is there"),
        None => {
            let own = subject.roles().iter().map(|written| &written.role);
            let own = own.filter(|role| role.namespace.as_deref() == Some(namespace));
            match nearest(name, own.map(|role| role.name.as_str())) {
                Some(near) => format!("{message}; \"{near}\" may be meant"),
                None => message,
            }
        }
    }
}

fn dangling_account(subject: &Subject<'_>, flaws: &mut Flaws) {
    let accounts = subject.accounts();
    for (object, bound) in subject.bindings() {
        for (at, to) in bound.subjects() {
            let Some((namespace, name)) = account_of(to, bound.namespace()) else { continue };
            // Accounts that state no namespace are applied where their binding is.
            let is_there =
                accounts.known.contains(&(Some(namespace), name)) || accounts.known.contains(&(None, name));
            let is_shown = accounts.listed.contains(&Some(namespace)) || subject.is_whole_cluster();
            let is_system = namespace == super::subject::SYSTEM && !subject.is_whole_cluster();
            if name == "default" || is_there || !is_shown || is_system {
                continue;
            }
            let elsewhere: Vec<&str> = accounts.places.get(name).into_iter().flatten().copied().collect();
            let hint = match elsewhere.as_slice() {
                [] => String::new(),
                [other, ..] => format!("; there is one in {other}"),
            };
            let message = format!("ServiceAccount {namespace}/{name} is not in the input{hint}");
            let flaw = flaws.add(object, subject_path(at), format!("{namespace}/{name}"), message);
            flaw.related(object, role_path());
            let fix = match elsewhere.as_slice() {
                [] if bound.binding.subjects.len() > 1 => {
                    let changes = vec![Change::Remove { path: subject_path(at) }];
                    Ok(reviewed("remove the subject", "whether the account is made elsewhere", changes))
                }
                [] => {
                    Err("whether the name is wrong or the account is missing is not in the manifest"
                        .to_owned())
                }
                [other] if to.kind == "ServiceAccount" => {
                    let path = subject_path(at).key("namespace");
                    let changes = vec![Change::Set { path, value: Value::from(*other) }];
                    Ok(reviewed(format!("name the account of {other}"), "whether that one is meant", changes))
                }
                _ => Err("which account is meant is not in the manifest".to_owned()),
            };
            flaw.fix(fix);
        }
    }
}

fn unbound(subject: &Subject<'_>, flaws: &mut Flaws) {
    if subject.bindings().next().is_none() {
        return;
    }
    for written in subject.roles().iter().filter(|written| !written.is_default) {
        let role = &written.role;
        let reach = subject.reach(role);
        let is_placeless = subject.object(written.object).id.namespace.is_none() && role.namespace.is_some();
        let is_bound_somewhere = is_placeless && subject.is_named_by_a_binding(&role.name);
        if subject.is_referred_to(role)
            || !reach.into.is_empty()
            || is_nameless(&role.name)
            || is_bound_somewhere
        {
            continue;
        }
        let message = format!("no binding of the input refers to {}", written.called());
        flaws.add(written.object, FieldPath::keys(&["metadata", "name"]), "", message);
    }
}

fn nobody(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (object, bound) in
        subject.bindings().filter(|(_, bound)| bound.binding.subjects.is_empty() && !bound.is_default)
    {
        let message = format!("{} is given to nobody", bound.role_called());
        let at = FieldPath::root().key("subjects");
        flaws.add(object, at, bound.binding.role_ref.name.as_str(), message);
    }
}

/// Who a subject is, however it is spelt.
fn identity(subject: &BoundSubject, bound: &Bound) -> String {
    match account_of(subject, bound.namespace()) {
        Some((namespace, name)) => format!("ServiceAccount {namespace}/{name}"),
        None => bound.subject_called(subject),
    }
}

fn twice(subject: &Subject<'_>, flaws: &mut Flaws) {
    /// Who has which role: kind and name of the role, subject, namespace.
    type Grant = (String, String, String, Option<String>);
    let mut first: HashMap<Grant, usize> = HashMap::new();
    // Of one object with other content in several texts the first is looked at.
    let mut ids = HashSet::new();
    let is_first = |(object, _): &(usize, &Bound)| {
        let id = &subject.object(*object).id;
        is_nameless(&id.name) || ids.insert(id)
    };
    let all: Vec<(usize, &Bound)> = subject.bindings().filter(is_first).collect();
    let of = |bound: &Bound, who: String, namespace: Option<&str>| -> Grant {
        let reference = &bound.binding.role_ref;
        (reference.kind.clone(), reference.name.clone(), who, namespace.map(str::to_owned))
    };
    // Those of all namespaces come first: they hold those of one.
    for (number, (_, bound)) in all.iter().enumerate().filter(|(_, (_, bound))| bound.namespace().is_none()) {
        for to in &bound.binding.subjects {
            first.entry(of(bound, identity(to, bound), None)).or_insert(number);
        }
    }
    for (number, (_, bound)) in all.iter().enumerate().filter(|(_, (_, bound))| bound.namespace().is_some()) {
        for to in &bound.binding.subjects {
            first.entry(of(bound, identity(to, bound), bound.namespace())).or_insert(number);
        }
    }
    for (number, (object, bound)) in all.iter().enumerate() {
        if bound.binding.role_ref.name.is_empty() {
            continue;
        }
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for (at, to) in bound.binding.subjects.iter().enumerate() {
            let who = identity(to, bound);
            if seen.insert(who.clone(), at).is_some() {
                let message = format!("{who} is named twice");
                let fix = safe("name it once", vec![Change::Remove { path: subject_path(at) }]);
                flaws.add(*object, subject_path(at), who, message).fix(Ok(fix));
                continue;
            }
            let everywhere = first
                .get(&of(bound, who.clone(), None))
                .filter(|_| bound.binding.role_ref.kind == "ClusterRole");
            let here = first.get(&of(bound, who.clone(), bound.namespace()));
            let Some(other) =
                [everywhere, here].into_iter().flatten().copied().find(|other| *other != number)
            else {
                continue;
            };
            // Of two alike the later one is told.
            if all[other].1.namespace() == bound.namespace() && other > number {
                continue;
            }
            let message = format!("{who} has {} by {} already", bound.role_called(), all[other].1.called());
            let flaw = flaws.add(*object, subject_path(at), who, message);
            flaw.related(all[other].0, FieldPath::root());
            let fix = if bound.binding.subjects.len() > 1 {
                let changes = vec![Change::Remove { path: subject_path(at) }];
                Ok(reviewed("name it once", "whether both bindings are of one cluster", changes))
            } else {
                Err("the binding as a whole can go".to_owned())
            };
            flaw.fix(fix);
        }
    }
}
