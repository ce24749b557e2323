//! Why something is not allowed: the grants that nearly allow it.
//!
//! A miss is near where one thing alone is wrong: the verb, the group, the subresource, the name, the namespace, the subject, the role that the
//! binding refers to. Those of the user's own grants come first, then those that are others'.

use crate::attributes::{
    Action, ResourceAction, SERVICE_ACCOUNT_PREFIX, SERVICE_ACCOUNTS, User, split_service_account,
};
use crate::matching::ALL;
use crate::model::{Rule, RuleAt, Subject};
use crate::policy::{Policy, Unresolved};

/// A grant that nearly allows an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// What alone is wrong with it.
    pub what: What,
    /// The binding; `None` where a role is bound to nobody.
    pub binding: Option<usize>,
    /// The rule, where one was looked at.
    pub rule: Option<RuleAt>,
}

/// What alone is wrong with a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The user's own binding refers to a role that is not there.
    Dangling(Unresolved),
    /// It gives other verbs on this.
    Verb,
    /// It gives this verb on a resource of this name, in other API groups.
    Group,
    /// It gives the resource, but not the subresource that was asked for.
    Subresource,
    /// It gives a subresource, but not the resource itself.
    OnlySubresource,
    /// It names the resource as no request does: `pod`, `Pods`, `pods/*`.
    Spelling(String),
    /// It names objects, and the request names none: create, list, watch and deletecollection do not.
    NoName,
    /// It names other objects.
    Name,
    /// It is held in other namespaces, the first of them given.
    Namespace(Vec<String>),
    /// The path is not among those of the rule, though it begins alike.
    Path,
    /// It is in a `RoleBinding`, and paths are given by `ClusterRoleBindings` alone.
    PathInNamespace,
    /// It is for this group, of which the user is not said to be.
    NotMember(String),
    /// It is for a subject that is nearly the user, given by its index.
    Subject(usize, Near),
    /// A role allows it that is bound to nobody who is the user.
    Unbound,
}

/// How a subject is nearly the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Near {
    /// Its name differs by upper and lower case.
    Case,
    /// It is the service account of that name in another namespace.
    Namespace(String),
    /// It has no namespace, in a `ClusterRoleBinding`.
    NoNamespace,
    /// It is a `User` or `Group` of the account's bare name.
    Kind(String),
}

/// How far a miss is: the nearest come first.
const fn distance(what: &What) -> u8 {
    match what {
        What::Dangling(_) => 0,
        What::NoName | What::Name | What::Subresource | What::OnlySubresource | What::Spelling(_) => 1,
        What::Group | What::PathInNamespace => 2,
        What::Namespace(_) | What::Subject(..) => 3,
        What::Verb | What::Path => 4,
        What::NotMember(_) => 5,
        What::Unbound => 6,
    }
}

impl Policy {
    /// The grants that nearly allow an action to a user, the nearest first; at most `most`. Costs a pass over all rules and subjects.
    pub fn misses(&self, user: &User, action: &Action<'_>, most: usize) -> Vec<Miss> {
        let mut misses = Vec::new();
        self.own_misses(user, action, &mut misses);
        self.elsewhere(user, action, &mut misses);
        self.for_others(user, action, &mut misses);
        if misses.is_empty() {
            self.unbound(action, &mut misses);
        }
        misses.sort_by_key(|miss| (distance(&miss.what), miss.binding, miss.rule));
        misses.dedup_by(|left, right| left == right);
        misses.truncate(most);
        misses
    }

    /// What the user holds here, but for one thing.
    fn own_misses(&self, user: &User, action: &Action<'_>, out: &mut Vec<Miss>) {
        for index in self.counting_in(action.namespace()) {
            let binding = &self.bindings()[index];
            let within = binding.namespace.as_deref().unwrap_or_default();
            if !binding.subjects.iter().any(|subject| subject.is(user, within)) {
                continue;
            }
            match self.resolve(&binding.role_ref, within) {
                Err(error) => {
                    out.push(Miss { what: What::Dangling(error), binding: Some(index), rule: None });
                }
                Ok(role) => {
                    for (rule, own) in self.roles()[role].rules.iter().enumerate() {
                        if let Some(what) = one_wrong(own, action) {
                            out.push(Miss { what, binding: Some(index), rule: Some(RuleAt { role, rule }) });
                        }
                    }
                }
            }
        }
    }

