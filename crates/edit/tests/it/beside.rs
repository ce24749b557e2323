//! Another object behind one, in every layout: what is written, and every byte of what comes of it.

use ringwall_edit::{Reason, apply, edits, merge};
use ringwall_model::fix::{Change, Value};
use ringwall_model::object::Rendering;

use crate::meaning::{beside, edited, first, objects, one, remove, set};

fn mapping<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Mapping(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// A policy that lets nothing in.
fn policy(name: &str) -> Change {
    beside(mapping([
        ("apiVersion", "networking.k8s.io/v1".into()),
        ("kind", "NetworkPolicy".into()),
        ("metadata", mapping([("name", name.into())])),
        (
            "spec",
            mapping([("podSelector", mapping([])), ("policyTypes", Value::List(vec!["Ingress".into()]))]),
        ),
    ]))
}

/// The policy as a file has it that is indented by two columns, dashes where the key is.
const NEW: &str = "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: deny
spec:
  podSelector: {}
  policyTypes:
  - Ingress
";

/// The policy as an item whose dash stands at column 0.
fn new_item() -> String {
    let lines: Vec<String> = NEW.lines().map(|line| format!("  {line}\n")).collect();
    lines.concat().replacen("  api", "- api", 1)
}

/// Checks what becomes of a text when the policy stands behind its object of this index.
#[track_caller]
fn becomes_at(index: usize, text: &str, expected: &str) {
    let change = vec![(index, vec![policy("deny")])];
    let written = edited(text, &change).unwrap_or_else(|refusal| panic!("{refusal}:\n{text}"));
    assert_eq!(written, expected, "\n{written}");
    let crlf = |text: &str| text.replace('\n', "\r\n");
    if text.contains('\n') {
        assert_eq!(edited(&crlf(text), &change).unwrap(), crlf(expected), "with CRLF");
    }
}

#[track_caller]
fn becomes(text: &str, expected: &str) {
    becomes_at(0, text, expected);
}

#[track_caller]
fn refused(text: &str) -> Reason {
    one(text, &[policy("deny")]).unwrap_err()
}

const A: &str = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n";
const B: &str = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: b\n";

#[test]
fn a_document_stands_behind_the_last_one() {
    becomes(A, &format!("{A}---\n{NEW}"));
    becomes(&format!("---\n{A}"), &format!("---\n{A}---\n{NEW}"));
    becomes(&format!("\u{feff}{A}"), &format!("\u{feff}{A}---\n{NEW}"));
    let (bare, new) = (A.trim_end(), NEW.trim_end());
    becomes(bare, &format!("{bare}\n---\n{new}"));
    becomes(&format!("{bare} # the last"), &format!("{bare} # the last\n---\n{new}"));
    becomes(&format!("{A}# the end"), &format!("{A}# the end\n---\n{new}"));
    becomes(&format!("{A}\n\n"), &format!("{A}---\n{NEW}\n\n"));
    becomes(&format!("{A}  "), &format!("{A}---\n{NEW}  "));
    becomes(&format!("{A}---\n"), &format!("{A}---\n{NEW}---\n"));
}

#[test]
fn a_document_stands_before_the_next_one() {
    becomes(&format!("{A}---\n{B}"), &format!("{A}---\n{NEW}---\n{B}"));
    becomes_at(1, &format!("{A}---\n{B}"), &format!("{A}---\n{B}---\n{NEW}"));
    becomes(&format!("{A}--- # b\n{B}"), &format!("{A}---\n{NEW}--- # b\n{B}"));
    becomes(&format!("{A}\n---\n\n{B}"), &format!("{A}---\n{NEW}\n---\n\n{B}"));
    // Comments that end a document are its own; those behind the separator are the next one's.
    becomes(
        &format!("{A}# a\n\n  # deeper\n\n---\n# b\n{B}"),
        &format!("{A}# a\n\n  # deeper\n---\n{NEW}\n---\n# b\n{B}"),
    );
    // Documents of comments only stay where they are.
    becomes(&format!("{A}---\n# c\n---\n{B}"), &format!("{A}---\n{NEW}---\n# c\n---\n{B}"));
}

#[test]
fn an_end_marker_ends_the_new_document_too() {
    becomes(&format!("{A}...\n"), &format!("{A}---\n{NEW}...\n"));
    becomes(&format!("{A}...\n---\n{B}"), &format!("{A}---\n{NEW}...\n---\n{B}"));
    becomes(
        &format!("{A}# a\n... # end\n# c\n---\n{B}"),
        &format!("{A}# a\n---\n{NEW}... # end\n# c\n---\n{B}"),
    );
    // A directive belongs to what follows the marker.
    becomes(&format!("{A}...\n%YAML 1.1\n---\n{B}"), &format!("{A}---\n{NEW}...\n%YAML 1.1\n---\n{B}"));
    // The piece that a directive makes cannot be read; the document behind it can.
    becomes(&format!("%YAML 1.1\n---\n{A}"), &format!("%YAML 1.1\n---\n{A}---\n{NEW}"));
}

#[test]
fn a_document_is_written_as_the_one_before_it() {
    let wide = "apiVersion: v1\nkind: Pod\nspec:\n    containers:\n      - name: a\n";
    becomes(
        wide,
        &format!(
            "{wide}---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n    name: deny\nspec:\n    podSelector: {{}}\n    policyTypes:\n      - Ingress\n"
        ),
    );
    let quoted = "\"apiVersion\": \"v1\"\n\"kind\": \"Namespace\"\n\"metadata\":\n  \"name\": \"a\"\n";
    becomes(
        quoted,
        &format!(
            "{quoted}---\n\"apiVersion\": \"networking.k8s.io/v1\"\n\"kind\": \"NetworkPolicy\"\n\"metadata\":\n  \"name\": \"deny\"\n\"spec\":\n  \"podSelector\": {{}}\n  \"policyTypes\":\n  - \"Ingress\"\n"
        ),
    );
    let single = "apiVersion: 'v1'\nkind: 'Namespace'\nmetadata:\n  name: 'a'\n  x: 1\n";
    let written = one(single, &[policy("deny")]).unwrap();
    assert!(written.contains("\n---\napiVersion: 'networking.k8s.io/v1'\n"), "{written}");
    assert!(written.ends_with("podSelector: {}\n  policyTypes:\n  - 'Ingress'\n"), "{written}");
    // Who quotes only some writes no quotes that are not needed.
    let mixed = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: \"0\"\n";
    becomes(mixed, &format!("{mixed}---\n{NEW}"));
    let flow = "{apiVersion: v1, kind: Namespace, metadata: {name: a}}";
    let new_flow = "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny}, spec: {podSelector: {}, policyTypes: [Ingress]}}";
    becomes(flow, &format!("{flow}\n---\n{new_flow}"));
    becomes(
        &format!("---\n{flow} # a\n# c\n---\n{B}"),
        &format!("---\n{flow} # a\n# c\n---\n{new_flow}\n---\n{B}"),
    );
}

#[test]
fn a_tag_is_no_indentation() {
    for tagged in [
        " !  metadata:\n    ! name: a\n apiVersion: v1\n kind: Namespace\n",
        "! apiVersion: v1\nkind: Namespace\n! metadata:\n  ! name: a\n",
    ] {
        becomes(tagged, &format!("{tagged}---\n{NEW}"));
    }
}

#[test]
fn a_block_scalar_at_the_end_keeps_its_value() {
    let head = "apiVersion: v1\nkind: ConfigMap\ndata:\n";
    for (scalar, blank) in
        [("  a: |\n    x\n", "\n\n"), ("  a: |+\n    x\n\n\n", ""), ("  a: >-\n    # x\n", "\n")]
    {
        becomes(&format!("{head}{scalar}{blank}"), &format!("{head}{scalar}---\n{NEW}{blank}"));
        becomes(
            &format!("{head}{scalar}{blank}---\n{B}"),
            &format!("{head}{scalar}---\n{NEW}{blank}---\n{B}"),
        );
    }
    assert_eq!(refused(&format!("{head}  a: |\n    x")), Reason::OpenBlockScalar);
    becomes(&format!("{head}  a: |-\n    x"), &format!("{head}  a: |-\n    x\n---\n{}", NEW.trim_end()));
}

fn list(items: &str) -> String {
    format!("apiVersion: v1\nkind: List\nitems:\n{items}")
}

fn pod(name: &str) -> String {
    format!("- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: {name}\n")
}

#[test]
fn an_item_stands_behind_its_neighbour() {
    let (a, b, new) = (pod("a"), pod("b"), new_item());
    becomes(&list(&format!("{a}{b}")), &list(&format!("{a}{new}{b}")));
    becomes_at(1, &list(&format!("{a}{b}")), &list(&format!("{a}{b}{new}")));
    // Comments that are deeper than the dash are the item's.
    becomes(
        &list(&format!("{a}  # of a\n\n    # too\n\n# of b\n{b}")),
        &list(&format!("{a}  # of a\n\n    # too\n{new}\n# of b\n{b}")),
    );
    let after = format!("{}metadata: {{}}\n# end\n---\n{B}", list(&a));
    becomes(&after, &after.replace("metadata: {}", &format!("{new}metadata: {{}}")));
    becomes(list(&a).trim_end(), list(&format!("{a}{new}")).trim_end());
    assert_eq!(refused(&list("- apiVersion: v1\n  kind: Pod\n  a: |\n    x")), Reason::OpenBlockScalar);
}

#[test]
fn an_item_is_written_as_its_neighbour() {
    let by = |pad: &str, text: &str| {
        let lines: Vec<String> = text.lines().map(|line| format!("{pad}{line}\n")).collect();
        lines.concat()
    };
    let (a, new) = (by("  ", &pod("a")), by("  ", &new_item()));
    becomes(&list(&a), &list(&format!("{a}{}", new.replace("    - Ingress", "      - Ingress"))));
    becomes(
        &list("-   apiVersion: v1\n    kind: Pod\n"),
        &list(&format!("-   apiVersion: v1\n    kind: Pod\n-   {}", by("    ", NEW).trim_start())),
    );
    for apart in ["-\n  ", "- # c\n  ", "- &a\n  ", "- !!map\n  ", "- &a "] {
        let a = pod("a").replacen("- ", apart, 1);
        becomes(&list(&format!("{a}{}", pod("b"))), &list(&format!("{a}{}{}", new_item(), pod("b"))));
    }
    let flow = "{apiVersion: v1, kind: Pod, metadata: {name: a}}";
    let new_flow = "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny}, spec: {podSelector: {}, policyTypes: [Ingress]}}";
    becomes(&list(&format!("-  {flow} # a\n# c\n")), &list(&format!("-  {flow} # a\n-  {new_flow}\n# c\n")));
    let bare = |items: &str| format!("apiVersion: v1\nkind: List\nitems: {items}\n");
    becomes(&bare(&format!("[{flow}]")), &bare(&format!("[{flow}, {new_flow}]")));
    becomes(&bare(&format!("[{flow} , {flow},]")), &bare(&format!("[{flow}, {new_flow} , {flow},]")));
    becomes(
        &bare(&format!("[\n  {flow}, # a\n  # b\n  {flow} # c\n]")),
        &bare(&format!("[\n  {flow}, # a\n  {new_flow},\n  # b\n  {flow} # c\n]")),
    );
    becomes_at(
        1,
        &bare(&format!("[\n  {flow},\n  {flow} # c\n]")),
        &bare(&format!("[\n  {flow},\n  {flow}, # c\n  {new_flow}\n]")),
    );
}

#[test]
fn a_list_of_one_kind_takes_that_kind() {
    let typed = |kind: &str| list(&pod("a")).replace("kind: List", &format!("kind: {kind}"));
    let another = |api_version: &str, kind: &str| {
        beside(mapping([
            ("apiVersion", api_version.into()),
            ("kind", kind.into()),
            ("metadata", mapping([("name", "b".into())])),
        ]))
    };
    let read = |text: &str| {
        let read = ringwall_input::read_text("t.yaml", text.to_owned(), &ringwall_input::Limits::default());
        read.objects.into_iter().next().unwrap()
    };
    let text = typed("PodList");
    let refusal = edits(&read(&text), &[policy("deny")]).unwrap_err();
    assert_eq!(refusal.reason, Reason::OneKind("PodList".to_owned()));
    assert!(edits(&read(&text), &[another("v2", "Pod")]).is_err());
    let made = edits(&read(&text), &[another("v1", "Pod")]).unwrap();
    assert_eq!(apply(&text, &made), format!("{text}{}", pod("b")));
    // What is in empty brackets may be JSON.
    let text = r#"{"apiVersion":"v1","kind":"PodList","items":[{}]}"#;
    let made = edits(&read(text), &[another("v1", "Pod")]).unwrap();
    let new = r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b"}}"#;
    assert_eq!(apply(text, &made), text.replace("{}", &format!("{{}}, {new}")));
}

#[test]
fn json_gets_another_value_or_another_item() {
    let whole =
        |items: serde_json::Value| serde_json::json!({"apiVersion": "v1", "kind": "List", "items": items});
    let a = serde_json::json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}});
    let new = serde_json::json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "deny"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}
    });
    let pretty = |value: &serde_json::Value| serde_json::to_string_pretty(value).unwrap();
    let (before, after) = (
        whole([&a, &a].into_iter().cloned().collect()),
        whole([&a, &new, &a].into_iter().cloned().collect()),
    );
    becomes(&pretty(&before), &pretty(&after));
    becomes(&before.to_string(), &after.to_string());
    becomes_at(
        1,
        &whole([&a].into_iter().cloned().chain([a.clone()]).collect()).to_string(),
        &whole([&a, &a, &new].into_iter().cloned().collect()).to_string(),
    );
    becomes(
        &pretty(&whole([a.clone()].into_iter().collect())),
        &pretty(&whole([&a, &new].into_iter().cloned().collect())),
    );
    // A single value becomes a stream of two.
    for (a, new) in [(pretty(&a), pretty(&new)), (a.to_string(), new.to_string())] {
        becomes(&a, &format!("{a}\n{new}"));
        becomes(&format!("{a}\n"), &format!("{a}\n{new}\n"));
        becomes(&format!("\n {a} \n\n"), &format!("\n {a}\n{new} \n\n"));
        becomes(&format!("{a}{a}"), &format!("{a}\n{new}{a}"));
        becomes_at(1, &format!("{a}{a}\n"), &format!("{a}{a}\n{new}\n"));
        becomes(&format!("{a}\n{a}\nx"), &format!("{a}\n{new}\n{a}\nx"));
        // Behind a single value, YAML may follow.
        becomes(&format!("{a}\n---\n{B}"), &format!("{a}\n---\n{new}\n---\n{B}"));
        becomes(&format!("{a} # a\n\n---\n{B}"), &format!("{a} # a\n---\n{new}\n\n---\n{B}"));
        becomes_at(1, &format!("{a}\n---\n{a}\n"), &format!("{a}\n---\n{a}\n---\n{new}\n"));
        becomes(&format!("---\n{a}\n"), &format!("---\n{a}\n---\n{new}\n"));
        assert_eq!(refused(&format!("{a}\n{B}")), Reason::Layout("the end of the document"));
        assert_eq!(refused(&format!("{a}\n...\n{B}")), Reason::Layout("the end of the document"));
        assert_eq!(refused(&format!("{a}\n---x\n{B}")), Reason::Layout("`---` alone"));
    }
}

