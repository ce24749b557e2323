//! Layouts, one by one: what is written, what is asked for, and every byte of what comes of it.

use ringwall_edit::{Reason, apply, edits};
use ringwall_model::fix::{Change, Value};
use ringwall_model::object::Rendering;

use crate::meaning::{append, edited, first, one, remove, rename, set};

const HEAD: &str = "apiVersion: v1\nkind: Pod\n";

/// Checks what becomes of a text below `apiVersion` and `kind`.
#[track_caller]
fn becomes(text: &str, changes: &[Change], expected: &str) {
    let written = one(&format!("{HEAD}{text}"), changes).unwrap_or_else(|reason| panic!("{reason}:\n{text}"));
    assert_eq!(written.strip_prefix(HEAD).unwrap(), expected, "\n{written}");
    let crlf = |text: &str| text.replace('\n', "\r\n");
    let written = one(&crlf(&format!("{HEAD}{text}")), changes).unwrap();
    assert_eq!(written, crlf(&format!("{HEAD}{expected}")), "with CRLF");
}

#[track_caller]
fn refused(text: &str, changes: &[Change]) -> Reason {
    one(&format!("{HEAD}{text}"), changes).unwrap_err()
}

fn no() -> Value {
    Value::Bool(false)
}

fn all() -> Value {
    Value::List(vec!["ALL".into()])
}

fn harden(at: &str) -> Vec<Change> {
    vec![
        set(&format!("{at}.securityContext.allowPrivilegeEscalation"), no()),
        append(&format!("{at}.securityContext.capabilities.drop"), "ALL".into()),
        set(&format!("{at}.securityContext.seccompProfile.type"), "RuntimeDefault".into()),
    ]
}

#[test]
fn a_missing_parent_is_made_once() {
    becomes(
        "spec:\n  containers:\n  - name: a\n    image: x # the image\n\n  # about b\n  - name: b\n",
        &[harden("spec.containers[0]"), harden("spec.containers[1]")].concat(),
        "spec:\n  containers:\n  - name: a\n    image: x # the image\n    securityContext:\n      allowPrivilegeEscalation: false\n      capabilities:\n        drop:\n        - ALL\n      seccompProfile:\n        type: RuntimeDefault\n\n  # about b\n  - name: b\n    securityContext:\n      allowPrivilegeEscalation: false\n      capabilities:\n        drop:\n        - ALL\n      seccompProfile:\n        type: RuntimeDefault\n",
    );
}

#[test]
fn indentation_is_that_of_the_file() {
    becomes(
        "spec:\n    containers:\n      - name: a\n",
        &harden("spec.containers[0]"),
        "spec:\n    containers:\n      - name: a\n        securityContext:\n            allowPrivilegeEscalation: false\n            capabilities:\n                drop:\n                  - ALL\n            seccompProfile:\n                type: RuntimeDefault\n",
    );
}

#[test]
fn inner_and_outer_insertions_at_one_place_keep_their_order() {
    becomes(
        "spec:\n  containers:\n  - name: a",
        &[set("spec.hostPID", no()), set("spec.containers[0].tty", no()), set("status.x", 1.into_value())],
        "spec:\n  containers:\n  - name: a\n    tty: false\n  hostPID: false\nstatus:\n  x: 1",
    );
}

trait IntoValue {
    fn into_value(self) -> Value;
}

impl IntoValue for i64 {
    fn into_value(self) -> Value {
        Value::Integer(self)
    }
}

#[test]
fn empty_values_become_block_mappings() {
    for empty in [
        "securityContext:",
        "securityContext: {}",
        "securityContext: null",
        "securityContext: ~",
        "securityContext: { }",
    ] {
        for comment in ["", " # why"] {
            becomes(
                &format!("spec:\n  {empty}{comment}\n  # next\n  a: 1\n"),
                &[set("spec.securityContext.runAsNonRoot", Value::Bool(true))],
                &format!("spec:\n  securityContext:{comment}\n    runAsNonRoot: true\n  # next\n  a: 1\n"),
            );
        }
    }
    becomes("spec:\n", &[set("spec.hostPID", no())], "spec:\n  hostPID: false\n");
    becomes("spec:", &[set("spec.hostPID", no())], "spec:\n  hostPID: false");
    becomes("spec:\n  drop: []\n", &[append("spec.drop", "ALL".into())], "spec:\n  drop:\n  - ALL\n");
    becomes("spec:\n  a: !!map {}\n", &[set("spec.a.b", no())], "spec:\n  a: !!map\n    b: false\n");
}

