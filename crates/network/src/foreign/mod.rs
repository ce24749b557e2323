//! Policies of other APIs: which pods they may be about.
//!
//! Their rules are not read, because their meaning is another engine's. What is read is whom they are about and in which direction,
//! and only as far as that is certain: a policy may be about a pod unless something here says for certain that it is not.
//!
//! | API | what tells a pod or a direction apart |
//! |---|---|
//! | Cilium | `endpointSelector` of `spec` and of each of `specs`; a direction without rules, unless `enableDefaultDeny` says otherwise |
//! | Calico | `selector` and `namespaceSelector`; `types`, or which rules there are. Staged policies are about nothing |
//! | Antrea | `appliedTo` of the policy or of its rules; a direction without rules |
//! | `MultiNetworkPolicy` | `podSelector`, `policyTypes`, and whether the pod is on one of the networks that the policy is for |
//!
//! Sources: cilium/cilium `pkg/policy/api/rule_validation.go` (`Sanitize`) and `pkg/k8s/apis/cilium.io/utils/utils.go`
//! (`ParseToCiliumRule`); projectcalico/calico `api/pkg/apis/projectcalico/v3/globalnetworkpolicy.go` and
//! `libcalico-go/lib/selector`; antrea-io/antrea `docs/antrea-network-policy.md`; k8snetworkplumbingwg/multi-networkpolicy `README.md`.

mod expression;

use ringwall_model::finding::Verdict;
use ringwall_model::object::Object;
use ringwall_model::selector::Selector;
use ringwall_model::tree::{Kind, Node};

use crate::cluster::{Cluster, Pod};
use crate::labels::Labels;
use crate::policy::Direction;

/// An API of policies whose meaning is not known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Api {
    /// `cilium.io`.
    Cilium,
    /// `projectcalico.org`.
    Calico,
    /// `crd.antrea.io`.
    Antrea,
    /// `k8s.cni.cncf.io`: policies for further networks of pods.
    MultiNetwork,
}

impl Api {
    /// The API of an object, if it is a policy of one, and one that is enforced.
    pub fn of(object: &Object) -> Option<Self> {
        match (object.id.group.as_str(), object.id.kind.as_str()) {
            ("cilium.io", "CiliumNetworkPolicy" | "CiliumClusterwideNetworkPolicy") => Some(Self::Cilium),
            ("crd.projectcalico.org" | "projectcalico.org", "NetworkPolicy" | "GlobalNetworkPolicy") => {
                Some(Self::Calico)
            }
            (
                "crd.antrea.io",
                "NetworkPolicy"
                | "ClusterNetworkPolicy"
                | "AntreaNetworkPolicy"
                | "AntreaClusterNetworkPolicy",
            ) => Some(Self::Antrea),
            ("k8s.cni.cncf.io", "MultiNetworkPolicy") => Some(Self::MultiNetwork),
            _ => None,
        }
    }
}

/// A policy of an API whose meaning is not known here, and that may be about pods.
#[derive(Clone, Debug)]
pub struct Foreign {
    /// The object's index in the snapshot.
    pub object: usize,
    /// Its API.
    pub api: Api,
    /// The namespace in which it selects; `None` for all.
    pub namespace: Option<String>,
    /// For each direction the pods that it may be about, if one of these holds.
    about: [Vec<Test>; 2],
}

/// Whose labels are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Pod,
    Namespace,
}

/// What is asked of the value of a label, which may not be there.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Is {
    Present,
    OneOf(Vec<String>),
    Containing(String),
    Beginning(String),
    Ending(String),
}

impl Is {
    fn holds(&self, value: Option<&str>) -> bool {
        value.is_some_and(|value| match self {
            Self::Present => true,
            Self::OneOf(values) => values.iter().any(|other| other == value),
            Self::Containing(part) => value.contains(part.as_str()),
            Self::Beginning(part) => value.starts_with(part.as_str()),
            Self::Ending(part) => value.ends_with(part.as_str()),
        })
    }
}

/// A question about a pod.
#[derive(Clone, Debug)]
enum Test {
    /// What nothing here can answer.
    Unknown,
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    Label(Of, String, Is),
    /// The name of its namespace.
    Namespace(Is),
    Selector(Of, Selector),
    /// Whether it is on one of these networks, each as `namespace/name`.
    Networks(Vec<String>),
}

