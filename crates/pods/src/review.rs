//! An `AdmissionReview` of `admission.k8s.io/v1`, from document to bytes.
//!
//! The reference's webhook sends the whole review back, its request included; so does this. The request is
//! repeated as it was written, byte for byte, and not decoded and encoded again.
//! Source: k8s.io/pod-security-admission `cmd/webhook/server/server.go`.

use std::fmt;

use ringwall_model::tree::{Kind, Node};

use crate::admission::{Admission, Cluster, Event, Request, Response};

/// A body that is no `AdmissionReview`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewError {
    /// What was expected, as a sentence without full stop.
    pub message: String,
}

impl fmt::Display for ReviewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReviewError {}

/// Answers the `AdmissionReview` in `review`, and appends the answer's bytes to `out`.
///
/// # Errors
/// A document that is no `AdmissionReview` with a request.
pub fn answer<'t>(
    admission: &Admission<'_>,
    review: Node<'t>,
    cluster: &dyn Cluster<'t>,
    events: &mut Vec<Event>,
    out: &mut Vec<u8>,
) -> Result<Response, ReviewError> {
    let refuse = |message: &str| Err(ReviewError { message: message.to_owned() });
    if review.str_at(&["kind"]) != Some("AdmissionReview") {
        return refuse("expected kind AdmissionReview");
    }
    if review.str_at(&["apiVersion"]) != Some("admission.k8s.io/v1") {
        return refuse("expected apiVersion admission.k8s.io/v1");
    }
    let Some(node) = review.get("request").filter(|node| node.kind() == Kind::Mapping) else {
        return refuse("expected a request");
    };
    let request = Request::read(node);
    let response = admission.review(&request, cluster, events);
    out.extend_from_slice(br#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":"#);
    out.extend_from_slice(node.raw().as_bytes());
    out.extend_from_slice(br#","response":"#);
    write_response(&request, &response, out);
    out.extend_from_slice(b"}\n");
    Ok(response)
}

fn write_response(request: &Request<'_>, response: &Response, out: &mut Vec<u8>) {
    #[derive(serde::Serialize)]
    struct WithUid<'r> {
        uid: &'r str,
        #[serde(flatten)]
        response: &'r Response,
    }
    // Writing to memory does not fail, and no value here refuses to be written.
    let written = serde_json::to_writer(&mut *out, &WithUid { uid: request.uid, response });
    debug_assert!(written.is_ok());
}
