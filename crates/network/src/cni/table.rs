//! The differences themselves. Only what is documented, or what the engine's source says, is here.

use std::collections::HashSet;

use ringwall_model::address::Block;
use ringwall_model::path::FieldPath;
use ringwall_model::selector::Selector;

use super::{Case, Cni, Difference, Reading};
use crate::cluster::{Cluster, Pod};
use crate::policy::{Action, Direction, Namespaces, Peer, PodSet, Policy, PolicyKind, Rule, Tier};
use crate::port::{PortMatch, Protocol};

/// All differences, by engine.
pub static DIFFERENCES: &[Difference] = &[
    Difference {
        id: "calico-cluster-rules",
        cni: Cni::Calico,
        about: "cannot convert a rule with named ports, nodes or domain names: it drops an Accept rule, and takes a Deny or Pass rule \
                for one that denies everything",
        when: None,
        reference: "https://github.com/projectcalico/calico/blob/master/libcalico-go/lib/backend/k8s/conversion/clusternetworkpolicy.go",
        written: |_, policy| {
            rules(policy)
                .filter(|(_, _, rule)| is_unknown_to_calico(policy, rule))
                .map(|(direction, at, _)| Policy::rule_path(direction, at))
                .collect()
        },
        reading: Reading::Known(|_, policies| {
            for policy in policies.iter_mut().map(|(_, policy)| policy) {
                let unknown: HashSet<(Direction, usize)> = rules(policy)
                    .filter(|(_, _, rule)| is_unknown_to_calico(policy, rule))
                    .map(|(direction, at, _)| (direction, at))
                    .collect();
                each_rule(policy, |direction, at, rule| {
                    if unknown.contains(&(direction, at)) {
                        *rule = match rule.action {
                            Action::Allow => Rule { peers: Some(Vec::new()), ..rule.clone() },
                            _ => Rule { action: Action::Deny, peers: None, ports: None },
                        };
                    }
                });
            }
        }),
    },
    Difference {
        id: "calico-sidecar-ports",
        cni: Cni::Calico,
        about: "does not look for the names of ports among the init containers of a pod, so it knows none of a sidecar that is one of them",
        when: Some("before projectcalico/calico#8885, of June 2024"),
        reference: "https://github.com/projectcalico/calico/issues/8881",
        written: |_, _| Vec::new(),
        reading: Reading::Known(|case, policies| without_sidecars(case, policies)),
    },
    Difference {
        id: "cilium-ip-blocks",
        cni: Cni::Cilium,
        about: "does not take a block of addresses to hold pods that it manages, nor nodes",
        when: Some("nodes only with policy-cidr-match-mode=nodes, from v1.15 on"),
        reference: "https://docs.cilium.io/en/stable/network/kubernetes/policy/#networkpolicy",
        written: |_, policy| peers(policy, |peer| matches!(peer, Peer::Addresses { .. })),
        reading: Reading::Known(|case, policies| {
            // Of the pod's own node the documentation says both.
            let is_other_node = case.peer.node.is_some() && case.peer.node != case.subject.node.as_deref();
            if case.peer.pod.is_some() || is_other_node {
                each_peer(policies, |peer| {
                    if matches!(peer, Peer::Addresses { .. }) {
                        *peer = Peer::Nothing;
                    }
                });
            }
        }),
    },
    Difference {
        id: "cilium-named-ports",
        cni: Cni::Cilium,
        about: "lets nothing pass by the name of a port in a rule of egress where pods of the cluster have the name for different numbers",
        when: Some("before v1.20"),
        reference: "https://github.com/cilium/cilium/issues/30003",
        written: |cluster, policy| {
            ports(policy, |direction, port| {
                direction == Direction::Egress && is_ambiguous(cluster, policy, port)
            })
        },
        reading: Reading::Known(|case, policies| {
            if case.direction == Direction::Egress {
                each_port(policies, |policy, port| {
                    if is_ambiguous(case.cluster, policy, port) {
                        *port = PortMatch::Nothing;
                    }
                });
            }
        }),
    },
    Difference {
        id: "cilium-end-port",
        cni: Cni::Cilium,
        about: "does not know endPort: it takes the first port alone, and v1.15 refuses the policy",
        when: Some("before v1.16"),
        reference: "https://github.com/cilium/cilium/issues/28684",
        written: |_, policy| ports(policy, |_, port| is_range(policy, port)),
        reading: Reading::Known(|_, policies| {
            each_port(policies, |policy, port| {
                if is_range(policy, port)
                    && let PortMatch::Range { first, last, .. } = port
                {
                    *last = *first;
                }
            });
        }),
    },
    Difference {
        id: "cilium-sctp",
        cni: Cni::Cilium,
        about: "knows no SCTP",
        when: Some("unless it is enabled, which is a beta feature"),
        reference: "https://docs.cilium.io/en/stable/configuration/sctp/",
        written: |_, policy| {
            ports(policy, |_, port| {
                matches!(
                    port,
                    PortMatch::Range { protocol: Protocol::Sctp, .. }
                        | PortMatch::Named { protocol: Some(Protocol::Sctp), .. }
                )
            })
        },
        reading: Reading::Unknown(|case| case.port.protocol == Protocol::Sctp),
    },
    Difference {
        id: "cilium-admin-policies",
        cni: Cni::Cilium,
        about: "does not read AdminNetworkPolicy and BaselineAdminNetworkPolicy",
        when: None,
        reference: "https://docs.cilium.io/en/stable/network/kubernetes/policy/",
        written: |_, policy| if is_admin(policy) { whole() } else { Vec::new() },
        reading: Reading::Known(|_, policies| policies.retain(|(_, policy)| !is_admin(policy))),
    },
    Difference {
        id: "cilium-cluster-policies",
        cni: Cni::Cilium,
        about: "does not read ClusterNetworkPolicy",
        when: Some("before v1.20, and later unless enable-k8s-cluster-network-policy is set"),
        reference: "https://github.com/cilium/cilium/pull/47227",
        written: |_, policy| if is_cluster(policy) { whole() } else { Vec::new() },
        reading: Reading::Known(|_, policies| policies.retain(|(_, policy)| !is_cluster(policy))),
    },
    Difference {
        id: "ovn-named-ports",
        cni: Cni::Ovn,
        about: "takes the name of a port in a NetworkPolicy for all ports of the protocol",
        when: None,
        reference: "https://github.com/ovn-kubernetes/ovn-kubernetes/issues/2117",
        written: |_, policy| {
            ports(policy, |_, port| is_network_policy(policy) && matches!(port, PortMatch::Named { .. }))
        },
        reading: Reading::Known(|_, policies| {
            each_port(policies, |policy, port| {
                if is_network_policy(policy)
                    && let PortMatch::Named { protocol, .. } = port
                {
                    *port = PortMatch::any(protocol.unwrap_or(Protocol::Tcp));
                }
            });
        }),
    },
    Difference {
        id: "ovn-host-network",
        cni: Cni::Ovn,
        about: "takes pods on the network of their node for what the podSelector of a peer selects, by the address of the node",
        when: None,
        reference: "https://github.com/ovn-kubernetes/ovn-kubernetes/pull/4086",
        written: |cluster, policy| {
            let on_nodes = || cluster.pods.iter().filter(|pod| pod.host_network && !pod.finished);
            let selects =
                |set: &PodSet| is_pod_selector(set) && on_nodes().any(|pod| selects(cluster, set, pod));
            let list = peers(policy, |peer| {
                is_network_policy(policy) && matches!(peer, Peer::Pods(set) if selects(set))
            });
            let egress = FieldPath::keys(&["spec", "egress"]);
            list.into_iter().filter(|path| path.strip_prefix(&egress).is_some()).collect()
        },
        reading: Reading::Known(|case, policies| {
            let (Some(address), None, Direction::Egress) = (case.peer.address, case.peer.pod, case.direction)
            else {
                return;
            };
            let here: Vec<&Pod> = case
                .cluster
                .pods
                .iter()
                .filter(|pod| pod.host_network && !pod.finished && pod.addresses.contains(&address))
                .collect();
            policies.iter_mut().filter(|(_, policy)| is_network_policy(policy)).for_each(|(_, policy)| {
                each_rule(policy, |_, _, rule| {
                    for peer in rule.peers.iter_mut().flatten() {
                        let Peer::Pods(set) = peer else { continue };
                        if is_pod_selector(set) && here.iter().any(|pod| selects(case.cluster, set, pod)) {
                            *peer = Peer::Addresses { blocks: vec![Block::of(address)], except: Vec::new() };
                        }
                    }
                });
            });
        }),
    },
    Difference {
        id: "ovn-priorities",
        cni: Cni::Ovn,
        about: "does not add an AdminNetworkPolicy with a priority above 99",
        when: None,
        reference: "https://github.com/ovn-kubernetes/ovn-kubernetes/blob/master/docs/features/network-security-controls/admin-network-policy.md",
        written: |_, policy| {
            if is_beyond_ovn(policy) { vec![FieldPath::keys(&["spec", "priority"])] } else { Vec::new() }
        },
        reading: Reading::Known(|_, policies| policies.retain(|(_, policy)| !is_beyond_ovn(policy))),
    },
    Difference {
        id: "kube-network-policies-admin-ports",
        cni: Cni::KubeNetworkPolicies,
        about: "takes the name of a port in an AdminNetworkPolicy or BaselineAdminNetworkPolicy for every port of a pod that has one of \
                that name",
        when: None,
        reference: "https://github.com/kubernetes-sigs/kube-network-policies/blob/v1.1.1/plugins/npa-v1alpha1/adminnetworkpolicy.go",
        written: |_, policy| {
            ports(policy, |_, port| is_admin(policy) && matches!(port, PortMatch::Named { .. }))
        },
        reading: Reading::Known(|case, policies| {
            each_port(policies, |policy, port| {
                if is_admin(policy)
                    && let PortMatch::Named { name, .. } = port
                {
                    let declared = case.receiver.map_or(&[][..], |pod| &pod.ports);
                    let has = declared.iter().any(|other| other.name == *name && !other.sidecar);
                    *port = if has { PortMatch::any(case.port.protocol) } else { PortMatch::Nothing };
                }
            });
        }),
    },
    Difference {
        id: "kube-network-policies-nodes",
        cni: Cni::KubeNetworkPolicies,
        about: "takes the nodes of a peer in an AdminNetworkPolicy or BaselineAdminNetworkPolicy for the pods that run there, and for no \
                address of a node",
        when: None,
        reference: "https://github.com/kubernetes-sigs/kube-network-policies/blob/v1.1.1/plugins/npa-v1alpha1/adminnetworkpolicy.go",
        written: |_, policy| peers(policy, |peer| is_admin(policy) && matches!(peer, Peer::Nodes(_))),
        reading: Reading::Known(|case, policies| {
            let pod = case.peer.pod.and_then(|pod| case.cluster.pods.get(pod));
            let node = pod.and_then(|pod| pod.node.as_deref());
            let node = case.cluster.nodes.iter().find(|other| Some(other.name.as_str()) == node);
            policies.iter_mut().filter(|(_, policy)| is_admin(policy)).for_each(|(_, policy)| {
                each_rule(policy, |_, _, rule| {
                    for peer in rule.peers.iter_mut().flatten() {
                        let Peer::Nodes(selector) = peer else { continue };
                        let runs = node.is_some_and(|node| selector.matches(|key| node.labels.get(key)));
                        *peer = if runs { every_pod() } else { Peer::Nothing };
                    }
                });
            });
        }),
    },
    Difference {
        id: "kube-network-policies-baseline",
        cni: Cni::KubeNetworkPolicies,
        about: "asks no policy of the Baseline tier about a pod that any NetworkPolicy selects, though it be for the other direction",
        when: None,
        reference: "https://github.com/kubernetes-sigs/kube-network-policies/blob/v1.1.1/pkg/networkpolicy/networkpolicy.go",
        written: |_, policy| if policy.tier == Tier::Baseline { whole() } else { Vec::new() },
        reading: Reading::Known(|_, policies| {
            if policies.iter().any(|(_, policy)| is_network_policy(policy)) {
                policies.retain(|(_, policy)| policy.tier != Tier::Baseline);
            }
        }),
    },
    Difference {
        id: "kube-network-policies-sidecar-ports",
        cni: Cni::KubeNetworkPolicies,
        about: "does not look for the names of ports among the init containers of a pod, so it knows none of a sidecar that is one of them",
        when: None,
        reference: "https://github.com/kubernetes-sigs/kube-network-policies/blob/v1.1.1/pkg/api/helper.go",
        written: |_, _| Vec::new(),
        reading: Reading::Known(|case, policies| without_sidecars(case, policies)),
    },
];

