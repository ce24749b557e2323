//! The escalation catalogue: for each way up what it needs and what it gains.
//!
//! A [`Row`] is data: its [`Need`]s name requests that RBAC must allow, things that are held already, and facts of the cluster; its
//! [`Gain`] says what its holder has then, and so which rows are open next. Rows with one number are variants of one way. What a row says
//! of the API server was read in the sources that it names.
//!
//! Three distinctions are the reference's own and decide most cases:
//! - *One request or several.* `bind` counts only for who sends the binding ([`Need::Together`]); a CSR may be made by one identity and
//!   approved by another ([`Need::All`]).
//! - *Names.* A request that creates has no name, unless a server-side apply, or for some resources an update, makes the object: then
//!   `create` is asked with the name, beside `patch` or `update` (k8s.io/apiserver `pkg/endpoints/handlers/patch.go` and `update.go`).
//!   See [`super::rows`].
//! - *Place.* What is not in a namespace is granted by `ClusterRoleBindings` only; a namespace itself also by a `RoleBinding` in it.

mod admission;
mod control;
mod grants;
mod identity;
mod network;
mod nodes;
mod pods;
mod secrets;

use crate::model::RoleKind;

/// One way from rights to more.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The way; rows with one number are its variants.
    pub number: u8,
    /// A name that stays.
    pub id: &'static str,
    /// What is needed.
    pub needs: Need,
    /// What is gained.
    pub gain: Gain,
    /// What it means, for people. `{where}` stands for the place, `{names}` for the objects that it is limited to.
    pub says: &'static str,
    /// Where it is written: documentation, a CVE, an issue, or a file of k8s.io/kubernetes.
    pub references: &'static [&'static str],
}

/// What a row needs.
#[derive(Clone, Copy, Debug)]
pub enum Need {
    /// A request that RBAC must allow.
    Right(Right),
    /// A path that RBAC must allow.
    Path(PathRight),
    /// All, each of which may be done by another identity.
    All(&'static [Need]),
    /// All, by one identity, because one request needs them.
    Together(&'static [Need]),
    /// One of them.
    Any(&'static [Need]),
    /// Something that was gained before.
    Holds(Holding),
    /// Something that is so in the cluster.
    Fact(Fact),
}

/// Stands in a [`Right`] for whatever is there: as a group or resource alone, as a subresource, or at the end of a verb.
pub const WHATEVER: &str = "?";

/// A request that RBAC must allow. `*` asks for the star itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Right {
    /// One of these verbs.
    pub verbs: &'static [&'static str],
    /// The API group.
    pub group: &'static str,
    /// One of these resources, with their subresource.
    pub resources: &'static [&'static str],
    /// What the object's name has to do with it.
    pub names: Names,
    /// Where.
    pub place: Place,
}

/// What the name of the object has to do with a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Names {
    /// Any name will do: who has the right for one object has what is needed.
    Any,
    /// The gain is limited to the objects that the right is for.
    Limit,
    /// It must be one of these.
    Of(&'static [&'static str]),
    /// It must begin so.
    Prefix(&'static str),
    /// The object is the namespace itself.
    Namespace,
    /// The request names no object, so that a right for named ones does not help.
    Unnamed,
}

/// Where a right must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// In the namespace that the gain is about.
    Here,
    /// At the cluster scope.
    Cluster,
    /// In this namespace.
    In(&'static str),
}

/// A path that is no resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PathRight {
    /// The HTTP method in lower case.
    pub verb: &'static str,
    /// One of these paths.
    pub paths: &'static [&'static str],
}

/// Something gained before that a row goes on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Holding {
    /// Pods of one's own making run in the namespace.
    OwnPods,
    /// Code runs in pods of the namespace that others made.
    Pods,
    /// The content of secrets of the namespace is known.
    Secrets,
    /// Root on a node.
    NodeRoot,
    /// The identity of a node.
    NodeIdentity,
    /// The labels of the namespace are one's own.
    NamespaceLabels,
    /// The rules of a role are one's own.
    RoleRules,
    /// A role, or an aggregated role that takes it in, is bound to an identity that one has.
    BoundRole,
    /// The group `system:masters`.
    Masters,
    /// The service accounts of the namespace.
    Accounts,
    /// Service accounts that were missing can be made there.
    NewAccounts,
}

