//! Policies of all kinds in one shape.
//!
//! Decoding does what the API server does when it stores an object: `policyTypes` are completed, a port without protocol is one of
//! TCP, empty lists are missing ones. What the API server would refuse is said as a [`Refusal`], and the rest of the policy is still read: a
//! peer or port that means nothing matches nothing.

use ringwall_model::address::Block;
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::selector::Selector;
use ringwall_model::text::Span;
use ringwall_model::tree::{Kind, Node};

use crate::port::{PortMatch, Protocol};

/// Which kind of policy it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PolicyKind {
    /// `networking.k8s.io/v1`.
    NetworkPolicy,
    /// `policy.networking.k8s.io/v1alpha1`, before all NetworkPolicies.
    AdminNetworkPolicy,
    /// `policy.networking.k8s.io/v1alpha1`, behind all NetworkPolicies.
    BaselineAdminNetworkPolicy,
    /// `policy.networking.k8s.io/v1alpha2`, in the tier that it states.
    ClusterNetworkPolicy,
}

impl PolicyKind {
    /// The kind of an object, if it is a policy that this ring knows.
    pub fn of(object: &Object) -> Option<Self> {
        match (object.id.group.as_str(), object.version.as_str(), object.id.kind.as_str()) {
            ("networking.k8s.io" | "extensions", _, "NetworkPolicy") => Some(Self::NetworkPolicy),
            ("policy.networking.k8s.io", _, "AdminNetworkPolicy") => Some(Self::AdminNetworkPolicy),
            ("policy.networking.k8s.io", _, "BaselineAdminNetworkPolicy") => {
                Some(Self::BaselineAdminNetworkPolicy)
            }
            ("policy.networking.k8s.io", _, "ClusterNetworkPolicy") => Some(Self::ClusterNetworkPolicy),
            _ => None,
        }
    }
}

/// When a policy is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tier {
    /// Before NetworkPolicies.
    Admin,
    /// NetworkPolicies: what they isolate, they decide.
    Namespaced,
    /// Where no NetworkPolicy isolates.
    Baseline,
}

/// One of the two sides at which traffic is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// At the receiver.
    Ingress,
    /// At the sender.
    Egress,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ingress, Self::Egress];

    /// The key of a policy's rules.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }

    /// The other one.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Ingress => Self::Egress,
            Self::Egress => Self::Ingress,
        }
    }

    /// Of what is the sender's and what is the receiver's, first that at which this direction is judged, and then the other; and given that
    /// and the other, the sender's and the receiver's.
    pub fn sides<T>(self, source: T, destination: T) -> (T, T) {
        match self {
            Self::Ingress => (destination, source),
            Self::Egress => (source, destination),
        }
    }

    /// The key of a rule's peers.
    pub const fn peers_key(self) -> &'static str {
        match self {
            Self::Ingress => "from",
            Self::Egress => "to",
        }
    }
}

/// What a rule says of traffic that it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// It is allowed.
    Allow,
    /// It is denied.
    Deny,
    /// The next tier decides.
    Pass,
}

/// A policy.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its kind.
    pub kind: PolicyKind,
    /// The object's index in the snapshot.
    pub object: usize,
    /// The namespace of a NetworkPolicy.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// When it is asked.
    pub tier: Tier,
    /// Order in its tier; lower is asked first. Nothing to NetworkPolicies.
    pub priority: i64,
    /// The pods that it is about.
    pub subject: Vec<PodSet>,
    /// Rules for what the pods receive; `None` where the policy says nothing of it.
    pub ingress: Option<Vec<Rule>>,
    /// Rules for what the pods send.
    pub egress: Option<Vec<Rule>>,
}

