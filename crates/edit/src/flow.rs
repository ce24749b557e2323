//! Edits in flow style: collections in `[]` and `{}`, on one line or several. JSON is nothing else.

use ringwall_model::fix::Value;
use ringwall_model::tree::{Kind, Node};

use crate::block::{Writer, all_written, removable, replaceable, unshared};
use crate::place::{Child, Form, Place};
use crate::plan::{Inside, Plan};
use crate::refusal::Fault;
use crate::scalar::{self, Quote};
use crate::text::{Text, is_blank};

/// How a collection writes its parts.
#[derive(Clone, Debug)]
pub(crate) struct FlowStyle {
    keys: Quote,
    strings: Quote,
    colon: &'static str,
    comma: &'static str,
    line_break: &'static str,
    /// The white space that leads the line of the closing bracket and the lines of the parts, where these have lines
    /// of their own.
    lines: Option<(String, String)>,
    /// What a level is indented by.
    unit: String,
}

impl Default for FlowStyle {
    /// As people write in block style.
    fn default() -> Self {
        Self {
            keys: Quote::Plain,
            strings: Quote::Plain,
            colon: ": ",
            comma: ", ",
            line_break: "\n",
            lines: None,
            unit: "  ".to_owned(),
        }
    }
}

impl FlowStyle {
    /// The style of a collection within one of the style `around`.
    fn of(text: Text<'_>, node: Node<'_>, place: Place, children: &[Child<'_>], around: &Self) -> Self {
        let mut style = Self { line_break: text.line_break(place.body), ..around.clone() };
        let spaced = |at: usize| matches!(text.byte(at), Some(b' ' | b'\t' | b'\n' | b'\r'));
        if let Some(first) = children.first().filter(|child| child.key.is_some()) {
            let raw = text.slice(first.key_start(), text.len());
            style.keys = Quote::of(raw);
            style.strings = if style.keys == Quote::Double { Quote::Double } else { Quote::Plain };
            if style.keys == Quote::Plain || (first.colon && spaced(first.value.gap)) {
                style.colon = ": ";
            } else if first.colon {
                style.colon = ":";
            }
        } else if let Some(first) = children.iter().find(|child| child.node.kind() == Kind::String) {
            style.strings = Quote::of(text.slice(first.value.body, first.end.at));
        }
        let between = children.split_last().map_or(children, |(_, before)| before);
        match between.iter().find_map(|child| child.comma) {
            Some(comma) => style.comma = if spaced(comma + 1) { ", " } else { "," },
            None if !children.is_empty() => style.comma = if style.colon == ":" { "," } else { ", " },
            None => {}
        }
        let close = (node.span().end as usize).saturating_sub(1);
        if let Some(last) = children.last() {
            style.lines = (text.leads_line(last.start) && text.leads_line(close))
                .then(|| (text.lead(close).to_owned(), text.lead(last.start).to_owned()));
            if let Some((outer, inner)) = &style.lines
                && let Some(unit) = inner.strip_prefix(outer.as_str()).filter(|unit| !unit.is_empty())
            {
                style.unit = unit.to_owned();
            }
        } else if around.lines.is_some() || text.slice(place.body, close).contains('\n') {
            let outer = text.lead(place.body).to_owned();
            style.lines = Some((outer.clone(), outer + &style.unit));
        }
        style
    }

    /// Entries or items as they are joined in a collection of this style.
    fn parts(&self, added: &[(Option<String>, Value)]) -> Vec<String> {
        let lead = self.lines.as_ref().map(|(_, inner)| inner.as_str());
        let part = |(key, value): &(Option<String>, Value)| {
            let value = self.value(value, lead);
            match key {
                Some(key) => format!("{}{}{value}", scalar::text(key, self.keys, true), self.colon),
                None => value,
            }
        };
        added.iter().map(part).collect()
    }

    /// A value; `lead` is the white space of its line, where the parts of a collection get lines of their own.
    fn value(&self, value: &Value, lead: Option<&str>) -> String {
        if let Some(text) = scalar::inline(value, self.strings, true) {
            return text;
        }
        let inner = lead.map(|lead| format!("{lead}{}", self.unit));
        let (open, close, parts): (_, _, Vec<String>) = match value {
            Value::Mapping(entries) => {
                let entry = |(key, value): &(String, Value)| {
                    let key = scalar::text(key, self.keys, true);
                    format!("{key}{}{}", self.colon, self.value(value, inner.as_deref()))
                };
                ('{', '}', entries.iter().map(entry).collect())
            }
            Value::List(items) => {
                ('[', ']', items.iter().map(|item| self.value(item, inner.as_deref())).collect())
            }
            _ => return String::new(),
        };
        let (Some(inner), Some(lead)) = (inner, lead) else {
            return format!("{open}{}{close}", parts.join(self.comma));
        };
        let line_break = self.line_break;
        let parts = parts.join(&format!(",{line_break}{inner}"));
        format!("{open}{line_break}{inner}{parts}{line_break}{lead}{close}")
    }

    /// What stands between two parts.
    fn separator(&self) -> String {
        match &self.lines {
            Some((_, inner)) => format!(",{}{inner}", self.line_break),
            None => self.comma.to_owned(),
        }
    }
}

impl<'t> Writer<'t> {
    /// A value as it would stand beside the collection `node` in brackets, and what stands between two such on one line.
    pub(crate) fn like(&self, node: Node<'t>, value: &Value) -> Result<(String, &'static str), Fault> {
        let place = self.finder.root(node);
        let children = self.finder.flow_children(node, place)?;
        // Empty brackets may be JSON.
        let quotes = if children.is_empty() { Quote::Double } else { Quote::Plain };
        let around = FlowStyle { keys: quotes, strings: quotes, ..FlowStyle::default() };
        let style = FlowStyle::of(self.text, node, place, &children, &around);
        let lead = style.lines.as_ref().map(|(outer, _)| outer.as_str());
        Ok((style.value(value, lead), style.comma))
    }

