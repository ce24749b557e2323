//! Op `validate`: what the webhook says of each of Istio's objects. Compared is whether it is let in, and whether there is a warning.

use ringwall_mesh::validate;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Answered, Line, objects};

#[derive(Deserialize)]
struct Case<'f> {
    id: String,
    #[serde(borrow)]
    resources: Vec<&'f RawValue>,
}

#[derive(Deserialize)]
struct Want {
    resources: Vec<Said>,
}

/// What the reference says of an object. The texts are for people.
#[derive(Deserialize)]
struct Said {
    kind: String,
    namespace: String,
    name: String,
    accepted: bool,
    #[serde(default)]
    warning: String,
}

pub(super) fn answer(line: &Line<'_>) -> Result<Answered, String> {
    let case: Case<'_> = serde_json::from_str(line.case.get()).map_err(|error| error.to_string())?;
    let want: Want = serde_json::from_str(line.want.get()).map_err(|error| error.to_string())?;
    let want: Vec<Value> = want.resources.iter().map(wanted).collect();
    let (mut got, mut said) = (Vec::new(), Vec::new());
    for object in objects::objects(&case.id, &case.resources)? {
        if !object.id.group.ends_with("istio.io") {
            continue;
        }
        let Some(verdict) = validate::validate(&object) else {
            return Err(format!("nothing is known of {}", object.id.kind));
        };
        let namespace = object.id.namespace.clone().unwrap_or_default();
        got.push(one(
            &object.id.kind,
            &namespace,
            &object.id.name,
            verdict.is_accepted(),
            !verdict.warnings.is_empty(),
        ));
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

fn wanted(said: &Said) -> Value {
    one(&said.kind, &said.namespace, &said.name, said.accepted, !said.warning.is_empty())
}

fn one(kind: &str, namespace: &str, name: &str, accepted: bool, warns: bool) -> Value {
    json!({ "kind": kind, "namespace": namespace, "name": name, "accepted": accepted, "warns": warns })
}
