//! The control plane's own pods (kube-apiserver, kube-controller-manager, kube-scheduler, etcd): whether they are run
//! with safe flags.
//!
//! What a flag must be is one row of a table; the engine reads the command line as the component does and goes through
//! the rows. Where the running container knows more than its manifest (a configuration file, an environment variable
//! in place of a value), nothing is said.

mod checks;
mod command;
mod rule;
mod table;
#[cfg(test)]
mod tests;

use ringwall_model::check::Check;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fix, Value};
use ringwall_model::path::FieldPath;
use ringwall_model::tree::Node;

pub use checks::{CHECKS, ETCD};
pub use rule::{Component, Remedy, Rule, Want, Worse};
pub use table::RULES;

use command::{CommandLine, Flag, Source};
use rule::Breach;

/// A flag of a component of the control plane that is not as it should be.
#[derive(Clone, Debug)]
pub struct Flaw {
    /// The row of the table.
    pub rule: &'static Rule,
    /// What an attacker gains.
    pub severity: Severity,
    /// The container's name.
    pub container: String,
    /// The argument; where a flag is missing, the list that it belongs in. From the pod template.
    pub path: FieldPath,
    /// What is wrong, as a sentence without full stop.
    pub message: String,
    /// The change that mends it, with paths from the pod template, where it needs no knowledge of the cluster.
    change: Option<Change>,
}

impl Flaw {
    /// The check that it belongs to.
    pub const fn check(&self) -> &'static Check {
        self.rule.check
    }

    /// How to mend it, in Markdown.
    pub fn advice(&self) -> String {
        let flag = self.rule.flag;
        match self.rule.remedy {
            Remedy::Value(value) => format!("Set `--{flag}={value}`."),
            Remedy::Add(item) => format!("Add `{item}` to `--{flag}`."),
            Remedy::Remove => format!("Remove what `{}` says, or the flag.", self.rule.witness),
            Remedy::Own(text) => format!("Set `{text}`."),
        }
    }

    /// What mends it, where that needs no file or choice that only the cluster's owner knows. `template` is the way
    /// from the object to the pod template.
    pub fn fix(&self, template: &FieldPath) -> Option<Fix> {
        let from_object = |path: &FieldPath| template.clone().join(path);
        let (title, change) = match self.change.as_ref()? {
            Change::Set { path, value } => (
                format!("write {}", shown(value)),
                Change::Set { path: from_object(path), value: value.clone() },
            ),
            Change::Append { path, value } => (
                format!("add {}", shown(value)),
                Change::Append { path: from_object(path), value: value.clone() },
            ),
            Change::Remove { path } => {
                (format!("remove --{}", self.rule.flag), Change::Remove { path: from_object(path) })
            }
            Change::Rename { .. } | Change::Beside { .. } => return None,
        };
        let name = self.rule.component.name();
        Some(Fix {
            title,
            applicability: Applicability::NeedsReview,
            review: format!("whether a client of {name} needs what is taken away; it restarts with this"),
            changes: vec![change],
        })
    }
}

fn shown(value: &Value) -> &str {
    match value {
        Value::Text(text) => text,
        _ => "the flag",
    }
}

/// What is wrong with the flags of the control plane's components that a pod template runs, by container and then in
/// the order of the table. `namespace` is the object's. A template that runs none costs a look at its images and
/// arguments.
pub fn find(template: Node<'_>, namespace: Option<&str>) -> Vec<Flaw> {
    let lines = command::read(template, namespace);
    lines.iter().filter(|line| is_told_by_flags(line)).flat_map(flaws).collect()
}

/// How a kube-apiserver is told one flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its values, those of a list one by one; none where the flag is not given.
    pub values: Vec<String>,
    /// Whether a value, or whether there is one, is known only where the container runs.
    pub unknown: bool,
    /// Where the flag stands, from the pod template; where it would stand if it is not given.
    pub path: FieldPath,
}

/// What each kube-apiserver that a pod template runs is told by a flag whose value is a list. `namespace` is the object's.
pub fn api_servers_told(template: Node<'_>, namespace: Option<&str>, flag: &str) -> Vec<Told> {
    let lines = command::read(template, namespace);
    let servers = lines.iter().filter(|line| line.component == Component::ApiServer);
    servers
        .map(|line| Told {
            values: line.given(flag).flat_map(command::Flag::items).map(str::to_owned).collect(),
            unknown: line.given(flag).any(command::Flag::is_unknown) || (line.open && !line.has(flag)),
            path: line.last(flag).map_or_else(|| line.home(), |flag| line.path_at(flag.at)),
        })
        .collect()
}

/// Whether a pod is one of the control plane's own.
pub fn is_part(template: Node<'_>, namespace: Option<&str>) -> bool {
    !command::read(template, namespace).is_empty()
}

/// etcd reads either a file or flags, never both.
fn is_told_by_flags(line: &CommandLine<'_>) -> bool {
    line.component != Component::Etcd || !line.has("config-file")
}

fn flaws<'a>(line: &'a CommandLine<'_>) -> impl Iterator<Item = Flaw> + 'a {
    RULES.iter().filter_map(move |rule| Some(flaw(rule, line, &rule.broken_by(line)?)))
}

