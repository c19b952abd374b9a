//! The page's files, and signing in to a lab that wants a token.

use serde_json::json;
use starttls_lab::internal::http::{ControlApi, ControlApiError, Options};
use starttls_lab::internal::journal::Bounds;

use crate::console::http::{Answer, Events, ask};
use crate::console::support::World;

async fn with_token() -> World {
    let options = Options { token: Some("s3cret".to_owned()), ..Options::default() };
    World::open(Bounds::default(), options).await
}

fn cookie(answer: &Answer) -> String {
    let set = answer.header("set-cookie").expect("no cookie");
    assert!(set.contains("; HttpOnly; SameSite=Strict"), "{set}");
    format!("Cookie: other=1; {}", set.split(';').next().unwrap())
}

#[tokio::test]
async fn the_page_is_one_of_this_listener_and_runs_nothing_else() {
    let world = World::seed().await;
    let page = ask(world.control(), "GET /", "", &[]).await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    assert!(policy.contains("connect-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    for directive in policy.split(';') {
        let mut words = directive.split_whitespace();
        let may_have = |name: Option<&str>, source: &str| {
            matches!(source, "'none'" | "'self'") || (name, source) == (Some("img-src"), "data:")
        };
        let name = words.next();
        assert!(words.all(|source| may_have(name, source)), "{directive}");
    }
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("x-dns-prefetch-control", "off"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-cache"),
    ] {
        assert_eq!(page.header(name), Some(value), "{name}");
    }
    let tag = page.header("etag").unwrap();
    let again = ask(world.control(), "GET /", "", &[&format!("If-None-Match: \"x\", W/{tag}")]).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    for path in
        ["/page/", "/page/nothing.js", "/page/../api/v1/lab", "/page/%2e%2e/index.html", "/index.html"]
    {
        world.get(path).await.problem(404);
    }
    let api = world.get("/api/v1/lab").await;
    assert_eq!(api.header("cache-control"), Some("no-store"));
    assert!(api.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
}

#[tokio::test]
async fn the_token_is_exchanged_for_a_cookie() {
    let (world, other) = (with_token().await, with_token().await);
    let at = world.control();
    assert_eq!(ask(at, "GET /", "", &[]).await.status, 200, "the page asks for the token");
    assert_eq!(world.get("/api/v1/sign-in").await.ok(), json!({ "required": true, "signed_in": false }));
    for path in
        ["/api/v1/lab", "/api/v1/nothing", "//api/v1/lab", "/%61pi/v1/lab", "/api/v1/%6cab", "/metrics"]
    {
        world.get(path).await.problem(401);
    }
    for wrong in ["", "s3cre", "s3crets"] {
        let refused = world.send("POST /api/v1/sign-in", &json!({ "token": wrong })).await;
        refused.problem(401);
        assert_eq!(refused.header("set-cookie"), None);
    }
    let elsewhere =
        ask(at, "POST /api/v1/sign-in", "{\"token\":\"s3cret\"}", &["Origin: http://evil.example"]).await;
    elsewhere.problem(403);
    let signed_in = world.send("POST /api/v1/sign-in", &json!({ "token": "s3cret" })).await;
    assert_eq!(signed_in.status, 204);
    let cookie = cookie(&signed_in);
    assert!(!cookie.contains("s3cret"), "{cookie}");
    ask(at, "GET /api/v1/lab", "", &[&cookie]).await.ok();
    ask(at, "GET /api/v1/lab", "", &[&cookie, "Origin: http://evil.example"]).await.problem(403);
    ask(at, "GET /api/v1/lab", "", &[&cookie, "Authorization: Bearer no"]).await.problem(401);
    ask(other.control(), "GET /api/v1/lab", "", &[&cookie]).await.problem(401);
    // Cookies know no ports, and a name is easily guessed; its value is of no use with the next lab.
    let renamed = cookie.replace(&at.port().to_string(), &other.control().port().to_string());
    assert_ne!(renamed, cookie);
    ask(other.control(), "GET /api/v1/lab", "", &[&renamed]).await.problem(401);
    let mut stream = Events::open_with(at, "", &[&cookie]).await;
    assert!(stream.next().await.is_some());
    let signed_out = ask(at, "DELETE /api/v1/sign-in", "", &[&cookie]).await;
    assert!(signed_out.header("set-cookie").unwrap().contains("Max-Age=0"));
    let open = World::seed().await;
    assert_eq!(open.get("/api/v1/sign-in").await.ok(), json!({ "required": false, "signed_in": true }));
}

#[tokio::test]
async fn behind_a_proxy_everything_is_below_its_path_and_the_origin_is_its_name() {
    let options = Options {
        token: Some("s3cret".to_owned()),
        hosts: vec!["lab.example".parse().unwrap()],
        base_path: "/a/lab/".to_owned(),
        ..Options::default()
    };
    let world = World::open(Bounds::default(), options).await;
    let at = world.control();
    let proxied = ["Host: lab.example", "Origin: https://lab.example"];
    assert_eq!(ask(at, "GET /a/lab/", "", &proxied).await.status, 200);
    let signed_in = ask(at, "POST /a/lab/api/v1/sign-in", "{\"token\":\"s3cret\"}", &proxied).await;
    let set = signed_in.header("set-cookie").unwrap();
    assert!(set.contains("; Path=/a/lab/;") && set.ends_with("; Secure"), "{set}");
    let cookie = cookie(&signed_in);
    ask(at, "GET /a/lab/api/v1/messages?limit=1", "", &[&cookie]).await.ok();
    ask(at, "GET /a/labapi/v1/lab", "", &[&cookie]).await.problem(404);
    ask(at, "GET /a/lab/api/v1/lab", "", &[]).await.problem(401);
    assert_eq!(ask(at, "GET /", "", &[]).await.status, 200, "a proxy may take its path away");
    for host in ["localhost", "evil.example"] {
        let headers = [format!("Host: {host}"), format!("Origin: https://{host}")];
        ask(at, "GET /a/lab/", "", &[&headers[0], &headers[1]]).await.problem(403);
    }
    for wrong in ["lab", "/a b", "/a//b", "/..", "/a;b"] {
        let options = Options { base_path: wrong.to_owned(), ..Options::default() };
        let opened = ControlApi::open(world.lab.clone(), options).await;
        assert!(matches!(opened, Err(ControlApiError::BasePath(_))), "{wrong}");
    }
}
