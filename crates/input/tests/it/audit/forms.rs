//! Every form of a log that is whole.

use ringwall_input::audit::{Options, Summary, read_file};

use super::{Drops, broken, event, fine, gzip, item, list, pretty, read_with};
use crate::Dir;

#[test]
fn lines_are_read_with_blank_lines_crlf_and_byte_order_marks() {
    fine("", &[]);
    fine("\u{feff}\n \r\n", &[]);
    fine(format!("¶{}", event("1")), &["1"]);
    fine(
        format!("\u{feff}¶{}\r\n\r\n  ¶{}\n\u{feff}¶{}", event("1"), event("2"), event("3")),
        &["1", "2", "3"],
    );
}

#[test]
fn documents_may_span_lines_and_share_them() {
    let (one, two) = (event("1"), event("2"));
    fine(format!("¶{}\n¶{}", pretty(&one), pretty(&two)), &["1", "2"]);
    fine(format!("¶{one}¶{two} ¶{one}"), &["1", "2", "1"]);
    fine(format!("¶{}¶{two}\n¶{one}", pretty(&one)), &["1", "2", "1"]);
}

#[test]
fn lists_are_read_item_by_item() {
    let items = [format!("¶{}", item("1")), format!("¶{}", item("2"))];
    let [one, two] = &items;
    let three = format!("¶{}", event("3"));
    // One after the other, as a webhook gets them.
    fine(format!("{}\n{}\n{three}\n", list(&items), list(&[])), &["1", "2", "3"]);
    let plain = pretty(&list(&[item("1"), item("2")]));
    fine(plain.replace("{\n      \"auditID", "¶{\n      \"auditID"), &["1", "2"]);
    // kubectl sorts keys.
    let sorted = format!(r#"{{"apiVersion":"v1","items":[{three},{two}],"kind":"List","metadata":{{}}}}"#);
    fine(&sorted, &["3", "2"]);
    fine(format!("[{three},{two}]{one}"), &["3", "2", "1"]);
    // jq puts lists into an array.
    fine(format!("[{}\n, {sorted} , {three}]", list(&items)), &["1", "2", "3", "2", "3"]);
    fine(format!(r#"{{"items":[{one}]}}"#), &["1"]);
    fine(r#"{"kind":"EventList","items":null}{"kind":"List","apiVersion":"v1"}[][]"#, &[]);
    // Items in two parts are odd, and no less there.
    fine(format!(r#"{{"items":[{one}],"kind":"List","items":[{two}]}}"#), &["1", "2"]);
    // No event has items; one that has is an event all the same.
    fine(r#"¶{"kind":"Event","auditID":"1","items":[{"auditID":"2"}]}"#, &["1"]);
    fine(r#"¶{"items":{"auditID":"2"},"kind":"Event","auditID":"1"}"#, &["1"]);
}

#[test]
fn all_forms_may_be_packed() {
    let (one, two) = (event("1") + "\n", list(&[item("2"), item("3")]));
    let seen = read_with(&gzip(one.clone() + &two)[..], &Options::default());
    assert_eq!((seen.events.len(), seen.summary.broken, seen.summary.whole), (3, 0, true));
    assert_eq!(seen.summary.bytes, (one.len() + two.len()) as u64);
    // Rotated logs are put together by `cat`.
    let parts = [gzip(&one[..20]), gzip(&one[20..]), gzip(""), gzip(&two)].concat();
    for size in [1, 1000] {
        assert_eq!(read_with(Drops(&parts, size), &Options::default()), seen);
    }
    assert_eq!(
        read_with(&gzip("")[..], &Options::default()).summary,
        Summary { whole: true, ..Summary::default() }
    );
}

#[test]
fn both_versions_are_read_and_others_named() {
    fine(format!("¶{}", event("1").replace("v1", "v1beta1")), &["1"]);
    broken(
        format!("§{}\n§{}", event("1").replace("v1", "v1alpha1"), list(&[]).replace("v1", "v2")),
        &[],
        &[
            "expected an audit event, got Event of audit.k8s.io/v1alpha1",
            "expected an audit event, got EventList of audit.k8s.io/v2",
        ],
    );
}

#[test]
fn files_are_read_by_their_name() {
    let dir = Dir::with(&[("audit.log", &(event("1") + "\nx"))]);
    let mut events = 0;
    let summary = read_file(&dir.path("audit.log"), &Options::default(), |_, _| events += 1);
    assert_eq!((events, summary.events, summary.whole), (1, 1, true));
    assert!(summary.problems[0].to_string().contains("audit.log:2:1: expected"), "{}", summary.problems[0]);
    for path in [dir.path("missing"), dir.path(".")] {
        let summary = read_file(&path, &Options::default(), |_, _| events += 1);
        assert_eq!((summary.problems.len(), summary.whole), (1, false), "{}", path.display());
    }
}
