//! `PeerAuthentication`: what the proxy of a server takes in.
//!
//! Sources: istio.io/istio `pilot/pkg/model/authentication.go` (`addPeerAuthentication`, `GetNamespaceMutualTLSMode`) and
//! `pilot/pkg/security/authn/policy_applier.go` (`ComposePeerAuthentication`).

use std::collections::{BTreeMap, HashMap};

use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;

use crate::place::{Misread, Pairs, Place, created, is_subset};
use crate::quirks::Release;
use crate::reader::{At, Reader};
use crate::workloads::{Workload, namespace_of};

/// The API group of policies.
pub const GROUP: &str = "security.istio.io";

/// What a server takes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// What the next wider scope says.
    #[default]
    Unset,
    /// Everything goes to the application as it comes.
    Disable,
    /// Mutual TLS of the mesh, and everything else too.
    Permissive,
    /// Mutual TLS of the mesh alone.
    Strict,
}

impl Mode {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unset => "UNSET",
            Self::Disable => "DISABLE",
            Self::Permissive => "PERMISSIVE",
            Self::Strict => "STRICT",
        }
    }
}

/// In protobuf's order.
const MODES: [(&str, Mode); 4] = [
    ("UNSET", Mode::Unset),
    ("DISABLE", Mode::Disable),
    ("PERMISSIVE", Mode::Permissive),
    ("STRICT", Mode::Strict),
];

/// A `PeerAuthentication`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerAuthentication {
    /// The object's index in the snapshot.
    pub object: usize,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// When it was made, in seconds since 1970. What does not say is not there yet, and will be younger than all that is.
    pub created: Option<i64>,
    /// Whether `selector` is there at all. Ambient tells one without labels from none.
    pub has_selector: bool,
    /// Which labels its workloads have; empty for all.
    pub selector: Pairs,
    /// `mtls.mode`.
    pub mode: Mode,
    /// `portLevelMtls`: by the port of the container.
    pub ports: BTreeMap<u16, Mode>,
}

impl PeerAuthentication {
    /// Reads an object, if it is one. What is of a wrong type is told, and is as if it were not there.
    pub fn read(object: &Object, index: usize, misread: &mut Vec<Misread>) -> Option<Self> {
        if !object.is(GROUP, "PeerAuthentication") {
            return None;
        }
        let mut reader = Reader { object: index, misread };
        let mut policy = Self {
            object: index,
            namespace: namespace_of(object).to_owned(),
            name: object.id.name.clone(),
            created: created(object),
            has_selector: false,
            selector: Pairs::new(),
            mode: Mode::Unset,
            ports: BTreeMap::new(),
        };
        let Some(spec) = reader.mapping(&At::root(object), "spec") else { return Some(policy) };
        if let Some(selector) = reader.mapping(&spec, "selector") {
            policy.has_selector = true;
            policy.selector = reader.pairs(&selector, "matchLabels").unwrap_or_default();
        }
        let mode =
            |reader: &mut Reader<'_>, at: &At<'_>| reader.one_of(at, "mode", &MODES).unwrap_or_default();
        if let Some(mtls) = reader.mapping(&spec, "mtls") {
            policy.mode = mode(&mut reader, &mtls);
        }
        if let Some(ports) = reader.mapping(&spec, "portLevelMtls") {
            for entry in ports.node.entries() {
                let at = At { node: entry.value, path: ports.path.clone().key(entry.key) };
                let Some(port) = entry.key.parse().ok().filter(|port| *port != 0_u16) else {
                    reader.wrong(&at, format!("\"{}\" is no port from 1 to 65535", entry.key));
                    continue;
                };
                let mtls = (!at.node.is_null()).then(|| reader.mapping(&ports, entry.key)).flatten();
                let of_port = mtls.map(|at| mode(&mut reader, &at)).unwrap_or_default();
                policy.ports.insert(port, of_port);
            }
        }
        Some(policy)
    }

