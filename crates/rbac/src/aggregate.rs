//! What the controller of aggregated `ClusterRoles` does. Source: k8s.io/kubernetes
//! `pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go`.
//!
//! The controller writes into each aggregated role the rules of those that its selectors choose, and does so again whenever one of them changes. Where
//! no role takes in itself by way of others, that comes to one end, whatever was there before and in whatever order it works. Where roles take in
//! one another, a rule that one of them has stays with all for good, and what they have depends on what was there first.
//!
//! ```text
//!   role ──▶ selectors (each distinct list once) ──▶ roles that they choose          circles of it are one component
//! ```

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::model::{Origin, Role, RoleSelector, Rule, RuleAt, RuleList};
use crate::policy::Policy;

/// Which roles are not settled by aggregation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unsettled {
    /// `ClusterRoles` that take in one another's rules, some of them not read from a cluster: which rules they have depends on what was there before.
    pub cycles: Vec<Vec<usize>>,
    /// `ClusterRoles` with a selector that cannot be read: the controller leaves their rules as they are.
    pub unreadable: Vec<usize>,
}

/// What a role had when it was read from a cluster.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    rules: RuleList,
    /// Which of them come from no role that is known, so that nothing takes them away.
    kept: Vec<usize>,
}

/// Rules with the places that they were copied from.
type Copied = (RuleList, Arc<[RuleAt]>);

/// A list of selectors, and whom it chooses.
struct Group {
    /// In the order of the selectors and then of names, none twice.
    chosen: Vec<usize>,
    /// Those of them that take in rules themselves, as indexes of takers.
    takers: Vec<usize>,
}

/// A role that takes in rules.
struct Taker {
    role: usize,
    group: usize,
    /// Whether what it has in the cluster is known.
    stored: bool,
}

impl Policy {
    /// Gives each `ClusterRole` with an aggregation rule the rules that the controller comes to.
    ///
    /// * What is written in such a role is nothing to the controller: it is overwritten. Roles that take in one another get the least that the
    ///   controller leaves as it is, as if they had been made without rules. That depends on no name and no order; they are told as
    ///   [`Unsettled::cycles`].
    /// * A role for which `keeps` says so was read from a cluster, where the controller has been. It keeps the rules that come from no role that is known
    ///   here (a dump may lack some), and has those of the roles that are: one that was added or changed since gives it its rules. The default
    ///   policy's roles count as what the cluster had already. In a circle it keeps all, as it does in a cluster.
    ///
    /// The rules of an aggregated role stand in the order of its selectors and then of names; those of a circle by the names of who gives them.
    /// Costs a look at each role for each distinct selector, and the rules of each distinct list of roles once: who chooses the same shares them.
    pub fn aggregate(&mut self, keeps: impl Fn(&Role) -> bool) -> Unsettled {
        self.aggregate_after(keeps, &[])
    }

    /// As [`Policy::aggregate`], where `replaced` are roles that others of their names took the place of since the cluster was read.
    pub(crate) fn aggregate_after(&mut self, keeps: impl Fn(&Role) -> bool, replaced: &[Role]) -> Unsettled {
        let mut unsettled = Unsettled::default();
        let (takers, groups) = self.takers(keeps, &mut unsettled);
        let mut shared: HashMap<usize, Copied> = HashMap::new();
        for component in components(&takers, &groups) {
            match component.as_slice() {
                [] => {}
                [one] => {
                    let taker = &takers[*one];
                    let group = &groups[taker.group];
                    if taker.stored {
                        let kept = self.stored(taker, group, Some(replaced));
                        let known = |role: &usize| self.roles()[*role].origin != Origin::Default;
                        let chosen = group.chosen.iter().copied().filter(known);
                        let all =
                            self.collect(chosen.filter(|role| *role != taker.role), &[(taker.role, &kept)]);
                        self.put_stored(taker.role, &all, &kept);
                    } else if group.chosen.contains(&taker.role) {
                        let own = self
                            .collect(group.chosen.iter().copied().filter(|role| *role != taker.role), &[]);
                        self.put(taker.role, own);
                    } else {
                        let all = shared
                            .entry(taker.group)
                            .or_insert_with(|| self.collect(group.chosen.iter().copied(), &[]))
                            .clone();
                        self.put(taker.role, all);
                    }
                }
                circle => {
                    let members: BTreeSet<usize> = circle.iter().map(|one| takers[*one].role).collect();
                    if circle.iter().any(|one| !takers[*one].stored) {
                        unsettled.cycles.push(members.iter().copied().collect());
                    }
                    self.settle(circle, &members, &takers, &groups);
                }
            }
        }
        unsettled.cycles.sort_by(|left, right| self.name_of(left).cmp(&self.name_of(right)));
        unsettled
    }

    fn name_of(&self, roles: &[usize]) -> Option<&str> {
        roles.iter().map(|role| self.roles()[*role].name.as_str()).min()
    }

