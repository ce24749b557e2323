//! What the checks find and leave alone, rule by rule. Each check's own examples are run with those of the other rings.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ringwall_input::{Options, load};
use ringwall_model::finding::Severity;
use ringwall_model::flaw::Flaw;
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_rbac::checks;

fn snapshot(text: &str) -> Snapshot {
    let mut bytes = text.as_bytes();
    let input = load(&[PathBuf::from("-")], &mut bytes, &Options::default(), &());
    assert_eq!(input.problems, [], "{text}");
    Snapshot::new(input.objects, Facts::default())
}

fn judged(text: &str) -> Vec<Flaw> {
    checks::judge(&snapshot(text)).0
}

fn found(text: &str) -> BTreeSet<&'static str> {
    judged(text).iter().map(|flaw| flaw.check.name).collect()
}

fn names(list: &[&'static str]) -> BTreeSet<&'static str> {
    list.iter().copied().collect()
}

/// A `ClusterRole` with rules in flow style, bound everywhere to an account.
fn everywhere(rules: &str) -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: ci}}
rules: [{rules}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: ci}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ci}}
subjects: [{{kind: ServiceAccount, name: ci, namespace: shop}}]
"
    )
}

/// A Role with rules in flow style, bound in a namespace to an account.
fn within(namespace: &str, rules: &str) -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: ci, namespace: {namespace}}}
rules: [{rules}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: ci, namespace: {namespace}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: ci}}
subjects: [{{kind: ServiceAccount, name: ci, namespace: {namespace}}}]
"
    )
}

fn rule(groups: &str, resources: &str, verbs: &str) -> String {
    format!("{{apiGroups: [{groups}], resources: [{resources}], verbs: [{verbs}]}}")
}

