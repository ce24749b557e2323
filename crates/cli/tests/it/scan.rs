//! `ringwall scan`.

use insta::assert_snapshot;
use ringwall_report::FORMATS;

use crate::{PRIVILEGED, Place, SOUND, command, in_examples};

#[test]
fn the_classic_cluster() {
    assert_snapshot!(in_examples(&["scan", "classic"]));
}

#[test]
fn the_shop() {
    assert_snapshot!(in_examples(&["scan", "shop"]));
}

#[test]
fn json_says_the_same_and_is_one_document() {
    let place = Place::new(&[
        ("k8s/a.yaml", PRIVILEGED),
        ("k8s/bad.yaml", "kind: [\n"),
        ("k8s/values.yaml", "a: 1\n"),
    ]);
    let report = place.json(&["scan", "-o", "json", "k8s"]);
    assert_eq!(report["schema"], "ringwall.report/v1");
    assert_eq!(report["findings"][0]["rule"], "RW-POD-002");
    assert_eq!(report["findings"][0]["location"]["line"], 6);
    assert_eq!(report["errors"].as_array().unwrap().len(), 1);
    assert_eq!(report["summary"]["foreign"], 1);
}

#[test]
fn two_runs_give_the_same_bytes() {
    for format in FORMATS {
        let run = || in_examples(&["scan", "-o", format.name, "classic", "shop"]);
        assert_eq!(run(), run());
    }
}

