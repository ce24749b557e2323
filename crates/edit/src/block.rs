//! Edits in block style: collections by indentation.
//!
//! What belongs to an entry: its lines from its key to its last byte, with the comments on them, and the comment
//! lines right behind that are indented deeper than the key. Comments above it, and blank lines, stay.

use std::collections::HashSet;

use ringwall_model::fix::Value;
use ringwall_model::tree::{Kind, Node};

use crate::flow::FlowStyle;
use crate::place::{Child, End, Finder, Form, Place};
use crate::plan::{Inside, Plan};
use crate::refusal::{Fault, Reason};
use crate::scalar::{self, Quote};
use crate::sink::Sink;
use crate::style::{self, Look};
use crate::text::{Text, is_blank};

/// Writes the edits of one object.
#[derive(Debug)]
pub(crate) struct Writer<'t> {
    pub(crate) text: Text<'t>,
    pub(crate) finder: Finder<'t>,
    pub(crate) sink: Sink,
}

impl<'t> Writer<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let text = Text(text);
        Self { text, finder: Finder { text }, sink: Sink::default() }
    }

    /// Lines are told by line feeds.
    pub(crate) fn no_lone_carriage_return(&self) -> Result<(), Fault> {
        match self.text.lone_carriage_return() {
            Some(at) => Err(Fault::new(at, Reason::CarriageReturn)),
            None => Ok(()),
        }
    }

    /// Edits a collection that stands at `place`, in block style or within it.
    pub(crate) fn collection(&mut self, inside: &Inside<'t>, place: Place) -> Result<(), Fault> {
        unshared(inside.node)?;
        match place.form {
            Form::Block => self.block(inside, place),
            Form::Flow => self.flow(inside, place, &FlowStyle::default()),
            _ => Err(Fault::layout(place.body, "a list or a mapping")),
        }
    }

    fn block(&mut self, inside: &Inside<'t>, place: Place) -> Result<(), Fault> {
        let node = inside.node;
        let children = self.finder.block_children(node, place)?;
        let (Some(first), Some(last)) = (children.first(), children.last()) else {
            return Err(Fault::layout(place.body, "an entry or an item"));
        };
        all_written(inside, &children)?;
        let column = self.text.column(first.start);
        for child in &children {
            let Some(planned) = inside.children.get(&child.node.index()) else { continue };
            if planned.removed {
                removable(child)?;
                continue;
            }
            if let Some(key) = planned.key {
                self.rename(child, key, false)?;
            }
            match &planned.plan {
                Plan::Keep => {}
                Plan::Replace(value) => self.replace(node, child, value)?,
                Plan::Inside(inner) => self.inner(node, child, inner)?,
            }
        }
        let gone = |child: &Child<'_>| {
            inside.children.get(&child.node.index()).is_some_and(|planned| planned.removed)
        };
        // What stands behind dashes keeps them.
        let lead = self.text.before(first.start);
        let run = if is_blank(lead) && self.text.leads_line(first.start) {
            0
        } else {
            children.iter().take_while(|child| gone(child)).count()
        };
        if run > 0 && !lead.bytes().all(|byte| matches!(byte, b' ' | b'-')) {
            return Err(Fault::layout(first.start, "a dash or white space before the key"));
        }
        let added = self.added(inside, &children, column);
        if run == children.len() {
            let text = compact(&added, self.text.line_break(first.start));
            self.sink.replace(first.start, last.end.text, text);
            return Ok(());
        }
        if run > 0 {
            let behind = self.behind(&children[run - 1].end)?;
            let behind = self.with_comments(behind, column);
            let rest = self.text.slice(behind, self.text.len());
            let next = behind + rest.len() - rest.trim_start().len();
            self.sink.replace(first.start, next, "");
        }
        let mut keeps = false;
        for child in &children[run..] {
            if gone(child) {
                let behind = self.behind(&child.end)?;
                let behind = self.with_comments(behind, column);
                // Blank lines that would now follow a scalar that keeps them would become its value.
                let behind = if keeps { self.skip_blank_lines(behind) } else { behind };
                self.sink.replace(self.text.line_start(child.start), behind, "");
            } else {
                keeps = child.end.keep;
            }
        }
        if !added.is_empty() {
            let at = if gone(last) { self.text.line_start(last.start) } else { self.insertion(&last.end)? };
            self.sink.lines(at, added);
        }
        Ok(())
    }

    /// The lines of what is new in a collection at `column`.
    fn added(&self, inside: &Inside<'t>, children: &[Child<'_>], column: usize) -> Vec<String> {
        let mut lines = Vec::new();
        if inside.added.is_empty() {
            return lines;
        }
        let look = Look::of(self.text, inside.node);
        let mut texts = children
            .iter()
            .filter(|child| child.node.kind() == Kind::String && child.value.form == Form::Scalar)
            .map(|child| Quote::of(self.text.slice(child.value.body, child.end.at)));
        let quote = texts.next().filter(|first| texts.all(|quote| quote == *first)).unwrap_or_default();
        for (key, value) in &inside.added {
            match key {
                Some(key) => style::entry(key, value, column, look, &mut lines),
                None => style::item(value, column, quote, look, &mut lines),
            }
        }
        lines
    }

    /// Edits inside of an entry or item of a block collection.
    fn inner(&mut self, owner: Node<'t>, child: &Child<'t>, inner: &Inside<'t>) -> Result<(), Fault> {
        let empty = child.value.form == Form::Flow && child.node.items().next().is_none();
        if empty && child.node.written_entries().next().is_none() {
            if !self.is_empty_flow(child) {
                return Err(Fault::layout(child.value.body, "no comment inside of the brackets"));
            }
            // `{}` and `[]` become block collections, as what is around them.
            unshared(child.node)?;
            let mut entries = Vec::new();
            let mut items = Vec::new();
            for (key, value) in &inner.added {
                match key {
                    Some(key) => entries.push((key.clone(), value.clone())),
                    None => items.push(value.clone()),
                }
            }
            let value =
                if child.node.kind() == Kind::Mapping { Value::Mapping(entries) } else { Value::List(items) };
            return self.write_over(owner, child, &value);
        }
        self.collection(inner, child.value)
    }

    /// Whether nothing stands between the brackets.
    pub(crate) fn is_empty_flow(&self, child: &Child<'_>) -> bool {
        is_blank(self.text.slice(child.value.body + 1, child.end.at.saturating_sub(1)))
    }

    /// Gives an entry another key.
    pub(crate) fn rename(&mut self, child: &Child<'t>, key: &str, in_flow: bool) -> Result<(), Fault> {
        let Some(written) = child.key else { return Ok(()) };
        let span = written.entry.key_span;
        let (start, end) = (span.start as usize, span.end as usize);
        let raw = self.text.slice(start, end);
        if raw.is_empty() {
            return Err(Fault::layout(start, "a key that is written"));
        }
        if raw.starts_with('*') || written.shared || written.overridden {
            return Err(Fault::new(start, Reason::Shared));
        }
        self.sink.replace(start, end, scalar::text(key, Quote::of(raw), in_flow));
        Ok(())
    }

    /// Gives an entry or item of the block collection `owner` another value.
    fn replace(&mut self, owner: Node<'t>, child: &Child<'t>, value: &Value) -> Result<(), Fault> {
        replaceable(child)?;
        self.write_over(owner, child, value)
    }

    fn write_over(&mut self, owner: Node<'t>, child: &Child<'t>, value: &Value) -> Result<(), Fault> {
        let text = self.text;
        let (place, end) = (child.value, child.end);
        let quote = match place.form {
            Form::Scalar => Quote::of(text.slice(place.body, end.at)),
            _ => Quote::Plain,
        };
        let inline = scalar::inline(value, quote, false);
        let column = text.column(child.start);
        let line_break = text.line_break(place.gap);
        let beside = text.line_end(place.props) >= place.body;
        let mut lines = Vec::new();
        if inline.is_none() {
            let look = Look::of(text, owner);
            // What goes on behind a dash goes on at its own column.
            let within = if beside && place.form != Form::Absent && place.props == place.gap {
                text.column(place.body)
            } else {
                column + 2
            };
            match child.key {
                Some(_) => style::nested(value, column, look, &mut lines),
                None => style::block(value, within, look, &mut lines),
            }
        }
        let below = || lines.iter().flat_map(|line| [line_break, line.as_str()]).collect::<String>();
        let item = child.key.is_none();
        match (place.form, inline) {
            (Form::Absent, Some(inline)) => {
                let next = text.skip_blank(place.props);
                let to = if next == text.line_end(place.props) { next } else { place.props };
                self.sink.replace(place.props, to, format!(" {inline}"));
            }
            (Form::Absent, None) => {
                let at = self.insertion(&end)?;
                self.sink.lines(at, lines);
            }
            (Form::Scalar | Form::Alias | Form::Flow, Some(inline)) => {
                self.sink.replace(place.body, end.at, inline);
            }
            (Form::Scalar | Form::Alias | Form::Flow, None) if item || !beside => {
                if place.props > place.gap || !(item && beside) {
                    self.sink.replace(text.line_end(place.props), text.line_end(end.at), below());
                    if beside {
                        self.sink.replace(place.props, text.line_end(place.props), "");
                    }
                } else {
                    self.sink.replace(place.body, end.at, compact(&lines, line_break));
                }
            }
            (Form::Scalar | Form::Alias | Form::Flow, None) => {
                self.sink.replace(place.props, end.at, "");
                let at = self.insertion(&end)?;
                self.sink.lines(at, lines);
            }
            (Form::BlockScalar, inline) => {
                let header = self.finder.header_end(place);
                let from = text.line_end(header);
                let to = end.text.max(from);
                match inline {
                    Some(inline) => {
                        self.sink.replace(place.body, header, inline);
                        self.sink.replace(from, to, "");
                    }
                    None if item && place.props == place.gap => {
                        self.sink.replace(place.body, to, compact(&lines, line_break));
                    }
                    None => {
                        self.sink.replace(place.props, header, "");
                        self.sink.replace(from, to, below());
                    }
                }
            }
            (Form::Block, inline) if beside => {
                let written = inline.unwrap_or_else(|| compact(&lines, line_break));
                self.sink.replace(place.body, end.text, written);
            }
            (Form::Block, inline) => {
                let from = text.line_end(place.props);
                let to = text.line_end(end.text);
                match inline {
                    Some(inline) => {
                        self.sink.replace(place.props, place.props, format!(" {inline}"));
                        self.sink.replace(from, to, "");
                    }
                    None => self.sink.replace(from, to, below()),
                }
            }
            (Form::Pair, _) => return Err(Fault::layout(place.body, "a value of its own")),
        }
        Ok(())
    }

    /// Where the lines behind a value begin.
    fn behind(&self, end: &End) -> Result<usize, Fault> {
        if end.keep && self.text.begins_line(end.at) {
            return Ok(end.at);
        }
        if !self.text.ends_line(end.at) {
            return Err(Fault::layout(end.at, "the end of the line or a comment"));
        }
        Ok(self.text.next_line(end.at))
    }

    /// Where lines are inserted behind a value.
    pub(crate) fn insertion(&self, end: &End) -> Result<usize, Fault> {
        if end.open {
            return Err(Fault::new(end.at, Reason::OpenBlockScalar));
        }
        self.behind(end)
    }

    /// Passes over the comment lines at `at` that are indented deeper than `column`, and blank lines between them.
    pub(crate) fn with_comments(&self, at: usize, column: usize) -> usize {
        let (mut probe, mut behind) = (at, at);
        while probe < self.text.len() {
            let line = self.text.slice(probe, self.text.line_end(probe));
            let next = self.text.next_line(probe);
            if line.trim_start().starts_with('#') && self.text.lead(probe).len() > column {
                behind = next;
            } else if !is_blank(line) {
                break;
            }
            probe = next;
        }
        behind
    }

    fn skip_blank_lines(&self, mut at: usize) -> usize {
        while at < self.text.len() && is_blank(self.text.slice(at, self.text.line_end(at))) {
            at = self.text.next_line(at);
        }
        at
    }
}

