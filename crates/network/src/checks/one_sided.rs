//! Connections that one side allows and the other does not.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fix, Fixable, Value};
use ringwall_model::path::FieldPath;
use ringwall_model::selector::Operator;

use super::subject::{Placed, a_port};
use super::{EVERY_VERSION, Flaws, NetCheck, POLICIES, Subject, and_more, copied, mapping, reviewed};
use crate::cluster::NAME_LABEL;
use crate::draft::{Pick, free_name, is_taken};
use crate::policy::{Direction, Peer, PodSet, Policy, Tier};
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
        if let Some(first) = denied.first() {
            report(subject, placed, first, denied.len() - 1, flaws);
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
    let reverse = match direction {
        Direction::Ingress => Direction::Egress,
        Direction::Egress => Direction::Ingress,
    };
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
                first = Some(Denied { own: *own, other: *other, ports: here, peer });
            }
        }
    }
    first
}

fn report(subject: &Subject<'_>, placed: Placed<'_>, denied: &Denied, more: usize, flaws: &mut Flaws) {
    let (from, to) = match placed.direction {
        Direction::Ingress => (denied.other, denied.own),
        Direction::Egress => (denied.own, denied.other),
    };
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
    let fix = other_half(subject, placed, denied, reverse, &isolating);
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
    flaws.add(placed.policy.object, placed.peer_path(denied.peer), witness, message).fix(fix);
}

/// A policy for the other side, with the selectors and ports of the rule.
fn other_half(
    subject: &Subject<'_>,
    placed: Placed<'_>,
    denied: &Denied,
    reverse: Direction,
    isolating: &[&Policy],
) -> Result<Fix, String> {
    if isolating.is_empty() {
        return Err(
            "a policy of administrators denies it, and only they can tell whether it may pass".to_owned()
        );
    }
    let peer = placed.rule.peers.iter().flatten().nth(denied.peer);
    let Some(peer @ Peer::Pods(_)) = peer else { return Err("the rule names no pods".to_owned()) };
    if !subject.peers(peer).iter().all(|class| subject.isolating(reverse, *class).next().is_some()) {
        let reason = "some of the pods that the rule names are isolated by nothing yet, and a policy for them would close the rest";
        return Err(reason.to_owned());
    }
    let pods = subject.pods_of(subject.peers(peer));
    let namespaces: BTreeSet<&str> =
        pods.iter().map(|pod| subject.cluster.pods[*pod].namespace.as_str()).collect();
    let (Some(other), 1) = (namespaces.first(), namespaces.len()) else {
        return Err(
            "the pods that the rule names are in several namespaces, and each needs a policy".to_owned()
        );
    };
    let Some(own) = placed.policy.namespace.as_deref() else {
        return Err("the policy has no namespace".to_owned());
    };
    let no_copy = || "a selector of the policy cannot be copied".to_owned();
    let selector = |path: FieldPath| match subject.node(placed.policy, &path) {
        Some(node) if !node.is_null() => copied(node).ok_or_else(no_copy),
        _ => Ok(Value::Mapping(Vec::new())),
    };
    let mut from_here = Vec::new();
    if own != *other {
        from_here.push(("namespaceSelector".to_owned(), Pick::of(NAME_LABEL, own).value()));
    }
    from_here.push(("podSelector".to_owned(), selector(FieldPath::keys(&["spec", "podSelector"]))?));
    let mut rule = vec![(reverse.peers_key().to_owned(), Value::List(vec![Value::Mapping(from_here)]))];
    if let Some(ports) =
        subject.node(placed.policy, &placed.path().key(placed.ports_key())).filter(|node| !node.is_null())
    {
        rule.push((placed.ports_key().to_owned(), copied(ports).ok_or_else(no_copy)?));
    }
    let name = free_name(
        |name| is_taken(subject.cluster, other, name),
        &format!("{}-{}", placed.policy.name, reverse.key()),
        "2",
    );
    let mut metadata = vec![("name".to_owned(), Value::from(name.as_str()))];
    // Who leaves the namespace to the command line does so for both.
    if subject.object(placed.policy).id.namespace.is_some() || own != *other {
        metadata.push(("namespace".to_owned(), Value::from(*other)));
    }
    let word = match reverse {
        Direction::Ingress => "Ingress",
        Direction::Egress => "Egress",
    };
    let spec = mapping([
        ("podSelector", selector(placed.peer_path(denied.peer).key("podSelector"))?),
        ("policyTypes", Value::List(vec![word.into()])),
        (reverse.key(), Value::List(vec![Value::Mapping(rule)])),
    ]);
    let object = mapping([
        ("apiVersion", "networking.k8s.io/v1".into()),
        ("kind", "NetworkPolicy".into()),
        ("metadata", Value::Mapping(metadata)),
        ("spec", spec),
    ]);
    let title = format!("add a NetworkPolicy \"{name}\", which allows the other half");
    Ok(reviewed(title, "look whether the connection is wanted", vec![Change::Beside { object }]))
}
