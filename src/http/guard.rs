//! The access check: it rejects requests that a website makes a browser send, and requests to the API without
//! the token or the cookie that stands for it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq as _;

use super::Shared;
use super::problem::{PROBLEM_JSON, Problem};
use super::sign_in::Cookie;
use crate::name::Fqdn;

/// The header that tells one lab from another.
const INSTANCE: HeaderName = HeaderName::from_static("x-lab-instance");

/// The pass that a request needs where a token is wanted.
#[derive(Debug)]
pub(super) struct Pass {
    /// The token, as `Authorization: Bearer`.
    pub(super) token: String,
    /// The cookie that a browser got for it.
    pub(super) cookie: Cookie,
}

/// The headers that every answer carries unless it has its own, for a browser: it shows nothing in somebody's
/// frame, loads nothing, guesses no media type, and keeps nothing.
const FOR_BROWSERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Passes on requests that are allowed, and makes every failure a problem document.
pub(super) async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let allowed = may_ask(request.headers(), request.uri(), &shared);
    let mut response = match allowed {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    if response.status().is_client_error() || response.status().is_server_error() {
        response = as_problem(response, method.as_str(), &path).await;
    }
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Ok(instance) = HeaderValue::from_str(&shared.instance) {
        response.headers_mut().insert(INSTANCE, instance);
    }
    for (name, value) in FOR_BROWSERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Passes on requests that no other site makes, and that carry the token or its cookie if one is wanted.
pub(super) async fn signed_in(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    match is_asked_here(headers).and_then(|()| may_pass(headers, shared.pass.as_ref())) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Checks whether a browser says that another site makes it ask (Fetch Metadata). An image or a link of such a
/// site has no Origin; its answer cannot be read there, but a wait has an effect.
fn is_asked_here(headers: &HeaderMap) -> Result<(), Problem> {
    let sites = headers.get_all("sec-fetch-site").iter();
    let is_here = |site: &HeaderValue| matches!(site.as_bytes(), b"same-origin" | b"none");
    if sites.into_iter().all(is_here) {
        Ok(())
    } else {
        Err(Problem::new(StatusCode::FORBIDDEN, "a page of another site may not ask here"))
    }
}

/// Turns a failure that is no problem document yet into one; its headers stay.
async fn as_problem(response: Response, method: &str, path: &str) -> Response {
    let is_one = |value: &HeaderValue| value.as_bytes() == PROBLEM_JSON.as_bytes();
    if response.headers().get(header::CONTENT_TYPE).is_some_and(is_one) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let said = to_bytes(body, 4096).await.unwrap_or_default();
    let detail = match (parts.status, String::from_utf8_lossy(&said)) {
        (StatusCode::NOT_FOUND, said) if said.is_empty() => {
            format!("there is nothing at {path}; /openapi.json says what there is")
        }
        (StatusCode::METHOD_NOT_ALLOWED, _) => {
            format!("{method} does not work on {path}; the header Allow says what does")
        }
        (_, said) => said.into_owned(),
    };
    let mut problem = Problem::new(parts.status, detail).into_response();
    for (name, value) in &parts.headers {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            problem.headers_mut().append(name.clone(), value.clone());
        }
    }
    problem
}

/// Checks whether a request is allowed. The Host has to name this listener; otherwise a website could reach
/// it by a name that resolves to this address (DNS rebinding). The Origin, if there is one, has to be this
/// listener, too; over HTTPS only by a name that was allowed, as behind a proxy.
fn may_ask(headers: &HeaderMap, uri: &Uri, shared: &Shared) -> Result<(), Problem> {
    let bound = shared.address;
    let forbidden = |detail: String| Err(Problem::new(StatusCode::FORBIDDEN, detail));
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("\u{fffd}"));
    let Some(host) = text(header::HOST) else {
        return forbidden("the request has no Host header".to_owned());
    };
    let target = uri.authority().map(axum::http::uri::Authority::as_str);
    if headers.get_all(header::HOST).iter().count() > 1 || target.is_some_and(|target| target != host) {
        return forbidden("the request names two hosts".to_owned());
    }
    if !is_this_host(host, bound, &shared.hosts) {
        return forbidden(format!(
            "Host `{host}` is not this listener; ask for localhost or {bound}, or allow the name with --control-host"
        ));
    }
    for origin in headers.get_all(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or("\u{fffd}");
        let is_host = |origin: &str| origin.eq_ignore_ascii_case(host);
        let plain = origin.strip_prefix("http://").is_some_and(is_host);
        let behind_proxy =
            || is_allowed(host, &shared.hosts) && origin.strip_prefix("https://").is_some_and(is_host);
        if !plain && !behind_proxy() {
            return forbidden(format!("a page of `{origin}` may not ask here"));
        }
    }
    Ok(())
}

