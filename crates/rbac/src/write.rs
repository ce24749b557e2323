//! Whether the API server lets a user write a role or a binding: the plain question of its authorizer, and the check that nobody hands on what
//! they do not hold. Sources: k8s.io/kubernetes `pkg/registry/rbac/{role,clusterrole,rolebinding,clusterrolebinding}/policybased/storage.go`,
//! `pkg/registry/rbac/escalation_check.go` and `pkg/registry/rbac/validation/rule.go` (`ConfirmNoEscalation`); k8s.io/apiserver
//! `pkg/endpoints/handlers/update.go`, `pkg/registry/generic/registry/store.go`.
//!
//! Validation ([`crate::validate`]) comes after both.

use std::sync::LazyLock;

use ringwall_model::go::{go_aggregate, go_quote, go_quote_list};
use ringwall_model::name::path_segment_errors;

use crate::attributes::{Action, Decision, ResourceAction, User};
use crate::authorize::{Answer, Grant, forbidden, forbidden_message};
use crate::covers::{Atom, compact_lines, uncovered};
use crate::draft::Draft;
use crate::model::{Binding, GROUP, RbacObject, RoleKind, Rule};
use crate::policy::{Policy, Unresolved};

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// POST: the request does not name the object.
    Create,
    /// PUT, which creates what is not there.
    Update,
    /// PATCH; where nothing is there yet, a server-side apply.
    Patch,
}

impl Verb {
    /// The authorizer's word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
        }
    }
}

/// Something that the authorizer is asked on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked<'w> {
    /// What.
    pub action: ResourceAction<'w>,
    /// Its answer.
    pub answer: Answer,
}

/// Why the escalation check lets an object be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passed {
    /// The user is of `system:masters`.
    Master,
    /// The user may `escalate` on the role that is written.
    Escalate(Grant),
    /// The user may `bind` the role that is referred to, whether it exists or not.
    Bind(Grant),
    /// Nothing changes but what a garbage collector must be able to change.
    GarbageCollection,
    /// The user holds all that is given.
    Held,
}

/// Why the escalation check does not let an object be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused<'w> {
    /// The user does not hold all that is given.
    NotHeld {
        /// What is missing, in the order of the rules that give it.
        missing: Vec<Atom<'w>>,
        /// Roles of the user that could not be resolved: they may give what is missing.
        unresolved: Vec<Unresolved>,
    },
    /// A `ClusterRole` that has, or had, an aggregation rule may take in anything: the user would need everything.
    AggregationRule {
        /// What of everything is missing.
        missing: Vec<Atom<'static>>,
    },
    /// The role that is referred to cannot be resolved.
    RoleUnresolved(Unresolved),
}

/// Whether an object may be written, and why.
#[derive(Clone, Debug)]
pub struct Write<'w> {
    /// Who writes.
    pub user: &'w User,
    /// What is written.
    pub draft: &'w Draft,
    /// What the authorizer is asked before anything else, and then, where an update creates, whether the user may create.
    pub asked: Vec<Asked<'w>>,
    /// What the escalation check says; it is looked at only if the first question is answered with yes.
    pub escalation: Result<Passed, Refused<'w>>,
}

/// All that there is to hold.
static EVERYTHING: LazyLock<[Rule; 2]> = LazyLock::new(|| {
    let all = || vec!["*".to_owned()];
    [
        Rule { verbs: all(), api_groups: all(), resources: all(), ..Rule::default() },
        Rule { verbs: all(), non_resource_urls: all(), ..Rule::default() },
    ]
});

