//! Rules about identities: who has none, who has one that nobody has, and who shares one.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::Fixable;
use ringwall_model::near::nearest;
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;

use super::examples::{injected, policy, strict, web};
use super::layers::{reaches, tcp_ports};
use super::{AUTHORIZATION, EVERY_VERSION, Flaws, MeshCheck, PRACTICES, Subject};
use crate::authorization::compile::{Compiled, Layer};
use crate::authorization::place::{Part, Place};
use crate::authorization::policy::{Action, AuthorizationPolicy, Field, Rule};
use crate::enrolment::{GATEWAY_ACCOUNT, Mode as Carrier};
use crate::gateways::account_of_gateway;
use crate::mesh::{Accepts, WhyAccepts};
use crate::quirks::{ACCOUNT_DOTS, Release};
use crate::ztunnel::about_requests;

pub(super) const EVADED: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-016",
        name: "identity-evaded",
        severity: Severity::High,
        summary: "a rule about who calls is passed by whoever calls in plaintext",
        what: "A workload takes plaintext, and a DENY rule for it names principals, namespaces, service accounts or trust domains, or an ALLOW rule \
               names only such that it does not let in (`notPrincipals`, `notNamespaces`). Nothing is said of a DENY where every ALLOW rule \
               for the workload asks who calls, nor where another rule keeps out all that have no identity. (Kiali: `KIA0105`.)",
        why: "Who speaks plaintext has no identity. What names one never matches him, so a DENY lets him in; and what names those that are \
              not meant always does, so an ALLOW lets him in too (ISTIO-SECURITY-2021-003 tells of it). The caller chooses: every pod may speak plaintext, with a \
              sidecar too.",
        fix: "Make the workload STRICT, or add a DENY rule with `notPrincipals: [\"*\"]`, and say in ALLOW whom you mean.",
        bad: concat!(
            injected!(),
            web!(),
            policy!("no-guests"),
            "\
spec:
  action: DENY
  rules:
  - from:
    - source:
        namespaces: [guests]
"
        ),
        good: concat!(
            injected!(),
            web!(),
            strict!(),
            policy!("no-guests"),
            "\
spec:
  action: DENY
  rules:
  - from:
    - source:
        namespaces: [guests]
"
        ),
        versions: EVERY_VERSION,
        references: &[
            AUTHORIZATION,
            PRACTICES,
            "https://istio.io/latest/news/security/istio-security-2021-003/",
        ],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("whether all its clients can do mutual TLS is not in the manifest"),
    find: evaded,
};

pub(super) const OF_NOBODY: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-017",
        name: "identity-of-nobody",
        severity: Severity::Medium,
        summary: "a policy names a service account that nobody has",
        what: "A value without a star of `principals` or `serviceAccounts`, or of a condition on `source.principal`, names a service account of \
               a namespace whose pods are in the input; none of them has it, and the input holds no ServiceAccount of the name. Or \
               `namespaces` names one that is not in the input, and one that is there differs from it by a slip. Or a policy of the root namespace names an \
               account without a namespace, which is then one of the root namespace. Accounts that Gateways of the input get are known. (Kiali: `KIA0101`, `KIA0106`.)",
        why: "Who should be let in is not, or who should be kept out is not; and whoever may make an account of this name is taken for it.",
        fix: "Write the name that the pods have: `serviceAccountName`, or `default`.",
        bad: concat!(
            injected!(),
            web!(),
            policy!("web"),
            "\
spec:
  rules:
  - from:
    - source:
        principals: [cluster.local/ns/shop/sa/wbe]
"
        ),
        good: concat!(
            injected!(),
            web!(),
            policy!("web"),
            "\
spec:
  rules:
  - from:
    - source:
        principals: [cluster.local/ns/shop/sa/web]
"
        ),
        versions: EVERY_VERSION,
        references: &[AUTHORIZATION],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("which account is meant is not in the manifest"),
    find: of_nobody,
};

