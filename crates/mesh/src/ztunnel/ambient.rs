//! The policies of an ambient mesh together: which are sent, which workload is bound to which, and the verdict on a connection.

use std::collections::{BTreeMap, BTreeSet};

use super::convert::{Converted, convert};
use super::peer::{self, Around, Counting};
use super::{AmbientWorkload, Authorization, Connection, Effect, Scope};
use crate::authorization::judge::{Because, Decision, Miss, Verdict};
use crate::authorization::policy::AuthorizationPolicy;
use crate::config::MeshConfig;
use crate::peer::{Mode, PeerAuthentication};
use crate::place::{Pairs, is_subset};

/// What istiod sends to ztunnel.
#[derive(Clone, Debug)]
pub struct Ambient {
    root: String,
    /// What is sent, by namespace and name.
    authorizations: Vec<Authorization>,
    /// For each, the labels by which it selects, where it has some.
    selectors: Vec<Option<Pairs>>,
    /// What istiod writes into the status of policies, by their index.
    statuses: BTreeMap<usize, String>,
    peers: Vec<PeerAuthentication>,
}

/// The policies of one workload.
#[derive(Clone, Debug)]
pub struct Bound<'a> {
    /// The names of those that it is bound to besides those of its namespace and of the mesh, in the order of istiod.
    pub names: Vec<String>,
    /// Of these, the ones that were never sent: ztunnel goes on without them.
    pub missing: Vec<String>,
    deny: Vec<&'a Authorization>,
    allow: Vec<&'a Authorization>,
}

impl Ambient {
    /// Makes what is sent of the mesh's policies. Costs their length, and for each `PeerAuthentication` with ports the number of them all.
    ///
    /// Of `PeerAuthentication`s for the same, the oldest counts. Of one age istiod takes any; here it is the first, so give them by name.
    pub fn new(policies: &[AuthorizationPolicy], peers: Vec<PeerAuthentication>, mesh: &MeshConfig) -> Self {
        let root = mesh.root_namespace.clone();
        let (mut sent, mut statuses) = (Vec::new(), BTreeMap::new());
        for (index, policy) in policies.iter().enumerate() {
            match convert(policy, index, &root) {
                Converted::Sent(authorization, status) => {
                    statuses.extend(status.map(|status| (index, status)));
                    // Empty labels are none, and select nothing.
                    let labels = policy.selector.clone().filter(|labels| !labels.is_empty());
                    sent.push((authorization, labels));
                }
                Converted::Refused(status) => drop(statuses.insert(index, status)),
                Converted::NotForZtunnel => {}
            }
        }
        let wide = |namespace: &str| -> Option<Mode> {
            oldest(peers.iter().filter(|one| !one.has_selector && one.namespace == namespace))
                .map(|one| one.mode)
        };
        for one in peers.iter().filter(|one| !one.ports.is_empty()) {
            let around = Around { namespace: wide(&one.namespace), mesh: wide(&root) };
            sent.extend(peer::convert(one, around, &root, mesh.release).map(|made| (made, None)));
        }
        if !peers.is_empty() {
            sent.push((peer::static_strict(&root), None));
        }
        sent.sort_by(|(a, _), (b, _)| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        let (authorizations, selectors) = sent.into_iter().unzip();
        Self { root, authorizations, selectors, statuses, peers }
    }

    /// What is sent, by namespace and name.
    pub fn authorizations(&self) -> &[Authorization] {
        &self.authorizations
    }

    /// What istiod writes into the status of the policy with this index: what of it ztunnel does not enforce, or why it is not sent.
    pub fn status(&self, policy: usize) -> Option<&str> {
        self.statuses.get(&policy).map(String::as_str)
    }

    /// The policies of a workload. Costs the number of policies.
    pub fn bind(&self, workload: &AmbientWorkload<'_>) -> Bound<'_> {
        let is_near = |one: &Authorization| one.namespace == self.root || one.namespace == workload.namespace;
        let selected = self.authorizations.iter().zip(&self.selectors).filter(|(one, labels)| {
            is_near(one) && labels.as_ref().is_some_and(|labels| is_subset(labels, workload.labels))
        });
        let mut names: Vec<String> = selected.map(|(one, _)| one.key()).collect();
        names.sort();
        names.extend(self.bound_for_peers(workload));
        let named: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let mut missing = named.clone();
        let (mut deny, mut allow) = (Vec::new(), Vec::new());
        for one in &self.authorizations {
            let key = one.key();
            missing.remove(key.as_str());
            let counts = match one.scope {
                Scope::Global => true,
                Scope::Namespace => one.namespace == workload.namespace,
                Scope::WorkloadSelector => false,
            };
            if counts || named.contains(key.as_str()) {
                match one.effect {
                    Effect::Deny => deny.push(one),
                    Effect::Allow => allow.push(one),
                }
            }
        }
        let missing = missing.into_iter().map(str::to_owned).collect();
        Bound { names, missing, deny, allow }
    }
}

impl Ambient {
    /// What a workload is bound to for its `PeerAuthentication`s.
    fn bound_for_peers(&self, workload: &AmbientWorkload<'_>) -> Option<String> {
        let root = self.root.as_str();
        let is_root = |one: &PeerAuthentication| one.namespace == root;
        let counts = |one: &&PeerAuthentication| {
            let is_here = one.namespace == workload.namespace;
            // From elsewhere, one of the mesh counts only where it has no selector at all.
            (is_root(one) && !one.has_selector) || (is_here && is_subset(&one.selector, workload.labels))
        };
        let those = || self.peers.iter().filter(counts);
        let counting = Counting {
            mesh: oldest(those().filter(|one| one.is_wide() && is_root(one))),
            namespace: oldest(those().filter(|one| one.is_wide() && !is_root(one))),
            own: oldest(those().filter(|one| !one.is_wide() && !is_root(one))),
        };
        match peer::bound(counting) {
            peer::Bound::Nothing => None,
            peer::Bound::Static => Some(peer::static_key(root)),
            peer::Bound::Own => counting.own.map(peer::key),
        }
    }
}

/// The oldest, and of one age the first; what does not say its age is not there yet.
fn oldest<'p>(peers: impl Iterator<Item = &'p PeerAuthentication>) -> Option<&'p PeerAuthentication> {
    peers.reduce(|oldest, one| if one.age() < oldest.age() { one } else { oldest })
}

