//! What sending programs printed when TLS failed, as it was collected from them, and as people quote it.

use super::recognized;

/// What was printed, what it means (as JSON has it), and a program or library that it is attributed to.
///
/// The programs ran against the fault catalogue in November 2026; `src/observe/verdict/texts.txt` names their
/// versions.
const PRINTED: &[(&str, &str, &str)] = &[
    // STARTTLS is not offered.
    (
        "2026-11-30 14:10:34 1xY25S-00000J-0w == bob@rcpt.test R=send T=remote defer (-38) H=mx1.lab.test \
         [127.77.0.25]: a TLS session is required, but the server did not offer TLS support",
        "starttls-not-offered",
        "Exim",
    ),
    ("missing feature: Authentication requires TLS\nsmtp: no more host", "starttls-not-offered", "OpenSMTPD"),
    (
        "aiosmtplib.errors.SMTPException: SMTP STARTTLS extension not supported by server.",
        "starttls-not-offered",
        "Python",
    ),
    // STARTTLS is refused.
    (
        "2026-11-30 14:10:36 1xY269-00000J-1i H=mx1.lab.test [127.77.0.32]: a TLS session is required, but an attempt \
         to start TLS failed",
        "starttls-refused",
        "Exim",
    ),
    (
        "msmtp: command STARTTLS failed\nmsmtp: server message: 554 5.7.3 Unable to initialize security subsystem\n\
         msmtp: could not send mail",
        "starttls-refused",
        "msmtp",
    ),
    (
        "smtplib.SMTPResponseException: (454, b'4.7.0 TLS not available due to temporary reason')",
        "starttls-refused",
        "RFC 3207",
    ),
    ("bob@rcpt.test... Deferred: 454 4.7.0 STARTTLS failed.", "starttls-refused", "sendmail"),
    // TLS fails, and the text does not say why.
    (
        "Nov 30 14:06:35 client postfix/smtp[40]: B69E321: to=<bob@rcpt.test>, relay=mx1.lab.test[127.77.0.37]:41207, \
         delay=0.21, delays=0.16/0.04/0/0, dsn=4.7.5, status=deferred (Cannot start TLS: handshake failure)",
        "tls-failed",
        "Postfix",
    ),
    ("bob@rcpt.test... Deferred: 454 4.7.0 TLS handshake failed.", "tls-failed", "sendmail"),
    ("bob@rcpt.test... Deferred: 454 4.7.0 encryption too weak 0 less than 112", "tls-failed", "sendmail"),
    ("msmtp: TLS handshake failed: A TLS fatal alert has been received.", "tls-failed", "GnuTLS"),
    (
        "gnutls_handshake: A TLS warning alert has been received.\nCould not negotiate TLS connection\nCould not send \
         the message.",
        "tls-failed",
        "GnuTLS",
    ),
    (
        "SMTP Error: Could not connect to SMTP host. STARTTLS command failed TLS not available",
        "tls-failed",
        "PHPMailer",
    ),
    ("STARTTLS failed!  at /usr/lib/git-core/git-send-email line 1664.", "tls-failed", "git send-email"),
    // A certificate is refused, and the text does not say why.
    ("f1226de30f6e5866 mta error reason=SSL certificate check failed", "name-or-chain", "OpenSMTPD"),
    ("smtp: connection error: Invalid server certificate", "name-or-chain", "OpenSMTPD"),
    ("bob@rcpt.test... Deferred: 454 4.7.0 authentication failed", "name-or-chain", "sendmail"),
    (
        "WARNING: Untrusted server certificate\nCould not negotiate TLS connection\nCould not send the message.",
        "name-or-chain",
        "mutt",
    ),
    (
        "STARTTLS failed! SSL connect attempt failed error:0A000086:SSL routines::certificate verify failed at \
         /usr/lib/git-core/git-send-email line 1664.",
        "name-or-chain",
        "OpenSSL",
    ),
    (
        "PHP Warning:  stream_socket_enable_crypto(): SSL operation failed with code 1. OpenSSL Error messages:\n\
         error:0A000086:SSL routines::certificate verify failed in /mnt/run/p.php on line 6",
        "name-or-chain",
        "OpenSSL",
    ),
    (
        "2026-11-30 14:10:31 1xY262-00000J-1s == bob@rcpt.test R=send T=remote defer (-37) H=mx1.lab.test \
         [127.77.0.9]: TLS session: (certificate verification failed): certificate invalid",
        "name-or-chain",
        "Exim",
    ),
    // The name does not fit.
    (
        "stream_socket_enable_crypto(): Peer certificate subjectAltName did not match expected name `mx1.lab.test'",
        "name-mismatch",
        "PHP",
    ),
    ("s-nail: TLS certificate does not match: mx1.lab.test", "name-mismatch", "s-nail"),
    (
        "d653e781af61db50 mta ssl_check_name: no match for 'mx1.lab.test' in cert\n\
         d653e781af61db50 mta error reason=SSL certificate check failed",
        "name-mismatch",
        "OpenSMTPD",
    ),
    // The certificate itself.
    (
        "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has \
         expired (_ssl.c:992)",
        "expired",
        "Python",
    ),
    ("curl: (60) SSL certificate problem: self-signed certificate", "chain-untrusted", "curl"),
    ("gnutls_handshake: Public key signature verification has failed.", "bad-signature", "GnuTLS"),
    (
        "2026-11-30 14:10:07 1xY251-00000J-2f TLS session: (gnutls_handshake): Key usage violation in certificate \
         has been detected.: delivering unencrypted to H=mx1.lab.test [127.77.0.16] (not in hosts_require_tls)",
        "wrong-purpose",
        "GnuTLS",
    ),
    // The handshake.
    (
        "2026-11-30 14:10:18 1xY25B-00000J-2r TLS session: (gnutls_handshake): Handshake failed: delivering \
         unencrypted to H=mx1.lab.test [127.77.0.40] (not in hosts_require_tls)",
        "handshake-failed",
        "Exim",
    ),
    (
        "gnutls_handshake: A TLS fatal alert has been received.(Handshake failed)\nCould not negotiate TLS connection",
        "handshake-failed",
        "mutt",
    ),
    ("gnutls_handshake: A TLS fatal alert has been received.(Internal error)", "handshake-ended", "mutt"),
    (
        "gnutls_handshake: A TLS fatal alert has been received.(Error in protocol version)",
        "handshake-failed",
        "mutt",
    ),
    (
        "2026-11-30 14:10:12 1xY255-00000J-2e H=mx1.lab.test [127.77.0.43] TLS error on connection (recv): A TLS \
         fatal alert has been received: Certificate is required",
        "client-certificate-demanded",
        "Exim",
    ),
    (
        "javax.net.ssl.SSLHandshakeException: received handshake warning: unrecognized_name",
        "name-unknown",
        "JavaMail",
    ),
    (
        "msmtp: TLS handshake failed: The TLS connection was non-properly terminated.",
        "connection-closed",
        "GnuTLS",
    ),
    (
        "ssl.SSLZeroReturnError: TLS/SSL connection has been closed (EOF) (_ssl.c:992)",
        "connection-closed",
        "Python",
    ),
    ("stream_socket_enable_crypto(): SSL: Connection reset by peer", "connection-closed", "PHP"),
    // Silence.
    (
        "2026-11-30 14:10:23 1xY25C-00000J-03 TLS session: (gnutls_handshake): timed out: delivering unencrypted to \
         H=mx1.lab.test [127.77.0.39] (not in hosts_require_tls)",
        "no-answer",
        "Exim",
    ),
    ("stream_socket_enable_crypto(): SSL: Handshake timed out", "no-answer", "PHP"),
    ("STARTTLS failed: SSL wants a read first", "no-answer", "Perl"),
    (
        "/usr/lib/ruby/3.1.0/net/protocol.rb:43:in `ssl_socket_connect': Net::OpenTimeout (Net::OpenTimeout)",
        "no-answer",
        "Ruby",
    ),
    ("Error: TLS handshake timed out\n  code: 'ETIMEDOUT'", "no-answer", "nodemailer"),
    (
        "aiosmtplib.errors.SMTPTimeoutError: Connection aborted while upgrading transport",
        "no-answer",
        "aiosmtplib",
    ),
    // The connection ends; these are printed at STARTTLS as well as after the handshake.
    ("smtplib.SMTPServerDisconnected: Connection unexpectedly closed", "connection-lost", "Python"),
    ("Error: Connection closed unexpectedly\n  code: 'ECONNECTION'", "connection-lost", "nodemailer"),
    ("15fd091ba3e47aa2 mta error reason=Connection closed unexpectedly", "connection-lost", "OpenSMTPD"),
    ("msmtp: the server sent an empty reply\nmsmtp: could not send mail", "connection-lost", "msmtp"),
    (
        "Connection to mx1.lab.test closed\nSMTP session failed: read error\nCould not send the message.",
        "connection-lost",
        "mutt",
    ),
    ("s-nail: Unexpected EOF on SMTP connection", "connection-lost", "s-nail"),
    ("curl: (56) response reading failed (errno: 115)", "connection-lost", "curl"),
    ("STARTTLS failed: 421 [Net::SMTP] Connection closed", "connection-lost", "Perl"),
    (
        "/usr/lib/ruby/3.1.0/net/protocol.rb:227:in `rbuf_fill': end of file reached (EOFError)",
        "connection-lost",
        "Ruby",
    ),
    ("Exception in thread \"main\" javax.mail.MessagingException: [EOF]", "connection-lost", "JavaMail"),
    (
        "2026-11-30 14:10:11 1xY255-00000J-01 H=mx1.lab.test [127.77.0.27]: Remote host closed connection in response \
         to STARTTLS",
        "connection-lost",
        "Exim",
    ),
    // After the handshake.
    (
        "2026-11-30 14:10:12 1xY267-00000J-06 == bob@rcpt.test R=send T=remote defer (-37) H=mx1.lab.test \
         [127.77.0.44]: TLS session: error on first read",
        "closed-after-handshake",
        "Exim",
    ),
];

