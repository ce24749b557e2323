//! Snapshots from text.

use ringwall_input::{Limits, read_text};
use ringwall_mesh::config::MeshConfig;
use ringwall_mesh::matrix::Matrix;
use ringwall_mesh::mesh::{Mesh, Settings};
use ringwall_mesh::sends::{Outcome, Sends, Why};
use ringwall_model::object::Object;
use ringwall_model::snapshot::{Facts, Snapshot};

/// Tells whoever runs the tests.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so, and one that measures says what")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

/// The objects of a text, which has nothing wrong.
pub(crate) fn objects(text: &str) -> Vec<Object> {
    let input = read_text("mesh.yaml", text.to_owned(), &Limits::default());
    assert_eq!(input.problems, []);
    input.objects
}

/// The objects of a text taken together.
pub(crate) fn snapshot(text: &str) -> Snapshot {
    Snapshot::new(objects(text), Facts::default())
}

/// The mesh that a text describes.
pub(crate) fn mesh(text: &str) -> Mesh {
    Mesh::of(&snapshot(text), MeshConfig::default(), &Settings::default())
}

/// A Deployment and its Service on port 80, which leads to 8080.
pub(crate) fn app(namespace: &str, name: &str, more: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}{more}}}
    spec: {{containers: [{{name: app, image: app, ports: [{{containerPort: 8080, name: web}}]}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 80, targetPort: web}}]}}
---
"
    )
}

/// A namespace with a label, or none.
pub(crate) fn namespace(name: &str, label: &str) -> String {
    format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{{label}}}}}\n---\n")
}

/// A `PeerAuthentication`.
pub(crate) fn peer(namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {{name: {name}, namespace: {namespace}}}
spec: {spec}
---
"
    )
}

/// A `DestinationRule`.
pub(crate) fn rule(namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: {name}, namespace: {namespace}}}
spec: {spec}
---
"
    )
}

/// What a client (`namespace/name`) sends to a server through a service's first port, and what becomes of it.
pub(crate) fn sent(mesh: &Mesh, client: &str, server: &str) -> (Sends, Outcome, Why) {
    let name = |index: usize| {
        let workload = &mesh.workloads.all[index];
        format!("{}/{}", workload.namespace, workload.name)
    };
    let matrix = Matrix::of(mesh);
    let row =
        matrix.rows().find(|row| name(row.client) == client && name(row.flow.server) == server).unwrap();
    (row.flow.sends, row.flow.outcome, row.flow.why.clone())
}
