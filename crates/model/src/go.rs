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

/// Go's `strconv.IsPrint`, by way of Rust's own table of what is printable: `char::escape_debug` leaves printable
/// characters as they are, and escapes grapheme extenders besides, which Go prints.
fn is_go_printable(c: char) -> bool {
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
}
