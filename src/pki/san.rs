//! The subject alternative name (RFC 5280 section 4.2.1.6).

use std::net::IpAddr;

use rcgen::{CertificateParams, CustomExtension, SanType};

use super::template::Template;
use super::{PkiError, der};

/// 2.5.29.17.
const SUBJECT_ALT_NAME: [u64; 4] = [2, 5, 29, 17];
/// id-on-dnsSRV, 1.3.6.1.5.5.7.8.7 (RFC 4985 section 2).
const DNS_SRV: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 8, 7];

/// The tags of GeneralName: implicit, context-specific.
const OTHER_NAME: u8 = 0xa0;
const RFC822_NAME: u8 = 0x81;
const DNS_NAME: u8 = 0x82;
const URI: u8 = 0x86;
const IP_ADDRESS: u8 = 0x87;

/// Puts the names of `template` into `params`; by hand where there are some that rcgen refuses.
pub(super) fn put_into(params: &mut CertificateParams, template: &Template) -> Result<(), PkiError> {
    let dns_names = template.dns_names.iter().map(|name| ascii(name)).collect::<Result<Vec<_>, _>>()?;
    if template.raw_dns_names.is_empty() && template.srv_names.is_empty() {
        let text =
            |text: &str| text.try_into().map_err(|error: rcgen::Error| refused(text, &error.to_string()));
        for name in &dns_names {
            params.subject_alt_names.push(SanType::DnsName(text(name)?));
        }
        params.subject_alt_names.extend(template.ip_addresses.iter().copied().map(SanType::IpAddress));
        for address in &template.email_addresses {
            params.subject_alt_names.push(SanType::Rfc822Name(text(address)?));
        }
        for uri in &template.uris {
            params.subject_alt_names.push(SanType::URI(text(uri)?));
        }
        return Ok(());
    }
    let texts = |tag: u8, texts: &[String]| -> Vec<Vec<u8>> {
        texts.iter().map(|text| der::write(tag, &[text.as_bytes()])).collect()
    };
    let names = [
        texts(DNS_NAME, &dns_names),
        texts(DNS_NAME, &template.raw_dns_names),
        template.ip_addresses.iter().map(|address| der::write(IP_ADDRESS, &[&bytes(*address)])).collect(),
        texts(RFC822_NAME, &template.email_addresses),
        texts(URI, &template.uris),
        template.srv_names.iter().map(|name| srv_name(name)).collect(),
    ]
    .concat();
    let names: Vec<_> = names.iter().map(Vec::as_slice).collect();
    let content = der::write(der::SEQUENCE, &names);
    let mut extension = CustomExtension::from_oid_content(&SUBJECT_ALT_NAME, content);
    extension.set_criticality(template.subject.is_empty());
    params.custom_extensions.push(extension);
    Ok(())
}

/// `otherName` with an SRVName, which is an IA5String (RFC 4985 section 2).
fn srv_name(name: &str) -> Vec<u8> {
    let value = der::write(0xa0, &[&der::write(der::IA5_STRING, &[name.as_bytes()])]);
    der::write(OTHER_NAME, &[&der::write(der::OID, &[DNS_SRV]), &value])
}

fn bytes(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

fn ascii(name: &str) -> Result<String, PkiError> {
    if name.is_ascii() {
        return Ok(name.to_owned());
    }
    idna::domain_to_ascii(name).map_err(|_| refused(name, "it is not ASCII and has no IDNA form (RFC 5891)"))
}

fn refused(name: &str, problem: &str) -> PkiError {
    PkiError::DnsName { name: name.to_owned(), problem: problem.to_owned() }
}
