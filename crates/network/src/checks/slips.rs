//! Policies whose text says something else than it seems to say.

use ringwall_model::check::Check;
use ringwall_model::control::{mitre, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fixable, Value};
use ringwall_model::path::FieldPath;
use ringwall_model::tree::{Kind, Node};

use super::subject::Placed;
use super::{EVERY_VERSION, Flaws, NetCheck, POLICIES, Subject, copied, reviewed};
use crate::policy::{Direction, Namespaces, PodSet, Policy, PolicyKind};

pub(super) const SPLIT: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-010",
        name: "split-peer",
        severity: Severity::Medium,
        summary: "two peers stand where one with both selectors was meant",
        what: "A rule of a NetworkPolicy lists a `namespaceSelector` alone and next to it a `podSelector` alone. Pods with these labels \
               are in the namespaces that are selected, and none is in the policy's own namespace, where a `podSelector` alone looks.",
        why: "Items of a list are alternatives: the rule admits every pod of the namespaces, and the selector of pods adds nothing. One \
              dash too many makes it so.",
        fix: "Put both selectors into one item of the list.",
        bad: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: database
  namespace: data
spec:
  podSelector:
    matchLabels:
      app: database
  policyTypes: [Ingress]
  ingress:
  - from:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: shop
    - podSelector:
        matchLabels:
          app: checkout
---
kind: Pod
metadata:
  name: database
  namespace: data
  labels:
    app: database
spec:
  containers:
  - name: postgres
---
kind: Pod
metadata:
  name: checkout
  namespace: shop
  labels:
    app: checkout
spec:
  containers:
  - name: checkout
",
        good: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: database
  namespace: data
spec:
  podSelector:
    matchLabels:
      app: database
  policyTypes: [Ingress]
  ingress:
  - from:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: shop
      podSelector:
        matchLabels:
          app: checkout
---
kind: Pod
metadata:
  name: database
  namespace: data
  labels:
    app: database
spec:
  containers:
  - name: postgres
---
kind: Pod
metadata:
  name: checkout
  namespace: shop
  labels:
    app: checkout
spec:
  containers:
  - name: checkout
",
        versions: EVERY_VERSION,
        references: &[
            "https://kubernetes.io/docs/concepts/services-networking/network-policies/#behavior-of-to-and-from-selectors",
        ],
        controls: &[nsa("Network policies"), mitre("T1046")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: split_peers,
};

pub(super) const EMPTY_LIST: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-011",
        name: "empty-list-allows-all",
        severity: Severity::Medium,
        summary: "a list without items stands where it allows everyone, or every port",
        what: "A rule of a NetworkPolicy has `from: []` or `to: []`, or nothing behind the key: it is about everyone, in the cluster and \
               outside. `ports: []` is every port of every protocol; the severity is low for it where \
               the rule says who may come.",
        why: "Under `ingress` and `egress` an empty list allows nothing; one level deeper it allows everything. Who empties a list to \
              close a rule opens it to the world.",
        fix: "Remove the rule where it is to allow nothing. Where it is to allow everything, leave the key out, so that nobody mistakes it.",
        bad: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: database
  namespace: shop
spec:
  podSelector:
    matchLabels:
      app: database
  policyTypes: [Ingress]
  ingress:
  - from: []
    ports:
    - protocol: TCP
      port: 5432
",
        good: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: database
  namespace: shop
spec:
  podSelector:
    matchLabels:
      app: database
  policyTypes: [Ingress]
  ingress: []
",
        versions: EVERY_VERSION,
        references: &[POLICIES],
        controls: &[nsa("Network policies"), mitre("T1046")],
    },
    fix: Fixable::ByHand("whether everyone or nobody is meant is not in the manifest"),
    find: empty_lists,
};

pub(super) const IGNORED: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-012",
        name: "rules-without-policy-type",
        severity: Severity::Medium,
        summary: "a policy has rules for a direction that its policyTypes do not list",
        what: "A NetworkPolicy has `policyTypes`, and rules for `ingress` or `egress` (or an empty list of them) of a type that is not \
               among these.",
        why: "The rules are not looked at, and the policy does not isolate its pods in that direction: what the rules leave out is allowed.",
        fix: "List the type in `policyTypes`, or remove the rules.",
        bad: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: runner
  namespace: ci
spec:
  podSelector:
    matchLabels:
      app: runner
  policyTypes: [Ingress]
  egress:
  - to:
    - ipBlock:
        cidr: 192.0.2.0/28
",
        good: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: runner
  namespace: ci
spec:
  podSelector:
    matchLabels:
      app: runner
  policyTypes: [Ingress, Egress]
  egress:
  - to:
    - ipBlock:
        cidr: 192.0.2.0/28
