//! Suppressions, baselines and thresholds, as users meet them.

use std::fs;

use insta::assert_snapshot;

use crate::{PRIVILEGED, Place, SOUND, command, shown};

/// Only the checks that the texts here are made for, and those of suppressions. The rest of a configuration may follow.
const CHECKS: &str = "\
checks.disable = ['all']
checks.enable = ['privileged-container', 'host-namespace', 'privilege-escalation', 'root-not-ruled-out',
  'unrestricted-capabilities', 'seccomp-profile-not-set', 'host-port', 'root-user',
  'unused-suppression', 'expired-suppression', 'malformed-suppression']
";

/// A place with these files, and these checks and settings.
fn place(files: &[(&str, &str)], settings: &str) -> Place {
    let place = Place::new(files);
    configure(&place, settings);
    place
}

fn configure(place: &Place, settings: &str) {
    place.write("ringwall.toml", format!("{CHECKS}{settings}").as_bytes());
}

#[test]
fn each_form_of_suppression_sets_aside_and_says_so() {
    let comment = PRIVILEGED.replace(
        "  hostNetwork: true",
        "  # ringwall:ignore host-namespace reason=\"a node agent\" until=2999-12-31\n  hostNetwork: true",
    );
    let annotation = PRIVILEGED.replace(
        "  name: privileged\n",
        "  name: annotated\n  annotations:\n    ringwall.dev/ignore.RW-POD-001: \"a node agent; until=2999-12-31\"\n",
    );
    let excepted = PRIVILEGED.replace("  name: privileged\n", "  name: excepted\n");
    let settings =
        "[[exceptions]]\nrules = ['RW-POD-001', 'RW-POD-002']\nname = 'excepted'\nreason = 'a node agent'\n";
    let files = [
        ("k8s/annotation.yaml", annotation.as_str()),
        ("k8s/comment.yaml", &comment),
        ("k8s/excepted.yaml", &excepted),
    ];
    let place = place(&files, settings);
    assert_snapshot!(place.run(&["scan", "k8s"]), @r#"
    exit code: 1
    ----- stdout -----
    Pod annotated  k8s/annotation.yaml
       8:3  high      RW-POD-002  the pod shares its node's network (hostNetwork)  spec.hostNetwork

    Pod privileged  k8s/comment.yaml
      20:7  critical  RW-POD-001  container "app" runs privileged  spec.containers[0].securityContext.privileged

    2 findings: 1 critical, 1 high · 4 suppressed · 3 objects in 3 files
    ----- stderr -----
    "#);
    configure(&place, "");
    assert_snapshot!(place.run(&["scan", "k8s/excepted.yaml"]), @r#"
    exit code: 1
    ----- stdout -----
    Pod excepted  k8s/excepted.yaml
      19:7  critical  RW-POD-001  container "app" runs privileged                  spec.containers[0].securityContext.privileged
       6:3  high      RW-POD-002  the pod shares its node's network (hostNetwork)  spec.hostNetwork

    2 findings: 1 critical, 1 high · 1 object in 1 file
    ----- stderr -----
    "#);
}

#[test]
fn suppressions_that_do_nothing_are_findings() {
    let pod = SOUND
        .replace(
            "  containers:\n",
            "  hostPID: true # ringwall:ignore host-namespace until=2020-01-31\n  containers:\n",
        )
        .replace("  - name: app\n", "  - name: app # ringwall:ignore privileged-container, root-user\n")
        .replace("    image: app:1\n", "    # ringwall:ignore privilegd-container\n    image: app:1\n")
        .replace(
            "  name: sound\n",
            "  name: sound\n  annotations:\n    ringwall.dev/ignore.host-port.container.proxy: 'injected'\n",
        );
    let place = place(&[("pod.yaml", &pod)], "");
    assert_snapshot!(place.run(&["scan", "pod.yaml"]), @r#"
    exit code: 1
    ----- stdout -----
    Pod sound  pod.yaml
      13:3   high  RW-POD-002  the pod shares its node's processes (hostPID)                            spec.hostPID
       6:5   low   RW-QUI-001  the annotation ignores RW-POD-004 (host-port), which finds nothing here  metadata.annotations[ringwall.dev/ignore.host-port.container.proxy]
      13:17  low   RW-QUI-002  the comment ignored RW-POD-002 until 2020-01-31                          spec.hostPID
      15:15  low   RW-QUI-001  the comment ignores RW-POD-001 (privileged-container), which finds nothing here  spec.containers[0].name
      15:15  low   RW-QUI-001  the comment ignores RW-POD-018 (root-user), which finds nothing here     spec.containers[0].name
      16:5   low   RW-QUI-003  the comment ignores nothing: there is no check "privilegd-container"; did you mean privileged-container?  spec.containers[0].image

    6 findings: 1 high, 5 low · 1 object in 1 file
    ----- stderr -----
    "#);
    let settings = "checks = {disable = ['RW-QUI-001', 'RW-QUI-002', 'malformed-suppression', 'all'], enable = ['host-namespace']}";
    place.write("ringwall.toml", settings.as_bytes());
    assert_snapshot!(place.run(&["scan", "pod.yaml"]), @"
    exit code: 1
    ----- stdout -----
    Pod sound  pod.yaml
      13:3  high  RW-POD-002  the pod shares its node's processes (hostPID)  spec.hostPID

    1 finding: 1 high · 1 object in 1 file
    ----- stderr -----
    ");
}

#[test]
fn one_container_can_be_accepted_and_not_its_neighbour() {
    let pod = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata:
      annotations:
        ringwall.dev/ignore.RW-POD-001.container.agent: \"loads a module; until=2999-12-31\"
    spec:
      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
      containers:
      - name: agent
        securityContext: {privileged: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
      - name: app
        securityContext: {privileged: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
";
    let place = place(&[("web.yaml", pod)], "");
    assert_snapshot!(place.run(&["scan", "web.yaml"]), @r#"
    exit code: 1
    ----- stdout -----
    Deployment web  web.yaml
      15:27  critical  RW-POD-001  container "app" runs privileged  spec.template.spec.containers[1].securityContext.privileged

    1 finding: 1 critical · 1 suppressed · 1 object in 1 file
    ----- stderr -----
    "#);
    let report = place.json(&["scan", "-o", "json", "web.yaml"]);
    assert_eq!(report["setAside"].as_array().map(Vec::len), Some(1), "{report}");
}

#[test]
fn the_items_of_a_list_and_json_are_told_apart() {
    let item = |name: &str| {
        format!(
            "{}\n",
            PRIVILEGED.replace("name: privileged", &format!("name: {name}")).trim_end().replace('\n', "\n  ")
        )
    };
    let list = format!(
        "apiVersion: v1\nkind: List\nitems:\n# ringwall:ignore all\n- {}- {}",
        item("first"),
        item("second")
    );
    let json = r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "c", "annotations": {"ringwall.dev/ignore.host-namespace": "x"}},
"spec": {"hostPID": true, "containers": []}}"#;
    let place = place(&[("list.yaml", &list), ("pod.json", json)], "");
    assert_snapshot!(place.run(&["scan", "--min-severity", "high", "list.yaml", "pod.json"]), @r#"
    exit code: 1
    ----- stdout -----
    Pod second  list.yaml
      46:9  critical  RW-POD-001  container "app" runs privileged                  spec.containers[0].securityContext.privileged
      33:5  high      RW-POD-002  the pod shares its node's network (hostNetwork)  spec.hostNetwork

    2 findings: 1 critical, 1 high · 3 suppressed · 3 objects in 2 files
    ----- stderr -----
    "#);
}

#[test]
fn other_scanners_forms_count_when_asked() {
    let pod = PRIVILEGED
        .replace(
            "  name: privileged\n",
            "  name: privileged\n  annotations:\n    checkov.io/skip1: CKV_K8S_16=a node agent\n",
        )
        .replace("  hostNetwork: true", "  #trivy:ignore:AVD-KSV-0009\n  hostNetwork: true");
    let place = place(&[("pod.yaml", &pod)], "");
    assert_eq!(place.code(&["scan", "pod.yaml"]), 1);
    assert_snapshot!(place.run(&["scan", "--compat-ignores", "pod.yaml"]), @"
    exit code: 0
    ----- stdout -----
    No findings · 2 suppressed · 1 object in 1 file
    ----- stderr -----
    ");
    configure(&place, "suppressions.compat-ignores = true\n");
    assert_eq!(place.code(&["scan", "pod.yaml"]), 0);
}

#[test]
fn a_baseline_leaves_what_is_new() {
    let place = place(&[("k8s/pod.yaml", PRIVILEGED)], "");
    assert_snapshot!(place.run(&["baseline", "write", "known.json", "--reason", "from the old cluster", "k8s"]), @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
    known.json: 2 findings
    ");
    assert_snapshot!(fs::read_to_string(place.path().join("known.json")).unwrap(), @r#"
    {
      "schema": "ringwall.baseline/v1",
      "findings": [
        {
          "file": "k8s/pod.yaml",
          "object": "Pod privileged",
          "rule": "RW-POD-001",
          "path": "spec.containers[0].securityContext.privileged",
          "id": "371624ad020a876c",
          "reason": "from the old cluster"
        },
        {
          "file": "k8s/pod.yaml",
          "object": "Pod privileged",
          "rule": "RW-POD-002",
          "path": "spec.hostNetwork",
          "id": "3ff13b230ec108d0",
          "reason": "from the old cluster"
        }
      ]
    }
    "#);
    assert_snapshot!(place.run(&["scan", "--baseline", "known.json", "--fail-on", "new", "k8s"]), @"
    exit code: 0
    ----- stdout -----
    No new findings · 2 known from the baseline · 1 object in 1 file
    ----- stderr -----
    ");
    let more = PRIVILEGED.replace("  hostNetwork: true\n", "  hostPID: true\n");
    place.write("k8s/pod.yaml", more.as_bytes());
    assert_snapshot!(place.run(&["scan", "--baseline", "known.json", "--fail-on", "new", "k8s"]), @"
    exit code: 1
    ----- stdout -----
    Pod privileged  k8s/pod.yaml
      6:3  high  RW-POD-002  the pod shares its node's processes (hostPID)  spec.hostPID

    1 finding: 1 high · 1 known from the baseline · 1 object in 1 file
    ----- stderr -----
    Notes
      known.json: 1 finding of the baseline is gone; `ringwall baseline write` makes it smaller
    ");
    assert_eq!(place.code(&["scan", "--baseline", "known.json", "--fail-on", "new,critical", "k8s"]), 0);
    assert_eq!(place.code(&["scan", "--baseline", "known.json", "--fail-on", "never", "k8s"]), 0);
    assert_eq!(place.code(&["scan", "--baseline", "known.json", "k8s"]), 1);
    // Written anew, what stayed keeps its reason.
    assert_eq!(place.code(&["baseline", "write", "-q", "known.json", "k8s"]), 0);
    let written = fs::read_to_string(place.path().join("known.json")).unwrap();
    assert_eq!(written.matches("from the old cluster").count(), 1, "{written}");
    assert_eq!(written.matches("\"id\"").count(), 2, "{written}");
    let again = shown(&command(place.path(), &["baseline", "write", "-", "k8s"]).output().unwrap());
    assert!(!again.contains("from the old cluster") && again.contains("RW-POD-002"), "{again}");
}

#[test]
fn a_baseline_holds_nothing_that_is_suppressed_and_is_not_written_over_by_half() {
    let pod =
        PRIVILEGED.replace("  hostNetwork: true", "  hostNetwork: true # ringwall:ignore host-namespace");
    let place = place(&[("k8s/pod.yaml", &pod)], "");
    assert_eq!(place.code(&["baseline", "write", "known.json", "k8s"]), 0);
    let written = fs::read_to_string(place.path().join("known.json")).unwrap();
    assert!(!written.contains("RW-POD-002") && written.contains("RW-POD-001"), "{written}");
    place.write("k8s/broken.yaml", b"kind: [\n");
    assert_snapshot!(place.run(&["baseline", "write", "known.json", "k8s"]), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    Could not read
      k8s/broken.yaml:1:7: unclosed bracket '['
    error: not all of the input could be read, so no baseline is written
    ");
    assert_eq!(fs::read_to_string(place.path().join("known.json")).unwrap(), written);
}

#[test]
fn a_wrong_use_of_baselines_is_refused() {
    let place = Place::new(&[("pod.yaml", SOUND), ("bad.json", "{\n  \"schema\": 1\n}\n")]);
    assert_snapshot!(place.run(&["scan", "--fail-on", "new", "pod.yaml"]), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: --fail-on new asks what is new, and there is no --baseline to compare with
    hint: `ringwall baseline write ringwall-baseline.json k8s/` writes one
    ");
    assert_snapshot!(place.run(&["scan", "--baseline", "bad.json", "pod.yaml"]), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: bad.json:2:13: no ringwall.baseline/v1: invalid type: integer `1`, expected a string
    hint: `ringwall baseline write` writes such a file
    ");
    assert_snapshot!(place.run(&["scan", "--baseline", "gone.json", "pod.yaml"]), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: gone.json: no such file or directory
    ");
    assert_snapshot!(place.run(&["scan", "--fail-on", "hgih", "pod.yaml"]), @r#"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: invalid value 'hgih' for '--fail-on <WHAT>': expected a severity (info, low, medium, high, critical), new, both as in new,high, or never, got "hgih"; did you mean high?

    For more information, try '--help'.
    "#);
    assert_eq!(place.code(&["scan", "--group-by", "cause", "-o", "json", "pod.yaml"]), 2);
}

#[test]
fn findings_for_information_are_hidden_and_counted_in_every_format() {
    let place = place(&[("pod.yaml", PRIVILEGED)], "checks.severity = {host-namespace = 'info'}\n");
    assert_snapshot!(place.run(&["scan", "pod.yaml"]), @r#"
    exit code: 1
    ----- stdout -----
    Pod privileged  pod.yaml
      19:7  critical  RW-POD-001  container "app" runs privileged  spec.containers[0].securityContext.privileged

    1 finding: 1 critical · 1 below low not shown · 1 object in 1 file
    ----- stderr -----
    "#);
    let rules = |args: &[&str]| {
        let report = place.json(args);
        (report["findings"].as_array().unwrap().len(), report["summary"]["hidden"].as_u64().unwrap())
    };
    assert_eq!(rules(&["scan", "-o", "json", "pod.yaml"]), (1, 1));
    assert_eq!(rules(&["scan", "-o", "json", "--min-severity", "info", "pod.yaml"]), (2, 0));
    configure(&place, "[scan]\nmin-severity = 'critical'\nfail-on = 'never'\n");
    assert_eq!(rules(&["scan", "-o", "json", "pod.yaml"]), (1, 1));
    assert_eq!(place.code(&["scan", "pod.yaml"]), 0);
    assert_eq!(place.code(&["scan", "--fail-on", "high", "pod.yaml"]), 1, "what is typed goes first");
}

#[test]
fn findings_can_be_grouped_by_cause() {
    let three = "apiVersion: v1\nkind: Pod\nmetadata: {name: three}\nspec:\n  containers:\n  - name: app\n  - name: proxy\n";
    let other = PRIVILEGED.replace("name: privileged", "name: other");
    let place = place(&[("k8s/a.yaml", PRIVILEGED), ("k8s/b.yaml", &other), ("k8s/c.yaml", three)], "");
    assert_snapshot!(place.run(&["scan", "--group-by", "cause", "k8s"]), @r#"
    exit code: 1
    ----- stdout -----
    critical  RW-POD-001  a container runs privileged · 2 findings on 2 objects
      container "…" runs privileged
        k8s/a.yaml  Pod privileged 19:7
        k8s/b.yaml  Pod other 19:7

    high  RW-POD-002  the pod shares a namespace of its node · 2 findings on 2 objects
      the pod shares its node's network (hostNetwork)
        k8s/a.yaml  Pod privileged 6:3
        k8s/b.yaml  Pod other 6:3

    medium  RW-POD-015  a container's processes may gain more rights than they started with · 2 findings on 1 object
      container "…" may gain more rights than it starts with
        k8s/c.yaml  Pod three 6:5, 7:5

    medium  RW-POD-017  a container may run as root · 2 findings on 1 object
      container "…" may run as root (runAsNonRoot is not set)
        k8s/c.yaml  Pod three 6:5, 7:5

    low  RW-POD-013  a container does not drop all capabilities, or adds one other than NET_BIND_SERVICE · 2 findings on 1 object
      container "…" does not drop ALL capabilities
        k8s/c.yaml  Pod three 6:5, 7:5

    low  RW-POD-019  no seccomp profile is set · 2 findings on 1 object
      container "…" has no seccomp profile
        k8s/c.yaml  Pod three 6:5, 7:5

    12 findings: 2 critical, 2 high, 4 medium, 4 low · 3 objects in 3 files
    ----- stderr -----
    "#);
}

#[test]
fn the_configuration_is_found_above_in_the_same_repository_only() {
    let place = Place::new(&[
        ("ringwall.toml", "checks.disable = ['all']\n"),
        ("repo/.git/HEAD", ""),
        ("repo/k8s/pod.yaml", PRIVILEGED),
    ]);
    let code = |folder: &str| {
        command(&place.path().join(folder), &["scan", "pod.yaml"]).output().unwrap().status.code().unwrap()
    };
    assert_eq!(code("repo/k8s"), 1, "the repository ends the search");
    place.write("repo/ringwall.toml", b"checks.disable = ['all']\n");
    assert_eq!(code("repo/k8s"), 0);
    place.write("repo/ringwall.toml", b"[chekcs]\n");
    let output = command(&place.path().join("repo/k8s"), &["scan", "pod.yaml"]).output().unwrap();
    assert_snapshot!(shown(&output), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: ../ringwall.toml:1:2: there is no key chekcs; did you mean checks?
    ");
}

#[test]
fn the_configuration_can_be_checked() {
    let settings = "\
[scan]
fail-on = 'new,high'
[checks]
disable = ['host-port']
severity = { RW-POD-003 = 'critical' }
[suppressions]
require-reason = true
[[exceptions]]
rules = ['host-path-volume']
namespace = 'logging'
labels = { app = 'fluent-bit' }
reason = 'reads the logs of the node'
owner = 'team-observability'
until = 2999-12-31
[[exceptions]]
rules = ['all']
name = 'legacy-*'
reason = 'goes away with the old cluster'
until = 2020-12-31
[[workloads]]
group = 'example.com'
kind = 'Fleet'
template = 'spec.template'
[images]
allowed-registries = ['registry.example.com']
";
    let place = Place::new(&[
        ("ringwall.toml", settings),
        ("bad.toml", "[scan]\nfail_on = 'high'\nmin-severity = 'hihg'\n"),
    ]);
    assert_snapshot!(place.run(&["config", "check"]), @"
    exit code: 0
    ----- stdout -----
    ringwall.toml is sound. In force:
      fail-on             new,high
      min-severity        low
      require-reason      true
      compat-ignores      false
      disabled            RW-POD-004
      severity            RW-POD-003 critical
      workloads           Fleet of example.com (spec.template)
      allowed-registries  registry.example.com

    Exceptions
      line 8   RW-POD-003  namespace=logging app=fluent-bit  2999-12-31            reads the logs of the node (team-observability)
      line 15  all         name=legacy-*                     2020-12-31 (expired)  goes away with the old cluster
    ----- stderr -----
    ");
    assert_snapshot!(place.run(&["config", "check", "bad.toml"]), @r#"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: the configuration has 2 errors
      bad.toml:2:1: there is no key scan.fail_on; did you mean fail-on?
      bad.toml:3:16: scan.min-severity: expected info, low, medium, high or critical, got "hihg"; did you mean high?
    "#);
    let report = place.json(&["config", "check", "-o", "json"]);
    assert_eq!(report["exceptions"][1]["expired"], true);
    assert_eq!(report["disabled"][0], "RW-POD-004");
    assert_snapshot!(Place::new(&[]).run(&["config", "check"]), @"
    exit code: 0
    ----- stdout -----
    There is no ringwall.toml here. In force are the defaults:
      fail-on         low
      min-severity    low
      require-reason  false
      compat-ignores  false
    ----- stderr -----
    ");
    assert_eq!(place.code(&["config", "check", "gone.toml"]), 2);
    assert_eq!(place.code(&["scan", "--config", "bad.toml", "bad.toml"]), 2);
}
