//! Labels that mean to choose a policy and do not.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;

use super::{ADMISSION, policy_of};
use crate::policy::{self, Policy};

/// The check.
pub static CHECK: Check = Check {
    id: "RW-PSA-001",
    name: "invalid-pod-security-label",
    severity: Severity::Medium,
    summary: "a namespace has a pod security label that the API server refuses",
    what: "The value of a label `pod-security.kubernetes.io/{enforce,audit,warn}` is not exactly `privileged`, `baseline` \
           or `restricted`, or that of a label `…-version` is neither `latest` nor `v1.N`.",
    why: "The API server refuses to create such a namespace, or to change its labels to these. Where one is there all \
          the same, a bad `enforce` counts as restricted and a bad version as latest, but a bad `audit` or `warn` counts \
          as privileged: nobody is told of anything.",
    fix: "Correct the spelling.",
    bad: "kind: Namespace\nmetadata:\n  name: shop\n  labels:\n    pod-security.kubernetes.io/enforce: restriced\n",
    good: "kind: Namespace\nmetadata:\n  name: shop\n  labels:\n    pod-security.kubernetes.io/enforce: restricted\n",
    versions: "Pod Security Admission is there since Kubernetes v1.22, and on by default since v1.23.",
    references: &[ADMISSION],
    controls: &[cis("5.2.1"), nsa("Pod security enforcement")],
};

/// A label whose value is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidLabel {
    /// The label, from the Namespace object.
    pub path: FieldPath,
    /// Its value.
    pub value: String,
    /// The API server's words.
    pub message: String,
}

/// The labels of a Namespace object that the API server refuses, in its order.
pub fn find(namespace: &Object) -> Vec<InvalidLabel> {
    let (_, errors) = policy_of(namespace, &Policy::default());
    let invalid = |key: &str| {
        let path = FieldPath::keys(&["metadata", "labels"]).key(key);
        let error = errors.iter().find(|error| error.path == path)?;
        Some(InvalidLabel {
            path,
            value: namespace.label(key).unwrap_or_default().to_owned(),
            message: error.to_string(),
        })
    };
    policy::LABELS.iter().filter_map(|key| invalid(key)).collect()
}