/// Parts that people quote or search for, without the rest.
const FRAGMENTS: &[(&str, &str, &str)] = &[
    ("(35)", "tls-failed", "curl"),
    ("curl error code (35)", "tls-failed", "curl"),
    ("(60)", "name-or-chain", "curl"),
    ("cURL error 60", "name-or-chain", "curl"),
    ("CURLE_SSL_CONNECT_ERROR", "tls-failed", "curl"),
    ("(56)", "connection-lost", "curl"),
    ("stream_socket_enable_crypto", "tls-failed", "PHP"),
    ("error:0A000086", "name-or-chain", "OpenSSL"),
    ("1416F086", "name-or-chain", "OpenSSL"),
    ("error:0A00010B:SSL routines", "not-tls", "OpenSSL"),
    ("1408F10B", "not-tls", "OpenSSL"),
    ("0A000410", "handshake-failed", "OpenSSL"),
    ("1409442E", "handshake-failed", "OpenSSL"),
    ("0A00042E", "handshake-failed", "OpenSSL"),
    ("0A000126", "connection-closed", "OpenSSL"),
    ("0A000458", "name-unknown", "OpenSSL"),
    ("0A00045C", "client-certificate-demanded", "OpenSSL"),
    ("141A318A", "too-weak", "OpenSSL"),
    ("0A00007B", "bad-signature", "OpenSSL"),
    ("0A000418", "client-left", "OpenSSL"),
    ("defer (-37)", "tls-failed", "Exim"),
    ("0x80090325", "chain-untrusted", "Schannel"),
    ("5.7.325", "name-mismatch", "Microsoft 365"),
    ("CERT_HAS_EXPIRED", "expired", "Node"),
    ("SSLZeroReturnError: TLS/SSL connection has been closed", "connection-closed", "Python"),
];

