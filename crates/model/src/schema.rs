//! The shapes of Kubernetes' built-in kinds: which type each field has.
//!
//! The API server decodes an object into a Go struct and refuses it at the first value of a wrong type
//! (`containers: {}`, `runAsUser: "1000"`), wherever in the object that is. This module knows the types
//! of all fields, so that ringwall refuses the same objects, with the place.
//! The table `schema/kubernetes.txt` is read by reflection from k8s.io/api (program `schema/main.go`); so is
//! `schema/retired.txt`, the kinds that no API server serves any more and that ringwall still reads.

use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

use crate::path::{FieldPath, Segment};
use crate::text::Span;
use crate::tree::{Kind, Node};

/// A value that its field's type does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaError {
    /// The field, from the object that was checked.
    pub path: FieldPath,
    /// Where the value is written.
    pub span: Span,
    /// What is wrong, as a sentence without full stop.
    pub message: String,
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl std::error::Error for SchemaError {}

/// A field that a kind does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownField {
    /// The field, from the object that was checked.
    pub path: FieldPath,
    /// The field of the same type that was most likely meant.
    pub meant: Option<&'static str>,
}

/// The shape of one built-in kind.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    types: &'static Types,
    root: usize,
}

#[derive(Debug)]
enum Shape {
    Scalar(Scalar),
    List(Box<Shape>),
    Map(Box<Shape>),
    Struct(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scalar {
    String,
    Bool,
    Int32,
    Int64,
    Uint8,
    Float64,
    Quantity,
    Time,
    MicroTime,
    Duration,
    IntOrString,
    Bytes,
    Any,
}

#[derive(Debug, Default)]
struct Types {
    /// The fields of each type.
    fields: Vec<FieldTable>,
    kinds: HashMap<(&'static str, &'static str, &'static str), usize>,
}

/// The fields of one type, for look-ups by name: a hash table with open addressing, at most half full.
#[derive(Debug, Default)]
struct FieldTable {
    slots: Vec<Option<(&'static str, Shape)>>,
    len: usize,
}

impl FieldTable {
    /// A cheap hash that tells the names of one type apart well enough: length, first and last bytes.
    fn hash(name: &str) -> usize {
        let bytes = name.as_bytes();
        let at = |index: usize| bytes.get(index).copied().map_or(0, usize::from);
        let last = at(bytes.len().wrapping_sub(1));
        let middle = at(bytes.len() / 2);
        bytes.len().wrapping_mul(31)
            ^ at(0).wrapping_mul(7)
            ^ last.wrapping_mul(131)
            ^ middle.wrapping_mul(17)
            ^ at(1)
    }

    fn insert(&mut self, name: &'static str, shape: Shape) {
        if (self.len + 1) * 2 > self.slots.len() {
            let size = (self.slots.len() * 2).max(8);
            let old = std::mem::replace(&mut self.slots, (0..size).map(|_| None).collect());
            for (name, shape) in old.into_iter().flatten() {
                self.place(name, shape);
            }
        }
        self.place(name, shape);
        self.len += 1;
    }

    fn place(&mut self, name: &'static str, shape: Shape) {
        let mask = self.slots.len() - 1;
        let mut at = Self::hash(name) & mask;
        while self.slots[at].is_some() {
            at = (at + 1) & mask;
        }
        self.slots[at] = Some((name, shape));
    }

    /// The field that a misspelt name most likely means.
    fn nearest(&self, name: &str) -> Option<&'static str> {
        let wanted = name.to_lowercase();
        let distance = |known: &str| strsim::levenshtein(&known.to_lowercase(), &wanted);
        let best = self.slots.iter().flatten().map(|(known, _)| (distance(known), *known)).min();
        best.filter(|(distance, known)| *distance <= known.len() / 4).map(|(_, known)| known)
    }

    fn get(&self, name: &str) -> Option<&Shape> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = Self::hash(name) & mask;
        while let Some((known, shape)) = &self.slots[at] {
            if *known == name {
                return Some(shape);
            }
            at = (at + 1) & mask;
        }
        None
    }
}

/// The shape of a built-in kind (`group` is empty for the core group), or `None` for any other kind.
pub fn of(group: &str, version: &str, kind: &str) -> Option<Schema> {
    [types(), retired()].into_iter().find_map(|types| {
        let root = *types.kinds.get(&(group, version, kind))?;
        Some(Schema { types, root })
    })
}

/// The table, read once.
fn types() -> &'static Types {
    static TYPES: OnceLock<Types> = OnceLock::new();
    TYPES.get_or_init(|| Types::parse(include_str!("../schema/kubernetes.txt")))
}

/// The table of the kinds that no API server serves any more, read once.
fn retired() -> &'static Types {
    static TYPES: OnceLock<Types> = OnceLock::new();
    TYPES.get_or_init(|| Types::parse(include_str!("../schema/retired.txt")))
}

