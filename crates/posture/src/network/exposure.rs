//! What is open: to the outside, to the whole cluster, to pods that are yet to come.
//!
//! What is yet to come is judged by pods that are thought of: one without labels in a namespace that nothing names, and one without labels in
//! each namespace that is there.

use std::collections::{BTreeMap, HashMap};

use ringwall_model::address::{Address, Block, Family};
use ringwall_model::finding::{Location, Verdict};
use ringwall_network::cluster::{Cluster, NAME_LABEL, Pod};
use ringwall_network::engine::{Engine, Options, Ports};
use ringwall_network::entries::{EntryKind, Seen};
use ringwall_network::policy::{Action, Direction, Peer, Policy};
use ringwall_network::port_set::PortSet;

use crate::network::reach::{outside_of, private};
use crate::network::{Network, words};

/// How open a workload is.
#[derive(Clone, Debug)]
pub struct Exposure {
    /// Its index in the parties.
    pub party: u32,
    /// The ways from outside that lead to it, and what of them policies let pass.
    pub entries: Vec<Way>,
    /// What its policies let any address outside reach, were there a way to it.
    pub from_outside: Ports,
    /// What a pod without labels in a namespace without labels reaches of it.
    pub from_cluster: Ports,
    /// What a pod without labels in its own namespace reaches of it.
    pub from_namespace: Ports,
    /// What it reaches of addresses on the internet.
    pub to_outside: Ports,
    /// What it reaches of a pod without labels in a namespace without labels.
    pub to_cluster: Ports,
}

impl Exposure {
    /// What the outside reaches of it, by any way; for certain, and perhaps.
    pub fn internet(&self) -> Ports {
        self.entries.iter().fold(Ports::none(), |all, way| Ports {
            yes: if way.verdict == Verdict::Yes { all.yes.or(&way.ports) } else { all.yes },
            may: if way.verdict == Verdict::No { all.may } else { all.may.or(&way.ports) },
        })
    }
}

/// A way from outside to a workload.
#[derive(Clone, Debug)]
pub struct Way {
    /// The entry, by index in the network's entries.
    pub entry: usize,
    /// The ports of the workload that it leads to.
    pub ports: PortSet,
    /// Whether the workload's policies let that pass.
    pub verdict: Verdict,
}

/// Pods that policies speak of and that are not there: whoever makes one is let in.
#[derive(Clone, Debug)]
pub struct Potential {
    /// The policy.
    pub policy: usize,
    /// Who they are, in words.
    pub peer: String,
    /// What they may do.
    pub direction: Direction,
    /// On which ports, in words.
    pub ports: String,
    /// The ends that the policy selects.
    pub selects: Vec<u32>,
    /// Where the peer is written.
    pub location: Location,
}

/// A namespace that no policy names.
const STRANGE: &str = "a-namespace-yet-to-come";

