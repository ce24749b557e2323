//! Whether a client may call a server: what becomes of the connection, which proxy asks the policies, and which rule decides.

use std::fmt;
use std::sync::Arc;

use ringwall_mesh::authorization::compile::{Compiled, Layer};
use ringwall_mesh::authorization::judge::{Authorizer, Because, Decision, Miss, Verdict as Fate};
use ringwall_mesh::authorization::policy::AuthorizationPolicy;
use ringwall_mesh::authorization::request::{Http, Request, Token, TokenPlace};
use ringwall_mesh::authorization::select::{Workload as Selected, select};
use ringwall_mesh::enrolment::{Mode, USE_WAYPOINT};
use ringwall_mesh::matrix::Matrix;
use ringwall_mesh::mesh::Accepts;
use ringwall_mesh::place::Place;
use ringwall_mesh::request_authentication::{BadToken, RequestAuthentication, TokenRules};
use ringwall_mesh::sends::{Outcome, Sends};
use ringwall_mesh::services::{Resolution, Service, ServicePort};
use ringwall_mesh::workloads::{Origin, Workload};
use ringwall_mesh::ztunnel::{Ambient, AmbientWorkload, Connection};
use ringwall_model::address::Address;
use ringwall_model::finding::{Location, Verdict};
use ringwall_model::path::FieldPath;
use ringwall_model::tree::Node;

use super::unknown::{self, Reads, Unknown};
use super::{Meshed, words};

/// The token of a call.
#[derive(Clone, Copy, Debug, Default)]
pub enum AskedToken<'c> {
    /// None.
    #[default]
    Missing,
    /// One that must not be believed.
    Bad,
    /// One that holds, with these claims.
    Claims(Node<'c>),
}

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Call<'c> {
    /// `Kind/namespace/name` or `namespace/name` of a workload, or a principal, with or without `spiffe://`.
    pub client: &'c str,
    /// `namespace/name` of a workload or a Service, with or without its kind.
    pub server: &'c str,
    /// The port of the workload's containers, or of the Service.
    pub port: u16,
    /// The method.
    pub method: Option<&'c str>,
    /// The path, with its query.
    pub path: Option<&'c str>,
    /// The host.
    pub host: Option<&'c str>,
    /// Names and values of headers.
    pub headers: Vec<(&'c str, &'c str)>,
    /// The address that the connection comes from.
    pub source: Option<Address>,
    /// The token.
    pub token: AskedToken<'c>,
}

impl Call<'_> {
    /// Whether anything of it is about a request.
    fn is_http(&self) -> bool {
        self.method.is_some()
            || self.path.is_some()
            || self.host.is_some()
            || !self.headers.is_empty()
            || !matches!(self.token, AskedToken::Missing)
    }
}

/// A sentence and where what it says is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The sentence.
    pub what: String,
    /// The place.
    pub location: Option<Location>,
}

impl Told {
    fn plain(what: impl Into<String>) -> Self {
        Self { what: what.into(), location: None }
    }
}

/// Who asks the policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Backend {
    /// Nobody: there is no proxy, or the port goes past it.
    None,
    /// The sidecar, for requests.
    SidecarHttp,
    /// The sidecar, for bytes.
    SidecarTcp,
    /// The node's ztunnel.
    Ztunnel,
    /// A gateway.
    Gateway,
    /// A waypoint.
    Waypoint,
}

impl Backend {
    /// Its name in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SidecarHttp => "sidecar-http",
            Self::SidecarTcp => "sidecar-tcp",
            Self::Ztunnel => "ztunnel",
            Self::Gateway => "gateway",
            Self::Waypoint => "waypoint",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "nobody",
            Self::SidecarHttp => "the sidecar, which sees requests",
            Self::SidecarTcp => "the sidecar, which sees bytes",
            Self::Ztunnel => "ztunnel, which sees connections",
            Self::Gateway => "the gateway",
            Self::Waypoint => "the waypoint",
        })
    }
}

/// What one proxy makes of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in few words.
    pub reason: String,
    /// What decides.
    pub because: Vec<Told>,
    /// The fields of the nearest ALLOW rule that failed.
    pub misses: Vec<Told>,
}

impl Judged {
    fn new(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self { verdict, reason: reason.into(), because: Vec::new(), misses: Vec::new() }
    }

    fn because(mut self, told: Told) -> Self {
        self.because.push(told);
        self
    }
}

