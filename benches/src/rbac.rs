//! RBAC: the questions of the reference's own bench, on its own state.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use ringwall_input::{Limits, json};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::text::Source;
use ringwall_rbac::attributes::{Action, ResourceAction, User};
use ringwall_rbac::covers::uncovered;
use ringwall_rbac::engine::Engine;
use ringwall_rbac::model::{Origin, RbacObject, Rule};
use ringwall_rbac::owner::Owner;
use ringwall_rbac::policy::Policy;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::measure::{Plan, measure, print};

#[derive(Deserialize)]
struct State<'t> {
    #[serde(borrow)]
    objects: Vec<&'t RawValue>,
    queries: Vec<Query>,
}

#[derive(Deserialize)]
struct Query {
    user: String,
    #[serde(default)]
    groups: Vec<String>,
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
}

impl Query {
    fn action(&self) -> Action<'_> {
        Action::Resource(ResourceAction {
            verb: &self.verb,
            group: &self.group,
            resource: &self.resource,
            subresource: &self.subresource,
            namespace: &self.namespace,
            name: &self.name,
        })
    }
}

pub(crate) fn run(path: &Path, plan: Plan) -> Result<(), String> {
    let text = read_text(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let state: State<'_> = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let read = || {
        let mut policy = Policy::default();
        for text in &state.objects {
            let source = Arc::new(Source::new("state", text.get().to_owned()));
            let Ok(tree) = json::parse(&source, &Limits::default()) else { continue };
            let tree = Arc::new(tree);
            let object = Object::read(&tree, tree.root(), FieldPath::root()).ok();
            if let Some(object) = object.and_then(|object| RbacObject::read(&object, Origin::None, "default"))
            {
                policy.add(object);
            }
        }
        policy
    };
    print(&measure("read (states)", 1, text.len(), plan, |_| read().roles().is_empty()))?;
    let policy = read();
    print(&measure("index (states)", 1, 0, plan, |_| Engine::new(policy.clone()).subject_count() == 0))?;
    let engine = Engine::new(policy);
    let users: Vec<User> = state
        .queries
        .iter()
        .map(|query| {
            let groups: Vec<&str> = query.groups.iter().map(String::as_str).collect();
            User::of_groups(&query.user, &groups)
        })
        .collect();
    let count = state.queries.len();
    print(&measure("authorize by the walk (decisions)", count.min(400), 0, plan, |at| {
        matches!(
            engine.policy().answer(&users[at], &state.queries[at].action()),
            ringwall_rbac::authorize::Answer::Allowed(_)
        )
    }))?;
    print(&measure("authorize (decisions)", count, 0, plan, |at| {
        engine.grant(&users[at], &state.queries[at].action()).is_some()
    }))?;
    print(&measure("rules (reviews)", count.min(400), 0, plan, |at| {
        engine.rules_for(&users[at], &state.queries[at].namespace).0.is_empty()
    }))?;
    print(&measure("who-can (questions)", count.min(200), 0, plan, |at| {
        engine.who_can(&state.queries[at].action()).is_empty()
    }))?;
    // 20 resources and 8 verbs, in all namespaces at once.
    let mut cells: Vec<(&str, &str, &str, &str)> = Vec::new();
    for query in &state.queries {
        let cell = (&*query.verb, &*query.group, &*query.resource, &*query.subresource);
        if !cells.contains(&cell) {
            cells.push(cell);
        }
    }
    print(&measure(&format!("the whole matrix, {} cells (matrices)", cells.len()), 1, 0, plan, |_| {
        let all = cells.iter().map(|(verb, group, resource, subresource)| {
            let (namespace, name) = ("", "");
            let action = ResourceAction { verb, group, resource, subresource, namespace, name };
            engine.cell(&Action::Resource(action))
        });
        all.fold(0, |sum, cell| sum + cell.everywhere.len() + cell.within.len() as u64) == 0
    }))?;
    covers(engine.policy(), plan)
}

fn read_text(path: &Path) -> std::io::Result<String> {
    let bytes = std::fs::read(path)?;
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text)?;
    } else {
        bytes.as_slice().read_to_string(&mut text)?;
    }
    Ok(text)
}

/// Whether some rules give all that the default edit role gives: those of cluster-admin, and those of 200 roles together.
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
    print(&measure("rbac covers, edit role against cluster-admin (checks)", 100, 0, plan, |_| {
        uncovered(&admin, edit).is_empty()
    }))?;
    let name =
        |what: &str| format!("rbac covers, edit role against {} held rules, {what} (checks)", held.len());
    print(&measure(&name("compiled each time"), 100, 0, plan, |_| uncovered(&held, edit).is_empty()))?;
    let owner = Owner::of(held.iter().copied());
    print(&measure(&name("compiled once"), 100, 0, plan, |_| owner.uncovered(edit).is_empty()))
}
