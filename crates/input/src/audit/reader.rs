//! The way through a stream: documents, the lists among them, and where to go on after something that is broken.

use std::io::Read;

use ringwall_model::audit::Event;
use ringwall_model::finding::Problem;
use ringwall_model::text::Position;

use super::buffer::{Buffer, count};
use super::decode::{Head, Item, Sort};
use super::judge::{self, First, Verdict};
use super::scan::{Fault, Scan, Step};
use super::{Options, Summary};
use crate::read::size;

/// Lists may stand in one another so deep. Those that people have stand in an array at most.
const LISTS: usize = 8;

/// A value that breaks so many lines after its first one is read anew from its second line on.
const LINES: u32 = 4;

/// Bytes that a character has at most.
const CHARACTER: usize = 4;

const BOM: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// A list that is open.
struct List {
    /// Where it begins.
    place: Position,
    /// What it says that it is; an array says nothing.
    head: Option<Head<'static>>,
    next: Next,
    /// How far its first item is indented, if that begins its line.
    indent: Option<u32>,
    /// Whether an item was broken, so that a comma may be missing before the next one.
    mended: bool,
}

/// What may come next in a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    FirstOrEnd,
    Item,
    CommaOrEnd,
    /// Its items are over, and the rest of its object is read.
    Nothing,
}

/// What of a value is read at the moment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// All of it.
    Whole,
    /// What comes after the items of the innermost list.
    Tail,
}

pub(super) struct Reader<'r, V> {
    buffer: Buffer<'r>,
    name: &'r str,
    options: &'r Options,
    visit: V,
    summary: Summary,
    /// The open lists, innermost last.
    lists: Vec<List>,
}

