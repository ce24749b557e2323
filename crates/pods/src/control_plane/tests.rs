//! The table is sound, and the texts of the checks are in step with it.

use std::collections::BTreeSet;
use std::sync::Arc;

use ringwall_input::Limits;
use ringwall_input::stream::decode_one;
use ringwall_model::check::Framework;
use ringwall_model::finding::Severity;
use ringwall_model::fix::Applicability;
use ringwall_model::path::FieldPath;
use ringwall_model::text::Source;

use super::{CHECKS, Flaw, RULES, Want, find};

#[test]
fn each_flag_is_told_apart_and_says_what_is_wrong() {
    let mut seen = BTreeSet::new();
    for rule in RULES {
        let (flag, witness) = (rule.flag, rule.witness);
        assert!(seen.insert((rule.component, witness)), "{witness} is there twice");
        assert!(witness.starts_with(&format!("--{flag}")), "{witness} is not a witness of {flag}");
        assert!(!rule.says.is_empty() && !rule.says.ends_with('.'), "{witness}");
        // A wrong value of what must be absent, and an absent one of what must be there, are both findings.
        if matches!(rule.want, Want::Set | Want::Both(_) | Want::OneOf(_)) {
            assert!(rule.absent.is_some(), "{witness} must be there");
        }
    }
}

#[test]
fn a_check_names_each_of_its_flags_and_each_section_of_the_benchmark() {
    for check in CHECKS {
        let rules: Vec<_> = RULES.iter().filter(|rule| std::ptr::eq(rule.check, *check)).collect();
        assert!(!rules.is_empty(), "{}: nothing in the table", check.id);
        for rule in &rules {
            let flag = format!("`--{}`", rule.flag);
            assert!(check.what.contains(&flag), "{}: {flag} is not in `what`", check.id);
            if let Some((_, item)) = rule.witness.split_once('=') {
                assert!(check.what.contains(item), "{}: {item} is not in `what`", check.id);
            }
            if let Want::Both(other) = rule.want {
                assert!(check.what.contains(&format!("`--{other}`")), "{}: --{other}", check.id);
            }
        }
        let of_benchmark = |id: &&str| !id.is_empty();
        let in_table: BTreeSet<&str> = rules.iter().map(|rule| rule.cis).filter(of_benchmark).collect();
        let claimed: BTreeSet<&str> = check
            .controls
            .iter()
            .filter(|control| control.framework == Framework::Cis)
            // The one that takes two pods.
            .filter(|control| control.id != "2.7")
            .map(|control| control.id)
            .collect();
        assert_eq!(claimed, in_table, "{}", check.id);
        let worst = |rule: &&super::Rule| {
            [Some(rule.wrong), rule.absent, rule.worse.map(|worse| worse.severity)]
                .into_iter()
                .flatten()
                .max()
        };
        assert_eq!(rules.iter().filter_map(worst).max(), Some(check.severity), "{}", check.id);
    }
}

#[test]
fn what_is_gone_is_not_asked_for() {
    for rule in RULES.iter().filter(|rule| rule.gone.is_some()) {
        assert_eq!(rule.absent, None, "{} is gone and cannot be given", rule.witness);
    }
    let info = |rule: &&super::Rule| {
        ["SecurityContextDeny", "PodSecurityPolicy"].iter().any(|one| rule.witness.ends_with(one))
    };
    assert!(RULES.iter().filter(info).all(|rule| rule.absent == Some(Severity::Info)));
}

/// A pod with one container, in JSON, which is YAML too.
fn pod(container: &str) -> String {
    format!(
        "{{metadata: {{labels: {{component: etcd}}}}, spec: {{containers: [{{name: it, {container}}}]}}}}"
    )
}

fn flaws(pod: &str) -> Vec<Flaw> {
    let source = Arc::new(Source::new("pod.yaml".to_owned(), pod.to_owned()));
    let tree = decode_one(&source, &Limits::default()).tree.expect("a pod is YAML");
    find(tree.root(), None)
}

