//! Whether a text is an expression of the Common Expression Language, and what the reference says if not.
//!
//! Sources: github.com/google/cel-go `parser` (its grammar `gen/CEL.g4`, `parser.go`, `macro.go`, `unescape.go`), the error strategy of
//! github.com/antlr4-go/antlr. Where a text is wrong at several places, the reference goes on behind the first; what it finds there is told only where
//! that is plain.

mod lex;
mod literal;
mod parse;

/// What is wrong with an expression, as `cel-go` prints it. Costs a walk of it.
pub(super) fn error(text: &str) -> Option<String> {
    const MOST: usize = 100_000;
    let chars: Vec<char> = text.chars().collect();
    if chars.len() > MOST {
        let length = chars.len();
        return Some(format!(
            "ERROR: <input>:-1:0: expression code point size exceeds limit: size: {length}, limit {MOST}"
        ));
    }
    let mut errors = Vec::new();
    let tokens = lex::tokens(&chars, &mut errors);
    parse::parse(&chars, &tokens, &mut errors);
    errors.sort_by_key(|(at, _)| *at);
    let mut told: Vec<String> =
        errors.iter().take(MOST_ERRORS).map(|(at, message)| told(&chars, *at, message)).collect();
    if errors.len() > MOST_ERRORS {
        told.push(format!("ERROR: <input>:-1:0: More than {MOST_ERRORS} syntax errors."));
    }
    (!told.is_empty()).then(|| told.join("\n"))
}

/// How many errors are told at most, as the reference has it.
const MOST_ERRORS: usize = 100;

/// A place and what is wrong there.
type Wrong = (usize, String);

/// An error with its line, and a mark under its place. Source: cel-go `common/error.go` (`ToDisplayString`).
fn told(chars: &[char], at: usize, message: &str) -> String {
    if chars.is_empty() {
        return format!("ERROR: <input>:1:0: {message}");
    }
    let before = chars.get(..at).unwrap_or(chars);
    let line = before.iter().filter(|c| **c == '\n').count();
    let start = before.iter().rposition(|c| *c == '\n').map_or(0, |newline| newline + 1);
    let column = at - start;
    let rest = chars.get(start..).unwrap_or_default();
    let text: Vec<char> = rest.iter().take_while(|c| **c != '\n').copied().collect();
    let is_wide = |c: &char| c.len_utf8() > 1;
    let mut mark: String = text.iter().take(column).map(|c| if is_wide(c) { '．' } else { '.' }).collect();
    mark.extend(std::iter::repeat_n('.', column.saturating_sub(text.len())));
    mark.push(if text.get(column).is_some_and(is_wide) { '＾' } else { '^' });
    let text: String = text.iter().map(|c| if *c == '\t' { ' ' } else { *c }).collect();
    format!("ERROR: <input>:{}:{}: {message}\n | {text}\n | {mark}", line + 1, column + 1)
}

#[cfg(test)]
mod tests {
    use super::error;

    #[test]
    fn expressions_are_read() {
        for good in [
            "response.code >= 400 && connection.mtls",
            "a.b['c'] == \"d\" || !e.f(1, -2.5e3, 3u)",
            "has(a.b) ? {1: [2,]} : x.y{z: b\"\\x00\"}",
            "[1, 2].all(x, x > 0) // so",
            "r'\\q' in .a.b.`c-d`",
            "--1 - -a",
        ] {
            assert_eq!(error(good), None, "{good}");
        }
    }

    #[test]
    fn the_first_thing_that_is_wrong_is_told() {
        for (text, message) in [
            ("(a", "1:3: Syntax error: missing ')' at '<EOF>'\n | (a\n | ..^"),
            ("a b", "1:3: Syntax error: extraneous input 'b' expecting <EOF>\n | a b\n | ..^"),
            ("a and b", "1:3: Syntax error: mismatched input 'and' expecting <EOF>\n | a and b\n | ..^"),
            ("a\n.", "2:2: Syntax error: no viable alternative at input '.'\n | .\n | .^"),
            ("é", "1:1: Syntax error: token recognition error at: 'é'\n | é\n | ＾"),
            ("if", "1:1: reserved identifier: if\n | if\n | ^"),
            ("has(a)", "1:5: invalid argument to has() macro\n | has(a)\n | ....^"),
            ("9223372036854775808", "1:1: invalid int literal\n | 9223372036854775808\n | ^"),
        ] {
            let told = error(text).unwrap_or_default();
            assert!(told.starts_with(&format!("ERROR: <input>:{message}")), "{text}: {told}");
        }
        assert!(error(&"(".repeat(1000)).is_some(), "however deep it is");
    }
}
