//! The xor filter: a fingerprint that three slots of three thirds spell together.
//!
//! Idea: as the binary fuse filter, with slots anywhere in three thirds of the table. Cost: 9.84 bits per key at a
//! rate of 2^-8, 19.7 at 2^-16; three cache misses a probe, all at once. Choose it to compare with, or for its
//! simpler sizes: a binary fuse filter is smaller and built faster. Keys cannot be added.
//! Source: Graf and Lemire 2020, "Xor Filters: Faster and Smaller Than Bloom and Cuckoo Filters" (arXiv 1912.08258);
//! Botelho, Pagh, Ziviani 2007 (how it is peeled).
//!
//! # The stored derivation
//! x, y and the fingerprint as in [`crate::filter::binary_fuse`]. Of three thirds of L slots,
//! L = ⌊(32 + 1.23 n) / 3⌋ for n keys:
//!
//! ```text
//! h0 = (x >> 32) * L >> 32      h1 = L + ((y >> 32) * L >> 32)      h2 = 2 L + ((y mod 2^32) * L >> 32)
//! ```

use crate::catalogue::{Contender, Domain, Parameter};
use crate::error::{Error, Result};
use crate::filter::frame::{Header, Kind};
use crate::filter::hashes::{ATTEMPTS_HIGH, Source, first_seed};
use crate::filter::key_type::KeyType;
use crate::filter::spelled;
use crate::filter::table::{Fingerprint, Held, Table};
use crate::keys::Keys;
use crate::memory::{self, prefetch};

/// Filters of more slots are refused: positions are 32 bits.
pub const SLOTS_HIGH: u64 = 1 << 31;
/// So many keys or slots ahead are asked for.
const AHEAD: usize = 16;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "filter",
    name: "xor",
    version: 1,
    idea: "Three slots, one in each third of a table, XOR to a key's fingerprint.",
    cost: "9.84 bits per key at 0.39 %, 19.7 at 0.0015 %; three cache misses at once per probe",
    choose_when: "it is compared with: binary_fuse is smaller and built faster",
    source: "Graf and Lemire 2020, Xor Filters: Faster and Smaller Than Bloom and Cuckoo Filters (arXiv 1912.08258)",
    parameters: &[Parameter {
        name: "fingerprint_bits",
        default: "8",
        domain: Domain::Integer { low: 8, high: 16 },
        meaning: "the width of a fingerprint, 8 or 16: absent keys are answered yes at 2 to the minus that",
    }],
    abilities: &["every_type"],
};

/// A filter of one width.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Xor<F> {
    third: u32,
    seed: u64,
    keys: u64,
    slots: Vec<F>,
}

