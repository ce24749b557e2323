//! API groups of rules that are none, or have nothing to do there.

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fixable, Value};
use ringwall_model::resources::{Resources, retired};

use super::resources::{exists, is_known_group, split};
use super::subject::{item_path, joined};
use super::{EVERY_VERSION, Flaws, RBAC, RbacCheck, Subject, nearest, reviewed, safe};
use crate::matching::ALL;

pub(super) const SLIP: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-044",
        name: "group-slip",
        severity: Severity::Low,
        summary: "a rule names an API group that is none",
        what: "An API group of a rule has a version in it (`apps/v1`), or is a version (`v1`), the word `core`, half a name (`rbac`, \
               `networking`), in upper case, or has a star beside other letters; or has no dot and is neither Kubernetes' own nor of a CRD in the \
               input. The severity is info where the rule has another group.",
        why: "The authorizer compares texts, and no request is of such a group: the rule gives nothing of it. The core group is `\"\"`.",
        fix: "Write the group as `kubectl api-resources` shows it before the slash, and `\"\"` where it shows none.",
        bad: everywhere!("- apiGroups: [core]\n  resources: [pods]\n  verbs: [get, list]\n"),
        good: everywhere!("- apiGroups: [\"\"]\n  resources: [pods]\n  verbs: [get, list]\n"),
        versions: EVERY_VERSION,
        references: &[RBAC, "https://kubernetes.io/docs/reference/using-api/#api-groups"],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: slips,
};

pub(super) const IDLE: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-048",
        name: "group-without-resource",
        severity: Severity::Info,
        summary: "a rule names an API group that has none of its resources",
        what: "An API group of a rule is Kubernetes' own, has none of the rule's resources, and another group of the rule \
               has or may have them; or it is `extensions`, which API servers do not serve since v1.22.",
        why: "It gives nothing today. A resource of that name which is added to the group later would be given.",
        fix: "Take the group out.",
        bad: everywhere!("- apiGroups: [\"\", apps]\n  resources: [pods, pods/log]\n  verbs: [get, list]\n"),
        good: everywhere!("- apiGroups: [\"\"]\n  resources: [pods, pods/log]\n  verbs: [get, list]\n"),
        versions: "`extensions` is empty since v1.22; all else in every version.",
        references: &[RBAC, "https://kubernetes.io/docs/reference/using-api/deprecation-guide/"],
        controls: &[],
    },
    fix: Fixable::ByTool(Applicability::Safe),
    find: idle,
};

/// Whether no request can be of a group.
pub(super) fn is_impossible(resources: &Resources, group: &str) -> bool {
    if group.is_empty() || group == ALL || is_known_group(group) || resources.knows_group(group) {
        return false;
    }
    let is_odd = |c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.'));
    // A group that others serve is a domain with a dot in it, as the API server demands of CRDs.
    group.contains(is_odd) || !group.contains('.')
}

/// The group that is meant by one that is none.
fn meant<'r>(resources: &'r Resources, group: &str) -> Option<&'r str> {
    let plain = group.trim().to_ascii_lowercase();
    let is_version =
        |word: &str| word.starts_with('v') && word[1..].starts_with(|c: char| c.is_ascii_digit());
    let word = match plain.split_once('/') {
        Some((before, after)) if is_version(after) => before,
        Some(("api", _)) => "",
        Some(("apis", after)) => after.split('/').next().unwrap_or_default(),
        Some(_) => return None,
        None => plain.as_str(),
    };
    if matches!(word, "core" | "" | "api") || is_version(word) {
        return Some("");
    }
    let groups = || resources.iter().map(|resource| resource.group.as_str());
    let begins = |known: &&str| known.strip_prefix(word).is_some_and(|rest| rest.starts_with('.'));
    groups()
        .find(|known| *known == word)
        .or_else(|| groups().find(begins))
        .or_else(|| nearest(word, groups()))
}

