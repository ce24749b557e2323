//! Resources of rules that no request is for: what is never matched, and what was meant.

use std::collections::BTreeSet;

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fix, Fixable, Value};
use ringwall_model::resources::{Resource, Resources, is_asked_for, retired};

use super::groups::is_impossible;
use super::subject::{Written, item_path, joined, rule_path};
use super::{EVERY_VERSION, Flaws, RBAC, RbacCheck, Subject, nearest, reviewed, safe};
use crate::covers::uncovered;
use crate::matching::ALL;
use crate::model::Rule;

const REFERRING: &str =
    "https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources";

pub(super) const STAR: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-043",
        name: "star-in-resource",
        severity: Severity::Low,
        summary: "a rule names a resource with a star that is none",
        what: "A resource of a rule has a `*` that neither stands alone nor before the slash of a subresource: `pods/*`, `*/*`, `pod*`.",
        why: "The authorizer compares texts: `pods/*` matches no request. Who reads the rule believes that it gives `pods/log` or \
              `pods/exec`, and so do some scanners; who needs them gets a wider role.",
        fix: "Name the subresources that are needed. All resources and subresources are `*`, one subresource of all is `*/scale`.",
        bad: everywhere!("- apiGroups: [\"\"]\n  resources: [pods, \"pods/*\"]\n  verbs: [get, list]\n"),
        good: everywhere!("- apiGroups: [\"\"]\n  resources: [pods, pods/log]\n  verbs: [get, list]\n"),
        versions: EVERY_VERSION,
        references: &[REFERRING, "https://github.com/kubernetes/kubernetes/issues/56582"],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByTool(Applicability::Safe),
    find: stars,
};

pub(super) const SLIP: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-045",
        name: "resource-slip",
        severity: Severity::Low,
        summary: "a rule names a resource as no request does",
        what: "A resource of a rule is in upper case, in the singular, a short name or a kind: `Pods`, `pod`, `deploy`. It is said of \
               Kubernetes' own resources and of those whose CRD is in the input. The severity is info where the rule has other resources that are \
               matched.",
        why: "Requests name the resource in the plural and in lower case, and the authorizer compares texts: the rule gives nothing.",
        fix: "Write the plural. `kubectl api-resources` lists them.",
        bad: everywhere!("- apiGroups: [apps]\n  resources: [deployment]\n  verbs: [get, list]\n"),
        good: everywhere!("- apiGroups: [apps]\n  resources: [deployments]\n  verbs: [get, list]\n"),
        versions: EVERY_VERSION,
        references: &[REFERRING],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: slips,
};

pub(super) const WRONG_GROUP: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-046",
        name: "resource-in-other-group",
        severity: Severity::Low,
        summary: "a rule names a resource and not its API group",
        what: "A resource of a rule is one of Kubernetes' own or of a CRD in the input, and in none of the rule's API groups: `deployments` in \
               `\"\"`, `ingresses` in `extensions`. Nothing is said where one of the groups is not Kubernetes' own. The severity is info where \
               the rule has other resources that are matched, or another rule of the role gives the same with the right group.",
        why: "Group and resource must both match: the rule does not give the resource.",
        fix: "Name its group, in a rule of its own where other resources must not be given with it.",
        bad: everywhere!("- apiGroups: [\"\"]\n  resources: [deployments]\n  verbs: [get, list]\n"),
        good: everywhere!("- apiGroups: [apps]\n  resources: [deployments]\n  verbs: [get, list]\n"),
        versions: EVERY_VERSION,
        references: &[REFERRING, RBAC],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: wrong_groups,
};

pub(super) const UNKNOWN: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-047",
        name: "unknown-resource",
        severity: Severity::Low,
        summary: "a rule names a resource that no API server serves",
        what: "A resource or subresource of a rule is in none of its API groups, which are all Kubernetes' own, and in no other. What API servers once served, and what is asked for though nothing serves it (`signers`, `nodes/metrics`, \
               `deployments/finalizers`), is known. The severity is info where the rule has other resources that are matched.",
        why: "The rule gives nothing of it: most often it is a slip of the pen, as `pods/logs`.",
        fix: "Correct the name, or take it out.",
        bad: everywhere!("- apiGroups: [\"\"]\n  resources: [pods/logs]\n  verbs: [get]\n"),
        good: everywhere!("- apiGroups: [\"\"]\n  resources: [pods/log]\n  verbs: [get]\n"),
        versions: "Judged by the resources of v1.37, those that are switched off by default among them.",
        references: &[REFERRING],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: unknown,
};

