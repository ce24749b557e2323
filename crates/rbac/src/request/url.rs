//! A request's URL as Go's HTTP server reads it: how it is split, and what its escapes mean. Source: Go's `net/url/url.go`
//! (`ParseRequestURI`, `Query`, `String`).

use std::fmt;
use std::net::Ipv6Addr;

use ringwall_model::go::go_quote;

/// No query has more parameters than this; one that has is read as if it had none. Source: `defaultMaxParams`.
const MOST_PARAMETERS: usize = 10_000;

/// A URL that no server takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlError {
    /// The URL.
    pub url: String,
    /// What is wrong with it, in Go's words.
    pub reason: String,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "parse {}: {}", go_quote(&self.url), self.reason)
    }
}

impl std::error::Error for UrlError {}

/// Which part of a URL a text stands in: what has to be escaped there differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Path,
    Segment,
    Query,
    Host,
    User,
}

/// A URL of a request. Texts are bytes, as in Go: escapes may spell what is no UTF-8.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Url {
    scheme: String,
    opaque: String,
    /// User and password, unescaped.
    user: Option<(Vec<u8>, Option<Vec<u8>>)>,
    host: Vec<u8>,
    /// Whether there is a scheme and no host, not even an empty one.
    omits_host: bool,
    raw_path: String,
    path: Vec<u8>,
    /// Whether it ends in a `?` with nothing behind it.
    ends_in_mark: bool,
    query: String,
}

impl Url {
    /// Reads a URL as it stands in a request's first line: a path with or without a query, or a whole URL.
    ///
    /// # Errors
    /// [`UrlError`] where Go's server answers that the request is malformed.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        parse(text).map_err(|reason| UrlError { url: text.to_owned(), reason })
    }

    /// The path with its escapes resolved. What is no UTF-8 is replaced by U+FFFD, as Go does where it writes JSON.
    pub fn path(&self) -> String {
        String::from_utf8_lossy(&self.path).into_owned()
    }

    /// The parameters of the query, those left out that Go leaves out: with a `;`, or an escape that is none.
    pub fn parameters(&self) -> Parameters {
        if self.query.matches('&').count() + 1 > MOST_PARAMETERS {
            return Parameters::default();
        }
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';'));
        let decode = |text: &str| {
            unescape(text, Part::Query).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        };
        Parameters(
            pairs
                .filter_map(|pair| {
                    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                    decode(key).zip(decode(value))
                })
                .collect(),
        )
    }

    /// The path with escapes: as written where that is a way to write it, else as Go writes it.
    fn escaped_path(&self) -> String {
        let is_fine = |byte: u8| b"!$&'()*+,;=:@[]%".contains(&byte) || !needs_escape(byte, Part::Path);
        if self.raw_path.bytes().all(is_fine) || self.path == b"*" {
            return self.raw_path.clone();
        }
        escape(&self.path, Part::Path)
    }
}

impl fmt::Display for Url {
    /// As Go's `URL.String` puts it together again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.scheme.is_empty() {
            write!(f, "{}:", self.scheme)?;
        }
        if self.opaque.is_empty() {
            let has_authority = !self.scheme.is_empty() && !self.omits_host;
            if has_authority && (!self.host.is_empty() || !self.path.is_empty() || self.user.is_some()) {
                f.write_str("//")?;
                if let Some((name, password)) = &self.user {
                    f.write_str(&escape(name, Part::User))?;
                    if let Some(password) = password {
                        write!(f, ":{}", escape(password, Part::User))?;
                    }
                    f.write_str("@")?;
                }
                f.write_str(&escape(&self.host, Part::Host))?;
            }
            f.write_str(&self.escaped_path())?;
        } else {
            f.write_str(&self.opaque)?;
        }
        if self.ends_in_mark || !self.query.is_empty() {
            write!(f, "?{}", self.query)?;
        }
        Ok(())
    }
}

/// The parameters of a query, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// The first value of a parameter: where there are several, the others do not count.
    pub fn first(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == key).map(|(_, value)| value.as_str())
    }
}

