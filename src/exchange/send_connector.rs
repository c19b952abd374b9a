//! The Send connector: the parameters of `Set-SendConnector` that shape what a next hop sees.

use std::num::NonZeroU32;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::computer::Role;
use super::parameters::parameters;
use super::pin::TlsCertificateName;
use super::profile::Profile;
use super::receive_connector::ProtocolLoggingLevel;
use super::refusal::Refusal;
use super::send_values::{
    AddressSpace, AuthenticationCredential, Domains, SmartHost, SmartHostAuthMechanism, TlsAuthLevel,
    TlsDomain,
};
use super::values::{Nullable, TimeSpan};
use crate::name::Fqdn;

/// The purpose of a Send connector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub enum SendUsage {
    /// `New-SendConnector` without a usage.
    #[default]
    Custom,
    /// `EdgeSync - Inbound to <site>`, which runs on the Edge.
    EdgeSyncInbound,
    /// `EdgeSync - <site> to Internet`, which runs on the Edge.
    EdgeSyncToInternet,
}

parameters! {
    /// A Send connector with every parameter settled.
    ///
    /// The parameters, their meaning and their limits are those of the `Set-SendConnector` page of the
    /// Exchange PowerShell reference, and of those of 2007 SP3, 2010 SP3 and 2013: the later ones have more.
    connector SendConnector;
    /// The parameters that a lab file or a cmdlet sets; the others keep their values.
    given SendConnectorParameters;
    /// The creator of the connector, EdgeSync or an administrator: it decides the defaults of the other
    /// parameters.
    usage SendUsage;

    /// True if the connector sends.
    enabled: bool = "Enabled";
    /// The name in EHLO, and the key of the certificate selection; blank means the computer's FQDN.
    fqdn: Nullable<Fqdn> = "Fqdn";
    /// The domains the connector sends to.
    address_spaces: Vec<AddressSpace> = "AddressSpaces";
    /// True if the next hop is found by MX records rather than by SmartHosts.
    dns_routing_enabled: bool = "DNSRoutingEnabled";
    /// The next hops, where DNSRoutingEnabled is off.
    smart_hosts: Vec<SmartHost> = "SmartHosts";
    /// The way in which the connector logs on to its smart host.
    smart_host_auth_mechanism: SmartHostAuthMechanism = "SmartHostAuthMechanism";
    /// The user that the connector logs on as, with BasicAuth and BasicAuthRequireTLS.
    authentication_credential: AuthenticationCredential = "AuthenticationCredential";
    /// The port of the next hop.
    port: u16 = "Port";
    /// True if mail is held back rather than sent in clear.
    require_tls: bool = "RequireTLS";
    /// The level of authentication that TLS has to provide; only with RequireTLS. Blank for none.
    tls_auth_level: Nullable<TlsAuthLevel> = "TlsAuthLevel" since Exchange2010;
    /// The name that the certificate has to carry; only with DomainValidation. Blank for the recipient's
    /// domain.
    tls_domain: Nullable<TlsDomain> = "TlsDomain" since Exchange2010;
    /// Pins the certificate to present by issuer and subject; 2013 and later. Blank for none.
    tls_certificate_name: Nullable<TlsCertificateName> = "TlsCertificateName" since Exchange2013;
    /// True if STARTTLS is not used although it is offered.
    ignore_starttls: bool = "IgnoreSTARTTLS";
    /// True if the connector takes part in Domain Security.
    domain_secure_enabled: bool = "DomainSecureEnabled";
    /// True if HELO is sent in place of EHLO, which rules out STARTTLS.
    force_helo: bool = "ForceHELO";
    /// The maximum time that the next hop may be silent.
    connection_inactivity_time_out: TimeSpan = "ConnectionInactivityTimeOut";
    /// The maximum number of messages over one connection; 0 for no limit.
    smtp_max_messages_per_connection: u32 = "SmtpMaxMessagesPerConnection" since Exchange2010;
    /// The protocol logging level: `Verbose` writes the SmtpSend protocol log.
    protocol_logging_level: ProtocolLoggingLevel = "ProtocolLoggingLevel";
}

