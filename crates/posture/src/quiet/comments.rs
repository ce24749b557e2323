//! Comments that suppress, and what each of them covers.
//!
//! | where | covers |
//! |---|---|
//! | behind something | the fields and list items that begin on that line, each to its end |
//! | on a line of its own | the same of the next line that is no comment |
//! | before the first line of a document | the document |
//!
//! A `#` counts where YAML takes it for a comment: at the beginning of a line or behind a blank, and in no scalar.
//! Texts without a word that is looked for cost one search; others a pass over their lines and nodes.

use std::collections::HashMap;
use std::sync::Arc;

use ringwall_model::finding::{Location, SuppressedBy};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::Snapshot;
use ringwall_model::text::{Source, Span};
use ringwall_model::tree::{Kind, Node, Tree};

use crate::quiet::directive::{self, MARK};
use crate::quiet::mark::{About, Fault, Mark, Marks, Scope};
use crate::quiet::peers;
use crate::settings::Settings;

/// A text with the documents of it that hold objects.
struct Text<'s> {
    source: &'s Arc<Source>,
    documents: Vec<Document<'s>>,
}

/// A document, with its objects in their order.
struct Document<'s> {
    tree: &'s Tree,
    objects: Vec<(usize, &'s Object)>,
}

/// A comment.
struct Comment<'s> {
    /// From its `#` to the end of its line.
    span: Span,
    /// Its words.
    words: &'s str,
    /// Where the line begins that it is about; none where nothing follows it in its document.
    line: Option<Span>,
    /// Whether nothing stands before it in its document.
    heads: bool,
    /// Where its document begins in the text.
    document: u32,
}

/// What a comment covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// What begins on its line, with its block.
    Block,
    /// Its line alone.
    Line,
    /// The object that it stands in.
    Object,
}

/// Collects the comments of all texts that objects were read from.
pub(super) fn collect<'a>(snapshot: &'a Snapshot, settings: &Settings, marks: &mut Marks<'a>) {
    for text in texts(snapshot) {
        let words = text.source.text();
        let wanted = |word: &&str| memchr::memmem::find(words.as_bytes(), word.as_bytes()).is_some();
        let ours = wanted(&MARK);
        let theirs = settings.compat_ignores && peers::COMMENTS.iter().any(wanted);
        if !ours && !theirs {
            continue;
        }
        let scalars = scalars(&text);
        for comment in comments(text.source, &scalars) {
            if comment.words.starts_with(MARK) {
                own(&text, &comment, settings, marks);
            } else if settings.compat_ignores {
                foreign(&text, &comment, marks);
            }
        }
    }
}

/// The texts of a snapshot with their documents, in the order of the input.
fn texts(snapshot: &Snapshot) -> Vec<Text<'_>> {
    let mut texts: Vec<Text<'_>> = Vec::new();
    let mut known: HashMap<*const Source, usize> = HashMap::new();
    for (index, object) in snapshot.objects() {
        let (source, tree) = (object.source(), object.root().tree());
        let at = *known.entry(Arc::as_ptr(source)).or_insert_with(|| {
            texts.push(Text { source, documents: Vec::new() });
            texts.len() - 1
        });
        let documents = &mut texts[at].documents;
        match documents.last_mut() {
            Some(last) if std::ptr::eq(last.tree, tree) => last.objects.push((index, object)),
            _ => documents.push(Document { tree, objects: vec![(index, object)] }),
        }
    }
    texts
}

/// The spans of all scalars, keys and hidden keys among them, by their beginning.
fn scalars(text: &Text<'_>) -> Vec<Span> {
    let nodes = text.documents.iter().flat_map(|document| {
        let all = u32::try_from(document.tree.len()).unwrap_or(u32::MAX);
        (0..all).map(|index| document.tree.node(index))
    });
    let mut spans: Vec<Span> = nodes
        .filter(|node| !matches!(node.kind(), Kind::Mapping | Kind::Sequence))
        .map(Node::span)
        .filter(|span| !span.is_empty())
        .collect();
    spans.sort_unstable();
    spans
}

