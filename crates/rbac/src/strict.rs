//! What the API server says of a role or a binding that it cannot decode: values of wrong types, and under strict field validation, which clients
//! ask for by default, fields that the kind does not have and fields that are there twice. Sources: sigs.k8s.io/json
//! `internal/golang/encoding/json/decode.go`; k8s.io/apimachinery `pkg/runtime/converter.go` (what a patch makes is not decoded but converted);
//! sigs.k8s.io/structured-merge-diff `typed/validate.go` (what is applied is held against the schema); k8s.io/apiserver
//! `pkg/endpoints/handlers/{create,update,patch,rest}.go`.

use std::collections::{BTreeMap, HashSet};

use ringwall_model::go::go_quote;
use ringwall_model::object::Object;
use ringwall_model::tree::{Kind, Node};

use crate::model::{GROUP, RbacObject};

/// The version of RBAC's API that is served; the others went with Kubernetes 1.22.
pub const SERVED: &str = "v1";

/// What a client says of an object of RBAC's API group whose kind or version no API server serves; `None` where it is served.
pub fn unserved(object: &Object) -> Option<String> {
    let is_served = object.version == SERVED && RbacObject::is_one(object);
    (object.id.group == GROUP && !is_served).then(|| {
        let version = go_quote(&object.api_version());
        format!("no matches for kind {} in version {version}", go_quote(&object.id.kind))
    })
}

/// How an object reaches the API server, which decides who reads it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// As the whole of it: POST and PUT.
    Whole,
    /// As a patch of what is there, which has owners or not.
    Patch {
        /// Whether it has.
        has_owners: bool,
    },
    /// As a server-side apply of what is not there.
    Apply,
}

