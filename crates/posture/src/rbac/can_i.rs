//! One question as `kubectl auth can-i` puts it, its answer, and why.
//!
//! Source of how the words are read: k8s.io/kubectl `pkg/cmd/auth/cani.go`.

use ringwall_model::finding::Verdict;
use ringwall_model::go::go_quote;
use ringwall_rbac::attributes::{Action, Decision, ResourceAction, User, split_service_account};
use ringwall_rbac::authorize::{Answer, Authorize as _, named_reason};
use ringwall_rbac::engine::Access;
use ringwall_rbac::explain::{Miss, Near, What};
use ringwall_rbac::model::RuleAt;
use ringwall_rbac::node::{self, NodeFacts, NodeGraph};

use super::who::Way;
use super::{Place, Rights, words};
use crate::suggest::{did_you_mean, nearest};

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// The verb.
    pub verb: String,
    /// The API group.
    pub group: String,
    /// The resource in the plural, as the API has it; empty where a path is asked for.
    pub resource: String,
    /// The subresource.
    pub subresource: String,
    /// The object's name.
    pub name: String,
    /// The namespace, or empty for all.
    pub namespace: String,
    /// The path, if it is no resource.
    pub path: Option<String>,
    /// What kubectl would warn of, in its words.
    pub warnings: Vec<String>,
    /// The type that was most likely meant, where there is none of this name.
    pub meant: Option<String>,
    /// What the question takes for given that the input does not hold.
    pub notes: Vec<String>,
}

/// Verbs on resources that kubectl knows.
const VERBS: [&str; 16] = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "use",
    "bind",
    "impersonate",
    "*",
    "approve",
    "sign",
    "escalate",
    "attest",
];
/// Verbs on paths that kubectl knows.
const METHODS: [&str; 8] = ["get", "put", "post", "head", "options", "delete", "patch", "*"];

impl Question {
    /// The question as the authorizer is asked it.
    pub fn action(&self) -> Action<'_> {
        match &self.path {
            Some(path) => Action::Path { verb: &self.verb, path },
            None => Action::Resource(ResourceAction {
                verb: &self.verb,
                group: &self.group,
                resource: &self.resource,
                subresource: &self.subresource,
                namespace: &self.namespace,
                name: &self.name,
            }),
        }
    }
}

/// One line of an explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Because {
    /// What is so.
    pub message: String,
    /// Where it is written.
    pub place: Option<Place>,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct CanI {
    /// The verdict, with what is known of other authorizers.
    pub verdict: Verdict,
    /// What follows kubectl's `no`: the authorizer's reason.
    pub reason: String,
    /// Whether it is allowed because the user is of `system:masters`.
    pub is_master: bool,
    /// What allows it, each binding once; the first is the authorizer's.
    pub ways: Vec<Way>,
    /// What nearly allows it, the nearest first.
    pub misses: Vec<Because>,
    /// What else there is to know.
    pub remarks: Vec<Because>,
}