/// The comments of a text, each with the line that it is about.
fn comments<'s>(source: &'s Source, scalars: &[Span]) -> Vec<Comment<'s>> {
    let text = source.text();
    let mut comments: Vec<Comment<'s>> = Vec::new();
    // Those on lines of their own that wait for what follows.
    let mut waiting: Vec<usize> = Vec::new();
    let (mut offset, mut empty, mut document) = (0_usize, true, 0_u32);
    for line in text.split_inclusive(['\n', '\r']) {
        let (start, bare) = (offset as u32, line.trim_end());
        offset += line.len();
        let span = Span::new(start, start + bare.len() as u32);
        let begins = is_marker(bare, "---");
        if begins && !empty {
            waiting.clear();
        }
        if begins {
            (empty, document) = (true, start);
        }
        let at = comment_in(bare, start, scalars, source);
        let before = at.map_or(bare, |at| &bare[..at]).trim();
        let content = if begins { before.trim_start_matches('-').trim() } else { before };
        // An item begins where its content does, and not at a dash that stands alone.
        let silent = content.trim_matches(['-', ' ', '\t']).is_empty();
        let directive = empty && content.starts_with('%');
        let speaks = !(silent || directive || is_marker(bare, "..."));
        if speaks {
            waiting.drain(..).for_each(|comment| comments[comment].line = Some(span));
        }
        if let Some(at) = at {
            let words = bare[at..].trim_start_matches('#').trim();
            comments.push(Comment {
                span: Span::new(start + at as u32, span.end),
                words,
                line: (!silent).then_some(span),
                heads: silent && empty,
                document,
            });
            if silent {
                waiting.push(comments.len() - 1);
            }
        }
        if speaks {
            empty = false;
        }
    }
    comments
}

/// Whether a line is `---` or `...`, with a blank or nothing behind it.
fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

/// Where the comment of a line begins in it.
fn comment_in(line: &str, start: u32, scalars: &[Span], source: &Source) -> Option<usize> {
    line.match_indices('#').map(|(at, _)| at).find(|at| {
        let blank = line[..*at].chars().next_back().is_none_or(|c| c == ' ' || c == '\t');
        blank && !in_scalar(start + *at as u32, scalars, source)
    })
}

/// Whether a byte is part of a scalar. The line that introduces a block scalar may end in a comment.
fn in_scalar(offset: u32, scalars: &[Span], source: &Source) -> bool {
    let before = scalars.partition_point(|span| span.start <= offset);
    let Some(span) = before.checked_sub(1).map(|at| scalars[at]) else { return false };
    if offset >= span.end {
        return false;
    }
    let until = source.slice(Span::new(span.start, offset));
    let introduces = until.starts_with(['|', '>']) && !until.contains(['\n', '\r']);
    !introduces
}

/// Reads a comment of ours.
fn own<'a>(text: &Text<'a>, comment: &Comment<'_>, settings: &Settings, marks: &mut Marks<'a>) {
    let Some(document) = document_of(text, comment) else { return };
    let location = |object: &Object| Location::at(object, comment.span);
    let root = document.tree.root();
    let covered = covered(comment, Reach::Block, root);
    let start = covered.map_or(comment.span.start, |covered| covered.start);
    let Some((_, object)) = object_at(document, start) else { return };
    let path =
        covered.map_or_else(FieldPath::root, |covered| path_within(object, document.tree, covered.start));
    let about = About::of(object, path, location(object));
    let read = directive::of_comment(comment.words, settings.require_reason);
    match (read, covered) {
        (Ok(directive), Some(covered)) => {
            let scope = block(text.source, covered);
            marks.marks.push(Mark::new(SuppressedBy::Comment, directive, scope, about));
        }
        (Ok(_), None) => {
            let message = match comment.line {
                None => "nothing follows it in its document",
                Some(_) => "no field and no item of a list begins on its line",
            };
            marks.faults.push(Fault { by: SuppressedBy::Comment, about, message: message.to_owned() });
        }
        (Err(message), _) => marks.faults.push(Fault { by: SuppressedBy::Comment, about, message }),
    }
}

