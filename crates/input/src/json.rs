//! JSON values into trees, as the API server decodes them.
//!
//! The rules are those of Go's `encoding/json`, which the API server's decoder (`sigs.k8s.io/json`) is made
//! from: strict RFC 8259 grammar, nesting of 10,000 at most, an unpaired surrogate becomes U+FFFD, integers keep
//! all 64 bits. Repeated keys are kept, because what they mean depends on the type that reads them (see
//! `ringwall_model::decode`).
//!
//! No library is used here because none gives the span of every node; the reader makes one pass over the
//! bytes and never recurses.

use std::sync::Arc;

use ringwall_model::text::{Source, Span};
use ringwall_model::tree::{Kind, Tree, TreeBuilder};

use crate::Limits;
use crate::ReadError;

/// Reads a text that is one JSON value, with white space around it at most.
///
/// # Errors
/// The first byte that JSON does not allow, or a limit that is passed.
pub fn parse(source: &Arc<Source>, limits: &Limits) -> Result<Tree, ReadError> {
    let (tree, end) = value_at(source, 0, limits)?;
    let rest = skip_space(source.text().as_bytes(), end as usize);
    if rest < source.text().len() {
        return Err(error(rest, "expected nothing after the JSON value"));
    }
    Ok(tree)
}

/// Reads the JSON value that begins at byte `from` (white space before it is passed over), and says where it ends.
///
/// # Errors
/// The first byte that JSON does not allow, or a limit that is passed.
pub fn value_at(source: &Arc<Source>, from: u32, limits: &Limits) -> Result<(Tree, u32), ReadError> {
    let text = source.text();
    // A pod has about one node for each dozen bytes.
    let builder = TreeBuilder::with_capacity(Arc::clone(source), (text.len() - from as usize) / 12 + 8);
    let mut reader =
        Reader { text, bytes: text.as_bytes(), at: from as usize, builder, scratch: String::new(), limits };
    reader.value()?;
    let end = reader.at as u32;
    Ok((reader.builder.finish(), end))
}

/// Whether Go's tools take this text for JSON: its first character that is not white space is `{`.
/// Source: `IsJSONBuffer` in k8s.io/apimachinery `pkg/util/yaml/decoder.go`.
pub fn looks_like_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

fn error(at: usize, message: impl Into<String>) -> ReadError {
    ReadError { offset: at as u32, message: message.into() }
}

fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

