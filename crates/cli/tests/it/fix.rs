//! `ringwall fix`: what it shows, what it writes, what it leaves.

use std::fs;
use std::process::Command;

use insta::assert_snapshot;

use super::{Place, SOUND};

/// With comments, several containers, several documents, and a list that is not indented.
const MIXED: &str = "\
# The front door.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      automountServiceAccountToken: false   # talks to nobody
      containers:
      - name: web        # serves pages
        image: web:1.2
        resources: {limits: {memory: 64Mi}}
        securityContext:
          readOnlyRootFilesystem: true
          capabilities: {drop: [NET_RAW]}
      - name: proxy
        image: proxy:1.2
        resources: {limits: {memory: 64Mi}}
        securityContext: {privileged: true, readOnlyRootFilesystem: true}
      # Nothing below.
---
apiVersion: v1
kind: Pod
metadata: {name: once}
spec:
  automountServiceAccountToken: false
  securityContext:
    runAsNonRoot: true
  containers:
    - name: app
      image: app:1
      resources: {limits: {memory: 64Mi}}
      securityContext:
        readOnlyRootFilesystem: true
        allowPrivilegeEscalation: true
        capabilities:
          drop:
            - ALL
";

#[test]
fn the_difference_is_shown_and_what_is_left_is_said() {
    let place = Place::new(&[("k8s/web.yaml", MIXED)]);
    assert_snapshot!(place.run(&["fix", "k8s"]), @"
    exit code: 1
    ----- stdout -----
    --- a/k8s/web.yaml
    +++ b/k8s/web.yaml
    @@ -13,11 +13,16 @@
             resources: {limits: {memory: 64Mi}}
             securityContext:
               readOnlyRootFilesystem: true
    -          capabilities: {drop: [NET_RAW]}
    +          capabilities: {drop: [NET_RAW, ALL]}
    +          allowPrivilegeEscalation: false
           - name: proxy
             image: proxy:1.2
             resources: {limits: {memory: 64Mi}}
             securityContext: {privileged: true, readOnlyRootFilesystem: true}
    +      securityContext:
    +        runAsNonRoot: true
    +        seccompProfile:
    +          type: RuntimeDefault
           # Nothing below.
     ---
     apiVersion: v1
    @@ -27,13 +32,15 @@
       automountServiceAccountToken: false
       securityContext:
         runAsNonRoot: true
    +    seccompProfile:
    +      type: RuntimeDefault
       containers:
         - name: app
           image: app:1
           resources: {limits: {memory: 64Mi}}
           securityContext:
             readOnlyRootFilesystem: true
    -        allowPrivilegeEscalation: true
    +        allowPrivilegeEscalation: false
             capabilities:
               drop:
                 - ALL
    ----- stderr -----
    Can be mended: 7 findings in 1 file
      safe          RW-POD-015  set allowPrivilegeEscalation to false (2 times)
      safe          RW-POD-019  set the runtime's own seccomp profile for the pod (2 times)
      needs review  RW-POD-013  drop ALL capabilities: look whether the program needs a capability, such as NET_BIND_SERVICE for a port below 1024
      needs review  RW-POD-017  rule out root: look whether the image has a user other than root, by number: the kubelet starts it only then (2 times)
    1 of 2 changed workloads would meet the restricted level
    Left: 3 findings
      RW-POD-001 privileged-container  somebody gave it this on purpose, and whether the program can do without is not in the manifest
        k8s/web.yaml:20:27
      RW-POD-013 unrestricted-capabilities  the container is privileged, and nothing else that is written confines it
        k8s/web.yaml:20:9
      RW-POD-015 privilege-escalation  the API server refuses allowPrivilegeEscalation: false on a privileged container
        k8s/web.yaml:20:9
    ");
    assert_eq!(fs::read_to_string(place.path().join("k8s/web.yaml")).unwrap(), MIXED, "nothing is written");
}

#[test]
fn what_is_written_is_the_difference_and_a_second_run_has_nothing_to_do() {
    let place = Place::new(&[("web.yaml", MIXED)]);
    let diff = super::command(place.path(), &["fix", "-q", "web.yaml"]).output().unwrap();
    assert_snapshot!(place.run(&["fix", "--write", "web.yaml"]), @"
    exit code: 0
    ----- stdout -----
    Mended 7 findings in 1 file
      safe          RW-POD-015  set allowPrivilegeEscalation to false (2 times)
      safe          RW-POD-019  set the runtime's own seccomp profile for the pod (2 times)
      needs review  RW-POD-013  drop ALL capabilities: look whether the program needs a capability, such as NET_BIND_SERVICE for a port below 1024
      needs review  RW-POD-017  rule out root: look whether the image has a user other than root, by number: the kubelet starts it only then (2 times)
    1 of 2 changed workloads meet the restricted level
    Left: 3 findings
      RW-POD-001 privileged-container  somebody gave it this on purpose, and whether the program can do without is not in the manifest
        web.yaml:21:27
      RW-POD-013 unrestricted-capabilities  the container is privileged, and nothing else that is written confines it
        web.yaml:21:9
      RW-POD-015 privilege-escalation  the API server refuses allowPrivilegeEscalation: false on a privileged container
        web.yaml:21:9
    ----- stderr -----
    ");
    let written = fs::read_to_string(place.path().join("web.yaml")).unwrap();
    assert_ne!(written, MIXED);
    let again = place.run(&["fix", "web.yaml"]);
    assert!(
        again.starts_with("exit code: 0\n----- stdout -----\n----- stderr -----\nNothing to mend\n"),
        "{again}"
    );
    // The difference is one that patch takes, and gives the same.
    let patched = Place::new(&[("web.yaml", MIXED)]);
    patched.write("fix.diff", &diff.stdout);
    let Ok(patch) =
        Command::new("patch").args(["-p1", "-i", "fix.diff"]).current_dir(patched.path()).output()
    else {
        return;
    };
    assert!(patch.status.success(), "{}", String::from_utf8_lossy(&patch.stdout));
    assert_eq!(fs::read_to_string(patched.path().join("web.yaml")).unwrap(), written);
}

#[test]
fn only_what_is_safe_or_named_is_mended() {
    let place = Place::new(&[("web.yaml", MIXED)]);
    let safe = place.run(&["fix", "--safe", "web.yaml"]);
    assert!(safe.contains("+          allowPrivilegeEscalation: false\n"), "{safe}");
    assert!(!safe.contains("+        runAsNonRoot"), "{safe}");
    let only = place.run(&["fix", "--only", "seccomp-profile-not-set", "web.yaml"]);
    let added: Vec<&str> =
        only.lines().filter(|line| line.starts_with('+') && !line.starts_with("+++")).collect();
    let once = ["+    seccompProfile:", "+      type: RuntimeDefault"];
    let deployment =
        ["+      securityContext:", "+        seccompProfile:", "+          type: RuntimeDefault"];
    assert_eq!(added, [&deployment[..], &once[..]].concat());
    assert_snapshot!(place.run(&["fix", "--only", "seccomp", "web.yaml"]), @r#"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: there is no check "seccomp"
    hint: `ringwall rules` lists all checks
    "#);
}

#[test]
fn what_somebody_accepts_is_not_mended() {
    let accepted = SOUND.replace(
        "      allowPrivilegeEscalation: false\n",
        "      # ringwall:ignore privilege-escalation reason=\"ping needs it\"\n      allowPrivilegeEscalation: true\n",
    );
    let place = Place::new(&[("a.yaml", &accepted)]);
    assert_eq!(place.code(&["fix", "a.yaml"]), 0);
    assert_eq!(place.code(&["scan", "a.yaml"]), 0);
}

#[test]
fn json_stays_json_and_windows_line_ends_stay() {
    let json = "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"a\"}, \"spec\": {\"containers\": [{\"name\": \"a\", \"image\": \"a:1\"}]}}\n";
    let crlf = SOUND
        .replace("allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true")
        .replace('\n', "\r\n");
    let place = Place::new(&[("a.json", json), ("b.yaml", &crlf)]);
    assert_eq!(place.code(&["fix", "--write", "."]), 0);
    let text = fs::read_to_string(place.path().join("a.json")).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["spec"]["securityContext"]["runAsNonRoot"], true);
    assert_eq!(value["spec"]["containers"][0]["securityContext"]["capabilities"]["drop"][0], "ALL");
    let text = fs::read_to_string(place.path().join("b.yaml")).unwrap();
    assert_eq!(text, crlf.replace("allowPrivilegeEscalation: true", "allowPrivilegeEscalation: false"));
}

#[test]
fn what_cannot_be_written_is_said() {
    let place = Place::new(&[]);
    assert_snapshot!(place.pipe(&["fix", "--write", "-"], MIXED), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: --write cannot write to standard input
    hint: without it, the difference is printed
    ");
    let shown = place.pipe(&["fix", "-q", "--only", "privilege-escalation", "-"], MIXED);
    assert!(shown.starts_with("exit code: 1\n----- stdout -----\n--- a/<stdin>\n"), "{shown}");
}

#[test]
fn a_file_that_is_read_only_stays_and_is_not_said_to_be_mended() {
    let place =
        Place::new(&[("a.yaml", MIXED), ("b.yaml", &MIXED.replace("web", "shop").replace("once", "twice"))]);
    let path = place.path().join("a.yaml");
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    assert_snapshot!(place.run(&["fix", "--write", "--only", "seccomp-profile-not-set", "."]), @"
    exit code: 2
    ----- stdout -----
    Mended 2 findings in 1 file
      safe          RW-POD-019  set the runtime's own seccomp profile for the pod (2 times)
    0 of 2 changed workloads meet the restricted level
    ----- stderr -----
    error: cannot write a.yaml: it is read-only
    ");
    assert_eq!(fs::read_to_string(&path).unwrap(), MIXED);
    assert_ne!(fs::read_to_string(place.path().join("b.yaml")).unwrap(), MIXED);
}

#[test]
fn json_says_the_same() {
    let place = Place::new(&[("web.yaml", MIXED)]);
    let answer = place.json(&["fix", "-o", "json", "web.yaml"]);
    assert_eq!(answer["schema"], "ringwall.fix/v1");
    let made = answer["files"][0]["made"].as_array().unwrap();
    assert!(made.iter().any(|made| made["rule"] == "RW-POD-015" && made["applicability"] == "safe"));
    assert!(made.iter().any(|made| made["rule"] == "RW-POD-013" && made["review"] != ""));
    let left = answer["left"].as_array().unwrap();
    assert!(left.iter().any(|left| left["rule"] == "RW-POD-001" && left["reason"] != ""));
    let restricted: Vec<_> =
        answer["workloads"].as_array().unwrap().iter().map(|row| &row["restricted"]).collect();
    assert_eq!(restricted, [false, true]);
}
