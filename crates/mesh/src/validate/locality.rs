//! Which regions take over from others. Source: istio.io/istio `pkg/config/validation/agent/validation.go` (`ValidateLocalityLbSetting`,
//! `ValidateZoneAwareLbSetting`).

use std::collections::{HashMap, HashSet};

use super::Verdict;
use super::proto::Value;

fn is_topology(label: &str) -> bool {
    matches!(
        label,
        "topology.kubernetes.io/region" | "topology.kubernetes.io/zone" | "topology.istio.io/subzone"
    )
}

pub(super) fn locality_setting(setting: &Value<'_>, has_outlier: bool, verdict: &mut Verdict) {
    let (distribute, over) = (setting.items("distribute"), setting.items("failover"));
    if !distribute.is_empty() && !over.is_empty() {
        verdict.error(setting.path.clone(), "can not simultaneously specify 'distribute' and 'failover'");
        return;
    }
    let priority = setting.texts("failoverPriority");
    if let Some((path, label)) = priority.iter().find(|(_, label)| !over.is_empty() && is_topology(label)) {
        let message = format!(
            "can not simultaneously set 'failover' and topology label '{label}' in 'failover_priority'"
        );
        verdict.error(path.clone(), message);
        return;
    }
    for from in &distribute {
        let mut total = 0;
        let mut to: Vec<&str> = Vec::new();
        for (name, weight) in from.entries("to") {
            to.push(name);
            let weight = weight.integer();
            if !(1..=100).contains(&weight) {
                verdict.error(from.at("to"), "locality weight must be in range [1, 100]");
                return;
            }
            total += weight;
        }
        if total != 100 {
            verdict.error(from.at("to"), format!("total locality weight {total} != 100"));
            return;
        }
        // The reference has no order here.
        to.sort_unstable();
        verdict.error_if(from, "to", localities_error(&to));
    }
    let from: Vec<&str> = distribute.iter().map(|from| from.text("from")).collect();
    verdict.error_if(setting, "distribute", localities_error(&from));
    let words = ["locality lb", "locality lb failover only specify region"];
    failover(setting, has_outlier, words, verdict);
}

pub(super) fn zone_setting(setting: &Value<'_>, has_outlier: bool, verdict: &mut Verdict) {
    for (path, label) in setting.texts("failoverPriority").into_iter().filter(|(_, label)| is_topology(label))
    {
        let message = format!(
            "'failover_priority' for zone aware lb must not use topology label '{label}'; \
             region- and zone-level routing are handled automatically"
        );
        verdict.error(path, message);
    }
    let only =
        "zone aware lb failover only specifies region; zone and subzone failover are handled automatically";
    failover(setting, has_outlier, ["zone aware lb", only], verdict);
}

fn failover(setting: &Value<'_>, has_outlier: bool, words: [&str; 2], verdict: &mut Verdict) {
    let [what, only] = words;
    let over = setting.items("failover");
    if !has_outlier && (!over.is_empty() || setting.has_items("failoverPriority")) {
        verdict.warn(setting.path.clone(), "outlier detection policy must be provided for failover");
    }
    for over in over {
        let (from, to) = (over.text("from"), over.text("to"));
        if from == to {
            verdict
                .error(over.path.clone(), format!("{what} failover settings must specify different regions"));
        }
        if from.contains('/') || to.contains('/') {
            verdict.error(over.path.clone(), only);
        }
        if from.contains('*') || to.contains('*') {
            verdict.error(over.path, format!("{what} failover region should not contain '*' wildcard"));
        }
    }
}

/// What is wrong with localities beside one another: an odd form, or one that is in another. Source: `validateLocalities`.
fn localities_error(localities: &[&str]) -> Option<String> {
    let mut regions: HashMap<&str, HashMap<&str, HashSet<&str>>> = HashMap::new();
    for locality in localities {
        let overlap = || Some(format!("locality {locality} overlap with previous specified ones"));
        let stars = locality.matches('*').count();
        if stars > 1 || (stars == 1 && !locality.ends_with('*')) {
            return Some(format!(
                "locality {locality} wildcard '*' number can not exceed 1 and must be in the end"
            ));
        }
        if regions.contains_key("*") {
            return overlap();
        }
        let parts: Vec<&str> = locality.splitn(3, '/').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return Some(format!("locality {locality} must not contain empty region/zone/subzone info"));
        }
        match parts[..] {
            [region] => {
                if regions.contains_key(region) {
                    return overlap();
                }
                regions.entry(region).or_default().entry("*").or_default().insert("*");
            }
            [region, zone] => {
                let zones = regions.entry(region).or_default();
                if zones.contains_key("*") || zones.contains_key(zone) {
                    return overlap();
                }
                zones.entry(zone).or_default().insert("*");
            }
            [region, zone, subzone] => {
                let zones = regions.entry(region).or_default();
                if zones.contains_key("*") {
                    return overlap();
                }
                let subzones = zones.entry(zone).or_default();
                if subzones.contains("*") || !subzones.insert(subzone) {
                    return overlap();
                }
            }
            _ => {}
        }
    }
    None
}
