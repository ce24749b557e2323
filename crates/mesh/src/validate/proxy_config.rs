//! `ProxyConfig`. Source: istio.io/istio `pkg/config/validation/validation.go` (`ValidateProxyConfig`).

use super::attachment::selector;
use super::{Config, Verdict};

pub(super) fn validate(config: &Config<'_>, verdict: &mut Verdict) {
    let spec = &config.spec;
    selector(spec, "selector", verdict);
    if spec.number("concurrency") < 0 {
        verdict.error(spec.at("concurrency"), "concurrency must be greater than or equal to 0");
    }
}
