//! How a file indents, and values in block style.

use std::collections::BTreeMap;

use ringwall_model::fix::Value;
use ringwall_model::tree::{Kind, Node};

use crate::scalar::{self, Quote};
use crate::text::Text;

/// Columns that collections are moved by, as seen from the mapping that holds them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Indent {
    /// Of a mapping in a mapping.
    step: usize,
    /// Of the dashes of a list in a mapping. kubectl writes them where the key is.
    dash: usize,
}

impl Indent {
    /// What most people write.
    pub(crate) const PLAIN: Self = Self { step: 2, dash: 2 };

    /// As the entries of `near` have it, or most of the document.
    pub(crate) fn of(text: Text<'_>, near: Node<'_>) -> Self {
        let mut here = Counts::default();
        here.add(text, near);
        let mut document = Counts::default();
        if here.steps.is_empty() || here.dashes.is_empty() {
            let tree = near.tree();
            (0..tree.len() as u32).for_each(|index| document.add(text, tree.node(index)));
        }
        let pick = |here: &BTreeMap<usize, usize>, document, default| {
            most(here).or_else(|| most(document)).unwrap_or(default)
        };
        Self { step: pick(&here.steps, &document.steps, 2), dash: pick(&here.dashes, &document.dashes, 0) }
    }
}

#[derive(Default)]
struct Counts {
    steps: BTreeMap<usize, usize>,
    dashes: BTreeMap<usize, usize>,
}

impl Counts {
    /// Counts the block collections among the values of `mapping`.
    fn add(&mut self, text: Text<'_>, mapping: Node<'_>) {
        if mapping.kind() != Kind::Mapping || mapping.is_taken() {
            return;
        }
        for written in mapping.written_entries() {
            let (key, value) = (written.entry.key_span, written.entry.value);
            let start = value.span().start as usize;
            let below = start > key.end as usize && text.slice(key.end as usize, start).contains('\n');
            if value.is_taken() || !below {
                continue;
            }
            let (counts, column) = match value.kind() {
                Kind::Mapping if text.byte(start) != Some(b'{') => (&mut self.steps, text.column(start)),
                Kind::Sequence => {
                    let lead = text.lead(start);
                    let dash = text.line_start(start) + lead.len();
                    if text.byte(dash) != Some(b'-') {
                        continue;
                    }
                    (&mut self.dashes, lead.len())
                }
                _ => continue,
            };
            let from = text.column(key.start as usize);
            if let Some(moved) = column.checked_sub(from) {
                *counts.entry(moved).or_default() += 1;
            }
        }
    }
}

/// The most frequent; of equals the smallest.
fn most(counts: &BTreeMap<usize, usize>) -> Option<usize> {
    counts.iter().rev().max_by_key(|(_, count)| **count).map(|(moved, _)| *moved)
}

/// The lines of an entry whose key begins at `column`.
pub(crate) fn entry(key: &str, value: &Value, column: usize, indent: Indent, out: &mut Vec<String>) {
    let pad = " ".repeat(column);
    let key = scalar::text(key, Quote::Plain, false);
    match scalar::inline(value, Quote::Plain, false) {
        Some(text) => out.push(format!("{pad}{key}: {text}")),
        None => {
            out.push(format!("{pad}{key}:"));
            nested(value, column, indent, out);
        }
    }
}

/// The lines of a collection below a key that begins at `column`.
pub(crate) fn nested(value: &Value, column: usize, indent: Indent, out: &mut Vec<String>) {
    let moved = if matches!(value, Value::List(_)) { indent.dash } else { indent.step };
    block(value, column + moved, indent, out);
}

/// The lines of a collection that is not empty, at `column`.
pub(crate) fn block(value: &Value, column: usize, indent: Indent, out: &mut Vec<String>) {
    match value {
        Value::Mapping(entries) => {
            for (key, value) in entries {
                entry(key, value, column, indent, out);
            }
        }
        Value::List(items) => items.iter().for_each(|value| item(value, column, Quote::Plain, indent, out)),
        _ => {}
    }
}

/// The lines of a list item whose dash stands at `column`.
pub(crate) fn item(value: &Value, column: usize, quote: Quote, indent: Indent, out: &mut Vec<String>) {
    let pad = " ".repeat(column);
    if let Some(text) = scalar::inline(value, quote, false) {
        out.push(format!("{pad}- {text}"));
        return;
    }
    let first = out.len();
    block(value, column + 2, indent, out);
    if let Some(line) = out.get_mut(first) {
        *line = format!("{pad}- {}", line.trim_start());
    }
}
