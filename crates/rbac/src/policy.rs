//! Roles and bindings together, and what holds for a user. Source: k8s.io/kubernetes `pkg/registry/rbac/validation/rule.go`
//! (`DefaultRuleResolver`).

use std::collections::HashMap;
use std::fmt;

use ringwall_model::go::{go_aggregate, go_quote};
use ringwall_model::version::Minor;

use crate::aggregate::Stored;
use crate::attributes::User;
use crate::model::{Binding, RbacObject, Role, RoleRef, Rule};

/// Roles and bindings, in the order in which they were given. Nothing is said twice of one role: a later one of the same name takes the
/// place of the earlier one.
#[derive(Clone, Debug)]
pub struct Policy {
    version: Minor,
    roles: Vec<Role>,
    bindings: Vec<Binding>,
    cluster_roles: HashMap<String, usize>,
    namespaced_roles: HashMap<String, HashMap<String, usize>>,
    cluster_bindings: Vec<usize>,
    namespaced_bindings: HashMap<String, Vec<usize>>,
    /// What aggregated roles had in the cluster, by index.
    stored_rules: HashMap<usize, Stored>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            version: Minor::NEWEST,
            roles: Vec::new(),
            bindings: Vec::new(),
            cluster_roles: HashMap::new(),
            namespaced_roles: HashMap::new(),
            cluster_bindings: Vec::new(),
            namespaced_bindings: HashMap::new(),
            stored_rules: HashMap::new(),
        }
    }
}

/// Why a role could not be resolved, in the reference's words.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Unresolved {
    /// There is no such role.
    NotFound {
        /// Whether it should be a `ClusterRole`.
        cluster: bool,
        /// Its name.
        name: String,
    },
    /// The `roleRef` is of no kind that the authorizer knows.
    UnsupportedKind(String),
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { cluster, name } => {
                let resource = if *cluster { "clusterrole" } else { "role" };
                write!(f, "{resource}.rbac.authorization.k8s.io {} not found", go_quote(name))
            }
            Self::UnsupportedKind(kind) => write!(f, "unsupported role reference kind: {}", go_quote(kind)),
        }
    }
}

/// A binding that holds for a user, or a rule by it.
#[derive(Clone, Copy, Debug)]
pub struct Held<'p> {
    /// Index of the binding.
    pub binding: usize,
    /// Index of the first of its subjects that is the user.
    pub subject: usize,
    /// Index of the role.
    pub role: usize,
    /// The role's rules.
    pub rules: &'p [Rule],
}

impl Policy {
    /// Says in which version's words it answers; the newest is the default.
    #[must_use]
    pub fn of_version(mut self, version: Minor) -> Self {
        self.version = version;
        self
    }

    /// The version in whose words it answers.
    pub const fn version(&self) -> Minor {
        self.version
    }

    /// Takes objects together, in their order.
    pub fn of(objects: impl IntoIterator<Item = RbacObject>) -> Self {
        let mut policy = Self::default();
        for object in objects {
            policy.add(object);
        }
        policy
    }

    /// Adds an object. A role takes the place of an earlier one of its name; bindings are not compared.
    pub fn add(&mut self, object: RbacObject) {
        match object {
            RbacObject::Role(role) => {
                let next = self.roles.len();
                let slot = match &role.namespace {
                    Some(namespace) => self
                        .namespaced_roles
                        .entry(namespace.clone())
                        .or_default()
                        .entry(role.name.clone())
                        .or_insert(next),
                    None => self.cluster_roles.entry(role.name.clone()).or_insert(next),
                };
                if *slot == next {
                    self.roles.push(role);
                } else {
                    self.stored_rules.remove(slot);
                    self.roles[*slot] = role;
                }
            }
            RbacObject::Binding(binding) => {
                let index = self.bindings.len();
                match &binding.namespace {
                    Some(namespace) => {
                        self.namespaced_bindings.entry(namespace.clone()).or_default().push(index);
                    }
                    None => self.cluster_bindings.push(index),
                }
                self.bindings.push(binding);
            }
        }
    }

