//! Which rows of the catalogue some rules open, in part or whole. Nothing is followed further: see the closure for that.

use std::collections::BTreeSet;

use super::catalogue::{CATALOGUE, Fact, Holding, Names, Place, Row};
use super::table::{Asked, Limit, RightId, TABLE, Table, Tree};
use crate::model::Rule;

/// Where the binding of a rule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope<'a> {
    /// Everywhere: the rule is bound by a `ClusterRoleBinding`.
    Cluster,
    /// In this namespace: it is bound by a `RoleBinding`.
    Namespace(&'a str),
}

/// A row that rules open.
#[derive(Clone, Debug)]
pub struct Opened<'a> {
    /// The row.
    pub row: &'static Row,
    /// Where: in a namespace, or in all and the cluster itself. A row that is open everywhere is not told again for a namespace.
    pub scope: Scope<'a>,
    /// Whether all rights that it needs are there. Otherwise some are.
    pub whole: bool,
    /// The objects to which its gain is limited; `None` for no limit.
    pub names: Option<Vec<String>>,
    /// The rules that give its rights, by their place in what was asked, in order. Together with a server-side apply, a rule to create
    /// and one to patch are both named.
    pub by: Vec<usize>,
    /// What must be so in the cluster, if anything.
    pub facts: Vec<Fact>,
    /// What must be gained before, if anything.
    pub holds: Vec<Holding>,
}

/// The rows that one rule opens, bound with this scope, in the catalogue's order. Costs a look-up for each resource of the rule and a
/// walk over the catalogue. `*` on all opens nearly every row; [`Row::id`] `everything` then says it all.
pub fn rows_of_rule<'a>(rule: &Rule, scope: Scope<'a>) -> Vec<Opened<'a>> {
    rows_of_rules(&[(rule, scope)])
}

/// The rows that rules of one subject open together, each bound with its scope: first those that are open everywhere, then namespace by
/// namespace, in the catalogue's order.
pub fn rows_of_rules<'a>(rules: &[(&Rule, Scope<'a>)]) -> Vec<Opened<'a>> {
    let table = &*TABLE;
    let mut given: Vec<Vec<(usize, Limit<'_>)>> = vec![Vec::new(); table.rights.len()];
    for (at, (rule, _)) in rules.iter().enumerate() {
        for (right, limit) in table.given_by(rule) {
            given[usize::from(right)].push((at, limit));
        }
    }
    let mut scopes: BTreeSet<Scope<'a>> = rules.iter().map(|(_, scope)| *scope).collect();
    scopes.insert(Scope::Cluster);
    let mut opened: Vec<Opened<'a>> = Vec::new();
    let mut everywhere = vec![false; CATALOGUE.len()];
    for scope in scopes {
        let asked = Asking { table, given: &given, rules, scope };
        for (at, row) in CATALOGUE.iter().enumerate() {
            if everywhere[at] {
                continue;
            }
            // What is not about a namespace is asked once, at the cluster scope, with what holds in the namespaces that it names.
            if scope != Scope::Cluster && !row.is_namespaced() {
                continue;
            }
            let met = asked.tree(&table.trees[at]);
            if met.rights == 0 {
                continue;
            }
            let whole = met.missing == 0;
            if scope == Scope::Cluster && whole && met.facts.is_empty() && met.names.is_none() {
                everywhere[at] = true;
            }
            opened.push(Opened {
                row,
                scope,
                whole,
                names: met.names.map(|names| names.into_iter().collect()),
                by: met.by.into_iter().collect(),
                facts: met.facts,
                holds: met.holds,
            });
        }
    }
    // A row in a namespace says nothing beside the same everywhere unless it has more.
    let all: Vec<(&str, bool)> = opened
        .iter()
        .filter(|one| one.scope == Scope::Cluster)
        .map(|one| (one.row.id, one.whole && one.names.is_none()))
        .collect();
    opened.retain(|one| {
        one.scope == Scope::Cluster || {
            let known = all.iter().find(|(id, _)| *id == one.row.id);
            known.is_none_or(|(_, whole)| one.whole && !whole)
        }
    });
    opened
}

struct Asking<'q, 'a> {
    table: &'q Table,
    given: &'q [Vec<(usize, Limit<'q>)>],
    rules: &'q [(&'q Rule, Scope<'a>)],
    scope: Scope<'a>,
}

