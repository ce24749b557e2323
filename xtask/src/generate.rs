//! Files that are made from the code: a page for each check, an index of them, and the JSON schemas of reports and of
//! the configuration.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ringwall_model::check::Check;
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
    files.insert(PathBuf::from("docs/schema/config.schema.json"), ringwall_posture::settings::json_schema());
    let checks: Vec<&Check> = ringwall_posture::registry::checks().collect();
    for check in &checks {
        files.insert(PathBuf::from(format!("docs/checks/{}.md", check.id)), page(check));
    }
    files.insert(PathBuf::from("docs/checks/README.md"), index(&checks));
    files
}

fn index(checks: &[&Check]) -> String {
    let mut text = String::from("# Checks\n\nMade from the code by `cargo xtask generate`.\n\n");
    text.push_str("| id | finds | severity |\n|---|---|---|\n");
    for check in checks {
        let _ = writeln!(text, "| [{0}]({0}.md) | {1} | {2} |", check.id, check.summary, check.severity);
    }
    text
}

fn page(check: &Check) -> String {
    let mut text = format!("# {} `{}`\n\n", check.id, check.name);
    let _ = writeln!(text, "{}. Severity: {}.\n", capitalized(check.summary), check.severity);
    text.push_str(&check_page(check));
    text
}
