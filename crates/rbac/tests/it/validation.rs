//! What is found wrong with roles and bindings, in the API server's words, and where.

use ringwall_model::invalid::FieldError;
use ringwall_model::version::Minor;
use ringwall_rbac::draft::Draft;
use ringwall_rbac::validate::{validate, validate_update, validate_write, validate_write_in};

use crate::common::{draft, objects};

fn texts(errors: &[FieldError]) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}

fn wrong(text: &str) -> Vec<String> {
    texts(&validate(&draft(text)))
}

#[test]
fn rules_need_verbs_and_either_resources_or_paths() {
    assert_eq!(
        wrong(
            "ClusterRole r\nrules:\n- {}\n- {verbs: [get], nonResourceURLs: ['/a<b>'], resourceNames: [x]}\n- {verbs: [get], apiGroups: [''], resources: [pods]}"
        ),
        [
            "rules[0].verbs: Required value: verbs must contain at least one value",
            "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
            "rules[0].resources: Required value: resource rules must supply at least one resource",
            "rules[1].nonResourceURLs: Invalid value: [\"/a\\u003cb\\u003e\"]: rules cannot apply to both regular resources and non-resource URLs",
        ]
    );
    assert_eq!(
        wrong("Role shop/r\nrules: [{verbs: [get], nonResourceURLs: [/healthz], apiGroups: ['']}]"),
        [
            "rules[0].nonResourceURLs: Invalid value: [\"/healthz\"]: namespaced rules cannot apply to non-resource URLs",
            "rules[0].nonResourceURLs: Invalid value: [\"/healthz\"]: rules cannot apply to both regular resources and non-resource URLs",
        ]
    );
    // What paths look like, and that a name is empty, is nobody's business.
    assert!(wrong("ClusterRole r\nrules: [{verbs: [''], nonResourceURLs: ['', '/a*b', healthz]}, {verbs: ['*'], apiGroups: [core], resources: ['*/*'], resourceNames: ['']}]").is_empty());
}

#[test]
fn names_are_segments_of_a_path() {
    for good in ["system:controller:x", "A_b", "日", "..."] {
        assert!(wrong(&format!("ClusterRole '{good}'")).is_empty(), "{good}");
    }
    assert_eq!(wrong("ClusterRole '..'"), ["metadata.name: Invalid value: \"..\": may not be '..'"]);
    assert_eq!(
        wrong("ClusterRole ''\n  generateName: a%b\n  namespace: shop"),
        [
            "metadata.generateName: Invalid value: \"a%b\": may not contain '%'",
            "metadata.name: Required value: name or generateName is required",
            "metadata.namespace: Forbidden: not allowed on this type",
        ]
    );
    assert_eq!(
        wrong("RoleBinding a.b/x\nroleRef: {kind: Role, name: 'a/b%'}"),
        [
            "metadata.namespace: Invalid value: \"a.b\": must not contain dots",
            "roleRef.name: Invalid value: \"a/b%\": may not contain '/'",
            "roleRef.name: Invalid value: \"a/b%\": may not contain '%'",
        ]
    );
}

#[test]
fn bindings_refer_to_roles_and_name_subjects_that_are_known() {
    assert_eq!(
        wrong("ClusterRoleBinding b\nroleRef: {apiGroup: apps, kind: Role}\nsubjects:\n- {kind: User}\n- {kind: user, name: a}\n- {kind: ServiceAccount, name: 'b:c', apiGroup: x}\n- {kind: Group, name: g, apiGroup: wrong}"),
        [
            "roleRef.apiGroup: Unsupported value: \"apps\": supported values: \"rbac.authorization.k8s.io\"".to_owned(),
            "roleRef.kind: Unsupported value: \"Role\": supported values: \"ClusterRole\"".to_owned(),
            "roleRef.name: Required value".to_owned(),
            "subjects[0].name: Required value".to_owned(),
            "subjects[1].kind: Unsupported value: \"user\": supported values: \"ServiceAccount\", \"User\", \"Group\"".to_owned(),
            format!("subjects[2].name: Invalid value: \"b:c\": {}", ringwall_model::name::dns_subdomain_errors("b:c")[0]),
            "subjects[2].apiGroup: Unsupported value: \"x\": supported values: \"\"".to_owned(),
            "subjects[2].namespace: Required value".to_owned(),
            "subjects[3].apiGroup: Unsupported value: \"wrong\": supported values: \"rbac.authorization.k8s.io\"".to_owned(),
        ]
    );
    // In a namespace an account's own is meant, and groups that are not stated are completed first.
    assert!(
        wrong("RoleBinding shop/b\nroleRef: {kind: Role, name: r}\nsubjects: [{kind: ServiceAccount, name: web}, {kind: User, name: 'a b'}]")
            .is_empty()
    );
}