/// How far a need is met.
#[derive(Clone, Debug, Default)]
struct Met {
    rights: usize,
    missing: usize,
    names: Option<BTreeSet<String>>,
    by: BTreeSet<usize>,
    facts: Vec<Fact>,
    holds: Vec<Holding>,
}

impl Met {
    const fn is_whole(&self) -> bool {
        self.missing == 0
    }

    /// The better is smaller.
    fn rank(&self) -> (bool, usize, usize, usize) {
        (!self.is_whole(), self.facts.len() + self.holds.len(), self.missing, usize::MAX - self.rights)
    }
}

impl Asking<'_, '_> {
    fn tree(&self, tree: &Tree) -> Met {
        match tree {
            Tree::Right(right) => self.right(*right),
            Tree::All(parts) | Tree::Together(parts) => {
                let mut all = Met::default();
                for part in parts {
                    let met = self.tree(part);
                    all.rights += met.rights;
                    all.missing += met.missing;
                    all.by.extend(met.by);
                    all.facts.extend(met.facts);
                    all.holds.extend(met.holds);
                    all.names = match (all.names.take(), met.names) {
                        (Some(own), Some(names)) => {
                            let common: BTreeSet<String> = own.intersection(&names).cloned().collect();
                            // Rights for different objects do not meet in one.
                            all.missing += usize::from(common.is_empty());
                            Some(common)
                        }
                        (own, names) => own.or(names),
                    };
                }
                all
            }
            Tree::Any(parts) => {
                let mut best: Option<Met> = None;
                for part in parts {
                    let met = self.tree(part);
                    if met.rights == 0 && best.is_some() {
                        continue;
                    }
                    best = Some(match best {
                        None => met,
                        Some(mut own)
                            if own.rank() == met.rank() && own.is_whole() && own.facts == met.facts =>
                        {
                            own.by.extend(met.by);
                            own.names = match (own.names.take(), met.names) {
                                (Some(mut own), Some(names)) => {
                                    own.extend(names);
                                    Some(own)
                                }
                                _ => None,
                            };
                            own
                        }
                        Some(own) if own.rights > 0 && own.rank() <= met.rank() => own,
                        Some(_) => met,
                    });
                }
                best.unwrap_or_default()
            }
            Tree::Holds(holding) => Met { holds: vec![*holding], ..Met::default() },
            Tree::Fact(fact) => Met { facts: vec![*fact], ..Met::default() },
        }
    }

    fn right(&self, right: RightId) -> Met {
        let at = usize::from(right);
        let asked = &self.table.rights[at];
        let mut met = Met { missing: 1, ..Met::default() };
        let mut names: Option<BTreeSet<String>> = Some(BTreeSet::new());
        for (rule, limit) in self.counting(right) {
            match limit {
                Limit::Free => names = None,
                Limit::Names(own) => {
                    let Some(own) = self.fitting(asked, own) else { continue };
                    if let Some(names) = &mut names {
                        names.extend(own);
                    }
                }
                Limit::Created(own) => {
                    let Some(patch) = self.table.apply[at] else { continue };
                    let Some((by, common)) = self.applied(patch, own) else { continue };
                    met.by.insert(by);
                    if let Some(names) = &mut names {
                        names.extend(common);
                    }
                }
            }
            met.by.insert(rule);
        }
        if !met.by.is_empty() {
            met.rights = 1;
            met.missing = 0;
            met.names = names.filter(|names| match asked.names() {
                Names::Limit => true,
                Names::Namespace => !names.is_empty(),
                _ => false,
            });
        }
        met
    }

    /// The rules that give a right where it is asked for.
    fn counting(&self, right: RightId) -> impl Iterator<Item = (usize, &Limit<'_>)> {
        let place = self.table.rights[usize::from(right)].place();
        self.given[usize::from(right)].iter().filter_map(move |(rule, limit)| {
            let counts = match (self.rules[*rule].1, place) {
                (Scope::Cluster, _) => true,
                (Scope::Namespace(_), Place::Cluster) => false,
                (Scope::Namespace(own), Place::In(namespace)) => own == namespace,
                (own @ Scope::Namespace(_), Place::Here) => own == self.scope,
            };
            counts.then_some((*rule, limit))
        })
    }

