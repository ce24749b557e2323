//! What turning STRICT breaks, and the least changes that let it.

use ringwall_mesh::enrolment::Mode as Carrier;
use ringwall_mesh::matrix::Row;
use ringwall_mesh::mesh::Accepts;
use ringwall_mesh::peer::Mode;
use ringwall_mesh::place::Place;
use ringwall_mesh::plan::{Callers, Exempt, Plan, Remedy, Scope, WhyExempt};
use ringwall_mesh::services::Service;
use ringwall_mesh::workloads::Workload;
use ringwall_model::finding::Location;
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::server_call::server_calls;
use ringwall_network::cluster::Cluster;
use ringwall_network::entries::{EntryKind, entries};
use ringwall_network::services::Services;

use super::{Meshed, words};

/// A call that is refused after the change and was not before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lost {
    /// `namespace/name` of the service.
    pub service: String,
    /// Its port.
    pub port: u16,
    /// The server: `Kind namespace/name`.
    pub server: String,
    /// The client: `Kind namespace/name`.
    pub client: String,
    /// Why the client does not send mutual TLS.
    pub why: String,
    /// Where that is written.
    pub location: Option<Location>,
}

/// A thing, and where it is written.
pub type Placed = (String, Option<Location>);

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flip {
    /// The policy that turns, where one is there.
    pub policy: Option<Placed>,
    /// Whether it is STRICT as it is.
    pub already: bool,
    /// What breaks.
    pub lost: Vec<Lost>,
    /// What then depends on who signed the client's own certificate.
    pub depends: Vec<Lost>,
    /// Probes that break.
    pub probes: Vec<Placed>,
    /// Workloads that have no proxy, so that nothing is protected.
    pub unprotected: Vec<String>,
    /// Workloads that are not STRICT on all ports, by another policy or by what ztunnel makes of policies.
    pub exempt: Vec<Placed>,
    /// Changes after which nothing breaks that did not.
    pub remedies: Vec<Placed>,
    /// How many calls no change helps.
    pub unsolved: usize,
    /// Services that are called from outside of the cluster too, whose workloads turn STRICT: who is there is not known.
    pub outside: Vec<Placed>,
}

/// Whether two remedies are ports of one new policy: of two policies for one workload but one counts.
fn is_one(left: &Remedy, right: &Remedy) -> bool {
    let of = |remedy: &'_ Remedy| match remedy {
        Remedy::Exception { policy: None, namespace, selector, .. } => {
            Some((namespace.clone(), selector.clone()))
        }
        _ => None,
    };
    of(left).is_some_and(|left| Some(left) == of(right))
}

/// What the API server asks for, and where that is written.
struct ServerCalled {
    what: String,
    place: Place,
}

/// Whether an Ingress is for the ingress gateway of Istio. Source: istio.io/istio `pilot/pkg/config/kube/ingress/controller.go` (`shouldProcessIngressWithClass`).
fn is_of_istios_ingress(object: &Object) -> bool {
    let class = object.root().str_at(&["metadata", "annotations", "kubernetes.io/ingress.class"]);
    class.or_else(|| object.root().str_at(&["spec", "ingressClassName"])) == Some("istio")
}