#[test]
fn selectors_of_an_aggregation_rule_are_read_twice() {
    let required = "aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil";
    assert_eq!(wrong("ClusterRole r\naggregationRule: {}"), [required]);
    assert_eq!(
        wrong(
            "ClusterRole r\naggregationRule: {clusterRoleSelectors: [{}, {matchExpressions: [{key: a, operator: 'in<', values: [v]}, {key: a, operator: In}, {key: a, operator: Exists, values: [v]}]}]}"
        ),
        [
            "aggregationRule.clusterRoleSelectors[1].matchExpressions[0].operator: Invalid value: \"in\\u003c\": not a valid selector operator",
            "aggregationRule.clusterRoleSelectors[1].matchExpressions[1].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
            "aggregationRule.clusterRoleSelectors[1].matchExpressions[2].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            "aggregationRule.clusterRoleSelectors[1]: Invalid value: null: invalid label selector.",
        ]
    );
}

#[test]
fn a_bad_value_in_a_selector_may_stay_where_it_was() {
    let role = |value: &str| {
        draft(&format!(
            "ClusterRole r\n  resourceVersion: '1'\naggregationRule: {{clusterRoleSelectors: [{{matchExpressions: [{{key: a, operator: In, values: ['{value}']}}]}}]}}"
        ))
    };
    let left = |old: &str| texts(&validate_update(&role("-new"), &role(old)));
    assert_eq!(left("good").len(), 2);
    assert_eq!(
        left("-old"),
        ["aggregationRule.clusterRoleSelectors[0]: Invalid value: null: invalid label selector."]
    );
}

#[test]
fn a_role_ref_does_not_change() {
    let binding = |name: &str, group: &str| {
        draft(&format!(
            "RoleBinding shop/b\n  resourceVersion: '1'\nroleRef: {{kind: Role, name: '{name}'{group}}}"
        ))
    };
    assert_eq!(
        texts(&validate_update(&binding("a\"<b", ""), &binding("c", ""))),
        [
            "roleRef: Invalid value: {\"APIGroup\":\"rbac.authorization.k8s.io\",\"Kind\":\"Role\",\"Name\":\"a\\\"\\u003cb\"}: field is immutable"
        ]
    );
    let completed = binding("a", ", apiGroup: rbac.authorization.k8s.io");
    assert!(validate_update(&binding("a", ""), &completed).is_empty());
}

#[test]
fn what_the_server_sets_need_not_be_stated_by_who_writes() {
    let old = draft(
        "Role shop/r\n  uid: u\n  resourceVersion: '5'\n  generation: 3\n  creationTimestamp: 2024-01-01T00:00:00Z",
    );
    let new = draft("Role shop/r");
    assert_eq!(
        texts(&validate_update(&new, &old)),
        [
            "metadata.resourceVersion: Invalid value: \"\": must be specified for an update",
            "metadata.generation: Invalid value: 0: must not be decremented",
            "metadata.uid: Invalid value: \"\": field is immutable",
            "metadata.creationTimestamp: Invalid value: null: field is immutable",
        ]
    );
    assert!(validate_write(&new, Some(&old)).is_empty());
    // Another uid is another object; a namespace of what has none is passed over, and a name is made.
    let other = draft("Role shop/r\n  uid: other");
    assert_eq!(
        texts(&validate_write(&other, Some(&old))),
        ["metadata.uid: Invalid value: \"other\": field is immutable"]
    );
    assert!(validate_write(&draft("ClusterRole ''\n  generateName: x-\n  namespace: shop"), None).is_empty());
}

