//! Any objects make a cluster without a panic, and the engine says of pairs, directions and ports what the walk through the
//! policies says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringwall_input::{Limits, read_text};
use ringwall_model::address::{Address, Block, Family};
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_network::cluster::Cluster;
use ringwall_network::engine::{Engine, Options};
use ringwall_network::judge::{End, Ground};
use ringwall_network::policy::{Direction, Peer, Rule};
use ringwall_network::port::{Port, PortMatch, Protocol};

/// So many of the pods are asked of, of the addresses, and of the ports.
const ASKED: usize = 10;

/// All rules of a cluster.
fn rules(cluster: &Cluster) -> impl Iterator<Item = &Rule> {
    let policies = cluster.policies.iter();
    policies.flat_map(|policy| Direction::ALL.into_iter().filter_map(|side| policy.rules(side)).flatten())
}

/// Pods, addresses at the borders of the blocks that policies name, and addresses that nobody knows.
fn ends(cluster: &Cluster) -> Vec<End<'_>> {
    let mut ends = Vec::new();
    for (index, pod) in cluster.pods.iter().enumerate().filter(|(_, pod)| pod.is_subject()).take(ASKED) {
        for family in cluster.families(pod) {
            let address = pod.addresses.iter().copied().find(|address| address.family == family);
            ends.push(End { family, address, pod: Some(index), node: None });
        }
    }
    let blocks = rules(cluster).flat_map(|rule| rule.peers.iter().flatten()).flat_map(|peer| match peer {
        Peer::Addresses { blocks, except } => [&blocks[..], except].concat(),
        _ => Vec::new(),
    });
    let of_nodes =
        cluster.nodes.iter().flat_map(|node| &node.addresses).map(|(_, address)| Block::of(*address));
    let borders = of_nodes.chain(blocks).take(ASKED).flat_map(|block| {
        let behind = Address { bits: block.last().bits.wrapping_add(1), ..block.first };
        [block.first, block.last(), if Block::of(behind).last() == behind { behind } else { block.first }]
    });
    let outside = ["192.0.2.1", "2001:db8::1"].into_iter().filter_map(Address::parse);
    let of_addresses = borders.chain(outside).map(|address| cluster.end_of(address));
    ends.extend(of_addresses.filter(|end| end.pod.is_none()));
    ends.extend([Family::V4, Family::V6].map(|family| End { family, address: None, pod: None, node: None }));
    ends
}

/// The ports at the borders of what policies name, those that pods declare, and one that nobody speaks of.
fn ports(cluster: &Cluster) -> Vec<Port> {
    let named = rules(cluster).flat_map(|rule| rule.ports.iter().flatten()).flat_map(|port| match *port {
        PortMatch::Range { protocol, first, last } => {
            [first, last, last.wrapping_add(1)].map(|number| Port { protocol, number }).to_vec()
        }
        _ => Vec::new(),
    });
    let declared = cluster.pods.iter().flat_map(|pod| &pod.ports).map(|declared| declared.port);
    let mut ports: Vec<Port> = declared.take(ASKED).chain(named.take(2 * ASKED)).collect();
    ports.extend(Protocol::ALL.map(|protocol| Port { protocol, number: 4444 }));
    ports.sort_unstable();
    ports.dedup();
    ports
}

fuzz_target!(|text: &str| {
    let limits = Limits { depth: 100, nodes: 1 << 14, ..Limits::default() };
    let read = read_text("fuzz", text.to_owned(), &limits);
    let snapshot = Snapshot::new(read.objects, Facts::default());
    let cluster = Cluster::of(&snapshot, &[]);
    let engine = Engine::new(&cluster, Options::default());
    let matrix = engine.matrix();
    assert_eq!(matrix.count(), engine.classes().len());
    for refusal in cluster.refusals.iter().map(|(_, refusal)| refusal) {
        assert!(refusal.span.end as usize <= text.len(), "{refusal:?} lies outside of the text");
    }
    let (ends, ports) = (ends(&cluster), ports(&cluster));
    for source in &ends {
        for destination in ends.iter().filter(|end| end.family == source.family) {
            let (from, to) = match (engine.class_of(*source), engine.class_of(*destination)) {
                (Some(from), Some(to)) => (from, to),
                _ => panic!("no class for {source:?} or {destination:?}"),
            };
            assert_eq!(matrix.get(from, to), &engine.connection(from, to));
            for (direction, subject, peer) in [(Direction::Ingress, to, from), (Direction::Egress, from, to)]
            {
                for port in &ports {
                    let judged = cluster.judge(direction, *source, *destination, *port);
                    // That its own node reaches a pod is said of two ends, and not of two classes.
                    if judged.outcomes.iter().any(|outcome| outcome.ground == Ground::OwnNode) {
                        continue;
                    }
                    let answered = engine.side(direction, subject, peer).verdict(*port);
                    assert_eq!(
                        judged.verdict(),
                        answered,
                        "{direction:?} {port} from {source:?} to {destination:?}: {judged:?}\n{text}"
                    );
                }
            }
        }
    }
});
