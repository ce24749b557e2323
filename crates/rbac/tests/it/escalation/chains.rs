//! Chains of several hops, what is taken for given on them, and who is not a finding.

use ringwall_model::version::Minor;
use ringwall_rbac::escalation::closure::Certainty;
use ringwall_rbac::escalation::facts::{Facts, Level, NodeFact, TokenSecret};
use ringwall_rbac::escalation::proof::Proof;
use ringwall_rbac::escalation::thing::{Gained, Which};
use ringwall_rbac::escalation::{Escalation, Identity, Target};
use ringwall_rbac::policy::Policy;

use super::{account, alone, bound, manifests, pod, snapshot, user};

/// The ids of a proof's rows.
fn ids(proof: &Proof<'_>) -> Vec<&'static str> {
    proof.hops.iter().map(|hop| hop.row.id).collect()
}

fn admin(name: &str, who: &str) -> String {
    format!("---\n{}", bound(name, "-", "ClusterRoleBinding", "ClusterRole", "cluster-admin", who))
}

/// A policy with what every cluster has.
fn whole(text: &str) -> Policy {
    Policy::of_snapshot(&snapshot(text), Minor::NEWEST).0
}

fn proof_of(policy: &Policy, facts: &Facts, who: &Identity, target: &Target) -> Option<Vec<&'static str>> {
    Escalation::of(policy, facts).proof(who, target).map(|proof| ids(&proof))
}

#[test]
fn who_has_the_token_of_an_administrator_is_one() {
    let text = manifests(&["eve shop create core/serviceaccounts/token deployer"])
        + &admin("deployer", "shop/deployer");
    let (policy, facts) = (whole(&text), Facts::default());
    let escalation = Escalation::of(&policy, &facts);
    let proof = escalation.proof(&user("eve"), &Target::ClusterAdmin).unwrap();
    assert_eq!(ids(&proof), ["request-token", "everything"]);
    assert_eq!(proof.hops[0].to, Gained::Identity(&account("shop", "deployer")));
    assert_eq!(proof.hops[1].after, [0]);
    assert_eq!(proof.hops[1].by[0].who, Gained::Identity(&account("shop", "deployer")));
    assert_eq!(
        proof.hops[0].say(),
        "may have tokens of service accounts in namespace shop, which work until they expire even where the grant ends"
    );
    // Every rule is named by the grant, role and place in which it is.
    for hop in &proof.hops {
        for held in &hop.by {
            let grant = held.grant.unwrap();
            let binding = &policy.bindings()[grant.binding];
            let role = &policy.roles()[held.role.unwrap()];
            assert_eq!(binding.role_ref.name, role.name);
            assert!(held.rule.unwrap() < role.rules.len() && grant.subject < binding.subjects.len());
        }
    }
    assert!(proof.assumptions().is_empty());
    let eve = escalation.subject(&user("eve")).unwrap();
    assert_eq!((eve.cluster_admin, eve.is_admin, eve.is_default), (Some(Certainty::Certain), false, false));
    let deployer = escalation.subject(&account("shop", "deployer")).unwrap();
    assert!(deployer.is_admin && !deployer.is_default);
}

#[test]
fn the_default_edit_role_in_the_system_namespace_is_everything() {
    let text = format!("---\n{}", bound("eve", "kube-system", "RoleBinding", "ClusterRole", "edit", "eve"));
    let policy = whole(&text);
    let facts = Facts::default();
    let escalation = Escalation::of(&policy, &facts);
    let proof = escalation.proof(&user("eve"), &Target::ClusterAdmin).unwrap();
    // The controller of aggregated roles may write any rules into its own.
    assert_eq!(ids(&proof), ["impersonate-accounts", "escalate-cluster-role", "rights-of-rewritten-role"]);
    let controller = account("kube-system", "clusterrole-aggregation-controller");
    assert_eq!(proof.hops[0].to, Gained::Identity(&controller));
    let controller = escalation.subject(&controller).unwrap();
    assert!(controller.is_default, "it is of every cluster");
    assert_eq!(controller.cluster_admin, Some(Certainty::Certain));
    // Elsewhere it is not.
    let text = format!("---\n{}", bound("eve", "shop", "RoleBinding", "ClusterRole", "view", "eve"));
    let policy = whole(&text);
    assert_eq!(proof_of(&policy, &Facts::default(), &user("eve"), &Target::ClusterAdmin), None);
}

