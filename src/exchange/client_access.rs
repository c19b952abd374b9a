//! The services for mail clients beside SMTP, as far as they choose a certificate.

use std::fmt;

use super::computer::Computer;
use super::flags::Services;
use super::store::{CertificateFacts, StoredCertificate};

/// A service for mail clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientService {
    /// IMAP4, of `Get-ImapSettings`.
    Imap,
    /// POP3, of `Get-PopSettings`.
    Pop,
}

/// The `X509CertificateName` of each service, the name by which it finds its certificate; `None` where no cmdlet and
/// no lab file has set it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientCertificateNames {
    /// That of IMAP4.
    pub imap: Option<String>,
    /// That of POP3.
    pub pop: Option<String>,
}

impl ClientService {
    /// Both services.
    pub const ALL: [Self; 2] = [Self::Imap, Self::Pop];

    /// Returns the flag of a certificate that is enabled for the service.
    pub const fn flag(self) -> Services {
        match self {
            Self::Imap => Services::IMAP,
            Self::Pop => Services::POP,
        }
    }
}

/// Writes the name as the warning about wildcards has it.
impl fmt::Display for ClientService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Imap => "IMAP",
            Self::Pop => "POP",
        })
    }
}

impl ClientCertificateNames {
    /// Returns the place of a service's name.
    pub fn of_mut(&mut self, service: ClientService) -> &mut Option<String> {
        match service {
            ClientService::Imap => &mut self.imap,
            ClientService::Pop => &mut self.pop,
        }
    }
}

impl Computer {
    /// Returns the `X509CertificateName` of a service. Until something sets it, it is the name of the certificate that
    /// was enabled for the service last, which `Enable-ExchangeCertificate` puts there (KB 948896), or else that of the
    /// computer (inferred from the certificate that setup makes).
    pub fn client_certificate_name(&self, service: ClientService) -> String {
        let set = match service {
            ClientService::Imap => &self.client_certificate_names.imap,
            ClientService::Pop => &self.client_certificate_names.pop,
        };
        let enabled = |stored: &&StoredCertificate| stored.services.contains(service.flag());
        let last =
            self.store.iter().filter(enabled).filter_map(|stored| stored.facts.client_name()).next_back();
        set.as_deref().or(last).unwrap_or(&self.name).to_owned()
    }
}

impl CertificateFacts {
    /// Returns the common name, or else the first alternative name.
    pub fn first_name(&self) -> Option<&str> {
        self.common_names.iter().chain(&self.dns_names).map(String::as_str).next()
    }

    /// Returns the name by which services for mail clients find the certificate; `None` if its subject is a wildcard.
    pub fn client_name(&self) -> Option<&str> {
        self.first_name().filter(|name| !name.starts_with("*."))
    }
}
