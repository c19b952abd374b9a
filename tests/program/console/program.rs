//! The control API of the program: where the ready line says, and with a token where there has to be one.

use std::net::SocketAddr;

use serde_json::Value;

use crate::console::http::ask;
use crate::fixture::support::{Served, finished, program};

/// How many TCP sockets a program listens on, as the system says.
#[cfg(target_os = "linux")]
fn listening(served: &Served) -> usize {
    const LISTEN: &str = "0A";
    let folder = format!("/proc/{}", served.pid());
    let files = std::fs::read_dir(format!("{folder}/fd")).unwrap();
    let open: Vec<_> = files
        .filter_map(|file| Some(std::fs::read_link(file.ok()?.path()).ok()?.display().to_string()))
        .collect();
    let sockets = std::fs::read_to_string(format!("{folder}/net/tcp")).unwrap();
    let own = sockets.lines().filter(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        words.get(3) == Some(&LISTEN) && open.contains(&format!("socket:[{}]", words[9]))
    });
    own.count()
}

#[tokio::test]
async fn serve_is_steered_where_its_ready_line_says_and_with_its_token() {
    let served = Served::start(&["fqdn-mismatch", "--control", "0", "--control-token", "s3cret"]);
    let ready = served.ready();
    let control = ready["control"].as_str().unwrap().strip_prefix("http://").unwrap();
    let address: SocketAddr = control.parse().unwrap();
    assert_eq!(ready["page"], format!("http://{address}/"));
    ask(address, "GET /api/v1/connectors", "", &[]).await.problem(401);
    let connectors = ask(address, "GET /api/v1/connectors", "", &["Authorization: Bearer s3cret"]).await.ok();
    assert_eq!(connectors[0]["addrs"][0], ready["connectors"][0]["addr"]);
}

#[test]
fn serve_does_not_start_beyond_loopback_without_a_token() {
    for (at, code, words) in [("0.0.0.0:0", 2, "--control-token"), ("nowhere", 2, "127.0.0.1:8025")] {
        let (ended, _, said) = finished(&["serve", "--port", "0", "--control", at]);
        assert_eq!(ended, code, "{said}");
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn a_second_lab_has_a_page_at_another_port() {
    // Of an address that no other test has, or a test beside this one may be given the port before the lab is.
    const HOME: &str = "127.78.0.1";
    let free = || std::net::TcpListener::bind((HOME, 0)).unwrap().local_addr().unwrap().port().to_string();
    let serve = || {
        let arguments = ["serve", "--bind", HOME, "--port", &free(), "--control-path", "/lab"];
        Served::start_as(program().args(arguments))
    };
    let (first, second) = (serve(), serve());
    let (one, other) = (first.ready(), second.ready());
    assert_ne!(one["page"], other["page"]);
    assert_eq!(other["page"], format!("{}/lab/", other["control"].as_str().unwrap()));
}

#[test]
#[cfg(target_os = "linux")]
fn with_no_control_nothing_listens_but_the_connectors() {
    let open = Served::start(&["fqdn-mismatch"]);
    assert!(open.ready()["control"].is_string(), "{}", open.line);
    assert_eq!(listening(&open), 2, "the connector and the control API");
    let by_flag = Served::start(&["fqdn-mismatch", "--no-control", "--control", "0"]);
    let by_variable = Served::start_as(
        program().args(["serve", "fqdn-mismatch", "--port", "0"]).env("STARTTLS_LAB_NO_CONTROL", "true"),
    );
    for closed in [by_flag, by_variable] {
        let ready = closed.ready();
        assert_eq!(ready.get("control"), Some(&Value::Null), "{ready}");
        assert_eq!(ready.get("page"), Some(&Value::Null), "{ready}");
        assert_eq!(ready["connectors"].as_array().unwrap().len(), 1, "{ready}");
        assert_eq!(listening(&closed), 1, "the connector alone");
    }
}
