//! Bindings that give much, or to many.

use std::rc::Rc;

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::fix::Fixable;
use ringwall_model::path::FieldPath;

use super::powers::{self, Open, Which, opened};
use super::subject::{Bound, Holder, Reach, SYSTEM, account_of, joined};
use super::{EVERY_VERSION, Flaws, GOOD_PRACTICES, NEEDED, RBAC, RbacCheck, Subject, wildcards};
use crate::attributes::{ANONYMOUS, AUTHENTICATED, MASTERS, SERVICE_ACCOUNTS, UNAUTHENTICATED};
use crate::model::{Role, Rule, Subject as BoundSubject};

const ROLES: &str = "https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles";

pub(super) const CLUSTER_ADMIN: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-001",
        name: "cluster-admin-binding",
        severity: Severity::Critical,
        summary: "somebody is bound to cluster-admin",
        what: "A ClusterRoleBinding refers to the ClusterRole `cluster-admin`, and names others than `system:masters`; a RoleBinding that does \
               so gives everything in its namespace, and the severity is high unless that is `kube-system`. The group \
               `kubeadm:cluster-admins`, which kubeadm makes for its administrators, is told with severity info.",
        why: "Whoever gets hold of one of them has the cluster. A service account's token is in every pod that runs as it, and no binding is \
              needed to use it.",
        fix: "Bind a role with the rights that are needed. `ringwall rbac reduce` reads them from an audit log.",
        bad: bound!("cluster-admin", "- kind: ServiceAccount\n  name: ci\n  namespace: shop\n"),
        good: bound!("view", "- kind: ServiceAccount\n  name: ci\n  namespace: shop\n"),
        versions: EVERY_VERSION,
        references: &[ROLES, GOOD_PRACTICES],
        controls: &[cis("5.1.1"), nsa("Authentication and authorization"), mitre("T1078")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: cluster_admin,
};

pub(super) const DEFAULT_ROLE: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-002",
        name: "powerful-default-role",
        severity: Severity::High,
        summary: "somebody is bound to a default role that leads further than it looks",
        what: "A binding refers to a role of the default policy other than `cluster-admin` (`admin`, `edit`, those of the control plane), whose \
               rules lead further: to secrets, other accounts, nodes. The severity is that of what they lead to; `admin` and `edit` in one \
               namespace other than `kube-system` are low. What other roles add to them by a label is told of the label \
               ([RW-RBAC-034](RW-RBAC-034.md)).",
        why: "`edit` reads secrets, runs commands in pods, and is every service account of the namespace; in all namespaces, also those of \
              the control plane. The roles of controllers hold what a whole cluster is run by.",
        fix: "Bind it in the namespaces where it is needed, or a role with the rights that are.",
        bad: bound!("edit", "- kind: Group\n  name: developers\n  apiGroup: rbac.authorization.k8s.io\n"),
        good: bound!("view", "- kind: Group\n  name: developers\n  apiGroup: rbac.authorization.k8s.io\n"),
        versions: EVERY_VERSION,
        references: &[ROLES, GOOD_PRACTICES],
        controls: &[nsa("Authentication and authorization"), mitre("T1078")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: default_role,
};

pub(super) const ANONYMOUS_ACCESS: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-003",
        name: "anonymous-access",
        severity: Severity::High,
        summary: "a binding gives rights to whoever can reach the API server",
        what: "A binding names the user `system:anonymous` or the group `system:unauthenticated`. The severity is critical where the role \
               leads further, low where it holds nothing but paths that are no resource. What the API server itself binds, and the right to \
               read `cluster-info` in `kube-public`, by which nodes join, are not told.",
        why: "No credential is needed. Clusters have been taken over by such a binding within hours.",
        fix: "Bind a user, group or service account. For health checks a path is enough: `system:public-info-viewer` has it.",
        bad: bound!(
            "view",
            "- kind: Group\n  name: system:unauthenticated\n  apiGroup: rbac.authorization.k8s.io\n"
        ),
        good: bound!("view", "- kind: Group\n  name: auditors\n  apiGroup: rbac.authorization.k8s.io\n"),
        versions: EVERY_VERSION,
        references: &[
            "https://kubernetes.io/docs/reference/access-authn-authz/authentication/#anonymous-requests",
            GOOD_PRACTICES,
        ],
        controls: &[cis("5.1.1"), nsa("Authentication and authorization"), mitre("T1190")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: anonymous,
};

