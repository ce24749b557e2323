//! Reading what tests are written in.

use ringwall_input::{Limits, read_text};
use ringwall_model::object::Object;
use ringwall_rbac::draft::Draft;
use ringwall_rbac::model::{Origin, RbacObject};
use ringwall_rbac::policy::Policy;

/// Objects as YAML; each is given as `KIND NAME` or `KIND NAMESPACE/NAME` and the rest of it, by lines of `---`.
pub(crate) fn objects(text: &str) -> Vec<Object> {
    let whole = text.split("---\n").map(|document| {
        let (head, rest) = document.split_once('\n').unwrap_or((document, ""));
        let (kind, name) = head.trim().split_once(' ').expect("a kind and a name");
        let metadata = match name.split_once('/') {
            Some((namespace, name)) => format!("  namespace: {namespace}\n  name: {name}"),
            None => format!("  name: {name}"),
        };
        // What follows may go on with the metadata.
        format!("apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata:\n{metadata}\n{rest}")
    });
    let text = whole.collect::<Vec<_>>().join("\n---\n");
    let read = read_text("test.yaml", text.clone(), &Limits::default());
    assert!(read.problems.is_empty(), "{:?}\n{text}", read.problems);
    read.objects
}

pub(crate) fn policy(text: &str) -> Policy {
    Policy::of(objects(text).iter().filter_map(|object| RbacObject::read(object, Origin::None, "default")))
}

/// The one object in the text.
pub(crate) fn draft(text: &str) -> Draft {
    let objects = objects(text);
    assert_eq!(objects.len(), 1);
    Draft::read(&objects[0], "default").expect("an object of RBAC")
}
