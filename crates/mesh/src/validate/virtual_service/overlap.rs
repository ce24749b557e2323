//! Rules that nothing reaches. Source: istio.io/istio `pkg/config/validation/validation.go` (`analyzeUnreachableHTTPRules` and its like).

use std::collections::{BTreeMap, HashMap};

use ringwall_model::path::FieldPath;

use crate::validate::proto::Value;
use crate::validate::words::quoted;
use crate::validate::{Analysis, Complaint, Verdict};

/// How many matches with prefixes are compared with one another, and how many warnings come of it at most. The reference compares all.
const MOST: usize = 2000;

fn unreachable(path: &FieldPath, rule: &str, reason: &str, verdict: &mut Verdict) {
    verdict.caution(Complaint {
        path: path.clone(),
        message: format!("virtualService rule {rule} not used ({reason})"),
        analysis: Some(Analysis::UnreachableRule { rule: rule.to_owned(), reason: reason.to_owned() }),
    });
}

fn ineffective(path: &FieldPath, rule: &str, matched: &str, other: &str, verdict: &mut Verdict) {
    let why = format!("duplicate/overlapping match in rule {other}");
    verdict.caution(Complaint {
        path: path.clone(),
        message: format!("virtualService rule {rule} match {matched} is not used ({why})"),
        analysis: Some(Analysis::IneffectiveMatch {
            rule: rule.to_owned(),
            matched: matched.to_owned(),
            other: other.to_owned(),
        }),
    });
}

/// A name in quotes, or a number.
fn named(name: &str, number: usize) -> String {
    if name.is_empty() { format!("#{number}") } else { quoted(name) }
}

/// Rules of TCP and TLS.
pub(super) fn plain(routes: &[Value<'_>], verdict: &mut Verdict) {
    walk(routes, |_| String::new(), |_, _, _, _| {}, verdict);
}

/// Rules of HTTP, which have names; the prefixes of their matches are compared, too.
pub(super) fn http<'t>(routes: &[Value<'t>], verdict: &mut Verdict) {
    let mut prefixes = Vec::new();
    let keep = |matched: &Value<'t>, rule: &str, number: usize, path: &FieldPath| {
        prefixes.extend(Prefix::of(matched, rule, named(matched.text("name"), number), path));
    };
    let name = |of: &Value<'_>| -> String { of.text("name").to_owned() };
    walk(routes, name, keep, verdict);
    let start = verdict.warnings.len();
    for (index, one) in prefixes.iter().enumerate().take(MOST) {
        for other in prefixes.iter().take(MOST).skip(index + 1).filter(|other| other.is_covered(one)) {
            if verdict.warnings.len() - start >= MOST {
                return;
            }
            let matched = format!("{} of prefix {}", other.name, other.prefix);
            let by = format!("{} of prefix {} on {}", one.name, one.prefix, one.rule);
            ineffective(&other.path, &other.rule, &matched, &by, verdict);
        }
    }
}

fn walk<'t>(
    routes: &[Value<'t>],
    name: impl Fn(&Value<'_>) -> String,
    mut keep: impl FnMut(&Value<'t>, &str, usize, &FieldPath),
    verdict: &mut Verdict,
) {
    let names: Vec<String> =
        routes.iter().enumerate().map(|(number, route)| named(&name(route), number)).collect();
    let mut met: HashMap<String, usize> = HashMap::new();
    let mut has_all = false;
    for (number, (route, rule)) in routes.iter().zip(&names).enumerate() {
        let matches = route.items("match");
        if matches.is_empty() {
            if has_all {
                unreachable(&route.path, rule, "only the last rule can have no matches", verdict);
            }
            has_all = true;
            continue;
        }
        let mut repeated = 0;
        for (index, matched) in matches.iter().enumerate() {
            if has_all {
                unreachable(&matched.path, rule, "route without matches defined before", verdict);
                continue;
            }
            let key = matched.canonical("name");
            if let Some(other) = met.get(&key).and_then(|other| names.get(*other)) {
                let own = named(&name(matched), index);
                ineffective(&matched.path, rule, &own, other, verdict);
                repeated += 1;
                continue;
            }
            met.insert(key, number);
            keep(matched, rule, index, &matched.path);
        }
        if repeated == matches.len() {
            unreachable(&route.path, rule, "all matches used by prior rules", verdict);
        }
    }
}

/// A match by a prefix of the path, and what else it asks for.
struct Prefix<'t> {
    rule: String,
    name: String,
    path: FieldPath,
    prefix: &'t str,
    port: i128,
    method: String,
    authority: String,
    /// Headers, parameters, and headers that must not be.
    maps: [BTreeMap<&'t str, String>; 3],
}

/// Source: `assignExactOrPrefix`.
fn condition(matched: Option<&Value<'_>>) -> String {
    let text = |name: &str| matched.map(|matched| matched.text(name)).unwrap_or_default();
    match (text("exact"), text("prefix")) {
        ("", "") => String::new(),
        ("", prefix) => format!("prefix:{prefix}"),
        (exact, _) => format!("exact:{exact}"),
    }
}

impl<'t> Prefix<'t> {
    /// Source: `genMatchHTTPRoutes`.
    fn of(matched: &Value<'t>, rule: &str, name: String, path: &FieldPath) -> Option<Self> {
        let prefix = matched.get("uri")?.text("prefix");
        if prefix.is_empty() {
            return None;
        }
        let map = |name: &str| {
            matched.entries(name).into_iter().map(|(key, value)| (key, condition(Some(&value)))).collect()
        };
        let method = condition(matched.get("method").as_ref());
        Some(Self {
            rule: rule.to_owned(),
            name,
            path: path.clone(),
            prefix,
            port: matched.number("port"),
            method: if method.is_empty() { "exact:GET".to_owned() } else { method },
            authority: condition(matched.get("authority").as_ref()),
            maps: [map("headers"), map("queryParams"), map("withoutHeaders")],
        })
    }

    /// Whether an earlier match takes all that this one asks for. Source: `coveredValidation`.
    fn is_covered(&self, earlier: &Self) -> bool {
        let within = |earlier: &str, own: &str| earlier.starts_with(own);
        let is_map = |(earlier, own): (&BTreeMap<&str, String>, &BTreeMap<&str, String>)| {
            earlier.len() == own.len()
                && earlier.iter().all(|(key, value)| own.get(key).is_some_and(|own| within(value, own)))
        };
        self.prefix != earlier.prefix
            && self.prefix.starts_with(earlier.prefix)
            && self.port == earlier.port
            && within(&earlier.method, &self.method)
            && within(&earlier.authority, &self.authority)
            && earlier.maps.iter().zip(&self.maps).all(is_map)
    }
}
