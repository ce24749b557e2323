//! What `kubectl auth reconcile` would do.

use ringwall_rbac::draft::Draft;
use ringwall_rbac::model::{RbacObject, Role};
use ringwall_rbac::reconcile::{Difference, Operation, Reconciled, reconcile};

use crate::common::draft;

const GET: &str = "{apiGroups: [''], resources: [pods], verbs: [get]}";
const GET_AND_LIST: &str = "{apiGroups: [''], resources: [pods, nodes], verbs: [get, list]}";

fn role(meta: &str, rules: &str) -> Draft {
    draft(&format!("ClusterRole r\n{meta}rules: [{rules}]"))
}

fn result(reconciled: &Reconciled) -> &Role {
    let RbacObject::Role(role) = &reconciled.object.object else { panic!("{reconciled:?}") };
    role
}

fn rules_of(draft: &Draft) -> &[ringwall_rbac::model::Rule] {
    let RbacObject::Role(role) = &draft.object else { panic!("{draft:?}") };
    &role.rules
}

/// How many rules are missing, and how many are too much.
fn counts(reconciled: &Reconciled) -> (usize, usize) {
    match &reconciled.difference {
        Difference::Role { missing, extra, .. } => (missing.len(), extra.len()),
        Difference::Binding { missing, extra } => (missing.len(), extra.len()),
    }
}

#[test]
fn what_is_not_there_is_created() {
    let wanted = role("", GET_AND_LIST);
    let done = reconcile(&wanted, None, false);
    assert_eq!((done.operation, done.is_protected, counts(&done)), (Operation::Create, false, (1, 0)));
    assert_eq!(result(&done).rules, rules_of(&wanted));
    let other_kind = draft("Role shop/r");
    assert_eq!(reconcile(&wanted, Some(&other_kind), false).operation, Operation::Create);
}

#[test]
fn what_is_missing_is_added_atom_by_atom_and_what_is_too_much_stays() {
    let (wanted, stored) = (role("", GET_AND_LIST), role("", GET));
    let done = reconcile(&wanted, Some(&stored), false);
    assert_eq!((done.operation, counts(&done)), (Operation::Update, (3, 0)));
    let lists: Vec<String> = result(&done)
        .rules
        .iter()
        .map(|rule| format!("{} {}", rule.resources.concat(), rule.verbs.concat()))
        .collect();
    assert_eq!(lists, ["pods get", "pods list", "nodes get", "nodes list"]);
    // The other way round there is nothing to do, unless it must go.
    let done = reconcile(&stored, Some(&wanted), false);
    assert_eq!((done.operation, counts(&done)), (Operation::None, (0, 3)));
    let done = reconcile(&stored, Some(&wanted), true);
    assert_eq!((done.operation, counts(&done)), (Operation::Update, (0, 3)));
    assert_eq!(result(&done).rules, rules_of(&stored));
    // Rules that give the same need not be the same.
    let same = role("", "{apiGroups: [''], resources: [pods], verbs: [get, get]}");
    assert_eq!(reconcile(&same, Some(&stored), true).operation, Operation::None);
}

#[test]
fn a_protected_object_is_judged_and_left_alone() {
    let meta =
        |value: &str| format!("  annotations: {{rbac.authorization.kubernetes.io/autoupdate: '{value}'}}\n");
    let stored = role(&meta("false"), GET);
    let done = reconcile(&role(&meta("true"), GET_AND_LIST), Some(&stored), false);
    assert_eq!((done.operation, done.is_protected), (Operation::Update, true));
    let annotations = done.object.meta.annotations.unwrap();
    assert_eq!(annotations["rbac.authorization.kubernetes.io/autoupdate"], "false", "what is stored wins");
    assert!(!reconcile(&role(&meta("false"), GET), Some(&role("", GET)), false).is_protected);
}

