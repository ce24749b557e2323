//! What the checks look at.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_model::object::Object;
use ringwall_model::snapshot::Snapshot;

use crate::authorization::policy::AuthorizationPolicy;
use crate::authorization::select::Workload as Selected;
use crate::config::MeshConfig;
use crate::enrolment::{Mode as Carrier, Reason};
use crate::matrix::Matrix;
use crate::mesh::{Mesh, Settings};
use crate::request_authentication::RequestAuthentication;
use crate::services::Service;
use crate::validate::{self, Verdict};
use crate::workloads::{Origin, Workload};
use crate::ztunnel::Ambient;

/// A snapshot with what its mesh makes of it.
#[derive(Debug)]
pub struct Subject<'s> {
    pub(super) snapshot: &'s Snapshot,
    pub(super) mesh: Mesh,
    /// All `AuthorizationPolicy` objects that istiod takes.
    pub(super) policies: Vec<AuthorizationPolicy>,
    /// For each of them the pods that take it, as [`Subject::pods`] has them.
    pub(super) takers: Vec<Vec<usize>>,
    /// For each workload the policies that it takes.
    pub(super) taken: Vec<Vec<usize>>,
    /// All `RequestAuthentication` objects that istiod takes.
    pub(super) tokens: Vec<RequestAuthentication>,
    /// For each of them the pods that take it.
    pub(super) token_takers: Vec<Vec<usize>>,
    /// For each workload the Services and `ServiceEntry` objects that lead to it, by their place in [`Mesh::services`].
    pub(super) services_of: Vec<Vec<usize>>,
    /// What is sent to ztunnel of the policies.
    pub(super) ambient: Ambient,
    /// What each client sends to each server; nothing where no `DestinationRule` says anything.
    pub(super) matrix: Option<Matrix>,
    /// What istiod's webhook says of each of its objects that it refuses.
    pub(super) refused: BTreeMap<usize, Verdict>,
}

impl<'s> Subject<'s> {
    /// Reads a snapshot. What is of a wrong type is as if it were not there.
    pub fn new(snapshot: &'s Snapshot, config: MeshConfig, settings: &Settings<'_>) -> Self {
        let mesh = Mesh::of(snapshot, config, settings);
        let mut refused = BTreeMap::new();
        for (index, object) in snapshot.objects() {
            let verdict = validate::validate(object).filter(|verdict| !verdict.is_accepted());
            refused.extend(verdict.map(|verdict| (index, verdict)));
        }
        let (mut policies, mut tokens, mut refusals) = (Vec::new(), Vec::new(), Vec::new());
        for (index, object) in snapshot.objects().filter(|(index, _)| !refused.contains_key(index)) {
            if AuthorizationPolicy::is(object) {
                policies.push(AuthorizationPolicy::read(object, index, &mut refusals));
            } else if RequestAuthentication::is(object) {
                tokens.push(RequestAuthentication::read(object, index, &mut refusals));
            }
        }
        let ambient = Ambient::new(&policies, Vec::new(), &mesh.config);
        let has_rules = snapshot.of_kind("networking.istio.io", "DestinationRule").next().is_some();
        let matrix = has_rules.then(|| Matrix::of(&mesh));
        let mut services_of = vec![Vec::new(); mesh.workloads.all.len()];
        for (index, service) in mesh.services.iter().enumerate() {
            for workload in &service.workloads {
                services_of[*workload].push(index);
            }
        }
        let mut subject = Self {
            snapshot,
            services_of,
            takers: vec![Vec::new(); policies.len()],
            taken: vec![Vec::new(); mesh.workloads.all.len()],
            token_takers: vec![Vec::new(); tokens.len()],
            mesh,
            policies,
            tokens,
            ambient,
            matrix,
            refused,
        };
        subject.select();
        subject
    }

