//! What one proxy makes of a call: its policies, what is not known of the call, the rule that decides, or the nearest miss.

use std::sync::Arc;

use ringwall_mesh::authorization::compile::{Compiled, Layer};
use ringwall_mesh::authorization::judge::{Authorizer, Because, Decision, Miss, Verdict as Fate};
use ringwall_mesh::authorization::policy::AuthorizationPolicy;
use ringwall_mesh::authorization::request::{Http, Request, Token, TokenPlace};
use ringwall_mesh::authorization::select::{Workload as Selected, select};
use ringwall_mesh::place::Place;
use ringwall_mesh::request_authentication::{BadToken, RequestAuthentication, TokenRules};
use ringwall_mesh::ztunnel::{Ambient, AmbientWorkload, Connection};
use ringwall_model::address::Address;
use ringwall_model::finding::Verdict;
use ringwall_model::path::FieldPath;

use super::{AskedToken, Backend, Call, Judged, Policies, Told};
use crate::mesh::Meshed;
use crate::mesh::unknown::{self, Reads, Unknown};

/// Whose policies are asked.
pub(super) struct Guard<'g> {
    /// The workload whose proxy asks them.
    pub(super) selected: Selected<'g>,
    /// The port at which it is called.
    pub(super) port: u16,
    /// Whether ztunnel is its proxy, to which mutual TLS that is demanded is a policy too.
    pub(super) is_ambient: bool,
}

/// Who calls a proxy.
pub(super) struct Caller<'c> {
    /// Its identity; nothing where it has none.
    pub(super) peer: Option<&'c str>,
    /// Where the connection comes from, where that is known.
    pub(super) source: Option<Address>,
}

/// How a policy is called.
fn named(policy: &AuthorizationPolicy) -> String {
    format!("AuthorizationPolicy {}/{}", policy.namespace, policy.name)
}

