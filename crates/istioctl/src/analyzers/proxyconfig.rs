//! The image that a pod's proxy has by its configuration. Source: `pkg/config/analysis/analyzers/util/proxyconfig.go`.

use std::collections::BTreeMap;

use ringwall_model::tree::ReadText;

use super::Context;
use crate::reader::{Value, contains};
use crate::store::{Kind, Resource};

/// The annotation of a pod with its proxy's configuration.
pub(super) const ANNOTATION: &str = "proxy.istio.io/config";

/// Finds it, from the mesh down to the pod.
pub(super) struct Resolver<'c, 's> {
    read: &'c ReadText<'c>,
    /// The whole mesh's.
    mesh: &'c str,
    root: Option<Value<'s>>,
    namespaces: BTreeMap<&'s str, Value<'s>>,
    workloads: Vec<(String, Value<'s>)>,
}

fn image_type(config: Value<'_>) -> &str {
    config.get("image").text("imageType")
}

impl<'c, 's> Resolver<'c, 's> {
    pub(super) fn of(context: &Context<'c, 's>) -> Self {
        let mut resolver = Self {
            read: context.read,
            mesh: &context.mesh.image_type,
            root: None,
            namespaces: BTreeMap::new(),
            workloads: Vec::new(),
        };
        for config in context.store.all(Kind::ProxyConfig) {
            if config.name.namespace == context.mesh.root_namespace {
                resolver.root = Some(config.spec);
            } else if config.spec.get("selector").is_set() {
                resolver.workloads.push((config.name.to_string(), config.spec));
            } else {
                resolver.namespaces.insert(config.name.namespace, config.spec);
            }
        }
        resolver
    }

