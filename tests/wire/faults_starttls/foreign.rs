//! The same entries, met by TLS libraries that this crate has no part in: OpenSSL, GnuTLS, and the OpenSSL in
//! Python's smtplib. What they call a fault is what an administrator finds in a log.

use std::fs;
use std::path::PathBuf;

use starttls_lab::Lab;

use super::client::NAME;
use super::{lab, side_by_side};
use crate::installed::Program;
use crate::process::run;

/// An entry with what each says of it: alternatives parted by `|`, nothing where it is not asked.
struct Seen {
    entry: &'static str,
    openssl: &'static str,
    gnutls: &'static str,
    smtplib: &'static str,
}

/// What they say of a certificate that they trust for the name.
const TRUSTED: (&str, &str) = ("Verification: OK", "The certificate is trusted");
const ENDS: (&str, &str, &str) = (
    "unexpected eof while reading|unexpected EOF",
    "non-properly terminated",
    "SSLZeroReturnError|EOF occurred|UNEXPECTED_EOF_WHILE_READING",
);
const NO_TLS: (&str, &str, &str) = (
    "wrong version number|packet length too long",
    "unexpected TLS packet",
    "WRONG_VERSION_NUMBER|PACKET_LENGTH",
);

const fn good(entry: &'static str) -> Seen {
    Seen { entry, openssl: TRUSTED.0, gnutls: TRUSTED.1, smtplib: "sent" }
}

/// The handshake is good, and then it comes otherwise.
const fn late(entry: &'static str, smtplib: &'static str) -> Seen {
    Seen { entry, openssl: TRUSTED.0, gnutls: TRUSTED.1, smtplib }
}

const fn ends(entry: &'static str) -> Seen {
    Seen { entry, openssl: ENDS.0, gnutls: ENDS.1, smtplib: ENDS.2 }
}

const fn no_tls(entry: &'static str) -> Seen {
    Seen { entry, openssl: NO_TLS.0, gnutls: NO_TLS.1, smtplib: NO_TLS.2 }
}

/// OpenSSL and GnuTLS would wait for ever.
const fn silent(entry: &'static str) -> Seen {
    Seen { entry, openssl: "", gnutls: "", smtplib: "timed out" }
}

macro_rules! alert {
    ($entry:literal, $number:literal, $name:literal) => {
        Seen {
            entry: $entry,
            openssl: concat!("SSL alert number ", $number),
            gnutls: concat!("Received alert [", $number, "]"),
            smtplib: $name,
        }
    };
}

