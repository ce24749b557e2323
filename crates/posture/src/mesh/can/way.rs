//! One way of a call: what is sent and taken in, and which proxies stand on it.

use ringwall_mesh::authorization::policy::AuthorizationPolicy;
use ringwall_mesh::authorization::select::Workload as Selected;
use ringwall_mesh::enrolment::Mode;
use ringwall_mesh::mesh::Accepts;
use ringwall_mesh::place::created;
use ringwall_mesh::request_authentication::RequestAuthentication;
use ringwall_mesh::sends::{Outcome, Sends};
use ringwall_mesh::workloads::Origin;
use ringwall_model::address::Address;
use ringwall_model::finding::Verdict;

use super::judge::{Caller, Guard};
use super::waypoint::one_of;
use super::{Backend, Call, Client, Judged, Leg, Policies, Told, Way};
use crate::mesh::{Meshed, words};

/// Whether it is TLS that a rule asks for, which only the application can read.
pub(super) const fn is_own_tls(sends: Sends) -> bool {
    matches!(sends, Sends::TlsSimple | Sends::TlsMutual)
}

/// What a sidecar makes of the call, by what it takes the port to carry, where that matters.
fn of_protocol(
    backend: Backend,
    protocols: &[(String, Option<bool>)],
    sees: &dyn Fn(Option<bool>) -> bool,
    ask: &dyn Fn(Backend) -> Judged,
) -> Judged {
    let judged = ask(backend);
    let other = match backend {
        Backend::SidecarHttp => Backend::SidecarTcp,
        Backend::SidecarTcp => Backend::SidecarHttp,
        _ => return judged,
    };
    let Some(((first, said), others)) = protocols.split_first() else { return judged };
    let differs = |(_, own): &&(String, Option<bool>)| sees(*own) != sees(*said);
    let Some((second, _)) = others.iter().find(differs) else { return judged };
    if ask(other).verdict == judged.verdict {
        return judged;
    }
    let reason = format!(
        "{first} and {second} do not agree on whether the port carries HTTP: the older one counts, and which that is, is not in the input"
    );
    Judged { because: judged.because, ..Judged::new(Verdict::CannotTell, reason) }
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
        let (first, notes) = self.waypoint(client, leg);
        let direct = leg.sends.as_ref().map(|(sends, _)| Outcome::of(*sends, accepts, leg.by_tunnel));
        let outcome = match &first {
            Some(waypoint) if waypoint.is_certain => Some(waypoint.fate),
            _ => direct,
        };
        let has_identity = match outcome {
            // To the waypoint a client in ambient mode, or a gateway, always uses the tunnel.
            _ if first.is_some() => true,
            Some(outcome) => outcome == Outcome::Mtls || leg.by_tunnel,
            None => matches!(accepts, Accepts::Permissive | Accepts::Strict),
        };
        let (name, who) = self.who(client);
        let identity = has_identity.then(|| who.clone());
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
        let by_service = leg.by.and_then(|by| by.port.is_http).unwrap_or_else(|| call.is_http());
        // What TLS of a rule hides from the server's proxy, a waypoint has seen before.
        let has_own_tls = leg.sends.as_ref().is_some_and(|(sends, _)| is_own_tls(*sends));
        let protocols = self.protocols(leg.server, leg.target);
        let sees = |through: bool, said: Option<bool>| {
            (through || !has_own_tls) && said.unwrap_or_else(|| call.is_http())
        };
        let sees_first = |through| sees(through, protocols.first().and_then(|(_, said)| *said));
        // The proxy of the server, behind a waypoint or without one.
        let backend_of = |through: bool| match mode {
            Mode::Ambient if accepts == Accepts::None && !leg.by_tunnel && !through => Backend::None,
            Mode::Ambient => Backend::Ztunnel,
            Mode::Gateway => Backend::Gateway,
            Mode::Sidecar if accepts != Accepts::None && sees_first(through) => Backend::SidecarHttp,
            Mode::Sidecar if accepts != Accepts::None => Backend::SidecarTcp,
            Mode::Sidecar | Mode::None => Backend::None,
        };
        let (is_http, backend) = (sees_first(certain.is_some()), backend_of(certain.is_some()));
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
            is_ambient: mode == Mode::Ambient,
        };
        let caller =
            Caller { peer: identity.as_deref(), source: call.source.or_else(|| self.address(client)) };
        let ask = |backend| match backend {
            Backend::Gateway if accepts == Accepts::Unknown => {
                self.at_gateway(call, (&caller, &who), &guard, policies)
            }
            backend => self.judge(call, &caller, &guard, backend, policies),
        };
        remarks.extend(notes);
        let mut asked = backend;
        let judged = match (outcome, &first) {
            (_, Some(waypoint)) => {
                let through = self.through(call, &caller, &guard, waypoint, (backend, by_service), policies);
                if waypoint.is_certain {
                    asked = Backend::Waypoint;
                }
                let carried = "whether the caller is in ambient mode, and so goes through the waypoint";
                match waypoint.doubt.as_deref().or((!waypoint.is_certain).then_some(carried)) {
                    None => through,
                    Some(doubt) => {
                        let backend = backend_of(false);
                        let bare = Caller { peer: None, ..caller };
                        let as_nobody = |backend| self.judge(call, &bare, &guard, backend, policies);
                        let sees = |said| sees(false, said);
                        let past = match direct {
                            Some(fate @ (Outcome::Refused | Outcome::Broken | Outcome::Blocked)) => {
                                let reason = format!("around the waypoint the connection is {}", fate.name());
                                Judged::new(Verdict::No, reason)
                            }
                            Some(fate) if fate != Outcome::Mtls && !leg.by_tunnel => {
                                of_protocol(backend, &protocols, &sees, &as_nobody)
                            }
                            _ => of_protocol(backend, &protocols, &sees, &ask),
                        };
                        one_of(through, past, doubt, (!waypoint.is_certain).then_some(&waypoint.told))
                    }
                }
            }
            (None, None) if self.is_foreign(client, backend) => {
                Judged::new(Verdict::No, "the server's proxy takes no certificate of that trust domain")
            }
            (Some(fate @ (Outcome::Refused | Outcome::Broken | Outcome::Blocked)), _) => {
                Judged::new(Verdict::No, format!("the connection is {}", fate.name()))
            }
            (Some(Outcome::Unknown), _) => Judged::new(
                Verdict::CannotTell,
                "it depends on whether the gateway's listener asks for certificates of the mesh",
            ),
            (Some(Outcome::CertDependent), _) => {
                Judged::new(Verdict::CannotTell, "it depends on who signed the client's certificate")
            }
            _ => of_protocol(backend, &protocols, &|said| sees(certain.is_some(), said), &ask),
        };
        let mut others = Vec::new();
        let is_judged =
            outcome.is_none_or(|fate| !matches!(fate, Outcome::Refused | Outcome::Broken | Outcome::Blocked));
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

    /// What a sidecar takes a port to carry: HTTP, bytes, or what comes. The oldest of the Services that lead to it says so; where several
    /// are of one age, or their age is not in the input, all of these, the one that counts in a cluster first. Where a `Sidecar` has listeners for
    /// what comes in, it says so instead, and of other ports the proxy looks at what comes. Source: `getFilterChainsByServicePort` in
    /// istio.io/istio `pilot/pkg/networking/core/listener_inbound.go`, `SetServiceTargets` in `pilot/pkg/model/context.go`.
    fn protocols(&self, server: usize, target: u16) -> Vec<(String, Option<bool>)> {
        let mesh = &self.mesh;
        let workload = &mesh.workloads.all[server];
        let scope = mesh.scopes.of(&workload.namespace, &workload.labels);
        if let Some(scope) = scope.and_then(|scope| mesh.scopes.all.get(scope))
            && !scope.ingress.is_empty()
        {
            let mut ports = scope.ingress.iter();
            let own = ports.find(|(port, _)| *port == u32::from(target));
            return vec![(
                format!("Sidecar {}/{}", scope.namespace, scope.name),
                own.and_then(|(_, said)| *said),
            )];
        }
        let mut leading = Vec::new();
        for service in mesh.services.iter().filter(|service| service.workloads.contains(&server)) {
            let mut ports = service.ports.iter();
            let Some(port) = ports.find(|port| service.target(port, workload) == Some(target)) else {
                continue;
            };
            let created = self.snapshot.all().get(service.object).and_then(created);
            leading.push((created.is_none(), created, service.host.as_str(), port.is_http));
        }
        leading.sort();
        let first = leading.first().map(|(_, created, ..)| *created);
        let oldest = leading.iter().take_while(|(_, created, ..)| Some(*created) == first);
        oldest.map(|(_, _, host, is_http)| ((*host).to_owned(), *is_http)).collect()
    }

    /// What a gateway makes of the call whose listeners the input does not show: they may ask for the client's certificate, or not.
    pub(super) fn at_gateway(
        &self,
        call: &Call<'_>,
        (caller, who): (&Caller<'_>, &str),
        guard: &Guard<'_>,
        policies: &Policies,
    ) -> Judged {
        let ask = |peer| {
            let caller = Caller { peer, source: caller.source };
            self.judge(call, &caller, guard, Backend::Gateway, policies)
        };
        let (without, with) = (ask(None), ask(Some(who)));
        if without.verdict == with.verdict {
            return without;
        }
        let reason = "it depends on whether the gateway's listener asks for certificates of the mesh";
        let mut judged = Judged::new(Verdict::CannotTell, reason);
        judged.because = without.because.into_iter().chain(with.because).collect();
        judged
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
}