fn rules(policy: &Policy) -> impl Iterator<Item = (Direction, usize, &Rule)> {
    Direction::ALL.into_iter().flat_map(|direction| {
        let rules = policy.rules(direction).unwrap_or_default();
        rules.iter().enumerate().map(move |(at, rule)| (direction, at, rule))
    })
}

fn each_rule(policy: &mut Policy, mut each: impl FnMut(Direction, usize, &mut Rule)) {
    for (direction, rules) in
        [(Direction::Ingress, &mut policy.ingress), (Direction::Egress, &mut policy.egress)]
    {
        for (at, rule) in rules.iter_mut().flatten().enumerate() {
            each(direction, at, rule);
        }
    }
}

fn each_peer(policies: &mut [(usize, Policy)], mut each: impl FnMut(&mut Peer)) {
    for (_, policy) in policies {
        each_rule(policy, |_, _, rule| rule.peers.iter_mut().flatten().for_each(&mut each));
    }
}

fn each_port(policies: &mut [(usize, Policy)], mut each: impl FnMut(&Policy, &mut PortMatch)) {
    for (_, policy) in policies {
        let about = Policy { ingress: None, egress: None, ..policy.clone() };
        each_rule(policy, |_, _, rule| {
            rule.ports.iter_mut().flatten().for_each(|port| each(&about, port));
        });
    }
}

