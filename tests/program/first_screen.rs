//! The first screen of `check`: what is wrong, the commands that fix it, and what they change for whom.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_starttls-lab");

fn program(args: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("check").args(args);
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "STARTTLS_LAB_OUTPUT"] {
        command.env_remove(name);
    }
    command
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The first screen of these arguments, which have to be right.
fn screen(args: &[&str]) -> String {
    let output = program(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    text(&output)
}

/// The first screen of what is pasted.
fn pasted(args: &[&str], paste: &str) -> String {
    let mut child = program(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(paste.as_bytes()).unwrap();
    text(&child.wait_with_output().unwrap())
}

/// The number of lines of a terminal of this width that a text takes.
fn lines(text: &str, width: usize) -> usize {
    text.lines().map(|line| line.chars().count().div_ceil(width).max(1)).sum()
}

#[test]
fn the_seeds_first_screen_is_the_golden_one() {
    let got = screen(&["fqdn-mismatch"]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/check-fqdn-mismatch.screen.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &got).unwrap();
    }
    assert_eq!(got, fs::read_to_string(&path).unwrap());
}

#[test]
fn one_connector_fits_a_terminal_of_24_lines() {
    let alone = [
        "fqdn-mismatch",
        "chain-revoked",
        "expired-offered",
        "fqdn-blank",
        "healthy",
        "private-key-missing",
        "smtp-not-assigned",
        "tls-not-in-authmechanism",
        "require-tls-withheld",
        "self-signed-presented",
    ];
    for scenario in alone {
        let screen = screen(&[scenario]);
        assert!(!screen.contains("STARTTLS  connector"), "{scenario} has several connectors");
        for width in [80, 110] {
            let lines = lines(&screen, width);
            assert!(lines <= 24, "{scenario}: {lines} lines of {width} characters\n{screen}");
        }
    }
}

#[test]
fn of_several_connectors_a_table_comes_first_and_only_what_is_wrong_follows() {
    let screen = screen(&["submission-beside-25"]);
    let table = screen.find("STARTTLS  connector").unwrap();
    let cause = screen.find("\ncause 1  no certificate in the store has the issuer").unwrap();
    assert!(table < cause && !screen.contains("\ncause 2"), "{screen}");
    assert!(screen.contains("\nNONE      Default Frontend EX01  1  no certificate"), "{screen}");
    assert!(screen.contains("\noffered   Client Frontend EX01"), "{screen}");
}

/// A certificate that carries another name than the event asks for.
pub(crate) const CERTIFICATES: &str = "\
CertificateDomains : {mail.contoso.com, autodiscover.contoso.com}
HasPrivateKey      : True
IsSelfSigned       : False
Issuer             : CN=Example Public CA G2, O=Example Trust, C=US
NotAfter           : 12/31/2049 11:59:59 PM
NotBefore          : 1/13/2024 12:00:00 AM
RootCAType         : ThirdParty
Services           : IMAP, POP, IIS, SMTP
Status             : Valid
Subject            : CN=mail.contoso.com, O=Contoso, C=US
Thumbprint         : 00112233445566778899AABBCCDDEEFF00112233
";

/// The event as an administrator has it on the screen.
pub(crate) const EVENT: &str = "\
Log Name:      Application
Source:        MSExchangeFrontEndTransport
Event ID:      12014
Level:         Error
Computer:      EX01.contoso.com
Description:
Microsoft Exchange could not find a certificate that contains the domain name EX01.contoso.com in the personal store \
on the local computer. Therefore, it is unable to support the STARTTLS SMTP verb for the connector Internet EX01 \
with a FQDN parameter of EX01.contoso.com. If the connector's FQDN is not specified, the computer's FQDN is used. \
Verify the connector configuration and the installed certificates to make sure that there is a certificate with a \
domain name for that FQDN. If this certificate exists, run Enable-ExchangeCertificate -Services SMTP to make sure \
that the Microsoft Exchange Transport service has access to the certificate key.
";

#[test]
fn a_pasted_event_and_certificates_lead_to_the_same_screen_after_a_line_that_says_what_they_are() {
    for paste in [format!("{EVENT}\n{CERTIFICATES}"), format!("{CERTIFICATES}{EVENT}")] {
        let screen = pasted(&["-"], &paste);
        assert!(screen.starts_with("standard input: event 12014, 1 certificate\n"), "{screen}");
        for part in [
            "STARTTLS is NOT offered (event 12014)",
            "cause    no certificate in the store carries EX01.contoso.com",
            "-Thumbprint 00112233445566778899AABBCCDDEEFF00112233",
            "opportunistic",
            "advice   Enable-ExchangeCertificate -Services SMTP",
        ] {
            assert!(screen.contains(part), "{part:?} is missing:\n{screen}");
        }
        assert!(lines(&screen, 80) <= 24, "{screen}");
    }
}

#[test]
fn colors_change_no_word_and_no_color_is_obeyed() {
    let plain = screen(&["fqdn-mismatch"]);
    assert!(!plain.contains('\u{1b}'), "colored without a terminal");
    let run = |name: &str| {
        let output = program(&["fqdn-mismatch"]).env("CLICOLOR_FORCE", "1").env(name, "1").output().unwrap();
        text(&output)
    };
    let colored = run("CLICOLOR");
    assert!(colored.contains("\u{1b}["), "{colored}");
    let mut pieces = colored.split("\u{1b}[");
    let first = pieces.next().unwrap().to_owned();
    let rest = pieces.map(|piece| piece.split_once('m').unwrap().1);
    assert_eq!(rest.fold(first, |text, piece| text + piece), plain);
    assert_eq!(run("NO_COLOR"), plain);
}

#[test]
fn json_has_the_effect_of_each_fix() {
    let report: Value = serde_json::from_str(&screen(&["fqdn-mismatch", "--output", "json"])).unwrap();
    let connector = &report["connectors"][0];
    assert_eq!(connector["cause_in_brief"], "no certificate names mail.expta.com");
    let effects = connector["effects"].as_array().unwrap();
    assert_eq!(effects.len(), connector["fixes"].as_array().unwrap().len());
    let of = |effect: &Value, sender: &str| {
        let rows = effect["senders"].as_array().unwrap();
        let row = rows.iter().find(|row| row["subject"]["name"] == sender).unwrap().clone();
        (row["before"].clone(), row["after"].clone(), row["change"].clone())
    };
    let words = |before: &str, after: &str, change: &str| (before.into(), after.into(), change.into());
    let not_offered = "clear: starttls-not-supported";
    assert_eq!(of(&effects[0], "may"), words(not_offered, "tls", "better"));
    let refused = "bounced: certificate-host-mismatch";
    assert_eq!(of(&effects[0], "upgrade-then-verify"), words(not_offered, refused, "worse"));
    assert_eq!(of(&effects[1], "upgrade-then-verify"), words(not_offered, "tls-authenticated", "better"));
    assert_eq!(of(&effects[0], "plain-only"), words("clear", "clear", "same"));
    assert!(effects.iter().all(|effect| effect["refused"].is_null()), "{effects:?}");
}

#[test]
fn json_has_each_cause_once_with_its_connectors_and_the_effect_of_its_fix() {
    let json = pasted(&["-", "--output", "json"], &format!("{}{CERTIFICATES}", five_connectors()));
    let report: Value = serde_json::from_str(&json).unwrap();
    let causes = report["causes"].as_array().unwrap();
    let connectors = |at: usize| causes[at]["connectors"].as_array().unwrap();
    assert_eq!((causes.len(), connectors(0).len(), connectors(1).len()), (2, 4, 1), "{json}");
    for cause in causes {
        let identity = &cause["connectors"][0];
        let all = report["connectors"].as_array().unwrap();
        let known = all.iter().find(|it| it["identity"] == *identity).unwrap();
        assert_eq!((&cause["cause"], &known["known"]), (&known["cause"], &true.into()));
        let fix = &cause["fix"];
        assert!(fix["commands"].as_array().is_some_and(|commands| !commands.is_empty()), "{cause}");
        assert_eq!((&fix["on"], &fix["tried"]), (&"EX01".into(), &"ran".into()), "{cause}");
        assert_eq!(fix["effect"]["connectors"][0]["change"], "better", "{cause}");
    }
    assert!(report.get("lacking").is_none());
    let one: Value = serde_json::from_str(&screen(&["fqdn-mismatch", "--output", "json"])).unwrap();
    let fixes = one["connectors"][0]["fixes"].as_array().unwrap();
    assert_eq!(one["causes"].as_array().unwrap().len(), 1);
    assert_eq!(one["causes"][0]["fix"]["title"], fixes[0]["title"]);
    assert_eq!(one["causes"][0]["fix"]["effect"], one["connectors"][0]["effects"][0]);
    assert_eq!(one["causes"][0]["other_fixes"], fixes.len() - 1);
    let healthy: Value = serde_json::from_str(&screen(&["healthy", "--output", "json"])).unwrap();
    assert_eq!(healthy["causes"], serde_json::json!([]));
}

#[test]
fn json_says_that_half_of_what_decides_is_lacking() {
    for (input, lacking) in [(five_connectors(), "certificates"), (CERTIFICATES.to_owned(), "connectors")] {
        let report: Value = serde_json::from_str(&pasted(&["-", "--output", "json"], &input)).unwrap();
        assert_eq!(report["lacking"], lacking);
        assert_eq!(report["causes"], serde_json::json!([]));
        assert!(report["connectors"].as_array().unwrap().iter().all(|it| it["known"] == false));
        for layout in [&["-", "--output", "list"][..], &["-", "--full"]] {
            let said = pasted(layout, &input);
            assert!(said.contains("\nWhether STARTTLS is offered is not known: no "), "{said}");
        }
    }
}

#[test]
fn a_connector_and_certificates_of_the_command_line_are_checked() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().to_str().unwrap();
    let made = Command::new(PROGRAM).args(["certs", "healthy", "--dir", folder]).output().unwrap();
    assert!(made.status.success());
    let files = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let mut certificates = files.filter(|path| {
        path.extension().is_some_and(|it| it == "pem") && path.file_name().is_some_and(|it| it != "ca.pem")
    });
    let certificate = certificates.next().unwrap();
    let certificate = certificate.to_str().unwrap();
    let screen = |args: &[&str]| text(&program(args).output().unwrap());
    let other = screen(&["--fqdn", "mail.example.com", "--certificate", certificate]);
    assert!(other.contains("NOT offered (event 12014)") && other.contains("mail.example.com"), "{other}");
    let named = screen(&["--fqdn", "mail.example.com", "--certificate", "mail.example.com,example.com"]);
    assert!(named.contains("STARTTLS is offered"), "{named}");
    let no_certificate = dir.path().join("nothing.cer");
    fs::write(&no_certificate, "no certificate").unwrap();
    for wrong in [
        &["--fqdn", "mail.example.com", "--certificate", no_certificate.to_str().unwrap()][..],
        &["--fqdn", "mail.example.com", "--certificate", "missing.pem"],
        &["--fqdn", "not a name"],
        &["healthy", "--fqdn", "mail.example.com"],
        &["--certificate", "*.example.com"],
    ] {
        let output = program(wrong).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {}", text(&output));
    }
}

