//! The service accounts that bindings name, and what they may do by it.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use ringwall_model::finding::Severity;

use super::bindings::{alone, is_everything, opened_by};
use super::powers::{Open, said};
use super::subject::{Bound, Holder, Reach, Subject, account_of};
use crate::attributes::SERVICE_ACCOUNTS;
use crate::snapshot::DEFAULT_NAMESPACE;

/// What bindings give a service account itself; what it has as one of a group is not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRights {
    /// How far they lead; `None` where no check says anything of them.
    pub severity: Option<Severity>,
    /// What they lead to, as it follows `may`; empty where there is nothing to say.
    pub may: String,
    /// The bindings, as `ClusterRoleBinding ci`.
    pub bindings: Vec<String>,
}

/// The service accounts that bindings of the input name.
#[derive(Clone, Debug, Default)]
pub struct BoundAccounts {
    accounts: BTreeMap<(String, String), AccountRights>,
    /// Namespaces all whose accounts a binding names.
    namespaces: BTreeSet<String>,
}

impl BoundAccounts {
    /// What bindings give an account; `None` where none names it. An object that states no namespace is in `default`.
    pub fn rights(&self, namespace: Option<&str>, name: &str) -> Option<&AccountRights> {
        let namespace = namespace.unwrap_or(DEFAULT_NAMESPACE).to_owned();
        self.accounts.get(&(namespace, name.to_owned()))
    }

    /// Whether a binding names an account, or all accounts of its namespace. Rights of all accounts alike make no single one that is used.
    pub fn is_bound(&self, namespace: Option<&str>, name: &str) -> bool {
        self.rights(namespace, name).is_some()
            || namespace.is_some_and(|namespace| self.namespaces.contains(namespace))
    }

    pub(super) fn of(subject: &Subject<'_>) -> Self {
        let mut bound_by: BTreeMap<(String, String), Vec<&Bound>> = BTreeMap::new();
        let mut namespaces = BTreeSet::new();
        for (_, bound) in subject.bindings() {
            for to in &bound.binding.subjects {
                if let Some((namespace, name)) = account_of(to, bound.namespace()) {
                    let list = bound_by.entry((namespace.to_owned(), name.to_owned())).or_default();
                    list.push(bound);
                } else if to.kind == "Group" {
                    let own = to.name.strip_prefix(SERVICE_ACCOUNTS).and_then(|rest| rest.strip_prefix(':'));
                    namespaces.extend(own.map(str::to_owned));
                }
            }
        }
        let accounts = bound_by.into_iter().map(|(name, bound)| (name, rights(subject, &bound)));
        Self { accounts: accounts.collect(), namespaces }
    }
}

fn rights(subject: &Subject<'_>, bound: &[&Bound]) -> AccountRights {
    let mut bindings: Vec<String> = bound.iter().map(|bound| bound.called()).collect();
    bindings.dedup();
    let all = bound.iter().filter(|bound| is_everything(subject, bound));
    if let Some(worst) = all.max_by_key(|bound| alone(bound).rate(Severity::Critical)) {
        let severity = Some(alone(worst).rate(Severity::Critical));
        return AccountRights { severity, may: format!("do everything{}", worst.place()), bindings };
    }
    let opened: Vec<(&Bound, Rc<Vec<Open>>)> =
        bound.iter().map(|bound| (*bound, opened_by(subject, bound))).collect();
    let mut open: Vec<(Severity, &Bound, &Open)> = opened
        .iter()
        .flat_map(|(bound, all)| {
            all.iter().map(move |open| (alone(bound).rate(open.everywhere), *bound, open))
        })
        .collect();
    open.sort_by_key(|(severity, ..)| std::cmp::Reverse(*severity));
    let Some((worst, ..)) = open.first() else {
        return AccountRights { severity: None, may: String::new(), bindings };
    };
    // What is said is said of the bindings that give the worst.
    let holders = open.iter().filter(|(severity, ..)| severity == worst).map(|(_, bound, _)| *bound);
    let reach =
        Reach { holders: holders.map(|bound| Holder { bound, through: None }).collect(), ..Reach::default() };
    let words: Vec<&Open> =
        open.iter().filter(|(severity, ..)| severity == worst).map(|(.., open)| *open).collect();
    AccountRights { severity: Some(*worst), may: said(&words, &reach), bindings }
}
