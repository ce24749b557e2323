//! Policies of administrators: their order, and what they decide before NetworkPolicies are asked.

use std::collections::BTreeSet;

use ringwall_model::address::Family;
use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fixable, Value};
use ringwall_model::path::FieldPath;
use ringwall_model::tree::Node;

use super::subject::{Placed, a_port, named};
use super::{ADMIN_POLICIES, Flaws, NetCheck, Subject, mapping, reviewed};
use crate::cluster::{Cluster, NAME_LABEL};
use crate::engine::{Engine, Options};
use crate::policy::{Action, Direction, Namespaces, Peer, Policy, PolicyKind, Rule, Tier};
use crate::port_set::PortSet;

const VERSIONS: &str =
    "Clusters with the policies of `policy.networking.k8s.io` (AdminNetworkPolicy, ClusterNetworkPolicy).";

pub(super) const EQUAL: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-028",
        name: "equal-policy-priority",
        severity: Severity::Medium,
        summary: "two policies of administrators have one priority, and which of them is asked first decides",
        what: "Policies of one kind and tier have the same `priority`, and some connection between pods of the input, or with an address \
               outside, ends otherwise when they are asked in the other order.",
        why: "The API leaves the order of such policies to the network plugin: what is denied on one cluster is allowed on the other, or \
              after an update.",
        fix: "Give each its own priority. The lower number is asked first.",
        bad: "\
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata:
  name: allow-monitoring
spec:
  priority: 10
  subject:
    namespaces: {}
  ingress:
  - action: Allow
    from:
    - namespaces:
        matchLabels:
          kubernetes.io/metadata.name: monitoring
---
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata:
  name: seal-payments
spec:
  priority: 10
  subject:
    namespaces:
      matchLabels:
        kubernetes.io/metadata.name: payments
  ingress:
  - action: Deny
    from:
    - namespaces: {}
---
kind: Pod
metadata:
  name: ledger
  namespace: payments
spec:
  containers:
  - name: ledger
---
kind: Pod
metadata:
  name: prometheus
  namespace: monitoring
spec:
  containers:
  - name: prometheus
",
        good: "\
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata:
  name: allow-monitoring
spec:
  priority: 10
  subject:
    namespaces: {}
  ingress:
  - action: Allow
    from:
    - namespaces:
        matchLabels:
          kubernetes.io/metadata.name: monitoring
---
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata:
  name: seal-payments
spec:
  priority: 20
  subject:
    namespaces:
      matchLabels:
        kubernetes.io/metadata.name: payments
  ingress:
  - action: Deny
    from:
    - namespaces: {}
---
kind: Pod
metadata:
  name: ledger
  namespace: payments
spec:
  containers:
  - name: ledger
---
kind: Pod
metadata:
  name: prometheus
  namespace: monitoring
spec:
  containers:
  - name: prometheus
",
        versions: VERSIONS,
        references: &[ADMIN_POLICIES],
        controls: &[nsa("Network policies")],
    },
    fix: Fixable::ByHand("which of the two is to be asked first is not in the manifest"),
    find: equal,
};

pub(super) const SYSTEM: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-029",
        name: "system-pods-denied",
        severity: Severity::Medium,
        summary: "a policy of administrators denies traffic of kube-system by a subject that takes in every namespace",
        what: "The `subject` of a policy in the admin tier takes in the namespace `kube-system` without naming it, and a rule denies to or \
               from all pods, or to every address, on all ports; no rule that is asked before allows or passes the same to the pods of \
               `kube-system`.",
        why: "DNS, the network plugin's own pods and controllers of the cluster are in that namespace. A rule that is final takes from all \
              pods what only these must have.",
        fix: "Leave `kube-system` out of the subject, or allow before what its pods need.",
        bad: "\
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata:
  name: seal
spec:
  priority: 50
  subject:
    namespaces: {}
  ingress:
  - action: Deny
    from:
    - namespaces: {}
",
        good: "\
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata:
  name: seal
spec:
  priority: 50
  subject:
    namespaces:
      matchExpressions:
      - key: kubernetes.io/metadata.name
        operator: NotIn
        values: [kube-system]
  ingress:
  - action: Deny
    from:
    - namespaces: {}
