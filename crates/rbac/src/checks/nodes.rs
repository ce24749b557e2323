//! Rights over nodes, namespaces and volumes.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::fix::Fixable;

use super::{EVERY_VERSION, GOOD_PRACTICES, NEEDED, RbacCheck, powers};

pub(super) const PROXY: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-020",
        name: "node-proxy",
        severity: Severity::Critical,
        summary: "a role lets its holders run commands in every pod through the kubelet",
        what: "A rule gives `get` or `create` on `nodes/proxy`, by name or by `*/proxy`. Where `resourceNames` limit it to some nodes the \
               severity is high.",
        why: "The kubelet asks for this right for all that it serves without one of its own: `exec`, `run`, `attach`. A websocket is a `GET`, so \
              `get` alone runs commands in every pod of every node, and where the kubelet's port can be reached no audit log sees it. It was \
              reported, and declared to work as intended.",
        fix: "Give the kubelet's own subresources that are needed (`nodes/metrics`, `nodes/stats`, `nodes/log`, and from v1.33 \
              `nodes/healthz`, `nodes/pods`, `nodes/configz`).",
        bad: everywhere!(
            "- apiGroups: [\"\"]\n  resources: [nodes, nodes/proxy]\n  verbs: [get, list, watch]\n"
        ),
        good: everywhere!(
            "- apiGroups: [\"\"]\n  resources: [nodes, nodes/metrics]\n  verbs: [get, list, watch]\n"
        ),
        versions: "The finer subresources of the kubelet are beta in v1.33 and stable in v1.36.",
        references: &[
            "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#access-to-proxy-subresource-of-nodes",
            "https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/",
            "https://github.com/kubernetes/kubernetes/issues/119640",
        ],
        controls: &[cis("5.1.10"), nsa("Authentication and authorization"), mitre("T1609")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: |subject, flaws| powers::find(&["node-proxy"], subject, flaws),
};

pub(super) const CONTROL: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-021",
        name: "node-control",
        severity: Severity::Medium,
        summary: "a role lets its holders decide where pods run",
        what: "A rule gives `create`, `update` or `patch` on `nodes`, `update` or `patch` on `nodes/status` or `pods/status`, or `create` on \
               `pods/binding` or `bindings`. For nodes by name the severity is low. Low too, and only in all namespaces: to write device \
               classes and claims, runtime classes or priority classes.",
        why: "Labels and taints draw pods with powerful accounts to a node that is taken already, and drive them from others.",
        fix: "Give `get`, `list` and `watch`; leave the rest to the scheduler and to what manages nodes.",
        bad: everywhere!("- apiGroups: [\"\"]\n  resources: [nodes]\n  verbs: [get, list, patch]\n"),
        good: everywhere!("- apiGroups: [\"\"]\n  resources: [nodes]\n  verbs: [get, list]\n"),
        versions: EVERY_VERSION,
        references: &[GOOD_PRACTICES],
        controls: &[nsa("Authentication and authorization"), mitre("T1610")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: |subject, flaws| {
        powers::find(&["place-pods", "change-nodes", "devices-and-runtimes"], subject, flaws);
    },
};

pub(super) const LABELS: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-022",
        name: "namespace-labels",
        severity: Severity::High,
        summary: "a role lets its holders change the labels of namespaces",
        what: "A rule gives `update` or `patch` on `namespaces`. A RoleBinding gives it for its own namespace, where the severity is medium; \
               for namespaces by name it is low.",
        why: "The labels say what Pod Security enforces, which network policies, webhooks and meshes are meant for the namespace. Who may \
              take them off and make pods runs privileged ones.",
        fix: "Leave the labels of namespaces to those who administer the cluster. To make namespaces, `create` is enough.",
        bad: everywhere!("- apiGroups: [\"\"]\n  resources: [namespaces]\n  verbs: [get, list, patch]\n"),
        good: everywhere!("- apiGroups: [\"\"]\n  resources: [namespaces]\n  verbs: [get, list]\n"),
        versions: EVERY_VERSION,
        references: &[
            "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#namespace-modification",
        ],
        controls: &[
            nsa("Pod security enforcement"),
            nsa("Authentication and authorization"),
            mitre("T1562.001"),
        ],
    },
    fix: Fixable::ByHand(NEEDED),
    find: |subject, flaws| powers::find(&["change-namespace-labels"], subject, flaws),
};

pub(super) const VOLUMES: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-023",
        name: "volume-creation",
        severity: Severity::Medium,
        summary: "a role lets its holders make persistent volumes or the drivers behind them",
        what: "A rule gives `create` on `persistentvolumes`, or `create`, `update` or `patch` on `storageclasses` or `csidrivers`. The right \
               is of the cluster and not of a namespace.",
        why: "A persistent volume may be any path of a node. Pod Security does not look behind claims: the pod that mounts it is `restricted` \
              and has the node's files.",
        fix: "Leave it to the provisioner. Programs and people make claims.",
        bad: everywhere!(
            "- apiGroups: [\"\"]\n  resources: [persistentvolumes]\n  verbs: [get, list, create]\n"
        ),
        good: everywhere!("- apiGroups: [\"\"]\n  resources: [persistentvolumes]\n  verbs: [get, list]\n"),
        versions: EVERY_VERSION,
        references: &[
            "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#persistent-volume-creation",
        ],
        controls: &[cis("5.1.9"), nsa("Authentication and authorization"), mitre("T1611")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: |subject, flaws| powers::find(&["storage-drivers"], subject, flaws),
};

pub(super) const LOGS: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-031",
        name: "host-logs",
        severity: Severity::Medium,
        summary: "a role lets its holders read the log folders of nodes or the control plane",
        what: "A rule gives `get` on `nodes/log`, or on the path `/logs`.",
        why: "Logs of a node tell of all of its pods, and may hold tokens. A pod that may write there leads the kubelet through a link to \
              any file of the node.",
        fix: "Give `pods/log` in the namespaces where it is needed.",
        bad: everywhere!("- apiGroups: [\"\"]\n  resources: [nodes/log]\n  verbs: [get]\n"),
        good: everywhere!("- apiGroups: [\"\"]\n  resources: [nodes/metrics]\n  verbs: [get]\n"),
        versions: EVERY_VERSION,
        references: &["https://kubernetes.io/docs/concepts/cluster-administration/system-logs/#log-query"],
        controls: &[nsa("Authentication and authorization"), mitre("T1552")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: |subject, flaws| powers::find(&["read-host-logs"], subject, flaws),
};
