//! What workloads are exposed to: pods that may come to the cluster.
//!
//! Each pair of selectors in a rule stands for the pods that it may select one day. Such a potential pod is matched by a rule with the
//! same selectors, or with none, and by no other, whatever labels it might have. Where a workload lets it do other than all the rest of
//! the cluster, there is a row.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use ringwall_model::path::FieldPath;
use ringwall_model::selector::{Requirement, Selector};
use ringwall_model::tree::Node;

use super::{Analysis, Connection, Focus, Party, Row, sort};
use crate::cluster::{NAME_LABEL, Pod};
use crate::policy::{Action, Direction, Namespaces, Peer, PodSet, Policy, PolicyKind, Rule, Tier};
use crate::port::{PortMatch, Protocol};
use crate::port_set::PortSet;

/// What all workloads are exposed to.
#[derive(Clone, Debug, Default)]
pub struct Exposure {
    /// To what they may send, by workload.
    pub egress: Vec<Row>,
    /// From whom they may receive, by workload.
    pub ingress: Vec<Row>,
    /// Workloads that no policy is about, by workload.
    pub unprotected: Vec<Unprotected>,
    /// All workloads that are exposed in some way, by name.
    pub exposed: BTreeSet<Arc<Party>>,
}

/// A workload that no policy is about in a direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unprotected {
    /// The workload.
    pub workload: Arc<Party>,
    /// The direction.
    pub direction: Direction,
}

/// Pods that may come, by index, or the whole cluster; and the ports that are open to them.
type Open = (Option<usize>, Arc<Connection>);

/// A selector in one form: two that demand the same are the same.
type Demands = Vec<(String, String, Vec<String>)>;

/// Pods that may come, as a rule describes them.
struct Potential {
    namespaces: Demands,
    pods: Demands,
    set: PodSet,
    text: String,
    /// Whether a pod that it holds and that is there speaks for it: where labels alone describe it, some of both.
    plain: bool,
}

