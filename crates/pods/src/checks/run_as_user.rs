//! Running as root, said outright.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa, pss};
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Change, Fix, Value as New};
use ringwall_model::version::Minor;

use super::{Repair, Revision, SECURITY_CONTEXT, STANDARDS, StandardCheck, even, setters, subject};
use crate::evidence::{Offence, Value, Words};
use crate::hardening::images::user_of;
use crate::hardening::repair::{reviewed, set};
use crate::model::{Place, PodTemplate};
use crate::policy::Level;

pub(super) const CHECK: StandardCheck = StandardCheck {
    about: Check {
        id: "RW-POD-018",
        name: "root-user",
        severity: Severity::Medium,
        summary: "a container is set to run as user 0",
        what: "`securityContext.runAsUser: 0` on the pod or a container. Since v1.35 a pod with a user namespace \
               (`hostUsers: false`) passes.",
        why: "User 0 is root, whatever the image says. With `runAsNonRoot: true` beside it the container does not even \
              start.",
        fix: "Set a user id above 0 that may read the program's files, such as the one in the image's `USER`.",
        bad: "securityContext:\n  runAsUser: 0\n",
        good: "securityContext:\n  runAsUser: 1000\n",
        versions: "Restricted since v1.23; user namespaces relax it since v1.35.",
        references: &[STANDARDS, SECURITY_CONTEXT],
        controls: &[
            pss("restricted: Running as Non-root user"),
            cis("5.2.7"),
            nsa("Non-root containers and rootless container engines"),
            mitre("T1611"),
        ],
    },
    id: "runAsUser",
    level: Level::Restricted,
    revisions: &[
        Revision { since: Minor(23), find: find_1_23, overrides: &[] },
        Revision { since: Minor(35), find: find_1_35, overrides: &[] },
    ],
    words,
    finding,
    grade: even,
    repair: Repair::Template(mend),
};

fn find_1_23<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    let mut judge = |place: Place, user: Option<i64>| {
        if user == Some(0) {
            offences.push(Offence::new(place, "securityContext.runAsUser", Value::Number(0)));
        }
    };
    judge(Place::Pod, pod.spec.security_context.as_ref().and_then(|context| context.run_as_user));
    pod.spec.visit(|place, container| {
        judge(place, container.security_context.as_ref().and_then(|context| context.run_as_user));
    });
}

fn find_1_35<'t>(pod: &PodTemplate<'t>, offences: &mut Vec<Offence<'t>>) {
    if !pod.spec.has_user_namespace() {
        find_1_23(pod, offences);
    }
}

fn words(pod: &PodTemplate<'_>, offences: &[Offence<'_>]) -> Words {
    let who = setters(pod, offences).join(" and ");
    Words { reason: "runAsUser=0", detail: format!("{who} must not set runAsUser=0") }
}

fn finding(pod: &PodTemplate<'_>, offence: &Offence<'_>) -> String {
    format!("{} runs as root (runAsUser: 0)", subject(pod, offence))
}

fn mend(pod: &PodTemplate<'_>, offence: &Offence<'_>) -> Result<Fix, &'static str> {
    let user = match offence.place {
        Place::Container { list, index } => {
            pod.spec.list(list).get(index as usize).and_then(|container| user_of(container.image))
        }
        _ => None,
    };
    if let Some(user) = user {
        let changes = vec![set(offence.path(), New::Integer(user))];
        let review = "whether that user may read and write the volumes, and the program can do without root";
        return Ok(reviewed("run the image as the user that it is made for", review, changes));
    }
    let changes = vec![Change::Remove { path: offence.path() }];
    let review = "whether the image has a user other than root, and the program can do without root";
    Ok(reviewed("leave the user to the image", review, changes))
}
