//! Label selectors, as `metav1.LabelSelectorAsSelector` reads them.
//!
//! A selector that is absent selects nothing; an empty one selects everything. Callers that give absence
//! another meaning (a NetworkPolicy's `namespaceSelector`) decide that before they come here.

use std::fmt;

use crate::path::FieldPath;
use crate::text::Span;
use crate::tree::{Kind, Node};

/// A compiled label selector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selector {
    requirements: Vec<Requirement>,
}

/// One demand on a label.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Requirement {
    /// Label key.
    pub key: String,
    /// What is demanded.
    pub operator: Operator,
    /// Values for `In` and `NotIn`, sorted.
    pub values: Vec<String>,
}

/// The operators of `matchExpressions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// The label is there with one of the values.
    In,
    /// The label is not there, or has none of the values.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is not there.
    DoesNotExist,
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::In => "In",
            Self::NotIn => "NotIn",
            Self::Exists => "Exists",
            Self::DoesNotExist => "DoesNotExist",
        })
    }
}

/// A selector that the API server refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectorError {
    /// The field, from the selector.
    pub path: FieldPath,
    /// Where it is written.
    pub span: Span,
    /// What is wrong, as a sentence without full stop.
    pub message: String,
}

impl fmt::Display for SelectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl std::error::Error for SelectorError {}

impl Selector {
    /// The selector that selects everything.
    pub fn everything() -> Self {
        Self::default()
    }

    /// The selector of one demand.
    pub fn one(requirement: Requirement) -> Self {
        Self { requirements: vec![requirement] }
    }

