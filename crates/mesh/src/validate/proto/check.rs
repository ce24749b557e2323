//! What keeps an object from being read at all.

use ringwall_model::tree::Kind;

use super::duration::duration;
use super::json::{described, escaped, json_integer, mismatch, number_error};
use super::{Type, Value};
use crate::validate::Complaint;
use crate::validate::words::quoted;

const OBJECT: &str = "map[string]json.RawMessage";

/// The first thing in the order of the messages that is of no type that its field takes, in the words of Go's decoder. A `null` is nothing.
pub(in crate::validate) fn check(value: &Value<'_>) -> Result<(), Complaint> {
    let node = value.node;
    if node.is_null() {
        return Ok(());
    }
    let wrong = |message: String| Err(Complaint::new(value.path.clone(), message));
    let expect = |kind: Kind, into: &str| {
        if node.kind() == kind { Ok(()) } else { wrong(mismatch(described(node), into)) }
    };
    let whole = |into: &str, from: i128, to: i128| {
        let fits = |number: &str| json_integer(number).is_some_and(|number| (from..=to).contains(&number));
        number_error(node, into, fits).map_or(Ok(()), wrong)
    };
    // Unlike other numbers, not from a text.
    let number = || match node.as_str() {
        Some(_) => wrong(mismatch("string", "protoreflect.EnumNumber")),
        None => whole("protoreflect.EnumNumber", i32::MIN.into(), i32::MAX.into()),
    };
    match value.kind {
        Type::Number => number(),
        Type::Bool => expect(Kind::Bool, "bool"),
        Type::Int32 => whole("int32", i32::MIN.into(), i32::MAX.into()),
        Type::Int64 => whole("int64", i64::MIN.into(), i64::MAX.into()),
        Type::Uint32 => whole("uint32", 0, u32::MAX.into()),
        Type::Uint64 => whole("uint64", 0, u64::MAX.into()),
        Type::Float | Type::Double if matches!(node.as_str(), Some("NaN" | "Infinity" | "-Infinity")) => {
            Ok(())
        }
        Type::Double => {
            let fits = |number: &str| number.parse().is_ok_and(|number: f64| number.is_finite());
            number_error(node, "float64", fits).map_or(Ok(()), wrong)
        }
        Type::Float => {
            let fits = |number: &str| number.parse().is_ok_and(|number: f32| number.is_finite());
            number_error(node, "float32", fits).map_or(Ok(()), wrong)
        }
        Type::Text => expect(Kind::String, "string"),
        Type::Bytes if node.as_str().is_some_and(|text| base64_error(text).is_none()) => Ok(()),
        Type::Bytes => match node.as_str().and_then(base64_error) {
            Some(at) => wrong(format!("illegal base64 data at input byte {at}")),
            None => wrong(mismatch(described(node), "[]uint8")),
        },
        Type::Duration => {
            expect(Kind::String, "string")?;
            match duration(node.as_str().unwrap_or_default()) {
                Ok(_) => Ok(()),
                Err(error) => wrong(format!("bad Duration: {error}")),
            }
        }
        Type::Struct if node.kind() == Kind::Mapping => Ok(()),
        Type::Struct => wrong(format!("bad StructValue: {}", mismatch(described(node), OBJECT))),
        Type::Enum(choices) => match node.as_str() {
            Some(text) if choices.values.iter().any(|(name, _)| *name == text) => Ok(()),
            Some(text) => {
                let text = quoted(&format!("\"{}\"", escaped(text)));
                wrong(format!("unknown value {text} for enum {}", choices.name))
            }
            None => number(),
        },
        Type::Message(message) => {
            expect(Kind::Mapping, OBJECT)?;
            let mut fields = message.fields.iter().filter_map(|field| value.find(field));
            fields.try_for_each(|field| check(&field))
        }
        Type::List(kind) => {
            expect(Kind::Sequence, "[]json.RawMessage")?;
            let item = |(index, node)| Value { node, path: value.path.clone().index(index), kind: *kind };
            node.items().enumerate().map(item).try_for_each(|item| check(&item))
        }
        Type::Map(kind) | Type::NumberMap(kind) => {
            expect(Kind::Mapping, OBJECT)?;
            for entry in node.entries() {
                let at = Value { node: entry.value, path: value.path.clone().key(entry.key), kind: *kind };
                if matches!(value.kind, Type::NumberMap(_)) {
                    let error = number_key_error(entry.key, "uint32");
                    error.map_or(Ok(()), |message| Err(Complaint::new(at.path.clone(), message)))?;
                }
                check(&at)?;
            }
            Ok(())
        }
    }
}

/// What is wrong with a key of a map from numbers of this type.
pub(in crate::validate) fn number_key_error(key: &str, into: &str) -> Option<String> {
    if let Some(message) = super::json::syntax_error(key) {
        return Some(message);
    }
    let range = if into == "uint32" { 0..=u32::MAX.into() } else { i64::MIN.into()..=i64::MAX.into() };
    let fits = json_integer(key).is_some_and(|number| range.contains(&number));
    (!fits).then(|| mismatch(&format!("number {key}"), into))
}

/// The byte at which a text is no base64. Source: Go's `encoding/base64`, `StdEncoding` (`decodeQuantum`).
fn base64_error(text: &str) -> Option<usize> {
    let bytes: Vec<(usize, u8)> =
        text.bytes().enumerate().filter(|(_, byte)| !matches!(byte, b'\r' | b'\n')).collect();
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let end = text.len();
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let letters = rest.iter().take(4).take_while(|(_, byte)| is_letter(*byte)).count();
        let next = rest.get(letters);
        match (letters, next) {
            (4, _) => rest = rest.get(4..).unwrap_or_default(),
            (_, None) => return Some(end - letters),
            (2, Some((at, b'='))) => match rest.get(3) {
                None => return Some(end),
                Some((_, b'=')) => return rest.get(4).map(|(at, _)| *at),
                Some(_) => return Some(*at),
            },
            (3, Some((_, b'='))) => return rest.get(4).map(|(at, _)| *at),
            (_, Some((at, _))) => return Some(*at),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::base64_error;

    #[test]
    fn base64_is_as_go_reads_it() {
        for good in ["", "YQ==", "YWI=", "YWJj", "YW\nJj"] {
            assert_eq!(base64_error(good), None, "{good}");
        }
        for (bad, at) in
            [("YQ", 0), ("YQ=", 3), ("!", 0), ("YWJjYQ", 4), ("YQ==a", 4), ("YQ=a", 2), ("Y=", 1)]
        {
            assert_eq!(base64_error(bad), Some(at), "{bad}");
        }
    }
}
