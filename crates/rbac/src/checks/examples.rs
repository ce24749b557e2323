//! The manifests that the examples of checks are made of.

/// A `ClusterRole` with these rules that a service account holds in all namespaces.
macro_rules! everywhere {
    ($rules:literal) => {
        concat!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: ci\nrules:\n",
            $rules,
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata:\n  name: ci\nroleRef:\n  \
             apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: ci\nsubjects:\n- kind: ServiceAccount\n  name: ci\n  \
             namespace: shop\n"
        )
    };
}

/// A Role with these rules that a service account holds in its namespace.
macro_rules! within {
    ($rules:literal) => {
        concat!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: ci\n  namespace: shop\nrules:\n",
            $rules,
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata:\n  name: ci\n  namespace: shop\nroleRef:\n  \
             apiGroup: rbac.authorization.k8s.io\n  kind: Role\n  name: ci\nsubjects:\n- kind: ServiceAccount\n  name: ci\n  \
             namespace: shop\n"
        )
    };
}

/// A `ClusterRoleBinding` of this role to these subjects.
macro_rules! bound {
    ($role:literal, $subjects:literal) => {
        concat!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata:\n  name: ci\nroleRef:\n  \
             apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: ",
            $role,
            "\nsubjects:\n",
            $subjects
        )
    };
}

/// A `RoleBinding` of this `ClusterRole` in the namespace `shop` to these subjects.
macro_rules! bound_within {
    ($role:literal, $subjects:literal) => {
        concat!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata:\n  name: ci\n  namespace: shop\nroleRef:\n  \
             apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: ",
            $role,
            "\nsubjects:\n",
            $subjects
        )
    };
}
