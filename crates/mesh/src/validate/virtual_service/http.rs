//! Routes of HTTP. Sources: istio.io/istio `pkg/config/validation/virtualservice.go` (`validateHTTPRoute`), `validation.go`.

use super::{Context, matched_by, route};
use crate::validate::Verdict;
use crate::validate::proto::Value;
use crate::validate::transport::duration;
use crate::validate::words::{
    any_header_name_error, fixed, float, is_authority, is_dns_label, match_name_error, port_error, quoted,
    regexp_error, whole_number,
};

pub(super) fn validate(http: &Value<'_>, context: &Context<'_>, verdict: &mut Verdict) {
    conflicts(http, context.hosts.is_empty(), verdict);
    verdict.errors_of(|own| matches(http, own));
    route::headers(http, verdict);
    if let Some(policy) = http.get("corsPolicy") {
        cross_origin(&policy, verdict);
    }
    if let Some(fault) = http.get("fault") {
        fault_injection(&fault, verdict);
    }
    if let Some(percent) = http.get("mirrorPercent") {
        let value = percent.integer();
        if value > 100 {
            let message = format!("mirror_percent must have a max value of 100 (it has {value})");
            verdict.error(percent.path.clone(), message);
        }
        verdict.warn(
            percent.path,
            "using deprecated setting \"mirrorPercent\", use \"mirrorPercentage\" instead",
        );
    }
    mirror_share(http, "mirrorPercentage", "mirror_percentage", verdict);
    if let Some(mirror) = http.get("mirror") {
        route::destination(&mirror, verdict);
    }
    for mirror in http.items("mirrors") {
        match mirror.get("destination") {
            None => verdict.error(mirror.at("destination"), "destination is required for mirrors"),
            Some(to) => {
                route::destination(&to, verdict);
                mirror_share(&mirror, "percentage", "mirror percentage", verdict);
            }
        }
    }
    if let Some(redirect) = http.get("redirect") {
        let error = redirect_error(&redirect, &http.items("match"));
        verdict.error_all(&redirect.path, error);
    }
    if let Some(response) = http.get("directResponse") {
        direct_response(&response, verdict);
    }
    if let Some(retries) = http.get("retries") {
        retry(&retries, verdict);
    }
    if let Some(rewrite) = http.get("rewrite") {
        verdict.error_all(&rewrite.path, rewrite_error(&rewrite));
    }
    verdict.error_if(http, "headers", authority_error(http));
    route::http_destinations(http, context, verdict);
    duration(http, "timeout", verdict);
}

/// Source: `validateHTTPRouteConflict`.
fn conflicts(http: &Value<'_>, is_delegate: bool, verdict: &mut Verdict) {
    let mut error = |message: &str| verdict.error(http.path.clone(), message);
    let (routes, redirects, responds) =
        (http.has_items("route"), http.has("redirect"), http.has("directResponse"));
    if http.has("delegate") && !is_delegate {
        let name = http.text("name");
        for (what, _) in
            [("redirect", redirects), ("route", routes)].into_iter().filter(|(_, is_set)| *is_set)
        {
            error(&format!("root HTTP route {name} must not specify {what}"));
        }
        return;
    }
    if http.has("delegate") {
        error("delegate HTTP route cannot contain delegate");
    }
    let other = if redirects { "redirect" } else { "direct_response" };
    if redirects || responds {
        if routes {
            error(&format!("HTTP route cannot contain both route and {other}"));
        }
        if http.has("fault") {
            error(&format!("HTTP route cannot contain both fault and {other}"));
        }
        if http.has("rewrite") {
            error(&format!("HTTP route rule cannot contain both rewrite and {other}"));
        }
        if redirects && responds {
            error("HTTP route rule cannot contain both direct_response and redirect");
        }
    } else if !routes {
        error("HTTP route, redirect or direct_response is required");
    }
    if http.has("mirror") && http.has_items("mirrors") {
        error("HTTP route cannot contain both mirror and mirrors");
    }
}

