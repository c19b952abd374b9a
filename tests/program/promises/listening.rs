//! Where a lab listens: on loopback, whatever runs it, and elsewhere only where it was told to, which it says.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::Stdio;

use serde_json::Value;

use crate::fixture::support::{Served, output, program, run, text};

/// Returns the addresses on which a process listens, as the kernel lists them.
fn listening(pid: u32) -> BTreeSet<SocketAddr> {
    let opened =
        fs::read_dir(format!("/proc/{pid}/fd")).unwrap().filter_map(|fd| fs::read_link(fd.ok()?.path()).ok());
    let opened: BTreeSet<_> = opened.map(|target| target.display().to_string()).collect();
    let tables = ["tcp", "tcp6"].map(|table| fs::read_to_string(format!("/proc/{pid}/net/{table}")));
    let rows = tables.iter().flatten().flat_map(|table| table.lines().skip(1));
    rows.filter_map(|row| {
        let columns: Vec<_> = row.split_whitespace().collect();
        // Column 3 is the state, of which 0A is LISTEN, and column 9 the inode (proc_pid_net(5)).
        let is_its = columns[3] == "0A" && opened.contains(&format!("socket:[{}]", columns[9]));
        is_its.then(|| address(columns[1]))
    })
    .collect()
}

/// Reads an address of `/proc/net/tcp`: words of 32 bits in the byte order of the machine, and the port.
fn address(text: &str) -> SocketAddr {
    let (ip, port) = text.split_once(':').unwrap();
    let words = (0..ip.len()).step_by(8).map(|at| u32::from_str_radix(&ip[at..at + 8], 16).unwrap());
    let bytes: Vec<u8> = words.flat_map(u32::to_ne_bytes).collect();
    let ip = match <[u8; 4]>::try_from(&bytes[..]) {
        Ok(v4) => IpAddr::from(Ipv4Addr::from(v4)),
        Err(_) => IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(&bytes[..]).unwrap())),
    };
    SocketAddr::new(ip, u16::from_str_radix(port, 16).unwrap())
}

#[test]
fn whatever_runs_a_lab_listens_on_loopback_alone() {
    // `cat` and a Shell go on until their standard input ends.
    for (arguments, sockets) in [
        (&["serve", "--port", "0"][..], 2),
        (&["exec", "fqdn-mismatch", "--", "sh", "-c", "echo ready; exec cat"], 2),
        (&["shell", "fqdn-mismatch"], 1),
    ] {
        let mut command = program();
        let piped =
            command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        // A Shell whose input is no terminal says nothing before it is asked.
        child.stdin.as_mut().unwrap().write_all(b"Get-ReceiveConnector\n").unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut ready = String::new();
        while ready.trim().is_empty() {
            assert!(stdout.read_line(&mut ready).unwrap() > 0, "{arguments:?} ends");
        }
        let addresses = listening(child.id());
        if arguments[0] == "serve" {
            child.kill().unwrap();
        }
        drop(child.stdin.take());
        stdout.read_to_end(&mut Vec::new()).unwrap();
        let ended = output(child);
        assert!(addresses.len() >= sockets, "{arguments:?}: {addresses:?}: {}", text(&ended.stderr));
        assert!(addresses.iter().all(|it| it.ip().is_loopback()), "{arguments:?}: {addresses:?}");
    }
}

#[test]
fn a_lab_listens_on_loopback_alone_and_says_so_where_it_is_told_otherwise() {
    let served = Served::start(&[]);
    let ready: Value = serde_json::from_str(&served.line).unwrap();
    let connectors = ready["connectors"].as_array().unwrap().iter();
    let mut addresses: Vec<_> = connectors.map(|it| it["addr"].as_str().unwrap()).collect();
    addresses.push(ready["control"].as_str().unwrap().strip_prefix("http://").unwrap());
    for address in addresses {
        assert!(address.parse::<SocketAddr>().unwrap().ip().is_loopback(), "{address}");
    }
    // An address for documentation (RFC 5737), which this machine does not have.
    for (arguments, warning) in [
        (&["--bind", "192.0.2.1"][..], "listening beyond loopback"),
        (
            &["--control", "192.0.2.1:0", "--control-token", "s3cret"],
            "the control API listens beyond loopback",
        ),
    ] {
        let refused = run(program().args(["serve", "--port", "0"]).args(arguments));
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(3), "{said}");
        assert!(said.contains(warning) && said.contains("192.0.2.1"), "{said}");
    }
    let loopback =
        program().args(["serve", "--port", "0", "--bind", "127.0.0.2", "--timeout", "1ms"]).output();
    let said = text(&loopback.unwrap().stderr);
    assert!(!said.contains("beyond loopback"), "{said}");
}
