//! Solving a layer of a ribbon filter: elimination along a band, and the bits that follow from it.
//!
//! A shard's keys come in the order of their windows, bucket after bucket, within one from its end. A key's row is
//! reduced by those that lead where it does, until it leads to a slot of its own. If nothing is left of it and its
//! fingerprint is another, the bucket's threshold goes up so that this key, and those before it, move on to the next
//! layer: what lies there is mostly taken by windows of the bucket before. Then bits are found from the last slot to the
//! first. Cost: the band stays in a near cache; about fifteen rows meet a key's.

use super::shape::{BUCKET, Shape, fingerprint, moved_on, row};
use crate::lanes::{self, Loop};
use crate::threads;

/// The lowest `bits` bits.
fn mask_of(bits: u32) -> u32 {
    u32::MAX >> (32 - bits)
}

/// An echelon form: for each slot the row that leads there, or 0, and what it sums to.
struct Echelon {
    rows: Vec<u64>,
    values: Vec<u32>,
}

/// A key's equation.
#[derive(Clone, Copy)]
struct Equation {
    start: u32,
    row: u64,
    value: u32,
}

impl Echelon {
    fn new(slots: u32) -> Self {
        Self { rows: vec![0; slots as usize], values: vec![0; slots as usize] }
    }

    fn clear(&mut self) {
        self.rows.fill(0);
        self.values.fill(0);
    }

    /// Adds an equation; the slot that it leads to, [`Self::NOWHERE`] if others imply it, None if they contradict it.
    #[inline(always)]
    fn insert(&mut self, equation: Equation) -> Option<usize> {
        let Equation { start, mut row, mut value } = equation;
        let mut slot = start as usize;
        loop {
            let held = self.rows[slot];
            if held == 0 {
                (self.rows[slot], self.values[slot]) = (row, value);
                return Some(slot);
            }
            row ^= held;
            value ^= self.values[slot];
            if row == 0 {
                return (value == 0).then_some(Self::NOWHERE);
            }
            let zeros = row.trailing_zeros();
            row >>= zeros;
            slot += zeros as usize;
        }
    }

    /// Where an equation leads that others imply.
    const NOWHERE: usize = usize::MAX;

    fn remove(&mut self, slot: usize) {
        if slot != Self::NOWHERE {
            (self.rows[slot], self.values[slot]) = (0, 0);
        }
    }
}

/// A shard that is being solved.
struct Shard<'a> {
    /// Its keys, ascending.
    words: &'a [u64],
    /// Its bits, all columns of 64 slots together.
    out: &'a mut [u64],
    thresholds: &'a mut [u8],
    /// The keys that moved on.
    moved: Vec<u64>,
}

/// Eliminates the keys of a shard.
struct Eliminate<'s, 'a> {
    shape: Shape,
    mask: u32,
    shard: &'s mut Shard<'a>,
    echelon: &'s mut Echelon,
}

impl Loop for Eliminate<'_, '_> {
    type Output = ();

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)]
    fn run(self) {
        let Self { shape, mask, shard, echelon } = self;
        let (mut equations, mut led): (Vec<Equation>, Vec<usize>) = (Vec::new(), Vec::new());
        let mut rest = shard.words;
        for (bucket, threshold) in shard.thresholds.iter_mut().enumerate() {
            let first = bucket as u32 * BUCKET;
            equations.clear();
            for word in rest {
                let (_, start) = shape.place(*word);
                if start - first >= BUCKET {
                    break;
                }
                equations.push(Equation { start, row: row(*word), value: fingerprint(*word) & mask });
            }
            led.clear();
            for (index, equation) in equations.iter().enumerate().rev() {
                if let Some(slot) = echelon.insert(*equation) {
                    led.push(slot);
                    continue;
                }
                *threshold = u8::try_from(equation.start - first + 1).unwrap_or(u8::MAX);
                let gone = equations.partition_point(|one| moved_on(*threshold, one.start - first));
                // Those after it that are below the threshold too were the last to be added.
                led.drain(led.len() - (gone - index - 1)..).for_each(|slot| echelon.remove(slot));
                shard.moved.extend_from_slice(&rest[..gone]);
                break;
            }
            rest = &rest[equations.len()..];
        }
        debug_assert!(rest.is_empty(), "buckets cover all starts");
    }
}

