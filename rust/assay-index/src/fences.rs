//! Fences before a sorted run: every sixteenth key, every sixteenth of those, and so on, so that a search reads one block
//! of sixteen a level.
//!
//! Cost: log16(n) blocks of two cache lines a search, all but the last few levels in the processor's cache; a sixteenth
//! of 8 bytes a key. Probes of a batch go down in lockstep: while the block of one is on its way, the others are counted,
//! without a branch. Source: Khuong and Morin, Array Layouts for Comparison-Based Searching, ACM Journal of Experimental
//! Algorithmics 2017 (blocked layouts); Chen, Ailamaki, Gibbons and Mowry, Improving Hash Join Performance through
//! Prefetching, ICDE 2004 (prefetching for a group).

use assay_core::lanes::Path;
use assay_core::memory;

use crate::rank::{self, BLOCK, Block, Rank};
use crate::space::Space;

/// How many probes go down together.
const LANES: usize = 32;
const LINE_BYTES: usize = 64;

/// How many values come before the first that begins a cache line.
fn before_line<T>(values: &[T]) -> usize {
    let past = values.as_ptr() as usize % LINE_BYTES;
    if past == 0 { 0 } else { (LINE_BYTES - past) / size_of::<T>() }
}

/// Blocks of fences, filled up with the greatest number there is.
#[derive(Debug, Clone, Default)]
struct Level {
    fences: Vec<u64>,
    /// Where the first block begins: at a cache line.
    first: usize,
    count: usize,
}

impl Level {
    fn of(count: usize, fence: impl Fn(usize) -> u64) -> Self {
        let mut fences = memory::zeros((count / BLOCK + 1) * BLOCK + LINE_BYTES / 8);
        let first = before_line(&fences);
        for (at, slot) in fences[first..].iter_mut().enumerate() {
            *slot = if at < count { fence(at) } else { u64::MAX };
        }
        Self { fences, first, count }
    }

    #[inline(always)]
    fn blocks(&self) -> &[Block] {
        self.fences[self.first..].as_chunks().0
    }
}

/// What leads to a place in a sorted run.
#[derive(Debug, Clone, Default)]
pub struct Fences {
    /// From few to many.
    levels: Vec<Level>,
    /// The keys of the first block, so that all others begin at a cache line.
    lead: usize,
    /// The bytes that all keys begin with, if they are more than a head.
    shared: Vec<u8>,
}

impl Fences {
    /// Those of sorted keys.
    #[must_use]
    pub fn of<S: Space>(space: &S, keys: &[S::Key]) -> Self {
        let shared = match (keys.first(), keys.last()) {
            (Some(first), Some(last)) => space.shared(*first, *last),
            _ => &[],
        };
        let shared = if shared.len() >= 8 { shared.to_vec() } else { Vec::new() };
        let lead = if keys.len() >= BLOCK { before_line(keys).min(BLOCK) } else { 0 };
        let lead = if lead == 0 { BLOCK } else { lead };
        let mut levels: Vec<Level> = Vec::new();
        let blocks = if keys.len() < lead { 0 } else { (keys.len() - lead) / BLOCK + 1 };
        let mut level = Level::of(blocks, |at| {
            let last = keys[at * BLOCK + lead - 1];
            if shared.is_empty() { S::head(last) } else { space.head_after(last, shared.len()).unwrap_or(0) }
        });
        while level.count > BLOCK {
            let above = Level::of(level.count / BLOCK, |at| level.blocks()[at][BLOCK - 1]);
            levels.push(std::mem::replace(&mut level, above));
        }
        levels.push(level);
        levels.reverse();
        Self { levels, lead, shared }
    }

    /// The bytes that they take.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let fences: usize = self.levels.iter().map(|level| level.fences.capacity()).sum();
        (fences * 8 + self.shared.capacity()) as u64
    }

    /// How many levels there are, that of the keys not counted.
    #[must_use]
    pub fn levels(&self) -> usize {
        self.levels.len()
    }

    /// Writes the first place whose key is not less than each probe.
    pub fn lower_bounds<S: Space>(&self, space: &S, keys: &[S::Key], probes: &[S::Probe<'_>], places: &mut [u32]) {
        rank::run_on(Path::widest(), Asked { fences: self, space, keys, probes, places });
    }

    /// The first place whose key is not less than the probe.
    #[must_use]
    pub fn lower_bound<S: Space>(&self, space: &S, keys: &[S::Key], probe: S::Probe<'_>) -> usize {
        let mut place = [0];
        self.lower_bounds(space, keys, &[probe], &mut place);
        place[0] as usize
    }

    /// The places of a block of keys.
    #[inline(always)]
    fn span(&self, block: usize, keys: usize) -> (usize, usize) {
        let end = block * BLOCK + self.lead;
        (end.saturating_sub(BLOCK).min(keys), end.min(keys))
    }
}

/// The first place from `start` on whose key is not less than the probe: by doubling steps.
pub(crate) fn gallop<S: Space>(space: &S, keys: &[S::Key], start: usize, probe: S::Probe<'_>) -> usize {
    let less = |at: usize| space.compare(keys[at], probe).is_lt();
    let (mut low, mut step) = (start, 1);
    while low + step <= keys.len() && less(low + step - 1) {
        low += step;
        step *= 2;
    }
    let high = keys.len().min(low + step - 1);
    low + keys[low..high].partition_point(|key| space.compare(*key, probe).is_lt())
}

