//! Which image a container really runs.

use ringwall_model::check::Check;
use ringwall_model::control::{mitre, nsa};
use ringwall_model::finding::Severity;
use ringwall_model::fix::{Fix, Value};

use super::model::Container;
use super::repair::{Repair, reviewed, safe, set};
use super::{At, EVERY_VERSION, Flaw, HardeningCheck, Subject, who};
use crate::model::Place;

const IMAGES: &str = "https://kubernetes.io/docs/concepts/containers/images/";

pub(super) const TAG_NOT_FIXED: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-029",
        name: "image-tag-not-fixed",
        severity: Severity::Low,
        summary: "an image has no tag, or one that moves by its name",
        what: "An image has neither digest nor tag, or its tag is one that registries move with every build: `latest`, \
               `stable`, `edge`, `nightly`, `dev`, `main`, `master` and the like, or one of `floating-tags` under `[images]` in \
               `ringwall.toml`.",
        why: "The same manifest runs another program tomorrow, and on each node perhaps another one. Nobody can say what ran \
              when, nor go back to it.",
        fix: "Name the version as tag, better the digest.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n    image: nginx\n",
        good: "kind: Pod\nspec:\n  containers:\n  - name: web\n    image: nginx:1.29.3\n",
        versions: EVERY_VERSION,
        references: &[IMAGES],
        controls: &[nsa("Building secure container images"), mitre("T1525")],
    },
    find: tag_not_fixed,
    repair: Repair::Manual("which version is meant is not in the manifest"),
};

pub(super) const WITHOUT_DIGEST: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-030",
        name: "image-without-digest",
        severity: Severity::Info,
        summary: "an image is not pinned to its digest",
        what: "The image of a container has no `@sha256:…`.",
        why: "A tag can be moved in the registry by whoever may push to it; a digest cannot.",
        fix: "Write the digest behind the tag: `nginx:1.29.3@sha256:…`. Tools that update images keep both.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n    image: nginx:1.29.3\n",
        good: "kind: Pod\nspec:\n  containers:\n  - name: web\n    image: nginx:1.29.3@sha256:0000000000000000000000000000000000000000000000000000000000000001\n",
        versions: EVERY_VERSION,
        references: &[IMAGES],
        controls: &[nsa("Building secure container images"), mitre("T1525")],
    },
    find: without_digest,
    repair: Repair::Manual("the digest is in the registry and not in the manifest"),
};

pub(super) const STALE: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-031",
        name: "stale-image-pull",
        severity: Severity::Low,
        summary: "an image whose tag moves is not pulled again",
        what: "An image has no digest and no tag, or a tag that moves by its name (see image-tag-not-fixed), and \
               `imagePullPolicy` is `IfNotPresent` or `Never`; or it is not set and the tag is not `latest`, for which the API \
               server then chooses `IfNotPresent`.",
        why: "The node runs whatever it pulled first under that tag, however old, and a pod may use an image that its namespace \
              has no credentials for.",
        fix: "Name a fixed version; or set `imagePullPolicy: Always`.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n    image: nginx:latest\n    imagePullPolicy: IfNotPresent\n",
        good: "kind: Pod\nspec:\n  containers:\n  - name: web\n    image: nginx:latest\n    imagePullPolicy: Always\n",
        versions: EVERY_VERSION,
        references: &[IMAGES],
        controls: &[nsa("Upgrading and application security practices")],
    },
    find: stale,
    repair: Repair::Template(pull_always),
};

