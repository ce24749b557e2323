//! The round trips of Kubescape's `fix`, where they are there: every fix that an input states in its comments.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ringwall_input::{Limits, stream};
use ringwall_model::fix::{Change, Value};
use ringwall_model::text::Source;
use ringwall_model::tree::{Kind, Node};

use crate::meaning::{append, edited, objects, remove, set};

/// Where our layout is another than Kubescape's, and why.
const OTHER_LAYOUT: [(&str, &str); 2] = [
    (
        "inserts/tc-02",
        "dashes stand below their key, as in the rest of the file; Kubescape indents them always",
    ),
    ("inserts/tc-04", "as in tc-02"),
];

/// Fixes that the input does not state, from the expected file.
const UNSTATED: [(&str, &str); 2] = [
    ("inserts/tc-12", "select(di==0).spec.containers[0].securityContext.allowPrivilegeEscalation |= false"),
    ("removals/tc-04", "del(select(di==1).spec.containers[1])"),
];

/// A fix that the input states of the wrong document.
const MISSTATED: [(&str, &str); 1] = [("removals/tc-04", "# del(select(di==0).spec.containers[1])")];

/// A value, its keys in the order in which they are written.
fn value(text: &str) -> Value {
    fn of(node: Node<'_>) -> Value {
        match node.kind() {
            Kind::Bool => Value::Bool(node.as_bool().unwrap()),
            Kind::Integer => Value::Integer(node.as_i64().unwrap()),
            Kind::Sequence => Value::List(node.items().map(of).collect()),
            Kind::Mapping => {
                Value::Mapping(node.entries().map(|entry| (entry.key.to_owned(), of(entry.value))).collect())
            }
            _ => Value::Text(node.as_str().unwrap().to_owned()),
        }
    }
    let source = Arc::new(Source::new("value", text));
    of(stream::decode_one(&source, &Limits::default()).tree.unwrap().root())
}

/// The document and the change that a yq expression in a comment states.
fn change(line: &str) -> Option<(usize, Change)> {
    let line = line.trim().trim_start_matches('#').trim();
    let line = line.split_once(") select").map_or(line.to_owned(), |(_, rest)| format!("select{rest}"));
    let line = line.strip_prefix('"').and_then(|line| line.strip_suffix('"')).unwrap_or(&line);
    let (removed, line) = match line.strip_prefix("del(") {
        Some(line) => (true, line.strip_suffix(')')?),
        None => (false, line),
    };
    let (document, rest) = line.strip_prefix("select(di==")?.split_once(").")?;
    let document = document.parse().ok()?;
    if removed {
        return Some((document, remove(rest)));
    }
    for operator in [" |= ", " += ", " = ", ": "] {
        let Some((path, written)) = rest.split_once(operator) else { continue };
        let change = match (operator, value(written)) {
            (" += ", Value::List(mut items)) => append(path, items.pop()?),
            (" += ", item) => append(path, item),
            (_, value) => set(path, value),
        };
        return Some((document, change));
    }
    None
}

fn cases() -> Option<Vec<(String, PathBuf, PathBuf)>> {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/product/gold/fix-roundtrip");
    if !root.is_dir() {
        println!("skipped: {} is not here", root.display());
        return None;
    }
    let mut cases = BTreeMap::new();
    for folder in ["hybrids", "inserts", "removals", "replaces"] {
        for file in fs::read_dir(root.join(folder)).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let (input, expected): &mut (_, _) =
                cases.entry(format!("{folder}/{}", &name[..5])).or_insert((PathBuf::new(), PathBuf::new()));
            *if name[5..].starts_with("-00") { input } else { expected } = path;
        }
    }
    Some(cases.into_iter().map(|(name, (input, expected))| (name, input, expected)).collect())
}

#[test]
fn every_stated_fix_gives_the_expected_file() {
    let Some(cases) = cases() else { return };
    assert!(cases.len() > 20, "only {} cases", cases.len());
    for (name, input, expected) in cases {
        let text = fs::read_to_string(input).unwrap();
        let expected = fs::read_to_string(expected).unwrap();
        let unstated = UNSTATED.iter().filter(|(case, _)| *case == name).map(|(_, line)| *line);
        let stated = text.lines().filter(|line| !MISSTATED.contains(&(name.as_str(), line)));
        let mut by_object: BTreeMap<usize, Vec<Change>> = BTreeMap::new();
        for (document, change) in stated.chain(unstated).filter_map(change) {
            by_object.entry(document).or_default().push(change);
        }
        assert!(!by_object.is_empty(), "{name} states no fix");
        let changes: Vec<_> = by_object.into_iter().collect();
        let written = edited(&text, &changes).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        let values = |text: &str| {
            let all = objects(text);
            all.iter().map(|object| serde_json::to_value(object.root()).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(values(&written), values(&expected), "{name}:\n{written}");
        let other = OTHER_LAYOUT.iter().any(|(case, _)| *case == name);
        assert_eq!(written != expected, other, "{name}:\n{written}\n{expected}");
    }
}
