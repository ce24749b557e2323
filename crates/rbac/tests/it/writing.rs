//! Who may write which role and binding, and what they are told.

use ringwall_rbac::attributes::{Decision, MASTERS, User};
use ringwall_rbac::draft::Draft;
use ringwall_rbac::policy::Policy;
use ringwall_rbac::write::{Passed, Refused, Verb, Write};

use crate::common::{draft, policy};

/// Alice may write everything of RBAC in all namespaces, and holds `get pods` there.
const ALICE: &str = "\
ClusterRole writer
rules:
- {apiGroups: [rbac.authorization.k8s.io], resources: [roles, clusterroles, rolebindings, clusterrolebindings], verbs: [create, update, patch]}
- {apiGroups: ['', apps], resources: [pods], verbs: [get]}
---
ClusterRoleBinding writer
roleRef: {kind: ClusterRole, name: writer}
subjects: [{kind: User, name: alice}]
---
";

const POD_READER: &str = "rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]";
const SECRET_READER: &str = "rules: [{apiGroups: [''], resources: [secrets], verbs: [get, list]}]";

fn alice() -> User {
    User::of_groups("alice", &["dev"])
}

/// The policy with a role for alice beside what she has, bound to her in a namespace or in all.
fn given(rules: &str, within: Option<&str>) -> Policy {
    let binding = match within {
        Some(namespace) => format!("RoleBinding {namespace}/more"),
        None => "ClusterRoleBinding more".to_owned(),
    };
    policy(&format!(
        "{ALICE}ClusterRole more\nrules: [{rules}]\n---\n{binding}\nroleRef: {{kind: ClusterRole, name: more}}\n\
         subjects: [{{kind: User, name: alice}}]\n"
    ))
}

/// A rule that gives a verb on RBAC's own resources.
fn special(verb: &str, resource: &str, names: &str) -> String {
    format!(
        "{{apiGroups: [rbac.authorization.k8s.io], resources: [{resource}], verbs: [{verb}], resourceNames: [{names}]}}"
    )
}

#[track_caller]
fn passed(write: &Write<'_>) -> Passed {
    write.escalation.clone().expect("it passes")
}

#[test]
fn masters_write_everything() {
    let (nothing, user) = (Policy::default(), User::of_groups("root", &[MASTERS]));
    for text in [
        "ClusterRole all\nrules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]",
        "ClusterRoleBinding b\nroleRef: {kind: ClusterRole, name: gone}",
        "RoleBinding shop/b\nroleRef: {kind: Thing, name: gone}",
    ] {
        let draft = draft(text);
        let write = nothing.check_write(&user, &draft, None);
        assert!(write.is_allowed(), "{text}");
        assert_eq!(passed(&write), Passed::Master);
        assert_eq!(write.http_message(&nothing), None);
    }
}

#[test]
fn a_role_gives_no_more_than_its_writer_holds_where_it_is_written() {
    let policy = given("{apiGroups: [''], resources: [secrets], verbs: ['*']}", Some("shop"));
    let user = alice();
    let here = draft(&format!("Role shop/new\n{SECRET_READER}"));
    let there = draft(&format!("Role pay/new\n{SECRET_READER}"));
    let everywhere = draft(&format!("ClusterRole new\n{SECRET_READER}"));
    assert_eq!(passed(&policy.check_write(&user, &here, None)), Passed::Held);
    for (draft, resource) in [(&there, "roles"), (&everywhere, "clusterroles")] {
        let write = policy.check_write(&user, draft, None);
        assert_eq!(write.authorized(), Decision::Allow);
        assert_eq!(
            write.escalation_message().unwrap(),
            format!(
                "{resource}.rbac.authorization.k8s.io \"new\" is forbidden: user \"alice\" (groups=[\"dev\"]) is attempting to grant RBAC \
                 permissions not currently held:\n{{APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\" \"list\"]}}"
            )
        );
    }
}

