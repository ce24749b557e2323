//! A mesh of a thousand services and a thousand policies.

use std::fmt::Write as _;
use std::time::Instant;

use ringwall_mesh::matrix::Matrix;
use ringwall_mesh::mesh::Mesh;
use ringwall_mesh::plan::{Plan, Scope};
use ringwall_mesh::sends::Outcome;

use crate::meshes::{app, mesh, namespace, peer, rule, say};

fn large(services: usize, policies: usize, of_namespace: usize) -> Mesh {
    let mut text = String::new();
    for space in 0..services.div_ceil(of_namespace) {
        text += &namespace(&format!("ns{space}"), if space == 0 { "" } else { "istio-injection: enabled" });
    }
    for service in 0..services {
        text += &app(&format!("ns{}", service / of_namespace), &format!("svc{service}"), "");
    }
    for policy in 0..policies {
        let (space, name) = (format!("ns{}", policy / of_namespace), format!("p{policy}"));
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
    let mesh = large(1000, 1000, 50);
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
    say(&report);
    // Fifty clients have no proxy; of the servers that every second policy makes STRICT, 25 have none either.
    assert_eq!(matrix.len(), 1_000_000);
    assert_eq!(refused, 50 * 475);
    assert_eq!(matrix.clients.len(), 20);
    let answered: usize =
        matrix.services.iter().flat_map(|of| &of.groups).map(|group| group.flows.len()).sum();
    assert!(answered < 4_000, "{answered} answers stand for a million");
    assert_eq!(plan.remedies.len(), 50);
}

#[test]
fn a_namespace_for_each_service_is_no_worse_than_a_look_at_each_pair() {
    let mesh = large(1000, 1000, 1);
    let start = Instant::now();
    let matrix = Matrix::of(&mesh);
    say(&format!("matrix of 1000 namespaces {:?}", start.elapsed()));
    assert_eq!((matrix.clients.len(), matrix.len()), (1000, 1_000_000));
    // Clients without a proxy, those that heed the rule of the service's namespace or none, and no more.
    assert!(matrix.services.iter().all(|of| of.groups.len() <= 3));
}
