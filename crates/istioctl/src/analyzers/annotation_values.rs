//! What annotations of pods may say. Source: istio.io/istio `pkg/kube/inject/validate.go`, `pkg/util/net/ip.go`; the words of Go's
//! `strconv` and `net/netip`.

use ringwall_model::go::go_quote;
use ringwall_model::quantity::Quantity;
use ringwall_model::tree::ReadText;

use super::proxyconfig;

/// What is wrong with an annotation's value.
pub(super) fn error(name: &str, value: &str, read: &ReadText<'_>) -> Option<String> {
    match name {
        "sidecar.istio.io/interceptionMode" => (!matches!(value, "REDIRECT" | "TPROXY" | "NONE"))
            .then(|| format!("interceptionMode invalid, use REDIRECT,TPROXY,NONE: {value}")),
        "status.sidecar.istio.io/port" => {
            port(value).map(|why| format!("excludeInboundPorts invalid: {why}"))
        }
        "readiness.status.sidecar.istio.io/initialDelaySeconds"
        | "readiness.status.sidecar.istio.io/periodSeconds"
        | "readiness.status.sidecar.istio.io/failureThreshold" => unsigned(value, u32::MAX.into()),
        "traffic.sidecar.istio.io/includeOutboundIPRanges" if value == "*" => None,
        "traffic.sidecar.istio.io/includeOutboundIPRanges" => blocks("includeIPRanges", value),
        "traffic.sidecar.istio.io/excludeOutboundIPRanges" => blocks("excludeIPRanges", value),
        "traffic.sidecar.istio.io/includeInboundPorts" if value == "*" => None,
        "traffic.sidecar.istio.io/includeInboundPorts" => ports("includeInboundPorts", value),
        "traffic.sidecar.istio.io/excludeInboundPorts" => ports("excludeInboundPorts", value),
        "traffic.sidecar.istio.io/excludeOutboundPorts" => ports("excludeOutboundPorts", value),
        "traffic.sidecar.istio.io/excludeInterfaces"
        | "traffic.sidecar.istio.io/kubevirtInterfaces"
        | "istio.io/reroute-virtual-interfaces" => interfaces(value),
        "prometheus.istio.io/merge-metrics" => boolean(value),
        proxyconfig::ANNOTATION => proxyconfig::error(value, read),
        "sidecar.istio.io/proxyCPU"
        | "sidecar.istio.io/proxyMemory"
        | "sidecar.istio.io/proxyCPULimit"
        | "sidecar.istio.io/proxyMemoryLimit" => quantity(value),
        _ => None,
    }
}

/// As `strconv.ParseUint` tells it.
fn unsigned(text: &str, most: u64) -> Option<String> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let why = if !is_number {
        "invalid syntax"
    } else if text.parse::<u64>().is_ok_and(|number| number <= most) {
        return None;
    } else {
        "value out of range"
    };
    Some(format!("strconv.ParseUint: parsing {}: {why}", go_quote(text)))
}

fn boolean(text: &str) -> Option<String> {
    let known = ["1", "t", "T", "true", "TRUE", "True", "0", "f", "F", "false", "FALSE", "False"];
    (!known.contains(&text)).then(|| format!("strconv.ParseBool: parsing {}: invalid syntax", go_quote(text)))
}

fn port(text: &str) -> Option<String> {
    unsigned(text.trim(), u16::MAX.into()).map(|why| format!("failed parsing port '{text}': {why}"))
}

fn ports(what: &str, text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    text.split(',')
        .find_map(|one| port(one).map(|why| format!("{what} invalid: failed parsing port '{one}': {why}")))
}

fn blocks(what: &str, text: &str) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    text.split(',').find_map(|one| {
        let why = block(one)?;
        let parsing = go_quote(one);
        Some(format!("{what} invalid: failed parsing cidr '{one}': netip.ParsePrefix({parsing}): {why}"))
    })
}

/// As `netip.ParsePrefix` tells it.
fn block(text: &str) -> Option<String> {
    let Some((address, bits)) = text.rsplit_once('/') else { return Some("no '/'".to_owned()) };
    let most = match address_error(address) {
        Ok(most) => most,
        Err(why) => return Some(format!("ParseAddr({}): {why}", go_quote(address))),
    };
    if address.contains('%') {
        return Some("IPv6 zones cannot be present in a prefix".to_owned());
    }
    let bad = || Some(format!("bad bits after slash: {}", go_quote(bits)));
    if bits.len() > 1 && !bits.starts_with(|c: char| ('1'..='9').contains(&c)) {
        return bad();
    }
    if bits.is_empty() || !bits.bytes().all(|byte| byte.is_ascii_digit()) || bits.parse::<i64>().is_err() {
        return bad();
    }
    let fits = bits.parse::<u32>().is_ok_and(|bits| bits <= most);
    (!fits).then(|| "prefix length out of range".to_owned())
}

