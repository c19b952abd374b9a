//! What a client must see of each entry behind the 220.

use super::Script;
use super::client::Step::*;
use super::table::{GO_AHEAD, GOODBYE};
use starttls_lab::internal::tls::Versions::{Only12, Only13};

/// The lab is asked for TLS and says 220; what follows is the rest.
macro_rules! behind {
    ($name:literal, $($step:expr),* $(,)?) => {
        ($name, &[Greeted, Lists("STARTTLS"), Ask("STARTTLS", GO_AHEAD), $($step),*])
    };
}

/// A ClientHello is answered by an alert in clear of this level, and the end.
macro_rules! alert {
    ($name:literal, $level:literal, $number:literal) => {
        behind!($name, ClientHello, Hear(&[21, 3, 3, 0, 2, $level, $number]), Fin)
    };
}

/// A ClientHello is answered by these bytes, and the end.
macro_rules! garbage {
    ($name:literal, $bytes:expr) => {
        behind!($name, ClientHello, Hear($bytes), Fin)
    };
}

/// ServerHello, Certificate, ServerKeyExchange, CertificateRequest, ServerHelloDone.
const HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const KEY_EXCHANGE: u8 = 12;
const REQUEST: u8 = 13;
const DONE: u8 = 14;

/// What the alerts are called by rustls.
const VERSION_ALERT: &str = "ProtocolVersion";
const REQUIRED_ALERT: &str = "CertificateRequired";

