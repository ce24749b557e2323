//! `PeerAuthentication` objects that do not do what they say, or say what nobody should want.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fixable, Value};
use ringwall_model::path::FieldPath;

use super::examples::{injected, strict, web};
use super::{EVERY_VERSION, Flaws, MeshCheck, PEER, Subject, reviewed};
use crate::enrolment::Mode as Carrier;
use crate::matrix::{Flow, Matrix};
use crate::mesh::Accepts;
use crate::peer::{Mode, PeerAuthentication};
use crate::place::{Place, is_subset};
use crate::sends::{Outcome, Why};
use crate::services::Resolution;

pub(super) const IN_ROOT: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-001",
        name: "peer-authentication-for-nobody",
        severity: Severity::High,
        summary: "a PeerAuthentication with a selector is in the root namespace, where it is for nobody",
        what: "A PeerAuthentication whose `selector` names labels is in the root namespace of the mesh, `istio-system` unless the \
               `ConfigMap` of istiod in the input says another. The severity is medium where it has no STRICT.",
        why: "Istio looks in the root namespace for one policy only, the one without a selector, which is for the whole mesh. One with a \
              selector is passed over, for the workloads of the root namespace too: what it should make STRICT takes in plaintext.",
        fix: "Put the policy into the namespace of the workloads that it is for, once for each namespace. For workloads of the root namespace \
              itself there is only the policy without a selector, which is for the whole mesh.",
        bad: "\
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: database
  namespace: istio-system
spec:
  selector:
    matchLabels:
      app: database
  mtls:
    mode: STRICT
---
apiVersion: v1
kind: Pod
metadata:
  name: database
  namespace: shop
  labels:
    app: database
spec:
  containers:
  - name: postgres
",
        good: "\
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: database
  namespace: shop
spec:
  selector:
    matchLabels:
      app: database
  mtls:
    mode: STRICT
---
apiVersion: v1
kind: Pod
metadata:
  name: database
  namespace: shop
  labels:
    app: database
spec:
  containers:
  - name: postgres
",
        versions: EVERY_VERSION,
        references: &[PEER],
        controls: &[nsa("Encryption")],
    },
    fix: Fixable::ByHand(
        "a policy moves to the namespace of its workloads by hand: under another name or namespace it is another object",
    ),
    find: in_root,
};

/// Whether a policy asks for mutual TLS anywhere.
fn has_strict(policy: &PeerAuthentication) -> bool {
    policy.mode == Mode::Strict || policy.ports.values().any(|mode| *mode == Mode::Strict)
}

fn in_root(subject: &Subject<'_>, flaws: &mut Flaws) {
    let peers = &subject.mesh.peers;
    for index in &peers.ignored {
        let policy = &peers.all[*index];
        let path = FieldPath::keys(&["spec", "selector"]);
        let message = format!(
            "is for nobody: in the root namespace {} a PeerAuthentication with a selector is passed over; put it beside its workloads",
            peers.root()
        );
        let selected = subject.pods().filter(|(_, pod)| is_subset(&policy.selector, &pod.labels));
        let beside: BTreeSet<&str> = selected.map(|(_, pod)| pod.namespace.as_str()).collect();
        let hint = beside
            .first()
            .filter(|_| beside.len() == 1)
            .map(|one| format!(" (its labels are those of pods in {one})"));
        let flaw = flaws.add(policy.object, path, "", message + &hint.unwrap_or_default());
        if !has_strict(policy) {
            flaw.severity(Severity::Medium);
        }
    }
}

