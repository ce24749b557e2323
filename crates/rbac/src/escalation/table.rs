//! The catalogue made ready for asking: each right once, rows as trees of rights, and for a rule the rights that it gives.

use std::sync::LazyLock;

use foldhash::{HashMap, HashMapExt as _};

use super::catalogue::{CATALOGUE, Fact, Holding, Names, Need, PathRight, Place, Right, WHATEVER};
use crate::matching::{ALL, url_matches};
use crate::model::Rule;

/// Index of a right in the [`Table`].
pub(super) type RightId = u16;

/// A need, with rights by index.
#[derive(Clone, Debug)]
pub(super) enum Tree {
    Right(RightId),
    All(Vec<Tree>),
    Together(Vec<Tree>),
    Any(Vec<Tree>),
    Holds(Holding),
    Fact(Fact),
}

/// What is asked of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Asked {
    Resource(Right),
    Path(PathRight),
}

impl Asked {
    pub(super) const fn place(&self) -> Place {
        match self {
            Self::Resource(right) => right.place,
            Self::Path(_) => Place::Cluster,
        }
    }

    pub(super) const fn names(&self) -> Names {
        match self {
            Self::Resource(right) => right.names,
            Self::Path(_) => Names::Any,
        }
    }
}

/// One way to meet a row's needs.
#[derive(Clone, Debug, Default)]
pub(super) struct Alternative {
    /// Index of the row.
    pub(super) row: u16,
    /// Rights that one identity must hold together, for each request.
    pub(super) groups: Vec<Vec<RightId>>,
    /// What must be held before.
    pub(super) holds: Vec<Holding>,
    /// What must be so.
    pub(super) facts: Vec<Fact>,
    /// Whether it is about a namespace.
    pub(super) placed: bool,
}

impl Alternative {
    /// Whether one request is enough.
    pub(super) fn is_single(&self) -> bool {
        self.groups.len() == 1 && self.holds.is_empty()
    }

    /// How many parts may come from different identities.
    pub(super) fn parts(&self) -> usize {
        self.groups.len() + self.holds.len()
    }
}

/// The catalogue's rights and rows.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) rights: Vec<Asked>,
    /// For a right to create, that to patch the same (or, for RBAC's own resources, to update it): with both, a server-side apply or an
    /// update creates an object of a name that both are for.
    pub(super) apply: Vec<Option<RightId>>,
    /// The needs of each row of the catalogue.
    pub(super) trees: Vec<Tree>,
    /// The same as alternatives, row by row.
    pub(super) alternatives: Vec<Alternative>,
    /// For each right the alternatives that it is in.
    pub(super) uses: Vec<Vec<u16>>,
    by_resource: HashMap<&'static str, Vec<RightId>>,
    by_subresource: HashMap<&'static str, Vec<RightId>>,
    /// Rights that any resource, or any subresource of one, may give.
    loose: Vec<RightId>,
    paths: Vec<RightId>,
}

