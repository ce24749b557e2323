//! The answers of np-guard's netpol-analyzer, for who compares with it or reads its output by machine.
//!
//! np-guard answers for workloads and not for pods, and rules otherwise than the APIs in a few matters. All of them are decided here
//! and nowhere else; the rules themselves are judged by [`crate::engine`]:
//! - A workload is known by the name of the controller that its pods state, and its first pod stands for all of them.
//! - Addresses are those of IPv4 outside of the cluster, cut where a block of any policy for that direction begins or ends. No block
//!   holds a pod, and no pod is on the network of its node, finished, or reached by its node anyhow.
//! - What Ingresses and Routes lead to is reached by `{ingress-controller}`, a pod without labels in a namespace of its own.
//! - A workload has no connection with itself.
//!
//! Held against github.com/np-guard/netpol-analyzer at commit e54a33430edb.

mod connection;
mod diff;
mod entries;
mod exposure;
mod text;
mod view;

use std::collections::HashMap;
use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

use ringwall_model::address::{Address, Family};
use ringwall_model::snapshot::Snapshot;

use crate::cluster::Cluster;
use crate::engine::{Engine, Options};
use crate::policy::Direction;
use crate::port::Port;
use crate::port_set::PortSet;

pub use connection::Connection;
pub use diff::{Change, ChangeKind, diff};
pub use exposure::{Exposure, Unprotected};
pub use text::{DIFF_SIDES, Format, write_diff, write_exposure, write_list};

use entries::Entry;
use view::View;

/// One end of a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Party {
    /// A workload, by namespace, name and kind.
    Workload {
        /// Its namespace.
        namespace: String,
        /// Its name: that of the controller, or of a pod without.
        name: String,
        /// The kind of what has the name.
        kind: String,
    },
    /// Addresses outside of the cluster: the first and the last.
    Range(Ipv4Addr, Ipv4Addr),
    /// What brings requests to Ingresses and Routes.
    IngressController,
    /// All pods that may come to the cluster, or those of them that selectors describe. Only an exposure has these.
    Potential(String),
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workload { namespace, name, kind } => write!(f, "{namespace}/{name}[{kind}]"),
            Self::Range(first, last) => write!(f, "{first}-{last}[External]"),
            Self::IngressController => f.write_str("{ingress-controller}"),
            Self::Potential(text) => f.write_str(text),
        }
    }
}

impl Party {
    /// Whether it is the workload that a user names, as `name` or as `namespace/name`.
    fn is_named(&self, wanted: &str) -> bool {
        match self {
            Self::Workload { namespace, name, .. } => match wanted.split_once('/') {
                Some((place, rest)) => place == namespace && rest == name,
                None => wanted == name,
            },
            Self::IngressController => wanted == view::CONTROLLER,
            Self::Range(..) | Self::Potential(_) => false,
        }
    }
}

/// A connection that is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Who sends.
    pub source: Arc<Party>,
    /// Who receives.
    pub destination: Arc<Party>,
    /// The ports.
    pub connection: Arc<Connection>,
}

/// Sorts as np-guard does, by what the ends read like; first by the end that `key` gives.
fn sort(rows: &mut [Row], by_source: bool) {
    rows.sort_by_cached_key(|row| {
        let (source, destination) = (row.source.to_string(), row.destination.to_string());
        if by_source { (source, destination) } else { (destination, source) }
    });
}

/// What a user looks at.
#[derive(Clone, Debug, Default)]
pub struct Focus {
    /// Workloads of which one must be an end, as `name` or `namespace/name`; none for all.
    pub workloads: Vec<String>,
    /// Workloads of which the other end must be one; none for all.
    pub others: Vec<String>,
    /// Whether the workloads must receive or send.
    pub direction: Option<Direction>,
    /// The only port that counts.
    pub port: Option<Port>,
}

impl Focus {
    fn is_in(list: &[String], party: &Party) -> bool {
        list.is_empty() || list.iter().any(|name| party.is_named(name))
    }

    /// Whether the party is one that is looked at.
    fn on(&self, party: &Party) -> bool {
        Self::is_in(&self.workloads, party)
    }

    fn has(&self, source: &Party, destination: &Party) -> bool {
        let other = |party| self.workloads.is_empty() || Self::is_in(&self.others, party);
        match self.direction {
            Some(Direction::Ingress) if !self.on(destination) => false,
            Some(Direction::Egress) if !self.on(source) => false,
            _ => (self.on(source) && other(destination)) || (self.on(destination) && other(source)),
        }
    }

    /// What is shown of a connection: all of it, or the port that counts, if it is in it.
    fn part(&self, connection: &Arc<Connection>) -> Option<Arc<Connection>> {
        let Some(port) = self.port else { return Some(Arc::clone(connection)) };
        let port = Connection::one(port);
        connection.holds(&port).then(|| Arc::new(port))
    }

