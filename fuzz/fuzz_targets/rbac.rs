//! Roles and bindings as strangers write them: nothing panics, and the engine answers as the walk does.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringwall_input::{Limits, read_text};
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_rbac::attributes::{Action, ResourceAction, User};
use ringwall_rbac::authorize::Answer;
use ringwall_rbac::draft::Draft;
use ringwall_rbac::engine::Engine;
use ringwall_rbac::escalation::{Escalation, Facts as Beside};
use ringwall_rbac::policy::Policy;
use ringwall_rbac::validate::validate;

fuzz_target!(|text: &str| {
    let objects = read_text("fuzz", text.to_owned(), &Limits::default()).objects;
    let snapshot = Snapshot::new(objects, Facts::default());
    for (_, object) in snapshot.objects() {
        if let Some(draft) = Draft::read(object, "default") {
            let _ = validate(&draft);
        }
    }
    let (policy, _) = Policy::of_snapshot(&snapshot, snapshot.facts.version);
    let engine = Engine::new(policy.clone());
    let users: Vec<User> = policy
        .bindings()
        .iter()
        .rev()
        .take(4)
        .flat_map(|binding| &binding.subjects)
        .map(|subject| User::of_groups(&subject.name, &[subject.name.as_str()]))
        .collect();
    for user in &users {
        for (verb, resource, subresource, namespace) in
            [("get", "pods", "", "default"), ("create", "pods", "exec", ""), ("*", "*", "", "shop")]
        {
            let action = Action::Resource(ResourceAction {
                verb,
                resource,
                subresource,
                namespace,
                ..ResourceAction::default()
            });
            let walk = match policy.answer(user, &action) {
                Answer::Allowed(grant) => Some(grant),
                _ => None,
            };
            assert_eq!(engine.grant(user, &action), walk);
            let _ = policy.misses(user, &action, 3);
        }
    }
    let facts = Beside::default();
    let escalation = Escalation::of(&policy, &facts);
    let _ = escalation.subjects().count();
});