#[test]
fn rules_are_judged_as_the_authorizer_reads_them() {
    let core = |resources: &str, verbs: &str| rule("\"\"", resources, verbs);
    let rbac = |resources: &str, verbs: &str| rule("rbac.authorization.k8s.io", resources, verbs);
    let cases: &[(String, &[&str])] = &[
        // What programs need that harm nobody.
        (core("pods, pods/log, services, namespaces, nodes", "get, list, watch"), &[]),
        (core("nodes/metrics, nodes/stats", "get"), &[]),
        (rule("apps", "deployments/finalizers", "update"), &[]),
        (rule("example.com, other.example.com", "widgets, Things, gadget", "get, frobnicate"), &["resource-slip"]),
        (rule("example.com", "widgets/status", "get, patch"), &[]),
        (rule("metrics.k8s.io", "pods", "get"), &[]),
        (rule("authentication.k8s.io", "tokenreviews", "create"), &[]),
        (rule("policy", "podsecuritypolicies", "use"), &[]),
        // Secrets.
        (core("secrets", "watch"), &["secret-access"]),
        ("{apiGroups: [\"\"], resources: [secrets], resourceNames: [a], verbs: [get]}".to_owned(), &[]),
        ("{apiGroups: [\"\"], resources: [secrets], resourceNames: [\"\"], verbs: [list]}".to_owned(), &["secret-access"]),
        // A star is one where it stands alone or before a subresource.
        (core("pods, \"pods/*\"", "get"), &["star-in-resource"]),
        (core("\"*/exec\"", "create"), &["pod-exec"]),
        (core("\"*/proxy\"", "get"), &["node-proxy", "pod-connection"]),
        (core("\"*\"", "get"), &["wildcard-resources"]),
        (core("pods/status", "\"*\""), &["node-control", "wildcard-verbs"]),
        (rule("\"*\"", "\"*\"", "\"*\""), &["unlimited-role"]),
        // The verbs over rights are asked of roles.
        (rbac("rolebindings", "bind"), &["verb-never-asked"]),
        (rbac("clusterroles", "bind"), &["role-escalation"]),
        (rbac("clusterroles", "get, list"), &[]),
        (rbac("clusterroles", "create"), &[]),
        (rbac("clusterrolebindings", "create"), &["rights-handed-on"]),
        // Nodes.
        (core("nodes/proxy", "get"), &["node-proxy"]),
        (core("nodes/proxy", "create"), &["node-proxy"]),
        (core("nodes/proxy", "delete"), &[]),
        // Slips.
        (core("deployments", "get"), &["resource-in-other-group"]),
        (rule("extensions", "ingresses", "get"), &["resource-in-other-group"]),
        (rule("extensions, networking.k8s.io", "ingresses", "get"), &["group-without-resource"]),
        (rule("\"\", example.com", "deployments", "get"), &["group-without-resource"]),
        (core("pod", "get"), &["resource-slip"]),
        (core("po", "get"), &["resource-slip"]),
        (core("pods/logs", "get"), &["unknown-resource"]),
        (core("pods/log/x", "get"), &["resource-slip"]),
        (rule("core", "pods", "get"), &["group-slip"]),
        (rule("apps/v1", "deployments", "get"), &["group-slip"]),
        (rule("rbac", "roles", "get"), &["group-slip"]),
        (core("pods", "GET"), &["verb-slip"]),
        (core("pods", "get, post"), &["verb-slip"]),
        (core("pods/exec", "list"), &["verb-never-asked"]),
        (rule("authentication.k8s.io", "tokenreviews", "get"), &["verb-never-asked"]),
        ("{nonResourceURLs: [/metrics, /healthz/*], verbs: [get]}".to_owned(), &[]),
        ("{nonResourceURLs: [/a*b], verbs: [get]}".to_owned(), &["star-in-path"]),
        ("{nonResourceURLs: [/metrics], verbs: [list]}".to_owned(), &["verb-slip"]),
        (
            "{apiGroups: [\"\"], resources: [configmaps], resourceNames: [a], verbs: [get, create]}".to_owned(),
            &["named-creation"],
        ),
        ("{apiGroups: [\"\"], resources: [pods/eviction], resourceNames: [a], verbs: [create]}".to_owned(), &[]),
        ("{apiGroups: [\"\"], resources: [configmaps], resourceNames: [a], verbs: [list, watch]}".to_owned(), &[]),
        (
            "{apiGroups: [\"\"], resources: [configmaps], resourceNames: [\"*\"], verbs: [get]}".to_owned(),
            &["pattern-in-resource-names"],
        ),
        (
            "{apiGroups: [certificates.k8s.io], resources: [signers], resourceNames: [example.com/*], verbs: [sign]}".to_owned(),
            &[],
        ),
        // Covered.
        (format!("{}, {}", core("pods", "get, list"), core("pods", "get")), &["covered-rule"]),
        (format!("{}, {}", core("pods", "get"), core("pods", "list")), &[]),
        (core("\"*\", secrets", "get"), &["covered-rule", "wildcard-resources"]),
        // Refused.
        ("{apiGroups: [\"\"], resources: [pods]}".to_owned(), &["refused-rbac-object"]),
    ];
    let mut wrong = Vec::new();
    for (rules, expected) in cases {
        let got = found(&everywhere(rules));
        if got != names(expected) {
            wrong.push(format!("{rules}\n  expected {expected:?}, got {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_place_of_a_grant_decides_how_bad_it_is() {
    let secrets = rule("\"\"", "secrets", "get");
    let severity = |text: &str| {
        judged(text).iter().find(|flaw| flaw.check.name == "secret-access").map(|flaw| flaw.severity)
    };
    assert_eq!(severity(&everywhere(&secrets)), Some(Severity::High));
    assert_eq!(severity(&within("shop", &secrets)), Some(Severity::Medium));
    assert_eq!(severity(&within("kube-system", &secrets)), Some(Severity::High));
    let alone = |text: String| text.split("---").next().map(str::to_owned).unwrap_or_default();
    assert_eq!(severity(&alone(everywhere(&secrets))), Some(Severity::Medium), "nobody has it");
    assert_eq!(severity(&alone(within("shop", &secrets))), Some(Severity::Low), "nobody has it");
    // What is of the cluster is not given in a namespace.
    let proxy = within("shop", &rule("\"\"", "nodes/proxy", "get"));
    assert_eq!(found(&proxy), names(&["cluster-resource-in-namespace"]));
    let own = within("shop", &rule("\"\"", "namespaces", "patch"));
    assert_eq!(found(&own), names(&["namespace-labels"]));
    assert_eq!(
        found(&within("shop", &rule("\"\"", "namespaces", "list"))),
        names(&["cluster-resource-in-namespace"])
    );
}

#[test]
fn a_finding_stands_on_the_entry_of_the_rule_and_names_who_holds_it() {
    let text = everywhere(&rule("\"\"", "pods, secrets", "get, create"));
    let flaws = judged(&text);
    let flaw = flaws.iter().find(|flaw| flaw.check.name == "secret-access").expect("it is found");
    assert_eq!(flaw.path.to_string(), "rules[0].resources[1]");
    assert_eq!(
        flaw.message,
        "ServiceAccount shop/ci (ClusterRoleBinding ci) may make tokens that never expire, read secrets and make bootstrap tokens \
         in all namespaces"
    );
    let related: Vec<String> = flaw.related.iter().map(|(object, path)| format!("{object} {path}")).collect();
    for place in ["0 rules[0].verbs[0]", "0 rules[0].apiGroups[0]", "1 roleRef.name", "1 subjects[0]"] {
        assert!(related.iter().any(|other| other == place), "{place} in {related:?}");
    }
}

#[test]
fn who_is_bound_is_read_as_the_authorizer_reads_it() {
    let bound = |kind: &str, namespace: &str, role: &str, subject: &str| {
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1
kind: {kind}
metadata: {{name: ci{namespace}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: {role}}}
subjects: [{subject}]
"
        )
    };
    let cluster = |role: &str, subject: &str| {
        bound("ClusterRoleBinding", "", &format!("ClusterRole, name: {role}"), subject)
    };
    let shop = |role: &str, subject: &str| {
        bound("RoleBinding", ", namespace: shop", &format!("ClusterRole, name: {role}"), subject)
    };
    let group =
        |name: &str| format!("{{kind: Group, apiGroup: rbac.authorization.k8s.io, name: \"{name}\"}}");
    let user = |name: &str| format!("{{kind: User, apiGroup: rbac.authorization.k8s.io, name: \"{name}\"}}");
    let account = "{kind: ServiceAccount, name: ci, namespace: shop}";
    let cases: &[(String, &[&str])] = &[
        (cluster("view", account), &[]),
        (shop("view", &user("jane")), &[]),
        (shop("edit", account), &["powerful-default-role"]),
        (cluster("cluster-admin", &user("jane")), &["cluster-admin-binding"]),
        (cluster("cluster-admin", &group("system:masters")), &["masters-bound"]),
        (cluster("system:auth-delegator", account), &[]),
        (cluster("system:kubelet-api-admin", account), &["powerful-default-role"]),
        (cluster("view", &group("system:authenticated")), &["everyone-bound"]),
        (shop("view", &group("system:serviceaccounts:shop")), &["everyone-bound"]),
        (cluster("view", &user("system:anonymous")), &["anonymous-access"]),
        (shop("view", "{kind: ServiceAccount, name: default, namespace: shop}"), &["default-account-bound"]),
        (shop("view", "{kind: ServiceAccount, name: ci}"), &["account-without-namespace"]),
        (cluster("view", "{kind: ServiceAccount, name: ci}"), &["subject-without-effect"]),
        (shop("view", &user("system:serviceaccount:shop:ci")), &["account-spelt-as-user"]),
        (shop("view", &user("system:serviceaccount:shop")), &["subject-without-effect"]),
        (shop("view", &user("system:authenticated")), &["subject-without-effect"]),
        (shop("view", &group("system:serviceaccount:shop:ci")), &["subject-without-effect"]),
        (shop("view", "{kind: user, name: jane}"), &["subject-without-effect"]),
        (
            shop("view", "{kind: ServiceAccount, apiGroup: v1, name: ci, namespace: shop}"),
            &["subject-without-effect"],
        ),
        (shop("view", ""), &["binding-without-subjects"]),
        (shop("veiw", account), &["dangling-role"]),
        (shop("somebody-elses", account), &["dangling-role"]),
        (bound("ClusterRoleBinding", "", "Role, name: ci", account), &["dangling-role"]),
        (bound("RoleBinding", "", "ClusterRole, name: view", account), &["binding-without-namespace"]),
    ];
    let mut wrong = Vec::new();
    for (text, expected) in cases {
        let got = found(text);
        if got != names(expected) {
            wrong.push(format!("{text}  expected {expected:?}, got {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_aggregation_takes_in_is_told_once_and_where_it_is_written() {
    let fed = |label: &str, rules: &str| {
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: more, labels: {{{label}: \"true\"}}}}
rules: [{rules}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: ci, namespace: shop}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}}
subjects: [{{kind: ServiceAccount, name: ci, namespace: shop}}]
"
        )
    };
    let view = "rbac.authorization.k8s.io/aggregate-to-view";
    let secrets = rule("\"\"", "secrets", "get");
    assert_eq!(found(&fed(view, &secrets)), names(&["default-role-fed"]));
    assert_eq!(found(&fed(view, &rule("example.com", "widgets", "get"))), names(&[]));
    assert_eq!(found(&fed(view, &rule("example.com", "widgets", "patch"))), names(&["default-role-fed"]));
    let edit = "rbac.authorization.k8s.io/aggregate-to-edit";
    // `edit` has it already.
    assert_eq!(found(&fed(edit, &secrets)), names(&[]));
    assert_eq!(found(&fed(edit, &rule("\"\"", "nodes/proxy", "get"))), names(&["default-role-fed"]));
}

/// What the reference prints as its default policy, as a dump would hold it.
#[test]
fn what_the_api_server_makes_itself_is_never_a_flaw() {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/rbac/bootstrap-v1.37.yaml");
    if !file.is_file() {
        eprintln!("skipped: {} is not here", file.display());
        return;
    }
    let input = load(&[file], &mut std::io::empty(), &Options::default(), &());
    let snapshot = Snapshot::new(input.objects, Facts::default());
    let flaws = checks::judge(&snapshot).0;
    let said: Vec<String> = flaws
        .iter()
        .map(|flaw| format!("{} {}: {}", flaw.check.name, snapshot.all()[flaw.object].id, flaw.message))
        .collect();
    assert!(snapshot.objects().count() > 100 && said.is_empty(), "{}", said.join("\n"));
}

#[test]
fn what_is_added_to_a_default_object_is_one() {
    let text = "apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: cluster-admin, labels: {kubernetes.io/bootstrapping: rbac-defaults}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects:
- {kind: Group, apiGroup: rbac.authorization.k8s.io, name: system:masters}
- {kind: User, apiGroup: rbac.authorization.k8s.io, name: jane}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: system:basic-user, labels: {kubernetes.io/bootstrapping: rbac-defaults}}
rules:
- {apiGroups: [authorization.k8s.io], resources: [selfsubjectaccessreviews], verbs: [create]}
- {apiGroups: [\"\"], resources: [secrets], verbs: [list]}
";
    let flaws = judged(text);
    let said: Vec<(&str, String)> =
        flaws.iter().map(|flaw| (flaw.check.name, flaw.path.to_string())).collect();
    assert_eq!(
        said,
        [
            ("cluster-admin-binding", "roleRef.name".to_owned()),
            ("secret-access", "rules[1].resources[0]".to_owned())
        ]
    );
    assert!(flaws[0].message.starts_with("User jane may do everything"));
    assert!(flaws[1].message.contains("Group system:authenticated"));
}
