//! A cluster that changes answers as one that was always so.

use std::sync::Arc;

use proptest::prelude::*;
use ringwall_input::{Limits, json};
use ringwall_model::finding::Verdict;
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::text::Source;
use ringwall_network::cluster::Cluster;
use ringwall_network::engine::{Engine, Options};
use ringwall_network::judge::End;
use ringwall_network::live::{Change, Effect, Live};
use ringwall_network::policy::Direction;
use serde_json::Value;

use crate::agreement::{PORTS, ends};
use crate::random::{self, Random};

fn object(value: &Value) -> Object {
    let source = Arc::new(Source::new("object.json", value.to_string()));
    let tree = Arc::new(json::parse(&source, &Limits::default()).expect("JSON"));
    Object::read(&tree, tree.root(), FieldPath::root()).expect("an object")
}

/// All ends, each with words that tell it from the others whatever its index is.
fn named_ends(cluster: &Cluster) -> Vec<(String, End<'_>)> {
    let name = |end: &End<'_>| match end.pod.map(|pod| &cluster.pods[pod]) {
        Some(pod) => format!("{}/{} {:?}", pod.namespace, pod.name, end.family),
        None => format!("{:?} {:?}", end.address, end.family),
    };
    let mut ends: Vec<(String, End<'_>)> = ends(cluster).into_iter().map(|end| (name(&end), end)).collect();
    ends.sort_by(|a, b| a.0.cmp(&b.0));
    ends
}

