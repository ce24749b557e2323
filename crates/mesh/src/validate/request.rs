//! `RequestAuthentication`. Source: istio.io/istio `pkg/config/validation/validation.go` (`ValidateRequestAuthentication`).

use super::attachment::attachment;
use super::proto::Value;
use super::request_keys::read_keys;
use super::transport::duration;
use super::words::{parse_url, quoted, strict_name_error, whole_number};
use super::{Config, Verdict};

pub(super) fn validate(config: &Config<'_>, verdict: &mut Verdict) {
    let spec = &config.spec;
    attachment(spec, spec.get("targetRef"), verdict);
    for rule in spec.items("jwtRules") {
        jwt_rule(&rule, verdict);
    }
}

fn jwt_rule(rule: &Value<'_>, verdict: &mut Verdict) {
    let empty = |name: &str, message: &str, verdict: &mut Verdict| {
        for (path, _) in rule.texts(name).into_iter().filter(|(_, text)| text.is_empty()) {
            verdict.error(path, message);
        }
    };
    empty("audiences", "audience must be non-empty string", verdict);
    let uri = rule.text("jwksUri");
    if !rule.has_text("issuer") && uri.is_empty() {
        verdict.error(rule.at("issuer"), "issuer or jwksUri must be non-empty string");
    }
    if !uri.is_empty() {
        verdict.error_if(rule, "jwksUri", uri_error(uri));
    }
    let mut private = Vec::new();
    if rule.has_text("jwks") {
        match read_keys(rule.text("jwks")) {
            Err(error) => {
                let message = format!("jwks parse error: failed to unmarshal JWK set: {error}");
                verdict.error(rule.at("jwks"), message);
            }
            Ok(found) => private = found,
        }
    }
    for header in rule.items("fromHeaders").into_iter().filter(|header| !header.has_text("name")) {
        verdict.error(header.at("name"), "location header name must be non-empty string");
    }
    empty("fromParams", "location query must be non-empty string", verdict);
    empty("fromCookies", "cookie name must be non-empty string", verdict);
    for claim in rule.items("outputClaimToHeaders") {
        if claim.has_text("header") && claim.has_text("claim") {
            verdict.error_if(&claim, "header", strict_name_error(claim.text("header")));
        } else {
            verdict.error(claim.path, "outputClaimToHeaders header and claim value must be non-empty string");
        }
    }
    duration(rule, "timeout", verdict);
    for index in private {
        let message = format!(
            "jwks key at index {index} contains private key material; only public keys are used for verification"
        );
        verdict.warn(rule.at("jwks"), message);
    }
}

/// What is wrong with the address that keys are fetched from. Source: `pkg/config/security/security.go` (`ParseJwksURI`).
fn uri_error(uri: &str) -> Option<String> {
    let url = match parse_url(uri) {
        Ok(url) => url,
        Err(error) => return Some(error),
    };
    if !matches!(url.scheme.as_str(), "http" | "https") {
        return Some(format!("URI scheme {} is not supported", quoted(&url.scheme)));
    }
    if url.port.is_empty() { None } else { whole_number(&url.port).err() }
}
