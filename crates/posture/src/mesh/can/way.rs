//! One way of a call: what is sent and taken in, and which proxies stand on it.

use ringwall_mesh::authorization::policy::AuthorizationPolicy;
use ringwall_mesh::authorization::select::{GATEWAY_NAME, ServiceKind, ServiceRef, Workload as Selected};
use ringwall_mesh::enrolment::Mode;
use ringwall_mesh::mesh::Accepts;
use ringwall_mesh::place::Pairs;
use ringwall_mesh::request_authentication::RequestAuthentication;
use ringwall_mesh::sends::{Outcome, Sends};
use ringwall_mesh::services::Resolution;
use ringwall_mesh::waypoint::{Before, Named, Unfit, account};
use ringwall_mesh::workloads::Origin;
use ringwall_model::address::Address;
use ringwall_model::finding::Verdict;

use super::judge::{Caller, Guard};
use super::{Backend, By, Call, Client, Judged, Leg, Policies, Told, Way};
use crate::mesh::{Meshed, words};

/// A waypoint on the way.
pub(super) struct Waypoint<'m> {
    named: Named,
    /// What names it.
    told: Told,
    service: Option<ServiceRef<'m>>,
    /// The port that it is called at.
    port: u16,
    /// The workload behind it.
    server: usize,
    /// What it sends on, why, and what becomes of it.
    sends: (Sends, Told),
    fate: Outcome,
    /// Its Gateway, where that is in the input.
    gateway: Option<usize>,
    /// Whether the client is known to go through it.
    is_certain: bool,
}

