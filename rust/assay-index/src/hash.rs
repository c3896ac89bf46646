//! `hash`: a hash table from keys to their rows, with open addressing and linear probing.
//!
//! A slot holds a key and its row, or where its rows lie. Keys stand near the place that their hash says as a fraction of
//! the table, so that the order of slots is that of hashes: growing the table moves slots in one pass from front to back,
//! and a deletion closes the gap that it leaves. Cost: one miss of the processor's cache a lookup, which a batch overlaps;
//! 27 bytes a key at a load of 0.6, more while it grows. No order, so no ranges. Choose it for lookups by equality.
//! Source: Knuth, The Art of Computer Programming, volume 3, section 6.4; the place as a fraction is Lemire, Fast Random
//! Integer Generation in an Interval, 2019; the hash of words is SplitMix64's finaliser, of bytes XXH3.

use assay_core::catalogue::Contender;
use assay_core::error::{Error, Result};
use assay_core::{memory, threads};

use crate::row_lists::{List, RowLists, growth};
use crate::space::Space;
use crate::{Found, Index, NONE, Pairs, Plan, Progress, Steps};

/// What the catalogue says.
pub const CONTENDER: Contender = Contender {
    room: "index",
    name: "hash",
    version: 1,
    idea: "A hash table: open addressing, a key and its row in one slot.",
    cost: "one cache miss a lookup and a change; 27 bytes a key of 8 bytes at a load of 0.6",
    choose_when: "keys are asked for by equality alone, and memory is at hand",
    source: "Knuth, The Art of Computer Programming, volume 3, section 6.4",
    parameters: &[],
    abilities: &["updates"],
};

/// The most of 10 slots that are taken.
const TENTHS_TAKEN: usize = 6;
/// The most rows that lists have room for when rows come: half of what 32 bits number, as lists that shrink move to other
/// stretches, which have no more room together than those that they leave.
const MOST_LISTED: u64 = 1 << 31;
/// The stretches that a list goes through have room for so many times its rows together, at most.
const LISTED_A_ROW: u64 = 4;
/// Probes whose slots are asked for before the first is looked at.
const AHEAD: usize = 32;

/// Builds it.
///
/// # Errors
/// If it was called off.
pub fn build<S: Space>(pairs: Pairs<S>, plan: &Plan<'_>) -> Result<Box<dyn Index<S>>> {
    let piece = Progress::step(pairs.len());
    let mut index = Hash { space: pairs.space, ..Hash::default() };
    index.slots = free_slots(slots_for(distinct_of(&index.space, &pairs.keys, plan)?), plan.progress)?;
    for (keys, rows) in pairs.keys.chunks(piece).zip(pairs.rows.chunks(piece)) {
        if index.may_be_short(keys.len() as u64, MOST_LISTED) {
            let probes: Vec<S::Probe<'_>> = keys.iter().map(|key| index.space.probe(*key)).collect();
            index.check_room_of(&probes, 0, MOST_LISTED)?;
        }
        index.put_batch(
            keys,
            rows,
            |space, key| S::hash(space.probe(key)),
            |space, kept, key| space.order(kept, key).is_eq(),
            |_, key| key,
        );
        plan.progress.add(keys.len() as u64)?;
    }
    let entries = pairs.rows.len();
    drop((pairs.keys, pairs.rows));
    let mut told = Steps::of(entries, plan.progress);
    index.shrink(slots_for(index.keys), &mut told)?;
    // Of entries whose keys take no slot of their own.
    told.add(entries - index.keys)?;
    told.end()?;
    index.lists.shrink();
    Ok(Box::new(index))
}

/// About how many distinct keys there are: linear counting (Whang et al. 1990) in as many bits as there are keys.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]
fn distinct_of<S: Space>(space: &S, keys: &[S::Key], plan: &Plan<'_>) -> Result<usize> {
    let words = keys.len().div_ceil(64);
    let count = words * 64;
    let parts = threads::map(keys.len(), plan.threads, |range| {
        let mut bits = memory::zeros::<u64>(words);
        let mut told = Steps::of(keys.len(), plan.progress);
        for key in &keys[range] {
            let bit = home(S::hash(space.probe(*key)), count);
            bits[bit / 64] |= 1 << (bit % 64);
            told.add(1)?;
        }
        told.end()?;
        Ok(bits)
    });
    let parts = parts.into_iter().collect::<Result<Vec<_>>>()?;
    let word = |at: usize| parts.iter().fold(0, |all, bits| all | bits[at]);
    let set: u64 = (0..words).map(|at| u64::from(word(at).count_ones())).sum();
    let free = (count as u64 - set).max(1) as f64 / count.max(1) as f64;
    Ok(((-libm::log(free) * count as f64 * 1.01) as usize).min(keys.len()))
}

