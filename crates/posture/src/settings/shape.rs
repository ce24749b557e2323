//! Holds a TOML document against a JSON schema: unknown keys and wrong types, all of them at once.

use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::suggest;

/// Something that does not fit.
pub(super) struct Misfit {
    /// The way to it: `scan.fail-on`, `exceptions[0].rules`.
    pub(super) path: String,
    /// Where it is written.
    pub(super) span: Range<usize>,
    /// What is wrong, as a sentence without full stop.
    pub(super) message: String,
}

/// Finds what does not fit, and takes it out, so that the rest can be read and judged in the same run.
pub(super) fn fit(schema: &Value, table: &mut DeTable<'_>, misfits: &mut Vec<Misfit>) {
    fit_table(schema, table, "", misfits);
}

fn fit_table(schema: &Value, table: &mut DeTable<'_>, path: &str, misfits: &mut Vec<Misfit>) {
    let properties = schema.get("properties").and_then(Value::as_object);
    let others = schema.get("additionalProperties").filter(|others| others.is_object());
    for (key, mut value) in std::mem::take(table) {
        let name: &str = key.get_ref();
        let within = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let Some(schema) = properties.and_then(|known| known.get(name)).or(others) else {
            let known = properties.into_iter().flat_map(|known| known.keys().map(String::as_str));
            let meant = suggest::did_you_mean(suggest::nearest(name, known));
            let message = format!("there is no key {within}{meant}");
            misfits.push(Misfit { path: within, span: key.span(), message });
            continue;
        };
        if fit_value(schema, &mut value, &within, misfits) {
            table.insert(key, value);
        }
    }
}

/// Whether the value as a whole fits; parts of it that do not are taken out.
fn fit_value(
    schema: &Value,
    value: &mut Spanned<DeValue<'_>>,
    path: &str,
    misfits: &mut Vec<Misfit>,
) -> bool {
    let wanted = schema.get("type").and_then(Value::as_str).unwrap_or_default();
    let span = value.span();
    match (wanted, value.get_mut()) {
        ("string", DeValue::String(_)) | ("boolean", DeValue::Boolean(_)) => true,
        ("object", DeValue::Table(table)) => {
            fit_table(schema, table, path, misfits);
            true
        }
        ("array", DeValue::Array(array)) => {
            let items = schema.get("items").unwrap_or(&Value::Null);
            let fitting = std::mem::replace(array, DeArray::new()).into_iter().enumerate();
            *array = fitting
                .filter_map(|(index, mut item)| {
                    fit_value(items, &mut item, &format!("{path}[{index}]"), misfits).then_some(item)
                })
                .collect();
            true
        }
        // TOML has dates, and who writes one without quotes means no other.
        ("string", date @ DeValue::Datetime(_))
            if schema.get("format").and_then(Value::as_str) == Some("date") =>
        {
            if let DeValue::Datetime(written) = date {
                *date = DeValue::String(written.to_string().into());
            }
            true
        }
        (wanted, other) => {
            let expected = match wanted {
                "string" => "a string",
                "boolean" => "true or false",
                "array" => "an array",
                _ => "a table",
            };
            let message = format!("{path}: expected {expected}, got {}", described(other));
            misfits.push(Misfit { path: path.to_owned(), span, message });
            false
        }
    }
}

const fn described(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
