//! Lines, columns, and what stands between values.

/// A text, by byte offsets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'t>(pub(crate) &'t str);

const BOM: char = '\u{feff}';

impl<'t> Text<'t> {
    pub(crate) const fn len(self) -> usize {
        self.0.len()
    }

    pub(crate) fn slice(self, from: usize, to: usize) -> &'t str {
        self.0.get(from..to).unwrap_or_default()
    }

    pub(crate) fn byte(self, at: usize) -> Option<u8> {
        self.0.as_bytes().get(at).copied()
    }

    /// Where the line around `at` begins.
    pub(crate) fn line_start(self, at: usize) -> usize {
        self.slice(0, at).rfind('\n').map_or(0, |line_break| line_break + 1)
    }

    /// Where the line around `at` ends, its line break left out.
    pub(crate) fn line_end(self, at: usize) -> usize {
        let rest = self.slice(at, self.len());
        match rest.find('\n') {
            Some(line_break) => at + rest[..line_break].trim_end_matches('\r').len(),
            None => self.len(),
        }
    }

    /// Where the line after the one around `at` begins; the end of the text where there is none.
    pub(crate) fn next_line(self, at: usize) -> usize {
        self.slice(at, self.len()).find('\n').map_or(self.len(), |line_break| at + line_break + 1)
    }

    /// Whether a line begins at `at`.
    pub(crate) fn begins_line(self, at: usize) -> bool {
        at == 0 || self.byte(at - 1) == Some(b'\n')
    }

    /// What stands before `at` in its line, without a byte order mark.
    pub(crate) fn before(self, at: usize) -> &'t str {
        self.slice(self.line_start(at), at).trim_start_matches(BOM)
    }

    /// How many characters stand before `at` in its line.
    pub(crate) fn column(self, at: usize) -> usize {
        self.before(at).chars().count()
    }

    /// Whether only white space stands before `at` in its line.
    pub(crate) fn leads_line(self, at: usize) -> bool {
        is_blank(self.slice(self.line_start(at), at))
    }

    /// The white space that leads the line around `at`.
    pub(crate) fn lead(self, at: usize) -> &'t str {
        let line = self.slice(self.line_start(at), self.line_end(at)).trim_start_matches(BOM);
        &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
    }

    /// Where something stands after spaces and tabs.
    pub(crate) fn skip_blank(self, at: usize) -> usize {
        let rest = self.slice(at, self.len());
        at + rest.len() - rest.trim_start_matches([' ', '\t']).len()
    }

    /// Where something stands after white space, line breaks and comments.
    pub(crate) fn skip_trivia(self, mut at: usize) -> usize {
        loop {
            let rest = self.slice(at, self.len());
            let next = at + rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
            let after_white = self.begins_line(next) || matches!(self.byte(next - 1), Some(b' ' | b'\t'));
            if self.byte(next) != Some(b'#') || !after_white {
                return next;
            }
            at = self.line_end(next);
        }
    }

    /// Whether nothing but white space and a comment stands behind `at` in its line.
    pub(crate) fn ends_line(self, at: usize) -> bool {
        let next = self.skip_blank(at);
        next >= self.line_end(at) || (self.byte(next) == Some(b'#') && (next > at || self.begins_line(at)))
    }

    /// The line break that the text uses around `at`.
    pub(crate) fn line_break(self, at: usize) -> &'static str {
        let before = self.slice(0, at).rfind('\n');
        match before.or_else(|| self.0.find('\n')) {
            Some(found) if found > 0 && self.byte(found - 1) == Some(b'\r') => "\r\n",
            _ => "\n",
        }
    }

    /// The first carriage return that no line feed follows.
    pub(crate) fn lone_carriage_return(self) -> Option<usize> {
        self.0.match_indices('\r').map(|(at, _)| at).find(|at| self.byte(at + 1) != Some(b'\n'))
    }
}

pub(crate) fn is_blank(text: &str) -> bool {
    text.trim_start_matches(BOM).bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
}
