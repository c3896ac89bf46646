//! Messages put together into groups of about as many blocks, for kernels that take so many at once.

use super::kernel::Kernel;
use super::stage::{Stage, stage_for};
use super::vector::Digested;

/// Messages looked at together: enough that those of each length fill lanes, few enough to stay in the nearest cache.
pub const MESSAGES_AT_ONCE: usize = 1024;
/// The most lanes of any kernel.
pub const LANES_HIGH: usize = 32;
/// Messages of more blocks are sorted among themselves.
const BUCKETS: usize = 32;

/// Calls `emit` with the index and the digest of each message, in any order.
pub fn many(
    kernel: Kernel,
    messages: &[&[u8]],
    blocks: impl Fn(usize) -> usize,
    alone: impl Fn(&[u8], &mut Digested),
    emit: impl FnMut(usize, &Digested),
) {
    grouped(
        messages,
        (kernel.lanes, kernel.worth),
        blocks,
        alone,
        |rows, _, _, stage, out| (kernel.run)(rows, stage, out),
        emit,
    );
}

/// Groups messages by their number of blocks: `run` is called with `lanes` messages, the indices of those that are not
/// there to fill up, counted from a first one, and room for the digests; `alone` where fewer than `worth` messages are about as long.
pub fn grouped(
    messages: &[&[u8]],
    (lanes, worth): (usize, usize),
    blocks: impl Fn(usize) -> usize,
    alone: impl Fn(&[u8], &mut Digested),
    run: impl Fn(&[&[u8]], usize, &[u32], &mut Stage, &mut [Digested]),
    mut emit: impl FnMut(usize, &Digested),
) {
    let mut stage = stage_for(messages, lanes);
    let mut out = [[0; 64]; LANES_HIGH];
    let mut group: [&[u8]; LANES_HIGH] = [&[]; LANES_HIGH];
    for (batch, messages) in messages.chunks(MESSAGES_AT_ONCE).enumerate() {
        let first = batch * MESSAGES_AT_ONCE;
        let order = sorted(messages, &blocks);
        let blocks_of = |at: usize| blocks(messages[order[at] as usize].len());
        let mut at = 0;
        while at < messages.len() {
            let count = lanes.min(messages.len() - at);
            let few = count < worth || blocks_of(at + worth - 1) * 2 < blocks_of(at);
            if few {
                let index = order[at] as usize;
                alone(messages[index], &mut out[0]);
                emit(first + index, &out[0]);
                at += 1;
                continue;
            }
            let indices = &order[at..at + count];
            for (slot, index) in group.iter_mut().zip(indices) {
                *slot = messages[*index as usize];
            }
            // Lanes that nobody needs take a message that is there anyway.
            group[count..lanes].fill(messages[indices[count - 1] as usize]);
            run(&group[..lanes], first, indices, &mut stage, &mut out[..lanes]);
            for (index, digest) in indices.iter().zip(&out) {
                emit(first + *index as usize, digest);
            }
            at += count;
        }
    }
}

/// The messages' indices, those of most blocks first; as they come where all have as many.
#[allow(clippy::cast_possible_truncation)]
fn sorted(messages: &[&[u8]], blocks: impl Fn(usize) -> usize) -> Vec<u32> {
    let (shortest, longest) =
        messages.iter().fold((usize::MAX, 0), |(low, high), message| (low.min(message.len()), high.max(message.len())));
    if blocks(shortest) == blocks(longest) {
        return (0..messages.len() as u32).collect();
    }
    let bucket = |message: &[u8]| BUCKETS - blocks(message.len()).min(BUCKETS);
    let mut starts = [0_usize; BUCKETS + 1];
    for message in messages {
        starts[bucket(message) + 1] += 1;
    }
    let tall = starts[1];
    for bucket in 0..BUCKETS {
        starts[bucket + 1] += starts[bucket];
    }
    let mut order = vec![0; messages.len()];
    for (index, message) in messages.iter().enumerate() {
        let place = &mut starts[bucket(message)];
        order[*place] = index as u32;
        *place += 1;
    }
    order[..tall].sort_by_key(|index| std::cmp::Reverse(blocks(messages[*index as usize].len())));
    order
}
