//! Certificates out of any bytes, and names in them, judged by rustls-webpki as well.

use std::net::IpAddr;

use rustls::pki_types::{CertificateDer, ServerName};
use starttls_lab::internal::name::covers;
use starttls_lab::internal::pki::{Certificate, KeyPair};
use webpki::EndEntityCert;

use super::source::Source;

/// Any bytes are a certificate that can be described, or an error; where webpki reads it as well, both see the
/// same names.
pub fn certificate(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(all) = Certificate::all_from_pem(&text) {
        all.iter().for_each(described);
    }
    let _ = (Certificate::from_pem(&text), KeyPair::from_pem(&text));
    let Ok(read) = Certificate::from_der(data) else { return };
    assert_eq!(read.der(), data);
    described(&read);
    let der = CertificateDer::from(data);
    let Ok(theirs) = EndEntityCert::try_from(&der) else { return };
    // A list of names with one in it that cannot be read is not read at all here (OpenSSL refuses the certificate).
    if read.other_san() && read.dns_names().is_empty() {
        return;
    }
    for name in theirs.valid_dns_names() {
        assert!(
            read.dns_names().iter().any(|known| known == name),
            "{name} is not in {:?}",
            read.dns_names()
        );
    }
}

fn described(read: &Certificate) {
    let _ = (read.thumbprint(), read.subject(), read.issuer(), read.serial_number(), read.version());
    let _ = (read.not_before(), read.not_after(), read.common_names(), read.other_san(), read.public_key());
    let _ = (read.is_self_signed(), read.is_ca(), read.is_for_servers(), read.may_be_used_in_handshakes());
    let _ = (read.has_outdated_signature(), read.path_length(), read.permits("mx.example.test"));
    let again = Certificate::from_pem(&read.to_pem());
    assert_eq!(again.as_ref(), Ok(read));
}

/// A certificate with any names covers any host here exactly where it does for webpki.
pub fn names(data: &[u8]) {
    let mut source = Source::new(data);
    let presented: Vec<_> = (0..=source.byte() % 3).map(|_| name(&mut source, true)).collect();
    let host = name(&mut source, false);
    // webpki wants a name to ask for that is one, and asks no more of it than that.
    let Ok(reference) = ServerName::try_from(host.as_str()) else { return };
    if host.parse::<IpAddr>().is_ok() || host.ends_with('.') {
        return;
    }
    // webpki refuses the whole list at the first name that is malformed, and a wildcard directly below a top-level
    // domain (OpenSSL does, too), where this crate goes by RFC 9525 alone.
    let well_formed = |name: &String| {
        ServerName::try_from(name.strip_prefix("*.").unwrap_or(name).to_owned())
            .is_ok_and(|it| matches!(it, ServerName::DnsName(_)))
    };
    let of_top_level = |name: &String| name.starts_with("*.") && name.matches('.').count() < 2;
    if presented.iter().any(|name| !well_formed(name) || of_top_level(name) || name.ends_with('.')) {
        return;
    }
    let der = with_names(&presented);
    let der = CertificateDer::from(der.as_slice());
    let theirs = EndEntityCert::try_from(&der).expect("a certificate");
    let theirs = theirs.verify_is_valid_for_subject_name(&reference).is_ok();
    let ours = presented.iter().any(|name| covers(name, &host).is_some());
    assert_eq!(ours, theirs, "{presented:?} for {host}");
    let read = Certificate::from_der(der.to_vec()).expect("a certificate");
    assert_eq!(read.dns_names(), presented);
}

const LABELS: [&str; 10] = ["mx", "a", "MX", "example", "test", "xn--bcher-kva", "m-x", "_dmarc", "1", ""];

/// A name of labels out of a few, so that names meet; now and then with an odd letter in it.
fn name(source: &mut Source<'_>, wildcard: bool) -> String {
    let count = usize::from(source.byte() % 5) + 1;
    let mut labels: Vec<_> = (0..count).map(|_| (*source.pick(&LABELS)).to_owned()).collect::<Vec<String>>();
    if wildcard && source.byte().is_multiple_of(3) {
        labels.insert(0, "*".to_owned());
    }
    let odd = source.byte();
    let mut name = labels.join(".");
    if odd >= 0xe0 {
        name.push(char::from(source.byte() & 0x7f));
    }
    name
}

/// An X.509 certificate with these dNSNames and a signature that nobody checks.
fn with_names(names: &[String]) -> Vec<u8> {
    const ECDSA_SHA256: &[u8] = &[0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    const P256: &[u8] =
        &[0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    let time = |text: &str| tlv(0x17, &[text.as_bytes()]);
    let names: Vec<_> = names.iter().map(|name| tlv(0x82, &[name.as_bytes()])).collect();
    let names: Vec<_> = names.iter().map(Vec::as_slice).collect();
    let san = tlv(0x30, &[&[6, 3, 0x55, 0x1d, 0x11], &tlv(4, &[&tlv(0x30, &names)])]);
    let to_be_signed = tlv(
        0x30,
        &[
            &tlv(0xa0, &[&[2, 1, 2]]),
            &[2, 1, 1],
            ECDSA_SHA256,
            &tlv(0x30, &[]),
            &tlv(0x30, &[&time("200101000000Z"), &time("400101000000Z")]),
            &tlv(0x30, &[]),
            &tlv(0x30, &[P256, &tlv(3, &[&[0, 4], &[1; 64]])]),
            &tlv(0xa3, &[&tlv(0x30, &[&san])]),
        ],
    );
    tlv(0x30, &[&to_be_signed, ECDSA_SHA256, &tlv(3, &[&[0, 0x30, 6, 2, 1, 1, 2, 1, 1]])])
}

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len();
    let mut out = vec![tag];
    match u8::try_from(length) {
        Ok(short @ 0..=0x7f) => out.push(short),
        Ok(long) => out.extend([0x81, long]),
        Err(_) => {
            out.push(0x82);
            out.extend(u16::try_from(length).expect("a short certificate").to_be_bytes());
        }
    }
    out.extend(content);
    out
}
