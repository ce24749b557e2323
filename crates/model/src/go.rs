//! Text as Go's `fmt` writes it: the reference's messages are made of it.

use std::fmt::Write as _;

/// Go's `%q`: a double-quoted string with Go's escapes.
/// Source: `strconv.Quote`; what counts as printable is Unicode's letters, marks, numbers, punctuation,
/// symbols and the ASCII space.
pub fn go_quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            c if is_go_printable(c) => quoted.push(c),
            c if (c as u32) < 0x80 => drop(write!(quoted, "\\x{:02x}", c as u32)),
            c if (c as u32) < 0x1_0000 => drop(write!(quoted, "\\u{:04x}", c as u32)),
            c => drop(write!(quoted, "\\U{:08x}", c as u32)),
        }
    }
    quoted.push('"');
    quoted
}

/// Go's `%q` of a list of strings: `["a" "b"]`.
pub fn go_quote_list<T: AsRef<str>>(texts: &[T]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| go_quote(text.as_ref())).collect();
    format!("[{}]", quoted.join(" "))
}

/// A string as Go's `encoding/json` writes it, safe within HTML.
pub fn go_json_string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(char));
            }
            _ => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

/// A list of strings as Go's `encoding/json` writes it: `["a","b"]`.
pub fn go_json_list<T: AsRef<str>>(texts: &[T]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| go_json_string(text.as_ref())).collect();
    format!("[{}]", quoted.join(","))
}

/// Errors as Go's `Aggregate` prints them: one alone as it is, several in brackets, none twice. `None` where there are none.
/// Source: k8s.io/apimachinery `pkg/util/errors/errors.go`.
pub fn go_aggregate(errors: impl IntoIterator<Item = impl ToString>) -> Option<String> {
    let mut texts: Vec<String> = Vec::new();
    for error in errors {
        let text = error.to_string();
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    match texts.len() {
        0 | 1 => texts.pop(),
        _ => Some(format!("[{}]", texts.join(", "))),
    }
}

/// Go's `strconv.IsPrint`, by way of Rust's own table of what is printable: `char::escape_debug` leaves printable
/// characters as they are, and escapes grapheme extenders besides, which Go prints.
pub fn is_go_printable(c: char) -> bool {
    if c.is_ascii() {
        return matches!(c, ' '..='~');
    }
    if c.is_whitespace() || c.is_control() {
        return false;
    }
    // In a string, an extender after another character is left as it is: put one in front.
    let mut probe = String::from("a");
    probe.push(c);
    probe.escape_debug().count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_as_go_does() {
        assert_eq!(go_quote("un\"conf\\\u{1}é\u{2028}\u{fffd}"), "\"un\\\"conf\\\\\\x01é\\u2028\u{fffd}\"");
        assert_eq!(go_quote("a\u{7f}\u{a0}\u{200b}😀\u{301}"), "\"a\\x7f\\u00a0\\u200b😀\u{301}\"");
    }

    #[test]
    fn lists_and_errors_are_written_as_go_does() {
        assert_eq!(go_quote_list(&["a", "b c"]), r#"["a" "b c"]"#);
        assert_eq!(go_quote_list::<&str>(&[]), "[]");
        assert_eq!(go_json_list(&["a&b", "\u{1}\"\u{7f}"]), "[\"a\\u0026b\",\"\\u0001\\\"\u{7f}\"]");
        assert_eq!(go_aggregate(Vec::<String>::new()), None);
        assert_eq!(go_aggregate(["a", "a"]).as_deref(), Some("a"));
        assert_eq!(go_aggregate(["a", "b", "a"]).as_deref(), Some("[a, b]"));
    }
}
