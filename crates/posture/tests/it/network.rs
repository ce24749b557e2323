//! What is said of a network as a whole agrees with what is said of each pair.

use std::fmt::Write as _;

use proptest::prelude::*;
use ringwall_input::{Options, load};
use ringwall_model::address::Family;
use ringwall_model::finding::Verdict;
use ringwall_model::snapshot::{Facts, Snapshot};
use ringwall_network::engine::Ports;
use ringwall_network::port::{Port, Protocol};
use ringwall_network::port_set::PortSet;
use ringwall_posture::network::generate::{self, Generated};
use ringwall_posture::network::reach::{Question, Reach};
use ringwall_posture::network::resolve::{Place, WantedPort};
use ringwall_posture::network::{Network, diff, exposure, list, needs};

fn snapshot(yaml: &str) -> Snapshot {
    let input = load(&["-".into()], &mut yaml.as_bytes(), &Options::default(), &());
    assert_eq!(input.problems, [], "{yaml}");
    Snapshot::new(input.objects, Facts::default())
}

/// A workload in `namespace`, with these labels, that listens on TCP 8080 as `http`.
fn workload(namespace: &str, name: &str, labels: &str) -> String {
    format!(
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec:\n  template:\n    \
         metadata: {{labels: {{{labels}}}}}\n    spec:\n      containers:\n      - name: c\n        image: i\n        ports: \
         [{{name: http, containerPort: 8080}}]\n"
    )
}

fn policy(namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n"
    )
}

/// The specifications of policies that random clusters have.
const SPECS: [&str; 12] = [
    "{podSelector: {}, policyTypes: [Ingress, Egress]}",
    "{podSelector: {matchLabels: {app: a}}, policyTypes: [Ingress]}",
    "{podSelector: {}, policyTypes: [Ingress], ingress: [{}]}",
    "{podSelector: {matchLabels: {app: b}}, ingress: [{from: [{podSelector: {matchLabels: {app: a}}}], ports: [{port: 8080}]}]}",
    "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}], ports: [{port: http}]}]}",
    "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 203.0.113.0/24, except: [203.0.113.7/32]}}]}]}",
    "{podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}]}]}",
    "{podSelector: {matchLabels: {tier: x}}, policyTypes: [Egress], egress: [{to: [{podSelector: {}}]}]}",
    "{podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: one}}}]}]}",
    "{podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: 53, protocol: UDP}]}]}",
    "{podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [a]}]}, policyTypes: [Ingress, Egress], egress: [{}]}",
    "{podSelector: {}, policyTypes: [Ingress], ingress: [{ports: [{port: 8000, endPort: 8100}]}]}",
];

const LABELS: [&str; 5] = ["app: a", "app: b", "app: a, tier: x", "tier: x", ""];

/// Workloads as namespace and labels, policies as namespace and specification.
#[derive(Clone, Debug)]
struct World {
    workloads: Vec<(usize, usize)>,
    policies: Vec<(usize, usize)>,
}

impl World {
    fn text(&self) -> String {
        let name = |namespace: usize| ["one", "two", "three"][namespace];
        let mut text = String::new();
        for (at, (namespace, labels)) in self.workloads.iter().enumerate() {
            text += &workload(name(*namespace), &format!("w{at}"), LABELS[*labels]);
        }
        for (at, (namespace, spec)) in self.policies.iter().enumerate() {
            text += &policy(name(*namespace), &format!("p{at}"), SPECS[*spec]);
        }
        text
    }
}

fn world() -> impl Strategy<Value = World> {
    let workloads = proptest::collection::vec((0..3_usize, 0..LABELS.len()), 1..7);
    let policies = proptest::collection::vec((0..3_usize, 0..SPECS.len()), 0..6);
    (workloads, policies).prop_map(|(workloads, policies)| World { workloads, policies })
}

fn tcp(number: u16) -> Port {
    Port { protocol: Protocol::Tcp, number }
}

/// The connection of two ends by the engine.
fn engine(network: &Network<'_>, from: usize, to: usize) -> Option<Ports> {
    let class = |index: usize| network.parties.all[index].class(Family::V4);
    Some(network.engine.connection(class(from)?, class(to)?))
}

