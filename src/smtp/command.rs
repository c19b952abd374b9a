//! Commands out of lines.

use serde::Serialize;

use super::address::{Address, ReversePath};
use super::arguments::Arguments;
use super::hello::HelloName;
use super::parameters::{MailParameters, RcptParameters, Sparse};
use super::verb::{CommandError, Verb, first_word};

/// One command of a client (RFC 5321 section 4.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// RFC 5321 section 4.1.1.1.
    Helo(HelloName),
    /// RFC 5321 section 4.1.1.1.
    Ehlo(HelloName),
    /// RFC 3207 section 4.
    StartTls,
    /// Exchange's STARTTLS without names, by which Exchange servers talk among themselves.
    XAnonymousTls,
    /// RFC 4954 section 4.
    Auth {
        /// The SASL mechanism, in capitals.
        mechanism: String,
        /// The initial response as it was written; `=` is an empty one.
        initial: Option<String>,
    },
    /// Exchange's AUTH, by which Exchange servers talk among themselves.
    XExps {
        /// The mechanism, in capitals.
        mechanism: String,
        /// The initial response as it was written; `=` is an empty one.
        initial: Option<String>,
    },
    /// RFC 5321 section 4.1.1.2.
    Mail(Mail),
    /// RFC 5321 section 4.1.1.3.
    Rcpt(Rcpt),
    /// RFC 5321 section 4.1.1.4.
    Data,
    /// RFC 3030 section 2.
    Bdat {
        /// The number of bytes that follow the command.
        size: u64,
        /// True if they are the last ones of the message.
        last: bool,
    },
    /// RFC 5321 section 4.1.1.5.
    Rset,
    /// RFC 5321 section 4.1.1.9.
    Noop,
    /// RFC 5321 section 4.1.1.10.
    Quit,
    /// RFC 5321 section 4.1.1.8.
    Help,
    /// RFC 5321 section 4.1.1.6.
    Vrfy(String),
    /// RFC 5321 section 4.1.1.7.
    Expn(String),
}

/// The start of a transaction (RFC 5321 section 4.1.1.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mail {
    /// The sender.
    pub reverse_path: ReversePath,
    /// The parameters of extensions.
    pub parameters: Sparse<MailParameters>,
}

/// A recipient (RFC 5321 section 4.1.1.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rcpt {
    /// The recipient.
    pub forward_path: Address,
    /// The parameters of extensions.
    pub parameters: Sparse<RcptParameters>,
}

