//! Snapshots of a few objects, and what all rings say of them.

use ringwall_input::{Options, load};
use ringwall_model::finding::Verdict;
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_pods::config::Configuration;
use ringwall_pods::hardening::{Bounds, Settings};
use ringwall_pods::policy::{Level, LevelVersion, Version};

use crate::check::Question;
use crate::{check, evaluator, level, plan, scan, workloads};

fn snapshot(yaml: &str) -> Snapshot {
    let input = load(&["-".into()], &mut yaml.as_bytes(), &Options::default(), &());
    assert_eq!(input.problems, []);
    Snapshot::new(input.objects, Facts::default())
}

/// A document: kind, name, then anything. `{spec}` stands for a pod's specification that offends hostPID alone.
fn object(api_version: &str, kind: &str, name: &str, rest: &str) -> String {
    let spec = "{hostPID: true, containers: []}";
    let rest = rest.replace("{spec}", spec);
    format!(
        "---\napiVersion: {api_version}\nkind: {kind}\nmetadata:\n  name: {name}\n  namespace: shop\n{rest}\n"
    )
}

fn owned_by(api_version: &str, kind: &str, name: &str) -> String {
    format!(
        "  ownerReferences:\n  - {{apiVersion: {api_version}, kind: {kind}, name: {name}, controller: true}}\n"
    )
}

/// Each finding as `object rule message (+replicas)`.
/// What the Pod Security Standards find; hardening would be found of each pod here.
fn findings(yaml: &str) -> Vec<String> {
    let shown = |finding: &ringwall_model::finding::Finding| {
        let replicas = if finding.replicas > 0 { format!(" (+{})", finding.replicas) } else { String::new() };
        format!("{} {} {}{replicas}", finding.object, finding.check.id, finding.message)
    };
    let scan = scan(&snapshot(yaml), scan::Options::default());
    scan.findings.iter().filter(|finding| finding.check.id < "RW-POD-020").map(shown).collect()
}

const HOST_PID: &str = "RW-POD-002 the pod shares its node's processes (hostPID)";

#[test]
fn what_a_deployment_makes_is_found_on_it_once() {
    let template = "spec: {replicas: 2, template: {spec: {spec}}}";
    let past = "spec: {replicas: 0, template: {spec: {hostIPC: true, containers: []}}}";
    let of_set = owned_by("apps/v1", "ReplicaSet", "web-1");
    let of_web = owned_by("apps/v1", "Deployment", "web");
    let dump = [
        object("v1", "Pod", "web-1-a", &format!("{of_set}spec: {{spec}}")),
        object("v1", "Pod", "web-1-b", &format!("{of_set}spec: {{spec}}")),
        object("apps/v1", "ReplicaSet", "web-1", &format!("{of_web}{template}")),
        object("apps/v1", "ReplicaSet", "web-0", &format!("{of_web}{past}")),
        object("apps/v1", "Deployment", "web", template),
    ]
    .concat();
    assert_eq!(findings(&dump), [format!("Deployment shop/web {HOST_PID} (+2)")]);
}

#[test]
fn an_owner_of_a_custom_kind_takes_the_findings_and_a_node_does_not() {
    let rollout = [
        object("argoproj.io/v1alpha1", "Rollout", "web", ""),
        object(
            "v1",
            "Pod",
            "web-a",
            &format!("{}spec: {{spec}}", owned_by("argoproj.io/v1alpha1", "Rollout", "web")),
        ),
        object(
            "v1",
            "Pod",
            "web-b",
            &format!("{}spec: {{spec}}", owned_by("argoproj.io/v1alpha1", "Rollout", "web")),
        ),
    ]
    .concat();
    assert_eq!(findings(&rollout), [format!("Rollout shop/web {HOST_PID} (+1)")]);
    let node = [
        "---\napiVersion: v1\nkind: Node\nmetadata: {name: n1, namespace: shop}\n".to_owned(),
        object("v1", "Pod", "kube-proxy", &format!("{}spec: {{spec}}", owned_by("v1", "Node", "n1"))),
    ]
    .concat();
    assert_eq!(findings(&node), [format!("Pod shop/kube-proxy {HOST_PID}")]);
}

#[test]
fn two_offences_of_one_field_are_two_findings_and_ids_tell_them_apart() {
    let pod = object(
        "v1",
        "Pod",
        "web",
        "spec: {containers: [{name: a, ports: [{containerPort: 1, hostPort: 80}, {containerPort: 2, hostPort: 80}]}]}",
    );
    let scan = scan(&snapshot(&pod), scan::Options::default());
    let ports: Vec<_> = scan.findings.iter().filter(|finding| finding.check.name == "host-port").collect();
    assert_eq!(ports.len(), 2);
    assert_ne!(ports[0].id(), ports[1].id());
    assert_eq!(ports[0].witness, "a/80");
    assert!(scan.findings.is_sorted_by(|a, b| a.sort_key() <= b.sort_key()));
}

