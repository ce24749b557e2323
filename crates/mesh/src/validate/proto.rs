//! Objects as protobuf reads them from JSON: which type each field has, and what is none.
//!
//! Sources: github.com/golang/protobuf `jsonpb/decode.go`, which istiod converts objects with (istio.io/istio
//! `pkg/util/protomarshal/protomarshal.go`, `ApplyJSON`): unknown fields are passed over, `null` is as if nothing were written (in a list
//! it is an empty element), numbers may be written as texts, enums as numbers, and fields by their names in protobuf.

use ringwall_model::near::nearest;
use ringwall_model::path::FieldPath;
use ringwall_model::tree::{Kind, Node};

use super::Complaint;

/// A type.
#[derive(Clone, Copy, Debug)]
pub(super) enum Type {
    Bool,
    Int32,
    Uint32,
    Uint64,
    Double,
    Text,
    Duration,
    /// Its names, from 0.
    Enum(&'static [&'static str]),
    Message(&'static Message),
    List(&'static Type),
    /// From texts.
    Map(&'static Type),
    /// From numbers.
    NumberMap(&'static Type),
}

/// A message: its fields, by their names in JSON.
#[derive(Debug)]
pub(super) struct Message(pub(super) &'static [(&'static str, Type)]);

/// A node and the way to it. A `null`, as it may stand in a list, has no fields.
#[derive(Clone, Debug)]
pub(super) struct Value<'t> {
    pub(super) node: Node<'t>,
    pub(super) path: FieldPath,
}

/// A field's name in protobuf: `portLevelMtls` is `port_level_mtls`.
fn in_proto(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

impl<'t> Value<'t> {
    /// What is under a field's name in JSON, else under that in protobuf. `null` is nothing.
    pub(super) fn get(&self, name: &str) -> Option<Self> {
        let entry = match self.node.entry(name) {
            Some(entry) => entry,
            None if name.bytes().any(|byte| byte.is_ascii_uppercase()) => self.node.entry(&in_proto(name))?,
            None => return None,
        };
        let path = self.path.clone().key(entry.key);
        (!entry.value.is_null()).then_some(Self { node: entry.value, path })
    }

    /// The way to a field, also where it is not written.
    pub(super) fn at(&self, name: &str) -> FieldPath {
        self.get(name).map_or_else(|| self.path.clone().key(name), |field| field.path)
    }

    /// The elements of a list.
    pub(super) fn items(&self, name: &str) -> Vec<Self> {
        let Some(list) = self.get(name) else { return Vec::new() };
        let item = |(index, node)| Self { node, path: list.path.clone().index(index) };
        list.node.items().enumerate().map(item).collect()
    }

    /// The texts of a list.
    pub(super) fn texts(&self, name: &str) -> Vec<(FieldPath, &'t str)> {
        let text = |value: Self| (value.path, value.node.as_str().unwrap_or_default());
        self.items(name).into_iter().map(text).collect()
    }

    /// The text of a field; nothing is an empty one.
    pub(super) fn text(&self, name: &str) -> &'t str {
        self.get(name).and_then(|field| field.node.as_str()).unwrap_or_default()
    }

    /// The number of a field; nothing is 0.
    pub(super) fn number(&self, name: &str) -> i128 {
        self.get(name).and_then(|field| integer(field.node)).unwrap_or(0)
    }

    /// The number that this is; anything else is 0.
    pub(super) fn integer(&self) -> i128 {
        integer(self.node).unwrap_or(0)
    }

    /// The number of a field that may have a fraction; nothing where none is written.
    pub(super) fn double(&self, name: &str) -> Option<f64> {
        self.get(name).and_then(|field| double(field.node))
    }

    /// Whether a field is `true`.
    pub(super) fn is_true(&self, name: &str) -> bool {
        self.get(name).and_then(|field| field.node.as_bool()).unwrap_or(false)
    }

    /// Which of the names an enum has, from 0.
    pub(super) fn choice(&self, name: &str, names: &[&str]) -> i128 {
        let Some(field) = self.get(name) else { return 0 };
        match field.node.as_str() {
            Some(text) => names
                .iter()
                .position(|known| *known == text)
                .and_then(|at| i128::try_from(at).ok())
                .unwrap_or(0),
            None => integer(field.node).unwrap_or(0),
        }
    }

    /// The nanoseconds of a duration.
    pub(super) fn duration(&self, name: &str) -> Option<i128> {
        self.get(name).and_then(|field| duration(field.node.as_str()?).ok())
    }

    /// The entries of a map.
    pub(super) fn entries(&self, name: &str) -> Vec<(&'t str, Self)> {
        let Some(map) = self.get(name) else { return Vec::new() };
        let entry = |entry: ringwall_model::tree::Entry<'t>| {
            (entry.key, Self { node: entry.value, path: map.path.clone().key(entry.key) })
        };
        map.node.entries().map(entry).collect()
    }
}

