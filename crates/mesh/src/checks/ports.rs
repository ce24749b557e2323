//! Policies about ports that nobody has, and policies that keep out whom a waypoint or an authorizer needs.

use std::collections::BTreeSet;

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fix, Fixable, Value};
use ringwall_model::path::FieldPath;

use super::examples::{ambient, injected, policy, service, web};
use super::known_ports::KnownPorts;
use super::waypoints::asks_address;
use super::{AMBIENT, AUTHORIZATION, EVERY_VERSION, Flaws, MeshCheck, Subject, reviewed};
use crate::authorization::compile::parse_port;
use crate::authorization::judge::{Because, Verdict};
use crate::authorization::policy::{Action, AuthorizationPolicy, Field};
use crate::enrolment::Mode as Carrier;
use crate::waypoint::account;
use crate::ztunnel::{AmbientWorkload, Connection};

pub(super) const OF_NOBODY: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-040",
        name: "policy-port-of-nobody",
        severity: Severity::Medium,
        summary: "an AuthorizationPolicy names a port that none of its workloads has",
        what: "A value of `ports`, or of a condition on `destination.port`, is a port that no container of the policy's workloads declares, no probe asks \
               and no Service leads to; nothing is said where one of them declares no port at all, and of gateways. For a policy with `targetRefs` it \
               is a port that the Service does not have. The severity is high in a DENY.",
        why: "At the workload the port is the one that its container listens on, not the one of the Service; at a waypoint it is the Service's. A rule \
              about another port never matches: what it should keep out comes in, or whom it should let in stays out.",
        fix: "Name the port of the container: the `targetPort` of the Service.",
        bad: concat!(
            injected!(),
            web!(),
            service!(),
            policy!("web"),
            "\
spec:
  rules:
  - from:
    - source:
        namespaces: [shop]
    to:
    - operation:
        ports: [\"80\"]
"
        ),
        good: concat!(
            injected!(),
            web!(),
            service!(),
            policy!("web"),
            "\
spec:
  rules:
  - from:
    - source:
        namespaces: [shop]
    to:
    - operation:
        ports: [\"8080\"]
"
        ),
        versions: EVERY_VERSION,
        references: &[AUTHORIZATION],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: of_nobody,
};

pub(super) const WAYPOINT: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-041",
        name: "waypoint-kept-out",
        severity: Severity::Medium,
        summary: "the policies of a workload keep out the waypoint through which it is called",
        what: "A workload in ambient mode is behind a Service with a waypoint (`istio.io/use-waypoint`), and its ALLOW policies, those with a \
               `selector` or for the whole namespace, let the service account of the waypoint in at no rule. Nothing is said where they ask for \
               addresses.",
        why: "Behind a waypoint the caller is the waypoint. A policy at the workload that names the clients matches none of them any more: every call \
              through the Service is refused.",
        fix: "Attach the policy to the Service with `targetRefs`, and let the workload take calls from the account of the waypoint alone, which has the \
              waypoint's name.",
        bad: concat!(
            ambient!(),
            web!(),
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
",
            policy!("web"),
            "\
spec:
  selector:
    matchLabels:
      app: web
  rules:
  - from:
    - source:
        principals: [cluster.local/ns/shop/sa/cart]
"
        ),
        good: concat!(
            ambient!(),
            web!(),
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
",
            policy!("web"),
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
        references: &[AMBIENT, "https://istio.io/latest/docs/ambient/usage/waypoint/"],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("which clients are meant is not in the manifest"),
    find: waypoint,
};

pub(super) const PROVIDER: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-042",
        name: "authorizer-not-asked",
        severity: Severity::Medium,
        summary: "a CUSTOM policy names an authorizer that cannot be asked, and what it matches is kept out",
        what: "The `provider` of an AuthorizationPolicy with CUSTOM is none of the `extensionProviders` of the mesh's configuration in the input; or a \
               workload has CUSTOM policies of two providers. Nothing is said of the first where the input shows no provider.",
        why: "Nobody is asked then: istiod makes a filter that refuses whatever the rules match.",
        fix: "Name a provider of the mesh's configuration, the same in all CUSTOM policies of a workload.",
        bad: concat!(
            injected!(),
            web!(),
            policy!("one"),
            "\
spec:
  action: CUSTOM
  provider:
    name: oauth
  rules:
  - {}
---
",
            policy!("other"),
            "\
spec:
  action: CUSTOM
  provider:
    name: opa
  rules:
  - {}
"
        ),
        good: concat!(
            injected!(),
            web!(),
            policy!("one"),
            "\
spec:
  action: CUSTOM
  provider:
    name: oauth
  rules:
  - {}
"
        ),
        versions: EVERY_VERSION,
        references: &[AUTHORIZATION],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("which authorizer is meant is not in the manifest"),
    find: provider,
};

