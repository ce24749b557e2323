//! Istio as its control plane and proxies decide it: what is encrypted between whom, and who is let in.
//!
//! Sources are named where a rule is stated. They are of istio.io/istio v0.0.0-20260827124520-eed52ebb66ad (the 1.31 line), Envoy 1.40.0
//! and ztunnel of 2026-08-20.

pub mod authorization;
pub mod checks;
pub mod config;
pub mod destination;
pub mod enrolment;
pub mod gateways;
pub mod host;
pub mod matrix;
pub mod mesh;
pub mod peer;
pub mod peer_ambient;
pub mod place;
pub mod plan;
pub mod quirks;
mod reader;
pub mod request_authentication;
pub mod scope;
pub mod sends;
pub mod services;
pub mod validate;
pub mod waypoint;
pub mod workloads;
pub mod ztunnel;

pub use reader::proto_name;