/// The five connectors that setup makes, all of which look for the server's own name but one, which is pinned.
fn five_connectors() -> String {
    let names = ["Default", "Client Proxy", "Default Frontend", "Outbound Proxy Frontend", "Client Frontend"];
    let each = names.iter().zip([2525, 465, 25, 717, 587]).map(|(name, port)| {
        let exchange = if *name == "Client Frontend" { "" } else { ", ExchangeServer" };
        let pin = if *name == "Default Frontend" { "<I>CN=Old CA<S>CN=mail.contoso.com" } else { "" };
        let role = if name.contains("Frontend") { "FrontendTransport" } else { "HubTransport" };
        format!(
            "Identity           : EX01\\{name} EX01\nName               : {name} EX01\nServer             : EX01\n\
             Fqdn               : EX01.contoso.com\nBindings           : {{0.0.0.0:{port}}}\n\
             RemoteIPRanges     : {{0.0.0.0-255.255.255.255}}\nTransportRole      : {role}\n\
             AuthMechanism      : Tls, Integrated, BasicAuth, BasicAuthRequireTLS{exchange}\n\
             PermissionGroups   : AnonymousUsers, ExchangeUsers\nTlsCertificateName : {pin}\nEnabled            : True\n\n"
        )
    });
    each.collect()
}