#[test]
fn metadata_is_looked_at_as_of_all_objects() {
    assert_eq!(
        wrong(
            "ClusterRole r\n  generation: -1\n  finalizers: [orphan, foregroundDeletion, x]\n  ownerReferences: [{apiVersion: v1, kind: Event, name: own, uid: u, controller: true}, {apiVersion: a/b/c, kind: K, name: own, uid: u, controller: true}]\n  managedFields: [{operation: apply, manager: \"a\\tb\"}]"
        ),
        [
            "metadata.generation: Invalid value: -1: must be greater than or equal to 0",
            "metadata.ownerReferences[0]: Invalid value: {\"apiVersion\":\"v1\",\"kind\":\"Event\",\"name\":\"own\",\"uid\":\"u\",\"controller\":true}: /v1, Kind=Event is disallowed from being an owner",
            "metadata.ownerReferences[1].apiVersion: Invalid value: \"a/b/c\": must be <group>/<version> or <version>",
            "metadata.ownerReferences: Invalid value: [{\"apiVersion\":\"v1\",\"kind\":\"Event\",\"name\":\"own\",\"uid\":\"u\",\"controller\":true},{\"apiVersion\":\"a/b/c\",\"kind\":\"K\",\"name\":\"own\",\"uid\":\"u\",\"controller\":true}]: Only one reference can have Controller set to true. Found \"true\" in references for Event/own and K/own",
            "metadata.finalizers: Invalid value: [\"orphan\",\"foregroundDeletion\",\"x\"]: finalizer orphan and foregroundDeletion cannot be both set",
            "metadata.managedFields[0].operation: Unsupported value: \"apply\": supported values: \"Apply\", \"Update\"",
            "metadata.managedFields[0].manager: Invalid value: \"a\\tb\": invalid character U+0009 (at position 1)",
            "metadata.finalizers[2]: Invalid value: \"x\": name is neither a standard finalizer name nor is it fully qualified",
        ]
    );
    // Letters of annotations may be large, those of labels' prefixes may not.
    let upper = wrong("ClusterRole r\n  labels: {Example.com/A: b}\n  annotations: {Example.com/A: b}");
    assert_eq!(upper.len(), 1);
    assert!(
        upper[0].starts_with("metadata.labels: Invalid value: \"Example.com/A\": prefix part a lowercase")
    );
    let big = |length: usize| wrong(&format!("ClusterRole r\n  annotations: {{a: {}}}", "b".repeat(length)));
    assert!(big(262_143).is_empty());
    assert_eq!(big(262_144), ["metadata.annotations: Too long: may not be more than 262144 bytes"]);
    let old = draft(
        "Role shop/r\n  resourceVersion: '1'\n  deletionTimestamp: 2024-01-01T00:00:00Z\n  finalizers: [a/b]",
    );
    let new = draft(
        "Role shop/r\n  resourceVersion: '1'\n  deletionTimestamp: 2024-01-01T00:00:00Z\n  finalizers: [a/d, a/b, a/c]",
    );
    assert_eq!(
        texts(&validate_update(&new, &old)),
        [
            "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{\"a/c\", \"a/d\"}"
        ]
    );
}

#[test]
fn each_error_leads_to_its_line() {
    let objects = objects(
        "ClusterRole r\n  labels:\n    good: a\n    'bad key': b\nrules:\n- verbs: [get]\n  apiGroups: ['']\n",
    );
    let draft = Draft::read(&objects[0], "default").unwrap();
    let errors = validate(&draft);
    let lines: Vec<u32> = errors.iter().map(|error| objects[0].locate(&error.place).line).collect();
    // The key of the label; the rule, because it has no resources.
    assert_eq!((errors.len(), lines), (2, vec![7, 9]));
    assert_eq!(errors[0].path.to_string(), "metadata.labels");
    assert_eq!(errors[1].place.to_string(), "rules[0].resources");
}

