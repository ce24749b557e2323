//! Another object behind one: a further item of its list, or a further document.
//!
//! ```text
//!   kind: A            ◀ the object             items:
//!   # about A                                   - kind: A       ◀ the object
//!   ---                ◀ new                      # about A
//!   kind: New          ◀ new                    - kind: New     ◀ new
//!   ---                                         # about B
//!   kind: B                                     - kind: B
//! ```

use ringwall_model::fix::{Change, Value};
use ringwall_model::object::Object;
use ringwall_model::path::Segment;
use ringwall_model::tree::Node;
use serde_json::value::RawValue;

use crate::block::{Writer, unshared};
use crate::place::Form;
use crate::plan::writable;
use crate::refusal::{Fault, Reason};
use crate::style::{self, Look};
use crate::text::is_blank;

/// The objects that are to stand beside one, each once.
pub(crate) fn others(changes: &[Change]) -> Result<Vec<&Value>, Reason> {
    let mut others: Vec<&Value> = Vec::new();
    for other in changes.iter().filter_map(Change::beside) {
        let id = other.object_id().ok_or(Reason::NoObject)?;
        writable(other)?;
        match others.iter().find(|earlier| earlier.object_id().as_ref() == Some(&id)) {
            Some(earlier) if **earlier == *other => {}
            Some(_) => return Err(Reason::Contradiction),
            None => others.push(other),
        }
    }
    Ok(others)
}

/// What a document stands in.
#[derive(PartialEq)]
enum Stream {
    /// JSON values, one after the other.
    Json,
    /// It is a JSON value, and what follows is YAML.
    Both,
    /// Documents between `---`.
    Yaml,
}

impl<'t> Writer<'t> {
    /// Writes another object behind `object`.
    pub(crate) fn beside(&mut self, object: &'t Object, other: &Value) -> Result<(), Fault> {
        let root = object.root();
        let steps = object.within.segments();
        // The list is the innermost: it is where the object's item is.
        let Some((way, [Segment::Key(_), Segment::Index(_)])) = steps.split_last_chunk::<2>() else {
            return self.document(root.tree().root(), other);
        };
        let at = root.span().start as usize;
        let mut list = root.tree().root();
        for step in way {
            unshared(list)?;
            let next = match step {
                Segment::Key(key) => list.get(key),
                Segment::Index(index) => list.item(*index),
            };
            list = next.ok_or_else(|| Fault::layout(at, "a list around the object"))?;
        }
        takes(list, other)?;
        self.item(list, root, other)
    }

    /// Writes a further item behind `item` of the list of objects `list`.
    fn item(&mut self, list: Node<'t>, item: Node<'t>, other: &Value) -> Result<(), Fault> {
        let start = item.span().start as usize;
        let Some(items) = list.get("items") else {
            return Err(Fault::layout(start, "a list around the object"));
        };
        if item.is_taken() {
            return Err(Fault::new(item.alias().unwrap_or(item.span()).start as usize, Reason::Shared));
        }
        unshared(list)?;
        unshared(items)?;
        if self.finder.root(list).form == Form::Flow {
            return self.flow_item(item, other);
        }
        let place = self.finder.value(list, items)?;
        match place.form {
            Form::Flow => return self.flow_item(item, other),
            Form::Block => {}
            _ => return Err(Fault::layout(place.body, "a list")),
        }
        self.no_lone_carriage_return()?;
        // The dash is most often right before the item. Where it is not, it is found from the list's beginning.
        let before = self.text.before(start);
        let lead = before.trim_end_matches(' ');
        let beside = before.len() > lead.len() && lead.trim_start_matches(' ') == "-";
        let (dash, end) = if beside {
            (lead.len() - 1, self.finder.end_of(item, self.finder.root(item))?)
        } else {
            let children = self.finder.block_children(items, place)?;
            let child = children.iter().find(|child| child.node.index() == item.index());
            let Some(child) = child else { return Err(Fault::layout(start, "an item")) };
            (self.text.column(child.start), child.end)
        };
        let at = self.with_comments(self.insertion(&end)?, dash);
        let mut lines = Vec::new();
        if self.finder.root(item).form == Form::Flow {
            let gap = if beside { before.len() - lead.len() } else { 1 };
            lines.push(format!("{}-{}{}", " ".repeat(dash), " ".repeat(gap), self.like(item, other)?.0));
        } else {
            let within = if beside { self.text.column(start) } else { dash + 2 };
            let look = Look::of(self.text, item).quoted_as(self.text, item);
            style::item_at(other, dash, within, look, &mut lines);
        }
        self.sink.lines(at, lines);
        Ok(())
    }

