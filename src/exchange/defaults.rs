//! The connectors that setup and `New-ReceiveConnector` make, with the values they start with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::address::{Binding, IpRange};
use super::computer::Role;
use super::flags::{AuthMechanism, PermissionGroups};
use super::profile::Profile;
use super::receive_connector::{
    MessageRateSource, ProtocolLoggingLevel, ReceiveConnector, SizeMode, TransportRole,
};
use super::values::{ByteSize, Nullable, TimeSpan, Unlimited};

/// The purpose of a receive connector: a usage type of `New-ReceiveConnector`, or a connector that setup
/// makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub enum Usage {
    /// `New-ReceiveConnector -Usage Client`.
    Client,
    /// `New-ReceiveConnector -Usage Custom`.
    Custom,
    /// `New-ReceiveConnector -Usage Internal`.
    Internal,
    /// `New-ReceiveConnector -Usage Internet`.
    Internet,
    /// `New-ReceiveConnector -Usage Partner`.
    Partner,
    /// `Default <server>`, and on an Edge `Default internal receive connector <SERVER>`.
    Default,
    /// `Default Frontend <server>`, 2013 and later.
    DefaultFrontend,
    /// `Client Frontend <server>`, 2013 and later.
    ClientFrontend,
    /// `Client Proxy <server>`, 2013 and later.
    ClientProxy,
    /// `Outbound Proxy Frontend <server>`, 2013 and later.
    OutboundProxyFrontend,
}

impl Usage {
    /// Returns the usage of the first connector that setup makes on a server of this role: the connector that
    /// takes mail on port 25.
    pub const fn of_role(role: Role) -> Self {
        match role {
            Role::Edge | Role::HubTransport => Self::Default,
            Role::Mailbox => Self::DefaultFrontend,
        }
    }

    const fn auth_mechanism(self, role: Role) -> AuthMechanism {
        let client = AuthMechanism::TLS
            .and(AuthMechanism::INTEGRATED)
            .and(AuthMechanism::BASIC_AUTH)
            .and(AuthMechanism::BASIC_AUTH_REQUIRE_TLS);
        match (self, role) {
            (Self::Internal, _) | (Self::Default, Role::Edge) => {
                AuthMechanism::TLS.and(AuthMechanism::EXCHANGE_SERVER)
            }
            (Self::Custom | Self::Internet | Self::Partner, _) => AuthMechanism::TLS,
            (Self::Client | Self::ClientFrontend, _) => client,
            _ => client.and(AuthMechanism::EXCHANGE_SERVER),
        }
    }

    const fn permission_groups(self, role: Role) -> PermissionGroups {
        const ANYBODY: PermissionGroups = PermissionGroups::ANONYMOUS_USERS;
        const USERS: PermissionGroups = PermissionGroups::EXCHANGE_USERS;
        const SERVERS: PermissionGroups = PermissionGroups::EXCHANGE_SERVERS;
        const LEGACY: PermissionGroups = PermissionGroups::EXCHANGE_LEGACY_SERVERS;
        match (self, role) {
            (Self::Default, Role::Edge) => ANYBODY.and(SERVERS).and(PermissionGroups::PARTNERS),
            (Self::Internal, Role::Edge) | (Self::OutboundProxyFrontend, _) => SERVERS,
            (Self::Internal, _) => SERVERS.and(LEGACY),
            (Self::Default, _) => USERS.and(SERVERS).and(LEGACY),
            (Self::DefaultFrontend, _) => ANYBODY.and(SERVERS).and(LEGACY),
            (Self::ClientProxy, _) => USERS.and(SERVERS),
            (Self::Client | Self::ClientFrontend, _) => USERS,
            (Self::Internet, _) => ANYBODY,
            (Self::Partner, _) => PermissionGroups::PARTNERS,
            (Self::Custom, _) => PermissionGroups::NONE,
        }
    }

    const fn port(self, profile: Profile) -> u16 {
        match self {
            Self::Client | Self::ClientFrontend => 587,
            Self::ClientProxy => 465,
            Self::OutboundProxyFrontend => 717,
            Self::Default if matches!(profile, Profile::Exchange2013 | Profile::Exchange2019) => 2525,
            _ => 25,
        }
    }
}