#[test]
fn a_value_is_written_over_in_its_quotes() {
    for (old, value, new) in [
        ("a: true  # c", no(), "a: false  # c"),
        ("a: \"x\"", "y".into(), "a: \"y\""),
        ("a: 'x'", "it's".into(), "a: 'it''s'"),
        ("a: x", "on".into(), "a: \"on\""),
        ("a: x", "0777".into(), "a: \"0777\""),
        ("a: 'x'", no(), "a: false"),
        ("a:", no(), "a: false"),
        ("a:  # c", no(), "a: false  # c"),
        ("a: x\n    y # c", "z".into(), "a: z # c"),
        ("a: \"x\n    y\"", "z".into(), "a: \"z\""),
        ("a: |\n    x\n\n    y", "z".into(), "a: z"),
        ("a: |- # c\n    x", "z".into(), "a: z # c"),
        ("a: # c\n    b: 1\n    c: 2", no(), "a: false # c"),
        ("a: {b: 1} # c", no(), "a: false # c"),
        ("a:\n  - x\n  - y # c", all(), "a:\n  - ALL"),
        ("a: x # c", all(), "a: # c\n  - ALL"),
        ("a: |\n    x", all(), "a:\n  - ALL"),
        ("a: x", Value::List(Vec::new()), "a: []"),
        ("a:\tx", "v".into(), "a:\tv"),
        ("\"a\" : x", "v".into(), "\"a\" : v"),
    ] {
        becomes(
            &format!("spec:\n  {old}\n  z:\n  - 1\n"),
            &[set("spec.a", value)],
            &format!("spec:\n  {new}\n  z:\n  - 1\n"),
        );
    }
    let list = Value::List(vec![all(), no()]);
    becomes(
        "l:\n-   a # c\n-  b: 1\n",
        &[set("l[0]", list.clone()), set("l[1]", list)],
        "l:\n-   - - ALL\n    - false # c\n-  - - ALL\n   - false\n",
    );
    becomes("a:\n- ", &[set("a", all())], "a:\n- ALL");
    becomes("l:\n- a\n- b: 1\n  c: 2\n", &[set("l[0]", no()), set("l[1]", "x".into())], "l:\n- false\n- x\n");
    becomes(
        "l:\n- a\n",
        &[set("l[0]", Value::Mapping(vec![("a".into(), no()), ("b".into(), all())]))],
        "l:\n- a: false\n  b:\n  - ALL\n",
    );
}

#[test]
fn behind_the_last_line_whatever_it_is() {
    for last in [
        "a: |\n    x\n    # text",
        "a: |-\n    x",
        "a: >2\n     x\n    y",
        "a: x\n   y",
        "a: 'x\n\n    y'",
        "a: [x,\n    y\n    ] # c",
        "a:\n    b:\n      - c: 1",
        "a:\n    - - x\n      - y",
        "a: &anchor x",
        "a: !!str 5",
        "a:",
    ] {
        becomes(
            &format!("spec:\n  {last}\n\n  # later\nstatus: {{}}\n"),
            &[set("spec.z", no())],
            &format!("spec:\n  {last}\n  z: false\n\n  # later\nstatus: {{}}\n"),
        );
    }
    becomes(
        "spec:\n  a: |+\n    x\n\n# c\n",
        &[set("spec.z", no())],
        "spec:\n  a: |+\n    x\n\n  z: false\n# c\n",
    );
    becomes("spec:\n  a: 1\n...\n# c\n", &[set("spec.z", no())], "spec:\n  a: 1\n  z: false\n...\n# c\n");
    becomes("spec:\n  a: |-\n    x", &[set("spec.z", no())], "spec:\n  a: |-\n    x\n  z: false");
    assert_eq!(refused("spec:\n  a: |\n    x", &[set("spec.z", no())]), Reason::OpenBlockScalar);
}

