//! The reference's own examples.

use std::path::PathBuf;

use ringwall_input::{Limits, read_text};
use ringwall_mesh::config::MeshConfig;
use ringwall_mesh::matrix::Matrix;
use ringwall_mesh::mesh::{Mesh, Settings};
use ringwall_mesh::plan::{Plan, Scope};
use ringwall_mesh::validate::{unknown_fields, validate};
use ringwall_model::object::Object;
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_model::tree::Node;
use serde_json::{Value, json};

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

/// The webhook takes all that the CRDs take. Most of what they refuse it refuses, too; `ONLY_CRD` are kinds with rules that are the CRD's alone, which is
/// asked before the webhook is.
#[test]
fn what_the_crds_refuse_is_refused_and_what_they_take_is_taken() {
    const ONLY_CRD: [&str; 2] = ["EnvoyFilter", "WasmPlugin"];
    let mut asked = 0;
    for (name, text) in files("istio-validation/crds") {
        for object in objects(&name, text) {
            let Some(verdict) = validate(&object) else { continue };
            let error = object.root().str_at(&["_err"]);
            if error.is_none() || !ONLY_CRD.contains(&object.id.kind.as_str()) {
                assert_eq!(
                    verdict.is_accepted(),
                    error.is_none(),
                    "{name} {}: {error:?} {verdict:?}",
                    object.id
                );
            }
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

/// All YAML files of a folder and those in it.
fn all_files(folder: PathBuf, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all_files(path, into);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            into.push(path);
        }
    }
}

/// Inputs of the reference's analyzers, of Kiali's checkers and of ambient's tests: whatever they hold, there is an answer.
#[test]
fn strangers_meshes_are_answered() {
    let mut paths = Vec::new();
    all_files(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/mesh"), &mut paths);
    paths.sort();
    let mut pairs = 0;
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let snapshot = Snapshot::new(objects("mesh.yaml", text), Facts::default());
        let mesh = Mesh::of(&snapshot, MeshConfig::default(), &Settings::default());
        let plan = Plan::strict(&mesh, Scope::Mesh);
        let matrix = Matrix::of(&mesh);
        assert_eq!(matrix.len(), plan.after.len(), "{}", path.display());
        pairs += matrix.len();
        for (_, object) in snapshot.objects() {
            drop(validate(object));
        }
    }
    say(&format!("{pairs} pairs in strangers' meshes"));
}

/// A value that has all fields of a schema, as JSON.
fn full(schema: Node<'_>) -> Value {
    if let Some(properties) = schema.get("properties") {
        let fields = properties.entries().map(|entry| (entry.key.to_owned(), full(entry.value)));
        return Value::Object(fields.collect());
    }
    match (schema.get("items"), schema.get("additionalProperties")) {
        (Some(items), _) => Value::Array(vec![full(items)]),
        (_, Some(values)) => json!({ "80": full(values) }),
        _ => Value::Null,
    }
}

#[test]
fn all_fields_of_the_crds_are_known() {
    let mut asked = 0;
    for (name, text) in files("istio-crds") {
        for crd in objects(&name, text) {
            let (Some(kind), Some(versions)) =
                (crd.root().str_at(&["spec", "names", "kind"]), crd.root().at(&["spec", "versions"]))
            else {
                continue;
            };
            for version in versions.items() {
                let (Some(group), Some(number)) =
                    (crd.root().str_at(&["spec", "group"]), version.str_at(&["name"]))
                else {
                    continue;
                };
                let spec = full(version.at(&["schema", "openAPIV3Schema", "properties", "spec"]).unwrap());
                let object = json!({ "apiVersion": format!("{group}/{number}"), "kind": kind, "metadata": { "name": "o" }, "spec": spec });
                for object in objects("full.json", object.to_string()) {
                    assert_eq!(unknown_fields(&object), [], "{kind} {number}");
                    asked += usize::from(validate(&object).is_some());
                }
            }
        }
    }
    assert!(asked == 0 || asked >= 8, "only {asked} versions of our kinds");
}