impl Policy {
    /// The order in which policies are asked. Of two with one priority the API says nothing; the reference asks them by name.
    pub fn order(&self) -> impl Ord + '_ {
        (self.tier, self.priority, self.kind, &self.namespace, &self.name)
    }

    /// The rules for a direction; `None` where the policy says nothing of it.
    pub fn rules(&self, direction: Direction) -> Option<&[Rule]> {
        match direction {
            Direction::Ingress => self.ingress.as_deref(),
            Direction::Egress => self.egress.as_deref(),
        }
    }

    /// Where a rule stands in the object.
    pub fn rule_path(direction: Direction, rule: usize) -> FieldPath {
        FieldPath::keys(&["spec", direction.key()]).index(rule)
    }

    /// Where a peer stands in the object.
    pub fn peer_path(direction: Direction, rule: usize, peer: usize) -> FieldPath {
        Self::rule_path(direction, rule).key(direction.peers_key()).index(peer)
    }
}

/// Pods by the labels of their namespaces and their own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PodSet {
    /// Which namespaces.
    pub namespaces: Namespaces,
    /// Which pods in these.
    pub pods: Selector,
}

/// Namespaces by name or labels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Namespaces {
    /// That of the policy.
    Own(String),
    /// Those with the labels.
    Selected(Selector),
}

/// One rule, in its place in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What it says of what it matches.
    pub action: Action,
    /// Whom it is about; `None` for everyone, in the cluster and outside.
    pub peers: Option<Vec<Peer>>,
    /// The traffic that it is about; `None` for any.
    pub ports: Option<Vec<PortMatch>>,
}

/// The other side of traffic.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    /// Pods, but none on the network of its node.
    Pods(PodSet),
    /// Addresses, those of pods among them.
    Addresses {
        /// These blocks.
        blocks: Vec<Block>,
        /// But not these.
        except: Vec<Block>,
    },
    /// Addresses of nodes, by the labels of these.
    Nodes(Selector),
    /// Names, whose addresses nothing here tells.
    Domains(Vec<String>),
    /// What the API server would refuse: it matches nothing.
    Nothing,
}

impl Peer {
    /// The set of pods that it is, if it is one.
    pub const fn pods(&self) -> Option<&PodSet> {
        match self {
            Self::Pods(set) => Some(set),
            _ => None,
        }
    }
}

/// What the API server would refuse in a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The field, from the object.
    pub path: FieldPath,
    /// Where it is written.
    pub span: Span,
    /// What is wrong, as a sentence without full stop.
    pub message: String,
}

/// Reads the policy in an object; `None` where the object is none, or says nothing of whom it is about.
pub fn decode(object: &Object, index: usize, refusals: &mut Vec<Refusal>) -> Option<Policy> {
    let kind = PolicyKind::of(object)?;
    let mut reader = Reader { refusals };
    match kind {
        PolicyKind::NetworkPolicy => reader.network_policy(object, index),
        _ => reader.cluster_policy(kind, object, index),
    }
}

/// Whether a port can have the name. Source: `IsValidPortName` in k8s.io/apimachinery `pkg/util/validation/validation.go`.
fn is_port_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    (1..=15).contains(&bytes.len())
        && bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
        && bytes.iter().any(u8::is_ascii_lowercase)
        && !name.contains("--")
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// A field that is there.
fn field<'t>(node: Node<'t>, key: &str) -> Option<Node<'t>> {
    node.get(key).filter(|node| !node.is_null())
}

struct Reader<'f> {
    refusals: &'f mut Vec<Refusal>,
}

