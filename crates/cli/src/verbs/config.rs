//! `ringwall config check`: what is wrong with the configuration, or what is in force.

use std::io::{self, Write};
use std::path::PathBuf;

use anstyle::Style as Look;
use jiff::civil::Date;
use ringwall_model::finding::Severity;
use ringwall_pods::hardening;
use ringwall_posture::registry::{Rules, checks};
use ringwall_posture::settings::{Exception, FILE_NAME, Pattern, Settings};
use ringwall_report::{ASIDE, BAD, HEADING, Style, escape, write_json};
use serde::Serialize;

use crate::args::ConfigCheckArgs;
use crate::outcome::{Outcome, Usage};
use crate::screen::Screen;
use crate::{settings, table};

pub(crate) fn check(args: &ConfigCheckArgs) -> Result<Outcome, Usage> {
    let screen = Screen::new(args.output.output.format(), &args.output.look);
    let file: Option<PathBuf> = args.file.clone().or_else(settings::find);
    let settings = file.as_deref().map_or_else(|| Ok(Settings::default()), settings::read)?;
    let name = file.map(|file| file.display().to_string());
    let answer = InForce::of(name, &settings, settings::today());
    Ok(screen.answer(|style, out| answer.text(style, out), |out| write_json(&answer, out)))
}

/// What is in force.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InForce {
    schema: &'static str,
    ringwall: &'static str,
    /// The file, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    fail_on: String,
    min_severity: &'static str,
    /// Ids of the checks that do not run.
    disabled: Vec<&'static str>,
    /// Severities that replace those of the checks.
    severity: Vec<Replaced>,
    exceptions: Vec<Accepted>,
    require_reason: bool,
    compat_ignores: bool,
    workloads: Vec<Custom>,
    allowed_registries: Vec<String>,
    blocked_registries: Vec<String>,
    floating_tags: Vec<String>,
    required_labels: Vec<String>,
    recommended_labels: Vec<String>,
    digest_exempt: Vec<String>,
    sandbox_runtime_classes: Vec<String>,
    /// Bounds of resources, as `memory-limit <= 1Gi`.
    resources: Vec<String>,
}

#[derive(Serialize)]
struct Replaced {
    rule: &'static str,
    severity: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Accepted {
    line: u32,
    rules: Vec<&'static str>,
    /// What it is about, as `key=value`.
    selects: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    expired: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize)]
struct Custom {
    group: String,
    kind: String,
    template: String,
}

/// The bounds of resources that are set, as `memory-limit <= 1Gi`.
fn bounds(settings: &hardening::Settings) -> Vec<String> {
    let rows = [
        ("cpu-limit", &settings.cpu_limit),
        ("cpu-request", &settings.cpu_request),
        ("memory-limit", &settings.memory_limit),
        ("memory-request", &settings.memory_request),
    ];
    let said = rows.iter().flat_map(|(name, bounds)| {
        let least = bounds.least.iter().map(move |least| format!("{name} >= {least}"));
        least.chain(bounds.most.iter().map(move |most| format!("{name} <= {most}")))
    });
    said.collect()
}

impl InForce {
    fn of(file: Option<String>, settings: &Settings, today: Date) -> Self {
        let severity = settings.checks.severity.iter();
        Self {
            schema: "ringwall.config-check/v1",
            ringwall: env!("CARGO_PKG_VERSION"),
            file,
            fail_on: settings.fail_on.unwrap_or_default().to_string(),
            min_severity: settings.min_severity.unwrap_or(Severity::Low).word(),
            disabled: checks().filter(|check| !settings.checks.runs(check)).map(|check| check.id).collect(),
            severity: severity.map(|(rule, severity)| Replaced { rule, severity: severity.word() }).collect(),
            exceptions: settings.exceptions.iter().map(|exception| Accepted::of(exception, today)).collect(),
            require_reason: settings.require_reason,
            compat_ignores: settings.compat_ignores,
            workloads: settings
                .workloads
                .iter()
                .map(|custom| Custom {
                    group: custom.group.clone().into_owned(),
                    kind: custom.kind.clone().into_owned(),
                    template: custom.template.to_string(),
                })
                .collect(),
            allowed_registries: settings.hardening.allowed_registries.clone(),
            blocked_registries: settings.hardening.blocked_registries.clone(),
            floating_tags: settings.hardening.floating_tags.clone(),
            required_labels: settings.hardening.required_labels.clone(),
            recommended_labels: settings.hardening.recommended_labels.clone(),
            digest_exempt: settings.hardening.digest_exempt.clone(),
            sandbox_runtime_classes: settings.hardening.sandbox_runtime_classes.clone(),
            resources: bounds(&settings.hardening),
        }
    }

