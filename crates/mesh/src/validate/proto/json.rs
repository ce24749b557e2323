//! What Go's `encoding/json` makes of a value, and what it says of one that it cannot take.
//!
//! Sources: Go's `encoding/json` (`decode.go`, `scanner.go`), github.com/golang/protobuf `jsonpb/decode.go`, which takes the quotes off texts that
//! stand for numbers and reads what is between them as JSON, escapes and all.

use ringwall_model::tree::{Kind, Node};

use crate::validate::words::quoted;

/// The integer that JSON or a text in it holds.
pub(super) fn integer(node: Node<'_>) -> Option<i128> {
    match node.as_str() {
        Some(text) => json_integer(&escaped(text)),
        None => node.as_i64().map(i128::from).or_else(|| node.as_u64().map(i128::from)),
    }
}

/// An integer as JSON writes it: no leading zeros, no plus. `null` is none, which is 0.
pub(super) fn json_integer(text: &str) -> Option<i128> {
    let text = text.trim_matches(is_space);
    if text == "null" {
        return Some(0);
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_one =
        digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    (is_one && !digits.is_empty()).then(|| text.parse().ok())?
}

pub(super) fn double(node: Node<'_>) -> Option<f64> {
    match node.as_str() {
        Some("NaN") => Some(f64::NAN),
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        Some(text) => match scan(&escaped(text)) {
            Ok(Shape::Number(number)) => number.parse().ok().filter(|number: &f64| number.is_finite()),
            Ok(Shape::Null) => Some(0.0),
            _ => None,
        },
        None => node.as_f64().or_else(|| {
            // An integer counts as well.
            #[expect(clippy::cast_precision_loss, reason = "as Go reads a number into a float64")]
            node.as_i64().map(|number| number as f64).or_else(|| node.as_u64().map(|number| number as f64))
        }),
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// What a JSON text is.
enum Shape<'t> {
    Null,
    Bool,
    Number(&'t str),
    String,
    Object,
    Array,
}

/// The word of Go for a value.
pub(in crate::validate) fn described(node: Node<'_>) -> &'static str {
    match node.kind() {
        Kind::Null => "null",
        Kind::Bool => "bool",
        Kind::Integer | Kind::Unsigned | Kind::Float => "number",
        Kind::String => "string",
        Kind::Sequence => "array",
        Kind::Mapping => "object",
    }
}

/// That a value is of another type. `into` is Go's name of the wanted one.
pub(in crate::validate) fn mismatch(value: &str, into: &str) -> String {
    format!("json: cannot unmarshal {value} into Go value of type {into}")
}

/// A number as Go's `encoding/json` writes it. Source: `encode.go` (`floatEncoder`).
fn number_text(node: Node<'_>) -> String {
    if let Some(number) = node.as_i64() {
        return number.to_string();
    }
    if let Some(number) = node.as_u64() {
        return number.to_string();
    }
    let number = node.as_f64().unwrap_or_default();
    if number != 0.0 && (number.abs() < 1e-6 || number.abs() >= 1e21) {
        let text = format!("{number:e}");
        return if text.contains("e-") { text } else { text.replace('e', "e+") };
    }
    number.to_string()
}

/// What Go says of a value that should be a number of a type and is none, or does not fit; nothing where it is one.
pub(super) fn number_error(node: Node<'_>, into: &str, fits: impl Fn(&str) -> bool) -> Option<String> {
    let text = escaped(node.as_str().unwrap_or_default());
    let (shape, own) = match node.kind() {
        Kind::Null => return None,
        Kind::Integer | Kind::Unsigned | Kind::Float => (Shape::Null, Some(number_text(node))),
        Kind::String => match scan(&text) {
            Ok(shape) => (shape, None),
            Err(message) => return Some(message),
        },
        _ => return Some(mismatch(described(node), into)),
    };
    let number = match (&own, shape) {
        (Some(number), _) => number.as_str(),
        (None, Shape::Null) => return None,
        (None, Shape::Number(number)) => number,
        (None, Shape::Bool) => return Some(mismatch("bool", into)),
        (None, Shape::String) => return Some(mismatch("string", into)),
        (None, Shape::Object) => return Some(mismatch("object", into)),
        (None, Shape::Array) => return Some(mismatch("array", into)),
    };
    (!fits(number)).then(|| mismatch(&format!("number {number}"), into))
}

/// Why a text is no JSON.
enum Broken {
    /// It ends too early. What Go says where nothing more can come, if that is not just so.
    End(Option<String>),
    Byte(String),
}

const END: &str = "unexpected end of JSON input";

/// Reads a text as JSON, or says what Go's scanner says.
fn scan(text: &str) -> Result<Shape<'_>, String> {
    let (shape, rest) = value(text).map_err(|broken| match broken {
        Broken::End(message) => message.unwrap_or_else(|| END.to_owned()),
        Broken::Byte(message) => message,
    })?;
    match rest.trim_start_matches(is_space).bytes().next() {
        None => Ok(shape),
        Some(byte) => Err(invalid(byte, "after top-level value")),
    }
}

/// What Go's `encoding/json` says of a text that should be JSON.
pub(in crate::validate) fn syntax_error(text: &str) -> Option<String> {
    scan(text).err()
}

/// What Go's `json.Decoder` says of a text of which it reads the first value.
pub(in crate::validate) fn first_value_error(text: &str) -> Option<String> {
    match value(text) {
        Ok(_) => None,
        Err(Broken::End(_)) if text.trim_start_matches(is_space).is_empty() => Some("EOF".to_owned()),
        Err(Broken::End(_)) => Some("unexpected EOF".to_owned()),
        Err(Broken::Byte(message)) => Some(message),
    }
}

/// A text as it stands between the quotes of JSON that Go has written. Source: `encode.go` (`appendString`).
pub(super) fn escaped(text: &str) -> std::borrow::Cow<'_, str> {
    use std::fmt::Write as _;
    let is_plain = |c: char| c >= ' ' && !matches!(c, '"' | '\\' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}');
    if text.chars().all(is_plain) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if is_plain(c) => out.push(c),
            _ => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
        }
    }
    out.into()
}