impl Analysis<'_> {
    /// What the workloads are exposed to; `rows` are those of [`Analysis::list`] for the same focus.
    pub fn exposure(&self, focus: &Focus, rows: &[Row]) -> Exposure {
        let potentials = self.potentials();
        let names: Vec<Arc<Party>> =
            potentials.iter().map(|potential| Arc::new(Party::Potential(potential.text.clone()))).collect();
        let everyone = Arc::new(Party::Potential("entire-cluster".to_owned()));
        let mut exposure = Exposure::default();
        // Pods that no policy can tell apart are exposed alike.
        let mut known: HashMap<(Option<u32>, Direction), Option<Vec<Open>>> = HashMap::new();
        for peer in self.view.peers.iter().filter(|peer| focus.on(&peer.party)) {
            for direction in Direction::ALL {
                if focus.direction.is_some_and(|only| only != direction) {
                    continue;
                }
                let opens = known
                    .entry((self.class(peer.pod), direction))
                    .or_insert_with(|| self.opens(focus, peer.pod, direction, &potentials));
                let rows = match direction {
                    Direction::Ingress => &mut exposure.ingress,
                    Direction::Egress => &mut exposure.egress,
                };
                let mut add = |other: &Arc<Party>, connection: Arc<Connection>| {
                    let (own, other) = (Arc::clone(&peer.party), Arc::clone(other));
                    rows.push(match direction {
                        Direction::Ingress => Row { source: other, destination: own, connection },
                        Direction::Egress => Row { source: own, destination: other, connection },
                    });
                };
                let Some(opens) = opens else {
                    add(&everyone, Arc::new(Connection::all()));
                    exposure.unprotected.push(Unprotected { workload: Arc::clone(&peer.party), direction });
                    continue;
                };
                for (potential, connection) in opens {
                    add(potential.map_or(&everyone, |index| &names[index]), Arc::clone(connection));
                }
            }
        }
        // Of what is exposed, the addresses outside are told as well.
        exposure.exposed.extend(exposure.egress.iter().map(|row| Arc::clone(&row.source)));
        exposure.exposed.extend(exposure.ingress.iter().map(|row| Arc::clone(&row.destination)));
        for row in rows {
            if matches!(*row.source, Party::Range(..)) && exposure.exposed.contains(&row.destination) {
                exposure.ingress.push(row.clone());
            }
            if matches!(*row.destination, Party::Range(..)) && exposure.exposed.contains(&row.source) {
                exposure.egress.push(row.clone());
            }
        }
        sort(&mut exposure.egress, true);
        sort(&mut exposure.ingress, false);
        exposure
            .unprotected
            .sort_by_cached_key(|item| (item.workload.to_string(), item.direction == Direction::Ingress));
        exposure
    }

    /// To whom a pod is open; `None` where no policy is about it.
    fn opens(
        &self,
        focus: &Focus,
        pod: usize,
        direction: Direction,
        potentials: &[Potential],
    ) -> Option<Vec<Open>> {
        let pod = &self.view.cluster.pods[pod];
        let about: Vec<&Policy> = self
            .view
            .cluster
            .policies
            .iter()
            .filter(|policy| self.is_about(policy, direction, pod))
            .collect();
        if about.is_empty() {
            return None;
        }
        let of_all = Arc::new(side(&about, direction, pod, None));
        let whole = if of_all.is_empty() { None } else { focus.part(&of_all) };
        let expected = whole.clone().unwrap_or(of_all);
        let mut opens = Vec::new();
        for (index, potential) in potentials.iter().enumerate() {
            let connection = focus.part(&Arc::new(side(&about, direction, pod, Some(potential))));
            opens.extend(
                connection.filter(|connection| *connection != expected).map(|part| (Some(index), part)),
            );
        }
        opens.extend(whole.map(|connection| (None, connection)));
        Some(opens)
    }

    /// Whether the policy protects the pod in a direction. Policies of administrators do only where they have rules.
    fn is_about(&self, policy: &Policy, direction: Direction, pod: &Pod) -> bool {
        let says = match policy.rules(direction) {
            Some(rules) => policy.kind == PolicyKind::NetworkPolicy || !rules.is_empty(),
            None => false,
        };
        says && self.view.cluster.selects(policy, pod)
    }

    /// The pods that rules describe, each once, without those that a pod here speaks for.
    fn potentials(&self) -> Vec<Potential> {
        let mut potentials: Vec<Potential> = Vec::new();
        for policy in &self.view.cluster.policies {
            for direction in Direction::ALL {
                for (at, rule) in policy.rules(direction).unwrap_or_default().iter().enumerate() {
                    for (index, peer) in rule.peers.iter().flatten().enumerate() {
                        let Peer::Pods(set) = peer else { continue };
                        let (namespaces, pods) = (of_namespaces(&set.namespaces), demands(&set.pods));
                        let known = |other: &Potential| other.namespaces == namespaces && other.pods == pods;
                        if (namespaces.is_empty() && pods.is_empty()) || potentials.iter().any(known) {
                            continue;
                        }
                        let path = Policy::peer_path(direction, at, index);
                        potentials.push(self.potential(policy, &path, set, namespaces, pods));
                    }
                }
            }
        }
        let here = |potential: &Potential| {
            let mut pods = self.view.peers.iter().map(|peer| &self.view.cluster.pods[peer.pod]);
            potential.plain && pods.any(|pod| self.view.cluster.holds(&potential.set, pod))
        };
        potentials.retain(|potential| !here(potential));
        potentials
    }

    fn potential(
        &self,
        policy: &Policy,
        path: &FieldPath,
        set: &PodSet,
        namespaces: Demands,
        pods: Demands,
    ) -> Potential {
        let peer = self.snapshot.all()[policy.object].root().locate(path);
        let peer = peer.map(|peer| peer.get("pods").unwrap_or(peer));
        let field = |keys: &[&str]| keys.iter().find_map(|key| peer?.get(key)).filter(|node| !node.is_null());
        let (namespace_node, pod_node) =
            (field(&["namespaceSelector", "namespaces"]), field(&["podSelector"]));
        let only_name = match namespaces.as_slice() {
            [(key, operator, values)] if key == NAME_LABEL && operator == "In" => {
                values.first().filter(|_| values.len() == 1)
            }
            _ => None,
        };
        let labels_only = |node: Option<Node<'_>>| {
            node.and_then(|node| node.get("matchExpressions"))
                .is_none_or(|list| list.items().next().is_none())
        };
        let namespace = match only_name.filter(|_| labels_only(namespace_node)) {
            Some(name) => name.clone(),
            None if namespaces.is_empty() => "[all namespaces]".to_owned(),
            None => format!("[namespace with {{{}}}]", written(namespace_node)),
        };
        let pod = if pods.is_empty() {
            "[all pods]".to_owned()
        } else {
            format!("[pod with {{{}}}]", written(pod_node))
        };
        let plain = labels_only(namespace_node)
            && labels_only(pod_node)
            && !namespaces.is_empty()
            && !pods.is_empty();
        Potential { namespaces, pods, set: set.clone(), text: format!("{namespace}/{pod}"), plain }
    }
}