/// Why a resource of a rule is never matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It has a star that is none.
    Star,
    /// It is spelt as no request spells it; what is meant, where that is known.
    Slip(Option<String>),
    /// It is in these groups alone.
    Group(Vec<String>),
    /// It is nowhere; what is near.
    Unknown(Option<String>),
}

/// Resource and subresource of an item.
pub(super) fn split(item: &str) -> (&str, &str) {
    item.split_once('/').unwrap_or((item, ""))
}

/// Whether a group has a resource with a subresource: it is served, or asked for, or was served.
pub(super) fn exists(resources: &Resources, group: &str, plural: &str, subresource: &str) -> bool {
    if is_asked_for(group, plural, subresource) {
        return subresource != "finalizers" || is_resource(resources, group, plural);
    }
    if retired(group, plural).is_some() {
        return true;
    }
    resources.of(group, plural).is_some_and(|resource| {
        subresource.is_empty()
            || resource.subresource(subresource).is_some()
            // What is retired.
            || matches!((plural, subresource), ("deployments", "rollback") | ("pods", "initialize"))
    })
}

fn is_resource(resources: &Resources, group: &str, plural: &str) -> bool {
    resources.of(group, plural).is_some() || retired(group, plural).is_some()
}

/// Whether all resources of a group are known: it is Kubernetes' own. Of others the input may hold some of the CRDs.
pub(super) fn is_known_group(group: &str) -> bool {
    group == "extensions" || Resources::builtin().knows_group(group)
}

/// Why no request is for an item of a rule's resources; `None` where one may be.
pub(super) fn fault(resources: &Resources, rule: &Rule, item: &str) -> Option<Fault> {
    if item == ALL {
        return None;
    }
    let (plural, subresource) = split(item);
    if plural == ALL && !subresource.contains(['*', '/']) && !subresource.is_empty() {
        return None;
    }
    if item.contains('*') {
        return Some(Fault::Star);
    }
    // Only the part behind the first slash of a path is a subresource.
    if item.is_empty()
        || subresource.contains('/')
        || item.ends_with('/')
        || item.contains(char::is_whitespace)
    {
        return Some(Fault::Slip(None));
    }
    let groups: Vec<&str> =
        rule.api_groups.iter().map(String::as_str).filter(|group| !is_impossible(resources, group)).collect();
    let is_live =
        |group: &&&str| exists(resources, group, plural, subresource) && retired(group, plural).is_none();
    if groups.is_empty() || groups.iter().any(|group| is_live(&group)) {
        return None;
    }
    // What was served once is elsewhere now, or gone.
    let moved: Vec<String> =
        groups.iter().filter_map(|group| retired(group, plural)).flatten().map(str::to_owned).collect();
    if groups.iter().any(|group| retired(group, plural).is_some()) {
        return (!moved.is_empty() && !groups.contains(&ALL)).then_some(Fault::Group(moved));
    }
    let lower = item.to_ascii_lowercase();
    let is_open = groups.iter().any(|group| *group == ALL || !is_known_group(group));
    if lower != item {
        let (plural, subresource) = split(&lower);
        let known = groups.iter().any(|group| *group == ALL || exists(resources, group, plural, subresource));
        let meant =
            if known { Some(lower.clone()) } else { singular(resources, &groups, plural, subresource) };
        return Some(Fault::Slip(meant));
    }
    if is_open {
        return None;
    }
    let others: BTreeSet<String> = resources
        .iter()
        .filter(|other| other.plural == plural && exists(resources, &other.group, plural, subresource))
        .map(|other| other.group.clone())
        .collect();
    if !others.is_empty() {
        return Some(Fault::Group(others.into_iter().collect()));
    }
    let own = groups.iter().find_map(|group| resources.of(group, plural));
    if let Some(own) = own {
        let known = own.subresources.iter().map(|(name, _)| name.as_str());
        let known = known.chain(["finalizers"]);
        let near = nearest(subresource, known.clone()).or_else(|| slip_of(subresource, known));
        return Some(Fault::Unknown(near.map(|near| format!("{plural}/{near}"))));
    }
    if let Some(meant) = singular(resources, &groups, plural, subresource) {
        return Some(Fault::Slip(Some(meant)));
    }
    let in_groups = resources.iter().filter(|other| groups.contains(&other.group.as_str()));
    let near = nearest(plural, in_groups.map(|other| other.plural.as_str()));
    let with =
        |near: &str| if subresource.is_empty() { near.to_owned() } else { format!("{near}/{subresource}") };
    Some(Fault::Unknown(near.map(with)))
}

/// The short word that is meant by one with an `s` more or less.
fn slip_of<'k>(word: &str, mut known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    known.find(|known| word.strip_suffix('s') == Some(known) || known.strip_suffix('s') == Some(word))
}

