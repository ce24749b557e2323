//! Namespaces that are held to the standards of an old version.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;

use super::{ADMISSION, policy_of};
use crate::checks::STANDARDS;
use crate::evaluate::Evaluator;
use crate::hardening::{At, Flaw};
use crate::policy::{AUDIT_VERSION, ENFORCE_VERSION, Level, LevelVersion, Policy, Version, WARN_VERSION};

/// The check.
pub static CHECK: Check = Check {
    id: "RW-PSA-005",
    name: "outdated-pod-security-version",
    severity: Severity::Low,
    summary: "a namespace is pinned to an old version of the Pod Security Standards",
    what: "A label `pod-security.kubernetes.io/{enforce,audit,warn}-version` names a version in which the level of that mode has other \
           checks than in the cluster's own version. A pinned version with the same checks is passed over.",
    why: "What later versions found dangerous is let through, on purpose or because nobody looked again.",
    fix: "Set the version to `latest`, or to the cluster's version after a look at what changes: `ringwall pods plan` shows what breaks.",
    bad: "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n    pod-security.kubernetes.io/enforce: restricted\n    \
          pod-security.kubernetes.io/enforce-version: v1.24\n",
    good: "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n    pod-security.kubernetes.io/enforce: restricted\n    \
           pod-security.kubernetes.io/enforce-version: latest\n",
    versions: "Pod Security Admission is there since Kubernetes v1.22, and on by default since v1.23.",
    references: &[ADMISSION, STANDARDS],
    controls: &[cis("5.2.1"), nsa("Pod security enforcement")],
};

/// The modes whose pinned version has other checks than the newest that the evaluator knows.
pub(super) fn find(namespace: &Object, evaluator: &Evaluator, flaws: &mut Vec<Flaw>) {
    let (policy, _) = policy_of(namespace, &Policy::default());
    for (label, at) in
        [(ENFORCE_VERSION, policy.enforce), (AUDIT_VERSION, policy.audit), (WARN_VERSION, policy.warn)]
    {
        let Version::Minor(_) = at.version else { continue };
        if at.level == Level::Privileged || namespace.label(label).is_none() {
            continue;
        }
        let since = |at: LevelVersion| {
            evaluator
                .checks(at)
                .iter()
                .map(|applied| (applied.check.id, applied.revision.since))
                .collect::<Vec<_>>()
        };
        let (pinned, newest) = (since(at), since(LevelVersion::new(at.level, Version::Latest)));
        let changed = newest.iter().filter(|check| !pinned.contains(check)).count();
        let changed = changed.max(pinned.iter().filter(|check| !newest.contains(check)).count());
        if changed > 0 {
            let mode = label.rsplit('/').next().unwrap_or(label).trim_end_matches("-version");
            let checks =
                if changed == 1 { "1 check has".to_owned() } else { format!("{changed} checks have") };
            let message = format!("{mode} is held to {at}; {checks} changed since");
            let at = At::Object(FieldPath::keys(&["metadata", "labels"]).key(label));
            flaws.push(Flaw::present(at, mode, message));
        }
    }
}
