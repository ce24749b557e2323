//! `ringwall pods migrate-psp`.

use std::fs;

use insta::assert_snapshot;
use serde_json::Value;

use crate::{Place, SOUND, command, examples, in_examples};

/// A policy that demands and permits what restricted does, but for what is put into it.
fn policy(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata:
  name: {name}
  annotations:
    seccomp.security.alpha.kubernetes.io/allowedProfileNames: '*'
spec:
  seLinux: {{rule: RunAsAny}}
  runAsUser: {{rule: RunAsAny}}
  supplementalGroups: {{rule: RunAsAny}}
  fsGroup: {{rule: RunAsAny}}
{spec}---
"
    )
}

/// What permits everything and demands nothing.
const WIDE: &str = "  privileged: true
  allowedCapabilities: ['*']
  volumes: ['*']
  hostNetwork: true
  hostPID: true
  hostIPC: true
  hostPorts: [{min: 0, max: 65535}]
  allowedUnsafeSysctls: ['*']
  allowedProcMountTypes: [Default, Unmasked]
";

/// A ClusterRole that grants the use of policies.
fn role(name: &str, group: &str, names: &str) -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: {name}}}
rules:
- {{apiGroups: [{group}], resources: [podsecuritypolicies], verbs: [use], resourceNames: [{names}]}}
---
"
    )
}

/// A binding of a ClusterRole, for the whole cluster or in a namespace.
fn binding(namespace: Option<&str>, role: &str, subject: &str) -> String {
    let (kind, place) = match namespace {
        Some(namespace) => ("RoleBinding", format!(", namespace: {namespace}")),
        None => ("ClusterRoleBinding", String::new()),
    };
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1
kind: {kind}
metadata: {{name: b{place}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {role}}}
subjects: [{subject}]
---
"
    )
}

const EVERYBODY: &str = "{kind: Group, name: 'system:authenticated'}";

fn namespaced(pod: &str, namespace: &str) -> String {
    pod.replacen("metadata:\n", &format!("metadata:\n  namespace: {namespace}\n"), 1)
}

fn answer(files: &[(&str, &str)]) -> Value {
    Place::new(files).json(&["pods", "migrate-psp", ".", "-o", "json"])
}

/// A namespace of an answer.
fn namespace<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let list = answer["namespaces"].as_array().unwrap();
    list.iter().find(|namespace| namespace["name"] == name).unwrap_or_else(|| panic!("{name}: {answer:#}"))
}

