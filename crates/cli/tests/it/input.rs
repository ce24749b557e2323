//! Bad input: what is wrong is said, the rest is judged, and the exit code is 2.

use insta::assert_snapshot;

use crate::{PRIVILEGED, Place, SOUND};

#[test]
fn a_broken_document_does_not_hide_the_rest() {
    let text = format!(
        "{PRIVILEGED}---\nkind: Pod\n  name: [\n---\n{}",
        PRIVILEGED.replace("name: privileged", "name: other")
    );
    let place = Place::new(&[("a.yaml", &text), ("b.yaml", SOUND)]);
    assert_snapshot!(place.run(&["scan", "."]), @r#"
    exit code: 2
    ----- stdout -----
    Pod privileged  a.yaml
      19:7  critical  RW-POD-001  container "app" runs privileged                  spec.containers[0].securityContext.privileged
       6:3  high      RW-POD-002  the pod shares its node's network (hostNetwork)  spec.hostNetwork

    Pod other  a.yaml
      46:7  critical  RW-POD-001  container "app" runs privileged                  spec.containers[0].securityContext.privileged
      33:3  high      RW-POD-002  the pod shares its node's network (hostNetwork)  spec.hostNetwork

    4 findings: 2 critical, 2 high · 37 below low not shown · 3 objects in 2 files · 1 place could not be read
    ----- stderr -----
    Could not read
      a.yaml:26:7: mapping values are not allowed in this context
    "#);
}

#[test]
fn values_of_wrong_types_are_located() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: wrong}\nspec:\n  containers: {}\n  securityContext:\n    runAsUser: '1000'\n  hostNetwork: true\n";
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  ports:\n  - port: '80'\n";
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata:\n  password: hunter2\nstringData:\n  pin: 4711\n";
    let wrong_group = "apiVersion: v1\nkind: Deployment\nmetadata: {name: d}\n";
    let place =
        Place::new(&[("a.yaml", pod), ("b.yaml", service), ("c.yaml", secret), ("d.yaml", wrong_group)]);
    let shown = place.run(&["scan", "."]);
    assert!(!shown.contains("hunter2") && !shown.contains("4711"), "a secret stays one");
    assert_snapshot!(shown, @"
    exit code: 2
    ----- stdout -----
    No findings · 4 objects in 4 files · 6 places could not be read
    ----- stderr -----
    Could not read
      a.yaml:5:15: spec.containers: expected a list, got a mapping  Pod wrong
      a.yaml:7:16: spec.securityContext.runAsUser: expected an integer of 64 bits, got a string: '1000'  Pod wrong
      b.yaml:6:11: spec.ports[0].port: expected an integer of 32 bits, got a string: '80'  Service web
      c.yaml:5:13: data.password: expected base64 text, got a string  Secret s
      c.yaml:7:8: stringData.pin: expected a string, got an integer  Secret s
      d.yaml:1:1: apiVersion: v1 has no kind Deployment; apps/v1 has  Deployment d
    ");
}

#[test]
fn yaml_that_is_no_kubernetes_object_is_counted() {
    let custom = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec: {containers: {}}\n";
    let place =
        Place::new(&[("values.yaml", "image: app\n"), ("ci.yml", "on: [push]\n"), ("widget.yaml", custom)]);
    assert_snapshot!(place.run(&["scan", "."]), @"
    exit code: 0
    ----- stdout -----
    No findings · 1 object in 3 files · 2 documents are no Kubernetes objects
    ----- stderr -----
    ");
}

#[test]
fn a_binary_file_is_refused() {
    let place = Place::new(&[("pod.yaml", SOUND)]);
    place.write("core.yaml", b"\x7fELF\0\0\x01\x02");
    assert_snapshot!(place.run(&["scan", "."]), @"
    exit code: 2
    ----- stdout -----
    No findings · 13 below low not shown · 1 object in 1 file · 1 place could not be read
    ----- stderr -----
    Could not read
      core.yaml: binary file
    ");
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let alias = format!("*a{}", level - 1);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![alias; 10].join(", ")));
    }
    let place = Place::new(&[("bomb.yaml", &bomb), ("pod.yaml", SOUND)]);
    assert_snapshot!(place.run(&["scan", "."]), @"
    exit code: 2
    ----- stdout -----
    No findings · 13 below low not shown · 1 object in 2 files · 1 place could not be read
    ----- stderr -----
    Could not read
      bomb.yaml:4:20: the document contains excessive aliasing
    ");
}