impl Test {
    fn holds(&self, pod: &Pod, namespace: &Labels) -> Verdict {
        let labels = |of: Of| match of {
            Of::Pod => &pod.labels,
            Of::Namespace => namespace,
        };
        let yes = match self {
            Self::Unknown => return Verdict::CannotTell,
            Self::Not(test) => {
                return match test.holds(pod, namespace) {
                    Verdict::Yes => Verdict::No,
                    Verdict::No => Verdict::Yes,
                    Verdict::CannotTell => Verdict::CannotTell,
                };
            }
            Self::All(tests) => return first(tests, Verdict::No, Verdict::Yes, pod, namespace),
            Self::Any(tests) => return first(tests, Verdict::Yes, Verdict::No, pod, namespace),
            Self::Label(of, key, is) => is.holds(labels(*of).get(key)),
            Self::Namespace(is) => is.holds(Some(&pod.namespace)),
            Self::Selector(of, selector) => selector.matches(|key| labels(*of).get(key)),
            Self::Networks(networks) => return on_networks(pod, networks),
        };
        if yes { Verdict::Yes } else { Verdict::No }
    }
}

/// The verdict that decides, if one test gives it; `otherwise` where all give that.
fn first(tests: &[Test], decides: Verdict, otherwise: Verdict, pod: &Pod, namespace: &Labels) -> Verdict {
    let mut verdict = otherwise;
    for test in tests {
        match test.holds(pod, namespace) {
            answer if answer == decides => return decides,
            Verdict::CannotTell => verdict = Verdict::CannotTell,
            _ => {}
        }
    }
    verdict
}

/// Whether a pod asks for one of the networks. The list is of names with commas between them, or one of JSON.
/// Source: the Multi-Network Specification of the Network Plumbing Working Group, 4.1 (`k8s.v1.cni.cncf.io/networks`).
fn on_networks(pod: &Pod, networks: &[String]) -> Verdict {
    let Some(asked) = &pod.networks else { return Verdict::No };
    if asked.trim_start().starts_with(['[', '{']) {
        // What has none of the names in it asks for none of them, unless the names are written in escapes.
        let named =
            |network: &String| network.split('/').next_back().is_some_and(|name| asked.contains(name));
        return if asked.contains('\\') || networks.iter().any(named) {
            Verdict::CannotTell
        } else {
            Verdict::No
        };
    }
    let asked = asked.split(',').map(|item| item.split('@').next().unwrap_or_default().trim());
    let mut asked = asked.map(|name| qualified(name, &pod.namespace));
    if asked.any(|name| networks.contains(&name)) { Verdict::Yes } else { Verdict::No }
}

fn qualified(name: &str, namespace: &str) -> String {
    if name.contains('/') { name.to_owned() } else { format!("{namespace}/{name}") }
}

impl Foreign {
    /// Reads a policy of another API; `None` where the object is none.
    pub fn of(object: &Object, index: usize) -> Option<Self> {
        let api = Api::of(object)?;
        let cluster_wide = object.id.kind.contains("Cluster") || object.id.kind.contains("Global");
        let namespace = object.id.namespace.clone().unwrap_or_else(|| "default".to_owned());
        let namespace = (!cluster_wide).then_some(namespace);
        let mut foreign = Self { object: index, api, namespace, about: [Vec::new(), Vec::new()] };
        match api {
            Api::Cilium => foreign.cilium(object),
            Api::Calico => foreign.calico(object),
            Api::Antrea => foreign.antrea(object),
            Api::MultiNetwork => foreign.multi_network(object),
        }
        Some(foreign)
    }

    fn add(&mut self, direction: Direction, test: Test) {
        self.about[direction as usize].push(test);
    }

    fn cilium(&mut self, object: &Object) {
        let root = object.root();
        let specs = root.get("specs").into_iter().flat_map(Node::items);
        for rule in field(root, "spec").into_iter().chain(specs) {
            let test = match (field(rule, "endpointSelector"), field(rule, "nodeSelector")) {
                (Some(selector), _) => self.endpoint_selector(selector),
                // It is about nodes.
                (None, Some(_)) => continue,
                (None, None) => Test::Unknown,
            };
            for direction in Direction::ALL {
                let key = direction.key();
                // "Default posture is per-direction": one without rules isolates nothing.
                let isolates = rule.at(&["enableDefaultDeny", key]).and_then(Node::as_bool) == Some(true);
                if isolates || has_items(rule, key) || has_items(rule, &format!("{key}Deny")) {
                    self.add(direction, test.clone());
                }
            }
        }
    }

