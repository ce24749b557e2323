//! Policies of which the proxies make different things: a sidecar that sees requests, one that sees bytes, and ztunnel.

use std::collections::BTreeSet;

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::Fixable;
use ringwall_model::path::FieldPath;

use super::examples::{ambient, injected, policy, web};
use super::{AMBIENT, AUTHORIZATION, EVERY_VERSION, Flaws, MeshCheck, REQUEST, Subject};
use crate::authorization::compile::{Compiled, Layer, parse_port};
use crate::authorization::place::Part;
use crate::authorization::policy::{Action, AuthorizationPolicy, Rule, Values};
use crate::enrolment::Mode as Carrier;
use crate::ztunnel::{Authorization, ClauseOf, Match, about_requests};

pub(super) const NEVER_FIRES: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-012",
        name: "deny-never-fires",
        severity: Severity::High,
        summary: "a DENY rule does nothing for workloads in ambient mode, because a part of it is about requests alone",
        what: "An AuthorizationPolicy with DENY is for workloads in ambient mode, and all that an item of `to` or `from`, or a condition of \
               `when`, says is about requests: hosts, methods, paths, tokens, headers, addresses of clients behind proxies. Conditions on \
               `connection.sni`, `source.serviceAccount` and `source.trustDomain` count as such too.",
        why: "ztunnel sees connections. What a rule says of requests is left out of it, and a part of which nothing is left matches nothing: the \
              rule never fires, with all else that it says. The status of the policy says that it is more restrictive than requested; it is \
              the opposite.",
        fix: "Attach the policy to a waypoint with `targetRefs`, or deny by what a connection shows: principals, namespaces, addresses, ports.",
        bad: concat!(
            ambient!(),
            web!(),
            policy!("no-writes"),
            "\
spec:
  selector:
    matchLabels:
      app: web
  action: DENY
  rules:
  - from:
    - source:
        notNamespaces: [shop]
    to:
    - operation:
        methods: [DELETE]
"
        ),
        good: concat!(
            ambient!(),
            web!(),
            policy!("no-writes"),
            "\
spec:
  selector:
    matchLabels:
      app: web
  action: DENY
  rules:
  - from:
    - source:
        notNamespaces: [shop]
    to:
    - operation:
        ports: [\"8080\"]
"
        ),
        versions: EVERY_VERSION,
        references: &[AMBIENT, AUTHORIZATION],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("which waypoint should enforce the rule is not in the manifest"),
    find: never_fires,
};

pub(super) const WIDER: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-013",
        name: "rule-wider-than-written",
        severity: Severity::Medium,
        summary: "a rule that keeps out matches more than it says, where the proxy does not see requests",
        what: "An AuthorizationPolicy with DENY, AUDIT or CUSTOM has a rule that speaks of requests, beside what a connection shows. It is for a \
               workload in ambient mode (DENY), or for one with a sidecar that has a port of a Service which carries TCP by its name or \
               `appProtocol`, and the rule does not leave that port out.",
        why: "What the proxy does not see is left out of the rule, and the rest of it matches alone: a DENY of one method denies every connection.",
        fix: "Say in `to.operation.ports` which ports the rule is for, or attach it to a waypoint with `targetRefs`.",
        bad: concat!(
            injected!(),
            web!(),
            "\
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  selector:
    app: web
  ports:
  - name: tcp
    port: 8080
---
",
            policy!("no-writes"),
            "\
spec:
  action: DENY
  rules:
  - to:
    - operation:
        methods: [DELETE]
"
        ),
        good: concat!(
            injected!(),
            web!(),
            "\
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  selector:
    app: web
  ports:
  - name: http
    port: 8080
---
",
            policy!("no-writes"),
            "\
spec:
  action: DENY
  rules:
  - to:
    - operation:
        methods: [DELETE]
"
        ),
        versions: EVERY_VERSION,
        references: &[AUTHORIZATION, AMBIENT],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("which ports are meant is not in the manifest"),
    find: wider,
};

