//! What can be wrong between a namespace's labels and its workloads, a file each check.
//!
//! These checks look at more than one pod, so they are no [`crate::checks::StandardCheck`]; a new one is a new file
//! and one line in [`CHECKS`].

pub mod invalid_label;
pub mod outdated;
pub mod quiet_modes;
pub mod refused;
pub mod unenforced;

use ringwall_model::check::Check;
use ringwall_model::invalid::FieldError;
use ringwall_model::object::Object;

use crate::evaluate::Evaluator;
use crate::hardening::Flaw;
use crate::policy::{self, Policy};

/// All checks of namespaces, by id.
pub static CHECKS: &[&Check] = &[
    &invalid_label::CHECK,
    &refused::CHECK,
    &unenforced::UNENFORCED,
    &unenforced::NOT_RESTRICTED,
    &outdated::CHECK,
    &quiet_modes::CHECK,
];

/// What is wrong with the labels of a Namespace object, as far as they alone tell, each with its check. `evaluator` knows the
/// cluster's own version.
pub fn find(namespace: &Object, evaluator: &Evaluator) -> Vec<(&'static Check, Flaw)> {
    let mut found = Vec::new();
    let mut flaws = Vec::new();
    let mut take = |check: &'static Check, flaws: &mut Vec<Flaw>| {
        found.extend(flaws.drain(..).map(|flaw| (check, flaw)));
    };
    unenforced::find_unenforced(namespace, &mut flaws);
    take(&unenforced::UNENFORCED, &mut flaws);
    unenforced::find_not_restricted(namespace, &mut flaws);
    take(&unenforced::NOT_RESTRICTED, &mut flaws);
    outdated::find(namespace, evaluator, &mut flaws);
    take(&outdated::CHECK, &mut flaws);
    quiet_modes::find(namespace, &mut flaws);
    take(&quiet_modes::CHECK, &mut flaws);
    found
}

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
