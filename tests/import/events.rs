//! Events, errors, dialogues and logs in the shapes in which they are pasted.

use serde_json::{Value, json};

use super::samples::{CERTIFICATES, CONNECTOR, EVENT, PINNED};
use super::{imported, recognized};

fn explained(text: &str) -> Value {
    recognized(&[text]).explanation.to_json()
}

#[track_caller]
fn says(text: &str, expected: &[(&str, Value)]) {
    let found = explained(text);
    for (name, value) in expected {
        assert_eq!(found.get(*name).unwrap_or(&Value::Null), value, "{name} of\n{text}\n{found:#}");
    }
}

fn of_the_event() -> Vec<(&'static str, Value)> {
    vec![
        ("event_id", json!(12014)),
        ("domain_name", json!("post.wetland.test")),
        ("connector", json!("Partner relay on HERON")),
        ("fqdn", json!("post.wetland.test")),
        ("selection_key", json!("fqdn")),
        ("fields_agree", json!(true)),
        ("truncated", json!(false)),
    ]
}

fn with_header() -> Vec<(&'static str, Value)> {
    let mut all = of_the_event();
    all.extend([
        ("provider", json!("MSExchangeFrontEndTransport")),
        ("computer", json!("HERON.wetland.test")),
        ("level", json!("Error")),
        ("task_category", json!("TransportService")),
        ("time_text", json!("3/4/2026 9:15:00 AM")),
    ]);
    all
}

fn description() -> &'static str {
    EVENT.split_once("Description:\n").unwrap().1.trim()
}

#[test]
fn a_copy_out_of_event_viewer_is_read_however_it_was_quoted_and_escaped() {
    let quoted = |mark: &str| EVENT.lines().map(|line| format!("{mark}{line}\n")).collect::<String>();
    let html =
        EVENT.replace('&', "&amp;").replace('<', "&lt;").replace('\'', "&#39;").replace('\n', "<br>\n");
    for text in [
        EVENT.to_owned(),
        EVENT.replace('\n', "\r\n"),
        EVENT.replace('\n', " "),
        EVENT.replace('\'', "\u{2019}"),
        quoted("> "),
        quoted(">> "),
        format!("<p>{html}</p>"),
        format!("Hello,\n\nwe see this since Monday:\n\n{EVENT}\nRegards\n"),
    ] {
        says(&text, &with_header());
    }
}

#[test]
fn labels_of_another_language_are_known_or_told_by_their_place() {
    let german = EVENT
        .replace("Log Name:", "Protokollname:")
        .replace("Source:", "Quelle:")
        .replace("Date:", "Datum:")
        .replace("Event ID:", "Ereignis-ID:")
        .replace("Task Category:", "Aufgabenkategorie:")
        .replace("Level:         Error", "Ebene:         Fehler")
        .replace("Description:", "Beschreibung:");
    let invented = EVENT.lines().enumerate().map(|(at, line)| match line.split_once(": ") {
        Some((_, value)) if at < 9 => format!("Wort{at}:  {value}\n"),
        _ => format!("{line}\n"),
    });
    says(&german, &with_header());
    says(&invented.collect::<String>().replace("Description:", "Woerter:"), &with_header());
}

