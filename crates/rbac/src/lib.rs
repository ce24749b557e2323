//! RBAC as the API server's authorizer decides it: who may do what, why, and what it leads to.
//!
//! [`policy::Policy`] holds roles and bindings and answers one question at a time, by the walk that the reference makes, with its reasons.
//! Sources are named where a rule is stated; all are of k8s.io/kubernetes v1.37.

pub mod aggregate;
pub mod attributes;
pub mod authorize;
pub mod checks;
pub mod covers;
pub mod default_policy;
pub mod draft;
pub mod engine;
pub mod escalation;
pub mod explain;
pub mod holdings;
pub mod impersonate;
pub mod kubelet;
pub mod least;
pub mod locate;
pub mod matching;
pub mod model;
pub mod node;
pub mod owner;
pub mod policy;
pub mod reconcile;
pub mod request;
pub mod review;
pub mod snapshot;
pub mod storage;
pub mod strict;
pub mod validate;
pub mod write;
