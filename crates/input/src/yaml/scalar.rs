//! What a YAML scalar means to Kubernetes' tools: the rules of go-yaml v2, which are neither YAML 1.1 nor 1.2.
//!
//! Source: `resolve` in go.yaml.in/yaml/v2 `resolve.go`, `convertToJSONableObject` in sigs.k8s.io/yaml `yaml.go`.

use std::fmt::Write as _;

/// A scalar, resolved.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// Above `i64::MAX`.
    Uint(u64),
    Float(f64),
    /// The text itself.
    Str,
    /// Text that differs from what is written (`!!binary`).
    Owned(String),
}

/// The tags that take part in resolution, without their prefix `tag:yaml.org,2002:`.
const RESOLVABLE: [&str; 6] = ["str", "bool", "int", "float", "null", "timestamp"];

/// What a scalar means. `tag` is the whole tag as it resolves, `plain` whether it stands without quotes.
///
/// # Errors
/// A tag that does not fit the text, as a sentence without full stop.
pub(super) fn resolve(text: &str, plain: bool, tag: Option<&str>) -> Result<Scalar, String> {
    let Some(tag) = tag else {
        return Ok(if plain { untagged(text) } else { Scalar::Str });
    };
    let Some(short) = tag.strip_prefix("tag:yaml.org,2002:") else { return Ok(Scalar::Str) };
    if short == "binary" {
        return decode_base64(text).map(Scalar::Owned).ok_or_else(|| "!!binary needs base64 text".to_owned());
    }
    if !RESOLVABLE.contains(&short) || short == "str" {
        return Ok(Scalar::Str);
    }
    let found = untagged(text);
    match (short, &found) {
        ("bool", Scalar::Bool(_)) | ("int", Scalar::Int(_) | Scalar::Uint(_)) => Ok(found),
        ("null", Scalar::Null) | ("float", Scalar::Float(_)) => Ok(found),
        #[expect(clippy::cast_precision_loss, reason = "go-yaml rounds too")]
        ("float", Scalar::Int(value)) => Ok(Scalar::Float(*value as f64)),
        ("timestamp", Scalar::Str) if is_timestamp(text) => Ok(Scalar::Str),
        _ => Err(format!("`{text}` is no !!{short}")),
    }
}

/// A plain scalar without a tag.
fn untagged(text: &str) -> Scalar {
    let Some(first) = text.bytes().next() else { return Scalar::Null };
    if let Some(word) = word(text) {
        return word;
    }
    match first {
        b'.' => match decimal(text) {
            Some(value) => Scalar::Float(value),
            None => Scalar::Str,
        },
        b'0'..=b'9' | b'+' | b'-' => number(text),
        _ => Scalar::Str,
    }
}

