//! Who may ask, and what is answered to whoever may not, or asks amiss.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use starttls_lab::internal::http::{ControlApi, ControlApiError, Options};
use starttls_lab::internal::journal::{Bounds, Record};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::console::http::{DEADLINE, Events, ask, exchange};
use crate::console::support::World;

#[tokio::test]
async fn a_host_or_an_origin_of_somebody_else_is_turned_away() {
    let world = World::seed().await;
    let (at, port) = (world.control(), world.control().port());
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        for host in [host.to_owned(), format!("{host}:{port}")] {
            let answer = ask(at, "GET /livez", "", &[&format!("Host: {host}")]).await;
            assert_eq!(answer.status, 200, "{host}");
        }
    }
    for host in ["evil.example", "localhost.evil.example", "127.0.0.2", ""] {
        ask(at, "GET /livez", "", &[&format!("Host: {host}")]).await.problem(403);
    }
    let same = format!("Origin: http://{at}");
    assert_eq!(ask(at, "GET /livez", "", &[&same]).await.status, 200);
    for origin in ["Origin: http://evil.example", "Origin: null", &format!("Origin: https://{at}")] {
        ask(at, "GET /livez", "", &[origin]).await.problem(403);
        ask(at, "GET /livez", "", &[&same, origin]).await.problem(403);
    }
    for site in ["cross-site", "same-site"] {
        let site = format!("Sec-Fetch-Site: {site}");
        ask(at, "GET /api/v1/wait?for=session&timeout_ms=0", "", &[&site]).await.problem(403);
        assert_eq!(ask(at, "GET /", "", &[&site]).await.status, 200, "a link to the page");
    }
    for site in ["same-origin", "none"] {
        ask(at, "GET /api/v1/lab", "", &[&format!("Sec-Fetch-Site: {site}")]).await.ok();
    }
    exchange(at, "GET /livez HTTP/1.0\r\n\r\n").await.problem(403);
    exchange(at, format!("GET http://evil/livez HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n"))
        .await
        .problem(403);
}

