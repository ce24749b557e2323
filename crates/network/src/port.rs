//! Protocols and ports.

use std::fmt;

/// A protocol with ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Tcp, Self::Udp, Self::Sctp];

    /// As Kubernetes writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
        }
    }

    /// Reads what Kubernetes writes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.word() == text)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A protocol and a port to which something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Port {
    /// The protocol.
    pub protocol: Protocol,
    /// The port.
    pub number: u16,
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.protocol, self.number)
    }
}

/// A port that a pod's container declares.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeclaredPort {
    /// Its name; empty where it has none.
    pub name: String,
    /// Protocol and number.
    pub port: Port,
    /// Whether a sidecar among the init containers declares it, which not all engines look at.
    pub sidecar: bool,
}

/// What a rule says of ports.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PortMatch {
    /// From one port to another, both among them.
    Range {
        /// The protocol.
        protocol: Protocol,
        /// The lowest port.
        first: u16,
        /// The highest port.
        last: u16,
    },
    /// The port of this name on the receiving pod, whatever its number there is.
    Named {
        /// The name.
        name: String,
        /// The protocol that the port must have; any where `None`.
        protocol: Option<Protocol>,
    },
    /// What the API server would refuse: it matches nothing.
    Nothing,
}

impl PortMatch {
    /// All ports of a protocol.
    pub const fn any(protocol: Protocol) -> Self {
        Self::Range { protocol, first: 0, last: u16::MAX }
    }

    /// Whether it matches the port on a pod that declares these; nothing is declared of what is no pod.
    pub fn matches(&self, port: Port, declared: &[DeclaredPort]) -> bool {
        match self {
            Self::Range { protocol, first, last } => {
                *protocol == port.protocol && (*first..=*last).contains(&port.number)
            }
            Self::Named { name, protocol } => {
                protocol.is_none_or(|protocol| protocol == port.protocol)
                    && declared.iter().any(|other| other.port == port && other.name == *name)
            }
            Self::Nothing => false,
        }
    }
}
