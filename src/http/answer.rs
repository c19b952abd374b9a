//! The answers of handlers that succeed.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;

use super::problem::Problem;
use crate::journal::safe_json;

/// The result of a handler.
pub(super) type Answer = Result<Response, Problem>;

/// Answers with a value as JSON.
pub(super) fn json(value: &impl Serialize) -> Answer {
    let text = serde_json::to_string(value)
        .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok(typed("application/json", safe_json(text)))
}

/// Answers with bytes of a media type.
pub(super) fn typed(media_type: &'static str, bytes: impl Into<Body>) -> Response {
    let mut response = Response::new(bytes.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// Makes an answer a file to be saved and never shown, called `name` as far as a name of a file may be
/// written.
pub(super) fn attachment(mut response: Response, name: &str) -> Response {
    let cleaned = |is_allowed: fn(char) -> bool| {
        let name: String = name.chars().map(|c| if is_allowed(c) { c } else { '_' }).take(100).collect();
        let name = name.trim_start_matches('.');
        if name.is_empty() { "part".to_owned() } else { name.to_owned() }
    };
    let (plain, full) = (cleaned(is_plain), cleaned(|c| is_plain(c) || c.is_alphanumeric()));
    // Letters beyond ASCII are for those who read RFC 6266, which are all browsers.
    let full = if full == plain { String::new() } else { format!("; filename*=UTF-8''{}", segment(&full)) };
    let value = HeaderValue::from_str(&format!("attachment; filename=\"{plain}\"{full}")).ok();
    let value = value.unwrap_or(HeaderValue::from_static("attachment"));
    response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    response
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ' | '(' | ')')
}

/// Answers that something was created, with its location.
pub(super) fn created(value: &impl Serialize, location: &str) -> Answer {
    let mut response = json(value)?;
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Returns a segment of a path, percent-encoded where it has to be (RFC 3986 section 3.3).
pub(super) fn segment(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