    /// The sort of a pod's proxy image; empty for the usual.
    pub(super) fn image_type(&self, pod: &Resource<'_>) -> String {
        let mut found = self.mesh.to_owned();
        let mut take = |stated: &str| {
            if !stated.is_empty() {
                stated.clone_into(&mut found);
            }
        };
        take(self.root.map_or("", image_type));
        let namespace = pod.name.namespace;
        take(self.namespaces.get(namespace).copied().map_or("", image_type));
        for (name, config) in &self.workloads {
            // As the reference compares, a namespace also counts for those whose names go on from its own.
            if name.starts_with(namespace)
                && contains(&pod.labels, &config.get("selector").map("matchLabels"))
            {
                take(image_type(*config));
            }
        }
        if let Some(tree) = pod.annotations.get(ANNOTATION).and_then(|text| (self.read)(text).ok()) {
            take(image_type(Value::proto(tree.root())));
        }
        if found == "default" { String::new() } else { found }
    }
}

/// What is wrong with the annotation. Values of wrong types are told in our words.
/// Source: `validateProxyConfig` in istio.io/istio `pkg/kube/inject/validate.go`, `ValidateMeshConfigProxyConfig` in
/// `pkg/config/validation/agent/validation.go`.
pub(super) fn error(text: &str, read: &ReadText<'_>) -> Option<String> {
    let unread = |why: String| Some(format!("failed to convert to apply proxy config: {why}"));
    let tree = match read(text) {
        Ok(tree) => tree,
        Err(why) => return unread(why),
    };
    let config = Value::proto(tree.root());
    for name in ["proxyAdminPort", "statusPort"] {
        if config.get(name).is_set() && config.number(name).is_none() {
            return unread(format!("{name} is no number"));
        }
    }
    let duration = config.get("drainDuration");
    let drain = if duration.is_set() { nanoseconds(duration.as_text()) } else { Some(45_000_000_000) };
    let Some(drain) = drain else { return unread("drainDuration is no duration".to_owned()) };
    let mut errors: Vec<String> = Vec::new();
    // What is stated as empty takes the place of what is usual.
    let is_empty = |name: &str| config.get(name).is_set() && config.text(name).is_empty();
    for (name, words) in [
        ("configPath", "config path must be set"),
        ("binaryPath", "binary path must be set"),
        ("serviceCluster", "service cluster must be specified"),
    ] {
        if is_empty(name) {
            errors.push(words.to_owned());
        }
    }
    if drain < 1_000_000 {
        errors.push("invalid drain duration: duration must be greater than 1ms".to_owned());
    } else if drain % 1_000_000 != 0 {
        errors.push("invalid drain duration: only durations to ms precision are supported".to_owned());
    } else if drain % 1_000_000_000 != 0 {
        errors.push("drain time only supports durations to seconds precision".to_owned());
    }
    if is_empty("discoveryAddress") {
        errors.push("discovery address must be set to the proxy discovery service".to_owned());
    }
    let mut address = |stated: &str, words: &str| {
        if let Some(why) = address_error(stated) {
            errors.push(format!("{words} {why}"));
        }
    };
    let discovery = config.text("discoveryAddress");
    if !discovery.is_empty() {
        address(discovery, "invalid discovery address:");
    }
    let tracing = config.get("tracing");
    for (tracer, words) in [("zipkin", "invalid zipkin config:"), ("datadog", "invalid datadog config:")] {
        let tracer = tracing.get(tracer);
        if tracer.is_set() {
            address(&tracer.text("address").replacen("$(HOST_IP)", "127.0.0.1", 1), words);
        }
    }
    let statsd = config.text("statsdUdpAddress");
    if !statsd.is_empty() {
        address(statsd, &format!("invalid statsd udp address \"{statsd}\":"));
    }
    for (service, what) in [
        ("envoyMetricsService", "envoy metrics service"),
        ("envoyAccessLogService", "envoy access log service"),
    ] {
        let stated = config.get(service).text("address");
        if !stated.is_empty() {
            address(stated, &format!("invalid {what} address \"{stated}\":"));
        }
    }
    for (name, words) in
        [("proxyAdminPort", "invalid proxy admin port:"), ("statusPort", "invalid status port:")]
    {
        let port = config.number(name);
        if let Some(port) = port.filter(|port| !(1..=65535).contains(port)) {
            errors.push(format!("{words} port number {port} must be in the range 1..65535"));
        }
    }
    go_errors(&errors)
}

/// Several errors, as github.com/hashicorp/go-multierror prints them.
fn go_errors(errors: &[String]) -> Option<String> {
    let count = match errors.len() {
        0 => return None,
        1 => "1 error occurred:".to_owned(),
        many => format!("{many} errors occurred:"),
    };
    Some(format!("{count}\n\t* {}\n\n", errors.join("\n\t* ")))
}

/// A duration as Go writes it: `1m30s`.
fn nanoseconds(text: &str) -> Option<i64> {
    let mut sum = 0_f64;
    let mut rest = text;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|at| *at > 0)?;
        let (number, after) = rest.split_at(number);
        let unit = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let scale = match unit {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3600e9,
            _ => return None,
        };
        sum += number.parse::<f64>().ok()? * scale;
        rest = after;
    }
    // Beyond this it is as good as forever.
    #[allow(clippy::cast_possible_truncation, reason = "bounded by the line before")]
    (!text.is_empty()).then(|| sum.clamp(0.0, 9e18) as i64)
}

/// What is wrong with an address with a port. Source: `ValidateProxyAddress`; Go's `net.SplitHostPort`.
fn address_error(address: &str) -> Option<String> {
    let named = if address.is_empty() { String::new() } else { format!("address {address}: ") };
    let split = |why: &str| Some(format!("unable to split \"{address}\": {named}{why}"));
    let Some((start, port)) = address.rsplit_once(':') else { return split("missing port in address") };
    let host = match start.strip_prefix('[') {
        Some(inside) => match inside.strip_suffix(']') {
            Some(host) => host,
            None => return split("missing port in address"),
        },
        None if start.contains(':') => return split("too many colons in address"),
        None => start,
    };
    let Ok(number) = port.parse::<i64>() else {
        let quoted = ringwall_model::go::go_quote(port);
        return Some(format!(
            "port ({port}) is not a number: strconv.Atoi: parsing {quoted}: invalid syntax"
        ));
    };
    if !(1..=65535).contains(&number) {
        return Some(format!("port number {number} must be in the range 1..65535"));
    }
    let mut labels = host.strip_suffix('.').unwrap_or(host).split('.');
    let is_numeric = host.rsplit('.').next().is_some_and(|top| top.parse::<i64>().is_ok());
    let is_name = !host.is_empty()
        && host.len() <= 255
        && !is_numeric
        && labels.all(ringwall_model::selector::is_dns_label);
    let is_address = ringwall_model::address::Address::parse(host).is_some();
    (!is_name && !is_address).then(|| format!("\"{host}\" is not a valid hostname or an IP address"))
}