#[derive(Debug, Default, Clone, Copy)]
struct Slot<K> {
    key: K,
    rows: List,
}

/// A hash table of entries.
#[derive(Debug)]
pub struct Hash<S: Space> {
    space: S,
    slots: Vec<Slot<S::Key>>,
    /// Distinct ones, each a slot.
    keys: usize,
    entries: u64,
    lists: RowLists,
}

impl<S: Space> Default for Hash<S> {
    fn default() -> Self {
        Self { space: S::default(), slots: Vec::new(), keys: 0, entries: 0, lists: RowLists::default() }
    }
}

fn slots_for(keys: usize) -> usize {
    (keys * 10).div_ceil(TENTHS_TAKEN) + 1
}

/// So many slots without keys, in huge pages if they are many.
fn free_slots<K: Copy + Default>(slots: usize, progress: &Progress) -> Result<Vec<Slot<K>>> {
    let mut fresh = memory::with_capacity(slots);
    while fresh.len() < slots {
        progress.check()?;
        fresh.resize(slots.min(fresh.len() + (1 << 20)), Slot::default());
    }
    Ok(fresh)
}

#[inline]
#[allow(clippy::cast_possible_truncation)]
fn home(hash: u64, slots: usize) -> usize {
    ((u128::from(hash) * slots as u128) >> 64) as usize
}

impl<S: Space> Hash<S> {
    #[inline]
    fn next(&self, at: usize) -> usize {
        if at + 1 == self.slots.len() { 0 } else { at + 1 }
    }

    /// The slot of a key, or the free one where it would stand.
    #[inline]
    fn find(&self, hash: u64, is_it: impl Fn(S::Key) -> bool) -> usize {
        let mut at = home(hash, self.slots.len());
        loop {
            let slot = &self.slots[at];
            if slot.rows.count == 0 || is_it(slot.key) {
                return at;
            }
            at = self.next(at);
        }
    }

    fn hash_of(&self, slot: &Slot<S::Key>) -> u64 {
        S::hash(self.space.probe(slot.key))
    }

    /// Moves every key into a table of so many slots.
    fn resize(&mut self, slots: usize) {
        if slots == self.slots.len() {
            return;
        }
        let fresh = free_slots(slots, &Progress::default()).expect("nobody calls it off");
        let old = std::mem::replace(&mut self.slots, fresh);
        for slot in old.iter().filter(|slot| slot.rows.count > 0) {
            let mut at = home(self.hash_of(slot), slots);
            while self.slots[at].rows.count > 0 {
                at = self.next(at);
            }
            self.slots[at] = *slot;
        }
    }

    /// Moves every key within the table to where it stands in one of so many slots, at most as many, and gives the rest
    /// back. Slots are in the order of hashes, and in a smaller table every place is nearer to the front: whatever is
    /// moved from front to back goes where nothing stands any more. Tells of each key.
    fn shrink(&mut self, slots: usize, told: &mut Steps<'_>) -> Result<()> {
        let old = self.slots.len();
        if slots >= old {
            self.resize(slots);
            return told.add(self.keys);
        }
        // Keys at the front may have come around the end; they find their slot when all others stand.
        let front = self.slots.iter().take_while(|slot| slot.rows.count > 0).count();
        let mut late = Vec::new();
        for at in 0..old {
            let slot = std::mem::take(&mut self.slots[at]);
            if slot.rows.count == 0 {
                continue;
            }
            told.add(1)?;
            let hash = self.hash_of(&slot);
            if at < front && home(hash, old) > at {
                late.push(slot);
                continue;
            }
            let mut place = home(hash, slots);
            while place < slots && self.slots[place].rows.count > 0 {
                place += 1;
            }
            if place < slots { self.slots[place] = slot } else { late.push(slot) }
        }
        self.slots.truncate(slots);
        self.slots.shrink_to_fit();
        for slot in late {
            let mut at = home(self.hash_of(&slot), slots);
            while self.slots[at].rows.count > 0 {
                at = self.next(at);
            }
            self.slots[at] = slot;
        }
        Ok(())
    }

