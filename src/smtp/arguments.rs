//! The arguments of a command.

use super::address::{Address, ReversePath, path};
use super::command::{Command, Mail, Rcpt};
use super::hello::HelloName;
use super::parameters::{MailParameters, RcptParameters, number, words};
use super::verb::{CommandError, Verb, is_blank};

/// The text after the verb, without white space at either end.
#[derive(Clone, Copy)]
pub(super) struct Arguments<'a> {
    verb: Verb,
    bytes: &'a [u8],
}

impl<'a> Arguments<'a> {
    pub(super) fn new(verb: Verb, bytes: &'a [u8]) -> Self {
        Self { verb, bytes: trim_end(bytes) }
    }

    fn invalid(self, detail: &'static str) -> CommandError {
        CommandError::InvalidArguments { verb: self.verb, detail }
    }

    fn invalid_address(self, detail: &'static str) -> CommandError {
        CommandError::InvalidAddress { verb: self.verb, detail }
    }

    /// RFC 3207 section 4 and its like: 501 if a parameter is given.
    pub(super) fn none(self, command: Command) -> Result<Command, CommandError> {
        if self.bytes.is_empty() { Ok(command) } else { Err(self.invalid("it takes no argument")) }
    }

    fn text(self) -> Result<&'a str, CommandError> {
        str::from_utf8(self.bytes).map_err(|_| self.invalid("the argument is not UTF-8"))
    }

    pub(super) fn string(self) -> Result<String, CommandError> {
        match self.text()? {
            "" => Err(self.invalid("the argument is missing")),
            text => Ok(text.to_owned()),
        }
    }

    pub(super) fn hello(self) -> Result<HelloName, CommandError> {
        let name = str::from_utf8(self.bytes).ok().and_then(|name| name.parse().ok());
        name.ok_or(CommandError::InvalidDomainName { verb: self.verb })
    }

    pub(super) fn sasl(self) -> Result<(String, Option<String>), CommandError> {
        let mut words = words(self.text()?);
        let mechanism = words.next().ok_or(self.invalid("the mechanism is missing"))?;
        // RFC 4422 section 3.1.
        let is_mechanism = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if mechanism.len() > 20 || !mechanism.bytes().all(is_mechanism) {
            return Err(self.invalid("the mechanism is not a name"));
        }
        let initial = words.next().map(str::to_owned);
        match words.next() {
            None => Ok((mechanism.to_ascii_uppercase(), initial)),
            Some(_) => Err(self.invalid("too many arguments")),
        }
    }

    pub(super) fn bdat(self) -> Result<Command, CommandError> {
        let mut words = words(self.text()?);
        let size = words.next().and_then(number).ok_or(self.invalid("the size is not a number"))?;
        let last = match words.next() {
            None => false,
            Some(word) if word.eq_ignore_ascii_case("LAST") => true,
            Some(_) => return Err(self.invalid("only LAST may follow the size")),
        };
        match words.next() {
            None => Ok(Command::Bdat { size, last }),
            Some(_) => Err(self.invalid("too many arguments")),
        }
    }

    pub(super) fn mail(self) -> Result<Mail, CommandError> {
        let (address, parameters) = self.path(b"FROM:", "FROM: is missing")?;
        let reverse_path = match address {
            None => ReversePath::Null,
            // Only RCPT knows a postmaster without a domain (RFC 5321 section 4.1.1.3).
            Some(address) if address.domain().is_none() => {
                return Err(self.invalid_address("the domain is missing"));
            }
            Some(address) => ReversePath::Address(address),
        };
        Ok(Mail { reverse_path, parameters: MailParameters::parse(parameters)?.into() })
    }

    pub(super) fn rcpt(self) -> Result<Rcpt, CommandError> {
        let (address, parameters) = self.path(b"TO:", "TO: is missing")?;
        let forward_path = address.ok_or(self.invalid_address("the recipient is missing"))?;
        Ok(Rcpt { forward_path, parameters: RcptParameters::parse(parameters)?.into() })
    }

    /// The path after `prefix`, and the parameters that follow it.
    fn path(self, prefix: &[u8], missing: &'static str) -> Result<(Option<Address>, &'a str), CommandError> {
        let (found, rest) = self.bytes.split_at_checked(prefix.len()).ok_or(self.invalid(missing))?;
        if !found.eq_ignore_ascii_case(prefix) {
            return Err(self.invalid(missing));
        }
        let rest = str::from_utf8(rest).map_err(|_| self.invalid_address("it is not UTF-8"))?;
        // RFC 5321 section 3.3 has no space after the colon; many clients do.
        let rest = rest.trim_start_matches([' ', '\t']);
        let (address, parameters) = path(rest).map_err(|error| self.invalid_address(error.detail()))?;
        if !parameters.is_empty() && !parameters.starts_with([' ', '\t']) {
            return Err(self.invalid("there is no space before the parameters"));
        }
        Ok((address, parameters))
    }
}

fn trim_end(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| !is_blank(*byte)).map_or(0, |last| last + 1);
    &bytes[..end]
}
