//! Where a JSON value ends, found out piece by piece.
//!
//! Brackets, commas, colons and strings are held to JSON's grammar, so that a value that was cut off is noticed where the next one begins
//! and never swallows what follows. What stands between them (numbers, words, escapes) is for who decodes the value.

use memchr::memchr3;

/// What was found in the bytes that are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The value goes on after them.
    More,
    /// The value ends before this byte.
    Done(usize),
    /// The object has a list called `items`: where its key begins, and the byte after the bracket.
    Items { key: usize, at: usize },
    /// No JSON from this byte on.
    Broken { at: usize, fault: Fault },
}

/// Why it is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Something else was expected.
    Expected(&'static str),
    /// Nested deeper than is allowed.
    Depth,
}

/// What may come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
    /// Inside a string, which is a key or a value.
    Text,
    /// After a backslash in a string.
    Escaped,
    /// Inside a number or a word.
    Word,
}

/// The way through one value. Memory: a bit for each bracket that is open.
#[derive(Debug)]
pub(super) struct Scan {
    /// The byte to go on with.
    at: usize,
    next: Next,
    /// A bit for each open bracket, set for an object.
    open: Vec<u64>,
    depth: usize,
    most: usize,
    /// Whether the string is a key.
    key: bool,
    /// Where the last key of the outermost object begins.
    key_at: usize,
    /// Whether that key is `items`, and lists are looked for.
    items: bool,
    lists: bool,
}

impl Scan {
    /// A value, nested at most `most` deep. With `lists`, a list called `items` of the outermost object is told.
    pub(super) fn value(most: usize, lists: bool) -> Self {
        let (next, open) = (Next::Value, Vec::new());
        Self { at: 0, next, open, depth: 0, most, key: false, key_at: 0, items: false, lists }
    }

    /// The rest of an object after a list that was told.
    pub(super) fn after_items(most: usize) -> Self {
        Self { next: Next::CommaOrEnd, open: vec![1], depth: 1, ..Self::value(most, true) }
    }

    /// Tells no more lists.
    pub(super) fn without_lists(&mut self) {
        (self.lists, self.items) = (false, false);
    }

    /// The first `count` bytes are gone. No lists may be told after this.
    pub(super) fn forget(&mut self, count: usize) {
        self.without_lists();
        self.at = self.at.saturating_sub(count);
    }