/// The type of a field.
enum Type {
    /// Text, by the name of its Go type.
    Text(&'static str),
    Bool,
    Int64,
    Time,
    /// Anything.
    Any,
    List(&'static Self),
    /// A map from text to text.
    Texts,
    Struct(&'static Struct),
}

/// A Go struct: its name, and its fields in their order.
struct Struct {
    name: &'static str,
    fields: &'static [(&'static str, Type)],
}

const TEXT: Type = Type::Text("string");
const TEXTS: Type = Type::List(&TEXT);

static OWNER: Struct = Struct {
    name: "OwnerReference",
    fields: &[
        ("apiVersion", TEXT),
        ("kind", TEXT),
        ("name", TEXT),
        ("uid", Type::Text("types.UID")),
        ("controller", Type::Bool),
        ("blockOwnerDeletion", Type::Bool),
    ],
};

static MANAGED: Struct = Struct {
    name: "ManagedFieldsEntry",
    fields: &[
        ("manager", TEXT),
        ("operation", Type::Text("v1.ManagedFieldsOperationType")),
        ("apiVersion", TEXT),
        ("time", Type::Time),
        ("fieldsType", TEXT),
        ("fieldsV1", Type::Any),
        ("subresource", TEXT),
    ],
};

static META: Struct = Struct {
    name: "ObjectMeta",
    fields: &[
        ("name", TEXT),
        ("generateName", TEXT),
        ("namespace", TEXT),
        ("selfLink", TEXT),
        ("uid", Type::Text("types.UID")),
        ("resourceVersion", TEXT),
        ("generation", Type::Int64),
        ("creationTimestamp", Type::Time),
        ("deletionTimestamp", Type::Time),
        ("deletionGracePeriodSeconds", Type::Int64),
        ("labels", Type::Texts),
        ("annotations", Type::Texts),
        ("ownerReferences", Type::List(&Type::Struct(&OWNER))),
        ("finalizers", TEXTS),
        ("managedFields", Type::List(&Type::Struct(&MANAGED))),
    ],
};

static RULE: Struct = Struct {
    name: "PolicyRule",
    fields: &[
        ("verbs", TEXTS),
        ("apiGroups", TEXTS),
        ("resources", TEXTS),
        ("resourceNames", TEXTS),
        ("nonResourceURLs", TEXTS),
    ],
};

static REQUIREMENT: Struct = Struct {
    name: "LabelSelectorRequirement",
    fields: &[("key", TEXT), ("operator", Type::Text("v1.LabelSelectorOperator")), ("values", TEXTS)],
};

static SELECTOR: Struct = Struct {
    name: "LabelSelector",
    fields: &[("matchLabels", Type::Texts), ("matchExpressions", Type::List(&Type::Struct(&REQUIREMENT)))],
};

static AGGREGATION: Struct = Struct {
    name: "AggregationRule",
    fields: &[("clusterRoleSelectors", Type::List(&Type::Struct(&SELECTOR)))],
};

static SUBJECT: Struct = Struct {
    name: "Subject",
    fields: &[("kind", TEXT), ("apiGroup", TEXT), ("name", TEXT), ("namespace", TEXT)],
};

static ROLE_REF: Struct =
    Struct { name: "RoleRef", fields: &[("apiGroup", TEXT), ("kind", TEXT), ("name", TEXT)] };

const RULES: Type = Type::List(&Type::Struct(&RULE));
const SUBJECTS: Type = Type::List(&Type::Struct(&SUBJECT));

static ROLE: Struct = Struct {
    name: "Role",
    fields: &[("kind", TEXT), ("apiVersion", TEXT), ("metadata", Type::Struct(&META)), ("rules", RULES)],
};

static CLUSTER_ROLE: Struct = Struct {
    name: "ClusterRole",
    fields: &[
        ("kind", TEXT),
        ("apiVersion", TEXT),
        ("metadata", Type::Struct(&META)),
        ("rules", RULES),
        ("aggregationRule", Type::Struct(&AGGREGATION)),
    ],
};

const BINDING_FIELDS: &[(&str, Type)] = &[
    ("kind", TEXT),
    ("apiVersion", TEXT),
    ("metadata", Type::Struct(&META)),
    ("subjects", SUBJECTS),
    ("roleRef", Type::Struct(&ROLE_REF)),
];

static ROLE_BINDING: Struct = Struct { name: "RoleBinding", fields: BINDING_FIELDS };
static CLUSTER_ROLE_BINDING: Struct = Struct { name: "ClusterRoleBinding", fields: BINDING_FIELDS };

impl Struct {
    fn of(kind: &str) -> Option<&'static Self> {
        [&ROLE, &CLUSTER_ROLE, &ROLE_BINDING, &CLUSTER_ROLE_BINDING].into_iter().find(|one| one.name == kind)
    }

    fn field(&self, key: &str) -> Option<(&'static str, &'static Type)> {
        self.fields.iter().find(|(name, _)| *name == key).map(|(name, kind)| (*name, kind))
    }
}

impl Type {
    /// The name of the Go type.
    fn go(&self) -> String {
        match self {
            Self::Text(name) => (*name).to_owned(),
            Self::Bool => "bool".to_owned(),
            Self::Int64 => "int64".to_owned(),
            // Its own decoder reads a text.
            Self::Time => "string".to_owned(),
            Self::Any => "v1.FieldsV1".to_owned(),
            Self::List(element) => format!("[]{}", element.go()),
            Self::Texts => "map[string]string".to_owned(),
            Self::Struct(shape) => format!("v1.{}", shape.name),
        }
    }
}

/// The API server's message for an object of RBAC that it cannot read; `None` where it can. Costs a walk of the object.
pub fn decoding_error(object: &Object, reader: Reader) -> Option<String> {
    let shape = Struct::of(&object.id.kind)?;
    let root = object.root();
    match reader {
        Reader::Whole => {
            let why = decode(shape, root)?;
            let kind = shape.name;
            Some(format!("{kind} in version {} cannot be handled as a {kind}: {why}", go_quote(SERVED)))
        }
        Reader::Patch { has_owners } => {
            // Only lists of mappings are merged by a key; others are refused when they are converted.
            let owners = root.at(&["metadata", "ownerReferences"]).filter(|_| has_owners);
            let is_unkeyed = |owner: &Node<'_>| {
                owner.kind() == Kind::Mapping && owner.get("uid").is_none_or(Node::is_null)
            };
            if let Some(owner) = owners.and_then(|owners| owners.items().find(is_unkeyed)) {
                return Some(format!("map: {} does not contain declared merge key: uid", go_value(owner)));
            }
            let why = convert(shape, root)?;
            let shown = go_quote(&go_value(root));
            // The error is of no object: kind and name stay empty.
            Some(format!(" \"\" is invalid: patch: Invalid value: {shown}: {why}"))
        }
        Reader::Apply => apply(shape, object),
    }
}

