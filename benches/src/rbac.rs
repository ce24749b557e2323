//! RBAC, on the state on which the reference is measured: a case with `objects`, as `rbac-oracle -bench-dump` writes it.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use ringwall_input::{Limits, json};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::text::Source;
use ringwall_rbac::covers::uncovered;
use ringwall_rbac::model::{Origin, RbacObject, Rule};
use ringwall_rbac::owner::Owner;
use ringwall_rbac::policy::Policy;

use crate::measure::{Plan, measure, print};

pub(crate) fn run(state: &Path, plan: Plan) -> Result<(), String> {
    let policy = read(state)?;
    covers(&policy, plan)
}

fn read(state: &Path) -> Result<Policy, String> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", state.display());
    let bytes = std::fs::read(state).map_err(|error| named(&error))?;
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text).map_err(|error| named(&error))?;
    } else {
        text = String::from_utf8(bytes).map_err(|error| named(&error))?;
    }
    let source = Arc::new(Source::new("state", text));
    let tree = Arc::new(json::parse(&source, &Limits::default()).map_err(|error| named(&error))?);
    let objects = tree.root().get("objects").ok_or_else(|| named(&"no `objects` in it"))?;
    let mut policy = Policy::default();
    for node in objects.items() {
        let object = Object::read(&tree, node, FieldPath::root());
        let object = object.map_err(|error| named(&format!("{error:?}")))?;
        policy.add(RbacObject::read(&object, Origin::None, "").ok_or_else(|| named(&object.id))?);
    }
    Ok(policy)
}

/// Whether some rules give all that the default edit role gives: the default admin of clusters, and the rules of 200 roles together.
fn covers(policy: &Policy, plan: Plan) -> Result<(), String> {
    let rules = |name: &str| -> Result<&[Rule], String> {
        let role = policy.cluster_role(name).ok_or_else(|| format!("no ClusterRole {name} in it"))?;
        Ok(&policy.roles()[role].rules)
    };
    let edit = rules("system:aggregate-to-edit")?;
    let admin: Vec<&Rule> = rules("cluster-admin")?.iter().collect();
    let mut held: Vec<&Rule> = Vec::new();
    for number in 0..200 {
        held.extend(rules(&format!("cr-{number:04}"))?);
    }
    print(&measure("rbac covers: edit role against cluster-admin (checks)", 100, 0, plan, |_| {
        uncovered(&admin, edit).is_empty()
    }))?;
    let name = |what: &str| format!("rbac covers: edit role against {} held rules, {what}", held.len());
    print(&measure(&name("compiled each time (checks)"), 100, 0, plan, |_| {
        uncovered(&held, edit).is_empty()
    }))?;
    let owner = Owner::of(held.iter().copied());
    print(&measure(&name("compiled once (checks)"), 100, 0, plan, |_| owner.uncovered(edit).is_empty()))
}
