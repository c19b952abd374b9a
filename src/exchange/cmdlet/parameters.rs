//! The parameters of `Set-ReceiveConnector` and `New-ReceiveConnector`, from what was typed to what is set,
//! and how the parameters of any connector are read.

use std::fmt::Display;
use std::str::FromStr;

use super::bind::Bound;
use super::error::Wrong;
use super::signature::Parameter;
use super::value::Value;
use crate::exchange::{
    AuthMechanism, ByteSize, MessageRateSource, Nullable, PermissionGroups, Profile, ProtocolLoggingLevel,
    ReceiveConnector, ReceiveConnectorParameters, SizeMode, SmartHostAuthMechanism, TimeSpan, TransportRole,
    Unlimited,
};

/// The settings of one kind of connector: its parameters, the keys of a lab file that stand for them, and
/// how what was typed is read.
macro_rules! connector_settings {
    ($connector:ident, $parameters:ident; $($field:ident = $name:literal $(since $since:ident)?;)*) => {
        /// The parameters that set something on a connector, `Name` apart.
        pub(super) const SETTINGS: &[Parameter] = &[
            $(Parameter::value($name)$(.since(Profile::$since))?,)*
        ];

        /// The keys of a lab file, each with the parameter that it stands for.
        pub(super) const KEYS: Keys = &[$((stringify!($field), $name),)*];

        /// What was given, read against the connector as it is: a list can be added to.
        pub(super) fn settings(
            bound: &Bound,
            current: &$connector,
        ) -> Result<$parameters, Wrong> {
            let mut parameters = $parameters::default();
            $(if let Some(given) = bound.get($name) {
                let read = FromValue::from_value(&given.value, &current.$field);
                parameters.$field = Some(read.map_err(|message| {
                    Wrong::argument(given.span, format!("-{}: {message}", $name))
                })?);
            })*
            Ok(parameters)
        }
    };
}

pub(super) use connector_settings;

/// Keys of a lab file, each with the parameter that it stands for.
pub(super) type Keys = &'static [(&'static str, &'static str)];

// TlsCertificateName came with 2013 (receive connectors page, changes compared to 2010), and with it the
// front end that TransportRole tells apart. SMTPUTF8 and AuthTarpitInterval came with 2016.
connector_settings! {
    ReceiveConnector, ReceiveConnectorParameters;
    enabled = "Enabled";
    fqdn = "Fqdn";
    banner = "Banner";
    bindings = "Bindings";
    remote_ip_ranges = "RemoteIPRanges";
    auth_mechanism = "AuthMechanism";
    permission_groups = "PermissionGroups";
    require_tls = "RequireTLS";
    tls_certificate_name = "TlsCertificateName" since Exchange2013;
    domain_secure_enabled = "DomainSecureEnabled";
    suppress_x_anonymous_tls = "SuppressXAnonymousTls" since Exchange2010;
    enable_auth_gssapi = "EnableAuthGSSAPI";
    size_enabled = "SizeEnabled";
    pipelining_enabled = "PipeliningEnabled";
    delivery_status_notification_enabled = "DeliveryStatusNotificationEnabled";
    enhanced_status_codes_enabled = "EnhancedStatusCodesEnabled";
    eight_bit_mime_enabled = "EightBitMimeEnabled";
    binary_mime_enabled = "BinaryMimeEnabled";
    chunking_enabled = "ChunkingEnabled";
    smtp_utf8_enabled = "SmtpUtf8Enabled" since Exchange2019;
    long_addresses_enabled = "LongAddressesEnabled";
    orar_enabled = "OrarEnabled";
    bare_linefeed_rejection_enabled = "BareLinefeedRejectionEnabled" since Exchange2010;
    require_ehlo_domain = "RequireEHLODomain";
    max_message_size = "MaxMessageSize";
    max_header_size = "MaxHeaderSize";
    max_hop_count = "MaxHopCount";
    max_recipients_per_message = "MaxRecipientsPerMessage";
    max_inbound_connection = "MaxInboundConnection";
    max_inbound_connection_per_source = "MaxInboundConnectionPerSource";
    max_inbound_connection_percentage_per_source = "MaxInboundConnectionPercentagePerSource";
    max_logon_failures = "MaxLogonFailures";
    max_protocol_errors = "MaxProtocolErrors";
    message_rate_limit = "MessageRateLimit";
    message_rate_source = "MessageRateSource" since Exchange2010;
    connection_timeout = "ConnectionTimeout";
    connection_inactivity_timeout = "ConnectionInactivityTimeout";
    tarpit_interval = "TarpitInterval";
    auth_tarpit_interval = "AuthTarpitInterval" since Exchange2019;
    protocol_logging_level = "ProtocolLoggingLevel";
    transport_role = "TransportRole" since Exchange2013;
}

