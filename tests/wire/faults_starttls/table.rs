//! What a client must see of each entry up to the 220.

use super::Script;
use super::client::Step::*;

/// What the connector says to STARTTLS.
pub(super) const GO_AHEAD: &[u8] = b"220 2.0.0 SMTP server ready\r\n";

/// A refusal that leaves the conversation as it was: mail is taken in clear.
macro_rules! refused {
    ($name:literal, $reply:literal) => {
        (
            $name,
            &[
                Greeted,
                Lists("STARTTLS"),
                Ask("STARTTLS", concat!($reply, "\r\n").as_bytes()),
                Lists("STARTTLS"),
                Send,
            ],
        )
    };
}

/// An answer to STARTTLS that is odd, and a handshake that is due all the same.
macro_rules! granted {
    ($name:literal, $reply:expr) => {
        ($name, &[Greeted, Lists("STARTTLS"), Ask("STARTTLS", $reply), Secure, Misses("STARTTLS"), Send])
    };
}

/// The same, with a client that takes the odd answer for a refusal and goes on in clear.
macro_rules! in_clear {
    ($name:literal, $reply:literal) => {
        (
            $name,
            &[
                Greeted,
                Lists("STARTTLS"),
                Ask("STARTTLS", $reply),
                // It is no TLS, so decode_error comes, and the end.
                Ask("MAIL FROM:<me@client.example>", &[21, 3, 3, 0, 2, 2, 50]),
                Fin,
            ],
        )
    };
}

