//! Manifests as text, and what the ring says of their Services and entries as lines.

use std::sync::Arc;

use ringwall_input::{Limits, stream};
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_model::text::Source;
use ringwall_network::cluster::Cluster;
use ringwall_network::entries::{self, Entry, EntryFlaw};
use ringwall_network::services::{Service, Services};

/// All that is made of a text.
pub(crate) struct World {
    pub(crate) snapshot: Snapshot,
    pub(crate) cluster: Cluster,
    pub(crate) services: Services,
    pub(crate) entries: Vec<Entry>,
}

impl World {
    pub(crate) fn of(text: &str) -> Self {
        let source = Arc::new(Source::new("cluster.yaml", text));
        let documents = stream::decode(&source, &Limits::default()).documents.into_iter();
        let read = |tree| Object::read(&tree, tree.root(), FieldPath::root()).expect("an object");
        let objects = documents.map(|document| read(document.tree.expect("YAML"))).collect();
        Self::new(Snapshot::new(objects, Facts::default()))
    }

    pub(crate) fn new(snapshot: Snapshot) -> Self {
        let cluster = Cluster::of(&snapshot, &[]);
        let services = Services::of(&snapshot, &cluster);
        let entries = entries::entries(&snapshot, &cluster, &services);
        Self { snapshot, cluster, services, entries }
    }

    pub(crate) fn service(&self, name: &str) -> &Service {
        self.services.find("shop", name).expect("the Service")
    }

    /// For each port of a Service, what is behind it: `80: a TCP 8080, 10.0.0.9 TCP 8080`.
    pub(crate) fn behind(&self, name: &str) -> Vec<String> {
        let service = self.service(name);
        let line = |port: &ringwall_network::services::ServicePort| {
            let pods = service.reached(port, &self.cluster).into_iter();
            let pods = pods.map(|(pod, ports)| format!("{} {ports}", self.cluster.pods[pod].name));
            let addresses = service.addresses(port).into_iter();
            let all = pods.chain(addresses.map(|(address, port)| format!("{address} {port}")));
            format!("{}: {}", port.number, all.collect::<Vec<_>>().join(", "))
        };
        service.ports.iter().map(line).collect()
    }

    /// What the API server would refuse in Services.
    pub(crate) fn refusals(&self) -> Vec<String> {
        let refusals = self.services.refusals.iter();
        refusals.map(|(_, refusal)| format!("{}: {}", refusal.path, refusal.message)).collect()
    }

    /// The entry that is written so.
    pub(crate) fn entry(&self, title: &str) -> &Entry {
        let found = self.entries.iter().find(|entry| entry.to_string() == title);
        found.unwrap_or_else(|| panic!("no {title} among {:?}", self.titles()))
    }

    pub(crate) fn titles(&self) -> Vec<String> {
        self.entries.iter().map(Entry::to_string).collect()
    }

    /// Where an entry leads: `spec.rules[0].http.paths[0].backend.service -> a TCP 8080`.
    pub(crate) fn targets(&self, title: &str) -> Vec<String> {
        let targets = self.entry(title).targets.iter();
        let line = |target: &entries::EntryTarget| {
            let pods = target.pods.iter();
            let pods = pods.map(|pod| format!("{} {}", self.cluster.pods[pod.pod].name, pod.ports));
            let addresses = target.addresses.iter().map(|(address, port)| format!("{address} {port}"));
            format!("{} -> {}", target.path, pods.chain(addresses).collect::<Vec<_>>().join(", "))
        };
        targets.map(line).collect()
    }

    /// The ports that the first target listens on.
    pub(crate) fn listens(&self, title: &str) -> Vec<String> {
        self.entry(title).targets[0].listens.iter().map(ToString::to_string).collect()
    }

    /// What is broken about an entry: `Kind spec.rules[0]: message`.
    pub(crate) fn flaws(&self, title: &str) -> Vec<String> {
        self.entry(title).flaws.iter().map(flaw).collect()
    }

    /// What is taken for granted.
    pub(crate) fn assumed(&self, title: &str) -> Vec<String> {
        self.entry(title).assumed.iter().map(flaw).collect()
    }
}

fn flaw(flaw: &EntryFlaw) -> String {
    format!("{:?} {}: {}", flaw.kind, flaw.path, flaw.message)
}

/// A pod of namespace `shop`: its name, its one `app` label, and its ports as `name:number` or `name:number/PROTOCOL`.
pub(crate) fn pod(name: &str, app: &str, ports: &[&str]) -> String {
    let ports = ports.iter().map(|port| {
        let (name, rest) = port.split_once(':').expect("name:number");
        let (number, protocol) = rest.split_once('/').unwrap_or((rest, "TCP"));
        format!("{{name: {name}, containerPort: {number}, protocol: {protocol}}}")
    });
    format!(
        "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: shop, labels: {{app: {app}}}}}\n\
         spec: {{containers: [{{name: c, image: x, ports: [{}]}}]}}\n",
        ports.collect::<Vec<_>>().join(", ")
    )
}

/// A Service of namespace `shop`.
pub(crate) fn service(name: &str, spec: &str) -> String {
    object("v1", "Service", "shop", name, spec)
}

/// An object with a spec in flow style.
pub(crate) fn object(version: &str, kind: &str, namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n"
    )
}
