//! The least roles of a real API server's log.

// Only functions under `#[test]` are excused from this by clippy.toml; their helpers are tests too.
#![expect(clippy::unwrap_used, reason = "test helpers are tests too")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ringwall_input::audit::{Options as Reading, read_file};
use ringwall_input::{Options as Input, load};
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_posture::rbac::Rights;
use ringwall_posture::rbac::reduce::{Options, Seen, Unused};
use ringwall_rbac::attributes::{Action, service_account_user};
use ringwall_rbac::covers::Atom;
use ringwall_rbac::model::Rule;
use ringwall_rbac::request::RequestInfo;

/// Where the log and the roles and bindings of its server lie, beside the project.
#[expect(clippy::print_stderr, reason = "what is skipped is said")]
fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/audit");
    if folder.join("real-audit.log.gz").exists() {
        return Some(folder);
    }
    eprintln!("{}: not here, skipped", folder.display());
    None
}

fn real() -> Option<(Snapshot, Seen)> {
    let folder = folder()?;
    let mut text = String::new();
    let packed = std::fs::File::open(folder.join("real-rbac-state.json.gz")).unwrap();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(packed), &mut text).unwrap();
    let input = load(&[PathBuf::from("-")], &mut text.as_bytes(), &Input::default(), &());
    assert_eq!(input.problems, []);
    let mut seen = Seen::default();
    let log = folder.join("real-audit.log.gz");
    let summary = read_file(&log, &Reading::default(), |event, _| seen.see(&event));
    assert_eq!(summary.problems, []);
    assert_eq!(seen.events, 297);
    Some((Snapshot::new(input.objects, Facts::default()), seen))
}

#[test]
fn all_that_the_log_allowed_is_allowed_again() {
    let Some((snapshot, seen)) = real() else { return };
    let reduced = Rights::of(&snapshot).reduce(&seen, &Options::default());
    assert_eq!(reduced.lost, Vec::<String>::new());
    assert_eq!(reduced.not_by_input, Vec::<String>::new(), "the input is what the server had");
    assert!(reduced.replayed > 50 && reduced.least.len() > 5, "{reduced:?}");
}

/// So nothing that leads up is given that was not used: whatever a role gives stands in the log, but for what must go with it.
#[test]
fn nothing_is_given_that_the_log_does_not_show() {
    let Some((snapshot, seen)) = real() else { return };
    let mut shown: BTreeSet<[String; 6]> = BTreeSet::new();
    let log = folder().unwrap().join("real-audit.log.gz");
    read_file(&log, &Reading::default(), |event, _| {
        let method = match event.verb.as_ref() {
            "create" => "POST",
            "update" => "PUT",
            "patch" => "PATCH",
            "delete" | "deletecollection" => "DELETE",
            _ => "GET",
        };
        let Ok(info) = RequestInfo::of(method, &event.request_uri) else { return };
        let user = event.impersonated_user.as_ref().unwrap_or(&event.user);
        let (place, name) = (info.namespace.clone(), info.name.clone());
        let what = match info.action() {
            Action::Resource(asked) => asked.combined().into_owned(),
            Action::Path { path, .. } => path.to_owned(),
        };
        shown.insert([
            user.username.clone().into_owned(),
            event.verb.clone().into_owned(),
            info.group.clone(),
            what,
            place,
            name,
        ]);
    });
    let reduced = Rights::of(&snapshot).reduce(&seen, &Options::default());
    for least in &reduced.least {
        let subject = &least.binding.subjects[0];
        let user = match subject.kind.as_str() {
            "ServiceAccount" => service_account_user(&subject.namespace, &subject.name),
            _ => subject.name.clone(),
        };
        for atom in least.role.rules.iter().flat_map(Rule::atoms) {
            let namespace = least.namespace.clone().unwrap_or_default();
            let (verb, group, what, name) = match atom {
                Atom::Path { url, verb } => (verb, "", url, ""),
                Atom::Resource { group, resource, verb, name } => {
                    (verb, group, resource, name.unwrap_or_default())
                }
            };
            let is_shown = |verb: &str| {
                let asked = [user.as_str(), verb, group, what, &namespace, name].map(str::to_owned);
                shown.contains(&asked)
            };
            let streams = ["pods/exec", "pods/attach", "pods/portforward"].contains(&what);
            let goes_with = verb == "create" && streams && is_shown("get");
            // Who acts for another shows that by doing so.
            let acts = verb.starts_with("impersonate");
            assert!(is_shown(verb) || goes_with || acts, "{user}: {atom:?} is not in the log");
        }
    }
}

/// What is written is read back as what was replayed.
#[test]
fn what_is_written_says_what_was_replayed() {
    let Some((snapshot, seen)) = real() else { return };
    let reduced = Rights::of(&snapshot).reduce(&seen, &Options::default());
    let texts: Vec<&str> = reduced.least.iter().map(|least| least.text.as_str()).collect();
    let text = texts.join("---\n");
    let input = load(&[PathBuf::from("-")], &mut text.as_bytes(), &Input::default(), &());
    assert_eq!((input.problems.len(), input.objects.len()), (0, 2 * reduced.least.len()));
    let written = Snapshot::new(input.objects, Facts::default());
    let rights = Rights::of(&written);
    assert_eq!(rights.problems(), [], "the API server takes all of it");
    let again = rights.reduce(&seen, &Options::default());
    let least: Vec<&Unused> =
        again.unused.iter().filter(|unused| !unused.message.contains("create of")).collect();
    assert_eq!(
        least,
        Vec::<&Unused>::new(),
        "least roles have nothing that is not used, but what goes with a websocket"
    );
}
