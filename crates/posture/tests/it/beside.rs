//! Fixes that put another object beside one, and fixes of another object than that of the finding: judged again as all are.
//!
//! The finding is that a pod gets a token. It goes where its account, which is not in the input, is put beside it and says that no
//! token is mounted.

use std::collections::BTreeMap;

use ringwall_input::{Limits, read_text};
use ringwall_model::finding::{Finding, Mending};
use ringwall_model::fix::{Applicability, Change, Fix, Value};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_posture::fix::{Mended, Options, Reread, fix, place};
use ringwall_posture::scan;

const TOKEN: &str = "RW-POD-025";

fn read(name: &str, text: String) -> Reread {
    let again = read_text(name, text, &Limits::default());
    Reread { objects: again.objects, problems: again.problems }
}

fn objects(files: &[(&str, &str)]) -> Vec<Object> {
    files.iter().flat_map(|(name, text)| read(name, (*text).to_owned()).objects).collect()
}

/// The index of an object, and its changes, that are to mend a finding; `None` for one that is not wanted.
type How<'h> = &'h dyn Fn(&Finding, &Snapshot) -> Option<(usize, Vec<Change>)>;

/// Mends the findings that `how` gives changes for.
fn mend(files: &[(&str, &str)], how: How<'_>) -> Mended {
    let wanted = |mut findings: Vec<Finding>, snapshot: &Snapshot| {
        findings.retain_mut(|finding| with(finding, snapshot, how));
        findings
    };
    let options = Options { scan: scan::Options::default(), wanted: &wanted, safe_only: false, read: &read };
    fix(objects(files), &Facts::default(), options)
}

/// Gives a finding the changes; whether there are any.
fn with(finding: &mut Finding, snapshot: &Snapshot, how: How<'_>) -> bool {
    let Some((object, changes)) = how(finding, snapshot) else { return false };
    let fix = Fix {
        title: "take the token away".to_owned(),
        applicability: Applicability::NeedsReview,
        review: String::new(),
        changes,
    };
    finding.mending = Some(Box::new(Mending { object, fix: Ok(fix) }));
    true
}

fn own(finding: &Finding) -> usize {
    finding.mending.as_ref().expect("mendings were asked for").object
}

fn account(name: &str, mounts: bool) -> Change {
    let entry = |key: &str, value: Value| (key.to_owned(), value);
    let metadata = vec![entry("name", name.into()), entry("namespace", "shop".into())];
    Change::Beside {
        object: Value::Mapping(vec![
            entry("apiVersion", "v1".into()),
            entry("kind", "ServiceAccount".into()),
            entry("metadata", Value::Mapping(metadata)),
            entry("automountServiceAccountToken", Value::Bool(mounts)),
        ]),
    }
}

fn pod(name: &str, account: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  namespace: shop\nspec:\n  serviceAccountName: {account}\n  containers:\n  - name: a\n    image: a:1\n"
    )
}

/// The account as it is written beside a pod.
fn written(name: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {name}\n  namespace: shop\nautomountServiceAccountToken: false\n"
    )
}

/// Puts the account of the pod beside it.
fn beside(finding: &Finding, snapshot: &Snapshot) -> Option<(usize, Vec<Change>)> {
    let pod = &snapshot.all()[own(finding)];
    let name = pod.root().str_at(&["spec", "serviceAccountName"])?;
    (finding.check.id == TOKEN).then(|| (own(finding), vec![account(name, false)]))
}

/// The texts that change, with how many findings are mended in each; and why the others are left.
fn shown(mended: &Mended) -> (BTreeMap<&str, (&str, usize)>, Vec<String>) {
    let files = mended.files.iter().map(|file| (file.name.as_str(), (file.new.as_str(), file.made.len())));
    let left = mended.left.iter().map(|left| format!("{}: {}", left.finding.object, left.reason));
    (files.collect(), left.collect())
}

#[test]
fn an_object_is_put_beside_and_judged_again() {
    let text = format!("# web\n{}# end\n---\n{}", pod("web", "web"), pod("db", "db"));
    let mended = mend(&[("a.yaml", &text)], &beside);
    let new = format!(
        "# web\n{}# end\n{}---\n{}{}",
        pod("web", "web"),
        written("web"),
        pod("db", "db"),
        written("db")
    );
    let (files, left) = shown(&mended);
    assert_eq!(files, BTreeMap::from([("a.yaml", (new.as_str(), 2))]));
    assert_eq!(left, Vec::<String>::new());
    assert_eq!(mended.workloads.len(), 0, "the pods are as they were");
    let again = mend(&[("a.yaml", &new)], &beside);
    assert_eq!(shown(&again), (BTreeMap::new(), Vec::new()), "a second run has nothing to do");
}

