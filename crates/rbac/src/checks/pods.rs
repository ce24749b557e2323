//! Rights over pods and what is in them.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::fix::Fixable;

use super::{EVERY_VERSION, GOOD_PRACTICES, NEEDED, RbacCheck, powers};

pub(super) const CREATION: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-017",
        name: "pod-creation",
        severity: Severity::High,
        summary: "a role lets its holders run pods of their making",
        what: "A rule gives `create` on `pods` or a kind that makes them (Deployments, DaemonSets, StatefulSets, ReplicaSets, \
               ReplicationControllers, Jobs, CronJobs, and the kinds of operators that are in the input), `update` or `patch` on those that \
               are there, or `update` or `patch` on `pods`. In a namespace other than `kube-system` the severity is medium.",
        why: "Who makes a pod chooses its service account, and mounts any secret, config map and volume of the namespace. Where Pod Security \
              does not forbid it, the pod takes over its node.",
        fix: "Give it in the namespaces where it is needed, each with nothing in it that is worth more than the holder; enforce Pod Security \
              there.",
        bad: everywhere!(
            "- apiGroups: [apps]\n  resources: [deployments]\n  verbs: [get, list, create, update]\n"
        ),
        good: everywhere!(
            "- apiGroups: [apps]\n  resources: [deployments, deployments/scale]\n  verbs: [get, list]\n"
        ),
        versions: EVERY_VERSION,
        references: &["https://kubernetes.io/docs/concepts/security/rbac-good-practices/#workload-creation"],
        controls: &[cis("5.1.4"), nsa("Authentication and authorization"), mitre("T1610")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: |subject, flaws| {
        let rows = ["create-pods", "create-pods-by-controller", "change-workload", "change-pod-image"];
        powers::find(&rows, subject, flaws);
    },
};

pub(super) const EXEC: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-018",
        name: "pod-exec",
        severity: Severity::High,
        summary: "a role lets its holders run commands in pods of others",
        what: "A rule gives `create` on `pods/exec` or `pods/attach` (before v1.35 `get` alone is enough), or `update` or `patch` on \
               `pods/ephemeralcontainers`. `*/exec` and the like hold them too; `pods/*` does not. In a namespace other than `kube-system` \
               the severity is medium; for pods by name it is low.",
        why: "The holder has what the pod has: its service account, its secrets, its connections, and its node where it is privileged.",
        fix: "Give it to people for the time in which they need it, in the namespace where they do.",
        bad: everywhere!(
            "- apiGroups: [\"\"]\n  resources: [pods, pods/log]\n  verbs: [get, list]\n- apiGroups: [\"\"]\n  resources: [pods/exec]\n  verbs: [get, create]\n"
        ),
        good: everywhere!("- apiGroups: [\"\"]\n  resources: [pods, pods/log]\n  verbs: [get, list]\n"),
        versions: "From v1.35 a websocket needs `create` as well as `get`; before, `get` on `pods/exec` was enough.",
        references: &[GOOD_PRACTICES, "https://github.com/kubernetes/kubernetes/pull/133515"],
        controls: &[nsa("Authentication and authorization"), mitre("T1609")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: |subject, flaws| powers::find(&["exec", "attach", "ephemeral-container"], subject, flaws),
};

pub(super) const CONNECTION: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-019",
        name: "pod-connection",
        severity: Severity::Medium,
        summary: "a role lets its holders reach ports of pods past network policies",
        what: "A rule gives `create` on `pods/portforward`, or a verb on `pods/proxy` or `services/proxy`. In a namespace other than \
               `kube-system` the severity is low.",
        why: "Connections come from the node or the API server, which network policies let in, and reach what listens on the pod's own \
              loopback.",
        fix: "Give it to people for the time in which they need it; let programs use Services.",
        bad: everywhere!("- apiGroups: [\"\"]\n  resources: [pods/portforward]\n  verbs: [get, create]\n"),
        good: everywhere!("- apiGroups: [\"\"]\n  resources: [pods]\n  verbs: [get, list]\n"),
        versions: EVERY_VERSION,
        references: &[
            GOOD_PRACTICES,
            "https://kubernetes.io/docs/tasks/access-application-cluster/port-forward-access-application-cluster/",
        ],
        controls: &[nsa("Authentication and authorization"), mitre("T1133")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: |subject, flaws| powers::find(&["reach-ports"], subject, flaws),
};
