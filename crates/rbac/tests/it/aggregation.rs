//! Aggregated roles end where the controller leaves them alone, whatever the order and the names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use ringwall_model::selector::Selector;
use ringwall_rbac::model::{Expression, RbacObject, Role, RoleSelector, Rule};
use ringwall_rbac::policy::Policy;

use crate::common::objects;

const LABELS: [&str; 4] = ["a", "b", "c", "d"];

fn rule(number: usize) -> Rule {
    let list = |text: String| vec![text];
    Rule {
        verbs: list("get".to_owned()),
        api_groups: list(String::new()),
        resources: list(format!("r{number}")),
        ..Rule::default()
    }
}

/// A selector for roles that have all of these labels.
fn selector(labels: &[usize]) -> RoleSelector {
    let text = format!(
        "ClusterRole x\naggregationRule: {{clusterRoleSelectors: [{{matchExpressions: [{}]}}]}}\n",
        labels
            .iter()
            .map(|label| format!("{{key: {}, operator: Exists}}", LABELS[*label]))
            .collect::<Vec<_>>()
            .join(", ")
    );
    let read = RbacObject::read(&objects(&text)[0], ringwall_rbac::model::Origin::None, "default");
    let Some(RbacObject::Role(role)) = read else { panic!("a role") };
    role.aggregation.unwrap().remove(0)
}

/// Labels, rules, selectors by the labels that they demand.
type Drawn = (BTreeSet<usize>, Vec<usize>, Option<Vec<Vec<usize>>>);

fn drawn() -> impl Strategy<Value = Vec<Drawn>> {
    let labels = prop::collection::btree_set(0..LABELS.len(), 0..3);
    let rules = prop::collection::vec(0..6_usize, 0..3);
    let selectors = prop::collection::vec(prop::collection::vec(0..LABELS.len(), 0..2), 0..3);
    prop::collection::vec((labels, rules, prop::option::weighted(0.6, selectors)), 1..9)
}

fn role(name: String, (labels, rules, selectors): &Drawn) -> Role {
    Role {
        name,
        labels: labels.iter().map(|label| (LABELS[*label].to_owned(), String::new())).collect(),
        rules: rules.iter().copied().map(rule).collect(),
        aggregation: selectors.as_ref().map(|all| all.iter().map(|one| selector(one)).collect()),
        ..Role::default()
    }
}

fn settled(roles: impl IntoIterator<Item = Role>) -> Policy {
    let mut policy = Policy::of(roles.into_iter().map(RbacObject::Role));
    policy.aggregate(|role| role.stored);
    policy
}

/// What the controller would write into a role, in its own order.
fn written(policy: &Policy, role: &Role) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for selector in role.aggregation.iter().flatten() {
        let compiled: &Selector = selector.compiled.as_ref().unwrap();
        let mut chosen: Vec<&Role> = policy
            .roles()
            .iter()
            .filter(|other| compiled.matches(|key| other.labels.get(key).map(String::as_str)))
            .filter(|other| other.name != role.name)
            .collect();
        chosen.sort_by_key(|other| &other.name);
        for own in chosen.iter().flat_map(|other| other.rules.iter()) {
            if !rules.contains(own) {
                rules.push(own.clone());
            }
        }
    }
    rules
}

fn as_set(rules: &[Rule]) -> BTreeSet<Rule> {
    rules.iter().cloned().collect()
}

