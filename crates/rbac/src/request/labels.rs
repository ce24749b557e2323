//! Label selectors as a URL carries them: `app in (web,db),tier!=x,!old`. Source: k8s.io/apimachinery `pkg/labels/selector.go`.

use ringwall_model::selector::{is_label_value, is_qualified_name};

use super::SelectorError;

/// How a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LabelOperator {
    /// `in (…)`.
    In,
    /// `notin (…)`.
    NotIn,
    /// `=`.
    Equals,
    /// `==`, which means the same.
    DoubleEquals,
    /// `!=`.
    NotEquals,
    /// The key alone.
    Exists,
    /// `!` and the key.
    DoesNotExist,
    /// `>`.
    GreaterThan,
    /// `<`.
    LessThan,
}

/// One demand of a label selector.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LabelRequirement {
    /// The label.
    pub key: String,
    /// How it is compared.
    pub operator: LabelOperator,
    /// The values, sorted, none twice.
    pub values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    End,
    ClosedParenthesis,
    Comma,
    Not,
    DoubleEquals,
    Equals,
    Greater,
    Identifier,
    In,
    Less,
    NotEquals,
    NotIn,
    OpenParenthesis,
}

/// Reads a label selector. Its demands come by key.
///
/// # Errors
/// What the API server's parser refuses: a token out of place, a key or value that no label has, a bound that is no integer.
pub fn parse_labels(selector: &str) -> Result<Vec<LabelRequirement>, SelectorError> {
    let mut parser = Parser { tokens: scan(selector), position: 0 };
    let mut requirements = Vec::new();
    loop {
        match parser.look() {
            (Token::Identifier | Token::Not, _) => {
                let requirement = parser.requirement();
                requirements.push(requirement.map_err(|SelectorError(words)| {
                    SelectorError(format!("unable to parse requirement: {words}"))
                })?);
                match parser.take() {
                    (Token::End, _) => break,
                    (Token::Comma, _) => match parser.look() {
                        (Token::Identifier | Token::Not, _) => {}
                        (_, text) => return found(text, "identifier after ','"),
                    },
                    (_, text) => return found(text, "',' or 'end of string'"),
                }
            }
            (Token::End, _) => break,
            (_, text) => return found(text, "!, identifier, or 'end of string'"),
        }
    }
    requirements.sort_by(|a: &LabelRequirement, b| a.key.cmp(&b.key));
    Ok(requirements)
}

fn found<T>(text: &str, expected: &str) -> Result<T, SelectorError> {
    Err(SelectorError(format!("found '{text}', expected: {expected}")))
}

/// Splits a text into tokens, the last of which is the end. A zero byte ends it where a token would begin; right behind a token it is
/// passed over.
fn scan(text: &str) -> Vec<(Token, &str)> {
    let bytes = text.as_bytes();
    let is_special = |byte: u8| b"=!(),><".contains(&byte);
    let is_blank = |byte: u8| b" \t\r\n".contains(&byte);
    let (mut tokens, mut at) = (Vec::new(), 0);
    loop {
        while bytes.get(at).copied().is_some_and(is_blank) {
            at += 1;
        }
        let rest = &text[at..];
        match bytes.get(at) {
            None | Some(0) => break,
            Some(&byte) if is_special(byte) => {
                let (token, length) = match byte {
                    b'=' if rest.starts_with("==") => (Token::DoubleEquals, 2),
                    b'=' => (Token::Equals, 1),
                    b'!' if rest.starts_with("!=") => (Token::NotEquals, 2),
                    b'!' => (Token::Not, 1),
                    b'(' => (Token::OpenParenthesis, 1),
                    b')' => (Token::ClosedParenthesis, 1),
                    b',' => (Token::Comma, 1),
                    b'>' => (Token::Greater, 1),
                    _ => (Token::Less, 1),
                };
                tokens.push((token, &rest[..length]));
                at += length;
                at += usize::from(bytes.get(at) == Some(&0));
            }
            Some(_) => {
                let stops = |byte: u8| byte == 0 || is_special(byte) || is_blank(byte);
                let length = rest.bytes().position(stops).unwrap_or(rest.len());
                let word = &rest[..length];
                let token = match word {
                    "in" => Token::In,
                    "notin" => Token::NotIn,
                    _ => Token::Identifier,
                };
                tokens.push((token, word));
                at += length;
                at += usize::from(bytes.get(at) == Some(&0));
            }
        }
    }
    tokens.push((Token::End, ""));
    tokens
}

struct Parser<'s> {
    tokens: Vec<(Token, &'s str)>,
    position: usize,
}

impl<'s> Parser<'s> {
    fn at(&self, position: usize) -> (Token, &'s str) {
        self.tokens.get(position).copied().unwrap_or((Token::End, ""))
    }

    /// The next token where a key or a value may stand: there, `in` and `notin` are words like others.
    fn look(&self) -> (Token, &'s str) {
        let (token, text) = self.at(self.position);
        let is_word = matches!(token, Token::In | Token::NotIn);
        (if is_word { Token::Identifier } else { token }, text)
    }

    fn take(&mut self) -> (Token, &'s str) {
        let token = self.look();
        self.position += 1;
        token
    }