fn parse(text: &str) -> Result<Url, String> {
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    if text.is_empty() {
        return Err("empty url".to_owned());
    }
    if text == "*" {
        return Ok(Url { raw_path: "*".to_owned(), path: b"*".to_vec(), ..Url::default() });
    }
    let (scheme, rest) = split_scheme(text)?;
    let mut url = Url { scheme: scheme.to_ascii_lowercase(), ..Url::default() };
    // A `?` at the very end that is the only one is kept in mind; it makes no query.
    let (mut rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    url.ends_in_mark = query.is_empty() && text.ends_with('?');
    query.clone_into(&mut url.query);
    if !rest.starts_with('/') {
        if url.scheme.is_empty() {
            return Err("invalid URI for request".to_owned());
        }
        rest.clone_into(&mut url.opaque);
        return Ok(url);
    }
    if !url.scheme.is_empty() {
        if let Some(authority) = rest.strip_prefix("//") {
            let end = authority.find('/').unwrap_or(authority.len());
            let (authority, path) = authority.split_at(end);
            rest = path;
            url.read_authority(authority)?;
        } else {
            url.omits_host = true;
        }
    }
    url.path = unescape(rest, Part::Path)?;
    rest.clone_into(&mut url.raw_path);
    Ok(url)
}

/// What stands before the first colon, if that can be a scheme, and the rest.
fn split_scheme(text: &str) -> Result<(&str, &str), String> {
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if index > 0 => {}
            b':' if index == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((&text[..index], &text[index + 1..])),
            _ => break,
        }
    }
    Ok(("", text))
}

impl Url {
    fn read_authority(&mut self, authority: &str) -> Result<(), String> {
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        self.host = read_host(&self.scheme, host)?;
        if let Some(user) = user {
            let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
            if !user.bytes().all(is_fine) {
                return Err("net/url: invalid userinfo".to_owned());
            }
            let (name, password) = match user.split_once(':') {
                Some((name, password)) => (name, Some(password)),
                None => (user, None),
            };
            let password = password.map(|password| unescape(password, Part::User)).transpose();
            self.user = Some((unescape(name, Part::User)?, password?));
        }
        Ok(())
    }
}

/// A host with its port, unescaped. Source: `parseHost`.
fn read_host(scheme: &str, host: &str) -> Result<Vec<u8>, String> {
    let port_fits = |port: &str| {
        port.strip_prefix(':').map_or(port.is_empty(), |port| port.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let bad_port = |port: &str| Err(format!("invalid port {} after host", go_quote(port)));
    match host.rfind('[') {
        Some(0) => {
            let Some(close) = host.rfind(']') else { return Err("missing ']' in host".to_owned()) };
            let port = &host[close + 1..];
            if !port_fits(port) {
                return bad_port(port);
            }
            let inner = &host[1..close];
            let (address, zone) = match inner.find("%25") {
                Some(at) => (&inner[..at], Some(&inner[at + 3..])),
                None => (inner, None),
            };
            let address = unescape(address, Part::Host)?;
            let is_address = std::str::from_utf8(&address).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok());
            let zone = zone.map(read_zone).transpose()?;
            if !is_address || zone.as_ref().is_some_and(Vec::is_empty) {
                return Err("invalid IP-literal".to_owned());
            }
            let mut whole = b"[".to_vec();
            whole.extend(address);
            if let Some(zone) = zone {
                whole.push(b'%');
                whole.extend(zone);
            }
            whole.push(b']');
            whole.extend(port.bytes());
            Ok(whole)
        }
        Some(_) => Err("invalid IP-literal".to_owned()),
        None => {
            let web = scheme == "http" || scheme == "https";
            let colon = if web { host.find(':') } else { host.rfind(':') };
            if let Some(port) = colon.map(|at| &host[at..])
                && !port_fits(port)
            {
                return bad_port(port);
            }
            unescape(host, Part::Host)
        }
    }
}

/// A zone of an address, unescaped. More may be escaped there than in a host, but nothing that a host could not hold.
fn read_zone(zone: &str) -> Result<Vec<u8>, String> {
    let bytes = unescape(zone, Part::Path)?;
    match bytes.iter().find(|byte| **byte != b'%' && **byte != b' ' && needs_escape(**byte, Part::Host)) {
        Some(bad) => Err(format!("invalid character {} in host name", go_quote(&(*bad as char).to_string()))),
        None => Ok(bytes),
    }
}

/// Resolves escapes. Source: `unescape`.
fn unescape(text: &str, part: Part) -> Result<Vec<u8>, String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'%' {
            let digit = |offset: usize| bytes.get(at + offset).and_then(|byte| (*byte as char).to_digit(16));
            let (Some(high), Some(low)) = (digit(1), digit(2)) else {
                let end = bytes.len().min(at + 3);
                return Err(bad_escape(&bytes[at..end]));
            };
            let value = (high * 16 + low) as u8;
            // In a host, only what is not ASCII may be escaped, and the percent sign.
            if part == Part::Host && value < 0x80 && value != b'%' {
                return Err(bad_escape(&bytes[at..at + 3]));
            }
            out.push(value);
            at += 3;
            continue;
        }
        if part == Part::Host && byte.is_ascii() && needs_escape(byte, part) {
            return Err(format!("invalid character {} in host name", go_quote(&(byte as char).to_string())));
        }
        out.push(if byte == b'+' && part == Part::Query { b' ' } else { byte });
        at += 1;
    }
    Ok(out)
}

