//! Policies of administrators.

use super::{finds, is_quiet};

const EQUAL: &str = "equal-policy-priority";
const SYSTEM: &str = "system-pods-denied";
const NETWORKS: &str = "networks-deny-pods-too";
const PASS: &str = "pass-without-effect";
const DENIED: &str = "allow-denied-by-administrator";

fn admin(name: &str, priority: u32, spec: &str) -> String {
    format!(
        "---\napiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\nmetadata:\n  name: {name}\nspec: {{priority: {priority}, \
         {spec}}}\n---\n"
    )
}

const ALL: &str = "subject: {namespaces: {}}";
const PODS: &str = "pod: shop web app=web\npod: shop api app=api | 8080\npod: blog blog app=blog\n";
const BLOG: &str = "namespaces: {matchLabels: {kubernetes.io/metadata.name: blog}}";

#[test]
fn equal_priorities_are_found_where_they_matter() {
    let allow = format!("{ALL}, ingress: [{{action: Allow, from: [{{{BLOG}}}]}}]");
    let deny = format!("{ALL}, ingress: [{{action: Deny, from: [{{namespaces: {{}}}}]}}]");
    finds(
        EQUAL,
        &format!("{PODS}{}{}", admin("allow", 5, &allow), admin("deny", 5, &deny)),
        &["spec.priority", "policy \"allow\"", "blog/blog -> "],
    );
    is_quiet(EQUAL, &format!("{PODS}{}{}", admin("allow", 5, &allow), admin("deny", 6, &deny)));
    is_quiet(EQUAL, &format!("{PODS}{}{}", admin("deny", 5, &deny), admin("deny-too", 5, &deny)));
    // Of other pods, or of none.
    let other =
        deny.replace(ALL, "subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: gone}}}");
    is_quiet(EQUAL, &format!("{PODS}{}{}", admin("allow", 5, &allow), admin("deny", 5, &other)));
    // A policy that is asked before them has decided.
    let first = admin("first", 1, &format!("{ALL}, ingress: [{{action: Deny, from: [{{{BLOG}}}]}}]"));
    is_quiet(EQUAL, &format!("{PODS}{first}{}{}", admin("allow", 5, &allow), admin("deny", 5, &deny)));
}

#[test]
fn a_deny_of_everything_takes_in_the_cluster_s_own_pods() {
    let deny = "ingress: [{action: Deny, from: [{namespaces: {}}]}]";
    finds(
        SYSTEM,
        &admin("seal", 5, &format!("{ALL}, {deny}")),
        &["spec.ingress[0]", "those of kube-system too"],
    );
    let but = "subject: {namespaces: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system]}]}}";
    is_quiet(SYSTEM, &admin("seal", 5, &format!("{but}, {deny}")));
    is_quiet(
        SYSTEM,
        &admin("seal", 5, &format!("subject: {{namespaces: {{matchLabels: {{team: a}}}}}}, {deny}")),
    );
    is_quiet(SYSTEM, &admin("seal", 5, &format!("{ALL}, ingress: [{{action: Deny, from: [{{{BLOG}}}]}}]")));
    let allowed = admin(
        "system",
        1,
        "subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}, ingress: [{action: Allow, from: [{namespaces: {}}]}]",
    );
    is_quiet(SYSTEM, &format!("{allowed}{}", admin("seal", 5, &format!("{ALL}, {deny}"))));
}

#[test]
fn networks_before_pods_deny_pods() {
    let deny = "{action: Deny, to: [{networks: [0.0.0.0/0]}]}";
    finds(
        NETWORKS,
        &admin("out", 5, &format!("{ALL}, egress: [{deny}]")),
        &["0.0.0.0/0 holds the addresses of pods"],
    );
    let pass = "{action: Pass, to: [{namespaces: {}}]}";
    is_quiet(NETWORKS, &admin("out", 5, &format!("{ALL}, egress: [{pass}, {deny}]")));
    finds(NETWORKS, &admin("out", 5, &format!("{ALL}, egress: [{deny}, {pass}]")), &["spec.egress[0].to[0]"]);
    is_quiet(
        NETWORKS,
        &admin("out", 5, &format!("{ALL}, egress: [{}]", deny.replace("0.0.0.0/0", "169.254.169.254/32"))),
    );
    is_quiet(
        NETWORKS,
        &format!(
            "{}{}",
            admin("in", 1, &format!("{ALL}, egress: [{pass}]")),
            admin("out", 5, &format!("{ALL}, egress: [{deny}]"))
        ),
    );
}

#[test]
fn a_pass_that_skips_nothing_is_told() {
    let pass = format!("{ALL}, ingress: [{{action: Pass, from: [{{{BLOG}}}]}}]");
    finds(PASS, &admin("pass", 5, &pass), &["info spec.ingress[0]"]);
    let deny = format!("{ALL}, ingress: [{{action: Deny, from: [{{namespaces: {{}}}}]}}]");
    is_quiet(PASS, &format!("{}{}", admin("pass", 5, &pass), admin("deny", 6, &deny)));
    finds(
        PASS,
        &format!("{}{}", admin("pass", 5, &pass), admin("deny", 4, &deny)),
        &["policy"].map(|_| "tier"),
    );
    // Other direction.
    finds(
        PASS,
        &format!(
            "{}{}",
            admin("pass", 5, &pass),
            admin("deny", 6, &deny.replace("ingress", "egress").replace("from", "to"))
        ),
        &["ingress"],
    );
}

#[test]
fn what_the_admin_tier_denies_is_allowed_in_vain() {
    let deny = admin("seal", 5, &format!("{ALL}, ingress: [{{action: Deny, from: [{{{BLOG}}}]}}]"));
    let rule = |peer: &str| {
        format!(
            "---\nspec: {{podSelector: {{matchLabels: {{app: api}}}}, ingress: [{{from: [{peer}], ports: [{{port: 8080}}]}}]}}\n---\n"
        )
    };
    let blog = "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: blog}}}";
    finds(DENIED, &format!("{PODS}{deny}{}", rule(blog)), &["blog/blog -> shop/api TCP 8080"]);
    is_quiet(DENIED, &format!("{PODS}{deny}{}", rule("{namespaceSelector: {}}")));
    is_quiet(DENIED, &format!("{PODS}{deny}{}", rule("{podSelector: {}}")));
    is_quiet(DENIED, &format!("{PODS}{}", rule(blog)));
}