    /// Writes a further item behind `item` of a list in brackets.
    fn flow_item(&mut self, item: Node<'t>, other: &Value) -> Result<(), Fault> {
        let text = self.text;
        let (start, end) = (item.span().start as usize, item.span().end as usize);
        if self.finder.root(item).form != Form::Flow {
            return Err(Fault::layout(start, "an object in brackets"));
        }
        let (written, comma) = self.like(item, other)?;
        let next = text.skip_trivia(end);
        let follows = match text.byte(next) {
            Some(b',') => true,
            Some(b']') => false,
            _ => return Err(Fault::layout(next, "`,` or `]`")),
        };
        let behind = if follows { next + 1 } else { end };
        if !(text.leads_line(start) && text.ends_line(behind)) {
            self.sink.replace(end, end, format!("{comma}{written}"));
            return Ok(());
        }
        if !follows {
            self.sink.replace(end, end, ",");
        }
        let at = text.line_end(behind);
        let (line_break, lead) = (text.line_break(start), text.lead(start));
        let trailing = if follows { "," } else { "" };
        self.sink.replace(at, at, format!("{line_break}{lead}{written}{trailing}"));
        Ok(())
    }

    /// Writes a further document behind the one of `root`.
    fn document(&mut self, root: Node<'t>, other: &Value) -> Result<(), Fault> {
        let place = self.finder.root(root);
        let end = self.finder.end_of(root, place)?;
        let flow = if place.form == Form::Flow { Some(self.like(root, other)?.0) } else { None };
        let stream = if flow.is_some() { self.stream(root)? } else { Stream::Yaml };
        if let (Some(written), Stream::Json) = (&flow, &stream) {
            let line_break = self.text.line_break(end.at);
            self.sink.replace(end.at, end.at, format!("{line_break}{written}"));
            return Ok(());
        }
        self.no_lone_carriage_return()?;
        let at = self.document_end(self.insertion(&end)?, &stream)?;
        let mut lines = vec!["---".to_owned()];
        match flow {
            Some(written) => lines.push(written),
            None => {
                let look = Look::of(self.text, root).quoted_as(self.text, root);
                style::block(other, 0, look, &mut lines);
            }
        }
        self.sink.lines(at, lines);
        Ok(())
    }

    /// Where a document ends of which no value stands behind `from`: behind its last comment.
    fn document_end(&self, from: usize, stream: &Stream) -> Result<usize, Fault> {
        let (mut probe, mut end) = (from, from);
        while probe < self.text.len() {
            let line = self.text.slice(probe, self.text.line_end(probe));
            let next = self.text.next_line(probe);
            if let Some(rest) = line.strip_prefix("---") {
                // What no separator ends is not read.
                let ends = rest.trim().is_empty() || rest.trim().starts_with('#');
                return if ends { Ok(end) } else { Err(Fault::layout(probe, "`---` alone")) };
            } else if line.starts_with("...") && *stream == Stream::Yaml {
                break;
            } else if line.trim_start_matches([' ', '\t']).starts_with('#') {
                end = next;
            } else if !is_blank(line) {
                return Err(Fault::layout(probe, "the end of the document"));
            }
            probe = next;
        }
        Ok(end)
    }

    /// What the document of `root`, which is written in brackets, stands in. A text that begins with `{` is read as JSON
    /// values as far as it is such; what follows a single one may be YAML.
    fn stream(&self, root: Node<'t>) -> Result<Stream, Fault> {
        let (text, end) = (self.text.0, root.span().end as usize);
        if !text.trim_start().starts_with('{') {
            return Ok(Stream::Yaml);
        }
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
        let mut before = 0;
        while let Some(Ok(_)) = values.next() {
            if values.byte_offset() >= end {
                let last = before == 0 && matches!(values.next(), Some(Err(_)));
                return Ok(if last { Stream::Both } else { Stream::Json });
            }
            before += 1;
        }
        if before > 1 {
            return Err(Fault::layout(root.span().start as usize, "a JSON value"));
        }
        Ok(Stream::Yaml)
    }
}

/// Whether a list of objects takes another one.
fn takes(list: Node<'_>, other: &Value) -> Result<(), Fault> {
    let text = |key| list.get(key).and_then(Node::as_str).unwrap_or_default();
    let of_other = |key| other.get(key).and_then(Value::as_str);
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let same = of_other("apiVersion") == Some(api_version) && of_other("kind") == kind.strip_suffix("List");
    if same || (api_version == "v1" && kind == "List") {
        return Ok(());
    }
    let at = list.get("kind").unwrap_or(list).span().start as usize;
    Err(Fault::new(at, Reason::OneKind(kind.to_owned())))
}
