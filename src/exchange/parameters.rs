//! Connectors as lists of parameters: one list makes the connector, what a file or a cmdlet may give,
//! and what `Format-List` shows.

use super::cmdlet::{FromValue, ToValue};
use super::profile::Profile;

/// A parameter of a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ConnectorParameter {
    /// The key in a lab file.
    pub(super) key: &'static str,
    /// The name in the Shell.
    pub(super) name: &'static str,
    /// The Exchange that it came with.
    pub(super) since: Profile,
}

/// Hands over what was given for a parameter.
pub(super) trait ReadParameters {
    /// The error for an invalid value.
    type Error;

    /// Returns the value that was given for the parameter called `name`. Its value before is `current`.
    fn read<T: FromValue>(&mut self, name: &'static str, current: &T) -> Result<Option<T>, Self::Error>;
}

/// Takes the value of each parameter.
pub(super) trait ShowParameters {
    /// Takes the value of the parameter called `name`.
    fn show<T: ToValue>(&mut self, name: &'static str, value: &T);
}

/// Defines a connector, the part of it that somebody gave, and the way from one to the other.
macro_rules! parameters {
    (
        $(#[$about:meta])* connector $connector:ident;
        $(#[$about_given:meta])* given $given:ident;
        $(#[$about_usage:meta])* usage $usage:ty;
        $($(#[$doc:meta])* $field:ident: $type:ty = $cmdlet:literal $(since $since:ident)?;)*
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $connector {
            /// `Name`, at most 64 characters.
            pub name: String,
            $($(#[$doc])* pub $field: $type,)*
        }

        $(#[$about_given])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct $given {
            /// `Name`, at most 64 characters.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub name: Option<String>,
            $(#[$about_usage])*
            #[serde(skip_serializing_if = "Option::is_none")]
            pub usage: Option<$usage>,
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)*
        }

        impl $given {
            /// Sets what was given and leaves the rest alone; a usage counts only for a new connector.
            /// Nothing is checked here.
            pub fn apply_to(&self, connector: &mut $connector) {
                if let Some(name) = &self.name {
                    connector.name.clone_from(name);
                }
                $(if let Some(value) = &self.$field {
                    connector.$field = value.clone();
                })*
            }

            /// Reads the parameters that `reader` was given against the connector as it is: a list can be
            /// added to.
            pub(super) fn read<R: $crate::exchange::parameters::ReadParameters>(
                reader: &mut R,
                current: &$connector,
            ) -> Result<Self, R::Error> {
                Ok(Self { name: None, usage: None, $($field: reader.read($cmdlet, &current.$field)?,)* })
            }
        }

        impl $connector {
            /// The parameters, `Name` apart.
            pub(super) const PARAMETERS: &'static [$crate::exchange::parameters::ConnectorParameter] = &[$(
                $crate::exchange::parameters::ConnectorParameter {
                    key: stringify!($field),
                    name: $cmdlet,
                    since: $crate::exchange::parameters::since!($($since)?),
                },
            )*];

            /// Every parameter by its cmdlet name with its value as `Format-List` shows it.
            pub fn properties(&self) -> Vec<(&'static str, String)> {
                let values = $crate::exchange::parameters::Values::of(|values| self.show(values));
                let values = values.into_iter().map(|(name, value)| (name, value.to_string()));
                std::iter::once(("Name", self.name.clone())).chain(values).collect()
            }

            /// Returns every parameter as somebody would give it.
            pub fn to_parameters(&self) -> $given {
                $given {
                    name: Some(self.name.clone()),
                    usage: None,
                    $($field: Some(self.$field.clone()),)*
                }
            }

            /// Shows `to` the value of each parameter, `Name` apart.
            pub(super) fn show(&self, to: &mut impl $crate::exchange::parameters::ShowParameters) {
                $(to.show($cmdlet, &self.$field);)*
            }
        }
    };
}

/// The Exchange that a parameter came with; the first where nothing is said.
macro_rules! since {
    () => {
        $crate::exchange::Profile::Exchange2007
    };
    ($since:ident) => {
        $crate::exchange::Profile::$since
    };
}

pub(super) use {parameters, since};

/// The values of a connector's parameters.
pub(super) struct Values(Vec<(&'static str, super::cmdlet::Value)>);

impl Values {
    /// Returns the values that `show` shows.
    pub(super) fn of(show: impl FnOnce(&mut Self)) -> Vec<(&'static str, super::cmdlet::Value)> {
        let mut values = Self(Vec::new());
        show(&mut values);
        values.0
    }
}

impl ShowParameters for Values {
    fn show<T: ToValue>(&mut self, name: &'static str, value: &T) {
        self.0.push((name, value.to_value()));
    }
}
