//! Where values are written: the forms that the tree does not keep, read again from the text around its spans.
//!
//! Everything is found by going forward from a place that is known (behind a colon, a dash, a bracket) over white
//! space, comments, anchors and tags. What does not stand where it is expected is a [`Fault`], never a guess.

use ringwall_model::tree::{Kind, Node, Written};

use crate::refusal::{Fault, Reason};
use crate::text::{Text, is_blank};

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Left out.
    Absent,
    /// `*name`.
    Alias,
    /// Plain or quoted, on one line or several.
    Scalar,
    /// `|` or `>` and lines.
    BlockScalar,
    /// In `[]` or `{}`.
    Flow,
    /// A collection by indentation.
    Block,
    /// `key: value` as an item of `[]`.
    Pair,
}

/// Where a value stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Behind the colon, dash or separator that introduces it.
    pub(crate) gap: usize,
    /// Behind its last anchor or tag; `gap` where there is none.
    pub(crate) props: usize,
    /// Whether it has a tag.
    pub(crate) tagged: bool,
    /// Its first byte: of a block scalar the header, of a block list the first dash.
    pub(crate) body: usize,
    pub(crate) form: Form,
}

/// Where a value ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    /// Behind its last byte that counts. With `keep` this is the beginning of a line.
    pub(crate) at: usize,
    /// Behind its last byte that is no line break.
    pub(crate) text: usize,
    /// Whether it ends with a block scalar that keeps the blank lines behind it.
    pub(crate) keep: bool,
    /// Whether it ends with a block scalar whose value a further line break would change.
    pub(crate) open: bool,
}

impl End {
    const fn at(at: usize) -> Self {
        Self { at, text: at, keep: false, open: false }
    }
}

/// An entry or an item as it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Child<'t> {
    /// The key, of an entry.
    pub(crate) key: Option<Written<'t>>,
    pub(crate) node: Node<'t>,
    /// Its first byte: of a block item the dash, of an entry the key or the key's anchor.
    pub(crate) start: usize,
    pub(crate) value: Place,
    pub(crate) end: End,
    /// Whether a colon follows the key.
    pub(crate) colon: bool,
    /// The comma behind it.
    pub(crate) comma: Option<usize>,
}

impl Child<'_> {
    /// Where the key is written; of an item, where the item begins.
    pub(crate) fn key_start(&self) -> usize {
        self.key.map_or(self.start, |key| key.entry.key_span.start as usize)
    }
}

/// Deeper block collections are not looked into: no manifest has them, and each costs stack.
const DEEPEST: usize = 500;

/// Finds values in one text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finder<'t> {
    pub(crate) text: Text<'t>,
}

impl<'t> Finder<'t> {
    /// Where the collection `node` that nothing introduces is written: an object.
    pub(crate) fn root(self, node: Node<'t>) -> Place {
        let body = node.span().start as usize;
        let form = if matches!(self.text.byte(body), Some(b'{')) { Form::Flow } else { Form::Block };
        Place { gap: body, props: body, tagged: false, body, form }
    }