/// Source: `validateHTTPRouteMatchRequest`.
fn matches(http: &Value<'_>, verdict: &mut Verdict) {
    let all = http.items("match");
    for matched in &all {
        for (name, header) in matched.entries("headers") {
            let errors = match_name_error(name).into_iter().chain(string_match_error(&header, "headers"));
            verdict.error_all(&header.path, errors);
        }
        for (name, header) in matched.entries("withoutHeaders") {
            let error = match header.text("regex") {
                "*" => None,
                _ => string_match_error(&header, "withoutHeaders"),
            };
            verdict.error_all(&header.path, match_name_error(name).into_iter().chain(error));
        }
        if let Some(uri) = matched.get("uri") {
            verdict.error_all(&uri.path, regex_match_error(&uri, "uri"));
        }
        for name in ["scheme", "method", "authority"] {
            if let Some(field) = matched.get(name) {
                verdict.error_all(&field.path, string_match_error(&field, name));
            }
        }
        for (_, parameter) in matched.entries("queryParams") {
            verdict.error_all(&parameter.path, string_match_error(&parameter, "queryParams"));
        }
    }
    for matched in &all {
        matched_by(matched, verdict);
        let namespace = matched.text("sourceNamespace");
        if !namespace.is_empty() && !is_dns_label(namespace) {
            verdict.error(
                matched.at("sourceNamespace"),
                format!("sourceNamespace match {namespace} is invalid"),
            );
        }
    }
}

/// Source: `validateStringMatch`.
fn string_match_error(matched: &Value<'_>, place: &str) -> Option<String> {
    if matched.get("prefix").is_some_and(|prefix| prefix.as_text().is_empty()) {
        return Some(format!("{}: prefix string match should not be empty", quoted(place)));
    }
    regex_match_error(matched, place)
}

/// Source: `validateStringMatchRegexp`.
fn regex_match_error(matched: &Value<'_>, place: &str) -> Option<String> {
    let regex = matched.get("regex")?.as_text();
    if regex.is_empty() {
        return Some(format!("{}: regex string match should not be empty", quoted(place)));
    }
    regex_error(regex, place)
}

/// Source: `validateStringRegexp`.
fn regex_error(regex: &str, place: &str) -> Option<String> {
    let place = quoted(place);
    if regex.len() > 1024 {
        return Some(format!("{place}: regex is too large, max length allowed is 1024"));
    }
    let error = regexp_error(regex)?;
    let style = "Istio uses RE2 style regex-based match (https://github.com/google/re2/wiki/Syntax)";
    Some(format!("{place}: {error}; {style}"))
}

/// Source: `validateCORSPolicy`.
fn cross_origin(policy: &Value<'_>, verdict: &mut Verdict) {
    const METHODS: [&str; 10] =
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "*"];
    for origin in policy.items("allowOrigins") {
        let is_empty = ["exact", "prefix", "regex"].iter().all(|name| !origin.has_text(name));
        let error = if is_empty {
            Some("'' is not a valid match type for CORS allow origins".to_owned())
        } else {
            regex_match_error(&origin, "corsPolicy.allowOrigins")
        };
        verdict.error_all(&origin.path, error);
    }
    for (path, method) in policy.texts("allowMethods") {
        if !METHODS.contains(&method) {
            verdict.error(path, format!("{} is not a supported HTTP method", quoted(method)));
        }
    }
    for name in ["allowHeaders", "exposeHeaders"] {
        for (path, header) in policy.texts(name) {
            verdict.error_all(&path, any_header_name_error(header));
        }
    }
    duration(policy, "maxAge", verdict);
    if policy.duration("maxAge").is_some_and(|age| age % 1_000_000_000 > 0) {
        verdict.error(policy.at("maxAge"), "max_age duration is accurate only to seconds precision");
    }
}

