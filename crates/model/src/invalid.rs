//! Fields that the API server refuses, in its words: `rules[0].verbs: Required value: verbs must contain at least one value`.
//! Source: k8s.io/apimachinery `pkg/util/validation/field/errors.go`.

use std::fmt;

use crate::go::{go_json_list, go_json_string, go_quote};
use crate::path::FieldPath;

/// A field that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// What kind of error.
    pub kind: FieldErrorKind,
    /// The field, as the message names it.
    pub path: FieldPath,
    /// The field that is meant: a label's, where the message names all labels. Look here to show a line.
    pub place: FieldPath,
    /// The value as the message shows it; empty where it shows none.
    pub value: String,
    /// What is wrong; may be empty.
    pub detail: String,
}

/// The kinds of [`FieldError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldErrorKind {
    /// It is not there, or empty.
    Required,
    /// Its value is malformed.
    Invalid,
    /// Its value is none of those that are known.
    NotSupported,
    /// Its value is there twice.
    Duplicate,
    /// It may not be here.
    Forbidden,
    /// It is too long.
    TooLong,
}

impl FieldErrorKind {
    /// The machine-readable reason in a Status.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Required => "FieldValueRequired",
            Self::Invalid => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
        }
    }

    /// What the message begins with.
    const fn words(self) -> &'static str {
        match self {
            Self::Required => "Required value",
            Self::Invalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Duplicate => "Duplicate value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
        }
    }
}

impl FieldError {
    fn new(kind: FieldErrorKind, path: FieldPath, value: String, detail: String) -> Self {
        Self { kind, place: path.clone(), path, value, detail }
    }

    /// `Required value`.
    pub fn required(path: FieldPath, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Required, path, String::new(), detail.into())
    }

    /// `Invalid value`, of a text.
    pub fn invalid(path: FieldPath, value: &str, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Invalid, path, go_quote(value), detail.into())
    }

    /// `Invalid value`, of a text whose Go type has a name of its own: Go shows it as JSON.
    pub fn invalid_named(path: FieldPath, value: &str, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Invalid, path, go_json_string(value), detail.into())
    }

    /// `Invalid value`, of a list of texts.
    pub fn invalid_list(path: FieldPath, value: &[String], detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Invalid, path, go_json_list(value), detail.into())
    }

    /// `Invalid value`, of what is shown as given: a number, or JSON.
    pub fn invalid_shown(path: FieldPath, shown: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Invalid, path, shown.into(), detail.into())
    }

    /// `Unsupported value`, of a text, with those that are supported.
    pub fn not_supported(path: FieldPath, value: &str, supported: &[&str]) -> Self {
        Self::new(FieldErrorKind::NotSupported, path, go_quote(value), supported_values(supported))
    }

    /// `Unsupported value`, of a text whose Go type has a name of its own.
    pub fn not_supported_named(path: FieldPath, value: &str, supported: &[&str]) -> Self {
        Self::new(FieldErrorKind::NotSupported, path, go_json_string(value), supported_values(supported))
    }

    /// `Duplicate value`.
    pub fn duplicate(path: FieldPath, value: &str) -> Self {
        Self::new(FieldErrorKind::Duplicate, path, go_quote(value), String::new())
    }

    /// `Forbidden`.
    pub fn forbidden(path: FieldPath, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Forbidden, path, String::new(), detail.into())
    }

    /// `Too long`.
    pub fn too_long(path: FieldPath, limit: usize) -> Self {
        let bytes = if limit == 1 { "byte" } else { "bytes" };
        let detail = format!("may not be more than {limit} {bytes}");
        Self::new(FieldErrorKind::TooLong, path, String::new(), detail)
    }

    /// The same error, which is about a field more exactly than its message names it.
    #[must_use]
    pub fn meaning(mut self, place: FieldPath) -> Self {
        self.place = place;
        self
    }

    /// The error without its field.
    pub fn body(&self) -> String {
        let mut text = self.kind.words().to_owned();
        for part in [&self.value, &self.detail] {
            if !part.is_empty() {
                text.push_str(": ");
                text.push_str(part);
            }
        }
        text
    }
}

fn supported_values(supported: &[&str]) -> String {
    if supported.is_empty() {
        return String::new();
    }
    let quoted: Vec<String> = supported.iter().map(|value| go_quote(value)).collect();
    format!("supported values: {}", quoted.join(", "))
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.body())
    }
}

impl std::error::Error for FieldError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_read_as_the_reference_writes_them() {
        let path = || FieldPath::keys(&["roleRef", "kind"]);
        let texts = [
            FieldError::required(path(), "").to_string(),
            FieldError::required(path(), "why").to_string(),
            FieldError::invalid(path(), "a\"<", "bad").to_string(),
            FieldError::invalid_named(path(), "a\"<", "bad").to_string(),
            FieldError::invalid_list(path(), &["a".to_owned(), "b".to_owned()], "bad").to_string(),
            FieldError::not_supported(path(), "", &["Role", "ClusterRole"]).to_string(),
            FieldError::duplicate(path(), "x").to_string(),
            FieldError::too_long(path(), 9).to_string(),
        ];
        let expected = [
            "roleRef.kind: Required value",
            "roleRef.kind: Required value: why",
            "roleRef.kind: Invalid value: \"a\\\"<\": bad",
            "roleRef.kind: Invalid value: \"a\\\"\\u003c\": bad",
            "roleRef.kind: Invalid value: [\"a\",\"b\"]: bad",
            "roleRef.kind: Unsupported value: \"\": supported values: \"Role\", \"ClusterRole\"",
            "roleRef.kind: Duplicate value: \"x\"",
            "roleRef.kind: Too long: may not be more than 9 bytes",
        ];
        assert_eq!(texts, expected);
    }
}
