//! Addresses. Source: Go's `net/netip` (`ParseAddr`, `ParsePrefix`) and `net/ipsock.go` (`SplitHostPort`).

use super::quoted;

/// An address, as far as it is asked for.
struct Address {
    is_six: bool,
    has_zone: bool,
}

/// Why a text is no address: what, and from where on.
struct Wrong<'t>(&'static str, &'t str);

fn parse(text: &str) -> Result<Address, String> {
    let parsed = match text.bytes().find(|byte| matches!(byte, b'.' | b':' | b'%')) {
        Some(b'.') => four(text).map(|()| Address { is_six: false, has_zone: false }),
        Some(b':') => six(text),
        Some(_) => Err(Wrong("missing IPv6 address", "")),
        None => Err(Wrong("unable to parse IP", "")),
    };
    parsed.map_err(|Wrong(what, at)| {
        let place = if at.is_empty() { String::new() } else { format!(" (at {})", quoted(at)) };
        format!("ParseAddr({}): {what}{place}", quoted(text))
    })
}

fn four(text: &str) -> Result<(), Wrong<'_>> {
    let (mut value, mut digits, mut dots) = (0_u32, 0, 0);
    let bytes = text.as_bytes();
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'0'..=b'9' => {
                if digits == 1 && value == 0 {
                    return Err(Wrong("IPv4 field has octet with leading zero", ""));
                }
                value = value * 10 + u32::from(byte - b'0');
                digits += 1;
                if value > 255 {
                    return Err(Wrong("IPv4 field has value >255", ""));
                }
            }
            b'.' => {
                if at == 0 || at + 1 == bytes.len() || bytes.get(at - 1) == Some(&b'.') {
                    return Err(Wrong("IPv4 field must have at least one digit", from(text, at)));
                }
                if dots == 3 {
                    return Err(Wrong("IPv4 address too long", ""));
                }
                dots += 1;
                (value, digits) = (0, 0);
            }
            _ => return Err(Wrong("unexpected character", from(text, at))),
        }
    }
    if dots < 3 { Err(Wrong("IPv4 address too short", "")) } else { Ok(()) }
}

/// A text from a place on; the place is at the start of a character, or the text was no address before.
fn from(text: &str, at: usize) -> &str {
    text.get(at..).unwrap_or(text)
}

fn six(whole: &str) -> Result<Address, Wrong<'_>> {
    let (text, zone) = match whole.split_once('%') {
        Some((_, "")) => return Err(Wrong("zone must be a non-empty string", "")),
        Some((text, _)) => (text, true),
        None => (whole, false),
    };
    let found = Address { is_six: true, has_zone: zone };
    let (mut rest, mut ellipsis, mut filled) = (text, None, 0);
    if let Some(after) = rest.strip_prefix("::") {
        ellipsis = Some(0);
        rest = after;
        if rest.is_empty() {
            return Ok(found);
        }
    }
    while filled < 16 {
        let digits = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        if digits > 4 {
            return Err(Wrong("each group must have 4 or less digits", rest));
        }
        if digits == 0 {
            return Err(Wrong("each colon-separated field must have at least one digit", rest));
        }
        if rest.as_bytes().get(digits) == Some(&b'.') {
            if ellipsis.is_none() && filled != 12 {
                let what = "embedded IPv4 address must replace the final 2 fields of the address";
                return Err(Wrong(what, rest));
            }
            if filled + 4 > 16 {
                let what = "too many hex fields to fit an embedded IPv4 at the end of the address";
                return Err(Wrong(what, rest));
            }
            four(rest)?;
            rest = "";
            filled += 4;
            break;
        }
        filled += 2;
        rest = from(rest, digits);
        if rest.is_empty() {
            break;
        }
        let Some(after) = rest.strip_prefix(':') else {
            return Err(Wrong("unexpected character, want colon", rest));
        };
        if after.is_empty() {
            return Err(Wrong("colon must be followed by more characters", rest));
        }
        rest = after;
        if let Some(after) = rest.strip_prefix(':') {
            if ellipsis.is_some() {
                return Err(Wrong("multiple :: in address", rest));
            }
            ellipsis = Some(filled);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
    }
    if !rest.is_empty() {
        return Err(Wrong("trailing garbage after address", rest));
    }
    match ellipsis {
        None if filled < 16 => Err(Wrong("address string too short", "")),
        Some(_) if filled >= 16 => Err(Wrong("the :: must expand to at least one field of zeros", "")),
        _ => Ok(found),
    }
}

/// What is wrong with a text that is an address between the brackets of a URL; `Ok(false)` is one of IPv4.
pub(super) fn literal(text: &str) -> Result<bool, String> {
    parse(text).map(|address| address.is_six)
}