pub(super) const RETIRED_REGISTRY: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-032",
        name: "retired-image-registry",
        severity: Severity::Low,
        summary: "an image comes from a registry that is frozen",
        what: "An image's registry is `k8s.gcr.io` (frozen since April 2023, successor `registry.k8s.io`) or \
               `gcr.io/google-containers` / `gcr.io/google_containers`.",
        why: "No new version and no security fix appears there.",
        fix: "Use `registry.k8s.io`, and a version that is kept up.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n    image: k8s.gcr.io/pause:3.5\n",
        good: "kind: Pod\nspec:\n  containers:\n  - name: web\n    image: registry.k8s.io/pause:3.5\n",
        versions: EVERY_VERSION,
        references: &["https://kubernetes.io/blog/2023/02/06/k8s-gcr-io-freeze-announcement/"],
        controls: &[
            nsa("Building secure container images"),
            nsa("Upgrading and application security practices"),
        ],
    },
    find: retired_registry,
    repair: Repair::Template(move_registry),
};

pub(super) const RETIRED_INGRESS_NGINX: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-033",
        name: "retired-ingress-nginx",
        severity: Severity::Low,
        summary: "a workload runs ingress-nginx, which is retired",
        what: "An image is the controller of the project kubernetes/ingress-nginx: its repository is `ingress-nginx/controller` or \
               `nginx-ingress-controller`. Its maintenance ended in March 2026.",
        why: "The controller stands at the edge, reads all Secrets, and gets no security fixes any more.",
        fix: "Move to another controller or to the Gateway API.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n    image: registry.k8s.io/ingress-nginx/controller:v1.12.0\n",
        good: "kind: Pod\nspec:\n  containers:\n  - name: web\n    image: traefik:v3.6.1\n",
        versions: EVERY_VERSION,
        references: &["https://kubernetes.io/blog/2025/11/11/ingress-nginx-retirement/"],
        controls: &[nsa("Upgrading and application security practices"), mitre("T1190")],
    },
    find: retired_ingress_nginx,
    repair: Repair::Manual("another controller needs other objects"),
};

pub(super) const FORBIDDEN_REGISTRY: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-034",
        name: "forbidden-image-registry",
        severity: Severity::High,
        summary: "an image comes from a registry that the configuration does not allow",
        what: "`[images]` in `ringwall.toml` has `blocked-registries` that hold the image's registry or repository, or \
               `allowed-registries` that do not. Without configuration the check finds nothing.",
        why: "Whoever pushes to that registry runs programs in this cluster.",
        fix: "Mirror the image to a registry that is allowed.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n    image: blocked.example.com/web:1\n",
        good: "kind: Pod\nspec:\n  containers:\n  - name: web\n    image: registry.example.com/web:1\n",
        versions: EVERY_VERSION,
        references: &[IMAGES],
        controls: &[nsa("Building secure container images"), mitre("T1204.003")],
    },
    find: forbidden_registry,
    repair: Repair::Manual("where the image is mirrored is not in the manifest"),
};

/// The parts of an image's name. Source: the grammar of github.com/distribution/reference `reference.go`; a name that it
/// would refuse is parted all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reference<'t> {
    /// Registry and repository, as written.
    name: &'t str,
    tag: Option<&'t str>,
    digest: Option<&'t str>,
}

impl<'t> Reference<'t> {
    fn parse(image: &'t str) -> Self {
        let (rest, digest) = match image.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (image, None),
        };
        // A colon before the last slash is that of a port.
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (rest, None),
        };
        Self { name, tag, digest }
    }

    /// Registry and repository in full: `nginx` is `docker.io/library/nginx`.
    fn full(&self) -> String {
        match self.name.split_once('/') {
            Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => self.name.to_owned(),
            Some(_) => format!("docker.io/{}", self.name),
            None => format!("docker.io/library/{}", self.name),
        }
    }
}

