//! What is wrong with a name, in the API server's words; nothing where nothing is.
//!
//! The rules themselves are in [`crate::selector`], as questions that are answered with yes or no.
//! Sources: k8s.io/apimachinery `pkg/util/validation/validation.go` and `pkg/api/validate/content` (`dns.go`, `kube.go`, `path.go`) of v0.37.
//! The former counts characters in its words, the latter bytes; both mean bytes.

use crate::selector::{has_dns_label_form, has_label_value_form};

const DNS_LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const LABEL_KEY: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_KEY_WORDS: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/// `words (e.g. 'a',  or 'b', regex used for validation is 'regex')`, the comma as the reference sets it.
fn regex_words(words: &str, examples: &[&str], regex: &str) -> String {
    let examples: Vec<String> = examples.iter().map(|example| format!("'{example}', ")).collect();
    format!("{words} (e.g. {}regex used for validation is '{regex}')", examples.join(" or "))
}

const CHARACTERS: &str = "characters";
const BYTES: &str = "bytes";

fn too_long(limit: usize, unit: &str) -> String {
    format!("must be no more than {limit} {unit}")
}

/// `IsDNS1123Label` of `util/validation`.
pub fn dns_label_errors(name: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if name.len() > 63 {
        errors.push(too_long(63, CHARACTERS));
    }
    if !has_dns_label_form(name) {
        errors.push(if name.split('.').all(has_dns_label_form) {
            "must not contain dots".to_owned()
        } else {
            let words = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and \
                         end with an alphanumeric character";
            regex_words(words, &["my-name", "123-abc"], DNS_LABEL)
        });
    }
    errors
}

/// `IsDNS1123Subdomain` of `util/validation`.
pub fn dns_subdomain_errors(name: &str) -> Vec<String> {
    subdomain_errors(name, CHARACTERS)
}

fn subdomain_errors(name: &str, unit: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if name.len() > 253 {
        errors.push(too_long(253, unit));
    }
    if !name.split('.').all(has_dns_label_form) {
        let words = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must \
                     start and end with an alphanumeric character";
        errors.push(regex_words(words, &["example.com"], &format!("{DNS_LABEL}(\\.{DNS_LABEL})*")));
    }
    errors
}

/// `IsLabelKey`, which is `IsQualifiedName` by another name.
pub fn label_key_errors(key: &str) -> Vec<String> {
    let words = |before: &str| {
        regex_words(&format!("{before}{LABEL_KEY_WORDS}"), &["MyName", "my.name", "123-abc"], LABEL_KEY)
    };
    let mut errors = Vec::new();
    let name = match key.split_once('/') {
        None => key,
        Some((_, name)) if name.contains('/') => {
            let with = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return vec![format!("{} {with}", words("a valid label key "))];
        }
        Some(("", name)) => {
            errors.push("prefix part must be non-empty".to_owned());
            name
        }
        Some((prefix, name)) => {
            errors.extend(subdomain_errors(prefix, BYTES).iter().map(|error| format!("prefix part {error}")));
            name
        }
    };
    if name.is_empty() {
        errors.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        errors.push(format!("name part {}", too_long(63, BYTES)));
    }
    if name.is_empty() || !has_label_value_form(name) {
        errors.push(words("name part "));
    }
    errors
}

/// `IsLabelValue`.
pub fn label_value_errors(value: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if value.len() > 63 {
        errors.push(too_long(63, BYTES));
    }
    if !has_label_value_form(value) {
        let words = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start \
                     and end with an alphanumeric character";
        errors.push(regex_words(words, &["MyValue", "my_value", "12345"], &format!("({LABEL_KEY})?")));
    }
    errors
}

/// `IsPathSegmentName`: what the names of roles and bindings must be. Emptiness and length are not looked at.
pub fn path_segment_errors(name: &str) -> Vec<String> {
    if name == "." || name == ".." {
        return vec![format!("may not be '{name}'")];
    }
    let forbidden = ["/", "%"].into_iter().filter(|text| name.contains(text));
    forbidden.map(|text| format!("may not contain '{text}'")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_be_wrong_has_its_words() {
        let label = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end \
                     with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
                     '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
        assert_eq!(dns_label_errors("a.b"), ["must not contain dots"]);
        assert_eq!(dns_label_errors("A"), [label]);
        assert_eq!(dns_label_errors(&"-".repeat(64)), ["must be no more than 63 characters", label]);
        assert_eq!(dns_subdomain_errors(&"a".repeat(254)), ["must be no more than 253 characters"]);
        assert_eq!(dns_subdomain_errors("b:c").len(), 1);
        assert_eq!(dns_label_errors("a-1"), Vec::<String>::new());
    }

    #[test]
    fn a_label_key_has_at_most_one_prefix_which_is_a_subdomain() {
        let name = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric \
                    character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
                    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
        assert_eq!(label_key_errors(""), ["name part must be non-empty", name]);
        assert_eq!(label_key_errors("/a"), ["prefix part must be non-empty"]);
        assert_eq!(label_key_errors("bad key"), [name]);
        assert!(label_key_errors("a/b/c")[0].starts_with("a valid label key must consist"));
        assert!(label_key_errors("A/b")[0].starts_with("prefix part a lowercase RFC 1123 subdomain"));
        assert_eq!(label_key_errors("example.com/MyName"), Vec::<String>::new());
        let long = "a".repeat(254);
        assert_eq!(label_key_errors(&format!("{long}/b")), ["prefix part must be no more than 253 bytes"]);
        assert_eq!(label_value_errors(&long), ["must be no more than 63 bytes"]);
        // The questions with yes and no agree.
        for key in ["", "/", "a", "a/b", "a/b/c", "A/b", "é", "a_", "_a", &"k".repeat(64), &"k".repeat(63)] {
            assert_eq!(label_key_errors(key).is_empty(), crate::selector::is_qualified_name(key), "{key}");
            assert_eq!(label_value_errors(key).is_empty(), crate::selector::is_label_value(key), "{key}");
        }
    }

    #[test]
    fn a_path_segment_may_hold_a_colon_and_neither_slash_nor_percent() {
        assert_eq!(path_segment_errors("system:admin"), Vec::<String>::new());
        assert_eq!(path_segment_errors(".."), ["may not be '..'"]);
        assert_eq!(path_segment_errors("a%/b"), ["may not contain '/'", "may not contain '%'"]);
        assert_eq!(path_segment_errors("..."), Vec::<String>::new());
    }
}
