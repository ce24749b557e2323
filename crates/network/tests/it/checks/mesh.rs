//! What a mesh and a network plugin need.

use super::{finds, is_quiet};

const MESH: &str = "mesh-cut-off";
const PLUGIN: &str = "policies-not-enforced";

fn policy(spec: &str) -> String {
    format!("---\nspec: {{{spec}}}\n---\n")
}

#[test]
fn a_sidecar_must_reach_istiod() {
    let shop = "namespace: shop istio-injection=enabled\npod: shop web app=web\n";
    let deny = policy("podSelector: {}, policyTypes: [Egress]");
    finds(MESH, &format!("{shop}{deny}"), &["shop/web -> istio-system/istiod TCP 15012"]);
    let istiod = "to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: istio-system}}}], ports: [{port: 15012}]";
    is_quiet(
        MESH,
        &format!(
            "{shop}{}",
            policy(&format!("podSelector: {{}}, policyTypes: [Egress], egress: [{{{istiod}}}]"))
        ),
    );
    is_quiet(MESH, &format!("{shop}{}", policy("podSelector: {}, policyTypes: [Ingress]")));
    // No sidecar is in them.
    is_quiet(MESH, &format!("namespace: shop\npod: shop web app=web\n{deny}"));
    is_quiet(MESH, &format!("{}{deny}", shop.replace("app=web", "sidecar.istio.io/inject=false")));
    finds(MESH, &format!("pod: shop web sidecar.istio.io/inject=true\n{deny}"), &["shop/web"]);
}

#[test]
fn the_tunnel_of_ambient_mode_must_be_let_in() {
    let shop = "namespace: shop istio.io/dataplane-mode=ambient\npod: shop web app=web | 8080\n";
    let web = |ports: &str| {
        policy(&format!("podSelector: {{}}, ingress: [{{from: [{{podSelector: {{}}}}], ports: [{ports}]}}]"))
    };
    finds(MESH, &format!("{shop}{}", web("{port: 8080}")), &["spec.ingress[0]", "TCP 15008"]);
    is_quiet(MESH, &format!("{shop}{}", web("{port: 8080}, {port: 15008}")));
    is_quiet(MESH, &format!("{shop}{}", web("")));
    is_quiet(
        MESH,
        &format!("{}{}", shop.replace("app=web", "istio.io/dataplane-mode=none"), web("{port: 8080}")),
    );
}

#[test]
fn the_tunnel_of_ambient_mode_must_be_let_out() {
    let shop = "namespace: shop istio.io/dataplane-mode=ambient\npod: shop web app=web\n";
    let out = |rules: &str| policy(&format!("podSelector: {{}}, policyTypes: [Egress], egress: [{rules}]"));
    let dns = "{to: [{namespaceSelector: {}}], ports: [{port: 53, protocol: UDP}, {port: 53}]}";
    let db = "{to: [{podSelector: {matchLabels: {app: db}}}], ports: [{port: 5432}]}";
    finds(
        MESH,
        &format!("{shop}{}", out(&format!("{dns}, {db}"))),
        &["spec.egress[1]", "leaves for TCP 15008"],
    );
    is_quiet(
        MESH,
        &format!("{shop}{}", out(&format!("{dns}, {}", db.replace("5432}", "5432}, {port: 15008}")))),
    );
    // It calls nobody, or only what is outside.
    is_quiet(MESH, &format!("{shop}{}", out(dns)));
    let outside = "{to: [{ipBlock: {cidr: 203.0.113.0/24}}], ports: [{port: 443}]}";
    is_quiet(MESH, &format!("{shop}{}", out(&format!("{dns}, {outside}"))));
}

#[test]
fn flannel_alone_enforces_nothing() {
    let flannel = "---\napiVersion: apps/v1\nkind: DaemonSet\nmetadata:\n  name: kube-flannel-ds\n  namespace: kube-flannel\nspec:\n  template:\n    \
                   spec:\n      containers:\n      - name: kube-flannel\n        image: docker.io/flannel/flannel:v0.22.0\n---\n";
    let deny = policy("podSelector: {}");
    finds(
        PLUGIN,
        &format!("{flannel}{deny}"),
        &["high metadata.name", "the one that is here denies nothing"],
    );
    is_quiet(PLUGIN, flannel);
    is_quiet(PLUGIN, &deny);
    let router = flannel
        .replace("kube-flannel-ds", "kube-router")
        .replace("name: kube-flannel\n", "name: kube-router\n")
        .replace("flannel/flannel", "cloudnativelabs/kube-router");
    is_quiet(PLUGIN, &format!("{flannel}{router}{deny}"));
}
