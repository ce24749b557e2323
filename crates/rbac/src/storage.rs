//! What the API server says to who writes a role or a binding: the first thing that it finds wrong, in its words.
//!
//! ```text
//!   authorizer ──▶ decoding ──▶ the name in the URL ──▶ uid ──▶ namespace ──▶ escalation ──▶ resourceVersion ──▶ validation ──▶ storage
//! ```
//! Sources: k8s.io/apiserver `pkg/endpoints/handlers/{create,update,patch}.go`, `pkg/registry/generic/registry/store.go`,
//! `pkg/admission/plugin/namespace/lifecycle/admission.go`, `pkg/storage/etcd3/store.go`, `pkg/storage/errors/storage.go`.

use ringwall_model::go::go_quote;
use ringwall_model::name::path_segment_errors;
use ringwall_model::version::Minor;

use crate::attributes::{Action, ResourceAction};
use crate::authorize::forbidden;
use crate::draft::Draft;
use crate::model::GROUP;
use crate::policy::Policy;
use crate::validate::{invalid_message, validate_write_in};
use crate::write::{Verb, Write};

/// What is known of the namespace that an object is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Namespace {
    /// It is there, or nobody knows.
    #[default]
    Unknown,
    /// It is not there.
    Missing,
    /// It is on its way out.
    Terminating,
}

/// What a write meets.
#[derive(Clone, Debug)]
pub struct Meets<'w> {
    /// How it is written.
    pub verb: Verb,
    /// The object that is there.
    pub stored: Option<&'w Draft>,
    /// The namespace that it is written in.
    pub namespace: Namespace,
    /// What is wrong with its text: see [`crate::strict`].
    pub undecodable: Option<String>,
    /// The API server's version.
    pub version: Minor,
}

/// Why a write is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What a client reads.
    pub message: String,
    /// Whether it is a question of what the user may do: not if nobody could write this.
    pub is_of_rights: bool,
}

