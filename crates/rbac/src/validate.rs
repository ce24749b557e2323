//! What the API server finds wrong with a role or a binding, in its words and order, each with the field that is meant. What the schema of a
//! kind says is not repeated here. Sources: k8s.io/kubernetes `pkg/apis/rbac/validation/validation.go` and
//! `pkg/apis/core/validation/validation.go` (`ValidateObjectMeta`); k8s.io/apimachinery `pkg/api/validation/objectmeta.go` and
//! `pkg/apis/meta/v1/validation/validation.go`.
//!
//! Where the reference walks through a map it has no order; here it is that of the keys.

use std::collections::HashSet;

use ringwall_model::go::{go_json_string, go_quote, is_go_printable};
use ringwall_model::invalid::{FieldError, FieldErrorKind};
use ringwall_model::name::{
    dns_label_errors, dns_subdomain_errors, label_key_errors, label_value_errors, path_segment_errors,
};
use ringwall_model::path::FieldPath;
use ringwall_model::version::Minor;

use crate::draft::{Draft, ManagedFields, ObjectMeta, OwnerReference, Texts, Time};
use crate::model::{Binding, Expression, GROUP, RbacObject, Role, RoleRef, RoleSelector, Rule, Subject};

/// The most that all annotations of an object may take.
const ANNOTATIONS_LIMIT: usize = 256 * 1024;

/// The version from which on required fields are validated by what their types declare, and not by hand.
const DECLARATIVE: Minor = Minor(37);

/// As [`validate_write_in`], by the newest version.
pub fn validate_write(draft: &Draft, old: Option<&Draft>) -> Vec<FieldError> {
    validate_write_in(draft, old, Minor::NEWEST)
}

/// What is wrong with an object that is written, over an old one if there is one, as the API server of a version would have it written: see
/// [`Draft::prepared`]. In the order of its message, none twice: what is wrong with the metadata of any object that is updated, what is wrong
/// with this one, and what the types declare.
/// Sources: k8s.io/apiserver `pkg/registry/rest/{create,update,validate}.go`; k8s.io/kubernetes `pkg/registry/rbac/*/strategy.go`,
/// `pkg/apis/rbac/v1/zz_generated.validations.go`.
pub fn validate_write_in(draft: &Draft, old: Option<&Draft>, version: Minor) -> Vec<FieldError> {
    let prepared = draft.prepared(old);
    let mut errors = Vec::new();
    match old {
        Some(old) => {
            let common = |error: &FieldError| !is_of_qualified_finalizer(error);
            let is_namespaced = prepared.object.namespace().is_some();
            meta(&prepared.meta, is_namespaced, &mut errors);
            meta_update(&prepared.meta, &old.meta, &mut errors);
            errors.retain(common);
            errors.append(&mut validate_update(&prepared, old));
        }
        None => errors = validate(&prepared),
    }
    if version >= DECLARATIVE {
        let declared = declared(&prepared, old);
        // What is said by hand of a field makes way for what is declared of it.
        let fields: HashSet<String> = declared.iter().map(|error| error.path.to_string()).collect();
        errors.retain(|error| !(is_covered(error) && fields.contains(&error.path.to_string())));
        errors.extend(declared);
    } else {
        errors.iter_mut().for_each(in_older_words);
    }
    let mut seen = HashSet::new();
    errors.retain(|error| seen.insert(error.to_string()));
    errors
}

/// The message of the API server for an object with these errors; `None` where there are none.
pub fn invalid_message(draft: &Draft, errors: &[FieldError]) -> Option<String> {
    let list: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let list = match list.len() {
        0 => return None,
        1 => list.concat(),
        _ => format!("[{}]", list.join(", ")),
    };
    let (kind, name) = (draft.object.kind(), go_quote(&draft.meta.name));
    Some(format!("{kind}.{GROUP} {name} is invalid: {list}"))
}

fn is_of_qualified_finalizer(error: &FieldError) -> bool {
    error.detail == UNQUALIFIED
}

/// Whether what is said by hand is declared as well. Source: `MarkCoveredByDeclarative` in `pkg/apis/rbac/validation/validation.go`.
fn is_covered(error: &FieldError) -> bool {
    let path = error.path.to_string();
    let named = ["rules", "subjects"].iter().any(|list| path.starts_with(list));
    error.kind == FieldErrorKind::Required
        && (path == "roleRef.name"
            || (named && path.rsplit_once('.').is_some_and(|(_, key)| matches!(key, "verbs" | "name"))))
}

