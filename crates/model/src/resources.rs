//! The resources that API servers serve, by the names that RBAC rules and `kubectl` use.
//!
//! The table `resources.txt` is made by `cargo xtask resources` from the answers of API servers that the Kubernetes source keeps. It is of
//! the newest version, with the APIs that are switched off by default, and says of versions that older Kubernetes lacks since when they are
//! there. What CRDs add is read from the objects ([`Resources::with_crds`]).

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::snapshot::Snapshot;
use crate::tree::Node;
use crate::version::Minor;

/// The verbs that most resources have.
pub const USUAL_VERBS: [&str; 8] =
    ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// A resource of a group, of all its versions together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    /// API group; empty for the core one.
    pub group: String,
    /// The name in the plural, as rules have it.
    pub plural: String,
    /// The name in the singular.
    pub singular: String,
    /// The kind of its objects.
    pub kind: String,
    /// Short names, as `po`.
    pub short_names: Vec<String>,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
    /// The versions through which it is served and the verbs there, the preferred one first.
    pub versions: Vec<(String, Vec<String>)>,
    /// Its subresources, and their verbs.
    pub subresources: Vec<(String, Vec<String>)>,
}

impl Resource {
    /// The verbs that it takes in some version.
    pub fn has_verb(&self, verb: &str) -> bool {
        self.versions.iter().any(|(_, verbs)| verbs.iter().any(|own| own == verb))
    }

    /// The verbs of a subresource, where there is one of this name.
    pub fn subresource(&self, name: &str) -> Option<&[String]> {
        self.subresources.iter().find(|(own, _)| own == name).map(|(_, verbs)| verbs.as_slice())
    }

    /// Whether it is served where nobody switched further APIs on: one of its versions is stable, which of CRDs is not asked.
    /// Source: k8s.io/kubernetes `pkg/controlplane/instance.go` (`DefaultAPIResourceConfigSource`).
    pub fn is_default(&self) -> bool {
        self.versions.iter().any(|(version, _)| is_stable(version))
    }
}

fn is_stable(version: &str) -> bool {
    !version.contains("alpha") && !version.contains("beta")
}

/// A resource as `kubectl` was asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'r> {
    /// The resource.
    pub resource: &'r Resource,
    /// The version that was asked for, or the preferred one.
    pub version: &'r str,
}

/// What a word is taken for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meant<'r> {
    /// The resource, if there is one.
    pub found: Option<Found<'r>>,
    /// Resources behind it in the API server's order that have the same short name.
    pub others: Vec<&'r Resource>,
}

/// All resources of a cluster.
#[derive(Clone, Debug)]
pub struct Resources {
    /// The version of Kubernetes.
    minor: Minor,
    /// Those of CRDs, by group and plural.
    custom: Vec<Resource>,
}

#[derive(Debug)]
struct Builtin {
    resources: Vec<Resource>,
    places: HashMap<(&'static str, &'static str), usize>,
    /// The versions of resources that are new: group, plural and version, and the minor version of Kubernetes since which they are there.
    since: HashMap<(&'static str, &'static str, &'static str), u32>,
}

static TEXT: &str = include_str!("resources.txt");

/// The text is made by a program and read by a test; a line of another shape would be left out.
fn builtin() -> &'static Builtin {
    static BUILTIN: OnceLock<Builtin> = OnceLock::new();
    BUILTIN.get_or_init(|| {
        let mut built = Builtin { resources: Vec::new(), places: HashMap::new(), since: HashMap::new() };
        let mut group = "";
        for line in TEXT.lines().filter(|line| !line.starts_with('#')) {
            let words: Vec<&'static str> = line.split_ascii_whitespace().collect();
            let is_group = !line.starts_with(' ');
            match words.as_slice() {
                [name, ..] if is_group => group = if *name == "-" { "" } else { name },
                [subresource, verbs] => {
                    if let (Some(name), Some(last)) =
                        (subresource.strip_prefix('/'), built.resources.last_mut())
                    {
                        last.subresources.push((name.to_owned(), verbs_of(verbs)));
                    }
                }
                [plural, singular, kind, scope, short, versions @ ..] => {
                    let mut own = Vec::with_capacity(versions.len());
                    for (version, verbs) in versions.iter().filter_map(|version| version.split_once('=')) {
                        let (version, since) = version.split_once('@').unwrap_or((version, ""));
                        if let Ok(since) = since.parse() {
                            built.since.insert((group, plural, version), since);
                        }
                        own.push((version.to_owned(), verbs_of(verbs)));
                    }
                    built.places.insert((group, plural), built.resources.len());
                    built.resources.push(Resource {
                        group: group.to_owned(),
                        plural: (*plural).to_owned(),
                        singular: (*singular).to_owned(),
                        kind: (*kind).to_owned(),
                        short_names: match *short {
                            "-" => Vec::new(),
                            short => short.split(',').map(str::to_owned).collect(),
                        },
                        namespaced: *scope == "namespaced",
                        versions: own,
                        subresources: Vec::new(),
                    });
                }
                _ => {}
            }
        }
        built
    })
}

