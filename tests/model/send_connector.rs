//! Send connectors: in a lab file, and the certificate each presents from its computer's store.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::sync::Arc;

use starttls_lab::internal::exchange::{
    AuthenticationCredential, ClientCertificate, ClientSelection, Computer, SendConnector,
};
use starttls_lab::internal::lab::Plan;
use starttls_lab::internal::scenario::ScenarioText;

const LAB: &str = r#"
title = "A lab that sends"
now = "2017-10-07T04:42:56Z"

[[computer]]
name = "MAILGATE"
fqdn = "mailgate.expta.com"
role = "edge"
profile = "exchange-2013"

[[computer.certificate]]
label = "good"
subject = "CN=mailgate.expta.com"
names = ["mailgate.expta.com"]
services = ["SMTP"]

[[computer.certificate]]
label = "keyless"
subject = "CN=keyless.expta.com"
names = ["keyless.expta.com"]
services = ["SMTP"]
private_key = "missing"

[[computer.certificate]]
label = "idle"
subject = "CN=idle.expta.com"
names = ["idle.expta.com"]

[[computer.receive_connector]]
name = "Default internal receive connector MAILGATE"

[[computer.send_connector]]
name = "To Partner"
"#;

/// The lab with these lines in its Send connector.
fn paper(lines: &str) -> Result<Plan, String> {
    let text = format!("{LAB}{lines}\n");
    let scenario = ScenarioText::parse(&text, "lab.toml").map_err(|error| error.to_string())?;
    Plan::new(&scenario).map_err(|error| error.to_string())
}

fn built(lines: &str) -> (Arc<Computer>, Arc<SendConnector>) {
    let computer = Arc::clone(&paper(lines).unwrap().computers[0].computer);
    let connector = Arc::clone(&computer.send_connectors[0]);
    (computer, connector)
}

fn selected(lines: &str) -> (ClientCertificate, Option<String>, Option<String>) {
    let (computer, connector) = built(lines);
    let now = "2017-10-07T04:42:56Z".parse().unwrap();
    let selection = ClientSelection::of(&connector, &computer, now);
    let chosen = selection.chosen(&computer).map(|stored| stored.label.clone());
    (selection.certificate, chosen, selection.event(&connector).map(|event| event.message()))
}

#[test]
fn a_lab_file_writes_a_send_connector_with_the_parameters_of_the_cmdlet() {
    let (computer, connector) = built(
        "address_spaces = [\"partner.test\", \"SMTP:*.partner.test;5\"]\nsmart_hosts = [\"10.0.0.25\"]\n\
         require_tls = true\ntls_auth_level = \"DomainValidation\"\ntls_domain = \"*.partner.test\"\n\
         connection_inactivity_time_out = \"30s\"\nport = 2525",
    );
    let shown = connector.properties();
    let value = |name| shown.iter().find(|(known, _)| *known == name).unwrap().1.clone();
    assert_eq!(value("AddressSpaces"), "{SMTP:partner.test;1, SMTP:*.partner.test;5}");
    assert_eq!(value("SmartHosts"), "{[10.0.0.25]}");
    assert_eq!(value("DNSRoutingEnabled"), "False");
    assert_eq!(value("TlsDomain"), "*.partner.test");
    assert_eq!(value("ConnectionInactivityTimeOut"), "00:00:30");
    assert_eq!((value("Port"), value("Fqdn")), ("2525".to_owned(), String::new()));
    assert_eq!(computer.send_connector_for("eu.partner.test").unwrap().name, "To Partner");
    assert!(computer.send_connector_for("elsewhere.test").is_none());
}

#[test]
fn what_is_wrong_in_a_send_connector_is_shown_in_its_place() {
    let error = paper("require_tls = true\ntls_domain = \"partner.test\"").unwrap_err();
    assert!(error.contains("The TLSDomain parameter can only be set if"), "{error}");
    assert!(error.contains("| tls_domain = \"partner.test\"\n") && error.contains('^'), "{error}");
    let error = paper("ignore_start_tls = true").unwrap_err();
    assert!(error.contains("did you mean `ignore_starttls`?"), "{error}");
    let error = paper("tls_auth_level = \"Domain\"").unwrap_err();
    assert!(error.contains("not one of EncryptionOnly, CertificateValidation"), "{error}");
}