fn asked(network: &Network<'_>, from: usize, to: usize, port: Port) -> Reach {
    let question = Question {
        from: Place::Workload(from),
        to: Place::Workload(to),
        port: Some(WantedPort::Number(port)),
        cni: None,
    };
    network.can_reach(&question).expect("ends and a port")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn a_list_says_of_each_pair_what_the_engine_says(world in world()) {
        let snapshot = snapshot(&world.text());
        let network = Network::of(&snapshot, &[]);
        let rows = list::list(&network);
        let count = network.parties.all.len();
        for from in 0..count {
            for to in 0..count {
                let is_pods = network.parties.all[from].is_pods() || network.parties.all[to].is_pods();
                let said: Vec<&Ports> = rows
                    .iter()
                    .filter(|row| row.from.contains(&(from as u32)) && row.to.contains(&(to as u32)))
                    .map(|row| &row.ports)
                    .collect();
                let wanted = engine(&network, from, to).filter(|ports| is_pods && !ports.is_empty());
                prop_assert_eq!(said, wanted.iter().collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn a_difference_is_what_two_lists_say_of_each_pair(one in world(), policies in world()) {
        let other = World { policies: policies.policies, ..one.clone() };
        let (old, new) = (snapshot(&one.text()), snapshot(&other.text()));
        let (base, head) = (Network::of(&old, &[]), Network::of(&new, &[]));
        let found = diff::diff(&base, &head);
        prop_assert!(found.added.is_empty() && found.removed.is_empty());
        for from in base.parties.pods() {
            for to in base.parties.pods() {
                let name = |index: usize| &base.parties.all[index].name;
                let at = |parties: &ringwall_posture::network::parties::Parties, name: &str| {
                    parties.all.iter().position(|party| party.name == name).unwrap()
                };
                let before = engine(&base, from, to).unwrap();
                let after = engine(&head, at(&head.parties, name(from)), at(&head.parties, name(to))).unwrap();
                let (joint_from, joint_to) = (at(&found.parties, name(from)) as u32, at(&found.parties, name(to)) as u32);
                let said: Vec<(&Ports, &Ports)> = found
                    .rows
                    .iter()
                    .filter(|row| row.from.contains(&joint_from) && row.to.contains(&joint_to))
                    .map(|row| (&row.before, &row.after))
                    .collect();
                let wanted = (before != after).then_some((&before, &after));
                prop_assert_eq!(said, wanted.into_iter().collect::<Vec<_>>());
            }
        }
        prop_assert!(diff::diff(&base, &base).rows.is_empty());
    }

    #[test]
    fn a_proposal_does_what_it_promises(world in world()) {
        let text = world.text();
        let before = snapshot(&text);
        let network = Network::of(&before, &[]);
        for from in 0..network.cluster.workloads.len() {
            for to in (0..network.cluster.workloads.len()).filter(|to| *to != from) {
                let reach = asked(&network, from, to, tcp(8080));
                prop_assert_eq!(reach.verdict == Verdict::No, !reach.proposals.is_empty());
                if reach.proposals.is_empty() {
                    continue;
                }
                let mut more = text.clone();
                for proposal in &reach.proposals {
                    write!(more, "---\n{}", proposal.text).unwrap();
                }
                let after = snapshot(&more);
                let mended = Network::of(&after, &[]);
                let known = reach.legs[0].halves.iter().all(|half| half.verdict != Verdict::CannotTell);
                let wanted = if known { Verdict::Yes } else { Verdict::CannotTell };
                prop_assert_eq!(asked(&mended, from, to, tcp(8080)).verdict, wanted, "{}", more);
                // What is opened is for this port, and for nobody that labels tell apart from the two.
                for row in diff::diff(&network, &mended).rows {
                    prop_assert!(row.before.yes.minus(&row.after.yes).is_empty());
                    prop_assert_eq!(row.after.may.minus(&row.before.may).or(&row.after.yes.minus(&row.before.yes)), PortSet::one(tcp(8080)));
                }
            }
        }
    }

    #[test]
    fn what_is_asked_of_one_pair_is_what_the_engine_says(world in world()) {
        let snapshot = snapshot(&world.text());
        let network = Network::of(&snapshot, &[]);
        for from in network.parties.pods() {
            for to in network.parties.pods() {
                let workload = |index: usize| network.cluster.pods[network.parties.all[index].pod.unwrap()].workload;
                for number in [80, 8080] {
                    let reach = asked(&network, workload(from), workload(to), tcp(number));
                    prop_assert_eq!(reach.verdict, engine(&network, from, to).unwrap().verdict(tcp(number)));
                    let [egress, ingress] = &reach.legs[0].halves;
                    prop_assert!(!egress.because.is_empty() && !ingress.because.is_empty());
                }
            }
        }
    }
}

const SHOP: &str = "
---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec: {selector: {app: api}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: data}
spec: {clusterIP: None, selector: {app: db}, ports: [{port: 5432}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data:
  db.properties: |
    url=postgres://user:word@db.data.svc.cluster.local/orders
    colour=web
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: data}
spec:
  serviceName: db
  replicas: 3
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: c, image: i, ports: [{containerPort: 5432}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: c
        image: registry.example.com/api:80
        ports: [{containerPort: 8080}]
        env:
        - {name: API_HOST, value: api}
        - {name: MODE, value: db}
        - {name: TRACKER, value: https://tracker.example.com/v1}
        envFrom: [{configMapRef: {name: settings}}]
";

fn generated(text: &str) -> (Snapshot, Generated) {
    let snapshot = snapshot(text);
    let network = Network::of(&snapshot, &[]);
    let generated = generate::generate(&network, needs::declared(&network));
    drop(network);
    (snapshot, generated)
}

#[test]
fn what_manifests_declare_is_kept_and_nothing_else_is() {
    let text = workload("shop", "api", "app: api") + &workload("shop", "idle", "app: idle") + SHOP;
    let (snapshot, generated) = generated(&text);
    let network = Network::of(&snapshot, &[]);
    let mut kept: Vec<String> = generated.kept.iter().map(|need| generate::told(&network, need)).collect();
    for line in &mut kept {
        line.truncate(line.find(':').unwrap());
    }
    kept.sort();
    assert_eq!(
        kept,
        [
            "data/db to data/db on TCP 5432",
            "every pod to shop/web on TCP 8080",
            "shop/web to data/db on TCP 5432",
            "shop/web to shop/api on TCP 8080",
            "shop/web to tracker.example.com on TCP 443",
        ]
    );
    assert!(generated.open.is_empty() && generated.wider.is_empty(), "{generated:?}");
    // The policies as they are read again.
    let mut whole = text.clone();
    for policy in &generated.policies {
        write!(whole, "---\n{}", policy.text).unwrap();
    }
    let again = self::snapshot(&whole);
    let network = Network::of(&again, &[]);
    let open = |from: &str, to: &str, number: u16| {
        let find = |text: &str| network.resolve(text, None).unwrap();
        let question = Question {
            from: find(from),
            to: find(to),
            port: Some(WantedPort::Number(tcp(number))),
            cni: None,
        };
        network.can_reach(&question).unwrap().verdict == Verdict::Yes
    };
    assert!(open("shop/web", "shop/svc/api", 80) && open("shop/web", "data/db", 5432));
    assert!(
        !open("shop/idle", "shop/web", 8080),
        "an Ingress is reached by a controller, and idle's egress is closed"
    );
    assert!(!open("shop/idle", "shop/api", 8080) && !open("shop/api", "shop/web", 8080));
    assert!(!open("shop/web", "169.254.169.254", 443) && open("shop/web", "198.51.100.7", 443));
}

#[test]
fn exposure_tells_ways_in_from_what_policies_would_admit() {
    let balanced = "
---
apiVersion: v1
kind: Service
metadata: {name: open, namespace: shop}
spec: {type: LoadBalancer, externalTrafficPolicy: Local, selector: {app: open}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: shut, namespace: shop}
spec: {type: LoadBalancer, externalTrafficPolicy: Local, selector: {app: shut}, ports: [{port: 80, targetPort: 8080}]}
";
    let shut = "{podSelector: {matchLabels: {app: shut}}, ingress: [{from: [{podSelector: {matchLabels: {app: ghost}}}]}]}";
    let text = workload("shop", "open", "app: open")
        + &workload("shop", "shut", "app: shut")
        + &workload("shop", "bare", "app: bare")
        + balanced
        + &policy("shop", "shut", shut);
    let snapshot = snapshot(&text);
    let network = Network::of(&snapshot, &[]);
    let all = exposure::exposure(&network);
    let of =
        |name: &str| all.iter().find(|one| network.parties.all[one.party as usize].name == name).unwrap();
    assert_eq!(of("shop/open").internet().yes, PortSet::one(tcp(8080)));
    assert!(of("shop/shut").internet().is_empty() && !of("shop/shut").entries.is_empty());
    assert!(of("shop/bare").internet().is_empty(), "there is no way to it");
    assert!(of("shop/bare").from_outside.yes.is_all(), "and yet nothing would keep anybody off");
    assert!(of("shop/bare").from_cluster.yes.is_all() && of("shop/shut").from_cluster.is_empty());
    assert!(of("shop/shut").from_namespace.is_empty());
    let potential: Vec<_> = exposure::potential(&network).collect();
    assert_eq!(potential.len(), 1);
    assert_eq!(potential[0].peer, "pods app=ghost of namespace shop");
}

#[test]
fn a_denial_names_the_rule_that_comes_nearest() {
    let rules = "{podSelector: {matchLabels: {app: b}}, ingress: [{from: [{podSelector: {matchLabels: {app: other}}}], ports: [{port: 1}]}, \
                 {from: [{podSelector: {matchLabels: {app: a}}}], ports: [{port: 8081}]}]}";
    let text = workload("one", "a", "app: a") + &workload("one", "b", "app: b") + &policy("one", "p", rules);
    let snapshot = snapshot(&text);
    let network = Network::of(&snapshot, &[]);
    let reach = asked(&network, 0, 1, tcp(8080));
    let miss = reach.legs[0].halves[1].miss.as_ref().unwrap();
    assert_eq!(miss.message, "it is for TCP 8081, not TCP 8080");
    assert_eq!(miss.path.to_string(), "spec.ingress[1].ports");
}

/// Manifests of two places may hold two workloads with one name: each is compared with itself.
#[test]
fn what_has_one_name_twice_does_not_differ_from_itself() {
    let rule = "{podSelector: {matchLabels: {app: a}}, policyTypes: [Ingress]}";
    let text = workload("one", "w", "app: a") + &workload("one", "w", "app: b") + &policy("one", "p", rule);
    let snapshot = snapshot(&text);
    let network = Network::of(&snapshot, &[]);
    assert_eq!(network.parties.pods().len(), 2);
    assert_eq!(diff::diff(&network, &network).rows, []);
}
