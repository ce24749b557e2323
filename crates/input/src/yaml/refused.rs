//! What granit takes and go-yaml refuses.
//!
//! go-yaml's scanner is a port of libyaml with its quirks: tabs may not stand where a block's indentation is
//! decided, `:` and `?` cannot begin a plain scalar inside `[]` and `{}`, `\/` is no escape. A
//! document with one of these is refused by `kubectl` and the API server's tools, so it is refused here.

use granit_parser::ScalarStyle;

/// A byte offset in the piece, and what is wrong there.
pub(super) type Fault = (usize, String);

/// Checks the characters of a piece: go-yaml refuses control characters.
/// Source: `yaml_parser_update_buffer` in go.yaml.in/yaml/v2 `readerc.go`.
pub(super) fn characters(text: &str) -> Result<(), Fault> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t' | b'\r')) {
        return Ok(());
    }
    for (at, c) in text.char_indices() {
        match c {
            '\t'
            | '\n'
            | '\r'
            | ' '..='~'
            | '\u{85}'
            | '\u{a0}'..='\u{fffd}'
            | '\u{10000}'..='\u{10ffff}' => {}
            _ => return Err((at, format!("control character U+{:04X}", c as u32))),
        }
    }
    Ok(())
}

/// A document may not begin with its end: `...` before anything else is refused.
pub(super) fn beginning(text: &str) -> Result<(), Fault> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim();
        if !content.is_empty() && !content.starts_with('#') {
            if line.starts_with("...") && line[3..].chars().next().is_none_or(char::is_whitespace) {
                return Err((at, "`...` ends a document that has not begun".to_owned()));
            }
            break;
        }
        at += line.len();
    }
    Ok(())
}

/// An anchor or alias, `&name` or `*name`: letters, digits, `_` and `-`, and then white space or an indicator.
/// Source: `yaml_parser_scan_anchor` in go.yaml.in/yaml/v2 `scannerc.go`.
pub(super) fn name(text: &str, range: &std::ops::Range<usize>) -> Result<(), Fault> {
    let name = text.get(range.start + 1..range.end).unwrap_or_default();
    let odd = name.bytes().position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')));
    if let Some(odd) = odd {
        return Err((
            range.start + 1 + odd,
            "an anchor's name has letters, digits, `_` and `-` only".to_owned(),
        ));
    }
    match text.as_bytes().get(range.end) {
        None | Some(b' ' | b'\t' | b'\n' | b'\r' | b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`') => {
            Ok(())
        }
        Some(_) => Err((range.end, "expected white space after the anchor".to_owned())),
    }
}

/// Whether go-yaml takes the character for a line break where YAML 1.2 takes it for text.
/// Source: `is_break` in go.yaml.in/yaml/v2 `yamlprivateh.go`.
const fn is_odd_break(c: char) -> bool {
    matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Follows the layout between scalars, to find what the scanner would refuse.
pub(super) struct Layout<'t> {
    text: &'t str,
    bytes: &'t [u8],
    /// Where the last scalar or bracket ended.
    at: usize,
    flow: usize,
    has_tabs: bool,
    /// Where a character that go-yaml takes for a line break stands next, and is not yet known to be harmless.
    odd_break: Option<usize>,
    /// Whether a simple key may begin here: then a tab is no white space.
    key_allowed: bool,
}

impl<'t> Layout<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let has_tabs = text.contains('\t');
        let odd_break = if text.is_ascii() { None } else { text.find(is_odd_break) };
        Self { text, bytes: text.as_bytes(), at: 0, flow: 0, has_tabs, odd_break, key_allowed: true }
    }

    /// How far the layout was followed, and how many `[` and `{` are open there. The parser is ahead of it.
    pub(super) const fn followed(&self) -> (usize, usize) {
        (self.at, self.flow)
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
            ScalarStyle::Literal | ScalarStyle::Folded if self.has_tabs => block_tabs(self.text, start, raw)?,
            _ => {}
        }
        if let Some(at) = self.odd_break.filter(|at| *at < end) {
            // Inside quotes, between two characters that are no white space, it stays what it is.
            let harmless = at >= start
                && matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted)
                && raw.split(is_odd_break).all(|part| part.trim() == part && !part.is_empty());
            if !harmless {
                return Err(odd_break(self.text, at));
            }
            self.odd_break = self.text[end..].find(is_odd_break).map(|next| end + next);
        }
        self.at = self.at.max(end);
        let block_scalar = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        // A plain scalar of several lines, and a block scalar, leave the scanner at the beginning of a line.
        self.key_allowed = block_scalar || (style == ScalarStyle::Plain && raw.contains('\n'));
        Ok(())
    }

    /// The document ends at `end`.
    pub(super) fn finish(&mut self, end: usize) -> Result<(), Fault> {
        self.gap(end)?;
        match self.odd_break {
            Some(at) if at < end => Err(odd_break(self.text, at)),
            _ => Ok(()),
        }
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

fn odd_break(text: &str, at: usize) -> Fault {
    let code = text[at..].chars().next().map_or(0, u32::from);
    (at, format!("U+{code:04X} is a line break to kubectl; write it as an escape in double quotes"))
}

/// A block scalar's indentation is made of spaces: a tab where go-yaml still looks for it is refused.
/// Source: `yaml_parser_scan_block_scalar_breaks` in go.yaml.in/yaml/v2 `scannerc.go`.
fn block_tabs(text: &str, start: usize, raw: &str) -> Result<(), Fault> {
    // The span may begin behind the header; lines count from the first line break.
    let Some(first) = raw.find('\n') else { return Ok(()) };
    let header_start = text[..start].rfind(['|', '>']).unwrap_or(start);
    let header = text[header_start..].lines().next().unwrap_or_default();
    let explicit = header.bytes().skip(1).take(2).find(u8::is_ascii_digit).is_some();
    let body = if raw.starts_with(['|', '>']) || raw[..first].trim().is_empty() { first + 1 } else { 0 };
    let mut indent: Option<usize> = None;
    let mut at = start + body;
    for line in raw[body..].split_inclusive('\n') {
        let spaces = line.len() - line.trim_start_matches(' ').len();
        let next = line.as_bytes().get(spaces).copied();
        if next == Some(b'\t') && !explicit && indent.is_none_or(|indent| spaces < indent) {
            return Err((at + spaces, "a tab where indentation is decided; use spaces".to_owned()));
        }
        if indent.is_none() && !matches!(next, None | Some(b'\n' | b'\r')) {
            indent = Some(spaces);
        }
        at += line.len();
    }
    Ok(())
}

/// After a tag, white space: go-yaml counts `]` and `,` to the tag, and refuses what else follows.
/// Source: `yaml_parser_scan_tag` in go.yaml.in/yaml/v2 `scannerc.go`.
pub(super) fn after_tag(text: &str, end: usize) -> Result<(), Fault> {
    match text.as_bytes().get(end) {
        None | Some(b' ' | b'\t' | b'\n' | b'\r') => Ok(()),
        Some(_) => Err((end, "expected white space after the tag".to_owned())),
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
