//! Field selectors: `metadata.name=web,spec.nodeName!=n1`. Source: k8s.io/apimachinery `pkg/fields/selector.go`.

use super::SelectorError;

/// How a field is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldOperator {
    /// `=` or `==`.
    Equals,
    /// `!=`.
    NotEquals,
}

/// One term of a field selector.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldRequirement {
    /// The field, as written: nothing is escaped there.
    pub field: String,
    /// How it is compared.
    pub operator: FieldOperator,
    /// The value, its escapes resolved.
    pub value: String,
}

/// Reads a field selector. Its terms come in the order of their texts, as the reference sorts them; empty ones say nothing.
///
/// # Errors
/// A term without `=`, an escape other than `\\`, `\,` and `\=`, or one of these characters in a value without it.
pub fn parse_fields(selector: &str) -> Result<Vec<FieldRequirement>, SelectorError> {
    let mut terms = split_terms(selector);
    terms.sort_unstable();
    let mut requirements = Vec::with_capacity(terms.len());
    for term in terms.into_iter().filter(|term| !term.is_empty()) {
        let Some((field, operator, value)) = split_term(term) else {
            return Err(SelectorError(format!("invalid selector: '{selector}'; can't understand '{term}'")));
        };
        let value = unescape(value)?;
        // A term that is nothing but an operator is dropped.
        if !field.is_empty() || !value.is_empty() {
            requirements.push(FieldRequirement { field: field.to_owned(), operator, value });
        }
    }
    Ok(requirements)
}

/// The value that a selector demands of a field: of the first term that demands one.
pub fn required_value<'r>(requirements: &'r [FieldRequirement], field: &str) -> Option<&'r str> {
    let demands = |term: &&FieldRequirement| term.operator == FieldOperator::Equals && term.field == field;
    requirements.iter().find(demands).map(|term| term.value.as_str())
}

/// Splits at the commas that no backslash stands before.
fn split_terms(selector: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (index, c) in selector.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                terms.push(&selector[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    terms.push(&selector[start..]);
    terms
}

/// Splits at the first operator, whatever stands before it.
fn split_term(term: &str) -> Option<(&str, FieldOperator, &str)> {
    let at = term.find('=')?;
    let (before, after) = (&term[..at], &term[at + 1..]);
    if let Some(field) = before.strip_suffix('!') {
        return Some((field, FieldOperator::NotEquals, after));
    }
    Some((before, FieldOperator::Equals, after.strip_prefix('=').unwrap_or(after)))
}

fn unescape(value: &str) -> Result<String, SelectorError> {
    let wrong = |sequence: &str| {
        Err(SelectorError(format!("invalid field selector: invalid escape sequence: {sequence}")))
    };
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(escaped @ ('\\' | ',' | '=')) => out.push(escaped),
                Some(other) => return wrong(&format!("\\{other}")),
                None => return wrong("\\"),
            },
            // Go prints the character's number here.
            ',' | '=' => {
                let number = c as u32;
                return Err(SelectorError(format!(
                    "invalid field selector: unescaped character in value: {number}"
                )));
            }
            c => out.push(c),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(selector: &str) -> Vec<(String, FieldOperator, String)> {
        let terms = parse_fields(selector).unwrap().into_iter();
        terms.map(|term| (term.field, term.operator, term.value)).collect()
    }

    #[test]
    fn terms_are_sorted_and_the_first_that_demands_counts() {
        let terms = parse_fields("metadata.name=web,metadata.name!=a,metadata.name==db").unwrap();
        assert_eq!(required_value(&terms, "metadata.name"), Some("db"), "`==` sorts before `=w`");
        assert_eq!(required_value(&terms, "spec.nodeName"), None);
        assert_eq!(required_value(&parse_fields("metadata.name!=a").unwrap(), "metadata.name"), None);
    }

    #[test]
    fn escapes_are_for_values_only() {
        use FieldOperator::{Equals, NotEquals};
        let one = |field: &str, operator, value: &str| vec![(field.to_owned(), operator, value.to_owned())];
        assert_eq!(read(r"a=b\,c\=d\\"), one("a", Equals, r"b,c=d\"));
        assert_eq!(read(r"a\,b=c"), one(r"a\,b", Equals, "c"));
        assert_eq!(read(r"a!=\=b"), one("a", NotEquals, "=b"));
        assert_eq!(read("!=x"), one("", NotEquals, "x"));
        assert_eq!(read("=,==,!=,,"), []);
    }

    #[test]
    fn what_the_reference_refuses_is_refused() {
        for (selector, words) in [
            ("a", "can't understand 'a'"),
            (r"a=\x", r"invalid escape sequence: \x"),
            (r"a=\", r"invalid escape sequence: \"),
            ("a===b", "unescaped character in value: 61"),
            ("a!==b", "unescaped character in value: 61"),
        ] {
            let error = parse_fields(selector).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
