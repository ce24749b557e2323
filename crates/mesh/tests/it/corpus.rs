//! The reference's own examples.

use std::path::PathBuf;

use ringwall_input::{Limits, read_text};
use ringwall_mesh::validate::validate;
use ringwall_model::object::Object;

use crate::meshes::say;

/// The YAML files of a folder of the shared data; none where that is not there.
fn files(folder: &str) -> Vec<(String, String)> {
    let folder =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/mesh").join(folder);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        say(&format!("skipped: {} is not here", folder.display()));
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).unwrap())
    };
    files.into_iter().map(read).collect()
}

fn objects(name: &str, text: String) -> Vec<Object> {
    read_text(name, text, &Limits::default()).objects
}

/// Some documents are refused by nothing but the patterns of the CRD, which is asked before the webhook is.
#[test]
fn what_the_crds_refuse_is_refused_and_what_they_take_is_taken() {
    let mut asked = 0;
    for (name, text) in files("istio-validation/crds") {
        for object in objects(&name, text) {
            let Some(verdict) = validate(&object) else { continue };
            let error = object.root().str_at(&["_err"]);
            assert_eq!(verdict.is_accepted(), error.is_none(), "{name} {}: {error:?} {verdict:?}", object.id);
            asked += 1;
        }
    }
    assert!(asked == 0 || asked >= 10, "only {asked} objects are of our kinds");
}

#[test]
fn valid_examples_are_taken() {
    let mut asked = 0;
    for (name, text) in files("istio-valid-examples") {
        for object in objects(&name, text) {
            let verdict = validate(&object).unwrap_or_else(|| panic!("{name}"));
            assert!(verdict.is_accepted(), "{name}: {verdict:?}");
            asked += 1;
        }
    }
    assert!(asked == 0 || asked >= 5, "only {asked} examples");
}
