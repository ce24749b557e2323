//! Network policies: from objects that are read to the answers for all pairs.

use std::path::PathBuf;

use ringwall_input::{Options as Reading, load};
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_network::cluster::Cluster;
use ringwall_network::engine::{Engine, Options};
use ringwall_network::port::{Port, Protocol};

use crate::measure::{Plan, measure, print};

pub(crate) fn run(paths: &[PathBuf], plan: Plan) -> Result<(), String> {
    let reading = Reading { render: false, ..Reading::default() };
    let objects = load(paths, &mut std::io::empty(), &reading, &()).objects;
    let snapshot = Snapshot::new(objects, Facts::default());
    let cluster = Cluster::of(&snapshot, &[]);
    if cluster.pods.is_empty() {
        return Err("no pods here".to_owned());
    }
    print(&measure("cluster (snapshots)", 1, 0, plan, |_| Cluster::of(&snapshot, &[]).policies.is_empty()))?;
    print(&measure("engine (snapshots)", 1, 0, plan, |_| {
        Engine::new(&cluster, Options::default()).classes().is_empty()
    }))?;
    print(&measure("snapshot to all pairs (snapshots)", 1, 0, plan, |_| {
        let cluster = Cluster::of(&snapshot, &[]);
        Engine::new(&cluster, Options::default()).matrix().connections().is_empty()
    }))?;
    let engine = Engine::new(&cluster, Options::default());
    print(&measure("all pairs (engines)", 1, 0, plan, |_| engine.matrix().connections().is_empty()))?;
    let count = engine.classes().len();
    let port = Port { protocol: Protocol::Tcp, number: 8080 };
    print(&measure("pair (pairs)", count * count, 0, plan, |pair| {
        let (from, to) = ((pair / count) as u32, (pair % count) as u32);
        engine.verdict(from, to, port) == ringwall_model::finding::Verdict::Yes
    }))
}
