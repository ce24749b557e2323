//! One YAML document into a tree, as Kubernetes' tools read it (go-yaml v2 under sigs.k8s.io/yaml).
//!
//! `granit-parser` gives the grammar and the spans; what scalars, keys, merges and aliases mean is decided
//! here. What granit takes and go-yaml refuses is refused by [`refused`].

mod refused;
mod scalar;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{Event, Options, Parser, ScalarStyle, StrInput, StructureStyle, Tag, options};
use ringwall_model::text::{Source, Span};
use ringwall_model::tree::{Kind, Node, Tree, TreeBuilder};

use crate::Limits;
use crate::ReadError;
use scalar::Scalar;

/// What a piece of a stream holds.
pub(crate) struct Read {
    pub(crate) tree: Tree,
    /// What strict decoding refuses.
    pub(crate) strict: Option<ReadError>,
    /// What stands behind the document, and is dropped.
    pub(crate) dropped: Option<ReadError>,
}

/// Reads the first YAML document in `piece` of the source; what follows it in the piece is dropped, as the
/// reference drops it.
///
/// # Errors
/// The first thing that Kubernetes' tools refuse.
pub(crate) fn document(source: &Arc<Source>, piece: Span, limits: &Limits) -> Result<Read, ReadError> {
    let text = source.slice(piece);
    refused::characters(text).map_err(|(at, message)| fault(piece.start + at as u32, message))?;
    refused::beginning(text).map_err(|(at, message)| fault(piece.start + at as u32, message))?;
    // granit refuses tabs that lead a line inside [] and {}, where go-yaml takes them for white space. Such
    // a tab is read as a space, which moves nothing; whether it may stand there, `refused` judges from
    // the text as written.
    let mut patched: Cow<'_, str> = Cow::Borrowed(text);
    let mut attempts = 0;
    let reader = loop {
        let mut reader = Reader::new(source, piece.start, text, limits);
        match reader.read(parser(&patched, limits)) {
            Ok(()) => break reader,
            Err(error) => {
                attempts += 1;
                let local = (error.offset - piece.start) as usize;
                let patch = reader.refused_by_grammar && attempts <= MAX_TAB_PASSES;
                let next = if patch {
                    without_leading_tabs(&patched, local, reader.layout.followed())
                } else {
                    None
                };
                match next {
                    Some(next) => patched = Cow::Owned(next),
                    None => return Err(error),
                }
            }
        }
    };
    let (strict, unfit, collisions) = (reader.strict, reader.unfit, reader.collisions);
    let dropped = after_the_document(text, reader.end).map(|at| {
        fault(
            piece.start + at as u32,
            "what stands here is passed over by kubectl: put `---` alone on a line before it",
        )
    });
    let mut tree = reader.builder.finish();
    if unfit && let Some(error) = not_json(tree.root()) {
        return Err(error);
    }
    for key in collisions {
        tree.shadow(key);
    }
    Ok(Read { tree, strict, dropped })
}

/// The first thing that stands behind a document, besides `...`, comments and blank lines.
fn after_the_document(text: &str, end: usize) -> Option<usize> {
    let mut at = end;
    for line in text.get(end..)?.split_inclusive('\n') {
        let content = line.trim_start();
        let end = content.strip_prefix("...").map(str::trim_start);
        let nothing = content.is_empty()
            || content.starts_with('#')
            || end.is_some_and(|rest| rest.is_empty() || rest.starts_with('#'));
        if !nothing {
            return Some(at + line.len() - content.len());
        }
        at += line.len();
    }
    None
}

/// The first part of a document that JSON cannot hold. Parts that a later equal key overrides do not count.
fn not_json(root: Node<'_>) -> Option<ReadError> {
    let mut todo = vec![root];
    while let Some(node) = todo.pop() {
        if node.as_f64().is_some_and(|value| !value.is_finite()) {
            return Some(fault(
                node.span().start,
                format!("{} is a number that JSON cannot hold", node.raw()),
            ));
        }
        // Last in, first out: children go in backwards, so that the first fault in the text is found first.
        let mut children: Vec<Node<'_>> = node.items().collect();
        for entry in node.entries() {
            if !entry.is_text {
                let raw = node.tree().source().slice(entry.key_span);
                let what = if raw.is_empty() { "a key that is left out" } else { raw };
                return Some(fault(entry.key_span.start, format!("{what} cannot be a key")));
            }
            children.push(entry.value);
        }
        todo.extend(children.into_iter().rev());
    }
    None
}

