//! What a pod's containers share with one another and with the node, beyond what the standards forbid.

use ringwall_model::check::Check;
use ringwall_model::control::mitre;
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Change, Fix};

use super::repair::{Repair, reviewed};
use super::{At, EVERY_VERSION, Flaw, HardeningCheck, Subject};
use crate::model::Place;

pub(super) const HOST_ALIAS: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-037",
        name: "host-alias",
        severity: Severity::Low,
        summary: "a pod has names of its own in /etc/hosts",
        what: "`hostAliases` has entries.",
        why: "The pod no longer asks DNS for these names: whoever writes the manifest decides where it connects to, and certificates \
              of a host that moved, or of an attacker, look right to those who read the name.",
        fix: "Give the name to DNS, or use an ExternalName Service.",
        bad: "kind: Pod\nspec:\n  hostAliases:\n  - ip: 203.0.113.7\n    hostnames: [db.example.com]\n  containers:\n  - name: web\n",
        good: "kind: Pod\nspec:\n  containers:\n  - name: web\n",
        versions: EVERY_VERSION,
        references: &["https://kubernetes.io/docs/tasks/network/customize-hosts-file-for-pods/"],
        controls: &[],
    },
    find: host_alias,
    repair: Repair::Manual("whether the program finds these names in DNS is not in the manifest"),
};

pub(super) const SHARED_PROCESSES: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-038",
        name: "shared-process-namespace",
        severity: Severity::Medium,
        summary: "the containers of a pod see one another's processes",
        what: "`shareProcessNamespace: true`.",
        why: "Each container reads the others' environment and, through `/proc/PID/root`, their files: the weakest of them gives away \
              the secrets of all.",
        fix: "Remove `shareProcessNamespace`. For debugging, `kubectl debug --target` reaches the processes of one container.",
        bad: "kind: Pod\nspec:\n  shareProcessNamespace: true\n  containers:\n  - name: web\n",
        good: "kind: Pod\nspec:\n  containers:\n  - name: web\n",
        versions: EVERY_VERSION,
        references: &["https://kubernetes.io/docs/tasks/configure-pod-container/share-process-namespace/"],
        controls: &[mitre("T1552")],
    },
    find: shared_processes,
    repair: Repair::Template(part_processes),
};

pub(super) const SANDBOX_RUNTIME: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-066",
        name: "sandbox-without-runtime-class",
        severity: Severity::Medium,
        summary: "a sandbox shares the kernel of its node",
        what: "A `Sandbox` or `SandboxTemplate` of agents.x-k8s.io names no `runtimeClassName`, or, with `runtime-classes` under \
               `[sandboxes]` in `ringwall.toml`, one that is not among them.",
        why: "Sandboxes run code that nobody has read. Without a runtime that puts a kernel of its own between (gVisor, Kata Containers), \
              one fault of the node's kernel lets it out.",
        fix: "Set `runtimeClassName` to a class of such a runtime.",
        bad: "apiVersion: extensions.agents.x-k8s.io/v1alpha1\nkind: SandboxTemplate\nmetadata:\n  name: web\nspec:\n  podTemplate:\n    spec:\n      containers:\n      - name: web\n",
        good: "apiVersion: extensions.agents.x-k8s.io/v1alpha1\nkind: SandboxTemplate\nmetadata:\n  name: web\nspec:\n  podTemplate:\n    spec:\n      runtimeClassName: gvisor\n      containers:\n      - name: web\n",
        versions: "Every version of Agent Sandbox.",
        references: &[
            "https://agent-sandbox.sigs.k8s.io/",
            "https://kubernetes.io/docs/concepts/containers/runtime-class/",
        ],
        controls: &[mitre("T1611")],
    },
    find: sandbox_runtime,
    repair: Repair::Manual("which runtime classes the cluster has is not in the manifest"),
};

fn sandbox_runtime(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    let sandbox = subject.object.is("agents.x-k8s.io", "Sandbox")
        || subject.object.is("extensions.agents.x-k8s.io", "SandboxTemplate");
    let approved = &subject.settings.sandbox_runtime_classes;
    let class = subject.pod.spec.runtime_class_name;
    let at = At::Template(Place::Pod, "runtimeClassName", 0);
    if !sandbox {
        return;
    }
    if class.is_empty() {
        flaws.push(Flaw::missing(at, "", "the sandbox names no runtime class".to_owned()));
    } else if !approved.is_empty() && !approved.iter().any(|approved| approved == class) {
        let message = format!("the sandbox has the runtime class {class}, which is not approved");
        flaws.push(Flaw::present(at, class, message));
    }
}

pub(super) const NO_USER_NAMESPACE: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-039",
        name: "user-namespace-unused",
        severity: Severity::Info,
        summary: "a pod could run in a user namespace of its own and does not",
        what: "`hostUsers` is not `false`, and nothing in the pod rules it out (`hostNetwork`, `hostPID`, `hostIPC`, Windows). An \
               opportunity more than a fault.",
        why: "In a user namespace, root in the container is nobody on the node: most ways out of a container end there.",
        fix: "Set `hostUsers: false`. It needs Linux 6.3, a runtime that knows it (containerd 2.0, CRI-O 1.25), and volumes on file \
              systems with id-mapped mounts.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n",
        good: "kind: Pod\nspec:\n  hostUsers: false\n  containers:\n  - name: web\n",
        versions: "Since v1.25 as alpha, on by default since v1.33.",
        references: &["https://kubernetes.io/docs/concepts/workloads/pods/user-namespaces/"],
        controls: &[mitre("T1611")],
    },
    find: no_user_namespace,
    repair: Repair::Manual("whether the nodes know user namespaces is not in the manifest"),
};

fn host_alias(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    for (index, alias) in subject.pod.spec.host_aliases.iter().enumerate() {
        let names: Vec<&str> = alias.hostnames.iter().copied().collect();
        let message = format!("the pod takes {} for {}", alias.ip, names.join(", "));
        flaws.push(Flaw::present(At::Template(Place::Pod, "hostAliases[]", index as u32), alias.ip, message));
    }
}

fn shared_processes(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    if subject.pod.spec.share_process_namespace {
        let at = At::Template(Place::Pod, "shareProcessNamespace", 0);
        flaws.push(Flaw::present(at, "", "the containers of the pod see one another's processes".to_owned()));
    }
}

fn part_processes(_: &Subject<'_, '_>, flaw: &Flaw) -> Result<Fix, &'static str> {
    let changes = vec![Change::Remove { path: flaw.path().0 }];
    Ok(reviewed(
        "part the containers' processes",
        "whether one container signals processes of another",
        changes,
    ))
}

fn no_user_namespace(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    let spec = &subject.pod.spec;
    if spec.host_users == Some(false) || spec.is_windows() || spec.shares_with_node() {
        return;
    }
    let at = At::Template(Place::Pod, "hostUsers", 0);
    flaws.push(Flaw::missing(at, "", "the pod runs in the user namespace of its node".to_owned()));
}