#[test]
fn a_rule_cannot_be_taken_from_a_role_that_is_not_held_in_full() {
    let (policy, user) = (policy(ALICE.trim_end_matches("---\n")), alice());
    let both = "rules:\n- {apiGroups: [''], resources: [pods], verbs: [get]}\n- {apiGroups: [''], resources: [nodes], verbs: [get]}\n\
                - {apiGroups: [''], resources: [secrets], verbs: [get, list]}";
    let old = draft(&format!("Role shop/r\n{both}"));
    let less = draft(
        "Role shop/r\nrules:\n- {apiGroups: [''], resources: [pods], verbs: [get]}\n- {apiGroups: [''], resources: [nodes], verbs: [get]}",
    );
    let write = policy.check_write(&user, &less, Some(&old));
    assert_eq!(
        write.escalation.unwrap_err().missing_lines(),
        [r#"{APIGroups:[""], Resources:["nodes"], Verbs:["get"]}"#]
    );
    // What remains must be held, and nothing of what goes.
    let held = draft(&format!("Role shop/r\n{POD_READER}"));
    assert_eq!(passed(&policy.check_write(&user, &held, Some(&old))), Passed::Held);
}

#[test]
fn changes_for_the_garbage_collector_are_no_escalation() {
    let (policy, user) = (policy(ALICE.trim_end_matches("---\n")), alice());
    let role = |meta: &str| draft(&format!("Role shop/r\n{meta}{SECRET_READER}"));
    let old = role("  uid: u\n  creationTimestamp: 2024-01-01T00:00:00Z\n  finalizers: [a/b]\n");
    let check = |meta: &str, verb: Verb| {
        let new = role(meta);
        policy.check_write_by(verb, &user, &new, Some(&old)).escalation.is_ok()
    };
    let same = "  uid: u\n  creationTimestamp: 2024-01-01T01:00:00+01:00\n";
    assert!(check(same, Verb::Update), "finalizers go, and the time is the same instant");
    assert!(check(&format!("{same}  managedFields: [{{manager: x}}]\n  labels: {{}}\n"), Verb::Update));
    assert!(check(
        &format!("{same}  ownerReferences: [{{apiVersion: v1, kind: Pod, name: a, uid: b}}]\n"),
        Verb::Update
    ));
    assert!(!check(&format!("{same}  labels: {{a: b}}\n"), Verb::Update), "a label is no such change");
    assert!(!check("", Verb::Update), "neither is a uid that is not stated");
    assert!(check("", Verb::Patch), "which a patch leaves alone");
    assert!(!check(same, Verb::Create), "and who creates has no old object");
    // So for bindings; what the API server completes is no difference.
    let binding = |meta: &str, group: &str| {
        draft(&format!("RoleBinding shop/b\n{meta}roleRef: {{kind: ClusterRole, name: gone{group}}}"))
    };
    let old = binding("", ", apiGroup: rbac.authorization.k8s.io");
    let new = binding("  finalizers: [a/b]\n", "");
    assert_eq!(passed(&policy.check_write(&user, &new, Some(&old))), Passed::GarbageCollection);
    let other = binding("", "x");
    assert!(policy.check_write(&user, &other, Some(&old)).escalation.is_err());
}

#[test]
fn escalate_counts_on_the_resource_that_is_written() {
    let user = alice();
    let (role, cluster_role) = (
        draft(&format!("Role shop/new\n{SECRET_READER}")),
        draft(&format!("ClusterRole new\n{SECRET_READER}")),
    );
    let roles = given(&special("escalate", "roles", ""), None);
    assert!(matches!(passed(&roles.check_write(&user, &role, None)), Passed::Escalate(_)));
    assert!(roles.check_write(&user, &cluster_role, None).escalation.is_err());
    let cluster_roles = given(&special("escalate", "clusterroles", ""), None);
    assert!(cluster_roles.check_write(&user, &role, None).escalation.is_err());
    assert!(matches!(passed(&cluster_roles.check_write(&user, &cluster_role, None)), Passed::Escalate(_)));
    let within = given(&special("escalate", "'*'", ""), Some("shop"));
    assert!(matches!(passed(&within.check_write(&user, &role, None)), Passed::Escalate(_)));
    assert!(within.check_write(&user, &cluster_role, None).escalation.is_err());
}

#[test]
fn a_post_names_nothing_so_that_names_help_only_other_writes() {
    let (policy, user) = (given(&special("escalate", "roles", "new"), None), alice());
    let (new, old) = (draft(&format!("Role shop/new\n{SECRET_READER}")), draft("Role shop/new\nrules: []"));
    assert!(policy.check_write(&user, &new, None).escalation.is_err());
    assert!(policy.check_write(&user, &new, Some(&old)).is_allowed());
    // A PUT or an apply that creates names it, and must be allowed to create as well.
    for verb in [Verb::Update, Verb::Patch] {
        let write = policy.check_write_by(verb, &user, &new, None);
        assert!(write.is_allowed());
        let asked: Vec<(&str, &str)> =
            write.asked.iter().map(|asked| (asked.action.verb, asked.action.name)).collect();
        assert_eq!(asked, [(verb.word(), "new"), ("create", "new")]);
    }
    let only_update = crate::common::policy(
        "ClusterRole u\nrules: [{apiGroups: ['*'], resources: [roles], verbs: [update, escalate]}]\n---\n\
         ClusterRoleBinding u\nroleRef: {kind: ClusterRole, name: u}\nsubjects: [{kind: User, name: alice}]",
    );
    let write = only_update.check_write_by(Verb::Update, &user, &new, None);
    assert!(write.escalation.is_ok() && !write.is_allowed());
    assert_eq!(
        write.http_message(&only_update).unwrap(),
        "roles.rbac.authorization.k8s.io \"new\" is forbidden: User \"alice\" cannot create resource \"roles\" in API group \
         \"rbac.authorization.k8s.io\" in the namespace \"shop\""
    );
}

const SECRETS: &str =
    "ClusterRole secrets\nrules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]\n---\n";

/// [`given`], with a role to bind.
fn with_secrets(rules: &str, within: Option<&str>) -> Policy {
    let mut all = policy(SECRETS.trim_end_matches("---\n"));
    let given = given(rules, within);
    for role in given.roles() {
        all.add(ringwall_rbac::model::RbacObject::Role(role.clone()));
    }
    for binding in given.bindings() {
        all.add(ringwall_rbac::model::RbacObject::Binding(binding.clone()));
    }
    all
}

fn binding(head: &str, kind: &str, name: &str) -> Draft {
    draft(&format!(
        "{head}\nroleRef: {{kind: {kind}, name: {name}}}\nsubjects: [{{kind: User, name: mallory}}]"
    ))
}

#[test]
fn bind_counts_on_the_role_and_where_the_binding_is() {
    let user = alice();
    let (here, everywhere) = (
        binding("RoleBinding shop/b", "ClusterRole", "secrets"),
        binding("ClusterRoleBinding b", "ClusterRole", "secrets"),
    );
    let all = with_secrets(&special("bind", "clusterroles", "secrets"), None);
    assert!(matches!(passed(&all.check_write(&user, &here, None)), Passed::Bind(_)));
    assert!(matches!(passed(&all.check_write(&user, &everywhere, None)), Passed::Bind(_)));
    // A RoleBinding gives it for bindings of its namespace.
    let within = with_secrets(&special("bind", "clusterroles", "secrets"), Some("shop"));
    assert!(matches!(passed(&within.check_write(&user, &here, None)), Passed::Bind(_)));
    assert!(within.check_write(&user, &everywhere, None).escalation.is_err());
    let elsewhere = binding("RoleBinding pay/b", "ClusterRole", "secrets");
    assert!(within.check_write(&user, &elsewhere, None).escalation.is_err());
    // On bindings, on roles of the other kind and on other names it means nothing.
    for rule in [
        special("bind", "'rolebindings', 'clusterrolebindings'", ""),
        special("bind", "roles", ""),
        special("bind", "clusterroles", "other"),
        special("escalate", "clusterroles", ""),
    ] {
        let policy = with_secrets(&rule, None);
        assert!(policy.check_write(&user, &here, None).escalation.is_err(), "{rule}");
    }
    // A role of another API group is another resource.
    let mut foreign = binding("RoleBinding shop/b", "ClusterRole", "secrets");
    if let ringwall_rbac::model::RbacObject::Binding(binding) = &mut foreign.object {
        binding.role_ref.api_group = "example.com".to_owned();
    }
    assert!(all.check_write(&user, &foreign, None).escalation.is_err());
}

#[test]
fn who_holds_a_role_may_bind_it_where_they_hold_it() {
    let (policy, user) =
        (given("{apiGroups: [''], resources: [secrets], verbs: [get]}", Some("shop")), alice());
    assert_eq!(
        passed(&policy.check_write(&user, &binding("RoleBinding shop/b", "ClusterRole", "more"), None)),
        Passed::Held
    );
    let everywhere = binding("ClusterRoleBinding b", "ClusterRole", "more");
    let write = policy.check_write(&user, &everywhere, None);
    let Err(Refused::NotHeld { missing, unresolved }) = &write.escalation else { panic!("{write:?}") };
    assert_eq!((missing.len(), unresolved.len()), (1, 0));
}

#[test]
fn a_role_that_is_not_there_can_be_bound_by_bind_alone() {
    let user = alice();
    let gone = binding("RoleBinding shop/b", "Role", "gone");
    let without = given("{}", None);
    let write = without.check_write(&user, &gone, None);
    assert!(matches!(write.escalation, Err(Refused::RoleUnresolved(_))));
    assert_eq!(write.escalation_message().unwrap(), "role.rbac.authorization.k8s.io \"gone\" not found");
    // The server names the resource that is written.
    assert_eq!(
        write.http_message(&without).unwrap(),
        "rolebindings.rbac.authorization.k8s.io \"gone\" not found"
    );
    let with = given(&special("bind", "roles", "gone"), None);
    assert!(matches!(passed(&with.check_write(&user, &gone, None)), Passed::Bind(_)));
    // Some keys its storage does not even look for.
    for (head, kind, name, message) in [
        ("RoleBinding shop/b", "Role", "''", "Name parameter required."),
        (
            "RoleBinding shop/b",
            "ClusterRole",
            "a%/b",
            "Name parameter invalid: \"a%/b\": may not contain '/';may not contain '%'",
        ),
        ("ClusterRoleBinding b", "Role", "x", "Namespace parameter required."),
        (
            "ClusterRoleBinding b",
            "ClusterRole",
            "x",
            "clusterrolebindings.rbac.authorization.k8s.io \"x\" not found",
        ),
        ("ClusterRoleBinding b", "Thing", "x", "unsupported role reference kind: \"Thing\""),
    ] {
        let draft = binding(head, kind, name);
        assert_eq!(without.check_write(&user, &draft, None).http_message(&without).unwrap(), message);
    }
}

#[test]
fn an_aggregation_rule_needs_everything_whether_it_comes_or_goes() {
    let (user, without) = (alice(), given("{}", None));
    let plain = draft("ClusterRole agg\nrules: []");
    let aggregated =
        draft("ClusterRole agg\naggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}");
    let message = "clusterroles.rbac.authorization.k8s.io \"agg\" is forbidden: must have cluster-admin privileges to use the aggregationRule";
    for (new, old) in [(&aggregated, None), (&plain, Some(&aggregated)), (&aggregated, Some(&plain))] {
        let write = without.check_write(&user, new, old);
        assert_eq!(write.escalation_message().as_deref(), Some(message));
        assert_eq!(
            write.escalation.unwrap_err().missing_lines(),
            [r#"{APIGroups:["*"], Resources:["*"], Verbs:["*"]}"#, r#"{NonResourceURLs:["*"], Verbs:["*"]}"#,]
        );
    }
    // One that selects by nothing is none.
    let empty = draft("ClusterRole agg\naggregationRule: {}");
    assert_eq!(passed(&without.check_write(&user, &empty, None)), Passed::Held);
    // Whoever may do everything with resources may escalate, and needs no paths.
    let all = given("{apiGroups: ['*'], resources: ['*'], verbs: ['*']}", None);
    assert!(matches!(passed(&all.check_write(&user, &aggregated, None)), Passed::Escalate(_)));
    // What is missing of the rules is said first.
    let more = draft(&format!(
        "ClusterRole agg\naggregationRule: {{clusterRoleSelectors: [{{}}]}}\n{SECRET_READER}"
    ));
    assert!(matches!(without.check_write(&user, &more, None).escalation, Err(Refused::NotHeld { .. })));
}

#[test]
fn what_could_not_be_resolved_is_said_behind_what_is_missing() {
    let policy = policy(&format!(
        "{ALICE}ClusterRoleBinding x\nroleRef: {{kind: ClusterRole, name: \"go\\\"ne\"}}\nsubjects: [{{kind: User, name: alice}}]\n---\n\
         RoleBinding shop/one\nroleRef: {{kind: Role, name: away}}\nsubjects: [{{kind: Group, name: dev}}]\n---\n\
         RoleBinding shop/two\nroleRef: {{kind: Role, name: away}}\nsubjects: [{{kind: User, name: alice}}]\n"
    ));
    let (user, new) = (alice(), draft(&format!("Role shop/new\n{SECRET_READER}")));
    let write = policy.check_write(&user, &new, None);
    let message = write.escalation_message().unwrap();
    assert!(
        message.ends_with(
            "Verbs:[\"get\" \"list\"]}; resolution errors: [[clusterrole.rbac.authorization.k8s.io \"go\\\"ne\" not found, \
             role.rbac.authorization.k8s.io \"away\" not found]]"
        ),
        "{message}"
    );
    let message = write.http_message(&policy).unwrap();
    assert!(
        message.ends_with(
            "resolution errors: [[roles.rbac.authorization.k8s.io \"go\\\"ne\" not found, roles.rbac.authorization.k8s.io \"away\" not found]]"
        ),
        "{message}"
    );
}

#[test]
fn the_plain_question_comes_first() {
    let (policy, user) = (Policy::default(), User::of_groups("bob", &[]));
    let new = draft(&format!("Role shop/new\n{SECRET_READER}"));
    let write = policy.check_write(&user, &new, None);
    assert_eq!(write.authorized(), Decision::NoOpinion);
    assert_eq!(
        write.http_message(&policy).unwrap(),
        "roles.rbac.authorization.k8s.io is forbidden: User \"bob\" cannot create resource \"roles\" in API group \
         \"rbac.authorization.k8s.io\" in the namespace \"shop\""
    );
    assert!(write.escalation_message().unwrap().contains("user \"bob\" (groups=[]) is attempting"));
}
