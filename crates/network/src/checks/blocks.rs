//! Blocks of addresses that hold more, or less, than they seem to.

use ringwall_model::address::{Address, Block, Family};
use ringwall_model::check::Check;
use ringwall_model::control::{mitre, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fix, Fixable, Value};
use ringwall_model::path::FieldPath;
use ringwall_model::tree::{Kind, Node};

use super::subject::Placed;
use super::{EVERY_VERSION, Flaws, NetCheck, POLICIES, Subject, and_more, cover, mapping, reviewed, safe};
use crate::cluster::Cluster;
use crate::policy::{Action, Direction, Peer, PolicyKind, Rule};
use crate::port::{Port, Protocol};

pub(super) const METADATA: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-018",
        name: "open-metadata-address",
        severity: Severity::Medium,
        summary: "a rule that means the internet lets pods reach the metadata service of the cloud",
        what: "A rule for `egress` allows TCP 80 towards a block of addresses that holds 169.254.169.254 and more than the link-local \
               addresses, as `0.0.0.0/0` does; `except` does not leave the address out, and no policy of administrators denies it.",
        why: "At that address a node of AWS, Azure, Google Cloud and others gets its credentials. Whoever is inside of a pod asks for them, \
              and is the node for the cloud's interface.",
        fix: "Leave the address out: `except: [169.254.169.254/32]`. Where the cloud can, demand of its service what a pod cannot do (IMDSv2 \
              with a hop limit of 1, metadata concealment).",
        bad: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: internet
  namespace: shop
spec:
  podSelector:
    matchLabels:
      app: web
  policyTypes: [Egress]
  egress:
  - to:
    - ipBlock:
        cidr: 0.0.0.0/0
",
        good: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: internet
  namespace: shop
spec:
  podSelector:
    matchLabels:
      app: web
  policyTypes: [Egress]
  egress:
  - to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except:
        - 169.254.169.254/32
",
        versions: EVERY_VERSION,
        references: &[
            POLICIES,
            "https://kubernetes.io/docs/tasks/administer-cluster/securing-a-cluster/#restricting-cloud-metadata-api-access",
        ],
        controls: &[nsa("Network policies"), mitre("T1552")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: metadata,
};

pub(super) const PODS: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-019",
        name: "block-holds-pods",
        severity: Severity::Medium,
        summary: "a block of addresses lets all pods through, or names pods by their addresses",
        what: "A rule of a NetworkPolicy has an `ipBlock` that is smaller than the whole of IPv4 or IPv6 and holds addresses of pods: of \
               pods that the input shows running, or of the ranges that nodes or the configuration state. `except` is looked at. The \
               severity is low where the block is within a range of pods.",
        why: "Addresses of pods are addresses: a block for the networks of the company that holds the pods' range too admits every pod of \
              every namespace, whatever labels it has. An address of one pod is another's tomorrow. Not all network plugins take it so: \
              with Cilium a block holds no pods.",
        fix: "Leave the pods' range out with `except`, and name pods by `podSelector` and `namespaceSelector`.",
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
  - from:
    - ipBlock:
        cidr: 10.0.0.0/8
    ports:
    - protocol: TCP
      port: 5432
---
kind: Pod
metadata:
  name: web
  namespace: blog
spec:
  containers:
  - name: web
status:
  podIP: 10.244.1.7
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
  ingress:
  - from:
    - ipBlock:
        cidr: 10.0.0.0/8
        except:
        - 10.244.0.0/16
    ports:
    - protocol: TCP
      port: 5432
---
kind: Pod
metadata:
  name: web
  namespace: blog
spec:
  containers:
  - name: web
status:
  podIP: 10.244.1.7
",
        versions: EVERY_VERSION,
        references: &[POLICIES, "https://docs.cilium.io/en/stable/network/kubernetes/policy/"],
        controls: &[nsa("Network policies"), mitre("T1046")],
    },
    fix: Fixable::ByHand("which of the addresses are meant is not in the manifest"),
    find: pods,
};

