//! An `AuthorizationPolicy` as it is written. Source: istio.io/api `security/v1beta1/authorization_policy.proto`.

use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;

use super::place::{self, Part, Place};
use crate::place::{Misread, Pairs};
use crate::reader::{At, Reader};

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

/// In protobuf's order.
const ACTIONS: [(&str, Action); 4] =
    [("ALLOW", Action::Allow), ("DENY", Action::Deny), ("AUDIT", Action::Audit), ("CUSTOM", Action::Custom)];

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
    pub selector: Option<Pairs>,
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
    /// What is of the wrong type, and an annotation for a dry run that Istio refuses, is told; the rest is read.
    pub fn read(object: &Object, index: usize, misread: &mut Vec<Misread>) -> Self {
        let mut reader = Reader { object: index, misread };
        let root = At::root(object);
        let mut policy = Self {
            object: index,
            namespace: object.id.namespace.clone().unwrap_or_else(|| "default".to_owned()),
            name: object.id.name.clone(),
            created: object.root().str_at(&["metadata", "creationTimestamp"]).map(str::to_owned),
            ..Self::default()
        };
        if let Some(spec) = reader.mapping(&root, "spec") {
            policy.action = reader.one_of(&spec, "action", &ACTIONS).unwrap_or_default();
            policy.selector = reader.selector(&spec);
            policy.targets = reader.targets(&spec);
            if let Some(provider) = reader.mapping(&spec, "provider") {
                reader.text(&provider, "name").unwrap_or_default().clone_into(&mut policy.provider);
            }
            policy.rules = reader.rules(&spec);
        }
        policy.dry_run = reader.dry_run(&root, policy.action);
        policy
    }

    /// All lists of values that it states, in its own order.
    pub fn fields(&self) -> impl Iterator<Item = Field<'_>> {
        self.rules.iter().enumerate().flat_map(|(rule, own)| own.fields(rule))
    }

    /// Where a rule stands in the object.
    pub fn rule_path(rule: usize) -> FieldPath {
        place::rule_path(rule)
    }
}

/// What Go's `strconv.ParseBool` takes.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

impl Reader<'_> {
    /// `targetRefs`, or where that is empty, `targetRef`. Source: `GetTargetRefs` in `pilot/pkg/model/policyattachment.go`.
    pub(crate) fn targets(&mut self, spec: &At<'_>) -> Vec<TargetRef> {
        let mut found = self.mappings_in_place(spec, "targetRefs");
        if found.is_empty() {
            found.extend(self.mapping(spec, "targetRef"));
        }
        let target = |at: At<'_>| {
            let mut text = |key: &str| self.text(&at, key).unwrap_or_default().to_owned();
            TargetRef {
                group: text("group"),
                kind: text("kind"),
                name: text("name"),
                namespace: text("namespace"),
            }
        };
        found.into_iter().map(target).collect()
    }

    fn dry_run(&mut self, root: &At<'_>, action: Action) -> bool {
        let annotations = root.get("metadata").and_then(|metadata| metadata.get("annotations"));
        let Some(at) = annotations.and_then(|annotations| annotations.get(DRY_RUN)) else { return false };
        let value = at.node.as_str().and_then(parse_bool);
        if !matches!(action, Action::Allow | Action::Deny) {
            self.wrong(&at, format!("a dry run is only for ALLOW and DENY, not for {}", action.name()));
        } else if value.is_none() {
            self.wrong(&at, "expected \"true\" or \"false\"".to_owned());
        }
        value.unwrap_or(false)
    }

    fn rules(&mut self, spec: &At<'_>) -> Vec<Rule> {
        let rules = self.mappings_in_place(spec, "rules");
        let rule = |at: At<'_>| {
            let from = self.mappings_in_place(&at, "from");
            let from = from.iter().map(|at| self.source(at)).collect();
            let to = self.mappings_in_place(&at, "to");
            let to = to.iter().map(|at| self.operation(at)).collect();
            let when = self.mappings_in_place(&at, "when");
            let when = when.iter().map(|at| {
                let key = self.text(at, "key").unwrap_or_default().to_owned();
                Condition { key, values: self.values(at, ["values", "notValues"]) }
            });
            let when = when.collect();
            Rule { from, to, when }
        };
        rules.into_iter().map(rule).collect()
    }

    fn source(&mut self, item: &At<'_>) -> Source {
        let Some(at) = &self.mapping(item, "source") else { return Source::default() };
        Source {
            principals: self.values(at, ["principals", "notPrincipals"]),
            request_principals: self.values(at, ["requestPrincipals", "notRequestPrincipals"]),
            namespaces: self.values(at, ["namespaces", "notNamespaces"]),
            service_accounts: self.values(at, ["serviceAccounts", "notServiceAccounts"]),
            trust_domains: self.values(at, ["trustDomains", "notTrustDomains"]),
            ip_blocks: self.values(at, ["ipBlocks", "notIpBlocks"]),
            remote_ip_blocks: self.values(at, ["remoteIpBlocks", "notRemoteIpBlocks"]),
        }
    }

    fn operation(&mut self, item: &At<'_>) -> Operation {
        let Some(at) = &self.mapping(item, "operation") else { return Operation::default() };
        Operation {
            hosts: self.values(at, ["hosts", "notHosts"]),
            ports: self.values(at, ["ports", "notPorts"]),
            methods: self.values(at, ["methods", "notMethods"]),
            paths: self.values(at, ["paths", "notPaths"]),
        }
    }

    fn values(&mut self, at: &At<'_>, keys: Keys) -> Values {
        Values { values: self.owned_texts(at, keys[0]), not_values: self.owned_texts(at, keys[1]) }
    }
}
