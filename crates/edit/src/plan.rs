//! Changes laid over an object's tree: what happens to each node, all changes together.
//!
//! Paths are read on the object as it is written: an item keeps its index whichever others go, a field its key
//! whatever it is renamed to. What a change makes, the next one finds.

use std::collections::{BTreeMap, HashSet};

use ringwall_model::fix::{Change, Value};
use ringwall_model::path::Segment;
use ringwall_model::tree::{Kind, Node};

use crate::refusal::{Fault, Reason};
use crate::scalar::{self, Quote};

/// What happens to a value.
#[derive(Debug)]
pub(crate) enum Plan<'t> {
    /// Nothing.
    Keep,
    /// It becomes this one.
    Replace(Value),
    /// It is a collection of which parts change.
    Inside(Inside<'t>),
}

/// What happens in a collection.
#[derive(Debug)]
pub(crate) struct Inside<'t> {
    pub(crate) node: Node<'t>,
    /// By the index of the value's node.
    pub(crate) children: BTreeMap<u32, ChildPlan<'t>>,
    /// New entries, with keys, or new items, without.
    pub(crate) added: Vec<(Option<String>, Value)>,
}

/// What happens to an entry or an item.
#[derive(Debug)]
pub(crate) struct ChildPlan<'t> {
    pub(crate) removed: bool,
    /// Its new key.
    pub(crate) key: Option<&'static str>,
    pub(crate) plan: Plan<'t>,
}

