//! An [`Authorization`] as JSON, in the form that istiod's own tools print: what is empty or the first of its kind is left out.

use ringwall_model::go::go_json_string;

use super::{AddressMatch, Authorization, Effect, Lists, Match, Scope, ServiceAccountMatch, StringMatch};

impl Authorization {
    /// The policy as JSON, keys in the order of the alphabet.
    pub fn to_json(&self) -> String {
        let group = |clauses: &[super::Clause]| {
            let clause = |clause: &super::Clause| object([list("matches", &clause.matches, one)]);
            object([list("rules", clauses, clause)])
        };
        let scope = match self.scope {
            Scope::Global => None,
            Scope::Namespace => Some("NAMESPACE"),
            Scope::WorkloadSelector => Some("WORKLOAD_SELECTOR"),
        };
        object([
            (self.effect == Effect::Deny).then(|| r#""action":"DENY""#.to_owned()),
            list("groups", &self.groups, |one| group(&one.rules)),
            Some(text("name", &self.name)),
            Some(text("namespace", &self.namespace)),
            scope.map(|scope| text("scope", scope)),
        ])
    }
}

fn object(fields: impl IntoIterator<Item = Option<String>>) -> String {
    format!("{{{}}}", fields.into_iter().flatten().collect::<Vec<_>>().join(","))
}

fn text(key: &str, value: &str) -> String {
    format!("\"{key}\":{}", go_json_string(value))
}

fn list<T>(key: &str, items: &[T], write: impl Fn(&T) -> String) -> Option<String> {
    let written = || items.iter().map(&write).collect::<Vec<_>>().join(",");
    (!items.is_empty()).then(|| format!("\"{key}\":[{}]", written()))
}

fn one(one: &Match) -> String {
    fn both<T>(
        lists: &Lists<T>,
        any: &str,
        none: &str,
        write: impl Fn(&T) -> String + Copy,
    ) -> [Option<String>; 2] {
        [list(any, &lists.any, write), list(none, &lists.none, write)]
    }
    let [ports, not_ports] =
        both(&one.destination_ports, "destinationPorts", "notDestinationPorts", u16::to_string);
    let [to, not_to] = both(&one.destination_ips, "destinationIps", "notDestinationIps", address);
    let [from, not_from] = both(&one.source_ips, "sourceIps", "notSourceIps", address);
    let [namespaces, not_namespaces] = both(&one.namespaces, "namespaces", "notNamespaces", string);
    let [principals, not_principals] = both(&one.principals, "principals", "notPrincipals", string);
    let [accounts, not_accounts] =
        both(&one.service_accounts, "serviceAccounts", "notServiceAccounts", account);
    object([
        to,
        ports,
        namespaces,
        not_to,
        not_ports,
        not_namespaces,
        not_principals,
        not_accounts,
        not_from,
        principals,
        accounts,
        from,
    ])
}

fn string(one: &StringMatch) -> String {
    match one {
        StringMatch::Exact(value) => format!("{{{}}}", text("exact", value)),
        StringMatch::Prefix(value) => format!("{{{}}}", text("prefix", value)),
        StringMatch::Suffix(value) => format!("{{{}}}", text("suffix", value)),
        StringMatch::Presence => r#"{"presence":{}}"#.to_owned(),
    }
}

fn account(one: &ServiceAccountMatch) -> String {
    format!("{{{},{}}}", text("namespace", &one.namespace), text("serviceAccount", &one.service_account))
}

fn address(one: &AddressMatch) -> String {
    let bytes = match one.address {
        std::net::IpAddr::V4(address) => address.octets().to_vec(),
        std::net::IpAddr::V6(address) => address.octets().to_vec(),
    };
    // A length of 0 is what stands there anyway.
    let length = (one.length > 0).then(|| format!("\"length\":{}", one.length));
    object([Some(text("address", &base64(&bytes))), length])
}

/// Standard base 64 with padding.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let index = (bits >> (18 - 6 * at)) & 63;
            let letter = LETTERS.get(index as usize).copied().map_or('=', char::from);
            out.push(if at > chunk.len() { '=' } else { letter });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_by_six_bits() {
        assert_eq!(base64(&[127, 0, 1, 0]), "fwABAA==");
        assert_eq!(base64(&[10, 0, 0]), "CgAA");
        assert_eq!(base64(&[255, 254]), "//4=");
        assert_eq!(base64(&[]), "");
    }
}
