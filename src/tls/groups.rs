//! Groups for Diffie-Hellman over finite fields, which legacy servers choose themselves.

use super::legacy::vector16;

/// A group with generator 2, and the exponent of the power of two that a server shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Group {
    prime: &'static [u32],
    exponent: usize,
}

impl Group {
    /// Returns ServerDHParams (RFC 5246 section 7.4.3). The exponent is not secret: nothing is ever encrypted
    /// with it.
    pub(super) fn parameters(&self) -> Vec<u8> {
        let prime: Vec<u8> = self.prime.iter().flat_map(|word| word.to_be_bytes()).collect();
        let mut public = vec![0; self.exponent / 8 + 1];
        if let Some(first) = public.first_mut() {
            *first = 1 << (self.exponent % 8);
        }
        [vector16(&prime), vector16(&[2]), vector16(&public)].concat()
    }
}

/// The second group of RFC 2409 (section 6.2): 1024 bits, which a well-funded attacker may have broken in
/// advance (<https://weakdh.org>).
pub(super) static MODP_1024: Group = Group { prime: &PRIME_1024, exponent: 1000 };

/// Group 14 of RFC 3526 (section 3): 2048 bits.
pub(super) static MODP_2048: Group = Group { prime: &PRIME_2048, exponent: 2000 };

#[rustfmt::skip]
const PRIME_1024: [u32; 32] = [
    0xffffffff, 0xffffffff, 0xc90fdaa2, 0x2168c234, 0xc4c6628b, 0x80dc1cd1, 0x29024e08, 0x8a67cc74,
    0x020bbea6, 0x3b139b22, 0x514a0879, 0x8e3404dd, 0xef9519b3, 0xcd3a431b, 0x302b0a6d, 0xf25f1437,
    0x4fe1356d, 0x6d51c245, 0xe485b576, 0x625e7ec6, 0xf44c42e9, 0xa637ed6b, 0x0bff5cb6, 0xf406b7ed,
    0xee386bfb, 0x5a899fa5, 0xae9f2411, 0x7c4b1fe6, 0x49286651, 0xece65381, 0xffffffff, 0xffffffff,
];

#[rustfmt::skip]
const PRIME_2048: [u32; 64] = [
    0xffffffff, 0xffffffff, 0xc90fdaa2, 0x2168c234, 0xc4c6628b, 0x80dc1cd1, 0x29024e08, 0x8a67cc74,
    0x020bbea6, 0x3b139b22, 0x514a0879, 0x8e3404dd, 0xef9519b3, 0xcd3a431b, 0x302b0a6d, 0xf25f1437,
    0x4fe1356d, 0x6d51c245, 0xe485b576, 0x625e7ec6, 0xf44c42e9, 0xa637ed6b, 0x0bff5cb6, 0xf406b7ed,
    0xee386bfb, 0x5a899fa5, 0xae9f2411, 0x7c4b1fe6, 0x49286651, 0xece45b3d, 0xc2007cb8, 0xa163bf05,
    0x98da4836, 0x1c55d39a, 0x69163fa8, 0xfd24cf5f, 0x83655d23, 0xdca3ad96, 0x1c62f356, 0x208552bb,
    0x9ed52907, 0x7096966d, 0x670c354e, 0x4abc9804, 0xf1746c08, 0xca18217c, 0x32905e46, 0x2e36ce3b,
    0xe39e772c, 0x180e8603, 0x9b2783a2, 0xec07a28f, 0xb5c55df0, 0x6f4c52c9, 0xde2bcbf6, 0x95581718,
    0x3995497c, 0xea956ae5, 0x15d22618, 0x98fa0510, 0x15728e5a, 0x8aacaa68, 0xffffffff, 0xffffffff,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_are_prime_generator_and_a_power_of_two_below_the_prime() {
        let parameters = MODP_1024.parameters();
        assert_eq!(parameters.len(), 2 + 128 + 2 + 1 + 2 + 126);
        assert_eq!(parameters[..6], [0, 128, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(parameters[130..], [&[0, 1, 2, 0, 126, 1][..], &[0; 125]].concat());
        assert_eq!(MODP_2048.parameters().len(), 2 + 256 + 2 + 1 + 2 + 251);
    }
}
