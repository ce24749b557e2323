//! `RequestAuthentication`. Source: istio.io/istio `pkg/config/validation/validation.go` (`ValidateRequestAuthentication`).

use serde_json::{Map, Value as Json};

use super::destination::duration_error;
use super::proto::Value;
use super::{Verdict, attachment};

pub(super) fn validate(spec: &Value<'_>, verdict: &mut Verdict) {
    attachment(spec, verdict);
    for rule in spec.items("jwtRules") {
        jwt_rule(&rule, verdict);
    }
}

fn jwt_rule(rule: &Value<'_>, verdict: &mut Verdict) {
    let mut texts = |name: &str, message: &str| {
        for (path, _) in rule.texts(name).into_iter().filter(|(_, text)| text.is_empty()) {
            verdict.error(path, message);
        }
    };
    texts("audiences", "audience must be non-empty string");
    texts("fromParams", "location query must be non-empty string");
    texts("fromCookies", "cookie name must be non-empty string");
    let uri = rule.text("jwksUri");
    if rule.text("issuer").is_empty() && uri.is_empty() {
        verdict.error(rule.at("issuer"), "issuer or jwksUri must be non-empty string");
    }
    if let Some(message) = (!uri.is_empty()).then(|| uri_error(uri)).flatten() {
        verdict.error(rule.at("jwksUri"), message);
    }
    let keys = rule.text("jwks");
    if !keys.is_empty() {
        match read_keys(keys) {
            Err(message) => verdict.error(rule.at("jwks"), format!("jwks parse error: {message}")),
            Ok(private) => {
                for index in private {
                    let message = format!(
                        "jwks key at index {index} contains private key material; only public keys are used"
                    );
                    verdict.warn(rule.at("jwks"), message);
                }
            }
        }
    }
    for header in rule.items("fromHeaders") {
        if header.text("name").is_empty() {
            verdict.error(header.at("name"), "location header name must be non-empty string");
        }
    }
    for claim in rule.items("outputClaimToHeaders") {
        let header = claim.text("header");
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if header.is_empty() || claim.text("claim").is_empty() {
            verdict.error(claim.path, "outputClaimToHeaders header and claim value must be non-empty string");
        } else if !header.bytes().all(is_name) {
            verdict.error(claim.at("header"), format!("header name {header} is not a valid header name"));
        }
    }
    duration_error(rule, "timeout", verdict);
}

/// What is wrong with the address that keys are fetched from. Source: `pkg/config/security/security.go` (`ParseJwksURI`); Go's
/// `net/url` (`Parse`).
fn uri_error(uri: &str) -> Option<String> {
    let wrong = |what: &str| Some(format!("parse \"{uri}\": {what}"));
    if uri.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return wrong("invalid control character in URL");
    }
    let uri_without = uri.split('#').next().unwrap_or_default();
    let scheme_end = uri_without.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.'));
    let scheme = match scheme_end.map(|end| uri_without.split_at(end)) {
        Some(("", rest)) if rest.starts_with(':') => return wrong("missing protocol scheme"),
        Some((scheme, rest))
            if rest.starts_with(':') && scheme.starts_with(|c: char| c.is_ascii_alphabetic()) =>
        {
            scheme
        }
        Some((_, rest)) if rest.starts_with(':') => {
            return wrong("first path segment in URL cannot contain colon");
        }
        _ => "",
    };
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Some(format!("URI scheme \"{scheme}\" is not supported"));
    }
    let (before_query, fragment) = (uri_without.split('?').next().unwrap_or_default(), uri.split_once('#'));
    if [before_query, fragment.map_or("", |(_, fragment)| fragment)].into_iter().any(has_bad_escape) {
        return wrong("invalid URL escape");
    }
    let rest = uri_without.get(scheme.len() + 1..).unwrap_or_default();
    let rest = rest.strip_prefix("//")?;
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    if host.contains(' ') {
        return wrong("invalid character \" \" in host name");
    }
    // What stands behind the last colon of a host, or behind the brackets of an address of IPv6, is a port.
    let port = match host.strip_prefix('[') {
        Some(inner) => match inner.split_once(']') {
            None => return wrong("missing ']' in host"),
            Some((_, after)) => after,
        },
        None => host.find(':').and_then(|at| host.get(at..)).unwrap_or_default(),
    };
    let is_port = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    if !is_port {
        return wrong("invalid port after host");
    }
    None
}

/// Whether a percent sign stands before something else than two hexadecimal digits.
fn has_bad_escape(text: &str) -> bool {
    let is_escape = |after: &str| matches!(after.as_bytes(), [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    text.split('%').skip(1).any(|after| !is_escape(after))
}

/// Reads a set of keys, or one key, and says which of them are private. Source: github.com/lestrrat-go/jwx v1.2 `jwk`.
fn read_keys(text: &str) -> Result<Vec<usize>, String> {
    // What follows on the first value is not looked at.
    let json = serde_json::Deserializer::from_str(text).into_iter::<Json>().next();
    let json = json.ok_or_else(|| "no value".to_owned())?.map_err(|error| error.to_string())?;
    let Json::Object(set) = json else { return Err("expected an object".to_owned()) };
    let keys = match set.get("keys") {
        None => return Ok(if read_key(&set)? { vec![0] } else { Vec::new() }),
        Some(Json::Null) => return Ok(Vec::new()),
        Some(Json::Array(keys)) => keys,
        Some(_) => return Err("\"keys\" is no list".to_owned()),
    };
    let mut private = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        let Json::Object(key) = key else { return Err(format!("key {index} is no object")) };
        if read_key(key).map_err(|error| format!("key {index}: {error}"))? {
            private.push(index);
        }
    }
    Ok(private)
}

/// Whether a key is private.
fn read_key(key: &Map<String, Json>) -> Result<bool, String> {
    let has_private = key.contains_key("d");
    let kind = match key.get("kty") {
        Some(Json::String(kind)) => kind.as_str(),
        _ => return Err("no \"kty\"".to_owned()),
    };
    let (needed, is_private): (&[&str], bool) = match kind {
        "RSA" if has_private => (&["e", "n", "d", "p", "q"], true),
        "RSA" => (&["e", "n"], false),
        "EC" if has_private => (&["crv", "x", "y", "d"], true),
        "EC" => (&["crv", "x", "y"], false),
        "OKP" if has_private => (&["crv", "x", "d"], true),
        "OKP" => (&["crv", "x"], false),
        "oct" => (&["k"], true),
        other => return Err(format!("invalid key type ({other})")),
    };
    for name in needed {
        let Some(Json::String(value)) = key.get(*name) else {
            return Err(format!("required field {name} is missing"));
        };
        let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"-_+/=".contains(&byte);
        if *name != "crv" && !value.bytes().all(is_base64) {
            return Err(format!("field {name} is not base64"));
        }
    }
    Ok(is_private)
}