/// Something that is so in the cluster, apart from RBAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fact {
    /// Kubernetes 1.N or later.
    Since(u32),
    /// Earlier than Kubernetes 1.N.
    Before(u32),
    /// Nothing forbids privileged pods in the namespace: Pod Security enforces neither `baseline` nor `restricted`.
    PrivilegedPods,
    /// Resources of this API group are served.
    Installed(&'static str),
    /// There is a workload or pod of others in the namespace.
    PodsOfOthers,
    /// A pod there may take over its node: it is privileged, has a path of the node, or the like.
    PodOnHost,
    /// A pod of the identity's has the node's log folder and may be read by it.
    PodWithNodeLogs,
    /// A secret there holds a token of a service account.
    TokenSecret,
    /// An object of this resource is there.
    Exists(&'static str),
    /// A binding names a service account that is missing.
    MissingAccount,
    /// A `RoleBinding` names a Role that is missing.
    MissingRole,
    /// A `ClusterRole` takes in the rules of others by a selector that many labels satisfy.
    BroadAggregation,
    /// An aggregated `ClusterRole` is bound to somebody.
    AggregatedRole,
    /// A node of the control plane runs pods.
    ControlPlaneNode,
    /// The cluster signs certificates for its API (some managed ones do not).
    Signer,
    /// Bootstrap tokens are accepted.
    BootstrapTokens,
    /// The cluster is of Amazon EKS and reads `aws-auth`.
    AwsAuth,
    /// The container's first process does what it reads.
    Interactive,
    /// The ingress controller takes configuration from annotations, or has a known flaw.
    UnsafeIngress,
    /// Pods run on the node that one holds, or come to it.
    PodsOnNode,
    /// The requests that `impersonate-on` allows are those that are needed.
    ImpersonateOn,
    /// Who has the account's token is in the pod.
    InsideOfPod,
}

/// What a row gains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Gain {
    /// Everything in the cluster.
    Everything,
    /// Everything in the namespace.
    EverythingHere,
    /// The rules of roles of this kind, by a binding to oneself.
    BindRoles {
        /// Of which kind.
        role: RoleKind,
        /// Whether by a `ClusterRoleBinding`.
        everywhere: bool,
    },
    /// The rules of roles of this kind that a binding is for which one may add oneself to.
    JoinBindings {
        /// Of which kind.
        role: RoleKind,
        /// Whether of a `ClusterRoleBinding`.
        everywhere: bool,
    },
    /// Any rules for existing roles of this kind: everything, where one of them is bound to an identity that one has.
    RoleRules(RoleKind),
    /// Roles of this kind with any rules: everything, where somebody may bind them or a selector takes them in.
    NewRoles(RoleKind),
    /// Everything that the binding of the role reaches.
    RightsOfRole,
    /// Service accounts of the namespace.
    Accounts,
    /// Users that are no service accounts; no groups but that of all.
    Users,
    /// Any groups together with an identity that may be taken, `system:masters` among them.
    Groups,
    /// Any user with any groups but `system:masters`.
    AnyUser,
    /// Groups that begin with `system:bootstrappers:`.
    BootstrapGroups,
    /// The identity of a node.
    NodeIdentity,
    /// The content of secrets of the namespace.
    Secrets,
    /// Pods of one's own making in the namespace.
    OwnPods,
    /// Code in the pods of others in the namespace.
    Pods,
    /// Code in the pods of a node.
    PodsOfNode,
    /// Root on any node.
    NodeRoot,
    /// Root on the node of the pod.
    NodeOfPod,
    /// The identities of the pods that are held: their accounts.
    PodAccounts,
    /// What is mounted into the pods that are held.
    PodSecrets,
    /// The service accounts whose tokens are in the secrets that are held.
    TokensInSecrets,
    /// The labels of the namespace.
    NamespaceLabels,
    /// Service accounts that are missing can be made.
    NewAccounts,
    /// A service account that was missing.
    MissingAccount,
    /// What a controller may do that runs as a service account of one of these names.
    Controller(&'static [&'static str]),
    /// Something that opens no further row.
    Effect(Effect),
}

/// What a gain means that opens no further row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    /// Rights that are held can be handed on and outlive their grant.
    HandOn,
    /// Attributes of a user that other authorizers and webhooks decide by.
    Attributes,
    /// What is in secrets and certificates is swapped or forged for those who trust it.
    Poison,
    /// What others write is seen.
    Read,
    /// Admission or another guard is disarmed.
    Disarm,
    /// Connections are redirected or read.
    Traffic,
    /// Ports are reached behind network policies.
    Reach,
    /// Pods come to nodes where they should not be.
    Placement,
    /// Rights in the cloud beneath.
    Cloud,
    /// Something is stopped or destroyed.
    Outage,
    /// Facts for an attack.
    Recon,
    /// Data of other tenants.
    Volumes,
    /// Certificates or tokens in the name of a pod.
    PodIdentity,
    /// Devices with administrator's access, other runtimes, the place of others.
    Devices,
}

impl Gain {
    /// Whether no further row goes on from it.
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Effect(_) | Self::Everything)
    }
}

impl Row {
    /// The sentence for people. `place` is such as `in namespace shop` or `in every namespace`; `names` the objects that it is limited
    /// to, if it is.
    pub fn say(&self, place: &str, names: &[&str]) -> String {
        let named = match names {
            [] => String::new(),
            [one] => format!(" named {one}"),
            many => format!(" named one of {}", many.join(", ")),
        };
        self.says.replace("{where}", place).replace("{names}", &named)
    }