fn bad_escape(bytes: &[u8]) -> String {
    format!("invalid URL escape {}", go_quote(&String::from_utf8_lossy(bytes)))
}

/// As Go's `url.PathUnescape`; `None` where an escape is none.
pub(crate) fn unescape_segment(text: &str) -> Option<String> {
    let bytes = unescape(text, Part::Segment).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn escape(bytes: &[u8], part: Part) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        if needs_escape(byte, part) {
            out.push_str(&format!("%{byte:02X}"));
        } else {
            out.push(byte as char);
        }
    }
    out
}

/// Source: `shouldEscape`.
fn needs_escape(byte: u8, part: Part) -> bool {
    match byte {
        byte if byte.is_ascii_alphanumeric() => false,
        b'-' | b'_' | b'.' | b'~' => false,
        b'!' | b'\'' | b'(' | b')' | b'*' | b'[' | b']' | b'<' | b'>' | b'"' => part != Part::Host,
        b'$' | b'&' | b'+' | b'=' | b':' | b',' | b';' => match part {
            Part::Path | Part::Host => false,
            Part::Segment => matches!(byte, b',' | b';'),
            Part::User => byte == b':',
            Part::Query => true,
        },
        b'/' => part != Part::Path,
        b'@' => !matches!(part, Part::Path | Part::Segment),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_begin_with_two_slashes_and_a_whole_url_is_taken() {
        let path = |text: &str| Url::parse(text).unwrap().path();
        assert_eq!(path("//api/v1/pods"), "//api/v1/pods", "that is no host");
        assert_eq!(path("https://10.0.0.1:6443/api/v1/pods?limit=5"), "/api/v1/pods");
        assert_eq!(path("https://[fe80::1%25en0]:6443/api"), "/api");
        assert_eq!(path("https://kube"), "");
        assert_eq!(path("/a%2Fb/%E2%98%83/+#x"), "/a/b/☃/+#x", "plus stays, and there are no fragments");
        assert_eq!(path("*"), "*");
        assert_eq!(path("/%ff"), "/\u{fffd}");
    }

    #[test]
    fn what_go_refuses_is_refused_in_its_words() {
        for (text, reason) in [
            ("", "empty url"),
            ("api/v1", "invalid URI for request"),
            (":6443/api", "missing protocol scheme"),
            ("/a\u{7f}", "net/url: invalid control character in URL"),
            ("/a%zz", "invalid URL escape \"%zz\""),
            ("/a%2", "invalid URL escape \"%2\""),
            ("http://a b/", "invalid character \" \" in host name"),
            ("http://a:b/", "invalid port \":b\" after host"),
            ("http://[::1/", "missing ']' in host"),
            ("http://a%41/", "invalid URL escape \"%41\""),
        ] {
            let error = Url::parse(text).unwrap_err();
            assert_eq!(error.reason, reason, "{text}");
            assert!(error.to_string().starts_with("parse \""), "{error}");
        }
    }

    #[test]
    fn a_parameter_that_is_malformed_is_left_out_alone() {
        let url = Url::parse("/?a=1;b=2&c=%zz&d=+x%2B&d=3&&e&=f").unwrap();
        let parameters = url.parameters();
        assert_eq!(parameters.first("a"), None);
        assert_eq!(parameters.first("c"), None);
        assert_eq!(parameters.first("d"), Some(" x+"));
        assert_eq!(parameters.first("e"), Some(""));
        assert_eq!(parameters.first(""), Some("f"));
    }

    #[test]
    fn too_many_parameters_are_none() {
        let many = |count: usize| format!("/?watch=1{}", "&".repeat(count));
        let first = |text: &str| Url::parse(text).unwrap().parameters().first("watch").map(str::to_owned);
        assert_eq!(first(&many(9_999)).as_deref(), Some("1"));
        assert_eq!(first(&many(10_000)), None);
    }

    #[test]
    fn a_url_is_written_again_as_go_writes_it() {
        let again = |text: &str| Url::parse(text).unwrap().to_string();
        for same in
            ["/%61pi/v1", "/a?", "/a?b=c d", "//a/b", "HTTP://U:p%40@h:1/x".replace("HTTP", "http").as_str()]
        {
            assert_eq!(again(same), same);
        }
        assert_eq!(again("/é/v1"), "/%C3%A9/v1");
        assert_eq!(again("/a\"b%2fc"), "/a%22b/c");
        assert_eq!(again("/a?b?"), "/a?b?");
        assert_eq!(again("http:/a"), "http:/a");
    }
}