#[test]
fn what_several_ask_for_is_there_once() {
    let a = format!("{}---\n{}", pod("a", "web"), pod("b", "web"));
    let b = pod("c", "web");
    let mended = mend(&[("a.yaml", &a), ("b.yaml", &b)], &beside);
    let new = format!("{}{}---\n{}", pod("a", "web"), written("web"), pod("b", "web"));
    assert_eq!(shown(&mended), (BTreeMap::from([("a.yaml", (new.as_str(), 3))]), Vec::new()));
    // Who asks for more gets the rest in its own text.
    let more = |finding: &Finding, snapshot: &Snapshot| {
        let (index, mut changes) = beside(finding, snapshot)?;
        changes.push(account(&format!("of-{}", finding.object.name), false));
        Some((index, changes))
    };
    let mended = mend(&[("a.yaml", &a), ("b.yaml", &b)], &more);
    let (files, left) = shown(&mended);
    assert_eq!(left, Vec::<String>::new());
    let new_a = [
        pod("a", "web"),
        written("web"),
        written("of-a"),
        "---\n".to_owned(),
        pod("b", "web"),
        written("of-b"),
    ];
    let (new_a, new_b) = (new_a.concat(), format!("{b}{}", written("of-c")));
    assert_eq!(files, BTreeMap::from([("a.yaml", (new_a.as_str(), 2)), ("b.yaml", (new_b.as_str(), 1))]));
    // Two that say something else of one object: the first stands, and the other one's finding is gone with it.
    let other = |finding: &Finding, snapshot: &Snapshot| {
        let (index, mut changes) = beside(finding, snapshot)?;
        if let (Change::Beside { object: Value::Mapping(entries) }, "b" | "c") =
            (&mut changes[0], finding.object.name.as_str())
        {
            entries.push(("secrets".to_owned(), Value::List(Vec::new())));
        }
        Some((index, changes))
    };
    let mended = mend(&[("a.yaml", &a), ("b.yaml", &b)], &other);
    assert_eq!(shown(&mended), (BTreeMap::from([("a.yaml", (new.as_str(), 1))]), Vec::new()));
}

#[test]
fn what_is_there_is_not_put_there_again() {
    let there = written("web").replace("false", "true");
    let text = pod("web", "web");
    let mended = mend(&[("a.yaml", &text), ("b.yaml", &there)], &beside);
    let reason = "Pod shop/web: ServiceAccount shop/web is there already".to_owned();
    assert_eq!(shown(&mended), (BTreeMap::new(), vec![reason.clone()]));
    // The very same, and nothing else to do.
    let same = |finding: &Finding, snapshot: &Snapshot| {
        let (index, _) = beside(finding, snapshot)?;
        Some((index, vec![account("web", true)]))
    };
    assert_eq!(
        shown(&mend(&[("a.yaml", &text), ("b.yaml", &there)], &same)),
        (BTreeMap::new(), vec![reason])
    );
}

#[test]
fn what_would_bring_about_a_finding_is_given_up_alone() {
    let bad = |finding: &Finding, snapshot: &Snapshot| {
        let (index, mut changes) = beside(finding, snapshot)?;
        if finding.object.name == "bad" {
            changes.push(account("default", true));
        }
        Some((index, changes))
    };
    let text = format!("{}---\n{}", pod("bad", "x"), pod("web", "web"));
    let mended = mend(&[("a.yaml", &text)], &bad);
    let (files, left) = shown(&mended);
    let new = format!("{text}{}", written("web"));
    assert_eq!(files, BTreeMap::from([("a.yaml", (new.as_str(), 1))]));
    assert_eq!(left.len(), 1);
    assert!(left[0].starts_with("Pod shop/bad: it would bring about RW-SA-001"), "{left:?}");
    // What does not help is not offered either.
    let useless = |finding: &Finding, snapshot: &Snapshot| {
        Some((beside(finding, snapshot)?.0, vec![account("unused", false)]))
    };
    let reason = "it would not go away by what its check proposes";
    let left = vec![format!("Pod shop/bad: {reason}"), format!("Pod shop/web: {reason}")];
    assert_eq!(shown(&mend(&[("a.yaml", &text)], &useless)), (BTreeMap::new(), left));
}

#[test]
fn what_cannot_stand_beside_is_left_with_the_reason() {
    let text = format!(
        "apiVersion: v1\nkind: PodList\nitems:\n-{}",
        pod("web", "web").replace('\n', "\n  ").trim_end()
    );
    let text = text.replacen("-api", "- api", 1);
    let (files, left) = {
        let mended = mend(&[("a.yaml", &text)], &beside);
        (mended.files.len(), mended.left.into_iter().map(|left| left.reason).collect::<Vec<_>>())
    };
    assert_eq!(
        (files, left),
        (0, vec!["a.yaml:2:7: kind: a PodList takes no objects of another kind".to_owned()])
    );
}

