//! Dumps of a cluster, in which Deployments, their ReplicaSets and their Pods all are there.

use insta::assert_snapshot;

use crate::Place;

const SPEC: &str = "spec:\n      containers:\n      - name: app\n        image: app:1\n        securityContext:\n          privileged: true\n";

fn item(kind: &str, name: &str, uid: &str, owner: Option<(&str, &str, &str)>, body: &str) -> String {
    let api_version = if kind == "Pod" { "v1" } else { "apps/v1" };
    let owner = owner.map_or_else(String::new, |(kind, name, uid)| {
        format!("    ownerReferences:\n    - {{apiVersion: apps/v1, kind: {kind}, name: {name}, uid: {uid}, controller: true}}\n")
    });
    format!(
        "- apiVersion: {api_version}\n  kind: {kind}\n  metadata:\n    name: {name}\n    namespace: shop\n    uid: {uid}\n{owner}{body}"
    )
}

/// What `kubectl get deploy,rs,po -o yaml` prints, with a sidecar injected into one pod and an old revision.
fn dump() -> String {
    let template = |replicas: usize, spec: &str| {
        format!(
            "  spec:\n    replicas: {replicas}\n    template:\n      {}",
            spec.replace('\n', "\n  ").trim_end_matches(' ')
        )
    };
    let pod = SPEC.replace("\n    ", "\n  ");
    let pod = format!("  {pod}");
    let sidecar = format!(
        "{pod}    - name: proxy\n      securityContext:\n        capabilities: {{add: [NET_ADMIN]}}\n"
    );
    let old = SPEC.replace("privileged: true", "privileged: true\n          procMount: Unmasked");
    let items = [
        item("Pod", "web-new-a", "p1", Some(("ReplicaSet", "web-new", "r1")), &pod),
        item("Pod", "web-new-b", "p2", Some(("ReplicaSet", "web-new", "r1")), &sidecar),
        item("Deployment", "web", "d1", None, &template(2, SPEC)),
        item("ReplicaSet", "web-new", "r1", Some(("Deployment", "web", "d1")), &template(2, SPEC)),
        item("ReplicaSet", "web-old", "r0", Some(("Deployment", "web", "d1")), &template(0, &old)),
        // Its owner is not in the input: it stands for itself.
        item("Pod", "lonely", "p3", Some(("ReplicaSet", "gone", "r9")), &pod),
    ];
    format!("apiVersion: v1\nkind: List\nitems:\n{}", items.concat())
}