#[test]
fn labels_come_together_and_an_empty_map_is_more_than_none() {
    let done = reconcile(
        &role("  labels: {a: new, b: new}\n", GET),
        Some(&role("  labels: {a: old}\n", GET)),
        false,
    );
    assert_eq!(done.operation, Operation::Update);
    let labels: Vec<String> =
        result(&done).labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(labels, ["a=old", "b=new"]);
    let (none, empty) = (role("", GET), role("  labels: {}\n", GET));
    assert_eq!(reconcile(&empty, Some(&none), false).operation, Operation::Update);
    assert_eq!(reconcile(&none, Some(&empty), false).operation, Operation::None);
}

#[test]
fn of_two_aggregated_roles_extra_rules_are_not_looked_for() {
    let aggregated = |selectors: &str, rules: &str| {
        draft(&format!(
            "ClusterRole r\naggregationRule: {{clusterRoleSelectors: [{selectors}]}}\nrules: [{rules}]"
        ))
    };
    let (one, two) = ("{matchLabels: {a: b}}", "{matchLabels: {c: d}}");
    let stored = aggregated(one, GET_AND_LIST);
    let done = reconcile(&aggregated(two, GET), Some(&stored), true);
    assert_eq!((done.operation, counts(&done)), (Operation::Update, (0, 0)));
    assert_eq!(result(&done).rules, rules_of(&stored), "nothing is missing, so rules stay");
    assert_eq!(result(&done).aggregation.as_ref().unwrap().len(), 1);
    let done = reconcile(&aggregated(two, GET), Some(&stored), false);
    assert_eq!(result(&done).aggregation.as_ref().unwrap().len(), 2);
    // Who wants no aggregation takes it away, with or without what is too much.
    let done = reconcile(&role("", GET), Some(&stored), false);
    assert_eq!((done.operation, counts(&done)), (Operation::Update, (0, 3)));
    assert_eq!(result(&done).aggregation, None);
    // Selectors are the same where empty parts of them are missing parts.
    let done =
        reconcile(&aggregated("{matchLabels: {a: b}, matchExpressions: []}", GET), Some(&stored), true);
    assert_eq!(done.operation, Operation::None);
}

const GROUP: &str = "apiGroup: rbac.authorization.k8s.io";

fn binding(role: &str, subjects: &str) -> Draft {
    draft(&format!(
        "RoleBinding shop/b\nroleRef: {{{GROUP}, kind: Role, name: {role}}}\nsubjects: [{subjects}]"
    ))
}

#[test]
fn subjects_are_added_or_made_the_same() {
    let (ann, bob) =
        (format!("{{{GROUP}, kind: User, name: ann}}"), format!("{{{GROUP}, kind: User, name: bob}}"));
    let (wanted, stored) = (binding("r", &format!("{ann}, {ann}")), binding("r", &format!("{bob}, {bob}")));
    let names = |done: &Reconciled| match &done.object.object {
        RbacObject::Binding(binding) => {
            binding.subjects.iter().map(|subject| subject.name.clone()).collect::<Vec<_>>()
        }
        RbacObject::Role(_) => Vec::new(),
    };
    let done = reconcile(&wanted, Some(&stored), false);
    assert_eq!((done.operation, counts(&done)), (Operation::Update, (1, 1)), "each is counted once");
    assert_eq!(names(&done), ["bob", "bob", "ann"]);
    assert_eq!(names(&reconcile(&wanted, Some(&stored), true)), ["ann", "ann"]);
    assert_eq!(reconcile(&wanted, Some(&wanted), true).operation, Operation::None);
}

#[test]
fn another_role_ref_makes_a_binding_anew() {
    let done = reconcile(&binding("new", ""), Some(&binding("old", "{kind: User, name: ann}")), false);
    assert_eq!((done.operation, counts(&done)), (Operation::Recreate, (0, 0)));
    // kubectl completes nothing: what is not stated differs from what is stored.
    let unstated = draft("RoleBinding shop/b\nroleRef: {kind: Role, name: r}");
    assert_eq!(reconcile(&unstated, Some(&binding("r", "")), false).operation, Operation::Recreate);
    let stored = binding("r", &format!("{{{GROUP}, kind: User, name: ann}}"));
    let done = reconcile(&binding("r", "{kind: User, name: ann}"), Some(&stored), false);
    assert_eq!((done.operation, counts(&done)), (Operation::Update, (1, 1)));
}