/// Whether it is TLS that a rule asks for, which only the application can read.
const fn is_own_tls(sends: Sends) -> bool {
    matches!(sends, Sends::TlsSimple | Sends::TlsMutual)
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
        let (first, note) = self.waypoint(client, leg);
        let outcome = match &first {
            Some(waypoint) if waypoint.is_certain => Some(waypoint.fate),
            _ => leg.sends.as_ref().map(|(sends, _)| Outcome::of(*sends, accepts)),
        };
        let has_identity = match outcome {
            // To the waypoint a client in ambient mode, or a gateway, always uses the tunnel.
            _ if first.is_some() => true,
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
        let certain = first.as_ref().filter(|waypoint| waypoint.is_certain);
        let mut transport = Vec::new();
        let sent = match certain {
            Some(waypoint) => {
                transport.push(waypoint.told.clone());
                Some(("the waypoint sends", &waypoint.sends))
            }
            None => leg.sends.as_ref().map(|sends| ("sends", sends)),
        };
        if let Some((who, (sends, why))) = sent {
            transport.push(Told {
                what: format!("{who} {}: {}", sends.name(), why.what),
                location: why.location.clone(),
            });
        }
        let why = mesh.why_accepts(leg.server, leg.target);
        let (what, place) = words::accepts(self, leg.server, &why);
        transport.push(Told {
            what: format!("takes {}: {what}", accepts.name()),
            location: place.and_then(|place| self.location(place)),
        });
        let said = leg.by.and_then(|by| by.port.is_http);
        // What TLS of a rule hides from the server's proxy, a waypoint has seen before.
        let opaque = certain.is_none() && leg.sends.as_ref().is_some_and(|(sends, _)| is_own_tls(*sends));
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
        remarks.extend(note);
        let mut asked = backend;
        let judged = match (outcome, &first) {
            (_, Some(waypoint)) if waypoint.is_certain => {
                asked = Backend::Waypoint;
                self.through(call, &caller, &guard, waypoint, (backend, is_http), policies)
            }
            (_, Some(waypoint)) => {
                let (through, past) = (
                    self.through(call, &caller, &guard, waypoint, (backend, is_http), policies),
                    ask(backend),
                );
                if through.verdict == past.verdict {
                    through
                } else {
                    let mut judged = Judged::new(
                        Verdict::CannotTell,
                        "it depends on whether the caller is in ambient mode, and so goes through the waypoint",
                    );
                    judged.because.push(waypoint.told.clone());
                    judged.because.extend(through.because.into_iter().chain(past.because));
                    judged
                }
            }
            (None, None) if self.is_foreign(client, backend) => {
                Judged::new(Verdict::No, "the server's proxy takes no certificate of that trust domain")
            }
            (Some(fate @ (Outcome::Refused | Outcome::Broken)), _) => {
                Judged::new(Verdict::No, format!("the connection is {}", fate.name()))
            }
            (Some(Outcome::CertDependent), _) => {
                Judged::new(Verdict::CannotTell, "it depends on who signed the client's certificate")
            }
            _ => ask(backend),
        };
        let mut others = Vec::new();
        let is_judged = outcome.is_none_or(|fate| !matches!(fate, Outcome::Refused | Outcome::Broken));
        if is_judged
            && first.is_none()
            && !matches!(backend, Backend::Gateway)
            && server.origin != Origin::Entry
        {
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
                .by
                .map(|by| format!("{}/{}:{}", by.service.namespace, by.service.name, by.port.number)),
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

    /// Whether a sidecar refuses the certificate of a principal: it is of a trust domain that is none of the mesh's, nor of a
    /// further authority's. Source: `TrustDomainsForValidation` in istio.io/istio `pilot/pkg/networking/plugin/authn/util.go`.
    fn is_foreign(&self, client: &Client, backend: Backend) -> bool {
        let Client::Principal(principal) = client else { return false };
        let bare = principal.strip_prefix("spiffe://").unwrap_or(principal);
        let domain = bare.split('/').next().unwrap_or_default();
        let config = &self.mesh.config;
        let mut others = config.trust_domain_aliases.iter().chain(&config.ca_trust_domains);
        let is_own = domain == config.trust_domain || others.any(|own| own == domain);
        matches!(backend, Backend::SidecarHttp | Backend::SidecarTcp) && !is_own
    }

    /// What carries the traffic of a client; nothing where that is not known of a principal, or not the same of all who have it.
    fn carrier(&self, client: &Client) -> Option<Mode> {
        let principal = match client {
            Client::Workload(index) => return Some(self.mesh.servers[*index].enrolment.mode()),
            Client::Principal(principal) => principal.strip_prefix("spiffe://").unwrap_or(principal),
        };
        let parts: Vec<&str> = principal.split('/').collect();
        let [_, "ns", namespace, "sa", account] = parts.as_slice() else { return None };
        let gateways = self.snapshot.of_kind("gateway.networking.k8s.io", "Gateway");
        let mut of_namespace = gateways.filter(|object| object.id.namespace.as_deref() == Some(namespace));
        let is_gateway = of_namespace.any(|object| {
            let class = object.root().str_at(&["spec", "gatewayClassName"]).unwrap_or_default();
            *account == format!("{}-{class}", object.id.name)
        });
        if is_gateway {
            return Some(Mode::Gateway);
        }
        let all = self.mesh.workloads.all.iter().enumerate();
        let own = all.filter(|(_, one)| one.namespace == *namespace && one.service_account == *account);
        let mut modes = own.map(|(index, _)| self.mesh.servers[index].enrolment.mode());
        let first = modes.next()?;
        modes.all(|mode| mode == first).then_some(first)
    }

    /// The waypoint on the way, and what else there is to say of it. Clients in ambient mode go through waypoints, and gateways where the service says so.
    fn waypoint<'l>(&self, client: &Client, leg: &'l Leg<'_>) -> (Option<Waypoint<'l>>, Option<Told>) {
        let mesh = &self.mesh;
        // What has no address of its own is called by that of a pod.
        let by = leg.by.filter(|by| by.service.resolution != Resolution::Original);
        let (before, port) = match by {
            Some(by) => (mesh.waypoints.before_service(by.index), by.port.number),
            None if mesh.servers[leg.server].enrolment.mode() != Mode::Ambient => return (None, None),
            None => (mesh.waypoints.before_workload(leg.server), leg.target),
        };
        let (named, gateway) = match before {
            Before::Nothing => return (None, None),
            Before::Unfit(named, why) => {
                let why = match why {
                    Unfit::For(of) => format!("it is not for what is called as a {}", of.name()),
                    Unfit::Namespace => {
                        "its listener takes nothing from this namespace (allowedRoutes)".to_owned()
                    }
                    Unfit::Class => "the Gateway of this name is none".to_owned(),
                };
                let what = format!("the waypoint {}/{} is passed by: {why}", named.namespace, named.name);
                return (None, Some(Told { what, location: self.location(&named.place) }));
            }
            Before::Waypoint(named, gateway) => (named, *gateway),
        };
        let name = format!("{}/{}", named.namespace, named.name);
        let location = self.location(&named.place);
        let carrier = self.carrier(client);
        let goes = match carrier {
            None | Some(Mode::Ambient) => true,
            Some(Mode::Gateway) => by.is_some_and(|by| mesh.waypoints.takes_gateways(by.index)),
            Some(Mode::Sidecar | Mode::None) => false,
        };
        if !goes {
            let what = format!(
                "the waypoint {name} is passed by: only clients in ambient mode go through it, and gateways where the Service says so"
            );
            return (None, Some(Told { what, location }));
        }
        let service = by.map(|By { service, .. }| {
            let object = self.snapshot.all().get(service.object);
            let is_entry = object.is_some_and(|object| object.id.kind == "ServiceEntry");
            let kind = if is_entry { ServiceKind::ServiceEntry } else { ServiceKind::Service };
            ServiceRef { kind, namespace: &service.namespace, name: &service.name }
        });
        let (sends, why, fate) =
            mesh.sent_by_waypoint(named, by.map(|by| (by.index, by.place)), leg.server, leg.target);
        let (what, place) = words::sends(self, &why);
        let sends = (sends, Told { what, location: place.and_then(|place| self.location(place)) });
        let note = gateway.is_none().then(|| Told {
            what: format!(
                "the Gateway {name} is not in the input, and is taken as there: without it the traffic goes around it"
            ),
            location: location.clone(),
        });
        let told = Told { what: format!("goes through the waypoint {name}"), location };
        let is_certain = carrier.is_some();
        let waypoint = Waypoint {
            named: named.clone(),
            told,
            service,
            port,
            server: leg.server,
            sends,
            fate,
            gateway,
            is_certain,
        };
        (Some(waypoint), note)
    }

    /// What a waypoint makes of the call, and behind it the server's own proxy (`own`).
    fn through(
        &self,
        call: &Call<'_>,
        caller: &Caller<'_>,
        server: &Guard<'_>,
        waypoint: &Waypoint<'_>,
        (own, is_http): (Backend, bool),
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
        if waypoint.fate == Outcome::Refused {
            let (sends, why) = &waypoint.sends;
            let reason = format!("the waypoint sends {} to the server, which refuses it", sends.name());
            let mut refused = Judged::new(Verdict::No, reason);
            refused.because.push(why.clone());
            return refused;
        }
        // The waypoint calls on as itself, where the server takes its tunnel: istiod gives it an account of its own name.
        let domain = &self.mesh.config.trust_domain;
        let account = account(&self.snapshot, waypoint.gateway, named);
        let identity = format!("spiffe://{domain}/ns/{}/sa/{account}", named.namespace);
        let has_identity = self.mesh.servers[waypoint.server].takes_tunnel;
        let behind = Caller { peer: has_identity.then_some(&identity), source: None };
        let own = match own {
            Backend::SidecarHttp if is_own_tls(waypoint.sends.0) => Backend::SidecarTcp,
            own => own,
        };
        let mut second = self.judge(call, &behind, server, own, policies);
        if second.verdict != Verdict::Yes {
            let who = if has_identity {
                format!("which calls as {identity}")
            } else {
                "which shows no certificate".to_owned()
            };
            second.reason = format!("behind the waypoint, {who}, at {own}: {}", second.reason);
            return second;
        }
        first.because.extend(second.because);
        first
    }
}
