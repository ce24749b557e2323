//! How a peer's identity matches. Envoy matches the URI in the peer's certificate, `spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT`, as a
//! text. Source: `pilot/pkg/security/authz/model/generator.go`, `pilot/pkg/security/trustdomain/bundle.go`.

use super::strings::{Glob, Text};
use crate::config::MeshConfig;

/// What stands before an identity in a certificate.
const SCHEME: &str = "spiffe://";

/// What a mesh's own trust domain is called, whatever its name.
const LOCAL: &str = "cluster.local";

/// One demand on a peer's identity.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Identity {
    /// There is one.
    Any,
    /// It is this.
    Exact(Box<str>),
    /// It begins so.
    Prefix(Box<str>),
    /// It ends so.
    Suffix(Box<str>),
    /// It matches.
    Namespace(Glob),
    /// It holds these two, with `/` around them.
    ServiceAccount {
        /// `/ns/NAMESPACE/`.
        namespace: Box<str>,
        /// `sa/ACCOUNT`.
        account: Box<str>,
        /// Whether a dot of it is any character.
        dots_match: bool,
    },
    /// Its trust domain begins and ends so.
    TrustDomain(Box<str>, Box<str>),
}

impl Identity {
    /// A value of `principals`.
    pub(crate) fn principal(value: &str) -> Self {
        match Text::parse(value) {
            Text::Any => Self::Any,
            Text::Exact(value) => Self::Exact(format!("{SCHEME}{value}").into()),
            Text::Prefix(start) => Self::Prefix(format!("{SCHEME}{start}").into()),
            Text::Suffix(end) => Self::Suffix(end),
        }
    }

    /// A value of `namespaces`. Here, and nowhere else, every star counts.
    pub(crate) fn namespace(value: &str) -> Self {
        Self::Namespace(Glob::parse(&format!("*/ns/{value}/*")))
    }

    /// A value of `serviceAccounts`; one that names no namespace means the policy's. `dots_match` is what some releases do
    /// ([`crate::quirks::ACCOUNT_DOTS`]).
    pub(crate) fn service_account(value: &str, namespace: &str, dots_match: bool) -> Self {
        let (namespace, account) = value.split_once('/').unwrap_or((namespace, value));
        Self::ServiceAccount {
            namespace: format!("/ns/{namespace}/").into(),
            account: format!("sa/{account}").into(),
            dots_match: dots_match && account.contains('.'),
        }
    }

    /// A value of `trustDomains`.
    pub(crate) fn trust_domain(value: &str) -> Self {
        match value.split_once('*') {
            Some(("", "")) => Self::Prefix(SCHEME.into()),
            Some((start, end)) => Self::TrustDomain(start.into(), format!("{end}/").into()),
            None => Self::Prefix(format!("{SCHEME}{value}/").into()),
        }
    }

    /// Whether the URI of a certificate matches. Costs the product of the lengths at most; in practice their sum.
    pub(crate) fn matches(&self, uri: &str) -> bool {
        match self {
            Self::Any => !uri.is_empty(),
            Self::Exact(value) => **value == *uri,
            Self::Prefix(start) => uri.starts_with(&**start),
            Self::Suffix(end) => uri.strip_prefix(SCHEME).is_some_and(|id| id.ends_with(&**end)),
            Self::Namespace(glob) => glob.matches(uri),
            Self::ServiceAccount { namespace, account, dots_match } => {
                let Some(id) = uri.strip_prefix(SCHEME) else { return false };
                // A trust domain of one character at least stands before.
                id.match_indices(&**namespace).filter(|(at, _)| *at > 0).any(|(at, found)| {
                    ends_in_account(id.get(at + found.len()..).unwrap_or_default(), account, *dots_match)
                })
            }
            Self::TrustDomain(start, end) => {
                let Some(rest) = uri.strip_prefix(SCHEME).and_then(|id| id.strip_prefix(&**start)) else {
                    return false;
                };
                let stop = rest.find('/').unwrap_or(rest.len());
                rest.match_indices(&**end).any(|(at, _)| at <= stop)
            }
        }
    }
}

/// Whether it is the account, maybe with a path before it and one behind it.
fn ends_in_account(rest: &str, account: &str, dots_match: bool) -> bool {
    let is_at = |at: &usize| {
        let Some(found) = rest.as_bytes().get(*at..at + account.len()) else { return false };
        let is_any = |wanted: u8| dots_match && wanted == b'.';
        found.iter().zip(account.bytes()).all(|(own, wanted)| *own == wanted || is_any(wanted))
    };
    (0..rest.len()).filter(is_at).any(|at| {
        let before = rest.get(..at).unwrap_or_default();
        let behind = rest.get(at + account.len()..).unwrap_or_default();
        (before.is_empty() || (before.len() > 1 && before.ends_with('/')))
            && (behind.is_empty() || (behind.len() > 1 && behind.starts_with('/')))
    })
}

