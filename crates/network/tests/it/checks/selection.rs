//! Selectors of pods that select none.

use super::{finds, found, is_quiet};

const SUBJECT: &str = "policy-without-pods";
const PEER: &str = "peer-without-pods";
const HOST: &str = "host-network-pods-selected";

fn about(selector: &str) -> String {
    format!("---\nspec:\n  podSelector: {{{selector}}}\n  policyTypes: [Ingress]\n---\n")
}

fn from(peer: &str) -> String {
    format!("---\nspec:\n  podSelector: {{}}\n  ingress:\n  - from: [{{{peer}}}]\n---\n")
}

const PODS: &str = "pod: shop web app=web tier=front\npod: shop api app=api tier=back\n";

#[test]
fn a_policy_that_selects_nothing_is_found_with_the_label_that_is_wrong() {
    finds(
        SUBJECT,
        &format!("{PODS}{}", about("matchLabels: {app: cache}")),
        &["selects no pod: no pod of shop has the label app=cache"],
    );
    finds(
        SUBJECT,
        &format!("{PODS}{}", about("matchLabels: {tier: fronnt, app: web}")),
        &["spec.podSelector.matchLabels.tier", "\"front\" may be meant"],
    );
    finds(
        SUBJECT,
        &format!("{PODS}{}", about("matchLabels: {tier: front, app: api}")),
        &["no pod of shop has all of the labels tier=front, app=api"],
    );
}

#[test]
fn a_policy_in_the_wrong_namespace_is_found_by_the_pods_beside_it() {
    let elsewhere = "pod: blog cache app=cache\n";
    finds(
        SUBJECT,
        &format!("{elsewhere}{}", about("matchLabels: {app: cache}")),
        &["low metadata.namespace", "blog/cache", "the policy is in shop"],
    );
    is_quiet(SUBJECT, &format!("{elsewhere}{}", about("")));
    is_quiet(SUBJECT, &format!("{elsewhere}{}", about("matchLabels: {app: other}")));
}

#[test]
fn pods_that_others_make_are_not_missed() {
    is_quiet(SUBJECT, &about("matchLabels: {app: cache}"));
    is_quiet(SUBJECT, &format!("{PODS}{}", about("")));
    is_quiet(SUBJECT, &format!("{PODS}{}", about("matchLabels: {cnpg.io/cluster: orders}")));
    is_quiet(SUBJECT, &format!("{PODS}{}", about("matchLabels: {job-name: report}")));
    // For whoever wants it, and for whoever is to come.
    is_quiet(SUBJECT, &format!("{PODS}{}", about("matchLabels: {open: \"true\"}")));
    is_quiet(SUBJECT, &format!("{PODS}{}", about("matchExpressions: [{key: app, operator: DoesNotExist}]")));
    let prometheus = "---\napiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata:\n  name: k8s\n  namespace: shop\nspec:\n  \
                      podMetadata:\n    labels:\n      app: prometheus\n---\n";
    is_quiet(SUBJECT, &format!("{PODS}{prometheus}{}", about("matchLabels: {app: prometheus}")));
    finds(SUBJECT, &format!("{PODS}{prometheus}{}", about("matchLabels: {app: cache}")), &["app=cache"]);
    is_quiet(SUBJECT, &format!("{PODS}{prometheus}{}", about("matchLabels: {prometheus: k8s}")));
    let release = "---\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: redis\n  namespace: shop\n---\n";
    is_quiet(SUBJECT, &format!("{PODS}{release}{}", about("matchLabels: {app: redis}")));
}

#[test]
fn a_peer_that_is_nobody_is_found_where_the_input_shows_it() {
    finds(
        PEER,
        &format!("{PODS}{}", from("podSelector: {matchLabels: {app: cache}}")),
        &[
            "low spec.ingress[0].from[0].podSelector.matchLabels.app",
            "no pod of shop has the label app=cache",
        ],
    );
    let blog = "pod: blog cache app=cache\n";
    finds(
        PEER,
        &format!("{PODS}{blog}{}", from("podSelector: {matchLabels: {app: cache}}")),
        &["blog/cache has it", "not where a podSelector alone looks"],
    );
    let in_blog = "namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: blog}}, podSelector: {matchLabels: {app: web}}";
    finds(PEER, &format!("{PODS}{blog}{}", from(in_blog)), &["no pod of blog has the label app=web"]);
    is_quiet(PEER, &format!("{PODS}{}", from(in_blog)));
    is_quiet(
        PEER,
        &format!("{PODS}{}", from("namespaceSelector: {}, podSelector: {matchLabels: {app: cache}}")),
    );
    is_quiet(PEER, &from("podSelector: {matchLabels: {app: cache}}"));
}

#[test]
fn a_dump_of_a_cluster_shows_that_nobody_is_there() {
    let dump = format!("namespace: kube-system\npod: kube-system dns k8s-app=kube-dns\n{PODS}");
    let everywhere = from("namespaceSelector: {}, podSelector: {matchLabels: {app: cache}}");
    finds(PEER, &format!("{dump}{everywhere}"), &["app=cache"]);
    // Namespaces are in it and pods of the cluster itself are not.
    is_quiet(PEER, &format!("namespace: kube-system\n{PODS}{everywhere}"));
}

#[test]
fn pods_on_the_network_of_their_node_are_no_pods_to_policies() {
    let agent = "pod: shop agent app=agent host\n";
    let text = format!("{PODS}{agent}{}", about("matchLabels: {app: agent}"));
    finds(HOST, &text, &["medium spec.podSelector", "shop/agent"]);
    assert_eq!(found(SUBJECT, &text), Vec::<String>::new());
    let text = format!("{PODS}{agent}{}", from("podSelector: {matchLabels: {app: agent}}"));
    finds(HOST, &text, &["low spec.ingress[0].from[0]", "shop/agent"]);
    assert_eq!(found(PEER, &text), Vec::<String>::new());
    // One that is not suffices.
    is_quiet(HOST, &format!("{agent}pod: shop other app=agent\n{}", about("matchLabels: {app: agent}")));
}