/// Reporters fold by the witness, so it must be in the message.
#[test]
fn every_part_of_a_witness_is_in_its_message() {
    let pod = "
spec:
  hostNetwork: true
  securityContext:
    sysctls: [{name: kernel.msgmax, value: '1'}]
    seLinuxOptions: {type: spc_t, user: u, role: r}
    windowsOptions: {hostProcess: true}
    appArmorProfile: {type: Unconfined}
  volumes: [{name: host, hostPath: {path: /}}, {name: net, nfs: {server: s, path: /}}]
  initContainers:
  - name: init
    securityContext: {runAsUser: 0, procMount: Unmasked, seccompProfile: {type: Unconfined}}
  containers:
  - name: app
    ports: [{containerPort: 1, hostPort: 81}]
    livenessProbe: {httpGet: {host: h1, port: 1}}
    lifecycle: {preStop: {tcpSocket: {host: h2, port: 1}}}
    securityContext: {privileged: true, capabilities: {add: [SYS_ADMIN, CHOWN]}}
";
    let scan = scan(&snapshot(&object("v1", "Pod", "web", pod)), scan::Options::default());
    let rules: std::collections::BTreeSet<&str> =
        scan.findings.iter().map(|finding| finding.check.id).collect();
    assert!(rules.len() >= 16, "{rules:?}");
    for finding in &scan.findings {
        for part in finding.witness.split('/').filter(|part| !part.is_empty()) {
            assert!(
                finding.message.contains(part),
                "{}: {part} is not in `{}`",
                finding.check.id,
                finding.message
            );
        }
    }
}

#[test]
fn a_workload_of_wrong_types_is_a_problem_and_not_judged() {
    let pod = object("v1", "Pod", "web", "spec: {hostPID: 'true', containers: {}}");
    let snapshot = snapshot(&pod);
    let scan = scan(&snapshot, scan::Options::default());
    assert!(scan.findings.is_empty());
    assert_eq!(scan.workloads, 1);
    let shown: Vec<String> = scan.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "<stdin>:7:17: spec.hostPID: expected a boolean, got a string: 'true'",
            "<stdin>:7:37: spec.containers: expected a list, got a mapping",
        ]
    );
}

#[test]
fn verdicts_levels_and_plans_agree() {
    let yaml = [
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: baseline}}\n"
            .to_owned(),
        object("v1", "Pod", "bad", "spec: {spec}"),
        object("v1", "Pod", "fair", "spec: {containers: [{name: a}]}"),
    ]
    .concat();
    let snapshot = snapshot(&yaml);
    let workloads = workloads::of(&snapshot, workloads::Reading::default());
    let evaluator = evaluator(&snapshot.facts);
    let configuration = Configuration::default();
    let question = Question { level: None, configuration: &configuration };
    let answers = check(&snapshot, &workloads, &evaluator, question);
    let verdicts: Vec<Verdict> = answers.iter().map(|answer| answer.verdict).collect();
    assert_eq!(verdicts, [Verdict::No, Verdict::Yes]);
    assert_eq!(
        answers[0].message,
        "violates PodSecurity \"baseline:latest\": host namespaces (hostPID=true)"
    );
    assert_eq!(answers[0].evidence[0].path.to_string(), "spec.hostPID");

    let levels = level::levels(&snapshot, &workloads, &evaluator, Version::Latest);
    let of_workloads: Vec<Level> = levels.workloads.iter().map(|workload| workload.level).collect();
    assert_eq!(of_workloads, [Level::Privileged, Level::Baseline]);
    assert_eq!(levels.namespaces[0].level, Level::Privileged, "what its worst workload can take");
    assert_eq!(levels.namespaces[0].labelled.as_ref().map(|labelled| labelled.refused), Some(1));

    let baseline = LevelVersion::new(Level::Baseline, Version::Latest);
    let plans = plan(&snapshot, &workloads, &evaluator, baseline, &configuration);
    assert_eq!(plans[0].breaks[0].reasons, "host namespaces");
    assert_eq!(plans[0].breaks[0].members[0].object.name, "bad");
    assert_eq!(plans[0].fine[0].object.name, "fair");
}

/// What one check finds under these settings, as `object path message`.
fn found_by(id: &str, yaml: &str, settings: &Settings) -> Vec<String> {
    let scan = scan(&snapshot(yaml), scan::Options { hardening: settings, ..scan::Options::default() });
    let of_check = scan.findings.iter().filter(|finding| finding.check.id == id);
    of_check.map(|finding| format!("{} {} {}", finding.object, finding.path, finding.message)).collect()
}