/// What the types declare to be required. A list that an update leaves as it was is not looked at, nor is a `roleRef`, which may not change.
fn declared(draft: &Draft, old: Option<&Draft>) -> Vec<FieldError> {
    let old = old.map(Draft::completed);
    let required = |path: FieldPath| FieldError::required(path, "");
    match &draft.object {
        RbacObject::Role(role) => {
            let same = match old.as_ref().map(|old| &old.object) {
                Some(RbacObject::Role(old)) => old.rules == role.rules,
                _ => false,
            };
            let rules = role.rules.iter().enumerate().filter(|(_, rule)| !same && rule.verbs.is_empty());
            rules.map(|(index, _)| required(FieldPath::keys(&["rules"]).index(index).key("verbs"))).collect()
        }
        RbacObject::Binding(binding) => {
            let same = match old.as_ref().map(|old| &old.object) {
                Some(RbacObject::Binding(old)) => old.subjects == binding.subjects,
                _ => false,
            };
            let nameless =
                binding.subjects.iter().enumerate().filter(|(_, subject)| !same && subject.name.is_empty());
            let mut errors: Vec<FieldError> = nameless
                .map(|(index, _)| required(FieldPath::keys(&["subjects"]).index(index).key("name")))
                .collect();
            if old.is_none() && binding.role_ref.name.is_empty() {
                errors.push(required(FieldPath::keys(&["roleRef", "name"])));
            }
            errors
        }
    }
}

/// An error as versions before [`DECLARATIVE`] word it. Source: the same files of k8s.io/kubernetes and k8s.io/apimachinery, v1.34 to v1.36.
fn in_older_words(error: &mut FieldError) {
    let path = error.path.to_string();
    if path == "roleRef" && error.detail == IMMUTABLE {
        "cannot change roleRef".clone_into(&mut error.detail);
    }
    let Some(inner) = path.strip_prefix("metadata.ownerReferences[") else { return };
    // The place of an owner in the list was not named.
    error.path = match inner.split_once("].") {
        Some((_, key)) => field("ownerReferences").key(key),
        None => field("ownerReferences"),
    };
    if error.kind == FieldErrorKind::Required {
        error.kind = FieldErrorKind::Invalid;
        "\"\"".clone_into(&mut error.value);
        if inner.ends_with("].apiVersion") {
            "version must not be empty".clone_into(&mut error.detail);
        }
    } else if inner.ends_with("].apiVersion") {
        "version must not be empty".clone_into(&mut error.detail);
    }
}

/// What is wrong with an object that is created; groups that it does not state are completed first.
pub fn validate(draft: &Draft) -> Vec<FieldError> {
    validate_as(draft, false)
}

/// What is wrong with an object that is written over an old one: what is wrong with it by itself, and what may not change.
/// Nothing is taken over from the old object here; [`validate_write`] does that first.
pub fn validate_update(draft: &Draft, old: &Draft) -> Vec<FieldError> {
    // What slipped in once may stay.
    let is_bad = |value: &String| !label_value_errors(value).is_empty();
    let had_bad_value = match &old.object {
        RbacObject::Role(old) => {
            let selectors = old.aggregation.iter().flatten();
            selectors
                .flat_map(|selector| &selector.match_expressions)
                .any(|one| one.values.iter().any(is_bad))
        }
        RbacObject::Binding(_) => false,
    };
    let mut errors = validate_as(draft, had_bad_value);
    meta_update(&draft.meta, &old.meta, &mut errors);
    if let (RbacObject::Binding(new), RbacObject::Binding(old)) = (&draft.object, &old.object) {
        let role_ref = new.role_ref.completed();
        if role_ref != old.role_ref.completed() {
            let path = FieldPath::keys(&["roleRef"]);
            errors.push(FieldError::invalid_shown(path, role_ref_json(&role_ref), IMMUTABLE));
        }
    }
    errors
}

const IMMUTABLE: &str = "field is immutable";
const UNQUALIFIED: &str = "name is neither a standard finalizer name nor is it fully qualified";

fn validate_as(draft: &Draft, may_have_bad_values: bool) -> Vec<FieldError> {
    let mut errors = Vec::new();
    meta(&draft.meta, draft.object.namespace().is_some(), &mut errors);
    match &draft.object {
        RbacObject::Role(role) => self::role(role, may_have_bad_values, &mut errors),
        RbacObject::Binding(binding) => self::binding(binding, &mut errors),
    }
    errors
}

