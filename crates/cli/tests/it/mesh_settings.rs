//! `ringwall mesh` where the input shows how the mesh is set.

use super::Place;

const SHOP: &str = "\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: web:1}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec: {template: {metadata: {labels: {app: cart}}, spec: {containers: [{name: cart, image: cart:1, ports: [{containerPort: 8080}]}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {selector: {app: cart}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
";

const CUSTOM: &str = "\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: ask, namespace: shop}
spec: {selector: {matchLabels: {app: cart}}, action: CUSTOM, provider: {name: opa}, rules: [{}]}
---
";

fn map(name: &str, key: &str, lines: &[&str]) -> String {
    let text: String = lines.iter().flat_map(|line| ["    ", line, "\n"]).collect();
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: istio-system}}\ndata:\n  {key}: |\n{text}---\n"
    )
}

fn run(parts: &[&str], words: &[&str]) -> String {
    let place = Place::new(&[("mesh.yaml", &parts.concat())]);
    place.run(&[&["mesh"], words, &["mesh.yaml"]].concat())
}

fn assert_told(answer: &str, told: &[&str]) {
    for one in told {
        assert!(answer.contains(one), "{one} is not in\n{answer}");
    }
}

#[test]
fn who_cannot_be_asked_lets_nobody_in() {
    let ask = |providers: &[&str]| {
        let config = map("istio", "mesh", &[&["extensionProviders:"], providers].concat());
        let parts = [SHOP, CUSTOM, config.as_str()];
        (run(&parts, &["can", "shop/web", "shop/cart", "--port", "80"]), run(&parts, &["check"]))
    };
    let spec = "service: opa.auth.svc.cluster.local, port: 9191";
    let (can, check) = ask(&[&format!("- {{name: opa, envoyExtAuthzGrpc: {{{spec}}}}}")]);
    assert_told(&can, &["cannot tell - a CUSTOM policy asks an authorizer outside of the mesh"]);
    assert!(!check.contains("`opa`"), "{check}");
    let (can, check) = ask(&[&format!("- {{name: opa, zipkin: {{{spec}}}}}")]);
    assert_told(&can, &["no - a CUSTOM policy matches, and its authorizer cannot be asked"]);
    assert_told(
        &check,
        &["`opa` of the mesh's providers cannot be asked, since it is no external authorizer"],
    );
    let (can, check) = ask(&["- {name: opa, envoyExtAuthzGrpc: {service: opa, port: 0}}"]);
    assert_told(&can, &["no - a CUSTOM policy matches, and its authorizer cannot be asked"]);
    assert_told(&check, &["cannot be asked, since its port is none"]);
    let (_, check) = ask(&[&format!("- {{name: other, zipkin: {{{spec}}}}}")]);
    assert_told(&check, &["`opa` is none of the mesh's providers (other)"]);
}

#[test]
fn further_authorities_vouch_for_their_trust_domains() {
    let ask = |lines: &[&str]| {
        let config = map("istio", "mesh", lines);
        let client = "spiffe://partner.example/ns/a/sa/b";
        run(&[SHOP, &config], &["can", client, "shop/cart", "--port", "80"])
    };
    assert_told(
        &ask(&["trustDomain: cluster.local"]),
        &["no - the server's proxy takes no certificate of that"],
    );
    let trusted = ask(&["caCertificates: [{pem: x, trustDomains: [partner.example]}]"]);
    assert_told(&trusted, &["yes - no policy keeps it out"]);
}

#[test]
fn the_root_namespace_of_an_operator_counts() {
    let operator = "\
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
metadata: {name: istio}
spec: {values: {global: {istioNamespace: mesh}}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: mesh}
spec: {mtls: {mode: STRICT}}
";
    assert_told(&run(&[SHOP, operator], &["mtls"]), &["STRICT  PeerAuthentication mesh/default"]);
}

#[test]
fn what_the_injector_is_set_to_is_told() {
    let never = map(
        "istio-sidecar-injector",
        "config",
        &["policy: enabled", "neverInjectSelector: [{matchLabels: {app: cart}}]"],
    );
    assert_told(
        &run(&[SHOP, &never], &["mtls"]),
        &["Deployment shop/cart", "no proxy: the injector's configuration leaves it out"],
    );
    let past = map(
        "istio-sidecar-injector",
        "values",
        &[r#"{"global": {"proxy": {"excludeInboundPorts": "8080"}}}"#],
    );
    assert_told(
        &run(&[SHOP, &past], &["mtls"]),
        &["the injector's configuration takes the port past the proxy"],
    );
}

#[test]
fn namespaces_that_istiod_does_not_look_into_are_named() {
    let config = map("istio", "mesh", &["discoverySelectors: [{matchLabels: {mesh: 'on'}}]"]);
    let told = "istiod does not look into the namespace shop, which no one of the discoverySelectors chooses";
    for verb in ["matrix", "check"] {
        let answer = run(&[SHOP, CUSTOM, &config], &[verb]);
        assert_told(&answer, &[told]);
        assert!(!answer.contains("80 →"), "{answer}");
    }
}
