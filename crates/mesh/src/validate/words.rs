//! What single values must look like.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Source: Go's `net/netip` (`ParseAddr`). How many bits it has, and whether it names a zone.
fn address(text: &str) -> Option<(u8, bool)> {
    // What comes first of these decides how the rest is read.
    match text.bytes().find(|byte| matches!(byte, b'.' | b':' | b'%'))? {
        b'.' => text.parse::<Ipv4Addr>().is_ok().then_some((32, false)),
        b':' => {
            let (address, zone) = match text.split_once('%') {
                Some((address, zone)) => (address, Some(zone)),
                None => (text, None),
            };
            let is_one = address.parse::<Ipv6Addr>().is_ok() && zone.is_none_or(|zone| !zone.is_empty());
            is_one.then_some((128, zone.is_some()))
        }
        _ => None,
    }
}

/// Whether it is an address.
pub(super) fn is_address(text: &str) -> bool {
    address(text).is_some()
}

/// What is wrong with an address or a block of them. Source: `ValidateIPs`; Go's `net/netip` (`ParsePrefix`).
pub(super) fn block_error(text: &str) -> Option<String> {
    let Some((start, bits)) = text.rsplit_once('/') else {
        return (!is_address(text)).then(|| format!("bad IP address ({text})"));
    };
    let is_number = !bits.is_empty()
        && bits.bytes().all(|byte| byte.is_ascii_digit())
        && (bits.len() == 1 || !bits.starts_with('0'));
    let length = bits.parse::<u8>().ok().filter(|_| is_number);
    let fits = address(start)
        .is_some_and(|(most, has_zone)| !has_zone && length.is_some_and(|length| length <= most));
    (!fits).then(|| format!("bad CIDR range ({text})"))
}

/// What is wrong with a port. Source: `ValidatePorts`.
pub(super) fn port_error(text: &str) -> Option<String> {
    let is_one = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse::<u64>().ok().filter(|port| is_one && *port <= 65535);
    number.is_none().then(|| format!("bad port ({text})"))
}

/// What is wrong with service accounts. Source: `CheckServiceAccount`.
pub(super) fn account_error(text: &str) -> Option<String> {
    let expected =
        format!("expected format 'serviceAccount' or 'namespace/serviceAccount', found \"{text}\"");
    if text.is_empty() {
        Some("empty value not allowed".to_owned())
    } else if text.contains('*') {
        Some("wildcard not allowed".to_owned())
    } else if text.matches('/').count() > 1 {
        Some(expected)
    } else if text.len() > 320 {
        Some(format!("value cannot exceed 320 characters, found \"{text}\""))
    } else {
        text.split_once('/')
            .is_some_and(|(namespace, name)| namespace.is_empty() || name.is_empty())
            .then_some(expected)
    }
}

/// What is wrong with a value that may have a star at one end. Source: `CheckWildcardValues`.
pub(super) fn star_error(text: &str) -> Option<String> {
    let stars = text.matches('*').count();
    if text.is_empty() {
        Some("empty value not allowed".to_owned())
    } else if stars > 1 {
        Some(format!("at most one wildcard is allowed, found \"{text}\""))
    } else if stars == 1 && !text.starts_with('*') && !text.ends_with('*') {
        Some(format!("wildcard is only allowed at the start or end, found \"{text}\""))
    } else {
        None
    }
}

/// What is wrong with a trust domain. Source: `CheckTrustDomainValues`.
pub(super) fn trust_domain_error(text: &str) -> Option<String> {
    star_error(text).or_else(|| {
        text.contains('/').then(|| format!("trust domain must not contain '/', found \"{text}\""))
    })
}

/// What is wrong with a path. Source: `CheckValidPathTemplate`.
pub(super) fn path_error(path: &str) -> Option<String> {
    let has_template = path.contains("{*}") || path.contains("{**}");
    let mut is_over = false;
    for part in path.trim_matches('/').split('/') {
        let is_template = matches!(part, "{*}" | "{**}");
        if is_template && is_over {
            return Some(format!("invalid or unsupported path {path}: {{**}} is not the last operator"));
        }
        if is_template {
            is_over = part == "{**}";
            continue;
        }
        if part.contains(['{', '}']) {
            let message = "contains '{' or '}' beyond a supported path template";
            return Some(format!("invalid or unsupported path {path}: {message}"));
        }
        let is_literal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()+,;:@=".contains(&byte);
        if has_template && (part.is_empty() || !part.bytes().all(is_literal)) {
            return Some(format!(
                "invalid or unsupported path {path}: segment \"{part}\" is no valid literal"
            ));
        }
    }
    None
}