#[test]
fn aliases_around_an_edit_stay() {
    becomes(
        "a: &a {x: 1}\nspec:\n  b: *a\n",
        &[set("spec.z", no())],
        "a: &a {x: 1}\nspec:\n  b: *a\n  z: false\n",
    );
    becomes(
        "a: &a {x: 1}\nspec:\n  b: *a # c\n",
        &[set("spec.b", no())],
        "a: &a {x: 1}\nspec:\n  b: false # c\n",
    );
    becomes("a: &a {x: 1}\nspec:\n  b: *a\n  c: 1\n", &[remove("spec.b")], "a: &a {x: 1}\nspec:\n  c: 1\n");
    becomes(
        "a: &a {x: 1}\nspec:\n  <<: *a\n",
        &[set("spec.z", no())],
        "a: &a {x: 1}\nspec:\n  <<: *a\n  z: false\n",
    );
    becomes("spec: &unused\n  b: 1\n", &[set("spec.z", no())], "spec: &unused\n  b: 1\n  z: false\n");
    for (text, change) in [
        ("a: &a\n  x: 1\nb: *a\n", set("a.z", no())),
        ("a: &a\n  x: 1\nb: *a\n", set("b.z", no())),
        ("a: &a {x: 1}\nb: [*a, *a]\n", set("b[1].x", no())),
        ("a: &a {x: 1}\nb: *a\n", remove("a")),
        ("a: &a x\nb: *a\n", set("a", no())),
        ("a: {b: &a {x: 1}}\nb: {<<: *a}\n", remove("a.b")),
        ("a: &a {x: 1}\nb: {<<: *a}\n", set("b.x", no())),
        ("a: &a {x: 1}\nb:\n  <<: *a\n  x: 2\n", remove("b.x")),
        ("a: &a {x: 1}\nb:\n  <<: [*a]\n  x: 2\n", rename("b.x", "y")),
        ("a: &a key\nb:\n  *a : 1\n", set("a", no())),
        ("a: &a key\nb:\n  *a : 1\n", rename("b.key", "y")),
        ("&a key: 1\nb: *a\n", remove("key")),
    ] {
        assert_eq!(refused(text, std::slice::from_ref(&change)), Reason::Shared, "{text} {change:?}");
    }
}

#[test]
fn lists_grow_as_they_are_written() {
    for (old, new) in [
        ("drop:\n  - A # c", "drop:\n  - A # c\n  - ALL"),
        ("drop:\n    - A", "drop:\n    - A\n    - ALL"),
        ("drop:\n  - 'A'\n  - 'B'", "drop:\n  - 'A'\n  - 'B'\n  - 'ALL'"),
        ("drop: [A]", "drop: [A, ALL]"),
        ("drop: [ A ]", "drop: [ A, ALL ]"),
        ("drop: [A,B]", "drop: [A,B,ALL]"),
        ("drop: [A,]", "drop: [A, ALL,]"),
        ("drop: [\"A\"] # c", "drop: [\"A\", \"ALL\"] # c"),
        ("drop: [A,\n    B]", "drop: [A,\n    B, ALL]"),
        ("drop: [\n    A, # a\n    B # b\n  ]", "drop: [\n    A, # a\n    B, # b\n    ALL\n  ]"),
        ("drop: [\n    A,\n    B, # b\n  ]", "drop: [\n    A,\n    B, # b\n    ALL,\n  ]"),
        ("drop: []", "drop:\n  - ALL"),
        ("drop: [A, ALL]", "drop: [A, ALL]"),
    ] {
        becomes(
            &format!("c:\n  {old}\n  z:\n  - 1\n"),
            &[append("c.drop", "ALL".into()), append("c.drop", "ALL".into())],
            &format!("c:\n  {new}\n  z:\n  - 1\n"),
        );
    }
    becomes(
        "c:\n  - - a\n    - b\n",
        &[append("c[0]", "x".into()), append("c", Value::List(vec![all(), no()]))],
        "c:\n  - - a\n    - b\n    - x\n  - - - ALL\n    - false\n",
    );
    assert_eq!(
        refused("d: { # c\n  }\n", &[set("d.x", no())]),
        Reason::Layout("no comment inside of the brackets")
    );
}

