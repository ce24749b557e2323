//! One pair of pods or addresses, judged and explained.

use ringwall_model::finding::{Location, Verdict};
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;
use ringwall_network::cluster::Cluster;
use ringwall_network::judge::{End, Ground, Judgement};
use ringwall_network::policy::{Action, Direction, Policy};
use ringwall_network::port::Port;

use crate::network::miss::nearest;
use crate::network::reach::{Because, Half, Leg, of_all};
use crate::network::words;

/// A pair of ends to be judged.
#[derive(Clone, Copy)]
pub(crate) struct Pair<'n> {
    pub(super) from: End<'n>,
    pub(super) to: End<'n>,
    pub(super) port: Port,
}

/// A cluster, which may be one that is only thought of, and the texts of its policies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Eyes<'e> {
    pub(super) snapshot: &'e Snapshot,
    pub(super) cluster: &'e Cluster,
}

impl<'e> Eyes<'e> {
    /// Where a field of a policy is written.
    pub(super) fn place(self, policy: &Policy, path: &FieldPath) -> Location {
        Location::of(&self.snapshot.all()[policy.object], path)
    }

    /// What an end is called.
    pub(super) fn called(self, end: End<'_>) -> String {
        match (end.pod, end.node, end.address) {
            (Some(pod), ..) => {
                let pod = &self.cluster.pods[pod];
                let name =
                    self.cluster.workloads.get(pod.workload).map_or(&pod.name, |workload| &workload.name);
                format!("{}/{name}", pod.namespace)
            }
            (None, Some(node), _) => format!("node {node}"),
            (None, None, Some(address)) => address.to_string(),
            (None, None, None) => "a node".to_owned(),
        }
    }

    pub(super) fn leg(self, pair: Pair<'_>) -> Leg {
        let Pair { from, to, port } = pair;
        let is_self = from.pod.is_some()
            && from.pod == to.pod
            && from.pod.is_some_and(|pod| !self.cluster.pods[pod].template);
        let halves = [Direction::Egress, Direction::Ingress].map(|direction| {
            if is_self {
                let because =
                    vec![Because { message: "a pod always reaches itself".to_owned(), place: None }];
                return Half { direction, verdict: Verdict::Yes, because, miss: None };
            }
            let judgement = self.cluster.judge(direction, from, to, port);
            let verdict = judgement.verdict();
            let miss = if verdict == Verdict::No { nearest(self, direction, pair, &judgement) } else { None };
            Half { direction, verdict, because: self.because(direction, pair, &judgement), miss }
        });
        let verdict = of_all(halves.iter().map(|half| half.verdict));
        Leg { from: self.called(from), to: self.called(to), port, family: from.family, verdict, halves }
    }

    /// What decided, in words.
    fn because(self, direction: Direction, pair: Pair<'_>, judgement: &Judgement) -> Vec<Because> {
        let (subject, _) = direction.sides(pair.from, pair.to);
        let mut because: Vec<Because> = Vec::new();
        for outcome in &judgement.outcomes {
            let new = match outcome.ground {
                Ground::Open => vec![Because {
                    message: "no policy isolates it in this direction".to_owned(),
                    place: None,
                }],
                Ground::Outside => vec![Because {
                    message: "no policy is about it: it is no pod of the cluster's network".to_owned(),
                    place: None,
                }],
                Ground::OwnNode => vec![Because {
                    message: "the node on which a pod runs always reaches it".to_owned(),
                    place: None,
                }],
                Ground::Foreign(index) => {
                    let object = &self.snapshot.all()[self.cluster.foreign[index].object];
                    let message =
                        format!("{} may be about it, whose rules ringwall does not know", object.id);
                    vec![Because {
                        message,
                        place: Some((
                            object.id.to_string(),
                            FieldPath::root(),
                            Location::of(object, &FieldPath::root()),
                        )),
                    }]
                }
                Ground::Isolated => self
                    .isolating(direction, subject)
                    .map(|policy| {
                        let message =
                            format!("{} isolates it, and no rule allows this", words::policy(policy));
                        let path = FieldPath::keys(&["spec", "podSelector"]);
                        Because {
                            message,
                            place: Some((words::policy(policy), path.clone(), self.place(policy, &path))),
                        }
                    })
                    .collect(),
                Ground::Rule { policy, rule, peer } => {
                    let about = &self.cluster.policies[policy];
                    let rule_path = || Policy::rule_path(direction, rule);
                    let path = peer.map_or_else(rule_path, |peer| Policy::peer_path(direction, rule, peer));
                    let Some(stated) = about.rules(direction).and_then(|rules| rules.get(rule)) else {
                        continue;
                    };
                    let does = match stated.action {
                        Action::Allow => "allows it",
                        Action::Deny => "denies it",
                        Action::Pass => "passes it on",
                    };
                    let may =
                        if judgement.outcomes.len() > 1 { " if the address is one of its peers" } else { "" };
                    let message =
                        format!("{} {does}{may}: {}", words::policy(about), words::rule(stated, direction));
                    vec![Because {
                        message,
                        place: Some((words::policy(about), path.clone(), self.place(about, &path))),
                    }]
                }
            };
            for one in new {
                if !because.contains(&one) {
                    because.push(one);
                }
            }
        }
        because
    }

    /// The NetworkPolicies that isolate an end in a direction.
    pub(super) fn isolating(
        self,
        direction: Direction,
        subject: End<'e>,
    ) -> impl Iterator<Item = &'e Policy> {
        let pod = subject.pod.and_then(|pod| self.cluster.pods.get(pod));
        pod.into_iter().flat_map(move |pod| self.cluster.isolating(direction, pod))
    }
}