impl Policy {
    /// Whether a user may create an object or, where there is an old one, update it. The policy is that of the cluster before the write; what
    /// aggregation computes is taken from it as it is.
    pub fn check_write<'w>(&'w self, user: &'w User, draft: &'w Draft, old: Option<&Draft>) -> Write<'w> {
        let verb = if old.is_some() { Verb::Update } else { Verb::Create };
        self.check_write_by(verb, user, draft, old)
    }

    /// As [`Policy::check_write`], with the verb stated. For a patch, `draft` is what comes of it ([`Draft::applied_over`]). `old` is of no
    /// interest to a creation.
    pub fn check_write_by<'w>(
        &'w self,
        verb: Verb,
        user: &'w User,
        draft: &'w Draft,
        old: Option<&Draft>,
    ) -> Write<'w> {
        let old = old.filter(|_| verb != Verb::Create);
        // Who creates names nothing in the request, whatever the object is called. What follows a slash in a name is taken for a subresource.
        let name = if verb == Verb::Create { "" } else { draft.meta.name.as_str() };
        let mut parts = name.split('/');
        let target = ResourceAction {
            verb: verb.word(),
            group: GROUP,
            resource: draft.object.resource(),
            name: parts.next().unwrap_or_default(),
            subresource: parts.next().unwrap_or_default(),
            namespace: draft.namespace(),
        };
        let ask = |action: ResourceAction<'w>| Asked {
            answer: self.answer(user, &Action::Resource(action)),
            action,
        };
        let mut asked = vec![ask(target)];
        if verb != Verb::Create && old.is_none() {
            asked.push(ask(ResourceAction { verb: Verb::Create.word(), ..target }));
        }
        let only_for_gc = old.is_some_and(|old| match verb {
            Verb::Patch => draft.applied_over(old).changes_only_for_gc(old),
            Verb::Create | Verb::Update => draft.changes_only_for_gc(old),
        });
        let escalation = match &draft.object {
            RbacObject::Role(role) => {
                let escalate = ResourceAction { verb: "escalate", ..target };
                let aggregates = [Some(draft), old].into_iter().flatten().any(has_aggregation_rule);
                self.may_write_role(user, draft, only_for_gc, escalate, &role.rules, aggregates)
            }
            RbacObject::Binding(binding) => self.may_write_binding(user, draft, only_for_gc, binding),
        };
        Write { user, draft, asked, escalation }
    }

    fn may_write_role<'w>(
        &'w self,
        user: &'w User,
        draft: &Draft,
        only_for_gc: bool,
        escalate: ResourceAction<'_>,
        rules: &'w [Rule],
        aggregates: bool,
    ) -> Result<Passed, Refused<'w>> {
        match self.answer(user, &Action::Resource(escalate)) {
            Answer::Master => return Ok(Passed::Master),
            Answer::Allowed(grant) => return Ok(Passed::Escalate(grant)),
            Answer::NotAllowed(_) => {}
        }
        if only_for_gc {
            return Ok(Passed::GarbageCollection);
        }
        self.must_hold(user, draft.namespace(), rules)?;
        if aggregates {
            let (held, _) = self.rules_for(user, draft.namespace());
            let missing = uncovered(&held, EVERYTHING.iter());
            if !missing.is_empty() {
                return Err(Refused::AggregationRule { missing });
            }
        }
        Ok(Passed::Held)
    }

    fn may_write_binding<'w>(
        &'w self,
        user: &'w User,
        draft: &Draft,
        only_for_gc: bool,
        binding: &'w Binding,
    ) -> Result<Passed, Refused<'w>> {
        if user.is_master() {
            return Ok(Passed::Master);
        }
        if only_for_gc {
            return Ok(Passed::GarbageCollection);
        }
        let (reference, namespace) = (&binding.role_ref, draft.namespace());
        // The question is about the role, not about the binding; and a role of another group is another resource.
        let kinds = [RoleKind::Role, RoleKind::ClusterRole];
        if let Some(kind) = kinds.into_iter().find(|kind| kind.kind() == reference.kind) {
            let bind = ResourceAction {
                verb: "bind",
                group: if reference.api_group.is_empty() { GROUP } else { &reference.api_group },
                resource: kind.resource(),
                subresource: "",
                namespace,
                name: &reference.name,
            };
            if let Answer::Allowed(grant) = self.answer(user, &Action::Resource(bind)) {
                return Ok(Passed::Bind(grant));
            }
        }
        let role = self.resolve(reference, namespace).map_err(Refused::RoleUnresolved)?;
        self.must_hold(user, namespace, &self.roles()[role].rules)?;
        Ok(Passed::Held)
    }

    /// Nobody gives what they do not hold where they give it.
    fn must_hold<'w>(&self, user: &User, namespace: &str, rules: &'w [Rule]) -> Result<(), Refused<'w>> {
        let (held, unresolved) = self.rules_for(user, namespace);
        let missing = uncovered(&held, rules);
        if missing.is_empty() { Ok(()) } else { Err(Refused::NotHeld { missing, unresolved }) }
    }
}

/// An aggregation rule that selects by nothing is none.
fn has_aggregation_rule(draft: &Draft) -> bool {
    match &draft.object {
        RbacObject::Role(role) => role.aggregation.as_ref().is_some_and(|selectors| !selectors.is_empty()),
        RbacObject::Binding(_) => false,
    }
}