fn verbs_of(text: &str) -> Vec<String> {
    match text {
        "all" => usual_verbs(),
        text => text.split(',').map(str::to_owned).collect(),
    }
}

fn usual_verbs() -> Vec<String> {
    USUAL_VERBS.iter().map(|verb| (*verb).to_owned()).collect()
}

impl Resources {
    /// Kubernetes' own resources, of the newest version.
    pub const fn builtin() -> Self {
        Self { minor: Minor::NEWEST, custom: Vec::new() }
    }

    /// Kubernetes' own resources, of the version that a snapshot is of, and those of its CRDs. A CRD that states no group or no plural is left out.
    /// Costs a pass over the objects.
    pub fn with_crds(snapshot: &Snapshot) -> Self {
        let crds = snapshot.of_kind("apiextensions.k8s.io", "CustomResourceDefinition");
        let mut custom: Vec<Resource> = crds.filter_map(|crd| of_crd(crd.root())).collect();
        custom.sort_by(|left, right| (&left.group, &left.plural).cmp(&(&right.group, &right.plural)));
        custom.dedup_by(|left, right| (&left.group, &left.plural) == (&right.group, &right.plural));
        Self { minor: snapshot.facts.version, custom }
    }

    /// All, in the order in which an API server lists groups: Kubernetes' own, then those of CRDs by name.
    pub fn iter(&self) -> impl Iterator<Item = &Resource> {
        builtin().resources.iter().chain(&self.custom)
    }

    /// The resource of this group and plural.
    pub fn of(&self, group: &str, plural: &str) -> Option<&Resource> {
        let built = builtin();
        if let Some(at) = built.places.get(&(group, plural)) {
            return built.resources.get(*at);
        }
        let by_name = |one: &Resource| (one.group.as_str(), one.plural.as_str()).cmp(&(group, plural));
        self.custom.binary_search_by(by_name).ok().and_then(|at| self.custom.get(at))
    }

    /// Whether the group is one of Kubernetes' own or of a CRD here: what resources it has is known.
    pub fn knows_group(&self, group: &str) -> bool {
        self.iter().any(|resource| resource.group == group)
    }

    /// The resources of this plural, in all groups.
    pub fn named<'r>(&'r self, plural: &'r str) -> impl Iterator<Item = &'r Resource> {
        self.iter().filter(move |resource| resource.plural == plural)
    }

    /// The resource of a group and kind.
    pub fn of_kind(&self, group: &str, kind: &str) -> Option<&Resource> {
        self.iter().find(|resource| resource.group == group && resource.kind == kind)
    }

