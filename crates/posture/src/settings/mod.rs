//! What `ringwall.toml` says: one text in, [`Settings`] or every error of the text out. Finding the file is the edge's.
//!
//! ```text
//!   text ──▶ TOML with spans ──▶ fits the schema? ──▶ names, dates, globs ──▶ Settings
//!              syntax              unknown keys,         what no schema
//!                                  wrong types           can say
//! ```

mod fail_on;
mod file;
mod pattern;
mod shape;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use jiff::civil::Date;
use ringwall_model::finding::{Location, Problem, Severity};
use ringwall_model::quantity::Quantity;
use ringwall_model::selector::{is_dns_subdomain, is_qualified_name};
use ringwall_model::text::Source;
use ringwall_model::workload::{CUSTOM, CustomKind, Shape, WorkloadKind};
use ringwall_pods::hardening;
use serde::Deserialize as _;
use toml::Spanned;
use toml::de::DeTable;

use crate::registry::{self, Rules};
use crate::scan;
use crate::suggest;
use crate::workloads::Reading;

pub use fail_on::FailOn;
pub use pattern::Pattern;
use pattern::Subject;

/// The name of the file.
pub const FILE_NAME: &str = "ringwall.toml";

/// What a user has set. The default is that of a user who has no file.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Which findings make the exit code 1.
    pub fail_on: Option<FailOn>,
    /// Findings below this severity are not shown.
    pub min_severity: Option<Severity>,
    /// Which checks run, and how grave their findings are.
    pub checks: Checks,
    /// Findings that somebody accepts, in the order of the file.
    pub exceptions: Vec<Exception>,
    /// Whether a suppression must say why.
    pub require_reason: bool,
    /// Whether the suppressions of other scanners count too.
    pub compat_ignores: bool,
    /// Custom kinds that make pods, in the order of the file.
    pub workloads: Vec<CustomKind>,
    /// What the owner of the cluster states about it.
    pub hardening: hardening::Settings,
}

/// Which checks run, and how grave their findings are.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    /// Checks that do not run.
    pub disable: Rules,
    /// Checks that run although `disable` names them.
    pub enable: Rules,
    /// Severities that replace those of the checks, by id.
    pub severity: BTreeMap<&'static str, Severity>,
}

impl Checks {
    /// Whether nothing is said of any check.
    pub fn is_default(&self) -> bool {
        self.disable.is_empty() && self.enable.is_empty() && self.severity.is_empty()
    }

    /// Whether the check runs.
    pub fn runs(&self, check: &ringwall_model::check::Check) -> bool {
        !self.disable.hold(check) || self.enable.hold(check)
    }
}

/// Findings that somebody accepts. All selectors that are there must hold.
#[derive(Clone, Debug)]
pub struct Exception {
    /// The checks.
    pub rules: Rules,
    /// Why the findings are accepted.
    pub reason: Option<String>,
    /// Who accepts them.
    pub owner: Option<String>,
    /// The last day on which it holds.
    pub until: Option<Date>,
    /// Kind of the object.
    pub kind: Option<Pattern>,
    /// Namespace of the object; one that states none has none.
    pub namespace: Option<Pattern>,
    /// Name of the object.
    pub name: Option<Pattern>,
    /// Labels that the object has.
    pub labels: BTreeMap<String, String>,
    /// The container that the finding is about.
    pub container: Option<Pattern>,
    /// The field that the finding is about.
    pub path: Option<Pattern>,
    /// The file that the finding is located in.
    pub file: Option<Pattern>,
    /// Where the exception is written.
    pub location: Location,
}

/// The JSON schema of `ringwall.toml`, pretty, with a newline at the end. It is published as
/// `docs/schema/config.schema.json`.
pub fn json_schema() -> String {
    format!("{:#}\n", file::schema())
}

