//! From what a user types to an end of a connection.

use std::fmt;

use ringwall_model::address::Address;
use ringwall_network::port::{Port, Protocol};

use crate::network::Network;
use crate::suggest::nearest;

/// An end that a user names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A workload, by index in the cluster.
    Workload(usize),
    /// One pod, by index in the cluster.
    Pod(usize),
    /// A Service, by index in [`Services::all`](ringwall_network::services::Services::all).
    Service(usize),
    /// An address.
    Address(Address),
    /// Any address outside of private ranges.
    Internet,
}

/// A port that a user names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WantedPort {
    /// By number.
    Number(Port),
    /// By the name that a container or a Service gives it.
    Name(String),
}

impl fmt::Display for WantedPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(port) => port.fmt(f),
            Self::Name(name) => write!(f, "port \"{name}\""),
        }
    }
}

/// Words for the kinds of workloads beside their own name and its plural, as kubectl knows them.
const SHORT: [(&str, &str); 8] = [
    ("deploy", "deployment"),
    ("sts", "statefulset"),
    ("ds", "daemonset"),
    ("rs", "replicaset"),
    ("rc", "replicationcontroller"),
    ("cj", "cronjob"),
    ("po", "pod"),
    ("svc", "service"),
];

/// Splits `backend:8080/udp` into the end and its port.
///
/// # Errors
/// The port is none; a sentence without full stop.
pub fn split(text: &str) -> Result<(&str, Option<WantedPort>), String> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, rest) =
            rest.split_once(']').ok_or_else(|| format!("\"{text}\" lacks a closing bracket"))?;
        return Ok((address, rest.strip_prefix(':').map(port).transpose()?));
    }
    if Address::parse(text).is_some() {
        return Ok((text, None));
    }
    match text.rsplit_once(':') {
        Some((end, wanted)) => Ok((end, Some(port(wanted)?))),
        None => Ok((text, None)),
    }
}

fn port(text: &str) -> Result<WantedPort, String> {
    let wrong = || format!("\"{text}\" is no port, expected one as 8080, 53/udp or http");
    let (number, protocol) = match text.split_once('/') {
        Some((number, protocol)) => {
            (number, Protocol::parse(&protocol.to_ascii_uppercase()).ok_or_else(wrong)?)
        }
        None => (text, Protocol::Tcp),
    };
    if number.bytes().all(|byte| byte.is_ascii_digit()) {
        let number = number.parse().ok().filter(|number| *number > 0).ok_or_else(wrong)?;
        return Ok(WantedPort::Number(Port { protocol, number }));
    }
    let sound = number.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !sound || text.contains('/') {
        return Err(wrong());
    }
    Ok(WantedPort::Name(number.to_owned()))
}

