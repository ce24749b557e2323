//! What the controller of aggregated `ClusterRoles` does. Source: k8s.io/kubernetes
//! `pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go`.

use std::collections::{BTreeSet, HashSet};

use crate::model::{Role, Rule, RuleAt};
use crate::policy::Policy;

/// Which roles are not settled by aggregation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unsettled {
    /// `ClusterRoles` that take in one another's rules: which rules they have depends on what was there before.
    pub cycles: Vec<Vec<usize>>,
    /// `ClusterRoles` with a selector that cannot be read: the controller leaves their rules as they are.
    pub unreadable: Vec<usize>,
}

impl Policy {
    /// Gives each `ClusterRole` with an aggregation rule the rules of those that it selects, again and again until nothing changes; roles for which
    /// `skip` says so are left as they are. A cycle is run until it settles, which it does, since rules are only ever taken in from a finite set,
    /// or keeps what it has after as many rounds as there are roles in it.
    pub fn aggregate(&mut self, skip: impl Fn(&Role) -> bool) -> Unsettled {
        let mut unsettled = Unsettled::default();
        let mut by_name: Vec<usize> =
            (0..self.roles().len()).filter(|role| self.roles()[*role].namespace.is_none()).collect();
        by_name.sort_by(|left, right| self.roles()[*left].name.cmp(&self.roles()[*right].name));
        // Whom each takes in, in the order of its selectors and then of names.
        let mut sources: Vec<(usize, Vec<usize>)> = Vec::new();
        for index in by_name.iter().copied() {
            let role = &self.roles()[index];
            let Some(selectors) = &role.aggregation else { continue };
            if skip(role) {
                continue;
            }
            let compiled: Option<Vec<_>> = selectors.iter().map(|one| one.compiled.as_ref()).collect();
            let Some(compiled) = compiled else {
                unsettled.unreadable.push(index);
                continue;
            };
            let chosen = compiled.iter().flat_map(|selector| {
                by_name.iter().copied().filter(|other| {
                    let labels = &self.roles()[*other].labels;
                    *other != index && selector.matches(|key| labels.get(key).map(String::as_str))
                })
            });
            sources.push((index, chosen.collect()));
        }
        let aggregated: HashSet<usize> = sources.iter().map(|(index, _)| *index).collect();
        unsettled.cycles = cycles(&sources, &aggregated);
        for _ in 0..=sources.len() {
            let mut changed = false;
            for (index, chosen) in &sources {
                let (rules, copied_from) = self.collect(chosen);
                let role = &mut self.roles_mut()[*index];
                if role.rules != rules {
                    changed = true;
                    role.rules = rules;
                }
                role.copied_from = copied_from;
            }
            if !changed {
                break;
            }
        }
        unsettled
    }

    fn collect(&self, chosen: &[usize]) -> (Vec<Rule>, Vec<RuleAt>) {
        let (mut rules, mut from, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for role in chosen.iter().copied() {
            for (rule, own) in self.roles()[role].rules.iter().enumerate() {
                if seen.insert(own) {
                    rules.push(own.clone());
                    let origin = self.roles()[role].copied_from.get(rule).copied();
                    from.push(origin.unwrap_or(RuleAt { role, rule }));
                }
            }
        }
        (rules, from)
    }

    /// The role and rule in which a rule is written: itself, or what aggregation copied it from.
    pub fn written_at(&self, at: RuleAt) -> RuleAt {
        self.roles()[at.role].copied_from.get(at.rule).copied().unwrap_or(at)
    }
}

/// The aggregated roles that reach themselves, those of one cycle together. Costs a walk from each aggregated role.
fn cycles(sources: &[(usize, Vec<usize>)], aggregated: &HashSet<usize>) -> Vec<Vec<usize>> {
    let next = |role: usize| {
        let found = sources.iter().find(|(index, _)| *index == role);
        found
            .into_iter()
            .flat_map(|(_, chosen)| chosen.iter().copied())
            .filter(|one| aggregated.contains(one))
    };
    let reach = |start: usize| {
        let (mut seen, mut todo) = (BTreeSet::new(), vec![start]);
        while let Some(role) = todo.pop() {
            todo.extend(next(role).filter(|one| seen.insert(*one)).collect::<Vec<_>>());
        }
        seen
    };
    let reached: Vec<(usize, BTreeSet<usize>)> =
        sources.iter().map(|(index, _)| (*index, reach(*index))).collect();
    let mut cycles: Vec<Vec<usize>> = Vec::new();
    for (index, own) in &reached {
        if !own.contains(index) || cycles.iter().any(|cycle| cycle.contains(index)) {
            continue;
        }
        let back = |other: usize| reached.iter().any(|(one, of)| *one == other && of.contains(index));
        cycles.push(own.iter().copied().filter(|other| back(*other)).collect());
    }
    cycles
}