/// What is said of one flag: severity, path and message.
fn said(container: &str, witness: &str) -> Vec<String> {
    let of_witness = |flaw: &Flaw| flaw.rule.witness == witness;
    let shown = |flaw: Flaw| format!("{} {} {}", flaw.severity, flaw.path, flaw.message);
    flaws(&pod(container)).into_iter().filter(of_witness).map(shown).collect()
}

const PROFILING: &str = "--profiling";

/// All ways in which a component is started.
#[test]
fn a_component_is_known_by_what_runs() {
    let runs = |container: &str| !said(container, PROFILING).is_empty();
    for container in [
        "command: [kube-apiserver]",
        "command: [/usr/local/bin/kube-apiserver, --profiling=true]",
        "command: [kube-scheduler], args: [--leader-elect=true]",
        "command: [/go-runner, --log-file=/var/log/kcm.log, kube-controller-manager]",
        "command: [/hyperkube, apiserver, --v=2]",
        "command: [/hyperkube, kube-apiserver]",
        "image: 'registry.k8s.io/kube-apiserver:v1.34.1', args: [--v=2]",
        "image: 'localhost:5000/kube-scheduler-amd64@sha256:0'",
        "command: [/bin/sh, -c, 'ulimit -n 9; exec kube-apiserver --v=2 2>&1 | tee /log']",
        "command: [/bin/sh, -ec], args: ['A=1 /usr/local/bin/kube-apiserver']",
    ] {
        assert!(runs(container), "{container}");
    }
    for container in [
        "command: [kube-proxy]",
        "command: [grep, kube-apiserver]",
        "command: [/bin/sh, -c, 'curl kube-apiserver']",
        "command: [/bin/sh, -c, 'while ! pidof kube-apiserver; do sleep 1; done']",
        "image: 'registry.k8s.io/kube-apiserver:v1.34.1', command: [sleep, infinity]",
        "image: 'registry.k8s.io/kube-apiserver:v1.34.1', args: [other]",
        "command: [kube-bench, --targets=kube-apiserver]",
        "command: [/bin/sh, -c]",
    ] {
        assert!(!runs(container), "{container}");
    }
}

#[test]
fn flags_are_read_as_the_component_reads_them() {
    let right = |arguments: &str, witness: &str| {
        let said = said(&format!("command: [kube-apiserver, {arguments}]"), witness);
        assert_eq!(said, Vec::<String>::new(), "{arguments}");
    };
    right("--profiling=false", PROFILING);
    right("--profiling=F", PROFILING);
    right("'--profiling=\"false\"'", PROFILING);
    right("--audit_log_maxage=30", "--audit-log-maxage");
    right("--audit-log-maxage, '31'", "--audit-log-maxage");
    right("'--v=2 --profiling=false'", PROFILING);
    right("--authorization-mode=Node, --authorization-mode=RBAC", "--authorization-mode=RBAC");
    right("'--authorization-mode=Node, RBAC'", "--authorization-mode=RBAC");
    right("--tls-cert-file=a, --tls-private-key-file=b", "--tls-cert-file");
    // A boolean takes its value behind `=` only.
    assert_eq!(
        said("command: [kube-apiserver, --profiling, 'false']", PROFILING),
        ["low spec.containers[0].command[1] kube-apiserver serves profiles of itself: --profiling is true"]
    );
    assert_eq!(
        said("command: [kube-apiserver, --tls-cert-file=a]", "--tls-cert-file"),
        [
            "low spec.containers[0].command kube-apiserver serves a certificate that it has signed itself, which no \
             client can verify: --tls-cert-file is set without --tls-private-key-file"
        ]
    );
    // A list with the same item at two places, and one with other items.
    assert_eq!(
        said(
            "command: [kube-apiserver], args: [--enable-admission-plugins=A, '--enable-admission-plugins=B,AlwaysAdmit']",
            "--enable-admission-plugins=AlwaysAdmit"
        ),
        ["medium spec.containers[0].args[1] kube-apiserver has the plugin that admits everything: \
             --enable-admission-plugins=AlwaysAdmit is set"]
    );
    assert_eq!(
        said(
            "command: [kube-controller-manager, '--feature-gates=A=true,RotateKubeletServerCertificate=false']",
            "--feature-gates=RotateKubeletServerCertificate"
        ),
        [
            "medium spec.containers[0].command[1] kube-controller-manager does not let kubelets renew the certificates \
             that they serve: --feature-gates=RotateKubeletServerCertificate=false is set"
        ]
    );
}

