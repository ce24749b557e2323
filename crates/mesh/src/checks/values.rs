//! Values that do not match what they look like.

use ringwall_model::check::Check;
use ringwall_model::control::nsa;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Applicability, Change, Fix, Fixable, Value};

use super::examples::policy;
use super::{AUTHORIZATION, EVERY_VERSION, Flaws, MeshCheck, PRACTICES, Subject, reviewed};
use crate::authorization::path::PathMatch;
use crate::authorization::policy::{Action, AuthorizationPolicy, Field};
use crate::authorization::strings::Text;
use crate::config::PathNormalization;

pub(super) const NEVER: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-019",
        name: "value-never-matches",
        severity: Severity::Medium,
        summary: "a value of an AuthorizationPolicy matches nothing that a client sends",
        what: "One of: a principal with `spiffe://` before it, or one that is not of the form TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT; a method that is not in capitals; a host with a scheme or a path; a path that does \
               not begin with `/`, or holds a query; a star in the middle of a value (or at both ends), which is no wildcard there; a \
               start of a `requestPrincipals` that is cut at a slash of its scheme, as in `https://iss*`. Nothing is said of a star too many where a value beside it holds all that is meant. The severity is high where the rule lets in for it \
               what it should keep out. The tool mends what it can tell.",
        why: "The rule is taken, and does nothing for this value: a DENY does not keep out, an ALLOW does not let in, and the `not` form of a field \
              does the opposite.",
        fix: "Write the value as the proxy sees it. A star counts at the beginning or the end only; for one segment of a path there is `{*}`.",
        bad: concat!(
            policy!("no-writes"),
            "\
spec:
  action: DENY
  rules:
  - to:
    - operation:
        methods: [delete]
"
        ),
        good: concat!(
            policy!("no-writes"),
            "\
spec:
  action: DENY
  rules:
  - to:
    - operation:
        methods: [DELETE]
"
        ),
        versions: EVERY_VERSION,
        references: &[AUTHORIZATION],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: never,
};

pub(super) const HOST: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-020",
        name: "host-without-port",
        severity: Severity::Medium,
        summary: "a rule with DENY or CUSTOM names a host, and not the host with a port",
        what: "`hosts` of a rule with DENY or CUSTOM, or `notHosts` of one with ALLOW, holds a name without a port, and no value beside it matches the name with a port.",
        why: "The value is compared with the `Host` header as it is sent. Who writes `shop.example.com:443` there passes the rule, and is served; of CUSTOM, \
              the authorizer is not asked.",
        fix: "Add the name with `:*` behind it.",
        bad: concat!(
            policy!("no-admin"),
            "\
spec:
  action: DENY
  rules:
  - to:
    - operation:
        hosts: [admin.example.com]
"
        ),
        good: concat!(
            policy!("no-admin"),
            "\
spec:
  action: DENY
  rules:
  - to:
    - operation:
        hosts: [admin.example.com, \"admin.example.com:*\"]
"
        ),
        versions: EVERY_VERSION,
        references: &[AUTHORIZATION, PRACTICES],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: host,
};

pub(super) const PATH: MeshCheck = MeshCheck {
    about: Check {
        id: "RW-MESH-021",
        name: "path-evaded",
        severity: Severity::Low,
        summary: "a rule with DENY or CUSTOM names a path, and another way of writing it passes",
        what: "`paths` of a rule with DENY or CUSTOM, or `notPaths` of one with ALLOW, holds a path, and the same with a slash behind it, or without the one that it has, \
               matches no value beside it; or a start of paths, and the same without its slash matches none, or with two slashes before it matches none, in a mesh that does not merge slashes (`pathNormalization`); of that the severity is info.",
        why: "Many programs serve `/admin/` and `//admin` as they do `/admin`. What a list of paths keeps out is what it names, and no more; of CUSTOM, the \
              authorizer is not asked about the others.",
        fix: "Say in ALLOW rules which paths are served, rather than in DENY which are not. Else name the other ways too (`/admin/*`), and set \
              `pathNormalization.normalization: MERGE_SLASHES` in the mesh's configuration.",
        bad: concat!(
            policy!("no-admin"),
            "\
spec:
  action: DENY
  rules:
  - to:
    - operation:
        paths: [/admin]
"
        ),
        good: concat!(
            policy!("public"),
            "\
spec:
  rules:
  - to:
    - operation:
        paths: [/public]
"
        ),
        versions: EVERY_VERSION,
        references: &[AUTHORIZATION, PRACTICES],
        controls: &[nsa("Authentication and authorization")],
    },
    fix: Fixable::ByTool(Applicability::NeedsReview),
    find: path,
};

