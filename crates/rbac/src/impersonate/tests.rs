use std::collections::BTreeSet;

use super::*;

/// Allows what is written as `verb resource.group name`, or everything that begins with a text ending in `…`.
struct Only(BTreeSet<&'static str>);

fn words(action: &Action<'_>) -> String {
    match action {
        Action::Path { verb, path } => format!("{verb} {path}"),
        Action::Resource(action) => {
            let name = if action.namespace.is_empty() {
                action.name.to_owned()
            } else {
                format!("{}/{}", action.namespace, action.name)
            };
            format!("{} {}.{} {name}", action.verb, action.combined(), action.group)
        }
    }
}

impl Authorize for Only {
    fn authorize(&self, _: &User, action: &Action<'_>) -> (Decision, String) {
        let words = words(action);
        let is_one =
            |one: &&str| one.strip_suffix('…').map_or(*one == words, |begin| words.starts_with(begin));
        let decision = if self.0.iter().any(is_one) { Decision::Allow } else { Decision::NoOpinion };
        (decision, String::new())
    }
}

struct Attempt {
    filter: Filter,
    requestor: User,
    allowed: &'static [&'static str],
}

impl Attempt {
    fn by(allowed: &'static [&'static str]) -> Self {
        Self { filter: Filter::Constrained, requestor: User::of_groups("alice", &[AUTHENTICATED]), allowed }
    }

    /// An agent whose pod is on a node.
    fn by_agent(allowed: &'static [&'static str]) -> Self {
        let mut requestor = User::service_account("shop", "agent");
        requestor.extra.insert(NODE_NAME.to_owned(), vec!["n1".to_owned()]);
        Self { requestor, ..Self::by(allowed) }
    }

    fn with(&self, headers: &[(&str, &str)]) -> Impersonation {
        let headers: Headers = headers.iter().copied().collect();
        let request = RequestInfo::of("GET", "/api/v1/namespaces/shop/pods/web").unwrap();
        let authorizer = Only(self.allowed.iter().copied().collect());
        impersonate(self.filter, &authorizer, &self.requestor, &headers, &request)
    }
}

fn asked(impersonation: &Impersonation) -> Vec<String> {
    impersonation.checks.iter().map(|check| words(&check.asked.action())).collect()
}

fn as_whom(impersonation: Impersonation) -> (User, Mode) {
    match impersonation.outcome {
        Outcome::As { user, mode } => (user, mode),
        other => panic!("{other}"),
    }
}

fn refusal(impersonation: Impersonation) -> (u16, String) {
    match impersonation.outcome {
        Outcome::Refused { code, message } => (code, message),
        other => panic!("{other}"),
    }
}

#[test]
fn the_mode_of_old_asks_of_each_header_and_all_must_be_allowed() {
    let allowed: &[&str] = &["impersonate …"];
    let headers = [
        ("Impersonate-User", "system:serviceaccount:pay:web"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "dev"),
        ("Impersonate-Group", "system:masters"),
        ("Impersonate-Extra-Scopes", "view"),
        ("Impersonate-Extra-Scopes", ""),
    ];
    let newer = Attempt::by(allowed).with(&headers);
    assert_eq!(
        asked(&newer),
        [
            "impersonate serviceaccounts. pay/web",
            "impersonate uids.authentication.k8s.io 7",
            "impersonate groups. dev",
            "impersonate groups. system:masters",
            "impersonate userextras/scopes.authentication.k8s.io view",
            "impersonate userextras/scopes.authentication.k8s.io ",
        ],
        "an account is of no other mode where more than its name is stated"
    );
    let older = Attempt { filter: Filter::Legacy, ..Attempt::by(allowed) }.with(&headers);
    assert_eq!(asked(&older)[1..3], ["impersonate groups. dev", "impersonate groups. system:masters"]);
    assert_eq!(asked(&older)[5], "impersonate uids.authentication.k8s.io 7", "there, the uid comes last");
    let (user, mode) = as_whom(newer);
    assert_eq!(mode, Mode::Legacy);
    assert_eq!(
        user.groups,
        ["dev", "system:masters", "system:authenticated"],
        "stated groups are all there are"
    );
    assert_eq!(user.extra["scopes"], ["view", ""]);
    assert_eq!(as_whom(older), (user, mode));
}

