//! Combines what every source says about a certificate into one description.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::tz::Offset;

use super::date::{self, Order};
use super::material::Filed;
use super::nrbf;
use super::record::{Field, Record};
use super::table::is_thumbprint;
use super::text::dense;
use crate::exchange::{ChainStatus, PrivateKey, Services};
use crate::pki::{Certificate, KeyAlgorithm};
use crate::scenario::RootSpec;

/// The known properties of a certificate; `None` for those that no source gave.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) thumbprint: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) issuer: Option<String>,
    pub(super) names: Option<Vec<String>>,
    /// True if the list of names was cut.
    pub(super) names_cut: bool,
    pub(super) addresses: Vec<std::net::IpAddr>,
    pub(super) not_before: Option<Timestamp>,
    pub(super) not_after: Option<Timestamp>,
    pub(super) services: Option<Services>,
    pub(super) key: Option<PrivateKey>,
    pub(super) chain: Option<ChainStatus>,
    pub(super) root: Option<RootSpec>,
    pub(super) algorithm: Option<KeyAlgorithm>,
    pub(super) self_signed: Option<bool>,
    pub(super) version: Option<u8>,
    pub(super) outdated: bool,
    pub(super) ca: bool,
    /// True if it may not serve as a server's.
    pub(super) not_for_servers: bool,
    /// The computer that it was listed on.
    pub(super) server: Option<String>,
    /// True if the certificate itself was read, and nothing in it is guessed.
    pub(super) exact: bool,
    /// True if `Get-ExchangeCertificate` listed it.
    pub(super) listed: bool,
    /// True if it is a request that no authority has answered, and no certificate yet.
    pub(super) is_request: bool,
    /// Notes on findings that no field above can hold.
    pub(super) notes: Vec<String>,
    /// Parts of its status that the lab does not have.
    pub(super) left_out: Vec<String>,
}

/// The rules by which written dates are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub(super) order: Order,
    pub(super) offset: Offset,
}

impl Known {
    /// Describes the certificate itself.
    pub(super) fn of(certificate: &Certificate) -> Self {
        let bits = certificate.public_key();
        Self {
            thumbprint: Some(certificate.thumbprint().to_string()),
            subject: Some(certificate.subject().to_owned()),
            issuer: Some(certificate.issuer().to_owned()),
            names: Some(certificate.dns_names().to_vec()),
            addresses: certificate.ip_addresses().to_vec(),
            not_before: Some(certificate.not_before()),
            not_after: Some(certificate.not_after()),
            algorithm: algorithm(&bits.algorithm, bits.bits),
            self_signed: Some(certificate.is_self_signed()),
            version: Some(certificate.version()),
            outdated: certificate.has_outdated_signature(),
            ca: certificate.is_ca(),
            not_for_servers: !certificate.is_for_servers(),
            exact: true,
            notes: certificate.other_san().then(|| OTHER_NAMES.to_owned()).into_iter().collect(),
            ..Self::default()
        }
    }

    pub(super) fn filed(filed: &Filed) -> Self {
        let mut known = Self::of(&filed.certificate);
        known.key = match filed.has_key {
            Some(true) => Some(PrivateKey::Present),
            Some(false) => Some(PrivateKey::Missing),
            None => None,
        };
        known
    }

    /// Describes an object of `Get-ExchangeCertificate`.
    pub(super) fn of_record(record: &Record, clock: Clock) -> Self {
        let mut known = raw(record).map(|certificate| Self::of(&certificate)).unwrap_or_default();
        known.shown(record, clock);
        if let Some(blob) =
            record.text(&["SerializationData"]).and_then(|text| STANDARD.decode(dense(&text)).ok())
        {
            known.serialized(&blob);
        }
        if let Some(server) = record.text(&["PSComputerName"]) {
            known.server.get_or_insert(server);
        }
        known.listed = true;
        known
    }

