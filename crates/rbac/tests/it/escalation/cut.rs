//! The fewest grants to take away, against trying all choices; and that more grants never give less.

use std::collections::BTreeSet;

use proptest::prelude::*;
use ringwall_rbac::escalation::closure::Certainty;
use ringwall_rbac::escalation::cut::{Cut, CutOptions};
use ringwall_rbac::escalation::facts::{Facts, Level};
use ringwall_rbac::escalation::proof::Grant;
use ringwall_rbac::escalation::rows::{Scope, rows_of_rules};
use ringwall_rbac::escalation::thing::Gained;
use ringwall_rbac::escalation::{Escalation, Identity, Target};
use ringwall_rbac::model::RbacObject;
use ringwall_rbac::policy::Policy;

use super::{account, alone, bound, manifests, user};

fn admin(name: &str, who: &str) -> String {
    format!("---\n{}", bound(name, "-", "ClusterRoleBinding", "ClusterRole", "cluster-admin", who))
        + "---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: cluster-admin}
rules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]
"
}

/// A policy without some grants: as if nobody had written them.
fn without(policy: &Policy, gone: &[Grant]) -> Policy {
    let roles = policy.roles().iter().cloned().map(RbacObject::Role);
    let bindings = policy.bindings().iter().enumerate().map(|(index, binding)| {
        let mut binding = binding.clone();
        let mut at = 0;
        binding.subjects.retain(|_| {
            let keep = !gone.contains(&Grant { binding: index, subject: at });
            at += 1;
            keep
        });
        RbacObject::Binding(binding)
    });
    Policy::of(roles.chain(bindings))
}

/// Who comes to a target.
fn reaching(policy: &Policy, facts: &Facts, target: &Target) -> Vec<Identity> {
    let escalation = Escalation::of(policy, facts);
    let all = escalation.subjects().filter(|subject| {
        !subject.is_default
            && match target {
                Target::ClusterAdmin => subject.cluster_admin.is_some(),
                Target::Node => subject.node.is_some(),
                Target::Identity(_) => escalation.proof(subject.identity, target).is_some(),
            }
    });
    all.map(|subject| subject.identity.clone()).collect()
}

fn cut(policy: &Policy, facts: &Facts, target: &Target, options: &CutOptions) -> Cut {
    Escalation::of(policy, facts).cut(target, options)
}

fn names(policy: &Policy, grants: &[Grant]) -> Vec<String> {
    grants.iter().map(|grant| policy.bindings()[grant.binding].name.clone()).collect()
}

#[test]
fn one_grant_that_many_go_through_is_taken_away_rather_than_theirs() {
    let text = manifests(&[
        "eve shop create core/serviceaccounts/token robot",
        "jane shop create core/serviceaccounts/token robot",
        "group:dev shop create core/pods",
        "shop/robot - escalate,update rbac/clusterroles",
    ]);
    let (policy, mut facts) = (alone(&text), Facts::default());
    facts.namespaces.insert("shop".to_owned(), Some(Level::Restricted));
    let found = cut(&policy, &facts, &Target::ClusterAdmin, &CutOptions::default());
    assert_eq!(names(&policy, &found.grants), ["r3"]);
    assert!(found.exact && found.admins.is_empty() && found.beyond.is_empty());
    // What must stay is gone around.
    let keep = CutOptions { keep: found.grants, ..CutOptions::default() };
    let around = cut(&policy, &facts, &Target::ClusterAdmin, &keep);
    assert_eq!(names(&policy, &around.grants), ["r0", "r1", "r2"]);
    assert_eq!(around.beyond, [account("shop", "robot")]);
}