    /// Who takes in, and by which lists of selectors.
    fn takers(&self, keeps: impl Fn(&Role) -> bool, unsettled: &mut Unsettled) -> (Vec<Taker>, Vec<Group>) {
        let mut by_name: Vec<usize> =
            (0..self.roles().len()).filter(|role| self.roles()[*role].namespace.is_none()).collect();
        by_name.sort_by(|left, right| self.roles()[*left].name.cmp(&self.roles()[*right].name));
        let mut selected: HashMap<&RoleSelector, Vec<usize>> = HashMap::new();
        let mut places: HashMap<&[RoleSelector], usize> = HashMap::new();
        let (mut takers, mut groups): (Vec<Taker>, Vec<Group>) = (Vec::new(), Vec::new());
        for index in by_name.iter().copied() {
            let role = &self.roles()[index];
            let Some(selectors) = &role.aggregation else { continue };
            if selectors.iter().any(|one| one.compiled.is_none()) {
                // What was read from a cluster is as the controller left it.
                if !keeps(role) {
                    unsettled.unreadable.push(index);
                }
                continue;
            }
            let group = *places.entry(selectors.as_slice()).or_insert_with(|| {
                let (mut chosen, mut seen) = (Vec::new(), HashSet::new());
                for selector in selectors {
                    let matching = selected.entry(selector).or_insert_with(|| {
                        let has = |other: &usize| {
                            let labels = &self.roles()[*other].labels;
                            let compiled = selector.compiled.as_ref();
                            compiled.is_some_and(|one| one.matches(|key| labels.get(key).map(String::as_str)))
                        };
                        by_name.iter().copied().filter(has).collect()
                    });
                    chosen.extend(matching.iter().copied().filter(|role| seen.insert(*role)));
                }
                groups.push(Group { chosen, takers: Vec::new() });
                groups.len() - 1
            });
            takers.push(Taker { role: index, group, stored: keeps(role) });
        }
        let taker_of: HashMap<usize, usize> =
            takers.iter().enumerate().map(|(number, taker)| (taker.role, number)).collect();
        for group in &mut groups {
            group.takers = group.chosen.iter().filter_map(|role| taker_of.get(role).copied()).collect();
        }
        (takers, groups)
    }

    /// Settles roles that take in one another: what comes in from outside, and what any of them has in the cluster, all of them have.
    fn settle(&mut self, circle: &[usize], members: &BTreeSet<usize>, takers: &[Taker], groups: &[Group]) {
        let mut stored: Vec<(usize, Stored)> = Vec::new();
        let mut outside: Vec<usize> = Vec::new();
        let mut seen = BTreeSet::new();
        for taker in circle.iter().map(|one| &takers[*one]) {
            if taker.stored {
                stored.push((taker.role, self.stored(taker, &groups[taker.group], None)));
            }
            // A role of the default policy is new only to those that no cluster has seen.
            let comes_in = |role: &usize| !(taker.stored && self.roles()[*role].origin == Origin::Default);
            if seen.insert((taker.group, taker.stored)) {
                let chosen = groups[taker.group].chosen.iter().copied();
                outside.extend(chosen.filter(|role| !members.contains(role)).filter(comes_in));
            }
        }
        outside.sort_by(|left, right| self.roles()[*left].name.cmp(&self.roles()[*right].name));
        outside.dedup();
        stored.sort_by(|left, right| self.roles()[left.0].name.cmp(&self.roles()[right.0].name));
        let kept: Vec<(usize, &Stored)> = stored.iter().map(|(role, stored)| (*role, stored)).collect();
        let all = self.collect(outside.into_iter(), &kept);
        for role in members {
            if stored.iter().all(|(own, _)| own != role) {
                self.put(*role, all.clone());
            }
        }
        for (role, own) in stored {
            self.put_stored(role, &all, &own);
        }
    }

    /// What a role had in the cluster, and which of it comes from elsewhere; all of it in a circle, where `replaced` is `None`. Found out once,
    /// so that it is known still when roles change.
    fn stored(&mut self, taker: &Taker, group: &Group, replaced: Option<&[Role]>) -> Stored {
        if let Some(known) = self.stored_rules().get(&taker.role) {
            return known.clone();
        }
        let role = &self.roles()[taker.role];
        let mut explained: HashSet<&Rule> = HashSet::new();
        if let Some(replaced) = replaced {
            let others = group.chosen.iter().copied().filter(|other| *other != taker.role);
            for other in others.map(|other| (other, &self.roles()[other])) {
                // What a role that is in the cluster had there; what is new there explains nothing.
                if other.1.stored {
                    let had =
                        self.stored_rules().get(&other.0).map_or(&other.1.rules, |stored| &stored.rules);
                    explained.extend(had.iter());
                }
            }
            let selectors = role.aggregation.iter().flatten().filter_map(|one| one.compiled.as_ref());
            for selector in selectors {
                let chosen = |other: &&Role| {
                    other.namespace.is_none()
                        && other.name != role.name
                        && selector.matches(|key| other.labels.get(key).map(String::as_str))
                };
                explained.extend(replaced.iter().filter(chosen).flat_map(|other| other.rules.iter()));
            }
        }
        let kept = (0..role.rules.len()).filter(|rule| !explained.contains(&role.rules[*rule])).collect();
        let stored = Stored { rules: role.rules.clone(), kept };
        self.stored_rules_mut().insert(taker.role, stored.clone());
        stored
    }

