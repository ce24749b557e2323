//! What the Node authorizer knows of a cluster: which objects lead to which nodes. Sources: k8s.io/kubernetes
//! `plugin/pkg/auth/authorizer/node/graph.go` and `graph_populator.go`, `pkg/api/v1/pod/util.go` (`VisitPodSecretNames`,
//! `VisitPodConfigmapNames`), `pkg/api/v1/persistentvolume/util.go`; k8s.io/dynamic-resource-allocation `resourceclaim` (`PodClaims`).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ringwall_model::object::Object;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::Node;
use ringwall_model::version::Minor;

use crate::default_policy;
use crate::model::{RbacObject, RuleList};

/// By this annotation a kubelet marks the pods that it runs from files of its own.
const MIRROR: &str = "kubernetes.io/config.mirror";
/// The `ConfigMap` with the cluster's certificate, which the volume of an account's token holds.
const ROOT_CERTIFICATE: &str = "kube-root-ca.crt";

/// A pod on a node, and what it refers to in its namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodePod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The node that it is on, or bound to.
    pub node: String,
    /// Whether it stands for one that the kubelet runs from a file. Such a pod gives its node nothing.
    pub mirror: bool,
    /// Its service account.
    pub service_account: String,
    /// The secrets that it refers to.
    pub secrets: Vec<String>,
    /// The `ConfigMaps` that it refers to.
    pub config_maps: Vec<String>,
    /// The claims on volumes that it refers to, those among them that are made for it.
    pub volume_claims: Vec<String>,
    /// The claims on devices that it refers to, as far as they are made.
    pub resource_claims: Vec<String>,
}

/// A volume that a claim is bound to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeVolume {
    /// Its name.
    pub name: String,
    /// Namespace and name of the claim; a volume without one leads nowhere.
    pub claim: Option<(String, String)>,
    /// Namespace and name of the secrets with which kubelets mount it.
    pub secrets: Vec<(String, String)>,
}

/// All that the Node authorizer looks at. Of two objects of a name the later counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeFacts {
    /// Pods. Those that are over count until they are deleted; those that are on no node do not.
    pub pods: Vec<NodePod>,
    /// `PersistentVolumes`.
    pub volumes: Vec<NodeVolume>,
    /// The name of each `VolumeAttachment`, and its node.
    pub attachments: Vec<(String, String)>,
    /// The name of each `ResourceSlice`, and its node, if it is of one.
    pub slices: Vec<(String, String)>,
    /// Namespace and name of each `PodCertificateRequest`, and its node.
    pub certificate_requests: Vec<(String, String, String)>,
}

/// What can lead to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Vertex {
    /// A pod.
    Pod,
    /// A secret.
    Secret,
    /// A `ConfigMap`.
    ConfigMap,
    /// A `PersistentVolumeClaim`.
    VolumeClaim,
    /// A `PersistentVolume`.
    Volume,
    /// A `ResourceClaim`.
    ResourceClaim,
    /// A service account.
    ServiceAccount,
    /// A `VolumeAttachment`.
    Attachment,
    /// A `ResourceSlice`.
    Slice,
    /// A `PodCertificateRequest`.
    CertificateRequest,
}

type Nodes = BTreeSet<u32>;

/// For each object, the nodes that it leads to; and what the Node authorizer of a version allows all nodes alike.
#[derive(Clone, Debug)]
pub struct NodeGraph {
    pub(super) version: Minor,
    /// Source: k8s.io/kubernetes `plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go` (`NodeRules`). The `ClusterRole` `system:node`
    /// has the same rules; by default nobody is bound to it.
    pub(super) rules: RuleList,
    nodes: Vec<String>,
    index: HashMap<String, u32>,
    reach: HashMap<Vertex, HashMap<String, BTreeMap<String, Nodes>>>,
}