",
        versions: VERSIONS,
        references: &[ADMIN_POLICIES],
        controls: &[nsa("Network policies")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: system,
};

pub(super) const NETWORKS: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-030",
        name: "networks-deny-pods-too",
        severity: Severity::Medium,
        summary: "a rule that means the outside denies the pods of the cluster too",
        what: "A rule for `egress` in the admin tier denies `networks` that are every address of a family, or hold the ranges that pods have \
               their addresses from, on all ports; and no rule that is asked before allows or passes pods.",
        why: "`networks` match addresses, and those of pods are some. The rule denies DNS and every Service of the cluster with the internet.",
        fix: "Put a rule before it that allows, or passes, pods: `namespaces: {}`.",
        bad: "\
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata:
  name: no-internet
spec:
  priority: 50
  subject:
    namespaces:
      matchLabels:
        internet: none
  egress:
  - action: Deny
    to:
    - networks: [0.0.0.0/0]
",
        good: "\
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata:
  name: no-internet
spec:
  priority: 50
  subject:
    namespaces:
      matchLabels:
        internet: none
  egress:
  - action: Pass
    to:
    - namespaces: {}
  - action: Deny
    to:
    - networks: [0.0.0.0/0]
",
        versions: VERSIONS,
        references: &[ADMIN_POLICIES],
        controls: &[nsa("Network policies")],
    },
    fix: Fixable::ByHand("whether pods are to be reached is not in the manifest"),
    find: networks,
};

pub(super) const PASS: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-031",
        name: "pass-without-effect",
        severity: Severity::Info,
        summary: "a rule passes on to the next tier what would have got there anyway",
        what: "A rule with the action `Pass` for `ingress` or `egress`, and no rule of its tier that is asked after it allows or denies \
               anything in that direction.",
        why: "`Pass` leaves out the rest of the tier. Where there is none, traffic that no rule matches goes on to NetworkPolicies by \
              itself. Who reads the rule as an `Allow` is mistaken: NetworkPolicies may still deny.",
        fix: "Remove the rule, or make it `Allow` (`Accept`) where that is meant.",
        bad: "\
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata:
  name: delegate
spec:
  priority: 10
  subject:
    namespaces: {}
  ingress:
  - action: Pass
    from:
    - namespaces:
        matchLabels:
          kubernetes.io/metadata.name: monitoring
",
        good: "\
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata:
  name: delegate
spec:
  priority: 10
  subject:
    namespaces:
      matchLabels:
        tier: apps
  ingress:
  - action: Pass
    from:
    - namespaces:
        matchLabels:
          kubernetes.io/metadata.name: monitoring
  - action: Deny
    from:
    - namespaces: {}
",
        versions: VERSIONS,
        references: &[ADMIN_POLICIES],
        controls: &[],
    },
    fix: Fixable::ByHand("whether the traffic is to be allowed is not in the manifest"),
    find: pass,
};

pub(super) const DOMAINS: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-032",
        name: "rule-by-domain-name",
        severity: Severity::Info,
        summary: "a rule allows what a name stands for, which depends on who is asked",
        what: "A peer of a rule for `egress` is `domainNames`. What it allows is not judged: only the network plugin knows which addresses the \
               pods were told.",
        why: "The plugin has to see the answers that pods get from DNS. A pod that asks over TLS, or another resolver, is denied though the \
              name is allowed; an address that serves many names is allowed for all of them. The field is of the experimental channel.",
        fix: "Keep port 53 towards other resolvers than the cluster's denied, and allow blocks of addresses where they are known.",
        bad: "\
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata:
  name: updates
spec:
  tier: Admin
  priority: 10
  subject:
    namespaces: {}
  egress:
  - action: Accept
    to:
    - domainNames: [\"updates.example.com\"]
",
        good: "\
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata:
  name: updates
spec:
  tier: Admin
  priority: 10
  subject:
    namespaces: {}
  egress:
  - action: Accept
    to:
    - networks: [\"192.0.2.0/28\"]
",
        versions: VERSIONS,
        references: &[
            ADMIN_POLICIES,
            "https://network-policy-api.sigs.k8s.io/npeps/npep-133-fqdn-egress-selector/",
        ],
        controls: &[],
    },
    fix: Fixable::ByHand("which addresses the name stands for is not in the manifest"),
    find: domains,
};

