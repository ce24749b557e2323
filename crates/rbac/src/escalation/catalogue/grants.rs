//! Ways through RBAC itself. Source: k8s.io/kubernetes `pkg/registry/rbac`.

use super::{
    CHANGE, CREATE, Effect, Fact, GOOD_PRACTICES, Gain, Holding, Names, Need, Place, RBAC, Right, Row, WRITE,
    cluster, cluster_limited, cluster_unnamed, here, here_limited, here_unnamed,
};
use crate::model::RoleKind;

const ESCALATION: &str = "https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping";
const CHECK: &str = "pkg/registry/rbac/escalation_check.go";
const BINDINGS: &str = "pkg/registry/rbac/clusterrolebinding/policybased/storage.go";
const ROLES: &str = "pkg/registry/rbac/clusterrole/policybased/storage.go";
const AGGREGATION: &str = "pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go";

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 1,
        id: "everything",
        needs: Need::Any(&[Need::Holds(Holding::Masters), cluster(&["*"], "*", &["*"])]),
        gain: Gain::Everything,
        says: "may do everything in the cluster",
        references: &[
            GOOD_PRACTICES,
            "https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles",
        ],
    },
    Row {
        number: 1,
        id: "everything-in-namespace",
        needs: here(&["*"], "*", &["*"]),
        gain: Gain::EverythingHere,
        says: "may do everything {where}",
        references: &[GOOD_PRACTICES],
    },
    Row {
        number: 2,
        id: "escalate-role",
        needs: Need::Together(&[
            here_limited(&["escalate"], RBAC, &["roles"]),
            here_limited(CHANGE, RBAC, &["roles"]),
        ]),
        gain: Gain::RoleRules(RoleKind::Role),
        says: "may put any rules into Roles{names} {where}, held or not",
        references: &[ESCALATION, CHECK, "pkg/registry/rbac/role/policybased/storage.go"],
    },
    Row {
        number: 2,
        id: "escalate-cluster-role",
        needs: Need::Together(&[
            cluster_limited(&["escalate"], RBAC, &["clusterroles"]),
            cluster_limited(CHANGE, RBAC, &["clusterroles"]),
        ]),
        gain: Gain::RoleRules(RoleKind::ClusterRole),
        says: "may put any rules into ClusterRoles{names}, held or not",
        references: &[ESCALATION, CHECK, ROLES],
    },
    Row {
        number: 2,
        id: "escalate-new-role",
        needs: Need::Any(&[
            Need::Together(&[here(CREATE, RBAC, &["roles"]), here_unnamed(&["escalate"], RBAC, &["roles"])]),
            // An apply or update that makes the role is a request with a name.
            Need::Together(&[
                here_limited(CREATE, RBAC, &["roles"]),
                here_limited(CHANGE, RBAC, &["roles"]),
                here_limited(&["escalate"], RBAC, &["roles"]),
            ]),
        ]),
        gain: Gain::NewRoles(RoleKind::Role),
        says: "may make Roles{names} {where} with rules that are not held",
        references: &[ESCALATION, CHECK, "pkg/registry/rbac/role/policybased/storage.go"],
    },
    Row {
        number: 2,
        id: "escalate-new-cluster-role",
        needs: Need::Any(&[
            Need::Together(&[
                cluster(CREATE, RBAC, &["clusterroles"]),
                cluster_unnamed(&["escalate"], RBAC, &["clusterroles"]),
            ]),
            // An apply or update that makes the role is a request with a name.
            Need::Together(&[
                cluster_limited(CREATE, RBAC, &["clusterroles"]),
                cluster_limited(CHANGE, RBAC, &["clusterroles"]),
                cluster_limited(&["escalate"], RBAC, &["clusterroles"]),
            ]),
        ]),
        gain: Gain::NewRoles(RoleKind::ClusterRole),
        says: "may make ClusterRoles{names} with rules that are not held",
        references: &[ESCALATION, CHECK, ROLES],
    },
    Row {
        number: 2,
        id: "rights-of-rewritten-role",
        needs: Need::All(&[Need::Holds(Holding::RoleRules), Need::Holds(Holding::BoundRole)]),
        gain: Gain::RightsOfRole,
        says: "has whatever is written into a role that is bound to it",
        references: &[ESCALATION, AGGREGATION],
    },
    Row {
        number: 3,
        id: "bind-role",
        needs: Need::Together(&[
            here_limited(&["bind"], RBAC, &["roles"]),
            here(CREATE, RBAC, &["rolebindings"]),
        ]),
        gain: Gain::BindRoles { role: RoleKind::Role, everywhere: false },
        says: "may bind Roles{names} {where} to itself",
        references: &[ESCALATION, CHECK, "pkg/registry/rbac/rolebinding/policybased/storage.go"],
    },
    Row {
        number: 3,
        id: "join-binding-of-role",
        needs: Need::Together(&[
            here_limited(&["bind"], RBAC, &["roles"]),
            here(CHANGE, RBAC, &["rolebindings"]),
        ]),
        gain: Gain::JoinBindings { role: RoleKind::Role, everywhere: false },
        says: "may add itself to RoleBindings {where} that are for Roles{names}",
        references: &[ESCALATION, CHECK, "pkg/registry/rbac/rolebinding/policybased/storage.go"],
    },
    Row {
        number: 3,
        id: "bind-cluster-role-in-namespace",
        needs: Need::Together(&[
            here_limited(&["bind"], RBAC, &["clusterroles"]),
            here(CREATE, RBAC, &["rolebindings"]),
        ]),
        gain: Gain::BindRoles { role: RoleKind::ClusterRole, everywhere: false },
        says: "may bind ClusterRoles{names} to itself {where}",
        references: &[ESCALATION, CHECK, "pkg/registry/rbac/rolebinding/policybased/storage.go"],
    },
    Row {
        number: 3,
        id: "join-binding-in-namespace",
        needs: Need::Together(&[
            here_limited(&["bind"], RBAC, &["clusterroles"]),
            here(CHANGE, RBAC, &["rolebindings"]),
        ]),
        gain: Gain::JoinBindings { role: RoleKind::ClusterRole, everywhere: false },
        says: "may add itself to RoleBindings {where} that are for ClusterRoles{names}",
        references: &[ESCALATION, CHECK, "pkg/registry/rbac/rolebinding/policybased/storage.go"],
    },
    Row {
        number: 3,
        id: "bind-cluster-role",
        needs: Need::Together(&[
            cluster_limited(&["bind"], RBAC, &["clusterroles"]),
            cluster(CREATE, RBAC, &["clusterrolebindings"]),
        ]),
        gain: Gain::BindRoles { role: RoleKind::ClusterRole, everywhere: true },
        says: "may bind ClusterRoles{names} to itself in the whole cluster",
        references: &[ESCALATION, CHECK, BINDINGS],
    },
    Row {
        number: 3,
        id: "join-cluster-binding",
        needs: Need::Together(&[
            cluster_limited(&["bind"], RBAC, &["clusterroles"]),
            cluster(CHANGE, RBAC, &["clusterrolebindings"]),
        ]),
        gain: Gain::JoinBindings { role: RoleKind::ClusterRole, everywhere: true },
        says: "may add itself to ClusterRoleBindings that are for ClusterRoles{names}",
        references: &[ESCALATION, CHECK, BINDINGS],
    },
    Row {
        number: 4,
        id: "hand-on-rights",
        needs: Need::Any(&[
            here(WRITE, RBAC, &["rolebindings"]),
            cluster(WRITE, RBAC, &["clusterrolebindings"]),
        ]),
        gain: Gain::Effect(Effect::HandOn),
        says: "may hand the rights that it holds {where} on to anyone, and so keep them when its own grant ends",
        references: &[ESCALATION, BINDINGS],
    },
    Row {
        number: 5,
        id: "feed-aggregated-role",
        needs: Need::All(&[cluster(WRITE, RBAC, &["clusterroles"]), Need::Fact(Fact::AggregatedRole)]),
        gain: Gain::Effect(Effect::HandOn),
        says: "may hand its rights to everyone who is bound to an aggregated ClusterRole, by a label and without a binding",
        references: &[
            "https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles",
            AGGREGATION,
        ],
    },
    Row {
        number: 6,
        id: "broad-aggregation",
        needs: Need::All(&[cluster(WRITE, RBAC, &["clusterroles"]), Need::Fact(Fact::BroadAggregation)]),
        gain: Gain::Effect(Effect::HandOn),
        says: "may hand its rights to everyone who is bound to a ClusterRole that takes in roles by a broad selector",
        references: &[
            "https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles",
            AGGREGATION,
        ],
    },
    Row {
        number: 41,
        id: "delete-guards",
        needs: Need::Any(&[
            cluster(&["delete", "deletecollection"], RBAC, &["clusterroles", "clusterrolebindings"]),
            here(&["delete", "deletecollection"], RBAC, &["roles", "rolebindings"]),
            cluster(&["delete", "deletecollection"], "apiextensions.k8s.io", &["customresourcedefinitions"]),
            cluster(&["delete", "deletecollection"], "", &["nodes"]),
            Need::Right(Right {
                verbs: &["delete"],
                group: "",
                resources: &["namespaces"],
                names: Names::Namespace,
                place: Place::Here,
            }),
        ]),
        gain: Gain::Effect(Effect::Outage),
        says: "may delete grants, namespaces, nodes or whole APIs with all of their objects {where}",
        references: &[GOOD_PRACTICES],
    },
    Row {
        number: 44,
        id: "garbage-collect-roles",
        needs: Need::Any(&[
            here(CHANGE, RBAC, &["roles", "rolebindings"]),
            cluster(CHANGE, RBAC, &["clusterroles", "clusterrolebindings"]),
        ]),
        gain: Gain::Effect(Effect::Outage),
        says: "may have roles and bindings {where} deleted through owners that do not exist, without holding their rules",
        references: &["pkg/registry/rbac/helpers.go"],
    },
    Row {
        number: 45,
        id: "make-missing-account",
        needs: Need::All(&[here_limited(CREATE, "", &["serviceaccounts"]), Need::Fact(Fact::MissingAccount)]),
        gain: Gain::NewAccounts,
        says: "may make a service account{names} {where} that a binding waits for",
        references: &[GOOD_PRACTICES],
    },
    Row {
        number: 45,
        id: "become-made-account",
        needs: Need::All(&[Need::Holds(Holding::NewAccounts), Need::Holds(Holding::Accounts)]),
        gain: Gain::MissingAccount,
        says: "has the service account {where} that it made, and what a binding gave it before",
        references: &[GOOD_PRACTICES],
    },
    Row {
        number: 46,
        id: "make-missing-role",
        needs: Need::All(&[here(CREATE, RBAC, &["roles"]), Need::Fact(Fact::MissingRole)]),
        gain: Gain::Effect(Effect::HandOn),
        says: "may make a Role {where} that a binding waits for, with rules that it holds",
        references: &[ESCALATION, "pkg/registry/rbac/role/policybased/storage.go"],
    },
];
