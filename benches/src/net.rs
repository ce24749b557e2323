//! Network policies: from objects that are read to the answers for all pairs.

use std::path::PathBuf;

use ringwall_input::{Options as Reading, load};
use ringwall_model::selector::Selector;
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_network::cluster::Cluster;
use ringwall_network::engine::{Engine, Options};
use ringwall_network::live::{Change, Effect, Live, Maker};
use ringwall_network::policy::{Action, Namespaces, Peer, PodSet, Policy, PolicyKind, Rule, Tier};
use ringwall_network::port::{Port, PortMatch, Protocol};

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
    }))?;
    changes(cluster, plan)
}

/// What one change costs in a cluster whose answers are kept.
fn changes(cluster: Cluster, plan: Plan) -> Result<(), String> {
    let (policies, pods) = (cluster.policies.clone(), cluster.pods.clone());
    let mut live = Live::new(cluster, Options::default());
    let mut round = 0_usize;
    if !policies.is_empty() {
        // Each policy gets the rules of another, and its own again in the next round.
        print(&measure("a policy changed (changes)", policies.len(), 0, plan, |at| {
            round += usize::from(at == 0);
            let mut policy = policies[at].clone();
            if round % 2 == 1 {
                let other = &policies[(at + 1) % policies.len()];
                (policy.ingress, policy.egress) = (other.ingress.clone(), other.egress.clone());
            }
            let object = policy.object;
            live.apply(Change::Policy { object, policy: Some(Box::new(policy)), refusals: Vec::new() });
            true
        }))?;
    }
    // Denies something to all pods of the cluster, in turns for one port and another.
    print(&measure("an administrator's policy changed (changes)", 1, 0, plan, |_| {
        round += 1;
        let all =
            PodSet { namespaces: Namespaces::Selected(Selector::everything()), pods: Selector::everything() };
        let number = 80 + (round % 2) as u16;
        let port = PortMatch::Range { protocol: Protocol::Tcp, first: number, last: number };
        let peers = Some(vec![Peer::Pods(all.clone())]);
        let rule = Rule { action: Action::Deny, peers, ports: Some(vec![port]) };
        let policy = Policy {
            kind: PolicyKind::AdminNetworkPolicy,
            object: usize::MAX,
            namespace: None,
            name: "all".to_owned(),
            tier: Tier::Admin,
            priority: 1,
            subject: vec![all],
            ingress: Some(vec![rule]),
            egress: None,
        };
        let change =
            Change::Policy { object: usize::MAX, policy: Some(Box::new(policy)), refusals: Vec::new() };
        live.apply(change) == Effect::Updated
    }))?;
    live.apply(Change::Policy { object: usize::MAX, policy: None, refusals: Vec::new() });
    let mut labelled = |name: &str, is_new: bool| {
        print(&measure(name, pods.len(), 0, plan, |at| {
            round += usize::from(at == 0);
            let mut pod = pods[at].clone();
            if round % 2 == 1 {
                let other = pods[(at + 1) % pods.len()].labels.get("tier").unwrap_or_default();
                pod.labels.set("tier", if is_new { "new" } else { other });
            }
            let maker = Maker { object: pod.object, kind: "Pod".to_owned(), name: pod.name.clone() };
            live.apply(Change::Pods { object: pod.object, pods: vec![pod], maker });
            true
        }))
    };
    labelled("a pod relabelled, as others are (changes)", false)?;
    labelled("a pod relabelled, as no other is (changes)", true)?;
    let mut names: Vec<String> = live.cluster().namespaces.keys().cloned().collect();
    names.sort_unstable();
    print(&measure("a namespace relabelled (changes)", names.len(), 0, plan, |at| {
        round += usize::from(at == 0);
        let mut labels = live.cluster().namespaces[&names[at]].clone();
        let team = if round % 2 == 1 { "t1" } else { "t2" };
        labels.set("team", team);
        live.apply(Change::Namespace { name: names[at].clone(), labels: Some(labels) });
        true
    }))
}
