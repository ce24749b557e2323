//! One connection: each side's verdict, and what decides.

use ringwall_model::address::{Address, Block, Family};
use ringwall_model::finding::{Location, Verdict};
use ringwall_model::path::FieldPath;
use ringwall_network::cluster::Pod;
use ringwall_network::cni::{self, Cni};
use ringwall_network::engine::Ports;
use ringwall_network::entries::{Entry, Seen};
use ringwall_network::judge::End;
use ringwall_network::policy::Direction;
use ringwall_network::port::{Port, Protocol};
use ringwall_network::port_set::PortSet;
use ringwall_network::services::ServicePort;

use crate::network::Network;
use crate::network::change::{Proposal, propose};
use crate::network::eyes::Pair;
use crate::network::miss::Miss;
use crate::network::needs::ports_of;
use crate::network::resolve::{Place, WantedPort};

/// Addresses that are no internet: private ones, those of a link, of a node itself, of tests and of carriers. Source: the special-purpose
/// registries of RFC 6890.
const NOT_INTERNET: [&str; 12] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/3",
    "::/8",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
];

/// The answer to `can SOURCE reach DESTINATION on PORT`.
#[derive(Clone, Debug)]
pub struct Reach {
    /// What the source is called.
    pub from: String,
    /// What the destination is called.
    pub to: String,
    /// What is asked for; `None` for any port that the destination listens on.
    pub port: Option<WantedPort>,
    /// Yes, if each pod of the source reaches each that is meant; no, if one does not.
    pub verdict: Verdict,
    /// The ports that are open, for certain and perhaps; of interest where no port is asked for.
    pub ports: Ports,
    /// Each connection that is judged apart.
    pub legs: Vec<Leg>,
    /// What else there is to know, a sentence without full stop each.
    pub remarks: Vec<String>,
    /// What an engine is documented to read otherwise of it, so that its answer is another.
    pub engine: Vec<EngineNote>,
    /// The least change that would let it pass, one for each object that is needed; tried by judging again.
    pub proposals: Vec<Proposal>,
}

/// Something that an engine reads otherwise than the API means it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineNote {
    /// What it does, a sentence without full stop.
    pub message: String,
    /// Where that is said.
    pub reference: &'static str,
    /// The policy and the field, and where that is written.
    pub place: Option<(String, FieldPath, Location)>,
}

/// A connection of one pod to another, which stands for all that are judged alike.
#[derive(Clone, Debug)]
pub struct Leg {
    /// The sender.
    pub from: String,
    /// The receiver.
    pub to: String,
    /// The port of the receiver.
    pub port: Port,
    /// The family in which they speak.
    pub family: Family,
    /// The verdict of both sides.
    pub verdict: Verdict,
    /// What the sender's policies say, and what the receiver's.
    pub halves: [Half; 2],
}

/// The verdict of one side.
#[derive(Clone, Debug)]
pub struct Half {
    /// Which side it is.
    pub direction: Direction,
    /// Its verdict.
    pub verdict: Verdict,
    /// What decides; several where that depends on what is not known.
    pub because: Vec<Because>,
    /// Of the rules that might have allowed it, the one that is nearest to it.
    pub miss: Option<Miss>,
}

/// Something that decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Because {
    /// What it does, a sentence without full stop.
    pub message: String,
    /// The object and the field, and where that is written.
    pub place: Option<(String, FieldPath, Location)>,
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// Who sends.
    pub from: Place,
    /// Who receives.
    pub to: Place,
    /// On which port.
    pub port: Option<WantedPort>,
    /// The engine whose differences are to be told.
    pub cni: Option<Cni>,
}

