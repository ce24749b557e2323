//! Op `validate`: what the webhook says of each of Istio's objects. Compared is whether it is let in, and whether there is a warning; of cases with
//! `texts` each message.

use ringwall_mesh::validate::{self, Complaint};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Answered, Line, objects};

#[derive(Deserialize)]
struct Case<'f> {
    id: String,
    #[serde(borrow)]
    resources: Vec<&'f RawValue>,
    /// Whether the messages are compared, too: they have no order by chance.
    #[serde(default)]
    texts: bool,
}

#[derive(Deserialize)]
struct Want {
    resources: Vec<Said>,
}

/// What the reference says of an object.
#[derive(Deserialize)]
struct Said {
    kind: String,
    namespace: String,
    name: String,
    accepted: bool,
    #[serde(default)]
    error: String,
    #[serde(default)]
    warning: String,
}

pub(super) fn answer(line: &Line<'_>) -> Result<Answered, String> {
    let case: Case<'_> = serde_json::from_str(line.case.get()).map_err(|error| error.to_string())?;
    let want: Want = serde_json::from_str(line.want.get()).map_err(|error| error.to_string())?;
    let want: Vec<Value> = want.resources.iter().map(|said| wanted(said, case.texts)).collect();
    let (mut got, mut said) = (Vec::new(), Vec::new());
    for object in objects::objects(&case.id, &case.resources)? {
        if !object.id.group.ends_with("istio.io") {
            continue;
        }
        let Some(verdict) = validate::validate(&object) else {
            return Err(format!("nothing is known of {}", object.id.kind));
        };
        let namespace = object.id.namespace.clone().unwrap_or_default();
        let id = &object.id;
        let mut answer =
            one(&id.kind, &namespace, &id.name, verdict.is_accepted(), !verdict.warnings.is_empty());
        if case.texts {
            let texts =
                |of: &[Complaint]| of.iter().map(|it| it.message.as_str()).collect::<Vec<_>>().join(BULLET);
            with_texts(&mut answer, &texts(&verdict.errors), &texts(&verdict.warnings));
        }
        got.push(answer);
        said.extend(
            verdict
                .errors
                .into_iter()
                .chain(verdict.warnings)
                .map(|it| format!("{}: {}", it.path, it.message)),
        );
    }
    let mut answered = Answered::exact(&json!(want), json!(got));
    if let Some(difference) = &mut answered.difference {
        difference.push('\n');
        difference.push_str(&said.join("\n"));
    }
    Ok(answered)
}

fn wanted(said: &Said, has_texts: bool) -> Value {
    let mut answer = one(&said.kind, &said.namespace, &said.name, said.accepted, !said.warning.is_empty());
    if has_texts {
        // The oracle says where an object could not be read.
        let error = said.error.strip_prefix("convert: ").or_else(|| said.error.strip_prefix("decode: "));
        with_texts(&mut answer, messages(error.unwrap_or(&said.error)), messages(&said.warning));
    }
    answer
}

fn with_texts(answer: &mut Value, errors: &str, warnings: &str) {
    if let Value::Object(fields) = answer {
        fields.insert("errors".to_owned(), json!(errors));
        fields.insert("warnings".to_owned(), json!(warnings));
    }
}

/// What stands before each message of an error that is made of several. Source: github.com/hashicorp/go-multierror `format.go`.
const BULLET: &str = "\n\t* ";

/// The messages of such an error. One of them may be such an error itself, so that they are not split.
fn messages(text: &str) -> &str {
    let listed = text.split_once(BULLET).and_then(|(count, list)| {
        let is_count =
            count.strip_suffix(" error occurred:").or_else(|| count.strip_suffix(" errors occurred:"))?;
        is_count.parse::<u32>().ok()?;
        list.strip_suffix("\n\n")
    });
    listed.unwrap_or(text)
}

fn one(kind: &str, namespace: &str, name: &str, accepted: bool, warns: bool) -> Value {
    json!({ "kind": kind, "namespace": namespace, "name": name, "accepted": accepted, "warns": warns })
}
