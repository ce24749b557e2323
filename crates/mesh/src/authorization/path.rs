//! Paths: how a proxy normalises one before policies see it, and how templates match.
//!
//! Source: istiod's switch in `pilot/pkg/networking/core/listener_builder.go`; of Envoy `source/common/http/path_utility.cc` and
//! `source/extensions/path/uri_template_lib/uri_template_internal.cc`; and `url_canon_path.cc` of the URL library that Envoy uses.

use std::borrow::Cow;

use super::strings::Text;
use crate::config::PathNormalization;

/// Why a proxy refuses a path before any policy is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BadPath {
    /// It begins with no `/`; so does the `*` of OPTIONS.
    Start,
    /// It holds a byte that no path may hold: white space, control characters, what is not ASCII.
    Byte,
    /// It holds a `#`.
    Fragment,
    /// It holds an escaped NUL.
    Nul,
}

/// The path, with its query, as policies see it. It is borrowed where normalising changes nothing.
///
/// # Errors
/// A path that the proxy refuses.
pub fn normalize(path: &str, normalization: PathNormalization) -> Result<Cow<'_, str>, BadPath> {
    if !path.starts_with('/') {
        return Err(BadPath::Start);
    }
    if !path.bytes().all(|byte| matches!(byte, b'\t' | 0x0C | b'!'..=b'~')) {
        return Err(BadPath::Byte);
    }
    if path.contains('#') {
        return Err(BadPath::Fragment);
    }
    if normalization == PathNormalization::None {
        return Ok(Cow::Borrowed(path));
    }
    let (own, query) = path.split_at(path.find('?').unwrap_or(path.len()));
    let decode = normalization == PathNormalization::DecodeAndMergeSlashes;
    let decoded = if decode { decode_slashes(own) } else { Cow::Borrowed(own) };
    let canonical = if is_canonical(&decoded) { decoded } else { Cow::Owned(canonical(&decoded)?) };
    let merge =
        matches!(normalization, PathNormalization::MergeSlashes | PathNormalization::DecodeAndMergeSlashes);
    let merged =
        if merge && canonical.contains("//") { Cow::Owned(merge_slashes(&canonical)) } else { canonical };
    match merged {
        Cow::Borrowed(_) => Ok(Cow::Borrowed(path)),
        Cow::Owned(mut owned) => {
            owned.push_str(query);
            Ok(Cow::Owned(owned))
        }
    }
}

/// The path without its query.
pub fn without_query(path: &str) -> &str {
    path.find(['?', '#']).and_then(|at| path.get(..at)).unwrap_or(path)
}

fn decode_slashes(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let decoded = path.replace("%2F", "/").replace("%2f", "/").replace("%5C", "\\").replace("%5c", "\\");
    if decoded == path { Cow::Borrowed(path) } else { Cow::Owned(decoded) }
}

/// Whether normalising would copy byte for byte; says no also of some where it would.
fn is_canonical(path: &str) -> bool {
    let plain = |byte: u8| !matches!(byte, b'%' | b'\\' | b'.') && !is_escaped(byte);
    path.starts_with('/') && path.bytes().all(plain)
}

/// What is escaped where it stands unescaped. NUL, which is worse, cannot come here unescaped.
const fn is_escaped(byte: u8) -> bool {
    matches!(byte, 0..=b' ' | b'"' | b'#' | b'<' | b'>' | b'?' | b'^' | b'`' | b'{' | b'|' | b'}' | 0x7F..)
}

/// What is unescaped where it stands escaped. A dot is besides, as it may be a directory.
const fn is_unescaped(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~')
}

const fn is_slash(byte: u8) -> bool {
    matches!(byte, b'/' | b'\\')
}

/// How long the dot is that stands at the start: `.` or `%2e`; 0 where there is none.
fn dot(bytes: &[u8]) -> usize {
    match bytes {
        [b'.', ..] => 1,
        [b'%', b'2', b'e' | b'E', ..] => 3,
        _ => 0,
    }
}

/// What a dot behind a slash means.
enum Dot {
    /// The directory itself; this much more of the input says so.
    Current(usize),
    /// The directory above.
    Up(usize),
    /// A part of a name.
    Name,
}

fn after_dot(rest: &[u8]) -> Dot {
    match rest {
        [] => Dot::Current(0),
        [first, ..] if is_slash(*first) => Dot::Current(1),
        _ => {
            let second = dot(rest);
            match rest.get(second..) {
                Some([]) if second > 0 => Dot::Up(second),
                Some([slash, ..]) if second > 0 && is_slash(*slash) => Dot::Up(second + 1),
                _ => Dot::Name,
            }
        }
    }
}