fn disabled(subject: &Subject<'_>, flaws: &mut Flaws) {
    let peers = &subject.mesh.peers;
    // Whom each policy is for, as far as that is in the input, and which ports they have.
    let mut takers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (workload, _) in subject.pods() {
        let folded = &subject.mesh.servers[workload].folded;
        for index in [folded.mesh, folded.namespace, folded.workload].into_iter().flatten() {
            takers.entry(index).or_default().push(workload);
        }
    }
    let aside = peers.losers.iter().map(|loser| loser.policy).chain(peers.ignored.iter().copied());
    let aside: BTreeSet<usize> = aside.collect();
    let mut matrix = None;
    for (index, policy) in peers.all.iter().enumerate().filter(|(index, _)| !aside.contains(index)) {
        let workloads = takers.get(&index).map_or(&[][..], Vec::as_slice);
        // To ztunnel it is as PERMISSIVE, and under what it inherits not even that.
        if !workloads.is_empty() && workloads.iter().all(|one| subject.carrier(*one) == Carrier::Ambient) {
            continue;
        }
        let has_port = |port: u16| {
            let mut ports = workloads.iter().map(|one| &subject.workload(*one).ports);
            workloads.is_empty()
                || ports.any(|own| own.is_empty() || own.iter().any(|own| own.number == port))
        };
        let of_ports = policy.ports.iter().filter(|(port, mode)| **mode == Mode::Disable && has_port(**port));
        let of_ports: Vec<u16> = of_ports.map(|(port, _)| *port).collect();
        let is_whole = policy.mode == Mode::Disable;
        let mut places: Vec<Place> = is_whole.then(|| policy.mode_place()).into_iter().collect();
        places.extend(of_ports.iter().map(|port| policy.port_place(*port)));
        let Some(place) = places.first().cloned() else { continue };
        let of = match of_ports.as_slice() {
            _ if is_whole => "all ports".to_owned(),
            [port] => format!("the port {port}"),
            ports => format!("the ports {}", ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")),
        };
        let broken = broken(subject, &mut matrix, workloads);
        let so = match &broken {
            None => "clients of the mesh send plaintext".to_owned(),
            Some(broken) => {
                let service = &subject.mesh.services[broken.service];
                let to = format!("headless Service {}/{}", service.namespace, service.name);
                let all = "send mutual TLS all the same, which the program cannot read: the calls fail";
                if broken.is_all {
                    format!("clients of the mesh that go through the {to} {all}")
                } else {
                    format!("clients of the mesh send plaintext; those that go through the {to} {all}")
                }
            }
        };
        let message = format!("switches mutual TLS off for {of}: {so}");
        let permissive = |place: &Place| Change::Set {
            path: place.path.clone(),
            value: Value::from(Mode::Permissive.name()),
        };
        let fix = reviewed(
            "take mutual TLS beside plaintext",
            "whether the program does TLS by itself, which it would then get inside of the mesh's",
            places.iter().map(permissive).collect(),
        );
        let is_ambient = workloads.iter().any(|one| subject.carrier(*one) == Carrier::Ambient);
        let fix = if is_ambient {
            Err("for the workloads in ambient mode it means something else".to_owned())
        } else {
            Ok(fix)
        };
        let flaw = flaws.add(place.object, place.path, of, message);
        flaw.fix(fix);
        for other in &places[1..] {
            flaw.related(other.object, other.path.clone());
        }
        if let Some(broken) = broken {
            let port = subject.mesh.services[broken.service]
                .port_place(&subject.mesh.services[broken.service].ports[broken.port]);
            flaw.related(port.object, port.path).severity(Severity::High);
        }
    }
}

/// That calls to ports with DISABLE fail.
struct Broken {
    /// A headless Service by which they do.
    service: usize,
    /// Its port.
    port: usize,
    /// Whether the Services of the workloads that lead to ports with DISABLE are all such.
    is_all: bool,
}

/// Whether clients of the input send mutual TLS to ports of workloads that policies say DISABLE of. They do by a headless Service, where a client does not
/// choose for each endpoint. A `DestinationRule` that makes them has a check of its own.
fn broken(subject: &Subject<'_>, matrix: &mut Option<Matrix>, workloads: &[usize]) -> Option<Broken> {
    let workloads: BTreeSet<usize> = workloads.iter().copied().collect();
    let is_headless = |service: usize| subject.mesh.services[service].resolution == Resolution::Original;
    let mut services = workloads.iter().flat_map(|one| &subject.services_of[*one]);
    if !services.any(|service| is_headless(*service)) {
        return None;
    }
    let matrix = match &subject.matrix {
        Some(matrix) => matrix,
        None => matrix.get_or_insert_with(|| Matrix::of(&subject.mesh)),
    };
    let mut found: Option<Broken> = None;
    let mut is_all = true;
    for of in &matrix.services {
        for flow in of.groups.iter().flat_map(|group| &group.flows) {
            if flow.accepts != Accepts::Disable || !workloads.contains(&flow.server) {
                continue;
            }
            if flow.outcome == Outcome::Broken && !matches!(flow.why, Why::Rule(_)) && is_headless(of.service)
            {
                found.get_or_insert(Broken { service: of.service, port: flow.port, is_all: true });
            } else if !is_headless(of.service) {
                is_all = false;
            }
        }
    }
    found.map(|found| Broken { is_all, ..found })
}

pub(super) const DISABLED: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-005",
        name: "mutual-tls-disabled",
        severity: Severity::Medium,
        summary: "a PeerAuthentication switches mutual TLS off",
        what: "`mtls.mode` of a PeerAuthentication, or that of one of its `portLevelMtls`, is `DISABLE`. Nothing is said of one that another puts aside, of a port \
               that no workload has, nor for workloads in ambient mode, where it means the same as PERMISSIVE. The severity is high where clients of the input \
               send mutual TLS all the same, since they call by a headless Service.",
        why: "Nothing of the traffic is encrypted, and the server does not know who calls: no AuthorizationPolicy that names a principal or a \
              namespace can match. PERMISSIVE takes plaintext too, and mutual TLS from all who can do it. By a headless Service a client goes to the address \
              itself, and does not look at what each endpoint takes: the program gets the mesh's TLS, and cannot read it.",
        fix: "Write `PERMISSIVE` while clients without a proxy are left, and `STRICT` when there are none.",
        bad: "\
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: default
  namespace: shop
spec:
  mtls:
    mode: DISABLE
",
        good: strict!(),
        versions: EVERY_VERSION,
        references: &[PEER],
        controls: &[nsa("Encryption")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: disabled,
};

pub(super) const UNDER_DISABLE: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-043",
        name: "strict-under-disable",
        severity: Severity::High,
        summary: "a workload is STRICT where its namespace or the mesh has DISABLE, and clients of the mesh are refused",
        what: "A PeerAuthentication with a selector says STRICT, and the policy of its namespace, or that of the mesh where the namespace has none, says \
               `DISABLE`. Its workloads have a sidecar; one in ambient mode is called through the tunnel all the same.",
        why: "A client looks at the policies of namespace and mesh alone, and where they say DISABLE it sends plaintext to all. The workload takes mutual TLS \
              alone: calls from inside of the mesh fail, unless a DestinationRule says `ISTIO_MUTUAL`.",
        fix: "Write `PERMISSIVE` into the policy of the namespace or the mesh.",
        bad: concat!(
            injected!(),
            web!(),
            "\
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: default
  namespace: shop
spec:
  mtls:
    mode: DISABLE
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: web
  namespace: shop
spec:
  selector:
    matchLabels:
      app: web
  mtls:
    mode: STRICT
"
        ),
        good: concat!(
            injected!(),
            web!(),
            "\
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
  name: web
  namespace: shop
spec:
  selector:
    matchLabels:
      app: web
  mtls:
    mode: STRICT
"
        ),
        versions: EVERY_VERSION,
        references: &[PEER],
        controls: &[nsa("Encryption")],
    },
    fix: Fixable::ByHand(
        "it is the policy of the namespace or the mesh that must change, which is for all of its workloads",
    ),
    find: under_disable,
};

