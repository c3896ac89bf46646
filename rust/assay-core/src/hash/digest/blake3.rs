//! BLAKE3 of many messages at once.
//!
//! A message is cut into chunks of 1024 bytes, and the chunks' chaining values are joined in pairs up to a root. Here
//! the chunks of all messages go through the lanes, then all pairs, level by level: an odd value waits for the
//! next level, which gives the paper's tree. Long messages are left to the crate, which does the same within
//! one message. Source: the BLAKE3 paper (O'Connor et al. 2020), section 2.

use super::many::grouped;
use super::stage::{STAGE_BYTES, Stage, ask_for_next, copy};
use super::vector::{Digested, Few, Tail, Vector, Word};
#[cfg(target_arch = "x86_64")]
use super::x86::{Eight, Sixteen};
use crate::lanes::Path;

const BLOCK_BYTES: usize = 64;
const CHUNK_BYTES: usize = 1024;
/// A longer message fills the crate's lanes by itself.
const LONG_BYTES: usize = 32 * CHUNK_BYTES;

/// Messages of more than one chunk that are digested together.
const TREES_AT_ONCE: usize = 64;

const KEY: [u32; 8] = super::sha2::sha256::INITIAL;

const CHUNK_START: u32 = 1;
const CHUNK_END: u32 = 2;
const PARENT: u32 = 4;
const ROOT: u32 = 8;

/// The words that each round reads, in order: each round permutes those of the one before.
const SCHEDULE: [[usize; 16]; 7] = {
    const PERMUTATION: [usize; 16] = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
    let mut rounds = [[0; 16]; 7];
    let mut word = 0;
    while word < 16 {
        rounds[0][word] = word;
        word += 1;
    }
    let mut round = 1;
    while round < 7 {
        word = 0;
        while word < 16 {
            rounds[round][word] = rounds[round - 1][PERMUTATION[word]];
            word += 1;
        }
        round += 1;
    }
    rounds
};

/// Where a chunk or a pair stands in its tree.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// The chunk's number within its message.
    chunk: u64,
    /// Flags of its first block, and of its last.
    first: u32,
    last: u32,
}

/// A message that is one chunk.
const ALONE: Place = Place { chunk: 0, first: CHUNK_START, last: CHUNK_END | ROOT };

/// What a block is compressed with, beside its words and the chaining value.
struct Inputs<V> {
    chunk: [V; 2],
    bytes: V,
    flags: V,
}

#[inline(always)]
fn compress<V: Vector<Word = u32>>(value: [V; 8], words: &[V; 16], inputs: &Inputs<V>) -> [V; 8] {
    let mut v = [V::splat(0); 16];
    v[..8].copy_from_slice(&value);
    for word in 0..4 {
        v[word + 8] = V::splat(KEY[word]);
    }
    [v[12], v[13], v[14], v[15]] = [inputs.chunk[0], inputs.chunk[1], inputs.bytes, inputs.flags];
    macro_rules! mix {
        ($round:literal, $first:literal: $a:literal $b:literal $c:literal $d:literal) => {
            v[$a] = v[$a].add(words[SCHEDULE[$round][$first]]).add(v[$b]);
            v[$d] = v[$d].xor(v[$a]).rotate::<16>();
            v[$c] = v[$c].add(v[$d]);
            v[$b] = v[$b].xor(v[$c]).rotate::<12>();
            v[$a] = v[$a].add(words[SCHEDULE[$round][$first + 1]]).add(v[$b]);
            v[$d] = v[$d].xor(v[$a]).rotate::<8>();
            v[$c] = v[$c].add(v[$d]);
            v[$b] = v[$b].xor(v[$c]).rotate::<7>();
        };
    }
    macro_rules! rounds {
        ($($round:literal)*) => {$(
            mix!($round, 0: 0 4 8 12);
            mix!($round, 2: 1 5 9 13);
            mix!($round, 4: 2 6 10 14);
            mix!($round, 6: 3 7 11 15);
            mix!($round, 8: 0 5 10 15);
            mix!($round, 10: 1 6 11 12);
            mix!($round, 12: 2 7 8 13);
            mix!($round, 14: 3 4 9 14);
        )*};
    }
    rounds!(0 1 2 3 4 5 6);
    let mut next = value;
    for word in 0..8 {
        next[word] = v[word].xor(v[word + 8]);
    }
    next
}

/// Blocks of a chunk; even no bytes have one.
#[inline(always)]
fn blocks(chunk_bytes: usize) -> usize {
    chunk_bytes.div_ceil(BLOCK_BYTES).max(1)
}

