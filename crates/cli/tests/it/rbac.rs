//! `ringwall rbac`: what roles and bindings give, as users see it.

use insta::assert_snapshot;

use super::{Place, in_examples};

const RBAC: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: writer, namespace: shop}
rules:
- {apiGroups: [rbac.authorization.k8s.io], resources: [roles, rolebindings], verbs: [create, patch]}
- {apiGroups: [\"\"], resources: [pods], verbs: [get, list]}
- {apiGroups: [\"\"], resources: [secrets], resourceNames: [db], verbs: [get, create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: alice, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: writer}
subjects: [{kind: User, name: alice}, {kind: ServiceAccount, name: web, namespace: shop}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: gone, namespace: pay}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: nowhere}
subjects: [{kind: User, name: bob}]
";

fn ask(words: &[&str]) -> String {
    let place = Place::new(&[("rbac.yaml", RBAC)]);
    let all: Vec<&str> = ["rbac"].iter().chain(words).copied().chain(["rbac.yaml"]).collect();
    place.run(&all)
}

#[test]
fn kubectls_answer_comes_first_and_then_why() {
    assert_snapshot!(ask(&["can-i", "list", "pods", "-n", "shop", "--as", "alice"]));
    assert_snapshot!(ask(&[
        "can-i",
        "get",
        "secrets/db",
        "-n",
        "shop",
        "--as",
        "system:serviceaccount:shop:web"
    ]));
    assert_snapshot!(in_examples(&[
        "rbac",
        "can-i",
        "list",
        "pods",
        "--as",
        "system:serviceaccount:production:my-app",
        "-n",
        "production",
        "classic"
    ]));
}

/// One thing alone is wrong with each of these, and that is what is told.
#[test]
fn a_no_tells_the_nearest_miss() {
    let asked: [&[&str]; 7] = [
        &["can-i", "get", "pods", "--subresource", "log", "-n", "shop", "--as", "alice"],
        &["can-i", "create", "secrets", "-n", "shop", "--as", "alice"],
        &["can-i", "get", "secrets/other", "-n", "shop", "--as", "alice"],
        &["can-i", "delete", "pods", "-n", "shop", "--as", "alice"],
        &["can-i", "list", "pods", "-n", "pay", "--as", "alice"],
        &["can-i", "get", "pods", "-n", "pay", "--as", "bob"],
        &["can-i", "list", "pods", "-n", "shop", "--as", "system:serviceaccount:pay:web"],
    ];
    let told: Vec<String> = asked.iter().map(|words| ask(words)).collect();
    assert_snapshot!(told.join("\n"));
}

/// What the API server would refuse is told in a line an object, and the question answered all the same, with the answer's own exit code.
#[test]
fn what_the_server_would_refuse_is_a_note() {
    let bad = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: bad, namespace: shop}
rules:
- {nonResourceURLs: [/metrics], verbs: [get]}
- {apiGroups: [\"\"], resources: [pods]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: bad, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: bad}
subjects: [{kind: User, name: alice}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: types, namespace: shop}
rules:
- {apiGroups: [\"\"], resources: [pods], verbs: get}
---
apiVersion: rbac.authorization.k8s.io/v1beta1
kind: Role
metadata: {name: old, namespace: shop}
rules: []
";
    let place = Place::new(&[("rbac.yaml", RBAC), ("bad.yaml", bad)]);
    assert_snapshot!(place.run(&["rbac", "can-i", "get", "/metrics", "--as", "alice", "."]));
    let yes = place.run(&["rbac", "can-i", "list", "pods", "-n", "shop", "--as", "alice", "."]);
    assert!(yes.starts_with("exit code: 0\n"), "{yes}");
}

/// A document that cannot be read leaves an answer of the rest, and exit code 2; a path that is not there leaves none.
#[test]
fn what_cannot_be_read_is_an_error() {
    let place = Place::new(&[("rbac.yaml", RBAC), ("broken.yaml", "a: [\n")]);
    let ask = |paths: &[&str]| {
        let words = ["rbac", "can-i", "list", "pods", "-n", "shop", "--as", "alice"];
        place.run(&words.iter().chain(paths).copied().collect::<Vec<_>>())
    };
    assert_snapshot!([ask(&["."]), ask(&["rbac.yaml", "gone.yaml"])].join("\n"));
    for verb in [
        &["rbac", "matrix"][..],
        &["rbac", "who-can", "list", "pods"],
        &["rbac", "escalate"],
        &["rbac", "diff", "rbac.yaml"],
    ] {
        let answer = place.run(&verb.iter().chain(&["gone.yaml"]).copied().collect::<Vec<_>>());
        assert!(answer.starts_with("exit code: 2\n"), "{answer}");
        assert!(answer.contains("error: gone.yaml: no such file or directory"), "{answer}");
        assert!(answer.contains("----- stdout -----\n----- stderr -----"), "{answer}");
    }
}

#[test]
fn an_input_without_roles_is_told() {
    let place = Place::new(&[("ns.yaml", "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}\n")]);
    assert_snapshot!(
        [
            place.run(&["rbac", "who-can", "bind", "podz", "-n", "shop", "ns.yaml"]),
            place.run(&["rbac", "can-i", "list", "pods", "--as", "alice", "ns.yaml"]),
        ]
        .join("\n")
    );
}

#[test]
fn what_kubectl_warns_of_is_warned_of() {
    let asked: [&[&str]; 14] = [
        &["can-i", "get", "ev", "-n", "shop", "--as", "alice"],
        &["can-i", "get", "deviceclasses.v1beta1.resource.k8s.io", "-A", "--as", "alice"],
        &["can-i", "get", "leases.v1alpha2.coordination.k8s.io", "--as", "alice"],
        &["can-i", "get", "clustertrustbundles", "-A", "--as", "alice", "--kubernetes-version", "v1.36"],
        &["can-i", "get", "foo.", "--as", "alice"],
        &["can-i", "get", "foo.v1.", "--as", "alice"],
        &["can-i", "impersonate", "Users.", "--as", "alice"],
        &["can-i", "frob", "", "--as", "alice"],
        &["can-i", "list", "clustertrustbundles", "-n", "", "--as", "alice"],
        &["can-i", "get", "pods", "-n", "pay", "--as", "bob", "--kubernetes-version", "v1.36"],
        &["can-i", "get", "pods/log", "-n", "shop", "--as", "alice"],
        &["can-i", "get", "podz", "-n", "shop", "--as", "alice"],
        &["can-i", "fetch", "po", "-n", "shop", "--as", "alice"],
        &["can-i", "get", "nodes", "-n", "shop", "--as", "alice"],
    ];
    let told: Vec<String> = asked.iter().map(|words| ask(words)).collect();
    assert_snapshot!(told.join("\n"));
}

#[test]
fn the_list_is_kubectls_table() {
    assert_snapshot!(ask(&["can-i", "--list", "-n", "shop", "--as", "alice"]));
}

/// The API server calls the list of a node incomplete, and that of a user whose role is not there complete.
#[test]
fn a_list_is_incomplete_where_the_server_says_so() {
    let of_node = ["--as", "system:node:n1", "--as-group", "system:nodes"];
    let told = |who: &[&str]| {
        let words = ["can-i", "--list", "--no-headers", "-n", "pay"];
        let answer = ask(&words.iter().chain(who).copied().collect::<Vec<_>>());
        answer.split_once("----- stderr -----").unwrap().1.to_owned()
    };
    assert_eq!(
        told(&of_node).trim(),
        "Warning: the list may be incomplete: node authorizer does not support user rule resolution"
    );
    assert_eq!(
        told(&["--as", "bob"]).trim(),
        "note: bound, but to what is not there: role.rbac.authorization.k8s.io \"nowhere\" not found"
    );
}

/// A role of a dump takes in the rules of a role that is new.
#[test]
fn a_dump_takes_in_a_new_role() {
    let dump = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: ops, uid: a-b}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {ops: \"true\"}}]}
rules: [{apiGroups: [\"\"], resources: [nodes], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: ops, uid: a-c}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ops}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: alice}]
";
    let new = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: new, labels: {ops: \"true\"}}
rules: [{apiGroups: [\"\"], resources: [secrets], verbs: [list]}]
";
    let place = Place::new(&[("dump.yaml", dump), ("new.yaml", new)]);
    let ask = |verb: &str, what: &str, path: &str| {
        place.run(&["rbac", "can-i", verb, what, "-A", "--as", "alice", path])
    };
    assert_snapshot!(
        [ask("list", "secrets", "."), ask("get", "nodes", "."), ask("list", "secrets", "dump.yaml")]
            .join("\n")
    );
}

#[test]
fn who_can_names_every_subject_and_what_gives_it() {
    assert_snapshot!(ask(&["who-can", "list", "pods", "-n", "shop"]));
    assert_snapshot!(ask(&["who-can", "get", "secrets", "-n", "pay"]));
}

#[test]
fn the_matrix_has_a_row_for_each_thing() {
    assert_snapshot!(ask(&["matrix"]));
    assert_snapshot!(ask(&["matrix", "-o", "csv", "--resource", "secrets"]));
}

#[test]
fn a_diff_tells_who_gains_and_who_loses() {
    let head = RBAC
        .replace("verbs: [get, list]", "verbs: [get, list, delete]")
        .replace("name: alice}, ", "name: carol}, ");
    let place = Place::new(&[("base.yaml", RBAC), ("head.yaml", &head)]);
    assert_snapshot!(place.run(&["rbac", "diff", "base.yaml", "head.yaml"]));
    assert_snapshot!(place.run(&["rbac", "diff", "base.yaml", "base.yaml"]));
}

/// What a file writes counts for what follows in it.
#[test]
fn a_write_is_let_through_or_refused_in_the_servers_words() {
    let drafts = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shop}
rules: [{apiGroups: [\"\"], resources: [pods], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: more, namespace: shop}
rules: [{apiGroups: [\"\"], resources: [pods, configmaps], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: bob, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: User, name: bob}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: later, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: more}
subjects: [{kind: User, name: bob}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: writer, namespace: shop}
rules: [{apiGroups: [\"\"], resources: [pods]}]
";
    let rbac = RBAC.replace("verbs: [create, patch]", "verbs: [get, create, patch]");
    let place = Place::new(&[("rbac.yaml", &rbac), ("drafts.yaml", drafts)]);
    assert_snapshot!(place.run(&["rbac", "can-grant", "--as", "alice", "-f", "drafts.yaml", "rbac.yaml"]));
    // kubectl apply reads first; who creates need not.
    let place = Place::new(&[("rbac.yaml", RBAC), ("drafts.yaml", drafts)]);
    let words = ["rbac", "can-grant", "--as", "alice", "-f", "drafts.yaml", "rbac.yaml"];
    let (unread, created) = (place.run(&words), place.run(&[&words[..], &["--verb", "create"]].concat()));
    assert!(unread.contains("User \"alice\" cannot get resource \"roles\""), "{unread}");
    assert!(created.contains("yes: alice may create Role shop/reader"), "{created}");
}

/// What the API server cannot read, does not serve or does not store is an answer, and other kinds are a note.
#[test]
fn what_nobody_could_write_is_a_no_in_the_servers_words() {
    let drafts = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {namespace: shop}
---
apiVersion: rbac.authorization.k8s.io/v1beta1
kind: Role
metadata: {name: old, namespace: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: typo, namespace: shop}
rules: [{apiGroups: [\"\"], resource: [pods], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: wrong, namespace: shop}
rules: [{apiGroups: [\"\"], resources: [pods], verbs: get}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: writer, namespace: shop}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: new, namespace: away}
";
    let namespaces = "\
apiVersion: v1
kind: Namespace
metadata: {name: default, uid: a}
---
apiVersion: v1
kind: Namespace
metadata: {name: kube-system, uid: b}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop, uid: c}
";
    let place = Place::new(&[("rbac.yaml", RBAC), ("drafts.yaml", drafts), ("namespaces.yaml", namespaces)]);
    let words = [
        "rbac",
        "can-grant",
        "--as",
        "root",
        "--as-group",
        "system:masters",
        "-f",
        "drafts.yaml",
        "--verb",
        "create",
    ];
    assert_snapshot!(place.run(&[&words[..], &["rbac.yaml", "namespaces.yaml"]].concat()));
}

/// A patch leaves alone what it does not state, so that what stays must be held as well.
#[test]
fn a_patch_is_merged_into_what_is_there() {
    let patch = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: writer, namespace: shop, labels: {team: a}}
";
    let place = Place::new(&[("rbac.yaml", RBAC), ("patch.yaml", patch)]);
    let ask = |verb: &str| {
        place.run(&["rbac", "can-grant", "--as", "alice", "-f", "patch.yaml", "--verb", verb, "rbac.yaml"])
    };
    // Alice holds the role that she patches, and would hold all of one that gives nothing.
    assert!(ask("patch").starts_with("exit code: 0"), "{}", ask("patch"));
    let more = RBAC.replace("name: alice}, {", "name: nobody}, {")
        + "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: patcher, namespace: shop}\n\
           rules: [{apiGroups: [rbac.authorization.k8s.io], resources: [roles], verbs: [patch]}]\n\
           ---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: patcher, namespace: shop}\n\
           roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: patcher}\nsubjects: [{kind: User, name: alice}]\n";
    let place = Place::new(&[("rbac.yaml", &more), ("patch.yaml", patch)]);
    let words = ["rbac", "can-grant", "--as", "alice", "-f", "patch.yaml", "--verb", "patch", "rbac.yaml"];
    let answer = place.run(&words);
    assert!(
        answer.contains("{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"get\" \"list\"]}"),
        "{answer}"
    );
}

/// Other authorizers may allow what RBAC does not; one that is asked first may deny.
#[test]
fn where_others_decide_too_a_no_cannot_be_told() {
    let server = |modes: &str| {
        format!(
            "apiVersion: v1
kind: Pod
metadata: {{name: kube-apiserver, namespace: kube-system}}
spec:
  containers:
  - name: kube-apiserver
    image: registry.k8s.io/kube-apiserver:v1.36.0
    command: [kube-apiserver, '--authorization-mode={modes}']
"
        )
    };
    let mut told = Vec::new();
    for modes in ["Node,RBAC", "Node,RBAC,Webhook", "Webhook,RBAC", "AlwaysAllow"] {
        let place = Place::new(&[("rbac.yaml", RBAC), ("server.yaml", &server(modes))]);
        for verb in ["list", "delete"] {
            let answer = place.run(&["rbac", "can-i", verb, "pods", "-n", "shop", "--as", "alice", "."]);
            let lines: Vec<&str> = answer.lines().filter(|line| !line.starts_with("---")).collect();
            told.push(format!(
                "{modes} {verb}: {}",
                lines.join(
                    "
"
                )
            ));
        }
    }
    assert_snapshot!(told.join("\n"));
}

/// A node reads what its pods need, by an authorizer of its own.
#[test]
fn a_node_is_let_through_by_its_own_authorizer() {
    let pod = "\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, uid: a}
spec: {nodeName: n1, serviceAccountName: web, containers: [{name: c, image: i, envFrom: [{secretRef: {name: db}}]}]}
";
    let with = Place::new(&[("pod.yaml", pod)]);
    let without = Place::new(&[("rbac.yaml", RBAC)]);
    let ask = |place: &Place, what: &str, node: &str| {
        let words =
            ["rbac", "can-i", "get", what, "-n", "shop", "--as", node, "--as-group", "system:nodes", "."];
        place.run(&words)
    };
    let told = [
        ask(&with, "secrets/db", "system:node:n1"),
        ask(&with, "secrets/db", "system:node:n2"),
        ask(&without, "secrets/db", "system:node:n1"),
    ];
    assert_snapshot!(told.join("\n"));
}

#[test]
fn least_roles_are_those_that_the_log_shows() {
    let event = |user: &str, verb: &str, uri: &str, decision: &str| {
        format!(
            r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"1","stage":"ResponseComplete","requestURI":"{uri}","verb":"{verb}","user":{{"username":"{user}","groups":["system:authenticated"]}},"responseStatus":{{"code":200}},"annotations":{{"authorization.k8s.io/decision":"{decision}"}}}}"#
        )
    };
    let log = [
        event("alice", "list", "/api/v1/namespaces/shop/pods?limit=500", "allow"),
        event("alice", "get", "/api/v1/namespaces/shop/pods/web-0/exec?command=sh", "allow"),
        event("alice", "get", "/api/v1/namespaces/shop/secrets/db", "allow"),
        event("alice", "delete", "/api/v1/namespaces/shop/pods/web-0", "forbid"),
        event("alice", "get", "/version", "allow"),
        "{\"kind\": \"Event\", \"apiVersion\"".to_owned(),
        event("bob", "watch", "/api/v1/watch/nodes", "allow"),
    ]
    .join("\n");
    let place = Place::new(&[("rbac.yaml", RBAC), ("audit.log", &log)]);
    assert_snapshot!(place.run(&["rbac", "reduce", "--audit-log", "audit.log", "rbac.yaml"]));
}
