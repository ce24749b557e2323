//! What is told of a no is what alone keeps it from being a yes.

use proptest::prelude::*;
use ringwall_rbac::attributes::{Action, ResourceAction, User};
use ringwall_rbac::explain::{Miss, What};
use ringwall_rbac::model::{RbacObject, Rule, Subject};
use ringwall_rbac::policy::Policy;

use crate::engine::object;

fn allowed(policy: &Policy, user: &User, action: &Action<'_>) -> bool {
    !policy.grants_of(user, action).is_empty()
}

/// The policy with the one rule changed.
fn with_rule(policy: &Policy, miss: &Miss, change: impl FnOnce(&mut Rule)) -> Policy {
    let at = miss.rule.unwrap();
    let mut role = policy.roles()[at.role].clone();
    let mut rules: Vec<Rule> = role.rules.to_vec();
    change(&mut rules[at.rule]);
    role.rules = rules.into();
    let mut changed = policy.clone();
    changed.set(RbacObject::Role(role));
    changed
}

/// Whether the action is allowed when the one thing that is wrong is right.
fn holds(policy: &Policy, user: &User, action: &Action<'_>, miss: &Miss) -> bool {
    let rule = miss.rule.map(|at| &policy.roles()[at.role].rules[at.rule]);
    let resource = match action {
        Action::Resource(action) => Some(*action),
        Action::Path { .. } => None,
    };
    let changed = match &miss.what {
        What::Dangling(error) => {
            let binding = &policy.bindings()[miss.binding.unwrap()];
            let within = binding.namespace.as_deref().unwrap_or_default();
            return policy.resolve(&binding.role_ref, within).as_ref() == Err(error)
                && binding.subjects.iter().any(|subject| subject.is(user, within));
        }
        What::Verb => with_rule(policy, miss, |rule| rule.verbs.push(action.verb().to_owned())),
        What::Group => {
            with_rule(policy, miss, |rule| rule.api_groups.push(resource.unwrap().group.to_owned()))
        }
        What::Subresource | What::OnlySubresource | What::Spelling(_) => {
            with_rule(policy, miss, |rule| rule.resources.push(resource.unwrap().combined().into_owned()))
        }
        What::NoName => with_rule(policy, miss, |rule| rule.resource_names.clear()),
        What::Name => {
            with_rule(policy, miss, |rule| rule.resource_names.push(resource.unwrap().name.to_owned()))
        }
        What::Path => {
            let Action::Path { path, .. } = action else { return false };
            with_rule(policy, miss, |rule| rule.non_resource_urls.push((*path).to_owned()))
        }
        What::Namespace(namespaces) => {
            let namespace = namespaces[0].as_str();
            return allowed(
                policy,
                user,
                &Action::Resource(ResourceAction { namespace, ..resource.unwrap() }),
            );
        }
        What::NotMember(group) => {
            let mut user = user.clone();
            user.groups.push(group.clone());
            return allowed(policy, &user, action);
        }
        What::Subject(at, _) => {
            let mut binding = policy.bindings()[miss.binding.unwrap()].clone();
            binding.subjects[*at] =
                Subject { kind: "User".to_owned(), name: user.name.clone(), ..Subject::default() };
            let mut changed = policy.clone();
            changed.set(RbacObject::Binding(binding));
            changed
        }
        // The binding, or that there is none, is all that is wrong.
        What::PathInNamespace | What::Unbound => return rule.unwrap().allows(action),
    };
    allowed(&changed, user, action)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_one_thing_that_is_wrong_is(objects in prop::collection::vec(object(), 1..14)) {
        // One of a name, as a cluster has it.
        let mut policy = Policy::default();
        for object in objects {
            policy.set(object);
        }
        let users = ["alice", "Alice", "system:serviceaccount:shop:web", "system:serviceaccount:pay:web"].map(User::impersonated);
        for user in &users {
            for (verb, name) in [("get", "a"), ("list", ""), ("create", ""), ("get", "x")] {
                for (group, resource, subresource) in
                    [("", "pods", ""), ("", "pods", "log"), ("apps", "deployments", ""), ("apps", "deployments", "scale"), ("", "od", "")]
                {
                    for namespace in ["shop", "pay", ""] {
                        let action = Action::Resource(ResourceAction { verb, group, resource, subresource, namespace, name });
                        if !allowed(&policy, user, &action) {
                            for miss in policy.misses(user, &action, 64) {
                                prop_assert!(holds(&policy, user, &action, &miss), "{:?} {:?} {:?}", user, action, miss);
                            }
                        }
                    }
                }
            }
            for path in ["/healthz", "/healthz/ping", "/logs"] {
                let action = Action::Path { verb: "get", path };
                if !allowed(&policy, user, &action) {
                    for miss in policy.misses(user, &action, 64) {
                        prop_assert!(holds(&policy, user, &action, &miss), "{:?} {:?} {:?}", user, action, miss);
                    }
                }
            }
        }
    }
}
