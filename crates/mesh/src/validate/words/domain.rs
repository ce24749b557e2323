//! Names of DNS and labels. Sources: istio.io/istio `pkg/config/labels/instance.go`, `pkg/config/host/name.go` and
//! `pkg/config/validation/agent/validation.go`.

use super::{is_address, quoted, whole_number};

/// A label of DNS, in small or large letters. Source: `IsDNS1123Label`.
pub(in crate::validate) fn is_dns_label(text: &str) -> bool {
    text.len() <= 63 && has_ends(text, |byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether a text has a letter or digit at both ends, and only such bytes.
fn has_ends(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    ends(text.bytes().next()) && ends(text.bytes().last()) && text.bytes().all(allowed)
}

/// Source: `ValidateDNS1123Labels`.
fn labels_error(domain: &str) -> Option<String> {
    let last = domain.rsplit('.').next().unwrap_or_default();
    if whole_number(last).is_ok() {
        let what = format!("top level domain {} cannot be all-numeric", quoted(last));
        return Some(format!("domain name {} invalid ({what})", quoted(domain)));
    }
    if domain.is_empty() {
        return None;
    }
    // The last one may be empty, as in `istio.io.`.
    let labels = domain.strip_suffix('.').unwrap_or(domain);
    let wrong = labels.split('.').find(|label| !is_dns_label(label))?;
    Some(label_wrong(domain, wrong))
}

fn label_wrong(domain: &str, label: &str) -> String {
    format!("domain name {} invalid (label {} invalid)", quoted(domain), quoted(label))
}

/// Source: `CheckDNS1123Preconditions`.
fn length_error(domain: &str) -> Option<String> {
    if domain.len() > 255 {
        return Some(format!("domain name {} too long (max 255)", quoted(domain)));
    }
    domain.is_empty().then(|| "empty domain name not allowed".to_owned())
}

/// What is wrong with a domain whose first label may begin with a star. Source: `ValidateWildcardDomain`.
pub(in crate::validate) fn wildcard_domain_error(domain: &str) -> Option<String> {
    length_error(domain).or_else(|| {
        let (first, rest) = match domain.split_once('.') {
            Some((first, rest)) => (first, Some(rest)),
            None => (domain, None),
        };
        let bare = first.strip_prefix("*-").or_else(|| first.strip_prefix('*')).unwrap_or(first);
        if first.len() > 63 || (first != "*" && !is_dns_label(bare)) {
            return Some(label_wrong(domain, first));
        }
        rest.and_then(labels_error)
    })
}

/// The same for a `VirtualService` at a gateway, which may take names that istiod makes for SNI. Source:
/// `ValidateWildcardDomainForVirtualServiceBoundToGateway`.
pub(in crate::validate) fn gateway_domain_error(is_sni: bool, domain: &str) -> Option<String> {
    const FORMAT: &str = "outbound_.<PORT>_._.<HOSTNAME>";
    if let Some(message) = length_error(domain) {
        return Some(message);
    }
    if !is_sni || !domain.starts_with("outbound_") {
        return wildcard_domain_error(domain);
    }
    let parts: Vec<&str> = domain.split('_').collect();
    let [_, port, _, host, ..] = parts[..] else {
        return Some(format!("domain name {domain} invalid, should follow '{FORMAT}' format"));
    };
    let (port, host) = (port.trim_matches('.'), host.trim_matches('.'));
    let wrong = if !port.bytes().any(|byte| byte.is_ascii_digit()) {
        port
    } else if !host.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        host
    } else {
        return None;
    };
    Some(format!("{}. should follow {FORMAT} format", label_wrong(domain, wrong)))
}

/// What is wrong with a domain. Source: `ValidateFQDN`.
pub(in crate::validate) fn domain_error(domain: &str) -> Option<String> {
    length_error(domain).or_else(|| labels_error(domain))
}

/// What is wrong with a star that is no label of its own. Source: `ValidatePartialWildCard`.
pub(in crate::validate) fn partial_star_error(host: &str) -> Option<String> {
    let is_partial = host.contains('*') && host.len() != 1 && !host.starts_with("*.");
    is_partial.then(|| format!("partial wildcard {} not allowed", quoted(host)))
}

/// What is wrong with `NAMESPACE/HOST`, as a gateway or a sidecar takes it. Source: `ValidateNamespaceSlashWildcardHostname`.
pub(in crate::validate) fn slash_host_errors(
    text: &str,
    is_gateway: bool,
    is_converted: bool,
) -> Vec<String> {
    let Some((namespace, host)) = text.split_once('/') else {
        if is_gateway {
            return host_part_errors(text, true);
        }
        return vec!["host must be of form namespace/dnsName".to_owned()];
    };
    let mut errors = Vec::new();
    if namespace.is_empty() || host.is_empty() {
        errors.push("config namespace and dnsName in host entry cannot be empty".to_owned());
    }
    let is_one = if is_gateway {
        matches!(namespace, "*" | ".") || (namespace == "~" && is_converted) || is_dns_label(namespace)
    } else {
        let inner = namespace.strip_prefix('~').unwrap_or(namespace);
        matches!(inner, "" | "*" | ".") || is_dns_label(inner)
    };
    if !is_one {
        let place = if is_gateway { "gateway" } else { "sidecar" };
        errors.push(format!("invalid namespace value {} in {place}", quoted(namespace)));
    }
    errors.extend(host_part_errors(host, is_gateway));
    errors
}

/// Source: `validateSidecarOrGatewayHostnamePart`.
fn host_part_errors(host: &str, is_gateway: bool) -> Vec<String> {
    let mut errors = Vec::new();
    if host != "*" && !host.contains('.') {
        errors.push("short names (non FQDN) are not allowed".to_owned());
    }
    if let Some(message) = wildcard_domain_error(host) {
        // A sidecar is told twice.
        if !is_gateway {
            errors.push(message.clone());
        }
        if !is_address(host) {
            errors.push(message);
        }
    }
    errors.extend(partial_star_error(host));
    errors
}

/// What is wrong with the labels of an object. Source: `pkg/config/labels/instance.go` (`Validate`).
pub(in crate::validate) fn label_errors(key: &str, value: &str) -> Vec<String> {
    let is_name = |text: &str| has_ends(text, |byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (prefix, name),
        None => ("", key),
    };
    // A prefix has no bounds for its single labels, only for the whole.
    let is_label = |label: &str| has_ends(label, |byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_prefix = !key.contains('/') || prefix.split('.').all(is_label);
    let mut errors = Vec::new();
    if !is_prefix || !is_name(name) {
        errors.push(format!("invalid tag key: {}", quoted(key)));
    } else if prefix.len() > 253 {
        errors.push(format!("invalid tag key: {} (DNS prefix is too long)", quoted(key)));
    } else if name.len() > 63 {
        errors.push(format!("invalid tag key: {} (name is too long)", quoted(key)));
    }
    if !value.is_empty() && !is_name(value) {
        errors.push(format!("invalid tag value: {}", quoted(value)));
    }
    errors
}

/// Whether all names of a host are in another. Source: `pkg/config/host/name.go` (`SubsetOf`).
pub(in crate::validate) fn subset_of(one: &str, other: &str) -> bool {
    match (one.strip_prefix('*'), other.strip_prefix('*')) {
        (Some(one), Some(other)) => one.len() >= other.len() && one.ends_with(other),
        (Some(_), None) => false,
        (None, Some(other)) => one.ends_with(other),
        (None, None) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::overlap;

    #[test]
    fn domains_have_labels() {
        for good in ["a", "*", "*.local", "*-a.b", "a.b.", "A.b", "a.alpha.svc.cluster.local"] {
            assert_eq!(wildcard_domain_error(good), None, "{good}");
        }
        for bad in ["", "a..b", "a.*", "-a", "a.1", "**", "a_b", &"a".repeat(64)] {
            assert!(wildcard_domain_error(bad).is_some(), "{bad}");
        }
        assert!(domain_error("*.a").is_some());
        assert!(label_errors("a.b/c", "").is_empty());
        assert_eq!(label_errors("/c", ""), ["invalid tag key: \"/c\""]);
        assert_eq!(label_errors("a/b/c", "-"), ["invalid tag key: \"a/b/c\"", "invalid tag value: \"-\""]);
    }

    #[test]
    fn hosts_cover_one_another() {
        for (one, other, common, within) in [
            ("*", "a", true, false),
            ("a", "*", true, true),
            ("*.a", "*.b.a", true, false),
            ("*.b.a", "*.a", true, true),
            ("a", "b", false, false),
            ("a", "a", true, true),
        ] {
            assert_eq!(overlap(one, other), common, "{one} {other}");
            assert_eq!(subset_of(one, other), within, "{one} {other}");
        }
    }

    #[test]
    fn hosts_behind_a_slash_have_their_rules() {
        assert!(slash_host_errors("*", true, false).is_empty());
        assert!(slash_host_errors("~/*", false, false).is_empty());
        assert_eq!(slash_host_errors("*", false, false), ["host must be of form namespace/dnsName"]);
        assert_eq!(slash_host_errors("./a", true, false), ["short names (non FQDN) are not allowed"]);
        assert_eq!(slash_host_errors("./*a.b", false, false), ["partial wildcard \"*a.b\" not allowed"]);
    }
}