    /// Whether lists that so many entries go into could outgrow so many rows; false is certain, true is not.
    fn may_be_short(&self, more: u64, most: u64) -> bool {
        self.lists.room() + LISTED_A_ROW * (self.entries + more) > most
    }

    /// Whether there is room for these keys after so many others, if lists may have so many rows.
    fn check_room_of(&self, probes: &[S::Probe<'_>], before: u64, most: u64) -> Result<()> {
        if !self.may_be_short(before + probes.len() as u64, most) {
            return Ok(());
        }
        let mut probes = probes.to_vec();
        probes.sort_unstable_by(|one, other| S::order_probes(*one, *other));
        let mut more = LISTED_A_ROW * before;
        for same in probes.chunk_by(|one, other| S::order_probes(*one, *other).is_eq()) {
            let mut count = 0;
            self.for_each(&same[..1], |list| count = list.count);
            more += growth(count, same.len() as u64);
        }
        let now = self.lists.room();
        if now + more <= most {
            return Ok(());
        }
        Err(Error::Data(format!(
            "the lists of rows of a hash index have room for {now} rows and would need {more} more; they hold at most {most}: \
             build a btree, or partition the column"
        )))
    }

    /// Makes room for so many more keys, by half as much again at least.
    fn reserve(&mut self, more: usize) {
        let wanted = slots_for(self.keys + more);
        if wanted > self.slots.len() {
            self.resize(wanted.max(self.slots.len() / 2 * 3));
        }
    }

    /// Puts entries in, given how keys are hashed, compared with kept ones, and kept.
    fn put_batch<K: Copy>(
        &mut self,
        keys: &[K],
        rows: &[u32],
        hash: impl Fn(&S, K) -> u64,
        is_it: impl Fn(&S, S::Key, K) -> bool,
        keep: impl Fn(&mut S, K) -> S::Key,
    ) {
        let mut hashes = [0; AHEAD];
        for (keys, rows) in keys.chunks(AHEAD).zip(rows.chunks(AHEAD)) {
            self.reserve(keys.len());
            for (slot, key) in hashes.iter_mut().zip(keys) {
                *slot = hash(&self.space, *key);
                memory::prefetch(&self.slots[home(*slot, self.slots.len())]);
            }
            for ((key, row), hash) in keys.iter().zip(rows).zip(hashes) {
                let at = self.find(hash, |kept| is_it(&self.space, kept, *key));
                let slot = &mut self.slots[at];
                if slot.rows.count == 0 {
                    self.keys += 1;
                    slot.key = keep(&mut self.space, *key);
                }
                self.lists.insert(&mut slot.rows, *row);
            }
        }
        self.entries += keys.len() as u64;
    }

    /// Frees a slot, and moves those after it that may stand nearer to their place.
    fn close(&mut self, mut gap: usize) {
        self.keys -= 1;
        let len = self.slots.len();
        let mut at = self.next(gap);
        while self.slots[at].rows.count > 0 {
            // It may move to the gap unless its place lies behind that.
            let place = home(self.hash_of(&self.slots[at]), len);
            let (from_place, from_gap) = ((at + len - place) % len, (at + len - gap) % len);
            if from_place >= from_gap {
                self.slots[gap] = self.slots[at];
                gap = at;
            }
            at = self.next(at);
        }
        self.slots[gap] = Slot::default();
    }

    /// Calls `visit` with the list of each probe, whose slots are asked for ahead.
    #[inline]
    fn for_each(&self, probes: &[S::Probe<'_>], mut visit: impl FnMut(List)) {
        if self.slots.is_empty() {
            probes.iter().for_each(|_| visit(List::default()));
            return;
        }
        let mut hashes = [0; AHEAD];
        for probes in probes.chunks(AHEAD) {
            for (slot, probe) in hashes.iter_mut().zip(probes) {
                *slot = S::hash(*probe);
                memory::prefetch(&self.slots[home(*slot, self.slots.len())]);
            }
            for (probe, hash) in probes.iter().zip(hashes) {
                visit(self.slots[self.find(hash, |kept| self.space.compare(kept, *probe).is_eq())].rows);
            }
        }
    }
}

impl<S: Space> Index<S> for Hash<S> {
    fn len(&self) -> u64 {
        self.entries
    }

    fn memory_bytes(&self) -> u64 {
        (self.slots.capacity() * size_of::<Slot<S::Key>>()) as u64
            + self.lists.memory_bytes()
            + self.space.memory_bytes()
    }

    fn lookup(&self, probes: &[S::Probe<'_>], found: &mut Found) {
        self.for_each(probes, |list| {
            self.lists.collect(list, found);
            found.end();
        });
    }

    fn lookup_first(&self, probes: &[S::Probe<'_>], out: &mut [u32]) {
        let mut slots = out.iter_mut();
        self.for_each(probes, |list| {
            let slot = slots.next().expect("there is an answer for each probe");
            *slot = if list.count == 0 { NONE } else { self.lists.first(list) };
        });
    }

    fn check_room(&self, probes: &[S::Probe<'_>], before: u64) -> Result<()> {
        self.check_room_of(probes, before, MOST_LISTED)
    }

    fn insert(&mut self, probes: &[S::Probe<'_>], rows: &[u32]) {
        self.put_batch(
            probes,
            rows,
            |_, probe| S::hash(probe),
            |space, kept, probe| space.compare(kept, probe).is_eq(),
            |space, probe| space.keep(probe),
        );
    }

    fn delete(&mut self, probes: &[S::Probe<'_>], rows: Option<&[u32]>) -> u64 {
        let mut gone = 0;
        if self.slots.is_empty() {
            return 0;
        }
        for (index, probe) in probes.iter().enumerate() {
            let at = self.find(S::hash(*probe), |kept| self.space.compare(kept, *probe).is_eq());
            let list = &mut self.slots[at].rows;
            if list.count == 0 {
                continue;
            }
            gone += u64::from(match rows {
                None => self.lists.clear(list),
                Some(rows) => self.lists.remove(list, rows[index]),
            });
            if list.count == 0 {
                self.close(at);
            }
        }
        self.entries -= gone;
        gone
    }

    #[allow(clippy::cast_precision_loss)]
    fn statistics(&self) -> Vec<(&'static str, f64)> {
        vec![("distinct_keys", self.keys as f64), ("slots", self.slots.len() as f64)]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::space::Words;

    /// Words whose hashes are near the end, so that slots go around it, or anywhere.
    fn table(count: u64, slots: usize) -> Hash<Words> {
        let mut table = Hash::<Words>::default();
        table.resize(slots);
        let last: Vec<u64> = (0..200_000).filter(|word| Words::hash(*word) > u64::MAX / 64 * 63).collect();
        let keys: Vec<u64> = (0..count).map(|at| if at % 2 == 0 { last[at as usize] } else { at << 32 }).collect();
        table.insert(&keys, &(0..count as u32).collect::<Vec<_>>());
        table
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_table_that_shrinks_finds_what_it_held(count in 1_u64..500, more in 1_usize..2_000) {
            let mut table = table(count, slots_for(count as usize) + more);
            let held: Vec<Slot<u64>> = table.slots.iter().copied().filter(|slot| slot.rows.count > 0).collect();
            prop_assert_eq!(held.len(), count as usize);
            let progress = Progress::default();
            table.shrink(slots_for(count as usize), &mut Steps::of(1, &progress)).unwrap();
            prop_assert_eq!((table.slots.len(), table.slots.capacity()), (slots_for(count as usize), table.slots.len()));
            prop_assert_eq!(table.slots.iter().filter(|slot| slot.rows.count > 0).count(), count as usize);
            for slot in held {
                let at = table.find(Words::hash(slot.key), |key| key == slot.key);
                prop_assert_eq!(table.slots[at].rows, slot.rows);
            }
        }
    }

    #[test]
    fn rows_beyond_what_lists_are_counted_in_are_refused() {
        let mut table = Hash::<Words>::default();
        table.insert(&[1, 1, 1, 2], &[0, 1, 2, 3]);
        assert_eq!(table.lists.room(), 6, "stretches of two and four");
        assert!(table.check_room_of(&[1, 2, 2, 3], 0, 12).is_ok(), "stretches of two and four more");
        let message = table.check_room_of(&[1, 2, 2, 3, 3], 0, 13).unwrap_err().to_string();
        assert!(
            message.contains("room for 6 rows") && message.contains("8 more") && message.contains("at most 13"),
            "{message}"
        );
    }
}