/// How open each workload is, in the order of the parties. Costs an engine over the pods and those that are thought of, and for each
/// workload a look at the classes of addresses and at the entries that lead to it.
pub fn exposure(network: &Network<'_>) -> Vec<Exposure> {
    let thought = with_strangers(&network.cluster);
    let engine = Engine::new(&thought.cluster, Options::default());
    let ways = ways(network);
    let private = private();
    let mut public: Vec<(Family, u32)> = Vec::new();
    for (number, class) in engine.classes().iter().filter(|(_, class)| !class.is_pod) {
        if class.ranges.iter().any(|(first, last)| outside_of(&private, *first, *last).is_some()) {
            public.push((class.family, number));
        }
    }
    let mut all = Vec::new();
    let mut known: HashMap<([Option<u32>; 2], String), [Ports; 5]> = HashMap::new();
    for index in network.parties.pods() {
        let party = &network.parties.all[index];
        let Some(pod) = party.pod else { continue };
        let classes = [Family::V4, Family::V6].map(|family| engine.classes().of_pod(pod, family));
        let ports = known.entry((classes, party.namespace.clone())).or_insert_with(|| {
            let mut ports = [const { Ports::none() }; 5];
            for (family, own) in [Family::V4, Family::V6].into_iter().zip(classes) {
                let Some(own) = own else { continue };
                let of = |pod: Option<&usize>| pod.and_then(|pod| engine.classes().of_pod(*pod, family));
                let others = public.iter().filter(|(other, _)| *other == family);
                let [outside, cluster, here, to_outside, to_cluster] = &mut ports;
                for (_, class) in others {
                    *outside = outside.or(&engine.connection(*class, own));
                    *to_outside = to_outside.or(&engine.connection(own, *class));
                }
                // A pod that is yet to come speaks what this one speaks.
                if let Some(stranger) = of(Some(&thought.stranger)) {
                    *cluster = cluster.or(engine.side(Direction::Ingress, own, stranger));
                    *to_cluster = to_cluster.or(engine.side(Direction::Egress, own, stranger));
                }
                if let Some(neighbour) = of(thought.neighbours.get(&party.namespace)) {
                    *here = here.or(&engine.connection(neighbour, own));
                }
            }
            ports
        });
        let [from_outside, from_cluster, from_namespace, to_outside, to_cluster] = ports.clone();
        let entries = ways.get(&(index as u32)).cloned().unwrap_or_default();
        all.push(Exposure {
            party: index as u32,
            entries,
            from_outside,
            from_cluster,
            from_namespace,
            to_outside,
            to_cluster,
        });
    }
    all
}

/// A cluster with pods that are yet to come.
struct Thought {
    cluster: Cluster,
    stranger: usize,
    neighbours: HashMap<String, usize>,
}

fn with_strangers(cluster: &Cluster) -> Thought {
    let mut cluster = cluster.clone();
    let mut names: Vec<String> = cluster.pods.iter().map(|pod| pod.namespace.clone()).collect();
    names.sort_unstable();
    names.dedup();
    let pod = |namespace: &str| Pod::thought_of(namespace, "");
    let mut neighbours = HashMap::new();
    for name in names {
        cluster.pods.push(pod(&name));
        neighbours.insert(name, cluster.pods.len() - 1);
    }
    let mut strange = STRANGE.to_owned();
    while cluster.namespaces.contains_key(&strange) {
        strange.push('-');
    }
    cluster.namespaces.entry(strange.clone()).or_default().set(NAME_LABEL, &strange);
    cluster.pods.push(pod(&strange));
    let stranger = cluster.pods.len() - 1;
    Thought { cluster, stranger, neighbours }
}

/// The ways to each end, by its index.
fn ways(network: &Network<'_>) -> HashMap<u32, Vec<Way>> {
    let mut ways: HashMap<u32, Vec<Way>> = HashMap::new();
    for (index, entry) in network.entries.iter().enumerate() {
        let mut services = entry.targets.iter().filter_map(|target| target.service);
        let is_internal = |service: usize| network.services.all[service].internal;
        if entry.kind == EntryKind::LoadBalancer && services.any(is_internal) {
            continue;
        }
        let mut by_end: BTreeMap<u32, (PortSet, Verdict)> = BTreeMap::new();
        for (pod, ports) in entry.reached() {
            for family in &network.parties.families {
                let Some(class) = network.engine.classes().of_pod(pod, *family) else { continue };
                let verdict = admitted(network, entry.seen, &entry.sources, class, *family, &ports);
                for end in network.parties.of_pod(network.cluster.pods[pod].workload, class) {
                    let (all, known) = by_end.entry(end).or_insert_with(|| (PortSet::none(), verdict));
                    *all = all.or(&ports);
                    // One way in is enough.
                    *known = match (*known, verdict) {
                        (Verdict::Yes, _) | (_, Verdict::Yes) => Verdict::Yes,
                        (Verdict::No, Verdict::No) => Verdict::No,
                        _ => Verdict::CannotTell,
                    };
                }
            }
        }
        for (end, (ports, verdict)) in by_end {
            ways.entry(end).or_default().push(Way { entry: index, ports, verdict });
        }
    }
    ways
}

