//! What a user did not mean: misspelt kinds and fields, fields that follow from others, owners that a dump lacks.

use insta::assert_snapshot;

use crate::{Place, SOUND};

#[test]
fn a_misspelt_kind_is_no_pass() {
    let place = Place::new(&[
        ("pod.yaml", &SOUND.replace("kind: Pod", "kind: pod")),
        ("other.yaml", "apiVersion: v1\nkind: Widget\nmetadata: {name: w}\n"),
        ("kubeconfig.yaml", "apiVersion: v1\nkind: Config\nclusters: []\n"),
    ]);
    assert_snapshot!(place.run(&["scan", "."]), @"
    exit code: 2
    ----- stdout -----
    No findings · 3 objects in 3 files · 1 place could not be read
    ----- stderr -----
    Could not read
      pod.yaml:2:1: apiVersion: v1 has no kind pod; did you mean Pod?  pod sound

    Notes
      other.yaml:2:1: v1 has no kind Widget; the object is passed over
    ");
}

#[test]
fn a_misspelt_field_is_said_to_do_nothing() {
    let place = Place::new(&[("pod.yaml", &SOUND.replace("spec:\n", "spec:\n  hostnetwork: true\n"))]);
    assert_snapshot!(place.run(&["scan", "pod.yaml"]), @"
    exit code: 0
    ----- stdout -----
    No findings · 13 below low not shown · 1 object in 1 file
    ----- stderr -----
    Notes
      pod.yaml:6:3: spec.hostnetwork: Pod has no such field; kubectl refuses it, and the API server passes it over; did you mean hostNetwork?
    ");
}

#[test]
fn what_follows_from_another_field_is_said_of_that_field() {
    let pod = SOUND
        .replace("spec:\n", "spec:\n  hostNetwork: true\n")
        .replace("    image: app:1\n", "    image: app:1\n    ports: [{containerPort: 80}]\n")
        .replace("  name: sound\n", "  name: sound\n  annotations:\n    container.apparmor.security.beta.kubernetes.io/app: unconfined\n");
    let place = Place::new(&[("pod.yaml", &pod)]);
    assert_snapshot!(place.run(&["scan", "pod.yaml"]), @"
    exit code: 1
    ----- stdout -----
    Pod sound  pod.yaml
      8:3  high    RW-POD-002  the pod shares its node's network (hostNetwork)  spec.hostNetwork
      6:5  medium  RW-POD-007  the annotation container.apparmor.security.beta.kubernetes.io/app sets the AppArmor profile unconfined  metadata.annotations[container.apparmor.security.beta.kubernetes.io/app]

    2 findings: 1 high, 1 medium · 11 below low not shown · 1 object in 1 file
    ----- stderr -----
    ");
}

#[test]
fn a_pod_lands_on_its_deployment_though_the_dump_lacks_the_replica_set() {
    let template = SOUND.replace("    securityContext:\n", "    securityContext:\n      privileged: true\n");
    let spec = template.split("spec:\n").nth(1).unwrap().replace('\n', "\n    ");
    let deployment = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: shop}}\nspec:\n  template:\n    spec:\n    {}\n",
        spec.trim_end()
    );
    let pod = template.replace(
        "  name: sound\n",
        "  name: web-5d9f-x\n  namespace: shop\n  labels: {pod-template-hash: 5d9f}\n  ownerReferences:\n  - {apiVersion: apps/v1, kind: ReplicaSet, name: web-5d9f, uid: u, controller: true}\n",
    );
    let place = Place::new(&[("dump.yaml", &format!("{deployment}---\n{pod}"))]);
    assert_snapshot!(place.run(&["scan", "dump.yaml"]), @r#"
    exit code: 1
    ----- stdout -----
    Deployment shop/web  dump.yaml
      19:11  critical  RW-POD-001  container "app" runs privileged (and in 1 replica)  spec.template.spec.containers[0].securityContext.privileged

    1 finding: 1 critical · 12 below low not shown · 2 objects in 1 file
    ----- stderr -----
    "#);
}

#[test]
fn a_pod_that_is_let_in_with_a_warning_says_so() {
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n    \
                     pod-security.kubernetes.io/enforce: privileged\n    pod-security.kubernetes.io/warn: baseline\n";
    let pod = SOUND
        .replace("  name: sound\n", "  name: sound\n  namespace: shop\n")
        .replace("spec:\n", "spec:\n  hostPID: true\n");
    let place = Place::new(&[("all.yaml", &format!("{namespace}---\n{pod}"))]);
    assert_snapshot!(place.run(&["pods", "check", "all.yaml"]), @r#"
    exit code: 0
    ----- stdout -----
    allowed    Pod shop/sound  all.yaml:9:1  privileged:latest
      warning: would violate PodSecurity "baseline:latest": host namespaces (hostPID=true)
      all.yaml:15:3: the pod shares its node's processes (hostPID)  spec.hostPID

    1 workload · 1 allowed
    ----- stderr -----
    "#);
}

#[test]
fn what_kubectl_drops_behind_a_document_is_said() {
    let place = Place::new(&[("pod.yaml", &format!("{SOUND}...\n# a comment\nkind: Secret\n"))]);
    assert_snapshot!(place.run(&["scan", "pod.yaml"]), @"
    exit code: 2
    ----- stdout -----
    No findings · 13 below low not shown · 1 object in 1 file · 1 place could not be read
    ----- stderr -----
    Could not read
      pod.yaml:24:1: what stands here is passed over by kubectl: put `---` alone on a line before it
    ");
}

#[test]
fn objects_in_a_bare_list_are_not_lost_without_a_word() {
    let place = Place::new(&[
        ("list.yaml", "- apiVersion: v1\n  kind: Pod\n  metadata: {name: a}\n"),
        ("patch.yaml", "- op: add\n  path: /spec\n  value: 1\n"),
    ]);
    assert_snapshot!(place.run(&["scan", "."]), @"
    exit code: 2
    ----- stdout -----
    Nothing was judged · 0 objects in 2 files · 1 document is no Kubernetes object · 1 place could not be read
    ----- stderr -----
    Could not read
      list.yaml:1:1: expected an object: objects in a bare list are not read; make it a `List`, or documents
    ");
}

#[test]
fn tabs_within_brackets_do_not_move_what_is_found() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: app\n    image: app:1\n    \
               command: ['ééé',\n\t'[', # ]\n\t'x']\n    securityContext: {'é': 1, privileged: true}\n";
    let place = Place::new(&[("pod.yaml", pod)]);
    assert_snapshot!(place.run(&["pods", "check", "--level", "baseline", "pod.yaml"]), @r#"
    exit code: 1
    ----- stdout -----
    forbidden  Pod a  pod.yaml:1:1
      violates PodSecurity "baseline:latest": privileged (container "app" must not set securityContext.privileged=true)
      pod.yaml:11:31: container "app" runs privileged  spec.containers[0].securityContext.privileged

    1 workload · 1 forbidden
    ----- stderr -----
    Notes
      pod.yaml:11:23: spec.containers[0].securityContext[é]: Pod has no such field; kubectl refuses it, and the API server passes it over
    "#);
}
