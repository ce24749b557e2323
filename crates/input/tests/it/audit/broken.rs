//! What is broken is named where it is, and the rest is read.

use std::io::{self, Read};

use flate2::read::GzDecoder;
use ringwall_input::audit::Options;
use ringwall_model::text::Position;

use super::{Drops, Seen, broken, event, gzip, item, list, pretty, read, read_with};

fn ids(seen: &Seen) -> Vec<&str> {
    seen.events.iter().filter_map(|event| event.split(' ').next()).collect()
}

#[test]
fn what_is_no_audit_event_is_named_and_passed_over() {
    let none = "expected an audit event, got an object without kind";
    broken(
        format!(
            "¶{}\n§{{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"user\":1}}\n§{{\"kind\":\"Event\",\"apiVersion\":\"v1\"}}\n\
             §{{\"user\":\"bob\",\"msg\":\"hello\"}}\n[§1,§null,§\"a\",§[{{}}],§{{}},¶{}]\n§{{\"auditID\":\"\"}}\n¶{}\n\
             §{{\"apiVersion\":\"audit.k8s.io/v1\"}}",
            event("1"),
            event("2"),
            event("3")
        ),
        &["1", "2", "3"],
        &[
            "expected an audit event, got Pod of v1",
            "expected an audit event, got Event of v1",
            none,
            "invalid type: integer `1`, expected an object",
            none,
            "invalid type: string \"a\", expected an object",
            "invalid type: sequence, expected an object",
            none,
            none,
            "expected an audit event, got an object of audit.k8s.io/v1 without kind",
        ],
    );
}