#[test]
fn a_constrained_mode_needs_both_rights() {
    let bob = [("Impersonate-User", "bob")];
    let identity = "impersonate:user-info users.authentication.k8s.io bob";
    let on = "impersonate-on:user-info:get pods. shop/web";
    let both = Attempt::by(&[
        "impersonate:user-info users.authentication.k8s.io bob",
        "impersonate-on:user-info:get pods. shop/web",
    ])
    .with(&bob);
    assert_eq!(asked(&both), [on, identity]);
    assert_eq!(as_whom(both).1, Mode::UserInfo);
    let only_identity = Attempt::by(&["impersonate:user-info …"]).with(&bob);
    assert_eq!(asked(&only_identity), [on, "impersonate users. bob"]);
    let (code, message) = refusal(only_identity);
    assert_eq!(code, 403);
    assert_eq!(
        message,
        "pods \"web\" is forbidden: User \"alice\" cannot impersonate-on:user-info:get resource \"pods\" in API group \"\" \
         in the namespace \"shop\"",
        "the first refusal is told"
    );
    let only_on = Attempt::by(&["impersonate-on:user-info:…"]).with(&bob);
    assert!(
        refusal(only_on).1.contains(
            "cannot impersonate:user-info resource \"users\" in API group \"authentication.k8s.io\""
        )
    );
}

#[test]
fn the_own_node_is_asked_for_as_any() {
    let node = [("Impersonate-User", "system:node:n1")];
    let attempt = Attempt::by_agent(&[
        "impersonate-on:associated-node:get pods. shop/web",
        "impersonate:associated-node nodes.authentication.k8s.io *",
    ]);
    let (user, mode) = as_whom(attempt.with(&node));
    assert_eq!((user.name.as_str(), mode), ("system:node:n1", Mode::AssociatedNode));
    assert_eq!(user.groups, ["system:nodes", "system:authenticated"]);
    // Another node, a user who is no account, and more headers than the name: other modes.
    let other = attempt.with(&[("Impersonate-User", "system:node:n2")]);
    assert_eq!(
        asked(&other),
        ["impersonate-on:arbitrary-node:get pods. shop/web", "impersonate users. system:node:n2"]
    );
    let alice =
        Attempt { requestor: User { name: "alice".to_owned(), ..attempt.requestor.clone() }, ..attempt };
    assert!(asked(&alice.with(&node))[0].starts_with("impersonate-on:arbitrary-node"));
    let grouped = Attempt::by_agent(&[]).with(&[node[0], ("Impersonate-Group", "dev")]);
    assert_eq!(asked(&grouped), ["impersonate users. system:node:n1"]);
}

/// Tells what an asker's token says, as it reaches the authorizer.
struct Extras;

impl Authorize for Extras {
    fn authorize(&self, user: &User, _: &Action<'_>) -> (Decision, String) {
        (Decision::NoOpinion, format!("{:?}", user.extra))
    }
}

#[test]
fn for_the_own_node_the_authorizer_is_told_of_keys_alone() {
    let agent = Attempt::by_agent(&[]).requestor;
    let headers: Headers = [("Impersonate-User", "system:node:n1")].into_iter().collect();
    let request = RequestInfo::of("GET", "/healthz").unwrap();
    let checks = impersonate(Filter::Constrained, &Extras, &agent, &headers, &request).checks;
    assert_eq!(checks[0].reason, format!("{{{NODE_KEYS:?}: [{NODE_NAME:?}]}}"));
    assert_eq!(checks[1].reason, format!("{{{NODE_NAME:?}: [\"n1\"]}}"), "the next mode tells all");
}

#[test]
fn accounts_and_nodes_are_known_by_valid_names_only() {
    let first = |name: &str| asked(&Attempt::by(&[]).with(&[("Impersonate-User", name)]))[0].clone();
    assert!(first("system:serviceaccount:shop:web").starts_with("impersonate-on:serviceaccount:"));
    assert!(first("system:node:n1").starts_with("impersonate-on:arbitrary-node:"));
    for other in
        ["system:serviceaccount:a:b:c", "system:serviceaccount:Shop:web", "system:node:", "system:node:N1"]
    {
        assert!(first(other).starts_with("impersonate-on:user-info:"), "{other}");
    }
    let account = Attempt::by(&["impersonate-on:…", "impersonate:serviceaccount …"]);
    let (user, mode) = as_whom(account.with(&[("Impersonate-User", "system:serviceaccount:pay:web")]));
    assert_eq!(mode, Mode::ServiceAccount);
    assert_eq!(user, User::service_account("pay", "web"), "as a token of it would say");
}

#[test]
fn constrained_modes_refuse_what_the_mode_of_old_takes() {
    let attempt = Attempt::by(&["impersonate-on:…", "impersonate:user-info …"]);
    let bob = ("Impersonate-User", "bob");
    for (header, words) in [
        (("Impersonate-Group", "system:masters"), "impersonating the system:masters group is not allowed"),
        (("Impersonate-Group", ""), "impersonating the empty string group is not allowed"),
        (("Impersonate-Extra-A.b%2fc", ""), "impersonating the empty string value in extra is not allowed"),
        (("Impersonate-Extra-", "x"), "impersonating the empty string key in extra is not allowed"),
        (
            ("Impersonate-Extra-a.b%2f%43", "x"),
            "impersonating a non-lowercase key in extra is not allowed: \"a.b/C\"",
        ),
        (
            ("Impersonate-Extra-Scopes", "x"),
            "invalid key in extra is not allowed: extra.key: Invalid value: \"scopes\": must be a domain-prefixed path \
             (such as \"acme.io/foo\")",
        ),
    ] {
        let (code, message) = refusal(attempt.with(&[bob, header]));
        assert_eq!(code, 403);
        assert!(message.ends_with(words), "{message}");
    }
    let masters = attempt.with(&[bob, ("Impersonate-Group", "system:masters")]);
    assert!(refusal(masters).1.starts_with("groups.authentication.k8s.io \"system:masters\" is forbidden: "));
}

