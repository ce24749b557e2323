//! What a container may use of the node, and what it is promised.

use ringwall_model::check::Check;
use ringwall_model::control::{mitre, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::quantity::Quantity;

use super::model::{Amount, Container, Resources};
use super::repair::Repair;
use super::{At, Bounds, EVERY_VERSION, Flaw, HardeningCheck, Subject, who};
use crate::model::{ContainerList, Place};

const RESOURCES: &str = "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/";
const UNKNOWN: Repair = Repair::Manual("the right amount is not in the manifest: measure the program");

pub(super) const MEMORY_LIMIT: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-021",
        name: "memory-limit-missing",
        severity: Severity::Low,
        summary: "a container may use all memory of its node",
        what: "A container or init container has no `resources.limits.memory`.",
        why: "A leak, or a request that is made to be expensive, takes the memory of the whole node; the kernel then kills \
              processes of others.",
        fix: "Set `resources.limits.memory` to a little more than the program is seen to need. A `LimitRange` gives a \
              default to a whole namespace.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n",
        good: "kind: Pod\nspec:\n  containers:\n  - name: web\n    resources:\n      limits:\n        memory: 128Mi\n",
        versions: EVERY_VERSION,
        references: &[RESOURCES],
        controls: &[nsa("Resource policies"), mitre("T1499")],
    },
    find: memory_limit,
    repair: UNKNOWN,
};

pub(super) const MEMORY_REQUEST: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-022",
        name: "memory-request-missing",
        severity: Severity::Info,
        summary: "a container is promised no memory",
        what: "A container or init container has no `resources.requests.memory`. Where it has `resources.limits.memory`, the API \
               server takes that for the request, and the message says so.",
        why: "The scheduler puts the pod on a node that may have no memory left, and it is among the first to be evicted.",
        fix: "Set `resources.requests.memory` to what the program needs.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n",
        good: "kind: Pod\nspec:\n  containers:\n  - name: web\n    resources:\n      requests:\n        memory: 128Mi\n",
        versions: EVERY_VERSION,
        references: &[RESOURCES],
        controls: &[nsa("Resource policies")],
    },
    find: memory_request,
    repair: UNKNOWN,
};

pub(super) const CPU_LIMIT: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-023",
        name: "cpu-limit-missing",
        severity: Severity::Info,
        summary: "a container may use all processors of its node",
        what: "A container or init container has no `resources.limits.cpu`.",
        why: "A program that runs wild, or one that mines for a stranger, is slowed by nothing but the requests of others. \
              Many teams leave this limit out on purpose, because it also slows what is well.",
        fix: "Set `resources.limits.cpu` where tenants do not trust one another.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n",
        good: "kind: Pod\nspec:\n  containers:\n  - name: web\n    resources:\n      limits:\n        cpu: 500m\n",
        versions: EVERY_VERSION,
        references: &[RESOURCES],
        controls: &[nsa("Resource policies"), mitre("T1496")],
    },
    find: cpu_limit,
    repair: UNKNOWN,
};

pub(super) const CPU_REQUEST: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-024",
        name: "cpu-request-missing",
        severity: Severity::Info,
        summary: "a container is promised no processor time",
        what: "A container or init container has no `resources.requests.cpu`. Where it has `resources.limits.cpu`, the API server \
               takes that for the request, and the message says so.",
        why: "Under load the container gets what others leave.",
        fix: "Set `resources.requests.cpu` to what the program needs.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n",
        good: "kind: Pod\nspec:\n  containers:\n  - name: web\n    resources:\n      requests:\n        cpu: 100m\n",
        versions: EVERY_VERSION,
        references: &[RESOURCES],
        controls: &[nsa("Resource policies")],
    },
    find: cpu_request,
    repair: UNKNOWN,
};

