//! DNS.

use super::{finds, is_quiet};

const ONE: &str = "dns-over-one-protocol";
const NONE: &str = "egress-without-dns";
const MISSED: &str = "missed-dns-pods";

const SYSTEM: &str = "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}";

fn to(subject: &str, to: &str, ports: &str) -> String {
    format!(
        "---\nspec:\n  podSelector: {subject}\n  policyTypes: [Egress]\n  egress:\n  - to: [{to}]\n    ports: [{ports}]\n\
         metadata:\n  name: it-{}\n  namespace: shop\n---\n",
        to.len() + ports.len() * 100
    )
}

#[test]
fn each_protocol_is_missed_and_an_entry_without_one_is_tcp() {
    finds(
        ONE,
        &to("{}", SYSTEM, "{port: 53, protocol: UDP}"),
        &["low spec.egress[0].ports", "not over TCP 53"],
    );
    finds(ONE, &to("{}", SYSTEM, "{port: 53}"), &["medium", "not over UDP 53"]);
    is_quiet(ONE, &to("{}", SYSTEM, "{port: 53, protocol: UDP}, {port: 53, protocol: TCP}"));
}

#[test]
fn another_rule_may_have_the_other_protocol() {
    let udp = to("{matchLabels: {app: web}}", SYSTEM, "{port: 53, protocol: UDP}");
    is_quiet(ONE, &format!("{udp}{}", to("{}", "", "{port: 53}, {port: 53, protocol: UDP}")));
    is_quiet(ONE, &format!("{udp}{}", to("{}", SYSTEM, "")));
    // It is about other pods.
    let other = to("{matchLabels: {app: api}}", SYSTEM, "{port: 53, protocol: UDP}, {port: 53}");
    finds(ONE, &format!("{udp}{other}"), &["TCP 53"]);
    // An admin's Allow for what a baseline says is none of its own.
    let pods = "pod: shop web app=web\npod: kube-system dns k8s-app=kube-dns | dns=53/UDP\n";
    let tcp = to("{}", "{podSelector: {}, namespaceSelector: {}}", "{port: 50, endPort: 60}");
    is_quiet(ONE, &format!("{pods}{udp}{tcp}"));
}

#[test]
fn pods_that_may_call_pods_need_names() {
    let web = "pod: shop web app=web\npod: shop api app=api | 8080\n";
    let calls = to("{matchLabels: {app: web}}", "{podSelector: {matchLabels: {app: api}}}", "{port: 8080}");
    finds(NONE, &format!("{web}{calls}"), &["spec.egress[0]", "shop/web -> kube-system/kube-dns UDP 53"]);
    is_quiet(NONE, &format!("{web}{calls}{}", to("{}", SYSTEM, "{port: 53, protocol: UDP}")));
    is_quiet(NONE, &format!("{web}{calls}{}", to("{}", SYSTEM, "")));
    is_quiet(
        NONE,
        &format!(
            "{web}{calls}{}",
            to("{}", "{ipBlock: {cidr: 169.254.20.10/32}}", "{port: 53, protocol: UDP}")
        ),
    );
    // All ports of other pods are no DNS.
    let all = to("{matchLabels: {app: web}}", "{podSelector: {matchLabels: {app: api}}}", "");
    finds(NONE, &format!("{web}{all}"), &["shop/web"]);
}

#[test]
fn pods_that_call_nobody_by_name_need_none() {
    let web = "pod: shop web app=web\n";
    is_quiet(NONE, &format!("{web}{}", to("{}", "{ipBlock: {cidr: 192.0.2.7/32}}", "{port: 443}")));
    is_quiet(NONE, &format!("{web}---\nspec:\n  podSelector: {{}}\n  policyTypes: [Egress]\n"));
    // The DNS pods themselves answer in a namespace of another name.
    let own = "pod: shop web app=web\npod: shop resolver app=dns | 53/UDP\n";
    is_quiet(NONE, &format!("{own}{}", to("{}", "{podSelector: {}}", "")));
}

#[test]
fn dns_pods_are_looked_for_where_they_are() {
    let ports = "{port: 53, protocol: UDP}, {port: 53}";
    let own = "{podSelector: {matchLabels: {k8s-app: kube-dns}}}";
    finds(MISSED, &to("{}", own, ports), &["spec.egress[0].to[0]", "in shop, the policy's own namespace"]);
    is_quiet(MISSED, &to("{}", SYSTEM, ports));
    is_quiet(MISSED, &to("{}", &format!("{own}, {{ipBlock: {{cidr: 10.96.0.10/32}}}}"), ports));
    is_quiet(MISSED, &to("{}", "{podSelector: {matchLabels: {app: proxy}}}", ports));
    // The label of the namespace is another check's.
    is_quiet(MISSED, &to("{}", "{namespaceSelector: {matchLabels: {name: kube-system}}}", ports));
    let known = "pod: kube-system coredns k8s-app=kube-dns | 53/UDP 53\n";
    let wrong = "{namespaceSelector: {}, podSelector: {matchLabels: {app: coredns}}}";
    finds(MISSED, &format!("{known}{}", to("{}", wrong, ports)), &["none of the DNS pods of kube-system"]);
    is_quiet(MISSED, &format!("{known}{}", to("{}", SYSTEM, ports)));
    let local = "pod: kube-system local k8s-app=node-local-dns host | 53/UDP 53\n";
    let at_node = "{namespaceSelector: {}, podSelector: {matchLabels: {k8s-app: node-local-dns}}}";
    finds(MISSED, &format!("{local}{}", to("{}", at_node, ports)), &["on the network of their node"]);
}
