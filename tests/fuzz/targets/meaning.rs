//! The meaning of a command to this crate and to `smtp-proto`, the parser of Stalwart, in terms that both have.

use smtp_proto::{
    MAIL_BODY_7BIT, MAIL_BODY_8BITMIME, MAIL_BODY_BINARYMIME, MAIL_RET_FULL, MAIL_RET_HDRS, MAIL_SMTPUTF8,
    RCPT_NOTIFY_DELAY, RCPT_NOTIFY_FAILURE, RCPT_NOTIFY_NEVER, RCPT_NOTIFY_SUCCESS, Request,
};
use starttls_lab::internal::smtp::{BodyType, Command, Mail, Notify, Rcpt, Ret};

/// The meaning of a command, as far as both can tell it.
#[derive(Debug, PartialEq)]
pub(crate) enum Meaning {
    Hello { extended: bool, name: String },
    Mail { from: String, size: u64, flags: u64, envid: Option<String> },
    Rcpt { to: String, flags: u64, orcpt: Option<String> },
    Bdat { size: u64, last: bool },
    Argument { verb: &'static str, value: String },
    Alone(&'static str),
}

/// The meaning of a line to this crate; `None` if it is refused.
pub(crate) fn ours(line: &str) -> Option<Meaning> {
    let command = Command::parse(line.as_bytes()).ok()?;
    Some(match command {
        Command::Helo(name) => Meaning::Hello { extended: false, name: name.to_string() },
        Command::Ehlo(name) => Meaning::Hello { extended: true, name: name.to_string() },
        Command::Mail(mail) => Meaning::Mail {
            from: mail.reverse_path.to_string(),
            size: mail.parameters.size.unwrap_or(0),
            flags: mail_flags(&mail),
            envid: mail.parameters.envid.clone(),
        },
        Command::Rcpt(rcpt) => Meaning::Rcpt {
            to: rcpt.forward_path.to_string(),
            flags: rcpt_flags(&rcpt),
            orcpt: rcpt.parameters.orcpt.clone(),
        },
        Command::Bdat { size, last } => Meaning::Bdat { size, last },
        Command::Vrfy(value) => Meaning::Argument { verb: "VRFY", value },
        Command::Expn(value) => Meaning::Argument { verb: "EXPN", value },
        Command::StartTls => Meaning::Alone("STARTTLS"),
        Command::XAnonymousTls => Meaning::Alone("X-ANONYMOUSTLS"),
        Command::Auth { .. } => Meaning::Alone("AUTH"),
        Command::XExps { .. } => Meaning::Alone("X-EXPS"),
        Command::Data => Meaning::Alone("DATA"),
        Command::Rset => Meaning::Alone("RSET"),
        Command::Noop => Meaning::Alone("NOOP"),
        Command::Quit => Meaning::Alone("QUIT"),
        Command::Help => Meaning::Alone("HELP"),
    })
}

/// The meaning of a line to `smtp-proto`; `None` if it is refused.
pub(crate) fn theirs(line: &str) -> Option<Meaning> {
    let wire = format!("{line}\r\n");
    let request = Request::parse(&mut wire.as_bytes().iter()).ok()?;
    let verb = request.name();
    Some(match request {
        Request::Helo { host } => Meaning::Hello { extended: false, name: host.to_string() },
        Request::Ehlo { host } => Meaning::Hello { extended: true, name: host.to_string() },
        Request::Mail { from } => Meaning::Mail {
            from: from.address.to_string(),
            size: from.size as u64,
            flags: from.flags,
            envid: from.env_id.map(|envid| envid.to_string()),
        },
        Request::Rcpt { to } => Meaning::Rcpt {
            to: to.address.to_string(),
            flags: to.flags,
            orcpt: to.orcpt.map(|orcpt| orcpt.to_string()),
        },
        Request::Bdat { chunk_size, is_last } => Meaning::Bdat { size: chunk_size as u64, last: is_last },
        Request::Vrfy { value } | Request::Expn { value } => {
            Meaning::Argument { verb, value: value.to_string() }
        }
        _ => Meaning::Alone(verb),
    })
}

fn mail_flags(mail: &Mail) -> u64 {
    let body = match mail.parameters.body {
        Some(BodyType::SevenBit) => MAIL_BODY_7BIT,
        Some(BodyType::EightBitMime) => MAIL_BODY_8BITMIME,
        Some(BodyType::BinaryMime) => MAIL_BODY_BINARYMIME,
        None => 0,
    };
    let ret = match mail.parameters.ret {
        Some(Ret::Full) => MAIL_RET_FULL,
        Some(Ret::Hdrs) => MAIL_RET_HDRS,
        None => 0,
    };
    body | ret | if mail.parameters.smtputf8 { MAIL_SMTPUTF8 } else { 0 }
}

fn rcpt_flags(rcpt: &Rcpt) -> u64 {
    let flag = |notify: &Notify| match notify {
        Notify::Never => RCPT_NOTIFY_NEVER,
        Notify::Success => RCPT_NOTIFY_SUCCESS,
        Notify::Failure => RCPT_NOTIFY_FAILURE,
        Notify::Delay => RCPT_NOTIFY_DELAY,
    };
    rcpt.parameters.notify.iter().map(flag).fold(0, |flags, flag| flags | flag)
}
