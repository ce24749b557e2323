//! What one JSON value is: an event, something else, or broken.

use std::sync::Arc;

use ringwall_model::audit::Event;
use ringwall_model::de::{DecodeError, from_node};
use ringwall_model::text::Source;
use ringwall_model::tree::{Kind, Node, Tree};
use serde::de::IgnoredAny;

use super::decode::{Head, Item, Sort};
use crate::{Limits, json};

/// Most nodes of a tree that is only made to tell what is wrong.
const NODES: usize = 2 << 20;

/// White space of JSON.
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// An event, or a list without any.
    Fine {
        /// How many events.
        events: u64,
    },
    /// Not what was expected.
    Broken {
        /// From which byte of the value on.
        at: usize,
        /// What is wrong, as a sentence without full stop.
        message: String,
    },
}

impl Verdict {
    fn broken(at: usize, message: impl Into<String>) -> Self {
        Self::Broken { at, message: message.into() }
    }
}

/// What a value is at first sight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// An object that is no list and has so many bytes.
    Whole(usize),
    /// The bytes end before it does.
    Cut,
    /// Something else.
    Other,
}

/// Reads the value that `bytes` begin with into `item`, which is empty. The way of nearly all events: one pass, and texts are borrowed.
pub(super) fn first<'a, const BODIES: bool>(bytes: &'a [u8], item: &mut Item<'a, BODIES, false>) -> First {
    let mut value = serde_json::Deserializer::from_slice(bytes);
    match item.fill(&mut value) {
        Ok(()) => First::Whole(value.into_iter::<IgnoredAny>().byte_offset()),
        Err(error) if error.is_eof() => First::Cut,
        Err(_) => First::Other,
    }
}

/// Says what an object is that was read.
pub(super) fn item<'a, const BODIES: bool>(
    item: Item<'a, BODIES, false>,
    visit: impl FnOnce(Event<'a>),
) -> Verdict {
    match item.sort() {
        Sort::Event => {
            visit(item.event);
            Verdict::Fine { events: 1 }
        }
        Sort::List => Verdict::Fine { events: 0 },
        Sort::Unknown | Sort::Foreign => Verdict::broken(0, foreign(&item.head)),
    }
}

/// Reads a part of an object, which has its end if `last`, for what the object says that it is.
///
/// # Errors
/// The byte of the part that is wrong, and what is wrong.
pub(super) fn head(part: &[u8], last: bool, depth: usize) -> Result<Head<'static>, (usize, String)> {
    let text =
        std::str::from_utf8(part).map_err(|error| (error.valid_up_to(), "not valid UTF-8".to_owned()))?;
    let entries = text.trim_start_matches(SPACE).trim_start_matches(['{', ',']);
    let before = text.len() - entries.len();
    let closed = if last { "" } else { "}" };
    let entries = if last { entries } else { entries.trim_end_matches(SPACE).trim_end_matches(',') };
    let text = format!("{{{entries}{closed}");
    // Of the brace.
    let place = |at: usize| (at + before).saturating_sub(1);
    let limits = Limits { bytes: u64::from(u32::MAX), depth, nodes: NODES };
    let tree = json::parse(&Arc::new(Source::new("", text)), &limits)
        .map_err(|error| (place(error.offset as usize), error.message))?;
    let head = from_node::<Head<'_>>(tree.root());
    head.map(Head::into_owned).map_err(|error| {
        let (at, message) = misfit(&error);
        (place(at), message)
    })
}

/// Says what a value is that [`first`] has not read. Makes a tree of it, which knows where everything is written.
pub(super) fn slowly(bytes: &[u8], bodies: bool, depth: usize, visit: impl FnOnce(Event<'_>)) -> Verdict {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return Verdict::broken(error.valid_up_to(), "not valid UTF-8"),
    };
    let source = Arc::new(Source::new("", text));
    let limits = Limits { bytes: u64::from(u32::MAX), depth, nodes: NODES };
    match json::parse(&source, &limits) {
        Ok(tree) => of_tree(&tree, bodies, visit),
        Err(error) => Verdict::broken(error.offset as usize, error.message),
    }
}

fn of_tree(tree: &Tree, bodies: bool, visit: impl FnOnce(Event<'_>)) -> Verdict {
    let root = tree.root();
    let head: Head<'_> = match from_node(root) {
        Ok(head) => head,
        Err(error) => {
            let (at, message) = misfit(&error);
            return Verdict::broken(at, message);
        }
    };
    match (head.sort(), root.get("items")) {
        (Sort::Foreign, _) => return Verdict::broken(0, foreign(&head)),
        (Sort::List, Some(items)) if items.kind() == Kind::Sequence => {
            return Verdict::broken(items.span().start as usize, "a list in too many other lists");
        }
        (Sort::List, Some(items)) if !items.is_null() => {
            return Verdict::broken(items.span().start as usize, "items: expected a list");
        }
        (Sort::List, _) => return Verdict::Fine { events: 0 },
        (Sort::Unknown, _) if root.get("auditID").is_none() => return Verdict::broken(0, foreign(&head)),
        (Sort::Unknown | Sort::Event, _) => {}
    }
    match from_node::<Item<'_, false, true>>(root) {
        Ok(mut item) if item.sort() == Sort::Event => {
            let body = |key| root.get(key).filter(|body| bodies && !body.is_null()).map(Node::raw);
            item.event.request_object = body("requestObject");
            item.event.response_object = body("responseObject");
            visit(item.event);
            Verdict::Fine { events: 1 }
        }
        Ok(item) => Verdict::broken(0, foreign(&item.head)),
        Err(error) => {
            let (at, message) = misfit(&error);
            Verdict::broken(at, message)
        }
    }
}

/// Where a field of the wrong type is, and what is wrong.
fn misfit(error: &DecodeError) -> (usize, String) {
    (error.span.map_or(0, |span| span.start as usize), error.to_string())
}

/// That an object is something else.
pub(super) fn foreign(head: &Head<'_>) -> String {
    format!("expected an audit event, got {}", head.shown())
}
