//! The four kinds of RBAC, as the API server decodes them.
//!
//! Objects are read as they are written: what the API server would refuse is kept (see [`crate::validate`]), because the authorizer's
//! answer for it is defined all the same. Source: k8s.io/api `rbac/v1/types.go`, the defaults of k8s.io/kubernetes
//! `pkg/apis/rbac/v1/defaults.go`.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use ringwall_model::decode::{Decode, List, StringMap, fill};
use ringwall_model::decode_fields;
use ringwall_model::object::Object;
use ringwall_model::selector::Selector;
use ringwall_model::tree::Node;

/// The API group of RBAC.
pub const GROUP: &str = "rbac.authorization.k8s.io";

/// Where a role or binding comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The object at this index of the snapshot.
    Object(usize),
    /// The policy that every API server makes when it starts.
    Default,
    /// Nowhere: it is thought of.
    #[default]
    None,
}

/// A `PolicyRule`: what may be done to what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rule {
    /// Verbs, or `*`.
    pub verbs: Vec<String>,
    /// API groups, `""` for the core one, or `*`.
    pub api_groups: Vec<String>,
    /// Resources, `resource/subresource`, `*/subresource` or `*`.
    pub resources: Vec<String>,
    /// Names of objects; empty for all.
    pub resource_names: Vec<String>,
    /// Paths that are no resource, `*` behind them.
    pub non_resource_urls: Vec<String>,
}

/// The rules of a role. A copy is the same list: aggregation gives many roles what it found once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleList(Arc<Vec<Rule>>);

impl RuleList {
    /// Adds a rule. Costs a copy of the list where others have it too.
    pub fn push(&mut self, rule: Rule) {
        Arc::make_mut(&mut self.0).push(rule);
    }
}

impl Deref for RuleList {
    type Target = [Rule];

    fn deref(&self) -> &[Rule] {
        &self.0
    }
}

impl From<Vec<Rule>> for RuleList {
    fn from(rules: Vec<Rule>) -> Self {
        Self(Arc::new(rules))
    }
}

impl FromIterator<Rule> for RuleList {
    fn from_iter<I: IntoIterator<Item = Rule>>(rules: I) -> Self {
        Self(Arc::new(rules.into_iter().collect()))
    }
}

impl PartialEq<&[Rule]> for RuleList {
    fn eq(&self, other: &&[Rule]) -> bool {
        **self == **other
    }
}

impl Extend<Rule> for RuleList {
    fn extend<I: IntoIterator<Item = Rule>>(&mut self, rules: I) {
        Arc::make_mut(&mut self.0).extend(rules);
    }
}

impl IntoIterator for RuleList {
    type Item = Rule;
    type IntoIter = std::vec::IntoIter<Rule>;

    fn into_iter(self) -> Self::IntoIter {
        Arc::unwrap_or_clone(self.0).into_iter()
    }
}

impl<'r> IntoIterator for &'r RuleList {
    type Item = &'r Rule;
    type IntoIter = std::slice::Iter<'r, Rule>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// One demand of a label selector, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Expression {
    /// The label.
    pub key: String,
    /// `In`, `NotIn`, `Exists`, `DoesNotExist`.
    pub operator: String,
    /// The values.
    pub values: Vec<String>,
}

/// A label selector of an aggregation rule: as written, and compiled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleSelector {
    /// `matchLabels`.
    pub match_labels: BTreeMap<String, String>,
    /// `matchExpressions`.
    pub match_expressions: Vec<Expression>,
    /// What it selects; `None` where the reference cannot read it.
    pub compiled: Option<Selector>,
}

/// By what is written; what is compiled follows from it.
impl Hash for RoleSelector {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.match_labels.hash(state);
        self.match_expressions.hash(state);
    }
}