fn under_disable(subject: &Subject<'_>, flaws: &mut Flaws) {
    let peers = &subject.mesh.peers;
    let mut takers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (workload, _) in subject.pods().filter(|(one, _)| subject.carrier(*one) == Carrier::Sidecar) {
        if let Some(policy) = subject.mesh.servers[workload].folded.workload {
            takers.entry(policy).or_default().push(workload);
        }
    }
    for (index, workloads) in takers {
        let policy = &peers.all[index];
        let (Mode::Disable, Some(above)) = peers.of_namespace(&policy.namespace) else { continue };
        let of_port = policy
            .ports
            .iter()
            .find(|(_, mode)| **mode == Mode::Strict)
            .map(|(port, _)| policy.port_place(*port));
        let whole = (policy.mode == Mode::Strict).then(|| policy.mode_place());
        let Some(place) = whole.or(of_port) else { continue };
        // A DestinationRule may make them use mutual TLS all the same.
        if let Some(matrix) = &subject.matrix {
            let mut flows = matrix.services.iter().flat_map(|of| &of.groups).flat_map(|group| &group.flows);
            let is_refused = |flow: &Flow| {
                workloads.contains(&flow.server)
                    && flow.outcome == Outcome::Refused
                    && matches!(flow.why, Why::NamespaceDisabled(_))
            };
            if !flows.any(is_refused) {
                continue;
            }
        }
        let above = &peers.all[above];
        let message = format!(
            "refuses clients of the mesh at {}: PeerAuthentication {}/{} has DISABLE, which is all that they look at",
            subject.whom(&workloads),
            above.namespace,
            above.name
        );
        let by = above.mode_place();
        flaws.add(place.object, place.path, "", message).related(by.object, by.path);
    }
}
