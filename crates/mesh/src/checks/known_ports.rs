//! The ports at which something may be called, and where the ports of Services lead.

use std::collections::{BTreeMap, BTreeSet};

use super::Subject;
use crate::place::Place;

/// The ports of the proxy that Knative puts beside each program. Source: knative.dev/serving `pkg/networking/constants.go`.
const OF_KNATIVE: [u16; 7] = [8008, 8012, 8013, 8022, 8112, 9090, 9091];

/// The annotation that names the port at which metrics are.
const SCRAPED: &str = "prometheus.io/port";

/// What is known of the ports of workloads.
#[derive(Default)]
pub(super) struct KnownPorts {
    /// Those that containers declare, that probes ask and that Services lead to.
    pub(super) ports: BTreeSet<u16>,
    /// From a port of a Service to those that it leads to.
    leads: BTreeMap<u16, BTreeSet<u16>>,
    /// Where a port of a Service is written.
    places: BTreeMap<u16, Place>,
}

impl KnownPorts {
    /// Those of workloads; nothing where one of them declares no port at all.
    pub(super) fn of(subject: &Subject<'_>, workloads: &[usize]) -> Option<Self> {
        let mut known = Self::default();
        for one in workloads {
            let workload = subject.workload(*one);
            if workload.ports.is_empty() {
                return None;
            }
            known.ports.extend(workload.ports.iter().map(|port| port.number));
            if subject.is_of_knative(*one) {
                known.ports.extend(OF_KNATIVE);
            }
            known.ports.extend(workload.probes.iter().map(|probe| probe.port));
            known.ports.extend(workload.annotation(SCRAPED).and_then(|port| port.parse::<u16>().ok()));
            let scopes = &subject.mesh.scopes;
            let scope = scopes.of(&workload.namespace, &workload.labels).and_then(|at| scopes.all.get(at));
            let taken_in = scope.into_iter().flat_map(|scope| &scope.ingress);
            known.ports.extend(taken_in.filter_map(|(port, _)| u16::try_from(*port).ok()));
            for service in subject.services_of(*one) {
                for port in &service.ports {
                    if let Some(target) = service.target(port, workload) {
                        known.ports.insert(target);
                        known.leads.entry(port.number).or_default().insert(target);
                        known.places.entry(port.number).or_insert_with(|| service.port_place(port));
                    }
                }
            }
        }
        Some(known)
    }

    /// What a port that nobody has is of a Service, if it is one: the rest of a sentence.
    pub(super) fn hint(&self, port: u16) -> String {
        match self.leads.get(&port).map(BTreeSet::len) {
            None => String::new(),
            Some(1) => {
                let target = self.target(port).unwrap_or_default();
                format!("; it is a port of a Service, which leads to {target}")
            }
            Some(_) => "; it is a port of Services, which lead to several".to_owned(),
        }
    }

    /// The one port that a port of Services leads to.
    pub(super) fn target(&self, port: u16) -> Option<u16> {
        let targets = self.leads.get(&port)?;
        targets.first().copied().filter(|_| targets.len() == 1)
    }

    /// Where a port of a Service is written.
    pub(super) fn place(&self, port: u16) -> Option<&Place> {
        self.places.get(&port)
    }
}
