//! Waypoints on a way: which one a client goes through, what it makes of the call, and what it sends on.

use ringwall_mesh::authorization::select::{GATEWAY_NAME, ServiceKind, ServiceRef, Workload as Selected};
use ringwall_mesh::enrolment::Mode;
use ringwall_mesh::gateways::account_of_gateway;
use ringwall_mesh::place::Pairs;
use ringwall_mesh::sends::{Outcome, Sends};
use ringwall_mesh::services::Resolution;
use ringwall_mesh::waypoint::{self, Before, Doubt, Named, Other, Unfit, account};
use ringwall_model::finding::Verdict;
use ringwall_model::object::Object;

use super::judge::{Caller, Guard};
use super::way::is_own_tls;
use super::{Backend, By, Call, Client, Judged, Leg, Policies, Told};
use crate::mesh::{Meshed, words};

/// A waypoint on the way.
pub(super) struct Waypoint<'m> {
    named: Named,
    /// What names it.
    pub(super) told: Told,
    service: Option<ServiceRef<'m>>,
    /// The port that it is called at.
    port: u16,
    /// What it sends on, and why.
    pub(super) sends: (Sends, Told),
    /// What becomes of that.
    pub(super) fate: Outcome,
    /// Whether it shows its certificate: it sends through the tunnel.
    has_identity: bool,
    /// Its Gateway, where that is in the input.
    gateway: Option<usize>,
    /// Whether the client is known to go through it.
    pub(super) is_certain: bool,
    /// What it depends on whether the traffic goes around it, if that may be.
    pub(super) doubt: Option<String>,
    /// What stands there, if that is not known to be a waypoint of istiod's.
    other: Option<String>,
    /// Another one that the call may go through in its place, and what that depends on.
    canary: Option<(Box<Waypoint<'m>>, String)>,
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
pub(super) fn one_of(one: Judged, other: Judged, depends: &str, told: Option<&Told>) -> Judged {
    if one.verdict == other.verdict {
        return one;
    }
    let mut judged = Judged::new(Verdict::CannotTell, format!("it depends on {depends}"));
    judged.because.extend(told.cloned());
    judged.because.extend(one.because.into_iter().chain(other.because));
    judged
}

impl Meshed<'_> {
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
    pub(super) fn waypoint<'l>(
        &self,
        client: &Client,
        leg: &'l Leg<'_>,
    ) -> (Option<Waypoint<'l>>, Vec<Told>) {
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
    pub(super) fn through(
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
