//! Connections that one side allows and the other does not.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fix, Fixable, Value};
use ringwall_model::selector::Operator;

use super::subject::{Placed, a_port};
use super::{EVERY_VERSION, Flaws, NetCheck, POLICIES, Subject, and_more, reviewed, without_namespace};
use crate::cluster::Pod;
use crate::draft::{Draft, DraftPeer, DraftRule, free_name, is_taken, telling};
use crate::policy::{Direction, Peer, PodSet, Policy, Tier};
use crate::port::{Port, Protocol};
use crate::port_set::PortSet;

pub(super) const CHECK: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-001",
        name: "one-sided-allow",
        severity: Severity::Medium,
        summary: "a rule allows a connection that the policies of the other side deny",
        what: "A rule of a NetworkPolicy names pods (`podSelector`, `namespaceSelector`), and on a port that it lists no connection \
               between the policy's pods and these passes the policies of the other side: what `ingress` lets in, the sender's egress \
               policies do not let out; or the reverse. Values of one `In` are taken one by one, and so are the entries of `ports`. A \
               rule about everyone is not meant, and neither is one of which any connection passes.",
        why: "A connection must be allowed twice: by the policies of the sender for `Egress`, and by those of the receiver for \
              `Ingress`. A policy that shows one half reads as if the connection worked; it does not, and who meets the fault most \
              often opens more than was needed.",
        fix: "Write the other half: a rule for `egress` at the sender, or for `ingress` at the receiver. Where the connection is not \
              wanted, remove the rule.",
        bad: BAD,
        good: GOOD,
        versions: EVERY_VERSION,
        references: &[POLICIES],
        controls: &[nsa("Network policies")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find,
};

const BAD: &str = "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: default-deny
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
---
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
---
kind: Pod
metadata:
  name: web
  namespace: shop
  labels:
    app: web
spec:
  containers:
  - name: web
---
kind: Pod
metadata:
  name: api
  namespace: shop
  labels:
    app: api
spec:
  containers:
  - name: api
    ports:
    - containerPort: 8080
";

const GOOD: &str = "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: default-deny
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
---
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
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: web
  namespace: shop
spec:
  podSelector:
    matchLabels:
      app: web
  policyTypes: [Egress]
  egress:
  - to:
    - podSelector:
        matchLabels:
          app: api
    ports:
    - protocol: TCP
      port: 8080
---
kind: Pod
metadata:
  name: web
  namespace: shop
  labels:
    app: web
spec:
  containers:
  - name: web
---
kind: Pod
metadata:
  name: api
  namespace: shop
  labels:
    app: api
spec:
  containers:
  - name: api
    ports:
    - containerPort: 8080
";

/// A connection that one side denies: the class of the rule's own pods, that of the peer, and the ports.
struct Denied {
    own: u32,
    other: u32,
    /// How many classes of peers there are.
    others: usize,
    ports: PortSet,
    peer: usize,
}

fn find(subject: &Subject<'_>, flaws: &mut Flaws) {
    for placed in subject.rules().filter(|placed| placed.policy.tier == Tier::Namespaced) {
        let mut denied: Vec<Denied> = Vec::new();
        for (at, peer) in placed.rule.peers.iter().flatten().enumerate() {
            let Peer::Pods(set) = peer else { continue };
            if is_everyone(set) {
                continue;
            }
            for peers in by_name(subject, peer, set) {
                denied.extend(units(subject, placed, at, &peers));
            }
        }
        if !denied.is_empty() {
            report(subject, placed, &denied, flaws);
        }
    }
}

/// Whether it is all pods of all namespaces.
fn is_everyone(set: &PodSet) -> bool {
    use crate::policy::Namespaces;
    set.pods.is_everything()
        && matches!(&set.namespaces, Namespaces::Selected(selector) if selector.is_everything())
}

/// The classes of a peer, apart for each value of the first `In` that lists several: each is named for itself.
fn by_name(subject: &Subject<'_>, peer: &Peer, set: &PodSet) -> Vec<Vec<u32>> {
    let classes = subject.peers(peer);
    let listed = set
        .pods
        .requirements()
        .iter()
        .find(|requirement| requirement.operator == Operator::In && requirement.values.len() > 1);
    let Some(listed) = listed else { return vec![classes.to_vec()] };
    let mut by_value: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for class in classes {
        for pod in &subject.engine.classes().get(*class).pods {
            let value = subject.cluster.pods[*pod].labels.get(&listed.key).unwrap_or_default();
            by_value.entry(value).or_default().insert(*class);
        }
    }
    by_value.into_values().map(|classes| classes.into_iter().collect()).collect()
}

