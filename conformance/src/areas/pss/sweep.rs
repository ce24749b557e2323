//! Sweeps: a pod judged at every version.

use std::path::Path;
use std::sync::Arc;

use ringwall_input::{Limits, stream};
use ringwall_model::text::Source;
use ringwall_model::tree::{Node, Tree};
use ringwall_model::workload::WorkloadKind;
use ringwall_pods::defaulting;
use ringwall_pods::evaluate::{Evaluator, Failures};
use ringwall_pods::model::PodTemplate;
use ringwall_pods::policy::{Level, LevelVersion, Version};
use ringwall_pods::workload;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::super::{Answered, Case};
use super::{Outcome, but_for_the_text_of, tree};

/// One past the newest version: stands for `latest` and for any future version.
const LAST: u64 = 38;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line<'f> {
    #[serde(borrow)]
    case: Option<Input<'f>>,
    pod_text: Option<String>,
    object_text: Option<String>,
    want: Value,
}

#[derive(Deserialize)]
struct Input<'f> {
    #[serde(borrow)]
    pod: Option<&'f RawValue>,
    #[serde(borrow)]
    object: Option<&'f RawValue>,
}

/// A case's object, and whether it is a pod where it does not say what it is.
fn object(case: &Case<'_>, line: &Line<'_>) -> Result<(Tree, bool), String> {
    let (text, pod) = match (&line.case, &line.pod_text, &line.object_text) {
        (_, Some(text), _) => (text.as_str(), true),
        (_, _, Some(text)) => (text.as_str(), false),
        (Some(Input { object: Some(object), .. }), ..) => (object.get(), false),
        (Some(Input { pod: Some(pod), .. }), ..) => (pod.get(), true),
        _ => return Err("the case has neither pod nor object".to_owned()),
    };
    Ok((tree(&case.id, text)?, pod))
}

/// The pod template and the kind that it comes from.
fn template(root: Node<'_>, pod: bool) -> Result<(Option<PodTemplate<'_>>, &'static WorkloadKind), String> {
    let text = |key: &str| root.str_at(&[key]).unwrap_or_default();
    let (mut api_version, mut kind) = (text("apiVersion"), text("kind"));
    if pod {
        api_version = if api_version.is_empty() { "v1" } else { api_version };
        kind = if kind.is_empty() { "Pod" } else { kind };
    }
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let template = workload::decode(root, group, version, kind).map_err(|error| error.to_string())?;
    let row = WorkloadKind::of(group, kind).ok_or("no workload")?;
    Ok((template, row))
}

