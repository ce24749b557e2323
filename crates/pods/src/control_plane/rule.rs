//! What a flag must be, and how that is judged.

use core::net::IpAddr;

use ringwall_model::check::Check;
use ringwall_model::finding::Severity;
use ringwall_model::version::Minor;

use super::command::{CommandLine, Flag};
use super::table::RULES;

/// A component of the control plane that runs as a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Component {
    /// kube-apiserver.
    ApiServer,
    /// kube-controller-manager.
    ControllerManager,
    /// kube-scheduler.
    Scheduler,
    /// etcd.
    Etcd,
}

impl Component {
    /// All.
    pub const ALL: [Self; 4] = [Self::ApiServer, Self::ControllerManager, Self::Scheduler, Self::Etcd];

    /// The program's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Scheduler => "kube-scheduler",
            Self::Etcd => "etcd",
        }
    }
}

/// What a flag must be.
#[derive(Clone, Copy, Debug)]
pub enum Want {
    /// A boolean with this value.
    Bool(bool),
    /// Not given.
    Unset,
    /// Given, with some value.
    Set,
    /// Given, and so is the other, both with some value.
    Both(&'static str),
    /// 0.
    Zero,
    /// Anything but 0.
    NotZero,
    /// A whole number of at least this.
    AtLeast(i64),
    /// A loopback address.
    Loopback,
    /// A list with one of these items.
    OneOf(&'static [&'static str]),
    /// A list with none of these items.
    NoneOf(&'static [&'static str]),
    /// A map in which this key is not false.
    NotOff(&'static str),
    /// Somebody must judge whether the value suits the cluster.
    Judged,
}

/// How what is wrong can be mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Give the flag this value.
    Value(&'static str),
    /// Put this item into the list.
    Add(&'static str),
    /// Take the flag, or the items that do not belong there, out.
    Remove,
    /// It takes a file or a choice that only the cluster's owner knows; what to write, with a placeholder.
    Own(&'static str),
}

/// One row of the table: a flag, what it must be, and what it means if it is not.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Whose flag.
    pub component: Component,
    /// The flag, without dashes.
    pub flag: &'static str,
    /// By what findings on it are known: the flag with its dashes, and for a list the item that matters.
    pub witness: &'static str,
    /// The check that it belongs to.
    pub check: &'static Check,
    /// What it must be.
    pub want: Want,
    /// What an attacker gains by a wrong value.
    pub wrong: Severity,
    /// What an attacker gains where the flag is not given; `None` where the component's own default is right.
    pub absent: Option<Severity>,
    /// What the component does if it is wrong, so that `kube-apiserver SAYS` is a sentence.
    pub says: &'static str,
    /// How to mend it.
    pub remedy: Remedy,
    /// The recommendation of the CIS Kubernetes Benchmark 1.12; empty where it has none.
    pub cis: &'static str,
    /// Flags by which the same is said elsewhere, such as in a file. Where one is given, nothing can be told.
    pub unless: &'static [&'static str],
    /// A flag whose absence says it already: then this one's is worth no more than knowing.
    pub behind: Option<&'static str>,
    /// What makes it worse.
    pub worse: Option<Worse>,
    /// The first version of the component that does not know the flag any more.
    pub gone: Option<Minor>,
}

