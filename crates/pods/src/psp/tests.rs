//! Policies against the standards, and pods against policies.

use std::sync::Arc;

use ringwall_input::Limits;
use ringwall_input::stream::decode_one;
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::text::Source;
use ringwall_model::workload::WorkloadKind;

use super::{Change, FIELDS, Implied, Pod, PodSecurityPolicy, admit, implied, unusable};
use crate::evaluate::Evaluator;
use crate::policy::{Level, Version};
use crate::standing;
use crate::workload::template_of;

/// What permits nothing that restricted does not, and demands no more.
const TIGHT: &str = "\
metadata:
  annotations:
    seccomp.security.alpha.kubernetes.io/allowedProfileNames: runtime/default
    apparmor.security.beta.kubernetes.io/allowedProfileNames: runtime/default
spec:
  allowPrivilegeEscalation: false
  requiredDropCapabilities: [ALL]
  volumes: [configMap, secret, emptyDir]
  seLinux: {rule: MustRunAs, seLinuxOptions: {level: s0:c1}}
  runAsUser: {rule: MustRunAsNonRoot}
  supplementalGroups: {rule: RunAsAny}
  fsGroup: {rule: RunAsAny}
";

/// What demands nothing of a pod, and permits no more than one without any security context has.
const LAX: &str = "\
spec:
  seLinux: {rule: RunAsAny}
  runAsUser: {rule: RunAsAny}
  supplementalGroups: {rule: RunAsAny}
  fsGroup: {rule: RunAsAny}
";

fn object(text: &str) -> Object {
    let source = Arc::new(Source::new("test.yaml", text));
    let tree = Arc::new(decode_one(&source, &Limits::default()).tree.unwrap());
    Object::read(&tree, tree.root(), FieldPath::root()).unwrap()
}

fn policy_object(body: &str) -> Object {
    let object = object(&format!("apiVersion: policy/v1beta1\nkind: PodSecurityPolicy\n{body}"));
    let schema = ringwall_model::schema::of("policy", "v1beta1", "PodSecurityPolicy").unwrap();
    assert_eq!(schema.check(object.root()), []);
    assert_eq!(schema.unknown_fields(object.root()), []);
    object
}

/// TIGHT with lines put into its specification.
fn tight_with(lines: &str) -> String {
    let key = lines.split(':').next().unwrap();
    let kept = TIGHT.lines().filter(|line| !line.starts_with(&format!("  {key}:")));
    format!("{}\n  {lines}\n", kept.collect::<Vec<_>>().join("\n"))
}