#[test]
fn objects_of_the_cmdlets_csv_json_and_xml_say_the_same() {
    let text = description();
    let list = format!(
        "TimeCreated      : 3/4/2026 9:15:00 AM\nProviderName     : MSExchangeFrontEndTransport\nId               : 12014\n\
         LevelDisplayName : Error\nMachineName      : HERON.wetland.test\nTaskDisplayName  : TransportService\nMessage          : {text}\n"
    );
    let log = format!(
        "Index              : 7\nEntryType          : Error\nInstanceId         : 3221499630\nMessage            : {text}\n\
         Category           : TransportService\nReplacementStrings : {{post.wetland.test, Partner relay on HERON, post.wetland.test}}\n\
         Source             : MSExchangeFrontEndTransport\nTimeGenerated      : 3/4/2026 9:15:00 AM\nMachineName        : HERON.wetland.test\n"
    );
    let csv = format!(
        "Level,Date and Time,Source,Event ID,Task Category\nError,3/4/2026 9:15:00 AM,MSExchangeFrontEndTransport,12014,TransportService,\"{text}\"\n"
    );
    let json = json!({
        "Id": 12014, "ProviderName": "MSExchangeFrontEndTransport", "LevelDisplayName": "Error",
        "TaskDisplayName": "TransportService", "MachineName": "HERON.wetland.test",
        "TimeCreated": "3/4/2026 9:15:00 AM", "Message": text,
    });
    for text in [list, log, json.to_string()] {
        says(&text, &with_header());
    }
    says(&csv, &of_the_event());
    let xml = "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'>\n- <System>\n<Provider Name='MSExchangeFrontEndTransport' />\n\
        <EventID Qualifiers='49156'>12014</EventID><Level>2</Level><Task>12</Task><TimeCreated SystemTime='2026-03-04T08:15:00Z' />\
        <Computer>HERON.wetland.test</Computer></System><EventData><Data>post.wetland.test</Data><Data>Partner relay on HERON</Data>\
        <Data>post.wetland.test</Data></EventData></Event>";
    let escaped = xml.replace('<', "&lt;").replace('>', "&gt;");
    for text in [xml.to_owned(), escaped, format!("\u{feff}<Events>{xml}</Events>")] {
        says(&text, &of_the_event());
        says(&text, &[("computer", json!("HERON.wetland.test")), ("level", json!("Error"))]);
    }
}

#[test]
fn replacement_strings_without_a_message_still_tell_and_pins_in_them_survive_their_commas() {
    let pin = "<I>CN=Reed CA, O=Reed Trust<S>CN=post.wetland.test, O=Wetland";
    let text = format!(
        "InstanceId         : 3221499630\nSource             : MSExchangeTransport\nReplacementStrings : {{{pin}, Partner relay, {pin}}}\n"
    );
    says(
        &text,
        &[
            ("domain_name", json!(pin)),
            ("connector", json!("Partner relay")),
            ("selection_key", json!("tls_certificate_name")),
            ("issuer", json!("CN=Reed CA, O=Reed Trust")),
            ("subject", json!("CN=post.wetland.test, O=Wetland")),
        ],
    );
}

#[test]
fn names_in_other_scripts_and_odd_names_are_kept() {
    for name in [
        "Соединитель для партнёров (склад)",
        "受信コネクタ 東京",
        "Relay with a FQDN parameter of old.test",
        "a. b. c.",
        "EdgeSync - Inbound to Default-First-Site-Name",
    ] {
        let text = description().replace("Partner relay on HERON", name);
        says(&text, &[("connector", json!(name)), ("fqdn", json!("post.wetland.test"))]);
    }
}

#[test]
fn a_pin_is_told_from_a_name_and_lost_marks_are_noticed() {
    says(
        PINNED,
        &[
            ("selection_key", json!("tls_certificate_name")),
            ("issuer", json!("CN=Reed Issuing CA 3, O=Reed Trust, C=NL")),
            ("subject", json!("CN=post.wetland.test, O=Wetland, C=NL")),
            ("fields_agree", json!(true)),
        ],
    );
    let stripped = PINNED.replace("<I>", "").replace("<S>", "");
    says(&stripped, &[("selection_key", json!("tls_certificate_name")), ("values_lost", json!(true))]);
}

#[test]
fn an_event_that_was_copied_up_to_any_place_behind_its_names_is_the_same() {
    let description = description();
    let names = description.find("FQDN parameter of ").unwrap();
    let name = names + "FQDN parameter of post.wetland.test".len();
    for end in name..description.len() {
        for behind in ["", " ", "\n"] {
            let text = format!("{}{behind}", &description[..end]);
            says(&text, &[("fqdn", json!("post.wetland.test")), ("fields_agree", json!(true))]);
        }
    }
}

