//! What ztunnel takes in, by the policies that istiod makes of `PeerAuthentication` objects for it.
//!
//! It differs from what sidecars make of them. Sources: istio.io/istio `pilot/pkg/serviceregistry/ambient/authorization.go`
//! (`convertedSelectorPeerAuthentications`, `convertPeerAuthentication`) and `workloads.go` (`fetchPeerAuthentications`).

use crate::peer::{Mode, PeerAuthentication, Peers};
use crate::place::{Pairs, Place, is_subset};

/// What ztunnel takes in for a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ambient {
    /// Whether the static policy binds it that lets nothing in but mutual TLS.
    pub is_static: bool,
    /// The policy whose ports bind it in place of the static one, by its place in [`Peers::all`].
    pub of_ports: Option<usize>,
    /// Whether that is never sent, so that nothing holds.
    pub is_missing: bool,
    /// What stands behind the ports: whether all others take mutual TLS alone.
    is_strict: bool,
    /// Ports of which the policy says so.
    strict: Vec<u16>,
    /// Ports that the policy leaves out.
    open: Vec<u16>,
    decider: Option<usize>,
}

impl Ambient {
    /// Whether nothing comes in at a port but mutual TLS.
    pub fn is_strict(&self, port: u16) -> bool {
        self.is_static || self.strict.contains(&port) || (self.is_strict && !self.open.contains(&port))
    }

    /// Where it is written; nothing where no policy says anything.
    pub fn place(&self, peers: &Peers, port: u16) -> Option<Place> {
        let named = |policy: &&PeerAuthentication| {
            policy.ports.get(&port).is_some_and(|mode| *mode != Mode::Unset)
                && (self.is_missing || self.strict.contains(&port) || self.open.contains(&port))
        };
        let of = |index: Option<usize>| index.and_then(|index| peers.all.get(index));
        match of(self.of_ports).filter(named) {
            Some(policy) => Some(policy.port_place(port)),
            None => of(self.decider).map(PeerAuthentication::mode_place),
        }
    }
}

impl Peers {
    /// What ztunnel takes in for a workload with these labels. Costs a look at the policies of its namespace and of the root namespace.
    pub fn ambient(&self, namespace: &str, labels: &Pairs) -> Ambient {
        let root = self.root();
        let is_root = namespace == root;
        // From outside of the root namespace a policy there with any selector is not seen, an empty one neither.
        let mesh =
            self.of(root).find(|(_, policy)| if is_root { policy.is_wide() } else { !policy.has_selector });
        let own = || self.of(namespace).filter(|_| !is_root);
        let wide = own().find(|(_, policy)| policy.is_wide());
        let workload = own().find(|(_, policy)| !policy.is_wide() && is_subset(&policy.selector, labels));

        let mut ambient = Ambient {
            is_static: false,
            of_ports: None,
            is_missing: false,
            is_strict: false,
            strict: Vec::new(),
            open: Vec::new(),
            decider: None,
        };
        for (index, policy) in [mesh, wide, workload].into_iter().flatten() {
            if policy.mode != Mode::Unset {
                ambient.is_static = policy.mode == Mode::Strict;
                ambient.decider = Some(index);
            }
        }
        let Some((index, policy)) = workload.filter(|(_, policy)| !policy.ports.is_empty()) else {
            return ambient;
        };
        let has = |modes: &[Mode]| policy.ports.values().any(|mode| modes.contains(mode));
        // Under what it inherits, a port that is DISABLE is not seen as an exception; under its own STRICT it is.
        let binds = match (policy.mode, ambient.is_static) {
            (Mode::Strict, _) => has(&[Mode::Permissive, Mode::Disable]),
            (Mode::Unset, true) => has(&[Mode::Permissive]),
            _ => has(&[Mode::Strict]),
        };
        if !binds {
            return ambient;
        }
        ambient.of_ports = Some(index);
        ambient.is_static = false;
        // The policy itself is made by itself, and sees only policies without any selector around it.
        let around = |wanted: &str| {
            self.of(wanted).map(|(_, other)| other).find(|other| !other.has_selector).map(|other| other.mode)
        };
        let (of_wide, of_mesh) = (around(namespace), around(root));
        let inherits = of_wide == Some(Mode::Strict)
            || (matches!(of_wide, None | Some(Mode::Unset)) && of_mesh == Some(Mode::Strict));
        let is_idle = match (of_wide, of_mesh) {
            (Some(wide), _) => wide != Mode::Strict,
            (None, Some(mesh)) => mesh != Mode::Strict,
            (None, None) => true,
        };
        for (port, mode) in &policy.ports {
            match mode {
                Mode::Strict => {
                    let is_said = policy.mode == Mode::Strict
                        || (policy.mode == Mode::Unset && of_wide == Some(Mode::Strict))
                        || (matches!(of_wide, None | Some(Mode::Unset)) && of_mesh == Some(Mode::Strict));
                    if !is_said {
                        ambient.strict.push(*port);
                    }
                }
                Mode::Permissive | Mode::Disable => {
                    let is_idle = policy.mode == Mode::Unset && is_idle;
                    if !matches!(policy.mode, Mode::Permissive | Mode::Disable) && !is_idle {
                        ambient.open.push(*port);
                    }
                }
                Mode::Unset => {}
            }
        }
        ambient.is_strict = policy.mode == Mode::Strict || (inherits && !ambient.open.is_empty());
        let is_made = !ambient.strict.is_empty() || !ambient.open.is_empty();
        if !is_made {
            (ambient.is_missing, ambient.is_strict) = (true, false);
        }
        ambient
    }
}
