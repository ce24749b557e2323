//! Ports of rules that no pod has.

use super::{finds, is_quiet};

const NAME: &str = "unmet-port-name";
const NUMBER: &str = "undeclared-port";
const ALL: &str = "all-ports-allowed";

fn ingress(ports: &str) -> String {
    format!(
        "---\nspec:\n  podSelector: {{matchLabels: {{app: api}}}}\n  ingress:\n  - from: [{{podSelector: {{}}}}]\n    ports: [{ports}]\n---\n"
    )
}

fn egress(peer: &str, ports: &str) -> String {
    format!(
        "---\nspec:\n  podSelector: {{}}\n  policyTypes: [Egress]\n  egress:\n  - to: [{peer}]\n    ports: [{ports}]\n---\n"
    )
}

const API: &str = "pod: shop api app=api | http=8080 http-metrics=9090 dns=53/UDP\n";

#[test]
fn a_name_that_no_port_has_is_found_with_what_is_there() {
    finds(
        NAME,
        &format!("{API}{}", ingress("{port: metrics}")),
        &["spec.ingress[0].ports[0]", "\"http-metrics\" may be meant"],
    );
    finds(
        NAME,
        &format!("{API}{}", ingress("{port: grpc}")),
        &["shop/api has no port called \"TCP grpc\"; there is http"],
    );
    finds(NAME, &format!("{API}{}", ingress("{port: dns}")), &["the one of that name is UDP 53"]);
    finds(
        NAME,
        &format!("{API}{}", egress("{podSelector: {matchLabels: {app: api}}}", "{port: web}")),
        &["spec.egress[0].ports[0]"],
    );
    finds(
        NAME,
        &format!("{API}{}", egress("{ipBlock: {cidr: 192.0.2.0/24}}", "{port: https}")),
        &["addresses outside"],
    );
}

#[test]
fn a_name_that_one_pod_has_is_fine_and_one_whose_pods_are_elsewhere_too() {
    is_quiet(NAME, &format!("{API}pod: shop old app=api\n{}", ingress("{port: http}")));
    is_quiet(NAME, &ingress("{port: http}"));
    is_quiet(NAME, &format!("{API}{}", egress("{podSelector: {matchLabels: {app: other}}}", "{port: web}")));
    is_quiet(
        NAME,
        &format!(
            "{API}{}",
            egress("{podSelector: {}}, {namespaceSelector: {matchLabels: {team: x}}}", "{port: web}")
        ),
    );
    is_quiet(NAME, &format!("{API}{}", egress("{ipBlock: {cidr: 10.0.0.0/8}}", "{port: https}")));
}

#[test]
fn a_number_that_no_pod_declares_is_told() {
    finds(
        NUMBER,
        &format!("{API}{}", ingress("{port: 80}")),
        &["info spec.ingress[0].ports[0]", "TCP 80", "there is TCP 8080"],
    );
    finds(NUMBER, &format!("{API}{}", ingress("{port: 53}")), &["TCP 53"]);
    finds(NUMBER, &format!("{API}{}", ingress("{port: 8000, endPort: 8010}")), &["TCP 8000-8010"]);
    is_quiet(NUMBER, &format!("{API}{}", ingress("{port: 8000, endPort: 9000}")));
    is_quiet(NUMBER, &format!("{API}{}", ingress("{port: 15090}, {protocol: UDP}")));
    // A pod that declares nothing may listen on anything.
    is_quiet(NUMBER, &format!("{API}pod: shop old app=api\n{}", ingress("{port: 80}")));
}

#[test]
fn all_ports_are_told_where_the_pods_declare_theirs() {
    finds(ALL, &format!("{API}{}", ingress("")), &["info spec.ingress[0]", "TCP 8080, 9090"]);
    is_quiet(ALL, &format!("{API}{}", ingress("{port: 8080}")));
    is_quiet(ALL, &format!("pod: shop api app=api\n{}", ingress("")));
    is_quiet(ALL, &format!("{API}{}", ingress("").replace("{matchLabels: {app: api}}", "{}")));
}