#[test]
fn what_is_missing_is_asked_for() {
    let empty = description().replace("post.wetland.test", "").replace("Partner relay on HERON", "");
    says(&empty, &[("values_lost", json!(true)), ("domain_name", json!("")), ("connector", json!(""))]);
    // What was lost is neither guessed nor left as a gap.
    says(&empty, &[("selection_key", Value::Null)]);
    let told = recognized(&[&empty]).explanation.to_string();
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("no CertificateDomains has <the name in the event>"), "{told}");
    assert!(told.contains("\"<SERVER>\\<connector>\"") && !told.contains("is blank"), "{told}");
    let first = description().split(". Therefore").next().unwrap();
    says(
        first,
        &[
            ("truncated", json!(true)),
            ("domain_name", json!("post.wetland.test")),
            ("connector", Value::Null),
        ],
    );
    let second = description().split("computer. ").nth(1).unwrap();
    says(second, &[("connector", json!("Partner relay on HERON")), ("fqdn", json!("post.wetland.test"))]);
    // Less than half of it, and as the points of a list.
    let less = description().split("for the").nth(1).unwrap();
    says(less, &[("connector", json!("Partner relay on HERON")), ("fqdn", json!("post.wetland.test"))]);
    let words: Vec<&str> = description().split(' ').collect();
    let points: String = words.chunks(9).map(|line| format!("* {}\n", line.join(" "))).collect();
    says(
        &points,
        &[("connector", json!("Partner relay on HERON")), ("domain_name", json!("post.wetland.test"))],
    );
    let header = EVENT.split("Description:").next().unwrap();
    says(header, &[("event_id", json!(12014)), ("text_missing", json!(true))]);
    for text in [empty.as_str(), first, header] {
        let missing = recognized(&[text]).explanation.missing;
        assert!(missing.iter().any(|it| it.contains("XML")), "{missing:?}");
    }
    let missing = recognized(&[EVENT]).explanation.missing;
    assert!(missing.iter().any(|it| it.contains("Get-ExchangeCertificate")), "{missing:?}");
}

#[test]
fn the_number_of_an_event_alone_is_answered_with_what_it_means() {
    for text in ["12014", "event 12014", "Event ID: 12014", "MSExchangeFrontEndTransport, error 12014"] {
        says(text, &[("event_id", json!(12014)), ("text_missing", json!(true))]);
        let told = recognized(&[text]).explanation.to_string();
        assert!(
            told.contains("1. no certificate with that name") && told.contains("the pin is stale"),
            "{told}"
        );
    }
    let told = recognized(&["12016"]).explanation.to_string();
    assert!(told.contains("the certificate has expired") && !told.contains("null"), "{told}");
    for text in ["I have 12014 apples", "12014 12016", "99999", "port 12014 is open"] {
        assert!(recognized(&[text]).is_nothing(), "{text}");
    }
}

#[test]
fn a_table_of_events_that_was_cut_shows_the_name_before_the_cut() {
    let row = "3/5/2026 3:14:15 AM 12014 Error Microsoft Exchange could not find a certificate that contains the domain name post.wetland.test in...";
    says(row, &[("domain_name", json!("post.wetland.test")), ("truncated", json!(true))]);
    let within = row.replace(".test in...", "...");
    says(&within, &[("domain_name", json!("post.wetland..."))]);
}

#[test]
fn an_edge_sync_connector_is_edited_on_the_hub() {
    let text = description().replace("Partner relay on HERON", "EdgeSync - Inbound to North");
    let about = explained(&text)["about"].clone();
    assert_eq!(about["connector_kind"], "send");
    assert!(about["edited"].as_str().unwrap().contains("Start-EdgeSynchronization"), "{about}");
}

#[test]
fn certificates_beside_the_event_settle_the_cause() {
    let both = recognized(&[EVENT, CERTIFICATES, CONNECTOR]);
    let item = both.explanation.to_json();
    assert_eq!(item["causes"][0]["id"], "smtp-not-enabled");
    assert_eq!(item["causes"][0]["certain"], true);
    let said = both.explanation.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("Enable-ExchangeCertificate -Thumbprint 00112233445566778899AABBCCDDEEFF00112233"),
        "{said}"
    );
    assert!(said.contains("here that is right"), "{said}");
    // In one paste just the same.
    let one = recognized(&[&format!("{EVENT}\n{CERTIFICATES}\n{CONNECTOR}")]);
    assert_eq!(one.explanation.to_json()["causes"], item["causes"]);
}

#[test]
fn a_stale_pin_is_told_with_the_half_that_differs() {
    let both = recognized(&[PINNED, CERTIFICATES]);
    let item = both.explanation.to_json();
    assert_eq!(item["causes"][0]["id"], "pin-stale");
    let cause = item["causes"][0]["what"].as_str().unwrap();
    assert!(cause.contains("another issuer, CN=Reed Issuing CA 4, O=Reed Trust, C=NL"), "{cause}");
    assert!(item["advice"].as_str().unwrap().contains("changes nothing here"), "{item:#}");
}

