//! Pastes written for these tests.

/// An event of a front end, as Event Viewer copies it.
pub(crate) const EVENT: &str = "\
Log Name:      Application
Source:        MSExchangeFrontEndTransport
Date:          3/4/2026 9:15:00 AM
Event ID:      12014
Task Category: TransportService
Level:         Error
Keywords:      Classic
User:          N/A
Computer:      HERON.wetland.test
Description:
Microsoft Exchange could not find a certificate that contains the domain name post.wetland.test in the personal store on the local computer. Therefore, it is unable to support the STARTTLS SMTP verb for the connector Partner relay on HERON with a FQDN parameter of post.wetland.test. If the connector's FQDN is not specified, the computer's FQDN is used. Verify the connector configuration and the installed certificates to make sure that there is a certificate with a domain name for that FQDN. If this certificate exists, run Enable-ExchangeCertificate -Services SMTP to make sure that the Microsoft Exchange Transport service has access to the certificate key.
";

/// The certificates of that server: one with the name, and without the SMTP service.
pub(crate) const CERTIFICATES: &str = "\
AccessRules        : {System.Security.AccessControl.CryptoKeyAccessRule}
CertificateDomains : {post.wetland.test, autodiscover.wetland.test}
HasPrivateKey      : True
IsSelfSigned       : False
Issuer             : CN=Reed Issuing CA 4, O=Reed Trust, C=NL
NotAfter           : 11/30/2099 11:59:59 PM
NotBefore          : 11/30/2025 12:00:00 AM
PublicKeySize      : 256
RootCAType         : ThirdParty
SerialNumber       : 0A0B0C0D
Services           : IIS
Status             : Valid
Subject            : CN=post.wetland.test, O=Wetland, C=NL
Thumbprint         : 00112233445566778899AABBCCDDEEFF00112233

AccessRules        : {System.Security.AccessControl.CryptoKeyAccessRule}
CertificateDomains : {HERON, HERON.wetland.test}
HasPrivateKey      : True
IsSelfSigned       : True
Issuer             : CN=HERON
NotAfter           : 6/1/2099 9:00:00 AM
NotBefore          : 6/1/2025 9:00:00 AM
PublicKeySize      : 256
RootCAType         : None
SerialNumber       : 0A0B0C0E
Services           : IMAP, POP, IIS, SMTP
Status             : Valid
Subject            : CN=HERON
Thumbprint         : FF112233445566778899AABBCCDDEEFF00112233
";

/// The connector.
pub(crate) const CONNECTOR: &str = r"
AuthMechanism      : Tls
Bindings           : {0.0.0.0:25}
Fqdn               : post.wetland.test
TlsCertificateName :
RemoteIPRanges     : {192.0.2.0-192.0.2.255}
PermissionGroups   : AnonymousUsers
SmtpUtf8Enabled    : True
TransportRole      : FrontendTransport
Server             : HERON
Name               : Partner relay on HERON
Identity           : HERON\Partner relay on HERON
";

/// An event with a pin in both places, the description alone.
pub(crate) const PINNED: &str = "Microsoft Exchange could not find a certificate that contains the domain name <I>CN=Reed Issuing CA 3, O=Reed Trust, C=NL<S>CN=post.wetland.test, O=Wetland, C=NL in the personal store on the local computer. Therefore, it is unable to support the STARTTLS SMTP verb for the connector Default Frontend HERON with a FQDN parameter of <I>CN=Reed Issuing CA 3, O=Reed Trust, C=NL<S>CN=post.wetland.test, O=Wetland, C=NL. If the connector's FQDN is not specified, the computer's FQDN is used. Verify the connector configuration and the installed certificates to make sure that there is a certificate with a domain name for that FQDN. If this certificate exists, run Enable-ExchangeCertificate -Services SMTP to make sure that the Microsoft Exchange Transport service has access to the certificate key.";