pub(super) const LEFT_OUT: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-014",
        name: "allow-rule-left-out",
        severity: Severity::Medium,
        summary: "an ALLOW rule lets nobody in, where the proxy does not see requests",
        what: "An AuthorizationPolicy with ALLOW has a rule that speaks of requests. It is for a workload in ambient mode, or for one with a \
               sidecar that has a port of a Service which carries TCP by its name or `appProtocol`, and the rule does not leave that port out. \
               The severity is low for the port of a sidecar. (Kiali: `KIA0109`, `KIA0110`.)",
        why: "The whole rule is left out, and the policy stays: what no other rule lets in is kept out.",
        fix: "Give the port a rule of its own that says nothing of requests, name it `http` if it carries HTTP, or attach the policy to a waypoint \
              with `targetRefs`.",
        bad: concat!(
            ambient!(),
            web!(),
            policy!("readers"),
            "\
spec:
  selector:
    matchLabels:
      app: web
  rules:
  - from:
    - source:
        namespaces: [shop]
    to:
    - operation:
        methods: [GET]
"
        ),
        good: concat!(
            ambient!(),
            web!(),
            policy!("readers"),
            "\
spec:
  selector:
    matchLabels:
      app: web
  rules:
  - from:
    - source:
        namespaces: [shop]
"
        ),
        versions: EVERY_VERSION,
        references: &[AUTHORIZATION, AMBIENT],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("which proxy should enforce the rule is not in the manifest"),
    find: left_out,
};

pub(super) const UNSUPPORTED: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-015",
        name: "not-enforced-in-ambient",
        severity: Severity::High,
        summary: "workloads in ambient mode have a policy that ztunnel does not enforce, or not as it is written",
        what: "Workloads in ambient mode have an AuthorizationPolicy with CUSTOM or AUDIT, or with the annotation of a dry run; or one with \
               `trustDomains`, which ztunnel passes over; or a RequestAuthentication. Policies with `targetRefs` are for waypoints, and are not \
               meant. The severity is low for AUDIT and a dry run, and medium where `trustDomains` makes a policy keep out more than it says. \
               (Kiali: `KIA1115`.)",
        why: "ztunnel knows ALLOW and DENY of connections. It asks no authorizer, checks no token, and lets in peers of any trust domain that the \
              rest of the rule is about.",
        fix: "Attach the policy to a waypoint with `targetRefs`.",
        bad: concat!(
            ambient!(),
            web!(),
            policy!("ask"),
            "\
spec:
  selector:
    matchLabels:
      app: web
  action: CUSTOM
  provider:
    name: oauth
  rules:
  - {}
"
        ),
        good: concat!(
            ambient!(),
            web!(),
            policy!("ask"),
            "\
spec:
  targetRefs:
  - group: \"\"
    kind: Service
    name: web
  action: CUSTOM
  provider:
    name: oauth
  rules:
  - {}
"
        ),
        versions: EVERY_VERSION,
        references: &[AMBIENT, REQUEST],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("which waypoint should enforce the policy is not in the manifest"),
    find: unsupported,
};

/// For each policy that ztunnel takes for workloads of the input: the policy, what is sent, and the workloads.
pub(in crate::checks) fn in_ambient<'s>(
    subject: &'s Subject<'_>,
) -> impl Iterator<Item = (&'s AuthorizationPolicy, &'s Authorization, Vec<usize>)> {
    subject.ambient.authorizations().iter().filter_map(|sent| {
        let index = sent.policy?;
        let policy = &subject.policies[index];
        // Empty labels bind nobody, which has a check of its own.
        if policy.selector.as_ref().is_some_and(Vec::is_empty) {
            return None;
        }
        let workloads = subject.carried(&subject.takers[index], Carrier::Ambient);
        (!workloads.is_empty()).then_some((policy, sent, workloads))
    })
}

/// The items of a clause of which nothing is left, and where they stand; nothing of what a `PeerAuthentication` became.
fn void_items(rule: usize, of: ClauseOf, matches: &[Match]) -> Vec<FieldPath> {
    let void = matches.iter().enumerate().filter(|(_, one)| one.is_empty());
    let path = AuthorizationPolicy::rule_path(rule);
    let place = |(at, _): (usize, &Match)| match of {
        ClauseOf::To => Some(path.clone().key("to").index(at)),
        ClauseOf::From => Some(path.clone().key("from").index(at)),
        ClauseOf::When(at) => Some(path.clone().key("when").index(at)),
        ClauseOf::Peer => None,
    };
    void.filter_map(place).collect()
}

fn never_fires(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (policy, sent, workloads) in in_ambient(subject).filter(|(policy, ..)| policy.action == Action::Deny)
    {
        for group in &sent.groups {
            for clause in &group.rules {
                let is_void = clause.is_void();
                for path in void_items(group.rule, clause.of, &clause.matches) {
                    let what = if is_void { "the rule never fires" } else { "the item never matches" };
                    let message = format!(
                        "{what} for {}: ztunnel does not see requests, and nothing else is said here",
                        subject.whom(&workloads)
                    );
                    flaws.add(policy.object, path, "", message);
                }
            }
        }
    }
}