#[test]
fn an_object_that_changes_and_gets_neighbours() {
    let changes = [set("metadata.x", Value::Bool(true)), policy("deny"), policy("too"), policy("deny")];
    let second = NEW.replace("deny", "too");
    let written = one(A, &changes).unwrap();
    assert_eq!(written, format!("{A}  x: true\n---\n{NEW}---\n{second}"));
    let written = one(A.trim_end(), &changes).unwrap();
    assert_eq!(written, format!("{A}  x: true\n---\n{NEW}---\n{}", second.trim_end()));
    let written = one(&list(&pod("a")), &changes).unwrap();
    let items = format!("{}    x: true\n{}{}", pod("a"), new_item(), new_item().replace("deny", "too"));
    assert_eq!(written, list(&items));
    // What goes at the end takes the comments below it along.
    let text = format!("{A}  b: 1\n    # of b\n");
    assert_eq!(one(&text, &[remove("metadata.b"), policy("deny")]).unwrap(), format!("{A}---\n{NEW}"));
    let text = list(&format!("{}    b: 1\n      # of b\n{}", pod("a"), pod("b")));
    let written = one(&text, &[remove("metadata.b"), policy("deny")]).unwrap();
    assert_eq!(written, list(&format!("{}{}{}", pod("a"), new_item(), pod("b"))));
}

