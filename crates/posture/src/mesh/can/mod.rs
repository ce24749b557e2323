//! Whether a client may call a server: what becomes of the connection, which proxy asks the policies, and which rule decides.
//!
//! | module | does |
//! |---|---|
//! | [`parties`] | finds the client, the server and the ways between them |
//! | [`way`] | follows one way: what is sent, what is taken in, which proxies stand on it |
//! | [`waypoint`] | finds the waypoints on it, and asks them |
//! | [`judge`] | asks one proxy |
//! | [`managed`] | finds gateways whose pods istiod makes, and asks them |

mod judge;
mod managed;
mod parties;
mod way;
mod waypoint;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ringwall_mesh::authorization::policy::AuthorizationPolicy;
use ringwall_mesh::mesh::Mesh;
use ringwall_mesh::request_authentication::RequestAuthentication;
use ringwall_mesh::sends::{Outcome, Sends};
use ringwall_mesh::services::{Service, ServicePort};
use ringwall_model::address::Address;
use ringwall_model::finding::{Location, Verdict};
use ringwall_model::tree::Node;

use super::Meshed;

/// The token of a call.
#[derive(Clone, Copy, Debug, Default)]
pub enum AskedToken<'c> {
    /// None.
    #[default]
    Missing,
    /// One that must not be believed.
    Bad,
    /// One that holds, with these claims.
    Claims(Node<'c>),
}

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Call<'c> {
    /// `Kind/namespace/name` or `namespace/name` of a workload, or a principal, with or without `spiffe://`.
    pub client: &'c str,
    /// `namespace/name` of a workload or a Service, with or without its kind.
    pub server: &'c str,
    /// The port of the workload's containers, or of the Service.
    pub port: u16,
    /// The method.
    pub method: Option<&'c str>,
    /// The path, with its query.
    pub path: Option<&'c str>,
    /// The host.
    pub host: Option<&'c str>,
    /// Names and values of headers.
    pub headers: Vec<(&'c str, &'c str)>,
    /// The address that the connection comes from.
    pub source: Option<Address>,
    /// The token.
    pub token: AskedToken<'c>,
}

impl Call<'_> {
    /// Whether anything of it is about a request.
    fn is_http(&self) -> bool {
        self.method.is_some()
            || self.path.is_some()
            || self.host.is_some()
            || !self.headers.is_empty()
            || !matches!(self.token, AskedToken::Missing)
    }
}

/// A sentence and where what it says is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The sentence.
    pub what: String,
    /// The place.
    pub location: Option<Location>,
}

impl Told {
    fn plain(what: impl Into<String>) -> Self {
        Self { what: what.into(), location: None }
    }
}

/// Who asks the policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Backend {
    /// Nobody: there is no proxy, or the port goes past it.
    None,
    /// The sidecar, for requests.
    SidecarHttp,
    /// The sidecar, for bytes.
    SidecarTcp,
    /// The node's ztunnel.
    Ztunnel,
    /// A gateway.
    Gateway,
    /// A waypoint, for requests.
    Waypoint,
    /// A waypoint, for bytes.
    WaypointTcp,
}

impl Backend {
    /// Its name in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SidecarHttp => "sidecar-http",
            Self::SidecarTcp => "sidecar-tcp",
            Self::Ztunnel => "ztunnel",
            Self::Gateway => "gateway",
            Self::Waypoint => "waypoint",
            Self::WaypointTcp => "waypoint-tcp",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "nobody",
            Self::SidecarHttp => "the sidecar, which sees requests",
            Self::SidecarTcp => "the sidecar, which sees bytes",
            Self::Ztunnel => "ztunnel, which sees connections",
            Self::Gateway => "the gateway",
            Self::Waypoint => "the waypoint, and the server's proxy behind it",
            Self::WaypointTcp => "the waypoint, which sees bytes, and the server's proxy behind it",
        })
    }
}

/// What one proxy makes of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in few words.
    pub reason: String,
    /// What decides.
    pub because: Vec<Told>,
    /// The fields of the nearest ALLOW rule that failed.
    pub misses: Vec<Told>,
}

impl Judged {
    fn new(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self { verdict, reason: reason.into(), because: Vec::new(), misses: Vec::new() }
    }
}

/// One way that the call may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The client's name, or its principal.
    pub client: String,
    /// The server: `Kind namespace/name`.
    pub server: String,
    /// The port of its containers.
    pub port: u16,
    /// `namespace/name:port` of the Service that it goes by.
    pub service: Option<String>,
    /// What is sent, what is taken in and why.
    pub transport: Vec<Told>,
    /// What becomes of the connection; nothing where the client is but a principal.
    pub outcome: Option<Outcome>,
    /// Who the server's proxy takes the client for.
    pub identity: Option<String>,
    /// Who asks the policies.
    pub backend: Backend,
    /// What it makes of the call.
    pub judged: Judged,
    /// Other proxies that would say something else of the same policies.
    pub others: Vec<(Backend, Judged)>,
    /// What else there is to say.
    pub remarks: Vec<Told>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Can {
    /// The verdict: that of all ways where they agree.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// The ways.
    pub ways: Vec<Way>,
}