pub(super) const UNDONE: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-020",
        name: "undone-except",
        severity: Severity::Medium,
        summary: "what an ipBlock leaves out, another rule lets in",
        what: "A block under `except` of an `ipBlock` is allowed as a whole, on all ports of the rule, by another peer or rule that is about \
               the same pods: one for everyone, or for a larger block. A rule for exactly that block is not meant.",
        why: "`except` takes out of its own block and denies nothing. Rules add up: what any of them allows is allowed.",
        fix: "Leave the block out in the other rule too.",
        bad: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: internet
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
  - to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except:
        - 10.0.0.0/8
    ports:
    - protocol: TCP
      port: 443
  - ports:
    - protocol: TCP
      port: 443
",
        good: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: internet
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
  - to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except:
        - 10.0.0.0/8
    ports:
    - protocol: TCP
      port: 443
",
        versions: EVERY_VERSION,
        references: &[POLICIES],
        controls: &[nsa("Network policies")],
    },
    fix: Fixable::ByHand("which of the two rules is meant is not in the manifest"),
    find: undone,
};

pub(super) const ONE_FAMILY: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-021",
        name: "block-of-one-family",
        severity: Severity::Low,
        summary: "a rule means every address, and leaves out those of the other family that the pods speak",
        what: "A rule of a NetworkPolicy has the block `0.0.0.0/0` and not `::/0`, or the reverse, no other rule for the same pods has it, \
               and the pods have addresses of both families.",
        why: "`0.0.0.0/0` is every address of IPv4 and none of IPv6. Programs prefer IPv6 where there is an address, wait, and fall back: \
              what works is slow, and what has IPv6 alone does not work.",
        fix: "Add the block of the other family.",
        bad: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: internet
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
  - to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except: [169.254.169.254/32]
---
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  containers:
  - name: web
status:
  podIPs:
  - ip: 10.244.1.7
  - ip: fd00:10:244:1::7
",
        good: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: internet
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
  - to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except: [169.254.169.254/32]
    - ipBlock:
        cidr: ::/0
---
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  containers:
  - name: web
status:
  podIPs:
  - ip: 10.244.1.7
  - ip: fd00:10:244:1::7
",
        versions: EVERY_VERSION,
        references: &["https://kubernetes.io/docs/concepts/services-networking/dual-stack/"],
        controls: &[nsa("Network policies")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: one_family,
};

pub(super) const UNCLEAR: NetCheck = NetCheck {
    about: Check {
        id: "RW-NET-022",
        name: "unclear-block",
        severity: Severity::Low,
        summary: "a block of addresses is not written as what it means",
        what: "A block in a policy has leading zeros (`010.0.0.0/8`), is one of IPv4 in the clothes of IPv6 (`::ffff:10.0.0.0/104`), or has \
               bits behind its prefix (`10.1.2.3/24`). The severity is info for the last.",
        why: "Leading zeros are decimal to the API server and octal to others. A block in the clothes of IPv6 is compared as IPv4 by some \
              programs and as IPv6 by others. Of `10.1.2.3/24` one reader sees an address, and the cluster 256 of them. Newer versions of \
              Kubernetes warn of all three.",
        fix: "Write the block as it is meant.",
        bad: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: office
  namespace: shop
spec:
  podSelector:
    matchLabels:
      app: web
  policyTypes: [Ingress]
  ingress:
  - from:
    - ipBlock:
        cidr: 010.20.0.0/16
",
        good: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: office
  namespace: shop
spec:
  podSelector:
    matchLabels:
      app: web
  policyTypes: [Ingress]
  ingress:
  - from:
    - ipBlock:
        cidr: 10.20.0.0/16
",
        versions: EVERY_VERSION,
        references: &[
            "https://github.com/kubernetes/enhancements/tree/master/keps/sig-network/4858-ip-cidr-validation",
        ],
        controls: &[],
    },
    fix: Fixable::ByTool(Applicability::Safe),
    find: unclear,
};