fn role(role: &Role, may_have_bad_values: bool, errors: &mut Vec<FieldError>) {
    for (index, rule) in role.rules.iter().enumerate() {
        self::rule(rule, role.namespace.is_some(), &FieldPath::keys(&["rules"]).index(index), errors);
    }
    let Some(selectors) = &role.aggregation else { return };
    let path = FieldPath::keys(&["aggregationRule", "clusterRoleSelectors"]);
    if selectors.is_empty() {
        let why = "at least one clusterRoleSelector required if aggregationRule is non-nil";
        errors.push(FieldError::required(path.clone(), why));
    }
    for (index, selector) in selectors.iter().enumerate() {
        let path = path.clone().index(index);
        self::selector(selector, may_have_bad_values, &path, errors);
        if selector.compiled.is_none() {
            // The value that is shown is the selector that could not be made.
            errors.push(FieldError::invalid_shown(path, "null", "invalid label selector."));
        }
    }
}

fn rule(rule: &Rule, is_namespaced: bool, path: &FieldPath, errors: &mut Vec<FieldError>) {
    let field = |key: &str| path.clone().key(key);
    if rule.verbs.is_empty() {
        errors.push(FieldError::required(field("verbs"), "verbs must contain at least one value"));
    }
    let urls = &rule.non_resource_urls;
    if !urls.is_empty() {
        let mut refuse =
            |why: &str| errors.push(FieldError::invalid_list(field("nonResourceURLs"), urls, why));
        if is_namespaced {
            refuse("namespaced rules cannot apply to non-resource URLs");
        }
        if [&rule.api_groups, &rule.resources, &rule.resource_names].iter().any(|list| !list.is_empty()) {
            refuse("rules cannot apply to both regular resources and non-resource URLs");
        }
        return;
    }
    if rule.api_groups.is_empty() {
        let why = "resource rules must supply at least one api group";
        errors.push(FieldError::required(field("apiGroups"), why));
    }
    if rule.resources.is_empty() {
        let why = "resource rules must supply at least one resource";
        errors.push(FieldError::required(field("resources"), why));
    }
}

fn selector(
    selector: &RoleSelector,
    may_have_bad_values: bool,
    path: &FieldPath,
    errors: &mut Vec<FieldError>,
) {
    labels(selector.match_labels.iter(), &path.clone().key("matchLabels"), errors);
    for (index, expression) in selector.match_expressions.iter().enumerate() {
        let path = path.clone().key("matchExpressions").index(index);
        self::expression(expression, may_have_bad_values, &path, errors);
    }
}