fn decode(shape: &'static Struct, root: Node<'_>) -> Option<String> {
    let mut decoder = Decoder::default();
    if let Err(at_once) = decoder.structure(root, shape) {
        return Some(at_once);
    }
    decoder.saved.or_else(|| strict_error(&decoder.strict.said))
}

fn strict_error(said: &[String]) -> Option<String> {
    (!said.is_empty()).then(|| format!("strict decoding error: {}", said.join(", ")))
}

/// Fields that are not known or repeated: no more than a hundred, and none twice.
#[derive(Default)]
struct Strict {
    said: Vec<String>,
    seen: HashSet<String>,
    path: String,
}

impl Strict {
    const MOST: usize = 100;

    fn say(&mut self, what: &str, key: &str) {
        if self.said.len() >= Self::MOST {
            return;
        }
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        let text = format!("{what} field {}", go_quote(&path));
        if self.seen.insert(text.clone()) {
            self.said.push(text);
        }
    }

    /// Steps into a field or an element; the length is what [`Strict::leave`] takes.
    fn enter(&mut self, step: Step<'_>) -> usize {
        let length = self.path.len();
        match step {
            Step::Key(key) => {
                if length > 0 {
                    self.path.push('.');
                }
                self.path.push_str(key);
            }
            Step::Index(index) => self.path.push_str(&format!("[{index}]")),
        }
        length
    }

    fn leave(&mut self, length: usize) {
        self.path.truncate(length);
    }
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// A decoder of whole objects: the first value of a wrong type is kept, and decoding goes on.
#[derive(Default)]
struct Decoder {
    strict: Strict,
    /// Names of the fields that lead to the value.
    fields: Vec<&'static str>,
    /// The struct that the last field is of.
    owner: &'static str,
    saved: Option<String>,
}

impl Decoder {
    fn mismatch(&self, node: Node<'_>, expected: &str) -> String {
        let number = |what: String| if expected == "int64" { what } else { "number".to_owned() };
        let got = match node.kind() {
            Kind::Null => "null".to_owned(),
            Kind::Bool => "bool".to_owned(),
            Kind::String => "string".to_owned(),
            Kind::Sequence => "array".to_owned(),
            Kind::Mapping => "object".to_owned(),
            Kind::Integer | Kind::Unsigned | Kind::Float => number(format!("number {}", node.raw())),
        };
        let (owner, field) = (self.owner, self.fields.join("."));
        format!("json: cannot unmarshal {got} into Go struct field {owner}.{field} of type {expected}")
    }

    fn keep(&mut self, node: Node<'_>, expected: &Type) {
        if self.saved.is_none() {
            self.saved = Some(self.mismatch(node, &expected.go()));
        }
    }

    /// A value whose own decoder refuses it ends the decoding at once.
    fn value(&mut self, node: Node<'_>, expected: &'static Type) -> Result<(), String> {
        if node.is_null() {
            return Ok(());
        }
        let fits = match expected {
            Type::Text(_) => node.kind() == Kind::String,
            Type::Bool => node.kind() == Kind::Bool,
            Type::Int64 => node.kind() == Kind::Integer,
            Type::Any => true,
            Type::Time => match node.as_str() {
                Some(text) => return time_error(text).map_or(Ok(()), Err),
                None => return Err(self.mismatch(node, &expected.go())),
            },
            Type::List(element) if node.kind() == Kind::Sequence => {
                for (index, item) in node.items().enumerate() {
                    let length = self.strict.enter(Step::Index(index));
                    self.value(item, element)?;
                    self.strict.leave(length);
                }
                true
            }
            Type::Texts if node.kind() == Kind::Mapping => {
                let mut seen = HashSet::new();
                for entry in node.entries() {
                    if !seen.insert(entry.key) {
                        self.strict.say("duplicate", entry.key);
                    }
                    let length = self.strict.enter(Step::Key(entry.key));
                    self.value(entry.value, &TEXT)?;
                    self.strict.leave(length);
                }
                true
            }
            Type::Struct(shape) if node.kind() == Kind::Mapping => return self.structure(node, shape),
            Type::List(_) | Type::Texts | Type::Struct(_) => false,
        };
        if !fits {
            self.keep(node, expected);
        }
        Ok(())
    }

