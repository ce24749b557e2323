//! The grammar of expressions. Source: github.com/google/cel-go `parser/gen/CEL.g4`, `parser/parser.go`, `parser/macro.go`.

use super::lex::{Kind, Token};
use super::{Wrong, literal};

/// What can stand where an expression begins.
const SET: &str = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
const ARGUMENTS: &str = "{'[', '{', '(', ')', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
const LIST: &str = "{'[', ']', '{', '(', '.', ',', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
const MAP: &str = "{'[', '{', '}', '(', '.', ',', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
const INDEX: &str = "{'[', '{', '(', '.', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
const FIELDS: &str = "{'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}";

const RESERVED: [&str; 16] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
];

/// How deep expressions may be within one another.
const DEEPEST: usize = 250;

/// Reading ends here.
struct Stop;

type Parsed<T> = Result<T, Stop>;

/// What a macro asks of its arguments, and where errors of them are told.
#[derive(Clone, Copy)]
struct Expr {
    shape: Shape,
    at: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Name,
    Select,
    Other,
}

struct Parser<'t> {
    chars: &'t [char],
    tokens: &'t [Token],
    at: usize,
    errors: &'t mut Vec<Wrong>,
    /// What may follow on the expression, for each one that is open.
    follow: Vec<&'static [&'static str]>,
    /// Nothing was matched since the last error.
    is_recovering: bool,
}

/// Complains of all that is no expression.
pub(super) fn parse(chars: &[char], tokens: &[Token], errors: &mut Vec<Wrong>) {
    let mut parser = Parser { chars, tokens, at: 0, errors, follow: vec![&[""]], is_recovering: false };
    if parser.expr(SET).is_ok() && parser.kind(0) != Kind::End {
        let is_last = parser.kind(1) == Kind::End;
        parser.syntax(if is_last { "extraneous" } else { "mismatched" }, "<EOF>");
    }
}

/// Whether an expression can begin with a token.
fn begins(kind: Kind) -> bool {
    match kind {
        Kind::Mark(mark) => matches!(mark, "[" | "{" | "(" | "." | "-" | "!"),
        Kind::Quoted | Kind::End => false,
        _ => true,
    }
}

