//! Sets of keys for tokens. Source: github.com/lestrrat-go/jwx v1.2 `jwk` (`Parse`, `ParseKey`, the `UnmarshalJSON` of sets and keys).

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::Value as Json;

use super::proto::first_json_error;
use super::words::quoted;

/// The entries of an object in the order of its text.
struct Pairs(Vec<(String, Json)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Pairs;
            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        from.deserialize_map(Reader)
    }
}

/// Reads a set of keys, or one key, and says which of them are private. What follows on the first value is not looked at.
pub(super) fn read_keys(text: &str) -> Result<Vec<usize>, String> {
    let first = || serde_json::Deserializer::from_str(text);
    if let Some(error) = first_json_error(text) {
        return Err(error);
    }
    match text.trim_start().bytes().next() {
        Some(b'{') => {}
        // The reference takes a text for the name of a field.
        Some(b'"') => {
            let name = first().into_iter::<String>().next().and_then(Result::ok).unwrap_or_default();
            return Err(if name == "keys" {
                "failed to decode \"keys\": EOF".to_owned()
            } else {
                format!("failed to decode value for key {}: EOF", quoted(&name))
            });
        }
        Some(b'[') => return Err("expected '{', but got '['".to_owned()),
        _ => return Err("error reading token: EOF".to_owned()),
    }
    // What is nested deeper than is read here is taken for a set.
    let Some(Ok(Pairs(pairs))) = first().into_iter::<Pairs>().next() else { return Ok(Vec::new()) };
    let mut private = Vec::new();
    let mut is_set = false;
    for (_, value) in pairs.iter().filter(|(name, _)| name == "keys") {
        is_set = true;
        let keys = match value {
            Json::Null => continue,
            Json::Array(keys) => keys,
            other => {
                return Err(format!("failed to decode \"keys\": {}", mismatch(other, "[]json.RawMessage")));
            }
        };
        for (index, key) in keys.iter().enumerate() {
            // Kept as texts, so that the order of fields stays.
            let is_private = read_key(key)
                .map_err(|error| format!("failed to decode key #{index} in \"keys\": {error}"))?;
            if is_private {
                private.push(index);
            }
        }
    }
    if is_set {
        return Ok(private);
    }
    let whole = Json::Object(pairs.into_iter().collect());
    let is_private =
        read_key(&whole).map_err(|error| format!("failed to parse sole key in key set: {error}"))?;
    Ok(if is_private { vec![0] } else { Vec::new() })
}

fn described(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "bool",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}

fn mismatch(value: &Json, into: &str) -> String {
    format!("json: cannot unmarshal {} into Go value of type {into}", described(value))
}

/// A kind of key: its name in Go, the fields that it needs in the order in which they are missed, whether it is private.
struct Shape(&'static str, &'static [&'static str], bool);

/// Whether a key is private.
fn read_key(key: &Json) -> Result<bool, String> {
    let hint = |error: String| format!("failed to unmarshal JSON into key hint: {error}");
    let fields = match key {
        Json::Object(fields) => Some(fields),
        Json::Null => None,
        _ => {
            return Err(hint(mismatch(
                key,
                "struct { Kty string \"json:\\\"kty\\\"\"; D json.RawMessage \"json:\\\"d\\\"\" }",
            )));
        }
    };
    let kind = match fields.and_then(|fields| fields.get("kty")) {
        None | Some(Json::Null) => "",
        Some(Json::String(kind)) => kind.as_str(),
        Some(other) => {
            let what = described(other);
            return Err(hint(format!(
                "json: cannot unmarshal {what} into Go struct field .kty of type string"
            )));
        }
    };
    let has_private = fields.is_some_and(|fields| fields.contains_key("d"));
    let Shape(name, needed, is_private) = match (kind, has_private) {
        ("RSA", true) => Shape("rsaPrivateKey", &["d", "e", "n"], true),
        ("RSA", false) => Shape("rsaPublicKey", &["e", "n"], false),
        ("EC", true) => Shape("ecdsaPrivateKey", &["crv", "d", "x", "y"], true),
        ("EC", false) => Shape("ecdsaPublicKey", &["crv", "x", "y"], false),
        ("OKP", true) => Shape("okpPrivateKey", &["crv", "d", "x"], true),
        ("OKP", false) => Shape("okpPublicKey", &["crv", "x"], false),
        ("oct", _) => Shape("symmetricKey", &["k"], true),
        _ => return Err(format!("invalid key type from JSON ({kind})")),
    };
    let wrong = |error: String| Err(format!("failed to unmarshal JSON into key (*jwk.{name}): {error}"));
    let private: &[&str] = if name == "rsaPrivateKey" { &["dp", "dq", "p", "q", "qi"] } else { &[] };
    for (field, value) in fields.into_iter().flatten() {
        let failed = |error: String| wrong(format!("failed to decode value for key {field}: {error}"));
        let is_bytes =
            (needed.contains(&field.as_str()) || private.contains(&field.as_str())) && field != "crv";
        let is_text =
            is_bytes || matches!(field.as_str(), "alg" | "kid" | "use" | "x5t" | "x5t#S256" | "x5u");
        match value {
            Json::String(text) if is_bytes && !is_base64(text) => {
                return failed("expected base64 encoded []byte (string)".to_owned());
            }
            Json::String(_) | Json::Null => {}
            other if is_bytes => {
                return failed(format!("error reading next value: {}", mismatch(other, "string")));
            }
            other if is_text => {
                return failed(format!("error reading next value: {}", mismatch(other, "string")));
            }
            _ => {}
        }
    }
    let is_there = |name: &&&str| fields.is_some_and(|fields| fields.contains_key(**name));
    match needed.iter().find(|name| !is_there(name)) {
        Some(name) => wrong(format!("required field {name} is missing")),
        None => Ok(is_private),
    }
}

/// Whether a text is base64 of one of the four alphabets that it may be in. Source: `internal/base64/base64.go`.
fn is_base64(text: &str) -> bool {
    let is_standard = text.contains(['+', '/']);
    let is_letter =
        |byte: u8| byte.is_ascii_alphanumeric() || (if is_standard { b"+/" } else { b"-_" }).contains(&byte);
    let bytes: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let letters = bytes.iter().take_while(|byte| is_letter(**byte)).count();
    let padding = bytes.len() - letters;
    if !bytes.iter().skip(letters).all(|byte| *byte == b'=') || letters % 4 == 1 {
        return false;
    }
    padding == 0 && !text.ends_with('=') || (padding > 0 && padding == (4 - letters % 4) % 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_the_reference_reads_them() {
        assert_eq!(read_keys("{\"keys\":[]}"), Ok(Vec::new()));
        assert_eq!(read_keys("{\"keys\":[{\"kty\":\"oct\",\"k\":\"YQ\"}]} x"), Ok(vec![0]));
        for (text, message) in [
            ("", "EOF"),
            ("{", "unexpected EOF"),
            ("x", "invalid character 'x' looking for beginning of value"),
            ("{}", "failed to parse sole key in key set: invalid key type from JSON ()"),
            (
                "{\"keys\":1}",
                "failed to decode \"keys\": json: cannot unmarshal number into Go value of type []json.RawMessage",
            ),
        ] {
            assert_eq!(read_keys(text), Err(message.to_owned()), "{text}");
        }
    }
}