    /// Whether it is for all workloads of its namespace.
    pub fn is_wide(&self) -> bool {
        self.selector.is_empty()
    }

    /// The place of `mtls.mode`.
    pub fn mode_place(&self) -> Place {
        Place { object: self.object, path: FieldPath::keys(&["spec", "mtls", "mode"]) }
    }

    /// The place of a port's mode.
    pub fn port_place(&self, port: u16) -> Place {
        let path = FieldPath::keys(&["spec", "portLevelMtls", &port.to_string(), "mode"]);
        Place { object: self.object, path }
    }

    /// Sorts by age, the oldest first.
    pub(crate) fn age(&self) -> (bool, Option<i64>) {
        (self.created.is_none(), self.created)
    }

    /// What decides which of two counts: the older one, then by name, then by namespace.
    fn order(&self) -> ((bool, Option<i64>), &str, &str, usize) {
        (self.age(), &self.name, &self.namespace, self.object)
    }
}

/// Where a policy stands among the others of [`Peers::all`].
type Index = usize;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct OfNamespace {
    /// All of them, in the order that counts.
    all: Vec<Index>,
    wide: Option<Index>,
    /// Those with a selector, by one of its labels; each list in the order that counts.
    by_label: HashMap<(Box<str>, Box<str>), Vec<Index>>,
}

/// A policy that another one of the same scope puts aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Loser {
    /// The one that does nothing, by its place in [`Peers::all`].
    pub policy: usize,
    /// The one that counts.
    pub winner: usize,
}

/// All `PeerAuthentication` objects of a mesh.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peers {
    /// In the order that counts: the older ones first, then by name and namespace.
    pub all: Vec<PeerAuthentication>,
    root: String,
    /// The release of Istio, where it is known.
    release: Option<Release>,
    namespaces: HashMap<String, OfNamespace>,
    /// Those for a whole namespace, or the mesh, that an older one puts aside.
    pub losers: Vec<Loser>,
    /// Those with a selector in the root namespace: they are for nobody.
    pub ignored: Vec<usize>,
}

/// What a workload takes in, and by which policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// On ports that nothing more is said of.
    pub mode: Mode,
    /// The policy that says so, by its place in [`Peers::all`]; nothing where none does.
    pub decider: Option<usize>,
    /// On ports of which the workload's policy says more; the policy decides where it does not leave it to the mode.
    pub ports: BTreeMap<u16, (Mode, bool)>,
    /// The policy for the mesh.
    pub mesh: Option<usize>,
    /// The policy for the namespace.
    pub namespace: Option<usize>,
    /// The policy for the workload.
    pub workload: Option<usize>,
    /// Further policies for the workload, which an older one puts aside.
    pub losers: Vec<usize>,
}

impl Folded {
    /// What it takes in on a port of a container.
    pub fn of_port(&self, port: u16) -> Mode {
        self.ports.get(&port).map_or(self.mode, |(mode, _)| *mode)
    }

    /// Where that is written; nothing where no policy says anything, which is PERMISSIVE.
    pub fn place(&self, peers: &Peers, port: u16) -> Option<Place> {
        if let (Some((_, true)), Some(policy)) = (self.ports.get(&port), self.workload) {
            return peers.all.get(policy).map(|policy| policy.port_place(port));
        }
        self.decider.and_then(|policy| peers.all.get(policy)).map(PeerAuthentication::mode_place)
    }

    /// The ports that the policy names and no container has: what it says of them does nothing. Of a workload that declares no
    /// ports nothing is known.
    pub fn ports_of_nobody(&self, workload: &Workload) -> Vec<u16> {
        let has = |port: &u16| workload.ports.iter().any(|own| own.number == *port);
        let named = self.ports.keys().copied().filter(|port| !has(port));
        if workload.ports.is_empty() { Vec::new() } else { named.collect() }
    }
}

