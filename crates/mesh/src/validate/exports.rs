//! To which namespaces an object is visible. Source: istio.io/istio `pkg/config/validation/validation.go` (`validateExportTo`),
//! `pkg/config/visibility/visibility.go`.

use std::collections::BTreeSet;

use super::words::is_dns_label;
use super::{Config, Verdict};

/// Whose list it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    ServiceEntry,
    /// A `DestinationRule` that selects workloads.
    Selecting,
    Other,
}

pub(super) fn export_to(config: &Config<'_>, of: Of, verdict: &mut Verdict) {
    let list = config.spec.texts("exportTo");
    let path = config.spec.at("exportTo");
    let namespace = config.namespace;
    let mut seen = BTreeSet::new();
    for (at, entry) in &list {
        let key = if *entry == "." { namespace } else { entry };
        if seen.contains(key) {
            let message = if key == *entry {
                format!("duplicate entries in exportTo for entry {entry}")
            } else {
                format!("duplicate entries in exportTo: . and current namespace {namespace}")
            };
            verdict.error(at.clone(), message);
        } else if key == "~" && of != Of::ServiceEntry {
            verdict.error(at.clone(), "exportTo ~ (none) is not allowed for Istio configuration objects");
        } else if matches!(key, "." | "*" | "~") || is_dns_label(key) {
            seen.insert(key);
        } else {
            verdict.error(at.clone(), "only .,*, or a valid DNS 1123 label is allowed as exportTo entry");
        }
    }
    if of == Of::Selecting && !seen.is_empty() {
        let prefix = "destination rule with workload selector cannot have";
        if !seen.contains(namespace) {
            verdict.error(path.clone(), format!("{prefix} exportTo beyond current namespace"));
        } else if seen.len() > 1 {
            verdict.error(path.clone(), format!("{prefix} multiple entries in exportTo"));
        }
    }
    if seen.contains("*") && list.len() > 1 {
        let message = "cannot have both public (*) and non-public exportTo values for a resource";
        verdict.error(path.clone(), message);
    }
    if seen.contains("~") && list.len() > 1 {
        verdict.error(path, "cannot export service entry to no one (~) and someone");
    }
}
