//! The parameters of MAIL and RCPT.

use std::ops::Deref;

use serde::{Serialize, Serializer};

use super::verb::{CommandError, Verb};

/// The parameters of a MAIL command (RFC 5321 section 4.1.1.11).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MailParameters {
    /// `SIZE`: how big the sender thinks the message is (RFC 1870 section 6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// `BODY`: what bytes the content has (RFC 6152 section 2, RFC 3030 section 3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyType>,
    /// `SMTPUTF8`: envelope or header have characters beyond ASCII (RFC 6531 section 3.4).
    #[serde(skip_serializing_if = "is_false")]
    pub smtputf8: bool,
    /// `RET`: how much of the message a notification returns (RFC 3461 section 4.3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ret: Option<Ret>,
    /// `ENVID`: the sender's own identifier, still encoded as xtext (RFC 3461 section 4.4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub envid: Option<String>,
    /// `AUTH`: who submitted the message, still encoded as xtext, or `<>` (RFC 4954 section 5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<String>,
    /// `REQUIRETLS`: the message is to go on over verified TLS only (RFC 8689 section 2).
    #[serde(skip_serializing_if = "is_false")]
    pub requiretls: bool,
    /// Private parameters, whose keywords begin with X, in their order (RFC 5321 section 2.2.2).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other: Vec<Parameter>,
}

/// The parameters of a RCPT command (RFC 5321 section 4.1.1.11).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RcptParameters {
    /// `NOTIFY`: when the sender wants to hear of it; empty if not given (RFC 3461 section 4.1).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<Notify>,
    /// `ORCPT`: the original recipient, still encoded as xtext (RFC 3461 section 4.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orcpt: Option<String>,
    /// Private parameters, whose keywords begin with X, in their order (RFC 5321 section 2.2.2).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other: Vec<Parameter>,
}

/// The kind of content that the sender declares (BODY).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum BodyType {
    /// ASCII in lines (RFC 6152 section 2).
    #[serde(rename = "7BIT")]
    SevenBit,
    /// Any bytes in lines (RFC 6152 section 2).
    #[serde(rename = "8BITMIME")]
    EightBitMime,
    /// Any bytes, with `BDAT` only (RFC 3030 section 3).
    #[serde(rename = "BINARYMIME")]
    BinaryMime,
}

/// The part of the message that a notification returns (RET) (RFC 3461 section 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Ret {
    /// All of it.
    Full,
    /// Its header section.
    Hdrs,
}

/// When the sender wants to hear of a recipient (RFC 3461 section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Notify {
    /// Never; stands alone.
    Never,
    /// When the message was delivered.
    Success,
    /// When it could not be.
    Failure,
    /// When it is late.
    Delay,
}

/// A parameter as it was written (RFC 5321 section 4.1.2, `esmtp-param`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Parameter {
    /// The name: the text before the `=`.
    pub keyword: String,
    /// The value: the text after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// The parameters of a command, which mostly has none and takes no memory for them then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sparse<T>(Option<Box<T>>);

/// The value of parameters that are not there.
pub trait Absent: Default + PartialEq + 'static {
    /// The default value.
    const ABSENT: &'static Self;
}

impl Absent for MailParameters {
    const ABSENT: &'static Self = &Self {
        size: None,
        body: None,
        smtputf8: false,
        ret: None,
        envid: None,
        auth: None,
        requiretls: false,
        other: Vec::new(),
    };
}

impl Absent for RcptParameters {
    const ABSENT: &'static Self = &Self { notify: Vec::new(), orcpt: None, other: Vec::new() };
}

impl<T: Absent> From<T> for Sparse<T> {
    fn from(parameters: T) -> Self {
        Self((parameters != *T::ABSENT).then(|| Box::new(parameters)))
    }
}

impl<T: Absent> Deref for Sparse<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or(T::ABSENT)
    }
}

impl<T: Absent + Serialize> Serialize for Sparse<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        T::serialize(self, to)
    }
}

