//! `shell`: the cmdlets at a prompt, driven in a terminal, by a pipe, from a script, and attached to a running lab.
#![cfg(unix)]

mod terminal;

use std::io::Write;
use std::process::{Output, Stdio};

use serde_json::Value;
pub(crate) use terminal::Terminal;

use crate::first_screen::{CERTIFICATES, EVENT};
use crate::fixture::support::{Served, output, program, text};

const PROMPT: &str = "[PS] C:\\Windows\\system32>";
const CONNECTOR: &str = "\"MAILGATE\\Default internal receive connector MAILGATE\"";

/// Runs `shell` with `input` on standard input.
fn shell(arguments: &[&str], input: &str) -> Output {
    let mut command = program();
    command.arg("shell").args(arguments);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    // A program that has refused its arguments does not read.
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    output(child)
}

#[track_caller]
fn ended(output: &Output, code: i32) -> (String, String) {
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{stdout}\n{stderr}");
    (stdout, stderr)
}

#[test]
fn a_person_completes_changes_recalls_and_is_refused() {
    let Some(terminal) = Terminal::start(&["shell"]) else { return };
    let begun = terminal.shows("the prompt", |screen| screen.lines().last() == Some(PROMPT));
    assert!(
        begun.contains("does NOT offer STARTTLS") && begun.contains("Connected to mailgate.expta.com."),
        "{begun}"
    );

    terminal.types("set-rec");
    terminal.presses("Tab");
    terminal.ends_with(&format!("{PROMPT}Set-ReceiveConnector"));
    terminal.types(" def");
    terminal.presses("Tab");
    terminal.ends_with(&format!("{PROMPT}Set-ReceiveConnector {CONNECTOR}"));
    terminal.types(" -fq");
    terminal.presses("Tab");
    let line = format!("{PROMPT}Set-ReceiveConnector {CONNECTOR} -Fqdn");
    terminal.ends_with(&line);
    terminal.enters(" mailgate.expta.com");
    let changed =
        terminal.shows("the change", |screen| screen.contains("now     mailgate.expta.com: offered with"));
    assert!(
        changed.contains(
            "before  mail.expta.com: withheld, nothing in the store fits mail.expta.com, event 12014"
        ),
        "{changed}"
    );

    terminal.ends_with(PROMPT);
    terminal.presses("Up");
    terminal.ends_with(&format!("{line} mailgate.expta.com"));
    terminal.presses("C-c");
    terminal.ends_with(PROMPT);

    terminal.types("Get-ExchangeCertificate mail");
    terminal.presses("Tab");
    terminal.shows("the thumbprint", |screen| {
        let last = screen.lines().last().unwrap_or_default();
        last.rsplit(' ').next().is_some_and(|word| word.len() == 40)
    });
    terminal.presses("C-c");
    terminal.ends_with(PROMPT);

    terminal.enters("Get-Frobnication");
    terminal.shows("the refusal", |screen| screen.contains("+ ~~~~~~~~~~~~~~~~\n"));
    assert!(
        terminal.screen().contains("The term 'Get-Frobnication' is not recognized"),
        "{}",
        terminal.screen()
    );

    terminal.enters("Get-ReceiveConnector |");
    terminal.ends_with(">>");
    terminal.enters("fl Fqdn");
    terminal.shows("the list", |screen| screen.contains("\nFqdn : mailgate.expta.com\n"));
    terminal.ends_with(PROMPT);

    terminal.enters(&format!("Remove-ReceiveConnector {CONNECTOR}"));
    terminal.shows("the question", |screen| screen.ends_with("(default is \"Y\"):"));
    terminal.enters("l");
    terminal.ends_with(PROMPT);
    terminal.enters("(Get-ReceiveConnector).Name");
    terminal
        .shows("the connector", |screen| screen.contains("\nDefault internal receive connector MAILGATE\n"));
    terminal.presses("C-d");
    terminal.ends_with("ended with 0");
}