impl Settings {
    /// How a snapshot is scanned under these settings.
    pub fn scan_options(&self) -> scan::Options<'_> {
        let defaults = scan::Options::default();
        let reading = Reading { custom: &self.workloads, ..defaults.reading };
        scan::Options { reading, hardening: &self.hardening, ..defaults }
    }

    /// Reads the text of a `ringwall.toml`.
    ///
    /// # Errors
    /// Everything that is wrong with it, by place: syntax; or else unknown keys, wrong types, names of checks that
    /// there are none of, dates that no calendar has, globs that cannot be read.
    pub fn parse(source: &Source) -> Result<Self, Vec<Problem>> {
        let (mut table, broken) = DeTable::parse_recoverable(source.text());
        let headers = |array: &str| {
            let tables = table.get_ref().get(array).and_then(|tables| tables.get_ref().as_array());
            tables.into_iter().flatten().map(Spanned::span).collect()
        };
        let (exceptions, workloads) = (headers("exceptions"), headers("workloads"));
        let mut reader =
            Reader { source, errors: Vec::new(), misfits: BTreeSet::new(), exceptions, workloads };
        for error in &broken {
            reader.error(error.span().unwrap_or_default(), error.message().replace('\n', ", "));
        }
        let mut settings = Self::default();
        if broken.is_empty() {
            let mut misfits = Vec::new();
            shape::fit(&file::schema(), table.get_mut(), &mut misfits);
            for shape::Misfit { path, span, message } in misfits {
                reader.error(span, message);
                reader.misfits.insert(path);
            }
            match file::File::deserialize(toml::Deserializer::from(table)) {
                Ok(file) => settings = reader.settings(file),
                // What does not fit was taken out; what serde minds all the same is said in its words.
                Err(error) => reader.error(error.span().unwrap_or_default(), error.message().to_owned()),
            }
        }
        if reader.errors.is_empty() {
            return Ok(settings);
        }
        reader.errors.sort();
        Err(reader.errors)
    }
}

/// Turns what the file says into settings, and collects what is wrong.
struct Reader<'s> {
    source: &'s Source,
    errors: Vec<Problem>,
    /// Keys that are there and do not fit: that they are missing is not said as well.
    misfits: BTreeSet<String>,
    /// Where each exception is written.
    exceptions: Vec<Range<usize>>,
    /// Where each workload is written.
    workloads: Vec<Range<usize>>,
}

