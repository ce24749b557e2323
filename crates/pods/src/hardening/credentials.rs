//! Credentials that are written into the manifest. Their values are never shown.

use ringwall_model::check::Check;
use ringwall_model::control::{mitre, nsa};
use ringwall_model::finding::Severity;

use super::model::Container;
use super::repair::Repair;
use super::{At, EVERY_VERSION, Flaw, HardeningCheck, Subject, who};
use crate::model::Place;

pub(super) const LITERAL: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-048",
        name: "literal-credential",
        severity: Severity::High,
        summary: "a credential is written into the manifest",
        what: "An environment variable has a literal value, and its name is that of a credential (`PASSWORD`, `TOKEN`, `SECRET`, \
               `API_KEY` …) while the value is no path, number, switch or reference to another variable; or the value itself has the \
               form of one: a private key, a key of AWS, Google, GitHub, GitLab, Slack or Stripe, a JSON Web Token, a `Bearer` \
               header, a URL with a password. Options of `command` and `args` such as `--password=…` are read alike. Values that only \
               contain a word such as `_key_` are reported with severity info.",
        why: "Whoever may read the manifest has the credential: the repository, its forks and its history, everybody who may list \
              pods.",
        fix: "Put the value into a Secret that is not in the repository, mount it as a file, and replace the credential: it has been \
              seen.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n    env:\n    - name: DB_PASSWORD\n      value: hunter2\n",
        good: "kind: Pod\nspec:\n  containers:\n  - name: web\n    env:\n    - name: DB_PASSWORD_FILE\n      value: /secrets/db/password\n",
        versions: EVERY_VERSION,
        references: &["https://kubernetes.io/docs/concepts/security/secrets-good-practices/"],
        controls: &[nsa("Secrets"), mitre("T1552.001")],
    },
    find,
    repair: Repair::Manual("the credential belongs into a Secret, and must be replaced"),
};

fn find(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    for (place, container) in subject.pod.spec.all() {
        for (index, variable) in container.env.iter().enumerate() {
            let (name, value) = (variable.name, variable.value);
            let Some((what, severity)) = judge(name, value) else { continue };
            let message = format!("{} has {what} in the variable {name}", who(place, container));
            let index = index as u32;
            let flaw = Flaw::present(
                At::Template(place, "env[].value", index),
                format!("{}/{name}", container.name),
                message,
            );
            flaws.push(flaw.related(At::Template(place, "env[].name", index)).severity(severity));
        }
        for (field, words) in [("command[]", &container.command), ("args[]", &container.args)] {
            // What a shell is given is a line of words in one.
            let lines = words.iter().enumerate().filter(|(_, word)| word.contains(char::is_whitespace));
            for (at, line) in lines {
                let parts: Vec<&str> = line.split_whitespace().collect();
                for index in 0..parts.len() {
                    let Some((option, _)) = option_with_value(&parts, index) else { continue };
                    in_option(container, place, (field, at), option, flaws);
                }
            }
            let words = words.as_slice();
            for index in 0..words.len() {
                let Some((option, at)) = option_with_value(words, index) else { continue };
                in_option(container, place, (field, at), option, flaws);
            }
        }
    }
}

/// Judges an option with its value, which stands in the word at an index of a field.
fn in_option(
    container: &Container<'_>,
    place: Place,
    (field, at): (&'static str, usize),
    (name, value): (&str, &str),
    flaws: &mut Vec<Flaw>,
) {
    // Quotes of a shell are no part of the value.
    let value = value.trim_matches(['"', '\'', ';']);
    let Some((what, severity)) = judge(name, value).filter(|(_, severity)| *severity > Severity::Info) else {
        return;
    };
    let message = format!("{} has {what} in its option --{name}", who(place, container));
    let at = At::Template(place, field, at as u32);
    flaws.push(Flaw::present(at, format!("{}/{name}", container.name), message).severity(severity));
}

/// An option at `index` with its value, and the index of the word that holds the value: `--password=x`, or `--password x`.
fn option_with_value<'w>(words: &[&'w str], index: usize) -> Option<((&'w str, &'w str), usize)> {
    let option = words[index].strip_prefix("--")?;
    if option.is_empty() || option.contains(char::is_whitespace) {
        return None;
    }
    match option.split_once('=') {
        Some(pair) => Some((pair, index)),
        None => {
            let next = words.get(index + 1).filter(|next| !next.starts_with('-'))?;
            Some(((option, next), index + 1))
        }
    }
}