/// The path by RFC 3986. Costs its length, and where it goes up much, what is gone back over.
fn canonical(path: &str) -> Result<String, BadPath> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut rest = path.as_bytes();
    // Only ASCII comes here and goes out.
    let mut out = String::with_capacity(path.len() + 1);
    if !rest.first().copied().is_some_and(is_slash) {
        out.push('/');
    }
    while let [first, tail @ ..] = rest {
        let dot = dot(rest);
        if dot > 0 {
            rest = rest.get(dot..).unwrap_or_default();
            let meaning = if out.ends_with('/') { after_dot(rest) } else { Dot::Name };
            let consumed = match meaning {
                Dot::Name => {
                    out.push('.');
                    0
                }
                Dot::Current(consumed) => consumed,
                Dot::Up(consumed) => {
                    let above = out.get(..out.len() - 1).and_then(|path| path.rfind('/'));
                    out.truncate(above.map_or(1, |at| at + 1));
                    consumed
                }
            };
            rest = rest.get(consumed..).unwrap_or_default();
            continue;
        }
        rest = tail;
        match *first {
            b'\\' => out.push('/'),
            b'%' => {
                let byte = match tail {
                    [high, low, ..] => hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low),
                    _ => None,
                };
                match (byte, tail) {
                    (Some(0), _) => return Err(BadPath::Nul),
                    (Some(byte), [_, _, behind @ ..]) if is_unescaped(byte) => {
                        out.push(char::from(byte));
                        rest = behind;
                    }
                    // What stays escaped keeps the case of its letters; what is no escape keeps its sign.
                    (Some(_), [high, low, behind @ ..]) => {
                        out.extend(['%', char::from(*high), char::from(*low)]);
                        rest = behind;
                    }
                    _ => out.push('%'),
                }
            }
            byte if is_escaped(byte) => {
                let digit = |value: u8| char::from(HEX.get(usize::from(value)).copied().unwrap_or(b'0'));
                out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
            }
            byte => out.push(char::from(byte)),
        }
    }
    Ok(out)
}

const fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// One slash for each run of them. Of a path that is nothing but slashes two are left, as Envoy does it.
fn merge_slashes(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    if path.starts_with('/') {
        out.push('/');
    }
    for (at, part) in path.split('/').filter(|part| !part.is_empty()).enumerate() {
        if at > 0 {
            out.push('/');
        }
        out.push_str(part);
    }
    if path.ends_with('/') {
        out.push('/');
    }
    out
}

/// One demand on a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PathMatch {
    /// The whole path.
    Text(Text),
    /// By its parts.
    Template(Template),
}

impl PathMatch {
    /// A value of `paths`. One that holds `{*}` or `{**}` is a template, and the stars at its ends are no longer special.
    pub(crate) fn parse(value: &str) -> Self {
        if value.contains("{*}") || value.contains("{**}") {
            Self::Template(Template::parse(value))
        } else {
            Self::Text(Text::parse(value))
        }
    }

    /// Whether a path without query matches.
    pub(crate) fn matches(&self, path: &str) -> bool {
        match self {
            Self::Text(text) => text.matches(path),
            Self::Template(template) => template.matches(path),
        }
    }
}

/// A path by its parts: `{*}` is one of them and not empty, `{**}` any number of them and may be; only literal parts follow it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Template {
    /// The parts; `None` for a template that no proxy takes, which matches nothing.
    parts: Option<Box<[Part]>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Part {
    Literal(Box<str>),
    One,
    /// With the slash and the literal parts behind it, if there are some.
    Rest(Box<str>),
}

impl Template {
    pub(crate) fn parse(value: &str) -> Self {
        Self { parts: Self::parts(value) }
    }

    fn parts(value: &str) -> Option<Box<[Part]>> {
        let value = value.strip_prefix('/')?;
        let mut parts = Vec::new();
        let mut pieces = value.split('/').peekable();
        while let Some(piece) = pieces.next() {
            let part = match piece {
                "{*}" | "*" => Part::One,
                "{**}" | "**" => {
                    let mut behind = String::new();
                    while let Some(piece) = pieces.next() {
                        behind.push('/');
                        behind.push_str(Self::literal(piece, pieces.peek().is_none())?);
                    }
                    Part::Rest(behind.into())
                }
                literal => Part::Literal(Self::literal(literal, pieces.peek().is_none())?.into()),
            };
            parts.push(part);
        }
        Some(parts.into())
    }

    /// A part without operator; only the last may be empty.
    fn literal(piece: &str, is_last: bool) -> Option<&str> {
        (piece.bytes().all(is_of_part) && (is_last || !piece.is_empty())).then_some(piece)
    }

    /// Whether a path without query matches. Costs its length.
    pub(crate) fn matches(&self, path: &str) -> bool {
        let Some(parts) = &self.parts else { return false };
        let mut rest = path;
        for part in parts {
            let Some(behind) = rest.strip_prefix('/') else { return false };
            rest = behind;
            if let Part::Rest(end) = part {
                return rest.strip_suffix(&**end).is_some_and(|rest| {
                    rest.bytes().all(|byte| matches!(byte, b'/' | b'*') || is_of_part(byte))
                });
            }
            let (own, behind) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let is_match = match part {
                Part::Literal(literal) => **literal == *own,
                _ => !own.is_empty() && own.bytes().all(|byte| byte == b'*' || is_of_part(byte)),
            };
            if !is_match {
                return false;
            }
            rest = behind;
        }
        rest.is_empty()
    }
}

