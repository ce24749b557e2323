//! Policies that let pods send, and not ask for names.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fix, Fixable, Value};
use ringwall_model::path::FieldPath;

use super::subject::{Placed, named};
use super::{EVERY_VERSION, Flaws, NetCheck, POLICIES, Subject, cover, labels, mapping, reviewed, safe};
use crate::cluster::{NAME_LABEL, Pod};
use crate::policy::{Action, Direction, Namespaces, Peer, PodSet, Policy, PolicyKind, Tier};
use crate::port::{Port, PortMatch, Protocol};

const DNS: &str = "https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/";

pub(super) const ONE_PROTOCOL: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-004",
        name: "dns-over-one-protocol",
        severity: Severity::Low,
        summary: "a rule lets pods ask for names over UDP or over TCP, and not over both",
        what: "A rule for `egress` lists port 53 for one of UDP and TCP, and no rule for the same pods allows the other towards the same \
               peers. An entry without `protocol` is one of TCP. The severity is medium where UDP is the one that is missing: then no \
               name is resolved at all.",
        why: "Names are asked for over UDP, and again over TCP where the answer is too long for a datagram: a Service with many \
              endpoints, a long chain of names. What works with a few pods stops working with more, and it looks like a fault of the \
              program.",
        fix: "List port 53 for both protocols.",
        bad: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: allow-dns
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
  - to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: kube-system
    ports:
    - protocol: UDP
      port: 53
",
        good: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: allow-dns
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
  - to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: kube-system
    ports:
    - protocol: UDP
      port: 53
    - protocol: TCP
      port: 53
",
        versions: EVERY_VERSION,
        references: &[POLICIES, DNS, "https://www.rfc-editor.org/rfc/rfc7766"],
        controls: &[nsa("Network policies")],
    },
    fix: Fixable::ByTool(Applicability::Safe),
    find: one_protocol,
};

pub(super) const NONE: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-005",
        name: "egress-without-dns",
        severity: Severity::Medium,
        summary: "pods may send to other pods, and not ask for their names",
        what: "NetworkPolicies isolate pods for `egress` and let them send to other pods, and no rule lets them send to port 53 over UDP \
               anywhere that may answer. Pods that may send nothing, or only to blocks of addresses, are not meant.",
        why: "Services are called by name. A program that cannot resolve the name of the Service that it may call does not get that far.",
        fix: "Allow port 53 over UDP and TCP towards the DNS pods: `k8s-app: kube-dns` in `kube-system`.",
        bad: "\
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
",
        good: "\
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
  - to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: kube-system
      podSelector:
        matchLabels:
          k8s-app: kube-dns
    ports:
    - protocol: UDP
      port: 53
    - protocol: TCP
      port: 53
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
",
        versions: EVERY_VERSION,
        references: &[POLICIES, DNS],
        controls: &[nsa("Network policies")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: none,
};

pub(super) const MISSED: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-006",
        name: "missed-dns-pods",
        severity: Severity::Medium,
        summary: "a rule for DNS selects pods that are none of the DNS pods",
        what: "A rule for `egress` lists port 53, and none of its peers is a pod that answers: it selects `k8s-app: kube-dns` (or the \
               like) in the policy's own namespace, where no such pod is; or the DNS pods of `kube-system` are in the input and it \
               selects none of them; or what it selects is on the network of its node, as NodeLocal DNSCache is, where no selector \
               meets it.",
        why: "A `podSelector` that stands alone selects in the policy's own namespace. The rule reads as if it allowed DNS, and allows \
              nothing.",
        fix: "Put a `namespaceSelector` for `kube-system` beside the `podSelector`, in the same list item. For NodeLocal DNSCache allow \
              its address: `ipBlock` with `169.254.20.10/32`.",
        bad: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: allow-dns
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
  - to:
    - podSelector:
        matchLabels:
          k8s-app: kube-dns
    ports:
    - protocol: UDP
      port: 53
    - protocol: TCP
      port: 53
",
        good: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: allow-dns
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
  - to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: kube-system
      podSelector:
        matchLabels:
          k8s-app: kube-dns
    ports:
    - protocol: UDP
      port: 53
    - protocol: TCP
      port: 53
",
        versions: EVERY_VERSION,
        references: &[POLICIES, DNS, "https://kubernetes.io/docs/tasks/administer-cluster/nodelocaldns/"],
        controls: &[nsa("Network policies")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: missed,
};

const PORT: u16 = 53;

const fn dns(protocol: Protocol) -> Port {
    Port { protocol, number: PORT }
}