impl NodeGraph {
    /// Follows all references. Costs a look at each of them, and reads the default policy of the version.
    pub fn of(facts: &NodeFacts, version: Minor) -> Self {
        let of_nodes = default_policy::of(version).into_iter().find_map(|object| match object {
            RbacObject::Role(role) if role.namespace.is_none() && role.name == "system:node" => {
                Some(role.rules)
            }
            _ => None,
        });
        let rules = of_nodes.unwrap_or_default();
        let mut graph =
            Self { version, rules, nodes: Vec::new(), index: HashMap::new(), reach: HashMap::new() };
        let pods: BTreeMap<(&str, &str), &NodePod> = facts
            .pods
            .iter()
            .filter(|pod| !pod.node.is_empty())
            .map(|pod| ((pod.namespace.as_str(), pod.name.as_str()), pod))
            .collect();
        for pod in pods.into_values() {
            let node = graph.node(&pod.node);
            let namespace = pod.namespace.as_str();
            graph.add(Vertex::Pod, namespace, &pod.name, [node]);
            if pod.mirror {
                continue;
            }
            let account = Some(&pod.service_account).filter(|name| !name.is_empty());
            let lists = [
                (Vertex::Secret, pod.secrets.as_slice()),
                (Vertex::ConfigMap, &pod.config_maps),
                (Vertex::VolumeClaim, &pod.volume_claims),
                (Vertex::ResourceClaim, &pod.resource_claims),
                (Vertex::ServiceAccount, account.map_or(&[], std::slice::from_ref)),
            ];
            for (vertex, names) in lists {
                for name in names {
                    graph.add(vertex, namespace, name, [node]);
                }
            }
        }
        let volumes: BTreeMap<&str, &NodeVolume> =
            facts.volumes.iter().map(|volume| (volume.name.as_str(), volume)).collect();
        for volume in volumes.into_values() {
            let Some((namespace, claim)) = &volume.claim else { continue };
            let nodes = graph.nodes_of(Vertex::VolumeClaim, namespace, claim).clone();
            graph.add(Vertex::Volume, "", &volume.name, nodes.iter().copied());
            for (namespace, secret) in &volume.secrets {
                graph.add(Vertex::Secret, namespace, secret, nodes.iter().copied());
            }
        }
        for (vertex, pairs) in [(Vertex::Attachment, &facts.attachments), (Vertex::Slice, &facts.slices)] {
            let pairs: BTreeMap<&str, &str> =
                pairs.iter().map(|(name, node)| (name.as_str(), node.as_str())).collect();
            for (name, node) in pairs.into_iter().filter(|(_, node)| !node.is_empty()) {
                let node = graph.node(node);
                graph.add(vertex, "", name, [node]);
            }
        }
        let requests = facts.certificate_requests.iter();
        let requests: BTreeMap<(&str, &str), &str> = requests
            .map(|(namespace, name, node)| ((namespace.as_str(), name.as_str()), node.as_str()))
            .collect();
        for ((namespace, name), node) in requests {
            let node = graph.node(node);
            graph.add(Vertex::CertificateRequest, namespace, name, [node]);
        }
        graph
    }

    fn node(&mut self, name: &str) -> u32 {
        if let Some(index) = self.index.get(name) {
            return *index;
        }
        let index = self.nodes.len() as u32;
        self.nodes.push(name.to_owned());
        self.index.insert(name.to_owned(), index);
        index
    }

    fn add(&mut self, vertex: Vertex, namespace: &str, name: &str, nodes: impl IntoIterator<Item = u32>) {
        let names = self.reach.entry(vertex).or_default().entry(namespace.to_owned()).or_default();
        names.entry(name.to_owned()).or_default().extend(nodes);
    }

    fn nodes_of(&self, vertex: Vertex, namespace: &str, name: &str) -> &Nodes {
        const NONE: &Nodes = &Nodes::new();
        let names = self.reach.get(&vertex).and_then(|namespaces| namespaces.get(namespace));
        names.and_then(|names| names.get(name)).unwrap_or(NONE)
    }

