//! Any text that decodes takes any change without a panic: what comes of it decodes, says what was asked for and keeps
//! the other documents, or the change is refused.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use ringwall_edit::{apply, edits};
use ringwall_input::{Limits, stream};
use ringwall_model::fix::{Change, Value};
use ringwall_model::object::Object;
use ringwall_model::path::{FieldPath, Segment};
use ringwall_model::text::Source;
use ringwall_model::tree::{Kind, Node, Tree};
use serde_json::Value as Json;

/// The documents of a text; none where something stands behind one and is dropped (once the document is good JSON, it
/// would count).
fn decode(text: &str) -> Vec<Result<Arc<Tree>, String>> {
    let source = Arc::new(Source::new("fuzz", text));
    let limits = Limits { depth: 200, nodes: 1 << 14, ..Limits::default() };
    let decoded = stream::decode(&source, &limits);
    if decoded.documents.iter().any(|document| document.dropped.is_some()) {
        return Vec::new();
    }
    let documents = decoded.documents.into_iter();
    documents.map(|document| document.tree.map_err(|error| error.message)).collect()
}

fn json(node: Node<'_>) -> Json {
    serde_json::to_value(node).expect("a tree is JSON")
}

fn paths<'t>(node: Node<'t>, path: &FieldPath, out: &mut Vec<(FieldPath, Node<'t>)>) {
    for entry in node.entries() {
        let mut inner = path.clone();
        inner.push(Segment::key(entry.key));
        out.push((inner.clone(), entry.value));
        paths(entry.value, &inner, out);
    }
    for (index, item) in node.items().enumerate() {
        let inner = path.clone().index(index);
        out.push((inner.clone(), item));
        paths(item, &inner, out);
    }
}

/// The value at a path of keys and indexes that is written.
fn at<'v>(value: &'v mut Json, path: &[Segment]) -> Option<&'v mut Json> {
    path.iter().try_fold(value, |value, segment| match segment {
        Segment::Key(key) => value.as_object_mut()?.get_mut(&**key),
        Segment::Index(index) => value.as_array_mut()?.get_mut(*index),
    })
}

/// Removes the value at a path, and what that leaves empty.
fn remove(value: &mut Json, path: &[Segment]) -> Option<()> {
    let (last, parent) = path.split_last()?;
    let holder = at(value, parent)?;
    let empty = match last {
        Segment::Key(key) => {
            let entries = holder.as_object_mut()?;
            entries.remove(&**key)?;
            entries.is_empty()
        }
        Segment::Index(index) => {
            let items = holder.as_array_mut()?;
            items.remove(*index);
            items.is_empty()
        }
    };
    if empty { remove(value, parent) } else { Some(()) }
}

/// Puts another object behind a document, or behind an item of a list.
fn beside(place: usize, word: &str, text: &str) {
    let mut expected: Vec<_> =
        decode(text).into_iter().map(|tree| (tree.clone().map(|tree| json(tree.root())), tree)).collect();
    let mut places = Vec::new();
    for (index, (_, tree)) in expected.iter().enumerate() {
        let Ok(tree) = tree else { continue };
        let root = tree.root();
        let is_list = root.str_at(&["apiVersion"]) == Some("v1") && root.str_at(&["kind"]) == Some("List");
        match root.get("items").filter(|items| is_list && items.kind() == Kind::Sequence) {
            Some(items) => {
                let within = |item: usize| FieldPath::keys(&["items"]).index(item);
                places.extend(
                    items.items().enumerate().map(|(item, node)| (index, Some(item), node, within(item))),
                );
            }
            None => places.push((index, None, root, FieldPath::root())),
        }
    }
    places.retain(|(_, _, node, _)| node.kind() == Kind::Mapping);
    if places.is_empty() {
        return;
    }
    let (index, item, node, within) = places[place % places.len()].clone();
    let Ok(tree) = &expected[index].1 else { return };
    let Ok(object) = Object::read_item(tree, node, within, "v1", "Pod") else { return };
    let entry = |key: &str, value: Value| (key.to_owned(), value);
    let name = Value::Mapping(vec![entry("name", Value::Text(format!("n{word}")))]);
    let spec = Value::Mapping(vec![entry(
        "a",
        Value::List(vec![word.into(), Value::Mapping(vec![entry(word, word.into())])]),
    )]);
    let other = Value::Mapping(vec![
        entry("apiVersion", "v1".into()),
        entry("kind", "New".into()),
        entry("metadata", name),
        entry("spec", spec),
    ]);
    let written = serde_json::json!({
        "apiVersion": "v1", "kind": "New", "metadata": {"name": format!("n{word}")}, "spec": {"a": [word, {word: word}]}
    });
    let Ok(edits) = edits(&object, &[Change::Beside { object: other }]) else { return };
    let result = apply(text, &edits);
    match item {
        Some(item) => {
            let list = expected[index].0.as_mut().expect("it is a list");
            list["items"].as_array_mut().expect("it is a list").insert(item + 1, written);
        }
        None => expected.insert(index + 1, (Ok(written), Err(String::new()))),
    }
    // Comments alone are no document that counts. Behind a JSON value they are read as one, and may be one that cannot be read.
    let said = |all: Vec<Result<Json, String>>| {
        let refused = all.iter().filter(|said| said.is_err()).count();
        (all.into_iter().flatten().filter(|said| !said.is_null()).collect::<Vec<_>>(), refused)
    };
    let after = decode(&result).into_iter().map(|tree| tree.map(|tree| json(tree.root())));
    let expected = said(expected.into_iter().map(|(said, _)| said).collect());
    assert_eq!(said(after.collect()), expected, "{text:?}\n{result:?}");
}

