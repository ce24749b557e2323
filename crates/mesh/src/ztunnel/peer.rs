//! `PeerAuthentication` for ztunnel: strict ones become DENY of who has no identity. Source: `convertPeerAuthentication` and
//! `convertedSelectorPeerAuthentications` in `pilot/pkg/serviceregistry/ambient/authorization.go`.

use std::collections::BTreeMap;

use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::tree::Node;

use super::{
    AmbientWorkload, Authorization, Clause, ClauseOf, Effect, Group, Lists, Match, Scope, StringMatch,
};
use crate::authorization::policy::GROUP;
use crate::reader::{Reader, Refusal, field, is_subset};

/// The name of what stands for every strict `PeerAuthentication` without ports. No object can have it.
pub(super) const STATIC_STRICT: &str = "istio_converted_static_strict";

/// What stands before the name of a `PeerAuthentication` that is sent for itself.
const CONVERTED: &str = "converted_peer_authentication_";

/// What a `PeerAuthentication` says of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Nothing.
    #[default]
    Unset,
    /// To ztunnel the same as permissive.
    Disable,
    /// Plaintext too.
    Permissive,
    /// Mutual TLS only.
    Strict,
}

/// A `PeerAuthentication`, as far as ztunnel is concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AmbientPeer {
    namespace: String,
    name: String,
    /// Text that a cluster writes in one form, so that it sorts by time; what has none is older than all.
    created: Option<String>,
    selector: Option<BTreeMap<String, String>>,
    mode: Mode,
    ports: BTreeMap<u16, Mode>,
}

impl AmbientPeer {
    /// Whether the object is one.
    pub fn is(object: &Object) -> bool {
        object.is(GROUP, "PeerAuthentication")
    }

    /// Reads one; what is of the wrong type is added to `refusals`, and the rest is read.
    pub fn read(object: &Object, refusals: &mut Vec<Refusal>) -> Self {
        let mut reader = Reader::default();
        let path = FieldPath::keys(&["spec"]);
        let mut peer = Self {
            namespace: object.id.namespace.clone().unwrap_or_else(|| "default".to_owned()),
            name: object.id.name.clone(),
            created: object.root().str_at(&["metadata", "creationTimestamp"]).map(str::to_owned),
            ..Self::default()
        };
        if let Some(spec) = reader.mapping(object.root(), "spec", &FieldPath::root()) {
            peer.selector = reader.selector(spec, &path);
            peer.mode = reader.mode(spec, "mtls", &path);
            if let Some(ports) = reader.mapping(spec, "portLevelMtls", &path) {
                let path = path.key("portLevelMtls");
                for entry in ports.entries() {
                    match entry.key.parse() {
                        Ok(port) => drop(peer.ports.insert(port, reader.mode(ports, entry.key, &path))),
                        Err(_) => reader.refuse(path.clone().key(entry.key), entry.value, "expected a port"),
                    }
                }
            }
        }
        refusals.append(&mut reader.refusals);
        peer
    }

    /// What names it to workloads where it is sent for itself.
    fn key(&self) -> String {
        format!("{}/{CONVERTED}{}", self.namespace, self.name)
    }

    fn has_port(&self, is: impl Fn(Mode) -> bool) -> bool {
        self.ports.values().any(|mode| is(*mode))
    }
}

impl Reader {
    fn mode(&mut self, node: Node<'_>, key: &str, path: &FieldPath) -> Mode {
        let Some(mtls) = self.mapping(node, key, path) else { return Mode::Unset };
        let Some(mode) = field(mtls, "mode") else { return Mode::Unset };
        match (mode.as_str(), mode.as_i64()) {
            (Some("UNSET"), _) | (_, Some(0)) => Mode::Unset,
            (Some("DISABLE"), _) | (_, Some(1)) => Mode::Disable,
            (Some("PERMISSIVE"), _) | (_, Some(2)) => Mode::Permissive,
            (Some("STRICT"), _) | (_, Some(3)) => Mode::Strict,
            _ => {
                self.refuse(
                    path.clone().key(key).key("mode"),
                    mode,
                    "expected STRICT, PERMISSIVE, DISABLE or UNSET",
                );
                Mode::Unset
            }
        }
    }
}

/// The oldest, and of one age the first.
fn oldest<'p>(peers: impl Iterator<Item = &'p AmbientPeer>) -> Option<&'p AmbientPeer> {
    peers.reduce(|oldest, peer| if peer.created < oldest.created { peer } else { oldest })
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

/// What a `PeerAuthentication` with ports becomes, if it is sent. That of its namespace and that of the mesh count where it says nothing
/// itself; of these, one with an empty selector is not seen.
pub(super) fn convert(peer: &AmbientPeer, all: &[AmbientPeer], root: &str) -> Option<Authorization> {
    if peer.namespace == root || peer.selector.is_none() || peer.ports.is_empty() {
        return None;
    }
    let wide = |namespace: &str| {
        let mode = |peer: &AmbientPeer| peer.mode;
        oldest(all.iter().filter(|one| one.selector.is_none() && one.namespace == namespace)).map(mode)
    };
    let (of_namespace, of_mesh) = (wide(&peer.namespace), wide(root));
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

/// The policies that a workload is bound to for its `PeerAuthentication`s, in the order of their names: none, the one that stands for
/// strictness, or its own.
pub(super) fn bound(workload: &AmbientWorkload<'_>, all: &[AmbientPeer], root: &str) -> Option<String> {
    let counts = |peer: &&AmbientPeer| {
        let is_here = peer.namespace == workload.namespace;
        let selects = peer.selector.as_ref().is_none_or(|labels| is_subset(labels, workload.labels));
        // From elsewhere, one of the mesh counts only where it has no selector at all.
        (peer.namespace == root && peer.selector.is_none()) || (is_here && selects)
    };
    let is_wide = |peer: &&AmbientPeer| peer.selector.as_ref().is_none_or(BTreeMap::is_empty);
    let those = || all.iter().filter(counts);
    let of_mesh = oldest(those().filter(|peer| is_wide(peer) && peer.namespace == root));
    let of_namespace = oldest(those().filter(|peer| is_wide(peer) && peer.namespace != root));
    let own = oldest(those().filter(|peer| !is_wide(peer) && peer.namespace != root));
    let mut strict = of_mesh.is_some_and(|peer| peer.mode == Mode::Strict);
    if let Some(peer) = of_namespace.filter(|peer| peer.mode != Mode::Unset) {
        strict = peer.mode == Mode::Strict;
    }
    let by_static = |strict: bool| strict.then(|| format!("{root}/{STATIC_STRICT}"));
    let Some(own) = own else { return by_static(strict) };
    let is_open = |mode: Mode| matches!(mode, Mode::Permissive | Mode::Disable);
    if own.mode != Mode::Unset {
        strict = own.mode == Mode::Strict;
    }
    let by_itself = match own.mode {
        Mode::Strict => own.has_port(is_open),
        Mode::Permissive | Mode::Disable => own.has_port(|mode| mode == Mode::Strict),
        // Under what is strict above, a port that is disabled is no exception.
        Mode::Unset if strict => own.has_port(|mode| mode == Mode::Permissive),
        Mode::Unset => own.has_port(|mode| mode == Mode::Strict),
    };
    if by_itself { Some(own.key()) } else { by_static(strict) }
}
