//! Generated documents in mixed styles, and random changes.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::sample::Index;
use ringwall_edit::Reason;
use ringwall_model::fix::{Change, Value};
use ringwall_model::path::{FieldPath, Segment};
use serde_json::Value as Json;

use crate::meaning::{changed, edited};

/// How a document is written: choices are taken from it one after the other.
#[derive(Debug)]
struct Taste {
    choices: Vec<u8>,
    at: usize,
}

impl Taste {
    /// One of so many.
    fn of(&mut self, many: u8) -> u8 {
        self.at += 1;
        self.choices[self.at % self.choices.len()].wrapping_add((self.at / self.choices.len()) as u8) % many
    }

    fn comment(&mut self) -> &'static str {
        ["", "", "", " # c", "  # a: b"][self.of(5) as usize]
    }

    fn line(&mut self, pad: usize, out: &mut String) {
        match self.of(8) {
            0 => out.push('\n'),
            1 => out.push_str(&format!("{}# c: d\n", " ".repeat(pad))),
            2 => out.push_str(&format!("{}# deeper\n", " ".repeat(pad + 3))),
            _ => {}
        }
    }

    fn key(&mut self, key: &str) -> String {
        match self.of(6) {
            0 => format!("\"{key}\""),
            1 => format!("'{key}'"),
            2 => format!("{key} "),
            _ => key.to_owned(),
        }
    }

    /// A value behind a colon or a dash that stands at `pad`, and the end of its line.
    fn value(&mut self, value: &Json, pad: usize, list_moves: usize, item: bool, out: &mut String) {
        match value {
            Json::Object(entries) if !entries.is_empty() && self.of(5) > 0 => {
                let pad = pad + 2 + if item { 0 } else { 2 * self.of(2) as usize };
                let mut first = item && self.of(4) > 0;
                if !first {
                    let comment = self.comment();
                    let _ = writeln!(out, "{comment}");
                }
                for (key, value) in entries {
                    if first {
                        out.push(' ');
                    } else {
                        self.line(pad, out);
                        let _ = write!(out, "{}", " ".repeat(pad));
                    }
                    first = false;
                    let key = self.key(key);
                    let _ = write!(out, "{key}:");
                    self.value(value, pad, list_moves, false, out);
                }
            }
            Json::Array(items) if !items.is_empty() && self.of(4) > 0 => {
                let pad = pad + if item { 2 } else { list_moves };
                let mut first = item && self.of(4) > 0;
                if !first {
                    let comment = self.comment();
                    let _ = writeln!(out, "{comment}");
                }
                for value in items {
                    if first {
                        out.push_str(" -");
                    } else {
                        self.line(pad, out);
                        let _ = write!(out, "{}-", " ".repeat(pad));
                    }
                    first = false;
                    self.value(value, pad, list_moves, true, out);
                }
            }
            Json::String(text) if !item && text.len() > 3 && self.of(3) == 0 => {
                // As a block scalar, its text as it is; it reads as that text with one line break, or more.
                let header = ["|", "|-", "|+", ">", ">-", "|2"][self.of(6) as usize];
                let _ = writeln!(out, " {header}\n{}{text}", " ".repeat(pad + 2));
                (0..self.of(3)).for_each(|_| out.push('\n'));
            }
            value => {
                let mut flow = String::new();
                self.flow(value, pad + 4, &mut flow);
                let comment = self.comment();
                let space = if flow.is_empty() { "" } else { " " };
                let _ = writeln!(out, "{space}{flow}{comment}");
            }
        }
    }

    fn space(&mut self, pad: usize, out: &mut String) {
        match self.of(6) {
            0 => out.push(' '),
            1 => out.push_str(&format!(" # c\n{}", " ".repeat(pad))),
            2 => out.push_str(&format!("\n{}", " ".repeat(pad))),
            _ => {}
        }
    }

    fn flow(&mut self, value: &Json, pad: usize, out: &mut String) {
        let (open, close) = if value.is_array() { ('[', ']') } else { ('{', '}') };
        let parts: Vec<(Option<&String>, &Json)> = match value {
            Json::Object(entries) => entries.iter().map(|(key, value)| (Some(key), value)).collect(),
            Json::Array(items) => items.iter().map(|value| (None, value)).collect(),
            Json::Null if self.of(2) == 0 => return out.push('~'),
            Json::String(text) if self.of(2) == 0 && is_plain(text) => return out.push_str(text),
            scalar => return out.push_str(&scalar.to_string()),
        };
        out.push(open);
        let many = parts.len();
        for (nth, (key, value)) in parts.into_iter().enumerate() {
            self.space(pad, out);
            if let Some(key) = key {
                let quoted = self.of(2) == 0;
                let _ = if quoted { write!(out, "\"{key}\":") } else { write!(out, "{key}: ") };
            }
            self.flow(value, pad + 2, out);
            if nth + 1 < many || self.of(4) == 0 {
                self.space(pad, out);
                out.push(',');
            }
        }
        self.space(pad, out);
        out.push(close);
    }

    fn document(&mut self, value: &Json) -> String {
        let mut out = String::new();
        out.push_str(["", "---\n", "\u{feff}", "# top\n---\n# c\n"][self.of(4) as usize]);
        out.push_str(&self.body(value));
        self.end(out)
    }

    fn body(&mut self, value: &Json) -> String {
        let list_moves = 2 * self.of(2) as usize;
        let mut out = "apiVersion: v1\nkind: Pod\nspec:".to_owned();
        self.value(value, 0, list_moves, false, &mut out);
        out
    }

    /// The text with its end and its line ends.
    fn end(&mut self, mut out: String) -> String {
        match self.of(5) {
            0 => out.push_str("# end\n"),
            1 => out.push_str("...\n"),
            2 => drop(out.pop()),
            _ => {}
        }
        if self.of(4) == 0 {
            out = out.replace('\n', "\r\n");
        }
        out
    }

    /// Several objects: as documents, or as the items of a list.
    fn several(&mut self, values: &[Json]) -> String {
        let mut out = String::new();
        if self.of(2) == 0 {
            for (nth, value) in values.iter().enumerate() {
                let between = ["---\n", "# c\n---\n", "...\n---\n", "\n--- # d\n\n"][self.of(4) as usize];
                out.push_str(if nth == 0 { "" } else { between });
                out.push_str(&self.body(value));
            }
            return self.end(out);
        }
        out.push_str("apiVersion: v1\nkind: List\nitems:\n");
        let pad = " ".repeat(2 * self.of(2) as usize);
        for value in values {
            self.line(pad.len(), &mut out);
            out.push_str(&format!("{pad}-{}", [" ", " # c\n", "\n", " !!map\n"][self.of(4) as usize]));
            let begun = !out.ends_with('\n');
            for (nth, line) in self.body(value).split_inclusive('\n').enumerate() {
                out.push_str(&if begun && nth == 0 { String::new() } else { format!("{pad}  ") });
                out.push_str(line);
            }
        }
        self.end(out)
    }
}

