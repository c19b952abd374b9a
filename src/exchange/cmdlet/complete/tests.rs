use super::*;

fn known() -> Nameable {
    let certificate = |label: &str, thumbprint: &str, services: &str| NameableCertificate {
        computer: "EX01".to_owned(),
        thumbprint: thumbprint.repeat(20),
        label: label.to_owned(),
        subject: format!("CN={label}.contoso.com"),
        issuer: "CN=Contoso Root".to_owned(),
        names: vec![format!("{label}.contoso.com"), "*.contoso.com".to_owned()],
        services: services.to_owned(),
        declared: false,
    };
    Nameable {
        profile: Some(Profile::Exchange2019),
        servers: vec!["EX01".to_owned(), "EX02".to_owned()],
        receive_connectors: vec![
            "EX01\\Client Frontend EX01".to_owned(),
            "EX01\\Default Frontend EX01".to_owned(),
        ],
        send_connectors: vec!["To Internet".to_owned(), "Bob's".to_owned()],
        certificates: vec![certificate("mail", "AB", "IIS, SMTP"), certificate("old", "CD", "None")],
        variables: vec!["cert".to_owned()],
    }
}

/// The completions at the end of `input`, each as the whole line that it makes.
fn lines(input: &str) -> Vec<String> {
    let Completion { start, suggestions } = complete(input, input.len(), &known());
    suggestions.iter().map(|it| format!("{}{}", &input[..start], it.text)).collect()
}

#[test]
fn the_first_word_of_every_command_is_a_cmdlet() {
    assert_eq!(lines("set-rec"), ["Set-ReceiveConnector"]);
    assert_eq!(lines("Get-ReceiveConnector | Set-Rec"), ["Get-ReceiveConnector | Set-ReceiveConnector"]);
    assert_eq!(lines("$cert = Get-ExchangeC"), ["$cert = Get-ExchangeCertificate"]);
    assert_eq!(lines("Get-Date; Set-Rec"), ["Get-Date; Set-ReceiveConnector"]);
    assert_eq!(lines("Get-ReceiveConnector | % { Set-Rec").len(), 1);
    assert_eq!(lines("\"$(Get-Dat"), ["\"$(Get-Date"]);
    assert!(lines("").len() > 40);
    assert!(lines("Frobnicate-").is_empty());
}

#[test]
fn parameters_are_those_of_the_cmdlet_and_not_yet_given() {
    assert_eq!(lines("Set-ReceiveConnector -fq"), ["Set-ReceiveConnector -Fqdn"]);
    assert_eq!(lines("fl -Prop"), ["fl -Property"]);
    assert!(lines("Set-ReceiveConnector -Fqdn a -Fq").is_empty());
    assert!(lines("Set-ReceiveConnector x -").contains(&"Set-ReceiveConnector x -WhatIf".to_owned()));
    assert!(lines("Get-Nothing -").is_empty());
}

#[test]
fn connectors_are_completed_with_the_quotes_they_need() {
    let whole = "Set-ReceiveConnector \"EX01\\Default Frontend EX01\"";
    assert_eq!(lines("Set-ReceiveConnector EX01\\D"), [whole]);
    assert_eq!(lines("Set-ReceiveConnector default"), [whole]);
    assert_eq!(lines("Set-ReceiveConnector \"EX01\\Default F"), [whole]);
    assert_eq!(
        lines("Set-ReceiveConnector -Fqdn x \"EX01\\Default F"),
        [whole.replace(" \"", " -Fqdn x \"")]
    );
    assert_eq!(lines("Set-ReceiveConnector -Identity ").len(), 2);
    assert_eq!(lines("Get-SendConnector 'bo"), ["Get-SendConnector 'Bob''s'"]);
    assert!(lines("Set-ReceiveConnector x y").is_empty());
}

#[test]
fn certificates_are_found_by_thumbprint_label_and_name() {
    let whole = format!("Enable-ExchangeCertificate -Thumbprint {}", "AB".repeat(20));
    for typed in ["ab", "mail", "mail.contoso.com"] {
        assert_eq!(
            lines(&format!("Enable-ExchangeCertificate -Thumbprint {typed}")),
            [whole.as_str()],
            "{typed}"
        );
    }
    let both = complete("Enable-ExchangeCertificate ", 27, &known());
    let about: Vec<_> = both.suggestions.iter().map(|it| it.about.as_str()).collect();
    assert_eq!(about, ["CN=mail.contoso.com (mail), IIS, SMTP", "CN=old.contoso.com (old), None"]);
    assert_eq!(
        lines("Set-ReceiveConnector x -TlsCertificateName old"),
        ["Set-ReceiveConnector x -TlsCertificateName \"<I>CN=Contoso Root<S>CN=old.contoso.com\""]
    );
    let identity = format!("Remove-ExchangeCertificate -Identity EX01\\{}", "CD".repeat(20));
    assert_eq!(lines("Remove-ExchangeCertificate -Identity EX01\\CD"), [identity]);
}

#[test]
fn values_are_those_that_the_parameter_takes() {
    assert_eq!(lines("Set-ReceiveConnector x -Fqdn o"), ["Set-ReceiveConnector x -Fqdn old.contoso.com"]);
    assert_eq!(lines("Set-ReceiveConnector x -RequireTLS $t"), ["Set-ReceiveConnector x -RequireTLS $true"]);
    assert_eq!(lines("Set-ReceiveConnector x -RequireTLS ").len(), 2);
    assert_eq!(lines("Set-ReceiveConnector x -AuthMechanism Tls, Ex").len(), 2);
    assert_eq!(
        lines("Enable-ExchangeCertificate -Services IIS,SM"),
        ["Enable-ExchangeCertificate -Services IIS,SMTP"]
    );
    assert_eq!(lines("Get-ExchangeCertificate -Server EX02 -Serv").len(), 0);
    assert_eq!(lines("Get-Help Set-Rec"), ["Get-Help Set-ReceiveConnector"]);
    assert_eq!(lines("$cert.Thumbprint; $c").last().unwrap(), "$cert.Thumbprint; $cert");
}

#[test]
fn any_input_and_cursor_is_completed_without_a_panic() {
    for input in
        ["Set-ReceiveConnector \u{fc}\u{fc} -", "a,", ", ,", "Get-Help ,", "\"\u{201e}", "fl -a:b,", "- - -"]
    {
        for cursor in 0..=input.len() + 1 {
            complete(input, cursor, &known());
            complete(input, cursor, &Nameable::default());
        }
    }
}
