//! Op `mtls`: who sends what to whom, in a small mesh.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_mesh::matrix::Matrix;
use ringwall_mesh::mesh::{Mesh, Settings};
use ringwall_mesh::sends::Why;
use ringwall_mesh::validate;
use ringwall_mesh::workloads::Workload;
use ringwall_model::snapshot::{Facts, Snapshot};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Answered, Line, objects, refused};

/// The ports of which a case asks what each pod takes in.
const PORTS: [u16; 2] = [8080, 9090];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case<'f> {
    id: String,
    #[serde(borrow)]
    mesh_config: Option<&'f RawValue>,
    #[serde(borrow)]
    resources: Vec<&'f RawValue>,
}

pub(super) fn answer(line: &Line<'_>) -> Result<Answered, String> {
    let case: Case<'_> = serde_json::from_str(line.case.get()).map_err(|error| error.to_string())?;
    let want: Value = serde_json::from_str(line.want.get()).map_err(|error| error.to_string())?;
    let snapshot = Snapshot::new(objects::objects(&case.id, &case.resources)?, Facts::default());
    for (_, object) in snapshot.objects() {
        let verdict = validate::validate(object).unwrap_or_default();
        if let Some(error) = verdict.errors.first() {
            return Ok(refused(&want, &error.message));
        }
    }
    // The reference read the rules of a case as from files, where it knows no domain.
    let settings = Settings { rule_domain: "", ..Settings::default() };
    let mesh = Mesh::of(&snapshot, objects::mesh(case.mesh_config)?, &settings);
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
        if flow.why == Why::Unseen {
            // A proxy that does not see the service has nothing about it: the reference has no pair then.
            continue;
        }
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
        pairs.insert(ordered(&pair));
    }
    let wanted: BTreeSet<String> = want["pairs"].as_array().into_iter().flatten().map(ordered).collect();
    let difference = difference(&wanted, &pairs);
    let servers = Answered::exact(&want["servers"], json!(servers));
    let verdict = json!({ "servers": servers.verdict, "pairs": pairs });
    Ok(Answered { verdict, difference: servers.difference.or(difference), skipped: false })
}

/// The pairs that are in one of both alone.
fn difference(want: &BTreeSet<String>, got: &BTreeSet<String>) -> Option<String> {
    let missing = want.difference(got).map(|pair| format!("want {pair}"));
    let lines: Vec<String> = missing.chain(got.difference(want).map(|pair| format!("got  {pair}"))).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// A pair as text, its keys in order.
fn ordered(pair: &Value) -> String {
    let fields: BTreeMap<&str, &Value> =
        pair.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value)).collect();
    json!(fields).to_string()
}
