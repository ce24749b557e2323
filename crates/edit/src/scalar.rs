//! Scalars as text that every reader takes for what they are: YAML 1.1, YAML 1.2, go-yaml's mixture, JSON.

use std::fmt::Write as _;

use ringwall_model::fix::Value;

/// What texts are quoted with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Quote {
    /// Nothing, where the text allows it.
    #[default]
    Plain,
    /// `'`, where the text allows it.
    Single,
    /// `"`, as JSON does.
    Double,
}

impl Quote {
    /// The quotes of a scalar as written.
    pub(crate) fn of(raw: &str) -> Self {
        match raw.as_bytes().first() {
            Some(b'"') => Self::Double,
            Some(b'\'') => Self::Single,
            _ => Self::Plain,
        }
    }
}

/// A value that is written without further lines: a scalar or an empty collection.
pub(crate) fn inline(value: &Value, quote: Quote, in_flow: bool) -> Option<String> {
    match value {
        Value::Bool(value) => Some(value.to_string()),
        Value::Integer(value) => Some(value.to_string()),
        Value::Text(value) => Some(text(value, quote, in_flow)),
        Value::List(items) if items.is_empty() => Some("[]".to_owned()),
        Value::Mapping(entries) if entries.is_empty() => Some("{}".to_owned()),
        Value::List(_) | Value::Mapping(_) => None,
    }
}

/// A text, quoted as wished or as it must be.
pub(crate) fn text(text: &str, quote: Quote, in_flow: bool) -> String {
    match quote {
        Quote::Plain if is_plain(text, in_flow) => text.to_owned(),
        Quote::Single if is_printable(text) => format!("'{}'", text.replace('\'', "''")),
        _ => double(text),
    }
}

/// In double quotes, with escapes that JSON and YAML share.
fn double(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unprintable(c) => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Characters that YAML readers refuse, or take for a line break or a byte order mark.
const fn is_unprintable(c: char) -> bool {
    matches!(c, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn is_printable(text: &str) -> bool {
    !text.chars().any(is_unprintable)
}

/// Whether the text may stand without quotes. On the safe side: some texts that would do are quoted.
fn is_plain(text: &str, in_flow: bool) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let second = text.chars().nth(1);
    let begins = match first {
        ',' | '[' | ']' | '{' | '}' | '#' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`'
        | '?' | ':' | '=' | '<' | '~' => false,
        // A flag (`-v`, `--verbose`) is no list item, no number and no document separator.
        '-' => {
            second.is_some_and(|c| c.is_alphabetic() || c == '-')
                && text != "---"
                && !text.starts_with("--- ")
        }
        c => !c.is_whitespace(),
    };
    let flow = |c| matches!(c, ',' | '[' | ']' | '{' | '}' | ':' | '?');
    let taken_apart = text.ends_with([' ', ':', '\u{a0}']) || text.contains(": ") || text.contains(" #");
    let ends_flow = in_flow && text.contains(flow);
    let other = is_word(text) || is_numeric(text);
    begins && is_printable(text) && !taken_apart && !ends_flow && !other
}

/// Words that some reader takes for null, a boolean, a number or a merge.
fn is_word(text: &str) -> bool {
    const WORDS: [&str; 14] = [
        "y",
        "n",
        "yes",
        "no",
        "on",
        "off",
        "true",
        "false",
        "null",
        "nan",
        "inf",
        "infinity",
        "undefined",
        "none",
    ];
    let bare = text.trim_start_matches(['+', '-', '.']);
    WORDS.iter().any(|word| bare.eq_ignore_ascii_case(word))
}

/// Whether some reader may take the text for a number, a date or a time: it begins as one and has no other characters.
fn is_numeric(text: &str) -> bool {
    let begins = text.trim_start_matches(['+', '-', '.']).starts_with(|c: char| c.is_ascii_digit());
    let only = |c: char| {
        c.is_ascii_hexdigit()
            || matches!(c, '+' | '-' | '.' | '_' | ':' | ' ' | 'x' | 'X' | 'o' | 'O' | 't' | 'T' | 'z' | 'Z')
    };
    (begins && text.chars().all(only)) || text.chars().all(|c| matches!(c, '.' | '+' | '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reader_may_take_for_something_else_is_quoted() {
        for plain in
            ["RuntimeDefault", "nginx:1.27", "/var/run", "--flag=x", "64Mi", "a b", "http://x/y#z", "é", "v1"]
        {
            assert_eq!(text(plain, Quote::Plain, false), plain);
        }
        for quoted in [
            "",
            " a",
            "a ",
            "on",
            "No",
            "y",
            "NULL",
            "~",
            "0777",
            "1e3",
            "0x1F",
            "1_000",
            "12:30:45",
            ".inf",
            "-.INF",
            ".5",
            "+1",
            "2001-12-14",
            "a: b",
            "a #b",
            "a:",
            "*x",
            "&x",
            "!x",
            "%x",
            "@x",
            "`x",
            "- x",
            "-",
            "---",
            "? x",
            "[a",
            "{a",
            "|",
            ">",
            "<<",
            "=",
            "#x",
            "'x",
            "\"x",
            "a\nb",
            "a\tb",
            "\u{85}",
            "a\u{2028}b",
            "\u{feff}x",
        ] {
            let written = text(quoted, Quote::Plain, false);
            assert!(written.starts_with('"') && written.ends_with('"'), "{quoted:?} became {written}");
        }
        for quoted in ["a,b", "a]", "x:y", "a?b"] {
            assert_eq!(text(quoted, Quote::Plain, true), format!("\"{quoted}\""));
            assert_eq!(text(quoted, Quote::Plain, false), quoted);
        }
    }

    #[test]
    fn quotes_are_kept_where_they_can_be() {
        assert_eq!(text("it's", Quote::Single, false), "'it''s'");
        assert_eq!(text("a\nb", Quote::Single, false), "\"a\\nb\"");
        assert_eq!(text("x", Quote::Double, false), "\"x\"");
    }
}
