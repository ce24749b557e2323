//! Walks through the graph.
//!
//! The cost of a way is first the number of assumptions on it, then its length: the number of rows that follow on one another. Of ways that meet in
//! a joint the dearer counts. So a proof that assumes nothing is always found before one that does, and among those the one with the fewest hops
//! in a line. Costs only grow along a way, so the first way by which a thing is reached is the best (D. Knuth's generalization of Dijkstra's
//! algorithm to joints).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::graph::{Edge, Graph, NodeId, PART_OF};

/// Assumptions in the upper half, hops in the lower.
pub(super) type Cost = u32;

/// The cost of what is not reached.
pub(super) const FAR: Cost = Cost::MAX;

/// One assumption.
const ASSUMED: Cost = 1 << 16;

/// A cost that no joint beats: something must be gained first, then joined.
const CHEAP: Cost = 2;

/// Assumptions and hops of a cost.
pub(super) const fn parts_of(cost: Cost) -> (usize, usize) {
    ((cost >> 16) as usize, (cost & 0xffff) as usize)
}

fn weight(graph: &Graph<'_>, edge: &Edge) -> Cost {
    let assumed = graph.assumptions[usize::from(edge.assumes)].len() as Cost;
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

/// The best ways to goals from everywhere, by edges alone.
#[derive(Clone, Debug)]
pub(super) struct Routes {
    pub(super) cost: Vec<Cost>,
    /// The first edge of the way.
    pub(super) next: Vec<u32>,
    /// Nodes from which a goal, or a part of a joint that leads to one, may be reached.
    pub(super) useful: Vec<bool>,
    /// Whether any joint leads to a goal.
    pub(super) has_joints: bool,
}

/// Edges backwards.
struct Backwards {
    begin: Vec<u32>,
    from: Vec<(NodeId, u32)>,
}

impl Backwards {
    fn of(graph: &Graph<'_>) -> Self {
        let mut begin = vec![0u32; graph.things.len() + 1];
        for edges in &graph.edges {
            for edge in edges {
                begin[edge.to as usize + 1] += 1;
            }
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
        Self { begin, from }
    }

    fn onto(&self, node: NodeId) -> &[(NodeId, u32)] {
        &self.from[self.begin[node as usize] as usize..self.begin[node as usize + 1] as usize]
    }
}

impl Routes {
    /// Costs O(e log e) in the graph's edges.
    pub(super) fn to(graph: &Graph<'_>, goals: &[NodeId]) -> Self {
        let back = Backwards::of(graph);
        let count = graph.things.len();
        let (mut cost, mut next) = (vec![FAR; count], vec![u32::MAX; count]);
        let mut queue = BinaryHeap::new();
        for goal in goals {
            cost[*goal as usize] = 0;
            queue.push(Reverse((0, *goal)));
        }
        while let Some(Reverse((at, node))) = queue.pop() {
            if at > cost[node as usize] {
                continue;
            }
            for (from, index) in back.onto(node) {
                let edge = &graph.edges[*from as usize][*index as usize];
                let own = weight(graph, edge);
                let new = at.saturating_add(own);
                let known = &mut cost[*from as usize];
                // Of equal ways the one by the first edge; one that costs nothing might lead in a circle.
                let equal = new == *known && own > 0 && new != FAR;
                if new < *known || (equal && *index < next[*from as usize]) {
                    let better = new < *known;
                    *known = new;
                    next[*from as usize] = *index;
                    if better {
                        queue.push(Reverse((new, *from)));
                    }
                }
            }
        }
        let mut useful = vec![false; count];
        let mut todo: Vec<NodeId> = goals.to_vec();
        let mut heads: Vec<Vec<u32>> = vec![Vec::new(); count];
        for (index, joint) in graph.joints.iter().enumerate().filter(|(_, joint)| joint.lives) {
            heads[joint.edge.to as usize].push(index as u32);
        }
        let mut has_joints = false;
        while let Some(node) = todo.pop() {
            if std::mem::replace(&mut useful[node as usize], true) {
                continue;
            }
            todo.extend(back.onto(node).iter().map(|(from, _)| *from));
            for joint in &heads[node as usize] {
                has_joints = true;
                todo.extend(&graph.joints[*joint as usize].parts);
            }
        }
        Self { cost, next, useful, has_joints }
    }

    /// The way from a node, as how each node on it was reached; the goal is last.
    pub(super) fn way(&self, graph: &Graph<'_>, start: NodeId) -> Vec<(NodeId, From)> {
        let mut way = vec![(start, From::Nothing)];
        let mut node = start;
        while self.cost[node as usize] != 0 || self.next[node as usize] != u32::MAX {
            let index = self.next[node as usize];
            let Some(edge) = graph.edges[node as usize].get(index as usize) else { break };
            way.push((edge.to, From::Edge(node, index)));
            node = edge.to;
            if way.len() > graph.things.len() {
                break;
            }
        }
        way
    }

    /// Whether a way by joints might be better than that by edges alone.
    pub(super) fn may_improve(&self, start: NodeId) -> bool {
        self.has_joints && self.useful[start as usize] && self.cost[start as usize] > CHEAP
    }
}

/// What is reached from one node. It is used again for the next, so that nothing is cleared.
pub(super) struct Walk {
    cost: Vec<Cost>,
    from: Vec<From>,
    seen: Vec<u32>,
    done: Vec<u32>,
    left: Vec<(u32, u32)>,
    round: u32,
}

impl Walk {
    pub(super) fn new() -> Self {
        Self {
            cost: Vec::new(),
            from: Vec::new(),
            seen: Vec::new(),
            done: Vec::new(),
            left: Vec::new(),
            round: 0,
        }
    }

    fn begin(&mut self, graph: &Graph<'_>) {
        let count = graph.things.len();
        self.cost.resize(count, FAR);
        self.from.resize(count, From::Nothing);
        self.seen.resize(count, 0);
        self.done.resize(count, 0);
        self.left.resize(graph.joints.len(), (0, 0));
        self.round += 1;
    }

    fn offer(
        &mut self,
        node: NodeId,
        cost: Cost,
        from: From,
        queue: &mut BinaryHeap<Reverse<(Cost, NodeId)>>,
    ) {
        let at = node as usize;
        if self.seen[at] != self.round || cost < self.cost[at] {
            self.seen[at] = self.round;
            self.cost[at] = cost;
            self.from[at] = from;
            queue.push(Reverse((cost, node)));
        }
    }

    /// Walks from a node, calling `visit` for each thing in the order of costs, until it says that it is enough. Only things for which `through` says
    /// so are gone through, and only what costs less than `limit`.
    pub(super) fn run(
        &mut self,
        graph: &Graph<'_>,
        start: NodeId,
        limit: Cost,
        through: impl Fn(NodeId) -> bool,
        mut visit: impl FnMut(NodeId, Cost) -> bool,
    ) {
        self.begin(graph);
        let mut queue = BinaryHeap::new();
        self.offer(start, 0, From::Nothing, &mut queue);
        while let Some(Reverse((cost, node))) = queue.pop() {
            let at = node as usize;
            if self.done[at] == self.round || cost > self.cost[at] {
                continue;
            }
            self.done[at] = self.round;
            if visit(node, cost) {
                return;
            }
            for (index, edge) in graph.edges[at].iter().enumerate() {
                let new = cost.saturating_add(weight(graph, edge));
                if new < limit && through(edge.to) {
                    self.offer(edge.to, new, From::Edge(node, index as u32), &mut queue);
                }
            }
            for joint in &graph.part_of[at] {
                let all = &graph.joints[*joint as usize];
                if !all.lives {
                    continue;
                }
                let (round, left) = self.left[*joint as usize];
                let left = if round == self.round { left } else { all.parts.len() as u32 } - 1;
                self.left[*joint as usize] = (self.round, left);
                if left == 0 {
                    // The last part is the dearest.
                    let new = cost.saturating_add(weight(graph, &all.edge));
                    if new < limit && through(all.edge.to) {
                        self.offer(all.edge.to, new, From::Joint(*joint), &mut queue);
                    }
                }
            }
        }
    }

    /// How the last walk came to a node: all that is needed for it, each after what it needs.
    pub(super) fn way(&self, graph: &Graph<'_>, goal: NodeId) -> Vec<(NodeId, From)> {
        let (mut way, mut seen) = (Vec::new(), std::collections::HashSet::new());
        // Twice on the stack: to go down, and to be put down.
        let mut stack = vec![(goal, false)];
        while let Some((node, ready)) = stack.pop() {
            if ready {
                way.push((node, self.from[node as usize]));
                continue;
            }
            if !seen.insert(node) {
                continue;
            }
            stack.push((node, true));
            match self.from[node as usize] {
                From::Nothing => {}
                From::Edge(from, _) => stack.push((from, false)),
                From::Joint(joint) => {
                    let parts = graph.joints[joint as usize].parts.iter().rev();
                    stack.extend(parts.map(|part| (*part, false)));
                }
            }
        }
        way
    }
}
