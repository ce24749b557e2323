//! Rules with `*`.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::fix::Fixable;
use ringwall_model::path::FieldPath;

use super::powers::{self, Open, Which, opened};
use super::subject::{item_path, joined, listed};
use super::{EVERY_VERSION, Flaws, GOOD_PRACTICES, NEEDED, RbacCheck, Subject};
use crate::matching::ALL;
use crate::model::{Role, Rule};

const LEAST: &str = "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#least-privilege";

pub(super) const UNLIMITED: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-007",
        name: "unlimited-role",
        severity: Severity::Critical,
        summary: "a role may do everything",
        what: "A rule has `*` among its verbs, its API groups and its resources, and no `resourceNames`. In a namespace other than \
               `kube-system` the severity is high.",
        why: "The role is `cluster-admin` by another name: whoever is bound to it, and whoever gets hold of one of them, has the cluster or \
              the namespace. `*` holds `bind`, `escalate` and `impersonate`, and what is added to the cluster later.",
        fix: "List the groups, resources and verbs that are needed. `ringwall rbac reduce` reads them from an audit log.",
        bad: everywhere!("- apiGroups: [\"*\"]\n  resources: [\"*\"]\n  verbs: [\"*\"]\n"),
        good: everywhere!("- apiGroups: [apps]\n  resources: [deployments]\n  verbs: [get, list]\n"),
        versions: EVERY_VERSION,
        references: &[LEAST, GOOD_PRACTICES],
        controls: &[cis("5.1.1"), cis("5.1.3"), nsa("Authentication and authorization"), mitre("T1078")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: unlimited,
};

pub(super) const RESOURCES: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-008",
        name: "wildcard-resources",
        severity: Severity::Medium,
        summary: "a role holds all resources of an API group",
        what: "A rule has `*` among its resources, and is not one of [RW-RBAC-007](RW-RBAC-007.md). The severity is that of the worst that it \
               holds by it: reading all resources of the core group is reading all secrets, so high; low where nothing of that kind is known of \
               the group.",
        why: "`*` is every resource and every subresource: `secrets`, `pods/exec`, `serviceaccounts/token`, `nodes/proxy`, and those that \
              are added later.",
        fix: "List the resources that are needed.",
        bad: everywhere!("- apiGroups: [\"\"]\n  resources: [\"*\"]\n  verbs: [get, list, watch]\n"),
        good: everywhere!(
            "- apiGroups: [\"\"]\n  resources: [pods, services]\n  verbs: [get, list, watch]\n"
        ),
        versions: EVERY_VERSION,
        references: &[LEAST, GOOD_PRACTICES],
        controls: &[cis("5.1.2"), cis("5.1.3"), nsa("Authentication and authorization"), mitre("T1078")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: resources,
};

pub(super) const VERBS: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-009",
        name: "wildcard-verbs",
        severity: Severity::Low,
        summary: "a role has all verbs on a resource",
        what: "A rule has `*` among its verbs and names its resources or paths. What the verbs lead to is said by other checks.",
        why: "`*` is every verb, `deletecollection`, `bind`, `escalate`, `impersonate` and `approve` among them, and those that are invented \
              later.",
        fix: "List the verbs that are needed.",
        bad: everywhere!("- apiGroups: [batch]\n  resources: [jobs/status]\n  verbs: [\"*\"]\n"),
        good: everywhere!(
            "- apiGroups: [batch]\n  resources: [jobs/status]\n  verbs: [get, patch, update]\n"
        ),
        versions: EVERY_VERSION,
        references: &[LEAST, GOOD_PRACTICES],
        controls: &[cis("5.1.3"), nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: verbs,
};

pub(super) const GROUPS: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-010",
        name: "wildcard-groups",
        severity: Severity::Low,
        summary: "a role holds a resource in every API group",
        what: "A rule has `*` among its API groups and names its resources.",
        why: "Any API that is added later may have a resource of this name, and the rule holds it: `secrets`, `services`, `policies` and \
              `clusters` are names of many.",
        fix: "Name the group: that of pods, Services, secrets and the like is `\"\"`.",
        bad: everywhere!("- apiGroups: [\"*\"]\n  resources: [deployments]\n  verbs: [get, list]\n"),
        good: everywhere!("- apiGroups: [apps]\n  resources: [deployments]\n  verbs: [get, list]\n"),
        versions: EVERY_VERSION,
        references: &[LEAST, GOOD_PRACTICES],
        controls: &[cis("5.1.3"), nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: groups,
};

