//! What kubelets may do beside what RBAC allows them. Sources: k8s.io/kubernetes `plugin/pkg/auth/authorizer/node/node_authorizer.go`,
//! `pkg/auth/nodeidentifier/default.go`; feature gates as they are by default, and versions as [`default_policy`](crate::default_policy)
//! knows them.
//!
//! ```text
//!   secret ─┬─▶ pod ──▶ node          a kubelet reads what leads to its node, and nothing else of these kinds
//!   PVC ────┘    ▲
//!   secret ─▶ PV ─▶ PVC
//! ```
//! What it then writes is held to its own objects by admission (`NodeRestriction`), not here.

mod facts;

pub use facts::{NodeFacts, NodeGraph, NodePod, NodeVolume, Vertex};

use ringwall_model::go::go_quote;
use ringwall_model::version::Minor;

use crate::attributes::{Action, Decision, NODES, ResourceAction, User};
use crate::authorize::Authorize;
use crate::impersonate::NODE_PREFIX;
use crate::policy::Policy;
use crate::request::{FieldOperator, FieldRequirement};

/// The namespace of the leases by which kubelets say that they live.
pub const LEASES: &str = "kube-node-lease";

/// Which node a user is; `None` for who is none. The name may be empty: then nothing is allowed.
pub fn identity(user: &User) -> Option<&str> {
    let name = user.name.strip_prefix(NODE_PREFIX)?;
    user.groups.iter().any(|group| group == NODES).then_some(name)
}

/// What is refused, and why; the reason may be empty.
type Judged = Result<(), String>;

fn no(why: impl Into<String>) -> Judged {
    Err(why.into())
}

impl NodeGraph {
    /// What the Node authorizer says: an allow has no reason, and what it does not allow, RBAC may. `fields` are the terms of the request's
    /// field selector; where that cannot be read, none.
    pub fn authorize_request(
        &self,
        user: &User,
        action: &Action<'_>,
        fields: &[FieldRequirement],
    ) -> (Decision, String) {
        let Some(node) = identity(user) else { return (Decision::NoOpinion, String::new()) };
        let judged = if node.is_empty() {
            no(format!("unknown node for user {}", go_quote(&user.name)))
        } else {
            Asked { graph: self, node, fields }.judge(action)
        };
        match judged {
            Ok(()) => (Decision::Allow, String::new()),
            Err(why) => (Decision::NoOpinion, why),
        }
    }
}

impl Authorize for NodeGraph {
    /// As [`NodeGraph::authorize_request`] for a request without a field selector.
    fn authorize(&self, user: &User, action: &Action<'_>) -> (Decision, String) {
        self.authorize_request(user, action, &[])
    }
}

/// The authorizers of a cluster that has the two usual ones, in their order: `system:masters`, Node, RBAC. Source: k8s.io/apiserver
/// `pkg/authorization/union/union.go`.
#[derive(Clone, Copy, Debug)]
pub struct NodeAndRbac<'a> {
    /// The Node authorizer.
    pub node: &'a NodeGraph,
    /// RBAC.
    pub rbac: &'a Policy,
}

impl NodeAndRbac<'_> {
    /// The decision and its reason, as [`NodeGraph::authorize_request`].
    pub fn authorize_request(
        &self,
        user: &User,
        action: &Action<'_>,
        fields: &[FieldRequirement],
    ) -> (Decision, String) {
        if user.is_master() {
            return (Decision::Allow, String::new());
        }
        let (decision, of_node) = self.node.authorize_request(user, action, fields);
        if decision == Decision::Allow {
            return (decision, of_node);
        }
        let (decision, of_rbac) = self.rbac.authorize(user, action);
        if decision == Decision::Allow || of_node.is_empty() {
            return (decision, of_rbac);
        }
        let end = if of_rbac.is_empty() { String::new() } else { format!("\n{of_rbac}") };
        (decision, format!("node: {of_node}{end}"))
    }
}

impl Authorize for NodeAndRbac<'_> {
    fn authorize(&self, user: &User, action: &Action<'_>) -> (Decision, String) {
        self.authorize_request(user, action, &[])
    }
}

