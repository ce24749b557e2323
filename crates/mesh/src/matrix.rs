//! Who sends what to whom, and what becomes of it: client × server × port of a service × subset.
//!
//! Clients that nothing tells apart are one class, and classes that heed the same rule about a service are answered together; so the
//! matrix of a thousand services costs little more than a look at each. [`Matrix::rows`] unfolds it.

use std::collections::HashMap;

use crate::destination::{Merged, Own};
use crate::enrolment::{Exclusions, Mode};
use crate::mesh::{Accepts, Mesh};
use crate::place::{Pairs, is_subset};
use crate::sends::{Cluster, Outcome, Sends, View, Why};
use crate::services::{Resolution, ServicePort};
use crate::workloads::Origin;

/// Clients that nothing tells apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientClass {
    /// Their namespace.
    pub namespace: String,
    /// What carries their traffic.
    pub mode: Mode,
    /// The `Sidecar` object that says which services they know of, by its place in [`crate::scope::Scopes::all`].
    pub scope: Option<usize>,
    /// The workloads, by their place in [`crate::workloads::Workloads::all`].
    pub members: Vec<usize>,
}

/// What one class of clients sends to one server through one port of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The port, by its place in [`Service::ports`].
    pub port: usize,
    /// The subset, by its place in the rule's; nothing without one.
    pub subset: Option<usize>,
    /// The server, by its place in [`crate::workloads::Workloads::all`].
    pub server: usize,
    /// The port of its containers.
    pub target: u16,
    /// Whether a waypoint stands between, which is then the one that sends; see [`Mesh::through`].
    pub by_waypoint: bool,
    /// Whether it goes through the tunnel of ambient: then the server knows who sends, also where TLS of a rule is inside.
    pub by_tunnel: bool,
    /// What is sent.
    pub sends: Sends,
    /// Why.
    pub why: Why,
    /// What the server takes in; why says [`Mesh::why_accepts`].
    pub accepts: Accepts,
    /// What becomes of it.
    pub outcome: Outcome,
}

/// The same answers for several classes of clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The classes, by their place in [`Matrix::clients`].
    pub clients: Vec<usize>,
    /// The rule that they heed, by its place in [`crate::destination::Destinations::merged`].
    pub rule: Option<usize>,
    /// The answers, by port, subset and server.
    pub flows: Vec<Flow>,
}

/// The answers about one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfService {
    /// The service, by its place in [`Mesh::services`].
    pub service: usize,
    /// The answers.
    pub groups: Vec<Group>,
}

/// All answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// Classes of clients.
    pub clients: Vec<ClientClass>,
    /// Answers, service by service.
    pub services: Vec<OfService>,
}

/// One answer.
#[derive(Clone, Copy, Debug)]
pub struct Row<'m> {
    /// The client, by its place in [`crate::workloads::Workloads::all`].
    pub client: usize,
    /// The service, by its place in [`Mesh::services`].
    pub service: usize,
    /// The rule that the client heeds, by its place in [`crate::destination::Destinations::merged`].
    pub rule: Option<usize>,
    /// What is sent, and what becomes of it.
    pub flow: &'m Flow,
}

impl Row<'_> {
    /// The name of the subset.
    pub fn subset<'m>(&self, mesh: &'m Mesh) -> Option<&'m str> {
        let rule = mesh.destinations.merged.get(self.rule?)?;
        rule.rule.subsets.get(self.flow.subset?).map(|subset| subset.name.as_str())
    }
}

/// What tells clients apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ClientKey {
    namespace: String,
    mode: Mode,
    scope: Option<usize>,
    selected: Vec<bool>,
    excluded: Exclusions,
}

/// What tells classes apart about one service.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct GroupKey {
    mode: Mode,
    rule: Option<usize>,
    /// Those of the service's ports that they do not know of.
    unseen: Vec<usize>,
    /// Whether they let nothing out to these.
    is_closed: bool,
    /// Those of the service's ports that go past the proxy, by a workload whose annotation says so.
    excluded: Vec<(usize, usize)>,
}