/// For each workload the ports that carry bytes for its proxy, as the Services say that lead to them. Costs a look at all of them.
pub(in crate::checks) fn tcp_ports(subject: &Subject<'_>) -> Vec<BTreeSet<u16>> {
    let mut bytes = vec![BTreeSet::new(); subject.mesh.workloads.all.len()];
    let mut others = bytes.clone();
    for service in &subject.mesh.services {
        for (workload, port) in
            service.workloads.iter().flat_map(|one| service.ports.iter().map(move |port| (*one, port)))
        {
            if let Some(target) = service.target(port, subject.workload(workload)) {
                let of = if port.is_http == Some(false) { &mut bytes } else { &mut others };
                of[workload].insert(target);
            }
        }
    }
    for (workload, own) in bytes.iter_mut().enumerate() {
        let exclusions = &subject.mesh.servers[workload].exclusions;
        own.retain(|port| !others[workload].contains(port) && !exclusions.excludes_inbound(*port));
    }
    bytes
}

/// Whether a list of ports leaves a port in.
fn holds(ports: &Values, port: u16) -> bool {
    let has = |list: &[String]| list.iter().any(|value| parse_port(value) == Some(port));
    (ports.values.is_empty() || has(&ports.values)) && !has(&ports.not_values)
}

/// Whether a rule may be about a port; of its items of `to` one alone is looked at where `part` is of it.
pub(in crate::checks) fn reaches(rule: &Rule, part: Option<Part>, port: u16) -> bool {
    let items = rule.to.iter().enumerate();
    let mut items = items.filter(|(at, _)| !matches!(part, Some(Part::To(own)) if own != *at));
    let conditions = rule.when.iter().filter(|condition| condition.key == "destination.port");
    (rule.to.is_empty() || items.any(|(_, item)| holds(&item.ports, port)))
        && conditions.into_iter().all(|condition| holds(&condition.values, port))
}

/// The first workload with a sidecar, and its port of bytes, that a rule of a policy may be about; one that a container declares before others.
fn tcp_witness(
    subject: &Subject<'_>,
    ports: &[(usize, BTreeSet<u16>)],
    rule: &Rule,
    part: Option<Part>,
) -> Option<(usize, u16)> {
    let all = || ports.iter().flat_map(|(one, ports)| ports.iter().map(move |port| (*one, *port)));
    let mut reached = all().filter(|(_, port)| reaches(rule, part, *port));
    let declares =
        |(one, port): &(usize, u16)| subject.workload(*one).ports.iter().any(|own| own.number == *port);
    reached.clone().find(declares).or_else(|| reached.next())
}

/// For each policy: itself, what a sidecar makes of it for bytes, and the ports of bytes of its workloads.
fn with_tcp<'s>(
    subject: &'s Subject<'_>,
) -> impl Iterator<Item = (&'s AuthorizationPolicy, Compiled, Vec<(usize, BTreeSet<u16>)>)> {
    let all = tcp_ports(subject);
    subject.policies.iter().enumerate().filter_map(move |(index, policy)| {
        let with_sidecar = subject.carried(&subject.takers[index], Carrier::Sidecar);
        let ports = with_sidecar.into_iter().map(|one| (one, all[one].clone()));
        let ports: Vec<_> = ports.filter(|(_, ports)| !ports.is_empty()).collect();
        if ports.is_empty() {
            return None;
        }
        Some((policy, Compiled::new(policy, index, Layer::Tcp, &subject.mesh.config), ports))
    })
}

/// What a policy does with what it matches, in words.
const fn does(action: Action) -> &'static str {
    match action {
        Action::Allow => "lets in",
        Action::Deny => "keeps out",
        Action::Audit => "notes",
        Action::Custom => "asks about",
    }
}