fn verdict(decoded: &Result<(Option<PodTemplate<'_>>, &WorkloadKind), String>) -> Value {
    match decoded {
        Err(error) => json!({ "error": error }),
        Ok((None, _)) => json!({ "noPod": true }),
        Ok((Some(template), _)) => json!({
            "baseline": spans(Level::Baseline, template),
            "restricted": spans(Level::Restricted, template),
        }),
    }
}

fn spans(level: Level, template: &PodTemplate<'_>) -> Value {
    let mut spans: Vec<(u64, u64, Vec<Value>)> = Vec::new();
    let mut failures = Failures::default();
    for minor in 0..=LAST {
        Evaluator::newest().evaluate(
            LevelVersion::new(level, Version::Minor(minor)),
            template,
            &mut failures,
        );
        let failed: Vec<Value> = failures
            .iter()
            .map(|failure| {
                let words = failure.words(template);
                let mut entry = json!({ "check": failure.check.id, "reason": words.reason });
                if !words.detail.is_empty() {
                    entry["detail"] = json!(words.detail);
                }
                entry
            })
            .collect();
        match spans.last_mut() {
            Some((_, to, last)) if *last == failed => *to = minor,
            _ => spans.push((minor, minor, failed)),
        }
    }
    spans.into_iter().map(|(from, to, failed)| json!({ "from": from, "to": to, "failed": failed })).collect()
}

pub(super) fn case(case: &Case<'_>) -> Outcome {
    let line: Line<'_> = case.read().map_err(|error| error.to_string())?;
    let answer = match object(case, &line) {
        Ok((tree, pod)) => verdict(&template(tree.root(), pod)),
        Err(error) => json!({ "error": error }),
    };
    Ok(but_for_the_text_of("error", &line.want, answer))
}

#[derive(Deserialize)]
struct Defaulted {
    want: DefaultedWant,
}

#[derive(Deserialize)]
struct DefaultedWant {
    #[serde(default)]
    error: String,
    #[serde(default)]
    baseline: String,
    #[serde(default)]
    restricted: String,
}

pub(super) fn defaulted(case: &Case<'_>) -> Outcome {
    let line: Line<'_> = case.read().map_err(|error| error.to_string())?;
    let want: Defaulted = case.read().map_err(|error| error.to_string())?;
    let (tree, pod) = object(case, &line)?;
    let message = |template: &PodTemplate<'_>, level| {
        let mut failures = Failures::default();
        Evaluator::newest().evaluate(LevelVersion::new(level, Version::Latest), template, &mut failures);
        failures.message(template)
    };
    let answer = match template(tree.root(), pod) {
        Err(error) => json!({ "error": error, "baseline": "", "restricted": "" }),
        Ok((None, _)) => json!({ "baseline": "", "restricted": "" }),
        Ok((Some(mut template), row)) => {
            defaulting::apply(&mut template, row.is_pod());
            json!({
                "baseline": message(&template, Level::Baseline),
                "restricted": message(&template, Level::Restricted),
            })
        }
    };
    let mut expected = json!({ "baseline": want.want.baseline, "restricted": want.want.restricted });
    if !want.want.error.is_empty() {
        expected["error"] = json!(want.want.error);
    }
    Ok(but_for_the_text_of("error", &expected, answer))
}

/// The one object of a YAML file.
fn read_file(folder: &Path, name: &str) -> Result<Arc<Tree>, String> {
    let text = std::fs::read_to_string(folder.join(name)).map_err(|error| format!("{name}: {error}"))?;
    let decoded = stream::decode(&Arc::new(Source::new(name, text)), &Limits::default());
    let document = decoded.documents.into_iter().next().ok_or_else(|| format!("{name}: no document"))?;
    document.tree.map_err(|error| format!("{name}: {error}"))
}

#[derive(Deserialize)]
struct FileLine {
    baseline: Option<Value>,
    restricted: Option<Value>,
    error: Option<Value>,
}

pub(super) fn file(case: &Case<'_>, folder: &Path) -> Outcome {
    let line: FileLine = case.read().map_err(|error| error.to_string())?;
    let tree = read_file(folder, &case.id)?;
    let answer = verdict(&template(tree.root(), true));
    let mut want = json!({});
    for (key, value) in [("baseline", line.baseline), ("restricted", line.restricted), ("error", line.error)]
    {
        if let Some(value) = value {
            want[key] = value;
        }
    }
    Ok(but_for_the_text_of("error", &want, answer))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IndexLine {
    file: String,
    level: String,
    verdict: String,
    minors: Vec<u64>,
    #[serde(default)]
    needs_defaulting: bool,
}

pub(super) fn index(case: &Case<'_>, folder: &Path) -> Outcome {
    let line: IndexLine = case.read().map_err(|error| error.to_string())?;
    let tree = read_file(folder, &line.file)?;
    let (template, row) = template(tree.root(), true)?;
    let mut template = template.ok_or("no pod template")?;
    if line.needs_defaulting {
        defaulting::apply(&mut template, row.is_pod());
    }
    let level: Level = line.level.parse().map_err(|error| format!("{error}"))?;
    let wrong: Vec<u64> = line
        .minors
        .iter()
        .copied()
        .filter(|minor| {
            let at = LevelVersion::new(level, Version::Minor(*minor));
            Evaluator::newest().allows(at, &template) != (line.verdict == "pass")
        })
        .collect();
    let want = json!({ "verdict": line.verdict, "exceptions": [] });
    let got = json!({ "verdict": line.verdict, "exceptions": wrong });
    Ok(Answered::exact(&want, got))
}