#[test]
fn what_types_declare_is_said_last_and_without_detail_since_1_37() {
    let role = draft("Role shop/r\nrules: [{resources: [pods]}, {verbs: [get]}]");
    let written = |minor: u32, old: Option<&Draft>| texts(&validate_write_in(&role, old, Minor(minor)));
    let by_hand = [
        "rules[0].verbs: Required value: verbs must contain at least one value",
        "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
        "rules[1].apiGroups: Required value: resource rules must supply at least one api group",
        "rules[1].resources: Required value: resource rules must supply at least one resource",
    ];
    for minor in 34..=36 {
        assert_eq!(written(minor, None), by_hand);
    }
    assert_eq!(written(37, None), [by_hand[1], by_hand[2], by_hand[3], "rules[0].verbs: Required value"]);
    // What an update leaves alone is not looked at by what is declared.
    assert_eq!(written(37, Some(&role)), by_hand);
    let binding = |name: &str, subject: &str| {
        draft(&format!(
            "RoleBinding shop/b\nroleRef: {{kind: Role, name: '{name}'}}\nsubjects: [{{kind: ServiceAccount, name: '', apiGroup: x}}, {{kind: User, name: {subject}}}]"
        ))
    };
    assert_eq!(
        texts(&validate_write(&binding("", "u"), None)),
        [
            "subjects[0].apiGroup: Unsupported value: \"x\": supported values: \"\"",
            "subjects[0].name: Required value",
            "roleRef.name: Required value",
        ]
    );
    let changed = |minor: u32| {
        let errors = validate_write_in(&binding("", "u"), Some(&binding("a", "v")), Minor(minor));
        texts(&errors)
    };
    let json = "{\"APIGroup\":\"rbac.authorization.k8s.io\",\"Kind\":\"Role\",\"Name\":\"\"}";
    assert_eq!(
        changed(37),
        [
            "roleRef.name: Required value".to_owned(),
            "subjects[0].apiGroup: Unsupported value: \"x\": supported values: \"\"".to_owned(),
            format!("roleRef: Invalid value: {json}: field is immutable"),
            "subjects[0].name: Required value".to_owned(),
        ]
    );
    assert_eq!(changed(36)[3], format!("roleRef: Invalid value: {json}: cannot change roleRef"));
}

#[test]
fn older_versions_name_no_place_of_an_owner() {
    let role = draft("ClusterRole r\n  ownerReferences: [{apiVersion: a/b/c, kind: K, name: own}]");
    let written = |minor: u32| texts(&validate_write_in(&role, None, Minor(minor)));
    assert_eq!(
        written(36),
        [
            "metadata.ownerReferences.apiVersion: Invalid value: \"a/b/c\": version must not be empty",
            "metadata.ownerReferences.uid: Invalid value: \"\": must not be empty",
        ]
    );
    assert_eq!(
        written(37),
        [
            "metadata.ownerReferences[0].apiVersion: Invalid value: \"a/b/c\": must be <group>/<version> or <version>",
            "metadata.ownerReferences[0].uid: Required value: must not be empty",
        ]
    );
}

/// Each controller too many shows all owners: what is told of them stays bounded.
#[test]
fn many_controllers_are_told_in_bounds() {
    let owners: Vec<String> = (0..2000)
        .map(|index| format!("{{apiVersion: v1, kind: K, name: n{index}, uid: u{index}, controller: true}}"))
        .collect();
    let role = draft(&format!("ClusterRole r\n  ownerReferences: [{}]", owners.join(", ")));
    let length: usize = validate_write(&role, None).iter().map(|error| error.to_string().len()).sum();
    assert!(length > 1 << 20, "{length}");
    assert!(length < 1 << 21, "{length}");
}
