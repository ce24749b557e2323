//! Op `analyze`: the messages of `istioctl analyze`, as it reads files and with all objects of them. Compared as sets: the reference was
//! given each object on a line of its own, where messages that only differ in their line are one.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use ringwall_input::{Limits, read_file, read_text, yaml_text};
use ringwall_istioctl::{Analysis, Asked, Mesh, Message, View, analyze};
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_model::text::Source;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Answered, Line, objects, refused};

#[derive(Deserialize)]
struct Case<'f> {
    id: String,
    /// A file below `conformance/mesh`; or else the objects themselves.
    file: Option<String>,
    #[serde(borrow, default)]
    resources: Vec<&'f RawValue>,
}

pub(super) fn answer(line: &Line<'_>, folder: &Path) -> Result<Answered, String> {
    let case: Case<'_> = serde_json::from_str(line.case.get()).map_err(|error| error.to_string())?;
    let want: Value = serde_json::from_str(line.want.get()).map_err(|error| error.to_string())?;
    let objects = match &case.file {
        None => objects::objects(&case.id, &case.resources)?,
        Some(file) => {
            let at = Path::new("conformance/mesh").join(file);
            let found = folder.ancestors().map(|above| above.join(&at)).find(|path| path.is_file());
            let path = found.ok_or_else(|| format!("no {} is above the case", at.display()))?;
            let source = read_file(&path, &Limits::default()).map_err(|problem| problem.message)?;
            let input = read_text("case.yaml", source.text().to_owned(), &Limits::default());
            if let Some(problem) = input.problems.first() {
                return Ok(refused(&want, &problem.message));
            }
            input.objects
        }
    };
    let snapshot = Snapshot::with_repeats(objects, Facts::default());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?.as_secs();
    let read = |text: &str| {
        yaml_text(&Source::new("an annotation", text).into(), &Limits::default())
            .map_err(|error| error.to_string())
    };
    let of = |view| analyze(&snapshot, &Asked { view, mesh: &Mesh::default(), read: &read, now });
    let (files, all) = (of(View::Files), of(View::All));
    if let Some(unread) = all.unread.first() {
        return Ok(refused(&want, &format!("{}: {}", unread.path, unread.message)));
    }
    let messages = |analysis: &Analysis| sorted(analysis.messages.iter().map(said).collect());
    let got = json!({ "messages": messages(&files), "withRuntimeObjects": messages(&all) });
    let listed = |key: &str| sorted(want.get(key).and_then(Value::as_array).cloned().unwrap_or_default());
    let wanted =
        json!({ "messages": listed("messages"), "withRuntimeObjects": listed("withRuntimeObjects") });
    let mut answered = Answered::exact(&wanted, got);
    if let Some(difference) = &mut answered.difference {
        *difference = differences(&wanted, &answered.verdict);
    }
    Ok(answered)
}

fn said(message: &Message) -> Value {
    json!({
        "code": message.code.id,
        "level": message.code.level.name(),
        "origin": message.origin,
        "message": message.text,
    })
}

fn sorted(mut messages: Vec<Value>) -> Vec<Value> {
    messages.sort_by_cached_key(Value::to_string);
    messages.dedup();
    messages
}

/// What is only on one side.
fn differences(want: &Value, got: &Value) -> String {
    let mut lines = Vec::new();
    for key in ["messages", "withRuntimeObjects"] {
        let of = |side: &Value| side.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        let (mut missing, mut extra) = (of(want), Vec::new());
        for message in of(got) {
            match missing.iter().position(|wanted| *wanted == message) {
                Some(at) => drop(missing.swap_remove(at)),
                None => extra.push(message),
            }
        }
        lines.extend(missing.iter().map(|message| format!("{key} want {message}")));
        lines.extend(extra.iter().map(|message| format!("{key} got  {message}")));
    }
    lines.join("\n")
}
