//! Who reaches whom: `NetworkPolicy`, `AdminNetworkPolicy`, `BaselineAdminNetworkPolicy` and `ClusterNetworkPolicy`, as their APIs
//! define them.
//!
//! The reference is the text of the APIs (k8s.io/api `networking/v1`, sigs.k8s.io/network-policy-api `apis/v1alpha1` and `v1alpha2`),
//! held against SIG Network's own engine, kube-network-policies v1.1.1.
//!
//! [`services`] says which ports of which pods are behind a Service, and [`mod@entries`] what the outside reaches by Services, Ingresses,
//! Routes and the Gateway API.

pub mod checks;
pub mod classes;
pub mod cluster;
pub mod cni;
mod counted;
pub mod draft;
pub mod engine;
pub mod entries;
pub mod foreign;
mod grouping;
pub mod judge;
pub mod labels;
pub mod live;
pub mod npguard;
mod outside;
mod patterns;
pub mod policy;
pub mod port;
pub mod port_set;
mod rows;
mod rules;
pub mod services;
mod update;
