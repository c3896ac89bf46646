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

/// So many shards are eliminated in turn, a row each: what one waits for, the other hides. More do not fit the registers.
const AT_ONCE: usize = 2;

/// Echelon forms of some shards, one behind another: for each slot the row that leads there, or 0, and what it sums to.
struct Echelon {
    rows: Vec<u64>,
    values: Vec<u32>,
}

/// A key's equation, reduced so far: the slot that it leads to, and its row from there on.
#[derive(Clone, Copy)]
struct Equation {
    slot: usize,
    row: u64,
    value: u32,
}

/// What became of an equation.
#[derive(Clone, Copy)]
enum Reduced {
    /// It leads to this slot.
    Led(usize),
    /// Others imply it.
    Implied,
    /// Others contradict it.
    Contradicted,
}

impl Echelon {
    fn new(slots: usize) -> Self {
        Self { rows: vec![0; slots], values: vec![0; slots] }
    }

    fn clear(&mut self) {
        self.rows.fill(0);
        self.values.fill(0);
    }

    /// Reduces an equation by one row, or adds it; None if it is to be reduced further.
    #[inline(always)]
    fn step(&mut self, equation: &mut Equation) -> Option<Reduced> {
        let Equation { slot, row, value } = equation;
        let (held, sum) = (&mut self.rows[*slot], &mut self.values[*slot]);
        if *held == 0 {
            (*held, *sum) = (*row, *value);
            return Some(Reduced::Led(*slot));
        }
        *row ^= *held;
        *value ^= *sum;
        if *row == 0 {
            return Some(if *value == 0 { Reduced::Implied } else { Reduced::Contradicted });
        }
        let zeros = row.trailing_zeros();
        *row >>= zeros;
        *slot += zeros as usize;
        None
    }

