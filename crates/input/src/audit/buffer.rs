//! A stream, a piece of it at a time, with the line and column of where reading is.

use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use ringwall_model::text::Position;

use crate::files::described;

/// So much is asked for at a time.
const PIECE: usize = 256 << 10;

/// So much is unpacked at a time: what comes with damage in one go is lost with it.
const UNPACKED: usize = 4 << 10;

/// The first bytes of a gzip stream.
const GZIP: [u8; 2] = [0x1F, 0x8B];

/// The part of a stream that is not passed over yet. Grows only where more is asked for while nothing is passed over.
pub(super) struct Buffer<'r> {
    reader: Box<dyn Read + 'r>,
    gzip: bool,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// A byte at or before `start`, in its line, and its place. Columns are counted when they are asked for.
    known: usize,
    place: Position,
    /// Whether nothing but white space stands before `start` in its line.
    blank: bool,
    read: u64,
    ended: bool,
    failure: Option<String>,
}

impl<'r> Buffer<'r> {
    /// Of a stream, which is unpacked where it is compressed.
    pub(super) fn new(mut reader: impl Read + 'r) -> Self {
        let mut head = Vec::with_capacity(GZIP.len());
        let failure = reader.by_ref().take(GZIP.len() as u64).read_to_end(&mut head).err();
        let gzip = head == GZIP;
        let (bytes, reader): (_, Box<dyn Read + 'r>) = if gzip {
            let packed = BufReader::with_capacity(PIECE, io::Cursor::new(head).chain(reader));
            (Vec::new(), Box::new(MultiGzDecoder::new(packed)))
        } else {
            (head, Box::new(reader))
        };
        Self {
            reader,
            gzip,
            start: 0,
            end: bytes.len(),
            read: bytes.len() as u64,
            bytes,
            known: 0,
            place: Position { line: 1, column: 1 },
            blank: true,
            ended: failure.is_some(),
            failure: failure.map(|error| described(&error)),
        }
    }

    /// What is there.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Where it begins.
    pub(super) fn place(&self) -> Position {
        self.place_of(0)
    }

    /// Counts columns up to here, so that they are not counted again for each place that is asked for from here on.
    pub(super) fn settle(&mut self) {
        self.place = self.place();
        self.known = self.start;
    }

    /// Whether nothing but white space stands before it in its line.
    pub(super) fn blank(&self) -> bool {
        self.blank
    }

    /// How much was read.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    /// Why no more can be read, where that is not because it ended.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Reads more. Whether there was more.
    pub(super) fn fill(&mut self) -> bool {
        if self.ended {
            return false;
        }
        if self.bytes.len() - self.end < PIECE / 4 || self.start == self.end {
            if self.start > 0 {
                self.settle();
                self.bytes.copy_within(self.start..self.end, 0);
                (self.known, self.start, self.end) = (0, 0, self.end - self.start);
            }
            if self.bytes.len() - self.end < PIECE / 4 {
                self.bytes.resize((self.bytes.len() * 2).max(PIECE), 0);
            }
        }
        let before = self.end;
        while self.end == before || (self.gzip && self.end - before < PIECE / 8) {
            let room = &mut self.bytes[self.end..];
            let most = if self.gzip { room.len().min(UNPACKED) } else { room.len() };
            match self.reader.read(&mut room[..most]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(count) => {
                    self.end += count;
                    self.read += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(self.reason(&error));
                    self.ended = true;
                    break;
                }
            }
        }
        self.end > before
    }

    fn reason(&self, error: &io::Error) -> String {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        match error.kind() {
            UnexpectedEof if self.gzip => "the gzip stream ends in the middle".to_owned(),
            InvalidData | InvalidInput if self.gzip => format!("the gzip stream is damaged: {error}"),
            _ => described(error),
        }
    }

    /// Passes over `count` bytes of what is there.
    pub(super) fn consume(&mut self, count: usize) {
        let end = (self.start + count).min(self.end);
        let passed = &self.bytes[self.start..end];
        let last = memchr::memrchr(b'\n', passed);
        if let Some(last) = last {
            let lines = memchr::memchr_iter(b'\n', &passed[..last]).count() + 1;
            self.place = Position { line: more(self.place.line, lines), column: 1 };
            self.known = self.start + last + 1;
        }
        let tail = last.map_or(passed, |at| &passed[at + 1..]);
        self.blank = (self.blank || last.is_some()) && tail.iter().all(u8::is_ascii_whitespace);
        self.start = end;
    }

    /// Passes over a mark that is no character of the text.
    pub(super) fn consume_mark(&mut self, count: usize) {
        self.settle();
        self.start = (self.start + count).min(self.end);
        self.known = self.start;
    }

    /// The place of a byte of what is there.
    pub(super) fn place_of(&self, at: usize) -> Position {
        let passed = &self.bytes[self.known..self.start.saturating_add(at).min(self.end)];
        match memchr::memrchr(b'\n', passed) {
            None => Position { column: more(self.place.column, characters(passed)), ..self.place },
            Some(last) => Position {
                line: more(self.place.line, memchr::memchr_iter(b'\n', &passed[..last]).count() + 1),
                column: more(1, characters(&passed[last + 1..])),
            },
        }
    }
}

fn more(number: u32, by: usize) -> u32 {
    number.saturating_add(u32::try_from(by).unwrap_or(u32::MAX))
}

/// How many characters begin in these bytes. Bytes that are no UTF-8 count too where they do not look like the middle of one.
fn characters(bytes: &[u8]) -> usize {
    count(bytes, |byte| byte & 0xC0 != 0x80)
}

/// How many bytes are so. Small sums of a byte each let the compiler take many bytes at once.
pub(super) fn count(bytes: &[u8], is: impl Fn(u8) -> bool) -> usize {
    let sum = |chunk: &[u8]| chunk.iter().map(|byte| u8::from(is(*byte))).sum::<u8>();
    bytes.chunks(usize::from(u8::MAX)).map(|chunk| usize::from(sum(chunk))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_kept_over_pieces() {
        let text = "aü\n  {\nb";
        let mut buffer = Buffer::new(text.as_bytes());
        assert!(buffer.fill());
        assert_eq!(buffer.place_of(3), Position { line: 1, column: 3 });
        assert_eq!(buffer.place_of(usize::MAX), Position { line: 3, column: 2 });
        buffer.consume(1);
        assert!(!buffer.blank());
        buffer.consume(5);
        assert_eq!((buffer.place(), buffer.blank()), (Position { line: 2, column: 3 }, true));
        buffer.consume(1);
        assert!(!buffer.blank());
        buffer.consume(1);
        assert!(buffer.blank());
        assert_eq!(buffer.place_of(1), Position { line: 3, column: 2 });
        buffer.consume(usize::MAX / 2);
        assert!(buffer.rest().is_empty() && !buffer.fill() && buffer.failure().is_none());
        assert_eq!(buffer.read(), text.len() as u64);
    }

    #[test]
    fn it_grows_only_where_nothing_is_passed_over() {
        let mut buffer = Buffer::new(io::repeat(b'x'));
        for _ in 0..100 {
            assert!(buffer.fill());
            buffer.consume(buffer.rest().len() - 10);
        }
        assert_eq!(buffer.bytes.len(), PIECE);
        while buffer.rest().len() < 4 * PIECE {
            assert!(buffer.fill());
        }
        assert!(buffer.bytes.len() <= 8 * PIECE);
    }
}