    /// Whether an object leads to a node. Objects without a namespace are in `""`.
    pub fn leads_to(&self, vertex: Vertex, namespace: &str, name: &str, node: &str) -> bool {
        self.index.get(node).is_some_and(|node| self.nodes_of(vertex, namespace, name).contains(node))
    }

    /// The objects of a kind that lead to a node: namespace and name of each, in order. Costs a look at all of the kind.
    pub fn leading_to<'g>(&'g self, vertex: Vertex, node: &str) -> Vec<(&'g str, &'g str)> {
        let Some(node) = self.index.get(node) else { return Vec::new() };
        let namespaces = self.reach.get(&vertex).into_iter().flatten();
        let all = namespaces.flat_map(|(namespace, names)| {
            let leading = names.iter().filter(|(_, nodes)| nodes.contains(node));
            leading.map(move |(name, _)| (namespace.as_str(), name.as_str()))
        });
        let mut all: Vec<_> = all.collect();
        all.sort_unstable();
        all
    }

    /// The names of all nodes that something leads to, in order.
    pub fn nodes(&self) -> Vec<&str> {
        let mut nodes: Vec<&str> = self.nodes.iter().map(String::as_str).collect();
        nodes.sort_unstable();
        nodes
    }
}

impl NodeFacts {
    /// Reads what a snapshot says.
    ///
    /// Of a pod that no API server has stored yet (it has no `uid`), what admission fills in is filled in: the account `default`, the
    /// account's image pull secrets where the pod states none, and the certificate that comes with the account's token. Source:
    /// `plugin/pkg/admission/serviceaccount/admission.go`.
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut facts = Self::default();
        for (_, object) in snapshot.objects() {
            let (root, name) = (object.root(), || object.id.name.clone());
            let node = || root.str_at(&["spec", "nodeName"]).unwrap_or_default().to_owned();
            match (object.id.group.as_str(), object.id.kind.as_str()) {
                ("", "Pod") => facts.pods.extend(pod(snapshot, object)),
                ("", "PersistentVolume") => facts.volumes.push(volume(object)),
                ("storage.k8s.io", "VolumeAttachment") => facts.attachments.push((name(), node())),
                ("resource.k8s.io", "ResourceSlice") => facts.slices.push((name(), node())),
                ("certificates.k8s.io", "PodCertificateRequest") => {
                    facts.certificate_requests.push((namespace_of(object), name(), node()));
                }
                _ => {}
            }
        }
        facts
    }
}

fn namespace_of(object: &Object) -> String {
    object.id.namespace.clone().unwrap_or_else(|| "default".to_owned())
}

/// Whether there is something under the key: neither nothing nor `null`.
fn stated<'t>(node: Node<'t>, key: &str) -> Option<Node<'t>> {
    node.get(key).filter(|node| !node.is_null())
}

fn list<'t>(node: Node<'t>, key: &str) -> impl Iterator<Item = Node<'t>> {
    node.get(key).into_iter().flat_map(Node::items)
}

fn pod(snapshot: &Snapshot, object: &Object) -> Option<NodePod> {
    let root = object.root();
    let spec = root.get("spec")?;
    let mut pod = NodePod {
        namespace: namespace_of(object),
        name: object.id.name.clone(),
        node: spec.str_at(&["nodeName"]).filter(|node| !node.is_empty())?.to_owned(),
        mirror: root.at(&["metadata", "annotations", MIRROR]).is_some(),
        ..NodePod::default()
    };
    let account = |key: &str| spec.str_at(&[key]).filter(|name| !name.is_empty());
    // The second is the older name of the first; an API server fills in both.
    account("serviceAccountName")
        .or_else(|| account("serviceAccount"))
        .unwrap_or_default()
        .clone_into(&mut pod.service_account);
    let mut references = References::default();
    for reference in list(spec, "imagePullSecrets") {
        references.secret(reference.str_at(&["name"]));
    }
    for containers in ["initContainers", "containers", "ephemeralContainers"] {
        list(spec, containers).for_each(|container| references.container(container));
    }
    for volume in list(spec, "volumes") {
        references.volume(volume);
        pod.volume_claims.extend(volume_claim(&pod.name, volume));
    }
    pod.resource_claims = resource_claims(spec, root.get("status"));
    if object.uid().is_none() && !pod.mirror {
        references.admit(snapshot, spec, &mut pod);
    }
    (pod.secrets, pod.config_maps) = (references.secrets, references.config_maps);
    Some(pod)
}

