//! Whether some rules give all that others give. Source: k8s.io/component-helpers `auth/rbac/validation/policy_comparator.go`.
//!
//! Rules are broken into atoms, each of one verb and one group, resource and name, or one verb and one path. An atom is covered by one rule
//! alone or not at all: three rules for three groups do not cover `*`.

use ringwall_model::go::go_quote;

use crate::matching::ALL;
use crate::model::Rule;
use crate::owner::Owner;

/// The smallest part of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Atom<'r> {
    /// One verb on one resource.
    Resource {
        /// The API group, or `*`.
        group: &'r str,
        /// The resource as the rule names it.
        resource: &'r str,
        /// The verb, or `*`.
        verb: &'r str,
        /// The name of the object; `None` for all.
        name: Option<&'r str>,
    },
    /// One verb on one path.
    Path {
        /// The path as the rule names it.
        url: &'r str,
        /// The verb, or `*`.
        verb: &'r str,
    },
}

impl Atom<'_> {
    /// The atom as a rule of its own.
    pub fn rule(&self) -> Rule {
        let one = |text: &str| vec![text.to_owned()];
        match *self {
            Atom::Resource { group, resource, verb, name } => Rule {
                verbs: one(verb),
                api_groups: one(group),
                resources: one(resource),
                resource_names: name.map(one).unwrap_or_default(),
                non_resource_urls: Vec::new(),
            },
            Atom::Path { url, verb } => {
                Rule { verbs: one(verb), non_resource_urls: one(url), ..Rule::default() }
            }
        }
    }
}

impl Rule {
    /// The atoms of the rule, in the reference's order (`BreakdownRule`). A rule that lacks verbs, groups or resources has none of the latter.
    pub fn atoms(&self) -> impl Iterator<Item = Atom<'_>> {
        let resources = self.api_groups.iter().flat_map(move |group| {
            self.resources.iter().flat_map(move |resource| {
                self.verbs.iter().flat_map(move |verb| {
                    let unnamed = self.resource_names.is_empty().then_some(None);
                    let named = self.resource_names.iter().map(|name| Some(name.as_str()));
                    unnamed.into_iter().chain(named).map(move |name| Atom::Resource {
                        group,
                        resource,
                        verb,
                        name,
                    })
                })
            })
        });
        let urls = self
            .non_resource_urls
            .iter()
            .flat_map(move |url| self.verbs.iter().map(move |verb| Atom::Path { url, verb }));
        resources.chain(urls)
    }

    /// Whether the rule alone gives what the atom gives.
    pub fn covers(&self, atom: &Atom<'_>) -> bool {
        match *atom {
            Atom::Resource { group, resource, verb, name } => {
                self.names_cover(name)
                    && has(&self.verbs, verb)
                    && has(&self.api_groups, group)
                    && self.resources_cover(resource)
            }
            // What a rule says of resources does not hinder that it covers paths; but its names do.
            Atom::Path { url, verb } => {
                self.resource_names.is_empty() && has(&self.verbs, verb) && self.urls_cover(url)
            }
        }
    }

    fn names_cover(&self, name: Option<&str>) -> bool {
        self.resource_names.is_empty()
            || name.is_some_and(|name| self.resource_names.iter().any(|own| own == name))
    }

    /// `*/scale` covers the `scale` of a resource; what follows the first slash counts.
    fn resources_cover(&self, resource: &str) -> bool {
        let subresource = resource.split_once('/').map(|(_, subresource)| subresource);
        self.resources.iter().any(|own| {
            own == ALL
                || own == resource
                || subresource.is_some_and(|subresource| own.strip_prefix("*/") == Some(subresource))
        })
    }

    fn urls_cover(&self, url: &str) -> bool {
        let covers =
            |own: &String| own == url || (own.ends_with('*') && url.starts_with(own.trim_end_matches('*')));
        self.non_resource_urls.iter().any(covers)
    }

    /// Whether the rule alone gives all that another gives; then none of its atoms need be looked at. Where this says no, the atoms may still
    /// be covered one by one, by several rules.
    fn covers_whole(&self, other: &Self) -> bool {
        let all = |own: &[String], others: &[String]| others.iter().all(|one| has(own, one));
        let names = self.resource_names.is_empty()
            || (!other.resource_names.is_empty()
                && other.non_resource_urls.is_empty()
                && other.resource_names.iter().all(|name| self.resource_names.contains(name)));
        names
            && all(&self.verbs, &other.verbs)
            && all(&self.api_groups, &other.api_groups)
            && other.resources.iter().all(|resource| self.resources_cover(resource))
            && other.non_resource_urls.iter().all(|url| self.urls_cover(url))
    }
}

