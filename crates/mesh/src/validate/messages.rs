//! The messages of the kinds that are validated. Source: istio.io/api `security/v1beta1`, `networking/v1alpha3/destination_rule.proto` and
//! `type/v1beta1/selector.proto`.

use super::proto::{Message, Type};

use Type::{Bool, Double, Duration, Int32, Text, Uint32, Uint64};

const TEXTS: Type = Type::List(&Text);

static SELECTOR: Message = Message(&[("matchLabels", Type::Map(&Text))]);
static TARGET: Message = Message(&[("group", Text), ("kind", Text), ("name", Text), ("namespace", Text)]);

/// `AuthorizationPolicy.action`.
pub(super) const ACTIONS: &[&str] = &["ALLOW", "DENY", "AUDIT", "CUSTOM"];

static SOURCE: Message = Message(&[
    ("principals", TEXTS),
    ("notPrincipals", TEXTS),
    ("requestPrincipals", TEXTS),
    ("notRequestPrincipals", TEXTS),
    ("namespaces", TEXTS),
    ("notNamespaces", TEXTS),
    ("serviceAccounts", TEXTS),
    ("notServiceAccounts", TEXTS),
    ("ipBlocks", TEXTS),
    ("notIpBlocks", TEXTS),
    ("remoteIpBlocks", TEXTS),
    ("notRemoteIpBlocks", TEXTS),
    ("trustDomains", TEXTS),
    ("notTrustDomains", TEXTS),
]);
static OPERATION: Message = Message(&[
    ("hosts", TEXTS),
    ("notHosts", TEXTS),
    ("ports", TEXTS),
    ("notPorts", TEXTS),
    ("methods", TEXTS),
    ("notMethods", TEXTS),
    ("paths", TEXTS),
    ("notPaths", TEXTS),
]);
static FROM: Message = Message(&[("source", Type::Message(&SOURCE))]);
static TO: Message = Message(&[("operation", Type::Message(&OPERATION))]);
static WHEN: Message = Message(&[("key", Text), ("values", TEXTS), ("notValues", TEXTS)]);
static RULE: Message = Message(&[
    ("from", Type::List(&Type::Message(&FROM))),
    ("to", Type::List(&Type::Message(&TO))),
    ("when", Type::List(&Type::Message(&WHEN))),
]);
static PROVIDER: Message = Message(&[("name", Text)]);
pub(super) static AUTHORIZATION_POLICY: Message = Message(&[
    ("selector", Type::Message(&SELECTOR)),
    ("targetRef", Type::Message(&TARGET)),
    ("targetRefs", Type::List(&Type::Message(&TARGET))),
    ("rules", Type::List(&Type::Message(&RULE))),
    ("action", Type::Enum(ACTIONS)),
    ("provider", Type::Message(&PROVIDER)),
]);

static MUTUAL_TLS: Message = Message(&[("mode", Type::Enum(&["UNSET", "DISABLE", "PERMISSIVE", "STRICT"]))]);
pub(super) static PEER_AUTHENTICATION: Message = Message(&[
    ("selector", Type::Message(&SELECTOR)),
    ("mtls", Type::Message(&MUTUAL_TLS)),
    ("portLevelMtls", Type::NumberMap(&Type::Message(&MUTUAL_TLS))),
]);

static JWT_HEADER: Message = Message(&[("name", Text), ("prefix", Text)]);
static CLAIM: Message = Message(&[("header", Text), ("claim", Text)]);
static JWT_RULE: Message = Message(&[
    ("issuer", Text),
    ("audiences", TEXTS),
    ("jwksUri", Text),
    // The CRD has this one by both of its names.
    ("jwks_uri", Text),
    ("jwks", Text),
    ("fromHeaders", Type::List(&Type::Message(&JWT_HEADER))),
    ("fromParams", TEXTS),
    ("outputPayloadToHeader", Text),
    ("fromCookies", TEXTS),
    ("forwardOriginalToken", Bool),
    ("outputClaimToHeaders", Type::List(&Type::Message(&CLAIM))),
    ("timeout", Duration),
    ("spaceDelimitedClaims", TEXTS),
]);
pub(super) static REQUEST_AUTHENTICATION: Message = Message(&[
    ("selector", Type::Message(&SELECTOR)),
    ("targetRef", Type::Message(&TARGET)),
    ("targetRefs", Type::List(&Type::Message(&TARGET))),
    ("jwtRules", Type::List(&Type::Message(&JWT_RULE))),
]);

const BALANCERS: &[&str] =
    &["UNSPECIFIED", "LEAST_CONN", "RANDOM", "PASSTHROUGH", "ROUND_ROBIN", "LEAST_REQUEST"];
/// `ClientTLSSettings.mode`.
pub(super) const TLS_MODES: &[&str] = &["DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"];
/// `ConnectionPoolSettings.HTTPSettings.h2UpgradePolicy`.
pub(super) const UPGRADES: &[&str] = &["DEFAULT", "DO_NOT_UPGRADE", "UPGRADE"];
/// `TrafficPolicy.ProxyProtocol.version`.
pub(super) const PROXY_VERSIONS: &[&str] = &["V1", "V2"];

