//! The grants on some way from every node to a target: not always the shortest way, but found for all at little cost.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;

use super::graph::{Graph, NodeId};
use super::reach::Opened;
use super::search::{Backwards, Cost, FAR, weight};

/// The grants on a way, sorted.
pub(super) type Grants = Rc<[(u32, u32)]>;

/// The first step of a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Nothing,
    Edge(u32),
    Way(u32),
}

/// Ways to goals from everywhere.
pub(super) struct Ways<'w, 'p> {
    graph: &'w Graph<'p>,
    back: &'w Backwards,
    opened: &'w Opened,
    cost: Vec<Cost>,
    next: Vec<Next>,
    by_node: Vec<Option<Grants>>,
    by_way: Vec<Option<Grants>>,
    /// Which nodes were come back to in which search, and by which step.
    seen: Vec<(u32, NodeId, Next)>,
    search: u32,
}

impl<'w, 'p> Ways<'w, 'p> {
    /// Costs O(e log e) in the graph's edges.
    pub(super) fn to(
        graph: &'w Graph<'p>,
        back: &'w Backwards,
        opened: &'w Opened,
        goals: &[NodeId],
    ) -> Self {
        let count = graph.things.len();
        let (mut cost, mut next) = (vec![FAR; count], vec![Next::Nothing; count]);
        let mut queue = BinaryHeap::new();
        for goal in goals {
            cost[*goal as usize] = 0;
            queue.push(Reverse((0, *goal)));
        }
        while let Some(Reverse((at, node))) = queue.pop() {
            if at > cost[node as usize] {
                continue;
            }
            let edges = back.onto(node).iter().map(|(from, index)| {
                let own = weight(graph, &graph.edges[*from as usize][*index as usize]);
                (*from, own, Next::Edge(*index))
            });
            let ways = opened.onto[node as usize].iter().map(|index| {
                let way = &opened.ways[*index as usize];
                (way.from, weight(graph, &graph.joints[way.joint as usize].edge) + 1, Next::Way(*index))
            });
            for (from, own, step) in edges.chain(ways) {
                let new = at.saturating_add(own);
                if new < cost[from as usize] {
                    cost[from as usize] = new;
                    next[from as usize] = step;
                    queue.push(Reverse((new, from)));
                }
            }
        }
        Self {
            graph,
            back,
            opened,
            cost,
            next,
            by_node: vec![None; count],
            by_way: vec![None; opened.ways.len()],
            seen: vec![(0, 0, Next::Nothing); count],
            search: 0,
        }
    }

    /// The grants on ways from a node, one way for each first step that leads to a goal; none if it leads to none.
    pub(super) fn from(&mut self, node: NodeId) -> Vec<Grants> {
        if self.cost[node as usize] == 0 && self.next[node as usize] == Next::Nothing {
            return vec![Rc::from([])];
        }
        let mut all = Vec::new();
        for index in 0..self.graph.edges[node as usize].len() {
            let edge = self.graph.edges[node as usize][index];
            // A way that leads back here is not one that begins with this step.
            if self.cost[edge.to as usize] != FAR && !self.leads_back(edge.to, node) {
                let rest = self.of(edge.to);
                all.push(union([&self.of_edge(node, index as u32), &rest]));
            }
        }
        if let Next::Way(_) = self.next[node as usize] {
            all.push(self.of(node));
        }
        all.sort();
        all.dedup();
        all
    }

    fn leads_back(&self, mut node: NodeId, to: NodeId) -> bool {
        loop {
            if node == to {
                return true;
            }
            node = match self.next[node as usize] {
                Next::Nothing => return false,
                Next::Edge(index) => self.graph.edges[node as usize][index as usize].to,
                Next::Way(index) => self.head(index),
            };
        }
    }

    fn head(&self, way: u32) -> NodeId {
        self.graph.joints[self.opened.ways[way as usize].joint as usize].edge.to
    }

    fn of_edge(&self, node: NodeId, index: u32) -> Grants {
        let edge = &self.graph.edges[node as usize][index as usize];
        let grounds = &self.graph.grounds[edge.grounds.0 as usize..edge.grounds.1 as usize];
        let mut grants: Vec<(u32, u32)> = grounds.iter().filter_map(|ground| ground.grant).collect();
        grants.sort_unstable();
        grants.dedup();
        grants.into()
    }

    /// The grants on the way from a node.
    fn of(&mut self, node: NodeId) -> Grants {
        let (mut steps, mut at) = (Vec::new(), node);
        let mut grants = loop {
            if let Some(known) = &self.by_node[at as usize] {
                break known.clone();
            }
            let step = self.next[at as usize];
            let to = match step {
                Next::Nothing => break Rc::from([]),
                Next::Edge(index) => self.graph.edges[at as usize][index as usize].to,
                Next::Way(index) => self.head(index),
            };
            steps.push((at, step));
            at = to;
        };
        for (at, step) in steps.into_iter().rev() {
            let own = self.of_step(at, step);
            grants = union([&own, &grants]);
            self.by_node[at as usize] = Some(grants.clone());
        }
        grants
    }

    fn of_step(&mut self, node: NodeId, step: Next) -> Grants {
        match step {
            Next::Nothing => Rc::from([]),
            Next::Edge(index) => self.of_edge(node, index),
            Next::Way(index) => self.of_way(index),
        }
    }

    /// The grants by which the parts of a joint are reached, and its own.
    fn of_way(&mut self, index: u32) -> Grants {
        if let Some(known) = &self.by_way[index as usize] {
            return known.clone();
        }
        let way = self.opened.ways[index as usize];
        let joint = &self.graph.joints[way.joint as usize];
        let (begin, end) = joint.edge.grounds;
        let grounds = &self.graph.grounds[begin as usize..end as usize];
        let mut all: Vec<(u32, u32)> = grounds.iter().filter_map(|ground| ground.grant).collect();
        for part in joint.parts.clone() {
            for (node, step) in self.path(way.from, part, way.round) {
                all.extend(self.of_step(node, step).iter());
            }
        }
        all.sort_unstable();
        all.dedup();
        let grants: Grants = all.into();
        self.by_way[index as usize] = Some(grants.clone());
        grants
    }

    /// The steps from a node to another, by edges and by ways that were open before a round.
    fn path(&mut self, from: NodeId, to: NodeId, round: u32) -> Vec<(NodeId, Next)> {
        self.search += 1;
        let mut todo = std::collections::VecDeque::from([to]);
        self.seen[to as usize] = (self.search, to, Next::Nothing);
        while let Some(node) = todo.pop_front() {
            if node == from {
                break;
            }
            let edges = self.back.onto(node).iter().map(|(from, index)| (*from, Next::Edge(*index)));
            let ways = self.opened.onto[node as usize].iter().filter_map(|index| {
                let way = &self.opened.ways[*index as usize];
                (way.round < round).then_some((way.from, Next::Way(*index)))
            });
            for (before, step) in edges.chain(ways) {
                if self.seen[before as usize].0 != self.search {
                    self.seen[before as usize] = (self.search, node, step);
                    todo.push_back(before);
                }
            }
        }
        let (mut path, mut at) = (Vec::new(), from);
        while at != to {
            let (search, next, step) = self.seen[at as usize];
            if search != self.search {
                // It cannot be reached, which the joint says it can.
                break;
            }
            path.push((at, step));
            at = next;
        }
        path
    }
}

fn union<const N: usize>(sets: [&Grants; N]) -> Grants {
    let mut all: Vec<(u32, u32)> = sets.into_iter().flat_map(|set| set.iter().copied()).collect();
    all.sort_unstable();
    all.dedup();
    all.into()
}
