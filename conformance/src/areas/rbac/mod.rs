//! Area `rbac`: the questions of a case, each known by its `op`, asked of the objects of the case.

mod answers;
mod impersonate;
mod objects;
mod request;
mod writes;

use std::collections::BTreeSet;
use std::path::Path;

pub(super) use objects::of_text;
use ringwall_rbac::attributes::{Action, ResourceAction, User};
use ringwall_rbac::draft::Draft;
use ringwall_rbac::engine::Engine;
use ringwall_rbac::policy::Policy;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Answered, Area, Case};

pub(crate) struct Rbac;

impl Area for Rbac {
    fn name(&self) -> &'static str {
        "rbac"
    }

    fn mode_of(&self, stem: &str) -> Option<&'static str> {
        // What is asked follows from the questions; these two are input of others.
        let is_input = stem.starts_with("bench-state") || stem.starts_with("bootstrap");
        (!is_input).then_some("questions")
    }

    fn answer(&self, _mode: &str, case: &Case<'_>, folder: &Path) -> Answered {
        match answer(case, folder) {
            Ok(answered) => answered,
            Err(error) => Answered::unanswered(error),
        }
    }
}

#[derive(Deserialize)]
struct Line<'f> {
    #[serde(default, borrow)]
    objects: Vec<&'f RawValue>,
    /// Manifests, in the order in which they are loaded.
    #[serde(default)]
    files: Vec<String>,
    #[serde(default)]
    aggregate: bool,
    queries: Vec<Query<'f>>,
    want: Vec<Value>,
}

/// One question; which of the fields count says the `op`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Query<'f> {
    op: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    uid: String,
    #[serde(default)]
    extra: std::collections::BTreeMap<String, Vec<String>>,
    #[serde(default)]
    verb: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    group: String,
    #[serde(default)]
    resource: String,
    #[serde(default)]
    subresource: String,
    #[serde(default)]
    name: String,
    path: Option<String>,
    #[serde(default)]
    method: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    headers: std::collections::BTreeMap<String, Vec<String>>,
    #[serde(borrow)]
    owner: Option<&'f RawValue>,
    #[serde(borrow)]
    servant: Option<&'f RawValue>,
    #[serde(borrow)]
    object: Option<&'f RawValue>,
    #[serde(borrow)]
    old: Option<&'f RawValue>,
    #[serde(default)]
    remove_extra_permissions: bool,
}

impl Query<'_> {
    fn user(&self) -> User {
        User {
            name: self.user.clone(),
            uid: self.uid.clone(),
            groups: self.groups.clone(),
            extra: self.extra.clone(),
        }
    }

    fn object(&self) -> Result<Draft, String> {
        writes::draft(self.object.ok_or("no `object` to write")?)
    }

    fn old(&self) -> Result<Option<Draft>, String> {
        self.old.map(writes::draft).transpose()
    }

    fn action(&self) -> Action<'_> {
        match &self.path {
            Some(path) => Action::Path { verb: &self.verb, path },
            None => Action::Resource(ResourceAction {
                verb: &self.verb,
                group: &self.group,
                resource: &self.resource,
                subresource: &self.subresource,
                namespace: &self.namespace,
                name: &self.name,
            }),
        }
    }
}

fn answer(case: &Case<'_>, folder: &Path) -> Result<Answered, String> {
    let line: Line<'_> = case.read().map_err(|error| error.to_string())?;
    let mut policy = objects::policy(case, &line, folder)?;
    if line.aggregate {
        policy.aggregate(|_| false);
    }
    if line.want.len() != line.queries.len() {
        return Err(format!("{} questions and {} answers", line.queries.len(), line.want.len()));
    }
    let engine = Engine::new(policy.clone());
    let (mut got, mut difference) = (Vec::with_capacity(line.queries.len()), None);
    for (index, (query, want)) in line.queries.iter().zip(&line.want).enumerate() {
        let answer = one(&policy, query)?;
        if difference.is_none() && comparable(want) != comparable(&answer) {
            difference = Some(format!("question {index} ({})\nwant {want}\ngot  {answer}", query.op));
        }
        if difference.is_none() && !engine_agrees(&engine, &policy, query) {
            difference = Some(format!("question {index} ({}): the engine answers otherwise", query.op));
        }
        got.push(answer);
    }
    Ok(Answered { verdict: json!({ "want": got }), difference, skipped: false })
}

