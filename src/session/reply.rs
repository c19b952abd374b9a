//! The replies of a receive connector, by profile. Each text is observed or documented unless it says otherwise.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::setting::Setting;
use crate::exchange::{Profile, Stage, keywords};
use crate::smtp::{CommandError, EnhancedCode, MailDate, Reply, Verb, fixed_reply};

use jiff::Timestamp;

pub(super) const SENDER_OK: Reply = fixed_reply!("250 2.1.0 Sender OK");
pub(super) const RECIPIENT_OK: Reply = fixed_reply!("250 2.1.5 Recipient OK");
pub(super) const START_MAIL_INPUT: Reply = fixed_reply!("354 Start mail input; end with <CRLF>.<CRLF>");
pub(super) const SERVER_READY: Reply = fixed_reply!("220 2.0.0 SMTP server ready");
pub(super) const RESETTING: Reply = fixed_reply!("250 2.0.0 Resetting");
pub(super) const OK: Reply = fixed_reply!("250 2.0.0 OK");
pub(super) const CLOSING: Reply = fixed_reply!("221 2.0.0 Service closing transmission channel");
pub(super) const CANNOT_VRFY: Reply = fixed_reply!("252 2.1.5 Cannot VRFY user");
pub(super) const NOT_IMPLEMENTED: Reply = fixed_reply!("502 5.3.3 Command not implemented");
pub(super) const INVALID_ARGUMENTS: Reply = fixed_reply!("501 5.5.4 Invalid arguments");
pub(super) const INVALID_DOMAIN: Reply = fixed_reply!("501 5.5.4 Invalid domain name");
pub(super) const INVALID_SENDER: Reply = fixed_reply!("501 5.1.7 Invalid address");
pub(super) const INVALID_RECIPIENT: Reply = fixed_reply!("501 5.1.3 Invalid address");
pub(super) const HELLO_FIRST: Reply = fixed_reply!("503 5.5.2 Send hello first");
pub(super) const NEED_MAIL: Reply = fixed_reply!("503 5.5.2 Need mail command");
pub(super) const NEED_RCPT: Reply = fixed_reply!("503 5.5.2 Need rcpt command");
pub(super) const SENDER_ALREADY: Reply = fixed_reply!("503 5.5.2 Sender already specified");
pub(super) const BAD_SEQUENCE: Reply = fixed_reply!("503 5.5.2 Bad sequence of commands");
pub(super) const TOO_MANY_RECIPIENTS: Reply = fixed_reply!("452 4.5.3 Too many recipients");
pub(super) const MESSAGE_TOO_BIG: Reply =
    fixed_reply!("552 5.3.4 Message size exceeds fixed maximum message size");
pub(super) const HEADER_TOO_BIG: Reply = fixed_reply!("552 5.3.4 Header size exceeds fixed maximum size");
pub(super) const TOO_MANY_HOPS: Reply = fixed_reply!("554 5.4.6 Hop count exceeded - possible mail loop");
pub(super) const BARE_LINE_FEEDS: Reply = fixed_reply!("550 5.6.11 Bare linefeeds are illegal");
pub(super) const USERNAME: Reply = fixed_reply!("334 VXNlcm5hbWU6");
pub(super) const PASSWORD: Reply = fixed_reply!("334 UGFzc3dvcmQ6");
pub(super) const LOGGED_ON: Reply = fixed_reply!("235 2.7.0 Authentication successful");
pub(super) const LOGON_FAILED: Reply = fixed_reply!("535 5.7.3 Authentication unsuccessful");
pub(super) const UNKNOWN_MECHANISM: Reply = fixed_reply!("504 5.7.4 Unrecognized authentication type");
pub(super) const NO_PERMISSION: Reply =
    fixed_reply!("550 5.7.1 Client does not have permissions to submit to this server");
pub(super) const TIMED_OUT: Reply = fixed_reply!("421 4.4.1 Connection timed out");
pub(super) const TOO_MANY_ERRORS: Reply =
    fixed_reply!("421 4.7.0 Too many errors on this connection, closing transmission channel");
pub(super) const RATE_EXCEEDED: Reply =
    fixed_reply!("421 4.4.2 Message submission rate for this client has exceeded the configured limit");
pub(super) const TOO_MANY_CONNECTIONS: Reply = fixed_reply!(
    "421 4.3.2 The maximum number of concurrent connections has exceeded a limit, closing transmission channel"
);
pub(super) const TOO_MANY_FROM_SOURCE: Reply = fixed_reply!(
    "421 4.3.2 The maximum number of concurrent connections has exceeded a per-source limit, closing transmission channel"
);
pub(super) const SERVICE_NOT_ACTIVE: Reply = fixed_reply!("421 4.3.2 Service not active");
/// Exchange's back pressure text; here it means that the lab's own memory limit is reached.
pub(super) const NO_RESOURCES: Reply = fixed_reply!("452 4.3.1 Insufficient system resources");
/// RFC 5321 section 4.5.3.1.9.
pub(super) const LINE_TOO_LONG: Reply = fixed_reply!("500 5.5.2 Line too long");
/// RFC 4954 section 4: a canceled exchange, and base64 that cannot be read.
pub(super) const AUTH_CANCELLED: Reply = fixed_reply!("501 5.7.0 Authentication cancelled");
pub(super) const AUTH_UNREADABLE: Reply = fixed_reply!("501 5.5.2 Cannot decode response");