/// A Role or a `ClusterRole`.
#[derive(Clone, Debug, Default)]
pub struct Role {
    /// The namespace of a Role; `None` for a `ClusterRole`.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Its labels, by which others take its rules in.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Its rules.
    pub rules: RuleList,
    /// `aggregationRule` of a `ClusterRole`: whose rules a controller copies into it.
    pub aggregation: Option<Vec<RoleSelector>>,
    /// Where it comes from.
    pub origin: Origin,
    /// For each rule that was copied here by aggregation, the role and rule that it was copied from; empty where none was.
    pub copied_from: Arc<[RuleAt]>,
    /// Whether it was read from a cluster (it has a `uid` or `resourceVersion`): what a controller computed then is there.
    pub stored: bool,
}

/// A rule in a [`crate::policy::Policy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleAt {
    /// Index of the role.
    pub role: usize,
    /// Index of the rule in it.
    pub rule: usize,
}

/// Of which kind a role is, as a `roleRef` and the reference's messages name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RoleKind {
    /// In a namespace.
    Role,
    /// In all.
    ClusterRole,
}

impl RoleKind {
    /// The kind's name.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Role => "Role",
            Self::ClusterRole => "ClusterRole",
        }
    }

    /// The resource's name.
    pub const fn resource(self) -> &'static str {
        match self {
            Self::Role => "roles",
            Self::ClusterRole => "clusterroles",
        }
    }
}

impl Role {
    /// Its kind.
    pub fn kind(&self) -> RoleKind {
        if self.namespace.is_some() { RoleKind::Role } else { RoleKind::ClusterRole }
    }
}

/// A `roleRef`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoleRef {
    /// Not looked at by the authorizer; the API server completes it.
    pub api_group: String,
    /// `Role` or `ClusterRole`; the authorizer knows no others.
    pub kind: String,
    /// The role's name.
    pub name: String,
}

/// A subject of a binding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject {
    /// `User`, `Group` or `ServiceAccount`.
    pub kind: String,
    /// Not looked at by the authorizer; the API server completes it.
    pub api_group: String,
    /// The name.
    pub name: String,
    /// The namespace of a service account.
    pub namespace: String,
}

/// A `RoleBinding` or a `ClusterRoleBinding`.
#[derive(Clone, Debug, Default)]
pub struct Binding {
    /// The namespace of a `RoleBinding`; `None` for a `ClusterRoleBinding`.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// To whom.
    pub subjects: Vec<Subject>,
    /// What.
    pub role_ref: RoleRef,
    /// Where it comes from.
    pub origin: Origin,
}

impl Binding {
    /// The kind's name.
    pub fn kind(&self) -> &'static str {
        if self.namespace.is_some() { "RoleBinding" } else { "ClusterRoleBinding" }
    }

    /// The resource's name.
    pub fn resource(&self) -> &'static str {
        if self.namespace.is_some() { "rolebindings" } else { "clusterrolebindings" }
    }
}

impl RoleRef {
    /// Completes what the API server completes: the API group.
    pub fn complete(&mut self) {
        if self.api_group.is_empty() {
            GROUP.clone_into(&mut self.api_group);
        }
    }

    /// As the API server completes it.
    #[must_use]
    pub fn completed(&self) -> Self {
        let mut completed = self.clone();
        completed.complete();
        completed
    }
}

impl Subject {
    /// Completes what the API server completes: the API group of users and groups.
    pub fn complete(&mut self) {
        if self.api_group.is_empty() && matches!(self.kind.as_str(), "User" | "Group") {
            GROUP.clone_into(&mut self.api_group);
        }
    }

    /// As the API server completes it.
    #[must_use]
    pub fn completed(&self) -> Self {
        let mut completed = self.clone();
        completed.complete();
        completed
    }
}

/// An object of RBAC.
#[derive(Clone, Debug)]
pub enum RbacObject {
    /// A Role or a `ClusterRole`.
    Role(Role),
    /// A `RoleBinding` or a `ClusterRoleBinding`.
    Binding(Binding),
}

impl RbacObject {
    /// Whether an object is of RBAC, whatever its version.
    pub fn is_one(object: &Object) -> bool {
        object.id.group == GROUP
            && matches!(
                object.id.kind.as_str(),
                "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding"
            )
    }