impl Parser<'_> {
    fn token(&self, ahead: usize) -> Token {
        let end = Token { kind: Kind::End, start: self.chars.len(), end: self.chars.len() };
        self.tokens.get(self.at + ahead).copied().unwrap_or(end)
    }

    fn kind(&self, ahead: usize) -> Kind {
        self.token(ahead).kind
    }

    fn is(&self, mark: &str) -> bool {
        matches!(self.kind(0), Kind::Mark(own) if own == mark)
    }

    fn take(&mut self) -> Token {
        let token = self.token(0);
        self.at += 1;
        self.is_recovering = false;
        token
    }

    fn text(&self, token: Token) -> String {
        self.chars.get(token.start..token.end).unwrap_or_default().iter().collect()
    }

    /// The text of the token that is at fault.
    fn fault(&self) -> String {
        match self.kind(0) {
            Kind::End => "<EOF>".to_owned(),
            _ => self.text(self.token(0)),
        }
    }

    fn wrong(&mut self, message: &str) {
        if !self.is_recovering {
            self.errors.push((self.token(0).start, format!("Syntax error: {message}")));
        }
        self.is_recovering = true;
    }

    /// `mismatched input` or `extraneous input`.
    fn syntax(&mut self, what: &str, expecting: &str) {
        let fault = self.fault();
        self.wrong(&format!("{what} input '{fault}' expecting {expecting}"));
    }

    /// Goes on where the token, or after leaving it out the next one, is as wanted.
    fn need(&mut self, is_wanted: impl Fn(Kind) -> bool, expecting: &str) -> Parsed<()> {
        if is_wanted(self.kind(0)) {
            return Ok(());
        }
        if is_wanted(self.kind(1)) {
            self.syntax("extraneous", expecting);
            self.take();
            return Ok(());
        }
        self.syntax("mismatched", expecting);
        Err(Stop)
    }

    /// One mark, which may be missing where what follows on it is there.
    fn expect(&mut self, mark: &'static str, follows: impl Fn(Kind) -> bool) -> Parsed<()> {
        let is_mark = |kind: Kind| kind == Kind::Mark(mark);
        if !is_mark(self.kind(0)) && !is_mark(self.kind(1)) && follows(self.kind(0)) {
            let fault = self.fault();
            self.wrong(&format!("missing '{mark}' at '{fault}'"));
            return Ok(());
        }
        self.need(is_mark, &format!("'{mark}'"))?;
        self.take();
        Ok(())
    }

    /// A closing mark, behind which goes on what is around.
    fn close(&mut self, mark: &'static str) -> Parsed<()> {
        let around = self.follow.last().copied().unwrap_or_default();
        self.expect(mark, |kind| match kind {
            Kind::End => around.contains(&""),
            Kind::Mark(mark) => around.contains(&mark),
            _ => false,
        })
    }

    /// An expression; `expecting` is what is told where none begins.
    fn expr(&mut self, expecting: &str) -> Parsed<Expr> {
        let whole = self.operators(expecting)?;
        if !self.is("?") {
            return Ok(whole);
        }
        let at = self.take().start;
        // Another choice stands in parentheses here.
        self.follow.push(&[":"]);
        let branch = self.operators(SET);
        self.follow.pop();
        branch?;
        self.expect(":", begins)?;
        let around = self.follow.last().copied().unwrap_or_default();
        self.within(around, SET)?;
        Ok(Expr { shape: Shape::Other, at })
    }

    /// An expression without a choice.
    fn operators(&mut self, expecting: &str) -> Parsed<Expr> {
        self.need(begins, expecting)?;
        if self.follow.len() > DEEPEST {
            let message = format!("expression recursion limit exceeded: {DEEPEST}");
            self.errors.push((self.token(0).start, message));
            return Err(Stop);
        }
        let mut whole = self.unary()?;
        while let Kind::Mark(mark) = self.kind(0) {
            let is_operator = matches!(
                mark,
                "||" | "&&" | "<" | "<=" | ">=" | ">" | "==" | "!=" | "in" | "*" | "/" | "%" | "+" | "-"
            );
            if !is_operator {
                break;
            }
            let at = self.take().start;
            self.need(begins, SET)?;
            self.unary()?;
            whole = Expr { shape: Shape::Other, at };
        }
        Ok(whole)
    }

    /// An expression within others.
    fn within(&mut self, follow: &'static [&'static str], expecting: &str) -> Parsed<Expr> {
        self.follow.push(follow);
        let expr = self.expr(expecting);
        self.follow.pop();
        expr
    }

    fn unary(&mut self) -> Parsed<Expr> {
        let first = self.token(0);
        let other = Expr { shape: Shape::Other, at: first.start };
        if self.is("!") {
            while self.is("!") {
                self.take();
            }
            if !begins(self.kind(0)) {
                self.syntax("extraneous", SET);
                return Err(Stop);
            }
            if self.is("-") {
                let minus = self.take();
                if !matches!(self.kind(0), Kind::Int | Kind::Float) {
                    return self.no_way(minus.start);
                }
                self.literal(true);
                return self.members(other).map(|_| other);
            }
            self.member()?;
            return Ok(other);
        }
        if !self.is("-") {
            return self.member();
        }
        let mut minus = first;
        while self.is("-") {
            minus = self.take();
        }
        if self.is("!") || !begins(self.kind(0)) {
            let is_not = self.is("!");
            let stop = self.no_way(minus.start);
            if !is_not {
                self.is_recovering = false;
                self.syntax(if begins(self.kind(1)) { "extraneous" } else { "mismatched" }, SET);
            }
            return stop;
        }
        if matches!(self.kind(0), Kind::Int | Kind::Float) {
            self.literal(true);
            return self.members(other).map(|_| other);
        }
        self.member()?;
        Ok(other)
    }

    /// That nothing begins so, from a place to the token that is at fault.
    fn no_way(&mut self, start: usize) -> Parsed<Expr> {
        let end = self.token(0).end;
        let text: String = self.chars.get(start..end).unwrap_or_default().iter().collect();
        self.wrong(&format!("no viable alternative at input '{text}'"));
        Err(Stop)
    }

    fn literal(&mut self, is_negative: bool) {
        let token = self.take();
        let at = token.start;
        if let Some(message) = literal::error(token.kind, &self.text(token), is_negative) {
            self.errors.push((at, message.to_owned()));
        }
    }

    fn member(&mut self) -> Parsed<Expr> {
        let primary = self.primary()?;
        self.members(primary)
    }

    /// What follows on a primary expression: fields, calls, indexes.
    fn members(&mut self, mut of: Expr) -> Parsed<Expr> {
        loop {
            if self.is(".") {
                let dot = self.take();
                of = self.field(dot)?;
            } else if self.is("[") {
                let open = self.take();
                if self.is("?") {
                    self.take();
                    self.errors.push((open.start, "unsupported syntax '[?'".to_owned()));
                    self.within(&["]"], SET)?;
                } else {
                    self.within(&["]"], INDEX)?;
                }
                self.close("]")?;
                of = Expr { shape: Shape::Other, at: open.start };
            } else {
                return Ok(of);
            }
        }
    }

    fn field(&mut self, dot: Token) -> Parsed<Expr> {
        let select = Expr { shape: Shape::Select, at: dot.start };
        if self.is("?") {
            self.take();
            self.errors.push((dot.start, "unsupported syntax '.?'".to_owned()));
            self.need(|kind| matches!(kind, Kind::Name | Kind::Quoted), "{IDENTIFIER, ESC_IDENTIFIER}")?;
            self.take();
            return Ok(select);
        }
        match self.kind(0) {
            Kind::Quoted => {
                self.take();
                Ok(select)
            }
            Kind::Name => {
                let name = self.take();
                if !self.is("(") {
                    return Ok(select);
                }
                let open = self.take();
                let arguments = self.arguments()?;
                self.macros(&self.text(name), true, &arguments);
                Ok(Expr { shape: Shape::Other, at: open.start })
            }
            Kind::True | Kind::False | Kind::Null => {
                self.syntax("mismatched", "IDENTIFIER");
                Err(Stop)
            }
            _ => self.no_way(dot.start),
        }
    }

    /// What stands between the parentheses of a call.
    fn arguments(&mut self) -> Parsed<Vec<Expr>> {
        const FOLLOW: &[&str] = &[",", ")"];
        let mut found = Vec::new();
        self.need(|kind| begins(kind) || kind == Kind::Mark(")"), ARGUMENTS)?;
        if !self.is(")") {
            found.push(self.within(FOLLOW, SET)?);
            while self.is(",") {
                self.take();
                found.push(self.within(FOLLOW, SET)?);
            }
        }
        self.close(")")?;
        Ok(found)
    }

    /// What macros say of their arguments.
    fn macros(&mut self, name: &str, has_target: bool, arguments: &[Expr]) {
        let message = match (name, has_target, arguments) {
            ("has", false, [one]) if one.shape != Shape::Select => "invalid argument to has() macro",
            ("all" | "exists" | "exists_one" | "existsOne", true, [one, _]) if one.shape != Shape::Name => {
                "argument must be a simple name"
            }
            ("map", true, [one, _] | [one, _, _]) | ("filter", true, [one, _])
                if one.shape != Shape::Name =>
            {
                "argument is not an identifier"
            }
            _ => return,
        };
        if let Some(first) = arguments.first() {
            self.errors.push((first.at, message.to_owned()));
        }
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let first = self.token(0);
        let other = Expr { shape: Shape::Other, at: first.start };
        match first.kind {
            Kind::Mark(".") => {
                self.take();
                if self.kind(0) != Kind::Name {
                    return self.no_way(first.start);
                }
                self.name(first.start)
            }
            Kind::Name => self.name(first.start),
            Kind::Mark("(") => {
                self.take();
                let inner = self.within(&[")"], SET)?;
                self.close(")")?;
                Ok(inner)
            }
            Kind::Mark("[") => {
                self.take();
                self.list()?;
                Ok(other)
            }
            Kind::Mark("{") => {
                self.take();
                self.map()?;
                Ok(other)
            }
            _ => {
                self.literal(false);
                Ok(other)
            }
        }
    }

    /// A name, a call of a function, or a message with its type.
    fn name(&mut self, at: usize) -> Parsed<Expr> {
        let mut ahead = 1;
        while self.kind(ahead) == Kind::Mark(".") && self.kind(ahead + 1) == Kind::Name {
            ahead += 2;
        }
        if self.kind(ahead) == Kind::Mark("{") {
            self.at += ahead + 1;
            self.is_recovering = false;
            self.fields()?;
            return Ok(Expr { shape: Shape::Other, at });
        }
        let token = self.take();
        let name = self.text(token);
        let own = token.start;
        if RESERVED.contains(&name.as_str()) || name == "while" {
            self.errors.push((at, format!("reserved identifier: {name}")));
        }
        if !self.is("(") {
            return Ok(Expr { shape: Shape::Name, at: own });
        }
        let open = self.take();
        let arguments = self.arguments()?;
        self.macros(&name, false, &arguments);
        Ok(Expr { shape: Shape::Other, at: open.start })
    }

    /// Whether no element stands here.
    fn ends(&self, close: &str, is_first: bool) -> bool {
        self.is(close) || (is_first && self.is(","))
    }

    /// `?` before an element that may be missing, if it stands there.
    fn optional(&mut self) -> Option<usize> {
        self.is("?").then(|| self.take().start)
    }

    /// That it is not to be used.
    fn refuse_optional(&mut self, at: Option<usize>) {
        self.errors.extend(at.map(|at| (at, "unsupported syntax '?'".to_owned())));
    }

    /// The elements of a list behind its mark.
    fn list(&mut self) -> Parsed<()> {
        self.need(|kind| begins(kind) || matches!(kind, Kind::Mark("]" | "," | "?")), LIST)?;
        let mut is_first = true;
        while !self.ends("]", is_first) {
            let optional = self.optional();
            self.refuse_optional(optional);
            self.within(&[",", "]"], SET)?;
            is_first = false;
            self.need(|kind| matches!(kind, Kind::Mark("]" | ",")), "{']', ','}")?;
            if !(self.is(",") && (begins(self.kind(1)) || self.kind(1) == Kind::Mark("?"))) {
                break;
            }
            self.take();
        }
        if self.is(",") {
            self.take();
        }
        self.close("]")
    }

    /// The entries of a map behind its mark.
    fn map(&mut self) -> Parsed<()> {
        self.need(|kind| begins(kind) || matches!(kind, Kind::Mark("}" | "," | "?")), MAP)?;
        let mut is_first = true;
        while !self.ends("}", is_first) {
            let optional = self.optional();
            self.within(&[":"], SET)?;
            self.refuse_optional(optional);
            is_first = false;
            self.entry()?;
            if !(self.is(",") && (begins(self.kind(1)) || self.kind(1) == Kind::Mark("?"))) {
                break;
            }
            self.take();
        }
        if self.is(",") {
            self.take();
        }
        self.close("}")
    }

    /// The fields of a message behind its mark.
    fn fields(&mut self) -> Parsed<()> {
        let is_name = |kind: Kind| matches!(kind, Kind::Name | Kind::Quoted);
        self.need(|kind| is_name(kind) || matches!(kind, Kind::Mark("}" | "," | "?")), FIELDS)?;
        let mut is_first = true;
        while !self.ends("}", is_first) {
            let optional = self.optional();
            self.need(is_name, "{IDENTIFIER, ESC_IDENTIFIER}")?;
            self.refuse_optional(optional);
            self.take();
            is_first = false;
            self.entry()?;
            if !(self.is(",") && (is_name(self.kind(1)) || self.kind(1) == Kind::Mark("?"))) {
                break;
            }
            self.take();
        }
        if self.is(",") {
            self.take();
        }
        self.close("}")
    }

    /// The value of an entry, and that the entry ends.
    fn entry(&mut self) -> Parsed<()> {
        self.expect(":", begins)?;
        self.within(&[",", "}"], SET)?;
        self.need(|kind| matches!(kind, Kind::Mark("}" | ",")), "{'}', ','}")
    }
}
