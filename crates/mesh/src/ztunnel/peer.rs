//! `PeerAuthentication` for ztunnel: strict ones become DENY of who has no identity. Source: `convertPeerAuthentication` and
//! `convertedSelectorPeerAuthentications` in `pilot/pkg/serviceregistry/ambient/authorization.go`.

use super::{Authorization, Clause, ClauseOf, Effect, Group, Lists, Match, Scope, StringMatch};
use crate::peer::{Mode, PeerAuthentication};
use crate::quirks::{Release, STRICT_PORTS_JOINED};

/// The name of what stands for every strict `PeerAuthentication` without ports. No object can have it.
pub(super) const STATIC_STRICT: &str = "istio_converted_static_strict";

/// What stands before the name of a `PeerAuthentication` that is sent for itself.
const CONVERTED: &str = "converted_peer_authentication_";

/// What names a policy to workloads where it is sent for itself.
pub(super) fn key(peer: &PeerAuthentication) -> String {
    format!("{}/{CONVERTED}{}", peer.namespace, peer.name)
}

/// What names to workloads what stands for strictness.
pub(super) fn static_key(root: &str) -> String {
    format!("{root}/{STATIC_STRICT}")
}

/// The policies without any selector around another one: that of its namespace, and that of the mesh.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Around {
    pub(crate) namespace: Option<Mode>,
    pub(crate) mesh: Option<Mode>,
}

/// Who has no identity.
fn nobody() -> Match {
    Match { principals: Lists { any: Vec::new(), none: vec![StringMatch::Presence] }, ..Match::default() }
}

const fn lone(one: Vec<Match>) -> Clause {
    Clause { matches: one, of: ClauseOf::Peer }
}

/// What stands for every strict `PeerAuthentication` without ports; it is sent as soon as there is any `PeerAuthentication`.
pub(super) fn static_strict(root: &str) -> Authorization {
    Authorization {
        name: STATIC_STRICT.to_owned(),
        namespace: root.to_owned(),
        scope: Scope::WorkloadSelector,
        effect: Effect::Deny,
        groups: vec![Group { rules: vec![lone(vec![nobody()])], rule: 0 }],
        policy: None,
    }
}

/// What a `PeerAuthentication` with ports becomes, if it is sent. What is around it counts where it says nothing itself; of that, one with
/// an empty selector is not seen.
pub(crate) fn convert(
    peer: &PeerAuthentication,
    around: Around,
    root: &str,
    release: Option<Release>,
) -> Option<Authorization> {
    if peer.namespace == root || !peer.has_selector || peer.ports.is_empty() {
        return None;
    }
    let (of_namespace, of_mesh) = (around.namespace, around.mesh);
    let is_strict_above = match of_namespace {
        Some(Mode::Strict) => true,
        None | Some(Mode::Unset) => of_mesh == Some(Mode::Strict),
        Some(_) => false,
    };
    let is_strict = peer.mode == Mode::Strict;
    // Where the mesh is strict and the namespace says nothing, a strict port is left out even of one that is itself permissive, for which
    // nothing else makes the port strict: istiod's condition lacks a pair of brackets.
    let is_taken_as_done = match of_namespace {
        Some(Mode::Strict) => peer.mode == Mode::Unset,
        _ => is_strict_above,
    };
    let (mut clauses, mut groups) = (Vec::new(), Vec::new());
    if is_strict {
        clauses.push(lone(vec![nobody()]));
    }
    let mut has_exception = false;
    for (port, mode) in &peer.ports {
        let port = *port;
        match mode {
            Mode::Strict if is_strict || is_taken_as_done => {}
            Mode::Strict => {
                let ports = Lists { any: vec![port], none: Vec::new() };
                let one = Match { destination_ports: ports, ..nobody() };
                groups.push(Group { rules: vec![lone(vec![one])], rule: 0 });
            }
            Mode::Permissive | Mode::Disable => {
                let is_open = match (peer.mode, of_namespace, of_mesh) {
                    (Mode::Strict, ..) => false,
                    (Mode::Permissive | Mode::Disable, ..) => true,
                    // One that is there and says nothing counts as open here, though what is above it may be strict.
                    (Mode::Unset, Some(mode), _) | (Mode::Unset, None, Some(mode)) => mode != Mode::Strict,
                    (Mode::Unset, None, None) => true,
                };
                if !is_open {
                    has_exception = true;
                    let ports = Lists { any: Vec::new(), none: vec![port] };
                    clauses.push(lone(vec![Match { destination_ports: ports, ..Match::default() }]));
                }
            }
            Mode::Unset => {}
        }
    }
    if groups.len() > 1 && STRICT_PORTS_JOINED.holds(release) {
        let rules = groups.drain(..).flat_map(|group: Group| group.rules).collect();
        groups.push(Group { rules, rule: 0 });
    }
    if (is_strict && !has_exception) || (clauses.is_empty() && groups.is_empty()) {
        return None;
    }
    if has_exception && is_strict_above {
        clauses.push(lone(vec![nobody()]));
    }
    if !clauses.is_empty() {
        groups.push(Group { rules: clauses, rule: 0 });
    }
    Some(Authorization {
        name: format!("{CONVERTED}{}", peer.name),
        namespace: peer.namespace.clone(),
        scope: Scope::WorkloadSelector,
        effect: Effect::Deny,
        groups,
        policy: None,
    })
}

/// The policies that count for a workload: that of the mesh, that of its namespace, and its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counting<'p> {
    pub(crate) mesh: Option<&'p PeerAuthentication>,
    pub(crate) namespace: Option<&'p PeerAuthentication>,
    pub(crate) own: Option<&'p PeerAuthentication>,
}

/// What a workload is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// Nothing: it takes plaintext.
    Nothing,
    /// What stands for strictness.
    Static,
    /// What its own policy becomes.
    Own,
}

/// What a workload is bound to for its `PeerAuthentication`s. Source: `fetchPeerAuthentications` and
/// `convertedSelectorPeerAuthentications`.
pub(crate) fn bound(counting: Counting<'_>) -> Bound {
    let mut strict = counting.mesh.is_some_and(|peer| peer.mode == Mode::Strict);
    for peer in [counting.namespace, counting.own].into_iter().flatten() {
        if peer.mode != Mode::Unset {
            strict = peer.mode == Mode::Strict;
        }
    }
    let has =
        |is: &dyn Fn(Mode) -> bool| counting.own.is_some_and(|own| own.ports.values().any(|mode| is(*mode)));
    let by_itself = match counting.own.map(|own| own.mode) {
        None => false,
        Some(Mode::Strict) => has(&|mode| matches!(mode, Mode::Permissive | Mode::Disable)),
        // Under what is strict above, a port that is disabled is no exception.
        Some(Mode::Unset) if strict => has(&|mode| mode == Mode::Permissive),
        Some(_) => has(&|mode| mode == Mode::Strict),
    };
    match (by_itself, strict) {
        (true, _) => Bound::Own,
        (false, true) => Bound::Static,
        (false, false) => Bound::Nothing,
    }
}