pub(super) const OUT_OF_BOUNDS: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-067",
        name: "resources-out-of-bounds",
        severity: Severity::Medium,
        summary: "a container asks for more or less of a resource than its owner's bounds",
        what: "`resources.limits` or `resources.requests` of a container or init container is above `most` or below `least` of `cpu-limit`, \
               `cpu-request`, `memory-limit` or `memory-request` under `[resources]` in `ringwall.toml`. An amount that is not stated is \
               another check's matter.",
        why: "A limit that is far above what a node has limits nothing; one that is too low keeps a program from its work.",
        fix: "Bring the amount within the bounds, or move the bounds where the program needs it. A `LimitRange` holds a namespace to them.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n    resources:\n      limits:\n        memory: 512Gi\n",
        good: "kind: Pod\nspec:\n  containers:\n  - name: web\n    resources:\n      limits:\n        memory: 128Mi\n",
        versions: EVERY_VERSION,
        references: &[RESOURCES, "https://kubernetes.io/docs/concepts/policy/limit-range/"],
        controls: &[nsa("Resource policies"), mitre("T1499")],
    },
    find: out_of_bounds,
    repair: UNKNOWN,
};

fn out_of_bounds(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    type Of = for<'t> fn(&Resources<'t>) -> Amount<'t>;
    let settings = subject.settings;
    let rows: [(&'static str, &str, &Bounds, Of); 4] = [
        ("resources.limits.cpu", "CPU limit", &settings.cpu_limit, |resources| resources.limits.cpu),
        ("resources.requests.cpu", "CPU request", &settings.cpu_request, |resources| resources.requests.cpu),
        ("resources.limits.memory", "memory limit", &settings.memory_limit, |resources| {
            resources.limits.memory
        }),
        ("resources.requests.memory", "memory request", &settings.memory_request, |resources| {
            resources.requests.memory
        }),
    ];
    for (field, noun, bounds, of) in
        rows.into_iter().filter(|(_, _, bounds, _)| **bounds != Bounds::default())
    {
        for (place, container) in subject.pod.spec.all() {
            let Some(text) = of(&container.resources).text() else { continue };
            // What is no quantity, the schema reports.
            let Some(amount) = Quantity::parse(text) else { continue };
            let bound = |bound: &Option<String>| bound.as_deref().and_then(Quantity::parse);
            let (side, bound) = if bound(&bounds.most).is_some_and(|most| amount > most) {
                ("above", &bounds.most)
            } else if bound(&bounds.least).is_some_and(|least| amount < least) {
                ("below", &bounds.least)
            } else {
                continue;
            };
            let bound = bound.as_deref().unwrap_or_default();
            let message = format!("{} has a {noun} of {text}, {side} {bound}", who(place, container));
            flaws.push(Flaw::present(At::Template(place, field, 0), container.name, message));
        }
    }
}

fn memory_limit(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    each(subject, flaws, "resources.limits.memory", |container| {
        (!container.resources.limits.memory.is_set()).then_some("has no memory limit")
    });
}

fn memory_request(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    each(subject, flaws, "resources.requests.memory", |container| {
        let Resources { requests, limits } = container.resources;
        requested(
            requests.memory,
            limits.memory,
            ["requests no memory", "requests as much memory as it is limited to"],
        )
    });
}

fn cpu_limit(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    each(subject, flaws, "resources.limits.cpu", |container| {
        (!container.resources.limits.cpu.is_set()).then_some("has no CPU limit")
    });
}

fn cpu_request(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    each(subject, flaws, "resources.requests.cpu", |container| {
        let Resources { requests, limits } = container.resources;
        requested(requests.cpu, limits.cpu, ["requests no CPU", "requests as much CPU as it is limited to"])
    });
}

/// What is said of a request that is not written. Source: `SetDefaults_Pod` in k8s.io/kubernetes `pkg/apis/core/v1/defaults.go`.
fn requested(request: Amount<'_>, limit: Amount<'_>, says: [&'static str; 2]) -> Option<&'static str> {
    (!request.is_set()).then(|| says[usize::from(limit.is_set())])
}

/// The containers that can have resources and of which something is to be said. Ephemeral ones cannot: the API server refuses it.
fn each(
    subject: &Subject<'_, '_>,
    flaws: &mut Vec<Flaw>,
    field: &'static str,
    says: impl Fn(&Container<'_>) -> Option<&'static str>,
) {
    let ephemeral = |place: Place| matches!(place, Place::Container { list: ContainerList::Ephemeral, .. });
    for (place, container) in subject.pod.spec.all().filter(|(place, _)| !ephemeral(*place)) {
        if let Some(says) = says(container) {
            let message = format!("{} {says}", who(place, container));
            flaws.push(Flaw::missing(At::Template(place, field, 0), container.name, message));
        }
    }
}