/// The values of `principals` for every name of the mesh's trust domain.
///
/// A value of five parts whose trust domain is a name of the mesh's, or `cluster.local`, stands for all of the names. One that begins with
/// `*/` is of any trust domain, and another trust domain stays as it is.
pub(crate) fn with_aliases(values: &[String], mesh: &MeshConfig) -> Vec<String> {
    let mut all = Vec::with_capacity(values.len());
    for value in values {
        let domain = match value.split_once('/') {
            Some((domain, rest)) if rest.split('/').count() == 4 && domain != "*" => Some((domain, rest)),
            _ => None,
        };
        match domain {
            Some((domain, rest)) if domain == LOCAL || domains(mesh).any(|known| is_same(domain, known)) => {
                let first = all.len();
                for known in domains(mesh) {
                    // One that a star already covers stays as it is written.
                    let name = if ends_as(known, domain) { value.clone() } else { format!("{known}/{rest}") };
                    if !all.get(first..).unwrap_or_default().contains(&name) {
                        all.push(name);
                    }
                }
            }
            _ => all.push(value.clone()),
        }
    }
    all
}

/// The values of `trustDomains`: one that is a name of the mesh's stands for all of them.
pub(crate) fn domains_with_aliases(values: &[String], mesh: &MeshConfig) -> Vec<String> {
    let mut all: Vec<String> = Vec::with_capacity(values.len());
    let mut add = |value: &str| {
        if !all.iter().any(|one| one == value) {
            all.push(value.to_owned());
        }
    };
    for value in values {
        if domains(mesh).any(|known| known == value) {
            domains(mesh).for_each(&mut add);
        } else {
            add(value);
        }
    }
    all
}

/// The names of the mesh's trust domain.
fn domains(mesh: &MeshConfig) -> impl Iterator<Item = &str> {
    std::iter::once(mesh.trust_domain.as_str()).chain(mesh.trust_domain_aliases.iter().map(String::as_str))
}

fn is_same(domain: &str, known: &str) -> bool {
    domain == known
        || known == "*"
        || begins_as(domain, known)
        || begins_as(known, domain)
        || ends_as(domain, known)
        || ends_as(known, domain)
}

fn begins_as(domain: &str, pattern: &str) -> bool {
    pattern.strip_suffix('*').is_some_and(|start| domain.starts_with(start))
}

fn ends_as(domain: &str, pattern: &str) -> bool {
    pattern.strip_prefix('*').is_some_and(|end| domain.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WEB: &str = "spiffe://cluster.local/ns/alpha/sa/web";

    #[test]
    fn namespaces_take_stars_anywhere_and_need_an_identity() {
        let matches = |value: &str, uri: &str| Identity::namespace(value).matches(uri);
        assert!(matches("alpha", WEB) && matches("a*a", WEB) && matches("*", WEB) && matches("al*", WEB));
        assert!(!matches("alp", WEB) && !matches("*", "") && !matches("beta", WEB));
    }

    #[test]
    fn a_service_account_is_whole_and_may_have_a_path_around_it() {
        let web = Identity::service_account("web", "alpha", false);
        assert!(web.matches(WEB) && web.matches("spiffe://td/ns/alpha/x/y/sa/web/z"));
        for other in [
            "spiffe://td/ns/alpha/sa/web-admin",
            "spiffe://td/ns/alpha/sa/web/",
            "spiffe://td/ns/beta/sa/web",
            "spiffe:///ns/alpha/sa/web",
            "spiffe://td/ns/alpha/xsa/web",
            "td/ns/alpha/sa/web",
        ] {
            assert!(!web.matches(other), "{other}");
        }
        assert!(Identity::service_account("beta/web", "alpha", false).matches("spiffe://td/ns/beta/sa/web"));
    }

    #[test]
    fn trust_domains_stop_at_the_first_slash() {
        let matches = |value: &str| Identity::trust_domain(value).matches(WEB);
        assert!(matches("cluster.local") && matches("*") && matches("*.local") && matches("clu*"));
        assert!(!matches("cluster") && !matches("*alpha") && !matches("other*"));
    }

    #[test]
    fn names_of_the_trust_domain_stand_for_one_another() {
        let mesh = MeshConfig {
            trust_domain: "new.td".to_owned(),
            trust_domain_aliases: vec!["old.td".to_owned()],
            ..MeshConfig::default()
        };
        let all = |value: &str| with_aliases(&[value.to_owned()], &mesh).join(" ");
        assert_eq!(all("cluster.local/ns/a/sa/b"), "new.td/ns/a/sa/b old.td/ns/a/sa/b");
        assert_eq!(all("*.td/ns/a/sa/b"), "*.td/ns/a/sa/b");
        assert_eq!(all("*/ns/a/sa/b"), "*/ns/a/sa/b");
        assert_eq!(all("x.td/ns/a/sa/b"), "x.td/ns/a/sa/b");
        assert_eq!(all("old.td/sa/b"), "old.td/sa/b", "of other than five parts nothing is known");
        let domains = |value: &str| domains_with_aliases(&[value.to_owned()], &mesh).join(" ");
        assert_eq!((domains("old.td").as_str(), domains("x").as_str()), ("new.td old.td", "x"));
    }

    proptest! {
        #[test]
        fn nothing_breaks_it(value in "[a*/é.]{0,9}", uri in "(spiffe://)?[as/né.]{0,14}") {
            for identity in [
                Identity::principal(&value),
                Identity::namespace(&value),
                Identity::service_account(&value, "a", false),
                Identity::trust_domain(&value),
            ] {
                let _ = identity.matches(&uri);
            }
            let _ = with_aliases(std::slice::from_ref(&value), &MeshConfig::default());
        }
    }
}
