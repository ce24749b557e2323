//! Policies that change nothing.

use super::{finds, found, is_quiet};

const NOTHING: &str = "policy-without-effect";
const TWICE: &str = "duplicate-policy";

fn policy(name: &str, spec: &str) -> String {
    format!("---\nspec: {{{spec}}}\nmetadata:\n  name: {name}\n  namespace: shop\n---\n")
}

const WEB: &str = "podSelector: {matchLabels: {app: api}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 80}]}]";

#[test]
fn what_another_policy_allows_already_changes_nothing() {
    let web = policy("web", WEB);
    let all = policy("all", "podSelector: {}, ingress: [{from: [{podSelector: {}}]}]");
    finds(NOTHING, &format!("{web}{all}"), &["low spec", "policy \"all\" allows all of it already"]);
    let open = policy("open", "podSelector: {}, ingress: [{}]");
    finds(
        NOTHING,
        &format!("{web}{open}"),
        &["medium", "policy \"open\" allows everyone everything already"],
    );
    // Two together.
    let two = policy("two", &WEB.replace("ports: [{port: 80}]", "ports: [{port: 80}, {port: 90}]"));
    let eighty =
        policy("eighty", "podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: 80}]}]");
    is_quiet(NOTHING, &format!("{two}{eighty}"));
}

#[test]
fn a_default_is_not_needless_and_neither_is_half_of_a_policy() {
    let deny = policy("deny", "podSelector: {}, policyTypes: [Ingress, Egress]");
    let dns = policy(
        "dns",
        "podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: 53, protocol: UDP}]}]",
    );
    is_quiet(NOTHING, &format!("{deny}{dns}{}", policy("web", WEB)));
    // It isolates for egress, which the other does not.
    let both = policy("both", &format!("{WEB}, policyTypes: [Ingress, Egress]"));
    is_quiet(NOTHING, &format!("{both}{}", policy("all", "podSelector: {}, ingress: [{}]")));
    // Other pods, other peers, other ports.
    for other in [
        "podSelector: {matchLabels: {app: db}}, ingress: [{}]",
        "podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: web, tier: x}}}]}]",
        "podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: 81}]}]",
        "podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: http}]}]",
    ] {
        is_quiet(NOTHING, &format!("{}{}", policy("web", WEB), policy("other", other)));
    }
}

#[test]
fn of_two_that_say_the_same_one_is_told() {
    let twice = format!("{}{}", policy("a", WEB), policy("b", WEB));
    finds(TWICE, &twice, &["metadata.name", "policy \"a\""]);
    assert_eq!(found(NOTHING, &twice), Vec::<String>::new());
    // In other words they are one needless, and the first stays.
    let words =
        WEB.replace("matchLabels: {app: api}", "matchExpressions: [{key: app, operator: In, values: [api]}]");
    let twice = format!("{}{}", policy("a", WEB), policy("b", &words));
    finds(NOTHING, &twice, &["policy \"a\" allows"]);
    is_quiet(TWICE, &policy("a", WEB));
}
