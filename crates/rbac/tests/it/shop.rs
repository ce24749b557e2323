//! The sample shop: each flaw of its grants that its answer sheet names is found, and what it calls right is not.

use std::collections::BTreeSet;
use std::path::Path;

use ringwall_input::{Options, load};
use ringwall_model::finding::Severity;
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_rbac::checks;

/// Check, the role or binding, and a part of what is said.
const FLAWS: &[(&str, &str, &str)] = &[
    ("pod-creation", "deployer", "in namespaces ci, payments and shop"),
    ("cluster-admin-binding", "buildserver", "ServiceAccount ci/buildserver may do everything"),
    ("long-lived-token", "ci/buildserver-token", "which may do everything"),
    ("role-escalation", "team-sync", "rewrite Roles, make Roles with any rules, bind ClusterRoles to itself"),
    ("secret-access", "ingress-controller", "may read secrets in all namespaces"),
    ("node-proxy", "prometheus", "run commands in every pod"),
    ("unlimited-role", "shop/oncall", "everything in namespace shop"),
    ("pod-exec", "observer-debug", "Group developers (ClusterRoleBinding observer to ClusterRole observer)"),
    ("pod-connection", "observer-debug", "in all namespaces"),
    ("default-role-fed", "vault-operator-view", "Group shop-developers"),
    ("everyone-bound", "inventory", "everyone with a credential has ClusterRole inventory"),
    ("namespace-labels", "platform-crew", "change the labels of namespaces"),
    ("volume-creation", "platform-crew", "volumes of the nodes' paths"),
    ("node-control", "platform-crew", "change nodes"),
    ("wildcard-resources", "platform-crew", "open network policies and run code in the mesh's proxies"),
    ("dangling-role", "payments/auditors", "Role ledger-reader is not in namespace payments"),
    ("powerful-default-role", "payments/support", "Group support-first-level has ClusterRole edit"),
    ("secret-access", "shop/importer", "read secrets and change secrets in namespace shop"),
    ("account-without-namespace", "shop/importer", "that of namespace shop is taken"),
    ("star-in-resource", "shop/search-team", "\"pods/*\" matches no request"),
    ("resource-in-other-group", "shop/search-team", "\"deployments\" is of apps"),
];

/// What follows from these, and is as true.
const FOLLOWS: &[(&str, &str)] = &[
    ("rights-handed-on", "team-sync"),
    ("deletion", "team-sync"),
    ("deletion", "deployer"),
    ("deletion", "shop/importer"),
    ("wildcard-resources", "observer-core"),
];

#[test]
fn the_flaws_of_the_shop_are_found_and_nothing_else() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shop");
    let input = load(&[root], &mut std::io::empty(), &Options::default(), &());
    let snapshot = Snapshot::new(input.objects, Facts::default());
    let mut missed: BTreeSet<usize> = (0..FLAWS.len()).collect();
    let mut strange = Vec::new();
    let (found, accounts) = checks::judge(&snapshot);
    for flaw in found {
        let id = &snapshot.all()[flaw.object].id;
        let object = match &id.namespace {
            Some(namespace) => format!("{namespace}/{}", id.name),
            None => id.name.clone(),
        };
        let is = |(check, about, part): &(&str, &str, &str)| {
            flaw.check.name == *check && object == *about && flaw.message.contains(part)
        };
        match FLAWS.iter().position(is) {
            Some(at) => {
                missed.remove(&at);
            }
            None if FOLLOWS.contains(&(flaw.check.name, object.as_str())) => {}
            None => strange.push(format!("{} {object}: {}", flaw.check.name, flaw.message)),
        }
    }
    let missed: Vec<_> = missed.into_iter().map(|at| FLAWS[at]).collect();
    assert!(missed.is_empty() && strange.is_empty(), "missed: {missed:#?}\nstrange: {strange:#?}");
    let rights = |name: &str| accounts.rights(Some("ci"), name).and_then(|rights| rights.severity);
    assert_eq!(rights("buildserver"), Some(Severity::Critical));
    assert_eq!(rights("deployer"), Some(Severity::Medium));
    assert_eq!(accounts.rights(Some("shop"), "checkout").map(|rights| rights.severity), Some(None));
    assert!(accounts.rights(Some("shop"), "catalog").is_none());
}