#[test]
fn a_list_of_something_else_is_named_once() {
    let pods = r#"§{"kind":"PodList","apiVersion":"v1","items":[{"metadata":{}},{"metadata":{}}]}"#;
    let named = "expected an audit event, got PodList of v1";
    broken(format!("{pods}\n¶{}", event("1")), &["1"], &[named]);
    // Where the kind comes last, its items have been looked at.
    let seen = read(r#"{"apiVersion":"v1","items":[{"metadata":{}}],"kind":"PodList"}"#);
    let item = "1:29: expected an audit event, got an object without kind";
    assert_eq!(seen.problems, [item.to_owned(), format!("1:1: {named}")]);
    broken(
        r#"{"kind":"List","items":§{}}§{"items":5}"#,
        &[],
        &["items: expected a list", "expected an audit event, got an object without kind"],
    );
}

#[test]
fn a_field_of_the_wrong_type_is_named_where_it_is_written() {
    let head = r#"{"kind":"Event","auditID":"1","#;
    for (rest, problem) in [
        (r#""verb":§7}"#, "verb: invalid type: integer `7`, expected a string"),
        (r#""user":§"bob"}"#, "user: invalid type: string \"bob\", expected an object"),
        (r#""user":{"groups":["a",§{}]}}"#, "user.groups[1]: invalid type: map, expected a string"),
        (r#""user":{"extra":{"k":§"v"}}}"#, "user.extra.k: invalid type: string \"v\", expected a list"),
        (r#""impersonatedUser":§[]}"#, "impersonatedUser: invalid type: sequence, expected an object"),
        (r#""sourceIPs":§"::1"}"#, "sourceIPs: invalid type: string \"::1\", expected a list"),
        (r#""objectRef":{"name":§true}}"#, "objectRef.name: invalid type: boolean `true`, expected a string"),
        (
            r#""responseStatus":{"code":§"200"}}"#,
            "responseStatus.code: invalid type: string \"200\", expected a whole number of 32 bits",
        ),
        (
            r#""responseStatus":{"code":§2e2}}"#,
            "responseStatus.code: invalid type: floating point `200.0`, expected a whole number of 32 bits",
        ),
        (
            r#""responseStatus":{"code":§3000000000}}"#,
            "responseStatus.code: invalid value: integer `3000000000`, expected a whole number of 32 bits",
        ),
        (r#""annotations":{"a/b":§1}}"#, "annotations[a/b]: invalid type: integer `1`, expected a string"),
        (r#""stageTimestamp":§0}"#, "stageTimestamp: invalid type: integer `0`, expected a string"),
        (
            r#""authenticationMetadata":{"impersonationConstraint":§[]}}"#,
            "authenticationMetadata.impersonationConstraint: invalid type: sequence, expected a string",
        ),
        (r#""apiVersion":§1}"#, "apiVersion: invalid type: integer `1`, expected a string"),
    ] {
        broken(format!("{head}{rest}\n¶{}", event("2")), &["2"], &[problem]);
        // In a list, the item alone is broken.
        let text = format!("{{\"items\":[\n¶{},{head}{rest},\n¶{}]}}", event("1"), event("2"));
        broken(&text, &["1", "2"], &[problem]);
    }
}

#[test]
fn after_a_broken_line_the_next_one_is_read() {
    for (line, problem) in [
        ("§what is this", "expected an audit event or a list of them, got `w`"),
        ("§}", "expected an audit event or a list of them, got `}`"),
        ("  §\"text\"", "expected an audit event or a list of them, got `\"`"),
        ("§ü", "expected an audit event or a list of them, got `ü`"),
        (r#"{"kind":"Event" §"a":1}"#, "expected `,` or `}`, got `\"`"),
        (r#"{"kind":"Event","a":§tru}"#, "expected a JSON value, got `t`"),
        (r#"{"kind":"Event","a":0§1}"#, "a JSON number has no leading zero"),
        (r#"{"kind":"Event","a":"§\x"}"#, "no such escape in JSON"),
        (r#"{"kind":"Event","üü":§}"#, "expected a value, got `}`"),
        (r#"{"kind":"Event","a":{§]}"#, "expected a key in double quotes, got `]`"),
        (r#"{"kind":"Event","a":"cut o§"#, "expected the end of a string, got the end of the line"),
        (
            r#"{"kind":"EventList","items":[5 §6]}"#,
            "expected `,` or `]`, got `6`, in the list that begins at 2:1",
        ),
        (r#"{"kind":"EventList","items":[§}"#, "expected a value, got `}`, in the list that begins at 2:1"),
        // What comes after an event takes the rest of the line with it and nothing more.
        (r#"{"kind":"EventList"} §, {"auditID":"7"}"#, "expected an audit event or a list of them, got `,`"),
    ] {
        let mut problems = vec![problem];
        if line.contains("[5") {
            problems.insert(0, "invalid type: integer `5`, expected an object");
        }
        let line = line.replace("[5", "[§5");
        broken(format!("¶{}\n{line}\n¶{}", event("1"), event("2")), &["1", "2"], &problems);
    }
    let bytes = [
        event("1").as_bytes(),
        b"\n\xff\xfe\n{\"auditID\":\"2\",\"verb\":\"a\xff\"}\n",
        event("3").as_bytes(),
    ]
    .concat();
    let seen = read(bytes);
    assert_eq!(seen.events, ["1 1:1", "3 4:1"]);
    let byte = "2:1: expected an audit event or a list of them, got byte 0xff";
    assert_eq!(seen.problems, [byte, "3:25: not valid UTF-8"]);
}

#[test]
fn a_line_that_was_cut_off_does_not_take_the_next_ones_with_it() {
    for cut in [
        r#"{"kind":"Event","#,
        r#"{"kind":"Event""#,
        r#"{"kind":"Event","user":"#,
        r#"{"kind":"Event","user":{"#,
        r#"{"kind":"Event","user":{"groups":["#,
        r#"{"kind":"Event","user":{"groups":["a","#,
        r#"{"kind":"Eve"#,
        r#"{"kind":"Event","a":tr"#,
        r#"{"kind":"Event","a":"\"#,
        "{",
    ] {
        for end in ["", "\n"] {
            for blank in ["\n", "\n\n", "\r\n"] {
                let text = [event("1"), cut.to_owned(), event("2"), event("3")].join(blank) + end;
                let seen = read(&text);
                let ids: Vec<&str> = seen.events.iter().filter_map(|event| event.split(' ').next()).collect();
                assert_eq!(
                    (ids, seen.problems.len()),
                    (vec!["1", "2", "3"], 1),
                    "{text}: {:?}",
                    seen.problems
                );
                // The last line of all.
                let seen = read(format!("{}{blank}{cut}{end}", event("1")));
                assert_eq!((seen.events.len(), seen.problems.len()), (1, 1), "{cut}");
            }
        }
    }
}

#[test]
fn a_list_that_was_cut_off_keeps_what_came_before() {
    let whole = list(&[item("1"), item("2"), item("3")]);
    for text in [&whole, &pretty(&whole)] {
        let items: Vec<usize> = text.match_indices("\"auditID\"").map(|(at, _)| at).collect();
        for cut in (1..text.len()).step_by(3) {
            let before = &text[..cut];
            let complete =
                items.iter().filter(|at| text.get(**at..cut).is_some_and(|item| item.contains('}'))).count();
            let seen = read(before);
            assert_eq!((seen.events.len(), seen.problems.len()), (complete, 1), "{before}");
            let Position { line, column } = seen.summary.problems[0].position.unwrap();
            let last = before.rsplit('\n').next().unwrap();
            let end = (before.matches('\n').count() + 1, last.chars().count() + 1);
            assert_eq!((line as usize, column as usize), end, "it says where it ends");
            // A list a line: the next line is another.
            let seen = read(format!("{before}\n{}", list(&[item("4")])));
            assert_eq!((seen.events.len(), ids(&seen).last()), (complete + 1, Some(&"4")), "{before}");
            assert!(!seen.problems.is_empty());
        }
    }
}

#[test]
fn in_a_list_of_an_item_a_line_the_next_item_is_read() {
    let odd = r#"{"auditID":"2","verb" §"get"}"#;
    let problem = "expected `:`, got `\"`, in the list that begins at 1:1";
    let lines = format!("{{\"items\":[\n  ¶{},\n  {odd},\n  ¶{}\n]}}\n¶{}", item("1"), item("3"), item("4"));
    broken(&lines, &["1", "3", "4"], &[problem]);
    let array = format!("[\n¶{},\n{odd},\n¶{}\n]\n¶{}", item("1"), item("3"), item("4"));
    broken(&array, &["1", "3", "4"], &[problem]);
    // Printed with indentation, a bracket that is missing.
    let text = pretty(&list(&[item("1"), item("2"), item("3")])) + "\n" + &event("4");
    let (before, after) = text.split_at(text.find("\"2\"").unwrap());
    let seen = read(format!("{before}{}", after.replacen("    },", "    ,", 1)));
    assert_eq!((ids(&seen), seen.problems.len()), (vec!["1", "3", "4"], 1), "{:?}", seen.problems);
    let seen = read(format!("{before}{}", after.replacen("    },", "    }", 1)));
    assert_eq!((ids(&seen), seen.problems.len()), (vec!["1", "2", "3", "4"], 1), "{:?}", seen.problems);
}

#[test]
fn what_is_wrong_in_the_head_of_a_list_is_named_and_its_items_are_read() {
    broken(
        format!(r#"{{"kind": §5, "items":[¶{}], "apiVersion":§tru}}"#, item("1")),
        &["1"],
        &["kind: invalid type: integer `5`, expected a string", "expected a JSON value, got `t`"],
    );
}

#[test]
fn packed_streams_may_break_too() {
    let text: String = (0..2000).map(|id| event(&id.to_string()) + "\n").collect();
    let packed = gzip(&text);
    let seen = read_with(&packed[..packed.len() / 2], &Options::default());
    assert!((500..1500).contains(&seen.events.len()), "{}", seen.events.len());
    assert!(!seen.summary.whole);
    let [problem] = &seen.problems[..] else { panic!("{:?}", seen.problems) };
    assert!(problem.ends_with(": the gzip stream ends in the middle"), "{problem}");
    assert!(problem.starts_with(&format!("{}:", seen.events.len() + 1)), "{problem}");
    assert_eq!(seen, read_with(Drops(&packed[..packed.len() / 2], 1), &Options::default()));

    let mut damaged = packed.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 20].fill(0xA5);
    let seen = read_with(&damaged[..], &Options::default());
    // All but what is unpacked together with the damage.
    let mut text = Vec::new();
    assert!(GzDecoder::new(&packed[..middle]).read_to_end(&mut text).is_err(), "it is cut off");
    assert!(seen.summary.bytes + (4 << 10) >= text.len() as u64, "{} of {}", seen.summary.bytes, text.len());
    assert!(!seen.summary.whole && seen.events.len() > 500, "{:?}", seen.problems);
    assert!(
        seen.problems.last().is_some_and(|problem| problem.contains("the gzip stream is damaged")),
        "{:?}",
        seen.problems
    );

    let seen = read_with(&[&packed[..], b"and more"].concat()[..], &Options::default());
    assert_eq!((seen.events.len(), seen.summary.broken, seen.summary.whole), (2000, 1, false));
    for length in 2..12 {
        let seen = read_with(&packed[..length], &Options::default());
        assert_eq!((seen.events.len(), seen.problems.len(), seen.summary.whole), (0, 1, false), "{length}");
    }
}

#[test]
fn a_stream_that_fails_keeps_what_came_before() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let text = format!("{}\n{{\"kind\":", event("1"));
    let seen = read_with(text.as_bytes().chain(Fails), &Options::default());
    assert_eq!(seen.events, ["1 1:1"]);
    assert_eq!(seen.problems, ["2:9: the disk is gone"]);
    assert!(!seen.summary.whole);
    let seen = read_with(Fails, &Options::default());
    assert_eq!((seen.problems, seen.summary.whole), (vec!["1:1: the disk is gone".to_owned()], false));
}

#[test]
fn other_encodings_are_named() {
    let utf16: Vec<u8> =
        format!("\u{feff}{}", event("1")).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let seen = read_with(&utf16[..], &Options::default());
    assert_eq!((seen.events.len(), seen.problems.len()), (0, 1));
    assert!(seen.problems[0].contains("save it as UTF-8"));
}

#[test]
fn an_event_may_be_as_long_and_as_deep_as_is_allowed() {
    let options = Options { event_bytes: 100, depth: 4, bodies: false, named: 20 };
    let long = |length: usize| {
        let text = r#"{"auditID":"2","verb":"~"}"#;
        text.replace('~', &"x".repeat(length + 1 - text.len()))
    };
    let deep = |depth: usize| {
        format!(r#"{{"auditID":"2","requestObject":{}{}}}"#, "[".repeat(depth - 1), "]".repeat(depth - 1))
    };
    let (too_long, too_deep) = ("longer than the 100 bytes that an event may have", "nested deeper than 4");
    let bracket = deep(5).find('[').unwrap();
    for (text, problem) in [
        (long(100), None),
        (long(101), Some((1, too_long))),
        (long(1 << 20), Some((1, too_long))),
        (deep(4), None),
        (deep(5), Some((bracket + 4, too_deep))),
        (deep(5000), Some((bracket + 4, too_deep))),
        (format!("{{\"a\":{}", "x".repeat(1 << 20)), Some((1, too_long))),
    ] {
        let text = format!("{}\n{text}\n{}\n", event("1"), event("3"));
        for size in [usize::MAX, 1, 1000] {
            let seen = read_with(Drops(text.as_bytes(), size), &options);
            match problem {
                None => assert_eq!((ids(&seen), &seen.problems[..]), (vec!["1", "2", "3"], &[][..])),
                Some((column, problem)) => {
                    assert_eq!(ids(&seen), ["1", "3"]);
                    assert_eq!(seen.problems, [format!("2:{column}: {problem}")]);
                }
            }
        }
    }
    // A list may be as long as it likes.
    let items: Vec<String> =
        (0..100).map(|id| item(&id.to_string())).chain([long(200), item("100")]).collect();
    for text in [list(&items), format!("[{}]", items.join(","))] {
        let seen = read_with(text.as_bytes(), &options);
        assert_eq!((seen.events.len(), seen.problems.len()), (101, 1), "{:?}", seen.problems);
    }
}

#[test]
fn lists_in_lists_have_an_end() {
    let nested =
        |depth: usize| format!("{}{}{}", r#"{"items":["#.repeat(depth), item("1"), "]}".repeat(depth));
    let seen = read(nested(8));
    assert_eq!((seen.events.len(), seen.problems.len()), (1, 0));
    let seen = read(nested(9));
    assert_eq!((seen.events.len(), seen.problems.len()), (0, 1));
}

/// What would take its square were it read from every line on.
#[test]
fn what_never_ends_is_not_read_again_and_again() {
    for text in [
        "{\"items\":[".repeat(200_000),
        "[".repeat(200_000),
        "[\n".repeat(200_000),
        "{\"a\":\n".repeat(200_000),
        "{\"items\":[\n".repeat(200_000),
        "{\n".repeat(200_000),
        format!("{}{}", "{\"a\":[\n".repeat(5000), "1,\n".repeat(200_000)),
        "{\"kind\":\"Event\",\"a\":[\n1,\n1,\n}\n".repeat(50_000),
    ] {
        let seen = read_with(text.as_bytes(), &Options::default());
        assert!(seen.events.is_empty() && seen.summary.broken > 0);
    }
}

#[test]
fn problems_beyond_the_first_are_counted() {
    let seen = read("x\n".repeat(50) + &event("1"));
    assert_eq!((seen.events.len(), seen.summary.broken, seen.problems.len()), (1, 50, 21));
    assert_eq!(seen.problems[20], "30 more places could not be read");
}
