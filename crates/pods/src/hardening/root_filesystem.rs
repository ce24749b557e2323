//! The root filesystem of a container can be written.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Change, Fix, Value};
use ringwall_model::path::FieldPath;

use super::model::{Container, Spec};
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
    for path in rooms(container) {
        let volume = volume_name(&subject.pod.spec, place, container, path);
        // Volumes are shared by all fixes of the pod: each has a name of its own, so that containers stay apart.
        changes.push(append(base.clone().key("volumeMounts"), &[("name", &volume), ("mountPath", path)]));
        changes.push(Change::Append {
            path: FieldPath::keys(&["spec", "volumes"]),
            value: Value::Mapping(vec![
                ("name".to_owned(), Value::Text(volume)),
                ("emptyDir".to_owned(), Value::Mapping(Vec::new())),
            ]),
        });
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

/// Where the image of a container writes, and nothing is mounted yet. A path that a block device takes is passed over as well: the
/// API server refuses a mount there.
fn rooms(container: &Container<'_>) -> impl Iterator<Item = &'static str> {
    let name = images::last_part(container.image);
    let written = WRITTEN.iter().find(|(image, _)| *image == name).map_or(&["/tmp"][..], |(_, paths)| paths);
    let is_taken = |path: &str| {
        let below = |mount: &str| {
            let mount = mount.trim_end_matches('/');
            path.strip_prefix(mount).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        container.volume_mounts.iter().any(|mount| below(mount.mount_path))
            || container.volume_devices.iter().any(|device| below(device.device_path))
    };
    written.iter().copied().filter(move |path| !is_taken(path))
}

/// Names of volumes are labels of DNS. Source: `ValidateVolumes` in k8s.io/kubernetes `pkg/apis/core/validation/validation.go`.
const LONGEST: usize = 63;

/// A name for the volume at a path of a container: `web-var-cache-nginx`. Where that is too long, or something else may have it,
/// it holds the container's number: `web-2-var-cache-nginx`.
fn volume_name(spec: &Spec<'_>, place: Place, container: &Container<'_>, path: &str) -> String {
    let plain = joined(&[container.name, path]);
    if plain.len() <= LONGEST && !is_taken(spec, place, &plain) {
        return plain;
    }
    let (mut number, mut step) = (0, 0);
    for (index, (other, _)) in spec.all().enumerate() {
        step = index + 1;
        number = if other == place { index } else { number };
    }
    loop {
        let tail = joined(&[&number.to_string(), path]);
        let mut head = joined(&[container.name]);
        head.truncate(LONGEST.saturating_sub(tail.len() + 1));
        let name = joined(&[&head, &tail]);
        if !is_taken(spec, place, &name) {
            return name;
        }
        // No other container comes to this number.
        number += step;
    }
}

/// Whether a volume has the name, or the mount of one that is not in the pod template (a StatefulSet's claims); or another
/// container would give it to its own.
fn is_taken(spec: &Spec<'_>, place: Place, name: &str) -> bool {
    spec.volumes.iter().any(|volume| volume.name == name)
        || spec.all().any(|(other, container)| {
            container.volume_mounts.iter().any(|mount| mount.name == name)
                || container.volume_devices.iter().any(|device| device.name == name)
                // Only then it can be: formatting the names of all is slow.
                || (other != place
                    && name.starts_with(container.name)
                    && rooms(container).any(|path| joined(&[container.name, path]) == name))
        })
}

/// The parts as a label of DNS, but for its length.
fn joined(parts: &[&str]) -> String {
    let mut name = String::new();
    for part in parts.iter().map(|part| part.trim_matches(|c: char| !c.is_ascii_alphanumeric())) {
        if !name.is_empty() && !part.is_empty() {
            name.push('-');
        }
        name.extend(
            part.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }),
        );
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardening::model::{Volume, VolumeMount};

    fn container<'t>(name: &'t str, mounts: &[(&'t str, &'t str)]) -> Container<'t> {
        let mounts: Vec<VolumeMount<'t>> = mounts
            .iter()
            .map(|(name, mount_path)| VolumeMount { name, mount_path, ..VolumeMount::default() })
            .collect();
        Container { name, volume_mounts: mounts.into(), ..Container::default() }
    }

    fn names(containers: Vec<Container<'_>>, volumes: Vec<Volume<'_>>) -> Vec<String> {
        let spec = Spec { containers: containers.into(), volumes: volumes.into(), ..Spec::default() };
        let name = |(place, container)| volume_name(&spec, place, container, "/tmp");
        spec.all().map(name).collect()
    }

    #[test]
    fn a_volume_is_never_one_that_is_there_or_of_another_container() {
        let claims = Volume { name: "web-tmp", ..Volume::default() };
        assert_eq!(names(vec![container("web", &[])], vec![claims]), ["web-0-tmp"]);
        // The claim of a stateful set is in no pod template; only its mount tells of it.
        assert_eq!(names(vec![container("db", &[("db-tmp", "/data")])], Vec::new()), ["db-0-tmp"]);
        let (first, second) = ("a".repeat(63), format!("{}b", "a".repeat(62)));
        let long =
            names(vec![container(&first, &[]), container(&second, &[]), container("c", &[])], Vec::new());
        let label = |name: &String| name.len() <= LONGEST && name.ends_with("-tmp");
        assert!(long.iter().all(label) && long[0] != long[1], "{long:?}");
        assert_eq!(long[2], "c-tmp");
        let numbered =
            names(vec![container("web", &[("web-tmp", "/x")]), container("web-0", &[])], Vec::new());
        assert_eq!(numbered, ["web-2-tmp", "web-0-tmp"]);
    }

    #[test]
    fn names_of_volumes_are_labels_whatever_the_container_is_called() {
        let called = |name: &str| names(vec![container(name, &[])], Vec::new()).remove(0);
        assert_eq!(called("a.B_"), "a-b-tmp");
        assert_eq!(called(""), "tmp");
        let long = called(&format!("x{}", "\u{e9}".repeat(70)));
        assert!(long.is_ascii() && long.len() <= LONGEST, "{long}");
    }

    #[test]
    fn a_path_that_is_mounted_or_a_device_needs_no_room() {
        let paths = |container: &Container<'_>| rooms(container).collect::<Vec<_>>();
        assert_eq!(paths(&container("a", &[("v", "/tmpx")])), ["/tmp"]);
        assert_eq!(paths(&container("a", &[("v", "/tmp/")])), [""; 0]);
        let device = crate::hardening::model::VolumeDevice { name: "v", device_path: "/tmp" };
        let block = Container { volume_devices: vec![device].into(), ..container("a", &[]) };
        assert_eq!(paths(&block), [""; 0]);
    }
}
