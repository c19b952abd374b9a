//! A lab exported in each format and imported again is the same lab.

use starttls_lab::internal::clock::Clock;
use starttls_lab::internal::exchange::{Computer, Outcome, PrivateKey, select_for, selection_events};
use starttls_lab::internal::import::Imported;
use starttls_lab::internal::lab::Plan;
use starttls_lab::internal::scenario::{ScenarioText, scenario};

use super::export::{Culture, Object, clixml, csv_of, format_list, json_of, objects};
use super::samples::{CERTIFICATES, CONNECTOR, EVENT, PINNED};
use super::{imported, now};

fn built(text: &ScenarioText) -> Vec<Computer> {
    let paper = Plan::at(text, Clock::pinned(now())).unwrap();
    paper.computers.iter().map(|built| (*built.computer).clone()).collect()
}

fn story_called(name: &str) -> Vec<Computer> {
    let text = ScenarioText::parse(scenario(name).unwrap().text, name).unwrap();
    built(&text)
}

fn rebuilt(imported: &Imported) -> Vec<Computer> {
    // Through the file, for that is what people keep.
    let toml = imported.to_toml();
    let text = ScenarioText::parse(&toml, "imported").unwrap_or_else(|error| panic!("{error}\n{toml}"));
    assert_eq!(text.scenario, imported.with_original_thumbprints(), "{toml}");
    built(&text)
}

/// What decides, of every certificate and connector; the stand-ins have thumbprints and labels of their own.
fn essence(computer: &Computer) -> Vec<String> {
    let mut lines =
        vec![format!("{} {} {} {}", computer.name, computer.fqdn, computer.role, computer.profile)];
    let of = |thumbprint| {
        computer.store.find(thumbprint).map(|stored| (stored.facts.subject.clone(), stored.facts.not_after))
    };
    for stored in computer.store.iter() {
        let facts = &stored.facts;
        // Whether a key that is there can be read is in no export.
        let key = if stored.private_key == PrivateKey::Missing { "no key" } else { "key" };
        lines.push(format!(
            "{} {} {:?} {} {} {} {} {key} {:?} {}",
            facts.subject,
            facts.issuer,
            facts.names(),
            facts.not_before,
            facts.not_after,
            facts.self_signed,
            stored.services,
            stored.chain,
            facts.version
        ));
    }
    lines.sort();
    for connector in &computer.receive_connectors {
        lines.push(format!("{:?}", connector.properties()));
        lines.push(match select_for(connector, computer, now()).outcome {
            Outcome::Offered(offered) => format!("offered {:?} {}", of(offered.thumbprint), offered.expired),
            other => format!("{other:?}"),
        });
    }
    for connector in &computer.send_connectors {
        lines.push(format!("{:?}", connector.properties()));
    }
    let internal = computer
        .internal_transport_certificate
        .map(|it| of(it).map_or_else(|| "gone".to_owned(), |it| format!("{it:?}")));
    lines.push(format!("internal {internal:?}"));
    lines
}

const SCENARIOS: &[&str] = &[
    "healthy",
    "fqdn-mismatch",
    "pin-stale",
    "pin-matches",
    "smtp-not-assigned",
    "expired-withheld",
    "expired-offered",
    "expired-self-signed",
    "not-yet-valid",
    "chain-revoked",
    "private-key-missing",
    "wildcard",
    "several-candidates",
    "fqdn-blank",
    "submission-beside-25",
    "tls-not-in-authmechanism",
    "relay-internal-fqdn",
    "require-tls",
    "internal-certificate-gone",
    "internal-certificate-not-published",
    "pin-stale-outbound",
    "no-certificate",
];

#[track_caller]
fn same(name: &str, before: &[Computer], texts: &[String], format: &str) {
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let imported = imported(&texts, &[]);
    let after = rebuilt(&imported);
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(essence(after), essence(before), "{name} as {format}: {:#?}", imported.notes);
    }
    assert_eq!(before.len(), after.len(), "{name} as {format}");
}

