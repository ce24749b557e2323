//! Text in columns.

use std::io::{self, Write};

use anstyle::Style as Look;
use ringwall_report::Style;

/// A cell: its text, and how it looks.
pub(crate) type Cell = (String, Look);

/// A cell without a look of its own.
pub(crate) fn plain(text: impl Into<String>) -> Cell {
    (text.into(), Look::new())
}

/// Writes rows of cells with their columns in line; the last column is not padded, and no line ends in blanks.
pub(crate) fn write(rows: &[Vec<Cell>], indent: usize, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|(text, _)| text.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let mut blanks = indent;
        for ((text, look), width) in row.iter().zip(&widths) {
            if !text.is_empty() {
                write!(out, "{:blanks$}{}", "", style.paint(*look, text))?;
                blanks = 0;
            }
            blanks += width - text.chars().count() + 2;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Breaks paragraphs into lines of at most `width` characters, where blanks allow it.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.trim().lines() {
        let mut line = String::new();
        let mut length = 0;
        for word in paragraph.split_whitespace() {
            let needed = word.chars().count();
            if length > 0 && length + 1 + needed > width {
                lines.push(std::mem::take(&mut line));
                length = 0;
            }
            if length > 0 {
                line.push(' ');
                length += 1;
            }
            line.push_str(word);
            length += needed;
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_in_line_and_lines_end_in_no_blanks() {
        let cell = |text: &str| (text.to_owned(), Look::new());
        let rows = [
            vec![cell("a"), cell("bü"), cell("c")],
            vec![cell("long"), cell(""), cell("")],
            vec![cell(""), cell("x"), cell("y")],
        ];
        let mut bytes = Vec::new();
        write(&rows, 1, Style::default(), &mut bytes).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), " a     bü  c\n long\n       x   y\n");
    }

    #[test]
    fn lines_are_broken_at_blanks() {
        assert_eq!(wrapped("aa bb cc\n\nverylongword x", 5), ["aa bb", "cc", "", "verylongword", "x"]);
    }
}
