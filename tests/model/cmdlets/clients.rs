//! IMAP and POP: `X509CertificateName`, and what enabling a wildcard does.

use starttls_lab::internal::exchange::Services;

use super::world::{Screen as _, World, built};

/// A Mailbox server with a wildcard and the certificate that setup makes.
const LAB: &str = r#"
title = "A wildcard"

[[computer]]
name = "EX01"
fqdn = "EX01.contoso.com"
role = "mailbox"
profile = "exchange-2019"

[[computer.certificate]]
label = "default"
subject = "CN=EX01"
names = ["EX01", "EX01.contoso.com"]
issuer = "self"
services = ["IMAP", "POP", "IIS", "SMTP"]

[[computer.certificate]]
label = "wild"
names = ["*.contoso.com"]
services = ["IIS"]

[[computer.certificate]]
label = "mail"
names = ["mail.contoso.com"]

[[computer.receive_connector]]
name = "Default Frontend EX01"
usage = "DefaultFrontend"
"#;

fn world(lab: &str) -> World {
    World::on(built(lab, "wildcard"), 0)
}

#[test]
fn a_wildcard_is_not_enabled_for_imap_and_pop_which_the_cmdlet_says_in_its_words() {
    let mut world = world(LAB);
    let thumbprint = world.thumbprint("wild");
    let offered = world.offered();
    let outcome = world
        .run(&format!("Enable-ExchangeCertificate {thumbprint} -Services IMAP,POP,IIS,SMTP -Force"))
        .unwrap();
    let warnings = outcome.warnings();
    assert_eq!(
        warnings[0],
        format!(
            "This certificate with thumbprint {thumbprint} and subject '*.contoso.com' cannot used for IMAP SSL/TLS \
             connections because the subject is not a Fully Qualified Domain Name (FQDN). Use command Set-IMAPSettings to \
             set X509CertificateName to the FQDN of the service."
        )
    );
    assert!(warnings[1].contains("SMTP is not touched"), "{warnings:?}");
    assert!(
        warnings[2].contains("for POP SSL/TLS") && warnings[2].contains("Set-POPSettings"),
        "{warnings:?}"
    );
    assert_eq!(world.stored("wild").services, Services::IIS.and(Services::SMTP));
    let shown = world.screen(&format!("Get-ExchangeCertificate {thumbprint} | fl Services"));
    assert!(shown.contains("Services : IIS, SMTP"), "{shown}");
    assert_eq!(world.offered(), offered);
}

#[test]
fn the_name_follows_what_is_enabled_until_it_is_set() {
    let mut world = world(LAB);
    let name = "(Get-ImapSettings).X509CertificateName; (Get-PopSettings -Server EX01).X509CertificateName";
    assert_eq!(world.screen(name), "EX01\nEX01\n");
    let mail = world.thumbprint("mail");
    world.screen(&format!("Enable-ExchangeCertificate {mail} -Services IMAP"));
    assert_eq!(world.screen(name), "mail.contoso.com\nEX01\n");
    world.screen("Set-PopSettings -X509CertificateName pop.contoso.com -Server EX01");
    assert_eq!(world.screen(name), "mail.contoso.com\npop.contoso.com\n");
    let odd = world.run("Set-ImapSettings -X509CertificateName imap.fabrikam.com").unwrap();
    assert!(odd.warnings()[0].contains("no certificate in the store of EX01 carries imap.fabrikam.com"));
    let shown = world.screen("Get-ImapSettings | fl");
    assert!(
        shown.contains("ProtocolName        : IMAP4") && shown.contains("Identity            : EX01\\1"),
        "{shown}"
    );
}

#[test]
fn a_lab_file_says_the_name_and_an_edge_has_none() {
    let lab = LAB.replace(
        "profile = \"exchange-2019\"\n",
        "profile = \"exchange-2019\"\nimap_settings = { x509_certificate_name = \"imap.contoso.com\" }\n",
    );
    assert_eq!(world(&lab).screen("(Get-ImapSettings).X509CertificateName"), "imap.contoso.com\n");
    let refused = World::of("fqdn-mismatch").refusal("Get-ImapSettings");
    assert!(refused.message.contains("is an Edge, which has no IMAP and no POP"), "{}", refused.message);
}