/// A story has several computers, and an export is of one of them.
fn each(check: impl Fn(&str, &[Computer], &dyn Fn(Culture) -> Vec<Object>)) {
    for name in SCENARIOS {
        // A server without receive connectors is given one, for a lab has to listen.
        for computer in story_called(name).into_iter().filter(|it| !it.receive_connectors.is_empty()) {
            let export = |culture: Culture| objects(&computer, culture);
            check(name, std::slice::from_ref(&computer), &export);
        }
    }
}

#[test]
fn a_list_is_the_same_lab_again_in_every_culture() {
    each(|name, before, export| {
        for culture in [Culture::American, Culture::German, Culture::Swedish] {
            same(name, before, &[format_list(&export(culture), None)], "list");
        }
    });
}

#[test]
fn a_list_that_was_wrapped_is_the_same_lab_again() {
    for name in ["pin-stale", "wildcard", "submission-beside-25"] {
        for computer in story_called(name) {
            let all = objects(&computer, Culture::Swedish);
            let before = std::slice::from_ref(&computer);
            for width in [80, 100, 120] {
                for words in [true, false] {
                    same(
                        name,
                        before,
                        &[format_list(&all, Some((width, words)))],
                        &format!("list at {width}, {words}"),
                    );
                }
            }
        }
    }
}

#[test]
fn json_in_each_of_its_shapes_is_the_same_lab_again() {
    each(|name, before, export| {
        for shape in 0..3 {
            same(name, before, &[json_of(&export(Culture::German), shape)], &format!("JSON {shape}"));
        }
    });
}

#[test]
fn csv_files_are_the_same_lab_again() {
    each(|name, before, export| same(name, before, &csv_of(&export(Culture::German)), "CSV"));
}

#[test]
fn clixml_is_the_same_lab_again_with_what_only_the_blob_holds() {
    each(|name, before, export| same(name, before, &[clixml(&export(Culture::German))], "Clixml"));
}

#[test]
fn an_imported_server_logs_the_very_text_that_was_pasted() {
    for (event, others) in
        [(EVENT, vec![CERTIFICATES, CONNECTOR]), (PINNED, vec![CERTIFICATES]), (EVENT, vec![])]
    {
        let texts: Vec<&str> = std::iter::once(event).chain(others).collect();
        let imported = imported(&texts, &[]);
        let text = ScenarioText::without_text(imported.scenario.clone(), "imported");
        let computers = built(&text);
        let logged = computers.iter().flat_map(|computer| {
            let connectors = computer.receive_connectors.iter();
            connectors.flat_map(|it| selection_events(&select_for(it, computer, now()), it, computer, now()))
        });
        let logged: Vec<String> = logged.map(|event| event.message()).collect();
        let pasted = event.split_once("Description:\n").map_or(event, |(_, text)| text).trim();
        assert!(logged.iter().any(|text| text == pasted), "{logged:#?}\n{pasted}");
        let proof = tokio::runtime::Runtime::new()
            .unwrap()
            .block_on(starttls_lab::internal::lab::verify(&text, "imported"))
            .unwrap();
        assert!(proof.holds(), "{proof:#?}");
    }
}

#[test]
fn an_order_of_day_and_month_that_nothing_tells_is_asked_and_answered() {
    let doubtful = CERTIFICATES.replace("11/30/2099", "3/4/2027").replace("11/30/2025", "3/4/2025");
    let doubtful = doubtful.replace("6/1/2099", "6/2/2099").replace("6/1/2025", "6/2/2025");
    let asked = imported(&[&doubtful, CONNECTOR], &[]);
    assert!(asked.questions.iter().any(|question| question.id == "dates"), "{:#?}", asked.questions);
    let date = |imported: &Imported| imported.scenario.computer[0].certificate[0].not_after.to_string();
    assert_eq!(date(&imported(&[&doubtful, CONNECTOR], &[("dates", "mdy")])), "2027-03-04T23:59:59Z");
    assert_eq!(date(&imported(&[&doubtful, CONNECTOR], &[("dates", "dmy")])), "2027-04-03T23:59:59Z");
    let shifted = imported(&[&doubtful, CONNECTOR], &[("dates", "mdy"), ("utc-offset", "+01:00")]);
    assert_eq!(date(&shifted), "2027-03-04T22:59:59Z");
    assert!(
        imported(&[CERTIFICATES, CONNECTOR], &[]).questions.iter().all(|question| question.id != "dates")
    );
}

