//! Area `yaml`: how a stream is split into documents, and what each means.

use std::path::Path;
use std::sync::Arc;

use ringwall_input::{Limits, stream};
use ringwall_model::text::Source;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answered, Area, Case, difference};

pub(crate) struct Yaml;

#[derive(Deserialize)]
struct Line {
    case: Input,
    want: Value,
}

#[derive(Deserialize)]
struct Input {
    r#in: String,
}

impl Area for Yaml {
    fn name(&self) -> &'static str {
        "yaml"
    }

    fn mode_of(&self, stem: &str) -> Option<&'static str> {
        (stem == "yaml").then_some("yaml")
    }

    fn answer(&self, _mode: &str, case: &Case<'_>, _folder: &Path) -> Answered {
        let line: Line = match case.read() {
            Ok(line) => line,
            Err(error) => return Answered::unanswered(error),
        };
        let decoded =
            stream::decode_yaml(&Arc::new(Source::new(case.id.as_str(), line.case.r#in)), &Limits::default());
        let docs: Vec<Value> = decoded
            .documents
            .iter()
            .map(|document| match &document.tree {
                Ok(tree) => {
                    let mut answer = json!({ "json": serde_json::to_value(tree.root()).unwrap_or_default() });
                    if let Some(strict) = &document.strict {
                        answer["strict_error"] = json!(strict.message);
                    }
                    answer
                }
                Err(error) => json!({ "error": error.message }),
            })
            .collect();
        let mut got = json!({ "docs": docs });
        if let Some(error) = decoded.error {
            got["split_error"] = json!(error.message);
        }
        let difference = (!same(&line.want, &got)).then(|| difference(&line.want, &got));
        Answered { verdict: json!({ "want": got }), difference, skipped: false }
    }
}

/// The same documents; of errors only that there is one, and where.
fn same(want: &Value, got: &Value) -> bool {
    let none = Vec::new();
    let docs = |value: &Value| value["docs"].as_array().unwrap_or(&none).clone();
    let (want_docs, got_docs) = (docs(want), docs(got));
    let both = |key: &str, a: &Value, b: &Value| a.get(key).is_some() == b.get(key).is_some();
    both("split_error", want, got)
        && want_docs.len() == got_docs.len()
        && want_docs.iter().zip(&got_docs).all(|(a, b)| {
            both("error", a, b)
                && both("strict_error", a, b)
                && both("json", a, b)
                && equal(a.get("json").unwrap_or(&Value::Null), b.get("json").unwrap_or(&Value::Null))
        })
}

/// Equal values; numbers are compared by value, so 1 equals 1.0.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| equal(x, y)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len()
                && x.iter().all(|(key, value)| y.get(key).is_some_and(|other| equal(value, other)))
        }
        _ => a == b,
    }
}
