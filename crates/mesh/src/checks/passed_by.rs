//! Policies at a waypoint, and who goes around it.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::Fixable;
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::tree::Node;

use super::examples::{ambient, policy, web};
use super::identity::identity_fields;
use super::waypoints::{asks_address, at_waypoint, guarded, identity};
use super::{AMBIENT, AUTHORIZATION, EVERY_VERSION, Flaws, MeshCheck, Subject};
use crate::authorization::compile::{Clause, Compiled, CompiledRule, Layer};
use crate::authorization::judge::Verdict;
use crate::authorization::place::Part;
use crate::authorization::policy::{Action, AuthorizationPolicy};
use crate::authorization::request::{Request, Seen};
use crate::destination::full_host;
use crate::enrolment::Mode as Carrier;
use crate::gateways::account_of_gateway;
use crate::place::is_subset;
use crate::services::{DOMAIN, Service};
use crate::workloads::namespace_of;
use crate::ztunnel::{AmbientWorkload, Bound, Connection};

/// A client with a sidecar.
macro_rules! sidecar {
    () => {
        "\
apiVersion: v1
kind: Pod
metadata:
  name: client
  namespace: old
  labels:
    sidecar.istio.io/inject: \"true\"
spec:
  serviceAccountName: client
  containers:
  - name: client
---
"
    };
}

/// A policy at the waypoint.
macro_rules! attached {
    () => {
        concat!(
            policy!("no-writes"),
            "\
spec:
  targetRefs:
  - group: \"\"
    kind: Service
    name: web
  action: DENY
  rules:
  - to:
    - operation:
        methods: [DELETE]
"
        )
    };
}

pub(super) const PASSED_BY: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-048",
        name: "waypoint-passed-by",
        severity: Severity::Medium,
        summary: "a policy holds at a waypoint alone, and clients of the input go around it",
        what: "An AuthorizationPolicy with `targetRefs` is enforced by the waypoint of a Service, and a client of the input that it would keep out does not go \
               through that waypoint: a gateway with a route to the Service that has no label `istio.io/ingress-use-waypoint`, or a workload with a sidecar. The \
               policies of the workloads behind the Service let it in. The severity is low where there are only sidecars. Nothing is said of policies that ask \
               for addresses.",
        why: "Only clients in ambient mode are sent through a waypoint. Sidecars go to the pods themselves, and so do gateways unless the Service or its \
              Namespace says otherwise: nobody asks the policy.",
        fix: "Send gateways through the waypoint: `istio.io/ingress-use-waypoint: \"true\"` on the Service or the Namespace. Bring clients with sidecars into ambient \
              mode. To have nobody go around, let the workloads take calls from the account of the waypoint alone, by an AuthorizationPolicy with a `selector`.",
        bad: concat!(ambient!(), web!(), guarded!(), sidecar!(), attached!()),
        good: concat!(
            ambient!(),
            web!(),
            guarded!(),
            sidecar!(),
            attached!(),
            "---\n",
            policy!("only-the-waypoint"),
            "\
spec:
  selector:
    matchLabels:
      app: web
  rules:
  - from:
    - source:
        principals: [cluster.local/ns/shop/sa/waypoint]
"
        ),
        versions: EVERY_VERSION,
        references: &[AUTHORIZATION, AMBIENT, "https://istio.io/latest/docs/ambient/usage/waypoint/"],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("how clients should come to the workload is not in the manifest"),
    find: passed_by,
};

/// A client that goes around a waypoint.
struct Client {
    /// `Kind namespace/name`.
    who: String,
    /// Its identity without `spiffe://`.
    identity: String,
    /// The object that shows that it calls, and where.
    shown: (usize, FieldPath),
}

/// The gateways that have a route to each service, by its host.
fn routes(subject: &Subject<'_>) -> BTreeMap<String, Vec<Client>> {
    let mut found: BTreeMap<String, Vec<Client>> = BTreeMap::new();
    for (index, object) in subject.snapshot.objects() {
        match (object.id.group.as_str(), object.id.kind.as_str()) {
            ("gateway.networking.k8s.io", kind) if kind.ends_with("Route") => {
                of_route(subject, index, object, &mut found);
            }
            ("networking.istio.io", "VirtualService") => {
                of_virtual_service(subject, index, object, &mut found);
            }
            _ => {}
        }
    }
    found
}

