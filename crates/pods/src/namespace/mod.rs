//! What can be wrong between a namespace's labels and its workloads, a file each check.
//!
//! These checks look at more than one pod, so they are no [`crate::checks::StandardCheck`]; a new one is a new file
//! and one line in [`CHECKS`].

pub mod invalid_label;
pub mod refused;

use ringwall_model::check::Check;
use ringwall_model::object::Object;

use crate::policy::{self, FieldError, Policy};

/// All checks of namespaces, by id.
pub static CHECKS: &[&Check] = &[&invalid_label::CHECK, &refused::CHECK];

/// The Kubernetes documentation of Pod Security Admission.
const ADMISSION: &str = "https://kubernetes.io/docs/concepts/security/pod-security-admission/";

/// The policy that the labels of a Namespace object choose over `defaults`, and what is wrong with them.
pub fn policy_of(namespace: &Object, defaults: &Policy) -> (Policy, Vec<FieldError>) {
    policy::from_labels(|key| namespace.label(key), defaults)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_checks_is_sound() {
        assert_eq!(ringwall_model::check::validate(CHECKS.iter().copied()), Vec::<String>::new());
    }
}
