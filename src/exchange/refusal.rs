//! Configurations that Exchange refuses.

use std::time::Duration;

use super::computer::{Computer, Role};
use super::flags::{AuthMechanism, PermissionGroups};
use super::profile::Profile;
use super::receive_connector::ReceiveConnector;

/// A contradiction in a connector's parameters, with what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The lab file's key of the parameter that is to blame.
    pub key: &'static str,
    /// The error, and what would be right.
    pub message: String,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl ReceiveConnector {
    /// The first thing Exchange would refuse in these parameters, where there is one.
    ///
    /// Source: the dependencies and limits on the `Set-ReceiveConnector` page.
    pub fn refusal(&self, profile: Profile) -> Option<Refusal> {
        let auth = |flag| self.allows(flag);
        let length = self.name.chars().count();
        let inactivity = self.connection_inactivity_timeout.0;
        let total = self.connection_timeout.0;
        let in_a_day = |span: Duration| (Duration::from_secs(1)..=DAY).contains(&span);
        let banner = self.banner.0.as_deref().unwrap_or("220");
        let checks = [
            (
                !(1..=64).contains(&length),
                "name",
                format!("a connector's name has 1 to 64 characters, this one has {length}"),
            ),
            (
                auth(AuthMechanism::BASIC_AUTH_REQUIRE_TLS)
                    && !(auth(AuthMechanism::BASIC_AUTH) && auth(AuthMechanism::TLS)),
                "auth_mechanism",
                "BasicAuthRequireTLS needs BasicAuth and Tls beside it".to_owned(),
            ),
            (
                auth(AuthMechanism::EXTERNAL_AUTHORITATIVE)
                    && !AuthMechanism::TLS
                        .and(AuthMechanism::EXTERNAL_AUTHORITATIVE)
                        .contains(self.auth_mechanism),
                "auth_mechanism",
                format!(
                    "ExternalAuthoritative can stand only with Tls, here it stands in {}",
                    self.auth_mechanism
                ),
            ),
            (
                auth(AuthMechanism::EXTERNAL_AUTHORITATIVE)
                    && !self.permission_groups.contains(PermissionGroups::EXCHANGE_SERVERS),
                "permission_groups",
                "ExternalAuthoritative in auth_mechanism needs ExchangeServers in permission_groups"
                    .to_owned(),
            ),
            (
                self.require_tls && !auth(AuthMechanism::TLS),
                "require_tls",
                "require_tls = true needs Tls in auth_mechanism".to_owned(),
            ),
            (
                self.domain_secure_enabled && !auth(AuthMechanism::TLS),
                "domain_secure_enabled",
                "domain_secure_enabled = true needs Tls in auth_mechanism".to_owned(),
            ),
            (
                self.domain_secure_enabled && auth(AuthMechanism::EXTERNAL_AUTHORITATIVE),
                "domain_secure_enabled",
                "domain_secure_enabled = true cannot stand with ExternalAuthoritative".to_owned(),
            ),
            (
                self.binary_mime_enabled && !self.chunking_enabled,
                "binary_mime_enabled",
                "binary_mime_enabled = true needs chunking_enabled = true (RFC 3030 section 3)".to_owned(),
            ),
            (
                !(banner.starts_with("220") && banner[3..].chars().next().is_none_or(|c| c == ' ')),
                "banner",
                "a banner starts with `220 `".to_owned(),
            ),
            (
                banner.len() > 510 || banner.chars().any(char::is_control),
                "banner",
                "a banner is one line of at most 510 bytes without control characters".to_owned(),
            ),
            (
                self.tls_certificate_name.0.is_some() && profile < Profile::Exchange2013,
                "tls_certificate_name",
                format!("TlsCertificateName came with Exchange 2013; {profile} does not have it"),
            ),
            (
                !in_a_day(total),
                "connection_timeout",
                "connection_timeout lies between 00:00:01 and 1.00:00:00".to_owned(),
            ),
            (
                !in_a_day(inactivity),
                "connection_inactivity_timeout",
                "connection_inactivity_timeout lies between 00:00:01 and 1.00:00:00".to_owned(),
            ),
            (
                inactivity >= total,
                "connection_inactivity_timeout",
                format!(
                    "connection_inactivity_timeout ({}) has to be shorter than connection_timeout ({})",
                    self.connection_inactivity_timeout, self.connection_timeout
                ),
            ),
            (
                self.tarpit_interval.0 > Duration::from_secs(600),
                "tarpit_interval",
                "tarpit_interval is at most 00:10:00".to_owned(),
            ),
            (
                self.auth_tarpit_interval.0 > Duration::from_secs(600),
                "auth_tarpit_interval",
                "auth_tarpit_interval is at most 00:10:00".to_owned(),
            ),
            (
                !(65_536..=2_147_483_647).contains(&self.max_message_size.0),
                "max_message_size",
                "max_message_size lies between 64KB and 2147483647 bytes".to_owned(),
            ),
            (
                !(1..=2_147_483_647).contains(&self.max_header_size.0),
                "max_header_size",
                "max_header_size lies between 1 and 2147483647 bytes".to_owned(),
            ),
            (
                !(1..=500).contains(&self.max_hop_count),
                "max_hop_count",
                "max_hop_count lies between 1 and 500".to_owned(),
            ),
            (
                !(1..=512_000).contains(&self.max_recipients_per_message),
                "max_recipients_per_message",
                "max_recipients_per_message lies between 1 and 512000".to_owned(),
            ),
            (
                self.max_logon_failures > 10,
                "max_logon_failures",
                "max_logon_failures lies between 0 and 10".to_owned(),
            ),
            (
                self.max_inbound_connection.limit() == Some(0),
                "max_inbound_connection",
                "max_inbound_connection is at least 1, or unlimited".to_owned(),
            ),
            (
                self.max_inbound_connection_per_source.limit().is_some_and(|n| !(1..=10_000).contains(&n)),
                "max_inbound_connection_per_source",
                "max_inbound_connection_per_source lies between 1 and 10000, or is unlimited".to_owned(),
            ),
            (
                !(1..=100).contains(&self.max_inbound_connection_percentage_per_source),
                "max_inbound_connection_percentage_per_source",
                "max_inbound_connection_percentage_per_source lies between 1 and 100".to_owned(),
            ),
            (
                self.message_rate_limit.limit() == Some(0),
                "message_rate_limit",
                "message_rate_limit is at least 1, or unlimited".to_owned(),
            ),
            (
                self.bindings.is_empty(),
                "bindings",
                "a connector needs a binding such as 0.0.0.0:25".to_owned(),
            ),
            (
                self.remote_ip_ranges.is_empty(),
                "remote_ip_ranges",
                "a connector needs a range such as 0.0.0.0-255.255.255.255".to_owned(),
            ),
        ];
        checks.into_iter().find(|(wrong, ..)| *wrong).map(|(_, key, message)| Refusal { key, message })
    }

    /// Why this connector and `other` cannot stand on one computer, where they cannot.
    ///
    /// Source: receive connectors page, "Receive connector remote addresses": each needs a unique
    /// combination of binding and range, and ranges overlap only where one wholly holds the other.
    pub fn conflict_with(&self, other: &Self, computer: &str) -> Option<Refusal> {
        let bound =
            self.bindings.iter().any(|mine| other.bindings.iter().any(|theirs| mine.overlaps(*theirs)));
        let same_or_crossing = self
            .remote_ip_ranges
            .iter()
            .any(|mine| other.remote_ip_ranges.iter().any(|theirs| mine == theirs || mine.crosses(*theirs)));
        let roles = self.transport_role != other.transport_role;
        if !bound || !(roles || same_or_crossing) {
            return None;
        }
        let mut message = format!(
            "The values that you specified for the Bindings and RemoteIPRanges parameters conflict with the settings on Receive connector \"{computer}\\{}\".",
            other.name
        );
        if roles {
            message.push_str(" Receive connectors assigned to different Transport roles on a single server must listen on unique local IP address & port bindings.");
        }
        Some(Refusal { key: "bindings", message })
    }
}