#[test]
fn of_the_edits_of_single_findings_the_first_puts_it_there() {
    let (a, b) = (format!("{}---\n{}", pod("a", "web"), pod("b", "web")), pod("c", "other"));
    let there = written("other").replace("false", "true");
    let snapshot =
        Snapshot::new(objects(&[("a.yaml", &a), ("b.yaml", &b), ("c.yaml", &there)]), Facts::default());
    let options = scan::Options { mend: true, ..scan::Options::default() };
    let mut findings = ringwall_posture::scan(&snapshot, options).findings;
    findings.retain_mut(|finding| with(finding, &snapshot, &beside));
    place(&mut findings, &snapshot);
    let placed: Vec<_> =
        findings.iter().map(|finding| (finding.object.name.as_str(), finding.fix.as_ref())).collect();
    assert_eq!(
        placed.iter().map(|(name, fix)| (*name, fix.is_some())).collect::<Vec<_>>(),
        [("a", true), ("b", false), ("c", false)]
    );
    let edits = &placed[0].1.expect("the first has it").edits;
    assert_eq!(edits.len(), 1);
    assert_eq!((edits[0].start, edits[0].edit.text.as_str()), (edits[0].end, written("web").as_str()));
    assert_eq!(edits[0].start.line, 11);
}

/// Says on an account that is there, and may be in another text than the pod, that it mounts no token.
fn on_account(finding: &Finding, snapshot: &Snapshot) -> Option<(usize, Vec<Change>)> {
    let pod = &snapshot.all()[own(finding)];
    let name = pod.root().str_at(&["spec", "serviceAccountName"])?;
    let is_account = |object: &Object| object.is("", "ServiceAccount") && object.id.name == name;
    let account = snapshot.all().iter().position(is_account).filter(|_| finding.check.id == TOKEN)?;
    let path = FieldPath::keys(&["automountServiceAccountToken"]);
    Some((account, vec![Change::Set { path, value: Value::Bool(false) }]))
}

#[test]
fn a_fix_may_change_another_object_than_that_of_the_finding() {
    let pods = format!("{}---\n{}", pod("a", "web"), pod("b", "web"));
    let there = written("web").replace("false", "true # for the API");
    let files = [("a.yaml", pods.as_str()), ("b.yaml", &there)];
    let mended = mend(&files, &on_account);
    let new = there.replace("true", "false");
    assert_eq!(shown(&mended), (BTreeMap::from([("b.yaml", (new.as_str(), 2))]), Vec::new()));
    assert_eq!(mended.workloads.len(), 0, "the pods are as they were");
    // Formats that hand edits on know one text only, that of the finding.
    let snapshot = Snapshot::new(objects(&files), Facts::default());
    let options = scan::Options { mend: true, ..scan::Options::default() };
    let mut findings = ringwall_posture::scan(&snapshot, options).findings;
    findings.retain_mut(|finding| with(finding, &snapshot, &on_account));
    place(&mut findings, &snapshot);
    assert_eq!(findings.iter().map(|finding| finding.fix.is_some()).collect::<Vec<_>>(), [false, false]);
}

#[test]
fn what_appears_on_the_changed_object_is_the_fault_of_that_change() {
    let default = written("default");
    let path = FieldPath::keys(&["automountServiceAccountToken"]);
    // Of the pod "bad" the account "default" loses what it has.
    let one_is_bad = |finding: &Finding, snapshot: &Snapshot| {
        let mended = on_account(finding, snapshot)?;
        let is_default = |object: &Object| object.id.name == "default";
        match finding.object.name.as_str() {
            "bad" => {
                let default = snapshot.all().iter().position(is_default)?;
                Some((default, vec![Change::Remove { path: path.clone() }]))
            }
            _ => Some(mended),
        }
    };
    let pods = format!("{}---\n{}", pod("bad", "web"), pod("good", "db"));
    let accounts = format!("{}{}", written("web"), written("db")).replace("false", "true");
    let files = [("a.yaml", pods.as_str()), ("b.yaml", &accounts), ("c.yaml", &default)];
    let mended = mend(&files, &one_is_bad);
    let (files, left) = shown(&mended);
    let new = format!("{}{}", written("web").replace("false", "true"), written("db"));
    assert_eq!(files, BTreeMap::from([("b.yaml", (new.as_str(), 1))]));
    assert_eq!(left.len(), 1);
    assert!(left[0].starts_with("Pod shop/bad: it would"), "{left:?}");
}