#[test]
fn a_terminal_is_attached_to_a_running_lab_and_leaves_it_running() {
    let lab = Served::start(&["fqdn-mismatch", "--control-token", "abc"]);
    let ready: Value = serde_json::from_str(&lab.line).unwrap();
    let url = ready["control"].as_str().unwrap();
    let (_, refused) = ended(&shell(&["--attach", url], ""), 2);
    assert!(refused.contains("wants a token: --control-token"), "{refused}");

    let attached = ["--attach", url, "--control-token", "abc"];
    let arguments = [&["shell"], attached.as_slice()].concat();
    if let Some(terminal) = Terminal::start(&arguments) {
        terminal.ends_with(PROMPT);
        // Mail is shown above what is being typed, which stays.
        terminal.types("Get-Receive");
        let to = ready["connectors"][0]["addr"].as_str().unwrap();
        let sent = program()
            .args(["send", "--to", to, "--from", "a@sender.example", "--rcpt", "postmaster@expta.com"])
            .output()
            .unwrap();
        assert!(sent.status.success(), "{}", text(&sent.stderr));
        let arrived = "one message arrived at Default internal receive connector MAILGATE in clear";
        terminal.shows("the arrival", |screen| screen.contains(arrived));
        terminal.ends_with(&format!("{PROMPT}Get-Receive"));
        terminal.presses("C-c");
        terminal.ends_with(PROMPT);
        terminal.types("Get-ReceiveConnector ");
        terminal.presses("Tab");
        terminal.ends_with(&format!("{PROMPT}Get-ReceiveConnector {CONNECTOR}"));
        terminal.enters(" | Set-ReceiveConnector -Fqdn mailgate.expta.com");
        terminal.shows("the change", |screen| screen.contains("now     mailgate.expta.com: offered with"));
        terminal.ends_with(PROMPT);
        terminal.enters("exit");
        terminal.ends_with("ended with 0");
    }
    let typed = "Get-ReceiveConnector | Set-ReceiveConnector -Fqdn mail.expta.com\nGet-Nothing\n";
    let (stdout, _) = ended(&shell(&attached, typed), 1);
    assert!(stdout.contains("now     mail.expta.com: withheld"), "{stdout}");
    assert!(stdout.contains("At line:1 char:1\n+ Get-Nothing\n+ ~~~~~~~~~~~\n"), "{stdout}");
    let (stdout, _) = ended(&shell(&attached, "(Get-ReceiveConnector).Fqdn\n"), 0);
    assert_eq!(stdout, "mail.expta.com\n");
}

#[test]
fn a_script_stops_at_the_first_line_that_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fix.ps1");
    let name = path.to_str().unwrap();
    let script = "$name = 'mailgate.expta.com'\n\n\
        Get-ReceiveConnector | Set-ReceiveConnector -Fqdn $name\n  Set-ReceiveConnector Nothing -Fqdn $name\nGet-Date\n";
    std::fs::write(&path, script).unwrap();
    let (stdout, stderr) = ended(&shell(&["--script", name], ""), 1);
    assert!(stdout.contains("now     mailgate.expta.com: offered with"), "{stdout}");
    assert!(stdout.contains("At line:4 char:24\n") && !stdout.contains("Get-Date"), "{stdout}");
    assert!(stderr.contains("fix.ps1:4: refused"), "{stderr}");

    std::fs::write(&path, "Get-ReceiveConnector\n)\n").unwrap();
    let (stdout, stderr) = ended(&shell(&["--script", name], ""), 1);
    assert!(stdout.starts_with("Unexpected token ')' in expression or statement"), "{stdout}");
    assert!(stderr.contains("fix.ps1:2: it cannot be read, and nothing was run"), "{stderr}");

    let remove = format!("Remove-ReceiveConnector {CONNECTOR}");
    let (stdout, _) = ended(&shell(&["--script", "-"], &remove), 1);
    assert!(stdout.contains("It asks, and nobody is there to answer; -Confirm:$false"), "{stdout}");
    let (stdout, _) = ended(&shell(&["--script", "-"], &format!("{remove} -Confirm:$false")), 0);
    assert!(stdout.contains("now     no such connector"), "{stdout}");
}