    /// The resource that `kubectl` takes a word for: a plural, singular or short name, alone or with `.GROUP` (which may be the beginning of one) or
    /// `.VERSION.GROUP` behind it, in any case. Versions that no API server serves by default, or not yet in this version, are not found. Where several
    /// groups have it, the first of them in the API server's order counts, and who else has the short name is told. Costs a pass over the resources.
    ///
    /// The names of lists (`podlists`), which `kubectl` takes too without meaning to, are not found.
    ///
    /// Source: k8s.io/kubectl `pkg/cmd/auth/cani.go` (`resourceFor`), k8s.io/client-go `restmapper/shortcut.go` and `discovery.go`,
    /// k8s.io/apimachinery `pkg/api/meta/restmapper.go` and `priority.go`.
    pub fn meant(&self, word: &str) -> Meant<'_> {
        let word = word.to_lowercase();
        let (name, rest) = word.split_once('.').unwrap_or((&word, ""));
        let mut others = Vec::new();
        let versioned = rest.split_once('.').and_then(|(version, group)| {
            let asked = Asked { name, version: Some(version).filter(|version| !version.is_empty()), group };
            self.find_in(&asked, &mut others)
        });
        let found =
            versioned.or_else(|| self.find_in(&Asked { name, version: None, group: rest }, &mut others));
        Meant { found, others }
    }

    /// The resource that [`Resources::meant`] finds.
    pub fn find(&self, word: &str) -> Option<Found<'_>> {
        self.meant(word).found
    }

    /// Whether a version of a resource is served where nobody switched further APIs on: of Kubernetes' own the stable ones that there are
    /// in this version, of CRDs all that they serve. Source: k8s.io/kubernetes `pkg/controlplane/instance.go`
    /// (`DefaultAPIResourceConfigSource`).
    pub fn serves(&self, resource: &Resource, version: &str) -> bool {
        if !is_builtin(resource) {
            return true;
        }
        let key = (resource.group.as_str(), resource.plural.as_str(), version);
        is_stable(version) && builtin().since.get(&key).is_none_or(|since| *since <= self.minor.0)
    }

    /// The resources that have a version that is served.
    pub fn served(&self) -> impl Iterator<Item = &Resource> {
        self.iter().filter(|resource| self.default_version(resource).is_some())
    }

    /// The version that counts where none is asked for.
    fn default_version<'r>(&self, resource: &'r Resource) -> Option<&'r str> {
        let mut versions = resource.versions.iter().map(|(version, _)| version.as_str());
        versions.find(|version| self.serves(resource, version))
    }

    fn find_in<'r>(&'r self, asked: &Asked<'_>, others: &mut Vec<&'r Resource>) -> Option<Found<'r>> {
        let long = self.expanded(asked, others);
        let asked = long.as_ref().map_or(*asked, |(resource, version)| Asked {
            name: &resource.plural,
            version: *version,
            group: &resource.group,
        });
        let has_name =
            |resource: &&Resource| resource.plural == asked.name || resource.singular == asked.name;
        // Each version of each group is asked alone: one that has no such resource takes the group for the beginning of its own.
        let may_be = |resource: &&Resource| {
            has_name(resource)
                && match (asked.group, asked.version) {
                    ("", _) => true,
                    (group, Some(_)) => resource.group == group,
                    (group, None) => resource.group.starts_with(group),
                }
        };
        let mut candidates = self.served().filter(may_be).filter_map(|resource| {
            let version = match asked.version {
                Some(version) => {
                    let mut versions = resource.versions.iter().map(|(own, _)| own.as_str());
                    versions.find(|own| *own == version && self.serves(resource, own))
                }
                None => self.default_version(resource),
            };
            Some(Found { resource, version: version? })
        });
        candidates.next()
    }

    /// What a short name is short for, and the version that is still asked for; `others` gets who has the same. A name that is a resource's in
    /// full is not short.
    fn expanded<'r, 'a>(
        &'r self,
        asked: &Asked<'a>,
        others: &mut Vec<&'r Resource>,
    ) -> Option<(&'r Resource, Option<&'a str>)> {
        let in_group = |resource: &&Resource| asked.group.is_empty() || resource.group == asked.group;
        let mut full = self.served().filter(in_group);
        if full.any(|resource| resource.plural == asked.name || resource.singular == asked.name) {
            return None;
        }
        let is_short = |resource: &&Resource| resource.short_names.iter().any(|short| short == asked.name);
        let mut all = self.served().filter(in_group).filter(is_short);
        if let Some(found) = all.next() {
            others.extend(all);
            // The reference forgets the version here.
            return Some((found, None));
        }
        let begins = |resource: &&Resource| resource.group.starts_with(asked.group);
        let mut near = self.served().filter(|_| !asked.group.is_empty()).filter(begins);
        near.find(is_short).map(|found| (found, asked.version))
    }
}

