//! The control plane's rules of the Kubescape rule library, where its cases are beside the project: nobody here wrote
//! them. Which finding answers which rule is in `conformance/gold-map.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;

use ringwall_input::{Options, load};
use ringwall_model::finding::Severity;
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_posture::scan;
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The cases, one a line.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn cases() -> Option<Vec<Value>> {
    let path = root().join("../shared/conformance/product/gold/regolibrary-cases.jsonl.gz");
    let Ok(file) = std::fs::File::open(&path) else {
        println!("skipped: {} is not here", path.display());
        return None;
    };
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("the cases can be read");
    Some(text.lines().map(|line| serde_json::from_str(line).expect("a case is JSON")).collect())
}

/// For each rule: check and witness of the findings that answer it.
fn map() -> BTreeMap<String, Vec<(String, String)>> {
    let text =
        std::fs::read_to_string(root().join("conformance/gold-map.toml")).expect("the map can be read");
    let map: toml::Table = text.parse().expect("the map is TOML");
    let text = |value: &toml::Value, key: &str| {
        value.get(key).and_then(toml::Value::as_str).unwrap_or_default().to_owned()
    };
    let of_control_plane = |rule: &toml::Value| {
        let checks = rule["checks"].as_array().expect("a list");
        let checks: Vec<_> = checks
            .iter()
            .filter(|check| text(check, "id").starts_with("RW-CTL-"))
            .map(|check| (text(check, "id"), text(check, "witness")))
            .collect();
        (!checks.is_empty()).then(|| (text(rule, "name"), checks))
    };
    map["rule"].as_array().expect("a list").iter().filter_map(of_control_plane).collect()
}

/// An object at fault, by name, and the paths at fault.
type Fault = (String, BTreeSet<String>);

/// What the reference alerts to, by the objects that it is given: they share a name in many cases.
fn expected(alert: &Value, snapshot: &Snapshot) -> Fault {
    let name = alert["alertObject"]["k8sApiObjects"][0]["metadata"]["name"].as_str().expect("a name");
    let list = |key: &str| alert[key].as_array().cloned().unwrap_or_default();
    let mut paths = [list("failedPaths"), list("reviewPaths")].concat();
    let missing = paths.is_empty();
    if missing {
        paths = list("fixPaths").iter().map(|fix| fix["path"].clone()).collect();
    }
    let root = snapshot.all()[0].root();
    let at_fault = |path: &Value| {
        let mut path: FieldPath = path.as_str().expect("a path").parse().expect("a path");
        // Behind the last element of a list is the place for one more: what is at fault is the list.
        if missing || root.locate(&path).is_none() {
            path.pop();
        }
        path.to_string()
    };
    (name.to_owned(), paths.iter().map(at_fault).collect())
}

fn found(snapshot: &Snapshot, wanted: &[(String, String)]) -> Option<Fault> {
    let scan = scan(snapshot, scan::Options::default());
    assert_eq!(scan.problems, []);
    let mut findings = scan.findings.iter().filter(|finding| {
        wanted.iter().any(|(id, witness)| finding.check.id == id && finding.witness == *witness)
    });
    let first = findings.next()?;
    let paths = std::iter::once(first).chain(findings).map(|finding| finding.path.to_string());
    Some((first.object.name.clone(), paths.collect()))
}

