//! Who calls whom, and by which ways.

use ringwall_mesh::enrolment::Mode;
use ringwall_mesh::matrix::Matrix;
use ringwall_mesh::sends::Sends;
use ringwall_mesh::services::Resolution;
use ringwall_mesh::waypoint::Before;
use ringwall_mesh::workloads::{Origin, Workload};

use super::{By, Call, Client, Leg, Told};
use crate::mesh::{Meshed, words};

impl Meshed<'_> {
    pub(super) fn named(&self, text: &str) -> Vec<usize> {
        let parts: Vec<&str> = text.split('/').collect();
        let (kind, namespace, name) = match parts.as_slice() {
            [namespace, name] => (None, *namespace, *name),
            [kind, namespace, name] => (Some(*kind), *namespace, *name),
            _ => return Vec::new(),
        };
        let is_it = |workload: &Workload| {
            workload.namespace == namespace
                && workload.name == name
                && kind.is_none_or(|kind| kind.eq_ignore_ascii_case(&workload.kind))
        };
        let all = self.mesh.workloads.all.iter().enumerate();
        all.filter(|(_, workload)| is_it(workload)).map(|(index, _)| index).collect()
    }

    fn one_of(&self, text: &str, found: &[usize]) -> Result<usize, String> {
        match found {
            [one] => Ok(*one),
            [] => Err(format!("no workload `{text}` is in the input")),
            many => {
                let names: Vec<String> =
                    many.iter().map(|index| words::workload(&self.mesh.workloads.all[*index])).collect();
                Err(format!("`{text}` may be {}: name its kind", names.join(" or ")))
            }
        }
    }

    pub(super) fn client(&self, text: &str) -> Result<Client, String> {
        let bare = text.strip_prefix("spiffe://");
        let parts: Vec<&str> = bare.unwrap_or(text).split('/').collect();
        if bare.is_some() || matches!(parts.as_slice(), [_, "ns", _, "sa", _]) {
            return Ok(Client::Principal(format!("spiffe://{}", bare.unwrap_or(text))));
        }
        if !matches!(parts.len(), 2 | 3) {
            return Err(format!(
                "`{text}` is no client: expected NAMESPACE/NAME, Kind/NAMESPACE/NAME or TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT"
            ));
        }
        if let Some(gateway) = self.managed_gateway(text) {
            return self.managed_client(gateway);
        }
        let found = self.named(text);
        let callers: Vec<usize> = found
            .iter()
            .copied()
            .filter(|index| self.mesh.workloads.all[*index].origin != Origin::Entry)
            .collect();
        Ok(Client::Workload(self.one_of(text, &callers)?))
    }

    /// The name of a client, and its identity.
    pub(super) fn who(&self, client: &Client) -> (String, String) {
        match client {
            Client::Principal(name) => (name.clone(), name.clone()),
            Client::Workload(index) => {
                let (own, domain) = (&self.mesh.workloads.all[*index], &self.mesh.config.trust_domain);
                let who = format!("spiffe://{domain}/ns/{}/sa/{}", own.namespace, own.service_account);
                (words::workload(own), who)
            }
        }
    }

    /// The workload or the Service that is called. Of both with one name, the workload, unless only the Service has the port.
    pub(super) fn legs(&self, client: &Client, call: &Call<'_>) -> Result<Vec<Leg<'_>>, String> {
        let mut parts: Vec<&str> = call.server.split('/').collect();
        let says_service =
            parts.len() == 3 && parts.first().is_some_and(|kind| kind.eq_ignore_ascii_case("Service"));
        if says_service {
            parts.remove(0);
        }
        let service = match parts.as_slice() {
            [namespace, name] => self.mesh.services.iter().position(|service| {
                service.namespace == *namespace
                    && service.name == *name
                    && self
                        .snapshot
                        .all()
                        .get(service.object)
                        .is_some_and(|object| object.id.kind == "Service")
            }),
            _ => None,
        };
        let found = if says_service { Vec::new() } else { self.named(call.server) };
        let has_port = |index: &usize| self.mesh.ports()[*index].contains(&call.port);
        let of_service = service.filter(|service| {
            let has = self.mesh.services[*service].ports.iter().any(|port| port.number == call.port);
            found.is_empty() || (has && !found.iter().any(has_port))
        });
        if let Some(index) = of_service {
            let service = &self.mesh.services[index];
            if service.resolution == Resolution::Alias {
                return Err(format!(
                    "Service {}/{} is another name of something outside: ask about that",
                    service.namespace, service.name
                ));
            }
            let Some(port) = service.ports.iter().position(|port| port.number == call.port) else {
                let ports: Vec<String> = service.ports.iter().map(|port| port.number.to_string()).collect();
                return Err(format!(
                    "Service {}/{} has no port {}: it has {}",
                    service.namespace,
                    service.name,
                    call.port,
                    ports.join(", ")
                ));
            };
            return Ok(self.legs_by(
                client,
                |flow, server, _| (flow == (index, port)) && service.workloads.contains(&server),
                Some((index, port)),
            ));
        }
        if found.is_empty() {
            return Err(format!("no workload and no Service `{}` is in the input", call.server));
        }
        let server = self.one_of(call.server, &found)?;
        let mut legs = self.legs_by(client, |_, own, target| own == server && target == call.port, None);
        if legs.is_empty() {
            // A port of a Service that leads to it is meant as well.
            let number = |(service, port): (usize, usize)| self.mesh.services[service].ports[port].number;
            legs = self.legs_by(client, |flow, own, _| own == server && number(flow) == call.port, None);
        }
        if legs.is_empty() {
            let is_ambient = |client: &usize| self.mesh.servers[*client].enrolment.mode() == Mode::Ambient;
            let (sends, by_tunnel) = match client {
                Client::Principal(_) => (None, false),
                Client::Workload(client) => {
                    let by_tunnel = is_ambient(client) && self.mesh.servers[server].takes_tunnel;
                    let sends = match by_tunnel {
                        true => Sends::Hbone,
                        false if self.mesh.is_closed(*client) => Sends::Nothing,
                        false => Sends::Plaintext,
                    };
                    let why = "no Service leads to this port, and the call goes to the pod itself";
                    (Some((sends, Told::plain(why))), by_tunnel)
                }
            };
            legs.push(Leg { server, target: call.port, by: None, sends, by_tunnel });
        }
        Ok(legs)
    }

    /// The ways through Services, by what is asked of service and port, server and its port. Of subsets only where there is no other way.
    fn legs_by<'m>(
        &'m self,
        client: &Client,
        is_meant: impl Fn((usize, usize), usize, u16) -> bool,
        only: Option<(usize, usize)>,
    ) -> Vec<Leg<'m>> {
        let mesh = &self.mesh;
        let mut legs = Vec::new();
        // Ways by Services are alike only where no waypoint stands before either.
        let is_open = |leg: &Leg<'m>| {
            leg.by.is_none_or(|by| *mesh.waypoints.before_service(by.index) == Before::Nothing)
        };
        let service = |leg: &Leg<'m>| leg.by.map(|by| by.index);
        let same_service = |a: &Leg<'m>, b: &Leg<'m>| service(a) == service(b) || (is_open(a) && is_open(b));
        let mut add = |leg| {
            let leg: Leg<'m> = leg;
            let alike = |known: &Leg<'m>| {
                same_service(known, &leg)
                    && known.server == leg.server
                    && known.target == leg.target
                    && known.sends.as_ref().map(|sends| sends.0) == leg.sends.as_ref().map(|sends| sends.0)
                    && known.by.map(|by| by.port.is_http) == leg.by.map(|by| by.port.is_http)
            };
            if !legs.iter().any(alike) {
                legs.push(leg);
            }
        };
        match client {
            Client::Workload(client) => {
                let matrix = Matrix::of(mesh);
                for row in matrix.rows().filter(|row| row.client == *client && row.flow.subset.is_none()) {
                    let flow = row.flow;
                    if is_meant((row.service, flow.port), flow.server, flow.target) {
                        let (what, place) = words::sends(self, &flow.why);
                        let told = Told { what, location: place.and_then(|place| self.location(place)) };
                        add(Leg {
                            server: flow.server,
                            target: flow.target,
                            by: Some(By::of(mesh, row.service, flow.port)),
                            sends: Some((flow.sends, told)),
                            by_tunnel: flow.by_tunnel,
                        });
                    }
                }
            }
            Client::Principal(_) => {
                for (index, service) in mesh.services.iter().enumerate() {
                    for (place, port) in service.ports.iter().enumerate() {
                        if only.is_some_and(|only| only != (index, place)) {
                            continue;
                        }
                        for server in &service.workloads {
                            let Some(target) = service.target(port, &mesh.workloads.all[*server]) else {
                                continue;
                            };
                            if is_meant((index, place), *server, target) {
                                add(Leg {
                                    server: *server,
                                    target,
                                    by: Some(By::of(mesh, index, place)),
                                    sends: None,
                                    by_tunnel: false,
                                });
                            }
                        }
                    }
                }
            }
        }
        legs
    }
}
