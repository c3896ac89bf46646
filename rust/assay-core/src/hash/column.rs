//! Columns hashed: one loop per type of column and function, in lanes where the function allows.
//!
//! Numbers, dates and times go from where they lie through the function into the output, many at a time. Texts of
//! one length, as identifiers and fixed-size binary are, go through a loop in which nothing depends on the
//! length; other texts one length after another, a thousand at a time. Nulls are hashed like everything else, whatever
//! lies there, and replaced word by word of the validity bitmap. A dictionary's values are hashed once each.
//! Cost: the reading of the column and the writing of the hashes, for most functions and numbers.

use std::ops::Range;

use crate::hash::HashKey;
use crate::hash::read::word;
use crate::keys::{Bitmap, Canonical, Indices, Keys, TimeUnit, Values, float_word, for_each_block};
use crate::lanes::{self, Loop};
use crate::memory;
use crate::threads;

/// Texts whose lengths are compared at a time.
const SPANS_AT_ONCE: usize = 1024;
/// Fewer texts than these are hashed in the order in which they come.
const SPANS_WORTH_ORDER: usize = 32;
/// The bytes that a processor fetches at a time.
const CACHE_LINE: usize = 64;
/// Bytes of texts that are fetched ahead: half of the nearest cache.
const BYTES_FETCHED_HIGH: usize = 16 << 10;
/// Texts of so many bytes less one and more are of one length to those who order them.
const LENGTHS: usize = 64;

/// The hashes of words: what a column holds, each made a word.
struct WordLoop<'a, H: HashKey, V, F> {
    hasher: H,
    values: &'a [V],
    word: F,
    out: &'a mut [H::Value],
}

impl<H: HashKey, V: Copy, F: Fn(V) -> u64> Loop for WordLoop<'_, H, V, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (slot, value) in self.out.iter_mut().zip(self.values) {
            *slot = self.hasher.word((self.word)(*value));
        }
    }
}

/// The hashes of texts of 16 bytes.
struct PairLoop<'a, H: HashKey> {
    hasher: H,
    pairs: &'a [[u8; 16]],
    out: &'a mut [H::Value],
}

impl<H: HashKey> Loop for PairLoop<'_, H> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (slot, pair) in self.out.iter_mut().zip(self.pairs) {
            *slot = self.hasher.pair([word(pair, 0), word(pair, 8)]);
        }
    }
}

/// The hashes of texts of one length, end to end.
struct FixedLoop<'a, H: HashKey> {
    hasher: H,
    width: usize,
    data: &'a [u8],
    out: &'a mut [H::Value],
}

impl<H: HashKey> Loop for FixedLoop<'_, H> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { hasher, width, data, out } = self;
        for (row, slot) in out.iter_mut().enumerate() {
            *slot = hasher.bytes(&data[row * width..][..width]);
        }
    }
}

/// The hashes of at most [`SPANS_AT_ONCE`] texts between offsets.
///
/// They are hashed by length, the shortest first, for what a function does depends on the length: in the order of
/// the rows a processor would mispredict nearly every text, which takes longer than hashing it.
struct SpanLoop<'a, H: HashKey, O> {
    hasher: H,
    offsets: &'a [O],
    data: &'a [u8],
    out: &'a mut [H::Value],
}

impl<H: HashKey, O: Offset> Loop for SpanLoop<'_, H, O> {
    type Output = ();

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, clippy::needless_range_loop)]
    fn run(self) {
        let Self { hasher, offsets, data, out } = self;
        let rows = out.len();
        let (starts, ends) = (&offsets[..rows], &offsets[1..][..rows]);
        if !(SPANS_WORTH_ORDER..=SPANS_AT_ONCE).contains(&rows) {
            for row in 0..rows {
                out[row] = hasher.bytes(&data[starts[row].place()..ends[row].place()]);
            }
            return;
        }
        // They are not read in the order in which they lie, which is what a processor fetches ahead by itself.
        let lie = &data[starts[0].place()..ends[rows - 1].place()];
        lie[..lie.len().min(BYTES_FETCHED_HIGH)].iter().step_by(CACHE_LINE).for_each(memory::prefetch);
        // A counting sort of the rows by length; long texts, whose hashing takes longer than a misprediction, are alike.
        let mut lengths = [0_u8; SPANS_AT_ONCE];
        let lengths = &mut lengths[..rows];
        for row in 0..rows {
            lengths[row] = (ends[row].place() - starts[row].place()).min(LENGTHS - 1) as u8;
        }
        let mut places = [0_u16; LENGTHS + 1];
        for row in 0..rows {
            places[usize::from(lengths[row]) + 1] += 1;
        }
        for length in 0..LENGTHS {
            places[length + 1] += places[length];
        }
        let mut order = [0_u16; SPANS_AT_ONCE];
        for row in 0..rows {
            let place = &mut places[usize::from(lengths[row])];
            order[usize::from(*place) % SPANS_AT_ONCE] = row as u16;
            *place += 1;
        }
        for place in 0..rows {
            let row = usize::from(order[place]);
            out[row] = hasher.bytes(&data[starts[row].place()..ends[row].place()]);
        }
    }
}