/// That a byte is at the wrong place. Source: `scanner.go` (`quoteChar`): a byte is taken for a character.
fn invalid(byte: u8, context: &str) -> String {
    let character = match byte {
        b'\'' => "'\\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        _ => {
            let text = quoted(&char::from(byte).to_string());
            format!("'{}'", text.trim_matches('"'))
        }
    };
    format!("invalid character {character} {context}")
}

/// That there is something else than wanted, or the end, which Go takes for a space.
fn unexpected(byte: Option<u8>, context: &str) -> Broken {
    match byte {
        Some(byte) => Broken::Byte(invalid(byte, context)),
        None => Broken::End(Some(invalid(b' ', context))),
    }
}

/// The first value of a text, and what is behind it. Source: `scanner.go`. Costs one walk, without recursion.
fn value(text: &str) -> Result<(Shape<'_>, &str), Broken> {
    const KEY: &str = "looking for beginning of object key string";
    let mut rest = text.trim_start_matches(is_space);
    let start = rest;
    // The closing marks of what is open.
    let mut open: Vec<u8> = Vec::new();
    // Whether what is open was opened just before.
    let mut is_new = false;
    loop {
        rest = rest.trim_start_matches(is_space);
        let first = rest.bytes().next();
        let closes = is_new && first.is_some() && first == open.last().copied();
        if !closes {
            if open.last() == Some(&b'}') {
                match first {
                    None => return Err(Broken::End(None)),
                    Some(b'"') => rest = string(rest)?.trim_start_matches(is_space),
                    Some(byte) => return Err(Broken::Byte(invalid(byte, KEY))),
                }
                rest = match rest.bytes().next() {
                    None => return Err(Broken::End(None)),
                    Some(b':') => rest[1..].trim_start_matches(is_space),
                    Some(byte) => return Err(Broken::Byte(invalid(byte, "after object key"))),
                };
            }
            is_new = false;
            match rest.bytes().next() {
                None => return Err(Broken::End(None)),
                Some(mark @ (b'{' | b'[')) => {
                    open.push(if mark == b'{' { b'}' } else { b']' });
                    is_new = true;
                    rest = &rest[1..];
                    continue;
                }
                Some(b'"') => rest = string(rest)?,
                Some(b't') => rest = literal(rest, "true")?,
                Some(b'f') => rest = literal(rest, "false")?,
                Some(b'n') => rest = literal(rest, "null")?,
                Some(b'-' | b'0'..=b'9') => rest = &rest[number(rest)?..],
                Some(other) => return Err(Broken::Byte(invalid(other, "looking for beginning of value"))),
            }
        }
        // Behind a value.
        loop {
            let Some(close) = open.last().copied() else { return Ok((shape(start, rest), rest)) };
            let behind = rest.trim_start_matches(is_space);
            match behind.bytes().next() {
                None => return Err(Broken::End(None)),
                Some(byte) if byte == close => {
                    rest = &behind[1..];
                    open.pop();
                    is_new = false;
                }
                Some(b',') => {
                    rest = &behind[1..];
                    break;
                }
                Some(byte) => {
                    let context =
                        if close == b'}' { "after object key:value pair" } else { "after array element" };
                    return Err(Broken::Byte(invalid(byte, context)));
                }
            }
        }
    }
}

