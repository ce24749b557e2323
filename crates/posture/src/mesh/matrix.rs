//! What each client sends to each server, and what becomes of it.

use ringwall_mesh::matrix::{Flow, Group, Matrix};
use ringwall_mesh::sends::Outcome;
use ringwall_model::finding::Location;

use super::{Meshed, words};

/// One answer for clients that nothing tells apart.
#[derive(Clone, Debug)]
pub struct FlowRow {
    /// The clients: `Kind namespace/name`.
    pub clients: Vec<String>,
    /// `namespace/name` of the service.
    pub service: String,
    /// The port of the service.
    pub port: u16,
    /// The subset of the rule, where it has some.
    pub subset: Option<String>,
    /// The server: `Kind namespace/name`.
    pub server: String,
    /// The port of its container.
    pub target: u16,
    /// The waypoint through which the clients go, `namespace/name`, and where it is named. It is the one that sends.
    pub through: Option<(String, Option<Location>)>,
    /// What is sent, as the reference names it.
    pub sends: &'static str,
    /// Why, and where that is written.
    pub why_sends: (String, Option<Location>),
    /// What the server takes in.
    pub accepts: &'static str,
    /// Why, and where that is written.
    pub why_accepts: (String, Option<Location>),
    /// What becomes of it.
    pub outcome: Outcome,
}

/// Which answers are wanted.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Part of a client's name.
    pub client: Option<String>,
    /// Part of a server's or service's name.
    pub server: Option<String>,
    /// These outcomes alone; all where there are none.
    pub outcomes: Vec<Outcome>,
}

impl Meshed<'_> {
    /// The matrix, by service, port, subset and server; clients that are answered alike are together.
    pub fn flows(&self, filter: &Filter) -> Vec<FlowRow> {
        let (mesh, matrix) = (&self.mesh, Matrix::of(&self.mesh));
        let name = |index: usize| words::workload(&mesh.workloads.all[index]);
        let has = |part: &Option<String>, name: &str| part.as_deref().is_none_or(|part| name.contains(part));
        let mut rows = Vec::new();
        for of in &matrix.services {
            let service = &mesh.services[of.service];
            let service_name = format!("{}/{}", service.namespace, service.name);
            for group in &of.groups {
                let members = group.clients.iter().flat_map(|class| &matrix.clients[*class].members);
                let mut clients: Vec<String> = members
                    .map(|member| name(*member))
                    .filter(|client| has(&filter.client, client))
                    .collect();
                clients.sort();
                if clients.is_empty() {
                    continue;
                }
                for flow in &group.flows {
                    let server = name(flow.server);
                    let is_meant = has(&filter.server, &server) || has(&filter.server, &service_name);
                    if !is_meant || !(filter.outcomes.is_empty() || filter.outcomes.contains(&flow.outcome)) {
                        continue;
                    }
                    let located = |(text, place): (String, Option<&ringwall_mesh::place::Place>)| {
                        (text, place.and_then(|place| self.location(place)))
                    };
                    let why = mesh.why_accepts(flow.server, flow.target);
                    rows.push(FlowRow {
                        clients: clients.clone(),
                        service: service_name.clone(),
                        port: service.ports[flow.port].number,
                        subset: group.rule.and_then(|rule| {
                            let rule = mesh.destinations.merged.get(rule)?;
                            rule.rule.subsets.get(flow.subset?).map(|subset| subset.name.clone())
                        }),
                        server,
                        target: flow.target,
                        through: self.waypoint_of(&matrix, group, of.service, flow),
                        sends: flow.sends.name(),
                        why_sends: located(words::sends(self, &flow.why)),
                        accepts: flow.accepts.name(),
                        why_accepts: located(words::accepts(self, flow.server, &why)),
                        outcome: flow.outcome,
                    });
                }
            }
        }
        rows.sort_by(|left, right| {
            let key = |row: &FlowRow| {
                (row.service.clone(), row.port, row.subset.clone(), row.server.clone(), row.clients.clone())
            };
            key(left).cmp(&key(right))
        });
        rows
    }

    /// The waypoint of a flow.
    fn waypoint_of(
        &self,
        matrix: &Matrix,
        group: &Group,
        service: usize,
        flow: &Flow,
    ) -> Option<(String, Option<Location>)> {
        let class = matrix.clients.get(*group.clients.first().filter(|_| flow.by_waypoint)?)?;
        let (named, _) = self.mesh.through(class.mode, Some(service), flow.server)?;
        Some((format!("{}/{}", named.namespace, named.name), self.location(&named.place)))
    }
}