#[test]
fn five_broken_connectors_are_a_table_and_each_cause_once() {
    let screen = pasted(&["-"], &format!("{}{CERTIFICATES}", five_connectors()));
    assert!(lines(&screen, 80) <= 30, "{} lines\n{screen}", lines(&screen, 80));
    let table = screen.find("STARTTLS  connector").unwrap();
    assert!(table < screen.find("cause 1").unwrap(), "{screen}");
    assert_eq!(screen.matches("no certificate in the store carries EX01.contoso.com").count(), 1, "{screen}");
    assert_eq!(screen.matches("\ncause ").count(), 2, "{screen}");
    for connector in
        ["Default EX01", "Client Proxy EX01", "Outbound Proxy Frontend EX01", "Client Frontend EX01"]
    {
        let line = screen.lines().find(|line| line.contains(connector)).unwrap();
        assert!(line.starts_with("NONE") && line.contains("  1  no certificate"), "{line}");
    }
    // One fix for each cause, with what its connectors have in common once.
    assert_eq!(screen.matches("  $cert = Get-ExchangeCertificate").count(), 2, "{screen}");
    let each = "  \"Default EX01\", \"Client Proxy EX01\", \"Outbound Proxy Frontend EX01\", \"Client Frontend EX01\" | \
        ForEach-Object { Set-ReceiveConnector \"EX01\\$_\" -TlsCertificateName $name }\n";
    assert!(screen.contains(each), "{screen}");
    let all = text(&program(&["submission-beside-25"]).output().unwrap());
    assert!(lines(&all, 80) <= 30, "{all}");
}

