//! Workloads of the mesh that take plaintext, though nothing or even the opposite is said.

use std::collections::BTreeMap;

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fixable, Value};
use ringwall_model::path::FieldPath;

use super::examples::{ambient, injected, strict, web};
use super::identity::keeps_nameless_out;
use super::{EVERY_VERSION, Flaws, MeshCheck, PEER, Subject, reviewed};
use crate::enrolment::Mode as Carrier;
use crate::peer::Mode;
use crate::place::Place;

pub(super) const ACCEPTED: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-006",
        name: "plaintext-accepted",
        severity: Severity::Low,
        summary: "workloads of the mesh take plaintext beside mutual TLS",
        what: "A namespace whose pods have a sidecar or are in ambient mode has workloads for which no PeerAuthentication says anything, or one \
               says PERMISSIVE, and that no DENY of all without an identity guards (`notPrincipals: [\"*\"]`). It is said once: of the policy, or else of the Namespace.",
        why: "PERMISSIVE, the default, is for the days of moving in. Whoever reaches the pod may speak to it without a certificate, and is then \
              nobody to the policies: what they say of principals and namespaces does not hold for him.",
        fix: "`ringwall mesh plan --strict NAMESPACE` tells which clients would break, and the least changes that let it. Then make a \
              PeerAuthentication `default` with `mtls.mode: STRICT`.",
        bad: concat!(injected!(), web!()),
        good: concat!(injected!(), web!(), strict!()),
        versions: EVERY_VERSION,
        references: &[PEER, "https://istio.io/latest/docs/tasks/security/authentication/mtls-migration/"],
        controls: &[nsa("Encryption")],
    },
    fix: Fixable::ByHand(
        "which clients have no proxy must be known first: `ringwall mesh plan --strict` tells",
    ),
    find: accepted,
};

pub(super) const NOT_SENT: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-007",
        name: "strict-never-sent",
        severity: Severity::High,
        summary: "istiod points ztunnel to a policy that it never sends, and plaintext comes in on all ports",
        what: "A workload in ambient mode has a PeerAuthentication with `portLevelMtls` of which istiod makes no policy for ztunnel, because what \
               it has around it says no STRICT without a word from elsewhere, while the workload is bound to that policy by name. Such is one that \
               leaves the mode open, with a PERMISSIVE port, in a namespace whose own policy leaves it open too, under a STRICT of the mesh. The \
               tool writes the mode into the policy where it leaves it open.",
        why: "ztunnel passes over a policy that it does not have. It falls open: with the exception of one port, the STRICT of all the others is \
              lost, and nothing says so.",
        fix: "Write `mtls.mode: STRICT` into the policy of the workload, beside its `portLevelMtls`.",
        bad: concat!(
            ambient!(),
            web!(),
            "\
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: default
  namespace: istio-system
spec:
  mtls:
    mode: STRICT
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: default
  namespace: shop
spec: {}
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
  portLevelMtls:
    8080:
      mode: PERMISSIVE
"
        ),
        good: concat!(
            ambient!(),
            web!(),
            "\
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: default
  namespace: istio-system
spec:
  mtls:
    mode: STRICT
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: default
  namespace: shop
spec: {}
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
  portLevelMtls:
    8080:
      mode: PERMISSIVE
"
        ),
        versions: EVERY_VERSION,
        references: &[PEER],
        controls: &[nsa("Encryption")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: not_sent,
};

/// Whether a workload takes plaintext on the ports of which nothing more is said.
fn takes_plaintext(subject: &Subject<'_>, workload: usize) -> bool {
    let server = &subject.mesh.servers[workload];
    match server.enrolment.mode() {
        Carrier::Sidecar => {
            matches!(server.folded.mode, Mode::Permissive | Mode::Unset) && !subject.is_way_out(workload)
        }
        Carrier::Ambient => {
            server.ambient.as_ref().is_some_and(|own| own.of_ports.is_none() && !own.is_static)
        }
        Carrier::None | Carrier::Gateway => false,
    }
}

fn accepted(subject: &Subject<'_>, flaws: &mut Flaws) {
    // By what says so, and where nothing does by the namespace.
    let mut said: BTreeMap<Place, Vec<usize>> = BTreeMap::new();
    let mut unsaid: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut enrolled: BTreeMap<&str, usize> = BTreeMap::new();
    let keeps_out = keeps_nameless_out(subject);
    for (workload, pod) in subject.pods() {
        if matches!(subject.carrier(workload), Carrier::Sidecar | Carrier::Ambient) {
            *enrolled.entry(&pod.namespace).or_default() += 1;
        }
        // Where a DENY keeps out all that have no identity, plaintext comes no further.
        if !takes_plaintext(subject, workload) || keeps_out[workload] {
            continue;
        }
        match subject.mesh.servers[workload].folded.decider.map(|policy| &subject.mesh.peers.all[policy]) {
            // What switches it off has a check of its own.
            Some(policy) if policy.mode == Mode::Disable => {}
            Some(policy) if policy.mode == Mode::Permissive => {
                said.entry(policy.mode_place()).or_default().push(workload);
            }
            _ => unsaid.entry(&pod.namespace).or_default().push(workload),
        }
    }
    for (place, workloads) in said {
        let message = format!("lets {} take plaintext beside mutual TLS", subject.whom(&workloads));
        flaws.add(place.object, place.path, "", message);
    }
    for (name, workloads) in unsaid {
        let namespace = subject.mesh.workloads.namespace(name);
        let Some(object) = namespace.object else { continue };
        let decision = subject.mesh.servers[workloads[0]].enrolment.decision();
        let asks = decision.place.as_ref().filter(|place| place.object == object);
        let path = asks.map_or_else(|| FieldPath::keys(&["metadata", "name"]), |place| place.path.clone());
        let of = enrolled.get(name).copied().unwrap_or_default();
        let message = format!(
            "no PeerAuthentication says STRICT for {}, of {of} in the mesh: plaintext is taken (`ringwall mesh plan --strict {name}` tells what STRICT breaks)",
            subject.whom(&workloads)
        );
        flaws.add(object, path, "", message);
    }
}

fn not_sent(subject: &Subject<'_>, flaws: &mut Flaws) {
    let mut by_policy: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (workload, _) in subject.pods() {
        let ambient = subject.mesh.servers[workload].ambient.as_ref();
        if let Some(policy) = ambient.filter(|own| own.is_missing).and_then(|own| own.of_ports) {
            by_policy.entry(policy).or_default().push(workload);
        }
    }
    for (index, workloads) in by_policy {
        let policy = &subject.mesh.peers.all[index];
        let message = format!(
            "binds {} to a policy that istiod never sends to ztunnel: plaintext comes in on all ports",
            subject.whom(&workloads)
        );
        let path = FieldPath::keys(&["spec", "portLevelMtls"]);
        let fix = if policy.mode == Mode::Unset {
            let path = FieldPath::keys(&["spec", "mtls", "mode"]);
            Ok(reviewed(
                "say STRICT in the policy itself",
                "whether the ports that it does not name may take mutual TLS alone",
                vec![Change::Set { path, value: Value::from(Mode::Strict.name()) }],
            ))
        } else {
            Err("which ports should be STRICT must be said otherwise".to_owned())
        };
        flaws.add(policy.object, path, "", message).fix(fix);
    }
}
