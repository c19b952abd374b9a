//! The little RSA (RFC 8017) that no cryptographic provider does any more: keys of 1024 bits, and signatures
//! over SHA-1 and MD5.
//!
//! It signs and never decrypts, its keys live as long as a lab, and to be weak is what they are for: that
//! the arithmetic takes longer for some keys than for others gives nothing away that is worth having.

use md5::Md5;
use num_bigint::BigUint;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::der;

/// A private RSA key that signs by itself.
#[derive(Clone, PartialEq, Eq)]
pub struct RsaKey {
    modulus: BigUint,
    exponent: BigUint,
    /// The primes, greater first.
    primes: [BigUint; 2],
    private_exponent: BigUint,
}

impl std::fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RsaKey({} bits, secret)", self.bits())
    }
}

/// A hash with the beginning of its `DigestInfo` (RFC 8017 section 9.2, note 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Md5,
    Sha1,
    Sha256,
}

/// 65537, as everybody has it.
const EXPONENT: u32 = 65_537;
/// Rounds of Miller and Rabin; a random candidate needs fewer (FIPS 186-5 appendix B.3).
const ROUNDS: u32 = 24;

impl RsaKey {
    /// A key of `bits` bits, all of which follows from `seed`.
    pub(super) fn generate(bits: usize, seed: &[u8]) -> Self {
        let mut bytes = mask(seed);
        loop {
            let (p, q) = (prime(bits / 2, &mut bytes), prime(bits / 2, &mut bytes));
            if let Some(key) = Self::of_primes(p, q) {
                return key;
            }
        }
    }

    fn of_primes(p: BigUint, q: BigUint) -> Option<Self> {
        let (p, q) = if p > q { (p, q) } else { (q, p) };
        let (exponent, one) = (BigUint::from(EXPONENT), BigUint::from(1u8));
        let private_exponent = exponent.modinv(&((&p - &one) * (&q - &one)))?;
        (p != q).then(|| Self { modulus: &p * &q, exponent, primes: [p, q], private_exponent })
    }

    /// Reads a PKCS#8 `PrivateKeyInfo` (RFC 5958) around an `RSAPrivateKey` (RFC 8017 appendix A.1.2).
    pub(super) fn from_pkcs8(pkcs8: &[u8]) -> Option<Self> {
        let (info, _) = der::read(pkcs8)?;
        let mut parts = der::elements(info.content);
        let algorithm = parts.nth(1)?;
        let (identifier, _) = der::read(algorithm.content)?;
        let inner = parts.next().filter(|part| part.tag == der::OCTET_STRING)?;
        let (key, _) = der::read(inner.content).filter(|_| identifier.content == RSA_ENCRYPTION)?;
        let numbers: Vec<_> =
            der::elements(key.content).map(|part| BigUint::from_bytes_be(part.content)).collect();
        let [_, modulus, exponent, private_exponent, p, q, ..] = numbers.as_slice() else { return None };
        (p * q == *modulus).then(|| Self {
            modulus: modulus.clone(),
            exponent: exponent.clone(),
            primes: [p.clone(), q.clone()],
            private_exponent: private_exponent.clone(),
        })
    }

    pub(super) fn to_pkcs8(&self) -> Vec<u8> {
        let [p, q] = &self.primes;
        let one = BigUint::from(1u8);
        let rest = |prime: &BigUint| &self.private_exponent % (prime - &one);
        let coefficient = q.modinv(p).unwrap_or_default();
        let numbers = [
            &BigUint::default(),
            &self.modulus,
            &self.exponent,
            &self.private_exponent,
            p,
            q,
            &rest(p),
            &rest(q),
            &coefficient,
        ];
        let numbers: Vec<_> = numbers.into_iter().map(integer).collect();
        let numbers: Vec<_> = numbers.iter().map(Vec::as_slice).collect();
        wrap(RSA_ENCRYPTION, &der::write(der::NULL, &[]), &der::write(der::SEQUENCE, &numbers))
    }

    /// `RSAPublicKey` (RFC 8017 appendix A.1.1).
    pub(super) fn public_key(&self) -> Vec<u8> {
        der::write(der::SEQUENCE, &[&integer(&self.modulus), &integer(&self.exponent)])
    }