/// Whether a rule lists port 53 of a protocol itself.
fn lists(placed: &Placed<'_>, protocol: Protocol) -> bool {
    let one = PortMatch::Range { protocol, first: PORT, last: PORT };
    placed.rule.ports.as_ref().is_some_and(|ports| ports.contains(&one))
}

/// Whether a rule is about port 53 of a protocol, whatever else it is about.
fn takes(placed: &Placed<'_>, protocol: Protocol) -> bool {
    placed.rule.ports.as_ref().is_none_or(|ports| {
        cover::numbers(ports).contains(dns(protocol)) || ports.iter().any(|port| is_dns_name(port, protocol))
    })
}

/// Whether it is one of the names that the DNS pods' ports have.
fn is_dns_name(port: &PortMatch, protocol: Protocol) -> bool {
    matches!(port, PortMatch::Named { name, protocol: stated }
        if name.contains("dns") && stated.is_none_or(|stated| stated == protocol))
}

fn egress<'s>(subject: &'s Subject<'s>) -> impl Iterator<Item = Placed<'s>> {
    subject.rules_of(Direction::Egress).filter(|placed| placed.rule.action == Action::Allow)
}

fn one_protocol(subject: &Subject<'_>, flaws: &mut Flaws) {
    for placed in egress(subject) {
        let missing = match (lists(&placed, Protocol::Udp), lists(&placed, Protocol::Tcp)) {
            (true, false) => Protocol::Tcp,
            (false, true) => Protocol::Udp,
            _ => continue,
        };
        let elsewhere = egress(subject).any(|other| {
            other.policy.tier == placed.policy.tier
                && takes(&other, missing)
                && subject.is_subject_covered(other.policy, placed.policy)
                && cover::peers(subject.cluster, other.rule.peers.as_deref(), placed.rule.peers.as_deref())
        });
        if elsewhere || is_let_through(subject, &placed, missing) {
            continue;
        }
        let witness = dns(missing).to_string();
        let (message, severity) = match missing {
            Protocol::Udp => (
                "lets pods ask for names over TCP 53 and not over UDP 53, which is what they do first"
                    .to_owned(),
                Severity::Medium,
            ),
            _ => (
                "lets pods ask for names over UDP 53 and not over TCP 53, over which long answers come"
                    .to_owned(),
                Severity::Low,
            ),
        };
        let path = placed.path().key(placed.ports_key());
        let entry = entry(placed.policy.kind, missing);
        let fix =
            safe(format!("allow {witness} too"), vec![Change::Append { path: path.clone(), value: entry }]);
        flaws.add(placed.policy.object, path, witness, message).severity(severity).fix(Ok(fix));
    }
}

/// Whether all pods of the policy may send to all of the rule's peers on port 53 of a protocol, by whatever rules, where the
/// input holds both.
fn is_let_through(subject: &Subject<'_>, placed: &Placed<'_>, protocol: Protocol) -> bool {
    let senders = subject.subjects(placed.policy);
    let peers: Vec<u32> =
        placed.rule.peers.iter().flatten().flat_map(|peer| subject.peers(peer)).copied().collect();
    let passes =
        |from: &u32, to: &u32| subject.engine.side(Direction::Egress, *from, *to).yes.contains(dns(protocol));
    !senders.is_empty()
        && !peers.is_empty()
        && senders.iter().all(|from| peers.iter().all(|to| passes(from, to)))
}

/// An entry of a rule's ports for port 53.
fn entry(kind: PolicyKind, protocol: Protocol) -> Value {
    let port = [("protocol", Value::from(protocol.word())), ("port", Value::Integer(PORT.into()))];
    match kind {
        PolicyKind::NetworkPolicy => mapping(port),
        PolicyKind::AdminNetworkPolicy | PolicyKind::BaselineAdminNetworkPolicy => {
            mapping([("portNumber", mapping(port))])
        }
        PolicyKind::ClusterNetworkPolicy => {
            let key = protocol.word().to_lowercase();
            let number = mapping([("number", Value::Integer(PORT.into()))]);
            mapping([(key.as_str(), mapping([("destinationPort", number)]))])
        }
    }
}

// Pods without DNS

