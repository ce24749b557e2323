//! What granit takes and go-yaml refuses.
//!
//! go-yaml's scanner is a port of libyaml with its quirks: tabs may not stand where a block's indentation is
//! decided, `:` and `?` cannot begin a plain scalar inside `[]` and `{}`, `\/` is no escape. A
//! document with one of these is refused by `kubectl` and the API server's tools, so it is refused here.

use granit_parser::ScalarStyle;

/// A byte offset in the piece, and what is wrong there.
pub(super) type Fault = (usize, String);

/// Checks the characters of a piece: go-yaml refuses control characters, and takes U+0085, U+2028 and
/// U+2029 for line breaks where YAML 1.2 takes them for text.
/// Source: `yaml_parser_update_buffer` in go.yaml.in/yaml/v2 `readerc.go`, `is_break` in `yamlprivateh.go`.
pub(super) fn characters(text: &str) -> Result<(), Fault> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t' | b'\r')) {
        return Ok(());
    }
    for (at, c) in text.char_indices() {
        match c {
            '\t' | '\n' | '\r' | ' '..='~' => {}
            '\u{85}' | '\u{2028}' | '\u{2029}' => {
                let code = c as u32;
                let message = format!("U+{code:04X} is a line break to kubectl; write it as an escape in double quotes");
                return Err((at, message));
            }
            '\u{a0}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}' => {}
            _ => return Err((at, format!("control character U+{:04X}", c as u32))),
        }
    }
    Ok(())
}

/// Follows the layout between scalars, to find what the scanner would refuse.
pub(super) struct Layout<'t> {
    text: &'t str,
    bytes: &'t [u8],
    /// Where the last scalar or bracket ended.
    at: usize,
    flow: usize,
    has_tabs: bool,
    /// Whether a simple key may begin here: then a tab is no white space.
    key_allowed: bool,
}

impl<'t> Layout<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let has_tabs = text.contains('\t');
        Self { text, bytes: text.as_bytes(), at: 0, flow: 0, has_tabs, key_allowed: true }
    }

    /// A collection begins at `at`.
    pub(super) fn begin(&mut self, at: usize, flow: bool) {
        if flow {
            // The gap before the bracket is looked at together with what follows: tabs in it are judged
            // outside of the bracket.
            let _ = self.gap(at);
            self.flow += 1;
            self.at = self.at.max(at + 1);
        }
    }

    /// A collection ends at `at`.
    pub(super) fn end(&mut self, at: usize, flow: bool) -> Result<(), Fault> {
        if flow {
            self.gap(at.saturating_sub(1))?;
            self.flow = self.flow.saturating_sub(1);
            self.at = self.at.max(at);
            self.key_allowed = false;
        }
        Ok(())
    }

    /// A scalar stands at `start..end`.
    pub(super) fn scalar(&mut self, start: usize, end: usize, style: ScalarStyle) -> Result<(), Fault> {
        self.gap(start)?;
        let raw = self.text.get(start..end).unwrap_or_default();
        match style {
            ScalarStyle::Plain => self.plain(start, raw)?,
            ScalarStyle::DoubleQuoted => escapes(start, raw)?,
            _ => {}
        }
        self.at = self.at.max(end);
        let block_scalar = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        // A plain scalar of several lines, and a block scalar, leave the scanner at the beginning of a line.
        self.key_allowed = block_scalar || (style == ScalarStyle::Plain && raw.contains('\n'));
        Ok(())
    }

    /// The document ends at `end`.
    pub(super) fn finish(&mut self, end: usize) -> Result<(), Fault> {
        if self.has_tabs && self.at == 0 {
            return self.gap(end);
        }
        Ok(())
    }

    fn plain(&self, start: usize, raw: &str) -> Result<(), Fault> {
        if self.flow == 0 {
            return Ok(());
        }
        if let Some(at) = raw.find('?') {
            return Err((start + at, "`?` inside [] or {} begins a key; quote the text".to_owned()));
        }
        if raw.starts_with(':') {
            return Err((start, "`:` inside [] or {} ends a key; quote the text".to_owned()));
        }
        Ok(())
    }

    /// The text between the last scalar and `to`: white space, indicators, comments.
    fn gap(&mut self, to: usize) -> Result<(), Fault> {
        if !self.has_tabs || self.at >= to {
            self.at = self.at.max(to);
            return Ok(());
        }
        let mut at = self.at;
        self.at = to;
        while at < to {
            let blank_next = matches!(self.bytes.get(at + 1), None | Some(b' ' | b'\t' | b'\n' | b'\r'));
            match self.bytes[at] {
                b'\n' | b'\r' => {
                    if self.flow == 0 {
                        self.key_allowed = true;
                    }
                }
                b'\t' if self.flow == 0 && self.key_allowed => {
                    return Err((at, "a tab where indentation is decided; use spaces".to_owned()));
                }
                b'#' => {
                    while at < to && !matches!(self.bytes[at], b'\n' | b'\r') {
                        at += 1;
                    }
                    continue;
                }
                b'-' | b'?' if blank_next => self.key_allowed = true,
                b':' => self.key_allowed = self.key_allowed && self.flow == 0,
                b' ' | b'\t' => {}
                _ => self.key_allowed = false,
            }
            at += 1;
        }
        Ok(())
    }
}

/// The escapes of a double-quoted scalar: go-yaml knows no `\/`, and takes no halves of surrogate pairs.
fn escapes(start: usize, raw: &str) -> Result<(), Fault> {
    let mut rest = raw;
    let mut at = start;
    while let Some(found) = rest.find('\\') {
        at += found;
        rest = &rest[found..];
        let digits = |from: usize, len: usize| {
            rest.get(from..from + len).and_then(|digits| u32::from_str_radix(digits, 16).ok())
        };
        let code = match rest.as_bytes().get(1) {
            Some(b'/') => return Err((at, "`\\/` is no escape in YAML".to_owned())),
            Some(b'u') => digits(2, 4),
            Some(b'U') => digits(2, 8),
            _ => None,
        };
        if code.is_some_and(|code| (0xD800..0xE000).contains(&code) || code > 0x10_FFFF) {
            return Err((at, "this escape is no Unicode character; write the character itself".to_owned()));
        }
        let skip = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
        at += skip;
        rest = &rest[skip..];
    }
    Ok(())
}
