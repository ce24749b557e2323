//! What an API server writes down of the requests that it answered.
//!
//! Source of the types: `Event` of k8s.io/apiserver `pkg/apis/audit/v1/types.go`, `UserInfo` of k8s.io/api
//! `authentication/v1/types.go` and `Status` of k8s.io/apimachinery `pkg/apis/meta/v1/types.go`. As in Go, a text that is not
//! written is empty, and what Go points to is an `Option`.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// One stage of one request, as the audit log tells of it. Borrows from the text that it was read from where nothing is escaped there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event<'a> {
    /// How much is told: `Metadata`, `Request` or `RequestResponse`.
    pub level: Cow<'a, str>,
    /// The identifier of the request; its stages share it.
    pub audit_id: Cow<'a, str>,
    /// `RequestReceived`, `ResponseStarted`, `ResponseComplete` or `Panic`.
    pub stage: Cow<'a, str>,
    /// Path and query, as the client sent them.
    pub request_uri: Cow<'a, str>,
    /// The verb of the API; the method in small letters where the path is no resource's.
    pub verb: Cow<'a, str>,
    /// Who asked.
    pub user: User<'a>,
    /// In whose name, if not in the own one.
    pub impersonated_user: Option<User<'a>>,
    /// How it was shown who asks.
    pub authentication_metadata: Option<AuthenticationMetadata<'a>>,
    /// Where the request came from; the client may make up all but the last.
    pub source_ips: Vec<Cow<'a, str>>,
    /// What the client calls itself.
    pub user_agent: Cow<'a, str>,
    /// The object, where the path is a resource's.
    pub object_ref: Option<ObjectRef<'a>>,
    /// What was answered.
    pub response_status: Option<ResponseStatus<'a>>,
    /// The object that was sent, as JSON; read only where it is wanted.
    pub request_object: Option<&'a str>,
    /// The object that was answered, as JSON; read only where it is wanted.
    pub response_object: Option<&'a str>,
    /// When the request arrived, as RFC 3339 has it, as it is written.
    pub request_received_timestamp: Cow<'a, str>,
    /// When the stage was reached, as RFC 3339 has it, as it is written.
    pub stage_timestamp: Cow<'a, str>,
    /// What plugins of authentication, authorization and admission have noted.
    pub annotations: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
}

/// Somebody who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User<'a> {
    /// The name.
    pub username: Cow<'a, str>,
    /// Tells users of one name apart, who were there one after the other.
    pub uid: Cow<'a, str>,
    /// The groups.
    pub groups: Vec<Cow<'a, str>>,
    /// What the authenticator adds.
    pub extra: BTreeMap<Cow<'a, str>, Vec<Cow<'a, str>>>,
}

/// How it was shown who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthenticationMetadata<'a> {
    /// The verb of constrained impersonation that allowed to ask in another's name; empty where that was not needed.
    pub impersonation_constraint: Cow<'a, str>,
}

/// The object that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectRef<'a> {
    /// The resource, such as `pods`.
    pub resource: Cow<'a, str>,
    /// The namespace; empty where it has none.
    pub namespace: Cow<'a, str>,
    /// The name; empty where none is asked for.
    pub name: Cow<'a, str>,
    /// The object's identifier.
    pub uid: Cow<'a, str>,
    /// The API group; empty for the core group.
    pub api_group: Cow<'a, str>,
    /// The version of the API group.
    pub api_version: Cow<'a, str>,
    /// The version of the object.
    pub resource_version: Cow<'a, str>,
    /// The subresource, such as `log`.
    pub subresource: Cow<'a, str>,
}

/// What was answered, in short.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseStatus<'a> {
    /// `Success` or `Failure`; often empty.
    pub status: Cow<'a, str>,
    /// What happened, for people.
    pub message: Cow<'a, str>,
    /// Why it failed, for machines.
    pub reason: Cow<'a, str>,
    /// The HTTP status; 0 where none is told.
    pub code: i32,
}