/// What is known of the ports of a policy's workloads, or of the Services that it is attached to; nothing where that is not all.
fn known(subject: &Subject<'_>, policy: &AuthorizationPolicy, takers: &[usize]) -> Option<KnownPorts> {
    if !policy.targets.is_empty() {
        let mut known = KnownPorts::default();
        for target in &policy.targets {
            if target.kind != "Service" {
                return None;
            }
            let mut services = subject.mesh.services.iter();
            let own = services.find(|one| one.namespace == policy.namespace && one.name == target.name)?;
            known.ports.extend(own.ports.iter().map(|port| port.number));
        }
        return Some(known).filter(|known| !known.ports.is_empty());
    }
    let judged = |one: &usize| matches!(subject.carrier(*one), Carrier::Sidecar | Carrier::Ambient);
    if takers.is_empty() || !takers.iter().all(judged) {
        return None;
    }
    KnownPorts::of(subject, takers)
}

fn of_nobody(subject: &Subject<'_>, flaws: &mut Flaws) {
    let is_port = |field: &Field<'_>| matches!(field.of, "ports" | "destination.port");
    for (policy, takers) in subject.policies.iter().zip(&subject.takers) {
        if !policy.fields().any(|field| is_port(&field)) {
            continue;
        }
        let Some(known) = known(subject, policy, takers) else { continue };
        // A port that is left out and that nobody has leaves nothing out, whatever it is.
        for field in policy.fields().filter(|field| is_port(field) && !field.negated) {
            for (at, value) in field.values.iter().enumerate() {
                let Some(port) = parse_port(value).filter(|port| *port != 0 && !known.ports.contains(port))
                else {
                    continue;
                };
                let hint = known.hint(port);
                let who = if policy.targets.is_empty() {
                    format!("no container of {}", subject.whom(takers))
                } else {
                    "no Service that the policy is attached to (at a waypoint the port is the Service's)"
                        .to_owned()
                };
                let message = format!("never matches: {who} has the port {port}{hint}");
                let fix = renamed(&field, at, known.target(port));
                let flaw = flaws.add(policy.object, field.place.path().index(at), value.clone(), message);
                flaw.fix(fix);
                if policy.action == Action::Deny && !policy.dry_run {
                    flaw.severity(Severity::High);
                }
            }
        }
    }
}

/// Writes the port that the Service leads to.
fn renamed(field: &Field<'_>, at: usize, target: Option<u16>) -> Result<Fix, String> {
    let Some(target) = target else { return Err("which port is meant is not in the manifest".to_owned()) };
    let target = target.to_string();
    if field.values.contains(&target) {
        return Err(format!("the port {target} is in the list already"));
    }
    let path = field.place.path().index(at);
    Ok(reviewed(
        format!("name the port of the container, {target}"),
        "whether what the rule then does is meant",
        vec![Change::Set { path, value: Value::Text(target) }],
    ))
}