/// Source: `validateHTTPFaultInjection`. Its warning of an abort without an error is dropped.
fn fault_injection(fault: &Value<'_>, verdict: &mut Verdict) {
    let (abort, delay) = (fault.get("abort"), fault.get("delay"));
    if abort.is_none() && delay.is_none() {
        verdict.error(fault.path.clone(), "HTTP fault injection must have an abort and/or a delay");
    }
    if let Some(abort) = abort {
        percentage(&abort, verdict);
        if let Some(status) = abort.get("grpcStatus") {
            verdict.error_all(&status.path, grpc_error(status.as_text()));
        } else if abort.has("http2Error") {
            verdict.error(abort.at("http2Error"), "HTTP/2 abort fault injection not supported yet");
        } else if let Some(status) = abort.get("httpStatus") {
            verdict.error_all(&status.path, status_error(status.integer()));
        }
    }
    if let Some(delay) = delay {
        percentage(&delay, verdict);
        duration(&delay, "fixedDelay", verdict);
        if delay.has("exponentialDelay") {
            duration(&delay, "exponentialDelay", verdict);
            verdict.error(delay.at("exponentialDelay"), "exponentialDelay not supported yet");
        }
    }
}

/// Source: `validatePercentage`.
fn percentage(of: &Value<'_>, verdict: &mut Verdict) {
    let Some(percentage) = of.get("percentage") else { return };
    let value = percentage.double("value").unwrap_or_default();
    if !value.is_nan() && (!(0.0..=100.0).contains(&value) || (value > 0.0 && value < 0.0001)) {
        let message = format!("percentage {} is neither 0.0, nor in range [0.0001, 100.0]", float(value));
        verdict.error(percentage.path, message);
    }
}

/// Source: `validateGRPCStatus`.
fn grpc_error(status: &str) -> Option<String> {
    const KNOWN: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    let see = "See https://github.com/grpc/grpc/blob/master/doc/statuscodes.md for a list of supported codes, for example 'NOT_FOUND'";
    (!KNOWN.contains(&status)).then(|| format!("gRPC status {} is not supported. {see}", quoted(status)))
}

/// Source: `validateHTTPStatus`.
fn status_error(status: i128) -> Option<String> {
    (!(200..=600).contains(&status)).then(|| format!("HTTP status {status} is not in range 200-599"))
}

fn mirror_share(of: &Value<'_>, name: &str, words: &str, verdict: &mut Verdict) {
    let Some(share) = of.get(name) else { return };
    let value = share.double("value").unwrap_or_default();
    let wrong = |most: &str| format!("{words} must have a {most} (it has {})", fixed(value));
    if value > 100.0 {
        verdict.error(share.path.clone(), wrong("max value of 100"));
    }
    if value < 0.0 {
        verdict.error(share.path, wrong("min value of 0"));
    }
}

/// Source: `validateHTTPRedirect`.
fn redirect_error(redirect: &Value<'_>, matches: &[Value<'_>]) -> Option<String> {
    let own = |message: &str| Some(message.to_owned());
    if redirect.has_text("uri") && redirect.has_text("prefixRewrite") {
        return own("redirect may only specify one of uri or prefix_rewrite");
    }
    let is_other = |matched: &Value<'_>| matched.get("uri").is_some_and(|uri| !uri.has("prefix"));
    if redirect.has_text("prefixRewrite") && matches.iter().any(is_other) {
        return own("redirect prefix_rewrite requires all URI matches to use prefix match type");
    }
    let has_text = ["uri", "prefixRewrite", "authority", "scheme"].iter().any(|name| redirect.has_text(name));
    if !has_text && !redirect.has("port") && !redirect.has("derivePort") {
        return own("redirect must specify URI, authority, scheme, or port");
    }
    let code = redirect.number("redirectCode");
    if code != 0 && !(300..=399).contains(&code) {
        return Some(format!("{code} is not a valid redirect code, must be 3xx"));
    }
    if !matches!(redirect.text("scheme"), "" | "http" | "https") {
        return own("invalid redirect scheme, must be \"http\" or \"https\"");
    }
    let port = redirect.number("port");
    if port > 0 { port_error(port) } else { None }
}

