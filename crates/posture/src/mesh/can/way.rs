//! One way of a call: what is sent and taken in, and which proxies stand on it.

use ringwall_mesh::authorization::policy::AuthorizationPolicy;
use ringwall_mesh::authorization::select::{GATEWAY_NAME, ServiceKind, ServiceRef, Workload as Selected};
use ringwall_mesh::enrolment::Mode;
use ringwall_mesh::gateways::account_of_gateway;
use ringwall_mesh::mesh::Accepts;
use ringwall_mesh::place::{Pairs, created};
use ringwall_mesh::request_authentication::RequestAuthentication;
use ringwall_mesh::sends::{Outcome, Sends};
use ringwall_mesh::services::Resolution;
use ringwall_mesh::waypoint::{self, Before, Doubt, Named, Other, Unfit, account};
use ringwall_mesh::workloads::Origin;
use ringwall_model::address::Address;
use ringwall_model::finding::Verdict;
use ringwall_model::object::Object;

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
    /// What it sends on, why, and what becomes of it.
    sends: (Sends, Told),
    fate: Outcome,
    /// Whether it shows its certificate: it sends through the tunnel.
    has_identity: bool,
    /// Its Gateway, where that is in the input.
    gateway: Option<usize>,
    /// Whether the client is known to go through it.
    is_certain: bool,
    /// What it depends on whether the traffic goes around it, if that may be.
    doubt: Option<String>,
    /// What stands there, if that is not known to be a waypoint of istiod's.
    other: Option<String>,
    /// Another one that the call may go through in its place, and what that depends on.
    canary: Option<(Box<Waypoint<'m>>, String)>,
}

/// Whether it is TLS that a rule asks for, which only the application can read.
const fn is_own_tls(sends: Sends) -> bool {
    matches!(sends, Sends::TlsSimple | Sends::TlsMutual)
}

/// `namespace/name`.
fn full_name(named: &Named) -> String {
    format!("{}/{}", named.namespace, named.name)
}

/// Why nothing is known of what stands in the place of a waypoint.
fn unknown(named: &Named, other: &Other) -> String {
    let name = full_name(named);
    match other {
        Other::UnknownClass(class) => format!(
            "the Gateway {name} stands before it, and what its class {class} makes of it is not in the input"
        ),
        Other::Controller(controller) => format!(
            "the Gateway {name} stands before it, whose controller {controller} makes no waypoint that is known here"
        ),
    }
}