#[test]
fn several_connectors_of_scenarios_fit_thirty_lines() {
    for scenario in
        ["two-connectors-one-port", "edgesync-fqdn-mismatch", "tls-not-in-authmechanism-beside-587"]
    {
        let screen = screen(&[scenario]);
        assert!(lines(&screen, 80) <= 30, "{scenario}: {} lines\n{screen}", lines(&screen, 80));
    }
}

#[test]
fn half_of_what_decides_is_no_verdict_but_a_question() {
    let screen = pasted(&["-"], &five_connectors());
    assert!(
        screen.contains("Whether STARTTLS is offered is not known: no certificate was pasted."),
        "{screen}"
    );
    assert!(screen.contains("  Get-ExchangeCertificate | fl\n"), "{screen}");
    assert!(!screen.contains("NONE") && !screen.contains("12014)"), "{screen}");
    let screen = pasted(&["-"], CERTIFICATES);
    assert!(
        screen.contains("Whether STARTTLS is offered is not known: no connector was pasted."),
        "{screen}"
    );
    assert!(screen.contains("mail.contoso.com, autodiscover.contoso.com"), "{screen}");
    assert!(screen.contains("  starttls-lab check - --fqdn mail.contoso.com\n"), "{screen}");
    let keyless = CERTIFICATES.replace("HasPrivateKey      : True", "HasPrivateKey      : False");
    assert!(pasted(&["-"], &keyless).contains("no: no private key"), "{keyless}");
}

#[test]
fn an_event_alone_says_how_to_tell_its_causes_apart_and_makes_the_lab() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("event.txt");
    fs::write(&file, EVENT).unwrap();
    let run = |name: &str, args: &[&str]| {
        let output = Command::new(PROGRAM).arg(name).args(args).current_dir(dir.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        text(&output)
    };
    let screen = run("check", &["event.txt"]);
    assert!(lines(&screen, 80) <= 24, "{} lines\n{screen}", lines(&screen, 80));
    for part in [
        "Causes by what Get-ExchangeCertificate | fl shows, likeliest first (inferred):",
        "To be sure, paste beside it: Get-ExchangeCertificate | fl on EX01.contoso.com",
        "  1. ",
        "  4. ",
        "     fix New-ExchangeCertificate",
        "  starttls-lab check event.txt certificates.txt",
        "  starttls-lab import event.txt > lab.toml",
    ] {
        assert!(screen.contains(part), "{part:?} is missing:\n{screen}");
    }
    fs::write(dir.path().join("lab.toml"), run("import", &["event.txt"])).unwrap();
    let screen = run("check", &["lab.toml"]);
    assert!(screen.contains("STARTTLS is NOT offered (event 12014)"), "{screen}");
    assert!(screen.contains("dry run as the file says"), "{screen}");
}

