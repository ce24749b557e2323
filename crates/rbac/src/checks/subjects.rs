//! Subjects that are not whom they seem to be.

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fix, Fixable, Value};

use super::bindings::subject_path;
use super::subject::Bound;
use super::{EVERY_VERSION, Flaws, RBAC, RbacCheck, Subject, reviewed, safe};
use crate::attributes::{ANONYMOUS, SERVICE_ACCOUNT_PREFIX, SERVICE_ACCOUNTS, split_service_account};
use crate::model::{GROUP, Subject as BoundSubject};

const SUBJECTS: &str = "https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-subjects";

pub(super) const NOBODY: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-057",
        name: "subject-without-effect",
        severity: Severity::Low,
        summary: "a subject of a binding is nobody",
        what: "A subject's `kind` is not `User`, `Group` or `ServiceAccount` in just this spelling; or its `apiGroup` is not that of its kind; or \
               a group is named as a user (`system:authenticated`), a user as a group (`system:serviceaccount:shop:ci`); or a service \
               account in a ClusterRoleBinding has no namespace, or has its user's name for its own; or the name is empty. Some of it the API \
               server refuses, the rest it takes and matches nobody by it.",
        why: "The binding gives its role to nobody. Who is meant to have it does not, and a wider grant is most often the answer.",
        fix: "Write kind and name as the API server has them.",
        bad: bound_within!(
            "view",
            "- kind: Group\n  apiGroup: rbac.authorization.k8s.io\n  name: system:serviceaccount:shop:ci\n"
        ),
        good: bound_within!("view", "- kind: ServiceAccount\n  name: ci\n  namespace: shop\n"),
        versions: EVERY_VERSION,
        references: &[SUBJECTS],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: without_effect,
};

pub(super) const SPELT: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-058",
        name: "account-spelt-as-user",
        severity: Severity::Info,
        summary: "a binding names a service account by its user's name",
        what: "A subject is a `User` called `system:serviceaccount:NAMESPACE:NAME`. It matches the account as a subject of kind \
               `ServiceAccount` does.",
        why: "Tools that look for the bindings of an account, and people, look for its kind: this one they do not find.",
        fix: "Name it as `kind: ServiceAccount`, with `name` and `namespace`.",
        bad: bound_within!(
            "view",
            "- kind: User\n  apiGroup: rbac.authorization.k8s.io\n  name: system:serviceaccount:shop:ci\n"
        ),
        good: bound_within!("view", "- kind: ServiceAccount\n  name: ci\n  namespace: shop\n"),
        versions: EVERY_VERSION,
        references: &[SUBJECTS],
        controls: &[],
    },
    fix: Fixable::ByTool(Applicability::Safe),
    find: spelt,
};

pub(super) const PLACELESS: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-059",
        name: "account-without-namespace",
        severity: Severity::Info,
        summary: "a RoleBinding names a service account and not its namespace",
        what: "A subject of kind `ServiceAccount` in a RoleBinding has no `namespace`. The authorizer takes that of the binding. In a \
               ClusterRoleBinding it matches nobody ([RW-RBAC-057](RW-RBAC-057.md)).",
        why: "Whoever copies the binding into another namespace gives the right to another account. Tools read it differently.",
        fix: "State the namespace.",
        bad: bound_within!("view", "- kind: ServiceAccount\n  name: ci\n"),
        good: bound_within!("view", "- kind: ServiceAccount\n  name: ci\n  namespace: shop\n"),
        versions: EVERY_VERSION,
        references: &[SUBJECTS, RBAC],
        controls: &[],
    },
    fix: Fixable::ByTool(Applicability::Safe),
    find: placeless,
};

const KINDS: [&str; 3] = ["User", "Group", "ServiceAccount"];

/// The kind that is meant by one that is none.
fn meant_kind(kind: &str) -> Option<&'static str> {
    let plain: String =
        kind.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let plain = plain.strip_suffix('s').unwrap_or(&plain);
    let found = KINDS.into_iter().find(|known| known.to_ascii_lowercase() == plain);
    found.or_else(|| (plain == "sa").then_some("ServiceAccount"))
}

/// Whether a user's name is that of a group which the API server itself gives.
fn is_group_name(name: &str) -> bool {
    matches!(name, "system:masters" | "system:authenticated" | "system:unauthenticated" | "system:nodes")
        || name == SERVICE_ACCOUNTS
        || name.starts_with("system:serviceaccounts:")
        || name.starts_with("system:bootstrappers")
}

/// Whether a group's name is that of a user.
fn is_user_name(name: &str) -> bool {
    name == ANONYMOUS || name.starts_with(SERVICE_ACCOUNT_PREFIX) || name.starts_with("system:node:")
}

/// What is wrong with a subject: the field, what to say, and what mends it.
struct Wrong {
    field: &'static str,
    message: String,
    fix: Result<Fix, String>,
}

fn set(at: usize, field: &'static str, value: &str) -> Change {
    Change::Set { path: subject_path(at).key(field), value: Value::from(value) }
}

/// A service account as a subject, in the place of what is written.
fn as_account(at: usize, subject: &BoundSubject, namespace: &str, name: &str) -> Vec<Change> {
    let mut changes =
        vec![set(at, "kind", "ServiceAccount"), set(at, "name", name), set(at, "namespace", namespace)];
    if !subject.api_group.is_empty() {
        changes.push(Change::Remove { path: subject_path(at).key("apiGroup") });
    }
    changes
}