    /// The row of a connection, if anything of it is shown.
    fn row(
        &self,
        source: &Arc<Party>,
        destination: &Arc<Party>,
        connection: &Arc<Connection>,
    ) -> Option<Row> {
        let connection = self.part(connection).filter(|connection| !connection.is_empty())?;
        Some(Row { source: Arc::clone(source), destination: Arc::clone(destination), connection })
    }
}

/// What np-guard has to say of a set of manifests.
#[derive(Debug)]
pub struct Analysis<'s> {
    snapshot: &'s Snapshot,
    view: View,
    engine: Engine,
    entries: Vec<Entry>,
}

impl<'s> Analysis<'s> {
    /// Looks at a cluster with np-guard's eyes. Costs what [`Engine::new`] costs.
    pub fn new(snapshot: &'s Snapshot, cluster: &Cluster) -> Self {
        let view = View::of(snapshot, cluster);
        let engine = Engine::new(&view.cluster, Options { pods_by_address: false });
        let entries = entries::find(snapshot, &view);
        Self { snapshot, view, engine, entries }
    }

    /// The workloads, by name.
    pub fn workloads(&self) -> impl Iterator<Item = &Party> {
        self.view.peers.iter().map(|peer| &*peer.party)
    }

    /// All connections that are allowed, by sender and receiver. Costs the rows, and a look at each workload for each class of them.
    pub fn list(&self, focus: &Focus) -> Vec<Row> {
        let mut rows = Vec::new();
        if !self.can_look_at(&focus.workloads)
            || (!focus.workloads.is_empty() && !self.can_look_at(&focus.others))
        {
            return rows;
        }
        let destinations = self.ends(&self.view.destinations);
        let outside = |party: &Party| matches!(party, Party::Range(..));
        let mut by_class: HashMap<Option<u32>, Vec<(usize, Arc<Connection>)>> = HashMap::new();
        for (source, from) in self.ends(&self.view.sources) {
            // What a sender reaches is what all of its class reach.
            let reached = by_class.entry(from).or_insert_with(|| self.reached(from, &destinations));
            for (index, connection) in reached {
                let destination = &destinations[*index].0;
                if source != *destination
                    && !(outside(&source) && outside(destination))
                    && focus.has(&source, destination)
                {
                    rows.extend(focus.row(&source, destination, connection));
                }
            }
        }
        // It comes behind all letters.
        let controller = Arc::new(Party::IngressController);
        for entry in &self.entries {
            let destination = &self.view.peers[entry.peer].party;
            if focus.has(&controller, destination) {
                let pods = [self.view.controller, self.view.peers[entry.peer].pod];
                let [from, to] = pods.map(|pod| self.class(pod));
                let connection = Connection::of(&self.allowed(from, to).and(&entry.ports));
                rows.extend(focus.row(&controller, destination, &Arc::new(connection)));
            }
        }
        rows
    }

    /// The ends that a class reaches, by index.
    fn reached(
        &self,
        from: Option<u32>,
        ends: &[(Arc<Party>, Option<u32>)],
    ) -> Vec<(usize, Arc<Connection>)> {
        let mut known: HashMap<Option<u32>, Arc<Connection>> = HashMap::new();
        let mut reached = Vec::new();
        for (index, (_, to)) in ends.iter().enumerate() {
            let made = || Arc::new(Connection::of(&self.allowed(from, *to)));
            let connection = known.entry(*to).or_insert_with(made);
            if !connection.is_empty() {
                reached.push((index, Arc::clone(connection)));
            }
        }
        reached
    }

    /// Whether one of these is there.
    fn can_look_at(&self, names: &[String]) -> bool {
        names.is_empty()
            || names.iter().any(|name| {
                self.workloads().any(|party| party.is_named(name))
                    || (!self.entries.is_empty() && Party::IngressController.is_named(name))
            })
    }

    /// Ranges and workloads by what they read like, each with its class.
    fn ends(&self, ranges: &[(Ipv4Addr, Ipv4Addr)]) -> Vec<(Arc<Party>, Option<u32>)> {
        let ranges = ranges.iter().map(|(first, last)| {
            let class = self.engine.classes().of_address(Address::from(*first));
            (Arc::new(Party::Range(*first, *last)), Some(class))
        });
        let peers = self.view.peers.iter().map(|peer| (Arc::clone(&peer.party), self.class(peer.pod)));
        let mut ends: Vec<(Arc<Party>, Option<u32>)> = ranges.chain(peers).collect();
        ends.sort_by_cached_key(|(party, _)| party.to_string());
        ends
    }

    fn class(&self, pod: usize) -> Option<u32> {
        self.engine.classes().of_pod(pod, Family::V4)
    }

    fn allowed(&self, from: Option<u32>, to: Option<u32>) -> PortSet {
        match (from, to) {
            (Some(from), Some(to)) => self.engine.connection(from, to).yes,
            _ => PortSet::none(),
        }
    }
}