    /// Reads an object, as the API server completes it; `None` where it is of another kind. An object that states no namespace and is of a
    /// kind in namespaces is in `default_namespace`.
    pub fn read(object: &Object, origin: Origin, default_namespace: &str) -> Option<Self> {
        let mut read = Self::read_as_written(object, origin, default_namespace)?;
        read.complete();
        Some(read)
    }

    /// As [`RbacObject::read`], but nothing is completed: so clients see it.
    pub fn read_as_written(object: &Object, origin: Origin, default_namespace: &str) -> Option<Self> {
        if !Self::is_one(object) {
            return None;
        }
        let (root, kind) = (object.root(), object.id.kind.as_str());
        let namespace = (kind == "Role" || kind == "RoleBinding").then(|| {
            let stated = object.id.namespace.as_deref().filter(|namespace| !namespace.is_empty());
            stated.unwrap_or(default_namespace).to_owned()
        });
        if kind.ends_with("Binding") {
            let mut wire = WireBinding::default();
            fill(&mut wire, root);
            let name = object.id.name.clone();
            return Some(Self::Binding(wire.binding(namespace, name, origin)));
        }
        let mut wire = WireRole::default();
        fill(&mut wire, root);
        // Aggregation is for ClusterRoles; a Role has no such field.
        let aggregation = (kind == "ClusterRole").then_some(wire.aggregation).flatten();
        Some(Self::Role(Role {
            namespace,
            name: object.id.name.clone(),
            labels: owned_map(&wire.metadata.labels),
            annotations: owned_map(&wire.metadata.annotations),
            rules: wire.rules.iter().map(WireRule::rule).collect(),
            aggregation: aggregation.map(|rule| rule.selectors.iter().map(WireSelector::selector).collect()),
            origin,
            copied_from: Arc::default(),
            stored: wire.metadata.stored,
        }))
    }
}

impl RbacObject {
    /// Completes what the API server completes: the API groups of a `roleRef` and of subjects.
    pub fn complete(&mut self) {
        if let Self::Binding(binding) = self {
            binding.role_ref.complete();
            binding.subjects.iter_mut().for_each(Subject::complete);
        }
    }

    /// Its namespace; `None` for one of all namespaces.
    pub fn namespace(&self) -> Option<&str> {
        match self {
            Self::Role(role) => role.namespace.as_deref(),
            Self::Binding(binding) => binding.namespace.as_deref(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Role(role) => &role.name,
            Self::Binding(binding) => &binding.name,
        }
    }

    /// The name of its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Role(role) => role.kind().kind(),
            Self::Binding(binding) => binding.kind(),
        }
    }

    /// The name of its resource.
    pub fn resource(&self) -> &'static str {
        match self {
            Self::Role(role) => role.kind().resource(),
            Self::Binding(binding) => binding.resource(),
        }
    }
}

impl WireBinding<'_> {
    fn binding(self, namespace: Option<String>, name: String, origin: Origin) -> Binding {
        let subjects = self.subjects.iter().map(|subject| Subject {
            kind: subject.kind.to_owned(),
            api_group: subject.api_group.to_owned(),
            name: subject.name.to_owned(),
            namespace: subject.namespace.to_owned(),
        });
        Binding {
            namespace,
            name,
            subjects: subjects.collect(),
            role_ref: RoleRef {
                api_group: self.role_ref.api_group.to_owned(),
                kind: self.role_ref.kind.to_owned(),
                name: self.role_ref.name.to_owned(),
            },
            origin,
        }
    }
}