impl Network<'_> {
    /// The end that `text` names: `NAME`, `NAMESPACE/NAME`, `KIND/NAME`, `NAMESPACE/KIND/NAME`, an address, or `internet`. A name is that of
    /// a workload before that of a Service. `namespace` is meant where none is typed.
    ///
    /// # Errors
    /// There is no such end, or more than one; a sentence without full stop, with what may be meant.
    pub fn resolve(&self, text: &str, namespace: Option<&str>) -> Result<Place, String> {
        if text.eq_ignore_ascii_case("internet") || text.eq_ignore_ascii_case("outside") {
            return Ok(Place::Internet);
        }
        if let Some(address) = Address::parse(text) {
            return Ok(Place::Address(address));
        }
        let parts: Vec<&str> = text.split('/').collect();
        let (stated, kind, name) = match parts.as_slice() {
            [name] => (namespace, None, *name),
            [first, name] => match kind_of(first) {
                Some(kind) if self.is_kind(&kind) => (namespace, Some(kind), *name),
                _ => (Some(*first), None, *name),
            },
            [place, kind, name] => (Some(*place), Some(kind_of(kind).unwrap_or_default()), *name),
            _ => {
                return Err(format!(
                    "\"{text}\" is no end of a connection, expected NAME, NAMESPACE/NAME or an address"
                ));
            }
        };
        let mut found = self.named(stated, kind.as_deref(), name);
        if found.is_empty() && namespace.is_none() && stated.is_none() {
            found = self.named(Some("default"), kind.as_deref(), name);
        }
        let workloads = found.iter().filter(|(place, _)| !matches!(place, Place::Service(_))).count();
        if workloads > 0 {
            found.retain(|(place, _)| !matches!(place, Place::Service(_)));
        }
        match found.as_slice() {
            [(place, _)] => Ok(*place),
            [] => Err(self.unknown(text, name)),
            several => {
                let names: Vec<&str> = several.iter().map(|(_, name)| name.as_str()).collect();
                Err(format!("\"{text}\" may be {}", names.join(" or ")))
            }
        }
    }

    /// Whether something of the kind is in the input. What is none may be the name of a namespace.
    fn is_kind(&self, kind: &str) -> bool {
        kind == "service"
            || kind == "pod"
            || self.cluster.workloads.iter().any(|workload| workload.kind.eq_ignore_ascii_case(kind))
    }

    /// All ends of this name; in any namespace where none is stated.
    fn named(&self, namespace: Option<&str>, kind: Option<&str>, name: &str) -> Vec<(Place, String)> {
        let here = |other: &str| namespace.is_none_or(|namespace| namespace == other);
        let is = |other: &str| kind.is_none_or(|kind| other.eq_ignore_ascii_case(kind));
        let mut found = Vec::new();
        for (index, workload) in self.cluster.workloads.iter().enumerate() {
            if workload.name == name && here(&workload.namespace) && is(&workload.kind) {
                let text = format!("{}/{}/{name}", workload.namespace, workload.kind.to_lowercase());
                found.push((Place::Workload(index), text));
            }
        }
        if found.is_empty() {
            for (index, pod) in self.cluster.pods.iter().enumerate() {
                if !pod.template && pod.name == name && here(&pod.namespace) && is("pod") {
                    found.push((Place::Pod(index), format!("{}/pod/{name}", pod.namespace)));
                }
            }
        }
        for (index, service) in self.services.all.iter().enumerate() {
            if service.name == name && here(&service.namespace) && is("service") {
                found.push((Place::Service(index), format!("{}/service/{name}", service.namespace)));
            }
        }
        found
    }

    fn unknown(&self, text: &str, name: &str) -> String {
        let workloads = self.cluster.workloads.iter().map(|workload| (&workload.namespace, &workload.name));
        let services = self.services.all.iter().map(|service| (&service.namespace, &service.name));
        let all: Vec<(&String, &String)> = workloads.chain(services).collect();
        let same = all
            .iter()
            .find(|(_, other)| *other == name)
            .map(|(namespace, name)| format!("{namespace}/{name}"));
        let near = || nearest(name, all.iter().map(|(_, name)| name.as_str())).map(str::to_owned);
        match same.or_else(near) {
            Some(other) => format!("no workload, pod or Service is called \"{text}\"; is \"{other}\" meant?"),
            None => format!("no workload, pod or Service is called \"{text}\""),
        }
    }

    /// What an end is called.
    pub fn called(&self, place: Place) -> String {
        match place {
            Place::Workload(index) => {
                let workload = &self.cluster.workloads[index];
                format!("{}/{}", workload.namespace, workload.name)
            }
            Place::Pod(index) => {
                let pod = &self.cluster.pods[index];
                format!("{}/{}", pod.namespace, pod.name)
            }
            Place::Service(index) => {
                let service = &self.services.all[index];
                format!("Service {}/{}", service.namespace, service.name)
            }
            Place::Address(address) => address.to_string(),
            Place::Internet => "the internet".to_owned(),
        }
    }
}

/// The kind that a word stands for, in lower case.
fn kind_of(word: &str) -> Option<String> {
    let word = word.to_lowercase();
    let word = word.strip_suffix('s').filter(|word| !matches!(*word, "st" | "d" | "r")).unwrap_or(&word);
    let long = SHORT.iter().find(|(short, _)| *short == word).map_or(word, |(_, long)| long);
    (!long.is_empty()).then(|| long.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_and_ports_are_told_apart() {
        let tcp = |number| Some(WantedPort::Number(Port { protocol: Protocol::Tcp, number }));
        let udp = |number| Some(WantedPort::Number(Port { protocol: Protocol::Udp, number }));
        assert_eq!(split("backend:8080").unwrap(), ("backend", tcp(8080)));
        assert_eq!(split("shop/backend:53/udp").unwrap(), ("shop/backend", udp(53)));
        assert_eq!(split("backend:http").unwrap(), ("backend", Some(WantedPort::Name("http".to_owned()))));
        assert_eq!(split("backend").unwrap(), ("backend", None));
        assert_eq!(split("fd00::1").unwrap(), ("fd00::1", None));
        assert_eq!(split("[fd00::1]:80").unwrap(), ("fd00::1", tcp(80)));
        assert_eq!(split("10.0.0.1:80").unwrap(), ("10.0.0.1", tcp(80)));
        for wrong in ["backend:0", "backend:70000", "backend:80/icmp", "backend:", "backend:a b", "[::1"] {
            assert!(split(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn kinds_have_short_names() {
        for (word, kind) in [
            ("deploy", "deployment"),
            ("Deployments", "deployment"),
            ("sts", "statefulset"),
            ("ds", "daemonset"),
            ("svc", "service"),
            ("pods", "pod"),
        ] {
            assert_eq!(kind_of(word).as_deref(), Some(kind), "{word}");
        }
    }
}