/// The blocks of a peer, each with what it leaves out.
fn blocks(peer: &Peer) -> (&[Block], &[Block]) {
    match peer {
        Peer::Addresses { blocks, except } => (blocks, except),
        _ => (&[], &[]),
    }
}

/// Where the block of a peer is written.
fn block_path(placed: &Placed<'_>, peer: usize, block: usize) -> FieldPath {
    match placed.policy.kind {
        PolicyKind::NetworkPolicy => placed.peer_path(peer).key("ipBlock").key("cidr"),
        _ => placed.peer_path(peer).key("networks").index(block),
    }
}

fn except_path(placed: &Placed<'_>, peer: usize) -> FieldPath {
    placed.peer_path(peer).key("ipBlock").key("except")
}

// The metadata service

fn metadata(subject: &Subject<'_>, flaws: &mut Flaws) {
    let (Some(address), Some(local)) = (Address::parse("169.254.169.254"), Block::parse("169.254.0.0/16"))
    else {
        return;
    };
    let port = Port { protocol: Protocol::Tcp, number: 80 };
    for placed in subject.rules_of(Direction::Egress).filter(|placed| placed.rule.action == Action::Allow) {
        if placed.rule.ports.as_ref().is_some_and(|ports| !cover::numbers(ports).contains(port)) {
            continue;
        }
        for (at, peer) in placed.rule.peers.iter().flatten().enumerate() {
            let (blocks, _) = blocks(peer);
            let Some(block) =
                blocks.iter().position(|block| block.contains(address) && !local.covers(*block))
            else {
                continue;
            };
            if !Cluster::is_in(peer, address) {
                continue;
            }
            let senders: Vec<u32> = of_family(subject, &subject.subjects(placed.policy), Family::V4);
            let to = subject.engine.classes().of_address(address);
            let passes = |from: &&u32| subject.engine.side(Direction::Egress, **from, to).yes.contains(port);
            let from = senders.iter().find(passes);
            if !senders.is_empty() && from.is_none() {
                continue;
            }
            let who = from
                .and_then(|from| subject.witness(*from))
                .map_or_else(|| "its pods".to_owned(), |pod| subject.who(pod));
            let witness = format!("{who} -> {address} {port}");
            let message = format!(
                "{} holds the address of the cloud's metadata service: {witness} is allowed",
                blocks[block]
            );
            let path = block_path(&placed, at, block);
            let fix = leave_out(subject, &placed, at, address);
            flaws.add(placed.policy.object, path, witness, message).fix(fix);
            break;
        }
    }
}

fn of_family(subject: &Subject<'_>, classes: &[u32], family: Family) -> Vec<u32> {
    let all = subject.engine.classes();
    classes.iter().copied().filter(|class| all.get(*class).family == family).collect()
}

fn leave_out(
    subject: &Subject<'_>,
    placed: &Placed<'_>,
    peer: usize,
    address: Address,
) -> Result<Fix, String> {
    if placed.policy.kind != PolicyKind::NetworkPolicy {
        return Err("a policy of administrators has no except: a rule before this one must deny the address"
            .to_owned());
    }
    let path = except_path(placed, peer);
    let value = Value::Text(Block::of(address).to_string());
    let listed = subject.node(placed.policy, &path).is_some_and(|node| node.kind() == Kind::Sequence);
    let change = if listed {
        Change::Append { path, value }
    } else {
        Change::Set { path, value: Value::List(vec![value]) }
    };
    Ok(reviewed(
        "leave the metadata service out",
        "whether the pods have their credentials from there",
        vec![change],
    ))
}

// Blocks and pods