/// What a change does at the end of its path.
enum Act<'c> {
    Set(&'c Value),
    Append(&'c Value),
    Remove,
    Rename(&'static str),
}

impl Act<'_> {
    /// The value where there is none yet.
    fn made(&self) -> Option<Value> {
        match self {
            Self::Set(value) => Some((*value).clone()),
            Self::Append(value) => Some(Value::List(vec![(*value).clone()])),
            Self::Remove | Self::Rename(_) => None,
        }
    }
}

impl<'t> Plan<'t> {
    /// Adds a change of the object at `root`. What stands beside it changes nothing in it.
    pub(crate) fn add(&mut self, root: Node<'t>, change: &Change) -> Result<(), Fault> {
        let (path, act) = match change {
            Change::Set { path, value } => (path, Act::Set(value)),
            Change::Append { path, value } => (path, Act::Append(value)),
            Change::Remove { path } => (path, Act::Remove),
            Change::Rename { path, key } => (path, Act::Rename(key)),
            Change::Beside { .. } => return Ok(()),
        };
        if path.is_empty() && !matches!(act, Act::Append(_)) {
            return Err(Fault::new(place_of(root), Reason::Whole));
        }
        let keys = path.segments().iter().filter_map(|segment| match segment {
            Segment::Key(key) => Some(&**key),
            Segment::Index(_) => None,
        });
        let value = match &act {
            Act::Set(value) | Act::Append(value) => writable(value),
            Act::Remove | Act::Rename(_) => Ok(()),
        };
        keys.map(short)
            .chain([value])
            .collect::<Result<(), _>>()
            .map_err(|reason| Fault::new(place_of(root), reason))?;
        self.go(root, path.segments(), &act)
    }

    fn go(&mut self, node: Node<'t>, path: &[Segment], act: &Act<'_>) -> Result<(), Fault> {
        let at = place_of(node);
        if let Self::Replace(value) = self {
            return made(value, path, act).map_err(|reason| Fault::new(at, reason));
        }
        let Some((segment, rest)) = path.split_first() else { return self.act(node, act) };
        if node.is_null() {
            if let Some(value) = build(path, act).map_err(|reason| Fault::new(at, reason))? {
                *self = Self::Replace(value);
            }
            return Ok(());
        }
        let (wanted, expected) = match segment {
            Segment::Key(_) => (Kind::Mapping, "a mapping"),
            Segment::Index(_) => (Kind::Sequence, "a list"),
        };
        if node.kind() != wanted {
            return Err(Fault::new(at, Reason::WrongType { expected, got: node.kind().described() }));
        }
        let inside = self.inside(node);
        let child = match segment {
            Segment::Key(key) => match entry(node, key)? {
                Some(child) => child,
                None => return inside.missing(key, rest, act),
            },
            Segment::Index(index) => match node.item(*index) {
                Some(child) => child,
                None if matches!(act, Act::Remove) => return Ok(()),
                None => return Err(Fault::new(at, Reason::NoItem(*index))),
            },
        };
        let fresh = ChildPlan { removed: false, key: None, plan: Plan::Keep };
        let planned = inside.children.entry(child.index()).or_insert(fresh);
        let contradiction = || Fault::new(place_of(child), Reason::Contradiction);
        match act {
            Act::Remove if rest.is_empty() => {
                if planned.key.is_some() || !planned.plan.is_nothing() {
                    return Err(contradiction());
                }
                if let Segment::Key(key) = segment {
                    unmerged(node, key)?;
                }
                planned.removed = true;
                Ok(())
            }
            _ if planned.removed => Err(contradiction()),
            Act::Rename(to) if rest.is_empty() => {
                let Segment::Key(key) = segment else {
                    return Err(Fault::new(at, Reason::WrongType { expected: "a mapping", got: "a list" }));
                };
                if **key == **to {
                    return Ok(());
                }
                if planned.key.is_some_and(|earlier| earlier != *to) {
                    return Err(contradiction());
                }
                planned.key = Some(to);
                unmerged(node, key)?;
                let written = node.written_entries().any(|written| written.entry.key == *to);
                let others = inside.children.values().filter(|other| other.key == Some(to)).count();
                let added = inside.added.iter().any(|(key, _)| key.as_deref() == Some(*to));
                if written || added || others > 1 || node.get(to).is_some() {
                    return Err(Fault::new(place_of(child), Reason::Exists((*to).to_owned())));
                }
                Ok(())
            }
            _ => planned.plan.go(child, rest, act),
        }
    }

    /// The parts of the collection `node`. Only for a plan that replaces nothing.
    fn inside(&mut self, node: Node<'t>) -> &mut Inside<'t> {
        if !matches!(self, Self::Inside(_)) {
            *self = Self::Inside(Inside { node, children: BTreeMap::new(), added: Vec::new() });
        }
        match self {
            Self::Inside(inside) => inside,
            Self::Keep | Self::Replace(_) => unreachable!("the line before made it one"),
        }
    }

    fn act(&mut self, node: Node<'t>, act: &Act<'_>) -> Result<(), Fault> {
        match act {
            Act::Set(value) if self.is_nothing() => {
                if !value.is_said_by(node) {
                    *self = Self::Replace((*value).clone());
                }
                Ok(())
            }
            Act::Append(value) => match node.kind() {
                Kind::Null => {
                    *self = Self::Replace(Value::List(vec![(*value).clone()]));
                    Ok(())
                }
                Kind::Sequence => {
                    // Whether the list holds it already is told when all changes are known.
                    let inside = self.inside(node);
                    if !inside.added.iter().any(|(_, added)| added == *value) {
                        inside.added.push((None, (*value).clone()));
                    }
                    Ok(())
                }
                kind => {
                    let reason = Reason::WrongType { expected: "a list", got: kind.described() };
                    Err(Fault::new(place_of(node), reason))
                }
            },
            Act::Set(_) | Act::Remove | Act::Rename(_) => {
                Err(Fault::new(place_of(node), Reason::Contradiction))
            }
        }
    }

    fn is_nothing(&self) -> bool {
        match self {
            Self::Keep => true,
            Self::Replace(_) => false,
            Self::Inside(inside) => {
                let kept =
                    |child: &ChildPlan<'_>| !child.removed && child.key.is_none() && child.plan.is_nothing();
                inside.added.is_empty() && inside.children.values().all(kept)
            }
        }
    }

    /// Drops what changes nothing, and removes collections that removals leave empty. Says whether this one is such.
    pub(crate) fn settle(&mut self) -> bool {
        let Self::Inside(inside) = self else { return false };
        for child in inside.children.values_mut() {
            child.removed |= child.plan.settle();
        }
        if inside.node.kind() == Kind::Sequence {
            let Inside { node, children, added } = inside;
            let holds = |value: &Value| {
                node.items().any(|item| match children.get(&item.index()) {
                    Some(ChildPlan { removed: true, .. }) => false,
                    Some(ChildPlan { plan: Plan::Replace(now), .. }) => now == value,
                    Some(ChildPlan { plan: Plan::Inside(_), .. }) => false,
                    Some(ChildPlan { plan: Plan::Keep, .. }) | None => value.is_said_by(item),
                })
            };
            added.retain(|(_, value)| !holds(value));
        }
        inside.children.retain(|_, child| child.removed || child.key.is_some() || !child.plan.is_nothing());
        let removed = inside.children.values().filter(|child| child.removed).count();
        let written = match inside.node.kind() {
            Kind::Mapping => inside.node.entries().count(),
            _ => inside.node.items().count(),
        };
        let gone = removed > 0 && removed == written && inside.added.is_empty();
        if self.is_nothing() {
            *self = Self::Keep;
        }
        gone
    }
}

impl Inside<'_> {
    /// Acts on a key that the mapping does not have as written.
    fn missing(&mut self, key: &str, rest: &[Segment], act: &Act<'_>) -> Result<(), Fault> {
        let fault = |reason| Fault::new(place_of(self.node), reason);
        if self.children.values().any(|child| child.key == Some(key)) {
            return Err(fault(Reason::Contradiction));
        }
        let place = self.added.iter().position(|(added, _)| added.as_deref() == Some(key));
        match (place, act) {
            (Some(_), Act::Remove | Act::Rename(_)) if rest.is_empty() => Err(fault(Reason::Contradiction)),
            (Some(place), _) => made(&mut self.added[place].1, rest, act).map_err(fault),
            (None, Act::Rename(to)) if rest.is_empty() && self.node.get(to).is_some() => Ok(()),
            (None, _) => {
                if let Some(value) = build(rest, act).map_err(fault)? {
                    self.added.push((Some(key.to_owned()), value));
                }
                Ok(())
            }
        }
    }
}

/// A key of YAML that is written before its colon on one line has 1024 characters at most.
fn short(key: &str) -> Result<(), Reason> {
    const LONGEST: usize = 1024;
    let written = scalar::text(key, Quote::Double, false).chars().count();
    if written <= LONGEST { Ok(()) } else { Err(Reason::LongKey) }
}

/// Whether the keys of a value can be written as keys.
pub(crate) fn writable(value: &Value) -> Result<(), Reason> {
    match value {
        Value::List(items) => items.iter().try_for_each(writable),
        Value::Mapping(entries) => {
            let mut seen = HashSet::new();
            entries.iter().try_for_each(|(key, value)| {
                if !seen.insert(key) {
                    return Err(Reason::Repeated(key.clone()));
                }
                short(key)?;
                writable(value)
            })
        }
        Value::Bool(_) | Value::Integer(_) | Value::Text(_) => Ok(()),
    }
}

/// Where a user is sent for a node: an alias is nearer than its anchor.
fn place_of(node: Node<'_>) -> usize {
    node.alias().unwrap_or(node.span()).start as usize
}

/// The value of a key that is written once.
fn entry<'t>(mapping: Node<'t>, key: &str) -> Result<Option<Node<'t>>, Fault> {
    let mut written = mapping.written_entries().filter(|written| written.entry.key == key);
    if let (Some(_), Some(second)) = (written.next(), written.next()) {
        let at = second.entry.key_span.start as usize;
        return Err(Fault::new(at, Reason::Repeated(key.to_owned())));
    }
    Ok(mapping.get(key))
}

