//! Who is in the mesh, and why.

use ringwall_mesh::enrolment::{Mode, Reason};
use ringwall_mesh::mesh::Mesh;

use crate::meshes::{app, mesh, namespace};

/// How the first workload is enrolled, what decides, and where.
fn decided(mesh: &Mesh) -> (Mode, Reason, String) {
    let decision = mesh.servers[0].enrolment.decision();
    let place = decision.place.as_ref().map(|place| place.path.to_string()).unwrap_or_default();
    (decision.mode, decision.reason, place)
}

#[test]
fn labels_of_namespace_and_pod_decide_together() {
    const INJECTION: &str = "metadata.labels.istio-injection";
    const REVISION: &str = "metadata.labels[istio.io/rev]";
    const OF_POD: &str = "spec.template.metadata.labels[sidecar.istio.io/inject]";
    let cases = [
        ("", "", Mode::None, Reason::NothingAsks, ""),
        ("istio-injection: enabled", "", Mode::Sidecar, Reason::NamespaceLabel, INJECTION),
        (
            "istio-injection: enabled",
            "sidecar.istio.io/inject: 'false'",
            Mode::None,
            Reason::PodLabel,
            OF_POD,
        ),
        (
            "istio-injection: disabled",
            "sidecar.istio.io/inject: 'true'",
            Mode::None,
            Reason::NamespaceLabel,
            INJECTION,
        ),
        ("", "sidecar.istio.io/inject: 'true'", Mode::Sidecar, Reason::PodLabel, OF_POD),
        ("istio.io/rev: canary", "", Mode::Sidecar, Reason::NamespaceLabel, REVISION),
        (
            "istio.io/rev: canary, istio-injection: disabled",
            "",
            Mode::None,
            Reason::NamespaceLabel,
            INJECTION,
        ),
        (
            "",
            "istio.io/rev: canary",
            Mode::Sidecar,
            Reason::PodLabel,
            "spec.template.metadata.labels[istio.io/rev]",
        ),
        (
            "istio.io/dataplane-mode: ambient",
            "",
            Mode::Ambient,
            Reason::NamespaceLabel,
            "metadata.labels[istio.io/dataplane-mode]",
        ),
        (
            "istio.io/dataplane-mode: ambient",
            "istio.io/dataplane-mode: none",
            Mode::None,
            Reason::PodLabel,
            "spec.template.metadata.labels[istio.io/dataplane-mode]",
        ),
        (
            "istio.io/dataplane-mode: ambient, istio-injection: enabled",
            "",
            Mode::Sidecar,
            Reason::NamespaceLabel,
            INJECTION,
        ),
    ];
    for (of_namespace, of_pod, mode, reason, place) in cases {
        let text = [namespace("shop", of_namespace), app("shop", "web", "")].concat();
        let text = text.replace("{labels: {app: web}}", &format!("{{labels: {{app: web, {of_pod}}}}}"));
        assert_eq!(decided(&mesh(&text)), (mode, reason, place.to_owned()), "{of_namespace} / {of_pod}");
    }
}

#[test]
fn annotations_take_out_and_never_bring_in() {
    let with = |of_namespace: &str, value: &str| {
        let more = format!(", annotations: {{sidecar.istio.io/inject: '{value}'}}");
        decided(&mesh(&[namespace("shop", of_namespace), app("shop", "web", &more)].concat()))
    };
    assert_eq!(with("", "true").0, Mode::None, "webhooks select by labels");
    assert_eq!(with("istio-injection: enabled", "false").1, Reason::PodAnnotation);
    assert_eq!(with("istio-injection: enabled", "no").0, Mode::Sidecar, "what says nothing is passed over");
}

#[test]
fn what_is_on_the_nodes_network_or_the_clusters_own_is_left_alone() {
    let text = [namespace("shop", "istio-injection: enabled"), app("shop", "web", "")].concat();
    let host = text.replace("spec: {containers", "spec: {hostNetwork: true, containers");
    assert_eq!(
        decided(&mesh(&host)),
        (Mode::None, Reason::HostNetwork, "spec.template.spec.hostNetwork".to_owned())
    );
    let own = [namespace("kube-system", "istio-injection: enabled"), app("kube-system", "web", "")].concat();
    assert_eq!(decided(&mesh(&own)).1, Reason::IgnoredNamespace);
}

#[test]
fn a_pod_that_is_older_than_the_label_is_stale() {
    let text = [
        namespace("shop", "istio-injection: enabled").as_str(),
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\nspec: {containers: [{name: app, image: app}]}\n\
         status: {phase: Running}\n",
    ]
    .concat();
    let mesh = mesh(&text);
    let enrolment = &mesh.servers[0].enrolment;
    assert_eq!((enrolment.mode(), enrolment.expected.mode), (Mode::None, Mode::Sidecar));
    assert!(enrolment.is_stale());
}