impl Network<'_> {
    /// Answers whether a connection is allowed, and why. Costs a walk through the policies for each pair of classes of the two ends.
    ///
    /// # Errors
    /// The port is none of the destination's; a sentence without full stop.
    pub fn can_reach(&self, question: &Question) -> Result<Reach, String> {
        let mut reach = Reach {
            from: self.called(question.from),
            to: self.called(question.to),
            port: question.port.clone(),
            verdict: Verdict::Yes,
            ports: Ports::none(),
            legs: Vec::new(),
            remarks: Vec::new(),
            engine: Vec::new(),
            proposals: Vec::new(),
        };
        let pairs = self.pairs(question, &mut reach.remarks)?;
        if pairs.is_empty() {
            reach.verdict = self.without_pairs(question, &mut reach);
            return Ok(reach);
        }
        for pair in &pairs {
            reach.legs.push(self.eyes().leg(*pair));
            if let Some(cni) = question.cni {
                for direction in [Direction::Egress, Direction::Ingress] {
                    let found = cni::notes(cni, &self.cluster, direction, pair.from, pair.to, pair.port);
                    for note in found.iter().map(|note| self.engine_note(note)) {
                        if !reach.engine.contains(&note) {
                            reach.engine.push(note);
                        }
                    }
                }
            }
        }
        self.may_share_a_node(question, &mut reach);
        reach.verdict = of_all(reach.legs.iter().map(|leg| leg.verdict));
        let is_internet = question.from == Place::Internet || question.to == Place::Internet;
        let some = reach.legs.iter().any(|leg| leg.verdict == Verdict::Yes);
        if is_internet && some && reach.verdict == Verdict::No {
            // One word for many addresses: those that pass are told below.
            reach.verdict = Verdict::CannotTell;
            reach
                .remarks
                .push("it depends on the address: some on the internet pass, and others do not".to_owned());
        }
        if question.from == Place::Internet {
            self.remark_on_ways(question, &mut reach);
        }
        if question.port.is_none() {
            let legs = &reach.legs;
            let open = |yes: bool| {
                legs.iter()
                    .filter(|leg| leg.verdict == Verdict::Yes || (!yes && leg.verdict == Verdict::CannotTell))
                    .fold(PortSet::none(), |all, leg| all.or(&PortSet::one(leg.port)))
            };
            reach.ports = Ports { yes: open(true), may: open(false) };
            // Whoever asks for no port asks whether there is a way in at all.
            if !is_internet && legs.iter().any(|leg| leg.verdict == Verdict::Yes) {
                reach.verdict = Verdict::Yes;
            }
        }
        // Of the internet no single address is meant, and a policy for one would not do.
        if reach.verdict == Verdict::No && !is_internet {
            let denied = reach.legs.iter().zip(&pairs).find(|(leg, _)| leg.verdict == Verdict::No);
            if let Some((_, pair)) = denied {
                reach.proposals = propose(self.eyes(), *pair);
            }
        }
        self.remark_on_names(question, &mut reach);
        Ok(reach)
    }

    /// The verdict where no pair of ends is there to be judged.
    fn without_pairs(&self, question: &Question, reach: &mut Reach) -> Verdict {
        if let Place::Service(index) = question.to {
            let behind = self.services.behind(index).map(|behind| &self.services.all[behind]);
            // What is behind it is not in the input.
            return match behind {
                Some(service) if service.selector.is_some() => Verdict::No,
                _ => Verdict::CannotTell,
            };
        }
        let has_pods = |place: Place| match place {
            Place::Workload(index) => {
                self.cluster.workloads[index].pods.iter().any(|pod| !self.cluster.pods[*pod].finished)
            }
            Place::Pod(pod) => !self.cluster.pods[pod].finished,
            _ => true,
        };
        if !has_pods(question.from) || !has_pods(question.to) {
            return Verdict::No;
        }
        if self.cluster.ranges_stated {
            reach.remarks.push("the two ends have no family of addresses in common".to_owned());
            return Verdict::No;
        }
        let remark = "the two ends have no family of addresses in common, as far as is known: pods whose addresses nobody states are taken \
                      to speak IPv4 alone, and --pod-cidr says otherwise";
        reach.remarks.push(remark.to_owned());
        Verdict::CannotTell
    }

    /// A pod on the network of a node that nobody knows may be on the node of the other, and the node of a pod always reaches it.
    fn may_share_a_node(&self, question: &Question, reach: &mut Reach) {
        let on_node = match question.from {
            Place::Workload(index) => {
                self.cluster.workloads[index].pods.iter().any(|pod| self.cluster.pods[*pod].host_network)
            }
            Place::Pod(pod) => self.cluster.pods[pod].host_network,
            _ => false,
        };
        for leg in reach.legs.iter_mut().filter(|leg| on_node && leg.verdict == Verdict::No) {
            let [egress, ingress] = &mut leg.halves;
            if ingress.verdict == Verdict::No && egress.verdict != Verdict::No {
                ingress.verdict = Verdict::CannotTell;
                let message =
                    "the node on which a pod runs always reaches it, and whether this is it is not known"
                        .to_owned();
                ingress.because.insert(0, Because { message, place: None });
                leg.verdict = Verdict::CannotTell;
            }
        }
    }

    /// What policies allow to the outside is of use only by a way in, and what comes by a node has its address.
    fn remark_on_ways(&self, question: &Question, reach: &mut Reach) {
        let is_behind = |pod: usize| match question.to {
            Place::Workload(index) => self.cluster.pods[pod].workload == index,
            Place::Pod(index) => pod == index,
            Place::Service(index) => self.services.all[index].pods.contains(&pod),
            Place::Address(_) | Place::Internet => true,
        };
        let ways: Vec<&Entry> =
            self.entries.iter().filter(|entry| entry.reached().into_keys().any(is_behind)).collect();
        if ways.is_empty() {
            if reach.verdict != Verdict::No {
                reach.remarks.push(
                    "that is what policies say: nothing in the input leads there from outside".to_owned(),
                );
            }
        } else if ways.iter().all(|entry| entry.seen != Seen::Client) {
            let remark = "what comes from outside comes by a proxy or a node, whose address policies see; `ringwall net exposure` counts with it";
            reach.remarks.push(remark.to_owned());
        }
    }

    /// What an engine reads otherwise, with its place.
    pub fn engine_note(&self, note: &cni::Note) -> EngineNote {
        let policy = note.policy.map(|policy| &self.cluster.policies[policy]);
        let place = policy.map(|policy| {
            let path = note.path.clone().unwrap_or_else(FieldPath::root);
            let location = self.eyes().place(policy, &path);
            (super::words::policy(policy), path, location)
        });
        EngineNote { message: note.message(), reference: note.difference.reference, place }
    }

    /// The ends to be judged: a pod for each class of each side, in each family, for each port.
    fn pairs(&self, question: &Question, remarks: &mut Vec<String>) -> Result<Vec<Pair<'_>>, String> {
        let from = self.ends(question.from, remarks);
        let mut pairs = Vec::new();
        if let Place::Service(index) = question.to {
            self.through_service(index, question, &from, remarks, &mut pairs)?;
            return Ok(pairs);
        }
        let to = self.ends(question.to, remarks);
        for destination in &to {
            let pod = destination.pod.map(|pod| &self.cluster.pods[pod]);
            let ports = self.ports_on(pod, question, remarks)?;
            add(&from, *destination, &ports, &mut pairs);
        }
        Ok(pairs)
    }

    /// The ports that a question means on a pod.
    fn ports_on(
        &self,
        pod: Option<&Pod>,
        question: &Question,
        remarks: &mut Vec<String>,
    ) -> Result<Vec<Port>, String> {
        let declared = |pod: &Pod| -> Vec<Port> {
            let mut ports: Vec<Port> = pod.ports.iter().map(|declared| declared.port).collect();
            ports.sort_unstable();
            ports.dedup();
            ports
        };
        match (&question.port, pod) {
            (Some(WantedPort::Number(port)), Some(pod)) => {
                if !pod.ports.is_empty() && !pod.ports.iter().any(|declared| declared.port == *port) {
                    let list: Vec<String> = declared(pod).iter().map(Port::to_string).collect();
                    let mut remark = format!(
                        "no container of {}/{} declares {port}; they declare {}",
                        pod.namespace,
                        pod.name,
                        list.join(", ")
                    );
                    remark.push_str(&self.service_with(pod, *port));
                    remark_once(remarks, remark);
                }
                Ok(vec![*port])
            }
            (Some(WantedPort::Number(port)), None) => Ok(vec![*port]),
            (Some(WantedPort::Name(name)), Some(pod)) => {
                let named: Vec<Port> = pod
                    .ports
                    .iter()
                    .filter(|declared| declared.name == *name)
                    .map(|declared| declared.port)
                    .collect();
                if named.is_empty() {
                    let names: Vec<&str> = pod
                        .ports
                        .iter()
                        .map(|declared| declared.name.as_str())
                        .filter(|name| !name.is_empty())
                        .collect();
                    return Err(match names.as_slice() {
                        [] => format!("{}/{} names no port", pod.namespace, pod.name),
                        names => format!(
                            "{}/{} has no port called \"{name}\", but {}",
                            pod.namespace,
                            pod.name,
                            names.join(", ")
                        ),
                    });
                }
                Ok(named)
            }
            (Some(WantedPort::Name(name)), None) => Err(format!("an address has no port called \"{name}\"")),
            (None, Some(pod)) if !pod.ports.is_empty() => Ok(declared(pod)),
            (None, _) => {
                remark_once(
                    remarks,
                    "no port is given and none is declared, so TCP 443 stands for all".to_owned(),
                );
                Ok(vec![Port { protocol: Protocol::Tcp, number: 443 }])
            }
        }
    }

    /// A word about a Service that has the port and leads to another on this pod.
    fn service_with(&self, pod: &Pod, port: Port) -> String {
        let of_pod = self.services.all.iter().filter(|service| {
            service.kind.translates()
                && service.pods.iter().any(|index| self.cluster.pods[*index].object == pod.object)
        });
        for service in of_pod {
            let with = service.ports.iter().find(|other| other.port() == port);
            if let Some(target) = with.and_then(|with| with.on(pod)).filter(|target| *target != port) {
                let name = format!("{}/{}", service.namespace, service.name);
                return format!(
                    "; Service {name} leads {port} to {target}, and policies see the latter: ask for svc/{}",
                    service.name
                );
            }
        }
        String::new()
    }

    fn through_service<'n>(
        &'n self,
        index: usize,
        question: &Question,
        from: &[End<'n>],
        remarks: &mut Vec<String>,
        pairs: &mut Vec<Pair<'n>>,
    ) -> Result<(), String> {
        let named = &self.services.all[index];
        let Some(behind) = self.services.behind(index) else {
            let name = named.external_name.as_deref().unwrap_or_default();
            remarks.push(format!("it stands for the name {name}, whose addresses nothing here tells"));
            return Ok(());
        };
        let service = &self.services.all[behind];
        let wanted = |port: &&ServicePort| match &question.port {
            None => true,
            Some(WantedPort::Number(number)) => port.port() == *number,
            Some(WantedPort::Name(name)) => port.name == *name,
        };
        let ports: Vec<&ServicePort> = service.ports.iter().filter(wanted).collect();
        if ports.is_empty()
            && let Some(port) = &question.port
        {
            let list: Vec<String> = service.ports.iter().map(|port| port.port().to_string()).collect();
            return Err(format!("{} has no {port}, but {}", self.called(question.to), list.join(", ")));
        }
        for port in ports {
            for (pod, targets) in service.reached(port, &self.cluster) {
                for target in ports_of(&targets) {
                    if target.number != port.number {
                        remark_once(
                            remarks,
                            format!(
                                "{} leads {} to {target} of its pods, and policies see the latter",
                                self.called(question.to),
                                port.port()
                            ),
                        );
                    }
                    for end in self.ends_of_pod(pod) {
                        add(from, end, &[target], pairs);
                    }
                }
            }
            for (address, target) in service.addresses(port) {
                let end = self.cluster.end_of(address);
                add(from, end, &[target], pairs);
            }
        }
        if pairs.is_empty() && remarks.is_empty() {
            remarks.push(match &service.selector {
                Some(_) if !service.pods.is_empty() => {
                    "no pod behind it declares a port of the name that it leads to".to_owned()
                }
                Some(_) => "nothing is behind it: it selects no pod of the input".to_owned(),
                None => {
                    "nothing is behind it: it selects no pods, and nothing in the input says its endpoints"
                        .to_owned()
                }
            });
        }
        Ok(())
    }

    /// The ends that a place stands for, one a class.
    fn ends(&self, place: Place, remarks: &mut Vec<String>) -> Vec<End<'_>> {
        let mut ends = Vec::new();
        match place {
            Place::Workload(index) => {
                let pods = &self.cluster.workloads[index].pods;
                for pod in pods.iter().filter(|pod| !self.cluster.pods[**pod].finished) {
                    ends.extend(self.ends_of_pod(*pod));
                }
                if let Some(pod) = pods.iter().find(|pod| self.cluster.pods[**pod].host_network) {
                    let pod = &self.cluster.pods[*pod];
                    let remark = format!(
                        "{}/{} is on the network of its node: no policy is about it",
                        pod.namespace, pod.name
                    );
                    remark_once(remarks, remark);
                }
                if ends.is_empty() {
                    remark_once(remarks, format!("{} has no pod that runs", self.called(place)));
                }
            }
            Place::Pod(pod) => {
                let about = &self.cluster.pods[pod];
                if about.finished {
                    remark_once(
                        remarks,
                        format!("{}/{} is over, and has no address", about.namespace, about.name),
                    );
                } else {
                    ends.extend(self.ends_of_pod(pod));
                }
            }
            Place::Service(index) => {
                for pod in self.services.all[index].pods.iter() {
                    ends.extend(self.ends_of_pod(*pod));
                }
            }
            Place::Address(address) => ends.push(self.cluster.end_of(address)),
            Place::Internet => {
                let private = private();
                for (_, class) in self.engine.classes().iter().filter(|(_, class)| !class.is_pod) {
                    let mut ranges = class.ranges.iter();
                    let public = ranges.find_map(|(first, last)| outside_of(&private, *first, *last));
                    ends.extend(public.map(|address| self.cluster.end_of(address)));
                }
            }
        }
        self.one_a_class(ends)
    }

    /// The ends that a pod is, in each of its families.
    pub(super) fn ends_of_pod(&self, index: usize) -> Vec<End<'_>> {
        let pod = &self.cluster.pods[index];
        let families = self.cluster.families(pod);
        let end = |family: Family| {
            let address = pod.addresses.iter().copied().find(|address| address.family == family);
            if pod.host_network {
                let known = address.or_else(|| {
                    let node =
                        self.cluster.nodes.iter().find(|node| pod.node.as_ref() == Some(&node.name))?;
                    node.addresses
                        .iter()
                        .map(|(_, address)| *address)
                        .find(|address| address.family == family)
                });
                return End { family, address: known, pod: None, node: pod.node.as_deref() };
            }
            End { family, address, pod: Some(index), node: None }
        };
        families.into_iter().map(end).collect()
    }

    /// The first of the ends that policies cannot tell apart.
    fn one_a_class<'n>(&'n self, ends: Vec<End<'n>>) -> Vec<End<'n>> {
        let mut seen = std::collections::HashSet::new();
        ends.into_iter()
            .filter(|end| {
                let node = end.node.map(str::to_owned);
                seen.insert((
                    self.engine.class_of(*end),
                    end.family,
                    node,
                    end.pod.is_none().then_some(end.address),
                ))
            })
            .collect()
    }

    /// Whoever reaches another by name needs DNS.
    fn remark_on_names(&self, question: &Question, reach: &mut Reach) {
        let by_name = matches!(question.to, Place::Service(_) | Place::Workload(_));
        let (Place::Workload(_) | Place::Pod(_)) = question.from else { return };
        let Some(from) = self.ends(question.from, &mut Vec::new()).first().copied() else { return };
        if by_name && from.pod.is_some() {
            reach.remarks.extend(super::dns::remark(self.eyes(), from));
        }
    }
}

