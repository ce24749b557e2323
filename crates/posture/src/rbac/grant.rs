//! Whether the API server would let a user write roles and bindings, one after the other as they stand in a file.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ringwall_model::finding::{Location, Verdict};
use ringwall_model::go::go_quote;
use ringwall_model::name::path_segment_errors;
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_rbac::attributes::{Action, Decision, ResourceAction, User};
use ringwall_rbac::authorize::{Answer, Grant, forbidden_message};
use ringwall_rbac::draft::Draft;
use ringwall_rbac::model::{GROUP, Origin, RbacObject, Role};
use ringwall_rbac::policy::Policy;
use ringwall_rbac::snapshot::DEFAULT_NAMESPACE;
use ringwall_rbac::storage::{Meets, Namespace, Refusal};
use ringwall_rbac::strict::{Reader, decoding_error, unserved};
use ringwall_rbac::write::{Passed, Refused, Verb, Write};
use serde_json::Value;

use super::can_i::Because;
use super::{Place, Rights, words};

/// Where `kubectl apply` keeps what it wrote last.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

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

/// An object by its kind, namespace and name.
type Key = (&'static str, String, String);

/// Fields of mappings, by their keys from the root.
type Paths = BTreeSet<Vec<String>>;

/// What is there when an object is written.
struct State<'s> {
    policy: Policy,
    /// What the file itself has written, and the fields that its text states.
    written: HashMap<Key, (Draft, Paths)>,
    /// The namespaces that there are, where the input tells.
    namespaces: Option<HashSet<&'s str>>,
    /// Whether roles that aggregate must be made anew.
    outdated: bool,
}

/// What is there already of an object.
struct Stored {
    draft: Draft,
    /// The fields that `kubectl apply` put there.
    applied: Paths,
    /// Whether applying the same once more writes nothing.
    unchanged: bool,
}

impl State<'_> {
    fn key(draft: &Draft) -> Key {
        (draft.object.kind(), draft.namespace().to_owned(), draft.meta.name.clone())
    }

    /// Takes in what was written. Aggregation is left for later where it matters at all.
    fn put(&mut self, draft: &Draft, applied: Paths) {
        let completed = draft.completed();
        if let RbacObject::Role(role) = &completed.object
            && role.namespace.is_none()
        {
            let before =
                self.policy.cluster_role(&role.name).and_then(|index| self.policy.roles().get(index));
            let touched = [before, Some(role)].into_iter().flatten();
            self.outdated |= touched.into_iter().any(|role| self.is_aggregated(role));
        }
        self.policy.set(completed.object.clone());
        self.written.insert(Self::key(&completed), (completed, applied));
    }

    /// Whether a role takes in others, or is taken in by one that a controller still has to make.
    fn is_aggregated(&self, role: &Role) -> bool {
        let matches = |other: &Role| {
            let selectors = other.aggregation.iter().flatten().filter_map(|one| one.compiled.as_ref());
            let label = |key: &str| role.labels.get(key).map(String::as_str);
            selectors.into_iter().any(|selector| selector.matches(label))
        };
        role.aggregation.is_some()
            || self
                .policy
                .roles()
                .iter()
                .any(|other| !other.stored && other.namespace.is_none() && matches(other))
    }

    fn settle(&mut self) {
        if std::mem::take(&mut self.outdated) {
            self.policy.aggregate(|role| role.stored);
        }
    }
}