pub(super) const SHARED: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-018",
        name: "shared-identity",
        severity: Severity::Low,
        summary: "a policy lets in the default service account of a namespace, which every pod there has that names none",
        what: "An ALLOW rule names the service account `default` of a namespace, and workloads of the input run as it. It is told once for each namespace, at the \
               first of the values that name its account.",
        why: "The policy cannot tell them apart: what one of them may do, all may, and so may every pod of the namespace that says nothing of an account.",
        fix: "Give the client a service account of its own, and name that.",
        bad: concat!(
            injected!(),
            "\
apiVersion: v1
kind: Pod
metadata:
  name: cart
  namespace: shop
spec:
  containers:
  - name: cart
---
apiVersion: v1
kind: Pod
metadata:
  name: search
  namespace: shop
spec:
  containers:
  - name: search
---
",
            policy!("cart"),
            "\
spec:
  rules:
  - from:
    - source:
        serviceAccounts: [shop/default]
"
        ),
        good: concat!(
            injected!(),
            "\
apiVersion: v1
kind: Pod
metadata:
  name: cart
  namespace: shop
spec:
  serviceAccountName: cart
  containers:
  - name: cart
---
apiVersion: v1
kind: Pod
metadata:
  name: search
  namespace: shop
spec:
  containers:
  - name: search
---
",
            policy!("cart"),
            "\
spec:
  rules:
  - from:
    - source:
        serviceAccounts: [shop/cart]
"
        ),
        versions: EVERY_VERSION,
        references: &[AUTHORIZATION, PRACTICES],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("an account of its own is made by hand"),
    find: shared,
};

/// Fields and conditions that ask who calls: by his certificate, or by his token.
const NAMES: [&str; 8] = [
    "principals",
    "namespaces",
    "serviceAccounts",
    "trustDomains",
    "source.principal",
    "source.namespace",
    "source.serviceAccount",
    "source.trustDomain",
];

/// Fields, and keys of conditions, that ask for the identity of the peer.
pub(in crate::checks) const fn identity_fields() -> &'static [&'static str] {
    &NAMES
}

/// Whether a list asks for the identity of the peer.
pub(in crate::checks) fn asks_who(field: &Field<'_>) -> bool {
    NAMES.contains(&field.of)
}

/// Whether a list asks for a token.
pub(in crate::checks) fn asks_token(field: &Field<'_>) -> bool {
    field.of == "requestPrincipals" || field.of.starts_with("request.auth.")
}

/// What a rule says of callers without an identity, item of `from` by item.
struct Nameless {
    /// Where identities are named that must match, which he never does; of each item of `from`, and of `when`.
    named: Vec<Place>,
    /// Where identities are named that may not match, which he always passes, and nothing else tells who he is.
    passed: Vec<Place>,
    /// Whether the rule may match him.
    may_match: bool,
    /// Whether it matches him whatever he does.
    always: bool,
}

fn nameless(index: usize, rule: &Rule) -> Nameless {
    let fields = rule.fields(index);
    let is_when = |field: &&Field<'_>| matches!(field.place.part, Part::When(_));
    let demands = |field: &&Field<'_>| !field.negated && (asks_who(field) || asks_token(field));
    let mut named: Vec<Place> =
        fields.iter().filter(is_when).filter(demands).map(|field| field.place).collect();
    let when_names = !named.is_empty();
    let mut passed: Vec<Place> = fields
        .iter()
        .filter(is_when)
        .filter(|field| field.negated && asks_who(field))
        .map(|field| field.place)
        .collect();
    let is_passed = |field: &Field<'_>| field.negated && asks_who(field);
    let (mut item_matches, mut item_always) = (rule.from.is_empty(), rule.from.is_empty());
    for at in 0..rule.from.len() {
        let own = || fields.iter().filter(move |field| field.place.part == Part::From(at));
        match own().find(|field| demands(field)) {
            Some(field) => named.push(field.place),
            None => {
                item_matches = true;
                item_always |= own().all(is_passed);
                // One that is limited by addresses says whom it means.
                if own().all(|field| field.negated || !matches!(field.of, "ipBlocks" | "remoteIpBlocks")) {
                    passed.extend(
                        own().find(|field| field.negated && asks_who(field)).map(|field| field.place),
                    );
                }
            }
        }
    }
    let may_match = item_matches && !when_names;
    let always =
        item_always && rule.to.is_empty() && fields.iter().filter(is_when).all(is_passed) && may_match;
    if !may_match {
        passed.clear();
    }
    Nameless { named, passed, may_match, always }
}