/// For each entry of the rule's ports that the other side denies between all pods: one connection.
fn units(subject: &Subject<'_>, placed: Placed<'_>, peer: usize, peers: &[u32]) -> Vec<Denied> {
    let own = subject.subjects(placed.policy);
    let entries = placed.rule.ports.as_ref();
    let mut found = Vec::new();
    for entry in 0..entries.map_or(1, Vec::len) {
        let ports_on = |receiver: u32| match entries {
            Some(entries) => subject.resolve(&entries[entry], receiver),
            None => PortSet::all(),
        };
        found.extend(denied(subject, placed.direction, &own, peers, ports_on, peer));
    }
    found
}

/// A connection that the other side denies, where it denies all of them.
fn denied(
    subject: &Subject<'_>,
    direction: Direction,
    own: &[u32],
    peers: &[u32],
    ports_on: impl Fn(u32) -> PortSet,
    peer: usize,
) -> Option<Denied> {
    let (classes, engine) = (subject.engine.classes(), subject.engine);
    let reverse = direction.opposite();
    let mut first: Option<Denied> = None;
    for other in peers {
        for own in own {
            let (a, b) = (classes.get(*own), classes.get(*other));
            // A pod reaches itself whatever policies say.
            let itself = own == other && a.pods.len() == 1 && !subject.cluster.pods[a.pods[0]].template;
            if a.family != b.family || itself {
                continue;
            }
            let ports = ports_on(if direction == Direction::Ingress { *own } else { *other });
            if ports.is_empty() {
                continue;
            }
            let beyond = &engine.side(reverse, *other, *own).may;
            if beyond.is_all() || !beyond.and(&ports).is_empty() {
                return None;
            }
            let here = engine.side(direction, *own, *other).may.and(&ports);
            if first.is_none() && !here.is_empty() {
                first = Some(Denied { own: *own, other: *other, others: peers.len(), ports: here, peer });
            }
        }
    }
    first
}

fn report(subject: &Subject<'_>, placed: Placed<'_>, all: &[Denied], flaws: &mut Flaws) {
    let (Some(denied), more) = (all.first(), all.len() - 1) else { return };
    let (from, to) = placed.direction.sides(denied.own, denied.other);
    let (Some(sender), Some(receiver)) = (subject.witness(from), subject.witness(to)) else { return };
    let on = if denied.ports.is_all() && receiver.ports.is_empty() {
        "any port".to_owned()
    } else {
        let port = a_port(Some(receiver), &denied.ports);
        port.map_or_else(|| denied.ports.to_string(), |port| port.to_string())
    };
    let witness = format!("{} -> {} {on}", subject.who(sender), subject.who(receiver));
    let (reverse, verb, other) = match placed.direction {
        Direction::Ingress => (Direction::Egress, "let out", subject.who(sender)),
        Direction::Egress => (Direction::Ingress, "let in", subject.who(receiver)),
    };
    let mut isolating: Vec<_> = subject.isolating(reverse, denied.other).collect();
    let own = placed.policy.object;
    if !isolating.is_empty() && !isolating.iter().any(|policy| subject.are_together(own, policy.object)) {
        return;
    }
    // What denies and allows nothing is what people know as the default.
    isolating.sort_by_key(|policy| policy.rules(reverse).is_some_and(|rules| !rules.is_empty()));
    let isolating: Vec<&str> = isolating.into_iter().map(|policy| policy.name.as_str()).collect();
    let why = match isolating.as_slice() {
        [] => "a policy of administrators denies it".to_owned(),
        [name] => format!("policy \"{name}\" isolates it for {}, and no rule allows this", reverse.key()),
        [name, ..] => format!(
            "policies \"{name}\"{} isolate it for {}, and no rule allows this",
            and_more(isolating.len() - 1),
            reverse.key()
        ),
    };
    let mut message = format!("allows {witness}, which is not {verb} at {other}: {why}");
    if more > 0 {
        message.push_str(&format!("; so it is with {more} more of the pods and ports that the rule names"));
    }
    let fix = if isolating.is_empty() {
        Err("a policy of administrators would have to be changed".to_owned())
    } else {
        other_half(subject, placed, reverse, all)
    };
    flaws.add(placed.policy.object, placed.peer_path(denied.peer), witness, message).fix(fix);
}