/// The plural of a resource that is named otherwise, with its subresource.
fn singular(resources: &Resources, groups: &[&str], word: &str, subresource: &str) -> Option<String> {
    let is_it = |other: &&Resource| {
        other.singular == word
            || other.short_names.iter().any(|short| short == word)
            || other.kind.eq_ignore_ascii_case(word)
    };
    let in_groups = |other: &&Resource| groups.iter().any(|group| *group == ALL || *group == other.group);
    let found = resources.iter().filter(in_groups).find(is_it).or_else(|| resources.iter().find(is_it))?;
    Some(if subresource.is_empty() {
        found.plural.clone()
    } else {
        format!("{}/{subresource}", found.plural)
    })
}

/// The verb by which kubelets are allowed tokens for an audience. Source: k8s.io/kubernetes `plugin/pkg/admission/noderestriction/admission.go`.
const AUDIENCE: &str = "request-serviceaccounts-token-audience";

/// The items of a rule that have a fault of one kind, and whether that is all that the rule has.
struct Faulty<'r> {
    written: &'r Written,
    at: usize,
    rule: &'r Rule,
    items: Vec<(usize, &'r str, Fault)>,
    is_all: bool,
}

fn faulty<'r>(subject: &'r Subject<'_>, is: fn(&Fault) -> bool) -> impl Iterator<Item = Faulty<'r>> {
    subject.roles().iter().flat_map(move |written| {
        written.rules().filter_map(move |(at, rule)| {
            // What kubelets ask for an audience with has that for its resource.
            if !rule.verbs.is_empty() && rule.verbs.iter().all(|verb| verb == AUDIENCE) {
                return None;
            }
            let faults: Vec<Option<Fault>> =
                rule.resources.iter().map(|item| fault(subject.resources, rule, item)).collect();
            let is_all = faults.iter().all(Option::is_some);
            let items: Vec<(usize, &str, Fault)> = faults
                .into_iter()
                .enumerate()
                .filter_map(|(item, fault)| Some((item, rule.resources[item].as_str(), fault?)))
                .filter(|(_, _, fault)| is(fault))
                .collect();
            (!items.is_empty()).then_some(Faulty { written, at, rule, items, is_all })
        })
    })
}

impl Faulty<'_> {
    fn names(&self) -> String {
        let names: Vec<String> = self.items.iter().map(|(_, name, _)| format!("\"{name}\"")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        joined(&names)
    }

    fn one_or_many(&self, one: &'static str, many: &'static str) -> &'static str {
        if self.items.len() == 1 { one } else { many }
    }

    fn tell(&self, message: String, fix: Result<Fix, String>, flaws: &mut Flaws) {
        let (first, ..) = self.items[0];
        let names: Vec<&str> = self.items.iter().map(|(_, name, _)| *name).collect();
        let path = item_path(self.at, "resources", first);
        let flaw = flaws.add(self.written.object, path, names.join(","), message).fix(fix);
        let is_star = matches!(self.items[0].2, Fault::Star);
        if !self.is_all && !is_star {
            flaw.severity(Severity::Info);
        }
        for (item, ..) in self.items.iter().skip(1) {
            flaw.related(self.written.object, item_path(self.at, "resources", *item));
        }
    }

    /// Whether the other rules of the role give what this one would with one of these groups.
    fn is_given_elsewhere(&self, groups: &[String]) -> bool {
        let others: Vec<&Rule> =
            self.written.rules().filter(|(at, _)| *at != self.at).map(|(_, rule)| rule).collect();
        groups.iter().any(|group| {
            let meant = Rule { api_groups: vec![group.clone()], ..self.rule.clone() };
            uncovered(&others, [&meant]).is_empty()
        })
    }

    /// Takes the items out, where others stay.
    fn without(&self) -> Result<Fix, String> {
        if self.items.len() == self.rule.resources.len() {
            return Err(
                "nothing of the rule would be left, and what is meant is not in the manifest".to_owned()
            );
        }
        let changes = self
            .items
            .iter()
            .map(|(item, ..)| Change::Remove { path: item_path(self.at, "resources", *item) });
        Ok(safe("take out what is never matched", changes.collect()))
    }

    /// Puts what is meant in their place, where that is known of all.
    fn corrected(&self, meant: impl Fn(&Fault) -> Option<String>) -> Result<Fix, String> {
        let mut changes = Vec::new();
        let mut words = Vec::new();
        for (item, _, fault) in &self.items {
            let Some(meant) = meant(fault) else {
                return Err("what is meant is not in the manifest".to_owned());
            };
            let path = item_path(self.at, "resources", *item);
            if self.rule.resources.contains(&meant) || words.contains(&meant) {
                changes.push(Change::Remove { path });
            } else {
                changes.push(Change::Set { path, value: Value::from(meant.as_str()) });
                words.push(meant);
            }
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let title = if words.is_empty() {
            "take out what is there already".to_owned()
        } else {
            format!("name {}", joined(&words))
        };
        Ok(reviewed(title, "whether the right is meant: until now it is not given", changes))
    }
}

