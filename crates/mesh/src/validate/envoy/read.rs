//! Reading a patch's value. Source: github.com/golang/protobuf `jsonpb/decode.go`.

use ringwall_model::path::FieldPath;
use ringwall_model::tree::{Kind as NodeKind, Node};

use super::{Field, Kind, Many, Message, Pool, Special};
use crate::validate::Complaint;
use crate::validate::proto::{Type, Value, check, described, mismatch, number_key_error};
use crate::validate::words::quoted;

const OBJECT: &str = "map[string]json.RawMessage";
const ARRAY: &str = "[]json.RawMessage";

/// What keeps a value from being a message of this name, in the words of Go's decoder; where it is strict, also a field that the message does not have.
pub(in crate::validate) fn read(value: &Value<'_>, name: &str, is_strict: bool) -> Result<(), Complaint> {
    let pool = Pool::get();
    let reader = Reader { pool, is_strict };
    match pool.message(name).and_then(|at| pool.messages.get(at)) {
        Some(message) => reader.message(value.node, message, &value.path, &[]),
        None => Ok(()),
    }
}

struct Reader {
    pool: &'static Pool,
    is_strict: bool,
}

/// How deep messages are looked into. No deeper ones are found in practice; the reference has no bound.
pub(super) const DEEPEST: usize = 100;

type Read = Result<(), Complaint>;

fn wrong(path: &FieldPath, message: String) -> Read {
    Err(Complaint::new(path.clone(), message))
}

fn expect(node: Node<'_>, kind: NodeKind, into: &str, prefix: &str, path: &FieldPath) -> Read {
    if node.kind() == kind {
        return Ok(());
    }
    wrong(path, format!("{prefix}{}", mismatch(described(node), into)))
}

impl Reader {
    /// A message; `taken` are names that are no fields of it.
    fn message(&self, node: Node<'_>, message: &Message, path: &FieldPath, taken: &[&str]) -> Read {
        if node.is_null() || path.len() > 2 * DEEPEST {
            return Ok(());
        }
        match message.special {
            Special::Any => return self.any(node, path),
            Special::Value => return Ok(()),
            Special::ListValue => return expect(node, NodeKind::Sequence, ARRAY, "bad ListValue: ", path),
            Special::Timestamp => return expect(node, NodeKind::String, "string", "", path),
            Special::Plain | Special::None => {}
        }
        expect(node, NodeKind::Mapping, OBJECT, "", path)?;
        for field in &message.fields {
            // Both names are known; that in JSON comes first.
            let entry = node.entry(&field.json).or_else(|| node.entry(field.proto));
            if let Some(entry) = entry.filter(|entry| !entry.value.is_null()) {
                self.field(entry.value, field, &path.clone().key(entry.key))?;
            }
        }
        let is_known = |key: &str| {
            taken.contains(&key) || message.fields.iter().any(|field| field.json == key || field.proto == key)
        };
        let mut entries = node.entries();
        match entries.find(|entry| self.is_strict && !is_known(entry.key)) {
            Some(entry) => {
                let message = format!("unknown field {} in {}", quoted(entry.key), message.name);
                wrong(&path.clone().key(entry.key), message)
            }
            None => Ok(()),
        }
    }

    fn field(&self, node: Node<'_>, field: &Field, path: &FieldPath) -> Read {
        match field.many {
            Many::One => self.single(node, field.kind, path),
            Many::List => {
                expect(node, NodeKind::Sequence, ARRAY, "", path)?;
                let mut items = node.items().enumerate();
                items.try_for_each(|(index, item)| self.single(item, field.kind, &path.clone().index(index)))
            }
            Many::Map | Many::NumberMap(_) => {
                expect(node, NodeKind::Mapping, OBJECT, "", path)?;
                for entry in node.entries() {
                    let path = path.clone().key(entry.key);
                    if let Many::NumberMap(into) = field.many
                        && let Some(message) = number_key_error(entry.key, into)
                    {
                        return wrong(&path, message);
                    }
                    self.single(entry.value, field.kind, &path)?;
                }
                Ok(())
            }
        }
    }

    fn single(&self, node: Node<'_>, kind: Kind, path: &FieldPath) -> Read {
        match kind {
            Kind::Plain(kind) => check(&Value { node, path: path.clone(), kind }),
            Kind::Message(at) => match self.pool.messages.get(at) {
                Some(message) => self.message(node, message, path, &[]),
                None => Ok(()),
            },
            Kind::Enum(at) => match (self.pool.enums.get(at), node.as_str()) {
                (Some(choices), Some(text)) if !choices.values.contains(&text) => {
                    let text = quoted(&format!("\"{text}\""));
                    wrong(path, format!("unknown value {text} for enum {}", choices.name))
                }
                (_, Some(_)) => Ok(()),
                (_, None) => check(&Value { node, path: path.clone(), kind: Type::Number }),
            },
        }
    }

    /// A message that says of which type it is.
    fn any(&self, node: Node<'_>, path: &FieldPath) -> Read {
        expect(node, NodeKind::Mapping, OBJECT, "", path)?;
        let Some(named) = node.get("@type") else {
            return wrong(path, "Any JSON doesn't have '@type'".to_owned());
        };
        let at = path.clone().key("@type");
        let Some(url) = named.as_str().or_else(|| named.is_null().then_some("")) else {
            return wrong(&at, format!("can't unmarshal Any's '@type': {}", quoted(named.raw())));
        };
        let name = url.rsplit('/').next().unwrap_or_default();
        let Some(message) = self.pool.message(name).and_then(|at| self.pool.messages.get(at)) else {
            return wrong(&at, format!("could not resolve Any message type: {url}"));
        };
        let nested = |mut complaint: Complaint| {
            complaint.message = format!("can't unmarshal Any nested proto {url}: {}", complaint.message);
            complaint
        };
        if message.special == Special::None {
            return self.message(node, message, path, &["@type"]).map_err(nested);
        }
        let Some(value) = node.get("value") else {
            return wrong(path, "Any JSON doesn't have 'value'".to_owned());
        };
        let path = path.clone().key("value");
        let kind = super::plain(&format!(".{name}"));
        match kind {
            Some(kind) => check(&Value { node: value, path, kind }),
            None => self.message(value, message, &path, &[]),
        }
        .map_err(nested)
    }
}