impl Reference<'_> {
    /// Whether it is of a registry, or of a registry and the beginning of a path.
    fn is_of(&self, registry: &str) -> bool {
        let full = self.full();
        let registry = registry.trim_end_matches('/');
        full.strip_prefix(registry).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// The last part of an image's repository: `nginx` of `docker.io/library/nginx:1`.
pub(super) fn last_part(image: &str) -> &str {
    let name = Reference::parse(image).name;
    name.rsplit_once('/').map_or(name, |(_, last)| last)
}

/// The users that official images on Docker Hub are made to run as, though they start as root: name, user, and the user of the
/// variant on Alpine. Source: the images' own Dockerfiles.
const USERS: &[(&str, i64, i64)] = &[
    ("nginx", 101, 101),
    ("httpd", 33, 82),
    ("postgres", 999, 70),
    ("mysql", 999, 999),
    ("mariadb", 999, 999),
    ("mongo", 999, 999),
    ("redis", 999, 999),
    ("rabbitmq", 999, 100),
    ("memcached", 11211, 11211),
    ("haproxy", 99, 99),
    ("node", 1000, 1000),
];

/// The user that an official image is made for, where it starts as root or names its user by name, which `runAsNonRoot` does not
/// take.
pub(crate) fn user_of(image: &str) -> Option<i64> {
    let reference = Reference::parse(image);
    let full = reference.full();
    let name = full.strip_prefix("docker.io/library/")?;
    let (_, user, alpine) = USERS.iter().find(|(known, ..)| *known == name)?;
    Some(if reference.tag.is_some_and(|tag| tag.contains("alpine")) { *alpine } else { *user })
}

const MOVING: [&str; 10] =
    ["latest", "stable", "edge", "nightly", "dev", "develop", "main", "master", "canary", "head"];

fn moves(subject: &Subject<'_, '_>, reference: &Reference<'_>) -> bool {
    let floats = |tag: &str| subject.settings.floating_tags.iter().any(|floating| floating == tag);
    reference.digest.is_none() && reference.tag.is_none_or(|tag| MOVING.contains(&tag) || floats(tag))
}

fn images<'a, 't>(
    subject: &Subject<'a, 't>,
) -> impl Iterator<Item = (Place, &'a Container<'t>, Reference<'t>)> {
    // A template without an image is filled in by somebody else: a sidecar injector, an overlay.
    let all = subject.pod.spec.all().filter(|(_, container)| !container.image.is_empty());
    all.map(|(place, container)| (place, container, Reference::parse(container.image)))
}

/// A newer version, or the same image from another registry, is no other finding.
fn witness(container: &Container<'_>) -> String {
    format!("{}/{}", container.name, last_part(container.image))
}

fn image(place: Place) -> At {
    At::Template(place, "image", 0)
}

fn tag_not_fixed(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    for (place, container, reference) in images(subject).filter(|(.., reference)| moves(subject, reference)) {
        let who = who(place, container);
        let message = match reference.tag {
            Some(_) => format!("{who} runs {}, a tag that moves", container.image),
            None => format!("{who} runs {} without a tag, that is latest", container.image),
        };
        flaws.push(Flaw::present(image(place), witness(container), message));
    }
}

fn without_digest(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    let exempt = |reference: &Reference<'_>| {
        subject.settings.digest_exempt.iter().any(|registry| reference.is_of(registry))
    };
    for (place, container, reference) in images(subject).filter(|(.., reference)| reference.digest.is_none())
    {
        if exempt(&reference) {
            continue;
        }
        let message = match reference.tag {
            Some(tag) => {
                format!("{} runs what the tag {tag} is today: {}", who(place, container), container.image)
            }
            None => format!("{} runs {} without a digest", who(place, container), container.image),
        };
        flaws.push(Flaw::present(image(place), witness(container), message));
    }
}

fn stale(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    for (place, container, reference) in images(subject).filter(|(.., reference)| moves(subject, reference)) {
        let is_latest = reference.tag.is_none_or(|tag| tag == "latest");
        let policy = match container.image_pull_policy {
            "Always" => continue,
            "" if is_latest => continue,
            "" => "IfNotPresent",
            policy => policy,
        };
        let message = format!(
            "{} keeps the {} that its node has (imagePullPolicy {policy})",
            who(place, container),
            container.image
        );
        let missing = container.image_pull_policy.is_empty();
        let at = At::Template(place, "imagePullPolicy", 0);
        flaws.push(Flaw { missing, ..Flaw::present(at, witness(container), message) }.related(image(place)));
    }
}