/// To which objects a rule limits a right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Limit<'r> {
    /// To none.
    Free,
    /// To these names.
    Names(&'r [String]),
    /// The object is created, and the rule is for these names: it helps only an apply.
    Created(&'r [String]),
}

pub(super) static TABLE: LazyLock<Table> = LazyLock::new(Table::new);

impl Table {
    fn new() -> Self {
        let mut table = Self {
            rights: Vec::new(),
            apply: Vec::new(),
            trees: Vec::new(),
            alternatives: Vec::new(),
            uses: Vec::new(),
            by_resource: HashMap::new(),
            by_subresource: HashMap::new(),
            loose: Vec::new(),
            paths: Vec::new(),
        };
        let mut known = HashMap::new();
        for row in CATALOGUE {
            let tree = table.tree(&row.needs, &mut known);
            table.trees.push(tree);
        }
        for at in 0..table.rights.len() {
            let Asked::Resource(right) = table.rights[at] else { continue };
            let creates = right.verbs.contains(&"create") && !right.verbs.contains(&"patch");
            if creates && right.resources.iter().any(|resource| !resource.contains('/')) {
                // `AllowCreateOnUpdate` in k8s.io/kubernetes `pkg/registry/rbac/*/strategy.go`.
                let verbs: &[&str] =
                    if right.group == crate::model::GROUP { &["patch", "update"] } else { &["patch"] };
                let patch = Right { verbs, names: Names::Limit, ..right };
                table.apply[at] = Some(table.add(Asked::Resource(patch), &mut known));
            }
        }
        table.index();
        for row in 0..table.trees.len() {
            let all = alternatives(&table.trees[row]);
            table.alternatives.extend(all.into_iter().map(|mut one| {
                one.row = row as u16;
                one.placed = one
                    .groups
                    .iter()
                    .flatten()
                    .any(|right| table.rights[usize::from(*right)].place() == Place::Here)
                    || one.holds.iter().any(|holding| {
                        use Holding::{NamespaceLabels, OwnPods, Pods, Secrets};
                        matches!(holding, OwnPods | Pods | Secrets | NamespaceLabels)
                    });
                one
            }));
        }
        table.uses = vec![Vec::new(); table.rights.len()];
        for (at, one) in table.alternatives.iter().enumerate() {
            for right in one.groups.iter().flatten() {
                table.uses[usize::from(*right)].push(at as u16);
            }
        }
        table
    }

    fn tree(&mut self, need: &Need, known: &mut HashMap<Asked, RightId>) -> Tree {
        let mut all = |parts: &[Need]| parts.iter().map(|part| self.tree(part, known)).collect();
        match *need {
            Need::All(parts) => Tree::All(all(parts)),
            Need::Together(parts) => Tree::Together(all(parts)),
            Need::Any(parts) => Tree::Any(all(parts)),
            Need::Right(right) => Tree::Right(self.add(Asked::Resource(right), known)),
            Need::Path(path) => Tree::Right(self.add(Asked::Path(path), known)),
            Need::Holds(holding) => Tree::Holds(holding),
            Need::Fact(fact) => Tree::Fact(fact),
        }
    }

    fn add(&mut self, asked: Asked, known: &mut HashMap<Asked, RightId>) -> RightId {
        *known.entry(asked).or_insert_with(|| {
            self.rights.push(asked);
            self.apply.push(None);
            (self.rights.len() - 1) as RightId
        })
    }

    fn index(&mut self) {
        for (at, asked) in self.rights.iter().enumerate() {
            let id = at as RightId;
            let Asked::Resource(right) = asked else {
                self.paths.push(id);
                continue;
            };
            for resource in right.resources {
                match resource.split_once('/') {
                    _ if *resource == WHATEVER => self.loose.push(id),
                    Some((_, WHATEVER)) => self.loose.push(id),
                    Some((_, subresource)) => {
                        self.by_resource.entry(resource).or_default().push(id);
                        self.by_subresource.entry(subresource).or_default().push(id);
                    }
                    None => self.by_resource.entry(resource).or_default().push(id),
                }
            }
        }
    }

    /// The rights that a rule gives, each once, in order, with its limit. Costs a look-up for each resource of the rule.
    pub(super) fn given_by<'r>(&self, rule: &'r Rule) -> Vec<(RightId, Limit<'r>)> {
        let mut candidates: Vec<RightId> = Vec::new();
        if rule.resources.iter().any(|resource| resource == ALL) {
            candidates.extend((0..self.rights.len()).map(|at| at as RightId));
        } else if !rule.resources.is_empty() {
            candidates.extend(&self.loose);
            for resource in &rule.resources {
                candidates.extend(self.by_resource.get(resource.as_str()).into_iter().flatten());
                if let Some(subresource) = resource.strip_prefix("*/") {
                    candidates.extend(self.by_subresource.get(subresource).into_iter().flatten());
                }
            }
        }
        if !rule.non_resource_urls.is_empty() {
            candidates.extend(&self.paths);
        }
        candidates.sort_unstable();
        candidates.dedup();
        let given = candidates.into_iter();
        given.filter_map(|id| Some((id, gives(rule, &self.rights[usize::from(id)])?))).collect()
    }
}

/// A need as alternatives, the earlier first.
fn alternatives(tree: &Tree) -> Vec<Alternative> {
    let product = |parts: &[Tree]| {
        parts.iter().fold(vec![Alternative::default()], |all, part| {
            let more = alternatives(part);
            let pairs = all.iter().flat_map(|one| more.iter().map(move |other| (one, other)));
            pairs
                .map(|(one, other)| {
                    let mut both = one.clone();
                    both.groups.extend(other.groups.iter().cloned());
                    both.holds.extend(&other.holds);
                    both.facts.extend(&other.facts);
                    both
                })
                .collect()
        })
    };
    match tree {
        Tree::Right(right) => vec![Alternative { groups: vec![vec![*right]], ..Alternative::default() }],
        Tree::Holds(holding) => vec![Alternative { holds: vec![*holding], ..Alternative::default() }],
        Tree::Fact(fact) => vec![Alternative { facts: vec![*fact], ..Alternative::default() }],
        Tree::Any(parts) => parts.iter().flat_map(alternatives).collect(),
        Tree::All(parts) => product(parts),
        Tree::Together(parts) => {
            let mut all = product(parts);
            for one in &mut all {
                one.groups = vec![one.groups.concat()];
            }
            all
        }
    }
}

