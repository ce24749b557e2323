//! The objects of a case: as JSON in it, in files beside it, or the default policy.

use std::path::Path;
use std::sync::Arc;

use ringwall_input::{Limits, json};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::text::Source;
use ringwall_model::tree::Tree;
use ringwall_model::version::Minor;
use ringwall_rbac::default_policy;
use ringwall_rbac::model::{Origin, RbacObject};
use ringwall_rbac::policy::Policy;

use super::{Case, Line};

pub(super) fn tree(name: &str, text: &str) -> Result<Tree, String> {
    json::parse(&Arc::new(Source::new(name, text)), &Limits::default()).map_err(|error| error.to_string())
}

/// All objects of a case together.
pub(super) fn policy(case: &Case<'_>, line: &Line<'_>, folder: &Path) -> Result<Policy, String> {
    let mut policy = Policy::default();
    for text in &line.objects {
        if text.get() == r#""@bootstrap""# {
            add_default(&mut policy);
            continue;
        }
        let tree = Arc::new(tree(&case.id, text.get())?);
        let object = Object::read(&tree, tree.root(), FieldPath::root());
        add(&mut policy, &object.map_err(|error| format!("{error:?}"))?);
    }
    for file in &line.files {
        if file == "bootstrap-v1.37.yaml" {
            add_default(&mut policy);
            continue;
        }
        let path = folder.join(file);
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        for object in read(file, text) {
            add(&mut policy, &object);
        }
    }
    Ok(policy)
}

/// The objects of RBAC in a text.
pub(crate) fn of_text(name: &str, text: String) -> Result<Policy, String> {
    let input = ringwall_input::read_text(name, text, &Limits::default());
    if let Some(problem) = input.problems.first() {
        return Err(format!("{name}: {problem:?}"));
    }
    let mut policy = Policy::default();
    input.objects.iter().for_each(|object| add(&mut policy, object));
    Ok(policy)
}

fn add(policy: &mut Policy, object: &Object) {
    // The objects are raw: one without a namespace is where none is.
    if let Some(object) = RbacObject::read(object, Origin::None, "") {
        policy.add(object);
    }
}

fn read(name: &str, text: String) -> Vec<Object> {
    let input = ringwall_input::read_text(name, text, &Limits::default());
    input.objects
}

fn add_default(policy: &mut Policy) {
    for object in default_policy::of(Minor(37)) {
        policy.add(object);
    }
}
