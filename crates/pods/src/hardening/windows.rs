//! What pods on Windows have instead of users and capabilities.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, nsa};
use ringwall_model::finding::Severity;

use super::model::{Container, Spec, WindowsOptions};
use super::repair::Repair;
use super::{At, Flaw, HardeningCheck, Subject, who};
use crate::model::Place;

const WINDOWS: &str = "https://kubernetes.io/docs/concepts/windows/intro/";
const SINCE: &str = "Since v1.18.";

pub(super) const ADMINISTRATOR: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-057",
        name: "container-administrator",
        severity: Severity::Medium,
        summary: "a container on Windows runs as its administrator",
        what: "`windowsOptions.runAsUserName` of the container, or of the pod for it, is `ContainerAdministrator` or an account of the system \
               (`NT AUTHORITY\\SYSTEM` …). Since nothing else says what a container on Windows runs as, a Windows pod (by `os.name` or its \
               node selector) without the setting is reported with severity info.",
        why: "The administrator of a container changes its programs and registry, and faults of the kernel begin with his rights.",
        fix: "Set `windowsOptions.runAsUserName: ContainerUser`.",
        bad: "kind: Pod\nspec:\n  os:\n    name: windows\n  securityContext:\n    windowsOptions:\n      runAsUserName: ContainerAdministrator\n  containers:\n  - name: web\n",
        good: "kind: Pod\nspec:\n  os:\n    name: windows\n  securityContext:\n    windowsOptions:\n      runAsUserName: ContainerUser\n  containers:\n  - name: web\n",
        versions: SINCE,
        references: &[
            "https://kubernetes.io/docs/tasks/configure-pod-container/configure-runasusername/",
            WINDOWS,
        ],
        controls: &[cis("5.7.3"), nsa("Non-root containers and rootless container engines")],
    },
    find: administrator,
    repair: Repair::Manual("which account the program can run as is in the image"),
};

pub(super) const NO_GMSA: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-058",
        name: "gmsa-missing",
        severity: Severity::Info,
        summary: "a container on Windows has no account of its domain",
        what: "In a Windows pod (by `os.name` or its node selector), neither the container nor the pod sets \
               `windowsOptions.gmsaCredentialSpecName` or `gmsaCredentialSpec`.",
        why: "Programs that speak to others in the domain then carry passwords, where a group managed service account needs none.",
        fix: "Name a GMSACredentialSpec where the program speaks to the domain.",
        bad: "kind: Pod\nspec:\n  os:\n    name: windows\n  containers:\n  - name: web\n",
        good: "kind: Pod\nspec:\n  os:\n    name: windows\n  securityContext:\n    windowsOptions:\n      gmsaCredentialSpecName: web\n  containers:\n  - name: web\n",
        versions: SINCE,
        references: &["https://kubernetes.io/docs/tasks/configure-pod-container/configure-gmsa/", WINDOWS],
        controls: &[cis("5.7.3")],
    },
    find: no_gmsa,
    repair: Repair::Manual("which account of the domain is meant is not in the manifest"),
};

fn of_pod<'s, 't>(spec: &'s Spec<'t>) -> Option<&'s WindowsOptions<'t>> {
    spec.security_context.as_ref().and_then(|context| context.windows.as_ref())
}

/// Whether a container is a process of the node itself, which has accounts of the node only: another check's matter.
fn is_host_process(spec: &Spec<'_>, container: &Container<'_>) -> bool {
    let own = container.security_context.as_ref().and_then(|context| context.windows.as_ref());
    [own, of_pod(spec)].into_iter().flatten().any(|options| options.host_process)
}

/// Accounts that may do everything in a container. Names are not case-sensitive on Windows.
fn is_administrator(user: &str) -> bool {
    let name = user.rsplit('\\').next().unwrap_or_default().to_ascii_lowercase();
    matches!(
        name.as_str(),
        "containeradministrator" | "administrator" | "system" | "local service" | "network service"
    )
}

fn administrator(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    const FIELD: &str = "securityContext.windowsOptions.runAsUserName";
    let spec = &subject.pod.spec;
    let pod_user = of_pod(spec).map(|options| options.run_as_user_name).unwrap_or_default();
    for (place, container) in spec.all().filter(|(_, container)| !is_host_process(spec, container)) {
        let options = container.security_context.as_ref().and_then(|context| context.windows.as_ref());
        let own = options.map(|options| options.run_as_user_name).unwrap_or_default();
        let user = if own.is_empty() { pod_user } else { own };
        let who = who(place, container);
        if is_administrator(user) {
            let at = At::Template(if own.is_empty() { Place::Pod } else { place }, FIELD, 0);
            let message = format!("{who} runs as {user}");
            flaws.push(Flaw::present(at, format!("{}/{user}", container.name), message));
        } else if user.is_empty() && spec.is_windows() {
            let message = format!("{who} runs as whatever account its image names");
            let flaw = Flaw::missing(At::Template(place, FIELD, 0), container.name, message);
            flaws.push(flaw.severity(Severity::Info));
        }
    }
}

fn no_gmsa(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    let spec = &subject.pod.spec;
    let named = |options: &WindowsOptions<'_>| {
        !options.gmsa_credential_spec_name.is_empty() || !options.gmsa_credential_spec.is_empty()
    };
    if !spec.is_windows() || of_pod(spec).is_some_and(named) {
        return;
    }
    for (place, container) in spec.all().filter(|(_, container)| !is_host_process(spec, container)) {
        let options = container.security_context.as_ref().and_then(|context| context.windows.as_ref());
        if !options.is_some_and(named) {
            let message = format!("{} has no account of its domain", who(place, container));
            let at = At::Template(place, "securityContext.windowsOptions.gmsaCredentialSpecName", 0);
            flaws.push(Flaw::missing(at, container.name, message));
        }
    }
}