/// Whether the generated text may stand without quotes.
fn is_plain(text: &str) -> bool {
    text.len() > 2
        && text.bytes().all(|byte| byte.is_ascii_lowercase())
        && text.starts_with('t')
        && text != "true"
}

fn value() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (0i64..200).prop_map(Json::from),
        "(t[a-z ]{0,6}[a-z]|[a-zä0-9:#\"']{0,8})".prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            1 => proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            2 => proptest::collection::btree_map("[a-h]", inner, 0..4)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

fn new_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        (0i64..200).prop_map(Value::Integer),
        "\\PC{0,6}".prop_map(Value::Text),
        "[a-z]{1,6}".prop_map(Value::Text),
        "[-#:{,' \"\\n&*~0-9a]{0,5}".prop_map(Value::Text),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::List),
            proptest::collection::btree_map("[a-h]|\\PC{1,3}", inner, 0..3)
                .prop_map(|map| Value::Mapping(map.into_iter().collect())),
        ]
    })
}

#[derive(Clone, Debug)]
struct Wish {
    place: Index,
    what: u8,
    below: Vec<&'static str>,
    value: Value,
}

fn wish() -> impl Strategy<Value = Wish> {
    let below = proptest::collection::vec(prop_oneof![Just("a"), Just("b"), Just("x")], 0..3);
    (any::<Index>(), 0u8..8, below, new_value()).prop_map(|(place, what, below, value)| Wish {
        place,
        what,
        below,
        value,
    })
}

fn paths(value: &Json, path: &FieldPath, out: &mut Vec<FieldPath>) {
    out.push(path.clone());
    match value {
        Json::Object(entries) => {
            for (key, value) in entries {
                let mut inner = path.clone();
                inner.push(Segment::key(key.as_str()));
                paths(value, &inner, out);
            }
        }
        Json::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| paths(value, &path.clone().index(index), out));
        }
        _ => {}
    }
}

