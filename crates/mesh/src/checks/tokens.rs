//! Tokens that nobody demands, and tokens that nobody checks.

use std::collections::BTreeSet;

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::Fixable;
use ringwall_model::path::FieldPath;

use super::examples::{injected, policy, web};
use super::identity::asks_token;
use super::{AUTHORIZATION, EVERY_VERSION, Flaws, MeshCheck, REQUEST, Subject};
use crate::authorization::policy::{Action, AuthorizationPolicy, Field};
use crate::enrolment::Mode as Carrier;
use crate::request_authentication::RequestAuthentication;

pub(super) const NOT_REQUIRED: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-024",
        name: "token-not-required",
        severity: Severity::Medium,
        summary: "a RequestAuthentication stands alone: a request without a token passes",
        what: "A RequestAuthentication has `jwtRules`, and for one of its workloads no AuthorizationPolicy that is enforced demands one: an ALLOW with \
               `requestPrincipals` or a condition on `request.auth`, or a DENY with `notRequestPrincipals` or the `notValues` of such a condition. Where it has `targetRefs`, or where none of its workloads is in the input, the policies of its \
               namespace and of the root namespace are looked at.",
        why: "It says which tokens are believed. A request whose token is wrong gets a 401; one without any passes as before.",
        fix: "Demand a token in an AuthorizationPolicy for the same workloads: `action: DENY` with `from: [{source: {notRequestPrincipals: [\"*\"]}}]`.",
        bad: concat!(
            injected!(),
            web!(),
            "\
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata:
  name: web
  namespace: shop
spec:
  selector:
    matchLabels:
      app: web
  jwtRules:
  - issuer: https://issuer.example.com
"
        ),
        good: concat!(
            injected!(),
            web!(),
            "\
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata:
  name: web
  namespace: shop
spec:
  selector:
    matchLabels:
      app: web
  jwtRules:
  - issuer: https://issuer.example.com
---
",
            policy!("token"),
            "\
spec:
  selector:
    matchLabels:
      app: web
  action: DENY
  rules:
  - from:
    - source:
        notRequestPrincipals: [\"*\"]
"
        ),
        versions: EVERY_VERSION,
        references: &[REQUEST, AUTHORIZATION],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("which requests may come without a token is not in the manifest"),
    find: not_required,
};