pub(super) const EVERYONE: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-004",
        name: "everyone-bound",
        severity: Severity::Medium,
        summary: "a binding gives rights to all users or all service accounts",
        what: "A binding names the group `system:authenticated`, `system:serviceaccounts` or `system:serviceaccounts:NAMESPACE`. The severity is \
               that of what the role leads to, and at least medium for a ClusterRoleBinding, low for a RoleBinding or the accounts of one \
               namespace. What the API server itself binds is not told.",
        why: "Everyone with any credential is of `system:authenticated`: in clusters of Google Cloud everyone with a Google account. Every pod \
              carries the token of a service account.",
        fix: "Name those who need it.",
        bad: bound!(
            "view",
            "- kind: Group\n  name: system:authenticated\n  apiGroup: rbac.authorization.k8s.io\n"
        ),
        good: bound!("view", "- kind: Group\n  name: auditors\n  apiGroup: rbac.authorization.k8s.io\n"),
        versions: EVERY_VERSION,
        references: &[
            RBAC,
            "https://cloud.google.com/kubernetes-engine/docs/best-practices/rbac#default-roles-groups",
        ],
        controls: &[nsa("Authentication and authorization"), mitre("T1078")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: everyone,
};

pub(super) const DEFAULT_ACCOUNT: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-005",
        name: "default-account-bound",
        severity: Severity::Medium,
        summary: "a binding gives rights to the default service account of a namespace",
        what: "A binding names a service account called `default`. The severity is that of what the role leads to, and at least medium for \
               a ClusterRoleBinding, low for a RoleBinding.",
        why: "Every pod of the namespace that names no account runs as this one and carries its token: what one program needs all have.",
        fix: "Make an account for the program, name it in `serviceAccountName` of its pods, and bind that one.",
        bad: bound_within!("view", "- kind: ServiceAccount\n  name: default\n  namespace: shop\n"),
        good: bound_within!("view", "- kind: ServiceAccount\n  name: ci\n  namespace: shop\n"),
        versions: EVERY_VERSION,
        references: &["https://kubernetes.io/docs/concepts/security/service-accounts/", GOOD_PRACTICES],
        controls: &[cis("5.1.5"), nsa("Authentication and authorization"), mitre("T1078")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: default_account,
};

pub(super) const MASTERS_BOUND: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-006",
        name: "masters-bound",
        severity: Severity::Low,
        summary: "a binding names system:masters, who may do everything anyway",
        what: "A binding that the API server does not make itself names the group `system:masters`.",
        why: "Members of the group are asked nothing; the binding gives them nothing, and to take it away takes nothing. Who is meant to be \
              limited by it is not.",
        fix: "Give administrators a group of your own, bind that, and keep credentials of `system:masters` for emergencies.",
        bad: bound!("view", "- kind: Group\n  name: system:masters\n  apiGroup: rbac.authorization.k8s.io\n"),
        good: bound!("view", "- kind: Group\n  name: auditors\n  apiGroup: rbac.authorization.k8s.io\n"),
        versions: EVERY_VERSION,
        references: &["https://kubernetes.io/docs/concepts/security/rbac-good-practices/#least-privilege"],
        controls: &[cis("5.1.7"), nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: masters,
};

/// Where a binding names a subject.
pub(super) fn subject_path(at: usize) -> FieldPath {
    FieldPath::root().key("subjects").index(at)
}

/// Where a binding names its role.
pub(super) fn role_path() -> FieldPath {
    FieldPath::keys(&["roleRef", "name"])
}

/// Some subjects of a binding in words.
fn who(bound: &Bound, subjects: &[(usize, &BoundSubject)]) -> String {
    const SHOWN: usize = 3;
    let mut names: Vec<String> =
        subjects.iter().take(SHOWN).map(|(_, subject)| bound.subject_called(subject)).collect();
    if subjects.len() > SHOWN {
        names.push(format!("{} more", subjects.len() - SHOWN));
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    joined(&names)
}

/// What holds through one binding alone.
pub(super) fn alone(bound: &Bound) -> Reach<'_> {
    Reach { holders: vec![Holder { bound, through: None }], ..Reach::default() }
}

/// The role of a binding, where it is known.
pub(super) fn role_of<'s>(subject: &Subject<'s>, bound: &Bound) -> Option<&'s Role> {
    let found = subject.policy.resolve(&bound.binding.role_ref, bound.namespace().unwrap_or_default());
    found.ok().map(|role| &subject.policy.roles()[role])
}