/// Returns the banner, with day and hour as Exchange writes them.
pub(super) fn banner(setting: &Setting, now: Timestamp) -> Reply {
    if let Some(banner) = &setting.connector.banner.0 {
        return Reply::new(220, None, banner.get(4..).unwrap_or_default().to_owned());
    }
    let date = MailDate(now);
    Reply::new(220, None, format!("{} Microsoft ESMTP MAIL Service ready at {date}", setting.fqdn()))
}

/// Returns the reply to HELO.
pub(super) fn hello(setting: &Setting) -> Reply {
    Reply::new(250, None, format!("{} Hello [{}]", setting.fqdn(), setting.peer_ip()))
}

/// Returns the reply to EHLO.
pub(super) fn extended_hello(setting: &Setting, stage: Stage) -> Reply {
    let mut lines: Vec<Cow<'static, str>> = Vec::with_capacity(16);
    lines.push(format!("{} Hello [{}]", setting.fqdn(), setting.peer_ip()).into());
    lines.extend(keywords(&setting.connector, &setting.computer, stage));
    Reply::multi(250, lines)
}

/// Returns the reply to HELP, which lists STARTTLS whether or not it is offered, as Exchange does.
pub(super) fn help() -> Reply {
    Reply::multi(
        214,
        vec![
            "This server supports the following commands:".into(),
            "HELO EHLO STARTTLS RCPT DATA RSET MAIL QUIT HELP AUTH BDAT".into(),
        ],
    )
}

/// Returns the reply to a verb that is unknown, or known and not offered.
pub(super) fn unrecognized(profile: Profile, verb: &str) -> Reply {
    match profile {
        Profile::Exchange2019 => {
            Reply::new(500, EnhancedCode::new(5, 3, 3), format!("Unrecognized command '{verb}'"))
        }
        Profile::Exchange2007 | Profile::Exchange2010 | Profile::Exchange2013 => {
            fixed_reply!("500 5.3.3 Unrecognized command")
        }
    }
}

/// Returns the reply to a command that could not be read.
pub(super) fn unreadable(profile: Profile, error: &CommandError) -> Reply {
    match error {
        CommandError::Unrecognized { verb } => unrecognized(profile, verb),
        CommandError::InvalidDomainName { .. } => INVALID_DOMAIN,
        CommandError::InvalidAddress { verb: Verb::Mail, .. } => INVALID_SENDER,
        CommandError::InvalidAddress { .. } => INVALID_RECIPIENT,
        CommandError::InvalidArguments { .. } | CommandError::UnsupportedParameter { .. } => {
            INVALID_ARGUMENTS
        }
    }
}

/// Returns the reply to MAIL from a client that has not logged on and may not submit.
pub(super) fn not_authenticated(profile: Profile) -> Reply {
    match profile {
        Profile::Exchange2019 => {
            fixed_reply!("530 5.7.57 Client was not authenticated to send anonymous mail during MAIL FROM")
        }
        Profile::Exchange2007 | Profile::Exchange2010 | Profile::Exchange2013 => {
            fixed_reply!("530 5.7.1 Client was not authenticated")
        }
    }
}

/// Returns the reply to MAIL in clear on a connector with RequireTLS.
pub(crate) fn must_start_tls(profile: Profile) -> Reply {
    match profile {
        Profile::Exchange2019 => fixed_reply!("451 5.7.3 STARTTLS is required to send mail"),
        Profile::Exchange2007 | Profile::Exchange2010 | Profile::Exchange2013 => {
            fixed_reply!("451 5.7.3 Must issue a STARTTLS command first")
        }
    }
}

/// Returns the reply to RCPT to a domain that is not accepted.
pub(super) fn unable_to_relay(profile: Profile) -> Reply {
    match profile {
        Profile::Exchange2007 | Profile::Exchange2010 => fixed_reply!("550 5.7.1 Unable to relay"),
        Profile::Exchange2013 | Profile::Exchange2019 => {
            fixed_reply!("550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain")
        }
    }
}

/// Returns the reply to the end of data. The host name came with 2013.
pub(super) fn queued(setting: &Setting, message_id: &str, id: u64) -> Reply {
    // Said for every message: one string, which need not grow.
    let mut text = String::with_capacity(160);
    text.push_str(message_id);
    // Writing to a String cannot fail.
    let _ = write!(text, " [InternalId={id}");
    match setting.computer.profile {
        Profile::Exchange2007 | Profile::Exchange2010 => {}
        _ => text.extend([", Hostname=", setting.computer.fqdn.as_str()]),
    }
    text.push_str("] Queued mail for delivery");
    Reply::new(250, EnhancedCode::new(2, 6, 0), text)
}

/// Returns the reply to a chunk that is not the last.
pub(super) fn chunk_received(size: u64) -> Reply {
    Reply::new(250, EnhancedCode::new(2, 6, 0), format!("CHUNK received OK, {size} octets"))
}
