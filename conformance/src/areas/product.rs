//! Area `product`: the rule cases of the Kubescape rule library. `gold-map.toml` says which of our checks answer which rule.
//!
//! The rules and our checks are not one for one, so a case agrees where the same objects fail and the failed paths are among those
//! that our findings name (the same field, one above or below it, or a further place of the finding). What differs and is meant
//! to differ is listed in the map, one by one, with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::OnceLock;

use ringwall_input::{Limits, read_text};
use ringwall_model::finding::{Finding, Location};
use ringwall_model::object::Object;
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_model::tree::Node;
use ringwall_pods::hardening::{Bounds, Settings};
use ringwall_posture::scan::{Options, scan};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answered, Area, Case};

pub(crate) struct Product;

impl Area for Product {
    fn name(&self) -> &'static str {
        "product"
    }

    fn mode_of(&self, stem: &str) -> Option<&'static str> {
        (stem == "regolibrary-cases").then_some("rules")
    }

    fn answer(&self, _: &str, case: &Case<'_>, _: &Path) -> Answered {
        answer(case).unwrap_or_else(Answered::unanswered)
    }

    fn together(&self, _: &str, answers: &[(&Case<'_>, &Answered)]) -> Option<(String, bool)> {
        Some(together(answers))
    }
}

/// Which checks answer which rule.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Map {
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    name: String,
    /// Findings of any of these count.
    checks: Vec<Which>,
    /// Cases in which we differ, with the reason.
    #[serde(default)]
    differ: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    id: String,
    /// Only findings whose witness holds this part.
    witness: Option<String>,
    /// Only findings whose path holds this.
    path: Option<String>,
    /// Not those whose path leads to a list that holds this.
    without: Option<String>,
}

impl Which {
    fn is(&self, finding: &Finding, snapshot: &Snapshot) -> bool {
        self.id == finding.check.id
            && self.witness.as_ref().is_none_or(|part| finding.witness.split('/').any(|other| other == part))
            && self.path.as_ref().is_none_or(|end| finding.path.to_string().contains(end))
            && self.without.as_ref().is_none_or(|item| !lists(snapshot, finding, item))
    }
}

/// Whether the list at the path of a finding holds an item.
fn lists(snapshot: &Snapshot, finding: &Finding, item: &str) -> bool {
    let same = |object: &Object| object.id == finding.object;
    let object = snapshot.objects().map(|(_, object)| object).find(|object| same(object));
    let list = object.and_then(|object| object.root().locate(&finding.path));
    list.is_some_and(|list| list.items().any(|other| other.as_str() == Some(item)))
}

fn map() -> &'static BTreeMap<String, Rule> {
    static MAP: OnceLock<BTreeMap<String, Rule>> = OnceLock::new();
    MAP.get_or_init(|| {
        let map: Map =
            toml::from_str(include_str!("../../gold-map.toml")).expect("the map of rules is valid");
        map.rule.into_iter().map(|rule| (rule.name.clone(), rule)).collect()
    })
}