    /// Adds an object that has no name yet: no name leads to it, and it takes no other's place.
    pub(crate) fn add_nameless(&mut self, object: RbacObject) {
        match object {
            RbacObject::Role(role) => self.roles.push(role),
            binding @ RbacObject::Binding(_) => self.add(binding),
        }
    }

    /// Puts an object in the place of the one of its kind, namespace and name, or adds it. Costs a look at each binding of its namespace.
    /// Returns the object's index among the roles or bindings.
    pub fn set(&mut self, object: RbacObject) -> usize {
        match object {
            RbacObject::Binding(binding) => {
                if let Some(index) = self.binding(binding.namespace.as_deref(), &binding.name) {
                    self.bindings[index] = binding;
                    return index;
                }
                self.add(RbacObject::Binding(binding));
                self.bindings.len() - 1
            }
            RbacObject::Role(role) => {
                let (namespace, name) = (role.namespace.clone(), role.name.clone());
                self.add(RbacObject::Role(role));
                self.role(namespace.as_deref(), &name).unwrap_or_default()
            }
        }
    }

    /// Takes a role away, if it is there; its index stays taken by a role without rules that no name leads to.
    pub fn remove_role(&mut self, namespace: Option<&str>, name: &str) -> Option<usize> {
        let index = match namespace {
            Some(namespace) => self.namespaced_roles.get_mut(namespace)?.remove(name)?,
            None => self.cluster_roles.remove(name)?,
        };
        self.stored_rules.remove(&index);
        let role = &mut self.roles[index];
        *role = Role {
            namespace: role.namespace.take(),
            name: std::mem::take(&mut role.name),
            ..Role::default()
        };
        Some(index)
    }

    /// Takes a binding away, if it is there; its index stays taken by a binding without subjects that counts nowhere.
    pub fn remove_binding(&mut self, namespace: Option<&str>, name: &str) -> Option<usize> {
        let index = self.binding(namespace, name)?;
        match namespace {
            Some(namespace) => {
                self.namespaced_bindings.entry(namespace.to_owned()).or_default().retain(|one| *one != index);
            }
            None => self.cluster_bindings.retain(|one| *one != index),
        }
        self.bindings[index].subjects.clear();
        Some(index)
    }

    /// The index of a binding by its namespace (`None` for a `ClusterRoleBinding`) and name. Costs a look at each of the namespace.
    pub fn binding(&self, namespace: Option<&str>, name: &str) -> Option<usize> {
        let list =
            namespace.map_or(self.cluster_bindings.as_slice(), |namespace| self.bindings_in(namespace));
        list.iter().copied().find(|index| self.bindings[*index].name == name)
    }

    /// The index of a role by its namespace (`None` for a `ClusterRole`) and name.
    pub fn role(&self, namespace: Option<&str>, name: &str) -> Option<usize> {
        match namespace {
            Some(namespace) => self.role_in(namespace, name),
            None => self.cluster_role(name),
        }
    }

    /// All roles.
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// All roles, to have their rules changed.
    pub(crate) fn roles_mut(&mut self) -> &mut [Role] {
        &mut self.roles
    }

    /// What aggregated roles had in the cluster, by index.
    pub(crate) fn stored_rules(&self) -> &HashMap<usize, Stored> {
        &self.stored_rules
    }

    /// The same, to be added to.
    pub(crate) fn stored_rules_mut(&mut self) -> &mut HashMap<usize, Stored> {
        &mut self.stored_rules
    }

    /// All bindings.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// Indexes of the `ClusterRoleBindings`, in order.
    pub fn cluster_bindings(&self) -> &[usize] {
        &self.cluster_bindings
    }

    /// Indexes of the `RoleBindings` of a namespace, in order.
    pub fn bindings_in(&self, namespace: &str) -> &[usize] {
        self.namespaced_bindings.get(namespace).map_or(&[], Vec::as_slice)
    }

    /// The namespaces that have `RoleBindings`, in no order.
    pub fn bound_namespaces(&self) -> impl Iterator<Item = &str> {
        self.namespaced_bindings.keys().map(String::as_str)
    }

