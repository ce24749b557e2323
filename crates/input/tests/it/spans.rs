//! Every node is where its path leads, and its place leads back to its path.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;
use ringwall_input::{Limits, stream};
use ringwall_model::path::{FieldPath, Segment};
use ringwall_model::text::{Source, Span};
use ringwall_model::tree::{Kind, Node, Tree};

/// Walks all nodes with their paths. What an alias took over is written elsewhere, and is left out.
fn each<'t>(node: Node<'t>, path: &FieldPath, within: Span, show: &mut dyn FnMut(&FieldPath, Node<'t>)) {
    if !within.contains(node.span()) {
        return;
    }
    show(path, node);
    for (index, item) in node.items().enumerate() {
        each(item, &path.clone().index(index), node.span(), show);
    }
    for entry in node.entries() {
        let mut inner = path.clone();
        inner.push(Segment::key(entry.key));
        each(entry.value, &inner, node.span(), show);
    }
}

/// Path to span to path, for every node of a tree.
fn check(tree: &Tree) {
    let whole = Span::new(0, u32::MAX);
    each(tree.root(), &FieldPath::root(), whole, &mut |path, node| {
        let found = tree.root().locate(path).unwrap_or_else(|| panic!("{path} leads nowhere"));
        assert_eq!(found.index(), node.index(), "{path} leads to another node");
        if node.span().is_empty() {
            return; // a value that is not written has no place of its own
        }
        // A collection may begin with its first child: then the place is the child's, below the path.
        let back = tree.path_at(node.span().start);
        assert!(back.strip_prefix(path).is_some(), "{path} is at {:?}, which is {back}", node.span());
        if !matches!(node.kind(), Kind::Mapping | Kind::Sequence) {
            assert_eq!(&back, path);
        }
        // Where a user is sent lies in the text, at a line that exists.
        let home = tree.source().position(tree.root().home_of(path).start);
        assert!(tree.source().line(home.line).is_some(), "{path} is sent to {home}");
    });
}

fn trees(text: &str) -> Vec<Arc<Tree>> {
    let source = Arc::new(Source::new("t", text));
    stream::decode(&source, &Limits::default())
        .documents
        .into_iter()
        .filter_map(|document| document.tree.ok())
        .collect()
}

/// Writes a value as block YAML, the way manifests are written.
fn block(value: &serde_json::Value, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        serde_json::Value::Object(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                let _ = write!(out, "\n{pad}{}:", serde_json::Value::from(key.as_str()));
                block(value, indent + 2, out);
            }
        }
        serde_json::Value::Array(items) if !items.is_empty() => {
            for item in items {
                let _ = write!(out, "\n{pad}-");
                block(item, indent + 2, out);
            }
        }
        scalar => {
            let _ = write!(out, " {scalar}");
        }
    }
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i32>().prop_map(serde_json::Value::from),
        "[a-zA-Zäöü 0-9:#\\-\\n\"']{0,12}".prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            proptest::collection::btree_map("[a-z./]{1,6}", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn in_json(value in value()) {
        let text = format!("{{\"root\": {value}}}");
        let trees = trees(&text);
        prop_assert_eq!(trees.len(), 1);
        prop_assert_eq!(&serde_json::to_value(trees[0].root().get("root").unwrap()).unwrap(), &value);
        check(&trees[0]);
    }

    #[test]
    fn in_block_yaml(value in value()) {
        let mut text = String::from("root:");
        block(&value, 2, &mut text);
        let trees = trees(&text);
        prop_assert_eq!(trees.len(), 1, "{}", text);
        prop_assert_eq!(&serde_json::to_value(trees[0].root().get("root").unwrap()).unwrap(), &value, "{}", text);
        check(&trees[0]);
    }
}

#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn skipped(root: &Path) {
    println!("skipped: {} is not here", root.display());
}

/// The public corpus beside the project, if it is there.
fn corpus() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/product/corpus");
    if !root.is_dir() {
        skipped(&root);
        return None;
    }
    Some(root)
}

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, out);
        } else if path
            .extension()
            .is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|e| extension == *e))
        {
            out.push(path);
        }
    }
}

#[test]
fn in_the_public_corpus() {
    let Some(root) = corpus() else { return };
    let mut paths = Vec::new();
    files(&root, &mut paths);
    paths.sort();
    let mut documents = 0;
    for path in paths {
        for tree in trees(&std::fs::read_to_string(&path).unwrap()) {
            check(&tree);
            documents += 1;
        }
    }
    assert!(documents > 2000, "only {documents} documents were read");
}
