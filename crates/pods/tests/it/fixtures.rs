//! A folder of pods for each check: `fixtures/ID/pass-NAME.yaml` and `fixtures/ID/fail-NAME.yaml`, where ID is the
//! reference's id of the check.
//!
//! Each is the smallest pod that restricted takes, with one thing changed. What it says holds at every version, or
//! from `# since: v1.N` to `# until: v1.N`, where its first lines say so.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ringwall_input::Limits;
use ringwall_input::stream::decode_one;
use ringwall_model::text::Source;
use ringwall_model::version::Minor;
use ringwall_pods::checks::{CHECKS, StandardCheck};
use ringwall_pods::workload::decode;

/// A pod with what is to be said of it.
struct Fixture {
    path: PathBuf,
    fails: bool,
    since: Minor,
    until: Minor,
    text: String,
}

impl Fixture {
    fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).expect("a fixture can be read");
        let name =
            path.file_name().and_then(|name| name.to_str()).expect("a fixture has a plain name").to_owned();
        let fails = name.starts_with("fail-");
        assert!(fails || name.starts_with("pass-"), "{name}: begin it with pass- or fail-");
        assert_eq!(path.extension(), Some("yaml".as_ref()), "{name}: end it with .yaml");
        let bound = |key: &str| -> Option<Minor> {
            let line = text.lines().find_map(|line| line.strip_prefix(key))?;
            Some(line.trim().parse().expect("a bound is a version"))
        };
        let (since, until) = (bound("# since:"), bound("# until:"));
        Self { path, fails, since: since.unwrap_or(Minor(0)), until: until.unwrap_or(Minor::NEWEST), text }
    }

    /// Whether the check finds something wrong at a version.
    fn is_found_by(&self, check: &StandardCheck, minor: Minor) -> bool {
        let source = Arc::new(Source::new(self.path.display().to_string(), self.text.clone()));
        let tree = decode_one(&source, &Limits::default()).tree.expect("a fixture is YAML");
        let pod =
            decode(tree.root(), "", "v1", "Pod").expect("a fixture is a pod").expect("with a specification");
        let mut offences = Vec::new();
        if let Some(revision) = check.revision_at(minor) {
            (revision.find)(&pod, &mut offences);
        }
        !offences.is_empty()
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("the folder can be read");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

fn fixtures(check: &StandardCheck) -> Vec<Fixture> {
    let folder = folder().join(check.id);
    names(&folder).iter().map(|name| Fixture::read(folder.join(name))).collect()
}

#[test]
fn each_check_has_a_folder_and_each_folder_a_check() {
    let ids: BTreeSet<String> = CHECKS.iter().map(|check| check.id.to_owned()).collect();
    assert_eq!(names(&folder()), ids);
}

#[test]
fn fixtures_pass_and_fail_as_they_say_at_every_version() {
    for check in CHECKS {
        for fixture in fixtures(check) {
            for minor in (fixture.since.0..=fixture.until.0).map(Minor) {
                let at = fixture.path.display();
                assert_eq!(fixture.is_found_by(check, minor), fixture.fails, "{at} at {minor}");
            }
        }
    }
}

#[test]
fn each_revision_has_a_failing_fixture_at_its_first_version() {
    for check in CHECKS {
        let fixtures = fixtures(check);
        assert!(fixtures.iter().any(|fixture| !fixture.fails), "{}: nothing passes", check.id);
        for revision in check.revisions {
            let covers = |fixture: &&Fixture| (fixture.since..=fixture.until).contains(&revision.since);
            let fails = fixtures.iter().filter(|fixture| fixture.fails).find(covers);
            assert!(fails.is_some(), "{}: nothing fails at {}", check.id, revision.since);
        }
    }
}

/// What a revision changes is shown by a pod whose verdict changes with it.
#[test]
fn each_later_revision_has_a_fixture_that_tells_it_from_the_one_before() {
    for check in CHECKS {
        let fixtures = fixtures(check);
        for revision in check.revisions.iter().filter(|revision| revision.since > Minor(0)) {
            let before = Minor(revision.since.0 - 1);
            let differs = |fixture: &Fixture| {
                fixture.is_found_by(check, before) != fixture.is_found_by(check, revision.since)
            };
            assert!(fixtures.iter().any(differs), "{}: nothing changes with {}", check.id, revision.since);
        }
    }
}
