//! `DestinationRule`. Source: istio.io/istio `pkg/config/validation/validation.go` (`ValidateDestinationRule`).

use std::collections::HashSet;

use super::attachment::selector;
use super::exports::{Of, export_to};
use super::traffic_policy::traffic_policy;
use super::words::{is_dns_label, label_errors, wildcard_domain_error};
use super::{Config, Verdict};

pub(super) fn validate(config: &Config<'_>, verdict: &mut Verdict) {
    let spec = &config.spec;
    verdict.error_if(spec, "host", wildcard_domain_error(spec.text("host")));
    traffic_policy(spec, config.namespace, verdict);
    let mut names = HashSet::new();
    for subset in spec.items("subsets") {
        let name = subset.text("name");
        if !names.insert(name) {
            verdict.error(subset.at("name"), format!("duplicate subset names: {name}"));
        }
        verdict.error_if(&subset, "name", subset_name_error(name));
        for (key, value) in subset.entries("labels") {
            verdict.error_all(&value.path, label_errors(key, value.as_text()));
        }
        verdict.errors_of(|own| traffic_policy(&subset, config.namespace, own));
    }
    let of = if spec.has("workloadSelector") { Of::Selecting } else { Of::Other };
    export_to(config, of, verdict);
    selector(spec, "workloadSelector", verdict);
}

/// Source: `validateSubsetName`.
pub(super) fn subset_name_error(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("subset name cannot be empty".to_owned());
    }
    (!is_dns_label(name)).then(|| format!("subset name is invalid: {name}"))
}
