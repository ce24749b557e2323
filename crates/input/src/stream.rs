//! A text into documents, as Kubernetes' own tools split and decode it.
//!
//! Source: `YAMLOrJSONDecoder` and `YAMLReader` in k8s.io/apimachinery `pkg/util/yaml/decoder.go`.

use std::collections::HashSet;
use std::sync::Arc;

use ringwall_model::text::{Source, Span};
use ringwall_model::tree::{Kind, Node, Tree};

use crate::{Limits, ReadError, json, yaml};

/// One document of a stream.
#[derive(Clone, Debug)]
pub struct Document {
    /// The bytes of the stream that the document was read from, comments before it included.
    pub span: Span,
    /// What it says; a document of comments only is null.
    pub tree: Result<Arc<Tree>, ReadError>,
    /// What strict decoding refuses, though plain decoding takes it: a key that is written twice.
    pub strict: Option<ReadError>,
    /// What stands behind a YAML document before the next `---`: the reference drops it without a word.
    pub dropped: Option<ReadError>,
}

impl Document {
    fn json(span: Span, tree: Tree) -> Self {
        let strict = repeated_key(tree.root());
        Self { span, tree: Ok(Arc::new(tree)), strict, dropped: None }
    }

    fn yaml(source: &Arc<Source>, span: Span, limits: &Limits) -> Self {
        match yaml::document(source, span, limits) {
            Ok(read) => {
                Self { span, tree: Ok(Arc::new(read.tree)), strict: read.strict, dropped: read.dropped }
            }
            Err(error) => Self::unreadable(span, error),
        }
    }

    fn unreadable(span: Span, error: ReadError) -> Self {
        Self { span, tree: Err(error), strict: None, dropped: None }
    }
}

/// What a stream holds.
#[derive(Clone, Debug, Default)]
pub struct Decoded {
    /// Its documents in order, those that cannot be read among them.
    pub documents: Vec<Document>,
    /// Where the stream ends too early: at a separator that is none. What follows is not read.
    pub error: Option<ReadError>,
}

/// Decodes a stream of YAML or JSON documents, as `kubectl -f` does.
///
/// A stream that begins with `{` is a stream of JSON values; where JSON ends after one value at most, the rest
/// is read as YAML, and stays so.
pub fn decode(source: &Arc<Source>, limits: &Limits) -> Decoded {
    let text = source.text();
    let mut decoded = Decoded::default();
    if !json::looks_like_json(text) {
        decode_yaml_from(source, 0, limits, &mut decoded);
        return decoded;
    }
    let mut at = 0;
    while !text[at as usize..].trim_start_matches([' ', '\n', '\r', '\t']).is_empty() {
        match json::value_at(source, at, limits) {
            Ok((tree, end)) => {
                decoded.documents.push(Document::json(Span::new(at, end), tree));
                at = end;
            }
            Err(error) if decoded.documents.len() > 1 => {
                decoded.documents.push(Document::unreadable(Span::new(at, text.len() as u32), error));
                return decoded;
            }
            Err(error) => {
                let before = decoded.documents.len();
                decode_yaml_from(source, after_blank_line(text, at), limits, &mut decoded);
                // What is neither JSON nor YAML began like JSON: the JSON reader says best what is wrong.
                if let Some(first) =
                    decoded.documents.get_mut(before).filter(|first| before == 0 && first.tree.is_err())
                {
                    first.tree = Err(error);
                }
                return decoded;
            }
        }
    }
    decoded
}

/// Decodes a text that holds one object, such as a configuration file: all of it is one document, and what
/// follows the first YAML document in it is dropped, as the reference drops it.
pub fn decode_one(source: &Arc<Source>, limits: &Limits) -> Document {
    let span = Span::new(0, source.text().len() as u32);
    if json::looks_like_json(source.text())
        && let Ok(tree) = json::parse(source, limits)
    {
        return Document::json(span, tree);
    }
    Document::yaml(source, span, limits)
}

/// Decodes a stream as YAML only, as `YAMLReader` with `YAMLToJSON` does.
pub fn decode_yaml(source: &Arc<Source>, limits: &Limits) -> Decoded {
    let mut decoded = Decoded::default();
    decode_yaml_from(source, 0, limits, &mut decoded);
    decoded
}

/// What remains after white space up to and including the first line break.
fn after_blank_line(text: &str, at: u32) -> u32 {
    let rest = &text[at as usize..];
    let blank = rest.len() - rest.trim_start().len();
    let end = rest[..blank].find('\n').map_or(blank, |line_break| line_break + 1);
    at + end as u32
}

fn decode_yaml_from(source: &Arc<Source>, from: u32, limits: &Limits, decoded: &mut Decoded) {
    let text = source.text();
    // The piece that is being gathered: from its first line on. A separator belongs to the piece that it begins
    // only where nothing stood before it.
    let mut piece: Option<u32> = None;
    let mut at = from as usize;
    while at < text.len() {
        let rest = &text[at..];
        let line_end = rest.find('\n').map_or(text.len(), |end| at + end + 1);
        if let Some(after) = rest.strip_prefix("---") {
            let after = after[..line_end - at - 3].trim();
            if !after.is_empty() && !after.starts_with('#') {
                let message =
                    format!("a separator is `---` alone; here it is followed by `{}`", shorten(after));
                decoded.error = Some(ReadError { offset: at as u32, message });
                return;
            }
            match piece.take() {
                Some(start) => {
                    decoded.documents.push(Document::yaml(source, Span::new(start, at as u32), limits));
                }
                None => piece = Some(at as u32),
            }
        } else {
            piece.get_or_insert(at as u32);
        }
        at = line_end;
    }
    if let Some(start) = piece {
        decoded.documents.push(Document::yaml(source, Span::new(start, text.len() as u32), limits));
    }
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= 30 { text.to_owned() } else { text.chars().take(29).chain(['…']).collect() }
}

/// The first key of a JSON document that its mapping has already.
fn repeated_key(root: Node<'_>) -> Option<ReadError> {
    let mut todo = vec![root];
    let mut first: Option<ReadError> = None;
    while let Some(node) = todo.pop() {
        match node.kind() {
            Kind::Mapping => {
                let mut seen = HashSet::new();
                for entry in node.entries() {
                    if !seen.insert(entry.key)
                        && first.as_ref().is_none_or(|old| entry.key_span.start < old.offset)
                    {
                        let message = format!("the key \"{}\" is here twice", entry.key);
                        first = Some(ReadError { offset: entry.key_span.start, message });
                    }
                    todo.push(entry.value);
                }
            }
            Kind::Sequence => todo.extend(node.items()),
            _ => {}
        }
    }
    first
}