impl SendConnector {
    /// A connector as `New-SendConnector` or EdgeSync makes it.
    ///
    /// Values are those of the `Set-SendConnector` page; what EdgeSync makes, those of the Edge
    /// subscriptions page. DomainSecureEnabled is on for the connectors an Edge has by default.
    pub fn new(name: String, usage: SendUsage) -> Self {
        let inbound = usage == SendUsage::EdgeSyncInbound;
        let cost = if usage == SendUsage::EdgeSyncToInternet { 100 } else { 1 };
        let domains = if inbound { Domains::Accepted } else { Domains::All };
        Self {
            name,
            enabled: true,
            fqdn: Nullable::NULL,
            address_spaces: vec![AddressSpace { domains, cost }],
            dns_routing_enabled: !inbound,
            smart_hosts: if inbound { vec![SmartHost::Subscribed] } else { Vec::new() },
            smart_host_auth_mechanism: if inbound {
                SmartHostAuthMechanism::ExchangeServer
            } else {
                SmartHostAuthMechanism::None
            },
            authentication_credential: AuthenticationCredential(None),
            port: 25,
            require_tls: false,
            tls_auth_level: Nullable::NULL,
            tls_domain: Nullable::NULL,
            tls_certificate_name: Nullable::NULL,
            ignore_starttls: false,
            domain_secure_enabled: usage == SendUsage::EdgeSyncToInternet,
            force_helo: false,
            connection_inactivity_time_out: TimeSpan(Duration::from_secs(600)),
            smtp_max_messages_per_connection: 20,
            protocol_logging_level: ProtocolLoggingLevel::None,
        }
    }

    /// Returns whether it uses X-ANONYMOUSTLS, with the internal transport certificate of its own computer
    /// (outbound anonymous TLS certificates selection).
    pub fn uses_anonymous_tls(&self) -> bool {
        self.smart_host_auth_mechanism == SmartHostAuthMechanism::ExchangeServer
    }

    /// After how many messages a connection is closed; `None` for never.
    ///
    /// The page of SmtpMaxMessagesPerConnection names no limits. That 0 stands for no limit is inferred:
    /// 0 is a valid value of its sibling on `Set-TransportService`, and a connection that may carry nothing
    /// would be of no use.
    pub const fn messages_per_connection(&self) -> Option<NonZeroU32> {
        NonZeroU32::new(self.smtp_max_messages_per_connection)
    }

    /// Returns how well the connector fits mail for `domain`: the closest of its address spaces, then the
    /// cheapest.
    pub fn fit(&self, domain: &str, accepted: &[Fqdn]) -> Option<(usize, u8)> {
        let spaces = self.address_spaces.iter();
        spaces.filter_map(|space| Some((space.fit(domain, accepted)?, 100 - space.cost.min(100)))).max()
    }

    /// The first thing Exchange would refuse in these parameters, where there is one.
    ///
    /// Source: the dependencies on the `Set-SendConnector` page. The words about TlsDomain are the
    /// cmdlet's own (CSS-Exchange issue 1999); those of the others were not found. That BasicAuth is
    /// refused without a credential, and BasicAuthRequireTLS with IgnoreSTARTTLS, is inferred: neither
    /// could ever send.
    pub fn refusal(&self, role: Role, profile: Profile) -> Option<Refusal> {
        let length = self.name.chars().count();
        let level = self.tls_auth_level.0;
        let mechanism = self.smart_host_auth_mechanism;
        let pinned = self.tls_certificate_name.0.is_some();
        let silence = self.connection_inactivity_time_out.0;
        let accepted = self.address_spaces.iter().any(|space| space.domains == Domains::Accepted);
        let to = |text: &str| text.to_owned();
        let checks = [
            (
                !(1..=64).contains(&length),
                "name",
                format!("a connector's name has 1 to 64 characters, this one has {length}"),
            ),
            (
                self.require_tls && self.ignore_starttls,
                "ignore_starttls",
                to("ignore_starttls has to be false while require_tls is true"),
            ),
            (
                level.is_some() && (self.ignore_starttls || !self.require_tls),
                "tls_auth_level",
                to("tls_auth_level needs require_tls = true and ignore_starttls = false"),
            ),
            (
                self.tls_domain.0.is_some() && level != Some(TlsAuthLevel::DomainValidation),
                "tls_domain",
                to(
                    "The TLSDomain parameter can only be set if the TLSAuthLevel parameter is set to DomainValidation.",
                ),
            ),
            (
                level == Some(TlsAuthLevel::DomainValidation)
                    && self.tls_domain.0.is_none()
                    && !self.smart_hosts.is_empty(),
                "tls_auth_level",
                to("DomainValidation with a smart host needs tls_domain"),
            ),
            (
                mechanism.is_basic() && self.authentication_credential.0.is_none(),
                "smart_host_auth_mechanism",
                format!(
                    "{mechanism:?} needs authentication_credential = {{ user = \"...\", password = \"...\" }}"
                ),
            ),
            (
                mechanism == SmartHostAuthMechanism::BasicAuthRequireTLS && self.ignore_starttls,
                "ignore_starttls",
                to("ignore_starttls has to be false while smart_host_auth_mechanism is BasicAuthRequireTLS"),
            ),
            (
                self.domain_secure_enabled && self.ignore_starttls,
                "domain_secure_enabled",
                to("domain_secure_enabled = true needs ignore_starttls = false"),
            ),
            (
                self.domain_secure_enabled && !self.dns_routing_enabled,
                "domain_secure_enabled",
                to("domain_secure_enabled = true needs dns_routing_enabled = true"),
            ),
            (
                self.dns_routing_enabled != self.smart_hosts.is_empty(),
                "smart_hosts",
                to("mail goes either by DNS (dns_routing_enabled = true) or to smart_hosts"),
            ),
            (
                self.address_spaces.is_empty(),
                "address_spaces",
                to("a Send connector needs an address space such as SMTP:*;1"),
            ),
            (
                accepted && role != Role::Edge,
                "address_spaces",
                to("-- stands for the accepted domains on an Edge only"),
            ),
            (
                pinned && profile < Profile::Exchange2013,
                "tls_certificate_name",
                format!("TlsCertificateName came with Exchange 2013; {profile} does not have it"),
            ),
            (self.port == 0, "port", to("port lies between 1 and 65535")),
            (
                !(Duration::from_secs(1)..=Duration::from_secs(86_400)).contains(&silence),
                "connection_inactivity_time_out",
                to("connection_inactivity_time_out lies between 00:00:01 and 1.00:00:00"),
            ),
        ];
        checks.into_iter().find(|(wrong, ..)| *wrong).map(|(_, key, message)| Refusal { key, message })
    }
}

