//! Policies with numbers for what they ask, and the walk through their rules.

use crate::classes::{Asked, Named};
use crate::engine::Ports;
use crate::policy::{Action, Direction, Peer, Policy, Rule, Tier};
use crate::port::{PortMatch, Protocol};
use crate::port_set::PortSet;

/// A rule with its place in the order, its peers as predicates and its ports as intervals.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    tier: Tier,
    action: Action,
    /// Predicates of which one must hold; `None` for everyone.
    pub(crate) peers: Option<Vec<u32>>,
    ports: Option<StepPorts>,
}

#[derive(Clone, Debug)]
struct StepPorts {
    fixed: PortSet,
    named: Vec<(u32, Option<Protocol>)>,
}

impl Step {
    /// The ports of the rule on a pod that declares these names.
    fn ports_on(&self, names: &[Named]) -> PortSet {
        let Some(ports) = &self.ports else { return PortSet::all() };
        let mut set = ports.fixed.clone();
        for (name, protocol) in &ports.named {
            for (other, port) in names {
                if other == name && protocol.is_none_or(|protocol| protocol == port.protocol) {
                    set = set.or(&PortSet::one(*port));
                }
            }
        }
        set
    }
}

/// A policy with numbers for what it asks.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) tier: Tier,
    /// The predicates of the pods that it is about.
    pub(crate) subject: Vec<u32>,
    /// The steps of both directions; `None` where it says nothing of one.
    pub(crate) steps: [Option<Vec<Step>>; 2],
    /// The names of ports in the steps of each, sorted.
    pub(crate) names: [Vec<u32>; 2],
    /// All that it asks for, as often as it does.
    pub(crate) asks: Vec<u32>,
    pub(crate) asks_names: Vec<u32>,
}

/// What a policy asks that nobody has asked before.
#[derive(Default)]
pub(crate) struct News {
    pub(crate) peers: Vec<u32>,
    pub(crate) names: Vec<u32>,
}

impl Rules {
    /// Gives numbers to what a policy asks.
    pub(crate) fn compile(policy: &Policy, asked: &mut Asked, news: &mut News) -> Self {
        let mut rules = Self {
            tier: policy.tier,
            subject: Vec::with_capacity(policy.subject.len()),
            steps: [None, None],
            names: [Vec::new(), Vec::new()],
            asks: Vec::new(),
            asks_names: Vec::new(),
        };
        for set in &policy.subject {
            let predicate = rules.ask(&Peer::Pods(set.clone()), asked, news);
            rules.subject.push(predicate);
        }
        for direction in Direction::ALL {
            let Some(list) = policy.rules(direction) else { continue };
            let steps =
                list.iter().map(|rule| rules.step(rule, policy.tier, asked, news)).collect::<Vec<_>>();
            let ports = steps.iter().filter_map(|step| step.ports.as_ref());
            let mut names: Vec<u32> = ports.flat_map(|ports| &ports.named).map(|(name, _)| *name).collect();
            names.sort_unstable();
            names.dedup();
            rules.names[direction as usize] = names;
            rules.steps[direction as usize] = Some(steps);
        }
        rules
    }

    fn ask(&mut self, peer: &Peer, asked: &mut Asked, news: &mut News) -> u32 {
        let (number, is_new) = asked.peers.take(peer);
        news.peers.extend(is_new.then_some(number));
        self.asks.push(number);
        number
    }

    fn step(&mut self, rule: &Rule, tier: Tier, asked: &mut Asked, news: &mut News) -> Step {
        let peers = rule.peers.as_ref().map(|peers| {
            let peers = peers.iter().filter(|peer| **peer != Peer::Nothing);
            peers.map(|peer| self.ask(peer, asked, news)).collect()
        });
        let ports = rule.ports.as_ref().map(|ports| {
            let mut step = StepPorts { fixed: PortSet::none(), named: Vec::new() };
            for port in ports {
                match port {
                    PortMatch::Range { protocol, first, last } => {
                        step.fixed = step.fixed.or(&PortSet::range(*protocol, *first, *last));
                    }
                    PortMatch::Named { name, protocol } => {
                        let (number, is_new) = asked.names.take(name);
                        news.names.extend(is_new.then_some(number));
                        self.asks_names.push(number);
                        step.named.push((number, *protocol));
                    }
                    PortMatch::Nothing => {}
                }
            }
            step
        });
        Step { tier, action: rule.action, peers, ports }
    }

    /// Whether it says anything of the direction.
    pub(crate) fn is_about(&self, direction: Direction) -> bool {
        self.steps[direction as usize].is_some()
    }
}

/// Walks the rules that match, in order: a pattern has twice the number of each, and one more where it is not certain. `isolated`
/// tells whether a NetworkPolicy isolates the subject.
pub(crate) fn evaluate(steps: &[&Step], isolated: bool, pattern: &[u32], names: &[Named]) -> Ports {
    let (mut allowed, mut denied) = (PortSet::none(), PortSet::none());
    // The ports that may still be on their way in this tier, and those that may have passed on to the next.
    let (mut active, mut passed) = (PortSet::all(), PortSet::none());
    let mut tier = Tier::Admin;
    let enter =
        |next: Tier, tier: &mut Tier, active: &mut PortSet, passed: &mut PortSet, denied: &mut PortSet| {
            if *tier < Tier::Namespaced && next >= Tier::Namespaced {
                *active = active.or(&std::mem::take(passed));
            }
            if *tier < Tier::Baseline && next == Tier::Baseline && isolated {
                *denied = denied.or(&std::mem::take(active));
            }
            *tier = next;
        };
    let mut pattern = pattern.iter().copied().peekable();
    for (at, step) in steps.iter().enumerate() {
        let listed = pattern.next_if(|code| *code / 2 == at as u32);
        let certain = match (&step.peers, listed) {
            (None, _) => true,
            (Some(_), Some(code)) => code % 2 == 0,
            (Some(_), None) => continue,
        };
        if step.tier != tier {
            enter(step.tier, &mut tier, &mut active, &mut passed, &mut denied);
        }
        let hit = step.ports_on(names).and(&active);
        match step.action {
            Action::Allow => allowed = allowed.or(&hit),
            Action::Deny => denied = denied.or(&hit),
            Action::Pass => passed = passed.or(&hit),
        }
        if certain {
            active = active.minus(&hit);
        }
    }
    enter(Tier::Baseline, &mut tier, &mut active, &mut passed, &mut denied);
    allowed = allowed.or(&active).or(&passed);
    Ports { yes: allowed.minus(&denied), may: allowed }
}
