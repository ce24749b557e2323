//! A mesh of a thousand services and a thousand policies.

use std::fmt::Write as _;
use std::time::Instant;

use ringwall_mesh::matrix::Matrix;
use ringwall_mesh::mesh::Mesh;
use ringwall_mesh::plan::{Plan, Scope};
use ringwall_mesh::sends::Outcome;

use crate::meshes::{app, mesh, namespace, peer, rule};

fn large(services: usize, policies: usize) -> Mesh {
    let mut text = String::new();
    for space in 0..services.div_ceil(50) {
        text += &namespace(&format!("ns{space}"), if space == 0 { "" } else { "istio-injection: enabled" });
    }
    for service in 0..services {
        text += &app(&format!("ns{}", service / 50), &format!("svc{service}"), "");
    }
    for policy in 0..policies {
        let (space, name) = (format!("ns{}", policy / 50), format!("p{policy}"));
        text += &if policy % 2 == 0 {
            peer(
                &space,
                &name,
                &format!("{{selector: {{matchLabels: {{app: svc{policy}}}}}, mtls: {{mode: STRICT}}}}"),
            )
        } else {
            let host = format!("svc{policy}.{space}.svc.cluster.local");
            rule(&space, &name, &format!("{{host: {host}, trafficPolicy: {{tls: {{mode: ISTIO_MUTUAL}}}}}}"))
        };
    }
    mesh(&text)
}

#[test]
fn a_matrix_of_a_thousand_services_is_answered_in_groups() {
    let mut report = String::new();
    let start = Instant::now();
    let mesh = large(1000, 1000);
    let _ = write!(report, "read {:?}", start.elapsed());
    let start = Instant::now();
    let matrix = Matrix::of(&mesh);
    let _ = write!(report, ", matrix {:?}", start.elapsed());
    let start = Instant::now();
    let served = mesh.with_peers(mesh.peers.all.clone());
    let _ = write!(report, ", servers anew {:?}", start.elapsed());
    let start = Instant::now();
    let refused = matrix.rows().filter(|row| row.flow.outcome == Outcome::Refused).count();
    let _ = write!(report, ", {} rows {:?}", matrix.len(), start.elapsed());
    let start = Instant::now();
    let plan = Plan::strict(&served, Scope::Mesh);
    let _ = write!(report, ", plan {:?}", start.elapsed());
    println!("{report}");
    // Fifty clients have no proxy; of the servers that every second policy makes STRICT, 25 have none either.
    assert_eq!(matrix.len(), 1_000_000);
    assert_eq!(refused, 50 * 475);
    assert_eq!(matrix.clients.len(), 20);
    let answered: usize =
        matrix.services.iter().flat_map(|of| &of.groups).map(|group| group.flows.len()).sum();
    assert!(answered < 4_000, "{answered} answers stand for a million");
    assert_eq!(plan.remedies.len(), 50);
}