#[test]
fn flow_mappings_stay_flow_mappings() {
    for (old, new) in [
        ("{a: 1}", "{a: 1, s: {t: false}}"),
        ("{ a: 1 } # c", "{ a: 1, s: {t: false} } # c"),
        ("{a: 1, s: {}}", "{a: 1, s: {t: false}}"),
        ("{a: 1, s: }", "{a: 1, s: {t: false}}"),
        ("{a: 1, s}", "{a: 1, s: {t: false}}"),
        ("{a: 1, s: null}", "{a: 1, s: {t: false}}"),
        ("{\"a\":1}", "{\"a\":1,\"s\":{\"t\":false}}"),
        ("{\"a\": 1}", "{\"a\": 1, \"s\": {\"t\": false}}"),
        (
            "{\n    a: 1,\n    b: [x,\n     y] # c\n  }",
            "{\n    a: 1,\n    b: [x,\n     y], # c\n    s: {\n      t: false\n    }\n  }",
        ),
        ("{a: 1,\n    b: 2}", "{a: 1,\n    b: 2, s: {t: false}}"),
    ] {
        becomes(&format!("m:\n  f: {old}\n"), &[set("m.f.s.t", no())], &format!("m:\n  f: {new}\n"));
    }
    becomes("l: [{a: x}]\n", &[set("l[0].a", "p,q".into())], "l: [{a: \"p,q\"}]\n");
    assert_eq!(
        refused("l: [a: 1]\n", &[set("l[0].b", no())]),
        Reason::Layout("a list or a mapping in brackets")
    );
}

#[test]
fn removals_take_their_lines() {
    for (old, path, new) in [
        ("a: 1 # one\nb: 2\n", "m.a", "b: 2\n"),
        ("# above\na: 1\n# below\nb: 2\n", "m.a", "# above\n# below\nb: 2\n"),
        ("a:\n  x: 1\n  # inside\n\n  # and this\nb: 2\n", "m.a", "b: 2\n"),
        ("b: 2\na: |\n  x\n\n", "m.a", "b: 2\n\n"),
        ("b: |+\n  x\n\na: 1\n\n# c\nc: 3\n", "m.a", "b: |+\n  x\n\n# c\nc: 3\n"),
        ("a:\n  b:\n    c: 1\nd: 2\n", "m.a.b.c", "d: 2\n"),
        ("a:\n- x\n- y\nd: 2\n", "m.a[0]", "a:\n- y\nd: 2\n"),
        ("a:\n- x\nd: 2\n", "m.a[0]", "d: 2\n"),
        ("a:\n- p: true\n  q: 1\n", "m.a[0].p", "a:\n- q: 1\n"),
        ("a:\n- p: true # p\n\n  # about q\n  q: 1\n", "m.a[0].p", "a:\n- # about q\n  q: 1\n"),
        ("a:\n- p: true\n- q: 1\n", "m.a[0].p", "a:\n- q: 1\n"),
        ("a:\n- - x\n  - y\n", "m.a[0][0]", "a:\n- - y\n"),
        ("a: {b: 1, c: 2, d: 3}\n", "m.a.b", "a: {c: 2, d: 3}\n"),
        ("a: {b: 1, c: 2, d: 3}\n", "m.a.c", "a: {b: 1, d: 3}\n"),
        ("a: {b: 1, c: 2, d: 3}\n", "m.a.d", "a: {b: 1, c: 2}\n"),
        ("a: [x, y,]\n", "m.a[1]", "a: [x,]\n"),
        ("a: [x]\nb: 1\n", "m.a[0]", "b: 1\n"),
        ("a: [\n  x, # x\n  y, # y\n  z # z\n]\n", "m.a[1]", "a: [\n  x, # x\n  z # z\n]\n"),
        ("a: [\n  x, # x\n  y # y\n]\n", "m.a[1]", "a: [\n  x # x\n]\n"),
        ("a: 1\nb: 2\n", "m.nothing.here", "a: 1\nb: 2\n"),
    ] {
        let indented = |text: &str| {
            text.split_inclusive('\n')
                .map(|line| if line == "\n" { line.into() } else { format!("  {line}") })
                .collect::<String>()
        };
        becomes(&format!("m:\n{}", indented(old)), &[remove(path)], &format!("m:\n{}", indented(new)));
    }
    becomes("m:\n  a: 1\n  b: 2", &[remove("m.b")], "m:\n  a: 1\n");
    becomes("m:\n  a: 1\n  b: 2", &[remove("m.b"), set("m.c", no())], "m:\n  a: 1\n  c: false\n");
    becomes("m:\n- a: 1\n", &[remove("m[0].a"), set("m[0].c", no())], "m:\n- c: false\n");
    becomes(
        "m:\n  a: 1\n   # deeper\n  # next\nz: 1\n",
        &[remove("m.a"), set("m.b", no()), set("w", no())],
        "m:\n  b: false\n  # next\nz: 1\nw: false\n",
    );
    becomes(
        "l:\n- m:\n    a: 1\n     # deeper\n",
        &[remove("l[0].m.a"), set("l[0].m.b", no()), set("l[0].w", no())],
        "l:\n- m:\n    b: false\n  w: false\n",
    );
    becomes("m: {a: 1}\n", &[remove("m.a"), set("m.b", no())], "m: {b: false}\n");
    assert_eq!(
        one("{\"apiVersion\": \"v1\", \"kind\": \"Pod\"}", &[remove("apiVersion"), remove("kind")]),
        Err(Reason::Whole)
    );
}