fn flaw(rule: &'static Rule, line: &CommandLine<'_>, breach: &Breach<'_, '_>) -> Flaw {
    let witness = rule.witness;
    let (severity, at, words) = match breach {
        Breach::Absent => {
            let said = rule.behind.is_some_and(|flag| !line.has(flag));
            let severity = if said { Severity::Info } else { rule.absent.unwrap_or(rule.wrong) };
            (severity, None, format!("{witness} is not set"))
        }
        Breach::Alone(other) => (rule.wrong, None, format!("{witness} is set without --{other}")),
        Breach::Wrong(flag) => (rule.wrong, Some(*flag), given(rule, flag)),
        Breach::Overridden(flag) => {
            (Severity::Info, Some(*flag), format!("{}, and a later argument overrides it", given(rule, flag)))
        }
        Breach::Lacks(flag) => (rule.wrong, Some(*flag), format!("{witness} is not set")),
        Breach::Holds(flag, held) => {
            let held = held.join(", ");
            let whole = format!("--{}={held}", rule.flag);
            let is_item = witness.contains('=') && whole.starts_with(witness);
            let words = if is_item { format!("{whole} is set") } else { format!("{witness} has {held}") };
            (rule.wrong, Some(*flag), words)
        }
        Breach::Judge(flag) => (rule.wrong, Some(*flag), given(rule, flag)),
    };
    let worse = rule.worse.filter(|worse| severity > Severity::Info && (worse.holds)(line));
    let severity = worse.map_or(severity, |worse| severity.max(worse.severity));
    let more = worse.map_or_else(String::new, |worse| format!(", {}", worse.says));
    Flaw {
        rule,
        severity,
        container: line.name.to_owned(),
        path: at.map_or_else(|| line.home(), |flag| line.path_at(flag.at)),
        message: format!("{} {}: {words}{more}", rule.component.name(), rule.says),
        change: change(rule, line, breach),
    }
}

/// A flag with its value, in words.
fn given(rule: &Rule, flag: &Flag<'_>) -> String {
    match flag.value.as_deref() {
        Some("") => format!("{} is empty", rule.witness),
        None if !matches!(rule.want, Want::Bool(_)) => format!("{} is without a value", rule.witness),
        _ => format!("{} is {}", rule.witness, flag.text()),
    }
}

/// What mends a breach, where that is one element of a list.
fn change(rule: &Rule, line: &CommandLine<'_>, breach: &Breach<'_, '_>) -> Option<Change> {
    let text = |value: &str| Value::Text(format!("--{}={value}", rule.flag));
    let element =
        |flag: &Flag<'_>| (flag.at.alone && flag.at.source != Source::Env).then(|| line.path_at(flag.at));
    match (breach, rule.remedy) {
        (Breach::Absent, Remedy::Value(value) | Remedy::Add(value)) if line.can_append() => {
            Some(Change::Append { path: line.home(), value: text(value) })
        }
        (Breach::Wrong(flag), Remedy::Value(value)) => {
            Some(Change::Set { path: element(flag)?, value: text(value) })
        }
        (Breach::Lacks(flag), Remedy::Add(item)) => {
            let mut items: Vec<&str> = flag.items().collect();
            items.push(item);
            Some(Change::Set { path: element(flag)?, value: text(&items.join(",")) })
        }
        (Breach::Holds(flag, held), Remedy::Remove) => {
            let items: Vec<&str> = flag.items().filter(|item| !held.contains(item)).collect();
            let path = element(flag)?;
            Some(if items.is_empty() {
                Change::Remove { path }
            } else {
                Change::Set { path, value: text(&items.join(",")) }
            })
        }
        (Breach::Wrong(flag), Remedy::Remove) => Some(Change::Remove { path: element(flag)? }),
        // The one that comes later stands.
        (Breach::Overridden(flag), _) => Some(Change::Remove { path: element(flag)? }),
        _ => None,
    }
}

/// The file of certificates by which a component knows its clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAuthority {
    /// The component: kube-apiserver or etcd.
    pub component: Component,
    /// The container's name.
    pub container: String,
    /// The flag, with its dashes.
    pub flag: &'static str,
    /// The argument, from the pod template.
    pub path: FieldPath,
    /// The file.
    pub file: String,
}

/// The authorities by which kube-apiserver and etcd know their clients. Where both have the same, whoever has a
/// certificate for the API server, be it a kubelet or a user without any right, may read and write etcd.
/// CIS Kubernetes Benchmark 1.12, 2.7.
pub fn client_authorities(template: Node<'_>, namespace: Option<&str>) -> Vec<ClientAuthority> {
    let of_line = |line: &CommandLine<'_>| {
        let flag = match line.component {
            Component::ApiServer => "--client-ca-file",
            Component::Etcd => "--trusted-ca-file",
            Component::ControllerManager | Component::Scheduler => return None,
        };
        let given = line.last(flag.trim_start_matches('-')).filter(|given| !given.is_unknown())?;
        let file = given.value.as_deref().filter(|file| !file.is_empty())?.to_owned();
        let path = line.path_at(given.at);
        Some(ClientAuthority { component: line.component, container: line.name.to_owned(), flag, path, file })
    };
    let lines = command::read(template, namespace);
    lines.iter().filter(|line| is_told_by_flags(line)).filter_map(of_line).collect()
}