/// Of a flag that is no list the last one stands; an earlier one that says otherwise misleads readers and nobody else.
#[test]
fn the_last_of_a_repeated_flag_stands() {
    let message = "kube-apiserver serves profiles of itself: --profiling is true";
    assert_eq!(
        said("command: [kube-apiserver, --profiling=false, --profiling=true]", PROFILING),
        [format!("low spec.containers[0].command[2] {message}")]
    );
    assert_eq!(
        said("command: [kube-apiserver, --profiling=true, --profiling=false]", PROFILING),
        [format!("info spec.containers[0].command[1] {message}, and a later argument overrides it")]
    );
}

/// An unknown is no pass, but no fault either.
#[test]
fn what_only_the_running_container_knows_is_not_judged() {
    for container in [
        "command: [kube-apiserver, --profiling=$(PROFILING)]",
        "command: [/bin/sh, -c, 'exec kube-apiserver $EXTRA']",
        "command: [/bin/sh, -c, 'exec kube-apiserver \"$@\"', --], args: [--profiling=false]",
        "command: [kube-scheduler, --config=/etc/scheduler.yaml]",
    ] {
        assert_eq!(said(container, PROFILING), Vec::<String>::new(), "{container}");
    }
    let by_file = |flag: &str, witness: &str| said(&format!("command: [kube-apiserver, {flag}]"), witness);
    assert!(by_file("--authorization-config=f", "--authorization-mode=RBAC").is_empty());
    assert!(by_file("--authentication-config=f", "--anonymous-auth").is_empty());
    assert!(by_file("--audit-webhook-config-file=f, --audit-policy-file=f", "--audit-log-path").is_empty());
    assert_eq!(flaws(&pod("command: [etcd, --config-file=/etc/etcd.yaml]")).len(), 0);
}

#[test]
fn severity_follows_from_what_else_is_set() {
    let anonymous =
        |modes: &str| said(&format!("command: [kube-apiserver, {modes}]"), "--anonymous-auth")[0].clone();
    assert!(anonymous("--authorization-mode=RBAC").starts_with("low "));
    let open = anonymous("--authorization-mode=AlwaysAllow");
    assert!(open.starts_with("critical ") && open.ends_with("and authorization allows everything"), "{open}");
    assert!(anonymous("--v=2").starts_with("critical "), "AlwaysAllow is the default");
    // One thing is said once: without a policy there is no log.
    let path =
        |flags: &str| said(&format!("command: [kube-apiserver, {flags}]"), "--audit-log-path")[0].clone();
    assert!(path("--v=2").starts_with("info "));
    assert!(path("--audit-policy-file=f").starts_with("medium "));
}

#[test]
fn what_a_version_does_not_know_is_passed_over() {
    let port = |image: &str| {
        said(&format!("image: '{image}', command: [kube-apiserver, --insecure-port=80]"), "--insecure-port")
    };
    assert_eq!(port("kube-apiserver:v1.19.3").len(), 1);
    assert_eq!(port("localhost:5000/kube-apiserver").len(), 1, "the version is not known");
    assert_eq!(port("kube-apiserver:v1.24.0-rc.1").len(), 0);
    assert_eq!(port("kube-apiserver:v1.32.11-rke2r1@sha256:0").len(), 0);
}