/// A batch of probes, and where their places go.
struct Asked<'a, 'p, S: Space> {
    fences: &'a Fences,
    space: &'a S,
    keys: &'a [S::Key],
    probes: &'a [S::Probe<'p>],
    places: &'a mut [u32],
}

impl<S: Space> Asked<'_, '_, S> {
    /// The first place in a block of keys whose head is not less.
    #[inline(always)]
    fn leaf<R: Rank>(&self, block: usize, head: u64) -> usize {
        let (start, end) = self.fences.span(block, self.keys.len());
        let keys = &self.keys[start..end];
        match (S::heads(keys).and_then(|heads| heads.first_chunk()), keys.first_chunk::<BLOCK>()) {
            (Some(heads), _) => start + R::rank(heads, head),
            (None, Some(keys)) => start + R::rank(&keys.map(S::head), head),
            _ => start + keys.partition_point(|key| S::head(*key) < head),
        }
    }

    /// The head of a probe among fences, or at once its place.
    fn head(&self, probe: S::Probe<'_>) -> Result<u64, usize> {
        let shared = &self.fences.shared[..];
        if shared.is_empty() {
            return Ok(S::probe_head(probe));
        }
        S::probe_after(probe, shared).map_err(|order| if order.is_lt() { 0 } else { self.keys.len() })
    }
}

impl<S: Space> rank::Search for Asked<'_, '_, S> {
    type Output = ();

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)] // places are of 32 bits
    fn run<R: Rank>(self) {
        let asked = self;
        let (fences, keys) = (asked.fences, asked.keys);
        for (start, probes) in (0..).step_by(LANES).zip(asked.probes.chunks(LANES)) {
            let (mut heads, mut lanes) = ([0; LANES], [0_usize; LANES]);
            let (heads, lanes) = (&mut heads[..probes.len()], &mut lanes[..probes.len()]);
            for (head, probe) in heads.iter_mut().zip(probes) {
                *head = asked.head(*probe).unwrap_or(0);
            }
            let mut blocks = fences.levels[0].blocks();
            for below in &fences.levels[1..] {
                let next = below.blocks();
                for (lane, head) in lanes.iter_mut().zip(&*heads) {
                    *lane = *lane * BLOCK + R::rank(&blocks[*lane], *head);
                    memory::prefetch(&next[*lane][0]);
                    memory::prefetch(&next[*lane][BLOCK / 2]);
                }
                blocks = next;
            }
            for (lane, head) in lanes.iter_mut().zip(&*heads) {
                *lane = *lane * BLOCK + R::rank(&blocks[*lane], *head);
                let (start, end) = fences.span(*lane, keys.len());
                for line in (start..end).step_by(LINE_BYTES / size_of::<S::Key>()) {
                    memory::prefetch(&keys[line]);
                }
            }
            for (at, probe) in probes.iter().enumerate() {
                let place = if S::HEAD_IS_ALL {
                    asked.leaf::<R>(lanes[at], heads[at])
                } else {
                    match asked.head(*probe) {
                        Err(place) => place,
                        Ok(_) if !fences.shared.is_empty() => {
                            gallop(asked.space, keys, fences.span(lanes[at], keys.len()).0, *probe)
                        }
                        Ok(head) => gallop(asked.space, keys, asked.leaf::<R>(lanes[at], head), *probe),
                    }
                };
                asked.places[start + at] = place as u32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::space::{Texts, Words};

    fn found<S: Space>(space: &S, keys: &[S::Key], probes: &[S::Probe<'_>]) -> Vec<u32> {
        let fences = Fences::of(space, keys);
        let mut all = Vec::new();
        for path in Path::available() {
            let mut places = vec![7; probes.len()];
            rank::run_on(path, Asked { fences: &fences, space, keys, probes, places: &mut places });
            all.push(places);
        }
        assert!(all.iter().all(|one| *one == all[0]), "every path finds the same");
        all.swap_remove(0)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn words_are_found_where_they_lie(
            mut keys in prop::collection::vec(prop_oneof![0_u64..40, any::<u64>(), Just(u64::MAX)], 0..6_000),
            cut in 0_usize..20,
            probes in prop::collection::vec(prop_oneof![0_u64..42, any::<u64>(), Just(u64::MAX)], 1..80),
        ) {
            keys.sort_unstable();
            // A slice begins where it may, so that blocks begin anywhere in a cache line.
            let keys = &keys[cut.min(keys.len())..];
            let expected: Vec<u32> =
                probes.iter().map(|probe| u32::try_from(keys.partition_point(|key| key < probe)).unwrap()).collect();
            prop_assert_eq!(found(&Words, keys, &probes), expected);
        }

        #[test]
        fn texts_are_found_where_they_lie(
            shared in "[a-c]{0,20}",
            mut texts in prop::collection::vec("[a-c\0]{0,12}", 0..1_000),
            probes in prop::collection::vec("[a-c\0]{0,12}", 1..40),
        ) {
            texts.sort_unstable();
            let texts: Vec<String> = texts.iter().map(|text| shared.clone() + text).collect();
            let probes: Vec<String> = probes.iter().flat_map(|text| [shared.clone() + text, text.clone()]).collect();
            let mut space = Texts::default();
            let keys: Vec<_> = texts.iter().map(|text| space.keep(text.as_bytes())).collect();
            let asked: Vec<&[u8]> = probes.iter().map(String::as_bytes).collect();
            let expected: Vec<u32> =
                probes.iter().map(|probe| u32::try_from(texts.partition_point(|key| key < probe)).unwrap()).collect();
            prop_assert_eq!(found(&space, &keys, &asked), expected);
        }
    }
}
