//! Handshakes that go wrong on purpose, at the TLS libraries of others: what each says to it, and what the
//! lab sees of it. There is no SMTP around them, for that is not what goes wrong.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::thread;

use serde_json::json;
use starttls_lab::internal::clock::Clock;
use starttls_lab::internal::exchange::Material;
use starttls_lab::internal::pki::{Authority, Certificate, KeyAlgorithm, KeyPair, Template};
use starttls_lab::internal::session::fault::{ClientCertificate, Then, UnknownName};
use starttls_lab::internal::session::{InjectedFault, Reaction, TlsFacts, TlsFailure};
use starttls_lab::internal::tls::{HandshakeFault, HandshakeTrace, ServerTls, Setup, Versions};
use tokio::io::AsyncReadExt;

use crate::handshake_fault::handshake_fault;
use crate::support::{Finished, PATIENCE, Program, run};

const NAME: &str = "mail.contoso.com";

/// What the lab presents, and asks for.
#[derive(Clone, Copy)]
struct Configuration {
    algorithm: KeyAlgorithm,
    client_certificate: Option<ClientCertificate>,
    unknown_name: Option<UnknownName>,
}

const RSA: Configuration =
    Configuration { algorithm: KeyAlgorithm::Rsa2048, client_certificate: None, unknown_name: None };

/// What the lab saw of one connection.
#[derive(Debug)]
struct Seen {
    result: Result<TlsFacts, TlsFailure>,
    trace: HandshakeTrace,
}

impl Seen {
    #[track_caller]
    fn client(&self) -> Option<&Reaction> {
        match &self.result {
            Err(TlsFailure::OnPurpose { client, .. }) => client.as_ref(),
            other => panic!("{other:?}"),
        }
    }
}

fn server(configuration: Configuration) -> ServerTls {
    let (from, until) = ("2010-01-01T00:00:00Z".parse().unwrap(), "2110-01-01T00:00:00Z".parse().unwrap());
    let key = KeyPair::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let root = Authority::root(key, &"CN=Lab Root".parse().unwrap(), from, until, &[1]).unwrap();
    let template = Template {
        subject: format!("CN={NAME}").parse().unwrap(),
        dns_names: vec![NAME.to_owned()],
        not_before: from,
        not_after: until,
        serial_number: vec![3],
        ..Template::default()
    };
    let key = KeyPair::generate(configuration.algorithm).unwrap();
    let certificate = root.issue(&template, &key).unwrap();
    let usual = Material { certificate, intermediates: Vec::new(), key };
    let roots: [Certificate; 1] = [root.certificate().clone()];
    ServerTls::with(&Setup {
        versions: Versions::Both,
        certificates: vec![&usual],
        by_name: vec![(NAME, &usual)],
        unknown_name: configuration.unknown_name,
        client_certificate: configuration.client_certificate,
        roots: &roots,
        tickets: None,
        ticket_size: None,
        clock: &Clock::pinned("2026-01-01T00:00:00Z".parse().unwrap()),
    })
    .unwrap()
}

/// Lets `command` connect to a lab that does as `plan` says, and tells both sides of it.
fn meet(
    configuration: Configuration,
    plan: &HandshakeFault,
    command: impl FnOnce(SocketAddr) -> Command,
) -> (Finished, Seen) {
    let tls = server(configuration);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let plan = plan.clone();
    let lab = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let once = async {
            listener.set_nonblocking(true).unwrap();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let (io, _) = listener.accept().await.unwrap();
            accept(&tls, &plan, io).await
        };
        runtime.block_on(async { tokio::time::timeout(PATIENCE, once).await }).expect("the client hung")
    });
    let finished = run(&mut command(address), "");
    (finished, lab.join().unwrap())
}

async fn accept(tls: &ServerTls, plan: &HandshakeFault, io: tokio::net::TcpStream) -> Seen {
    let mut trace = HandshakeTrace::default();
    let result = match tls.accept_as(plan, io, &mut trace).await {
        Ok((mut stream, facts)) => {
            use tokio::io::AsyncWriteExt;
            stream.write_all(b"220 hello\r\n").await.ok();
            stream.flush().await.ok();
            stream.shutdown().await.ok();
            stream.read_to_end(&mut Vec::new()).await.ok();
            Ok(facts)
        }
        Err(mut refused) => {
            refused.watch().await;
            if refused.then == Some(Then::Reset) {
                refused.io.set_zero_linger().unwrap();
            }
            Err(refused.failure)
        }
    };
    Seen { result, trace }
}