#[test]
fn a_list_of_names_that_was_cut_leaves_the_cause_unknown() {
    let cut = CERTIFICATES
        .replace("post.wetland.test, autodiscover.wetland.test}", "www.wetland.test...}")
        .replace("CN=post.wetland.test", "CN=www.wetland.test");
    let both = recognized(&[EVENT, &cut]);
    let evidence = both.explanation.to_json()["evidence"].clone();
    assert_eq!(evidence["decided"], false);
    assert_eq!(evidence["certificates"][0]["unknown"], true);
    assert!(both.explanation.questions.iter().any(|question| question.id.starts_with("names:")));
}

#[test]
fn the_answer_for_one_event_fits_a_terminal() {
    for texts in [vec![EVENT], vec![PINNED], vec![EVENT, CERTIFICATES, CONNECTOR]] {
        let said = recognized(&texts).explanation.to_string();
        assert!(said.lines().count() <= 24, "{}\n{said}", said.lines().count());
    }
}

/// A row of CSV and an object in JSON are an event alone, not an export.
#[test]
fn an_event_of_any_form_alone_leads_on_to_its_lab() {
    let csv = format!(
        "\"Level\",\"Source\",\"Event ID\",\"Task Category\"\nError,MSExchangeTransport,12014,TransportService,\"{}\"\n",
        description()
    );
    let json =
        json!({ "Id": 12014, "ProviderName": "MSExchangeTransport", "Message": description() }).to_string();
    for text in [EVENT, &csv, &json] {
        let found = recognized(&[text]);
        assert!(!found.has_exports, "{text}");
        let next: Vec<&str> = found.explanation.next.iter().map(|it| it.command.as_str()).collect();
        assert_eq!(
            next,
            [
                "starttls-lab check paste certificates.txt",
                "starttls-lab import paste > lab.toml",
                "starttls-lab check lab.toml"
            ]
        );
    }
    assert!(recognized(&[EVENT, CERTIFICATES]).explanation.next.is_empty());
}

/// Several connectors of one server log the event; the lab has them all, though no source tells their ports.
#[test]
fn events_of_several_connectors_make_one_lab_with_all_of_them() {
    let other = |name: &str| EVENT.replace("Partner relay on HERON", name);
    let texts =
        [EVENT.to_owned(), other("Default Frontend HERON"), other("Scanners"), other("Client Proxy HERON")];
    let imported = imported(&[texts.join("\n\n").as_str(), CERTIFICATES], &[]);
    let names: Vec<&str> = imported
        .scenario
        .computer
        .iter()
        .flat_map(|it| &it.receive_connector)
        .filter_map(|it| it.name.as_deref())
        .collect();
    for name in ["Partner relay on HERON", "Default Frontend HERON", "Scanners", "Client Proxy HERON"] {
        assert!(names.contains(&name), "{name} is not among {names:?}\n{:?}", imported.notes);
    }
    assert_eq!(imported.scenario.before.receive_connector.len(), 4);
    starttls_lab::internal::scenario::ScenarioText::parse(&imported.to_toml(), "imported").unwrap();
}

#[test]
fn siblings_are_told_by_their_texts() {
    let thumbprint = "00112233445566778899AABBCCDDEEFF00112233";
    says(
        &format!("An internal transport certificate expired. Thumbprint:{thumbprint}"),
        &[("event_id", json!(12015)), ("thumbprint", json!(thumbprint)), ("alias", json!(false))],
    );
    says(
        &format!(
            "The STARTTLS certificate will expire soon: subject: post.wetland.test, thumbprint: {thumbprint}, hours remaining: 24. Run the New-ExchangeCertificate cmdlet to create a new certificate."
        ),
        &[("event_id", json!(12018)), ("subject", json!("post.wetland.test")), ("hours", json!(24))],
    );
    says(
        "The internal TLS certificate for this server is missing.",
        &[("event_id", json!(12012)), ("alias", json!(true))],
    );
}

