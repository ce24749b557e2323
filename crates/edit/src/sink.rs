//! Collects what is written where, and makes sorted edits of it.

use ringwall_model::fix::Edit;
use ringwall_model::text::Span;

use crate::refusal::Fault;
use crate::text::Text;

#[derive(Debug)]
enum What {
    /// This text instead of the bytes.
    Text(String),
    /// Whole lines, before the line that begins here or behind the last one.
    Lines(Vec<String>),
}

#[derive(Debug)]
struct Piece {
    start: usize,
    end: usize,
    what: What,
}

#[derive(Debug, Default)]
pub(crate) struct Sink {
    pieces: Vec<Piece>,
}

impl Sink {
    /// Writes `text` over the bytes from `start` to `end`.
    pub(crate) fn replace(&mut self, start: usize, end: usize, text: impl Into<String>) {
        self.pieces.push(Piece { start, end, what: What::Text(text.into()) });
    }

    /// Writes lines before the line that begins at `at`, or behind the last line. Of what is written at one place,
    /// what comes first stands first.
    pub(crate) fn lines(&mut self, at: usize, lines: Vec<String>) {
        self.pieces.push(Piece { start: at, end: at, what: What::Lines(lines) });
    }

    /// The edits, sorted, those that touch made one.
    ///
    /// # Errors
    /// Where two would overlap.
    pub(crate) fn finish(mut self, text: Text<'_>) -> Result<Vec<Edit>, Fault> {
        // Lines that belong where other lines go (comments that went with a field) stand before these.
        let gone: Vec<(usize, usize)> = self
            .pieces
            .iter()
            .filter(|piece| matches!(&piece.what, What::Text(text) if text.is_empty()))
            .map(|piece| (piece.start, piece.end))
            .collect();
        for piece in &mut self.pieces {
            if matches!(piece.what, What::Lines(_))
                && let Some((start, _)) =
                    gone.iter().find(|(start, end)| *start < piece.start && piece.start < *end)
            {
                (piece.start, piece.end) = (*start, *start);
            }
        }
        self.pieces.sort_by_key(|piece| (piece.start, piece.end));
        let mut edits: Vec<Edit> = Vec::new();
        // Where the last piece ended, and whether what is before that is a line break now.
        let (mut done, mut fresh) = (0, true);
        for piece in self.pieces {
            if piece.start < done {
                return Err(Fault::layout(piece.start, "changes that do not touch the same text"));
            }
            if piece.start > done || done == 0 {
                fresh = text.begins_line(piece.start);
            }
            let written = match piece.what {
                What::Text(text) => text,
                What::Lines(lines) => {
                    let line_break = text.line_break(piece.start);
                    let parts = lines.iter().flat_map(|line| {
                        if fresh { [line.as_str(), line_break] } else { [line_break, line.as_str()] }
                    });
                    parts.collect()
                }
            };
            if !written.is_empty() {
                fresh = written.ends_with('\n');
            }
            done = piece.end;
            match edits.last_mut() {
                Some(last) if last.span.end as usize == piece.start => {
                    last.span.end = piece.end as u32;
                    last.text.push_str(&written);
                }
                _ => {
                    edits.push(Edit { span: Span::new(piece.start as u32, piece.end as u32), text: written });
                }
            }
        }
        Ok(edits)
    }
}
