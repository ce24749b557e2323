//! Policies whose text says something else than it seems to say.

use super::{finds, is_quiet};

const SPLIT: &str = "split-peer";
const EMPTY: &str = "empty-list-allows-all";
const IGNORED: &str = "rules-without-policy-type";
const HALF: &str = "deny-without-egress";
const OPEN: &str = "allow-everything-rule";

fn policy(name: &str, spec: &str) -> String {
    let spec: Vec<String> = spec.lines().map(|line| format!("  {line}\n")).collect();
    format!("---\nspec:\n{}metadata:\n  name: {name}\n  namespace: data\n---\n", spec.concat())
}

const PODS: &str = "pod: data db app=db\npod: shop checkout app=checkout\npod: shop web app=web\n";
const SHOP: &str = "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}}";
const CHECKOUT: &str = "{podSelector: {matchLabels: {app: checkout}}}";

fn from(peers: &str) -> String {
    policy("db", &format!("podSelector: {{matchLabels: {{app: db}}}}\ningress:\n- from: [{peers}]"))
}

#[test]
fn two_items_for_one_are_found_in_either_order() {
    for peers in [format!("{SHOP}, {CHECKOUT}"), format!("{CHECKOUT}, {SHOP}")] {
        finds(
            SPLIT,
            &format!("{PODS}{}", from(&peers)),
            &["shop/web -> data/db is allowed", "not only shop/checkout"],
        );
    }
}

#[test]
fn two_items_that_are_meant_are_not() {
    // Such pods are in the policy's own namespace.
    is_quiet(
        SPLIT,
        &format!("{PODS}pod: data checkout app=checkout\n{}", from(&format!("{SHOP}, {CHECKOUT}"))),
    );
    // None is in the other.
    is_quiet(
        SPLIT,
        &format!("{PODS}{}", from(&format!("{SHOP}, {{podSelector: {{matchLabels: {{app: job}}}}}}"))),
    );
    is_quiet(SPLIT, &format!("{PODS}{}", from(&format!("{SHOP}, {{podSelector: {{}}}}"))));
    // What the policy's own namespace holds is not known.
    is_quiet(SPLIT, &format!("pod: shop checkout app=checkout\n{}", from(&format!("{SHOP}, {CHECKOUT}"))));
}

#[test]
fn an_empty_list_below_a_rule_is_everyone() {
    finds(
        EMPTY,
        &policy("it", "podSelector: {}\ningress:\n- from: []\n  ports: [{port: 80}]"),
        &["medium spec.ingress[0].from"],
    );
    finds(EMPTY, &policy("it", "podSelector: {}\ningress:\n- from:\n  ports: [{port: 80}]"), &["everyone"]);
    finds(
        EMPTY,
        &policy("it", "podSelector: {}\ningress:\n- from: [{podSelector: {}}]\n  ports: []"),
        &["low spec.ingress[0].ports"],
    );
    is_quiet(EMPTY, &policy("it", "podSelector: {}\ningress: []"));
    is_quiet(EMPTY, &policy("it", "podSelector: {}\ningress:\n- ports: [{port: 80}]"));
}

#[test]
fn rules_of_a_type_that_is_not_listed_are_found() {
    let pods = "pod: data db app=db\n";
    finds(
        IGNORED,
        &format!(
            "{pods}{}",
            policy("it", "podSelector: {}\npolicyTypes: [Ingress]\negress:\n- to: [{podSelector: {}}]")
        ),
        &["spec.egress", "data/db may reach everyone"],
    );
    finds(
        IGNORED,
        &policy("it", "podSelector: {}\npolicyTypes: [Egress]\ningress: []"),
        &["the empty list ingress denies nothing"],
    );
    is_quiet(IGNORED, &policy("it", "podSelector: {}\negress:\n- to: [{podSelector: {}}]"));
    is_quiet(IGNORED, &policy("it", "podSelector: {}\npolicyTypes: []\negress: []"));
}

#[test]
fn a_deny_that_leaves_egress_open_is_found_by_its_name_or_its_list() {
    finds(HALF, &policy("default-deny-all", "podSelector: {}"), &["without policyTypes"]);
    finds(HALF, &policy("deny-all", "podSelector: {}\npolicyTypes: [Ingress]"), &["list Ingress alone"]);
    finds(
        HALF,
        &policy("closed", "podSelector: {}\ningress: []\negress: []"),
        &["spec.egress", "an empty list"],
    );
}

#[test]
fn a_deny_of_ingress_alone_is_fine() {
    is_quiet(HALF, &policy("default-deny", "podSelector: {}"));
    is_quiet(HALF, &policy("deny-all-ingress", "podSelector: {}"));
    is_quiet(HALF, &policy("deny-all", "podSelector: {}\npolicyTypes: [Ingress, Egress]"));
    let egress = policy("egress", "podSelector: {}\npolicyTypes: [Egress]");
    is_quiet(HALF, &format!("{}{egress}", policy("deny-all", "podSelector: {}")));
    // Rules of a type that is not listed are another check's.
    is_quiet(HALF, &policy("deny-all", "podSelector: {}\npolicyTypes: [Ingress]\negress: []"));
}

#[test]
fn a_rule_for_everyone_is_found_and_worse_where_the_name_denies() {
    finds(
        OPEN,
        &policy("it", "podSelector: {}\ningress: [{}]"),
        &["medium spec.ingress[0]", "lets everyone in"],
    );
    finds(OPEN, &policy("it", "podSelector: {}\negress: [{}]"), &["info spec.egress[0]"]);
    finds(OPEN, &policy("deny-web", "podSelector: {}\negress: [{}]"), &["medium", "whatever its name says"]);
    is_quiet(OPEN, &policy("it", "podSelector: {}\ningress:\n- ports: [{port: 80}]"));
    is_quiet(OPEN, &policy("it", "podSelector: {}\ningress:\n- from: []"));
}
