//! The receive connector: the parameters of `Set-ReceiveConnector` that shape what a peer sees.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::address::{Binding, IpRange};
use super::defaults::Usage;
use super::flags::{AuthMechanism, PermissionGroups};
use super::parameters::parameters;
use super::pin::TlsCertificateName;
use super::values::{ByteSize, Nullable, TimeSpan, Unlimited};
use crate::name::Fqdn;

parameters! {
    /// A receive connector with every parameter settled.
    ///
    /// The parameters, their meaning and their limits are those of the `Set-ReceiveConnector` page of
    /// the Exchange PowerShell reference. TlsCertificateName came with 2013 (receive connectors page, changes
    /// compared to 2010), and with it the front end that TransportRole tells apart; SMTPUTF8 and
    /// AuthTarpitInterval came with 2016.
    connector ReceiveConnector;
    /// The parameters that a lab file or a cmdlet sets; the others keep their values.
    given ReceiveConnectorParameters;
    /// `Usage` of `New-ReceiveConnector`, or a connector that setup makes: it decides the defaults of the
    /// other parameters.
    usage Usage;

    /// True if the connector accepts connections.
    enabled: bool = "Enabled";
    /// The name in banner, EHLO reply and `Received:`, and the key of the certificate selection;
    /// blank means the computer's FQDN.
    fqdn: Nullable<Fqdn> = "Fqdn";
    /// Replaces the whole banner; starts with 220.
    banner: Nullable<String> = "Banner";
    /// Local addresses and ports.
    bindings: Vec<Binding> = "Bindings";
    /// The peers this connector answers; the most specific range of all connectors wins.
    remote_ip_ranges: Vec<IpRange> = "RemoteIPRanges";
    /// The ways in which peers may authenticate; `Tls` allows STARTTLS to be offered.
    auth_mechanism: AuthMechanism = "AuthMechanism";
    /// The groups of peers that may submit messages.
    permission_groups: PermissionGroups = "PermissionGroups";
    /// True if MAIL is refused in clear.
    require_tls: bool = "RequireTLS";
    /// Pins the certificate by issuer and subject; 2013 and later. Blank for none.
    tls_certificate_name: Nullable<TlsCertificateName> = "TlsCertificateName" since Exchange2013;
    /// True if the connector takes part in Domain Security.
    domain_secure_enabled: bool = "DomainSecureEnabled";
    /// True if X-ANONYMOUSTLS is left out although ExchangeServer is in AuthMechanism.
    suppress_x_anonymous_tls: bool = "SuppressXAnonymousTls" since Exchange2010;
    /// True if `AUTH` lists GSSAPI before NTLM.
    enable_auth_gssapi: bool = "EnableAuthGSSAPI";
    /// The `SIZE` keyword.
    size_enabled: SizeMode = "SizeEnabled";
    /// The `PIPELINING` keyword.
    pipelining_enabled: bool = "PipeliningEnabled";
    /// The `DSN` keyword.
    delivery_status_notification_enabled: bool = "DeliveryStatusNotificationEnabled";
    /// The `ENHANCEDSTATUSCODES` keyword, and enhanced codes in replies.
    enhanced_status_codes_enabled: bool = "EnhancedStatusCodesEnabled";
    /// The `8BITMIME` keyword.
    eight_bit_mime_enabled: bool = "EightBitMimeEnabled";
    /// The `BINARYMIME` keyword; needs ChunkingEnabled.
    binary_mime_enabled: bool = "BinaryMimeEnabled";
    /// The `CHUNKING` keyword.
    chunking_enabled: bool = "ChunkingEnabled";
    /// The `SMTPUTF8` keyword.
    smtp_utf8_enabled: bool = "SmtpUtf8Enabled" since Exchange2019;
    /// The `XLONGADDR` keyword, and addresses of up to 1860 characters.
    long_addresses_enabled: bool = "LongAddressesEnabled";
    /// The `XORAR` keyword.
    orar_enabled: bool = "OrarEnabled";
    /// True if a message with bare line feeds is refused.
    bare_linefeed_rejection_enabled: bool = "BareLinefeedRejectionEnabled" since Exchange2010;
    /// True if EHLO or HELO must carry a domain name.
    require_ehlo_domain: bool = "RequireEHLODomain";
    /// The maximum size of a message.
    max_message_size: ByteSize = "MaxMessageSize";
    /// The maximum size of a message's header.
    max_header_size: ByteSize = "MaxHeaderSize";
    /// The maximum number of `Received:` fields in a message.
    max_hop_count: u32 = "MaxHopCount";
    /// The maximum number of recipients of a message.
    max_recipients_per_message: u32 = "MaxRecipientsPerMessage";
    /// The maximum number of simultaneous connections.
    max_inbound_connection: Unlimited = "MaxInboundConnection";
    /// The maximum number of simultaneous connections from one address.
    max_inbound_connection_per_source: Unlimited = "MaxInboundConnectionPerSource";
    /// The maximum share of the free connections that one address may take, in percent.
    max_inbound_connection_percentage_per_source: u32 = "MaxInboundConnectionPercentagePerSource";
    /// The maximum number of failed logons of a peer.
    max_logon_failures: u32 = "MaxLogonFailures";
    /// The maximum number of protocol errors of a peer.
    max_protocol_errors: Unlimited = "MaxProtocolErrors";
    /// The maximum number of messages per minute.
    message_rate_limit: Unlimited = "MessageRateLimit";
    /// The source of messages that MessageRateLimit counts.
    message_rate_source: MessageRateSource = "MessageRateSource" since Exchange2010;
    /// The maximum duration of a connection.
    connection_timeout: TimeSpan = "ConnectionTimeout";
    /// The maximum time that a peer may be silent.
    connection_inactivity_timeout: TimeSpan = "ConnectionInactivityTimeout";
    /// The delay of a 5yz reply to an unauthenticated peer.
    tarpit_interval: TimeSpan = "TarpitInterval";
    /// The delay of the reply to a failed logon.
    auth_tarpit_interval: TimeSpan = "AuthTarpitInterval" since Exchange2019;
    /// The protocol logging level: `Verbose` writes the SmtpReceive protocol log.
    protocol_logging_level: ProtocolLoggingLevel = "ProtocolLoggingLevel";
    /// The transport service, front end or hub; it decides the event source and the keywords of a Mailbox
    /// server.
    transport_role: TransportRole = "TransportRole" since Exchange2013;
}

