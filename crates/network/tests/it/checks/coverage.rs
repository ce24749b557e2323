//! Pods that no policy guards.

use super::{finds, is_quiet};

const NAMESPACE: &str = "namespace-without-policy";
const WORKLOAD: &str = "workload-without-policy";
const DEFAULT: &str = "namespace-without-default-deny";

fn policy(spec: &str) -> String {
    format!("---\nspec: {{{spec}}}\n---\n")
}

const SHOP: &str = "namespace: shop\npod: shop web app=web\npod: shop api app=api\n";

#[test]
fn a_namespace_that_nothing_guards_is_found_once() {
    finds(NAMESPACE, SHOP, &["no policy guards shop/web and 1 more"]);
    is_quiet(NAMESPACE, "namespace: shop\n");
    is_quiet(NAMESPACE, "namespace: shop\npod: shop agent app=agent host\n");
    is_quiet(NAMESPACE, "pod: shop web app=web\n");
    is_quiet(NAMESPACE, &SHOP.replace("shop", "kube-system"));
    is_quiet(NAMESPACE, &format!("{SHOP}{}", policy("podSelector: {matchLabels: {app: web}}")));
    is_quiet(WORKLOAD, SHOP);
    is_quiet(DEFAULT, SHOP);
}

#[test]
fn policies_of_others_may_guard_it() {
    let cilium = "---\napiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nmetadata:\n  name: all\nspec: {endpointSelector: {}, ingress: [{}]}\n";
    is_quiet(NAMESPACE, &format!("{SHOP}{cilium}"));
    let baseline = "---\napiVersion: policy.networking.k8s.io/v1alpha1\nkind: BaselineAdminNetworkPolicy\nmetadata:\n  name: default\nspec:\n  \
                    subject: {namespaces: {}}\n  ingress:\n  - action: Deny\n    from: [{namespaces: {}}]\n";
    is_quiet(NAMESPACE, &format!("{SHOP}{baseline}"));
    // One that allows guards nothing.
    finds(NAMESPACE, &format!("{SHOP}{}", baseline.replace("Deny", "Allow")), &["shop/web"]);
}

#[test]
fn a_workload_that_was_forgotten_is_found_and_the_default_that_is_missing() {
    let web = policy("podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress, Egress]");
    finds(WORKLOAD, &format!("{SHOP}{web}"), &["medium metadata.name", "no policy selects shop/api"]);
    finds(DEFAULT, &format!("{SHOP}{web}"), &["low metadata.name", "for ingress and egress"]);
    let all = policy("podSelector: {}, policyTypes: [Ingress]");
    is_quiet(WORKLOAD, &format!("{SHOP}{all}"));
    is_quiet(DEFAULT, &format!("{SHOP}{all}").replace("namespace: shop\npod", "pod"));
    let egress = format!(
        "{SHOP}{all}{}",
        policy("podSelector: {matchLabels: {app: web}}, policyTypes: [Egress]")
            .replace("---\nspec", "---\nmetadata: {name: more, namespace: shop}\nspec")
    );
    finds(DEFAULT, &egress, &["info", "for egress"]);
}

#[test]
fn a_policy_that_selects_nobody_shows_no_care_for_the_others() {
    is_quiet(WORKLOAD, &format!("{SHOP}{}", policy("podSelector: {matchLabels: {app: gone}}")));
    is_quiet(
        WORKLOAD,
        &format!("{SHOP}{}", policy("podSelector: {matchLabels: {app: web}}, policyTypes: [Egress]")),
    );
}