/// Source: `ValidateLabelSelectorRequirement`.
fn expression(
    expression: &Expression,
    may_have_bad_values: bool,
    path: &FieldPath,
    errors: &mut Vec<FieldError>,
) {
    let (field, values) = (|key: &str| path.clone().key(key), &expression.values);
    match expression.operator.as_str() {
        "In" | "NotIn" if values.is_empty() => {
            let why = "must be specified when `operator` is 'In' or 'NotIn'";
            errors.push(FieldError::required(field("values"), why));
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            let why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            errors.push(FieldError::forbidden(field("values"), why));
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        other => {
            errors.push(FieldError::invalid_named(field("operator"), other, "not a valid selector operator"));
        }
    }
    let key = label_key_errors(&expression.key).into_iter();
    errors.extend(key.map(|why| FieldError::invalid(field("key"), &expression.key, why)));
    if may_have_bad_values {
        return;
    }
    for (index, value) in values.iter().enumerate() {
        let whys = label_value_errors(value).into_iter();
        errors.extend(whys.map(|why| FieldError::invalid(field("values").index(index), value, why)));
    }
}

fn binding(binding: &Binding, errors: &mut Vec<FieldError>) {
    let is_namespaced = binding.namespace.is_some();
    let field = |key: &str| FieldPath::keys(&["roleRef", key]);
    let role_ref = binding.role_ref.completed();
    if role_ref.api_group != GROUP {
        errors.push(FieldError::not_supported(field("apiGroup"), &role_ref.api_group, &[GROUP]));
    }
    let kinds: &[&str] = if is_namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    if !kinds.contains(&role_ref.kind.as_str()) {
        errors.push(FieldError::not_supported(field("kind"), &role_ref.kind, kinds));
    }
    if role_ref.name.is_empty() {
        errors.push(FieldError::required(field("name"), ""));
    }
    let whys = path_segment_errors(&role_ref.name).into_iter();
    errors.extend(whys.map(|why| FieldError::invalid(field("name"), &role_ref.name, why)));
    for (index, subject) in binding.subjects.iter().enumerate() {
        let path = FieldPath::keys(&["subjects"]).index(index);
        self::subject(&subject.completed(), is_namespaced, &path, errors);
    }
}

fn subject(subject: &Subject, is_namespaced: bool, path: &FieldPath, errors: &mut Vec<FieldError>) {
    let field = |key: &str| path.clone().key(key);
    if subject.name.is_empty() {
        errors.push(FieldError::required(field("name"), ""));
    }
    match subject.kind.as_str() {
        "ServiceAccount" => {
            if !subject.name.is_empty() {
                let whys = dns_subdomain_errors(&subject.name).into_iter();
                errors.extend(whys.map(|why| FieldError::invalid(field("name"), &subject.name, why)));
            }
            if !subject.api_group.is_empty() {
                errors.push(FieldError::not_supported(field("apiGroup"), &subject.api_group, &[""]));
            }
            if !is_namespaced && subject.namespace.is_empty() {
                errors.push(FieldError::required(field("namespace"), ""));
            }
        }
        "User" | "Group" => {
            if subject.api_group != GROUP {
                errors.push(FieldError::not_supported(field("apiGroup"), &subject.api_group, &[GROUP]));
            }
        }
        other => {
            let kinds = ["ServiceAccount", "User", "Group"];
            errors.push(FieldError::not_supported(field("kind"), other, &kinds));
        }
    }
}

fn field(key: &str) -> FieldPath {
    FieldPath::keys(&["metadata", key])
}

/// Source: `ValidateObjectMeta`.
fn meta(meta: &ObjectMeta, is_namespaced: bool, errors: &mut Vec<FieldError>) {
    let mut refuse = |key: &str, value: &str, whys: Vec<String>| {
        errors.extend(whys.into_iter().map(|why| FieldError::invalid(field(key), value, why)));
    };
    refuse("generateName", &meta.generate_name, path_segment_errors(&meta.generate_name));
    refuse("name", &meta.name, path_segment_errors(&meta.name));
    if meta.name.is_empty() {
        errors.push(FieldError::required(field("name"), "name or generateName is required"));
    }
    match (is_namespaced, meta.namespace.as_str()) {
        (true, "") => errors.push(FieldError::required(field("namespace"), "")),
        (true, namespace) => {
            let whys = dns_label_errors(namespace).into_iter();
            errors.extend(whys.map(|why| FieldError::invalid(field("namespace"), namespace, why)));
        }
        (false, "") => {}
        (false, _) => errors.push(FieldError::forbidden(field("namespace"), "not allowed on this type")),
    }
    generation(meta, errors);
    labels(meta.labels.iter().flatten(), &field("labels"), errors);
    annotations(&meta.annotations, errors);
    owner_references(meta.owner_references.as_slice(), errors);
    finalizers(meta.finalizers.as_slice(), errors);
    managed_fields(meta.managed_fields.as_slice(), errors);
    qualified_finalizers(meta.finalizers.as_slice(), errors);
}

fn generation(meta: &ObjectMeta, errors: &mut Vec<FieldError>) {
    if meta.generation < 0 {
        let (shown, why) = (meta.generation.to_string(), "must be greater than or equal to 0");
        errors.push(FieldError::invalid_shown(field("generation"), shown, why));
    }
}

/// Source: `ValidateLabels`, whose messages name the map.
fn labels<'l>(
    labels: impl Iterator<Item = (&'l String, &'l String)>,
    path: &FieldPath,
    errors: &mut Vec<FieldError>,
) {
    for (key, value) in labels {
        let keys = label_key_errors(key).into_iter().map(|why| (key, why));
        let values = label_value_errors(value).into_iter().map(|why| (value, why));
        errors.extend(
            keys.chain(values).map(|(text, why)| {
                FieldError::invalid(path.clone(), text, why).meaning(path.clone().key(key))
            }),
        );
    }
}

/// Source: `ValidateAnnotations`.
fn annotations(annotations: &Texts, errors: &mut Vec<FieldError>) {
    let (path, mut size) = (field("annotations"), 0);
    for (key, value) in annotations.iter().flatten() {
        size += key.len() + value.len();
        // Go's lower case of a letter is one letter.
        let lower: String = key.chars().filter_map(|letter| letter.to_lowercase().next()).collect();
        let whys = label_key_errors(&lower).into_iter();
        errors.extend(
            whys.map(|why| FieldError::invalid(path.clone(), key, why).meaning(path.clone().key(key))),
        );
    }
    if size > ANNOTATIONS_LIMIT {
        errors.push(FieldError::too_long(path, ANNOTATIONS_LIMIT));
    }
}