/// What the policies about a pod let pass where the other end may come; `None` for any that no rule speaks of.
fn side(about: &[&Policy], direction: Direction, pod: &Pod, other: Option<&Potential>) -> Connection {
    let (mut active, mut passed, mut allowed) = (PortSet::all(), PortSet::none(), PortSet::none());
    let (mut names, mut settled, mut all_settled) = (BTreeSet::new(), BTreeSet::new(), false);
    let (mut tier, mut isolated) = (Tier::Admin, false);
    for policy in about {
        if policy.tier != tier {
            if policy.tier == Tier::Baseline && isolated {
                break;
            }
            tier = policy.tier;
            active = active.or(&std::mem::take(&mut passed));
        }
        isolated |= tier == Tier::Namespaced;
        for rule in policy.rules(direction).unwrap_or_default().iter().filter(|rule| matches(rule, other)) {
            let (ports, rule_names) = ports(rule, direction, pod, other.is_none());
            let hit = ports.and(&active);
            active = active.minus(&hit);
            match rule.action {
                Action::Allow => allowed = allowed.or(&hit),
                Action::Deny => {}
                Action::Pass => passed = passed.or(&hit),
            }
            if rule.action != Action::Pass && !all_settled {
                for name in rule_names {
                    if settled.insert(name.clone()) && rule.action == Action::Allow {
                        names.insert(name);
                    }
                }
                all_settled = rule.ports.is_none();
            }
        }
    }
    if !isolated {
        allowed = allowed.or(&active).or(&passed);
    }
    Connection::of(&allowed).with(names)
}

/// Whether a rule is about pods that may come; `None` for any that no rule speaks of.
fn matches(rule: &Rule, other: Option<&Potential>) -> bool {
    let Some(peers) = &rule.peers else { return true };
    peers.iter().any(|peer| {
        let Peer::Pods(set) = peer else { return false };
        let (namespaces, pods) = (of_namespaces(&set.namespaces), demands(&set.pods));
        (namespaces.is_empty() || other.is_some_and(|other| other.namespaces == namespaces))
            && (pods.is_empty() || other.is_some_and(|other| other.pods == pods))
    })
}

/// The ports of a rule: numbers, and names for which nobody has a number. What a pod receives has those of the pod; a name that it
/// has not is told where the whole cluster may ask for it.
fn ports(
    rule: &Rule,
    direction: Direction,
    pod: &Pod,
    whole: bool,
) -> (PortSet, Vec<(Option<Protocol>, String)>) {
    let Some(list) = &rule.ports else { return (PortSet::all(), Vec::new()) };
    let (mut ports, mut names) = (PortSet::none(), Vec::new());
    for port in list {
        match port {
            PortMatch::Range { protocol, first, last } => {
                ports = ports.or(&PortSet::range(*protocol, *first, *last));
            }
            PortMatch::Named { name, protocol } => {
                let mut found = direction == Direction::Ingress && !whole;
                if direction == Direction::Ingress {
                    for declared in pod.ports.iter().filter(|other| port.matches(other.port, &pod.ports)) {
                        found = true;
                        ports = ports.or(&PortSet::one(declared.port));
                    }
                }
                if !found {
                    names.push((*protocol, name.clone()));
                }
            }
            PortMatch::Nothing => {}
        }
    }
    (ports, names)
}

fn of_namespaces(namespaces: &Namespaces) -> Demands {
    match namespaces {
        Namespaces::Own(name) => vec![(NAME_LABEL.to_owned(), "In".to_owned(), vec![name.clone()])],
        Namespaces::Selected(selector) => demands(selector),
    }
}

fn demands(selector: &Selector) -> Demands {
    let demand =
        |demand: &Requirement| (demand.key.clone(), demand.operator.to_string(), demand.values.clone());
    let mut demands: Demands = selector.requirements().iter().map(demand).collect();
    demands.sort_unstable();
    demands.dedup();
    demands
}

/// A selector as np-guard writes it: labels, then expressions, each by key.
fn written(selector: Option<Node<'_>>) -> String {
    let list = |key: &str| selector.and_then(|selector| selector.get(key));
    let labels = list("matchLabels").into_iter().flat_map(Node::entries);
    let mut parts: Vec<String> =
        labels.map(|entry| format!("{}={}", entry.key, entry.value.as_str().unwrap_or_default())).collect();
    parts.sort_unstable();
    let expression = |node: Node<'_>| {
        let text = |key: &str| node.str_at(&[key]).unwrap_or_default();
        let values = node.get("values").into_iter().flat_map(Node::items).filter_map(Node::as_str);
        let values: Vec<&str> = values.collect();
        format!("{{Key:{},Operator:{},Values:[{}],}}", text("key"), text("operator"), values.join(" "))
    };
    let mut expressions: Vec<String> =
        list("matchExpressions").into_iter().flat_map(Node::items).map(expression).collect();
    expressions.sort_unstable();
    parts.extend(expressions);
    parts.join(",")
}
