//! JSON is taken and refused as serde_json takes and refuses it, and means the same.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use ringwall_input::{Limits, json};
use ringwall_model::text::Source;

fuzz_target!(|text: &str| {
    let source = Arc::new(Source::new("fuzz", text));
    let ours = json::parse(&source, &Limits { depth: 100, ..Limits::default() });
    let theirs = serde_json::from_str::<serde_json::Value>(text);
    match (ours, theirs) {
        (Ok(tree), Ok(theirs)) => {
            // The last of repeated keys stands in both.
            let ours = serde_json::to_value(tree.root()).expect("a tree is JSON");
            assert_eq!(ours, theirs);
        }
        // Half a surrogate pair is replaced here, as Go replaces it, and refused there.
        (Ok(_), Err(_)) => assert!(text.contains("\\u") || text.contains("\\U"), "taken: {text}"),
        (Err(error), Ok(_)) => assert!(error.message.contains("nested"), "refused: {text}: {error}"),
        (Err(_), Err(_)) => {}
    }
});