    /// The rules of these roles and what is kept of those, none twice.
    fn collect(&self, chosen: impl Iterator<Item = usize>, kept: &[(usize, &Stored)]) -> Copied {
        let (mut rules, mut from, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for (role, stored) in kept {
            for rule in stored.kept.iter().copied() {
                if seen.insert(&stored.rules[rule]) {
                    rules.push(stored.rules[rule].clone());
                    from.push(RuleAt { role: *role, rule });
                }
            }
        }
        for role in chosen {
            let stated = &self.roles()[role];
            for (rule, own) in stated.rules.iter().enumerate() {
                if seen.insert(own) {
                    rules.push(own.clone());
                    from.push(stated.copied_from.get(rule).copied().unwrap_or(RuleAt { role, rule }));
                }
            }
        }
        (rules.into(), from.into())
    }

    fn put(&mut self, role: usize, (rules, copied_from): Copied) {
        let role = &mut self.roles_mut()[role];
        role.rules = rules;
        role.copied_from = copied_from;
    }

    /// What the cluster has stays where it is, as far as it still holds, and what is new comes behind it.
    fn put_stored(&mut self, role: usize, (all, from): &Copied, stored: &Stored) {
        let now: HashSet<&Rule> = all.iter().collect();
        let before: HashSet<&Rule> = stored.rules.iter().collect();
        if now == before {
            self.put(role, (stored.rules.clone(), Arc::default()));
            return;
        }
        let (mut rules, mut places) = (Vec::new(), Vec::new());
        for (rule, own) in stored.rules.iter().enumerate().filter(|(_, own)| now.contains(own)) {
            rules.push(own.clone());
            places.push(RuleAt { role, rule });
        }
        for (rule, at) in all.iter().zip(from.iter()).filter(|(rule, _)| !before.contains(rule)) {
            rules.push(rule.clone());
            places.push(*at);
        }
        self.put(role, (rules.into(), places.into()));
    }

    /// The role and rule in which a rule is written: itself, or what aggregation copied it from. Where a role was read from a cluster, that is the
    /// rule's place there.
    pub fn written_at(&self, at: RuleAt) -> RuleAt {
        self.roles()[at.role].copied_from.get(at.rule).copied().unwrap_or(at)
    }
}

/// The takers by components that reach themselves, each behind those that it takes in. Tarjan's algorithm, without recursion; costs the sum
/// of the takers that the groups choose.
fn components(takers: &[Taker], groups: &[Group]) -> Vec<Vec<usize>> {
    const UNSEEN: usize = usize::MAX;
    let count = takers.len() + groups.len();
    // First the takers, then the groups.
    let next = |node: usize, step: usize| match node.checked_sub(takers.len()) {
        None => (step == 0).then(|| takers.len() + takers[node].group),
        Some(group) => groups[group].takers.get(step).copied(),
    };
    let (mut number, mut low, mut on_stack) = (vec![UNSEEN; count], vec![0; count], vec![false; count]);
    let (mut stack, mut found, mut counter) = (Vec::new(), Vec::new(), 0);
    for start in 0..count {
        if number[start] != UNSEEN {
            continue;
        }
        let mut path: Vec<(usize, usize)> = vec![(start, 0)];
        while let Some((node, step)) = path.last_mut() {
            let node = *node;
            if *step == 0 && number[node] == UNSEEN {
                number[node] = counter;
                low[node] = counter;
                counter += 1;
                stack.push(node);
                on_stack[node] = true;
            }
            let to = next(node, *step);
            *step += 1;
            match to {
                Some(to) if number[to] == UNSEEN => path.push((to, 0)),
                Some(to) if on_stack[to] => low[node] = low[node].min(number[to]),
                Some(_) => {}
                None => {
                    path.pop();
                    if let Some((parent, _)) = path.last() {
                        low[*parent] = low[*parent].min(low[node]);
                    }
                    if low[node] == number[node] {
                        let from = stack.iter().rposition(|one| *one == node).unwrap_or(0);
                        let mut members: Vec<usize> = stack.drain(from..).collect();
                        for one in &members {
                            on_stack[*one] = false;
                        }
                        members.retain(|one| *one < takers.len());
                        members.sort_unstable();
                        found.push(members);
                    }
                }
            }
        }
    }
    found
}