#[test]
fn many_groups_or_values_are_asked_for_at_once_first() {
    let groups = |count: usize| {
        let group = [("Impersonate-User", "bob")].into_iter();
        group.chain(["a", "b", "c", "d"].into_iter().take(count).map(|name| ("Impersonate-Group", name)))
    };
    let all = Attempt::by(&[
        "impersonate-on:…",
        "impersonate:user-info users.…",
        "impersonate:user-info groups.authentication.k8s.io *",
    ]);
    let four = all.with(&groups(4).collect::<Vec<_>>());
    assert_eq!(asked(&four).last().unwrap(), "impersonate:user-info groups.authentication.k8s.io *");
    assert_eq!(as_whom(four).0.groups.len(), 5);
    let three = all.with(&groups(3).collect::<Vec<_>>());
    assert_eq!(refusal(three).0, 403, "three are asked for one by one");
    let values: Vec<(&str, &str)> = [("Impersonate-User", "bob")]
        .into_iter()
        .chain(["w", "x", "y", "z"].map(|value| ("Impersonate-Extra-a.b%2fc", value)))
        .collect();
    let each = Attempt::by(&["impersonate-on:…", "impersonate:user-info users.…"]).with(&values);
    let of_mode: Vec<String> = asked(&each).into_iter().filter(|one| one.contains("userextras")).collect();
    assert_eq!(
        of_mode,
        [
            "impersonate:user-info userextras/*.authentication.k8s.io *",
            "impersonate:user-info userextras/a.b/c.authentication.k8s.io w"
        ]
    );
}

#[test]
fn the_group_of_the_known_or_unknown_is_added() {
    let groups = |headers: &[(&str, &str)]| as_whom(Attempt::by(&["impersonate …"]).with(headers)).0.groups;
    let user = |name| ("Impersonate-User", name);
    let group = |name| ("Impersonate-Group", name);
    assert_eq!(groups(&[user("bob")]), [AUTHENTICATED]);
    assert_eq!(groups(&[user("bob"), group("dev")]), ["dev", AUTHENTICATED]);
    assert_eq!(groups(&[user("bob"), group(UNAUTHENTICATED)]), [UNAUTHENTICATED]);
    assert_eq!(groups(&[user(ANONYMOUS)]), [UNAUTHENTICATED]);
    assert_eq!(groups(&[user(ANONYMOUS), group(AUTHENTICATED)]), [AUTHENTICATED, UNAUTHENTICATED]);
    let account = user("system:serviceaccount:pay:web");
    assert_eq!(
        groups(&[account, group("dev")]),
        ["dev", AUTHENTICATED],
        "stated groups take the place of its own"
    );
}

#[test]
fn a_header_without_a_user_is_a_bad_request() {
    let attempt = Attempt::by(&["impersonate …"]);
    assert_eq!(attempt.with(&[("Accept", "*/*"), ("Impersonate-User", "")]).outcome, Outcome::NotAsked);
    let headers = [("Impersonate-Group", "a\"b"), ("Impersonate-Uid", "7"), ("Impersonate-Extra-k", "v")];
    let (code, message) = refusal(attempt.with(&headers));
    assert_eq!(code, 400);
    assert_eq!(
        message,
        "requested &user.DefaultInfo{Name:\"\", UID:\"7\", Groups:[]string{\"a\\\"b\"}, \
         Extra:map[string][]string{\"k\":[]string{\"v\"}}} without impersonating a user name"
    );
    let older = Attempt { filter: Filter::Legacy, ..attempt };
    assert_eq!(
        refusal(older.with(&headers)).1,
        "requested [{Group  a\"b    } {UserExtra  v  authentication.k8s.io/v1  k} {UID  7  authentication.k8s.io/v1  }] \
         without impersonating a user"
    );
}

#[test]
fn api_servers_before_1_36_have_the_mode_of_old_alone() {
    assert_eq!(Filter::of(Minor(35)), Filter::Legacy);
    assert_eq!(Filter::of(Minor(36)), Filter::Constrained);
    assert_eq!(Mode::Legacy.verb_on("get"), None);
}
