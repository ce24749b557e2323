//! Which selectors, peers and ports take in all of others, whatever a cluster holds.
//!
//! Each answer is a proof: `true` says that nothing can be in the narrow one that is not in the wide one. `false` says only that no
//! proof was found.

use ringwall_model::selector::{Operator, Requirement, Selector};

use crate::cluster::{Cluster, NAME_LABEL};
use crate::policy::{Namespaces, Peer, PodSet, Rule};
use crate::port::PortMatch;
use crate::port_set::PortSet;

/// Whether every object that `narrow` selects is selected by `wide`.
pub(super) fn selector(wide: &Selector, narrow: &Selector) -> bool {
    let demanded = |wide: &Requirement| narrow.requirements().iter().any(|narrow| requirement(wide, narrow));
    wide.requirements().iter().all(demanded)
}

/// Whether whatever meets `narrow` meets `wide`.
fn requirement(wide: &Requirement, narrow: &Requirement) -> bool {
    if wide.key != narrow.key {
        return false;
    }
    let has = |list: &[String], value: &String| list.binary_search(value).is_ok();
    match (wide.operator, narrow.operator) {
        (Operator::In, Operator::In) => narrow.values.iter().all(|value| has(&wide.values, value)),
        (Operator::NotIn, Operator::In) => !narrow.values.iter().any(|value| has(&wide.values, value)),
        (Operator::NotIn, Operator::NotIn) => wide.values.iter().all(|value| has(&narrow.values, value)),
        (Operator::NotIn | Operator::DoesNotExist, Operator::DoesNotExist) => true,
        (Operator::Exists, Operator::In | Operator::Exists) => true,
        _ => false,
    }
}

/// Whether every pod of `narrow` is one of `wide`.
pub(super) fn pods(cluster: &Cluster, wide: &PodSet, narrow: &PodSet) -> bool {
    let namespaces = match (&wide.namespaces, &narrow.namespaces) {
        (Namespaces::Own(wide), Namespaces::Own(narrow)) => wide == narrow,
        (Namespaces::Selected(wide), Namespaces::Selected(narrow)) => selector(wide, narrow),
        // What a namespace is labelled with is known where the input holds it; its name always is.
        (Namespaces::Selected(wide), Namespaces::Own(name)) => {
            let by_name = wide.requirements().iter().all(|requirement| requirement.key == NAME_LABEL);
            (by_name || cluster.stated.contains(name))
                && cluster.has_namespace(&Namespaces::Selected(wide.clone()), name)
        }
        (Namespaces::Own(name), Namespaces::Selected(narrow)) => {
            narrow.requirements().iter().any(|requirement| {
                requirement.key == NAME_LABEL
                    && requirement.operator == Operator::In
                    && requirement.values == [name.clone()]
            })
        }
    };
    namespaces && selector(&wide.pods, &narrow.pods)
}

/// Whether everyone who is `narrow` is `wide`.
pub(super) fn peer(cluster: &Cluster, wide: &Peer, narrow: &Peer) -> bool {
    match (wide, narrow) {
        (_, Peer::Nothing) => true,
        (Peer::Pods(wide), Peer::Pods(narrow)) => pods(cluster, wide, narrow),
        (
            Peer::Addresses { blocks: wide, except },
            Peer::Addresses { blocks: narrow, except: narrow_except },
        ) => narrow.iter().all(|block| {
            let is_left = |hole: &ringwall_model::address::Block| {
                (hole.covers(*block) || block.covers(*hole))
                    && !narrow_except.iter().any(|other| other.covers(*hole))
            };
            wide.iter().any(|wide| wide.covers(*block)) && !except.iter().any(is_left)
        }),
        (Peer::Nodes(wide), Peer::Nodes(narrow)) => selector(wide, narrow),
        _ => wide == narrow,
    }
}

/// Whether every peer of `narrow` is one of `wide`.
pub(super) fn peers(cluster: &Cluster, wide: Option<&[Peer]>, narrow: Option<&[Peer]>) -> bool {
    match (wide, narrow) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(wide), Some(narrow)) => {
            narrow.iter().all(|narrow| wide.iter().any(|wide| peer(cluster, wide, narrow)))
        }
    }
}

/// The ports of a list that are numbers.
pub(super) fn numbers(ports: &[PortMatch]) -> PortSet {
    ports.iter().fold(PortSet::none(), |all, port| match port {
        PortMatch::Range { protocol, first, last } => all.or(&PortSet::range(*protocol, *first, *last)),
        PortMatch::Named { .. } | PortMatch::Nothing => all,
    })
}

/// Whether all ports of `narrow` are among those of `wide`, on every pod.
pub(super) fn ports(wide: Option<&[PortMatch]>, narrow: Option<&[PortMatch]>) -> bool {
    match (wide, narrow) {
        (None, _) => true,
        (Some(wide), None) => numbers(wide).is_all(),
        (Some(wide), Some(narrow)) => {
            let fixed = numbers(wide);
            narrow.iter().all(|port| match port {
                PortMatch::Nothing => true,
                PortMatch::Range { protocol, first, last } => {
                    fixed.covers(&PortSet::range(*protocol, *first, *last))
                }
                PortMatch::Named { .. } => fixed.is_all() || wide.contains(port),
            })
        }
    }
}

/// Whether `wide` matches all that `narrow` matches.
pub(super) fn rule(cluster: &Cluster, wide: &Rule, narrow: &Rule) -> bool {
    peers(cluster, wide.peers.as_deref(), narrow.peers.as_deref())
        && ports(wide.ports.as_deref(), narrow.ports.as_deref())
}