    fn requirement(&mut self) -> Result<LabelRequirement, SelectorError> {
        let (mut token, mut key) = self.take();
        let negated = token == Token::Not;
        if negated {
            (token, key) = self.take();
        }
        if token != Token::Identifier {
            return found(key, "identifier");
        }
        if !is_qualified_name(key) {
            return Err(SelectorError(format!("'{key}' is no label key")));
        }
        let is_last = matches!(self.look().0, Token::End | Token::Comma);
        if negated || is_last {
            let operator = if negated { LabelOperator::DoesNotExist } else { LabelOperator::Exists };
            return Ok(LabelRequirement { key: key.to_owned(), operator, values: Vec::new() });
        }
        let operator = self.operator()?;
        let mut values = match operator {
            LabelOperator::In | LabelOperator::NotIn => self.values()?,
            _ => vec![self.value()?],
        };
        values.sort_unstable();
        values.dedup();
        if matches!(operator, LabelOperator::GreaterThan | LabelOperator::LessThan)
            && let Some(bad) = values.iter().find(|value| value.parse::<i64>().is_err())
        {
            return Err(SelectorError(format!("'{bad}' is no integer")));
        }
        if let Some(bad) = values.iter().find(|value| !is_label_value(value)) {
            return Err(SelectorError(format!("'{bad}' is no label value")));
        }
        let values = values.into_iter().map(str::to_owned).collect();
        Ok(LabelRequirement { key: key.to_owned(), operator, values })
    }

    fn operator(&mut self) -> Result<LabelOperator, SelectorError> {
        let (token, text) = self.at(self.position);
        self.position += 1;
        Ok(match token {
            Token::In => LabelOperator::In,
            Token::NotIn => LabelOperator::NotIn,
            Token::Equals => LabelOperator::Equals,
            Token::DoubleEquals => LabelOperator::DoubleEquals,
            Token::NotEquals => LabelOperator::NotEquals,
            Token::Greater => LabelOperator::GreaterThan,
            Token::Less => LabelOperator::LessThan,
            _ => return found(text, "in, notin, =, ==, !=, gt, lt"),
        })
    }

    /// The value behind `=` and its like: nothing is the empty one.
    fn value(&mut self) -> Result<&'s str, SelectorError> {
        if matches!(self.look().0, Token::End | Token::Comma) {
            return Ok("");
        }
        match self.take() {
            (Token::Identifier, value) => Ok(value),
            (_, text) => found(text, "identifier"),
        }
    }

    /// The values in parentheses. Where one is missing, the empty one is meant: `()`, `(,a)`, `(a,,b)`; but `(a b)` and `(a=)` are refused.
    fn values(&mut self) -> Result<Vec<&'s str>, SelectorError> {
        match self.take() {
            (Token::OpenParenthesis, _) => {}
            (_, text) => return found(text, "'('"),
        }
        let mut values = Vec::new();
        match self.look() {
            (Token::ClosedParenthesis, _) => {
                self.position += 1;
                return Ok(vec![""]);
            }
            (Token::Identifier | Token::Comma, _) => {}
            (_, text) => return found(text, "',', ')' or identifier"),
        }
        loop {
            match self.take() {
                (Token::Identifier, value) => {
                    values.push(value);
                    match self.look() {
                        (Token::Comma, _) => {}
                        (Token::ClosedParenthesis, _) => break,
                        (_, text) => return found(text, "',' or ')'"),
                    }
                }
                (Token::Comma, _) => {
                    if values.is_empty() {
                        values.push("");
                    }
                    match self.look().0 {
                        Token::ClosedParenthesis => {
                            values.push("");
                            break;
                        }
                        Token::Comma => values.push(""),
                        _ => {}
                    }
                }
                (_, text) => return found(text, "',', or identifier"),
            }
        }
        self.position += 1;
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use LabelOperator::{DoesNotExist, Equals, Exists, GreaterThan, In, NotEquals, NotIn};

    #[test]
    fn demands_are_read_and_sorted_by_key() {
        let read = parse_labels("z notin (), in,x in (b,,a) , !y,a=,k!=v,n>3").unwrap();
        let short: Vec<(&str, LabelOperator, String)> =
            read.iter().map(|one| (one.key.as_str(), one.operator, one.values.join("|"))).collect();
        let own = |text: &str| text.to_owned();
        assert_eq!(
            short,
            [
                ("a", Equals, own("")),
                ("in", Exists, own("")),
                ("k", NotEquals, own("v")),
                ("n", GreaterThan, own("3")),
                ("x", In, own("|a|b")),
                ("y", DoesNotExist, own("")),
                ("z", NotIn, own("")),
            ]
        );
        assert_eq!(parse_labels(" ").unwrap(), []);
        assert_eq!(parse_labels("a\0").unwrap(), parse_labels("a \0=").unwrap(), "a zero byte ends the text");
    }

    #[test]
    fn what_the_reference_refuses_is_refused() {
        for selector in [
            ",",
            "a,",
            "a,,b",
            "!",
            "!a=b",
            "a in b",
            "a in (b",
            "a in (b c)",
            "a=b c",
            "a b",
            "=a",
            "a==(",
            "-a",
            "a=-",
            "a>x",
            "a>",
            "a=\u{e9}",
            "a in (in) b",
            "a!",
            "(",
        ] {
            assert!(parse_labels(selector).is_err(), "{selector}");
        }
        let error = parse_labels("x in (").unwrap_err().to_string();
        assert_eq!(error, "unable to parse requirement: found '', expected: ',', ')' or identifier");
    }
}