#[test]
fn what_one_request_needs_is_not_put_together_from_two_identities() {
    // Eve binds, her account makes bindings: but who makes a binding must be allowed to bind itself.
    let text = manifests(&[
        "eve shop bind rbac/clusterroles",
        "eve shop create core/serviceaccounts/token maker",
        "shop/maker shop create rbac/rolebindings",
    ]);
    let policy = alone(&text);
    let facts = Facts {
        complete: true,
        accounts: [("shop".to_owned(), "maker".to_owned())].into(),
        ..Facts::default()
    };
    let used = super::rows_used(&policy, &facts, &user("eve"));
    assert!(used.contains("request-token") && !used.contains("bind-cluster-role-in-namespace"), "{used:?}");
}

#[test]
fn several_requests_are_made_by_whoever_may() {
    // One identity makes the request for a certificate, another approves it.
    let text = manifests(&[
        "eve - create certs/csrs",
        "eve shop create core/serviceaccounts/token approver",
        "shop/approver - update certs/csrs/approval",
        "shop/approver - approve certs/signers kubernetes.io/kube-apiserver-client",
    ]) + &admin("root", "jane");
    let (policy, mut facts) = (whole(&text), Facts::default());
    facts.known.insert(ringwall_rbac::escalation::catalogue::Fact::Signer, true);
    let escalation = Escalation::of(&policy, &facts);
    let proof = escalation.proof(&user("eve"), &Target::ClusterAdmin).unwrap();
    assert_eq!(ids(&proof), ["request-token", "approve-client-certificate", "everything"]);
    let who: Vec<Gained<'_>> = proof.hops[1].by.iter().map(|held| held.who).collect();
    assert!(
        who.contains(&Gained::Identity(&user("eve")))
            && who.contains(&Gained::Identity(&account("shop", "approver")))
    );
    assert_eq!(proof.hops[1].after, [0]);
    assert_eq!(proof.hops[2].by[0].who, Gained::Identity(&user("jane")));
    // The group that may do everything cannot be had by a certificate.
    let text = manifests(&[
        "eve - create certs/csrs",
        "eve - update certs/csrs/approval",
        "eve - approve certs/signers",
    ]);
    let policy = alone(&(text + &admin("masters", "group:system:masters")));
    let gains = Escalation::of(&policy, &facts);
    let masters = Identity::Group("system:masters".to_owned());
    let all = gains.gains(&user("eve"));
    assert!(all.iter().any(|gain| gain.what == Gained::AnyUser));
    assert!(!all.iter().any(|gain| gain.what == Gained::Identity(&masters)));
}

#[test]
fn a_role_that_is_bound_on_the_way_completes_what_one_request_needs() {
    // Eve may bind the Role `half`, which lets her bind ClusterRoles; bindings she may make herself.
    let text = manifests(&["eve shop create rbac/rolebindings", "eve shop bind rbac/roles half"])
        + "---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: half, namespace: shop}
rules: [{apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [bind]}]
";
    let (policy, facts) = (alone(&text), Facts::default());
    let escalation = Escalation::of(&policy, &facts);
    let gains = escalation.gains(&user("eve"));
    let all =
        gains.iter().find(|gain| gain.what == Gained::EverythingIn("shop")).expect("all of the namespace");
    assert_eq!(ids(&all.proof), ["bind-role", "bind-cluster-role-in-namespace"]);
    assert_eq!(
        all.proof.hops[1].by.iter().filter(|held| held.grant.is_none()).count(),
        1,
        "the role is not granted yet"
    );
}

#[test]
fn a_new_role_flows_into_an_aggregated_one_that_is_bound() {
    let text = manifests(&["eve - create,escalate rbac/clusterroles"])
        + &format!("---\n{}", bound("eve", "shop", "RoleBinding", "ClusterRole", "view", "eve"));
    let (policy, facts) = (whole(&text), Facts::default());
    let escalation = Escalation::of(&policy, &facts);
    let gains = escalation.gains(&user("eve"));
    let all =
        gains.iter().find(|gain| gain.what == Gained::EverythingIn("shop")).expect("all of the namespace");
    assert_eq!(ids(&all.proof), ["escalate-new-cluster-role", "rights-of-rewritten-role"]);
    assert!(
        all.proof.hops[1].by.iter().any(|held| held.rule.is_none() && held.grant.is_some()),
        "the binding to view"
    );
    // Without a binding to an aggregated role there is nowhere to flow.
    let text = manifests(&["eve - create,escalate rbac/clusterroles"]);
    assert_eq!(proof_of(&whole(&text), &Facts::default(), &user("eve"), &Target::ClusterAdmin), None);
}

#[test]
fn a_role_is_made_for_a_binding_that_waits_for_it() {
    let text = manifests(&["eve shop create,escalate rbac/roles"])
        + &format!("---\n{}", bound("waiting", "shop", "RoleBinding", "Role", "lost", "eve"));
    let (policy, facts) = (alone(&text), Facts::default());
    let escalation = Escalation::of(&policy, &facts);
    let gains = escalation.gains(&user("eve"));
    assert!(gains.iter().any(|gain| gain.what == Gained::EverythingIn("shop")));
}

