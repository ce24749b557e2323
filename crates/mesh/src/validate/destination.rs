//! `DestinationRule`. Source: istio.io/istio `pkg/config/validation/validation.go` (`ValidateDestinationRule`) and
//! `pkg/config/validation/agent/validation.go`.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::messages::{PROXY_VERSIONS, TLS_MODES, UPGRADES};
use super::proto::Value;
use super::words::{domain_error, is_address, is_dns_label, label_error, wildcard_domain_error};
use super::{Verdict, selector};

const MILLISECOND: i128 = 1_000_000;

pub(super) fn validate(spec: &Value<'_>, namespace: &str, verdict: &mut Verdict) {
    if let Some(message) = wildcard_domain_error(spec.text("host")) {
        verdict.error(spec.at("host"), message);
    }
    if let Some(policy) = spec.get("trafficPolicy") {
        traffic_policy(&policy, namespace, verdict);
    }
    let mut names = HashSet::new();
    for subset in spec.items("subsets") {
        let name = subset.text("name");
        if !names.insert(name) {
            verdict.error(subset.at("name"), format!("duplicate subset names: {name}"));
        }
        // What a subset is warned of, the reference drops.
        let mut own = Verdict::default();
        if name.is_empty() {
            own.error(subset.at("name"), "subset name cannot be empty");
        } else if !is_dns_label(name) {
            own.error(subset.at("name"), format!("subset name is invalid: {name}"));
        }
        for (key, value) in subset.entries("labels") {
            if let Some(message) = label_error(key, value.node.as_str().unwrap_or_default()) {
                own.error(value.path, message);
            }
        }
        if let Some(policy) = subset.get("trafficPolicy") {
            traffic_policy(&policy, namespace, &mut own);
        }
        verdict.errors.append(&mut own.errors);
    }
    export_to(spec, namespace, verdict);
    selector(spec, "workloadSelector", verdict);
}

/// Source: `validateExportTo`.
fn export_to(spec: &Value<'_>, namespace: &str, verdict: &mut Verdict) {
    let list = spec.texts("exportTo");
    let path = spec.at("exportTo");
    let mut seen = BTreeSet::new();
    for (at, entry) in &list {
        let key = if *entry == "." { namespace } else { entry };
        if seen.contains(key) {
            verdict.error(at.clone(), format!("duplicate entries in exportTo: {entry}"));
        } else if key == "~" {
            verdict.error(at.clone(), "exportTo ~ (none) is not allowed for Istio configuration objects");
        } else if matches!(key, "." | "*") || is_dns_label(key) {
            seen.insert(key);
        } else {
            verdict.error(at.clone(), "only ., *, or a valid DNS 1123 label is allowed as exportTo entry");
        }
    }
    if spec.get("workloadSelector").is_some() && !seen.is_empty() {
        if !seen.contains(namespace) {
            let message =
                "destination rule with workload selector cannot have exportTo beyond current namespace";
            verdict.error(path.clone(), message);
        } else if seen.len() > 1 {
            let message = "destination rule with workload selector cannot have multiple entries in exportTo";
            verdict.error(path.clone(), message);
        }
    }
    if seen.contains("*") && list.len() > 1 {
        verdict.error(path, "cannot have both public (*) and non-public exportTo values for a resource");
    }
}