/// Whether the table knows the kinds of this group and version; if so, it knows all of them. Retired kinds do not count:
/// of their groups only they are known.
pub fn serves(group: &str, version: &str) -> bool {
    types().kinds.keys().any(|(known, at, _)| *known == group && *at == version)
}

/// The kind of this group and version that `kind` most likely means: one that differs in case, by a plural's `s`, or by
/// a slip of one or two letters.
pub fn nearest_kind(group: &str, version: &str, kind: &str) -> Option<&'static str> {
    let wanted = kind.to_lowercase();
    let distance = |known: &str| {
        let known = known.to_lowercase();
        if known == wanted || wanted.strip_suffix('s') == Some(&known) {
            0
        } else {
            strsim::levenshtein(&known, &wanted)
        }
    };
    let candidates = types().kinds.keys().filter(|(known, at, _)| *known == group && *at == version);
    candidates
        .map(|(_, _, kind)| (distance(kind), *kind))
        .min()
        .filter(|(distance, _)| *distance <= 2)
        .map(|(_, kind)| kind)
}

impl Types {
    fn parse(text: &'static str) -> Self {
        let mut types = Self::default();
        let mut names = HashMap::new();
        let mut index_of = |name: &'static str, types: &mut Self| {
            *names.entry(name).or_insert_with(|| {
                types.fields.push(FieldTable::default());
                types.fields.len() - 1
            })
        };
        let mut current = None;
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix(':') {
                current = Some(index_of(name, &mut types));
                continue;
            }
            let mut words = line.split(' ');
            match (words.next(), words.next(), words.next(), words.next(), words.next()) {
                (Some("kind"), Some(group), Some(version), Some(kind), Some(name)) => {
                    let index = index_of(name, &mut types);
                    types.kinds.insert((if group == "core" { "" } else { group }, version, kind), index);
                }
                (Some(field), Some(expression), ..) => {
                    let shape = Shape::parse(expression, &mut |name| index_of(name, &mut types));
                    if let Some(current) = current {
                        types.fields[current].insert(field, shape);
                    }
                }
                _ => {}
            }
        }
        types
    }
}

impl Shape {
    fn parse(expression: &'static str, index_of: &mut impl FnMut(&'static str) -> usize) -> Self {
        if let Some(element) = expression.strip_prefix("[]") {
            return Self::List(Box::new(Self::parse(element, index_of)));
        }
        if let Some(value) = expression.strip_prefix("{}") {
            return Self::Map(Box::new(Self::parse(value, index_of)));
        }
        Self::Scalar(match expression {
            "string" => Scalar::String,
            "bool" => Scalar::Bool,
            "int32" => Scalar::Int32,
            "int64" => Scalar::Int64,
            "uint8" => Scalar::Uint8,
            "float64" => Scalar::Float64,
            "quantity" => Scalar::Quantity,
            "time" => Scalar::Time,
            "microtime" => Scalar::MicroTime,
            "duration" => Scalar::Duration,
            "intorstring" => Scalar::IntOrString,
            "bytes" => Scalar::Bytes,
            "any" => Scalar::Any,
            name => return Self::Struct(index_of(name)),
        })
    }
}

/// Where the walk stands: a list from the inside out, turned into a path only for an error.
struct Frame<'a> {
    parent: Option<&'a Self>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl Frame<'_> {
    fn path(frame: Option<&Frame<'_>>) -> FieldPath {
        let Some(frame) = frame else { return FieldPath::root() };
        let mut path = Self::path(frame.parent);
        path.push(match frame.step {
            Step::Key(key) => Segment::key(key),
            Step::Index(index) => Segment::Index(index),
        });
        path
    }
}

/// How far an object is of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fits {
    /// All values are of their fields' types.
    pub types: bool,
    /// The kind has all fields that are written.
    pub fields: bool,
}

impl Schema {
    /// Whether the API server can decode `node` as this kind.
    pub fn accepts(self, node: Node<'_>) -> bool {
        let mut ok = true;
        self.walk(node, &mut |_, _, _| ok = false, &mut |_, _, _| {});
        ok
    }