/// Lines that go on in a line that is begun.
fn compact(lines: &[String], line_break: &str) -> String {
    lines.join(line_break).trim_start().to_owned()
}

/// What changes stands in the collection itself: a merge has brought nothing of it.
pub(crate) fn all_written(inside: &Inside<'_>, children: &[Child<'_>]) -> Result<(), Fault> {
    let written: HashSet<u32> = children.iter().map(|child| child.node.index()).collect();
    if inside.children.keys().all(|index| written.contains(index)) {
        return Ok(());
    }
    Err(Fault::new(inside.node.span().start as usize, Reason::Shared))
}

/// What lies in the collection is not used elsewhere.
pub(crate) fn unshared(node: Node<'_>) -> Result<(), Fault> {
    if node.is_taken() || node.is_shared() {
        let at = node.alias().unwrap_or(node.span()).start as usize;
        return Err(Fault::new(at, Reason::Shared));
    }
    Ok(())
}

/// The value may be written over.
pub(crate) fn replaceable(child: &Child<'_>) -> Result<(), Fault> {
    let shared = if child.node.alias().is_some() { false } else { child.node.holds_shared() };
    if shared {
        return Err(Fault::new(child.value.body, Reason::Shared));
    }
    if child.value.tagged {
        return Err(Fault::new(child.value.gap, Reason::Tagged));
    }
    Ok(())
}

/// The entry or item may go with all that it holds.
pub(crate) fn removable(child: &Child<'_>) -> Result<(), Fault> {
    let shared = child.node.alias().is_none() && child.node.holds_shared();
    if shared || child.key.is_some_and(|key| key.shared) {
        return Err(Fault::new(child.key_start(), Reason::Shared));
    }
    Ok(())
}