/// Source: `validateTrafficPolicy`.
fn traffic_policy(policy: &Value<'_>, namespace: &str, verdict: &mut Verdict) {
    let fields = [
        "outlierDetection",
        "connectionPool",
        "loadBalancer",
        "tls",
        "tunnel",
        "proxyProtocol",
        "retryBudget",
    ];
    let ports = policy.items("portLevelSettings");
    if ports.is_empty() && fields.iter().all(|name| policy.get(name).is_none()) {
        verdict.error(policy.path.clone(), "traffic policy must have at least one field");
        return;
    }
    if policy.get("tunnel").is_some() && policy.get("proxyProtocol").is_some() {
        verdict.error(policy.path.clone(), "tunnel and proxyProtocol must not be set together");
        return;
    }
    common(policy, namespace, verdict);
    for port in ports {
        if port.get("port").is_none() {
            verdict.error(port.at("port"), "portTrafficPolicy must have valid port");
        }
        if fields[..4].iter().all(|name| port.get(name).is_none()) {
            verdict.error(port.path.clone(), "port traffic policy must have at least one field");
        } else {
            // What a port is warned of, the reference drops.
            let mut own = Verdict::default();
            common(&port, namespace, &mut own);
            verdict.errors.append(&mut own.errors);
        }
    }
    if let Some(tunnel) = policy.get("tunnel") {
        if !matches!(tunnel.text("protocol"), "" | "CONNECT" | "POST") {
            verdict.error(tunnel.at("protocol"), "tunnel protocol must be \"CONNECT\" or \"POST\"");
        }
        let host = tunnel.text("targetHost");
        if let Some(message) = domain_error(host).filter(|_| !is_address(host)) {
            let message = format!("tunnel target host must be valid FQDN or IP address: {message}");
            verdict.error(tunnel.at("targetHost"), message);
        }
        if !(1..=65535).contains(&tunnel.number("targetPort")) {
            verdict.error(
                tunnel.at("targetPort"),
                "tunnel target port is invalid: it must be in the range 1..65535",
            );
        }
    }
    if let Some(proxy) = policy.get("proxyProtocol") {
        let version = proxy.choice("version", PROXY_VERSIONS);
        if !matches!(version, 0 | 1) {
            verdict.error(proxy.at("version"), format!("proxy protocol version is invalid: {version}"));
        }
    }
}

/// What a policy for all ports and one for a single port have in common.
fn common(policy: &Value<'_>, namespace: &str, verdict: &mut Verdict) {
    let outlier = policy.get("outlierDetection");
    if let Some(outlier) = &outlier {
        outlier_detection(outlier, verdict);
    }
    if let Some(pool) = policy.get("connectionPool") {
        connection_pool(&pool, verdict);
    }
    if let Some(balancer) = policy.get("loadBalancer") {
        load_balancer(&balancer, outlier.is_some(), verdict);
    }
    if let Some(tls) = policy.get("tls") {
        client_tls(&tls, namespace, verdict);
    }
}

/// Source: `ValidateDuration`.
pub(super) fn duration_error(of: &Value<'_>, name: &str, verdict: &mut Verdict) {
    match of.duration(name) {
        Some(time) if time < MILLISECOND => verdict.error(of.at(name), "duration must be greater than 1ms"),
        Some(time) if time % MILLISECOND != 0 => {
            verdict.error(of.at(name), "only durations to ms precision are supported");
        }
        _ => {}
    }
}

fn outlier_detection(outlier: &Value<'_>, verdict: &mut Verdict) {
    for name in ["baseEjectionTime", "interval"] {
        duration_error(outlier, name, verdict);
    }
    if outlier.number("consecutiveErrors") != 0 {
        let message = "outlier detection consecutive errors is deprecated, use consecutiveGatewayErrors or consecutive5xxErrors instead";
        verdict.warn(outlier.at("consecutiveErrors"), message);
    }
    if !outlier.is_true("splitExternalLocalOriginErrors")
        && outlier.number("consecutiveLocalOriginFailures") > 0
    {
        let message = "outlier detection consecutive local origin failures is specified, \
                       but split external local origin errors is set to false";
        verdict.error(outlier.at("consecutiveLocalOriginFailures"), message);
    }
    for name in ["maxEjectionPercent", "minHealthPercent"] {
        let percent = outlier.number(name);
        if !(0..=100).contains(&percent) {
            verdict.error(outlier.at(name), format!("percentage {percent} is not in range 0..100"));
        }
    }
}

