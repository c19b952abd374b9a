//! The TLS policy that a mail client is meant to follow, in Postfix's terms.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// The TLS policy that a mail client is meant to follow (postfix.org, TLS_README, "smtp_tls_security_level").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// No TLS.
    None,
    /// TLS where it is available (RFC 7435), with any certificate.
    May,
    /// TLS or no mail, with any certificate.
    Encrypt,
    /// TLS or no mail, with a certificate that is trusted and names the host.
    Verify,
    /// Like `Verify`, where the name does not come from an insecure DNS.
    Secure,
}

/// A word that names no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no policy; there are none, may, encrypt, verify and secure")]
pub struct UnknownPolicy(String);

impl Policy {
    /// All policies, the least demanding first.
    pub const ALL: [Self; 5] = [Self::None, Self::May, Self::Encrypt, Self::Verify, Self::Secure];

    /// Returns Postfix's word for the policy.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::May => "may",
            Self::Encrypt => "encrypt",
            Self::Verify => "verify",
            Self::Secure => "secure",
        }
    }

    /// Returns whether mail must not go in clear.
    pub const fn demands_tls(self) -> bool {
        matches!(self, Self::Encrypt | Self::Verify | Self::Secure)
    }

    /// Returns whether the certificate has to be verified.
    pub const fn demands_proof(self) -> bool {
        matches!(self, Self::Verify | Self::Secure)
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Policy {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<Self, UnknownPolicy> {
        let found = Self::ALL.into_iter().find(|policy| policy.as_str().eq_ignore_ascii_case(text.trim()));
        found.ok_or_else(|| UnknownPolicy(text.to_owned()))
    }
}