impl ReceiveConnector {
    /// The first binding that a peer on loopback can reach, by the family of its address.
    pub fn loopback_binding(&self, peer: IpAddr) -> Option<Binding> {
        self.bindings.iter().copied().find(|binding| binding.0.is_ipv4() == peer.is_ipv4())
    }

    /// Returns the span of the best range that contains `peer` (smaller is more specific), if there is one.
    pub fn best_range_for(&self, peer: IpAddr) -> Option<u128> {
        self.remote_ip_ranges.iter().filter(|range| range.contains(peer)).map(|range| range.span()).min()
    }

    /// Returns whether `flag` is in AuthMechanism.
    pub fn allows(&self, flag: AuthMechanism) -> bool {
        self.auth_mechanism.contains(flag)
    }
}

/// The `SIZE` keyword in the EHLO reply (RFC 1870).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SizeMode {
    /// No `SIZE`.
    Disabled,
    /// `SIZE 37748736`.
    Enabled,
    /// `SIZE` alone.
    EnabledWithoutValue,
}

/// The source of messages that MessageRateLimit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MessageRateSource {
    /// Nobody.
    None,
    /// The peer's address.
    IPAddress,
    /// The user who logged on.
    User,
    /// Both.
    All,
}

/// The level of the protocol log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ProtocolLoggingLevel {
    /// No protocol log is written.
    None,
    /// Every line of every session is written.
    Verbose,
}

/// The transport service that runs a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TransportRole {
    /// MSExchangeFrontEndTransport, on Mailbox (and Client Access) servers of 2013 and later.
    FrontendTransport,
    /// MSExchangeTransport: Hub Transport, Mailbox and Edge.
    HubTransport,
}
