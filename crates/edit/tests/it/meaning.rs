//! What changes mean, on plain JSON values, and the check that a text says so after its edits.

use std::sync::Arc;

use ringwall_edit::{Reason, Refusal, apply, edits, merge};
use ringwall_input::{Limits, stream};
use ringwall_model::fix::{Change, Value};
use ringwall_model::object::Object;
use ringwall_model::path::{FieldPath, Segment};
use ringwall_model::text::Source;
use serde_json::Value as Json;

/// Stands for what is removed until all changes are made, so that items keep their indexes.
const REMOVED: &str = "\u{0}removed";

pub(crate) fn json(value: &Value) -> Json {
    match value {
        Value::Bool(value) => Json::from(*value),
        Value::Integer(value) => Json::from(*value),
        Value::Text(value) => Json::from(value.as_str()),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Mapping(entries) => entries.iter().map(|(key, value)| (key.clone(), json(value))).collect(),
    }
}

/// The value at a path; mappings that are missing are made on the way. `None` where something else is in the way.
fn at<'v>(value: &'v mut Json, path: &[Segment], make: bool) -> Option<&'v mut Json> {
    let Some((segment, rest)) = path.split_first() else { return Some(value) };
    match segment {
        Segment::Key(key) => {
            if value.is_null() && make {
                *value = Json::Object(serde_json::Map::new());
            }
            let entries = value.as_object_mut()?;
            if make {
                entries.entry(&**key).or_insert(Json::Null);
            }
            at(entries.get_mut(&**key)?, rest, make)
        }
        Segment::Index(index) => at(value.as_array_mut()?.get_mut(*index)?, rest, make),
    }
}

/// Whether a collection lost something and is empty now.
fn prune(value: &mut Json) -> bool {
    let gone = |value: &mut Json| *value == REMOVED || prune(value);
    match value {
        Json::Object(entries) => {
            let before = entries.len();
            entries.retain(|_, value| !gone(value));
            entries.is_empty() && before > 0
        }
        Json::Array(items) => {
            let before = items.len();
            items.retain_mut(|value| !gone(value));
            items.is_empty() && before > 0
        }
        _ => false,
    }
}

/// The object after the changes. `None` where they cannot be made.
pub(crate) fn changed(object: &Json, changes: &[Change]) -> Option<Json> {
    let mut after = object.clone();
    let mut renames = Vec::new();
    // Whether a list holds an item counts when all else is done, in its items too.
    let (mut last, others): (Vec<_>, Vec<_>) =
        changes.iter().partition(|change| matches!(change, Change::Append { .. }));
    last.sort_by_key(|change| std::cmp::Reverse(change.path().map(FieldPath::len)));
    for change in others.into_iter().chain(last) {
        let Some(path) = change.path().map(FieldPath::segments) else { continue };
        match change {
            Change::Set { value, .. } => *at(&mut after, path, true)? = json(value),
            Change::Append { value, .. } => {
                let list = at(&mut after, path, true)?;
                if list.is_null() {
                    *list = Json::Array(Vec::new());
                }
                let value = json(value);
                let items = list.as_array_mut()?;
                if !items.contains(&value) {
                    items.push(value);
                }
            }
            Change::Remove { .. } => {
                if let Some(value) = at(&mut after, path, false) {
                    *value = Json::from(REMOVED);
                }
            }
            Change::Rename { key, .. } => renames.push((path, *key)),
            Change::Beside { .. } => {}
        }
    }
    renames.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
    for (path, key) in renames {
        let (last, parent) = path.split_last()?;
        let Segment::Key(old) = last else { return None };
        let entries = at(&mut after, parent, false)?.as_object_mut()?;
        if let Some(value) = entries.remove(&**old) {
            if entries.insert(key.to_owned(), value).is_some() {
                return None;
            }
        } else if !entries.contains_key(key) {
            return None;
        }
    }
    prune(&mut after);
    Some(after)
}

/// The objects of a text: documents, and the items of lists.
pub(crate) fn objects(text: &str) -> Vec<Object> {
    let source = Arc::new(Source::new("t.yaml", text));
    let mut objects = Vec::new();
    for document in stream::decode(&source, &Limits::default()).documents {
        let Ok(tree) = document.tree else { continue };
        match tree.root().get("items") {
            Some(items) if tree.root().str_at(&["kind"]) == Some("List") => {
                for (index, item) in items.items().enumerate() {
                    let within = FieldPath::keys(&["items"]).index(index);
                    objects.extend(Object::read(&tree, item, within));
                }
            }
            _ => objects.extend(Object::read(&tree, tree.root(), FieldPath::root())),
        }
    }
    objects
}

pub(crate) fn first(text: &str) -> Object {
    objects(text).into_iter().next().unwrap_or_else(|| panic!("no object in {text}"))
}

/// All documents of a text as values, and whether all can be read.
fn documents(text: &str) -> Vec<Result<Json, String>> {
    let source = Arc::new(Source::new("t.yaml", text));
    let decoded = stream::decode(&source, &Limits::default());
    let mut documents: Vec<_> = decoded
        .documents
        .iter()
        .map(|document| match &document.tree {
            Ok(tree) => Ok(serde_json::to_value(tree.root()).unwrap()),
            Err(error) => Err(error.message.clone()),
        })
        .collect();
    documents.extend(decoded.error.map(|error| Err(error.message)));
    documents
}

