//! How a file indents, and values in block style.

use std::collections::BTreeMap;

use ringwall_model::fix::Value;
use ringwall_model::tree::{Kind, Node};

use crate::scalar::{self, Quote};
use crate::text::Text;

/// How block style is written: by how many columns collections are moved, as seen from the mapping that holds them, and
/// what is quoted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// Of a mapping in a mapping.
    step: usize,
    /// Of the dashes of a list in a mapping. kubectl writes them where the key is.
    dash: usize,
    /// The quotes of keys.
    keys: Quote,
    /// The quotes of values.
    strings: Quote,
}

impl Look {
    /// What most people write.
    pub(crate) const PLAIN: Self = Self { step: 2, dash: 2, keys: Quote::Plain, strings: Quote::Plain };

    /// With the quotes of an object that has all its keys, or all its texts, in the same.
    pub(crate) fn quoted_as(self, text: Text<'_>, object: Node<'_>) -> Self {
        let (mut keys, mut strings) = (None, None);
        let mut todo = vec![object];
        while let Some(node) = todo.pop() {
            if node.is_taken() {
                continue;
            }
            if node.kind() == Kind::String {
                common(&mut strings, Quote::of(node.raw()));
            }
            todo.extend(node.items());
            for written in node.written_entries() {
                let span = written.entry.key_span;
                common(&mut keys, Quote::of(text.slice(span.start as usize, span.end as usize)));
                todo.push(written.entry.value);
            }
        }
        Self { keys: keys.unwrap_or_default(), strings: strings.unwrap_or_default(), ..self }
    }

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
        Self {
            step: pick(&here.steps, &document.steps, 2),
            dash: pick(&here.dashes, &document.dashes, 0),
            keys: Quote::Plain,
            strings: Quote::Plain,
        }
    }
}

/// The quotes of all so far: none where two differ.
fn common(quotes: &mut Option<Quote>, quote: Quote) {
    let same = quotes.is_none_or(|all| all == quote);
    *quotes = Some(if same { quote } else { Quote::Plain });
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
            // A tag before the first key may make a mapping seem to begin where the one around it does; none does.
            let least = usize::from(value.kind() == Kind::Mapping);
            if let Some(moved) = column.checked_sub(from).filter(|moved| *moved >= least) {
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
pub(crate) fn entry(key: &str, value: &Value, column: usize, look: Look, out: &mut Vec<String>) {
    let pad = " ".repeat(column);
    let key = scalar::text(key, look.keys, false);
    match scalar::inline(value, look.strings, false) {
        Some(text) => out.push(format!("{pad}{key}: {text}")),
        None => {
            out.push(format!("{pad}{key}:"));
            nested(value, column, look, out);
        }
    }
}

/// The lines of a collection below a key that begins at `column`.
pub(crate) fn nested(value: &Value, column: usize, look: Look, out: &mut Vec<String>) {
    let moved = if matches!(value, Value::List(_)) { look.dash } else { look.step };
    block(value, column + moved, look, out);
}

/// The lines of a collection that is not empty, at `column`.
pub(crate) fn block(value: &Value, column: usize, look: Look, out: &mut Vec<String>) {
    match value {
        Value::Mapping(entries) => {
            for (key, value) in entries {
                entry(key, value, column, look, out);
            }
        }
        Value::List(items) => items.iter().for_each(|value| item(value, column, look.strings, look, out)),
        _ => {}
    }
}

/// The lines of a list item whose dash stands at `column`.
pub(crate) fn item(value: &Value, column: usize, quote: Quote, look: Look, out: &mut Vec<String>) {
    if let Some(text) = scalar::inline(value, quote, false) {
        out.push(format!("{}- {text}", " ".repeat(column)));
        return;
    }
    item_at(value, column, column + 2, look, out);
}

/// As [`item`], of a collection that is not empty and stands at the column `within`.
pub(crate) fn item_at(value: &Value, column: usize, within: usize, look: Look, out: &mut Vec<String>) {
    let first = out.len();
    block(value, within, look, out);
    if let Some(line) = out.get_mut(first) {
        let gap = within.saturating_sub(column + 1).max(1);
        *line = format!("{}-{}{}", " ".repeat(column), " ".repeat(gap), line.trim_start());
    }
}