fn shape<'t>(start: &'t str, rest: &str) -> Shape<'t> {
    match start.bytes().next() {
        Some(b'{') => Shape::Object,
        Some(b'[') => Shape::Array,
        Some(b'"') => Shape::String,
        Some(b't' | b'f') => Shape::Bool,
        Some(b'n') => Shape::Null,
        _ => Shape::Number(start.get(..start.len() - rest.len()).unwrap_or_default()),
    }
}

/// What is behind a text in quotes.
fn string(text: &str) -> Result<&str, Broken> {
    let bytes = text.as_bytes();
    let mut at = 1;
    loop {
        match bytes.get(at) {
            None => return Err(Broken::End(None)),
            Some(b'"') => return Ok(&text[at + 1..]),
            Some(b'\\') => match bytes.get(at + 1) {
                Some(b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"') => at += 2,
                Some(b'u') => {
                    let digits =
                        bytes.iter().skip(at + 2).take(4).take_while(|byte| byte.is_ascii_hexdigit()).count();
                    if digits < 4 {
                        let byte = bytes.get(at + 2 + digits).copied();
                        return Err(unexpected(byte, "in \\u hexadecimal character escape"));
                    }
                    at += 6;
                }
                other => return Err(unexpected(other.copied(), "in string escape code")),
            },
            Some(byte) if *byte < b' ' => return Err(Broken::Byte(invalid(*byte, "in string literal"))),
            Some(_) => at += 1,
        }
    }
}

/// What is behind a literal.
fn literal<'t>(text: &'t str, literal: &str) -> Result<&'t str, Broken> {
    for (at, wanted) in literal.bytes().enumerate() {
        let byte = text.as_bytes().get(at).copied();
        if byte != Some(wanted) {
            let context = format!("in literal {literal} (expecting '{}')", char::from(wanted));
            return Err(unexpected(byte, &context));
        }
    }
    Ok(&text[literal.len()..])
}

/// How long the number at the start of a text is.
fn number(text: &str) -> Result<usize, Broken> {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let wrong = |at: usize, context: &str| unexpected(bytes.get(at).copied(), context);
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    match bytes.get(at) {
        Some(b'0') => at += 1,
        Some(b'1'..=b'9') => at += digits(at),
        _ => return Err(wrong(at, "in numeric literal")),
    }
    if bytes.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if fraction == 0 {
            return Err(wrong(at + 1, "after decimal point in numeric literal"));
        }
        at += 1 + fraction;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent == 0 {
            return Err(wrong(at + 1 + sign, "in exponent of numeric literal"));
        }
        at += 1 + sign + exponent;
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_as_json_writes_them() {
        assert_eq!(json_integer("80"), Some(80));
        assert_eq!(json_integer("-1"), Some(-1));
        for text in ["", "080", "+1", "1.0", "acd", "-"] {
            assert_eq!(json_integer(text), None, "{text}");
        }
    }

    #[test]
    fn broken_json_is_told_as_go_tells_it() {
        for (text, message) in [
            ("", "unexpected end of JSON input"),
            ("x", "invalid character 'x' looking for beginning of value"),
            ("é", "invalid character 'Ã' looking for beginning of value"),
            ("'", "invalid character '\\'' looking for beginning of value"),
            ("10s", "invalid character 's' after top-level value"),
            ("01", "invalid character '1' after top-level value"),
            ("-", "invalid character ' ' in numeric literal"),
            ("-a", "invalid character 'a' in numeric literal"),
            ("1.a", "invalid character 'a' after decimal point in numeric literal"),
            ("{80", "invalid character '8' looking for beginning of object key string"),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            ("{\"a\":1 \"b\"}", "invalid character '\"' after object key:value pair"),
            ("[1 2]", "invalid character '2' after array element"),
            ("[1,]", "invalid character ']' looking for beginning of value"),
            ("{\"a\":[", "unexpected end of JSON input"),
            ("\"\\x\"", "invalid character 'x' in string escape code"),
            ("\"\\u12\"", "invalid character '\"' in \\u hexadecimal character escape"),
            ("1e+", "invalid character ' ' in exponent of numeric literal"),
            ("tru", "invalid character ' ' in literal true (expecting 'e')"),
            ("trux", "invalid character 'x' in literal true (expecting 'e')"),
        ] {
            assert_eq!(syntax_error(text).as_deref(), Some(message), "{text}");
        }
        for text in
            ["1", " -0.5e3 ", "true", "null", "\"a\"", "[1, [], {}]", "{\"a\" : {\"b\":[{}]} , \"c\":1}"]
        {
            assert_eq!(syntax_error(text), None, "{text}");
        }
    }
}
