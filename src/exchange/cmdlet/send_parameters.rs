//! The parameters of `Set-SendConnector` and `New-SendConnector`.

use super::bind::Bound;
use super::error::Wrong;
use super::parameters::{Given, settings_of};
use super::signature::Parameter;
use crate::exchange::{Profile, SendConnector, SendConnectorParameters};

/// The parameters of `Set-SendConnector` that set something, `Name` apart.
pub(super) const SETTINGS: &[Parameter] =
    &settings_of::<{ SendConnector::PARAMETERS.len() }>(SendConnector::PARAMETERS);

/// Reads the given parameters against the connector as it is.
pub(super) fn settings(bound: &Bound, current: &SendConnector) -> Result<SendConnectorParameters, Wrong> {
    SendConnectorParameters::read(&mut Given(bound), current)
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

/// The parameters of `New-SendConnector` for the connector's usage. The usage types differ in permissions,
/// which a lab does not have for sending.
pub(super) const USAGE: &[Parameter] = &[
    Parameter::idle("Usage"),
    Parameter::switch("Custom"),
    Parameter::switch("Internal"),
    Parameter::switch("Internet"),
    Parameter::switch("Partner"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_parameter_is_both_set_and_idle() {
        for idle in UNMODELLED {
            assert!(SETTINGS.iter().all(|setting| setting.name != idle.name), "{}", idle.name);
        }
    }
}