impl Matrix {
    /// Answers for all clients and all services. Services that are names of something else (`ExternalName`) are left out.
    ///
    /// Costs for each service a look-up for each class of clients, and for each rule that one of them heeds a look at each of its
    /// workloads.
    pub fn of(mesh: &Mesh) -> Self {
        let clients = classes(mesh);
        let owns: Vec<Own<'_>> =
            clients.iter().map(|client| mesh.destinations.own(&client.namespace)).collect();
        let mut services = Vec::new();
        for (index, service) in mesh.services.iter().enumerate() {
            if service.resolution != Resolution::Alias && !service.workloads.is_empty() {
                services.push(OfService { service: index, groups: groups(mesh, index, &clients, &owns) });
            }
        }
        Self { clients, services }
    }

    /// All answers one by one: for each pair of client and server one for each port and subset.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.services.iter().flat_map(move |of| {
            of.groups.iter().flat_map(move |group| {
                let members =
                    group.clients.iter().flat_map(|class| self.clients[*class].members.iter().copied());
                members.flat_map(move |client| {
                    let row = move |flow| Row { client, service: of.service, rule: group.rule, flow };
                    group.flows.iter().map(row)
                })
            })
        })
    }

    /// How many answers there are, one by one.
    pub fn len(&self) -> usize {
        let members = |group: &Group| {
            group.clients.iter().map(|class| self.clients[*class].members.len()).sum::<usize>()
        };
        let of = |service: &OfService| {
            service.groups.iter().map(|group| members(group) * group.flows.len()).sum::<usize>()
        };
        self.services.iter().map(of).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn classes(mesh: &Mesh) -> Vec<ClientClass> {
    let mut selectors: HashMap<&str, Vec<&Pairs>> = HashMap::new();
    let mut found: HashMap<ClientKey, usize> = HashMap::new();
    let mut classes: Vec<ClientClass> = Vec::new();
    for (index, workload) in mesh.workloads.all.iter().enumerate() {
        if workload.origin == Origin::Entry || !workload.is_alive() {
            continue;
        }
        let server = &mesh.servers[index];
        let of_namespace = selectors
            .entry(&workload.namespace)
            .or_insert_with(|| mesh.destinations.client_selectors(&workload.namespace).collect());
        let mode = server.enrolment.mode();
        let scope = || mesh.scopes.of(&workload.namespace, &workload.labels);
        let key = ClientKey {
            namespace: workload.namespace.clone(),
            mode,
            // Gateways know of all.
            scope: (mode == Mode::Sidecar).then(scope).flatten(),
            selected: of_namespace.iter().map(|selector| is_subset(selector, &workload.labels)).collect(),
            excluded: server.exclusions.outbound_only(),
        };
        let class = *found.entry(key).or_insert_with_key(|key| {
            let (namespace, scope) = (key.namespace.clone(), key.scope);
            classes.push(ClientClass { namespace, mode, scope, members: Vec::new() });
            classes.len() - 1
        });
        classes[class].members.push(index);
    }
    classes
}

/// Where a mode stands among the groups that most classes are in.
const fn place(mode: Mode) -> usize {
    match mode {
        Mode::None => 0,
        Mode::Sidecar => 1,
        Mode::Ambient => 2,
        Mode::Gateway => 3,
    }
}

fn groups(mesh: &Mesh, index: usize, clients: &[ClientClass], owns: &[Own<'_>]) -> Vec<Group> {
    let service = &mesh.services[index];
    let rules = mesh.destinations.of_service(service);
    let mut found: HashMap<GroupKey, usize> = HashMap::new();
    // Most classes have nothing of their own to say about most services: of these only the mode counts.
    let mut common: [Option<usize>; 4] = [None; 4];
    let mut groups: Vec<Group> = Vec::new();
    for (class, (client, own)) in clients.iter().zip(owns).enumerate() {
        let Some(first) = client.members.first().copied() else { continue };
        let has_rules = matches!(client.mode, Mode::Sidecar | Mode::Gateway);
        let exclusions = &mesh.servers[first].exclusions;
        let is_common = exclusions.takes_all_outbound()
            && client.scope.is_none()
            && (!has_rules || (service.export_to.is_empty() && rules.is_common(*own)));
        if let Some(group) = common[place(client.mode)].filter(|_| is_common) {
            groups[group].clients.push(class);
            continue;
        }
        let scope = client.scope.and_then(|scope| mesh.scopes.all.get(scope));
        let is_visible = !has_rules || service.is_visible(&client.namespace);
        let sees = |port: &ServicePort| {
            is_visible && scope.is_none_or(|scope| scope.sees(&client.namespace, service, port.number))
        };
        let ports = || service.ports.iter().enumerate();
        let unseen: Vec<usize> = ports().filter(|(_, port)| !sees(port)).map(|(port, _)| port).collect();
        let labels = &mesh.workloads.all[first].labels;
        let has_rule = has_rules && unseen.len() < service.ports.len();
        let rule = match mesh.through_service(client.mode, index) {
            Some((named, _)) if unseen.len() < service.ports.len() => mesh.rule_of_waypoint(named, service),
            _ => has_rule.then(|| rules.for_client(*own, &client.namespace, labels)).flatten(),
        };
        let past =
            |(_, port): &(usize, &ServicePort)| exclusions.excludes_outbound(port.number, service.address);
        let excluded = ports().filter(past).map(|(port, _)| (port, first)).collect();
        let is_closed = !unseen.is_empty() && mesh.is_closed(first);
        let key = GroupKey { mode: client.mode, rule, unseen, is_closed, excluded };
        let group = *found.entry(key).or_insert_with_key(|key| {
            groups.push(Group { clients: Vec::new(), rule, flows: flows(mesh, index, key) });
            groups.len() - 1
        });
        groups[group].clients.push(class);
        if is_common {
            common[place(client.mode)] = Some(group);
        }
    }
    groups
}

fn flows(mesh: &Mesh, index: usize, key: &GroupKey) -> Vec<Flow> {
    let service = &mesh.services[index];
    let rule = key.rule.and_then(|rule| mesh.destinations.merged.get(rule));
    let mut flows = Vec::new();
    for (place, port) in service.ports.iter().enumerate() {
        let past = key.excluded.iter().find(|(excluded, _)| *excluded == place);
        let mut subsets = vec![None];
        let is_seen = !key.unseen.contains(&place);
        if past.is_none() && is_seen {
            subsets.extend(rule.into_iter().flat_map(|rule| (0..rule.rule.subsets.len()).map(Some)));
        }
        for subset in subsets {
            let of_rule = |rule: &'_ Merged| subset.and_then(|subset| rule.rule.subsets.get(subset)).cloned();
            let chosen = rule.and_then(of_rule);
            let view = View { mesh, client: key.mode, rule, service, port, subset: chosen.as_ref() };
            let same = |why| {
                let sends = if why == Why::Closed { Sends::Nothing } else { Sends::Plaintext };
                Cluster::Same { sends, why, tunnels: false }
            };
            let excluded = past.and_then(|(_, client)| {
                let exclusions = &mesh.servers[*client].exclusions;
                exclusions.outbound_place(&mesh.workloads.all[*client], port.number, service.address)
            });
            let cluster = match (key.mode, excluded) {
                (Mode::None, _) => same(Why::NoProxy),
                (_, Some(place)) => same(Why::Excluded(place)),
                (Mode::Ambient, None) => same(Why::ServerTakesNone),
                (_, None) if !is_seen && key.is_closed => same(Why::Closed),
                (_, None) if !is_seen => same(Why::Unseen),
                (_, None) => view.cluster(),
            };
            let takes_all = view.is_original();
            for server in &service.workloads {
                let workload = &mesh.workloads.all[*server];
                let Some(target) = service.target(port, workload) else { continue };
                let is_in = |subset: &crate::destination::Subset| is_subset(&subset.labels, &workload.labels);
                if !takes_all && !chosen.as_ref().is_none_or(is_in) {
                    continue;
                }
                let accepts = mesh.accepts(*server, target);
                let by_waypoint = is_seen && mesh.through(key.mode, Some(index), *server).is_some();
                let takes_tunnel = mesh.servers[*server].takes_tunnel;
                let (sends, why) = match key.mode {
                    _ if by_waypoint => mesh.sent_on(view.tls(), *server),
                    Mode::Ambient if takes_tunnel => (Sends::Hbone, Why::Auto),
                    _ => view.to(&cluster, *server, target),
                };
                let by_tunnel = match key.mode {
                    _ if by_waypoint => takes_tunnel,
                    Mode::Ambient => takes_tunnel,
                    _ => view.tunnels(&cluster, *server),
                };
                let outcome = Outcome::of(sends, accepts, by_tunnel);
                flows.push(Flow {
                    port: place,
                    subset,
                    server: *server,
                    target,
                    by_waypoint,
                    by_tunnel,
                    sends,
                    why,
                    accepts,
                    outcome,
                });
            }
        }
    }
    flows
}