/// Methods that programs know.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];

/// Why a value matches nothing that is sent, and what is meant where that can be told.
fn why_never(of: &str, value: &str) -> Option<(&'static str, Option<String>)> {
    match of {
        "principals" | "source.principal" => {
            if let Some(bare) = value.strip_prefix("spiffe://") {
                let meant = (bare != "*").then(|| bare.to_owned());
                return Some(("principals are written without `spiffe://`", meant));
            }
            let parts: Vec<&str> = value.split('/').collect();
            if !value.contains('*') && !matches!(parts.as_slice(), [_, "ns", _, "sa", _]) {
                return Some(("a principal is TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT", None));
            }
        }
        "methods" => {
            let upper = value.to_ascii_uppercase();
            if upper != value && METHODS.contains(&upper.as_str()) {
                return Some(("methods are in capitals", Some(upper)));
            }
        }
        "hosts" => {
            if let Some((_, host)) = value.split_once("://") {
                let meant = (!host.contains('/')).then(|| host.to_owned());
                return Some(("a host has no scheme", meant));
            }
            if value.contains('/') {
                return Some(("a host has no path", None));
            }
        }
        "paths" => {
            if value.contains('?') {
                return Some(("paths are compared without their query", None));
            }
            if !value.starts_with(['/', '*', '{']) {
                return Some(("paths begin with a slash", Some(format!("/{value}"))));
            }
        }
        "requestPrincipals" | "request.auth.principal" => {
            let cut = value.strip_suffix('*').and_then(|start| start.rsplit_once('/'));
            if cut.is_some_and(|(issuer, _)| issuer.ends_with(":/")) {
                return Some(("it is cut at its last slash, and no issuer is what stands before that", None));
            }
        }
        _ => return None,
    }
    let is_template = of == "paths" && value.contains(['{', '}']);
    if !is_template && has_inner_star(value) {
        let in_segments =
            of == "paths" && value.split('/').all(|segment| segment == "*" || !segment.contains('*'));
        let meant = in_segments.then(|| value.replace("/*/", "/{*}/").replace("/*/", "/{*}/"));
        return Some(("a star counts at one end only, and elsewhere is a star", meant));
    }
    None
}

/// Whether a star is no wildcard where it stands.
fn has_inner_star(value: &str) -> bool {
    let rest = match value.strip_prefix('*') {
        Some(rest) => rest,
        None => value.strip_suffix('*').unwrap_or(value),
    };
    rest.contains('*')
}

/// Whether other values of the list hold all that is meant by one whose star is none: then it is only one too many.
fn is_moot(field: &Field<'_>, value: &str) -> bool {
    if !has_inner_star(value) {
        return false;
    }
    let mut others = field.values.iter().filter(|other| why_never(field.of, other).is_none());
    // A run of stars stands for a part, or for several.
    let filled = |with: &str| {
        let mut parts: Vec<&str> = value.split('*').collect();
        parts.dedup_by(|one, before| one.is_empty() && before.is_empty());
        parts.join(with)
    };
    let meant = ["x", "x/y", ""].map(filled);
    let holds = |other: &String| match field.of {
        "paths" => {
            let own = PathMatch::parse(other);
            meant.iter().all(|path| own.matches(path))
        }
        _ => {
            let own = Text::parse(other);
            meant.iter().all(|text| own.matches(text))
        }
    };
    others.any(holds)
}

