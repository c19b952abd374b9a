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
    /// The parameters that somebody gave, in a lab file or to a cmdlet; the others keep their value.
    given ReceiveConnectorParameters;
    /// `Usage` of `New-ReceiveConnector`, or the connector of setup: what the other parameters start from.
    usage Usage;

    /// True if the connector takes connections.
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
    /// How peers may authenticate, and with `Tls` whether STARTTLS may be offered.
    auth_mechanism: AuthMechanism = "AuthMechanism";
    /// Who may submit.
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
    /// The largest message.
    max_message_size: ByteSize = "MaxMessageSize";
    /// The largest header.
    max_header_size: ByteSize = "MaxHeaderSize";
    /// How many `Received:` fields a message may carry.
    max_hop_count: u32 = "MaxHopCount";
    /// How many recipients a message may have.
    max_recipients_per_message: u32 = "MaxRecipientsPerMessage";
    /// How many connections at once.
    max_inbound_connection: Unlimited = "MaxInboundConnection";
    /// How many connections at once from one address.
    max_inbound_connection_per_source: Unlimited = "MaxInboundConnectionPerSource";
    /// The share of the connections still free that one address may take, in percent.
    max_inbound_connection_percentage_per_source: u32 = "MaxInboundConnectionPercentagePerSource";
    /// How often a peer may fail to log on.
    max_logon_failures: u32 = "MaxLogonFailures";
    /// How many protocol errors a peer may make.
    max_protocol_errors: Unlimited = "MaxProtocolErrors";
    /// How many messages a minute.
    message_rate_limit: Unlimited = "MessageRateLimit";
    /// Who is counted against MessageRateLimit.
    message_rate_source: MessageRateSource = "MessageRateSource" since Exchange2010;
    /// How long a connection may last altogether.
    connection_timeout: TimeSpan = "ConnectionTimeout";
    /// How long a peer may be silent.
    connection_inactivity_timeout: TimeSpan = "ConnectionInactivityTimeout";
    /// How long a 5yz reply to an unauthenticated peer is held back.
    tarpit_interval: TimeSpan = "TarpitInterval";
    /// How long the reply to a failed logon is held back.
    auth_tarpit_interval: TimeSpan = "AuthTarpitInterval" since Exchange2019;
    /// The protocol logging level: `Verbose` writes the SmtpReceive protocol log.
    protocol_logging_level: ProtocolLoggingLevel = "ProtocolLoggingLevel";
    /// Front end or hub; decides the event source and the keywords of a Mailbox server.
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

/// What `SIZE` in the EHLO reply carries (RFC 1870).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SizeMode {
    /// No `SIZE`.
    Disabled,
    /// `SIZE 37748736`.
    Enabled,
    /// `SIZE` alone.
    EnabledWithoutValue,
}

/// Who is counted against MessageRateLimit.
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

/// Whether the protocol log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ProtocolLoggingLevel {
    /// It is not.
    None,
    /// Every line of every conversation.
    Verbose,
}

/// Which transport service runs the connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TransportRole {
    /// MSExchangeFrontEndTransport, on Mailbox (and Client Access) servers of 2013 and later.
    FrontendTransport,
    /// MSExchangeTransport: Hub Transport, Mailbox and Edge.
    HubTransport,
}
