//! Ports of a connection, as np-guard writes them.

use std::collections::BTreeSet;
use std::fmt;

use crate::port::{Port, Protocol};
use crate::port_set::PortSet;

/// Ports by number, and those by name that no pod is there to give a number to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    pub(super) ports: PortSet,
    pub(super) names: BTreeSet<(Option<Protocol>, String)>,
}

/// Port 0, of each protocol: nobody can ask for it.
fn zeros() -> PortSet {
    Protocol::ALL
        .into_iter()
        .fold(PortSet::none(), |all, protocol| all.or(&PortSet::one(Port { protocol, number: 0 })))
}

impl Connection {
    /// All ports.
    pub fn all() -> Self {
        Self::of(&PortSet::all())
    }

    /// One port.
    pub fn one(port: Port) -> Self {
        Self::of(&PortSet::one(port))
    }

    pub(super) fn of(ports: &PortSet) -> Self {
        Self { ports: ports.minus(&zeros()), names: BTreeSet::new() }
    }

    /// Adds names to the ports; those that the ports hold anyhow say nothing more.
    pub(super) fn with(self, names: BTreeSet<(Option<Protocol>, String)>) -> Self {
        let holds = |protocol: Option<Protocol>| {
            let of = |protocol| self.ports.covers(&PortSet::range(protocol, 1, u16::MAX));
            protocol.map_or_else(|| Protocol::ALL.into_iter().all(of), of)
        };
        let names = names.into_iter().filter(|(protocol, _)| !holds(*protocol)).collect();
        Self { names, ..self }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ports.is_empty() && self.names.is_empty()
    }

    /// Whether all of the other is in it.
    pub(super) fn holds(&self, other: &Self) -> bool {
        self.ports.covers(&other.ports) && self.names.is_superset(&other.names)
    }
}

/// `All Connections`, `No Connections`, or `TCP 80,90-100,UDP 53`: protocols by name, each with its intervals.
impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("No Connections");
        }
        if self.ports.or(&zeros()).is_all() {
            return f.write_str("All Connections");
        }
        let mut protocols: Vec<(&str, Option<Protocol>)> =
            Protocol::ALL.into_iter().map(|protocol| (protocol.word(), Some(protocol))).collect();
        protocols.push(("", None));
        protocols.sort_unstable();
        let mut before = "";
        for (word, protocol) in protocols {
            let intervals = protocol.into_iter().flat_map(|protocol| self.ports.of(protocol));
            let numbers =
                intervals.map(
                    |(first, last)| {
                        if first == last { first.to_string() } else { format!("{first}-{last}") }
                    },
                );
            let names =
                self.names.iter().filter(|(other, _)| *other == protocol).map(|(_, name)| name.clone());
            let parts: Vec<String> = numbers.chain(names).collect();
            if !parts.is_empty() {
                write!(f, "{before}{word} {}", parts.join(","))?;
                before = ",";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_read_as_np_guard_writes_them() {
        use Protocol::{Sctp, Tcp, Udp};
        let tcp = |first, last| PortSet::range(Tcp, first, last);
        assert_eq!(Connection::all().to_string(), "All Connections");
        assert_eq!(Connection::default().to_string(), "No Connections");
        let ports = tcp(80, 80).or(&tcp(90, 100)).or(&PortSet::range(Udp, 53, 53));
        assert_eq!(Connection::of(&ports).to_string(), "TCP 80,90-100,UDP 53");
        assert_eq!(
            Connection::of(&tcp(80, 80).not()).to_string(),
            "SCTP 1-65535,TCP 1-79,81-65535,UDP 1-65535"
        );
        let every = Protocol::ALL
            .into_iter()
            .fold(PortSet::none(), |all, protocol| all.or(&PortSet::range(protocol, 1, u16::MAX)));
        assert_eq!(Connection::of(&every), Connection::all());
        let names = |protocol| BTreeSet::from([(protocol, "http".to_owned())]);
        assert_eq!(Connection::default().with(names(Some(Tcp))).to_string(), "TCP http");
        assert_eq!(Connection::default().with(names(None)).to_string(), " http");
        assert_eq!(Connection::all().with(names(Some(Sctp))), Connection::all());
    }
}
