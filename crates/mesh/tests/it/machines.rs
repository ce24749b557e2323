//! Machines outside of Kubernetes: their labels, and which of their ports services lead to.

use ringwall_mesh::matrix::Matrix;
use ringwall_mesh::mesh::Mesh;
use ringwall_mesh::sends::Outcome;

use crate::meshes::{mesh, namespace};

const CLIENT: &str = "
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: shop, labels: {security.istio.io/tlsMode: istio}}
spec: {containers: [{name: app, image: app}, {name: istio-proxy, image: proxy}]}
status: {phase: Running, podIP: 10.0.0.2}
---
";

fn entry(name: &str, labels: &str, spec: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\nkind: WorkloadEntry\n\
         metadata: {{name: {name}, namespace: shop, labels: {{{labels}}}}}\nspec: {spec}\n---\n"
    )
}

fn service(name: &str, spec: &str) -> String {
    format!("apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop}}\nspec: {spec}\n---\n")
}

fn service_entry(host: &str, spec: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {{name: {host}, namespace: shop}}\n\
         spec: {{hosts: [{host}], location: MESH_INTERNAL, workloadSelector: {{labels: {{app: vm}}}}, {spec}}}\n---\n"
    )
}

fn of(parts: &[String]) -> Mesh {
    mesh(&[namespace("shop", "istio-injection: enabled"), CLIENT.to_owned(), parts.concat()].concat())
}

/// What the client's calls arrive at, by service.
fn arrivals(mesh: &Mesh) -> Vec<(String, String, u16, Outcome)> {
    let matrix = Matrix::of(mesh);
    let rows = matrix.rows().map(|row| {
        let (service, server) = (&mesh.services[row.service], &mesh.workloads.all[row.flow.server]);
        (service.name.clone(), server.name.clone(), row.flow.target, row.flow.outcome)
    });
    rows.collect()
}

#[test]
fn labels_of_the_metadata_go_over_those_of_the_spec() {
    let with = |own: &str, spec: &str| {
        let entry = entry("vm", own, &format!("{{address: 192.0.2.1, {spec}}}"));
        let http = service_entry("vm.example", "resolution: STATIC, ports: [{number: 80, name: http}]");
        of(&[entry, http])
    };
    let mtls = |mesh: &Mesh| arrivals(mesh).first().map(|(_, _, _, outcome)| *outcome);
    let both = with("app: vm, security.istio.io/tlsMode: istio", "labels: {app: other}");
    assert_eq!(mtls(&both), Some(Outcome::Mtls), "found by its metadata, and TLS too");
    let place = |mesh: &Mesh, key: &str| {
        let entry = mesh.workloads.all.iter().find(|workload| workload.name == "vm").unwrap();
        entry.metadata("labels", key).path.to_string()
    };
    assert_eq!(place(&both, "app"), "metadata.labels.app");
    let spec = with("security.istio.io/tlsMode: disabled", "labels: {app: vm}, serviceAccount: vm");
    assert_eq!(mtls(&spec), Some(Outcome::Plaintext));
    assert_eq!(place(&spec, "app"), "spec.labels.app");
    assert_eq!(mtls(&with("app: other", "labels: {app: vm}")), None);
}

#[test]
fn a_named_target_is_looked_up_by_its_name_alone() {
    let mesh = of(&[
        entry(
            "vm",
            "app: vm",
            "{address: 192.0.2.1, serviceAccount: vm, ports: {web: 9001, http: 9000, none: 0}}",
        ),
        service("named", "{selector: {app: vm}, ports: [{name: http, port: 80, targetPort: web}]}"),
        service("numbered", "{selector: {app: vm}, ports: [{name: http, port: 80, targetPort: 8080}]}"),
        service("other", "{selector: {app: vm}, ports: [{name: metrics, port: 80, targetPort: 8080}]}"),
        service("unknown", "{selector: {app: vm}, ports: [{name: http, port: 80, targetPort: nothing}]}"),
        service("zero", "{selector: {app: vm}, ports: [{name: http, port: 80, targetPort: none}]}"),
    ]);
    let mut found: Vec<(String, u16)> =
        arrivals(&mesh).into_iter().map(|(service, _, port, _)| (service, port)).collect();
    found.sort();
    let wanted = [("named", 9001), ("numbered", 9000), ("other", 8080)];
    assert_eq!(found, wanted.map(|(name, port)| (name.to_owned(), port)));
}

#[test]
fn a_machine_is_behind_a_service_only_where_the_proxy_chooses_and_by_a_name_only_behind_dns() {
    let ports = "ports: [{number: 80, name: http, protocol: HTTP}]";
    let mesh = of(&[
        entry("address", "app: vm", "{address: 192.0.2.1}"),
        entry("name", "app: vm", "{address: vm.corp.example}"),
        service("headless", "{clusterIP: None, selector: {app: vm}, ports: [{name: http, port: 80}]}"),
        service("usual", "{selector: {app: vm}, ports: [{name: http, port: 80}]}"),
        service_entry("static.example", &format!("resolution: STATIC, {ports}")),
        service_entry("dns.example", &format!("resolution: DNS, {ports}")),
    ]);
    let behind = |name: &str| -> Vec<&str> {
        let service = mesh.services.iter().find(|service| service.host.starts_with(name)).unwrap();
        service.workloads.iter().map(|index| mesh.workloads.all[*index].name.as_str()).collect()
    };
    assert_eq!(behind("headless"), [""; 0]);
    assert_eq!(behind("usual"), ["address"]);
    assert_eq!(behind("static"), ["address"]);
    assert_eq!(behind("dns"), ["address", "name"]);
}

#[test]
fn a_port_of_a_service_entry_is_what_its_protocol_says_and_not_its_name() {
    let is_http = |port: &str| {
        let mesh = of(&[service_entry("vm.example", &format!("resolution: STATIC, ports: [{port}]"))]);
        mesh.services[0].ports[0].is_http
    };
    assert_eq!(is_http("{number: 80, name: http-web}"), None);
    assert_eq!(is_http("{number: 3306, name: tcp}"), None);
    assert_eq!(is_http("{number: 80, name: web, protocol: http-web}"), None, "no word that istiod knows");
    assert_eq!(is_http("{number: 80, name: tcp-web, protocol: gRPC}"), Some(true));
    assert_eq!(is_http("{number: 80, name: http-web, protocol: TCP}"), Some(false));
}