/// The items of a list of a node.
fn items<'n>(node: Node<'n>, key: &str) -> impl Iterator<Item = Node<'n>> {
    node.get(key).into_iter().flat_map(Node::items)
}

/// The routes of the Gateway API. A Service of another namespace needs a `ReferenceGrant`, and is passed over.
fn of_route(subject: &Subject<'_>, index: usize, object: &Object, into: &mut BTreeMap<String, Vec<Client>>) {
    let own = namespace_of(object);
    let Some(spec) = object.root().get("spec") else { return };
    let is_of = |node: &Node<'_>, group: &str, kind: &str| {
        node.str_at(&["group"]).unwrap_or(group) == group && node.str_at(&["kind"]).unwrap_or(kind) == kind
    };
    let mut clients = Vec::new();
    for parent in items(spec, "parentRefs") {
        if !is_of(&parent, "gateway.networking.k8s.io", "Gateway") {
            continue;
        }
        let (namespace, name) = (parent.str_at(&["namespace"]).unwrap_or(own), parent.str_at(&["name"]));
        let mut gateways = subject.snapshot.of_kind("gateway.networking.k8s.io", "Gateway");
        let gateway = gateways.find(|gateway| {
            Some(gateway.id.name.as_str()) == name
                && namespace_of(gateway) == namespace
                && gateway.root().str_at(&["spec", "gatewayClassName"]) == Some("istio")
        });
        let Some((gateway, account)) =
            gateway.and_then(|gateway| Some((gateway, account_of_gateway(gateway)?)))
        else {
            continue;
        };
        clients.push((
            format!("Gateway {namespace}/{}", gateway.id.name),
            format!("{}/ns/{namespace}/sa/{account}", subject.mesh.config.trust_domain),
        ));
    }
    for (at, rule) in items(spec, "rules").enumerate() {
        for (place, backend) in items(rule, "backendRefs").enumerate() {
            let is_here = backend.str_at(&["namespace"]).is_none_or(|namespace| namespace == own);
            let (true, true, Some(name)) =
                (is_of(&backend, "", "Service"), is_here, backend.str_at(&["name"]))
            else {
                continue;
            };
            let path = FieldPath::keys(&["spec", "rules"]).index(at).key("backendRefs").index(place);
            let calls = into.entry(format!("{name}.{own}.svc.{DOMAIN}")).or_default();
            calls.extend(clients.iter().map(|(who, identity)| Client {
                who: who.clone(),
                identity: identity.clone(),
                shown: (index, path.clone()),
            }));
        }
    }
}

/// The routes of a `VirtualService` for gateways whose pods are in the input.
fn of_virtual_service(
    subject: &Subject<'_>,
    index: usize,
    object: &Object,
    into: &mut BTreeMap<String, Vec<Client>>,
) {
    let own = namespace_of(object);
    let Some(spec) = object.root().get("spec") else { return };
    let named = items(spec, "gateways").filter_map(Node::as_str);
    let named: Vec<&str> = named.filter(|name| *name != "mesh").collect();
    let mut clients: Vec<usize> = Vec::new();
    for gateway in subject.snapshot.of_kind("networking.istio.io", "Gateway") {
        let is_it = |name: &&str| {
            let (namespace, name) = name.split_once('/').unwrap_or((own, name));
            gateway.id.name == name && namespace_of(gateway) == namespace
        };
        let Some(selector) = gateway.root().at(&["spec", "selector"]).filter(|_| named.iter().any(is_it))
        else {
            continue;
        };
        let labels = selector
            .entries()
            .map(|entry| (entry.key.into(), entry.value.as_str().unwrap_or_default().into()));
        let labels = crate::place::sorted(labels.collect());
        let pods = subject.pods().filter(|(one, pod)| {
            subject.carrier(*one) == Carrier::Gateway && !labels.is_empty() && is_subset(&labels, &pod.labels)
        });
        clients.extend(pods.map(|(one, _)| one));
    }
    if clients.is_empty() {
        return;
    }
    for list in ["http", "tls", "tcp"] {
        for (at, entry) in items(spec, list).enumerate() {
            let matches: Vec<Node<'_>> = items(entry, "match").collect();
            let of_gateway = |one: &Node<'_>| {
                let only = items(*one, "gateways").filter_map(Node::as_str);
                let only: Vec<&str> = only.collect();
                only.is_empty() || only.iter().any(|name| *name != "mesh")
            };
            if !matches.is_empty() && !matches.iter().any(of_gateway) {
                continue;
            }
            for (place, route) in items(entry, "route").enumerate() {
                let Some(host) = route.str_at(&["destination", "host"]) else { continue };
                let path = FieldPath::keys(&["spec", list]).index(at).key("route").index(place);
                let calls = into.entry(full_host(host, own, DOMAIN)).or_default();
                calls.extend(clients.iter().map(|one| Client {
                    who: subject.who(*one),
                    identity: identity(subject, subject.workload(*one)),
                    shown: (index, path.clone().key("destination")),
                }));
            }
        }
    }
}

