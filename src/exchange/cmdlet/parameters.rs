//! The parameters of connectors, from what was typed to what is set.

use super::bind::Bound;
use super::error::Wrong;
use super::setting::FromValue;
use super::signature::Parameter;
use crate::exchange::parameters::{ConnectorParameter, ReadParameters};
use crate::exchange::{Profile, ReceiveConnector, ReceiveConnectorParameters};

/// The parameters that set something on a connector, `Name` apart.
pub(super) const fn settings_of<const N: usize>(of: &[ConnectorParameter]) -> [Parameter; N] {
    let mut settings = [Parameter::value(""); N];
    let mut at = 0;
    while at < N {
        settings[at] = Parameter::value(of[at].name).since(of[at].since);
        at += 1;
    }
    settings
}

/// The parameters of `Set-ReceiveConnector` that set something, `Name` apart.
pub(super) const SETTINGS: &[Parameter] =
    &settings_of::<{ ReceiveConnector::PARAMETERS.len() }>(ReceiveConnector::PARAMETERS);

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

/// Reads the given parameters against the connector as it is.
pub(super) fn settings(
    bound: &Bound,
    current: &ReceiveConnector,
) -> Result<ReceiveConnectorParameters, Wrong> {
    ReceiveConnectorParameters::read(&mut Given(bound), current)
}

/// The arguments of a cmdlet as the parameters of a connector.
pub(super) struct Given<'a>(pub(super) &'a Bound);

impl ReadParameters for Given<'_> {
    type Error = Wrong;

    fn read<T: FromValue>(&mut self, name: &'static str, current: &T) -> Result<Option<T>, Wrong> {
        let Some(given) = self.0.get(name) else {
            return Ok(None);
        };
        let read = T::from_value(&given.value, current);
        read.map(Some).map_err(|message| Wrong::argument(given.span, format!("-{name}: {message}")))
    }
}

/// A refusal that names the keys of a lab file, in the names of the cmdlet's parameters.
pub(super) fn in_cmdlet_words(parameters: &[ConnectorParameter], message: &str) -> String {
    let mut words = message.replace(" = true", " $true").replace(" = false", " $false");
    // The longest first, because one key is the beginning of another.
    let mut parameters: Vec<_> = parameters.iter().filter(|parameter| parameter.key.contains('_')).collect();
    parameters.sort_by_key(|parameter| std::cmp::Reverse(parameter.key.len()));
    for parameter in parameters {
        words = words.replace(parameter.key, parameter.name);
    }
    words
}

/// The parameter that a key of a lab file stands for.
pub(super) fn parameter_of(parameters: &[ConnectorParameter], key: &str) -> Option<&'static str> {
    if key == "name" {
        return Some("Name");
    }
    parameters.iter().find(|parameter| parameter.key == key).map(|parameter| parameter.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_speaks_of_parameters_and_not_of_keys() {
        let keys = ReceiveConnector::PARAMETERS;
        assert_eq!(
            in_cmdlet_words(keys, "require_tls = true needs Tls in auth_mechanism"),
            "RequireTLS $true needs Tls in AuthMechanism"
        );
        assert_eq!(
            in_cmdlet_words(keys, "max_inbound_connection_percentage_per_source lies between 1 and 100"),
            "MaxInboundConnectionPercentagePerSource lies between 1 and 100"
        );
    }

    #[test]
    fn no_parameter_is_both_set_and_idle() {
        for idle in UNMODELLED {
            assert!(SETTINGS.iter().all(|setting| setting.name != idle.name), "{}", idle.name);
        }
    }
}