    /// Labels are those that Cilium keeps of a pod, which may be fewer than it has. What it must have and has not is certain; what
    /// it must not have and has is not.
    fn endpoint_selector(&self, selector: Node<'_>) -> Test {
        let mut tests = Vec::new();
        for entry in selector.get("matchLabels").into_iter().flat_map(Node::entries) {
            if let Some(value) = entry.value.as_str() {
                tests.push(self.cilium_label(entry.key, Is::OneOf(vec![value.to_owned()]), true));
            }
        }
        for expression in selector.get("matchExpressions").into_iter().flat_map(Node::items) {
            let Some(key) = expression.str_at(&["key"]) else { continue };
            let values = expression.get("values").into_iter().flat_map(Node::items);
            let values: Vec<String> = values.filter_map(Node::as_str).map(str::to_owned).collect();
            let is = match expression.str_at(&["operator"]) {
                Some("In") if !values.is_empty() => Is::OneOf(values),
                Some("Exists") => Is::Present,
                _ => continue,
            };
            tests.push(self.cilium_label(key, is, false));
        }
        Test::All(tests)
    }

    fn cilium_label(&self, key: &str, is: Is, is_match: bool) -> Test {
        let key = ["k8s:", "any:"].iter().find_map(|prefix| key.strip_prefix(prefix)).unwrap_or(key);
        if key == "io.kubernetes.pod.namespace" {
            return match self.namespace {
                None => Test::Namespace(is),
                // "EndpointSelector always applies in namespace of the policy resource, removing illegal namespace match."
                Some(_) if is_match => Test::All(Vec::new()),
                Some(_) => Test::Unknown,
            };
        }
        if let Some(key) = key.strip_prefix("io.cilium.k8s.namespace.labels.") {
            return Test::Label(Of::Namespace, key.to_owned(), is);
        }
        // Labels of another source, or those that Cilium makes.
        let is_own = !key.contains(':')
            && !key.starts_with(['$'])
            && !key.starts_with("io.cilium.")
            && !key.is_empty();
        if is_own && !key.starts_with("io.kubernetes.") {
            Test::Label(Of::Pod, key.to_owned(), is)
        } else {
            Test::Unknown
        }
    }

    fn calico(&mut self, object: &Object) {
        let root = object.root();
        let spec = field(root, "spec").unwrap_or(root);
        let expression = |key: &str, of: Of| match field(spec, key) {
            None => Test::All(Vec::new()),
            Some(node) => node.as_str().and_then(|text| expression::parse(text, of)).unwrap_or(Test::Unknown),
        };
        let mut tests = vec![expression("selector", Of::Pod)];
        if self.namespace.is_none() {
            tests.push(expression("namespaceSelector", Of::Namespace));
        }
        let types: Vec<&str> =
            spec.get("types").into_iter().flat_map(Node::items).filter_map(Node::as_str).collect();
        let (ingress, egress) = (has_items(spec, "ingress"), has_items(spec, "egress"));
        for direction in Direction::ALL {
            let is_about = match (types.is_empty(), direction) {
                (true, Direction::Ingress) => ingress || !egress,
                (true, Direction::Egress) => egress,
                (false, Direction::Ingress) => types.contains(&"Ingress"),
                (false, Direction::Egress) => types.contains(&"Egress"),
            };
            if is_about {
                self.add(direction, Test::All(tests.clone()));
            }
        }
    }

    fn antrea(&mut self, object: &Object) {
        let root = object.root();
        let spec = field(root, "spec").unwrap_or(root);
        for direction in Direction::ALL {
            if !has_items(spec, direction.key()) {
                continue;
            }
            // Either the policy says it for all of its rules, or each rule does.
            if has_items(spec, "appliedTo") {
                self.add(direction, self.applied_to(spec));
                continue;
            }
            let mut rules: Vec<Test> = Vec::new();
            for rule in spec.get(direction.key()).into_iter().flat_map(Node::items) {
                rules.push(if has_items(rule, "appliedTo") { self.applied_to(rule) } else { Test::Unknown });
            }
            self.add(direction, if rules.is_empty() { Test::Unknown } else { Test::Any(rules) });
        }
    }