fn connection_pool(pool: &Value<'_>, verdict: &mut Verdict) {
    let (http, tcp) = (pool.get("http"), pool.get("tcp"));
    if http.is_none() && tcp.is_none() {
        verdict.error(pool.path.clone(), "connection pool must have at least one field");
    }
    let negative = |of: &Value<'_>, name: &str, verdict: &mut Verdict| {
        if of.number(name) < 0 {
            verdict.error(of.at(name), format!("{name} must be non-negative"));
        }
    };
    if let Some(http) = http {
        let numbers = [
            "http1MaxPendingRequests",
            "http2MaxRequests",
            "maxRequestsPerConnection",
            "maxRetries",
            "maxConcurrentStreams",
        ];
        for name in numbers {
            negative(&http, name, verdict);
        }
        duration_error(&http, "idleTimeout", verdict);
        if http.choice("h2UpgradePolicy", UPGRADES) == 2 && http.is_true("useClientProtocol") {
            let message = "use client protocol must not be true when H2UpgradePolicy is UPGRADE";
            verdict.error(http.at("useClientProtocol"), message);
        }
        if let Some(keepalive) = http.get("http2KeepAlive") {
            for name in ["interval", "timeout"] {
                if keepalive.get(name).is_none() {
                    verdict.error(keepalive.at(name), format!("http2 keepalive {name} is required"));
                }
                duration_error(&keepalive, name, verdict);
            }
        }
    }
    if let Some(tcp) = tcp {
        negative(&tcp, "maxConnections", verdict);
        for name in ["connectTimeout", "maxConnectionDuration"] {
            duration_error(&tcp, name, verdict);
        }
        // Less than a millisecond is none at all here.
        if tcp.duration("idleTimeout").is_some_and(|time| time / MILLISECOND != 0) {
            duration_error(&tcp, "idleTimeout", verdict);
        }
        if let Some(keepalive) = tcp.get("tcpKeepalive") {
            for name in ["time", "interval"] {
                duration_error(&keepalive, name, verdict);
            }
        }
    }
}

fn load_balancer(balancer: &Value<'_>, has_outlier: bool, verdict: &mut Verdict) {
    // Of the two that exclude one another protobuf keeps the later one, which is this.
    if let Some(hash) = balancer.get("consistentHash") {
        consistent_hash(&hash, verdict);
    }
    let (locality, zones) = (balancer.get("localityLbSetting"), balancer.get("zoneAwareLbSetting"));
    if locality.is_some() && zones.is_some() {
        let message = "only one of localityLbSetting and zoneAwareLbSetting can be set";
        verdict.error(balancer.path.clone(), message);
    }
    if let Some(locality) = locality {
        locality_setting(&locality, has_outlier, verdict);
    }
    if let Some(zones) = zones {
        for (path, _) in zones.texts("failoverPriority").into_iter().filter(|(_, label)| is_topology(label)) {
            verdict.error(path, "'failoverPriority' for zone aware lb must not use a topology label");
        }
        failover(&zones, has_outlier, verdict);
    }
    if let Some(warmup) = balancer.get("warmup") {
        if warmup.get("duration").is_none() {
            verdict.error(warmup.at("duration"), "duration is required");
        }
        duration_error(&warmup, "duration", verdict);
        if warmup.double("minimumPercent").is_some_and(|percent| percent > 100.0) {
            let message = "minimumPercent value should be less than or equal to 100";
            verdict.error(warmup.at("minimumPercent"), message);
        }
        if warmup.double("aggression").is_some_and(|aggression| aggression <= 0.0) {
            verdict.error(warmup.at("aggression"), "aggression should be greater than 0");
        }
    }
}

fn consistent_hash(hash: &Value<'_>, verdict: &mut Verdict) {
    // Of the ways to hash protobuf keeps the latest.
    let has_later = ["useSourceIp", "httpQueryParameterName"].iter().any(|name| hash.get(name).is_some());
    if let Some(cookie) = hash.get("httpCookie").filter(|_| !has_later) {
        if cookie.text("name").is_empty() {
            verdict.error(cookie.at("name"), "name required for HttpCookie");
        }
        let mut names = HashSet::new();
        for attribute in cookie.items("attributes") {
            let name = attribute.text("name");
            if name.is_empty() {
                verdict.error(attribute.at("name"), "cookie attribute name cannot be empty");
            } else if !names.insert(name) {
                verdict.error(attribute.at("name"), format!("duplicate cookie attribute name: {name}"));
            }
        }
    }
    let maglev = hash.get("maglev");
    if hash.number("minimumRingSize") != 0 {
        let message = "consistent hash minimumRingSize is deprecated, use ringHash instead";
        verdict.warn(hash.at("minimumRingSize"), message);
        if maglev.is_some() || hash.get("ringHash").is_some() {
            verdict.error(
                hash.at("minimumRingSize"),
                "only one of minimumRingSize or maglev/ringHash can be specified",
            );
        }
    }
    if let Some(maglev) = maglev {
        let size = maglev.number("tableSize");
        if size == 0 {
            verdict.error(maglev.at("tableSize"), "tableSize must be set for maglev");
        } else if size >= 5_000_011 {
            verdict.error(maglev.at("tableSize"), "tableSize must be less than 5000011 for maglev");
        } else if !is_prime(size) {
            verdict.error(maglev.at("tableSize"), "tableSize must be a prime number for maglev");
        }
    }
}

