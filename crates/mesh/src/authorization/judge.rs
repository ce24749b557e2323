//! The verdict on a request. Source: the order of the filters in `pilot/pkg/networking/core/listener_inbound.go` and
//! `pilot/pkg/security/authz/builder/builder.go`; Envoy's RBAC filters.

use std::sync::Arc;

use super::compile::{Compiled, Layer};
use super::path::BadPath;
use super::place::Place;
use super::policy::Action;
use super::request::{Request, Seen};
use crate::config::MeshConfig;
use crate::config::PathNormalization;
use crate::request_authentication::{BadToken, TokenRules};

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It is let in.
    Allow,
    /// It is kept out: 403, or the connection is closed.
    Deny,
    /// Its token must not be believed: 401.
    Unauthenticated,
    /// The proxy does not take its path: 400, or for what is no path at all, 404.
    BadRequest,
}

/// Why it is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Because {
    /// No policy keeps it out, and no ALLOW policy is there.
    Free,
    /// The rule matches.
    Matched,
    /// A CUSTOM policy matches whose authorizer the mesh does not know, or that is one of several: nobody can be asked.
    NobodyToAsk,
    /// ALLOW policies are there, and no rule of theirs matches.
    NotAllowed,
    /// The token.
    Token(BadToken),
    /// The path.
    Path(BadPath),
    /// A policy that the workload is bound to was never sent to its proxy, which goes on without it.
    MissingPolicy,
}

/// The verdict and what decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decision {
    /// What becomes of the request.
    pub verdict: Verdict,
    /// The index of the policy that decided, if one did.
    pub policy: Option<usize>,
    /// The index of its rule.
    pub rule: Option<usize>,
    /// Why.
    pub because: Because,
    /// The index of a CUSTOM policy that matches: an allow holds only if its authorizer allows too.
    pub asks: Option<usize>,
}

impl Decision {
    pub(crate) const fn new(verdict: Verdict, because: Because) -> Self {
        Self { verdict, policy: None, rule: None, because, asks: None }
    }

    pub(crate) const fn by(mut self, policy: usize, rule: usize) -> Self {
        self.policy = Some(policy);
        self.rule = Some(rule);
        self
    }
}

/// How near a rule came to letting a request in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// The index of the policy.
    pub policy: usize,
    /// The fields that failed, in the order of the rule; empty for a policy without rules, and for one whose rules are left out.
    pub fields: Vec<Place>,
}

/// The policies of one workload.
#[derive(Clone, Debug)]
pub struct Authorizer {
    custom: Vec<Arc<Compiled>>,
    deny: Vec<Arc<Compiled>>,
    allow: Vec<Arc<Compiled>>,
    tokens: TokenRules,
    normalization: PathNormalization,
    layer: Layer,
    /// Whether the one authorizer of the CUSTOM policies is known.
    can_ask: bool,
}

impl Authorizer {
    /// The policies that count for a workload, compiled for what its proxy sees, and its rules for tokens.
    pub fn new(
        policies: impl IntoIterator<Item = Arc<Compiled>>,
        tokens: TokenRules,
        layer: Layer,
        mesh: &MeshConfig,
    ) -> Self {
        let (mut custom, mut deny, mut allow) = (Vec::new(), Vec::new(), Vec::new());
        for policy in policies {
            match policy.action {
                // A dry run of CUSTOM asks all the same: the proxy cannot tell the two.
                Action::Custom => custom.push(policy),
                _ if policy.dry_run => {}
                Action::Deny => deny.push(policy),
                Action::Allow => allow.push(policy),
                Action::Audit => {}
            }
        }
        let provider = custom.first().map(|policy| Arc::clone(&policy.provider));
        let can_ask = provider.is_some_and(|provider| {
            custom.iter().all(|policy| policy.provider == provider)
                && mesh.extension_providers.iter().any(|known| **known == *provider)
        });
        Self { custom, deny, allow, tokens, normalization: mesh.path_normalization, layer, can_ask }
    }

    /// The verdict. Costs the rules of the policies that are asked, CUSTOM and DENY before ALLOW; allocates only where the path must be
    /// rewritten or a header stands more than once.
    pub fn judge(&self, request: &Request<'_>) -> Decision {
        let mut seen = match self.see(request) {
            Ok(seen) => seen,
            Err(bad) => return Decision::new(Verdict::BadRequest, Because::Path(bad)),
        };
        let mut asks = None;
        if let Some((policy, rule)) =
            first_match(&self.custom, &seen, |policy| self.can_ask || !policy.dry_run)
        {
            if !self.can_ask {
                return Decision::new(Verdict::Deny, Because::NobodyToAsk).by(policy, rule);
            }
            asks = Some(policy);
        }
        if let Err(bad) = self.believe(&mut seen) {
            let verdict = if bad == BadToken::Audience { Verdict::Deny } else { Verdict::Unauthenticated };
            return Decision { asks, ..Decision::new(verdict, Because::Token(bad)) };
        }
        let decision = if let Some((policy, rule)) = first_match(&self.deny, &seen, |_| true) {
            Decision::new(Verdict::Deny, Because::Matched).by(policy, rule)
        } else if self.allow.is_empty() {
            Decision::new(Verdict::Allow, Because::Free)
        } else if let Some((policy, rule)) = first_match(&self.allow, &seen, |_| true) {
            Decision::new(Verdict::Allow, Because::Matched).by(policy, rule)
        } else {
            Decision::new(Verdict::Deny, Because::NotAllowed)
        };
        Decision { asks, ..decision }
    }

    /// How near the ALLOW policies came to letting the request in, the nearest first. Empty where none is there, or where one does.
    pub fn misses(&self, request: &Request<'_>) -> Vec<Miss> {
        let Ok(mut seen) = self.see(request) else { return Vec::new() };
        if self.believe(&mut seen).is_err() || first_match(&self.allow, &seen, |_| true).is_some() {
            return Vec::new();
        }
        let mut misses = Vec::new();
        for policy in &self.allow {
            let of = |fields| Miss { policy: policy.index, fields };
            misses.extend(policy.rules().iter().map(|rule| of(rule.misses(&seen))));
            if policy.rules().is_empty() {
                misses.push(of(Vec::new()));
            }
        }
        // A policy that has nothing to match with comes last: no request comes near it.
        misses.sort_by_key(|miss| (miss.fields.is_empty(), miss.fields.len()));
        misses
    }

    fn see<'r>(&'r self, request: &'r Request<'r>) -> Result<Seen<'r>, BadPath> {
        Seen::new(request, self.normalization)
    }

    fn believe<'r>(&'r self, seen: &mut Seen<'r>) -> Result<(), BadToken> {
        if let (Some(http), Layer::Http) = (&seen.request.http, self.layer) {
            let believed = self.tokens.check(http)?;
            (seen.claims, seen.words) = (believed.claims, believed.words);
        }
        Ok(())
    }
}

fn first_match(
    policies: &[Arc<Compiled>],
    seen: &Seen<'_>,
    counts: impl Fn(&Compiled) -> bool,
) -> Option<(usize, usize)> {
    policies
        .iter()
        .filter(|policy| counts(policy))
        .find_map(|policy| Some((policy.index, policy.matching(seen)?)))
}