#[test]
fn keys_are_renamed_in_place() {
    becomes(
        "spec:\n  serviceAccount: x # c\n  \"b\": {'c': 1}\n",
        &[
            rename("spec.serviceAccount", "serviceAccountName"),
            rename("spec.b", "on"),
            rename("spec.b.c", "d"),
        ],
        "spec:\n  serviceAccountName: x # c\n  \"on\": {'d': 1}\n",
    );
    becomes("spec:\n- a: 1\n", &[rename("spec[0].a", "on")], "spec:\n- \"on\": 1\n");
    becomes("b: 1\n", &[rename("a", "b")], "b: 1\n");
    assert_eq!(refused("a: 1\nb: 1\n", &[rename("a", "b")]), Reason::Exists("b".into()));
    assert_eq!(refused("a: 1\n", &[rename("x", "b")]), Reason::NoField);
}

#[test]
fn json_keeps_its_layout() {
    let compact = r#"{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a"}]}}"#;
    assert_eq!(
        one(compact, &harden("spec.containers[0]")).unwrap(),
        r#"{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a","securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"seccompProfile":{"type":"RuntimeDefault"}}}]}}"#
    );
    let pretty = "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Pod\",\n\t\"spec\": {\n\t\t\"securityContext\": {},\n\t\t\"containers\": [\n\t\t\t{\n\t\t\t\t\"name\": \"a\"\n\t\t\t}\n\t\t]\n\t}\n}\n";
    let expected = "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Pod\",\n\t\"spec\": {\n\t\t\"securityContext\": {\n\t\t\t\"runAsNonRoot\": false\n\t\t},\n\t\t\"containers\": [\n\t\t\t{\n\t\t\t\t\"name\": \"a\",\n\t\t\t\t\"securityContext\": {\n\t\t\t\t\t\"capabilities\": {\n\t\t\t\t\t\t\"drop\": [\n\t\t\t\t\t\t\t\"ALL\"\n\t\t\t\t\t\t]\n\t\t\t\t\t}\n\t\t\t\t}\n\t\t\t}\n\t\t]\n\t}\n}\n";
    let changes = [
        set("spec.containers[0].securityContext.capabilities.drop", all()),
        set("spec.securityContext.runAsNonRoot", no()),
    ];
    assert_eq!(one(pretty, &changes).unwrap(), expected);
    assert_eq!(one(&pretty.replace('\n', "\r\n"), &changes).unwrap(), expected.replace('\n', "\r\n"));
    let twice = r#"{"apiVersion":"v1","kind":"Pod","spec":{"a":1,"a":2}}"#;
    assert_eq!(one(twice, &[set("spec.a", no())]), Err(Reason::Repeated("a".into())));
}