    /// The index of a `ClusterRole`.
    pub fn cluster_role(&self, name: &str) -> Option<usize> {
        self.cluster_roles.get(name).copied()
    }

    /// The index of a Role.
    pub fn role_in(&self, namespace: &str, name: &str) -> Option<usize> {
        self.namespaced_roles.get(namespace)?.get(name).copied()
    }

    /// The index of the role that a binding of this namespace (`""` for a `ClusterRoleBinding`) refers to.
    ///
    /// # Errors
    /// [`Unresolved`] where there is none.
    pub fn resolve(&self, reference: &RoleRef, namespace: &str) -> Result<usize, Unresolved> {
        let (found, cluster) = match reference.kind.as_str() {
            "Role" => (self.role_in(namespace, &reference.name), false),
            "ClusterRole" => (self.cluster_role(&reference.name), true),
            kind => return Err(Unresolved::UnsupportedKind(kind.to_owned())),
        };
        found.ok_or_else(|| Unresolved::NotFound { cluster, name: reference.name.clone() })
    }

    /// The indexes of the bindings that count in a namespace, in the authorizer's order: those of all namespaces, then those of this one.
    /// `""` is the cluster scope, where only the former count.
    pub fn counting_in(&self, namespace: &str) -> impl Iterator<Item = usize> + '_ {
        let local: &[usize] = if namespace.is_empty() { &[] } else { self.bindings_in(namespace) };
        self.cluster_bindings.iter().chain(local).copied()
    }

    /// Walks what a user holds in a namespace, binding by binding in the authorizer's order, or why a binding gives nothing. Costs a look at
    /// each subject of each binding that counts there.
    pub fn held<'p>(
        &'p self,
        user: &'p User,
        namespace: &'p str,
    ) -> impl Iterator<Item = Result<Held<'p>, Unresolved>> + 'p {
        self.counting_in(namespace).filter_map(move |index| {
            let binding = &self.bindings[index];
            let within = binding.namespace.as_deref().unwrap_or_default();
            let subject = binding.subjects.iter().position(|subject| subject.is(user, within))?;
            Some(self.resolve(&binding.role_ref, within).map(|role| Held {
                binding: index,
                subject,
                role,
                rules: &self.roles[role].rules,
            }))
        })
    }

    /// All rules that hold for a user in a namespace, and what could not be resolved.
    pub fn rules_for<'p>(&'p self, user: &'p User, namespace: &'p str) -> (Vec<&'p Rule>, Vec<Unresolved>) {
        let (mut rules, mut errors) = (Vec::new(), Vec::new());
        for held in self.held(user, namespace) {
            match held {
                Ok(held) => rules.extend(held.rules),
                Err(error) => errors.push(error),
            }
        }
        (rules, errors)
    }

    /// How the reference names a binding that holds for a subject of it: `ClusterRoleBinding "B" of ClusterRole "R" to Group "G"`.
    pub fn describe(&self, binding: usize, subject: usize) -> String {
        let binding = &self.bindings[binding];
        let within = binding.namespace.as_deref();
        let name = match within {
            Some(namespace) => format!("{}/{namespace}", binding.name),
            None => binding.name.clone(),
        };
        let subject = &binding.subjects[subject];
        let who = if subject.kind == "ServiceAccount" {
            let namespace = Some(subject.namespace.as_str()).filter(|namespace| !namespace.is_empty());
            format!("{}/{}", subject.name, namespace.or(within).unwrap_or_default())
        } else {
            subject.name.clone()
        };
        let (kind, role) = (binding.kind(), &binding.role_ref);
        format!(
            "{kind} {} of {} {} to {} {}",
            go_quote(&name),
            role.kind,
            go_quote(&role.name),
            subject.kind,
            go_quote(&who)
        )
    }
}

/// The errors as one text; `None` where there are none. See [`go_aggregate`].
pub fn aggregate(errors: &[Unresolved]) -> Option<String> {
    go_aggregate(errors)
}