pub(super) const DENIED: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-033",
        name: "allow-denied-by-administrator",
        severity: Severity::Low,
        summary: "a rule of a NetworkPolicy allows what a policy of administrators denies",
        what: "Of all connections that a rule of a NetworkPolicy allows between pods of the input, the admin tier denies each, on the same \
               side, before NetworkPolicies are asked.",
        why: "What the admin tier denies is denied. The rule reads as if the connection worked, and whoever looks for the fault in the \
              namespace's own policies does not find it.",
        fix: "Ask the administrator for a rule that passes it (`Pass`) before the one that denies; or remove the rule.",
        bad: "\
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata:
  name: seal-payments
spec:
  priority: 10
  subject:
    namespaces:
      matchLabels:
        kubernetes.io/metadata.name: payments
  ingress:
  - action: Deny
    from:
    - namespaces:
        matchLabels:
          kubernetes.io/metadata.name: blog
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: ledger
  namespace: payments
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
  - from:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: blog
    ports:
    - port: 8080
---
kind: Pod
metadata:
  name: ledger
  namespace: payments
spec:
  containers:
  - name: ledger
---
kind: Pod
metadata:
  name: blog
  namespace: blog
spec:
  containers:
  - name: blog
",
        good: "\
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata:
  name: seal-payments
spec:
  priority: 10
  subject:
    namespaces:
      matchLabels:
        kubernetes.io/metadata.name: payments
  ingress:
  - action: Pass
    from:
    - namespaces:
        matchLabels:
          kubernetes.io/metadata.name: blog
  - action: Deny
    from:
    - namespaces: {}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: ledger
  namespace: payments
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
  - from:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: blog
    ports:
    - port: 8080
---
kind: Pod
metadata:
  name: ledger
  namespace: payments
spec:
  containers:
  - name: ledger
---
kind: Pod
metadata:
  name: blog
  namespace: blog
spec:
  containers:
  - name: blog
",
        versions: VERSIONS,
        references: &[ADMIN_POLICIES],
        controls: &[nsa("Network policies")],
    },
    fix: Fixable::ByHand("which of the two is meant is not in the manifest"),
    find: denied,
};

fn of_administrators<'s>(subject: &Subject<'s>) -> impl Iterator<Item = &'s Policy> {
    subject.cluster.policies.iter().filter(|policy| policy.kind != PolicyKind::NetworkPolicy)
}

// One priority

/// Another engine, and how its classes are found.
struct Other {
    engine: Engine,
}

impl Other {
    fn new(cluster: &Cluster) -> Self {
        Self { engine: Engine::new(cluster, Options::default()) }
    }

    /// The class in the other engine of what is in a class of this one.
    fn class(&self, subject: &Subject<'_>, class: u32) -> Option<u32> {
        let about = subject.engine.classes().get(class);
        let classes = self.engine.classes();
        match (about.pods.first(), about.ranges.first()) {
            (Some(pod), _) => classes.of_pod(*pod, about.family),
            (None, Some((first, _))) => Some(classes.of_address(*first)),
            (None, None) => classes.of_node(about.family),
        }
    }
}

fn equal(subject: &Subject<'_>, flaws: &mut Flaws) {
    let policies = &subject.cluster.policies;
    let same = |a: &Policy, b: &Policy| {
        a.kind == b.kind
            && a.kind != PolicyKind::NetworkPolicy
            && (a.tier, a.priority) == (b.tier, b.priority)
    };
    // There is one BaselineAdminNetworkPolicy, and a second is refused.
    let tied: Vec<&[Policy]> = policies
        .chunk_by(same)
        .filter(|tied| tied.len() > 1 && tied[0].kind != PolicyKind::BaselineAdminNetworkPolicy)
        .collect();
    if tied.is_empty() {
        return;
    }
    let mut reversed = subject.cluster.clone();
    for same in reversed.policies.chunk_by_mut(same) {
        same.reverse();
    }
    let other = Other::new(&reversed);
    for tied in tied {
        let subjects: Vec<Vec<u32>> = tied.iter().map(|policy| subject.subjects(policy)).collect();
        for (at, policy) in tied.iter().enumerate().skip(1) {
            for (first, known) in
                tied.iter().zip(&subjects).take(at).filter(|(first, _)| first.name != policy.name)
            {
                let both = subjects[at].iter().filter(|class| known.contains(class));
                let Some((direction, own, peer, ports)) = both
                    .flat_map(|own| Direction::ALL.map(|direction| (*own, direction)))
                    .find_map(|(own, direction)| {
                        differs(subject, &other, direction, own, (first, policy))
                            .map(|(peer, ports)| (direction, own, peer, ports))
                    })
                else {
                    continue;
                };
                let witness = connection(subject, direction, own, peer, &ports);
                let message = format!(
                    "has the priority {} of policy \"{}\", and which of the two is asked first decides on {witness}",
                    policy.priority, first.name
                );
                flaws
                    .add(policy.object, FieldPath::keys(&["spec", "priority"]), witness, message)
                    .related(first.object, FieldPath::keys(&["spec", "priority"]));
            }
        }
    }
}

