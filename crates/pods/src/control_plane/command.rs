//! The command line of a container, read as the component reads it.
//!
//! Kubernetes' components parse with pflag: `--flag=value`, `--flag value` (not for booleans), `_` for `-`, lists that
//! grow with each repetition, and of anything else the last one stands. etcd parses with Go's `flag`, which takes
//! `-flag` too, and fills what is not given from `ETCD_FLAG`. Two flags in one argument are one value to either, but
//! whoever wrote them meant two, so they are read as two.

use std::borrow::Cow;

use ringwall_model::decode::{Decode, List, StringMap};
use ringwall_model::decode_fields;
use ringwall_model::path::FieldPath;
use ringwall_model::tree::Node;
use ringwall_model::version::Minor;

use super::rule::Component;

/// What of a pod is looked at.
#[derive(Debug, Default)]
pub(super) struct Template<'t> {
    metadata: Metadata<'t>,
    spec: Spec<'t>,
}
decode_fields!(Template<'t> { "metadata" => metadata, "spec" => spec });

#[derive(Debug, Default)]
struct Metadata<'t> {
    labels: StringMap<'t>,
}
decode_fields!(Metadata<'t> { "labels" => labels });

#[derive(Debug, Default)]
struct Spec<'t> {
    containers: List<Container<'t>>,
}
decode_fields!(Spec<'t> { "containers" => containers });

#[derive(Debug, Default)]
struct Container<'t> {
    name: &'t str,
    image: &'t str,
    command: List<&'t str>,
    args: List<&'t str>,
    env: List<Variable<'t>>,
    env_from: List<Given>,
}
decode_fields!(Container<'t> {
    "name" => name,
    "image" => image,
    "command" => command,
    "args" => args,
    "env" => env,
    "envFrom" => env_from,
});

#[derive(Debug, Default)]
struct Variable<'t> {
    name: &'t str,
    value: &'t str,
    value_from: Option<Given>,
}
decode_fields!(Variable<'t> { "name" => name, "value" => value, "valueFrom" => value_from });

/// Something that is there; what it says is not looked at.
#[derive(Debug, Default)]
struct Given;

impl Decode<'_> for Given {
    fn decode(&mut self, _: Node<'_>) {}
}

/// The list in which an argument stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Command,
    Args,
    Env,
}

/// Where an argument stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) source: Source,
    pub(super) index: usize,
    /// Whether the element holds this flag and nothing else.
    pub(super) alone: bool,
}

/// A flag as it is given.
#[derive(Debug)]
pub(super) struct Flag<'t> {
    /// Without dashes in front, `-` for `_`.
    pub(super) name: String,
    /// `None` where there is none: true for a boolean.
    pub(super) value: Option<Cow<'t, str>>,
    pub(super) at: At,
}

impl Flag<'_> {
    /// The value, `true` where none is written.
    pub(super) fn text(&self) -> &str {
        self.value.as_deref().unwrap_or("true")
    }

    /// Whether the value is known only where the container runs: `$(VAR)`, `${VAR}`, `$VAR`.
    pub(super) fn is_unknown(&self) -> bool {
        self.value.as_deref().is_some_and(|value| value.contains('$'))
    }

    /// The items of a list.
    pub(super) fn items(&self) -> impl Iterator<Item = &str> {
        let value = self.value.as_deref().unwrap_or_default();
        value.split(',').map(str::trim).filter(|item| !item.is_empty())
    }
}

/// A container that runs a component of the control plane, with the flags that it gives.
#[derive(Debug)]
pub(super) struct CommandLine<'t> {
    pub(super) component: Component,
    /// The container's index in `spec.containers`, and its name.
    pub(super) container: usize,
    pub(super) name: &'t str,
    /// In the order in which they count.
    pub(super) flags: Vec<Flag<'t>>,
    /// Whether there may be more flags, which only the running container knows.
    pub(super) open: bool,
    /// The version that the image's tag names.
    pub(super) minor: Option<Minor>,
    /// Where one more flag belongs.
    home: Source,
    /// How many elements that list has.
    home_len: usize,
}

