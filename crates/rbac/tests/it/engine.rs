//! The engine answers as the walk does, for any policy and after any change of it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use ringwall_model::selector::Selector;
use ringwall_rbac::attributes::{Action, ResourceAction, User};
use ringwall_rbac::authorize::{Answer, Grant};
use ringwall_rbac::engine::Engine;
use ringwall_rbac::model::{Binding, RbacObject, Role, RoleRef, RoleSelector, Rule, Subject};
use ringwall_rbac::policy::Policy;

const VERBS: [&str; 5] = ["get", "list", "create", "*", "Get"];
const GROUPS: [&str; 4] = ["", "apps", "*", "core"];
const RESOURCES: [&str; 9] =
    ["pods", "pods/log", "*", "*/log", "pods/*", "*/*", "deployments", "deployments/scale", "/log"];
const NAMES: [&str; 4] = ["a", "b", "", "*"];
const PATHS: [&str; 5] = ["/healthz", "/healthz/*", "*", "/log**", "/a*b"];
const SPACES: [&str; 3] = ["shop", "pay", "a"];
const USERS: [&str; 4] = [
    "alice",
    "system:serviceaccount:shop:web",
    "system:serviceaccount:a:b:c",
    "system:serviceaccount:pay:web",
];
const TEAMS: [&str; 3] = ["dev", "system:serviceaccounts:shop", "system:authenticated"];

fn some(from: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(prop::sample::select(from), 0..=most)
        .prop_map(|list| list.into_iter().map(str::to_owned).collect())
}

fn one(from: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(from).prop_map(str::to_owned)
}

fn rule() -> impl Strategy<Value = Rule> {
    let names = prop_oneof![3 => Just(Vec::new()), 1 => some(&NAMES, 2)];
    let urls = prop_oneof![3 => Just(Vec::new()), 1 => some(&PATHS, 2)];
    (some(&VERBS, 2), some(&GROUPS, 2), some(&RESOURCES, 3), names, urls).prop_map(
        |(verbs, api_groups, resources, resource_names, non_resource_urls)| Rule {
            verbs,
            api_groups,
            resources,
            resource_names,
            non_resource_urls,
        },
    )
}

fn space() -> impl Strategy<Value = Option<String>> {
    prop::option::of(one(&SPACES))
}

fn role() -> impl Strategy<Value = RbacObject> {
    let labels = prop::collection::btree_map(one(&["view", "edit"]), one(&["true"]), 0..=2);
    let takes_in = prop::option::weighted(0.3, one(&["view", "edit"]));
    (space(), one(&["r0", "r1", "r2"]), prop::collection::vec(rule(), 0..=3), labels, takes_in).prop_map(
        |(namespace, name, rules, labels, takes_in): (_, _, _, BTreeMap<String, String>, Option<String>)| {
            let aggregation = takes_in.filter(|_| namespace.is_none()).map(|label| {
                let compiled = Some(Selector::of_labels([(label.as_str(), "true")]));
                vec![RoleSelector { compiled, ..RoleSelector::default() }]
            });
            RbacObject::Role(Role {
                namespace,
                name,
                rules: rules.into(),
                labels,
                aggregation,
                ..Role::default()
            })
        },
    )
}

fn subject() -> impl Strategy<Value = Subject> {
    let names: &[&str] =
        &["alice", "web", "b:c", "dev", "system:serviceaccounts:shop", "system:serviceaccount:shop:web"];
    (one(&["User", "Group", "ServiceAccount", "user"]), one(Box::leak(names.into())), one(&["", "shop", "a"]))
        .prop_map(|(kind, name, namespace)| Subject { kind, name, namespace, api_group: String::new() })
}

fn binding() -> impl Strategy<Value = RbacObject> {
    let reference = (one(&["Role", "ClusterRole", "Other"]), one(&["r0", "r1", "r2"]));
    (space(), one(&["b0", "b1", "b2", "b3"]), prop::collection::vec(subject(), 0..=3), reference).prop_map(
        |(namespace, name, subjects, (kind, role))| {
            let role_ref = RoleRef { api_group: String::new(), kind, name: role };
            RbacObject::Binding(Binding { namespace, name, subjects, role_ref, ..Binding::default() })
        },
    )
}

pub(crate) fn object() -> impl Strategy<Value = RbacObject> {
    prop_oneof![role(), binding()]
}

#[derive(Clone, Debug)]
enum Step {
    Set(RbacObject),
    RemoveRole(Option<String>, String),
    RemoveBinding(Option<String>, String),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => object().prop_map(Step::Set),
        1 => (space(), one(&["r0", "r1", "r2"])).prop_map(|(space, name)| Step::RemoveRole(space, name)),
        1 => (space(), one(&["b0", "b1", "b2", "b3"])).prop_map(|(space, name)| Step::RemoveBinding(space, name)),
    ]
}

/// All questions of a small world.
pub(crate) fn questions()
-> Vec<(&'static str, &'static str, &'static str, &'static str, &'static str, &'static str)> {
    let mut all = Vec::new();
    for verb in ["get", "create", "*"] {
        for group in ["", "apps", "other"] {
            for (resource, subresource) in [
                ("pods", ""),
                ("pods", "log"),
                ("deployments", "scale"),
                ("things", "log"),
                ("", "log"),
                ("pods/log", ""),
            ] {
                for namespace in ["", "shop", "a"] {
                    for name in ["", "a"] {
                        all.push((verb, group, resource, subresource, namespace, name));
                    }
                }
            }
        }
    }
    all
}