/// A peer that both policies speak of in other words, and the ports on which the order decides.
fn differs(
    subject: &Subject<'_>,
    other: &Other,
    direction: Direction,
    own: u32,
    (a, b): (&Policy, &Policy),
) -> Option<(u32, PortSet)> {
    let matched = |policy: &Policy, peer: u32| -> BTreeSet<u8> {
        let rules = policy.rules(direction).into_iter().flatten();
        let hit = |rule: &&Rule| {
            rule.peers
                .as_ref()
                .is_none_or(|peers| peers.iter().any(|other| subject.peers(other).contains(&peer)))
        };
        rules.filter(hit).map(|rule| rule.action as u8).collect()
    };
    let own_there = other.class(subject, own)?;
    let family = subject.engine.classes().get(own).family;
    let peers = subject.engine.classes().iter().filter(|(_, class)| class.family == family);
    // Pods say more than addresses.
    let mut peers: Vec<u32> = peers.map(|(number, _)| number).collect();
    peers.sort_by_key(|peer| !subject.engine.classes().get(*peer).is_pod);
    peers.into_iter().find_map(|peer| {
        let (x, y) = (matched(a, peer), matched(b, peer));
        if x.is_empty() || y.is_empty() || (x == y && x.len() == 1) {
            return None;
        }
        let here = subject.engine.side(direction, own, peer);
        let there = other.engine.side(direction, own_there, other.class(subject, peer)?);
        let differ = here.yes.minus(&there.yes).or(&there.yes.minus(&here.yes));
        (!differ.is_empty()).then_some((peer, differ))
    })
}

/// A connection in words.
fn connection(subject: &Subject<'_>, direction: Direction, own: u32, peer: u32, ports: &PortSet) -> String {
    let name = |class: u32| match subject.witness(class) {
        Some(pod) => subject.who(pod),
        None => {
            let ranges = &subject.engine.classes().get(class).ranges;
            ranges.first().map_or_else(|| "a node".to_owned(), |(first, _)| first.to_string())
        }
    };
    let (from, to) = direction.sides(own, peer);
    let port = a_port(subject.witness(to), ports);
    let on = if ports.is_all() {
        "any port".to_owned()
    } else {
        port.map_or_else(|| ports.to_string(), |port| port.to_string())
    };
    format!("{} -> {} {on}", name(from), name(to))
}

// The cluster's own pods

const KUBE_SYSTEM: &str = "kube-system";

/// Whether a selector takes in `kube-system`, and whether it says so.
fn takes_system(subject: &Subject<'_>, namespaces: &Namespaces) -> Option<bool> {
    let Namespaces::Selected(selector) = namespaces else { return None };
    let labels = subject.cluster.namespaces.get(KUBE_SYSTEM);
    let label = |key: &str| match key {
        NAME_LABEL => Some(KUBE_SYSTEM),
        _ => labels.and_then(|labels| labels.get(key)),
    };
    let named = named(selector).is_some_and(|names| names.iter().any(|name| name == KUBE_SYSTEM));
    selector.matches(label).then_some(named)
}

