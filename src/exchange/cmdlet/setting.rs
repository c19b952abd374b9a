//! Conversion between the settings of connectors and values.

use std::fmt::Display;
use std::str::FromStr;

use jiff::SignedDuration;

use super::certificate::of_kind;
use super::typed::{
    Kind, MESSAGE_RATE_SOURCE, PROTOCOL_LOGGING_LEVEL, SIZE_MODE, SMART_HOST_AUTH_MECHANISM, TLS_AUTH_LEVEL,
    TRANSPORT_ROLE,
};
use super::value::{Object, Value};
use super::view::Layout;
use crate::exchange::{
    AddressSpace, AuthMechanism, AuthenticationCredential, Binding, ByteSize, IpRange, MessageRateSource,
    Nullable, PermissionGroups, ProtocolLoggingLevel, SizeMode, SmartHost, SmartHostAuthMechanism, TimeSpan,
    TlsAuthLevel, TlsCertificateName, TlsDomain, TransportRole, Unlimited,
};
use crate::name::Fqdn;

/// A setting that a cmdlet can show as a value.
pub(in crate::exchange) trait ToValue {
    fn to_value(&self) -> Value;
}

/// A setting that can be read from a value.
pub(in crate::exchange) trait FromValue: Sized {
    /// Returns the new setting after `value` was given, where it is `current` before.
    fn from_value(value: &Value, current: &Self) -> Result<Self, String>;
}

impl ToValue for bool {
    fn to_value(&self) -> Value {
        Value::Bool(*self)
    }
}

impl ToValue for u16 {
    fn to_value(&self) -> Value {
        Value::Integer((*self).into())
    }
}

impl ToValue for u32 {
    fn to_value(&self) -> Value {
        Value::Integer((*self).into())
    }
}

impl ToValue for String {
    fn to_value(&self) -> Value {
        Value::text(self)
    }
}

impl ToValue for TimeSpan {
    fn to_value(&self) -> Value {
        SignedDuration::try_from(self.0).map_or_else(|_| Value::Text(self.to_string()), Value::Span)
    }
}

impl ToValue for AuthenticationCredential {
    fn to_value(&self) -> Value {
        let Some(credential) = &self.0 else {
            return Value::Null;
        };
        let password = ("Password", Value::text("System.Security.SecureString"));
        let properties = [("UserName", Value::text(&credential.user)), password];
        Object::value(properties, Layout::Plain, credential.to_string())
    }
}

impl<T: ToValue> ToValue for Nullable<T> {
    fn to_value(&self) -> Value {
        self.0.as_ref().map_or(Value::Null, ToValue::to_value)
    }
}

impl<T: ToValue> ToValue for Vec<T> {
    fn to_value(&self) -> Value {
        Value::List(self.iter().map(ToValue::to_value).collect())
    }
}

macro_rules! to_value {
    (by display: $($type:ident),*; by debug: $($name:ident = $kind:ident),*) => {
        $(impl ToValue for $type {
            fn to_value(&self) -> Value {
                of_kind(Kind::$type, &self.to_string())
            }
        })*
        $(impl ToValue for $name {
            fn to_value(&self) -> Value {
                of_kind($kind, &format!("{self:?}"))
            }
        })*
    };
}

to_value! {
    by display: AuthMechanism, PermissionGroups, ByteSize, Unlimited, Fqdn, Binding, IpRange, AddressSpace, SmartHost,
        TlsCertificateName, TlsDomain;
    by debug: SizeMode = SIZE_MODE, MessageRateSource = MESSAGE_RATE_SOURCE,
        ProtocolLoggingLevel = PROTOCOL_LOGGING_LEVEL, TransportRole = TRANSPORT_ROLE, TlsAuthLevel = TLS_AUTH_LEVEL,
        SmartHostAuthMechanism = SMART_HOST_AUTH_MECHANISM
}

impl FromValue for bool {
    fn from_value(value: &Value, _: &Self) -> Result<Self, String> {
        match value {
            Value::Bool(value) => Ok(*value),
            Value::Integer(number) => Ok(*number != 0),
            Value::Text(text) if text == "1" => Ok(true),
            Value::Text(text) if text == "0" => Ok(false),
            other => Err(format!(
                "Cannot convert value \"{other}\" to type \"System.Boolean\". Boolean parameters accept only Boolean values and numbers, such as $True, $False, 1 or 0 instead."
            )),
        }
    }
}

impl<T: FromStr<Err: Display>> FromValue for Nullable<T> {
    fn from_value(value: &Value, _: &Self) -> Result<Self, String> {
        match value {
            Value::Null => Ok(Self::NULL),
            value => parsed(&text_of(value)?),
        }
    }
}

impl FromValue for AuthenticationCredential {
    /// Returns `$null`, or the user that the connector already logs on as. Nobody is asked for a password
    /// here, so another user would log on with none.
    fn from_value(value: &Value, current: &Self) -> Result<Self, String> {
        let user = match value {
            Value::Null => return Ok(Self(None)),
            Value::Object(object) => object.property("UserName").map(ToString::to_string),
            _ => None,
        };
        let user = user.ok_or_else(|| format!("`{value}` is no credential; write (Get-Credential)"))?;
        match &current.0 {
            Some(known) if known.user == user => Ok(current.clone()),
            _ => Err(format!(
                "no password of '{user}' is known here; give it in the lab file, as authentication_credential = {{ user = \"...\", password = \"...\" }}"
            )),
        }
    }
}