impl Rights<'_> {
    /// Goes through objects in their order: what is written counts for those that follow. Without a `verb` it is as `kubectl apply` does it:
    /// the object is read, patched if it is there already and created if it is not. Objects of other API groups are passed over.
    pub fn can_grant<'a>(&'a self, user: &User, objects: &'a [Object], verb: Option<Verb>) -> Vec<Writing> {
        let mut state = State {
            policy: self.policy().clone(),
            written: HashMap::new(),
            namespaces: self.all_namespaces(),
            outdated: false,
        };
        let mut all = Vec::new();
        for object in objects {
            if object.is("", "Namespace")
                && let Some(namespaces) = &mut state.namespaces
            {
                namespaces.insert(object.id.name.as_str());
            }
            if object.id.group != GROUP {
                continue;
            }
            let location = Location::of(object, &FieldPath::root());
            if let Some(message) = unserved(object) {
                all.push(Writing {
                    object: object.id.to_string(),
                    location,
                    verb: verb.unwrap_or(Verb::Create),
                    verdict: Verdict::No,
                    message: Some(message),
                    because: Vec::new(),
                });
                continue;
            }
            let Some(draft) = Draft::read(object, DEFAULT_NAMESPACE) else { continue };
            state.settle();
            all.push(self.one(user, object, &draft, verb, &mut state, &location));
        }
        all
    }

    fn one(
        &self,
        user: &User,
        object: &Object,
        draft: &Draft,
        asked: Option<Verb>,
        state: &mut State<'_>,
        location: &Location,
    ) -> Writing {
        let stored = self.stored(draft, object, state);
        let verb = asked.unwrap_or(if stored.is_some() { Verb::Patch } else { Verb::Create });
        let name = match &draft.object {
            RbacObject::Role(role) => words::role(role),
            RbacObject::Binding(binding) => words::binding(binding),
        };
        let writing = |verdict: Verdict, message: Option<String>, because: Vec<Because>| Writing {
            object: name.clone(),
            location: location.clone(),
            verb,
            verdict,
            message,
            because,
        };
        let is_apply = asked.is_none() && !draft.meta.name.is_empty();
        // kubectl asks for no such name.
        let faults = path_segment_errors(&draft.meta.name);
        if is_apply && !faults.is_empty() {
            let message =
                format!("invalid resource name {}: [{}]", go_quote(&draft.meta.name), faults.join(" "));
            return writing(Verdict::No, Some(message), Vec::new());
        }
        if asked.is_none() && draft.meta.name.is_empty() && !draft.meta.generate_name.is_empty() {
            let message = format!("from {}: cannot use generate name with apply", draft.meta.generate_name);
            return writing(Verdict::No, Some(message), Vec::new());
        }
        if is_apply && let Some((message, because)) = self.unread(&state.policy, user, draft) {
            let verdict = self.authorizers.verdict(false);
            if verdict == Verdict::No {
                return writing(verdict, Some(message), because);
            }
        }
        let reader = match (verb, &stored) {
            (Verb::Create | Verb::Update, _) => Reader::Whole,
            (Verb::Patch, Some(stored)) => {
                Reader::Patch { has_owners: !stored.draft.meta.owner_references.is_empty() }
            }
            (Verb::Patch, None) => Reader::Apply,
        };
        let undecodable = decoding_error(object, reader);
        if let Some(stored) = &stored
            && is_apply
            && stored.unchanged
            && undecodable.is_none()
        {
            return writing(
                Verdict::Yes,
                None,
                vec![told("it is there as it is, so that nothing is written")],
            );
        }
        let result = match &stored {
            Some(stored) if verb == Verb::Patch => patched(draft, object, stored, is_apply),
            _ => draft.clone(),
        };
        let old = stored.as_ref().map(|stored| &stored.draft);
        let write = state.policy.check_write_by(verb, user, &result, old);
        let meets = Meets {
            verb,
            stored: old,
            namespace: self.namespace(draft, state.namespaces.as_ref()),
            undecodable,
            version: self.version,
        };
        let refusal = write.first_refusal(&state.policy, &meets);
        let mut because = Vec::new();
        // Of what nobody could write, nobody asks who may.
        if refusal.as_ref().is_none_or(|refusal| refusal.is_of_rights) {
            because = self.because(&write, &state.policy, user);
        }
        let (verdict, message) = match refusal {
            None if user.is_master() => (Verdict::Yes, None),
            None => (self.authorizers.verdict(true), None),
            Some(Refusal { message, is_of_rights: false }) => (Verdict::No, Some(message)),
            Some(Refusal { message, .. }) => match self.authorizers.verdict(false) {
                Verdict::No => (Verdict::No, Some(message)),
                // Others may let it through; what is invalid is refused all the same.
                open => match write.refusal_of_all(&meets) {
                    Some(refusal) => (Verdict::No, Some(refusal.message)),
                    None => (open, Some(message)),
                },
            },
        };
        let writing = writing(verdict, message, because);
        if writing.message.is_none() {
            state.put(&result, draft.said.paths());
        }
        writing
    }

    /// Why the user may not even read what is there, which `kubectl apply` does first.
    fn unread(&self, policy: &Policy, user: &User, draft: &Draft) -> Option<(String, Vec<Because>)> {
        let action = Action::Resource(ResourceAction {
            verb: "get",
            group: GROUP,
            resource: draft.object.resource(),
            subresource: "",
            namespace: draft.namespace(),
            name: &draft.meta.name,
        });
        let answer = policy.answer(user, &action);
        (answer.decision() != Decision::Allow).then(|| {
            let mut because = vec![told("kubectl apply reads what is there before it writes")];
            because.extend(
                self.policy().misses(user, &action, 2).iter().map(|miss| self.miss(miss, user, &action)),
            );
            (forbidden_message(user, &action, &policy.reason(&answer)), because)
        })
    }

    fn because(&self, write: &Write<'_>, policy: &Policy, user: &User) -> Vec<Because> {
        let mut because = Vec::new();
        for asked in &write.asked {
            match &asked.answer {
                Answer::Allowed(grant) => {
                    let by = self.by(policy, grant, "may write it by");
                    if !because.contains(&by) {
                        because.push(by);
                    }
                }
                Answer::Master => because.push(told("system:masters may do everything")),
                Answer::NotAllowed(_) => {
                    let action = Action::Resource(asked.action);
                    let misses = self.policy().misses(user, &action, 2);
                    because.extend(misses.iter().map(|miss| self.miss(miss, user, &action)));
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
                because.push(self.by(policy, grant, "the verb escalate lets it, by"));
            }
            Ok(Passed::Bind(grant)) => {
                because.push(self.by(policy, grant, "the verb bind on the role lets it, by"));
            }
            Ok(Passed::GarbageCollection) => {
                because.push(told("nothing changes but finalizers, owners and managed fields"));
            }
            Ok(Passed::Master) | Err(Refused::RoleUnresolved(_)) => {}
            Err(refused) => {
                because.extend(refused.missing_lines().iter().map(|line| told(&format!("not held: {line}"))));
            }
        }
        because
    }

    fn by(&self, policy: &Policy, grant: &Grant, how: &str) -> Because {
        let binding = &policy.bindings()[grant.binding];
        // What the file itself brings has no place in the input.
        let known = grant.binding < self.policy().bindings().len();
        let place = known.then(|| self.subject_place(grant.binding, grant.subject));
        Because { message: format!("{how} {}", words::binding(binding)), place }
    }

    /// The object that is there already: from the file itself, if an earlier one was written, else from the input or the default policy.
    fn stored(&self, draft: &Draft, object: &Object, state: &State<'_>) -> Option<Stored> {
        if let Some((draft, applied)) = state.written.get(&State::key(draft)) {
            return Some(Stored { draft: draft.clone(), applied: applied.clone(), unchanged: false });
        }
        let policy = self.policy();
        let (origin, found) = match &draft.object {
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
            Origin::Object(index) => {
                let there = self.snapshot.all().get(index)?;
                let stored = Draft::read(there, DEFAULT_NAMESPACE)?;
                let is_dumped = there.uid().is_some() || !stored.meta.resource_version.is_empty();
                if !is_dumped {
                    // It was applied as it stands there.
                    let unchanged = there.root().same_meaning(object.root());
                    return Some(Stored { applied: stored.said.paths(), draft: stored, unchanged });
                }
                let last = stored.meta.annotations.as_ref().and_then(|all| all.get(LAST_APPLIED));
                let last: Option<Value> = last.and_then(|text| serde_json::from_str(text).ok());
                let applied = last.as_ref().map(paths_of).unwrap_or_default();
                let unchanged = last.is_some_and(|last| {
                    let mut kept = draft.applied_over(&stored);
                    // kubectl puts its own there.
                    if let (Some(kept), Some(stored)) = (&mut kept.meta.annotations, &stored.meta.annotations)
                        && let Some(last) = stored.get(LAST_APPLIED)
                    {
                        kept.insert(LAST_APPLIED.to_owned(), last.clone());
                    }
                    let same = format!("{:?}{:?}", kept.meta, kept.completed().object)
                        == format!("{:?}{:?}", stored.meta, stored.completed().object);
                    let new = serde_json::to_value(object.root()).unwrap_or_default();
                    same && as_applied(new, draft) == as_applied(last, draft)
                });
                Some(Stored { draft: stored, applied, unchanged })
            }
            Origin::Default | Origin::None => {
                let mut stored = Draft::from(found);
                if matches!(stored.object, RbacObject::Binding(_)) {
                    // What the API server puts on all that it makes itself.
                    let one =
                        |key: &str, value: &str| Some(BTreeMap::from([(key.to_owned(), value.to_owned())]));
                    stored.meta.labels = one("kubernetes.io/bootstrapping", "rbac-defaults");
                    stored.meta.annotations = one(ringwall_rbac::reconcile::AUTOUPDATE, "true");
                }
                Some(Stored { draft: stored, applied: BTreeSet::new(), unchanged: false })
            }
        }
    }

    /// The names of all namespaces, where the input holds those of a cluster: it does if the two that every cluster has were read from one.
    fn all_namespaces(&self) -> Option<HashSet<&str>> {
        let is_dumped = |name: &str| self.snapshot.namespace(name).is_some_and(|one| one.uid().is_some());
        (is_dumped("default") && is_dumped("kube-system"))
            .then(|| self.snapshot.of_kind("", "Namespace").map(|one| one.id.name.as_str()).collect())
    }

    fn namespace(&self, draft: &Draft, all: Option<&HashSet<&str>>) -> Namespace {
        let name = draft.namespace();
        if name.is_empty() {
            return Namespace::Unknown;
        }
        let there = self.snapshot.namespace(name);
        let phase = there.and_then(|one| one.root().str_at(&["status", "phase"]));
        match all {
            _ if phase == Some("Terminating") => Namespace::Terminating,
            Some(all) if !all.contains(name) => Namespace::Missing,
            _ => Namespace::Unknown,
        }
    }
}