    /// Edits a collection in `[]` or `{}` within one of the style `around`.
    pub(crate) fn flow(
        &mut self,
        inside: &Inside<'t>,
        place: Place,
        around: &FlowStyle,
    ) -> Result<(), Fault> {
        let node = inside.node;
        unshared(node)?;
        let children = self.finder.flow_children(node, place)?;
        let style = FlowStyle::of(self.text, node, place, &children, around);
        all_written(inside, &children)?;
        let mut gone = vec![false; children.len()];
        for (child, gone) in children.iter().zip(&mut gone) {
            let Some(planned) = inside.children.get(&child.node.index()) else { continue };
            if planned.removed {
                removable(child)?;
                *gone = true;
                continue;
            }
            if let Some(key) = planned.key {
                self.rename(child, key, true)?;
            }
            match &planned.plan {
                Plan::Keep => {}
                Plan::Replace(value) => self.replace_in_flow(child, value, &style)?,
                Plan::Inside(inner) if child.value.form == Form::Flow => {
                    self.flow(inner, child.value, &style)?;
                }
                Plan::Inside(_) => {
                    unshared(child.node)?;
                    return Err(Fault::layout(child.value.body, "a list or a mapping in brackets"));
                }
            }
        }
        let parts = style.parts(&inside.added);
        let last_run = gone.iter().rev().take_while(|gone| **gone).count();
        let kept = children.len() - last_run;
        self.remove_before(&children[..kept], children.get(kept), &gone[..kept]);
        if children.is_empty() {
            return self.fill(node, place, &parts, &style);
        }
        if last_run == 0 {
            if let Some(last) = children.last().filter(|_| !parts.is_empty()) {
                self.append(last, &parts, &style)?;
            }
            return Ok(());
        }
        let (first, last) = (&children[kept], &children[children.len() - 1]);
        if !parts.is_empty() {
            self.sink.replace(first.start, last.end.at, parts.join(&style.separator()));
            return Ok(());
        }
        let Some(before) = kept.checked_sub(1).and_then(|before| children.get(before)) else {
            return Err(Fault::layout(first.start, "something that remains"));
        };
        if style.lines.is_some() && self.text.leads_line(first.start) {
            let behind = last.comma.map_or(last.end.at, |comma| comma + 1);
            if let (None, Some(comma)) = (last.comma, before.comma) {
                self.sink.replace(comma, comma + 1, "");
            }
            self.sink.replace(self.text.line_start(first.start), self.text.next_line(behind), "");
        } else {
            self.sink.replace(before.end.at, last.end.at, "");
        }
        Ok(())
    }

