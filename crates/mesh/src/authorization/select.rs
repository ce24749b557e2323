//! Which policies count for a workload. Source: `ShouldAttachPolicy` in `pilot/pkg/model/policyattachment.go` and
//! `ListAuthorizationPolicies` in `pilot/pkg/model/authorization.go`.

use super::policy::{AuthorizationPolicy, TargetRef};
use crate::place::{Pairs, is_subset, value};

/// The label that a Gateway's pods carry; its value is the Gateway's name.
pub const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";

/// The class of the Gateways that are waypoints.
pub const WAYPOINT_CLASS: &str = "istio-waypoint";

/// What is written in a registry of services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServiceKind {
    /// A Service of Kubernetes.
    Service,
    /// A `ServiceEntry`.
    ServiceEntry,
}

/// The service that a waypoint stands before.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServiceRef<'w> {
    /// What kind it is of.
    pub kind: ServiceKind,
    /// Its namespace.
    pub namespace: &'w str,
    /// Its name.
    pub name: &'w str,
}

/// A workload whose proxy enforces policies.
#[derive(Clone, Debug)]
pub struct Workload<'w> {
    /// Its namespace.
    pub namespace: &'w str,
    /// The labels of its pods.
    pub labels: &'w Pairs,
    /// Whether it is a waypoint.
    pub is_waypoint: bool,
    /// The service that a request to a waypoint is for.
    pub service: Option<ServiceRef<'w>>,
}

impl Workload<'_> {
    /// Whether a policy with this selector and these targets, in this namespace, counts for the workload.
    ///
    /// A policy in the root namespace is for workloads everywhere, with its selector too. A pod that is no Gateway's never takes a policy
    /// with targets, and a waypoint never one without.
    pub fn takes(
        &self,
        namespace: &str,
        selector: Option<&Pairs>,
        targets: &[TargetRef],
        root: &str,
    ) -> bool {
        let of_service = self.service.as_ref().is_some_and(|service| service.namespace == namespace);
        if namespace != root && namespace != self.namespace && !of_service {
            return false;
        }
        let selected = || selector.is_none_or(|labels| is_subset(labels, self.labels));
        let Some(gateway) = value(self.labels, GATEWAY_NAME) else {
            return targets.is_empty() && selected();
        };
        if targets.is_empty() {
            return !self.is_waypoint && selected();
        }
        targets.iter().any(|target| self.is_target(target, namespace, gateway, root))
    }

    fn is_target(&self, target: &TargetRef, namespace: &str, gateway: &str, root: &str) -> bool {
        let group = if target.group == "core" { "" } else { target.group.as_str() };
        let kind = match (group, target.kind.as_str()) {
            ("", "Service") => Some(ServiceKind::Service),
            ("networking.istio.io", "ServiceEntry") => Some(ServiceKind::ServiceEntry),
            _ => None,
        };
        if let (true, Some(kind), Some(service)) = (self.is_waypoint, kind, &self.service)
            && service.kind == kind
            && service.name == target.name
            && service.namespace == namespace
        {
            return true;
        }
        let of_gateways = |kind: &str| group == "gateway.networking.k8s.io" && target.kind == kind;
        if namespace == root
            && self.is_waypoint
            && of_gateways("GatewayClass")
            && target.name == WAYPOINT_CLASS
        {
            return true;
        }
        namespace == self.namespace
            && (target.namespace.is_empty() || target.namespace == self.namespace)
            && of_gateways("Gateway")
            && target.name == gateway
    }

    /// Whether the policy counts for the workload.
    pub fn takes_policy(&self, policy: &AuthorizationPolicy, root: &str) -> bool {
        self.takes(&policy.namespace, policy.selector.as_ref(), &policy.targets, root)
    }
}

/// The indexes of the policies that count for a workload, in the order in which istiod lists them: the root namespace's before the
/// others, in each the older first, and of one age by name. The order changes no verdict, only which of several is named.
pub fn select(policies: &[AuthorizationPolicy], workload: &Workload<'_>, root: &str) -> Vec<usize> {
    let is_for =
        |index: &usize| policies.get(*index).is_some_and(|policy| workload.takes_policy(policy, root));
    let mut selected: Vec<usize> = (0..policies.len()).filter(is_for).collect();
    selected.sort_by_key(|index| {
        policies.get(*index).map(|policy| {
            let namespace = policy.namespace.as_str();
            let tier = if namespace == root { 0 } else { 1 + u8::from(namespace != workload.namespace) };
            (tier, policy.created.as_deref(), policy.name.as_str(), namespace)
        })
    });
    selected
}
