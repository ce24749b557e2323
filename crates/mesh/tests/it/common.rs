//! Reading what tests are written in.

use std::path::PathBuf;

use ringwall_input::{Limits, read_text};
use ringwall_mesh::authorization::policy::AuthorizationPolicy;
use ringwall_model::object::Object;
use serde_json::Value;

/// The objects in a text.
pub(crate) fn objects(text: &str) -> Vec<Object> {
    let read = read_text("test.yaml", text.to_owned(), &Limits::default());
    assert!(read.problems.is_empty(), "{:?}\n{text}", read.problems);
    read.objects
}

/// A document that is no object.
pub(crate) fn value(text: &str) -> Value {
    let indented = indented(text);
    let whole = format!("apiVersion: test/v1\nkind: Test\nmetadata:\n  name: test\nspec:\n{indented}");
    let objects = objects(&whole);
    serde_json::to_value(objects[0].root().get("spec").unwrap()).unwrap()
}

/// The text two columns to the right.
fn indented(text: &str) -> String {
    text.lines().flat_map(|line| ["  ", line, "\n"]).collect()
}

/// Policies of `alpha`, each as its spec, by lines of `---`. They are named `a`, `b`, and so on.
pub(crate) fn policies(specs: &str) -> Vec<AuthorizationPolicy> {
    let read = |(at, spec): (usize, &str)| {
        let name = char::from(b'a' + u8::try_from(at).unwrap());
        let indented = indented(spec);
        let text = format!(
            "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n\
             metadata:\n  name: {name}\n  namespace: alpha\nspec:\n{indented}"
        );
        let mut refusals = Vec::new();
        let policy = AuthorizationPolicy::read(&objects(&text)[0], at, &mut refusals);
        assert_eq!(refusals, [], "{text}");
        policy
    };
    specs.split("---\n").enumerate().map(read).collect()
}

/// A folder of the reference's data; says so where it is not there.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub(crate) fn conformance(folder: &str) -> Option<PathBuf> {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/mesh").join(folder);
    let found = path.is_dir().then_some(path);
    if found.is_none() {
        eprintln!("skipped: no ../shared/conformance/mesh/{folder} beside the repository");
    }
    found
}