    fn structure(&mut self, node: Node<'_>, shape: &'static Struct) -> Result<(), String> {
        let (mut seen, owner) = (HashSet::new(), self.owner);
        for entry in node.entries() {
            let Some((name, kind)) = shape.field(entry.key) else {
                self.strict.say("unknown", entry.key);
                continue;
            };
            if !seen.insert(name) {
                self.strict.say("duplicate", name);
            }
            let length = self.strict.enter(Step::Key(name));
            self.fields.push(name);
            self.owner = shape.name;
            self.value(entry.value, kind)?;
            self.fields.pop();
            self.strict.leave(length);
            self.owner = owner;
        }
        Ok(())
    }
}

/// What the converter of patched objects says: the first value of a wrong type in the order of Go's fields, or else all unknown fields, sorted,
/// behind the keys that the text repeats.
fn convert(shape: &'static Struct, root: Node<'_>) -> Option<String> {
    let mut converter = Converter::default();
    if let Err(why) = converter.structure(root, shape) {
        return Some(why);
    }
    let mut repeated = Strict::default();
    repeats(root, &mut repeated);
    let mut unknown = converter.strict.said;
    unknown.sort();
    repeated.said.append(&mut unknown);
    strict_error(&repeated.said)
}

fn repeats(node: Node<'_>, strict: &mut Strict) {
    let mut seen = HashSet::new();
    for entry in node.entries() {
        if !seen.insert(entry.key) {
            strict.say("duplicate", entry.key);
        }
        let length = strict.enter(Step::Key(entry.key));
        repeats(entry.value, strict);
        strict.leave(length);
    }
    for (index, item) in node.items().enumerate() {
        let length = strict.enter(Step::Index(index));
        repeats(item, strict);
        strict.leave(length);
    }
}

#[derive(Default)]
struct Converter {
    strict: Strict,
}

impl Converter {
    fn value(&mut self, node: Node<'_>, expected: &'static Type) -> Result<(), String> {
        if node.is_null() {
            return Ok(());
        }
        match expected {
            Type::Text(_) | Type::Bool | Type::Int64 => {
                let is_whole = node.as_f64().is_some_and(|number| number.fract() == 0.0);
                let fits = match expected {
                    Type::Text(_) => node.kind() == Kind::String,
                    Type::Bool => node.kind() == Kind::Bool,
                    _ => is_whole,
                };
                // Go can make a text of an integer, which is refused, and of nothing else.
                let converts = match expected {
                    Type::Text(_) => node.kind() == Kind::Integer,
                    Type::Int64 => node.as_f64().is_some(),
                    _ => false,
                };
                match expected {
                    _ if fits => Ok(()),
                    _ if converts => Err(format!("cannot convert {} to {}", go_kind(node), expected.go())),
                    Type::Text(_) => Err("unrecognized type: string".to_owned()),
                    _ => Err(format!("unrecognized type: {}", expected.go())),
                }
            }
            Type::Time => match node.as_str() {
                Some(text) => time_error(text).map_or(Ok(()), Err),
                None => {
                    let got = if node.kind() == Kind::Bool { "bool" } else { json_word(node) };
                    Err(format!("json: cannot unmarshal {got} into Go value of type string"))
                }
            },
            Type::Any => Ok(()),
            Type::List(element) if node.kind() == Kind::Sequence => {
                for (index, item) in node.items().enumerate() {
                    let length = self.strict.enter(Step::Index(index));
                    self.value(item, element)?;
                    self.strict.leave(length);
                }
                Ok(())
            }
            Type::Texts if node.kind() == Kind::Mapping => {
                node.entries().try_for_each(|entry| self.value(entry.value, &TEXT))
            }
            Type::Struct(shape) if node.kind() == Kind::Mapping => self.structure(node, shape),
            Type::List(_) => Err(format!("cannot restore slice from {}", go_kind(node))),
            Type::Texts => Err(format!("cannot restore map from {}", go_kind(node))),
            Type::Struct(_) => Err(format!("cannot restore struct from: {}", go_kind(node))),
        }
    }

