//! Connectors as lists of parameters: one list makes the connector, what a file or a cmdlet may give,
//! and what `Format-List` shows.

use super::flags::{AuthMechanism, PermissionGroups};
use super::receive_connector::{MessageRateSource, ProtocolLoggingLevel, SizeMode, TransportRole};
use super::values::{ByteSize, Nullable, TimeSpan, Unlimited};

/// Defines a connector, the part of it that somebody gave, and the way from one to the other.
macro_rules! parameters {
    (
        $(#[$about:meta])* connector $connector:ident;
        $(#[$about_given:meta])* given $given:ident;
        $(#[$about_usage:meta])* usage $usage:ty;
        $($(#[$doc:meta])* $field:ident: $type:ty = $cmdlet:literal;)*
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
        }

        impl $connector {
            /// Every parameter by its cmdlet name with its value as `Format-List` shows it.
            pub fn properties(&self) -> Vec<(&'static str, String)> {
                use crate::exchange::parameters::Shown as _;
                vec![("Name", self.name.clone()), $(($cmdlet, self.$field.shown())),*]
            }
        }
    };
}

pub(super) use parameters;

/// A value as `Format-List` shows it.
pub(super) trait Shown {
    fn shown(&self) -> String;
}

impl Shown for bool {
    fn shown(&self) -> String {
        if *self { "True" } else { "False" }.to_owned()
    }
}

impl<T: std::fmt::Display> Shown for Vec<T> {
    fn shown(&self) -> String {
        format!("{{{}}}", self.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
    }
}

impl<T: std::fmt::Display> Shown for Nullable<T> {
    fn shown(&self) -> String {
        self.to_string()
    }
}

macro_rules! shown {
    (by display: $($type:ty),*; by debug: $($name:ty),*) => {
        $(impl Shown for $type {
            fn shown(&self) -> String {
                self.to_string()
            }
        })*
        $(impl Shown for $name {
            fn shown(&self) -> String {
                format!("{self:?}")
            }
        })*
    };
}

shown! {
    by display: u16, u32, AuthMechanism, PermissionGroups, ByteSize, Unlimited, TimeSpan;
    by debug: SizeMode, MessageRateSource, ProtocolLoggingLevel, TransportRole
}
