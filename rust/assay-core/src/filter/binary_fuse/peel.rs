//! Peeling: the order in which each key has a slot that no later key uses, and the values that follow from it.
//!
//! A slot that only one key uses can take whatever value makes that key right, so the key is taken off, which
//! may leave other slots with one key. Taken in the reverse order, each key's own slot is written after the
//! others of its slots.
//!
//! Two waves peel from both ends to the middle, as the keys come from their buckets: a wave adds the keys of
//! one segment more and takes off what it can, so it needs memory for the few segments between those that are
//! done and those that are not yet reached, and that stays in a near cache. What it takes off overwrites the
//! keys that were read. The waves share nothing, so two threads run one each; what is left in the middle is
//! peeled last. A segment's state before its turn depends on the set of keys alone, and so does the order.
//! Memory: 9 bytes per key beside the filter, and the window.

use super::Shape;
use crate::filter::hashes::Buckets;
use crate::filter::table::Fingerprint;
use crate::memory;
use crate::threads;

/// Per slot of a few segments: the XOR of its keys, and their number with the XOR of which of their slots it is.
struct Window {
    /// Segments from here on are kept.
    first: usize,
    /// So many segments, a power of two.
    capacity: usize,
    segment_slots: usize,
    words: Vec<u64>,
    /// Four for each key, plus the XOR of the slots' indices in the low two bits.
    counts: Vec<u8>,
    /// What is left of a slot's number when the window is gone round; one less than the lengths.
    mask: usize,
    /// Whether some slot has more keys than are counted: counts mean nothing then, and what they say is alone need not be a key.
    crowded: bool,
}

const ONE: u8 = 4;
/// So many slots ahead in the queue are asked for.
const AHEAD: usize = 8;

impl Window {
    fn new(first: usize, capacity: usize, segment_slots: usize) -> Self {
        let capacity = capacity.next_power_of_two();
        let slots = capacity * segment_slots;
        Self {
            first,
            capacity,
            segment_slots,
            words: memory::zeros(slots),
            counts: memory::zeros(slots),
            mask: slots - 1,
            crowded: false,
        }
    }

    #[inline(always)]
    fn place(&self, slot: u32) -> usize {
        slot as usize & self.mask
    }

    fn counts_of(&self, segment: usize) -> &[u8] {
        let from = (segment & (self.capacity - 1)) * self.segment_slots;
        &self.counts[from..from + self.segment_slots]
    }

    /// Makes room up to and with this segment, by leaving those before `turn` that are done, or by growing.
    fn reach(&mut self, segment: usize, turn: usize) {
        while segment >= self.first + self.capacity {
            if self.first >= turn || self.counts_of(self.first).iter().any(|count| *count >= ONE) {
                let mut grown = Self::new(self.first, self.capacity * 2, self.segment_slots);
                (self.first..self.first + self.capacity).for_each(|segment| grown.copy(self, segment, segment, false));
                grown.crowded = self.crowded;
                *self = grown;
            } else {
                self.first += 1;
            }
        }
    }

    /// Takes a segment over from another window, mirrored or not.
    fn copy(&mut self, other: &Self, from: usize, to: usize, mirrored: bool) {
        let len = self.segment_slots;
        let (from, to) = ((from & (other.capacity - 1)) * len, (to & (self.capacity - 1)) * len);
        self.words[to..to + len].copy_from_slice(&other.words[from..from + len]);
        self.counts[to..to + len].copy_from_slice(&other.counts[from..from + len]);
        if mirrored {
            self.words[to..to + len].reverse();
            self.counts[to..to + len].reverse();
        }
    }

    /// Asks for the lines of a slot.
    #[inline(always)]
    fn fetch(&self, slot: u32) {
        let place = self.place(slot);
        // SAFETY: a place is below the lengths, as `new` made them.
        unsafe {
            memory::prefetch(self.words.get_unchecked(place));
            memory::prefetch(self.counts.get_unchecked(place));
        }
    }

    /// The XOR of the keys of a slot, and their count.
    #[inline(always)]
    fn at(&self, slot: u32) -> (u64, u8) {
        let place = self.place(slot);
        // SAFETY: as above.
        unsafe { (*self.words.get_unchecked(place), *self.counts.get_unchecked(place)) }
    }

    #[inline(always)]
    fn slot(&mut self, slot: u32) -> (&mut u64, &mut u8) {
        let place = self.place(slot);
        // SAFETY: as above.
        unsafe { (self.words.get_unchecked_mut(place), self.counts.get_unchecked_mut(place)) }
    }

    /// Takes a key off one of its slots, its `index`-th; the slot's new count.
    #[inline(always)]
    fn take_off(&mut self, slot: u32, word: u64, index: u8) -> u8 {
        let (words, counts) = self.slot(slot);
        *words ^= word;
        *counts = counts.wrapping_sub(ONE) ^ index;
        *counts
    }

