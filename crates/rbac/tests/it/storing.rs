//! What the API server says of objects that it cannot read or store, and in which order.

use ringwall_model::version::Minor;
use ringwall_rbac::attributes::User;
use ringwall_rbac::draft::Draft;
use ringwall_rbac::policy::Policy;
use ringwall_rbac::storage::{Meets, Namespace};
use ringwall_rbac::strict::{Reader, decoding_error};
use ringwall_rbac::write::Verb;

use crate::common::{draft, objects, policy};

fn unread(text: &str, reader: Reader) -> Option<String> {
    decoding_error(&objects(text)[0], reader)
}

#[test]
fn the_first_wrong_type_is_told_before_unknown_fields() {
    let whole = |text: &str| unread(text, Reader::Whole);
    assert_eq!(whole("Role shop/r\nrules: [{verbs: [get], apiGroups: null}]"), None);
    let role = |rest: &str| Some(format!("Role in version \"v1\" cannot be handled as a Role: {rest}"));
    assert_eq!(
        whole("Role shop/r\nfoo: 1\nrules: [{verbs: get}, 5]"),
        role("json: cannot unmarshal string into Go struct field PolicyRule.rules.verbs of type []string")
    );
    assert_eq!(
        whole("Role shop/r\n  generation: 1.5"),
        role(
            "json: cannot unmarshal number 1.5 into Go struct field ObjectMeta.metadata.generation of type int64"
        )
    );
    assert_eq!(
        whole("Role shop/r\n  labels: 1\n  creationTimestamp: 2024-13-01T00:00:00Z"),
        role("parsing time \"2024-13-01T00:00:00Z\": month out of range")
    );
    assert_eq!(
        whole("Role shop/r\nfoo: 1\nrules: [{resource: [a], verbs: [get]}]\naggregationRule: {}"),
        role(
            "strict decoding error: unknown field \"foo\", unknown field \"rules[0].resource\", unknown field \"aggregationRule\""
        )
    );
}

#[test]
fn a_patch_is_converted_and_an_apply_held_against_the_schema() {
    let text = "Role shop/r\nrules: [{verbs: get, foo: 1}]";
    assert_eq!(
        unread(text, Reader::Patch { has_owners: false }).unwrap(),
        " \"\" is invalid: patch: Invalid value: \"map[apiVersion:rbac.authorization.k8s.io/v1 kind:Role metadata:map[name:r \
         namespace:shop] rules:[map[foo:1 verbs:get]]]\": cannot restore slice from string"
    );
    let head = "failed to create typed patch object (shop/r; rbac.authorization.k8s.io/v1, Kind=Role): ";
    assert_eq!(
        unread(text, Reader::Apply),
        Some(format!("{head}.rules[0].foo: field not declared in schema"))
    );
    let owners = "Role shop/r\n  ownerReferences: [{uid: a, controller: 5}, {uid: a}]";
    assert_eq!(
        unread(owners, Reader::Apply),
        Some(format!(
            "{head}errors:\n  .metadata.ownerReferences[uid=\"a\"].controller: expected boolean, got &{{5}}\n  \
             .metadata.ownerReferences: duplicate entries for key [uid=\"a\"]"
        ))
    );
}

/// What a user who may do everything is told.
fn told(draft: &Draft, verb: Verb, stored: Option<&Draft>, namespace: Namespace) -> Option<String> {
    let (policy, user) = (Policy::default(), User::of_groups("root", &["system:masters"]));
    let write = policy.check_write_by(verb, &user, draft, stored);
    let meets = Meets { verb, stored, namespace, undecodable: None, version: Minor::NEWEST };
    write.first_refusal(&policy, &meets).map(|refusal| refusal.message)
}

#[test]
fn the_storage_has_the_last_word() {
    let old = draft("Role shop/r\n  uid: u\n  resourceVersion: '5'");
    let new = |meta: &str| draft(&format!("Role shop/r\n{meta}"));
    let say = |meta: &str, verb: Verb| told(&new(meta), verb, Some(&old), Namespace::Missing);
    // A namespace is asked for by creations only.
    assert_eq!(say("", Verb::Update), None);
    assert_eq!(say("", Verb::Create).unwrap(), "namespaces \"shop\" not found");
    let exists = told(&new(""), Verb::Create, Some(&old), Namespace::Unknown);
    assert_eq!(exists.unwrap(), "roles.rbac.authorization.k8s.io \"r\" already exists");
    let cannot = "Operation cannot be fulfilled on roles.rbac.authorization.k8s.io \"r\": ";
    assert_eq!(
        say("  resourceVersion: '4'", Verb::Update),
        Some(format!(
            "{cannot}the object has been modified; please apply your changes to the latest version and try again"
        ))
    );
    assert_eq!(
        say("  uid: v", Verb::Update),
        Some(format!(
            "{cannot}StorageError: invalid object, Code: 4, Key: /registry/roles/shop/r, ResourceVersion: 0, AdditionalErrorMsg: \
             Precondition failed: UID in precondition: v, UID in object meta: u"
        ))
    );
    assert_eq!(
        say("  resourceVersion: a", Verb::Patch).unwrap(),
        "strconv.ParseUint: parsing \"a\": invalid syntax"
    );
    for (name, message) in [
        ("'a%'", "Name parameter invalid: \"a%\": may not contain '%'"),
        ("'..'", "Name parameter invalid: \"..\": may not be '..'"),
        ("''", "the server does not allow this method on the requested resource"),
    ] {
        let odd = draft(&format!("ClusterRole {name}"));
        assert_eq!(told(&odd, Verb::Update, None, Namespace::Unknown).as_deref(), Some(message));
    }
}

#[test]
fn a_patch_takes_away_what_is_null_and_what_was_applied_before() {
    let old = draft(
        "ClusterRole r\n  labels: {a: b, c: d}\n  finalizers: [x/y]\nrules: [{apiGroups: [''], resources: [pods], verbs: [get]}]\n\
         aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}",
    );
    let labels =
        |draft: &Draft| draft.meta.labels.clone().unwrap_or_default().into_keys().collect::<Vec<_>>();
    let merged =
        draft("ClusterRole r\n  labels: {a: null, e: f}\n  finalizers: [z/z]\naggregationRule: null")
            .applied_over(&old);
    assert_eq!(labels(&merged), ["c", "e"]);
    assert_eq!(merged.meta.finalizers.as_slice(), ["x/y", "z/z"]);
    let ringwall_rbac::model::RbacObject::Role(role) = &merged.object else { panic!("{merged:?}") };
    assert_eq!((role.rules.len(), role.aggregation.is_none()), (1, true));
    let new = draft("ClusterRole r\n  labels: {a: z}");
    let patch = Draft { said: new.said.taking_away(&old.said.paths()), ..new };
    let applied = patch.applied_over(&old);
    assert_eq!(labels(&applied), ["a"]);
    let ringwall_rbac::model::RbacObject::Role(role) = &applied.object else { panic!("{applied:?}") };
    assert!(role.rules.is_empty() && role.aggregation.is_none());
    // Whoever patches must hold what stays.
    let policy = policy("ClusterRole none\nrules: []");
    let bob = User::of_groups("bob", &[]);
    let write = policy.check_write_by(Verb::Patch, &bob, &merged, Some(&old));
    assert!(write.escalation.is_err());
}