#[test]
fn etcd_is_judged_where_it_is_the_control_planes_own() {
    let auth = "--client-cert-auth";
    let fault = "etcd lets whoever reaches it read and write the whole state of the cluster";
    assert_eq!(
        said("command: [etcd, -client-cert-auth=false]", auth),
        [format!("critical spec.containers[0].command[1] {fault}: --client-cert-auth is false")]
    );
    assert_eq!(
        said("command: [etcd], env: [{name: ETCD_CLIENT_CERT_AUTH, value: 'false'}]", auth),
        [format!("critical spec.containers[0].env[0].value {fault}: --client-cert-auth is false")]
    );
    assert!(said("command: [etcd], env: [{name: ETCD_CLIENT_CERT_AUTH, value: 'true'}]", auth).is_empty());
    assert!(said("command: [etcd], env: [{name: ETCD_CLIENT_CERT_AUTH, valueFrom: {}}]", auth).is_empty());
    assert!(said("command: [etcd], envFrom: [{configMapRef: {name: etcd}}]", auth).is_empty());
    assert_eq!(
        flaws("{spec: {containers: [{name: etcd, command: [etcd]}]}}").len(),
        0,
        "an application's own"
    );
}

#[test]
fn a_fix_is_one_element_and_needs_a_look() {
    let fix = |container: &str, witness: &str| {
        let flaw = flaws(&pod(container)).into_iter().find(|flaw| flaw.rule.witness == witness)?;
        let fix = flaw.fix(&FieldPath::keys(&["spec", "template"]))?;
        assert_eq!(fix.applicability, Applicability::NeedsReview);
        Some(format!("{}: {}", fix.title, fix.changes[0].path()?))
    };
    let shown = |text: &str| Some(text.to_owned());
    assert_eq!(
        fix("command: [kube-apiserver], args: [--v=2]", PROFILING),
        shown("add --profiling=false: spec.template.spec.containers[0].args")
    );
    assert_eq!(
        fix("command: [kube-apiserver, --profiling]", PROFILING),
        shown("write --profiling=false: spec.template.spec.containers[0].command[1]")
    );
    assert_eq!(
        fix(
            "command: [kube-apiserver, '--authorization-mode=Node,AlwaysAllow']",
            "--authorization-mode=RBAC"
        ),
        shown(
            "write --authorization-mode=Node,AlwaysAllow,RBAC: spec.template.spec.containers[0].command[1]"
        )
    );
    let always = "--authorization-mode=AlwaysAllow";
    assert_eq!(
        fix("command: [kube-apiserver, '--authorization-mode=Node,AlwaysAllow']", always),
        shown("write --authorization-mode=Node: spec.template.spec.containers[0].command[1]")
    );
    assert_eq!(
        fix(
            "command: [kube-apiserver, --disable-admission-plugins=PodSecurity]",
            "--disable-admission-plugins=PodSecurity"
        ),
        shown("remove --disable-admission-plugins: spec.template.spec.containers[0].command[1]")
    );
    // What stands with others in one element, and what takes a file that nobody here knows.
    assert_eq!(fix("command: [sh, -c, 'kube-apiserver --profiling=true']", PROFILING), None);
    assert_eq!(fix("command: [kube-apiserver, '--v=2 --profiling=true']", PROFILING), None);
    assert_eq!(fix("command: [kube-apiserver]", "--etcd-cafile"), None);
}

/// Each `bad` shows what its check finds, and each `good` what it does not.
#[test]
fn the_examples_of_each_check_are_true() {
    for check in CHECKS {
        let found = |manifest: &str| {
            let source = Arc::new(Source::new("example.yaml".to_owned(), manifest.to_owned()));
            let tree = decode_one(&source, &Limits::default()).tree.expect("an example is YAML");
            let of_check = find(tree.root(), Some("kube-system"))
                .into_iter()
                .filter(|flaw| std::ptr::eq(flaw.check(), *check));
            of_check.map(|flaw| flaw.rule.witness).collect::<BTreeSet<_>>()
        };
        let (bad, good) = (found(check.bad), found(check.good));
        let mended: Vec<_> = bad.difference(&good).collect();
        assert!(!mended.is_empty() && good.is_subset(&bad), "{}: {bad:?}, mended {good:?}", check.id);
    }
}