",
        versions: EVERY_VERSION,
        references: &[POLICIES],
        controls: &[nsa("Network policies"), mitre("T1046")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: ignored_rules,
};

pub(super) const HALF_DENY: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-013",
        name: "deny-without-egress",
        severity: Severity::Medium,
        summary: "a policy looks as if it denied everything, and leaves egress open",
        what: "A NetworkPolicy has no rules and does not isolate for `egress`: its `policyTypes` are missing (then they are `Ingress` \
               alone) or list `Ingress` alone, and it has an empty list `egress`, or its name says that it denies all (`deny-all`, \
               `deny-everything`, `isolate`); and no other policy isolates the same pods for `egress`.",
        why: "Without `policyTypes` a policy is about `egress` only where it has a rule for it. Whoever is inside a pod sends what he likes \
              to wherever he likes, and the policy reads as if he could not.",
        fix: "Set `policyTypes: [Ingress, Egress]`, and allow what the pods need: DNS first.",
        bad: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: deny-all
  namespace: shop
spec:
  podSelector: {}
",
        good: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: deny-all
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
",
        versions: EVERY_VERSION,
        references: &[POLICIES],
        controls: &[nsa("Network policies"), mitre("T1046")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: half_denies,
};

pub(super) const OPEN_RULE: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-014",
        name: "allow-everything-rule",
        severity: Severity::Medium,
        summary: "a rule of a NetworkPolicy allows everyone everything",
        what: "A rule for `ingress` (or `egress`) states neither peers nor ports, as `- {}`. The severity is info for `egress`, where it is \
               often meant, and medium for both where the name of the policy says that it denies (`deny`, `block`, `isolate`, \
               `restrict`).",
        why: "Rules add up and none takes away: whatever this and all other policies of these pods list beside, everyone in the cluster \
              and outside may reach every port.",
        fix: "State who is meant in `from` or `to`, and on which `ports`; or remove the rule, and the policy allows nothing of the kind.",
        bad: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: api
  namespace: shop
spec:
  podSelector:
    matchLabels:
      app: api
  policyTypes: [Ingress]
  ingress:
  - {}
",
        good: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: api
  namespace: shop
spec:
  podSelector:
    matchLabels:
      app: api
  policyTypes: [Ingress]
  ingress:
  - from:
    - podSelector:
        matchLabels:
          app: web
    ports:
    - protocol: TCP
      port: 8080
",
        versions: EVERY_VERSION,
        references: &[POLICIES],
        controls: &[nsa("Network policies"), mitre("T1046")],
    },
    fix: Fixable::ByHand("who needs the connection is not in the manifest"),
    find: open_rules,
};

// Two peers for one

/// Two peers that stand side by side: selectors of namespaces and of pods.
#[derive(Clone, Copy, Debug)]
pub(super) struct Split {
    namespaces: usize,
    pub(super) pods: usize,
    /// A pod that both selectors together would select.
    meant: usize,
}

/// Two peers of a rule that were meant as one.
pub(super) fn split(subject: &Subject<'_>, placed: &Placed<'_>) -> Option<Split> {
    if placed.policy.kind != PolicyKind::NetworkPolicy {
        return None;
    }
    let peers = placed.rule.peers.as_ref()?;
    let own = placed.policy.namespace.as_deref()?;
    let both = |a: usize, b: usize| {
        let (namespaces, pods) = (peers[a].pods()?, peers[b].pods()?);
        let alone = |at: usize, key: &str| {
            let node = subject.node(placed.policy, &placed.peer_path(at));
            node.is_some_and(|node| node.get(key).is_none_or(Node::is_null))
        };
        let is_pair = alone(a, "podSelector")
            && matches!(namespaces.namespaces, Namespaces::Selected(_))
            && matches!(pods.namespaces, Namespaces::Own(_))
            && alone(b, "namespaceSelector")
            && !pods.pods.is_everything();
        if !is_pair || !subject.is_inhabited(own) || !subject.peers(&peers[b]).is_empty() {
            return None;
        }
        let all = PodSet { namespaces: namespaces.namespaces.clone(), pods: pods.pods.clone() };
        let names = subject.namespaces_of(&all);
        let mut candidates =
            names.into_iter().filter(|name| *name != own).flat_map(|name| subject.pods_in(name)).copied();
        let meant = candidates.find(|pod| subject.cluster.holds(&all, &subject.cluster.pods[*pod]))?;
        Some(Split { namespaces: a, pods: b, meant })
    };
    (1..peers.len()).find_map(|at| both(at - 1, at).or_else(|| both(at, at - 1)))
}

