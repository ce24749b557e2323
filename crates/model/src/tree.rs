//! The arena of nodes that a YAML or JSON document becomes, with a byte span for every node.
//!
//! A tree is one vector in document order: a collection is followed by its children, and
//! knows where its last descendant ends. Mappings hold a key slot before each value. There are no
//! pointers, so building costs one push a node and walking runs forward through memory.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::{Arc, OnceLock};

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::path::{FieldPath, Segment};
use crate::text::{Source, Span};

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`, or a value that was left out.
    Null,
    /// `true` or `false`.
    Bool,
    /// An integer that fits an `i64`.
    Integer,
    /// An integer above `i64::MAX` that fits a `u64`.
    Unsigned,
    /// Any other number.
    Float,
    /// Text.
    String,
    /// A list.
    Sequence,
    /// A mapping with text keys.
    Mapping,
}

impl Kind {
    /// The word that error messages use, with its article.
    pub const fn described(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Integer | Self::Unsigned => "an integer",
            Self::Float => "a number",
            Self::String => "a string",
            Self::Sequence => "a list",
            Self::Mapping => "a mapping",
        }
    }
}

const SIDE: u8 = 1; // the text lies in `Tree::strings`, not in the source
const SHADOWED: u8 = 2; // a key that a later equal key of the same mapping overrides
const TAKEN: u8 = 4; // an alias or a merge brought the node here; it is written elsewhere
const SHARED: u8 = 8; // an alias or a merge takes the node to another place as well

#[derive(Clone, Copy, Debug)]
struct Slot {
    kind: Kind,
    flags: u8,
    span: Span,
    /// Index after the last descendant.
    next: u32,
    /// The value's bits, or offset and length of its text.
    data: u64,
}

/// One document: its nodes and the text that they were read from.
#[derive(Debug)]
pub struct Tree {
    source: Arc<Source>,
    slots: Vec<Slot>,
    strings: String,
    /// The nodes that an alias brought, in order, each with the place of the alias.
    aliases: Vec<(u32, Span)>,
    /// Made when an element of a large collection is first asked for by index or key.
    large: OnceLock<Large>,
}

/// Collections with more elements than this are indexed when one of them is asked for: otherwise who asks for each
/// pays the square of their number.
const LARGE: usize = 64;

/// The elements of the large collections of a tree.
#[derive(Debug, Default)]
struct Large {
    /// For each large list, the slots of its elements.
    items: HashMap<u32, Vec<u32>>,
    /// For each large mapping, the key slots by the hash of their text, in document order.
    keys: HashMap<u32, HashMap<u64, Vec<u32>>>,
}

fn hash_of(key: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(key)
}

/// Reads a text in YAML that is no object; the message says what is wrong with it.
pub type ReadText<'r> = dyn Fn(&str) -> Result<Tree, String> + 'r;

impl Tree {
    const fn new(source: Arc<Source>, slots: Vec<Slot>) -> Self {
        Self { source, slots, strings: String::new(), aliases: Vec::new(), large: OnceLock::new() }
    }

    /// The index of large collections. Costs one pass over the tree, once.
    fn large(&self) -> &Large {
        self.large.get_or_init(|| {
            let mut large = Large::default();
            for index in 0..self.slots.len() as u32 {
                let node = Node { tree: self, index };
                match node.kind() {
                    Kind::Sequence if node.items().nth(LARGE).is_some() => {
                        large.items.insert(index, node.items().map(Node::index).collect());
                    }
                    Kind::Mapping if node.entries().nth(LARGE).is_some() => {
                        let keys = large.keys.entry(index).or_default();
                        let mut entries = node.entries();
                        while let Some((key, entry)) = entries.next_slot() {
                            keys.entry(hash_of(entry.key)).or_default().push(key);
                        }
                    }
                    _ => {}
                }
            }
            large
        })
    }

    /// The text that the spans refer to.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// The document itself.
    pub fn root(&self) -> Node<'_> {
        Node { tree: self, index: 0 }
    }

    /// The node with this index, as [`Node::index`] gave it.
    pub fn node(&self, index: u32) -> Node<'_> {
        debug_assert!((index as usize) < self.slots.len());
        Node { tree: self, index }
    }

    /// How many nodes there are, keys included.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are no nodes at all; a finished tree has at least one.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Hides the entry whose key is `index`, as [`TreeBuilder::shadow`] does before.
    pub fn shadow(&mut self, index: u32) {
        self.slots[index as usize].flags |= SHADOWED;
    }

    /// The path of the innermost node that is written around the byte `offset`.
    /// Costs a walk along one branch of the tree.
    pub fn path_at(&self, offset: u32) -> FieldPath {
        let mut path = FieldPath::root();
        let mut node = self.root();
        let covers = |span: Span| span.start <= offset && offset < span.end;
        'down: loop {
            match node.kind() {
                Kind::Mapping => {
                    for entry in node.entries() {
                        if covers(entry.key_span) || covers(entry.value.span()) {
                            path.push(Segment::key(entry.key));
                            if !covers(entry.value.span()) {
                                return path;
                            }
                            node = entry.value;
                            continue 'down;
                        }
                    }
                }
                Kind::Sequence => {
                    for (index, item) in node.items().enumerate() {
                        if covers(item.span()) {
                            path.push(Segment::Index(index));
                            node = item;
                            continue 'down;
                        }
                    }
                }
                _ => {}
            }
            return path;
        }
    }

    fn text_of(&self, slot: &Slot) -> &str {
        let (start, len) = ((slot.data >> 32) as usize, (slot.data & 0xFFFF_FFFF) as usize);
        let buffer = if slot.flags & SIDE == 0 { self.source.text() } else { &self.strings };
        buffer.get(start..start + len).unwrap_or_default()
    }
}

/// A node of a [`Tree`]. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Node<'t> {
    tree: &'t Tree,
    index: u32,
}

/// A key of a mapping with its value.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'t> {
    /// The key's text.
    pub key: &'t str,
    /// Where the key is written.
    pub key_span: Span,
    /// The value.
    pub value: Node<'t>,
    /// Whether the key is text; only a tree that is not checked yet holds others.
    pub is_text: bool,
}

/// An entry of a mapping as its text has it.
#[derive(Clone, Copy, Debug)]
pub struct Written<'t> {
    /// Key and value.
    pub entry: Entry<'t>,
    /// Whether it does not count: a later equal key stands for it, or it is a merge.
    pub overridden: bool,
    /// Whether an alias or a merge takes the key to another place as well.
    pub shared: bool,
}

impl<'t> Node<'t> {
    fn slot(self) -> &'t Slot {
        &self.tree.slots[self.index as usize]
    }

    /// The tree that the node belongs to.
    pub fn tree(self) -> &'t Tree {
        self.tree
    }

    /// The node's place in its tree's arena; [`Tree::node`] takes it back.
    pub fn index(self) -> u32 {
        self.index
    }

    /// What the node is.
    pub fn kind(self) -> Kind {
        self.slot().kind
    }

    /// Where the node is written. A value taken over by a YAML alias is written at its anchor.
    pub fn span(self) -> Span {
        self.slot().span
    }

    /// Where the alias stands that brought the node here; `None` for a node that no alias brought, and for what lies
    /// inside such a node.
    pub fn alias(self) -> Option<Span> {
        let aliases = &self.tree.aliases;
        let at = aliases.binary_search_by_key(&self.index, |(node, _)| *node).ok()?;
        aliases.get(at).map(|(_, span)| *span)
    }

    /// Whether an alias or a merge brought the node here, so that its text stands elsewhere.
    pub fn is_taken(self) -> bool {
        self.slot().flags & TAKEN != 0
    }

    /// Whether an alias or a merge takes the node to another place as well.
    pub fn is_shared(self) -> bool {
        self.slot().flags & SHARED != 0
    }

    /// Whether [`Node::is_shared`] is true of the node or of a part of it. Costs a look at each part.
    pub fn holds_shared(self) -> bool {
        let slots = self.tree.slots.get(self.index as usize..self.slot().next as usize);
        slots.unwrap_or_default().iter().any(|slot| slot.flags & SHARED != 0)
    }

    /// The text of the node as written.
    pub fn raw(self) -> &'t str {
        self.tree.source.slice(self.span())
    }

    /// Whether the node is null.
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// The boolean, if it is one.
    pub fn as_bool(self) -> Option<bool> {
        let slot = self.slot();
        (slot.kind == Kind::Bool).then_some(slot.data != 0)
    }

    /// The integer, if it is one that fits.
    #[expect(clippy::cast_possible_wrap, reason = "the bits of an i64, taken back")]
    pub fn as_i64(self) -> Option<i64> {
        let slot = self.slot();
        (slot.kind == Kind::Integer).then_some(slot.data as i64)
    }

    /// The integer, if it is one that is not negative.
    pub fn as_u64(self) -> Option<u64> {
        let slot = self.slot();
        match slot.kind {
            Kind::Integer => self.as_i64().and_then(|value| u64::try_from(value).ok()),
            Kind::Unsigned => Some(slot.data),
            _ => None,
        }
    }

    /// The number, rounded where a float cannot hold it.
    #[expect(clippy::cast_precision_loss, reason = "rounding is what is asked for")]
    pub fn as_f64(self) -> Option<f64> {
        let slot = self.slot();
        match slot.kind {
            Kind::Integer => self.as_i64().map(|value| value as f64),
            Kind::Unsigned => Some(slot.data as f64),
            Kind::Float => Some(f64::from_bits(slot.data)),
            _ => None,
        }
    }

    /// The text, if it is text.
    pub fn as_str(self) -> Option<&'t str> {
        let slot = self.slot();
        (slot.kind == Kind::String).then(|| self.tree.text_of(slot))
    }

    /// The elements of a sequence; none for anything else.
    pub fn items(self) -> Items<'t> {
        let slot = self.slot();
        let next = if slot.kind == Kind::Sequence { slot.next } else { self.index + 1 };
        Items { tree: self.tree, at: self.index + 1, end: next }
    }

    /// The entries of a mapping in the order written; none for anything else.
    ///
    /// Keys of YAML documents are unique here (the last one stands, as in the reference). JSON documents keep
    /// repeated keys, because what they mean depends on the type that reads them: see [`crate::decode`].
    pub fn entries(self) -> Entries<'t> {
        let slot = self.slot();
        let next = if slot.kind == Kind::Mapping { slot.next } else { self.index + 1 };
        Entries { tree: self.tree, at: self.index + 1, end: next }
    }

    /// The entries of a mapping as its text has them: keys that a later equal key overrides and merges (`<<`) are
    /// among them, what a merge brings is not.
    pub fn written_entries(self) -> impl Iterator<Item = Written<'t>> {
        let mut entries = self.entries();
        std::iter::from_fn(move || {
            loop {
                let (slot, entry) = entries.next_written()?;
                let flags = self.tree.slots[slot as usize].flags;
                if flags & TAKEN == 0 {
                    let overridden = flags & SHADOWED != 0;
                    let shared = flags & SHARED != 0;
                    return Some(Written { entry, overridden, shared });
                }
            }
        })
    }

    /// The value under `key`; of repeated keys, the last. A scan of a small mapping, a look-up in a large one.
    pub fn get(self, key: &str) -> Option<Node<'t>> {
        self.entry(key).map(|entry| entry.value)
    }

    /// The entry under `key`; of repeated keys, the last. As [`Node::get`].
    pub fn entry(self, key: &str) -> Option<Entry<'t>> {
        let mut found = None;
        for (passed, entry) in self.entries().enumerate() {
            if passed > LARGE {
                let slots = self.tree.large().keys.get(&self.index)?.get(&hash_of(key))?;
                let at = |slot: &u32| Entries { tree: self.tree, at: *slot, end: slot + 1 }.next();
                return slots.iter().rev().filter_map(at).find(|entry| entry.key == key);
            }
            if entry.key == key {
                found = Some(entry);
            }
        }
        found
    }

    /// The element at `index` of a sequence. A scan of a small one, a look-up in a large one.
    pub fn item(self, index: usize) -> Option<Node<'t>> {
        if index < LARGE {
            return self.items().nth(index);
        }
        if self.kind() != Kind::Sequence {
            return None;
        }
        let slot = *self.tree.large().items.get(&self.index)?.get(index)?;
        Some(Node { tree: self.tree, index: slot })
    }

    /// The value at the end of a chain of keys.
    pub fn at(self, keys: &[&str]) -> Option<Node<'t>> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The text at the end of a chain of keys.
    pub fn str_at(self, keys: &[&str]) -> Option<&'t str> {
        self.at(keys)?.as_str()
    }

    /// The node at `path`, if it is written.
    pub fn locate(self, path: &FieldPath) -> Option<Node<'t>> {
        let (node, depth) = self.locate_nearest(path);
        (depth == path.len()).then_some(node)
    }

    /// The deepest written node on the way to `path`, and how many segments of the path lead to it.
    pub fn locate_nearest(self, path: &FieldPath) -> (Node<'t>, usize) {
        let mut node = self;
        for (depth, segment) in path.segments().iter().enumerate() {
            let child = match segment {
                Segment::Key(key) => node.get(key),
                Segment::Index(index) => node.item(*index),
            };
            match child {
                Some(child) => node = child,
                None => return (node, depth),
            }
        }
        (node, path.len())
    }

    /// Where a user should look for `path`: the key that introduces the field where it is written,
    /// else the key of the nearest written ancestor, else the beginning of the node itself.
    ///
    /// A key is better than a value for this: a block mapping's value begins a line later.
    pub fn home_of(self, path: &FieldPath) -> Span {
        let mut node = self;
        let mut home = Span::new(node.span().start, node.span().start);
        for segment in path.segments() {
            match segment {
                Segment::Key(key) => {
                    let Some(entry) = node.entries().filter(|entry| entry.key == &**key).last() else {
                        break;
                    };
                    home = entry.key_span;
                    node = entry.value;
                }
                Segment::Index(index) => {
                    let Some(item) = node.item(*index) else { break };
                    home = item.span();
                    node = item;
                }
            }
        }
        home
    }

    /// Whether two nodes mean the same: equal values, keys in any order, spans ignored.
    pub fn same_meaning(self, other: Node<'_>) -> bool {
        match (self.kind(), other.kind()) {
            (Kind::Mapping, Kind::Mapping) => {
                let sorted = |node: Node<'_>| {
                    // Of repeated keys the last stands.
                    node.entries()
                        .map(|entry| (entry.key.to_owned(), entry.value.index()))
                        .collect::<BTreeMap<_, _>>()
                };
                let (mine, theirs) = (sorted(self), sorted(other));
                mine.len() == theirs.len()
                    && mine.iter().zip(&theirs).all(|((key, a), (other_key, b))| {
                        key == other_key && self.tree.node(*a).same_meaning(other.tree.node(*b))
                    })
            }
            (Kind::Sequence, Kind::Sequence) => {
                self.items().count() == other.items().count()
                    && self.items().zip(other.items()).all(|(a, b)| a.same_meaning(b))
            }
            (Kind::String, Kind::String) => self.as_str() == other.as_str(),
            (a, b) => a == b && self.slot().data == other.slot().data,
        }
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}@{}..{}", self.kind(), self.span().start, self.span().end)
    }
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let slot = self.slot();
        match slot.kind {
            Kind::Null => serializer.serialize_unit(),
            Kind::Bool => serializer.serialize_bool(slot.data != 0),
            #[expect(clippy::cast_possible_wrap, reason = "the bits of an i64, taken back")]
            Kind::Integer => serializer.serialize_i64(slot.data as i64),
            Kind::Unsigned => serializer.serialize_u64(slot.data),
            Kind::Float => serializer.serialize_f64(f64::from_bits(slot.data)),
            Kind::String => serializer.serialize_str(self.tree.text_of(slot)),
            Kind::Sequence => {
                let mut list = serializer.serialize_seq(None)?;
                for item in self.items() {
                    list.serialize_element(&item)?;
                }
                list.end()
            }
            Kind::Mapping => {
                let mut map = serializer.serialize_map(None)?;
                for entry in self.entries() {
                    map.serialize_entry(entry.key, &entry.value)?;
                }
                map.end()
            }
        }
    }
}

/// Iterator of [`Node::items`].
#[derive(Clone, Debug)]
pub struct Items<'t> {
    tree: &'t Tree,
    at: u32,
    end: u32,
}

impl<'t> Iterator for Items<'t> {
    type Item = Node<'t>;

    fn next(&mut self) -> Option<Node<'t>> {
        if self.at >= self.end {
            return None;
        }
        let node = Node { tree: self.tree, index: self.at };
        self.at = node.slot().next;
        Some(node)
    }
}

/// Iterator of [`Node::entries`].
#[derive(Clone, Debug)]
pub struct Entries<'t> {
    tree: &'t Tree,
    at: u32,
    end: u32,
}

impl<'t> Iterator for Entries<'t> {
    type Item = Entry<'t>;

    fn next(&mut self) -> Option<Entry<'t>> {
        self.next_slot().map(|(_, entry)| entry)
    }
}

impl<'t> Entries<'t> {
    /// The next entry with the slot of its key.
    fn next_slot(&mut self) -> Option<(u32, Entry<'t>)> {
        loop {
            let (at, entry) = self.next_written()?;
            if self.tree.slots[at as usize].flags & SHADOWED == 0 {
                return Some((at, entry));
            }
        }
    }

    /// The next entry with the slot of its key, overridden or not.
    #[inline]
    fn next_written(&mut self) -> Option<(u32, Entry<'t>)> {
        if self.at >= self.end {
            return None;
        }
        let at = self.at;
        let key = &self.tree.slots[at as usize];
        let value = Node { tree: self.tree, index: key.next };
        self.at = value.slot().next;
        let is_text = key.kind == Kind::String;
        Some((at, Entry { key: self.tree.text_of(key), key_span: key.span, value, is_text }))
    }
}

/// Fills a [`Tree`], node by node in document order.
///
/// INVARIANT: in a mapping, [`TreeBuilder::key`] comes before each value; every collection that was begun
/// is ended; the finished tree has one root.
#[derive(Debug)]
pub struct TreeBuilder {
    tree: Tree,
    open: Vec<u32>,
}

impl TreeBuilder {
    /// A builder for a document of `source`.
    pub fn new(source: Arc<Source>) -> Self {
        Self { tree: Tree::new(source, Vec::new()), open: Vec::new() }
    }

    /// A builder that expects about `nodes` nodes.
    pub fn with_capacity(source: Arc<Source>, nodes: usize) -> Self {
        Self { tree: Tree::new(source, Vec::with_capacity(nodes)), open: Vec::new() }
    }

    /// Nodes so far, keys included.
    pub fn len(&self) -> usize {
        self.tree.slots.len()
    }

    /// Whether nothing was added yet.
    pub fn is_empty(&self) -> bool {
        self.tree.slots.is_empty()
    }

    fn push(&mut self, kind: Kind, flags: u8, span: Span, data: u64) -> u32 {
        let index = self.tree.slots.len() as u32;
        self.tree.slots.push(Slot { kind, flags, span, next: index + 1, data });
        index
    }

    /// Adds null.
    pub fn null(&mut self, span: Span) -> u32 {
        self.push(Kind::Null, 0, span, 0)
    }

    /// Adds a boolean.
    pub fn boolean(&mut self, span: Span, value: bool) -> u32 {
        self.push(Kind::Bool, 0, span, u64::from(value))
    }

    /// Adds an integer.
    #[expect(clippy::cast_sign_loss, reason = "the bits are kept")]
    pub fn integer(&mut self, span: Span, value: i64) -> u32 {
        self.push(Kind::Integer, 0, span, value as u64)
    }

    /// Adds an integer that may be above `i64::MAX`.
    pub fn unsigned(&mut self, span: Span, value: u64) -> u32 {
        match i64::try_from(value) {
            Ok(value) => self.integer(span, value),
            Err(_) => self.push(Kind::Unsigned, 0, span, value),
        }
    }

    /// Adds a number that is no integer.
    pub fn float(&mut self, span: Span, value: f64) -> u32 {
        self.push(Kind::Float, 0, span, value.to_bits())
    }

    /// Adds text that stands in the source at `content` as it is meant.
    pub fn borrowed(&mut self, span: Span, content: Span) -> u32 {
        self.push(Kind::String, 0, span, pack(content.start, content.end - content.start))
    }

    /// Adds text that differs from what is written (escapes, folded lines).
    pub fn string(&mut self, span: Span, text: &str) -> u32 {
        let start = self.tree.strings.len() as u32;
        self.tree.strings.push_str(text);
        self.push(Kind::String, SIDE, span, pack(start, text.len() as u32))
    }

    /// Adds text: borrowed where the source has exactly `text` at `content`, else owned.
    pub fn text(&mut self, span: Span, content: Span, text: &str) -> u32 {
        if self.tree.source.slice(content) == text {
            self.borrowed(span, content)
        } else {
            self.string(span, text)
        }
    }

    /// Adds a mapping's key whose text stands in the source at `content`.
    pub fn borrowed_key(&mut self, span: Span, content: Span) -> u32 {
        self.borrowed(span, content)
    }

    /// Adds a mapping's key.
    pub fn key(&mut self, span: Span, content: Span, text: &str) -> u32 {
        self.text(span, content, text)
    }

    /// Begins a list or a mapping at byte `start`.
    pub fn begin(&mut self, kind: Kind, start: u32) -> u32 {
        debug_assert!(matches!(kind, Kind::Sequence | Kind::Mapping));
        let index = self.push(kind, 0, Span::new(start, start), 0);
        self.open.push(index);
        index
    }

    /// Ends the collection that was begun last. Without `end`, it reaches as far as its last child.
    pub fn end(&mut self, end: Option<u32>) {
        let Some(index) = self.open.pop() else { return };
        let next = self.tree.slots.len() as u32;
        let first_child = index + 1;
        let end_at = end.unwrap_or_else(|| self.last_end(index, next));
        let first_start = self.tree.slots.get(first_child as usize).map(|slot| slot.span.start);
        let slot = &mut self.tree.slots[index as usize];
        slot.next = next;
        slot.span.end = end_at.max(slot.span.start);
        if let (None, Some(start)) = (end, first_start) {
            // A block collection begins where its first child does.
            slot.span.start = slot.span.start.min(start);
        }
    }

    /// The greatest end among the direct children of `index`: those after an alias may lie before it.
    fn last_end(&self, index: u32, next: u32) -> u32 {
        let start = self.tree.slots[index as usize].span.start;
        let mut at = index + 1;
        let mut last = start;
        while at < next {
            let slot = &self.tree.slots[at as usize];
            if slot.span.start >= start {
                last = last.max(slot.span.end);
            }
            at = slot.next;
        }
        last
    }

    /// Copies the finished node `index`, as a merge does. Spans stay those of the original.
    pub fn copy(&mut self, index: u32) -> u32 {
        let from = index as usize;
        let to = self.tree.slots[from].next as usize;
        let moved = self.tree.slots.len() - from;
        for at in from..to {
            let mut slot = self.tree.slots[at];
            self.tree.slots[at].flags |= SHARED;
            slot.next += moved as u32;
            slot.flags = slot.flags & !SHARED | TAKEN;
            self.tree.slots.push(slot);
        }
        (from + moved) as u32
    }

    /// Copies the finished node `index` for the alias that stands at `alias`. Spans stay those of the original.
    pub fn alias(&mut self, index: u32, alias: Span) -> u32 {
        let copy = self.copy(index);
        self.tree.aliases.push((copy, alias));
        copy
    }

    /// Notes that the text of node `index` is used in another place as well.
    pub fn share(&mut self, index: u32) {
        self.tree.slots[index as usize].flags |= SHARED;
    }

    /// The kind of an earlier node.
    pub fn kind(&self, index: u32) -> Kind {
        self.tree.slots[index as usize].kind
    }

    /// How many nodes (keys included) the finished node `index` holds, itself included.
    pub fn size(&self, index: u32) -> usize {
        (self.tree.slots[index as usize].next - index) as usize
    }

    /// The children of the finished collection `index`.
    pub fn children(&self, index: u32) -> Vec<u32> {
        let mut children = Vec::new();
        let mut at = index + 1;
        while at < self.tree.slots[index as usize].next {
            children.push(at);
            at = self.tree.slots[at as usize].next;
        }
        children
    }

    /// The text of the key or string `index`.
    pub fn text_of(&self, index: u32) -> &str {
        self.tree.text_of(&self.tree.slots[index as usize])
    }

    /// The span of node `index`.
    pub fn span(&self, index: u32) -> Span {
        self.tree.slots[index as usize].span
    }

    /// Hides the entry whose key is `index`: a later equal key stands for it.
    pub fn shadow(&mut self, index: u32) {
        self.tree.slots[index as usize].flags |= SHADOWED;
    }

    /// Whether the entry whose key is `index` is hidden.
    pub fn is_shadowed(&self, index: u32) -> bool {
        self.tree.slots[index as usize].flags & SHADOWED != 0
    }

    /// The finished tree. A document without nodes becomes null.
    pub fn finish(mut self) -> Tree {
        while !self.open.is_empty() {
            self.end(None);
        }
        if self.tree.slots.is_empty() {
            self.null(Span::default());
        }
        // Trees live as long as the snapshot: what the builder's guess left over is given back, where it is worth a copy.
        if self.tree.slots.capacity() > self.tree.slots.len() + self.tree.slots.len() / 4 {
            self.tree.slots.shrink_to_fit();
        }
        self.tree.strings.shrink_to_fit();
        self.tree.aliases.shrink_to_fit();
        self.tree
    }
}

const fn pack(start: u32, len: u32) -> u64 {
    ((start as u64) << 32) | len as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Tree {
        // {"a": [1, "x"], "b": true}
        let source = Arc::new(Source::new("s", r#"{"a": [1, "x"], "b": true}"#));
        let mut b = TreeBuilder::new(source);
        b.begin(Kind::Mapping, 0);
        b.borrowed_key(Span::new(1, 4), Span::new(2, 3));
        b.begin(Kind::Sequence, 6);
        b.integer(Span::new(7, 8), 1);
        b.borrowed(Span::new(10, 13), Span::new(11, 12));
        b.end(Some(14));
        b.borrowed_key(Span::new(16, 19), Span::new(17, 18));
        b.boolean(Span::new(21, 25), true);
        b.end(Some(26));
        b.finish()
    }

    #[test]
    fn a_tree_is_walked_by_key_and_index() {
        let tree = sample();
        let root = tree.root();
        assert_eq!(root.get("b").and_then(Node::as_bool), Some(true));
        assert_eq!(root.get("a").map(|a| a.items().count()), Some(2));
        assert_eq!(serde_json::to_string(&root).unwrap(), r#"{"a":[1,"x"],"b":true}"#);
        assert_eq!(root.get("a").unwrap().raw(), r#"[1, "x"]"#);
    }

    #[test]
    fn an_offset_leads_back_to_the_path() {
        let tree = sample();
        assert_eq!(tree.path_at(11).to_string(), "a[1]");
        assert_eq!(tree.path_at(2).to_string(), "a");
        assert_eq!(tree.path_at(22).to_string(), "b");
        assert_eq!(tree.path_at(0).to_string(), "");
    }

    #[test]
    fn a_missing_field_is_at_home_at_its_nearest_written_parent() {
        let tree = sample();
        let path: FieldPath = "a[7].x".parse().unwrap();
        assert_eq!(tree.root().home_of(&path), Span::new(1, 4));
    }

    #[test]
    fn large_collections_are_looked_up_as_small_ones_are() {
        let keys: Vec<String> = (0..200).map(|number| format!("k{}", number % 150)).collect();
        let mut b = TreeBuilder::new(Arc::new(Source::new("s", "")));
        b.begin(Kind::Mapping, 0);
        for (number, key) in keys.iter().enumerate() {
            b.string(Span::default(), key);
            b.integer(Span::default(), i64::try_from(number).unwrap());
        }
        b.string(Span::default(), "list");
        b.begin(Kind::Sequence, 0);
        for number in 0..100 {
            b.integer(Span::default(), number);
        }
        b.end(None);
        b.end(None);
        let tree = b.finish();
        let number = |key: &str| tree.root().get(key).and_then(Node::as_i64);
        assert_eq!(number("k3"), Some(153), "of repeated keys the last");
        assert_eq!((number("k149"), number("nothing")), (Some(149), None));
        let list = tree.root().get("list").unwrap();
        assert_eq!(list.item(99).and_then(Node::as_i64), Some(99));
        assert!(list.item(100).is_none() && tree.root().item(70).is_none());
    }

    #[test]
    fn slots_stay_small() {
        assert_eq!(std::mem::size_of::<Slot>(), 24, "the arena is what a scan's memory is made of");
    }
}
