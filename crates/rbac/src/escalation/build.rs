//! Makes the graph: what each thing gives, and which things give more together.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashMapExt as _};

use super::catalogue::{CATALOGUE, Fact, Holding, Place};
use super::graph::{Edge, Given, Graph, NodeId, PART_OF, profile};
use super::holder::{Held, Holder};
use super::table::{RightId, TABLE};
use super::targets::{all_at, bootstrap_groups};
use super::thing::{At, Identity, Thing, Which};
use crate::attributes::{MASTERS, SERVICE_ACCOUNTS};
use crate::matching::ALL;
use crate::model::{RoleKind, Rule};

/// The most roles that are tried for what a holder lacks in one request.
const MOST_ROLES: usize = 256;

/// Row numbers by id, for the rows that are followed here.
fn row(id: &str) -> u16 {
    CATALOGUE.iter().position(|row| row.id == id).map_or(PART_OF, |at| at as u16)
}

/// What a rule gives that allows everything.
pub(super) fn everything() -> Vec<Given> {
    let all = || vec![ALL.to_owned()];
    profile(&[Rule {
        verbs: all(),
        api_groups: all(),
        resources: all(),
        non_resource_urls: all(),
        ..Rule::default()
    }])
}

/// Makes the graph, and keeps what is needed to go on with it.
#[derive(Clone, Debug)]
pub(super) struct Builder {
    everything: Vec<Given>,
    rows: Rows,
    /// Pods by namespace.
    pods_in: BTreeMap<u32, Vec<u32>>,
    /// Accounts by namespace.
    accounts_in: BTreeMap<u32, Vec<u32>>,
    /// Joints of rights that are met in part, by the holder.
    completed: BTreeMap<NodeId, Vec<u32>>,
    /// How many roles that may be bound are joined.
    joined: usize,
    joined_parts: BTreeSet<(u16, At)>,
}

/// Rows that are followed here, by their place in the catalogue.
#[derive(Clone, Copy, Debug)]
struct Rows {
    rewritten: u16,
    any_account: u16,
    any_secret: u16,
    privileged: u16,
    tokens: u16,
    bootstrap: u16,
    pod_account: u16,
    pod_secrets: u16,
    pod_node: u16,
    node_logs: u16,
    node_pods: u16,
    node_secrets: u16,
    kubelet: u16,
    control_plane: u16,
    missing_account: u16,
}

impl Builder {
    pub(super) fn new(graph: &mut Graph<'_>) -> Self {
        let (mut pods_in, mut accounts_in): (BTreeMap<u32, Vec<u32>>, BTreeMap<u32, Vec<u32>>) =
            Default::default();
        for (at, pod) in graph.facts.pods.iter().enumerate() {
            let namespace = graph.name(&pod.namespace);
            pods_in.entry(namespace).or_default().push(at as u32);
        }
        for at in 0..graph.identities.len() {
            if let Identity::Account { namespace, .. } = &graph.identities[at] {
                let namespace = namespace.clone();
                accounts_in.entry(graph.name(&namespace)).or_default().push(at as u32);
            }
        }
        Self {
            everything: everything(),
            rows: Rows {
                rewritten: row("rights-of-rewritten-role"),
                any_account: row("pod-as-any-account"),
                any_secret: row("pod-mounts-any-secret"),
                privileged: row("privileged-pod"),
                tokens: row("tokens-in-secrets"),
                bootstrap: row("bootstrap-token-in-secret"),
                pod_account: row("account-of-pod"),
                pod_secrets: row("secrets-of-pod"),
                pod_node: row("pod-to-node"),
                node_logs: row("node-logs-by-symlink"),
                node_pods: row("node-reads-pods"),
                node_secrets: row("node-reads-secrets"),
                kubelet: row("kubelet-credentials"),
                control_plane: row("control-plane-node"),
                missing_account: row("become-made-account"),
            },
            pods_in,
            accounts_in,
            completed: BTreeMap::new(),
            joined: 0,
            joined_parts: BTreeSet::new(),
        }
    }