/// Who calls.
enum Client {
    Workload(usize),
    Principal(String),
}

/// The policies of a snapshot.
struct Policies {
    all: Vec<AuthorizationPolicy>,
    tokens: Vec<RequestAuthentication>,
}

/// A way before it is judged.
struct Leg<'m> {
    server: usize,
    target: u16,
    by: Option<By<'m>>,
    /// What the client sends, and why; nothing of a principal.
    sends: Option<(Sends, Told)>,
    /// Whether that goes through the tunnel.
    by_tunnel: bool,
}

/// The port of a Service by which a way goes.
#[derive(Clone, Copy)]
struct By<'m> {
    /// The Service, by its place in the mesh.
    index: usize,
    service: &'m Service,
    /// The port, by its place in the Service.
    place: usize,
    port: &'m ServicePort,
}

impl<'m> By<'m> {
    fn of(mesh: &'m Mesh, index: usize, place: usize) -> Self {
        let service = &mesh.services[index];
        Self { index, service, place, port: &service.ports[place] }
    }
}

impl Meshed<'_> {
    /// Whether the call is let in. Costs a look at all flows of the mesh and at all policies.
    ///
    /// # Errors
    /// A client or a server that the input does not hold, or several of the name.
    pub fn can(&self, call: &Call<'_>) -> Result<Can, String> {
        let client = self.client(call.client)?;
        let mut can = self.answer(&client, call)?;
        if let Some(namespace) = self.hangs_on(&client, call, &can)? {
            can.verdict = Verdict::CannotTell;
            can.reason = format!(
                "it depends on whether Namespace {namespace}, which is not in the input, asks for sidecars"
            );
        }
        Ok(can)
    }

    fn answer(&self, client: &Client, call: &Call<'_>) -> Result<Can, String> {
        let policies = self.authorizations();
        let ways: Vec<Way> = if let Some(gateway) = self.managed_gateway(call.server) {
            vec![self.to_managed(client, call, gateway, &policies)?]
        } else {
            let legs = self.legs(client, call)?;
            legs.iter().map(|leg| self.way(client, call, leg, &policies)).collect()
        };
        let first = ways.first().map(|way| (way.judged.verdict, way.judged.reason.clone()));
        let (verdict, reason) = match first {
            None => (
                Verdict::CannotTell,
                "no workload of the input is behind the Service on this port".to_owned(),
            ),
            Some((verdict, reason)) if ways.iter().all(|way| way.judged.verdict == verdict) => {
                (verdict, reason)
            }
            Some(_) => (Verdict::CannotTell, "it depends on which way the call takes".to_owned()),
        };
        Ok(Can { verdict, reason, ways })
    }

    /// A Namespace that is not in the input and whose labels would change the answer: it is asked for again with sidecars in the one, the other and
    /// both of the client's and the servers'.
    fn hangs_on(&self, client: &Client, call: &Call<'_>, can: &Can) -> Result<Option<String>, String> {
        // Most often all namespaces are there, and the ways need not be looked for again.
        if self.hanging().next().is_none() {
            return Ok(None);
        }
        let all = &self.mesh.workloads.all;
        let mut by_namespace: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        let caller = match client {
            Client::Workload(index) => Some(*index),
            Client::Principal(_) => None,
        };
        // A gateway that istiod makes is what it is wherever it stands.
        let legs = match self.managed_gateway(call.server) {
            Some(_) => Vec::new(),
            None => self.legs(client, call)?,
        };
        let servers = legs.into_iter().map(|leg| leg.server);
        for index in servers.chain(caller).filter(|index| self.mesh.hangs_on_namespace(*index)) {
            by_namespace.entry(&all[index].namespace).or_default().insert(index);
        }
        let sets: Vec<(&str, BTreeSet<usize>)> = by_namespace.into_iter().collect();
        let both = sets.iter().flat_map(|(_, set)| set).copied().collect();
        let first = sets.first().map(|(name, _)| *name);
        let tried = sets.iter().map(|(name, set)| (*name, set.clone()));
        for (namespace, injected) in tried.chain(first.map(|name| (name, both))) {
            let other = Meshed {
                snapshot: Cow::Borrowed(&*self.snapshot),
                mesh: self.mesh.with_sidecars(&injected),
                configured: self.configured.clone(),
                notes: Vec::new(),
            };
            if other.answer(client, call)?.verdict != can.verdict {
                return Ok(Some(namespace.to_owned()));
            }
        }
        Ok(None)
    }
}
