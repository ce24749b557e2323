//! Who reaches what at all, for all subjects at once.
//!
//! By edges alone that is a walk back from the target. Joints ask of each node which of their parts it reaches: that is found for all
//! nodes together, as sets of bits that are handed on along the edges, for strongly connected things as one. Where a node reaches all
//! parts of a joint it gets an edge to what the joint gives; then it is looked again, until no joint is new. That is exact: what a node
//! reaches, those before it reach too.

use foldhash::{HashMap, HashMapExt as _};

use super::graph::{Graph, NodeId};

/// The most words of bits at a time.
const WORDS: usize = 8 << 20;

/// The ways that joints open, beside the edges: from a node that reaches all parts of a joint to what it gives.
#[derive(Clone, Debug, Default)]
pub(super) struct Opened {
    /// All ways, in the order in which they were found.
    pub(super) ways: Vec<Way>,
    /// For each node the ways that lead to it.
    pub(super) onto: Vec<Vec<u32>>,
    /// Where each joint is open.
    fired: Vec<Vec<NodeId>>,
    certain: bool,
}

/// A way that a joint opens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    /// A node that reaches all parts of the joint, by edges and ways of earlier rounds.
    pub(super) from: NodeId,
    pub(super) joint: u32,
    pub(super) round: u32,
}

impl Opened {
    /// Costs for each round, of which there are as many as joints follow on one another, a pass over the edges with a bit for each part
    /// of a joint. With `certain` only what needs no assumptions counts; what is `known` to be open then is so without, too.
    pub(super) fn of(graph: &Graph<'_>, certain: bool, known: Option<&Self>) -> Self {
        let mut opened = Self {
            ways: Vec::new(),
            onto: vec![Vec::new(); graph.things.len()],
            fired: vec![Vec::new(); graph.joints.len()],
            certain,
        };
        let mut forward: Vec<Vec<NodeId>> = vec![Vec::new(); graph.things.len()];
        let live: Vec<u32> = (0..graph.joints.len() as u32)
            .filter(|index| {
                let joint = &graph.joints[*index as usize];
                joint.lives && opened.counts(joint.edge.assumes)
            })
            .collect();
        let mut round = 0;
        let mut new: Vec<Way> = Vec::new();
        if let Some(known) = known {
            round = known.ways.last().map_or(0, |way| way.round + 1);
            new.extend(&known.ways);
        }
        loop {
            for way in new {
                let to = graph.joints[way.joint as usize].edge.to;
                opened.fired[way.joint as usize].push(way.from);
                forward[way.from as usize].push(to);
                opened.onto[to as usize].push(opened.ways.len() as u32);
                opened.ways.push(way);
            }
            let found = opened.round(graph, &forward, &live);
            if found.is_empty() {
                return opened;
            }
            new = found.into_iter().map(|(from, joint)| Way { from, joint, round }).collect();
            round += 1;
        }
    }

    const fn counts(&self, assumes: u32) -> bool {
        !self.certain || assumes == 0
    }

    /// Where joints are open that were not.
    fn round(&self, graph: &Graph<'_>, forward: &[Vec<NodeId>], live: &[u32]) -> Vec<(NodeId, u32)> {
        let next = |node: usize| {
            let edges = graph.edges[node].iter().filter(|edge| self.counts(edge.assumes)).map(|edge| edge.to);
            edges.chain(forward[node].iter().copied())
        };
        let (component, count) = components(graph.things.len(), next);
        let mut members: Vec<Vec<NodeId>> = vec![Vec::new(); count];
        for (node, of) in component.iter().enumerate() {
            members[*of as usize].push(node as NodeId);
        }
        let successors: Vec<Vec<u32>> = members
            .iter()
            .enumerate()
            .map(|(at, members)| {
                let all = members.iter().flat_map(|node| next(*node as usize));
                let mut all: Vec<u32> =
                    all.map(|to| component[to as usize]).filter(|of| *of as usize != at).collect();
                all.sort_unstable();
                all.dedup();
                all
            })
            .collect();
        let mut new = Vec::new();
        let most = (WORDS / count.max(1)).max(1) * 64;
        let mut begin = 0;
        while begin < live.len() {
            // As many joints as their parts have room.
            let mut places: HashMap<NodeId, usize> = HashMap::new();
            let mut end = begin;
            while end < live.len() && (places.len() < most || end == begin) {
                for part in &graph.joints[live[end] as usize].parts {
                    let next = places.len();
                    places.entry(*part).or_insert(next);
                }
                end += 1;
            }
            let chunk = Chunk::new(graph, &live[begin..end], places);
            chunk.run(graph, &component, &members, &successors, &self.fired, &mut new);
            begin = end;
        }
        new
    }

    /// The nodes from which any of the goals is reached.
    pub(super) fn before(
        &self,
        graph: &Graph<'_>,
        back: &super::search::Backwards,
        goals: &[NodeId],
    ) -> Vec<bool> {
        let mut reached = vec![false; graph.things.len()];
        let mut todo = goals.to_vec();
        while let Some(node) = todo.pop() {
            if std::mem::replace(&mut reached[node as usize], true) {
                continue;
            }
            let edges = back
                .onto(node)
                .iter()
                .filter(|(from, index)| self.counts(graph.edges[*from as usize][*index as usize].assumes));
            todo.extend(edges.map(|(from, _)| *from));
            let ways = self.onto[node as usize].iter();
            todo.extend(ways.map(|way| self.ways[*way as usize].from));
        }
        reached
    }
}

