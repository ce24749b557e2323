//! The smallest set that hits all of some sets: exact while it may be, otherwise a small one.

use std::collections::{BTreeMap, BTreeSet, HashSet};

/// A choice that hits every set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Choice {
    /// The elements, sorted.
    pub(super) elements: Vec<u32>,
    /// Whether no smaller choice hits all.
    pub(super) exact: bool,
}

/// Sets beyond which it is not looked for those that hold others: that costs their square.
const MANY: usize = 4000;

/// A smallest choice that hits every set, none of which is empty; of equal ones always the same. `budget` bounds how many sets are looked
/// at in each part of the problem that shares no element with the others.
pub(super) fn smallest(sets: &[Vec<u32>], budget: usize) -> Choice {
    let mut sets: Vec<Vec<u32>> = sets
        .iter()
        .map(|set| {
            let mut set = set.clone();
            set.sort_unstable();
            set.dedup();
            set
        })
        .collect();
    let mut chosen: BTreeSet<u32> = BTreeSet::new();
    loop {
        sets.sort();
        sets.dedup();
        let single: HashSet<u32> =
            sets.iter().filter(|set| set.len() == 1).filter_map(|set| set.first().copied()).collect();
        chosen.extend(&single);
        sets.retain(|set| !set.iter().any(|one| single.contains(one)));
        let before = sets.iter().map(Vec::len).sum::<usize>();
        drop_supersets(&mut sets);
        drop_dominated(&mut sets);
        if sets.iter().map(Vec::len).sum::<usize>() == before {
            break;
        }
    }
    let mut exact = true;
    for part in components(sets) {
        let mut search = Search { best: greedy(&part), left: budget, sets: &part };
        search.branch(&mut Vec::new());
        exact &= search.left > 0;
        chosen.extend(search.best);
    }
    Choice { elements: chosen.into_iter().collect(), exact }
}

/// A set that holds another is hit with it.
fn drop_supersets(sets: &mut Vec<Vec<u32>>) {
    if sets.len() > MANY {
        return;
    }
    sets.sort_by_key(Vec::len);
    let mut kept: Vec<Vec<u32>> = Vec::new();
    for set in sets.drain(..) {
        let holds = |one: &Vec<u32>| one.iter().all(|element| set.binary_search(element).is_ok());
        if !kept.iter().any(holds) {
            kept.push(set);
        }
    }
    *sets = kept;
}

/// An element that is only in sets that another is in too is not needed.
fn drop_dominated(sets: &mut [Vec<u32>]) {
    let mut places: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (at, set) in sets.iter().enumerate() {
        for element in set {
            places.entry(*element).or_default().push(at);
        }
    }
    let mut dropped: HashSet<u32> = HashSet::new();
    for (element, own) in &places {
        let Some(first) = own.first() else { continue };
        let dominated = sets[*first].iter().any(|other| {
            let others = &places[other];
            let all = *other != *element
                && !dropped.contains(other)
                && others.len() >= own.len()
                && own.iter().all(|place| others.binary_search(place).is_ok());
            // Of two that are alike the first stays.
            all && (others.len() > own.len() || other < element)
        });
        if dominated {
            dropped.insert(*element);
        }
    }
    for set in sets {
        set.retain(|element| !dropped.contains(element));
    }
}

/// Parts that share no element.
fn components(sets: Vec<Vec<u32>>) -> Vec<Vec<Vec<u32>>> {
    let mut leader: BTreeMap<u32, u32> = BTreeMap::new();
    fn find(leader: &mut BTreeMap<u32, u32>, one: u32) -> u32 {
        let (mut at, mut up) = (one, *leader.entry(one).or_insert(one));
        while up != at {
            at = up;
            up = leader[&at];
        }
        leader.insert(one, at);
        at
    }
    for set in &sets {
        let Some(first) = set.first() else { continue };
        let head = find(&mut leader, *first);
        for other in &set[1..] {
            let other = find(&mut leader, *other);
            leader.insert(other, head);
        }
    }
    let mut parts: BTreeMap<u32, Vec<Vec<u32>>> = BTreeMap::new();
    for set in sets {
        if let Some(first) = set.first() {
            parts.entry(find(&mut leader, *first)).or_default().push(set);
        }
    }
    parts.into_values().collect()
}

/// Always the element that hits most of what is not hit yet.
fn greedy(sets: &[Vec<u32>]) -> Vec<u32> {
    let mut left: Vec<&Vec<u32>> = sets.iter().collect();
    let mut chosen = Vec::new();
    while !left.is_empty() {
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        for element in left.iter().copied().flatten() {
            *counts.entry(*element).or_default() += 1;
        }
        let Some((best, _)) =
            counts.into_iter().max_by_key(|(element, count)| (*count, std::cmp::Reverse(*element)))
        else {
            break;
        };
        chosen.push(best);
        left.retain(|set| set.binary_search(&best).is_err());
    }
    chosen
}

struct Search<'s> {
    best: Vec<u32>,
    left: usize,
    sets: &'s [Vec<u32>],
}

impl Search<'_> {
    fn branch(&mut self, chosen: &mut Vec<u32>) {
        if self.left == 0 {
            return;
        }
        self.left = self.left.saturating_sub(self.sets.len());
        let mut open: Vec<&Vec<u32>> =
            self.sets.iter().filter(|set| !set.iter().any(|one| chosen.contains(one))).collect();
        if open.is_empty() {
            if chosen.len() < self.best.len() {
                self.best.clone_from(chosen);
            }
            return;
        }
        // As many more are needed as there are sets that share nothing.
        open.sort_by_key(|set| set.len());
        let mut used: HashSet<u32> = HashSet::new();
        let mut apart = 0;
        for set in &open {
            if !set.iter().any(|one| used.contains(one)) {
                used.extend(set.iter());
                apart += 1;
            }
        }
        if chosen.len() + apart >= self.best.len() {
            return;
        }
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        for element in open.iter().copied().flatten() {
            *counts.entry(*element).or_default() += 1;
        }
        let mut next = open[0].clone();
        next.sort_by_key(|element| (std::cmp::Reverse(counts[element]), *element));
        for element in next {
            chosen.push(element);
            self.branch(chosen);
            chosen.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hits(sets: &[Vec<u32>], chosen: u32) -> bool {
        sets.iter().all(|set| set.iter().any(|one| chosen & (1 << one) != 0))
    }

    proptest! {
        #[test]
        fn no_smaller_choice_hits_all(sets in prop::collection::vec(prop::collection::vec(0u32..10, 1..5), 0..14)) {
            let choice = smallest(&sets, 1_000_000);
            prop_assert!(choice.exact);
            let bits = choice.elements.iter().fold(0, |bits, one| bits | (1 << one));
            prop_assert!(hits(&sets, bits));
            let least = (0u32..1 << 10).filter(|bits| hits(&sets, *bits)).map(u32::count_ones).min();
            prop_assert_eq!(least, Some(choice.elements.len() as u32));
        }
    }

    #[test]
    fn without_steps_it_is_a_choice_that_may_not_be_the_smallest() {
        let sets = vec![vec![0, 1], vec![1, 2], vec![2, 0]];
        let choice = smallest(&sets, 1);
        assert!(!choice.exact);
        assert_eq!(choice.elements.len(), 2);
    }
}