#[test]
fn deep_nesting_is_refused_or_read_but_never_a_fault() {
    for depth in [9_000, 200_000] {
        let flow = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {}{}\n",
            "[".repeat(depth),
            "]".repeat(depth)
        );
        let json = format!(
            "{{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{}{}}}",
            "[".repeat(depth),
            "]".repeat(depth)
        );
        let custom = format!("{}---\n{}", flow.replace("Pod", "Widget"), flow.replace("Pod", "Widget"));
        let place =
            Place::new(&[("a.yaml", &flow), ("b.json", &json), ("c.yaml", &custom), ("pod.yaml", SOUND)]);
        assert_eq!(place.code(&["scan", "."]), 2, "{depth}");
    }
}

#[test]
fn one_long_line_is_read() {
    let long = format!("# {}\n{SOUND}", "x".repeat(8 << 20));
    let place = Place::new(&[("long.yaml", &long)]);
    assert_eq!(place.code(&["scan", "."]), 0);
}

#[cfg(unix)]
#[test]
fn a_loop_of_directories_ends() {
    let place = Place::new(&[("a/b/pod.yaml", SOUND)]);
    std::os::unix::fs::symlink("../..", place.path().join("a/b/up")).unwrap();
    std::os::unix::fs::symlink("gone.yaml", place.path().join("a/dangling.yaml")).unwrap();
    assert_snapshot!(place.run(&["scan", "."]), @"
    exit code: 2
    ----- stdout -----
    No findings · 13 below low not shown · 1 object in 1 file · 1 place could not be read
    ----- stderr -----
    Could not read
      a/dangling.yaml: no such file or directory
    ");
}

#[cfg(unix)]
#[test]
fn what_may_not_be_read_is_said() {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new(&[("shut/pod.yaml", SOUND), ("open/pod.yaml", SOUND)]);
    let shut = place.path().join("shut");
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o000)).unwrap();
    // To root nothing is shut.
    if fs::read_dir(&shut).is_err() {
        let shown = place.run(&["scan", "."]);
        assert!(shown.starts_with("exit code: 2") && shown.contains("shut: permission denied"), "{shown}");
    }
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_chart_that_cannot_be_rendered_is_no_pass() {
    let place = Place::new(&[
        ("chart/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n"),
        ("chart/templates/pod.yaml", "kind: {{ .Values.kind }}\n"),
        ("pod.yaml", SOUND),
    ]);
    assert_snapshot!(place.run(&["scan", "."]), @"
    exit code: 1
    ----- stdout -----
    No findings · 13 below low not shown · 1 object in 1 file
    ----- stderr -----
    Notes
      chart: Helm chart not rendered: `helm` is not on PATH; pipe `helm template chart | ringwall scan -`
    hint: not all of the input could be judged, so this is no pass; --allow-unknown lets it be one
    ");
    assert_eq!(place.code(&["scan", "--allow-unknown", "."]), 0);
    assert_eq!(place.code(&["scan", "--no-render", "."]), 0, "who says so knows");
}

#[test]
fn an_object_that_is_read_twice_counts_once() {
    let other = PRIVILEGED.replace("hostNetwork: true", "hostNetwork: false");
    let place = Place::new(&[("a.yaml", PRIVILEGED), ("b.yaml", PRIVILEGED), ("c.yaml", &other)]);
    assert_snapshot!(place.run(&["scan", "."]), @r#"
    exit code: 1
    ----- stdout -----
    Pod privileged  a.yaml
      19:7  critical  RW-POD-001  container "app" runs privileged                  spec.containers[0].securityContext.privileged
       6:3  high      RW-POD-002  the pod shares its node's network (hostNetwork)  spec.hostNetwork

    Pod privileged  c.yaml
      19:7  critical  RW-POD-001  container "app" runs privileged  spec.containers[0].securityContext.privileged

    3 findings: 2 critical, 1 high · 25 below low not shown · 2 objects in 3 files
    ----- stderr -----
    Notes
      b.yaml: 1 object is in another file too (a.yaml) and counts once
      c.yaml:1:1: Pod privileged is here with other content than in a.yaml:1:1; both are judged
    "#);
}
