//! What was seen, as what is needed.

use std::collections::{BTreeMap, HashMap};

use ringwall_model::address::{Address, Block};
use ringwall_model::flow::{Flow, FlowEnd};
use ringwall_network::port::{Port, Protocol};

use crate::network::Network;
use crate::network::needs::{Need, NeedEnd};

/// The needs that flows prove, and the flows whose ends are not in the input, each with a word about why.
pub fn needs(network: &Network<'_>, flows: &BTreeMap<Flow, u64>) -> (Vec<Need>, Vec<String>) {
    let mut index = Index { network, by_name: HashMap::new(), by_address: HashMap::new() };
    for (at, workload) in network.cluster.workloads.iter().enumerate() {
        index.by_name.insert((&workload.namespace, &workload.name), at);
    }
    for pod in &network.cluster.pods {
        if !pod.template {
            index.by_name.entry((&pod.namespace, &pod.name)).or_insert(pod.workload);
        }
        for address in pod.addresses.iter().filter(|_| pod.is_subject()) {
            index.by_address.insert(*address, pod.workload);
        }
    }
    let mut seen: BTreeMap<(NeedEnd, NeedEnd, Port), u64> = BTreeMap::new();
    let mut unknown = Vec::new();
    for (flow, count) in flows {
        let Some(protocol) = Protocol::parse(flow.protocol) else { continue };
        let port = Port { protocol, number: flow.port };
        match (index.end(&flow.source), index.end(&flow.destination)) {
            (Ok(from), Ok(to)) => {
                // What is between two ends outside is no business of policies.
                let inside = |end: &NeedEnd| matches!(end, NeedEnd::Workload(_));
                if inside(&from) || inside(&to) {
                    *seen.entry((from, to, port)).or_default() += count;
                }
            }
            (Err(reason), _) | (_, Err(reason)) => unknown.push(reason),
        }
    }
    unknown.sort();
    unknown.dedup();
    let need = |((from, to, port), count): ((NeedEnd, NeedEnd, Port), u64)| Need {
        from,
        to,
        port,
        because: if count == 1 { "seen once".to_owned() } else { format!("seen {count} times") },
        location: None,
    };
    (seen.into_iter().map(need).collect(), unknown)
}

struct Index<'n, 's> {
    network: &'n Network<'s>,
    by_name: HashMap<(&'n str, &'n str), usize>,
    by_address: HashMap<Address, usize>,
}

impl Index<'_, '_> {
    fn end(&self, end: &FlowEnd) -> Result<NeedEnd, String> {
        match end {
            FlowEnd::Outside => Ok(NeedEnd::Everyone),
            FlowEnd::Address(address) => Ok(match self.by_address.get(address) {
                Some(workload) => NeedEnd::Workload(*workload),
                None => NeedEnd::Block(Block::of(*address)),
            }),
            FlowEnd::Named { namespace, name } => {
                // A pod is called after what makes it, with one or two parts behind.
                let mut candidate = name.as_str();
                for _ in 0..3 {
                    if let Some(workload) = self.by_name.get(&(namespace.as_str(), candidate)) {
                        return Ok(NeedEnd::Workload(*workload));
                    }
                    match candidate.rsplit_once('-') {
                        Some((shorter, _)) => candidate = shorter,
                        None => break,
                    }
                }
                let is_known = self.network.cluster.namespaces.contains_key(namespace);
                let what = if is_known { "no workload of that name" } else { "nothing of its namespace" };
                Err(format!("{namespace}/{name}: there is {what} in the input"))
            }
        }
    }
}