#[test]
fn a_dump_is_counted_once() {
    assert_snapshot!(Place::new(&[]).pipe(&["scan", "-"], &dump()), @r#"
    exit code: 1
    ----- stdout -----
    Deployment shop/web  <stdin>
      49:13  critical  RW-POD-001  container "app" runs privileged (and in 2 replicas)                   spec.template.spec.containers[0].securityContext.privileged
      34:30  high      RW-POD-006  container "proxy" adds the capability NET_ADMIN: the network's set-up: routes, filters, interfaces  spec.containers[1].securityContext.capabilities.add[0]
      33:7   medium    RW-POD-015  container "proxy" may gain more rights than it starts with            spec.containers[1].securityContext.allowPrivilegeEscalation
      33:7   medium    RW-POD-017  container "proxy" may run as root (runAsNonRoot is not set)           spec.containers[1].securityContext.runAsNonRoot
      48:11  medium    RW-POD-015  container "app" may gain more rights than it starts with (and in 2 replicas)  spec.template.spec.containers[0].securityContext.allowPrivilegeEscalation
      48:11  medium    RW-POD-017  container "app" may run as root (runAsNonRoot is not set) (and in 2 replicas)  spec.template.spec.containers[0].securityContext.runAsNonRoot
      32:7   low       RW-POD-021  container "proxy" has no memory limit                                 spec.containers[1].resources.limits.memory
      33:7   low       RW-POD-019  container "proxy" has no seccomp profile                              spec.containers[1].securityContext.seccompProfile.type
      33:7   low       RW-POD-020  container "proxy" can write to its root filesystem                    spec.containers[1].securityContext.readOnlyRootFilesystem
      34:9   low       RW-POD-013  container "proxy" does not drop ALL capabilities                      spec.containers[1].securityContext.capabilities.drop
      44:7   low       RW-POD-025  the pod carries a token of service account "default", to which nothing here gives rights (and in 2 replicas)  spec.template.spec.automountServiceAccountToken
      46:11  low       RW-POD-021  container "app" has no memory limit (and in 2 replicas)               spec.template.spec.containers[0].resources.limits.memory
      48:11  low       RW-POD-013  container "app" does not drop ALL capabilities (and in 2 replicas)    spec.template.spec.containers[0].securityContext.capabilities.drop
      48:11  low       RW-POD-019  container "app" has no seccomp profile (and in 2 replicas)            spec.template.spec.containers[0].securityContext.seccompProfile.type
      48:11  low       RW-POD-020  container "app" can write to its root filesystem (and in 2 replicas)  spec.template.spec.containers[0].securityContext.readOnlyRootFilesystem

    Pod shop/lonely  <stdin>
      98:9   critical  RW-POD-001  container "app" runs privileged                            spec.containers[0].securityContext.privileged
      97:7   medium    RW-POD-015  container "app" may gain more rights than it starts with   spec.containers[0].securityContext.allowPrivilegeEscalation
      97:7   medium    RW-POD-017  container "app" may run as root (runAsNonRoot is not set)  spec.containers[0].securityContext.runAsNonRoot
      93:3   low       RW-POD-025  the pod carries a token of service account "default", to which nothing here gives rights  spec.automountServiceAccountToken
      95:7   low       RW-POD-021  container "app" has no memory limit                        spec.containers[0].resources.limits.memory
      97:7   low       RW-POD-013  container "app" does not drop ALL capabilities             spec.containers[0].securityContext.capabilities.drop
      97:7   low       RW-POD-019  container "app" has no seccomp profile                     spec.containers[0].securityContext.seccompProfile.type
      97:7   low       RW-POD-020  container "app" can write to its root filesystem           spec.containers[0].securityContext.readOnlyRootFilesystem

    23 findings: 2 critical, 1 high, 6 medium, 14 low · 28 below low not shown · 6 objects in 1 file
    ----- stderr -----
    "#);
}

#[test]
fn verdicts_of_a_dump() {
    let place = Place::new(&[("dump.yaml", &dump())]);
    assert_snapshot!(place.run(&["pods", "check", "--level", "baseline", "dump.yaml"]), @r#"
    exit code: 1
    ----- stdout -----
    forbidden  Pod shop/web-new-b  dump.yaml:18:3  made by Deployment shop/web
      violates PodSecurity "baseline:latest": non-default capabilities (container "proxy" must not include "NET_ADMIN" in securityContext.capabilities.add), privileged (container "app" must not set securityContext.privileged=true)
      dump.yaml:34:30: container "proxy" adds the capability NET_ADMIN: the network's set-up: routes, filters, interfaces  spec.containers[1].securityContext.capabilities.add[0]
      dump.yaml:31:9: container "app" runs privileged  spec.containers[0].securityContext.privileged
    forbidden  Deployment shop/web  dump.yaml:35:3  (and 1 pod of it)
      would violate PodSecurity "baseline:latest": privileged (container "app" must not set securityContext.privileged=true)
      dump.yaml:49:13: container "app" runs privileged  spec.template.spec.containers[0].securityContext.privileged
    forbidden  Pod shop/lonely  dump.yaml:85:3
      violates PodSecurity "baseline:latest": privileged (container "app" must not set securityContext.privileged=true)
      dump.yaml:98:9: container "app" runs privileged  spec.containers[0].securityContext.privileged

    3 workloads · 3 forbidden
    ----- stderr -----
    "#);
    assert_snapshot!(place.run(&["pods", "level", "dump.yaml"]), @"
    exit code: 0
    ----- stdout -----
    WORKLOAD                                     LEVEL       NEXT      STOPPED BY
    Pod shop/web-new-b (of Deployment shop/web)  privileged  baseline  dump.yaml:34  non-default capabilities
                                                                       dump.yaml:31  privileged
    Deployment shop/web                          privileged  baseline  dump.yaml:49  privileged
    Pod shop/lonely                              privileged  baseline  dump.yaml:98  privileged

    NAMESPACE  LEVEL       ENFORCES          HOLDS
    shop       privileged  not in the input  3 workloads
    ----- stderr -----
    ");
    assert_snapshot!(place.run(&["pods", "plan", "--enforce", "baseline", "dump.yaml"]), @"
    exit code: 1
    ----- stdout -----
    Namespace shop
      breaks non-default capabilities, privileged
        Pod shop/web-new-b  dump.yaml:18:3
      breaks privileged
        Pod shop/lonely                  dump.yaml:85:3
        Deployment shop/web (and 1 pod)  dump.yaml:35:3

    baseline:latest breaks 3 workloads · 0 fine
    ----- stderr -----
    ");
}