fn pods(subject: &Subject<'_>, flaws: &mut Flaws) {
    let classes = subject.engine.classes();
    for placed in subject.rules().filter(|placed| placed.policy.kind == PolicyKind::NetworkPolicy) {
        let peers = placed.rule.peers.iter().flatten();
        for (at, peer) in peers.enumerate() {
            let (blocks, except) = blocks(peer);
            let [block] = blocks else { continue };
            if block.is_everything() {
                continue;
            }
            // Pods that a selector of the same rule names too are meant.
            let named = |class: &u32| {
                placed
                    .rule
                    .peers
                    .iter()
                    .flatten()
                    .any(|other| other.pods().is_some() && subject.peers(other).contains(class))
            };
            let held: Vec<u32> = subject
                .peers(peer)
                .iter()
                .copied()
                .filter(|class| classes.get(*class).is_pod && !named(class))
                .collect();
            let left_out = |range: &Block| except.iter().any(|except| except.covers(*range));
            let ranges: &[Block] =
                if subject.cluster.ranges_stated { &subject.cluster.pod_ranges } else { &[] };
            let inside = ranges.iter().find(|range| range.covers(*block));
            let around = ranges.iter().find(|range| block.covers(**range) && !left_out(range));
            let pods = subject.pods_of(&held);
            let name = |pod: usize| subject.who(&subject.cluster.pods[pod]);
            let first = pods.iter().map(|pod| name(*pod)).min();
            let own = subject.subjects(placed.policy).first().and_then(|class| subject.witness(*class));
            let own = own.map_or_else(|| "its pods".to_owned(), |pod| subject.who(pod));
            let pair = |other: &str| match placed.direction {
                Direction::Ingress => format!("{other} -> {own}"),
                Direction::Egress => format!("{own} -> {other}"),
            };
            let (message, witness, severity) = match (inside, around, first) {
                (Some(range), _, _) => (
                    format!(
                        "{block} is within {range}, from which pods have their addresses: it names pods by what changes"
                    ),
                    block.to_string(),
                    Severity::Low,
                ),
                (None, Some(range), first) => {
                    let who = first.unwrap_or_else(|| "any pod".to_owned());
                    let message = format!(
                        "{block} holds {range}, from which pods have their addresses: {} is allowed, and every pod like it",
                        pair(&who)
                    );
                    (message, pair(&who), Severity::Medium)
                }
                (None, None, Some(first)) => {
                    let more = and_more(pods.len() - 1);
                    let message =
                        format!("{block} holds the addresses of {first}{more}: {} is allowed", pair(&first));
                    // A block of few addresses means these pods.
                    let few = block.prefix + 8 > block.first.family.bits();
                    (message, pair(&first), if few { Severity::Low } else { Severity::Medium })
                }
                (None, None, None) => continue,
            };
            flaws.add(placed.policy.object, block_path(&placed, at, 0), witness, message).severity(severity);
        }
    }
}

// Exceptions that are none

fn undone(subject: &Subject<'_>, flaws: &mut Flaws) {
    let rules: Vec<Placed<'_>> =
        subject.rules().filter(|placed| placed.policy.kind == PolicyKind::NetworkPolicy).collect();
    for placed in &rules {
        for (at, peer) in placed.rule.peers.iter().flatten().enumerate() {
            let (blocks, except) = blocks(peer);
            let [whole] = blocks else { continue };
            for (hole_at, hole) in except.iter().enumerate().filter(|(_, hole)| whole.covers(**hole)) {
                let narrow = Rule {
                    action: Action::Allow,
                    peers: Some(vec![Peer::Addresses { blocks: vec![*hole], except: Vec::new() }]),
                    ports: placed.rule.ports.clone(),
                };
                let undoes = |other: &&Placed<'_>| {
                    other.direction == placed.direction
                        && other.policy.namespace == placed.policy.namespace
                        && subject.is_subject_covered(other.policy, placed.policy)
                        && cover::rule(subject.cluster, other.rule, &narrow)
                        && !is_exactly(other.rule, *hole)
                };
                let Some(other) = rules.iter().find(undoes) else { continue };
                let who = match (&other.rule.peers, other.policy.object == placed.policy.object) {
                    (None, true) => "a rule for everyone".to_owned(),
                    (Some(_), true) => "another block of this policy".to_owned(),
                    (None, false) => format!("a rule for everyone in policy \"{}\"", other.policy.name),
                    (Some(_), false) => format!("a larger block in policy \"{}\"", other.policy.name),
                };
                let message = format!("{hole} is left out and allowed all the same, by {who}");
                flaws
                    .add(
                        placed.policy.object,
                        except_path(placed, at).index(hole_at),
                        hole.to_string(),
                        message,
                    )
                    .related(other.policy.object, other.path());
            }
        }
    }
}

