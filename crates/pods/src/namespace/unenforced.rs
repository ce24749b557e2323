//! Namespaces that enforce no level, or not the tightest.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;

use super::{ADMISSION, policy_of};
use crate::checks::STANDARDS;
use crate::hardening::{At, Flaw};
use crate::policy::{ENFORCE, Level, Policy};

/// Nothing is enforced.
pub static UNENFORCED: Check = Check {
    id: "RW-PSA-003",
    name: "pod-security-not-enforced",
    severity: Severity::Medium,
    summary: "a namespace takes any pod, the most privileged too",
    what: "A Namespace object has no label `pod-security.kubernetes.io/enforce`, so that the cluster's default holds, which is \
           `privileged` unless somebody configured another; or the label says `privileged` (severity low: somebody chose it). The \
           namespaces of Kubernetes itself (`kube-system`, `kube-public`, `kube-node-lease`) are reported with severity info.",
    why: "Whoever may create a pod in the namespace, or a workload that makes one, takes a node with a privileged pod.",
    fix: "Label the namespace with the tightest level that its workloads take: `ringwall pods level` shows it, `ringwall fix` writes it.",
    bad: "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n",
    good: "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n    pod-security.kubernetes.io/enforce: baseline\n",
    versions: "Pod Security Admission is there since Kubernetes v1.22, and on by default since v1.23.",
    references: &[ADMISSION, STANDARDS],
    controls: &[
        cis("5.2.1"),
        cis("5.2.2"),
        cis("5.2.3"),
        cis("5.2.4"),
        cis("5.2.5"),
        cis("5.2.6"),
        cis("5.2.7"),
        cis("5.2.8"),
        cis("5.2.9"),
        cis("5.2.10"),
        cis("5.2.11"),
        cis("5.2.12"),
        cis("5.2.13"),
        nsa("Pod security enforcement"),
        mitre("T1610"),
        mitre("T1611"),
    ],
};

/// Only the baseline is enforced.
pub static NOT_RESTRICTED: Check = Check {
    id: "RW-PSA-004",
    name: "restricted-not-enforced",
    severity: Severity::Info,
    summary: "a namespace does not enforce restricted",
    what: "The label `pod-security.kubernetes.io/enforce` of a Namespace object says something else than `restricted`, or is not \
           there. What it says instead of `baseline`, pod-security-not-enforced reports.",
    why: "Baseline forbids the known ways out of a container; pods may still run as root, with all default capabilities and without a \
          seccomp profile.",
    fix: "Mend the workloads with `ringwall fix`, then label the namespace `restricted`.",
    bad: "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n    pod-security.kubernetes.io/enforce: baseline\n",
    good: "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n    pod-security.kubernetes.io/enforce: restricted\n",
    versions: "Pod Security Admission is there since Kubernetes v1.22, and on by default since v1.23.",
    references: &[ADMISSION, STANDARDS],
    controls: &[
        cis("5.2.6"),
        cis("5.2.7"),
        cis("5.2.8"),
        cis("5.2.9"),
        cis("5.2.10"),
        nsa("Pod security enforcement"),
    ],
};

/// The namespaces that Kubernetes makes for itself.
const OWN: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];

fn at() -> At {
    At::Object(FieldPath::keys(&["metadata", "labels"]).key(ENFORCE))
}

/// Whether a namespace enforces nothing.
pub(super) fn find_unenforced(namespace: &Object, flaws: &mut Vec<Flaw>) {
    let (policy, _) = policy_of(namespace, &Policy::default());
    if policy.enforce.level != Level::Privileged {
        return;
    }
    let flaw = match namespace.label(ENFORCE) {
        Some(_) => {
            let message = "the namespace enforces privileged: it takes any pod".to_owned();
            Flaw::present(at(), "", message).severity(Severity::Low)
        }
        None => Flaw::missing(at(), "", "the namespace enforces no pod security level".to_owned()),
    };
    let own = OWN.contains(&namespace.id.name.as_str());
    flaws.push(if own { flaw.severity(Severity::Info) } else { flaw });
}

/// Whether a namespace enforces less than restricted.
pub(super) fn find_not_restricted(namespace: &Object, flaws: &mut Vec<Flaw>) {
    let (policy, _) = policy_of(namespace, &Policy::default());
    let own = OWN.contains(&namespace.id.name.as_str());
    if policy.enforce.level != Level::Restricted && !own {
        let message = "the namespace does not enforce restricted".to_owned();
        flaws.push(Flaw::present(at(), "", message));
    }
}