#[test]
fn what_was_cut_or_left_out_is_asked_and_answered() {
    let cut = CERTIFICATES.replace("autodiscover.wetland.test}", "b.wetland.test...}");
    let asked = imported(&[&cut, CONNECTOR], &[]);
    assert!(
        asked.questions.iter().any(|question| question.id == "names:post.wetland.test"),
        "{:#?}",
        asked.questions
    );
    assert!(asked.originals[0].names_cut);
    let answered =
        imported(&[&cut, CONNECTOR], &[("names:post.wetland.test", "post.wetland.test,c.wetland.test")]);
    assert_eq!(answered.scenario.computer[0].certificate[0].names, ["post.wetland.test", "c.wetland.test"]);
    assert!(answered.questions.is_empty(), "{:#?}", answered.questions);
    let without: String = CONNECTOR
        .lines()
        .filter(|line| !line.starts_with("TlsCert"))
        .map(|line| format!("{line}\n"))
        .collect();
    let asked = imported(&[CERTIFICATES, &without], &[]);
    assert_eq!(asked.questions[0].id, "pin:Partner relay on HERON");
    let pin = "<I>CN=Reed Issuing CA 4, O=Reed Trust, C=NL<S>CN=post.wetland.test, O=Wetland, C=NL";
    let answered = imported(&[CERTIFICATES, &without], &[("pin:Partner relay on HERON", pin)]);
    let connector = &answered.scenario.computer[0].receive_connector[0];
    assert_eq!(connector.tls_certificate_name.as_ref().unwrap().to_string(), pin);
}

#[test]
fn a_wrapped_pin_gets_its_spaces_from_the_certificate_that_it_names() {
    let pin = "<I>CN=Reed Issuing CA 4, O=Reed Trust, C=NL<S>CN=post.wetland.test, O=Wetland, C=NL";
    for width in 1..pin.len() {
        let parts: Vec<String> = pin
            .as_bytes()
            .chunks(width.max(20))
            .map(|part| String::from_utf8_lossy(part).trim().to_owned())
            .collect();
        let wrapped = CONNECTOR.replace(
            "TlsCertificateName :",
            &format!("TlsCertificateName : {}", parts.join("\n                     ")),
        );
        let made = imported(&[CERTIFICATES, &wrapped], &[]);
        let connector = &made.scenario.computer[0].receive_connector[0];
        assert_eq!(connector.tls_certificate_name.as_ref().unwrap().to_string(), pin, "{width}");
    }
}

#[test]
fn anonymous_names_are_equal_where_the_real_ones_were() {
    let pin = "<I>CN=Reed Issuing CA 4, O=Reed Trust, C=NL<S>CN=post.wetland.test, O=Wetland, C=NL";
    let pinned = CONNECTOR.replace("TlsCertificateName :", &format!("TlsCertificateName : {pin}"));
    let made = imported(&[CERTIFICATES, &pinned], &[]);
    let anonymous = made.anonymized();
    let toml = anonymous.to_toml();
    for name in ["wetland", "Wetland", "HERON", "Reed", "0011223344"] {
        assert!(!toml.contains(name), "{name} in\n{toml}");
    }
    let outcome = |imported: &Imported| {
        let computers = rebuilt(imported);
        let computer = &computers[0];
        let selection = select_for(&computer.receive_connectors[0], computer, now());
        let at = selection
            .offered()
            .map(|it| computer.store.iter().position(|stored| stored.facts.thumbprint == it.thumbprint));
        (at, selection.candidates.len())
    };
    assert_eq!(outcome(&anonymous), outcome(&made));
}