    fn text(&self, style: Style, out: &mut dyn Write) -> io::Result<()> {
        match &self.file {
            Some(file) => writeln!(out, "{} is sound. In force:", style.paint(HEADING, escape(file)))?,
            None => writeln!(out, "There is no {FILE_NAME} here. In force are the defaults:")?,
        }
        let mut rows: Vec<(&str, String)> = vec![
            ("fail-on", self.fail_on.clone()),
            ("min-severity", self.min_severity.to_owned()),
            ("require-reason", self.require_reason.to_string()),
            ("compat-ignores", self.compat_ignores.to_string()),
        ];
        let mut list = |key: &'static str, values: Vec<String>| {
            if !values.is_empty() {
                rows.push((key, values.join(", ")));
            }
        };
        let replaced = |entry: &Replaced| format!("{} {}", entry.rule, entry.severity);
        list("disabled", self.disabled.iter().map(ToString::to_string).collect());
        list("severity", self.severity.iter().map(replaced).collect());
        let custom = |custom: &Custom| format!("{} of {} ({})", custom.kind, custom.group, custom.template);
        list("workloads", self.workloads.iter().map(custom).collect());
        list("allowed-registries", self.allowed_registries.clone());
        list("blocked-registries", self.blocked_registries.clone());
        list("floating-tags", self.floating_tags.clone());
        list("required labels", self.required_labels.clone());
        list("recommended labels", self.recommended_labels.clone());
        list("digest-exempt", self.digest_exempt.clone());
        list("sandbox runtime classes", self.sandbox_runtime_classes.clone());
        list("resources", self.resources.clone());
        let cell = |text: &str, look: Look| (escape(text).into_owned(), look);
        let rows: Vec<Vec<table::Cell>> =
            rows.iter().map(|(key, value)| vec![cell(key, ASIDE), cell(value, Look::new())]).collect();
        table::write(&rows, 2, style, out)?;
        if self.exceptions.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n{}", style.paint(HEADING, "Exceptions"))?;
        let rows: Vec<Vec<table::Cell>> = self
            .exceptions
            .iter()
            .map(|exception| {
                let until = exception.until.as_deref().unwrap_or("no end");
                let (until, look) = if exception.expired {
                    (format!("{until} (expired)"), BAD)
                } else {
                    (until.to_owned(), Look::new())
                };
                let owner = exception.owner.iter().map(|owner| format!("({owner})"));
                let why: Vec<String> = exception.reason.iter().cloned().chain(owner).collect();
                vec![
                    cell(&format!("line {}", exception.line), ASIDE),
                    cell(&exception.rules.join(", "), Look::new()),
                    cell(&exception.selects.join(" "), Look::new()),
                    cell(&until, look),
                    cell(&why.join(" "), ASIDE),
                ]
            })
            .collect();
        table::write(&rows, 2, style, out)
    }
}

impl Accepted {
    fn of(exception: &Exception, today: Date) -> Self {
        let selectors: [(&str, &Option<Pattern>); 6] = [
            ("kind", &exception.kind),
            ("namespace", &exception.namespace),
            ("name", &exception.name),
            ("container", &exception.container),
            ("path", &exception.path),
            ("file", &exception.file),
        ];
        let patterns = selectors
            .into_iter()
            .filter_map(|(key, pattern)| pattern.as_ref().map(|pattern| format!("{key}={}", pattern.text())));
        let labels = exception.labels.iter().map(|(key, value)| format!("{key}={value}"));
        Self {
            line: exception.location.position.line,
            rules: ids(&exception.rules),
            selects: patterns.chain(labels).collect(),
            until: exception.until.map(|until| until.to_string()),
            expired: exception.until.is_some_and(|until| until < today),
            owner: exception.owner.clone(),
            reason: exception.reason.clone(),
        }
    }
}

fn ids(rules: &Rules) -> Vec<&'static str> {
    rules.named.iter().map(|check| check.id).chain(rules.all.then_some("all")).collect()
}