    fn structure(&mut self, node: Node<'_>, shape: &'static Struct) -> Result<(), String> {
        for (name, kind) in shape.fields {
            if let Some(value) = node.get(name) {
                let length = self.strict.enter(Step::Key(name));
                self.value(value, kind)?;
                self.strict.leave(length);
            }
        }
        for entry in node.entries().filter(|entry| shape.field(entry.key).is_none()) {
            // What is null takes a field away that is not there.
            if !entry.value.is_null() {
                self.strict.say("unknown", entry.key);
            }
        }
        Ok(())
    }
}

/// Go's kind of a value that was read without a type.
fn go_kind(node: Node<'_>) -> &'static str {
    match node.kind() {
        Kind::Null => "invalid",
        Kind::Bool => "bool",
        Kind::Integer => "int64",
        Kind::Unsigned | Kind::Float => "float64",
        Kind::String => "string",
        Kind::Sequence => "slice",
        Kind::Mapping => "map",
    }
}

/// Go's type of a value that was read without a type.
fn go_type(node: Node<'_>) -> &'static str {
    match node.kind() {
        Kind::Sequence => "[]interface {}",
        Kind::Mapping => "map[string]interface {}",
        _ => go_kind(node),
    }
}

fn json_word(node: Node<'_>) -> &'static str {
    match node.kind() {
        Kind::Sequence => "array",
        Kind::Mapping => "object",
        _ => "number",
    }
}

/// A value as Go's `%+v` prints it, maps by their keys.
fn go_value(node: Node<'_>) -> String {
    match node.kind() {
        Kind::Null => "<nil>".to_owned(),
        Kind::Sequence => {
            let items: Vec<String> = node.items().map(go_value).collect();
            format!("[{}]", items.join(" "))
        }
        Kind::Mapping => {
            let entries: BTreeMap<&str, Node<'_>> =
                node.entries().map(|entry| (entry.key, entry.value)).collect();
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("{key}:{}", go_value(*value))).collect();
            format!("map[{}]", entries.join(" "))
        }
        Kind::String => node.as_str().unwrap_or_default().to_owned(),
        Kind::Bool | Kind::Integer | Kind::Unsigned | Kind::Float => node.raw().to_owned(),
    }
}

/// A value as Go's `%#v` prints it.
fn go_syntax(node: Node<'_>) -> String {
    match node.kind() {
        Kind::Null => "interface {}(nil)".to_owned(),
        Kind::String => go_quote(node.as_str().unwrap_or_default()),
        Kind::Sequence => {
            let items: Vec<String> = node.items().map(go_syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Kind::Mapping => {
            let entries: BTreeMap<&str, Node<'_>> =
                node.entries().map(|entry| (entry.key, entry.value)).collect();
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{}:{}", go_quote(key), go_syntax(*value)))
                .collect();
            format!("map[string]interface {{}}{{{}}}", entries.join(", "))
        }
        Kind::Bool | Kind::Integer | Kind::Unsigned | Kind::Float => node.raw().to_owned(),
    }
}

/// What a server-side apply says of an object that is not of its schema.
fn apply(shape: &'static Struct, object: &Object) -> Option<String> {
    let root = object.root();
    if root.at(&["metadata", "managedFields"]).is_some_and(|fields| !fields.is_null()) {
        return Some("metadata.managedFields must be nil".to_owned());
    }
    let mut schema = Schema::default();
    schema.structure(root, shape);
    let (namespace, name) = (object.id.namespace.as_deref().unwrap_or_default(), &object.id.name);
    let kind = format!("{}, Kind={}", object.api_version(), object.id.kind);
    let named = format!("({namespace}/{name}; {kind})");
    let errors = match schema.errors.as_slice() {
        [] => {
            let why = Converter::default().structure(root, shape).err()?;
            return Some(format!(
                "failed to convert new object {named} to proper version: unable to convert unstructured object to {kind}: {why}"
            ));
        }
        [one] => one.clone(),
        several => format!("errors:\n  {}", several.join("\n  ")),
    };
    Some(format!("failed to create typed patch object {named}: {errors}"))
}

#[derive(Default)]
struct Schema {
    errors: Vec<String>,
    path: String,
}

impl Schema {
    fn within<T>(&mut self, step: &str, look: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        self.path.push_str(step);
        let result = look(self);
        self.path.truncate(length);
        result
    }

    fn say(&mut self, what: &str) {
        self.errors.push(format!("{}: {what}", self.path));
    }

    fn value(&mut self, node: Node<'_>, expected: &'static Type) {
        if node.is_null() {
            return;
        }
        let shown = || format!("&{{{}}}", go_value(node));
        match expected {
            Type::Text(_) if node.kind() != Kind::String => {
                self.say(&format!(
                    "expected string, got &value.valueUnstructured{{Value:{}}}",
                    go_syntax(node)
                ));
            }
            Type::Bool if node.kind() != Kind::Bool => {
                self.say(&format!("expected boolean, got {}", shown()));
            }
            Type::Int64 if node.as_f64().is_none() => {
                self.say(&format!("expected numeric (int or float), got {}", go_type(node)));
            }
            // The schema leaves times open.
            Type::Text(_) | Type::Time | Type::Bool | Type::Int64 | Type::Any => {}
            Type::List(element) if node.kind() == Kind::Sequence => {
                // Owners are told apart by their uid, and finalizers are a set; no other lists are that deep in the metadata.
                let is_set = self.path == ".metadata.finalizers";
                let mut seen = HashSet::new();
                for (index, item) in node.items().enumerate() {
                    let key = match element {
                        Type::Struct(shape) if shape.name == OWNER.name => owner_key(item),
                        Type::Text(_) if is_set => set_key(item),
                        _ => Ok(None),
                    };
                    match key {
                        Ok(None) => self.within(&format!("[{index}]"), |schema| schema.value(item, element)),
                        Ok(Some(key)) => {
                            if !seen.insert(key.clone()) {
                                self.say(&format!("duplicate entries for key {key}"));
                            }
                            self.within(&key, |schema| schema.value(item, element));
                        }
                        Err(why) => self.say(&format!("element {index}: {why}")),
                    }
                }
            }
            Type::Texts if node.kind() == Kind::Mapping => {
                let entries: BTreeMap<&str, Node<'_>> =
                    node.entries().map(|entry| (entry.key, entry.value)).collect();
                for (key, value) in entries {
                    self.within(&format!(".{key}"), |schema| schema.value(value, &TEXT));
                }
            }
            Type::Struct(shape) if node.kind() == Kind::Mapping => self.structure(node, shape),
            Type::List(_) => self.say(&format!("expected list, got {}", shown())),
            Type::Texts | Type::Struct(_) => self.say(&format!("expected map, got {}", shown())),
        }
    }

    /// Fields by their names, up to the first that is not known.
    fn structure(&mut self, node: Node<'_>, shape: &'static Struct) {
        let entries: BTreeMap<&str, Node<'_>> =
            node.entries().map(|entry| (entry.key, entry.value)).collect();
        for (key, value) in entries {
            let is_known = self.within(&format!(".{key}"), |schema| {
                match shape.field(key) {
                    Some((_, kind)) => schema.value(value, kind),
                    None => schema.say("field not declared in schema"),
                }
                shape.field(key).is_some()
            });
            if !is_known {
                break;
            }
        }
    }
}

/// How the elements of a list are told apart, where they are.
type Key = Result<Option<String>, &'static str>;

fn owner_key(item: Node<'_>) -> Key {
    match item.kind() {
        Kind::Null => Err("associative list with keys has an element that's an explicit null"),
        Kind::Mapping => {
            let uid = item.get("uid").filter(|uid| !uid.is_null());
            Ok(Some(format!("[uid={}]", uid.map_or_else(|| "\"\"".to_owned(), go_syntax))))
        }
        _ => Err("associative list with keys may not have non-map elements"),
    }
}

fn set_key(item: Node<'_>) -> Key {
    match item.kind() {
        Kind::Null => Err("associative list without keys has an element that's an explicit null"),
        Kind::Mapping => Err("associative list without keys has an element that's a map type"),
        Kind::Sequence => Err("not supported: associative list with lists as elements"),
        _ => Ok(Some(format!("[={}]", go_syntax(item)))),
    }
}

/// What Go's `time.Parse` says of a text that is no time; `None` where it is one. Source: Go's `time/format.go` (`parse`, of RFC 3339).
fn time_error(text: &str) -> Option<String> {
    const LAYOUT: &str = "2006-01-02T15:04:05Z07:00";
    // Element of the layout, how many digits, the range and what is out of it.
    const ELEMENTS: [(&str, &str); 6] =
        [("", "2006"), ("-", "01"), ("-", "02"), ("T", "15"), (":", "04"), (":", "05")];
    let (quoted, layout) = (go_quote(text), go_quote(LAYOUT));
    let cannot = |rest: &str, element: &str| {
        Some(format!(
            "parsing time {quoted} as {layout}: cannot parse {} as {}",
            go_quote(rest),
            go_quote(element)
        ))
    };
    let range = |what: &str| Some(format!("parsing time {quoted}: {what} out of range"));
    let (mut rest, mut parts) = (text, [0_u32; 6]);
    for ((before, element), part) in ELEMENTS.into_iter().zip(&mut parts) {
        match rest.strip_prefix(before) {
            Some(behind) => rest = behind,
            None => return cannot(rest, before),
        }
        let digits =
            rest.get(..element.len()).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        // An hour may have one digit.
        let one =
            rest.get(..1).filter(|digit| element == "15" && digit.bytes().all(|byte| byte.is_ascii_digit()));
        let Some(digits) = digits.or(one) else { return cannot(rest, element) };
        *part = digits.parse().unwrap_or_default();
        rest = &rest[digits.len()..];
        let bad = match element {
            "01" => (!(1..=12).contains(part)).then_some("month"),
            "15" => (*part > 23).then_some("hour"),
            "04" => (*part > 59).then_some("minute"),
            "05" => (*part > 59).then_some("second"),
            _ => None,
        };
        if let Some(what) = bad {
            return range(what);
        }
    }
    // A fraction is no part of the layout, and taken all the same.
    if let Some(fraction) = rest.strip_prefix(['.', ',']) {
        let behind = fraction.trim_start_matches(|digit: char| digit.is_ascii_digit());
        if behind.len() < fraction.len() {
            rest = behind;
        }
    }
    let zone = rest;
    rest = if let Some(behind) = rest.strip_prefix('Z') {
        behind
    } else {
        let shape = zone.get(..6).map(str::as_bytes);
        let is_zone = shape.is_some_and(|zone| {
            let digits = [1, 2, 4, 5].iter().all(|at| zone[*at].is_ascii_digit());
            matches!(zone[0], b'+' | b'-') && zone[3] == b':' && digits
        });
        if !is_zone {
            return cannot(zone, "Z07:00");
        }
        let number = |at: std::ops::Range<usize>| zone[at].parse::<u32>().unwrap_or_default();
        if number(1..3) > 24 {
            return range("time zone offset hour");
        }
        if number(4..6) > 60 {
            return range("time zone offset minute");
        }
        &zone[6..]
    };
    if !rest.is_empty() {
        return Some(format!("parsing time {quoted}: extra text: {}", go_quote(rest)));
    }
    let [year, month, day, ..] = parts;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if day < 1 || day > days { range("day") } else { None }
}
