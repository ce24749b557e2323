//! An `AuthorizationPolicy` as it is written. Source: istio.io/api `security/v1beta1/authorization_policy.proto`.

use std::collections::BTreeMap;

use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::tree::Node;

use super::place::{Part, Place};
use crate::reader::{Reader, Refusal, field};

/// The API group of the policies.
pub const GROUP: &str = "security.istio.io";

/// The annotation that takes a policy's force from it.
pub const DRY_RUN: &str = "istio.io/dry-run";

/// What a policy does with what it matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// It lets it in, and what no such policy matches is kept out. The default.
    #[default]
    Allow,
    /// It keeps it out.
    Deny,
    /// It notes it; the verdict stays as it is.
    Audit,
    /// It asks an authorizer outside of the mesh.
    Custom,
}

impl Action {
    /// The action's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "ALLOW",
            Self::Deny => "DENY",
            Self::Audit => "AUDIT",
            Self::Custom => "CUSTOM",
        }
    }
}

/// An object that a policy is attached to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TargetRef {
    /// Its API group; empty for the core group.
    pub group: String,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace; empty for that of the policy, and no other is supported.
    pub namespace: String,
}

/// The values of one field, and those of its `not` form. Of values one must match, of the others none may.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Values {
    /// One of these.
    pub values: Vec<String>,
    /// None of these.
    pub not_values: Vec<String>,
}

impl Values {
    /// Whether the field says nothing.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.not_values.is_empty()
    }
}

/// Where a request comes from. All fields that are set must match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Source {
    /// Identities of peers, without `spiffe://`.
    pub principals: Values,
    /// Issuer and subject of a token, `/` between them.
    pub request_principals: Values,
    /// Namespaces of peers.
    pub namespaces: Values,
    /// Service accounts of peers, `name` or `namespace/name`.
    pub service_accounts: Values,
    /// Trust domains of peers.
    pub trust_domains: Values,
    /// Addresses of the connection's other end.
    pub ip_blocks: Values,
    /// Addresses of the client, as the headers tell it.
    pub remote_ip_blocks: Values,
}

/// What a request does. All fields that are set must match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Operation {
    /// Hosts, as the request names them.
    pub hosts: Values,
    /// Ports of the workload.
    pub ports: Values,
    /// Methods.
    pub methods: Values,
    /// Paths.
    pub paths: Values,
}

/// A further condition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Condition {
    /// The attribute.
    pub key: String,
    /// What it may be.
    pub values: Values,
}

/// One rule: one of `from`, one of `to` and all of `when`; a list that is empty is no demand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rule {
    /// Where it comes from.
    pub from: Vec<Source>,
    /// What it does.
    pub to: Vec<Operation>,
    /// What else must hold.
    pub when: Vec<Condition>,
}

/// A list of values of a rule.
#[derive(Clone, Copy, Debug)]
pub struct Field<'r> {
    /// Where it stands.
    pub place: Place,
    /// What it is about: the field without its `not`, `principals`; of a condition its key, `source.principal`.
    pub of: &'r str,
    /// Whether none of the values may match.
    pub negated: bool,
    /// The values.
    pub values: &'r [String],
}

impl Source {
    /// Its fields: both keys, and the values.
    pub fn fields(&self) -> [(Keys, &Values); 7] {
        [
            (["principals", "notPrincipals"], &self.principals),
            (["requestPrincipals", "notRequestPrincipals"], &self.request_principals),
            (["namespaces", "notNamespaces"], &self.namespaces),
            (["serviceAccounts", "notServiceAccounts"], &self.service_accounts),
            (["trustDomains", "notTrustDomains"], &self.trust_domains),
            (["ipBlocks", "notIpBlocks"], &self.ip_blocks),
            (["remoteIpBlocks", "notRemoteIpBlocks"], &self.remote_ip_blocks),
        ]
    }
}

impl Operation {
    /// Its fields: both keys, and the values.
    pub fn fields(&self) -> [(Keys, &Values); 4] {
        [
            (["hosts", "notHosts"], &self.hosts),
            (["ports", "notPorts"], &self.ports),
            (["methods", "notMethods"], &self.methods),
            (["paths", "notPaths"], &self.paths),
        ]
    }
}

