//! Any objects can be analyzed without a panic, with and without those that istioctl passes over in files; what is said is of an object that is there, and the
//! same twice.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use ringwall_input::{Limits, read_text, yaml_text};
use ringwall_istioctl::{Asked, Mesh, View, analyze, place};
use ringwall_mesh::validate;
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_model::text::Source;

fuzz_target!(|text: &str| {
    let limits = Limits { depth: 100, nodes: 1 << 13, ..Limits::default() };
    let read = read_text("fuzz", text.to_owned(), &limits);
    let snapshot = Snapshot::new(read.objects, Facts::default());
    let yaml = |text: &str| {
        yaml_text(&Arc::new(Source::new("a text in an object", text)), &limits).map_err(|error| error.to_string())
    };
    for (_, object) in snapshot.objects() {
        drop(validate::analyze(object));
    }
    let mesh = Mesh::of(&snapshot, &yaml);
    for view in [View::Files, View::All] {
        let asked = Asked { view, mesh: &mesh, read: &yaml, now: 1_800_000_000 };
        let first = analyze(&snapshot, &asked);
        assert_eq!(first, analyze(&snapshot, &asked));
        for message in &first.messages {
            drop(place(&snapshot, message));
            assert!(!message.text.is_empty());
        }
    }
});
