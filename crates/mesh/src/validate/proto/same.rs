//! When two messages say the same.

use std::fmt::Write as _;

use super::{Type, Value, json};

impl Value<'_> {
    /// A text that is the same for two messages just where protobuf holds them for equal; fields of the outermost one with the name `except` aside.
    /// Costs a walk of the message.
    pub(in crate::validate) fn canonical(&self, except: &str) -> String {
        let mut text = String::new();
        self.write(except, &mut text);
        text
    }

    fn write(&self, except: &str, out: &mut String) {
        match self.kind {
            Type::Message(message) => {
                out.push('{');
                for field in message.fields.iter().filter(|field| field.json != except) {
                    let Some(value) = self.get(field.json) else { continue };
                    // What stands alone and is what nothing would be is as if it were not there.
                    if field.one_of.is_some() || !value.is_default() {
                        let _ = write!(out, "{}:", field.json);
                        value.write("", out);
                        out.push(',');
                    }
                }
                out.push('}');
            }
            Type::List(kind) => {
                out.push('[');
                for node in self.node.items() {
                    Value { node, path: self.path.clone(), kind: *kind }.write("", out);
                    out.push(',');
                }
                out.push(']');
            }
            Type::Map(kind) | Type::NumberMap(kind) => {
                let mut entries: Vec<_> = self.node.entries().collect();
                entries.sort_by(|a, b| a.key.cmp(b.key));
                out.push('{');
                for entry in entries {
                    let _ = write!(out, "{:?}:", entry.key);
                    Value { node: entry.value, path: self.path.clone(), kind: *kind }.write("", out);
                    out.push(',');
                }
                out.push('}');
            }
            Type::Bool => out.push_str(if self.node.as_bool() == Some(true) { "true" } else { "false" }),
            Type::Double => {
                let _ = write!(out, "{:?}", json::double(self.node));
            }
            Type::Int32 | Type::Int64 | Type::Uint32 | Type::Uint64 => {
                let _ = write!(out, "{}", self.integer());
            }
            _ => {
                let _ = write!(out, "{:?}", self.node.as_str());
            }
        }
    }

    fn is_default(&self) -> bool {
        match self.kind {
            Type::Text => self.as_text().is_empty(),
            Type::Int32 | Type::Int64 | Type::Uint32 | Type::Uint64 => self.integer() == 0,
            Type::Bool => self.node.as_bool() != Some(true),
            Type::List(_) => self.node.items().next().is_none(),
            Type::Map(_) | Type::NumberMap(_) => self.node.entries().next().is_none(),
            _ => false,
        }
    }
}
