//! Bytes into text: what is too large, binary or in another encoding is refused before it is decoded.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use ringwall_model::finding::Problem;
use ringwall_model::text::{Position, Source};

use crate::Limits;
use crate::files::{Place, described};

/// How far into a text a zero byte is looked for.
const BINARY_WINDOW: usize = 8 << 10;

/// Why there is no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Where, if it can be said.
    pub(crate) position: Option<Position>,
    /// What is wrong, as a sentence without full stop.
    pub(crate) message: String,
}

impl Refused {
    fn new(message: impl Into<String>) -> Self {
        Self { position: None, message: message.into() }
    }

    /// The problem of the text called `file`.
    pub(crate) fn of(self, file: &str) -> Problem {
        Problem { file: file.to_owned(), position: self.position, message: self.message, object: None }
    }
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::new(described(&error))
    }
}

/// Reads one file that the user named, such as a configuration, into a source of its name.
///
/// # Errors
/// Where it cannot be read, is larger than the limit, binary, or in another encoding than UTF-8.
pub fn read_file(path: &Path, limits: &Limits) -> Result<Source, Box<Problem>> {
    let name = path.display().to_string();
    named(path, &name, limits).map_err(|refused| Box::new(refused.of(&name)))
}

/// Reads a file into a source of its name.
pub(crate) fn file(place: &Place, limits: &Limits) -> Result<Source, Refused> {
    named(&place.path, &place.name, limits)
}

fn named(path: &Path, name: &str, limits: &Limits) -> Result<Source, Refused> {
    let length = fs::metadata(path)?.len();
    if length > most(limits) {
        return Err(too_large(Some(length), limits));
    }
    let text = stream(&mut File::open(path)?, length, limits)?;
    Ok(Source::new(name, text))
}

/// Reads a stream to its end, but no more of it than the limit allows. `expected` bytes are likely.
pub(crate) fn stream(reader: &mut dyn Read, expected: u64, limits: &Limits) -> Result<String, Refused> {
    let mut bytes = Vec::with_capacity(expected as usize);
    // One byte more tells a stream that ends at the limit from one that goes on.
    reader.take(most(limits) + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most(limits) {
        return Err(too_large(None, limits));
    }
    text(bytes)
}

/// The bytes as text.
pub(crate) fn text(bytes: Vec<u8>) -> Result<String, Refused> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(Refused::new("UTF-16 text: save it as UTF-8 (PowerShell's `>` writes UTF-16)"));
    }
    if bytes[..bytes.len().min(BINARY_WINDOW)].contains(&0) {
        return Err(Refused::new("binary file"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..valid]);
        let position = Source::new("", before).position(valid as u32);
        Refused { position: Some(position), message: "not valid UTF-8".to_owned() }
    })
}

/// The most bytes that are taken: offsets in a text are 32 bits wide.
pub(crate) fn most(limits: &Limits) -> u64 {
    limits.bytes.min(u64::from(u32::MAX))
}

fn too_large(length: Option<u64>, limits: &Limits) -> Refused {
    let limit = size(most(limits));
    Refused::new(match length {
        Some(length) => format!("too large: {}, where at most {limit} are read", size(length)),
        None => format!("too large: more than the {limit} that are read"),
    })
}

/// A number of bytes as people read it; not rounded, since it stands beside a limit that it may just exceed.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        _ if bytes >= 1 << 20 && bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        1 => "1 byte".to_owned(),
        _ => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(bytes: &[u8]) -> Refused {
        text(bytes.to_vec()).expect_err("refused")
    }

    #[test]
    fn a_bad_byte_is_located_by_line_and_character() {
        let refused = refusal(b"a: 1\nb\xc3\xbc: \xff\n");
        assert_eq!(refused.message, "not valid UTF-8");
        assert_eq!(refused.position, Some(Position { line: 2, column: 5 }));
    }

    #[test]
    fn other_encodings_and_binaries_are_named() {
        assert!(refusal(b"\xff\xfea\0").message.contains("save it as UTF-8"));
        assert!(refusal(b"\xfe\xff\0a").message.contains("save it as UTF-8"));
        assert_eq!(refusal(b"\x7fELF\0").message, "binary file");
    }

    #[test]
    fn a_stream_may_be_as_long_as_the_limit_and_no_longer() {
        let limits = Limits { bytes: 4, ..Limits::default() };
        assert_eq!(stream(&mut &b"a: 1"[..], 0, &limits).as_deref(), Ok("a: 1"));
        assert_eq!(
            stream(&mut &b"a: 12"[..], 0, &limits).map_err(|refused| refused.message),
            Err("too large: more than the 4 bytes that are read".to_owned())
        );
    }
}