static ATTRIBUTE: Message = Message(&[("name", Text), ("value", Text)]);
static COOKIE: Message = Message(&[
    ("name", Text),
    ("path", Text),
    ("ttl", Duration),
    ("attributes", Type::List(&Type::Message(&ATTRIBUTE))),
]);
static RING_HASH: Message = Message(&[("minimumRingSize", Uint64)]);
static MAGLEV: Message = Message(&[("tableSize", Uint64)]);
static CONSISTENT_HASH: Message = Message(&[
    ("httpHeaderName", Text),
    ("httpCookie", Type::Message(&COOKIE)),
    ("useSourceIp", Bool),
    ("httpQueryParameterName", Text),
    ("ringHash", Type::Message(&RING_HASH)),
    ("maglev", Type::Message(&MAGLEV)),
    ("minimumRingSize", Uint64),
]);
static DISTRIBUTE: Message = Message(&[("from", Text), ("to", Type::Map(&Uint32))]);
static FAILOVER: Message = Message(&[("from", Text), ("to", Text)]);
static LOCALITY: Message = Message(&[
    ("distribute", Type::List(&Type::Message(&DISTRIBUTE))),
    ("failover", Type::List(&Type::Message(&FAILOVER))),
    ("failoverPriority", TEXTS),
    ("enabled", Bool),
]);
static ZONES: Message = Message(&[
    ("enabled", Bool),
    ("failover", Type::List(&Type::Message(&FAILOVER))),
    ("failoverPriority", TEXTS),
    ("minClusterSize", Uint32),
]);
static WARMUP: Message =
    Message(&[("duration", Duration), ("minimumPercent", Double), ("aggression", Double)]);
static BALANCER: Message = Message(&[
    ("simple", Type::Enum(BALANCERS)),
    ("consistentHash", Type::Message(&CONSISTENT_HASH)),
    ("localityLbSetting", Type::Message(&LOCALITY)),
    ("zoneAwareLbSetting", Type::Message(&ZONES)),
    ("warmupDurationSecs", Duration),
    ("warmup", Type::Message(&WARMUP)),
]);
static KEEPALIVE: Message = Message(&[("probes", Uint32), ("time", Duration), ("interval", Duration)]);
static TCP: Message = Message(&[
    ("maxConnections", Int32),
    ("connectTimeout", Duration),
    ("tcpKeepalive", Type::Message(&KEEPALIVE)),
    ("maxConnectionDuration", Duration),
    ("idleTimeout", Duration),
]);
static HTTP_KEEPALIVE: Message = Message(&[("interval", Duration), ("timeout", Duration)]);
static HTTP: Message = Message(&[
    ("http1MaxPendingRequests", Int32),
    ("http2MaxRequests", Int32),
    ("maxRequestsPerConnection", Int32),
    ("maxRetries", Int32),
    ("idleTimeout", Duration),
    ("h2UpgradePolicy", Type::Enum(UPGRADES)),
    ("useClientProtocol", Bool),
    ("maxConcurrentStreams", Int32),
    ("http2KeepAlive", Type::Message(&HTTP_KEEPALIVE)),
]);
static POOL: Message = Message(&[("tcp", Type::Message(&TCP)), ("http", Type::Message(&HTTP))]);
static OUTLIER: Message = Message(&[
    ("consecutiveErrors", Int32),
    ("splitExternalLocalOriginErrors", Bool),
    ("consecutiveLocalOriginFailures", Uint32),
    ("consecutiveGatewayErrors", Uint32),
    ("consecutive5xxErrors", Uint32),
    ("interval", Duration),
    ("baseEjectionTime", Duration),
    ("maxEjectionPercent", Int32),
    ("minHealthPercent", Int32),
    ("outlierDetectionHttpErrorCodes", Type::List(&Uint32)),
]);
static TLS: Message = Message(&[
    ("mode", Type::Enum(TLS_MODES)),
    ("clientCertificate", Text),
    ("privateKey", Text),
    ("caCertificates", Text),
    ("credentialName", Text),
    ("subjectAltNames", TEXTS),
    ("sni", Text),
    ("insecureSkipVerify", Bool),
    ("caCrl", Text),
]);
static PORT: Message = Message(&[("number", Uint32)]);
static PORT_POLICY: Message = Message(&[
    ("port", Type::Message(&PORT)),
    ("loadBalancer", Type::Message(&BALANCER)),
    ("connectionPool", Type::Message(&POOL)),
    ("outlierDetection", Type::Message(&OUTLIER)),
    ("tls", Type::Message(&TLS)),
]);
static TUNNEL: Message = Message(&[("protocol", Text), ("targetHost", Text), ("targetPort", Uint32)]);
static PROXY_PROTOCOL: Message = Message(&[("version", Type::Enum(PROXY_VERSIONS))]);
static RETRY_BUDGET: Message =
    Message(&[("percent", Double), ("minRetryConcurrency", Uint32), ("budgetInterval", Duration)]);
static TRAFFIC_POLICY: Message = Message(&[
    ("loadBalancer", Type::Message(&BALANCER)),
    ("connectionPool", Type::Message(&POOL)),
    ("outlierDetection", Type::Message(&OUTLIER)),
    ("tls", Type::Message(&TLS)),
    ("portLevelSettings", Type::List(&Type::Message(&PORT_POLICY))),
    ("tunnel", Type::Message(&TUNNEL)),
    ("proxyProtocol", Type::Message(&PROXY_PROTOCOL)),
    ("retryBudget", Type::Message(&RETRY_BUDGET)),
]);
static SUBSET: Message = Message(&[
    ("name", Text),
    ("labels", Type::Map(&Text)),
    ("trafficPolicy", Type::Message(&TRAFFIC_POLICY)),
]);
pub(super) static DESTINATION_RULE: Message = Message(&[
    ("host", Text),
    ("trafficPolicy", Type::Message(&TRAFFIC_POLICY)),
    ("subsets", Type::List(&Type::Message(&SUBSET))),
    ("exportTo", TEXTS),
    ("workloadSelector", Type::Message(&SELECTOR)),
]);