#[test]
fn several_documents_and_items_are_edited_together() {
    let text = "\u{feff}---\napiVersion: v1\nkind: Pod\nspec:\n  a: 1\n---\n\napiVersion: v1\nkind: Pod\nspec:\n  a: 2\n---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n- apiVersion: v1\n  kind: Pod\n  spec: {}\n";
    let written =
        edited(text, &(0..4).map(|index| (index, vec![set("spec.z", no())])).collect::<Vec<_>>()).unwrap();
    assert_eq!(
        written,
        "\u{feff}---\napiVersion: v1\nkind: Pod\nspec:\n  a: 1\n  z: false\n---\n\napiVersion: v1\nkind: Pod\nspec:\n  a: 2\n  z: false\n---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  spec:\n    z: false\n- apiVersion: v1\n  kind: Pod\n  spec:\n    z: false\n"
    );
    let bom = "\u{feff}apiVersion: v1\nkind: Pod\n";
    assert_eq!(one(bom, &[set("z", no())]).unwrap(), format!("{bom}z: false\n"));
}

#[test]
fn what_is_not_safe_is_refused_with_its_place() {
    for (text, change, reason) in [
        ("a: 1\n", set("a.b", no()), Reason::WrongType { expected: "a mapping", got: "an integer" }),
        ("a: {}\n", append("a", no()), Reason::WrongType { expected: "a list", got: "a mapping" }),
        ("a: []\n", set("a[0].b", no()), Reason::NoItem(0)),
        ("b: 1\n", set("a[0].b", no()), Reason::NoItem(0)),
        ("a:\n  b: 1\n  b: 2\n", set("a.b", no()), Reason::Repeated("b".into())),
        ("a:\n  ? b\n  : 1\n", set("a.c", no()), Reason::ExplicitKey),
        ("a: {? b : 1}\n", set("a.c", no()), Reason::ExplicitKey),
        ("a: !!int 5\n", set("a", no()), Reason::Tagged),
        ("a: !!null\n", set("a.b", no()), Reason::Tagged),
        ("a: 1\n", set("", no()), Reason::Whole),
    ] {
        assert_eq!(refused(text, std::slice::from_ref(&change)), reason, "{text} {change:?}");
    }
    for changes in [
        [set("a", no()), set("a", "x".into())],
        [remove("m"), set("m.x", no())],
        [set("m.x", no()), remove("m")],
        [set("n.x", no()), set("n", no())],
        [rename("m", "k"), remove("m")],
    ] {
        assert_eq!(refused("a: 1\nm:\n  y: 1\n", &changes), Reason::Contradiction, "{changes:?}");
    }
    let mut object = first("apiVersion: v1\nkind: Pod\nspec:\n  a: 1\n");
    let refusal = edits(&object, &[set("spec.a.b", no())]).unwrap_err();
    assert_eq!(refusal.to_string(), "t.yaml:4:6: spec.a.b: expected a mapping, got an integer");
    object.rendering = Rendering::Rendered { by: "helm template", template: None };
    let refusal = edits(&object, &[set("spec.a", no())]).unwrap_err();
    assert_eq!(refusal.reason, Reason::Rendered("helm template"));
    let carriage = "apiVersion: v1\nkind: Pod\na: 1\rb: 2\n";
    assert_eq!(one(carriage, &[set("c", no())]), Err(Reason::CarriageReturn));
}

#[test]
fn a_key_that_is_a_tag_alone_gets_no_value() {
    let text = "{apiVersion: v1, kind: Pod, ! }";
    let path = ringwall_model::path::FieldPath::keys(&[""]);
    let refused = one(text, &[Change::Set { path, value: no() }]);
    assert_eq!(refused, Err(Reason::Layout("a key on one line")));
}

#[test]
fn edits_of_one_place_conflict() {
    let text = "apiVersion: v1\nkind: Pod\na: 1\n";
    let one = edits(&first(text), &[set("a", no())]).unwrap();
    assert_eq!(apply(text, &one), "apiVersion: v1\nkind: Pod\na: false\n");
    let conflict = ringwall_edit::merge(vec![one.clone(), one]).unwrap_err();
    assert_eq!(conflict.to_string(), "two edits touch the byte at offset 28");
}
