//! Lab files with a story in them, for the tests of `verify`.
#![allow(dead_code, reason = "each test uses a part of it")]

/// The seed: a connector whose FQDN is in no certificate, who notices, what mends it and what does not.
pub(crate) const SEED: &str = r#"
title = "The seed with senders"

[[computer]]
name = "MAILGATE"
fqdn = "mailgate.expta.com"
role = "edge"
profile = "exchange-2010"
accepted_domains = ["expta.com"]

[[computer.certificate]]
label = "mailgate"
names = ["mailgate.expta.com", "mailgate"]
services = ["SMTP"]

[[computer.receive_connector]]
name = "Default"
fqdn = "mail.expta.com"
bindings = ["0.0.0.0:25"]
tarpit_interval = "0s"

[[sender]]
policy = "may"

[[sender]]
policy = "encrypt"

[[sender]]
name = "library"
policy = "upgrade-then-verify"

[before.computer.MAILGATE]
events = []

[before.receive_connector.'MAILGATE\Default']
starttls = "none"
anonymous_tls = "mailgate"
events = [12014]

[before.sender]
may = "clear: starttls-not-supported"
encrypt = "deferred: starttls-not-supported"
library = "clear"

[after.receive_connector.'MAILGATE\Default']
starttls = "mailgate"
events = []

[after.sender]
may = "tls"
encrypt = "tls"

[[fix]]
title = "The connector answers with the name that the certificate carries"
run = "Set-ReceiveConnector Default -Fqdn mailgate.expta.com"
after.sender.library = "bounced: certificate-host-mismatch"

[[fix]]
title = "A certificate with the name that the connector answers with"
run = "New-ExchangeCertificate -DomainName mail.expta.com -Services SMTP"
answers = ["no"]

[fix.after.receive_connector.'MAILGATE\Default']
starttls = "mail.expta.com"

[fix.after.sender]
library = "bounced: certificate-not-trusted"

[[wrong_fix]]
title = "What the event advises, to the letter"
run = "Enable-ExchangeCertificate -Services SMTP"
refused = "Thumbprint"
why = "The event leaves out which certificate it means."

[[wrong_fix]]
title = "A greeting of one's own"
run = "Set-ReceiveConnector Default -Banner '220 mailgate.expta.com'"
why = "The banner is a text; the certificate is looked for by Fqdn."
"#;

/// A lab about which its file says nothing.
pub(crate) const SILENT: &str = r#"
title = "Nothing is said"

[[computer]]
name = "EX01"
fqdn = "ex01.contoso.com"
role = "edge"
profile = "exchange-2019"

[[computer.receive_connector]]
name = "Default"
tarpit_interval = "0s"
"#;

/// The seed with one passage replaced.
pub(crate) fn seed_with(from: &str, to: &str) -> String {
    assert!(SEED.contains(from), "{from}");
    SEED.replacen(from, to, 1)
}