#[inline(always)]
#[allow(clippy::cast_possible_truncation)]
fn positions(word: u64, third: u32) -> [u32; 3] {
    let other = (word ^ (word >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let scaled = |half: u64| ((half * u64::from(third)) >> 32) as u32;
    [scaled(word >> 32), third + scaled(other >> 32), 2 * third + scaled(other & 0xffff_ffff)]
}

/// The slots of a third for so many keys; None beyond [`SLOTS_HIGH`].
fn third_for(keys: u64) -> Option<u32> {
    let slots = 32 + (u128::from(keys) * 123 / 100);
    (slots <= u128::from(SLOTS_HIGH)).then_some((slots / 3) as u32)
}

/// Per slot the XOR of its keys, and their number times four with the XOR of which of their slots it is.
struct Graph {
    third: u32,
    words: Vec<u64>,
    counts: Vec<u8>,
}

const ONE: u8 = 4;

impl Graph {
    fn fetch(&self, slot: u32) {
        prefetch(&self.words[slot as usize]);
        prefetch(&self.counts[slot as usize]);
    }

    /// The graph of these words; None if more than 63 share a slot, which distinct random ones never do.
    fn of(words: &[u64], third: u32) -> Option<Self> {
        let slots = third as usize * 3;
        let mut made = Self { third, words: memory::zeros(slots), counts: memory::zeros(slots) };
        for (index, word) in words.iter().enumerate() {
            if let Some(later) = words.get(index + AHEAD) {
                // The first slots come in order, for the words do.
                positions(*later, third)[1..].iter().for_each(|slot| made.fetch(*slot));
            }
            for (which, slot) in positions(*word, third).into_iter().enumerate() {
                let count = made.counts[slot as usize].wrapping_add(ONE);
                if count < ONE {
                    return None;
                }
                made.counts[slot as usize] = count ^ which as u8;
                made.words[slot as usize] ^= word;
            }
        }
        Some(made)
    }

    /// Takes keys off into `peeled`, each with its slot that no other of those left uses; whether that took all.
    fn peel(mut self, peeled: &mut [u64], alone: &mut [u8]) -> bool {
        let mut queue: Vec<u32> = Vec::with_capacity(peeled.len() / 2);
        queue.extend((0..self.words.len() as u32).filter(|slot| self.counts[*slot as usize] & !3 == ONE));
        let (mut head, mut taken) = (0, 0);
        while head < queue.len() {
            if let Some(slot) = queue.get(head + 2 * AHEAD) {
                self.fetch(*slot);
            }
            if let Some(slot) = queue.get(head + AHEAD) {
                let word = self.words[*slot as usize];
                positions(word, self.third).iter().for_each(|slot| self.fetch(*slot));
            }
            let slot = queue[head] as usize;
            head += 1;
            let (word, count) = (self.words[slot], self.counts[slot]);
            if count & !3 != ONE {
                continue;
            }
            (peeled[taken], alone[taken]) = (word, count & 3);
            taken += 1;
            for (which, slot) in positions(word, self.third).into_iter().enumerate() {
                let count = (self.counts[slot as usize] - ONE) ^ which as u8;
                self.counts[slot as usize] = count;
                self.words[slot as usize] ^= word;
                if count & !3 == ONE {
                    queue.push(slot);
                }
            }
        }
        taken == peeled.len()
    }
}

impl<F: Fingerprint> Xor<F> {
    /// The filter of the distinct hashes of a source; the same for any order and threads.
    ///
    /// # Errors
    /// If there are too many keys for [`SLOTS_HIGH`], or no seed peels them.
    pub fn build<S: Source + ?Sized>(source: &S, threads: usize) -> Result<Self> {
        let made = first_seed(source, threads, |buckets, seed| {
            let mut words = buckets.words;
            let keys = words.len() as u64;
            let Some(third) = third_for(keys) else {
                return Err(Error::Parameter(format!(
                    "{keys} keys need more than the {SLOTS_HIGH} slots that an xor filter may have; split the keys \
                     over several filters"
                )));
            };
            Ok(solve(&mut words, third).map(|slots| Self { third, seed, keys, slots }))
        })?;
        made.ok_or_else(|| Error::Data(format!("no seed of {ATTEMPTS_HIGH} makes an xor filter of these keys")))
    }

    fn probe(&self, hashes: &[u64], held: &mut [u64]) {
        if self.keys == 0 {
            held.fill(0);
            return;
        }
        let third = self.third;
        spelled::probe(&self.slots, self.seed, move |word| positions(word, third), hashes, held);
    }

    fn from_parts(header: &Header, payload: &[u8]) -> Option<Self> {
        let third = u32::try_from(header.size).ok().filter(|third| third_for(header.keys) == Some(*third))?;
        if third as usize * 3 * size_of::<F>() != payload.len() {
            return None;
        }
        Some(Self { third, seed: header.seed, keys: header.keys, slots: F::read(payload) })
    }
}

/// The values of the slots, or None if the words do not peel; the words are written over by their order.
fn solve<F: Fingerprint>(words: &mut [u64], third: u32) -> Option<Vec<F>> {
    let mut alone: Vec<u8> = memory::zeros(words.len());
    let graph = Graph::of(words, third)?;
    if !graph.peel(words, &mut alone) {
        return None;
    }
    let mut slots: Vec<F> = memory::zeros(third as usize * 3);
    for index in (0..words.len()).rev() {
        if let Some(later) = index.checked_sub(AHEAD) {
            positions(words[later], third).iter().for_each(|slot| prefetch(&slots[*slot as usize]));
        }
        let places = positions(words[index], third);
        // The key's own slot is still zero.
        slots[places[usize::from(alone[index])] as usize] = spelled::spelled(&slots, places) ^ F::of(words[index]);
    }
    Some(slots)
}

/// A filter of either width.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum AnyXor {
    Eight(Xor<u8>),
    Sixteen(Xor<u16>),
}

/// An xor filter of a column.
pub type XorFilter = Held<AnyXor>;

/// Calls `$body` with `$table` bound to the concrete table, so that loops are specialised.
macro_rules! with_table {
    ($any:expr, $table:ident => $body:expr) => {
        match $any {
            AnyXor::Eight($table) => $body,
            AnyXor::Sixteen($table) => $body,
        }
    };
}

impl AnyXor {
    /// The table of the distinct hashes of a source.
    ///
    /// # Errors
    /// If there is no such width, or there are too many keys.
    pub fn build<S: Source + ?Sized>(source: &S, fingerprint_bits: u32, threads: usize) -> Result<Self> {
        match fingerprint_bits {
            8 => Xor::build(source, threads).map(Self::Eight),
            16 => Xor::build(source, threads).map(Self::Sixteen),
            _ => Err(Error::Parameter(format!("fingerprint_bits is {fingerprint_bits}; expected 8 or 16"))),
        }
    }

    /// The width of a fingerprint.
    #[must_use]
    pub fn fingerprint_bits(&self) -> u32 {
        match self {
            Self::Eight(_) => 8,
            Self::Sixteen(_) => 16,
        }
    }
}

/// Parameter: fingerprint bits. Size: slots of a third. Payload: the slots, little-endian.
impl Table for AnyXor {
    const KINDS: &'static [Kind] = &[Kind::Xor];

    fn probe(&self, hashes: &[u64], held: &mut [u64]) {
        with_table!(self, table => table.probe(hashes, held));
    }

    fn keys(&self) -> u64 {
        with_table!(self, table => table.keys)
    }

    fn bits(&self) -> u64 {
        with_table!(self, table => table.slots.len() as u64) * u64::from(self.fingerprint_bits())
    }

    fn expected_rate(&self) -> f64 {
        if self.keys() == 0 { 0.0 } else { 1.0 / f64::from(1_u32 << self.fingerprint_bits()) }
    }

    fn header(&self, key_type: KeyType) -> Header {
        let (third, seed) = with_table!(self, table => (table.third, table.seed));
        let parameter = self.fingerprint_bits();
        Header { kind: Kind::Xor, parameter, key_type, size: u64::from(third), keys: self.keys(), seed }
    }

    fn write(&self, out: &mut Vec<u8>) {
        with_table!(self, table => Fingerprint::write(&table.slots, out));
    }

    fn read(header: &Header, payload: &[u8]) -> Option<Self> {
        match header.parameter {
            8 => Xor::from_parts(header, payload).map(Self::Eight),
            16 => Xor::from_parts(header, payload).map(Self::Sixteen),
            _ => None,
        }
    }
}

impl XorFilter {
    /// The filter of a column's keys; nulls are skipped, duplicates held once.
    ///
    /// # Errors
    /// As [`AnyXor::build`].
    pub fn build(chunks: &[Keys<'_>], key_type: KeyType, fingerprint_bits: u32, threads: usize) -> Result<Self> {
        AnyXor::build(chunks, fingerprint_bits, threads).map(|table| Self { table, key_type })
    }
}

#[cfg(test)]
mod tests;