/// One way that the call may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The client's name, or its principal.
    pub client: String,
    /// The server: `Kind namespace/name`.
    pub server: String,
    /// The port of its containers.
    pub port: u16,
    /// `namespace/name:port` of the Service that it goes by.
    pub service: Option<String>,
    /// What is sent, what is taken in and why.
    pub transport: Vec<Told>,
    /// What becomes of the connection; nothing where the client is but a principal.
    pub outcome: Option<Outcome>,
    /// Who the server's proxy takes the client for.
    pub identity: Option<String>,
    /// Who asks the policies.
    pub backend: Backend,
    /// What it makes of the call.
    pub judged: Judged,
    /// Other proxies that would say something else of the same policies.
    pub others: Vec<(Backend, Judged)>,
    /// What else there is to say.
    pub remarks: Vec<Told>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Can {
    /// The verdict: that of all ways where they agree.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// The ways.
    pub ways: Vec<Way>,
}

/// Who calls.
enum Client {
    Workload(usize),
    Principal(String),
}

/// The policies of a snapshot.
struct Policies {
    all: Vec<AuthorizationPolicy>,
    tokens: Vec<RequestAuthentication>,
}

/// A way before it is judged.
struct Leg<'m> {
    server: usize,
    target: u16,
    through: Option<(&'m Service, &'m ServicePort)>,
    /// What the client sends, and why; nothing of a principal.
    sends: Option<(Sends, Told)>,
}