#[test]
fn an_object_of_another_cmdlet_is_named_and_not_read_as_a_lab_file() {
    let object = "RunspaceId                  : 00000000-0000-0000-0000-000000000000\nLocalSite                   : Site\n\
        SecureAccess                : False\nScenario                    : Test IMAP4 Connectivity\n\
        Result                      : Failure\n";
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("object.txt");
    fs::write(&file, object).unwrap();
    let output = program(&[file.to_str().unwrap()]).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(
        error.contains("an object of PowerShell that is neither a connector nor a certificate"),
        "{error}"
    );
    assert!(error.contains("Get-ReceiveConnector") && !error.contains("key with no value"), "{error}");
}

#[test]
fn a_certificate_of_the_command_line_may_be_described_by_its_state() {
    let checked = |args: &[&str]| text(&program(args).output().unwrap());
    let fqdn = ["--fqdn", "mail.contoso.com", "--certificate"];
    for (state, shows) in [
        ("expired", "its certificate has expired"),
        ("mail.contoso.com,expired", "its certificate has expired"),
        ("no-key", "has no private key"),
        ("unreadable-key", "has a private key that the transport service cannot read"),
        ("no-smtp", "is not enabled for the SMTP service"),
        ("not-yet-valid", "not yet valid"),
        ("self-signed", "self-signed"),
        ("untrusted", "chain"),
        ("mail.contoso.com", "STARTTLS is offered"),
    ] {
        let screen = checked(&[&fqdn[..], &[state]].concat());
        let screen = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(screen.contains(shows), "{state}: {shows:?} is missing\n{screen}");
    }
    let wrong = program(&[&fqdn[..], &["expird"]].concat()).output().unwrap();
    let error = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(wrong.status.code() == Some(2) && error.contains("did you mean `expired`?"), "{error}");
    let nameless = program(&["--certificate", "expired"]).output().unwrap();
    assert_eq!(nameless.status.code(), Some(2));
}

/// A PKCS#12 file made by openssl 3: `openssl pkcs12 -export`, with the password `secret`, of CN=mail.contoso.com.
#[cfg(feature = "pfx")]
#[test]
fn a_pfx_is_read_with_its_password_which_no_output_has() {
    let pfx = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/program/fixture/mail.pfx");
    let dir = tempfile::tempdir().unwrap();
    let password = dir.path().join("password");
    fs::write(&password, "secret\n").unwrap();
    let fqdn = ["--fqdn", "mail.contoso.com", "--certificate", pfx];
    let by_file =
        program(&[&fqdn[..], &["--password-file", password.to_str().unwrap()]].concat()).output().unwrap();
    let by_environment = program(&fqdn).env("STARTTLS_LAB_PASSWORD", "secret").output().unwrap();
    for output in [by_file, by_environment] {
        let (screen, error) = (text(&output), String::from_utf8_lossy(&output.stderr).into_owned());
        assert!(output.status.success() && screen.contains("STARTTLS is offered"), "{screen}{error}");
        assert!(!screen.contains("secret") && !error.contains("secret"), "{screen}{error}");
    }
    let locked = program(&fqdn).output().unwrap();
    let error = String::from_utf8_lossy(&locked.stderr).into_owned();
    assert_eq!(locked.status.code(), Some(2), "{error}");
    assert!(error.contains("--password-file or in STARTTLS_LAB_PASSWORD"), "{error}");
}