/// A key that goes must not come back from a merge that it overrides.
fn unmerged(mapping: Node<'_>, key: &str) -> Result<(), Fault> {
    for merge in mapping.written_entries().filter(|written| written.overridden && written.entry.key == "<<") {
        let value = merge.entry.value;
        if value.get(key).is_some() || value.items().any(|part| part.get(key).is_some()) {
            return Err(Fault::new(merge.entry.key_span.start as usize, Reason::Shared));
        }
    }
    Ok(())
}

/// The value that an act makes below something that is missing.
fn build(path: &[Segment], act: &Act<'_>) -> Result<Option<Value>, Reason> {
    if matches!(act, Act::Remove) {
        return Ok(None);
    }
    let mut value = act.made().ok_or(Reason::NoField)?;
    for segment in path.iter().rev() {
        value = match segment {
            Segment::Key(key) => Value::Mapping(vec![(key.to_string(), value)]),
            Segment::Index(index) => return Err(Reason::NoItem(*index)),
        };
    }
    Ok(Some(value))
}

/// Acts below a value that another change makes.
fn made(value: &mut Value, path: &[Segment], act: &Act<'_>) -> Result<(), Reason> {
    let Some((segment, rest)) = path.split_first() else {
        return match (act, value) {
            (Act::Set(wanted), value) if **wanted == *value => Ok(()),
            (Act::Append(item), Value::List(items)) => {
                if !items.contains(item) {
                    items.push((*item).clone());
                }
                Ok(())
            }
            _ => Err(Reason::Contradiction),
        };
    };
    let (Segment::Key(key), Value::Mapping(entries)) = (segment, value) else {
        return Err(Reason::Contradiction);
    };
    match (entries.iter_mut().find(|(made, _)| *made == **key), act) {
        (Some(_), Act::Remove | Act::Rename(_)) if rest.is_empty() => Err(Reason::Contradiction),
        (Some((_, value)), _) => made(value, rest, act),
        (None, _) => {
            if let Some(value) = build(rest, act)? {
                entries.push((key.to_string(), value));
            }
            Ok(())
        }
    }
}