/// Where the star is, in a list of a rule.
fn star(items: &[String]) -> Option<usize> {
    items.iter().position(|item| item == ALL)
}

fn is_unlimited(rule: &Rule) -> bool {
    star(&rule.verbs).is_some()
        && star(&rule.api_groups).is_some()
        && star(&rule.resources).is_some()
        && rule.resource_names.is_empty()
}

/// The places of all stars of a list.
fn stars(at: usize, field: &str, items: &[String]) -> Vec<FieldPath> {
    let found = items.iter().enumerate().filter(|(_, item)| *item == ALL);
    found.map(|(item, _)| item_path(at, field, item)).collect()
}

/// The places of all that a rule lists of resources, verbs and groups: what stands beside a star says what is meant.
fn entries(at: usize, rule: &Rule) -> Vec<FieldPath> {
    let lists = [("resources", &rule.resources), ("verbs", &rule.verbs), ("apiGroups", &rule.api_groups)];
    lists
        .iter()
        .flat_map(|(field, items)| (0..items.len()).map(move |item| item_path(at, field, item)))
        .collect()
}

/// The places of all stars of a role's rules for resources.
pub(super) fn all_stars(role: &Role) -> Vec<FieldPath> {
    let rules = role.rules.iter().enumerate();
    let lists = rules.flat_map(|(at, rule)| {
        let lists = [("resources", &rule.resources), ("verbs", &rule.verbs), ("apiGroups", &rule.api_groups)];
        lists.map(|(field, items)| stars(at, field, items))
    });
    lists.flatten().collect()
}

fn unlimited(subject: &Subject<'_>, flaws: &mut Flaws) {
    for written in subject.roles() {
        let mut rules = written.rules().filter(|(_, rule)| is_unlimited(rule)).peekable();
        let Some((first, rule)) = rules.peek().copied() else { continue };
        let reach = subject.reach(&written.role);
        if reach.is_by_label() {
            continue;
        }
        let place = if reach.is_everywhere() { String::new() } else { reach.place() };
        let message = reach.told(&format!("do everything{place}"));
        let home = item_path(first, "resources", star(&rule.resources).unwrap_or_default());
        let severity = reach.rate(Severity::Critical);
        let flaw =
            flaws.add(written.object, home, format!("*/{}", reach.witness()), message).severity(severity);
        for (at, rule) in rules {
            for path in entries(at, rule) {
                flaw.related(written.object, path);
            }
        }
        for (object, path) in reach.places() {
            flaw.related(object, path);
        }
    }
}

fn resources(subject: &Subject<'_>, flaws: &mut Flaws) {
    for written in subject.roles() {
        let is_one = |rule: &Rule| star(&rule.resources).is_some() && !is_unlimited(rule);
        let rules: Vec<(usize, &Rule)> = written.rules().filter(|(_, rule)| is_one(rule)).collect();
        let Some((first, rule)) = rules.first().copied() else { continue };
        let reach = subject.reach(&written.role);
        if reach.is_by_label() {
            continue;
        }
        // What the role may do without limit is said once.
        let whole = written.rules().any(|(_, rule)| is_unlimited(rule));
        let open = if whole { Vec::new() } else { opened(subject, &rules, &reach, Which::All) };
        let open: Vec<&Open> = open.iter().collect();
        let severity = powers::rate(&reach, &open).max(reach.rate(Severity::Low));
        let mut groups: Vec<&str> =
            rules.iter().flat_map(|(_, rule)| &rule.api_groups).map(String::as_str).collect();
        groups.sort_unstable();
        groups.dedup();
        let mut verbs: Vec<&str> =
            rules.iter().flat_map(|(_, rule)| &rule.verbs).map(String::as_str).collect();
        verbs.sort_unstable();
        verbs.dedup();
        let given = given(&rules);
        let mut by_risk: Vec<&Open> = open.clone();
        by_risk.sort_by_key(|open| std::cmp::Reverse(open.everywhere));
        let so = match by_risk.as_slice() {
            [] => String::new(),
            _ => format!(", and so {}", powers::said(&by_risk, &reach)),
        };
        let place = if so.is_empty() { reach.place() } else { String::new() };
        let message = reach.told(&format!("{given}{place}{so}"));
        let home = item_path(first, "resources", star(&rule.resources).unwrap_or_default());
        let witness = format!("{}:{}/{}", groups.join(","), verbs.join(","), reach.witness());
        let flaw = flaws.add(written.object, home, witness, message).severity(severity);
        for (at, rule) in &rules {
            for path in entries(*at, rule) {
                flaw.related(written.object, path);
            }
        }
        for (object, path) in reach.places() {
            flaw.related(object, path);
        }
    }
}