    /// Adds an equation.
    #[inline(always)]
    fn add(&mut self, mut equation: Equation) -> Reduced {
        loop {
            if let Some(reduced) = self.step(&mut equation) {
                return reduced;
            }
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

/// How far the elimination of a shard has come.
struct Walk<'s, 'a> {
    shard: &'s mut Shard<'a>,
    /// Its first slot in the echelon.
    base: usize,
    /// The buckets begun.
    begun: usize,
    /// The keys before those of the last bucket begun.
    before: usize,
    /// The equations of that bucket.
    equations: Vec<Equation>,
    /// So many of them are to be added, from the end.
    left: usize,
    /// What became of the others.
    added: Vec<Reduced>,
}

impl<'s, 'a> Walk<'s, 'a> {
    fn new(shard: &'s mut Shard<'a>, base: usize) -> Self {
        Self { shard, base, begun: 0, before: 0, equations: Vec::new(), left: 0, added: Vec::new() }
    }

    /// The next equation to be added; None if there is none.
    #[inline(always)]
    fn next(&mut self, shape: Shape, mask: u32) -> Option<Equation> {
        while self.left == 0 {
            if self.begun == self.shard.thresholds.len() {
                return None;
            }
            self.begin(shape, mask);
        }
        self.left -= 1;
        Some(self.equations[self.left])
    }

    /// Begins the next bucket.
    #[inline(never)]
    #[allow(clippy::cast_possible_truncation)]
    fn begin(&mut self, shape: Shape, mask: u32) {
        self.before += self.equations.len();
        self.begun += 1;
        let end = self.begun as u32 * BUCKET;
        self.equations.clear();
        self.added.clear();
        for word in &self.shard.words[self.before..] {
            let (_, start) = shape.place(*word);
            if start >= end {
                break;
            }
            let slot = self.base + start as usize;
            self.equations.push(Equation { slot, row: row(*word), value: fingerprint(*word) & mask });
        }
        self.left = self.equations.len();
    }

    /// Notes what became of the last equation that [`Self::next`] gave.
    #[inline(always)]
    fn note(&mut self, reduced: Reduced, echelon: &mut Echelon) {
        if let Reduced::Contradicted = reduced {
            self.move_on(echelon);
        } else {
            self.added.push(reduced);
        }
    }

    /// Raises the threshold of the bucket above the key at hand.
    #[inline(never)]
    fn move_on(&mut self, echelon: &mut Echelon) {
        let first = self.base + (self.begun - 1) * BUCKET as usize;
        let offset = |equation: &Equation| (equation.slot - first) as u32;
        let threshold = u8::try_from(offset(&self.equations[self.left]) + 1).unwrap_or(u8::MAX);
        let gone = self.equations.partition_point(|one| moved_on(threshold, offset(one)));
        // Those after it that are below the threshold too were the last to be added.
        for added in self.added.drain(self.added.len() - (gone - self.left - 1)..) {
            if let Reduced::Led(slot) = added {
                (echelon.rows[slot], echelon.values[slot]) = (0, 0);
            }
        }
        self.shard.thresholds[self.begun - 1] = threshold;
        self.shard.moved.extend_from_slice(&self.shard.words[self.before..][..gone]);
        self.left = 0;
    }
}

/// Eliminates the keys of some shards, at most [`AT_ONCE`].
struct Eliminate<'s, 'a> {
    shape: Shape,
    mask: u32,
    shards: &'s mut [Shard<'a>],
    echelon: &'s mut Echelon,
}

impl Loop for Eliminate<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { shape, mask, shards, echelon } = self;
        let bases = (0..).step_by(shape.slots as usize);
        let mut walks: Vec<Walk<'_, '_>> =
            shards.iter_mut().zip(bases).map(|(shard, base)| Walk::new(shard, base)).collect();
        // In turn while all have keys, which is nearly to the end, and then one after another.
        let mut pending: Vec<Option<Equation>> = walks.iter_mut().map(|walk| walk.next(shape, mask)).collect();
        if let Ok(walks) = <&mut [Walk<'_, '_>; AT_ONCE]>::try_from(walks.as_mut_slice())
            && pending.iter().all(Option::is_some)
        {
            let mut current: [Equation; AT_ONCE] = std::array::from_fn(|lane| pending[lane].expect("all are there"));
            let ended = 'turns: loop {
                for lane in 0..AT_ONCE {
                    if let Some(reduced) = echelon.step(&mut current[lane]) {
                        walks[lane].note(reduced, echelon);
                        match walks[lane].next(shape, mask) {
                            Some(next) => current[lane] = next,
                            None => break 'turns lane,
                        }
                    }
                }
            };
            pending.iter_mut().zip(current).for_each(|(pending, current)| *pending = Some(current));
            pending[ended] = None;
        }
        for (walk, mut pending) in walks.iter_mut().zip(pending) {
            while let Some(equation) = pending {
                let reduced = echelon.add(equation);
                walk.note(reduced, echelon);
                pending = walk.next(shape, mask);
            }
        }
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
    rows: &'s [u64],
    values: &'s [u32],
    columns: usize,
    out: &'s mut [u64],
}

impl<const L: usize> Loop for Substitute<'_, L> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { rows, values, .. } = self;
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

/// Finds the bits of the shard whose slots begin at `base` of the echelon.
fn substitute(echelon: &Echelon, base: usize, slots: u32, bits: u32, out: &mut [u64]) {
    let columns = bits as usize;
    let (rows, values) = (&echelon.rows[base..][..slots as usize], &echelon.values[base..][..slots as usize]);
    with_lanes!(columns, L => lanes::run(Substitute::<L> { rows, values, columns, out }));
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
        let slots = shape.slots as usize;
        let mut echelon = Echelon::new(slots * AT_ONCE.min(group.len()));
        for shards in group.chunks_mut(AT_ONCE) {
            echelon.clear();
            lanes::run(Eliminate { shape, mask: mask_of(bits), shards, echelon: &mut echelon });
            for (shard, base) in shards.iter_mut().zip((0..).step_by(slots)) {
                substitute(&echelon, base, shape.slots, bits, shard.out);
            }
        }
    });
    shards.into_iter().flat_map(|shard| shard.moved).collect()
}

/// Solves a last layer for mixed words; false, and nothing is written, if they contradict each other.
#[must_use]
pub fn last(words: impl Iterator<Item = u64>, shape: Shape, bits: u32, out: &mut [u64]) -> bool {
    let mut echelon = Echelon::new(shape.slots as usize);
    let mask = mask_of(bits);
    for word in words {
        let slot = shape.place(word).1 as usize;
        if let Reduced::Contradicted = echelon.add(Equation { slot, row: row(word), value: fingerprint(word) & mask }) {
            return false;
        }
    }
    substitute(&echelon, 0, shape.slots, bits, out);
    true
}