#[test]
fn what_senders_say_is_looked_up_and_the_side_is_named() {
    for (text, meaning, side) in [
        (
            "Diagnostic-Code: smtp;451 5.7.3 STARTTLS is required to send mail",
            "starttls-not-offered",
            "receiver",
        ),
        (
            "tls: failed to verify certificate: x509: certificate is valid for a.test, not b.test",
            "name-mismatch",
            "either",
        ),
        ("javax.net.ssl.SSLHandshakeException: PKIX path building failed", "chain-untrusted", "either"),
        ("TLS negotiation failed with error NoCredentials", "own-key", "sender"),
        ("TLS negotiation failed with error UnknownCredentials", "own-service", "sender"),
        (
            "ssl.SSLError: [SSL: NO_SHARED_CIPHER] no shared cipher (_ssl.c:1006)",
            "handshake-failed",
            "either",
        ),
        ("SSL_accept error: tlsv1 alert unknown ca: SSL alert number 48", "client-left", "either"),
        (
            "error:0A000152:SSL routines::unsafe legacy renegotiation disabled",
            "legacy-renegotiation",
            "receiver",
        ),
        (
            "TLS error on connection to mx.a.test [192.0.2.1] (gnutls_handshake): A TLS packet with unexpected length was received.",
            "connection-closed",
            "either",
        ),
        (
            "TLS error on connection to mx.a.test [192.0.2.1] (gnutls_handshake): timed out",
            "no-answer",
            "either",
        ),
        (
            "javax.net.ssl.SSLHandshakeException: No appropriate protocol (protocol is disabled or cipher suites are inappropriate)",
            "own-versions",
            "sender",
        ),
        (
            "javax.net.ssl.SSLHandshakeException: No subject alternative DNS name matching mx.a.test found.",
            "name-mismatch",
            "either",
        ),
        (
            "OpenSSL::SSL::SSLError: SSL_connect returned=1 errno=0 peeraddr=192.0.2.1:25 state=error: certificate verify failed (self-signed certificate)",
            "chain-untrusted",
            "either",
        ),
        ("starttls: tls: first record does not look like a TLS handshake", "not-tls", "either"),
        ("curl: (35) Recv failure: Connection reset by peer", "connection-closed", "either"),
        ("curl: (60) SSL certificate problem: EE certificate key too weak", "too-weak", "either"),
        ("curl: (56) response reading failed (errno: 0)", "connection-lost", "either"),
        ("curl: (64) STARTTLS denied, code 454", "starttls-refused", "receiver"),
        ("450 4.7.323 tlsa-invalid", "dns-policy", "receiver"),
        (
            "530 5.7.57 Client was not authenticated to send anonymous mail during MAIL FROM",
            "not-tls-at-all",
            "either",
        ),
        ("InitializeSecurityContext failed: 0x80090308", "not-tls", "either"),
        ("InitializeSecurityContext failed: 0x80090326", "tls-failed", "either"),
        (
            "Warning: stream_socket_enable_crypto(): SSL operation failed with code 1. OpenSSL Error messages: error:0A000086:SSL routines::certificate verify failed",
            "name-or-chain",
            "either",
        ),
        ("Error: ERR_SSL_WRONG_VERSION_NUMBER", "not-tls", "either"),
        ("invalid peer certificate: UnknownIssuer", "chain-untrusted", "either"),
        ("invalid peer certificate: NotValidForName", "name-mismatch", "either"),
        ("invalid peer certificate: Expired", "expired", "receiver"),
        (
            "CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate is not yet valid",
            "not-yet-valid",
            "either",
        ),
        ("530 5.7.0 Must issue a STARTTLS command first", "tls-demanded", "sender"),
        ("A TLS packet with unexpected length was received", "connection-closed", "either"),
        ("SSL_connect returned=1 errno=0", "tls-failed", "either"),
        ("0x80090328", "expired", "receiver"),
        ("a call failed: SEC_E_ALGORITHM_MISMATCH", "handshake-failed", "either"),
        ("5.7.323", "dns-policy", "receiver"),
        ("550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain", "not-tls-at-all", "either"),
        ("554 5.7.1 <b@a.test>: Relay access denied", "not-tls-at-all", "either"),
        ("error:0A0000BF:SSL routines::no protocols available", "own-versions", "sender"),
        (
            "x509: certificate relies on legacy Common Name field, use SANs instead",
            "common-name-only",
            "receiver",
        ),
        (
            "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-11-30T10:00:00Z is before 2027-01-01T00:00:00Z",
            "not-yet-valid",
            "either",
        ),
        ("450 4.7.324 dnssec-invalid", "dns-policy", "receiver"),
        (
            "A fatal error occurred when attempting to access the TLS server credential private key. The error code returned from the cryptographic module is 0x8009030D.",
            "server-key",
            "receiver",
        ),
        (
            "Untrusted TLS connection established to mx.a.test[192.0.2.1]:25: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384",
            "unverified",
            "neither",
        ),
        (
            "STARTTLS=client, relay=mx.a.test., version=TLSv1.2, verify=FAIL, bits=256/256",
            "unverified",
            "neither",
        ),
        // It stands beside the reason for which the same sender does not deliver.
        (
            "Untrusted TLS connection established to mx.a.test[192.0.2.1]:25: TLSv1.3\nstatus=deferred (Server certificate not trusted)",
            "chain-untrusted",
            "either",
        ),
        ("javax.net.ssl.SSLException: Unrecognized SSL message, plaintext connection?", "not-tls", "either"),
        ("421 4.4.2 Connection dropped due to SocketError", "queue-misleads", "either"),
        ("550 5.7.64 TenantAttribution; Relay Access Denied SMTP", "cloud-attribution", "sender"),
        (
            "msmtp: TLS certificate verification failed: the certificate hasn't got a known issuer",
            "chain-untrusted",
            "either",
        ),
        ("* TLSv1.3 (OUT), TLS alert, unknown CA (560):", "chain-untrusted", "either"),
        (
            "none of the cipher suites supported by the client application are supported by the server",
            "handshake-failed",
            "either",
        ),
    ] {
        says(text, &[("meaning", json!(meaning)), ("side", json!(side))]);
    }
    says(
        "x509: certificate is valid for a.test, not b.test",
        &[("asked_for", json!("b.test")), ("presented", json!("a.test"))],
    );
    for (text, name) in [
        (
            "certificate verify failed: IP address mismatch, certificate is not valid for '192.0.2.1'. (_ssl.c:1006)",
            "192.0.2.1",
        ),
        ("SSL verify error: certificate name mismatch: DN=\"/CN=HERON\" H=\"mx.a.test\"", "mx.a.test"),
        ("Peer certificate CN=`HERON' did not match expected CN=`mx.a.test'", "mx.a.test"),
    ] {
        says(text, &[("meaning", json!("name-mismatch")), ("asked_for", json!(name))]);
    }
    assert!(recognized(&["good morning, the server is slow today"]).is_nothing());
}