    #[inline(always)]
    fn add<const K: usize>(&mut self, word: u64, positions: [u32; K]) {
        for (index, slot) in positions.into_iter().enumerate() {
            let (words, counts) = self.slot(slot);
            let count = counts.wrapping_add(ONE);
            *words ^= word;
            *counts = count ^ index as u8;
            self.crowded |= count < ONE;
        }
    }
}

/// Keys that were taken off: words, and which of its slots each had alone.
struct Peeled<'a> {
    words: &'a mut [u64],
    alone: &'a mut [u8],
}

/// One wave: its slots, words and output run from its own end, mirrored in the wave from the other.
struct Wave<'a, const K: usize, const MIRRORED: bool> {
    shape: Shape,
    window: Window,
    peeled: Peeled<'a>,
    /// Words added so far, from this wave's end of `peeled.words`.
    added: usize,
    /// Words taken off so far, which lie at this wave's end.
    taken: usize,
    queue: Vec<u32>,
}

impl<'a, const K: usize, const MIRRORED: bool> Wave<'a, K, MIRRORED> {
    fn new(shape: Shape, window: Window, peeled: Peeled<'a>) -> Self {
        Self { shape, window, peeled, added: 0, taken: 0, queue: Vec::new() }
    }

    #[inline(always)]
    fn index(&self, index: usize) -> usize {
        if MIRRORED { self.peeled.words.len() - 1 - index } else { index }
    }

    #[inline(always)]
    fn positions(&self, word: u64) -> [u32; K] {
        let positions = self.shape.positions::<K>(word);
        if MIRRORED {
            let last = self.shape.slots::<K>() as u32 - 1;
            positions.map(|slot| last - slot)
        } else {
            positions
        }
    }

    /// Adds words up to the `end`-th.
    fn add(&mut self, end: usize) {
        for index in self.added..end {
            let word = self.peeled.words[self.index(index)];
            self.window.add(word, self.positions(word));
        }
        self.added = self.added.max(end);
    }

    /// Takes off what can be, beginning with the slots of `segment`, where segments below `end` are complete.
    fn peel(&mut self, segment: usize, end: usize) {
        let first = (segment * self.window.segment_slots) as u32;
        let end = (end * self.window.segment_slots) as u32;
        let mut queue = std::mem::take(&mut self.queue);
        let counts = self.window.counts_of(segment);
        queue.clear();
        queue.resize((counts.len() + AHEAD + K).max(queue.capacity()), first);
        let mut len = 0;
        for (index, count) in counts.iter().enumerate() {
            queue[len] = first + index as u32;
            len += usize::from(*count & !3 == ONE);
        }
        let mut head = 0;
        while head < len {
            if queue.len() < len + K + AHEAD {
                queue.resize(queue.len() * 2, first);
            }
            // Whatever stands behind the last is a slot of the window too, or was one.
            self.window.fetch(queue[head + AHEAD]);
            let slot = queue[head];
            head += 1;
            let (word, count) = self.window.at(slot);
            if count & !3 != ONE {
                continue;
            }
            let at = self.index(self.taken);
            self.taken += 1;
            self.peeled.words[at] = word;
            self.peeled.alone[at] = count & 3;
            for (index, slot) in self.positions(word).into_iter().enumerate() {
                let count = self.window.take_off(slot, word, index as u8);
                queue[len] = slot;
                len += usize::from(count & !3 == ONE && slot < end);
            }
        }
        self.queue = queue;
    }
}

/// The first 32-bit value that starts in this segment or later.
fn first_of(shape: Shape, start: usize) -> u64 {
    ((start as u64) << 32).div_ceil(u64::from(shape.starts))
}

/// Segments that a wave's window begins with; it grows as it must.
const WINDOW_SEGMENTS: usize = 16;

