//! Walks through the graph.
//!
//! The cost of a way is first the number of assumptions on it, then its length: the number of rows that follow on one another. Of ways
//! that meet in a joint the dearer counts. So a proof that assumes nothing is always found before one that does, and among those the one
//! with the fewest hops in a line. Costs only grow along a way, so the first way by which a thing is reached is the best (D. Knuth's
//! generalization of Dijkstra's algorithm to joints); a bound on what is left to do to the target keeps the walk from what leads nowhere
//! (A*).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};

use super::graph::{Edge, Graph, NodeId, PART_OF};
use super::proof::is_told;

/// Assumptions in the upper half, hops in the lower.
pub(super) type Cost = u32;

/// The cost of what is not reached.
pub(super) const FAR: Cost = Cost::MAX;

/// One assumption.
const ASSUMED: Cost = 1 << 16;

/// Assumptions and hops of a cost.
pub(super) const fn parts_of(cost: Cost) -> (usize, usize) {
    ((cost >> 16) as usize, (cost & 0xffff) as usize)
}

pub(super) fn weight(graph: &Graph<'_>, edge: &Edge) -> Cost {
    let assumed = graph.assumptions[edge.assumes as usize].len() as Cost;
    assumed * ASSUMED + Cost::from(edge.row != PART_OF)
}

/// How a node was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    Nothing,
    /// By this edge of a node.
    Edge(NodeId, u32),
    /// By a joint.
    Joint(u32),
}

/// Edges backwards, and for each node the joints that give it.
#[derive(Clone, Debug)]
pub(super) struct Backwards {
    begin: Vec<u32>,
    from: Vec<(NodeId, u32)>,
    joints: Vec<Vec<u32>>,
}

impl Backwards {
    pub(super) fn of(graph: &Graph<'_>) -> Self {
        let mut begin = vec![0u32; graph.things.len() + 1];
        for edge in graph.edges.iter().flatten() {
            begin[edge.to as usize + 1] += 1;
        }
        for at in 1..begin.len() {
            begin[at] += begin[at - 1];
        }
        let mut next = begin.clone();
        let mut from = vec![(0, 0); begin.last().copied().unwrap_or(0) as usize];
        for (node, edges) in graph.edges.iter().enumerate() {
            for (index, edge) in edges.iter().enumerate() {
                let place = &mut next[edge.to as usize];
                from[*place as usize] = (node as NodeId, index as u32);
                *place += 1;
            }
        }
        let mut joints: Vec<Vec<u32>> = vec![Vec::new(); graph.things.len()];
        for (index, joint) in graph.joints.iter().enumerate().filter(|(_, joint)| joint.lives) {
            joints[joint.edge.to as usize].push(index as u32);
        }
        Self { begin, from, joints }
    }

    pub(super) fn onto(&self, node: NodeId) -> &[(NodeId, u32)] {
        &self.from[self.begin[node as usize] as usize..self.begin[node as usize + 1] as usize]
    }
}

type Queue = BinaryHeap<Reverse<(Cost, NodeId)>>;

/// What is left to do from each node to goals at least: as if any part of a joint were enough. With `certain` only ways without
/// assumptions count. Costs O(e log e) in edges and parts of joints.
pub(super) fn bounds(graph: &Graph<'_>, back: &Backwards, goals: &[NodeId], certain: bool) -> Vec<Cost> {
    let mut bound = vec![FAR; graph.things.len()];
    let mut queue = Queue::new();
    for goal in goals {
        bound[*goal as usize] = 0;
        queue.push(Reverse((0, *goal)));
    }
    while let Some(Reverse((at, node))) = queue.pop() {
        if at > bound[node as usize] {
            continue;
        }
        let edges = back
            .onto(node)
            .iter()
            .map(|(from, index)| (*from, weight(graph, &graph.edges[*from as usize][*index as usize])));
        let joints = back.joints[node as usize].iter().flat_map(|joint| {
            let joint = &graph.joints[*joint as usize];
            let own = weight(graph, &joint.edge);
            joint.parts.iter().map(move |part| (*part, own))
        });
        for (from, own) in edges.chain(joints) {
            let new = at.saturating_add(own);
            if (!certain || own < ASSUMED) && new < bound[from as usize] {
                bound[from as usize] = new;
                queue.push(Reverse((new, from)));
            }
        }
    }
    bound
}