#[tokio::test]
async fn where_a_token_is_set_nobody_asks_without_it() {
    let options = Options { token: Some("s3cret".to_owned()), ..Options::default() };
    let world = World::open(Bounds::default(), options).await;
    for wrong in
        [&[][..], &["Authorization: Bearer no"], &["Authorization: Basic s3cret"], &["Authorization: x"]]
    {
        let answer = ask(world.control(), "GET /api/v1/lab", "", wrong).await;
        answer.problem(401);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    let answer = ask(world.control(), "GET /api/v1/lab", "", &["Authorization: bearer s3cret"]).await;
    assert_eq!(answer.ok()["computers"], json!(["MAILGATE"]));
}

#[tokio::test]
async fn beyond_loopback_it_does_not_start_without_a_token() {
    let world = World::seed().await;
    let everywhere: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let open = |token: Option<&str>| {
        let options = Options { address: everywhere, token: token.map(str::to_owned), ..Options::default() };
        ControlApi::open(world.lab.clone(), options)
    };
    assert!(matches!(open(None).await, Err(ControlApiError::NoToken(_))));
    assert!(matches!(open(Some("")).await, Err(ControlApiError::Token)));
    assert!(matches!(open(Some("a b")).await, Err(ControlApiError::Token)));
}

#[tokio::test]
async fn whatever_is_asked_amiss_is_answered_with_a_problem_document() {
    let world = World::seed().await;
    for path in [
        "/nothing",
        "/api/v1/nothing",
        "/api/v1/computers/NOBODY",
        "/api/v1/connectors/MAILGATE/x",
        "/api/v1/sessions/1",
        "/api/v1/messages/7",
        "/api/v1/messages/x/raw",
    ] {
        world.get(path).await.problem(404);
    }
    for path in [
        "/api/v1/computers/%ff",
        "/api/v1/wait",
        "/api/v1/wait?for=x",
        "/api/v1/wait?for=message&count=0",
        "/api/v1/messages?limit=x",
        "/api/v1/journal?after=-1",
        "/api/v1/ca?format=x",
        "/api/v1/ca?form=pem",
        "/api/v1/sessions?after=%zz",
    ] {
        world.get(path).await.problem(400);
    }
    for what in [
        "POST /api/v1/cmdlets",
        "POST /api/v1/connectors",
        "POST /api/v1/certificates",
        "POST /api/v1/verify",
        "PUT /api/v1/connectors/MAILGATE/x",
    ] {
        for body in ["", "{", "\u{1}", &"[".repeat(100_000)] {
            ask(world.control(), what, body, &[]).await.problem(400);
        }
        for body in ["[]", "null", "{\"unknown\":1}", "{\"fqdn\":\"a b\",\"line\":1}"] {
            ask(world.control(), what, body, &[]).await.problem(422);
        }
    }
    for path in [
        "/api/v1/wait?for=event&to=a",
        "/api/v1/wait?for=quiet",
        "/api/v1/wait?for=quiet&ms=1&count=1",
        "/api/v1/wait?for=session&ms=1",
    ] {
        world.get(path).await.problem(422);
    }
    let long = " ".repeat((1 << 20) + 1);
    ask(world.control(), "PUT /api/v1/scenario", &long, &[]).await.problem(413);
    let wrong =
        ask(world.control(), "PUT /api/v1/scenario", "title = \"x\"\nx = 1\n", &[]).await.problem(422);
    assert_eq!(wrong["line"], 2);
    let list = json!({ "send_connector": { "x": [null, null] } });
    world.send("POST /api/v1/verify", &list).await.problem(422);
    let nobody = json!({ "computer": "NOBODY", "line": "Get-ReceiveConnector" });
    world.send("POST /api/v1/cmdlets", &nobody).await.problem(404);
    assert_eq!(world.send("GET /livez", &Value::Null).await.text(), "ok\n");
}

#[tokio::test]
async fn a_line_of_any_shape_is_refused_and_nothing_falls_over() {
    let world = World::seed().await;
    for line in [
        "(".repeat(50_000),
        "{".repeat(50_000),
        "@(".repeat(50_000),
        "|".repeat(50_000),
        "'".to_owned(),
        "$(".repeat(50_000),
        "\u{0}\u{202e}".to_owned(),
        "Get-X -".to_owned(),
        "-not ".repeat(20_000),
    ] {
        world.send("POST /api/v1/cmdlets", &json!({ "line": line })).await.problem(422);
    }
    assert_eq!(world.get("/readyz").await.text(), "ready\n");
}

#[tokio::test]
async fn cmdlets_read_and_write_no_file_of_the_machine_and_start_no_program() {
    let world = World::seed().await;
    let dir = tempfile::tempdir().unwrap();
    let (there, made) = (dir.path().join("there.txt"), dir.path().join("made.txt"));
    std::fs::write(&there, "a line that only the machine knows\n").unwrap();
    let (there, made) = (there.to_str().unwrap(), made.to_str().unwrap());
    let first = "(Get-ExchangeCertificate | Select-Object -First 1).Thumbprint";
    let mut carried_out = 0;
    for line in [
        format!("Set-Content -Path '{made}' -Value x"),
        format!("Get-ReceiveConnector | Out-File '{made}'"),
        format!("Get-Content '{there}'"),
        format!("[System.IO.File]::WriteAllBytes('{made}', [System.IO.File]::ReadAllBytes('{there}'))"),
        format!("[System.IO.File]::ReadAllBytes('{there}')"),
        format!(
            "Export-ExchangeCertificate -Thumbprint {first} -FileName '{made}' -Password (Read-Host -AsSecureString)"
        ),
        format!("Import-ExchangeCertificate -FileName '{there}'"),
        format!("Import-PfxCertificate -FilePath '{there}' -CertStoreLocation Cert:\\LocalMachine\\My"),
        format!("Copy-Item '{there}' '{made}'"),
        format!("& /bin/cp '{there}' '{made}'"),
        format!("Start-Process cp '{there} {made}'"),
        format!("Invoke-Expression \"cp '{there}' '{made}'\""),
        format!("certutil -dump '{there}'"),
    ] {
        let answer = world.send("POST /api/v1/cmdlets", &json!({ "line": line })).await;
        assert!(!answer.text().contains("only the machine knows"), "{line}: {}", answer.text());
        carried_out += usize::from(answer.status == 200);
        let files = std::fs::read_dir(&dir).unwrap().count();
        assert_eq!(files, 1, "{line}: {}", answer.text());
    }
    assert!(carried_out >= 3, "{carried_out}");
}

#[tokio::test]
async fn a_request_that_does_not_come_to_its_end_is_not_waited_for() {
    let world = World::seed().await;
    let mut slow = TcpStream::connect(world.control()).await.unwrap();
    slow.write_all(b"GET /livez HTTP/1.1\r\nHost: ").await.unwrap();
    let mut answer = Vec::new();
    timeout(DEADLINE, slow.read_to_end(&mut answer)).await.expect("the lab waits for ever").unwrap();
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn waits_and_streams_have_a_bound_and_are_taken_again_below_it() {
    let world = World::seed().await;
    let mut streams = Vec::new();
    for _ in 0..64 {
        let mut stream = Events::open(world.control(), "", None).await;
        stream.next().await.unwrap();
        streams.push(stream);
    }
    let refused = ask(world.control(), "GET /api/v1/journal", "", &[]).await.problem(503);
    assert!(refused["detail"].as_str().unwrap().contains("64 streams"), "{refused}");
    assert_eq!(world.get("/api/v1/journal").await.status, 200, "a list is no stream");
    drop(streams);
    until(&world, "GET /api/v1/journal?limit=1", |status| status != 503).await;
    let mut waits = Vec::new();
    for _ in 0..256 {
        let mut wait = TcpStream::connect(world.control()).await.unwrap();
        let request = format!(
            "GET /api/v1/wait?for=message&timeout_ms=600000 HTTP/1.1\r\nHost: {}\r\n\r\n",
            world.control()
        );
        wait.write_all(request.as_bytes()).await.unwrap();
        waits.push(wait);
    }
    until(&world, "GET /api/v1/wait?for=message&timeout_ms=0", |status| status == 503).await;
    let refused = world.get("/api/v1/wait?for=message&timeout_ms=0").await.problem(503);
    assert!(refused["detail"].as_str().unwrap().contains("256 waits"), "{refused}");
    drop(waits);
    until(&world, "GET /api/v1/wait?for=message&timeout_ms=0", |status| status != 503).await;
}

/// Asks until the answer has a status that is waited for.
async fn until(world: &World, what: &str, is_wanted: impl Fn(u16) -> bool) {
    let asking = async { while !is_wanted(ask(world.control(), what, "", &[]).await.status) {} };
    timeout(DEADLINE, asking).await.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test]
async fn a_stream_that_nobody_reads_holds_no_copy_of_the_journal() {
    let world = World::seed().await;
    world.mail("you@expta.com").await;
    world.get("/api/v1/wait?for=session").await.ok();
    let place = world.lab.journal().entries(1).into_iter().find_map(|entry| entry.place).unwrap();
    for _ in 0..10_000 {
        let line = vec![b'x'; 1000].into();
        world.lab.journal().append(world.lab.clock().now(), Some(&place), Record::Received(line));
    }
    let before = Arc::strong_count(&place);
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut stream = Events::open(world.control(), "?after=100", None).await;
        stream.next().await.unwrap();
        streams.push(stream);
    }
    let copies = Arc::strong_count(&place) - before;
    assert!(copies < 300, "{copies} copies of entries for three streams");
}
