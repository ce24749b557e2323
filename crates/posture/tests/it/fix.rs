//! What `fix` promises, on whole directories: the sample clusters, and where they lie beside the project, the public manifests and
//! the reference's own round trips.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use ringwall_input::{Limits, Options as Reading, load, read_text};
use ringwall_model::finding::{Finding, Severity, Verdict};
use ringwall_model::object::{Object, ObjectId};
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_pods::config::Configuration;
use ringwall_pods::policy::{Level, LevelVersion, Version};
use ringwall_posture::check::Question;
use ringwall_posture::fix::{Mended, Options, Reread, fix};
use ringwall_posture::{check, evaluator, scan, workloads};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn objects(path: &Path) -> Vec<Object> {
    let options = Reading { render: false, ..Reading::default() };
    load(&[path.to_owned()], &mut std::io::empty(), &options, &()).objects
}

fn read(name: &str, text: String) -> Reread {
    let again = read_text(name, text, &Limits::default());
    Reread { objects: again.objects, problems: again.problems }
}

fn mend(objects: Vec<Object>, wanted: &dyn Fn(&Finding) -> bool) -> Mended {
    let wanted = |mut findings: Vec<Finding>, _: &Snapshot| {
        findings.retain(|finding| wanted(finding));
        findings
    };
    let options = Options { scan: scan::Options::default(), wanted: &wanted, safe_only: false, read: &read };
    fix(objects, &Facts::default(), options)
}

/// The objects after the edits.
fn after(objects: &[Object], mended: &Mended) -> Vec<Object> {
    let new: HashMap<&str, &str> =
        mended.files.iter().map(|file| (file.name.as_str(), file.new.as_str())).collect();
    let mut result: Vec<Object> =
        objects.iter().filter(|object| !new.contains_key(object.source().name())).cloned().collect();
    for (name, text) in new {
        let again = read_text(name, text.to_owned(), &Limits::default());
        let before: Vec<_> =
            objects.iter().filter(|object| object.source().name() == name).map(|object| &object.id).collect();
        let made = mended.files.iter().filter(|file| file.name == name).flat_map(|file| &file.made);
        let beside: Vec<ObjectId> = made
            .flat_map(|made| made.fix.changes.iter().filter_map(|change| change.beside()?.object_id()))
            .collect();
        let ids = again.objects.iter().map(|object| &object.id).filter(|id| !beside.contains(id));
        let ids: Vec<_> = ids.collect();
        assert_eq!(ids, before, "{name}: its objects are still there, in their order");
        result.extend(again.objects);
    }
    result
}

/// What a finding is: in which text, of which check and object; about which field, and of what there.
struct Found {
    field: (String, String),
    witness: (String, String),
}

fn found(objects: &[Object]) -> Vec<Found> {
    let snapshot = Snapshot::with_repeats(objects.to_vec(), Facts::default());
    let findings = ringwall_posture::scan(&snapshot, scan::Options::default()).findings;
    findings
        .into_iter()
        .map(|Finding { check, object, path, location, witness, .. }| Found {
            field: (location.file.clone(), format!("{} {object} {path}", check.id)),
            witness: (location.file, format!("{} {object} {witness}", check.id)),
        })
        .collect()
}

/// What is there and was not. A finding may say the same of another value, or be told at another place.
fn appeared(before: &[Found], now: &[Found]) -> Vec<String> {
    let count = |found: &[Found], of: fn(&Found) -> &(String, String)| {
        let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
        for found in found {
            *counts.entry(of(found).clone()).or_default() += 1;
        }
        counts
    };
    let field = |found| count(found, |found| &found.field);
    let witness = |found| count(found, |found| &found.witness);
    let (fields, witnesses) = ((field(before), field(now)), (witness(before), witness(now)));
    let more = |counts: &(BTreeMap<_, usize>, BTreeMap<_, usize>), key: &(String, String)| {
        counts.0.get(key).copied().unwrap_or_default() < counts.1.get(key).copied().unwrap_or_default()
    };
    now.iter()
        .filter(|found| more(&fields, &found.field) && more(&witnesses, &found.witness))
        .map(|found| format!("{}: {}", found.field.0, found.field.1))
        .collect()
}