impl Bound<'_> {
    /// The verdict of the workload's ztunnel on a connection. Costs the length of the policies; allocates nothing.
    ///
    /// [`Because::MissingPolicy`] says that it lets in what a policy would have kept out, had it been sent, perhaps.
    pub fn judge(&self, connection: &Connection<'_>) -> Decision {
        let first = |all: &[&Authorization]| {
            all.iter().find_map(|one| one.matching(connection).map(|rule| (one.policy, rule)))
        };
        if let Some((policy, rule)) = first(&self.deny) {
            return of(Verdict::Deny, policy, rule);
        }
        if !self.allow.is_empty() {
            return match first(&self.allow) {
                Some((policy, rule)) => of(Verdict::Allow, policy, rule),
                None => Decision::new(Verdict::Deny, Because::NotAllowed),
            };
        }
        let because = if self.missing.is_empty() { Because::Free } else { Because::MissingPolicy };
        Decision::new(Verdict::Allow, because)
    }
}

impl Bound<'_> {
    /// How near the ALLOW policies came to letting the connection in, the nearest first. Empty where none is there, or where one does.
    pub fn misses(&self, connection: &Connection<'_>) -> Vec<Miss> {
        if self.allow.iter().any(|one| one.matching(connection).is_some()) {
            return Vec::new();
        }
        let mut misses = Vec::new();
        for one in &self.allow {
            let Some(policy) = one.policy else { continue };
            let before = misses.len();
            misses.extend(one.misses(connection).map(|fields| Miss { policy, fields }));
            if misses.len() == before {
                misses.push(Miss { policy, fields: Vec::new() });
            }
        }
        misses.sort_by_key(|miss| (miss.fields.is_empty(), miss.fields.len()));
        misses
    }
}

/// What was made of a `PeerAuthentication` has no policy to name.
fn of(verdict: Verdict, policy: Option<usize>, rule: usize) -> Decision {
    let decision = Decision::new(verdict, Because::Matched);
    match policy {
        Some(policy) => decision.by(policy, rule),
        None => decision,
    }
}