/// For each workload whether a DENY that is enforced keeps all callers without an identity out.
pub(in crate::checks) fn keeps_nameless_out(subject: &Subject<'_>) -> Vec<bool> {
    let always = |policy: &AuthorizationPolicy| {
        policy.rules.iter().enumerate().any(|(at, rule)| nameless(at, rule).always)
    };
    subject.takes_any(|policy| !policy.dry_run && policy.action == Action::Deny && always(policy))
}

/// For each workload whether callers without an identity may be let in by its policies; what nobody enforces is passed over.
fn lets_nameless_in(subject: &Subject<'_>) -> Vec<bool> {
    let is_allow = |policy: &AuthorizationPolicy| !policy.dry_run && policy.action == Action::Allow;
    let may_match = |policy: &AuthorizationPolicy| {
        policy.rules.iter().enumerate().any(|(at, rule)| nameless(at, rule).may_match)
    };
    let has_allow = subject.takes_any(is_allow);
    let allows = subject.takes_any(|policy| is_allow(policy) && may_match(policy));
    let keeps_out = keeps_nameless_out(subject);
    let all = has_allow.into_iter().zip(allows).zip(keeps_out);
    all.map(|((has_allow, allows), keeps_out)| !keeps_out && (!has_allow || allows)).collect()
}

/// A port of a workload at which its proxy takes plaintext.
fn plaintext_port(subject: &Subject<'_>, ports: &BTreeSet<u16>, workload: usize) -> Option<u16> {
    if !matches!(subject.carrier(workload), Carrier::Sidecar | Carrier::Ambient) {
        return None;
    }
    let takes =
        |port: &u16| matches!(subject.mesh.accepts(workload, *port), Accepts::Permissive | Accepts::Disable);
    // 0 stands for a port of which nothing is said.
    if ports.is_empty() { Some(0).filter(takes) } else { ports.iter().copied().find(takes) }
}

/// The ports of workloads that rules may be about.
struct Ports {
    /// Of each workload.
    all: Vec<BTreeSet<u16>>,
    /// Those of them that carry bytes for its proxy.
    bytes: Vec<BTreeSet<u16>>,
}

impl Ports {
    fn of(subject: &Subject<'_>) -> Self {
        Self { all: subject.mesh.ports(), bytes: tcp_ports(subject) }
    }

    /// A port of a workload that a rule is about and at which its proxy takes plaintext. `left_out` says by which proxies the rule is left out.
    fn open(&self, subject: &Subject<'_>, workload: usize, rule: &Rule, left_out: LeftOut) -> Option<u16> {
        if left_out.by_ztunnel && subject.carrier(workload) == Carrier::Ambient {
            return None;
        }
        let (own, bytes) = (&self.all[workload], &self.bytes[workload]);
        let holds = |port: &u16| reaches(rule, None, *port) && !(left_out.of_bytes && bytes.contains(port));
        let reached: BTreeSet<u16> = own.iter().copied().filter(holds).collect();
        if reached.is_empty() && !own.is_empty() { None } else { plaintext_port(subject, &reached, workload) }
    }
}

/// Where an ALLOW rule is left out, since it speaks of requests: it lets nobody in there, of which another check tells.
#[derive(Clone, Copy, Default)]
struct LeftOut {
    /// At ports that carry bytes.
    of_bytes: bool,
    /// In ambient mode.
    by_ztunnel: bool,
}

