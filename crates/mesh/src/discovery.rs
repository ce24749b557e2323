//! `discoverySelectors`: which namespaces istiod looks into.
//!
//! Sources: istio.io/istio `pkg/kube/namespace/filter.go` and `pilot/pkg/bootstrap/server.go`. The root namespace is no exception. Injection does not ask
//! the selectors, so pods are as their labels say; but istiod puts its root certificate only into namespaces that it looks into.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ringwall_model::object::Object;
use ringwall_model::selector::Selector;
use ringwall_model::snapshot::Snapshot;

use crate::workloads::namespace_of;

/// The label that the API server gives to each namespace: its name.
pub(crate) const NAME: &str = "kubernetes.io/metadata.name";

/// The selectors. Where there is none, istiod looks into all namespaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovery(Vec<Selector>);

impl Discovery {
    /// Takes the selectors, of which a namespace must match one.
    pub fn new(selectors: Vec<Selector>) -> Self {
        Self(selectors)
    }

    /// Whether istiod looks into a namespace; nothing where that depends on labels that are not in the input.
    pub fn sees(&self, snapshot: &Snapshot, name: &str) -> Option<bool> {
        if self.0.is_empty() {
            return Some(true);
        }
        let labels = snapshot.namespace(name).map(|namespace| namespace.root().at(&["metadata", "labels"]));
        let label = |key: &str| match (labels, key) {
            (_, NAME) => Some(name),
            (Some(Some(labels)), key) => labels.str_at(&[key]),
            _ => None,
        };
        let of_name = |selector: &Selector| selector.requirements().iter().all(|one| one.key == NAME);
        let known = |selector: &&Selector| labels.is_some() || of_name(selector);
        if self.0.iter().filter(known).any(|selector| selector.matches(label)) {
            return Some(true);
        }
        self.0.iter().all(|selector| known(&selector)).then_some(false)
    }

    /// What istiod sees: Services, and objects of Istio and of the Gateway API, of namespaces that it looks into, and all else. A namespace of
    /// which that is not known counts as one. Costs nothing where there are no selectors, else a pass over the objects.
    pub fn seen<'s>(&self, snapshot: &'s Snapshot) -> Cow<'s, Snapshot> {
        let answers = self.answers(snapshot);
        if answers.values().all(|sees| *sees != Some(false)) {
            return Cow::Borrowed(snapshot);
        }
        let is_hidden =
            |object: &Object| is_read(object) && answers.get(namespace_of(object)) == Some(&Some(false));
        Cow::Owned(snapshot.without(is_hidden))
    }

    /// Of each namespace in which there is something that istiod would read whether it does; nothing of any where there are no selectors.
    pub fn answers<'s>(&self, snapshot: &'s Snapshot) -> BTreeMap<&'s str, Option<bool>> {
        let mut answers = BTreeMap::new();
        if self.0.is_empty() {
            return answers;
        }
        for (_, object) in snapshot.objects().filter(|(_, object)| is_read(object)) {
            let name = namespace_of(object);
            answers.entry(name).or_insert_with(|| self.sees(snapshot, name));
        }
        answers
    }
}

/// Whether an object is of a kind that istiod reads from namespaces.
fn is_read(object: &Object) -> bool {
    match object.id.group.as_str() {
        "" => object.id.kind == "Service",
        "install.istio.io" => false,
        "gateway.networking.k8s.io" => object.id.kind != "GatewayClass",
        group => group.ends_with(".istio.io"),
    }
}
