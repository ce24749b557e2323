//! `PodSecurityConfiguration`: the defaults and exemptions that a cluster's administrator sets.
//!
//! Source: k8s.io/pod-security-admission `admission/api` (types, defaults, `load`, `validation`).

use std::collections::HashSet;
use std::fmt;

use ringwall_model::de;
use ringwall_model::invalid::FieldError;
use ringwall_model::name::{dns_label_errors, dns_subdomain_errors};
use ringwall_model::path::FieldPath;
use ringwall_model::text::Span;
use ringwall_model::tree::{Kind, Node};
use serde::Deserialize;

use crate::policy::{Level, LevelVersion, Policy, Version};

/// A configuration, with defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// Levels and versions as written, or `privileged` and `latest`.
    pub defaults: Defaults,
    /// Who is not judged.
    pub exemptions: Exemptions,
}

impl Default for Configuration {
    fn default() -> Self {
        Self { defaults: Defaults::default().filled(), exemptions: Exemptions::default() }
    }
}

/// What applies where a namespace has no label.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Defaults {
    /// Level of `enforce`.
    pub enforce: String,
    /// Version of `enforce`.
    pub enforce_version: String,
    /// Level of `audit`.
    pub audit: String,
    /// Version of `audit`.
    pub audit_version: String,
    /// Level of `warn`.
    pub warn: String,
    /// Version of `warn`.
    pub warn_version: String,
}

impl Defaults {
    fn filled(mut self) -> Self {
        for level in [&mut self.enforce, &mut self.audit, &mut self.warn] {
            if level.is_empty() {
                Level::Privileged.word().clone_into(level);
            }
        }
        for version in [&mut self.enforce_version, &mut self.audit_version, &mut self.warn_version] {
            if version.is_empty() {
                "latest".clone_into(version);
            }
        }
        self
    }
}

/// Who is not judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exemptions {
    /// Authenticated user names, compared exactly.
    pub usernames: Vec<String>,
    /// Namespaces.
    pub namespaces: Vec<String>,
    /// `RuntimeClasses`.
    pub runtime_classes: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct RawExemptions {
    // `null` as an element is the empty text, as in Go.
    usernames: Vec<Option<String>>,
    namespaces: Vec<Option<String>>,
    runtime_classes: Vec<Option<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct RawConfiguration {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    defaults: Defaults,
    exemptions: RawExemptions,
}

/// A configuration that the API server does not start with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The field.
    pub path: FieldPath,
    /// Where it is written.
    pub span: Option<Span>,
    /// What is wrong, as a sentence without full stop.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

impl std::error::Error for ConfigError {}

const GROUP: &str = "pod-security.admission.config.k8s.io/";

impl Configuration {
    /// Reads a configuration. Decoding is strict: a field that is not known is an error.
    ///
    /// # Errors
    /// A version or kind that is not known, a wrong type, an unknown field.
    pub fn read(node: Node<'_>) -> Result<Self, ConfigError> {
        let refuse = |key: &str, message: String| {
            let span = node.get(key).map_or(node.span(), Node::span);
            Err(ConfigError { path: FieldPath::keys(&[key]), span: Some(span), message })
        };
        if node.kind() != Kind::Mapping {
            let message = format!("expected a mapping, got {}", node.kind().described());
            return Err(ConfigError { path: FieldPath::root(), span: Some(node.span()), message });
        }
        let version = node.str_at(&["apiVersion"]).unwrap_or_default();
        if !matches!(version.strip_prefix(GROUP), Some("v1" | "v1beta1" | "v1alpha1")) {
            return refuse(
                "apiVersion",
                format!("expected {GROUP}v1, v1beta1 or v1alpha1, got \"{version}\""),
            );
        }
        let kind = node.str_at(&["kind"]).unwrap_or_default();
        if kind != "PodSecurityConfiguration" {
            return refuse("kind", format!("expected PodSecurityConfiguration, got \"{kind}\""));
        }
        let raw: RawConfiguration = de::from_node(node).map_err(|error| ConfigError {
            path: error.path,
            span: error.span,
            message: error.message,
        })?;
        let texts = |list: Vec<Option<String>>| list.into_iter().map(Option::unwrap_or_default).collect();
        Ok(Self {
            defaults: raw.defaults.filled(),
            exemptions: Exemptions {
                usernames: texts(raw.exemptions.usernames),
                namespaces: texts(raw.exemptions.namespaces),
                runtime_classes: texts(raw.exemptions.runtime_classes),
            },
        })
    }

    /// What the API server finds wrong with the configuration, in its words and order.
    pub fn validate(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut invalid = |field: &str, value: &str, detail: String| {
            errors.push(FieldError::invalid(FieldPath::keys(&["defaults", field]), value, detail));
        };
        let d = &self.defaults;
        for (mode, level, version) in [
            ("enforce", &d.enforce, &d.enforce_version),
            ("warn", &d.warn, &d.warn_version),
            ("audit", &d.audit, &d.audit_version),
        ] {
            if let Err(error) = level.parse::<Level>() {
                invalid(mode, level, error.to_string());
            }
            if let Err(error) = version.parse::<Version>() {
                invalid(&format!("{mode}-version"), version, error.to_string());
            }
        }
        let e = &self.exemptions;
        unique("namespaces", &e.namespaces, dns_label_errors, &mut errors);
        unique("runtimeClasses", &e.runtime_classes, dns_subdomain_errors, &mut errors);
        let empty = |name: &str| {
            if name.is_empty() { vec!["username must not be empty".to_owned()] } else { Vec::new() }
        };
        unique("usernames", &e.usernames, empty, &mut errors);
        errors
    }

    /// The default policy. Levels and versions that are not valid count as in labels: see [`Configuration::validate`].
    pub fn default_policy(&self) -> Policy {
        let d = &self.defaults;
        let mode = |level: &str, version: &str| {
            LevelVersion::new(
                level.parse().unwrap_or(Level::Restricted),
                version.parse().unwrap_or(Version::Latest),
            )
        };
        Policy {
            enforce: mode(&d.enforce, &d.enforce_version),
            audit: mode(&d.audit, &d.audit_version),
            warn: mode(&d.warn, &d.warn_version),
        }
    }
}

/// Checks each entry of a list of exemptions, and that none is there twice.
fn unique(field: &str, list: &[String], check: impl Fn(&str) -> Vec<String>, errors: &mut Vec<FieldError>) {
    let mut seen = HashSet::new();
    for (index, value) in list.iter().enumerate() {
        let problems = check(value);
        let at = FieldPath::keys(&["exemptions", field]).index(index);
        if !problems.is_empty() {
            errors.push(FieldError::invalid(at, value, problems.join(", ")));
        } else if !seen.insert(value.as_str()) {
            errors.push(FieldError::duplicate(at, value));
        }
    }
}