/// Checks whether a request carries the token, or the cookie that stands for it, if one is wanted.
pub(super) fn may_pass(headers: &HeaderMap, pass: Option<&Pass>) -> Result<(), Problem> {
    let Some(Pass { token, cookie }) = pass else { return Ok(()) };
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (first, second) = (given.next(), given.next());
    if second.is_some() {
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "the request carries two tokens"));
    }
    let Some(first) = first else {
        let detail = "this lab wants its token: Authorization: Bearer ..., or the cookie of /api/v1/sign-in";
        return if cookie.is_in(headers) {
            Ok(())
        } else {
            Err(Problem::new(StatusCode::UNAUTHORIZED, detail))
        };
    };
    match first.to_str().ok().and_then(|value| value.split_once(' ')) {
        Some((scheme, given)) if scheme.eq_ignore_ascii_case("bearer") && is_same(given.trim(), token) => {
            Ok(())
        }
        _ => {
            let detail = "this lab wants its token: Authorization: Bearer ...";
            Err(Problem::new(StatusCode::UNAUTHORIZED, detail))
        }
    }
}

/// Compares in a time that does not depend on how much of the token is right.
pub(super) fn is_same(given: &str, token: &str) -> bool {
    given.as_bytes().ct_eq(token.as_bytes()).into()
}

/// Returns whether `host`, with or without a port, is the bound address or loopback. If the listener is bound
/// to all addresses, every address is this host. Only the `allowed` names are, because any name can resolve
/// to any address.
fn is_this_host(host: &str, bound: SocketAddr, allowed: &[Fqdn]) -> bool {
    let name = without_port(host);
    if name.eq_ignore_ascii_case("localhost") || is_allowed(host, allowed) {
        return true;
    }
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let address: Option<IpAddr> = match bare {
        Some(v6) => v6.parse().ok().map(IpAddr::V6),
        None => name.parse().ok().map(IpAddr::V4),
    };
    let known = |address: IpAddr| {
        matches!(name, "127.0.0.1" | "[::1]") || address == bound.ip() || bound.ip().is_unspecified()
    };
    address.is_some_and(known)
}

/// Returns whether `host`, with or without a port, is one of the names that were allowed.
fn is_allowed(host: &str, allowed: &[Fqdn]) -> bool {
    allowed.iter().any(|allowed| *allowed == *without_port(host))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_listener_are_this_host() {
        let bound: SocketAddr = "127.0.0.3:80".parse().unwrap();
        for host in
            ["localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:9", "127.0.0.3:80"]
        {
            assert!(is_this_host(host, bound, &[]), "{host}");
        }
        for host in [
            "",
            ":",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil:80",
            "127.0.0.2",
            "::1",
            "[::1",
            "10.0.0.1:80",
            "localhost:x",
            "127.0.0.1:",
        ] {
            assert!(!is_this_host(host, bound, &[]), "{host}");
        }
    }

    #[test]
    fn bound_to_all_addresses_an_address_is_this_host_and_a_name_is_not() {
        let bound: SocketAddr = "0.0.0.0:80".parse().unwrap();
        assert!(is_this_host("192.0.2.1:80", bound, &[]));
        assert!(!is_this_host("lab.example:80", bound, &[]));
        let lab = ["lab.example".parse().unwrap()];
        assert!(is_this_host("LAB.example:80", bound, &lab));
        assert!(!is_this_host("evil.lab.example", bound, &lab));
    }

    #[test]
    fn a_token_is_the_same_or_it_is_not() {
        assert!(is_same("abc", "abc"));
        assert!(
            !is_same("ab", "abc") && !is_same("abd", "abc") && !is_same("abcd", "abc") && !is_same("", "a")
        );
    }
}