/// Whether a policy keeps out some request of a caller: a DENY or CUSTOM that may mean him, an ALLOW that does not let him in whatever he asks.
fn may_keep_out(
    subject: &Subject<'_>,
    policy: &AuthorizationPolicy,
    compiled: &Compiled,
    identity: &str,
) -> bool {
    let uri = format!("spiffe://{identity}");
    let request = Request { peer: Some(&uri), ..Request::default() };
    let config = &subject.mesh.config;
    let Ok(seen) = Seen::new(&request, config.path_normalization) else { return false };
    let asks = |clause: &Clause| match clause.place.part {
        Part::When(at) => {
            let condition = policy.rules.get(clause.place.rule).and_then(|rule| rule.when.get(at));
            condition.is_some_and(|condition| identity_fields().contains(&condition.key.as_str()))
        }
        Part::From(_) => {
            let field = clause.place.field;
            identity_fields().iter().any(|of| {
                field == *of
                    || field.strip_prefix("not").is_some_and(|of_not| of_not.eq_ignore_ascii_case(of))
            })
        }
        Part::To(_) => false,
    };
    let may = |clauses: &[Clause]| clauses.iter().all(|clause| !asks(clause) || clause.holds(&seen));
    let does = |clauses: &[Clause]| clauses.iter().all(|clause| asks(clause) && clause.holds(&seen));
    let may_match = |rule: &CompiledRule| {
        may(&rule.when) && (rule.from.is_empty() || rule.from.iter().any(|item| may(item)))
    };
    let matches = |rule: &CompiledRule| {
        rule.to.is_empty()
            && does(&rule.when)
            && (rule.from.is_empty() || rule.from.iter().any(|item| does(item)))
    };
    match policy.action {
        Action::Deny | Action::Custom => compiled.rules().iter().any(may_match),
        Action::Allow => !compiled.rules().iter().any(matches),
        Action::Audit => false,
    }
}

/// The workloads in ambient mode behind a service: the ports that it leads to, and the policies of each.
struct Behind<'s>(Vec<(Vec<u16>, Bound<'s>)>);

impl<'s> Behind<'s> {
    fn of(subject: &'s Subject<'_>, service: &Service) -> Self {
        let servers = subject.carried(&service.workloads, Carrier::Ambient).into_iter();
        // What hangs on addresses is not known.
        let is_known = |server: &usize| {
            !subject.taken[*server].iter().any(|policy| asks_address(&subject.policies[*policy]))
        };
        let own = |server: usize| {
            let own = subject.workload(server);
            let ports = service.ports.iter().filter_map(|port| service.target(port, own)).collect();
            (ports, subject.ambient.bind(&AmbientWorkload { namespace: &own.namespace, labels: &own.labels }))
        };
        Self(servers.filter(is_known).map(own).collect())
    }

    /// Whether one of them lets a caller in who comes to it himself.
    fn lets_in(&self, identity: &str) -> bool {
        self.0.iter().any(|(ports, bound)| {
            ports.iter().any(|port| {
                let connection =
                    Connection { peer: Some(identity), source: None, destination: None, port: *port };
                bound.judge(&connection).verdict == Verdict::Allow
            })
        })
    }
}