/// Collections in [] or {} with leading tabs that one document may have: each costs another pass.
const MAX_TAB_PASSES: usize = 64;

/// The text with spaces for the tabs that lead lines, from the line around `at` to where the collections in [] or {}
/// end that are open there; `None` where none is open, or no tab leads that line. `followed` is a place before `at`,
/// and how many collections are open there.
fn without_leading_tabs(text: &str, at: usize, followed: (usize, usize)) -> Option<String> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |line_break| line_break + 1);
    let white = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    if !text[start..start + white(&text[start..])].contains('\t') {
        return None;
    }
    let mut brackets = Brackets { depth: followed.1, quote: None };
    text.get(followed.0..start)
        .unwrap_or_default()
        .split_inclusive('\n')
        .for_each(|line| brackets.pass(line));
    if brackets.depth == 0 {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    out.push_str(&text[..start]);
    let mut done = start;
    for line in text[start..].split_inclusive('\n') {
        if brackets.depth == 0 {
            break;
        }
        // Inside quotes, a line's leading white space is folded away whatever it is made of.
        let lead = white(line);
        out.push_str(&" ".repeat(lead));
        out.push_str(&line[lead..]);
        done += line.len();
        brackets.pass(&line[lead..]);
    }
    out.push_str(&text[done..]);
    Some(out)
}

/// Which [] and {} are open, followed line by line.
struct Brackets {
    depth: usize,
    quote: Option<char>,
}

impl Brackets {
    fn pass(&mut self, line: &str) {
        let mut before = ' ';
        let mut chars = line.chars();
        while let Some(c) = chars.next() {
            match (self.quote, c) {
                (Some('"'), '\\') => drop(chars.next()),
                (Some(open), c) if c == open => self.quote = None,
                (Some(_), _) => {}
                (None, '#') if before.is_whitespace() => break,
                (None, '"' | '\'') if before.is_whitespace() || matches!(before, '[' | '{' | ',' | ':') => {
                    self.quote = Some(c);
                }
                (None, '[' | '{') => self.depth += 1,
                (None, ']' | '}') => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            before = c;
        }
    }
}

fn parser<'t>(text: &'t str, limits: &Limits) -> Parser<'t, StrInput<'t>> {
    let options: Options = options! {
        disallow_directives: true,
        bom_inside_document_as_content: true,
        emit_comments: false,
        emit_anchor_events: true,
        flow_nesting_limit: limits.depth,
        block_nesting_limit: limits.depth,
    };
    Parser::new_from_str_with_options(text, options)
}

fn fault(offset: u32, message: impl Into<String>) -> ReadError {
    ReadError { offset, message: message.into() }
}

/// What tells keys apart before they become text: `1` and `'1'` are two keys in YAML and one in JSON.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyType {
    Text,
    Bool,
    Int,
    Float,
}

/// A finished anchored node, or one that is still open.
#[derive(Clone, Copy)]
enum Anchor {
    Open,
    Done {
        node: u32,
        /// How many decoding steps the reference takes for it.
        calls: u64,
        key: Option<KeyType>,
    },
}

struct Frame {
    node: u32,
    anchor: usize,
    /// Decoding steps before this collection began, itself included.
    calls_before: u64,
    block: bool,
    role: Role,
}

enum Role {
    Sequence,
    Mapping {
        /// Keys so far, for repeated ones.
        keys: Keys,
        /// The last key that JSON cannot hold, of those there can be one only: null.
        null_key: Option<u32>,
        /// The key whose value comes next.
        pending: Option<Pending>,
    },
}

enum Pending {
    /// An ordinary key.
    Key,
    /// `<<`: the value's entries are copied into the mapping.
    Merge(u32),
}

/// The keys of one mapping. Small mappings are searched, large ones indexed.
#[derive(Default)]
struct Keys {
    list: Vec<(u32, KeyType)>,
    index: HashMap<Box<str>, usize>,
}