/// Reads a comment of another scanner.
fn foreign<'a>(text: &Text<'a>, comment: &Comment<'_>, marks: &mut Marks<'a>) {
    let Some(document) = document_of(text, comment) else { return };
    for peers::Ignore { directive, reach } in peers::of_comment(comment.words) {
        let covered = covered(comment, reach, document.tree.root());
        let start = covered.map_or(comment.span.start, |covered| covered.start);
        let Some((index, object)) = object_at(document, start) else { continue };
        let about = About::of(object, FieldPath::root(), Location::at(object, comment.span));
        let scope = match (reach, covered) {
            (Reach::Object, _) => Scope::Object { index, container: None },
            (_, Some(covered)) => block(text.source, covered),
            (_, None) => continue,
        };
        let mark = Mark::new(SuppressedBy::Comment, directive, scope, about);
        marks.marks.push(Mark { foreign: true, ..mark });
    }
}

fn block<'a>(source: &Source, covered: Span) -> Scope<'a> {
    Scope::Block {
        file: source.name().to_owned(),
        from: source.position(covered.start),
        to: source.position(covered.end),
    }
}

/// The document that a comment belongs to, if it holds an object.
fn document_of<'t, 's>(text: &'t Text<'s>, comment: &Comment<'_>) -> Option<&'t Document<'s>> {
    // The first byte of the line that it is about lies in the document, or is what begins it.
    let at = comment.line.map_or(comment.span.start, |line| line.end);
    text.documents.iter().rev().find(|document| {
        let start = document.tree.root().span().start;
        comment.document <= start && start <= at
    })
}

/// The object around a byte of a document; its first, where there is none.
fn object_at<'s>(document: &Document<'s>, offset: u32) -> Option<(usize, &'s Object)> {
    let around = |object: &Object| {
        let span = object.root().span();
        span.start <= offset && offset < span.end
    };
    document
        .objects
        .iter()
        .find(|(_, object)| around(object))
        .or(document.objects.first())
        .map(|(index, object)| (*index, *object))
}

/// The path from an object to what begins at a byte of its text.
fn path_within(object: &Object, tree: &Tree, offset: u32) -> FieldPath {
    tree.path_at(offset).strip_prefix(&object.within).unwrap_or_default()
}

/// What a comment covers of the document `root`.
fn covered(comment: &Comment<'_>, reach: Reach, root: Node<'_>) -> Option<Span> {
    let line = comment.line?;
    match reach {
        Reach::Line | Reach::Object => Some(line),
        Reach::Block if comment.heads => Some(root.span()),
        Reach::Block => begun_on(root, line),
    }
}

/// What begins on a line: of the outermost fields and list items that begin there, from the first byte to the last. The name of a
/// container, and of an object, stands for all of it: what is missing has no other place.
fn begun_on(root: Node<'_>, line: Span) -> Option<Span> {
    let begins = |span: Span| line.start <= span.start && span.start < line.end;
    let mut node = root;
    // What the name of `node` stands for: itself where it is an item of a list, the object where it is the metadata.
    let mut named: Option<Span> = None;
    loop {
        if let Some(span) = named.filter(|_| node.entry("name").is_some_and(|entry| begins(entry.key_span))) {
            return Some(span);
        }
        let fields = node.entries().map(|entry| {
            // The value of an alias is written elsewhere, before its key.
            let end = entry.value.span().end.max(entry.key_span.end);
            (Span::new(entry.key_span.start, end), entry.value)
        });
        let items = node.items().map(|item| (item.span(), item));
        let (mut begun, mut around) = (None::<Span>, None);
        for (span, child) in fields.chain(items) {
            if begins(span) {
                let all = begun.get_or_insert(span);
                *all = Span::new(all.start.min(span.start), all.end.max(span.end));
            } else if span.start < line.start && line.start < span.end {
                around = Some(child);
            }
        }
        if begun.is_some() {
            return begun;
        }
        let inner: Node<'_> = around?;
        let is_item = node.kind() == Kind::Sequence;
        let is_metadata = node.get("metadata").is_some_and(|metadata| metadata.index() == inner.index());
        let object = is_metadata && node.get("kind").is_some();
        named = if is_item { Some(inner.span()) } else { object.then(|| node.span()) };
        node = inner;
    }
}