fn none(subject: &Subject<'_>, flaws: &mut Flaws) {
    let classes = subject.engine.classes();
    // For each class that NetworkPolicies isolate, the policies that do.
    let mut isolated: BTreeMap<u32, Vec<&Policy>> = BTreeMap::new();
    let mut helped: BTreeSet<u32> = BTreeSet::new();
    for policy in &subject.cluster.policies {
        let Some(rules) = policy.rules(Direction::Egress) else { continue };
        let mut rules = rules.iter().enumerate().map(|(number, rule)| Placed {
            at: 0,
            policy,
            direction: Direction::Egress,
            number,
            rule,
        });
        let helps = rules.any(|placed| placed.rule.action != Action::Deny && may_be_dns(subject, &placed));
        for class in subject.subjects(policy) {
            if helps {
                helped.insert(class);
            } else if policy.tier == Tier::Namespaced {
                isolated.entry(class).or_default().push(policy);
            }
        }
    }
    // By the policy that lets them send to pods, which is where the rule is missing.
    let mut lacking: BTreeMap<usize, (usize, BTreeSet<u32>)> = BTreeMap::new();
    for (class, policies) in isolated {
        if helped.contains(&class) || classes.get(class).foreign[Direction::Egress as usize] {
            continue;
        }
        let to_pods = policies.iter().find_map(|policy| {
            let rules = policy.rules(Direction::Egress)?;
            let is_pods = |peer: &Peer| matches!(peer, Peer::Pods(_));
            let rule = rules.iter().position(|rule| rule.peers.iter().flatten().any(is_pods))?;
            Some((*policy, rule))
        });
        if let Some((policy, rule)) = to_pods {
            lacking.entry(policy.object).or_insert((rule, BTreeSet::new())).1.insert(class);
        }
    }
    for (object, (rule, classes)) in lacking {
        let classes: Vec<u32> = classes.into_iter().collect();
        let names: BTreeSet<String> = subject
            .pods_of(&classes)
            .into_iter()
            .map(|pod| subject.who(&subject.cluster.pods[pod]))
            .collect();
        let Some(first) = names.first() else { continue };
        let more = super::and_more(names.len() - 1);
        let witness = format!("{first} -> {} {}", "kube-system/kube-dns", dns(Protocol::Udp));
        let message =
            format!("lets {first}{more} send to pods, whose names it may not ask for: {witness} is denied");
        let path = Policy::rule_path(Direction::Egress, rule);
        let fix = reviewed(
            "allow DNS",
            "whether the DNS pods are those labelled k8s-app: kube-dns in kube-system",
            vec![Change::Append { path: FieldPath::keys(&["spec", "egress"]), value: dns_rule() }],
        );
        flaws.add(object, path, witness, message).fix(Ok(fix));
    }
}

/// The rule of a NetworkPolicy that allows DNS.
fn dns_rule() -> Value {
    let label = |key: &str, value: &str| mapping([("matchLabels", mapping([(key, Value::from(value))]))]);
    let peer = mapping([
        ("namespaceSelector", label(NAME_LABEL, "kube-system")),
        ("podSelector", label("k8s-app", "kube-dns")),
    ]);
    let ports = [Protocol::Udp, Protocol::Tcp].map(|protocol| entry(PolicyKind::NetworkPolicy, protocol));
    mapping([("to", Value::List(vec![peer])), ("ports", Value::List(ports.into()))])
}

/// Whether the rule may be what lets pods ask for names: it names port 53, or takes all ports of someone who may answer.
fn may_be_dns(subject: &Subject<'_>, placed: &Placed<'_>) -> bool {
    // The DNS pods of OpenShift listen on another port.
    let other = PortMatch::Range { protocol: Protocol::Udp, first: 5353, last: 5353 };
    let lists_other = placed.rule.ports.as_ref().is_some_and(|ports| ports.contains(&other));
    if lists(placed, Protocol::Udp) || lists(placed, Protocol::Tcp) || lists_other {
        return true;
    }
    takes(placed, Protocol::Udp)
        && placed.rule.peers.as_ref().is_none_or(|peers| peers.iter().any(|peer| may_answer(subject, peer)))
}

/// Whether a peer may be one that answers; what is not pods may be.
fn may_answer(subject: &Subject<'_>, peer: &Peer) -> bool {
    let Peer::Pods(set) = peer else { return *peer != Peer::Nothing };
    let may_hold = |namespace: &str| {
        namespace == "kube-system"
            || namespace.contains("dns")
            || subject.pods_in(namespace).iter().any(|pod| answers(&subject.cluster.pods[*pod]))
    };
    match &set.namespaces {
        Namespaces::Own(name) => may_hold(name),
        Namespaces::Selected(selector) => {
            named(selector).is_none_or(|names| names.iter().any(|name| may_hold(name)))
        }
    }
}

/// Whether a pod declares that it answers for names.
fn answers(pod: &Pod) -> bool {
    pod.ports.iter().any(|declared| declared.port == dns(Protocol::Udp))
        || pod.labels.get("k8s-app") == Some("kube-dns")
}

// Rules that miss the DNS pods