fn users() -> Vec<User> {
    let mut users = Vec::new();
    for name in USERS {
        for groups in [&TEAMS[..0], &TEAMS[..2], &TEAMS[..]] {
            users.push(User::of_groups(name, groups));
        }
    }
    users
}

pub(crate) fn fresh(objects: &[RbacObject]) -> Policy {
    let mut policy = Policy::default();
    for object in objects {
        policy.set(object.clone());
    }
    policy
}

/// Holds every answer of the engine against the walk through a policy that says the same.
fn agree(engine: &Engine, policy: &Policy) {
    let walk = |user: &User, action: &Action<'_>| match policy.answer(user, action) {
        Answer::Allowed(grant) => Some(grant),
        _ => None,
    };
    let told = |policy: &Policy, grant: Option<Grant>| {
        grant.map(|grant| (policy.describe(grant.binding, grant.subject), grant.rule))
    };
    for (verb, group, resource, subresource, namespace, name) in questions() {
        let action = Action::Resource(ResourceAction { verb, group, resource, subresource, namespace, name });
        for user in users() {
            let (left, right) = (engine.grant(&user, &action), walk(&user, &action));
            assert_eq!(left.is_some(), right.is_some(), "{user:?} {action:?}");
            if std::ptr::eq(engine.policy(), policy) {
                assert_eq!(told(engine.policy(), left), told(policy, right), "{user:?} {action:?}");
            }
        }
        let of_walk: BTreeSet<String> = policy
            .subjects_of(&action)
            .0
            .iter()
            .map(|allowed| format!("{:?} {:?}", allowed.subject, policy.bindings()[allowed.binding].name))
            .collect();
        let of_engine: BTreeSet<String> = engine
            .who_can(&action)
            .iter()
            .flat_map(|access| {
                let binding = &engine.policy().bindings()[access.binding];
                binding.subjects.iter().map(move |subject| format!("{subject:?} {:?}", binding.name))
            })
            .collect();
        assert_eq!(of_engine, of_walk, "{action:?}");
    }
    for path in ["/healthz", "/healthz/ping", "/logs", "/axb", "/"] {
        let action = Action::Path { verb: "get", path };
        for user in users() {
            assert_eq!(engine.grant(&user, &action).is_some(), walk(&user, &action).is_some(), "{path}");
        }
    }
}

/// The whole matrix says of each namespace what the walk says there.
fn cells_agree(engine: &Engine) {
    for (verb, group, resource, subresource, _, name) in questions() {
        let ask = |namespace| {
            Action::Resource(ResourceAction { verb, group, resource, subresource, namespace, name })
        };
        let cell = engine.cell(&ask(""));
        for namespace in SPACES {
            let who = engine.who_can(&ask(namespace));
            for number in 0..engine.subject_count() as u32 {
                let Some((is_group, text)) = engine.subject(number) else { continue };
                let user =
                    if is_group { User::of_groups("nobody", &[text]) } else { User::of_groups(text, &[]) };
                let inside = cell.within.get(&number).is_some_and(|spaces| {
                    spaces.iter().any(|space| engine.namespace(space) == Some(namespace))
                });
                let by_cell = cell.everywhere.contains(number) || inside;
                assert_eq!(
                    by_cell,
                    engine.grant(&user, &ask(namespace)).is_some(),
                    "{text} {:?} {who:?}",
                    ask(namespace)
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_engine_is_the_walk(objects in prop::collection::vec(object(), 0..14)) {
        let mut policy = fresh(&objects);
        policy.aggregate(|_| false);
        let engine = Engine::new(policy);
        agree(&engine, engine.policy());
        cells_agree(&engine);
    }

    #[test]
    fn an_engine_that_was_changed_answers_as_one_made_anew(
        objects in prop::collection::vec(object(), 0..8),
        steps in prop::collection::vec(step(), 0..10),
    ) {
        let mut policy = fresh(&objects);
        policy.aggregate(|_| false);
        let mut engine = Engine::new(policy);
        // What is there by kind, namespace and name.
        let key = |object: &RbacObject| match object {
            RbacObject::Role(role) => (true, role.namespace.clone(), role.name.clone()),
            RbacObject::Binding(binding) => (false, binding.namespace.clone(), binding.name.clone()),
        };
        let mut world: BTreeMap<_, RbacObject> = objects.iter().map(|object| (key(object), object.clone())).collect();
        for step in steps {
            match step {
                Step::Set(object) => {
                    world.insert(key(&object), object.clone());
                    engine.set(object);
                }
                Step::RemoveRole(namespace, name) => {
                    engine.remove_role(namespace.as_deref(), &name);
                    world.remove(&(true, namespace, name));
                }
                Step::RemoveBinding(namespace, name) => {
                    engine.remove_binding(namespace.as_deref(), &name);
                    world.remove(&(false, namespace, name));
                }
            }
            let objects: Vec<RbacObject> = world.values().cloned().collect();
            let mut anew = fresh(&objects);
            anew.aggregate(|_| false);
            agree(&engine, &anew);
        }
        cells_agree(&engine);
    }
}