/// Whether a number is prime, as the reference counts: 1 is.
fn is_prime(number: i128) -> bool {
    let factors = (2..).take_while(|factor| factor * factor <= number);
    number > 0 && !factors.into_iter().any(|factor: i128| number % factor == 0)
}

fn is_topology(label: &str) -> bool {
    matches!(
        label,
        "topology.kubernetes.io/region" | "topology.kubernetes.io/zone" | "topology.istio.io/subzone"
    )
}

/// Source: `ValidateLocalityLbSetting`.
fn locality_setting(setting: &Value<'_>, has_outlier: bool, verdict: &mut Verdict) {
    let (distribute, over) = (setting.items("distribute"), setting.items("failover"));
    if !distribute.is_empty() && !over.is_empty() {
        verdict.error(setting.path.clone(), "can not simultaneously specify 'distribute' and 'failover'");
        return;
    }
    let priority = setting.texts("failoverPriority");
    if let Some((path, label)) = priority.iter().find(|(_, label)| !over.is_empty() && is_topology(label)) {
        let message = format!(
            "can not simultaneously set 'failover' and topology label '{label}' in 'failoverPriority'"
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
        to.sort_unstable();
        if let Some(message) = localities_error(&to) {
            verdict.error(from.at("to"), message);
        }
    }
    let from: Vec<&str> = distribute.iter().map(|from| from.text("from")).collect();
    if let Some(message) = localities_error(&from) {
        verdict.error(setting.at("distribute"), message);
    }
    failover(setting, has_outlier, verdict);
}

fn failover(setting: &Value<'_>, has_outlier: bool, verdict: &mut Verdict) {
    let over = setting.items("failover");
    if !has_outlier && (!over.is_empty() || !setting.items("failoverPriority").is_empty()) {
        verdict.warn(setting.path.clone(), "outlier detection policy must be provided for failover");
    }
    for over in over {
        let (from, to) = (over.text("from"), over.text("to"));
        if from == to {
            verdict.error(over.path.clone(), "locality lb failover settings must specify different regions");
        }
        if from.contains('/') || to.contains('/') {
            verdict.error(over.path.clone(), "locality lb failover only specify region");
        }
        if from.contains('*') || to.contains('*') {
            verdict.error(over.path, "locality lb failover region should not contain '*' wildcard");
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

/// Source: `ValidateTLS`.
fn client_tls(tls: &Value<'_>, namespace: &str, verdict: &mut Verdict) {
    const SIMPLE: i128 = 1;
    const MUTUAL: i128 = 2;
    let mode = tls.choice("mode", TLS_MODES);
    let has = |name: &str| !tls.text(name).is_empty();
    let credential = tls.text("credentialName");
    if let Some(rest) = credential.strip_prefix("configmap://") {
        let mut parts = rest.split('/');
        let (own, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if own.is_empty() || name.is_empty() {
            verdict.error(
                tls.at("credentialName"),
                "invalid configmap:// credentialName: expected namespace and name",
            );
        } else if own != namespace || namespace.is_empty() {
            let message = format!("invalid configmap:// credentialName: namespace must be \"{namespace}\"");
            verdict.error(tls.at("credentialName"), message);
        }
    }
    if tls.is_true("insecureSkipVerify") {
        let names = !tls.items("subjectAltNames").is_empty();
        let is_wrong = match mode {
            SIMPLE => has("caCertificates") || !credential.is_empty() || names,
            MUTUAL => has("caCertificates") || names,
            _ => false,
        };
        if is_wrong {
            let message = "cannot specify caCertificates, credentialName or subjectAltNames when insecureSkipVerify is set true";
            verdict.error(tls.path.clone(), message);
        }
    }
    if matches!(mode, SIMPLE | MUTUAL) && !credential.is_empty() {
        if ["clientCertificate", "caCertificates", "privateKey", "caCrl"].into_iter().any(has) {
            let message =
                "cannot specify client certificates or CA certificate or CA CRL if credentialName is set";
            verdict.error(tls.path.clone(), message);
        }
    } else if mode == MUTUAL {
        if !has("clientCertificate") {
            verdict.error(tls.at("clientCertificate"), "client certificate required for mutual tls");
        }
        if !has("privateKey") {
            verdict.error(tls.at("privateKey"), "private key required for mutual tls");
        }
    }
}
