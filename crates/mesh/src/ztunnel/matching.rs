//! How ztunnel matches a connection. Source: ztunnel's `src/rbac.rs`.

use ringwall_model::address::Address;

use super::{
    AddressMatch, Authorization, Clause, ClauseOf, Connection, Lists, Match, ServiceAccountMatch, StringMatch,
};
use crate::authorization::place::{Part, Place};

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

    fn is_principal(&self, one: &StringMatch) -> bool {
        self.principal.is_some_and(|principal| one.matches(principal))
    }

    fn is_account(&self, one: &ServiceAccountMatch) -> bool {
        self.account == Some(one.service_account.as_str()) && self.namespace == one.namespace
    }
}

fn is_in(address: Option<Address>, one: &AddressMatch) -> bool {
    address.is_some_and(|address| one.block.contains(address))
}

impl<T> Lists<T> {
    /// Whether it demands nothing.
    pub fn is_empty(&self) -> bool {
        self.any.is_empty() && self.none.is_empty()
    }

    fn hold(&self, matches: impl Fn(&T) -> bool) -> bool {
        self.sides(matches) == [true, true]
    }

    /// Whether one of the values matches, and whether none of the others does.
    fn sides(&self, matches: impl Fn(&T) -> bool) -> [bool; 2] {
        [self.any.is_empty() || self.any.iter().any(&matches), !self.none.iter().any(&matches)]
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

    /// The fields that keep a connection from matching, by the keys that they have in `of`.
    fn failing(&self, connection: &Connection<'_>, peer: &Peer<'_>, of: ClauseOf) -> Vec<&'static str> {
        let sides = [
            (["ports", "notPorts"], self.destination_ports.sides(|port| *port == connection.port)),
            (["namespaces", "notNamespaces"], self.namespaces.sides(|one| one.matches(peer.namespace))),
            (["principals", "notPrincipals"], self.principals.sides(|one| peer.is_principal(one))),
            (
                ["serviceAccounts", "notServiceAccounts"],
                self.service_accounts.sides(|one| peer.is_account(one)),
            ),
            (["ipBlocks", "notIpBlocks"], self.source_ips.sides(|one| is_in(connection.source, one))),
            // Only `when` knows these.
            (["values", "notValues"], self.destination_ips.sides(|one| is_in(connection.destination, one))),
        ];
        let mut failing = Vec::new();
        for (keys, sides) in sides {
            let keys = if matches!(of, ClauseOf::When(_)) { ["values", "notValues"] } else { keys };
            failing.extend(keys.into_iter().zip(sides).filter(|(_, holds)| !holds).map(|(key, _)| key));
        }
        failing
    }

    fn holds(&self, connection: &Connection<'_>, peer: &Peer<'_>) -> bool {
        !self.is_empty()
            && self.destination_ports.hold(|port| *port == connection.port)
            && self.namespaces.hold(|one| one.matches(peer.namespace))
            && self.principals.hold(|one| peer.is_principal(one))
            && self.service_accounts.hold(|one| peer.is_account(one))
            && self.source_ips.hold(|one| is_in(connection.source, one))
            && self.destination_ips.hold(|one| is_in(connection.destination, one))
    }
}

impl Clause {
    fn holds(&self, connection: &Connection<'_>, peer: &Peer<'_>) -> bool {
        self.matches.is_empty() || self.matches.iter().any(|one| one.holds(connection, peer))
    }

    /// The fields of its nearest match that fail.
    fn misses(&self, connection: &Connection<'_>, peer: &Peer<'_>, rule: usize) -> Vec<Place> {
        if self.holds(connection, peer) {
            return Vec::new();
        }
        let failing = |(at, one): (usize, &Match)| {
            let part = match self.of {
                ClauseOf::To => Part::To(at),
                ClauseOf::From | ClauseOf::Peer => Part::From(at),
                ClauseOf::When(at) => Part::When(at),
            };
            let place = |field| Place { rule, part, field };
            one.failing(connection, peer, self.of).into_iter().map(place).collect::<Vec<_>>()
        };
        // One that demands nothing fails in no field, and is not near for it.
        let with_fields = self.matches.iter().enumerate().filter(|(_, one)| !one.is_empty());
        with_fields.map(failing).min_by_key(Vec::len).unwrap_or_default()
    }

    /// Whether it can hold of no connection, because none of its matches demands anything: what it was made of is only about requests.
    pub fn is_void(&self) -> bool {
        !self.matches.is_empty() && self.matches.iter().all(Match::is_empty)
    }
}

impl Authorization {
    /// For each group, the fields that keep the connection from matching. A group with a clause that can hold of none is left out.
    pub(super) fn misses(&self, connection: &Connection<'_>) -> impl Iterator<Item = Vec<Place>> {
        let peer = Peer::of(connection.peer);
        let groups = self.groups.iter().filter(|group| !group.rules.iter().any(Clause::is_void));
        groups.map(move |group| {
            group.rules.iter().flat_map(|clause| clause.misses(connection, &peer, group.rule)).collect()
        })
    }

    /// The index of the policy's rule by which it matches the connection, if it does. Costs its length; allocates nothing.
    pub fn matching(&self, connection: &Connection<'_>) -> Option<usize> {
        let peer = Peer::of(connection.peer);
        let holds = |clauses: &[Clause]| clauses.iter().all(|clause| clause.holds(connection, &peer));
        self.groups.iter().find(|group| holds(&group.rules)).map(|group| group.rule)
    }
}
