//! The least rules that allow what is needed, and no more.

use std::collections::{BTreeMap, BTreeSet};

use crate::attributes::{Action, ResourceAction};
use crate::model::Rule;

/// Names that requests had; `None` for those that had none.
type Names = BTreeSet<Option<String>>;

/// What is needed in one place, each thing once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// For each group and resource, with its subresource, the verbs and the names for each.
    resources: BTreeMap<(String, String), BTreeMap<String, Names>>,
    /// For each path, the verbs.
    paths: BTreeMap<String, BTreeSet<String>>,
}

impl Needs {
    /// Adds an action; its namespace is not looked at.
    pub fn add(&mut self, action: &Action<'_>) {
        match action {
            Action::Path { verb, path } => {
                self.paths.entry((*path).to_owned()).or_default().insert((*verb).to_owned());
            }
            Action::Resource(action) => {
                let name = (!action.name.is_empty()).then(|| action.name.to_owned());
                self.verb(action).insert(name);
            }
        }
    }

    fn verb(&mut self, action: &ResourceAction<'_>) -> &mut Names {
        let key = (action.group.to_owned(), action.combined().into_owned());
        self.resources.entry(key).or_default().entry(action.verb.to_owned()).or_default()
    }

    /// Whether nothing is needed.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.paths.is_empty()
    }

    /// How many names the verbs on one resource need at most.
    pub fn most_names(&self) -> usize {
        let verbs = self.resources.values().flat_map(BTreeMap::values);
        verbs.map(|names| names.iter().flatten().count()).max().unwrap_or(0)
    }

    /// The rules that allow all of it. A verb that is needed for more than `most_names` objects is given for all names; with `None`, never: then the
    /// rules allow nothing that is not needed, but what differs by nothing that RBAC knows.
    ///
    /// A request without a name is allowed by a rule without names alone, so a verb of which there are both is given for all. Resources with equal verbs
    /// and no names share a rule. Costs a pass over what is needed.
    pub fn rules(&self, most_names: Option<usize>) -> Vec<Rule> {
        // What each rule without names would be: group and verbs, to the resources.
        let mut unnamed: BTreeMap<(&str, Vec<&str>), Vec<&str>> = BTreeMap::new();
        let mut named: BTreeMap<(&str, &str, Vec<&str>), Vec<&str>> = BTreeMap::new();
        for ((group, resource), verbs) in &self.resources {
            let mut for_all = Vec::new();
            // Verbs with the same names share a rule.
            let mut by_names: BTreeMap<Vec<&str>, Vec<&str>> = BTreeMap::new();
            for (verb, names) in verbs {
                let listed: Vec<&str> = names.iter().flatten().map(String::as_str).collect();
                if names.contains(&None) || most_names.is_some_and(|most| listed.len() > most) {
                    for_all.push(verb.as_str());
                } else {
                    by_names.entry(listed).or_default().push(verb);
                }
            }
            if !for_all.is_empty() {
                sort_verbs(&mut for_all);
                unnamed.entry((group, for_all)).or_default().push(resource);
            }
            for (names, mut verbs) in by_names {
                sort_verbs(&mut verbs);
                named.insert((group, resource, names), verbs);
            }
        }
        let mut paths: BTreeMap<Vec<&str>, Vec<&str>> = BTreeMap::new();
        for (path, verbs) in &self.paths {
            paths.entry(verbs.iter().map(String::as_str).collect()).or_default().push(path);
        }
        let texts = |list: &[&str]| -> Vec<String> { list.iter().map(|text| (*text).to_owned()).collect() };
        let unnamed = unnamed.iter().map(|((group, verbs), resources)| Rule {
            verbs: texts(verbs),
            api_groups: texts(&[group]),
            resources: texts(resources),
            ..Rule::default()
        });
        let named = named.iter().map(|((group, resource, names), verbs)| Rule {
            verbs: texts(verbs),
            api_groups: texts(&[group]),
            resources: texts(&[resource]),
            resource_names: texts(names),
            ..Rule::default()
        });
        let paths = paths.iter().map(|(verbs, urls)| Rule {
            verbs: texts(verbs),
            non_resource_urls: texts(urls),
            ..Rule::default()
        });
        unnamed.chain(named).chain(paths).collect()
    }
}

/// Verbs in the order in which they are usually written; others follow by name.
pub fn sort_verbs<T: AsRef<str> + Ord>(verbs: &mut Vec<T>) {
    const ORDER: [&str; 8] =
        ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
    let place = |verb: &T| ORDER.iter().position(|known| *known == verb.as_ref()).unwrap_or(ORDER.len());
    verbs.sort_by(|left, right| place(left).cmp(&place(right)).then_with(|| left.cmp(right)));
    verbs.dedup();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask<'a>(verb: &'a str, resource: &'a str, subresource: &'a str, name: &'a str) -> Action<'a> {
        Action::Resource(ResourceAction { verb, resource, subresource, name, ..ResourceAction::default() })
    }

    #[test]
    fn names_are_kept_but_for_requests_that_have_none() {
        let mut needs = Needs::default();
        for action in [
            ask("get", "secrets", "", "db"),
            ask("create", "secrets", "", ""),
            ask("get", "pods", "log", "a"),
            ask("get", "pods", "log", "b"),
            ask("list", "pods", "", ""),
            ask("watch", "pods", "", ""),
            ask("list", "services", "", ""),
            ask("watch", "services", "", ""),
        ] {
            needs.add(&action);
        }
        let told = |rule: &Rule| format!("{:?} {:?} {:?}", rule.verbs, rule.resources, rule.resource_names);
        let strict: Vec<String> = needs.rules(None).iter().map(told).collect();
        assert_eq!(
            strict,
            [
                r#"["create"] ["secrets"] []"#,
                r#"["list", "watch"] ["pods", "services"] []"#,
                r#"["get"] ["pods/log"] ["a", "b"]"#,
                r#"["get"] ["secrets"] ["db"]"#,
            ]
        );
        let wide: Vec<String> = needs.rules(Some(1)).iter().map(told).collect();
        assert!(wide.contains(&r#"["get"] ["pods/log"] []"#.to_owned()), "{wide:?}");
        assert!(wide.contains(&r#"["get"] ["secrets"] ["db"]"#.to_owned()), "{wide:?}");
    }
}