    /// What the user holds in other namespaces.
    fn elsewhere(&self, user: &User, action: &Action<'_>, out: &mut Vec<Miss>) {
        let mut first: Option<Miss> = None;
        let mut namespaces = Vec::new();
        for (index, binding) in self.bindings().iter().enumerate() {
            let Some(within) = binding.namespace.as_deref().filter(|within| *within != action.namespace())
            else {
                continue;
            };
            if !binding.subjects.iter().any(|subject| subject.is(user, within)) {
                continue;
            }
            let Ok(role) = self.resolve(&binding.role_ref, within) else { continue };
            let Some(rule) = self.roles()[role].rules.iter().position(|rule| rule.allows(action)) else {
                continue;
            };
            if matches!(action, Action::Path { .. }) {
                let rule = Some(RuleAt { role, rule });
                out.push(Miss { what: What::PathInNamespace, binding: Some(index), rule });
                return;
            }
            namespaces.push(within.to_owned());
            first.get_or_insert(Miss {
                what: What::Namespace(Vec::new()),
                binding: Some(index),
                rule: Some(RuleAt { role, rule }),
            });
        }
        if let Some(mut miss) = first {
            let named = namespaces[0].clone();
            namespaces.sort();
            namespaces.dedup();
            // The one that the place is in comes first.
            namespaces.retain(|namespace| *namespace != named);
            namespaces.insert(0, named);
            miss.what = What::Namespace(namespaces);
            out.push(miss);
        }
    }

    /// What is allowed here to others, who are nearly the user or a group that the user may be of.
    fn for_others(&self, user: &User, action: &Action<'_>, out: &mut Vec<Miss>) {
        for index in self.counting_in(action.namespace()) {
            let binding = &self.bindings()[index];
            let within = binding.namespace.as_deref().unwrap_or_default();
            let Ok(role) = self.resolve(&binding.role_ref, within) else { continue };
            let Some(rule) = self.roles()[role].rules.iter().position(|rule| rule.allows(action)) else {
                continue;
            };
            let found = binding.subjects.iter().enumerate().find_map(|(at, subject)| {
                near(subject, user, within)
                    .map(|near| What::Subject(at, near))
                    .or_else(|| might_be_of(subject, user))
            });
            if let Some(what) = found {
                out.push(Miss { what, binding: Some(index), rule: Some(RuleAt { role, rule }) });
            }
        }
    }

    /// Roles that would allow it, if they were bound.
    fn unbound(&self, action: &Action<'_>, out: &mut Vec<Miss>) {
        for (role, stated) in self.roles().iter().enumerate() {
            let here = stated.namespace.as_deref().is_none_or(|namespace| namespace == action.namespace());
            if !here || stated.origin == crate::model::Origin::Default {
                continue;
            }
            if let Some(rule) = stated.rules.iter().position(|rule| rule.allows(action)) {
                out.push(Miss { what: What::Unbound, binding: None, rule: Some(RuleAt { role, rule }) });
            }
        }
    }
}

/// What alone keeps a rule from allowing an action; `None` where it is more than one thing, or nothing.
fn one_wrong(rule: &Rule, action: &Action<'_>) -> Option<What> {
    let action = match action {
        Action::Path { verb, path } => {
            let near = |url: &String| {
                let stem = url.trim_end_matches('*').trim_end_matches('/');
                !stem.is_empty()
                    && (path.trim_end_matches('/') == stem || path.starts_with(&format!("{stem}/")))
            };
            return match (rule.has_verb(verb), rule.has_url(path)) {
                (false, true) => Some(What::Verb),
                (true, false) => rule.non_resource_urls.iter().any(near).then_some(What::Path),
                _ => None,
            };
        }
        Action::Resource(action) => action,
    };
    let fields = [
        rule.has_verb(action.verb),
        rule.has_group(action.group),
        rule.has_resource(action.resource, action.subresource),
        rule.has_name(action.name),
    ];
    match fields {
        [false, true, true, true] => Some(What::Verb),
        // A group that is wrong is near only where the resource is named.
        [true, false, true, true] => {
            let resource = action.combined();
            let named = rule.resources.iter().any(|own| {
                own == resource.as_ref()
                    || own.strip_prefix("*/").is_some_and(|sub| !sub.is_empty() && sub == action.subresource)
            });
            named.then_some(What::Group)
        }
        [true, true, false, true] => resource_miss(rule, action),
        [true, true, true, false] => Some(if action.name.is_empty() { What::NoName } else { What::Name }),
        _ => None,
    }
}

