//! What ztunnel takes in, by the policies that istiod makes of `PeerAuthentication` objects for it.
//!
//! It differs from what sidecars make of them: see [`crate::ztunnel`], which makes the policies.

use crate::peer::{Mode, PeerAuthentication, Peers};
use crate::place::{Pairs, Place, is_subset};
use crate::ztunnel::{Around, Authorization, Connection, Counting, PeerBound, bound, convert};

/// What ztunnel takes in for a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ambient {
    /// Whether the static policy binds it that lets nothing in but mutual TLS.
    pub is_static: bool,
    /// The policy whose ports bind it in place of the static one, by its place in [`Peers::all`].
    pub of_ports: Option<usize>,
    /// Whether that is never sent, so that nothing holds.
    pub is_missing: bool,
    /// What that becomes.
    sent: Option<Authorization>,
    decider: Option<usize>,
}

impl Ambient {
    /// Whether nothing comes in at a port but mutual TLS.
    pub fn is_strict(&self, port: u16) -> bool {
        let nobody = Connection { peer: None, source: None, destination: None, port };
        self.is_static || self.sent.as_ref().is_some_and(|sent| sent.matching(&nobody).is_some())
    }

    /// Where it is written; nothing where no policy says anything.
    pub fn place(&self, peers: &Peers, port: u16) -> Option<Place> {
        // No port is 0, and no policy says anything of it.
        let is_other = || self.is_missing || self.is_strict(port) != self.is_strict(0);
        let named = |policy: &&PeerAuthentication| {
            policy.ports.get(&port).is_some_and(|mode| *mode != Mode::Unset) && is_other()
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
        let here = || self.of(namespace).filter(|_| !is_root);
        let wide = here().find(|(_, policy)| policy.is_wide());
        let own = here().find(|(_, policy)| !policy.is_wide() && is_subset(&policy.selector, labels));
        let says = |found: &(usize, &PeerAuthentication)| found.1.mode != Mode::Unset;
        let decider = [own, wide, mesh].into_iter().flatten().find(says).map(|(index, _)| index);
        let of = |found: Option<(usize, &'_ PeerAuthentication)>| found.map(|(index, _)| &self.all[index]);
        let by = bound(Counting { mesh: of(mesh), namespace: of(wide), own: of(own) });
        let mut ambient = Ambient {
            is_static: by == PeerBound::Static,
            of_ports: None,
            is_missing: false,
            sent: None,
            decider,
        };
        if let (PeerBound::Own, Some((index, policy))) = (by, own) {
            // The policy itself is made by itself, and sees only policies without any selector around it.
            let around = |wanted: &str| {
                self.of(wanted).map(|(_, other)| other).find(|other| !other.has_selector).map(|one| one.mode)
            };
            let around = Around { namespace: around(namespace), mesh: around(root) };
            ambient.of_ports = Some(index);
            ambient.sent = convert(policy, around, root, self.release());
            ambient.is_missing = ambient.sent.is_none();
        }
        ambient
    }
}