/// Source: `validateHTTPDirectResponse`.
fn direct_response(response: &Value<'_>, verdict: &mut Verdict) {
    if let Some(body) = response.get("body") {
        let bytes =
            body.text("bytes").bytes().filter(|byte| !matches!(byte, b'=' | b'\r' | b'\n')).count() * 3 / 4;
        let size = body.text("string").len() + bytes;
        let large = "large direct_responses may impact control plane performance";
        if size > 1024 * 1024 {
            verdict.error(body.path, format!("{large}, must be less than 1MB"));
        } else if size > 100 * 1024 {
            verdict.warn(body.path, large);
        }
    }
    let status = response.number("status");
    // The reference takes it for a number with a sign.
    let status = if status > i32::MAX.into() { status - (1 << 32) } else { status };
    verdict.error_if(response, "status", status_error(status));
}

/// Source: `validateHTTPRetry`.
fn retry(retries: &Value<'_>, verdict: &mut Verdict) {
    const POLICIES: [&str; 16] = [
        "5xx",
        "gateway-error",
        "reset",
        "reset-before-request",
        "connect-failure",
        "retriable-4xx",
        "refused-stream",
        "retriable-status-codes",
        "retriable-headers",
        "envoy-ratelimited",
        "http3-post-connect-failure",
        "cancelled",
        "deadline-exceeded",
        "internal",
        "resource-exhausted",
        "unavailable",
    ];
    let attempts = retries.number("attempts");
    if attempts < 0 {
        verdict.error(retries.at("attempts"), "attempts cannot be negative");
    }
    let has_more =
        retries.has("perTryTimeout") || retries.has_text("retryOn") || retries.has("retryRemoteLocalities");
    if attempts == 0 && has_more {
        let message = "http retry policy configured when attempts are set to 0 (disabled)";
        verdict.error(retries.path.clone(), message);
    }
    duration(retries, "perTryTimeout", verdict);
    if retries.has_text("retryOn") {
        for policy in retries.text("retryOn").split(',') {
            let is_status = whole_number(policy).is_ok_and(is_known_status);
            if !is_status && !POLICIES.contains(&policy) {
                verdict.error(
                    retries.at("retryOn"),
                    format!("{} is not a valid retryOn policy", quoted(policy)),
                );
            }
        }
    }
    duration(retries, "backoff", verdict);
}

/// Whether a status of HTTP has a text. Source: Go's `net/http` (`StatusText`).
fn is_known_status(status: i64) -> bool {
    matches!(
        status,
        100..=103 | 200..=208 | 226 | 300..=305 | 307 | 308 | 400..=418 | 421..=426 | 428 | 429 | 431 | 451 | 500..=508 | 510 | 511
    )
}

/// Source: `validateHTTPRewrite`, `validateURIRegexRewrite`.
fn rewrite_error(rewrite: &Value<'_>) -> Option<String> {
    let regex = rewrite.get("uriRegexRewrite");
    if rewrite.has_text("uri") && regex.is_some() {
        return Some("rewrite may only contain one of URI or UriRegexRewrite".to_owned());
    }
    if !rewrite.has_text("uri") && regex.is_none() && !rewrite.has_text("authority") {
        let message = "rewrite must specify at least one of URI, UriRegexRewrite, or authority. Only one of URI or UriRegexRewrite may be specified";
        return Some(message.to_owned());
    }
    let regex = regex?;
    let error = if regex.has_text("match") && regex.has_text("rewrite") {
        regex_error(regex.text("match"), "HTTPRewrite.UriRegexRewrite.Match")?
    } else {
        "UriRegexRewrite requires both Rewrite and Match fields to be specified".to_owned()
    };
    Some(format!("UriRegexRewrite has errors\n{error}"))
}

/// Source: `validateAuthorityRewrite`.
fn authority_error(http: &Value<'_>) -> Option<String> {
    let request = http.get("headers").and_then(|headers| headers.get("request"))?;
    let rewrite = http.get("rewrite");
    let mut current = rewrite.map(|rewrite| rewrite.text("authority")).unwrap_or_default();
    for (_, value) in ["set", "add"]
        .into_iter()
        .flat_map(|name| request.entries(name))
        .filter(|(name, _)| is_authority(name))
    {
        let value = value.as_text();
        if !current.is_empty() {
            let (have, other) = (quoted(current), quoted(value));
            return Some(format!(
                "authority header cannot be set multiple times: have {have}, attempting to set {other}"
            ));
        }
        current = value;
    }
    None
}