/// Whether the engine answers as the walk does, which is what is compared with the reference.
fn engine_agrees(engine: &Engine, policy: &Policy, query: &Query<'_>) -> bool {
    let (user, action) = (query.user(), query.action());
    match query.op.as_str() {
        "authorize" => engine.grant(&user, &action) == policy.grants_of(&user, &action).first().copied(),
        "rules" => engine.rules_for(&user, &query.namespace) == policy.rules_for(&user, &query.namespace),
        "subjects" => {
            let walk: BTreeSet<_> =
                policy.subjects_of(&action).0.iter().map(|one| (one.binding, one.role, one.rule)).collect();
            let found: BTreeSet<_> = engine
                .who_can(&action)
                .iter()
                .filter(|access| !policy.bindings()[access.binding].subjects.is_empty())
                .map(|access| (access.binding, access.role, access.rule))
                .collect();
            walk == found
        }
        _ => true,
    }
}

/// The answer to one question.
pub(super) fn one(policy: &Policy, query: &Query<'_>) -> Result<Value, String> {
    Ok(match query.op.as_str() {
        "authorize" => answers::authorize(policy, &query.user(), &query.action()),
        "rules" => answers::rules(policy, &query.user(), &query.namespace),
        "subjects" => answers::subjects(policy, &query.action()),
        "clusterroles" => answers::aggregated(policy),
        "write" => writes::write(policy, &query.user(), &query.object()?, query.old()?.as_ref()),
        "validate" => writes::validate(&query.object()?),
        "reconcile" => {
            let old = query.old()?.ok_or("no `old` to reconcile with")?;
            writes::reconcile(&query.object()?, &old, query.remove_extra_permissions)?
        }
        "request" => request::request(policy, query),
        "impersonate" => impersonate::impersonate(policy, query),
        "covers" => answers::covers(&rules(query.owner)?, &rules(query.servant)?),
        op => return Err(format!("no question `{op}` is known")),
    })
}

fn rules(text: Option<&RawValue>) -> Result<Vec<ringwall_rbac::model::Rule>, String> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let tree = objects::tree("rules", text.get())?;
    Ok(ringwall_rbac::model::rules_of(tree.root()))
}

/// A verdict as the area's README reads it: some lists are sets, and an allow may name any of the bindings that allow.
pub(super) fn comparable(verdict: &Value) -> Value {
    let mut verdict = without_nil(verdict);
    if let Some(fields) = verdict.as_object_mut() {
        for set in ["allowedBy", "subjects"] {
            if let Some(list) = fields.get_mut(set).and_then(Value::as_array_mut) {
                list.sort_by_key(Value::to_string);
                list.dedup();
            }
        }
        let allowed = fields.get("decision").is_some_and(|decision| decision == "allow");
        let is_named = |reason: &str| {
            let all = fields.get("allowedBy").and_then(Value::as_array);
            let named = reason.strip_prefix("RBAC: allowed by ");
            all.zip(named).is_some_and(|(all, named)| all.iter().any(|one| one == named))
        };
        if allowed && fields.get("reason").and_then(Value::as_str).is_some_and(is_named) {
            fields.insert("reason".to_owned(), json!("one of allowedBy"));
        }
    }
    verdict
}

/// Go tells a list that is nil from one that is empty; nothing that reads a verdict does.
fn without_nil(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(without_nil).collect()),
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .filter(|(_, value)| !is_nothing(value))
                .map(|(key, value)| (key.clone(), without_nil(value)))
                .collect(),
        ),
        other => other.clone(),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