/// The places of peers.
fn peers(policy: &Policy, is: impl Fn(&Peer) -> bool) -> Vec<FieldPath> {
    let mut paths = Vec::new();
    for (direction, at, rule) in rules(policy) {
        for (number, _) in rule.peers.iter().flatten().enumerate().filter(|(_, peer)| is(peer)) {
            paths.push(Policy::peer_path(direction, at, number));
        }
    }
    paths
}

/// The places of ports.
fn ports(policy: &Policy, is: impl Fn(Direction, &PortMatch) -> bool) -> Vec<FieldPath> {
    let key = if is_cluster(policy) { "protocols" } else { "ports" };
    let mut paths = Vec::new();
    for (direction, at, rule) in rules(policy) {
        for (number, _) in rule.ports.iter().flatten().enumerate().filter(|(_, port)| is(direction, port)) {
            paths.push(Policy::rule_path(direction, at).key(key).index(number));
        }
    }
    paths
}

fn whole() -> Vec<FieldPath> {
    vec![FieldPath::keys(&["spec"])]
}

fn every_pod() -> Peer {
    let namespaces = Namespaces::Selected(Selector::everything());
    Peer::Pods(PodSet { namespaces, pods: Selector::everything() })
}

fn is_network_policy(policy: &Policy) -> bool {
    policy.kind == PolicyKind::NetworkPolicy
}