impl LeftOut {
    /// For each rule of a policy.
    fn of(subject: &Subject<'_>, policy: &AuthorizationPolicy) -> Vec<Self> {
        let mut found = vec![Self::default(); policy.rules.len()];
        if policy.action == Action::Allow {
            for at in Compiled::new(policy, 0, Layer::Tcp, &subject.mesh.config).dropped {
                found[at].of_bytes = true;
            }
            for (at, rule) in policy.rules.iter().enumerate() {
                found[at].by_ztunnel = !about_requests(at, rule).is_empty();
            }
        }
        found
    }
}

fn evaded(subject: &Subject<'_>, flaws: &mut Flaws) {
    let is_judged = |policy: &AuthorizationPolicy| {
        !policy.dry_run && matches!(policy.action, Action::Allow | Action::Deny) && policy.targets.is_empty()
    };
    if !subject.policies.iter().any(is_judged) {
        return;
    }
    let ports = Ports::of(subject);
    let lets_in = lets_nameless_in(subject);
    for (policy, takers) in
        subject.policies.iter().zip(&subject.takers).filter(|(policy, _)| is_judged(policy))
    {
        let left_out = LeftOut::of(subject, policy);
        for (at, rule) in policy.rules.iter().enumerate() {
            let open: Vec<(usize, u16)> = takers
                .iter()
                .filter(|one| lets_in[**one])
                .filter_map(|one| Some((*one, ports.open(subject, *one, rule, left_out[at])?)))
                .collect();
            let Some((first, port)) = open.first().copied() else { continue };
            let workloads: Vec<usize> = open.iter().map(|(one, _)| *one).collect();
            let found = nameless(at, rule);
            let (places, message) = match policy.action {
                Action::Deny if !found.may_match => (
                    found.named,
                    "never matches who calls in plaintext, and has no identity: the DENY lets him in",
                ),
                Action::Allow => (
                    found.passed,
                    "lets in whoever calls in plaintext: he has no identity, and is none of these",
                ),
                _ => continue,
            };
            let Some(place) = places.first() else { continue };
            let message = format!("{message} to {}", subject.whom(&workloads));
            let flaw = flaws.add(policy.object, place.path(), "", message);
            if let WhyAccepts::Policy(place) = subject.mesh.why_accepts(first, port) {
                flaw.related(place.object, place.path);
            }
        }
    }
}

pub(super) const ANONYMOUS: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-037",
        name: "anonymous-let-in",
        severity: Severity::Low,
        summary: "an ALLOW rule names no caller, for a port that takes plaintext",
        what: "An ALLOW rule has no `from` and no condition on who calls, but says something else (a rule that demands nothing has a check of its own), and a port \
               that it is about takes plaintext at one of its workloads. Nothing is said of ports at which the rule is left out, since it speaks of requests and \
               the proxy does not see them (`RW-MESH-014`).",
        why: "Everyone who reaches the port is let in, also who shows no certificate; only NetworkPolicies are left to say who that is.",
        fix: "Say in `from` whom you mean, where the callers are in the mesh; else keep the others off by a NetworkPolicy.",
        bad: concat!(
            injected!(),
            web!(),
            policy!("metrics"),
            "\
spec:
  rules:
  - to:
    - operation:
        ports: [\"8080\"]
"
        ),
        good: concat!(
            injected!(),
            web!(),
            policy!("metrics"),
            "\
spec:
  rules:
  - from:
    - source:
        namespaces: [monitoring]
    to:
    - operation:
        ports: [\"8080\"]
"
        ),
        versions: EVERY_VERSION,
        references: &[AUTHORIZATION, PRACTICES],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("who calls is not in the manifest"),
    find: anonymous,
};

fn anonymous(subject: &Subject<'_>, flaws: &mut Flaws) {
    let is_judged = |policy: &AuthorizationPolicy| policy.action == Action::Allow && !policy.dry_run;
    if !subject.policies.iter().any(is_judged) {
        return;
    }
    let ports = Ports::of(subject);
    let lets_in = lets_nameless_in(subject);
    for (policy, takers) in
        subject.policies.iter().zip(&subject.takers).filter(|(policy, _)| is_judged(policy))
    {
        let left_out = LeftOut::of(subject, policy);
        for (at, rule) in policy.rules.iter().enumerate() {
            let fields = rule.fields(at);
            let names = |field: &Field<'_>| {
                asks_who(field) || asks_token(field) || matches!(field.of, "source.ip" | "remote.ip")
            };
            if !rule.from.is_empty() || fields.is_empty() || fields.iter().any(names) {
                continue;
            }
            let open = takers.iter().find_map(|one| {
                let port = ports.open(subject, *one, rule, left_out[at]);
                port.filter(|_| lets_in[*one]).map(|port| (*one, port))
            });
            let Some((workload, port)) = open else { continue };
            let of = if port == 0 { String::new() } else { format!(" port {port} of") };
            let message =
                format!("lets in whoever reaches{of} {}, which takes plaintext", subject.who(workload));
            flaws.add(policy.object, AuthorizationPolicy::rule_path(at), "", message);
        }
    }
}

