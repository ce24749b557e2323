//! Source texts, byte spans in them, and the line and column of a byte.

use std::fmt;
use std::sync::OnceLock;

/// A range of bytes in one [`Source`], end exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte; equal to `start` for something that is not written.
    pub end: u32,
}

impl Span {
    /// A span from `start` to `end`, both byte offsets.
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// Whether `other` lies wholly inside this span.
    pub const fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Whether nothing is written here.
    pub const fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

/// A place in a text as people count: both from 1, the column in Unicode characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1, in characters (not bytes).
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A text that was read, with the name under which a user knows it.
///
/// The index of lines is made when a position is first asked for, so that a text without
/// findings never pays for it.
#[derive(Debug)]
pub struct Source {
    name: String,
    text: String,
    lines: OnceLock<Vec<u32>>,
    /// For each [`BLOCK`] of bytes, how many bytes before it continue a character; empty for ASCII.
    continued: OnceLock<Vec<u32>>,
}

/// Bytes between two counts of continuation bytes: a column in a line of any length costs a look at so many.
const BLOCK: usize = 1024;

/// Whether the byte continues a character.
const fn continues(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

impl Source {
    /// A source called `name` (a path, or `<stdin>`).
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), lines: OnceLock::new(), continued: OnceLock::new() }
    }

    /// The name under which the user knows this text.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of a span; empty where the span does not lie on character borders of this text.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// Line and column of a byte offset. An offset past the end counts as the end.
    /// Costs a binary search over lines and a look at a kilobyte; the first call indexes the text.
    pub fn position(&self, offset: u32) -> Position {
        let lines = self.line_starts();
        let offset = offset.min(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        let line = lines.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = lines.get(line).copied().unwrap_or_default();
        // Bytes that continue a character do not count.
        let column =
            offset.saturating_sub(start) - (self.continued_before(offset) - self.continued_before(start));
        Position { line: line as u32 + 1, column: column + 1 }
    }

    /// The text of a line (counted from 1) without its line break, if there is such a line.
    pub fn line(&self, number: u32) -> Option<&str> {
        let lines = self.line_starts();
        let index = (number as usize).checked_sub(1)?;
        let start = *lines.get(index)? as usize;
        let end = lines.get(index + 1).map_or(self.text.len(), |end| *end as usize);
        Some(self.text.get(start..end)?.trim_end_matches(['\n', '\r']))
    }

    /// How many bytes before `offset` continue a character.
    fn continued_before(&self, offset: u32) -> u32 {
        let bytes = self.text.as_bytes();
        let blocks = self.continued.get_or_init(|| {
            if self.text.is_ascii() {
                return Vec::new();
            }
            let mut sum = 0;
            let before = bytes.chunks(BLOCK).map(|block| {
                let before = sum;
                sum += block.iter().filter(|byte| continues(**byte)).count() as u32;
                before
            });
            before.collect()
        });
        let offset = offset as usize;
        let block = offset / BLOCK;
        let Some(before) = blocks.get(block).or(blocks.last()) else { return 0 };
        let from = block.min(blocks.len() - 1) * BLOCK;
        let rest = bytes.get(from..offset).unwrap_or_default();
        before + rest.iter().filter(|byte| continues(**byte)).count() as u32
    }

    fn line_starts(&self) -> &[u32] {
        self.lines.get_or_init(|| {
            let mut starts = vec![0];
            let bytes = self.text.as_bytes();
            for index in memchr::memchr2_iter(b'\n', b'\r', bytes) {
                // CRLF, LF and a lone CR each end a line, as YAML counts.
                if bytes[index] == b'\n' || bytes.get(index + 1) != Some(&b'\n') {
                    starts.push(index as u32 + 1);
                }
            }
            starts
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_every_kind_of_line_break() {
        let source = Source::new("x", "a\r\nbü: c\rd\n");
        let at = |offset| {
            let position = source.position(offset);
            (position.line, position.column)
        };
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(3), (2, 1));
        assert_eq!(at(6), (2, 3), "ü is one character of two bytes");
        assert_eq!(at(10), (3, 1), "a lone CR ends a line");
        assert_eq!(at(500), (4, 1), "past the end is the end");
        let long = Source::new("x", format!("é{}", "aü".repeat(3000)));
        assert_eq!(long.position(2).column, 2);
        assert_eq!(long.position(2 + 3 * 2999).column, 2 + 2 * 2999, "whatever the length of the line");
        assert_eq!(source.line(2), Some("bü: c"));
        assert_eq!(source.line(9), None);
    }
}