/// The policies that allow the connections on the other side, each for one workload; where the rule means single workloads.
fn other_half(
    subject: &Subject<'_>,
    placed: Placed<'_>,
    reverse: Direction,
    all: &[Denied],
) -> Result<Fix, String> {
    const UNKNOWN: &str = "which of the pods are meant is not in the manifest";
    let own = subject.subjects(placed.policy);
    let workloads = |classes: &[u32]| {
        let pods = subject.pods_of(classes);
        pods.into_iter().map(|pod| subject.cluster.pods[pod].workload).collect::<BTreeSet<usize>>()
    };
    if workloads(&own).len() != 1 {
        return Err(UNKNOWN.to_owned());
    }
    let mut drafts: BTreeMap<usize, (&Pod, &Pod, PortSet)> = BTreeMap::new();
    for denied in all {
        let (Some(here), Some(there)) = (subject.witness(denied.own), subject.witness(denied.other)) else {
            return Err(UNKNOWN.to_owned());
        };
        if workloads(&[denied.other]).len() != 1 || denied.others > 1 {
            return Err(UNKNOWN.to_owned());
        }
        let entry = drafts.entry(there.workload).or_insert_with(|| (here, there, PortSet::none()));
        entry.2 = entry.2.or(&denied.ports);
    }
    let mut changes = Vec::new();
    for (here, there, ports) in drafts.into_values() {
        changes
            .push(Change::Beside { object: draft(subject, placed.policy, reverse, (here, there), &ports)? });
    }
    let side = match reverse {
        Direction::Ingress => "let it in at the receiver",
        Direction::Egress => "let it out at the sender",
    };
    Ok(reviewed(format!("add a policy to {side}"), "whether the connection is wanted", changes))
}

/// A policy for the pod `there` that allows `ports` between it and `here`.
fn draft(
    subject: &Subject<'_>,
    beside: &Policy,
    direction: Direction,
    (here, there): (&Pod, &Pod),
    ports: &PortSet,
) -> Result<Value, String> {
    let untold = || Err("no label tells the pods from others of their namespace".to_owned());
    let ((own, true), (other, true)) = (telling(subject.cluster, there), telling(subject.cluster, here))
    else {
        return untold();
    };
    let mut listed = Vec::new();
    for protocol in Protocol::ALL.into_iter().filter(|_| !ports.is_all()) {
        for (first, last) in ports.of(protocol) {
            if listed.len() + usize::from(last - first) > 15 {
                return Err("a range of so many ports is not copied".to_owned());
            }
            listed.extend((first..=last).map(|number| Port { protocol, number }));
        }
    }
    let namespace = (here.namespace != there.namespace).then(|| here.namespace.clone());
    let rules = vec![DraftRule { peers: vec![DraftPeer::Pods { namespace, pods: other }], ports: listed }];
    let name = |pod: &Pod| subject.cluster.workloads[pod.workload].name.clone();
    let (base, ingress, egress) = match direction {
        Direction::Ingress => (format!("allow-{}-from-{}", name(there), name(here)), Some(rules), None),
        Direction::Egress => (format!("allow-{}-to-{}", name(there), name(here)), None, Some(rules)),
    };
    let taken = |name: &str| is_taken(subject.cluster, &there.namespace, name);
    let draft = Draft {
        namespace: there.namespace.clone(),
        name: free_name(taken, &base, direction.key()),
        subject: own,
        ingress,
        egress,
    };
    // What says no namespace is applied to any, and so must be what stands beside it.
    let stated = subject.object(beside).id.namespace.is_some();
    if !stated && here.namespace != there.namespace {
        return Err("the namespace of the policy is not in the manifest".to_owned());
    }
    Ok(if stated { draft.value() } else { without_namespace(draft.value()) })
}