impl Meshed<'_> {
    /// Whether the call is let in. Costs a look at all flows of the mesh and at all policies.
    ///
    /// # Errors
    /// A client or a server that the input does not hold, or several of the name.
    pub fn can(&self, call: &Call<'_>) -> Result<Can, String> {
        let client = self.client(call.client)?;
        let legs = self.legs(&client, call)?;
        let policies = self.policies_of_all();
        let ways: Vec<Way> = legs.iter().map(|leg| self.way(&client, call, leg, &policies)).collect();
        let first = ways.first().map(|way| (way.judged.verdict, way.judged.reason.clone()));
        let (verdict, reason) = match first {
            None => (
                Verdict::CannotTell,
                "no workload of the input is behind the Service on this port".to_owned(),
            ),
            Some((verdict, reason)) if ways.iter().all(|way| way.judged.verdict == verdict) => {
                (verdict, reason)
            }
            Some(_) => (Verdict::CannotTell, "it depends on which way the call takes".to_owned()),
        };
        Ok(Can { verdict, reason, ways })
    }

    fn named(&self, text: &str) -> Vec<usize> {
        let parts: Vec<&str> = text.split('/').collect();
        let (kind, namespace, name) = match parts.as_slice() {
            [namespace, name] => (None, *namespace, *name),
            [kind, namespace, name] => (Some(*kind), *namespace, *name),
            _ => return Vec::new(),
        };
        let is_it = |workload: &Workload| {
            workload.namespace == namespace
                && workload.name == name
                && kind.is_none_or(|kind| kind.eq_ignore_ascii_case(&workload.kind))
        };
        let all = self.mesh.workloads.all.iter().enumerate();
        all.filter(|(_, workload)| is_it(workload)).map(|(index, _)| index).collect()
    }

    fn one_of(&self, text: &str, found: &[usize]) -> Result<usize, String> {
        match found {
            [one] => Ok(*one),
            [] => Err(format!("no workload `{text}` is in the input")),
            many => {
                let names: Vec<String> =
                    many.iter().map(|index| words::workload(&self.mesh.workloads.all[*index])).collect();
                Err(format!("`{text}` may be {}: name its kind", names.join(" or ")))
            }
        }
    }

    fn client(&self, text: &str) -> Result<Client, String> {
        let bare = text.strip_prefix("spiffe://");
        let parts: Vec<&str> = bare.unwrap_or(text).split('/').collect();
        if bare.is_some() || matches!(parts.as_slice(), [_, "ns", _, "sa", _]) {
            return Ok(Client::Principal(format!("spiffe://{}", bare.unwrap_or(text))));
        }
        if !matches!(parts.len(), 2 | 3) {
            return Err(format!(
                "`{text}` is no client: expected NAMESPACE/NAME, Kind/NAMESPACE/NAME or TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT"
            ));
        }
        let found = self.named(text);
        let callers: Vec<usize> = found
            .iter()
            .copied()
            .filter(|index| self.mesh.workloads.all[*index].origin != Origin::Entry)
            .collect();
        Ok(Client::Workload(self.one_of(text, &callers)?))
    }

    /// The workload or the Service that is called. Of both with one name, the workload, unless only the Service has the port.
    fn legs(&self, client: &Client, call: &Call<'_>) -> Result<Vec<Leg<'_>>, String> {
        let mut parts: Vec<&str> = call.server.split('/').collect();
        let says_service =
            parts.len() == 3 && parts.first().is_some_and(|kind| kind.eq_ignore_ascii_case("Service"));
        if says_service {
            parts.remove(0);
        }
        let service = match parts.as_slice() {
            [namespace, name] => self.mesh.services.iter().position(|service| {
                service.namespace == *namespace
                    && service.name == *name
                    && self
                        .snapshot
                        .all()
                        .get(service.object)
                        .is_some_and(|object| object.id.kind == "Service")
            }),
            _ => None,
        };
        let found = if says_service { Vec::new() } else { self.named(call.server) };
        let has_port = |index: &usize| self.mesh.ports()[*index].contains(&call.port);
        let of_service = service.filter(|service| {
            let has = self.mesh.services[*service].ports.iter().any(|port| port.number == call.port);
            found.is_empty() || (has && !found.iter().any(has_port))
        });
        if let Some(index) = of_service {
            let service = &self.mesh.services[index];
            if service.resolution == Resolution::Alias {
                return Err(format!(
                    "Service {}/{} is another name of something outside: ask about that",
                    service.namespace, service.name
                ));
            }
            let Some(port) = service.ports.iter().position(|port| port.number == call.port) else {
                let ports: Vec<String> = service.ports.iter().map(|port| port.number.to_string()).collect();
                return Err(format!(
                    "Service {}/{} has no port {}: it has {}",
                    service.namespace,
                    service.name,
                    call.port,
                    ports.join(", ")
                ));
            };
            return Ok(self.legs_by(
                client,
                |flow, server, _| (flow == (index, port)) && service.workloads.contains(&server),
                Some((index, port)),
            ));
        }
        if found.is_empty() {
            return Err(format!("no workload and no Service `{}` is in the input", call.server));
        }
        let server = self.one_of(call.server, &found)?;
        let mut legs = self.legs_by(client, |_, own, target| own == server && target == call.port, None);
        if legs.is_empty() {
            let sends = match client {
                Client::Principal(_) => None,
                Client::Workload(client) => {
                    let is_ambient = self.mesh.servers[*client].enrolment.mode() == Mode::Ambient;
                    let sends = if is_ambient && self.mesh.servers[server].takes_tunnel {
                        Sends::Hbone
                    } else {
                        Sends::Plaintext
                    };
                    Some((
                        sends,
                        Told::plain("no Service leads to this port, and the call goes to the pod itself"),
                    ))
                }
            };
            legs.push(Leg { server, target: call.port, through: None, sends });
        }
        Ok(legs)
    }

    /// The ways through Services, by what is asked of service and port, server and its port. Of subsets only where there is no other way.
    fn legs_by<'m>(
        &'m self,
        client: &Client,
        is_meant: impl Fn((usize, usize), usize, u16) -> bool,
        only: Option<(usize, usize)>,
    ) -> Vec<Leg<'m>> {
        let mesh = &self.mesh;
        let mut legs = Vec::new();
        let mut add = |leg| {
            let leg: Leg<'m> = leg;
            let alike = |known: &Leg<'m>| {
                known.server == leg.server
                    && known.target == leg.target
                    && known.sends.as_ref().map(|sends| sends.0) == leg.sends.as_ref().map(|sends| sends.0)
                    && known.through.map(|(_, port)| port.is_http)
                        == leg.through.map(|(_, port)| port.is_http)
            };
            if !legs.iter().any(alike) {
                legs.push(leg);
            }
        };
        match client {
            Client::Workload(client) => {
                let matrix = Matrix::of(mesh);
                for row in matrix.rows().filter(|row| row.client == *client && row.flow.subset.is_none()) {
                    let flow = row.flow;
                    if is_meant((row.service, flow.port), flow.server, flow.target) {
                        let service = &mesh.services[row.service];
                        let (what, place) = words::sends(self, &flow.why);
                        let told = Told { what, location: place.and_then(|place| self.location(place)) };
                        add(Leg {
                            server: flow.server,
                            target: flow.target,
                            through: Some((service, &service.ports[flow.port])),
                            sends: Some((flow.sends, told)),
                        });
                    }
                }
            }
            Client::Principal(_) => {
                for (index, service) in mesh.services.iter().enumerate() {
                    for (place, port) in service.ports.iter().enumerate() {
                        if only.is_some_and(|only| only != (index, place)) {
                            continue;
                        }
                        for server in &service.workloads {
                            let Some(target) = service.target(port, &mesh.workloads.all[*server]) else {
                                continue;
                            };
                            if is_meant((index, place), *server, target) {
                                add(Leg {
                                    server: *server,
                                    target,
                                    through: Some((service, port)),
                                    sends: None,
                                });
                            }
                        }
                    }
                }
            }
        }
        legs
    }

    fn policies_of_all(&self) -> Policies {
        let mut misread = Vec::new();
        let mut read = Policies { all: Vec::new(), tokens: Vec::new() };
        for (index, object) in self.snapshot.objects() {
            if AuthorizationPolicy::is(object) {
                read.all.push(AuthorizationPolicy::read(object, index, &mut misread));
            } else if RequestAuthentication::is(object) {
                read.tokens.push(RequestAuthentication::read(object, index, &mut misread));
            }
        }
        read
    }

    fn way(&self, client: &Client, call: &Call<'_>, leg: &Leg<'_>, policies: &Policies) -> Way {
        let mesh = &self.mesh;
        let server = &mesh.workloads.all[leg.server];
        let mode = mesh.servers[leg.server].enrolment.mode();
        let accepts = mesh.accepts(leg.server, leg.target);
        let outcome = leg.sends.as_ref().map(|(sends, _)| Outcome::of(*sends, accepts));
        let has_identity = match outcome {
            Some(outcome) => outcome == Outcome::Mtls,
            None => matches!(accepts, Accepts::Permissive | Accepts::Strict),
        };
        let (name, who) = match client {
            Client::Principal(name) => (name.clone(), name.clone()),
            Client::Workload(index) => {
                let own = &mesh.workloads.all[*index];
                let domain = &mesh.config.trust_domain;
                (
                    words::workload(own),
                    format!("spiffe://{domain}/ns/{}/sa/{}", own.namespace, own.service_account),
                )
            }
        };
        let identity = has_identity.then_some(who);
        let mut transport = Vec::new();
        if let Some((sends, why)) = &leg.sends {
            transport.push(Told {
                what: format!("sends {}: {}", sends.name(), why.what),
                location: why.location.clone(),
            });
        }
        let why = mesh.why_accepts(leg.server, leg.target);
        let (what, place) = words::accepts(self, leg.server, &why);
        transport.push(Told {
            what: format!("takes {}: {what}", accepts.name()),
            location: place.and_then(|place| self.location(place)),
        });
        let said = leg.through.and_then(|(_, port)| port.is_http);
        let opaque = matches!(leg.sends, Some((Sends::TlsSimple | Sends::TlsMutual, _)));
        let is_http = !opaque && said.unwrap_or_else(|| call.is_http());
        let backend = match mode {
            Mode::Ambient => Backend::Ztunnel,
            Mode::Gateway => Backend::Gateway,
            Mode::Sidecar if accepts != Accepts::None && is_http => Backend::SidecarHttp,
            Mode::Sidecar if accepts != Accepts::None => Backend::SidecarTcp,
            Mode::Sidecar | Mode::None => Backend::None,
        };
        let mut remarks = Vec::new();
        if call.is_http() && !is_http && backend == Backend::SidecarTcp {
            remarks.push(Told::plain(
                "the port does not carry HTTP for the proxy: what is asked of the request is not seen",
            ));
        }
        let ask = |backend| self.judge(call, leg, identity.as_deref(), backend, policies);
        let waypoint = (mode == Mode::Ambient).then(|| self.waypoint(client, leg)).flatten();
        let judged = match (outcome, waypoint) {
            (Some(fate @ (Outcome::Refused | Outcome::Broken)), _) => {
                Judged::new(Verdict::No, format!("the connection is {}", fate.name()))
            }
            (Some(Outcome::CertDependent), _) => {
                Judged::new(Verdict::CannotTell, "it depends on who signed the client's certificate")
            }
            (_, Some(told)) => {
                Judged::new(Verdict::CannotTell, "a waypoint stands before it, and is not judged")
                    .because(told)
            }
            _ => ask(backend),
        };
        let mut others = Vec::new();
        if outcome.is_none_or(|fate| !matches!(fate, Outcome::Refused | Outcome::Broken)) {
            let sidecar = if is_http { Backend::SidecarHttp } else { Backend::SidecarTcp };
            for other in [sidecar, Backend::Ztunnel] {
                let said = ask(other);
                if other != backend && said.verdict != judged.verdict {
                    others.push((other, said));
                }
            }
        }
        Way {
            client: name,
            server: words::workload(server),
            port: leg.target,
            service: leg
                .through
                .map(|(service, port)| format!("{}/{}:{}", service.namespace, service.name, port.number)),
            transport,
            outcome,
            identity,
            backend,
            judged,
            others,
            remarks,
        }
    }

    /// The label that puts a waypoint before the server, for clients of the mesh.
    fn waypoint(&self, client: &Client, leg: &Leg<'_>) -> Option<Told> {
        if matches!(client, Client::Workload(index) if self.mesh.servers[*index].enrolment.mode() == Mode::None)
        {
            return None;
        }
        let server = &self.mesh.workloads.all[leg.server];
        let path = FieldPath::keys(&["metadata", "labels", USE_WAYPOINT]);
        let service = leg.through.map(|(service, _)| Place { object: service.object, path: path.clone() });
        let namespace = self.mesh.workloads.namespaces.get(&server.namespace).and_then(|one| one.object);
        let own = server.label(USE_WAYPOINT).map(|_| server.metadata("labels", USE_WAYPOINT));
        let places = own
            .into_iter()
            .chain(service)
            .chain(namespace.map(|object| Place { object, path: path.clone() }));
        for place in places {
            let node =
                self.snapshot.all().get(place.object).and_then(|object| object.root().locate(&place.path));
            if let Some(name) = node.and_then(Node::as_str) {
                return (name != "none")
                    .then(|| Told { what: format!("waypoint {name}"), location: self.location(&place) });
            }
        }
        None
    }

    fn judge(
        &self,
        call: &Call<'_>,
        leg: &Leg<'_>,
        peer: Option<&str>,
        backend: Backend,
        policies: &Policies,
    ) -> Judged {
        let mesh = &self.mesh;
        let server = &mesh.workloads.all[leg.server];
        let of = Selected {
            namespace: &server.namespace,
            labels: &server.labels,
            is_waypoint: false,
            service: None,
        };
        let root = &mesh.config.root_namespace;
        let chosen = select(&policies.all, &of, root);
        let (layer, reads) = match backend {
            Backend::None => {
                let mut judged = Judged::new(Verdict::Yes, "no proxy: nothing is enforced");
                for index in &chosen {
                    let policy = &policies.all[*index];
                    let what = format!(
                        "AuthorizationPolicy {}/{} selects it and does nothing",
                        policy.namespace, policy.name
                    );
                    judged.because.push(self.told(policy, &FieldPath::root(), what));
                }
                return judged;
            }
            Backend::Gateway | Backend::Waypoint => {
                return Judged::new(
                    Verdict::CannotTell,
                    "a gateway's listeners decide, which are not judged",
                );
            }
            Backend::SidecarHttp => (Layer::Http, Reads::Envoy(Layer::Http)),
            Backend::SidecarTcp => (Layer::Tcp, Reads::Envoy(Layer::Tcp)),
            Backend::Ztunnel => (Layer::Tcp, Reads::Ztunnel),
        };
        let mut unknown = vec![Unknown::Destination, Unknown::Noted];
        unknown.extend(peer.map(|_| Unknown::Sni));
        let forwarded = call.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("x-forwarded-for"));
        unknown.extend(call.source.is_none().then_some(Unknown::Source));
        unknown.extend((call.source.is_none() && !forwarded).then_some(Unknown::Remote));
        unknown.extend(call.host.is_none().then_some(Unknown::Host));
        unknown.extend(call.method.is_none().then_some(Unknown::Method));
        unknown.extend(call.path.is_none().then_some(Unknown::Path));
        let http = Http {
            method: call.method.unwrap_or("GET"),
            path: call.path.unwrap_or("/"),
            host: call.host.unwrap_or_default(),
            headers: &call.headers,
            token: match call.token {
                AskedToken::Missing => Token::Missing,
                AskedToken::Bad => Token::Broken,
                AskedToken::Claims(node) => Token::Valid(node),
            },
            token_at: TokenPlace::Authorization,
        };
        let ask = |all: &[AuthorizationPolicy], source: Option<Address>| -> (Decision, Vec<Miss>) {
            if reads == Reads::Ztunnel {
                let ambient = Ambient::new(all, mesh.peers.all.clone(), &mesh.config);
                let bound =
                    ambient.bind(&AmbientWorkload { namespace: &server.namespace, labels: &server.labels });
                let peer = peer.map(|peer| peer.strip_prefix("spiffe://").unwrap_or(peer));
                let connection = Connection { peer, source, destination: None, port: leg.target };
                return (bound.judge(&connection), bound.misses(&connection));
            }
            let compiled =
                chosen.iter().map(|index| Arc::new(Compiled::new(&all[*index], *index, layer, &mesh.config)));
            let tokens = TokenRules::for_workload(&policies.tokens, &of, root);
            let authorizer = Authorizer::new(compiled, tokens, layer, &mesh.config);
            let request = Request {
                peer,
                source,
                destination: None,
                port: leg.target,
                sni: "",
                http: (layer == Layer::Http).then_some(http),
            };
            (authorizer.judge(&request), authorizer.misses(&request))
        };
        let (decision, misses) = ask(&policies.all, call.source);
        let lean = |lets_in| {
            let all: Vec<_> = policies
                .all
                .iter()
                .map(|one| unknown::leaning(one, &unknown, reads, lets_in, leg.target))
                .collect();
            ask(&all, call.source.or(Some(Address::from(std::net::Ipv4Addr::new(192, 0, 2, 1))))).0
        };
        let [out, into] = [lean(false), lean(true)];
        let is_open = (out.verdict == Fate::Allow) != (into.verdict == Fate::Allow)
            || out.asks.is_some() != into.asks.is_some();
        if is_open {
            let mut judged = Judged::new(Verdict::CannotTell, "it depends on what is not known of the call");
            for index in &chosen {
                let policy = &policies.all[*index];
                for (what, place) in unknown::asked(policy, &unknown, reads) {
                    judged.because.push(self.told(policy, &place.path(), what.words().to_owned()));
                }
            }
            return judged;
        }
        self.decided(&decision, &misses, policies)
    }

    fn decided(&self, decision: &Decision, misses: &[Miss], policies: &Policies) -> Judged {
        let verdict = match (decision.verdict, decision.asks) {
            (Fate::Allow, Some(_)) => Verdict::CannotTell,
            (Fate::Allow, None) => Verdict::Yes,
            _ => Verdict::No,
        };
        let reason = match decision.because {
            _ if verdict == Verdict::CannotTell => "a CUSTOM policy asks an authorizer outside of the mesh",
            Because::Free => "no policy keeps it out",
            Because::Matched if verdict == Verdict::Yes => "an ALLOW rule matches",
            Because::Matched => "a DENY rule matches",
            Because::NobodyToAsk => "a CUSTOM policy matches, and its authorizer cannot be asked",
            Because::NotAllowed => "no ALLOW rule matches",
            Because::Token(BadToken::Broken) => "the token must not be believed",
            Because::Token(BadToken::UnknownIssuer) => "no RequestAuthentication names the token's issuer",
            Because::Token(BadToken::Audience) => "the token is for other audiences",
            Because::Path(_) => "the proxy does not take the path",
            Because::MissingPolicy => "a policy that ztunnel is pointed to is never sent to it",
        };
        let mut judged = Judged::new(verdict, reason);
        if let Some(policy) = decision.asks.and_then(|index| policies.all.get(index)) {
            let what = format!(
                "AuthorizationPolicy {}/{} asks `{}`",
                policy.namespace, policy.name, policy.provider
            );
            judged.because.push(self.told(policy, &FieldPath::keys(&["spec"]), what));
        }
        if let (Some(index), Some(rule)) = (decision.policy, decision.rule)
            && let Some(policy) = policies.all.get(index)
        {
            let what = format!(
                "AuthorizationPolicy {}/{}: {} rule {}",
                policy.namespace,
                policy.name,
                policy.action.name(),
                rule + 1
            );
            judged.because.push(self.told(policy, &AuthorizationPolicy::rule_path(rule), what));
        }
        if decision.because == Because::NotAllowed
            && let Some(miss) = misses.first()
            && let Some(policy) = policies.all.get(miss.policy)
        {
            let name = format!("AuthorizationPolicy {}/{}", policy.namespace, policy.name);
            if miss.fields.is_empty() {
                judged.misses.push(self.told(
                    policy,
                    &FieldPath::root(),
                    format!("{name} has no rule that this proxy can match"),
                ));
            }
            for field in &miss.fields {
                let what = format!("{name}: {} does not match", field.path());
                judged.misses.push(self.told(policy, &field.path(), what));
            }
        }
        judged
    }

    fn told(&self, policy: &AuthorizationPolicy, path: &FieldPath, what: String) -> Told {
        Told { what, location: self.location(&Place { object: policy.object, path: path.clone() }) }
    }
}
