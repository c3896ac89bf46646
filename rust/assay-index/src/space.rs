//! What keys are to an index: words that compare as integers, or bytes that compare as bytes.
//!
//! Every Arrow type is brought into one of two spaces by [`crate::encode`], so that a structure is written once,
//! generic over [`Space`], and compiled for both. A key that is kept is small and of one size ([`Space::Key`]); a key
//! that is asked for is borrowed from whoever asks ([`Space::Probe`]).

use std::cmp::Ordering;
use std::fmt::Debug;

use assay_core::hash::HashKey;
use assay_core::hash::xxh3_64::Xxh3_64;
use assay_core::memory;
use assay_core::placement::rendezvous::finalise;

/// A space of keys with an order.
pub trait Space: Clone + Debug + Default + Send + Sync + 'static {
    /// A key as an index keeps it.
    type Key: Copy + Debug + Default + Send + Sync + 'static;
    /// A key that is asked for or put in.
    type Probe<'a>: Copy + Debug + Send + Sync;
    /// Whether a head is the whole key.
    const HEAD_IS_ALL: bool;

    /// The first eight bytes of a key as a big-endian number, shorter keys filled up with zeros: where heads differ,
    /// keys are in the order of their heads.
    fn head(key: Self::Key) -> u64;

    /// The key that is all head.
    ///
    /// # Panics
    /// If heads are not all of a key in this space.
    fn of_head(head: u64) -> Self::Key;

    /// The heads of keys where they lie, if heads are all of a key.
    fn heads(keys: &[Self::Key]) -> Option<&[u64]>;

    /// The eight bytes of a key after its first so many, as [`Space::head`] has them; None if there are none.
    fn head_after(&self, key: Self::Key, skipped: usize) -> Option<u64>;

    /// The bytes that both keys begin with; none if heads are all of a key.
    fn shared(&self, one: Self::Key, other: Self::Key) -> &[u8];

    /// The head of what follows these bytes in a key that is asked for.
    ///
    /// # Errors
    /// If it does not begin with them: its order to all keys that do.
    fn probe_after(probe: Self::Probe<'_>, shared: &[u8]) -> Result<u64, Ordering>;

    /// The head of a key that is asked for.
    fn probe_head(probe: Self::Probe<'_>) -> u64;

    /// A kept key as one to ask for.
    fn probe(&self, key: Self::Key) -> Self::Probe<'_>;

    /// Keeps a key.
    fn keep(&mut self, probe: Self::Probe<'_>) -> Self::Key;

    /// The order of a kept key and one that is asked for.
    fn compare(&self, key: Self::Key, probe: Self::Probe<'_>) -> Ordering;

    /// Whether a key that is asked for has more bytes than its head, so that a kept one lies elsewhere.
    fn is_long(probe: Self::Probe<'_>) -> bool;

    /// Asks for the bytes of a kept key ahead of time, where they lie elsewhere.
    fn prefetch(&self, key: Self::Key);

    /// Whether a kept key is one that is asked for, if their heads are the same.
    fn is_beyond_head(&self, key: Self::Key, probe: Self::Probe<'_>) -> bool;

    /// The order of two kept keys.
    fn order(&self, one: Self::Key, other: Self::Key) -> Ordering;

    /// The order of two keys that are asked for.
    fn order_probes(one: Self::Probe<'_>, other: Self::Probe<'_>) -> Ordering;

    /// A hash of the key: all bits depend on all of it.
    fn hash(probe: Self::Probe<'_>) -> u64;

    /// The bytes that the key is, as its user counts them.
    fn key_bytes(probe: Self::Probe<'_>) -> u64;

    /// The bytes that this space holds beside the keys themselves.
    fn memory_bytes(&self) -> u64;
}

/// Integers, times, floats, bool: eight bytes that compare as an unsigned integer.
#[derive(Debug, Default, Clone, Copy)]
pub struct Words;

impl Space for Words {
    type Key = u64;
    type Probe<'a> = u64;
    const HEAD_IS_ALL: bool = true;

    #[inline]
    fn head(key: u64) -> u64 {
        key
    }

    #[inline]
    fn of_head(head: u64) -> u64 {
        head
    }

    #[inline]
    fn heads(keys: &[u64]) -> Option<&[u64]> {
        Some(keys)
    }

    #[inline]
    fn head_after(&self, _: u64, _: usize) -> Option<u64> {
        None
    }

    fn shared(&self, _: u64, _: u64) -> &[u8] {
        &[]
    }

    #[inline]
    fn probe_after(probe: u64, _: &[u8]) -> Result<u64, Ordering> {
        Ok(probe)
    }

    #[inline]
    fn probe_head(probe: u64) -> u64 {
        probe
    }

    #[inline]
    fn probe(&self, key: u64) -> u64 {
        key
    }

    #[inline]
    fn keep(&mut self, probe: u64) -> u64 {
        probe
    }

    #[inline]
    fn compare(&self, key: u64, probe: u64) -> Ordering {
        key.cmp(&probe)
    }

    #[inline]
    fn is_long(_: u64) -> bool {
        false
    }

    #[inline]
    fn prefetch(&self, _: u64) {}

    #[inline]
    fn is_beyond_head(&self, _: u64, _: u64) -> bool {
        true
    }

    #[inline]
    fn order(&self, one: u64, other: u64) -> Ordering {
        one.cmp(&other)
    }

    #[inline]
    fn order_probes(one: u64, other: u64) -> Ordering {
        one.cmp(&other)
    }

    #[inline]
    fn hash(probe: u64) -> u64 {
        finalise(probe)
    }

    #[inline]
    fn key_bytes(_: u64) -> u64 {
        8
    }

    fn memory_bytes(&self) -> u64 {
        0
    }
}

/// A kept key of bytes: its head, and where the whole lies.
#[derive(Debug, Default, Clone, Copy)]
pub struct Text {
    head: u64,
    /// The place of its first byte, and its length: 40 and 24 bits.
    place: u64,
}

/// The longest key of bytes.
pub const LONGEST: usize = (1 << LENGTH_BITS) - 1;
const LENGTH_BITS: u32 = 24;

/// Text, binary, decimals and compound keys: bytes that compare as bytes do, a prefix before what it begins.
///
/// Bytes of keys that left stay until the index is built anew.
#[derive(Debug, Default, Clone)]
pub struct Texts {
    bytes: Vec<u8>,
}

/// The head of bytes.
#[inline]
#[must_use]
pub fn head_of(bytes: &[u8]) -> u64 {
    match bytes.first_chunk::<8>() {
        Some(first) => u64::from_be_bytes(*first),
        None => {
            let mut first = [0; 8];
            first[..bytes.len()].copy_from_slice(bytes);
            u64::from_be_bytes(first)
        }
    }
}

impl Texts {
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn bytes_of(&self, key: Text) -> &[u8] {
        let start = (key.place >> LENGTH_BITS) as usize;
        let length = key.place as usize & LONGEST;
        &self.bytes[start..start + length]
    }
}

impl Space for Texts {
    type Key = Text;
    type Probe<'a> = &'a [u8];
    const HEAD_IS_ALL: bool = false;

    #[inline]
    fn head(key: Text) -> u64 {
        key.head
    }

    fn of_head(_: u64) -> Text {
        panic!("a key of bytes is more than its head")
    }

    #[inline]
    fn heads(_: &[Text]) -> Option<&[u64]> {
        None
    }

    #[inline]
    fn head_after(&self, key: Text, skipped: usize) -> Option<u64> {
        let bytes = self.bytes_of(key);
        (bytes.len() > skipped).then(|| head_of(&bytes[skipped..]))
    }

    fn shared(&self, one: Text, other: Text) -> &[u8] {
        let (one, other) = (self.bytes_of(one), self.bytes_of(other));
        &one[..one.iter().zip(other).take_while(|(one, other)| one == other).count()]
    }

    #[inline]
    fn probe_after(probe: &[u8], shared: &[u8]) -> Result<u64, Ordering> {
        match probe.strip_prefix(shared) {
            Some(rest) => Ok(head_of(rest)),
            None => Err(probe.cmp(shared)),
        }
    }

    #[inline]
    fn probe_head(probe: &[u8]) -> u64 {
        head_of(probe)
    }

    #[inline]
    fn probe(&self, key: Text) -> &[u8] {
        self.bytes_of(key)
    }

    fn keep(&mut self, probe: &[u8]) -> Text {
        assert!(probe.len() <= LONGEST, "keys are checked for their length when they are encoded");
        let place = (self.bytes.len() as u64) << LENGTH_BITS | probe.len() as u64;
        self.bytes.extend_from_slice(probe);
        Text { head: head_of(probe), place }
    }

    #[inline]
    fn compare(&self, key: Text, probe: &[u8]) -> Ordering {
        key.head.cmp(&head_of(probe)).then_with(|| self.bytes_of(key).cmp(probe))
    }

    #[inline]
    fn is_long(probe: &[u8]) -> bool {
        probe.len() > size_of::<u64>()
    }

    #[inline]
    fn prefetch(&self, key: Text) {
        if let Some(first) = self.bytes_of(key).first() {
            memory::prefetch(first);
        }
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn is_beyond_head(&self, key: Text, probe: &[u8]) -> bool {
        const HEAD: usize = size_of::<u64>();
        if key.place as usize & LONGEST != probe.len() {
            return false;
        }
        let bytes = self.bytes_of(key);
        // Its last eight bytes, with the head all of a key of up to sixteen.
        probe.len() <= HEAD
            || (bytes.last_chunk::<HEAD>() == probe.last_chunk() && (probe.len() <= 2 * HEAD || bytes == probe))
    }

    #[inline]
    fn order(&self, one: Text, other: Text) -> Ordering {
        one.head.cmp(&other.head).then_with(|| self.bytes_of(one).cmp(self.bytes_of(other)))
    }

    #[inline]
    fn order_probes(one: &[u8], other: &[u8]) -> Ordering {
        one.cmp(other)
    }

    #[inline]
    fn hash(probe: &[u8]) -> u64 {
        Xxh3_64::new(0).bytes(probe)
    }

    #[inline]
    fn key_bytes(probe: &[u8]) -> u64 {
        probe.len() as u64
    }

    fn memory_bytes(&self) -> u64 {
        self.bytes.capacity() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_bytes_compare_as_bytes_do() {
        let mut space = Texts::default();
        let all: [&[u8]; 12] = [
            b"",
            b"\0",
            b"\0\0",
            b"a",
            b"a\0",
            b"abcdefgh",
            b"abcdefgh\0",
            b"abcdefghi",
            b"abcdefgh0 12345678",
            b"abcdefgh1 12345678",
            b"abcdefgh1 1234567",
            b"\xff\xff",
        ];
        let kept = all.map(|bytes| space.keep(bytes));
        for (one, key) in all.iter().zip(kept) {
            assert_eq!(space.probe(key), *one);
            for (other, second) in all.iter().zip(kept) {
                assert_eq!(space.order(key, second), one.cmp(other), "{one:?} {other:?}");
                assert_eq!(space.compare(key, other), one.cmp(other), "{one:?} {other:?}");
                let is_it = Texts::head(key) == Texts::probe_head(other) && space.is_beyond_head(key, other);
                assert_eq!(is_it, one == other, "{one:?} {other:?}");
            }
        }
    }
}