/// Both keys of a field: that of its values, and that of those that none may be.
pub type Keys = [&'static str; 2];

impl Values {
    /// Its lists that hold something.
    fn lists<'r>(
        &'r self,
        rule: usize,
        part: Part,
        keys: Keys,
        of: &'r str,
    ) -> impl Iterator<Item = Field<'r>> {
        let both = [(&self.values, keys[0], false), (&self.not_values, keys[1], true)];
        both.into_iter().filter(|(list, ..)| !list.is_empty()).map(move |(list, field, negated)| Field {
            place: Place { rule, part, field },
            of,
            negated,
            values: list,
        })
    }
}

impl Rule {
    /// All lists of values that it states; `index` is its own in its policy.
    pub fn fields(&self, index: usize) -> Vec<Field<'_>> {
        let mut found = Vec::new();
        for (at, source) in self.from.iter().enumerate() {
            for (keys, values) in source.fields() {
                found.extend(values.lists(index, Part::From(at), keys, keys[0]));
            }
        }
        for (at, operation) in self.to.iter().enumerate() {
            for (keys, values) in operation.fields() {
                found.extend(values.lists(index, Part::To(at), keys, keys[0]));
            }
        }
        for (at, condition) in self.when.iter().enumerate() {
            let keys = ["values", "notValues"];
            found.extend(condition.values.lists(index, Part::When(at), keys, &condition.key));
        }
        found
    }
}

/// An `AuthorizationPolicy`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthorizationPolicy {
    /// The object's index in the snapshot.
    pub object: usize,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `metadata.creationTimestamp`, where a cluster gave one.
    pub created: Option<String>,
    /// What it does with what it matches.
    pub action: Action,
    /// The labels of the workloads that it is for; `None` where it names none, empty where it demands none.
    pub selector: Option<BTreeMap<String, String>>,
    /// What it is attached to instead. `targetRef`, the older field, counts where `targetRefs` is empty.
    pub targets: Vec<TargetRef>,
    /// The authorizer that CUSTOM asks.
    pub provider: String,
    /// Whether it only reports.
    pub dry_run: bool,
    /// Its rules, in the places where they are written.
    pub rules: Vec<Rule>,
}

impl AuthorizationPolicy {
    /// Whether the object is one.
    pub fn is(object: &Object) -> bool {
        object.is(GROUP, "AuthorizationPolicy")
    }

    /// Reads one; an object without a namespace is in `default`.
    ///
    /// What is of the wrong type, and an annotation for a dry run that Istio refuses, is added to `refusals`; the rest is read.
    pub fn read(object: &Object, index: usize, refusals: &mut Vec<Refusal>) -> Self {
        let mut reader = Reader::default();
        let path = FieldPath::keys(&["spec"]);
        let root = object.root();
        let mut policy = Self {
            object: index,
            namespace: object.id.namespace.clone().unwrap_or_else(|| "default".to_owned()),
            name: object.id.name.clone(),
            created: root.str_at(&["metadata", "creationTimestamp"]).map(str::to_owned),
            ..Self::default()
        };
        if let Some(spec) = reader.mapping(root, "spec", &FieldPath::root()) {
            policy.action = reader.action(spec, &path);
            policy.selector = reader.selector(spec, &path);
            policy.targets = reader.targets(spec, &path);
            if let Some(provider) = reader.mapping(spec, "provider", &path) {
                let path = path.clone().key("provider");
                reader.text(provider, "name", &path).unwrap_or_default().clone_into(&mut policy.provider);
            }
            policy.rules = reader.rules(spec, &path);
        }
        policy.dry_run = reader.dry_run(root, policy.action);
        refusals.append(&mut reader.refusals);
        policy
    }

    /// All lists of values that it states, in its own order.
    pub fn fields(&self) -> impl Iterator<Item = Field<'_>> {
        self.rules.iter().enumerate().flat_map(|(rule, own)| own.fields(rule))
    }

    /// Where a rule stands in the object.
    pub fn rule_path(rule: usize) -> FieldPath {
        FieldPath::keys(&["spec", "rules"]).index(rule)
    }
}

/// What Go's `strconv.ParseBool` takes.
fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

impl Reader {
    fn action(&mut self, spec: Node<'_>, path: &FieldPath) -> Action {
        let Some(node) = field(spec, "action") else { return Action::Allow };
        // The schema's JSON takes the number of a value for its name.
        match (node.as_str(), node.as_i64()) {
            (Some("ALLOW"), _) | (_, Some(0)) => Action::Allow,
            (Some("DENY"), _) | (_, Some(1)) => Action::Deny,
            (Some("AUDIT"), _) | (_, Some(2)) => Action::Audit,
            (Some("CUSTOM"), _) | (_, Some(3)) => Action::Custom,
            _ => {
                self.refuse(path.clone().key("action"), node, "expected ALLOW, DENY, AUDIT or CUSTOM");
                Action::Allow
            }
        }
    }