fn openssl(options: &'static [&'static str]) -> Option<impl Fn(SocketAddr) -> Command> {
    let program = Program::find("openssl", "openssl")?;
    Some(move |address: SocketAddr| {
        let mut command = program.command();
        command.args(["s_client", "-connect", &address.to_string(), "-servername", NAME, "-ign_eof"]);
        command.args(options);
        command
    })
}

fn gnutls(priority: &'static str) -> Option<impl Fn(SocketAddr) -> Command> {
    let program = Program::find("gnutls-cli", "gnutls-bin")?;
    Some(move |address: SocketAddr| {
        let mut command = program.command();
        command.args(["--insecure", "--sni-hostname", NAME, "--priority", priority]);
        command.args(["--port", &address.port().to_string(), "127.0.0.1"]);
        command
    })
}

fn python() -> Option<impl Fn(SocketAddr) -> Command> {
    let program = Program::find("python3", "python3")?;
    Some(move |address: SocketAddr| {
        let mut command = program.command();
        let script = "import socket, ssl, sys\n\
                      context = ssl._create_unverified_context()\n\
                      with socket.create_connection(('127.0.0.1', int(sys.argv[1]))) as plain:\n\
                      \x20   with context.wrap_socket(plain, server_hostname=sys.argv[2],\n\
                      \x20                            suppress_ragged_eofs=False) as secured:\n\
                      \x20       while secured.recv(100): pass\n";
        command.args(["-c", script, &address.port().to_string(), NAME]);
        command
    })
}

fn node() -> Option<impl Fn(SocketAddr) -> Command> {
    let program = Program::find("node", "nodejs")?;
    Some(move |address: SocketAddr| {
        let mut command = program.command();
        let script = "const [port, servername] = process.argv.slice(1);\n\
                      require('tls').connect({ host: '127.0.0.1', port, servername, \
                      rejectUnauthorized: false }).on('data', () => {})\
                      .on('error', error => { console.error(error.message); process.exit(1); })\
                      .on('end', () => process.exit(0));";
        command.args(["-e", script, &address.port().to_string(), NAME]);
        command
    })
}

fn is_alert(reaction: Option<&Reaction>, name: &str) -> bool {
    matches!(reaction, Some(Reaction::Alert { alert }) if alert == name)
}

const HEALTHY: Configuration =
    Configuration { algorithm: KeyAlgorithm::EcdsaP256, client_certificate: None, unknown_name: None };

#[test]
fn a_fatal_alert_is_shown_by_its_name() {
    for (number, openssl_says, gnutls_says, python_says) in [
        (40, "SSL alert number 40", "Received alert [40]", "alert handshake failure"),
        (70, "SSL alert number 70", "Received alert [70]", "alert protocol version"),
        (80, "SSL alert number 80", "Received alert [80]", "alert internal error"),
        (112, "SSL alert number 112", "Received alert [112]", "unrecognized name"),
    ] {
        let alert = handshake_fault(json!({ "alert": number }), None);
        let mut seen = Vec::new();
        if let Some(client) = openssl(&[]) {
            let (finished, lab) = meet(HEALTHY, &alert, client);
            finished.failed_saying(openssl_says);
            seen.push(lab);
        }
        if let Some(client) = gnutls("NORMAL") {
            let (finished, lab) = meet(HEALTHY, &alert, client);
            finished.failed_saying(gnutls_says);
            seen.push(lab);
        }
        if let Some(client) = python() {
            let (finished, lab) = meet(HEALTHY, &alert, client);
            finished.failed_saying(python_says);
            seen.push(lab);
        }
        for lab in seen {
            assert_eq!(lab.client(), Some(&Reaction::Closed));
            assert!(lab.trace.client_hello.is_some_and(|hello| hello.server_name.as_deref() == Some(NAME)));
        }
    }
}

/// A program that is told where to connect.
type ToldWhere = Box<dyn Fn(SocketAddr) -> Command>;

