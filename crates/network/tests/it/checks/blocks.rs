//! Blocks of addresses.

use super::{finds, is_quiet};

const METADATA: &str = "open-metadata-address";
const PODS: &str = "block-holds-pods";
const UNDONE: &str = "undone-except";
const FAMILY: &str = "block-of-one-family";
const UNCLEAR: &str = "unclear-block";

fn to(blocks: &str, ports: &str) -> String {
    format!(
        "---\nspec:\n  podSelector: {{}}\n  policyTypes: [Egress]\n  egress:\n  - to: [{blocks}]\n    ports: [{ports}]\nmetadata:\n  name: \
         it-{}\n  namespace: shop\n---\n",
        blocks.len() * 100 + ports.len()
    )
}

fn block(cidr: &str, except: &str) -> String {
    format!("{{ipBlock: {{cidr: \"{cidr}\", except: [{except}]}}}}")
}

#[test]
fn the_address_of_credentials_is_found_in_wide_blocks() {
    finds(
        METADATA,
        &to(&block("0.0.0.0/0", ""), ""),
        &["spec.egress[0].to[0].ipBlock.cidr", "its pods -> 169.254.169.254 TCP 80"],
    );
    finds(
        METADATA,
        &format!("pod: shop web app=web\n{}", to(&block("128.0.0.0/1", "10.0.0.0/8"), "{port: 80}")),
        &["shop/web"],
    );
    is_quiet(METADATA, &to(&block("0.0.0.0/0", "169.254.0.0/16"), ""));
    is_quiet(METADATA, &to(&block("0.0.0.0/0", ""), "{port: 443}"));
    // Who writes this means it.
    is_quiet(METADATA, &to(&block("169.254.169.254/32", ""), "{port: 80}"));
    is_quiet(METADATA, &to(&block("169.254.0.0/16", ""), ""));
    is_quiet(METADATA, &to(&block("10.0.0.0/8", ""), ""));
}

#[test]
fn what_an_administrator_denies_is_not_open() {
    let admin = "---\napiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\nmetadata:\n  name: no-metadata\nspec:\n  \
                 priority: 1\n  subject: {namespaces: {}}\n  egress:\n  - action: Deny\n    to: [{networks: [169.254.169.254/32]}]\n---\n";
    is_quiet(METADATA, &format!("pod: shop web app=web\n{admin}{}", to(&block("0.0.0.0/0", ""), "")));
}

const RUNNING: &str = "---
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: blog
spec:
  containers: [{name: it}]
status:
  podIP: 10.244.1.7
---
";

#[test]
fn blocks_that_hold_pods_are_found_by_their_addresses_and_ranges() {
    finds(
        PODS,
        &format!("{RUNNING}{}", to(&block("10.0.0.0/8", ""), "")),
        &["medium", "10.0.0.0/8 holds the addresses of blog/web"],
    );
    finds(PODS, &format!("{RUNNING}{}", to(&block("10.244.1.7/32", ""), "")), &["low"]);
    let node =
        "---\napiVersion: v1\nkind: Node\nmetadata:\n  name: n1\nspec:\n  podCIDRs: [10.244.1.0/24]\n---\n";
    finds(PODS, &format!("{node}{}", to(&block("10.0.0.0/8", ""), "")), &["holds 10.244.1.0/24"]);
    finds(
        PODS,
        &format!("{node}{}", to(&block("10.244.1.9/32", ""), "")),
        &["low", "is within 10.244.1.0/24"],
    );
    is_quiet(PODS, &format!("{node}{RUNNING}{}", to(&block("10.0.0.0/8", "10.244.0.0/16"), "")));
    is_quiet(PODS, &format!("{node}{RUNNING}{}", to(&block("0.0.0.0/0", ""), "")));
    // Where nobody says which addresses pods have, nothing is said.
    is_quiet(PODS, &format!("pod: blog web app=web\n{}", to(&block("10.0.0.0/8", ""), "")));
}

#[test]
fn an_exception_that_another_rule_undoes_is_found() {
    let internet = to(&block("0.0.0.0/0", "10.0.0.0/8"), "{port: 443}");
    finds(
        UNDONE,
        &format!("{internet}{}", to("", "{port: 443}")),
        &["ipBlock.except[0]", "by a rule for everyone in policy"],
    );
    finds(UNDONE, &format!("{internet}{}", to(&block("10.0.0.0/7", ""), "")), &["by a larger block"]);
    finds(
        UNDONE,
        &to(&format!("{}, {}", block("0.0.0.0/0", "10.0.0.0/8"), block("8.0.0.0/6", "")), ""),
        &["another block of this policy"],
    );
    is_quiet(UNDONE, &format!("{internet}{}", to("", "{port: 80}")));
    // One host of the network, or all of it by name, is what is meant.
    is_quiet(UNDONE, &format!("{internet}{}", to(&block("10.1.2.3/32", ""), "{port: 443}")));
    is_quiet(UNDONE, &format!("{internet}{}", to(&block("10.0.0.0/8", ""), "{port: 443}")));
    // Other pods have the other rule.
    let others = to("", "{port: 443}").replace("podSelector: {}", "podSelector: {matchLabels: {app: x}}");
    is_quiet(UNDONE, &format!("{internet}{others}"));
}

#[test]
fn a_family_is_missed_where_pods_speak_both() {
    let dual = RUNNING
        .replace("namespace: blog", "namespace: shop")
        .replace("podIP: 10.244.1.7", "podIPs: [{ip: 10.244.1.7}, {ip: \"fd00::7\"}]");
    finds(FAMILY, &format!("{dual}{}", to(&block("0.0.0.0/0", ""), "")), &["low", "shop/web has one"]);
    is_quiet(
        FAMILY,
        &format!("{dual}{}", to(&format!("{}, {}", block("0.0.0.0/0", ""), block("::/0", "")), "")),
    );
    is_quiet(FAMILY, &format!("{dual}{}{}", to(&block("0.0.0.0/0", ""), ""), to(&block("::/0", ""), "")));
    is_quiet(FAMILY, &format!("{RUNNING}{}", to(&block("0.0.0.0/0", ""), "")));
}

#[test]
fn blocks_that_read_as_something_else_are_found_and_others_are_not() {
    finds(UNCLEAR, &to(&block("010.0.0.0/8", ""), ""), &["low", "leading zeros"]);
    finds(UNCLEAR, &to(&block("::ffff:10.0.0.0/104", ""), ""), &["low", "10.0.0.0/8"]);
    finds(UNCLEAR, &to(&block("10.1.2.3/24", ""), ""), &["info", "10.1.2.0/24"]);
    finds(
        UNCLEAR,
        &to(&block("0.0.0.0/0", "169.254.169.254/16"), ""),
        &["ipBlock.except[0]", "169.254.0.0/16"],
    );
    for fine in ["10.0.0.0/8", "0.0.0.0/0", "10.1.2.3/32", "FD00:0::/8", "::/0"] {
        is_quiet(UNCLEAR, &to(&block(fine, ""), ""));
    }
}
