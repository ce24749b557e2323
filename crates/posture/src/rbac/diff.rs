//! Who gains and loses what between two sets of manifests.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_rbac::attributes::{AUTHENTICATED, SERVICE_ACCOUNTS, split_service_account};
use ringwall_rbac::covers::Atom;
use ringwall_rbac::holdings::{By, Holdings, Least, Who};

use super::Rights;
use super::matrix::{Row, parts};

/// What changes for one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// `User`, `Group` or `ServiceAccount`.
    pub kind: String,
    /// The namespace of a service account.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
    /// What it may do now and could not before. A `*` is all that there was not before.
    pub gains: Vec<Row>,
    /// What it could do before and may not now.
    pub loses: Vec<Row>,
}

/// The changes from `base` to `head`, by subject. What a subject had, or keeps, as a member of a group that its name tells is no change.
pub fn diff(base: &Rights<'_>, head: &Rights<'_>) -> Vec<Change> {
    let (before, after) = (base.policy().holdings(), head.policy().holdings());
    let subjects: BTreeSet<&Who> = before.keys().chain(after.keys()).collect();
    let changes = subjects.into_iter().map(|who| {
        let (kind, namespace, name) = parts(who);
        Change {
            kind,
            namespace,
            name,
            gains: head.grouped(beyond(who, &after, &before).into_iter()),
            loses: base.grouped(beyond(who, &before, &after).into_iter()),
        }
    });
    changes.filter(|change| !change.gains.is_empty() || !change.loses.is_empty()).collect()
}

type All<'p> = BTreeMap<Who, Holdings<'p>>;

/// What a subject holds in `here` that it does not in `there`.
fn beyond<'p>(who: &Who, here: &All<'p>, there: &All<'_>) -> Vec<(Atom<'p>, Option<Vec<String>>, By)> {
    let Some(holdings) = here.get(who) else { return Vec::new() };
    let groups = groups_of(who);
    let others: Vec<&Holdings<'_>> =
        std::iter::once(who).chain(&groups).filter_map(|who| there.get(who)).collect();
    let is_new =
        |namespace: Option<&str>, atom: &Atom<'_>| !others.iter().any(|other| other.cover(namespace, atom));
    let Least { everywhere, within } = holdings.least();
    let mut places: BTreeMap<Atom<'p>, (Vec<String>, By)> = BTreeMap::new();
    for (namespace, atoms) in within {
        for (atom, by) in atoms {
            if is_new(Some(namespace), &atom) {
                places.entry(atom).or_insert_with(|| (Vec::new(), by)).0.push(namespace.to_owned());
            }
        }
    }
    let everywhere = everywhere.into_iter().filter(|(atom, _)| is_new(None, atom));
    everywhere
        .map(|(atom, by)| (atom, None, by))
        .chain(places.into_iter().map(|(atom, (namespaces, by))| (atom, Some(namespaces), by)))
        .collect()
}

/// The groups that a subject is of by its name alone.
fn groups_of(who: &Who) -> Vec<Who> {
    let group = |name: String| Who { is_group: true, name };
    if who.is_group {
        return Vec::new();
    }
    let mut groups = vec![group(AUTHENTICATED.to_owned())];
    if let Some((namespace, _)) = split_service_account(&who.name) {
        groups.push(group(SERVICE_ACCOUNTS.to_owned()));
        groups.push(group(format!("{SERVICE_ACCOUNTS}:{namespace}")));
    }
    groups
}