/// Puts another value where one stands.
fn instead(field: &Field<'_>, at: usize, meant: Option<String>) -> Result<Fix, String> {
    // What leaves more out of a DENY, or of what an ALLOW leaves out, is not for a tool to write.
    let meant = meant.filter(|meant| !field.negated && !field.values.contains(meant));
    let Some(meant) = meant else { return Err("what is meant is not in the manifest".to_owned()) };
    let path = field.place.path().index(at);
    Ok(reviewed(
        format!("write `{meant}`"),
        "whether what the rule then does is meant",
        vec![Change::Set { path, value: Value::Text(meant) }],
    ))
}

fn never(subject: &Subject<'_>, flaws: &mut Flaws) {
    for policy in &subject.policies {
        for field in policy.fields() {
            for (at, value) in field.values.iter().enumerate() {
                let Some((why, meant)) = why_never(field.of, value) else { continue };
                if is_moot(&field, value) {
                    continue;
                }
                let opens = match (policy.action, field.negated) {
                    (Action::Allow, negated) => negated,
                    (_, negated) => !negated,
                };
                let so = match (policy.action, field.negated) {
                    (Action::Deny, false) => "the rule does not keep it out",
                    (Action::Allow, false) => "the rule does not let it in",
                    (Action::Deny, true) => "the rule keeps it out too",
                    (Action::Allow, true) => "the rule lets it in",
                    (Action::Audit | Action::Custom, _) => "the rule does not do what it says",
                };
                let message = format!("`{value}` never matches ({why}): {so}");
                let fix = instead(&field, at, meant);
                let flaw = flaws.add(policy.object, field.place.path().index(at), value.clone(), message);
                flaw.fix(fix);
                if opens && policy.action != Action::Audit && !policy.dry_run {
                    flaw.severity(Severity::High);
                }
            }
        }
    }
}

/// The lists of values that decide what is kept out: of DENY what must match, of ALLOW what may not. CUSTOM keeps out until its authorizer lets in.
fn keeps_out(policy: &AuthorizationPolicy, field: &Field<'_>) -> bool {
    match policy.action {
        Action::Deny | Action::Custom => !field.negated,
        Action::Allow => field.negated,
        Action::Audit => false,
    }
}

/// What a rule does with what it matches, as the title of a fix has it, and what becomes of what it does not.
const fn does(action: Action) -> (&'static str, &'static str) {
    match action {
        Action::Custom => ("ask the authorizer about", "passes, and the authorizer is not asked"),
        _ => ("keep out", "passes"),
    }
}

fn host(subject: &Subject<'_>, flaws: &mut Flaws) {
    for policy in &subject.policies {
        for field in policy.fields().filter(|field| field.of == "hosts" && keeps_out(policy, field)) {
            let all: Vec<Text> = field.values.iter().map(|value| Text::parse(value)).collect();
            for (at, value) in field.values.iter().enumerate() {
                let bare = value.strip_prefix('*').unwrap_or(value);
                if bare.is_empty() || bare.contains(['*', ':', '/']) {
                    continue;
                }
                let name = if bare == value { value.clone() } else { format!("a{bare}") };
                let witness = format!("{name}:8080");
                if all.iter().any(|one| one.matches_any_case(&witness)) {
                    continue;
                }
                let (does, passes) = does(policy.action);
                let message =
                    format!("`{witness}` {passes}: the header is compared as it is sent, with its port");
                let fix = if bare == value {
                    Ok(reviewed(
                        format!("{does} `{value}` with any port too"),
                        "whether the same is meant for clients that write a port",
                        vec![Change::Append {
                            path: field.place.path(),
                            value: Value::Text(format!("{value}:*")),
                        }],
                    ))
                } else {
                    Err("no value means a name that ends so with any port behind it".to_owned())
                };
                flaws.add(policy.object, field.place.path().index(at), value.clone(), message).fix(fix);
            }
        }
    }
}