    /// Takes over what the properties say, as far as the certificate itself does not.
    fn shown(&mut self, record: &Record, clock: Clock) {
        let text =
            |name: &str| record.text(&[name]).filter(|text| !text.ends_with("...") || name == "Services");
        if self.thumbprint.is_none() {
            self.thumbprint = text("Thumbprint").map(|text| thumbprint(&text));
        }
        if !self.exact {
            self.subject = text("Subject");
            self.issuer = text("Issuer");
            let names = ["CertificateDomains", "DnsNameList", "Domains"];
            let names = names.into_iter().find_map(|name| record.get(name).filter(|it| **it != Field::Lost));
            self.names_cut = names.is_some_and(Field::is_cut);
            self.names = names.map(|names| names.items().iter().map(|name| dense(name)).collect());
            let instant = |name: &str| date::instant(date::read(&text(name)?)?, clock.order, clock.offset);
            (self.not_before, self.not_after) = (instant("NotBefore"), instant("NotAfter"));
            self.self_signed = record.get("IsSelfSigned").and_then(Field::as_bool);
            let bits = text("PublicKeySize").and_then(|bits| bits.parse().ok());
            self.algorithm = bits.and_then(of_size);
        }
        self.services = text("Services").and_then(|text| services(&text));
        let key = record.get("HasPrivateKey").and_then(Field::as_bool);
        self.key = key.map(|has| if has { PrivateKey::Present } else { PrivateKey::Missing });
        if let Some(status) = text("Status") {
            self.status(&status);
        }
        if let Some(root) = text("RootCAType") {
            self.root(&root);
        }
        self.server = record.text(&["Identity"]).and_then(|identity| of_identity(&identity));
    }

    /// Takes over what only the serialized object holds.
    fn serialized(&mut self, blob: &[u8]) {
        let Some(members) = nrbf::members(blob) else {
            self.notes.push("its SerializationData cannot be read".to_owned());
            return;
        };
        let number = |name: &str| match members.get(name) {
            Some(nrbf::Value::Number(number)) => Some(*number),
            _ => None,
        };
        if let Some(nrbf::Value::Bytes(bytes)) = members.get("CertData") {
            let (der, key) = nrbf::stored(bytes).map_or((bytes.clone(), None), |(der, key)| (der, Some(key)));
            if !self.exact
                && let Ok(certificate) = Certificate::from_der(der)
            {
                *self = Self { services: self.services, key: self.key, ..Self::of(&certificate) };
            }
            if self.key.is_none() {
                self.key = key.map(|key| if key { PrivateKey::Present } else { PrivateKey::Missing });
            }
        }
        let services = number("Services").and_then(|bits| services(&bits.to_string()));
        self.services = services.or(self.services);
        if let Some(status) = number("Status") {
            self.status(&status.to_string());
        }
        if let Some(root) = number("RootCAType") {
            self.root(&root.to_string());
        }
        if let Some(nrbf::Value::Text(identity)) = members.get("Identity")
            && let Some(server) = of_identity(identity)
        {
            self.server = Some(server);
        }
    }

    /// Reads the words of the `Get-ExchangeCertificate` page. Of the numbers behind them 1 was seen; the
    /// others follow from the order that the enum has in published scripts.
    fn status(&mut self, status: &str) {
        match status.trim().to_ascii_lowercase().as_str() {
            "valid" | "1" => self.chain = Some(ChainStatus::Valid),
            "revoked" | "2" => self.chain = Some(ChainStatus::Revoked),
            "untrusted" | "4" => self.chain = Some(ChainStatus::Untrusted),
            "revocationcheckfailure" | "6" => {
                self.chain = Some(ChainStatus::Valid);
                self.left_out.push(
                    "its Status is RevocationCheckFailure, so this server cannot reach the lists of the \
                     authority; what Exchange does then is not known, and it is taken for valid"
                        .to_owned(),
                );
            }
            "pendingrequest" | "7" => self.is_request = true,
            // Without its key it is invalid for that.
            "invalid" | "5" if self.key == Some(PrivateKey::Missing) => {}
            "invalid" | "5" => self
                .left_out
                .push("its Status is Invalid, which does not say why; it is taken for valid".to_owned()),
            "dateinvalid" | "3" => self.chain = Some(ChainStatus::Valid),
            _ => {}
        }
    }

    fn root(&mut self, root: &str) {
        self.root = match root.trim().to_ascii_lowercase().as_str() {
            "thirdparty" | "1" => Some(RootSpec::Lab),
            "enterprise" | "grouppolicy" | "2" | "4" => Some(RootSpec::Private),
            // A root that an administrator put on this computer; its own self-signed certificate is shown so
            // as well.
            "registry" | "3" => Some(RootSpec::Private),
            _ => None,
        };
    }