    /// Whether the API server can decode `node` as this kind, and whether it has only fields that the kind has; in one walk.
    pub fn fits(self, node: Node<'_>) -> Fits {
        let (mut types, mut fields) = (true, true);
        self.walk(node, &mut |_, _, _| types = false, &mut |_, _, _| fields = false);
        Fits { types, fields }
    }

    /// All values of wrong types, in document order. Costs a walk of the object with one table look-up a key.
    pub fn check(self, node: Node<'_>) -> Vec<SchemaError> {
        let mut errors = Vec::new();
        self.walk(
            node,
            &mut |node, frame, expected| {
                errors.push(SchemaError {
                    path: Frame::path(frame),
                    span: node.span(),
                    message: describe(node, expected),
                });
            },
            &mut |_, _, _| {},
        );
        errors
    }

    /// The fields that the kind does not have, in document order: the API server drops them, and refuses them under
    /// strict field validation, which is `kubectl`'s default.
    pub fn unknown_fields(self, node: Node<'_>) -> Vec<UnknownField> {
        let mut unknown = Vec::new();
        self.walk(node, &mut |_, _, _| {}, &mut |key, fields, frame| {
            unknown.push(UnknownField { path: Frame::path(frame).key(key), meant: fields.nearest(key) });
        });
        unknown
    }