/// Whether it is an address.
pub(in crate::validate) fn is_address(text: &str) -> bool {
    parse(text).is_ok()
}

/// What is wrong with an address. Source: `pkg/config/validation/agent/validation.go` (`ValidateIPAddress`).
pub(in crate::validate) fn address_error(text: &str) -> Option<String> {
    (!is_address(text)).then(|| format!("{text} is not a valid IP"))
}

/// What is wrong with an address or a block. Source: `pkg/config/validation/agent/validation.go` (`ValidateIPSubnet`).
pub(in crate::validate) fn subnet_error(text: &str) -> Option<String> {
    if text.matches('/').count() == 1 {
        return prefix(text).is_err().then(|| format!("{text} is not a valid CIDR block"));
    }
    address_error(text)
}

fn prefix(text: &str) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("netip.ParsePrefix({}): {what}", quoted(text)));
    let Some((start, bits)) = text.rsplit_once('/') else { return wrong("no '/'") };
    let address = match parse(start) {
        Ok(address) => address,
        Err(message) => return wrong(&message),
    };
    if address.has_zone {
        return wrong("IPv6 zones cannot be present in a prefix");
    }
    let bad = format!("bad bits after slash: {}", quoted(bits));
    if bits.len() > 1 && !bits.starts_with(|c: char| matches!(c, '1'..='9')) {
        return wrong(&bad);
    }
    match super::whole_number(bits) {
        Err(_) => wrong(&bad),
        Ok(length) if (0..=if address.is_six { 128 } else { 32 }).contains(&length) => Ok(()),
        Ok(_) => wrong("prefix length out of range"),
    }
}

/// What is wrong with an address or a block of them. Source: `pkg/config/security/security.go` (`ValidateIPs`).
pub(in crate::validate) fn block_errors(text: &str) -> Option<String> {
    if !text.contains('/') {
        return (!is_address(text)).then(|| format!("bad IP address ({text})"));
    }
    prefix(text).err().map(|error| format!("bad CIDR range ({text}): {error}"))
}

/// The host and the port of an address, or what is wrong with it.
pub(in crate::validate) fn host_and_port(text: &str) -> Result<(&str, &str), String> {
    const MISSING: &str = "missing port in address";
    const COLONS: &str = "too many colons in address";
    let wrong = |what: &str| Err(format!("address {text}: {what}"));
    let Some((before, port)) = text.rsplit_once(':') else { return wrong(MISSING) };
    let (host, rest) = match text.strip_prefix('[') {
        Some(inner) => {
            let Some((host, after)) = inner.split_once(']') else { return wrong("missing ']' in address") };
            if after.is_empty() {
                return wrong(MISSING);
            }
            if host.len() + 2 != before.len() {
                return wrong(if after.starts_with(':') { COLONS } else { MISSING });
            }
            (host, after)
        }
        None if before.contains(':') => return wrong(COLONS),
        None => (before, text),
    };
    if text.get(usize::from(text.starts_with('['))..).unwrap_or_default().contains('[') {
        return wrong("unexpected '[' in address");
    }
    if rest.contains(']') {
        return wrong("unexpected ']' in address");
    }
    Ok((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_blocks_are_as_go_reads_them() {
        for good in ["1.2.3.4", "::1", "::ffff:1.2.3.4", "fe80::1%eth0", "1.2.3.4/24", "::/128", "10.0.0.0/0"]
        {
            assert_eq!(block_errors(good), None, "{good}");
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
            "1:2:3:4:5:6:7:8:9",
            "1::2::3",
        ] {
            assert!(block_errors(bad).is_some(), "{bad}");
        }
        let message = "bad CIDR range (1.2.3.é/8): netip.ParsePrefix(\"1.2.3.é/8\"): ParseAddr(\"1.2.3.é\"): unexpected character (at \"é\")";
        assert_eq!(block_errors("1.2.3.é/8").as_deref(), Some(message));
    }

    #[test]
    fn hosts_have_ports() {
        assert_eq!(host_and_port("[::1]:80"), Ok(("::1", "80")));
        assert_eq!(host_and_port("a:"), Ok(("a", "")));
        for (text, what) in [
            ("a", "missing port in address"),
            ("::1", "too many colons in address"),
            ("[::1]", "missing port in address"),
            ("[::1", "missing ']' in address"),
            ("[::1]x:80", "missing port in address"),
            ("a]:80", "unexpected ']' in address"),
            ("a[:80", "unexpected '[' in address"),
        ] {
            assert_eq!(host_and_port(text), Err(format!("address {text}: {what}")));
        }
    }
}