/// The meaning and the attribution of the first sender's error that is found in a text.
fn explained(text: &str) -> Option<(String, String)> {
    let found = recognized(&[text]).explanation.to_json();
    let error = found["items"].as_array()?.iter().find(|item| item["kind"] == "sender-error")?;
    Some((error["meaning"].as_str()?.to_owned(), error["sender"].as_str()?.to_owned()))
}

fn check(text: &str, meaning: &str, said_by: &str) {
    let found = explained(text);
    let (found_meaning, sender) = found.unwrap_or_else(|| panic!("nothing is known of {text:?}"));
    assert_eq!(found_meaning, meaning, "{text:?}");
    assert!(sender.contains(said_by), "{text:?}: {sender}");
}

/// The text as a mail program quotes it: broken at blanks, each line behind a mark.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::from(">")];
    for word in text.split_whitespace() {
        if lines.last().unwrap().len() + word.len() > 44 {
            lines.push(String::from(">"));
        }
        let last = lines.last_mut().unwrap();
        last.push(' ');
        last.push_str(word);
    }
    lines.join("\n")
}

/// The text as another host prints it at another time.
fn elsewhere(text: &str) -> String {
    let text = text.replace("mx1.lab.test", "gw-07.example.net").replace("127.77.0.", "198.51.100.");
    let text =
        text.replace("2026-11-30 14:10", "2019-02-03 23:59").replace("Nov 30 14:06:35", "Feb  3 23:59:01");
    format!("Feb  3 23:59:01 relay mailer[4711]: {text}")
}

#[test]
fn what_programs_print_is_found_whole_wrapped_and_from_another_host() {
    for (text, meaning, said_by) in PRINTED {
        check(text, meaning, said_by);
        check(&wrapped(text), meaning, said_by);
        check(&elsewhere(text), meaning, said_by);
        check(&text.to_uppercase(), meaning, said_by);
    }
}

#[test]
fn what_people_quote_of_it_is_found() {
    for (text, meaning, said_by) in FRAGMENTS {
        check(text, meaning, said_by);
        check(&format!("  {text}\n"), meaning, said_by);
    }
}