impl Meshed<'_> {
    /// What happens if the mesh, or a namespace, turns STRICT. Clients whose name has one of `without` in it are known not to call.
    pub fn strict(&self, namespace: Option<&str>, without: &[String]) -> Flip {
        let scope = namespace.map_or(Scope::Mesh, Scope::Namespace);
        let all = self.mesh.workloads.all.iter().enumerate();
        let is_left_out = |one: &Workload| {
            let name = words::workload(one);
            without.iter().any(|part| name.contains(part.as_str()))
        };
        let left_out = all.filter(|(_, one)| is_left_out(one) || one.is_of_istio()).map(|(index, _)| index);
        let (places, outside): (Vec<ServerCalled>, Vec<(usize, usize)>) =
            self.server_calls().into_iter().unzip();
        let plan = Plan::of(&self.mesh, scope, Callers { without: left_out.collect(), outside });
        let name = |index: usize| words::workload(&self.mesh.workloads.all[index]);
        let mut unprotected: Vec<String> = plan.unprotected.iter().map(|index| name(*index)).collect();
        unprotected.sort();
        let at = |(index, place): &(usize, ringwall_mesh::place::Place)| (name(*index), self.location(place));
        Flip {
            policy: plan.policy.map(|policy| {
                let policy = &self.mesh.peers.all[policy];
                (words::policy(policy), self.location(&policy.mode_place()))
            }),
            already: plan.policy.is_some_and(|policy| self.mesh.peers.all[policy].mode == Mode::Strict),
            lost: self.lost(plan.rows(&plan.broken), self.lost_outside(&plan, &places)),
            depends: self.lost(plan.rows(&plan.depends), Vec::new()),
            probes: plan.probes.iter().map(at).collect(),
            unprotected,
            exempt: plan.exempt.iter().map(|exempt| self.exempt(exempt)).collect(),
            remedies: plan.remedies.chunk_by(is_one).filter_map(|one| self.remedy(one)).collect(),
            unsolved: plan.unsolved.len(),
            outside: self.outside(namespace),
        }
    }

    /// A workload that is not STRICT, and why where that is no other policy that says so.
    fn exempt(&self, exempt: &Exempt) -> Placed {
        let name = words::workload(&self.mesh.workloads.all[exempt.workload]);
        let why = match exempt.why {
            WhyExempt::Policy => "",
            WhyExempt::MissingPolicy => ", since istiod names a policy to ztunnel that it never sends",
            WhyExempt::EmptySelector => {
                ", since a policy of the root namespace with a selector, and be it empty, is not told to ztunnel"
            }
        };
        (format!("{name}{why}"), self.location(&exempt.place))
    }

    /// Services that the outside reaches by themselves or by an Ingress, and that lead to a port of the scope before which a proxy stands. What comes by
    /// Istio's own gateways has a certificate of the mesh.
    fn outside(&self, namespace: Option<&str>) -> Vec<Placed> {
        let is_guarded = |service: &Service, index: &usize| {
            let workload = &self.mesh.workloads.all[*index];
            let targets = || service.ports.iter().filter_map(|port| service.target(port, workload));
            let mode = self.mesh.servers[*index].enrolment.mode();
            namespace.is_none_or(|namespace| workload.namespace == namespace)
                && matches!(mode, Carrier::Sidecar | Carrier::Ambient)
                && targets().any(|target| self.mesh.accepts(*index, target) != Accepts::None)
        };
        let is_meant = |service: &&Service| service.workloads.iter().any(|index| is_guarded(service, index));
        let mut found = Vec::new();
        for service in self.mesh.services.iter().filter(is_meant) {
            let Some(object) =
                self.snapshot.all().get(service.object).filter(|object| object.id.kind == "Service")
            else {
                continue;
            };
            let kind = object.root().str_at(&["spec", "type"]).unwrap_or_default();
            if matches!(kind, "LoadBalancer" | "NodePort") {
                let place = Place { object: service.object, path: FieldPath::keys(&["spec", "type"]) };
                let what = format!("Service {}/{} is a {kind}", service.namespace, service.name);
                found.push((what, self.location(&place)));
            }
        }
        found.extend(self.ingresses(&is_meant));
        found
    }

    /// Ingresses and Routes that lead to the services that are meant.
    fn ingresses(&self, is_meant: &dyn Fn(&&Service) -> bool) -> Vec<Placed> {
        let cluster = Cluster::of(&self.snapshot, &[]);
        let services = Services::of(&self.snapshot, &cluster);
        let mut found = Vec::new();
        for entry in entries(&self.snapshot, &cluster, &services) {
            let is_controllers = matches!(entry.kind, EntryKind::Ingress | EntryKind::Route);
            let Some(object) = self.snapshot.all().get(entry.object).filter(|_| is_controllers) else {
                continue;
            };
            if is_of_istios_ingress(object) {
                continue;
            }
            for target in &entry.targets {
                let Some(named) = target.service.and_then(|service| services.all.get(service)) else {
                    continue;
                };
                let is_it = |own: &&Service| own.namespace == named.namespace && own.name == named.name;
                let Some(service) = self.mesh.services.iter().find(is_it).filter(is_meant) else { continue };
                let what = format!("{entry} leads to Service {}/{}", service.namespace, service.name);
                let place = Place { object: entry.object, path: target.path.clone() };
                found.push((what, self.location(&place)));
            }
        }
        found
    }

    /// What the API server calls: the place that says so, and the service and its port, by their places.
    fn server_calls(&self) -> Vec<(ServerCalled, (usize, usize))> {
        let mut found = Vec::new();
        for (index, object) in self.snapshot.objects() {
            for call in server_calls(object) {
                let services = self.mesh.services.iter().enumerate();
                let mut named =
                    services.filter(|(_, one)| one.namespace == call.namespace && one.name == call.name);
                let Some((service, own)) = named.next() else { continue };
                let Some(port) = own.ports.iter().position(|port| port.number == call.port) else { continue };
                let place = Place { object: index, path: call.path };
                found.push((ServerCalled { what: call.what, place }, (service, port)));
            }
        }
        found
    }

    /// The calls of the API server that break.
    fn lost_outside(&self, plan: &Plan, called: &[ServerCalled]) -> Vec<Lost> {
        let lost = plan.broken_outside.iter().filter_map(|broken| {
            let (service, port) = *plan.callers.outside.get(broken.call)?;
            let (service, called) = (&self.mesh.services[service], called.get(broken.call)?);
            Some(Lost {
                service: format!("{}/{}", service.namespace, service.name),
                port: service.ports.get(port)?.number,
                server: words::workload(&self.mesh.workloads.all[broken.server]),
                client: "the API server".to_owned(),
                why: format!("it asks for {} without a certificate of the mesh", called.what),
                location: self.location(&called.place),
            })
        });
        lost.collect()
    }

    /// The calls of rows, and others besides.
    fn lost<'p>(&self, rows: impl Iterator<Item = Row<'p>>, others: Vec<Lost>) -> Vec<Lost> {
        let mut lost: Vec<Lost> = rows
            .map(|row| {
                let service = &self.mesh.services[row.service];
                let (why, place) = words::sends(self, &row.flow.why);
                Lost {
                    service: format!("{}/{}", service.namespace, service.name),
                    port: service.ports[row.flow.port].number,
                    server: words::workload(&self.mesh.workloads.all[row.flow.server]),
                    client: words::workload(&self.mesh.workloads.all[row.client]),
                    why,
                    location: place.and_then(|place| self.location(place)),
                }
            })
            .chain(others)
            .collect();
        lost.sort();
        lost.dedup();
        lost
    }

    /// A change, which is several remedies where they are of one new policy.
    fn remedy(&self, one: &[Remedy]) -> Option<Placed> {
        let remedy = one.first()?;
        let of = |index: usize| &self.mesh.workloads.all[index];
        let service = |index: usize| {
            let service = &self.mesh.services[index];
            format!("{}/{}", service.namespace, service.name)
        };
        Some(match remedy {
            Remedy::Inject(index) => {
                let workload = of(*index);
                (
                    format!("give {} a sidecar", words::workload(workload)),
                    self.location(&workload.metadata("labels", "sidecar.istio.io/inject")),
                )
            }
            Remedy::TlsModeLabel(index) => {
                let workload = of(*index);
                let place = workload.metadata("labels", "security.istio.io/tlsMode");
                (
                    format!(
                        "let the label security.istio.io/tlsMode of {} be istio",
                        words::workload(workload)
                    ),
                    self.location(&place),
                )
            }
            Remedy::Exception { policy, namespace, selector, port } => {
                let labels: Vec<String> =
                    selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
                let known = policy.map(|policy| &self.mesh.peers.all[policy]);
                let what = known.map_or_else(|| "a new PeerAuthentication".to_owned(), words::policy);
                let ports = one.iter().filter_map(|remedy| match remedy {
                    Remedy::Exception { port, .. } => Some(port.to_string()),
                    _ => None,
                });
                let ports: Vec<String> = ports.collect();
                let text = format!(
                    "let {what} take what comes on {} {} in namespace {namespace}, where {}: PERMISSIVE",
                    if ports.len() == 1 { "port" } else { "ports" },
                    ports.join(", "),
                    labels.join(",")
                );
                (text, known.and_then(|policy| self.location(&policy.port_place(*port))))
            }
            Remedy::Rule(place) => ("change what the DestinationRule says".to_owned(), self.location(place)),
            Remedy::Annotation(place) => {
                let what =
                    if words::is_setting(self, place) { "injector's configuration" } else { "annotation" };
                (format!("take the port out of the {what}"), self.location(place))
            }
            Remedy::Export(index) => (format!("let clients see service {}", service(*index)), None),
            Remedy::AutoMtls => ("switch enableAutoMtls on".to_owned(), self.configured.clone()),
        })
    }
}