/// What selectors of DNS pods look like.
fn looks_like_dns(set: &PodSet) -> bool {
    set.pods.requirements().iter().any(|requirement| {
        requirement.values.iter().any(|value| {
            matches!(value.as_str(), "kube-dns" | "coredns" | "core-dns" | "node-local-dns" | "nodelocaldns")
        })
    })
}

fn missed(subject: &Subject<'_>, flaws: &mut Flaws) {
    for placed in egress(subject) {
        let Some((at, message, fix)) = miss(subject, &placed) else { continue };
        let port = if lists(&placed, Protocol::Udp) { Protocol::Udp } else { Protocol::Tcp };
        flaws.add(placed.policy.object, placed.peer_path(at), dns(port).to_string(), message).fix(fix);
    }
}

/// Whether the rule is one for DNS and misses the pods that answer.
pub(super) fn is_missed(subject: &Subject<'_>, placed: &Placed<'_>) -> bool {
    placed.direction == Direction::Egress && miss(subject, placed).is_some()
}

/// By which peer a rule for DNS misses the pods that answer, how, and what mends it.
fn miss(subject: &Subject<'_>, placed: &Placed<'_>) -> Option<(usize, String, Result<Fix, String>)> {
    if !lists(placed, Protocol::Udp) && !lists(placed, Protocol::Tcp) {
        return None;
    }
    let peers = placed.rule.peers.as_ref()?;
    let sets: Vec<&PodSet> = peers.iter().map(Peer::pods).collect::<Option<_>>()?;
    // What a selector means that asks for a namespace by a label nobody has is said by another check.
    let wrong_label = |set: &&PodSet| match &set.namespaces {
        Namespaces::Selected(selector) => {
            selector.requirements().iter().any(|requirement| labels::means_a_name(subject, requirement))
        }
        Namespaces::Own(_) => false,
    };
    let meets = peers.iter().any(|peer| {
        // Pods that declare no ports may answer on any.
        subject.peers(peer).iter().any(|class| {
            let declared = subject.declared(*class);
            let mut pods = subject.engine.classes().get(*class).pods.iter();
            declared.unknown
                || declared.ports.contains(dns(Protocol::Udp))
                || pods.any(|pod| answers(&subject.cluster.pods[*pod]))
        })
    });
    if meets || sets.iter().any(wrong_label) {
        return None;
    }
    if let Some(at) = sets.iter().position(|set| is_on_host(subject, set)) {
        let message = "selects DNS pods that are on the network of their node, where no selector meets them";
        let reason = "which address they answer on is not in the manifest";
        return Some((at, message.to_owned(), Err(reason.to_owned())));
    }
    let all_own = sets.iter().all(|set| matches!(set.namespaces, Namespaces::Own(_)));
    let is_own = |set: &&PodSet| {
        matches!(&set.namespaces, Namespaces::Own(name) if name != "kube-system") && looks_like_dns(set)
    };
    if let Some(at) = sets.iter().position(is_own).filter(|_| all_own) {
        let own = placed.policy.namespace.as_deref().unwrap_or("default");
        let message =
            format!("selects the DNS pods in {own}, the policy's own namespace, and they are not there");
        return Some((at, message, Ok(beside(placed, at))));
    }
    let mut known = subject.pods_in("kube-system").iter().map(|pod| &subject.cluster.pods[*pod]);
    known.any(|pod| pod.is_subject() && answers(pod)).then(|| {
        let message = "lists port 53 and selects none of the DNS pods of kube-system, which are here";
        let reason = "which labels they are to be known by is not in the manifest";
        (0, message.to_owned(), Err(reason.to_owned()))
    })
}

/// The fix that puts a selector of `kube-system` beside that of the pods.
fn beside(placed: &Placed<'_>, peer: usize) -> Fix {
    let name = mapping([(NAME_LABEL, Value::from("kube-system"))]);
    let change = Change::Set {
        path: placed.peer_path(peer).key("namespaceSelector"),
        value: mapping([("matchLabels", name)]),
    };
    reviewed("look for the DNS pods in kube-system", "whether the DNS pods are in kube-system", vec![change])
}

/// Whether the set would hold DNS pods if they were not on the network of their node.
fn is_on_host(subject: &Subject<'_>, set: &PodSet) -> bool {
    let namespaces = subject.namespaces_of(set);
    let mut pods =
        namespaces.iter().flat_map(|name| subject.pods_in(name)).map(|pod| &subject.cluster.pods[*pod]);
    pods.any(|pod| pod.host_network && answers(pod) && set.pods.matches(|key| pod.labels.get(key)))
}
