//! What ztunnel enforces of the mesh's policies. istiod makes `Authorization`s of them, which know connections and nothing of requests.
//!
//! Three things differ from what a sidecar makes of the same policy, and each can fail open:
//! - a rule of DENY is a list of clauses that must all match, and a clause whose fields were all left out matches nothing: one item of
//!   `to` or `when` that is only about requests makes the rule match nothing;
//! - a policy whose selector is there and empty is bound to no workload;
//! - a `PeerAuthentication` may bind a workload to a policy that was never made.
//!
//! Source: `pilot/pkg/serviceregistry/ambient/{authorization,policies,workloads}.go`; ztunnel's `src/rbac.rs` and `src/state.rs`.

mod ambient;
mod convert;
mod json;
mod matching;
mod peer;

use ringwall_model::address::Block;

pub use ambient::{Ambient, Bound};
pub(crate) use convert::about_requests;
pub(crate) use peer::{Around, Bound as PeerBound, Counting, bound, convert};

/// Whom an [`Authorization`] is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Every workload.
    Global,
    /// Those of its namespace.
    Namespace,
    /// Those that name it.
    WorkloadSelector,
}

/// What becomes of what it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    /// It is let in.
    Allow,
    /// It is kept out.
    Deny,
}

/// How a text matches. Only a star at one end is special.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StringMatch {
    /// It is this.
    Exact(String),
    /// It begins so.
    Prefix(String),
    /// It ends so.
    Suffix(String),
    /// It is not empty.
    Presence,
}

/// A service account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServiceAccountMatch {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub service_account: String,
}

/// A block of addresses as it is sent: the address as it is written, host bits and all, and the length of its prefix.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AddressMatch {
    /// The address.
    pub address: std::net::IpAddr,
    /// How many bits count.
    pub length: u8,
    /// The block that this is.
    pub block: Block,
}

/// Values of a field of which one must match, and values of which none may; a list that is empty is no demand.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lists<T> {
    /// One of these.
    pub any: Vec<T>,
    /// None of these.
    pub none: Vec<T>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self { any: Vec::new(), none: Vec::new() }
    }
}

/// Fields that must all match. One without any matches nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Match {
    /// The peer's namespace.
    pub namespaces: Lists<StringMatch>,
    /// The peer's service account.
    pub service_accounts: Lists<ServiceAccountMatch>,
    /// The peer's identity, without `spiffe://`.
    pub principals: Lists<StringMatch>,
    /// The connection's other end.
    pub source_ips: Lists<AddressMatch>,
    /// The workload's address.
    pub destination_ips: Lists<AddressMatch>,
    /// The workload's port.
    pub destination_ports: Lists<u16>,
}

/// One of its matches must hold; without any it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Clause {
    /// The matches.
    pub matches: Vec<Match>,
    /// What it was made of.
    pub of: ClauseOf,
}

/// What a clause was made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ClauseOf {
    /// All items of `to`.
    To,
    /// All items of `from`.
    From,
    /// The item of `when` at this index.
    When(usize),
    /// A `PeerAuthentication`.
    #[default]
    Peer,
}

/// All of its clauses must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Group {
    /// The clauses; istiod calls them rules.
    pub rules: Vec<Clause>,
    /// The index of the policy's rule that it was made of.
    pub rule: usize,
}

/// A policy as ztunnel has it: one of its groups must hold, and without any it matches nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Authorization {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Whom it is for.
    pub scope: Scope,
    /// What becomes of what it matches.
    pub effect: Effect,
    /// The groups.
    pub groups: Vec<Group>,
    /// The index that its policy was given; `None` for what stands for every strict `PeerAuthentication`.
    pub policy: Option<usize>,
}

impl Authorization {
    /// `NAMESPACE/NAME`, by which workloads name it.
    pub fn key(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

/// A connection to a workload of the ambient mesh.
#[derive(Clone, Copy, Debug)]
pub struct Connection<'c> {
    /// The peer's identity, `TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT`; `None` for plaintext.
    pub peer: Option<&'c str>,
    /// The connection's other end.
    pub source: Option<ringwall_model::address::Address>,
    /// The workload's address.
    pub destination: Option<ringwall_model::address::Address>,
    /// The workload's port.
    pub port: u16,
}

/// A workload of the ambient mesh.
#[derive(Clone, Copy, Debug)]
pub struct AmbientWorkload<'w> {
    /// Its namespace.
    pub namespace: &'w str,
    /// The labels of its pods.
    pub labels: &'w crate::place::Pairs,
}
