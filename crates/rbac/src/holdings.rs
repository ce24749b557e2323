//! All that each subject holds by bindings that name it, as atoms: everywhere, and in each namespace what is held only there.

use std::collections::{BTreeMap, HashMap};

use crate::attributes::service_account_user;
use crate::covers::Atom;
use crate::matching::{ALL, url_matches};
use crate::model::{Binding, RuleAt, Subject};
use crate::policy::Policy;

/// A subject by its kind and the name that the authorizer compares: a service account is a user.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Who {
    /// Whether it is a group.
    pub is_group: bool,
    /// The user's or group's name.
    pub name: String,
}

impl Who {
    /// The subject of a binding; `None` where it is nobody.
    pub fn of(subject: &Subject, binding: &Binding) -> Option<Self> {
        match subject.kind.as_str() {
            "User" | "Group" => Some(Self { is_group: subject.kind == "Group", name: subject.name.clone() }),
            "ServiceAccount" => {
                let own = Some(subject.namespace.as_str()).filter(|namespace| !namespace.is_empty());
                let namespace =
                    own.or(binding.namespace.as_deref()).filter(|namespace| !namespace.is_empty())?;
                Some(Self { is_group: false, name: service_account_user(namespace, &subject.name) })
            }
            _ => None,
        }
    }
}

/// What gives an atom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct By {
    /// Index of the binding.
    pub binding: usize,
    /// The rule.
    pub rule: RuleAt,
}

/// Atoms that are held in one place, each with the first that gives it.
pub type Atoms<'p> = HashMap<Atom<'p>, By>;

/// What one subject holds.
#[derive(Clone, Debug, Default)]
pub struct Holdings<'p> {
    /// By `ClusterRoleBindings`.
    pub everywhere: Atoms<'p>,
    /// By `RoleBindings`, for each namespace.
    pub within: BTreeMap<&'p str, Atoms<'p>>,
}

/// What a subject holds, nothing of it said twice. In no order.
#[derive(Clone, Debug, Default)]
pub struct Least<'p> {
    /// By `ClusterRoleBindings`.
    pub everywhere: Vec<(Atom<'p>, By)>,
    /// By `RoleBindings`, for each namespace.
    pub within: BTreeMap<&'p str, Vec<(Atom<'p>, By)>>,
}

impl<'p> Holdings<'p> {
    /// Whether an atom is held in a namespace, or everywhere where none is given, by one atom that covers it.
    pub fn cover(&self, namespace: Option<&str>, atom: &Atom<'_>) -> bool {
        covered_in(&self.everywhere, atom, false)
            || namespace
                .and_then(|namespace| self.within.get(namespace))
                .is_some_and(|atoms| covered_in(atoms, atom, false))
    }

    /// The atoms that say something that no other says.
    pub fn least(&self) -> Least<'p> {
        let everywhere = self.everywhere.iter().filter(|(atom, _)| !covered_in(&self.everywhere, atom, true));
        let within = self.within.iter().map(|(namespace, atoms)| {
            let own = atoms.iter().filter(|(atom, _)| {
                !covered_in(atoms, atom, true) && !covered_in(&self.everywhere, atom, false)
            });
            (*namespace, own.map(|(atom, by)| (*atom, *by)).collect::<Vec<_>>())
        });
        Least {
            everywhere: everywhere.map(|(atom, by)| (*atom, *by)).collect(),
            within: within.filter(|(_, atoms)| !atoms.is_empty()).collect(),
        }
    }
}

/// Whether an atom is covered by one among those held; with `by_others`, by another than itself. Costs a look-up for each way in which stars may
/// stand for its parts, and for paths a look at all.
fn covered_in(held: &Atoms<'_>, atom: &Atom<'_>, by_others: bool) -> bool {
    match *atom {
        Atom::Resource { group, resource, verb, name } => {
            let of_any = resource.split_once('/').map(|(_, subresource)| format!("*/{subresource}"));
            let resources = [Some(resource), of_any.as_deref(), Some(ALL)];
            for resource in resources.into_iter().flatten() {
                for group in [group, ALL] {
                    for verb in [verb, ALL] {
                        for name in [name, None] {
                            let wider = Atom::Resource { group, resource, verb, name };
                            if (!by_others || wider != *atom) && held.contains_key(&wider) {
                                return true;
                            }
                        }
                    }
                }
            }
            false
        }
        Atom::Path { url, verb } => held.keys().any(|wider| match wider {
            Atom::Path { url: own, verb: does } => {
                let covers = url_matches(own, url) && (*does == ALL || *does == verb);
                // Of two that cover each other, as `/a*` and `/a**` do, the first in order stays.
                let mutual = url_matches(url, own) && (verb == ALL || verb == *does);
                covers && !(by_others && mutual && (*own, *does) >= (url, verb))
            }
            Atom::Resource { .. } => false,
        }),
    }
}

impl Policy {
    /// What each subject holds. Costs the atoms of each role once for each subject bound to it.
    pub fn holdings(&self) -> BTreeMap<Who, Holdings<'_>> {
        let mut all: BTreeMap<Who, Holdings<'_>> = BTreeMap::new();
        let scopes = std::iter::once((None, self.cluster_bindings()))
            .chain(self.bound_namespaces().map(|namespace| (Some(namespace), self.bindings_in(namespace))));
        for (namespace, bindings) in scopes {
            for index in bindings.iter().copied() {
                let binding = &self.bindings()[index];
                let Ok(role) = self.resolve(&binding.role_ref, namespace.unwrap_or_default()) else {
                    continue;
                };
                for subject in &binding.subjects {
                    let Some(who) = Who::of(subject, binding) else { continue };
                    let holdings = all.entry(who).or_default();
                    let atoms = match namespace {
                        Some(namespace) => holdings.within.entry(namespace).or_default(),
                        None => &mut holdings.everywhere,
                    };
                    for (rule, stated) in self.roles()[role].rules.iter().enumerate() {
                        for atom in stated.atoms() {
                            // Paths are given everywhere or not at all.
                            if namespace.is_some() && matches!(atom, Atom::Path { .. }) {
                                continue;
                            }
                            atoms.entry(atom).or_insert(By { binding: index, rule: RuleAt { role, rule } });
                        }
                    }
                }
            }
        }
        all
    }
}
