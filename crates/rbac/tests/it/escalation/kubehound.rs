//! The clusters in which `KubeHound` tries its attacks: the attack of that name is found, where the API server lets it happen.

use std::collections::BTreeSet;
use std::path::Path;

use ringwall_model::tree::Node;
use ringwall_model::version::Minor;
use ringwall_rbac::attributes::{Action, ResourceAction, User};
use ringwall_rbac::authorize::Answer;
use ringwall_rbac::escalation::facts::{Facts, Pod};
use ringwall_rbac::escalation::thing::Gained;
use ringwall_rbac::escalation::{Escalation, Identity, Target};
use ringwall_rbac::policy::Policy;

use super::{account, pod, rows_used, snapshot};

#[expect(clippy::print_stdout, reason = "tells what is not tried")]
fn skipped(path: &Path) {
    println!("skipped: {} is not here", path.display());
}

/// The policy of a set with what every cluster has, and what its manifests tell beside: accounts and pods. None where the set is missing.
fn set(name: &str) -> Option<(Policy, Facts)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/rbac").join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        skipped(&path);
        return None;
    };
    let snapshot = snapshot(&text);
    let mut facts = Facts { complete: true, ..Facts::default() };
    for (_, object) in snapshot.objects() {
        let namespace = object.id.namespace.clone().unwrap_or_else(|| "default".to_owned());
        match object.id.kind.as_str() {
            "ServiceAccount" => _ = facts.accounts.insert((namespace, object.id.name.clone())),
            "Pod" => {
                let root = object.root();
                let account = root.str_at(&["spec", "serviceAccountName"]).unwrap_or("default");
                let volumes = root.at(&["spec", "volumes"]).into_iter().flat_map(Node::items);
                let writes_node_logs = volumes
                    .filter_map(|volume| volume.str_at(&["hostPath", "path"]).map(str::to_owned))
                    .any(|path| path == "/var/log");
                facts.pods.push(Pod { writes_node_logs, ..pod(&namespace, &object.id.name, account) });
            }
            _ => {}
        }
    }
    Some((Policy::of_snapshot(&snapshot, Minor::NEWEST).0, facts))
}

fn used(name: &str, who: &Identity) -> Option<BTreeSet<&'static str>> {
    let (policy, facts) = set(name)?;
    Some(rows_used(&policy, &facts, who))
}

fn finds(set: &str, who: &str, row: &str) {
    if let Some(used) = used(set, &account("default", who)) {
        assert!(used.contains(row), "{set}: {used:?}");
    }
}

#[test]
fn pods_are_created_and_changed() {
    finds("kubehound-POD_CREATE.yaml", "pod-create-sa", "create-pods");
    finds("kubehound-POD_CREATE.yaml", "pod-create-sa", "privileged-pod");
    finds("kubehound-POD_PATCH.yaml", "pod-patch-sa", "change-pod-image");
}

#[test]
fn tokens_are_read() {
    finds("kubehound-TOKEN_BRUTEFORCE.yaml", "tokenget-sa", "read-secrets");
}

#[test]
fn roles_are_bound_where_the_api_server_lets_them_be() {
    let file = "kubehound-ROLE_BIND_RB_CR-SA.yaml";
    finds(file, "rolebind-sa-rb-cr-rb-cr", "bind-cluster-role-in-namespace");
    finds(file, "rolebind-sa-rb-cr-rb-r", "bind-role");
    // By a RoleBinding nobody makes ClusterRoleBindings; the set says so itself.
    if let Some(used) = used(file, &account("default", "rolebind-sa-rb-cr-crb-cr-fail")) {
        assert!(used.is_empty(), "{used:?}");
    }
    let file = "kubehound-ROLE_BIND_RB_R-SA.yaml";
    finds(file, "rolebind-sa-rb-r-rb-r", "bind-role");
    finds(file, "rolebind-sa-rb-r-rb-crb", "bind-cluster-role-in-namespace");
    if let Some(used) = used(file, &account("default", "rolebind-sa-rb-r-crb-cr-fail")) {
        assert!(used.is_empty(), "{used:?}");
    }
}

#[test]
fn the_logs_of_a_node_are_read_through_a_link() {
    let Some((policy, facts)) = set("kubehound-CE_VAR_LOG_SYMLINK.yaml") else { return };
    let escalation = Escalation::of(&policy, &facts);
    let proof =
        escalation.proof(&account("default", "varlog-sa"), &Target::Node).expect("it comes to the node");
    assert_eq!(proof.hops.iter().map(|hop| hop.row.id).collect::<Vec<_>>(), ["node-logs-by-symlink"]);
    assert_eq!(
        proof.assumptions().iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["it is used from inside of a pod in namespace default that has it"]
    );
    assert!(matches!(proof.hops[0].to, Gained::NodeRoot(_)));
}

#[test]
fn identities_are_impersonated_only_where_the_api_server_asks_for_it() {
    // The set grants `impersonate` on users and groups by a RoleBinding. The API server asks for both without a namespace, where no
    // RoleBinding counts: the attack does not work, and is not found.
    let Some((policy, facts)) = set("kubehound-IDENTITY_IMPERSONATE.yaml") else { return };
    let user = User::service_account("default", "impersonate-sa");
    for resource in ["users", "groups"] {
        let action =
            ResourceAction { verb: "impersonate", resource, name: "any", ..ResourceAction::default() };
        assert!(matches!(policy.answer(&user, &Action::Resource(action)), Answer::NotAllowed(_)));
    }
    assert!(rows_used(&policy, &facts, &account("default", "impersonate-sa")).is_empty());
}

#[test]
fn an_administrator_is_one_by_intent() {
    let Some((policy, facts)) = set("kubernetes-goat-insecure-rbac.yaml") else { return };
    let escalation = Escalation::of(&policy, &facts);
    let found: Vec<String> = escalation
        .subjects()
        .filter(|subject| !subject.is_default && subject.cluster_admin.is_some())
        .map(|subject| format!("{} {}", subject.identity, subject.is_admin))
        .collect();
    assert_eq!(found, ["ServiceAccount kube-system/superadmin true"]);
}