    /// Expands all identities and all that comes of them.
    pub(super) fn run(&mut self, graph: &mut Graph<'_>) {
        for identity in 0..graph.identities.len() as u32 {
            graph.node(Thing::Identity(identity));
        }
        for (at, pod) in graph.facts.pods.iter().enumerate() {
            if pod.writes_node_logs {
                let account =
                    Identity::Account { namespace: pod.namespace.clone(), name: pod.account.clone() };
                let Some(identity) = graph.identity(&account) else { continue };
                let start = graph.node(Thing::Start(identity));
                graph.contain(start, Thing::Identity(identity));
                let namespace = graph.name(&pod.namespace);
                if let Some(assumes) = graph.granted(&[Fact::InsideOfPod], At::In(namespace)) {
                    graph.follow(start, PART_OF, assumes, At::All, Thing::InPod(at as u32));
                }
            }
        }
        self.settle(graph);
    }

    /// Does what is to be done until nothing is.
    pub(super) fn settle(&mut self, graph: &mut Graph<'_>) {
        loop {
            // In the order in which they were found: what is found first is nearer.
            while !graph.todo.is_empty() {
                for node in std::mem::take(&mut graph.todo) {
                    self.expand(graph, node);
                }
            }
            self.join_roles(graph);
            self.join_parts(graph);
            self.join_partials(graph);
            if graph.todo.is_empty() || graph.cut_short {
                break;
            }
        }
    }

    /// Judges an identity anew after grants were taken away or given back.
    pub(super) fn renew(&mut self, graph: &mut Graph<'_>, node: NodeId) {
        graph.edges[node as usize].clear();
        graph.ends[node as usize].clear();
        for joint in self.completed.remove(&node).unwrap_or_default() {
            graph.joints[joint as usize].lives = false;
        }
        self.expand(graph, node);
    }

