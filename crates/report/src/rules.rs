//! Checks as data: `ringwall.rules/v1`.
//!
//! As with reports, the structs are both what is written and what the published JSON Schema is derived from, and within
//! `v1` fields may be added; none is removed, renamed or given another meaning.

use ringwall_model::check::Check;
use ringwall_model::control::Control;
use ringwall_model::fix::Fixable;
use schemars::JsonSchema;
use serde::Serialize;

use crate::json::{SeverityEntry, schema_of};
use crate::page::page_address;

/// What the format is called in itself.
const SCHEMA: &str = "ringwall.rules/v1";

/// The JSON Schema of a list of checks, pretty, with a newline at the end. It is published as
/// `docs/schema/rules.schema.json`.
pub fn rules_schema() -> String {
    schema_of::<RulesEntry>()
}

/// The checks of ringwall.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Rules", title = "ringwall rules")]
pub struct RulesEntry {
    /// Name and version of this format. Within v1, fields may be added.
    #[schemars(extend("const" = SCHEMA))]
    schema: &'static str,
    /// The version of ringwall that has these checks.
    ringwall: &'static str,
    /// The checks, in the order of their ids.
    rules: Vec<RuleEntry>,
}

impl RulesEntry {
    /// A list of checks.
    pub fn of(rules: Vec<RuleEntry>) -> Self {
        Self { schema: SCHEMA, ringwall: env!("CARGO_PKG_VERSION"), rules }
    }
}

/// A check.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Rule")]
pub struct RuleEntry {
    /// Stable id, such as RW-POD-001.
    #[schemars(regex(pattern = "^RW-[A-Z]+-[0-9]{3}$"))]
    id: &'static str,
    /// Name, in kebab case.
    name: &'static str,
    /// What it belongs to, such as `Pod Security Standards`.
    group: &'static str,
    /// What an attacker gains, before the circumstances of a cluster are known.
    severity: SeverityEntry,
    /// What it finds, in one line without full stop.
    summary: &'static str,
    /// The id that its reference gives it, such as `hostPathVolumes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    reference: Option<&'static str>,
    /// The controls of frameworks that it serves.
    controls: Vec<ControlEntry>,
    /// Whether a tool mends what it finds, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "FixableEntry")]
    fixable: Option<FixableEntry>,
    /// Where the rule comes from.
    references: &'static [&'static str],
    /// Where the page of the check can be read.
    page: String,
}

impl RuleEntry {
    /// The entry of a check: what it belongs to, the id that its reference gives it, and whether a tool mends what it finds.
    pub fn of(
        check: &'static Check,
        group: &'static str,
        reference: Option<&'static str>,
        fixable: Option<Fixable>,
    ) -> Self {
        Self {
            id: check.id,
            name: check.name,
            group,
            severity: SeverityEntry::of(check.severity),
            summary: check.summary,
            reference,
            controls: check.controls.iter().map(ControlEntry::of).collect(),
            fixable: fixable.map(FixableEntry::of),
            references: check.references,
            page: page_address(check),
        }
    }
}

/// A control of a framework.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Control")]
struct ControlEntry {
    /// The Pod Security Standards, the CIS Kubernetes Benchmark 1.12, the NSA/CISA Kubernetes Hardening Guidance, or MITRE
    /// ATT&CK for containers.
    #[schemars(extend("enum" = ["pss", "cis", "nsa", "mitre"]))]
    framework: &'static str,
    /// The control's id in it, such as `5.2.2` or `T1611`.
    id: &'static str,
    /// What the framework calls it, where that is not its id already.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    title: Option<&'static str>,
}

impl ControlEntry {
    fn of(control: &Control) -> Self {
        Self { framework: control.framework.word(), id: control.id, title: control.title() }
    }
}

/// Whether a tool mends what a check finds.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Fixable")]
struct FixableEntry {
    /// Whether `ringwall fix` mends it, as a rule.
    by_tool: bool,
    /// Whether it may do so without a second thought.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("enum" = ["safe", "needsReview"]))]
    applicability: Option<&'static str>,
    /// Why it does not, as a sentence without full stop.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    reason: Option<&'static str>,
}

impl FixableEntry {
    const fn of(fixable: Fixable) -> Self {
        match fixable {
            Fixable::ByTool(applicability) => {
                Self { by_tool: true, applicability: Some(applicability.word()), reason: None }
            }
            Fixable::ByHand(reason) => Self { by_tool: false, applicability: None, reason: Some(reason) },
        }
    }
}