/// The chaining value of one chunk or pair in each lane; without places all are whole messages.
#[inline(always)]
fn group<V: Vector<Word = u32>>(rows: &[&[u8]], places: Option<&[Place]>, stage: &mut Stage, out: &mut [Digested]) {
    let (rows, out) = (&rows[..V::LANES], &mut out[..V::LANES]);
    let place = |lane: usize| places.map_or(ALONE, |places| places[lane]);
    let (shortest, longest) =
        rows.iter().fold((usize::MAX, 0), |(low, high), row| (low.min(row.len()), high.max(row.len())));
    let (fewest, most) = (blocks(shortest), blocks(longest));
    let mut value = [V::splat(KEY[0]); 8];
    for word in 1..8 {
        value[word] = V::splat(KEY[word]);
    }
    let mut chunk = [V::splat(0); 2];
    if let Some(places) = places {
        chunk = [V::from_fn(|lane| u32::low(places[lane].chunk)), V::from_fn(|lane| u32::high(places[lane].chunk))];
    }
    let mut words = [V::splat(0); 16];
    let mut staged = 0;
    for index in 0..most {
        let start = index * BLOCK_BYTES;
        if start + BLOCK_BYTES <= shortest {
            let within = start % STAGE_BYTES;
            if within == 0 && start + STAGE_BYTES <= shortest && !stage.is_empty() {
                copy(stage, rows, start);
                staged = start + STAGE_BYTES;
            }
            ask_for_next(stage, rows, start);
            let stage: &[[u8; STAGE_BYTES]] = if start < staged { stage } else { &[] };
            let row = |lane: usize| match stage.get(lane) {
                Some(copied) => &copied[within..within + BLOCK_BYTES],
                None => &rows[lane][start..start + BLOCK_BYTES],
            };
            V::load(row, &mut words);
        } else {
            let tail = |lane: usize| {
                let end = rows[lane].len().min(start + BLOCK_BYTES);
                Tail { bytes: &rows[lane][start.min(end)..end], ends: false }
            };
            V::load_tail::<false>(tail, &mut words);
        }
        let mut inputs = Inputs { chunk, bytes: V::splat(64), flags: V::splat(0) };
        if index == 0 {
            inputs.flags = V::from_fn(|lane| place(lane).first);
        }
        if index + 1 >= fewest {
            #[allow(clippy::cast_possible_truncation)]
            let bytes = |lane: usize| rows[lane].len().saturating_sub(start).min(BLOCK_BYTES) as u32;
            inputs.bytes = V::from_fn(bytes);
            let last = |lane: usize| if index + 1 == blocks(rows[lane].len()) { place(lane).last } else { 0 };
            inputs.flags = inputs.flags.xor(V::from_fn(last));
        }
        let next = compress(value, &words, &inputs);
        if index < fewest {
            value = next;
        } else {
            let mask = V::from_fn(|lane| if index < blocks(rows[lane].len()) { !0 } else { 0 });
            for word in 0..8 {
                value[word] = next[word].select(value[word], mask);
            }
        }
    }
    V::store(&value[..4], 0, out);
    V::store(&value[4..], 16, out);
}

/// Chunks and pairs in lanes.
#[derive(Clone, Copy)]
pub struct Kernel {
    lanes: usize,
    /// Fewer messages are digested faster one by one, as the crate does.
    worth: usize,
    run: Run,
}

/// Digests as many messages as there are lanes; places are those of chunks of longer messages.
type Run = fn(&[&[u8]], Option<&[Place]>, &mut Stage, &mut [Digested]);

#[cfg(test)]
impl Kernel {
    /// The kernel for any number of messages.
    pub fn in_lanes(self) -> Self {
        Self { worth: 1, ..self }
    }
}

/// The kernel of this path.
pub fn kernel(path: Path) -> Kernel {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2")]
        fn avx512(rows: &[&[u8]], places: Option<&[Place]>, stage: &mut Stage, out: &mut [Digested]) {
            group::<Sixteen>(rows, places, stage, out);
        }
        #[target_feature(enable = "avx2")]
        fn avx2(rows: &[&[u8]], places: Option<&[Place]>, stage: &mut Stage, out: &mut [Digested]) {
            group::<Eight>(rows, places, stage, out);
        }
        if path == Path::Avx512 && super::kernel::has_bytes_in_avx512() {
            let run: Run = |rows, places, stage, out| {
                // SAFETY: paths are there only where the processor has their instructions; BW was asked for.
                unsafe { avx512(rows, places, stage, out) }
            };
            return Kernel { lanes: 16, worth: 3, run };
        }
        if path >= Path::Avx2 {
            let run: Run = |rows, places, stage, out| {
                // SAFETY: as above.
                unsafe { avx2(rows, places, stage, out) }
            };
            return Kernel { lanes: 8, worth: 3, run };
        }
    }
    let _ = path;
    Kernel {
        lanes: 4,
        worth: usize::MAX,
        run: |rows, places, stage, out| group::<Few<u32, 4>>(rows, places, stage, out),
    }
}