    /// The names of a rule that count for what is asked.
    fn fitting(&self, asked: &Asked, names: &[String]) -> Option<Vec<String>> {
        if asked.names() != Names::Namespace {
            return Some(names.to_vec());
        }
        match self.scope {
            Scope::Cluster => Some(names.to_vec()),
            Scope::Namespace(own) => names.iter().any(|name| name == own).then(Vec::new),
        }
    }

    /// A rule by which objects that may be created by name may be patched too, so that a server-side apply makes them, and their names.
    fn applied(&self, patch: RightId, created: &[String]) -> Option<(usize, Vec<String>)> {
        self.counting(patch).find_map(|(rule, limit)| {
            let common: Vec<String> = match limit {
                Limit::Free => created.to_vec(),
                Limit::Names(names) => created.iter().filter(|name| names.contains(name)).cloned().collect(),
                Limit::Created(_) => Vec::new(),
            };
            (!common.is_empty()).then_some((rule, common))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(verbs: &[&str], group: &str, resources: &[&str], names: &[&str]) -> Rule {
        let own = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Rule {
            verbs: own(verbs),
            api_groups: own(&[group]),
            resources: own(resources),
            resource_names: own(names),
            non_resource_urls: Vec::new(),
        }
    }

    fn whole(rules: &[(&Rule, Scope<'_>)]) -> Vec<&'static str> {
        rows_of_rules(rules)
            .into_iter()
            .filter(|one| one.whole && one.holds.is_empty())
            .map(|one| one.row.id)
            .collect()
    }

    #[test]
    fn what_one_request_needs_is_open_in_part_until_all_of_it_is_there() {
        let bind = rule(&["bind"], "rbac.authorization.k8s.io", &["clusterroles"], &["view"]);
        let write = rule(&["create"], "rbac.authorization.k8s.io", &["rolebindings"], &[]);
        let shop = Scope::Namespace("shop");
        let alone = rows_of_rule(&bind, shop);
        assert!(alone.iter().any(|one| one.row.id == "bind-cluster-role-in-namespace" && !one.whole));
        let both = rows_of_rules(&[(&bind, shop), (&write, shop)]);
        let open = both.iter().find(|one| one.row.id == "bind-cluster-role-in-namespace").unwrap();
        assert!(open.whole);
        assert_eq!(open.names, Some(vec!["view".to_owned()]));
        assert_eq!(open.by, [0, 1]);
        let elsewhere = whole(&[(&bind, shop), (&write, Scope::Namespace("other"))]);
        assert!(!elsewhere.contains(&"bind-cluster-role-in-namespace"));
    }

    #[test]
    fn a_rule_in_a_namespace_gives_nothing_of_the_cluster_scope() {
        let proxy = rule(&["get"], "", &["nodes/proxy"], &[]);
        assert_eq!(whole(&[(&proxy, Scope::Cluster)]), ["node-proxy"]);
        assert!(rows_of_rule(&proxy, Scope::Namespace("shop")).is_empty());
    }

    #[test]
    fn names_hinder_creation_unless_the_object_is_applied() {
        let create = rule(&["create"], "", &["pods"], &["one"]);
        let patch = rule(&["patch"], "", &["pods"], &["one"]);
        let other = rule(&["patch"], "", &["pods"], &["two"]);
        assert!(!whole(&[(&create, Scope::Cluster)]).contains(&"create-pods"));
        assert!(!whole(&[(&create, Scope::Cluster), (&other, Scope::Cluster)]).contains(&"create-pods"));
        assert!(whole(&[(&create, Scope::Cluster), (&patch, Scope::Cluster)]).contains(&"create-pods"));
    }

    #[test]
    fn a_namespace_itself_is_granted_in_it() {
        let labels = rule(&["patch"], "", &["namespaces"], &[]);
        assert_eq!(whole(&[(&labels, Scope::Namespace("shop"))]), ["change-namespace-labels"]);
        let named = rule(&["patch"], "", &["namespaces"], &["shop"]);
        assert!(whole(&[(&named, Scope::Namespace("shop"))]).contains(&"change-namespace-labels"));
        assert!(!whole(&[(&named, Scope::Namespace("other"))]).contains(&"change-namespace-labels"));
        let open = rows_of_rule(&named, Scope::Cluster);
        assert_eq!(open[0].names, Some(vec!["shop".to_owned()]));
    }
}
