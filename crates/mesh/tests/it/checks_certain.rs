//! Findings that look right and are not, and what stands beside them that is.

use ringwall_mesh::checks::{self, Flaw};
use ringwall_mesh::config::MeshConfig;
use ringwall_mesh::mesh::Settings;

use crate::meshes::{app, namespace, rule, snapshot};

const SIDECARS: &str = "istio-injection: enabled";

/// What one check finds.
fn of(id: &str, text: &str) -> Vec<Flaw> {
    let all = checks::find(&snapshot(text), &MeshConfig::default(), &Settings::default());
    all.into_iter().filter(|flaw| flaw.check.id == format!("RW-MESH-{id}")).collect()
}

/// Where it finds it.
fn places(id: &str, text: &str) -> Vec<String> {
    of(id, text).into_iter().map(|flaw| flaw.path.to_string()).collect()
}

/// Nothing.
fn nothing() -> Vec<String> {
    Vec::new()
}

/// An `AuthorizationPolicy`.
fn policy(namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n---\n"
    )
}

/// A Pod with an account of its own name, whose container listens on 8080.
fn pod(namespace: &str, name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {namespace}, labels: {{app: {name}}}}}\n\
         spec: {{serviceAccountName: {name}, containers: [{{name: app, image: app, ports: [{{containerPort: 8080}}]}}]}}\n---\n"
    )
}

/// A gateway that injection makes.
fn edge(namespace: &str) -> String {
    app(namespace, "edge", ", annotations: {inject.istio.io/templates: gateway}")
        .replace("app: edge}, annotations", "app: edge, sidecar.istio.io/inject: 'true'}, annotations")
}

#[test]
fn tls_to_a_gateway_is_what_its_listeners_say() {
    let mutual = rule(
        "shop",
        "edge",
        "{host: edge.shop.svc.cluster.local, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}",
    );
    let clients = namespace("shop", SIDECARS) + &pod("shop", "web");
    assert_eq!(places("027", &(clients.clone() + &edge("shop") + &mutual)), nothing());
    let outside =
        app("shop", "edge", "").replace("{app: edge}", "{app: edge, sidecar.istio.io/inject: 'false'}");
    assert_eq!(places("027", &(clients + &outside + &mutual)), ["spec.trafficPolicy.tls"]);
}
