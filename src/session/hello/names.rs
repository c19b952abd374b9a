//! The IANA names of the numbers in a ClientHello (<https://www.iana.org/assignments/tls-parameters>,
//! <https://www.iana.org/assignments/tls-extensiontype-values>).

use std::borrow::Cow;

use super::suites::SUITES;

/// Returns the name of a version, such as `TLSv1.2` or `SSLv3`.
pub(super) fn version(number: u16) -> Cow<'static, str> {
    named(VERSIONS, number)
}

/// Looks up the registry "TLS Cipher Suites".
pub(super) fn suite(number: u16) -> Cow<'static, str> {
    named(SUITES, number)
}

/// Looks up the registry "TLS Supported Groups".
pub(super) fn group(number: u16) -> Cow<'static, str> {
    named(GROUPS, number)
}

/// Looks up the registry "TLS SignatureScheme", and the older pairs of RFC 5246 section 7.4.1.4.1.
pub(super) fn scheme(number: u16) -> Cow<'static, str> {
    named(SCHEMES, number)
}

/// Looks up the registry "TLS ExtensionType Values".
pub(super) fn extension(number: u16) -> Cow<'static, str> {
    named(EXTENSIONS, number)
}

/// Looks up the registry "TLS Compression Method Identifiers".
pub(super) fn compression(number: u8) -> Cow<'static, str> {
    match number {
        0 => "null".into(),
        1 => "DEFLATE".into(),
        64 => "LZS".into(),
        other => format!("0x{other:02x}").into(),
    }
}

/// Returns whether `number` is a reserved value that means nothing and keeps servers tolerant (RFC 8701).
pub(super) const fn is_grease(number: u16) -> bool {
    number & 0x0f0f == 0x0a0a && number >> 8 == number & 0xff
}

fn named(table: &'static [(u16, &'static str)], number: u16) -> Cow<'static, str> {
    match table.binary_search_by_key(&number, |row| row.0).ok().and_then(|at| table.get(at)) {
        Some((_, name)) => Cow::Borrowed(name),
        None if is_grease(number) => Cow::Borrowed("GREASE"),
        None => format!("0x{number:04x}").into(),
    }
}

#[rustfmt::skip]
const VERSIONS: &[(u16, &str)] = &[
    (0x0002, "SSLv2"),
    (0x0300, "SSLv3"),
    (0x0301, "TLSv1.0"),
    (0x0302, "TLSv1.1"),
    (0x0303, "TLSv1.2"),
    (0x0304, "TLSv1.3"),
];

#[rustfmt::skip]
const GROUPS: &[(u16, &str)] = &[
    (1, "sect163k1"), (2, "sect163r1"), (3, "sect163r2"), (4, "sect193r1"), (5, "sect193r2"),
    (6, "sect233k1"), (7, "sect233r1"), (8, "sect239k1"), (9, "sect283k1"), (10, "sect283r1"),
    (11, "sect409k1"), (12, "sect409r1"), (13, "sect571k1"), (14, "sect571r1"), (15, "secp160k1"),
    (16, "secp160r1"), (17, "secp160r2"), (18, "secp192k1"), (19, "secp192r1"), (20, "secp224k1"),
    (21, "secp224r1"), (22, "secp256k1"), (23, "secp256r1"), (24, "secp384r1"), (25, "secp521r1"),
    (26, "brainpoolP256r1"), (27, "brainpoolP384r1"), (28, "brainpoolP512r1"), (29, "x25519"),
    (30, "x448"), (31, "brainpoolP256r1tls13"), (32, "brainpoolP384r1tls13"),
    (33, "brainpoolP512r1tls13"), (34, "GC256A"), (35, "GC256B"), (36, "GC256C"), (37, "GC256D"),
    (38, "GC512A"), (39, "GC512B"), (40, "GC512C"), (41, "curveSM2"), (256, "ffdhe2048"),
    (257, "ffdhe3072"), (258, "ffdhe4096"), (259, "ffdhe6144"), (260, "ffdhe8192"),
    (512, "MLKEM512"), (513, "MLKEM768"), (514, "MLKEM1024"), (4587, "SecP256r1MLKEM768"),
    (4588, "X25519MLKEM768"), (4589, "SecP384r1MLKEM1024"), (25497, "X25519Kyber768Draft00"),
];