/// Null where a bitmap says so.
struct BlankLoop<'a, V> {
    bits: Bitmap<'a>,
    first: usize,
    null: V,
    out: &'a mut [V],
}

impl<V: Copy> Loop for BlankLoop<'_, V> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (index, slots) in self.out.chunks_mut(64).enumerate() {
            let valid = self.bits.word(self.first + 64 * index);
            if valid == u64::MAX {
                continue;
            }
            for (bit, slot) in slots.iter_mut().enumerate() {
                *slot = if valid >> bit & 1 == 1 { *slot } else { self.null };
            }
        }
    }
}

/// An offset that [`Keys::new`] has checked.
trait Offset: Copy + PartialEq {
    fn place(self) -> usize;
}

#[allow(clippy::cast_sign_loss, clippy::cast_possible_truncation)]
impl Offset for i32 {
    #[inline(always)]
    fn place(self) -> usize {
        self as usize
    }
}

#[allow(clippy::cast_sign_loss, clippy::cast_possible_truncation)]
impl Offset for i64 {
    #[inline(always)]
    fn place(self) -> usize {
        self as usize
    }
}

impl Offset for usize {
    #[inline(always)]
    fn place(self) -> usize {
        self
    }
}

/// The one length of all texts between these offsets, if they have one.
struct OneLength<'a, O>(&'a [O]);

impl<O: Offset> Loop for OneLength<'_, O> {
    type Output = Option<usize>;

    #[inline(always)]
    fn run(self) -> Option<usize> {
        let [first, second, ..] = self.0 else { return None };
        let width = second.place() - first.place();
        let others = self.0.iter().zip(&self.0[1..]);
        let differs = others.fold(false, |found, (start, end)| found | (end.place() - start.place() != width));
        (!differs).then_some(width)
    }
}

/// The hashes of texts of `width` bytes, end to end.
fn fixed<H: HashKey>(hasher: H, width: usize, data: &[u8], out: &mut [H::Value]) {
    match width {
        0 => out.fill(hasher.bytes(&[])),
        8 if H::TEXT_HASHES_AS_WORDS => {
            lanes::run(WordLoop { hasher, values: data.as_chunks::<8>().0, word: u64::from_le_bytes, out });
        }
        16 => lanes::run(PairLoop { hasher, pairs: data.as_chunks().0, out }),
        _ => lanes::run(FixedLoop { hasher, width, data, out }),
    }
}

/// The hashes of texts between offsets, of which there is one more than texts.
fn spans<H: HashKey, O: Offset>(hasher: H, offsets: &[O], data: &[u8], out: &mut [H::Value]) {
    for (index, out) in out.chunks_mut(SPANS_AT_ONCE).enumerate() {
        let first = index * SPANS_AT_ONCE;
        let offsets = &offsets[first..=first + out.len()];
        match lanes::run(OneLength(offsets)) {
            Some(width) => {
                fixed(hasher, width, &data[offsets[0].place()..offsets[out.len()].place()], out);
            }
            None => lanes::run(SpanLoop { hasher, offsets, data, out }),
        }
    }
}

