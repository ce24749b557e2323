//! The things that a gain is at a place.

use super::catalogue::Gain;
use super::graph::Graph;
use super::thing::{At, Identity, Thing, Which};
use crate::attributes::MASTERS;
use crate::model::RoleKind;

/// Group names that bootstrap tokens may have. Source: k8s.io/cluster-bootstrap `token/api/types.go`.
const BOOTSTRAPPERS: &str = "system:bootstrappers";

impl Graph<'_> {
    /// The things that a gain is at a place.
    pub(super) fn targets(&mut self, row: u16, gain: Gain, at: At, names: Option<&[&str]>) -> Vec<Thing> {
        match gain {
            Gain::Everything => vec![Thing::Everything],
            Gain::EverythingHere => vec![all_at(at)],
            Gain::BindRoles { role, everywhere } => {
                self.bound_roles(role, if everywhere { At::All } else { at }, everywhere, names)
            }
            Gain::RoleRules(kind) => match names {
                None => vec![Thing::AllRoleRules(kind, at)],
                Some(names) => {
                    let roles =
                        names.iter().flat_map(|name| self.roles_named(kind, at, name)).collect::<Vec<_>>();
                    roles.into_iter().map(|(role, _)| Thing::RoleRules(role)).collect()
                }
            },
            Gain::NewRoles(kind) => match names {
                None => vec![Thing::NewRoles(kind, at, None)],
                Some(names) => {
                    names.iter().map(|name| Thing::NewRoles(kind, at, Some(self.name(name)))).collect()
                }
            },
            Gain::Accounts => match names {
                None => vec![Thing::Accounts(at)],
                Some(names) => self.accounts_named(at, names),
            },
            Gain::Users => match names {
                None => vec![Thing::Users],
                Some(names) => {
                    let users = names.iter().map(|name| Identity::User((*name).to_owned()));
                    users.filter_map(|user| self.identity(&user)).map(Thing::Identity).collect()
                }
            },
            Gain::Groups => match names {
                None => vec![Thing::Everything],
                Some(names) if names.contains(&MASTERS) => vec![Thing::Everything],
                Some(names) => {
                    names.iter().filter_map(|name| self.group(name)).map(Thing::Identity).collect()
                }
            },
            Gain::AnyUser => vec![Thing::AnyUser],
            Gain::BootstrapGroups => bootstrap_groups(self),
            Gain::NodeIdentity => match names {
                None => vec![Thing::NodeIdentity(Which::Any)],
                Some(names) => {
                    names.iter().map(|name| Thing::NodeIdentity(Which::Named(self.name(name)))).collect()
                }
            },
            Gain::Secrets => match (names, at) {
                (None, _) => vec![Thing::Secrets(at)],
                (Some(names), At::In(namespace)) => {
                    names.iter().map(|name| Thing::Secret(namespace, self.name(name))).collect()
                }
                (Some(names), At::All) => {
                    let facts = self.facts;
                    let known =
                        facts.token_secrets.iter().filter(|secret| names.contains(&secret.name.as_str()));
                    known
                        .map(|secret| Thing::Secret(self.name(&secret.namespace), self.name(&secret.name)))
                        .collect()
                }
            },
            Gain::OwnPods => vec![Thing::OwnPods(at)],
            Gain::Pods => match names {
                None => vec![Thing::Pods(at)],
                Some(names) => self.pods_named(at, names),
            },
            Gain::PodsOfNode => match names {
                None => vec![Thing::Pods(At::All)],
                Some(names) => names.iter().map(|name| Thing::PodsOfNode(self.name(name))).collect(),
            },
            Gain::NodeRoot => vec![Thing::NodeRoot(Which::Any)],
            Gain::NodeOfPod => {
                let which = if at == At::All { Which::Any } else { Which::Some };
                vec![Thing::NodeRoot(which)]
            }
            Gain::NamespaceLabels => vec![Thing::Labels(at)],
            Gain::NewAccounts => match at {
                At::In(_) => vec![Thing::NewAccounts(at)],
                At::All => {
                    let made: Vec<Thing> = self
                        .things
                        .iter()
                        .filter(|thing| matches!(thing, Thing::NewAccounts(At::In(_))))
                        .copied()
                        .collect();
                    std::iter::once(Thing::NewAccounts(At::All)).chain(made).collect()
                }
            },
            Gain::Controller(accounts) => {
                let known: Vec<Thing> = self.accounts_named(At::All, accounts);
                if known.is_empty() { vec![Thing::Controller(row)] } else { known }
            }
            // These are followed from what is held, or go no further.
            Gain::RightsOfRole
            | Gain::JoinBindings { .. }
            | Gain::PodAccounts
            | Gain::PodSecrets
            | Gain::TokensInSecrets
            | Gain::MissingAccount
            | Gain::Effect(_) => Vec::new(),
        }
    }

    /// Roles of a kind and name, and where they may be bound.
    fn roles_named(&mut self, kind: RoleKind, at: At, name: &str) -> Vec<(u32, At)> {
        let policy = self.policy;
        match (kind, at) {
            (RoleKind::ClusterRole, _) => {
                policy.cluster_role(name).into_iter().map(|role| (role as u32, at)).collect()
            }
            (RoleKind::Role, At::In(namespace)) => {
                let namespace = self.text(namespace);
                policy.role_in(namespace, name).into_iter().map(|role| (role as u32, at)).collect()
            }
            (RoleKind::Role, At::All) => {
                let roles = policy.roles().iter().enumerate().filter(|(_, role)| role.name == name);
                let named: Vec<(u32, &str)> = roles
                    .filter_map(|(index, role)| Some((index as u32, role.namespace.as_deref()?)))
                    .collect();
                named.into_iter().map(|(role, namespace)| (role, At::In(self.name(namespace)))).collect()
            }
        }
    }

    fn bound_roles(
        &mut self,
        kind: RoleKind,
        at: At,
        everywhere: bool,
        names: Option<&[&str]>,
    ) -> Vec<Thing> {
        let Some(names) = names else {
            return match kind {
                // Every cluster has `cluster-admin`.
                RoleKind::ClusterRole if everywhere => vec![Thing::Everything],
                RoleKind::ClusterRole => match at {
                    At::In(namespace) => vec![Thing::EverythingIn(namespace)],
                    At::All => self.everything_in_each(),
                },
                RoleKind::Role => vec![Thing::RolesOf(at)],
            };
        };
        let mut things = Vec::new();
        for name in names {
            let found = self.roles_named(kind, at, name);
            if found.is_empty() {
                if kind == RoleKind::ClusterRole && *name == "cluster-admin" {
                    things.extend(match at {
                        At::All if everywhere => vec![Thing::Everything],
                        At::All => self.everything_in_each(),
                        At::In(namespace) => vec![Thing::EverythingIn(namespace)],
                    });
                } else {
                    let name = self.name(name);
                    things.push(Thing::BoundMissing(kind, at, name));
                }
            }
            for (role, at) in found {
                match at {
                    At::All if !everywhere => {
                        let each = self.namespaces();
                        things
                            .extend(each.into_iter().map(|namespace| Thing::Bound(role, At::In(namespace))));
                    }
                    _ => things.push(Thing::Bound(role, at)),
                }
            }
        }
        things
    }

    fn everything_in_each(&self) -> Vec<Thing> {
        self.namespaces().map(Thing::EverythingIn).collect()
    }

    fn accounts_named(&self, at: At, names: &[&str]) -> Vec<Thing> {
        let all = names.iter().flat_map(|name| self.accounts_of_name(name)).copied();
        let here = all.filter(|account| match (at, &self.identities[*account as usize]) {
            (At::All, _) => true,
            (At::In(own), Identity::Account { namespace, .. }) => self.text(own) == namespace,
            _ => false,
        });
        here.filter(|account| self.exists(*account)).map(Thing::Identity).collect()
    }

    fn pods_named(&self, at: At, names: &[&str]) -> Vec<Thing> {
        let pods = self.facts.pods.iter().enumerate().filter(|(_, pod)| {
            let here = match at {
                At::All => true,
                At::In(own) => self.text(own) == pod.namespace,
            };
            here && pod.is_pod && names.contains(&pod.name.as_str())
        });
        let found: Vec<Thing> = pods.map(|(index, _)| Thing::Pod(index as u32)).collect();
        if found.is_empty() && !self.facts.complete { vec![Thing::UnknownPods(at)] } else { found }
    }
}

/// Everything at a place.
pub(super) const fn all_at(at: At) -> Thing {
    match at {
        At::All => Thing::Everything,
        At::In(namespace) => Thing::EverythingIn(namespace),
    }
}

/// The groups of bootstrap tokens that a binding names.
pub(super) fn bootstrap_groups(graph: &Graph<'_>) -> Vec<Thing> {
    let all = graph.identities.iter().enumerate();
    all.filter(|(_, one)| match one {
        Identity::Group(name) => {
            name.strip_prefix(BOOTSTRAPPERS).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        }
        _ => false,
    })
    .map(|(index, _)| Thing::Identity(index as u32))
    .collect()
}