fn changes(object: &Json, wishes: &[Wish]) -> Vec<Change> {
    let mut all = Vec::new();
    paths(object, &FieldPath::keys(&["spec"]), &mut all);
    let change = |wish: &Wish| {
        let written = wish.place.get(&all).clone();
        let below = wish.below.iter().fold(written.clone(), |path, key| path.key(key));
        let value = wish.value.clone();
        match wish.what {
            0 | 1 => Change::Set { path: below, value },
            2 => Change::Append { path: below, value },
            3 => Change::Append { path: written, value },
            4 => Change::Remove { path: written },
            5 => Change::Rename { path: written, key: "renamed" },
            _ => another(wish.what, value),
        }
    };
    wishes.iter().map(change).collect()
}

/// Another object, to stand beside one.
fn another(nth: u8, value: Value) -> Change {
    let entry = |key: &str, value: Value| (key.to_owned(), value);
    let name = Value::Mapping(vec![entry("name", Value::Text(format!("new-{nth}")))]);
    Change::Beside {
        object: Value::Mapping(vec![
            entry("apiVersion", "v1".into()),
            entry("kind", "New".into()),
            entry("metadata", name),
            entry("spec", value),
        ]),
    }
}

fn check(text: &str, objects: &[Json], wishes: &[Vec<Wish>]) -> Result<(), TestCaseError> {
    let read = crate::meaning::objects(text);
    prop_assert_eq!(read.len(), objects.len(), "{}", text);
    // What was written may not be what was meant (a plain `t: #`): what is read counts.
    let all: Vec<(usize, Vec<Change>)> =
        objects.iter().zip(wishes).map(|(o, w)| changes(o, w)).enumerate().collect();
    if let Err(refusal) = edited(text, &all) {
        let impossible = read.iter().zip(&all).any(|(object, (_, changes))| {
            let before = serde_json::to_value(object.root()).unwrap();
            let cannot = |changes: &[Change]| changed(&before, changes).is_none();
            cannot(changes) || changes.chunks(1).any(cannot)
        });
        let changes: Vec<&Change> = all.iter().flat_map(|(_, changes)| changes).collect();
        let known = match &refusal.reason {
            Reason::Contradiction => changes.len() > 1,
            Reason::OpenBlockScalar => !text.ends_with('\n'),
            Reason::Layout(_) => text.contains('{') || text.contains('['),
            Reason::Whole => false,
            Reason::Exists(_) | Reason::NoField => changes.iter().any(|c| matches!(c, Change::Rename { .. })),
            _ => impossible,
        };
        prop_assert!(impossible || known, "{refusal}\n{text}\n{changes:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn yaml_in_mixed_styles(
        value in value(),
        choices in proptest::collection::vec(any::<u8>(), 1..40),
        wishes in proptest::collection::vec(wish(), 1..4),
    ) {
        let text = Taste { choices, at: 0 }.document(&value);
        check(&text, &[value], &[wishes])?;
    }

    #[test]
    fn several_objects_in_one_text(
        objects in proptest::collection::vec((value(), proptest::collection::vec(wish(), 0..3)), 1..4),
        choices in proptest::collection::vec(any::<u8>(), 1..40),
    ) {
        let (values, wishes): (Vec<_>, Vec<_>) = objects.into_iter().unzip();
        let text = Taste { choices, at: 0 }.several(&values);
        check(&text, &values, &wishes)?;
    }

    #[test]
    fn json_compact_and_pretty(value in value(), pretty: bool, wishes in proptest::collection::vec(wish(), 1..4)) {
        let whole = serde_json::json!({"apiVersion": "v1", "kind": "Pod", "spec": value});
        let text = if pretty { serde_json::to_string_pretty(&whole).unwrap() } else { whole.to_string() };
        check(&text, std::slice::from_ref(&value), std::slice::from_ref(&wishes))?;
        if let Ok(written) = edited(&text, &[(0, changes(&value, &wishes))]) {
            let mut values = serde_json::Deserializer::from_str(&written).into_iter::<Json>();
            prop_assert!(values.all(|value| value.is_ok()), "no JSON any more: {written}");
        }
        // The same object twice in a list, and twice in a stream.
        let line_break = if pretty { "\n" } else { "" };
        let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": [whole, whole]});
        let list = if pretty { serde_json::to_string_pretty(&list).unwrap() } else { list.to_string() };
        for text in [list, format!("{text}{line_break}{text}")] {
            check(&text, &[value.clone(), value.clone()], &[wishes.clone(), wishes.clone()])?;
        }
    }
}
