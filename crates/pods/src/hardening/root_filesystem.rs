//! The root filesystem of a container can be written.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Change, Fix, Value};
use ringwall_model::path::FieldPath;

use super::repair::{Repair, reviewed, set};
use super::{At, EVERY_VERSION, Flaw, HardeningCheck, SECURITY_CONTEXT, Subject, images, who};
use crate::model::Place;

pub(super) const CHECK: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-020",
        name: "writable-root-filesystem",
        severity: Severity::Low,
        summary: "a container can write to its own root filesystem",
        what: "`securityContext.readOnlyRootFilesystem` of a container, init container or ephemeral container is not `true`. \
               Windows pods are passed over, which have no such setting.",
        why: "Who gets into the container can replace its programs and leave tools behind. On a read-only filesystem most \
              ready-made attacks fail at their first step.",
        fix: "Set `securityContext.readOnlyRootFilesystem: true`, and mount an `emptyDir` where the program writes: `/tmp`, its \
              cache, its pid file. `ringwall fix` adds the mounts that well-known images need, and `/tmp` for others.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n    image: web:1.2\n",
        good: "kind: Pod\nspec:\n  containers:\n  - name: web\n    image: web:1.2\n    securityContext:\n      \
               readOnlyRootFilesystem: true\n    volumeMounts:\n    - name: tmp\n      mountPath: /tmp\n  volumes:\n  \
               - name: tmp\n    emptyDir: {}\n",
        versions: EVERY_VERSION,
        references: &[SECURITY_CONTEXT],
        controls: &[cis("5.7.3"), nsa("Immutable container file systems"), mitre("T1609"), mitre("T1611")],
    },
    find,
    repair: Repair::Template(mend),
};

const FIELD: &str = "securityContext.readOnlyRootFilesystem";

fn find(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    if subject.pod.spec.is_windows() {
        return;
    }
    for (place, container) in subject.pod.spec.all() {
        let read_only =
            container.security_context.as_ref().and_then(|context| context.read_only_root_filesystem);
        if read_only == Some(true) {
            continue;
        }
        let message = format!("{} can write to its root filesystem", who(place, container));
        let flaw = Flaw { missing: read_only.is_none(), ..Flaw::present(at(place), container.name, message) };
        flaws.push(flaw);
    }
}

const fn at(place: Place) -> At {
    At::Template(place, FIELD, 0)
}

/// Where well-known images write, by the last part of their repository.
const WRITTEN: &[(&str, &[&str])] = &[
    ("nginx", &["/var/cache/nginx", "/var/run", "/tmp"]),
    ("nginx-unprivileged", &["/tmp"]),
    ("httpd", &["/usr/local/apache2/logs", "/tmp"]),
    ("haproxy", &["/var/run", "/tmp"]),
    ("postgres", &["/var/run/postgresql", "/tmp"]),
    ("mysql", &["/var/run/mysqld", "/tmp"]),
    ("mariadb", &["/run/mysqld", "/tmp"]),
    ("mongo", &["/tmp"]),
    ("redis", &["/tmp"]),
    ("memcached", &["/tmp"]),
    ("rabbitmq", &["/var/log/rabbitmq", "/tmp"]),
    ("php", &["/var/run", "/tmp"]),
    ("tomcat", &["/usr/local/tomcat/work", "/usr/local/tomcat/temp", "/usr/local/tomcat/logs", "/tmp"]),
];

fn mend(subject: &Subject<'_, '_>, flaw: &Flaw) -> Result<Fix, &'static str> {
    let place = flaw.place().ok_or("the flaw is in no container")?;
    let container = subject.container(place).ok_or("the container is not there")?;
    if container.security_context.as_ref().is_some_and(|context| context.privileged) {
        return Err("the container is privileged, and can mount the filesystem as it likes");
    }
    let base = place.path();
    let mut changes = vec![set(flaw.path().0, Value::Bool(true))];
    let mut needs: Vec<&str> = Vec::new();
    if matches!(place, Place::Container { list: crate::model::ContainerList::Ephemeral, .. }) {
        return Err("ephemeral containers cannot be changed once they run");
    }
    let name = images::last_part(container.image);
    let written = WRITTEN.iter().find(|(image, _)| *image == name).map_or(&["/tmp"][..], |(_, paths)| paths);
    for path in written {
        let below = |mount: &str| {
            let mount = mount.trim_end_matches('/');
            mount == *path || path.starts_with(&format!("{mount}/"))
        };
        if container.volume_mounts.iter().any(|mount| below(mount.mount_path)) {
            continue;
        }
        let volume = volume_name(container.name, path);
        // Volumes are shared by all fixes of the pod: each has a name of its own, so that containers stay apart.
        changes.push(append(base.clone().key("volumeMounts"), &[("name", &volume), ("mountPath", path)]));
        if !subject.pod.spec.volumes.iter().any(|known| known.name == volume) {
            changes.push(Change::Append {
                path: FieldPath::keys(&["spec", "volumes"]),
                value: Value::Mapping(vec![
                    ("name".to_owned(), Value::Text(volume)),
                    ("emptyDir".to_owned(), Value::Mapping(Vec::new())),
                ]),
            });
        }
        needs.push(path);
    }
    let title = match needs.as_slice() {
        [] => "make the root filesystem read-only".to_owned(),
        _ => format!("make the root filesystem read-only, with room to write at {}", needs.join(", ")),
    };
    Ok(reviewed(title, "whether the program writes elsewhere too", changes))
}

fn append(path: FieldPath, fields: &[(&str, &str)]) -> Change {
    let fields = fields.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect();
    Change::Append { path, value: Value::Mapping(fields) }
}

/// A name for the volume at a path of a container: `web-var-cache-nginx`, at most 63 characters.
fn volume_name(container: &str, path: &str) -> String {
    let mut name = container.to_owned();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        name.push('-');
        name.extend(
            part.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }),
        );
    }
    let too_long = name.len().saturating_sub(63);
    name.drain(..too_long);
    name.trim_matches('-').to_owned()
}