/// A lab file with this text, checked; the first screen, whatever the exit code.
fn checked(name: &str, text_of_file: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text_of_file).unwrap();
    text(&program(&[path.to_str().unwrap()]).output().unwrap())
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

const PINNED: &str = r#"
title = "A Send connector is pinned to a certificate that has expired"
[mx]
"fabrikam.com" = ["mx.fabrikam.com"]
[[computer]]
name = "EX01"
fqdn = "EX01.contoso.com"
role = "mailbox"
profile = "exchange-2019"
[[computer.certificate]]
label = "old"
subject = "CN=mail.contoso.com"
names = ["mail.contoso.com"]
issuer = "CN=Contoso Issuing CA"
services = ["SMTP"]
not_after = "-2d"
[[computer.send_connector]]
name = "To Fabrikam"
address_spaces = ["SMTP:fabrikam.com;1"]
tls_certificate_name = "<I>CN=Contoso Issuing CA<S>CN=mail.contoso.com"
"#;

/// The lab has another authority, so what it would show of this fix is not what the fix does.
#[test]
fn a_fix_that_needs_another_authority_than_the_labs_is_not_said_to_change_nothing() {
    let screen = checked("pinned-expired.toml", PINNED);
    assert!(screen.contains("fix 1 Renew CN=mail.contoso.com (old) with the same issuer"), "{screen}");
    assert!(!screen.contains("nothing that this connector offers changes"), "{screen}");
}

#[test]
fn a_fault_rule_that_was_not_applied_is_not_told_as_a_refusal() {
    let lab = r#"
title = "A fault that nobody meets"
[[computer]]
name = "MX1"
fqdn = "mx1.lab.test"
role = "edge"
profile = "exchange-2019"
[[computer.certificate]]
names = ["mx1.lab.test"]
services = ["SMTP"]
[[computer.receive_connector]]
name = "In"
usage = "Custom"
fqdn = "mx1.lab.test"
[[computer.fault]]
at = "helo"
do = "close"
"#;
    let screen = checked("fault-unmet.toml", lab);
    assert!(screen.contains("fault rules: expected each to be applied, observed fault 1 of MX1"), "{screen}");
    assert!(!screen.contains("no refusal"), "{screen}");
}

/// A lab file may come from anybody.
#[test]
fn names_in_a_lab_file_control_no_terminal() {
    let lab = r#"
title = "a \u202e\u009b31m\u001b[2J title"
[[computer]]
name = "EX01"
fqdn = "EX01.contoso.com"
role = "mailbox"
profile = "exchange-2019"
[[computer.certificate]]
label = "ma\u202eil"
subject = "CN=mail.contoso.com\u202e, O=a\u009bb"
names = ["mail.contoso.com"]
services = ["SMTP"]
[[computer.receive_connector]]
name = "In\u202ex\u009b"
usage = "Custom"
fqdn = "mail.contoso.com"
bindings = ["0.0.0.0:25"]
auth_mechanism = ["Tls"]
[[sender]]
name = "s\u202e\u009b"
policy = "may"
[before.sender]
"s\u202e\u009b" = "clear"
"#;
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("controls.toml");
    fs::write(&path, lab).unwrap();
    let file = path.to_str().unwrap();
    for args in [
        &["check", file][..],
        &["check", "--full", file],
        &["check", "--output", "list", file],
        &["verify", file],
        &["verify", "--output", "list", file],
        &["renew", file],
        &["certs", file],
    ] {
        let output = Command::new(PROGRAM).args(args).output().unwrap();
        let all = format!("{}{}", text(&output), String::from_utf8_lossy(&output.stderr));
        let raw = all.chars().find(|it| (it.is_control() && *it != '\n') || *it == '\u{202e}');
        assert_eq!(raw, None, "{args:?}: {all:?}");
        assert!(all.contains(r"\u{202e}"), "{args:?}: {all}");
    }
    // What is wrong with a file is said with its own words.
    fs::write(&path, lab.replace("name = \"EX01\"", r#""k\u001b[2J\u202e" = 1"#)).unwrap();
    let output = Command::new(PROGRAM).args(["check", file]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(r"unknown key `k\u{1b}[2J\u{202e}`"), "{said:?}");
}