    /// Where `node` is written that is introduced before `gap`.
    fn place(self, node: Node<'t>, gap: usize, in_flow: bool) -> Result<Place, Fault> {
        let text = self.text;
        let span = node.span();
        let mut place = Place { gap, props: gap, tagged: false, body: gap, form: Form::Absent };
        if let Some(alias) = node.alias() {
            let body = alias.start as usize;
            if text.skip_trivia(gap) != body {
                return Err(Fault::layout(body, "the alias right behind its key or dash"));
            }
            return Ok(Place { body, form: Form::Alias, ..place });
        }
        if node.is_taken() {
            return Err(Fault::new(span.start as usize, Reason::Shared));
        }
        // Anchors and tags come before the value; those of a mapping's first key belong to the mapping's span.
        let to = if span.is_empty() { gap.max(span.start as usize) } else { span.start as usize };
        let next = loop {
            let next = text.skip_trivia(place.props);
            let property = text.byte(next).filter(|byte| matches!(byte, b'&' | b'!'));
            let (Some(property), true) = (property, next < to) else { break next };
            let rest = text.slice(next, text.len());
            let ends =
                |c: char| c.is_ascii_whitespace() || (property == b'&' && matches!(c, ',' | ']' | '}'));
            place.props = next + rest.find(ends).unwrap_or(rest.len());
            place.tagged |= property == b'!';
        };
        let first = text.byte(next);
        let block_scalar = matches!(first, Some(b'|' | b'>')) && !in_flow;
        // A block list of items that are left out has no width either.
        let list = node.kind() == Kind::Sequence;
        if span.is_empty() && !list && !(block_scalar && next < to) {
            place.body = place.props;
            return Ok(place);
        }
        place.body = next;
        place.form = match node.kind() {
            Kind::Sequence if first == Some(b'[') => Form::Flow,
            Kind::Sequence if first == Some(b'-') && !in_flow => Form::Block,
            Kind::Mapping if first == Some(b'{') => Form::Flow,
            Kind::Mapping if in_flow => Form::Pair,
            Kind::Mapping => Form::Block,
            Kind::Sequence => return Err(Fault::layout(next, "a list")),
            _ if block_scalar => Form::BlockScalar,
            _ => Form::Scalar,
        };
        // The spans of block scalars and of block lists may begin behind the header and the dash.
        let loose =
            place.form == Form::BlockScalar || (place.form == Form::Block && node.kind() == Kind::Sequence);
        if block_scalar && text.byte(self.header_end(place)) == Some(b'\t') {
            return Err(Fault::layout(next, "no tab behind the header of a block scalar"));
        }
        if !loose && next != span.start as usize {
            return Err(Fault::layout(next, "the value right behind its key or dash"));
        }
        Ok(place)
    }

    /// Where the value of an entry of the block mapping `mapping` is written.
    pub(crate) fn value(self, mapping: Node<'t>, value: Node<'t>) -> Result<Place, Fault> {
        let at = value.span().start as usize;
        let written = mapping.written_entries().find(|written| written.entry.value.index() == value.index());
        let Some(written) = written else { return Err(Fault::new(at, Reason::Shared)) };
        let key_end = written.entry.key_span.end as usize;
        let colon = self.text.skip_blank(key_end);
        if self.text.byte(colon) != Some(b':') {
            return Err(Fault::new(key_end, Reason::ExplicitKey));
        }
        self.place(value, colon + 1, false)
    }

    /// Where the collection `node` ends that is written at `place`.
    pub(crate) fn end_of(self, node: Node<'t>, place: Place) -> Result<End, Fault> {
        self.end(node, place, 0)
    }

    fn end(self, node: Node<'t>, place: Place, depth: usize) -> Result<End, Fault> {
        match place.form {
            Form::Absent => Ok(End::at(place.props)),
            Form::Alias => Ok(End::at(node.alias().map_or(place.body, |alias| alias.end as usize))),
            Form::Scalar | Form::Flow => Ok(End::at(node.span().end as usize)),
            Form::BlockScalar => Ok(self.block_scalar_end(node, place)),
            Form::Block | Form::Pair if depth >= DEEPEST => {
                Err(Fault::layout(place.body, "fewer levels of nesting"))
            }
            Form::Block | Form::Pair => {
                let children = match place.form {
                    Form::Pair => self.flow_children(node, place)?,
                    _ => self.block_children_at(node, place, depth + 1)?,
                };
                children
                    .last()
                    .map(|last| last.end)
                    .ok_or_else(|| Fault::layout(place.body, "an entry or an item"))
            }
        }
    }

    /// The header of a block scalar ends here.
    pub(crate) fn header_end(self, place: Place) -> usize {
        let header = self.text.slice(place.body, self.text.line_end(place.body));
        place.body + header.find([' ', '\t']).unwrap_or(header.len())
    }

