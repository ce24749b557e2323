//! JSON into [`Event`]s, as Go's `encoding/json` fills the API's types: fields of other names are passed over, `null` is a field that is
//! not there, the last of repeated keys stands.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use ringwall_model::audit::{AuthenticationMetadata, Event, ObjectRef, ResponseStatus, User};
use serde_json::value::RawValue;

use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor,
};

/// What an object says that it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Head<'a> {
    pub(super) kind: Cow<'a, str>,
    pub(super) api_version: Cow<'a, str>,
}

/// What an object is to a reader of audit events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// An event.
    Event,
    /// A list that may hold events.
    List,
    /// It does not say.
    Unknown,
    /// Something else.
    Foreign,
}

impl Head<'_> {
    /// Source: `pkg/apis/audit` of k8s.io/apiserver; `List` is what kubectl puts around any objects. What is not written is not held
    /// against it: items of an `EventList` need neither, and in sorted keys `kind` comes after `items`.
    pub(super) fn sort(&self) -> Sort {
        let audit = matches!(&*self.api_version, "" | "audit.k8s.io/v1" | "audit.k8s.io/v1beta1");
        match &*self.kind {
            "" if audit || self.api_version == "v1" => Sort::Unknown,
            "Event" if audit => Sort::Event,
            "EventList" if audit => Sort::List,
            "List" if matches!(&*self.api_version, "" | "v1") => Sort::List,
            _ => Sort::Foreign,
        }
    }

    /// Kind and version, for people.
    pub(super) fn shown(&self) -> String {
        match (&*self.kind, &*self.api_version) {
            ("", "") => "an object without kind".to_owned(),
            ("", version) => format!("an object of {version} without kind"),
            (kind, "") => kind.to_owned(),
            (kind, version) => format!("{kind} of {version}"),
        }
    }

    pub(super) fn into_owned(self) -> Head<'static> {
        Head { kind: self.kind.into_owned().into(), api_version: self.api_version.into_owned().into() }
    }
}

/// An object that may be an event. With `BODIES`, the objects of request and response are kept as text. Without `ITEMS`, something
/// called `items` in what does not say to be an event is an error: nobody wants to come to the end of a list to learn that it is one.
#[derive(Debug, Default)]
pub(super) struct Item<'a, const BODIES: bool, const ITEMS: bool> {
    pub(super) head: Head<'a>,
    pub(super) event: Event<'a>,
}

impl<const BODIES: bool, const ITEMS: bool> Item<'_, BODIES, ITEMS> {
    /// What it is. One that does not say is an event if it has an event's identifier: so are the items of an `EventList`.
    pub(super) fn sort(&self) -> Sort {
        match self.head.sort() {
            Sort::Unknown if !self.event.audit_id.is_empty() => Sort::Event,
            sort => sort,
        }
    }
}

/// A place that is filled from what is written.
trait Fill<'de> {
    fn fill<D: Deserializer<'de>>(&mut self, from: D) -> Result<(), D::Error>;
}

/// Fills what it points to.
struct Into<'x, T>(&'x mut T);

impl<'de, T: Fill<'de>> DeserializeSeed<'de> for Into<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        self.0.fill(from)
    }
}

/// A text, borrowed where that can be.
impl<'de> Fill<'de> for Cow<'de, str> {
    fn fill<D: Deserializer<'de>>(&mut self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(Into(self))
    }
}

impl<'de> Visitor<'de> for Into<'_, Cow<'de, str>> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<(), E> {
        *self.0 = Cow::Borrowed(text);
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        *self.0 = Cow::Owned(text.to_owned());
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// The key of an entry.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        let mut key = Cow::Borrowed("");
        from.deserialize_str(Into(&mut key))?;
        Ok(key)
    }
}

impl<'de> Fill<'de> for i32 {
    fn fill<D: Deserializer<'de>>(&mut self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(Into(self))
    }
}

impl Visitor<'_> for Into<'_, i32> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number of 32 bits")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        *self.0 = i32::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))?;
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        *self.0 = i32::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))?;
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// What Go points to: nothing where `null` is written.
impl<'de, T: Fill<'de> + Default> Fill<'de> for Option<T> {
    fn fill<D: Deserializer<'de>>(&mut self, from: D) -> Result<(), D::Error> {
        from.deserialize_option(Into(self))
    }
}

impl<'de, T: Fill<'de> + Default> Visitor<'de> for Into<'_, Option<T>> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        *self.0 = None;
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        self.0.insert(T::default()).fill(from)
    }
}

impl<'de, T: Fill<'de> + Default> Fill<'de> for Vec<T> {
    fn fill<D: Deserializer<'de>>(&mut self, from: D) -> Result<(), D::Error> {
        self.clear();
        from.deserialize_any(Into(self))
    }
}

impl<'de, T: Fill<'de> + Default> Visitor<'de> for Into<'_, Vec<T>> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut item = T::default();
        while items.next_element_seed(Into(&mut item))?.is_some() {
            self.0.push(std::mem::take(&mut item));
        }
        Ok(())
    }
}