/// Some joints, and a bit for each of their parts.
struct Chunk {
    places: HashMap<NodeId, usize>,
    /// For each bit the joints that it is for.
    uses: Vec<Vec<u32>>,
    words: usize,
}

impl Chunk {
    fn new(graph: &Graph<'_>, joints: &[u32], places: HashMap<NodeId, usize>) -> Self {
        let mut uses: Vec<Vec<u32>> = vec![Vec::new(); places.len()];
        for joint in joints {
            for part in &graph.joints[*joint as usize].parts {
                uses[places[part]].push(*joint);
            }
        }
        Self { words: places.len().div_ceil(64), places, uses }
    }

    fn run(
        &self,
        graph: &Graph<'_>,
        component: &[u32],
        members: &[Vec<NodeId>],
        successors: &[Vec<u32>],
        fired: &[Vec<NodeId>],
        new: &mut Vec<(NodeId, u32)>,
    ) {
        let words = self.words;
        let mut bits = vec![0u64; words * members.len()];
        let mut sizes = vec![0u32; members.len()];
        let mut own: Vec<Vec<usize>> = vec![Vec::new(); members.len()];
        for (part, place) in &self.places {
            own[component[*part as usize] as usize].push(*place);
        }
        // Components are numbered so that successors come first.
        for at in 0..members.len() {
            let (before, rest) = bits.split_at_mut(at * words);
            let mine = &mut rest[..words];
            let mut largest: Option<u32> = None;
            for of in &successors[at] {
                let size = sizes[*of as usize];
                if size > 0 {
                    for (word, other) in mine.iter_mut().zip(&before[*of as usize * words..]) {
                        *word |= *other;
                    }
                    if largest.is_none_or(|one| size > sizes[one as usize]) {
                        largest = Some(*of);
                    }
                }
            }
            for place in &own[at] {
                mine[place / 64] |= 1 << (place % 64);
            }
            sizes[at] = mine.iter().map(|word| word.count_ones()).sum();
            let known: &[u64] = largest.map_or(&[], |of| &before[of as usize * words..][..words]);
            if largest.is_some_and(|of| sizes[of as usize] == sizes[at]) {
                continue;
            }
            let has = |set: &[u64], joint: u32| {
                graph.joints[joint as usize].parts.iter().all(|part| {
                    let place = self.places[part];
                    set.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
                })
            };
            let mut open: Vec<u32> = Vec::new();
            for (word, bits) in mine.iter().enumerate() {
                let mut fresh = bits & !known.get(word).copied().unwrap_or(0);
                while fresh != 0 {
                    let place = word * 64 + fresh.trailing_zeros() as usize;
                    fresh &= fresh - 1;
                    open.extend(self.uses[place].iter().filter(|joint| has(mine, **joint)));
                }
            }
            open.sort_unstable();
            open.dedup();
            for joint in open {
                let to = graph.joints[joint as usize].edge.to;
                let here = |node: &NodeId| component[*node as usize] as usize == at;
                let later = |of: &u32| has(&before[*of as usize * words..][..words], joint);
                if here(&to) || fired[joint as usize].iter().any(here) || successors[at].iter().any(later) {
                    continue;
                }
                new.push((members[at][0], joint));
            }
        }
    }
}

/// The strongly connected components of a graph, numbered so that edges lead to smaller numbers (R. Tarjan).
fn components<I: Iterator<Item = NodeId>>(count: usize, next: impl Fn(usize) -> I) -> (Vec<u32>, usize) {
    const NONE: u32 = u32::MAX;
    let (mut index, mut low) = (vec![NONE; count], vec![0u32; count]);
    let mut component = vec![NONE; count];
    let (mut stack, mut found, mut number) = (Vec::new(), 0, 0);
    let mut calls: Vec<(usize, I)> = Vec::new();
    for root in 0..count {
        if index[root] != NONE {
            continue;
        }
        let mut enter = Some(root);
        loop {
            if let Some(node) = enter.take() {
                index[node] = number;
                low[node] = number;
                number += 1;
                stack.push(node);
                calls.push((node, next(node)));
            }
            let Some((node, edges)) = calls.last_mut() else { break };
            let node = *node;
            if let Some(to) = edges.next() {
                let to = to as usize;
                if index[to] == NONE {
                    enter = Some(to);
                } else if component[to] == NONE {
                    low[node] = low[node].min(index[to]);
                }
                continue;
            }
            calls.pop();
            if let Some((parent, _)) = calls.last() {
                low[*parent] = low[*parent].min(low[node]);
            }
            if low[node] == index[node] {
                while let Some(member) = stack.pop() {
                    component[member] = found;
                    if member == node {
                        break;
                    }
                }
                found += 1;
            }
        }
    }
    (component, found as usize)
}
