//! Manifests that nobody here wrote, where they are there: every object is changed in many places.

use std::fs;
use std::path::{Path, PathBuf};

use ringwall_edit::{Reason, unified_diff};
use ringwall_model::fix::{Change, Value};
use ringwall_model::object::Object;
use ringwall_model::path::{FieldPath, Segment};
use ringwall_model::tree::{Kind, Node};

use crate::meaning::{edited, objects};

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, out);
        } else if path
            .extension()
            .is_some_and(|end| ["yaml", "yml", "json"].iter().any(|known| end == *known))
        {
            out.push(path);
        }
    }
}

fn texts() -> Option<Vec<(PathBuf, String)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/product/corpus");
    if !root.is_dir() {
        println!("skipped: {} is not here", root.display());
        return None;
    }
    let mut paths = Vec::new();
    files(&root, &mut paths);
    paths.sort();
    Some(paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect())
}

/// The paths of all values, in document order.
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

fn all_paths(object: &Object) -> Vec<(FieldPath, Node<'_>)> {
    let mut out = Vec::new();
    paths(object.root(), &FieldPath::root(), &mut out);
    out
}

/// What hardening asks of every container.
fn hardening(object: &Object) -> Vec<Change> {
    let mut changes = Vec::new();
    for (path, node) in all_paths(object) {
        let key = path.segments().last();
        let containers = [Segment::key("containers"), Segment::key("initContainers")];
        if node.kind() != Kind::Sequence || !key.is_some_and(|key| containers.contains(key)) {
            continue;
        }
        for (index, _) in node.items().enumerate().filter(|(_, item)| item.kind() == Kind::Mapping) {
            let context = path.clone().index(index).key("securityContext");
            for field in ["allowPrivilegeEscalation", "privileged"] {
                changes.push(Change::Set { path: context.clone().key(field), value: Value::Bool(false) });
            }
            let drop = context.clone().key("capabilities").key("drop");
            changes.push(Change::Append { path: drop, value: "ALL".into() });
            let seccomp = context.key("seccompProfile").key("type");
            changes.push(Change::Set { path: seccomp, value: "RuntimeDefault".into() });
        }
    }
    changes
}

#[test]
fn containers_are_hardened_and_nothing_else_changes() {
    let Some(texts) = texts() else { return };
    let (mut done, mut refused) = (0, Vec::new());
    for (path, text) in &texts {
        let changes: Vec<_> =
            objects(text).iter().map(hardening).enumerate().filter(|(_, c)| !c.is_empty()).collect();
        if changes.is_empty() {
            continue;
        }
        match edited(text, &changes) {
            Ok(written) => {
                done += 1;
                // What is set anew takes lines away only where a value was empty or another.
                let diff = unified_diff("x", text, &written);
                let gone = |line: &str| line.starts_with('-') && !line.starts_with("---");
                for line in diff
                    .lines()
                    .filter(|line| gone(line) && path.extension().is_some_and(|end| end != "json"))
                {
                    let told = [
                        "securityContext",
                        "privileged",
                        "allowPrivilege",
                        "drop",
                        "capabilities",
                        "type",
                        "- ",
                        "{",
                    ];
                    let last = text.lines().last() == Some(&line[1..]) && !text.ends_with('\n');
                    assert!(
                        last || told.iter().any(|word| line[1..].contains(word)),
                        "{}:\n{diff}",
                        path.display()
                    );
                }
            }
            Err(refusal) => refused.push((path.clone(), refusal)),
        }
    }
    assert!(done > 150, "only {done} files were edited");
    for (path, refusal) in refused {
        let known = matches!(
            refusal.reason,
            Reason::Shared | Reason::OpenBlockScalar | Reason::WrongType { .. } | Reason::Repeated(_)
        );
        assert!(known, "{}: {refusal}", path.display());
    }
}

