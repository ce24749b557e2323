//! Tokens that nobody demands, and tokens that nobody checks.

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::Fixable;
use ringwall_model::path::FieldPath;

use super::examples::{injected, policy, web};
use super::identity::asks_token;
use super::{AUTHORIZATION, EVERY_VERSION, Flaws, MeshCheck, REQUEST, Subject};
use crate::authorization::policy::{Action, AuthorizationPolicy};
use crate::enrolment::Mode as Carrier;
use crate::request_authentication::RequestAuthentication;

pub(super) const NOT_REQUIRED: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-024",
        name: "token-not-required",
        severity: Severity::Medium,
        summary: "a RequestAuthentication stands alone: a request without a token passes",
        what: "A RequestAuthentication has `jwtRules`, and for one of its workloads no AuthorizationPolicy (but for AUDIT and dry runs) names \
               `requestPrincipals`, `notRequestPrincipals` or a condition on `request.auth`. Where it has `targetRefs`, the policies with one of these \
               are looked at; where none of its workloads is in the input, those of its namespace and of the root namespace.",
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

/// Whether a policy makes anything depend on a token.
fn demands(policy: &AuthorizationPolicy) -> bool {
    !policy.dry_run && policy.action != Action::Audit && policy.fields().any(|field| asks_token(&field))
}

/// Whether a policy may be for what a `RequestAuthentication` is for, where no workload shows it.
fn is_near(subject: &Subject<'_>, token: &RequestAuthentication, policy: &AuthorizationPolicy) -> bool {
    if token.targets.is_empty() {
        policy.namespace == token.namespace || policy.namespace == subject.mesh.config.root_namespace
    } else {
        policy.targets.iter().any(|target| token.targets.contains(target))
    }
}

fn not_required(subject: &Subject<'_>, flaws: &mut Flaws) {
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
            let is_demanded =
                |one: &usize| subject.taken[*one].iter().any(|policy| demands(&subject.policies[*policy]));
            let open: Vec<usize> = enforced.into_iter().filter(|one| !is_demanded(one)).collect();
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