fn stars(subject: &Subject<'_>, flaws: &mut Flaws) {
    for faulty in faulty(subject, |fault| *fault == Fault::Star) {
        let message = format!(
            "{} {} no request: a star counts where it stands alone, or before the slash of a subresource",
            faulty.names(),
            faulty.one_or_many("matches", "match")
        );
        faulty.tell(message, faulty.without(), flaws);
    }
}

fn slips(subject: &Subject<'_>, flaws: &mut Flaws) {
    for faulty in faulty(subject, |fault| matches!(fault, Fault::Slip(_))) {
        let mut meant: Vec<&str> = faulty
            .items
            .iter()
            .filter_map(
                |(_, _, fault)| {
                    if let Fault::Slip(Some(meant)) = fault { Some(meant.as_str()) } else { None }
                },
            )
            .collect();
        meant.sort_unstable();
        meant.dedup();
        let hint =
            if meant.is_empty() { String::new() } else { format!(": requests are for {}", joined(&meant)) };
        let message =
            format!("{} {} no request{hint}", faulty.names(), faulty.one_or_many("matches", "match"));
        let fix = faulty.corrected(|fault| if let Fault::Slip(meant) = fault { meant.clone() } else { None });
        faulty.tell(message, fix, flaws);
    }
}

fn group_called(group: &str) -> String {
    if group.is_empty() { "the core group \"\"".to_owned() } else { group.to_owned() }
}

fn wrong_groups(subject: &Subject<'_>, flaws: &mut Flaws) {
    for faulty in faulty(subject, |fault| matches!(fault, Fault::Group(_))) {
        let mut groups: Vec<String> = Vec::new();
        for (_, _, fault) in &faulty.items {
            if let Fault::Group(own) = fault {
                groups.extend(own.iter().filter(|own| !groups.contains(own)).cloned().collect::<Vec<_>>());
            }
        }
        let called: Vec<String> = groups.iter().map(|group| group_called(group)).collect();
        let called: Vec<&str> = called.iter().map(String::as_str).collect();
        let message = format!(
            "{} {} of {}, and not of the rule's groups",
            faulty.names(),
            faulty.one_or_many("is", "are"),
            joined(&called)
        );
        let review = "whether the right is meant: until now it is not given";
        let is_given = faulty.is_all && faulty.is_given_elsewhere(&groups);
        let fix = match groups.as_slice() {
            _ if is_given => {
                let changes = vec![Change::Remove { path: rule_path(faulty.at) }];
                Ok(safe("take out the rule, which another makes good", changes))
            }
            [one] if faulty.rule.api_groups.len() == 1 && faulty.is_all => {
                let path = item_path(faulty.at, "apiGroups", 0);
                let changes = vec![Change::Set { path, value: Value::from(one.as_str()) }];
                Ok(reviewed(format!("name {}", group_called(one)), review, changes))
            }
            [one] => {
                let path = rule_path(faulty.at).key("apiGroups");
                let changes = vec![Change::Append { path, value: Value::from(one.as_str()) }];
                Ok(reviewed(format!("add {}", group_called(one)), review, changes))
            }
            _ => Err("several groups have it".to_owned()),
        };
        let message = if is_given { format!("{message}; another rule gives it") } else { message };
        faulty.tell(message, fix, flaws);
        if let Some(flaw) = flaws.found.last_mut().filter(|_| is_given) {
            flaw.severity(Severity::Info);
        }
    }
}

fn unknown(subject: &Subject<'_>, flaws: &mut Flaws) {
    for faulty in faulty(subject, |fault| matches!(fault, Fault::Unknown(_))) {
        let near: Vec<&str> = faulty
            .items
            .iter()
            .filter_map(
                |(_, _, fault)| {
                    if let Fault::Unknown(Some(near)) = fault { Some(near.as_str()) } else { None }
                },
            )
            .collect();
        let hint = if near.is_empty() { String::new() } else { format!("; {} may be meant", joined(&near)) };
        let message = format!(
            "no API server serves {} in {}{hint}",
            faulty.names(),
            faulty.rule.api_groups.iter().map(|group| group_called(group)).collect::<Vec<_>>().join(", ")
        );
        let fix =
            faulty.corrected(|fault| if let Fault::Unknown(near) = fault { near.clone() } else { None });
        faulty.tell(message, fix, flaws);
    }
}