/// What a name and its literal value give away, if they do.
fn judge(name: &str, value: &str) -> Option<(&'static str, Severity)> {
    let value = value.trim();
    // `$(NAME)` takes the value of another variable, and templates are filled in later.
    if value.is_empty()
        || (value.starts_with("$(") && value.ends_with(')'))
        || value.as_bytes().windows(2).any(|pair| pair == b"{{")
        || value.starts_with("${")
    {
        return None;
    }
    if let Some(what) = form_of(value) {
        return Some((what, Severity::High));
    }
    if is_path(value) {
        return None;
    }
    if names_credential(name) {
        if is_placeholder(value) {
            return None;
        }
        if !is_setting(name, value) {
            return Some(("a literal credential", Severity::High));
        }
    }
    if !value.bytes().any(|byte| matches!(byte, b'_' | b'j' | b'J')) {
        return None;
    }
    let lower = value.to_ascii_lowercase();
    ["_key_", "_secret_", "jwt"]
        .iter()
        .any(|word| lower.contains(word))
        .then_some(("a value that speaks of a credential", Severity::Info))
}

/// Whether the value says where something is.
fn is_path(value: &str) -> bool {
    value.starts_with(['/', '.', '~']) && !value.contains(char::is_whitespace)
}

/// Whether the value stands for one that somebody puts there later.
fn is_placeholder(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    (value.starts_with('<') && value.ends_with('>'))
        || ["placeholder", "replace", "your-", "your_", "changeme-", "xxxx", "todo"]
            .iter()
            .any(|word| lower.contains(word))
}

/// Words that a credential's name holds, its parts joined by `_`.
const WORDS: [&str; 16] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "credential",
    "jwt",
    "bearer",
    "api_key",
    "apikey",
    "access_key",
    "private_key",
    "encryption_key",
    "signing_key",
    "auth_key",
];

/// Last parts of names that speak about a credential and do not hold it.
const ABOUT: [&str; 35] = [
    "file",
    "path",
    "dir",
    "name",
    "url",
    "uri",
    "endpoint",
    "host",
    "id",
    "type",
    "ttl",
    "expiry",
    "expiration",
    "length",
    "size",
    "enabled",
    "disabled",
    "required",
    "prefix",
    "header",
    "ref",
    "timeout",
    "interval",
    "duration",
    "algorithm",
    "issuer",
    "policy",
    "cmd",
    "command",
    "provider",
    "store",
    "placeholder",
    "template",
    "mode",
    "source",
];

/// Whether the name is that of a credential.
fn names_credential(name: &str) -> bool {
    let lower = snake(name);
    let last = lower.rsplit('_').next().unwrap_or_default();
    // The token by which members of a new etcd cluster know one another is a name, and so is etcd's kind of tokens.
    if ABOUT.contains(&last) || lower.ends_with("cluster_token") || lower == "etcd_auth_token" {
        return false;
    }
    holds_word(&lower) || last == "key" || last == "pass"
}

/// Whether a name holds one of the words. Names are short: a search that is prepared for each word costs more than it saves.
fn holds_word(name: &str) -> bool {
    let bytes = name.as_bytes();
    (0..bytes.len()).any(|at| {
        matches!(bytes[at], b'p' | b's' | b't' | b'c' | b'j' | b'b' | b'a' | b'e')
            && WORDS.iter().any(|word| bytes[at..].starts_with(word.as_bytes()))
    })
}

/// `dbPassword`, `DB-PASSWORD` and `db.password` as `db_password`.
fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut after_small = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && after_small {
            snake.push('_');
        }
        after_small = c.is_ascii_lowercase() || c.is_ascii_digit();
        snake.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
    }
    snake
}

/// Whether the value is a switch, a number or a word that nobody would take for a credential.
fn is_setting(name: &str, value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let switch = matches!(
        lower.as_str(),
        "true" | "false" | "yes" | "no" | "on" | "off" | "none" | "null" | "disabled" | "enabled"
    );
    let number = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    // A password of digits is one all the same.
    let secret_by_itself =
        ["password", "passwd", "pwd", "pass"].iter().any(|word| snake(name).contains(word));
    switch || (number && !secret_by_itself)
}

/// The length of the shortest form but that of a bearer token: `a://b:c@d`.
const SHORTEST: usize = 9;

/// The form of a credential: a beginning, and at least so many characters of a class behind it.
struct Form {
    prefix: &'static str,
    of: fn(u8) -> bool,
    least: usize,
    what: &'static str,
}

const fn form(prefix: &'static str, of: fn(u8) -> bool, least: usize, what: &'static str) -> Form {
    Form { prefix, of, least, what }
}

const fn plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

const fn dashed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

const fn upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

/// Sources: what the services document of their keys and tokens.
const FORMS: &[Form] = &[
    form("AKIA", upper, 16, "a key of AWS"),
    form("ASIA", upper, 16, "a key of AWS"),
    form("AIza", dashed, 35, "a key of Google"),
    form("ghp_", plain, 36, "a token of GitHub"),
    form("gho_", plain, 36, "a token of GitHub"),
    form("ghu_", plain, 36, "a token of GitHub"),
    form("ghs_", plain, 36, "a token of GitHub"),
    form("ghr_", plain, 36, "a token of GitHub"),
    form("github_pat_", dashed, 22, "a token of GitHub"),
    form("glpat-", dashed, 20, "a token of GitLab"),
    form("xoxb-", dashed, 10, "a token of Slack"),
    form("xoxa-", dashed, 10, "a token of Slack"),
    form("xoxp-", dashed, 10, "a token of Slack"),
    form("xoxr-", dashed, 10, "a token of Slack"),
    form("xoxs-", dashed, 10, "a token of Slack"),
    form("sk_live_", plain, 20, "a key of Stripe"),
    form("rk_live_", plain, 20, "a key of Stripe"),
    form("eyJhbGciO", dashed, 4, "a JSON Web Token"),
];

