//! A ring of frames with a hand, as CLOCK was first told: the same victims as the line's, found by counting bits.
//!
//! Idea: the hand passes over marked frames, takes their marks, and puts the new object into the first frame without
//! one; nobody moves. As in `runs.rs`, nothing that is written hangs on a branch on whether a request hits.
//! Cost: 4 bytes a key, 4 and a bit a frame.

use crate::runs::{AHEAD, Run};
use assay_core::memory;

const WORD: u32 = u64::BITS;

/// Frames from 1 on, the hand before the one that is looked at next.
#[derive(Debug)]
pub(super) struct Ring {
    /// By object: its frame, or 0. One more, for nobody.
    frames: Vec<u32>,
    /// By frame.
    ids: Vec<u32>,
    marks: Vec<u64>,
    capacity: u32,
    hand: u32,
}

impl Ring {
    /// One of so many frames, with these objects and their marks in it, of which there must not be more.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn new(objects: usize, capacity: u32, standing: impl Iterator<Item = (u32, bool)>) -> Self {
        let capacity = capacity.min(objects as u32);
        let mut made = Self {
            frames: memory::zeros(objects + 1),
            ids: vec![0],
            marks: memory::zeros((capacity / WORD) as usize + 1),
            capacity,
            hand: 1,
        };
        for (id, marked) in standing {
            let frame = made.ids.len() as u32;
            made.ids.push(id);
            made.frames[id as usize] = frame;
            made.marks[(frame / WORD) as usize] |= u64::from(marked) << (frame % WORD);
        }
        made
    }

    pub(super) fn contains(&self, id: u32) -> bool {
        self.frames[id as usize] > 0
    }

    /// The objects from the one that is looked at next on, and whether each is marked.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn standing(&self) -> impl Iterator<Item = (u32, bool)> {
        let end = self.ids.len() as u32;
        let marked = |frame: u32| self.marks[(frame / WORD) as usize] >> (frame % WORD) & 1 == 1;
        (self.hand..end).chain(1..self.hand.min(end)).map(move |frame| (self.ids[frame as usize], marked(frame)))
    }

    /// What comes of these requests.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn run(&mut self, ids: &[u32]) -> Run {
        let mut run = Run::default();
        for (index, &id) in ids.iter().enumerate() {
            if let Some(&next) = ids.get(index + AHEAD) {
                memory::prefetch(&self.frames[next as usize]);
            }
            let frame = self.frames[id as usize];
            if frame > 0 {
                self.marks[(frame / WORD) as usize] |= 1 << (frame % WORD);
                continue;
            }
            run.misses += 1;
            if self.ids.len() as u32 <= self.capacity {
                self.frames[id as usize] = self.ids.len() as u32;
                self.ids.push(id);
            } else {
                run.gone += 1;
                self.replace(id);
            }
        }
        run
    }

    /// As a miss in the loop, where the hand passes over more than a word of marks, or the end.
    #[inline]
    fn replace(&mut self, id: u32) {
        loop {
            if self.hand > self.capacity {
                self.hand = 1;
            }
            let (word, from) = ((self.hand / WORD) as usize, self.hand % WORD);
            let plain = !self.marks[word] >> from;
            let steps = plain.trailing_zeros().min(WORD - from);
            let passed = u64::MAX.checked_shr(WORD - steps).unwrap_or(0) << from;
            self.marks[word] &= !passed;
            self.hand += steps;
            if plain != 0 && self.hand <= self.capacity {
                break;
            }
        }
        let gone = std::mem::replace(&mut self.ids[self.hand as usize], id);
        self.frames[gone as usize] = 0;
        self.frames[id as usize] = self.hand;
        self.hand += 1;
    }
}