/// The namespace and the name of the account that a value names without a star; only in the mesh's own trust domain.
pub(in crate::checks) fn account<'v>(
    subject: &Subject<'_>,
    field: &Field<'_>,
    value: &'v str,
    own: &'v str,
) -> Option<(&'v str, &'v str)> {
    if value.contains('*') {
        return None;
    }
    match field.of {
        "principals" | "source.principal" => {
            let config = &subject.mesh.config;
            let parts: Vec<&str> = value.split('/').collect();
            let [domain, "ns", namespace, "sa", account] = parts.as_slice() else { return None };
            let is_own = *domain == "cluster.local"
                || *domain == config.trust_domain
                || config.trust_domain_aliases.iter().any(|alias| alias == domain);
            is_own.then_some((*namespace, *account))
        }
        "serviceAccounts" | "source.serviceAccount" => Some(value.split_once('/').unwrap_or((own, value))),
        _ => None,
    }
}

/// Whether two names differ as `team-a` and `team-b` do: by a short part, or by digits.
fn are_siblings(a: &str, b: &str) -> bool {
    let (a, b): (Vec<&str>, Vec<&str>) = (a.split('-').collect(), b.split('-').collect());
    let mut differ = a.iter().zip(&b).filter(|(a, b)| a != b);
    let is_short = |part: &str| part.len() <= 3 || part.bytes().any(|byte| byte.is_ascii_digit());
    a.len() == b.len() && differ.all(|(a, b)| is_short(a) && is_short(b))
}

/// The account that pods of the Gateway of this name have, where it is another one than the name.
fn meant_gateway(subject: &Subject<'_>, namespace: &str, name: &str) -> Option<String> {
    let mut gateways = subject.snapshot.of_kind("gateway.networking.k8s.io", "Gateway");
    let is_it = |object: &&Object| {
        object.id.name == name && object.id.namespace.as_deref().unwrap_or("default") == namespace
    };
    account_of_gateway(gateways.find(is_it)?)
}

/// Whether something of the input makes an account of this name: a Gateway, for which istiod does, or an object of a kind that Kubernetes does not have
/// itself and that names it.
pub(in crate::checks) fn may_be_made(subject: &Subject<'_>, namespace: &str, name: &str) -> bool {
    let here = subject.snapshot.objects().map(|(_, object)| object);
    let mut here = here.filter(|object| object.id.namespace.as_deref().unwrap_or("default") == namespace);
    here.any(|object| {
        let own = object.id.name.as_str();
        if object.is("gateway.networking.k8s.io", "Gateway") {
            if let Some(account) = account_of_gateway(object) {
                return account == name;
            }
            let class = object.root().str_at(&["spec", "gatewayClassName"]).unwrap_or_default();
            let stated = object.root().str_at(&["metadata", "annotations", GATEWAY_ACCOUNT]);
            return stated == Some(name) || name == own || name == format!("{own}-{class}");
        }
        let is_custom = object.id.group.contains('.') && !object.id.group.ends_with(".k8s.io");
        is_custom
            && !object.id.group.ends_with("istio.io")
            && (own == name || object.root().str_at(&["spec", "serviceAccountName"]) == Some(name))
    })
}

