//! The policy of a cluster, from the objects that are known of it.

use std::collections::{HashMap, HashSet};

use ringwall_model::snapshot::Snapshot;
use ringwall_model::version::Minor;

use crate::aggregate::Unsettled;
use crate::default_policy;
use crate::model::{Origin, RbacObject};
use crate::policy::Policy;

/// The namespace of what states none, as `kubectl apply` has it where nobody says another.
pub const DEFAULT_NAMESPACE: &str = "default";

impl Policy {
    /// The policy of the cluster that a snapshot is of: its own objects, and of the default policy of `version` what it does not hold itself. Of
    /// two objects of one name the last counts. Aggregated roles get the rules of those that they select; those that were read from a cluster
    /// ([`crate::model::Role::stored`]) keep theirs, and get what is new since ([`Policy::aggregate`]). What aggregation does not settle is told.
    ///
    /// Default objects come first, then those of the snapshot in its order. Costs a pass over the objects, and reading the default policy.
    pub fn of_snapshot(snapshot: &Snapshot, version: Minor) -> (Self, Unsettled) {
        let mut objects: Vec<RbacObject> = default_policy::of(version);
        let mut places: HashMap<Name, usize> =
            objects.iter().enumerate().map(|(place, object)| (Name::of(object), place)).collect();
        let mut own = Vec::new();
        let mut replaced = Vec::new();
        let mut no_name = HashSet::new();
        let defaults = objects.len();
        for (index, object) in snapshot.objects() {
            let Some(read) = RbacObject::read(object, Origin::Object(index), DEFAULT_NAMESPACE) else {
                continue;
            };
            // Without a name each is an object of its own.
            let nameless = object.root().str_at(&["metadata", "name"]).is_none_or(str::is_empty);
            if nameless {
                no_name.insert(defaults + own.len());
            } else if let Some(before) = places.insert(Name::of(&read), defaults + own.len()) {
                replaced.push(before);
            }
            own.push(read);
        }
        objects.extend(own);
        replaced.sort_unstable();
        let mut gone = Vec::new();
        let mut policy = Self::default().of_version(version);
        for (place, object) in objects.into_iter().enumerate() {
            match object {
                _ if no_name.contains(&place) => policy.add_nameless(object),
                _ if replaced.binary_search(&place).is_err() => policy.add(object),
                RbacObject::Role(role) if role.stored || role.origin == Origin::Default => gone.push(role),
                _ => {}
            }
        }
        let unsettled = policy.aggregate_after(|role| role.stored, &gone);
        (policy, unsettled)
    }
}

/// Whether an object has no name yet: the API server makes one from `generateName`, another each time.
pub(crate) fn is_nameless(name: &str) -> bool {
    name.is_empty() || name.ends_with('*')
}

/// Who an object of RBAC is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Name {
    is_role: bool,
    namespace: Option<String>,
    name: String,
}