    /// The holder that a node is, if it is one.
    fn holder<'p>(&self, graph: &mut Graph<'p>, node: NodeId) -> Option<Holder<'p>> {
        let held: Vec<Held> = match graph.things[node as usize] {
            Thing::Identity(identity) => Self::held(graph, graph.grants_of(identity)),
            Thing::NodeIdentity(which) => Self::held(graph, graph.grants_of_node(which)),
            Thing::Bound(role, at) => vec![Held { role: Some(role), at, grant: None, via: None }],
            Thing::EverythingIn(namespace) => {
                vec![Held { role: None, at: At::In(namespace), grant: None, via: None }]
            }
            _ => return None,
        };
        Some(Holder::new(graph, held, &self.everything))
    }

    /// Roles that grants give.
    fn held(graph: &Graph<'_>, grants: Vec<(u32, u32)>) -> Vec<Held> {
        let held = grants.into_iter().filter_map(|grant| {
            let (at, role) = graph.bindings[grant.0 as usize];
            role.map(|role| Held { role: Some(role), at, grant: Some(grant), via: None })
        });
        held.collect()
    }

    fn expand(&mut self, graph: &mut Graph<'_>, node: NodeId) {
        let thing = graph.things[node as usize];
        if let Some(holder) = self.holder(graph, node) {
            holder.follow(graph, node);
        }
        match thing {
            Thing::Identity(identity) => Self::of_identity(graph, node, identity),
            Thing::Bound(role, at) => graph.contain(node, Thing::BoundTo(role, at)),
            Thing::BoundTo(role, at) => {
                let (kind, aggregated) = {
                    let role = &graph.policy.roles()[role as usize];
                    (role.kind(), role.aggregation.as_ref().is_some_and(|selectors| !selectors.is_empty()))
                };
                graph.contain(node, Thing::BoundAny(kind, at));
                if aggregated {
                    graph.contain(node, Thing::AggregatedBound(at));
                }
            }
            Thing::BoundMissing(kind, at, _) => graph.contain(node, Thing::BoundMissingAny(kind, at)),
            Thing::RolesOf(at) => Self::of_roles(graph, node, at),
            Thing::RoleRules(role) if graph.policy.roles()[role as usize].kind() == RoleKind::ClusterRole => {
                graph.contain(node, Thing::Feed);
            }
            Thing::AllRoleRules(RoleKind::ClusterRole, _) | Thing::NewRoles(RoleKind::ClusterRole, ..) => {
                graph.contain(node, Thing::Feed);
            }
            Thing::Accounts(at) => self.of_accounts(graph, node, at),
            Thing::Users => {
                let all = 0..graph.identities.len() as u32;
                let users = all.filter(|one| matches!(graph.identities[*one as usize], Identity::User(_)));
                graph.contain_all(node, users.map(Thing::Identity).collect());
            }
            Thing::AnyUser => {
                let all = 0..graph.identities.len() as u32;
                let masters = graph.group(MASTERS);
                let others = all.filter(|one| Some(*one) != masters);
                graph.contain_all(node, others.map(Thing::Identity).collect());
                graph.contain(node, Thing::NodeIdentity(Which::Any));
            }
            Thing::OwnPods(at) => {
                graph.follow(node, self.rows.any_account, 0, at, Thing::Accounts(at));
                graph.follow(node, self.rows.any_secret, 0, at, Thing::Secrets(at));
                if let Some(assumes) = graph.granted(&[Fact::PrivilegedPods], at) {
                    graph.follow(node, self.rows.privileged, assumes, at, Thing::NodeRoot(Which::Any));
                }
            }
            Thing::Pods(at) => {
                let pods = self.pods(at).into_iter().map(Thing::Pod).collect();
                graph.contain_all(node, pods);
                if !graph.facts.complete {
                    graph.contain(node, Thing::UnknownPods(at));
                }
            }
            Thing::Pod(pod) => self.of_pod(graph, node, pod),
            Thing::UnknownPods(at) => {
                let assumes = graph.suppose(Fact::PodsOfOthers, at);
                graph.follow(node, self.rows.pod_account, assumes, at, Thing::Accounts(at));
                // Where pods are listed, and where privileged ones are refused, none is taken to be a way to the node.
                let listed = matches!(at, At::In(namespace) if self.pods_in.contains_key(&namespace));
                let refused = graph.granted(&[Fact::PrivilegedPods], at).is_none();
                if !listed && !refused {
                    let assumes = graph.suppose(Fact::PodOnHost, at);
                    let which = if at == At::All { Which::Any } else { Which::Some };
                    graph.follow(node, self.rows.pod_node, assumes, at, Thing::NodeRoot(which));
                }
            }
            Thing::Secrets(at) => self.of_secrets(graph, node, at),
            Thing::Secret(namespace, name) => self.of_secret(graph, node, namespace, name),
            Thing::NodeRoot(which) => self.of_node_root(graph, node, which),
            Thing::NodeIdentity(which) => {
                let (pods, secrets) = (self.rows.node_pods, self.rows.node_secrets);
                self.of_node(graph, node, which, Some((pods, secrets)));
            }
            Thing::PodsOfNode(name) => self.of_node(graph, node, Which::Named(name), None),
            _ => {}
        }
    }

    fn of_identity(graph: &mut Graph<'_>, node: NodeId, identity: u32) {
        if graph.identities[identity as usize] == Identity::Group(MASTERS.to_owned()) {
            let to = graph.node(Thing::Everything);
            graph.edges[node as usize].clear();
            graph.push(node, Edge::plain(to, row("everything"), 0, At::All));
            return;
        }
        for grant in graph.grants_of(identity) {
            let binding = &graph.policy.bindings()[grant.0 as usize];
            let (at, role) = graph.bindings[grant.0 as usize];
            let thing = match role {
                Some(role) => Thing::BoundTo(role, at),
                None => match kind_of(&binding.role_ref.kind) {
                    Some(kind) => {
                        let name = graph.name(&binding.role_ref.name);
                        Thing::BoundMissing(kind, at, name)
                    }
                    None => continue,
                },
            };
            let to = graph.node(thing);
            if graph.edges[node as usize].iter().any(|edge| edge.to == to) {
                continue;
            }
            let grounds = graph.ground(&[super::graph::Ground { grant: Some(grant), role, rule: None }]);
            graph.push(node, Edge { to, row: PART_OF, assumes: 0, at, grounds });
        }
    }

    /// Roles of a namespace, or of all, that may be bound where they are.
    fn of_roles(graph: &mut Graph<'_>, node: NodeId, at: At) {
        let mut all = Vec::new();
        for role in 0..graph.policy.roles().len() {
            let Some(namespace) = graph.policy.roles()[role].namespace.as_deref() else { continue };
            let own = At::In(graph.name(namespace));
            if at == At::All || own == at {
                all.push(Thing::Bound(role as u32, own));
            }
        }
        graph.contain_all(node, all);
        // A Role that somebody makes in any way is among them.
        if let At::In(_) = at {
            graph.contain(node, Thing::BindsAny(RoleKind::Role, at));
        }
    }

    fn pods(&self, at: At) -> Vec<u32> {
        match at {
            At::All => self.pods_in.values().flatten().copied().collect(),
            At::In(namespace) => self.pods_in.get(&namespace).cloned().unwrap_or_default(),
        }
    }

    fn accounts(&self, at: At) -> Vec<u32> {
        match at {
            At::All => self.accounts_in.values().flatten().copied().collect(),
            At::In(namespace) => self.accounts_in.get(&namespace).cloned().unwrap_or_default(),
        }
    }

    fn of_accounts(&self, graph: &mut Graph<'_>, node: NodeId, at: At) {
        let (mut there, mut missing) = (Vec::new(), Vec::new());
        for account in self.accounts(at) {
            if graph.exists(account) { there.push(Thing::Identity(account)) } else { missing.push(account) }
        }
        // Every namespace has an account, and every account is of these groups.
        let mut groups: Vec<Option<u32>> = vec![graph.group(SERVICE_ACCOUNTS)];
        match at {
            At::In(namespace) => {
                let group = format!("{SERVICE_ACCOUNTS}:{}", graph.text(namespace));
                groups.push(graph.group(&group));
            }
            At::All => {
                let of_namespaces = (0..graph.identities.len() as u32).filter(|one| {
                    matches!(&graph.identities[*one as usize], Identity::Group(name)
                        if name.strip_prefix(SERVICE_ACCOUNTS).is_some_and(|rest| rest.starts_with(':')))
                });
                groups.extend(of_namespaces.map(Some));
            }
        }
        there.extend(groups.into_iter().flatten().map(Thing::Identity));
        graph.contain_all(node, there);
        for account in missing {
            let Identity::Account { namespace, .. } = &graph.identities[account as usize] else { continue };
            let namespace = namespace.clone();
            let namespace = graph.name(&namespace);
            let made = graph.node(Thing::NewAccounts(At::In(namespace)));
            if let Some(everywhere) = graph.find(Thing::NewAccounts(At::All)) {
                graph.contain(everywhere, Thing::NewAccounts(At::In(namespace)));
            }
            let to = graph.node(Thing::Identity(account));
            let edge = Edge::plain(to, self.rows.missing_account, 0, At::In(namespace));
            graph.join(vec![node, made], edge);
        }
    }

    fn of_secrets(&self, graph: &mut Graph<'_>, node: NodeId, at: At) {
        let facts = graph.facts;
        for secret in &facts.token_secrets {
            let namespace = graph.name(&secret.namespace);
            if at == At::All || at == At::In(namespace) {
                let account =
                    Identity::Account { namespace: secret.namespace.clone(), name: secret.account.clone() };
                if let Some(account) = graph.identity(&account) {
                    graph.follow(node, self.rows.tokens, 0, at, Thing::Identity(account));
                }
            }
        }
        if !facts.complete {
            let assumes = graph.suppose(Fact::TokenSecret, at);
            graph.follow(node, self.rows.tokens, assumes, at, Thing::Accounts(at));
        }
        let system = graph.name("kube-system");
        if (at == At::All || at == At::In(system))
            && let Some(assumes) = graph.granted(&[Fact::BootstrapTokens], At::All)
        {
            for thing in bootstrap_groups(graph) {
                graph.follow(node, self.rows.bootstrap, assumes, at, thing);
            }
        }
    }

    fn of_secret(&self, graph: &mut Graph<'_>, node: NodeId, namespace: u32, name: u32) {
        let at = At::In(namespace);
        let facts = graph.facts;
        let (own, text) = (graph.text(namespace).to_owned(), graph.text(name).to_owned());
        let account_of = |graph: &mut Graph<'_>, account: &str, assumes: u32| {
            let account = Identity::Account { namespace: own.clone(), name: account.to_owned() };
            if let Some(account) = graph.identity(&account) {
                graph.follow(node, self.rows.tokens, assumes, at, Thing::Identity(account));
            }
        };
        let known = facts.token_secrets.iter().find(|secret| secret.namespace == own && secret.name == text);
        if let Some(known) = known {
            account_of(graph, &known.account, 0);
        } else if !facts.complete {
            // The tokens' controller named them so.
            if let Some((account, _)) = text.rsplit_once("-token-") {
                let assumes = graph.suppose(Fact::TokenSecret, at);
                account_of(graph, account, assumes);
            }
        }
        if own == "kube-system"
            && text.starts_with("bootstrap-token-")
            && let Some(assumes) = graph.granted(&[Fact::BootstrapTokens], At::All)
        {
            for thing in bootstrap_groups(graph) {
                graph.follow(node, self.rows.bootstrap, assumes, at, thing);
            }
        }
    }

    fn of_pod(&self, graph: &mut Graph<'_>, node: NodeId, pod: u32) {
        let facts = graph.facts;
        let fact = &facts.pods[pod as usize];
        let at = At::In(graph.name(&fact.namespace));
        Self::identity_and_secrets(graph, node, pod, (self.rows.pod_account, self.rows.pod_secrets), 0);
        if fact.takes_node.is_some() {
            let which = node_of(graph, pod);
            graph.follow(node, self.rows.pod_node, 0, at, Thing::NodeRoot(which));
        }
        graph.contain(node, Thing::InPod(pod));
    }

    /// What a pod's account and its secrets give to who is in it, or on its node.
    fn identity_and_secrets(graph: &mut Graph<'_>, node: NodeId, pod: u32, rows: (u16, u16), assumes: u32) {
        let facts = graph.facts;
        let pod = &facts.pods[pod as usize];
        let namespace = graph.name(&pod.namespace);
        let at = At::In(namespace);
        let account = Identity::Account { namespace: pod.namespace.clone(), name: pod.account.clone() };
        if let Some(account) = graph.identity(&account).filter(|_| pod.has_token) {
            graph.follow(node, rows.0, assumes, at, Thing::Identity(account));
        }
        for secret in &pod.secrets {
            let secret = graph.name(secret);
            graph.follow(node, rows.1, assumes, at, Thing::Secret(namespace, secret));
        }
    }

    fn of_node_root(&self, graph: &mut Graph<'_>, node: NodeId, which: Which<u32>) {
        graph.follow(node, self.rows.kubelet, 0, At::All, Thing::NodeIdentity(which));
        graph.contain(node, Thing::HaveNode);
        let control_plane = match which {
            Which::Any => graph.granted(&[Fact::ControlPlaneNode], At::All),
            Which::Named(name) => {
                let name = graph.text(name);
                let is = graph.facts.nodes.iter().any(|one| one.name == name && one.control_plane);
                is.then_some(0)
            }
            Which::Some => None,
        };
        if let Some(assumes) = control_plane {
            graph.follow(node, self.rows.control_plane, assumes, At::All, Thing::Everything);
        }
    }

    /// What is on a node: with rows, their accounts and secrets; without, code in the pods.
    fn of_node(&self, graph: &mut Graph<'_>, node: NodeId, which: Which<u32>, rows: Option<(u16, u16)>) {
        let facts = graph.facts;
        let unsure = graph.granted(&[Fact::PodsOnNode], At::All);
        for (at, pod) in facts.pods.iter().enumerate() {
            let assumes = match (which, &pod.node) {
                (Which::Any, _) => Some(0),
                (Which::Named(name), Some(own)) => (graph.text(name) == own).then_some(0),
                (Which::Named(_), None) if pod.on_all_nodes => Some(0),
                (Which::Some, _) if pod.on_all_nodes => Some(0),
                (Which::Named(_), None) | (Which::Some, _) => unsure,
            };
            let Some(assumes) = assumes else { continue };
            match rows {
                Some(rows) => Self::identity_and_secrets(graph, node, at as u32, rows, assumes),
                None => graph.follow(node, PART_OF, assumes, At::All, Thing::Pod(at as u32)),
            }
        }
        if !facts.complete {
            let assumes = graph.suppose(Fact::PodsOfOthers, At::All);
            let row = rows.map_or(self.rows.pod_account, |rows| rows.0);
            graph.follow(node, row, assumes, At::All, Thing::Accounts(At::All));
        }
    }

    /// Joins roles that may be rewritten or made with bindings that one has.
    fn join_roles(&self, graph: &mut Graph<'_>) {
        let (mut rules, mut bound) = (Vec::new(), Vec::new());
        for (at, thing) in graph.things.iter().enumerate() {
            match thing {
                Thing::RoleRules(_) | Thing::AllRoleRules(..) | Thing::NewRoles(..) | Thing::Feed => {
                    rules.push((at as NodeId, *thing));
                }
                Thing::BoundTo(..)
                | Thing::BoundAny(..)
                | Thing::BoundMissing(..)
                | Thing::BoundMissingAny(..)
                | Thing::BindsAny(..)
                | Thing::AggregatedBound(_) => bound.push((at as NodeId, *thing)),
                _ => {}
            }
        }
        if rules.is_empty() {
            return;
        }
        let mut by_role: BTreeMap<u32, Vec<(NodeId, At)>> = BTreeMap::new();
        let mut others = Vec::new();
        for (node, thing) in bound {
            match thing {
                Thing::BoundTo(role, at) => by_role.entry(role).or_default().push((node, at)),
                _ => others.push((node, thing)),
            }
        }
        for (node, thing) in rules {
            let fits: Vec<(NodeId, At)> = match thing {
                Thing::RoleRules(role) => by_role.get(&role).cloned().unwrap_or_default(),
                _ => others.iter().filter_map(|(one, other)| Some((*one, meets(thing, *other)?))).collect(),
            };
            for (other, at) in fits {
                let to = graph.node(all_at(at));
                let edge = Edge::plain(to, self.rows.rewritten, 0, at);
                graph.join(vec![node, other], edge);
            }
        }
    }

    /// Joins the parts of rows that need several requests or something held.
    fn join_parts(&mut self, graph: &mut Graph<'_>) {
        let mut places: BTreeMap<u16, BTreeSet<At>> = BTreeMap::new();
        let mut holding: BTreeMap<Holding, BTreeSet<At>> = BTreeMap::new();
        for thing in &graph.things {
            match thing {
                Thing::Part { alternative, at, .. } => {
                    places.entry(*alternative).or_default().insert(*at);
                }
                Thing::OwnPods(at) => _ = holding.entry(Holding::OwnPods).or_default().insert(*at),
                Thing::Pods(at) => _ = holding.entry(Holding::Pods).or_default().insert(*at),
                Thing::Secrets(at) => _ = holding.entry(Holding::Secrets).or_default().insert(*at),
                Thing::Labels(at) => _ = holding.entry(Holding::NamespaceLabels).or_default().insert(*at),
                _ => {}
            }
        }
        for (index, way) in TABLE.alternatives.iter().enumerate() {
            if way.parts() < 2 || [self.rows.rewritten, self.rows.missing_account].contains(&way.row) {
                continue;
            }
            let alternative = index as u16;
            let mut all: BTreeSet<At> = places.get(&alternative).cloned().unwrap_or_default();
            for held in &way.holds {
                all.extend(holding.get(held).into_iter().flatten().copied());
            }
            if way.row == self.rows.node_logs {
                self.join_logs(graph, alternative);
                continue;
            }
            for at in all.into_iter().filter(|at| way.placed || *at == At::All) {
                self.join_part(graph, alternative, at);
            }
        }
    }

    fn join_part(&mut self, graph: &mut Graph<'_>, alternative: u16, at: At) {
        let way = &TABLE.alternatives[usize::from(alternative)];
        let parts = (0..way.groups.len()).map(|part| {
            let part = part as u8;
            let there = |at| Thing::Part { alternative, part, at };
            (there(At::All), there(at))
        });
        let held = way.holds.iter().map(|holding| match holding {
            Holding::OwnPods => (Thing::OwnPods(At::All), Thing::OwnPods(at)),
            Holding::Pods => (Thing::Pods(At::All), Thing::Pods(at)),
            Holding::Secrets => (Thing::Secrets(At::All), Thing::Secrets(at)),
            Holding::NamespaceLabels => (Thing::Labels(At::All), Thing::Labels(at)),
            _ => (Thing::HaveNode, Thing::HaveNode),
        });
        let needed: Vec<(Thing, Thing)> = parts.chain(held).collect();
        let found: Vec<(Option<NodeId>, Option<NodeId>)> =
            needed.iter().map(|(all, here)| (graph.find(*all), graph.find(*here))).collect();
        if found.iter().any(|(all, here)| all.is_none() && here.is_none()) {
            return;
        }
        let mut nodes = Vec::new();
        for ((_, here), (all, _)) in needed.iter().zip(&found) {
            let node = graph.node(*here);
            if let Some(all) = all {
                graph.contain(*all, *here);
            }
            nodes.push(node);
        }
        if !self.joined_parts.insert((alternative, at)) {
            return;
        }
        let Some(assumes) = graph.granted_for(alternative, at) else { return };
        let gain = CATALOGUE[usize::from(way.row)].gain;
        for thing in graph.targets(way.row, gain, at, None) {
            let to = graph.node(thing);
            graph.join(nodes.clone(), Edge::plain(to, way.row, assumes, at));
        }
    }

    /// Who is in a pod that writes the node's logs, and may read logs there.
    fn join_logs(&self, graph: &mut Graph<'_>, alternative: u16) {
        let facts = graph.facts;
        for (index, pod) in facts.pods.iter().enumerate() {
            let Some(inside) = graph.find(Thing::InPod(index as u32)).filter(|_| pod.writes_node_logs) else {
                continue;
            };
            let namespace = graph.name(&pod.namespace);
            let (everywhere, here) = (
                graph.find(Thing::Part { alternative, part: 0, at: At::All }),
                Thing::Part { alternative, part: 0, at: At::In(namespace) },
            );
            if everywhere.is_none() && graph.find(here).is_none() {
                continue;
            }
            let part = graph.node(here);
            if let Some(everywhere) = everywhere {
                graph.contain(everywhere, here);
            }
            let which = node_of(graph, index as u32);
            let to = graph.node(Thing::NodeRoot(which));
            let edge = Edge::plain(to, self.rows.node_logs, 0, At::In(namespace));
            graph.join(vec![inside, part], edge);
        }
    }

    /// Joins holders that have some of the rights of a request with the roles that may be bound to them for the rest.
    fn join_partials(&mut self, graph: &mut Graph<'_>) {
        let bound: Vec<(NodeId, u32, At)> = (0..graph.things.len())
            .filter_map(|at| match graph.things[at] {
                Thing::Bound(role, scope) => Some((at as NodeId, role, scope)),
                _ => None,
            })
            .collect();
        let fresh = std::mem::take(&mut graph.partial_todo);
        let holders: Vec<NodeId> = if self.joined == bound.len() {
            fresh
        } else {
            (0..graph.partials.len() as NodeId)
                .filter(|one| !graph.partials[*one as usize].is_empty())
                .collect()
        };
        self.joined = bound.len();
        if bound.is_empty() {
            return;
        }
        let mut givers: Givers = HashMap::new();
        for (via, role, at) in bound {
            let mut last = None;
            for given in &graph.profiles[role as usize] {
                if last != Some(given.right) {
                    last = Some(given.right);
                    givers.entry((given.right, at)).or_default().push((via, role));
                }
            }
        }
        for node in holders {
            self.complete(graph, node, &givers);
        }
    }

    fn complete(&mut self, graph: &mut Graph<'_>, node: NodeId, givers: &Givers) {
        let Some(own) = self.holder(graph, node) else { return };
        for (alternative, part, at) in graph.partials[node as usize].clone() {
            let rights = &TABLE.alternatives[usize::from(alternative)].groups[usize::from(part)];
            let useful = Self::useful(graph, node, rights, at, givers);
            let sets = useful.iter().map(|one| vec![*one]);
            let pairs = useful
                .iter()
                .enumerate()
                .flat_map(|(at, one)| useful[at + 1..].iter().map(move |other| vec![*one, *other]));
            let sets: Vec<Vec<Held>> =
                if rights.len() > 2 { sets.chain(pairs).collect() } else { sets.collect() };
            for set in sets {
                let holder = own.with(graph, &set, rights);
                for met in holder.group(graph, rights, at) {
                    let mut parts = holder.via(&met);
                    if parts.is_empty() {
                        continue;
                    }
                    parts.push(node);
                    for edge in holder.edges(graph, alternative, part, at, &met) {
                        if let Some(joint) = graph.join(parts.clone(), edge) {
                            self.completed.entry(node).or_default().push(joint);
                        }
                    }
                }
            }
        }
    }

    /// Roles that may be bound and that give one of some rights at a place, no more than can be tried.
    fn useful(graph: &mut Graph<'_>, node: NodeId, rights: &[RightId], at: At, givers: &Givers) -> Vec<Held> {
        let mut found: Vec<Held> = Vec::new();
        for right in rights {
            let place = match TABLE.rights[usize::from(*right)].place() {
                Place::Here => at,
                Place::Cluster => At::All,
                Place::In(namespace) => At::In(graph.name(namespace)),
            };
            for scope in BTreeSet::from([At::All, place]) {
                for (via, role) in givers.get(&(*right, scope)).into_iter().flatten() {
                    if *via != node && !found.iter().any(|held| held.via == Some(*via)) {
                        found.push(Held { role: Some(*role), at: scope, grant: None, via: Some(*via) });
                    }
                }
            }
        }
        if found.len() > MOST_ROLES {
            graph.cut_short = true;
            found.truncate(MOST_ROLES);
        }
        found
    }
}