/// Whether none of eight bytes is a quote, a backslash or a control character: all eight at once.
fn is_plain(eight: &[u8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let Ok(bytes) = eight.try_into() else { return false };
    let word = u64::from_ne_bytes(bytes);
    // The high bit of a byte of `below(x, n)` is set where that byte of x is less than n (for n up to 128).
    let below = |x: u64, n: u64| x.wrapping_sub(ONES * n) & !x & HIGH;
    let zero = |x: u64| below(x, 1);
    below(word, 0x20) | zero(word ^ (ONES * u64::from(b'"'))) | zero(word ^ (ONES * u64::from(b'\\'))) == 0
}

struct Reader<'s> {
    text: &'s str,
    bytes: &'s [u8],
    at: usize,
    builder: TreeBuilder,
    scratch: String,
    limits: &'s Limits,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<(), ReadError> {
        // The collections that are open, innermost last.
        let mut open: Vec<Kind> = Vec::new();
        loop {
            // A value begins here.
            self.at = skip_space(self.bytes, self.at);
            let start = self.at as u32;
            match self.bytes.get(self.at) {
                Some(b'{') => {
                    self.open(&mut open, Kind::Mapping, start)?;
                    if self.next_after_space() == Some(b'}') {
                        self.close(&mut open);
                    } else {
                        self.key()?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.open(&mut open, Kind::Sequence, start)?;
                    if self.next_after_space() == Some(b']') {
                        self.close(&mut open);
                    } else {
                        continue;
                    }
                }
                Some(b'"') => self.string(false)?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.word("true", |builder, span| builder.boolean(span, true))?,
                Some(b'f') => self.word("false", |builder, span| builder.boolean(span, false))?,
                Some(b'n') => self.word("null", TreeBuilder::null)?,
                Some(_) => {
                    return Err(error(self.at, format!("expected a JSON value, got {}", self.shown())));
                }
                None => return Err(error(self.at, "expected a JSON value, got the end of the text")),
            }
            if self.builder.len() > self.limits.nodes {
                return Err(error(self.at, format!("more than {} nodes", self.limits.nodes)));
            }
            // A value has ended: close what ends with it, or go on to the next one.
            loop {
                let Some(kind) = open.last() else { return Ok(()) };
                let (end, expected) = match kind {
                    Kind::Mapping => (b'}', "`,` or `}`"),
                    _ => (b']', "`,` or `]`"),
                };
                match self.next_after_space() {
                    Some(byte) if byte == end => self.close(&mut open),
                    Some(b',') => {
                        let mapping = *kind == Kind::Mapping;
                        self.at += 1;
                        if mapping {
                            self.next_after_space();
                            self.key()?;
                        }
                        break;
                    }
                    Some(_) => {
                        return Err(error(self.at, format!("expected {expected}, got {}", self.shown())));
                    }
                    None => {
                        return Err(error(self.at, format!("expected {expected}, got the end of the text")));
                    }
                }
            }
        }
    }

    fn open(&mut self, open: &mut Vec<Kind>, kind: Kind, start: u32) -> Result<(), ReadError> {
        if open.len() >= self.limits.depth {
            return Err(error(self.at, format!("nested deeper than {}", self.limits.depth)));
        }
        open.push(kind);
        self.builder.begin(kind, start);
        self.at += 1;
        Ok(())
    }

    fn close(&mut self, open: &mut Vec<Kind>) {
        self.at += 1;
        open.pop();
        self.builder.end(Some(self.at as u32));
    }

    fn next_after_space(&mut self) -> Option<u8> {
        self.at = skip_space(self.bytes, self.at);
        self.bytes.get(self.at).copied()
    }

    fn shown(&self) -> String {
        match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(c) => format!("`{}`", c.escape_debug()),
            None => "the end of the text".to_owned(),
        }
    }

    fn key(&mut self) -> Result<(), ReadError> {
        if self.bytes.get(self.at) != Some(&b'"') {
            return Err(error(self.at, format!("expected a key in double quotes, got {}", self.shown())));
        }
        self.string(true)?;
        if self.next_after_space() != Some(b':') {
            return Err(error(self.at, format!("expected `:` after the key, got {}", self.shown())));
        }
        self.at += 1;
        Ok(())
    }

    fn string(&mut self, key: bool) -> Result<(), ReadError> {
        let start = self.at;
        let mut at = start + 1;
        while self.bytes.get(at..at + 8).is_some_and(is_plain) {
            at += 8;
        }
        // The common case: nothing is escaped, and the text stands as it is meant.
        loop {
            match self.bytes.get(at) {
                Some(b'"') => {
                    let (span, content) =
                        (Span::new(start as u32, at as u32 + 1), Span::new(start as u32 + 1, at as u32));
                    if key {
                        self.builder.borrowed_key(span, content);
                    } else {
                        self.builder.borrowed(span, content);
                    }
                    self.at = at + 1;
                    return Ok(());
                }
                Some(b'\\') => break,
                Some(0x20..) => at += 1,
                Some(_) => return Err(error(at, "control character in a string")),
                None => return Err(error(start, "string without end")),
            }
        }
        self.escaped(start, at)
    }

    /// A string with escapes; `at` is at the first backslash.
    fn escaped(&mut self, start: usize, mut at: usize) -> Result<(), ReadError> {
        let mut text = std::mem::take(&mut self.scratch);
        text.clear();
        let mut plain = start + 1;
        loop {
            match self.bytes.get(at) {
                Some(b'"') => {
                    text.push_str(&self.text[plain..at]);
                    let (span, content) =
                        (Span::new(start as u32, at as u32 + 1), Span::new(start as u32, start as u32));
                    self.builder.key(span, content, &text);
                    self.at = at + 1;
                    self.scratch = text;
                    return Ok(());
                }
                Some(b'\\') => {
                    text.push_str(&self.text[plain..at]);
                    let (c, after) = self.escape(at)?;
                    text.push(c);
                    at = after;
                    plain = at;
                }
                Some(0x20..) => at += 1,
                Some(_) => return Err(error(at, "control character in a string")),
                None => return Err(error(start, "string without end")),
            }
        }
    }

    /// The character that the escape at `at` stands for, and where the text goes on.
    fn escape(&self, at: usize) -> Result<(char, usize), ReadError> {
        let c = match self.bytes.get(at + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let unit = self.hex(at)?;
                if let Some(c) = char::from_u32(unit) {
                    return Ok((c, at + 6));
                }
                // Half of a pair: with its other half it is one character, alone it is replaced.
                if (0xD800..0xDC00).contains(&unit) && self.bytes.get(at + 6..at + 8) == Some(br"\u") {
                    let low = self.hex(at + 6)?;
                    if (0xDC00..0xE000).contains(&low) {
                        let code = 0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                        return Ok((char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), at + 12));
                    }
                }
                return Ok((char::REPLACEMENT_CHARACTER, at + 6));
            }
            _ => return Err(error(at, "no such escape in JSON")),
        };
        Ok((c, at + 2))
    }

    fn hex(&self, at: usize) -> Result<u32, ReadError> {
        self.text
            .get(at + 2..at + 6)
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or_else(|| error(at, "expected four hexadecimal digits after \\u"))
    }

    fn number(&mut self) -> Result<(), ReadError> {
        let start = self.at;
        let mut at = start + usize::from(self.bytes[start] == b'-');
        let digits = |at: &mut usize| {
            let from = *at;
            while self.bytes.get(*at).is_some_and(u8::is_ascii_digit) {
                *at += 1;
            }
            *at > from
        };
        let mut integer = true;
        let leading_zero = self.bytes.get(at) == Some(&b'0');
        if leading_zero {
            at += 1;
        } else if !digits(&mut at) {
            return Err(error(start, "expected a digit after `-`"));
        }
        if self.bytes.get(at) == Some(&b'.') {
            integer = false;
            at += 1;
            if !digits(&mut at) {
                return Err(error(at, "expected a digit after the decimal point"));
            }
        }
        if let Some(b'e' | b'E') = self.bytes.get(at) {
            integer = false;
            at += 1;
            if let Some(b'+' | b'-') = self.bytes.get(at) {
                at += 1;
            }
            if !digits(&mut at) {
                return Err(error(at, "expected a digit in the exponent"));
            }
        }
        if leading_zero && self.bytes.get(at).is_some_and(u8::is_ascii_digit) {
            return Err(error(at, "a JSON number has no leading zero"));
        }
        let written = &self.text[start..at];
        let span = Span::new(start as u32, at as u32);
        if integer {
            if let Ok(value) = written.parse::<i64>() {
                self.builder.integer(span, value);
                self.at = at;
                return Ok(());
            }
            if let Ok(value) = written.parse::<u64>() {
                self.builder.unsigned(span, value);
                self.at = at;
                return Ok(());
            }
        }
        match written.parse::<f64>() {
            Ok(value) if value.is_finite() => self.builder.float(span, value),
            _ => return Err(error(start, "number out of range")),
        };
        self.at = at;
        Ok(())
    }

    fn word(&mut self, word: &str, add: impl FnOnce(&mut TreeBuilder, Span) -> u32) -> Result<(), ReadError> {
        if !self.text[self.at..].starts_with(word) {
            return Err(error(self.at, format!("expected a JSON value, got {}", self.shown())));
        }
        let span = Span::new(self.at as u32, (self.at + word.len()) as u32);
        add(&mut self.builder, span);
        self.at += word.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<serde_json::Value, ReadError> {
        let source = Arc::new(Source::new("t", text));
        parse(&source, &Limits::default()).map(|tree| serde_json::to_value(tree.root()).unwrap())
    }

    #[test]
    fn values_mean_what_json_says() {
        let text = r#" {"a": [1, -2.5, true, null, "x\n\u00e9\ud83d\ude00", {}], "b": [], "": "\ud800!"} "#;
        assert_eq!(
            read(text).unwrap(),
            serde_json::json!({"a": [1, -2.5, true, null, "x\né😀", {}], "b": [], "": "\u{fffd}!"})
        );
    }

    #[test]
    fn integers_keep_all_bits() {
        assert_eq!(read("9223372036854775807").unwrap().to_string(), "9223372036854775807");
        assert_eq!(read("18446744073709551615").unwrap().to_string(), "18446744073709551615");
    }

    #[test]
    fn what_json_refuses_is_refused_where_it_stands() {
        for (text, at) in [
            ("", 0),
            ("{", 1),
            ("[1,]", 3),
            ("{\"a\" 1}", 5),
            ("{a: 1}", 1),
            ("01", 1),
            ("[1] x", 4),
            ("\"a\nb\"", 2),
            (r#""\q""#, 1),
            ("nul", 0),
            ("1.e3", 2),
            ("-", 0),
        ] {
            assert_eq!(read(text).unwrap_err().offset, at, "{text:?}");
        }
    }

    #[test]
    fn nesting_is_bounded_and_costs_no_stack() {
        let deep = "[".repeat(9_999) + &"]".repeat(9_999);
        let source = Arc::new(Source::new("t", deep));
        assert!(parse(&source, &Limits::default()).is_ok());
        let deeper = "[".repeat(1_000_000);
        assert!(read(&deeper).unwrap_err().message.contains("nested deeper than 10000"));
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json(text in r#"[\[\]{}",:0-9a-z\\ .eE+-]{0,24}"#) {
            let ours = read(&text).ok();
            let theirs = serde_json::from_str::<serde_json::Value>(&text).ok();
            prop_assert_eq!(ours.is_some(), theirs.is_some(), "{}", text);
        }
    }
}