/// The integer that JSON or a text in it holds.
fn integer(node: Node<'_>) -> Option<i128> {
    match node.as_str() {
        Some(text) => json_integer(text),
        None => node.as_i64().map(i128::from).or_else(|| node.as_u64().map(i128::from)),
    }
}

/// An integer as JSON writes it: no leading zeros, no plus.
fn json_integer(text: &str) -> Option<i128> {
    let text = text.trim_matches(|c| matches!(c, ' ' | '\t' | '\r' | '\n'));
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_one =
        digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    (is_one && !digits.is_empty()).then(|| text.parse().ok())?
}

fn double(node: Node<'_>) -> Option<f64> {
    match node.as_str() {
        Some("NaN") => Some(f64::NAN),
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        Some(text)
            if text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')) =>
        {
            text.parse().ok()
        }
        Some(_) => None,
        None => node.as_f64().or_else(|| {
            // An integer counts as well.
            #[expect(clippy::cast_precision_loss, reason = "as Go reads a number into a float64")]
            node.as_i64().map(|number| number as f64)
        }),
    }
}

/// The nanoseconds of a duration as Go writes it: `1h15m30.918s`. Source: `ParseDuration` in Go's `time/format.go`.
pub(super) fn duration(text: &str) -> Result<i128, String> {
    const UNITS: [(&str, i128); 8] = [
        ("ns", 1),
        ("us", 1_000),
        ("µs", 1_000),
        ("μs", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];
    let wrong = || format!("bad Duration: time: invalid duration \"{text}\"");
    let (is_negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let number = rest.find(|c: char| c != '.' && !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (digits, after) = rest.split_at(number);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(wrong());
        }
        let end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        let (_, nanoseconds) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| wrong())? };
        total = whole.checked_mul(*nanoseconds).and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
        let mut scale = *nanoseconds;
        for digit in fraction.bytes() {
            scale /= 10;
            total += i128::from(digit - b'0') * scale;
        }
        if total > i128::from(i64::MAX) {
            return Err(wrong());
        }
        rest = next;
    }
    Ok(if is_negative { -total } else { total })
}

/// Complains of all that is of no type that its field takes. A `null` is nothing.
pub(super) fn check(value: &Value<'_>, message: &Message, complaints: &mut Vec<Complaint>) {
    if value.node.is_null() {
        return;
    }
    if value.node.kind() != Kind::Mapping {
        return wrong(value, Kind::Mapping.described(), complaints);
    }
    for (name, kind) in message.0 {
        if let Some(field) = value.get(name) {
            check_type(&field, *kind, complaints);
        }
    }
}

/// Complains of all fields that a message does not have.
pub(super) fn unknown(value: &Value<'_>, kind: Type, complaints: &mut Vec<Complaint>) {
    let children = || {
        let entries = value.node.entries();
        entries.map(|entry| (entry.key, Value { node: entry.value, path: value.path.clone().key(entry.key) }))
    };
    match kind {
        Type::Message(message) => {
            for (key, child) in children() {
                match message.0.iter().find(|(name, _)| *name == key) {
                    Some((_, kind)) => unknown(&child, *kind, complaints),
                    None => complaints.push(Complaint::new(child.path, unknown_message(key, message))),
                }
            }
        }
        Type::List(of) => {
            for (index, node) in value.node.items().enumerate() {
                unknown(&Value { node, path: value.path.clone().index(index) }, *of, complaints);
            }
        }
        Type::Map(of) | Type::NumberMap(of) => {
            for (_, child) in children() {
                unknown(&child, *of, complaints);
            }
        }
        _ => {}
    }
}

