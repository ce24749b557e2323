//! The engine says of every pair, direction and port what the walk through the policies says.

use proptest::prelude::*;
use ringwall_model::address::{Address, Family};
use ringwall_network::cluster::Cluster;
use ringwall_network::engine::{Engine, Options};
use ringwall_network::judge::{End, Ground};
use ringwall_network::policy::Direction;
use ringwall_network::port::{Port, Protocol};

use crate::random::{self, Random};

pub(crate) const PORTS: [(Protocol, u16); 8] = [
    (Protocol::Tcp, 80),
    (Protocol::Tcp, 8080),
    (Protocol::Tcp, 53),
    (Protocol::Tcp, 99),
    (Protocol::Udp, 53),
    (Protocol::Udp, 8080),
    (Protocol::Sctp, 80),
    (Protocol::Tcp, 65535),
];

/// All that can send or receive, and addresses inside and outside of every block.
pub(crate) fn ends(cluster: &Cluster) -> Vec<End<'_>> {
    let mut ends = Vec::new();
    for (index, pod) in cluster.pods.iter().enumerate().filter(|(_, pod)| pod.is_subject()) {
        for family in cluster.families(pod) {
            let address = pod.addresses.iter().copied().find(|address| address.family == family);
            ends.push(End { family, address, pod: Some(index), node: None });
        }
    }
    for text in [
        "10.0.1.77",
        "10.9.9.9",
        "192.0.2.1",
        "8.8.8.8",
        "172.18.0.2",
        "172.18.0.9",
        "fd00::99",
        "2001:db8::1",
    ] {
        let end = cluster.end_of(Address::parse(text).expect("an address"));
        if end.pod.is_none() {
            ends.push(end);
        }
    }
    for family in [Family::V4, Family::V6] {
        ends.push(End { family, address: None, pod: None, node: None });
    }
    ends
}

/// The first pair of which the two say something else.
pub(crate) fn disagreement(cluster: &Cluster, engine: &Engine) -> Option<String> {
    let ends = ends(cluster);
    for source in &ends {
        for destination in ends.iter().filter(|end| end.family == source.family) {
            let (Some(from), Some(to)) = (engine.class_of(*source), engine.class_of(*destination)) else {
                return Some(format!("no class for {source:?} or {destination:?}"));
            };
            for (direction, subject, peer) in [(Direction::Ingress, to, from), (Direction::Egress, from, to)]
            {
                for (protocol, number) in PORTS {
                    let port = Port { protocol, number };
                    let judged = cluster.judge(direction, *source, *destination, port);
                    if judged.outcomes.iter().any(|outcome| outcome.ground == Ground::OwnNode) {
                        continue;
                    }
                    let answered = engine.side(direction, subject, peer).verdict(port);
                    if judged.verdict() != answered {
                        return Some(format!(
                            "{direction:?} {port} from {source:?} to {destination:?}: {judged:?}, and the engine says {answered:?}"
                        ));
                    }
                }
            }
        }
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_agrees_with_the_walk(seed: u64) {
        let objects = random::cluster(&mut Random::new(seed));
        let snapshot = random::snapshot(&objects);
        let cluster = Cluster::of(&snapshot, &[]);
        let engine = Engine::new(&cluster, Options::default());
        prop_assert_eq!(disagreement(&cluster, &engine), None);
        let matrix = engine.matrix();
        for (from, _) in engine.classes().iter() {
            for (to, _) in engine.classes().iter() {
                prop_assert_eq!(matrix.get(from, to), &engine.connection(from, to));
            }
        }
    }
}