/// The parity of each word in its lowest bit; its other bits mean nothing.
#[inline(always)]
pub fn parities<const L: usize>(mut words: [u64; L]) -> [u64; L] {
    for by in [32, 16, 8, 4, 2, 1] {
        words.iter_mut().for_each(|word| *word ^= *word >> by);
    }
    words
}

/// Finds the bits of a shard's columns, of which there are `L` at most, from its last slot to its first.
struct Substitute<'s, const L: usize> {
    echelon: &'s Echelon,
    columns: usize,
    out: &'s mut [u64],
}

impl<const L: usize> Loop for Substitute<'_, L> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Echelon { rows, values } = self.echelon;
        let mut behind = [0_u64; L]; // the bits of 64 slots from the last one done, the first lowest
        let blocks = rows.as_chunks::<64>().0.iter().zip(values.as_chunks::<64>().0);
        for (out, (rows, values)) in self.out.chunks_exact_mut(self.columns).zip(blocks).rev() {
            for (row, value) in rows.iter().zip(values).rev() {
                // A slot where no row leads is free, and 0.
                let summed = parities(behind.map(|bits| bits & (row >> 1)));
                for (column, bits) in behind.iter_mut().enumerate() {
                    *bits = (*bits << 1) | ((summed[column] ^ (u64::from(*value) >> column)) & 1);
                }
            }
            out.copy_from_slice(&behind[..self.columns]);
        }
    }
}

/// Calls `$body` with the constant `$lanes`, of which there are at least as many as columns.
macro_rules! with_lanes {
    ($columns:expr, $lanes:ident => $body:expr) => {
        match $columns {
            0..=4 => {
                const $lanes: usize = 4;
                $body
            }
            5..=8 => {
                const $lanes: usize = 8;
                $body
            }
            9..=16 => {
                const $lanes: usize = 16;
                $body
            }
            _ => {
                const $lanes: usize = 32;
                $body
            }
        }
    };
}
pub(super) use with_lanes;

fn substitute(echelon: &Echelon, bits: u32, out: &mut [u64]) {
    let columns = bits as usize;
    with_lanes!(columns, L => lanes::run(Substitute::<L> { echelon, columns, out }));
}

/// Solves a layer for ascending distinct words: its bits and thresholds are written, and those that move on returned, in
/// the same order for any number of threads.
#[must_use]
pub fn layer(
    words: &[u64],
    shape: Shape,
    bits: u32,
    out: &mut [u64],
    thresholds: &mut [u8],
    threads: usize,
) -> Vec<u64> {
    let mut shards = Vec::with_capacity(shape.shards as usize);
    let mut rest = words;
    let outs = out.chunks_exact_mut((shape.slots / 64 * bits) as usize);
    for ((shard, out), thresholds) in (0..).zip(outs).zip(thresholds.chunks_exact_mut(shape.buckets as usize)) {
        let (words, after) = rest.split_at(rest.partition_point(|word| shape.place(*word).0 <= shard));
        rest = after;
        shards.push(Shard { words, out, thresholds, moved: Vec::new() });
    }
    let part = shards.len().div_ceil(threads.max(1));
    let mut groups: Vec<&mut [Shard<'_>]> = shards.chunks_mut(part).collect();
    threads::each(&mut groups, threads, |group| {
        let mut echelon = Echelon::new(shape.slots);
        for shard in group.iter_mut() {
            echelon.clear();
            lanes::run(Eliminate { shape, mask: mask_of(bits), shard, echelon: &mut echelon });
            substitute(&echelon, bits, shard.out);
        }
    });
    shards.into_iter().flat_map(|shard| shard.moved).collect()
}

/// Solves a last layer for mixed words; false, and nothing is written, if they contradict each other.
#[must_use]
pub fn last(words: impl Iterator<Item = u64>, shape: Shape, bits: u32, out: &mut [u64]) -> bool {
    let mut echelon = Echelon::new(shape.slots);
    let mask = mask_of(bits);
    for word in words {
        let equation = Equation { start: shape.place(word).1, row: row(word), value: fingerprint(word) & mask };
        if echelon.insert(equation).is_none() {
            return false;
        }
    }
    substitute(&echelon, bits, out);
    true
}
