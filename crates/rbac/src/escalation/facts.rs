//! What the closure must know beside roles and bindings, and what it takes for given where nobody knows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ringwall_model::version::Minor;

use super::catalogue::Fact;

/// What Pod Security enforces in a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Nothing.
    Privileged,
    /// What is known to lead to the node is refused.
    Baseline,
    /// More is.
    Restricted,
}

/// A pod, or the pods that a workload makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name; that of the workload, if it makes the pods.
    pub name: String,
    /// Whether the name is the pod's own, and so one that `resourceNames` may say.
    pub is_pod: bool,
    /// Its service account.
    pub account: String,
    /// Whether the account's token is mounted.
    pub has_token: bool,
    /// The node that it runs on, if that is known.
    pub node: Option<String>,
    /// Whether it runs on every node, as those of a `DaemonSet` do.
    pub on_all_nodes: bool,
    /// Secrets that are mounted or in its environment.
    pub secrets: Vec<String>,
    /// Why who is in it can take over the node (`privileged`, `hostPath /`, …), as the ring of pods judges it.
    pub takes_node: Option<String>,
    /// Whether it may write to the log folder of the node, from which the kubelet reads logs.
    pub writes_node_logs: bool,
}

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeFact {
    /// Its name.
    pub name: String,
    /// Whether it is of the control plane.
    pub control_plane: bool,
}

/// A secret that holds the token of a service account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenSecret {
    /// Its namespace, which is the account's.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The account.
    pub account: String,
}

/// What is known of a cluster beside its RBAC.
///
/// What is listed is there. What is not listed may be there or not, unless [`Facts::complete`] says that all is listed. Where a row needs
/// what nobody knows, its hop carries an [`Assumption`].
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Kubernetes 1.N; the newest where it is not known.
    pub minor: Option<u32>,
    /// Whether namespaces, accounts, pods, nodes, token secrets and API groups are all listed, as in a dump of a cluster.
    pub complete: bool,
    /// The namespaces, and what Pod Security enforces there, if that is known.
    pub namespaces: BTreeMap<String, Option<Level>>,
    /// The service accounts: namespace and name.
    pub accounts: BTreeSet<(String, String)>,
    /// The pods and workloads.
    pub pods: Vec<Pod>,
    /// The nodes.
    pub nodes: Vec<NodeFact>,
    /// The secrets that hold tokens.
    pub token_secrets: Vec<TokenSecret>,
    /// The API groups that are served beside Kubernetes' own.
    pub installed: BTreeSet<String>,
    /// Whether webhooks or policies judge pods beside Pod Security: then it is not known whether they refuse privileged ones.
    pub other_admission: bool,
    /// Authorizers beside Node and RBAC, by a name for people: they may allow what is not found here.
    pub other_authorizers: Vec<String>,
    /// Facts about the cluster as a whole that somebody knows.
    pub known: BTreeMap<Fact, bool>,
}

/// Something that a hop takes for given because it is not known.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Assumption {
    /// What.
    pub fact: Fact,
    /// In which namespace, if it is about one.
    pub namespace: Option<String>,
}

impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match &self.namespace {
            Some(namespace) => format!("in namespace {namespace}"),
            None => "in some namespace".to_owned(),
        };
        match self.fact {
            Fact::Since(minor) => write!(f, "the cluster is of Kubernetes 1.{minor} or later"),
            Fact::Before(minor) => write!(f, "the cluster is older than Kubernetes 1.{minor}"),
            Fact::PrivilegedPods => write!(f, "no admission policy forbids privileged pods {place}"),
            Fact::Installed(group) => write!(f, "{group} is installed"),
            Fact::PodsOfOthers => write!(f, "such pods run {place}"),
            Fact::PodOnHost => write!(f, "a pod {place} may take over its node"),
            Fact::PodWithNodeLogs => write!(f, "a pod {place} may write to the log folder of its node"),
            Fact::TokenSecret => write!(f, "a secret {place} holds such a token"),
            Fact::Exists(resource) => write!(f, "there is an object of {resource}"),
            Fact::MissingAccount => write!(f, "the service account is missing {place}"),
            Fact::MissingRole => write!(f, "the Role is missing {place}"),
            Fact::BroadAggregation => write!(f, "a ClusterRole takes in others by a broad selector"),
            Fact::AggregatedRole => write!(f, "an aggregated ClusterRole is bound"),
            Fact::ControlPlaneNode => write!(f, "pods may run on nodes of the control plane"),
            Fact::Signer => write!(f, "the cluster signs certificates for its API"),
            Fact::BootstrapTokens => write!(f, "the cluster accepts bootstrap tokens"),
            Fact::AwsAuth => write!(f, "the cluster is of Amazon EKS and reads aws-auth"),
            Fact::Interactive => write!(f, "the container's process does what it reads"),
            Fact::UnsafeIngress => write!(f, "the ingress controller runs what annotations say"),
            Fact::PodsOnNode => write!(f, "such pods run on that node"),
            Fact::ImpersonateOn => write!(f, "impersonate-on allows the requests that come after"),
            Fact::InsideOfPod => write!(f, "it is used from inside of a pod {place} that has it"),
        }
    }
}