pub(super) const SCRIPTS: &[Script] = &[
    granted!("baseline", GO_AHEAD),
    ("baseline", &[Greeted, Send]),
    (
        "starttls-absent",
        &[Greeted, Misses("STARTTLS"), Ask("STARTTLS", b"502 5.5.1 Command not implemented\r\n"), Send],
    ),
    ("starttls-absent-but-accepted", &[Greeted, Misses("STARTTLS"), Ask("STARTTLS", GO_AHEAD), Secure, Send]),
    (
        "starttls-stripped-xxx",
        &[
            Hear(b"220 ****************************0***2\r\n"),
            Misses("STARTTLS"),
            Lists("XXXXXXXA"),
            Ask("STARTTLS", b"500 #5.5.1 command not recognized\r\n"),
            Send,
        ],
    ),
    ("starttls-lowercase", &[Greeted, Lists("starttls"), Ask("STARTTLS", GO_AHEAD), Secure, Send]),
    ("starttls-with-param", &[Greeted, Lists("STARTTLS REQUIRED"), Ask("STARTTLS", GO_AHEAD), Secure, Send]),
    (
        "starttls-intermittent",
        &[Greeted, Misses("STARTTLS"), Ask("STARTTLS", b"502 5.5.1 Command not implemented\r\n"), Send],
    ),
    ("starttls-intermittent", &[Greeted, Lists("STARTTLS"), Ask("STARTTLS", GO_AHEAD), Secure, Send]),
    ("starttls-intermittent", &[Greeted, Misses("STARTTLS"), Send]),
    (
        "starttls-ehlo-rejected",
        &[
            Greeted,
            Ask("EHLO client.example", b"502 5.5.1 Command not implemented\r\n"),
            Ask("HELO client.example", b"250 mx1.lab.test Hello [127.0.0.1]\r\n"),
            Ask("STARTTLS", b"502 5.5.1 Command not implemented\r\n"),
            Send,
        ],
    ),
    refused!("starttls-reply-454", "454 4.7.0 TLS not available due to temporary reason"),
    refused!("starttls-reply-451", "451 4.3.0 Local error in processing"),
    refused!("starttls-reply-500", "500 5.5.1 Command unrecognized"),
    refused!("starttls-reply-501", "501 5.5.4 Syntax error (no parameters allowed)"),
    refused!("starttls-reply-502", "502 5.5.1 Command not implemented"),
    refused!("starttls-reply-503", "503 5.5.1 Bad sequence of commands"),
    refused!("starttls-reply-530", "530 5.7.0 Authentication required"),
    refused!("starttls-reply-550", "550 5.7.1 STARTTLS is not permitted"),
    refused!("starttls-reply-554", "554 5.7.3 Unable to initialize security subsystem"),
    (
        "starttls-reply-421",
        &[
            Greeted,
            Lists("STARTTLS"),
            Ask("STARTTLS", b"421 4.3.2 Service not available, closing transmission channel\r\n"),
            Fin,
        ],
    ),
    granted!("starttls-reply-250", b"250 2.0.0 OK\r\n"),
    in_clear!("starttls-reply-250", b"250 2.0.0 OK\r\n"),
    granted!("starttls-reply-334", b"334 \r\n"),
    in_clear!("starttls-reply-334", b"334 \r\n"),
    granted!("starttls-reply-354", b"354 Start mail input\r\n"),
    in_clear!("starttls-reply-354", b"354 Start mail input\r\n"),
    granted!("starttls-reply-multiline", b"220-2.0.0 SMTP server ready\r\n220 2.0.0 and waiting\r\n"),
    granted!("starttls-reply-lfonly", b"220 2.0.0 SMTP server ready\n"),
    (
        "starttls-reply-delay3",
        &[Greeted, Lists("STARTTLS"), Say(b"STARTTLS\r\n"), Later(3), Hear(GO_AHEAD), Secure, Send],
    ),
    ("starttls-cmd-close", &[Greeted, Lists("STARTTLS"), Say(b"STARTTLS\r\n"), Fin]),
    (
        "starttls-cmd-hang",
        &[Greeted, Lists("STARTTLS"), Say(b"STARTTLS\r\n"), Silent, Say(b"NOOP\r\nQUIT\r\n"), Silent],
    ),
    ("tls-implicit", &[Silent, Secure, Greeted, Misses("STARTTLS"), Send, Ask("QUIT", GOODBYE), CloseNotify]),
    (
        "inject-command",
        &[
            Greeted,
            Lists("STARTTLS"),
            Say(b"STARTTLS\r\nEHLO attacker.example\r\nMAIL FROM:<attacker@attacker.example>\r\n"),
            Hear(GO_AHEAD),
            Secure,
            Ask("RCPT TO:<you@lab.test>", b"503 5.5.2 Need mail command\r\n"),
            Send,
        ],
    ),
    (
        "inject-command-vulnerable",
        &[
            Greeted,
            Lists("STARTTLS"),
            Say(b"STARTTLS\r\nNOOP\r\nRSET\r\nHELO attacker.example\r\nMAIL FROM:<a@attacker.example>\r\n"),
            Hear(GO_AHEAD),
            Secure,
            // Nobody has asked for this inside TLS.
            Hear(b"250 2.0.0 OK\r\n250 2.0.0 Resetting\r\n250 mx1.lab.test Hello [127.0.0.1]\r\n"),
            Hear(b"250 2.1.0 Sender OK\r\n"),
            Ask("RCPT TO:<you@lab.test>", b"250 2.1.5 Recipient OK\r\n"),
        ],
    ),
    (
        "inject-response",
        &[
            Greeted,
            Lists("STARTTLS"),
            Ask("STARTTLS", GO_AHEAD),
            Hear(b"250-mx1.lab.test injected\r\n250-SIZE 1024\r\n250 AUTH PLAIN LOGIN\r\n"),
            Secure,
            Misses("SIZE 1024"),
            Send,
        ],
    ),
    (
        "inject-response-554",
        &[
            Greeted,
            Lists("STARTTLS"),
            Ask("STARTTLS", GO_AHEAD),
            Hear(b"554 5.7.1 injected\r\n"),
            Secure,
            Misses("SIZE 1024"),
            Send,
        ],
    ),
    (
        "inject-preauth-banner",
        &[
            Greeted,
            Hear(b"250-mx1.lab.test Hello\r\n250 AUTH PLAIN LOGIN\r\n"),
            Lists("STARTTLS"),
            Ask("STARTTLS", GO_AHEAD),
            Secure,
            Send,
        ],
    ),
];

/// What the connector says to QUIT.
pub(super) const GOODBYE: &[u8] = b"221 2.0.0 Service closing transmission channel\r\n";
