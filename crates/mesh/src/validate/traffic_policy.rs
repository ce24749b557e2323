//! How a client sends. Source: istio.io/istio `pkg/config/validation/validation.go` (`validateTrafficPolicy`), `pkg/config/validation/agent/validation.go`
//! (`ValidateTLS`).

use std::collections::HashSet;

use super::Verdict;
use super::locality::{locality_setting, zone_setting};
use super::proto::Value;
use super::transport::{connection_pool, duration};
use super::words::{address_error, domain_error, port_error, quoted};

/// The field `trafficPolicy`.
pub(super) fn traffic_policy(of: &Value<'_>, namespace: &str, verdict: &mut Verdict) {
    let Some(policy) = of.get("trafficPolicy") else { return };
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
    if ports.is_empty() && !fields.iter().any(|name| policy.has(name)) {
        verdict.error(policy.path, "traffic policy must have at least one field");
        return;
    }
    if policy.has("tunnel") && policy.has("proxyProtocol") {
        verdict.error(policy.path, "tunnel and proxyProtocol must not be set together");
        return;
    }
    common(&policy, namespace, verdict);
    for port in ports {
        if !port.has("port") {
            verdict.error(port.at("port"), "portTrafficPolicy must have valid port");
        }
        if fields.iter().take(4).any(|name| port.has(name)) {
            verdict.errors_of(|own| common(&port, namespace, own));
        } else {
            verdict.error(port.path, "port traffic policy must have at least one field");
        }
    }
    if let Some(tunnel) = policy.get("tunnel") {
        tunnel_settings(&tunnel, verdict);
    }
    if let Some(proxy) = policy.get("proxyProtocol") {
        let version = proxy.choice("version");
        if !matches!(version, 0 | 1) {
            verdict.error(proxy.at("version"), format!("proxy protocol version is invalid: {version}"));
        }
    }
}

/// Source: `validateTunnelSettings`.
fn tunnel_settings(tunnel: &Value<'_>, verdict: &mut Verdict) {
    if !matches!(tunnel.text("protocol"), "" | "CONNECT" | "POST") {
        verdict.error(tunnel.at("protocol"), "tunnel protocol must be \"CONNECT\" or \"POST\"");
    }
    let host = tunnel.text("targetHost");
    if let (Some(domain), Some(address)) = (domain_error(host), address_error(host)) {
        let message = format!("tunnel target host must be valid FQDN or IP address: {domain}; {address}");
        verdict.error(tunnel.at("targetHost"), message);
    }
    let error = port_error(tunnel.number("targetPort"));
    verdict.error_if(
        tunnel,
        "targetPort",
        error.map(|error| format!("tunnel target port is invalid: {error}")),
    );
}

/// What a policy for all ports and one for a single port have in common.
fn common(policy: &Value<'_>, namespace: &str, verdict: &mut Verdict) {
    let outlier = policy.get("outlierDetection");
    if let Some(outlier) = &outlier {
        outlier_detection(outlier, verdict);
    }
    connection_pool(policy, "connectionPool", verdict);
    if let Some(balancer) = policy.get("loadBalancer") {
        load_balancer(&balancer, outlier.is_some(), verdict);
    }
    if let Some(tls) = policy.get("tls") {
        client_tls(&tls, namespace, verdict);
    }
}

/// Source: `validateOutlierDetection`.
fn outlier_detection(outlier: &Value<'_>, verdict: &mut Verdict) {
    duration(outlier, "baseEjectionTime", verdict);
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
    duration(outlier, "interval", verdict);
    for name in ["maxEjectionPercent", "minHealthPercent"] {
        let percent = outlier.number(name);
        if !(0..=100).contains(&percent) {
            verdict.error(outlier.at(name), format!("percentage {percent} is not in range 0..100"));
        }
    }
}