fn remark_once(remarks: &mut Vec<String>, remark: String) {
    if !remarks.contains(&remark) {
        remarks.push(remark);
    }
}

fn add<'n>(from: &[End<'n>], to: End<'n>, ports: &[Port], pairs: &mut Vec<Pair<'n>>) {
    for source in from.iter().filter(|source| source.family == to.family) {
        pairs.extend(ports.iter().map(|port| Pair { from: *source, to, port: *port }));
    }
}

/// Yes if all are, no if one is not.
pub(super) fn of_all(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    verdicts.fold(Verdict::Yes, |all, one| match (all, one) {
        (Verdict::No, _) | (_, Verdict::No) => Verdict::No,
        (Verdict::Yes, Verdict::Yes) => Verdict::Yes,
        _ => Verdict::CannotTell,
    })
}

/// The blocks of addresses that are no internet.
pub(super) fn private() -> Vec<Block> {
    NOT_INTERNET.iter().filter_map(|text| Block::parse(text)).collect()
}

/// The lowest address of a range that is in none of the blocks. Costs a look at each block for each block that is left.
pub(super) fn outside_of(blocks: &[Block], first: Address, last: Address) -> Option<Address> {
    let mut address = first;
    while let Some(block) = blocks.iter().find(|block| block.contains(address)) {
        let end = block.last();
        if end.bits >= last.bits {
            return None;
        }
        address = Address { bits: end.bits + 1, ..address };
    }
    (address <= last).then_some(address)
}