fn has(own: &[String], one: &str) -> bool {
    own.iter().any(|own| own == ALL || own == one)
}

/// Of how many rules an owner is worth compiling for one servant.
const WORTH_COMPILING: usize = 12;

/// The atoms of `servant` that no rule of `owner` covers, in their order; none where all are covered. For many servants of one owner, compile
/// it once as an [`Owner`].
pub fn uncovered<'s>(owner: &[&Rule], servant: impl IntoIterator<Item = &'s Rule>) -> Vec<Atom<'s>> {
    if owner.len() >= WORTH_COMPILING {
        return Owner::of(owner.iter().copied()).uncovered(servant);
    }
    let mut missing = Vec::new();
    for rule in servant {
        if owner.iter().any(|own| own.covers_whole(rule)) {
            continue;
        }
        missing.extend(rule.atoms().filter(|atom| !owner.iter().any(|own| own.covers(atom))));
    }
    missing
}

/// Atoms with one group, resource and name as one, their verbs together; paths stay alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compact<'r> {
    /// The first atom.
    pub atom: Atom<'r>,
    /// The verbs, in their order.
    pub verbs: Vec<&'r str>,
}

/// Puts atoms together that differ by nothing but the verb. With `distinct`, no verb is there twice. The reference goes through a map here and
/// sorts later; the order given here is that of the first atoms, paths first.
/// Source: k8s.io/kubectl `pkg/util/rbac/rbac.go` (`CompactRules`, distinct) and k8s.io/kubernetes
/// `pkg/registry/rbac/validation/policy_compact.go` (not distinct).
pub fn compact<'r>(atoms: impl IntoIterator<Item = Atom<'r>>, distinct: bool) -> Vec<Compact<'r>> {
    let (mut paths, mut resources): (Vec<Compact<'r>>, Vec<Compact<'r>>) = (Vec::new(), Vec::new());
    let mut places: std::collections::HashMap<(&str, &str, Option<&str>), usize> =
        std::collections::HashMap::new();
    for atom in atoms {
        match atom {
            Atom::Path { verb, .. } => paths.push(Compact { atom, verbs: vec![verb] }),
            Atom::Resource { group, resource, verb, name } => {
                let place = *places.entry((group, resource, name)).or_insert(resources.len());
                match resources.get_mut(place) {
                    Some(compact) if distinct && compact.verbs.contains(&verb) => {}
                    Some(compact) => compact.verbs.push(verb),
                    None => resources.push(Compact { atom, verbs: vec![verb] }),
                }
            }
        }
    }
    paths.append(&mut resources);
    paths
}

impl Compact<'_> {
    /// As an error message shows it: `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`.
    /// Source: k8s.io/kubernetes `pkg/apis/rbac/v1/evaluation_helpers.go` (`CompactString`).
    pub fn text(&self) -> String {
        let verbs: Vec<String> = self.verbs.iter().map(|verb| go_quote(verb)).collect();
        let verbs = verbs.join(" ");
        match self.atom {
            Atom::Path { url, .. } => format!("{{NonResourceURLs:[{}], Verbs:[{verbs}]}}", go_quote(url)),
            Atom::Resource { group, resource, name, .. } => {
                let name =
                    name.map_or_else(String::new, |name| format!(", ResourceNames:[{}]", go_quote(name)));
                let (group, resource) = (go_quote(group), go_quote(resource));
                format!("{{APIGroups:[{group}], Resources:[{resource}]{name}, Verbs:[{verbs}]}}")
            }
        }
    }
}

/// The lines of an error message about atoms that are missing, sorted, none twice.
pub fn compact_lines<'r>(atoms: impl IntoIterator<Item = Atom<'r>>) -> Vec<String> {
    let mut lines: Vec<String> = compact(atoms, false).iter().map(Compact::text).collect();
    lines.sort();
    lines.dedup();
    lines
}
