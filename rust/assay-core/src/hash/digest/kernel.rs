//! Digests of as many messages as a register has lanes, and which kernel this processor gets.
//!
//! MD5, SHA-1 and SHA-2 chain one function over blocks of 16 words, the last of which end with 0x80, zeros and the
//! length: [`group`] does this for all lanes at once. A lane whose message has fewer blocks keeps its state while the
//! others go on, so messages that go together should be of about as many blocks.

use super::stage::{STAGE_BYTES, Stage, ask_for_next, copy};
use super::vector::{Digested, Tail, Vector, Word};

/// A function of blocks that is chained: N words of state, 16 words of message.
pub trait Chained<V: Vector, const N: usize> {
    /// Whether words are read and written with their greatest byte first.
    const BIG_ENDIAN: bool;

    /// The state before the first block.
    const INITIAL: [V::Word; N];

    /// The state after a block, whose words may be overwritten.
    fn compress(state: [V; N], words: &mut [V; 16]) -> [V; N];
}

/// A way to digest several messages at once.
#[derive(Clone, Copy)]
pub struct Kernel {
    /// How many messages.
    pub lanes: usize,
    /// Fewer messages are digested faster one by one, as the crates do.
    pub worth: usize,
    /// Digests exactly `lanes` messages; there is room for their pieces if they are long.
    pub run: fn(&[&[u8]], &mut Stage, &mut [Digested]),
}

/// Blocks of a message with 0x80 and its length, of two words, after it.
#[inline(always)]
pub fn blocks<W: Word>(message_bytes: usize) -> usize {
    (message_bytes + 1 + 2 * W::BYTES).div_ceil(16 * W::BYTES)
}

/// The digests of one message in each lane.
#[inline(always)]
pub fn group<V: Vector, F: Chained<V, N>, const N: usize>(messages: &[&[u8]], stage: &mut Stage, out: &mut [Digested]) {
    let block_bytes = 16 * V::Word::BYTES;
    let (messages, out) = (&messages[..V::LANES], &mut out[..V::LANES]);
    let (shortest, longest) =
        messages.iter().fold((usize::MAX, 0), |(low, high), message| (low.min(message.len()), high.max(message.len())));
    let (fewest, most) = (blocks::<V::Word>(shortest), blocks::<V::Word>(longest));
    let mut state = [V::splat(F::INITIAL[0]); N];
    for (lanes, initial) in state.iter_mut().zip(F::INITIAL) {
        *lanes = V::splat(initial);
    }
    let mut words = [V::splat(V::Word::low(0)); 16];
    let mut staged = 0;
    for index in 0..most {
        let start = index * block_bytes;
        if start + block_bytes <= shortest {
            let within = start % STAGE_BYTES;
            if within == 0 && start + STAGE_BYTES <= shortest && !stage.is_empty() {
                copy(stage, messages, start);
                staged = start + STAGE_BYTES;
            }
            ask_for_next(stage, messages, start);
            let stage: &[[u8; STAGE_BYTES]] = if start < staged { stage } else { &[] };
            let row = |lane: usize| match stage.get(lane) {
                Some(copied) => &copied[within..within + block_bytes],
                None => &messages[lane][start..start + block_bytes],
            };
            V::load(row, &mut words);
        } else {
            let tail = |lane: usize| {
                let message = messages[lane];
                let end = message.len().min(start + block_bytes);
                Tail { bytes: &message[start.min(end)..end], ends: start <= message.len() }
            };
            V::load_tail::<true>(tail, &mut words);
        }
        if F::BIG_ENDIAN {
            for word in &mut words {
                *word = word.reverse();
            }
        }
        if index + 1 >= fewest {
            let bits = |lane: usize| {
                let count = messages[lane].len();
                if blocks::<V::Word>(count) == index + 1 { count as u64 * 8 } else { 0 }
            };
            let (low, high) = if F::BIG_ENDIAN { (15, 14) } else { (14, 15) };
            words[low] = words[low].xor(V::from_fn(|lane| V::Word::low(bits(lane))));
            words[high] = words[high].xor(V::from_fn(|lane| V::Word::high(bits(lane))));
        }
        let next = F::compress(state, &mut words);
        if index < fewest {
            state = next;
        } else {
            let goes_on =
                |lane: usize| V::Word::low(if index < blocks::<V::Word>(messages[lane].len()) { !0 } else { 0 });
            let mask = V::from_fn(goes_on);
            for word in 0..N {
                state[word] = next[word].select(state[word], mask);
            }
        }
    }
    if F::BIG_ENDIAN {
        for word in &mut state {
            *word = word.reverse();
        }
    }
    let at_once = 16 / V::Word::BYTES;
    for first in (0..N).step_by(at_once) {
        let at = first * V::Word::BYTES;
        if first + at_once <= N {
            V::store(&state[first..first + at_once], at, out);
        } else {
            for (word, lanes) in state.iter().enumerate().skip(first) {
                lanes.store_word(word * V::Word::BYTES, out);
            }
        }
    }
}

/// Whether AVX-512 with instructions for bytes may be used; other paths ask [`crate::lanes`] alone.
#[cfg(target_arch = "x86_64")]
pub fn has_bytes_in_avx512() -> bool {
    is_x86_feature_detected!("avx512bw")
}

/// A function `kernel(path)` for the widest instructions up to a path's.
macro_rules! kernels {
    ($function:ty, $words:literal, $avx512:ty, $avx2:ty, $portable:ty, worth: [$few512:literal, $few2:literal, $few:expr]) => {
        /// The kernel of this path.
        pub fn kernel(path: crate::lanes::Path) -> crate::hash::digest::kernel::Kernel {
            use crate::hash::digest::kernel::{Kernel, group};
            #[cfg(target_arch = "x86_64")]
            {
                use crate::hash::digest::kernel::has_bytes_in_avx512;
                use crate::hash::digest::stage::Stage;
                use crate::hash::digest::vector::Digested;
                use crate::lanes::Path;
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2")]
                fn avx512(messages: &[&[u8]], stage: &mut Stage, out: &mut [Digested]) {
                    group::<$avx512, $function, $words>(messages, stage, out);
                }
                #[target_feature(enable = "avx2")]
                fn avx2(messages: &[&[u8]], stage: &mut Stage, out: &mut [Digested]) {
                    group::<$avx2, $function, $words>(messages, stage, out);
                }
                if path == Path::Avx512 && has_bytes_in_avx512() {
                    return Kernel {
                        lanes: <$avx512>::LANES,
                        worth: $few512,
                        // SAFETY: paths are there only where the processor has their instructions; BW was asked for.
                        run: |messages, stage, out| unsafe { avx512(messages, stage, out) },
                    };
                }
                if path >= Path::Avx2 {
                    return Kernel {
                        lanes: <$avx2>::LANES,
                        worth: $few2,
                        // SAFETY: as above.
                        run: |messages, stage, out| unsafe { avx2(messages, stage, out) },
                    };
                }
            }
            let _ = path;
            Kernel {
                lanes: <$portable>::LANES,
                worth: $few,
                run: |messages, stage, out| group::<$portable, $function, $words>(messages, stage, out),
            }
        }
    };
}
pub(super) use kernels;
