//! What another implementation makes of the same commands: `smtp-proto`, the parser of Stalwart.
//!
//! On ordinary commands the two must agree. Where they differ on purpose the table says so, so that
//! a difference that goes away, or a new one, is noticed.

#[path = "../fuzz/targets/meaning.rs"]
mod meaning;

use meaning::{Meaning, ours, theirs};

/// The string in a meaning that the other parser is known to change.
fn string(meaning: Option<Meaning>) -> Option<String> {
    match meaning? {
        Meaning::Mail { envid: Some(string), .. }
        | Meaning::Mail { from: string, .. }
        | Meaning::Rcpt { orcpt: Some(string), .. }
        | Meaning::Rcpt { to: string, .. }
        | Meaning::Hello { name: string, .. } => Some(string),
        Meaning::Bdat { .. } | Meaning::Argument { .. } | Meaning::Alone(_) => None,
    }
}

#[test]
fn ordinary_commands_mean_the_same_to_both() {
    for line in [
        "HELO mail.example.com",
        "EHLO mail.example.com",
        "ehlo [192.0.2.1]",
        "EHLO [IPv6:2001:db8::1]",
        "STARTTLS",
        "MAIL FROM:<>",
        "MAIL FROM:<a@example.com>",
        "mail from:<First.Last+tag@Example.COM>",
        "MAIL FROM: <a@example.com>",
        "MAIL FROM:<a@example.com> SIZE=1024",
        "MAIL FROM:<a@example.com> BODY=7BIT",
        "MAIL FROM:<a@example.com> size=1 body=8bitmime smtputf8",
        "MAIL FROM:<a@example.com> BODY=BINARYMIME RET=HDRS ENVID=abc123",
        "MAIL FROM:<a@example.com> RET=FULL",
        "MAIL FROM:<müller@example.com> SMTPUTF8",
        "MAIL FROM:<@hop.example,@other.example:a@example.com>",
        "RCPT TO:<a@example.com>",
        "RCPT TO:<a@example.com> NOTIFY=NEVER",
        "RCPT TO:<a@example.com> NOTIFY=SUCCESS,FAILURE,DELAY",
        "DATA",
        "BDAT 0 LAST",
        "BDAT 86400",
        "bdat 1000 last",
        "RSET",
        "NOOP",
        "NOOP whatever",
        "QUIT",
        "HELP",
        "VRFY postmaster",
        "EXPN list",
    ] {
        let ours = ours(line);
        assert!(ours.is_some(), "{line}");
        assert_eq!(ours, theirs(line), "{line}");
    }
}

#[test]
fn what_is_wrong_is_refused_by_both() {
    for line in [
        "",
        "FOO",
        "EHLO",
        "MAIL",
        "MAIL FROM",
        "MAIL TO:<a@example.com>",
        "MAIL FROM:a@example.com",
        "MAIL FROM:<a@example.com",
        "MAIL FROM:<a@example.com> SIZE=x",
        "MAIL FROM:<a@example.com> BODY=9BIT",
        "MAIL FROM:<a@example.com> FOO=bar",
        "MAIL FROM:<a..b@example.com>",
        "RCPT TO:a@example.com",
        "RCPT TO:<a@example.com> SIZE=1",
        "BDAT",
        "BDAT x",
        "BDAT 1 FIRST",
        "VRFY",
    ] {
        assert_eq!((ours(line), theirs(line)), (None, None), "{line}");
    }
}

/// A server that records what it was sent keeps it as it was written.
#[test]
fn what_the_other_changes_is_kept_here_as_it_was_written() {
    for (line, kept, changed) in [
        // It takes the quotes off, after which the address is another one, or none.
        ("MAIL FROM:<\"a b\"@example.com>", "\"a b\"@example.com", "a b@example.com"),
        ("MAIL FROM:<\"a>b\"@example.com>", "\"a>b\"@example.com", "a>b@example.com"),
        // It has no address for the postmaster of the server itself.
        ("RCPT TO:<postmaster>", "postmaster", ""),
        // It decodes xtext, and forgets of what type the original recipient is.
        ("MAIL FROM:<a@example.com> ENVID=a+2Bb", "a+2Bb", "a+b"),
        ("RCPT TO:<a@example.com> ORCPT=rfc822;a+40b", "rfc822;a+40b", "a@b"),
    ] {
        assert_eq!(string(ours(line)).as_deref(), Some(kept), "{line}");
        assert_eq!(string(theirs(line)).as_deref(), Some(changed), "{line}");
    }
}

#[test]
fn some_commands_are_understood_here_only() {
    for line in [
        // Address literals in addresses (RFC 5321 section 4.1.3).
        "MAIL FROM:<a@[192.0.2.1]>",
        "RCPT TO:<a@[IPv6:2001:db8::1]>",
        // Exchange's own verbs, and private parameters.
        "X-ANONYMOUSTLS",
        "X-EXPS GSSAPI",
        "MAIL FROM:<a@example.com> XOORG=example.com",
        // 20 digits (RFC 3030 section 2).
        "BDAT 18446744073709551615",
    ] {
        assert!(ours(line).is_some(), "{line}");
        assert_eq!(theirs(line), None, "{line}");
    }
}

#[test]
fn some_commands_are_refused_here_only() {
    for line in [
        // No name at all (RFC 5321 section 4.1.1.1): Exchange's "501 5.5.4 Invalid domain name".
        "EHLO a b",
        "EHLO <a>",
        // Arguments where there must be none (RFC 3207 section 4, RFC 5321 section 4.1.1).
        "STARTTLS now",
        "DATA now",
        "RSET now",
        "QUIT now",
        // No addresses (RFC 5321 section 4.1.2).
        "MAIL FROM:<a.@example.com>",
        "MAIL FROM:<a@-example.com>",
        "MAIL FROM:<a@>",
        "MAIL FROM:<postmaster>",
        "RCPT TO:<>",
        // Parameters without a space, twice, or against each other (RFC 3461 section 4.1).
        "MAIL FROM:<a@example.com>SIZE=1",
        "MAIL FROM:<a@example.com> SIZE=1 SIZE=2",
        "RCPT TO:<a@example.com> NOTIFY=NEVER,DELAY",
        // Extensions that Exchange does not announce.
        "ETRN example.com",
        "LHLO mail.example.com",
    ] {
        assert_eq!(ours(line), None, "{line}");
        assert!(theirs(line).is_some(), "{line}");
    }
}