/// What a literal part of a template may hold: RFC 3986's `pchar` without `*`, which an operator takes too.
const fn is_of_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'%'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'+'
                | b','
                | b';'
                | b':'
                | b'@'
                | b'='
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(path: &str) -> [String; 4] {
        use PathNormalization::{Base, DecodeAndMergeSlashes, MergeSlashes, None};
        [None, Base, MergeSlashes, DecodeAndMergeSlashes]
            .map(|way| normalize(path, way).map_or_else(|bad| format!("{bad:?}"), Cow::into_owned))
    }

    #[test]
    fn each_way_of_normalising_sees_another_path() {
        assert_eq!(all("/admin?x=//"), ["/admin?x=//"; 4]);
        assert_eq!(all("//admin"), ["//admin", "//admin", "/admin", "/admin"]);
        assert_eq!(all("/%61dmin"), ["/%61dmin", "/admin", "/admin", "/admin"]);
        assert_eq!(all("/admin%2F"), ["/admin%2F", "/admin%2F", "/admin%2F", "/admin/"]);
        assert_eq!(all("/a%5c..%2fb"), ["/a%5c..%2fb", "/a%5c..%2fb", "/a%5c..%2fb", "/b"]);
        assert_eq!(all("/x/../admin"), ["/x/../admin", "/admin", "/admin", "/admin"]);
        assert_eq!(all("/%2e%2E/admin/."), ["/%2e%2E/admin/.", "/admin/", "/admin/", "/admin/"]);
        assert_eq!(all("/a\\b"), ["/a\\b", "/a/b", "/a/b", "/a/b"]);
        assert_eq!(all("/a..b/...%2e"), ["/a..b/...%2e", "/a..b/....", "/a..b/....", "/a..b/...."]);
        assert_eq!(all("/%zz%"), ["/%zz%"; 4]);
        assert_eq!(all("/a|b"), ["/a|b", "/a%7Cb", "/a%7Cb", "/a%7Cb"]);
        assert_eq!(all("//"), ["//"; 4], "Envoy leaves two");
        assert_eq!(all("/admin%00"), ["/admin%00", "Nul", "Nul", "Nul"]);
    }

    #[test]
    fn what_a_proxy_refuses() {
        for (path, bad) in [
            ("/a#b", "Fragment"),
            ("\\admin", "Start"),
            ("", "Start"),
            ("*", "Start"),
            ("/a b", "Byte"),
            ("/é", "Byte"),
        ] {
            assert_eq!(all(path), [bad; 4], "{path}");
        }
    }

    #[test]
    fn templates_match_part_by_part() {
        let matches = |template: &str, path: &str| PathMatch::parse(template).matches(path);
        for path in ["/a/", "/a/b", "/a//b", "/a/b/c/"] {
            assert!(matches("/a/{**}", path), "{path}");
        }
        assert!(!matches("/a/{**}", "/a") && !matches("/a/{**}", "/x/a/b") && !matches("/a/{**}", "/a/b\\"));
        assert!(matches("/{*}/b", "/a/b") && !matches("/{*}/b", "//b") && !matches("/{*}/b", "/a/b/"));
        assert!(matches("/a/{*}/", "/a/b/") && !matches("/a/{*}/", "/a/b") && !matches("/a/{*}", "/a/"));
        assert!(
            matches("/a/{**}/", "/a/b/c/") && matches("/a/{**}/", "/a//") && !matches("/a/{**}/", "/a/b")
        );
        assert!(matches("/{**}/b", "/a/c/b") && matches("/{**}/b", "//b") && !matches("/{**}/b", "/b"));
        assert!(!matches("/{**}/{*}", "/a/b"), "no operator follows {{**}}");
        assert!(
            !matches("{*}", "a")
                && !matches("/a{*}", "/ab")
                && matches("/{*}", "/a*b")
                && !matches("/{*}", "/a|b")
        );
    }

    proptest! {
        #[test]
        fn normalising_never_breaks_and_twice_is_once(path in "/([a./%25\\\\E|{?]|%2e|%2f){0,14}") {
            for way in [PathNormalization::Base, PathNormalization::MergeSlashes, PathNormalization::DecodeAndMergeSlashes] {
                if let Ok(once) = normalize(&path, way) {
                    prop_assert!(once.starts_with('/'));
                    prop_assert!(!without_query(&once).contains("/../") && !without_query(&once).contains('\\'));
                }
            }
        }

        #[test]
        fn any_text_is_a_path_or_refused(path in "\\PC{0,16}") {
            for way in [PathNormalization::None, PathNormalization::Base, PathNormalization::DecodeAndMergeSlashes] {
                let _ = normalize(&path, way);
            }
        }

        #[test]
        fn any_template_matches_any_path_or_not(template in "[/a{*}]{0,12}", path in "[/ab*é]{0,12}") {
            let _ = PathMatch::parse(&template).matches(&path);
        }
    }
}
