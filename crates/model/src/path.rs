//! Field paths, written as the API server writes them: `spec.containers[0].image`,
//! `metadata.labels[pod-security.kubernetes.io/enforce]`.

use std::fmt;
use std::str::FromStr;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// Into a mapping.
    Key(Box<str>),
    /// Into a list, from 0.
    Index(usize),
}

impl Segment {
    /// A step into a mapping.
    pub fn key(key: impl Into<Box<str>>) -> Self {
        Self::Key(key.into())
    }
}

/// The way from an object to one of its fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldPath(Vec<Segment>);

impl FieldPath {
    /// The object itself.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// A path of keys.
    pub fn keys(keys: &[&str]) -> Self {
        Self(keys.iter().map(|key| Segment::key(*key)).collect())
    }

    /// A path of these steps.
    pub fn of(steps: &[Segment]) -> Self {
        Self(steps.to_vec())
    }

    /// The steps.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// How many steps.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether this is the object itself.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Goes one step further.
    pub fn push(&mut self, segment: Segment) {
        self.0.push(segment);
    }

    /// Goes back a step.
    pub fn pop(&mut self) -> Option<Segment> {
        self.0.pop()
    }

    /// This path and then a key.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.0.push(Segment::key(key));
        self
    }

    /// This path and then an index.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.0.push(Segment::Index(index));
        self
    }

    /// This path and then another.
    #[must_use]
    pub fn join(mut self, rest: &Self) -> Self {
        self.0.extend(rest.0.iter().cloned());
        self
    }

    /// This path as text, with `[]` for each index: `spec.containers[].image`.
    pub fn unnumbered(&self) -> String {
        let mut text = String::new();
        for segment in &self.0 {
            match segment {
                Segment::Index(_) => text.push_str("[]"),
                Segment::Key(key) => {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    text.push_str(key);
                }
            }
        }
        text
    }

    /// What remains of this path after `prefix`, if it begins so.
    pub fn strip_prefix(&self, prefix: &Self) -> Option<Self> {
        self.0.strip_prefix(prefix.0.as_slice()).map(|rest| Self(rest.to_vec()))
    }
}

/// A key that can stand after a dot.
fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' || byte == b'$')
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) if is_plain(key) => {
                    if at > 0 {
                        f.write_str(".")?;
                    }
                    f.write_str(key)?;
                }
                // A key that reads like an index, holds brackets or quotes, or is empty stands in quotes.
                Segment::Key(key)
                    if key.is_empty()
                        || key.bytes().all(|byte| byte.is_ascii_digit())
                        || key.contains(['[', ']', '"', '\\', '\n']) =>
                {
                    write!(f, "[{key:?}]")?;
                }
                Segment::Key(key) => write!(f, "[{key}]")?,
            }
        }
        Ok(())
    }
}

/// A path that cannot be read: byte offset and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError {
    /// Byte offset in the text.
    pub at: usize,
    /// What was expected.
    pub expected: &'static str,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "field path, character {}: expected {}", self.at + 1, self.expected)
    }
}

impl std::error::Error for PathError {}

impl FromStr for FieldPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let mut path = Self::root();
        let mut rest = text;
        let at = |rest: &str| text.len() - rest.len();
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix("[\"") {
                let (key, after) =
                    quoted(inner).ok_or(PathError { at: at(rest), expected: "a closing \"]" })?;
                path.push(Segment::key(key));
                rest = after;
            } else if let Some(inner) = rest.strip_prefix('[') {
                let (inside, after) =
                    inner.split_once(']').ok_or(PathError { at: at(rest), expected: "a closing ]" })?;
                if inside.is_empty() {
                    return Err(PathError { at: at(rest), expected: "an index or a key between [ and ]" });
                }
                path.push(inside.parse().map_or_else(|_| Segment::key(inside), Segment::Index));
                rest = after;
            } else {
                let body = if path.is_empty() { rest } else { rest.strip_prefix('.').unwrap_or("") };
                let end = body.find(['.', '[']).unwrap_or(body.len());
                if end == 0 {
                    return Err(PathError { at: at(rest), expected: "a field name" });
                }
                path.push(Segment::key(&body[..end]));
                rest = &body[end..];
            }
        }
        Ok(path)
    }
}

/// Reads up to `"]`, undoing Rust's debug escapes of `"`, `\` and line breaks.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut key = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return text[at..].strip_prefix("\"]").map(|rest| (key, rest)),
            '\\' => match chars.next()?.1 {
                'n' => key.push('\n'),
                't' => key.push('\t'),
                'r' => key.push('\r'),
                '0' => key.push('\0'),
                'u' => {
                    let rest = text.get(chars.next()?.0 + 1..)?;
                    let (digits, _) = rest.split_once('}')?;
                    key.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?)?);
                    for _ in 0..=digits.len() {
                        chars.next();
                    }
                }
                other => key.push(other),
            },
            other => key.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_are_written_as_the_api_server_does() {
        let path = FieldPath::keys(&["metadata", "labels"]).key("pod-security.kubernetes.io/enforce");
        assert_eq!(path.to_string(), "metadata.labels[pod-security.kubernetes.io/enforce]");
        let path = FieldPath::keys(&["spec", "containers"]).index(2).key("image");
        assert_eq!(path.to_string(), "spec.containers[2].image");
    }

    #[test]
    fn a_broken_path_says_where() {
        assert_eq!("a[".parse::<FieldPath>().unwrap_err().at, 1);
        assert!("a..b".parse::<FieldPath>().is_err());
        assert!("a[]".parse::<FieldPath>().is_err());
    }

    proptest! {
        #[test]
        fn writing_and_reading_a_path_gives_the_path(
            segments in proptest::collection::vec(
                prop_oneof![(0usize..50).prop_map(Segment::Index), ".*".prop_map(|key: String| Segment::key(key))], 0..6)
        ) {
            let path = FieldPath(segments);
            prop_assert_eq!(path.to_string().parse::<FieldPath>().unwrap(), path);
        }
    }
}