#[rustfmt::skip]
const SCHEMES: &[(u16, &str)] = &[
    (0x0101, "rsa_pkcs1_md5"), (0x0201, "rsa_pkcs1_sha1"), (0x0202, "dsa_sha1"), (0x0203, "ecdsa_sha1"),
    (0x0301, "rsa_pkcs1_sha224"), (0x0302, "dsa_sha224"), (0x0303, "ecdsa_sha224"),
    (0x0401, "rsa_pkcs1_sha256"), (0x0402, "dsa_sha256"), (0x0403, "ecdsa_secp256r1_sha256"),
    (0x0501, "rsa_pkcs1_sha384"), (0x0502, "dsa_sha384"), (0x0503, "ecdsa_secp384r1_sha384"),
    (0x0601, "rsa_pkcs1_sha512"), (0x0602, "dsa_sha512"), (0x0603, "ecdsa_secp521r1_sha512"),
    (0x0708, "sm2sig_sm3"), (0x0804, "rsa_pss_rsae_sha256"), (0x0805, "rsa_pss_rsae_sha384"),
    (0x0806, "rsa_pss_rsae_sha512"), (0x0807, "ed25519"), (0x0808, "ed448"),
    (0x0809, "rsa_pss_pss_sha256"), (0x080a, "rsa_pss_pss_sha384"), (0x080b, "rsa_pss_pss_sha512"),
    (0x081a, "ecdsa_brainpoolP256r1tls13_sha256"), (0x081b, "ecdsa_brainpoolP384r1tls13_sha384"),
    (0x081c, "ecdsa_brainpoolP512r1tls13_sha512"), (0x0904, "mldsa44"), (0x0905, "mldsa65"),
    (0x0906, "mldsa87"),
];

#[rustfmt::skip]
const EXTENSIONS: &[(u16, &str)] = &[
    (0, "server_name"), (1, "max_fragment_length"), (2, "client_certificate_url"),
    (3, "trusted_ca_keys"), (4, "truncated_hmac"), (5, "status_request"), (6, "user_mapping"),
    (7, "client_authz"), (8, "server_authz"), (9, "cert_type"), (10, "supported_groups"),
    (11, "ec_point_formats"), (12, "srp"), (13, "signature_algorithms"), (14, "use_srtp"),
    (15, "heartbeat"), (16, "application_layer_protocol_negotiation"), (17, "status_request_v2"),
    (18, "signed_certificate_timestamp"), (19, "client_certificate_type"),
    (20, "server_certificate_type"), (21, "padding"), (22, "encrypt_then_mac"),
    (23, "extended_master_secret"), (24, "token_binding"), (25, "cached_info"), (27, "compress_certificate"),
    (28, "record_size_limit"), (34, "delegated_credential"), (35, "session_ticket"),
    (41, "pre_shared_key"), (42, "early_data"), (43, "supported_versions"), (44, "cookie"),
    (45, "psk_key_exchange_modes"), (47, "certificate_authorities"), (48, "oid_filters"),
    (49, "post_handshake_auth"), (50, "signature_algorithms_cert"), (51, "key_share"),
    (57, "quic_transport_parameters"), (0x3374, "next_protocol_negotiation"),
    (0xfe0d, "encrypted_client_hello"), (0xff01, "renegotiation_info"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_sorted_so_that_it_can_be_searched() {
        for table in [VERSIONS, SUITES, GROUPS, SCHEMES, EXTENSIONS] {
            assert!(table.is_sorted_by(|one, other| one.0 < other.0), "{:?}", table.first());
        }
    }

    #[test]
    fn a_number_has_its_name_or_is_shown_as_it_is() {
        assert_eq!(suite(0xc028), "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384");
        assert_eq!((group(29), scheme(0x0804)), ("x25519".into(), "rsa_pss_rsae_sha256".into()));
        assert_eq!((version(0x0301), extension(51)), ("TLSv1.0".into(), "key_share".into()));
        assert_eq!((suite(0xfefe), compression(2)), ("0xfefe".into(), "0x02".into()));
        for grease in [0x0a0a, 0x8a8a, 0xfafa] {
            assert_eq!((group(grease), suite(grease)), ("GREASE".into(), "GREASE".into()));
        }
        assert!(!is_grease(0x0a1a) && !is_grease(0x0b0b));
    }
}