/// A multi-valued property: the whole list, or `@{Add=...; Remove=...}` (Exchange PowerShell reference,
/// "Modifying multivalued properties").
impl<T: FromStr<Err: Display> + PartialEq + Clone> FromValue for Vec<T> {
    fn from_value(value: &Value, current: &Self) -> Result<Self, String> {
        let read = |value: &Value| -> Result<Self, String> {
            value.clone().each().iter().map(|item| parsed(&text_of(item)?)).collect()
        };
        let Value::Table(entries) = value else {
            return read(value);
        };
        let mut list = current.clone();
        for (key, items) in entries {
            let items = read(items)?;
            if key.eq_ignore_ascii_case("Add") {
                items.into_iter().for_each(|item| {
                    if !list.contains(&item) {
                        list.push(item);
                    }
                });
            } else if key.eq_ignore_ascii_case("Remove") {
                list.retain(|item| !items.contains(item));
            } else {
                return Err(format!("`{key}` is not Add or Remove; write @{{Add=\"...\"; Remove=\"...\"}}"));
            }
        }
        Ok(list)
    }
}

macro_rules! from_value {
    (flags: $($flags:ty),*; text: $($text:ty),*; names: $($type:ident { $($name:ident),* })*) => {
        $(impl FromValue for $flags {
            fn from_value(value: &Value, _: &Self) -> Result<Self, String> {
                let names: Result<Vec<String>, String> = match value {
                    Value::List(names) => names.iter().map(text_of).collect(),
                    one => text_of(one).map(|name| vec![name]),
                };
                parsed(&names?.join(","))
            }
        })*
        $(impl FromValue for $text {
            fn from_value(value: &Value, _: &Self) -> Result<Self, String> {
                parsed(&text_of(value)?)
            }
        })*
        $(impl FromValue for $type {
            fn from_value(value: &Value, _: &Self) -> Result<Self, String> {
                let text = text_of(value)?;
                $(if text.eq_ignore_ascii_case(stringify!($name)) {
                    return Ok(Self::$name);
                })*
                Err(format!("`{text}` is not one of {}", [$(stringify!($name)),*].join(", ")))
            }
        })*
    };
}

from_value! {
    flags: AuthMechanism, PermissionGroups;
    text: ByteSize, TimeSpan, Unlimited;
    names: SizeMode { Disabled, Enabled, EnabledWithoutValue }
        MessageRateSource { None, IPAddress, User, All }
        ProtocolLoggingLevel { None, Verbose }
        TransportRole { FrontendTransport, HubTransport }
        SmartHostAuthMechanism { None, BasicAuth, BasicAuthRequireTLS, ExchangeServer, ExternalAuthoritative }
}

impl FromValue for u16 {
    fn from_value(value: &Value, _: &Self) -> Result<Self, String> {
        whole_number(value)
    }
}

impl FromValue for u32 {
    fn from_value(value: &Value, _: &Self) -> Result<Self, String> {
        whole_number(value)
    }
}

fn whole_number<T: FromStr>(value: &Value) -> Result<T, String> {
    let text = text_of(value)?;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().map_err(|_| {
        if digits {
            format!("{text} is too great a number")
        } else {
            format!("`{text}` is not a whole number")
        }
    })
}

pub(super) fn parsed<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

fn text_of(value: &Value) -> Result<String, String> {
    match value {
        Value::Text(_)
        | Value::Integer(_)
        | Value::Real(_)
        | Value::Span(_)
        | Value::Typed(_)
        | Value::Object(_)
        | Value::Bool(_)
        | Value::Date(_) => Ok(value.to_string()),
        Value::Null => Err("it cannot be $null".to_owned()),
        Value::List(items) => match items.as_slice() {
            [only] => text_of(only),
            _ => Err(format!("one value is expected, not {value}")),
        },
        Value::Table(_) => Err("it is no list: give the whole value, not Add and Remove".to_owned()),
        Value::File(_) => Err("bytes are not expected here".to_owned()),
        Value::Type(_) | Value::Block(_) => Err(format!("a value is expected, not {value}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn add_and_remove_change_a_list_and_nothing_else() {
        let current: Vec<IpRange> = vec!["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        let table = |key: &str| Value::Table(vec![(key.to_owned(), Value::text("10.0.0.2"))]);
        let read = |value: &Value| Vec::from_value(value, &current);
        assert_eq!(read(&table("add")), Ok(current.clone()));
        assert_eq!(read(&table("Remove")), Ok(current[..1].to_vec()));
        assert!(read(&table("Replace")).unwrap_err().contains("@{Add="));
        assert!(
            AuthMechanism::from_value(&table("Add"), &AuthMechanism::NONE).unwrap_err().contains("whole")
        );
    }
}