/// Parameters of the real cmdlets that nothing in the lab depends on; they are taken and said to be idle.
pub(super) const UNMODELLED: &[Parameter] = &[
    Parameter::idle("AdvertiseClientSettings"),
    Parameter::idle("Comment"),
    Parameter::idle("DefaultDomain"),
    Parameter::idle("ExtendedProtectionPolicy"),
    Parameter::idle("MaxAcknowledgementDelay"),
    Parameter::idle("MaxLocalHopCount"),
    Parameter::idle("ServiceDiscoveryFqdn"),
    Parameter::idle("TlsDomainCapabilities").since(Profile::Exchange2013),
];

/// A refusal that names the keys of a lab file, in the names of the cmdlet's parameters.
pub(super) fn in_cmdlet_words(keys: Keys, message: &str) -> String {
    let mut words = message.replace(" = true", " $true").replace(" = false", " $false");
    // The longest first, because one key is the beginning of another.
    let mut keys: Vec<_> = keys.iter().filter(|(key, _)| key.contains('_')).collect();
    keys.sort_by_key(|(key, _)| std::cmp::Reverse(key.len()));
    for (key, name) in keys {
        words = words.replace(key, name);
    }
    words
}

/// The parameter that a key of a lab file stands for.
pub(super) fn parameter_of(keys: Keys, key: &str) -> Option<&'static str> {
    if key == "name" {
        return Some("Name");
    }
    keys.iter().find(|(known, _)| *known == key).map(|(_, name)| *name)
}

/// What a parameter makes of a value.
pub(super) trait FromValue: Sized {
    fn from_value(value: &Value, current: &Self) -> Result<Self, String>;
}

impl FromValue for bool {
    fn from_value(value: &Value, _: &Self) -> Result<Self, String> {
        match value {
            Value::Bool(value) => Ok(*value),
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
            value => text_of(value)?.parse().map_err(|error: T::Err| error.to_string()),
        }
    }
}

/// A multi-valued property: the whole list, or `@{Add=...; Remove=...}` (Exchange PowerShell reference,
/// "Modifying multivalued properties").
impl<T: FromStr<Err = String> + PartialEq + Clone> FromValue for Vec<T> {
    fn from_value(value: &Value, current: &Self) -> Result<Self, String> {
        let read = |value: &Value| -> Result<Self, String> {
            value.clone().each().iter().map(|item| text_of(item)?.parse()).collect()
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
                names?.join(",").parse()
            }
        })*
        $(impl FromValue for $text {
            fn from_value(value: &Value, _: &Self) -> Result<Self, String> {
                text_of(value)?.parse()
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
    let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    text.parse().map_err(|_| match digits {
        true => format!("{text} is too great a number"),
        false => format!("`{text}` is not a whole number"),
    })
}

fn text_of(value: &Value) -> Result<String, String> {
    match value {
        Value::Text(text) => Ok(text.clone()),
        Value::Object(_) | Value::Bool(_) | Value::Date(_) => Ok(value.to_string()),
        Value::Null => Err("it cannot be $null".to_owned()),
        Value::List(_) => Err(format!("one value is expected, not {value}")),
        Value::Table(_) => Err("it is no list: give the whole value, not Add and Remove".to_owned()),
        Value::File(_) => Err("octets are not expected here".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{IpRange, Role, Usage};

    #[test]
    fn every_property_of_a_connector_can_be_set_by_its_name() {
        let connector =
            ReceiveConnector::new("x".to_owned(), Usage::Custom, Role::Mailbox, Profile::Exchange2019);
        let shown: Vec<_> = connector.properties().into_iter().map(|(name, _)| name).skip(1).collect();
        let settable: Vec<_> = SETTINGS.iter().map(|parameter| parameter.name).collect();
        assert_eq!(settable, shown);
    }

    #[test]
    fn a_refusal_speaks_of_parameters_and_not_of_keys() {
        assert_eq!(
            in_cmdlet_words(KEYS, "require_tls = true needs Tls in auth_mechanism"),
            "RequireTLS $true needs Tls in AuthMechanism"
        );
        assert_eq!(
            in_cmdlet_words(KEYS, "max_inbound_connection_percentage_per_source lies between 1 and 100"),
            "MaxInboundConnectionPercentagePerSource lies between 1 and 100"
        );
    }

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
