//! `serve` with two computers: what a person reads of mail on its way from one to the other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::fs;

use crate::fixture::support::{EDGE_AND_HUB, Served, Talk};

#[test]
fn serve_shows_which_computer_sends_to_which_and_every_line_between_them_once() {
    let dir = tempfile::tempdir().unwrap();
    let (file, logs) = (dir.path().join("lab.toml"), dir.path().join("logs"));
    fs::write(&file, EDGE_AND_HUB).unwrap();
    let mut served = Served::start(&[file.to_str().unwrap(), "--log-dir", logs.to_str().unwrap()]);
    let mut talk = Talk::open(&served.address());
    talk.message_to("b@contoso.test", "x", 1);
    talk.say("QUIT", "221");
    let said = served.until(">> EDGE");
    for line in [
        "] -- connecting to HUB (127.0.0.3:",
        ", EDGE\\EdgeSync - Inbound to Site\n",
        "] -- EDGE (127.0.0.2:",
        ">> HUB: message 2 for b@contoso.test delivered to the mailbox\n",
        ">> EDGE: message 1 for b@contoso.test sent to HUB, over EdgeSync - Inbound to Site\n",
    ] {
        assert!(said.contains(line), "{line:?} is missing in {said}");
    }
    assert_eq!(said.matches("C: X-ANONYMOUSTLS\n").count(), 1, "{said}");
    let log = fs::read_dir(&logs).unwrap().map(|entry| entry.unwrap().path());
    let log = log.into_iter().find(|path| path.file_name().unwrap().to_string_lossy().starts_with("SEND"));
    let log = fs::read_to_string(log.expect("no SmtpSend protocol log")).unwrap();
    assert!(log.contains("EdgeSync - Inbound to Site,") && log.contains(",>,X-ANONYMOUSTLS,"), "{log}");
}
