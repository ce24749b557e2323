//! Any objects make a mesh without a panic; the matrix has the same answers one by one as in groups, ztunnel's verdict on plaintext is what the mesh says that
//! it takes in, and what is found has a place.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringwall_input::{Limits, read_text};
use ringwall_mesh::authorization::judge::Verdict;
use ringwall_mesh::checks;
use ringwall_mesh::config::MeshConfig;
use ringwall_mesh::enrolment::Mode;
use ringwall_mesh::matrix::Matrix;
use ringwall_mesh::mesh::{Accepts, Mesh, Settings};
use ringwall_mesh::plan::{Plan, Scope};
use ringwall_mesh::validate;
use ringwall_mesh::ztunnel::{Ambient, AmbientWorkload, Connection};
use ringwall_model::snapshot::{Facts, Snapshot};

/// More answers than this are not looked at one by one.
const MANY: usize = 1 << 12;

fuzz_target!(|text: &str| {
    let limits = Limits { depth: 100, nodes: 1 << 13, ..Limits::default() };
    let read = read_text("fuzz", text.to_owned(), &limits);
    let snapshot = Snapshot::new(read.objects, Facts::default());
    for (_, object) in snapshot.objects() {
        drop(validate::validate(object));
        drop(validate::unknown_fields(object));
    }
    let (config, settings) = (MeshConfig::default(), Settings::default());
    let mesh = Mesh::of(&snapshot, config.clone(), &settings);
    for misread in &mesh.misread {
        assert!(misread.span.end as usize <= text.len(), "{misread:?} lies outside of the text");
    }
    let matrix = Matrix::of(&mesh);
    if matrix.len() < MANY {
        assert_eq!(matrix.rows().count(), matrix.len());
        drop(Plan::strict(&mesh, Scope::Mesh));
    }
    let ambient = Ambient::new(&[], mesh.peers.all.clone(), &config);
    for (index, workload) in mesh.workloads.all.iter().enumerate() {
        if mesh.servers[index].enrolment.mode() != Mode::Ambient {
            continue;
        }
        let bound = ambient.bind(&AmbientWorkload { namespace: &workload.namespace, labels: &workload.labels });
        for port in mesh.ports()[index].iter().copied().take(8) {
            let plaintext = Connection { peer: None, source: None, destination: None, port };
            let is_open = bound.judge(&plaintext).verdict == Verdict::Allow;
            assert_eq!(is_open, mesh.accepts(index, port) != Accepts::Strict, "{port} of {}", workload.name);
        }
    }
    for flaw in checks::find(&snapshot, &config, &settings) {
        assert!(flaw.object < snapshot.all().len() && !flaw.message.is_empty(), "{flaw:?}");
    }
});
