//! What Go says of a regular expression that it cannot read. Source: Go's `regexp/syntax` (`parse.go`).
//!
//! The limits of height and size are not here: no expression of the length that the reference allows reaches them.

use super::unicode::is_table;

/// What is wrong with an expression, or nothing. Costs one walk of it.
pub(in crate::validate) fn regexp_error(text: &str) -> Option<String> {
    Parser { whole: text, groups: vec![Group::default()] }
        .parse()
        .err()
        .map(|Wrong(what, expression)| format!("error parsing regexp: {what}: `{expression}`"))
}

/// What is wrong, and the piece in which it is.
struct Wrong<'t>(&'static str, &'t str);

type Result<'t, T> = std::result::Result<T, Wrong<'t>>;

const CLASS: &str = "invalid character class range";
const ESCAPE: &str = "invalid escape sequence";
const ARGUMENT: &str = "missing argument to repetition operator";
const SIZE: &str = "invalid repeat count";

/// How often a piece may stand in all when counts within counts are multiplied.
const MOST: u32 = 1000;

/// What was read between two parentheses. A weight is the largest product of counts within one another.
#[derive(Default)]
struct Group {
    /// That of the last piece, which an operator would repeat.
    last: Option<u32>,
    /// That of all before.
    others: u32,
}

impl Group {
    fn push(&mut self, weight: u32) {
        self.others = self.weight();
        self.last = Some(weight);
    }

    fn weight(&self) -> u32 {
        self.others.max(self.last.unwrap_or(1))
    }
}

struct Parser<'t> {
    whole: &'t str,
    /// The open ones; the first is the expression itself.
    groups: Vec<Group>,
}

/// The first character and what is behind it. Nothing is a character that is none.
fn next(text: &str) -> (char, &str) {
    let mut chars = text.chars();
    let c = chars.next().unwrap_or(char::REPLACEMENT_CHARACTER);
    (c, chars.as_str())
}

/// The start of a text, without its end.
fn before<'t>(text: &'t str, end: &str) -> &'t str {
    text.get(..text.len() - end.len()).unwrap_or(text)
}

impl<'t> Parser<'t> {
    fn push(&mut self, weight: u32) {
        if let Some(group) = self.groups.last_mut() {
            group.push(weight);
        }
    }

    fn parse(mut self) -> Result<'t, ()> {
        let (mut text, mut last_repeat) = (self.whole, "");
        while let Some(first) = text.chars().next() {
            let mut repeat = "";
            match first {
                '(' if text.starts_with("(?") => text = self.flags(text)?,
                '(' => {
                    self.groups.push(Group::default());
                    text = &text[1..];
                }
                '|' => {
                    if let Some(group) = self.groups.last_mut() {
                        *group = Group { last: None, others: group.weight() };
                    }
                    text = &text[1..];
                }
                ')' => {
                    let group = self.groups.pop().unwrap_or_default();
                    if self.groups.is_empty() {
                        return Err(Wrong("unexpected )", self.whole));
                    }
                    self.push(group.weight());
                    text = &text[1..];
                }
                '[' => {
                    text = class(text)?;
                    self.push(1);
                }
                '*' | '+' | '?' => {
                    repeat = text;
                    text = self.repeat(text, &text[1..], None, last_repeat)?;
                }
                '{' => match counts(text) {
                    None => {
                        self.push(1);
                        text = &text[1..];
                    }
                    Some((least, most, after)) => {
                        let is_wrong = match (least, most) {
                            (Some(least), Count::Number(Some(most))) => {
                                least > MOST || most > MOST || least > most
                            }
                            (Some(least), Count::Open) => least > MOST,
                            _ => true,
                        };
                        if is_wrong {
                            return Err(Wrong(SIZE, before(text, after)));
                        }
                        let most = if let Count::Number(most) = most { most } else { None };
                        repeat = text;
                        text =
                            self.repeat(text, after, Some((least.unwrap_or_default(), most)), last_repeat)?;
                    }
                },
                '\\' => text = self.escape(text)?,
                _ => {
                    self.push(1);
                    text = next(text).1;
                }
            }
            last_repeat = repeat;
        }
        if self.groups.len() > 1 { Err(Wrong("missing closing )", self.whole)) } else { Ok(()) }
    }

    /// An operator: what is behind it.
    fn repeat(
        &mut self,
        start: &'t str,
        after: &'t str,
        counted: Option<(u32, Option<u32>)>,
        last_repeat: &'t str,
    ) -> Result<'t, &'t str> {
        let after = after.strip_prefix('?').unwrap_or(after);
        if !last_repeat.is_empty() {
            return Err(Wrong("invalid nested repetition operator", before(last_repeat, after)));
        }
        let piece = self.groups.last_mut().and_then(|group| group.last.as_mut());
        let Some(weight) = piece else { return Err(Wrong(ARGUMENT, before(start, after))) };
        if let Some((least, most)) = counted {
            *weight = match most.unwrap_or(least) {
                0 if most == Some(0) => 1,
                0 => *weight,
                times => weight.saturating_mul(times),
            };
            if (least >= 2 || most.is_some_and(|most| most >= 2)) && *weight > MOST {
                return Err(Wrong(SIZE, before(start, after)));
            }
        }
        Ok(after)
    }

    /// What begins with `(?`.
    fn flags(&mut self, start: &'t str) -> Result<'t, &'t str> {
        const NAMED: &str = "invalid named capture";
        let named = start.strip_prefix("(?P<").or_else(|| start.strip_prefix("(?<"));
        if let Some(name) = named.filter(|name| !name.is_empty()) {
            let Some((name, rest)) = name.split_once('>') else { return Err(Wrong(NAMED, start)) };
            if name.is_empty() || !name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric()) {
                return Err(Wrong(NAMED, before(start, rest)));
            }
            self.groups.push(Group::default());
            return Ok(rest);
        }
        let (mut rest, mut is_off, mut has_flag) = (&start[2..], false, false);
        while !rest.is_empty() {
            let (c, after) = next(rest);
            rest = after;
            match c {
                'i' | 'm' | 's' | 'U' => has_flag = true,
                '-' if !is_off => (is_off, has_flag) = (true, false),
                ':' | ')' if !is_off || has_flag => {
                    if c == ':' {
                        self.groups.push(Group::default());
                    }
                    return Ok(rest);
                }
                _ => break,
            }
        }
        Err(Wrong("invalid or unsupported Perl syntax", before(start, rest)))
    }

    /// What begins with a backslash, outside of a class.
    fn escape(&mut self, text: &'t str) -> Result<'t, &'t str> {
        match text.as_bytes().get(1) {
            Some(b'A' | b'b' | b'B' | b'z') => {
                self.push(1);
                return Ok(&text[2..]);
            }
            Some(b'C') => return Err(Wrong(ESCAPE, &text[..2])),
            Some(b'Q') => {
                let (literal, rest) = text[2..].split_once("\\E").unwrap_or((&text[2..], ""));
                literal.chars().for_each(|_| self.push(1));
                return Ok(rest);
            }
            _ => {}
        }
        let rest = match unicode_class(text)?.or_else(|| perl_class(text)) {
            Some(rest) => rest,
            None => escaped(text)?.1,
        };
        self.push(1);
        Ok(rest)
    }
}