impl Reader<'_> {
    fn refuse(&mut self, path: FieldPath, node: Node<'_>, message: impl Into<String>) {
        self.refusals.push(Refusal { path, span: node.span(), message: message.into() });
    }

    /// A selector, or nothing and a word about why.
    fn selector(&mut self, node: Node<'_>, path: &FieldPath) -> Option<Selector> {
        match Selector::compile(node) {
            Ok(selector) => Some(selector),
            Err(error) => {
                let path = path.clone().join(&error.path);
                self.refusals.push(Refusal { path, span: error.span, message: error.message });
                None
            }
        }
    }

    /// The items of a list that is there; an empty list is none.
    fn list<'t>(&mut self, node: Node<'t>, key: &str, path: &FieldPath) -> Option<Vec<Node<'t>>> {
        let list = field(node, key)?;
        if list.kind() != Kind::Sequence {
            self.refuse(
                path.clone().key(key),
                list,
                format!("expected a list, got {}", list.kind().described()),
            );
            return Some(Vec::new());
        }
        Some(list.items().collect())
    }

    fn block(&mut self, node: Node<'_>, path: FieldPath) -> Option<Block> {
        let text = node.as_str().unwrap_or_default();
        let block = Block::parse(text);
        if block.is_none() {
            self.refuse(
                path,
                node,
                format!("\"{text}\" is no block of addresses, expected one as 10.0.0.0/8"),
            );
        }
        block
    }

    /// A number of a port, from 1 to 65535.
    fn number(&mut self, node: Node<'_>, path: FieldPath) -> Option<u16> {
        let number = node.as_i64().and_then(|number| u16::try_from(number).ok()).filter(|number| *number > 0);
        if number.is_none() {
            self.refuse(path, node, "expected a port from 1 to 65535");
        }
        number
    }

    fn protocol(&mut self, node: Option<Node<'_>>, path: &FieldPath) -> Option<Protocol> {
        let Some(node) = node else { return Some(Protocol::Tcp) };
        let protocol = match node.as_str().unwrap_or_default() {
            "" => Some(Protocol::Tcp),
            text => Protocol::parse(text),
        };
        if protocol.is_none() {
            self.refuse(path.clone().key("protocol"), node, "expected TCP, UDP or SCTP");
        }
        protocol
    }

    // NetworkPolicy

    fn network_policy(&mut self, object: &Object, index: usize) -> Option<Policy> {
        let namespace = object.id.namespace.clone().unwrap_or_else(|| "default".to_owned());
        let path = FieldPath::keys(&["spec"]);
        let root = object.root();
        let spec = field(root, "spec").unwrap_or(root);
        let has_spec = field(root, "spec").is_some();
        let pods = match field(spec, "podSelector").filter(|_| has_spec) {
            Some(node) => self.selector(node, &path.clone().key("podSelector"))?,
            None => Selector::everything(),
        };
        let (mut ingress, mut egress) = if has_spec {
            (
                self.network_rules(spec, Direction::Ingress, &namespace, &path),
                self.network_rules(spec, Direction::Egress, &namespace, &path),
            )
        } else {
            (Vec::new(), Vec::new())
        };
        let types = if has_spec { self.list(spec, "policyTypes", &path) } else { None }.unwrap_or_default();
        let (mut is_ingress, mut is_egress) = (types.is_empty(), types.is_empty() && !egress.is_empty());
        for (at, node) in types.iter().enumerate() {
            match node.as_str() {
                Some("Ingress") => is_ingress = true,
                Some("Egress") => is_egress = true,
                _ => {
                    self.refuse(
                        path.clone().key("policyTypes").index(at),
                        *node,
                        "expected Ingress or Egress",
                    );
                }
            }
        }
        if !is_ingress {
            ingress.clear();
        }
        if !is_egress {
            egress.clear();
        }
        Some(Policy {
            kind: PolicyKind::NetworkPolicy,
            object: index,
            subject: vec![PodSet { namespaces: Namespaces::Own(namespace.clone()), pods }],
            namespace: Some(namespace),
            name: object.id.name.clone(),
            tier: Tier::Namespaced,
            priority: 0,
            ingress: is_ingress.then_some(ingress),
            egress: is_egress.then_some(egress),
        })
    }

    fn network_rules(
        &mut self,
        spec: Node<'_>,
        direction: Direction,
        namespace: &str,
        path: &FieldPath,
    ) -> Vec<Rule> {
        let nodes = self.list(spec, direction.key(), path).unwrap_or_default();
        let rule = |(at, node): (usize, &Node<'_>)| {
            let path = path.clone().key(direction.key()).index(at);
            let peers = self.list(*node, direction.peers_key(), &path).filter(|peers| !peers.is_empty());
            let peers = peers.map(|peers| {
                let path = path.clone().key(direction.peers_key());
                let peer = |(at, node): (usize, &Node<'_>)| {
                    self.network_peer(*node, namespace, &path.clone().index(at)).unwrap_or(Peer::Nothing)
                };
                peers.iter().enumerate().map(peer).collect()
            });
            let ports = self.list(*node, "ports", &path).filter(|ports| !ports.is_empty());
            let ports = ports.map(|ports| {
                let path = path.clone().key("ports");
                let port = |(at, node): (usize, &Node<'_>)| {
                    self.network_port(*node, &path.clone().index(at)).unwrap_or(PortMatch::Nothing)
                };
                ports.iter().enumerate().map(port).collect()
            });
            Rule { action: Action::Allow, peers, ports }
        };
        nodes.iter().enumerate().map(rule).collect()
    }

    fn network_peer(&mut self, node: Node<'_>, namespace: &str, path: &FieldPath) -> Option<Peer> {
        let (pods, namespaces) = (field(node, "podSelector"), field(node, "namespaceSelector"));
        if let Some(block) = field(node, "ipBlock") {
            let path = path.clone().key("ipBlock");
            if pods.is_some() || namespaces.is_some() {
                self.refuse(path, block, "an ipBlock stands alone: no selector may be beside it");
                return None;
            }
            let cidr = field(block, "cidr").unwrap_or(block);
            let cidr = self.block(cidr, path.clone().key("cidr"))?;
            let mut except = Vec::new();
            for (at, node) in self.list(block, "except", &path).unwrap_or_default().into_iter().enumerate() {
                let path = path.clone().key("except").index(at);
                let Some(inner) = self.block(node, path.clone()) else { continue };
                if !cidr.covers(inner) || inner.prefix == cidr.prefix {
                    self.refuse(path, node, format!("must be a part of {cidr} and not all of it"));
                }
                except.push(inner);
            }
            return Some(Peer::Addresses { blocks: vec![cidr], except });
        }
        if pods.is_none() && namespaces.is_none() {
            self.refuse(path.clone(), node, "a peer needs a podSelector, a namespaceSelector or an ipBlock");
            return None;
        }
        let namespaces = match namespaces {
            Some(node) => Namespaces::Selected(self.selector(node, &path.clone().key("namespaceSelector"))?),
            None => Namespaces::Own(namespace.to_owned()),
        };
        let pods = match pods {
            Some(node) => self.selector(node, &path.clone().key("podSelector"))?,
            None => Selector::everything(),
        };
        Some(Peer::Pods(PodSet { namespaces, pods }))
    }

    fn network_port(&mut self, node: Node<'_>, path: &FieldPath) -> Option<PortMatch> {
        let protocol = self.protocol(field(node, "protocol"), path)?;
        let end = field(node, "endPort");
        let Some(port) = field(node, "port") else {
            if let Some(end) = end {
                self.refuse(path.clone().key("endPort"), end, "needs a port beside it");
            }
            return Some(PortMatch::any(protocol));
        };
        if let Some(name) = port.as_str() {
            if let Some(end) = end {
                self.refuse(path.clone().key("endPort"), end, "needs a port that is a number");
            }
            if !is_port_name(name) {
                let message = match name.parse::<u16>() {
                    Ok(_) => format!(
                        "\"{name}\" in quotes is a name and no number, and a name of a port needs a letter"
                    ),
                    Err(_) => {
                        format!("\"{name}\" is no name of a port: up to 15 of a-z, 0-9 and -, with a letter")
                    }
                };
                self.refuse(path.clone().key("port"), port, message);
                return None;
            }
            return Some(PortMatch::Named { name: name.to_owned(), protocol: Some(protocol) });
        }
        let first = self.number(port, path.clone().key("port"))?;
        let last = match end {
            Some(end) => self.number(end, path.clone().key("endPort"))?,
            None => first,
        };
        if let Some(end) = end.filter(|_| last < first) {
            self.refuse(
                path.clone().key("endPort"),
                end,
                format!("must not be below port, which is {first}"),
            );
            return None;
        }
        Some(PortMatch::Range { protocol, first, last })
    }

    // AdminNetworkPolicy, BaselineAdminNetworkPolicy, ClusterNetworkPolicy

    fn cluster_policy(&mut self, kind: PolicyKind, object: &Object, index: usize) -> Option<Policy> {
        let path = FieldPath::keys(&["spec"]);
        let root = object.root();
        let Some(spec) = field(root, "spec") else {
            self.refuse(path, root, "a policy needs a spec");
            return None;
        };
        let tier = match kind {
            PolicyKind::BaselineAdminNetworkPolicy => Tier::Baseline,
            PolicyKind::ClusterNetworkPolicy => match spec.str_at(&["tier"]) {
                Some("Admin") => Tier::Admin,
                Some("Baseline") => Tier::Baseline,
                _ => {
                    let node = field(spec, "tier").unwrap_or(spec);
                    self.refuse(path.key("tier"), node, "expected Admin or Baseline");
                    return None;
                }
            },
            _ => Tier::Admin,
        };
        if kind == PolicyKind::BaselineAdminNetworkPolicy && object.id.name != "default" {
            let name = root.at(&["metadata", "name"]).unwrap_or(root);
            self.refuse(
                FieldPath::keys(&["metadata", "name"]),
                name,
                "there is one BaselineAdminNetworkPolicy, which is called \"default\"",
            );
        }
        let priority = if kind == PolicyKind::BaselineAdminNetworkPolicy {
            0
        } else {
            let node = field(spec, "priority").unwrap_or(spec);
            match node.as_i64().filter(|priority| (0..=1000).contains(priority)) {
                Some(priority) => priority,
                None => {
                    self.refuse(path.clone().key("priority"), node, "expected a number from 0 to 1000");
                    return None;
                }
            }
        };
        let subject_path = path.clone().key("subject");
        let Some(subject) = field(spec, "subject") else {
            self.refuse(subject_path, spec, "a policy needs a subject");
            return None;
        };
        let subject = self.pod_set(subject, &subject_path, &["namespaces", "pods"])?;
        Some(Policy {
            kind,
            object: index,
            namespace: None,
            name: object.id.name.clone(),
            tier,
            priority,
            subject: vec![subject],
            ingress: Some(self.cluster_rules(kind, spec, Direction::Ingress, &path)),
            egress: Some(self.cluster_rules(kind, spec, Direction::Egress, &path)),
        })
    }

    /// Says of each field of `node` that is none of `known`, and of more or fewer than one.
    fn one_of(&mut self, node: Node<'_>, path: &FieldPath, known: &[&str]) -> Option<()> {
        let mut given = 0;
        let mut strange = false;
        for entry in node.entries().filter(|entry| !entry.value.is_null()) {
            if known.contains(&entry.key) {
                given += 1;
            } else {
                strange = true;
                let message = format!("no such field in this version, expected one of {}", known.join(", "));
                self.refuse(path.clone().key(entry.key), entry.value, message);
            }
        }
        if given != 1 && !strange {
            self.refuse(path.clone(), node, format!("expected exactly one of {}", known.join(", ")));
        }
        (given == 1 && !strange).then_some(())
    }

    /// Pods as `namespaces` or `pods` describe them.
    fn pod_set(&mut self, node: Node<'_>, path: &FieldPath, known: &[&str]) -> Option<PodSet> {
        self.one_of(node, path, known)?;
        if let Some(namespaces) = field(node, "namespaces") {
            let path = path.clone().key("namespaces");
            self.only(namespaces, &path, &["matchLabels", "matchExpressions"])?;
            let selector = self.selector(namespaces, &path)?;
            return Some(PodSet { namespaces: Namespaces::Selected(selector), pods: Selector::everything() });
        }
        let pods = field(node, "pods")?;
        let path = path.clone().key("pods");
        self.only(pods, &path, &["namespaceSelector", "podSelector"])?;
        let mut selector = |key: &str| match field(pods, key) {
            Some(node) => {
                let path = path.clone().key(key);
                self.only(node, &path, &["matchLabels", "matchExpressions"])?;
                self.selector(node, &path)
            }
            None => Some(Selector::everything()),
        };
        let namespaces = Namespaces::Selected(selector("namespaceSelector")?);
        Some(PodSet { namespaces, pods: selector("podSelector")? })
    }

    /// Says of each field that is none of `known`: what an older version of the API had there must not become a selector of all.
    fn only(&mut self, node: Node<'_>, path: &FieldPath, known: &[&str]) -> Option<()> {
        let mut fine = true;
        for entry in node.entries().filter(|entry| !known.contains(&entry.key)) {
            fine = false;
            let message = format!("no such field in this version, expected {}", known.join(" or "));
            self.refuse(path.clone().key(entry.key), entry.value, message);
        }
        fine.then_some(())
    }

    fn cluster_rules(
        &mut self,
        kind: PolicyKind,
        spec: Node<'_>,
        direction: Direction,
        path: &FieldPath,
    ) -> Vec<Rule> {
        let nodes = self.list(spec, direction.key(), path).unwrap_or_default();
        let path = path.clone().key(direction.key());
        nodes
            .iter()
            .enumerate()
            .map(|(at, node)| self.cluster_rule(kind, *node, direction, &path.clone().index(at)))
            .collect()
    }

    fn cluster_rule(
        &mut self,
        kind: PolicyKind,
        node: Node<'_>,
        direction: Direction,
        path: &FieldPath,
    ) -> Rule {
        let newer = kind == PolicyKind::ClusterNetworkPolicy;
        let allow = if newer { "Accept" } else { "Allow" };
        let action = match node.str_at(&["action"]).unwrap_or_default() {
            "Deny" => Action::Deny,
            "Pass" if kind != PolicyKind::BaselineAdminNetworkPolicy => Action::Pass,
            text if text == allow => Action::Allow,
            _ => {
                let at = field(node, "action").unwrap_or(node);
                let expected = match kind {
                    PolicyKind::BaselineAdminNetworkPolicy => "expected Allow or Deny".to_owned(),
                    _ => format!("expected {allow}, Deny or Pass"),
                };
                self.refuse(path.clone().key("action"), at, expected);
                // A rule of which nobody knows what it says must not open anything.
                return Rule { action: Action::Deny, peers: None, ports: None };
            }
        };
        let peers_path = path.clone().key(direction.peers_key());
        let nodes = self.list(node, direction.peers_key(), path).unwrap_or_default();
        if nodes.is_empty() {
            self.refuse(peers_path.clone(), node, "expected at least one peer");
        }
        let mut peers = Vec::with_capacity(nodes.len());
        let mut closed = false;
        for (at, node) in nodes.iter().enumerate() {
            let peer = self.cluster_peer(*node, direction, &peers_path.clone().index(at));
            closed |= peer.is_none();
            peers.push(peer.unwrap_or(Peer::Nothing));
        }
        let key = if newer { "protocols" } else { "ports" };
        self.only(node, path, &["name", "action", direction.peers_key(), key]);
        let ports = self.list(node, key, path).filter(|ports| !ports.is_empty()).map(|nodes| {
            let path = path.clone().key(key);
            let mut ports = Vec::with_capacity(nodes.len());
            for (at, node) in nodes.iter().enumerate() {
                let path = path.clone().index(at);
                let port =
                    if newer { self.protocol_match(*node, &path) } else { self.admin_port(*node, &path) };
                ports.push(port.unwrap_or(PortMatch::Nothing));
            }
            ports
        });
        // "For Accept rules, fail closed means: treat the rule as matching no traffic. For Deny and Pass rules: treat the rule as a
        // Deny all rule." Source: the comment of ClusterNetworkPolicyIngressPeer in sigs.k8s.io/network-policy-api
        // `apis/v1alpha2/clusternetworkpolicy_types.go`.
        match (closed, action) {
            (true, Action::Allow) => Rule { action, peers: Some(Vec::new()), ports },
            (true, _) => Rule { action: Action::Deny, peers: None, ports: None },
            (false, _) => Rule { action, peers: Some(peers), ports },
        }
    }

    fn cluster_peer(&mut self, node: Node<'_>, direction: Direction, path: &FieldPath) -> Option<Peer> {
        const KNOWN: [&str; 5] = ["namespaces", "pods", "nodes", "networks", "domainNames"];
        let known = if direction == Direction::Ingress { &KNOWN[..2] } else { &KNOWN };
        if direction == Direction::Egress {
            if let Some(nodes) = field(node, "nodes") {
                self.one_of(node, path, known)?;
                return Some(Peer::Nodes(self.selector(nodes, &path.clone().key("nodes"))?));
            }
            if field(node, "networks").is_some() {
                self.one_of(node, path, known)?;
                let path = path.clone().key("networks");
                let nodes: Vec<Node<'_>> = node.get("networks").into_iter().flat_map(Node::items).collect();
                let mut blocks = Vec::with_capacity(nodes.len());
                for (at, node) in nodes.into_iter().enumerate() {
                    blocks.push(self.block(node, path.clone().index(at))?);
                }
                return Some(Peer::Addresses { blocks, except: Vec::new() });
            }
            if let Some(names) = field(node, "domainNames") {
                self.one_of(node, path, known)?;
                let names = names.items().filter_map(Node::as_str).map(str::to_owned).collect();
                return Some(Peer::Domains(names));
            }
        }
        self.pod_set(node, path, known).map(Peer::Pods)
    }

    /// Source: `AdminNetworkPolicyPort` in sigs.k8s.io/network-policy-api `apis/v1alpha1/shared_types.go`.
    fn admin_port(&mut self, node: Node<'_>, path: &FieldPath) -> Option<PortMatch> {
        self.one_of(node, path, &["portNumber", "namedPort", "portRange"])?;
        if let Some(name) = field(node, "namedPort") {
            let name = name.as_str().unwrap_or_default().to_owned();
            return Some(PortMatch::Named { name, protocol: None });
        }
        if let Some(port) = field(node, "portNumber") {
            let path = path.clone().key("portNumber");
            let protocol = self.protocol(field(port, "protocol"), &path)?;
            let number = self.number(field(port, "port").unwrap_or(port), path.key("port"))?;
            return Some(PortMatch::Range { protocol, first: number, last: number });
        }
        let range = field(node, "portRange")?;
        let path = path.clone().key("portRange");
        let protocol = self.protocol(field(range, "protocol"), &path)?;
        self.range(range, &path).map(|(first, last)| PortMatch::Range { protocol, first, last })
    }

    fn range(&mut self, node: Node<'_>, path: &FieldPath) -> Option<(u16, u16)> {
        let first = self.number(field(node, "start").unwrap_or(node), path.clone().key("start"))?;
        let end = field(node, "end").unwrap_or(node);
        let last = self.number(end, path.clone().key("end"))?;
        if last <= first {
            self.refuse(path.clone().key("end"), end, format!("must be above start, which is {first}"));
        }
        (first <= last).then_some((first, last))
    }

    /// Source: `ClusterNetworkPolicyProtocol` in sigs.k8s.io/network-policy-api `apis/v1alpha2/clusternetworkpolicy_types.go`.
    fn protocol_match(&mut self, node: Node<'_>, path: &FieldPath) -> Option<PortMatch> {
        self.one_of(node, path, &["tcp", "udp", "sctp", "destinationNamedPort"])?;
        if let Some(name) = field(node, "destinationNamedPort") {
            let name = name.as_str().unwrap_or_default().to_owned();
            return Some(PortMatch::Named { name, protocol: None });
        }
        let (key, protocol) = [("tcp", Protocol::Tcp), ("udp", Protocol::Udp), ("sctp", Protocol::Sctp)]
            .into_iter()
            .find(|(key, _)| field(node, key).is_some())?;
        let path = path.clone().key(key).key("destinationPort");
        let Some(port) = field(node, key).and_then(|node| field(node, "destinationPort")) else {
            return Some(PortMatch::any(protocol));
        };
        self.one_of(port, &path, &["number", "range"])?;
        if let Some(range) = field(port, "range") {
            let (first, last) = self.range(range, &path.key("range"))?;
            return Some(PortMatch::Range { protocol, first, last });
        }
        let number = self.number(field(port, "number")?, path.key("number"))?;
        Some(PortMatch::Range { protocol, first: number, last: number })
    }
}