impl Write<'_> {
    /// The first thing that is wrong with the write; `None` where it goes through.
    pub fn first_refusal(&self, policy: &Policy, meets: &Meets<'_>) -> Option<Refusal> {
        self.refusal_of(meets, Some(policy))
    }

    /// The first thing that is wrong with the write whoever makes it; `None` where there is no such thing.
    pub fn refusal_of_all(&self, meets: &Meets<'_>) -> Option<Refusal> {
        self.refusal_of(meets, None)
    }

    fn refusal_of(&self, meets: &Meets<'_>, rights: Option<&Policy>) -> Option<Refusal> {
        let of_rights = |message: String| Refusal { message, is_of_rights: true };
        let of_object = |message: String| Refusal { message, is_of_rights: false };
        if let Some(message) = rights.and_then(|policy| self.refused_at_once(policy)) {
            return Some(of_rights(message));
        }
        // A patch is read when it is put over the object that is there; what is applied, once the name is known to be good.
        let in_url = (meets.verb != Verb::Create).then(|| self.url_error()).flatten();
        let undecodable = meets.undecodable.clone();
        let name = &self.draft.meta.name;
        let (first, second) = match meets.verb {
            Verb::Patch => (in_url, undecodable),
            // No handler is found for such a name, so that nothing is read.
            Verb::Update if name.is_empty() || name.contains('/') => (in_url, undecodable),
            Verb::Create | Verb::Update => (undecodable, in_url),
        };
        if let Some(message) = first.or(second).or_else(|| self.uid_error(meets)) {
            return Some(of_object(message));
        }
        let old = meets.stored.filter(|_| meets.verb != Verb::Create);
        if old.is_none()
            && let Some(message) = self.namespace_error(meets.namespace)
        {
            return Some(of_object(message));
        }
        if let Some(message) = rights.and_then(|_| self.escalation_http_message()) {
            return Some(of_rights(message));
        }
        let in_validation = || {
            let errors = validate_write_in(self.draft, old, meets.version);
            invalid_message(&self.draft.prepared(old), &errors)
        };
        let version = version_error(self.draft, old, meets.verb);
        // Who creates by POST is told of the version last, by the storage.
        let message = match meets.verb {
            Verb::Create => in_validation().or(version).or_else(|| self.exists(meets)),
            Verb::Update | Verb::Patch => version.or_else(in_validation),
        };
        let at_last = || rights.and_then(|policy| self.refused_at_last(policy)).map(of_rights);
        message.map(of_object).or_else(at_last)
    }

    fn qualified(&self) -> String {
        format!("{}.{GROUP} {}", self.draft.object.resource(), go_quote(&self.draft.meta.name))
    }

    /// What is wrong with the name as the request states it.
    fn url_error(&self) -> Option<String> {
        let name = &self.draft.meta.name;
        if name.is_empty() {
            return Some("the server does not allow this method on the requested resource".to_owned());
        }
        if name.contains('/') {
            return Some("the server could not find the requested resource".to_owned());
        }
        let faults = path_segment_errors(name);
        (!faults.is_empty())
            .then(|| format!("Name parameter invalid: {}: {}", go_quote(name), faults.join(";")))
    }

    /// Whether the write means another object than the one that is there. Of one whose uid the input does not state, nobody knows.
    fn uid_error(&self, meets: &Meets<'_>) -> Option<String> {
        let (uid, name) = (&self.draft.meta.uid, self.qualified());
        let stored = meets.stored.map(|old| &old.meta.uid);
        let cannot = |why: String| Some(format!("Operation cannot be fulfilled on {name}: {why}"));
        match (meets.verb, stored) {
            (Verb::Create, _) => None,
            (_, None) if uid.is_empty() => None,
            (Verb::Patch, None) => cannot(format!(
                "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            )),
            // Validation says that a patch may not change it.
            (Verb::Patch, Some(_)) => None,
            (Verb::Update, Some(stored)) if uid.is_empty() || stored.is_empty() || stored == uid => None,
            (Verb::Update, stored) => {
                let namespace = self.draft.object.namespace();
                let within = namespace.map(|namespace| format!("{namespace}/")).unwrap_or_default();
                let key =
                    format!("/registry/{}/{within}{}", self.draft.object.resource(), self.draft.meta.name);
                let stored = stored.map_or("", String::as_str);
                cannot(format!(
                    "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in \
                     precondition: {uid}, UID in object meta: {stored}"
                ))
            }
        }
    }

    fn namespace_error(&self, state: Namespace) -> Option<String> {
        let namespace = self.draft.object.namespace()?;
        match state {
            Namespace::Unknown => None,
            Namespace::Missing => Some(format!("namespaces {} not found", go_quote(namespace))),
            Namespace::Terminating => {
                let object = ResourceAction {
                    group: GROUP,
                    resource: self.draft.object.resource(),
                    name: &self.draft.meta.name,
                    ..ResourceAction::default()
                };
                let why = format!(
                    "unable to create new content in namespace {namespace} because it is being terminated"
                );
                Some(forbidden(&Action::Resource(object), &why))
            }
        }
    }

    fn exists(&self, meets: &Meets<'_>) -> Option<String> {
        // A name that is made is another one.
        let stored = meets.stored.filter(|_| !self.draft.meta.name.is_empty())?;
        let leaving = if stored.meta.deletion_timestamp.is_some() { "object is being deleted: " } else { "" };
        Some(format!("{leaving}{} already exists", self.qualified()))
    }
}

/// What is wrong with the version that the writer states. Any version will do where none is stored that the input knows of.
fn version_error(draft: &Draft, old: Option<&Draft>, verb: Verb) -> Option<String> {
    let stated = draft.meta.resource_version.as_str();
    let number = match number(stated) {
        Ok(number) => number,
        // A POST takes what is no version for none.
        Err(_) if verb == Verb::Create => 0,
        Err(why) => return Some(format!("strconv.ParseUint: parsing {}: {why}", go_quote(stated))),
    };
    if number == 0 {
        return None;
    }
    if verb == Verb::Create {
        return Some("resourceVersion should not be set on objects to be created".to_owned());
    }
    let stored = old.map(|old| old.meta.resource_version.as_str()).filter(|stored| !stored.is_empty())?;
    (self::number(stored) != Ok(number)).then(|| {
        let (resource, name) = (draft.object.resource(), go_quote(&draft.meta.name));
        format!(
            "Operation cannot be fulfilled on {resource}.{GROUP} {name}: the object has been modified; please apply your changes to the latest \
             version and try again"
        )
    })
}

/// As Go reads a decimal number without a sign; nothing at all is no version.
fn number(text: &str) -> Result<u64, &'static str> {
    match text {
        "" => Ok(0),
        _ if !text.bytes().all(|byte| byte.is_ascii_digit()) => Err("invalid syntax"),
        _ => text.parse().map_err(|_| "value out of range"),
    }
}
