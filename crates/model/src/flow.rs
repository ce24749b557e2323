//! Connections that somebody has seen.

use crate::address::Address;

/// An end of a connection that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FlowEnd {
    /// A pod, or what makes it.
    Named {
        /// Its namespace.
        namespace: String,
        /// Its name, or that of what makes it.
        name: String,
    },
    /// An address.
    Address(Address),
    /// Somebody outside of the cluster, whose address is not told.
    Outside,
}

/// A connection that was seen, and let pass.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Flow {
    /// Who began it.
    pub source: FlowEnd,
    /// Who received it.
    pub destination: FlowEnd,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: &'static str,
    /// The port of the receiver.
    pub port: u16,
}