impl Peers {
    /// Takes them all together; their order does not matter. Costs a sort.
    pub fn new(mut all: Vec<PeerAuthentication>, root: &str) -> Self {
        all.sort_by(|a, b| a.order().cmp(&b.order()));
        let mut peers = Self { root: root.to_owned(), ..Self::default() };
        for (index, policy) in all.iter().enumerate() {
            let of = peers.namespaces.entry(policy.namespace.clone()).or_default();
            of.all.push(index);
            match (policy.selector.first(), of.wide) {
                (None, None) => of.wide = Some(index),
                (None, Some(winner)) => peers.losers.push(Loser { policy: index, winner }),
                (Some(_), _) if policy.namespace == root => peers.ignored.push(index),
                (Some(label), _) => of.by_label.entry(label.clone()).or_default().push(index),
            }
        }
        peers.all = all;
        peers
    }

    /// Whether nothing but the names decides which of two policies counts: both are of one time, or of none, as all objects are that are in
    /// files and not in a cluster yet.
    pub fn is_tie(&self, one: usize, other: usize) -> bool {
        let created = |index: usize| self.all.get(index).map(|policy| policy.created);
        created(one) == created(other)
    }

    /// The same for another release of Istio.
    #[must_use]
    pub fn of_release(self, release: Option<Release>) -> Self {
        Self { release, ..self }
    }

    /// The release of Istio, where it is known.
    pub fn release(&self) -> Option<Release> {
        self.release
    }

    /// The namespace whose policy is for the whole mesh.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The policies of a namespace, in the order that counts.
    pub(crate) fn of(&self, namespace: &str) -> impl Iterator<Item = (usize, &PeerAuthentication)> {
        let own = self.namespaces.get(namespace).map_or(&[][..], |own| &own.all);
        own.iter().map(|index| (*index, &self.all[*index]))
    }

    fn wide(&self, namespace: &str) -> Option<Index> {
        self.namespaces.get(namespace)?.wide
    }

    /// What a workload with these labels takes in. Costs a look-up for each label, and a look at the policies that share one.
    pub fn fold(&self, namespace: &str, labels: &Pairs) -> Folded {
        let mesh = self.wide(&self.root);
        let own = if namespace == self.root { None } else { self.namespaces.get(namespace) };
        let mut of_workload: Vec<Index> = Vec::new();
        if let Some(own) = own.filter(|own| !own.by_label.is_empty()) {
            for label in labels {
                of_workload.extend(own.by_label.get(label).into_iter().flatten().copied());
            }
            of_workload.retain(|index| is_subset(&self.all[*index].selector, labels));
            of_workload.sort_unstable();
        }
        let mut losers = of_workload.into_iter();
        let (namespace, workload) = (own.and_then(|own| own.wide), losers.next());
        let mut folded = Folded {
            mode: Mode::Permissive,
            decider: None,
            ports: BTreeMap::new(),
            mesh,
            namespace,
            workload,
            losers: losers.collect(),
        };
        for index in [mesh, namespace, workload].into_iter().flatten() {
            if self.all[index].mode != Mode::Unset {
                (folded.mode, folded.decider) = (self.all[index].mode, Some(index));
            }
        }
        if let Some(index) = workload {
            let of_port = |(port, mode): (&u16, &Mode)| match mode {
                Mode::Unset => (*port, (folded.mode, false)),
                mode => (*port, (*mode, true)),
            };
            folded.ports = self.all[index].ports.iter().map(of_port).collect();
        }
        folded
    }

    /// What clients take a service of the namespace to accept, who look at the policies of namespace and mesh alone; and the
    /// policy that says so.
    pub fn of_namespace(&self, namespace: &str) -> (Mode, Option<usize>) {
        let own = if namespace == self.root { None } else { self.wide(namespace) };
        let says = |index: &Index| self.all[*index].mode != Mode::Unset;
        let decider = own.filter(says).or_else(|| self.wide(&self.root).filter(says));
        (decider.map_or(Mode::Permissive, |index| self.all[index].mode), decider)
    }
}