/// Where volumes hold the name of a secret, by the field that makes them of their kind, in the reference's order: the first that is there
/// counts.
const POD_SECRETS: [(&str, &[&str]); 11] = [
    ("azureFile", &["secretName"]),
    ("cephfs", &["secretRef", "name"]),
    ("cinder", &["secretRef", "name"]),
    ("flexVolume", &["secretRef", "name"]),
    ("projected", &[]),
    ("rbd", &["secretRef", "name"]),
    ("secret", &["secretName"]),
    ("scaleIO", &["secretRef", "name"]),
    ("iscsi", &["secretRef", "name"]),
    ("storageos", &["secretRef", "name"]),
    ("csi", &["nodePublishSecretRef", "name"]),
];

/// The names of secrets and `ConfigMaps` that a pod refers to.
#[derive(Default)]
struct References {
    secrets: Vec<String>,
    config_maps: Vec<String>,
}

impl References {
    fn secret(&mut self, name: Option<&str>) {
        self.secrets.extend(name.filter(|name| !name.is_empty()).map(str::to_owned));
    }

    fn config_map(&mut self, name: Option<&str>) {
        self.config_maps.extend(name.filter(|name| !name.is_empty()).map(str::to_owned));
    }

    fn container(&mut self, container: Node<'_>) {
        for source in list(container, "envFrom") {
            self.secret(source.str_at(&["secretRef", "name"]));
            self.config_map(source.str_at(&["configMapRef", "name"]));
        }
        for variable in list(container, "env") {
            self.secret(variable.str_at(&["valueFrom", "secretKeyRef", "name"]));
            self.config_map(variable.str_at(&["valueFrom", "configMapKeyRef", "name"]));
        }
    }

    fn volume(&mut self, volume: Node<'_>) {
        let source = POD_SECRETS.iter().find_map(|(key, path)| Some((*key, stated(volume, key)?, *path)));
        match source {
            Some(("projected", projected, _)) => {
                for source in list(projected, "sources") {
                    self.secret(source.str_at(&["secret", "name"]));
                }
            }
            Some((_, source, path)) => self.secret(source.str_at(path)),
            None => {}
        }
        match stated(volume, "projected") {
            Some(projected) => {
                for source in list(projected, "sources") {
                    self.config_map(source.str_at(&["configMap", "name"]));
                }
            }
            None => self.config_map(volume.str_at(&["configMap", "name"])),
        }
    }

    /// What admission adds.
    fn admit(&mut self, snapshot: &Snapshot, spec: Node<'_>, pod: &mut NodePod) {
        if pod.service_account.is_empty() {
            "default".clone_into(&mut pod.service_account);
        }
        let mut accounts = snapshot.of_kind("", "ServiceAccount");
        let account = accounts
            .find(|account| account.id.name == pod.service_account && namespace_of(account) == pod.namespace)
            .map(Object::root);
        if list(spec, "imagePullSecrets").next().is_none() {
            for reference in account.into_iter().flat_map(|account| list(account, "imagePullSecrets")) {
                self.secret(reference.str_at(&["name"]));
            }
        }
        let says = |node: Node<'_>| node.get("automountServiceAccountToken").and_then(Node::as_bool);
        let mounts = says(spec).or_else(|| account.and_then(says)).unwrap_or(true);
        if mounts && !self.config_maps.iter().any(|name| name == ROOT_CERTIFICATE) {
            self.config_map(Some(ROOT_CERTIFICATE));
        }
    }
}