/// What is reached from one node. It is used again for the next, so that nothing is cleared.
#[derive(Debug, Default)]
pub(super) struct Walk {
    cost: Vec<Cost>,
    from: Vec<From>,
    seen: Vec<u32>,
    done: Vec<u32>,
    left: Vec<(u32, u32)>,
    round: u32,
    start: NodeId,
}

impl Walk {
    fn begin(&mut self, graph: &Graph<'_>) {
        let count = graph.things.len();
        self.cost.resize(count, FAR);
        self.from.resize(count, From::Nothing);
        self.seen.resize(count, 0);
        self.done.resize(count, 0);
        self.left.resize(graph.joints.len(), (0, 0));
        self.round += 1;
    }

    fn offer(&mut self, node: NodeId, cost: Cost, from: From, bound: Cost, queue: &mut Queue) {
        let at = node as usize;
        if bound != FAR && (self.seen[at] != self.round || cost < self.cost[at]) {
            self.seen[at] = self.round;
            self.cost[at] = cost;
            self.from[at] = from;
            queue.push(Reverse((cost.saturating_add(bound), node)));
        }
    }

    /// Walks from a node, calling `visit` for each thing with its cost until it says that it is enough: in the order of costs and of what
    /// `bound` says is left to do at least, which must come from [`bounds`] with the same `certain` or be nothing everywhere.
    pub(super) fn run(
        &mut self,
        graph: &Graph<'_>,
        start: NodeId,
        certain: bool,
        bound: impl Fn(NodeId) -> Cost,
        mut visit: impl FnMut(NodeId, Cost) -> bool,
    ) {
        self.begin(graph);
        self.start = start;
        let mut queue = Queue::new();
        self.offer(start, 0, From::Nothing, bound(start), &mut queue);
        while let Some(Reverse((_, node))) = queue.pop() {
            let at = node as usize;
            if self.done[at] == self.round {
                continue;
            }
            self.done[at] = self.round;
            let cost = self.cost[at];
            if visit(node, cost) {
                return;
            }
            for (index, edge) in graph.edges[at].iter().enumerate() {
                let own = weight(graph, edge);
                if !certain || own < ASSUMED {
                    let from = From::Edge(node, index as u32);
                    self.offer(edge.to, cost.saturating_add(own), from, bound(edge.to), &mut queue);
                }
            }
            for joint in &graph.part_of[at] {
                let all = &graph.joints[*joint as usize];
                let own = weight(graph, &all.edge);
                if !all.lives || (certain && own >= ASSUMED) {
                    continue;
                }
                let (round, left) = self.left[*joint as usize];
                let left = if round == self.round { left } else { all.parts.len() as u32 } - 1;
                self.left[*joint as usize] = (self.round, left);
                if left == 0 {
                    let dearest =
                        all.parts.iter().map(|part| self.cost[*part as usize]).max().unwrap_or(cost);
                    let new = dearest.saturating_add(own);
                    self.offer(all.edge.to, new, From::Joint(*joint), bound(all.edge.to), &mut queue);
                }
            }
        }
    }

    /// How the last walk came to a node: all that is needed for it, each after what it needs. Of the parts of a joint the dearest is come
    /// to first; the others begin where its way leads through, if that takes fewer hops and makes the whole no dearer.
    pub(super) fn way(&self, graph: &Graph<'_>, back: &Backwards, goal: NodeId) -> Vec<(NodeId, From)> {
        let mut trace =
            Trace { walk: self, graph, back, start: self.start, way: Vec::new(), had: HashMap::new() };
        trace.derive(goal);
        trace.way
    }
}

/// A way that is being put together.
struct Trace<'t, 'p> {
    walk: &'t Walk,
    graph: &'t Graph<'p>,
    back: &'t Backwards,
    start: NodeId,
    way: Vec<(NodeId, From)>,
    /// What is on it, and its cost there.
    had: HashMap<NodeId, Cost>,
}

/// The most nodes that are gone back over for a shorter way to a part.
const NEAR: usize = 5000;

impl Trace<'_, '_> {
    fn take(&mut self, node: NodeId, from: From, cost: Cost) {
        self.had.insert(node, cost);
        self.way.push((node, from));
    }

