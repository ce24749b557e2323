//! `PeerAuthentication` objects beside the workloads that they are for: ports that nobody has, workloads without a proxy, and policies that
//! another one puts aside.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fix, Fixable, Value};
use ringwall_model::path::FieldPath;

use super::examples::{injected, service, strict, web};
use super::known_ports::KnownPorts;
use super::{EVERY_VERSION, Flaws, MeshCheck, PEER, Subject, and_more, reviewed};
use crate::mesh::Accepts;
use crate::peer::{Mode, PeerAuthentication};
use crate::place::Place;

pub(super) const PORT: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-002",
        name: "port-level-mtls-of-no-container",
        severity: Severity::Medium,
        summary: "portLevelMtls names a port that no container of its workloads has",
        what: "A key of `portLevelMtls` in the PeerAuthentication that counts for its workloads is a port that none of their containers \
               declares, no probe asks and no Service leads to. Nothing is said where a workload declares no port at all.",
        why: "The port is the one that the container listens on, not the one of the Service. What is said of another port does nothing: \
              an exception that clients need is not made, or a port that should take mutual TLS alone takes what the rest takes.",
        fix: "Name the port of the container: the `targetPort` of the Service.",
        bad: concat!(
            "\
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: web
  namespace: shop
spec:
  selector:
    matchLabels:
      app: web
  portLevelMtls:
    80:
      mode: STRICT
---
",
            service!(),
            web!()
        ),
        good: concat!(
            "\
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: web
  namespace: shop
spec:
  selector:
    matchLabels:
      app: web
  portLevelMtls:
    8080:
      mode: STRICT
---
",
            service!(),
            web!()
        ),
        versions: EVERY_VERSION,
        references: &[PEER],
        controls: &[nsa("Encryption")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: port,
};

pub(super) const NO_PROXY: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-003",
        name: "strict-without-proxy",
        severity: Severity::High,
        summary: "STRICT is declared for workloads of which none has a proxy",
        what: "A PeerAuthentication has STRICT, for all ports or for one, and none of the workloads of the input for which it decides has a \
               sidecar, is in ambient mode or is a gateway. Nothing is said where whether they have one hangs on the labels of a Namespace that \
               is not in the input. (The matter of Istio's `IST0102` and `IST0103`.)",
        why: "Mutual TLS is the proxy's doing. Where there is none, the program gets what comes, from everyone who reaches it, while the \
              policy says that it does not.",
        fix: "Bring the workloads into the mesh: label the namespace with `istio-injection: enabled` or `istio.io/dataplane-mode: ambient`, take \
              the opt-out from the pods, or restart pods that are older than the label. Where they must stay outside, guard them with \
              NetworkPolicies.",
        bad: concat!(
            "\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
",
            strict!(),
            web!()
        ),
        good: concat!(injected!(), strict!(), web!()),
        versions: EVERY_VERSION,
        references: &[PEER, "https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/"],
        controls: &[nsa("Encryption")],
    },
    fix: Fixable::ByHand("whether the workloads may have a proxy is not in the manifest"),
    find: no_proxy,
};

pub(super) const PUT_ASIDE: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-004",
        name: "peer-authentication-put-aside",
        severity: Severity::Low,
        summary: "two PeerAuthentications are for the same, and one of them does nothing",
        what: "Two PeerAuthentications without a selector are in one namespace, or two with a selector select the same workload. The \
               older one counts; of one age, or where neither is in a cluster yet, the first by name. (Kiali: `KIA0002`, `KIA0003`.)",
        why: "They are not put together: what the other one says is dropped whole, its `portLevelMtls` too. Which of them counts may change \
              when one is deleted and made again.",
        fix: "Keep one policy for each namespace, and one for each workload, and write into it what both say.",
        bad: "\
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: default
  namespace: shop
spec:
  mtls:
    mode: PERMISSIVE
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: strict
  namespace: shop
spec:
  mtls:
    mode: STRICT
",
        good: strict!(),
        versions: EVERY_VERSION,
        references: &[PEER],
        controls: &[nsa("Encryption")],
    },
    fix: Fixable::ByHand("which of the two is meant is not in the manifest"),
    find: put_aside,
};

/// The workloads for which each policy with a selector counts.
fn by_policy(subject: &Subject<'_>) -> BTreeMap<usize, Vec<usize>> {
    let mut found: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (workload, _) in subject.pods() {
        if let Some(policy) = subject.mesh.servers[workload].folded.workload {
            found.entry(policy).or_default().push(workload);
        }
    }
    found
}

fn port(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (index, workloads) in by_policy(subject) {
        let policy = &subject.mesh.peers.all[index];
        if policy.ports.is_empty() {
            continue;
        }
        let Some(known) = KnownPorts::of(subject, &workloads) else { continue };
        for port in policy.ports.keys().filter(|port| !known.ports.contains(port)) {
            let path = FieldPath::keys(&["spec", "portLevelMtls", &port.to_string()]);
            let who = subject.who(workloads[0]);
            let more = and_more(workloads.len() - 1);
            let hint = known.hint(*port);
            let message = format!("does nothing: no container of {who}{more} has the port {port}{hint}");
            let fix = match known.target(*port) {
                Some(target) => renamed(subject, policy, &workloads, [*port, target]),
                None => Err("which port is meant is not in the manifest".to_owned()),
            };
            let flaw = flaws.add(policy.object, path, port.to_string(), message);
            if let Some(place) = known.place(*port) {
                flaw.related(place.object, place.path.clone());
            }
            flaw.fix(fix);
        }
    }
}