#[test]
fn any_field_of_any_object_can_be_changed() {
    let Some(texts) = texts() else { return };
    let (mut done, mut refused) = (0, 0);
    for (file, text) in &texts {
        // Each change costs some readings of the whole file: long ones are sampled.
        let all = objects(text);
        let rounds = (40_000 / text.len().max(1)).clamp(1, 16);
        let stride = 1 + all.len() / rounds.min(4);
        for (index, object) in all.iter().enumerate().step_by(stride) {
            let paths = all_paths(object);
            let step = 1 + paths.len() / (rounds / 2).max(1);
            for (nth, (path, node)) in paths.iter().enumerate().skip(index % 3).step_by(step) {
                let key = matches!(path.segments().last(), Some(Segment::Key(_)));
                let path = path.clone();
                let change = match (nth + index) % 5 {
                    0 if node.kind() == Kind::Sequence => Change::Append { path, value: "x y".into() },
                    0 if node.kind() == Kind::Mapping => {
                        Change::Set { path: path.key("new").key("er"), value: "on".into() }
                    }
                    0 | 1 => Change::Remove { path },
                    2 if key => Change::Rename { path, key: "renamed" },
                    3 => Change::Set {
                        path,
                        value: Value::Mapping(vec![("a".into(), Value::List(vec!["b".into()]))]),
                    },
                    _ => Change::Set { path, value: "changed".into() },
                };
                match edited(text, &[(index, vec![change.clone()])]) {
                    Ok(_) => done += 1,
                    Err(refusal) => {
                        refused += 1;
                        let known = matches!(
                            refusal.reason,
                            Reason::Shared | Reason::OpenBlockScalar | Reason::Repeated(_) | Reason::Tagged
                        );
                        assert!(known, "{}: {refusal} {change:?}", file.display());
                    }
                }
            }
        }
    }
    assert!(done > 3000, "only {done} changes were made");
    assert!(refused * 50 < done, "{refused} changes of {done} were refused");
}

/// A policy beside every object, each by itself and some of a file together.
#[test]
fn another_object_stands_beside_any() {
    let Some(texts) = texts() else { return };
    let entry = |key: &str, value: Value| (key.to_owned(), value);
    let policy = |nth: usize| Change::Beside {
        object: Value::Mapping(vec![
            entry("apiVersion", "networking.k8s.io/v1".into()),
            entry("kind", "NetworkPolicy".into()),
            entry("metadata", Value::Mapping(vec![entry("name", Value::Text(format!("deny-{nth}")))])),
            entry("spec", Value::Mapping(vec![entry("policyTypes", Value::List(vec!["Egress".into()]))])),
        ]),
    };
    let (mut done, mut refused) = (0, 0);
    for (file, text) in &texts {
        let many = objects(text).len();
        // Each costs some readings of the whole file: long ones are sampled.
        let stride = 1 + many / (40_000 / text.len().max(1)).clamp(1, 6);
        let each = (0..many).step_by(stride).map(|index| vec![(index, vec![policy(0)])]);
        let together = (0..many).step_by(2).map(|index| (index, vec![policy(index), policy(index + many)]));
        for changes in each.chain([together.collect()]) {
            match edited(text, &changes) {
                Ok(written) => {
                    done += 1;
                    let diff = unified_diff("x", text, &written);
                    let gone = |line: &&str| line.starts_with('-') && !line.starts_with("---");
                    for line in diff.lines().filter(gone) {
                        // A line goes only to get a comma, another value behind it, or its end.
                        let json = line.ends_with('}') || line.contains("}]");
                        let last = text.lines().last() == Some(&line[1..]) && !text.ends_with('\n');
                        assert!(json || last, "{}:\n{diff}", file.display());
                    }
                }
                Err(refusal) => {
                    refused += 1;
                    let known = matches!(refusal.reason, Reason::Shared | Reason::OpenBlockScalar);
                    assert!(known, "{}: {refusal}", file.display());
                }
            }
        }
    }
    assert!(done > 1000, "only {done} were written");
    assert!(refused * 50 < done, "{refused} of {done} were refused");
}