/// Whether it is Kubernetes' own.
fn is_builtin(resource: &Resource) -> bool {
    builtin().places.contains_key(&(resource.group.as_str(), resource.plural.as_str()))
}

#[derive(Clone, Copy, Debug)]
struct Asked<'a> {
    name: &'a str,
    version: Option<&'a str>,
    group: &'a str,
}

/// The resource that a CRD makes. Source: k8s.io/apiextensions-apiserver `pkg/apis/apiextensions/v1/defaults.go` and
/// `pkg/apiserver/customresource_discovery_controller.go`.
fn of_crd(root: Node<'_>) -> Option<Resource> {
    let spec = root.get("spec")?;
    let text = |path: &[&str]| spec.str_at(path).filter(|text| !text.is_empty());
    let (group, plural) = (text(&["group"])?, text(&["names", "plural"])?);
    let kind = text(&["names", "kind"]).unwrap_or_default();
    let mut versions = Vec::new();
    let mut subresources: Vec<(String, Vec<String>)> = Vec::new();
    let mut add = |holder: Option<Node<'_>>| {
        for entry in holder.into_iter().flat_map(Node::entries).filter(|entry| !entry.value.is_null()) {
            if matches!(entry.key, "status" | "scale") && subresources.iter().all(|(own, _)| own != entry.key)
            {
                let verbs = ["get", "patch", "update"].map(str::to_owned);
                subresources.push((entry.key.to_owned(), verbs.into()));
            }
        }
    };
    add(spec.get("subresources"));
    for version in spec.get("versions").into_iter().flat_map(Node::items) {
        let Some(name) = version.str_at(&["name"]) else { continue };
        if version.get("served").and_then(Node::as_bool) == Some(false) {
            continue;
        }
        versions.push((name.to_owned(), usual_verbs()));
        add(version.get("subresources"));
    }
    if versions.is_empty() {
        versions.extend(text(&["version"]).map(|version| (version.to_owned(), usual_verbs())));
    }
    subresources.sort();
    let short_names = spec.at(&["names", "shortNames"]).into_iter().flat_map(Node::items);
    Some(Resource {
        group: group.to_owned(),
        plural: plural.to_owned(),
        singular: text(&["names", "singular"]).map_or_else(|| kind.to_lowercase(), str::to_owned),
        kind: kind.to_owned(),
        short_names: short_names.filter_map(Node::as_str).map(str::to_owned).collect(),
        namespaced: text(&["scope"]) != Some("Cluster"),
        versions,
        subresources,
    })
}

/// Resources of groups that API servers once served, and the group that has them now; `None` where they are gone for good.
const RETIRED: [(&str, &str, Option<&str>); 17] = [
    ("extensions", "daemonsets", Some("apps")),
    ("extensions", "deployments", Some("apps")),
    ("extensions", "replicasets", Some("apps")),
    ("extensions", "ingresses", Some("networking.k8s.io")),
    ("extensions", "networkpolicies", Some("networking.k8s.io")),
    ("extensions", "podsecuritypolicies", None),
    ("extensions", "replicationcontrollers", None),
    ("extensions", "jobs", Some("batch")),
    ("extensions", "horizontalpodautoscalers", Some("autoscaling")),
    ("extensions", "thirdpartyresources", None),
    ("policy", "podsecuritypolicies", None),
    ("settings.k8s.io", "podpresets", None),
    ("auditregistration.k8s.io", "auditsinks", None),
    ("networking.k8s.io", "clustercidrs", None),
    ("resource.k8s.io", "podschedulingcontexts", None),
    ("resource.k8s.io", "resourceclasses", None),
    ("resource.k8s.io", "resourceclaimparameters", None),
];

