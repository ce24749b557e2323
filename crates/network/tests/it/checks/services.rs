//! Services, and what leads to them.

use super::{finds, is_quiet};

const PORT: &str = "service-port-in-policy";
const ENTRY: &str = "blocked-entry";
const SERVICE: &str = "unreachable-service";
const WEBHOOK: &str = "cut-off-webhook";
const ADDRESS: &str = "block-of-service-address";

const API: &str = "pod: shop api app=api | http=8080\npod: shop web app=web\n";

fn service(kind: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: api\n  namespace: shop\nspec:\n  type: {kind}\n  selector: {{app: api}}\n  ports: \
         [{{port: 80, targetPort: http}}]\n---\n"
    )
}

fn lets(peers: &str, ports: &str) -> String {
    format!(
        "---\nspec: {{podSelector: {{matchLabels: {{app: api}}}}, ingress: [{{from: [{peers}], ports: [{ports}]}}]}}\n---\n"
    )
}

const DENY: &str = "---\nspec: {podSelector: {}}\nmetadata:\n  name: deny\n  namespace: shop\n---\n";
const OWN: &str = "{podSelector: {}}";

#[test]
fn the_port_of_a_service_is_not_the_pods() {
    let cluster_ip = service("ClusterIP");
    finds(
        PORT,
        &format!("{API}{cluster_ip}{}", lets(OWN, "{port: 80}")),
        &["medium spec.ingress[0].ports[0]", "shop/api", "listen on TCP 8080"],
    );
    finds(PORT, &format!("{API}{cluster_ip}{}", lets(OWN, "{port: 80}, {port: http}")), &["info"]);
    is_quiet(PORT, &format!("{API}{cluster_ip}{}", lets(OWN, "{port: 8080}")));
    is_quiet(PORT, &format!("{API}{}", lets(OWN, "{port: 80}")));
    is_quiet("undeclared-port", &format!("{API}{cluster_ip}{}", lets(OWN, "{port: 80}")));
    // The pods listen on both.
    let both = API.replace("http=8080", "http=8080 80");
    is_quiet(PORT, &format!("{both}{cluster_ip}{}", lets(OWN, "{port: 80}")));
    // Another Service leads to it.
    let other = cluster_ip.replace("name: api", "name: other").replace("targetPort: http", "targetPort: 80");
    is_quiet(PORT, &format!("{API}{cluster_ip}{other}{}", lets(OWN, "{port: 80}")));
}

#[test]
fn a_service_whose_pods_are_closed_is_found() {
    let cluster_ip = service("ClusterIP");
    finds(SERVICE, &format!("{API}{cluster_ip}{DENY}"), &["spec.selector", "shop/api TCP 8080"]);
    finds(SERVICE, &format!("{API}{cluster_ip}{}", lets(OWN, "{port: 80}")), &["TCP 8080"]);
    is_quiet(SERVICE, &format!("{API}{cluster_ip}{DENY}{}", lets(OWN, "{port: http}")));
    is_quiet(SERVICE, &format!("{API}{cluster_ip}"));
    // One pod that is open suffices.
    is_quiet(SERVICE, &format!("{API}pod: shop old app=api host | http=8080\n{cluster_ip}{DENY}"));
    let nobody = service("ClusterIP").replace("{app: api}", "{app: none}");
    is_quiet(SERVICE, &format!("{API}{nobody}{DENY}"));
}

const INGRESS: &str = "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: api\n  namespace: shop\nspec:\n  defaultBackend:\n    \
                       service: {name: api, port: {number: 80}}\n---\n";

#[test]
fn a_way_in_that_is_closed_is_found() {
    let all = format!("{API}{}{INGRESS}", service("ClusterIP"));
    finds(
        ENTRY,
        &format!("{all}{DENY}"),
        &["medium spec.defaultBackend", "a proxy of another namespace", "Ingress shop/api"],
    );
    is_quiet(SERVICE, &format!("{all}{DENY}"));
    finds(
        ENTRY,
        &format!("{all}{}", lets("{podSelector: {matchLabels: {app: web}}}", "{port: http}")),
        &["shop/api TCP 8080"],
    );
    for open in [
        "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress-nginx}}}",
        "{namespaceSelector: {}}",
        "{podSelector: {matchLabels: {app: traefik}}}",
        "{ipBlock: {cidr: 10.0.0.0/8}}",
        "",
    ] {
        is_quiet(ENTRY, &format!("{all}{}", lets(open, "{port: 8080}")));
    }
    is_quiet(ENTRY, &all);
}

#[test]
fn a_load_balancer_needs_addresses_outside() {
    let all = format!("{API}{}", service("LoadBalancer"));
    finds(
        ENTRY,
        &format!("{all}{}", lets("{namespaceSelector: {}}", "{port: http}")),
        &["low", "load balancer of Service shop/api"],
    );
    is_quiet(ENTRY, &format!("{all}{}", lets("{ipBlock: {cidr: 203.0.113.0/24}}", "{port: http}")));
}

fn webhook(port: u16) -> String {
    format!(
        "---\napiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\nmetadata:\n  name: it\nwebhooks:\n- name: \
         it.example.com\n  clientConfig:\n    service: {{name: api, namespace: shop, port: {port}}}\n---\n"
    )
}

#[test]
fn a_webhook_that_the_api_server_does_not_reach_is_found() {
    let all = format!("{API}{}{}", service("ClusterIP"), webhook(80));
    finds(
        WEBHOOK,
        &format!("{all}{DENY}"),
        &[
            "webhooks[0].clientConfig.service",
            "API server -> shop/api TCP 8080".split(" -> ").last().expect("a receiver"),
            "webhook it.example.com",
        ],
    );
    finds(
        WEBHOOK,
        &format!(
            "{all}{}",
            lets("{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}}", "")
        ),
        &["shop/api"],
    );
    for open in [
        "",
        "{ipBlock: {cidr: 10.0.0.10/32}}",
        "{namespaceSelector: {}}",
        "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}",
    ] {
        is_quiet(WEBHOOK, &format!("{all}{}", lets(open, "{port: 8080}")));
    }
    // What the Service does not have is another's fault.
    is_quiet(WEBHOOK, &format!("{API}{}{}{DENY}", service("ClusterIP"), webhook(443)));
    is_quiet(
        WEBHOOK,
        &format!("{}{}{}{DENY}", API.replace("app=api", "app=api host"), service("ClusterIP"), webhook(80)),
    );
}

#[test]
fn the_address_of_a_service_is_none_that_policies_see() {
    let with_address = service("ClusterIP").replace("spec:\n", "spec:\n  clusterIP: 10.96.0.7\n");
    let to = |cidr: &str| {
        format!(
            "---\nspec: {{podSelector: {{}}, policyTypes: [Egress], egress: [{{to: [{{ipBlock: {{cidr: {cidr}}}}}]}}]}}\n---\n"
        )
    };
    finds(
        ADDRESS,
        &format!("{with_address}{}", to("10.96.0.7/32")),
        &["low", "the address of Service shop/api"],
    );
    is_quiet(ADDRESS, &format!("{with_address}{}", to("10.96.0.0/16")));
    is_quiet(ADDRESS, &to("10.96.0.7/32"));
    let range = "---\napiVersion: networking.k8s.io/v1\nkind: ServiceCIDR\nmetadata:\n  name: kubernetes\nspec:\n  cidrs: [10.96.0.0/12]\n---\n";
    finds(ADDRESS, &format!("{range}{}", to("10.96.0.0/16")), &["within 10.96.0.0/12"]);
}
