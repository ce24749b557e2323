//! Verbs of rules that no request has.

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fixable, Value};
use ringwall_model::resources::{Resources, USUAL_VERBS};

use super::resources::{fault, split};
use super::subject::{item_path, joined, rule_path};
use super::{EVERY_VERSION, Flaws, RBAC, RbacCheck, Subject, nearest, reviewed, safe};
use crate::matching::ALL;
use crate::model::{GROUP, Rule};

const VERBS: &str =
    "https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb";

pub(super) const SLIP: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-049",
        name: "verb-slip",
        severity: Severity::Low,
        summary: "a rule names a verb that no request has",
        what: "A verb of a rule for resources is in upper case (`GET`), an HTTP method (`post`, `put`), a word for several (`read`, `write`, \
               `all`), misspelt, the name of a subresource (`exec` on `pods`), or has a star beside other letters; a verb of a rule for paths is none of `get`, `head`, `post`, `put`, `patch`, \
               `delete` and `options`. Verbs that are not known are left alone: others may ask for them. The severity is info where the rule has \
               other verbs.",
        why: "The authorizer compares texts: the rule gives nothing by this verb.",
        fix: "Write the verb as `kubectl auth can-i --list` shows it.",
        bad: everywhere!("- apiGroups: [\"\"]\n  resources: [pods]\n  verbs: [GET]\n"),
        good: everywhere!("- apiGroups: [\"\"]\n  resources: [pods]\n  verbs: [get]\n"),
        versions: EVERY_VERSION,
        references: &[VERBS],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: slips,
};

pub(super) const UNASKED: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-050",
        name: "verb-never-asked",
        severity: Severity::Low,
        summary: "a rule has no verb that its resource takes",
        what: "A resource of a rule is one of Kubernetes' own, and takes none of the rule's verbs: `list` on `pods/exec`, `get` on \
               `tokenreviews`. Or a verb of the rule is asked only of other resources: `bind` and `escalate` of `roles` and `clusterroles`, not \
               of bindings; `approve`, `sign` and `attest` of `signers`. The severity is info where the rule has other resources that take its \
               verbs.",
        why: "No such request is made, so nothing is given. What is meant (the right to bind, to run commands) is given by another rule, or \
              missing.",
        fix: "Name the verb that the resource takes, or take the resource out.",
        bad: everywhere!("- apiGroups: [\"\"]\n  resources: [pods/exec]\n  verbs: [list, watch]\n"),
        good: everywhere!("- apiGroups: [\"\"]\n  resources: [pods]\n  verbs: [list, watch]\n"),
        versions: "Judged by the resources of v1.37.",
        references: &[VERBS, RBAC],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByTool(Applicability::Safe),
    find: unasked,
};

/// Verbs of requests for resources that are no requests of the API's own.
const SPECIAL: [&str; 10] = [
    "bind",
    "escalate",
    "impersonate",
    "use",
    "approve",
    "sign",
    "attest",
    "proxy",
    "redirect",
    "unsafe-delete-ignore-read-errors",
];

/// Verbs of requests for paths.
const METHODS: [&str; 8] = ["get", "head", "post", "put", "patch", "delete", "options", "connect"];