const SEEN: &[Seen] = &[
    late("starttls-absent-but-accepted", "SMTPNotSupportedError"),
    good("starttls-lowercase"),
    good("starttls-with-param"),
    good("starttls-reply-multiline"),
    good("starttls-reply-lfonly"),
    good("starttls-reply-delay3"),
    Seen {
        entry: "starttls-reply-454",
        openssl: NO_TLS.0,
        gnutls: "",
        smtplib: "SMTPResponseException (454, b'4.7.0 TLS not available",
    },
    Seen {
        entry: "starttls-reply-250",
        openssl: TRUSTED.0,
        gnutls: "",
        smtplib: "SMTPResponseException (250",
    },
    Seen {
        entry: "starttls-reply-354",
        openssl: TRUSTED.0,
        gnutls: "",
        smtplib: "SMTPResponseException (354",
    },
    ends("tls-220-close"),
    Seen {
        entry: "tls-220-rst",
        openssl: "errno=104|errno=32|Connection reset",
        gnutls: "Error in the pull function|Error in the push function|non-properly terminated",
        smtplib: "ConnectionResetError|BrokenPipeError",
    },
    silent("tls-220-hang"),
    no_tls("tls-220-garbage-smtp"),
    no_tls("tls-220-garbage-220"),
    no_tls("tls-220-garbage-http"),
    no_tls("tls-220-garbage-random"),
    alert!("tls-alert-handshake_failure", "40", "HANDSHAKE_FAILURE"),
    alert!("tls-alert-certificate_unknown", "46", "CERTIFICATE_UNKNOWN"),
    alert!("tls-alert-illegal_parameter", "47", "ILLEGAL_PARAMETER"),
    alert!("tls-alert-access_denied", "49", "ACCESS_DENIED"),
    alert!("tls-alert-decode_error", "50", "DECODE_ERROR"),
    alert!("tls-alert-protocol_version", "70", "PROTOCOL_VERSION"),
    alert!("tls-alert-insufficient_security", "71", "INSUFFICIENT_SECURITY"),
    alert!("tls-alert-internal_error", "80", "INTERNAL_ERROR"),
    alert!("tls-alert-unrecognized_name", "112", "UNRECOGNIZED_NAME"),
    alert!("tls-alert-no_application_protocol", "120", "no application protocol|NO_APPLICATION_PROTOCOL"),
    alert!("tls-no-shared-cipher", "40", "HANDSHAKE_FAILURE"),
    alert!("tls-anon-only", "40", "HANDSHAKE_FAILURE"),
    // To OpenSSL an end in order, about which it says nothing.
    Seen {
        entry: "tls-alert-close_notify",
        openssl: "",
        gnutls: "Peer has terminated the connection|non-properly terminated",
        smtplib: ENDS.2,
    },
    Seen {
        entry: "tls-alert-user_canceled",
        openssl: ENDS.0,
        gnutls: "Received alert [90]",
        smtplib: ENDS.2,
    },
    Seen {
        entry: "tls-warn-unrecognized_name",
        openssl: TRUSTED.0,
        gnutls: "Received alert [112]",
        smtplib: "sent",
    },
    ends("tls-cut-clienthello"),
    ends("tls-cut-serverhello"),
    Seen {
        entry: "tls-rst-clienthello",
        openssl: "errno=104|errno=32|Connection reset",
        gnutls: "Error in the pull function|Error in the push function|non-properly terminated",
        smtplib: "ConnectionResetError|BrokenPipeError",
    },
    silent("tls-hang-serverhello"),
    Seen {
        entry: "tls-corrupt-serverhello",
        openssl: "bad record mac",
        gnutls: "Decryption has failed",
        smtplib: "BAD_RECORD_MAC",
    },
    late("tls-cut-after-handshake", "SMTPServerDisconnected"),
    Seen { openssl: "", ..late("tls-hang-after-handshake", "timed out") },
    late("tls-421-after-handshake", "SMTPServerDisconnected"),
    Seen {
        entry: "tls-alert-after-handshake",
        openssl: "bad record type",
        // It may have left before the alert came.
        gnutls: "Decryption has failed|The certificate is trusted",
        smtplib: "BAD_RECORD_TYPE|bad record type",
    },
    good("tls-ehlo-500-after"),
    good("tls-ehlo-554-after"),
    // One reply behind: the answer to RCPT in answer to DATA.
    late("tls-banner-after-handshake", "SMTPDataError (250, b'2.1.5 Recipient OK')"),
    good("tls-readvertise"),
    good("tls-second-starttls"),
    good("tls-slow-ehlo"),
    good("tls-state-not-reset"),
    Seen {
        entry: "tls-only-SSLv3",
        openssl: "unsupported protocol",
        gnutls: "illegal or unsupported version",
        smtplib: "UNSUPPORTED_PROTOCOL|HANDSHAKE_FAILURE",
    },
    // GnuTLS is willing, as whoever allows TLS 1.0; there is nobody to go on with.
    Seen {
        entry: "tls-only-TLSv1",
        openssl: "unsupported protocol|unexpected eof",
        gnutls: ENDS.1,
        smtplib: "",
    },
    Seen {
        entry: "tls-only-TLSv1_1",
        openssl: "unsupported protocol|unexpected eof",
        gnutls: ENDS.1,
        smtplib: "",
    },
    Seen {
        entry: "tls-only-TLSv1_2",
        openssl: "Protocol version: TLSv1.2",
        gnutls: "(TLS1.2",
        smtplib: "TLSv1.2",
    },
    Seen {
        entry: "tls-only-TLSv1_3",
        openssl: "Protocol version: TLSv1.3",
        gnutls: "(TLS1.3",
        smtplib: "TLSv1.3",
    },
    Seen {
        entry: "tls-dhe1024-only",
        openssl: "dh key too small",
        gnutls: ENDS.1,
        smtplib: "DH_KEY_TOO_SMALL|HANDSHAKE_FAILURE",
    },
    Seen { entry: "tls-rsa-kx-only", openssl: ENDS.0, gnutls: ENDS.1, smtplib: "" },
    good("tls-clientcert-request"),
    Seen {
        entry: "tls-clientcert-require",
        openssl: "SSL alert number 116",
        gnutls: "Received alert [116]|The certificate is trusted",
        smtplib: "ALERT_CERTIFICATE_REQUIRED|certificate required",
    },
    good("tls-no-close-notify"),
    late("tls-close-mid-data", "SMTPServerDisconnected"),
    late("tls-close-after-dot", "SMTPServerDisconnected"),
    silent("tls-implicit"),
    good("inject-command"),
    good("inject-command-vulnerable"),
    good("inject-response"),
    good("inject-response-554"),
    // What s_client and gnutls-cli make of it depends on how much they happen to read at once.
    Seen { openssl: "", gnutls: "", ..late("inject-preauth-banner", "SMTPNotSupportedError") },
];