/// What makes a wrong flag worse than it is by itself.
#[derive(Clone, Copy, Debug)]
pub struct Worse {
    /// Whether it does.
    pub(super) holds: fn(&CommandLine<'_>) -> bool,
    /// What an attacker gains then.
    pub severity: Severity,
    /// What is worse, as the end of a sentence.
    pub says: &'static str,
}

/// Whether a flag of any component is a boolean, which takes its value behind `=` only.
pub(super) fn is_boolean(name: &str) -> bool {
    RULES.iter().any(|rule| rule.flag == name && matches!(rule.want, Want::Bool(_)))
}

/// How a rule is broken.
#[derive(Debug)]
pub(super) enum Breach<'a, 't> {
    /// The flag is not given.
    Absent,
    /// What it is together with is not given, or empty.
    Alone(&'static str),
    /// It is given with a wrong value.
    Wrong(&'a Flag<'t>),
    /// It is given with a wrong value, and again with a right one.
    Overridden(&'a Flag<'t>),
    /// A list lacks the item.
    Lacks(&'a Flag<'t>),
    /// A list holds what it must not.
    Holds(&'a Flag<'t>, Vec<&'a str>),
    /// Somebody must judge the value.
    Judge(&'a Flag<'t>),
}

impl Rule {
    /// How a command line breaks the rule, if it does. `None` too where that cannot be told.
    pub(super) fn broken_by<'a, 't>(&self, line: &'a CommandLine<'t>) -> Option<Breach<'a, 't>> {
        let is_gone = self.gone.zip(line.minor).is_some_and(|(gone, minor)| minor >= gone);
        if line.component != self.component || is_gone || self.unless.iter().any(|flag| line.has(flag)) {
            return None;
        }
        let Some(last) = line.last(self.flag) else {
            return (self.absent.is_some() && !line.open).then_some(Breach::Absent);
        };
        match self.want {
            Want::OneOf(items) => {
                let given = || line.given(self.flag);
                let found = given().flat_map(Flag::items).any(|item| items.contains(&item));
                (!found && !line.open && !given().any(Flag::is_unknown)).then_some(Breach::Lacks(last))
            }
            Want::NoneOf(items) => line.given(self.flag).rev().find_map(|flag| {
                let held: Vec<&str> = flag.items().filter(|item| items.contains(item)).collect();
                (!held.is_empty()).then_some(Breach::Holds(flag, held))
            }),
            Want::NotOff(key) => {
                let of_key = |item: &str| item.split_once('=').is_some_and(|(name, _)| name.trim() == key);
                let flag = line.given(self.flag).rev().find(|flag| flag.items().any(of_key))?;
                let item = flag.items().filter(|item| of_key(item)).last()?;
                let off = item.split_once('=').is_some_and(|(_, value)| boolean(value.trim()) == Some(false));
                off.then(|| Breach::Holds(flag, vec![item]))
            }
            Want::Judged => Some(Breach::Judge(last)),
            Want::Both(other) => {
                let missing = || line.last(other).is_none_or(|flag| flag.value.as_deref() == Some(""));
                if !last.is_unknown() && !self.is_right(last) {
                    Some(Breach::Wrong(last))
                } else {
                    (missing() && !line.open).then_some(Breach::Alone(other))
                }
            }
            _ if last.is_unknown() => None,
            _ if !self.is_right(last) => Some(Breach::Wrong(last)),
            _ => line
                .given(self.flag)
                .find(|flag| !flag.is_unknown() && !self.is_right(flag))
                .map(Breach::Overridden),
        }
    }

    /// Whether a single value is right.
    fn is_right(&self, flag: &Flag<'_>) -> bool {
        let value = flag.value.as_deref();
        match self.want {
            Want::Bool(want) => boolean(flag.text()) == Some(want),
            Want::Unset => false,
            Want::Set | Want::Both(_) => value.is_some_and(|value| !value.is_empty()),
            Want::Zero => value == Some("0"),
            Want::NotZero => value != Some("0"),
            Want::AtLeast(least) => {
                value.and_then(|value| value.parse().ok()).is_some_and(|value: i64| value >= least)
            }
            Want::Loopback => {
                value == Some("localhost")
                    || value
                        .and_then(|value| value.parse().ok())
                        .is_some_and(|address: IpAddr| address.is_loopback())
            }
            Want::OneOf(_) | Want::NoneOf(_) | Want::NotOff(_) | Want::Judged => true,
        }
    }
}

/// A boolean as Go's `strconv.ParseBool` reads it.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}
