//! Answers about objects that somebody writes, in the reference's form.

use std::sync::Arc;

use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_rbac::attributes::User;
use ringwall_rbac::draft::{Draft, Texts};
use ringwall_rbac::model::{RbacObject, RoleSelector, Rule};
use ringwall_rbac::policy::Policy;
use ringwall_rbac::reconcile::{Difference, reconcile as reconciled};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::answers::rule_json;
use super::objects;

/// The object of a question; one without a namespace is where none is.
pub(super) fn draft(text: &RawValue) -> Result<Draft, String> {
    let tree = Arc::new(objects::tree("object", text.get())?);
    let object = Object::read(&tree, tree.root(), FieldPath::root()).map_err(|error| format!("{error:?}"))?;
    Draft::read(&object, "").ok_or_else(|| format!("{} is no object of RBAC", object.id))
}

pub(super) fn write(policy: &Policy, user: &User, draft: &Draft, old: Option<&Draft>) -> Value {
    let write = policy.check_write(user, draft, old);
    let mut out = json!({
        "authorized": write.authorized().word(),
        "escalationAllowed": write.escalation.is_ok(),
    });
    if let (Some(message), Some(out)) = (write.escalation_message(), out.as_object_mut()) {
        out.insert("message".to_owned(), json!(message));
    }
    out
}

pub(super) fn validate(draft: &Draft) -> Value {
    let errors = ringwall_rbac::validate::validate(draft);
    json!({ "errors": errors.iter().map(ToString::to_string).collect::<Vec<_>>() })
}

pub(super) fn reconcile(wanted: &Draft, stored: &Draft, remove_extra: bool) -> Result<Value, String> {
    let result = reconciled(wanted, Some(stored), remove_extra);
    let Difference::Role { missing, extra, missing_selectors, extra_selectors } = &result.difference else {
        return Err("only roles are reconciled here".to_owned());
    };
    let RbacObject::Role(role) = &result.object.object else { return Err("no role came of it".to_owned()) };
    let rules = |rules: &[Rule]| rules.iter().map(rule_json).collect::<Vec<_>>();
    Ok(json!({
        "operation": result.operation.word(),
        "protected": result.is_protected,
        "missing": rules(missing),
        "extra": rules(extra),
        "missingSelectors": selectors(missing_selectors),
        "extraSelectors": selectors(extra_selectors),
        "rules": rules(&role.rules),
        "labels": texts(&result.object.meta.labels),
        "annotations": texts(&result.object.meta.annotations),
        "aggregationRule": role.aggregation.as_ref().map(|all| {
            // Go leaves a list that is empty out, and the comparison takes it for none.
            json!({ "clusterRoleSelectors": selectors(all) })
        }),
    }))
}

fn texts(texts: &Texts) -> Value {
    texts.as_ref().map_or(Value::Null, |texts| json!(texts))
}

fn selectors(selectors: &[RoleSelector]) -> Vec<Value> {
    selectors.iter().map(selector).collect()
}

fn selector(selector: &RoleSelector) -> Value {
    let mut out = Map::new();
    if !selector.match_labels.is_empty() {
        out.insert("matchLabels".to_owned(), json!(selector.match_labels));
    }
    let expressions = selector.match_expressions.iter().map(|expression| {
        let mut out = json!({ "key": expression.key, "operator": expression.operator });
        if let (false, Some(out)) = (expression.values.is_empty(), out.as_object_mut()) {
            out.insert("values".to_owned(), json!(expression.values));
        }
        out
    });
    let expressions: Vec<Value> = expressions.collect();
    if !expressions.is_empty() {
        out.insert("matchExpressions".to_owned(), json!(expressions));
    }
    Value::Object(out)
}