#[test]
fn a_pipe_is_read_line_by_line_without_a_prompt() {
    let typed = "Get-ReceiveConnector |\nfl Fqdn\n\nNew-ExchangeCertificate -DomainName mail.expta.com -Services SMTP\nn\nGet-Nothing\n\
        Get-History\nexit\nGet-Date\n";
    let (stdout, _) = ended(&shell(&[], typed), 1);
    assert!(stdout.starts_with("\nFqdn : mail.expta.com\n\n") && !stdout.contains("[PS]"), "{stdout}");
    // The certificate that the question names is the one that is made.
    let (_, named) = stdout.split_once("Replace it with certificate: '").unwrap();
    assert_eq!(stdout.matches(&named[..40]).count(), 2, "{stdout}");
    assert!(stdout.contains("   1 Get-ReceiveConnector |...fl Fqdn\n"), "{stdout}");
    assert!(stdout.ends_with("   4 Get-History\n\n"), "{stdout}");

    let (stdout, _) = ended(&shell(&[], &"x".repeat(100_000)), 1);
    assert!(stdout.contains("at most 64 KiB"), "{stdout}");
    let (stdout, _) = ended(&shell(&[], "Get-ReceiveConnector | ? { (\n\n"), 1);
    assert!(stdout.contains("At line:"), "{stdout}");
}

#[test]
fn what_succeeded_is_saved_as_a_script_and_a_twin_that_only_tries() {
    let directory = tempfile::tempdir().unwrap();
    let (path, history) = (directory.path().join("fix.ps1"), directory.path().join("history"));
    let saving = ["--save", path.to_str().unwrap(), "--history", history.to_str().unwrap()];
    let typed =
        "Get-ReceiveConnector | Set-ReceiveConnector -Fqdn mailgate.expta.com\nGet-Nothing\nGet-Date\n";
    ended(&shell(&saving, typed), 1);
    let script = std::fs::read_to_string(&path).unwrap();
    let last = script.lines().last().unwrap();
    assert_eq!(last, "Get-ReceiveConnector | Set-ReceiveConnector -Fqdn mailgate.expta.com", "{script}");
    assert_eq!(std::fs::read_to_string(&history).unwrap(), typed);

    let twin = directory.path().join("fix.whatif.ps1");
    let (stdout, _) = ended(&shell(&["--script", twin.to_str().unwrap()], ""), 0);
    assert!(
        stdout.contains("What if: Set-ReceiveConnector would succeed") && !stdout.contains("before"),
        "{stdout}"
    );
    let (stdout, _) = ended(&shell(&["--script", path.to_str().unwrap()], ""), 0);
    assert!(stdout.contains("offered with"), "{stdout}");
    let (_, stderr) = ended(&shell(&saving, ""), 2);
    assert!(stderr.contains("is not overwritten"), "{stderr}");
}

#[test]
fn a_paste_becomes_the_lab_and_servers_are_changed() {
    let event = "Microsoft Exchange could not find a certificate that contains the domain name mail1.contoso.com in the \
        personal store on the local computer. Therefore, it is unable to support the STARTTLS SMTP verb for the connector \
        Default EX01 with a FQDN parameter of mail1.contoso.com.";
    let (stdout, _) = ended(&shell(&[event], "(Get-ReceiveConnector).Fqdn\n"), 0);
    assert_eq!(stdout, "mail1.contoso.com\n");
    let (_, stderr) = ended(&shell(&["-", "--script", "-"], ""), 2);
    assert!(stderr.contains("standard input cannot be both"), "{stderr}");

    let typed =
        "Connect-ExchangeServer NOWHERE\nConnect-ExchangeServer HT01\n(Get-ReceiveConnector).Server\n";
    let (stdout, _) = ended(&shell(&["edgesync-fqdn-mismatch"], typed), 1);
    assert!(
        stdout.contains("the lab has no server `NOWHERE`; it has ") && stdout.ends_with("HT01\n"),
        "{stdout}"
    );
    let (_, stderr) = ended(&shell(&["--computer", "NOWHERE"], ""), 2);
    assert!(stderr.contains("it has MAILGATE"), "{stderr}");
}

