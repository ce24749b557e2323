//! Area `netpol`: who reaches whom, at each probe from each endpoint to each other.

use std::path::Path;
use std::sync::Arc;

use ringwall_input::{Limits, json};
use ringwall_model::address::{Address, Family};
use ringwall_model::finding::Verdict;
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_model::text::Source;
use ringwall_network::cluster::Cluster;
use ringwall_network::engine::{Engine, Options};
use ringwall_network::judge::End;
use ringwall_network::policy::Direction;
use ringwall_network::port::{Port, Protocol};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Answered, Area, Case};

pub(crate) struct Netpol;

#[derive(Deserialize)]
struct Line<'f> {
    #[serde(borrow)]
    resources: Vec<&'f RawValue>,
    #[serde(default)]
    endpoints: Vec<String>,
    #[serde(default, rename = "extraIPs")]
    extra: Vec<String>,
    probes: Vec<Probe>,
    expect: Expected,
}

#[derive(Deserialize)]
struct Probe {
    protocol: String,
    port: u16,
}

#[derive(Deserialize)]
struct Expected {
    endpoints: Vec<String>,
    matrix: Vec<Vec<String>>,
}

impl Area for Netpol {
    fn name(&self) -> &'static str {
        "netpol"
    }

    fn mode_of(&self, stem: &str) -> Option<&'static str> {
        // All files are read the same way, whatever their name; np-guard's index has a form of its own.
        (stem != "index").then_some("matrix")
    }

    fn answer(&self, _mode: &str, case: &Case<'_>, _folder: &Path) -> Answered {
        match answer(case) {
            Ok(answered) => answered,
            Err(error) => Answered::unanswered(error),
        }
    }
}

fn answer(case: &Case<'_>) -> Result<Answered, String> {
    let line: Line<'_> = case.read().map_err(|error| error.to_string())?;
    let mut objects = Vec::with_capacity(line.resources.len());
    for resource in &line.resources {
        let source = Arc::new(Source::new(case.id.as_str(), resource.get().to_owned()));
        let tree = json::parse(&source, &Limits::default()).map_err(|error| error.to_string())?;
        let tree = Arc::new(tree);
        let object = Object::read(&tree, tree.root(), FieldPath::root());
        objects.push(object.map_err(|error| format!("{error:?}"))?);
    }
    let snapshot = Snapshot::new(objects, Facts::default());
    let cluster = Cluster::of(&snapshot, &[]);
    let engine = Engine::new(&cluster, Options::default());
    let endpoints = endpoints(&cluster, &line)?;
    let mut matrix = Vec::with_capacity(line.probes.len());
    for probe in &line.probes {
        let protocol = Protocol::parse(&probe.protocol).ok_or("no such protocol")?;
        let port = Port { protocol, number: probe.port };
        let row = |source: &(String, Address)| -> String {
            let source = cluster.end_of(source.1);
            endpoints
                .iter()
                .map(|other| letter(&cluster, &engine, source, cluster.end_of(other.1), port))
                .collect()
        };
        matrix.push(endpoints.iter().map(row).collect::<Vec<String>>());
    }
    let names: Vec<&String> = endpoints.iter().map(|(name, _)| name).collect();
    let difference = if names.iter().copied().ne(&line.expect.endpoints) {
        Some(format!("want endpoints {:?}\ngot  {names:?}", line.expect.endpoints))
    } else {
        first_difference(&line, &matrix)
    };
    Ok(Answered {
        verdict: json!({ "endpoints": names, "matrix": Value::from(matrix.clone()) }),
        difference,
        skipped: false,
    })
}

/// The first letter that is another; `?` is asserted by nobody.
fn first_difference(line: &Line<'_>, matrix: &[Vec<String>]) -> Option<String> {
    for ((probe, want), got) in line.probes.iter().zip(&line.expect.matrix).zip(matrix) {
        for ((source, want), got) in line.expect.endpoints.iter().zip(want).zip(got) {
            for ((destination, want), got) in line.expect.endpoints.iter().zip(want.chars()).zip(got.chars())
            {
                if want != got && want != '?' {
                    let (protocol, port) = (&probe.protocol, probe.port);
                    return Some(format!(
                        "{protocol} {port} from {source} to {destination}\nwant {want}\ngot  {got}"
                    ));
                }
            }
        }
    }
    (line.expect.matrix.len() != matrix.len()).then(|| "not as many probes".to_owned())
}

/// The letter for a pair of endpoints.
fn letter(cluster: &Cluster, engine: &Engine, source: End<'_>, destination: End<'_>, port: Port) -> char {
    if source.family != destination.family || (source.pod.is_none() && destination.pod.is_none()) {
        return '-';
    }
    if source.address == destination.address {
        return 's';
    }
    let node = |end: End<'_>| end.pod.and_then(|pod| cluster.pods[pod].node.as_deref());
    if destination.pod.is_none() && node(source).is_some() && node(source) == destination.node {
        return '?';
    }
    let (Some(from), Some(to)) = (engine.class_of(source), engine.class_of(destination)) else { return '!' };
    let own_node = source.pod.is_none() && source.node.is_some() && node(destination) == source.node;
    let egress = engine.side(Direction::Egress, from, to).verdict(port) == Verdict::Yes;
    let ingress = own_node || engine.side(Direction::Ingress, to, from).verdict(port) == Verdict::Yes;
    match (egress, ingress) {
        (true, true) => '.',
        (false, true) => 'e',
        (true, false) => 'i',
        (false, false) => 'x',
    }
}

/// Names and addresses: those that the case states, or all addresses of pods that run, of nodes, and those beside.
fn endpoints(cluster: &Cluster, line: &Line<'_>) -> Result<Vec<(String, Address)>, String> {
    let family = |address: &Address| match address.family {
        Family::V4 => "4",
        Family::V6 => "6",
    };
    let mut all = Vec::new();
    let mut pods: Vec<_> = cluster.pods.iter().filter(|pod| !pod.finished).collect();
    pods.sort_by_key(|pod| format!("{}/{}", pod.namespace, pod.name));
    for pod in pods {
        for address in &pod.addresses {
            all.push((format!("pod:{}/{}#{}", pod.namespace, pod.name, family(address)), *address));
        }
    }
    for node in &cluster.nodes {
        for (kind, address) in &node.addresses {
            if kind == "InternalIP" || !line.endpoints.is_empty() {
                all.push((format!("node:{}#{}", node.name, family(address)), *address));
            }
        }
    }
    let parse = |text: &str| Address::parse(text).ok_or_else(|| format!("bad address {text}"));
    for text in &line.extra {
        all.push((format!("ip:{text}"), parse(text)?));
    }
    if line.endpoints.is_empty() {
        return Ok(all);
    }
    let find = |name: &String| {
        if let Some(text) = name.strip_prefix("ip:") {
            return Ok((name.clone(), parse(text)?));
        }
        let found = all.iter().find(|(other, _)| other == name || other.split('#').next() == Some(name));
        found.map(|(_, address)| (name.clone(), *address)).ok_or_else(|| format!("no endpoint {name}"))
    };
    line.endpoints.iter().map(find).collect()
}
