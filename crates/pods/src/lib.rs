//! Pod Security Standards and Pod Security Admission: the verdicts and words of the API server.
//!
//! What the ring answers:
//! - [`evaluate::Evaluator`]: which checks a pod fails at a level and version, with reason, detail and evidence;
//! - [`admission::Admission`]: an admission request into the response, audit annotations, warnings, counters;
//! - [`policy::from_labels`]: which policy a namespace's labels choose;
//! - [`hardening`]: what the standards do not ask for and a careful owner does all the same;
//! - [`standing`]: the tightest level that a workload can take, and what stops the next;
//! - [`control_plane`]: unsafe flags of the control plane's own pods.
//!
//! The reference is k8s.io/pod-security-admission v0.37, the library in kube-apiserver v1.37.
//!
//! ```
//! use ringwall_pods::evaluate::{Evaluator, Failures};
//! use ringwall_pods::model::PodTemplate;
//! use ringwall_pods::policy::{Level, LevelVersion, Version};
//!
//! let mut pod = PodTemplate::default();
//! pod.spec.host_network = true;
//! let mut failures = Failures::default();
//! let restricted = LevelVersion::new(Level::Restricted, Version::Latest);
//! Evaluator::newest().evaluate(restricted, &pod, &mut failures);
//! assert_eq!(failures.message(&pod), "host namespaces (hostNetwork=true)");
//! ```
//!
//! # Architecture invariants
//! - A check is data ([`checks::StandardCheck`]): id, level, version windows, and a pure function per window. No
//!   check compares versions; the table is unrolled once per version.
//! - The walk that decides also collects the evidence ([`evidence::Offence`]); texts are made from the evidence.

pub mod admission;
pub mod checks;
pub mod config;
pub mod control_plane;
pub mod defaulting;
pub mod evaluate;
pub mod evidence;
pub mod hardening;
pub mod model;
pub mod namespace;
pub mod policy;
pub mod review;
pub mod standing;
mod text;
pub mod workload;
