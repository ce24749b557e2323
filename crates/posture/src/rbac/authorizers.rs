//! What decides in a cluster beside RBAC, as far as its objects show it: flags of kube-apiserver, `AuthorizationConfigurations`, and the
//! nodes of clouds whose own authorizers are asked too.
//!
//! Where another authorizer is asked after RBAC, what RBAC does not allow may still be allowed; where one is asked before it, what RBAC allows may
//! be denied. Sources: k8s.io/kubernetes `pkg/kubeapiserver/authorizer/modes/modes.go`, k8s.io/apiserver
//! `pkg/apis/apiserver/v1/types.go` (`AuthorizationConfiguration`).

use ringwall_model::finding::{Location, Verdict};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::Node;
use ringwall_pods::control_plane::api_servers_told;

/// What another authorizer may do to an answer of RBAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Influence {
    /// It allows everything: nothing is asked of RBAC.
    AllowsAll,
    /// It is asked before RBAC, and may allow or deny.
    Before,
    /// It is asked after RBAC, or may do nothing but allow.
    After,
    /// RBAC itself is not asked.
    NoRbac,
}

/// One authorizer beside RBAC and that of nodes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Authorizer {
    /// What it may do.
    pub influence: Influence,
    /// What it is, in words.
    pub name: String,
    /// What shows it.
    pub location: Location,
}

/// All that are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authorizers {
    /// Sorted; none twice.
    pub list: Vec<Authorizer>,
}

/// Labels of nodes that tell whose cluster it is, and what may authorize there beside RBAC.
const CLOUDS: [(&str, &str); 3] = [
    ("cloud.google.com/gke-nodepool", "Google's IAM (the nodes are of GKE)"),
    ("eks.amazonaws.com/nodegroup", "EKS access policies (the nodes are of EKS)"),
    ("kubernetes.azure.com/cluster", "Azure RBAC for Kubernetes (the nodes are of AKS)"),
];

impl Authorizer {
    /// What it means for an answer of RBAC; a sentence without full stop.
    pub fn told(&self) -> String {
        match self.influence {
            Influence::AllowsAll => format!("the cluster allows everything: {}", self.name),
            Influence::NoRbac => format!("the cluster asks {}", self.name),
            Influence::Before | Influence::After => format!("the cluster also asks {}", self.name),
        }
    }
}

impl Authorizers {
    /// What a snapshot shows. Costs a pass over its objects.
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut list = Vec::new();
        for (_, object) in snapshot.objects() {
            match (object.id.group.as_str(), object.id.kind.as_str()) {
                ("", "Pod") => of_flags(object, &mut list),
                ("", "Node") => of_cloud(object, &mut list),
                ("apiserver.config.k8s.io", "AuthorizationConfiguration") => {
                    of_configuration(object, &mut list);
                }
                _ => {}
            }
        }
        list.sort();
        // Of many nodes, one shows it.
        list.dedup_by(|left, right| (left.influence, &left.name) == (right.influence, &right.name));
        Self { list }
    }

    /// What makes the cluster allow everything to everyone, where something does.
    pub fn allows_all(&self) -> Option<&Authorizer> {
        self.list.iter().find(|known| known.influence == Influence::AllowsAll)
    }

    /// What RBAC's answer is worth with these beside it.
    pub fn verdict(&self, allowed: bool) -> Verdict {
        let any = |one: Influence| self.list.iter().any(|known| known.influence == one);
        if self.allows_all().is_some() {
            return Verdict::Yes;
        }
        // Where RBAC is not asked, others decide; those of nodes, who are there by default, do not for users.
        let others = any(Influence::Before) || any(Influence::After);
        let open = if any(Influence::NoRbac) {
            others
        } else if allowed {
            any(Influence::Before)
        } else {
            others
        };
        match (open, allowed && !any(Influence::NoRbac)) {
            (true, _) => Verdict::CannotTell,
            (false, true) => Verdict::Yes,
            (false, false) => Verdict::No,
        }
    }
}