/// For each right and place the roles that may be bound there and give it: their nodes and indexes.
type Givers = HashMap<(RightId, At), Vec<(NodeId, u32)>>;

/// Where rules that one writes come to hold by a binding that one has.
fn meets(rules: Thing, bound: Thing) -> Option<At> {
    let here =
        |kind: RoleKind, place: At, at: At| kind == RoleKind::ClusterRole || place == At::All || place == at;
    match (rules, bound) {
        (Thing::Feed, Thing::AggregatedBound(at)) => Some(at),
        (Thing::AllRoleRules(kind, place), Thing::BoundAny(own, at))
        | (Thing::NewRoles(kind, place, None), Thing::BoundMissingAny(own, at))
        | (Thing::NewRoles(kind, place, _), Thing::BindsAny(own, at))
            if kind == own && here(kind, place, at) =>
        {
            Some(at)
        }
        (Thing::NewRoles(kind, place, Some(name)), Thing::BoundMissing(own, at, missing))
            if kind == own && name == missing && here(kind, place, at) =>
        {
            Some(at)
        }
        _ => None,
    }
}

fn kind_of(kind: &str) -> Option<RoleKind> {
    match kind {
        "Role" => Some(RoleKind::Role),
        "ClusterRole" => Some(RoleKind::ClusterRole),
        _ => None,
    }
}

/// The node of a pod, as far as it is known.
fn node_of(graph: &mut Graph<'_>, pod: u32) -> Which<u32> {
    let pod = &graph.facts.pods[pod as usize];
    match &pod.node {
        _ if pod.on_all_nodes => Which::Any,
        Some(node) => Which::Named(graph.name(node)),
        None => Which::Some,
    }
}