    /// The selector of what has all of these labels.
    pub fn of_labels<'l>(labels: impl IntoIterator<Item = (&'l str, &'l str)>) -> Self {
        let requirement = |(key, value): (&str, &str)| Requirement {
            key: key.to_owned(),
            operator: Operator::In,
            values: vec![value.to_owned()],
        };
        Self { requirements: labels.into_iter().map(requirement).collect() }
    }

    /// The selector of what has none of these keys beside that.
    #[must_use]
    pub fn without<'l>(mut self, keys: impl IntoIterator<Item = &'l str>) -> Self {
        self.requirements.extend(keys.into_iter().map(|key| Requirement {
            key: key.to_owned(),
            operator: Operator::DoesNotExist,
            values: Vec::new(),
        }));
        self
    }

    /// Compiles a `LabelSelector` node (`matchLabels`, `matchExpressions`).
    ///
    /// # Errors
    /// The first requirement that the reference refuses: a wrong type, an unknown operator, `In` or `NotIn`
    /// without values, `Exists` or `DoesNotExist` with values, a key or value that no label can have.
    /// Source: k8s.io/apimachinery `pkg/apis/meta/v1/helpers.go` and `pkg/labels/selector.go` (`NewRequirement`).
    pub fn compile(node: Node<'_>) -> Result<Self, SelectorError> {
        let mut selector = Self::default();
        if node.is_null() {
            return Ok(selector);
        }
        expect(node, Kind::Mapping, FieldPath::root())?;
        if let Some(labels) = node.get("matchLabels").filter(|labels| !labels.is_null()) {
            let path = FieldPath::keys(&["matchLabels"]);
            expect(labels, Kind::Mapping, path.clone())?;
            for entry in labels.entries() {
                let at = path.clone().key(entry.key);
                let value = if entry.value.is_null() { "" } else { text(entry.value, at.clone())? };
                selector.add(entry.key, Operator::In, vec![value.to_owned()], &at, entry.key_span)?;
            }
        }
        if let Some(expressions) = node.get("matchExpressions").filter(|list| !list.is_null()) {
            let path = FieldPath::keys(&["matchExpressions"]);
            expect(expressions, Kind::Sequence, path.clone())?;
            for (index, expression) in expressions.items().enumerate() {
                let at = path.clone().index(index);
                expect(expression, Kind::Mapping, at.clone())?;
                let field = |key: &str| match expression.get(key).filter(|node| !node.is_null()) {
                    Some(node) => text(node, at.clone().key(key)),
                    None => Ok(""),
                };
                let operator = match field("operator")? {
                    "In" => Operator::In,
                    "NotIn" => Operator::NotIn,
                    "Exists" => Operator::Exists,
                    "DoesNotExist" => Operator::DoesNotExist,
                    other => {
                        return Err(SelectorError {
                            path: at.key("operator"),
                            span: expression.get("operator").unwrap_or(expression).span(),
                            message: format!("\"{other}\" is not a valid label selector operator"),
                        });
                    }
                };
                let mut values = Vec::new();
                if let Some(list) = expression.get("values").filter(|list| !list.is_null()) {
                    expect(list, Kind::Sequence, at.clone().key("values"))?;
                    for (value_index, value) in list.items().enumerate() {
                        let value_at = at.clone().key("values").index(value_index);
                        values.push(if value.is_null() { "" } else { text(value, value_at)? }.to_owned());
                    }
                }
                selector.add(field("key")?, operator, values, &at, expression.span())?;
            }
        }
        Ok(selector)
    }

    fn add(
        &mut self,
        key: &str,
        operator: Operator,
        mut values: Vec<String>,
        path: &FieldPath,
        span: Span,
    ) -> Result<(), SelectorError> {
        let refuse = |path: FieldPath, message: String| Err(SelectorError { path, span, message });
        if !is_qualified_name(key) {
            return refuse(path.clone(), format!("\"{key}\" is no label key"));
        }
        match operator {
            Operator::In | Operator::NotIn if values.is_empty() => {
                return refuse(path.clone().key("values"), format!("must not be empty for {operator}"));
            }
            Operator::Exists | Operator::DoesNotExist if !values.is_empty() => {
                return refuse(path.clone().key("values"), format!("must be empty for {operator}"));
            }
            _ => {}
        }
        if let Some(bad) = values.iter().find(|value| !is_label_value(value)) {
            return refuse(path.clone(), format!("\"{bad}\" is no label value"));
        }
        values.sort();
        values.dedup();
        self.requirements.push(Requirement { key: key.to_owned(), operator, values });
        Ok(())
    }

    /// What the selector demands; all must hold.
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// Whether it selects everything.
    pub fn is_everything(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether it selects an object with these labels; `label` gives a label's value.
    pub fn matches<'l>(&self, label: impl Fn(&str) -> Option<&'l str>) -> bool {
        self.requirements.iter().all(|requirement| {
            let value = label(&requirement.key);
            let listed =
                || value.is_some_and(|v| requirement.values.binary_search_by(|x| x.as_str().cmp(v)).is_ok());
            match requirement.operator {
                Operator::In => listed(),
                Operator::NotIn => !listed(),
                Operator::Exists => value.is_some(),
                Operator::DoesNotExist => value.is_none(),
            }
        })
    }
}

fn expect(node: Node<'_>, kind: Kind, path: FieldPath) -> Result<(), SelectorError> {
    if node.kind() == kind {
        return Ok(());
    }
    let message = format!("expected {}, got {}", kind.described(), node.kind().described());
    Err(SelectorError { path, span: node.span(), message })
}

fn text(node: Node<'_>, path: FieldPath) -> Result<&str, SelectorError> {
    node.as_str().ok_or_else(|| SelectorError {
        path,
        span: node.span(),
        message: format!("expected a string, got {}", node.kind().described()),
    })
}

/// Whether `text` is a qualified name: an optional DNS subdomain and `/`, then up to 63 characters.
/// Source: `IsQualifiedName` in k8s.io/apimachinery `pkg/util/validation/validation.go`.
pub fn is_qualified_name(text: &str) -> bool {
    let name = match text.split_once('/') {
        Some((prefix, _)) if !is_dns_subdomain(prefix) => return false,
        Some((_, name)) => name,
        None => text,
    };
    !name.is_empty() && is_label_value(name)
}

/// Whether `text` can be a label's value: empty, or up to 63 of `[A-Za-z0-9_.-]` with a letter or digit at both ends.
pub fn is_label_value(text: &str) -> bool {
    text.len() <= 63 && has_label_value_form(text)
}