/// `--authorization-mode` in the order in which it names them.
fn of_flags(object: &Object, list: &mut Vec<Authorizer>) {
    let root = object.root();
    let namespace = object.id.namespace.as_deref();
    let configured: Vec<bool> = api_servers_told(root, namespace, "authorization-config")
        .iter()
        .map(|told| told.unknown || !told.values.is_empty())
        .collect();
    let modes = api_servers_told(root, namespace, "authorization-mode");
    for (told, configured) in modes.into_iter().zip(configured) {
        let location = Location::of(object, &told.path);
        if told.unknown {
            let name = "what its command line says only where it runs".to_owned();
            list.push(Authorizer { influence: Influence::Before, name, location });
        } else if told.values.is_empty() && !configured {
            // Source: k8s.io/kubernetes `pkg/kubeapiserver/options/authorization.go`.
            let name = "AlwaysAllow, since --authorization-mode is not set".to_owned();
            list.push(Authorizer { influence: Influence::AllowsAll, name, location });
        } else {
            let modes: Vec<&str> = told.values.iter().map(String::as_str).collect();
            add_modes(&modes, &location, list);
        }
    }
    for told in api_servers_told(root, namespace, "authorization-config") {
        if let Some(file) = told.values.first() {
            list.push(Authorizer {
                influence: Influence::Before,
                name: format!("the authorizers that {file} lists, which is not in the input"),
                location: Location::of(object, &told.path),
            });
        }
    }
}

fn add_modes(modes: &[&str], location: &Location, list: &mut Vec<Authorizer>) {
    let rbac = modes.iter().position(|mode| *mode == "RBAC");
    if rbac.is_none() && !modes.is_empty() {
        let name = format!("not RBAC: --authorization-mode is {}", modes.join(","));
        list.push(Authorizer { influence: Influence::NoRbac, name, location: location.clone() });
    }
    for (place, mode) in modes.iter().enumerate() {
        let before = rbac.is_none_or(|rbac| place < rbac);
        let (influence, name) = match *mode {
            "AlwaysAllow" => (Influence::AllowsAll, "AlwaysAllow"),
            "Webhook" if before => (Influence::Before, "a webhook before RBAC"),
            "Webhook" => (Influence::After, "a webhook after RBAC"),
            "ABAC" => (Influence::After, "ABAC, by a file that is not in the input"),
            _ => continue,
        };
        list.push(Authorizer { influence, name: name.to_owned(), location: location.clone() });
    }
}

fn of_configuration(object: &Object, list: &mut Vec<Authorizer>) {
    let entries: Vec<Node<'_>> = object.root().get("authorizers").into_iter().flat_map(Node::items).collect();
    let types: Vec<&str> = entries.iter().map(|entry| entry.str_at(&["type"]).unwrap_or_default()).collect();
    let rbac = types.iter().position(|kind| *kind == "RBAC");
    let root = || Location::of(object, &FieldPath::keys(&["authorizers"]));
    if rbac.is_none() && !types.is_empty() {
        let name = format!("not RBAC: the authorizers are {}", types.join(", "));
        list.push(Authorizer { influence: Influence::NoRbac, name, location: root() });
    }
    for (place, (kind, entry)) in types.iter().zip(&entries).enumerate() {
        if *kind == "AlwaysAllow" {
            list.push(Authorizer {
                influence: Influence::AllowsAll,
                name: "AlwaysAllow".to_owned(),
                location: root(),
            });
        }
        if *kind != "Webhook" {
            continue;
        }
        let before = rbac.is_none_or(|rbac| place < rbac);
        let called = entry.str_at(&["name"]).unwrap_or("without a name");
        list.push(Authorizer {
            influence: if before { Influence::Before } else { Influence::After },
            name: format!("webhook {called} {} RBAC", if before { "before" } else { "after" }),
            location: Location::of(object, &FieldPath::keys(&["authorizers"]).index(place)),
        });
    }
}

fn of_cloud(object: &Object, list: &mut Vec<Authorizer>) {
    for (label, name) in CLOUDS {
        if object.label(label).is_some() {
            let path = FieldPath::keys(&["metadata", "labels"]).key(label);
            list.push(Authorizer {
                influence: Influence::After,
                name: name.to_owned(),
                location: Location::of(object, &path),
            });
        }
    }
}