/// A label of DNS, in small or large letters. Source: `pkg/config/labels/instance.go` (`IsDNS1123Label`).
pub(super) fn is_dns_label(text: &str) -> bool {
    text.len() <= 63 && has_ends(text, |byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether a text has a letter or digit at both ends, and only such bytes.
fn has_ends(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    ends(text.bytes().next()) && ends(text.bytes().last()) && text.bytes().all(allowed)
}

/// What is wrong with the labels of a domain. Source: `pkg/config/validation/agent` (`ValidateDNS1123Labels`).
fn labels_error(domain: &str) -> Option<String> {
    let last = domain.rsplit('.').next().unwrap_or_default();
    let digits = last.strip_prefix(['+', '-']).unwrap_or(last);
    // Source: Go's `strconv.Atoi`, which takes what fits into 64 bits.
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) && last.parse::<i64>().is_ok() {
        return Some(format!(
            "domain name \"{domain}\" invalid (top level domain \"{last}\" cannot be all-numeric)"
        ));
    }
    // The last one may be empty, as in `istio.io.`.
    let labels = domain.strip_suffix('.').unwrap_or(domain);
    if domain.is_empty() {
        return None;
    }
    let wrong = labels.split('.').find(|label| !is_dns_label(label))?;
    Some(format!("domain name \"{domain}\" invalid (label \"{wrong}\" invalid)"))
}

fn length_error(domain: &str) -> Option<String> {
    if domain.len() > 255 {
        return Some(format!("domain name \"{domain}\" too long (max 255)"));
    }
    domain.is_empty().then(|| "empty domain name not allowed".to_owned())
}

/// What is wrong with a domain whose first label may begin with a star. Source: `ValidateWildcardDomain`.
pub(super) fn wildcard_domain_error(domain: &str) -> Option<String> {
    length_error(domain).or_else(|| {
        let (first, rest) = match domain.split_once('.') {
            Some((first, rest)) => (first, Some(rest)),
            None => (domain, None),
        };
        let bare = first.strip_prefix("*-").or_else(|| first.strip_prefix('*')).unwrap_or(first);
        if first.len() > 63 || (first != "*" && !is_dns_label(bare)) {
            return Some(format!("domain name \"{domain}\" invalid (label \"{first}\" invalid)"));
        }
        rest.and_then(labels_error)
    })
}

/// What is wrong with a domain. Source: `ValidateFQDN`.
pub(super) fn domain_error(domain: &str) -> Option<String> {
    length_error(domain).or_else(|| labels_error(domain))
}

/// What is wrong with a label. Source: `pkg/config/labels/instance.go` (`Validate`).
pub(super) fn label_error(key: &str, value: &str) -> Option<String> {
    let is_name = |text: &str| has_ends(text, |byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    // A prefix has no bounds for its single labels, only for the whole.
    let is_label = |label: &str| has_ends(label, |byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_prefix = prefix.is_none_or(|prefix| prefix.len() <= 253 && prefix.split('.').all(is_label));
    if !is_prefix || !is_name(name) || name.len() > 63 {
        return Some(format!("invalid tag key: \"{key}\""));
    }
    (!value.is_empty() && !is_name(value)).then(|| format!("invalid tag value: \"{value}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_blocks_are_as_go_reads_them() {
        for good in ["1.2.3.4", "::1", "::ffff:1.2.3.4", "fe80::1%eth0", "1.2.3.4/24", "::/128", "10.0.0.0/0"]
        {
            assert_eq!(block_error(good), None, "{good}");
        }
        for bad in [
            "",
            "1.2.3",
            "host",
            "1.2.3.04",
            "1.2.3.4/33",
            "::/129",
            "1.2.3.4/08",
            "1.2.3.4/",
            "fe80::1%e/64",
            "/8",
        ] {
            assert!(block_error(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn ports_and_accounts_have_their_forms() {
        for (text, good) in [
            ("0", true),
            ("0080", true),
            ("65535", true),
            ("65536", false),
            ("", false),
            ("+1", false),
            ("80x", false),
        ] {
            assert_eq!(port_error(text).is_none(), good, "{text}");
        }
        for (text, good) in [
            ("sa", true),
            ("ns/sa", true),
            ("a/b/c", false),
            ("/x", false),
            ("x/", false),
            ("*", false),
            ("", false),
        ] {
            assert_eq!(account_error(text).is_none(), good, "{text}");
        }
    }

    #[test]
    fn templates_are_whole_segments_and_the_long_one_is_last() {
        for good in ["/a/{*}/b", "/{**}", "/a/b*", "{*}", "/a//b", "/a/{*}/"] {
            assert_eq!(path_error(good), None, "{good}");
        }
        for bad in [
            "/a/{*",
            "/a/{**}/{*}",
            "/{*}/{**}/{**}",
            "/a{*}",
            "*{*}",
            "/{*}*",
            "/{*}/a*",
            "/a//{*}",
            "/{*}/a b",
        ] {
            assert!(path_error(bad).is_some(), "{bad}");
        }
        assert!(path_error("/a/{**}/b").is_none(), "only another template may not follow");
    }

    #[test]
    fn domains_have_labels() {
        for good in ["a", "*", "*.local", "*-a.b", "a.b.", "A.b", "a.alpha.svc.cluster.local"] {
            assert_eq!(wildcard_domain_error(good), None, "{good}");
        }
        for bad in ["", "a..b", "a.*", "-a", "a.1", "**", "a_b", &"a".repeat(64)] {
            assert!(wildcard_domain_error(bad).is_some(), "{bad}");
        }
        assert!(domain_error("*.a").is_some());
        assert_eq!(label_error("a.b/c", ""), None);
        assert!(
            label_error("/c", "").is_some()
                && label_error("a", "-").is_some()
                && label_error("a/b/c", "").is_some()
        );
    }
}