fn slips(subject: &Subject<'_>, flaws: &mut Flaws) {
    for written in subject.roles() {
        for (at, rule) in written.rules() {
            let wrong: Vec<(usize, &str)> = rule
                .api_groups
                .iter()
                .map(String::as_str)
                .enumerate()
                .filter(|(_, group)| is_impossible(subject.resources, group))
                .collect();
            let Some((first, _)) = wrong.first().copied() else { continue };
            let names: Vec<String> = wrong.iter().map(|(_, group)| format!("\"{group}\"")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let found: Vec<Option<&str>> =
                wrong.iter().map(|(_, group)| meant(subject.resources, group)).collect();
            let hint: Vec<String> = found.iter().flatten().map(|meant| format!("\"{meant}\"")).collect();
            let hint = match hint.as_slice() {
                [] => String::new(),
                [one] => format!(": {one} is meant"),
                many => format!(": {} are meant", many.join(", ")),
            };
            let is = if names.len() == 1 { "is no API group" } else { "are no API groups" };
            let message = format!("{} {is}{hint}", joined(&names));
            let mut changes = Vec::new();
            let mut taken: Vec<&str> = Vec::new();
            for ((item, _), meant) in wrong.iter().zip(&found) {
                let path = item_path(at, "apiGroups", *item);
                match meant {
                    Some(meant)
                        if !rule.api_groups.iter().any(|own| own == meant) && !taken.contains(meant) =>
                    {
                        changes.push(Change::Set { path, value: Value::from(*meant) });
                        taken.push(meant);
                    }
                    Some(_) => changes.push(Change::Remove { path }),
                    None => {}
                }
            }
            let fix = if found.iter().all(Option::is_some) {
                let review = "whether the right is meant: until now it is not given";
                Ok(reviewed("correct the API group", review, changes))
            } else {
                Err("which group is meant is not in the manifest".to_owned())
            };
            let witness: Vec<&str> = wrong.iter().map(|(_, group)| *group).collect();
            let path = item_path(at, "apiGroups", first);
            let flaw = flaws.add(written.object, path, witness.join(","), message).fix(fix);
            if wrong.len() < rule.api_groups.len() {
                flaw.severity(Severity::Info);
            }
            for (item, _) in wrong.iter().skip(1) {
                flaw.related(written.object, item_path(at, "apiGroups", *item));
            }
        }
    }
}

fn idle(subject: &Subject<'_>, flaws: &mut Flaws) {
    let resources = subject.resources;
    for written in subject.roles() {
        for (at, rule) in written.rules() {
            let is_wild = |item: &String| item.starts_with('*');
            if rule.resources.is_empty() || rule.resources.iter().any(is_wild) {
                continue;
            }
            let has_any = |group: &str| {
                rule.resources.iter().any(|item| {
                    let (plural, subresource) = split(item);
                    exists(resources, group, plural, subresource) && retired(group, plural).is_none()
                })
            };
            let is_live = |group: &String| {
                group == ALL || (is_known_group(group) && has_any(group)) || !is_known_group(group)
            };
            let live = rule.api_groups.iter().filter(|group| is_live(group)).count();
            let idle: Vec<(usize, &str)> = rule
                .api_groups
                .iter()
                .enumerate()
                .filter(|(_, group)| !is_live(group))
                .map(|(item, group)| (item, group.as_str()))
                .collect();
            // Where no group has the resource, that is said of the resource.
            let Some((first, _)) = idle.first().copied().filter(|_| live > 0) else { continue };
            let names: Vec<String> = idle.iter().map(|(_, group)| format!("\"{group}\"")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let has = if names.len() == 1 { "has" } else { "have" };
            let message = format!("{} {has} none of the rule's resources", joined(&names));
            let changes =
                idle.iter().map(|(item, _)| Change::Remove { path: item_path(at, "apiGroups", *item) });
            let fix = safe("take out the group that has none of them", changes.collect());
            let witness: Vec<&str> = idle.iter().map(|(_, group)| *group).collect();
            let path = item_path(at, "apiGroups", first);
            let flaw = flaws.add(written.object, path, witness.join(","), message).fix(Ok(fix));
            for (item, _) in idle.iter().skip(1) {
                flaw.related(written.object, item_path(at, "apiGroups", *item));
            }
        }
    }
}
