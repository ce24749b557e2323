//! Third-party manifests beside the project, where they are there: nobody here wrote them.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::command;

#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn folder(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/product").join(name);
    if !folder.is_dir() {
        println!("skipped: {} is not here", folder.display());
        return None;
    }
    Some(folder)
}

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() { files(&entry.path(), out) } else { out.push(entry.path()) }
    }
}

/// The report on a path, and the exit code.
fn scan(folder: &Path, path: &str) -> (serde_json::Value, i32) {
    let output = command(folder, &["scan", "--no-render", path, "-o", "json"]).output().unwrap();
    (serde_json::from_slice(&output.stdout).unwrap(), output.status.code().unwrap())
}

#[test]
fn every_unparsable_file_is_named_with_its_place() {
    let Some(folder) = folder("unparsable") else { return };
    let mut paths = Vec::new();
    files(&folder, &mut paths);
    assert!(!paths.is_empty());
    for path in paths {
        let (report, code) = scan(&folder, path.to_str().unwrap());
        let errors = report["errors"].as_array().unwrap();
        assert!(errors.iter().any(|error| error["line"].is_u64()), "{}: {errors:?}", path.display());
        assert_eq!(code, 2, "{}", path.display());
    }
}

#[test]
fn every_finding_is_located_in_its_file_and_two_runs_are_equal() {
    let Some(folder) = folder("corpus") else { return };
    let (report, code) = scan(&folder, ".");
    assert_eq!(code, 2, "some files of the corpus are broken on purpose");
    let findings = report["findings"].as_array().unwrap();
    assert!(findings.len() > 2000, "only {} findings", findings.len());
    let mut lines: HashMap<String, Vec<usize>> = HashMap::new();
    for finding in findings {
        let place = &finding["location"];
        let file = place["file"].as_str().unwrap();
        let widths = lines.entry(file.to_owned()).or_insert_with(|| {
            let text = fs::read_to_string(folder.join(file)).unwrap();
            text.lines().map(|line| line.chars().count()).collect()
        });
        let number = |key: &str| usize::try_from(place[key].as_u64().unwrap()).unwrap();
        let width = widths.get(number("line") - 1);
        assert!(width.is_some_and(|width| number("column") <= width + 1), "{finding}");
    }
    assert_eq!(scan(&folder, ".").0, report);
}