/// The words that are no text.
fn word(text: &str) -> Option<Scalar> {
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

fn number(text: &str) -> Scalar {
    let cleaned;
    let plain = if text.contains('_') {
        cleaned = text.replace('_', "");
        cleaned.as_str()
    } else {
        text
    };
    if let Some(value) = parse_int(plain) {
        return value;
    }
    if let Some(value) = decimal(plain) {
        return Scalar::Float(value);
    }
    // What remains of go-yaml's own reading of binary numbers: a second sign after the prefix.
    let binary = |digits: &str| {
        let ok = digits.trim_start_matches(['+', '-']).len() + 1 >= digits.len();
        ok.then(|| i64::from_str_radix(digits, 2).ok()).flatten()
    };
    if let Some(value) = plain.strip_prefix("0b").and_then(binary) {
        return Scalar::Int(value);
    }
    if let Some(value) = plain.strip_prefix("-0b").and_then(|digits| binary(&format!("-{digits}"))) {
        return Scalar::Int(value);
    }
    Scalar::Str
}

/// Go's `strconv.ParseInt(text, 0, 64)`, then `ParseUint`: the prefix tells the base.
fn parse_int(text: &str) -> Option<Scalar> {
    let (negative, signed, digits) = match text.as_bytes().first()? {
        b'-' => (true, true, &text[1..]),
        b'+' => (false, true, &text[1..]),
        _ => (false, false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let value = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        return 0i64.checked_sub_unsigned(value).map(Scalar::Int);
    }
    match i64::try_from(value) {
        Ok(value) => Some(Scalar::Int(value)),
        Err(_) if signed => None,
        Err(_) => Some(Scalar::Uint(value)),
    }
}

/// A decimal number as go-yaml's pattern has it: `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
/// One out of range is none.
fn decimal(text: &str) -> Option<f64> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    let whole = digits(body);
    let mut rest = &body[whole..];
    if let Some(after) = rest.strip_prefix('.') {
        let decimals = digits(after);
        if whole == 0 && decimals == 0 {
            return None;
        }
        rest = &after[decimals..];
    } else if whole == 0 {
        return None;
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if exponent.is_empty() || digits(exponent) != exponent.len() {
            return None;
        }
    } else if !rest.is_empty() {
        return None;
    }
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// Whether go-yaml reads the text as a timestamp; asked only for the tag `!!timestamp`.
/// Source: `allowedTimestampFormats` in go.yaml.in/yaml/v2 `resolve.go`.
fn is_timestamp(text: &str) -> bool {
    let number = |text: &str, min: usize, max: usize, low: u32, high: u32| {
        (min..=max).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && text.parse::<u32>().is_ok_and(|value| (low..=high).contains(&value))
    };
    let date = |text: &str| {
        let mut parts = text.split('-');
        let (year, month, day) = (parts.next(), parts.next(), parts.next());
        parts.next().is_none()
            && year.is_some_and(|year| number(year, 4, 4, 0, 9999))
            && month.is_some_and(|month| number(month, 1, 2, 1, 12))
            && day.is_some_and(|day| number(day, 1, 2, 1, 31))
    };
    let time = |text: &str| {
        let mut parts = text.split(':');
        let (hour, minute, second) = (parts.next(), parts.next(), parts.next());
        let whole = second.and_then(|second| second.split('.').next());
        let fraction = second.and_then(|second| second.split_once('.')).map(|(_, fraction)| fraction);
        parts.next().is_none()
            && hour.is_some_and(|hour| number(hour, 1, 2, 0, 23))
            && minute.is_some_and(|minute| number(minute, 1, 2, 0, 59))
            && whole.is_some_and(|second| number(second, 1, 2, 0, 59))
            && fraction.is_none_or(|f| !f.is_empty() && f.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if let Some((day, clock)) = text.split_once(['T', 't']) {
        if let Some(clock) = clock.strip_suffix('Z') {
            return date(day) && time(clock);
        }
        let Some(at) = clock.rfind(['+', '-']) else { return false };
        let zone = &clock[at + 1..];
        let zone_ok =
            zone.split_once(':').is_some_and(|(h, m)| number(h, 2, 2, 0, 24) && number(m, 2, 2, 0, 60));
        return date(day) && time(&clock[..at]) && zone_ok;
    }
    match text.split_once(' ') {
        Some((day, clock)) => date(day) && time(clock),
        None => date(text),
    }
}

/// Standard base64 as Go reads it: padded, line breaks passed over. Bytes that are no UTF-8 are replaced,
/// as they are when Go writes them as JSON.
fn decode_base64(text: &str) -> Option<String> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(u32::from(byte - b'A')),
        b'a'..=b'z' => Some(u32::from(byte - b'a') + 26),
        b'0'..=b'9' => Some(u32::from(byte - b'0') + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let bytes: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    if !bytes.len().is_multiple_of(4) {
        return None;
    }
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3);
    let groups = bytes.len() / 4;
    for (index, group) in bytes.chunks_exact(4).enumerate() {
        let padding = group.iter().rev().take_while(|byte| **byte == b'=').count();
        if padding > 2 || (padding > 0 && index + 1 < groups) {
            return None;
        }
        let mut bits = 0;
        for byte in &group[..4 - padding] {
            bits = (bits << 6) | value(*byte)?;
        }
        bits <<= 6 * padding;
        out.extend_from_slice(&bits.to_be_bytes()[1..4 - padding]);
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

/// The text that a key becomes in JSON, or `None` where it cannot be a key.
pub(super) fn key_text(scalar: &Scalar, text: &str) -> Option<String> {
    match scalar {
        Scalar::Null | Scalar::Uint(_) => None,
        Scalar::Bool(value) => Some(value.to_string()),
        Scalar::Int(value) => Some(value.to_string()),
        Scalar::Float(value) => Some(float_key(*value)),
        Scalar::Str => Some(text.to_owned()),
        Scalar::Owned(text) => Some(text.clone()),
    }
}

/// Go's `strconv.FormatFloat(value, 'g', -1, 32)`: the shortest text that reads back as the same *32-bit* float.
#[expect(clippy::cast_possible_truncation, reason = "32 bits are what the reference formats")]
fn float_key(value: f64) -> String {
    let value = value as f32;
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return format!("{value}");
    }
    let mut text = format!("{mantissa}e");
    let _ = write!(text, "{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_are_those_of_go_yaml() {
        for (text, want) in [
            ("yes", Scalar::Bool(true)),
            ("tRUE", Scalar::Str),
            ("0755", Scalar::Int(493)),
            ("0o755", Scalar::Int(493)),
            ("08", Scalar::Float(8.0)),
            ("0b11", Scalar::Int(3)),
            ("-0b11", Scalar::Int(-3)),
            ("1_000", Scalar::Int(1000)),
            ("0x_1F", Scalar::Int(31)),
            ("+5", Scalar::Int(5)),
            ("-9223372036854775808", Scalar::Int(i64::MIN)),
            ("18446744073709551615", Scalar::Uint(u64::MAX)),
            ("+18446744073709551615", Scalar::Float(18_446_744_073_709_551_615.0)),
            (".5", Scalar::Float(0.5)),
            ("5.", Scalar::Float(5.0)),
            ("1e400", Scalar::Str),
            ("_1", Scalar::Str),
            ("0x", Scalar::Str),
            ("+", Scalar::Str),
            ("1:20", Scalar::Str),
            ("", Scalar::Null),
        ] {
            assert_eq!(untagged(text), want, "{text:?}");
        }
    }

    #[test]
    fn tags_decide_or_refuse() {
        let core = |name: &str| format!("tag:yaml.org,2002:{name}");
        assert_eq!(resolve("1", true, Some(&core("str"))), Ok(Scalar::Str));
        assert_eq!(resolve("5", false, Some(&core("int"))), Ok(Scalar::Int(5)));
        assert_eq!(resolve("aGk=", true, Some(&core("binary"))), Ok(Scalar::Owned("hi".into())));
        assert_eq!(resolve("2001-12-14", true, Some(&core("timestamp"))), Ok(Scalar::Str));
        assert_eq!(resolve("5", true, Some("!")), Ok(Scalar::Str));
        assert!(resolve("1.5", true, Some(&core("int"))).is_err());
        assert!(resolve("x", true, Some(&core("null"))).is_err());
    }

    #[test]
    fn float_keys_are_written_as_go_writes_32_bit_floats() {
        for (value, want) in [
            (1.0, "1"),
            (1.5, "1.5"),
            (1000.0, "1000"),
            (100_000.0, "100000"),
            (1_000_000.0, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (0.1, "0.1"),
            (16_777_217.0, "1.6777216e+07"),
            (3.333_333_333_333, "3.3333333"),
            (-2.5e10, "-2.5e+10"),
            (f64::INFINITY, ".inf"),
        ] {
            assert_eq!(float_key(value), want);
        }
    }
}
