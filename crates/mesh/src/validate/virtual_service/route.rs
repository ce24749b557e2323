//! Where a route leads to. Source: istio.io/istio `pkg/config/validation/validation.go` (`validateDestination`, `validateRouteDestinations`,
//! `validateHTTPRouteDestinations`).

use super::Context;
use crate::validate::Verdict;
use crate::validate::destination::subset_name_error;
use crate::validate::proto::Value;
use crate::validate::words::{
    authority_operation_error, operation_error, port_error, value_error, wildcard_domain_error,
};

/// Source: `validateDestination`.
pub(in crate::validate) fn destination(destination: &Value<'_>, verdict: &mut Verdict) {
    let host = destination.text("host");
    let error = if host == "*" {
        Some(format!("invalid destination host {host}"))
    } else {
        wildcard_domain_error(host)
    };
    verdict.error_if(destination, "host", error);
    if destination.has_text("subset") {
        verdict.error_if(destination, "subset", subset_name_error(destination.text("subset")));
    }
    if let Some(port) = destination.get("port") {
        verdict.error_if(&port, "number", port_error(port.number("number")));
    }
}

/// The destinations of a route, with their shares.
pub(super) fn destinations(route: &Value<'_>, context: &Context<'_>, verdict: &mut Verdict) {
    let shares = route.items("route");
    let mut total = 0_i128;
    for share in &shares {
        let to = share.get("destination");
        if to.is_none() {
            verdict.error(share.at("destination"), "destination is required");
        }
        if let Some(to) = to.filter(|_| !context.is_converted) {
            destination(&to, verdict);
        }
        weight(share, &mut total, verdict);
    }
    total_weight(route, shares.len(), total, verdict);
}

/// The same of HTTP, whose destinations have headers.
pub(super) fn http_destinations(route: &Value<'_>, context: &Context<'_>, verdict: &mut Verdict) {
    let shares = route.items("route");
    let mut total = 0_i128;
    for share in &shares {
        let to = share.get("destination");
        if to.is_none() {
            verdict.error(share.at("destination"), "destination is required");
        }
        headers(share, verdict);
        if let Some(to) = to.filter(|_| !context.is_converted) {
            destination(&to, verdict);
        }
        weight(share, &mut total, verdict);
    }
    total_weight(route, shares.len(), total, verdict);
}

/// Source: `validateWeight`.
fn weight(share: &Value<'_>, total: &mut i128, verdict: &mut Verdict) {
    let weight = share.number("weight");
    if weight < 0 {
        verdict.error(share.at("weight"), format!("weight {weight} < 0"));
    }
    *total += weight;
}

fn total_weight(route: &Value<'_>, shares: usize, total: i128, verdict: &mut Verdict) {
    // The reference counts in 32 bits.
    if shares > 1 && total.rem_euclid(1 << 32) == 0 {
        verdict.error(route.at("route"), "total destination weight = 0");
    }
}

/// Headers that are set, added and removed, of a route or of one of its destinations.
pub(super) fn headers(of: &Value<'_>, verdict: &mut Verdict) {
    let Some(headers) = of.get("headers") else { return };
    for (direction, name_error) in
        [("request", authority_operation_error as fn(&str) -> Option<String>), ("response", operation_error)]
    {
        let Some(operations) = headers.get(direction) else { continue };
        for operation in ["add", "set"] {
            for (name, value) in operations.entries(operation) {
                verdict
                    .error_all(&value.path, name_error(name).into_iter().chain(value_error(value.as_text())));
            }
        }
        for (path, name) in operations.texts("remove") {
            verdict.error_all(&path, operation_error(name));
        }
    }
}
