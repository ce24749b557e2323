//! What Go's `encoding/json` makes of a value, and what it says of one that it cannot take.
//!
//! Sources: Go's `encoding/json` (`decode.go`, `scanner.go`), github.com/golang/protobuf `jsonpb/decode.go`, which takes the quotes off texts that
//! stand for numbers and reads what is between them as JSON.

use ringwall_model::tree::{Kind, Node};

use crate::validate::words::quoted;

/// The integer that JSON or a text in it holds.
pub(super) fn integer(node: Node<'_>) -> Option<i128> {
    match node.as_str() {
        Some(text) => json_integer(text),
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
        Some(text) => match scan(text) {
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
    let (shape, own) = match node.kind() {
        Kind::Null => return None,
        Kind::Integer | Kind::Unsigned | Kind::Float => (Shape::Null, Some(number_text(node))),
        Kind::String => match scan(node.as_str().unwrap_or_default()) {
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

/// Reads a text as JSON, or says what Go's scanner says. What is in texts, lists and objects is told apart less exactly.
fn scan(text: &str) -> Result<Shape<'_>, String> {
    let start = text.trim_start_matches(is_space);
    let end = || "unexpected end of JSON input".to_owned();
    let Some(first) = start.bytes().next() else { return Err(end()) };
    let (shape, rest) = match first {
        b't' => (Shape::Bool, literal(start, "true")?),
        b'f' => (Shape::Bool, literal(start, "false")?),
        b'n' => (Shape::Null, literal(start, "null")?),
        b'-' | b'0'..=b'9' => {
            let length = number(start)?;
            (Shape::Number(&start[..length]), &start[length..])
        }
        b'"' | b'{' | b'[' => {
            let mut values = serde_json::Deserializer::from_str(start).into_iter::<serde::de::IgnoredAny>();
            match values.next() {
                Some(Ok(_)) => {}
                Some(Err(error)) if !error.is_eof() => return Err(error.to_string()),
                _ => return Err(end()),
            }
            let shape = match first {
                b'"' => Shape::String,
                b'{' => Shape::Object,
                _ => Shape::Array,
            };
            (shape, start.get(values.byte_offset()..).unwrap_or_default())
        }
        other => return Err(invalid(other, "looking for beginning of value")),
    };
    match rest.trim_start_matches(is_space).bytes().next() {
        None => Ok(shape),
        Some(byte) => Err(invalid(byte, "after top-level value")),
    }
}

/// What Go's `encoding/json` says of a text that should be JSON, by its first value.
pub(in crate::validate) fn syntax_error(text: &str) -> Option<String> {
    scan(text).err()
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

/// What is behind a literal.
fn literal<'t>(text: &'t str, literal: &str) -> Result<&'t str, String> {
    for (at, wanted) in literal.bytes().enumerate() {
        match text.as_bytes().get(at) {
            Some(byte) if *byte == wanted => {}
            // The end is taken for a space.
            other => {
                let context = format!("in literal {literal} (expecting '{}')", char::from(wanted));
                return Err(invalid(other.copied().unwrap_or(b' '), &context));
            }
        }
    }
    Ok(&text[literal.len()..])
}

/// How long the number at the start of a text is.
fn number(text: &str) -> Result<usize, String> {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let wrong = |at: usize, context: &str| invalid(bytes.get(at).copied().unwrap_or(b' '), context);
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
            ("1e+", "invalid character ' ' in exponent of numeric literal"),
            ("tru", "invalid character ' ' in literal true (expecting 'e')"),
            ("trux", "invalid character 'x' in literal true (expecting 'e')"),
        ] {
            assert_eq!(syntax_error(text).as_deref(), Some(message), "{text}");
        }
        for text in ["1", " -0.5e3 ", "true", "null", "\"a\"", "[1]", "{}"] {
            assert_eq!(syntax_error(text), None, "{text}");
        }
    }
}
