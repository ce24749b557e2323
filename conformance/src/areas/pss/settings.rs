//! Namespace labels, configurations, and the table of checks.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringwall_input::{Limits, stream};
use ringwall_model::go::go_aggregate;
use ringwall_model::text::Source;
use ringwall_pods::checks::CHECKS;
use ringwall_pods::config::Configuration;
use ringwall_pods::evaluate::Evaluator;
use ringwall_pods::policy::{self, Level, LevelVersion, Policy, Version};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Answered, Case};
use super::{Outcome, but_for_the_text_of};

#[derive(Deserialize)]
struct LabelsLine {
    case: LabelsCase,
    want: Value,
}

#[derive(Deserialize)]
struct LabelsCase {
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    defaults: BTreeMap<String, String>,
}

pub(super) fn labels(case: &Case<'_>) -> Outcome {
    let line: LabelsLine = case.read().map_err(|error| error.to_string())?;
    let mode = |name: &str| -> Result<LevelVersion, String> {
        let get = |key: &str, otherwise: &str| {
            line.case.defaults.get(key).cloned().unwrap_or_else(|| otherwise.to_owned())
        };
        let level = get(name, "privileged").parse().map_err(|error| format!("{error}"))?;
        let version =
            get(&format!("{name}-version"), "latest").parse().map_err(|error| format!("{error}"))?;
        Ok(LevelVersion::new(level, version))
    };
    let defaults = Policy { enforce: mode("enforce")?, audit: mode("audit")?, warn: mode("warn")? };
    let (chosen, errors) =
        policy::from_labels(|key| line.case.labels.get(key).map(String::as_str), &defaults);
    let aggregate = go_aggregate(&errors).unwrap_or_default();
    let got = json!({
        "enforce": chosen.enforce.to_string(),
        "audit": chosen.audit.to_string(),
        "warn": chosen.warn.to_string(),
        "fullyPrivileged": chosen.is_fully_privileged(),
        "equivalentToDefaults": chosen.is_equivalent(&defaults),
        "errors": errors.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "aggregate": aggregate,
    });
    Ok(Answered::exact(&line.want, got))
}

#[derive(Deserialize)]
struct ConfigLine {
    case: ConfigCase,
    want: Value,
}

#[derive(Deserialize)]
struct ConfigCase {
    #[serde(default)]
    config: String,
}

/// Reads a configuration from text, strictly, as the API server does.
pub(super) fn load(text: &str) -> Result<Configuration, String> {
    if text.is_empty() {
        return Ok(Configuration::default());
    }
    let document = stream::decode_one(&Arc::new(Source::new("config", text)), &Limits::default());
    let tree = document.tree.map_err(|error| error.to_string())?;
    if let Some(strict) = document.strict {
        return Err(strict.to_string());
    }
    Configuration::read(tree.root()).map_err(|error| error.to_string())
}

pub(super) fn config(case: &Case<'_>) -> Outcome {
    let line: ConfigLine = case.read().map_err(|error| error.to_string())?;
    let got = match load(&line.case.config) {
        Err(error) => json!({ "loads": false, "loadError": error }),
        Ok(config) => {
            let d = &config.defaults;
            let e = &config.exemptions;
            json!({
                "loads": true,
                "errors": config.validate().iter().map(ToString::to_string).collect::<Vec<_>>(),
                "defaults": {
                    "enforce": d.enforce, "enforce-version": d.enforce_version,
                    "audit": d.audit, "audit-version": d.audit_version,
                    "warn": d.warn, "warn-version": d.warn_version,
                },
                "exemptions": {
                    "usernames": e.usernames, "namespaces": e.namespaces, "runtimeClasses": e.runtime_classes,
                },
            })
        }
    };
    Ok(but_for_the_text_of("loadError", &line.want, got))
}

/// The whole table, as the oracle prints it: which checks run where, then each check's revisions.
fn whole_table() -> Vec<Value> {
    let mut rows = Vec::new();
    for level in [Level::Baseline, Level::Restricted] {
        let mut spans: Vec<(u64, u64, Vec<&str>)> = Vec::new();
        for minor in 0..=38 {
            let at = LevelVersion::new(level, Version::Minor(minor));
            let ids: Vec<&str> =
                Evaluator::newest().checks(at).iter().map(|applied| applied.check.id).collect();
            match spans.last_mut() {
                Some((_, to, last)) if *last == ids => *to = minor,
                _ => spans.push((minor, minor, ids)),
            }
        }
        rows.extend(spans.into_iter().map(
            |(from, to, checks)| json!({ "level": level.word(), "from": from, "to": to, "checks": checks }),
        ));
    }
    let mut checks: Vec<_> = CHECKS.iter().collect();
    checks.sort_by_key(|check| check.id);
    for check in checks {
        let revisions: Vec<String> =
            check.revisions.iter().map(|revision| revision.since.to_string()).collect();
        let mut row = json!({ "check": check.id, "level": check.level.word(), "revisions": revisions });
        let overrides = check.revisions.last().map_or(&[][..], |revision| revision.overrides);
        if !overrides.is_empty() {
            row["overrides"] = json!(overrides);
        }
        rows.push(row);
    }
    rows
}

pub(super) fn table(case: &Case<'_>) -> Outcome {
    let want: Value = case.read().map_err(|error| error.to_string())?;
    let number: usize = case.id.parse().map_err(|_| "a line of the table has no id".to_owned())?;
    let got = whole_table().into_iter().nth(number - 1).unwrap_or_default();
    Ok(Answered::exact(&want, got))
}