impl<'t> CommandLine<'t> {
    /// All times that a flag is given.
    pub(super) fn given(&self, name: &str) -> impl DoubleEndedIterator<Item = &Flag<'t>> {
        self.flags.iter().filter(move |flag| flag.name == name)
    }

    /// The one that counts, of a flag that is no list.
    pub(super) fn last(&self, name: &str) -> Option<&Flag<'t>> {
        self.given(name).next_back()
    }

    /// Whether a flag is given at all.
    pub(super) fn has(&self, name: &str) -> bool {
        self.last(name).is_some()
    }

    fn path(&self) -> FieldPath {
        FieldPath::keys(&["spec", "containers"]).index(self.container)
    }

    /// The element at a place, from the pod template.
    pub(super) fn path_at(&self, at: At) -> FieldPath {
        match at.source {
            Source::Command => self.path().key("command").index(at.index),
            Source::Args => self.path().key("args").index(at.index),
            Source::Env => self.path().key("env").index(at.index).key("value"),
        }
    }

    /// The list in which one more flag belongs, from the pod template.
    pub(super) fn home(&self) -> FieldPath {
        self.path().key(if self.home == Source::Args { "args" } else { "command" })
    }

    /// Whether a flag can be added as one more element behind the last.
    pub(super) fn can_append(&self) -> bool {
        self.home_len > 0 && self.flags.iter().all(|flag| flag.at.alone || flag.at.source == Source::Env)
    }
}

/// The containers of a pod template that run a component of the control plane. `namespace` is the object's.
pub(super) fn read<'t>(template: Node<'t>, namespace: Option<&str>) -> Vec<CommandLine<'t>> {
    if !may_run_component(template) {
        return Vec::new();
    }
    let mut decoded = Template::default();
    decoded.decode(template);
    // etcd serves others too; the control plane's own is told by where it runs.
    let labels = &decoded.metadata.labels;
    let own = namespace == Some("kube-system")
        || labels.get("component") == Some("etcd")
        || labels.get("tier") == Some("control-plane");
    let lines = decoded.spec.containers.iter().enumerate();
    lines
        .filter_map(|(index, container)| CommandLine::of(index, container))
        .filter(|line| line.component != Component::Etcd || own)
        .collect()
}

/// Whether a text in which a component can be named names one: no other pod is decoded.
fn may_run_component(template: Node<'_>) -> bool {
    let names =
        |text: &str| Component::ALL.iter().any(|one| text.contains(one.name())) || text.contains(HYPERKUBE);
    let listed = |node: Node<'_>| node.items().filter_map(Node::as_str).any(names);
    let runs = |container: Node<'_>| {
        container.entries().any(|entry| match entry.key {
            "image" => entry.value.as_str().is_some_and(names),
            "command" | "args" => listed(entry.value),
            _ => false,
        })
    };
    let in_spec = |spec: Node<'_>| {
        spec.entries().any(|entry| entry.key == "containers" && entry.value.items().any(runs))
    };
    template.entries().any(|entry| entry.key == "spec" && in_spec(entry.value))
}

const HYPERKUBE: &str = "hyperkube";
const SHELLS: &[&str] = &["sh", "ash", "bash", "dash"];
/// Programs that run the program that comes after them.
const WRAPPERS: &[&str] =
    &["exec", "env", "nice", "tini", "dumb-init", "go-runner", "kube-log-runner", HYPERKUBE];