fuzz_target!(|input: (u16, u8, &str, &str)| {
    let (place, what, word, text) = input;
    if what % 8 > 5 {
        return beside(usize::from(place), word, text);
    }
    let before = decode(text);
    let Some(index) =
        before.iter().position(|tree| tree.as_ref().is_ok_and(|tree| tree.root().kind() == Kind::Mapping))
    else {
        return;
    };
    let Ok(tree) = &before[index] else { return };
    // What names no kind is read as a pod: any mapping does.
    let Ok(object) = Object::read_item(tree, tree.root(), FieldPath::root(), "v1", "Pod") else { return };
    let mut all = Vec::new();
    paths(tree.root(), &FieldPath::root(), &mut all);
    if all.is_empty() {
        return;
    }
    let (path, node) = all[usize::from(place) % all.len()].clone();
    let mut expected = json(tree.root());
    let value = Value::List(vec![Value::Mapping(vec![(word.to_owned(), word.into())]), Value::Bool(true)]);
    let written = serde_json::json!([{ word: word }, true]);
    let change = match what % 8 {
        0 => {
            *at(&mut expected, path.segments()).expect("it is written") = written;
            Change::Set { path, value }
        }
        1 => {
            *at(&mut expected, path.segments()).expect("it is written") = Json::from(word);
            Change::Set { path, value: word.into() }
        }
        2 if node.kind() == Kind::Mapping && node.get(word).is_none() => {
            let entries = at(&mut expected, path.segments()).expect("it is written");
            entries.as_object_mut().expect("a mapping").insert(word.to_owned(), written);
            Change::Set { path: path.key(word), value }
        }
        3 if node.kind() == Kind::Sequence => {
            let items = at(&mut expected, path.segments()).expect("it is written");
            let items = items.as_array_mut().expect("a list");
            if !items.contains(&written) {
                items.push(written);
            }
            Change::Append { path, value }
        }
        4 => {
            remove(&mut expected, path.segments());
            Change::Remove { path }
        }
        5 => {
            let Some((Segment::Key(key), parent)) = path.segments().split_last() else { return };
            let entries = at(&mut expected, parent).and_then(Json::as_object_mut).expect("it is written");
            let value = entries.remove(&**key).expect("it is written");
            entries.insert("renamed".to_owned(), value);
            Change::Rename { path, key: "renamed" }
        }
        _ => return,
    };
    let Ok(edits) = edits(&object, std::slice::from_ref(&change)) else { return };
    let result = apply(text, &edits);
    let after = decode(&result);
    // Comments behind what has become a JSON value are a document of their own, which is null and does not count.
    let there = |said: &Result<Json, ()>| *said != Ok(Json::Null);
    let said = |tree: Result<Arc<Tree>, String>| tree.map(|tree| json(tree.root())).map_err(|_| ());
    let mut wanted: Vec<_> = before.into_iter().map(said).collect();
    wanted[index] = Ok(expected);
    wanted.retain(there);
    let after: Vec<_> = after.into_iter().map(said).filter(there).collect();
    assert_eq!(after, wanted, "{change:?}\n{text:?}\n{result:?}");
});