/// Source: `validateLoadBalancer`.
fn load_balancer(balancer: &Value<'_>, has_outlier: bool, verdict: &mut Verdict) {
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
        zone_setting(&zones, has_outlier, verdict);
    }
    if let Some(warmup) = balancer.get("warmup") {
        if !warmup.has("duration") {
            verdict.error(warmup.at("duration"), "duration is required");
        }
        duration(&warmup, "duration", verdict);
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
    if let Some(cookie) = hash.get("httpCookie") {
        if !cookie.has_text("name") {
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
        let message = "consistent hash MinimumRingSize is deprecated, use ConsistentHashLB's RingHash configuration instead";
        verdict.warn(hash.at("minimumRingSize"), message);
        if maglev.is_some() || hash.has("ringHash") {
            let message = "only one of MinimumRingSize or Maglev/Ringhash can be specified";
            verdict.error(hash.at("minimumRingSize"), message);
        }
    }
    if let Some(maglev) = maglev {
        let size = maglev.number("tableSize");
        if size == 0 {
            verdict.error(maglev.at("tableSize"), "tableSize must be set for maglev");
        }
        if size >= 5_000_011 {
            verdict.error(maglev.at("tableSize"), "tableSize must be less than 5000011 for maglev");
        }
        if !is_prime(u64::try_from(size).unwrap_or_default()) {
            verdict.error(maglev.at("tableSize"), "tableSize must be a prime number for maglev");
        }
    }
}

/// Whether a number is prime, as the reference counts: 1 is. Costs some multiplications.
fn is_prime(number: u64) -> bool {
    if number < 4 {
        return number != 0;
    }
    // These bases decide for all numbers of 64 bits.
    const BASES: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
    let times = |a: u64, b: u64| {
        let product = u128::from(a) * u128::from(b) % u128::from(number);
        u64::try_from(product).unwrap_or_default()
    };
    let power = |base: u64, exponent: u64| {
        let (mut result, mut base, mut exponent) = (1, base % number, exponent);
        while exponent > 0 {
            if exponent % 2 == 1 {
                result = times(result, base);
            }
            base = times(base, base);
            exponent /= 2;
        }
        result
    };
    let twos = (number - 1).trailing_zeros();
    let odd = (number - 1) >> twos;
    BASES.into_iter().all(|base| {
        if number.is_multiple_of(base) {
            return number == base;
        }
        let mut value = power(base, odd);
        if value == 1 || value == number - 1 {
            return true;
        }
        (1..twos).any(|_| {
            value = times(value, value);
            value == number - 1
        })
    })
}

/// Source: `ValidateTLS`.
fn client_tls(tls: &Value<'_>, namespace: &str, verdict: &mut Verdict) {
    const SIMPLE: i128 = 1;
    const MUTUAL: i128 = 2;
    let mode = tls.choice("mode");
    let credential = tls.text("credentialName");
    if let Some(error) = config_map_error(credential, namespace) {
        verdict.error(tls.at("credentialName"), format!("invalid configmap:// credentialName: {error}"));
    }
    if tls.is_true("insecureSkipVerify") {
        let (authority, names) = (tls.has_text("caCertificates"), tls.has_items("subjectAltNames"));
        let fields = match mode {
            SIMPLE if authority || names || !credential.is_empty() => {
                "CaCertificates or CredentialName or SubjectAltNames"
            }
            MUTUAL if authority || names => "CaCertificates or SubjectAltNames",
            _ => "",
        };
        if !fields.is_empty() {
            let message = format!("cannot specify {fields} when InsecureSkipVerify is set true");
            verdict.error(tls.path.clone(), message);
        }
    }
    if matches!(mode, SIMPLE | MUTUAL) && !credential.is_empty() {
        if ["clientCertificate", "caCertificates", "privateKey", "caCrl"]
            .iter()
            .any(|name| tls.has_text(name))
        {
            let message =
                "cannot specify client certificates or CA certificate or CA CRL If credentialName is set";
            verdict.error(tls.path.clone(), message);
        }
    } else if mode == MUTUAL {
        if !tls.has_text("clientCertificate") {
            verdict.error(tls.at("clientCertificate"), "client certificate required for mutual tls");
        }
        if !tls.has_text("privateKey") {
            verdict.error(tls.at("privateKey"), "private key required for mutual tls");
        }
    }
}

/// Source: `pilot/pkg/model/credentials/resource.go` (`ParseResourceName`).
fn config_map_error(credential: &str, namespace: &str) -> Option<String> {
    let mut parts = credential.strip_prefix("configmap://")?.split('/');
    let invalid = |what: &str| Some(format!("invalid resource name {}. Expected {what}", quoted(credential)));
    let (own, name) = (parts.next().unwrap_or_default(), parts.next());
    match name {
        None => invalid("namespace and name"),
        Some(_) if own.is_empty() => invalid("namespace"),
        Some("") => invalid("name"),
        Some(_) if own != namespace || namespace.is_empty() => {
            Some(format!("namespace must match the configuration namespace {}", quoted(namespace)))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::is_prime;

    #[test]
    fn primes_are_counted_as_the_reference_counts_them() {
        let by_hand = |number: u64| number != 0 && (2..number).all(|factor| !number.is_multiple_of(factor));
        for number in 0..2000 {
            assert_eq!(is_prime(number), by_hand(number), "{number}");
        }
        assert!(is_prime(5_000_011) && is_prime(18_446_744_073_709_551_557) && !is_prime(u64::MAX));
    }
}