impl<'de, T: Fill<'de> + Default> Fill<'de> for BTreeMap<Cow<'de, str>, T> {
    fn fill<D: Deserializer<'de>>(&mut self, from: D) -> Result<(), D::Error> {
        self.clear();
        from.deserialize_any(Into(self))
    }
}

impl<'de, T: Fill<'de> + Default> Visitor<'de> for Into<'_, BTreeMap<Cow<'de, str>, T>> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(key) = entries.next_key_seed(Key)? {
            let mut value = T::default();
            entries.next_value_seed(Into(&mut value))?;
            self.0.insert(key, value);
        }
        Ok(())
    }
}

/// The object of a request or response, as text.
struct Body<'x, 'de>(&'x mut Option<&'de str>);

impl<'de> DeserializeSeed<'de> for Body<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        let text = <&RawValue>::deserialize(from)?.get();
        *self.0 = (text != "null").then_some(text);
        Ok(())
    }
}

/// Fills one entry of an object.
trait Fields<'de> {
    fn field<A: MapAccess<'de>>(&mut self, key: &str, entries: &mut A) -> Result<(), A::Error>;
}

/// An object whose fields are known.
struct Object<'x, T>(&'x mut T);

impl<'de, T: Fields<'de>> Visitor<'de> for Object<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(key) = entries.next_key_seed(Key)? {
            self.0.field(&key, &mut entries)?;
        }
        Ok(())
    }
}

/// Passes over a value.
fn pass<'de, A: MapAccess<'de>>(entries: &mut A) -> Result<(), A::Error> {
    entries.next_value::<IgnoredAny>().map(|_| ())
}

/// Which key fills which field.
macro_rules! fields {
    ($($type:ident { $($key:literal => $field:ident),* $(,)? })*) => {$(
        impl<'de> Fill<'de> for $type<'de> {
            fn fill<D: Deserializer<'de>>(&mut self, from: D) -> Result<(), D::Error> {
                from.deserialize_any(Object(self))
            }
        }
        impl<'de> Fields<'de> for $type<'de> {
            fn field<A: MapAccess<'de>>(&mut self, key: &str, entries: &mut A) -> Result<(), A::Error> {
                match key {
                    $($key => entries.next_value_seed(Into(&mut self.$field)),)*
                    _ => pass(entries),
                }
            }
        }
    )*};
}

fields! {
    Event {
        "level" => level,
        "auditID" => audit_id,
        "stage" => stage,
        "requestURI" => request_uri,
        "verb" => verb,
        "user" => user,
        "impersonatedUser" => impersonated_user,
        "authenticationMetadata" => authentication_metadata,
        "sourceIPs" => source_ips,
        "userAgent" => user_agent,
        "objectRef" => object_ref,
        "responseStatus" => response_status,
        "requestReceivedTimestamp" => request_received_timestamp,
        "stageTimestamp" => stage_timestamp,
        "annotations" => annotations,
    }
    User { "username" => username, "uid" => uid, "groups" => groups, "extra" => extra }
    AuthenticationMetadata { "impersonationConstraint" => impersonation_constraint }
    ObjectRef {
        "resource" => resource,
        "namespace" => namespace,
        "name" => name,
        "uid" => uid,
        "apiGroup" => api_group,
        "apiVersion" => api_version,
        "resourceVersion" => resource_version,
        "subresource" => subresource,
    }
    ResponseStatus { "status" => status, "message" => message, "reason" => reason, "code" => code }
    Head { "kind" => kind, "apiVersion" => api_version }
}

impl<'de, const BODIES: bool, const ITEMS: bool> Fields<'de> for Item<'de, BODIES, ITEMS> {
    fn field<A: MapAccess<'de>>(&mut self, key: &str, entries: &mut A) -> Result<(), A::Error> {
        match key {
            "kind" | "apiVersion" => self.head.field(key, entries),
            "requestObject" if BODIES => entries.next_value_seed(Body(&mut self.event.request_object)),
            "responseObject" if BODIES => entries.next_value_seed(Body(&mut self.event.response_object)),
            "items" if !ITEMS && self.head.sort() != Sort::Event => Err(A::Error::custom("a list")),
            _ => self.event.field(key, entries),
        }
    }
}

impl<'de, const BODIES: bool, const ITEMS: bool> Item<'de, BODIES, ITEMS> {
    /// Fills it, where it stands, from an object.
    pub(super) fn fill<D: Deserializer<'de>>(&mut self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(Object(self))
    }
}

impl<'de, const BODIES: bool, const ITEMS: bool> Deserialize<'de> for Item<'de, BODIES, ITEMS> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut item = Self::default();
        item.fill(from)?;
        Ok(item)
    }
}

impl<'de> Deserialize<'de> for Head<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut head = Self::default();
        from.deserialize_map(Object(&mut head))?;
        Ok(head)
    }
}
