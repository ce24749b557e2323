//! All that subjects may do: one row for each thing, with its verbs, and where.

use std::collections::{BTreeMap, HashSet};

use ringwall_rbac::covers::Atom;
use ringwall_rbac::holdings::{By, Holdings, Least, Who};
use ringwall_rbac::least::sort_verbs;
use ringwall_rbac::matching::{ALL, resource_matches};

use super::{Place, Rights, words};

/// One row: the verbs of a subject on one thing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// The namespaces in which it holds; `None` everywhere.
    pub namespaces: Option<Vec<String>>,
    /// The API group; `None` for a path.
    pub group: Option<String>,
    /// The resource as rules name it, or the path.
    pub resource: String,
    /// The object's name, where only that is given.
    pub name: Option<String>,
    /// The verbs, in the order in which they are usually written.
    pub verbs: Vec<String>,
    /// The first binding that gives one of them, and where.
    pub by: (String, Place),
}

/// The rows of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// `User`, `Group` or `ServiceAccount`.
    pub kind: String,
    /// The namespace of a service account.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
    /// Whether all that it holds is of the default policy.
    pub is_default: bool,
    /// Its rows: everywhere first, then by namespace and resource.
    pub rows: Vec<Row>,
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only what holds in this namespace.
    pub namespace: Option<String>,
    /// Only what gives this on something: group, resource, subresource.
    pub resource: Option<(String, String, String)>,
    /// Only what gives this verb.
    pub verb: Option<String>,
}

impl Filter {
    fn takes(&self, namespace: Option<&str>, atom: &Atom<'_>) -> bool {
        if let (Some(asked), Some(namespace)) = (&self.namespace, namespace)
            && asked != namespace
        {
            return false;
        }
        let (given, resource) = match *atom {
            Atom::Resource { group, resource, verb, .. } => {
                let resource = self.resource.as_ref().is_none_or(|(of, asked, subresource)| {
                    (group == ALL || group == of) && resource_matches(resource, asked, subresource)
                });
                (verb, resource)
            }
            Atom::Path { verb, .. } => (verb, self.resource.is_none()),
        };
        resource && self.verb.as_ref().is_none_or(|asked| given == ALL || given == asked)
    }
}

impl Rights<'_> {
    /// The matrix: for each subject that a binding names, all that it may do by that name; what it has as a member of a group is the group's.
    pub fn matrix(&self, filter: &Filter) -> Vec<Subject> {
        let holdings = self.policy().holdings();
        let bindings = self.policy().bindings().iter().enumerate();
        let named: HashSet<Who> = bindings
            .flat_map(|(index, binding)| {
                let own = binding.subjects.iter().enumerate();
                let own = own.filter(move |(subject, _)| !self.is_default_grant(index, *subject));
                own.filter_map(|(_, subject)| Who::of(subject, binding))
            })
            .collect();
        let mut subjects: Vec<Subject> = holdings
            .iter()
            .map(|(who, holdings)| {
                let (kind, namespace, name) = parts(who);
                let is_default = !named.contains(who);
                Subject { kind, namespace, name, is_default, rows: self.rows(holdings, filter) }
            })
            .filter(|subject| !subject.rows.is_empty())
            .collect();
        subjects.sort_by(|left, right| {
            (&left.kind, &left.namespace, &left.name).cmp(&(&right.kind, &right.namespace, &right.name))
        });
        subjects
    }

    fn rows(&self, holdings: &Holdings<'_>, filter: &Filter) -> Vec<Row> {
        let Least { everywhere, within } = holdings.least();
        let within = within.into_iter().flat_map(|(namespace, atoms)| {
            atoms.into_iter().map(move |(atom, by)| (atom, Some(vec![namespace.to_owned()]), by))
        });
        let within = within.filter(|(atom, namespaces, _)| {
            filter.takes(namespaces.as_ref().and_then(|all| all.first()).map(String::as_str), atom)
        });
        let everywhere = everywhere.into_iter().filter(|(atom, _)| filter.takes(None, atom));
        let all = everywhere.map(|(atom, by)| (atom, None, by)).chain(within);
        self.grouped(all)
    }

    /// Atoms that differ by nothing but the verb, as rows.
    pub(super) fn grouped<'p>(
        &self,
        atoms: impl Iterator<Item = (Atom<'p>, Option<Vec<String>>, By)>,
    ) -> Vec<Row> {
        type Key = (Option<Vec<String>>, Option<String>, String, Option<String>);
        let mut rows: BTreeMap<Key, (Vec<String>, By)> = BTreeMap::new();
        for (atom, namespaces, by) in atoms {
            let (group, resource, name, verb) = match atom {
                Atom::Resource { group, resource, verb, name } => (Some(group), resource, name, verb),
                Atom::Path { url, verb } => (None, url, None, verb),
            };
            let key = (namespaces, group.map(str::to_owned), resource.to_owned(), name.map(str::to_owned));
            let row = rows.entry(key).or_insert_with(|| (Vec::new(), by));
            row.0.push(verb.to_owned());
            row.1 = row.1.min(by);
        }
        let rows = rows.into_iter().map(|((namespaces, group, resource, name), (mut verbs, by))| {
            sort_verbs(&mut verbs);
            let by = (words::binding(&self.policy().bindings()[by.binding]), self.rule_place(by.rule));
            Row { namespaces, group, resource, name, verbs, by }
        });
        rows.collect()
    }
}

/// A subject's kind, namespace and name, a service account's as its own.
pub(super) fn parts(who: &Who) -> (String, Option<String>, String) {
    let account = ringwall_rbac::attributes::split_service_account(&who.name).filter(|_| !who.is_group);
    match account {
        Some((namespace, name)) => ("ServiceAccount".to_owned(), Some(namespace.to_owned()), name.to_owned()),
        None => (if who.is_group { "Group" } else { "User" }.to_owned(), None, who.name.clone()),
    }
}
