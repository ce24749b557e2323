//! `PeerAuthentication` objects that do not do what they say.

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::Fixable;
use ringwall_model::path::FieldPath;

use super::{EVERY_VERSION, Flaws, MeshCheck, PEER, Subject};
use crate::peer::{Mode, PeerAuthentication};

pub(super) const IN_ROOT: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-001",
        name: "peer-authentication-for-nobody",
        severity: Severity::High,
        summary: "a PeerAuthentication with a selector is in the root namespace, where it is for nobody",
        what: "A PeerAuthentication whose `selector` names labels is in the root namespace of the mesh, `istio-system` unless the \
               mesh is set otherwise (where the input holds a `ConfigMap` of istiod that says so, nothing is said). The severity is medium where \
               it has no STRICT.",
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
",
        versions: EVERY_VERSION,
        references: &[PEER],
        controls: &[nsa("Encryption")],
    },
    fix: Fixable::ByHand("a policy moves to the namespaces of its workloads by hand"),
    find: in_root,
};

/// Whether a policy asks for mutual TLS anywhere.
fn has_strict(policy: &PeerAuthentication) -> bool {
    policy.mode == Mode::Strict || policy.ports.values().any(|mode| *mode == Mode::Strict)
}

fn in_root(subject: &Subject, flaws: &mut Flaws) {
    if subject.has_other_root {
        return;
    }
    let peers = &subject.mesh.peers;
    for index in &peers.ignored {
        let policy = &peers.all[*index];
        let path = FieldPath::keys(&["spec", "selector"]);
        let message = format!(
            "is for nobody: in the root namespace {} a PeerAuthentication with a selector is passed over; put it beside its workloads",
            peers.root()
        );
        let flaw = flaws.add(policy.object, path, "", message);
        if !has_strict(policy) {
            flaw.severity(Severity::Medium);
        }
    }
}