fn split_peers(subject: &Subject<'_>, flaws: &mut Flaws) {
    for placed in subject.rules() {
        let Some(split) = split(subject, &placed) else { continue };
        let Some(peers) = &placed.rule.peers else { continue };
        let Some(meant) = peers[split.pods].pods() else { continue };
        // A pod that gets in and was not meant to.
        let is_meant = |pod: usize| meant.pods.matches(|key| subject.cluster.pods[pod].labels.get(key));
        let other = subject
            .pods_of(subject.peers(&peers[split.namespaces]))
            .into_iter()
            .filter(|pod| !is_meant(*pod))
            .map(|pod| subject.who(&subject.cluster.pods[pod]))
            .min();
        let own = subject.subjects(placed.policy).first().and_then(|class| subject.witness(*class));
        let own = own.map_or_else(
            || format!("the pods of {}", placed.policy.namespace.as_deref().unwrap_or_default()),
            |pod| subject.who(pod),
        );
        let meant = subject.who(&subject.cluster.pods[split.meant]);
        let who = other.clone().unwrap_or_else(|| "every pod of the namespaces".to_owned());
        let witness = match placed.direction {
            Direction::Ingress => format!("{who} -> {own}"),
            Direction::Egress => format!("{own} -> {who}"),
        };
        let message = format!(
            "admits every pod of the namespaces that it selects, {} {meant}: the selector of pods is an item of its own, and looks in \
             {}; {witness} is allowed",
            if other.is_some() { "not only" } else { "not as it looks only" },
            placed.policy.namespace.as_deref().unwrap_or_default(),
        );
        let whole = placed.peer_path(split.namespaces);
        let selector = placed.peer_path(split.pods).key("podSelector");
        let fix = match subject.node(placed.policy, &selector).and_then(copied) {
            Some(value) => Ok(reviewed(
                "put both selectors into one item",
                format!("whether only pods like {meant} are meant"),
                vec![
                    Change::Set { path: whole.clone().key("podSelector"), value },
                    Change::Remove { path: placed.peer_path(split.pods) },
                ],
            )),
            None => Err("the selector cannot be copied as it is written".to_owned()),
        };
        flaws
            .add(placed.policy.object, whole, witness, message)
            .related(placed.policy.object, placed.peer_path(split.pods))
            .fix(fix);
    }
}

// Lists without items

fn empty_lists(subject: &Subject<'_>, flaws: &mut Flaws) {
    for placed in subject.rules().filter(|placed| placed.policy.kind == PolicyKind::NetworkPolicy) {
        let empty = |key: &str| {
            let node = subject.node(placed.policy, &placed.path().key(key))?;
            let is_empty = node.is_null() || (node.kind() == Kind::Sequence && node.items().next().is_none());
            is_empty.then_some(())
        };
        let key = placed.direction.peers_key();
        if empty(key).is_some() {
            let message = format!("an empty list under {key} means everyone, in the cluster and outside");
            flaws.add(placed.policy.object, placed.path().key(key), key, message);
        }
        if empty("ports").is_some() {
            let message = "an empty list under ports means every port of every protocol".to_owned();
            let flaw = flaws.add(placed.policy.object, placed.path().key("ports"), "ports", message);
            if placed.rule.peers.is_some() {
                flaw.severity(Severity::Low);
            }
        }
    }
}

// Rules that nobody looks at

fn network_policies<'s>(subject: &'s Subject<'_>) -> impl Iterator<Item = &'s Policy> {
    subject.cluster.policies.iter().filter(|policy| policy.kind == PolicyKind::NetworkPolicy)
}

fn spec(key: &str) -> FieldPath {
    FieldPath::keys(&["spec", key])
}

/// The list at a key of the spec: how many items it has, where it is there.
fn list(subject: &Subject<'_>, policy: &Policy, key: &str) -> Option<usize> {
    let node = subject.node(policy, &spec(key))?;
    (node.kind() == Kind::Sequence).then(|| node.items().count())
}

const fn type_of(direction: Direction) -> &'static str {
    match direction {
        Direction::Ingress => "Ingress",
        Direction::Egress => "Egress",
    }
}

fn ignored_rules(subject: &Subject<'_>, flaws: &mut Flaws) {
    for policy in network_policies(subject) {
        // Without types they follow from the rules.
        if list(subject, policy, "policyTypes").is_none_or(|types| types == 0) {
            continue;
        }
        for direction in Direction::ALL {
            let Some(rules) = list(subject, policy, direction.key()) else { continue };
            if policy.rules(direction).is_some() {
                continue;
            }
            let (key, word) = (direction.key(), type_of(direction));
            let open = still_open(subject, policy, direction);
            let message = match rules {
                0 => format!("policyTypes do not list {word}, so the empty list {key} denies nothing{open}"),
                _ => {
                    format!("policyTypes do not list {word}, so the rules for {key} are not looked at{open}")
                }
            };
            let fix = reviewed(
                format!("list {word} in policyTypes"),
                "whether the rules allow all that the pods need",
                vec![Change::Append { path: spec("policyTypes"), value: Value::from(word) }],
            );
            flaws
                .add(policy.object, spec(key), key, message)
                .related(policy.object, spec("policyTypes"))
                .fix(Ok(fix));
        }
    }
}