/// The words of comments, in their order, and the ends of lines.
fn comments(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| line.starts_with('#')).collect()
}

/// Mends all of a directory, and holds the result to everything that is promised.
fn holds(path: &Path) -> Mended {
    let objects = objects(path);
    assert!(!objects.is_empty(), "{}", path.display());
    let all = |finding: &Finding| finding.severity >= Severity::Low;
    let mended = mend(objects.clone(), &all);
    for file in &mended.files {
        assert_ne!(file.old, file.new);
        assert!(!file.made.is_empty(), "{}", file.name);
        let (old, new) = (comments(&file.old), comments(&file.new));
        let mut rest = new.iter();
        assert!(
            old.iter().all(|comment| rest.any(|other| other == comment)),
            "{}: a comment is lost",
            file.name
        );
        let crlf = |text: &str| (text.matches("\r\n").count(), text.matches('\n').count());
        let ((crlf_old, lf_old), (crlf_new, lf_new)) = (crlf(&file.old), crlf(&file.new));
        if crlf_old == 0 {
            assert_eq!(crlf_new, 0, "{}: line ends changed", file.name);
        } else if crlf_old == lf_old {
            assert_eq!(crlf_new, lf_new, "{}: line ends changed", file.name);
        }
    }
    let then = after(&objects, &mended);
    assert_eq!(appeared(&found(&objects), &found(&then)), Vec::<String>::new(), "nothing else appears");
    let again = mend(then.clone(), &all);
    let names: Vec<&str> = again.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, Vec::<&str>::new(), "a second run finds nothing to do");
    claims_hold(&then, &mended);
    mended
}

/// The API server's own verdict on what is said to be restricted now.
fn claims_hold(objects: &[Object], mended: &Mended) {
    let snapshot = Snapshot::with_repeats(objects.to_vec(), Facts::default());
    let workloads = workloads::of(&snapshot, workloads::Reading::default());
    let configuration = Configuration::default();
    let question = Question {
        level: Some(LevelVersion::new(Level::Restricted, Version::Latest)),
        configuration: &configuration,
    };
    let answers = check(&snapshot, &workloads, &evaluator(&snapshot.facts), question);
    for claimed in mended.workloads.iter().filter(|workload| workload.restricted) {
        for answer in answers
            .iter()
            .filter(|answer| answer.object == claimed.object && answer.location.file == claimed.location.file)
            .filter(|answer| answer.location.position == claimed.location.position)
        {
            assert_eq!(answer.verdict, Verdict::Yes, "{}: {}", answer.location, answer.message);
        }
    }
}

#[test]
fn the_sample_clusters_are_mended() {
    for example in ["examples/shop", "examples/classic"] {
        let mended = holds(&root().join(example));
        assert!(!mended.files.is_empty(), "{example}");
        assert!(mended.workloads.iter().any(|workload| workload.restricted), "{example}");
    }
}

/// The folder of public test data, where it lies beside the project.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn public(folder: &str) -> Option<PathBuf> {
    let path = root().join("../shared/conformance/product").join(folder);
    let there = path.is_dir();
    if !there {
        eprintln!("skipped: {} is not here", path.display());
    }
    there.then_some(path)
}

#[test]
fn public_manifests_are_mended() {
    let Some(corpus) = public("corpus") else { return };
    let mended = holds(&corpus);
    assert!(mended.files.len() > 300, "{} files", mended.files.len());
}

#[test]
fn round_trips_are_mended() {
    let Some(folder) = public("gold/fix-roundtrip") else { return };
    holds(&folder);
}

/// A text with all mended in it, and why the rest is left.
fn text(yaml: &str, wanted: &dyn Fn(&Finding) -> bool) -> (String, Vec<String>) {
    let objects = read("a.yaml", yaml.to_owned()).objects;
    let mended = mend(objects, wanted);
    let left = mended.left.iter().map(|left| format!("{} {}", left.finding.check.id, left.reason)).collect();
    (mended.files.into_iter().next().map(|file| file.new).unwrap_or_default(), left)
}

fn is_standard(finding: &Finding) -> bool {
    finding.check.id < "RW-POD-020" && finding.severity >= Severity::Low
}

fn pod(spec: &str) -> String {
    format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {spec}\n")
}