impl<'r, V: FnMut(Event<'_>, Position)> Reader<'r, V> {
    pub(super) fn new(reader: impl Read + 'r, name: &'r str, options: &'r Options, visit: V) -> Self {
        let (summary, lists) = (Summary::default(), Vec::new());
        Self { buffer: Buffer::new(reader), name, options, visit, summary, lists }
    }

    /// Reads everything.
    pub(super) fn run(mut self) -> Summary {
        if !self.is_utf16() {
            while let Some(byte) = self.peek() {
                self.step(byte);
            }
            if let Some(list) = self.lists.last() {
                let message = self.at_end(after(list.next));
                self.break_off(self.buffer.place(), 0, message, false);
            }
        }
        self.finish()
    }

    /// Whether this is a text in another encoding, which is told.
    fn is_utf16(&mut self) -> bool {
        while self.buffer.rest().len() < 2 && self.buffer.fill() {}
        let found = matches!(self.buffer.rest(), [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]);
        if found {
            let message = "UTF-16 text: save it as UTF-8 (PowerShell's `>` writes UTF-16)".to_owned();
            self.problem(self.buffer.place(), message);
        }
        found
    }

    fn finish(self) -> Summary {
        let mut summary = self.summary;
        let (bytes, failure) = (self.buffer.read(), self.buffer.failure());
        let problem =
            |position, message| Problem { file: self.name.to_owned(), position, message, object: None };
        let more = summary.broken - summary.problems.len() as u64;
        if more > 0 {
            summary.problems.push(problem(None, format!("{more} more places could not be read")));
        }
        if let Some(failure) = failure {
            summary.broken += 1;
            summary.problems.push(problem(Some(self.buffer.place_of(usize::MAX)), failure.to_owned()));
        }
        Summary { bytes, whole: failure.is_none(), ..summary }
    }

    fn problem(&mut self, place: Position, message: String) {
        self.summary.broken += 1;
        if self.summary.problems.len() < self.options.named {
            let (file, position) = (self.name.to_owned(), Some(place));
            self.summary.problems.push(Problem { file, position, message, object: None });
        }
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        loop {
            let rest = self.buffer.rest();
            let found = rest.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
            match found {
                Some(at) => {
                    let byte = rest.get(at).copied();
                    self.buffer.consume(at);
                    return byte;
                }
                None => {
                    self.buffer.consume(rest.len());
                    if !self.buffer.fill() {
                        return None;
                    }
                }
            }
        }
    }

    /// One step from `byte` on.
    fn step(&mut self, byte: u8) {
        let Some(list) = self.lists.last_mut() else { return self.document(byte) };
        match (list.next, byte) {
            (Next::FirstOrEnd | Next::CommaOrEnd, b']') => {
                list.next = Next::Nothing;
                let array = list.head.is_none();
                self.buffer.consume(1);
                if array {
                    self.lists.pop();
                } else {
                    self.value(Scan::after_items(self.options.depth), Part::Tail);
                }
            }
            (Next::CommaOrEnd, b',') => {
                list.next = Next::Item;
                self.buffer.consume(1);
            }
            (Next::CommaOrEnd, b'{') if list.mended => self.item(),
            (Next::CommaOrEnd | Next::Nothing, _) => {
                let message = format!("expected {}, got {}", after(list.next), self.got(0));
                self.break_off(self.buffer.place(), 0, Some(message), false);
            }
            (Next::FirstOrEnd, _) => {
                let Position { column, .. } = self.buffer.place();
                list.indent = self.buffer.blank().then_some(column);
                self.item();
            }
            (Next::Item, _) => self.item(),
        }
    }

    /// Between documents.
    fn document(&mut self, byte: u8) {
        if byte == BOM[0] {
            while self.buffer.rest().len() < BOM.len() && self.buffer.fill() {}
            if self.buffer.rest().starts_with(&BOM) {
                return self.buffer.consume_mark(BOM.len());
            }
        }
        match byte {
            b'{' => self.item(),
            b'[' => {
                self.open(None);
                self.buffer.consume(1);
            }
            _ => {
                let message = format!("expected an audit event or a list of them, got {}", self.got(0));
                self.break_off(self.buffer.place(), 0, Some(message), false);
            }
        }
    }

    /// A list begins here.
    fn open(&mut self, head: Option<Head<'static>>) {
        let place = self.buffer.place();
        self.lists.push(List { place, head, next: Next::FirstOrEnd, indent: None, mended: false });
    }

    /// A value that should be an event, or a list of them.
    fn item(&mut self) {
        if let Some(list) = self.lists.last_mut() {
            list.next = Next::CommaOrEnd;
        }
        self.buffer.settle();
        let mut first = self.event(None);
        // Most often it is only the piece that ends here.
        if first == First::Cut && self.buffer.fill() {
            first = self.event(None);
        }
        match first {
            First::Whole(used) => self.buffer.consume(used),
            First::Cut | First::Other => {
                self.value(Scan::value(self.options.depth, self.lists.len() < LISTS), Part::Whole);
            }
        }
    }

    /// Reads what is there as an event, which nearly all of it is. Its end may be known already.
    fn event(&mut self, end: Option<usize>) -> First {
        if self.options.bodies { self.event_with::<true>(end) } else { self.event_with::<false>(end) }
    }

    fn event_with<const BODIES: bool>(&mut self, end: Option<usize>) -> First {
        let rest = self.buffer.rest();
        let rest = &rest[..end.unwrap_or(rest.len())];
        let mut item = Item::<'_, BODIES, false>::default();
        let first = judge::first(rest, &mut item);
        let First::Whole(used) = first else { return first };
        let Options { event_bytes, depth, .. } = *self.options;
        if end.is_none() && (used > event_bytes || !shallow(&rest[..used], depth)) {
            return First::Other;
        }
        let place = self.buffer.place();
        let verdict = judge::item(item, |event| (self.visit)(event, place));
        self.judged(verdict);
        first
    }

    fn judged(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Fine { events } => self.summary.events += events,
            Verdict::Broken { at, message } => self.problem(self.buffer.place_of(at), message),
        }
    }

    /// A value whose end has to be found first.
    fn value(&mut self, mut scan: Scan, part: Part) {
        let start = self.buffer.place();
        // Whether nothing of it is wanted any more, so that it need not be kept together.
        let mut passing = false;
        loop {
            let step = scan.run(self.buffer.rest());
            let length = match step {
                Step::More => self.buffer.rest().len(),
                Step::Done(at) | Step::Items { at, .. } | Step::Broken { at, .. } => at,
            };
            if !passing && length > self.options.event_bytes {
                let most = size(self.options.event_bytes as u64);
                self.problem(start, format!("longer than the {most} that an event may have"));
                passing = true;
                scan.without_lists();
            }
            match step {
                Step::More => {
                    if passing {
                        scan.forget(length);
                        self.buffer.consume(length);
                    }
                    if !self.buffer.fill() {
                        let message = self.at_end(scan.missing()).filter(|_| !passing);
                        return self.break_off(start, self.buffer.rest().len(), message, passing);
                    }
                }
                Step::Done(_) => {
                    match part {
                        Part::Whole if passing => {}
                        Part::Whole => self.whole(length),
                        Part::Tail => self.tail(length, passing),
                    }
                    return self.buffer.consume(length);
                }
                Step::Items { .. } if passing => {}
                Step::Items { key, .. } => match self.items(key, part) {
                    Sort::List | Sort::Unknown => return self.buffer.consume(length),
                    Sort::Event => scan.without_lists(),
                    Sort::Foreign => {
                        passing = true;
                        scan.without_lists();
                    }
                },
                Step::Broken { at, fault } => {
                    let message = match fault {
                        Fault::Depth => format!("nested deeper than {}", self.options.depth),
                        Fault::Expected(what) => format!("expected {what}, got {}", self.got(at)),
                    };
                    return self.break_off(start, at, (!passing).then_some(message), passing);
                }
            }
        }
    }

    /// A value whose end was found.
    fn whole(&mut self, length: usize) {
        if self.event(Some(length)) == First::Whole(length) {
            return;
        }
        let (Options { bodies, depth, .. }, place) = (*self.options, self.buffer.place());
        let value = &self.buffer.rest()[..length];
        let verdict = judge::slowly(value, bodies, depth, |event| (self.visit)(event, place));
        self.judged(verdict);
    }

    /// A list of items begins in an object, whose part before its key is there. What the object is.
    fn items(&mut self, key: usize, part: Part) -> Sort {
        let head = self.head(key, false);
        match (part, self.lists.last_mut()) {
            (Part::Tail, Some(list)) => {
                list.merge(head);
                list.next = Next::FirstOrEnd;
                Sort::List
            }
            _ => {
                let sort = head.sort();
                match sort {
                    Sort::Foreign => self.problem(self.buffer.place(), judge::foreign(&head)),
                    Sort::List | Sort::Unknown => self.open(Some(head)),
                    Sort::Event => {}
                }
                sort
            }
        }
    }

    /// The object of a list ends.
    fn tail(&mut self, length: usize, passing: bool) {
        let head = if passing { Head::default() } else { self.head(length, true) };
        let Some(mut list) = self.lists.pop() else { return };
        list.merge(head);
        if let Some(head) = list.head.filter(|head| !matches!(head.sort(), Sort::List | Sort::Unknown)) {
            self.problem(list.place, judge::foreign(&head));
        }
    }

    /// What the first bytes that are there say of the object that they are part of.
    fn head(&mut self, length: usize, last: bool) -> Head<'static> {
        judge::head(&self.buffer.rest()[..length], last, self.options.depth).unwrap_or_else(
            |(at, message)| {
                self.problem(self.buffer.place_of(at), message);
                Head::default()
            },
        )
    }

    /// That something is missing at the end. Of what ends because no more can be read, only that is told.
    fn at_end(&self, missing: &str) -> Option<String> {
        self.buffer.failure().is_none().then(|| format!("expected {missing}, got the end"))
    }

    /// The character that begins `at` this byte of what is there, for people.
    fn got(&mut self, at: usize) -> String {
        let mut end = at + CHARACTER;
        while self.buffer.rest().len() < end && self.buffer.fill() {}
        end = end.min(self.buffer.rest().len());
        shown(&self.buffer.rest()[at..end])
    }

    /// Something is broken `at` this byte of what is there, in a value that began at `start`, of which a part may be `gone` already.
    /// It is told if that was not done; then the place is looked for where reading can go on.
    fn break_off(&mut self, start: Position, at: usize, message: Option<String>, gone: bool) {
        let place = self.buffer.place_of(at);
        if let Some(message) = message {
            let message = match self.lists.last() {
                Some(list) => format!("{message}, in the list that begins at {}", list.place),
                None => message,
            };
            self.problem(place, message);
        }
        let began = self.lists.first().map_or(start, |list| list.place);
        if place.line == began.line {
            // All of it was on this line: the next one is a document of its own.
            self.lists.clear();
            self.buffer.consume(at);
            self.skip_line();
            return;
        }
        if self.lists.last().is_some_and(|list| list.next == Next::Nothing) {
            self.lists.pop();
        }
        // A line that was cut off may have taken the next ones for its own.
        let near = start.line < place.line && place.line - start.line <= LINES;
        let line = memchr::memchr(b'\n', self.buffer.rest()).filter(|_| near && !gone);
        self.buffer.consume(line.map_or(at, |end| end + 1));
        self.resume();
    }

    /// Passes over the rest of the line. Whether there is another.
    fn skip_line(&mut self) -> bool {
        loop {
            let rest = self.buffer.rest();
            let end = memchr::memchr(b'\n', rest);
            self.buffer.consume(end.map_or(rest.len(), |end| end + 1));
            if end.is_some() {
                return true;
            }
            if !self.buffer.fill() {
                return false;
            }
        }
    }

    /// Passes over lines up to one that begins a document, or an item of an open list: by its bracket, and as far indented as they are.
    fn resume(&mut self) {
        loop {
            if self.buffer.blank() {
                let Some(byte) = self.peek() else { break };
                let column = self.buffer.place().column;
                let list = self.lists.iter().rposition(|list| list.indent == Some(column));
                if let Some(at) = list.filter(|_| byte == b'{') {
                    self.lists.truncate(at + 1);
                    if let Some(list) = self.lists.last_mut() {
                        (list.next, list.mended) = (Next::Item, true);
                    }
                    return;
                }
                if matches!(byte, b'{' | b'[') && column == 1 {
                    self.lists.clear();
                    return;
                }
            }
            if !self.skip_line() {
                break;
            }
        }
        self.lists.clear();
    }
}