    fn block_scalar_end(self, node: Node<'t>, place: Place) -> End {
        let text = self.text;
        let header = self.header_end(place);
        let token = text.slice(place.body, header);
        let mut stop = (node.span().end as usize).max(header);
        // The span may reach into the white space that leads the next line.
        let line = text.line_start(stop);
        if stop < text.len() && line > header && is_blank(text.slice(line, stop)) {
            stop = line;
        }
        let trimmed = place.body + text.slice(place.body, stop).trim_end_matches(['\n', '\r']).len();
        let trimmed = trimmed.max(header);
        let keep = token.contains('+') && stop > text.line_end(header) && text.begins_line(stop);
        let open = stop == text.len() && !text.begins_line(stop) && !token.contains('-');
        End { at: if keep { stop } else { trimmed }, text: trimmed, keep, open }
    }

    /// The entries or items of a block collection.
    pub(crate) fn block_children(self, node: Node<'t>, place: Place) -> Result<Vec<Child<'t>>, Fault> {
        self.block_children_at(node, place, 0)
    }

    fn block_children_at(self, node: Node<'t>, place: Place, depth: usize) -> Result<Vec<Child<'t>>, Fault> {
        let text = self.text;
        let mut children = Vec::new();
        if node.kind() == Kind::Mapping {
            for written in node.written_entries() {
                let key = written.entry.key_span;
                let lead = text.line_start(key.start as usize) + text.lead(key.start as usize).len();
                let start = if children.is_empty() { node.span().start as usize } else { lead };
                let colon = text.skip_blank(key.end as usize);
                let question = text.slice(start, key.start as usize).contains('?');
                if question || text.byte(colon) != Some(b':') {
                    return Err(Fault::new(key.start as usize, Reason::ExplicitKey));
                }
                let value = self.place(written.entry.value, colon + 1, false)?;
                let end = self.end(written.entry.value, value, depth)?;
                let node = written.entry.value;
                children.push(Child {
                    key: Some(written),
                    node,
                    start,
                    value,
                    end,
                    colon: true,
                    comma: None,
                });
            }
            return Ok(children);
        }
        let mut dash = place.body;
        for item in node.items() {
            if let Some(Child { end, .. }) = children.last() {
                dash = text.skip_trivia(end.at);
            }
            if text.byte(dash) != Some(b'-') {
                return Err(Fault::layout(dash, "the dash of a list item"));
            }
            let value = self.place(item, dash + 1, false)?;
            let end = self.end(item, value, depth)?;
            children.push(Child {
                key: None,
                node: item,
                start: dash,
                value,
                end,
                colon: false,
                comma: None,
            });
        }
        Ok(children)
    }

    /// The entries or items of a collection in `[]` or `{}`, or of a pair.
    pub(crate) fn flow_children(self, node: Node<'t>, place: Place) -> Result<Vec<Child<'t>>, Fault> {
        let text = self.text;
        let pair = place.form == Form::Pair;
        let mut cursor = if pair { place.body } else { place.body + 1 };
        let mut children = Vec::new();
        let entries = node.written_entries().map(|written| (Some(written), written.entry.value));
        for (key, value) in entries.chain(node.items().map(|item| (None, item))) {
            let start = text.skip_trivia(cursor);
            let (mut gap, mut colon) = (cursor, false);
            if let Some(written) = key {
                let span = written.entry.key_span;
                let before = text.slice(start, span.start as usize);
                if before.starts_with('?') {
                    return Err(Fault::new(start, Reason::ExplicitKey));
                }
                if start > span.start as usize || !(before.is_empty() || before.starts_with(['&', '!'])) {
                    return Err(Fault::layout(start, "a key"));
                }
                gap = span.end as usize;
                let next = text.skip_trivia(gap);
                if text.byte(next) == Some(b':') {
                    (gap, colon) = (next + 1, true);
                }
            } else if text.byte(start) == Some(b'?') {
                return Err(Fault::new(start, Reason::ExplicitKey));
            }
            let place = self.place(value, gap, true)?;
            let end = self.end(value, place, 0)?;
            let next = text.skip_trivia(end.at);
            let comma = (text.byte(next) == Some(b',') && !pair).then_some(next);
            cursor = comma.map_or(next, |comma| comma + 1);
            children.push(Child { key, node: value, start, value: place, end, colon, comma });
        }
        let close = text.skip_trivia(cursor);
        if !pair && close + 1 != node.span().end as usize {
            return Err(Fault::layout(close, "the closing bracket"));
        }
        Ok(children)
    }
}