#[test]
fn impersonation_of_groups_is_everything_with_any_identity_to_go_with_them() {
    let text = manifests(&["eve - impersonate core/groups", "eve shop impersonate core/serviceaccounts app"]);
    let facts = Facts::default();
    assert_eq!(
        proof_of(&alone(&text), &facts, &user("eve"), &Target::ClusterAdmin),
        Some(vec!["impersonate-groups"])
    );
    let text = manifests(&["eve - impersonate core/groups ops", "eve - impersonate core/users"])
        + &admin("ops", "group:ops");
    assert_eq!(
        proof_of(&whole(&text), &facts, &user("eve"), &Target::ClusterAdmin),
        Some(vec!["impersonate-groups", "everything"])
    );
}

#[test]
fn groups_give_their_members_what_they_hold() {
    let text = manifests(&[
        "group:system:serviceaccounts:shop - bind rbac/clusterroles",
        "shop/app - create rbac/clusterrolebindings",
        "other/app - create rbac/clusterrolebindings",
    ]);
    let (policy, facts) = (alone(&text), Facts::default());
    let escalation = Escalation::of(&policy, &facts);
    let reaches = |namespace| escalation.subject(&account(namespace, "app")).unwrap().cluster_admin;
    assert_eq!(reaches("shop"), Some(Certainty::Certain));
    assert_eq!(reaches("other"), None);
    let proof = escalation.proof(&account("shop", "app"), &Target::ClusterAdmin).unwrap();
    assert_eq!(proof.grants().len(), 2);
}

#[test]
fn a_user_by_the_name_of_an_account_is_that_account() {
    let text = manifests(&["system:serviceaccount:shop:app - * */*"]);
    let (policy, facts) = (alone(&text), Facts::default());
    let escalation = Escalation::of(&policy, &facts);
    assert!(escalation.subject(&account("shop", "app")).unwrap().is_admin);
}

#[test]
fn proofs_without_assumptions_come_first_though_they_are_longer() {
    // By a privileged pod it is two hops if nothing forbids it; by the labels of the namespace it is certain.
    let grants = ["eve shop create core/pods", "eve shop patch core/namespaces shop"];
    let (policy, mut facts) = (alone(&manifests(&grants)), Facts::default());
    let node = |facts: &Facts| proof_of(&policy, facts, &user("eve"), &Target::Node).unwrap();
    assert_eq!(node(&facts), ["create-pods", "change-namespace-labels", "privileged-pod-by-labels"]);
    facts.namespaces.insert("shop".to_owned(), Some(Level::Privileged));
    assert_eq!(node(&facts), ["create-pods", "privileged-pod"]);
    let policy = alone(&manifests(&grants[..1]));
    facts.namespaces.insert("shop".to_owned(), None);
    let escalation = Escalation::of(&policy, &facts);
    assert_eq!(escalation.subject(&user("eve")).unwrap().node, Some(Certainty::Assumed));
    let proof = escalation.proof(&user("eve"), &Target::Node).unwrap();
    let words: Vec<String> = proof.assumptions().iter().map(ToString::to_string).collect();
    assert_eq!(words, ["no admission policy forbids privileged pods in namespace shop"]);
}

#[test]
fn a_node_gives_what_runs_on_it() {
    let text = manifests(&["eve shop create core/pods/exec"]) + &admin("agent", "tools/agent");
    let mut facts = Facts { complete: true, ..Facts::default() };
    facts
        .accounts
        .extend([("shop", "app"), ("tools", "agent")].map(|(one, two)| (one.to_owned(), two.to_owned())));
    let mut open = pod("shop", "web", "app");
    (open.takes_node, open.node) = (Some("privileged".to_owned()), Some("n1".to_owned()));
    let mut agent = pod("tools", "agent", "agent");
    agent.node = Some("n2".to_owned());
    facts.pods = vec![open, agent];
    facts.nodes = ["n1", "n2"].map(|name| NodeFact { name: name.to_owned(), control_plane: false }).to_vec();
    let policy = whole(&text);
    {
        let escalation = Escalation::of(&policy, &facts);
        let proof = escalation.proof(&user("eve"), &Target::Node).unwrap();
        assert_eq!(ids(&proof), ["exec", "pod-to-node"]);
        assert_eq!(proof.hops[1].to, Gained::NodeRoot(Which::Named("n1")));
        assert!(
            escalation.proof(&user("eve"), &Target::ClusterAdmin).is_none(),
            "the agent is on another node"
        );
    }
    facts.pods[1].node = Some("n1".to_owned());
    let way = ["exec", "pod-to-node", "kubelet-credentials", "node-reads-pods", "everything"];
    assert_eq!(proof_of(&policy, &facts, &user("eve"), &Target::ClusterAdmin).unwrap(), way);
}