/// The hashes of the rows from `first` on, as many as there is room for; null keys give `null`.
pub(super) fn hash_rows<H: HashKey>(
    columns: &[Keys<'_>],
    first: usize,
    hasher: &H,
    null: H::Value,
    out: &mut [H::Value],
) {
    let rows = first..first + out.len();
    match columns {
        [column] => hash_column(column, rows, *hasher, null, out),
        _ => for_each_block(columns, rows, |start, frames| {
            let offsets = frames.offsets();
            let out = &mut out[start - first..][..offsets.len() - 1];
            spans(*hasher, offsets, frames.bytes(), out);
            frames.nulls().for_each(|index| out[index] = null);
        }),
    }
}

#[allow(clippy::cast_sign_loss)]
fn hash_column<H: HashKey>(column: &Keys<'_>, rows: Range<usize>, hasher: H, null: H::Value, out: &mut [H::Value]) {
    let first = rows.start;
    macro_rules! words {
        ($values:ident, $word:expr) => {
            lanes::run(WordLoop { hasher, values: &$values[rows], word: $word, out: &mut *out })
        };
    }
    match column.values() {
        Values::I64(values) | Values::Time64(values, TimeUnit::Microsecond) => {
            words!(values, |value: i64| value as u64)
        }
        Values::U64(values) => words!(values, |value: u64| value),
        Values::I32(values) | Values::Date32(values) => words!(values, |value: i32| i64::from(value) as u64),
        Values::U32(values) => words!(values, |value: u32| u64::from(value)),
        Values::I16(values) => words!(values, |value: i16| i64::from(value) as u64),
        Values::U16(values) => words!(values, |value: u16| u64::from(value)),
        Values::I8(values) => words!(values, |value: i8| i64::from(value) as u64),
        Values::U8(values) => words!(values, |value: u8| u64::from(value)),
        Values::F64(values) => words!(values, float_word),
        Values::F32(values) => words!(values, |value: f32| float_word(f64::from(value))),
        Values::Date64(values) => words!(values, |value: i64| value.div_euclid(86_400_000) as u64),
        Values::Time64(values, TimeUnit::Second) => words!(values, |value: i64| value.wrapping_mul(1_000_000) as u64),
        Values::Time64(values, TimeUnit::Millisecond) => words!(values, |value: i64| value.wrapping_mul(1_000) as u64),
        Values::Boolean(bits) => {
            let hashes = [hasher.bytes(&[0]), hasher.bytes(&[1])];
            for (index, slot) in out.iter_mut().enumerate() {
                *slot = hashes[usize::from(bits.get(first + index))];
            }
        }
        Values::Bytes32 { offsets, data } => spans(hasher, &offsets[first..=rows.end], data, out),
        Values::Bytes64 { offsets, data } => spans(hasher, &offsets[first..=rows.end], data, out),
        Values::Fixed { width, data } => fixed(hasher, *width, &data[first * width..rows.end * width], out),
        // What lies under a null may not be read, or a key's form depends on its value.
        _ => {
            return column.for_each(rows, |row, form| {
                out[row - first] = match form {
                    Canonical::Word(word) => hasher.word(word),
                    Canonical::Bytes(bytes) => hasher.bytes(bytes),
                    Canonical::Null => null,
                };
            });
        }
    }
    if let Some(bits) = column.validity() {
        lanes::run(BlankLoop { bits, first, null, out });
    }
}

/// Calls `hash` for the values of the column's dictionary, if it has one that is worth it, and gives the rows
/// from them; false, with nothing done, if not.
pub(super) fn by_dictionary<V: Copy + Send + Sync, T: Send>(
    columns: &[Keys<'_>],
    threads: usize,
    null: V,
    hash: impl FnOnce(&Keys<'_>, &mut [V]),
    slot: impl Fn(V) -> T + Sync,
    out: &mut [T],
) -> bool {
    if let [column] = columns
        && let Values::Dictionary { indices, values } = column.values()
        && values.len() <= column.len()
    {
        let mut entries = vec![null; values.len()];
        hash(values, &mut entries);
        gather(column.validity(), indices, &entries, threads, |entry| slot(entry.unwrap_or(null)), out);
        return true;
    }
    false
}

/// A dictionary's rows from what was computed once per value; an index under a null may lead nowhere.
fn gather<V: Copy + Sync, T: Send>(
    validity: Option<Bitmap<'_>>,
    indices: &Indices<'_>,
    entries: &[V],
    threads: usize,
    slot: impl Fn(Option<V>) -> T + Sync,
    out: &mut [T],
) {
    threads::fill(out, threads, |first, part| {
        macro_rules! rows {
            ($indices:expr) => {
                for (index, (target, entry)) in part.iter_mut().zip(&$indices[first..]).enumerate() {
                    let valid = validity.is_none_or(|bits| bits.get(first + index));
                    #[allow(clippy::cast_sign_loss, clippy::cast_possible_truncation)]
                    let entry = *entry as usize;
                    *target = slot(valid.then(|| entries[entry]));
                }
            };
        }
        match indices {
            Indices::I8(indices) => rows!(indices),
            Indices::I16(indices) => rows!(indices),
            Indices::I32(indices) => rows!(indices),
            Indices::I64(indices) => rows!(indices),
            Indices::U8(indices) => rows!(indices),
            Indices::U16(indices) => rows!(indices),
            Indices::U32(indices) => rows!(indices),
            Indices::U64(indices) => rows!(indices),
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{CONTENDERS, HashFunction, with_function};

    fn every_path_gives_the_same<H: HashKey<Value = u64>>(hasher: H) {
        let words: Vec<u64> = (0..1000_u64).map(|word| word.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ word).collect();
        let data: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let offsets: Vec<usize> = (0..=300).map(|row| row * (row % 7 + 20)).collect::<Vec<_>>();
        let mut sorted = offsets;
        sorted.sort_unstable();
        for path in lanes::Path::available() {
            let mut out = vec![0; 1000];
            lanes::run_on(path, WordLoop { hasher, values: &words, word: |word: u64| word, out: &mut out });
            assert!(words.iter().zip(&out).all(|(word, hash)| hasher.word(*word) == *hash), "{path:?}");
            let pairs = data.as_chunks::<16>().0;
            lanes::run_on(path, PairLoop { hasher, pairs, out: &mut out });
            assert!(pairs.iter().zip(&out).all(|(pair, hash)| hasher.bytes(pair) == *hash), "{path:?}");
            for width in [1, 7, 13, 36, 200] {
                let count = (data.len() / width).min(1000);
                lanes::run_on(path, FixedLoop { hasher, width, data: &data, out: &mut out[..count] });
                let all = data.chunks_exact(width).zip(&out[..count]);
                assert!(all.into_iter().all(|(bytes, hash)| hasher.bytes(bytes) == *hash), "{path:?}");
            }
            lanes::run_on(path, SpanLoop { hasher, offsets: &sorted, data: &data, out: &mut out[..300] });
            let all = sorted.windows(2).zip(&out);
            assert!(all.into_iter().all(|(ends, hash)| hasher.bytes(&data[ends[0]..ends[1]]) == *hash), "{path:?}");
        }
    }

    #[test]
    fn every_function_gives_the_same_on_every_path() {
        for contender in CONTENDERS.iter().filter(|contender| !["postgres", "identity"].contains(&contender.name)) {
            let function = HashFunction::parse(contender.name, 0).unwrap();
            with_function!(function, hasher => every_path_gives_the_same(hasher), identity => ());
        }
    }

    #[test]
    fn nulls_are_blanked_on_every_path_from_any_bit_on() {
        let bytes: Vec<u8> = (0..40_u8).map(|at| if at < 20 { 0xff } else { at.wrapping_mul(37) }).collect();
        for path in lanes::Path::available() {
            for (offset, len) in [(0, 320), (3, 200), (7, 313), (64, 1), (319, 1), (100, 0)] {
                let bits = Bitmap::new(&bytes, offset, len);
                for first in 0..len.min(3) {
                    let mut out = vec![1_u64; len - first];
                    lanes::run_on(path, BlankLoop { bits, first, null: 9, out: &mut out });
                    let expected = |row: usize| if bits.get(first + row) { 1 } else { 9 };
                    assert!(out.iter().enumerate().all(|(row, slot)| *slot == expected(row)), "{path:?} {offset}");
                }
            }
        }
    }

    #[test]
    fn texts_of_one_length_are_known_from_their_offsets() {
        let of = |offsets: &[i32]| OneLength(offsets).run();
        assert_eq!([of(&[0]), of(&[3, 3]), of(&[2, 7, 12])], [None, Some(0), Some(5)]);
        assert_eq!([of(&[0, 5, 9]), of(&[0, 0, 1, 1])], [None, None]);
    }
}
