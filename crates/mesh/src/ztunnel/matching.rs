//! How ztunnel matches a connection. Source: ztunnel's `src/rbac.rs`.

use super::{
    AddressMatch, Authorization, Clause, Connection, Lists, Match, ServiceAccountMatch, StringMatch,
};

impl StringMatch {
    /// Whether the text matches; an empty one is no text at all.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(value) => value == text,
            Self::Prefix(start) => text.starts_with(start.as_str()),
            Self::Suffix(end) => text.ends_with(end.as_str()),
            Self::Presence => !text.is_empty(),
        }
    }
}

/// A peer's identity and its parts.
struct Peer<'c> {
    principal: Option<&'c str>,
    namespace: &'c str,
    account: Option<&'c str>,
}

impl<'c> Peer<'c> {
    fn of(peer: Option<&'c str>) -> Self {
        let mut parts = peer.unwrap_or_default().split('/');
        let (_, ns, namespace, sa, account) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next());
        let is_whole = (ns, sa, parts.next()) == (Some("ns"), Some("sa"), None);
        match (namespace, account) {
            (Some(namespace), Some(account)) if is_whole => {
                Self { principal: peer, namespace, account: Some(account) }
            }
            // ztunnel takes no other identity for one.
            _ => Self { principal: None, namespace: "", account: None },
        }
    }
}

impl<T> Lists<T> {
    /// Whether it demands nothing.
    pub fn is_empty(&self) -> bool {
        self.any.is_empty() && self.none.is_empty()
    }

    fn hold(&self, matches: impl Fn(&T) -> bool) -> bool {
        (self.any.is_empty() || self.any.iter().any(&matches)) && !self.none.iter().any(&matches)
    }
}

impl Match {
    /// Whether it demands nothing, and so matches nothing.
    pub fn is_empty(&self) -> bool {
        self.namespaces.is_empty()
            && self.service_accounts.is_empty()
            && self.principals.is_empty()
            && self.source_ips.is_empty()
            && self.destination_ips.is_empty()
            && self.destination_ports.is_empty()
    }

    fn holds(&self, connection: &Connection<'_>, peer: &Peer<'_>) -> bool {
        let within = |address: Option<ringwall_model::address::Address>| {
            move |one: &AddressMatch| address.is_some_and(|address| one.block.contains(address))
        };
        let account = |one: &ServiceAccountMatch| {
            peer.account == Some(one.service_account.as_str()) && peer.namespace == one.namespace
        };
        !self.is_empty()
            && self.destination_ports.hold(|port| *port == connection.port)
            && self.namespaces.hold(|one| one.matches(peer.namespace))
            && self.principals.hold(|one| peer.principal.is_some_and(|principal| one.matches(principal)))
            && self.service_accounts.hold(account)
            && self.source_ips.hold(within(connection.source))
            && self.destination_ips.hold(within(connection.destination))
    }
}

impl Clause {
    fn holds(&self, connection: &Connection<'_>, peer: &Peer<'_>) -> bool {
        self.matches.is_empty() || self.matches.iter().any(|one| one.holds(connection, peer))
    }

    /// Whether it can hold of no connection, because none of its matches demands anything: what it was made of is only about requests.
    pub fn is_void(&self) -> bool {
        !self.matches.is_empty() && self.matches.iter().all(Match::is_empty)
    }
}

impl Authorization {
    /// The index of the policy's rule by which it matches the connection, if it does. Costs its length; allocates nothing.
    pub fn matching(&self, connection: &Connection<'_>) -> Option<usize> {
        let peer = Peer::of(connection.peer);
        let holds = |clauses: &[Clause]| clauses.iter().all(|clause| clause.holds(connection, &peer));
        self.groups.iter().find(|group| holds(&group.rules)).map(|group| group.rule)
    }
}