/// How much of messages is made of controllers too many, each of which shows all owners: there the reference's answer grows with the square of
/// their number, and the rest of it is left out here.
const CONTROLLERS_LIMIT: usize = 1 << 20;

/// Source: `ValidateOwnerReferences`.
fn owner_references(references: &[OwnerReference], errors: &mut Vec<FieldError>) {
    let path = field("ownerReferences");
    let mut controller: Option<String> = None;
    let (mut all, mut length) = (String::new(), 0);
    for (index, reference) in references.iter().enumerate() {
        let path = path.clone().index(index);
        let version = match reference.api_version.split_once('/') {
            None => Some(("", reference.api_version.as_str())),
            Some((_, version)) if version.contains('/') => None,
            Some(both) => Some(both),
        };
        if reference.api_version.is_empty() {
            errors.push(FieldError::required(path.clone().key("apiVersion"), "must not be empty"));
        } else if version.is_none_or(|(_, version)| version.is_empty()) {
            let why = "must be <group>/<version> or <version>";
            errors.push(FieldError::invalid(path.clone().key("apiVersion"), &reference.api_version, why));
        }
        for (key, text) in [("kind", &reference.kind), ("name", &reference.name), ("uid", &reference.uid)] {
            if text.is_empty() {
                errors.push(FieldError::required(path.clone().key(key), "must not be empty"));
            }
        }
        if version == Some(("", "v1")) && reference.kind == "Event" {
            let why = "/v1, Kind=Event is disallowed from being an owner";
            errors.push(FieldError::invalid_shown(path, owner_json(reference), why));
        }
        if reference.controller == Some(true) {
            let name = format!("{}/{}", reference.kind, reference.name);
            match &controller {
                Some(_) if length > CONTROLLERS_LIMIT => {}
                Some(first) => {
                    if all.is_empty() {
                        let owners: Vec<String> = references.iter().map(owner_json).collect();
                        all = format!("[{}]", owners.join(","));
                    }
                    length += all.len();
                    let why = format!(
                        "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {name}"
                    );
                    let path = self::field("ownerReferences");
                    let place = path.clone().index(index).key("controller");
                    errors.push(FieldError::invalid_shown(path, all.clone(), why).meaning(place));
                }
                None => controller = Some(name),
            }
        }
    }
}

fn owner_json(reference: &OwnerReference) -> String {
    let mut text = format!(
        "{{\"apiVersion\":{},\"kind\":{},\"name\":{},\"uid\":{}",
        go_json_string(&reference.api_version),
        go_json_string(&reference.kind),
        go_json_string(&reference.name),
        go_json_string(&reference.uid)
    );
    for (key, flag) in
        [("controller", reference.controller), ("blockOwnerDeletion", reference.block_owner_deletion)]
    {
        if let Some(flag) = flag {
            text.push_str(&format!(",\"{key}\":{flag}"));
        }
    }
    text.push('}');
    text
}

/// Source: `ValidateFinalizers`, whose messages name the list.
fn finalizers(finalizers: &[String], errors: &mut Vec<FieldError>) {
    let path = field("finalizers");
    for (index, finalizer) in finalizers.iter().enumerate() {
        errors.extend(
            label_key_errors(finalizer).into_iter().map(|why| {
                FieldError::invalid(path.clone(), finalizer, why).meaning(path.clone().index(index))
            }),
        );
    }
    let has = |name: &str| finalizers.iter().any(|finalizer| finalizer == name);
    if has("orphan") && has("foregroundDeletion") {
        let why = "finalizer orphan and foregroundDeletion cannot be both set";
        errors.push(FieldError::invalid_list(path, finalizers, why));
    }
}

/// Source: `validateKubeFinalizerName`.
fn qualified_finalizers(finalizers: &[String], errors: &mut Vec<FieldError>) {
    for (index, finalizer) in finalizers.iter().enumerate() {
        let is_standard = matches!(finalizer.as_str(), "kubernetes" | "orphan" | "foregroundDeletion");
        if !is_standard && !finalizer.contains('/') {
            errors.push(FieldError::invalid(field("finalizers").index(index), finalizer, UNQUALIFIED));
        }
    }
}

