//! Who sends what to whom, in a small mesh.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_mesh::config::MeshConfig;
use ringwall_mesh::matrix::Matrix;
use ringwall_mesh::mesh::Mesh;
use ringwall_mesh::validate;
use ringwall_mesh::workloads::Workload;
use ringwall_model::snapshot::{Facts, Snapshot};
use serde_json::{Value, json};

use super::{Answered, Question};

/// The ports of which a case asks what each pod takes in.
const PORTS: [u16; 2] = [8080, 9090];

pub(super) fn answer(case: &Question<'_>, want: &Value) -> Result<Answered, String> {
    let snapshot = Snapshot::new(case.objects()?, Facts::default());
    if !want["error"].is_null() {
        // The control plane refuses an object: nothing more is asked than that.
        let refuses = |(_, object)| validate::validate(object).is_some_and(|verdict| !verdict.is_accepted());
        let verdict = json!({ "error": snapshot.objects().any(refuses) });
        return Ok(Answered::exact(&json!({ "error": true }), verdict));
    }
    let mesh = Mesh::of(&snapshot, config(&case.mesh_config), &[], false);
    let name = |workload: &Workload| format!("{}/{}", workload.namespace, workload.name);
    let mut servers = BTreeMap::new();
    for (index, workload) in mesh.workloads.all.iter().enumerate() {
        for port in PORTS {
            servers.insert(format!("{}:{port}", name(workload)), mesh.accepts(index, port).name());
        }
    }
    let matrix = Matrix::of(&mesh);
    let mut pairs = BTreeSet::new();
    for row in matrix.rows() {
        let (flow, service) = (row.flow, &mesh.services[row.service]);
        let mut pair = json!({
            "client": name(&mesh.workloads.all[row.client]),
            "server": name(&mesh.workloads.all[flow.server]),
            "service": service.host,
            "port": service.ports[flow.port].number,
            "targetPort": flow.target,
            "sends": flow.sends.name(),
            "result": flow.outcome.name(),
        });
        if let Some(subset) = row.subset(&mesh) {
            pair["subset"] = json!(subset);
        }
        pairs.insert(pair.to_string());
    }
    let wanted: BTreeSet<String> = want["pairs"].as_array().into_iter().flatten().map(ordered).collect();
    let got = json!({ "servers": servers, "pairs": pairs });
    Ok(Answered::exact(&json!({ "servers": want["servers"], "pairs": wanted }), got))
}

/// A pair as text, its keys in order.
fn ordered(pair: &Value) -> String {
    let fields: BTreeMap<&str, &Value> =
        pair.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value)).collect();
    json!(fields).to_string()
}

fn config(overrides: &Value) -> MeshConfig {
    let mut config = MeshConfig::default();
    if let Some(root) = overrides["rootNamespace"].as_str() {
        root.clone_into(&mut config.root_namespace);
    }
    if let Some(enabled) = overrides["enableAutoMtls"].as_bool() {
        config.enable_auto_mtls = enabled;
    }
    config
}
