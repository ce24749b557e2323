//! The sample shop: each flaw of its network that its answer sheet names is found, and what it calls right is not.

use std::collections::BTreeSet;
use std::path::Path;

use ringwall_input::{Options, load};
use ringwall_model::finding::Severity;
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_network::checks;

/// Check, the policy or object, and a part of what is said.
const FLAWS: &[(&str, &str, &str)] = &[
    ("unmet-port-name", "shop/allow-metrics-scrape", "\"http-metrics\" may be meant"),
    ("one-sided-allow", "shop/recommendations", "shop/storefront -> shop/recommendations TCP 8080"),
    ("one-sided-allow", "shop/recommendations", "shop/recommendations -> shop/catalog TCP 8080"),
    ("open-metadata-address", "payments/payment-api-psp", "169.254.169.254"),
    ("service-port-in-policy", "payments/fraud-check", "TCP 8090"),
    ("one-sided-allow", "payments/payment-api", "payments/payment-api -> payments/fraud-check TCP 8090"),
    ("dns-over-one-protocol", "payments/allow-dns", "TCP 53"),
    ("split-peer", "data/orders-db", "not only shop/checkout"),
    ("unmet-namespace-selector", "data/orders-db", "\"payments\" may be meant"),
    ("one-sided-allow", "payments/payment-api", "payments/payment-api -> data/orders-db TCP 5432"),
    ("one-sided-allow", "payments/ledger-jobs", "-> data/orders-db TCP 5432"),
    ("policy-without-pods", "data/redis", "app=redis"),
    ("workload-without-policy", "data/cart-redis", "data/cart-redis"),
    ("namespace-without-default-deny", "data", "ingress and egress"),
    ("namespace-without-policy", "monitoring", "and 2 more"),
    ("rules-without-policy-type", "ci/runner", "ci/runner may reach everyone"),
    ("open-load-balancer", "shop/checkout-callbacks", "shop/checkout TCP 8081"),
    ("node-port", "monitoring/grafana", "port 30300"),
    ("allow-everything-rule", "loyalty/loyalty-api", "lets everyone in"),
];

/// What follows from these, and is as true.
const FOLLOWS: &[(&str, &str)] = &[
    ("namespace-without-default-deny", "ci"),
    ("namespace-without-default-deny", "loyalty"),
    ("workload-without-policy", "ci/team-sync"),
    ("unreachable-service", "payments/fraud-check"),
    ("blocked-entry", "data/orders-db-reports"),
    ("open-load-balancer", "ingress/ingress-controller"),
];

#[test]
fn the_flaws_of_the_shop_are_found_and_nothing_else() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shop");
    let input = load(&[root], &mut std::io::empty(), &Options::default(), &());
    let snapshot = Snapshot::new(input.objects, Facts::default());
    let mut missed: BTreeSet<usize> = (0..FLAWS.len()).collect();
    let mut strange = Vec::new();
    // What is only to be known, as that the outside is led to a workload, is no flaw.
    let found = checks::find(&snapshot, &[]);
    for flaw in found.into_iter().filter(|flaw| flaw.severity > Severity::Info) {
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
}