#[test]
fn each_format_has_its_name_and_says_beside_only_what_it_does_not_hold() {
    let place = Place::new(&[("a.yaml", PRIVILEGED), ("bad.yaml", "kind: [\n")]);
    for format in FORMATS {
        let output = command(place.path(), &["scan", "-o", format.name, "."]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", format.name);
        let answer = String::from_utf8(output.stdout).unwrap();
        assert!(answer.contains("privileged"), "{}: {answer}", format.name);
        let beside = String::from_utf8(output.stderr).unwrap();
        let (held, told) = (answer.contains("bad.yaml"), beside.contains("bad.yaml"));
        assert!(held != told, "{}: {answer}\n{beside}", format.name);
    }
    assert_eq!(place.code(&["scan", "-o", "csv", "."]), 2);
    assert_eq!(place.code(&["pods", "level", "-o", "sarif", "."]), 2, "a verdict is no list of findings");
}

#[test]
fn what_a_workflow_annotates() {
    let place = Place::new(&[("k8s/a.yaml", PRIVILEGED)]);
    assert_snapshot!(place.run(&["scan", "-o", "github", "./k8s"]), @r#"
    exit code: 1
    ----- stdout -----
    ::error file=k8s/a.yaml,line=19,endLine=19,col=7,endColumn=17,title=RW-POD-001 privileged-container::Pod privileged: container "app" runs privileged
    ::error file=k8s/a.yaml,line=6,endLine=6,col=3,endColumn=14,title=RW-POD-002 host-namespace::Pod privileged: the pod shares its node's network (hostNetwork)
    ----- stderr -----
    "#);
}

#[test]
fn a_sound_pod_passes() {
    let place = Place::new(&[("pod.yaml", SOUND)]);
    assert_snapshot!(place.run(&["scan", "pod.yaml"]), @"
    exit code: 0
    ----- stdout -----
    No findings · 13 below low not shown · 1 object in 1 file
    ----- stderr -----
    ");
}

#[test]
fn a_pipe_is_read() {
    let place = Place::new(&[]);
    let list =
        format!("apiVersion: v1\nkind: List\nitems:\n- {}", PRIVILEGED.trim_end().replace('\n', "\n  "));
    assert_snapshot!(place.pipe(&["scan", "-"], &list), @r#"
    exit code: 1
    ----- stdout -----
    Pod privileged  <stdin>
      22:9  critical  RW-POD-001  container "app" runs privileged                  spec.containers[0].securityContext.privileged
       9:5  high      RW-POD-002  the pod shares its node's network (hostNetwork)  spec.hostNetwork

    2 findings: 1 critical, 1 high · 12 below low not shown · 1 object in 1 file
    ----- stderr -----
    "#);
}

#[test]
fn an_empty_pipe_is_no_pass() {
    let place = Place::new(&[]);
    assert_snapshot!(place.pipe(&["scan", "-"], ""), @"
    exit code: 1
    ----- stdout -----
    Nothing was judged · 0 objects in 1 file
    ----- stderr -----
    Notes
      <stdin>: holds no document
    hint: not all of the input could be judged, so this is no pass; --allow-unknown lets it be one
    ");
    assert_eq!(place.code(&["scan", "--allow-unknown", "-"]), 0);
    assert_eq!(place.code(&["scan", "."]), 1, "nor is an empty directory");
    place.write("comment.yaml", b"# nothing yet\n");
    assert_eq!(
        place.code(&["scan", "comment.yaml"]),
        0,
        "a file that is named and says nothing is as it should be"
    );
}

#[test]
fn no_path_is_a_wrong_usage() {
    assert_snapshot!(Place::new(&[]).run(&["scan"]), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: no path is given
    hint: `ringwall scan k8s/` reads a directory, `ringwall scan -` standard input
    ");
}

#[test]
fn exit_codes() {
    let place = Place::new(&[
        ("sound.yaml", SOUND),
        ("privileged.yaml", PRIVILEGED),
        ("low.yaml", &SOUND.replace("        drop: [ALL]\n", "        drop: [KILL]\n")),
        ("broken.yaml", "kind: [\n"),
    ]);
    let table: [(&[&str], i32); 12] = [
        (&["scan", "sound.yaml"], 0),
        (&["scan", "low.yaml"], 1),
        (&["scan", "--fail-on", "medium", "low.yaml"], 0),
        (&["scan", "--fail-on", "critical", "privileged.yaml"], 1),
        (&["scan", "--min-severity", "high", "low.yaml"], 1),
        (&["scan", "broken.yaml"], 2),
        (&["scan", "broken.yaml", "privileged.yaml"], 2),
        (&["scan", "missing.yaml"], 2),
        (&["scan", "--fail-on", "urgent", "sound.yaml"], 2),
        (&["scan", "--kubernetes-version", "2.0", "sound.yaml"], 2),
        (&["explain", "RW-POD-001"], 0),
        (&["--help"], 0),
    ];
    for (args, code) in table {
        assert_eq!(place.code(args), code, "{args:?}");
    }
}

#[test]
fn what_is_hidden_still_counts_and_is_mentioned() {
    let place = Place::new(&[("pod.yaml", &PRIVILEGED.replace("privileged: true", "procMount: Default"))]);
    assert_snapshot!(place.run(&["scan", "--min-severity", "critical", "pod.yaml"]), @"
    exit code: 1
    ----- stdout -----
    No findings to show · 13 below critical not shown · 1 object in 1 file
    ----- stderr -----
    hint: --fail-on low counts findings that --min-severity critical does not show
    ");
}

#[test]
fn a_check_that_is_younger_than_the_cluster_does_not_run() {
    let probe = SOUND.replace(
        "    image: app:1\n",
        "    image: app:1\n    livenessProbe:\n      tcpSocket: {host: 10.0.0.1, port: 80}\n",
    );
    let place = Place::new(&[("pod.yaml", &probe)]);
    assert_eq!(place.code(&["scan", "--kubernetes-version", "v1.33", "pod.yaml"]), 0);
    assert_snapshot!(place.run(&["scan", "--kubernetes-version", "1.34", "pod.yaml"]), @r#"
    exit code: 1
    ----- stdout -----
    Pod sound  pod.yaml
      15:19  medium  RW-POD-005  container "app" sends its liveness probe to the host 10.0.0.1  spec.containers[0].livenessProbe.tcpSocket.host

    1 finding: 1 medium · 12 below low not shown · 1 object in 1 file
    ----- stderr -----
    "#);
    assert_snapshot!(place.run(&["scan", "--kubernetes-version", "1.99", "pod.yaml"]), @r#"
    exit code: 1
    ----- stdout -----
    Pod sound  pod.yaml
      15:19  medium  RW-POD-005  container "app" sends its liveness probe to the host 10.0.0.1  spec.containers[0].livenessProbe.tcpSocket.host

    1 finding: 1 medium · 12 below low not shown · 1 object in 1 file
    ----- stderr -----
    Notes
      --kubernetes-version: v1.99 is newer than this ringwall knows; judged as v1.37
    "#);
}

#[test]
fn what_a_baseline_check_says_is_not_said_again_at_restricted() {
    let pod = SOUND
        .replace("drop: [ALL]\n", "drop: [ALL]\n        add: [SYS_ADMIN, CHOWN]\n      procMount: Unmasked\n      seccompProfile: {type: Unconfined}\n")
        .replace("  containers:\n", "  volumes:\n  - name: host\n    hostPath: {path: /}\n  - name: nfs\n    nfs: {server: s, path: /}\n  - name: none\n  containers:\n");
    let place = Place::new(&[("pod.yaml", &pod)]);
    assert_snapshot!(place.run(&["scan", "pod.yaml"]), @r#"
    exit code: 1
    ----- stdout -----
    Pod sound  pod.yaml
      13:16  critical  RW-POD-050  volume "host" is / of the node, which gives all files of the node      spec.volumes[0].hostPath.path
      28:15  critical  RW-POD-006  container "app" adds the capability SYS_ADMIN: mounting, namespaces and most of root's rights on the node  spec.containers[0].securityContext.capabilities.add[0]
      13:5   high      RW-POD-003  volume "host" mounts a path of the node                                spec.volumes[0].hostPath
      29:7   high      RW-POD-008  container "app" gets /proc without the runtime's masks (procMount: "Unmasked")  spec.containers[0].securityContext.procMount
      30:24  medium    RW-POD-010  container "app" sets the seccomp profile Unconfined                    spec.containers[0].securityContext.seccompProfile.type
      14:5   low       RW-POD-016  volume "nfs" is of the type nfs                                        spec.volumes[1]
      28:26  low       RW-POD-013  container "app" adds the capability CHOWN: giving any file to anybody  spec.containers[0].securityContext.capabilities.add[1]

    7 findings: 2 critical, 2 high, 1 medium, 2 low · 13 below low not shown · 1 object in 1 file
    ----- stderr -----
    "#);
}

#[test]
fn containers_that_lack_the_same_are_one_row() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: three}\nspec:\n  initContainers:\n  - name: setup\n  containers:\n  - name: app\n  - name: proxy\n";
    let place = Place::new(&[("pod.yaml", pod)]);
    assert_snapshot!(place.run(&["scan", "pod.yaml"]), @r#"
    exit code: 1
    ----- stdout -----
    Pod three  pod.yaml
      6:5  medium  RW-POD-015  init container "setup" may gain more rights than it starts with    spec.initContainers[0].securityContext.allowPrivilegeEscalation
      6:5  medium  RW-POD-017  init container "setup" may run as root (runAsNonRoot is not set)   spec.initContainers[0].securityContext.runAsNonRoot
      8:5  medium  RW-POD-015  container "app" may gain more rights than it starts with (also proxy 9:5)  spec.containers[0,1].securityContext.allowPrivilegeEscalation
      8:5  medium  RW-POD-017  container "app" may run as root (runAsNonRoot is not set) (also proxy 9:5)  spec.containers[0,1].securityContext.runAsNonRoot
      4:1  low     RW-POD-025  the pod carries a token of service account "default", to which nothing here gives rights  spec.automountServiceAccountToken
      6:5  low     RW-POD-013  init container "setup" does not drop ALL capabilities              spec.initContainers[0].securityContext.capabilities.drop
      6:5  low     RW-POD-019  init container "setup" has no seccomp profile                      spec.initContainers[0].securityContext.seccompProfile.type
      6:5  low     RW-POD-020  init container "setup" can write to its root filesystem            spec.initContainers[0].securityContext.readOnlyRootFilesystem
      6:5  low     RW-POD-021  init container "setup" has no memory limit                         spec.initContainers[0].resources.limits.memory
      8:5  low     RW-POD-013  container "app" does not drop ALL capabilities (also proxy 9:5)    spec.containers[0,1].securityContext.capabilities.drop
      8:5  low     RW-POD-019  container "app" has no seccomp profile (also proxy 9:5)            spec.containers[0,1].securityContext.seccompProfile.type
      8:5  low     RW-POD-020  container "app" can write to its root filesystem (also proxy 9:5)  spec.containers[0,1].securityContext.readOnlyRootFilesystem
      8:5  low     RW-POD-021  container "app" has no memory limit (also proxy 9:5)               spec.containers[0,1].resources.limits.memory

    19 findings: 6 medium, 13 low · 30 below low not shown · 1 object in 1 file
    ----- stderr -----
    "#);
}

#[test]
fn namespace_labels_are_judged() {
    let namespaces = "\
apiVersion: v1
kind: Namespace
metadata:
  name: strict
  labels:
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/enforce-version: v1.24
---
apiVersion: v1
kind: Namespace
metadata:
  name: misspelt
  labels:
    pod-security.kubernetes.io/enforce: restriced
    pod-security.kubernetes.io/audit: Baseline
    pod-security.kubernetes.io/warn-version: '1.30'
";
    let refused = PRIVILEGED.replace("  name: privileged\n", "  name: privileged\n  namespace: strict\n");
    let place = Place::new(&[("ns.yaml", namespaces), ("pod.yaml", &refused), ("sound.yaml", SOUND)]);
    assert_snapshot!(place.run(&["scan", "."]), @r#"
    exit code: 1
    ----- stdout -----
    Namespace strict  ns.yaml
       7:5  low       RW-PSA-005  enforce is held to restricted:v1.24; 9 checks have changed since  metadata.labels[pod-security.kubernetes.io/enforce-version]

    Namespace misspelt  ns.yaml
      14:5  medium    RW-PSA-001  metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "restriced": must be one of privileged, baseline, restricted  metadata.labels[pod-security.kubernetes.io/enforce]
      15:5  medium    RW-PSA-001  metadata.labels[pod-security.kubernetes.io/audit]: Invalid value: "Baseline": must be one of privileged, baseline, restricted  metadata.labels[pod-security.kubernetes.io/audit]
      16:5  medium    RW-PSA-001  metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "1.30": must be "latest" or "v1.x"  metadata.labels[pod-security.kubernetes.io/warn-version]

    Pod strict/privileged  pod.yaml
      20:7  critical  RW-POD-001  container "app" runs privileged                  spec.containers[0].securityContext.privileged
       5:3  high      RW-PSA-002  the pod would be refused as it is written: violates PodSecurity "restricted:v1.24": host namespaces (hostNetwork=true), privileged (container "app" must not set securityContext.privileged=true)  metadata.namespace
       7:3  high      RW-POD-002  the pod shares its node's network (hostNetwork)  spec.hostNetwork

    7 findings: 1 critical, 2 high, 3 medium, 1 low · 29 below low not shown · 4 objects in 3 files
    ----- stderr -----
    "#);
    // A workload that states no namespace may end up anywhere.
    let place = Place::new(&[("ns.yaml", namespaces.split("---").next().unwrap()), ("pod.yaml", PRIVILEGED)]);
    assert!(!place.run(&["scan", "."]).contains("RW-PSA-002"));
    assert!(place.run(&["scan", "-n", "strict", "."]).contains("RW-PSA-002"));
}

#[test]
fn a_version_that_is_no_longer_served_is_judged_and_noted() {
    let old = "apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: old}\nspec:\n  template:\n    spec:\n      hostPID: true\n      containers: []\n";
    let cron = "apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: old}\nspec: {}\n";
    let place = Place::new(&[("old.yaml", old), ("cron.yaml", cron)]);
    assert_snapshot!(place.run(&["scan", "."]), @r#"
    exit code: 1
    ----- stdout -----
    CronJob old  cron.yaml
      4:1  low   RW-POD-025  the pod carries a token of service account "default", to which nothing here gives rights  spec.jobTemplate.spec.template.spec.automountServiceAccountToken

    Deployment old  old.yaml
      7:7  high  RW-POD-002  the pod shares its node's processes (hostPID)  spec.template.spec.hostPID
      6:5  low   RW-POD-025  the pod carries a token of service account "default", to which nothing here gives rights  spec.template.spec.automountServiceAccountToken

    3 findings: 1 high, 2 low · 7 below low not shown · 2 objects in 2 files
    ----- stderr -----
    Notes
      cron.yaml:1:1: the API server does not serve batch/v1beta1; judged as batch/v1
      old.yaml:1:1: the API server does not serve extensions/v1beta1; judged as apps/v1
    "#);
    assert!(!place.run(&["scan", "-q", "."]).contains("Notes"));
}