impl List {
    /// Its object says more of what it is.
    fn merge(&mut self, more: Head<'static>) {
        let Some(head) = &mut self.head else { return };
        if !more.kind.is_empty() {
            head.kind = more.kind;
        }
        if !more.api_version.is_empty() {
            head.api_version = more.api_version;
        }
    }
}

/// Whether a value is nested at most `depth` deep. Nearly always a look at its length or at how many brackets it has tells.
fn shallow(value: &[u8], depth: usize) -> bool {
    // `[` and `{` differ in one bit.
    value.len() / 2 <= depth
        || count(value, |byte| byte | 0x20 == b'{') <= depth
        || Scan::value(depth, false).run(value) == Step::Done(value.len())
}

/// What is expected in a list.
fn after(next: Next) -> &'static str {
    match next {
        Next::FirstOrEnd => "an audit event or `]`",
        Next::Item => "an audit event",
        Next::CommaOrEnd => "`,` or `]`",
        Next::Nothing => "the end of the list",
    }
}

/// The first character, for people.
fn shown(bytes: &[u8]) -> String {
    let valid = bytes.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next());
    match (valid, bytes.first()) {
        (Some('\n'), _) => "the end of the line".to_owned(),
        (Some('"'), _) => "`\"`".to_owned(),
        (Some(character), _) => format!("`{}`", character.escape_debug()),
        (None, Some(byte)) => format!("byte 0x{byte:02x}"),
        (None, None) => "the end".to_owned(),
    }
}