fn by_number(policy: &Policy, name: impl Fn(usize) -> String, count: usize) -> Vec<BTreeSet<Rule>> {
    (0..count).map(|at| as_set(&policy.roles()[policy.cluster_role(&name(at)).unwrap()].rules)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_controller_would_change_nothing(all in drawn()) {
        let name = |at: usize| format!("n{at}");
        let roles = || all.iter().enumerate().map(|(at, drawn)| role(name(at), drawn));
        let mut policy = Policy::of(roles().map(RbacObject::Role));
        let unsettled = policy.aggregate(|_| false);
        let in_circle: BTreeSet<usize> = unsettled.cycles.iter().flatten().copied().collect();
        for (at, own) in policy.roles().iter().enumerate().filter(|(_, role)| role.aggregation.is_some()) {
            let wanted = written(&policy, own);
            prop_assert_eq!(as_set(&own.rules), as_set(&wanted), "{}", &own.name);
            // The order is the controller's too, where there is one.
            if in_circle.is_empty() {
                prop_assert_eq!(own.rules.to_vec(), wanted, "{}", &own.name);
            }
            // Each rule is written where it is said to be.
            for rule in 0..own.rules.len() {
                let from = policy.written_at(ringwall_rbac::model::RuleAt { role: at, rule });
                prop_assert_eq!(&policy.roles()[from.role].rules[from.rule], &own.rules[rule]);
                prop_assert!(policy.roles()[from.role].aggregation.is_none());
            }
        }

        // Neither the order nor the names of roles are looked at.
        let sets = by_number(&policy, name, all.len());
        let backwards = settled(roles().collect::<Vec<_>>().into_iter().rev());
        prop_assert_eq!(&sets, &by_number(&backwards, name, all.len()));
        let other = |at: usize| format!("m{}", 9 - at);
        let renamed = settled(all.iter().enumerate().map(|(at, drawn)| role(other(at), drawn)));
        prop_assert_eq!(&sets, &by_number(&renamed, other, all.len()));

        // What is settled stays so, and is what a cluster would have stored.
        let mut again = policy.clone();
        again.aggregate(|_| false);
        prop_assert_eq!(&sets, &by_number(&again, name, all.len()));
        let dump = policy.roles().iter().cloned().map(|role| Role { stored: true, copied_from: Arc::default(), ..role });
        let from_dump = settled(dump);
        prop_assert_eq!(&sets, &by_number(&from_dump, name, all.len()));
    }

    /// A dump to which a role is added is as a cluster in which it was made, if no roles take in one another.
    #[test]
    fn a_dump_takes_in_what_is_new(all in drawn(), new in drawn(), gone in prop::collection::vec(any::<bool>(), 9)) {
        let name = |at: usize| format!("n{at}");
        let mut cluster: Vec<Role> = settled(all.iter().enumerate().map(|(at, drawn)| role(name(at), drawn))).roles().to_vec();
        for role in &mut cluster {
            role.stored = true;
            role.copied_from = Arc::default();
        }
        let news: Vec<Role> = new.iter().enumerate().map(|(at, drawn)| role(format!("x{at}"), drawn)).collect();
        let mut anew = Policy::of(cluster.iter().chain(&news).cloned().map(RbacObject::Role));
        let circles = anew.aggregate(|_| false).cycles;
        if !circles.is_empty() {
            return Ok(());
        }
        let with = settled(cluster.iter().chain(&news).cloned());
        for role in with.roles() {
            let same = &anew.roles()[anew.cluster_role(&role.name).unwrap()];
            prop_assert_eq!(as_set(&role.rules), as_set(&same.rules), "{}", &role.name);
        }
        // Of a dump that lacks roles nothing is lost.
        let part = cluster.iter().zip(&gone).filter(|(role, gone)| !**gone || role.aggregation.is_some());
        let part = settled(part.map(|(role, _)| role.clone()).chain(news.clone()));
        for had in cluster.iter().filter(|role| role.aggregation.is_some()) {
            let has = as_set(&part.roles()[part.cluster_role(&had.name).unwrap()].rules);
            prop_assert!(has.is_superset(&as_set(&had.rules)), "{}", &had.name);
        }
    }
}

/// What takes in itself by way of others keeps in a cluster what it has, and gets in none what nobody gives.
#[test]
fn a_circle_has_what_comes_in_and_what_was_there() {
    let circle = |stored: bool, held: &[usize]| {
        let named = |name: &str, own: usize, other: usize| Role {
            name: name.to_owned(),
            labels: BTreeMap::from([(LABELS[own].to_owned(), String::new())]),
            rules: held.iter().copied().map(rule).collect(),
            aggregation: Some(vec![selector(&[other]), selector(&[2])]),
            stored,
            ..Role::default()
        };
        let source = role("s".to_owned(), &(BTreeSet::from([2]), vec![1], None));
        let mut policy = Policy::of([named("p", 0, 1), named("q", 1, 0), source].map(RbacObject::Role));
        let cycles = policy.aggregate(|role| role.stored).cycles.len();
        (cycles, by_number(&policy, |at| ["p", "q"][at].to_owned(), 2))
    };
    let sets = |numbers: &[usize]| -> BTreeSet<Rule> { numbers.iter().copied().map(rule).collect() };
    assert_eq!(circle(false, &[0]), (1, vec![sets(&[1]); 2]));
    assert_eq!(circle(true, &[0]), (0, vec![sets(&[0, 1]); 2]));
}

/// A label of one role changes its place; a rule that is gone from a source is gone from who took it in.
#[test]
fn a_source_that_is_replaced_takes_back_what_it_gave() {
    let source = |number: usize, stored: bool| Role {
        stored,
        ..role("s".to_owned(), &(BTreeSet::from([0]), vec![number], None))
    };
    let taker =
        Role { stored: true, ..role("t".to_owned(), &(BTreeSet::new(), vec![1, 5], Some(vec![vec![0]]))) };
    let mut policy = Policy::of([source(1, true), taker].map(RbacObject::Role));
    policy.aggregate(|role| role.stored);
    let has = |policy: &Policy| as_set(&policy.roles()[policy.cluster_role("t").unwrap()].rules);
    assert_eq!(has(&policy), BTreeSet::from([rule(1), rule(5)]));
    policy.set(RbacObject::Role(source(2, false)));
    policy.aggregate(|role| role.stored);
    assert_eq!(has(&policy), BTreeSet::from([rule(2), rule(5)]));
}

/// Selectors for everything in thousands of roles cost what one of them costs.
#[test]
fn thousands_that_choose_all_share_what_they_get() {
    let everything = RoleSelector { compiled: selector(&[]).compiled, ..RoleSelector::default() };
    let by_label = |at: usize| RoleSelector {
        match_expressions: vec![Expression {
            key: "a".to_owned(),
            operator: "Exists".to_owned(),
            values: Vec::new(),
        }],
        compiled: selector(&[at]).compiled,
        ..RoleSelector::default()
    };
    for one in [everything, by_label(0)] {
        let takers = (0..3_000).map(|at| Role {
            name: format!("t{at}"),
            aggregation: Some(vec![one.clone()]),
            ..Role::default()
        });
        let sources = (0..1_000).map(|at| role(format!("s{at}"), &(BTreeSet::from([0]), vec![at], None)));
        let mut policy = Policy::of(takers.chain(sources).map(RbacObject::Role));
        let started = Instant::now();
        policy.aggregate(|_| false);
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
        for at in [0, 1, 2_999] {
            assert_eq!(policy.roles()[at].rules.len(), 1_000);
        }
    }
}
