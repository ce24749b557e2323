//! The tokens of an expression. Source: github.com/google/cel-go `parser/gen/CEL.g4`.

use super::Wrong;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A mark, or `in`.
    Mark(&'static str),
    True,
    False,
    Null,
    Float,
    Int,
    Uint,
    Text,
    Bytes,
    Name,
    /// Between backticks.
    Quoted,
    End,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Marks, the longer ones first.
const MARKS: [&str; 24] = [
    "==", "!=", "<=", ">=", "&&", "||", "[", "]", "{", "}", "(", ")", ".", ",", "-", "!", "?", ":", "+", "*",
    "/", "%", "<", ">",
];

/// All tokens, and the end. What is none is told and left out.
pub(super) fn tokens(chars: &[char], errors: &mut Vec<Wrong>) -> Vec<Token> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        if matches!(c, ' ' | '\t' | '\r' | '\n' | '\u{c}') {
            at += 1;
            continue;
        }
        if c == '/' && chars.get(at + 1) == Some(&'/') {
            at += run(chars, at, |c| c != '\n');
            continue;
        }
        match token(chars, at) {
            Ok((kind, end)) => {
                found.push(Token { kind, start: at, end });
                at = end;
            }
            // The character that does not fit is taken as well.
            Err(fit) => {
                let end = (fit + 1).min(chars.len());
                let text: String = chars.get(at..end).unwrap_or_default().iter().collect();
                errors.push((at, format!("Syntax error: token recognition error at: '{text}'")));
                at = end;
            }
        }
    }
    found.push(Token { kind: Kind::End, start: chars.len(), end: chars.len() });
    found
}

/// How many characters from a place on are of a sort.
fn run(chars: &[char], from: usize, is_it: impl Fn(char) -> bool) -> usize {
    chars.iter().skip(from).take_while(|c| is_it(**c)).count()
}

/// The longest token from a place on and its end, or where no token goes on.
fn token(chars: &[char], at: usize) -> Result<(Kind, usize), usize> {
    let c = chars.get(at).copied().unwrap_or_default();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    // A text may have `r` and `b` before it, in any order.
    let prefix = run(chars, at, |c| matches!(c, 'r' | 'R' | 'b' | 'B'));
    let quote = chars.get(at + prefix).copied().unwrap_or_default();
    let letters: String = chars.iter().skip(at).take(prefix).map(char::to_ascii_lowercase).collect();
    if matches!(quote, '"' | '\'') && matches!(letters.as_str(), "" | "r" | "b" | "br") {
        let end = string(chars, at + prefix, quote, letters.contains('r'));
        return match (end, prefix) {
            (Ok(end), _) => Ok((if letters.contains('b') { Kind::Bytes } else { Kind::Text }, end)),
            (Err(fit), 0) => Err(fit),
            // Then the letters are a name.
            (Err(_), _) => Ok((Kind::Name, at + prefix)),
        };
    }
    if c.is_ascii_alphabetic() || c == '_' {
        let end = at + run(chars, at, is_name);
        let name: String = chars.get(at..end).unwrap_or_default().iter().collect();
        let kind = match name.as_str() {
            "true" => Kind::True,
            "false" => Kind::False,
            "null" => Kind::Null,
            "in" => Kind::Mark("in"),
            _ => Kind::Name,
        };
        return Ok((kind, end));
    }
    if c.is_ascii_digit() || (c == '.' && chars.get(at + 1).is_some_and(char::is_ascii_digit)) {
        return Ok(number(chars, at));
    }
    if c == '`' {
        let inner = run(chars, at + 1, |c| c.is_ascii_alphanumeric() || "_.-/ ".contains(c));
        let end = at + 1 + inner;
        return if inner > 0 && chars.get(end) == Some(&'`') {
            Ok((Kind::Quoted, end + 1))
        } else {
            Err(end)
        };
    }
    let starts = |mark: &&&str| mark.chars().enumerate().all(|(index, c)| chars.get(at + index) == Some(&c));
    match MARKS.iter().find(starts) {
        Some(mark) => Ok((Kind::Mark(mark), at + mark.len())),
        None if matches!(c, '=' | '&' | '|') => Err(at + 1),
        None => Err(at),
    }
}

fn number(chars: &[char], at: usize) -> (Kind, usize) {
    let digits = |from: usize| run(chars, from, |c| c.is_ascii_digit());
    let is_unsigned = |end: usize| matches!(chars.get(end), Some('u' | 'U'));
    let whole = digits(at);
    if whole == 1 && chars.get(at) == Some(&'0') && chars.get(at + 1) == Some(&'x') {
        let end = at + 2 + run(chars, at + 2, |c| c.is_ascii_hexdigit());
        if end > at + 2 {
            return if is_unsigned(end) { (Kind::Uint, end + 1) } else { (Kind::Int, end) };
        }
    }
    let mut end = at + whole;
    let fraction = if chars.get(end) == Some(&'.') { digits(end + 1) } else { 0 };
    if fraction > 0 {
        end += 1 + fraction;
    }
    let mut is_float = fraction > 0;
    if matches!(chars.get(end), Some('e' | 'E')) {
        let sign = usize::from(matches!(chars.get(end + 1), Some('+' | '-')));
        let exponent = digits(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
            is_float = true;
        }
    }
    match is_float {
        true => (Kind::Float, end),
        false if is_unsigned(end) => (Kind::Uint, end + 1),
        false => (Kind::Int, end),
    }
}

/// The end of a text that begins with a quote, or where it does not go on.
fn string(chars: &[char], start: usize, quote: char, is_raw: bool) -> Result<usize, usize> {
    let triple = chars.get(start + 1) == Some(&quote) && chars.get(start + 2) == Some(&quote);
    if triple && let Ok(end) = body(chars, start + 3, quote, 3, is_raw) {
        return Ok(end);
    }
    body(chars, start + 1, quote, 1, is_raw)
}

fn body(chars: &[char], mut at: usize, quote: char, quotes: usize, is_raw: bool) -> Result<usize, usize> {
    loop {
        match chars.get(at) {
            None => return Err(at),
            Some(_) if (0..quotes).all(|ahead| chars.get(at + ahead) == Some(&quote)) => {
                return Ok(at + quotes);
            }
            Some('\n' | '\r') if quotes == 1 => return Err(at),
            Some('\\') if !is_raw => at = escape(chars, at + 1)?,
            Some(_) => at += 1,
        }
    }
}

/// The end of what is behind a backslash.
fn escape(chars: &[char], at: usize) -> Result<usize, usize> {
    let several = |from: usize, count: usize, is_it: fn(char) -> bool| {
        let fit = run(chars, from, is_it).min(count);
        if fit == count { Ok(from + count) } else { Err(from + fit) }
    };
    let is_octal = |c: char| matches!(c, '0'..='7');
    let is_hex = |c: char| c.is_ascii_hexdigit();
    match chars.get(at) {
        Some('a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '"' | '\'' | '\\' | '?' | '`') => Ok(at + 1),
        Some('0'..='3') => several(at + 1, 2, is_octal),
        Some('x' | 'X') => several(at + 1, 2, is_hex),
        Some('u') => several(at + 1, 4, is_hex),
        Some('U') => several(at + 1, 8, is_hex),
        _ => Err(at),
    }
}