/// The policies that count in a namespace.
fn counted(answer: &Value, name: &str) -> Vec<String> {
    namespace(answer, name)["policies"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn a_cluster_is_migrated_namespace_by_namespace() {
    assert_snapshot!(in_examples(&["pods", "migrate-psp", "psp"]));
}

#[test]
fn the_page_shows_real_output() {
    let root = examples().join("..");
    let output = command(&root, &["pods", "migrate-psp", "examples/psp"]).output().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let page = fs::read_to_string(root.join("docs/migrate-psp.md")).unwrap();
    let shown = page.split("```console\n").nth(1).unwrap().split("```").next().unwrap();
    for part in shown.split("…\n").skip(1) {
        assert!(output.contains(part), "not in the output:\n{part}");
    }
}

#[test]
fn where_a_level_covers_all_the_answer_is_yes() {
    let place = Place::new(&[
        ("psp.yaml", &policy("wide", WIDE)),
        ("rbac.yaml", &(role("use", "policy", "wide") + &binding(Some("shop"), "use", EVERYBODY))),
        ("pod.yaml", &namespaced(SOUND, "shop")),
    ]);
    assert_snapshot!(place.run(&["pods", "migrate-psp", "."]), @r"
    exit code: 0
    ----- stdout -----
    PodSecurityPolicy wide  psp.yaml:1:1
      implies privileged
      granted to Group system:authenticated in shop
      privileged  psp.yaml:12:3  privileged                                                privileged containers are allowed
      privileged  psp.yaml:13:3  allowedCapabilities                                       all capabilities may be added
      privileged  psp.yaml:14:3  volumes                                                   volumes of all types are allowed, hostPath among them
      privileged  psp.yaml:15:3  hostNetwork                                               the node's network is allowed
      privileged  psp.yaml:18:3  hostPorts                                                 the host ports 0 to 65535 are allowed
      privileged  psp.yaml:16:3  hostPID                                                   the node's process ids are allowed
      privileged  psp.yaml:17:3  hostIPC                                                   the node's IPC is allowed
      privileged  psp.yaml:19:3  allowedUnsafeSysctls                                      the unsafe sysctls * are allowed
      privileged  psp.yaml:20:3  allowedProcMountTypes                                     /proc may be mounted without masks
      privileged  psp.yaml:6:5   seccomp.security.alpha.kubernetes.io/allowedProfileNames  the seccomp profile * is allowed

    Namespace shop
      policies   wide permits privileged
      workloads  1 workload can take restricted
      enforce    restricted: all workloads can take it, and none needs the privileged that the policy wide permits
        kubectl label --overwrite namespace shop \
          pod-security.kubernetes.io/enforce=restricted pod-security.kubernetes.io/enforce-version=latest \
          pod-security.kubernetes.io/warn=restricted pod-security.kubernetes.io/warn-version=latest \
          pod-security.kubernetes.io/audit=restricted pod-security.kubernetes.io/audit-version=latest

    1 policy · 1 namespace · all covered
    ----- stderr -----
    ");
}

#[test]
fn without_policies_there_is_nothing_to_migrate() {
    let place = Place::new(&[("pod.yaml", SOUND)]);
    assert_snapshot!(place.run(&["pods", "migrate-psp", "."]), @"
    exit code: 0
    ----- stdout -----
    No PodSecurityPolicies
    ----- stderr -----
    ");
}

#[test]
fn policies_that_are_granted_to_nobody_are_said() {
    let place = Place::new(&[("psp.yaml", &policy("wide", WIDE)), ("pod.yaml", &namespaced(SOUND, "shop"))]);
    assert_snapshot!(place.run(&["pods", "migrate-psp", "."]), @r"
    exit code: 1
    ----- stdout -----
    PodSecurityPolicy wide  psp.yaml:1:1
      implies privileged
      granted to nobody in the input
      privileged  psp.yaml:12:3  privileged                                                privileged containers are allowed
      privileged  psp.yaml:13:3  allowedCapabilities                                       all capabilities may be added
      privileged  psp.yaml:14:3  volumes                                                   volumes of all types are allowed, hostPath among them
      privileged  psp.yaml:15:3  hostNetwork                                               the node's network is allowed
      privileged  psp.yaml:18:3  hostPorts                                                 the host ports 0 to 65535 are allowed
      privileged  psp.yaml:16:3  hostPID                                                   the node's process ids are allowed
      privileged  psp.yaml:17:3  hostIPC                                                   the node's IPC is allowed
      privileged  psp.yaml:19:3  allowedUnsafeSysctls                                      the unsafe sysctls * are allowed
      privileged  psp.yaml:20:3  allowedProcMountTypes                                     /proc may be mounted without masks
      privileged  psp.yaml:6:5   seccomp.security.alpha.kubernetes.io/allowedProfileNames  the seccomp profile * is allowed

    Namespace shop
      policies   none is known to be granted there
      workloads  1 workload can take restricted
      enforce    restricted: all workloads can take it, and no policy is known to be granted there
        kubectl label --overwrite namespace shop \
          pod-security.kubernetes.io/enforce=restricted pod-security.kubernetes.io/enforce-version=latest \
          pod-security.kubernetes.io/warn=restricted pod-security.kubernetes.io/warn-version=latest \
          pod-security.kubernetes.io/audit=restricted pod-security.kubernetes.io/audit-version=latest

    Cannot be told
      no RBAC grant of `use` is in the input, so it cannot be told where the policies apply

    1 policy · 1 namespace
    ----- stderr -----
    ");
    assert_eq!(place.code(&["pods", "migrate-psp", "--allow-unknown", "."]), 0);
}

#[test]
fn grants_are_found_by_every_way_that_rbac_has() {
    let files = |role: &str, binding: &str| {
        let policies = policy("wide", WIDE) + &policy("other", "");
        answer(&[
            ("psp.yaml", &policies),
            ("rbac.yaml", &format!("{role}{binding}")),
            ("p.yaml", &namespaced(SOUND, "shop")),
        ])
    };
    let shop = |role: &str, binding: &str| counted(&files(role, binding), "shop");
    let old = role("use", "extensions", "wide");
    assert_eq!(shop(&old, &binding(Some("shop"), "use", EVERYBODY)), ["wide"]);
    let all = old.replace("resourceNames: [wide]", "resourceNames: []");
    assert_eq!(shop(&all, &binding(None, "use", EVERYBODY)), ["other", "wide"]);
    let stars = all
        .replace("[extensions]", "['*']")
        .replace("[podsecuritypolicies]", "['*']")
        .replace("[use]", "['*']");
    assert_eq!(shop(&stars, &binding(None, "use", EVERYBODY)), ["other", "wide"]);
    for (from, to) in [("[use]", "[get]"), ("[extensions]", "[apps]"), ("[podsecuritypolicies]", "[pods]")] {
        let none = files(&old.replace(from, to), &binding(None, "use", EVERYBODY));
        assert_eq!(counted(&none, "shop"), Vec::<String>::new(), "{to}");
    }
    assert_eq!(
        shop("", &binding(Some("shop"), "cluster-admin", "{kind: User, name: jane}")),
        ["other", "wide"]
    );
    let account = "{kind: ServiceAccount, name: default}";
    assert_eq!(shop(&old, &binding(Some("shop"), "use", account)), ["wide"]);
    assert_eq!(shop(&old, &binding(Some("elsewhere"), "use", EVERYBODY)), Vec::<String>::new());
    let groups = |group: &str| binding(None, "use", &format!("{{kind: Group, name: '{group}'}}"));
    assert_eq!(shop(&old, &groups("system:serviceaccounts:shop")), ["wide"]);
    assert_eq!(shop(&old, &groups("system:serviceaccounts:elsewhere")), Vec::<String>::new());
    let aggregated = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: sum}\n\
                      aggregationRule: {clusterRoleSelectors: [{matchLabels: {sum: 'yes'}}]}\n---\n";
    let labelled = old.replace("{name: use}", "{name: use, labels: {sum: 'yes'}}");
    assert_eq!(shop(&(labelled + aggregated), &binding(None, "sum", EVERYBODY)), ["wide"]);
}

#[test]
fn who_may_make_pods_everywhere_is_not_counted_and_said() {
    let rbac = role("use", "policy", "wide") + &binding(None, "use", "{kind: User, name: jane}");
    let answer = answer(&[
        ("psp.yaml", &policy("wide", WIDE)),
        ("rbac.yaml", &rbac),
        ("p.yaml", &namespaced(SOUND, "shop")),
    ]);
    assert_eq!(counted(&answer, "shop"), Vec::<String>::new());
    assert_eq!(namespace(&answer, "shop")["makers"]["wide"][0], "User jane");
}

#[test]
fn the_first_policy_that_changes_nothing_admits_and_then_the_first_by_name() {
    let policies = policy("a-drops", "  requiredDropCapabilities: [NET_RAW]\n")
        + &policy("b-drops", "  requiredDropCapabilities: [MKNOD]\n");
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\nspec: {containers: [{name: c, image: i}]}\n";
    let rbac = |names: &str| role("use", "policy", names) + &binding(None, "use", EVERYBODY);
    let files = |policies: &str, names: &str| {
        answer(&[("psp.yaml", policies), ("rbac.yaml", &rbac(names)), ("p.yaml", pod)])
    };
    let mutated = files(&policies, "b-drops, a-drops");
    assert_eq!(namespace(&mutated, "shop")["writes"][0]["policy"], "a-drops");
    let plain = files(&(policies + &policy("c-plain", "")), "a-drops, b-drops, c-plain");
    assert_eq!(namespace(&plain, "shop")["writes"], Value::Array(vec![]), "c-plain leaves the pod as it is");
}

#[test]
fn values_of_wrong_types_and_unknown_rules_are_located() {
    let bad = policy("bad", "  hostPorts: [{min: http}]\n");
    let odd = policy("odd", "  volumes: [hostpath]\n")
        .replace("runAsUser: {rule: RunAsAny}", "runAsUser: {rule: Any}");
    let rbac = role("use", "policy", "bad, odd") + &binding(None, "use", EVERYBODY);
    let pod = namespaced(SOUND, "shop");
    let place =
        Place::new(&[("bad.yaml", &bad), ("odd.yaml", &odd), ("rbac.yaml", &rbac), ("pod.yaml", &pod)]);
    assert_snapshot!(place.run(&["pods", "migrate-psp", "."]), @r#"
    exit code: 2
    ----- stdout -----
    Namespace shop
      policies   none is known to be granted there
      workloads  1 workload can take restricted
      which level fits cannot be told
      PodSecurityPolicy bad applies there and could not be read
      PodSecurityPolicy odd applies there and could not be read

    0 policies · 1 namespace · 1 without a level that can be told
    ----- stderr -----
    Could not read
      bad.yaml:12:21: spec.hostPorts[0].min: expected an integer of 32 bits, got a string: http  PodSecurityPolicy bad
      odd.yaml:9:15: spec.runAsUser.rule: expected MustRunAs, MustRunAsNonRoot or RunAsAny, got "Any"  PodSecurityPolicy odd
      odd.yaml:12:13: spec.volumes[0]: expected a volume type or *, got "hostpath"  PodSecurityPolicy odd
    "#);
}

#[test]
fn what_the_input_lacks_is_no_pass() {
    let rbac = role("use", "policy", "gone")
        + &binding(None, "use", EVERYBODY)
        + &binding(Some("shop"), "absent", EVERYBODY);
    let place = Place::new(&[("psp.yaml", &policy("wide", WIDE)), ("rbac.yaml", &rbac)]);
    assert_snapshot!(place.run(&["pods", "migrate-psp", "."]), @"
    exit code: 1
    ----- stdout -----
    PodSecurityPolicy wide  psp.yaml:1:1
      implies privileged
      granted to nobody in the input
      privileged  psp.yaml:12:3  privileged                                                privileged containers are allowed
      privileged  psp.yaml:13:3  allowedCapabilities                                       all capabilities may be added
      privileged  psp.yaml:14:3  volumes                                                   volumes of all types are allowed, hostPath among them
      privileged  psp.yaml:15:3  hostNetwork                                               the node's network is allowed
      privileged  psp.yaml:18:3  hostPorts                                                 the host ports 0 to 65535 are allowed
      privileged  psp.yaml:16:3  hostPID                                                   the node's process ids are allowed
      privileged  psp.yaml:17:3  hostIPC                                                   the node's IPC is allowed
      privileged  psp.yaml:19:3  allowedUnsafeSysctls                                      the unsafe sysctls * are allowed
      privileged  psp.yaml:20:3  allowedProcMountTypes                                     /proc may be mounted without masks
      privileged  psp.yaml:6:5   seccomp.security.alpha.kubernetes.io/allowedProfileNames  the seccomp profile * is allowed

    Cannot be told
      PodSecurityPolicy gone is granted and is not in the input  rbac.yaml:7:1
      ClusterRole absent is not in the input; it may grant a policy  rbac.yaml:16:67

    1 policy · 0 namespaces
    ----- stderr -----
    ");
}

#[test]
fn a_tighter_label_is_never_loosened() {
    let rbac = role("use", "policy", "wide") + &binding(None, "use", EVERYBODY);
    let labelled = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels: {pod-security.kubernetes.io/enforce: restricted}\n";
    let answer = answer(&[("psp.yaml", &policy("wide", WIDE)), ("rbac.yaml", &rbac), ("ns.yaml", labelled)]);
    assert_eq!(namespace(&answer, "shop")["advice"]["enforce"], "restricted");
}

#[test]
fn a_name_that_is_none_gets_no_line_for_a_shell() {
    let rbac = role("use", "policy", "wide") + &binding(Some("'$(reboot)'"), "use", EVERYBODY);
    let place = Place::new(&[("psp.yaml", &policy("wide", WIDE)), ("rbac.yaml", &rbac)]);
    let shown = place.run(&["pods", "migrate-psp", "."]);
    assert!(shown.contains("Namespace $(reboot)") && !shown.contains("kubectl label"), "{shown}");
}

#[test]
fn scan_says_what_becomes_of_a_policy() {
    let place = Place::new(&[("psp.yaml", &policy("wide", "  hostNetwork: 'true'\n"))]);
    assert_snapshot!(place.run(&["scan", "."]), @"
    exit code: 2
    ----- stdout -----
    No findings · 1 object in 1 file · 1 place could not be read
    ----- stderr -----
    Could not read
      psp.yaml:12:16: spec.hostNetwork: expected a boolean, got a string: 'true'  PodSecurityPolicy wide

    Notes
      psp.yaml:2:1: PodSecurityPolicy is not served since v1.25, and keeps nothing; `ringwall pods migrate-psp` tells what takes its place
    ");
    let place = Place::new(&[("psp.yaml", &policy("wide", "  hostnetwork: true\n"))]);
    assert_snapshot!(place.run(&["scan", "."]), @"
    exit code: 0
    ----- stdout -----
    No findings · 1 object in 1 file
    ----- stderr -----
    Notes
      psp.yaml:2:1: PodSecurityPolicy is not served since v1.25, and keeps nothing; `ringwall pods migrate-psp` tells what takes its place
      psp.yaml:12:3: spec.hostnetwork: PodSecurityPolicy has no such field; kubectl refuses it, and the API server passes it over; did you mean hostNetwork?
    ");
    assert_snapshot!(place.run(&["scan", "--kubernetes-version", "1.24", "-q", "."]), @"
    exit code: 0
    ----- stdout -----
    No findings · 1 object in 1 file
    ----- stderr -----
    ");
}