struct CaFile(PathBuf);

impl CaFile {
    fn of(lab: &Lab, who: &str) -> Self {
        let name = format!("faults-{who}-{}.pem", lab.addr().port());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&path, lab.ca_pem()).unwrap();
        Self(path)
    }
}

impl Drop for CaFile {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}

/// Plays every entry for which there are words with a program, and compares what it says with them.
#[track_caller]
fn all(words: impl Fn(&Seen) -> &'static str + Sync, says: impl Fn(&Lab, &str, &CaFile) -> String + Sync) {
    let wrong = side_by_side(SEEN, |seen| {
        let words = words(seen);
        if words.is_empty() {
            return Vec::new();
        }
        let lab = lab(seen.entry);
        let said = says(&lab, seen.entry, &CaFile::of(&lab, seen.entry));
        let as_expected = words.split('|').any(|words| said.contains(words));
        if as_expected { Vec::new() } else { vec![format!("{}: not {words:?}, but:\n{said}", seen.entry)] }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn openssl_calls_every_fault_by_its_name() {
    let Some(openssl) = Program::find("openssl", "openssl") else { return };
    all(
        |seen| seen.openssl,
        |lab, _, ca_file| {
            let mut command = openssl.command();
            command.args([
                "s_client",
                "-starttls",
                "smtp",
                "-connect",
                &lab.addr().to_string(),
                "-brief",
                "-ign_eof",
            ]);
            command.args(["-servername", NAME, "-verify_hostname", NAME, "-verify_return_error"]);
            let finished = run(command.arg("-CAfile").arg(&ca_file.0), "QUIT\n");
            finished.stdout + &finished.stderr
        },
    );
}

#[test]
fn gnutls_calls_every_fault_by_its_name() {
    let Some(gnutls) = Program::find("gnutls-cli", "gnutls-bin") else { return };
    all(
        |seen| seen.gnutls,
        |lab, _, ca_file| {
            let mut command = gnutls.command();
            command.args(["--starttls-proto=smtp", "127.0.0.1", "-p", &lab.addr().port().to_string()]);
            command.args(["--sni-hostname", NAME, "--verify-hostname", NAME]);
            let finished = run(command.arg("--x509cafile").arg(&ca_file.0), "QUIT\n");
            finished.stdout + &finished.stderr
        },
    );
}

fn smtplib(python: &Program, lab: &Lab, ca_file: &CaFile, way: &str) -> String {
    let mut command = python.command();
    command.args(["-c", include_str!("smtplib.py"), &lab.addr().port().to_string()]);
    run(command.arg(&ca_file.0).arg(way), "").stdout
}

#[test]
fn smtplib_ends_every_entry_as_its_messages_fate_has_it() {
    let Some(python) = Program::find("python3", "python3") else { return };
    all(
        |seen| seen.smtplib,
        |lab, entry, ca_file| {
            let hangs = entry.contains("-hang") || entry == "tls-implicit";
            let said = smtplib(&python, lab, ca_file, if hangs { "impatient" } else { "starttls" });
            let (sent, taken) = (said.contains("sent"), lab.messages().len());
            assert_eq!(usize::from(sent), taken, "{entry}: {said}");
            said
        },
    );
}

#[test]
fn whoever_begins_with_tls_is_greeted_inside_it() {
    let Some(python) = Program::find("python3", "python3") else { return };
    let lab = lab("tls-implicit");
    let said = smtplib(&python, &lab, &CaFile::of(&lab, "implicit"), "implicit");
    assert!(said.contains("sent"), "{said}");
    assert!(lab.messages()[0].tls.is_some());
}

#[test]
fn every_entry_with_tls_in_it_is_met_by_somebody() {
    let met = |name: &str| SEEN.iter().any(|seen| seen.entry == name);
    let alone: Vec<_> = super::entries()
        .map(|entry| entry.scenario.name)
        .filter(|name| name.starts_with("tls-") && !met(name))
        .collect();
    assert_eq!(alone, [""; 0]);
}
