//! A real log, field by field.

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use ringwall_input::audit::{Options, Summary, read_events, read_file};
use ringwall_model::audit::{Event, ResponseStatus};
use ringwall_model::text::Position;
use serde_json::{Value, json};

const EVENTS: &str = include_str!("../fixtures/audit/events.jsonl");

fn map(value: &Value) -> Vec<(String, String)> {
    let entries = value.as_object().into_iter().flatten();
    entries.map(|(key, value)| (key.clone(), value.as_str().expect("text").to_owned())).collect()
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().map(|text| text.as_str().expect("text")).collect()
}

/// Holds an event against its JSON, field by field.
fn same(event: &Event<'_>, json: &Value, bodies: bool) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for (ours, theirs) in [
        (&event.level, &json["level"]),
        (&event.audit_id, &json["auditID"]),
        (&event.stage, &json["stage"]),
        (&event.request_uri, &json["requestURI"]),
        (&event.verb, &json["verb"]),
        (&event.user_agent, &json["userAgent"]),
        (&event.request_received_timestamp, &json["requestReceivedTimestamp"]),
        (&event.stage_timestamp, &json["stageTimestamp"]),
    ] {
        assert_eq!(*ours, text(theirs));
    }
    assert_eq!(event.impersonated_user.is_some(), json.get("impersonatedUser").is_some());
    for (user, json) in
        [(Some(&event.user), &json["user"]), (event.impersonated_user.as_ref(), &json["impersonatedUser"])]
    {
        let Some(user) = user else { continue };
        assert_eq!((&*user.username, &*user.uid), (&*text(&json["username"]), &*text(&json["uid"])));
        assert_eq!(user.groups, strings(&json["groups"]));
        let extra: Vec<_> = user.extra.iter().map(|(key, values)| (key.to_string(), json!(values))).collect();
        let theirs = json["extra"].as_object().into_iter().flatten();
        assert_eq!(extra, theirs.map(|(key, values)| (key.clone(), values.clone())).collect::<Vec<_>>());
    }
    let constraint =
        event.authentication_metadata.as_ref().map(|metadata| metadata.impersonation_constraint.to_string());
    assert_eq!(constraint, json.pointer("/authenticationMetadata/impersonationConstraint").map(text));
    assert_eq!(event.source_ips, strings(&json["sourceIPs"]));
    assert_eq!(event.object_ref.is_some(), json.get("objectRef").is_some());
    if let Some(object) = &event.object_ref {
        for (ours, key) in [
            (&object.resource, "resource"),
            (&object.namespace, "namespace"),
            (&object.name, "name"),
            (&object.uid, "uid"),
            (&object.api_group, "apiGroup"),
            (&object.api_version, "apiVersion"),
            (&object.resource_version, "resourceVersion"),
            (&object.subresource, "subresource"),
        ] {
            assert_eq!(*ours, text(&json["objectRef"][key]), "{key}");
        }
    }
    let status = event.response_status.as_ref().expect("all of these have one");
    let theirs = &json["responseStatus"];
    assert_eq!(i64::from(status.code), theirs["code"].as_i64().expect("a number"));
    for (ours, key) in [(&status.status, "status"), (&status.message, "message"), (&status.reason, "reason")]
    {
        assert_eq!(*ours, text(&theirs[key]), "{key}");
    }
    let annotations: Vec<_> =
        event.annotations.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    assert_eq!(annotations, map(&json["annotations"]));
    for (ours, key) in [(event.request_object, "requestObject"), (event.response_object, "responseObject")] {
        let ours = ours.map(|text| serde_json::from_str::<Value>(text).expect("JSON"));
        assert_eq!(ours.as_ref(), json.get(key).filter(|_| bodies), "{key}");
    }
}

#[test]
fn every_field_of_a_real_log_is_read() {
    let lines: Vec<Value> = EVENTS.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for bodies in [false, true] {
        let mut at = 0;
        let options = Options { bodies, ..Options::default() };
        let summary = read_events(EVENTS.as_bytes(), "log", &options, |event, place| {
            same(&event, &lines[at], bodies);
            at += 1;
            assert_eq!(place, Position { line: at as u32, column: 1 });
        });
        assert_eq!((summary.events as usize, summary.broken), (lines.len(), 0));
    }
    // The cut has something for each of these.
    assert!(
        lines.iter().any(|line| line.pointer("/authenticationMetadata/impersonationConstraint").is_some())
    );
    assert!(lines.iter().any(|line| line.pointer("/user/extra").is_some()));
    assert!(lines.iter().any(|line| line.get("responseObject").is_some()));
    assert!(lines.iter().any(|line| line.pointer("/responseStatus/reason").is_some()));
}

#[test]
fn all_of_a_real_log_is_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/audit/real-audit.log.gz");
    if !path.is_file() {
        return skipped(&path);
    }
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(&path).unwrap()).read_to_string(&mut text).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut at = 0;
    let options = Options { bodies: true, ..Options::default() };
    let summary = read_file(&path, &options, |event, _| {
        same(&event, &lines[at], true);
        at += 1;
    });
    let whole = Summary { events: 297, bytes: text.len() as u64, whole: true, ..Summary::default() };
    assert_eq!(summary, whole);
}

#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn skipped(path: &Path) {
    println!("skipped: {} is not here", path.display());
}

#[test]
fn texts_are_borrowed_where_nothing_is_escaped() {
    let line = r#"{"kind":"Event","auditID":"1","verb":"get","user":{"username":"a\u0026b"},"requestObject": {"a": [1]} }"#;
    let options = Options { bodies: true, ..Options::default() };
    let summary = read_events(line.as_bytes(), "log", &options, |event, _| {
        assert!(matches!(event.verb, Cow::Borrowed("get")));
        assert_eq!(event.user.username, "a&b");
        assert_eq!(event.request_object, Some(r#"{"a": [1]}"#));
    });
    assert_eq!(summary.events, 1);
}

#[test]
fn null_is_a_field_that_is_not_there_and_unknown_fields_are_passed_over() {
    let line = r#"{"kind":"Event","auditID":"1","verb":null,"user":null,"impersonatedUser":null,"sourceIPs":null,"objectRef":null,
        "annotations":{"a":null},"responseStatus":{"code":null,"details":5},"requestObject":null,"more":{"verb":[{}]},"level":"a","level":"b"}"#;
    let options = Options { bodies: true, ..Options::default() };
    let mut seen = 0;
    let summary = read_events(line.as_bytes(), "log", &options, |event, _| {
        seen += 1;
        let expected = Event {
            audit_id: "1".into(),
            level: "b".into(),
            annotations: [("a".into(), "".into())].into(),
            response_status: Some(ResponseStatus::default()),
            ..Event::default()
        };
        assert_eq!(event, expected);
    });
    assert_eq!((seen, summary.broken), (1, 0));
}

#[test]
fn half_a_pair_is_replaced_as_go_replaces_it() {
    let line = r#"{"kind":"Event","auditID":"1","verb":"\ud800x","requestObject":{"a": "\ud800"},"responseObject":null}"#;
    let options = Options { bodies: true, ..Options::default() };
    let mut seen = Vec::new();
    read_events(line.as_bytes(), "log", &options, |event, _| {
        assert_eq!(event.response_object, None);
        seen.push((event.verb.into_owned(), event.request_object.map(str::to_owned)));
    });
    assert_eq!(seen, [("\u{fffd}x".to_owned(), Some(r#"{"a": "\ud800"}"#.to_owned()))]);
}