/// A request of a node.
struct Asked<'a> {
    graph: &'a NodeGraph,
    node: &'a str,
    fields: &'a [FieldRequirement],
}

impl Asked<'_> {
    fn judge(&self, action: &Action<'_>) -> Judged {
        if let Action::Resource(asked) = action {
            match (asked.group, asked.resource) {
                ("", "secrets") => return self.read_in_namespace(Vertex::Secret, asked),
                ("", "configmaps") => return self.read_in_namespace(Vertex::ConfigMap, asked),
                ("", "persistentvolumeclaims") if asked.subresource == "status" => {
                    return self.write_status(Vertex::VolumeClaim, asked);
                }
                ("", "persistentvolumeclaims") => return self.get(Vertex::VolumeClaim, asked),
                ("", "persistentvolumes") => return self.get(Vertex::Volume, asked),
                ("resource.k8s.io", "resourceclaims") => return self.get(Vertex::ResourceClaim, asked),
                ("storage.k8s.io", "volumeattachments") => return self.get(Vertex::Attachment, asked),
                ("", "serviceaccounts") => return self.account(asked),
                ("coordination.k8s.io", "leases") => return self.lease(asked),
                ("storage.k8s.io", "csinodes") => return self.csi_node(asked),
                ("resource.k8s.io", "resourceslices") => return self.slice(asked),
                ("", "nodes") => return self.own_node(asked),
                ("", "pods") => return self.pod(asked),
                // `PodCertificateRequest` is on since 1.37; before, nothing is said of them.
                ("certificates.k8s.io", "podcertificaterequests") if self.graph.version >= Minor(37) => {
                    return self.certificate_request(asked);
                }
                _ => {}
            }
        }
        // The rest is the same for all nodes.
        if self.graph.rules.iter().any(|rule| rule.allows(action)) { Ok(()) } else { no("") }
    }

    /// Whether the object leads to the node.
    fn related(&self, vertex: Vertex, asked: &ResourceAction<'_>) -> Judged {
        if asked.name.is_empty() {
            return no("No Object name found");
        }
        self.reaches(vertex, asked)
    }

    fn reaches(&self, vertex: Vertex, asked: &ResourceAction<'_>) -> Judged {
        if self.graph.leads_to(vertex, asked.namespace, asked.name, self.node) {
            return Ok(());
        }
        no(format!("no relationship found between node '{}' and this object", self.node))
    }

    /// Whether the field selector holds the request to what is of the node.
    fn selects_own(&self, field: &str) -> bool {
        let mut terms = self.fields.iter();
        terms.any(|term| {
            term.field == field && term.operator == FieldOperator::Equals && term.value == self.node
        })
    }

    fn write_status(&self, vertex: Vertex, asked: &ResourceAction<'_>) -> Judged {
        match asked.verb {
            "update" | "patch" => self.related(vertex, asked),
            _ => no("can only get/update/patch this type"),
        }
    }

    fn get(&self, vertex: Vertex, asked: &ResourceAction<'_>) -> Judged {
        if asked.verb != "get" {
            return no("can only get individual resources of this type");
        }
        if !asked.subresource.is_empty() {
            return no("cannot get subresource");
        }
        self.related(vertex, asked)
    }

    fn read_in_namespace(&self, vertex: Vertex, asked: &ResourceAction<'_>) -> Judged {
        if !matches!(asked.verb, "get" | "list" | "watch") {
            return no("can only read resources of this type");
        }
        if !asked.subresource.is_empty() {
            return no("cannot read subresource");
        }
        if asked.namespace.is_empty() {
            return no("can only read namespaced object of this type");
        }
        self.related(vertex, asked)
    }

    fn account(&self, asked: &ResourceAction<'_>) -> Judged {
        if asked.verb == "get" && asked.subresource.is_empty() {
            return self.read_in_namespace(Vertex::ServiceAccount, asked);
        }
        if asked.verb != "create" || asked.name.is_empty() {
            return no("can only create tokens for individual service accounts");
        }
        if asked.subresource != "token" {
            return no("can only create token subresource of serviceaccount");
        }
        self.reaches(Vertex::ServiceAccount, asked)
    }

    /// Whether the name is the node's own. What is created has none yet.
    fn is_own(&self, asked: &ResourceAction<'_>) -> bool {
        asked.verb == "create" || asked.name == self.node
    }

    fn lease(&self, asked: &ResourceAction<'_>) -> Judged {
        if !matches!(asked.verb, "get" | "create" | "update" | "patch" | "delete") {
            return no("can only get, create, update, patch, or delete a node lease");
        }
        if asked.namespace != LEASES {
            return no(format!("can only access leases in the {} system namespace", go_quote(LEASES)));
        }
        if !self.is_own(asked) {
            return no("can only access node lease with the same name as the requesting node");
        }
        Ok(())
    }

    fn csi_node(&self, asked: &ResourceAction<'_>) -> Judged {
        let verb = if matches!(asked.verb, "get" | "create" | "update" | "patch" | "delete") {
            Ok(())
        } else {
            no("can only get, create, update, patch, or delete a CSINode")
        };
        // Which of the two is looked at first has changed, and with it which is told.
        let verb_first = self.graph.version < Minor(37);
        match asked.subresource {
            "" => verb?,
            _ if verb_first && verb.is_err() => return verb,
            "status" if !verb_first => return no("CSINode status access requires CSIVolumeHealth feature"),
            _ => return no("cannot authorize CSINode subresources"),
        }
        if !self.is_own(asked) {
            return no("can only access CSINode with the same name as the requesting node");
        }
        Ok(())
    }

    fn slice(&self, asked: &ResourceAction<'_>) -> Judged {
        if !asked.subresource.is_empty() {
            return no("cannot authorize ResourceSlice subresources");
        }
        match asked.verb {
            "create" => Ok(()),
            "get" | "update" | "patch" | "delete" => self.related(Vertex::Slice, asked),
            "watch" | "list" | "deletecollection" if self.selects_own("spec.nodeName") => Ok(()),
            "watch" | "list" | "deletecollection" => {
                no("can only list/watch/deletecollection resourceslices with nodeName field selector")
            }
            _ => no(
                "only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, \
                 deletecollection",
            ),
        }
    }

    fn certificate_request(&self, asked: &ResourceAction<'_>) -> Judged {
        if !asked.subresource.is_empty() {
            return no("nodes may not access the status subresource of PodCertificateRequests");
        }
        match asked.verb {
            "create" => Ok(()),
            "get" => self.related(Vertex::CertificateRequest, asked),
            "list" | "watch" if self.selects_own("spec.nodeName") => Ok(()),
            "list" | "watch" => no("can only list/watch podcertificaterequests with nodeName field selector"),
            verb => no(format!("nodes may not {verb} podcertificaterequests")),
        }
    }

    fn own_node(&self, asked: &ResourceAction<'_>) -> Judged {
        let node = self.node;
        match (asked.subresource, asked.verb) {
            ("", "create" | "update" | "patch") | ("status", "update" | "patch") => Ok(()),
            ("", "get" | "list" | "watch") => match asked.name {
                name if name == node => Ok(()),
                "" => no(format!("node '{node}' cannot read all nodes, only its own Node object")),
                name => no(format!("node '{node}' cannot read '{name}', only its own Node object")),
            },
            _ => no(""),
        }
    }

    fn pod(&self, asked: &ResourceAction<'_>) -> Judged {
        match (asked.subresource, asked.verb) {
            ("", "get") => self.get(Vertex::Pod, asked),
            ("", "list" | "watch") if self.selects_own("spec.nodeName") => Ok(()),
            ("", "list" | "watch") if !asked.name.is_empty() => self.related(Vertex::Pod, asked),
            ("", "list" | "watch") => no("can only list/watch pods with spec.nodeName field selector"),
            ("", "create" | "delete") | ("status", "update" | "patch") | ("eviction", "create") => Ok(()),
            _ => no(""),
        }
    }
}