/// The first thing in which the two differ.
fn difference(live: &Live, cluster: &Cluster, engine: &Engine) -> Option<String> {
    let (now, anew) = (named_ends(live.cluster()), named_ends(cluster));
    let names = |ends: &[(String, End<'_>)]| ends.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    if names(&now) != names(&anew) {
        return Some(format!("ends {:?} and {:?}", names(&now), names(&anew)));
    }
    let of = |engine: &Engine, ends: &[(String, End<'_>)]| -> Vec<u32> {
        ends.iter()
            .map(|(name, end)| engine.class_of(*end).unwrap_or_else(|| panic!("a class for {name}")))
            .collect()
    };
    let (in_live, in_new) = (of(live.engine(), &now), of(engine, &anew));
    for (a, (from, source)) in now.iter().enumerate() {
        for (b, (to, destination)) in now.iter().enumerate() {
            // Endpoints are of one class here if they are there.
            if (in_live[a] == in_live[b]) != (in_new[a] == in_new[b]) {
                return Some(format!("{from} and {to} are of one class in one of the two only"));
            }
            if source.family != destination.family {
                continue;
            }
            for (direction, x, y) in [(Direction::Ingress, b, a), (Direction::Egress, a, b)] {
                let kept = live.engine().side(direction, in_live[x], in_live[y]);
                let made = engine.side(direction, in_new[x], in_new[y]);
                for (protocol, number) in PORTS {
                    let port = ringwall_network::port::Port { protocol, number };
                    let (kept, made): (Verdict, Verdict) = (kept.verdict(port), made.verdict(port));
                    if kept != made {
                        return Some(format!(
                            "{direction:?} {port} from {from} to {to}: {kept:?}, and anew {made:?}"
                        ));
                    }
                }
            }
        }
    }
    let count = |engine: &Engine| engine.classes().iter().count();
    if count(live.engine()) != count(engine) {
        return Some(format!("{} classes, and anew {}", count(live.engine()), count(engine)));
    }
    let ranges = |engine: &Engine| {
        let mut ranges: Vec<_> =
            engine.classes().iter().flat_map(|(_, class)| class.ranges.clone()).collect();
        ranges.sort_unstable();
        ranges
    };
    if ranges(live.engine()) != ranges(engine) {
        return Some(format!("{:?}, and anew {:?}", ranges(live.engine()), ranges(engine)));
    }
    if live.cluster().namespaces != cluster.namespaces || live.cluster().stated != cluster.stated {
        return Some(format!("{:?}, and anew {:?}", live.cluster().namespaces, cluster.namespaces));
    }
    for (index, workload) in live.cluster().workloads.iter().enumerate() {
        if workload.pods.is_empty()
            || workload.pods.iter().any(|pod| live.cluster().pods[*pod].workload != index)
        {
            return Some(format!("{workload:?} and its pods"));
        }
    }
    let matrix = live.engine().matrix();
    for (from, _) in live.engine().classes().iter() {
        for (to, _) in live.engine().classes().iter() {
            if matrix.get(from, to) != &live.engine().connection(from, to) {
                return Some(format!("the matrix from {from} to {to}"));
            }
        }
    }
    None
}

/// An object as one of its kind and name may become.
fn changed(random: &mut Random, old: &Value) -> Value {
    let name = old["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let at = name.trim_start_matches(char::is_alphabetic).parse().unwrap_or_default();
    match old["kind"].as_str() {
        Some("Namespace") => {
            let at = random::NAMESPACES.iter().position(|other| *other == name).unwrap_or_default();
            random::namespace(random, at)
        }
        Some("Node") => random::node(random, at),
        Some("Pod" | "Deployment") => loop {
            let new = random::workload(random, at);
            if new["kind"] == old["kind"] {
                break new;
            }
        },
        Some(_) if name.starts_with('f') => random::foreign(random, at),
        _ => random::policy(random, at),
    }
}

fn added(random: &mut Random, at: usize) -> Value {
    // No name is there twice.
    let at = at + 100;
    match random.below(8) {
        0..4 => random::workload(random, at),
        4..7 => random::policy(random, at),
        _ => random::foreign(random, at),
    }
}

/// Changes a random cluster a few times, and compares it after each.
fn after_changes(seed: u64, steps: usize) -> Result<usize, String> {
    let random = &mut Random::new(seed);
    let mut objects: Vec<Option<Value>> = random::cluster(random).into_iter().map(Some).collect();
    let snapshot =
        |objects: &[Option<Value>]| random::snapshot(&objects.iter().flatten().cloned().collect::<Vec<_>>());
    let options = Options { pods_by_address: random.chance(80) };
    let mut live = Live::new(Cluster::of(&snapshot(&objects), &[]), options);
    let mut updated = 0;
    for step in 0..steps {
        let at = random.below(objects.len());
        let old = objects[at].clone();
        let (at, before, after) = match old {
            _ if random.chance(20) => {
                let new = added(random, objects.len());
                objects.push(None);
                (objects.len() - 1, None, Some(new))
            }
            // What was there once comes back as another of its kind.
            None => (at, None, Some(added(random, at))),
            Some(old) if random.chance(30) => (at, Some(old), None),
            Some(old) => {
                let new = changed(random, &old);
                (at, Some(old), Some(new))
            }
        };
        // A kind that another takes the place of goes first.
        let same = |a: &Value, b: &Value| a["kind"] == b["kind"];
        let mut changes = Vec::new();
        if let Some(before) = before.as_ref().filter(|old| after.as_ref().is_none_or(|new| !same(old, new))) {
            changes.extend(Change::remove(&object(before), at, &[]));
        }
        changes.extend(after.as_ref().and_then(|new| Change::put(&object(new), at, &[])));
        for change in changes {
            updated += usize::from(live.apply(change) == Effect::Updated);
        }
        objects[at].clone_from(&after);
        let cluster = Cluster::of(&snapshot(&objects), &[]);
        let engine = Engine::new(&cluster, options);
        if let Some(difference) = difference(&live, &cluster, &engine) {
            return Err(format!("step {step}, {before:?} became {after:?}: {difference}"));
        }
    }
    Ok(updated)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_cluster_answers_as_one_made_anew(seed: u64) {
        let result = after_changes(seed, 12);
        prop_assert!(result.is_ok(), "{}", result.unwrap_err());
    }
}

#[test]
fn most_changes_are_local() {
    let updated: usize = (0..40).map(|seed| after_changes(seed * 77 + 5, 10).expect("no difference")).sum();
    assert!(updated > 300, "only {updated} of 400 changes were taken in without making all anew");
}