#[derive(Deserialize)]
struct RuleCase {
    rule: String,
    case: String,
    data: Option<Data>,
    inputs: BTreeMap<String, String>,
    expected: Vec<Alert>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    posture_control_inputs: Option<Inputs>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inputs {
    #[serde(default)]
    floating_image_tags: Vec<String>,
    #[serde(default)]
    k8s_recommended_labels: Vec<String>,
    #[serde(default)]
    recommended_labels: Vec<String>,
    #[serde(default)]
    image_digest_exempt_repositories: Vec<String>,
    #[serde(default)]
    hardened_sandbox_runtime_classes: Vec<String>,
    /// `memory_limit_max` and the like: a bound each.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
    #[serde(default)]
    image_repository_allow_list: Vec<String>,
    #[serde(default)]
    untrusted_registries: Vec<String>,
    #[serde(default)]
    public_registries: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    alert_object: Value,
    failed_paths: Option<Vec<String>>,
    fix_paths: Option<Vec<FixPath>>,
}

#[derive(Deserialize)]
struct FixPath {
    path: String,
}

/// The paths that fail, by object.
type Failed = BTreeMap<String, BTreeSet<String>>;

fn answer(case: &Case<'_>) -> Result<Answered, String> {
    let rule_case: RuleCase = case.read().map_err(|error| error.to_string())?;
    let Some(rule) = map().get(&rule_case.rule) else {
        return Ok(Answered { verdict: Value::Null, difference: None, skipped: true });
    };
    let got = find(&rule_case, rule);
    let want = wanted(&rule_case.expected)?;
    let missed: Vec<&String> = want.keys().filter(|object| !got.contains_key(*object)).collect();
    let extra: Vec<&String> = got.keys().filter(|object| !want.contains_key(*object)).collect();
    let mut paths = 0;
    let mut missed_paths = Vec::new();
    for (object, wanted) in &want {
        for path in wanted {
            paths += 1;
            let found =
                got.get(object).is_some_and(|found| found.iter().any(|other| same_place(path, other)));
            if !found {
                missed_paths.push(format!("{object} {path}"));
            }
        }
    }
    let verdict = json!({
        "fail": !got.is_empty(),
        "objects": got,
        "listed": rule.differ.contains_key(&rule_case.case),
        "tally": {
            "objects": want.len(), "missedObjects": missed, "extraObjects": extra,
            "paths": paths, "missedPaths": missed_paths,
        },
    });
    let mut difference = String::new();
    for (what, list) in [
        ("missed", missed.iter().map(ToString::to_string).collect::<Vec<_>>()),
        ("beside the reference", extra.iter().map(ToString::to_string).collect()),
        ("missed path", missed_paths.clone()),
    ] {
        for item in list {
            let _ = writeln!(difference, "{what}: {item}");
        }
    }
    let meant = rule.differ.contains_key(&rule_case.case);
    let difference = match (difference.is_empty(), meant) {
        (true, true) => Some("the map says that this case differs, and it does not".to_owned()),
        (true, false) | (false, true) => None,
        (false, false) => Some(difference.trim_end().to_owned()),
    };
    Ok(Answered { verdict, difference, skipped: false })
}

/// What our findings say. A finding on a role or binding that says who holds it counts for each of those, as the reference's alerts do: its
/// paths then name the object that they are of.
fn find(case: &RuleCase, rule: &Rule) -> Failed {
    let mut objects = Vec::new();
    if case.is_of_access() {
        // In one text, so that a finding names places in several objects.
        let text: Vec<&str> = case.inputs.values().map(String::as_str).collect();
        objects.extend(read_text("case.yaml", text.join("\n---\n"), &Limits::default()).objects);
    } else {
        for (name, text) in &case.inputs {
            objects.extend(read_text(name, text.clone(), &Limits::default()).objects);
        }
    }
    let snapshot = Snapshot::new(objects, Facts::default());
    let settings = settings(case);
    let scan = scan(&snapshot, Options { hardening: &settings, ..Options::default() });
    let mut failed = Failed::new();
    for finding in
        scan.findings.iter().filter(|finding| rule.checks.iter().any(|which| which.is(finding, &snapshot)))
    {
        let holders = if finding.object.group == RBAC { holders(finding, &snapshot) } else { Vec::new() };
        if holders.is_empty() {
            let paths = failed.entry(key(&finding.object.kind, &finding.object.name)).or_default();
            paths.insert(finding.path.to_string());
            paths.extend(finding.related.iter().map(|(path, _)| path.to_string()));
        }
        let own = (&finding.path, &finding.location);
        let related = finding.related.iter().map(|(path, location)| (path, location));
        let places: Vec<String> = std::iter::once(own)
            .chain(related)
            .filter_map(|(path, location)| {
                let mut objects = snapshot.objects().map(|(_, object)| object);
                let object = objects.find(|object| Location::of(object, path) == *location)?;
                Some(format!("{} {path}", key(&object.id.kind, &object.id.name)))
            })
            .collect();
        for holder in holders {
            failed.entry(holder).or_default().extend(places.iter().cloned());
        }
    }
    failed
}

/// The group of roles and bindings.
const RBAC: &str = "rbac.authorization.k8s.io";

impl RuleCase {
    /// Whether its alerts are about who holds a role.
    fn is_of_access(&self) -> bool {
        self.inputs.values().any(|text| text.contains(RBAC))
    }
}

/// The subjects of bindings whom the witness of a finding names.
fn holders(finding: &Finding, snapshot: &Snapshot) -> Vec<String> {
    let mut holders = BTreeSet::new();
    let bindings = snapshot.objects().filter(|(_, object)| object.id.group == RBAC);
    for subject in bindings.filter_map(|(_, object)| object.root().get("subjects")).flat_map(Node::items) {
        let text = |key: &str| subject.str_at(&[key]).unwrap_or_default();
        let (kind, name) = (text("kind"), text("name"));
        let called = match text("namespace") {
            namespace if kind == "ServiceAccount" && !namespace.is_empty() => {
                format!("{kind} {namespace}/{name}")
            }
            _ => format!("{kind} {name}"),
        };
        let mut named = finding.witness.split('/').skip(1).collect::<Vec<_>>().join("/");
        named.push(',');
        if named.contains(&format!("{called} @")) || named.contains(&format!("{called},")) {
            holders.insert(key(kind, name));
        }
    }
    holders.into_iter().collect()
}

fn settings(case: &RuleCase) -> Settings {
    let Some(inputs) = case.data.as_ref().and_then(|data| data.posture_control_inputs.as_ref()) else {
        return Settings::default();
    };
    Settings {
        allowed_registries: inputs.image_repository_allow_list.clone(),
        blocked_registries: [&inputs.untrusted_registries[..], &inputs.public_registries].concat(),
        floating_tags: inputs.floating_image_tags.clone(),
        digest_exempt: inputs.image_digest_exempt_repositories.clone(),
        recommended_labels: [&inputs.k8s_recommended_labels[..], &inputs.recommended_labels].concat(),
        sandbox_runtime_classes: inputs.hardened_sandbox_runtime_classes.clone(),
        cpu_limit: bounds(inputs, &["cpu_limit", "sandbox_cpu_limit"]),
        cpu_request: bounds(inputs, &["cpu_request"]),
        memory_limit: bounds(inputs, &["memory_limit", "sandbox_memory_limit"]),
        memory_request: bounds(inputs, &["memory_request"]),
        ..Settings::default()
    }
}

/// The bounds that the inputs name by any of these names.
fn bounds(inputs: &Inputs, names: &[&str]) -> Bounds {
    let bound = |end: &str| {
        let mut values = names.iter().filter_map(|name| inputs.others.get(&format!("{name}_{end}")));
        values.find_map(|value| value[0].as_str().map(str::to_owned))
    };
    Bounds { least: bound("min"), most: bound("max") }
}

fn key(kind: &str, name: &str) -> String {
    format!("{kind}/{name}")
}

/// What the reference says.
fn wanted(alerts: &[Alert]) -> Result<Failed, String> {
    let mut failed = Failed::new();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for alert in alerts {
        // Rules that join objects put the one at fault elsewhere, without its metadata around the name.
        let external = &alert.alert_object["externalObjects"];
        let objects = alert.alert_object["k8sApiObjects"].as_array().into_iter().flatten();
        for object in objects.chain(external.is_object().then_some(external)) {
            let name =
                if object["metadata"].is_null() { &object["name"] } else { &object["metadata"]["name"] };
            let paths = failed.entry(key(&text(&object["kind"]), &text(name))).or_default();
            let named = alert.failed_paths.iter().flatten().cloned();
            let named = named.chain(alert.fix_paths.iter().flatten().map(|fix| fix.path.clone()));
            // An alert that names no place at all.
            for path in named.filter(|path| !path.is_empty() && !path.contains("YOUR_")) {
                paths.insert(placed(&path, &object["relatedObjects"])?);
            }
        }
    }
    Ok(failed)
}

/// A path with the related object that it is of, where it is of one.
fn placed(path: &str, related: &Value) -> Result<String, String> {
    let Some(rest) = path.strip_prefix("relatedObjects[").filter(|_| related.is_array()) else {
        return Ok(path.to_owned());
    };
    let (number, path) = rest.split_once("].").ok_or_else(|| format!("the path {path} leads to no field"))?;
    let number: usize = number.parse().map_err(|_| format!("{number} is no index"))?;
    let object = &related[number];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(format!("{} {path}", key(&text(&object["kind"]), &text(&object["metadata"]["name"]))))
}

/// Whether one path is the other, or leads to it.
fn same_place(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// At least so many of a hundred failing objects, and of the failed paths, must be found for each rule, where the map does not list
/// the case.
const OBJECTS: usize = 95;
const PATHS: usize = 85;

fn together(answers: &[(&Case<'_>, &Answered)]) -> (String, bool) {
    let mut rules: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    let mut listed = 0;
    for (case, answered) in answers.iter().filter(|(_, answered)| !answered.skipped) {
        if answered.verdict["listed"] == Value::Bool(true) {
            listed += 1;
            continue;
        }
        let rule = case.id.split('/').next().unwrap_or_default();
        let tally = &answered.verdict["tally"];
        let count = |key: &str| tally[key].as_array().map_or(0, Vec::len);
        let of =
            |key: &str| tally[key].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default();
        let sums = rules.entry(rule).or_default();
        for (sum, add) in
            sums.iter_mut().zip([of("objects"), count("missedObjects"), of("paths"), count("missedPaths")])
        {
            *sum += add;
        }
    }
    let mut text = String::new();
    let (mut total, mut below) = ([0; 4], 0);
    for (rule, sums) in &rules {
        for (sum, add) in total.iter_mut().zip(sums) {
            *sum += add;
        }
        let [objects, missed, paths, missed_paths] = *sums;
        if (objects - missed) * 100 < objects * OBJECTS || (paths - missed_paths) * 100 < paths * PATHS {
            below += 1;
            let _ = writeln!(
                text,
                "{rule}: {} of {objects} failing objects, {} of {paths} failed paths",
                objects - missed,
                paths - missed_paths
            );
        }
    }
    let [objects, missed, paths, missed_paths] = total;
    let _ = write!(
        text,
        "{} rules, {below} of them below {OBJECTS} % of failing objects or {PATHS} % of failed paths; in all {} of {objects} objects \
         ({:.1} %), {} of {paths} paths ({:.1} %); {listed} cases are listed as differing, with reasons, and not counted",
        rules.len(),
        objects - missed,
        percent(objects - missed, objects),
        paths - missed_paths,
        percent(paths - missed_paths, paths),
    );
    let enough =
        (objects - missed) * 100 >= objects * OBJECTS && (paths - missed_paths) * 100 >= paths * PATHS;
    (text, enough)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few hundreds")]
fn percent(part: usize, of: usize) -> f64 {
    if of == 0 { 100.0 } else { part as f64 * 100.0 / of as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_names_checks_that_there_are() {
        let ids: BTreeSet<&str> = ringwall_posture::registry::checks().map(|check| check.id).collect();
        for rule in map().values() {
            for which in &rule.checks {
                assert!(ids.contains(which.id.as_str()), "{}: there is no {}", rule.name, which.id);
            }
            for (case, reason) in &rule.differ {
                assert!(!reason.is_empty(), "{}/{case}: say why", rule.name);
            }
        }
    }

    #[test]
    fn a_place_is_the_same_where_one_path_leads_to_the_other() {
        assert!(same_place("spec.volumes[0]", "spec.volumes[0].hostPath.path"));
        assert!(!same_place("spec.volumes[0]", "spec.volumes[01]"));
        assert!(!same_place("spec.host", "spec.hostNetwork"));
    }
}
