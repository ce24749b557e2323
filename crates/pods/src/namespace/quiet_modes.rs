//! Namespaces whose warnings and audit entries say less than what they enforce.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;

use super::{ADMISSION, policy_of};
use crate::hardening::{At, Flaw};
use crate::policy::{AUDIT, Level, Policy, WARN};

/// The check.
pub static CHECK: Check = Check {
    id: "RW-PSA-006",
    name: "warning-weaker-than-enforcement",
    severity: Severity::Low,
    summary: "a namespace warns of less than it enforces",
    what: "The label `pod-security.kubernetes.io/warn` or `…/audit` names a weaker level than `…/enforce`. A label `…/audit` that \
           is not there is reported with severity info; `…/warn` follows `…/enforce` where it is not there.",
    why: "Enforcement looks at pods alone. Whoever applies a Deployment whose pods will be refused is told by the warning or not at \
          all: the Deployment is accepted and stays without pods.",
    fix: "Set `warn` and `audit` to the level of `enforce`, or to the next tighter one that you move to.",
    bad: "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n    pod-security.kubernetes.io/enforce: restricted\n    \
          pod-security.kubernetes.io/warn: baseline\n    pod-security.kubernetes.io/audit: restricted\n",
    good: "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n    pod-security.kubernetes.io/enforce: restricted\n    \
           pod-security.kubernetes.io/warn: restricted\n    pod-security.kubernetes.io/audit: restricted\n",
    versions: "Pod Security Admission is there since Kubernetes v1.22, and on by default since v1.23.",
    references: &[ADMISSION],
    controls: &[cis("5.2.1"), nsa("Pod security enforcement")],
};

/// The modes that say less than is enforced.
pub(super) fn find(namespace: &Object, flaws: &mut Vec<Flaw>) {
    let (policy, _) = policy_of(namespace, &Policy::default());
    let enforced = policy.enforce.level;
    if enforced == Level::Privileged {
        return;
    }
    for (label, mode, level) in [(WARN, "warn", policy.warn.level), (AUDIT, "audit", policy.audit.level)] {
        // A label that is no level is another check's matter.
        let invalid = namespace.label(label).is_some_and(|value| value.parse::<Level>().is_err());
        if level >= enforced || invalid {
            continue;
        }
        let at = At::Object(FieldPath::keys(&["metadata", "labels"]).key(label));
        flaws.push(match namespace.label(label) {
            Some(_) => {
                let message =
                    format!("the namespace enforces {enforced}, and its {mode} mode says only {level}");
                Flaw::present(at, mode, message)
            }
            None => {
                let message = format!("the namespace enforces {enforced}, and its {mode} mode says nothing");
                Flaw::missing(at, mode, message).severity(Severity::Info)
            }
        });
    }
}
