//! `PeerAuthentication`. Source: istio.io/istio `pkg/config/validation/validation.go` (`ValidatePeerAuthentication`).

use super::attachment::selector;
use super::{Config, Verdict};

pub(super) fn validate(config: &Config<'_>, verdict: &mut Verdict) {
    let spec = &config.spec;
    let selects = spec.get("selector").is_some_and(|selector| selector.has_items("matchLabels"));
    if let Some(ports) = spec.get("portLevelMtls") {
        let entries = spec.entries("portLevelMtls");
        if entries.is_empty() && config.is_copy {
            // As if it were not written.
        } else if entries.is_empty() {
            verdict.error(ports.path, "port level mTLS, if defined, must have at least one element");
        } else if !selects {
            verdict.error(ports.path, "mesh/namespace peer authentication cannot have port level mTLS");
        }
        for (port, entry) in entries {
            if !port.trim().parse().is_ok_and(|port: u64| (1..=65535).contains(&port)) {
                verdict.error(entry.path, "port must be in range 1..65535");
            }
        }
    }
    selector(spec, "selector", verdict);
}