    /// `targetRefs`, or where that is empty, `targetRef`. Source: `GetTargetRefs` in `pilot/pkg/model/policyattachment.go`.
    pub(crate) fn targets(&mut self, spec: Node<'_>, path: &FieldPath) -> Vec<TargetRef> {
        let mut nodes = self.mappings(spec, "targetRefs", path);
        if nodes.is_empty()
            && let Some(node) = self.mapping(spec, "targetRef", path)
        {
            nodes.push((path.clone().key("targetRef"), node));
        }
        let mut target = |(path, node): (FieldPath, Node<'_>)| {
            let mut text = |key: &str| self.text(node, key, &path).unwrap_or_default().to_owned();
            TargetRef {
                group: text("group"),
                kind: text("kind"),
                name: text("name"),
                namespace: text("namespace"),
            }
        };
        nodes.drain(..).map(&mut target).collect()
    }

    fn dry_run(&mut self, root: Node<'_>, action: Action) -> bool {
        let Some(node) = root.at(&["metadata", "annotations", DRY_RUN]).filter(|node| !node.is_null()) else {
            return false;
        };
        let path = FieldPath::keys(&["metadata", "annotations", DRY_RUN]);
        let value = node.as_str().and_then(parse_bool);
        if !matches!(action, Action::Allow | Action::Deny) {
            let message = format!("a dry run is only for ALLOW and DENY, not for {}", action.name());
            self.refuse(path, node, message);
        } else if value.is_none() {
            self.refuse(path, node, "expected \"true\" or \"false\"");
        }
        value.unwrap_or(false)
    }

    fn rules(&mut self, spec: Node<'_>, path: &FieldPath) -> Vec<Rule> {
        let rules = self.mappings(spec, "rules", path);
        let rule = |(path, node): (FieldPath, Node<'_>)| {
            let from = self.mappings(node, "from", &path);
            let from = from.into_iter().map(|(path, node)| self.source(node, &path)).collect();
            let to = self.mappings(node, "to", &path);
            let to = to.into_iter().map(|(path, node)| self.operation(node, &path)).collect();
            let when = self.mappings(node, "when", &path);
            let when = when.into_iter().map(|(path, node)| {
                let key = self.text(node, "key", &path).unwrap_or_default().to_owned();
                Condition { key, values: self.values(node, "values", "notValues", &path) }
            });
            let when = when.collect();
            Rule { from, to, when }
        };
        rules.into_iter().map(rule).collect()
    }

    fn source(&mut self, node: Node<'_>, path: &FieldPath) -> Source {
        let Some(node) = self.mapping(node, "source", path) else { return Source::default() };
        let path = path.clone().key("source");
        Source {
            principals: self.values(node, "principals", "notPrincipals", &path),
            request_principals: self.values(node, "requestPrincipals", "notRequestPrincipals", &path),
            namespaces: self.values(node, "namespaces", "notNamespaces", &path),
            service_accounts: self.values(node, "serviceAccounts", "notServiceAccounts", &path),
            trust_domains: self.values(node, "trustDomains", "notTrustDomains", &path),
            ip_blocks: self.values(node, "ipBlocks", "notIpBlocks", &path),
            remote_ip_blocks: self.values(node, "remoteIpBlocks", "notRemoteIpBlocks", &path),
        }
    }

    fn operation(&mut self, node: Node<'_>, path: &FieldPath) -> Operation {
        let Some(node) = self.mapping(node, "operation", path) else { return Operation::default() };
        let path = path.clone().key("operation");
        Operation {
            hosts: self.values(node, "hosts", "notHosts", &path),
            ports: self.values(node, "ports", "notPorts", &path),
            methods: self.values(node, "methods", "notMethods", &path),
            paths: self.values(node, "paths", "notPaths", &path),
        }
    }

    fn values(&mut self, node: Node<'_>, values: &str, not_values: &str, path: &FieldPath) -> Values {
        Values { values: self.texts(node, values, path), not_values: self.texts(node, not_values, path) }
    }
}