impl Meshed<'_> {
    /// What one proxy makes of the call.
    pub(super) fn judge(
        &self,
        call: &Call<'_>,
        caller: &Caller<'_>,
        guard: &Guard<'_>,
        backend: Backend,
        policies: &Policies,
    ) -> Judged {
        let mesh = &self.mesh;
        let Guard { selected: of, port, is_ambient } = guard;
        let peer = caller.peer;
        let source = caller.source;
        let root = &mesh.config.root_namespace;
        let chosen = select(&policies.all, of, root);
        let (layer, reads) = match backend {
            Backend::None => {
                let mut judged = Judged::new(Verdict::Yes, "no proxy: nothing is enforced");
                for index in &chosen {
                    let policy = &policies.all[*index];
                    let what = format!(
                        "AuthorizationPolicy {}/{} selects it and does nothing",
                        policy.namespace, policy.name
                    );
                    judged.because.push(self.told(policy, &FieldPath::root(), what));
                }
                return judged;
            }
            Backend::SidecarHttp | Backend::Waypoint | Backend::Gateway => {
                (Layer::Http, Reads::Envoy(Layer::Http))
            }
            Backend::SidecarTcp | Backend::WaypointTcp => (Layer::Tcp, Reads::Envoy(Layer::Tcp)),
            Backend::Ztunnel => (Layer::Tcp, Reads::Ztunnel),
        };
        let mut unknown = vec![Unknown::Destination, Unknown::Noted];
        unknown.extend(peer.map(|_| Unknown::Sni));
        let forwarded = call.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("x-forwarded-for"));
        unknown.extend(source.is_none().then_some(Unknown::Source));
        unknown.extend((source.is_none() && !forwarded).then_some(Unknown::Remote));
        unknown.extend(call.host.is_none().then_some(Unknown::Host));
        unknown.extend(call.method.is_none().then_some(Unknown::Method));
        unknown.extend(call.path.is_none().then_some(Unknown::Path));
        unknown.extend(call.headers.is_empty().then_some(Unknown::Header));
        let http = Http {
            method: call.method.unwrap_or("GET"),
            path: call.path.unwrap_or("/"),
            host: call.host.unwrap_or_default(),
            headers: &call.headers,
            token: match call.token {
                AskedToken::Missing => Token::Missing,
                AskedToken::Bad => Token::Broken,
                AskedToken::Claims(node) => Token::Valid(node),
            },
            token_at: TokenPlace::Authorization,
        };
        let ask = |all: &[AuthorizationPolicy], source: Option<Address>| -> (Decision, Vec<Miss>) {
            if reads == Reads::Ztunnel {
                let peers = if *is_ambient { mesh.peers.all.clone() } else { Vec::new() };
                let ambient = Ambient::new(all, peers, &mesh.config);
                let bound = ambient.bind(&AmbientWorkload { namespace: of.namespace, labels: of.labels });
                let peer = peer.map(|peer| peer.strip_prefix("spiffe://").unwrap_or(peer));
                let connection = Connection { peer, source, destination: None, port: *port };
                return (bound.judge(&connection), bound.misses(&connection));
            }
            let compiled =
                chosen.iter().map(|index| Arc::new(Compiled::new(&all[*index], *index, layer, &mesh.config)));
            let tokens = TokenRules::for_workload(&policies.tokens, of, root);
            let authorizer = Authorizer::new(compiled, tokens, layer, &mesh.config);
            let request = Request {
                peer,
                source,
                destination: None,
                port: *port,
                sni: "",
                http: (layer == Layer::Http).then_some(http),
            };
            (authorizer.judge(&request), authorizer.misses(&request))
        };
        let (decision, misses) = ask(&policies.all, source);
        let lean = |lets_in| {
            let all: Vec<_> = policies
                .all
                .iter()
                .map(|one| unknown::leaning(one, &unknown, reads, lets_in, *port))
                .collect();
            ask(&all, source.or(Some(Address::from(std::net::Ipv4Addr::new(192, 0, 2, 1))))).0
        };
        let [out, into] = [lean(false), lean(true)];
        let is_open = (out.verdict == Fate::Allow) != (into.verdict == Fate::Allow)
            || out.asks.is_some() != into.asks.is_some();
        if is_open {
            let mut judged = Judged::new(Verdict::CannotTell, "it depends on what is not known of the call");
            for index in &chosen {
                let policy = &policies.all[*index];
                for (what, place) in unknown::asked(policy, &unknown, reads) {
                    judged.because.push(self.told(policy, &place.path(), what.words().to_owned()));
                }
            }
            return judged;
        }
        let mut judged = self.decided(&decision, &misses, policies);
        if matches!(decision.because, Because::Token(_)) {
            self.tokens(&mut judged, of, policies);
        }
        if backend == Backend::Gateway && judged.verdict == Verdict::Yes {
            judged.verdict = Verdict::CannotTell;
            judged.reason =
                format!("{}, and the gateway's listeners decide, which are not judged", judged.reason);
        }
        judged
    }

    /// Names what says which tokens are believed.
    fn tokens(&self, judged: &mut Judged, of: &Selected<'_>, policies: &Policies) {
        let root = &self.mesh.config.root_namespace;
        let is_for = |one: &&RequestAuthentication| {
            of.takes(&one.namespace, one.selector.as_ref(), &one.targets, root)
        };
        for one in policies.tokens.iter().filter(is_for) {
            let issuers: Vec<&str> = one.rules.iter().map(|rule| rule.issuer.as_str()).collect();
            let what = format!(
                "RequestAuthentication {}/{} believes tokens of {}",
                one.namespace,
                one.name,
                issuers.join(", ")
            );
            let place = Place { object: one.object, path: FieldPath::keys(&["spec", "jwtRules"]) };
            judged.because.push(Told { what, location: self.location(&place) });
        }
    }

    /// What of the policies a proxy does not see, and so does not enforce as it is written.
    pub(super) fn unseen(&self, guard: &Guard<'_>, backend: Backend, policies: &Policies) -> Vec<Told> {
        let mesh = &self.mesh;
        let chosen = select(&policies.all, &guard.selected, &mesh.config.root_namespace);
        let mut told = Vec::new();
        match backend {
            Backend::Ztunnel => {
                let ambient = Ambient::new(&policies.all, Vec::new(), &mesh.config);
                for index in chosen {
                    let policy = &policies.all[index];
                    if let Some(status) = ambient.status(index) {
                        let what = format!("{}: {status}", named(policy));
                        told.push(self.told(policy, &FieldPath::keys(&["spec"]), what));
                    }
                }
            }
            Backend::SidecarTcp => {
                for index in chosen {
                    let policy = &policies.all[index];
                    let compiled = Compiled::new(policy, index, Layer::Tcp, &mesh.config);
                    for rule in &compiled.dropped {
                        let what = format!(
                            "{}: rule {} speaks of requests, and is left out",
                            named(policy),
                            rule + 1
                        );
                        told.push(self.told(policy, &AuthorizationPolicy::rule_path(*rule), what));
                    }
                    for place in &compiled.widened {
                        let what = format!(
                            "{}: {} is not seen, and the rest of its rule matches more",
                            named(policy),
                            place.path()
                        );
                        told.push(self.told(policy, &place.path(), what));
                    }
                }
            }
            _ => {}
        }
        told
    }

    fn decided(&self, decision: &Decision, misses: &[Miss], policies: &Policies) -> Judged {
        // Which authorizers there are is in the mesh's configuration.
        let knows_none = decision.because == Because::NobodyToAsk && self.configured.is_none();
        let verdict = match (decision.verdict, decision.asks) {
            _ if knows_none => Verdict::CannotTell,
            (Fate::Allow, Some(_)) => Verdict::CannotTell,
            (Fate::Allow, None) => Verdict::Yes,
            _ => Verdict::No,
        };
        let reason = match decision.because {
            _ if knows_none => {
                "a CUSTOM policy matches, and which authorizers the mesh has is not in the input"
            }
            _ if verdict == Verdict::CannotTell => "a CUSTOM policy asks an authorizer outside of the mesh",
            Because::Free => "no policy keeps it out",
            Because::Matched if verdict == Verdict::Yes => "an ALLOW rule matches",
            Because::Matched if decision.policy.is_none() => {
                "a PeerAuthentication demands mutual TLS, and the client shows no certificate"
            }
            Because::Matched => "a DENY rule matches",
            Because::NobodyToAsk => "a CUSTOM policy matches, and its authorizer cannot be asked",
            Because::NotAllowed => "no ALLOW rule matches",
            Because::Token(BadToken::Broken) => "the token must not be believed",
            Because::Token(BadToken::UnknownIssuer) => "no RequestAuthentication names the token's issuer",
            Because::Token(BadToken::Audience) => "the token is for other audiences",
            Because::Path(_) => "the proxy does not take the path",
            Because::MissingPolicy => "a policy that ztunnel is pointed to is never sent to it",
        };
        let mut judged = Judged::new(verdict, reason);
        if let Some(policy) = decision.asks.and_then(|index| policies.all.get(index)) {
            let what = format!(
                "AuthorizationPolicy {}/{} asks `{}`",
                policy.namespace, policy.name, policy.provider
            );
            judged.because.push(self.told(policy, &FieldPath::keys(&["spec"]), what));
        }
        if let (Some(index), Some(rule)) = (decision.policy, decision.rule)
            && let Some(policy) = policies.all.get(index)
        {
            let what = format!(
                "AuthorizationPolicy {}/{}: {} rule {}",
                policy.namespace,
                policy.name,
                policy.action.name(),
                rule + 1
            );
            judged.because.push(self.told(policy, &AuthorizationPolicy::rule_path(rule), what));
        }
        if decision.because == Because::NotAllowed
            && let Some(miss) = misses.first()
            && let Some(policy) = policies.all.get(miss.policy)
        {
            let name = named(policy);
            if miss.fields.is_empty() {
                judged.misses.push(self.told(
                    policy,
                    &FieldPath::root(),
                    format!("{name} has no rule that this proxy can match"),
                ));
            }
            for field in &miss.fields {
                let what = format!("{name}: {} does not match", field.path());
                judged.misses.push(self.told(policy, &field.path(), what));
            }
        }
        judged
    }

    fn told(&self, policy: &AuthorizationPolicy, path: &FieldPath, what: String) -> Told {
        Told { what, location: self.location(&Place { object: policy.object, path: path.clone() }) }
    }
}
