//! Rules, and entries of rules, that another holds already.

use ringwall_model::check::Check;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fixable};
use ringwall_model::path::FieldPath;

use super::subject::{item_path, joined, rule_path};
use super::{EVERY_VERSION, Flaws, RBAC, RbacCheck, Subject, safe};
use crate::covers::uncovered;
use crate::matching::ALL;
use crate::model::Rule;

pub(super) const COVERED: RbacCheck = RbacCheck {
    about: Check {
        id: "RW-RBAC-056",
        name: "covered-rule",
        severity: Severity::Info,
        summary: "a rule gives what its role gives already",
        what: "Another rule of the role alone gives all that a rule gives, or the two are alike; or a list of a rule names something beside the \
               `*` that holds it, or twice. It is judged as the API server judges whether rights are held.",
        why: "Who takes one of them away has taken nothing away, and does not know it.",
        fix: "Take out what is held already. Where the wider rule is the mistake, narrow that one.",
        bad: everywhere!(
            "- apiGroups: [\"\"]\n  resources: [pods, services]\n  verbs: [get, list]\n- apiGroups: [\"\"]\n  resources: [pods]\n  verbs: [get]\n"
        ),
        good: everywhere!("- apiGroups: [\"\"]\n  resources: [pods, services]\n  verbs: [get, list]\n"),
        versions: EVERY_VERSION,
        references: &[RBAC],
        controls: &[],
    },
    fix: Fixable::ByTool(Applicability::Safe),
    find: covered,
};

fn covered(subject: &Subject<'_>, flaws: &mut Flaws) {
    for written in subject.roles() {
        let rules: Vec<(usize, &Rule)> = written.rules().collect();
        for (number, (at, rule)) in rules.iter().enumerate() {
            // A rule without atoms gives nothing, and the API server refuses it.
            if rule.atoms().next().is_none() {
                continue;
            }
            let holds = |(other, (_, own)): &(usize, &(usize, &Rule))| {
                *other != number
                    && uncovered(&[*own], [*rule]).is_empty()
                    // Of two alike the first stays.
                    && (*other < number || !uncovered(&[*rule], [*own]).is_empty())
            };
            if let Some((_, (other, _))) = rules.iter().enumerate().find(holds) {
                let message = format!("rules[{other}] gives all that this one gives");
                let fix = safe("take out the rule", vec![Change::Remove { path: rule_path(*at) }]);
                let flaw = flaws.add(written.object, rule_path(*at), described(rule), message).fix(Ok(fix));
                flaw.related(written.object, rule_path(*other));
                continue;
            }
            entries(written.object, *at, rule, flaws);
        }
    }
}

fn described(rule: &Rule) -> String {
    let lists =
        [&rule.verbs, &rule.api_groups, &rule.resources, &rule.resource_names, &rule.non_resource_urls];
    lists.map(|list| list.join(",")).join(" ")
}

/// Entries that another of their list holds. An empty `resourceNames` would be all names: the last of it never goes.
fn entries(object: usize, at: usize, rule: &Rule, flaws: &mut Flaws) {
    let mut held: Vec<(FieldPath, &str)> = Vec::new();
    let lists: [(&str, &[String], bool); 5] = [
        ("apiGroups", &rule.api_groups, true),
        ("resources", &rule.resources, true),
        ("verbs", &rule.verbs, true),
        ("nonResourceURLs", &rule.non_resource_urls, true),
        ("resourceNames", &rule.resource_names, false),
    ];
    for (field, items, has_star) in lists {
        let star = items.iter().position(|item| item == ALL).filter(|_| has_star);
        for (item, text) in items.iter().enumerate() {
            let is_twice = items[..item].contains(text);
            if is_twice || star.is_some_and(|star| star != item && text != ALL) {
                held.push((item_path(at, field, item), text));
            }
        }
    }
    let Some((first, _)) = held.first().cloned() else { return };
    let mut names: Vec<String> = held.iter().map(|(_, text)| format!("\"{text}\"")).collect();
    names.dedup();
    let words: Vec<&str> = names.iter().map(String::as_str).collect();
    let (is, it) = if words.len() == 1 { ("is", "it") } else { ("are", "them") };
    let message = format!("{} {is} held by an entry beside {it}", joined(&words));
    let changes = held.iter().map(|(path, _)| Change::Remove { path: path.clone() }).collect();
    let fix = safe("take out what is held already", changes);
    let witness: Vec<&str> = held.iter().map(|(_, text)| *text).collect();
    let flaw = flaws.add(object, first, witness.join(","), message).fix(Ok(fix));
    for (path, _) in held.into_iter().skip(1) {
        flaw.related(object, path);
    }
}