/// Whether `text` has the form of a label's value, whatever its length.
pub fn has_label_value_form(text: &str) -> bool {
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.is_empty()
        || (ends(bytes.first())
            && ends(bytes.last())
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')))
}

/// Whether `text` is a lowercase RFC 1123 label of at most 63 characters.
pub fn is_dns_label(text: &str) -> bool {
    text.len() <= 63 && has_dns_label_form(text)
}

/// Whether `text` is a lowercase RFC 1123 subdomain of at most 253 characters.
pub fn is_dns_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(has_dns_label_form)
}

/// Whether `text` has the form of a lowercase RFC 1123 label, whatever its length.
pub fn has_dns_label_form(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.first().copied().is_some_and(letter)
        && bytes.last().copied().is_some_and(letter)
        && bytes.iter().all(|byte| letter(*byte) || *byte == b'-')
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::text::Source;
    use crate::tree::{Tree, TreeBuilder};

    /// Builds a tree from a JSON value; spans do not matter here.
    pub(crate) fn tree(value: &serde_json::Value) -> Tree {
        fn add(builder: &mut TreeBuilder, value: &serde_json::Value) {
            let span = Span::default();
            match value {
                serde_json::Value::Null => drop(builder.null(span)),
                serde_json::Value::Bool(value) => drop(builder.boolean(span, *value)),
                serde_json::Value::Number(value) => drop(builder.integer(span, value.as_i64().unwrap())),
                serde_json::Value::String(value) => drop(builder.string(span, value)),
                serde_json::Value::Array(items) => {
                    builder.begin(Kind::Sequence, 0);
                    for item in items {
                        add(builder, item);
                    }
                    builder.end(None);
                }
                serde_json::Value::Object(entries) => {
                    builder.begin(Kind::Mapping, 0);
                    for (key, value) in entries {
                        builder.string(span, key);
                        add(builder, value);
                    }
                    builder.end(None);
                }
            }
        }
        let mut builder = TreeBuilder::new(Arc::new(Source::new("s", "")));
        add(&mut builder, value);
        builder.finish()
    }

    fn matches(selector: &serde_json::Value, labels: &[(&str, &str)]) -> bool {
        let tree = tree(selector);
        let selector = Selector::compile(tree.root()).unwrap();
        selector.matches(|key| labels.iter().find(|(k, _)| *k == key).map(|(_, value)| *value))
    }

    #[test]
    fn requirements_are_joined_with_and() {
        use serde_json::json;
        let both = json!({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "tier", "operator": "Exists"}]});
        assert!(matches(&both, &[("app", "web"), ("tier", "x")]));
        assert!(!matches(&both, &[("app", "web")]));
        assert!(matches(&json!({}), &[]), "an empty selector selects everything");
    }

    #[test]
    fn not_in_selects_objects_without_the_label() {
        use serde_json::json;
        let selector =
            json!({"matchExpressions": [{"key": "env", "operator": "NotIn", "values": ["prod", "dev"]}]});
        assert!(matches(&selector, &[]));
        assert!(matches(&selector, &[("env", "test")]));
        assert!(!matches(&selector, &[("env", "dev")]));
        assert!(matches(&json!({"matchExpressions": [{"key": "env", "operator": "DoesNotExist"}]}), &[]));
    }

    #[test]
    fn what_the_reference_refuses_is_refused_with_its_path() {
        use serde_json::json;
        for (bad, path) in [
            (
                json!({"matchExpressions": [{"key": "a", "operator": "in", "values": ["x"]}]}),
                "matchExpressions[0].operator",
            ),
            (json!({"matchExpressions": [{"key": "a", "operator": "In"}]}), "matchExpressions[0].values"),
            (
                json!({"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["x"]}]}),
                "matchExpressions[0].values",
            ),
            (json!({"matchExpressions": [{"operator": "Exists"}]}), "matchExpressions[0]"),
            (json!({"matchLabels": {"a": "-x"}}), "matchLabels.a"),
            (json!({"matchLabels": ["a"]}), "matchLabels"),
        ] {
            let tree = tree(&bad);
            assert_eq!(Selector::compile(tree.root()).unwrap_err().path.to_string(), path, "{bad}");
        }
    }
}