/// Whether a rule is about all pods of the cluster, or every address, on all ports.
fn is_wide(rule: &Rule) -> bool {
    let all = |peer: &Peer| match peer {
        Peer::Pods(set) => {
            set.pods.is_everything()
                && matches!(&set.namespaces, Namespaces::Selected(selector) if selector.is_everything())
        }
        Peer::Addresses { blocks, .. } => blocks.iter().any(|block| block.is_everything()),
        _ => false,
    };
    rule.ports.is_none() && rule.peers.as_ref().is_none_or(|peers| peers.iter().any(all))
}

/// Whether a rule that is asked before `placed` allows or passes something for pods of which `is_about` holds.
fn is_let_before(subject: &Subject<'_>, placed: &Placed<'_>, about: impl Fn(&Policy, &Rule) -> bool) -> bool {
    subject.cluster.policies[..=placed.at].iter().enumerate().any(|(at, policy)| {
        let rules = policy.rules(placed.direction).unwrap_or_default();
        let rules = if at == placed.at { &rules[..placed.number] } else { rules };
        policy.tier == placed.policy.tier
            && rules.iter().any(|rule| rule.action != Action::Deny && about(policy, rule))
    })
}

fn system(subject: &Subject<'_>, flaws: &mut Flaws) {
    let mut said: BTreeSet<usize> = BTreeSet::new();
    for placed in subject.rules() {
        let Placed { policy, rule, .. } = placed;
        if policy.tier != Tier::Admin || rule.action != Action::Deny || !is_wide(rule) {
            continue;
        }
        let [set] = policy.subject.as_slice() else { continue };
        if takes_system(subject, &set.namespaces) != Some(false) || !set.pods.is_everything() {
            continue;
        }
        let before = is_let_before(subject, &placed, |policy, _| {
            policy.subject.iter().any(|set| takes_system(subject, &set.namespaces).is_some())
        });
        if before || !said.insert(policy.object) {
            continue;
        }
        let word = match placed.direction {
            Direction::Ingress => "reach",
            Direction::Egress => "be reached by",
        };
        let message = format!(
            "denies all pods to {word} those of {KUBE_SYSTEM} too, which its subject takes in: DNS is there"
        );
        let namespaces = FieldPath::keys(&["spec", "subject", "namespaces"]);
        let selector = match subject.node(policy, &namespaces) {
            Some(_) => namespaces,
            None => FieldPath::keys(&["spec", "subject", "pods", "namespaceSelector"]),
        };
        let demand = mapping([
            ("key", Value::from(NAME_LABEL)),
            ("operator", Value::from("NotIn")),
            ("values", Value::List(vec![Value::from(KUBE_SYSTEM)])),
        ]);
        let path = selector.key("matchExpressions");
        let listed = subject.node(policy, &path).is_some_and(|node| !Node::is_null(node));
        let change = if listed {
            Change::Append { path, value: demand }
        } else {
            Change::Set { path, value: Value::List(vec![demand]) }
        };
        let fix = reviewed(
            "leave kube-system out of the subject",
            "whether the policy is meant for kube-system too",
            vec![change],
        );
        flaws.add(policy.object, placed.path(), placed.direction.key(), message).fix(Ok(fix));
    }
}

// Networks before pods

fn networks(subject: &Subject<'_>, flaws: &mut Flaws) {
    for placed in subject.rules_of(Direction::Egress) {
        let Placed { policy, rule, .. } = placed;
        if policy.tier != Tier::Admin || rule.action != Action::Deny || rule.ports.is_some() {
            continue;
        }
        let ranges: &[_] = if subject.cluster.ranges_stated { &subject.cluster.pod_ranges } else { &[] };
        let holds = |block: &ringwall_model::address::Block| {
            let speaks = |family: Family| {
                family == Family::V4 || ranges.iter().any(|range| range.first.family == Family::V6)
            };
            (block.is_everything() && speaks(block.first.family))
                || ranges.iter().any(|range| block.covers(*range))
        };
        let found = rule.peers.iter().flatten().enumerate().find_map(|(at, peer)| {
            let Peer::Addresses { blocks, .. } = peer else { return None };
            blocks.iter().find(|block| holds(block)).map(|block| (at, *block))
        });
        let Some((at, block)) = found else { continue };
        let before = is_let_before(subject, &placed, |earlier, rule| {
            let pods = rule.peers.as_ref().is_none_or(|peers| peers.iter().any(|peer| peer.pods().is_some()));
            pods && (earlier.object == policy.object || subject.is_subject_covered(earlier, policy))
        });
        if before {
            continue;
        }
        let message = format!(
            "{block} holds the addresses of pods: DNS and every Service of the cluster are denied too"
        );
        flaws.add(policy.object, placed.peer_path(at), block.to_string(), message);
    }
}