    /// The length of the modulus.
    pub fn bits(&self) -> usize {
        self.modulus.bits() as usize
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2), as TLS 1.2 uses it.
    pub fn sign_pkcs1_sha256(&self, message: &[u8]) -> Vec<u8> {
        self.sign_pkcs1(Hash::Sha256, message)
    }

    /// RSASSA-PSS with SHA-256 and a salt of its length (RFC 8446 section 4.2.3).
    ///
    /// The salt is derived, which section 8.1 of RFC 8017 allows: nothing is drawn at random.
    pub fn sign_pss_sha256(&self, message: &[u8]) -> Vec<u8> {
        let hash = Sha256::digest(message);
        let secret = self.private_exponent.to_bytes_be();
        let salt = Sha256::new().chain_update(secret).chain_update(hash).finalize();
        let bits = self.bits() - 1;
        let length = bits.div_ceil(8);
        let seal = Sha256::new().chain_update([0; 8]).chain_update(hash).chain_update(salt).finalize();
        // maskedDB || H || 0xbc (RFC 8017 section 9.1.1)
        let mut block = vec![0; length - seal.len() - salt.len() - 2];
        block.push(1);
        block.extend_from_slice(&salt);
        block.iter_mut().zip(mask(&seal)).for_each(|(byte, mask)| *byte ^= mask);
        if let Some(first) = block.first_mut() {
            *first &= 0xff >> (8 * length - bits);
        }
        block.extend_from_slice(&seal);
        block.push(0xbc);
        self.apply(&block)
    }

    pub(super) fn sign_pkcs1(&self, hash: Hash, message: &[u8]) -> Vec<u8> {
        let info = hash.digest_info(message);
        let length = self.bits().div_ceil(8);
        let mut block = vec![0, 1];
        block.resize(length.saturating_sub(info.len() + 1), 0xff);
        block.push(0);
        block.extend_from_slice(&info);
        self.apply(&block)
    }

    /// RSASP1 (RFC 8017 section 5.2.1).
    fn apply(&self, block: &[u8]) -> Vec<u8> {
        let signature = BigUint::from_bytes_be(block).modpow(&self.private_exponent, &self.modulus);
        let bytes = signature.to_bytes_be();
        let mut padded = vec![0; self.bits().div_ceil(8).saturating_sub(bytes.len())];
        padded.extend_from_slice(&bytes);
        padded
    }
}

impl Hash {
    /// `AlgorithmIdentifier` of an RSA signature over it: 1.2.840.113549.1.1.4, .5 and .11 (RFC 8017 appendix C).
    pub(super) fn signature_algorithm(self) -> Vec<u8> {
        let last = match self {
            Self::Md5 => 4,
            Self::Sha1 => 5,
            Self::Sha256 => 11,
        };
        let identifier = [&RSA_ENCRYPTION[..RSA_ENCRYPTION.len() - 1], &[last]].concat();
        let identifier = der::write(der::OID, &[&identifier]);
        der::write(der::SEQUENCE, &[&identifier, &der::write(der::NULL, &[])])
    }

    fn digest_info(self, message: &[u8]) -> Vec<u8> {
        let (identifier, digest) = match self {
            Self::Md5 => (MD5, Md5::digest(message).to_vec()),
            Self::Sha1 => (SHA1, Sha1::digest(message).to_vec()),
            Self::Sha256 => (SHA256, Sha256::digest(message).to_vec()),
        };
        let identifier = der::write(der::OID, &[identifier]);
        let algorithm = der::write(der::SEQUENCE, &[&identifier, &der::write(der::NULL, &[])]);
        der::write(der::SEQUENCE, &[&algorithm, &der::write(der::OCTET_STRING, &[&digest])])
    }
}

/// 1.2.840.113549.1.1.1 (RFC 8017 appendix A.1).
pub(super) const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
/// 1.2.840.113549.2.5 (RFC 8017 appendix B.1).
const MD5: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 5];
/// 1.3.14.3.2.26.
const SHA1: &[u8] = &[0x2b, 14, 3, 2, 26];
/// 2.16.840.1.101.3.4.2.1.
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 101, 3, 4, 2, 1];

