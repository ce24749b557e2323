//! Objects that istiod does not take, or takes without a part of them.

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::Fixable;

use super::examples::policy;
use super::{AUTHORIZATION, EVERY_VERSION, Flaws, MeshCheck, Subject};
use crate::peer::GROUP;
use crate::validate;

/// How Istio checks what it is given.
const ANALYSIS: &str = "https://istio.io/latest/docs/ops/configuration/mesh/validation/";

pub(super) const REFUSED: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-035",
        name: "refused-by-istiod",
        severity: Severity::Medium,
        summary: "istiod's webhook refuses the object",
        what: "What the validating webhook of istiod says of an object of Istio that it refuses, error by error. Nothing else is said of the policy then. \
               The severity is high for policies of security. (istioctl: `IST0106`.)",
        why: "The object never comes into the cluster: what it should guard is open, or what was there before it stays.",
        fix: "Write what the message asks for.",
        bad: concat!(
            policy!("nobody"),
            "\
spec:
  action: DENY
"
        ),
        good: concat!(
            policy!("nobody"),
            "\
spec:
  action: DENY
  rules:
  - {}
"
        ),
        versions: EVERY_VERSION,
        references: &[ANALYSIS, AUTHORIZATION],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("what is meant is not in the manifest"),
    find: refused,
};

pub(super) const UNKNOWN: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-036",
        name: "unknown-mesh-field",
        severity: Severity::Medium,
        summary: "a policy has a field that its kind does not have",
        what: "A field of the `spec` of an object of Istio that its kind does not have.",
        why: "`kubectl` refuses the object, unless it is told not to; then the API server drops the field, and the policy does without it: a condition \
              that is misspelt is no condition.",
        fix: "Write the field's name, in its place.",
        bad: concat!(
            policy!("readers"),
            "\
spec:
  rules:
  - to:
    - operation:
        method: [GET]
        ports: [\"8080\"]
"
        ),
        good: concat!(
            policy!("readers"),
            "\
spec:
  rules:
  - to:
    - operation:
        methods: [GET]
        ports: [\"8080\"]
"
        ),
        versions: EVERY_VERSION,
        references: &[AUTHORIZATION],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("which field is meant is not in the manifest"),
    find: unknown,
};

fn refused(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (index, verdict) in &subject.refused {
        let is_security = subject.object(*index).id.group == GROUP;
        for error in &verdict.errors {
            let message = format!("istiod refuses it: {}", error.message);
            let flaw = flaws.add(*index, error.path.clone(), "", message);
            if is_security {
                flaw.severity(Severity::High);
            }
        }
    }
}

fn unknown(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (index, object) in subject.snapshot.objects() {
        for complaint in validate::unknown_fields(object) {
            flaws.add(index, complaint.path, "", complaint.message);
        }
    }
}