/// What rules do with all resources, in words: verbs of one rule are not those of another.
fn given(rules: &[(usize, &Rule)]) -> String {
    let mut by_verbs: BTreeMap<BTreeSet<&str>, BTreeSet<&str>> = BTreeMap::new();
    for (_, rule) in rules {
        let verbs = if star(&rule.verbs).is_some() {
            BTreeSet::from([ALL])
        } else {
            rule.verbs.iter().map(String::as_str).collect()
        };
        by_verbs.entry(verbs).or_default().extend(rule.api_groups.iter().map(String::as_str));
    }
    let phrases = by_verbs.into_iter().map(|(verbs, groups)| {
        let verbs: Vec<&str> = verbs.into_iter().collect();
        let groups: Vec<&str> = groups.into_iter().collect();
        let done = if verbs == [ALL] { "do everything with".to_owned() } else { joined(&verbs) };
        format!("{done} all resources of {}", called(&groups))
    });
    phrases.collect::<Vec<_>>().join(", and ")
}

/// API groups in words.
fn called(groups: &[&str]) -> String {
    if groups.contains(&ALL) {
        return "all API groups".to_owned();
    }
    let words: Vec<&str> = groups.iter().map(|group| if group.is_empty() { "core" } else { group }).collect();
    match words.as_slice() {
        [one] => format!("the API group {one}"),
        many => format!("the API groups {}", joined(many)),
    }
}

fn verbs(subject: &Subject<'_>, flaws: &mut Flaws) {
    for written in subject.roles() {
        // What the role may do without limit is said once.
        if written.rules().any(|(_, rule)| is_unlimited(rule)) {
            continue;
        }
        for (at, rule) in written.rules() {
            let Some(item) = star(&rule.verbs).filter(|_| star(&rule.resources).is_none()) else { continue };
            let reach = subject.reach(&written.role);
            let is_of_paths = rule.resources.is_empty();
            let what = if is_of_paths { &rule.non_resource_urls } else { &rule.resources };
            let message = match (is_of_paths, star(what)) {
                (true, Some(_)) => "all verbs are given on all paths".to_owned(),
                (true, None) => format!("all verbs are given on the paths {}", listed(what)),
                (false, _) => {
                    format!("all verbs are given on {}, those that are invented later too", listed(what))
                }
            };
            let severity = reach.rate(Severity::Low);
            let flaw = flaws.add(written.object, item_path(at, "verbs", item), what.join(","), message);
            flaw.severity(severity);
        }
    }
}

fn groups(subject: &Subject<'_>, flaws: &mut Flaws) {
    for written in subject.roles() {
        for (at, rule) in written.rules() {
            let Some(item) = star(&rule.api_groups).filter(|_| star(&rule.resources).is_none()) else {
                continue;
            };
            let reach = subject.reach(&written.role);
            let message =
                format!("{} are given in every API group that has such a resource", listed(&rule.resources));
            let severity = reach.rate(Severity::Low);
            let path = item_path(at, "apiGroups", item);
            flaws.add(written.object, path, rule.resources.join(","), message).severity(severity);
        }
    }
}