/// Workloads with sidecars, one for each identity and each set of services that it knows of.
fn sidecars(subject: &Subject<'_>) -> Vec<(usize, String)> {
    let mut told = BTreeSet::new();
    let mut found = Vec::new();
    for (index, pod) in subject.pods().filter(|(index, _)| subject.carrier(*index) == Carrier::Sidecar) {
        let scope = subject.mesh.scopes.of(&pod.namespace, &pod.labels);
        let identity = identity(subject, pod);
        if told.insert((identity.clone(), scope)) {
            found.push((index, identity));
        }
    }
    found
}

/// Whether a workload with a sidecar knows of a port of a service.
fn knows(subject: &Subject<'_>, client: usize, service: &Service) -> bool {
    let pod = subject.workload(client);
    let scope = subject.mesh.scopes.of(&pod.namespace, &pod.labels);
    let scope = scope.and_then(|scope| subject.mesh.scopes.all.get(scope));
    let sees = |port: u16| scope.is_none_or(|scope| scope.sees(&pod.namespace, service, port));
    service.is_visible(&pod.namespace) && service.ports.iter().any(|port| sees(port.number))
}

/// Who passes a policy by.
struct Passing {
    who: String,
    shown: (usize, FieldPath),
    service: usize,
    is_gateway: bool,
}

fn passed_by(subject: &Subject<'_>, flaws: &mut Flaws) {
    let is_judged = |policy: &AuthorizationPolicy| {
        !policy.targets.is_empty()
            && !policy.dry_run
            && policy.action != Action::Audit
            && !asks_address(policy)
    };
    if !subject.policies.iter().any(is_judged) {
        return;
    }
    let (routes, sidecars) = (routes(subject), sidecars(subject));
    let mut found: BTreeMap<usize, Passing> = BTreeMap::new();
    for (index, service) in subject.mesh.services.iter().enumerate() {
        let Some((named, _)) = subject.mesh.through_service(Carrier::Ambient, index) else { continue };
        let mut attached = at_waypoint(subject, named, service).filter(|policy| is_judged(policy)).peekable();
        if attached.peek().is_none() {
            continue;
        }
        let behind = Behind::of(subject, service);
        let goes_around = |carrier: Carrier| subject.mesh.through_service(carrier, index).is_none();
        for policy in attached {
            if found.get(&policy.object).is_some_and(|passing| passing.is_gateway) {
                continue;
            }
            let compiled = Compiled::new(policy, 0, Layer::Http, &subject.mesh.config);
            let passes = |identity: &str| {
                may_keep_out(subject, policy, &compiled, identity) && behind.lets_in(identity)
            };
            let gateways = routes.get(&service.host).into_iter().flatten();
            let gateway =
                gateways.into_iter().find(|one| goes_around(Carrier::Gateway) && passes(&one.identity));
            if let Some(client) = gateway {
                let passing = Passing {
                    who: client.who.clone(),
                    shown: client.shown.clone(),
                    service: index,
                    is_gateway: true,
                };
                found.insert(policy.object, passing);
                continue;
            }
            if found.contains_key(&policy.object) || !goes_around(Carrier::Sidecar) {
                continue;
            }
            let client = sidecars
                .iter()
                .find(|(client, identity)| knows(subject, *client, service) && passes(identity));
            if let Some((client, _)) = client {
                let passing = Passing {
                    who: subject.who(*client),
                    shown: (subject.workload(*client).object, FieldPath::keys(&["metadata", "name"])),
                    service: index,
                    is_gateway: false,
                };
                found.insert(policy.object, passing);
            }
        }
    }
    for (object, passing) in found {
        let service = &subject.mesh.services[passing.service];
        let why = if passing.is_gateway {
            "which has a route to it, goes around its waypoint (no label `istio.io/ingress-use-waypoint`)"
        } else {
            "which has a sidecar, would go around its waypoint"
        };
        let message = format!(
            "does not hold for all at {}/{}: {}, {why}",
            service.namespace, service.name, passing.who
        );
        let list = FieldPath::keys(&["spec", "targetRefs"]);
        let is_list = subject.object(object).root().locate(&list).is_some();
        let path = if is_list { list } else { FieldPath::keys(&["spec", "targetRef"]) };
        let flaw = flaws.add(object, path, "", message);
        flaw.related(passing.shown.0, passing.shown.1);
        if !passing.is_gateway {
            flaw.severity(Severity::Low);
        }
    }
}