fn of_nobody(subject: &Subject<'_>, flaws: &mut Flaws) {
    if subject.policies.is_empty() {
        return;
    }
    let used: BTreeSet<(&str, &str)> = subject
        .mesh
        .workloads
        .all
        .iter()
        .map(|one| (one.namespace.as_str(), one.service_account.as_str()))
        .collect();
    let made: BTreeSet<(&str, &str)> = subject
        .snapshot
        .of_kind("", "ServiceAccount")
        .map(|object| (object.id.namespace.as_deref().unwrap_or("default"), object.id.name.as_str()))
        .collect();
    let has_namespaces = subject.mesh.workloads.namespaces.values().any(|one| one.object.is_some());
    for policy in &subject.policies {
        for field in policy.fields() {
            for (at, value) in field.values.iter().enumerate() {
                let path = || field.place.path().index(at);
                if field.of == "namespaces" && !value.contains('*') {
                    let known = &subject.mesh.workloads.namespaces;
                    let near = nearest(value, known.keys().map(String::as_str));
                    let near = near.filter(|near| !are_siblings(value, near));
                    if let Some(near) = near.filter(|_| has_namespaces && !known.contains_key(value)) {
                        let message = format!("no namespace {value} is in the input; \"{near}\" is");
                        flaws.add(policy.object, path(), value.clone(), message);
                    }
                    continue;
                }
                let is_bare =
                    matches!(field.of, "serviceAccounts" | "source.serviceAccount") && !value.contains('/');
                if is_bare && policy.namespace == subject.mesh.config.root_namespace {
                    let message = format!(
                        "means {}/{value}, since the policy is in the root namespace: say NAMESPACE/{value}",
                        policy.namespace
                    );
                    flaws.add(policy.object, path(), value.clone(), message);
                    continue;
                }
                let Some(named) = account(subject, &field, value, &policy.namespace) else { continue };
                let (namespace, name) = named;
                let gateway = meant_gateway(subject, namespace, name);
                if used.contains(&named)
                    || made.contains(&named)
                    || namespace == subject.mesh.config.root_namespace
                    || (gateway.is_none() && !subject.is_inhabited(namespace))
                    || may_be_made(subject, namespace, name)
                {
                    continue;
                }
                let here = used.iter().chain(&made).filter(|(other, _)| *other == namespace);
                let near = nearest(name, here.map(|(_, name)| *name));
                let hint = match (gateway, near) {
                    (Some(account), _) => format!("; pods of the Gateway {name} have \"{account}\""),
                    (None, Some(near)) => format!("; \"{near}\" is one that is there"),
                    (None, None) => String::new(),
                };
                let message = format!("nobody in {namespace} has the service account {name}{hint}");
                flaws.add(policy.object, path(), value.clone(), message);
            }
        }
    }
}

