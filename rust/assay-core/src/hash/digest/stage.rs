//! Pieces of long messages, copied to where they are near one another.
//!
//! Blocks of a buffer lie a power of two apart, so that a cache holds few lines of all messages at a time: what is read
//! twice, a line that two blocks share, would be fetched twice. A copy of some blocks of each message costs less.

use crate::memory;

/// The bytes of a message that are copied at a time.
pub const STAGE_BYTES: usize = 256;
/// Shorter messages are read where they lie.
const MESSAGE_BYTES_LOW: usize = 1024;

/// Room for a piece of each message, or none at all.
pub type Stage = [[u8; STAGE_BYTES]];

/// Room for pieces, if any message is long.
pub fn stage_for(messages: &[&[u8]], lanes: usize) -> Vec<[u8; STAGE_BYTES]> {
    let long = messages.iter().any(|message| message.len() >= MESSAGE_BYTES_LOW);
    vec![[0; STAGE_BYTES]; if long { lanes } else { 0 }]
}

/// Copies a piece of each message.
#[inline(always)]
pub fn copy(stage: &mut Stage, messages: &[&[u8]], start: usize) {
    for (room, message) in stage.iter_mut().zip(messages) {
        *room = *message[start..].first_chunk().expect("all messages are longer than this piece's end");
    }
}

/// Asks for what the next copy will read after what this block of the present one does: a few lines at a time, while the
/// block is digested. No processor foresees the reads of so many messages.
#[inline(always)]
pub fn ask_for_next(stage: &Stage, messages: &[&[u8]], start: usize) {
    for (_, message) in stage.iter().zip(messages) {
        if let Some(byte) = message.get(start + STAGE_BYTES) {
            memory::prefetch(byte);
        }
    }
}