/// The larger count of two.
#[derive(Clone, Copy)]
enum Count {
    /// None that fits stands there.
    Number(Option<u32>),
    Open,
}

/// `{1,2}`, if it is that: a count that is too large is nothing.
fn counts(text: &str) -> Option<(Option<u32>, Count, &str)> {
    let (least, rest) = count(text.strip_prefix('{')?)?;
    let (most, rest) = match rest.strip_prefix(',') {
        None => (Count::Number(least), rest),
        Some(rest) if rest.starts_with('}') => (Count::Open, rest),
        Some(rest) => {
            let (most, rest) = count(rest)?;
            (Count::Number(most), rest)
        }
    };
    Some((least, most, rest.strip_prefix('}')?))
}

fn count(text: &str) -> Option<(Option<u32>, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let is_one = !digits.is_empty() && (digits.len() == 1 || !digits.starts_with('0'));
    is_one.then(|| (digits.parse().ok(), rest))
}

/// `[...]`: what is behind it.
fn class(whole: &str) -> Result<'_, &str> {
    let mut text = &whole[1..];
    text = text.strip_prefix('^').unwrap_or(text);
    let mut is_first = true;
    while is_first || !text.starts_with(']') {
        is_first = false;
        if let Some(rest) = named_class(text)? {
            text = rest;
            continue;
        }
        if let Some(rest) = unicode_class(text)?.or_else(|| perl_class(text)) {
            text = rest;
            continue;
        }
        let start = text;
        let (low, rest) = class_char(text, whole)?;
        text = rest;
        if text.starts_with('-') && text.len() >= 2 && !text[1..].starts_with(']') {
            let (high, rest) = class_char(&text[1..], whole)?;
            text = rest;
            if high < low {
                return Err(Wrong(CLASS, before(start, rest)));
            }
        }
    }
    Ok(&text[1..])
}

fn class_char<'t>(text: &'t str, whole: &'t str) -> Result<'t, (u32, &'t str)> {
    if text.is_empty() {
        return Err(Wrong("missing closing ]", whole));
    }
    if text.starts_with('\\') {
        return escaped(text);
    }
    let (c, rest) = next(text);
    Ok((u32::from(c), rest))
}

/// `[:alpha:]`
fn named_class(text: &str) -> Result<'_, Option<&str>> {
    const NAMES: [&str; 14] = [
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
        "upper", "word", "xdigit",
    ];
    let Some((name, rest)) = text.strip_prefix("[:").and_then(|inner| inner.split_once(":]")) else {
        return Ok(None);
    };
    if NAMES.contains(&name.strip_prefix('^').unwrap_or(name)) {
        Ok(Some(rest))
    } else {
        Err(Wrong(CLASS, before(text, rest)))
    }
}