/// A word about pods of the policy that no other isolates in the direction.
fn still_open(subject: &Subject<'_>, policy: &Policy, direction: Direction) -> String {
    let open =
        subject.subjects(policy).into_iter().find(|class| !subject.engine.is_governed(direction, *class));
    let Some(pod) = open.and_then(|class| subject.witness(class)) else { return String::new() };
    match direction {
        Direction::Ingress => format!(": everyone may reach {}", subject.who(pod)),
        Direction::Egress => format!(": {} may reach everyone", subject.who(pod)),
    }
}

// Denies that are none

/// Whether the name says that all is denied, in both directions.
fn says_deny_all(name: &str) -> bool {
    let name = name.to_lowercase();
    let one_way = ["ingress", "inbound", "incoming", "-in", "from"].iter().any(|word| name.contains(word));
    let all = ["deny-all", "denyall", "deny-everything", "deny-any", "deny-both", "isolate", "lockdown"];
    !one_way && all.iter().any(|word| name.contains(word))
}

fn half_denies(subject: &Subject<'_>, flaws: &mut Flaws) {
    for policy in network_policies(subject) {
        let has_rules = Direction::ALL
            .iter()
            .any(|direction| list(subject, policy, direction.key()).is_some_and(|rules| rules > 0));
        if has_rules || policy.egress.is_some() {
            continue;
        }
        let types = list(subject, policy, "policyTypes").unwrap_or(0);
        let empty = list(subject, policy, "egress").is_some() && types == 0;
        if !empty && !says_deny_all(&policy.name) {
            continue;
        }
        // What types do not list of rules that are there is said by another check.
        if types > 0 && list(subject, policy, "egress").is_some() {
            continue;
        }
        let closed = network_policies(subject)
            .any(|other| other.egress.is_some() && subject.is_subject_covered(other, policy));
        if closed {
            continue;
        }
        let message = match (empty, types) {
            (true, _) => {
                "denies no egress: an empty list makes no policy one of Egress where policyTypes are missing"
            }
            (false, 0) => {
                "denies no egress, whatever its name says: without policyTypes it is one of Ingress alone"
            }
            (false, _) => "denies no egress, whatever its name says: its policyTypes list Ingress alone",
        };
        let message = format!("{message}{}", still_open(subject, policy, Direction::Egress));
        let types = match types {
            0 => Change::Set {
                path: spec("policyTypes"),
                value: Value::List(vec![Value::from("Ingress"), Value::from("Egress")]),
            },
            _ => Change::Append { path: spec("policyTypes"), value: Value::from("Egress") },
        };
        let fix = reviewed("deny egress too", "what the pods need to reach: DNS at least", vec![types]);
        let path = if empty { spec("egress") } else { FieldPath::keys(&["spec"]) };
        flaws.add(policy.object, path, "Egress", message).fix(Ok(fix));
    }
}

/// Whether the name says that something is denied.
fn says_deny(name: &str) -> bool {
    let name = name.to_lowercase();
    let says = ["deny", "block", "isolate", "restrict", "lockdown"];
    says.iter().any(|word| name.contains(word)) && !name.contains("allow") && !name.contains("unblock")
}

fn open_rules(subject: &Subject<'_>, flaws: &mut Flaws) {
    for placed in subject.rules().filter(|placed| placed.policy.kind == PolicyKind::NetworkPolicy) {
        // Of a list that is there and empty another check says it.
        let written = |key: &str| subject.node(placed.policy, &placed.path().key(key)).is_some();
        if placed.rule.peers.is_some()
            || placed.rule.ports.is_some()
            || written(placed.direction.peers_key())
            || written("ports")
        {
            continue;
        }
        let key = placed.direction.key();
        let says = says_deny(&placed.policy.name);
        let effect = match placed.direction {
            Direction::Ingress => "lets everyone in, from the cluster and from outside, on every port",
            Direction::Egress => "lets the pods out to everyone, in the cluster and outside, on every port",
        };
        let message = if says {
            format!("{effect}, whatever its name says: a rule without peers and ports allows everything")
        } else {
            effect.to_owned()
        };
        let flaw = flaws.add(placed.policy.object, placed.path(), key, message);
        if placed.direction == Direction::Egress && !says {
            flaw.severity(Severity::Info);
        }
    }
}
