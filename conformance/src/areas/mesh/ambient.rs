//! Op `ambient`: what istiod sends to ztunnel, which workload is bound to what, and ztunnel's verdicts on connections.
//!
//! Of two `PeerAuthentication`s of one age, istiod takes the one that its list has first, and that order is not fixed: each workload of a
//! case may have another. So each part of the wanted answer must be that of some order.

use std::collections::BTreeMap;

use ringwall_mesh::authorization::judge::{Because, Verdict};
use ringwall_mesh::authorization::policy::AuthorizationPolicy;
use ringwall_mesh::peer::PeerAuthentication;
use ringwall_mesh::place::{Pairs, sorted};
use ringwall_mesh::ztunnel::{Ambient, AmbientWorkload, Connection};
use ringwall_model::address::Address;
use ringwall_model::object::Object;
use ringwall_model::tree::Node;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::authz::Asked;
use super::{Answered, Line, objects};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case<'f> {
    id: String,
    #[serde(borrow)]
    mesh_config: Option<&'f RawValue>,
    #[serde(borrow)]
    resources: Vec<&'f RawValue>,
    #[serde(borrow, default)]
    requests: Vec<Asked<'f>>,
}

/// A pod: its namespace and labels.
type Pod = (String, Pairs);

/// More objects than this are asked in their own order only.
const ORDERED: usize = 6;

pub(super) fn answer(line: &Line<'_>) -> Result<Answered, String> {
    let case: Case<'_> = serde_json::from_str(line.case.get()).map_err(|error| error.to_string())?;
    let want: Value = serde_json::from_str(line.want.get()).map_err(|error| error.to_string())?;
    let mesh = objects::mesh(case.mesh_config)?;
    let (mut policies, mut peers, mut refusals) = (Vec::new(), Vec::new(), Vec::new());
    let mut pods: BTreeMap<String, Pod> = BTreeMap::new();
    for (index, object) in objects::objects(&case.id, &case.resources)?.iter().enumerate() {
        if AuthorizationPolicy::is(object) {
            policies.push(AuthorizationPolicy::read(object, index, &mut refusals));
        } else if object.is("", "Pod") {
            let namespace = object.id.namespace.clone().unwrap_or_default();
            pods.insert(format!("{namespace}/{}", object.id.name), (namespace, labels(object)));
        }
        peers.extend(PeerAuthentication::read(object, index, &mut refusals));
    }
    if let Some(refusal) = refusals.first() {
        return Ok(super::refused(&want, &refusal.message));
    }
    let mut answers = Vec::new();
    for order in orders(peers.len()) {
        let peers = order.iter().map(|at| peers[*at].clone()).collect();
        let ambient = Ambient::new(&policies, peers, &mesh);
        answers.push(all(&ambient, &policies, &pods, &case.requests)?);
    }
    let got = answers.first().cloned().ok_or("no order")?;
    let difference = (!is_some_order(&want, &answers)).then(|| super::super::difference(&want, &got));
    Ok(Answered { verdict: got, difference, skipped: false })
}

fn labels(object: &Object) -> Pairs {
    let labels = object.root().at(&["metadata", "labels"]);
    let entries = labels.into_iter().flat_map(Node::entries);
    sorted(entries.filter_map(|entry| Some((entry.key.into(), entry.value.as_str()?.into()))).collect())
}

/// All orders of so many things, their own first.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let own: Vec<usize> = (0..count).collect();
    if count > ORDERED {
        return vec![own];
    }
    let mut orders = vec![Vec::new()];
    for _ in 0..count {
        let longer = |order: &Vec<usize>| {
            let order = order.clone();
            let free = own.iter().filter(|at| !order.contains(at)).copied().collect::<Vec<_>>();
            free.into_iter().map(move |at| [order.as_slice(), &[at]].concat())
        };
        orders = orders.iter().flat_map(longer).collect();
    }
    orders
}