#[test]
fn the_default_namespace_is_said_of_what_people_put_there() {
    let in_default = |api_version: &str, kind: &str, name: &str, rest: &str| {
        object(api_version, kind, name, rest).replace("namespace: shop", "namespace: default")
    };
    let yaml = [
        in_default("v1", "Service", "web", ""),
        in_default("v1", "Service", "kubernetes", ""),
        in_default("v1", "ConfigMap", "kube-root-ca.crt", ""),
        in_default("discovery.k8s.io/v1", "EndpointSlice", "web-1", &owned_by("v1", "Service", "web")),
        in_default("v1", "PersistentVolumeClaim", "data", ""),
        object("v1", "Secret", "elsewhere", ""),
    ]
    .concat();
    assert_eq!(
        found_by("RW-POD-060", &yaml, &Settings::default()),
        [
            "Service default/web metadata.namespace the Service is in the namespace default",
            "PersistentVolumeClaim default/data metadata.namespace the PersistentVolumeClaim is in the namespace default",
        ]
    );
}

#[test]
fn amounts_are_held_to_the_bounds_that_are_set() {
    let resources = |of: &str| {
        object("v1", "Pod", "web", &format!("spec: {{containers: [{{name: a, resources: {{{of}}}}}]}}"))
    };
    let bounds =
        |least: &str, most: &str| Bounds { least: Some(least.to_owned()), most: Some(most.to_owned()) };
    let settings = Settings {
        cpu_request: bounds("100m", "1"),
        memory_limit: bounds("64Mi", "1Gi"),
        ..Settings::default()
    };
    let found = |of: &str| found_by("RW-POD-067", &resources(of), &settings);
    assert_eq!(found("limits: {memory: 1024Mi}, requests: {cpu: 1}"), Vec::<String>::new());
    assert_eq!(found("limits: {memory: null, cpu: 99}"), Vec::<String>::new(), "no bound, or no amount");
    assert_eq!(
        found("limits: {memory: 2147483648}, requests: {cpu: 0.05}"),
        [
            "Pod shop/web spec.containers[0].resources.limits.memory container \"a\" has a memory limit of 2147483648, above 1Gi",
            "Pod shop/web spec.containers[0].resources.requests.cpu container \"a\" has a CPU request of 0.05, below 100m",
        ]
    );
}

#[test]
fn the_settings_of_labels_digests_and_sandboxes_are_kept() {
    let list = |item: &str| vec![item.to_owned()];
    let settings = Settings {
        recommended_labels: list("tier"),
        digest_exempt: list("registry.example.com/team"),
        sandbox_runtime_classes: list("gvisor"),
        ..Settings::default()
    };
    let pod = |label: &str, image: &str| {
        object(
            "v1",
            "Pod",
            "web",
            &format!("  labels: {{{label}: x}}\nspec: {{containers: [{{name: a, image: \"{image}\"}}]}}"),
        )
    };
    let counts = |label: &str, image: &str| {
        let yaml = pod(label, image);
        ["RW-POD-062", "RW-POD-030"].map(|id| found_by(id, &yaml, &settings).len())
    };
    assert_eq!(counts("tier", "registry.example.com/team/web:1"), [0, 0]);
    assert_eq!(counts("app.kubernetes.io/name", "registry.example.com/teams/web:1"), [1, 1]);
    let sandbox = |class: &str| {
        let rest = format!(
            "spec: {{podTemplate: {{spec: {{runtimeClassName: {class}, containers: [{{name: a}}]}}}}}}"
        );
        found_by("RW-POD-066", &object("agents.x-k8s.io/v1alpha1", "Sandbox", "web", &rest), &settings).len()
    };
    assert_eq!([sandbox("gvisor"), sandbox("runc"), sandbox("null")], [0, 1, 1]);
}

#[test]
fn a_step_of_a_workflow_has_its_name_and_needs_no_probes() {
    let templates = "spec: {templates: [{name: t, container: {image: \"web:1\"}}]}";
    let yaml = object("argoproj.io/v1alpha1", "Workflow", "web", templates);
    let settings = Settings::default();
    assert_eq!(found_by("RW-POD-035", &yaml, &settings), Vec::<String>::new());
    assert_eq!(found_by("RW-POD-036", &yaml, &settings), Vec::<String>::new());
    assert_eq!(
        found_by("RW-POD-021", &yaml, &settings),
        [
            "Workflow shop/web spec.templates[0].container.resources.limits.memory container \"main\" has no memory limit"
        ]
    );
}