impl Command {
    /// Reads a line without its ending (RFC 5321 section 4.1.1). Verbs and keywords may have any
    /// case, and white space at the end is let pass.
    pub fn parse(line: &[u8]) -> Result<Self, CommandError> {
        let (word, arguments) = first_word(line);
        let verb = Verb::of(line).ok_or_else(|| CommandError::unrecognized(word))?;
        let arguments = Arguments::new(verb, arguments);
        match verb {
            Verb::Helo => arguments.hello().map(Self::Helo),
            Verb::Ehlo => arguments.hello().map(Self::Ehlo),
            Verb::StartTls => arguments.none(Self::StartTls),
            Verb::XAnonymousTls => arguments.none(Self::XAnonymousTls),
            Verb::Auth => arguments.sasl().map(|(mechanism, initial)| Self::Auth { mechanism, initial }),
            Verb::XExps => arguments.sasl().map(|(mechanism, initial)| Self::XExps { mechanism, initial }),
            Verb::Mail => arguments.mail().map(Self::Mail),
            Verb::Rcpt => arguments.rcpt().map(Self::Rcpt),
            Verb::Data => arguments.none(Self::Data),
            Verb::Bdat => arguments.bdat(),
            Verb::Rset => arguments.none(Self::Rset),
            Verb::Noop => Ok(Self::Noop),
            Verb::Quit => arguments.none(Self::Quit),
            Verb::Help => Ok(Self::Help),
            Verb::Vrfy => arguments.string().map(Self::Vrfy),
            Verb::Expn => arguments.string().map(Self::Expn),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(line: &str) -> Result<Command, CommandError> {
        Command::parse(line.as_bytes())
    }

    fn mail(line: &str) -> Mail {
        match parse(line).unwrap() {
            Command::Mail(mail) => mail,
            other => panic!("{other:?}"),
        }
    }

    fn rcpt(line: &str) -> Rcpt {
        match parse(line).unwrap() {
            Command::Rcpt(rcpt) => rcpt,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn verbs_have_any_case_and_white_space_at_the_end_is_let_pass() {
        assert_eq!(parse("starttls"), Ok(Command::StartTls));
        assert_eq!(parse("X-AnonymousTls \t"), Ok(Command::XAnonymousTls));
        assert_eq!(parse("bdat 0  last "), Ok(Command::Bdat { size: 0, last: true }));
        assert_eq!(parse("Noop whatever"), Ok(Command::Noop));
        assert_eq!(parse("HELP MAIL"), Ok(Command::Help));
        assert_eq!(parse("VRFY a b "), Ok(Command::Vrfy("a b".to_owned())));
        assert_eq!(parse("EHLO  a "), Ok(Command::Ehlo("a".parse().unwrap())));
    }

    #[test]
    fn what_takes_no_argument_refuses_one() {
        for verb in ["STARTTLS", "X-ANONYMOUSTLS", "DATA", "RSET", "QUIT"] {
            let detail = "it takes no argument";
            let error = parse(&format!("{verb} now")).unwrap_err();
            assert_eq!(error.to_string(), format!("{verb}: {detail}"));
        }
    }

    #[test]
    fn a_line_without_a_known_verb_is_unrecognized() {
        for line in ["", " QUIT", "QUIT\r", "FOO", "MAILFROM:<a@b>", "\0", "STARTTLS\0"] {
            assert!(matches!(parse(line), Err(CommandError::Unrecognized { .. })), "{line}");
        }
    }

    #[test]
    fn hello_needs_a_name() {
        for line in [&b"EHLO"[..], b"EHLO ", b"EHLO a b", b"EHLO \xff", b"EHLO <a>"] {
            let error = Command::parse(line).unwrap_err();
            assert_eq!(error, CommandError::InvalidDomainName { verb: Verb::Ehlo });
        }
    }

    #[test]
    fn a_mechanism_may_come_with_an_initial_response() {
        let auth =
            |mechanism: &str, initial: Option<&str>| (mechanism.to_owned(), initial.map(str::to_owned));
        for (line, (mechanism, initial)) in [
            ("AUTH login", auth("LOGIN", None)),
            ("AUTH PLAIN AGEAYg==", auth("PLAIN", Some("AGEAYg=="))),
            ("AUTH EXTERNAL =", auth("EXTERNAL", Some("="))),
        ] {
            assert_eq!(parse(line), Ok(Command::Auth { mechanism, initial }));
        }
        let (mechanism, initial) = auth("NTLM", None);
        assert_eq!(parse("X-EXPS NTLM"), Ok(Command::XExps { mechanism, initial }));
        for line in ["AUTH", "AUTH A B C", "AUTH <>", "AUTH ABCDEFGHIJKLMNOPQRSTU"] {
            assert!(matches!(parse(line), Err(CommandError::InvalidArguments { .. })), "{line}");
        }
    }

    #[test]
    fn bdat_has_a_size_and_perhaps_last() {
        assert_eq!(parse("BDAT 1000"), Ok(Command::Bdat { size: 1000, last: false }));
        assert_eq!(parse("BDAT 1000 LAST"), Ok(Command::Bdat { size: 1000, last: true }));
        for line in [
            "BDAT",
            "BDAT LAST",
            "BDAT -1",
            "BDAT +1",
            "BDAT 1 2",
            "BDAT 1 LAST LAST",
            "BDAT 18446744073709551616",
        ] {
            assert!(matches!(parse(line), Err(CommandError::InvalidArguments { .. })), "{line}");
        }
    }

    #[test]
    fn a_sender_may_be_null_and_come_after_a_space() {
        assert_eq!(mail("MAIL FROM:<>").reverse_path, ReversePath::Null);
        assert_eq!(mail("mail from: <a@b>").reverse_path.to_string(), "a@b");
        assert_eq!(mail("MAIL FROM:<\"a b\"@[192.0.2.1]>").reverse_path.to_string(), "\"a b\"@[192.0.2.1]");
    }

    #[test]
    fn what_is_no_path_is_an_invalid_argument() {
        for line in ["MAIL", "MAIL FROM", "MAIL TO:<a@b>", "RCPT FROM:<a@b>", "MAIL FROM:<a@b>SIZE=1"] {
            assert!(matches!(parse(line), Err(CommandError::InvalidArguments { .. })), "{line}");
        }
    }

    #[test]
    fn wrong_addresses_are_invalid_addresses() {
        for line in [
            "MAIL FROM:",
            "MAIL FROM:a@b",
            "MAIL FROM:<a@b",
            "MAIL FROM:<a>",
            "MAIL FROM:<postmaster>",
            "RCPT TO:<>",
            "RCPT TO:<a@b@c>",
            "RCPT TO:a",
        ] {
            assert!(matches!(parse(line), Err(CommandError::InvalidAddress { .. })), "{line}");
        }
        let not_utf8 = Command::parse(b"RCPT TO:<\xff@b>");
        assert!(matches!(not_utf8, Err(CommandError::InvalidAddress { .. })));
    }

    #[test]
    fn what_is_recorded_has_no_empty_fields() {
        let recorded = serde_json::to_string(&mail("MAIL FROM:<> BODY=7BIT")).unwrap();
        assert_eq!(recorded, r#"{"reverse_path":"","parameters":{"body":"7BIT"}}"#);
        let recorded = serde_json::to_string(&rcpt("RCPT TO:<a@b> NOTIFY=NEVER XA")).unwrap();
        let expected =
            r#"{"forward_path":"a@b","parameters":{"notify":["NEVER"],"other":[{"keyword":"XA"}]}}"#;
        assert_eq!(recorded, expected);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_line_panics(
            start in prop::sample::select(vec!["", "MAIL FROM:<", "RCPT TO:<a@b> ", "AUTH ", "BDAT "]),
            rest in prop::collection::vec(any::<u8>(), 0..60)
        ) {
            let _ = Command::parse(&[start.as_bytes(), &rest].concat());
        }
    }
}
