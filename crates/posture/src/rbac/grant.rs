//! Whether the API server would let a user write roles and bindings, one after the other as they stand in a file.

use ringwall_model::finding::{Location, Verdict};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_rbac::attributes::{Action, Decision, User};
use ringwall_rbac::authorize::{Answer, Grant};
use ringwall_rbac::draft::Draft;
use ringwall_rbac::model::{Origin, RbacObject};
use ringwall_rbac::policy::Policy;
use ringwall_rbac::snapshot::DEFAULT_NAMESPACE;
use ringwall_rbac::validate::validate_write;
use ringwall_rbac::write::{Passed, Refused, Verb};

use super::can_i::Because;
use super::{Place, Rights, words};

/// The answer for one object.
#[derive(Clone, Debug)]
pub struct Writing {
    /// The object.
    pub object: String,
    /// Where it begins.
    pub location: Location,
    /// How it would be written.
    pub verb: Verb,
    /// Whether it would be.
    pub verdict: Verdict,
    /// What a client of the API server would read, if it is refused.
    pub message: Option<String>,
    /// What lets it, or what is missing.
    pub because: Vec<Because>,
}

impl Rights<'_> {
    /// Goes through objects in their order: what is written counts for those that follow. An object that is there already is patched, as
    /// `kubectl apply` does it, one that is not is created, unless `verb` says otherwise. Objects of other kinds are passed over.
    pub fn can_grant(&self, user: &User, objects: &[Object], verb: Option<Verb>) -> Vec<Writing> {
        let mut policy = self.policy().clone();
        let mut all = Vec::new();
        for object in objects {
            let Some(draft) = Draft::read(object, DEFAULT_NAMESPACE) else { continue };
            let old = self.stored(&draft, &all, objects);
            let verb = verb.unwrap_or(if old.is_some() { Verb::Patch } else { Verb::Create });
            let write = policy.check_write_by(verb, user, &draft, old.as_ref());
            let mut message = write.http_message(&policy);
            let mut because = Vec::new();
            for asked in &write.asked {
                match &asked.answer {
                    Answer::Allowed(grant) => because.push(self.by(&policy, grant, "may write it by")),
                    Answer::Master => because.push(told("system:masters may do everything")),
                    Answer::NotAllowed(_) => {
                        let action = Action::Resource(asked.action);
                        because.extend(
                            self.policy()
                                .misses(user, &action, 2)
                                .iter()
                                .map(|miss| self.miss(miss, user, &action)),
                        );
                    }
                }
            }
            // What is not let in is not looked at any further.
            match &write.escalation {
                _ if write.authorized() != Decision::Allow => {}
                Ok(Passed::Held) => {
                    because.push(told("all that it gives is held already, where it gives it"));
                }
                Ok(Passed::Escalate(grant)) => {
                    because.push(self.by(&policy, grant, "the verb escalate lets it, by"));
                }
                Ok(Passed::Bind(grant)) => {
                    because.push(self.by(&policy, grant, "the verb bind on the role lets it, by"));
                }
                Ok(Passed::GarbageCollection) => {
                    because.push(told("nothing changes but finalizers, owners and managed fields"));
                }
                Ok(Passed::Master) | Err(Refused::RoleUnresolved(_)) => {}
                Err(refused) => because
                    .extend(refused.missing_lines().iter().map(|line| told(&format!("not held: {line}")))),
            }
            let let_through = write.is_allowed();
            let mut allowed = let_through;
            // What is let through is looked at then.
            let errors = validate_write(&draft, old.as_ref());
            if allowed && !errors.is_empty() {
                allowed = false;
                let list: Vec<String> = errors.iter().map(ToString::to_string).collect();
                let list = if list.len() == 1 { list.concat() } else { format!("[{}]", list.join(", ")) };
                let (kind, name) = (&object.id.kind, &draft.meta.name);
                message = Some(format!(
                    "{kind}.rbac.authorization.k8s.io {} is invalid: {list}",
                    ringwall_model::go::go_quote(name)
                ));
            }
            let verdict = match (allowed, let_through) {
                // What is invalid is refused, whoever lets it through.
                (false, true) => Verdict::No,
                (true, _) if user.is_master() => Verdict::Yes,
                _ => self.authorizers.verdict(allowed),
            };
            let name = match &draft.object {
                RbacObject::Role(role) => words::role(role),
                RbacObject::Binding(binding) => words::binding(binding),
            };
            if allowed {
                policy.set(draft.completed().object);
                policy.aggregate(|role| role.stored);
            }
            let location = Location::of(object, &FieldPath::root());
            all.push(Writing { object: name, location, verb, verdict, message, because });
        }
        all
    }

    fn by(&self, policy: &Policy, grant: &Grant, how: &str) -> Because {
        let binding = &policy.bindings()[grant.binding];
        // What the file itself brings has no place in the input.
        let known = grant.binding < self.policy().bindings().len();
        let place = known.then(|| self.subject_place(grant.binding, grant.subject));
        Because { message: format!("{how} {}", words::binding(binding)), place }
    }

    /// The object that is there already: from the file itself, if an earlier one was written, else from the input or the default policy.
    fn stored(&self, draft: &Draft, written: &[Writing], objects: &[Object]) -> Option<Draft> {
        let name = |object: &RbacObject| match object {
            RbacObject::Role(role) => words::role(role),
            RbacObject::Binding(binding) => words::binding(binding),
        };
        let wanted = name(&draft.object);
        let earlier = written.iter().rposition(|one| one.object == wanted && one.verdict == Verdict::Yes);
        if let Some(earlier) = earlier {
            let mut drafts = objects.iter().filter_map(|object| Draft::read(object, DEFAULT_NAMESPACE));
            return drafts.nth(earlier);
        }
        let policy = self.policy();
        let (origin, object) = match &draft.object {
            RbacObject::Role(role) => {
                let role = &policy.roles()[policy.role(role.namespace.as_deref(), &role.name)?];
                (role.origin, RbacObject::Role(role.clone()))
            }
            RbacObject::Binding(binding) => {
                let index = policy.binding(binding.namespace.as_deref(), &binding.name)?;
                let binding = &policy.bindings()[index];
                (binding.origin, RbacObject::Binding(binding.clone()))
            }
        };
        match origin {
            Origin::Object(index) => Draft::read(self.snapshot.all().get(index)?, DEFAULT_NAMESPACE),
            Origin::Default | Origin::None => {
                let mut stored = Draft { object, ..draft.clone() };
                (stored.meta.labels, stored.meta.annotations) = (None, None);
                Some(stored)
            }
        }
    }
}

fn told(message: &str) -> Because {
    Because { message: message.to_owned(), place: None::<Place> }
}
