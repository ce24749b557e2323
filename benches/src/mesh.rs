//! The mesh: the objects on which the reference's analyzers are measured, or those of files; reading, the matrix, the checks, requests.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use ringwall_input::{Limits, Options as Reading, load, read_text};
use ringwall_mesh::authorization::compile::{Compiled, Layer};
use ringwall_mesh::authorization::judge::{Authorizer, Verdict};
use ringwall_mesh::authorization::policy::AuthorizationPolicy;
use ringwall_mesh::authorization::request::{Http, Request};
use ringwall_mesh::authorization::select::{Workload, select};
use ringwall_mesh::checks;
use ringwall_mesh::config::MeshConfig;
use ringwall_mesh::matrix::Matrix;
use ringwall_mesh::mesh::{Mesh, Settings};
use ringwall_mesh::request_authentication::TokenRules;
use ringwall_mesh::workloads::Origin;
use ringwall_model::object::Object;
use ringwall_model::snapshot::{Facts, Snapshot};

use crate::measure::{Plan, measure, print};

/// So many services and policies as the reference is measured on.
const COUNT: usize = 1000;

pub(crate) fn run(paths: &[PathBuf], plan: Plan) -> Result<(), String> {
    let objects = if paths.is_empty() {
        let text = large(COUNT, COUNT);
        let read = |_: usize| read_text("mesh.yaml", text.clone(), &Limits::default()).problems.is_empty();
        print(&measure("text to objects (texts)", 1, text.len(), plan, read))?;
        read_text("mesh.yaml", text, &Limits::default()).objects
    } else {
        let reading = Reading { render: false, ..Reading::default() };
        load(paths, &mut std::io::empty(), &reading, &()).objects
    };
    measured(objects, plan)
}

fn measured(objects: Vec<Object>, plan: Plan) -> Result<(), String> {
    let snapshot = Snapshot::new(objects, Facts::default());
    let config = MeshConfig::default();
    let settings = Settings::default();
    let of = || Mesh::of(&snapshot, config.clone(), &settings);
    print(&measure("objects to a mesh (meshes)", 1, 0, plan, |_| of().services.is_empty()))?;
    let mesh = of();
    print(&measure("matrix of all pairs (matrices)", 1, 0, plan, |_| Matrix::of(&mesh).is_empty()))?;
    print(&measure("objects to a matrix (matrices)", 1, 0, plan, |_| Matrix::of(&of()).is_empty()))?;
    print(&measure("all checks (snapshots)", 1, 0, plan, |_| {
        checks::find(&snapshot, &config, &settings).is_empty()
    }))?;
    requests(&snapshot, &mesh, plan)
}

/// A request to each workload, by what its sidecar makes of the policies.
fn requests(snapshot: &Snapshot, mesh: &Mesh, plan: Plan) -> Result<(), String> {
    let mut misread = Vec::new();
    let policies: Vec<AuthorizationPolicy> = snapshot
        .objects()
        .filter(|(_, object)| AuthorizationPolicy::is(object))
        .map(|(index, object)| AuthorizationPolicy::read(object, index, &mut misread))
        .collect();
    let root = &mesh.config.root_namespace;
    let pods: Vec<_> = mesh.workloads.all.iter().filter(|one| one.origin != Origin::Entry).collect();
    if pods.is_empty() {
        return Err("no pods here".to_owned());
    }
    let compile = |at: usize, layer| {
        let labels = &pods[at].labels;
        let of = Workload { namespace: &pods[at].namespace, labels, is_waypoint: false, service: None };
        let chosen = select(&policies, &of, root);
        let all =
            chosen.iter().map(|one| Arc::new(Compiled::new(&policies[*one], *one, layer, &mesh.config)));
        Authorizer::new(all, TokenRules::for_workload(&[], &of, root), layer, &mesh.config)
    };
    let name = "policies of a workload, selected and compiled (workloads)";
    print(&measure(name, pods.len(), 0, plan, |at| {
        compile(at, Layer::Http).judge(&Request::default()).verdict == Verdict::Allow
    }))?;
    for (name, layer) in [("request (requests)", Layer::Http), ("connection (connections)", Layer::Tcp)] {
        let all: Vec<Authorizer> = (0..pods.len()).map(|at| compile(at, layer)).collect();
        let peers: Vec<String> = pods
            .iter()
            .map(|pod| format!("spiffe://cluster.local/ns/{}/sa/{}", pod.namespace, pod.service_account))
            .collect();
        print(&measure(name, pods.len(), 0, plan, |at| {
            let http = Http { method: "GET", path: "/api/items", host: "svc", ..Http::default() };
            let request = Request {
                peer: Some(&peers[at]),
                port: 8080,
                http: (layer == Layer::Http).then_some(http),
                ..Request::default()
            };
            all[at].judge(&request).verdict == Verdict::Allow
        }))?;
    }
    Ok(())
}

/// Services with a pod each, fifty in a namespace, and policies of three kinds in turn: what the oracle's `-mode bench` makes too.
fn large(services: usize, policies: usize) -> String {
    let mut text = String::new();
    for namespace in 0..services.div_ceil(50) {
        let _ = writeln!(
            text,
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: ns{namespace}, labels: {{istio-injection: enabled}}}}\n---"
        );
    }
    for at in 0..services {
        let namespace = at / 50;
        let _ = writeln!(
            text,
            "apiVersion: v1\nkind: Service\nmetadata: {{name: svc{at}, namespace: ns{namespace}}}\nspec:\n  selector: {{app: svc{at}}}\n  \
             ports: [{{name: http, port: 80, targetPort: 8080}}]\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: svc{at}-0\n  namespace: \
             ns{namespace}\n  labels: {{app: svc{at}, security.istio.io/tlsMode: istio}}\nspec:\n  serviceAccountName: svc{at}\n  containers:\n  - \
             {{name: app, image: 'app:1', ports: [{{containerPort: 8080}}]}}\n  - {{name: istio-proxy, image: 'istio/proxyv2:1.31'}}\n---"
        );
    }
    for at in 0..policies {
        let (of, namespace) = (at % services, at % services / 50);
        let _ = match at % 3 {
            0 => writeln!(
                text,
                "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: ap{at}, namespace: ns{namespace}}}\nspec:\n  \
                 selector: {{matchLabels: {{app: svc{of}}}}}\n  action: ALLOW\n  rules:\n  - from: [{{source: {{principals: \
                 [cluster.local/ns/ns{namespace}/sa/svc{of}], namespaces: [ns{namespace}]}}}}]\n    to: [{{operation: {{methods: [GET], paths: \
                 ['/api/*']}}}}]\n---"
            ),
            1 => writeln!(
                text,
                "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {{name: pa{at}, namespace: ns{namespace}}}\nspec:\n  \
                 selector: {{matchLabels: {{app: svc{of}}}}}\n  mtls: {{mode: STRICT}}\n---"
            ),
            _ => writeln!(
                text,
                "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {{name: dr{at}, namespace: ns{namespace}}}\nspec:\n  host: \
                 svc{of}.ns{namespace}.svc.cluster.local\n  trafficPolicy: {{tls: {{mode: ISTIO_MUTUAL}}}}\n---"
            ),
        };
    }
    text
}
