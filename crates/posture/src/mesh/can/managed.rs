//! Gateways of the Gateway API whose pods istiod makes: they are in no file, and are asked about by their Gateway.

use ringwall_mesh::authorization::select::{GATEWAY_NAME, Workload as Selected};
use ringwall_mesh::gateways::account_of_gateway;
use ringwall_mesh::place::Pairs;
use ringwall_model::finding::Location;
use ringwall_model::object::Object;
use ringwall_model::path::FieldPath;
use ringwall_model::tree::Node;

use super::judge::{Caller, Guard};
use super::{Backend, Call, Client, Policies, Told, Way};
use crate::mesh::Meshed;

/// The API group of Gateways.
const GROUP: &str = "gateway.networking.k8s.io";

impl Meshed<'_> {
    /// The Gateways of the Gateway API in a namespace.
    pub(super) fn managed_gateways(&self, namespace: &str) -> impl Iterator<Item = &Object> {
        let all = self.snapshot.of_kind(GROUP, "Gateway");
        all.filter(move |object| object.id.namespace.as_deref().unwrap_or("default") == namespace)
    }

    /// The Gateway that a text names, `NAMESPACE/NAME` or `Gateway/NAMESPACE/NAME`, where no workload of the input has the name.
    pub(super) fn managed_gateway(&self, text: &str) -> Option<&Object> {
        let parts: Vec<&str> = text.split('/').collect();
        let (namespace, name) = match parts.as_slice() {
            [namespace, name] => (*namespace, *name),
            [kind, namespace, name] if kind.eq_ignore_ascii_case("Gateway") => (*namespace, *name),
            _ => return None,
        };
        let is_service =
            |one: &ringwall_mesh::services::Service| one.namespace == namespace && one.name == name;
        if !self.named(text).is_empty() || (parts.len() == 2 && self.mesh.services.iter().any(is_service)) {
            return None;
        }
        self.managed_gateways(namespace).find(|object| object.id.name == name)
    }

    /// A Gateway as a client: its account.
    ///
    /// # Errors
    /// One whose pods are not made by istiod, or not by a class that is known.
    pub(super) fn managed_client(&self, gateway: &Object) -> Result<Client, String> {
        let namespace = gateway.id.namespace.as_deref().unwrap_or("default");
        let account = account_of_gateway(gateway).ok_or_else(|| {
            format!(
                "which account the pods of {} have is not known: ask by it, as TRUST-DOMAIN/ns/{namespace}/sa/ACCOUNT",
                gateway.id
            )
        })?;
        Ok(Client::Principal(format!(
            "spiffe://{}/ns/{namespace}/sa/{account}",
            self.mesh.config.trust_domain
        )))
    }

    /// The way to a Gateway.
    ///
    /// # Errors
    /// A Gateway that has no listener on the port.
    pub(super) fn to_managed(
        &self,
        client: &Client,
        call: &Call<'_>,
        gateway: &Object,
        policies: &Policies,
    ) -> Result<Way, String> {
        let listeners = gateway.root().at(&["spec", "listeners"]).into_iter().flat_map(Node::items);
        let port = |listener: &Node<'_>| listener.get("port").and_then(Node::as_u64);
        let is_it = |(_, listener): &(usize, Node<'_>)| port(listener) == Some(u64::from(call.port));
        let Some((index, _)) = listeners.enumerate().find(is_it) else {
            return Err(format!("{} has no listener on port {}", gateway.id, call.port));
        };
        let path = FieldPath::keys(&["spec", "listeners"]).index(index);
        let namespace = gateway.id.namespace.as_deref().unwrap_or("default");
        let (name, who) = self.who(client);
        let mut labels: Pairs = vec![(GATEWAY_NAME.into(), gateway.id.name.as_str().into())];
        let stated = gateway.root().at(&["spec", "infrastructure", "labels"]);
        labels.extend(
            stated
                .into_iter()
                .flat_map(Node::entries)
                .filter_map(|entry| Some((entry.key.into(), entry.value.as_str()?.into()))),
        );
        labels.sort();
        let selected = Selected { namespace, labels: &labels, is_waypoint: false, service: None };
        let guard = Guard { selected, port: call.port, is_ambient: false };
        let caller = Caller { peer: None, source: call.source };
        Ok(Way {
            client: name,
            server: gateway.id.to_string(),
            port: call.port,
            service: None,
            transport: vec![Told {
                what: "a listener of a gateway whose pods istiod makes".to_owned(),
                location: Some(Location::of(gateway, &path)),
            }],
            outcome: None,
            identity: None,
            backend: Backend::Gateway,
            judged: self.at_gateway(call, (&caller, &who), &guard, policies),
            others: Vec::new(),
            remarks: Vec::new(),
        })
    }
}