    /// Adds what another source says of the same certificate; what is known exactly stays.
    pub(super) fn join(&mut self, other: Self) {
        if other.exact && !self.exact {
            let mine = std::mem::replace(self, other);
            self.join(mine);
            return;
        }
        macro_rules! fill {
            ($($field:ident),*) => { $(if self.$field.is_none() { self.$field = other.$field; })* };
        }
        if self.names.is_none() || (self.names_cut && !other.names_cut && other.names.is_some()) {
            (self.names, self.names_cut) = (other.names, other.names_cut);
        }
        fill!(
            thumbprint,
            subject,
            issuer,
            not_before,
            not_after,
            services,
            key,
            chain,
            root,
            algorithm,
            self_signed,
            version,
            server
        );
        self.listed |= other.listed;
        self.is_request &= other.is_request;
        self.notes.extend(other.notes);
        self.left_out.extend(other.left_out);
    }

    /// Returns whether both describe one certificate.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (&self.thumbprint, &other.thumbprint) {
            (Some(mine), Some(theirs)) => mine == theirs,
            _ => false,
        }
    }

    /// Returns the first common name of the subject, as far as it can be read.
    pub(super) fn common_name(&self) -> Option<String> {
        let subject = self.subject.as_deref()?;
        if let Ok(name) = subject.parse::<crate::pki::DistinguishedName>() {
            return name.common_names().next().map(str::to_owned);
        }
        let (_, rest) = subject.split_once("CN=")?;
        Some(rest.split(',').next().unwrap_or_default().trim().to_owned())
    }
}

const OTHER_NAMES: &str =
    "its alternative names hold more than DNS names and addresses, which the stand-in leaves out";

fn raw(record: &Record) -> Option<Certificate> {
    let text = record.text(&["RawData", "Raw"])?;
    let bytes = STANDARD.decode(dense(&text)).ok()?;
    Certificate::from_der(bytes).ok()
}

/// Reads the services by name or by number.
pub(super) fn services(text: &str) -> Option<Services> {
    const EACH: [Services; 7] = [
        Services::IMAP,
        Services::POP,
        Services::UM,
        Services::IIS,
        Services::SMTP,
        Services::FEDERATION,
        Services::UM_CALL_ROUTER,
    ];
    let text = dense(text);
    if let Ok(bits) = text.parse::<u8>() {
        let set = EACH.into_iter().filter(|flag| flag.bits() & bits != 0);
        return Some(set.fold(Services::NONE, Services::and));
    }
    text.parse().ok()
}

/// Returns the server in an identity such as `ex01.contoso.com\0011...`.
fn of_identity(identity: &str) -> Option<String> {
    let (server, thumbprint) = identity.rsplit_once('\\')?;
    is_thumbprint(thumbprint).then(|| server.to_owned())
}

fn algorithm(name: &str, bits: usize) -> Option<KeyAlgorithm> {
    match (name, bits) {
        ("RSA", bits) => of_size(bits),
        ("ECDSA", 256) => Some(KeyAlgorithm::EcdsaP256),
        ("ECDSA", 384) => Some(KeyAlgorithm::EcdsaP384),
        ("ECDSA", 521) => Some(KeyAlgorithm::EcdsaP521),
        ("Ed25519", _) => Some(KeyAlgorithm::Ed25519),
        _ => None,
    }
}

/// Returns the key algorithm by `PublicKeySize`, which tells RSA and ECDSA apart.
fn of_size(bits: usize) -> Option<KeyAlgorithm> {
    match bits {
        256 => Some(KeyAlgorithm::EcdsaP256),
        384 => Some(KeyAlgorithm::EcdsaP384),
        521 => Some(KeyAlgorithm::EcdsaP521),
        1..=1024 => Some(KeyAlgorithm::Rsa1024),
        1025..=2048 => Some(KeyAlgorithm::Rsa2048),
        2049..=3072 => Some(KeyAlgorithm::Rsa3072),
        3073.. => Some(KeyAlgorithm::Rsa4096),
        0 => None,
    }
}

/// Returns a thumbprint without spaces. What was pasted right below the last property may have been read as the rest
/// of its value, and a thumbprint has forty digits.
fn thumbprint(text: &str) -> String {
    let dense = dense(text).to_uppercase();
    match dense.get(..40) {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => digits.to_owned(),
        Some(_) | None => dense,
    }
}
