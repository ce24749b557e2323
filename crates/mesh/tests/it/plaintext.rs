//! What ztunnel says of connections in the clear, where nothing but `PeerAuthentication` decides.

use std::io::Read as _;
use std::path::PathBuf;

use flate2::read::GzDecoder;
use ringwall_mesh::mesh::{Accepts, WhyAccepts};
use serde_json::Value;

use crate::meshes::{mesh, say};

/// The cases without an `AuthorizationPolicy`; none where the shared data is not there.
fn cases() -> Vec<Value> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/mesh");
    let mut text = String::new();
    for name in ["ambient-s101.jsonl.gz", "traps.jsonl.gz"] {
        let path = folder.join(name);
        match std::fs::File::open(&path) {
            Ok(file) => drop(GzDecoder::new(file).read_to_string(&mut text).unwrap()),
            Err(_) => say(&format!("skipped: {} is not here", path.display())),
        }
    }
    let mut cases: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    cases.retain(|line| {
        let mut resources = line["case"]["resources"].as_array().unwrap().iter();
        line["case"]["op"] == "ambient"
            && line["want"]["error"].is_null()
            && resources.all(|object| object["kind"] != "AuthorizationPolicy")
    });
    cases
}

#[test]
fn plaintext_is_let_in_as_ztunnel_lets_it_in() {
    let mut asked = 0;
    let cases = cases();
    for line in &cases {
        let resources = line["case"]["resources"].as_array().unwrap();
        let text: Vec<String> = resources.iter().map(Value::to_string).collect();
        let mesh = mesh(&text.join("\n---\n"));
        let requests = line["case"]["requests"].as_array().into_iter().flatten();
        for (request, want) in requests.zip(line["want"]["results"].as_array().into_iter().flatten()) {
            if request.get("principal").is_some() {
                continue;
            }
            let is_it = |workload: &ringwall_mesh::workloads::Workload| {
                request["workload"] == format!("{}/{}", workload.namespace, workload.name)
            };
            let index = mesh.workloads.all.iter().position(is_it).unwrap();
            let port = u16::try_from(request["port"].as_u64().unwrap()).unwrap();
            let want = want.as_str().unwrap();
            let name = format!("{} {request}", line["case"]["id"]);
            let is_strict = mesh.accepts(index, port) == Accepts::Strict;
            assert_eq!(is_strict, want.starts_with("deny"), "{name}");
            let is_missing = matches!(mesh.why_accepts(index, port), WhyAccepts::MissingPolicy(_));
            assert_eq!(is_missing, want.ends_with("missing-policy"), "{name}");
            asked += 1;
        }
    }
    assert!(cases.is_empty() || asked > 500, "only {asked} connections");
}