/// The thumbprint of an imported certificate is the real one, also for a Shell that is attached to its lab.
#[test]
fn an_attached_shell_saves_the_thumbprints_of_real_certificates_as_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let real = "00112233445566778899AABBCCDDEEFF00112233";
    let lab = directory.path().join("lab.toml");
    let text = starttls_lab::internal::scenario::scenario("healthy").unwrap().text;
    let text = text.replacen(
        "[[computer.certificate]]\n",
        &format!("[[computer.certificate]]\nthumbprint = \"{real}\"\n"),
        1,
    );
    std::fs::write(&lab, text).unwrap();
    let lab = Served::start(&[lab.to_str().unwrap()]);
    let ready: Value = serde_json::from_str(&lab.line).unwrap();
    let url = ready["control"].as_str().unwrap();
    let script = directory.path().join("fix.ps1");
    let typed = format!(
        "Enable-ExchangeCertificate {real} -Services SMTP -Force\n$new = New-ExchangeCertificate -Services SMTP -Force\n\
         Get-ExchangeCertificate | Where-Object {{ $_.Thumbprint -ne '{real}' }} | Enable-ExchangeCertificate -Services IIS\n"
    );
    ended(&shell(&["--attach", url, "--save", script.to_str().unwrap()], &typed), 0);
    let saved = std::fs::read_to_string(&script).unwrap();
    assert!(
        saved.contains(&format!("\nEnable-ExchangeCertificate {real} -Services SMTP -Force\n")),
        "{saved}"
    );
    assert!(!saved.contains("FILL IN"), "{saved}");
}

/// The way of docs/two-minutes.md, by keystrokes in a terminal of 80 by 24.
#[test]
fn an_event_and_a_list_become_a_fix_that_is_tried_and_verified() {
    let Some(terminal) = Terminal::of_system() else { return };
    terminal.ends_with("$");
    for (file, paste) in [("event.txt", EVENT), ("certificates.txt", CERTIFICATES)] {
        terminal.enters(&format!("cat > {file}"));
        paste.lines().for_each(|line| terminal.enters(line));
        terminal.presses("C-d");
        terminal.ends_with("$");
    }
    terminal.enters("clear; starttls-lab check event.txt certificates.txt");
    let screen = terminal.shows("the answer", |screen| screen.contains("--full shows all"));
    for part in [
        "event.txt: event 12014; certificates.txt: 1 certificate",
        "cause    no certificate in the store carries EX01.contoso.com",
        "advice   Enable-ExchangeCertificate -Services SMTP changes nothing here",
    ] {
        assert!(screen.contains(part), "{part:?} is missing:\n{screen}");
    }
    let is_command = |line: &&str| ["  $", "  Set-"].iter().any(|head| line.starts_with(head));
    let commands: Vec<String> =
        screen.lines().filter(is_command).map(|line| line.trim().to_owned()).collect();
    assert_eq!(commands.len(), 3, "{screen}");

    terminal.enters("clear; starttls-lab shell event.txt certificates.txt");
    terminal.ends_with(PROMPT);
    for (number, command) in commands.iter().enumerate() {
        terminal.enters(command);
        // Until its own prompt is there the last line may be the prompt at which the command is still to appear.
        terminal.shows("the next prompt", |screen| {
            screen.lines().last() == Some(PROMPT) && screen.matches(PROMPT).count() == number + 2
        });
    }
    let screen = terminal.shows("the change", |screen| screen.contains("now     "));
    assert!(
        screen.contains("STARTTLS on EX01\\Internet EX01") && screen.contains(": offered with"),
        "{screen}"
    );
    terminal.enters("exit");
    terminal.ends_with("$");

    terminal.enters("clear; starttls-lab import event.txt certificates.txt > lab.toml");
    terminal.ends_with("$");
    terminal.enters("cat >> lab.toml");
    let senders = "[[sender]]\npolicy = \"may\"\n[[sender]]\npolicy = \"upgrade-then-verify\"\ndials = \"EX01.contoso.com\"";
    let fix = format!("[[fix]]\ntitle = \"Pin it\"\nrun = '''\n{}\n'''", commands.join("\n"));
    format!("{senders}\n{fix}").lines().for_each(|line| terminal.enters(line));
    terminal.presses("C-d");
    terminal.ends_with("$");
    terminal.enters("clear; starttls-lab verify lab.toml");
    let screen = terminal.shows("the verdict", |screen| screen.contains("as the file says"));
    assert!(screen.contains("worse off after fix 1: upgrade-then-verify"), "{screen}");
    assert!(!screen.contains("the Shell refuses it"), "{screen}");
}
