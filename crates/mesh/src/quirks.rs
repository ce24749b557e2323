//! What single releases of Istio do otherwise than the line that all answers are of (1.31), each with the releases that do it.
//!
//! A row is read by the engine where it decides: the answer for a mesh of such a release is the one of that release. Which release a mesh has is read from the
//! image of its istiod.

use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::tree::Node;

use crate::place::Place;

/// A release of Istio 1: its minor version and its patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Release {
    /// 27 in 1.27.8.
    pub minor: u16,
    /// 8 in 1.27.8.
    pub patch: u16,
}

impl Release {
    /// The release of a tag, such as `1.27.8-distroless`; nothing of one that is none, as `latest`.
    pub fn parse(tag: &str) -> Option<Self> {
        let mut parts = tag.strip_prefix("1.")?.split(['.', '-']);
        let minor = parts.next()?.parse().ok()?;
        Some(Self { minor, patch: parts.next().and_then(|patch| patch.parse().ok())? })
    }

    /// The release of the istiod that a snapshot holds, and where that is written.
    pub fn of(snapshot: &Snapshot) -> Option<(Self, Place)> {
        let is_istiod = |object: &Object| {
            let name = object.id.name.as_str();
            object.is("apps", "Deployment") && (name == "istiod" || name.starts_with("istiod-"))
        };
        snapshot.objects().filter(|(_, object)| is_istiod(object)).find_map(|(index, object)| {
            let way = ["spec", "template", "spec", "containers"];
            let containers = object.root().at(&way).into_iter().flat_map(Node::items);
            containers.enumerate().find_map(|(at, container)| {
                let (name, tag) = container.str_at(&["image"])?.rsplit_once(':')?;
                let release = Self::parse(tag).filter(|_| name.ends_with("/pilot"))?;
                Some((release, Place { object: index, path: FieldPath::keys(&way).index(at).key("image") }))
            })
        })
    }
}

const fn release(minor: u16, patch: u16) -> Release {
    Release { minor, patch }
}

/// What some releases do otherwise.
#[derive(Debug)]
pub struct Quirk {
    /// What it is called.
    pub name: &'static str,
    /// What those releases do.
    pub what: &'static str,
    /// From which release on, and before which.
    pub windows: &'static [(Release, Release)],
    /// What says so.
    pub source: &'static str,
}

impl Quirk {
    /// Whether a release does it; one that is not known does what the line does that the answers are of.
    pub fn holds(&self, release: Option<Release>) -> bool {
        release.is_some_and(|own| self.windows.iter().any(|(from, before)| (*from..*before).contains(&own)))
    }
}

/// Dots in `serviceAccounts` match any character.
pub static ACCOUNT_DOTS: Quirk = Quirk {
    name: "account-dots-match-anything",
    what: "a dot in a service account of an AuthorizationPolicy matches any character",
    windows: &[
        (release(25, 0), release(27, 9)),
        (release(28, 0), release(28, 6)),
        (release(29, 0), release(29, 2)),
    ],
    source: "https://osv.dev/vulnerability/CVE-2026-39350",
};

/// Several STRICT ports of one policy must all match at once, under ambient.
pub static STRICT_PORTS_JOINED: Quirk = Quirk {
    name: "strict-ports-joined",
    what: "several STRICT ports of one PeerAuthentication deny nothing in ambient mode: a connection would have to be to all of them",
    windows: &[(release(18, 0), release(23, 5)), (release(24, 0), release(24, 3))],
    source: "https://istio.io/latest/news/releases/1.24.x/announcing-1.24.3/",
};

/// All of them.
pub static QUIRKS: [&Quirk; 2] = [&ACCOUNT_DOTS, &STRICT_PORTS_JOINED];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_name_releases() {
        assert_eq!(Release::parse("1.27.8"), Some(release(27, 8)));
        assert_eq!(Release::parse("1.24.3-distroless"), Some(release(24, 3)));
        for none in ["latest", "1.27", "2.0.1", "1.x.1", ""] {
            assert_eq!(Release::parse(none), None, "{none}");
        }
    }

    #[test]
    fn a_window_ends_before_the_release_that_mends_it() {
        for (minor, patch, holds) in [
            (24, 9, false),
            (25, 0, true),
            (27, 8, true),
            (27, 9, false),
            (28, 5, true),
            (28, 6, false),
            (29, 1, true),
            (29, 2, false),
            (31, 0, false),
        ] {
            assert_eq!(ACCOUNT_DOTS.holds(Some(release(minor, patch))), holds, "1.{minor}.{patch}");
        }
        assert!(!ACCOUNT_DOTS.holds(None));
    }
}