    /// Whether its gain is about a namespace or all of them.
    pub const fn is_namespaced(&self) -> bool {
        has_place(&self.needs)
    }
}

const fn has_place(need: &Need) -> bool {
    match need {
        Need::Right(right) => matches!(right.place, Place::Here),
        Need::All(parts) | Need::Together(parts) | Need::Any(parts) => {
            let mut at = 0;
            while at < parts.len() {
                if has_place(&parts[at]) {
                    return true;
                }
                at += 1;
            }
            false
        }
        Need::Path(_) | Need::Holds(_) | Need::Fact(_) => false,
    }
}

const PARTS: [&[Row]; 8] = [
    grants::ROWS,
    identity::ROWS,
    secrets::ROWS,
    pods::ROWS,
    nodes::ROWS,
    admission::ROWS,
    network::ROWS,
    control::ROWS,
];

const COUNT: usize = {
    let (mut count, mut at) = (0, 0);
    while at < PARTS.len() {
        count += PARTS[at].len();
        at += 1;
    }
    count
};

static ROWS: [Row; COUNT] = {
    let mut rows = [grants::ROWS[0]; COUNT];
    let (mut next, mut part) = (0, 0);
    while part < PARTS.len() {
        let mut at = 0;
        while at < PARTS[part].len() {
            rows[next] = PARTS[part][at];
            next += 1;
            at += 1;
        }
        part += 1;
    }
    rows
};

/// All rows, family by family.
pub static CATALOGUE: &[Row] = &ROWS;

/// The row of this id.
pub fn row(id: &str) -> Option<&'static Row> {
    CATALOGUE.iter().find(|row| row.id == id)
}

/// The core group.
const CORE: &str = "";
/// That of RBAC.
const RBAC: &str = crate::model::GROUP;
/// Changes of an object that is there.
const CHANGE: &[&str] = &["update", "patch"];
/// Changes, and new objects.
const WRITE: &[&str] = &["create", "update", "patch"];
/// Writing, and taking away.
const WRITE_OR_DELETE: &[&str] = &["create", "update", "patch", "delete", "deletecollection"];
const CREATE: &[&str] = &["create"];
const READ: &[&str] = &["get", "list", "watch"];
/// Good practices of the documentation.
const GOOD_PRACTICES: &str = "https://kubernetes.io/docs/concepts/security/rbac-good-practices/";

/// A right in the namespace that no name may limit.
const fn here_unnamed(
    verbs: &'static [&'static str],
    group: &'static str,
    resources: &'static [&'static str],
) -> Need {
    Need::Right(Right { verbs, group, resources, names: Names::Unnamed, place: Place::Here })
}

/// A right at the cluster scope that no name may limit.
const fn cluster_unnamed(
    verbs: &'static [&'static str],
    group: &'static str,
    resources: &'static [&'static str],
) -> Need {
    Need::Right(Right { verbs, group, resources, names: Names::Unnamed, place: Place::Cluster })
}

/// A right in the namespace; any name will do.
const fn here(
    verbs: &'static [&'static str],
    group: &'static str,
    resources: &'static [&'static str],
) -> Need {
    Need::Right(Right { verbs, group, resources, names: Names::Any, place: Place::Here })
}

/// A right in the namespace; the gain is limited to its names.
const fn here_limited(
    verbs: &'static [&'static str],
    group: &'static str,
    resources: &'static [&'static str],
) -> Need {
    Need::Right(Right { verbs, group, resources, names: Names::Limit, place: Place::Here })
}

/// A right at the cluster scope; any name will do.
const fn cluster(
    verbs: &'static [&'static str],
    group: &'static str,
    resources: &'static [&'static str],
) -> Need {
    Need::Right(Right { verbs, group, resources, names: Names::Any, place: Place::Cluster })
}

/// A right at the cluster scope; the gain is limited to its names.
const fn cluster_limited(
    verbs: &'static [&'static str],
    group: &'static str,
    resources: &'static [&'static str],
) -> Need {
    Need::Right(Right { verbs, group, resources, names: Names::Limit, place: Place::Cluster })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn rows_have_names_of_their_own_words_and_references() {
        let mut ids = BTreeSet::new();
        for row in CATALOGUE {
            assert!(ids.insert(row.id), "{} is there twice", row.id);
            assert!(row.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", row.id);
            assert!(
                !row.says.is_empty() && !row.says.ends_with('.') && !row.references.is_empty(),
                "{}",
                row.id
            );
        }
        let numbers: BTreeSet<u8> = CATALOGUE.iter().map(|row| row.number).collect();
        assert_eq!(numbers, (1..=52).collect());
    }

    #[test]
    fn a_sentence_tells_the_place_and_the_names() {
        let row = row("exec").expect("it is there");
        assert_eq!(
            row.say("in namespace shop", &["web"]),
            "may run commands in pods named web in namespace shop"
        );
        assert_eq!(row.say("everywhere", &[]), "may run commands in pods everywhere");
    }
}