/// How a rule's resources are nearly the one that is asked for.
fn resource_miss(rule: &Rule, action: &ResourceAction<'_>) -> Option<What> {
    let mut found = None;
    for own in &rule.resources {
        let (resource, subresource) = match own.split_once('/') {
            Some((resource, subresource)) => (resource, Some(subresource)),
            None => (own.as_str(), None),
        };
        let same = resource == action.resource;
        if same && subresource.is_none() && !action.subresource.is_empty() {
            return Some(What::Subresource);
        }
        if (same || resource == ALL) && subresource == Some(ALL) {
            return Some(What::Spelling(own.clone()));
        }
        if same && subresource.is_some() && action.subresource.is_empty() {
            found = Some(What::OnlySubresource);
        } else if resource != action.resource && nearly(resource, action.resource) {
            found = Some(What::Spelling(own.clone()));
        }
    }
    found
}

/// Whether two names are one resource to people: upper case, or the singular.
fn nearly(own: &str, resource: &str) -> bool {
    let own = own.to_ascii_lowercase();
    own == resource
        || resource.strip_suffix('s') == Some(&own)
        || resource.strip_suffix("es") == Some(&own)
        || (own.strip_suffix('y').is_some_and(|stem| resource.strip_suffix("ies") == Some(stem)))
}

/// How a subject that is not the user is nearly it.
fn near(subject: &Subject, user: &User, within: &str) -> Option<Near> {
    if subject.is(user, within) {
        return None;
    }
    let account = split_service_account(&user.name);
    match (subject.kind.as_str(), account) {
        ("ServiceAccount", Some((namespace, name))) if subject.name == name => {
            let stated = if subject.namespace.is_empty() { within } else { &subject.namespace };
            if stated.is_empty() {
                return Some(Near::NoNamespace);
            }
            (stated != namespace).then(|| Near::Namespace(stated.to_owned()))
        }
        ("User" | "Group", Some((namespace, name))) => {
            let spelt = [
                name.to_owned(),
                format!("{namespace}:{name}"),
                format!("{namespace}/{name}"),
                user.name.clone(),
            ];
            spelt.contains(&subject.name).then(|| Near::Kind(subject.kind.clone()))
        }
        ("User", None) => {
            (subject.name.eq_ignore_ascii_case(&user.name) && subject.name != user.name).then_some(Near::Case)
        }
        ("Group" | "ServiceAccount", None) if subject.name == user.name => {
            Some(Near::Kind(subject.kind.clone()))
        }
        ("Group", _) => {
            user.groups.iter().any(|group| group.eq_ignore_ascii_case(&subject.name)).then_some(Near::Case)
        }
        _ => None,
    }
}

/// Whether a subject is a group that the user is not said to be of, but may well be.
fn might_be_of(subject: &Subject, user: &User) -> Option<What> {
    if subject.kind != "Group" || user.groups.contains(&subject.name) {
        return None;
    }
    // Groups of service accounts are those of their names; others nobody knows but who signs users in.
    let possible = match subject.name.strip_prefix(SERVICE_ACCOUNTS) {
        Some(rest) => split_service_account(&user.name)
            .is_some_and(|(namespace, _)| rest.is_empty() || rest.strip_prefix(':') == Some(namespace)),
        None if subject.name.starts_with("system:") => subject.name == crate::attributes::AUTHENTICATED,
        None => !user.name.starts_with(SERVICE_ACCOUNT_PREFIX),
    };
    possible.then(|| What::NotMember(subject.name.clone()))
}
