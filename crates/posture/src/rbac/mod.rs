//! Who may do what: what a user asks of the RBAC ring.
//!
//! | module | answers |
//! |---|---|
//! | [`can_i`] | one question: the grant that allows it, or the nearest misses |
//! | [`who`] | who may do something, and through what |
//! | [`matrix`] | all that subjects may do, where |
//! | [`diff`](mod@diff) | who gains and loses what between two sets of manifests |
//! | [`grant`] | whether a user may write roles and bindings |
//! | [`reduce`] | the least roles that an audit log proves are needed |
//! | [`escalate`] | who can become what, and the fewest grants to remove; [`facts`] is what that must know beside RBAC |
//! | [`authorizers`] | what else decides in the cluster, as far as the input shows it |
//! | [`words`] | subjects, bindings and rules in words |
//!
//! All of it is asked of one [`Rights`], which is built once a snapshot.

pub mod authorizers;
pub mod can_i;
pub mod diff;
pub mod escalate;
pub mod facts;
pub mod grant;
pub(crate) mod lint;
pub mod matrix;
pub mod reduce;
pub mod who;
pub mod words;

use ringwall_model::finding::{Location, Note};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::resources::Resources;
use ringwall_model::schema;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::version::Minor;
use ringwall_rbac::aggregate::Unsettled;
use ringwall_rbac::default_policy::{is_default_grant, known_for};
use ringwall_rbac::draft::Draft;
use ringwall_rbac::engine::Engine;
use ringwall_rbac::model::{GROUP, Origin, RbacObject, RuleAt};
use ringwall_rbac::policy::Policy;
use ringwall_rbac::snapshot::DEFAULT_NAMESPACE;
use ringwall_rbac::validate::validate;

use crate::rbac::authorizers::Authorizers;

/// A snapshot with the eyes of the RBAC ring: its roles and bindings, and the default policy where it has none of that name.
#[derive(Debug)]
pub struct Rights<'s> {
    /// The objects.
    pub snapshot: &'s Snapshot,
    /// The answers.
    pub engine: Engine,
    /// What aggregation leaves open.
    pub unsettled: Unsettled,
    /// The kinds of resources that there are.
    pub resources: Resources,
    /// What decides beside RBAC.
    pub authorizers: Authorizers,
    /// The version whose default policy counts.
    pub version: Minor,
}

/// An object's field that an answer rests on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// In the input.
    Input(Location),
    /// In the policy that the API server makes itself.
    Default,
}

impl<'s> Rights<'s> {
    /// Reads a snapshot. Costs a pass over its objects, and the indexing of its roles and bindings.
    pub fn of(snapshot: &'s Snapshot) -> Self {
        let version = snapshot.facts.version;
        let (policy, unsettled) = Policy::of_snapshot(snapshot, version);
        Self {
            snapshot,
            engine: Engine::new(policy),
            unsettled,
            resources: Resources::with_crds(snapshot),
            authorizers: Authorizers::of(snapshot),
            version,
        }
    }

    /// The version whose default policy counts: the nearest that is known.
    pub fn default_version(&self) -> Minor {
        known_for(self.version)
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        self.engine.policy()
    }

    /// Whether the input has no role and no binding, so that the default policy alone counts.
    pub fn is_default_only(&self) -> bool {
        !self.snapshot.objects().any(|(_, object)| RbacObject::is_one(object))
    }

    /// What the API server would refuse of the roles and bindings of the input, a note an object, where the first of it is written. They count all the
    /// same, without the values that it cannot decode: what the authorizer makes of them is defined.
    pub fn problems(&self) -> Vec<Note> {
        let mut notes: Vec<Note> = self
            .snapshot
            .objects()
            .filter(|(_, object)| RbacObject::is_one(object))
            .filter_map(|(_, object)| refused(object))
            .collect();
        notes.sort();
        notes
    }

    fn place(&self, origin: Origin, path: &FieldPath) -> Place {
        match origin {
            Origin::Object(index) => self
                .snapshot
                .all()
                .get(index)
                .map_or(Place::Default, |object| Place::Input(Location::of(object, path))),
            Origin::Default | Origin::None => Place::Default,
        }
    }

    /// Where a binding begins.
    pub fn binding_place(&self, binding: usize) -> Place {
        self.place(self.policy().bindings()[binding].origin, &FieldPath::root())
    }

    /// Where a binding names its role.
    pub fn role_ref_place(&self, binding: usize) -> Place {
        self.place(self.policy().bindings()[binding].origin, &FieldPath::keys(&["roleRef", "name"]))
    }

    /// Where a subject stands in its binding.
    pub fn subject_place(&self, binding: usize, subject: usize) -> Place {
        self.place(self.policy().bindings()[binding].origin, &FieldPath::keys(&["subjects"]).index(subject))
    }

    /// Where a rule is written; of one that was copied by aggregation, where it was copied from.
    pub fn rule_place(&self, at: RuleAt) -> Place {
        let at = self.policy().written_at(at);
        self.place(self.policy().roles()[at.role].origin, &FieldPath::keys(&["rules"]).index(at.rule))
    }

    /// Where a role begins.
    pub fn role_place(&self, role: usize) -> Place {
        self.place(self.policy().roles()[role].origin, &FieldPath::root())
    }

    /// Whether a subject is in a binding by the policy that every cluster has, written in the input or not.
    pub fn is_default_grant(&self, binding: usize, subject: usize) -> bool {
        is_default_grant(&self.policy().bindings()[binding], subject)
    }

    /// Whether a binding is of the policy that every cluster has, written in the input or not.
    pub fn is_default_binding(&self, binding: usize) -> bool {
        let stated = &self.policy().bindings()[binding];
        stated.origin == Origin::Default
            || (!stated.subjects.is_empty()
                && (0..stated.subjects.len()).all(|subject| is_default_grant(stated, subject)))
    }
}

/// What the API server would say of an object: that it serves no such version, or cannot decode it; or what it holds wrong of what is decoded.
fn refused(object: &Object) -> Option<Note> {
    const SERVED: &str = "v1";
    let mut wrong: Vec<(FieldPath, String)> = Vec::new();
    if object.version != SERVED {
        let message = format!("apiVersion: {} is not served; read as {GROUP}/{SERVED}", object.api_version());
        wrong.push((FieldPath::keys(&["apiVersion"]), message));
    }
    if let Some(schema) = schema::of(GROUP, SERVED, &object.id.kind) {
        let errors = schema.check(object.root()).into_iter();
        wrong.extend(errors.map(|error| (error.path.clone(), error.to_string())));
    }
    if wrong.is_empty() {
        let draft = Draft::read(object, DEFAULT_NAMESPACE)?;
        // What has no name yet gets one; a name is asked of the rest.
        let errors = validate(&draft.prepared(None)).into_iter();
        wrong.extend(errors.map(|error| (error.place.clone(), error.to_string())));
    }
    let (path, _) = wrong.first()?;
    let all: Vec<&str> = wrong.iter().map(|(_, message)| message.as_str()).collect();
    let message = format!("the API server would refuse {}: {}", object.id, all.join("; "));
    Some(Note::of(object, path, message))
}