/// Whether API servers once served the resource and do no longer; and in which group it is now, where it is.
pub fn retired(group: &str, plural: &str) -> Option<Option<&'static str>> {
    RETIRED.iter().find(|(own, name, _)| *own == group && *name == plural).map(|(_, _, now)| *now)
}

/// What no API serves, and authorizers are asked for all the same: group, resource, and the subresource; `*` for any.
///
/// Sources: of k8s.io/kubernetes, `pkg/kubelet/server/auth.go` (nodes), `pkg/certauthorization` and `pkg/controller/certificates/approver`
/// (signers, the node clients), `pkg/registry/core/endpoint` (`restricted`), `pkg/registry/resource/utils.go` (claims),
/// `pkg/registry/core/serviceaccount/storage/token.go`; of k8s.io/apiserver, `pkg/endpoints/filters/impersonation`.
const ASKED_FOR: [(&str, &str, &str); 24] = [
    ("", "users", ""),
    ("", "groups", ""),
    ("authentication.k8s.io", "users", ""),
    ("authentication.k8s.io", "groups", ""),
    ("authentication.k8s.io", "serviceaccounts", ""),
    ("authentication.k8s.io", "nodes", ""),
    ("authentication.k8s.io", "uids", ""),
    ("authentication.k8s.io", "userextras", "*"),
    ("authentication.k8s.io", "admissionReviewAPIGroups", ""),
    ("", "nodes", "metrics"),
    ("", "nodes", "stats"),
    ("", "nodes", "log"),
    ("", "nodes", "spec"),
    ("", "nodes", "checkpoint"),
    ("", "nodes", "configz"),
    ("", "nodes", "healthz"),
    ("", "nodes", "pods"),
    ("", "endpoints", "restricted"),
    ("certificates.k8s.io", "signers", ""),
    ("certificates.k8s.io", "certificatesigningrequests", "nodeclient"),
    ("certificates.k8s.io", "certificatesigningrequests", "selfnodeclient"),
    ("resource.k8s.io", "resourceclaims", "binding"),
    ("resource.k8s.io", "resourceclaims", "driver"),
    ("policy", "podsecuritypolicies", ""),
];