/// Whether making the changes a second time can be told to change nothing.
fn is_repeatable(changes: &[Change]) -> bool {
    // What is set as a whole and then changed is not what was set.
    let below = |change: &Change, other: &Change| {
        matches!(change, Change::Set { .. } | Change::Remove { .. })
            && change != other
            && other.path().zip(change.path()).is_some_and(|(other, path)| other.strip_prefix(path).is_some())
    };
    if changes.iter().any(|change| changes.iter().any(|other| below(change, other))) {
        return false;
    }
    let mut renamed = changes.iter().filter(|change| matches!(change, Change::Rename { .. }));
    renamed.next().is_none()
        && changes.iter().all(|change| match change {
            Change::Remove { path } => {
                !path.segments().iter().any(|segment| matches!(segment, Segment::Index(_)))
            }
            Change::Beside { .. } => false,
            _ => true,
        })
}

/// Objects that are put beside one, with the document and the item behind which they stand, and the way to the list of that.
type Others<'p> = (usize, Option<usize>, &'p [Segment], Vec<Json>);

/// Makes changes of objects of a text (by index), checks what the text says then and that nothing else is touched, and
/// gives it.
///
/// # Errors
/// The refusal of an object.
pub(crate) fn edited(text: &str, changes: &[(usize, Vec<Change>)]) -> Result<String, Refusal> {
    let objects = objects(text);
    let original = documents(text);
    let mut expected = original.clone();
    let mut parts = Vec::new();
    let mut others: Vec<Others<'_>> = Vec::new();
    for (index, changes) in changes {
        let object = &objects[*index];
        let part = edits(object, changes)?;
        let before = serde_json::to_value(object.root()).unwrap();
        let after = changed(&before, changes)
            .unwrap_or_else(|| panic!("{changes:?} cannot be made, and were:\n{text}\n{part:?}"));
        let tree = serde_json::to_value(object.root().tree().root()).unwrap();
        // Documents that say the same are told apart by their order.
        let same = objects[..*index].iter().filter(|other| {
            other.within.is_empty() && serde_json::to_value(other.root().tree().root()).unwrap() == tree
        });
        let nth = same.count();
        let document = original
            .iter()
            .enumerate()
            .filter(|(_, document)| document.as_ref().ok() == Some(&tree))
            .map(|(place, _)| place)
            .collect::<Vec<_>>();
        let place = document.get(nth).or(document.first()).copied();
        let place = place.unwrap_or_else(|| panic!("no document {tree}"));
        let whole = expected[place].as_mut().unwrap();
        *at(whole, object.within.segments(), false).unwrap() = after;
        parts.push(part);
        let mut beside: Vec<Json> = Vec::new();
        for other in changes.iter().filter_map(Change::beside).map(json) {
            if !beside.contains(&other) {
                beside.push(other);
            }
        }
        match object.within.segments().split_last() {
            Some((Segment::Index(item), list)) => others.push((place, Some(*item), list, beside)),
            _ => others.push((place, None, &[], beside)),
        }
    }
    let beside = others.iter().any(|(.., beside)| !beside.is_empty());
    // From behind, so that places stay what they are.
    others.sort_by_key(|(place, item, ..)| std::cmp::Reverse((*place, *item)));
    for (place, item, list, beside) in others {
        for other in beside.into_iter().rev() {
            match item {
                Some(item) => {
                    let list = at(expected[place].as_mut().unwrap(), list, false).unwrap();
                    list.as_array_mut().unwrap().insert(item + 1, other);
                }
                None => expected.insert(place + 1, Ok(other)),
            }
        }
    }
    let edits = merge(parts).unwrap();
    for pair in edits.windows(2) {
        assert!(pair[0].span.end <= pair[1].span.start, "{edits:?}");
    }
    let written = apply(text, &edits);
    let mut said = documents(&written);
    if beside {
        // Comments behind a JSON value are a document of their own, or end one.
        for documents in [&mut said, &mut expected] {
            documents.retain(|document| *document != Ok(Json::Null));
        }
    }
    assert_eq!(
        said, expected,
        "\nbefore:\n{text}\nafter:\n{written}\nchanges: {changes:?}\nedits: {edits:?}"
    );
    // Bytes outside the edits are as they were, at their places.
    let (mut old, mut new) = (text, written.as_str());
    let mut done = 0;
    for edit in &edits {
        let between = edit.span.start as usize - done;
        assert_eq!(old[..between], new[..between]);
        old = &old[between + (edit.span.end - edit.span.start) as usize..];
        new = &new[between + edit.text.len()..];
        done = edit.span.end as usize;
    }
    assert_eq!(old, new);
    for (index, changes) in changes.iter().filter(|(_, changes)| is_repeatable(changes)) {
        let again = self::objects(&written);
        // A change may have made it another thing than an object.
        let Some(object) = again.get(*index).filter(|_| again.len() == objects.len()) else { continue };
        let edits = ringwall_edit::edits(object, changes);
        assert_eq!(edits, Ok(Vec::new()), "not the same a second time:\n{text}\n{written}");
    }
    Ok(written)
}

/// The first object after changes.
pub(crate) fn one(text: &str, changes: &[Change]) -> Result<String, Reason> {
    edited(text, &[(0, changes.to_vec())]).map_err(|refusal| refusal.reason)
}

pub(crate) fn set(path: &str, value: Value) -> Change {
    Change::Set { path: path.parse().unwrap(), value }
}

pub(crate) fn append(path: &str, value: Value) -> Change {
    Change::Append { path: path.parse().unwrap(), value }
}

pub(crate) fn remove(path: &str) -> Change {
    Change::Remove { path: path.parse().unwrap() }
}

pub(crate) fn beside(object: Value) -> Change {
    Change::Beside { object }
}

pub(crate) fn rename(path: &str, key: &'static str) -> Change {
    Change::Rename { path: path.parse().unwrap(), key }
}