    fn walk(
        self,
        node: Node<'_>,
        wrong: &mut dyn FnMut(Node<'_>, Option<&Frame<'_>>, &'static str),
        unknown: &mut dyn FnMut(&str, &FieldTable, Option<&Frame<'_>>),
    ) {
        self.types.walk_struct(self.root, node, None, wrong, unknown);
    }
}

impl Types {
    fn walk(
        &self,
        shape: &Shape,
        node: Node<'_>,
        frame: Option<&Frame<'_>>,
        wrong: &mut dyn FnMut(Node<'_>, Option<&Frame<'_>>, &'static str),
        unknown: &mut dyn FnMut(&str, &FieldTable, Option<&Frame<'_>>),
    ) {
        // `null` is taken by every type: it is the zero value.
        if node.is_null() {
            return;
        }
        match shape {
            Shape::Scalar(scalar) => {
                if !scalar.takes(node) {
                    wrong(node, frame, scalar.expected());
                }
            }
            Shape::List(element) => {
                if node.kind() != Kind::Sequence {
                    return wrong(node, frame, "a list");
                }
                for (index, item) in node.items().enumerate() {
                    let inner = Frame { parent: frame, step: Step::Index(index) };
                    self.walk(element, item, Some(&inner), wrong, unknown);
                }
            }
            Shape::Map(value) => {
                if node.kind() != Kind::Mapping {
                    return wrong(node, frame, "a mapping");
                }
                for entry in node.entries() {
                    let inner = Frame { parent: frame, step: Step::Key(entry.key) };
                    self.walk(value, entry.value, Some(&inner), wrong, unknown);
                }
            }
            Shape::Struct(index) => self.walk_struct(*index, node, frame, wrong, unknown),
        }
    }

    fn walk_struct(
        &self,
        index: usize,
        node: Node<'_>,
        frame: Option<&Frame<'_>>,
        wrong: &mut dyn FnMut(Node<'_>, Option<&Frame<'_>>, &'static str),
        unknown: &mut dyn FnMut(&str, &FieldTable, Option<&Frame<'_>>),
    ) {
        if node.kind() != Kind::Mapping {
            return wrong(node, frame, "a mapping");
        }
        let fields = &self.fields[index];
        for entry in node.entries() {
            match fields.get(entry.key) {
                Some(shape) => {
                    let inner = Frame { parent: frame, step: Step::Key(entry.key) };
                    self.walk(shape, entry.value, Some(&inner), wrong, unknown);
                }
                None => unknown(entry.key, fields, frame),
            }
        }
    }
}

fn describe(node: Node<'_>, expected: &str) -> String {
    let got = node.kind().described();
    let shown = node.raw();
    let scalar = !matches!(node.kind(), Kind::Sequence | Kind::Mapping);
    if scalar && shown.len() <= 40 && !shown.contains('\n') {
        format!("expected {expected}, got {got}: {shown}")
    } else {
        format!("expected {expected}, got {got}")
    }
}

impl Scalar {
    const fn expected(self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Bool => "a boolean",
            Self::Int32 => "an integer of 32 bits",
            Self::Int64 => "an integer of 64 bits",
            Self::Uint8 => "an integer from 0 to 255",
            Self::Float64 => "a number",
            Self::Quantity => "a quantity such as 500m or 128Mi",
            Self::Time => "a time such as 2026-01-31T12:00:00Z",
            Self::MicroTime => "a time such as 2026-01-31T12:00:00.000000Z",
            Self::Duration => "a duration such as 1h30m",
            Self::IntOrString => "an integer or a string",
            Self::Bytes => "base64 text",
            Self::Any => "anything",
        }
    }

    fn takes(self, node: Node<'_>) -> bool {
        match self {
            Self::String => node.kind() == Kind::String,
            Self::Bool => node.kind() == Kind::Bool,
            Self::Int32 => node.as_i64().is_some_and(|value| i32::try_from(value).is_ok()),
            Self::Int64 => node.kind() == Kind::Integer,
            Self::Uint8 => node.as_i64().is_some_and(|value| u8::try_from(value).is_ok()),
            Self::Float64 => matches!(node.kind(), Kind::Integer | Kind::Unsigned | Kind::Float),
            Self::Quantity => match node.kind() {
                Kind::String => node.as_str().is_some_and(is_quantity),
                // Every JSON number is a quantity.
                Kind::Integer | Kind::Unsigned | Kind::Float => true,
                _ => false,
            },
            Self::Time => node.as_str().is_some_and(|text| is_time(text, false)),
            Self::MicroTime => node.as_str().is_some_and(|text| is_time(text, true)),
            Self::Duration => node.as_str().is_some_and(is_duration),
            Self::IntOrString => match node.kind() {
                Kind::String => true,
                _ => Self::Int32.takes(node),
            },
            Self::Bytes => node.as_str().is_some_and(is_base64),
            Self::Any => true,
        }
    }
}

/// Whether Kubernetes reads `text` as a quantity.
/// Source: `Quantity.UnmarshalJSON`, `ParseQuantity` and `parseQuantityString` in k8s.io/apimachinery
/// `pkg/api/resource/quantity.go`, `suffixer` in `suffix.go`.
pub(crate) fn is_quantity(text: &str) -> bool {
    let text = text.trim();
    if text.is_empty() {
        return false;
    }
    let after_digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut rest = &unsigned[after_digits(unsigned)..];
    let mut has_number = rest.len() < unsigned.len();
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = &fraction[after_digits(fraction)..];
        // The reference takes "." and ".m" for zero.
        has_number = true;
    }
    let decimal = matches!(rest, "" | "n" | "u" | "m" | "k" | "M" | "G" | "T" | "P" | "E");
    // A binary suffix needs a number that the slow path can read; a decimal one alone is zero.
    let binary = matches!(rest, "Ki" | "Mi" | "Gi" | "Ti" | "Pi" | "Ei") && has_number;
    let exponent = rest.strip_prefix(['e', 'E']).is_some_and(|body| {
        let digits = body.strip_prefix(['-', '+']).unwrap_or(body);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) && body.parse::<i64>().is_ok()
    });
    decimal || binary || exponent
}

/// Whether Go's `time.Parse` reads `text` as RFC 3339; with `micro`, as Kubernetes' `RFC3339Micro`.
fn is_time(text: &str, micro: bool) -> bool {
    let bytes = text.as_bytes();
    let digits = |from: usize, len: usize| -> Option<u32> {
        let part = text.get(from..from + len)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let (Some(year), Some(month), Some(day)) = (digits(0, 4), digits(5, 2), digits(8, 2)) else {
        return false;
    };
    let (Some(hour), Some(minute), Some(second)) = (digits(11, 2), digits(14, 2), digits(17, 2)) else {
        return false;
    };
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if separators.iter().any(|(at, separator)| bytes.get(*at) != Some(separator)) {
        return false;
    }
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    if day == 0 || day > days || hour > 23 || minute > 59 || second > 59 {
        return false;
    }
    let mut zone = &text[19..];
    if let Some(fraction) = zone.strip_prefix(['.', ',']) {
        let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
        if end == 0 || (micro && end != 6) {
            return false;
        }
        zone = &fraction[end..];
    } else if micro {
        return false;
    }
    if zone == "Z" {
        return true;
    }
    let zone_bytes = zone.as_bytes();
    let number = |from: usize| zone.get(from..from + 2).and_then(|part| part.parse::<u32>().ok());
    zone_bytes.len() == 6
        && matches!(zone_bytes[0], b'+' | b'-')
        && zone_bytes[3] == b':'
        && zone_bytes[1].is_ascii_digit()
        && zone_bytes[4].is_ascii_digit()
        && number(1).is_some_and(|hours| hours <= 24)
        && number(4).is_some_and(|minutes| minutes < 60)
}

/// Whether Go's `time.ParseDuration` reads `text`.
fn is_duration(text: &str) -> bool {
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return true;
    }
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
        let number = &rest[..end];
        if !number.bytes().any(|byte| byte.is_ascii_digit()) || number.matches('.').count() > 1 {
            return false;
        }
        rest = &rest[end..];
        let Some(unit) = ["ns", "us", "µs", "μs", "ms", "s", "m", "h"]
            .iter()
            .filter(|unit| rest.starts_with(**unit))
            .max_by_key(|unit| unit.len())
        else {
            return false;
        };
        rest = &rest[unit.len()..];
    }
    true
}

/// Whether Go's `base64.StdEncoding` reads `text`: padded, line breaks passed over.
fn is_base64(text: &str) -> bool {
    let mut data = 0usize;
    let mut padding = 0usize;
    for byte in text.bytes() {
        match byte {
            b'\r' | b'\n' => {}
            b'=' => padding += 1,
            _ if padding > 0 => return false,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => data += 1,
            _ => return false,
        }
    }
    (data + padding).is_multiple_of(4) && padding <= 2 && !(padding > 0 && data == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_knows_the_kinds_that_make_pods() {
        for workload in crate::workload::WORKLOADS {
            assert!(of(workload.group, "v1", workload.kind).is_some(), "{}", workload.kind);
        }
        assert!(of("example.com", "v1", "Pod").is_none());
    }

    #[test]
    fn a_retired_kind_is_known_and_its_group_is_not_served() {
        for group in ["policy", "extensions"] {
            assert!(of(group, "v1beta1", "PodSecurityPolicy").is_some(), "{group}");
            assert!(of(group, "v1beta1", "PodSecurityPolicyList").is_none());
            assert!(!serves(group, "v1beta1"), "else its other kinds would be unknown ones");
        }
        assert!(of("policy", "v1", "PodSecurityPolicy").is_none());
    }

    #[test]
    fn a_misspelt_kind_is_known_by_its_neighbour() {
        assert_eq!(nearest_kind("", "v1", "pod"), Some("Pod"));
        assert_eq!(nearest_kind("", "v1", "Pods"), Some("Pod"));
        assert_eq!(nearest_kind("apps", "v1", "Deploymnet"), Some("Deployment"));
        assert_eq!(nearest_kind("", "v1", "Widget"), None);
        assert!(serves("batch", "v1") && !serves("example.com", "v1") && !serves("apps", "v1beta1"));
    }

    #[test]
    fn every_field_of_the_table_is_found() {
        let schema = of("", "v1", "Pod").unwrap();
        for fields in &schema.types.fields {
            for (name, _) in fields.slots.iter().flatten() {
                assert!(fields.get(name).is_some(), "{name}");
            }
            assert!(fields.get("noSuchField").is_none());
        }
    }

    #[test]
    fn quantities_are_those_of_kubernetes() {
        for good in ["0", "1", "500m", "1.5Gi", "1e3", "1E3", "2E", "-1", "+5k", ".5", "5.", "100n", "1e-3"] {
            assert!(is_quantity(good), "{good}");
        }
        for bad in ["", "1KB", "1 Gi", "ten", "1e", "0x10", "1mm", "1Kii"] {
            assert!(!is_quantity(bad), "{bad}");
        }
    }

    #[test]
    fn times_durations_and_base64_are_those_of_go() {
        assert!(is_time("2026-02-28T00:00:00Z", false));
        assert!(is_time("2026-02-28T00:00:00.123+01:00", false));
        assert!(!is_time("2026-02-30T00:00:00Z", false));
        assert!(!is_time("2026-02-28", false));
        assert!(is_time("2026-02-28T00:00:00.123456Z", true));
        assert!(is_duration("1h30m") && is_duration("0") && is_duration("1.5s") && is_duration("100ms"));
        assert!(!is_duration("5") && !is_duration("") && !is_duration("1d"));
        assert!(is_base64("aGVsbG8=") && is_base64("") && is_base64("aGVs\nbG8h"));
        assert!(!is_base64("aGVsbG8") && !is_base64("a=bc"));
    }
}