/// Whether an authorizer may be asked for it though no API serves it: identities to impersonate, signers, what a kubelet asks of nodes, the
/// `finalizers` of anything.
pub fn is_asked_for(group: &str, plural: &str, subresource: &str) -> bool {
    subresource == "finalizers"
        || ASKED_FOR
            .iter()
            .any(|(own, name, sub)| *own == group && *name == plural && (*sub == subresource || *sub == "*"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::object::{Object, ObjectId};
    use crate::path::FieldPath;
    use crate::selector::tests::tree;
    use crate::snapshot::Facts;

    fn names(word: &str) -> Option<String> {
        let resources = Resources::builtin();
        let found = resources.find(word)?;
        Some(format!("{}/{}.{}", found.resource.group, found.version, found.resource.plural))
    }

    /// What client-go's mapper makes of words, over the same table.
    #[test]
    fn words_are_found_as_kubectl_finds_them() {
        let reference: &[(&str, Option<&str>)] = &[
            ("pods", Some("/v1.pods")),
            ("Pod", Some("/v1.pods")),
            ("po", Some("/v1.pods")),
            ("deploy", Some("apps/v1.deployments")),
            ("deployment", Some("apps/v1.deployments")),
            ("deployments.apps", Some("apps/v1.deployments")),
            ("deploy.apps", Some("apps/v1.deployments")),
            ("deploy.app", Some("apps/v1.deployments")),
            ("deployments.v1.apps", Some("apps/v1.deployments")),
            ("deploy.v1.apps", Some("apps/v1.deployments")),
            ("deployments.v1beta1.apps", None),
            ("deployments.extensions", None),
            ("events", Some("/v1.events")),
            ("ev", Some("/v1.events")),
            ("events.events.k8s.io", Some("events.k8s.io/v1.events")),
            ("event.events", Some("events.k8s.io/v1.events")),
            ("ev.events.k8s.io", Some("events.k8s.io/v1.events")),
            ("ev.v1.events.k8s.io", Some("events.k8s.io/v1.events")),
            ("storageclass.storage", Some("storage.k8s.io/v1.storageclasses")),
            ("sc", Some("storage.k8s.io/v1.storageclasses")),
            ("sc.storage", Some("storage.k8s.io/v1.storageclasses")),
            ("hpa", Some("autoscaling/v2.horizontalpodautoscalers")),
            ("hpa.v1.autoscaling", Some("autoscaling/v2.horizontalpodautoscalers")),
            ("horizontalpodautoscalers.v1.autoscaling", Some("autoscaling/v1.horizontalpodautoscalers")),
            ("hpa.autoscal", Some("autoscaling/v2.horizontalpodautoscalers")),
            ("networkpolicies.networking", Some("networking.k8s.io/v1.networkpolicies")),
            ("networkpolicies.v1.networking.k8s.io", Some("networking.k8s.io/v1.networkpolicies")),
            ("netpol", Some("networking.k8s.io/v1.networkpolicies")),
            ("ing", Some("networking.k8s.io/v1.ingresses")),
            ("crd", Some("apiextensions.k8s.io/v1.customresourcedefinitions")),
            ("crds", Some("apiextensions.k8s.io/v1.customresourcedefinitions")),
            ("workloads", None),
            ("workload.scheduling.k8s.io", None),
            ("leasecandidates", None),
            ("pods.v1.", Some("/v1.pods")),
            ("pods.", Some("/v1.pods")),
            ("pods.v1", None),
            ("podsx", None),
            ("users", None),
            ("endpoints", Some("/v1.endpoints")),
            ("ep", Some("/v1.endpoints")),
            ("csr", Some("certificates.k8s.io/v1.certificatesigningrequests")),
            ("vac", Some("storage.k8s.io/v1.volumeattributesclasses")),
            ("clusterroles.rbac", Some("rbac.authorization.k8s.io/v1.clusterroles")),
            ("clusterrole.v1.rbac.authorization.k8s.io", Some("rbac.authorization.k8s.io/v1.clusterroles")),
            ("deployments.v1.app", None),
            ("ip", Some("networking.k8s.io/v1.ipaddresses")),
            ("quota", Some("/v1.resourcequotas")),
            ("limits", Some("/v1.limitranges")),
            ("tokenreviews", Some("authentication.k8s.io/v1.tokenreviews")),
        ];
        for (word, expected) in reference {
            assert_eq!(names(word).as_deref(), *expected, "{word}");
        }
    }

    /// What is switched off by default is not there, nor is what later versions brought.
    #[test]
    fn versions_that_are_not_served_are_not_found() {
        let at = |minor: u32| {
            let facts = Facts { version: Minor(minor), ..Facts::default() };
            Resources::with_crds(&Snapshot::new(Vec::new(), facts))
        };
        let reference: &[(&str, [bool; 4])] = &[
            ("deviceclasses.v1.resource.k8s.io", [true; 4]),
            ("deviceclasses.v1beta1.resource.k8s.io", [false; 4]),
            ("leasecandidates.v1alpha2.coordination.k8s.io", [false; 4]),
            ("leases.v1alpha2.coordination.k8s.io", [false; 4]),
            ("mutatingadmissionpolicies", [false, false, true, true]),
            ("mutatingadmissionpolicies.v1.admissionregistration.k8s.io", [false, false, true, true]),
            ("mutatingadmissionpolicies.v1beta1.admissionregistration.k8s.io", [false; 4]),
            ("clustertrustbundles", [false, false, false, true]),
            ("podcertificaterequests.certificates", [false, false, false, true]),
            ("storageversionmigrations", [false, false, false, true]),
            ("pods", [true; 4]),
        ];
        for (word, served) in reference {
            assert_eq!([34, 35, 36, 37].map(|minor| at(minor).find(word).is_some()), *served, "{word}");
        }
    }

    #[test]
    fn who_else_has_a_short_name_is_told() {
        let resources = Resources::builtin();
        let others = |word: &str| -> Vec<String> {
            let meant = resources.meant(word);
            meant.others.iter().map(|one| format!("{}.{}", one.plural, one.group)).collect()
        };
        assert_eq!(others("ev"), ["events.events.k8s.io"]);
        assert_eq!(others("ev.v1."), ["events.events.k8s.io"]);
        for alone in ["ev.events.k8s.io", "events", "po", "deploy.app", "podz"] {
            assert_eq!(others(alone), [""; 0], "{alone}");
        }
    }

    #[test]
    fn the_table_is_read_to_the_last_line() {
        let resources = Resources::builtin();
        let lines = TEXT.lines().filter(|line| line.starts_with("  ") && !line.starts_with("    "));
        assert_eq!(resources.iter().count(), lines.count());
        let subresources = TEXT.lines().filter(|line| line.starts_with("    /")).count();
        assert_eq!(resources.iter().map(|one| one.subresources.len()).sum::<usize>(), subresources);
        for one in resources.iter() {
            assert!(!one.versions.is_empty(), "{one:?}");
            assert!(
                one.versions
                    .iter()
                    .all(|(_, verbs)| verbs.iter().all(|verb| USUAL_VERBS.contains(&verb.as_str()))),
                "{one:?}"
            );
            assert_eq!(resources.of(&one.group, &one.plural), Some(one));
        }
        let pods = resources.of("", "pods").expect("pods");
        assert!(pods.namespaced && pods.has_verb("deletecollection"));
        assert_eq!(pods.subresource("log"), Some(&["get".to_owned()][..]));
        assert!(!resources.of("", "namespaces").expect("namespaces").has_verb("deletecollection"));
    }

    #[test]
    fn kinds_outside_of_namespaces_are_those_that_objects_know() {
        let stored = |one: &&Resource| one.has_verb("get") || one.has_verb("list");
        for one in Resources::builtin().iter().filter(stored) {
            let id = ObjectId { group: one.group.clone(), kind: one.kind.clone(), ..ObjectId::default() };
            assert_eq!(id.is_cluster_wide(), !one.namespaced, "{id:?}");
        }
    }

    #[test]
    fn crds_add_theirs() {
        let crd = |value: serde_json::Value| {
            let tree = Arc::new(tree(&value));
            Object::read(&tree, tree.root(), FieldPath::root()).expect("an object")
        };
        let rollouts = crd(json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "rollouts.argoproj.io"},
            "spec": {"group": "argoproj.io", "scope": "Namespaced",
                "names": {"plural": "rollouts", "kind": "Rollout", "shortNames": ["ro"]},
                "versions": [{"name": "v1alpha1", "served": true, "subresources": {"status": {}}}, {"name": "v1", "served": false}]},
        }));
        let old = crd(json!({
            "apiVersion": "apiextensions.k8s.io/v1beta1", "kind": "CustomResourceDefinition", "metadata": {"name": "b.a.io"},
            "spec": {"group": "a.io", "version": "v1", "scope": "Cluster", "names": {"plural": "bs", "singular": "b", "kind": "B"}},
        }));
        let broken = crd(json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "x"}, "spec": {"group": 7},
        }));
        let snapshot = Snapshot::new(vec![rollouts, broken, old], Facts::default());
        let resources = Resources::with_crds(&snapshot);
        let found = resources.find("ro").expect("by its short name");
        assert_eq!((found.resource.plural.as_str(), found.version), ("rollouts", "v1alpha1"));
        assert_eq!(found.resource.singular, "rollout");
        assert!(found.resource.subresource("status").is_some());
        assert_eq!(resources.find("Rollout.argoproj"), Some(found));
        assert_eq!(resources.find("b").map(|found| found.resource.namespaced), Some(false));
        assert!(resources.of("a.io", "bs").is_some() && resources.knows_group("argoproj.io"));
        assert_eq!(resources.iter().count(), Resources::builtin().iter().count() + 2);
    }
}
