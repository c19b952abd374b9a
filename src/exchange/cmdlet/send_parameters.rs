//! The parameters of `Set-SendConnector` and `New-SendConnector`.

use super::bind::Bound;
use super::error::Wrong;
use super::parameters::{FromValue, Keys, connector_settings};
use super::signature::Parameter;
use super::value::Value;
use crate::exchange::{AuthenticationCredential, Profile, SendConnector, SendConnectorParameters};

// Set-SendConnector pages of 2007 SP3, 2010 SP3 and 2013: the later ones have more parameters.
connector_settings! {
    SendConnector, SendConnectorParameters;
    enabled = "Enabled";
    fqdn = "Fqdn";
    address_spaces = "AddressSpaces";
    dns_routing_enabled = "DNSRoutingEnabled";
    smart_hosts = "SmartHosts";
    smart_host_auth_mechanism = "SmartHostAuthMechanism";
    authentication_credential = "AuthenticationCredential";
    port = "Port";
    require_tls = "RequireTLS";
    tls_auth_level = "TlsAuthLevel" since Exchange2010;
    tls_domain = "TlsDomain" since Exchange2010;
    tls_certificate_name = "TlsCertificateName" since Exchange2013;
    ignore_starttls = "IgnoreSTARTTLS";
    domain_secure_enabled = "DomainSecureEnabled";
    force_helo = "ForceHELO";
    connection_inactivity_time_out = "ConnectionInactivityTimeOut";
    smtp_max_messages_per_connection = "SmtpMaxMessagesPerConnection" since Exchange2010;
    protocol_logging_level = "ProtocolLoggingLevel";
}

/// Parameters of the real cmdlets that nothing in the lab depends on; they are taken and said to be idle.
pub(super) const UNMODELLED: &[Parameter] = &[
    Parameter::idle("CloudServicesMailEnabled").since(Profile::Exchange2013),
    Parameter::idle("Comment"),
    Parameter::idle("ConnectorType").since(Profile::Exchange2013),
    Parameter::idle("ErrorPolicies").since(Profile::Exchange2010),
    Parameter::idle("FrontendProxyEnabled").since(Profile::Exchange2013),
    Parameter::idle("IsCoexistenceConnector").since(Profile::Exchange2010),
    Parameter::idle("IsScopedConnector"),
    Parameter::idle("LinkedReceiveConnector"),
    Parameter::idle("MaxMessageSize"),
    Parameter::idle("RequireOorg").since(Profile::Exchange2010),
    Parameter::idle("SourceIPAddress"),
    Parameter::idle("UseExternalDNSServersEnabled"),
    Parameter::switch("Force"),
];

/// What `New-SendConnector` takes to say what the connector is for. The usage types differ in permissions,
/// which a lab does not have for sending.
pub(super) const USAGE: &[Parameter] = &[
    Parameter::idle("Usage"),
    Parameter::switch("Custom"),
    Parameter::switch("Internal"),
    Parameter::switch("Internet"),
    Parameter::switch("Partner"),
];

impl FromValue for AuthenticationCredential {
    /// `$null`, or whom the connector logs on as already: nobody is asked for a password here, so another
    /// user would log on with none.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::SendUsage;

    #[test]
    fn every_property_of_a_send_connector_can_be_set_by_its_name() {
        let connector = SendConnector::new("x".to_owned(), SendUsage::Custom);
        let shown: Vec<_> = connector.properties().into_iter().map(|(name, _)| name).skip(1).collect();
        let settable: Vec<_> = SETTINGS.iter().map(|parameter| parameter.name).collect();
        assert_eq!(settable, shown);
    }

    #[test]
    fn no_parameter_is_both_set_and_idle() {
        for idle in UNMODELLED {
            assert!(SETTINGS.iter().all(|setting| setting.name != idle.name), "{}", idle.name);
        }
    }
}