// Pass, and names

fn pass(subject: &Subject<'_>, flaws: &mut Flaws) {
    let policies = &subject.cluster.policies;
    for placed in subject.rules().filter(|placed| placed.rule.action == Action::Pass) {
        let decides = |rule: &Rule| rule.action != Action::Pass;
        let after = placed.policy.rules(placed.direction).unwrap_or_default();
        let here = after.iter().skip(placed.number + 1).any(decides);
        // Those of the same priority may be asked after it too.
        let later = policies.iter().enumerate().any(|(at, other)| {
            other.tier == placed.policy.tier
                && at != placed.at
                && (at > placed.at || other.priority == placed.policy.priority)
                && other.rules(placed.direction).into_iter().flatten().any(decides)
        });
        if !here && !later {
            let message = format!(
                "passes on what no later rule of the tier decides for {}: it would have got to NetworkPolicies anyway",
                placed.direction.key()
            );
            flaws.add(placed.policy.object, placed.path(), placed.direction.key(), message);
        }
    }
}

fn domains(subject: &Subject<'_>, flaws: &mut Flaws) {
    for placed in subject.rules_of(Direction::Egress) {
        for (at, peer) in placed.rule.peers.iter().flatten().enumerate() {
            let Peer::Domains(names) = peer else { continue };
            let names = names.join(", ");
            let message = format!(
                "allows {names}: which addresses these are only the network plugin learns, by what pods ask"
            );
            flaws.add(placed.policy.object, placed.peer_path(at), names, message);
        }
    }
}

// What the admin tier denies

fn denied(subject: &Subject<'_>, flaws: &mut Flaws) {
    let denies = |policy: &Policy| {
        policy.tier == Tier::Admin
            && Direction::ALL.iter().any(|direction| {
                policy.rules(*direction).into_iter().flatten().any(|rule| rule.action == Action::Deny)
            })
    };
    if !of_administrators(subject).any(denies) {
        return;
    }
    let mut alone = subject.cluster.clone();
    alone.policies.retain(|policy| policy.tier == Tier::Admin);
    let admin = Other::new(&alone);
    for placed in subject.rules().filter(|placed| placed.policy.tier == Tier::Namespaced) {
        let Some(peers) = &placed.rule.peers else { continue };
        let own = subject.subjects(placed.policy);
        let mut peers: Vec<u32> = peers.iter().flat_map(|peer| subject.peers(peer)).copied().collect();
        peers.sort_unstable();
        peers.dedup();
        let Some((own, peer, ports)) = all_denied(subject, &admin, &placed, &own, &peers) else { continue };
        let witness = connection(subject, placed.direction, own, peer, &ports);
        let message = format!("allows {witness}, which a policy of administrators denies before it is asked");
        flaws.add(placed.policy.object, placed.path(), witness, message);
    }
}

/// A connection of a rule of which the admin tier denies all.
fn all_denied(
    subject: &Subject<'_>,
    admin: &Other,
    placed: &Placed<'_>,
    own: &[u32],
    peers: &[u32],
) -> Option<(u32, u32, PortSet)> {
    let classes = subject.engine.classes();
    let mut first = None;
    for own in own {
        for peer in peers {
            if classes.get(*own).family != classes.get(*peer).family {
                continue;
            }
            let receiver = if placed.direction == Direction::Ingress { *own } else { *peer };
            let ports = match &placed.rule.ports {
                None => PortSet::all(),
                Some(ports) => {
                    ports.iter().fold(PortSet::none(), |all, port| all.or(&subject.resolve(port, receiver)))
                }
            };
            if ports.is_empty() {
                continue;
            }
            let side = admin.engine.side(
                placed.direction,
                admin.class(subject, *own)?,
                admin.class(subject, *peer)?,
            );
            if !side.may.and(&ports).is_empty() {
                return None;
            }
            first = first.or(Some((*own, *peer, ports)));
        }
    }
    first
}