/// What the value is by its form.
fn form_of(value: &str) -> Option<&'static str> {
    let word = value
        .split_once(' ')
        .filter(|(scheme, rest)| scheme.eq_ignore_ascii_case("bearer") && !rest.trim().is_empty());
    if word.is_some() {
        return Some("a bearer token");
    }
    // No other form is as short.
    if value.len() < SHORTEST {
        return None;
    }
    // One pass over the value: a search that is prepared for each form costs more than it saves.
    let bytes = value.as_bytes();
    for at in 0..bytes.len() {
        if !matches!(bytes[at], b'A' | b'P' | b'g' | b'x' | b's' | b'r' | b'e') {
            continue;
        }
        let rest = &bytes[at..];
        if rest.starts_with(b"PRIVATE KEY")
            && (rest.starts_with(b"PRIVATE KEY-----") || value.contains("BEGIN "))
        {
            return Some("a private key");
        }
        let is = |form: &&Form| {
            let Some(rest) = rest.strip_prefix(form.prefix.as_bytes()) else { return false };
            rest.iter().take_while(|byte| (form.of)(**byte)).count() >= form.least
        };
        if let Some(form) = FORMS.iter().find(is) {
            return Some(form.what);
        }
    }
    password_in_url(value).then_some("a password in a URL")
}

/// Whether the value is a URL with a user and a literal password: `postgres://app:hunter2@db/orders`.
fn password_in_url(value: &str) -> bool {
    let Some((scheme, rest)) = value.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some((user, _)) = authority.rsplit_once('@') else { return false };
    let Some((_, password)) = user.split_once(':') else { return false };
    let plain = !password.is_empty() && !password.contains("$(") && !password.contains("${");
    plain && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn severity(name: &str, value: &str) -> Option<Severity> {
        judge(name, value).map(|(_, severity)| severity)
    }

    #[test]
    fn names_of_credentials_with_literal_values_are_found() {
        for (name, value) in [
            ("DB_PASSWORD", "hunter2"),
            ("dbPassword", "hunter2"),
            ("password", "123456"),
            ("AWS_SECRET_ACCESS_KEY", "abc"),
            ("azure_batch_key", "abc"),
            ("API-KEY", "abc"),
            ("SESSION_TOKEN", "abc def"),
            ("REDIS_PASS", "x"),
            ("db-password", "'hunter2'"),
        ] {
            assert_eq!(severity(name, value), Some(Severity::High), "{name}={value}");
        }
    }

    #[test]
    fn what_speaks_about_a_credential_is_none() {
        for (name, value) in [
            ("DB_PASSWORD_FILE", "/run/secrets/db"),
            ("SECRET_KEY_PATH", "/etc/key"),
            ("TOKEN_TTL", "3600"),
            ("TOKEN", "/var/run/token"),
            ("PASSWORD", "$(OTHER)"),
            ("PASSWORD", "{{ .Values.password }}"),
            ("PASSWORD", ""),
            ("SECRETS_ENABLED", "true"),
            ("USE_TOKEN", "false"),
            ("SECRET_NAME", "db"),
            ("AIRFLOW__API__SECRET_KEY_CMD", "cat /opt/secret-key"),
            ("ETCD_INITIAL_CLUSTER_TOKEN", "etcd-cluster-1"),
            ("ETCD_AUTH_TOKEN", "simple"),
            ("MONKEY", "george"),
            ("SECRET_PROVIDER", "vault"),
            ("API_KEY", "<replace me>"),
            ("KEYBOARD", "us"),
            ("URL", "https://example.com/a:b@c"),
            ("LOG_LEVEL", "info"),
        ] {
            assert_eq!(severity(name, value), None, "{name}={value}");
        }
    }

    #[test]
    fn forms_of_credentials_are_found_whatever_the_name_is() {
        for value in [
            "AKIAIOSFODNN7EXAMPLE",
            "-----BEGIN RSA PRIVATE KEY-----\nabc",
            "Bearer abc123def",
            "postgres://app:hunter2@db/orders",
            "eyJhbGciOiJIUzI1NiJ9.e30.x",
            "ghp_0123456789abcdefghijklmnopqrstuvwxyz",
        ] {
            assert_eq!(severity("X", value), Some(Severity::High), "{value}");
        }
        assert_eq!(severity("X", "AKIA"), None);
        assert_eq!(severity("X", "postgres://app:$(PASSWORD)@db/orders"), None);
        assert_eq!(severity("X", "my_key_value"), Some(Severity::Info));
    }
}
