//! Literals that are written well and mean nothing. Source: github.com/google/cel-go `parser/parser.go`, `unescape.go`.

use super::lex::Kind;

/// What is wrong with a literal, whose minus stands before it.
pub(super) fn error(kind: Kind, text: &str, is_negative: bool) -> Option<&'static str> {
    match kind {
        Kind::Int => whole(text, is_negative).is_none().then_some("invalid int literal"),
        Kind::Uint => {
            let digits = text.trim_end_matches(['u', 'U']);
            unsigned(digits).is_none().then_some("invalid uint literal")
        }
        Kind::Float => {
            let is_one = text.parse().is_ok_and(|number: f64| number.is_finite());
            (!is_one).then_some("invalid double literal")
        }
        Kind::Text | Kind::Bytes => string_error(text, kind == Kind::Bytes),
        _ => None,
    }
}

fn unsigned(digits: &str) -> Option<u64> {
    match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => digits.parse().ok(),
    }
}

fn whole(digits: &str, is_negative: bool) -> Option<()> {
    let most = u64::try_from(i64::MAX).unwrap_or_default() + u64::from(is_negative);
    (unsigned(digits)? <= most).then_some(())
}

fn string_error(text: &str, is_bytes: bool) -> Option<&'static str> {
    let start = text.find(['"', '\''])?;
    let (prefix, body) = text.split_at(start);
    if prefix.contains(['r', 'R']) {
        return None;
    }
    let mut rest = body;
    while let Some((_, after)) = rest.split_once('\\') {
        let digits = match after.chars().next() {
            Some('u') => 4,
            Some('U') => 8,
            _ => 0,
        };
        if digits > 0 && is_bytes {
            return Some("unable to unescape string");
        }
        let number = after.get(1..=digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        if digits > 0 && number.and_then(char::from_u32).is_none() {
            return Some("invalid unicode code point");
        }
        let mut chars = after.chars();
        chars.next();
        rest = chars.as_str();
    }
    None
}