/// The claim of a volume of a pod: the stated one, or the one that is made for it.
fn volume_claim(pod: &str, volume: Node<'_>) -> Option<String> {
    let name = match stated(volume, "persistentVolumeClaim") {
        Some(claim) => claim.str_at(&["claimName"]).unwrap_or_default().to_owned(),
        None => {
            stated(volume, "ephemeral")?;
            format!("{pod}-{}", volume.str_at(&["name"]).unwrap_or_default())
        }
    };
    Some(name).filter(|name| !name.is_empty())
}

/// The claims on devices: those that are named, those that were made from a template, and the one for extended resources.
fn resource_claims(spec: Node<'_>, status: Option<Node<'_>>) -> Vec<String> {
    let made = |wanted: &str| {
        let mut statuses = status.into_iter().flat_map(|status| list(status, "resourceClaimStatuses"));
        let found = statuses.find(|made| made.str_at(&["name"]).unwrap_or_default() == wanted)?;
        found.str_at(&["resourceClaimName"])
    };
    let named = list(spec, "resourceClaims").filter_map(|claim| match claim.str_at(&["resourceClaimName"]) {
        Some(name) => Some(name),
        None => {
            stated(claim, "resourceClaimTemplateName")?;
            made(claim.str_at(&["name"]).unwrap_or_default())
        }
    });
    let extended =
        status.and_then(|status| status.str_at(&["extendedResourceClaimStatus", "resourceClaimName"]));
    named.chain(extended.filter(|name| !name.is_empty())).map(str::to_owned).collect()
}

/// Where a volume holds secrets: the field that makes it of its kind, the references in it that kubelets follow, and whether the claim's
/// namespace is meant where none is stated. The first field that is there counts.
const VOLUME_SECRETS: [(&str, &[&str], bool); 9] = [
    ("azureFile", &[], true),
    ("cephfs", &["secretRef"], true),
    ("cinder", &["secretRef"], false),
    ("flexVolume", &["secretRef"], true),
    ("rbd", &["secretRef"], true),
    ("scaleIO", &["secretRef"], true),
    ("iscsi", &["secretRef"], true),
    ("storageos", &["secretRef"], false),
    // What only controllers need (publishing, expanding) is not for kubelets.
    ("csi", &["nodePublishSecretRef", "nodeStageSecretRef", "nodeExpandSecretRef"], false),
];

fn volume(object: &Object) -> NodeVolume {
    let mut volume = NodeVolume { name: object.id.name.clone(), ..NodeVolume::default() };
    let Some(spec) = object.root().get("spec") else { return volume };
    let Some(claim) = stated(spec, "claimRef") else { return volume };
    let text = |node: Node<'_>, key: &str| node.str_at(&[key]).unwrap_or_default().to_owned();
    let of_claim = text(claim, "namespace");
    volume.claim = Some((of_claim.clone(), text(claim, "name")));
    let source = VOLUME_SECRETS.iter().find_map(|entry| Some((entry, stated(spec, entry.0)?)));
    let Some(((key, references, falls_back), source)) = source else { return volume };
    let or_claim = |namespace: String| {
        if namespace.is_empty() && *falls_back { of_claim.clone() } else { namespace }
    };
    if *key == "azureFile" {
        volume.secrets.push((or_claim(text(source, "secretNamespace")), text(source, "secretName")));
    }
    for reference in references.iter().filter_map(|key| stated(source, key)) {
        volume.secrets.push((or_claim(text(reference, "namespace")), text(reference, "name")));
    }
    volume.secrets.retain(|(_, name)| !name.is_empty());
    volume
}