/// Source: `ValidateManagedFields`.
fn managed_fields(all: &[ManagedFields], errors: &mut Vec<FieldError>) {
    for (index, fields) in all.iter().enumerate() {
        let field = |key: &str| self::field("managedFields").index(index).key(key);
        match fields.operation.as_str() {
            "" => errors.push(FieldError::required(field("operation"), "must not be empty")),
            "Apply" | "Update" => {}
            other => {
                let known = ["Apply", "Update"];
                errors.push(FieldError::not_supported_named(field("operation"), other, &known));
            }
        }
        if !fields.fields_type.is_empty() && fields.fields_type != "FieldsV1" {
            let why = "must be `FieldsV1`";
            errors.push(FieldError::invalid(field("fieldsType"), &fields.fields_type, why));
        }
        if fields.manager.len() > 128 {
            errors.push(FieldError::too_long(field("manager"), 128));
        }
        for (at, char) in fields.manager.char_indices().filter(|(_, char)| !is_go_printable(*char)) {
            let why = format!("invalid character U+{:04X} (at position {at})", u32::from(char));
            errors.push(FieldError::invalid(field("manager"), &fields.manager, why));
        }
        if fields.subresource.len() > 256 {
            errors.push(FieldError::too_long(field("subresource"), 256));
        }
    }
}

/// Source: `ValidateObjectMetaUpdate`.
fn meta_update(new: &ObjectMeta, old: &ObjectMeta, errors: &mut Vec<FieldError>) {
    if old.deletion_timestamp.is_some() {
        let (added, before) = (new.finalizers.as_slice(), old.finalizers.as_slice());
        let mut added: Vec<&String> = added.iter().filter(|one| !before.contains(one)).collect();
        added.sort();
        added.dedup();
        if !added.is_empty() {
            let quoted: Vec<String> = added.iter().map(|one| go_quote(one)).collect();
            let why = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                quoted.join(", ")
            );
            errors.push(FieldError::forbidden(field("finalizers"), why));
        }
    }
    if new.resource_version.is_empty() {
        errors.push(FieldError::invalid(field("resourceVersion"), "", "must be specified for an update"));
    }
    generation(new, errors);
    if new.generation < old.generation {
        let shown = new.generation.to_string();
        errors.push(FieldError::invalid_shown(field("generation"), shown, "must not be decremented"));
    }
    for (key, new, old) in [("name", &new.name, &old.name), ("namespace", &new.namespace, &old.namespace)] {
        if new != old {
            errors.push(FieldError::invalid(field(key), new, IMMUTABLE));
        }
    }
    if new.uid != old.uid {
        errors.push(FieldError::invalid_named(field("uid"), &new.uid, IMMUTABLE));
    }
    for (key, new, old) in [
        ("creationTimestamp", &new.creation_timestamp, &old.creation_timestamp),
        ("deletionTimestamp", &new.deletion_timestamp, &old.deletion_timestamp),
    ] {
        if new != old {
            errors.push(FieldError::invalid_shown(field(key), time_json(new.as_ref()), IMMUTABLE));
        }
    }
    let (seconds, before) = (new.deletion_grace_period_seconds, old.deletion_grace_period_seconds);
    if seconds != before {
        let shown = seconds.map_or_else(|| "null".to_owned(), |seconds| seconds.to_string());
        errors.push(FieldError::invalid_shown(field("deletionGracePeriodSeconds"), shown, IMMUTABLE));
    }
    labels(new.labels.iter().flatten(), &field("labels"), errors);
    annotations(&new.annotations, errors);
    owner_references(new.owner_references.as_slice(), errors);
    managed_fields(new.managed_fields.as_slice(), errors);
    qualified_finalizers(new.finalizers.as_slice(), errors);
}

/// A time as Go's JSON has it: in UTC, to the second.
fn time_json(time: Option<&Time>) -> String {
    match time.map(Time::instant) {
        None => "null".to_owned(),
        Some(Some(instant)) => instant.strftime("\"%Y-%m-%dT%H:%M:%SZ\"").to_string(),
        Some(None) => time.map_or_else(String::new, |time| go_json_string(&time.0)),
    }
}

/// A `roleRef` as Go's JSON has it inside of the API server, where fields have no other names.
fn role_ref_json(role_ref: &RoleRef) -> String {
    format!(
        "{{\"APIGroup\":{},\"Kind\":{},\"Name\":{}}}",
        go_json_string(&role_ref.api_group),
        go_json_string(&role_ref.kind),
        go_json_string(&role_ref.name)
    )
}
