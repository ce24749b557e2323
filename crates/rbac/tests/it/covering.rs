//! What covers what, and that compiled rules answer as the rules do one by one.

use proptest::prelude::*;
use ringwall_rbac::covers::{Atom, compact_lines, uncovered};
use ringwall_rbac::model::Rule;
use ringwall_rbac::owner::Owner;

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn rule(verbs: &[&str], groups: &[&str], resources: &[&str], names: &[&str]) -> Rule {
    Rule {
        verbs: texts(verbs),
        api_groups: texts(groups),
        resources: texts(resources),
        resource_names: texts(names),
        ..Rule::default()
    }
}

fn urls(verbs: &[&str], urls: &[&str]) -> Rule {
    Rule { verbs: texts(verbs), non_resource_urls: texts(urls), ..Rule::default() }
}

/// The definition: an atom is covered by one rule.
fn by_definition<'s>(owner: &[Rule], servant: &'s [Rule]) -> Vec<Atom<'s>> {
    let atoms = servant.iter().flat_map(Rule::atoms);
    atoms.filter(|atom| !owner.iter().any(|own| own.covers(atom))).collect()
}

fn lines(owner: &[Rule], servant: &Rule) -> Vec<String> {
    let owner: Vec<&Rule> = owner.iter().collect();
    compact_lines(uncovered(&owner, [servant]))
}

#[test]
fn one_rule_alone_must_cover_an_atom() {
    let three = [rule(&["get"], &[""], &["pods"], &[]), rule(&["get"], &["apps"], &["pods"], &[])];
    let star = rule(&["get"], &["*"], &["pods"], &[]);
    assert_eq!(lines(&three, &star), [r#"{APIGroups:["*"], Resources:["pods"], Verbs:["get"]}"#]);
    assert!(lines(std::slice::from_ref(&star), &three[0]).is_empty());
    // But the atoms of one rule may be covered by several.
    let both = rule(&["get"], &["", "apps"], &["pods"], &[]);
    assert!(lines(&three, &both).is_empty());
}

#[test]
fn stars_of_resources_cover_as_the_reference_has_it() {
    let owner = |resource: &str| [rule(&["get"], &[""], &[resource], &[])];
    let servant = |resource: &str| rule(&["get"], &[""], &[resource], &[]);
    assert!(lines(&owner("*"), &servant("*/*")).is_empty());
    assert!(lines(&owner("*"), &servant("pods/log")).is_empty());
    assert!(lines(&owner("*/scale"), &servant("x/scale")).is_empty());
    assert!(lines(&owner("*/log/x"), &servant("pods/log/x")).is_empty());
    assert!(lines(&owner("*/*"), &servant("pods/*")).is_empty());
    for (own, other) in [("*/*", "*"), ("*/scale", "scale"), ("pods/*", "pods/log"), ("*/*", "pods/log")] {
        assert!(!lines(&owner(own), &servant(other)).is_empty(), "{own} {other}");
    }
}

#[test]
fn names_cover_names_and_never_all() {
    let named = [rule(&["get"], &[""], &["secrets"], &["a", "*"])];
    assert!(lines(&named, &rule(&["get"], &[""], &["secrets"], &["a"])).is_empty());
    let missing = lines(&named, &rule(&["get"], &[""], &["secrets"], &[]));
    assert_eq!(missing, [r#"{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}"#]);
    let missing = lines(&named, &rule(&["get", "list"], &[""], &["secrets"], &["a", "b"]));
    assert_eq!(
        missing,
        [
            r#"{APIGroups:[""], Resources:["secrets"], ResourceNames:["a"], Verbs:["list"]}"#,
            r#"{APIGroups:[""], Resources:["secrets"], ResourceNames:["b"], Verbs:["get" "list"]}"#,
        ]
    );
}

#[test]
fn rules_that_say_nothing_are_covered_by_nobody() {
    for nothing in [
        rule(&[], &[""], &["pods"], &[]),
        rule(&["get"], &[], &["pods"], &[]),
        rule(&["get"], &[""], &[], &["a"]),
    ] {
        assert!(lines(&[], &nothing).is_empty());
    }
}

#[test]
fn paths_are_covered_by_their_beginning() {
    let owner = [urls(&["get"], &["/logs**"])];
    assert!(lines(&owner, &urls(&["get"], &["/logs/*", "/logsx"])).is_empty());
    assert_eq!(
        lines(&owner, &urls(&["get", "post"], &["/logs", "*"])),
        [
            r#"{NonResourceURLs:["*"], Verbs:["get"]}"#,
            r#"{NonResourceURLs:["*"], Verbs:["post"]}"#,
            r#"{NonResourceURLs:["/logs"], Verbs:["post"]}"#,
        ]
    );
    // Names hinder a rule from covering paths, although paths have none.
    let named = Rule { resource_names: texts(&["a"]), ..urls(&["get"], &["*"]) };
    assert!(!lines(&[named], &urls(&["get"], &["/logs"])).is_empty());
}

const VERBS: [&str; 5] = ["get", "list", "*", "", "Get"];
const GROUPS: [&str; 4] = ["", "apps", "*", "core"];
const RESOURCES: [&str; 14] = [
    "pods",
    "pods/log",
    "*",
    "*/log",
    "pods/*",
    "*/*",
    "*/",
    "/",
    "/log",
    "pods/",
    "pods/log/x",
    "*/log/x",
    "nodes",
    "",
];
const NAMES: [&str; 4] = ["a", "b", "", "*"];
const PATHS: [&str; 9] = ["/logs", "/logs/*", "*", "/logs**", "/a*b", "", "/", "/*", "/logs/"];

fn some(from: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(prop::sample::select(from), 0..=most).prop_map(|list| texts(&list))
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let names = prop_oneof![2 => Just(Vec::new()), 1 => some(&NAMES, 2)];
    let urls = prop_oneof![3 => Just(Vec::new()), 1 => some(&PATHS, 3)];
    (some(&VERBS, 3), some(&GROUPS, 2), some(&RESOURCES, 3), names, urls).prop_map(
        |(verbs, api_groups, resources, resource_names, non_resource_urls)| Rule {
            verbs,
            api_groups,
            resources,
            resource_names,
            non_resource_urls,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn compiled_rules_answer_as_rules_do(
        owner in prop_oneof![
            4 => prop::collection::vec(any_rule(), 0..=20),
            // More than a word of rules, and enough of one text for a set of its own.
            1 => prop::collection::vec(any_rule(), 60..=200),
        ],
        servant in prop::collection::vec(any_rule(), 0..=4),
    ) {
        let expected = by_definition(&owner, &servant);
        prop_assert_eq!(&Owner::of(&owner).uncovered(&servant), &expected);
        let held: Vec<&Rule> = owner.iter().collect();
        prop_assert_eq!(&uncovered(&held, &servant), &expected);
    }

    #[test]
    fn an_atom_as_a_rule_has_itself_for_its_only_atom(rule in any_rule()) {
        for atom in rule.atoms() {
            let alone = atom.rule();
            prop_assert_eq!(alone.atoms().collect::<Vec<_>>(), vec![atom]);
        }
    }
}
