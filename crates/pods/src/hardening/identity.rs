//! Which users and groups a container's processes have.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Change, Fix};

use super::repair::{Repair, reviewed};
use super::{At, EVERY_VERSION, Flaw, HardeningCheck, SECURITY_CONTEXT, Subject, images, who};
use crate::model::Place;

pub(super) const ROOT_GROUP: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-040",
        name: "root-group",
        severity: Severity::Info,
        summary: "a container's processes are, or may be, of the group of root",
        what: "`runAsGroup` is 0 (severity low), or neither the container nor the pod sets it: the image then decides, and without a \
               user entry the group is root's.",
        why: "Files and sockets of the node that the group of root may read or write are open to the container, where it reaches \
              them.",
        fix: "Set `securityContext.runAsGroup` to a group above 0.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n    securityContext:\n      runAsGroup: 0\n",
        good: "kind: Pod\nspec:\n  securityContext:\n    runAsGroup: 1000\n  containers:\n  - name: web\n",
        versions: EVERY_VERSION,
        references: &[SECURITY_CONTEXT],
        controls: &[cis("5.7.3"), nsa("Non-root containers and rootless container engines")],
    },
    find: root_group,
    repair: Repair::Manual("the group that owns the program's files is in the image"),
};

pub(super) const LOW_USER_ID: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-041",
        name: "low-user-id",
        severity: Severity::Info,
        summary: "a container runs as a user whose number the node may know too",
        what: "`runAsUser` of the container, or of the pod for it, is between 1 and 999: numbers of system users. The user that an \
               official image is made for is passed over.",
        why: "Where a way out of the container is found, the processes are those of the node's user of that number.",
        fix: "Use a user above 999, better above 10000.",
        bad: "kind: Pod\nspec:\n  securityContext:\n    runAsUser: 33\n  containers:\n  - name: web\n",
        good: "kind: Pod\nspec:\n  securityContext:\n    runAsUser: 10001\n  containers:\n  - name: web\n",
        versions: EVERY_VERSION,
        references: &[SECURITY_CONTEXT],
        controls: &[cis("5.7.3")],
    },
    find: low_user_id,
    repair: Repair::Manual("which user owns the program's files is in the image"),
};

pub(super) const ROOT_FS_GROUP: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-042",
        name: "root-fs-group",
        severity: Severity::Low,
        summary: "a pod's volumes belong to the group of root",
        what: "`securityContext.fsGroup` is 0.",
        why: "All containers of the pod get root as a further group, and volumes that others mount too are given to that group.",
        fix: "Set `fsGroup` to a group above 0 that the program runs with.",
        bad: "kind: Pod\nspec:\n  securityContext:\n    fsGroup: 0\n  containers:\n  - name: web\n",
        good: "kind: Pod\nspec:\n  securityContext:\n    fsGroup: 1000\n  containers:\n  - name: web\n",
        versions: EVERY_VERSION,
        references: &[SECURITY_CONTEXT],
        controls: &[cis("5.7.3"), nsa("Non-root containers and rootless container engines")],
    },
    find: root_fs_group,
    repair: Repair::Manual("the group that the program runs with is in the image"),
};

pub(super) const NO_FS_GROUP: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-043",
        name: "fs-group-missing",
        severity: Severity::Info,
        summary: "a pod does not say which group its volumes belong to",
        what: "`securityContext.fsGroup` is not set, and the pod does not run on Windows.",
        why: "Volumes keep the owner that they were made with, often root; programs are then run as root so that they can write.",
        fix: "Set `fsGroup` to the group that the program runs with.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n",
        good: "kind: Pod\nspec:\n  securityContext:\n    fsGroup: 1000\n  containers:\n  - name: web\n",
        versions: EVERY_VERSION,
        references: &[SECURITY_CONTEXT],
        controls: &[cis("5.7.3")],
    },
    find: no_fs_group,
    repair: Repair::Manual("the group that the program runs with is in the image"),
};

pub(super) const NO_FS_GROUP_CHANGE_POLICY: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-044",
        name: "fs-group-change-policy-missing",
        severity: Severity::Info,
        summary: "a pod does not say when its volumes change their group",
        what: "`securityContext.fsGroup` is set, and `fsGroupChangePolicy` is not, or is neither `Always` nor `OnRootMismatch`, and the pod does not run \
               on Windows.",
        why: "The default, `Always`, walks over all files of each volume at each start. To say it makes the choice one that was made.",
        fix: "Set `fsGroupChangePolicy` to `Always`, or for large volumes to `OnRootMismatch`.",
        bad: "kind: Pod\nspec:\n  securityContext:\n    fsGroup: 1000\n  containers:\n  - name: web\n",
        good: "kind: Pod\nspec:\n  securityContext:\n    fsGroup: 1000\n    fsGroupChangePolicy: OnRootMismatch\n  containers:\n  - name: web\n",
        versions: "Since v1.20, stable since v1.23.",
        references: &[SECURITY_CONTEXT],
        controls: &[cis("5.7.3")],
    },
    find: no_fs_group_change_policy,
    repair: Repair::Manual("it does nothing without an fsGroup, and which one is in the image"),
};