#[test]
fn the_rule_library_finds_the_same_objects_and_paths() {
    let (Some(cases), map) = (cases(), map()) else { return };
    let (mut answered, mut differ) = (BTreeSet::new(), Vec::new());
    for case in &cases {
        let rule = case["rule"].as_str().expect("text");
        let Some(wanted) = map.get(rule) else { continue };
        answered.insert(rule);
        let mut alerts = case["expected"].as_array().expect("a list").clone();
        for (file, text) in case["inputs"].as_object().expect("a mapping") {
            let text = text.as_str().expect("text");
            let input = load(&["-".into()], &mut text.as_bytes(), &Options::default(), &());
            assert_eq!(input.problems, [], "{rule}/{}", case["case"]);
            let snapshot = Snapshot::new(input.objects, Facts::default());
            if let Some(fault) = found(&snapshot, wanted) {
                match alerts.iter().position(|alert| expected(alert, &snapshot) == fault) {
                    Some(at) => drop(alerts.remove(at)),
                    None => differ.push(format!("{rule}/{} {file}: no alert is {fault:?}", case["case"])),
                }
            }
        }
        differ.extend(alerts.iter().map(|alert| {
            format!("{rule}/{}: not found: {} {}", case["case"], alert["failedPaths"], alert["fixPaths"])
        }));
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    assert!(answered.len() >= 32, "of the map, only {answered:?} are in the cases");
}

/// The findings on flags that are shown by default: severity, object, witness.
fn shown(text: &str) -> Vec<String> {
    let input = load(&["-".into()], &mut text.as_bytes(), &Options::default(), &());
    let snapshot = Snapshot::new(input.objects, Facts::default());
    let findings = scan(&snapshot, scan::Options::default()).findings;
    let of_flags =
        findings.iter().filter(|it| it.check.id.starts_with("RW-CTL-") && it.severity > Severity::Info);
    of_flags.map(|it| format!("{} {} {} +{}", it.severity, it.object, it.witness, it.replicas)).collect()
}

const KUBEADM: &str = include_str!("../../fixtures/kubeadm.yaml");

/// What most clusters have must be worth each line that it prints.
#[test]
fn a_control_plane_as_kubeadm_makes_it_has_few_findings() {
    assert_eq!(
        shown(KUBEADM),
        [
            "low Pod kube-system/kube-apiserver --anonymous-auth +0",
            "medium Pod kube-system/kube-apiserver --audit-policy-file +0",
            "medium Pod kube-system/kube-apiserver --kubelet-certificate-authority +0",
            "medium Pod kube-system/kube-apiserver --encryption-provider-config +0",
            "low Pod kube-system/kube-apiserver --profiling +0",
            "low Pod kube-system/kube-apiserver --enable-admission-plugins=DenyServiceExternalIPs +0",
            "low Pod kube-system/kube-controller-manager --profiling +0",
            "low Pod kube-system/kube-scheduler --profiling +0",
        ]
    );
}

/// CIS 2.7 takes two pods, and each of them can be mended.
#[test]
fn an_authority_that_etcd_shares_with_the_api_server_is_found_on_both() {
    let shared = KUBEADM.replace(
        "--trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt",
        "--trusted-ca-file=/etc/kubernetes/pki/ca.crt",
    );
    let more: Vec<String> = shown(&shared).into_iter().filter(|line| line.starts_with("high")).collect();
    assert_eq!(
        more,
        [
            "high Pod kube-system/kube-apiserver --client-ca-file +0",
            "high Pod kube-system/etcd --trusted-ca-file +0",
        ]
    );
    let apart = shared.replace("name: etcd\n  namespace: kube-system", "name: etcd\n  namespace: other");
    assert_eq!(shown(&apart).iter().filter(|line| line.starts_with("high")).count(), 0, "of two clusters");
}

/// A hosted control plane is a Deployment: its pods are counted, not told of again.
#[test]
fn what_a_deployment_makes_is_found_on_it_once() {
    let spec = "{containers: [{name: kube-scheduler, command: [kube-scheduler, --bind-address=127.0.0.1]}]}";
    let owned =
        |owner: &str| format!("ownerReferences: [{{apiVersion: apps/v1, {owner}, controller: true}}]");
    let dump = [
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: s, namespace: a}}\nspec: {{template: {{spec: {spec}}}}}"
        ),
        format!(
            "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {{name: s-1, namespace: a, {}}}\nspec: {{replicas: 1, template: {{spec: {spec}}}}}",
            owned("kind: Deployment, name: s")
        ),
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: s-1-x, namespace: a, {}}}\nspec: {spec}",
            owned("kind: ReplicaSet, name: s-1")
        ),
    ]
    .join("\n---\n");
    assert_eq!(shown(&dump), ["low Deployment a/s --profiling +1"]);
}
