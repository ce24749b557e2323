//! Files that are made from the code: a page for each check, an index of them, the checks by framework, and the JSON
//! schemas.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ringwall_model::check::Check;
use ringwall_model::control::{CONTROLS, Framework};
use ringwall_model::fix::Fixable;
use ringwall_posture::registry::{self, Entry, Group};
use ringwall_report::{capitalized, check_page};

/// Writes the generated files below `root`, or with `check` compares them.
pub(crate) fn run(root: &Path, check: bool) -> Result<(), String> {
    let files = files();
    let mut stale = Vec::new();
    for (path, text) in &files {
        let full = root.join(path);
        if std::fs::read_to_string(&full).ok().as_deref() == Some(text) {
            continue;
        }
        stale.push(path.display().to_string());
        if !check {
            let folder = full.parent().unwrap_or(root);
            std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
            std::fs::write(&full, text).map_err(|error| format!("{}: {error}", full.display()))?;
        }
    }
    // A page of a check that is gone.
    let pages = root.join("docs/checks");
    for entry in std::fs::read_dir(&pages).map_err(|error| format!("{}: {error}", pages.display()))?.flatten()
    {
        let path = Path::new("docs/checks").join(entry.file_name());
        if !files.contains_key(&path) {
            stale.push(path.display().to_string());
            if !check {
                std::fs::remove_file(entry.path()).map_err(|error| format!("{}: {error}", path.display()))?;
            }
        }
    }
    if check && !stale.is_empty() {
        return Err(format!("stale: {}; `cargo xtask generate` mends it", stale.join(", ")));
    }
    Ok(())
}

fn files() -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    files.insert(PathBuf::from("docs/schema/report.schema.json"), ringwall_report::json_schema());
    files.insert(PathBuf::from("docs/schema/rules.schema.json"), ringwall_report::rules_schema());
    files.insert(PathBuf::from("docs/schema/config.schema.json"), ringwall_posture::settings::json_schema());
    let entries = registry::entries();
    for entry in &entries {
        files.insert(PathBuf::from(format!("docs/checks/{}.md", entry.check.id)), page(entry));
    }
    files.insert(PathBuf::from("docs/checks/README.md"), index(&entries));
    files.insert(PathBuf::from("docs/frameworks.md"), frameworks(&entries));
    files
}

const MADE: &str = "Made from the code by `cargo xtask generate`.";

fn index(entries: &[Entry]) -> String {
    let mut text = format!("# Checks\n\n{MADE} By framework: [frameworks.md](../frameworks.md).\n");
    for group in Group::ALL {
        let _ =
            write!(text, "\n## {}\n\n| id | name | finds | severity |\n|---|---|---|---|\n", group.title());
        for Entry { check, .. } in entries.iter().filter(|entry| entry.group == group) {
            let Check { id, name, summary, severity, .. } = check;
            let _ = writeln!(text, "| [{id}]({id}.md) | `{name}` | {summary} | {severity} |");
        }
    }
    text
}

fn page(entry: &Entry) -> String {
    let check = entry.check;
    let mut text = format!("# {} `{}`\n\n", check.id, check.name);
    let _ = writeln!(text, "{}. Severity: {}.\n", capitalized(check.summary), check.severity);
    match entry.fixable {
        Some(fixable @ Fixable::ByTool(_)) => {
            let _ = writeln!(text, "Fix: {fixable}.\n");
        }
        Some(fixable @ Fixable::ByHand(_)) => {
            let _ = writeln!(text, "{}.\n", capitalized(&fixable.to_string()));
        }
        None => {}
    }
    text.push_str(&check_page(check));
    text
}

/// For each framework, which checks serve which of its controls.
fn frameworks(entries: &[Entry]) -> String {
    let mut text = format!(
        "# Frameworks\n\n{MADE} Which checks serve which controls; a control that is not here is served by none. As data: \
         `ringwall rules -o json`.\n"
    );
    for framework in Framework::ALL {
        let _ = write!(text, "\n## {}\n\n<{}>\n\n", framework.title(), framework.reference());
        text.push_str("| control | checks |\n|---|---|\n");
        for (control, title) in CONTROLS.iter().filter(|(control, _)| control.framework == framework) {
            let serving = entries.iter().filter(|entry| entry.check.controls.contains(control));
            let checks: Vec<String> = serving
                .map(|Entry { check, .. }| format!("[{}](checks/{}.md) {}", check.id, check.id, check.name))
                .collect();
            let control = format!("{} {title}", control.id);
            let _ = writeln!(text, "| {} | {} |", control.trim_end(), checks.join("<br>"));
        }
    }
    text
}