impl Name {
    fn of(object: &RbacObject) -> Self {
        let (is_role, namespace, name) = match object {
            RbacObject::Role(role) => (true, &role.namespace, &role.name),
            RbacObject::Binding(binding) => (false, &binding.namespace, &binding.name),
        };
        Self { is_role, namespace: namespace.clone(), name: name.clone() }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use ringwall_input::{Options, load};
    use ringwall_model::snapshot::Facts;

    use super::*;
    use crate::attributes::{Action, ResourceAction, User};

    fn snapshot(text: &str) -> Snapshot {
        let mut bytes = text.as_bytes();
        let input = load(&[PathBuf::from("-")], &mut bytes, &Options::default(), &());
        assert_eq!(input.problems, []);
        Snapshot::new(input.objects, Facts::default())
    }

    fn may(policy: &Policy, user: &str, verb: &str, resource: &str, namespace: &str) -> bool {
        let action = ResourceAction { verb, resource, namespace, ..ResourceAction::default() };
        let user = User::impersonated(user);
        matches!(policy.answer(&user, &Action::Resource(action)), crate::authorize::Answer::Allowed(_))
    }

    const RBAC: &str = "apiVersion: rbac.authorization.k8s.io/v1\n";

    #[test]
    fn the_default_policy_is_there_for_what_the_snapshot_lacks() {
        let text = format!(
            "{RBAC}kind: RoleBinding
metadata: {{name: web}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}}
subjects: [{{kind: ServiceAccount, name: web}}]
---
{RBAC}kind: ClusterRole
metadata: {{name: more, labels: {{rbac.authorization.k8s.io/aggregate-to-view: \"true\"}}}}
rules: [{{apiGroups: [\"\"], resources: [nodes], verbs: [get]}}]
"
        );
        let (policy, unsettled) = Policy::of_snapshot(&snapshot(&text), Minor::NEWEST);
        assert_eq!(unsettled, Unsettled::default());
        let web = "system:serviceaccount:default:web";
        assert!(may(&policy, web, "list", "pods", "default"), "no namespace is `default`");
        assert!(may(&policy, web, "get", "nodes", "default"), "what is aggregated");
        assert!(!may(&policy, web, "list", "pods", "shop"));
        assert!(!may(&policy, web, "list", "secrets", "default"));
    }

    #[test]
    fn a_cluster_has_its_own_say_and_what_it_computed_is_kept() {
        let text = format!(
            "{RBAC}kind: ClusterRole
metadata: {{name: view, uid: a-b}}
aggregationRule: {{clusterRoleSelectors: [{{matchLabels: {{rbac.authorization.k8s.io/aggregate-to-view: \"true\"}}}}]}}
rules: [{{apiGroups: [\"\"], resources: [secrets], verbs: [get]}}]
---
{RBAC}kind: ClusterRoleBinding
metadata: {{name: jane}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}}
subjects: [{{kind: User, name: jane, apiGroup: rbac.authorization.k8s.io}}]
"
        );
        let (policy, _) = Policy::of_snapshot(&snapshot(&text), Minor::NEWEST);
        assert!(may(&policy, "jane", "get", "secrets", ""));
        assert!(!may(&policy, "jane", "get", "pods", ""));
    }

    #[test]
    fn the_last_of_one_name_counts_and_what_has_no_name_counts_each() {
        let binding = |name: &str, user: &str| {
            format!(
                "{RBAC}kind: ClusterRoleBinding
metadata: {{{name}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}}
subjects: [{{kind: User, name: {user}, apiGroup: rbac.authorization.k8s.io}}]
---
"
            )
        };
        let text = [
            binding("name: one", "jane"),
            binding("name: one", "john"),
            binding("generateName: some-", "ann"),
            binding("generateName: some-", "bob"),
        ]
        .concat();
        let (policy, _) = Policy::of_snapshot(&snapshot(&text), Minor::NEWEST);
        let who = ["jane", "john", "ann", "bob"].map(|user| may(&policy, user, "get", "pods", ""));
        assert_eq!(who, [false, true, true, true]);
    }

    #[test]
    fn a_star_in_a_name_is_a_letter_and_no_name_is_none() {
        let role = |name: &str, resource: &str| {
            format!(
                "{RBAC}kind: ClusterRole
metadata: {{{name}, labels: {{more: \"true\"}}}}
rules: [{{apiGroups: [\"\"], resources: [{resource}], verbs: [get]}}]
---
"
            )
        };
        let binding = |name: &str, user: &str, role: &str| {
            format!(
                "{RBAC}kind: ClusterRoleBinding
metadata: {{name: \"{name}\"}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: \"{role}\"}}
subjects: [{{kind: User, name: {user}, apiGroup: rbac.authorization.k8s.io}}]
---
"
            )
        };
        let text = [
            role("generateName: some-", "pods"),
            role("generateName: some-", "nodes"),
            role("name: \"star*\"", "secrets"),
            format!(
                "{RBAC}kind: ClusterRole
metadata: {{name: all}}
aggregationRule: {{clusterRoleSelectors: [{{matchLabels: {{more: \"true\"}}}}]}}
---
"
            ),
            binding("one*", "jane", "star*"),
            binding("one*", "john", "star*"),
            binding("two", "ann", "all"),
            binding("three", "bob", "some-*"),
        ]
        .concat();
        let (policy, _) = Policy::of_snapshot(&snapshot(&text), Minor::NEWEST);
        let may = |user: &str| ["pods", "nodes", "secrets"].map(|what| may(&policy, user, "get", what, ""));
        assert_eq!(may("jane"), [false; 3], "the last of a name counts");
        assert_eq!(may("john"), [false, false, true]);
        assert_eq!(may("ann"), [true; 3], "what has no name yet is taken in");
        assert_eq!(may("bob"), [false; 3], "no name leads to it");
    }
}