#[test]
fn certificates_come_as_files_and_join_what_a_table_says_of_them() {
    let computers = story_called("healthy");
    let stored = computers[0].store.iter().next().unwrap();
    let certificate = &stored.material.as_ref().unwrap().certificate;
    let table = format!("{}  ...WS..  {}\n", certificate.thumbprint(), certificate.subject());
    for file in [certificate.to_pem().into_bytes(), certificate.der().to_vec()] {
        let inputs = [super::input("mail.cer", file), super::input("table.txt", &table)];
        let made = starttls_lab::internal::import::import(&inputs, &Default::default(), None, now()).unwrap();
        let spec = &made.scenario.computer[0].certificate[0];
        assert_eq!(
            (spec.names.as_slice(), spec.services.to_string()),
            (certificate.dns_names(), "IIS, SMTP".to_owned())
        );
        assert_eq!(made.scenario.computer[0].certificate.len(), 1);
    }
}

#[test]
fn the_settings_of_imap_and_pop_belong_to_their_server() {
    let settings = |protocol: &str, name: &str| {
        format!(
            "ProtocolName                : {protocol}\nName                        : 1\n\
             UnencryptedOrTLSBindings    : {{[::]:143, 0.0.0.0:143}}\n\
             X509CertificateName         : {name}\nServer                      : HERON\n\
             Identity                    : HERON\\1\n\n"
        )
    };
    let both = settings("IMAP4", "imap.wetland.test") + &settings("POP3", "pop.wetland.test");
    let imported = imported(&[CONNECTOR, CERTIFICATES, &both], &[]);
    let computer = imported.scenario.computer.iter().find(|it| it.name == "HERON").unwrap();
    assert_eq!(computer.imap_settings.x509_certificate_name.as_deref(), Some("imap.wetland.test"));
    assert_eq!(computer.pop_settings.x509_certificate_name.as_deref(), Some("pop.wetland.test"));
    let toml = imported.to_toml();
    assert!(toml.contains("x509_certificate_name = \"imap.wetland.test\""), "{toml}");
    ScenarioText::parse(&toml, "imported").unwrap_or_else(|error| panic!("{error}\n{toml}"));
}

#[test]
fn where_a_table_shows_neither_issuer_nor_names_those_of_the_pin_and_the_subject_are_assumed() {
    const PIN: &str = "<I>CN=Birch Issuing CA, O=Birch, C=US<S>CN=mail.wetland.test, O=Wetland, C=US";
    let table = "Thumbprint                                Services   Subject\n\
         ----------                                --------   -------\n\
         1A2B3C4D5E6F708192A3B4C5D6E7F80910111213  IP.WS..    CN=mail.wetland.test, O=Wetland, C=US\n";
    let connector = format!(
        "Identity           : EX01\\Internet\nFqdn               : mail.wetland.test\nBindings           : {{0.0.0.0:25}}\n\
         TlsCertificateName : {PIN}\n"
    );
    let issuer = |texts: &[&str]| imported(texts, &[]).scenario.computer[0].certificate[0].issuer.clone();
    let names = imported(&[table, &connector], &[]).scenario.computer[0].certificate[0].names.clone();
    assert_eq!(names, ["mail.wetland.test"]);
    assert_eq!(issuer(&[table, &connector]), "CN=Birch Issuing CA, O=Birch, C=US");
    let event = format!(
        "Microsoft Exchange could not find a certificate that contains the domain name {PIN} in the personal store on \
         the local computer. Therefore, it is unable to support the STARTTLS SMTP verb for the connector Internet with \
         a FQDN parameter of mail.wetland.test."
    );
    assert_eq!(issuer(&[table, &connector, &event]), "lab");
}