/// The standards say that something is missing only once nothing is set wrongly: mending the one brought about the other.
#[test]
fn what_is_set_wrongly_beside_what_is_missing_is_mended_with_it() {
    for (wrong, right) in [
        ("{seccompProfile: {type: Unconfined}}", "seccompProfile: {type: RuntimeDefault}"),
        ("{runAsNonRoot: false}", "runAsNonRoot: true"),
    ] {
        let yaml = pod(&format!("{{containers: [{{name: a, securityContext: {wrong}}}, {{name: b}}]}}"));
        let (new, left) = text(&yaml, &is_standard);
        assert_eq!(left, Vec::<String>::new(), "{new}");
        assert_eq!(new.matches(right).count(), 2, "for the container and for the pod: {new}");
    }
}

#[test]
fn a_label_of_se_linux_is_not_lost_with_its_type() {
    let yaml = pod("{securityContext: {seLinuxOptions: {type: spc_t, level: s0}}, \
         containers: [{name: a, securityContext: {seLinuxOptions: {user: u, role: r}}}]}");
    let (new, left) = text(&yaml, &|finding| finding.check.id == "RW-POD-009");
    assert_eq!(left, Vec::<String>::new());
    assert!(new.contains("seLinuxOptions: {type: container_t, level: s0}"), "{new}");
    assert!(new.contains("seLinuxOptions: {type: container_t}"), "{new}");
}

/// Who wants root keeps it: with both settings the kubelet starts no container.
#[test]
fn root_is_not_ruled_out_where_the_user_stays_root() {
    let yaml = pod("{containers: [{name: a, securityContext: {runAsUser: 0}}]}");
    let (new, left) = text(&yaml, &|finding| finding.check.id == "RW-POD-017");
    assert_eq!(new, "");
    assert_eq!(
        left,
        ["RW-POD-017 the kubelet starts no container that must not be root and has runAsUser: 0"]
    );
    let (new, left) = text(&yaml, &is_standard);
    assert!(new.contains("runAsNonRoot: true") && !new.contains("runAsUser"), "{new}");
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn what_the_api_server_refuses_for_windows_is_not_offered() {
    let yaml = pod("{os: {name: windows}, securityContext: {seccompProfile: {type: Unconfined}, \
         appArmorProfile: {type: Unconfined}}, containers: [{name: a}]}");
    let (new, left) = text(&yaml, &is_standard);
    assert!(!new.contains("RuntimeDefault") && !new.contains("drop"), "{new}");
    let reason = "the API server refuses this field on a pod for Windows";
    assert_eq!(left, [format!("RW-POD-010 {reason}"), format!("RW-POD-007 {reason}")]);
}

const ARGO: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: w}
spec:
  securityContext: {runAsNonRoot: true}
  templates:
  - name: a
    container: {image: a:1}
  - name: b
    securityContext: {seccompProfile: {type: RuntimeDefault}}
    container: {image: a:1}
";

/// A security context of the template replaces the workflow's as a whole.
#[test]
fn a_template_of_argo_does_not_lose_what_the_workflow_sets() {
    let (new, left) = text(ARGO, &is_standard);
    assert_eq!(left, Vec::<String>::new());
    let of_workflow = "\n  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}\n";
    assert!(new.contains(of_workflow), "{new}");
    assert!(
        new.contains("\n    securityContext: {seccompProfile: {type: RuntimeDefault}, runAsNonRoot: true}\n"),
        "{new}"
    );
    // Its executor needs a token.
    let (new, left) = text(ARGO, &|finding| finding.check.id == "RW-POD-025");
    assert_eq!((new.as_str(), left.len()), ("", 2));
}

#[test]
fn a_knative_service_gets_settings_of_the_container_alone() {
    let yaml = "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: k}\nspec:\n  template:\n    spec:\n      \
                containers:\n      - image: a:1\n      - image: b:1\n";
    let (new, left) = text(yaml, &is_standard);
    assert_eq!(left, Vec::<String>::new());
    assert_eq!(new.matches("        securityContext:\n").count(), 2, "{new}");
    assert_eq!(new.matches("runAsNonRoot: true").count(), 2, "{new}");
    assert!(!new.contains("\n      securityContext"), "{new}");
}
