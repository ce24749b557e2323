//! Policies at a workload or at its waypoint that clients pass by, since they come another way.

use std::collections::BTreeSet;

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::Fixable;

use super::examples::{ambient, policy, web};
use super::identity::asks_who;
use super::layers::in_ambient;
use super::{AMBIENT, AUTHORIZATION, EVERY_VERSION, Flaws, MeshCheck, Subject};
use crate::authorization::judge::Verdict;
use crate::authorization::policy::{Action, AuthorizationPolicy, Field, Rule};
use crate::authorization::select::{GATEWAY_NAME, ServiceKind, ServiceRef, Workload as Selected};
use crate::enrolment::Mode as Carrier;
use crate::services::Service;
use crate::waypoint::{Named, account};
use crate::workloads::Workload;
use crate::ztunnel::{AmbientWorkload, Authorization, Connection};

/// The Service of the example, before which a waypoint stands.
macro_rules! guarded {
    () => {
        "\
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
  labels:
    istio.io/use-waypoint: waypoint
spec:
  selector:
    app: web
  ports:
  - name: http
    port: 80
    targetPort: 8080
---
"
    };
}

pub(super) use guarded;

/// A client in ambient mode.
macro_rules! guest {
    () => {
        "\
apiVersion: v1
kind: Pod
metadata:
  name: guest
  namespace: shop
spec:
  serviceAccountName: guest
  containers:
  - name: guest
---
"
    };
}

pub(super) const PAST_DENY: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-046",
        name: "deny-past-waypoint",
        severity: Severity::High,
        summary: "a DENY at a workload does not know the callers that come through its waypoint",
        what: "An AuthorizationPolicy with DENY, with a `selector` or for the whole namespace, says who calls (`principals`, `namespaces`, `serviceAccounts`, or \
               their `not` forms), and is for a workload in ambient mode behind a Service with a waypoint (`istio.io/use-waypoint`). A client of the input that \
               it means goes through that waypoint, and the account of the waypoint is none that it means. Nothing is said where it asks for addresses, \
               nor where a policy that asks who calls is attached to the Service or the waypoint as well.",
        why: "Behind a waypoint the caller is the waypoint: ztunnel sees its account, and not that of the client. The rule does not match, and the client \
              is let in by the Service, while it is kept out from the workload's own address.",
        fix: "Attach the rule to the Service with `targetRefs`, so that the waypoint asks who calls. Keep the one at the workload as well, for who goes around the \
              waypoint; or let the workload take calls from the account of the waypoint alone.",
        bad: concat!(
            ambient!(),
            web!(),
            guarded!(),
            guest!(),
            policy!("no-guests"),
            "\
spec:
  selector:
    matchLabels:
      app: web
  action: DENY
  rules:
  - from:
    - source:
        principals: [cluster.local/ns/shop/sa/guest]
"
        ),
        good: concat!(
            ambient!(),
            web!(),
            guarded!(),
            guest!(),
            policy!("no-guests"),
            "\
spec:
  targetRefs:
  - group: \"\"
    kind: Service
    name: web
  action: DENY
  rules:
  - from:
    - source:
        principals: [cluster.local/ns/shop/sa/guest]
"
        ),
        versions: EVERY_VERSION,
        references: &[AMBIENT, AUTHORIZATION, "https://istio.io/latest/docs/ambient/usage/waypoint/"],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand(
        "whether the Service, the waypoint or the workload should know the callers is not in the manifest",
    ),
    find: past_deny,
};

/// Fields about the addresses of a connection, of which nothing is known here.
const ADDRESSES: [&str; 5] = ["ipBlocks", "remoteIpBlocks", "source.ip", "remote.ip", "destination.ip"];

/// Whether a policy asks for addresses.
pub(super) fn asks_address(policy: &AuthorizationPolicy) -> bool {
    policy.fields().any(|field| ADDRESSES.contains(&field.of))
}

/// The policies that the waypoint of a service enforces for it.
pub(super) fn at_waypoint<'s>(
    subject: &'s Subject<'_>,
    named: &'s Named,
    service: &'s Service,
) -> impl Iterator<Item = &'s AuthorizationPolicy> {
    let labels = vec![(GATEWAY_NAME.into(), named.name.as_str().into())];
    let is_entry = subject.object(service.object).id.kind == "ServiceEntry";
    let root = subject.mesh.config.root_namespace.as_str();
    subject.policies.iter().filter(move |policy| {
        let kind = if is_entry { ServiceKind::ServiceEntry } else { ServiceKind::Service };
        let service = ServiceRef { kind, namespace: &service.namespace, name: &service.name };
        let waypoint = Selected {
            namespace: &named.namespace,
            labels: &labels,
            is_waypoint: true,
            service: Some(service),
        };
        waypoint.takes_policy(policy, root)
    })
}

