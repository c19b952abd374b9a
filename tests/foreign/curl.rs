//! curl: `--ssl` takes TLS where it is offered, but verifies it then; `--ssl-reqd` insists.

use crate::support::{
    Finished, Fix, IN_THE_CERTIFICATE, MAIL_FROM, NOT_IN_THE_CERTIFICATE, Program, RCPT_TO, Save, Served, run,
};

struct Curl(Program);

impl Curl {
    fn find() -> Option<Self> {
        Program::find("curl", "curl").map(Self)
    }

    fn send(&self, lab: &Served, host: &str, policy: &str) -> Finished {
        let port = lab.port();
        let mut command = self.0.command();
        command.args(["--silent", "--show-error", "--url", &format!("smtp://{host}:{port}/client.test")]);
        command.args(["--resolve", &format!("{host}:{port}:127.0.0.1"), "--noproxy", "*"]);
        command.args(["--mail-from", MAIL_FROM, "--mail-rcpt", RCPT_TO, "--upload-file", "-", policy]);
        run(command.arg("--cacert").arg(lab.ca_file()), "Subject: hello\r\n\r\nfrom curl\r\n")
    }
}

#[test]
fn curl_sends_in_clear_where_starttls_is_withheld_and_it_may() {
    let Some(curl) = Curl::find() else { return };
    let mut lab = Served::scenario("fqdn-mismatch");

    curl.send(&lab, IN_THE_CERTIFICATE, "--ssl").succeeded();
    lab.conversation().arrived_in_clear();
}

#[test]
fn curl_sends_nothing_where_starttls_is_withheld_and_it_must() {
    let Some(curl) = Curl::find() else { return };
    let mut lab = Served::scenario("fqdn-mismatch");

    let refused = curl.send(&lab, IN_THE_CERTIFICATE, "--ssl-reqd");
    refused.failed_saying("curl: (64) STARTTLS not supported.");
    lab.conversation().brought_nothing();
}

#[test]
fn curl_sends_encrypted_after_the_connector_took_the_certificates_name() {
    let Some(curl) = Curl::find() else { return };
    let mut lab = Served::scenario("fqdn-mismatch");
    let name = lab.mend(Fix::ConnectorFqdn, Save::Rename);

    for policy in ["--ssl", "--ssl-reqd"] {
        curl.send(&lab, &name, policy).succeeded();
        lab.conversation().arrived_encrypted();
    }
    curl.send(&lab, NOT_IN_THE_CERTIFICATE, "--ssl-reqd").failed_saying("curl: (60)");
    lab.conversation().brought_nothing();
}

#[test]
fn curl_is_not_led_astray_by_a_tarpit_nor_by_a_banner_of_three_lines() {
    let Some(curl) = Curl::find() else { return };
    for entry in ["e-tarpit", "e-banner-multiline"] {
        let mut lab = Served::entry(entry);
        curl.send(&lab, "mx1.lab.test", "--ssl-reqd").succeeded();
        lab.conversation().arrived_encrypted();
    }
}

#[test]
fn curl_sends_nothing_where_the_banner_is_a_refusal() {
    let Some(curl) = Curl::find() else { return };
    let mut lab = Served::entry("e-banner-554");

    curl.send(&lab, "mx1.lab.test", "--ssl").failed_saying("554");
    lab.conversation().brought_nothing();
}
