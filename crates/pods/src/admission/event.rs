//! What is counted.

use super::request::Request;
use crate::policy::{Level, LevelVersion, Mode, Version};
use ringwall_model::go::go_quote;

/// What is counted. Source: `metrics/metrics.go`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// `pod_security_evaluations_total`.
    Evaluation {
        /// Whether the pod passed.
        allowed: bool,
        /// Against what.
        policy: LevelVersion,
        /// In which mode.
        mode: Mode,
    },
    /// `pod_security_exemptions_total`.
    Exemption,
    /// `pod_security_errors_total`.
    Error {
        /// Whether there was no verdict because of it.
        fatal: bool,
    },
}

impl Event {
    /// The counter's name with its labels, as in Prometheus' text format. A version newer than `server` is `future`.
    pub fn series(&self, request: &Request<'_>, server: u64) -> String {
        let resource = match (request.resource.group, request.resource.resource) {
            ("", "pods") => "pod",
            ("", "namespaces") => "namespace",
            _ => "controller",
        };
        let operation = request.operation.to_lowercase();
        let tail = format!(
            "request_operation={},resource=\"{resource}\",subresource={}",
            go_quote(&operation),
            go_quote(request.subresource)
        );
        match self {
            Self::Exemption => format!("pod_security_exemptions_total{{{tail}}}"),
            Self::Error { fatal } => format!("pod_security_errors_total{{fatal=\"{fatal}\",{tail}}}"),
            Self::Evaluation { allowed, policy, mode } => {
                let version = match policy.version {
                    _ if policy.level == Level::Privileged => "latest".to_owned(),
                    Version::Minor(minor) if minor > server => "future".to_owned(),
                    version => version.to_string(),
                };
                let decision = if *allowed { "allow" } else { "deny" };
                format!(
                    "pod_security_evaluations_total{{decision=\"{decision}\",mode=\"{}\",policy_level=\"{}\",\
                     policy_version=\"{version}\",{tail}}}",
                    mode.word(),
                    policy.level
                )
            }
        }
    }
}