impl SendConnectorParameters {
    /// Lets a default give way that what was given rules out; what was given itself is left to be refused.
    pub fn settle(&self, connector: &mut SendConnector) {
        if self.dns_routing_enabled.is_none() {
            connector.dns_routing_enabled = connector.smart_hosts.is_empty();
        } else if connector.dns_routing_enabled && self.smart_hosts.is_none() {
            connector.smart_hosts.clear();
        }
        if self.domain_secure_enabled.is_none() {
            connector.domain_secure_enabled &= connector.dns_routing_enabled && !connector.ignore_starttls;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut SendConnector)) -> Option<Refusal> {
        let mut connector = SendConnector::new("To Internet".to_owned(), SendUsage::Custom);
        change(&mut connector);
        connector.refusal(Role::Edge, Profile::Exchange2013)
    }

    #[test]
    fn what_is_made_is_not_refused() {
        for usage in [SendUsage::Custom, SendUsage::EdgeSyncInbound, SendUsage::EdgeSyncToInternet] {
            let connector = SendConnector::new("x".to_owned(), usage);
            assert_eq!(connector.refusal(Role::Edge, Profile::Exchange2007), None, "{usage:?}");
        }
    }

    #[test]
    fn parameters_that_exclude_each_other_are_refused_at_the_one_to_blame() {
        let level = |level| Nullable(Some(level));
        type Change = fn(&mut SendConnector);
        let cases: [(&str, Change); 5] = [
            ("ignore_starttls", |c| (c.require_tls, c.ignore_starttls) = (true, true)),
            ("domain_secure_enabled", |c| (c.domain_secure_enabled, c.ignore_starttls) = (true, true)),
            ("smart_hosts", |c| c.smart_hosts = vec![SmartHost::Subscribed]),
            ("port", |c| c.port = 0),
            ("address_spaces", |c| c.address_spaces.clear()),
        ];
        for (key, change) in cases {
            assert_eq!(refused(change).unwrap().key, key);
        }
        let without = refused(|c| c.tls_auth_level = level(TlsAuthLevel::EncryptionOnly)).unwrap();
        assert_eq!(without.key, "tls_auth_level");
        let unnamed = refused(|c| {
            c.require_tls = true;
            c.tls_auth_level = level(TlsAuthLevel::DomainValidation);
            (c.smart_hosts, c.dns_routing_enabled) = (vec![SmartHost::Subscribed], false);
        });
        assert!(unnamed.unwrap().message.contains("needs tls_domain"));
    }

    #[test]
    fn a_tls_domain_out_of_place_is_refused_in_the_cmdlets_words() {
        let refusal = refused(|connector| {
            connector.require_tls = true;
            connector.tls_auth_level = Nullable(Some(TlsAuthLevel::CertificateValidation));
            connector.tls_domain = "mail.contoso.com".parse().unwrap();
        });
        assert_eq!(
            refusal.unwrap().message,
            "The TLSDomain parameter can only be set if the TLSAuthLevel parameter is set to DomainValidation."
        );
    }
}