pub(super) const ROOT_SUPPLEMENTAL_GROUP: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-045",
        name: "root-supplemental-group",
        severity: Severity::Low,
        summary: "a pod's processes have the group of root beside their own",
        what: "`securityContext.supplementalGroups` holds 0.",
        why: "What the group of root may read or write is open to the pod, whatever its user is.",
        fix: "Remove 0 from the list.",
        bad: "kind: Pod\nspec:\n  securityContext:\n    supplementalGroups: [0, 2000]\n  containers:\n  - name: web\n",
        good: "kind: Pod\nspec:\n  securityContext:\n    supplementalGroups: [2000]\n  containers:\n  - name: web\n",
        versions: EVERY_VERSION,
        references: &[SECURITY_CONTEXT],
        controls: &[cis("5.7.3"), nsa("Non-root containers and rootless container engines")],
    },
    find: root_supplemental_group,
    repair: Repair::Template(leave_group),
};

fn root_group(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    const FIELD: &str = "securityContext.runAsGroup";
    let spec = &subject.pod.spec;
    if spec.is_windows() {
        return;
    }
    let pod_group = spec.security_context.as_ref().and_then(|context| context.run_as_group);
    for (place, container) in spec.all() {
        let own = container.security_context.as_ref().and_then(|context| context.run_as_group);
        let at = At::Template(place, FIELD, 0);
        match own.or(pod_group) {
            Some(0) => {
                let message = format!("{} runs in the group of root (runAsGroup: 0)", who(place, container));
                // The pod's own setting is where it is to be changed.
                let at = if own.is_some() { at } else { At::Template(Place::Pod, FIELD, 0) };
                flaws.push(Flaw::present(at, container.name, message).severity(Severity::Low));
            }
            Some(_) => {}
            None => {
                let message = format!("{} runs in whatever group its image names", who(place, container));
                flaws.push(Flaw::missing(at, container.name, message));
            }
        }
    }
}

fn low_user_id(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    const FIELD: &str = "securityContext.runAsUser";
    let spec = &subject.pod.spec;
    let pod_user = spec.security_context.as_ref().and_then(|context| context.run_as_user);
    for (place, container) in spec.all() {
        let own = container.security_context.as_ref().and_then(|context| context.run_as_user);
        let Some(user @ 1..1000) = own.or(pod_user) else { continue };
        // An image's files belong to the user that it is made for.
        if images::user_of(container.image) == Some(user) {
            continue;
        }
        let place_of = if own.is_some() { place } else { Place::Pod };
        let message = format!("{} runs as user {user}, a number of system users", who(place, container));
        flaws.push(Flaw::present(
            At::Template(place_of, FIELD, 0),
            format!("{}/{user}", container.name),
            message,
        ));
    }
}

fn root_fs_group(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    if subject.pod.spec.security_context.as_ref().and_then(|context| context.fs_group) == Some(0) {
        let at = At::Template(Place::Pod, "securityContext.fsGroup", 0);
        flaws.push(Flaw::present(
            at,
            "",
            "the pod's volumes belong to the group of root (fsGroup: 0)".to_owned(),
        ));
    }
}

fn no_fs_group(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    let spec = &subject.pod.spec;
    if !spec.is_windows() && spec.security_context.as_ref().and_then(|context| context.fs_group).is_none() {
        let at = At::Template(Place::Pod, "securityContext.fsGroup", 0);
        flaws.push(Flaw::missing(at, "", "the pod's volumes keep whatever group they have".to_owned()));
    }
}

fn no_fs_group_change_policy(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    let spec = &subject.pod.spec;
    // Without a group there is nothing to change.
    let Some(context) = spec.security_context.as_ref().filter(|context| context.fs_group.is_some()) else {
        return;
    };
    let policy = context.fs_group_change_policy;
    if spec.is_windows() || matches!(policy, "Always" | "OnRootMismatch") {
        return;
    }
    let at = At::Template(Place::Pod, "securityContext.fsGroupChangePolicy", 0);
    flaws.push(match policy {
        "" => Flaw::missing(at, "", "the pod does not say when its volumes change their group".to_owned()),
        other => Flaw::present(at, other, format!("the API server knows no fsGroupChangePolicy {other}")),
    });
}

fn root_supplemental_group(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    let groups =
        subject.pod.spec.security_context.iter().flat_map(|context| context.supplemental_groups.iter());
    for (index, _) in groups.enumerate().filter(|(_, group)| **group == 0) {
        let at = At::Template(Place::Pod, "securityContext.supplementalGroups[]", index as u32);
        let message = "the pod's processes have the group of root too (supplementalGroups: 0)".to_owned();
        flaws.push(Flaw::present(at, "", message));
    }
}

fn leave_group(_: &Subject<'_, '_>, flaw: &Flaw) -> Result<Fix, &'static str> {
    let changes = vec![Change::Remove { path: flaw.path().0 }];
    Ok(reviewed(
        "leave the group of root",
        "whether the program reads files that only this group may read",
        changes,
    ))
}