#[test]
fn a_warning_is_outlived_by_openssl() {
    let warning = handshake_fault(json!({ "warning": "unrecognized_name" }), None);
    let clients: [Option<ToldWhere>; 3] =
        [boxed(openssl(&["-tls1_2"])), boxed(openssl(&["-tls1_3"])), boxed(python())];
    for client in clients.into_iter().flatten() {
        let (finished, lab) = meet(HEALTHY, &warning, client);
        finished.succeeded();
        assert_eq!(
            (lab.result.is_ok(), lab.trace.injected),
            (true, vec![InjectedFault::Warning { alert: 112 }])
        );
    }
    let Some(client) = gnutls("NORMAL") else { return };
    // Its program asks the library to go on; other programs that use the library give up.
    let (finished, lab) = meet(HEALTHY, &warning, client);
    assert!(finished.stderr.contains("A TLS warning alert has been received"), "{finished:#?}");
    assert_eq!(lab.trace.injected, [InjectedFault::Warning { alert: 112 }]);
}

fn boxed(client: Option<impl Fn(SocketAddr) -> Command + 'static>) -> Option<ToldWhere> {
    client.map(|client| Box::new(client) as ToldWhere)
}

#[test]
fn what_is_no_tls_is_no_version_to_openssl_and_no_packet_to_gnutls() {
    let raw = handshake_fault(json!({ "raw": "500 no\r\n" }), None);
    if let Some(client) = openssl(&[]) {
        meet(HEALTHY, &raw, client).0.failed_saying("wrong version number");
    }
    if let Some(client) = node() {
        meet(HEALTHY, &raw, client).0.failed_saying("wrong version number");
    }
    let Some(client) = gnutls("NORMAL") else { return };
    let (finished, lab) = meet(HEALTHY, &raw, client);
    finished.failed_saying("An unexpected TLS packet was received");
    assert!(is_alert(lab.client(), "unexpected_message"), "{lab:?}");
}

#[test]
fn a_handshake_that_is_cut_ends_too_early_and_one_that_is_reset_is_reset() {
    for after in ["client-hello", "server-hello"] {
        let cut = |then| handshake_fault(json!({ "cut": { "after": after } }), then);
        if let Some(client) = openssl(&[]) {
            let (finished, lab) = meet(HEALTHY, &cut(None), client);
            finished.failed_saying("unexpected eof while reading");
            assert!(lab.client().is_some(), "{lab:?}");
        }
        if let Some(client) = python() {
            let (finished, lab) = meet(HEALTHY, &cut(Some(Then::Reset)), client);
            finished.failed_saying("Connection reset by peer");
            assert_eq!(lab.client(), None);
        }
        let Some(client) = gnutls("NORMAL") else { continue };
        meet(HEALTHY, &cut(None), client).0.failed_saying("non-properly terminated");
    }
}

#[test]
fn a_flipped_byte_is_noticed_where_it_stands() {
    for (byte, alert, openssl_says, gnutls_says) in [
        (5, "unexpected_message", "unexpected message", "An unexpected TLS handshake packet"),
        (200, "bad_record_mac", "bad record mac", "Decryption has failed"),
    ] {
        let corrupt = handshake_fault(json!({ "corrupt": { "octet": byte } }), None);
        let received = |lab: &Seen| matches!(&lab.result, Err(TlsFailure::AlertReceived { alert: received }) if received == alert);
        if let Some(client) = openssl(&["-tls1_3"]) {
            let (finished, lab) = meet(HEALTHY, &corrupt, client);
            finished.failed_saying(openssl_says);
            assert!(received(&lab), "{lab:?}");
        }
        let Some(client) = gnutls("NORMAL") else { continue };
        let (finished, lab) = meet(HEALTHY, &corrupt, client);
        finished.failed_saying(gnutls_says);
        assert!(received(&lab), "{lab:?}");
    }
}

#[test]
fn servers_of_yesterday_are_refused_by_clients_that_know_better() {
    let legacy = |server: &str| handshake_fault(json!({ "legacy": server }), None);
    for server in ["SSLv3", "TLSv1", "TLSv1.1"] {
        let Some(client) = node() else { break };
        let (finished, lab) = meet(RSA, &legacy(server), client);
        finished.failed_saying("unsupported protocol");
        assert!(is_alert(lab.client(), "protocol_version"), "{lab:?}");
    }
    let small = openssl(&["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=2"]);
    let Some(small) = small else { return };
    let (finished, lab) = meet(RSA, &legacy("dhe-1024"), small);
    finished.failed_saying("dh key too small");
    assert!(is_alert(lab.client(), "handshake_failure"), "{lab:?}");
}

