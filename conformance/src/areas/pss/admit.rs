//! Admission requests.

use std::cell::Cell;
use std::collections::BTreeMap;

use ringwall_model::decode::{Decode, StringMap};
use ringwall_model::tree::Node;
use ringwall_model::version::Minor;
use ringwall_pods::admission::{Admission, Cluster, Request, RunningPod};
use ringwall_pods::evaluate::Evaluator;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Answered, Case, difference};
use super::settings::load;
use super::{Outcome, tree};

/// The server version that the counters were told.
const SERVER: u64 = 37;

#[derive(Deserialize)]
struct Line {
    want: Want,
}

#[derive(Deserialize)]
struct Want {
    response: Value,
    metrics: Value,
}

/// The cluster of a case.
struct CaseCluster<'t> {
    case: Node<'t>,
    names: &'t [String],
    expired: bool,
    looked_at: Cell<usize>,
}

impl<'t> CaseCluster<'t> {
    fn failure(&self, what: &str) -> Result<(), String> {
        match self.case.str_at(&["failures", what]) {
            Some(text) => Err(text.to_owned()),
            None => Ok(()),
        }
    }

    fn list(&self, key: &str) -> impl Iterator<Item = Node<'t>> {
        self.case.get(key).into_iter().flat_map(Node::items)
    }
}

impl<'t> Cluster<'t> for CaseCluster<'t> {
    fn namespace_labels(&self, name: &str) -> Result<StringMap<'t>, String> {
        self.failure("getNamespace")?;
        let found = self
            .list("namespaces")
            .find(|item| item.str_at(&["metadata", "name"]).unwrap_or_default() == name);
        let namespace = found.ok_or_else(|| format!("namespaces \"{name}\" not found"))?;
        let mut labels = StringMap::default();
        if let Some(node) = namespace.at(&["metadata", "labels"]) {
            labels.decode(node);
        }
        Ok(labels)
    }

    fn pods(&self, namespace: &str) -> Result<Vec<RunningPod<'t>>, String> {
        self.failure("listPods")?;
        let in_namespace =
            |pod: Node<'_>| pod.str_at(&["metadata", "namespace"]).unwrap_or_default() == namespace;
        let mut pods: Vec<RunningPod<'t>> =
            self.list("pods").filter(|pod| in_namespace(*pod)).map(RunningPod::read).collect();
        let mut names = self.names.iter();
        for like in self.list("replicate") {
            let Some(pod) = like.get("pod") else { continue };
            let owner = like.str_at(&["owner"]).filter(|owner| !owner.is_empty());
            let count = like.get("count").and_then(Node::as_u64).unwrap_or_default();
            for name in names.by_ref().take(usize::try_from(count).unwrap_or_default()) {
                if in_namespace(pod) {
                    let read = RunningPod::read(pod);
                    pods.push(RunningPod { name, controller: owner.or(read.controller), ..read });
                }
            }
        }
        Ok(pods)
    }

    fn is_time_over(&self) -> bool {
        self.looked_at.set(self.looked_at.get() + 1);
        self.expired
    }
}

pub(super) fn case(case: &Case<'_>) -> Outcome {
    let line: Line = case.read().map_err(|error| error.to_string())?;
    let tree = tree(&case.id, case.line)?;
    let root = tree.root().get("case").ok_or("no case")?;
    let config = load(root.str_at(&["config"]).unwrap_or_default())?;
    let emulation: Option<Minor> =
        root.str_at(&["emulation"]).filter(|text| !text.is_empty()).and_then(|text| text.parse().ok());
    let evaluator = Evaluator::emulating(emulation);
    let admission = Admission::new(&evaluator, &config);
    let names: Vec<String> = root
        .get("replicate")
        .into_iter()
        .flat_map(Node::items)
        .flat_map(|like| {
            let prefix = like.str_at(&["prefix"]).unwrap_or_default().to_owned();
            let count = like.get("count").and_then(Node::as_u64).unwrap_or_default();
            (0..count).map(move |index| format!("{prefix}{index:05}"))
        })
        .collect();
    let cluster = CaseCluster {
        case: root,
        names: &names,
        expired: root.get("expired").and_then(Node::as_bool) == Some(true),
        looked_at: Cell::new(0),
    };
    let request = Request::read(root.get("request").ok_or("no request")?);
    let mut events = Vec::new();
    let response = admission.review(&request, &cluster, &mut events);
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for event in &events {
        *counts.entry(event.series(&request, SERVER)).or_default() += 1;
    }
    let metrics: Vec<String> =
        counts.into_iter().map(|(series, count)| format!("{series} {count}")).collect();
    let got = json!({ "response": response, "metrics": metrics });
    let want = json!({ "response": line.want.response, "metrics": line.want.metrics });
    let differs = blur(&want) != blur(&got);
    Ok(Answered { difference: differs.then(|| difference(&want, &got)), verdict: got, skipped: false })
}

/// Where a text quotes a Go decoding error, only what comes before it counts.
fn blur(value: &Value) -> Value {
    match value {
        Value::String(text) => {
            let decoding = [
                "failed to decode object: ",
                "failed to decode old object: ",
                "failed to decode  old object: ",
            ];
            let cut = decoding.iter().find(|prefix| text.starts_with(**prefix));
            Value::String(cut.map_or_else(|| text.clone(), |prefix| (*prefix).to_owned()))
        }
        Value::Array(items) => items.iter().map(blur).collect(),
        // An empty field is one that is left out.
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| value.as_str() != Some(""))
            .map(|(key, value)| (key.clone(), blur(value)))
            .collect(),
        other => other.clone(),
    }
}
