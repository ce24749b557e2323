//! What a suppression says: `ringwall:ignore RULE[,RULE] reason="…" until=YYYY-MM-DD` in a comment,
//! `reason; until=YYYY-MM-DD` in an annotation.

use jiff::civil::Date;

use crate::quiet::checks;
use crate::quiet::peers::Part;
use crate::registry::Rules;
use crate::settings::date;
use crate::suggest;

/// What a suppression says.
#[derive(Clone, Debug, Default)]
pub(super) struct Directive {
    pub(super) rules: Rules,
    pub(super) reason: Option<String>,
    pub(super) until: Option<Date>,
    /// For checks, by id, of which only a part is meant: the parts. Where a check has none, all of it is.
    pub(super) parts: Vec<(&'static str, Part)>,
}

/// What comments of ours begin with.
pub(super) const MARK: &str = "ringwall:";

/// Reads a comment, from its `ringwall:` on.
///
/// # Errors
/// Everything that is wrong with it, as one sentence without full stop.
pub(super) fn of_comment(text: &str, require_reason: bool) -> Result<Directive, String> {
    let mut directive = Directive::default();
    let mut errors = Vec::new();
    let rest = text.strip_prefix(MARK).unwrap_or(text);
    let (verb, mut rest) = word(rest);
    if verb != "ignore" {
        let meant = suggest::did_you_mean(suggest::nearest(verb, ["ignore"]));
        return Err(format!("there is no comment \"{MARK}{verb}\"; expected {MARK}ignore{meant}"));
    }
    let (names, after) = names(rest);
    rest = after;
    if names.is_empty() {
        errors.push("expected the checks that are to be ignored, or all".to_owned());
    }
    directive.rules = rules(names, &mut errors);
    while !rest.is_empty() {
        let (token, after) = word(rest);
        match token.split_once('=') {
            Some(("until", day)) => {
                read_day(day, &mut directive, &mut errors);
                rest = after;
            }
            Some(("reason", value)) if value.starts_with('"') => {
                let value = &rest[token.len() - value.len() + 1..];
                let Some((reason, after)) = quoted(value) else {
                    errors.push("the reason has no closing quote".to_owned());
                    break;
                };
                directive.reason = Some(reason).filter(|reason| !reason.trim().is_empty());
                rest = after.trim_start();
            }
            Some(("reason", value)) => {
                directive.reason = Some(value.to_owned()).filter(|reason| !reason.is_empty());
                rest = after;
            }
            Some((key, _)) => {
                let meant = suggest::did_you_mean(suggest::nearest(key, ["reason", "until"]));
                errors.push(format!("there is no {key}=; expected reason=\"…\" or until=YYYY-MM-DD{meant}"));
                rest = after;
            }
            None => {
                errors.push(format!("expected reason=\"…\" or until=YYYY-MM-DD, got \"{token}\""));
                break;
            }
        }
    }
    finish(directive, errors, require_reason)
}

/// Reads the value of an annotation for this check.
///
/// # Errors
/// As [`of_comment`].
pub(super) fn of_annotation(rule: &str, value: &str, require_reason: bool) -> Result<Directive, String> {
    let mut errors = Vec::new();
    let mut directive = Directive { rules: rules([rule], &mut errors), ..Directive::default() };
    let mut reasons = Vec::new();
    for part in value.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        match part.split_once('=').map(|(key, day)| (key.trim_end(), day.trim_start())) {
            Some(("until", day)) => read_day(day, &mut directive, &mut errors),
            _ => reasons.push(part),
        }
    }
    directive.reason = Some(reasons.join("; ")).filter(|reason| !reason.is_empty());
    finish(directive, errors, require_reason)
}

fn rules<'n>(names: impl IntoIterator<Item = &'n str>, errors: &mut Vec<String>) -> Rules {
    let (rules, unknown) = Rules::read(names);
    errors.extend(unknown.into_iter().map(|(_, message)| message));
    if let Some(own) = rules.named.iter().find(|check| checks::CHECKS.iter().any(|own| own.id == check.id)) {
        errors.push(format!("{} is about suppressions, and only checks.disable turns it off", own.id));
    }
    rules
}

fn read_day(text: &str, directive: &mut Directive, errors: &mut Vec<String>) {
    match date(text) {
        Ok(day) => directive.until = Some(day),
        Err(message) => errors.push(format!("until: {message}")),
    }
}

