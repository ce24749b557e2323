//! Any method, URL and headers are answered without a panic, twice alike; a whole URL asks what its path asks, and nobody becomes another
//! whom no check has allowed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringwall_model::version::Minor;
use ringwall_rbac::attributes::{Action, Decision, MASTERS, User};
use ringwall_rbac::authorize::Authorize;
use ringwall_rbac::impersonate::{Filter, Headers, Impersonation, Mode, Outcome, impersonate};
use ringwall_rbac::kubelet::Kubelet;
use ringwall_rbac::request::RequestInfo;

/// Allows some questions and not others, the same ones each time.
struct Fickle;

impl Authorize for Fickle {
    fn authorize(&self, _: &User, action: &Action<'_>) -> (Decision, String) {
        let words = format!("{action:?}");
        let sum = words.bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
        (if sum % 4 == 0 { Decision::NoOpinion } else { Decision::Allow }, words)
    }
}

fn info(method: &str, url: &str) -> Option<RequestInfo> {
    let info = RequestInfo::of(method, url);
    assert_eq!(info, RequestInfo::of(method, url), "the same again");
    if let Err(error) = &info {
        assert!(!error.to_string().is_empty());
    }
    info.ok()
}

fn hold(info: &RequestInfo, method: &str, url: &str) {
    if url.starts_with('/') && !url.starts_with("//") {
        assert_eq!(RequestInfo::of(method, &format!("https://kube:6443{url}")).as_ref(), Ok(info), "{url}");
    }
    let of_many = matches!(info.verb.as_str(), "list" | "watch" | "deletecollection");
    assert!(of_many || (info.field_selector.is_empty() && info.label_selector.is_empty()));
    assert!(info.is_resource || info.resource.is_empty() && info.name.is_empty());
    let listed = info.verb == "list" || info.verb == "watch";
    if listed && !info.name.is_empty() && info.parts.len() < 2 {
        let fields = info.field_requirements().expect("a name comes from a selector that can be read");
        assert!(fields.iter().any(|term| term.field == "metadata.name" && term.value == info.name));
    }
    let _ = info.label_requirements();
    assert!(!Kubelet::of(Minor::NEWEST).subresources(&info.path).is_empty());
}

fn hold_impersonation(filter: Filter, done: &Impersonation) {
    let Outcome::As { user, mode } = &done.outcome else { return };
    assert!(!user.name.is_empty() && !user.groups.is_empty());
    // What a mode asked is allowed as a whole, but for the short cuts by `*`, which fail alone.
    let of_mode = done.checks.iter().filter(|check| check.asked.action().verb() == mode.verb());
    let refused: Vec<_> = of_mode.clone().filter(|check| check.decision != Decision::Allow).collect();
    let is_cut = |action: Action<'_>| matches!(action, Action::Resource(action) if action.name == "*");
    assert!(refused.iter().all(|check| is_cut(check.asked.action())), "{done:?}");
    assert!(of_mode.clone().any(|check| check.decision == Decision::Allow), "{done:?}");
    if *mode != Mode::Legacy {
        assert!(!user.groups.iter().any(|group| group == MASTERS || group.is_empty()), "{done:?}");
        assert_eq!(filter, Filter::Constrained);
    }
}

fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let (method, url) = first.split_once(' ').unwrap_or(("GET", first));
    let Some(info) = info(method, url) else { return };
    hold(&info, method, url);
    // With more headers, authorizers are asked more often; what is asked of one stays the same.
    let headers: Headers = lines.filter_map(|line| line.split_once(':')).take(64).collect();
    let mut requestor = User::service_account("shop", "agent");
    requestor.extra.insert("authentication.kubernetes.io/node-name".to_owned(), vec!["n1".to_owned()]);
    for filter in [Filter::Legacy, Filter::Constrained] {
        let done = impersonate(filter, &Fickle, &requestor, &headers, &info);
        assert_eq!(done, impersonate(filter, &Fickle, &requestor, &headers, &info), "the same again");
        hold_impersonation(filter, &done);
    }
});
