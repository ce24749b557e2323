//! `PeerAuthentication` objects that do not do what they say, or say what nobody should want.

use std::collections::BTreeSet;

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fix, Fixable, Value};
use ringwall_model::path::FieldPath;

use super::examples::strict;
use super::{EVERY_VERSION, Flaws, MeshCheck, PEER, Subject, reviewed};
use crate::peer::{Mode, PeerAuthentication};
use crate::place::is_subset;

pub(super) const IN_ROOT: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-001",
        name: "peer-authentication-for-nobody",
        severity: Severity::High,
        summary: "a PeerAuthentication with a selector is in the root namespace, where it is for nobody",
        what: "A PeerAuthentication whose `selector` names labels is in the root namespace of the mesh, `istio-system` unless the \
               `ConfigMap` of istiod in the input says another. The severity is medium where it has no STRICT. The tool mends it where the \
               workloads with these labels are all in one namespace.",
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
    fix: Fixable::ByTool(Applicability::NeedsReview),
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
        let fix = moved(subject, policy);
        let flaw = flaws.add(policy.object, path, "", message);
        flaw.fix(fix);
        if !has_strict(policy) {
            flaw.severity(Severity::Medium);
        }
    }
}

/// Puts the policy beside its workloads, where all that have its labels are in one namespace.
fn moved(subject: &Subject<'_>, policy: &PeerAuthentication) -> Result<Fix, String> {
    let selected = subject.pods().filter(|(_, pod)| is_subset(&policy.selector, &pod.labels));
    let namespaces: BTreeSet<&str> = selected.map(|(_, pod)| pod.namespace.as_str()).collect();
    let Some(namespace) =
        namespaces.first().filter(|first| namespaces.len() == 1 && **first != policy.namespace)
    else {
        return Err("which namespaces are meant is not in the manifest".to_owned());
    };
    let path = FieldPath::keys(&["metadata", "namespace"]);
    Ok(reviewed(
        format!("put it into the namespace {namespace}, where its workloads are"),
        "it does nothing today: clients that send plaintext may break when it does; the object of the old name must be deleted by hand",
        vec![Change::Set { path, value: Value::from(*namespace) }],
    ))
}

fn disabled(subject: &Subject<'_>, flaws: &mut Flaws) {
    for policy in &subject.mesh.peers.all {
        let of_ports = policy.ports.iter().filter(|(_, mode)| **mode == Mode::Disable);
        let whole = (policy.mode == Mode::Disable).then(|| (policy.mode_place(), "all ports".to_owned()));
        for (place, of) in whole
            .into_iter()
            .chain(of_ports.map(|(port, _)| (policy.port_place(*port), format!("the port {port}"))))
        {
            let message = format!("switches mutual TLS off for {of}: clients of the mesh send plaintext");
            let fix = reviewed(
                "take mutual TLS beside plaintext",
                "a program that does TLS by itself may meet what it does not know",
                vec![Change::Set { path: place.path.clone(), value: Value::from(Mode::Permissive.name()) }],
            );
            flaws.add(place.object, place.path, of, message).fix(Ok(fix));
        }
    }
}

pub(super) const DISABLED: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-005",
        name: "mutual-tls-disabled",
        severity: Severity::Medium,
        summary: "a PeerAuthentication switches mutual TLS off",
        what: "`mtls.mode` of a PeerAuthentication, or that of one of its `portLevelMtls`, is `DISABLE`.",
        why: "Nothing of the traffic is encrypted, and the server does not know who calls: no AuthorizationPolicy that names a principal or a \
              namespace can match. PERMISSIVE takes plaintext too, and mutual TLS from all who can do it.",
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