/// Whether policies let pass what comes in by an entry.
///
/// A client whose address is kept is any address that the entry takes traffic from. A node passes traffic on under its own address: the one
/// on which the pod runs always reaches it, others where policies admit them, and to which of them a client comes is not known. A proxy is a pod or a node: what any of them reaches is let pass, but which of them it is
/// is known only where the policies admit some and not others.
fn admitted(
    network: &Network<'_>,
    seen: Seen,
    sources: &[Block],
    class: u32,
    family: Family,
    ports: &PortSet,
) -> Verdict {
    let private = private();
    let classes = network.engine.classes();
    let from = |from: u32| {
        let connection = network.matrix().get(from, class);
        match (connection.yes.meets(ports), connection.may.meets(ports)) {
            (true, _) => Verdict::Yes,
            (false, true) => Verdict::CannotTell,
            (false, false) => Verdict::No,
        }
    };
    let best = |verdicts: Vec<Verdict>| {
        if verdicts.contains(&Verdict::Yes) {
            Verdict::Yes
        } else if verdicts.contains(&Verdict::CannotTell) {
            Verdict::CannotTell
        } else {
            Verdict::No
        }
    };
    match seen {
        Seen::Client => {
            let comes = |(first, last): &(Address, Address)| {
                if sources.is_empty() {
                    return outside_of(&private, *first, *last).is_some();
                }
                sources.iter().any(|block| {
                    block.first <= *last && *first <= block.last() && block.first.family == first.family
                })
            };
            let outside =
                classes.iter().filter(|(_, other)| other.family == family && other.ranges.iter().any(comes));
            best(outside.map(|(other, _)| from(other)).collect())
        }
        Seen::Node => {
            let known =
                network.cluster.nodes.iter().flat_map(|node| &node.addresses).map(|(_, address)| *address);
            let known = known
                .filter(|address| address.family == family)
                .map(|address| network.engine.classes().of_address(address));
            let nodes: Vec<u32> = known.collect();
            let nodes = if nodes.is_empty() {
                Vec::from_iter(network.engine.classes().of_node(family))
            } else {
                nodes
            };
            let all = !nodes.is_empty() && nodes.into_iter().all(|node| from(node) == Verdict::Yes);
            if all { Verdict::Yes } else { Verdict::CannotTell }
        }
        Seen::Proxy => {
            let ends = network.parties.all.iter().filter_map(|party| party.class(family));
            let verdicts: Vec<Verdict> = ends.map(from).collect();
            let some = best(verdicts.clone());
            let all = verdicts.iter().all(|verdict| *verdict == Verdict::Yes);
            if some == Verdict::Yes && !all { Verdict::CannotTell } else { some }
        }
    }
}

/// Pods that rules speak of and that are not there. Costs a look at each pod for each peer, and at each end where one is found.
pub fn potential<'n>(network: &'n Network<'_>) -> impl Iterator<Item = Potential> + 'n {
    let policies = network.cluster.policies.iter().enumerate();
    let sides = policies.flat_map(|policy| Direction::ALL.map(|direction| (policy, direction)));
    let rules = sides.flat_map(|((index, policy), direction)| {
        let rules = policy.rules(direction).unwrap_or_default().iter().enumerate();
        rules.map(move |(at, rule)| (index, policy, direction, at, rule))
    });
    let allowed = rules.filter(|(.., rule)| rule.action == Action::Allow);
    allowed.flat_map(move |(index, policy, direction, at, rule)| {
        let peers = rule.peers.iter().flatten().enumerate();
        let absent = peers.filter(|(_, peer)| match peer {
            Peer::Pods(set) => !network.cluster.pods.iter().any(|pod| network.cluster.holds(set, pod)),
            _ => false,
        });
        absent.map(move |(which, peer)| Potential {
            policy: index,
            peer: words::peer(peer),
            direction,
            ports: words::ports(rule.ports.as_deref()),
            selects: network.selected(policy),
            location: network.eyes().place(policy, &Policy::peer_path(direction, at, which)),
        })
    })
}