/// The answer where one of two holds, and what decides which is not known.
fn one_of(one: Judged, other: Judged, depends: &str, told: Option<&Told>) -> Judged {
    if one.verdict == other.verdict {
        return one;
    }
    let mut judged = Judged::new(Verdict::CannotTell, format!("it depends on {depends}"));
    judged.because.extend(told.cloned());
    judged.because.extend(one.because.into_iter().chain(other.because));
    judged
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
    /// are of one age, or their age is not in the input, all of these, the one that counts in a cluster first. Source: `getFilterChainsByServicePort` in
    /// istio.io/istio `pilot/pkg/networking/core/listener_inbound.go`, `SetServiceTargets` in `pilot/pkg/model/context.go`.
    fn protocols(&self, server: usize, target: u16) -> Vec<(String, Option<bool>)> {
        let mesh = &self.mesh;
        let workload = &mesh.workloads.all[server];
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

    /// What carries the traffic of a client; nothing where that is not known of a principal, or not the same of all who have it.
    fn carrier(&self, client: &Client) -> Option<Mode> {
        let principal = match client {
            Client::Workload(index) => return Some(self.mesh.servers[*index].enrolment.mode()),
            Client::Principal(principal) => principal.strip_prefix("spiffe://").unwrap_or(principal),
        };
        let parts: Vec<&str> = principal.split('/').collect();
        let [_, "ns", namespace, "sa", account] = parts.as_slice() else { return None };
        let has_account = |object: &Object| account_of_gateway(object).as_deref() == Some(account);
        if self.managed_gateways(namespace).any(has_account) {
            return Some(Mode::Gateway);
        }
        let all = self.mesh.workloads.all.iter().enumerate();
        let own = all.filter(|(_, one)| one.namespace == *namespace && one.service_account == *account);
        let mut modes = own.map(|(index, _)| self.mesh.servers[index].enrolment.mode());
        let first = modes.next()?;
        modes.all(|mode| mode == first).then_some(first)
    }

    /// The waypoint on the way, and what else there is to say of it. Clients in ambient mode go through waypoints, and gateways where the service says so.
    fn waypoint<'l>(&self, client: &Client, leg: &'l Leg<'_>) -> (Option<Waypoint<'l>>, Vec<Told>) {
        let mesh = &self.mesh;
        // What has no address of its own is called by that of a pod.
        let by = leg.by.filter(|by| by.service.resolution != Resolution::Original);
        let before = match by {
            Some(by) => mesh.waypoints.before_service(by.index),
            None if mesh.servers[leg.server].enrolment.mode() != Mode::Ambient => return (None, Vec::new()),
            None => mesh.waypoints.before_workload(leg.server),
        };
        let (first, canary) = match before {
            Before::Nothing => return (None, Vec::new()),
            Before::Unfit(named, why) => return (None, vec![self.unfit(named, *why)]),
            Before::Waypoint(first, canary) => (first, canary),
        };
        let carrier = self.carrier(client);
        let goes = match carrier {
            None | Some(Mode::Ambient) => true,
            Some(Mode::Gateway) => by.is_some_and(|by| mesh.waypoints.takes_gateways(by.index)),
            Some(Mode::Sidecar | Mode::None) => false,
        };
        if !goes {
            let what = format!(
                "the waypoint {} is passed by: only clients in ambient mode go through it, and gateways where the Service says so",
                full_name(&first.named)
            );
            return (None, vec![Told { what, location: self.location(&first.named.place) }]);
        }
        let one = |one| self.on_the_way(one, by, leg, carrier.is_some());
        let (mut found, mut notes) = one(first);
        if let Some(canary) = canary {
            let (mut second, more) = one(&canary.waypoint);
            notes.extend(more);
            let (weight, name) = (canary.weight, full_name(&canary.waypoint.named));
            let told = format!("{weight} of 100 calls go through the waypoint {name}");
            notes.push(Told { what: told, location: second.told.location.clone() });
            if weight == 100 && second.doubt.is_none() {
                // It takes the place of the first, where that is there.
                second.doubt = found.doubt.take();
                found = second;
            } else {
                let depends = second.doubt.clone().unwrap_or_else(|| {
                    format!(
                        "whether the call goes through the waypoint {} or {name}",
                        full_name(&first.named)
                    )
                });
                found.canary = Some((Box::new(second), depends));
            }
        }
        (Some(found), notes)
    }

    /// Why a waypoint that is named is passed by.
    fn unfit(&self, named: &Named, why: Unfit) -> Told {
        let why = match why {
            Unfit::For(of) => format!("it is not for what is called as a {}", of.name()),
            Unfit::Namespace => "its listener takes nothing from this namespace (allowedRoutes)".to_owned(),
            Unfit::NotReady => "the status of its Gateway has no address, so it is not ready".to_owned(),
        };
        let what = format!("the waypoint {} is passed by: {why}", full_name(named));
        Told { what, location: self.location(&named.place) }
    }

    /// A waypoint, with what it sends on and what becomes of that; and what else there is to say of it.
    fn on_the_way<'l>(
        &self,
        one: &waypoint::Waypoint,
        by: Option<By<'l>>,
        leg: &Leg<'_>,
        is_certain: bool,
    ) -> (Waypoint<'l>, Vec<Told>) {
        let service = by.map(|By { service, .. }| {
            let object = self.snapshot.all().get(service.object);
            let is_entry = object.is_some_and(|object| object.id.kind == "ServiceEntry");
            let kind = if is_entry { ServiceKind::ServiceEntry } else { ServiceKind::Service };
            ServiceRef { kind, namespace: &service.namespace, name: &service.name }
        });
        let mesh = &self.mesh;
        let called = by.map(|by| (by.index, by.place));
        let (sends, why) = mesh.sent_by_waypoint(&one.named, called, leg.server);
        let has_identity = mesh.servers[leg.server].takes_tunnel;
        let fate = Outcome::of(sends, mesh.accepts(leg.server, leg.target), has_identity);
        let (what, place) = words::sends(self, &why);
        let sends = (sends, Told { what, location: place.and_then(|place| self.location(place)) });
        let name = full_name(&one.named);
        let doubt = one.doubt.map(|doubt| match doubt {
            Doubt::Gateway => format!("whether there is a Gateway {name}, which is not in the input"),
            Doubt::NamespaceLabels => {
                format!("the labels of the namespace, by which the waypoint {name} selects, and which are not in the input")
            }
        });
        let location = self.location(&one.named.place);
        let note = (one.doubt == Some(Doubt::Gateway)).then(|| Told {
            what: format!("the Gateway {name} is not in the input: without it no traffic goes through it"),
            location: location.clone(),
        });
        let found = Waypoint {
            named: one.named.clone(),
            told: Told { what: format!("goes through the waypoint {name}"), location },
            service,
            port: by.map_or(leg.target, |by| by.port.number),
            sends,
            fate,
            has_identity,
            gateway: one.gateway,
            is_certain,
            doubt,
            other: one.other.as_ref().map(|other| unknown(&one.named, other)),
            canary: None,
        };
        (found, note.into_iter().collect())
    }

    /// What the waypoints on the way make of the call: one, or each of two that may be on it.
    fn through(
        &self,
        call: &Call<'_>,
        caller: &Caller<'_>,
        server: &Guard<'_>,
        waypoint: &Waypoint<'_>,
        own: (Backend, bool),
        policies: &Policies,
    ) -> Judged {
        let by = |one: &Waypoint<'_>| self.through_one(call, caller, server, one, own, policies);
        match &waypoint.canary {
            None => by(waypoint),
            Some((second, depends)) => one_of(by(waypoint), by(second), depends, None),
        }
    }

    /// What a waypoint makes of the call, and behind it the server's own proxy (`own`).
    fn through_one(
        &self,
        call: &Call<'_>,
        caller: &Caller<'_>,
        server: &Guard<'_>,
        waypoint: &Waypoint<'_>,
        (own, is_http): (Backend, bool),
        policies: &Policies,
    ) -> Judged {
        if let Some(other) = &waypoint.other {
            return Judged::new(Verdict::CannotTell, other.clone());
        }
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
            is_ambient: false,
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
        let has_identity = waypoint.has_identity;
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