impl MailParameters {
    pub(super) fn parse(text: &str) -> Result<Self, CommandError> {
        const VERB: Verb = Verb::Mail;
        let invalid = |detail| CommandError::InvalidArguments { verb: VERB, detail };
        let mut parameters = Self::default();
        for word in words(text) {
            let (keyword, value) = parameter(word).ok_or(invalid(MALFORMED))?;
            match keyword.to_ascii_uppercase().as_str() {
                "SIZE" => {
                    let size = value.and_then(number).ok_or(invalid("SIZE is not a number"))?;
                    once(&mut parameters.size, size).map_err(invalid)?;
                }
                "BODY" => {
                    let body = value.and_then(body_type).ok_or(invalid("BODY is of no known type"))?;
                    once(&mut parameters.body, body).map_err(invalid)?;
                }
                "SMTPUTF8" => {
                    if value.is_some() || parameters.smtputf8 {
                        return Err(invalid("SMTPUTF8 stands once and has no value"));
                    }
                    parameters.smtputf8 = true;
                }
                "REQUIRETLS" => {
                    if value.is_some() || parameters.requiretls {
                        return Err(invalid("REQUIRETLS stands once and has no value"));
                    }
                    parameters.requiretls = true;
                }
                "RET" => {
                    let ret = value.and_then(ret).ok_or(invalid("RET is neither FULL nor HDRS"))?;
                    once(&mut parameters.ret, ret).map_err(invalid)?;
                }
                "ENVID" => {
                    let envid = value.filter(|value| value.len() <= 100 && is_xtext(value));
                    let envid = envid.ok_or(invalid("ENVID is not xtext"))?;
                    once(&mut parameters.envid, envid.to_owned()).map_err(invalid)?;
                }
                "AUTH" => {
                    let auth = value.filter(|value| *value == "<>" || is_xtext(value));
                    let auth = auth.ok_or(invalid("AUTH is not xtext"))?;
                    once(&mut parameters.auth, auth.to_owned()).map_err(invalid)?;
                }
                _ => parameters.other.push(private(VERB, keyword, value)?),
            }
        }
        Ok(parameters)
    }
}

impl RcptParameters {
    pub(super) fn parse(text: &str) -> Result<Self, CommandError> {
        const VERB: Verb = Verb::Rcpt;
        let invalid = |detail| CommandError::InvalidArguments { verb: VERB, detail };
        let mut parameters = Self::default();
        for word in words(text) {
            let (keyword, value) = parameter(word).ok_or(invalid(MALFORMED))?;
            match keyword.to_ascii_uppercase().as_str() {
                "NOTIFY" => {
                    let notify = value.and_then(notify).ok_or(invalid("NOTIFY is not valid"))?;
                    if !std::mem::replace(&mut parameters.notify, notify).is_empty() {
                        return Err(invalid(TWICE));
                    }
                }
                "ORCPT" => {
                    let orcpt = value.filter(|value| is_original_recipient(value));
                    let orcpt = orcpt.ok_or(invalid("ORCPT is not a type and xtext"))?;
                    once(&mut parameters.orcpt, orcpt.to_owned()).map_err(invalid)?;
                }
                _ => parameters.other.push(private(VERB, keyword, value)?),
            }
        }
        Ok(parameters)
    }
}

const MALFORMED: &str = "a parameter is malformed";
const TWICE: &str = "a parameter is given twice";

fn is_false(value: &bool) -> bool {
    !value
}

fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), &'static str> {
    slot.replace(value).map_or(Ok(()), |_| Err(TWICE))
}

pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', '\t']).filter(|word| !word.is_empty())
}

/// RFC 5321 section 4.1.2, `esmtp-param`; values beyond ASCII by RFC 6531 section 3.3.
fn parameter(word: &str) -> Option<(&str, Option<&str>)> {
    let (keyword, value) = match word.split_once('=') {
        Some((keyword, value)) => (keyword, Some(value)),
        None => (word, None),
    };
    let is_keyword = keyword.starts_with(|c: char| c.is_ascii_alphanumeric())
        && keyword.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_value =
        |value: &str| !value.is_empty() && !value.contains(|c: char| c == '=' || c == ' ' || c.is_control());
    (is_keyword && value.is_none_or(is_value)).then_some((keyword, value))
}

/// A keyword that no extension here knows is let pass if it is private.
fn private(verb: Verb, keyword: &str, value: Option<&str>) -> Result<Parameter, CommandError> {
    let keyword = keyword.to_owned();
    if keyword.starts_with(['X', 'x']) {
        Ok(Parameter { keyword, value: value.map(str::to_owned) })
    } else {
        Err(CommandError::UnsupportedParameter { verb, keyword })
    }
}

/// A number without a sign; what does not fit into 64 bits is none (RFC 1870 allows 20 digits).
pub(super) fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn body_type(value: &str) -> Option<BodyType> {
    match value.to_ascii_uppercase().as_str() {
        "7BIT" => Some(BodyType::SevenBit),
        "8BITMIME" => Some(BodyType::EightBitMime),
        "BINARYMIME" => Some(BodyType::BinaryMime),
        _ => None,
    }
}

fn ret(value: &str) -> Option<Ret> {
    match value.to_ascii_uppercase().as_str() {
        "FULL" => Some(Ret::Full),
        "HDRS" => Some(Ret::Hdrs),
        _ => None,
    }
}

