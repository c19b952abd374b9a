//! Signing in: the token is exchanged for a cookie, because a browser's `EventSource` carries no header.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Shared;
use super::answer::{Answer, json};
use super::guard::{Pass, is_same, may_pass};
use super::input;
use super::problem::Problem;

/// The token, to be exchanged for a cookie.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    /// The token that the lab was started with.
    token: String,
}

/// The state of a browser's sign-in.
#[derive(Serialize, JsonSchema)]
pub(super) struct SignInView {
    /// True if this lab requires a token.
    required: bool,
    /// True if this request carried it, or none is required.
    signed_in: bool,
}

/// The cookie that stands for the token. Cookies know no ports, so the name tells labs of one machine apart.
#[derive(Debug)]
pub(super) struct Cookie {
    name: String,
    value: String,
    path: String,
}

impl Cookie {
    /// Makes the cookie of a lab. Its value does not reveal the token, and is of no use with the next lab.
    pub(super) fn new(port: u16, instance: &str, token: &str, base: &str) -> Self {
        let digest = Sha256::new().chain_update("starttls-lab sign-in ").chain_update(instance);
        let digest = digest.chain_update(" ").chain_update(token).finalize();
        let value = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { name: format!("starttls-lab-{port}"), value, path: format!("{base}/") }
    }

    /// Returns whether a request carries it.
    pub(super) fn is_in(&self, headers: &HeaderMap) -> bool {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.any(|(name, value)| name == self.name && is_same(value, &self.value))
    }

    fn set(&self, value: &str, more: &str) -> Response {
        let mut response = StatusCode::NO_CONTENT.into_response();
        let Self { name, path, .. } = self;
        let cookie = format!("{name}={value}; Path={path}; HttpOnly; SameSite=Strict{more}");
        let cookie = HeaderValue::from_str(&cookie).ok().map(|cookie| (header::SET_COOKIE, cookie));
        response.headers_mut().extend(cookie);
        response
    }
}

pub(super) async fn show(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Answer {
    let signed_in = may_pass(&headers, shared.pass.as_ref()).is_ok();
    json(&SignInView { required: shared.pass.is_some(), signed_in })
}

pub(super) async fn sign_in(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    // Over HTTPS, as behind a proxy, the cookie is for HTTPS only.
    let is_secure =
        headers.get(header::ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https://"));
    let more = if is_secure { "; Secure" } else { "" };
    let SignIn { token: given } = input::json(body).await?;
    match &shared.pass {
        Some(Pass { token, cookie }) if is_same(&given, token) => Ok(cookie.set(&cookie.value, more)),
        Some(_) => Err(Problem::new(StatusCode::UNAUTHORIZED, "that is not the token of this lab")),
        None => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

pub(super) async fn sign_out(State(shared): State<Arc<Shared>>) -> Response {
    match &shared.pass {
        Some(pass) => pass.cookie.set("", "; Max-Age=0"),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}