/// The identity of a workload of the mesh, as its certificate says it without `spiffe://`.
pub(super) fn identity(subject: &Subject<'_>, workload: &Workload) -> String {
    format!("{}/ns/{}/sa/{}", subject.mesh.config.trust_domain, workload.namespace, workload.service_account)
}

/// Clients of the input that waypoints may stand before, one for each identity.
fn clients(subject: &Subject<'_>) -> Vec<(usize, Carrier, String)> {
    let mut told = BTreeSet::new();
    let mut found = Vec::new();
    for (index, pod) in subject.pods() {
        let carrier = subject.carrier(index);
        if matches!(carrier, Carrier::Ambient | Carrier::Gateway) && !pod.host_network {
            let identity = identity(subject, pod);
            if told.insert((carrier, identity.clone())) {
                found.push((index, carrier, identity));
            }
        }
    }
    found
}

/// A client that a DENY means and does not see.
struct Passed<'s> {
    client: usize,
    server: usize,
    service: &'s Service,
    named: &'s Named,
    rule: usize,
}

/// The first client of a policy that comes through a waypoint and is let in for it.
fn passed<'s>(
    subject: &'s Subject<'_>,
    sent: &Authorization,
    workloads: &[usize],
    clients: &[(usize, Carrier, String)],
) -> Option<Passed<'s>> {
    let mut seen = BTreeSet::new();
    for server in workloads {
        let own = subject.workload(*server);
        for at in &subject.services_of[*server] {
            let service = &subject.mesh.services[*at];
            let Some((named, gateway)) = subject.mesh.through_service(Carrier::Ambient, *at) else {
                continue;
            };
            let account = account(subject.snapshot, gateway, named);
            let peer = format!("{}/ns/{}/sa/{account}", subject.mesh.config.trust_domain, named.namespace);
            for port in service.ports.iter().filter_map(|port| service.target(port, own)) {
                let connection =
                    |peer| Connection { peer: Some(peer), source: None, destination: None, port };
                // What the rule makes of a client hangs on the waypoint and the port alone.
                let is_new = seen.insert((*at, port));
                if !is_new || sent.matching(&connection(&peer)).is_some() {
                    continue;
                }
                let own = AmbientWorkload { namespace: &own.namespace, labels: &own.labels };
                if subject.ambient.bind(&own).judge(&connection(&peer)).verdict != Verdict::Allow {
                    continue;
                }
                let mut asking = at_waypoint(subject, named, service);
                let is_asked = |policy: &AuthorizationPolicy| {
                    policy.action == Action::Custom
                        || (!policy.dry_run && policy.fields().any(|field| asks_who(&field)))
                };
                if asking.any(is_asked) {
                    continue;
                }
                let found = clients.iter().find_map(|(client, carrier, identity)| {
                    let goes = subject.mesh.through_service(*carrier, *at).is_some();
                    let rule = sent.matching(&connection(identity)).filter(|_| goes && *client != *server)?;
                    Some(Passed { client: *client, server: *server, service, named, rule })
                });
                if found.is_some() {
                    return found;
                }
            }
        }
    }
    None
}

/// Where a rule says who calls, or else the rule.
fn names_who(at: usize, rule: &Rule) -> ringwall_model::path::FieldPath {
    let fields = rule.fields(at);
    let field = fields.iter().find(|field| asks_who(field));
    field.map_or_else(|| AuthorizationPolicy::rule_path(at), |field| field.place.path())
}

fn past_deny(subject: &Subject<'_>, flaws: &mut Flaws) {
    // Who keeps out all but some accounts, and names the waypoint's among them, means just that.
    let is_account = |field: &Field<'_>| {
        let of = ["principals", "source.principal", "serviceAccounts", "source.serviceAccount"];
        of.contains(&field.of) && field.values.iter().all(|value| !value.ends_with('*'))
    };
    let names = |field: &Field<'_>| asks_who(field) && !(field.negated && is_account(field));
    let is_judged = |policy: &AuthorizationPolicy| {
        policy.action == Action::Deny
            && !policy.dry_run
            && policy.fields().any(|field| names(&field))
            && !asks_address(policy)
    };
    if !subject.policies.iter().any(is_judged) {
        return;
    }
    let clients = clients(subject);
    for (policy, sent, workloads) in in_ambient(subject).filter(|(policy, ..)| is_judged(policy)) {
        let Some(found) = passed(subject, sent, &workloads, &clients) else { continue };
        let Passed { client, server, service, named, rule } = found;
        if !policy.rules[rule].fields(rule).iter().any(names) {
            continue;
        }
        let message = format!(
            "does not keep out {}, which calls {}/{} through the waypoint {}/{}: at {} the caller is the waypoint",
            subject.who(client),
            service.namespace,
            service.name,
            named.namespace,
            named.name,
            subject.who(server)
        );
        let flaw = flaws.add(policy.object, names_who(rule, &policy.rules[rule]), "", message);
        flaw.related(named.place.object, named.place.path.clone());
    }
}
