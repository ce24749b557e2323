//! Random events in every form, and random damage.

use proptest::prelude::*;
use ringwall_input::audit::{Options, Summary, read_events};
use serde_json::{Value, json};

use super::{Drops, gzip, read_with};

/// Text with what JSON escapes, and what it does not.
fn text() -> impl Strategy<Value = String> + Clone {
    "[a-z\"\\\\\n\u{1}/:{}\\[\\],üé😀 ]{0,6}"
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(text(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn any_event() -> impl Strategy<Value = Value> {
    let user = (
        text(),
        proptest::collection::vec(text(), 0..3),
        proptest::collection::btree_map(text(), proptest::collection::vec(text(), 0..2), 0..2),
    );
    let user = user.prop_map(
        |(username, groups, extra)| json!({ "username": username, "groups": groups, "extra": extra }),
    );
    let annotations = proptest::collection::btree_map(text(), text(), 0..3);
    ("[a-z0-9]{1,4}", text(), user.clone(), proptest::option::of(user), annotations, any_json(), any::<i32>()).prop_map(
        |(id, verb, user, impersonated, annotations, body, code)| {
            json!({
                "kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": id, "verb": verb, "user": user,
                "impersonatedUser": impersonated, "annotations": annotations, "requestObject": body.clone(),
                "objectRef": { "resource": verb, "name": id }, "responseStatus": { "code": code }, "other": body,
            })
        },
    )
}

/// A stream with its bodies, without the places.
fn told(bytes: &[u8], size: usize) -> (Vec<String>, Summary) {
    let options = Options { bodies: true, ..Options::default() };
    let mut events = Vec::new();
    let summary = read_events(Drops(bytes, size), "log", &options, |mut event, _| {
        let body = event.request_object.take().map(|body| serde_json::from_str::<Value>(body).expect("JSON"));
        events.push(format!("{event:?} {body:?}"));
    });
    (events, summary)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_form_holds_the_same_events(events in proptest::collection::vec(any_event(), 0..5), size in 1_usize..300) {
        let lines: Vec<String> = events.iter().map(Value::to_string).collect();
        let spread: Vec<String> = events.iter().map(|event| serde_json::to_string_pretty(event).unwrap()).collect();
        let list = json!({ "kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": events });
        let first = told(lines.join("\n").as_bytes(), usize::MAX);
        prop_assert_eq!(first.0.len(), events.len());
        prop_assert_eq!(first.1.broken, 0);
        for form in [
            lines.join("\r\n\n") + "\n",
            lines.concat(),
            spread.join("\n"),
            spread.concat(),
            list.to_string(),
            serde_json::to_string_pretty(&list).unwrap(),
            list.to_string().replacen("EventList", "List", 1).replacen("audit.k8s.io/v1", "v1", 1),
            format!("[{}]", spread.join(",")),
            format!("{{\"items\":[{}],\"kind\":\"EventList\"}}", lines.join(" , ")),
            lines.iter().map(|line| [r#"{"kind":"EventList","items":["#, line, "]}\n"].concat()).collect(),
        ] {
            let packed = gzip(&form);
            let half = form.len() / 2;
            let parts = [gzip(&form.as_bytes()[..half]), gzip(&form.as_bytes()[half..])].concat();
            for bytes in [form.as_bytes(), &packed, &parts] {
                let (seen, summary) = told(bytes, size);
                prop_assert_eq!(&seen, &first.0);
                prop_assert_eq!((summary.broken, summary.whole, summary.bytes), (0, true, form.len() as u64));
            }
        }
    }

    #[test]
    fn whatever_is_damaged_the_other_lines_are_read(
        events in proptest::collection::vec(any_event(), 3..6), at in any::<prop::sample::Index>(), with in any::<u8>(), remove in any::<bool>(),
    ) {
        let lines: Vec<String> = events.iter().map(Value::to_string).collect();
        let whole = told(lines.join("\n").as_bytes(), usize::MAX).0;
        let mut bytes = lines[1].clone().into_bytes();
        let at = at.index(bytes.len());
        if remove { bytes.truncate(at); } else { bytes[at] = with; }
        let text = [lines[0].as_bytes(), &bytes, lines[2..].join("\n").as_bytes()].join(&b"\n"[..]);
        let (seen, summary) = told(&text, usize::MAX);
        prop_assert_eq!((&seen, &summary), (&told(&text, 3).0, &told(&text, 3).1));
        prop_assert_eq!(seen.first(), whole.first());
        prop_assert_eq!(seen.last(), whole.last());
        prop_assert!(seen.len() + 1 >= whole.len(), "{:?}", summary.problems);
    }

    #[test]
    fn whatever_it_is_it_is_read_to_its_end(text in r#"([\[\]{}:,\n "]|"items":\[|"kind":"(Event|EventList|Pod)"|"auditID":"1"|1|tru|"a"){0,40}"#) {
        let options = Options { event_bytes: 60, depth: 6, ..Options::default() };
        let seen = read_with(text.as_bytes(), &options);
        prop_assert!(seen.summary.whole);
        prop_assert_eq!(&seen, &read_with(Drops(text.as_bytes(), 1), &options));
    }
}
