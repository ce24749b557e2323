//! Envoy's own messages, which a patch of an `EnvoyFilter` holds.
//!
//! The table `messages/envoy.txt` is read by reflection from what istio.io/istio `pkg/config/xds` links (program `messages/envoy/main.go`). It is read
//! when the first patch is looked at.

mod read;
mod typed;

use std::collections::HashMap;
use std::sync::OnceLock;

use super::proto::Type;

pub(super) use read::read;
pub(super) use typed::untyped;

/// All messages and enums.
pub(super) struct Pool {
    messages: Vec<Message>,
    enums: Vec<Enum>,
    by_name: HashMap<String, usize>,
}

struct Message {
    /// Its full name.
    name: String,
    special: Special,
    fields: Vec<Field>,
}

/// Messages that have forms of their own in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Special {
    None,
    Any,
    Value,
    ListValue,
    Timestamp,
    /// A duration, an object, a wrapped scalar.
    Plain,
}

struct Enum {
    name: String,
    values: Vec<&'static str>,
}

struct Field {
    proto: &'static str,
    json: String,
    group: Option<u8>,
    many: Many,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Many {
    One,
    List,
    /// From texts.
    Map,
    /// From numbers of a type.
    NumberMap(&'static str),
}

#[derive(Clone, Copy)]
enum Kind {
    Plain(Type),
    Message(usize),
    Enum(usize),
}

/// The types that have names of their own.
fn plain(name: &str) -> Option<Type> {
    Some(match name {
        "bool" | ".google.protobuf.BoolValue" => Type::Bool,
        "int32" | "sint32" | "sfixed32" | ".google.protobuf.Int32Value" => Type::Int32,
        "int64" | "sint64" | "sfixed64" | ".google.protobuf.Int64Value" => Type::Int64,
        "uint32" | "fixed32" | ".google.protobuf.UInt32Value" => Type::Uint32,
        "uint64" | "fixed64" | ".google.protobuf.UInt64Value" => Type::Uint64,
        "float" | ".google.protobuf.FloatValue" => Type::Float,
        "double" | ".google.protobuf.DoubleValue" => Type::Double,
        "string" | ".google.protobuf.StringValue" => Type::Text,
        "bytes" | ".google.protobuf.BytesValue" => Type::Bytes,
        ".google.protobuf.Duration" => Type::Duration,
        ".google.protobuf.Struct" => Type::Struct,
        _ => return None,
    })
}

/// A field's name in JSON. Source: google.golang.org/protobuf `internal/strs` (`JSONCamelCase`).
fn camel_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut is_after = false;
    for c in name.chars() {
        if c != '_' {
            out.push(if is_after { c.to_ascii_uppercase() } else { c });
        }
        is_after = c == '_';
    }
    out
}

impl Pool {
    pub(super) fn get() -> &'static Self {
        static POOL: OnceLock<Pool> = OnceLock::new();
        POOL.get_or_init(|| Self::parse(include_str!("../../../messages/envoy.txt")))
    }

    /// Reads the table. A type that is not there makes its field one that is not known; a test says that there is none.
    fn parse(text: &'static str) -> Self {
        let mut pool = Self { messages: Vec::new(), enums: Vec::new(), by_name: HashMap::new() };
        let (mut enum_names, mut package) = (HashMap::new(), "");
        // Names first, because types stand before what they name.
        for line in text.lines() {
            match line.split_once(' ') {
                Some(("package", name)) => package = name,
                Some(("message", name)) => {
                    let name = format!("{package}.{name}");
                    pool.by_name.insert(name.clone(), pool.messages.len());
                    let special = Special::of(&name);
                    pool.messages.push(Message { name, special, fields: Vec::new() });
                }
                Some(("enum", rest)) => {
                    let mut words = rest.split(' ');
                    let name = format!("{package}.{}", words.next().unwrap_or_default());
                    let values = words.filter_map(|word| Some(word.split_once('=')?.0)).collect();
                    enum_names.insert(name.clone(), pool.enums.len());
                    pool.enums.push(Enum { name, values });
                }
                _ => {}
            }
        }
        let mut current = None;
        for line in text.lines() {
            match line.split_once(' ') {
                Some(("package", name)) => package = name,
                Some(("message", _)) => current = current.map_or(Some(0), |at| Some(at + 1)),
                Some((word, rest)) => {
                    let Some(proto) = word.strip_prefix('\t') else { continue };
                    let message = current.and_then(|at: usize| pool.messages.get_mut(at));
                    let field = field(proto, rest, package, &pool.by_name, &enum_names);
                    if let (Some(message), Some(field)) = (message, field) {
                        message.fields.push(field);
                    }
                }
                None => {}
            }
        }
        pool
    }

    /// A message by its full name.
    fn message(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }
}

impl Special {
    fn of(name: &str) -> Self {
        match name {
            "google.protobuf.Any" => Self::Any,
            "google.protobuf.Value" => Self::Value,
            "google.protobuf.ListValue" => Self::ListValue,
            "google.protobuf.Timestamp" => Self::Timestamp,
            _ if plain(&format!(".{name}")).is_some() => Self::Plain,
            _ => Self::None,
        }
    }
}

fn field(
    proto: &'static str,
    rest: &'static str,
    package: &str,
    messages: &HashMap<String, usize>,
    enums: &HashMap<String, usize>,
) -> Option<Field> {
    let (group, rest) = match rest.split_once('/') {
        Some((group, rest)) => (group.parse().ok(), rest),
        None => (None, rest),
    };
    let (many, name) = if let Some(name) = rest.strip_prefix('*') {
        (Many::List, name)
    } else if let Some(map) = rest.strip_prefix('%') {
        let (key, name) = map.split_once(' ')?;
        let number = match key {
            "string" => None,
            "int64" => Some("int64"),
            _ => Some("uint32"),
        };
        (number.map_or(Many::Map, Many::NumberMap), name)
    } else {
        (Many::One, rest)
    };
    let kind = match plain(name) {
        Some(kind) => Kind::Plain(kind),
        None => {
            let full = name.strip_prefix('.').map_or_else(|| format!("{package}.{name}"), str::to_owned);
            match (messages.get(&full), enums.get(&full)) {
                (Some(at), _) => Kind::Message(*at),
                (None, Some(at)) => Kind::Enum(*at),
                (None, None) => return None,
            }
        }
    };
    Some(Field { proto, json: camel_case(proto), group, many, kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table_is_read() {
        let pool = Pool::get();
        let fields: usize = pool.messages.iter().map(|message| message.fields.len()).sum();
        let lines = include_str!("../../../messages/envoy.txt").lines();
        assert_eq!(fields, lines.filter(|line| line.starts_with('\t')).count());
        let filter =
            pool.message("envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter").unwrap();
        let names: Vec<&str> = pool.messages[filter].fields.iter().map(|field| field.json.as_str()).collect();
        assert_eq!(names, ["name", "typedConfig", "configDiscovery", "isOptional", "disabled"]);
    }
}
