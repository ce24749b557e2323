//! Rights over rights: to write roles and bindings beyond what one holds.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::fix::Fixable;

use super::{EVERY_VERSION, GOOD_PRACTICES, NEEDED, RbacCheck, powers};

const PREVENTION: &str = "https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping";

pub(super) const ESCALATION: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-011",
        name: "role-escalation",
        severity: Severity::Critical,
        summary: "a role lets its holders give themselves rights that they do not have",
        what: "Rules give `escalate` together with `update`, `patch` or `create` on `roles` or `clusterroles`, or `bind` on `roles` or \
               `clusterroles` together with `create`, `update` or `patch` on bindings; `*` holds them all. The API server asks for `bind` on \
               the *role*; on bindings it means nothing. Where the verb is there and the right to write is not, the severity is medium; where \
               it is limited to roles by `resourceNames`, medium too, unless `cluster-admin` is among them. In a namespace other than \
               `kube-system` it is one lower.",
        why: "The API server lets people write no role or binding with rights that they do not hold themselves. These two verbs switch that off: \
              their holder is cluster admin in two requests.",
        fix: "Take `escalate` and `bind` away. Where a program has to hand out roles, limit `bind` to them by `resourceNames`.",
        bad: everywhere!(
            "- apiGroups: [rbac.authorization.k8s.io]\n  resources: [clusterroles]\n  verbs: [get, list, bind]\n- apiGroups: \
             [rbac.authorization.k8s.io]\n  resources: [clusterrolebindings]\n  verbs: [get, list, create]\n"
        ),
        good: everywhere!(
            "- apiGroups: [rbac.authorization.k8s.io]\n  resources: [clusterroles]\n  verbs: [get, list]\n"
        ),
        versions: EVERY_VERSION,
        references: &[PREVENTION, GOOD_PRACTICES],
        controls: &[cis("5.1.8"), nsa("Authentication and authorization"), mitre("T1098.006")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: |subject, flaws| {
        let rows = [
            "escalate-role",
            "escalate-cluster-role",
            "escalate-new-role",
            "escalate-new-cluster-role",
            "bind-role",
            "bind-cluster-role-in-namespace",
            "bind-cluster-role",
            "join-cluster-binding",
            "join-binding-in-namespace",
            "join-binding-of-role",
        ];
        powers::find(&rows, subject, flaws);
    },
};

pub(super) const HAND_ON: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-012",
        name: "rights-handed-on",
        severity: Severity::Medium,
        summary: "a role lets its holders hand their rights on to others",
        what: "A rule gives `create`, `update` or `patch` on `rolebindings` or `clusterrolebindings`. Without `bind` they can hand on only \
               what they hold ([RW-RBAC-011](RW-RBAC-011.md) is about those who can do more). In a namespace other than `kube-system` the \
               severity is low.",
        why: "Who has got hold of such an identity once keeps its rights, under another name that nobody watches, when its own grant is \
              taken away.",
        fix: "Leave the writing of bindings to those who administer the cluster, or to the pipeline that rolls them out.",
        bad: everywhere!(
            "- apiGroups: [rbac.authorization.k8s.io]\n  resources: [clusterrolebindings]\n  verbs: [create, delete]\n"
        ),
        good: everywhere!(
            "- apiGroups: [rbac.authorization.k8s.io]\n  resources: [clusterrolebindings]\n  verbs: [get, list]\n"
        ),
        versions: EVERY_VERSION,
        references: &[PREVENTION, GOOD_PRACTICES],
        controls: &[nsa("Authentication and authorization"), mitre("T1098.006")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: |subject, flaws| powers::find(&["hand-on-rights"], subject, flaws),
};