/// That a message has no such field, and which one may be meant.
fn unknown_message(key: &str, message: &Message) -> String {
    let names = || message.0.iter().map(|(name, _)| *name);
    let is_same = |name: &&str| name.eq_ignore_ascii_case(key) || in_proto(name) == key;
    match names().find(is_same).or_else(|| nearest(key, names())) {
        Some(name) => format!("unknown field \"{key}\"; \"{name}\" may be meant"),
        None => format!("unknown field \"{key}\""),
    }
}

fn wrong(value: &Value<'_>, expected: &str, complaints: &mut Vec<Complaint>) {
    let got = value.node.kind().described();
    complaints.push(Complaint::new(value.path.clone(), format!("expected {expected}, got {got}")));
}

fn check_type(value: &Value<'_>, kind: Type, complaints: &mut Vec<Complaint>) {
    let node = value.node;
    let is_within =
        |from: i128, to: i128| node.is_null() || integer(node).is_some_and(|n| (from..=to).contains(&n));
    match kind {
        Type::Bool if node.is_null() || node.as_bool().is_some() => {}
        Type::Bool => wrong(value, "true or false", complaints),
        Type::Int32 if is_within(i32::MIN.into(), i32::MAX.into()) => {}
        Type::Uint32 if is_within(0, u32::MAX.into()) => {}
        Type::Uint64 if is_within(0, u64::MAX.into()) => {}
        Type::Int32 | Type::Uint32 | Type::Uint64 => wrong(value, "an integer that fits", complaints),
        Type::Double if node.is_null() || double(node).is_some() => {}
        Type::Double => wrong(value, "a number", complaints),
        Type::Text if node.is_null() || node.as_str().is_some() => {}
        Type::Text => wrong(value, "a string", complaints),
        Type::Duration => match node.as_str().map(duration) {
            _ if node.is_null() => {}
            Some(Ok(_)) => {}
            Some(Err(error)) => complaints.push(Complaint::new(value.path.clone(), error)),
            None => wrong(value, "a duration as a string", complaints),
        },
        Type::Enum(names) => match node.as_str() {
            Some(text) if names.contains(&text) => {}
            Some(text) => {
                let message = format!("unknown value \"{text}\"; it is one of {}", names.join(", "));
                complaints.push(Complaint::new(value.path.clone(), message));
            }
            None if is_within(i32::MIN.into(), i32::MAX.into()) => {}
            None => wrong(value, "a string", complaints),
        },
        Type::Message(message) => check(value, message, complaints),
        Type::List(of) if node.kind() == Kind::Sequence => {
            for (index, node) in node.items().enumerate() {
                check_type(&Value { node, path: value.path.clone().index(index) }, *of, complaints);
            }
        }
        Type::List(_) => wrong(value, Kind::Sequence.described(), complaints),
        Type::Map(of) | Type::NumberMap(of) if node.kind() == Kind::Mapping => {
            let is_number = matches!(kind, Type::NumberMap(_));
            for entry in node.entries() {
                let at = Value { node: entry.value, path: value.path.clone().key(entry.key) };
                let is_key = json_integer(entry.key).is_some_and(|key| (0..=u32::MAX.into()).contains(&key));
                if is_number && !is_key {
                    complaints
                        .push(Complaint::new(at.path.clone(), format!("\"{}\" is no number", entry.key)));
                }
                check_type(&at, *of, complaints);
            }
        }
        Type::Map(_) | Type::NumberMap(_) => wrong(value, Kind::Mapping.described(), complaints),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_as_go_reads_them() {
        for (text, nanoseconds) in
            [("0", 0), ("1s", 1_000_000_000), ("1h0.5m", 3_630_000_000_000), ("-.5ms", -500_000)]
        {
            assert_eq!(duration(text), Ok(nanoseconds), "{text}");
        }
        for text in ["", "1", "s", "1x", ".s", "1..2s", "+", "9223372036854775808ns", "1s 2s", "é"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn integers_are_as_json_writes_them() {
        assert_eq!(json_integer("80"), Some(80));
        assert_eq!(json_integer("-1"), Some(-1));
        for text in ["", "080", "+1", "1.0", "acd", "-"] {
            assert_eq!(json_integer(text), None, "{text}");
        }
    }
}
