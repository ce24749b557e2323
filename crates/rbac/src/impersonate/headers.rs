//! The headers of a request that ask for impersonation. Sources: k8s.io/apiserver
//! `pkg/endpoints/filters/impersonation/constrained_impersonation.go` (`processImpersonationHeaders`); Go's `net/textproto/reader.go`
//! (`CanonicalMIMEHeaderKey`).

use std::collections::BTreeMap;

use crate::attributes::User;
use crate::request::{lower, unescape_segment};

const USER: &str = "Impersonate-User";
const UID: &str = "Impersonate-Uid";
const GROUP: &str = "Impersonate-Group";
const EXTRA: &str = "Impersonate-Extra-";

/// Headers of a request, by their canonical names.
///
/// The reference walks them in no order, which can be seen where two headers of extras are stated, or two that mean the same key. Here they
/// come by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(BTreeMap<String, Vec<String>>);

impl<N: AsRef<str>, V: Into<String>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut headers = Self::default();
        for (name, value) in pairs {
            headers.add(name.as_ref(), value.into());
        }
        headers
    }
}

impl Headers {
    /// Adds a value under a name, in whatever case that is.
    pub fn add(&mut self, name: &str, value: String) {
        self.0.entry(canonical(name)).or_default().push(value);
    }

    /// All values under a canonical name.
    fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    fn first(&self, name: &str) -> &str {
        self.all(name).first().map_or("", String::as_str)
    }

    /// The keys and values of what is to be said of the user beside name, uid and groups, a header after the other.
    pub(super) fn extras(&self) -> impl Iterator<Item = (String, &[String])> {
        self.0.iter().filter_map(|(name, values)| {
            let key = lower(name.strip_prefix(EXTRA)?);
            // A key that is badly escaped is taken as it is.
            Some((unescape_segment(&key).unwrap_or(key), values.as_slice()))
        })
    }

    /// The user that the headers state, with nothing filled in.
    pub(super) fn wanted(&self) -> User {
        let mut wanted = User {
            name: self.first(USER).to_owned(),
            uid: self.first(UID).to_owned(),
            groups: self.all(GROUP).to_vec(),
            extra: BTreeMap::new(),
        };
        for (key, values) in self.extras() {
            wanted.extra.entry(key).or_default().extend_from_slice(values);
        }
        wanted
    }
}

/// The canonical form of a header's name: the first letter and each behind a hyphen large, the others small. A name that no header can
/// have stays as it is.
fn canonical(name: &str) -> String {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !name.bytes().all(is_token) {
        return name.to_owned();
    }
    let mut begins = true;
    let mut fix = |c: char| {
        let fixed = if begins { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        begins = c == '-';
        fixed
    };
    name.chars().map(&mut fix).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_headers_have_no_case_and_keys_are_small() {
        let headers: Headers = [
            ("impersonate-USER", "bob"),
            ("Impersonate-User", "eve"),
            ("impersonate-uid", "7"),
            ("IMPERSONATE-GROUP", "dev"),
            ("impersonate-group", "ops"),
            ("Impersonate-Extra-Example.com%2FScopes", "view"),
            ("Impersonate-Extra-Example.com%2Fscopes", "edit"),
            ("Impersonate-Extra-%zz", "x"),
            ("Impersonate-Extra-%41", "y"),
            ("Accept", "*/*"),
        ]
        .into_iter()
        .collect();
        let wanted = headers.wanted();
        assert_eq!((wanted.name.as_str(), wanted.uid.as_str()), ("bob", "7"), "the first user counts");
        assert_eq!(wanted.groups, ["dev", "ops"]);
        let extra: Vec<(&str, String)> =
            wanted.extra.iter().map(|(key, values)| (key.as_str(), values.join("|"))).collect();
        // An escape is resolved after the letters have been made small, so that it can bring in a large one.
        let own = |text: &str| text.to_owned();
        assert_eq!(extra, [("%zz", own("x")), ("A", own("y")), ("example.com/scopes", own("view|edit"))]);
    }
}