impl Rights<'_> {
    /// Reads a verb and what follows it: `TYPE`, `TYPE/NAME` or a path. An unknown type is taken as it is, as kubectl does, with its warning.
    ///
    /// # Errors
    /// A subresource of a path; a sentence without full stop.
    pub fn question(
        &self,
        verb: &str,
        what: &str,
        subresource: Option<&str>,
        namespace: &str,
    ) -> Result<Question, String> {
        let mut question = Question { verb: verb.to_owned(), ..Question::default() };
        if what.starts_with('/') {
            if subresource.is_some() {
                return Err("--subresource can not be used with NonResourceURL".to_owned());
            }
            if !METHODS.contains(&verb) {
                question.warnings.push(format!("verb '{verb}' is not a known verb"));
            }
            question.path = Some(what.to_owned());
            return Ok(question);
        }
        let (word, name) = what.split_once('/').unwrap_or((what, ""));
        name.clone_into(&mut question.name);
        subresource.unwrap_or_default().clone_into(&mut question.subresource);
        namespace.clone_into(&mut question.namespace);
        let mut namespaced = true;
        let meant = self.resources.meant(word);
        if word != "*" {
            let short = word.split('.').next().unwrap_or_default().to_lowercase();
            question.warnings.extend(meant.others.iter().map(|other| {
                let long = if other.group.is_empty() {
                    other.plural.clone()
                } else {
                    format!("{}.{}", other.plural, other.group)
                };
                format!("short name {} could also match lower priority resource {long}", go_quote(&short))
            }));
        }
        match meant.found {
            _ if word == "*" => "*".clone_into(&mut question.resource),
            Some(found) => {
                question.resource.clone_from(&found.resource.plural);
                question.group.clone_from(&found.resource.group);
                namespaced = found.resource.namespaced;
            }
            None if let Some((plural, group)) = self.named_by_roles(word) => {
                plural.clone_into(&mut question.resource);
                group.clone_into(&mut question.group);
                question.notes.push(format!(
                    "no CustomResourceDefinition of {plural}.{group} is in the input; kubectl knows the type where the cluster has it"
                ));
            }
            None => {
                word.clone_into(&mut question.resource);
                let lower = word.to_lowercase();
                let (name, group) = lower.split_once('.').unwrap_or((&lower, ""));
                // Identities are no resources that a server has; who may impersonate them is asked for all the same.
                if !(group.is_empty() && ["users", "groups"].contains(&name)) {
                    let of = if group.is_empty() { String::new() } else { format!(" in group '{group}'") };
                    question.warnings.push(format!("the server doesn't have a resource type '{name}'{of}"));
                    let names = self.resources.served().map(|resource| resource.plural.as_str());
                    question.meant = nearest(&lower, names).map(str::to_owned);
                }
            }
        }
        if !question.namespace.is_empty() && !namespaced {
            let group = if question.group.is_empty() {
                String::new()
            } else {
                format!(" in group '{}'", question.group)
            };
            question
                .warnings
                .push(format!("resource '{}' is not namespace scoped{group}", question.resource));
        }
        if !question.namespace.is_empty() && !question.resource.is_empty() && !VERBS.contains(&verb) {
            question.warnings.push(format!("verb '{verb}' is not a known verb"));
        }
        Ok(question)
    }

    /// What `RESOURCE.GROUP` or `RESOURCE.VERSION.GROUP` means by the rules of some role: a custom resource whose definition is not in the
    /// input. Costs a look at all rules.
    fn named_by_roles(&self, word: &str) -> Option<(String, String)> {
        let lower = word.to_lowercase();
        let (plural, rest) = lower.split_once('.')?;
        let groups = [Some(rest), rest.split_once('.').map(|(_, group)| group)];
        let is_own = |group: &str| self.resources.iter().any(|resource| resource.group == group);
        groups.into_iter().flatten().filter(|group| !is_own(group)).find_map(|group| {
            let rules = self.policy().roles().iter().flat_map(|role| role.rules.iter());
            let named = rules
                .filter(|rule| rule.api_groups.iter().any(|own| own == group))
                .flat_map(|rule| &rule.resources)
                .any(|own| own.split('/').next() == Some(plural));
            named.then(|| (plural.to_owned(), group.to_owned()))
        })
    }

    /// Answers, and says why.
    pub fn can_i(&self, user: &User, question: &Question) -> CanI {
        let action = question.action();
        let answer = self.answer(user, &action);
        let by_rbac = !matches!(answer, Answer::NotAllowed(_));
        let node = self.by_node(user, &action);
        let allowed = by_rbac || node.as_ref().is_some_and(|node| node.allows);
        let mut ways: Vec<Way> = Vec::new();
        if by_rbac {
            for grant in self.policy().grants_of(user, &action) {
                let access = Access { binding: grant.binding, role: grant.role, rule: grant.rule };
                ways.push(self.way(access, grant.subject));
            }
        }
        let misses = if allowed { Vec::new() } else { self.policy().misses(user, &action, MISSES) };
        let mut reason = if allowed { String::new() } else { self.policy().reason(&answer) };
        let mut remarks = self.remarks(user, question, allowed);
        // Masters are asked for before any authorizer.
        let mut verdict = if user.is_master() { Verdict::Yes } else { self.authorizers.verdict(allowed) };
        match node {
            Some(node) if node.allows => {
                let message = "the authorizer of nodes allows it".to_owned();
                remarks.insert(0, Because { message, place: None });
            }
            Some(node) if !allowed && !node.reason.is_empty() => {
                let of_node = named_reason(self.version, "node", &node.reason);
                reason = if reason.is_empty() { of_node } else { [of_node, reason].join("\n") };
                if verdict == Verdict::No && !node.has_pods && node.reason.starts_with("no relationship") {
                    verdict = Verdict::CannotTell;
                    let message =
                        "what a node may read depends on the pods that run there, and the input has none";
                    remarks.insert(0, Because { message: message.to_owned(), place: None });
                }
            }
            _ if !allowed && misses.is_empty() => remarks.insert(0, self.bound(user)),
            _ => {}
        }
        CanI {
            verdict,
            reason,
            is_master: matches!(answer, Answer::Master),
            ways,
            misses: misses.iter().map(|miss| self.miss(miss, user, &action)).collect(),
            remarks,
        }
    }

    /// What the authorizer of nodes says, where a node asks.
    fn by_node(&self, user: &User, action: &Action<'_>) -> Option<ByNode> {
        node::identity(user)?;
        let facts = NodeFacts::of(self.snapshot);
        let (decision, reason) = NodeGraph::of(&facts, self.version).authorize(user, action);
        Some(ByNode { allows: decision == Decision::Allow, reason, has_pods: !facts.pods.is_empty() })
    }

    fn answer(&self, user: &User, action: &Action<'_>) -> Answer {
        if user.is_master() {
            return Answer::Master;
        }
        match self.engine.grant(user, action) {
            Some(grant) => Answer::Allowed(grant),
            None => self.policy().answer(user, action),
        }
    }

    /// By what a user is bound, where nothing of it comes near.
    fn bound(&self, user: &User) -> Because {
        let who = words::named(false, &user.name);
        let (mut own, mut others) = (Vec::new(), std::collections::BTreeSet::new());
        for (index, binding) in self.policy().bindings().iter().enumerate() {
            if self.is_default_binding(index) {
                continue;
            }
            let within = binding.namespace.as_deref();
            if binding.subjects.iter().any(|subject| subject.is(user, within.unwrap_or_default())) {
                own.push(words::binding(binding));
            }
            let named = binding.subjects.iter().filter(|subject| !subject.name.is_empty());
            others.extend(named.map(|subject| words::subject(subject, within)));
        }
        let message = if own.is_empty() {
            let meant = did_you_mean(nearest(&who, others.iter().map(String::as_str)));
            format!("no binding of the input names {who} or a group of it{meant}")
        } else {
            format!("{who} is bound by {}, and nothing of that comes near", listed(&own))
        };
        Because { message, place: None }
    }

    /// What may have been meant by a question that is not what it looks like.
    pub fn hints(&self, question: &Question) -> Vec<String> {
        let mut hints = Vec::new();
        if let Some(meant) = &question.meant {
            hints.push(format!("there is no resource type {}; did you mean {meant}?", question.resource));
        }
        let what = question.resource.as_str();
        let known = self.resources.of(&question.group, what);
        if known.is_some_and(|known| known.subresource(&question.name).is_some()) {
            let name = &question.name;
            hints.push(format!(
                "this asks for {what} named {name}; its subresource is asked for with --subresource={name}"
            ));
        }
        hints
    }

    fn remarks(&self, user: &User, question: &Question, allowed: bool) -> Vec<Because> {
        let hints = self.hints(question).into_iter();
        let mut remarks: Vec<Because> = hints.map(|message| Because { message, place: None }).collect();
        let mut say = |message: String, place: Option<Place>| remarks.push(Because { message, place });
        let what = question.resource.as_str();
        let known = self.resources.of(&question.group, what);
        let cluster_wide = known.is_some_and(|known| !known.namespaced) && what != "namespaces";
        if cluster_wide && allowed && !question.namespace.is_empty() {
            let without = Question { namespace: String::new(), ..question.clone() };
            if !user.is_master() && self.engine.grant(user, &without.action()).is_none() {
                say(
                    format!(
                        "a real request for {what} has no namespace, and is not allowed: a RoleBinding gives nothing \
                         on what is outside of namespaces"
                    ),
                    None,
                );
            }
        }
        if !question.namespace.is_empty()
            && let Some((namespace, name)) = split_service_account(&user.name)
        {
            let listed =
                self.snapshot.of_kind("", "ServiceAccount").any(|account| account.id.name != "default");
            let there = self.snapshot.of_kind("", "ServiceAccount").any(|account| {
                account.id.name == name && account.id.namespace.as_deref().unwrap_or("default") == namespace
            });
            if listed && !there && name != "default" {
                say(
                    format!(
                        "the input has no ServiceAccount {namespace}/{name}; RBAC does not ask whether there is one"
                    ),
                    None,
                );
            }
        }
        for authorizer in &self.authorizers.list {
            say(authorizer.told(), Some(Place::Input(authorizer.location.clone())));
        }
        remarks
    }

    /// A miss in words.
    pub(super) fn miss(&self, miss: &Miss, user: &User, action: &Action<'_>) -> Because {
        let policy = self.policy();
        let binding = miss.binding.map(|index| &policy.bindings()[index]);
        let name = binding.map(words::binding).unwrap_or_default();
        let role = miss.rule.map(|at| words::role(&policy.roles()[at.role])).unwrap_or_default();
        let rule = miss.rule.map(|at| &policy.roles()[at.role].rules[at.rule]);
        let gives = rule.map(words::rule).unwrap_or_default();
        let (resource, group) = match action {
            Action::Resource(action) => (action.resource, action.group),
            Action::Path { .. } => ("", ""),
        };
        let rule_place = miss.rule.map(|at: RuleAt| self.rule_place(at));
        let (message, place) = match &miss.what {
            What::Dangling(error) => (
                format!("{name} gives nothing: {error}"),
                miss.binding.map(|index| self.role_ref_place(index)),
            ),
            What::Verb => (format!("{role} by {name} gives {gives}, but not {}", action.verb()), rule_place),
            What::Group => {
                let group =
                    if group.is_empty() { "the core group, \"\"".to_owned() } else { group.to_owned() };
                (format!("{role} by {name} gives {gives}: {resource} is of {group}"), rule_place)
            }
            What::Subresource => {
                let asked = match action {
                    Action::Resource(action) => action.combined().into_owned(),
                    Action::Path { .. } => String::new(),
                };
                (
                    format!("{role} by {name} gives {gives}: a subresource is a grant of its own, {asked}"),
                    rule_place,
                )
            }
            What::OnlySubresource => (
                format!("{role} by {name} gives {gives}: a subresource, not {resource} themselves"),
                rule_place,
            ),
            What::Spelling(own) => (
                format!("{role} by {name} gives {gives}: no request is for {own}, only for {resource}"),
                rule_place,
            ),
            What::NoName => {
                (format!("{role} by {name} gives {gives}: a {} names no object", action.verb()), rule_place)
            }
            What::Name => (format!("{role} by {name} gives {gives}: other names"), rule_place),
            What::Namespace(namespaces) => {
                let held = listed(namespaces);
                let message = if action.namespace().is_empty() {
                    format!("{role} by {name} gives it in {held}, not in all namespaces")
                } else {
                    format!("{role} by {name} gives it in {held}, not in {}", action.namespace())
                };
                (message, miss.binding.map(|index| self.binding_place(index)))
            }
            What::Path => (format!("{role} by {name} gives {gives}: not this path"), rule_place),
            What::PathInNamespace => (
                format!("{role} by {name} gives {gives}, but paths are given by ClusterRoleBindings alone"),
                miss.binding.map(|index| self.binding_place(index)),
            ),
            What::NotMember(group) => (
                format!("{name} gives it to Group {group}; {} is asked about without that group", user.name),
                miss.binding.map(|index| self.binding_place(index)),
            ),
            What::Subject(at, near) => {
                let subject = binding.and_then(|binding| {
                    Some(words::subject(binding.subjects.get(*at)?, binding.namespace.as_deref()))
                });
                let subject = subject.unwrap_or_default();
                let how = match near {
                    Near::Case => "upper and lower case differ".to_owned(),
                    Near::Namespace(namespace) => format!("of namespace {namespace}"),
                    Near::NoNamespace => {
                        "which has no namespace, and in a ClusterRoleBinding is nobody".to_owned()
                    }
                    Near::Kind(kind) => format!("of kind {kind}"),
                };
                (
                    format!("{name} gives it to {subject}, {how}"),
                    miss.binding.map(|index| self.subject_place(index, *at)),
                )
            }
            What::Unbound => {
                (format!("{role} would give it: {gives}; it is not bound to this user here"), rule_place)
            }
        };
        Because { message, place }
    }
}

/// The answer of the authorizer of nodes.
struct ByNode {
    allows: bool,
    reason: String,
    /// Whether any pod is known; what a node may read follows from these.
    has_pods: bool,
}

/// So many misses are told.
const MISSES: usize = 3;

fn listed(namespaces: &[String]) -> String {
    const SHOWN: usize = 4;
    let count = namespaces.len();
    let shown = namespaces[..count.min(SHOWN)].join(", ");
    if count > SHOWN { format!("{shown} and {} more", count - SHOWN) } else { shown }
}
