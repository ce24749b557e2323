//! Documents into objects: lists, other YAML, broken objects, templates.

use ringwall_input::NoteKind;
use ringwall_model::object::Rendering;

use crate::{Dir, config_map};

#[test]
fn every_item_of_a_list_is_an_object_of_its_own() {
    let dir = Dir::with(&[(
        "list.yaml",
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: a}\n- null\n\
         - apiVersion: v1\n  kind: List\n  items:\n  - {apiVersion: apps/v1, kind: Deployment, metadata: {name: b}}\n",
    )]);
    let seen = dir.read(&["."]);
    assert_eq!(seen.objects, ["list.yaml: Pod a", "list.yaml: Deployment b"]);
    let within: Vec<String> = seen.input.objects.iter().map(|object| object.within.to_string()).collect();
    assert_eq!(within, ["items[0]", "items[2].items[0]"]);
    assert_eq!(seen.input.objects[1].locate(&"metadata".parse().expect("a path")).line, 11);
    assert_eq!((seen.input.counts.documents, seen.input.counts.objects), (1, 2));
}

#[test]
fn items_of_a_typed_list_take_its_kind_where_they_state_none() {
    let dir = Dir::with(&[(
        "list.json",
        r#"{"apiVersion": "apps/v1", "kind": "DeploymentList", "metadata": {}, "items": [
            {"metadata": {"name": "a"}},
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b"}},
            {"kind": "Pod", "metadata": {"name": "c"}}]}"#,
    )]);
    let seen = dir.read(&["."]);
    assert_eq!(seen.objects, ["list.json: Deployment a", "list.json: Pod b"]);
    assert_eq!(seen.input.objects[0].api_version(), "apps/v1");
    assert_eq!(seen.problems, ["list.json:4:13: items[2]: `apiVersion` is missing"]);
}

#[test]
fn an_empty_list_holds_nothing_and_a_broken_one_is_a_problem() {
    let dir = Dir::with(&[
        ("a.yaml", "apiVersion: v1\nkind: PodList\nitems:\n---\napiVersion: v1\nkind: List\n"),
        (
            "b.yaml",
            "apiVersion: v1\nkind: List\nitems: {}\n---\napiVersion: v1\nkind: List\nitems: [1, {a: 1}]\n",
        ),
        ("c.yaml", "apiVersion: example.com/v1\nkind: AllowList\nmetadata: {name: x}\n"),
    ]);
    let seen = dir.read(&["."]);
    assert_eq!(seen.objects, ["c.yaml: AllowList x"]);
    assert_eq!(
        seen.problems,
        [
            "b.yaml:3:8: items: expected a list, got a mapping",
            "b.yaml:7:9: items[0]: expected an object",
            "b.yaml:7:12: items[1]: `apiVersion` and `kind` are missing",
        ]
    );
}

#[test]
fn lists_in_lists_have_an_end() {
    let open = "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[".repeat(2000);
    let dir = Dir::with(&[("a.json", &format!("{open}{}", "]}".repeat(2000)))]);
    let problems = dir.read(&["."]).problems;
    assert!(problems.len() == 1 && problems[0].ends_with("too many lists within lists"), "{problems:?}");
}

#[test]
fn what_is_no_object_and_does_not_mean_to_be_one_is_counted() {
    let dir = Dir::with(&[
        ("compose.yaml", "services:\n  web:\n    image: nginx\n"),
        ("workflow.yml", "on: push\njobs: {}\n"),
        ("array.json", r#"[{"op": "add", "path": "/spec", "value": 1}]"#),
        ("empty.yaml", "# nothing\n---\n"),
        ("text.yaml", "just words\n"),
    ]);
    let seen = dir.read(&["."]);
    assert!(seen.objects.is_empty() && seen.problems.is_empty(), "{:?} {:?}", seen.objects, seen.problems);
    assert_eq!((seen.input.counts.foreign, seen.input.counts.documents), (4, 4));
}

#[test]
fn an_object_that_is_wrong_about_itself_is_a_located_problem() {
    let dir = Dir::with(&[
        ("a.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: 5\n"),
        ("b.yaml", "kind: Pod\nmetadata: {name: a}\n"),
        ("c.yaml", "apiVersion: v1\nmetadata: {name: a}\n"),
        ("d.yaml", "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: []}\n"),
    ]);
    let seen = dir.read(&["."]);
    assert_eq!(
        seen.problems,
        [
            "a.yaml:4:9: metadata.name: expected a string, got an integer",
            "b.yaml:1:1: `apiVersion` is missing",
            "c.yaml:1:1: `kind` is missing",
            "d.yaml:4:41: items[0].metadata: expected a mapping, got a list",
        ]
    );
    assert!(seen.objects.is_empty());
}

#[test]
fn a_repeated_key_is_noted() {
    let dir = Dir::with(&[("a.yaml", &format!("{}kind: Secret\n", config_map("a")))]);
    let seen = dir.read(&["."]);
    assert_eq!(seen.objects, ["a.yaml: Secret a"]);
    assert!(seen.notes.len() == 1 && seen.notes[0].starts_with("a.yaml:5:1: "), "{:?}", seen.notes);
    assert_eq!(seen.input.notes[0].kind, NoteKind::Strict);
}

#[test]
fn a_template_outside_of_a_chart_gives_one_problem_and_no_objects() {
    let quoted =
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: fixed\nspec:\n  type: '{{ .Values.type }}'\n";
    let dir = Dir::with(&[
        ("a.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Values.name }}\n"),
        ("b.yaml", "{{- if .Values.on }}\napiVersion: v1\nkind: Pod\n{{- end }}\n"),
        ("c.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: '{{ .Values.name }}'\n"),
        // Decodes by itself, but stands beside a document that shows what the file is.
        ("d.yaml", &format!("{quoted}---\na: {{{{ x }}}}\n---\n{}", config_map("d"))),
    ]);
    let seen = dir.read(&["."]);
    assert_eq!(seen.objects, ["d.yaml: ConfigMap d"]);
    assert_eq!(seen.problems.len(), 4, "{:?}", seen.problems);
    for problem in &seen.problems {
        assert!(problem.ends_with(" (looks like a Helm template)"), "{problem}");
    }
    assert!(seen.problems[2].starts_with("c.yaml:4:3: metadata.name: holds `{{`"), "{:?}", seen.problems);
}

#[test]
fn braces_alone_make_no_template() {
    let alert =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: rules}\ndata:\n  a: 'on {{ $labels.pod }}'\n";
    let dir = Dir::with(&[("a.yaml", &format!("{alert}---\na: b: c\n"))]);
    let seen = dir.read(&["."]);
    assert_eq!(seen.objects, ["a.yaml: ConfigMap rules"]);
    assert!(!seen.problems[0].contains("template"), "{:?}", seen.problems);
}

#[test]
fn objects_of_files_are_not_rendered() {
    let dir = Dir::with(&[("a.yaml", &format!("# Source: web/templates/a.yaml\n{}", config_map("a")))]);
    let seen = dir.read(&["."]);
    assert_eq!(seen.input.objects[0].rendering, Rendering::None, "a file can be edited, whoever wrote it");
}