pub(super) const SCRIPTS: &[Script] = &[
    behind!("tls-220-close", Fin),
    behind!("tls-220-rst", Rst),
    behind!("tls-220-hang", Silent, ClientHello, Silent),
    garbage!("tls-220-garbage-smtp", b"500 5.5.1 Command unrecognized\r\n"),
    garbage!("tls-220-garbage-220", b"220 2.0.0 SMTP server ready\r\n"),
    garbage!("tls-220-garbage-http", b"HTTP/1.0 400 Bad Request\r\nConnection: close\r\n\r\n"),
    garbage!("tls-220-garbage-random", b"\x8f\x3a\xc1\x00\x5e\x77\x12\xe9\x44\xb0\x0d\x9c\x61\xfe\x28\xd3"),
    alert!("tls-alert-handshake_failure", 2, 40),
    alert!("tls-alert-protocol_version", 2, 70),
    alert!("tls-alert-unrecognized_name", 2, 112),
    alert!("tls-alert-internal_error", 2, 80),
    alert!("tls-alert-access_denied", 2, 49),
    alert!("tls-alert-insufficient_security", 2, 71),
    alert!("tls-alert-certificate_unknown", 2, 46),
    alert!("tls-alert-decode_error", 2, 50),
    alert!("tls-alert-illegal_parameter", 2, 47),
    alert!("tls-alert-no_application_protocol", 2, 120),
    alert!("tls-alert-close_notify", 1, 0),
    alert!("tls-alert-user_canceled", 1, 90),
    alert!("tls-no-shared-cipher", 2, 40),
    behind!(
        "tls-warn-unrecognized_name",
        ClientHello12,
        Hear(&[21, 3, 3, 0, 2, 1, 112]),
        Flight([3, 3], &[HELLO, CERTIFICATE, KEY_EXCHANGE, DONE])
    ),
    behind!("tls-warn-unrecognized_name", Secure, Misses("STARTTLS"), Send),
    behind!("tls-cut-clienthello", Silent, ClientHello, Fin),
    behind!("tls-rst-clienthello", Silent, ClientHello, Rst),
    behind!("tls-cut-serverhello", ClientHello, Flight([3, 3], &[HELLO]), Fin),
    behind!("tls-hang-serverhello", ClientHello, Flight([3, 3], &[HELLO]), Silent),
    behind!("tls-corrupt-serverhello", Fails(Only13, "cannot decrypt peer's message")),
    behind!("tls-corrupt-serverhello", Fails(Only12, "BadSignature")),
    behind!("tls-cut-after-handshake", Secure, CloseNotify),
    behind!("tls-hang-after-handshake", Secure, Silent, Say(b"EHLO client.example\r\n"), Silent),
    behind!(
        "tls-421-after-handshake",
        Secure,
        Hear(b"421 4.3.2 Service not available, closing transmission channel\r\n"),
        CloseNotify
    ),
    behind!(
        "tls-alert-after-handshake",
        Secure,
        // A record that should have been encrypted and was not.
        Gets(""),
        Beneath(&[21, 3, 3, 0, 2, 2, 80])
    ),
    behind!(
        "tls-ehlo-500-after",
        Secure,
        Ask("EHLO client.example", b"500 5.5.1 Command unrecognized\r\n"),
        Ask("HELO client.example", b"250 mx1.lab.test Hello [127.0.0.1]\r\n"),
        Send,
        Misses("STARTTLS")
    ),
    behind!(
        "tls-ehlo-554-after",
        Secure,
        Ask("EHLO client.example", b"554 5.7.0 Command refused due to lack of security\r\n"),
        Ask("HELO client.example", b"250 mx1.lab.test Hello [127.0.0.1]\r\n"),
        Send
    ),
    behind!(
        "tls-banner-after-handshake",
        Secure,
        Hear(b"220 mx1.lab.test Microsoft ESMTP MAIL Service ready\r\n"),
        Misses("STARTTLS"),
        Send
    ),
    behind!(
        "tls-readvertise",
        Secure,
        Lists("STARTTLS"),
        Ask("STARTTLS", b"500 5.3.3 Unrecognized command 'STARTTLS'\r\n"),
        Send
    ),
    behind!(
        "tls-slow-ehlo",
        Secure,
        Say(b"EHLO client.example\r\n"),
        Later(1),
        Hear(b"250-mx1.lab.test Hello [127.0.0.1]\r\n250-SIZE 37748736\r\n250-PIPELINING\r\n250-DSN\r\n"),
        Hear(b"250-ENHANCEDSTATUSCODES\r\n250-AUTH LOGIN\r\n250-8BITMIME\r\n250-BINARYMIME\r\n"),
        Hear(b"250-CHUNKING\r\n250 SMTPUTF8\r\n"),
        Send
    ),
    behind!(
        "tls-second-starttls",
        Secure,
        Lists("STARTTLS"),
        Ask("STARTTLS", b"503 5.5.1 TLS already started\r\n"),
        Send
    ),
    (
        "tls-state-not-reset",
        &[
            Greeted,
            Lists("STARTTLS"),
            Ask("MAIL FROM:<me@client.example>", b"250 2.1.0 Sender OK\r\n"),
            Ask("STARTTLS", GO_AHEAD),
            Secure,
            Ask("RCPT TO:<you@lab.test>", b"250 2.1.5 Recipient OK\r\n"),
            Ask("DATA", b"354 Start mail input; end with <CRLF>.<CRLF>\r\n"),
        ],
    ),
    behind!(
        "tls-only-SSLv3",
        OldHello,
        Flight([3, 0], &[HELLO, CERTIFICATE, DONE]),
        Chose([3, 0], &[0x000a, 0x002f, 0x0035])
    ),
    behind!(
        "tls-only-TLSv1",
        OldHello,
        Flight([3, 1], &[HELLO, CERTIFICATE, DONE]),
        Chose([3, 1], &[0x002f, 0x0035])
    ),
    behind!(
        "tls-only-TLSv1_1",
        OldHello,
        Flight([3, 2], &[HELLO, CERTIFICATE, DONE]),
        Chose([3, 2], &[0x002f, 0x0035])
    ),
    // A client without anything of that age is told so.
    behind!("tls-only-SSLv3", ClientHello, Hear(&[21, 3, 0, 0, 2, 2, 40]), Fin),
    behind!("tls-only-TLSv1", ClientHello, Hear(&[21, 3, 1, 0, 2, 2, 40]), Fin),
    behind!("tls-rsa-kx-only", ClientHello, Hear(&[21, 3, 3, 0, 2, 2, 40]), Fin),
    behind!("tls-only-TLSv1_2", SecureAs(Only12), Misses("STARTTLS"), Send),
    behind!("tls-only-TLSv1_2", Fails(Only13, VERSION_ALERT)),
    behind!("tls-only-TLSv1_3", SecureAs(Only13), Misses("STARTTLS"), Send),
    behind!("tls-only-TLSv1_3", Fails(Only12, VERSION_ALERT)),
    behind!(
        "tls-anon-only",
        OldHello,
        Flight([3, 3], &[HELLO, KEY_EXCHANGE, DONE]),
        Chose([3, 3], &[0x0034, 0x003a, 0x006c, 0x006d, 0x00a6, 0x00a7])
    ),
    behind!(
        "tls-dhe1024-only",
        OldHello,
        Flight([3, 3], &[HELLO, CERTIFICATE, KEY_EXCHANGE, DONE]),
        Chose([3, 3], &[0x0033, 0x0039, 0x0067, 0x006b, 0x009e, 0x009f])
    ),
    behind!(
        "tls-rsa-kx-only",
        OldHello,
        Flight([3, 3], &[HELLO, CERTIFICATE, DONE]),
        Chose([3, 3], &[0x002f, 0x0035, 0x003c, 0x003d, 0x009c, 0x009d])
    ),
    behind!(
        "tls-clientcert-request",
        ClientHello12,
        Flight([3, 3], &[HELLO, CERTIFICATE, KEY_EXCHANGE, REQUEST, DONE])
    ),
    behind!("tls-clientcert-request", SecureAs(Only12), Misses("STARTTLS"), Send),
    behind!("tls-clientcert-request", SecureAs(Only13), Misses("STARTTLS"), Send),
    behind!(
        "tls-clientcert-require",
        ClientHello12,
        Flight([3, 3], &[HELLO, CERTIFICATE, KEY_EXCHANGE, REQUEST, DONE])
    ),
    // For the client the handshake has succeeded when the alert comes.
    behind!("tls-clientcert-require", SecureAs(Only13), Gets(REQUIRED_ALERT)),
    behind!("tls-clientcert-require", Fails(Only12, REQUIRED_ALERT)),
    behind!("tls-no-close-notify", Secure, Misses("STARTTLS"), Send, Ask("QUIT", GOODBYE), Truncated),
    behind!(
        "tls-close-mid-data",
        Secure,
        Misses("STARTTLS"),
        Ask("MAIL FROM:<me@client.example>", b"250 2.1.0 Sender OK\r\n"),
        Ask("RCPT TO:<you@lab.test>", b"250 2.1.5 Recipient OK\r\n"),
        Ask("DATA", b"354 Start mail input; end with <CRLF>.<CRLF>\r\n"),
        Silent,
        Say(b"Subject: hello\r\n\r\n"),
        CloseNotify
    ),
    behind!(
        "tls-close-after-dot",
        Secure,
        Misses("STARTTLS"),
        Ask("MAIL FROM:<me@client.example>", b"250 2.1.0 Sender OK\r\n"),
        Ask("RCPT TO:<you@lab.test>", b"250 2.1.5 Recipient OK\r\n"),
        Ask("DATA", b"354 Start mail input; end with <CRLF>.<CRLF>\r\n"),
        Say(b"Subject: hello\r\n\r\n"),
        Silent,
        Say(b"text\r\n.\r\n"),
        CloseNotify
    ),
];
