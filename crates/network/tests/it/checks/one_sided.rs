//! Connections that one side allows.

use super::{finds, found, is_quiet};

const CHECK: &str = "one-sided-allow";

const DENY: &str = "
---
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
metadata:
  name: deny
  namespace: shop
---
";

/// A policy that lets `from` in at `app: api`.
fn lets_in(from: &str, ports: &str) -> String {
    format!(
        "---
spec:
  podSelector: {{matchLabels: {{app: api}}}}
  policyTypes: [Ingress]
  ingress:
  - from: [{from}]
    ports: [{ports}]
metadata:
  name: api
  namespace: shop
---
pod: shop web app=web
pod: shop cart app=cart
pod: shop api app=api | http=8080 9090
"
    )
}

const WEB: &str = "podSelector: {matchLabels: {app: web}}";

/// A policy that lets `app: web` out.
fn lets_out(to: &str, ports: &str) -> String {
    format!(
        "---
spec:
  podSelector: {{matchLabels: {{app: web}}}}
  policyTypes: [Egress]
  egress:
  - to: [{to}]
    ports: [{ports}]
metadata:
  name: web
  namespace: shop
---
"
    )
}

#[test]
fn the_half_that_is_missing_is_named_with_a_connection() {
    let half = lets_in(WEB, "{port: 8080}");
    finds(
        CHECK,
        &format!("{DENY}{half}"),
        &[
            "spec.ingress[0].from[0]",
            "shop/web -> shop/api TCP 8080",
            "not let out at shop/web",
            "\"deny\" isolates",
        ],
    );
    let out = lets_out("podSelector: {matchLabels: {app: api}}", "{port: 8080}");
    finds(
        CHECK,
        &format!("{DENY}{out}{}", lets_in("podSelector: {matchLabels: {app: none}}", "{port: 8080}")),
        &["spec.egress[0].to[0]", "shop/web -> shop/api TCP 8080", "not let in at shop/api"],
    );
    is_quiet(CHECK, &format!("{DENY}{half}{out}"));
}

#[test]
fn nothing_is_said_where_the_other_side_is_open_or_not_here() {
    is_quiet(CHECK, &lets_in(WEB, "{port: 8080}"));
    is_quiet(
        CHECK,
        &format!("{DENY}{}", lets_in("podSelector: {matchLabels: {app: elsewhere}}", "{port: 8080}")),
    );
    is_quiet(CHECK, &format!("{DENY}{}", lets_in("namespaceSelector: {}", "{port: 8080}")));
    // A policy of another API may let it out.
    let cilium = "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata:\n  name: more\n  namespace: shop\nspec: {endpointSelector: {}, egress: [{}]}\n";
    is_quiet(CHECK, &format!("{DENY}{}{cilium}", lets_in(WEB, "{port: 8080}")));
}

#[test]
fn a_wide_rule_of_which_one_connection_passes_is_no_flaw() {
    let wide = lets_in("podSelector: {}", "{port: 8080}");
    let out = lets_out("podSelector: {matchLabels: {app: api}}", "{port: 8080}");
    is_quiet(CHECK, &format!("{DENY}{wide}{out}"));
    finds(CHECK, &format!("{DENY}{wide}"), &["TCP 8080"]);
}

#[test]
fn values_and_ports_that_are_listed_are_taken_one_by_one() {
    let listed = "podSelector: {matchExpressions: [{key: app, operator: In, values: [web, cart]}]}";
    let out = lets_out("podSelector: {matchLabels: {app: api}}", "{port: 8080}");
    finds(
        CHECK,
        &format!("{DENY}{out}{}", lets_in(listed, "{port: 8080}")),
        &["shop/cart -> shop/api TCP 8080"],
    );
    finds(
        CHECK,
        &format!("{DENY}{out}{}", lets_in(listed, "{port: 8080}, {port: 9090}")),
        &["shop/cart -> shop/api TCP 8080", "2 more"],
    );
    finds(CHECK, &format!("{DENY}{out}{}", lets_in(WEB, "{port: http}, {port: 9090}")), &["TCP 9090"]);
}

#[test]
fn pods_that_no_policy_is_about_do_not_count() {
    let host = "pod: shop web app=web host\n";
    let half = lets_in(WEB, "{port: 8080}").replace("pod: shop web app=web\n", host);
    is_quiet(CHECK, &format!("{DENY}{half}"));
}

#[test]
fn the_classic_set_has_its_flaws() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/classic");
    let read = |name: &str| std::fs::read_to_string(format!("{root}/{name}.yaml")).expect(name);
    let text = [read("namespaces"), read("workloads"), read("network-policies")].join("---\n");
    finds(CHECK, &text, &["production/frontend -> production/backend TCP 8080", "default-deny-all"]);
    finds(
        "namespace-name-by-custom-label",
        &text,
        &["name=kube-system", "spec.egress[0].to[0].namespaceSelector"],
    );
    finds("dns-over-one-protocol", &text, &["low spec.egress[0].ports", "TCP 53"]);
    assert_eq!(found("missed-dns-pods", &text), Vec::<String>::new());
}