fn wider(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (policy, sent, workloads) in in_ambient(subject).filter(|(policy, ..)| policy.action == Action::Deny)
    {
        for group in sent
            .groups
            .iter()
            .filter(|group| group.rules.iter().all(|clause| !clause.matches.iter().any(Match::is_empty)))
        {
            let dropped = about_requests(group.rule, &policy.rules[group.rule]);
            let Some((place, name)) = dropped.first() else { continue };
            let message = format!(
                "{name} is not seen by ztunnel, before {}: the rule keeps out every connection that the rest of it matches",
                subject.whom(&workloads)
            );
            flaws.add(policy.object, place.path(), "ambient", message);
        }
    }
    for (policy, compiled, ports) in with_tcp(subject) {
        let mut seen = BTreeSet::new();
        for place in &compiled.widened {
            let rule = &policy.rules[place.rule];
            let Some((workload, port)) = tcp_witness(subject, &ports, rule, Some(place.part)) else {
                continue;
            };
            if !seen.insert(place.rule) {
                continue;
            }
            let message = format!(
                "is not seen at port {port} of {}, which carries TCP: the rule {} every connection that the rest of it matches",
                subject.who(workload),
                does(policy.action)
            );
            flaws.add(policy.object, place.path(), port.to_string(), message);
        }
    }
}

fn left_out(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (policy, sent, workloads) in in_ambient(subject).filter(|(policy, ..)| policy.action == Action::Allow)
    {
        for (at, rule) in policy.rules.iter().enumerate() {
            if sent.groups.iter().any(|group| group.rule == at) {
                continue;
            }
            let dropped = about_requests(at, rule);
            let Some((place, name)) = dropped.first() else { continue };
            let message = format!(
                "lets nobody in to {}: ztunnel does not see {name}, and leaves the rule out",
                subject.whom(&workloads)
            );
            flaws.add(policy.object, place.path(), "ambient", message);
        }
    }
    for (policy, compiled, ports) in with_tcp(subject).filter(|(policy, ..)| policy.action == Action::Allow) {
        for at in &compiled.dropped {
            let rule = &policy.rules[*at];
            let Some((workload, port)) = tcp_witness(subject, &ports, rule, None) else { continue };
            let message = format!(
                "lets nobody in to port {port} of {}, which carries TCP: the rule speaks of requests, and is left out",
                subject.who(workload)
            );
            let path = AuthorizationPolicy::rule_path(*at);
            flaws.add(policy.object, path, port.to_string(), message).severity(Severity::Low);
        }
    }
}

fn unsupported(subject: &Subject<'_>, flaws: &mut Flaws) {
    for (index, policy) in subject.policies.iter().enumerate() {
        let workloads = subject.carried(&subject.takers[index], Carrier::Ambient);
        if workloads.is_empty() {
            continue;
        }
        let whom = subject.whom(&workloads);
        let (path, what, severity) = if policy.dry_run {
            let path = FieldPath::keys(&["metadata", "annotations", crate::authorization::policy::DRY_RUN]);
            (path, "does not report what it would do", Severity::Low)
        } else {
            let path = FieldPath::keys(&["spec", "action"]);
            match policy.action {
                Action::Custom => (path, "asks no authorizer", Severity::High),
                Action::Audit => (path, "notes nothing", Severity::Low),
                Action::Allow | Action::Deny => {
                    trust_domains(policy, &whom, flaws);
                    continue;
                }
            }
        };
        let message = format!("{what} for {whom}: ztunnel knows only ALLOW and DENY");
        flaws.add(policy.object, path, "", message).severity(severity);
    }
    for (token, takers) in subject.tokens.iter().zip(&subject.token_takers) {
        let workloads = subject.carried(takers, Carrier::Ambient);
        if !workloads.is_empty() {
            let message =
                format!("checks no token for {}: ztunnel does not see requests", subject.whom(&workloads));
            flaws.add(token.object, FieldPath::keys(&["spec"]), "", message);
        }
    }
}

/// `trustDomains`, which ztunnel passes over.
fn trust_domains(policy: &AuthorizationPolicy, whom: &str, flaws: &mut Flaws) {
    for field in policy.fields().filter(|field| field.of == "trustDomains") {
        let Part::From(at) = field.place.part else { continue };
        let source = &policy.rules[field.place.rule].from[at];
        let asked = [&source.principals, &source.namespaces, &source.service_accounts, &source.ip_blocks];
        let is_alone = asked.iter().all(|values| values.is_empty());
        let (what, severity) = match (policy.action, is_alone) {
            // Of an item that is void the check of DENY tells.
            (Action::Deny, true) => continue,
            (_, true) => ("lets nobody in to", Severity::Medium),
            (Action::Deny, false) => ("keeps out peers of any trust domain from", Severity::Medium),
            _ => ("lets peers of any trust domain in to", Severity::High),
        };
        let message = format!("{what} {whom}: ztunnel passes it over");
        flaws.add(policy.object, field.place.path(), "", message).severity(severity);
    }
}