/// `\pN`, `\p{Greek}`
fn unicode_class(text: &str) -> Result<'_, Option<&str>> {
    let Some(inner) = text.strip_prefix("\\p").or_else(|| text.strip_prefix("\\P")) else { return Ok(None) };
    let (name, rest) = match inner.strip_prefix('{') {
        Some(inner) => inner.split_once('}').ok_or(Wrong(CLASS, text))?,
        None => {
            let (_, rest) = next(inner);
            (before(inner, rest), rest)
        }
    };
    if is_table(name.strip_prefix('^').unwrap_or(name)) {
        Ok(Some(rest))
    } else {
        Err(Wrong(CLASS, before(text, rest)))
    }
}

/// `\d` and its like.
fn perl_class(text: &str) -> Option<&str> {
    text.strip_prefix('\\')?.strip_prefix(['d', 'D', 's', 'S', 'w', 'W'])
}

/// A character behind a backslash.
fn escaped(text: &str) -> Result<'_, (u32, &str)> {
    let inner = &text[1..];
    if inner.is_empty() {
        return Err(Wrong("trailing backslash at end of expression", ""));
    }
    let (c, mut rest) = next(inner);
    let wrong = |rest: &str| Err(Wrong(ESCAPE, before(text, rest)));
    let is_octal = |text: &str| text.starts_with(|c: char| matches!(c, '0'..='7'));
    match c {
        '0'..='7' if c == '0' || is_octal(rest) => {
            let mut value = c.to_digit(8).unwrap_or_default();
            for _ in 0..2 {
                let Some(digit) = rest.chars().next().and_then(|c| c.to_digit(8)) else { break };
                value = value * 8 + digit;
                rest = &rest[1..];
            }
            Ok((value, rest))
        }
        'x' if rest.is_empty() => wrong(rest),
        'x' => {
            let (first, after) = next(rest);
            rest = after;
            if first != '{' {
                let (second, after) = next(rest);
                return match (first.to_digit(16), second.to_digit(16)) {
                    (Some(high), Some(low)) => Ok((high * 16 + low, after)),
                    _ => wrong(after),
                };
            }
            let (mut value, mut digits) = (0, 0);
            while !rest.is_empty() {
                let (c, after) = next(rest);
                rest = after;
                match c.to_digit(16) {
                    Some(digit) => value = value * 16 + digit,
                    None if c == '}' && digits > 0 => return Ok((value, rest)),
                    None => break,
                }
                if value > u32::from(char::MAX) {
                    break;
                }
                digits += 1;
            }
            wrong(rest)
        }
        'a' => Ok((7, rest)),
        'f' => Ok((12, rest)),
        'n' => Ok((10, rest)),
        'r' => Ok((13, rest)),
        't' => Ok((9, rest)),
        'v' => Ok((11, rest)),
        _ if c.is_ascii() && !c.is_ascii_alphanumeric() => Ok((u32::from(c), rest)),
        _ => wrong(rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_reads_is_read() {
        for good in [
            "",
            "a",
            "a|b",
            "()",
            "(a|)",
            "a*?b+",
            "a{2,3}?",
            "a{,3}",
            "a{",
            "[]a]",
            "[^]a-]",
            "[[:alpha:]\\d\\pN]",
            "(?i)a",
            "(?i:a)",
            "(?P<n>a)",
            "(?<n>a)",
            "\\Qa*",
            "\\x{10FFFF}",
            "\\07",
            "\\p{Greek}",
            "\\P{^Lu}",
            "(a{10}){100}",
            "a{0}",
            "é",
            "\\.",
        ] {
            assert_eq!(regexp_error(good), None, "{good}");
        }
    }

    #[test]
    fn the_rest_is_told_as_go_tells_it() {
        for (text, message) in [
            ("(", "missing closing ): `(`"),
            ("a)", "unexpected ): `a)`"),
            ("[a", "missing closing ]: `[a`"),
            ("*a", "missing argument to repetition operator: `*`"),
            ("(|*)", "missing argument to repetition operator: `*`"),
            ("a**", "invalid nested repetition operator: `**`"),
            ("a{2}{3}b", "invalid nested repetition operator: `{2}{3}`"),
            ("a{1001}", "invalid repeat count: `{1001}`"),
            ("(a{100}){100}", "invalid repeat count: `{100}`"),
            ("a{3,2}", "invalid repeat count: `{3,2}`"),
            ("\\", "trailing backslash at end of expression: ``"),
            ("\\8", "invalid escape sequence: `\\8`"),
            ("\\xg1", "invalid escape sequence: `\\xg1`"),
            ("[z-a]", "invalid character class range: `z-a`"),
            ("[[:x:]]", "invalid character class range: `[:x:]`"),
            ("\\p{X}", "invalid character class range: `\\p{X}`"),
            ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
            ("(?P<a", "invalid named capture: `(?P<a`"),
            ("(?P<a->b)", "invalid named capture: `(?P<a->`"),
        ] {
            assert_eq!(regexp_error(text), Some(format!("error parsing regexp: {message}")), "{text}");
        }
    }
}