/// Whether a port takes plaintext by this mode that does not take it as it is, at one of the workloads.
fn weakens(subject: &Subject<'_>, workloads: &[usize], port: u16, mode: Mode) -> bool {
    let is_weaker = |accepts: Accepts| match mode {
        Mode::Disable => matches!(accepts, Accepts::Strict | Accepts::Permissive),
        Mode::Permissive => accepts == Accepts::Strict,
        Mode::Strict | Mode::Unset => false,
    };
    workloads.iter().any(|one| is_weaker(subject.mesh.accepts(*one, port)))
}

/// Says of one port what is said of another, or where less would hold then than does now, takes away what says nothing.
fn renamed(
    subject: &Subject<'_>,
    policy: &PeerAuthentication,
    workloads: &[usize],
    [port, target]: [u16; 2],
) -> Result<Fix, String> {
    if policy.ports.contains_key(&target) {
        return Err(format!("the policy says something of the port {target} already"));
    }
    let at = |port: u16| FieldPath::keys(&["spec", "portLevelMtls", &port.to_string()]);
    let mode = policy.ports.get(&port).copied().unwrap_or_default();
    if weakens(subject, workloads, target, mode) {
        // An empty mapping is refused.
        let path =
            if policy.ports.len() > 1 { at(port) } else { FieldPath::keys(&["spec", "portLevelMtls"]) };
        return Ok(reviewed(
            format!("take away what is said of {port}, which changes nothing"),
            format!(
                "whether the port {target} should have {} after all: that is less than what holds there now",
                mode.name()
            ),
            vec![Change::Remove { path }],
        ));
    }
    let value = Value::Mapping(vec![("mode".to_owned(), Value::from(mode.name()))]);
    Ok(reviewed(
        format!("say of the port {target} what is said of {port}"),
        format!(
            "whether clients of {target} send plaintext, which may break, or should go on using mutual TLS"
        ),
        vec![Change::Set { path: at(target), value }, Change::Remove { path: at(port) }],
    ))
}

/// Where a policy asks for mutual TLS alone.
fn strict(policy: &PeerAuthentication) -> Option<Place> {
    if policy.mode == Mode::Strict {
        return Some(policy.mode_place());
    }
    let port = policy.ports.iter().find(|(_, mode)| **mode == Mode::Strict);
    port.map(|(port, _)| policy.port_place(*port))
}

fn no_proxy(subject: &Subject<'_>, flaws: &mut Flaws) {
    let mut decided: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (workload, _) in subject.pods() {
        let folded = &subject.mesh.servers[workload].folded;
        let of: BTreeSet<usize> = [folded.decider, folded.workload].into_iter().flatten().collect();
        for policy in of {
            decided.entry(policy).or_default().push(workload);
        }
    }
    for (index, workloads) in decided {
        let policy = &subject.mesh.peers.all[index];
        let Some(place) = strict(policy) else { continue };
        if !workloads.iter().all(|one| subject.is_outside(*one)) {
            continue;
        }
        let first = workloads[0];
        let why = subject.why_outside(first);
        let who = subject.who(first);
        let message = match workloads.len() - 1 {
            0 => format!("protects nothing: {who} has no proxy ({why})"),
            more => format!(
                "protects nothing: none of its {} workloads has a proxy, {who} among them ({why})",
                more + 1
            ),
        };
        let flaw = flaws.add(place.object, place.path, "", message);
        if let Some(place) = &subject.mesh.servers[first].enrolment.decision().place {
            flaw.related(place.object, place.path.clone());
        }
    }
}

fn put_aside(subject: &Subject<'_>, flaws: &mut Flaws) {
    let peers = &subject.mesh.peers;
    // For each that is put aside: by which, and an example of a workload where it is not for a whole namespace.
    let mut aside: BTreeMap<(usize, usize), Option<usize>> = BTreeMap::new();
    aside.extend(peers.losers.iter().map(|loser| ((loser.policy, loser.winner), None)));
    for (workload, _) in subject.pods() {
        let folded = &subject.mesh.servers[workload].folded;
        if let Some(winner) = folded.workload {
            for loser in &folded.losers {
                aside.entry((*loser, winner)).or_insert(Some(workload));
            }
        }
    }
    for ((loser, winner), workload) in aside {
        let (policy, other) = (&peers.all[loser], &peers.all[winner]);
        if (&policy.namespace, &policy.name) == (&other.namespace, &other.name) {
            // The same object in two variants: one of them is in the cluster.
            continue;
        }
        let why = if peers.is_tie(loser, winner) { "is first by name" } else { "is older" };
        let to = match workload {
            Some(workload) => format!("for {}", subject.who(workload)),
            None if policy.namespace == peers.root() => "for the mesh".to_owned(),
            None => format!("for the namespace {}", policy.namespace),
        };
        let message =
            format!("does nothing {to}: PeerAuthentication {}/{} {why}", other.namespace, other.name);
        let path = FieldPath::keys(&["metadata", "name"]);
        flaws
            .add(policy.object, path, other.name.clone(), message)
            .related(other.object, FieldPath::keys(&["metadata", "name"]));
    }
}