/// Another way to write a path that a value names, which many programs serve alike; and what adds it to the list.
fn other_way(value: &str, merges: bool) -> Vec<(String, Option<String>, Severity)> {
    let mut ways = Vec::new();
    match value.strip_suffix('*') {
        Some(start) if !start.contains('*') => {
            if let Some(own) = start.strip_suffix('/').filter(|own| !own.is_empty()) {
                ways.push((own.to_owned(), Some(own.to_owned()), Severity::Low));
            }
            if !merges {
                ways.push((format!("/{start}x"), None, Severity::Info));
            }
        }
        None if !value.contains('*') => match value.strip_suffix('/') {
            Some(own) => ways.push((own.to_owned(), Some(own.to_owned()), Severity::Low)),
            None => ways.push((format!("{value}/"), Some(format!("{value}/*")), Severity::Low)),
        },
        _ => {}
    }
    ways
}

fn path(subject: &Subject<'_>, flaws: &mut Flaws) {
    let merges = matches!(
        subject.mesh.config.path_normalization,
        PathNormalization::MergeSlashes | PathNormalization::DecodeAndMergeSlashes
    );
    for policy in &subject.policies {
        for field in policy.fields().filter(|field| field.of == "paths" && keeps_out(policy, field)) {
            let all: Vec<PathMatch> = field.values.iter().map(|value| PathMatch::parse(value)).collect();
            let is_matched = |path: &str| all.iter().any(|one| one.matches(path));
            for (at, value) in field.values.iter().enumerate() {
                if !value.starts_with('/') || value.contains(['{', '?']) || value.len() < 3 {
                    continue;
                }
                let mut ways = other_way(value, merges).into_iter();
                let Some((witness, meant, severity)) = ways.find(|(witness, ..)| !is_matched(witness)) else {
                    continue;
                };
                let (does, passes) = does(policy.action);
                let fix = match meant {
                    Some(meant) => Ok(reviewed(
                        format!("{does} `{meant}` too"),
                        "whether anybody is meant to come there",
                        vec![Change::Append { path: field.place.path(), value: Value::Text(meant) }],
                    )),
                    None => Err("the mesh's configuration decides about slashes".to_owned()),
                };
                let message =
                    format!("`{witness}` {passes}; many programs serve it as they do the path that is named");
                let flaw = flaws.add(policy.object, field.place.path().index(at), value.clone(), message);
                flaw.fix(fix).severity(severity);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_never_match_are_told_from_those_that_may() {
        let meant = |of: &str, value: &str| why_never(of, value).map(|(_, meant)| meant.unwrap_or_default());
        assert_eq!(meant("methods", "get").as_deref(), Some("GET"));
        assert_eq!(meant("methods", "PURGE"), None);
        assert_eq!(meant("principals", "spiffe://td/ns/a/sa/b").as_deref(), Some("td/ns/a/sa/b"));
        assert_eq!(meant("principals", "*/sa/b"), None);
        assert_eq!(meant("hosts", "https://a.example").as_deref(), Some("a.example"));
        assert_eq!(meant("hosts", "https://a.example/x").as_deref(), Some(""), "a path is not left out");
        assert_eq!(meant("paths", "/a/*/b").as_deref(), Some("/a/{*}/b"));
        assert_eq!(meant("paths", "/a/*/*/b").as_deref(), Some("/a/{*}/{*}/b"));
        assert_eq!(meant("paths", "/a/x*y").as_deref(), Some(""));
        assert_eq!(meant("paths", "/a/{*}/b*"), None);
        assert_eq!(meant("paths", "admin").as_deref(), Some("/admin"));
        assert_eq!(meant("requestPrincipals", "https://iss*").as_deref(), Some(""));
        assert_eq!(meant("requestPrincipals", "https://iss.example/realm/*"), None);
        assert_eq!(meant("namespaces", "a*b"), None, "there a star counts everywhere");
        assert_eq!(meant("request.headers[accept]", "*/*"), None);
    }
}
