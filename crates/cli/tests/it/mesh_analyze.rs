//! `ringwall mesh analyze`: istioctl's messages, as users see them.

use super::Place;

const MESH: &str = "\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: cart
  namespace: shop
spec:
  host: card
  trafficPolicy:
    tls:
      mode: SIMPLE
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: cart
  namespace: shop
spec:
  hosts: [cart]
  gateways:
  - mesh
  - edge
  http:
  - route:
    - destination:
        host: cart
";

const SILENCED: &str = "\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: pay
  namespace: shop
  annotations:
    galley.istio.io/analyze-suppress: IST0174
spec:
  host: nobody
";

const CERTIFICATES: &str = "Warning [IST0128] (DestinationRule shop/cart mesh.yaml:14) DestinationRule shop/cart in namespace shop has TLS mode set to SIMPLE but no caCertificates are set to validate server identity for host: card\n";
const GATEWAY: &str =
    "Error [IST0101] (VirtualService shop/cart mesh.yaml:26) Referenced gateway not found: \"edge\"\n";

#[test]
fn all_objects_count() {
    let place = Place::new(&[("mesh.yaml", MESH), ("silenced.yaml", SILENCED)]);
    let answer = place.run(&["mesh", "analyze", "mesh.yaml", "silenced.yaml"]);
    let told = [
        "exit code: 1\n",
        GATEWAY,
        "Error [IST0101] (VirtualService shop/cart mesh.yaml:30) Referenced host not found: \"cart\"\n",
        CERTIFICATES,
        "Warning [IST0174] (DestinationRule shop/cart mesh.yaml:12) The host card defined in the DestinationRule does not match any services in the mesh.\n",
        "Info [IST0102] (Namespace shop mesh.yaml:4) The namespace is not enabled for Istio injection.",
    ];
    for one in told {
        assert!(answer.contains(one), "{one} is not in\n{answer}");
    }
    assert!(!answer.contains("nobody"), "{answer}");
}

#[test]
fn files_alone_are_what_istioctl_looks_at() {
    let place = Place::new(&[("mesh.yaml", MESH)]);
    let answer = place.run(&["mesh", "analyze", "--files-only", "mesh.yaml"]);
    let lines: Vec<&str> = answer.lines().filter(|line| line.contains("[IST")).collect();
    let codes: Vec<&str> = lines.iter().filter_map(|line| line.split_once('[')?.1.get(..7)).collect();
    assert_eq!(codes, ["IST0101", "IST0128", "IST0132"], "{answer}");
    assert!(answer.contains(GATEWAY) && answer.contains(CERTIFICATES), "{answer}");
}

#[test]
fn json_has_the_fields_of_istioctl() {
    let place = Place::new(&[("mesh.yaml", MESH)]);
    let answer = place.json(&["mesh", "analyze", "--files-only", "-o", "json", "mesh.yaml"]);
    let first = serde_json::json!({
        "code": "IST0101",
        "documentationUrl": "https://istio.io/v1.31/docs/reference/config/analysis/ist0101/?ref=istioctl-analyze",
        "level": "Error",
        "message": "Referenced gateway not found: \"edge\"",
        "origin": "VirtualService shop/cart",
        "reference": "mesh.yaml:26",
    });
    assert_eq!(answer.get(0), Some(&first), "{answer}");
    assert_eq!(answer.as_array().map(Vec::len), Some(3), "{answer}");
}

#[test]
fn an_installed_mesh_says_what_it_is_set_to() {
    let istio = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: |
    extensionProviders: [{name: steps, lightstep: {service: x, port: 1}}]
  meshNetworks: |
    networks: {far: {endpoints: [{fromRegistry: nowhere}]}}
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: traces, namespace: shop}
spec: {tracing: [{providers: [{name: steps}]}]}
";
    let place = Place::new(&[("istio.yaml", istio)]);
    let answer = place.run(&["mesh", "analyze", "istio.yaml"]);
    for told in [
        "[IST0002] (Telemetry shop/traces ",
        "[IST0126] (ConfigMap istio-system/istio ",
        "nowhere in network far",
    ] {
        assert!(answer.contains(told), "{told} is not in\n{answer}");
    }
    // As istioctl, who does not read it from files.
    assert_eq!(place.code(&["mesh", "analyze", "--files-only", "istio.yaml"]), 0);
}

#[test]
fn what_cannot_be_read_is_told() {
    let rule = "\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: a, namespace: b}
spec:
  host: 7
";
    let place = Place::new(&[("rule.yaml", rule)]);
    let answer = place.run(&["mesh", "analyze", "rule.yaml"]);
    assert!(answer.contains("exit code: 2") && answer.contains("rule.yaml:5"), "{answer}");
}