#[test]
fn administrators_by_intent_are_listed_apart_and_may_stay() {
    let text = manifests(&["eve shop create core/serviceaccounts/token deployer"])
        + &admin("deployer", "shop/deployer");
    let (policy, facts) = (alone(&text), Facts::default());
    let all = cut(&policy, &facts, &Target::ClusterAdmin, &CutOptions::default());
    assert_eq!(
        (names(&policy, &all.grants), names(&policy, &all.admins)),
        (vec![], vec!["deployer".to_owned()])
    );
    let keep = CutOptions { keep_admins: true, ..CutOptions::default() };
    let kept = cut(&policy, &facts, &Target::ClusterAdmin, &keep);
    assert_eq!((names(&policy, &kept.grants), names(&policy, &kept.admins)), (vec!["r0".to_owned()], vec![]));
    assert!(kept.exact && kept.beyond.is_empty());
}

#[test]
fn a_subject_of_a_binding_is_taken_away_and_the_others_stay() {
    let text = "apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: many, namespace: kube-system}
roleRef: {kind: Role, name: tokens}
subjects: [{kind: User, name: eve}, {kind: Group, name: ops}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: tokens, namespace: kube-system}
rules: [{apiGroups: [''], resources: [serviceaccounts/token], verbs: [create]}]
"
    .to_owned()
        + &admin("root", "kube-system/root");
    let (policy, facts) = (alone(&text), Facts::default());
    let keep = CutOptions { keep_admins: true, ..CutOptions::default() };
    let found = cut(&policy, &facts, &Target::ClusterAdmin, &keep);
    assert_eq!(found.grants, [Grant { binding: 0, subject: 0 }, Grant { binding: 0, subject: 1 }]);
}

#[test]
fn default_grants_are_not_taken_away() {
    let text = format!("---\n{}", bound("eve", "kube-system", "RoleBinding", "ClusterRole", "edit", "eve"));
    let policy = Policy::of_snapshot(&super::snapshot(&text), ringwall_model::version::Minor::NEWEST).0;
    let found = cut(&policy, &Facts::default(), &Target::ClusterAdmin, &CutOptions::default());
    assert_eq!(names(&policy, &found.all()), ["eve"]);
}

#[test]
fn without_rounds_it_is_an_upper_bound_that_cuts_all_the_same() {
    let text = manifests(&[
        "eve shop create core/serviceaccounts/token robot",
        "jane shop create core/serviceaccounts/token robot",
        "shop/robot - escalate,update rbac/clusterroles",
    ]);
    let (policy, facts) = (alone(&text), Facts::default());
    let options = CutOptions { rounds: 0, ..CutOptions::default() };
    let found = cut(&policy, &facts, &Target::ClusterAdmin, &options);
    assert!(!found.exact);
    assert_eq!(reaching(&without(&policy, &found.all()), &facts, &Target::ClusterAdmin), []);
}

/// A grant of a small cluster in which much leads to much: of all kinds of rows, alone and together.
fn grant() -> impl Strategy<Value = String> {
    let who = prop::sample::select(vec![
        "eve",
        "jane",
        "shop/app",
        "shop/ci",
        "bank/app",
        "group:dev",
        "group:system:serviceaccounts:shop",
        "group:system:nodes",
    ]);
    let what = prop::sample::select(vec![
        ("create", "core/serviceaccounts/token"),
        ("create", "core/serviceaccounts/token ci"),
        ("impersonate", "core/serviceaccounts app"),
        ("impersonate", "core/users jane"),
        ("impersonate", "core/groups dev"),
        ("create", "core/pods"),
        ("create,patch", "core/pods one"),
        ("get", "core/secrets"),
        ("create", "core/secrets"),
        ("patch", "core/namespaces"),
        ("patch", "core/namespaces shop"),
        ("bind", "rbac/clusterroles"),
        ("bind", "rbac/roles"),
        ("bind,create", "rbac/roles,rolebindings"),
        ("create", "rbac/rolebindings,clusterrolebindings"),
        ("update", "rbac/rolebindings"),
        ("escalate", "rbac/roles,clusterroles"),
        ("update", "rbac/roles,clusterroles"),
        ("create", "rbac/roles,clusterroles"),
        ("create", "certs/csrs"),
        ("update", "certs/csrs/approval"),
        ("approve", "certs/signers kubernetes.io/*"),
        ("get", "core/nodes/proxy"),
        ("create", "core/pods/exec"),
        ("create", "core/persistentvolumes"),
        ("create", "core/persistentvolumeclaims"),
        ("*", "*/*"),
    ]);
    let place = prop::sample::select(vec!["shop", "shop", "bank", "-"]);
    (who, place, what).prop_map(|(who, place, (verbs, what))| format!("{who} {place} {verbs} {what}"))
}

