//! What changes in the engine where something changes in the cluster.

use std::collections::HashMap;

use crate::classes::NONE;
use crate::cluster::Cluster;
use crate::counted::{insert, remove, slot};
use crate::engine::Engine;
use crate::patterns::Patterns;
use crate::policy::Direction;
use crate::rows::{Profile, Source};
use crate::rules::{News, Rules};

/// The classes of which something is to be worked out anew.
#[derive(Default)]
struct Work {
    /// New classes, and those from which they were split: what no row asks tells them apart.
    born: Vec<(u32, u32)>,
    /// New classes of which no row knows anything.
    fresh: Vec<u32>,
    /// Classes that other policies may select now.
    touched: Vec<u32>,
}

impl Engine {
    /// Takes out the policy that was at one place among the cluster's, and takes in that which is at another.
    ///
    /// What the new policy asks splits classes, what nobody asks any more joins them; the rows of the classes that it selects, or did,
    /// are made anew, and no other.
    pub(crate) fn replace_policy(&mut self, cluster: &Cluster, gone: Option<usize>, come: Option<usize>) {
        let mut work = Work::default();
        let old = gone.map(|at| self.order.remove(at));
        if let Some(at) = come {
            let number = self.admit(cluster, at, &mut work);
            self.order.insert(at, number);
        }
        if let Some(number) = old {
            self.dismiss(number, &mut work);
        }
        self.settle(&work);
        if let Some(number) = old {
            self.rules[number as usize] = None;
        }
    }

    /// Puts pods where they belong that are new or were changed, or whose namespace was. Costs a look at each rule of each row where
    /// one of them is as no endpoint was before.
    pub(crate) fn regroup(&mut self, cluster: &Cluster, pods: &[usize]) {
        let fresh = self.classes.regroup(cluster, self.options, pods);
        self.settle(&Work { fresh, ..Work::default() });
    }

    /// Forgets a pod that is taken out of the cluster by `swap_remove`.
    pub(crate) fn swap_remove_pod(&mut self, pod: usize, last: usize, namespace_of_last: &str) {
        self.classes.swap_remove_pod(pod, last, namespace_of_last);
        self.settle(&Work::default());
    }

    /// Whether so much was left behind by changes that it is better to begin anew.
    pub(crate) fn is_worn(&self) -> bool {
        self.classes.holes() * 2 > self.classes.len() + 64 || self.ports.items.len() > 4 * self.sets + 256
    }

    fn admit(&mut self, cluster: &Cluster, at: usize, work: &mut Work) -> u32 {
        let mut news = News::default();
        let rules = Rules::compile(&cluster.policies[at], &mut self.classes.asked, &mut news);
        for predicate in news.peers {
            self.classes.introduce(cluster, self.options, predicate, &mut work.born);
        }
        for name in news.names {
            self.classes.introduce_name(cluster, name, &mut work.born);
        }
        let number = self.rules.iter().position(Option::is_none).unwrap_or(self.rules.len()) as u32;
        for set in &rules.subject {
            insert(slot(&mut self.subjects, *set), number);
            work.touched.extend_from_slice(self.classes.holding(Some(*set)));
        }
        *slot(&mut self.rules, number) = Some(rules);
        number
    }

    fn dismiss(&mut self, number: u32, work: &mut Work) {
        let Some(rules) = &self.rules[number as usize] else { return };
        let (asks, names) = (rules.asks.clone(), rules.asks_names.clone());
        for set in &rules.subject {
            remove(slot(&mut self.subjects, *set), number);
            work.touched.extend_from_slice(self.classes.holding(Some(*set)));
        }
        for predicate in asks {
            if self.classes.asked.peers.give(predicate) {
                self.classes.retire(predicate);
            }
        }
        for name in names {
            if self.classes.asked.names.give(name) {
                self.classes.retire_name(name);
            }
        }
    }

    /// Brings the rows up to the classes.
    fn settle(&mut self, work: &Work) {
        let Self { classes, rules, subjects, ports, ingress, egress, order, .. } = self;
        let mut roots: HashMap<u32, u32> = HashMap::with_capacity(work.born.len());
        for (class, parent) in &work.born {
            let root = roots.get(parent).copied().unwrap_or(*parent);
            roots.insert(*class, root);
        }
        let mut born: Vec<(u32, u32)> =
            roots.into_iter().filter(|(class, _)| classes.is_alive(*class)).collect();
        born.sort_unstable();
        let mut fresh = work.fresh.clone();
        fresh.retain(|class| classes.is_alive(*class));
        fresh.sort_unstable();
        let mut touched: Vec<u32> = work.touched.clone();
        touched.extend(born.iter().map(|(class, _)| *class).chain(fresh.iter().copied()));
        touched.sort_unstable();
        touched.dedup();
        touched.retain(|class| classes.get(*class).is_pod);
        let mut rank = vec![NONE; rules.len()];
        for (place, number) in order.iter().enumerate() {
            rank[*number as usize] = place as u32;
        }
        let source = Source { classes, rules };
        let mut patterns = Patterns::default();
        for (direction, side) in [(Direction::Ingress, ingress), (Direction::Egress, egress)] {
            side.reach(classes.len());
            for class in &classes.dead {
                side.detach(*class);
            }
            let mut moved: Vec<(u32, Profile)> = Vec::new();
            for class in &touched {
                let sets = classes.codes(*class).iter().filter(|code| code.is_multiple_of(2));
                let mut selected: Vec<u32> = sets
                    .filter_map(|code| subjects.get(*code as usize / 2))
                    .flatten()
                    .copied()
                    .filter(|number| {
                        rules[*number as usize].as_ref().is_some_and(|rules| rules.is_about(direction))
                    })
                    .collect();
                selected.sort_unstable_by_key(|number| rank[*number as usize]);
                selected.dedup();
                let profile = source.profile(direction, *class, selected);
                if side.profile_of(*class) != Some(&profile) {
                    side.detach(*class);
                    moved.push((*class, profile));
                }
            }
            if !born.is_empty() {
                side.copy(&born);
            }
            if !fresh.is_empty() {
                side.add(direction, source, &fresh, ports);
            }
            for (class, profile) in moved {
                side.attach(direction, source, class, profile, &mut patterns, ports);
            }
        }
        classes.free_dead();
    }
}
