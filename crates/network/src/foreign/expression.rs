//! Calico's selectors. Source: projectcalico/calico `libcalico-go/lib/selector/tokenizer/tokenizer.go` and `parser/parser.go`.

use super::{Is, Of, Test};

/// How many parentheses may be open.
const DEEPEST: usize = 32;

/// Reads a selector of what `of` has labels; `None` where it is none.
pub(super) fn parse(text: &str, of: Of) -> Option<Test> {
    let mut reader = Reader { rest: text, of };
    if reader.skip().is_empty() {
        return Some(Test::All(Vec::new()));
    }
    let test = reader.any(0)?;
    reader.skip().is_empty().then_some(test)
}

struct Reader<'t> {
    rest: &'t str,
    of: Of,
}

impl<'t> Reader<'t> {
    fn skip(&mut self) -> &'t str {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        self.rest
    }

    /// Whether this comes next; it is taken then.
    fn takes(&mut self, token: &str) -> bool {
        match self.skip().strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn any(&mut self, depth: usize) -> Option<Test> {
        let mut tests = vec![self.all(depth)?];
        while self.takes("||") {
            tests.push(self.all(depth)?);
        }
        Some(Test::Any(tests))
    }

    fn all(&mut self, depth: usize) -> Option<Test> {
        let mut tests = vec![self.operation(depth)?];
        while self.takes("&&") {
            tests.push(self.operation(depth)?);
        }
        Some(Test::All(tests))
    }

    fn operation(&mut self, depth: usize) -> Option<Test> {
        let mut negated = false;
        while !self.skip().starts_with("!=") && self.takes("!") {
            negated = !negated;
        }
        let test = if self.takes("has(") {
            let key = self.key()?;
            self.takes(")").then(|| self.label(key, Is::Present))?
        } else if self.takes("all(") {
            self.takes(")").then(|| Test::All(Vec::new()))?
        } else if self.takes("global(") {
            self.takes(")").then_some(Test::Unknown)?
        } else if depth < DEEPEST && self.takes("(") {
            let test = self.any(depth + 1)?;
            self.takes(")").then_some(test)?
        } else {
            self.comparison()?
        };
        Some(if negated { Test::Not(Box::new(test)) } else { test })
    }

    fn comparison(&mut self) -> Option<Test> {
        let key = self.key()?;
        let negate = |test: Test| Some(Test::Not(Box::new(test)));
        if self.takes("==") {
            let value = self.literal()?;
            Some(self.label(key, Is::OneOf(vec![value])))
        } else if self.takes("!=") {
            let value = self.literal()?;
            negate(self.label(key, Is::OneOf(vec![value])))
        } else if self.takes("contains") {
            let value = self.literal()?;
            Some(self.label(key, Is::Containing(value)))
        } else if self.takes("starts") {
            let value = self.takes("with").then(|| self.literal())??;
            Some(self.label(key, Is::Beginning(value)))
        } else if self.takes("ends") {
            let value = self.takes("with").then(|| self.literal())??;
            Some(self.label(key, Is::Ending(value)))
        } else if self.takes("not") {
            let values = self.takes("in").then(|| self.set())??;
            negate(self.label(key, Is::OneOf(values)))
        } else if self.takes("in") {
            let values = self.set()?;
            Some(self.label(key, Is::OneOf(values)))
        } else {
            None
        }
    }

    fn key(&mut self) -> Option<&'t str> {
        let text = self.skip();
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-');
        let end = text.bytes().position(|byte| !is_part(byte)).unwrap_or(text.len());
        let (key, rest) = text.split_at_checked(end)?;
        self.rest = rest;
        (!key.is_empty()).then_some(key)
    }

    /// A text between quotation marks, which knows no escapes.
    fn literal(&mut self) -> Option<String> {
        let quote = if self.takes("\"") { '"' } else { self.takes("'").then_some('\'')? };
        let (value, rest) = self.rest.split_once(quote)?;
        self.rest = rest;
        Some(value.to_owned())
    }

    fn set(&mut self) -> Option<Vec<String>> {
        self.takes("{").then_some(())?;
        let mut values = Vec::new();
        while !self.takes("}") {
            values.push(self.literal()?);
            if !self.takes(",") {
                return self.takes("}").then_some(values);
            }
        }
        Some(values)
    }

    /// The label of this key; those that Calico makes are known here as far as they say what the pod says as well.
    fn label(&self, key: &str, is: Is) -> Test {
        let of_namespace = match self.of {
            Of::Pod => "projectcalico.org/namespace",
            Of::Namespace => "projectcalico.org/name",
        };
        if key == of_namespace {
            Test::Namespace(is)
        } else if key.starts_with("projectcalico.org/")
            || key.starts_with("pcns.")
            || key.starts_with("pcsa.")
        {
            Test::Unknown
        } else {
            Test::Label(self.of, key.to_owned(), is)
        }
    }
}