/// `PrivateKeyInfo` of RFC 5958 around a key of an older format.
pub(super) fn wrap(algorithm: &[u8], parameters: &[u8], key: &[u8]) -> Vec<u8> {
    let algorithm = der::write(der::SEQUENCE, &[&der::write(der::OID, &[algorithm]), parameters]);
    let version = der::write(der::INTEGER, &[&[0]]);
    der::write(der::SEQUENCE, &[&version, &algorithm, &der::write(der::OCTET_STRING, &[key])])
}

fn integer(number: &BigUint) -> Vec<u8> {
    der::unsigned(&number.to_bytes_be())
}

/// MGF1 with SHA-256 (RFC 8017 appendix B.2.1).
fn mask(seed: &[u8]) -> impl Iterator<Item = u8> {
    (0u32..).flat_map(move |counter| {
        Sha256::new().chain_update(seed).chain_update(counter.to_be_bytes()).finalize()
    })
}

fn prime(bits: usize, bytes: &mut dyn Iterator<Item = u8>) -> BigUint {
    loop {
        let mut candidate: Vec<_> = bytes.take(bits.div_ceil(8)).collect();
        // Both top bits, so that the product has all the bits it should; and odd.
        candidate.first_mut().into_iter().for_each(|first| *first |= 0xc0);
        candidate.last_mut().into_iter().for_each(|last| *last |= 1);
        let candidate = BigUint::from_bytes_be(&candidate);
        if is_prime(&candidate, bytes) {
            return candidate;
        }
    }
}

fn is_prime(candidate: &BigUint, bytes: &mut dyn Iterator<Item = u8>) -> bool {
    let (zero, one) = (BigUint::default(), BigUint::from(1u8));
    let small = |divisor: u32| (candidate % divisor) == zero;
    if (3..2000u32).step_by(2).any(small) {
        return false;
    }
    let less = candidate - &one;
    let twos = less.trailing_zeros().unwrap_or_default();
    let odd = &less >> twos;
    (0..ROUNDS).all(|_| {
        let witness: Vec<_> = bytes.take(32).collect();
        let mut power = (BigUint::from_bytes_be(&witness) + 2u8).modpow(&odd, candidate);
        if power == one || power == less {
            return true;
        }
        (1..twos).any(|_| {
            power = power.modpow(&BigUint::from(2u8), candidate);
            power == less
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> RsaKey {
        RsaKey::generate(1024, b"a seed")
    }

    /// RSAVP1 (RFC 8017 section 5.2.2).
    fn opened(key: &RsaKey, signature: &[u8]) -> Vec<u8> {
        BigUint::from_bytes_be(signature).modpow(&key.exponent, &key.modulus).to_bytes_be()
    }

    #[test]
    fn a_key_has_the_length_that_was_asked_for_and_survives_pkcs8() {
        let key = key();
        assert_eq!((key.bits(), key.public_key().len()), (1024, 140));
        assert!(RsaKey::from_pkcs8(&key.to_pkcs8()).unwrap() == key);
        assert!(RsaKey::from_pkcs8(&key.public_key()).is_none());
    }

    #[test]
    fn a_signature_opens_to_the_hash_that_was_signed() {
        let key = key();
        for (hash, digest, length) in [
            (Hash::Md5, Md5::digest(b"x").to_vec(), 34),
            (Hash::Sha1, Sha1::digest(b"x").to_vec(), 35),
            (Hash::Sha256, Sha256::digest(b"x").to_vec(), 51),
        ] {
            let block = opened(&key, &key.sign_pkcs1(hash, b"x"));
            assert!(block.starts_with(&[1, 0xff, 0xff]) && block.ends_with(&digest), "{hash:?}");
            assert_eq!(block[block.len() - length - 1], 0, "{hash:?}");
        }
        let block = opened(&key, &key.sign_pss_sha256(b"x"));
        assert!(block.len() > 120 && block.ends_with(&[0xbc]));
        assert_ne!(key.sign_pss_sha256(b"x"), key.sign_pss_sha256(b"y"));
    }

    #[test]
    fn what_is_no_prime_is_told_from_what_is() {
        let mut bytes = mask(b"a seed");
        let mut is = |text: &str| is_prime(&text.parse().unwrap(), &mut bytes);
        // 2^61-1 and 2^89-1 are prime, 2^67-1 and a Carmichael number are not.
        assert!(is("2305843009213693951") && is("618970019642690137449562111"));
        assert!(!is("147573952589676412927") && !is("9746347772161"));
    }
}