fn is_cluster(policy: &Policy) -> bool {
    policy.kind == PolicyKind::ClusterNetworkPolicy
}

fn is_admin(policy: &Policy) -> bool {
    matches!(policy.kind, PolicyKind::AdminNetworkPolicy | PolicyKind::BaselineAdminNetworkPolicy)
}

fn is_beyond_ovn(policy: &Policy) -> bool {
    policy.kind == PolicyKind::AdminNetworkPolicy && policy.priority > 99
}

fn is_unknown_to_calico(policy: &Policy, rule: &Rule) -> bool {
    let named = |port: &PortMatch| matches!(port, PortMatch::Named { .. });
    let strange = |peer: &Peer| matches!(peer, Peer::Nodes(_) | Peer::Domains(_));
    is_cluster(policy) && (rule.ports.iter().flatten().any(named) || rule.peers.iter().flatten().any(strange))
}

/// Whether it is more than one port by `endPort`; a rule about a protocol alone begins at port 0.
fn is_range(policy: &Policy, port: &PortMatch) -> bool {
    is_network_policy(policy)
        && matches!(port, PortMatch::Range { first, last, .. } if *first > 0 && first < last)
}

/// Whether pods have the name of a port for different numbers.
fn is_ambiguous(cluster: &Cluster, policy: &Policy, port: &PortMatch) -> bool {
    let PortMatch::Named { name, protocol: Some(protocol) } = port else { return false };
    let declared = cluster.pods.iter().filter(|pod| pod.is_subject()).flat_map(|pod| &pod.ports);
    let mut numbers = declared
        .filter(|other| other.name == *name && other.port.protocol == *protocol)
        .map(|other| other.port.number);
    let first = numbers.next();
    is_network_policy(policy) && numbers.any(|number| Some(number) != first)
}

/// Whether the peer has a `podSelector` for certain: what has a `namespaceSelector` and selects all pods may have none.
fn is_pod_selector(set: &PodSet) -> bool {
    matches!(set.namespaces, Namespaces::Own(_)) || !set.pods.is_everything()
}

/// Whether a set selects a pod, be it on the network of its node or not.
fn selects(cluster: &Cluster, set: &PodSet, pod: &Pod) -> bool {
    cluster.has_namespace(&set.namespaces, &pod.namespace) && set.pods.matches(|key| pod.labels.get(key))
}

/// Takes names of ports for nothing where only sidecars among the init containers declare the port by it.
fn without_sidecars(case: &Case<'_>, policies: &mut [(usize, Policy)]) {
    let declared = case.receiver.map_or(&[][..], |pod| &pod.ports);
    each_port(policies, |policy, port| {
        let PortMatch::Named { name, .. } = port else { return };
        let known = |other: &&crate::port::DeclaredPort| other.name == *name && other.port == case.port;
        let only = declared.iter().any(|other| known(&other))
            && declared.iter().filter(known).all(|other| other.sidecar);
        // In the older API, the reading of kube-network-policies differs by more.
        if only && !is_admin(policy) {
            *port = PortMatch::Nothing;
        }
    });
}
