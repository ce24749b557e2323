//! JSON is taken and refused as serde_json takes and refuses it, and means the same.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use ringwall_input::{Limits, json};
use ringwall_model::text::Source;

/// Equal values; numbers by value, since -0 is an integer to Go and a float to serde_json.
fn equal(a: &serde_json::Value, b: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Number, Object};
    match (a, b) {
        (Number(x), Number(y)) => x == y || x.as_f64() == y.as_f64(),
        (Array(x), Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| equal(x, y)),
        (Object(x), Object(y)) => {
            x.len() == y.len() && x.iter().all(|(key, x)| y.get(key).is_some_and(|y| equal(x, y)))
        }
        _ => a == b,
    }
}

fuzz_target!(|text: &str| {
    let source = Arc::new(Source::new("fuzz", text));
    let ours = json::parse(&source, &Limits { depth: 100, ..Limits::default() });
    let theirs = serde_json::from_str::<serde_json::Value>(text);
    match (ours, theirs) {
        (Ok(tree), Ok(theirs)) => {
            // The last of repeated keys stands in both.
            let ours = serde_json::to_value(tree.root()).expect("a tree is JSON");
            assert!(equal(&ours, &theirs), "{ours} is not {theirs}");
        }
        // Half a surrogate pair is replaced here, as Go replaces it, and refused there.
        (Ok(_), Err(_)) => assert!(text.contains("\\u") || text.contains("\\U"), "taken: {text}"),
        (Err(error), Ok(_)) => assert!(error.message.contains("nested"), "refused: {text}: {error}"),
        (Err(_), Err(_)) => {}
    }
});