fn owned(list: &List<&str>) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn owned_map(map: &StringMap<'_>) -> BTreeMap<String, String> {
    map.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Reads a list of rules, as it stands under `rules`.
pub fn rules_of(node: Node<'_>) -> Vec<Rule> {
    let mut wire: List<WireRule<'_>> = List::default();
    wire.decode(node);
    wire.iter().map(WireRule::rule).collect()
}

#[derive(Clone, Debug, Default)]
struct WireRole<'t> {
    metadata: WireMeta<'t>,
    rules: List<WireRule<'t>>,
    aggregation: Option<WireAggregation<'t>>,
}
decode_fields!(WireRole<'t> { "metadata" => metadata, "rules" => rules, "aggregationRule" => aggregation });

#[derive(Clone, Debug, Default)]
struct WireRule<'t> {
    verbs: List<&'t str>,
    api_groups: List<&'t str>,
    resources: List<&'t str>,
    resource_names: List<&'t str>,
    non_resource_urls: List<&'t str>,
}
decode_fields!(WireRule<'t> { "verbs" => verbs, "apiGroups" => api_groups, "resources" => resources, "resourceNames" => resource_names, "nonResourceURLs" => non_resource_urls });

#[derive(Clone, Debug, Default)]
struct WireAggregation<'t> {
    selectors: List<WireSelector<'t>>,
}
decode_fields!(WireAggregation<'t> { "clusterRoleSelectors" => selectors });

#[derive(Clone, Debug, Default)]
struct WireExpression<'t> {
    key: &'t str,
    operator: &'t str,
    values: List<&'t str>,
}
decode_fields!(WireExpression<'t> { "key" => key, "operator" => operator, "values" => values });

#[derive(Clone, Debug, Default)]
struct WireBinding<'t> {
    subjects: List<WireSubject<'t>>,
    role_ref: WireReference<'t>,
}
decode_fields!(WireBinding<'t> { "subjects" => subjects, "roleRef" => role_ref });

#[derive(Clone, Debug, Default)]
struct WireSubject<'t> {
    kind: &'t str,
    api_group: &'t str,
    name: &'t str,
    namespace: &'t str,
}
decode_fields!(WireSubject<'t> { "kind" => kind, "apiGroup" => api_group, "name" => name, "namespace" => namespace });

#[derive(Clone, Debug, Default)]
struct WireReference<'t> {
    api_group: &'t str,
    kind: &'t str,
    name: &'t str,
}
decode_fields!(WireReference<'t> { "apiGroup" => api_group, "kind" => kind, "name" => name });

#[derive(Clone, Debug, Default)]
struct WireMeta<'t> {
    labels: StringMap<'t>,
    annotations: StringMap<'t>,
    stored: bool,
}

impl<'t> Decode<'t> for WireMeta<'t> {
    fn decode(&mut self, node: Node<'t>) {
        for entry in node.entries() {
            match entry.key {
                "labels" => self.labels.decode(entry.value),
                "annotations" => self.annotations.decode(entry.value),
                "uid" | "resourceVersion" => {
                    self.stored |= entry.value.as_str().is_some_and(|text| !text.is_empty());
                }
                _ => {}
            }
        }
    }
}

#[derive(Clone, Debug, Default)]
struct WireSelector<'t> {
    match_labels: StringMap<'t>,
    match_expressions: List<WireExpression<'t>>,
    compiled: Option<Selector>,
}

impl<'t> Decode<'t> for WireSelector<'t> {
    fn decode(&mut self, node: Node<'t>) {
        for entry in node.entries() {
            match entry.key {
                "matchLabels" => self.match_labels.decode(entry.value),
                "matchExpressions" => self.match_expressions.decode(entry.value),
                _ => {}
            }
        }
        self.compiled = Selector::compile(node).ok();
    }
}

impl WireSelector<'_> {
    fn selector(&self) -> RoleSelector {
        let expressions = self.match_expressions.iter().map(|expression| Expression {
            key: expression.key.to_owned(),
            operator: expression.operator.to_owned(),
            values: owned(&expression.values),
        });
        RoleSelector {
            match_labels: owned_map(&self.match_labels),
            match_expressions: expressions.collect(),
            compiled: self.compiled.clone(),
        }
    }
}

impl WireRule<'_> {
    fn rule(&self) -> Rule {
        Rule {
            verbs: owned(&self.verbs),
            api_groups: owned(&self.api_groups),
            resources: owned(&self.resources),
            resource_names: owned(&self.resource_names),
            non_resource_urls: owned(&self.non_resource_urls),
        }
    }
}
