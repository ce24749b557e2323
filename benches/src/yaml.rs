//! Decoding YAML into trees with spans.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ringwall_input::{Limits, stream};
use ringwall_model::text::Source;

use crate::measure::{Plan, measure, print};

fn gather(path: &Path, texts: &mut Vec<String>) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("{}: {error}", path.display());
    if path.is_dir() {
        let mut entries: Vec<PathBuf> =
            std::fs::read_dir(path).map_err(fail)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
        entries.sort();
        return entries.iter().try_for_each(|entry| gather(entry, texts));
    }
    if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
        texts.extend(std::fs::read_to_string(path).ok());
    }
    Ok(())
}

pub(crate) fn run(paths: &[PathBuf], plan: Plan) -> Result<(), String> {
    let mut texts = Vec::new();
    for path in paths {
        gather(path, &mut texts)?;
    }
    if texts.is_empty() {
        return Err("no YAML here".to_owned());
    }
    let sources: Vec<Arc<Source>> =
        texts.iter().map(|text| Arc::new(Source::new("bench", text.as_str()))).collect();
    let bytes = texts.iter().map(String::len).sum();
    print(&measure("yaml", sources.len(), bytes, plan, |index| {
        stream::decode(&sources[index], &Limits::default()).error.is_none()
    }))
}