#[test]
fn neighbours_of_several_objects_go_together() {
    for text in [
        format!("{A}---\n{B}"),
        list(&format!("{}{}", pod("a"), pod("b"))),
        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}\n{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"a\":1}".to_owned(),
        "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{\"apiVersion\":\"v1\",\"kind\":\"Pod\"},{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}]}"
            .to_owned(),
    ] {
        let changes = |name: &str| vec![set("x", Value::Bool(false)), policy(name), policy("both")];
        edited(&text, &[(0, changes("one")), (1, changes("two"))]).unwrap();
    }
}

#[test]
fn what_cannot_stand_there_is_refused() {
    let mut object = first(A);
    object.rendering = Rendering::Rendered { by: "helm template", template: None };
    let refusal = edits(&object, &[policy("deny")]).unwrap_err();
    assert_eq!(refusal.reason, Reason::Rendered("helm template"));
    let nameless = beside(mapping([("apiVersion", "v1".into()), ("kind", "Pod".into())]));
    assert_eq!(one(A, &[nameless]), Err(Reason::NoObject));
    let with = |key: &str| {
        let Change::Beside { object: Value::Mapping(mut entries) } = policy("deny") else { unreachable!() };
        entries.push((key.to_owned(), Value::Bool(true)));
        beside(Value::Mapping(entries))
    };
    assert_eq!(one(A, &[policy("deny"), with("other")]), Err(Reason::Contradiction));
    assert_eq!(one(A, &[with("kind")]), Err(Reason::Repeated("kind".to_owned())));
    assert_eq!(one(A, &[with(&"k".repeat(2000))]), Err(Reason::LongKey));
    assert_eq!(refused("apiVersion: v1\nkind: Pod\na: 1\rb: 2\n"), Reason::CarriageReturn);
    let alias = list(&format!("- &a\n  apiVersion: v1\n  kind: Pod\n- *a\n{}", pod("b")));
    assert_eq!(edited(&alias, &[(1, vec![policy("deny")])]).unwrap_err().reason, Reason::Shared);
    let refusal = edited(&alias, &[(1, vec![policy("deny")])]).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "t.yaml:7:3: items: an anchor or a merge key shares this text with another place"
    );
    let shared = "apiVersion: v1\nkind: List\nx: *l\nitems: &l\n- apiVersion: v1\n  kind: Pod\n"
        .replace("x: *l\n", "")
        + "y: *l\n";
    assert_eq!(refused(&shared), Reason::Shared);
}

#[test]
fn what_two_texts_ask_for_is_merged_in_order() {
    let text = format!("{A}---\n{B}");
    let objects = objects(&text);
    let parts =
        objects.iter().zip(["one", "two"]).map(|(object, name)| edits(object, &[policy(name)]).unwrap());
    let written = apply(&text, &merge(parts.collect()).unwrap());
    let of = |name: &str| NEW.replace("deny", name);
    assert_eq!(written, format!("{A}---\n{}---\n{B}---\n{}", of("one"), of("two")));
}
