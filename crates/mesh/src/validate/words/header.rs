//! Names and values of headers. Sources: istio.io/istio `pkg/config/validation/validation.go`, `virtualservice.go`, `header_value_validator.go` and
//! `pkg/jwt/routing.go`.

use super::quoted;

const EMPTY: &str = "header name cannot be empty";

fn invalid(name: &str) -> String {
    format!("header name {name} is not a valid header name")
}

fn checked(name: &str, allowed: impl Fn(u8) -> bool) -> Option<String> {
    if name.is_empty() {
        return Some(EMPTY.to_owned());
    }
    (!name.bytes().all(allowed)).then(|| invalid(name))
}

/// Source: `ValidateStrictHTTPHeaderName`.
pub(in crate::validate) fn strict_name_error(name: &str) -> Option<String> {
    checked(name, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Source: `ValidateProbeHeaderName`.
pub(in crate::validate) fn probe_name_error(name: &str) -> Option<String> {
    checked(name, |byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether a byte may stand in a header's name. The reference's range from `+` to `.` holds the comma, too.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+,-.^_`|~".contains(&byte)
}

/// Source: `ValidateCORSHTTPHeaderName`.
pub(in crate::validate) fn any_header_name_error(name: &str) -> Option<String> {
    if name == "*" { None } else { checked(name, is_token) }
}

/// Whether a header's name stands for a claim of a token. Source: `ToRoutingClaim`.
pub(in crate::validate) fn is_claim(name: &str) -> bool {
    const CLAIMS: &str = "@request.auth.claims";
    let Some(start) = name.get(..CLAIMS.len()) else { return false };
    let rest = name.get(CLAIMS.len()..).unwrap_or_default();
    start.eq_ignore_ascii_case(CLAIMS)
        && ((rest.starts_with('.') && rest.len() > 1)
            || (rest.starts_with('[') && rest.ends_with(']') && rest.len() > 2))
}

/// Source: `ValidateHTTPHeaderNameOrJwtClaimRoute`.
pub(in crate::validate) fn match_name_error(name: &str) -> Option<String> {
    let is_pseudo = matches!(name, ":method" | ":scheme" | ":authority" | ":path" | ":status");
    if is_pseudo || is_claim(name) { None } else { checked(name, is_token) }
}

/// Whether a header is the host that is asked for. Source: `isAuthorityHeader`.
pub(in crate::validate) fn is_authority(name: &str) -> bool {
    name.eq_ignore_ascii_case(":authority") || name.eq_ignore_ascii_case("host")
}

/// Source: `ValidateHTTPHeaderWithAuthorityOperationName`.
pub(in crate::validate) fn authority_operation_error(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some(EMPTY.to_owned());
    }
    (name.starts_with(':') && !is_authority(name)).then(|| colon(name))
}

fn colon(name: &str) -> String {
    format!("invalid header {}: header cannot have \":\" prefix", quoted(name))
}

/// Source: `ValidateHTTPHeaderOperationName`.
pub(in crate::validate) fn operation_error(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some(EMPTY.to_owned());
    }
    if name.eq_ignore_ascii_case("host") {
        return Some(format!("invalid header {}: cannot set Host header", quoted(name)));
    }
    name.starts_with(':').then(|| colon(name))
}

/// Source: `ValidateHTTPHeaderValue`.
pub(in crate::validate) fn value_error(value: &str) -> Option<String> {
    if value.bytes().any(|byte| (byte < b' ' && byte != b'\t') || byte == 0x7f) {
        return Some(format!("header value configuration {value} is invalid"));
    }
    format_error(value)
        .map(|error| format!("header value configuration: invalid header configuration. {error}"))
}

/// Where in a value that Envoy fills in a reader stands: `%VAR(["a", "b"])%`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Literal,
    Name,
    Array,
    Text,
    String,
    Delimiter,
    ArgumentsEnd,
    VariableEnd,
}

/// Source: `validateHeaderValue`.
fn format_error(value: &str) -> Option<String> {
    let bytes = value.as_bytes();
    let (mut at, mut state) = (0, State::Literal);
    while let Some(&byte) = bytes.get(at) {
        let next = bytes.get(at + 1);
        let is_space = byte == b' ';
        match (state, byte) {
            (State::Literal, b'%') => match next {
                None => return Some("Un-escaped %".to_owned()),
                Some(b'%') => at += 1,
                Some(_) => state = State::Name,
            },
            (State::Name | State::VariableEnd, b'%') => state = State::Literal,
            (State::Name, b'(') => state = State::Array,
            (State::Array, b'[') => state = State::Text,
            (State::Array, _) if !is_space => state = State::String,
            (State::Delimiter, b',') => state = State::Text,
            (State::Delimiter, b']') => state = State::ArgumentsEnd,
            (State::Delimiter, _) if !is_space => {
                return Some("Expecting ',', ']', or whitespace".to_owned());
            }
            (State::Text, b'"') => state = State::String,
            (State::Text, _) if !is_space => return Some("Expecting '\"'".to_owned()),
            (State::String, b'\\') => {
                if next.is_none() {
                    return Some("Un-terminated backslash in JSON string".to_owned());
                }
                at += 1;
            }
            (State::String | State::ArgumentsEnd, b')') => state = State::VariableEnd,
            (State::String, b'"') => state = State::Delimiter,
            (State::ArgumentsEnd, _) if !is_space => {
                return Some("Expecting ')' or whitespace after '{}', but found '{}'".to_owned());
            }
            (State::VariableEnd, _) if !is_space => {
                return Some("Expecting '%' or whitespace after".to_owned());
            }
            _ => {}
        }
        at += 1;
    }
    (state != State::Literal).then(|| format!("Un-terminated variable expression '{value}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_envoy_can_fill_in() {
        for good in ["", "a%%b", "%REQ(a)%", "%VAR([\"a\", \"b\\\"\"])%", "%A%"] {
            assert_eq!(value_error(good), None, "{good}");
        }
        for (bad, what) in [
            ("%", "Un-escaped %"),
            ("%A", "Un-terminated variable expression '%A'"),
            ("%A([b])%", "Expecting '\"'"),
            ("%A([\"b\"c])%", "Expecting ',', ']', or whitespace"),
            ("%A(b)c%", "Expecting '%' or whitespace after"),
            ("%A(b\\", "Un-terminated backslash in JSON string"),
        ] {
            let message = format!("header value configuration: invalid header configuration. {what}");
            assert_eq!(value_error(bad), Some(message));
        }
        assert!(value_error("a\nb").is_some());
    }

    #[test]
    fn names_have_their_letters() {
        assert_eq!(match_name_error("@request.auth.claims[a]"), None);
        assert_eq!(match_name_error("@request.auth.claims"), Some(invalid("@request.auth.claims")));
        assert_eq!(match_name_error(":path"), None);
        assert!(any_header_name_error("*").is_none() && any_header_name_error("a b").is_some());
        assert!(operation_error("Host").is_some() && authority_operation_error("Host").is_none());
        assert!(operation_error(":a").is_some() && authority_operation_error(":a").is_some());
    }
}