fn wrong(bound: &Bound, at: usize, subject: &BoundSubject, states_group: bool) -> Option<Wrong> {
    let review = "whether the rights are meant for it: until now it has none";
    let (kind, name) = (subject.kind.as_str(), subject.name.as_str());
    if !KINDS.contains(&kind) {
        let meant = meant_kind(kind);
        let fix = match meant {
            Some(meant) => {
                Ok(reviewed(format!("name the kind {meant}"), review, vec![set(at, "kind", meant)]))
            }
            None => Err("which kind is meant is not in the manifest".to_owned()),
        };
        let message = format!("\"{kind}\" is no kind of subject: User, Group and ServiceAccount are");
        return Some(Wrong { field: "kind", message, fix });
    }
    if name.is_empty() {
        let fix = Err("who is meant is not in the manifest".to_owned());
        return Some(Wrong { field: "name", message: format!("the {kind} has no name"), fix });
    }
    let is_account = kind == "ServiceAccount";
    let expected = if is_account { "" } else { GROUP };
    if subject.api_group != expected {
        let changes = if is_account {
            vec![Change::Remove { path: subject_path(at).key("apiGroup") }]
        } else {
            vec![set(at, "apiGroup", GROUP)]
        };
        let message = format!(
            "the API server refuses a {kind} of the API group \"{}\": it is of \"{expected}\"",
            subject.api_group
        );
        return Some(Wrong {
            field: "apiGroup",
            message,
            fix: Ok(reviewed("correct the API group", review, changes)),
        });
    }
    if kind == "User" && is_group_name(name) {
        let message = format!("{name} is a group, and no user has this name");
        let changes = vec![set(at, "kind", "Group")];
        return Some(Wrong { field: "kind", message, fix: Ok(reviewed("name the group", review, changes)) });
    }
    if kind == "Group" && is_user_name(name) {
        let message = format!("{name} is a user, and no group has this name");
        let changes = match split_service_account(name) {
            // What the API server completes is not there to be taken away.
            Some((namespace, own)) if states_group => as_account(at, subject, namespace, own),
            Some((namespace, own)) => as_account(at, &BoundSubject::default(), namespace, own),
            None => vec![set(at, "kind", "User")],
        };
        return Some(Wrong { field: "kind", message, fix: Ok(reviewed("name the user", review, changes)) });
    }
    if kind == "User" && name.starts_with(SERVICE_ACCOUNT_PREFIX) && split_service_account(name).is_none() {
        let message =
            format!("{name} is no service account: their users are {SERVICE_ACCOUNT_PREFIX}NAMESPACE:NAME");
        let fix = Err("which account is meant is not in the manifest".to_owned());
        return Some(Wrong { field: "name", message, fix });
    }
    if is_account && name.contains(':') {
        let message = format!("no service account is called {name}");
        let fix = match split_service_account(name) {
            Some((namespace, own)) => {
                let changes = vec![set(at, "name", own), set(at, "namespace", namespace)];
                Ok(reviewed(format!("name the account {namespace}/{own}"), review, changes))
            }
            None => Err("which account is meant is not in the manifest".to_owned()),
        };
        return Some(Wrong { field: "name", message, fix });
    }
    if is_account && subject.namespace.is_empty() && bound.namespace().is_none() {
        let message = format!(
            "ServiceAccount {name} has no namespace, and in a ClusterRoleBinding none is taken for it"
        );
        let fix = Err("which namespace is meant is not in the manifest".to_owned());
        return Some(Wrong { field: "namespace", message, fix });
    }
    None
}

fn without_effect(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (object, bound) in subject.bindings() {
        for (at, to) in bound.subjects() {
            let states_group = subject.node(object, &subject_path(at).key("apiGroup")).is_some();
            let Some(wrong) = wrong(bound, at, to, states_group) else { continue };
            let path = subject_path(at).key(wrong.field);
            let witness = format!("{}/{}", to.kind, to.name);
            flaws.add(object, path, witness, wrong.message).fix(wrong.fix);
        }
    }
}

fn spelt(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (object, bound) in subject.bindings() {
        for (at, to) in bound.subjects().filter(|(_, to)| to.kind == "User") {
            let Some((namespace, name)) = split_service_account(&to.name) else { continue };
            let message = format!("{} is ServiceAccount {namespace}/{name}", to.name);
            let states_group = subject.node(object, &subject_path(at).key("apiGroup")).is_some();
            let own = if states_group { to.clone() } else { BoundSubject::default() };
            let fix = safe("name the service account as one", as_account(at, &own, namespace, name));
            flaws.add(object, subject_path(at).key("name"), to.name.as_str(), message).fix(Ok(fix));
        }
    }
}

fn placeless(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (object, bound) in subject.bindings() {
        let Some(namespace) = bound.namespace() else { continue };
        for (at, to) in bound.subjects() {
            if to.kind != "ServiceAccount" || !to.namespace.is_empty() || to.name.is_empty() {
                continue;
            }
            // Where the binding states none either, it is for its apply to say.
            let stated = subject.object(object).id.namespace.as_deref();
            let (place, fix) = match stated {
                Some(stated) => (
                    format!("that of namespace {stated} is taken"),
                    Ok(safe(format!("state namespace {stated}"), vec![set(at, "namespace", stated)])),
                ),
                None => (
                    "that of the namespace is taken into which the binding is applied".to_owned(),
                    Err("into which namespace the binding is applied is not in the manifest".to_owned()),
                ),
            };
            let message = format!("ServiceAccount {} states no namespace: {place}", to.name);
            let path = subject_path(at).key("namespace");
            flaws.add(object, path, format!("{namespace}/{}", to.name), message).fix(fix);
        }
    }
}