/// Whether the rule allows the block by naming it.
fn is_exactly(rule: &Rule, block: Block) -> bool {
    let is = |peer: &Peer| matches!(peer, Peer::Addresses { blocks, .. } if blocks.contains(&block));
    rule.peers.iter().flatten().any(is)
}

// One family

fn one_family(subject: &Subject<'_>, flaws: &mut Flaws) {
    for placed in subject.rules().filter(|placed| placed.policy.kind == PolicyKind::NetworkPolicy) {
        for (at, peer) in placed.rule.peers.iter().flatten().enumerate() {
            let ([block], _) = blocks(peer) else { continue };
            if !block.is_everything() {
                continue;
            }
            let (other, text) = match block.first.family {
                Family::V4 => (Family::V6, "::/0"),
                Family::V6 => (Family::V4, "0.0.0.0/0"),
            };
            let speaks = of_family(subject, &subject.subjects(placed.policy), other);
            let Some(pod) = speaks.first().and_then(|class| subject.witness(*class)) else { continue };
            let all = Block { first: Address { family: other, bits: 0 }, prefix: 0 };
            let is_all = |peer: &Peer| blocks(peer).0.contains(&all);
            let elsewhere = subject.rules_of(placed.direction).any(|rule| {
                let about_it = rule.rule.peers.as_ref().is_none_or(|peers| peers.iter().any(is_all));
                about_it && subject.is_subject_covered(rule.policy, placed.policy)
            });
            if elsewhere {
                continue;
            }
            let message =
                format!("{block} is no address of the other family, and {} has one", subject.who(pod));
            let value = mapping([("ipBlock", mapping([("cidr", Value::from(text))]))]);
            let list = placed.path().key(placed.direction.peers_key());
            let fix = reviewed(
                format!("add {text}"),
                "whether every address of that family is meant",
                vec![Change::Append { path: list, value }],
            );
            flaws.add(placed.policy.object, block_path(&placed, at, 0), text, message).fix(Ok(fix));
        }
    }
}

// Blocks that read as something else

fn unclear(subject: &Subject<'_>, flaws: &mut Flaws) {
    for placed in subject.rules() {
        for (at, peer) in placed.rule.peers.iter().flatten().enumerate() {
            let (blocks, except) = blocks(peer);
            let whole = (0..blocks.len()).map(|block| block_path(&placed, at, block));
            let holes = (0..except.len()).map(|hole| except_path(&placed, at).index(hole));
            for path in whole.chain(holes) {
                let text = subject.node(placed.policy, &path).and_then(Node::as_str).unwrap_or_default();
                let Some((message, severity)) = read(text) else { continue };
                let Some(block) = Block::parse(text) else { continue };
                let change = Change::Set { path: path.clone(), value: Value::Text(block.to_string()) };
                let fix = safe(format!("write {block}"), vec![change]);
                flaws
                    .add(placed.policy.object, path, text, format!("{text} {message} {block}"))
                    .severity(severity)
                    .fix(Ok(fix));
            }
        }
    }
}

/// What is unclear about a block as it is written.
fn read(text: &str) -> Option<(&'static str, Severity)> {
    let block = Block::parse(text)?;
    let (address, _) = text.split_once('/')?;
    if address.contains(':') {
        let in_disguise = block.first.family == Family::V4;
        if in_disguise {
            return Some(("is a block of IPv4 in the clothes of IPv6:", Severity::Low));
        }
    } else if address.split('.').any(|octet| octet.len() > 1 && octet.starts_with('0')) {
        return Some(("has leading zeros, which are octal to some: to Kubernetes it is", Severity::Low));
    }
    let has_more = Address::parse(address).is_some_and(|address| address != block.first);
    has_more.then_some(("has bits behind its prefix: what is meant is", Severity::Info))
}
