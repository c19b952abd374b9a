//! Answers that are no failures.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;

use super::problem::Problem;
use crate::journal::safe_json;

/// What a handler comes to.
pub(super) type Answer = Result<Response, Problem>;

/// A value as JSON.
pub(super) fn json(value: &impl Serialize) -> Answer {
    let text = serde_json::to_string(value)
        .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok(typed("application/json", safe_json(text)))
}

/// Octets of a media type.
pub(super) fn typed(media_type: &'static str, octets: impl Into<Body>) -> Response {
    let mut response = Response::new(octets.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// Something that was made, and where it is found.
pub(super) fn created(value: &impl Serialize, location: &str) -> Answer {
    let mut response = json(value)?;
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// A segment of a path, percent-encoded where it has to be (RFC 3986 section 3.3).
pub(super) fn segment(text: &str) -> String {
    let encode = |octet: u8| match octet {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(octet).to_string(),
        _ => format!("%{octet:02X}"),
    };
    text.bytes().map(encode).collect()
}
