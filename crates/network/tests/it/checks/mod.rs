//! The checks on cases that are near to one another: what is wrong, and what only looks so.

mod blocks;
mod coverage;
mod dns;
mod effect;
mod labels;
mod mesh;
mod one_sided;
mod ports;
mod selection;
mod services;
mod shop;
mod slips;
mod tiers;

use ringwall_input::{Options, load};
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_network::checks::{self, Flaw};

/// Objects in the words of a test: whole documents, and pods as `pod: NAMESPACE NAME label=value ... | PORT ...`, a port being
/// `8080`, `http=8080` or `dns=53/UDP`; namespaces as `namespace: NAME label=value ...`.
pub(crate) fn snapshot(text: &str) -> Snapshot {
    let documents: Vec<String> =
        text.split("---\n").filter(|text| !text.trim().is_empty()).map(whole).collect();
    let text = documents.join("---\n");
    let input = load(&["-".into()], &mut text.as_bytes(), &Options::default(), &());
    assert_eq!(input.problems, [], "{text}");
    Snapshot::new(input.objects, Facts::default())
}

fn whole(document: &str) -> String {
    let mut whole = String::new();
    let mut rest = String::new();
    for line in document.lines() {
        if let Some(pod) = line.strip_prefix("pod: ") {
            whole.push_str(&of_pod(pod));
        } else if let Some(namespace) = line.strip_prefix("namespace: ") {
            let (name, labels) = namespace.split_once(' ').unwrap_or((namespace, ""));
            whole.push_str(&format!(
                "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {name}\n  labels: {}\n---\n",
                labels_of(labels)
            ));
        } else {
            rest.push_str(line);
            rest.push('\n');
        }
    }
    if rest.trim().is_empty() {
        return whole;
    }
    if rest.starts_with("spec:") || rest.starts_with("metadata:") {
        rest.insert_str(0, "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n");
    }
    if !rest.contains("metadata:") {
        rest.push_str("metadata:\n  name: policy\n  namespace: shop\n");
    }
    whole + &rest
}

fn labels_of(words: &str) -> String {
    let labels: Vec<String> = words
        .split_whitespace()
        .filter_map(|word| word.split_once('='))
        .map(|(key, value)| format!("\"{key}\": \"{value}\""))
        .collect();
    format!("{{{}}}", labels.join(", "))
}

fn of_pod(words: &str) -> String {
    let (words, ports) = words.split_once('|').unwrap_or((words, ""));
    let mut names = words.split_whitespace();
    let (namespace, name) = (names.next().expect("a namespace"), names.next().expect("a name"));
    let host = if words.split_whitespace().any(|word| word == "host") { "\n  hostNetwork: true" } else { "" };
    let ports: Vec<String> = ports
        .split_whitespace()
        .map(|port| {
            let (port, protocol) = port.split_once('/').unwrap_or((port, "TCP"));
            let (name, number) = port.split_once('=').unwrap_or(("", port));
            let name = if name.is_empty() { String::new() } else { format!("name: {name}, ") };
            format!("{{{name}containerPort: {number}, protocol: {protocol}}}")
        })
        .collect();
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  namespace: {namespace}\n  labels: {}\nspec:{host}\n  containers:\n  \
         - name: it\n    ports: [{}]\n---\n",
        labels_of(words),
        ports.join(", ")
    )
}

/// What all checks find.
pub(crate) fn flaws(text: &str) -> Vec<Flaw> {
    checks::find(&snapshot(text), &[])
}

/// What a check finds: path, witness and message in one line each.
pub(crate) fn found(name: &str, text: &str) -> Vec<String> {
    assert!(checks::CHECKS.iter().any(|check| check.about.name == name), "there is no check {name}");
    let flaws = flaws(text);
    let flaws = flaws.iter().filter(|flaw| flaw.check.name == name);
    flaws
        .map(|flaw| format!("{} {}: {} ({})", flaw.severity, flaw.path, flaw.message, flaw.witness))
        .collect()
}

/// That a check finds one thing, in whose words all parts are.
#[track_caller]
pub(crate) fn finds(name: &str, text: &str, parts: &[&str]) {
    let found = found(name, text);
    assert_eq!(found.len(), 1, "{name} finds {found:#?}");
    for part in parts {
        assert!(found[0].contains(part), "no \"{part}\" in {}", found[0]);
    }
}

/// That a check finds nothing.
#[track_caller]
pub(crate) fn is_quiet(name: &str, text: &str) {
    assert_eq!(found(name, text), Vec::<String>::new(), "{name}");
}