#[test]
fn secrets_give_the_tokens_that_are_known_to_be_in_them() {
    let text = manifests(&["eve shop get core/secrets old-token"]) + &admin("app", "shop/app");
    let policy = whole(&text);
    let mut facts = Facts { complete: true, ..Facts::default() };
    facts.accounts.insert(("shop".to_owned(), "app".to_owned()));
    assert_eq!(proof_of(&policy, &facts, &user("eve"), &Target::ClusterAdmin), None);
    facts.token_secrets.push(TokenSecret {
        namespace: "shop".to_owned(),
        name: "old-token".to_owned(),
        account: "app".to_owned(),
    });
    assert_eq!(
        proof_of(&policy, &facts, &user("eve"), &Target::ClusterAdmin).unwrap(),
        ["read-secrets", "tokens-in-secrets", "everything"]
    );
}

#[test]
fn an_account_that_is_missing_is_made_before_it_is_taken() {
    let grants = ["eve shop create core/serviceaccounts/token", "eve shop create core/serviceaccounts"];
    let policy = |grants: &[&str]| whole(&(manifests(grants) + &admin("lost", "shop/lost")));
    let facts = Facts { complete: true, ..Facts::default() };
    assert_eq!(
        proof_of(&policy(&grants), &facts, &user("eve"), &Target::ClusterAdmin).unwrap(),
        ["make-missing-account", "request-token", "become-made-account", "everything"]
    );
    assert_eq!(proof_of(&policy(&grants[..1]), &facts, &user("eve"), &Target::ClusterAdmin), None);
}

#[test]
fn a_controller_acts_with_its_own_rights() {
    let text = manifests(&["eve cd create argoproj.io/applications"])
        + &admin("cd", "cd/argocd-application-controller");
    let mut facts = Facts::default();
    facts.installed.insert("argoproj.io".to_owned());
    assert_eq!(
        proof_of(&whole(&text), &facts, &user("eve"), &Target::ClusterAdmin).unwrap(),
        ["argocd-applications", "everything"]
    );
    let weak = manifests(&[
        "eve cd create argoproj.io/applications",
        "cd/argocd-application-controller cd get core/pods",
    ]);
    assert_eq!(proof_of(&whole(&weak), &facts, &user("eve"), &Target::ClusterAdmin), None);
}

#[test]
fn identities_are_targets_too() {
    let text = manifests(&["eve shop create core/pods", "shop/app bank get core/secrets"]);
    let (policy, facts) = (alone(&text), Facts::default());
    let target = Target::Identity(account("shop", "app"));
    assert_eq!(
        proof_of(&policy, &facts, &user("eve"), &target).unwrap(),
        ["create-pods", "pod-as-any-account"]
    );
    assert_eq!(proof_of(&policy, &facts, &user("jane"), &target), None);
}

#[test]
fn the_default_policy_finds_nobody() {
    let policy = whole("");
    let facts = Facts::default();
    let escalation = Escalation::of(&policy, &facts);
    assert!(escalation.subjects().count() > 50);
    assert!(escalation.subjects().all(|subject| subject.is_default));
    let everyone = |name: &str| escalation.subject(&Identity::Group(name.to_owned())).unwrap();
    for name in ["system:authenticated", "system:unauthenticated", "system:serviceaccounts"] {
        assert_eq!(everyone(name).cluster_admin, None, "{name}");
        assert_eq!(everyone(name).node, None, "{name}");
    }
    assert_eq!(everyone("system:masters").cluster_admin, Some(Certainty::Certain));
}

#[test]
fn a_dump_of_the_default_policy_is_still_every_clusters() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/vectors/rbac/bootstrap-v1.37.yaml");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is not here", path.display());
        return;
    };
    let policy = whole(&text);
    assert!(policy.bindings().iter().all(|binding| binding.origin != ringwall_rbac::model::Origin::Default));
    let facts = Facts::default();
    let escalation = Escalation::of(&policy, &facts);
    assert!(escalation.subjects().all(|subject| subject.is_default));
}

#[test]
fn same_input_same_answer() {
    let text = manifests(&[
        "eve shop create core/pods,secrets,serviceaccounts/token",
        "eve bank get,create core/secrets,pods/exec",
        "group:dev shop * */*",
        "shop/app - get core/nodes/proxy",
        "bank/app - escalate,update rbac/clusterroles",
    ]);
    let told = || {
        let (policy, facts) = (whole(&text), Facts::default());
        let escalation = Escalation::of(&policy, &facts);
        let all = escalation
            .subjects()
            .map(|subject| format!("{subject:?} {:?}", escalation.gains(subject.identity)));
        all.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(told(), told());
}