/// Whether a rule gives what is asked, and limited to which objects.
pub(super) fn gives<'r>(rule: &'r Rule, asked: &Asked) -> Option<Limit<'r>> {
    let right = match asked {
        Asked::Path(path) => {
            let urls = |path: &&str| rule.non_resource_urls.iter().any(|own| url_matches(own, path));
            return (rule.has_verb(path.verb) && path.paths.iter().any(urls)).then_some(Limit::Free);
        }
        Asked::Resource(right) => right,
    };
    if right.group != WHATEVER && !rule.has_group(right.group) || rule.api_groups.is_empty() {
        return None;
    }
    let mut best = None;
    for resource in right.resources {
        if !has_resource(rule, resource) {
            continue;
        }
        for verb in right.verbs {
            if !has_verb(rule, verb) {
                continue;
            }
            let limit = limit_of(rule, right, verb, resource.contains('/'));
            match (limit, &best) {
                (Some(Limit::Free), _) => return Some(Limit::Free),
                (Some(limit @ Limit::Names(_)), _) | (Some(limit), None) => best = Some(limit),
                _ => {}
            }
        }
    }
    best
}

fn limit_of<'r>(rule: &'r Rule, right: &Right, verb: &str, subresource: bool) -> Option<Limit<'r>> {
    let names = rule.resource_names.as_slice();
    if names.is_empty() {
        return Some(Limit::Free);
    }
    // These requests name no object.
    let unnamed = verb == "deletecollection" || (verb == "create" && !subresource);
    if unnamed || matches!(verb, "list" | "watch") {
        if names.iter().any(String::is_empty) {
            return Some(Limit::Free);
        }
        if verb == "deletecollection" {
            return None;
        }
    }
    let named = if unnamed { Limit::Created(names) } else { Limit::Names(names) };
    match right.names {
        Names::Any | Names::Limit | Names::Namespace => Some(named),
        Names::Unnamed => names.iter().any(String::is_empty).then_some(Limit::Free),
        Names::Of(known) => names.iter().any(|name| known.contains(&name.as_str())).then_some(named),
        Names::Prefix(prefix) => names.iter().any(|name| name.starts_with(prefix)).then_some(named),
    }
}

fn has_verb(rule: &Rule, verb: &str) -> bool {
    match verb.strip_suffix(WHATEVER) {
        None => rule.has_verb(verb),
        Some(prefix) => {
            rule.verbs.iter().any(|own| own == ALL || (own.len() > prefix.len() && own.starts_with(prefix)))
        }
    }
}

fn has_resource(rule: &Rule, resource: &str) -> bool {
    match resource.split_once('/') {
        None if resource == WHATEVER => !rule.resources.is_empty(),
        None => rule.has_resource(resource, ""),
        Some((parent, WHATEVER)) => rule
            .resources
            .iter()
            .any(|own| own == ALL || own.split_once('/').is_some_and(|(of, _)| of == ALL || of == parent)),
        Some((parent, subresource)) => rule.has_resource(parent, subresource),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gain_is_limited_by_names_only_where_one_request_is_enough() {
        for one in TABLE.alternatives.iter().filter(|one| one.parts() > 1) {
            for right in one.groups.iter().flatten() {
                let names = TABLE.rights[usize::from(*right)].names();
                assert!(!matches!(names, Names::Limit), "{}", CATALOGUE[usize::from(one.row)].id);
            }
        }
    }

    #[test]
    fn alternatives_tell_requests_apart() {
        let of = |id: &str| {
            let row = CATALOGUE.iter().position(|row| row.id == id).expect("it is there");
            let all = TABLE.alternatives.iter().filter(move |one| usize::from(one.row) == row);
            all.map(|one| one.groups.iter().map(Vec::len).collect::<Vec<_>>()).collect::<Vec<_>>()
        };
        assert_eq!(of("approve-client-certificate"), [vec![1, 2]]);
        assert_eq!(of("impersonate-groups"), [vec![2], vec![2]]);
        assert_eq!(of("create-token-secret"), [vec![1, 1], vec![1]]);
    }
}