    /// Removes runs of parts that others follow: `children` end with one that stays, or `next` follows them.
    fn remove_before(&mut self, children: &[Child<'t>], next: Option<&Child<'t>>, gone: &[bool]) {
        let mut at = 0;
        while at < children.len() {
            if !gone[at] {
                at += 1;
                continue;
            }
            let run = gone[at..].iter().take_while(|gone| **gone).count();
            let first = &children[at];
            let comma = children[at + run - 1].comma;
            at += run;
            let Some(next) = children.get(at).or(next) else { continue };
            let own_lines = self.text.leads_line(first.start) && self.text.leads_line(next.start);
            match comma {
                Some(comma) if own_lines && self.text.ends_line(comma + 1) => {
                    let from = self.text.line_start(first.start);
                    self.sink.replace(from, self.text.next_line(comma), "");
                }
                _ => self.sink.replace(first.start, next.start, ""),
            }
        }
    }

    /// Writes parts into empty brackets.
    fn fill(
        &mut self,
        node: Node<'t>,
        place: Place,
        parts: &[String],
        style: &FlowStyle,
    ) -> Result<(), Fault> {
        let (from, to) = (place.body + 1, (node.span().end as usize).saturating_sub(1));
        let within = self.text.slice(from, to);
        if !is_blank(within) {
            return Err(Fault::layout(from, "no comment inside of the brackets"));
        }
        if parts.is_empty() {
            return Ok(());
        }
        let parts = parts.join(&style.separator());
        let written = match &style.lines {
            Some((outer, inner)) => {
                let line_break = style.line_break;
                format!("{line_break}{inner}{parts}{line_break}{outer}")
            }
            None if within.is_empty() => parts,
            None => format!(" {parts} "),
        };
        self.sink.replace(from, to, written);
        Ok(())
    }

    /// Writes parts behind the last one.
    fn append(&mut self, last: &Child<'t>, parts: &[String], style: &FlowStyle) -> Result<(), Fault> {
        let (comma, mut end) = (last.comma, last.end.at);
        if last.value.form == Form::Absent && comma.is_none() {
            // A comma right behind a tag would be part of it.
            let next = self.text.skip_blank(end);
            if matches!(self.text.byte(next), Some(b'}' | b']')) {
                end = next;
            } else if self.text.byte(end - 1) != Some(b':') {
                return Err(Fault::layout(next, "a value or the closing bracket"));
            }
        }
        let behind = comma.map_or(end, |comma| comma + 1);
        let Some((_, inner)) = &style.lines else {
            let written = parts.join(style.comma);
            match comma {
                Some(_) => {
                    let space = if style.comma == "," { "" } else { " " };
                    self.sink.replace(behind, behind, format!("{space}{written},"));
                }
                None => self.sink.replace(end, end, format!("{}{written}", style.comma)),
            }
            return Ok(());
        };
        if !self.text.ends_line(behind) {
            return Err(Fault::layout(behind, "the end of the line or a comment"));
        }
        let written = parts.join(&style.separator());
        let trailing = if comma.is_some() { "," } else { "" };
        if comma.is_none() {
            self.sink.replace(end, end, ",");
        }
        let at = self.text.line_end(behind);
        self.sink.replace(at, at, format!("{}{inner}{written}{trailing}", style.line_break));
        Ok(())
    }

    /// Gives an entry or item in brackets another value.
    fn replace_in_flow(&mut self, child: &Child<'t>, value: &Value, style: &FlowStyle) -> Result<(), Fault> {
        replaceable(child)?;
        let (place, end) = (child.value, child.end);
        let lead = style.lines.as_ref().map(|(_, inner)| inner.as_str());
        let mut style = style.clone();
        if place.form == Form::Scalar && style.strings != Quote::Double && child.node.kind() == Kind::String {
            style.strings = Quote::of(self.text.slice(place.body, end.at));
        }
        let written = style.value(value, lead);
        match place.form {
            Form::Absent if child.key.is_none() => Err(Fault::layout(place.gap, "an item")),
            Form::Absent
                if !child.colon && !is_on_one_line(self.text.slice(child.key_start(), place.gap)) =>
            {
                Err(Fault::layout(place.gap, "a key on one line"))
            }
            Form::Absent => {
                let colon = if child.colon { " " } else { ": " };
                let next = self.text.skip_blank(place.props);
                let ends = matches!(self.text.byte(next), Some(b',' | b'}' | b']'));
                let to = if ends { next } else { place.props };
                self.sink.replace(place.props, to, format!("{colon}{written}"));
                Ok(())
            }
            Form::Scalar | Form::Alias | Form::Flow => {
                self.sink.replace(place.body, end.at, written);
                Ok(())
            }
            Form::Pair | Form::Block | Form::BlockScalar => {
                Err(Fault::layout(place.body, "a value of its own"))
            }
        }
    }
}

/// Whether a key is written, and on one line.
fn is_on_one_line(key: &str) -> bool {
    !is_blank(key) && !key.contains('\n')
}