#[test]
fn a_credential_is_a_table_and_its_password_is_shown_nowhere() {
    let (_, connector) = built(
        "smart_host_auth_mechanism = \"BasicAuth\"\n\
         authentication_credential = { user = \"anna\", password = \"hidden\" }",
    );
    let credential = connector.authentication_credential.0.as_ref().unwrap();
    assert_eq!((credential.user.as_str(), credential.password.as_str()), ("anna", "hidden"));
    let shown = connector.properties();
    let (_, shown) = shown.iter().find(|(name, _)| *name == "AuthenticationCredential").unwrap();
    assert_eq!(shown, "System.Management.Automation.PSCredential");
    assert!(!format!("{connector:?}").contains("hidden"));
    let (_, connector) = built("authentication_credential = \"\"");
    assert_eq!(connector.authentication_credential, AuthenticationCredential(None));
    let shown = connector.properties();
    assert!(shown.contains(&("AuthenticationCredential", String::new())));
}

#[test]
fn a_logon_without_a_credential_is_refused_where_it_is_asked_for() {
    for mechanism in ["BasicAuth", "BasicAuthRequireTLS"] {
        let error = paper(&format!("smart_host_auth_mechanism = \"{mechanism}\"")).unwrap_err();
        let expected = format!("{mechanism} needs authentication_credential = {{ user = \"...\"");
        assert!(error.contains(&expected) && error.contains('^'), "{error}");
    }
    let credential = "authentication_credential = { user = \"a\", password = \"b\" }\nignore_starttls = true";
    let inside =
        paper(&format!("smart_host_auth_mechanism = \"BasicAuthRequireTLS\"\n{credential}")).unwrap_err();
    assert!(inside.contains("ignore_starttls has to be false while smart_host_auth_mechanism"), "{inside}");
    paper(&format!("smart_host_auth_mechanism = \"BasicAuth\"\n{credential}")).unwrap();
}

#[test]
fn a_credential_that_is_none_is_refused_with_what_would_be_right() {
    let error = |value: &str| paper(&format!("authentication_credential = {value}")).unwrap_err();
    let text = error("\"anna:hidden\"");
    assert!(text.contains("a table { user = \"...\", password = \"...\" }"), "{text}");
    let table = error("{ user = \"anna\" }");
    assert!(table.contains("missing field `password`"), "{table}");
    let table = error("{ user = \"anna\", password = \"b\", pass = \"c\" }");
    assert!(table.contains("unknown key `pass`; known here: user, password"), "{table}");
}

#[test]
fn a_blank_fqdn_presents_the_certificate_of_the_computer() {
    let (certificate, label, event) = selected("");
    assert!(matches!(certificate, ClientCertificate::Presented(_)));
    assert_eq!((label.as_deref(), event), (Some("good"), None));
}

#[test]
fn a_name_that_no_certificate_carries_is_event_12014_and_names_the_send_connector() {
    let (certificate, _, event) = selected("fqdn = \"ht01.expta.com\"");
    assert_eq!(certificate, ClientCertificate::NotFound);
    let event = event.unwrap();
    assert!(event.contains("the domain name ht01.expta.com in the personal store"), "{event}");
    assert!(event.contains("verb for the connector To Partner with a FQDN parameter of ht01.expta.com"));
}

#[test]
fn a_certificate_without_its_key_or_without_smtp_is_chosen_all_the_same() {
    let (certificate, label, event) = selected("fqdn = \"keyless.expta.com\"");
    assert!(matches!(certificate, ClientCertificate::NoCredentials(_)), "{certificate:?}");
    assert_eq!((label.as_deref(), event), (Some("keyless"), None));
    let (certificate, label, event) = selected("fqdn = \"idle.expta.com\"");
    assert!(matches!(certificate, ClientCertificate::UnknownCredentials(_)), "{certificate:?}");
    assert_eq!((label.as_deref(), event), (Some("idle"), None));
}

#[test]
fn a_pin_that_names_nothing_falls_back_on_nothing() {
    let (certificate, _, event) = selected("tls_certificate_name = \"<I>CN=Old CA<S>CN=mailgate.expta.com\"");
    assert_eq!(certificate, ClientCertificate::PinNotFound);
    assert!(event.unwrap().contains("FQDN parameter of <I>CN=Old CA<S>CN=mailgate.expta.com."));
}