pub(super) const NOT_CHECKED: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-025",
        name: "token-never-checked",
        severity: Severity::Medium,
        summary: "a policy asks what a token says, and no RequestAuthentication is for its workload",
        what: "An AuthorizationPolicy names `requestPrincipals`, `notRequestPrincipals` or a condition on `request.auth`, and for a workload that \
               takes it, with a sidecar or as a gateway, no RequestAuthentication says which tokens are believed, while the input holds some for \
               others. The severity is high for a DENY that names what must match.",
        why: "Nobody reads the token: what it says is empty to the policy. An ALLOW lets nobody in, and a DENY never keeps out.",
        fix: "Write a RequestAuthentication for the workload, with the issuer of its tokens.",
        bad: concat!(
            injected!(),
            web!(),
            "\
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata:
  name: api
  namespace: shop
spec:
  selector:
    matchLabels:
      app: api
  jwtRules:
  - issuer: https://issuer.example.com
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
        requestPrincipals: [\"*\"]
"
        ),
        good: concat!(
            injected!(),
            web!(),
            "\
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata:
  name: web
  namespace: shop
spec:
  selector:
    matchLabels:
      app: web
  jwtRules:
  - issuer: https://issuer.example.com
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
        requestPrincipals: [\"*\"]
"
        ),
        versions: EVERY_VERSION,
        references: &[REQUEST, AUTHORIZATION],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("the issuer of the tokens is not in the manifest"),
    find: not_checked,
};

/// Whether a policy keeps out requests without a token: a DENY that names those whose token is none of some, an ALLOW that names tokens.
fn demands(policy: &AuthorizationPolicy) -> bool {
    let names = |negated: bool| policy.fields().any(|field| asks_token(&field) && field.negated == negated);
    match policy.action {
        _ if policy.dry_run => false,
        Action::Allow => names(false),
        Action::Deny => names(true),
        Action::Custom => policy.fields().any(|field| asks_token(&field)),
        Action::Audit => false,
    }
}

/// Whether a policy may be for what a `RequestAuthentication` is for, where no workload shows it.
fn is_near(subject: &Subject<'_>, token: &RequestAuthentication, policy: &AuthorizationPolicy) -> bool {
    // What is attached to the same Gateway or Service in another way is near as well.
    policy.namespace == token.namespace || policy.namespace == subject.mesh.config.root_namespace
}

fn not_required(subject: &Subject<'_>, flaws: &mut Flaws) {
    let is_demanded = subject.takes_any(demands);
    for (token, takers) in subject.tokens.iter().zip(&subject.token_takers) {
        if token.rules.is_empty() {
            continue;
        }
        let path = FieldPath::keys(&["spec", "jwtRules"]);
        // What has no proxy that reads tokens has a check of its own.
        let readers = |one: &&usize| matches!(subject.carrier(**one), Carrier::Sidecar | Carrier::Gateway);
        let enforced: Vec<usize> = takers.iter().filter(readers).copied().collect();
        let message = if takers.is_empty() {
            if subject.policies.iter().any(|policy| demands(policy) && is_near(subject, token, policy)) {
                continue;
            }
            "requires nothing: no AuthorizationPolicy demands a token, and a request without one passes"
                .to_owned()
        } else {
            let open: Vec<usize> = enforced.into_iter().filter(|one| !is_demanded[*one]).collect();
            if open.is_empty() {
                continue;
            }
            format!(
                "requires nothing of {}: no AuthorizationPolicy demands a token, and a request without one passes",
                subject.whom(&open)
            )
        };
        flaws.add(token.object, path, "", message);
    }
}

fn not_checked(subject: &Subject<'_>, flaws: &mut Flaws) {
    if subject.tokens.is_empty() {
        return;
    }
    let mut checked = vec![false; subject.mesh.workloads.all.len()];
    for (token, takers) in subject.tokens.iter().zip(&subject.token_takers) {
        for workload in takers.iter().filter(|_| !token.rules.is_empty()) {
            checked[*workload] = true;
        }
    }
    for (policy, takers) in subject.policies.iter().zip(&subject.takers) {
        let Some(field) = policy.fields().find(asks_token) else { continue };
        let reads = |one: &&usize| {
            matches!(subject.carrier(**one), Carrier::Sidecar | Carrier::Gateway) && !checked[**one]
        };
        let open: Vec<usize> = takers.iter().filter(reads).copied().collect();
        if open.is_empty() {
            continue;
        }
        let message =
            format!("asks what nobody reads: no RequestAuthentication is for {}", subject.whom(&open));
        let flaw = flaws.add(policy.object, field.place.path(), "", message);
        if policy.action == Action::Deny && !field.negated && !policy.dry_run {
            flaw.severity(Severity::High);
        }
    }
}

pub(super) const ISSUER: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-044",
        name: "issuer-of-nobody",
        severity: Severity::Medium,
        summary: "a policy names an issuer of tokens that no RequestAuthentication of its workloads believes",
        what: "A value of `requestPrincipals` (or of a condition on `request.auth.principal`) names an issuer, and of the RequestAuthentications for each of the \
               policy's workloads none has it. Nothing is said of values that leave the issuer open, nor where a workload has no RequestAuthentication at all \
               (`RW-MESH-025`). The severity is high in a DENY.",
        why: "A token of that issuer is refused with a 401 before the policy is asked, so the value never matches.",
        fix: "Write the issuer as the RequestAuthentication has it, to the letter: a slash at its end counts.",
        bad: concat!(
            injected!(),
            web!(),
            "\
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata:
  name: web
  namespace: shop
spec:
  selector:
    matchLabels:
      app: web
  jwtRules:
  - issuer: https://issuer.example.com
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
        requestPrincipals: [\"https://issuer.example.com//*\"]
"
        ),
        good: concat!(
            injected!(),
            web!(),
            "\
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata:
  name: web
  namespace: shop
spec:
  selector:
    matchLabels:
      app: web
  jwtRules:
  - issuer: https://issuer.example.com
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
        requestPrincipals: [\"https://issuer.example.com/*\"]
"
        ),
        versions: EVERY_VERSION,
        references: &[REQUEST, AUTHORIZATION],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByHand("which issuer is meant is not in the manifest"),
    find: issuer,
};

/// The issuer that a value names in full; what begins with a star leaves it open. Source: `requestPrincipalGenerator` in istio.io/istio
/// `pilot/pkg/security/authz/model/generator.go`, which cuts at the last slash.
fn issuer_of(value: &str) -> Option<&str> {
    let (issuer, _) = value.rsplit_once('/')?;
    (!issuer.contains('*') && !issuer.ends_with(":/")).then_some(issuer)
}

fn issuer(subject: &Subject<'_>, flaws: &mut Flaws) {
    if subject.tokens.is_empty() {
        return;
    }
    let mut issuers: Vec<BTreeSet<&str>> = vec![BTreeSet::new(); subject.mesh.workloads.all.len()];
    for (token, takers) in subject.tokens.iter().zip(&subject.token_takers) {
        for workload in takers {
            issuers[*workload].extend(token.rules.iter().map(|rule| rule.issuer.as_str()));
        }
    }
    for (policy, takers) in subject.policies.iter().zip(&subject.takers) {
        let reads = |one: &usize| matches!(subject.carrier(*one), Carrier::Sidecar | Carrier::Gateway);
        if takers.is_empty() || !takers.iter().all(|one| reads(one) && !issuers[*one].is_empty()) {
            continue;
        }
        let of_principals =
            |field: &Field<'_>| matches!(field.of, "requestPrincipals" | "request.auth.principal");
        for field in policy.fields().filter(of_principals) {
            for (at, value) in field.values.iter().enumerate() {
                let Some(named) = issuer_of(value) else { continue };
                if takers.iter().any(|one| issuers[*one].contains(named)) {
                    continue;
                }
                let known: Vec<&str> = issuers[takers[0]].iter().copied().take(3).collect();
                let message = format!(
                    "never matches: no RequestAuthentication for {} believes tokens of {named}, but those of {}",
                    subject.whom(takers),
                    known.join(", ")
                );
                let flaw = flaws.add(policy.object, field.place.path().index(at), value.clone(), message);
                if policy.action == Action::Deny && !field.negated && !policy.dry_run {
                    flaw.severity(Severity::High);
                }
            }
        }
    }
}
