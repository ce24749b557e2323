//! What a subject is told to hold, by the matrix and by differences, is what the walk allows it.

use proptest::prelude::*;
use ringwall_rbac::attributes::{Action, Decision, ResourceAction, User};
use ringwall_rbac::covers::Atom;
use ringwall_rbac::holdings::Who;
use ringwall_rbac::policy::Policy;

use crate::engine::{fresh, object, questions};

/// Somebody who is this subject and nothing else.
fn alone(who: &Who) -> User {
    if who.is_group { User::of_groups("nobody", &[&who.name]) } else { User::of_groups(&who.name, &[]) }
}

fn gives(atom: &Atom<'_>, action: &Action<'_>) -> bool {
    atom.rule().allows(action)
}

/// All questions of the small world, of paths too.
fn actions() -> Vec<Action<'static>> {
    let of_resources =
        questions().into_iter().map(|(verb, group, resource, subresource, namespace, name)| {
            Action::Resource(ResourceAction { verb, group, resource, subresource, namespace, name })
        });
    let paths = ["/healthz", "/healthz/ping", "/logs", "/axb", "/"];
    of_resources.chain(paths.map(|path| Action::Path { verb: "get", path })).collect()
}

fn of(objects: &[ringwall_rbac::model::RbacObject]) -> Policy {
    let mut policy = fresh(objects);
    policy.aggregate(|_| false);
    policy
}

fn is_allowed(policy: &Policy, user: &User, action: &Action<'_>) -> bool {
    policy.answer(user, action).decision() == Decision::Allow
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_held_is_what_the_walk_allows(objects in prop::collection::vec(object(), 0..14)) {
        let policy = of(&objects);
        for (who, holdings) in policy.holdings() {
            let (user, least) = (alone(&who), holdings.least());
            for action in actions() {
                let here = least.within.get(action.namespace()).into_iter().flatten();
                let told = least.everywhere.iter().chain(here).any(|(atom, _)| gives(atom, &action));
                prop_assert_eq!(told, is_allowed(&policy, &user, &action), "{:?} {:?}", who, action);
            }
        }
    }

    #[test]
    fn what_one_policy_gives_beyond_another_is_gained(
        base in prop::collection::vec(object(), 0..10),
        head in prop::collection::vec(object(), 0..10),
    ) {
        let (base, head) = (of(&base), of(&head));
        let before = base.holdings();
        for (who, holdings) in head.holdings() {
            let (user, least, had) = (alone(&who), holdings.least(), before.get(&who));
            let is_new = |namespace: Option<&str>, atom: &Atom<'_>| {
                !had.is_some_and(|had| had.cover(namespace, atom))
            };
            for action in actions() {
                let namespace = Some(action.namespace()).filter(|namespace| !namespace.is_empty());
                let here = namespace.and_then(|namespace| least.within.get(namespace)).into_iter().flatten();
                let gained = least.everywhere.iter().filter(|(atom, _)| is_new(None, atom)).any(|(atom, _)| gives(atom, &action))
                    || here.filter(|(atom, _)| is_new(namespace, atom)).any(|(atom, _)| gives(atom, &action));
                let (was, is) = (is_allowed(&base, &user, &action), is_allowed(&head, &user, &action));
                // What is allowed now and was not must be told; what is told must be allowed now.
                prop_assert!(gained || was || !is, "{:?} {:?}", who, action);
                prop_assert!(is || !gained, "{:?} {:?}", who, action);
            }
        }
    }
}