impl Refused<'_> {
    /// What is missing, as the reference's message lists it: a line for each group, resource and name.
    pub fn missing_lines(&self) -> Vec<String> {
        match self {
            Self::NotHeld { missing, .. } => compact_lines(missing.iter().copied()),
            Self::AggregationRule { missing } => compact_lines(missing.iter().copied()),
            Self::RoleUnresolved(_) => Vec::new(),
        }
    }
}

impl Write<'_> {
    /// What the authorizer decides, escalation apart.
    pub fn authorized(&self) -> Decision {
        let all = self.asked.iter().all(|asked| asked.answer.decision() == Decision::Allow);
        if all { Decision::Allow } else { Decision::NoOpinion }
    }

    /// Whether the object is written, if it is valid.
    pub fn is_allowed(&self) -> bool {
        self.authorized() == Decision::Allow && self.escalation.is_ok()
    }

    /// The error of the escalation check in the words of the storage that makes it; `None` where it passes.
    pub fn escalation_message(&self) -> Option<String> {
        let refused = self.escalation.as_ref().err()?;
        Some(match refused {
            Refused::RoleUnresolved(error) => error.to_string(),
            _ => self.refusal(refused, &|error| error.to_string()),
        })
    }

    /// What a client of the API server reads: the first error of all, `None` where there is none. Where the server cannot find a role, it
    /// names the resource of the *request* and not the role's, because its storage takes that from the context
    /// (`qualifiedResourceFromContext`).
    pub fn http_message(&self, policy: &Policy) -> Option<String> {
        let first = self.refused_at_once(policy);
        first.or_else(|| self.escalation_http_message()).or_else(|| self.refused_at_last(policy))
    }

    /// What the authorizer says before anything else is looked at.
    pub(crate) fn refused_at_once(&self, policy: &Policy) -> Option<String> {
        self.asked.first().and_then(|asked| self.forbidden(asked, policy))
    }

    /// What the authorizer says when an update turns out to create.
    pub(crate) fn refused_at_last(&self, policy: &Policy) -> Option<String> {
        self.asked.iter().skip(1).find_map(|asked| self.forbidden(asked, policy))
    }

    fn forbidden(&self, asked: &Asked<'_>, policy: &Policy) -> Option<String> {
        (asked.answer.decision() != Decision::Allow).then(|| {
            let reason = policy.reason(&asked.answer);
            forbidden_message(self.user, &Action::Resource(asked.action), &reason)
        })
    }

    pub(crate) fn escalation_http_message(&self) -> Option<String> {
        let resource = self.draft.object.resource();
        let in_context = |error: &Unresolved| match error {
            Unresolved::NotFound { name, .. } => format!("{resource}.{GROUP} {} not found", go_quote(name)),
            Unresolved::UnsupportedKind(_) => error.to_string(),
        };
        let refused = self.escalation.as_ref().err()?;
        Some(match refused {
            Refused::RoleUnresolved(error @ Unresolved::NotFound { cluster, name }) => {
                // The storage finds fault with the key before it looks.
                let faults = path_segment_errors(name);
                if !cluster && self.draft.namespace().is_empty() {
                    "Namespace parameter required.".to_owned()
                } else if name.is_empty() {
                    "Name parameter required.".to_owned()
                } else if faults.is_empty() {
                    in_context(error)
                } else {
                    format!("Name parameter invalid: {}: {}", go_quote(name), faults.join(";"))
                }
            }
            Refused::RoleUnresolved(error) => in_context(error),
            _ => self.refusal(refused, &in_context),
        })
    }

    fn refusal(&self, refused: &Refused<'_>, word: &dyn Fn(&Unresolved) -> String) -> String {
        let why = match refused {
            Refused::AggregationRule { .. } => {
                "must have cluster-admin privileges to use the aggregationRule".to_owned()
            }
            _ => {
                let (name, groups) = (go_quote(&self.user.name), go_quote_list(&self.user.groups));
                format!(
                    "user {name} (groups={groups}) is attempting to grant RBAC permissions not currently held:\n{}{}",
                    refused.missing_lines().join("\n"),
                    match refused {
                        Refused::NotHeld { unresolved, .. } => go_aggregate(unresolved.iter().map(word))
                            .map_or_else(String::new, |errors| format!("; resolution errors: [{errors}]")),
                        _ => String::new(),
                    }
                )
            }
        };
        let object = ResourceAction {
            group: GROUP,
            resource: self.draft.object.resource(),
            name: &self.draft.meta.name,
            ..ResourceAction::default()
        };
        forbidden(&Action::Resource(object), &why)
    }
}
