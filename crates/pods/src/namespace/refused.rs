//! Workloads that the level of their own namespace refuses.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, nsa};
use ringwall_model::finding::Severity;

use super::ADMISSION;
use crate::checks::STANDARDS;
use crate::evaluate::{Evaluator, Failures};
use crate::model::PodTemplate;
use crate::policy::LevelVersion;

/// The check.
pub static CHECK: Check = Check {
    id: "RW-PSA-002",
    name: "refused-by-namespace",
    severity: Severity::High,
    summary: "a workload's pods are refused by the level that its namespace enforces",
    what: "The workload's Namespace object is in the input, and a pod made from the workload violates the level of its \
           label `pod-security.kubernetes.io/enforce`, at the version of `enforce-version`.",
    why: "The API server refuses the pods. A Deployment or Job is accepted all the same and then stands there without \
          pods; a running workload breaks when its pods are next replaced.",
    fix: "Mend what the message names, or move the workload to a namespace with a level that it can take. \
          `ringwall pods level` shows the tightest level for each namespace.",
    bad: "kind: Namespace\nmetadata:\n  name: shop\n  labels:\n    pod-security.kubernetes.io/enforce: baseline\n---\n\
          kind: Pod\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  hostNetwork: true\n",
    good: "kind: Namespace\nmetadata:\n  name: shop\n  labels:\n    pod-security.kubernetes.io/enforce: baseline\n---\n\
           kind: Pod\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  hostNetwork: false\n",
    versions: "Pod Security Admission is there since Kubernetes v1.22, and on by default since v1.23. Which check \
               applies since when is said with each check.",
    references: &[ADMISSION, STANDARDS],
    controls: &[cis("5.2.1"), nsa("Pod security enforcement")],
};

/// The API server's words where it refuses the pod at `enforce`: `violates PodSecurity "baseline:latest": …`.
/// `failures` is left with the evidence.
pub fn words<'t>(
    evaluator: &Evaluator,
    enforce: LevelVersion,
    pod: &PodTemplate<'t>,
    failures: &mut Failures<'t>,
) -> Option<String> {
    evaluator.evaluate(enforce, pod, failures);
    (!failures.is_empty()).then(|| format!("violates PodSecurity \"{enforce}\": {}", failures.message(pod)))
}