/// The verb that is meant by one that no request for a resource has.
enum Meant {
    One(&'static str),
    Several(&'static str),
    /// The subresource of a resource that the verb is the name of.
    Subresource(String),
    Nothing,
}

fn usual(word: &str) -> Option<&'static str> {
    USUAL_VERBS.into_iter().chain(SPECIAL).find(|verb| *verb == word)
}

/// What is wrong with a verb of a rule for resources; `None` where nothing is known to be.
fn slip(verb: &str) -> Option<Meant> {
    if verb == ALL || usual(verb).is_some() || verb.contains(':') {
        return None;
    }
    if verb.is_empty() || verb.contains('*') || verb.contains(char::is_whitespace) {
        return Some(usual(verb.trim()).map_or(Meant::Nothing, Meant::One));
    }
    let lower = verb.to_ascii_lowercase();
    if lower != verb
        && let Some(known) = usual(&lower)
    {
        return Some(Meant::One(known));
    }
    match lower.as_str() {
        "post" => return Some(Meant::One("create")),
        "put" => return Some(Meant::One("update")),
        "head" | "options" => return Some(Meant::One("get")),
        "read" => return Some(Meant::Several("get, list and watch")),
        "write" => return Some(Meant::Several("create, update, patch and delete")),
        "all" | "any" => return Some(Meant::Several("*")),
        "remove" => return Some(Meant::One("delete")),
        "modify" | "change" => return Some(Meant::Several("update and patch")),
        "deletecollections" | "delete-collection" | "delete_collection" => {
            return Some(Meant::One("deletecollection"));
        }
        _ => {}
    }
    let plural = lower.strip_suffix('s').and_then(usual);
    let near = plural.or_else(|| nearest(&lower, USUAL_VERBS.into_iter()));
    near.map(Meant::One)
}

/// The subresource that a verb is the name of, as in `exec` on `pods`: it is a resource of its own, which has the API's verbs.
fn subresource(resources: &Resources, rule: &Rule, verb: &str) -> Option<Meant> {
    if usual(verb).is_some() {
        return None;
    }
    let has = |group: &String, item: &str| {
        is_own(resources, group)
            && resources.of(group, item).is_some_and(|resource| resource.subresource(verb).is_some())
    };
    let item = rule
        .resources
        .iter()
        .find(|item| !item.contains('/') && rule.api_groups.iter().any(|group| has(group, item)))?;
    Some(Meant::Subresource(format!("the resource {item}/{verb}")))
}

fn slips(subject: &Subject<'_>, flaws: &mut Flaws) {
    for written in subject.roles() {
        for (at, rule) in written.rules() {
            let is_of_paths = rule.resources.is_empty() && !rule.non_resource_urls.is_empty();
            let judge = |verb: &str| {
                if is_of_paths {
                    let known = verb == ALL || METHODS.contains(&verb);
                    let lower = verb.to_ascii_lowercase();
                    let meant = METHODS.into_iter().find(|method| *method == lower);
                    let meant = meant.or(matches!(verb, "list" | "watch" | "read").then_some("get"));
                    return (!known).then(|| meant.map_or(Meant::Nothing, Meant::One));
                }
                slip(verb).or_else(|| subresource(subject.resources, rule, verb))
            };
            let wrong: Vec<(usize, &str, Meant)> = rule
                .verbs
                .iter()
                .enumerate()
                .filter_map(|(item, verb)| Some((item, verb.as_str(), judge(verb)?)))
                .collect();
            let Some((first, ..)) = wrong.first() else { continue };
            let names: Vec<String> = wrong.iter().map(|(_, verb, _)| format!("\"{verb}\"")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut hints: Vec<&str> = wrong
                .iter()
                .filter_map(|(.., meant)| match meant {
                    Meant::One(verb) | Meant::Several(verb) => Some(*verb),
                    Meant::Subresource(item) => Some(item.as_str()),
                    Meant::Nothing => None,
                })
                .collect();
            hints.sort_unstable();
            hints.dedup();
            let hint = if hints.is_empty() {
                String::new()
            } else {
                format!(": {} may be meant", hints.join(", or "))
            };
            let message = format!("no request has the verb {}{hint}", joined(&names));
            let mut changes = Vec::new();
            let mut taken: Vec<&str> = Vec::new();
            let mut is_clear = true;
            for (item, _, meant) in &wrong {
                let path = item_path(at, "verbs", *item);
                match meant {
                    Meant::One(verb) if rule.verbs.iter().any(|own| own == verb) || taken.contains(verb) => {
                        changes.push(Change::Remove { path });
                    }
                    Meant::One(verb) => {
                        taken.push(verb);
                        changes.push(Change::Set { path, value: Value::from(*verb) });
                    }
                    Meant::Several(_) | Meant::Subresource(_) | Meant::Nothing => is_clear = false,
                }
            }
            let fix = if is_clear {
                let review = "whether the right is meant: until now it is not given";
                Ok(reviewed("correct the verb", review, changes))
            } else {
                Err("which verbs are meant is not in the manifest".to_owned())
            };
            let witness: Vec<&str> = wrong.iter().map(|(_, verb, _)| *verb).collect();
            let path = item_path(at, "verbs", *first);
            let flaw = flaws.add(written.object, path, witness.join(","), message).fix(fix);
            if wrong.len() < rule.verbs.len() {
                flaw.severity(Severity::Info);
            }
            for (item, ..) in wrong.iter().skip(1) {
                flaw.related(written.object, item_path(at, "verbs", *item));
            }
        }
    }
}

/// Whether a verb may be asked of a resource that is known.
fn is_asked(resources: &Resources, group: &str, item: &str, verb: &str) -> bool {
    if verb == ALL || item == ALL || group == ALL {
        return true;
    }
    let (plural, subresource) = split(item);
    match verb {
        "bind" | "escalate" => group == GROUP && matches!(item, "roles" | "clusterroles"),
        "approve" | "sign" | "attest" => group != "certificates.k8s.io" || item == "signers",
        "impersonate" => {
            matches!((group, plural), ("", "users" | "groups" | "serviceaccounts"))
                || group == "authentication.k8s.io"
                || !is_own(resources, group)
        }
        _ => match resources.of(group, plural).filter(|_| is_own(resources, group)) {
            // Of what is asked for and not served only its askers know the verbs.
            None => true,
            Some(resource) if subresource.is_empty() => {
                !USUAL_VERBS.contains(&verb) || resource.has_verb(verb)
            }
            Some(resource) => match resource.subresource(subresource) {
                None => true,
                Some(verbs) => !USUAL_VERBS.contains(&verb) || verbs.iter().any(|own| own == verb),
            },
        },
    }
}

/// Whether a group is Kubernetes' own.
fn is_own(_: &Resources, group: &str) -> bool {
    Resources::builtin().knows_group(group)
}

fn unasked(subject: &Subject<'_>, flaws: &mut Flaws) {
    let resources = subject.resources;
    for written in subject.roles() {
        for (at, rule) in written.rules() {
            special(written.object, at, rule, resources, flaws);
            let takes = |item: &str| {
                rule.api_groups.iter().any(|group| {
                    let known = resources.of(group, split(item).0).is_some() || group == ALL;
                    known && rule.verbs.iter().any(|verb| is_asked(resources, group, item, verb))
                }) || rule.api_groups.iter().all(|group| resources.of(group, split(item).0).is_none())
            };
            // What no request is for at all is said elsewhere.
            let is_idle = |item: &str| {
                !item.starts_with('*')
                    && fault(resources, rule, item).is_none()
                    && !takes(item)
                    && !rule.verbs.is_empty()
            };
            let idle: Vec<(usize, &str)> = rule
                .resources
                .iter()
                .map(String::as_str)
                .enumerate()
                .filter(|(_, item)| is_idle(item))
                .collect();
            let Some((first, name)) = idle.first().copied() else { continue };
            let names: Vec<&str> = idle.iter().map(|(_, item)| *item).collect();
            let takes = if names.len() == 1 { "takes" } else { "take" };
            let message = format!(
                "{} {takes} none of the rule's verbs{}",
                joined(&names),
                taken(resources, rule, name)
            );
            let is_all = idle.len() == rule.resources.len();
            let fix = if is_all {
                let changes = vec![Change::Remove { path: rule_path(at) }];
                Ok(safe("take out the rule that gives nothing", changes))
            } else {
                let changes =
                    idle.iter().map(|(item, _)| Change::Remove { path: item_path(at, "resources", *item) });
                Ok(safe("take out what is never asked", changes.collect()))
            };
            let path = item_path(at, "resources", first);
            let flaw = flaws.add(written.object, path, names.join(","), message).fix(fix);
            if !is_all {
                flaw.severity(Severity::Info);
            }
            for (item, _) in idle.iter().skip(1) {
                flaw.related(written.object, item_path(at, "resources", *item));
            }
        }
    }
}

/// Which verbs a resource takes, in words.
fn taken(resources: &Resources, rule: &Rule, item: &str) -> String {
    let (plural, subresource) = split(item);
    let Some(resource) = rule.api_groups.iter().find_map(|group| resources.of(group, plural)) else {
        return String::new();
    };
    let verbs: Vec<&str> = if subresource.is_empty() {
        resource
            .versions
            .first()
            .map(|(_, verbs)| verbs.iter().map(String::as_str).collect())
            .unwrap_or_default()
    } else {
        resource.subresource(subresource).unwrap_or_default().iter().map(String::as_str).collect()
    };
    if verbs.is_empty() { String::new() } else { format!(": it takes {}", joined(&verbs)) }
}

/// Verbs that are asked of a few resources, none of which the rule has.
fn special(object: usize, at: usize, rule: &Rule, resources: &Resources, flaws: &mut Flaws) {
    let is_special =
        |verb: &str| matches!(verb, "bind" | "escalate" | "approve" | "sign" | "attest" | "impersonate");
    for (item, verb) in rule.verbs.iter().enumerate().filter(|(_, verb)| is_special(verb)) {
        let asked = |resource: &String| {
            rule.api_groups.iter().any(|group| is_asked(resources, group, resource, verb))
        };
        let is_open =
            rule.resources.iter().any(|resource| resource.contains('*')) || rule.api_groups.is_empty();
        if is_open || rule.resources.is_empty() || rule.resources.iter().any(asked) {
            continue;
        }
        let of = match verb.as_str() {
            "bind" => "of roles and clusterroles, the roles that are bound, and never of bindings",
            "escalate" => "of roles and clusterroles",
            "impersonate" => "of users, groups, serviceaccounts and of authentication.k8s.io",
            _ => "of signers of certificates.k8s.io",
        };
        let message = format!("{verb} is asked {of}: here it gives nothing");
        // Where it is the rule's only verb, that is said of the resources.
        if rule.verbs.len() == 1
            && rule.resources.iter().all(|resource| fault(resources, rule, resource).is_none())
        {
            let changes = vec![Change::Remove { path: rule_path(at) }];
            let fix = safe("take out the rule that gives nothing", changes);
            flaws.add(object, item_path(at, "verbs", item), verb.as_str(), message).fix(Ok(fix));
            continue;
        }
        let changes = vec![Change::Remove { path: item_path(at, "verbs", item) }];
        let fix = safe("take out the verb that gives nothing", changes);
        let path = item_path(at, "verbs", item);
        flaws.add(object, path, verb.as_str(), message).fix(Ok(fix)).severity(Severity::Low);
    }
}