fn shared(subject: &Subject<'_>, flaws: &mut Flaws) {
    // By namespace, each place where its account is let in: the cause of all is one.
    let mut named: BTreeMap<&str, Vec<(usize, FieldPath, &str)>> = BTreeMap::new();
    for policy in subject.policies.iter().filter(|policy| policy.action == Action::Allow) {
        for field in policy.fields().filter(|field| !field.negated) {
            for (at, value) in field.values.iter().enumerate() {
                if let Some((namespace, "default")) = account(subject, &field, value, &policy.namespace) {
                    let place = (policy.object, field.place.path().index(at), value.as_str());
                    named.entry(namespace).or_default().push(place);
                }
            }
        }
    }
    for (namespace, places) in named {
        let all = subject.pods();
        let all = all.filter(|(_, pod)| pod.namespace == namespace && pod.service_account == "default");
        let mut owners = BTreeSet::new();
        let who: Vec<usize> = all
            .filter(|(_, pod)| owners.insert(subject.snapshot.top_owner(pod.object).0))
            .map(|(index, _)| index)
            .collect();
        let [(object, path, value), others @ ..] = places.as_slice() else { continue };
        if who.is_empty() {
            continue;
        }
        let more = match others.len() {
            0 => String::new(),
            1 => "; one more value names it".to_owned(),
            more => format!("; {more} more values name it"),
        };
        let message = format!(
            "is the identity of every pod of {namespace} that names no service account: {} today{more}",
            subject.whom(&who)
        );
        let flaw = flaws.add(*object, path.clone(), *value, message);
        for (object, path, _) in others {
            flaw.related(*object, path.clone());
        }
    }
}

pub(super) const DOTS: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-045",
        name: "account-with-dots",
        severity: Severity::High,
        summary: "a policy names a service account with a dot, and the mesh's release of Istio takes the dot for any character",
        what: "A value of `serviceAccounts`, or of a condition on `source.serviceAccount`, has a dot in the account's name, and the istiod of the input is of a \
               release that reads it as a regular expression: 1.25.0 to 1.27.8, 1.28.0 to 1.28.5, 1.29.0 and 1.29.1 (CVE-2026-39350).",
        why: "`cert-manager.io` also means `cert-manager-io` and `cert-managerXio`: who may make an account of such a name is let in, or a caller is kept out who \
              should not be.",
        fix: "Run 1.27.9, 1.28.6, 1.29.2 or a later release. Until then name the account in `principals`.",
        bad: "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: istiod
  namespace: istio-system
spec:
  template:
    spec:
      containers:
      - name: discovery
        image: docker.io/istio/pilot:1.28.5
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: web
  namespace: shop
spec:
  rules:
  - from:
    - source:
        serviceAccounts: [cert-manager/cert-manager.io]
",
        good: "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: istiod
  namespace: istio-system
spec:
  template:
    spec:
      containers:
      - name: discovery
        image: docker.io/istio/pilot:1.28.6
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: web
  namespace: shop
spec:
  rules:
  - from:
    - source:
        serviceAccounts: [cert-manager/cert-manager.io]
",
        versions: "Istio 1.25.0 to 1.29.1, but for the releases that mend it; nothing of it depends on the version of Kubernetes.",
        references: &[AUTHORIZATION, "https://osv.dev/vulnerability/CVE-2026-39350"],
        controls: &[
            nsa("Authentication and authorization"),
            nsa("Upgrading and application security practices"),
        ],
    },
    fix: Fixable::ByHand("a release of Istio is brought up to date in the cluster"),
    find: dots,
};

fn dots(subject: &Subject<'_>, flaws: &mut Flaws) {
    let Some((release, place)) =
        Release::of(subject.snapshot).filter(|(own, _)| ACCOUNT_DOTS.holds(Some(*own)))
    else {
        return;
    };
    for policy in &subject.policies {
        let is_account = |field: &Field<'_>| matches!(field.of, "serviceAccounts" | "source.serviceAccount");
        for field in policy.fields().filter(is_account) {
            for (at, value) in field.values.iter().enumerate().filter(|(_, value)| value.contains('.')) {
                let message = format!(
                    "a dot of `{value}` is any character to Istio 1.{}.{} (CVE-2026-39350): `{}` is meant too",
                    release.minor,
                    release.patch,
                    value.replacen('.', "x", 1)
                );
                let flaw = flaws.add(policy.object, field.place.path().index(at), value.clone(), message);
                flaw.related(place.object, place.path.clone());
            }
        }
    }
}