struct Reader<'t> {
    base: u32,
    text: &'t str,
    builder: TreeBuilder,
    frames: Vec<Frame>,
    anchors: HashMap<usize, Anchor>,
    /// Decoding steps so far, and those of them inside aliases.
    calls: u64,
    alias_calls: u64,
    limits: &'t Limits,
    layout: refused::Layout<'t>,
    strict: Option<ReadError>,
    /// Where the document ends.
    end: usize,
    /// Keys that differ in YAML from a later one and not in JSON.
    collisions: Vec<u32>,
    /// Whether it was granit that refused the document.
    refused_by_grammar: bool,
    /// Whether something came by that JSON cannot hold: see [`not_json`].
    unfit: bool,
}

impl<'t> Reader<'t> {
    fn new(source: &Arc<Source>, base: u32, text: &'t str, limits: &'t Limits) -> Self {
        Self {
            base,
            text,
            builder: TreeBuilder::with_capacity(Arc::clone(source), text.len() / 24 + 8),
            frames: Vec::new(),
            anchors: HashMap::new(),
            calls: 0,
            alias_calls: 0,
            limits,
            layout: refused::Layout::new(text),
            strict: None,
            end: text.len(),
            collisions: Vec::new(),
            refused_by_grammar: false,
            unfit: false,
        }
    }

