//! `ringwall pods`.

use insta::assert_snapshot;

use crate::{PRIVILEGED, Place, SOUND, in_examples};

fn namespaced(pod: &str, namespace: &str) -> String {
    pod.replacen("metadata:\n", &format!("metadata:\n  namespace: {namespace}\n"), 1)
}

fn namespace(name: &str, enforce: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {name}\n  labels:\n    pod-security.kubernetes.io/enforce: {enforce}\n"
    )
}

#[test]
fn check_gives_the_words_of_the_api_server() {
    let place = Place::new(&[("a.yaml", PRIVILEGED), ("b.yaml", SOUND)]);
    assert_snapshot!(place.run(&["pods", "check", "--level", "restricted", "--version", "v1.31", "."]), @r#"
    exit code: 1
    ----- stdout -----
    forbidden  Pod privileged  a.yaml:1:1
      violates PodSecurity "restricted:v1.31": host namespaces (hostNetwork=true), privileged (container "app" must not set securityContext.privileged=true)
      a.yaml:6:3: the pod shares its node's network (hostNetwork)  spec.hostNetwork
      a.yaml:19:7: container "app" runs privileged  spec.containers[0].securityContext.privileged
    allowed    Pod sound  b.yaml:1:1  restricted:v1.31

    2 workloads · 1 forbidden · 1 allowed
    ----- stderr -----
    "#);
}

#[test]
fn check_without_level_asks_the_namespace() {
    let place = Place::new(&[
        ("ns.yaml", &namespace("strict", "baseline")),
        ("plain.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: plain}\n"),
        ("a.yaml", &namespaced(PRIVILEGED, "strict")),
        ("b.yaml", &namespaced(PRIVILEGED, "plain")),
        ("c.yaml", &namespaced(SOUND, "elsewhere")),
        ("d.yaml", &SOUND.replace("name: sound", "name: homeless")),
    ]);
    assert_snapshot!(place.run(&["pods", "check", "."]), @r#"
    exit code: 1
    ----- stdout -----
    forbidden  Pod strict/privileged  a.yaml:1:1
      violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true), privileged (container "app" must not set securityContext.privileged=true)
      a.yaml:7:3: the pod shares its node's network (hostNetwork)  spec.hostNetwork
      a.yaml:20:7: container "app" runs privileged  spec.containers[0].securityContext.privileged
    allowed    Pod plain/privileged  b.yaml:1:1  privileged:latest
    unknown    Pod elsewhere/sound  c.yaml:1:1
      the Namespace "elsewhere" is not in the input, and no level was given
    unknown    Pod homeless  d.yaml:1:1
      the workload states no namespace, and no level was given

    4 workloads · 1 forbidden · 2 unknown · 1 allowed
    ----- stderr -----
    "#);
    let place = Place::new(&[("c.yaml", &namespaced(SOUND, "elsewhere"))]);
    assert_eq!(place.code(&["pods", "check", "."]), 1);
    assert_eq!(place.code(&["pods", "check", "--allow-unknown", "."]), 0);
    assert_eq!(place.code(&["pods", "check", "--version", "v1.30", "."]), 2, "a version of what?");
}

#[test]
fn check_knows_the_clusters_configuration() {
    let config = "\
apiVersion: pod-security.admission.config.k8s.io/v1
kind: PodSecurityConfiguration
defaults:
  enforce: baseline
exemptions:
  namespaces: [kube-system]
  runtimeClasses: [sandbox]
";
    let place = Place::new(&[
        ("config.yaml", config),
        ("k8s/ns.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: plain}\n"),
        ("k8s/a.yaml", &namespaced(PRIVILEGED, "plain")),
        ("k8s/b.yaml", &namespaced(PRIVILEGED, "kube-system")),
        (
            "k8s/c.yaml",
            &namespaced(
                &PRIVILEGED.replace("  hostNetwork: true\n", "  runtimeClassName: sandbox\n"),
                "sandboxed",
            ),
        ),
        ("bad.yaml", &config.replace("enforce: baseline", "enforce: none")),
        ("odd.yaml", &config.replace("enforce: baseline", "enforced: baseline")),
        ("twice.yaml", &config.replace("enforce: baseline", "enforce: baseline\n  enforce: restricted")),
    ]);
    assert_snapshot!(place.run(&["pods", "check", "--config", "config.yaml", "k8s"]), @r#"
    exit code: 1
    ----- stdout -----
    forbidden  Pod plain/privileged  k8s/a.yaml:1:1
      violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true), privileged (container "app" must not set securityContext.privileged=true)
      k8s/a.yaml:7:3: the pod shares its node's network (hostNetwork)  spec.hostNetwork
      k8s/a.yaml:20:7: container "app" runs privileged  spec.containers[0].securityContext.privileged
    allowed    Pod kube-system/privileged  k8s/b.yaml:1:1  exempt by its namespace
    allowed    Pod sandboxed/privileged  k8s/c.yaml:1:1  exempt by its runtimeClass

    3 workloads · 1 forbidden · 2 allowed
    ----- stderr -----
    "#);
    assert_snapshot!(place.run(&["pods", "check", "--config", "bad.yaml", "k8s"]), @r#"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: bad.yaml: defaults.enforce: Invalid value: "none": must be one of privileged, baseline, restricted
    "#);
    assert_snapshot!(place.run(&["pods", "check", "--config", "odd.yaml", "k8s"]), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: odd.yaml:4:3: defaults: unknown field `enforced`, expected one of `enforce`, `enforce-version`, `audit`, `audit-version`, `warn`, `warn-version`
    ");
    assert_snapshot!(place.run(&["pods", "check", "--config", "gone.yaml", "k8s"]), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: gone.yaml: no such file or directory
    ");
    assert_snapshot!(place.run(&["pods", "check", "--config", "twice.yaml", "k8s"]), @r#"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: twice.yaml:5:3: the key "enforce" is here twice
    "#);
}

#[test]
fn raw_objects_are_judged_as_they_stand() {
    let pod = SOUND.replace("  containers:\n", "  volumes:\n  - name: scratch\n  containers:\n");
    let place = Place::new(&[("pod.yaml", &pod)]);
    assert_eq!(place.code(&["pods", "check", "--level", "restricted", "pod.yaml"]), 0);
    assert_eq!(place.code(&["pods", "check", "--level", "restricted", "--raw", "pod.yaml"]), 1);
}

#[test]
fn level_shows_what_stops_the_next() {
    assert_snapshot!(in_examples(&["pods", "level", "shop"]));
}

#[test]
fn plan_shows_what_breaks_and_what_is_fine() {
    assert_snapshot!(in_examples(&["pods", "plan", "--enforce", "restricted", "shop"]));
    assert_snapshot!(in_examples(&["pods", "plan", "--enforce", "privileged", "classic"]), @"
    exit code: 0
    ----- stdout -----
    Namespace production  enforces privileged:latest now
      fine
        Deployment production/backend   classic/workloads.yaml:36:1
        Deployment production/frontend  classic/workloads.yaml:1:1

    Namespace restricted-ns  enforces restricted:latest now
      fine
        Pod restricted-ns/secure-pod  classic/secure-pod.yaml:1:1

    privileged:latest breaks nothing · 3 fine
    ----- stderr -----
    ");
}

#[test]
fn workloads_without_pods_count_in_a_plan() {
    let cron = "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: nightly}\nspec:\n  suspend: true\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          hostIPC: true\n          containers: [{name: a}]\n";
    let zero = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: zero}\nspec:\n  replicas: 0\n  template:\n    spec:\n      hostIPC: true\n      containers: [{name: a}]\n";
    let place = Place::new(&[("cron.yaml", cron), ("zero.yaml", zero)]);
    assert_snapshot!(place.run(&["pods", "plan", "--enforce", "baseline", "--enforce-version", "v1.30", "."]), @"
    exit code: 1
    ----- stdout -----
    No namespace stated
      breaks host namespaces
        CronJob nightly  cron.yaml:1:1
        Deployment zero  zero.yaml:1:1

    baseline:v1.30 breaks 2 workloads · 0 fine
    ----- stderr -----
    ");
}

#[test]
fn an_unreadable_workload_leaves_its_namespace_open() {
    let wrong = namespaced(
        &SOUND.replace("runAsNonRoot: true", "runAsNonRoot: 'yes'").replace("name: sound", "name: wrong"),
        "shop",
    );
    let place = Place::new(&[("a.yaml", &namespaced(SOUND, "shop")), ("b.yaml", &wrong)]);
    assert_snapshot!(place.run(&["pods", "level", "."]), @"
    exit code: 2
    ----- stdout -----
    WORKLOAD        LEVEL       NEXT  STOPPED BY
    Pod shop/sound  restricted

    NAMESPACE  LEVEL       ENFORCES          HOLDS
    shop       restricted  not in the input  1 workload, and 1 that could not be read
    ----- stderr -----
    Could not read
      b.yaml:9:19: spec.securityContext.runAsNonRoot: expected a boolean, got a string: 'yes'  Pod shop/wrong
    ");
}

#[test]
fn json_of_each() {
    let place = Place::new(&[
        ("ns.yaml", &namespace("strict", "baseline")),
        ("a.yaml", &namespaced(PRIVILEGED, "strict")),
    ]);
    let check = place.json(&["pods", "check", "-o", "json", "."]);
    assert_eq!(check["schema"], "ringwall.pods-check/v1");
    assert_eq!(check["workloads"][0]["verdict"], "forbidden");
    assert_eq!(check["workloads"][0]["policy"], "baseline:latest");
    assert_eq!(check["workloads"][0]["evidence"][0]["rule"], "hostNamespaces");
    assert_eq!(check["workloads"][0]["evidence"][0]["location"]["line"], 7);
    let level = place.json(&["pods", "level", "-o", "json", "."]);
    assert_eq!(level["workloads"][0]["level"], "privileged");
    assert_eq!(level["workloads"][0]["next"]["reasons"][0]["rule"], "RW-POD-002");
    assert_eq!(level["namespaces"][0]["enforces"], "baseline:latest");
    assert_eq!(level["namespaces"][0]["refused"], 1);
    let plan = place.json(&["pods", "plan", "--enforce", "restricted", "-o", "json", "."]);
    assert_eq!(plan["namespaces"][0]["now"], "baseline:latest");
    assert_eq!(plan["namespaces"][0]["breaks"][0]["workloads"][0]["object"]["name"], "privileged");
}
