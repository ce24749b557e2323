//! Selectors of namespaces.

use super::{finds, is_quiet};

const NAME: &str = "namespace-name-by-custom-label";
const UNMET: &str = "unmet-namespace-selector";

fn from(selector: &str) -> String {
    format!(
        "---\nspec:\n  podSelector: {{}}\n  ingress:\n  - from:\n    - namespaceSelector: {{{selector}}}\n"
    )
}

#[test]
fn a_label_that_stands_for_the_name_is_found_where_no_namespace_has_it() {
    finds(
        NAME,
        &from("matchLabels: {name: kube-system}"),
        &["spec.ingress[0].from[0].namespaceSelector.matchLabels.name", "kubernetes.io/metadata.name"],
    );
    finds(
        NAME,
        &from("matchExpressions: [{key: ns, operator: In, values: [default, data]}]"),
        &["namespaceSelector.matchExpressions[0]", "ns in (data, default)"],
    );
    finds(
        NAME,
        &from("matchExpressions: [{key: name, operator: NotIn, values: [kube-system]}]"),
        &["it is not left out"],
    );
    finds(NAME, &format!("namespace: data team=data\n{}", from("matchLabels: {name: data}")), &["name=data"]);
}

#[test]
fn a_label_that_a_namespace_has_is_fine_and_one_that_may_be_elsewhere_too() {
    is_quiet(
        NAME,
        &format!("namespace: kube-system name=kube-system\n{}", from("matchLabels: {name: kube-system}")),
    );
    is_quiet(NAME, &from("matchLabels: {name: monitoring}"));
    is_quiet(NAME, &from("matchLabels: {kubernetes.io/metadata.name: kube-system}"));
    is_quiet(NAME, &format!("namespace: data\n{}", from("matchLabels: {team: data}")));
}

#[test]
fn a_slip_in_a_value_is_found_with_what_may_be_meant() {
    let team = "namespace: billing team=payments\nnamespace: shop team=shop\n";
    finds(
        UNMET,
        &format!("{team}{}", from("matchLabels: {team: payment}")),
        &["medium", "\"payments\" may be meant"],
    );
    finds(
        UNMET,
        &format!("{team}{}", from("matchLabels: {team: logistics}")),
        &["low", "have payments, shop"],
    );
    finds(
        UNMET,
        &from("matchLabels: {kubernetes.io/metadata.name: kube-sytem}"),
        &["\"kube-system\" may be meant"],
    );
    is_quiet(UNMET, &format!("{team}{}", from("matchLabels: {team: payments}")));
}

#[test]
fn what_the_input_does_not_show_is_not_said() {
    is_quiet(UNMET, &from("matchLabels: {team: payment}"));
    is_quiet(UNMET, &format!("namespace: shop env=prod\n{}", from("matchLabels: {team: payment}")));
    is_quiet(UNMET, &from("matchLabels: {kubernetes.io/metadata.name: istio-system}"));
    // A dump of a whole cluster shows it.
    let whole = "namespace: kube-system\nnamespace: shop\n";
    finds(
        UNMET,
        &format!("{whole}{}", from("matchLabels: {kubernetes.io/metadata.name: istio-system}")),
        &["medium"],
    );
    finds(
        UNMET,
        &format!("{whole}{}", from("matchExpressions: [{key: team, operator: Exists}]")),
        &["label team"],
    );
    is_quiet(UNMET, &format!("{whole}{}", from("matchExpressions: [{key: team, operator: DoesNotExist}]")));
}
