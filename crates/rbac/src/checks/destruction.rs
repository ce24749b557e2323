//! Rights to delete.

use ringwall_model::check::Check;
use ringwall_model::control::{mitre, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::fix::Fixable;
use ringwall_model::path::{FieldPath, Segment};

use super::powers::{self, Open};
use super::subject::{Written, item_path, joined};
use super::{EVERY_VERSION, Flaws, GOOD_PRACTICES, NEEDED, RbacCheck, Subject};
use crate::matching::ALL;
use crate::model::Rule;

pub(super) const DELETION: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-032",
        name: "deletion",
        severity: Severity::Medium,
        summary: "a role lets its holders delete what others need",
        what: "A rule gives `delete` or `deletecollection` on roles and bindings, CRDs, nodes or namespaces; and, with severity low, on pods, \
               Services, secrets, persistent volumes, their claims, and the kinds that make pods. `resourceNames` do not limit it. In a namespace \
               other than `kube-system` the severity is one lower.",
        why: "What is deleted is gone, with all that depends on it: a namespace with everything in it, a CRD with all of its objects, \
              a volume with its data.",
        fix: "Leave it to the pipeline that rolls out, in its own namespaces, or limit it by `resourceNames`.",
        bad: everywhere!(
            "- apiGroups: [apiextensions.k8s.io]\n  resources: [customresourcedefinitions]\n  verbs: [get, list, delete]\n"
        ),
        good: everywhere!(
            "- apiGroups: [apiextensions.k8s.io]\n  resources: [customresourcedefinitions]\n  verbs: [get, list]\n"
        ),
        versions: EVERY_VERSION,
        references: &[GOOD_PRACTICES],
        controls: &[nsa("Authentication and authorization"), mitre("T1485")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: deletion,
};

pub(super) const EVENTS: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-033",
        name: "event-deletion",
        severity: Severity::Low,
        summary: "a role lets its holders delete events",
        what: "A rule gives `delete` or `deletecollection` on `events`. In a namespace other than `kube-system` the severity is info.",
        why: "Events tell what happened to pods and nodes. Nobody needs to delete them, they go by themselves; who has to hide something does.",
        fix: "Take the verbs away.",
        bad: everywhere!("- apiGroups: [\"\"]\n  resources: [events]\n  verbs: [get, list, delete]\n"),
        good: everywhere!(
            "- apiGroups: [\"\"]\n  resources: [events]\n  verbs: [get, list, create, patch]\n"
        ),
        versions: EVERY_VERSION,
        references: &[GOOD_PRACTICES],
        controls: &[nsa("Audit Logging and Threat Detection"), mitre("T1070")],
    },
    fix: Fixable::ByHand(NEEDED),
    find: events,
};

/// What others need and lose by a deletion, by group.
const NEEDED_BY_OTHERS: [(&str, &[&str]); 3] = [
    (
        "",
        &[
            "pods",
            "services",
            "secrets",
            "persistentvolumes",
            "persistentvolumeclaims",
            "replicationcontrollers",
        ],
    ),
    ("apps", &["deployments", "daemonsets", "statefulsets", "replicasets"]),
    ("batch", &["jobs", "cronjobs"]),
];

const EVENT_GROUPS: [(&str, &[&str]); 2] = [("", &["events"]), ("events.k8s.io", &["events"])];

fn is_deleting(verb: &str) -> bool {
    matches!(verb, "delete" | "deletecollection")
}

