//! Whether an object can be read at all: what cannot is left out, as the reference leaves it out.
//!
//! Built-in kinds and the specs of Istio's are checked whole. Of the statuses of Istio's kinds, of the Gateway API and of custom resource
//! definitions those fields are checked that something is read of, and what is around them.

use ringwall_mesh::validate;
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::schema;
use ringwall_model::tree::{Kind, Node};

/// The first field that cannot be read, and why.
pub(crate) fn flaw(object: &Object) -> Option<(FieldPath, String)> {
    if let Some(schema) = schema::of(&object.id.group, &object.version, &object.id.kind) {
        let error = schema.check(object.root()).into_iter().next()?;
        return Some((error.path, error.message));
    }
    if let Some(complaint) = validate::unreadable(object) {
        return Some((complaint.path, complaint.message));
    }
    let fields: &[(&str, Shape)] = match (object.id.group.as_str(), object.id.kind.as_str()) {
        ("gateway.networking.k8s.io", "Gateway") => {
            &[METADATA, ("spec", GATEWAY), ("status", GATEWAY_STATUS)]
        }
        ("gateway.networking.k8s.io", _) => &[METADATA, ("spec", OBJECT), ("status", ROUTE_STATUS)],
        ("apiextensions.k8s.io", _) => &[METADATA, ("spec", DEFINITION), ("status", OBJECT)],
        _ => &[METADATA, ("status", ISTIO_STATUS)],
    };
    let mut path = FieldPath::root();
    let message = Shape::Object(fields).flaw(object.root(), &mut path)?;
    Some((path, message))
}

/// What a value must be. `null` is as if nothing were there.
#[derive(Clone, Copy)]
enum Shape {
    Text,
    /// A whole number; protobuf also takes one in a text.
    Number,
    Time,
    Texts,
    List(&'static Shape),
    Object(&'static [(&'static str, Shape)]),
}

const OBJECT: Shape = Shape::Object(&[]);
const METADATA: (&str, Shape) =
    ("metadata", Shape::Object(&[("labels", Shape::Texts), ("annotations", Shape::Texts)]));
const CONDITIONS: (&str, Shape) = (
    "conditions",
    Shape::List(&Shape::Object(&[
        ("type", Shape::Text),
        ("status", Shape::Text),
        ("reason", Shape::Text),
        ("message", Shape::Text),
        ("lastProbeTime", Shape::Time),
        ("lastTransitionTime", Shape::Time),
        ("observedGeneration", Shape::Number),
    ])),
);
const GATEWAY: Shape =
    Shape::Object(&[("gatewayClassName", Shape::Text), ("listeners", Shape::List(&OBJECT))]);
const GATEWAY_STATUS: Shape = Shape::Object(&[CONDITIONS, ("listeners", Shape::List(&OBJECT))]);
const ROUTE_STATUS: Shape = Shape::Object(&[(
    "parents",
    Shape::List(&Shape::Object(&[("parentRef", OBJECT), ("controllerName", Shape::Text), CONDITIONS])),
)]);
const DEFINITION: Shape = Shape::Object(&[
    ("group", Shape::Text),
    ("scope", Shape::Text),
    ("names", Shape::Object(&[("kind", Shape::Text), ("plural", Shape::Text), ("singular", Shape::Text)])),
    ("versions", Shape::List(&OBJECT)),
]);
const ISTIO_STATUS: Shape = Shape::Object(&[
    CONDITIONS,
    ("addresses", Shape::List(&Shape::Object(&[("value", Shape::Text), ("host", Shape::Text)]))),
    ("observedGeneration", Shape::Number),
]);

impl Shape {
    /// What is wrong with a value; `path` is then where.
    fn flaw(&self, node: Node<'_>, path: &mut FieldPath) -> Option<String> {
        if node.is_null() {
            return None;
        }
        let unless = |is_right: bool, wanted: &str| {
            (!is_right).then(|| format!("expected {wanted}, got {}", node.kind().described()))
        };
        match self {
            Self::Text => unless(node.as_str().is_some(), "a string"),
            Self::Number => unless(
                node.as_i64().is_some() || node.as_str().is_some_and(|text| text.parse::<i64>().is_ok()),
                "a number",
            ),
            Self::Time => unless(node.as_str().is_some_and(is_time), "a time"),
            Self::Texts if node.kind() != Kind::Mapping => unless(false, "a mapping"),
            Self::Texts => {
                let entry =
                    node.entries().find(|entry| !entry.value.is_null() && entry.value.as_str().is_none())?;
                *path = path.clone().key(entry.key);
                Some(format!("expected a string, got {}", entry.value.kind().described()))
            }
            Self::List(_) if node.kind() != Kind::Sequence => unless(false, "a list"),
            Self::List(item) => node.items().enumerate().find_map(|(at, node)| {
                let mut inner = path.clone().index(at);
                let message = item.flaw(node, &mut inner)?;
                *path = inner;
                Some(message)
            }),
            Self::Object(_) if node.kind() != Kind::Mapping => unless(false, "a mapping"),
            Self::Object(fields) => fields.iter().find_map(|(name, shape)| {
                let mut inner = path.clone().key(name);
                let message = shape.flaw(node.get(name)?, &mut inner)?;
                *path = inner;
                Some(message)
            }),
        }
    }
}

/// Whether a text begins as a time does: `2006-01-02T15:04:05`.
fn is_time(text: &str) -> bool {
    const LIKE: &[u8] = b"0000-00-00T00:00:00";
    let like = |(byte, like): (u8, &u8)| if *like == b'0' { byte.is_ascii_digit() } else { byte == *like };
    text.len() > LIKE.len() && text.bytes().zip(LIKE).all(like)
}
