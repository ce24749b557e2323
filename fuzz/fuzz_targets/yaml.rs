//! Any text is read as a stream without a panic, and every node of what comes out lies in the text.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use ringwall_input::{Limits, stream};
use ringwall_model::text::Source;
use ringwall_model::tree::Node;

fn walk(node: Node<'_>, len: usize) {
    let span = node.span();
    assert!(span.start <= span.end && span.end as usize <= len, "{node:?} lies outside of the text");
    node.items().for_each(|item| walk(item, len));
    for entry in node.entries() {
        assert!(entry.key_span.end as usize <= len);
        walk(entry.value, len);
    }
}

fuzz_target!(|text: &str| {
    let source = Arc::new(Source::new("fuzz", text));
    let limits = Limits { depth: 200, nodes: 1 << 16, ..Limits::default() };
    let decoded = stream::decode(&source, &limits);
    for document in &decoded.documents {
        match &document.tree {
            Ok(tree) => walk(tree.root(), text.len()),
            Err(error) => assert!(error.offset as usize <= text.len()),
        }
    }
    // The same bytes, read again, say the same.
    let again = stream::decode(&source, &limits);
    assert_eq!(decoded.documents.len(), again.documents.len());
});