    fn applied_to(&self, node: Node<'_>) -> Test {
        let mut any = Vec::new();
        for entry in node.get("appliedTo").into_iter().flat_map(Node::items) {
            let mut all = Vec::new();
            let mut pods = true;
            for part in entry.entries().filter(|part| !part.value.is_null()) {
                let select = |of: Of| match Selector::compile(part.value) {
                    Ok(selector) => Test::Selector(of, selector),
                    Err(_) => Test::Unknown,
                };
                all.push(match part.key {
                    "podSelector" => select(Of::Pod),
                    "namespaceSelector" if self.namespace.is_none() => select(Of::Namespace),
                    "serviceAccount" => match part.value.str_at(&["namespace"]) {
                        Some(name) => {
                            Test::All(vec![Test::Namespace(Is::OneOf(vec![name.to_owned()])), Test::Unknown])
                        }
                        None => Test::Unknown,
                    },
                    "nodeSelector" | "externalEntitySelector" => {
                        pods = false;
                        continue;
                    }
                    _ => Test::Unknown,
                });
            }
            match (all.is_empty(), pods) {
                (true, true) => any.push(Test::Unknown),
                (true, false) => {}
                (false, _) => any.push(Test::All(all)),
            }
        }
        if node.get("appliedTo").is_none_or(|list| list.kind() != Kind::Sequence) {
            return Test::Unknown;
        }
        Test::Any(any)
    }

    fn multi_network(&mut self, object: &Object) {
        let root = object.root();
        let for_networks = root.at(&["metadata", "annotations"]).and_then(|node| node.get(POLICY_FOR));
        // One that is for no network is for none.
        let Some(text) = for_networks.and_then(Node::as_str) else { return };
        let namespace = self.namespace.clone().unwrap_or_default();
        let networks = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let networks: Vec<String> = networks.map(|name| qualified(name, &namespace)).collect();
        let spec = field(root, "spec").unwrap_or(root);
        let pods = match field(spec, "podSelector").map(Selector::compile) {
            None => Test::All(Vec::new()),
            Some(Ok(selector)) => Test::Selector(Of::Pod, selector),
            Some(Err(_)) => Test::Unknown,
        };
        let test = Test::All(vec![pods, Test::Networks(networks)]);
        let types: Vec<&str> =
            spec.get("policyTypes").into_iter().flat_map(Node::items).filter_map(Node::as_str).collect();
        for direction in Direction::ALL {
            let is_about = match direction {
                Direction::Ingress => types.is_empty() || types.contains(&"Ingress"),
                Direction::Egress if types.is_empty() => has_items(spec, "egress"),
                Direction::Egress => types.contains(&"Egress"),
            };
            if is_about {
                self.add(direction, test.clone());
            }
        }
    }
}

/// The annotation of a policy that names the networks that it is for.
const POLICY_FOR: &str = "k8s.v1.cni.cncf.io/policy-for";

/// A field that is there.
fn field<'t>(node: Node<'t>, key: &str) -> Option<Node<'t>> {
    node.get(key).filter(|node| !node.is_null())
}

/// Whether something is in a list; what is no list may be anything.
fn has_items(node: Node<'_>, key: &str) -> bool {
    field(node, key).is_some_and(|node| node.kind() != Kind::Sequence || node.items().next().is_some())
}

impl Cluster {
    /// Whether a policy of another API may be about a pod in a direction. Costs a walk through its selectors.
    pub fn may_be_about(&self, foreign: &Foreign, direction: Direction, pod: &Pod) -> bool {
        let in_namespace = foreign.namespace.as_ref().is_none_or(|name| *name == pod.namespace);
        if !pod.is_subject() || !in_namespace {
            return false;
        }
        let nothing = Labels::default();
        let namespace = self.namespaces.get(&pod.namespace).unwrap_or(&nothing);
        foreign.about[direction as usize].iter().any(|test| test.holds(pod, namespace) != Verdict::No)
    }
}

#[cfg(test)]
mod tests;