/// The answer for one order.
fn all(
    ambient: &Ambient,
    policies: &[AuthorizationPolicy],
    pods: &BTreeMap<String, Pod>,
    requests: &[Asked<'_>],
) -> Result<Value, String> {
    let sent: Result<Vec<Value>, _> =
        ambient.authorizations().iter().map(|one| serde_json::from_str(&one.to_json())).collect();
    // What is not sent has a status too, which the oracle does not say.
    let mut statuses = Map::new();
    for one in ambient.authorizations() {
        if let Some(status) = one.policy.and_then(|policy| ambient.status(policy)) {
            statuses.insert(one.key(), json!(status));
        }
    }
    let bound: BTreeMap<&str, _> = pods
        .iter()
        .map(|(name, (namespace, labels))| {
            (name.as_str(), ambient.bind(&AmbientWorkload { namespace, labels }))
        })
        .collect();
    let workloads: Map<String, Value> = bound
        .iter()
        .map(|(name, bound)| {
            let mut names = bound.names.clone();
            names.sort();
            ((*name).to_owned(), json!(names))
        })
        .collect();
    let mut results = Vec::new();
    for asked in requests {
        let bound = bound.get(asked.workload.as_str()).ok_or_else(|| format!("no pod {}", asked.workload))?;
        let decision = bound.judge(&Connection {
            peer: (!asked.principal.is_empty()).then_some(asked.principal.as_str()),
            source: Address::parse(&asked.source_ip),
            destination: Address::parse(&asked.dest_ip),
            port: asked.port,
        });
        if decision.policy.is_some_and(|policy| policy >= policies.len()) {
            return Err("a policy that is not there".to_owned());
        }
        results.push(match (decision.verdict, decision.because) {
            (Verdict::Allow, Because::MissingPolicy) => "allow:missing-policy",
            (Verdict::Allow, _) => "allow",
            _ => "deny",
        });
    }
    Ok(json!({
        "policies": sent.map_err(|error| error.to_string())?,
        "statuses": statuses,
        "workloads": workloads,
        "results": results,
        "asked": requests.iter().map(|asked| &asked.workload).collect::<Vec<_>>(),
    }))
}

/// The verdict without what is added to it.
fn verdict(result: &Value) -> &str {
    let text = result.as_str().unwrap_or_default();
    text.split_once(':').map_or(text, |(verdict, _)| verdict)
}

/// Whether each part of what is wanted is that of some order; of a result, of one that binds its workload as is wanted.
fn is_some_order(want: &Value, answers: &[Value]) -> bool {
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let map = |value: &Value, key: &str| value[key].as_object().cloned().unwrap_or_default();
    let mut wanted = list(want, "policies");
    wanted.sort_by_key(Value::to_string);
    let policies = answers.iter().any(|answer| {
        let mut sent = list(answer, "policies");
        sent.sort_by_key(Value::to_string);
        sent == wanted
    });
    let statuses = answers.iter().all(|answer| map(answer, "statuses") == map(want, "statuses"));
    let names =
        answers.iter().all(|answer| map(answer, "workloads").keys().eq(map(want, "workloads").keys()));
    let workloads = map(want, "workloads")
        .iter()
        .all(|(name, bound)| answers.iter().any(|answer| answer["workloads"][name] == *bound));
    let results = list(want, "results");
    let same_number = answers.iter().all(|answer| list(answer, "results").len() == results.len());
    let same_results = results.iter().enumerate().all(|(at, result)| {
        answers.iter().any(|answer| {
            let name = answer["asked"][at].as_str().unwrap_or_default();
            answer["workloads"][name] == want["workloads"][name]
                && verdict(&answer["results"][at]) == verdict(result)
        })
    });
    policies && statuses && names && workloads && same_number && same_results
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_is_tried_once() {
        assert_eq!(orders(0), [Vec::<usize>::new()]);
        let three = orders(3);
        assert_eq!((three.len(), &three[0]), (6, &vec![0, 1, 2]));
        assert_eq!(orders(9).len(), 1);
    }
}
