//! Who reaches whom: what a user asks of the network ring.
//!
//! | module | answers |
//! |---|---|
//! | [`list`](mod@list) | all connections, grouped: few lines, whatever the number of pods |
//! | [`reach`] | one connection: each side's verdict, what decides, the nearest miss |
//! | [`change`] | the least policy that would let a connection pass |
//! | [`diff`](mod@diff) | what two sets of manifests allow that differs |
//! | [`policies`] | each policy: whom it selects, what it lets pass, in words |
//! | [`exposure`](mod@exposure) | what is open to the outside, to the whole cluster, to pods that are yet to come |
//! | [`flows`] | what was seen, as what is needed |
//! | [`needs`] | what workloads need, as their manifests declare it |
//! | [`generate`](mod@generate) | default deny, and the least policies that keep what is needed |
//! | [`parties`] | the ends of connections, and short names for sets of them |
//!
//! All of it is asked of one [`Network`], which is built once a snapshot.

pub mod change;
pub mod diff;
mod dns;
pub mod exposure;
mod eyes;
pub mod flows;
pub mod generate;
pub(crate) mod lint;
pub mod list;
pub mod miss;
pub mod needs;
pub mod parties;
pub mod policies;
pub mod reach;
pub mod resolve;
pub mod words;

use std::sync::OnceLock;

use ringwall_model::finding::{Location, Problem};
use ringwall_model::snapshot::Snapshot;
use ringwall_model::workload::CustomKind;
use ringwall_network::cluster::Cluster;
use ringwall_network::engine::{Engine, Matrix, Options};
use ringwall_network::entries::{Entry, entries};
use ringwall_network::services::Services;

use crate::network::eyes::Eyes;
use crate::network::parties::Parties;

/// A snapshot with the eyes of the network ring.
#[derive(Debug)]
pub struct Network<'s> {
    /// The objects.
    pub snapshot: &'s Snapshot,
    /// Pods, namespaces, nodes and policies.
    pub cluster: Cluster,
    /// The answers for all pairs.
    pub engine: Engine,
    /// Services, and the pods behind them.
    pub services: Services,
    /// What the outside is led to.
    pub entries: Vec<Entry>,
    /// The ends of connections.
    pub parties: Parties,
    matrix: OnceLock<Matrix>,
}

impl<'s> Network<'s> {
    /// Reads a snapshot; `custom` are further kinds with pod templates. Costs what [`Engine::new`] costs, and a pass over the objects.
    pub fn of(snapshot: &'s Snapshot, custom: &[CustomKind]) -> Self {
        let cluster = Cluster::of(snapshot, custom);
        let engine = Engine::new(&cluster, Options::default());
        let services = Services::of(snapshot, &cluster);
        let entries = entries(snapshot, &cluster, &services);
        let parties = Parties::of(&cluster, &engine);
        Self { snapshot, cluster, engine, services, entries, parties, matrix: OnceLock::new() }
    }

    /// The connections of all pairs of classes; computed when they are first asked for, at what [`Engine::matrix`] costs.
    pub fn matrix(&self) -> &Matrix {
        self.matrix.get_or_init(|| self.engine.matrix())
    }

    /// What the API server would refuse in policies and Services. The rest of these is judged; what is refused matches nothing.
    pub fn problems(&self) -> Vec<Problem> {
        let refusals = self.cluster.refusals.iter().chain(&self.services.refusals);
        let mut problems: Vec<Problem> = refusals
            .map(|(index, refusal)| {
                let object = &self.snapshot.all()[*index];
                let location = Location::at(object, refusal.span);
                Problem {
                    file: location.file,
                    position: Some(location.position),
                    message: format!("{}: {}", refusal.path, refusal.message),
                    object: Some(object.id.clone()),
                }
            })
            .collect();
        problems.sort();
        problems
    }

    pub(crate) const fn eyes(&self) -> Eyes<'_> {
        Eyes { snapshot: self.snapshot, cluster: &self.cluster }
    }
}