/// What is known of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Yes,
    No,
    Unknown,
}

impl Known {
    pub(super) const fn of(is: bool) -> Self {
        if is { Self::Yes } else { Self::No }
    }

    /// The same, unless it is not known.
    pub(super) const fn unless(self, unknown: bool) -> Self {
        if unknown { Self::Unknown } else { self }
    }
}

impl Facts {
    fn or_unlisted(&self, listed: bool) -> Known {
        match (listed, self.complete) {
            (true, _) => Known::Yes,
            (false, true) => Known::No,
            (false, false) => Known::Unknown,
        }
    }

    fn privileged_in(&self, namespace: &str) -> Known {
        match self.namespaces.get(namespace) {
            Some(Some(Level::Privileged)) if !self.other_admission => Known::Yes,
            Some(Some(Level::Baseline | Level::Restricted)) => Known::No,
            _ => Known::Unknown,
        }
    }

    /// Whether a fact holds in a namespace, or in any for `None`. Those that depend on roles and bindings are not asked here.
    pub(super) fn judge(&self, fact: Fact, namespace: Option<&str>) -> Known {
        if let Some(known) = self.known.get(&fact) {
            return Known::of(*known);
        }
        let here = |own: &str| namespace.is_none_or(|namespace| namespace == own);
        match fact {
            Fact::Since(minor) => Known::of(self.minor.unwrap_or(Minor::NEWEST.0) >= minor),
            Fact::Before(minor) => Known::of(self.minor.unwrap_or(Minor::NEWEST.0) < minor),
            // Of all namespaces it is asked one by one.
            Fact::PrivilegedPods => {
                namespace.map_or(Known::Unknown, |namespace| self.privileged_in(namespace))
            }
            Fact::Installed(group) => self.or_unlisted(self.installed.contains(group)),
            Fact::PodsOfOthers => self.or_unlisted(self.pods.iter().any(|pod| here(&pod.namespace))),
            Fact::TokenSecret => {
                self.or_unlisted(self.token_secrets.iter().any(|secret| here(&secret.namespace)))
            }
            Fact::ControlPlaneNode => {
                if self.nodes.iter().any(|node| node.control_plane) {
                    Known::Yes
                } else if self.complete && !self.nodes.is_empty() {
                    Known::No
                } else {
                    Known::Unknown
                }
            }
            _ => Known::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_listed_is_unknown_until_all_is() {
        let mut facts = Facts::default();
        assert_eq!(facts.judge(Fact::Installed("tekton.dev"), None), Known::Unknown);
        facts.complete = true;
        assert_eq!(facts.judge(Fact::Installed("tekton.dev"), None), Known::No);
        facts.installed.insert("tekton.dev".to_owned());
        assert_eq!(facts.judge(Fact::Installed("tekton.dev"), None), Known::Yes);
    }

    #[test]
    fn privileged_pods_are_a_matter_of_the_namespace() {
        let mut facts = Facts::default();
        facts.namespaces.insert("shop".to_owned(), Some(Level::Privileged));
        facts.namespaces.insert("safe".to_owned(), Some(Level::Restricted));
        let asks = |facts: &Facts, namespace| facts.judge(Fact::PrivilegedPods, namespace);
        assert_eq!(asks(&facts, Some("shop")), Known::Yes);
        assert_eq!(asks(&facts, Some("safe")), Known::No);
        assert_eq!(asks(&facts, Some("other")), Known::Unknown);
        facts.other_admission = true;
        assert_eq!(asks(&facts, Some("shop")), Known::Unknown);
        assert_eq!(asks(&facts, Some("safe")), Known::No);
    }

    #[test]
    fn the_newest_version_is_taken_where_none_is_known() {
        let mut facts = Facts::default();
        assert_eq!(facts.judge(Fact::Before(35), None), Known::No);
        facts.minor = Some(34);
        assert_eq!(facts.judge(Fact::Before(35), None), Known::Yes);
    }
}
