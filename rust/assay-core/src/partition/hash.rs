//! Hash partitioning: the key's hash modulo n.
//!
//! Cost: one hash a row, no state. Choose it for even load of many small keys and point queries;
//! a node more moves n/(n+1) of the data. Source: METHODOLOGY, "Keys": `xxh3_64`, seed 0, `% n`.

use crate::catalogue::{Contender, Domain, Parameter};
use crate::error::Result;
use crate::fold::Sums;
use crate::hash::{HashFunction, hash_block, hash_keys};
use crate::keys::Keys;
use crate::lanes::{self, Loop};
use crate::memory;
use crate::partition::{Request, Strategy};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "partition",
    name: "hash",
    version: 1,
    idea: "The key's hash modulo the number of partitions.",
    cost: "one hash per row; no state",
    choose_when: "there are many keys, none of them hot, and queries ask for single keys",
    source: "DeWitt et al. 1990, \"The Gamma Database Machine Project\"",
    parameters: &[
        Parameter {
            name: "function",
            default: "xxh3_64",
            domain: Domain::Choice(FUNCTIONS),
            meaning: "the hash function",
        },
        Parameter {
            name: "seed",
            default: "0",
            domain: Domain::Integer { low: 0, high: u64::MAX >> 1 },
            meaning: "the hash function's seed; 0 for functions without one",
        },
    ],
    abilities: &["keyed", "compound"],
};

/// The functions by which a key can be partitioned.
pub const FUNCTIONS: &[&str] = &[
    "xxh3_64",
    "xxh64",
    "rapidhash",
    "siphash_2_4",
    "fnv1a_64",
    "xxh32",
    "crc32c",
    "murmur3_32",
    "murmur3_spark",
    "murmur3_cassandra",
    "crc16_xmodem",
    "postgres",
    "md5",
    "identity",
];

/// Rows that are counted at a time.
const BLOCK: usize = 4096;

struct Hash {
    function: HashFunction,
    nodes: Vec<u32>,
}

/// Nothing is learned but the function.
pub fn learn(request: &Request<'_>) -> Result<Box<dyn Strategy>> {
    let function = HashFunction::parse(request.text("function", "xxh3_64")?, request.integer("seed", 0)?)?;
    Ok(Box::new(Hash { function, nodes: request.nodes.to_vec() }))
}

impl Strategy for Hash {
    fn nodes(&self) -> &[u32] {
        &self.nodes
    }

    fn assign(&self, columns: &[Keys<'_>], _first_row: u64, threads: usize, out: &mut [u32]) -> Result<()> {
        let mut hashes = memory::zeros(out.len());
        // The hash 0 stands for null: it lives in partition 0 either way.
        hash_keys(columns, self.function, threads, 0, &mut hashes)?;
        remainders(&hashes, self.nodes.len() as u64, out);
        Ok(())
    }

    /// Block by block, in the nearest caches: neither hashes nor partitions of all rows are held.
    fn count(&self, columns: &[Keys<'_>], _first_row: u64, rows: usize, sums: &mut Sums) -> Result<()> {
        let (mut hashes, mut partitions) = ([0; BLOCK], [0; BLOCK]);
        for first in (0..rows).step_by(BLOCK) {
            let count = BLOCK.min(rows - first);
            hash_block(columns, self.function, first, 0, &mut hashes[..count])?;
            remainders(&hashes[..count], self.nodes.len() as u64, &mut partitions[..count]);
            sums.add(&partitions[..count], None)?;
        }
        Ok(())
    }

    fn routing_bytes(&self) -> u64 {
        0
    }
}

/// Each hash modulo n, without a division.
struct Remainders<'a> {
    hashes: &'a [u64],
    n: u64,
    out: &'a mut [u32],
}

impl Loop for Remainders<'_> {
    type Output = ();

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)]
    fn run(self) {
        let Self { hashes, n, out } = self;
        if n.is_power_of_two() {
            for (slot, hash) in out.iter_mut().zip(hashes) {
                *slot = (hash & (n - 1)) as u32;
            }
            return;
        }
        // The quotient by the reciprocal rounded down is right or one too small, so that one correction is enough.
        let reciprocal = u64::MAX / n;
        for (slot, hash) in out.iter_mut().zip(hashes) {
            let quotient = ((u128::from(*hash) * u128::from(reciprocal)) >> 64) as u64;
            let rest = hash - quotient * n;
            *slot = (if rest >= n { rest - n } else { rest }) as u32;
        }
    }
}

/// Writes each hash modulo n, which fits 32 bits.
pub(crate) fn remainders(hashes: &[u64], n: u64, out: &mut [u32]) {
    lanes::run(Remainders { hashes, n, out });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_remainder_without_division_is_the_remainder(
            hashes in proptest::collection::vec(any::<u64>(), 1..50),
            n in prop_oneof![1_u64..200, 1_u64..=1 << 24, Just(1 << 24)],
        ) {
            let edges = [0, n - 1, n, n + 1, u64::MAX, u64::MAX - 1, u64::MAX / n * n, u64::MAX / n * n - 1];
            let all: Vec<u64> = hashes.iter().copied().chain(edges).collect();
            for path in lanes::Path::available() {
                let mut out = vec![7; all.len()];
                lanes::run_on(path, Remainders { hashes: &all, n, out: &mut out });
                prop_assert!(all.iter().zip(&out).all(|(hash, rest)| hash % n == u64::from(*rest)), "{:?}", path);
            }
        }
    }
}
