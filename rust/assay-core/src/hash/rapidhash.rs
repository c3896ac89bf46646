//! rapidhash, its third version: a fast hash of 64 bits that wyhash led to.
//!
//! Idea: two words at a time, changed by a secret, multiplied to 128 bits and folded; long keys in seven such chains.
//! Cost: 1 to 2 ns a short key, memory speed for long ones. Choose it to agree with a program that uses it. The
//! versions of rapidhash give different hashes; this is `rapidhash` of version 3, not its micro, nano or protected
//! variants. Source: Nicolas De Carli, rapidhash, tag `rapidhash_v3`.

use crate::catalogue::Contender;
use crate::hash::HashKey;
use crate::hash::read::{fold, half, product, word};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "hash",
    name: "rapidhash",
    version: 1,
    idea: "rapidhash V3: two words at a time multiplied to 128 bits and folded, long keys in seven chains.",
    cost: "1 to 2 ns per short key; memory speed for long ones",
    choose_when: "a program that uses rapidhash V3 must be matched",
    source: "Nicolas De Carli, rapidhash, tag rapidhash_v3",
    parameters: &[],
    abilities: &["64_bits", "seed"],
};

const SECRET: [u64; 8] = [
    0x2d35_8dcc_aa6c_78a5,
    0x8bb8_4b93_962e_acc9,
    0x4b33_a62e_d433_d4a3,
    0x4d5a_2da5_1de1_aa47,
    0xa076_1d64_78bd_642f,
    0xe703_7ed1_a0b4_28db,
    0x90ed_1765_281c_388c,
    0xaaaa_aaaa_aaaa_aaaa,
];

/// Bytes that seven chains take at a time.
const STRIPE: usize = 112;
/// Which word of the secret each further 16 bytes of what is left meet.
const REST: [usize; 6] = [2, 2, 1, 1, 2, 1];

/// rapidhash V3 with a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rapidhash {
    /// The seed, mixed with the secret.
    start: u64,
}

impl Rapidhash {
    /// The function with this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { start: seed ^ fold(seed ^ SECRET[2], SECRET[1]) }
    }

    /// The last two words, the state, and what is left of the length.
    #[inline(always)]
    fn finish(first: u64, last: u64, state: u64, left: usize) -> u64 {
        let (low, high) = product(first ^ SECRET[1], last ^ state);
        fold(low ^ SECRET[7], high ^ SECRET[1] ^ left as u64)
    }

    #[inline(never)]
    fn beyond_16(&self, bytes: &[u8]) -> u64 {
        let (mut state, mut rest) = (self.start, bytes);
        if bytes.len() > STRIPE {
            let mut chains = [state; 7];
            while rest.len() > STRIPE {
                for (index, chain) in chains.iter_mut().enumerate() {
                    *chain = fold(word(rest, 16 * index) ^ SECRET[index], word(rest, 16 * index + 8) ^ *chain);
                }
                rest = &rest[STRIPE..];
            }
            state = chains.into_iter().fold(0, |all, chain| all ^ chain);
        }
        // The last 16 bytes are for the finaliser, though a chain may have seen them.
        for (index, secret) in REST.iter().enumerate().take_while(|(index, _)| rest.len() > 16 * (index + 1)) {
            state = fold(word(rest, 16 * index) ^ SECRET[*secret], word(rest, 16 * index + 8) ^ state);
        }
        let end = bytes.len();
        Self::finish(word(bytes, end - 16) ^ rest.len() as u64, word(bytes, end - 8), state, rest.len())
    }
}

impl HashKey for Rapidhash {
    type Value = u64;

    #[inline(always)]
    fn word(&self, word: u64) -> u64 {
        Self::finish(word, word, self.start ^ 8, 8)
    }

    #[inline(always)]
    fn pair(&self, words: [u64; 2]) -> u64 {
        Self::finish(words[0], words[1], self.start ^ 16, 16)
    }

    #[inline(always)]
    fn bytes(&self, bytes: &[u8]) -> u64 {
        let length = bytes.len();
        match length {
            8..=16 => Self::finish(word(bytes, 0), word(bytes, length - 8), self.start ^ length as u64, length),
            4..=7 => {
                let (first, last) = (half(bytes, 0), half(bytes, length - 4));
                Self::finish(u64::from(first), u64::from(last), self.start ^ length as u64, length)
            }
            1..=3 => {
                let first = u64::from(bytes[0]) << 45 | u64::from(bytes[length - 1]);
                Self::finish(first, u64::from(bytes[length / 2]), self.start, length)
            }
            0 => Self::finish(0, 0, self.start, 0),
            _ => self.beyond_16(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::verification::{code, samples};

    #[test]
    fn the_verification_code_of_smhasher3_holds() {
        assert_eq!(code(|seed, key| Rapidhash::new(seed).bytes(key).to_le_bytes()), 0x1fdc_65ee);
    }

    #[test]
    fn every_length_hashes_as_the_crate_rapidhash_has_it() {
        use ::rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};
        for (seed, key) in samples(400) {
            let expected = rapidhash_v3_seeded(&key, &RapidSecrets::seed_cpp(seed));
            assert_eq!(Rapidhash::new(seed).bytes(&key), expected, "{} bytes, seed {seed}", key.len());
        }
    }
}