fn pull_always(_: &Subject<'_, '_>, flaw: &Flaw) -> Result<Fix, &'static str> {
    let changes = vec![set(flaw.path().0, Value::from("Always"))];
    Ok(reviewed(
        "pull the image at each start",
        "whether the registry is there whenever a pod starts",
        changes,
    ))
}

const RETIRED: [&str; 3] = ["k8s.gcr.io/", "gcr.io/google-containers/", "gcr.io/google_containers/"];

fn retired_registry(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    for (place, container, reference) in images(subject) {
        if RETIRED.iter().any(|registry| reference.name.starts_with(registry)) {
            let message =
                format!("{} runs {}, of a registry that is frozen", who(place, container), container.image);
            flaws.push(Flaw::present(image(place), witness(container), message));
        }
    }
}

fn move_registry(subject: &Subject<'_, '_>, flaw: &Flaw) -> Result<Fix, &'static str> {
    let container =
        flaw.place().and_then(|place| subject.container(place)).ok_or("the container is not there")?;
    let rest = container
        .image
        .strip_prefix("k8s.gcr.io/")
        .ok_or("only what was at k8s.gcr.io is known to be at registry.k8s.io")?;
    let image = format!("registry.k8s.io/{rest}");
    // registry.k8s.io took over all images of k8s.gcr.io, and the old name is redirected to it.
    Ok(safe(format!("pull {image}"), vec![set(flaw.path().0, Value::Text(image))]))
}

fn retired_ingress_nginx(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    for (place, container, reference) in images(subject) {
        let name = reference.name;
        let is_controller = name.ends_with("ingress-nginx/controller")
            || name.ends_with("ingress-nginx/controller-chroot")
            || matches!(
                last_part(container.image),
                "nginx-ingress-controller" | "nginx-ingress-controller-amd64"
            );
        if is_controller {
            let message = format!(
                "{} runs {}, which is retired since March 2026",
                who(place, container),
                container.image
            );
            flaws.push(Flaw::present(image(place), witness(container), message));
        }
    }
}

fn forbidden_registry(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    let (allowed, blocked) = (&subject.settings.allowed_registries, &subject.settings.blocked_registries);
    if allowed.is_empty() && blocked.is_empty() {
        return;
    }
    for (place, container, reference) in images(subject) {
        let within = |registry: &String| reference.is_of(registry);
        if blocked.iter().any(within) || (!allowed.is_empty() && !allowed.iter().any(within)) {
            let message = format!(
                "{} runs {}, of a registry that is not allowed",
                who(place, container),
                container.image
            );
            flaws.push(Flaw::present(image(place), witness(container), message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_no_tag() {
        let parse = |image| {
            let reference = Reference::parse(image);
            (reference.name, reference.tag, reference.digest.is_some())
        };
        assert_eq!(parse("nginx"), ("nginx", None, false));
        assert_eq!(parse("localhost:5000/web"), ("localhost:5000/web", None, false));
        assert_eq!(parse("localhost:5000/web:1@sha256:ab"), ("localhost:5000/web", Some("1"), true));
        assert_eq!(Reference::parse("nginx").full(), "docker.io/library/nginx");
        assert_eq!(Reference::parse("acme/web").full(), "docker.io/acme/web");
        assert_eq!(Reference::parse("localhost/web").full(), "localhost/web");
    }

    #[test]
    fn users_are_those_of_official_images_only() {
        assert_eq!(user_of("nginx:1.29"), Some(101));
        assert_eq!(user_of("docker.io/library/postgres:17-alpine"), Some(70));
        assert_eq!(user_of("registry.example.com/nginx:1"), None);
        assert_eq!(user_of("web"), None);
    }
}