/// Returns the cmdlet's message if it refuses the connector's FQDN.
///
/// While AuthMechanism holds ExchangeServer, a Hub or Mailbox server takes only its own FQDN, its
/// NetBIOS name or $null; an Edge takes any (the seed changes one). Wordings: setup of 2007 SP1, and
/// the admin center of 2013.
pub fn fqdn_guard(connector: &ReceiveConnector, computer: &Computer) -> Option<String> {
    let fqdn = connector.fqdn.0.as_ref()?;
    let own = *fqdn == computer.fqdn || *fqdn == *computer.name.as_str();
    if computer.role == Role::Edge || own || !connector.allows(AuthMechanism::EXCHANGE_SERVER) {
        return None;
    }
    let (server, netbios) = (&computer.fqdn, &computer.name);
    Some(match computer.profile {
        Profile::Exchange2007 => format!(
            "When the AuthMechanism parameter on a Receive connector is set to the value ExchangeServer, you must set the FQDN parameter on the Receive connector to one of the following values: the FQDN of the transport server \"{server}\", the NetBios name of the transport server \"{netbios}\", or $null."
        ),
        _ => format!(
            "If the AuthMechanism attribute on a Receive connector contains the value ExchangeServer, you must set the FQDN parameter on the Receive connector to one of the following values: the FQDN of the transport server \"{server}\", the NetBIOS name of the transport server \"{netbios}\", or $null."
        ),
    })
}