/// What comes of a patch. `kubectl apply` takes away what it had put there and is no longer stated, and keeps what it writes in an annotation.
fn patched(draft: &Draft, object: &Object, stored: &Stored, is_apply: bool) -> Draft {
    if !is_apply {
        return draft.applied_over(&stored.draft);
    }
    let patch = Draft { said: draft.said.taking_away(&stored.applied), ..draft.clone() };
    let mut result = patch.applied_over(&stored.draft);
    let config = as_applied(serde_json::to_value(object.root()).unwrap_or_default(), draft);
    let text = serde_json::to_string(&config).unwrap_or_default();
    result.meta.annotations.get_or_insert_default().insert(LAST_APPLIED.to_owned(), text + "\n");
    result
}

/// What `kubectl apply` keeps and compares: annotations and the namespace are always there, what it kept before is not.
fn as_applied(mut value: Value, draft: &Draft) -> Value {
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        if metadata.get("annotations").is_none_or(Value::is_null) {
            metadata.insert("annotations".to_owned(), Value::Object(serde_json::Map::new()));
        }
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove(LAST_APPLIED);
        }
        if !draft.namespace().is_empty() {
            metadata.insert("namespace".to_owned(), draft.namespace().into());
        }
    }
    value
}

/// The fields of mappings that a value states.
fn paths_of(value: &Value) -> Paths {
    fn walk(value: &Value, at: &mut Vec<String>, all: &mut Paths) {
        for (key, value) in value.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
            at.push(key.clone());
            all.insert(at.clone());
            walk(value, at, all);
            at.pop();
        }
    }
    let mut all = BTreeSet::new();
    walk(value, &mut Vec::new(), &mut all);
    all
}

fn told(message: &str) -> Because {
    Because { message: message.to_owned(), place: None::<Place> }
}
