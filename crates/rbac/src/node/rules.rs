//! What all nodes may do alike. Source: k8s.io/kubernetes `plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go` (`NodeRules`), the
//! same rules as those of the `ClusterRole` `system:node`, which by default nobody is bound to.

use std::sync::LazyLock;

use crate::model::Rule;

const READ: &[&str] = &["get", "list", "watch"];
const WRITE: &[&str] = &["update", "patch"];
const OWN: &[&str] = &["get", "create", "update", "patch", "delete"];

/// Verbs, groups, resources.
type Row = (&'static [&'static str], &'static [&'static str], &'static [&'static str]);

const TABLE: &[Row] = &[
    (&["create"], &["authentication.k8s.io"], &["tokenreviews"]),
    (&["create"], &["authorization.k8s.io"], &["subjectaccessreviews", "localsubjectaccessreviews"]),
    (READ, &[""], &["services"]),
    (&["create", "get", "list", "watch"], &[""], &["nodes"]),
    (WRITE, &[""], &["nodes/status"]),
    (WRITE, &[""], &["nodes"]),
    (&["create", "update", "patch"], &["", "events.k8s.io"], &["events"]),
    (READ, &[""], &["pods"]),
    (&["create", "delete"], &[""], &["pods"]),
    (WRITE, &[""], &["pods/status"]),
    (&["create"], &[""], &["pods/eviction"]),
    (READ, &[""], &["secrets", "configmaps"]),
    (&["get"], &[""], &["persistentvolumeclaims", "persistentvolumes"]),
    (&["get"], &[""], &["endpoints"]),
    (&["create", "get", "list", "watch"], &["certificates.k8s.io"], &["certificatesigningrequests"]),
    (OWN, &["coordination.k8s.io"], &["leases"]),
    (&["get"], &["storage.k8s.io"], &["volumeattachments"]),
    (&["create"], &[""], &["serviceaccounts/token"]),
    (&["get", "update", "patch"], &[""], &["persistentvolumeclaims/status"]),
    (READ, &["storage.k8s.io"], &["csidrivers"]),
    (OWN, &["storage.k8s.io"], &["csinodes"]),
    (READ, &["node.k8s.io"], &["runtimeclasses"]),
    (&["get"], &["resource.k8s.io"], &["resourceclaims"]),
    (&["deletecollection"], &["resource.k8s.io"], &["resourceslices"]),
    (READ, &["certificates.k8s.io"], &["clustertrustbundles"]),
    (&["get"], &[""], &["serviceaccounts"]),
    (&["get", "list", "watch", "create"], &["certificates.k8s.io"], &["podcertificaterequests"]),
];

/// The rules. They count for what the authorizer does not look at more closely.
pub fn rules() -> &'static [Rule] {
    static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| TABLE.iter().map(rule).collect());
    &RULES
}

fn rule((verbs, groups, resources): &Row) -> Rule {
    let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Rule { verbs: own(verbs), api_groups: own(groups), resources: own(resources), ..Rule::default() }
}