#[test]
fn servers_of_yesterday_are_taken_by_clients_that_are_told_to() {
    // With DHE they check a signature over the group before they go on, so it holds.
    for (server, options) in [
        ("TLSv1", &["-tls1", "-cipher", "ALL:@SECLEVEL=0"][..]),
        ("TLSv1.1", &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]),
        ("rsa-kx", &["-tls1_2", "-cipher", "AES128-GCM-SHA256"]),
        ("dhe-1024", &["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0"]),
        ("anonymous", &["-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"]),
    ] {
        let Some(client) = openssl(options) else { break };
        let (_, lab) = meet(RSA, &handshake_fault(json!({ "legacy": server }), None), client);
        assert!(lab.result.as_ref().unwrap_err().legacy_accepted(), "{server}: {lab:?}");
    }
    for (server, priority) in [
        ("TLSv1", "NORMAL:+VERS-TLS1.0"),
        ("rsa-kx", "NORMAL:-VERS-TLS1.3:-KX-ALL:+RSA"),
        ("dhe-1024", "NORMAL:-VERS-TLS1.3:-KX-ALL:+DHE-RSA"),
        ("anonymous", "NORMAL:-VERS-TLS1.3:-KX-ALL:+ANON-DH"),
    ] {
        let Some(client) = gnutls(priority) else { break };
        let (_, lab) = meet(RSA, &handshake_fault(json!({ "legacy": server }), None), client);
        assert!(lab.result.as_ref().unwrap_err().legacy_accepted(), "{server}: {lab:?}");
    }
    // With an ECDSA key the signature cannot be made: the version was taken all the same.
    let Some(client) = openssl(&["-tls1", "-cipher", "ALL:@SECLEVEL=0"]) else { return };
    let (finished, lab) = meet(HEALTHY, &handshake_fault(json!({ "legacy": "TLSv1" }), None), client);
    finished.failed_saying("bad signature");
    assert!(lab.result.as_ref().unwrap_err().legacy_accepted(), "{lab:?}");
}

#[test]
fn a_client_without_the_certificate_that_is_required_is_told_so() {
    let require = Configuration { client_certificate: Some(ClientCertificate::Require), ..HEALTHY };
    for options in [&["-tls1_2"][..], &["-tls1_3"]] {
        let Some(client) = openssl(options) else { return };
        let (finished, lab) = meet(require, &HandshakeFault::default(), client);
        finished.failed_saying("SSL alert number 116");
        let sent = matches!(&lab.result, Err(TlsFailure::AlertSent { alert, .. }) if alert == "certificate_required");
        assert!(sent, "{lab:?}");
    }
    let Some(client) = openssl(&[]) else { return };
    let request = Configuration { client_certificate: Some(ClientCertificate::Request), ..HEALTHY };
    let (finished, lab) = meet(request, &HandshakeFault::default(), client);
    finished.succeeded();
    assert_eq!(lab.result.unwrap().client_certificate, None);
}

#[test]
fn an_unknown_name_is_refused_where_it_is_to_be() {
    let refuse = Configuration { unknown_name: Some(UnknownName::Refuse), ..HEALTHY };
    let Some(stranger) = openssl(&["-servername", "other.test"]) else { return };
    let (finished, lab) = meet(refuse, &HandshakeFault::default(), stranger);
    finished.failed_saying("SSL alert number 112");
    assert!(lab.result.is_err());
    let Some(known) = openssl(&[]) else { return };
    let (finished, lab) = meet(refuse, &HandshakeFault::default(), known);
    finished.succeeded();
    assert_eq!(lab.result.unwrap().server_name.as_deref(), Some(NAME));
}

#[test]
fn a_client_of_cbc_alone_is_called_by_its_name() {
    let Some(old) = openssl(&["-tls1_2", "-cipher", "ECDHE-RSA-AES256-SHA384:AES256-SHA256"]) else { return };
    let (finished, lab) = meet(RSA, &HandshakeFault::default(), old);
    finished.failed_saying("SSL alert number 40");
    let reason = match lab.result {
        Err(TlsFailure::AlertSent { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    assert!(reason.contains("only ECDHE with CBC and RSA key exchange"), "{reason}");
    assert!(reason.contains("Windows Server 2008 R2 to 2012 R2"), "{reason}");
}