#[test]
fn a_masked_keyword_points_at_what_lies_between() {
    let text = "220 ********\nEHLO a.test\n250-mail.wetland.test\n250-SIZE 1000\n250 XXXXXXXA\n";
    says(
        text,
        &[("middlebox", json!(true)), ("masked_keyword", json!(["XXXXXXXA"])), ("starttls", json!(false))],
    );
}

#[test]
fn protocol_logs_show_what_was_presented_and_how_it_failed() {
    let row = |number: u32, data: &str, context: &str| {
        format!(
            "2026-03-04T09:15:00.000Z,To partners,08D0,{number},192.0.2.1:1,192.0.2.2:25,*,{data},{context}\n"
        )
    };
    let log = row(1, "CN=post.wetland.test", "Certificate subject")
        + &row(2, "\"CN=Reed CA, C=NL\"", "Certificate issuer name")
        + &row(3, "post.wetland.test;www.wetland.test", "Certificate alternate names")
        + &row(4, "", "TLS negotiation failed with error UnknownCredentials");
    says(
        &log,
        &[
            ("direction", json!("send")),
            ("connector", json!("To partners")),
            ("presented_subject", json!("CN=post.wetland.test")),
            ("presented_san", json!(["post.wetland.test", "www.wetland.test"])),
            ("self_signed", json!(false)),
            ("failure", json!("UnknownCredentials")),
        ],
    );
}