    fn read<'p>(&mut self, mut parser: Parser<'p, StrInput<'p>>) -> Result<(), ReadError> {
        while let Some(next) = parser.next_event() {
            let (event, span) = match next {
                Ok(next) => next,
                Err(error) => {
                    self.refused_by_grammar = true;
                    let at = error.marker().byte_offset().unwrap_or(self.text.len()).min(self.text.len());
                    return Err(fault(self.base + at as u32, error.info()));
                }
            };
            if let Some(tag) = span.tag_span().and_then(|tag| tag.byte_range()) {
                refused::after_tag(self.text, tag.end).map_err(|(at, m)| fault(self.base + at as u32, m))?;
            }
            let range = span.byte_range().unwrap_or(0..0);
            let local = Span::new(range.start as u32, range.end as u32);
            match event {
                Event::DocumentEnd => {
                    self.end = range.start;
                    return self.finish_layout(range.start);
                }
                Event::Scalar(text, style, anchor, tag) => {
                    self.scalar(&text, style, anchor, tag.as_deref(), local)?;
                }
                Event::SequenceStart(style, anchor, _) => self.begin(Kind::Sequence, style, anchor, local)?,
                Event::MappingStart(style, anchor, _) => self.begin(Kind::Mapping, style, anchor, local)?,
                Event::SequenceEnd | Event::MappingEnd => self.end(local)?,
                Event::Alias(id) => {
                    refused::name(self.text, &range).map_err(|(at, m)| fault(self.base + at as u32, m))?;
                    self.alias(id, local)?;
                }
                Event::Anchor(..) => {
                    refused::name(self.text, &range).map_err(|(at, m)| fault(self.base + at as u32, m))?;
                }
                _ => {}
            }
            if self.builder.len() > self.limits.nodes {
                return Err(self.at(local, format!("more than {} nodes", self.limits.nodes)));
            }
        }
        self.finish_layout(self.text.len())
    }

    fn finish_layout(&mut self, end: usize) -> Result<(), ReadError> {
        self.layout.finish(end).map_err(|(at, message)| fault(self.base + at as u32, message))
    }

    fn at(&self, local: Span, message: impl Into<String>) -> ReadError {
        fault(self.base + local.start, message)
    }

    fn global(&self, local: Span) -> Span {
        Span::new(self.base + local.start, self.base + local.end)
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        local: Span,
    ) -> Result<(), ReadError> {
        let plain = style == ScalarStyle::Plain;
        let raw = self.text.get(local.start as usize..local.end as usize).unwrap_or_default();
        // A value that is left out comes as `~` of no width.
        let absent = plain && local.is_empty();
        let text = if absent { "" } else { text };
        if !absent {
            self.layout
                .scalar(local.start as usize, local.end as usize, style)
                .map_err(|(at, message)| fault(self.base + at as u32, message))?;
        }
        let tag_name = tag.map(|tag| {
            let (handle, suffix) = tag.parts();
            format!("{handle}{suffix}")
        });
        let resolved =
            scalar::resolve(text, plain, tag_name.as_deref()).map_err(|message| self.at(local, message))?;
        let merge = text == "<<"
            && !absent
            && ((plain && tag.is_none())
                || matches!(tag_name.as_deref(), Some("tag:yaml.org,2002:merge" | "!")));
        if self.expects_key() {
            return self.key(text, raw, &resolved, merge, anchor, local);
        }
        self.calls += 1;
        let span = self.global(local);
        let node = self.add(&resolved, text, raw, span);
        self.anchored(anchor, node, 1, key_type(&resolved));
        self.value_done()
    }

    fn expects_key(&self) -> bool {
        matches!(self.frames.last(), Some(Frame { role: Role::Mapping { pending: None, .. }, .. }))
    }

    fn key(
        &mut self,
        text: &str,
        raw: &str,
        resolved: &Scalar,
        merge: bool,
        anchor: usize,
        local: Span,
    ) -> Result<(), ReadError> {
        let span = self.global(local);
        let block = self.frames.last().is_none_or(|frame| frame.block);
        let explicit = || self.text[..local.start as usize].trim_end().ends_with('?');
        let has_value = || self.text[local.end as usize..].trim_start().starts_with(':');
        if !block && raw.trim_end().contains('\n') && has_value() && !explicit() {
            return Err(self.at(local, "a key inside {} stands on one line"));
        }
        if merge {
            let slot = self.builder.key(span, span, "<<");
            self.builder.shadow(slot);
            self.anchored(anchor, slot, 1, Some(KeyType::Text));
            self.set_pending(Pending::Merge(slot));
            return Ok(());
        }
        self.calls += 1;
        let Some(name) = scalar::key_text(resolved, text) else {
            // Refused in the end, unless the mapping itself is overridden.
            self.unfit = true;
            let slot = self.builder.null(span);
            self.anchored(anchor, slot, 1, None);
            if *resolved == Scalar::Null {
                self.second_null_key(slot);
            }
            self.set_pending(Pending::Key);
            return Ok(());
        };
        let slot =
            if name == raw { self.builder.borrowed_key(span, span) } else { self.key_slot(span, raw, &name) };
        let kind = key_type(resolved).unwrap_or(KeyType::Text);
        self.anchored(anchor, slot, 1, Some(kind));
        self.register(slot, kind);
        self.set_pending(Pending::Key);
        Ok(())
    }

    /// A key that is not written as it is meant: quoted, or a number or word that became text.
    fn key_slot(&mut self, span: Span, raw: &str, name: &str) -> u32 {
        match inner(raw) {
            Some(text) if text == name => {
                self.builder.borrowed_key(span, Span::new(span.start + 1, span.end - 1))
            }
            _ => self.builder.key(span, Span::new(span.start, span.start), name),
        }
    }

    fn set_pending(&mut self, key: Pending) {
        if let Some(Frame { role: Role::Mapping { pending, .. }, .. }) = self.frames.last_mut() {
            *pending = Some(key);
        }
    }

    fn second_null_key(&mut self, slot: u32) {
        let Some(Frame { role: Role::Mapping { null_key, .. }, .. }) = self.frames.last_mut() else { return };
        if let Some(earlier) = null_key.replace(slot) {
            self.builder.shadow(earlier);
            let span = self.builder.span(slot);
            self.strict.get_or_insert(fault(span.start, "the key null is here twice"));
        }
    }

    /// Notes a key of the innermost mapping; an equal earlier one is overridden.
    fn register(&mut self, slot: u32, kind: KeyType) {
        let Some(Frame { role: Role::Mapping { keys, .. }, .. }) = self.frames.last_mut() else { return };
        let name = self.builder.text_of(slot);
        let earlier = keys.find(name, &self.builder);
        let place = keys.list.len();
        if place >= 16 {
            keys.index_from(&self.builder);
            keys.index.insert(name.into(), place);
        }
        keys.list.push((slot, kind));
        if let Some(index) = earlier {
            let (old, old_kind) = keys.list[index];
            let span = self.builder.span(slot);
            let message = if old_kind == kind {
                self.builder.shadow(old);
                format!("the key \"{}\" is here twice", self.builder.text_of(slot))
            } else {
                self.collisions.push(old);
                let name = self.builder.text_of(slot);
                format!("two keys become \"{name}\" in JSON; which one counts is random in Kubernetes' tools")
            };
            self.strict.get_or_insert(fault(span.start, message));
        }
    }

    fn add(&mut self, resolved: &Scalar, text: &str, raw: &str, span: Span) -> u32 {
        match resolved {
            Scalar::Null => self.builder.null(span),
            Scalar::Bool(value) => self.builder.boolean(span, *value),
            Scalar::Int(value) => self.builder.integer(span, *value),
            Scalar::Uint(value) => self.builder.unsigned(span, *value),
            Scalar::Float(value) => {
                self.unfit |= !value.is_finite();
                self.float(span, *value)
            }
            Scalar::Str if text == raw => self.builder.borrowed(span, span),
            Scalar::Str => match inner(raw) {
                Some(inside) if inside == text => {
                    self.builder.borrowed(span, Span::new(span.start + 1, span.end - 1))
                }
                _ => self.builder.string(span, text),
            },
            Scalar::Owned(text) => self.builder.string(span, text),
        }
    }

    /// A float becomes JSON text on its way, and a whole number is an integer from then on.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole numbers within the bounds that are checked"
    )]
    fn float(&mut self, span: Span, value: f64) -> u32 {
        const TWO_63: f64 = 9_223_372_036_854_775_808.0;
        if !value.is_finite() || value.fract() != 0.0 {
            return self.builder.float(span, value);
        }
        if (-TWO_63..TWO_63).contains(&value) {
            self.builder.integer(span, value as i64)
        } else if (TWO_63..TWO_63 * 2.0).contains(&value) {
            self.builder.unsigned(span, value as u64)
        } else {
            self.builder.float(span, value)
        }
    }

    fn anchored(&mut self, anchor: usize, node: u32, calls: u64, key: Option<KeyType>) {
        if anchor > 0 {
            self.anchors.insert(anchor, Anchor::Done { node, calls, key });
        }
    }

    fn begin(
        &mut self,
        kind: Kind,
        style: StructureStyle,
        anchor: usize,
        local: Span,
    ) -> Result<(), ReadError> {
        if self.expects_key() {
            return Err(self.at(local, format!("{} cannot be a key", kind.described())));
        }
        let flow = style == StructureStyle::Flow;
        self.layout.begin(local.start as usize, flow);
        let calls_before = self.calls;
        self.calls += 1;
        if anchor > 0 {
            self.anchors.insert(anchor, Anchor::Open);
        }
        let node = self.builder.begin(kind, self.base + local.start);
        let role = if kind == Kind::Mapping {
            Role::Mapping { keys: Keys::default(), null_key: None, pending: None }
        } else {
            Role::Sequence
        };
        self.frames.push(Frame { node, anchor, calls_before, block: !flow, role });
        Ok(())
    }

    fn end(&mut self, local: Span) -> Result<(), ReadError> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        // A block collection ends where its last child does, and not at the next token.
        self.builder.end((!frame.block).then_some(self.base + local.end));
        self.layout
            .end(local.end as usize, !frame.block)
            .map_err(|(at, m)| fault(self.base + at as u32, m))?;
        self.anchored(frame.anchor, frame.node, self.calls - frame.calls_before, None);
        self.value_done()
    }

    fn alias(&mut self, id: usize, local: Span) -> Result<(), ReadError> {
        let (node, calls, key) = match self.anchors.get(&id) {
            Some(Anchor::Done { node, calls, key }) => (*node, *calls, *key),
            Some(Anchor::Open) => return Err(self.at(local, "an anchor that contains itself")),
            None => return Err(self.at(local, "an alias without its anchor")),
        };
        self.calls += 1 + calls;
        self.alias_calls += calls;
        if self.is_alias_bomb() {
            return Err(self.at(local, "the document contains excessive aliasing"));
        }
        if self.builder.len() + self.builder.size(node) > self.limits.nodes {
            return Err(self.at(local, format!("more than {} nodes", self.limits.nodes)));
        }
        if self.expects_key() {
            let Some(kind) = key else {
                return Err(
                    self.at(local, format!("{} cannot be a key", self.builder.kind(node).described()))
                );
            };
            let name = self.key_name_of(node);
            self.builder.share(node);
            let span = self.global(local);
            let slot = self.builder.key(span, Span::new(span.start, span.start), &name);
            self.register(slot, kind);
            self.set_pending(Pending::Key);
            return Ok(());
        }
        let merged = matches!(
            self.frames.last(),
            Some(Frame { role: Role::Mapping { pending: Some(Pending::Merge(_)), .. }, .. })
        );
        if merged && self.builder.kind(node) != Kind::Mapping {
            return Err(
                self.at(local, "`<<` needs a mapping or a list of mappings; this alias is something else")
            );
        }
        self.builder.alias(node, self.global(local));
        self.value_done()
    }

    /// The text of an anchored scalar that is used as a key.
    fn key_name_of(&self, node: u32) -> String {
        if self.builder.kind(node) == Kind::String {
            self.builder.text_of(node).to_owned()
        } else {
            let raw = self.builder.span(node);
            let written = self.text.get((raw.start - self.base) as usize..(raw.end - self.base) as usize);
            let written = written.unwrap_or_default();
            let resolved = scalar::resolve(written, true, None).unwrap_or(Scalar::Str);
            scalar::key_text(&resolved, written).unwrap_or_default()
        }
    }

    /// The reference's guard against documents that are mostly aliases.
    /// Source: `decoder.unmarshal` and `allowedAliasRatio` in go.yaml.in/yaml/v2 `decode.go`.
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    fn is_alias_bomb(&self) -> bool {
        const LOW: f64 = 400_000.0;
        const HIGH: f64 = 4_000_000.0;
        let (calls, alias_calls) = (self.calls as f64, self.alias_calls as f64);
        let allowed = if calls <= LOW {
            0.99
        } else if calls >= HIGH {
            0.10
        } else {
            0.99 - 0.89 * ((calls - LOW) / (HIGH - LOW))
        };
        self.alias_calls > 100 && self.calls > 1000 && alias_calls / calls > allowed
    }

    /// A value is complete: if it was a merge's, its entries go into the mapping.
    fn value_done(&mut self) -> Result<(), ReadError> {
        let Some(Frame { role: Role::Mapping { pending, .. }, .. }) = self.frames.last_mut() else {
            return Ok(());
        };
        match pending.take() {
            Some(Pending::Merge(slot)) => self.merge(slot),
            _ => Ok(()),
        }
    }

    fn merge(&mut self, slot: u32) -> Result<(), ReadError> {
        let value = slot + 1;
        let refuse = |reader: &Self| {
            let span = reader.builder.span(slot);
            Err(fault(span.start, "`<<` needs a mapping or a list of mappings"))
        };
        match self.builder.kind(value) {
            Kind::Mapping => self.merge_from(value),
            Kind::Sequence => {
                let parts = self.builder.children(value);
                if parts.iter().any(|part| self.builder.kind(*part) != Kind::Mapping) {
                    return refuse(self);
                }
                // Earlier mappings win, so they are copied last.
                for part in parts.into_iter().rev() {
                    self.merge_from(part)?;
                }
                Ok(())
            }
            _ => refuse(self),
        }
    }

    fn merge_from(&mut self, mapping: u32) -> Result<(), ReadError> {
        let children = self.builder.children(mapping);
        for pair in children.chunks_exact(2) {
            if self.builder.is_shadowed(pair[0]) {
                continue;
            }
            if self.builder.len() + self.builder.size(pair[1]) > self.limits.nodes {
                let span = self.builder.span(pair[0]);
                return Err(fault(span.start, format!("more than {} nodes", self.limits.nodes)));
            }
            let key = self.builder.copy(pair[0]);
            self.builder.copy(pair[1]);
            if self.builder.kind(key) == Kind::String {
                self.register(key, KeyType::Text);
            } else {
                self.second_null_key(key);
            }
        }
        Ok(())
    }
}

impl Keys {
    fn find(&self, name: &str, builder: &TreeBuilder) -> Option<usize> {
        if self.index.is_empty() {
            return self.list.iter().rposition(|(slot, _)| builder.text_of(*slot) == name);
        }
        self.index.get(name).copied()
    }

    /// Begins the index when the list has grown long enough for it.
    fn index_from(&mut self, builder: &TreeBuilder) {
        if self.index.is_empty() {
            self.index = self
                .list
                .iter()
                .enumerate()
                .map(|(place, (slot, _))| (builder.text_of(*slot).into(), place))
                .collect();
        }
    }
}

fn key_type(scalar: &Scalar) -> Option<KeyType> {
    match scalar {
        Scalar::Null | Scalar::Uint(_) => None,
        Scalar::Bool(_) => Some(KeyType::Bool),
        Scalar::Int(_) => Some(KeyType::Int),
        Scalar::Float(_) => Some(KeyType::Float),
        Scalar::Str | Scalar::Owned(_) => Some(KeyType::Text),
    }
}

/// What stands between the quotes of a quoted scalar.
fn inner(raw: &str) -> Option<&str> {
    let quote = raw.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    raw.get(1..)?.strip_suffix(quote)
}