/// The digest of one message, by the crate.
fn alone(message: &[u8], out: &mut Digested) {
    out[..32].copy_from_slice(blake3::hash(message).as_bytes());
}

/// Calls `emit` with the index and the digest of each message, in any order.
pub fn many(kernel: Kernel, messages: &[&[u8]], mut emit: impl FnMut(usize, &Digested)) {
    let mut tall = Vec::new();
    if messages.iter().any(|message| message.len() > CHUNK_BYTES) {
        tall.extend((0..messages.len()).filter(|index| messages[*index].len() > CHUNK_BYTES));
    }
    if tall.is_empty() {
        return chunks(kernel, messages, emit);
    }
    let short: Vec<usize> = (0..messages.len()).filter(|index| messages[*index].len() <= CHUNK_BYTES).collect();
    if !short.is_empty() {
        let rows: Vec<&[u8]> = short.iter().map(|index| messages[*index]).collect();
        chunks(kernel, &rows, |index, digest| emit(short[index], digest));
    }
    let (mut digest, tall_count) = ([0; 64], tall.len());
    tall.retain(|index| {
        let long = messages[*index].len() > LONG_BYTES || tall_count < kernel.worth;
        if long {
            alone(messages[*index], &mut digest);
            emit(*index, &digest);
        }
        !long
    });
    // So many that lanes are full on most levels, so few that what is kept of them stays in the nearest cache.
    for some in tall.chunks(TREES_AT_ONCE) {
        trees(kernel, messages, some, &mut emit);
    }
}

/// The digests of messages that are one chunk each.
fn chunks(kernel: Kernel, messages: &[&[u8]], emit: impl FnMut(usize, &Digested)) {
    let run = |rows: &[&[u8]], _: usize, _: &[u32], stage: &mut Stage, out: &mut [Digested]| {
        (kernel.run)(rows, None, stage, out);
    };
    grouped(messages, (kernel.lanes, kernel.worth), blocks, alone, run, emit);
}

/// The roots of messages of more than one chunk.
fn trees(kernel: Kernel, messages: &[&[u8]], tall: &[usize], mut emit: impl FnMut(usize, &Digested)) {
    let chunks = tall.iter().flat_map(|index| messages[*index].chunks(CHUNK_BYTES).enumerate());
    let (rows, places): (Vec<&[u8]>, Vec<Place>) = chunks
        .map(|(chunk, bytes)| (bytes, Place { chunk: chunk as u64, first: CHUNK_START, last: CHUNK_END }))
        .unzip();
    let mut values = join(kernel, &rows, &places);
    // The message and how many values of it are left; a message with one is done.
    let mut counts: Vec<(usize, usize)> =
        tall.iter().map(|index| (*index, messages[*index].len().div_ceil(CHUNK_BYTES))).collect();
    while !counts.is_empty() {
        let (mut rows, mut places, mut first) = (Vec::new(), Vec::new(), 0);
        for (_, count) in &counts {
            let last = if *count == 2 { ROOT } else { 0 };
            for pair in values[first..first + count / 2 * 2].as_chunks::<2>().0 {
                rows.push(pair.as_flattened());
                places.push(Place { chunk: 0, first: PARENT, last });
            }
            first += count;
        }
        let mut pairs = join(kernel, &rows, &places).into_iter();
        let (mut next, mut first) = (Vec::with_capacity(values.len().div_ceil(2)), 0);
        counts.retain_mut(|(index, count)| {
            let odd = (*count % 2 == 1).then(|| values[first + *count - 1]);
            first += *count;
            if *count == 2 {
                let mut root = [0; 64];
                root[..32].copy_from_slice(&pairs.next().expect("a pair gives a value"));
                emit(*index, &root);
                return false;
            }
            next.extend(pairs.by_ref().take(*count / 2));
            next.extend(odd);
            *count = count.div_ceil(2);
            true
        });
        values = next;
    }
}

/// The chaining values of chunks or pairs.
fn join(kernel: Kernel, rows: &[&[u8]], places: &[Place]) -> Vec<[u8; 32]> {
    let mut values = vec![[0; 32]; rows.len()];
    let run = |rows: &[&[u8]], first: usize, indices: &[u32], stage: &mut Stage, out: &mut [Digested]| {
        let place = |lane: usize| indices.get(lane).map_or(ALONE, |index| places[first + *index as usize]);
        (kernel.run)(rows, Some(&std::array::from_fn::<_, 16, _>(place)), stage, out);
    };
    let never = |_: &[u8], _: &mut Digested| unreachable!("one message is worth its lanes here");
    grouped(rows, (kernel.lanes, 1), blocks, never, run, |index, value| {
        values[index].copy_from_slice(&value[..32]);
    });
    values
}
