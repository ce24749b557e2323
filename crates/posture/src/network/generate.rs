//! Default deny, and the least policies that keep what is needed.
//!
//! For each namespace with workloads: a policy that denies all, one for DNS, and one for each workload that sends or receives. What is generated
//! has been judged: with these policies alone, all that is needed is open, and nothing between workloads is that was not asked for.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_edit::yaml;
use ringwall_model::address::{Block, Family};
use ringwall_model::finding::Verdict;
use ringwall_network::cluster::Cluster;
use ringwall_network::draft::{Draft, DraftPeer, DraftRule, Pick, free_name, is_taken, telling};
use ringwall_network::engine::{Engine, Options};
use ringwall_network::policy::Tier;
use ringwall_network::port::Port;
use ringwall_network::port_set::PortSet;

use crate::network::needs::{Need, NeedEnd};
use crate::network::{Network, words};

/// What was generated.
#[derive(Clone, Debug, Default)]
pub struct Generated {
    /// The policies, each as YAML of one object, by namespace.
    pub policies: Vec<GeneratedPolicy>,
    /// What is needed and is kept.
    pub kept: Vec<Need>,
    /// What is needed and no policy can keep, and why.
    pub open: Vec<(Need, String)>,
    /// What the policies keep open beside that, between workloads: source, destination, ports in words.
    pub wider: Vec<(String, String, String)>,
    /// What else there is to know, a sentence without full stop each.
    pub remarks: Vec<String>,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct GeneratedPolicy {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The object as YAML.
    pub text: String,
    /// What it is for, a line each.
    pub because: Vec<String>,
}

/// Where metadata of clouds is served: what has no business there is kept from it.
const METADATA: &str = "169.254.169.254/32";

/// Rules that are gathered for a workload and a direction: peers by the ports that they are for.
type Gathered = BTreeMap<(usize, bool), BTreeMap<Vec<DraftPeer>, BTreeSet<Port>>>;

/// Generates policies that keep `needs`. Costs the needs, and an engine over the pods to judge what was made.
pub fn generate(network: &Network<'_>, needs: Vec<Need>) -> Generated {
    let cluster = &network.cluster;
    let mut generated = Generated::default();
    let mut gathered = Gathered::new();
    let mut because: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let mut kept = Vec::new();
    for need in needs {
        match gather(network, &need, &mut gathered) {
            Ok(()) => {
                for end in [&need.from, &need.to] {
                    if let NeedEnd::Workload(index) = end {
                        because.entry(*index).or_default().push(told(network, &need));
                    }
                }
                kept.push(need);
            }
            Err(reason) => generated.open.push((need, reason)),
        }
    }
    let drafts = drafts(network, gathered, &because);
    let mut thought = cluster.clone();
    thought.policies.retain(|policy| policy.tier != Tier::Namespaced);
    for (draft, _) in &drafts {
        thought.policies.push(draft.policy());
    }
    thought.policies.sort_by(|a, b| a.order().cmp(&b.order()));
    check(network, &thought, kept, &mut generated);
    for (draft, because) in drafts {
        let text = yaml(&draft.value());
        generated.policies.push(GeneratedPolicy {
            namespace: draft.namespace,
            name: draft.name,
            text,
            because,
        });
    }
    if generated.kept.iter().any(|need| need.from == NeedEnd::EveryPod) {
        let remark = "which pods bring the requests of Ingresses and routes is not in the input: every pod may, and a namespace with a default \
                      deny needs a policy that lets them send";
        generated.remarks.push(remark.to_owned());
    }
    let existing = cluster.policies.iter().filter(|policy| policy.tier == Tier::Namespaced).count();
    if existing > 0 {
        let are = if existing == 1 {
            "1 NetworkPolicy is".to_owned()
        } else {
            format!("{existing} NetworkPolicies are")
        };
        generated
            .remarks
            .push(format!("{are} in the input already; what they allow stays allowed until they are gone"));
    }
    generated
}

/// A need in a line.
pub fn told(network: &Network<'_>, need: &Need) -> String {
    let location = need.location.as_ref().map(|location| format!(" ({location})")).unwrap_or_default();
    format!(
        "{} to {} on {}: {}{location}",
        called(network, &need.from),
        called(network, &need.to),
        need.port,
        need.because
    )
}

/// What an end is called.
pub fn called(network: &Network<'_>, end: &NeedEnd) -> String {
    match end {
        NeedEnd::Workload(index) => {
            let workload = &network.cluster.workloads[*index];
            format!("{}/{}", workload.namespace, workload.name)
        }
        NeedEnd::EveryPod => "every pod".to_owned(),
        NeedEnd::Everyone => "everyone".to_owned(),
        NeedEnd::Block(block) => block.to_string(),
        NeedEnd::Name(name) => name.clone(),
    }
}

/// Puts a need into the rules of both sides.
///
/// # Errors
/// No policy can keep it; why, as a sentence without full stop.
fn gather(network: &Network<'_>, need: &Need, gathered: &mut Gathered) -> Result<(), String> {
    let cluster = &network.cluster;
    let pod_of = |index: usize| {
        let pods = cluster.workloads[index].pods.iter().map(|pod| &cluster.pods[*pod]);
        pods.clone().find(|pod| pod.is_subject()).or_else(|| pods.clone().next())
    };
    let peers = |end: &NeedEnd, own: &str| -> Result<Vec<DraftPeer>, String> {
        Ok(match end {
            NeedEnd::Workload(index) => {
                let Some(pod) = pod_of(*index) else { return Err("it has no pods".to_owned()) };
                if pod.host_network {
                    return Err(format!(
                        "{}/{} is on the network of its node: its address is that of the node, which the manifests do not say",
                        pod.namespace, pod.name
                    ));
                }
                let (pods, _) = telling(cluster, pod);
                vec![DraftPeer::Pods {
                    namespace: (pod.namespace != own).then(|| pod.namespace.clone()),
                    pods,
                }]
            }
            NeedEnd::EveryPod => vec![DraftPeer::EveryPod],
            NeedEnd::Everyone => Vec::new(),
            NeedEnd::Block(block) => vec![DraftPeer::Block { block: *block, except: Vec::new() }],
            NeedEnd::Name(_) => {
                // A NetworkPolicy knows no names: the best is the internet without what is inside.
                let all = Block::parse("0.0.0.0/0").into_iter();
                let private = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", METADATA];
                let except: Vec<Block> = private.iter().filter_map(|text| Block::parse(text)).collect();
                all.map(|block| DraftPeer::Block { block, except: except.clone() }).collect()
            }
        })
    };
    let mut rules = Vec::new();
    for (end, other, is_egress) in [(&need.from, &need.to, true), (&need.to, &need.from, false)] {
        let NeedEnd::Workload(index) = end else { continue };
        let Some(pod) = pod_of(*index) else { return Err("it has no pods".to_owned()) };
        // No policy is about pods on the network of their node: nothing keeps them from sending.
        if !pod.host_network {
            rules.push(((*index, is_egress), peers(other, &pod.namespace)?));
        }
    }
    for (side, peers) in rules {
        gathered.entry(side).or_default().entry(peers).or_default().insert(need.port);
    }
    Ok(())
}

/// The policies of all namespaces with workloads.
fn drafts(
    network: &Network<'_>,
    gathered: Gathered,
    because: &BTreeMap<usize, Vec<String>>,
) -> Vec<(Draft, Vec<String>)> {
    let cluster = &network.cluster;
    let mut namespaces: BTreeMap<&str, Vec<(Draft, Vec<String>)>> = BTreeMap::new();
    for workload in &cluster.workloads {
        namespaces.entry(&workload.namespace).or_default();
    }
    for (namespace, drafts) in &mut namespaces {
        // What is there already is not to be written over.
        let fixed = |name: &str| free_name(|name| is_taken(cluster, namespace, name), name, "generated");
        let deny = Draft {
            namespace: (*namespace).to_owned(),
            name: fixed("default-deny"),
            subject: Pick::default(),
            ingress: Some(Vec::new()),
            egress: Some(Vec::new()),
        };
        drafts.push((deny, vec!["what no policy allows is closed".to_owned()]));
        let dns = Draft {
            namespace: (*namespace).to_owned(),
            name: fixed("allow-dns"),
            subject: Pick::default(),
            ingress: None,
            egress: Some(vec![DraftRule::dns(namespace)]),
        };
        drafts.push((dns, vec!["names are asked of the cluster's DNS, long answers over TCP".to_owned()]));
    }
    let mut by_workload: BTreeMap<usize, [Option<Vec<DraftRule>>; 2]> = BTreeMap::new();
    for ((index, is_egress), rules) in gathered {
        let rules =
            rules.into_iter().map(|(peers, ports)| DraftRule { peers, ports: ports.into_iter().collect() });
        // Rules for the same ports are one with more peers; one for everyone stays alone.
        let mut joined: Vec<DraftRule> = Vec::new();
        for rule in rules {
            let same = |known: &&mut DraftRule| {
                known.ports == rule.ports && known.peers.is_empty() == rule.peers.is_empty()
            };
            match joined.iter_mut().find(same) {
                Some(known) => {
                    known.peers.extend(rule.peers);
                    known.peers.sort();
                    known.peers.dedup();
                }
                None => joined.push(rule),
            }
        }
        // What everyone may, nobody needs to be named for.
        let open: BTreeSet<Port> = joined
            .iter()
            .filter(|rule| rule.peers.is_empty())
            .flat_map(|rule| rule.ports.iter().copied())
            .collect();
        for rule in joined.iter_mut().filter(|rule| !rule.peers.is_empty()) {
            rule.ports.retain(|port| !open.contains(port));
        }
        joined.retain(|rule| !rule.ports.is_empty());
        by_workload.entry(index).or_default()[usize::from(is_egress)] = Some(joined);
    }
    for (index, [ingress, egress]) in by_workload {
        let workload = &cluster.workloads[index];
        let Some(pod) = workload.pods.iter().map(|pod| &cluster.pods[*pod]).find(|pod| pod.is_subject())
        else {
            continue;
        };
        let Some(drafts) = namespaces.get_mut(workload.namespace.as_str()) else { continue };
        let (subject, _) = telling(cluster, pod);
        let taken = |name: &str| {
            drafts.iter().any(|(draft, _)| draft.name == name) || is_taken(cluster, &workload.namespace, name)
        };
        let name = free_name(taken, &workload.name.replace('.', "-"), "generated");
        let mut why = because.get(&index).cloned().unwrap_or_default();
        why.dedup();
        drafts.push((Draft { namespace: workload.namespace.clone(), name, subject, ingress, egress }, why));
    }
    namespaces.into_values().flatten().collect()
}

/// Judges what was made: each need must be open, and what else is open between workloads is told.
fn check(network: &Network<'_>, thought: &Cluster, kept: Vec<Need>, generated: &mut Generated) {
    let engine = Engine::new(thought, Options::default());
    let class = |index: usize| {
        let mut pods = thought.workloads[index].pods.iter().copied();
        pods.find_map(|pod| {
            engine.classes().of_pod(pod, Family::V4).or_else(|| engine.classes().of_pod(pod, Family::V6))
        })
    };
    let mut wanted: BTreeMap<(usize, usize), BTreeSet<Port>> = BTreeMap::new();
    let mut any: BTreeMap<usize, BTreeSet<Port>> = BTreeMap::new();
    for need in kept {
        if let (NeedEnd::Workload(from), NeedEnd::Workload(to)) = (&need.from, &need.to) {
            wanted.entry((*from, *to)).or_default().insert(need.port);
            let verdict = match (class(*from), class(*to)) {
                (Some(from), Some(to)) => engine.verdict(from, to, need.port),
                _ => Verdict::CannotTell,
            };
            if verdict == Verdict::No {
                let by =
                    thought.policies.iter().find(|policy| policy.tier != Tier::Namespaced).map(words::policy);
                let reason = by.map_or_else(
                    || "the policies that were made do not open it".to_owned(),
                    |by| format!("a policy of the cluster's administrators denies it, as {by} may"),
                );
                generated.open.push((need, reason));
                continue;
            }
        } else if let (NeedEnd::EveryPod | NeedEnd::Everyone, NeedEnd::Workload(to)) = (&need.from, &need.to)
        {
            any.entry(*to).or_default().insert(need.port);
        }
        generated.kept.push(need);
    }
    // Where labels do not tell workloads apart, policies let more pass than was asked for.
    let classes: Vec<(usize, u32)> =
        (0..thought.workloads.len()).filter_map(|index| Some((index, class(index)?))).collect();
    for (from, a) in &classes {
        for (to, b) in classes.iter().filter(|(to, _)| to != from) {
            let open = engine.connection(*a, *b).yes;
            let mut asked = PortSet::none();
            let ports = wanted.get(&(*from, *to)).into_iter().chain(any.get(to)).flatten();
            for port in ports {
                asked = asked.or(&PortSet::one(*port));
            }
            let more = open.minus(&asked);
            if !more.is_empty() {
                let name = |index: usize| called(network, &NeedEnd::Workload(index));
                generated.wider.push((name(*from), name(*to), more.to_string()));
            }
        }
    }
}
