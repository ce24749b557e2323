//! Each field of each kind once in all forms.

use ringwall_input::{Limits, read_text};
use ringwall_model::object::Object;
use serde_json::{Map, Value as Json, json};

use super::kinds::KINDS;
use super::proto::{Message, Type};
use super::{analyze, unknown_fields, validate};

/// A value of a type, with all that is in it.
fn filled(kind: Type) -> Json {
    match kind {
        Type::Bool => json!(true),
        Type::Int32 | Type::Int64 | Type::Uint32 | Type::Uint64 | Type::Number => json!(80),
        Type::Float | Type::Double => json!(0.5),
        Type::Text => json!("a"),
        Type::Bytes => json!("YQ=="),
        Type::Duration => json!("1s"),
        Type::Struct => json!({ "name": "a" }),
        Type::Enum(choices) => json!(choices.values.last().map(|(name, _)| *name)),
        Type::Message(message) => Json::Object(fields(message)),
        Type::List(of) => json!([filled(*of)]),
        Type::Map(of) => json!({ "a": filled(*of) }),
        Type::NumberMap(of) => json!({ "80": filled(*of) }),
    }
}

fn fields(message: &Message) -> Map<String, Json> {
    message.fields.iter().map(|field| (field.json.to_owned(), filled(field.kind))).collect()
}

/// The specs in which one of the values in `spec` is another.
fn changed(spec: &Json, to: &Json, into: &mut Vec<Json>) {
    into.push(to.clone());
    let mut inner = Vec::new();
    match spec {
        Json::Object(map) => {
            for (key, value) in map {
                changed(value, to, &mut inner);
                into.extend(inner.drain(..).map(|value| {
                    let mut map = map.clone();
                    map.insert(key.clone(), value);
                    Json::Object(map)
                }));
            }
        }
        Json::Array(list) => {
            changed(&list[0], to, &mut inner);
            into.extend(inner.into_iter().map(|value| json!([value])));
        }
        _ => {}
    }
}

fn object(group: &str, version: &str, kind: &str, spec: &Json) -> Object {
    let whole = json!({
        "apiVersion": format!("{group}/{version}"), "kind": kind, "metadata": { "name": "a", "namespace": "b" }, "spec": spec,
    });
    let read = read_text("object.json", whole.to_string(), &Limits::default());
    read.objects.into_iter().next().unwrap()
}

#[test]
fn all_fields_of_all_kinds_are_read_and_known() {
    for kind in &KINDS {
        for version in kind.versions {
            let spec = Json::Object(fields(kind.message));
            let whole = object(kind.group, version, kind.kind, &spec);
            assert_eq!(unknown_fields(&whole), [], "{}", kind.kind);
            let verdict = validate(&whole).unwrap();
            let is_read =
                |message: &str| !message.starts_with("json: ") && !message.starts_with("unknown value ");
            assert!(
                verdict.errors.iter().all(|error| is_read(&error.message)),
                "{}: {:?}",
                kind.kind,
                verdict.errors
            );
            assert!(
                validate(&object(kind.group, "v0", kind.kind, &spec)).unwrap().errors[0]
                    .message
                    .starts_with("unknown kind ")
            );
        }
    }
    assert_eq!(validate(&object("example.com", "v1", "Gateway", &json!({}))), None);
}

#[test]
fn whatever_stands_in_a_field_there_is_an_answer() {
    let forms = [json!(null), json!(-1.5), json!("é*"), json!([null]), json!({ "": null })];
    let (mut asked, mut unreadable) = (0, 0);
    for kind in &KINDS {
        for form in &forms {
            let mut specs = Vec::new();
            changed(&Json::Object(fields(kind.message)), form, &mut specs);
            for spec in &specs {
                let object = object(kind.group, kind.versions[0], kind.kind, spec);
                let verdict = validate(&object).unwrap();
                if let Some(error) = verdict.errors.iter().find(|error| error.message.starts_with("json: ")) {
                    assert_eq!((verdict.errors.len(), verdict.warnings.len()), (1, 0), "{error:?}");
                    unreadable += 1;
                }
                assert!(
                    verdict.errors.iter().chain(&verdict.warnings).all(|told| !told.message.is_empty()),
                    "{spec}"
                );
                assert!(analyze(&object).is_some());
                asked += 1;
            }
        }
    }
    assert!(asked > 4000 && unreadable > 1000, "{asked} {unreadable}");
}