/// Where a rule names such resources and deletes them, and what they are. `*` among its resources is another check's.
fn deleted<'r>(at: usize, rule: &'r Rule, known: &[(&str, &[&str])]) -> (Vec<FieldPath>, Vec<&'r str>) {
    let (mut places, mut names) = (Vec::new(), Vec::new());
    let deletes = |verb: &String| is_deleting(verb) || verb == ALL;
    let is_starred = rule.resources.iter().any(|resource| resource == ALL);
    if is_starred || !rule.resource_names.is_empty() || !rule.verbs.iter().any(deletes) {
        return (places, names);
    }
    for (item, resource) in rule.resources.iter().enumerate() {
        let is = |(group, resources): &(&str, &[&str])| {
            rule.has_group(group) && resources.contains(&resource.as_str())
        };
        if known.iter().any(is) {
            places.push(item_path(at, "resources", item));
            names.push(resource.as_str());
        }
    }
    if !places.is_empty() {
        let verbs = rule.verbs.iter().enumerate().filter(|(_, verb)| deletes(verb));
        places.extend(verbs.map(|(item, _)| item_path(at, "verbs", item)));
        let has = |group: &String| group == ALL || known.iter().any(|(known, _)| known == group);
        let groups = rule.api_groups.iter().enumerate().filter(|(_, group)| has(group));
        places.extend(groups.map(|(item, _)| item_path(at, "apiGroups", item)));
    }
    (places, names)
}

fn deletion(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (index, written) in subject.roles().iter().enumerate() {
        let guards: Vec<&Open> =
            subject.opened(index).iter().filter(|open| open.power.row == "delete-guards").collect();
        let (mut places, mut names) = (Vec::new(), Vec::new());
        for (at, rule) in written.rules() {
            let (more, deleted) = deleted(at, rule, &NEEDED_BY_OTHERS);
            places.extend(more);
            names.extend(deleted);
        }
        let of_guards = powers::places(written, &guards);
        let is_low = !names.is_empty();
        names.extend(of_guards.iter().filter_map(|path| resource_at(written, path)));
        names.sort_unstable();
        names.dedup();
        if names.is_empty() {
            continue;
        }
        let reach = subject.reach(&written.role);
        if reach.is_by_label() {
            continue;
        }
        let mut words = Vec::new();
        const SHOWN: usize = 4;
        let more = names.len().saturating_sub(SHOWN);
        words.extend(names.iter().take(SHOWN).map(|name| (*name).to_owned()));
        if more > 0 {
            words.push(if more == 1 { "one kind more".to_owned() } else { format!("{more} kinds more") });
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let message = reach.told(&format!("delete {}{}", joined(&words), reach.place()));
        let low = if is_low { reach.rate(Severity::Low) } else { Severity::Info };
        let severity = powers::rate(&reach, &guards).max(low);
        let mut all = of_guards;
        all.extend(places);
        let witness = format!("{}/{}", names.join(","), reach.witness());
        tell(written, all, witness, message, flaws).severity(severity);
        if let Some(flaw) = flaws.found.last_mut() {
            for (object, path) in reach.places() {
                flaw.related(object, path);
            }
        }
    }
}

/// The resource that is written at a path of a role.
fn resource_at<'w>(written: &'w Written, path: &FieldPath) -> Option<&'w str> {
    let [_, Segment::Index(rule), Segment::Key(list), Segment::Index(item)] = path.segments() else {
        return None;
    };
    let rule = written.role.rules.get(*rule).filter(|_| &**list == "resources")?;
    rule.resources.get(*item).map(String::as_str)
}

fn tell<'f>(
    written: &Written,
    places: Vec<FieldPath>,
    witness: String,
    message: String,
    flaws: &'f mut Flaws,
) -> &'f mut super::Flaw {
    let mut places = places.into_iter();
    let home = places.next().unwrap_or_default();
    let flaw = flaws.add(written.object, home, witness, message);
    for path in places {
        flaw.related(written.object, path);
    }
    flaw
}

fn events(subject: &Subject<'_>, flaws: &mut Flaws) {
    for written in subject.roles() {
        let mut places = Vec::new();
        for (at, rule) in written.rules() {
            places.extend(deleted(at, rule, &EVENT_GROUPS).0);
        }
        if places.is_empty() {
            continue;
        }
        let reach = subject.reach(&written.role);
        if reach.is_by_label() {
            continue;
        }
        let message = reach.told(&format!("delete events{}", reach.place()));
        let severity = reach.rate(Severity::Low);
        let flaw =
            tell(written, places, format!("events/{}", reach.witness()), message, flaws).severity(severity);
        for (object, path) in reach.places() {
            flaw.related(object, path);
        }
    }
}