    /// What is missing where the bytes end for good.
    pub(super) fn missing(&self) -> &'static str {
        match self.next {
            Next::Value | Next::ValueOrEnd => "a value",
            Next::Key | Next::KeyOrEnd => "a key in double quotes",
            Next::Colon => "`:`",
            Next::Text | Next::Escaped => "the end of a string",
            Next::CommaOrEnd | Next::Word => self.after_value(),
        }
    }

    fn after_value(&self) -> &'static str {
        match (self.depth, self.in_object()) {
            (0, _) => "the end of the value",
            (_, true) => "`,` or `}`",
            (_, false) => "`,` or `]`",
        }
    }

    /// Goes on; `bytes` are the value from its beginning, or from what was not forgotten.
    pub(super) fn run(&mut self, bytes: &[u8]) -> Step {
        while let Some(&byte) = bytes.get(self.at) {
            match self.next {
                Next::Text => {
                    let Some(length) = memchr3(b'"', b'\\', b'\n', &bytes[self.at..]) else {
                        self.at = bytes.len();
                        return Step::More;
                    };
                    self.at += length;
                    match bytes[self.at] {
                        b'"' => {
                            self.at += 1;
                            if self.key {
                                if self.depth == 1 {
                                    self.items = self.lists && bytes[self.key_at..self.at] == *b"\"items\"";
                                }
                                self.next = Next::Colon;
                            } else if self.ended() {
                                return Step::Done(self.at);
                            }
                        }
                        b'\\' => {
                            self.at += 1;
                            self.next = Next::Escaped;
                        }
                        _ => return self.expected(self.missing()),
                    }
                }
                Next::Escaped if byte == b'\n' => return self.expected(self.missing()),
                Next::Escaped => {
                    self.at += 1;
                    self.next = Next::Text;
                }
                Next::Word => match byte {
                    b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' | b'"' | b'[' | b']' | b'{' | b'}' => {
                        if self.ended() {
                            return Step::Done(self.at);
                        }
                    }
                    _ => self.at += 1,
                },
                _ if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') => self.at += 1,
                Next::Value | Next::ValueOrEnd => match byte {
                    b'{' | b'[' => {
                        if byte == b'[' && self.items && self.depth == 1 {
                            // Who goes on all the same finds the bracket here.
                            self.items = false;
                            return Step::Items { key: self.key_at, at: self.at + 1 };
                        }
                        if self.depth == self.most {
                            return Step::Broken { at: self.at, fault: Fault::Depth };
                        }
                        self.enter(byte == b'{');
                    }
                    b'"' => self.text(false),
                    b']' if self.next == Next::ValueOrEnd => {
                        if self.leave() {
                            return Step::Done(self.at);
                        }
                    }
                    b',' | b':' | b']' | b'}' => return self.expected(self.missing()),
                    _ => self.next = Next::Word,
                },
                Next::Key | Next::KeyOrEnd => match byte {
                    b'"' => self.text(true),
                    b'}' if self.next == Next::KeyOrEnd => {
                        if self.leave() {
                            return Step::Done(self.at);
                        }
                    }
                    _ => return self.expected(self.missing()),
                },
                Next::Colon if byte == b':' => {
                    self.at += 1;
                    self.next = Next::Value;
                }
                Next::Colon => return self.expected(self.missing()),
                Next::CommaOrEnd => {
                    let object = self.in_object();
                    match byte {
                        b',' => {
                            self.at += 1;
                            self.next = if object { Next::Key } else { Next::Value };
                        }
                        b'}' | b']' if (byte == b'}') == object => {
                            if self.leave() {
                                return Step::Done(self.at);
                            }
                        }
                        _ => return self.expected(self.missing()),
                    }
                }
            }
        }
        Step::More
    }

    fn expected(&self, what: &'static str) -> Step {
        Step::Broken { at: self.at, fault: Fault::Expected(what) }
    }

    /// A string begins here.
    fn text(&mut self, key: bool) {
        if key && self.depth == 1 {
            self.key_at = self.at;
        }
        self.key = key;
        self.at += 1;
        self.next = Next::Text;
    }

    /// Whether the innermost open bracket is that of an object.
    fn in_object(&self) -> bool {
        let Some(innermost) = self.depth.checked_sub(1) else { return false };
        self.open.get(innermost / 64).is_some_and(|bits| bits >> (innermost % 64) & 1 == 1)
    }

    fn enter(&mut self, object: bool) {
        self.at += 1;
        let (word, bit) = (self.depth / 64, self.depth % 64);
        if word == self.open.len() {
            self.open.push(0);
        }
        self.open[word] = self.open[word] & !(1 << bit) | u64::from(object) << bit;
        self.depth += 1;
        self.next = if object { Next::KeyOrEnd } else { Next::ValueOrEnd };
    }

    /// A bracket closes here. Whether the whole value ends with it.
    fn leave(&mut self) -> bool {
        self.at += 1;
        self.depth -= 1;
        self.ended()
    }

    /// A value has ended. Whether it is the whole one.
    fn ended(&mut self) -> bool {
        self.next = Next::CommaOrEnd;
        self.depth == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All at once, and byte by byte.
    fn scan(text: &str) -> Step {
        let whole = Scan::value(4, true).run(text.as_bytes());
        let mut scan = Scan::value(4, true);
        let by_byte =
            (0..=text.len()).map(|end| scan.run(&text.as_bytes()[..end])).find(|step| *step != Step::More);
        assert_eq!(whole, by_byte.unwrap_or(Step::More), "{text}");
        whole
    }

    #[test]
    fn a_value_ends_with_its_bracket() {
        assert_eq!(scan(r#"{"a":[1,{"b":"}\"]"},[]],"c":{}} x"#), Step::Done(32));
        assert_eq!(scan("[ ]"), Step::Done(3));
        assert_eq!(scan("\"a\\\\\"b"), Step::Done(5));
        assert_eq!(scan("12,"), Step::Done(2));
        assert_eq!(scan("12"), Step::More);
        assert_eq!(scan("{\"a\":"), Step::More);
    }

    #[test]
    fn what_json_does_not_allow_breaks_where_it_stands() {
        for (text, at, what) in [
            ("{a", 1, "a key in double quotes"),
            ("{\"a\":1,}", 7, "a key in double quotes"),
            ("{\"a\" 1", 5, "`:`"),
            ("{\"a\":1 2", 7, "`,` or `}`"),
            ("{\"a\":x\"", 6, "`,` or `}`"),
            ("[1}", 2, "`,` or `]`"),
            ("[1,]", 3, "a value"),
            ("{\"a\":\n{\"b\"\n{", 11, "`:`"),
            ("{\"a\n", 3, "the end of a string"),
            ("{\"a\\\n", 4, "the end of a string"),
        ] {
            assert_eq!(scan(text), Step::Broken { at, fault: Fault::Expected(what) }, "{text:?}");
        }
        assert_eq!(scan("[[[[]]]]"), Step::Done(8));
        assert_eq!(scan("[[[[["), Step::Broken { at: 4, fault: Fault::Depth });
        assert_eq!(scan("[[[{\"a\":[["), Step::Broken { at: 8, fault: Fault::Depth });
    }

    #[test]
    fn a_list_of_items_is_told_once_and_the_rest_is_read_after_it() {
        let text = r#"{"kind":"List", "items": [1], "more":{"items":[2]}}"#;
        assert_eq!(scan(text), Step::Items { key: 16, at: 26 });
        let mut whole = Scan::value(4, true);
        whole.run(text.as_bytes());
        assert_eq!(whole.run(text.as_bytes()), Step::Done(text.len()), "or it is passed over");
        let mut rest = Scan::after_items(4);
        assert_eq!(rest.run(&text.as_bytes()[28..]), Step::Done(text.len() - 28));
        assert_eq!(Scan::value(4, false).run(text.as_bytes()), Step::Done(text.len()));
        assert_eq!(scan(r#"{"items":{}}"#), Step::Done(12));
        assert_eq!(scan(r#"[{"items":[]}]"#), Step::Done(14));
    }

    #[test]
    fn what_is_forgotten_is_not_needed() {
        let text = r#"{"a":["b\n",{"c":1}],"items":[]}"#;
        let mut scan = Scan::value(4, true);
        let steps: Vec<Step> = text
            .as_bytes()
            .chunks(1)
            .map(|byte| {
                let step = scan.run(byte);
                scan.forget(1);
                step
            })
            .filter(|step| *step != Step::More)
            .collect();
        assert_eq!(steps, [Step::Done(1)]);
    }
}