/// What the role of a binding leads to, through this binding.
pub(super) fn opened_by(subject: &Subject<'_>, bound: &Bound) -> Rc<Vec<Open>> {
    let Ok(role) = subject.policy.resolve(&bound.binding.role_ref, bound.namespace().unwrap_or_default())
    else {
        return Rc::default();
    };
    // Namespaces are alike but for those of the cluster itself.
    let place = match bound.namespace() {
        None => "",
        Some(own) if [SYSTEM, "kube-public"].contains(&own) => own,
        Some(_) => "one",
    };
    subject.opened_through(role, place, || {
        let rules: Vec<(usize, &Rule)> = subject.policy.roles()[role].rules.iter().enumerate().collect();
        opened(subject, &rules, &alone(bound), Which::All)
    })
}

/// Whether somebody may do everything through a binding.
pub(super) fn is_everything(subject: &Subject<'_>, bound: &Bound) -> bool {
    let star = |items: &[String]| items.iter().any(|item| item == "*");
    role_of(subject, bound).is_some_and(|role| {
        let rules = || role.rules.iter().filter(|rule| rule.resource_names.is_empty());
        rules().any(|rule| star(&rule.verbs) && star(&rule.api_groups) && star(&rule.resources))
    })
}

/// Adds a flaw on the name of the role, with those who get it.
fn on_role(
    object: usize,
    subjects: &[(usize, &BoundSubject)],
    bound: &Bound,
    message: String,
    severity: Severity,
    flaws: &mut Flaws,
) {
    let mut names: Vec<String> = subjects.iter().map(|(_, subject)| bound.subject_called(subject)).collect();
    names.sort();
    let witness = format!("{}/{}", bound.binding.role_ref.name, names.join(","));
    let flaw = flaws.add(object, role_path(), witness, message).severity(severity);
    for (at, _) in subjects {
        flaw.related(object, subject_path(*at));
    }
}

fn cluster_admin(subject: &Subject<'_>, flaws: &mut Flaws) {
    // Where the role is in the input, its stars are beside.
    let is_one = |role: &Role| role.namespace.is_none() && role.name == "cluster-admin";
    let stars: Vec<(usize, FieldPath)> = subject
        .roles()
        .iter()
        .filter(|written| is_one(&written.role))
        .flat_map(|written| {
            wildcards::all_stars(&written.role).into_iter().map(|path| (written.object, path))
        })
        .collect();
    for (object, bound) in subject.bindings() {
        let reference = &bound.binding.role_ref;
        let to: Vec<(usize, &BoundSubject)> =
            bound.subjects().filter(|(_, subject)| subject.name != MASTERS).collect();
        if reference.kind != "ClusterRole" || reference.name != "cluster-admin" || to.is_empty() {
            continue;
        }
        let place = bound.place();
        let message = format!("{} may do everything{place}", who(bound, &to));
        let is_kubeadm = to.iter().all(|(_, to)| to.kind == "Group" && to.name == "kubeadm:cluster-admins");
        let severity = if is_kubeadm { Severity::Info } else { alone(bound).rate(Severity::Critical) };
        on_role(object, &to, bound, message, severity, flaws);
        if let Some(flaw) = flaws.found.last_mut() {
            for (object, path) in &stars {
                flaw.related(*object, path.clone());
            }
        }
    }
}

fn default_role(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (object, bound) in subject.bindings() {
        let to: Vec<(usize, &BoundSubject)> =
            bound.subjects().filter(|(_, subject)| subject.name != MASTERS).collect();
        let Some(role) = role_of(subject, bound).filter(|_| !to.is_empty()) else { continue };
        if role.name == "cluster-admin" || !subject.is_default_role(role) {
            continue;
        }
        // What the role has in the input and not by default is told of the rule that gives it.
        let rules = subject.default_rules(role);
        let reach = alone(bound);
        let open = opened(subject, &rules, &reach, Which::All);
        if open.is_empty() {
            continue;
        }
        let mut by_risk: Vec<&Open> = open.iter().collect();
        by_risk.sort_by_key(|open| std::cmp::Reverse(open.everywhere));
        let is_user_facing = matches!(role.name.as_str(), "admin" | "edit");
        let severity = match bound.namespace() {
            Some(namespace) if is_user_facing && namespace != SYSTEM => Severity::Low,
            _ => powers::rate(&reach, &by_risk),
        };
        let said = powers::said(&by_risk, &reach);
        let message = format!("{} has {} and so may {said}", who(bound, &to), bound.role_called());
        on_role(object, &to, bound, message, severity, flaws);
    }
}