fn waypoint(subject: &Subject<'_>, flaws: &mut Flaws) {
    let asks_address: Vec<bool> = subject.policies.iter().map(asks_address).collect();
    let is_allow = |index: &&usize| {
        let policy = &subject.policies[**index];
        policy.action == Action::Allow && !policy.dry_run
    };
    if !subject.policies.iter().any(|policy| policy.action == Action::Allow) {
        return;
    }
    let domain = &subject.mesh.config.trust_domain;
    let mut told: BTreeSet<(usize, usize)> = BTreeSet::new();
    for (index, service) in subject.mesh.services.iter().enumerate() {
        let Some((named, gateway)) = subject.mesh.through_service(Carrier::Ambient, index) else { continue };
        let account = account(subject.snapshot, gateway, named);
        let peer = format!("{domain}/ns/{}/sa/{account}", named.namespace);
        for workload in subject.carried(&service.workloads, Carrier::Ambient) {
            let own = subject.workload(workload);
            let allows: Vec<&usize> = subject.taken[workload].iter().filter(is_allow).collect();
            let Some(first) = allows.first() else { continue };
            if allows.iter().any(|index| asks_address[**index]) {
                continue;
            }
            let bound =
                subject.ambient.bind(&AmbientWorkload { namespace: &own.namespace, labels: &own.labels });
            let is_kept_out = service.ports.iter().filter_map(|port| service.target(port, own)).any(|port| {
                let connection = Connection { peer: Some(&peer), source: None, destination: None, port };
                let decision = bound.judge(&connection);
                decision.verdict == Verdict::Deny && decision.because == Because::NotAllowed
            });
            if !is_kept_out || !told.insert((**first, service.object)) {
                continue;
            }
            let message = format!(
                "keeps out the waypoint {}/{}, through which clients in ambient mode call Service {}/{}: no ALLOW policy of {} lets in its account",
                named.namespace,
                named.name,
                service.namespace,
                service.name,
                subject.who(workload)
            );
            let object = subject.policies[**first].object;
            let flaw = flaws.add(object, FieldPath::keys(&["spec"]), service.name.clone(), message);
            flaw.related(named.place.object, named.place.path.clone());
        }
    }
}

fn provider(subject: &Subject<'_>, flaws: &mut Flaws) {
    let path = FieldPath::keys(&["spec", "provider", "name"]);
    let known = &subject.mesh.config.extension_providers;
    let others = &subject.mesh.config.other_providers;
    // For each workload a policy of each of the first two providers that it has.
    let mut asked: Vec<Vec<usize>> = vec![Vec::new(); subject.mesh.workloads.all.len()];
    for (index, policy) in subject.policies.iter().enumerate().filter(|(_, one)| one.action == Action::Custom)
    {
        for workload in &subject.takers[index] {
            let own = &mut asked[*workload];
            if own.len() < 2 && own.iter().all(|other| subject.policies[*other].provider != policy.provider) {
                own.push(index);
            }
        }
    }
    for (index, policy) in subject.policies.iter().enumerate() {
        if policy.action != Action::Custom {
            continue;
        }
        let other = subject.takers[index].iter().find_map(|workload| {
            let mut others = asked[*workload].iter().map(|other| &subject.policies[*other]);
            others.find(|other| other.provider != policy.provider).map(|other| (*workload, other))
        });
        let unfit = others.iter().find(|(name, _)| *name == policy.provider);
        let shows_none = known.is_empty() && others.is_empty();
        let message = if let Some((name, why)) = unfit {
            format!(
                "`{name}` of the mesh's providers cannot be asked, since {why}: what the rules match is kept out"
            )
        } else if !shows_none && !known.contains(&policy.provider) {
            let names: Vec<&str> =
                known.iter().chain(others.iter().map(|(name, _)| name)).map(String::as_str).collect();
            format!(
                "`{}` is none of the mesh's providers ({}): what the rules match is kept out",
                policy.provider,
                names.join(", ")
            )
        } else if let Some((workload, other)) = other {
            format!(
                "AuthorizationPolicy {}/{} asks `{}` for {} too: of two providers none is asked, and what the rules match is kept out",
                other.namespace,
                other.name,
                other.provider,
                subject.who(workload)
            )
        } else {
            continue;
        };
        flaws.add(policy.object, path.clone(), policy.provider.clone(), message);
    }
}