/// The values of the slots, or None if the words do not peel.
pub fn solve<F: Fingerprint, const K: usize>(mut buckets: Buckets, shape: Shape, threads: usize) -> Option<Vec<F>> {
    let (segments, segment_slots) = (shape.segments::<K>(), shape.segment_slots as usize);
    let mid = segments / 2;
    // Words below `low` have all slots in the left half, those from `high` on in the right half.
    let (low, high) = (first_of(shape, (mid + 1).saturating_sub(K)), first_of(shape, mid.min(shape.starts as usize)));
    let left_end = split_at(&mut buckets, low);
    let right_begin = split_at(&mut buckets, high);
    let Buckets { mut words, bounds, bits } = buckets;
    let keys = words.len();
    let mut alone: Vec<u8> = memory::zeros(keys);
    let bucket_of = |value: u64| (value >> (32 - bits)) as usize;

    let (left_words, rest) = words.split_at_mut(left_end);
    let (_, right_words) = rest.split_at_mut(right_begin - left_end);
    let (left_alone, rest) = alone.split_at_mut(left_end);
    let (_, right_alone) = rest.split_at_mut(right_begin - left_end);
    let (left, right) = threads::join(
        threads,
        || {
            let peeled = Peeled { words: left_words, alone: left_alone };
            let mut wave = Wave::<K, false>::new(shape, Window::new(0, WINDOW_SEGMENTS, segment_slots), peeled);
            for segment in 0..(mid + 1).saturating_sub(K) {
                // All that start in the segment, and what shares the last bucket with them.
                let last = bucket_of(first_of(shape, segment + 1) - 1);
                let end = bounds[last + 1].min(left_end);
                let reached = (((((last as u64 + 1) << (32 - bits)) - 1) * u64::from(shape.starts)) >> 32) as usize;
                wave.window.reach((reached + K).min(mid) - 1, segment);
                wave.add(end);
                if wave.window.crowded {
                    break;
                }
                wave.peel(segment, segment + 1);
            }
            (wave.window, wave.taken)
        },
        || {
            let peeled = Peeled { words: right_words, alone: right_alone };
            let mut wave = Wave::<K, true>::new(shape, Window::new(0, WINDOW_SEGMENTS, segment_slots), peeled);
            for mirrored in 0..segments.saturating_sub(mid + K - 1) {
                let start = segments - K - mirrored;
                let first = bucket_of(first_of(shape, start));
                let end = keys - bounds[first].max(right_begin);
                let reached = ((((first as u64) << (32 - bits)) * u64::from(shape.starts)) >> 32) as usize;
                wave.window.reach(segments - 1 - reached.max(mid), mirrored);
                wave.add(end);
                if wave.window.crowded {
                    break;
                }
                wave.peel(mirrored, mirrored + 1);
            }
            (wave.window, wave.taken)
        },
    );
    let (left_taken, right_taken) = (left.1, right.1);
    if left.0.crowded || right.0.crowded {
        return None;
    }

    let begin = left.0.first;
    let mut window = Window::new(begin, segments - begin - right.0.first, segment_slots);
    for segment in begin..mid.min(begin + left.0.capacity) {
        window.copy(&left.0, segment, segment, false);
    }
    for mirrored in right.0.first..(segments - mid).min(right.0.first + right.0.capacity) {
        window.copy(&right.0, mirrored, segments - 1 - mirrored, true);
    }
    drop((left, right));
    for word in &words[left_end..right_begin] {
        window.add(*word, shape.positions::<K>(*word));
    }
    if window.crowded {
        return None;
    }
    let peeled =
        Peeled { words: &mut words[left_taken..keys - right_taken], alone: &mut alone[left_taken..keys - right_taken] };
    let missing = peeled.words.len();
    let mut wave = Wave::<K, false>::new(shape, window, peeled);
    for segment in (mid + 1).saturating_sub(K)..(mid + K - 1).min(segments) {
        wave.peel(segment, segments);
    }
    if wave.taken < missing {
        return None;
    }

    let mut slots: Vec<F> = memory::zeros(shape.slots::<K>());
    let middle = left_taken..keys - right_taken;
    assign::<F, K>(shape, words[middle.clone()].iter().zip(&alone[middle]).rev(), 0, &mut slots);
    let (left_slots, right_slots) = slots.split_at_mut(mid * segment_slots);
    threads::join(
        threads,
        || assign::<F, K>(shape, words[..left_taken].iter().zip(&alone[..left_taken]).rev(), 0, left_slots),
        || {
            let right = keys - right_taken..keys;
            let first = (mid * segment_slots) as u32;
            assign::<F, K>(shape, words[right.clone()].iter().zip(&alone[right]), first, right_slots);
        },
    );
    Some(slots)
}

/// Moves the words whose high half is below `value` before the others of their bucket; where they end.
fn split_at(buckets: &mut Buckets, value: u64) -> usize {
    if value >= 1 << 32 {
        return buckets.words.len();
    }
    let bucket = (value >> (32 - buckets.bits)) as usize;
    let (start, end) = (buckets.bounds[bucket], buckets.bounds[bucket + 1]);
    let mut place = start;
    for index in start..end {
        if buckets.words[index] >> 32 < value {
            buckets.words.swap(index, place);
            place += 1;
        }
    }
    place
}

/// Writes each key's own slot, the last taken off first; `first` is the number of the first of these slots.
fn assign<'w, F: Fingerprint, const K: usize>(
    shape: Shape,
    keys: impl Iterator<Item = (&'w u64, &'w u8)>,
    first: u32,
    slots: &mut [F],
) {
    for (word, alone) in keys {
        let positions = shape.positions::<K>(*word);
        let mut value = F::of(*word);
        for slot in positions {
            value = value ^ slots[(slot - first) as usize];
        }
        // The key's own slot is still zero.
        slots[(positions[usize::from(*alone)] - first) as usize] = value;
    }
}