fn facts() -> impl Strategy<Value = Facts> {
    let level = prop::sample::select(vec![None, Some(Level::Privileged), Some(Level::Restricted)]);
    (level, any::<bool>()).prop_map(|(level, complete)| {
        let mut facts = Facts { complete, ..Facts::default() };
        facts.namespaces.insert("shop".to_owned(), level);
        for (namespace, name) in [("shop", "app"), ("shop", "ci"), ("bank", "app")] {
            facts.accounts.insert((namespace.to_owned(), name.to_owned()));
            facts.pods.push(super::pod(namespace, name, name));
        }
        facts
    })
}

fn policy(lines: &[String]) -> Policy {
    alone(&manifests(&lines.iter().map(String::as_str).collect::<Vec<_>>()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn nobody_comes_to_less_by_more_grants(
        lines in prop::collection::vec(grant(), 1..9), more in grant(), facts in facts(),
    ) {
        let few = policy(&lines);
        let many = policy(&[lines, vec![more]].concat());
        let (few, many) = (Escalation::of(&few, &facts), Escalation::of(&many, &facts));
        for subject in few.subjects() {
            let other = many.subject(subject.identity).unwrap();
            let at_least = |one: Option<Certainty>, other: Option<Certainty>| {
                one.is_none() || other.is_some_and(|other| Some(other) <= one)
            };
            prop_assert!(at_least(subject.cluster_admin, other.cluster_admin), "{subject:?} {other:?}");
            prop_assert!(at_least(subject.node, other.node), "{subject:?} {other:?}");
        }
    }

    #[test]
    fn there_is_a_proof_exactly_where_somebody_comes_to_something(
        lines in prop::collection::vec(grant(), 1..9), facts in facts(),
    ) {
        let policy = policy(&lines);
        let escalation = Escalation::of(&policy, &facts);
        for subject in escalation.subjects() {
            for (target, certainty) in [(Target::ClusterAdmin, subject.cluster_admin), (Target::Node, subject.node)] {
                let proof = escalation.proof(subject.identity, &target);
                prop_assert_eq!(proof.is_some(), certainty.is_some());
                let Some(proof) = proof else { continue };
                prop_assert_eq!(proof.assumptions().is_empty(), certainty == Some(Certainty::Certain));
                for (at, hop) in proof.hops.iter().enumerate() {
                    prop_assert!(hop.after.iter().all(|before| *before < at));
                }
                // It stands by its own grants: without all others it still does.
                let kept: BTreeSet<Grant> = proof.grants().into_iter().collect();
                let all = policy.bindings().iter().enumerate().flat_map(|(binding, of)| {
                    (0..of.subjects.len()).map(move |subject| Grant { binding, subject })
                });
                let gone: Vec<Grant> = all.filter(|grant| !kept.contains(grant)).collect();
                let less = without(&policy, &gone);
                let less = Escalation::of(&less, &facts);
                let still = less.subject(subject.identity).and_then(|one| match target {
                    Target::ClusterAdmin => one.cluster_admin,
                    _ => one.node,
                });
                // An account that nobody names is nobody's but the facts'.
                if less.subject(subject.identity).is_some() {
                    prop_assert_eq!(still, certainty, "{:?}", proof);
                }
            }
        }
    }

    #[test]
    fn proofs_are_as_short_as_a_walk_through_everything_finds(
        lines in prop::collection::vec(grant(), 1..10), facts in facts(),
    ) {
        let policy = policy(&lines);
        let escalation = Escalation::of(&policy, &facts);
        for (subject, proof) in escalation.proofs(&Target::ClusterAdmin) {
            let gains = escalation.gains(subject.identity);
            let nearest = gains.iter().find(|gain| gain.what == Gained::Everything).expect("it comes to it");
            let mut lines: Vec<usize> = Vec::new();
            for hop in &proof.hops {
                lines.push(1 + hop.after.iter().map(|before| lines[*before]).max().unwrap_or(0));
            }
            prop_assert_eq!(lines.last(), Some(&nearest.reach.hops), "{:?} {:?}", proof, nearest);
            prop_assert_eq!(proof.assumptions().is_empty(), nearest.reach.assumptions == 0);
        }
    }

    #[test]
    fn what_a_subject_does_by_itself_is_what_its_rules_open(
        lines in prop::collection::vec(grant(), 1..9), facts in facts(),
    ) {
        let policy = policy(&lines);
        let escalation = Escalation::of(&policy, &facts);
        for subject in escalation.subjects() {
            let groups = subject.identity.groups().into_iter().map(Identity::Group);
            let own: Vec<Identity> = std::iter::once(subject.identity.clone()).chain(groups).collect();
            let mut rules = Vec::new();
            for binding in policy.bindings() {
                let within = binding.namespace.as_deref().unwrap_or_default();
                let holds = binding.subjects.iter().filter_map(|one| Identity::of(one, within));
                if let Ok(role) = policy.resolve(&binding.role_ref, within)
                    && holds.into_iter().any(|one| own.contains(&one))
                {
                    let scope = binding.namespace.as_deref().map_or(Scope::Cluster, Scope::Namespace);
                    rules.extend(policy.roles()[role].rules.iter().map(|rule| (rule, scope)));
                }
            }
            let open = rows_of_rules(&rules);
            for gain in escalation.gains(subject.identity) {
                let [hop] = gain.proof.hops.as_slice() else { continue };
                if hop.by.is_empty() || hop.by.iter().any(|held| held.rule.is_none()) {
                    continue;
                }
                prop_assert!(open.iter().any(|one| one.row.id == hop.row.id && one.whole), "{:?}", hop);
            }
        }
    }

    #[test]
    fn the_cut_cuts_and_nothing_less_does(
        lines in prop::collection::vec(grant(), 1..8), facts in facts(), node in any::<bool>(),
    ) {
        let policy = policy(&lines);
        let target = if node { Target::Node } else { Target::ClusterAdmin };
        let found = cut(&policy, &facts, &target, &CutOptions::default());
        prop_assert!(found.exact);
        let grants: Vec<Grant> = (0..policy.bindings().len()).map(|binding| Grant { binding, subject: 0 }).collect();
        let leaves_none = |gone: &[Grant]| {
            let left = reaching(&without(&policy, gone), &facts, &target);
            left.iter().all(|one| found.beyond.contains(one))
        };
        prop_assert!(leaves_none(&found.all()), "{:?}", found);
        for bits in 0u32..1 << grants.len() {
            if (bits.count_ones() as usize) < found.all().len() {
                let gone: Vec<Grant> = grants.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, grant)| *grant).collect();
                prop_assert!(!leaves_none(&gone), "{gone:?} is enough beside {found:?}");
            }
        }
    }
}

#[test]
fn a_proof_is_not_needed_to_be_a_finding() {
    let policy = alone(&manifests(&["eve shop get core/pods"]));
    assert_eq!(reaching(&policy, &Facts::default(), &Target::Node), []);
    assert!(Escalation::of(&policy, &Facts::default()).proof(&user("eve"), &Target::Node).is_none());
}