    fn derive(&mut self, goal: NodeId) {
        // Down to what is had, by edges; then up again.
        let (mut steps, mut at) = (Vec::new(), goal);
        while !self.had.contains_key(&at) {
            let from = self.walk.from[at as usize];
            steps.push((at, from));
            match from {
                From::Edge(before, _) => at = before,
                From::Nothing | From::Joint(_) => break,
            }
        }
        for (node, from) in steps.into_iter().rev() {
            if let From::Joint(joint) = from {
                self.derive_parts(joint);
            }
            // A part may have led through here.
            if !self.had.contains_key(&node) {
                self.take(node, from, self.walk.cost[node as usize]);
            }
        }
    }

    fn derive_parts(&mut self, joint: u32) {
        let mut parts = self.graph.joints[joint as usize].parts.clone();
        parts.sort_by_key(|part| (Reverse(self.walk.cost[*part as usize]), *part));
        let within = parts.first().map_or(0, |part| self.walk.cost[*part as usize]);
        for part in parts {
            if self.had.contains_key(&part) {
                continue;
            }
            match self.near(part, within, self.own_hops(part)) {
                Some(path) => {
                    for (before, index) in path {
                        let edge = &self.graph.edges[before as usize][index as usize];
                        let cost = self.had.get(&before).copied().unwrap_or(0);
                        let cost = cost.saturating_add(weight(self.graph, edge));
                        if !self.had.contains_key(&edge.to) {
                            self.take(edge.to, From::Edge(before, index), cost);
                        }
                    }
                }
                None => self.derive(part),
            }
        }
    }

    /// How many hops it takes to come to a node that the way does not have.
    fn own_hops(&self, node: NodeId) -> Cost {
        let (mut todo, mut seen, mut hops) = (vec![node], HashSet::new(), 0);
        while let Some(node) = todo.pop() {
            if self.had.contains_key(&node) || !seen.insert(node) {
                continue;
            }
            match self.walk.from[node as usize] {
                From::Nothing => {}
                From::Edge(before, index) => {
                    hops += self.hop(before, index);
                    todo.push(before);
                }
                From::Joint(joint) => {
                    hops += 1;
                    todo.extend(&self.graph.joints[joint as usize].parts);
                }
            }
        }
        hops
    }

    /// Whether an edge is a hop that is told: a row, or another part of something that the way went through for one part already.
    fn hop(&self, before: NodeId, index: u32) -> Cost {
        let edge = &self.graph.edges[before as usize][index as usize];
        let again = self.had.contains_key(&before) && before != self.start && is_told(self.graph, edge.to);
        Cost::from(edge.row != PART_OF || again)
    }

    /// A way by edges to a node from what is had, with fewer than so many hops and no dearer than `within`.
    fn near(&self, part: NodeId, within: Cost, fewer: Cost) -> Option<Vec<(NodeId, u32)>> {
        let mut cost: HashMap<NodeId, (Cost, NodeId, u32)> = HashMap::new();
        let mut queue = Queue::new();
        cost.insert(part, (0, part, 0));
        queue.push(Reverse((0, part)));
        let mut seen = 0;
        while let Some(Reverse((at, node))) = queue.pop() {
            if at > cost.get(&node)?.0 {
                continue;
            }
            seen += 1;
            if seen > NEAR || at & (ASSUMED - 1) >= fewer || at > within {
                return None;
            }
            if self.had.get(&node).is_some_and(|had| had.saturating_add(at) <= within) {
                let (mut path, mut node) = (Vec::new(), node);
                let mut hops = 0;
                while node != part {
                    let (_, to, index) = *cost.get(&node)?;
                    hops += self.hop(node, index);
                    path.push((node, index));
                    node = to;
                }
                return (hops < fewer).then_some(path);
            }
            for (before, index) in self.back.onto(node) {
                let own = weight(self.graph, &self.graph.edges[*before as usize][*index as usize]);
                let new = at.saturating_add(own);
                if cost.get(before).is_none_or(|(known, ..)| new < *known) {
                    cost.insert(*before, (new, node, *index));
                    queue.push(Reverse((new, *before)));
                }
            }
        }
        None
    }
}