fn basename(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

impl Component {
    /// The component that a program's path names; behind hyperkube, `kube-` may be left out.
    fn of_program(path: &str, behind_hyperkube: bool) -> Option<Self> {
        let name = basename(path);
        let short = |one: &Self| behind_hyperkube && one.name().strip_prefix("kube-") == Some(name);
        Self::ALL.into_iter().find(|one| one.name() == name || short(one))
    }

    /// The component that an image's name names: `registry.k8s.io/kube-apiserver:v1.34.1`, `kube-apiserver-amd64`.
    fn of_image(image: &str) -> Option<Self> {
        let name = basename(image.split('@').next().unwrap_or(image));
        let name = name.split(':').next().unwrap_or(name);
        let of_platform = |one: &Self| {
            name.strip_prefix(one.name())
                .is_some_and(|rest| matches!(rest, "" | "-amd64" | "-arm64" | "-arm"))
        };
        Self::ALL.into_iter().find(of_platform)
    }
}

/// The minor version that an image's tag names: `v1.34.1`, `v1.32.11-rke2r1`.
fn minor_of(image: &str) -> Option<Minor> {
    let tag = basename(image.split('@').next().unwrap_or(image)).split_once(':')?.1;
    let rest = tag.strip_prefix('v').unwrap_or(tag).strip_prefix("1.")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok().map(Minor)
}

impl<'t> CommandLine<'t> {
    fn of(index: usize, container: &Container<'t>) -> Option<Self> {
        let command = container.command.iter().enumerate().map(|(at, text)| (Source::Command, at, *text));
        let args = container.args.iter().enumerate().map(|(at, text)| (Source::Args, at, *text));
        let elements: Vec<(Source, usize, &'t str)> = command.chain(args).collect();
        let program = program(&elements).or_else(|| {
            // Without a command, the image's own entry point runs.
            let component = Component::of_image(container.image).filter(|_| container.command.is_empty())?;
            let starts_with_flags = elements.first().is_none_or(|(_, _, text)| text.starts_with('-'));
            starts_with_flags.then_some(Program { component, next: 0, script: None })
        })?;
        let bare_command = container.command.is_empty();
        let home = if container.args.is_empty() && !bare_command { Source::Command } else { Source::Args };
        let mut line = Self {
            component: program.component,
            container: index,
            name: container.name,
            flags: Vec::new(),
            open: false,
            minor: minor_of(container.image),
            home,
            home_len: if home == Source::Args { container.args.len() } else { container.command.len() },
        };
        if line.component == Component::Etcd {
            line.read_env(container);
        }
        if let Some((at, words)) = program.script {
            line.home = elements[at].0;
            for word in words {
                let at = At { source: elements[at].0, index: elements[at].1, alone: false };
                line.word(Cow::Owned(word), at);
            }
            return Some(line);
        }
        for (source, index, text) in elements.into_iter().skip(program.next) {
            let pieces = pieces(text);
            let alone = pieces.len() == 1;
            for piece in pieces {
                line.word(Cow::Borrowed(piece), At { source, index, alone });
            }
        }
        Some(line)
    }

    /// What etcd takes from its environment, where no flag says otherwise.
    fn read_env(&mut self, container: &Container<'t>) {
        self.open |= !container.env_from.is_empty();
        for (index, variable) in container.env.iter().enumerate() {
            if let Some(name) = variable.name.strip_prefix("ETCD_") {
                let value = if variable.value_from.is_some() { "$" } else { variable.value };
                self.flags.push(Flag {
                    name: name.to_ascii_lowercase().replace('_', "-"),
                    value: Some(Cow::Borrowed(value)),
                    at: At { source: Source::Env, index, alone: false },
                });
            }
        }
    }

    fn word(&mut self, word: Cow<'t, str>, at: At) {
        let word = match word {
            Cow::Borrowed(word) => Cow::Borrowed(unquoted(word)),
            Cow::Owned(word) => Cow::Owned(unquoted(&word).to_owned()),
        };
        if let Some(body) = word.strip_prefix("--").or_else(|| word.strip_prefix('-')) {
            let (name, value) = match body.split_once('=') {
                Some((name, value)) => (name, Some(Cow::Owned(unquoted(value).to_owned()))),
                None => (body, None),
            };
            self.flags.push(Flag { name: name.replace('_', "-"), value, at });
        } else if let Some(flag) = self.flags.last_mut()
            && flag.value.is_none()
            && flag.at.source != Source::Env
            && !super::rule::is_boolean(&flag.name)
        {
            flag.value = Some(word);
            flag.at.alone = false;
        } else if word.starts_with('$') {
            self.open = true;
        }
    }
}

/// Where the component's own arguments begin.
struct Program {
    component: Component,
    /// The first element behind the program.
    next: usize,
    /// For a shell's script: the element that holds it, and the words behind the program.
    script: Option<(usize, Vec<String>)>,
}

fn program(elements: &[(Source, usize, &str)]) -> Option<Program> {
    let mut behind_hyperkube = false;
    let mut at = 0;
    while let Some((_, _, text)) = elements.get(at) {
        let name = basename(text);
        if let Some(component) = Component::of_program(text, behind_hyperkube) {
            return Some(Program { component, next: at + 1, script: None });
        } else if SHELLS.contains(&name) {
            let flag = elements[at..].iter().position(|(_, _, text)| is_script_flag(text))?;
            return in_script(elements, at + flag + 1);
        } else if text.contains(char::is_whitespace) {
            return in_script(elements, at);
        } else if !text.starts_with('-') && !WRAPPERS.contains(&name) && !is_assignment(text) {
            return None;
        }
        behind_hyperkube = name == HYPERKUBE;
        at += 1;
    }
    None
}

/// `-c`, alone or with others: `-ec`.
fn is_script_flag(text: &str) -> bool {
    text.strip_prefix('-').is_some_and(|flags| flags.ends_with('c') && !flags.starts_with('-'))
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// The component that a script runs: a word where a command stands.
fn in_script(elements: &[(Source, usize, &str)], at: usize) -> Option<Program> {
    let words = shell_words(elements.get(at)?.2);
    let mut is_command = true;
    let mut behind_hyperkube = false;
    for (index, word) in words.iter().enumerate() {
        if is_command && let Some(component) = Component::of_program(word, behind_hyperkube) {
            let own = words[index + 1..].iter().take_while(|word| !ends_command(word)).cloned().collect();
            return Some(Program { component, next: elements.len(), script: Some((at, own)) });
        }
        let name = basename(word);
        behind_hyperkube = name == HYPERKUBE;
        is_command = ends_command(word)
            || matches!(word.as_str(), "then" | "do" | "else" | "{" | "(")
            || is_command && (is_assignment(word) || word.starts_with('-') || WRAPPERS.contains(&name));
    }
    None
}

fn ends_command(word: &str) -> bool {
    matches!(word, ";" | "&&" | "||" | "|" | "&" | "\n")
        || word.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with('>')
}

/// A script's words: quotes are gone, a line that ends in `\` goes on, and what ends a command is a word of its own.
fn shell_words(script: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut chars = script.chars().peekable();
    let mut flush = |word: &mut String| {
        if !word.is_empty() {
            words.push(std::mem::take(word));
        }
    };
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.push(c),
            (None, '\'' | '"') => quote = Some(c),
            (None, '\\') => {
                if let Some(next) = chars.next().filter(|next| *next != '\n') {
                    word.push(next);
                }
            }
            (None, '#') if word.is_empty() => while chars.next_if(|next| *next != '\n').is_some() {},
            (None, '\n' | ';' | '|' | '&') if !word.ends_with('>') => {
                flush(&mut word);
                let mut end = String::from(c);
                if matches!(c, '|' | '&') && chars.next_if_eq(&c).is_some() {
                    end.push(c);
                }
                flush(&mut end);
            }
            (None, c) if c.is_whitespace() => flush(&mut word),
            (None, c) => word.push(c),
        }
    }
    flush(&mut word);
    words
}

/// An argument as one flag, or as the several that are written into it.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text.trim();
    let starts_flag =
        |rest: &str, at: usize| rest[at..].starts_with("--") && rest[..at].ends_with(char::is_whitespace);
    while let Some(at) = rest.match_indices("--").map(|(at, _)| at).find(|at| starts_flag(rest, *at)) {
        pieces.push(rest[..at].trim());
        rest = &rest[at..];
    }
    pieces.push(rest);
    pieces
}

/// Without the quotes around all of it.
fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let within = |quote: char| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    within('"').or_else(|| within('\'')).unwrap_or(text)
}