fn notify(value: &str) -> Option<Vec<Notify>> {
    let wanted = value.split(',').map(|word| match word.to_ascii_uppercase().as_str() {
        "NEVER" => Some(Notify::Never),
        "SUCCESS" => Some(Notify::Success),
        "FAILURE" => Some(Notify::Failure),
        "DELAY" => Some(Notify::Delay),
        _ => None,
    });
    let wanted: Vec<Notify> = wanted.collect::<Option<_>>()?;
    (wanted.len() == 1 || !wanted.contains(&Notify::Never)).then_some(wanted)
}

/// RFC 3461 section 4.2: a type, a semicolon and the address, which may be in UTF-8 (RFC 6533
/// section 3).
fn is_original_recipient(value: &str) -> bool {
    value.len() <= 500
        && value.split_once(';').is_some_and(|(kind, address)| {
            let is_atom = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            !kind.is_empty() && kind.bytes().all(is_atom) && is_xtext(address)
        })
}

/// RFC 3461 section 4: `+` is followed by two hexadecimal digits, which should be in capitals.
/// Characters beyond ASCII are let pass for RFC 6533.
fn is_xtext(value: &str) -> bool {
    !value.is_empty()
        && value.split('+').skip(1).all(|encoded| {
            encoded.as_bytes().first_chunk::<2>().is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn other(keyword: &str, value: Option<&str>) -> Parameter {
        Parameter { keyword: keyword.to_owned(), value: value.map(str::to_owned) }
    }

    #[test]
    fn the_parameters_of_a_sender_are_read() {
        let text = " SIZE=12 body=8bitmime  SMTPUTF8 RET=HDRS ENVID=a+2Bb AUTH=<> requiretls X-a=b XC ";
        let expected = MailParameters {
            size: Some(12),
            body: Some(BodyType::EightBitMime),
            smtputf8: true,
            ret: Some(Ret::Hdrs),
            envid: Some("a+2Bb".to_owned()),
            auth: Some("<>".to_owned()),
            requiretls: true,
            other: vec![other("X-a", Some("b")), other("XC", None)],
        };
        assert_eq!(MailParameters::parse(text), Ok(expected));
        assert_eq!(MailParameters::parse(""), Ok(MailParameters::default()));
    }

    #[test]
    fn the_parameters_of_a_recipient_are_read() {
        let text = " notify=SUCCESS,delay ORCPT=rfc822;a+40b xd=ä";
        let expected = RcptParameters {
            notify: vec![Notify::Success, Notify::Delay],
            orcpt: Some("rfc822;a+40b".to_owned()),
            other: vec![other("xd", Some("ä"))],
        };
        assert_eq!(RcptParameters::parse(text), Ok(expected));
    }

    #[test]
    fn wrong_parameters_of_a_sender_are_invalid_arguments() {
        let too_long = format!("ENVID={}", "a".repeat(101));
        for text in [
            "SIZE",
            "SIZE=",
            "SIZE=x",
            "SIZE=+1",
            "SIZE=1 SIZE=1",
            "SIZE=99999999999999999999",
            "BODY=9BIT",
            "BODY=7BIT BODY=7BIT",
            "SMTPUTF8=1",
            "SMTPUTF8 SMTPUTF8",
            "RET=ALL",
            "ENVID=+",
            "ENVID=+4g",
            "AUTH",
            "AUTH=",
            "X=a=b",
            "X=",
            "X=\0",
            "X=a\u{85}",
            "=",
            "=a",
            "-",
            "ä",
            &too_long,
        ] {
            let result = MailParameters::parse(text);
            assert!(matches!(result, Err(CommandError::InvalidArguments { .. })), "{text}");
        }
    }

    #[test]
    fn wrong_parameters_of_a_recipient_are_invalid_arguments() {
        for text in [
            "NOTIFY",
            "NOTIFY=",
            "NOTIFY=NEVER,DELAY",
            "NOTIFY=DELAY NOTIFY=DELAY",
            "NOTIFY=SOON",
            "ORCPT",
            "ORCPT=a",
            "ORCPT=;a",
            "ORCPT=rfc822;",
            "ORCPT=rfc822;+4",
            "ORCPT=a;b ORCPT=a;b",
        ] {
            let result = RcptParameters::parse(text);
            assert!(matches!(result, Err(CommandError::InvalidArguments { .. })), "{text}");
        }
    }

    #[test]
    fn a_parameter_of_no_known_extension_is_named() {
        let keyword = "Size".to_owned();
        let error = CommandError::UnsupportedParameter { verb: Verb::Rcpt, keyword };
        assert_eq!(RcptParameters::parse("X-A Size=1"), Err(error));
    }
}