/// Adds a flaw on a subject, as bad as what the role leads to and at least so bad.
fn on_subject(
    subject: &Subject<'_>,
    object: usize,
    bound: &Bound,
    (at, to): (usize, &BoundSubject),
    (everyone, least): (&str, Severity),
    flaws: &mut Flaws,
) {
    let open = opened_by(subject, bound);
    let mut by_risk: Vec<&Open> = open.iter().collect();
    by_risk.sort_by_key(|open| std::cmp::Reverse(open.everywhere));
    let reach = alone(bound);
    let place = bound.place();
    let (so, worst) = if is_everything(subject, bound) {
        (": it may do everything".to_owned(), reach.rate(Severity::Critical))
    } else if by_risk.is_empty() {
        (String::new(), Severity::Info)
    } else {
        (format!(": it may {}", powers::said(&by_risk, &reach)), powers::rate(&reach, &by_risk))
    };
    let message = format!("{everyone} has {}{place}{so}", bound.role_called());
    let witness = format!("{}/{}", bound.binding.role_ref.name, bound.subject_called(to));
    let flaw = flaws.add(object, subject_path(at), witness, message).severity(worst.max(least));
    flaw.related(object, role_path());
}

/// Whether a binding is the one by which whoever joins a cluster finds it.
fn is_cluster_info(subject: &Subject<'_>, bound: &Bound) -> bool {
    bound.namespace() == Some("kube-public")
        && role_of(subject, bound).is_some_and(|role| {
            role.rules.iter().all(|rule| {
                rule.verbs == ["get"]
                    && rule.resources == ["configmaps"]
                    && rule.resource_names == ["cluster-info"]
            })
        })
}

fn anonymous(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (object, bound) in subject.bindings() {
        for (at, to) in bound.subjects() {
            let is_anonymous = (to.kind == "User" && to.name == ANONYMOUS)
                || (to.kind == "Group" && to.name == UNAUTHENTICATED);
            if !is_anonymous || is_cluster_info(subject, bound) {
                continue;
            }
            let only_paths = role_of(subject, bound)
                .is_some_and(|role| role.rules.iter().all(|rule| rule.resources.is_empty()));
            let is_powerful = is_everything(subject, bound) || !opened_by(subject, bound).is_empty();
            let least = match (only_paths, is_powerful) {
                (true, false) => Severity::Low,
                (_, true) => Severity::Critical,
                _ => Severity::High,
            };
            let everyone = "everyone who can reach the API server";
            on_subject(subject, object, bound, (at, to), (everyone, least), flaws);
        }
    }
}

fn everyone(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (object, bound) in subject.bindings() {
        for (at, to) in bound.subjects().filter(|(_, to)| to.kind == "Group") {
            let own = to.name.strip_prefix(SERVICE_ACCOUNTS).and_then(|rest| rest.strip_prefix(':'));
            let everyone = match (to.name.as_str(), own) {
                (AUTHENTICATED, _) => "everyone with a credential".to_owned(),
                (SERVICE_ACCOUNTS, _) => "every service account".to_owned(),
                (_, Some(namespace)) => format!("every service account of namespace {namespace}"),
                _ => continue,
            };
            let is_wide = bound.namespace().is_none() && own.is_none();
            let least = if is_wide { Severity::Medium } else { Severity::Low };
            on_subject(subject, object, bound, (at, to), (&everyone, least), flaws);
        }
    }
}

fn default_account(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (object, bound) in subject.bindings() {
        for (at, to) in bound.subjects() {
            let Some((namespace, "default")) = account_of(to, bound.namespace()) else { continue };
            let least = if bound.namespace().is_none() { Severity::Medium } else { Severity::Low };
            let is_placeless =
                to.kind == "ServiceAccount" && to.namespace.is_empty() && bound.stated().is_none();
            let account = if is_placeless {
                "the default service account".to_owned()
            } else {
                format!("the default service account of namespace {namespace}")
            };
            on_subject(subject, object, bound, (at, to), (&account, least), flaws);
        }
    }
}

fn masters(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (object, bound) in subject.bindings() {
        for (at, to) in bound.subjects().filter(|(_, to)| to.kind == "Group" && to.name == MASTERS) {
            let message =
                format!("{} may do everything without being bound to {}", to.name, bound.role_called());
            flaws.add(object, subject_path(at), bound.binding.role_ref.name.as_str(), message);
        }
    }
}