fn finish(directive: Directive, mut errors: Vec<String>, require_reason: bool) -> Result<Directive, String> {
    if require_reason && directive.reason.is_none() && errors.is_empty() {
        errors.push("it must say why: suppressions.require-reason is set".to_owned());
    }
    if errors.is_empty() { Ok(directive) } else { Err(errors.join("; ")) }
}

/// The first word, and what follows the blanks behind it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

/// The names before the first `key=`, which commas or blanks part, and the rest.
fn names(mut text: &str) -> (Vec<&str>, &str) {
    let mut names = Vec::new();
    let mut more = true;
    while more && !text.is_empty() {
        let (token, after) = word(text);
        if token.contains('=') {
            break;
        }
        names.extend(token.split(',').filter(|name| !name.is_empty()));
        // `A, B` and `A ,B` go on; `A B` does not: what follows is no name.
        more = token.ends_with(',') || after.starts_with(',');
        text = after;
    }
    (names, text)
}

/// A text up to its closing quote, with `\"` and `\\` undone, and the rest.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(directive: Result<Directive, String>) -> String {
        match directive {
            Ok(Directive { rules, reason, until, .. }) => {
                let mut ids: Vec<&str> = rules.named.iter().map(|check| check.id).collect();
                if rules.all {
                    ids.push("all");
                }
                let until = until.map_or_else(String::new, |until| format!(" until {until}"));
                format!("{} because {}{until}", ids.join("+"), reason.unwrap_or_else(|| "-".to_owned()))
            }
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn comments_are_read() {
        for (text, says) in [
            ("ringwall:ignore RW-POD-001", "RW-POD-001 because -"),
            ("ringwall:ignore rw-pod-001,Host-Namespace", "RW-POD-001+RW-POD-002 because -"),
            ("ringwall:ignore RW-POD-001, RW-POD-002 reason=x", "RW-POD-001+RW-POD-002 because x"),
            ("ringwall:ignore RW-POD-001 ,RW-POD-002", "RW-POD-001+RW-POD-002 because -"),
            (
                "ringwall:ignore all reason=\"a \\\"b\\\" c\" until=2027-01-31",
                "all because a \"b\" c until 2027-01-31",
            ),
            ("ringwall:ignore all until=2027-01-31 reason=\"x\"", "all because x until 2027-01-31"),
            ("ringwall:ignore all reason=\"\"", "all because -"),
            ("ringwall:ignore", "error: expected the checks that are to be ignored, or all"),
            (
                "ringwall:ignored all",
                "error: there is no comment \"ringwall:ignored\"; expected ringwall:ignore; did you mean ignore?",
            ),
            (
                "ringwall:ignore RW-POD-0001",
                "error: there is no check \"RW-POD-0001\"; did you mean RW-POD-001?",
            ),
            (
                "ringwall:ignore all because of it",
                "error: expected reason=\"…\" or until=YYYY-MM-DD, got \"because\"",
            ),
            (
                "ringwall:ignore all reson=x",
                "error: there is no reson=; expected reason=\"…\" or until=YYYY-MM-DD; did you mean reason?",
            ),
            ("ringwall:ignore all reason=\"x", "error: the reason has no closing quote"),
            (
                "ringwall:ignore all until=2027-13-01",
                "error: until: expected a day such as 2027-01-31, got \"2027-13-01\"",
            ),
            (
                "ringwall:ignore RW-QUI-001",
                "error: RW-QUI-001 is about suppressions, and only checks.disable turns it off",
            ),
            (
                "ringwall:ignore nothing until=x",
                "error: there is no check \"nothing\"; until: expected a day such as 2027-01-31, got \"x\"",
            ),
        ] {
            assert_eq!(shown(of_comment(text, false)), says, "{text}");
        }
        assert!(of_comment("ringwall:ignore all", true).is_err());
        assert!(of_comment("ringwall:ignore all reason=x", true).is_ok());
    }

    #[test]
    fn annotations_are_read() {
        for (rule, value, says) in [
            ("RW-POD-001", "", "RW-POD-001 because -"),
            ("host-namespace", "a; b ; until=2027-01-31", "RW-POD-002 because a; b until 2027-01-31"),
            ("ALL", "x=y", "all because x=y"),
            (
                "RW-POD-001",
                "until = 2027-01-32",
                "error: until: expected a day such as 2027-01-31, got \"2027-01-32\"",
            ),
        ] {
            assert_eq!(shown(of_annotation(rule, value, false)), says, "{rule} {value}");
        }
    }
}