#[test]
fn a_log_says_no_more_of_a_failed_handshake_than_it_shows() {
    let row = |number: usize, event: &str, rest: &str| {
        format!(
            "2026-03-05T03:14:00.000Z,HERON\\Relay,08DC3,{number},192.0.2.5:25,192.0.2.9:51234,{event},{rest}\n"
        )
    };
    let offered = row(1, ">", "250  HERON Hello [192.0.2.9] SIZE PIPELINING STARTTLS 8BITMIME,")
        + &row(2, "<", "STARTTLS,");
    let failed = offered.clone() + &row(3, "*", ",TLS negotiation failed with error AlgorithmMismatch");
    let told = recognized(&[&failed]).explanation.to_string();
    assert!(told.contains("no version or cipher in common") && !told.contains("presented"), "{told}");
    let failed = offered.clone() + &row(3, "*", ",TLS negotiation failed with error CertUnknown");
    let told = recognized(&[&failed]).explanation.to_string();
    assert!(!told.contains("does not say why"), "{told}");
    // A later version has all of the certificate in one row.
    let certificate = "CN=HERON CN=HERON 5A1B2C3D4E5F60718293A4B5C6D7E8F9 00112233445566778899AABBCCDDEEFF00112233 \
        2022-03-01T09:00:00.000Z 2027-03-01T09:00:00.000Z HERON;HERON.wetland.test,Sending certificate Subject Issuer name \
        Serial number Thumbprint Not before Not after Subject alternate names";
    let shown = offered + &row(3, "*", &format!(" {certificate}"));
    let left = shown.clone() + &row(4, "-", ",Remote");
    says(
        &left,
        &[
            ("presented_subject", json!("CN=HERON")),
            ("self_signed", json!(true)),
            ("thumbprint", json!("00112233445566778899AABBCCDDEEFF00112233")),
            ("presented_san", json!(["HERON", "HERON.wetland.test"])),
            ("left_at_certificate", json!(true)),
        ],
    );
    let done = shown
        + &row(4, "*", ",TLS protocol SP_PROT_TLS1_2_SERVER negotiation succeeded")
        + &row(5, "-", ",Remote");
    says(&done, &[("left_at_certificate", Value::Null)]);
}

#[test]
fn a_reply_to_ehlo_that_the_send_log_has_row_by_row_shows_whether_starttls_is_in_it() {
    let log = |last: &str| {
        let rows = ["250-mx.reed.test", "250-SIZE 10240000", last];
        let each = rows.iter().enumerate().map(|(at, data)| {
            format!("2026-03-05T03:14:00.000Z,Internet,08DC2,{at},192.0.2.5:51234,192.0.2.9:25,<,{data},\n")
        });
        format!("#Log-type: SMTP Send Protocol Log\n{}", each.collect::<String>())
    };
    says(&log("250 8BITMIME"), &[("starttls", json!(false))]);
    says(&log("250 STARTTLS"), &[("starttls", json!(true))]);
}

#[test]
fn a_cmdlet_in_the_wrong_shell_and_a_pin_of_the_wrong_form_are_answered() {
    let shell = "Get-ExchangeCertificate : The term 'Get-ExchangeCertificate' is not recognized as the name of a cmdlet, function, script file, or operable program.";
    says(shell, &[("guard", json!("other-shell"))]);
    assert!(recognized(&["The term 'Get-Foo' is not recognized as the name of a cmdlet"]).is_nothing());
    let pin = "Cannot process argument transformation on parameter 'TlsCertificateName'. Cannot convert value \"CN=mail.wetland.test\" to type \"Microsoft.Exchange.Data.SmtpX509Identifier\".";
    says(pin, &[("guard", json!("tls-certificate-name"))]);
}

#[test]
fn a_refused_fqdn_is_answered_with_the_ways_around_it() {
    let text = "If the AuthMechanism attribute on a Receive connector contains the value ExchangeServer, you must set the FQDN parameter on the Receive connector to one of the following values: the FQDN of the transport server \u{201c}HERON.wetland.test\u{201d}, the NetBIOS name of the transport server \u{201c}HERON\u{201d}, or $null.";
    says(
        text,
        &[
            ("kind", json!("cmdlet-refusal")),
            ("guard", json!("fqdn-with-exchangeserver")),
            ("allowed", json!(["HERON.wetland.test", "HERON", null])),
        ],
    );
}

#[test]
fn a_bounce_whose_error_is_not_known_says_so() {
    let bounce = "Delivery has failed to these recipients or groups:\nRemote Server returned 550 5.9.9 no such thing\n";
    let found = recognized(&[bounce]);
    assert!(found.explanation.is_empty());
    assert!(
        found.first_line().ends_with("a bounce with no error that is known here"),
        "{}",
        found.first_line()
    );
}