/// How many bits an address has; or what `netip.ParseAddr` says of it.
fn address_error(text: &str) -> Result<u32, String> {
    match text.bytes().find(|byte| matches!(byte, b'.' | b':' | b'%')) {
        Some(b'.') => v4_error(text).map_or(Ok(32), Err),
        Some(b':') => v6_error(text).map_or(Ok(128), Err),
        Some(_) => Err("missing IPv6 address".to_owned()),
        None => Err("unable to parse IP".to_owned()),
    }
}

fn at(why: &str, rest: &str) -> Option<String> {
    Some(format!("{why} (at {})", go_quote(rest)))
}

fn v4_error(text: &str) -> Option<String> {
    let (mut value, mut digits, mut parts) = (0_u32, 0_usize, 0_usize);
    let mut before = None;
    for (index, c) in text.char_indices() {
        let rest = text.get(index..).unwrap_or_default();
        if let Some(digit) = c.to_digit(10) {
            if digits == 1 && value == 0 {
                return Some("IPv4 field has octet with leading zero".to_owned());
            }
            value = value * 10 + digit;
            digits += 1;
            if value > 255 {
                return Some("IPv4 field has value >255".to_owned());
            }
        } else if c == '.' {
            let is_last = index + 1 == text.len();
            if before.is_none() || is_last || before == Some('.') {
                return at("IPv4 field must have at least one digit", rest);
            }
            if parts == 3 {
                return Some("IPv4 address too long".to_owned());
            }
            parts += 1;
            (value, digits) = (0, 0);
        } else {
            return at("unexpected character", rest);
        }
        before = Some(c);
    }
    (parts < 3).then(|| "IPv4 address too short".to_owned())
}

fn v6_error(text: &str) -> Option<String> {
    let (mut rest, zone) = text.split_once('%').map_or((text, None), |(start, zone)| (start, Some(zone)));
    if zone == Some("") {
        return Some("zone must be a non-empty string".to_owned());
    }
    // How many bytes are read; sixteen are wanted.
    let mut read = 0;
    let mut ellipsis = false;
    if let Some(after) = rest.strip_prefix("::") {
        (ellipsis, rest) = (true, after);
        if rest.is_empty() {
            return None;
        }
    }
    while read < 16 {
        let digits = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
        if digits > 4 {
            return at("each group must have 4 or less digits", rest);
        }
        if digits == 0 {
            return at("each colon-separated field must have at least one digit", rest);
        }
        let after = rest.get(digits..).unwrap_or_default();
        if after.starts_with('.') {
            if !ellipsis && read != 12 {
                return at("embedded IPv4 address must replace the final 2 fields of the address", rest);
            }
            if read + 4 > 16 {
                return at("too many hex fields to fit an embedded IPv4 at the end of the address", rest);
            }
            if let Some(why) = v4_error(rest) {
                return Some(why);
            }
            rest = "";
            read += 4;
            break;
        }
        read += 2;
        rest = after;
        if rest.is_empty() {
            break;
        }
        if !rest.starts_with(':') {
            return at("unexpected character, want colon", rest);
        }
        if rest.len() == 1 {
            return at("colon must be followed by more characters", rest);
        }
        rest = rest.get(1..).unwrap_or_default();
        if let Some(after) = rest.strip_prefix(':') {
            if ellipsis {
                return at("multiple :: in address", rest);
            }
            (ellipsis, rest) = (true, after);
            if rest.is_empty() {
                break;
            }
        }
    }
    if !rest.is_empty() {
        return at("trailing garbage after address", rest);
    }
    match (ellipsis, read) {
        (false, 16) | (true, 0..16) => None,
        (false, _) => Some("address string too short".to_owned()),
        (true, _) => Some("the :: must expand to at least one field of zeros".to_owned()),
    }
}

fn interfaces(text: &str) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    text.split(',').map(str::trim).find_map(|name| {
        let may = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if name.is_empty() {
            Some("empty interface name".to_owned())
        } else if name.len() > 15 {
            Some(format!("interface name {} too long (max 15 chars)", go_quote(name)))
        } else if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.bytes().all(may) {
            Some(format!("interface name {} contains invalid characters", go_quote(name)))
        } else {
            None
        }
    })
}

fn quantity(text: &str) -> Option<String> {
    if text.chars().any(char::is_control) {
        return Some("value contains control characters".to_owned());
    }
    let has_space = text.trim() != text;
    if !has_space && Quantity::parse(text).is_some() {
        return None;
    }
    // A number, letters of suffixes, an exponent; each may be nothing.
    let digits = |text: &'_ str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    let rest = rest.get(digits(rest)..).unwrap_or_default();
    let rest = rest.strip_prefix('.').map_or(rest, |rest| rest.get(digits(rest)..).unwrap_or_default());
    let rest = rest.trim_start_matches(|c: char| "eEinumkKMGTP".contains(c));
    let rest = rest.strip_prefix(['+', '-']).unwrap_or(rest);
    let is_formed = !text.is_empty() && digits(rest) == rest.len();
    let wrong = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    Some(if is_formed { "unable to parse quantity's suffix" } else { wrong }.to_owned())
}
