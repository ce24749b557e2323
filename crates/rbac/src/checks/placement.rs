//! Where objects of RBAC land, and in which version they are written.

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fixable, Value};
use ringwall_model::path::FieldPath;

use super::bindings::{role_of, role_path, subject_path};
use super::subject::{SYSTEM, account_of};
use super::{EVERY_VERSION, Flaws, RBAC, RbacCheck, Subject, safe};
use crate::model::{GROUP, RbacObject, Rule};

pub(super) const PLACELESS: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-060",
        name: "binding-without-namespace",
        severity: Severity::Info,
        summary: "a RoleBinding does not say in which namespace it counts",
        what: "A RoleBinding has no `metadata.namespace`. It lands in the namespace that `kubectl apply` is called with, most often `default`.",
        why: "The same text gives rights in another namespace with each caller's context, `kube-system` too.",
        fix: "State the namespace, or let kustomize or a chart state it.",
        bad: "\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: ci
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: view
subjects:
- kind: ServiceAccount
  name: ci
  namespace: shop
",
        good: bound_within!("view", "- kind: ServiceAccount\n  name: ci\n  namespace: shop\n"),
        versions: EVERY_VERSION,
        references: &[RBAC],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("which namespace is meant is not in the manifest"),
    find: placeless,
};

pub(super) const IN_SYSTEM: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-061",
        name: "rights-in-kube-system",
        severity: Severity::Low,
        summary: "a binding gives somebody from outside rights to change things in kube-system",
        what: "A RoleBinding in `kube-system` names a user, a group or a service account of another namespace, and its role gives more than to \
               read and to take leases. What it leads to is said by other checks; what the API server binds itself is not told.",
        why: "In `kube-system` are the accounts of the control plane and of what runs on every node: a right there is most often one to the \
              cluster.",
        fix: "Give the right in the namespace of the program. For leader election a Lease there is enough.",
        bad: "\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: ci
  namespace: kube-system
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: edit
subjects:
- kind: ServiceAccount
  name: ci
  namespace: shop
",
        good: "\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: ci
  namespace: kube-system
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: extension-apiserver-authentication-reader
subjects:
- kind: ServiceAccount
  name: ci
  namespace: shop
",
        versions: EVERY_VERSION,
        references: &[RBAC],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("whether the program needs it is not in the manifest"),
    find: in_system,
};

pub(super) const STALE: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-062",
        name: "retired-rbac-version",
        severity: Severity::Low,
        summary: "an object of RBAC is written in a version that is not served any more",
        what: "`apiVersion` is `rbac.authorization.k8s.io/v1beta1` or `v1alpha1`, and the cluster is of v1.22 or later.",
        why: "The API server refuses it: roles and bindings that somebody relies on are not there.",
        fix: "Write `rbac.authorization.k8s.io/v1`. From `v1beta1` nothing else changes; subjects of `v1alpha1` have `apiVersion` where those of \
              `v1` have `apiGroup`.",
        bad: "\
apiVersion: rbac.authorization.k8s.io/v1beta1
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
        good: bound_within!("view", "- kind: ServiceAccount\n  name: ci\n  namespace: shop\n"),
        versions: "Not served from v1.22 on.",
        references: &[
            "https://kubernetes.io/docs/reference/using-api/deprecation-guide/#rbac-resources-v122",
        ],
        controls: &[],
    },
    fix: Fixable::ByTool(Applicability::Safe),
    find: stale,
};

fn placeless(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (object, bound) in subject.bindings() {
        if bound.states_namespace || bound.namespace().is_none() {
            continue;
        }
        let message = format!("{} counts in the namespace into which it is applied", bound.role_called());
        let path = FieldPath::keys(&["metadata", "namespace"]);
        flaws.add(object, path, bound.binding.role_ref.name.as_str(), message);
    }
}

/// Whether a rule changes nothing, or what leaders are elected by.
fn is_harmless(rule: &Rule) -> bool {
    let only = |verbs: &[&str]| rule.verbs.iter().all(|verb| verbs.contains(&verb.as_str()));
    let of =
        |resources: &[&str]| rule.resources.iter().all(|resource| resources.contains(&resource.as_str()));
    let by_name = !rule.resource_names.is_empty() || only(&["get", "list", "watch", "create"]);
    only(&["get", "list", "watch"])
        || of(&["leases", "events"])
        || (of(&["leases", "events", "configmaps", "endpoints"]) && by_name)
}

fn in_system(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (object, bound) in subject.bindings().filter(|(_, bound)| bound.namespace() == Some(SYSTEM)) {
        let Some(role) = role_of(subject, bound) else { continue };
        if role.rules.iter().all(is_harmless) {
            continue;
        }
        for (at, to) in bound.subjects() {
            let is_inside = account_of(to, Some(SYSTEM)).is_some_and(|(namespace, _)| namespace == SYSTEM)
                || to.name.starts_with("system:kube-")
                || to.name == "system:masters";
            if is_inside {
                continue;
            }
            let who = bound.subject_called(to);
            let message = format!("{who} has {} in {SYSTEM}", bound.role_called());
            let flaw = flaws.add(object, subject_path(at), who, message);
            flaw.related(object, role_path());
        }
    }
}

fn stale(subject: &Subject<'_>, flaws: &mut Flaws) {
    if subject.snapshot.facts.version.0 < 22 {
        return;
    }
    for (index, object) in subject.snapshot.objects() {
        if !RbacObject::is_one(object) || object.version == "v1" {
            continue;
        }
        let message = format!("{GROUP}/{} is not served since v1.22", object.version);
        let path = FieldPath::root().key("apiVersion");
        let fix = if object.version == "v1beta1" {
            let value = Value::from("rbac.authorization.k8s.io/v1");
            Ok(safe("write version v1", vec![Change::Set { path: path.clone(), value }]))
        } else {
            Err("the fields of its subjects have other names".to_owned())
        };
        flaws.add(index, path, object.version.as_str(), message).fix(fix);
    }
}