impl ReceiveConnector {
    /// A connector as setup or `New-ReceiveConnector` makes it on a server of this role and version.
    ///
    /// Values are those of the exported connectors of an Exchange 2016/2019 server, of the
    /// `Set-ReceiveConnector` page and, for the Edge, of the receive connectors page.
    pub fn new(name: String, usage: Usage, role: Role, profile: Profile) -> Self {
        let edge = matches!(role, Role::Edge);
        let modern = profile >= Profile::Exchange2013;
        let frontend = modern
            && matches!(usage, Usage::DefaultFrontend | Usage::ClientFrontend | Usage::OutboundProxyFrontend);
        let hub_default = matches!((usage, edge), (Usage::Default, false));
        let client = matches!(usage, Usage::Client | Usage::ClientFrontend | Usage::ClientProxy);
        let port = if edge { 25 } else { usage.port(profile) };
        let v4 = Binding(([0, 0, 0, 0], port).into());
        let v6 = Binding(([0u16; 8], port).into());
        let minutes = |n: u64| TimeSpan(std::time::Duration::from_secs(60 * n));
        Self {
            name,
            enabled: true,
            fqdn: Nullable::NULL,
            banner: Nullable::NULL,
            bindings: if edge { vec![v4] } else { vec![v6, v4] },
            remote_ip_ranges: if edge {
                vec![IpRange::ALL_V4]
            } else {
                vec![IpRange::ALL_V6, IpRange::ALL_V4]
            },
            auth_mechanism: usage.auth_mechanism(role),
            permission_groups: usage.permission_groups(role),
            require_tls: false,
            tls_certificate_name: Nullable::NULL,
            domain_secure_enabled: matches!(usage, Usage::DefaultFrontend | Usage::OutboundProxyFrontend),
            suppress_x_anonymous_tls: false,
            enable_auth_gssapi: client,
            size_enabled: if hub_default { SizeMode::EnabledWithoutValue } else { SizeMode::Enabled },
            pipelining_enabled: true,
            delivery_status_notification_enabled: true,
            enhanced_status_codes_enabled: true,
            eight_bit_mime_enabled: true,
            binary_mime_enabled: true,
            chunking_enabled: true,
            smtp_utf8_enabled: profile >= Profile::Exchange2019,
            long_addresses_enabled: false,
            orar_enabled: false,
            bare_linefeed_rejection_enabled: false,
            require_ehlo_domain: false,
            max_message_size: if modern { ByteSize::mb(36) } else { ByteSize::mb(10) },
            max_header_size: ByteSize(256 * 1024),
            max_hop_count: if modern { 60 } else { 30 },
            max_recipients_per_message: if hub_default { 5000 } else { 200 },
            max_inbound_connection: Unlimited::Limited(5000),
            max_inbound_connection_per_source: if hub_default {
                Unlimited::Unlimited
            } else {
                Unlimited::Limited(20)
            },
            max_inbound_connection_percentage_per_source: if hub_default { 100 } else { 2 },
            max_logon_failures: 3,
            max_protocol_errors: Unlimited::Limited(5),
            message_rate_limit: match (edge, client) {
                (true, _) => Unlimited::Limited(600),
                (false, true) => Unlimited::Limited(5),
                (false, false) => Unlimited::Unlimited,
            },
            message_rate_source: if client { MessageRateSource::User } else { MessageRateSource::IPAddress },
            connection_timeout: if edge { minutes(5) } else { minutes(10) },
            connection_inactivity_timeout: if edge { minutes(1) } else { minutes(5) },
            tarpit_interval: TimeSpan(std::time::Duration::from_secs(match usage {
                Usage::OutboundProxyFrontend => 0,
                _ => 5,
            })),
            auth_tarpit_interval: TimeSpan(std::time::Duration::from_secs(5)),
            protocol_logging_level: match usage {
                Usage::DefaultFrontend | Usage::OutboundProxyFrontend => ProtocolLoggingLevel::Verbose,
                _ => ProtocolLoggingLevel::None,
            },
            transport_role: if frontend {
                TransportRole::FrontendTransport
            } else {
                TransportRole::HubTransport
            },
        }
    }
}