impl Reader<'_> {
    fn error(&mut self, span: Range<usize>, message: String) {
        let position = Some(self.source.position(u32::try_from(span.start).unwrap_or(u32::MAX)));
        self.errors.push(Problem { file: self.source.name().to_owned(), position, message, object: None });
    }

    /// A key is missing in table number `index` of the workloads, or else of the exceptions.
    fn missing(&mut self, key: &str, expected: &str, index: usize, workload: bool) {
        let headers = if workload { &self.workloads } else { &self.exceptions };
        let span = headers.get(index).cloned().unwrap_or_default();
        if !self.misfits.contains(key) {
            self.error(span, format!("{key}: expected {expected}"));
        }
    }

    /// Reads a text, or collects why not.
    fn text<T>(
        &mut self,
        key: &str,
        text: Option<&Spanned<String>>,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = text?;
        match read(text.get_ref()) {
            Ok(value) => Some(value),
            Err(message) => {
                self.error(text.span(), format!("{key}: {message}"));
                None
            }
        }
    }

    fn rules(&mut self, key: &str, names: &[Spanned<String>]) -> Rules {
        let (rules, errors) = Rules::read(names.iter().map(|name| name.get_ref().as_str()));
        for (index, message) in errors {
            self.error(names[index].span(), format!("{key}: {message}"));
        }
        rules
    }

    fn texts(
        &mut self,
        key: &str,
        texts: Vec<Spanned<String>>,
        check: fn(&str) -> Result<(), String>,
    ) -> Vec<String> {
        texts
            .into_iter()
            .filter_map(|text| {
                self.text(key, Some(&text), check)?;
                Some(text.into_inner())
            })
            .collect()
    }

    fn bounds(&mut self, name: &str, bounds: &file::Bounds) -> hardening::Bounds {
        let mut bound = |end: &str, text: &Option<Spanned<String>>| {
            self.text(&format!("resources.{name}.{end}"), text.as_ref(), |text| {
                Quantity::parse(text)
                    .map(|_| text.to_owned())
                    .ok_or_else(|| format!("\"{text}\" is no quantity; expected such as 500m or 128Mi"))
            })
        };
        hardening::Bounds { least: bound("least", &bounds.least), most: bound("most", &bounds.most) }
    }

    fn settings(&mut self, file: file::File) -> Settings {
        let mut severity = BTreeMap::new();
        for (name, value) in &file.checks.severity {
            let check = self.text("checks.severity", Some(name), registry::find);
            let value = self.text("checks.severity", Some(value), severity_named);
            if let (Some(check), Some(value)) = (check, value) {
                severity.insert(check.id, value);
            }
        }
        let require_reason = file.suppressions.require_reason;
        let exceptions = file.exceptions.into_iter().enumerate();
        let exceptions =
            exceptions.filter_map(|(index, table)| self.exception(index, table, require_reason)).collect();
        let workloads = file.workloads.into_iter().enumerate();
        let workloads = workloads.filter_map(|(index, table)| self.workload(index, &table)).collect();
        Settings {
            fail_on: self.text("scan.fail-on", file.scan.fail_on.as_ref(), str::parse),
            min_severity: self.text("scan.min-severity", file.scan.min_severity.as_ref(), severity_named),
            checks: Checks {
                disable: self.rules("checks.disable", &file.checks.disable),
                enable: self.rules("checks.enable", &file.checks.enable),
                severity,
            },
            exceptions,
            require_reason,
            compat_ignores: file.suppressions.compat_ignores,
            workloads,
            hardening: hardening::Settings {
                allowed_registries: self.texts(
                    "images.allowed-registries",
                    file.images.allowed_registries,
                    registry_named,
                ),
                blocked_registries: self.texts(
                    "images.blocked-registries",
                    file.images.blocked_registries,
                    registry_named,
                ),
                floating_tags: self.texts("images.floating-tags", file.images.floating_tags, |tag| {
                    if tag.is_empty() || tag.contains([':', '/', ' ']) {
                        return Err(format!("\"{tag}\" is no tag; expected such as edge"));
                    }
                    Ok(())
                }),
                required_labels: self.texts("labels.required", file.labels.required, label_key),
                recommended_labels: self.texts("labels.recommended", file.labels.recommended, label_key),
                digest_exempt: self.texts("images.digest-exempt", file.images.digest_exempt, registry_named),
                sandbox_runtime_classes: self.texts(
                    "sandboxes.runtime-classes",
                    file.sandboxes.runtime_classes,
                    |name| {
                        if name.is_empty() { Err("expected the name of a class".to_owned()) } else { Ok(()) }
                    },
                ),
                cpu_limit: self.bounds("cpu-limit", &file.resources.cpu_limit),
                cpu_request: self.bounds("cpu-request", &file.resources.cpu_request),
                memory_limit: self.bounds("memory-limit", &file.resources.memory_limit),
                memory_request: self.bounds("memory-request", &file.resources.memory_request),
            },
        }
    }

    fn exception(&mut self, index: usize, table: file::Exception, require_reason: bool) -> Option<Exception> {
        let key = |name: &str| format!("exceptions[{index}].{name}");
        let Some(rules) = table.rules else {
            self.missing(&key("rules"), "the checks that it is about", index, false);
            return None;
        };
        if rules.get_ref().is_empty() {
            self.error(rules.span(), format!("{}: expected at least one check", key("rules")));
        }
        let span = rules.span();
        let rules = self.rules(&key("rules"), rules.get_ref());
        if require_reason && table.reason.as_ref().is_none_or(|reason| reason.get_ref().trim().is_empty()) {
            self.error(
                span,
                format!("{}: expected one, since suppressions.require-reason is set", key("reason")),
            );
        }
        let mut pattern = |name: &str, text: &Option<Spanned<String>>, subject| {
            self.text(&key(name), text.as_ref(), |text| Pattern::compile(text, subject))
        };
        let (kind, namespace) = (
            pattern("kind", &table.kind, Subject::Kind),
            pattern("namespace", &table.namespace, Subject::Name),
        );
        let (name, container) = (
            pattern("name", &table.name, Subject::Name),
            pattern("container", &table.container, Subject::Name),
        );
        let (path, file) =
            (pattern("path", &table.path, Subject::Path), pattern("file", &table.file, Subject::File));
        let until = self.text(&key("until"), table.until.as_ref(), date);
        let header = self.exceptions.get(index).cloned().unwrap_or_default();
        Some(Exception {
            rules,
            reason: table.reason.map(Spanned::into_inner).filter(|reason| !reason.trim().is_empty()),
            owner: table.owner.map(Spanned::into_inner),
            until,
            kind,
            namespace,
            name,
            labels: table.labels,
            container,
            path,
            file,
            location: self.location(header),
        })
    }

    fn workload(&mut self, index: usize, table: &file::Workload) -> Option<CustomKind> {
        let key = |name: &str| format!("workloads[{index}].{name}");
        let group = self.text(&key("group"), table.group.as_ref(), |group| {
            if is_dns_subdomain(group) {
                Ok(group.to_owned())
            } else {
                Err(format!("\"{group}\" is no API group"))
            }
        });
        let kind = self.text(&key("kind"), table.kind.as_ref(), |kind| {
            if kind.is_empty() { Err("expected a kind".to_owned()) } else { Ok(kind.to_owned()) }
        });
        let template = self.text(&key("template"), table.template.as_ref(), |text| {
            let is_key = |part: &str| {
                let key = part.strip_suffix("[]").or_else(|| part.strip_suffix("{}")).unwrap_or(part);
                !key.is_empty() && !key.contains(['[', ']', '{', '}', ' '])
            };
            if text.split('.').all(is_key) {
                return Ok(text.to_owned());
            }
            Err(format!("expected a path such as spec.template, or spec.tasks[].template, got \"{text}\""))
        });
        let shape = self.text(&key("shape"), table.shape.as_ref(), |text| match text {
            "template" => Ok(Shape::Template),
            "spec" => Ok(Shape::Spec),
            other => Err(format!("expected template (metadata and spec) or spec, got \"{other}\"")),
        });
        for (name, given) in [("group", &table.group), ("kind", &table.kind), ("template", &table.template)] {
            if given.is_none() {
                self.missing(&key(name), "one", index, true);
            }
        }
        let (group, kind, template) = (group?, kind?, template?);
        let known = WorkloadKind::of(&group, &kind).is_some()
            || CUSTOM
                .iter()
                .any(|known| known.group == group && known.kind == kind && known.template == template);
        if known {
            let span = self.workloads.get(index).cloned().unwrap_or_default();
            self.error(
                span,
                format!("workloads[{index}]: that {kind} of {group} makes pods is known already"),
            );
        }
        let shape = shape.unwrap_or(Shape::Template);
        Some(CustomKind { group: group.into(), kind: kind.into(), template: template.into(), shape })
    }

    fn location(&self, span: Range<usize>) -> Location {
        let start = u32::try_from(span.start).unwrap_or(u32::MAX);
        let line = self.source.text().get(span).and_then(|text| text.lines().next()).unwrap_or_default();
        Location {
            file: self.source.name().to_owned(),
            position: self.source.position(start),
            width: u32::try_from(line.trim_end().chars().count()).unwrap_or(u32::MAX),
            template: None,
            rendered_by: None,
        }
    }
}

fn severity_named(text: &str) -> Result<Severity, String> {
    text.parse().map_err(|expected: String| {
        let words = Severity::ALL.map(Severity::word);
        format!("{expected}, got \"{text}\"{}", suggest::did_you_mean(suggest::nearest(text, words)))
    })
}

fn label_key(key: &str) -> Result<(), String> {
    if is_qualified_name(key) { Ok(()) } else { Err(format!("\"{key}\" is no label key")) }
}

fn registry_named(text: &str) -> Result<(), String> {
    let bad = text.is_empty() || text.contains(char::is_whitespace) || text.contains("://");
    if bad {
        Err(format!("\"{text}\" is no registry; expected such as registry.example.com/team"))
    } else {
        Ok(())
    }
}

/// A day of the calendar.
///
/// # Errors
/// What was expected, as a sentence without full stop.
pub(crate) fn date(text: &str) -> Result<Date, String> {
    // The library reads more forms than users should have to know.
    let sound = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let day = if sound { text.parse().ok() } else { None };
    day.ok_or_else(|| format!("expected a day such as 2027-01-31, got \"{text}\""))
}