fn judge<T>(body: &str, ask: impl FnOnce(&PodSecurityPolicy<'_>) -> T) -> T {
    let object = policy_object(body);
    let policy = PodSecurityPolicy::read(&object);
    assert_eq!(unusable(&policy), []);
    ask(&policy)
}

fn wide(body: &str) -> (Level, Level, Vec<(&'static str, Level)>) {
    let Implied { level, meant, wide } = judge(body, implied);
    (level, meant, wide.into_iter().map(|(row, permits)| (row.field, permits.level)).collect())
}

#[test]
fn each_field_widens_a_policy_as_far_as_it_permits() {
    assert_eq!(wide(TIGHT), (Level::Restricted, Level::Restricted, vec![]));
    for (line, level) in [
        ("privileged: true", Level::Privileged),
        ("hostNetwork: true", Level::Privileged),
        ("hostPID: true", Level::Privileged),
        ("hostIPC: true", Level::Privileged),
        ("hostPorts: [{min: 80, max: 80}]", Level::Privileged),
        ("hostPorts: [{min: 0, max: 0}]", Level::Restricted),
        ("allowedCapabilities: [NET_BIND_SERVICE]", Level::Restricted),
        ("allowedCapabilities: [NET_BIND_SERVICE, CHOWN]", Level::Baseline),
        ("allowedCapabilities: [NET_RAW]", Level::Privileged),
        ("defaultAddCapabilities: [KILL]", Level::Baseline),
        ("defaultAddCapabilities: [SYS_ADMIN]", Level::Privileged),
        ("requiredDropCapabilities: [NET_RAW]", Level::Baseline),
        ("volumes: []", Level::Restricted),
        ("volumes: [nfs, secret]", Level::Baseline),
        ("volumes: [nfs, hostPath]", Level::Privileged),
        ("volumes: ['*']", Level::Privileged),
        ("seLinux: {rule: MustRunAs, seLinuxOptions: {type: container_t}}", Level::Restricted),
        ("seLinux: {rule: MustRunAs, seLinuxOptions: {type: spc_t}}", Level::Privileged),
        ("seLinux: {rule: MustRunAs, seLinuxOptions: {user: root}}", Level::Privileged),
        ("runAsUser: {rule: RunAsAny}", Level::Baseline),
        ("runAsUser: {rule: MustRunAs, ranges: [{min: 1, max: 9}]}", Level::Restricted),
        ("runAsUser: {rule: MustRunAs, ranges: [{min: 1, max: 9}, {min: 0, max: 0}]}", Level::Baseline),
        ("allowPrivilegeEscalation: true", Level::Baseline),
        ("allowPrivilegeEscalation: null", Level::Baseline),
        ("allowedUnsafeSysctls: [kernel.msgmax]", Level::Privileged),
        ("allowedUnsafeSysctls: [net.ipv4.tcp_rmem]", Level::Restricted),
        ("allowedUnsafeSysctls: ['net.*']", Level::Privileged),
        ("allowedProcMountTypes: [Default]", Level::Restricted),
        ("allowedProcMountTypes: [Unmasked, Default]", Level::Privileged),
        ("fsGroup: {rule: MustRunAs, ranges: [{min: 0, max: 5}]}", Level::Restricted),
        ("readOnlyRootFilesystem: true", Level::Restricted),
        ("runtimeClass: {allowedRuntimeClassNames: ['*']}", Level::Restricted),
    ] {
        let (strict, meant, fields) = wide(&tight_with(line));
        assert_eq!((strict, meant), (level, level), "{line}");
        let field = line.split(':').next().unwrap();
        let expected = if level == Level::Restricted { vec![] } else { vec![(field, level)] };
        assert_eq!(fields, expected, "{line}");
    }
}

#[test]
fn profiles_widen_a_policy() {
    let seccomp = "seccomp.security.alpha.kubernetes.io/allowedProfileNames: runtime/default";
    let with = |value: &str| {
        TIGHT.replace(seccomp, &format!("seccomp.security.alpha.kubernetes.io/allowedProfileNames: {value}"))
    };
    assert_eq!(wide(&with("'docker/default,localhost/mine'")).0, Level::Restricted);
    assert_eq!(wide(&with("'runtime/default,'")).0, Level::Baseline);
    assert_eq!(wide(&with("'runtime/default,unconfined'")).0, Level::Privileged);
    assert_eq!(wide(&with("'*'")).0, Level::Privileged);
    assert_eq!(wide(&TIGHT.replace(seccomp, "a: b")).0, Level::Baseline, "no profile may be set at all");
    let app_armor = "apparmor.security.beta.kubernetes.io/allowedProfileNames: runtime/default";
    let unconfined = TIGHT.replace(app_armor, &app_armor.replace("runtime/default", "unconfined"));
    assert_eq!(wide(&unconfined).1, Level::Privileged);
}

#[test]
fn a_security_module_that_is_left_open_is_told_apart() {
    let open = tight_with("seLinux: {rule: RunAsAny}");
    assert_eq!(wide(&open), (Level::Privileged, Level::Restricted, vec![("seLinux", Level::Privileged)]));
    let absent =
        TIGHT.replace("apparmor.security.beta.kubernetes.io/allowedProfileNames: runtime/default", "a: b");
    let (level, meant, _) = wide(&absent);
    assert_eq!((level, meant), (Level::Privileged, Level::Restricted));
}

/// What a level loses of a policy, as field names.
fn lost(body: &str, level: Level) -> Vec<&'static str> {
    judge(body, |policy| {
        FIELDS.iter().filter(|row| (row.loses)(policy, level).is_some()).map(|row| row.field).collect()
    })
}

#[test]
fn a_level_keeps_what_it_demands_itself() {
    let seccomp = super::model::SECCOMP_ALLOWED;
    let app_armor = super::model::APP_ARMOR_ALLOWED;
    // No level keeps a label, a list of volumes that is shorter than its own, or a list of profiles without localhost's.
    let always = ["allowedCapabilities", "volumes", "seLinux", seccomp, app_armor];
    assert_eq!(lost(TIGHT, Level::Restricted), always);
    let at_baseline = lost(TIGHT, Level::Baseline);
    for field in ["requiredDropCapabilities", "runAsUser", "allowPrivilegeEscalation"] {
        assert!(at_baseline.contains(&field), "{field}");
        assert!(!lost(TIGHT, Level::Restricted).contains(&field), "{field}");
    }
    for field in ["privileged", "hostNetwork", "hostPID", "hostIPC", "hostPorts", "allowedUnsafeSysctls"] {
        assert!(lost(TIGHT, Level::Privileged).contains(&field), "{field}");
        assert!(!at_baseline.contains(&field), "{field}");
    }
}

#[test]
fn what_no_level_has_an_opinion_on_is_lost_at_each_where_it_matters() {
    for (lines, field, levels) in [
        ("fsGroup: {rule: MayRunAs, ranges: [{min: 1, max: 2}]}", "fsGroup", 3),
        ("runAsGroup: {rule: MustRunAs, ranges: [{min: 1, max: 2}]}", "runAsGroup", 3),
        ("runAsGroup: {rule: RunAsAny}", "runAsGroup", 0),
        ("readOnlyRootFilesystem: true", "readOnlyRootFilesystem", 3),
        ("runtimeClass: {allowedRuntimeClassNames: []}", "runtimeClass.allowedRuntimeClassNames", 3),
        ("runtimeClass: {allowedRuntimeClassNames: ['*']}", "runtimeClass.allowedRuntimeClassNames", 0),
        ("forbiddenSysctls: ['net.*']", "forbiddenSysctls", 3),
        ("forbiddenSysctls: [kernel.msgmax]", "forbiddenSysctls", 1),
        ("allowedHostPaths: [{pathPrefix: /a}]", "allowedHostPaths", 0),
        ("volumes: [hostPath]\n  allowedHostPaths: [{pathPrefix: /a}]", "allowedHostPaths", 1),
        ("volumes: [csi]\n  allowedCSIDrivers: [{name: a.example.com}]", "allowedCSIDrivers", 3),
        ("volumes: [flexVolume]\n  allowedFlexVolumes: [{driver: a/b}]", "allowedFlexVolumes", 2),
    ] {
        let all = [Level::Privileged, Level::Baseline, Level::Restricted];
        let count = all.iter().filter(|level| lost(&tight_with(lines), **level).contains(&field)).count();
        assert_eq!(count, levels, "{lines}");
    }
}

#[test]
fn a_level_that_refuses_what_a_policy_allows_keeps_nothing_of_it() {
    let kept = |lines: &str, field: &str, level: Level| {
        let row = FIELDS.iter().find(|row| row.field == field).unwrap();
        judge(&tight_with(lines), |policy| row.is_kept(policy, level))
    };
    assert!(kept("volumes: [secret]", "hostPorts", Level::Baseline));
    assert!(!kept("hostPorts: [{min: 80, max: 80}]", "hostPorts", Level::Baseline));
    let paths = "volumes: [hostPath]\n  allowedHostPaths: [{pathPrefix: /a}]";
    assert!(!kept(paths, "allowedHostPaths", Level::Baseline));
    assert!(kept("runAsUser: {rule: MustRunAsNonRoot}", "runAsUser", Level::Restricted));
    assert!(!kept("requiredDropCapabilities: [NET_RAW]", "requiredDropCapabilities", Level::Restricted));
}

#[test]
fn a_policy_that_cannot_be_used_is_named_by_its_field() {
    for (line, path) in [
        ("volumes: [cephfs]", "spec.volumes[0]"),
        ("runAsUser: {rule: Anybody}", "spec.runAsUser.rule"),
        ("runAsUser: {rule: MayRunAs, ranges: [{min: 1, max: 2}]}", "spec.runAsUser.rule"),
        ("runAsUser: {rule: MustRunAs}", "spec.runAsUser"),
        ("fsGroup: {rule: MustRunAs, ranges: [{min: 5, max: 2}]}", "spec.fsGroup.ranges[0]"),
        ("supplementalGroups: {}", "spec.supplementalGroups.rule"),
        ("seLinux: {rule: MustRunAs}", "spec.seLinux"),
        ("allowedCapabilities: [ALL]", "spec.allowedCapabilities[0]"),
        ("allowedCapabilities: ['*']", "spec.requiredDropCapabilities"),
        ("defaultAllowPrivilegeEscalation: true", "spec.defaultAllowPrivilegeEscalation"),
    ] {
        let object = policy_object(&tight_with(line));
        let found: Vec<String> =
            unusable(&PodSecurityPolicy::read(&object)).iter().map(|wrong| wrong.path.to_string()).collect();
        assert_eq!(found, [path], "{line}");
    }
}

/// A pod with a specification in which `{c}` is a container.
fn pod(spec: &str) -> Object {
    let spec = spec.replace("{c}", "name: app, image: app:1");
    object(&format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{{spec}}}\n"))
}

/// What a policy does with a pod: `FIELD: VALUE` for what it writes, or `!PATH` for what it refuses.
fn verdict(policy: &str, spec: &str) -> Vec<String> {
    let (policy, pod) = (policy_object(policy), pod(spec));
    let policy = PodSecurityPolicy::read(&policy);
    let pod = read(&pod, WorkloadKind::of("", "Pod").unwrap());
    let shown = |change: &Change<'_>| format!("{}: {}", change.path(), change.setting.value());
    match admit(&policy, &pod) {
        Ok(changes) => changes.iter().map(shown).collect(),
        Err(fields) => fields.iter().map(|field| format!("!{field}")).collect(),
    }
}

const C: &str = "spec.containers[0].securityContext";

#[test]
fn a_policy_that_demands_nothing_leaves_a_plain_pod_as_it_is() {
    assert_eq!(verdict(LAX, "containers: [{{c}}]"), Vec::<String>::new());
    assert_eq!(verdict(LAX, "hostNetwork: true, containers: [{{c}}]"), ["!spec.hostNetwork"]);
    assert_eq!(
        verdict(LAX, "securityContext: {seccompProfile: {type: RuntimeDefault}}, containers: [{{c}}]"),
        ["!spec.securityContext.seccompProfile", &format!("!{C}.seccompProfile")],
        "without a list no profile may be set"
    );
    let ports = "hostNetwork: true, containers: [{{c}, ports: [{containerPort: 80}]}]";
    let host = format!("{LAX}  hostNetwork: true\n");
    assert_eq!(
        verdict(&host, ports),
        ["!spec.containers[0].ports"],
        "ports on the node follow from hostNetwork"
    );
    assert_eq!(verdict(&format!("{host}  hostPorts: [{{min: 80, max: 81}}]\n"), ports), Vec::<String>::new());
}

#[test]
fn a_policy_writes_what_a_pod_leaves_out_and_no_more() {
    let policy = "\
metadata:
  annotations:
    seccomp.security.alpha.kubernetes.io/defaultProfileName: docker/default
    seccomp.security.alpha.kubernetes.io/allowedProfileNames: runtime/default
    apparmor.security.beta.kubernetes.io/defaultProfileName: localhost/mine
spec:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  requiredDropCapabilities: [NET_RAW, MKNOD]
  defaultAddCapabilities: [CHOWN]
  seLinux: {rule: MustRunAs, seLinuxOptions: {level: 's0:c1,c2'}}
  runAsUser: {rule: MustRunAs, ranges: [{min: 7, max: 9}]}
  runAsGroup: {rule: MustRunAs, ranges: [{min: 5, max: 6}]}
  supplementalGroups: {rule: MustRunAs, ranges: [{min: 3, max: 4}]}
  fsGroup: {rule: MustRunAs, ranges: [{min: 1, max: 2}]}
  runtimeClass: {allowedRuntimeClassNames: [gvisor], defaultRuntimeClassName: gvisor}
";
    assert_eq!(
        verdict(policy, "containers: [{{c}}]"),
        [
            "spec.securityContext.supplementalGroups: [3]",
            "spec.securityContext.fsGroup: 1",
            "spec.securityContext.seLinuxOptions: {level: \"s0:c1,c2\"}",
            "spec.securityContext.seccompProfile: {type: RuntimeDefault}",
            "spec.runtimeClassName: gvisor",
            &format!("{C}.runAsUser: 7"),
            &format!("{C}.runAsGroup: 5"),
            &format!("{C}.appArmorProfile: {{type: Localhost, localhostProfile: mine}}"),
            &format!("{C}.capabilities.add: [CHOWN]"),
            &format!("{C}.capabilities.drop: [MKNOD, NET_RAW]"),
            &format!("{C}.readOnlyRootFilesystem: true"),
            &format!("{C}.allowPrivilegeEscalation: false"),
        ]
    );
    let stated = "runtimeClassName: gvisor, securityContext: {fsGroup: 2, supplementalGroups: [4], runAsUser: 8, \
                  runAsGroup: 6, seLinuxOptions: {level: 's0:c2,c1'}, seccompProfile: {type: RuntimeDefault}, \
                  appArmorProfile: {type: Unconfined}}, containers: [{{c}, securityContext: \
                  {capabilities: {drop: [NET_RAW, MKNOD, CHOWN]}, readOnlyRootFilesystem: true, \
                  allowPrivilegeEscalation: false}}]";
    assert_eq!(verdict(policy, stated), Vec::<String>::new(), "what the pod states stays");
    let beyond = stated.replace("fsGroup: 2", "fsGroup: 3").replace("runAsUser: 8", "runAsUser: 0");
    assert_eq!(verdict(policy, &beyond), ["!spec.securityContext.fsGroup", &format!("!{C}.runAsUser")]);
}

#[test]
fn non_root_is_written_only_where_no_user_is() {
    let written = |spec: &str| -> Vec<String> {
        verdict(
            &tight_with("seLinux: {rule: RunAsAny}")
                .replace("runtime/default", "'*'")
                .replace("apparmor", "other"),
            spec,
        )
        .into_iter()
        .filter(|change| change.contains("runAs"))
        .collect()
    };
    assert_eq!(written("containers: [{{c}}]"), [format!("{C}.runAsNonRoot: true")]);
    assert_eq!(written("securityContext: {runAsUser: 7}, containers: [{{c}}]"), Vec::<String>::new());
    assert_eq!(written("securityContext: {runAsUser: 0}, containers: [{{c}}]"), [format!("!{C}.runAsUser")]);
    assert_eq!(
        written("containers: [{{c}, securityContext: {runAsNonRoot: false}}]"),
        [format!("!{C}.runAsNonRoot")]
    );
}

#[test]
fn volumes_are_held_to_types_paths_and_drivers() {
    let policy = format!(
        "{LAX}  volumes: [hostPath, csi, flexVolume, secret]\n  allowedHostPaths: [{{pathPrefix: /var/log/, readOnly: true}}, \
         {{pathPrefix: /srv}}]\n  allowedCSIDrivers: [{{name: a}}]\n  allowedFlexVolumes: [{{driver: b}}]\n"
    );
    let fits = |volume: &str, mount: &str| {
        let spec = format!(
            "volumes: [{{name: v, {volume}}}], containers: [{{{{c}}, volumeMounts: [{{name: v, mountPath: /m{mount}}}]}}]"
        );
        verdict(&policy, &spec).is_empty()
    };
    assert!(fits("hostPath: {path: /var/log/pods}", ", readOnly: true"));
    assert!(!fits("hostPath: {path: /var/log}", ""), "a mount is not read-only");
    assert!(!fits("hostPath: {path: /var/logs}", ", readOnly: true"), "a prefix ends at a slash");
    assert!(fits("hostPath: {path: /srv/}", "") && !fits("hostPath: {path: /}", ", readOnly: true"));
    assert!(fits("csi: {driver: a}", "") && !fits("csi: {driver: b}", ""));
    assert!(fits("flexVolume: {driver: b}", "") && !fits("flexVolume: {driver: a}", ""));
    assert!(!fits("emptyDir: {}", "") && !fits("nfs: {}", "") && !fits("image: {}", ""));
    let token =
        "projected: {sources: [{serviceAccountToken: {path: token}}, {configMap: {name: kube-root-ca.crt}}]}";
    assert!(fits(token, ""), "the token's volume passes where secrets do");
    assert!(!fits(&token.replace("kube-root-ca.crt", "mine"), ""));
}

#[test]
fn a_pod_takes_restricted_once_all_is_written() {
    let policy = policy_object(&TIGHT.replace(
        "    apparmor.security.beta.kubernetes.io/allowedProfileNames: runtime/default",
        "    seccomp.security.alpha.kubernetes.io/defaultProfileName: runtime/default",
    ));
    let policy = PodSecurityPolicy::read(&policy);
    let object = pod(
        "initContainers: [{{c}}], containers: [{{c}, securityContext: {capabilities: {add: [NET_BIND_SERVICE]}}}]",
    );
    let kind = WorkloadKind::of("", "Pod").unwrap();
    let mut template = template_of(&object).unwrap().unwrap();
    let level = |template: &_| standing::of(Evaluator::newest(), Version::Latest, template).level;
    assert_eq!(level(&template), Level::Baseline);
    // The policy lets no capability be added, so it refuses the pod; with that allowed, it writes all that restricted wants.
    assert!(admit(&policy, &read(&object, kind)).is_err());
    let mut policy = policy;
    policy.spec.allowed_capabilities = vec!["NET_BIND_SERVICE"].into();
    for change in admit(&policy, &read(&object, kind)).unwrap() {
        change.apply(&mut template);
    }
    assert_eq!(level(&template), Level::Restricted);
}

#[test]
fn the_rows_are_the_fields_of_the_type() {
    let schema = include_str!("../../../model/schema/retired.txt");
    let spec = schema.split(":policy.v1beta1.PodSecurityPolicySpec\n").nth(1).unwrap();
    let spec = spec.split("\n:").next().unwrap();
    let fields = spec.lines().filter_map(|line| line.split(' ').next());
    for field in fields {
        let row = FIELDS.iter().find(|row| row.field == field || row.field.starts_with(&format!("{field}.")));
        assert!(row.is_some(), "{field}");
    }
    for row in &FIELDS {
        assert!(row.is_annotation() || spec.contains(row.field.split('.').next().unwrap()), "{}", row.field);
    }
}

/// The table of `docs/migrate-psp.md`.
fn table() -> String {
    let row = |row: &super::Row| {
        let super::Row { field, effect, baseline, restricted, keep, .. } = row;
        format!("| `{field}` | {} | {baseline} | {restricted} | {keep} |\n", effect.word())
    };
    FIELDS.iter().map(row).collect()
}

#[test]
fn the_page_has_the_table() {
    let page = include_str!("../../../../docs/migrate-psp.md");
    assert!(page.contains(&table()), "docs/migrate-psp.md should hold\n{}", table());
}

/// The pod of an object of this kind.
fn read<'t>(object: &'t Object, kind: &WorkloadKind) -> Pod<'t> {
    crate::workload::decode_checked::<Pod<'_>>(object.root(), kind).unwrap_or_default().defaulted()
}
