//! Addresses of the web. Source: Go's `net/url` (`Parse`, `ParseRequestURI`).

use super::address::literal;
use super::quoted;

/// What is asked of an address.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::validate) struct Url {
    /// In small letters; empty where there is none.
    pub(in crate::validate) scheme: String,
    /// Behind the host.
    pub(in crate::validate) port: String,
}

/// Reads any address, or says why it is none.
pub(in crate::validate) fn parse_url(text: &str) -> Result<Url, String> {
    let (before, fragment) = text.split_once('#').unwrap_or((text, ""));
    let url = parse(before, false).map_err(|error| format!("parse {}: {error}", quoted(before)))?;
    unescape(fragment, Mode::Other).map_err(|error| format!("parse {}: {error}", quoted(text)))?;
    Ok(url)
}

/// Reads an address as it stands in a request: absolute, or a path from the root.
pub(in crate::validate) fn parse_request_uri(text: &str) -> Result<Url, String> {
    parse(text, true).map_err(|error| format!("parse {}: {error}", quoted(text)))
}

/// The scheme before a colon, and what is behind it.
fn scheme(text: &str) -> Result<(&str, &str), String> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((&text[..at], &text[at + 1..])),
            _ => break,
        }
    }
    Ok(("", text))
}

fn parse(text: &str, is_request: bool) -> Result<Url, String> {
    let wrong = |what: &str| Err(what.to_owned());
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return wrong("net/url: invalid control character in URL");
    }
    if text.is_empty() && is_request {
        return wrong("empty url");
    }
    let mut url = Url { scheme: String::new(), port: String::new() };
    if text == "*" {
        return Ok(url);
    }
    let (scheme, rest) = scheme(text)?;
    url.scheme = scheme.to_ascii_lowercase();
    let rest = rest.split('?').next().unwrap_or_default();
    if !rest.starts_with('/') {
        if !scheme.is_empty() {
            return Ok(url);
        }
        if is_request {
            return wrong("invalid URI for request");
        }
        if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
            return wrong("first path segment in URL cannot contain colon");
        }
    }
    let has_authority = !scheme.is_empty() || (!is_request && !rest.starts_with("///"));
    let path = match rest.strip_prefix("//").filter(|_| has_authority) {
        Some(behind) => {
            let (authority, path) = behind.split_at(behind.find('/').unwrap_or(behind.len()));
            url.port = authority_port(&url.scheme, authority)?;
            path
        }
        None => rest,
    };
    unescape(path, Mode::Other)?;
    Ok(url)
}

/// Checks user and host; the port.
fn authority_port(scheme: &str, authority: &str) -> Result<String, String> {
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    let port = host_port(scheme, host)?;
    if let Some(user) = user {
        let is_user = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
        if !user.chars().all(is_user) {
            return Err("net/url: invalid userinfo".to_owned());
        }
        unescape(user, Mode::Other)?;
    }
    Ok(port)
}

fn host_port(scheme: &str, host: &str) -> Result<String, String> {
    let is_port =
        |text: &str| text.strip_prefix(':').is_none_or(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    let wrong = |port: &str| Err(format!("invalid port {} after host", quoted(port)));
    match host.rfind('[') {
        Some(0) => {
            let Some((inner, port)) = host[1..].rsplit_once(']') else {
                return Err("missing ']' in host".to_owned());
            };
            if !(port.is_empty() || port.starts_with(':')) || !is_port(port) {
                return wrong(port);
            }
            let (name, zone) = inner.split_at(inner.find("%25").unwrap_or(inner.len()));
            let address = format!("{}{}", unescape(name, Mode::Host)?, unescape(zone, Mode::Zone)?);
            match literal(&address) {
                Err(error) => return Err(format!("invalid host: {error}")),
                Ok(false) => return Err("invalid IP-literal".to_owned()),
                Ok(true) => {}
            }
            return Ok(port.trim_start_matches(':').to_owned());
        }
        Some(_) => return Err("invalid IP-literal".to_owned()),
        None => {}
    }
    let colon = if matches!(scheme, "http" | "https") { host.find(':') } else { host.rfind(':') };
    let port = colon.map_or("", |at| &host[at..]);
    if !is_port(port) {
        return wrong(port);
    }
    unescape(host, Mode::Host)?;
    Ok(port.trim_start_matches(':').to_owned())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Host,
    Zone,
    Other,
}

fn unescape(text: &str, mode: Mode) -> Result<String, String> {
    let may_stand =
        |byte: u8| byte >= 0x80 || byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte);
    let bytes = text.as_bytes();
    let hex = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut out, mut at) = (Vec::with_capacity(text.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        if byte != b'%' {
            if mode != Mode::Other && !may_stand(byte) {
                let character = quoted(&char::from(byte).to_string());
                return Err(format!("invalid character {character} in host name"));
            }
            out.push(byte);
            at += 1;
            continue;
        }
        let escape = || {
            let piece = bytes.get(at..(at + 3).min(bytes.len())).unwrap_or_default();
            Err(format!("invalid URL escape {}", quoted(&String::from_utf8_lossy(piece))))
        };
        let (Some(high), Some(low)) = (hex(at + 1), hex(at + 2)) else { return escape() };
        let value = u8::try_from(high * 16 + low).unwrap_or_default();
        let is_percent = value == b'%';
        let is_wrong = match mode {
            Mode::Host => high < 8 && !is_percent,
            Mode::Zone => !is_percent && value != b' ' && (!may_stand(value) || value >= 0x80),
            Mode::Other => false,
        };
        if is_wrong {
            return escape();
        }
        out.push(value);
        at += 3;
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_as_go_reads_them() {
        for (text, scheme, port) in [
            ("HTTPS://a.b:8443/c?d#e", "https", "8443"),
            ("a/b", "", ""),
            ("oci:x", "oci", ""),
            ("http://[::1]:80", "http", "80"),
            ("http://u:p@h", "http", ""),
        ] {
            assert_eq!(
                parse_url(text),
                Ok(Url { scheme: scheme.to_owned(), port: port.to_owned() }),
                "{text}"
            );
        }
        for (text, what) in [
            (":a", "parse \":a\": missing protocol scheme"),
            ("a b:c", "parse \"a b:c\": first path segment in URL cannot contain colon"),
            ("http://a b", "parse \"http://a b\": invalid character \" \" in host name"),
            ("http://a:x", "parse \"http://a:x\": invalid port \":x\" after host"),
            ("http://a/%zz", "parse \"http://a/%zz\": invalid URL escape \"%zz\""),
            ("http://[::1", "parse \"http://[::1\": missing ']' in host"),
            ("http://a#%", "parse \"http://a#%\": invalid URL escape \"%\""),
            ("a\n", "parse \"a\\n\": net/url: invalid control character in URL"),
        ] {
            assert_eq!(parse_url(text), Err(what.to_owned()), "{text}");
        }
        assert_eq!(parse_request_uri("a/b"), Err("parse \"a/b\": invalid URI for request".to_owned()));
        assert_eq!(parse_request_uri(""), Err("parse \"\": empty url".to_owned()));
    }
}
