//! One way of a call: what is sent and taken in, and which proxies stand on it.

use ringwall_mesh::authorization::policy::AuthorizationPolicy;
use ringwall_mesh::authorization::select::{GATEWAY_NAME, ServiceKind, ServiceRef, Workload as Selected};
use ringwall_mesh::enrolment::Mode;
use ringwall_mesh::mesh::Accepts;
use ringwall_mesh::place::Pairs;
use ringwall_mesh::request_authentication::RequestAuthentication;
use ringwall_mesh::sends::{Outcome, Sends};
use ringwall_mesh::services::Resolution;
use ringwall_mesh::waypoint::{Before, Named, Waypoints};
use ringwall_model::address::Address;
use ringwall_model::finding::Verdict;

use super::judge::{Caller, Guard};
use super::{Backend, Call, Client, Judged, Leg, Policies, Told, Way};
use crate::mesh::{Meshed, words};

/// A waypoint on the way.
pub(super) struct Waypoint<'m> {
    named: Named,
    /// What names it.
    told: Told,
    service: Option<ServiceRef<'m>>,
    /// The port that it is called at.
    port: u16,
}

impl Meshed<'_> {
    /// The policies of the snapshot.
    pub(super) fn authorizations(&self) -> Policies {
        let mut misread = Vec::new();
        let mut read = Policies { all: Vec::new(), tokens: Vec::new() };
        for (index, object) in self.snapshot.objects() {
            if AuthorizationPolicy::is(object) {
                read.all.push(AuthorizationPolicy::read(object, index, &mut misread));
            } else if RequestAuthentication::is(object) {
                read.tokens.push(RequestAuthentication::read(object, index, &mut misread));
            }
        }
        read
    }

    /// Follows one way.
    pub(super) fn way(&self, client: &Client, call: &Call<'_>, leg: &Leg<'_>, policies: &Policies) -> Way {
        let mesh = &self.mesh;
        let server = &mesh.workloads.all[leg.server];
        let mode = mesh.servers[leg.server].enrolment.mode();
        let accepts = mesh.accepts(leg.server, leg.target);
        let outcome = leg.sends.as_ref().map(|(sends, _)| Outcome::of(*sends, accepts));
        let has_identity = match outcome {
            Some(outcome) => outcome == Outcome::Mtls,
            None => matches!(accepts, Accepts::Permissive | Accepts::Strict),
        };
        let (name, who) = match client {
            Client::Principal(name) => (name.clone(), name.clone()),
            Client::Workload(index) => {
                let own = &mesh.workloads.all[*index];
                let domain = &mesh.config.trust_domain;
                (
                    words::workload(own),
                    format!("spiffe://{domain}/ns/{}/sa/{}", own.namespace, own.service_account),
                )
            }
        };
        let identity = has_identity.then_some(who);
        let mut transport = Vec::new();
        if let Some((sends, why)) = &leg.sends {
            transport.push(Told {
                what: format!("sends {}: {}", sends.name(), why.what),
                location: why.location.clone(),
            });
        }
        let why = mesh.why_accepts(leg.server, leg.target);
        let (what, place) = words::accepts(self, leg.server, &why);
        transport.push(Told {
            what: format!("takes {}: {what}", accepts.name()),
            location: place.and_then(|place| self.location(place)),
        });
        let said = leg.through.and_then(|(_, port)| port.is_http);
        let opaque = matches!(leg.sends, Some((Sends::TlsSimple | Sends::TlsMutual, _)));
        let is_http = !opaque && said.unwrap_or_else(|| call.is_http());
        let backend = match mode {
            Mode::Ambient => Backend::Ztunnel,
            Mode::Gateway => Backend::Gateway,
            Mode::Sidecar if accepts != Accepts::None && is_http => Backend::SidecarHttp,
            Mode::Sidecar if accepts != Accepts::None => Backend::SidecarTcp,
            Mode::Sidecar | Mode::None => Backend::None,
        };
        let mut remarks = Vec::new();
        if call.is_http() && !is_http && backend == Backend::SidecarTcp {
            remarks.push(Told::plain(
                "the port does not carry HTTP for the proxy: what is asked of the request is not seen",
            ));
        }
        let guard = Guard {
            selected: Selected {
                namespace: &server.namespace,
                labels: &server.labels,
                is_waypoint: false,
                service: None,
            },
            port: leg.target,
        };
        let caller =
            Caller { peer: identity.as_deref(), source: call.source.or_else(|| self.address(client)) };
        let ask = |backend| self.judge(call, &caller, &guard, backend, policies);
        let (first, note) = self.waypoint(client, leg);
        remarks.extend(note);
        let mut asked = backend;
        let judged = match (outcome, &first) {
            (Some(fate @ (Outcome::Refused | Outcome::Broken)), _) => {
                Judged::new(Verdict::No, format!("the connection is {}", fate.name()))
            }
            (Some(Outcome::CertDependent), _) => {
                Judged::new(Verdict::CannotTell, "it depends on who signed the client's certificate")
            }
            (_, Some(waypoint)) => {
                asked = Backend::Waypoint;
                transport.push(waypoint.told.clone());
                self.through(call, &caller, &guard, waypoint, is_http, policies)
            }
            _ => ask(backend),
        };
        let mut others = Vec::new();
        if outcome.is_none_or(|fate| !matches!(fate, Outcome::Refused | Outcome::Broken)) && first.is_none() {
            remarks.extend(self.unseen(&guard, backend, policies));
            let sidecar = if is_http { Backend::SidecarHttp } else { Backend::SidecarTcp };
            for other in [sidecar, Backend::Ztunnel] {
                let said = ask(other);
                if other != backend && said.verdict != judged.verdict {
                    others.push((other, said));
                }
            }
        }
        Way {
            client: name,
            server: words::workload(server),
            port: leg.target,
            service: leg
                .through
                .map(|(service, port)| format!("{}/{}:{}", service.namespace, service.name, port.number)),
            transport,
            outcome,
            identity,
            backend: asked,
            judged,
            others,
            remarks,
        }
    }

    /// The address of a client that runs.
    fn address(&self, client: &Client) -> Option<Address> {
        let Client::Workload(index) = client else { return None };
        let object = self.snapshot.all().get(self.mesh.workloads.all[*index].object)?;
        let address: std::net::IpAddr = object.root().str_at(&["status", "podIP"])?.parse().ok()?;
        Some(ringwall_mesh::authorization::request::address(address))
    }

    /// The waypoint on the way, and what else there is to say of it. Clients in ambient mode go through waypoints, and others go around them; a
    /// principal is taken for one in ambient mode.
    fn waypoint<'l>(&self, client: &Client, leg: &'l Leg<'_>) -> (Option<Waypoint<'l>>, Option<Told>) {
        let server = &self.mesh.workloads.all[leg.server];
        if self.mesh.servers[leg.server].enrolment.mode() != Mode::Ambient {
            return (None, None);
        }
        let waypoints = Waypoints::of(self.snapshot);
        // What has no address of its own is called by that of a pod.
        let by_service = leg.through.filter(|(service, _)| service.resolution != Resolution::Original);
        let (before, port) = match by_service {
            Some((service, port)) => (waypoints.before_service(self.snapshot, service.object), port.number),
            None => (waypoints.before_workload(self.snapshot, server), leg.target),
        };
        let (named, gateway) = match before {
            Before::Nothing => return (None, None),
            Before::Unfit(named, of) => {
                let what = format!(
                    "the waypoint {}/{} is passed by: it is not for what is called as a {}",
                    named.namespace,
                    named.name,
                    of.name()
                );
                return (None, Some(Told { what, location: self.location(&named.place) }));
            }
            Before::Waypoint(named, gateway) => (named, gateway),
        };
        let name = format!("{}/{}", named.namespace, named.name);
        let location = self.location(&named.place);
        if let Client::Workload(index) = client
            && self.mesh.servers[*index].enrolment.mode() != Mode::Ambient
        {
            let what =
                format!("the waypoint {name} is passed by: only clients in ambient mode go through it");
            return (None, Some(Told { what, location }));
        }
        let service = by_service.map(|(service, _)| {
            let object = self.snapshot.all().get(service.object);
            let is_entry = object.is_some_and(|object| object.id.kind == "ServiceEntry");
            let kind = if is_entry { ServiceKind::ServiceEntry } else { ServiceKind::Service };
            ServiceRef { kind, namespace: &service.namespace, name: &service.name }
        });
        let note = gateway.is_none().then(|| Told {
            what: format!(
                "the Gateway {name} is not in the input, and is taken as there: without it the traffic goes around it"
            ),
            location: location.clone(),
        });
        let told = Told { what: format!("goes through the waypoint {name}"), location };
        (Some(Waypoint { named, told, service, port }), note)
    }

    /// What a waypoint and the ztunnel behind it make of the call.
    fn through(
        &self,
        call: &Call<'_>,
        caller: &Caller<'_>,
        server: &Guard<'_>,
        waypoint: &Waypoint<'_>,
        is_http: bool,
        policies: &Policies,
    ) -> Judged {
        let named = &waypoint.named;
        let labels: Pairs = vec![(GATEWAY_NAME.into(), named.name.as_str().into())];
        let guard = Guard {
            selected: Selected {
                namespace: &named.namespace,
                labels: &labels,
                is_waypoint: true,
                service: waypoint.service.clone(),
            },
            port: waypoint.port,
        };
        let backend = if is_http { Backend::Waypoint } else { Backend::WaypointTcp };
        let mut first = self.judge(call, caller, &guard, backend, policies);
        if first.verdict == Verdict::No {
            first.reason = format!("at the waypoint: {}", first.reason);
            return first;
        }
        // The waypoint calls on as itself: istiod gives it an account of its own name.
        let domain = &self.mesh.config.trust_domain;
        let own = format!("spiffe://{domain}/ns/{}/sa/{}", named.namespace, named.name);
        let behind = Caller { peer: Some(&own), source: None };
        let mut second = self.judge(call, &behind, server, Backend::Ztunnel, policies);
        if second.verdict != Verdict::Yes {
            second.reason =
                format!("at ztunnel behind the waypoint, which calls as {own}: {}", second.reason);
            return second;
        }
        first.because.extend(second.because);
        first
    }
}