    /// Finds out who takes which policy. Costs for each workload a look at the policies of its namespace and of the root namespace.
    fn select(&mut self) {
        let mut policies: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, policy) in self.policies.iter().enumerate() {
            policies.entry(&policy.namespace).or_default().push(index);
        }
        let mut tokens: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, token) in self.tokens.iter().enumerate() {
            tokens.entry(&token.namespace).or_default().push(index);
        }
        let root = self.mesh.config.root_namespace.as_str();
        let (mut takers, mut token_takers) = (self.takers.clone(), self.token_takers.clone());
        let mut taken = self.taken.clone();
        for (workload, own) in self.pods() {
            let selected = Selected {
                namespace: &own.namespace,
                labels: &own.labels,
                is_waypoint: false,
                service: None,
            };
            let near: BTreeSet<&str> = [root, own.namespace.as_str()].into();
            for index in near.iter().filter_map(|namespace| policies.get(namespace)).flatten() {
                if selected.takes_policy(&self.policies[*index], root) {
                    takers[*index].push(workload);
                    taken[workload].push(*index);
                }
            }
            for index in near.iter().filter_map(|namespace| tokens.get(namespace)).flatten() {
                let token = &self.tokens[*index];
                if selected.takes(&token.namespace, token.selector.as_ref(), &token.targets, root) {
                    token_takers[*index].push(workload);
                }
            }
        }
        (self.takers, self.token_takers, self.taken) = (takers, token_takers, taken);
    }

    /// For each workload whether it takes a policy that is so. Costs a look at each policy, and at each pair of a policy and who takes it.
    pub(super) fn takes_any(&self, is: impl Fn(&AuthorizationPolicy) -> bool) -> Vec<bool> {
        let mut found = vec![false; self.mesh.workloads.all.len()];
        for (_, takers) in self.policies.iter().zip(&self.takers).filter(|(policy, _)| is(policy)) {
            for workload in takers {
                found[*workload] = true;
            }
        }
        found
    }

    /// The pods and templates that are not over, by their place in [`crate::workloads::Workloads::all`].
    pub(super) fn pods(&self) -> impl Iterator<Item = (usize, &Workload)> {
        let is_pod = |(_, one): &(usize, &Workload)| one.origin != Origin::Entry && one.is_alive();
        self.mesh.workloads.all.iter().enumerate().filter(is_pod)
    }

    /// A workload by its place.
    pub(super) fn workload(&self, workload: usize) -> &Workload {
        &self.mesh.workloads.all[workload]
    }

    /// `Kind namespace/name`; a Service of Knative is said to be Knative's.
    pub(super) fn who(&self, workload: usize) -> String {
        let one = self.workload(workload);
        let whose = if self.is_of_knative(workload) { "Knative " } else { "" };
        format!("{whose}{} {}/{}", one.kind, one.namespace, one.name)
    }

    /// Whether Knative makes the pods: it gives them labels, and a proxy of its own with ports, that no template has.
    pub(super) fn is_of_knative(&self, workload: usize) -> bool {
        self.object(self.workload(workload).object).id.group == "serving.knative.dev"
    }

    /// `Kind namespace/name`, and how many there are besides.
    pub(super) fn whom(&self, workloads: &[usize]) -> String {
        match workloads {
            [] => "nobody".to_owned(),
            [one] => self.who(*one),
            [one, others @ ..] => format!("{} and {} more", self.who(*one), others.len()),
        }
    }

    /// The Services and `ServiceEntry` objects that lead to a workload.
    pub(super) fn services_of(&self, workload: usize) -> impl Iterator<Item = &Service> {
        self.services_of[workload].iter().map(|index| &self.mesh.services[*index])
    }

    /// What carries the traffic of a workload.
    pub(super) fn carrier(&self, workload: usize) -> Carrier {
        self.mesh.servers[workload].enrolment.mode()
    }

    /// Those of the workloads whose traffic is carried so.
    pub(super) fn carried(&self, workloads: &[usize], carrier: Carrier) -> Vec<usize> {
        workloads.iter().copied().filter(|one| self.carrier(*one) == carrier).collect()
    }

    /// Whether a workload has no proxy; not where that hangs on the labels of a Namespace that is not in the input.
    pub(super) fn is_outside(&self, workload: usize) -> bool {
        let decision = self.mesh.servers[workload].enrolment.decision();
        decision.mode == Carrier::None
            && decision.reason != Reason::Proxyless
            && !self.mesh.hangs_on_namespace(workload)
    }

    /// Why it has none, in few words.
    pub(super) fn why_outside(&self, workload: usize) -> &'static str {
        match self.mesh.servers[workload].enrolment.decision().reason {
            Reason::HostNetwork => "it is on its node's network",
            Reason::IgnoredNamespace => "its namespace is one of the cluster's own",
            Reason::NamespaceLabel => "a label of its namespace keeps it out",
            Reason::PodLabel => "a label of the pod keeps it out",
            Reason::PodAnnotation => "an annotation of the pod keeps it out",
            Reason::NoSign => "it runs without one",
            _ => "no label asks for one",
        }
    }

    /// Whether a workload has a sidecar for the way out alone, as a program that is the edge itself.
    pub(super) fn is_way_out(&self, workload: usize) -> bool {
        self.mesh.servers[workload].exclusions.is_way_out()
    }

    /// An object of the snapshot.
    pub(super) fn object(&self, index: usize) -> &'s Object {
        &self.snapshot.all()[index]
    }

    /// Whether the input holds pods of a namespace.
    pub(super) fn is_inhabited(&self, namespace: &str) -> bool {
        self.pods().any(|(_, pod)| pod.namespace == namespace)
    }

    /// Whether two objects are of one namespace, and not only taken to be: where one does not say its namespace, both are in one folder. What
    /// is in folders apart and says no namespace is often applied to several.
    pub(super) fn are_together(&self, a: usize, b: usize) -> bool {
        let states = |object: usize| self.object(object).id.namespace.is_some();
        let folder = |object: usize| {
            self.object(object).source().name().rsplit_once('/').map_or("", |(folder, _)| folder)
        };
        (states(a) && states(b)) || folder(a) == folder(b)
    }
}
