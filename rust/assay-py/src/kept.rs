//! Memory of large outputs that were freed, kept for the next ones.
//!
//! Fresh memory must be cleared by the operating system, which for a column of hashes takes four times as long as
//! hashing it. So the memory of an output of 4 MiB or more, when the last array that holds it is gone, waits here for
//! an output of about its size: at most 128 MiB in all, and marked so that the operating system may take it back
//! whenever it wants memory (MADV_FREE). Allocators such as those of polars and pyarrow do the same.

use std::panic::RefUnwindSafe;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow_buffer::{ArrowNativeType, Buffer, ScalarBuffer};
use assay_core::memory;

/// Smaller memory comes from the allocator, which keeps it by itself.
const BLOCK_BYTES_LOW: usize = 4 << 20;
/// Bytes of all blocks that wait.
const KEPT_BYTES_HIGH: usize = 128 << 20;

/// Bytes of all blocks that wait now.
static KEPT_BYTES: AtomicUsize = AtomicUsize::new(0);

/// Blocks of one type, the longest kept first.
pub struct Pool<T>(Mutex<Vec<Vec<T>>>);

impl<T: Keep> Pool<T> {
    const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// A block for so many values that is at most twice as large.
    fn take(&self, len: usize) -> Option<Vec<T>> {
        // A lock that was held at the moment of a fork would stay held in the child for ever, so nobody waits for it.
        let mut blocks = self.0.try_lock().ok()?;
        let fits = |block: &Vec<T>| block.capacity() >= len && block.capacity() / 2 <= len;
        let place = blocks.iter().rposition(fits)?;
        let mut block = blocks.remove(place);
        drop(blocks);
        KEPT_BYTES.fetch_sub(bytes_of(&block), Ordering::Relaxed);
        block.resize(len, T::default());
        Some(block)
    }

    fn keep(&self, block: Vec<T>) {
        let bytes = bytes_of(&block);
        if !(BLOCK_BYTES_LOW..=KEPT_BYTES_HIGH).contains(&bytes) {
            return;
        }
        let Ok(mut blocks) = self.0.try_lock() else { return };
        while KEPT_BYTES.load(Ordering::Relaxed) + bytes > KEPT_BYTES_HIGH && !blocks.is_empty() {
            KEPT_BYTES.fetch_sub(bytes_of(&blocks.remove(0)), Ordering::Relaxed);
        }
        if KEPT_BYTES.load(Ordering::Relaxed) + bytes <= KEPT_BYTES_HIGH {
            memory::offer_back(&block);
            KEPT_BYTES.fetch_add(bytes, Ordering::Relaxed);
            blocks.push(block);
        }
    }

    /// Drops all blocks, but for a pool that another thread is at.
    fn clear(&self) {
        let Ok(mut blocks) = self.0.try_lock() else { return };
        for block in blocks.drain(..) {
            KEPT_BYTES.fetch_sub(bytes_of(&block), Ordering::Relaxed);
        }
    }
}

fn bytes_of<T>(block: &Vec<T>) -> usize {
    block.capacity() * size_of::<T>()
}

/// A number of which blocks are kept.
pub trait Keep: ArrowNativeType + memory::Zero + RefUnwindSafe {
    /// Where its blocks wait.
    fn pool() -> &'static Pool<Self>;
}

macro_rules! keep {
    ($($kind:ty),*) => {
        $(impl Keep for $kind {
            fn pool() -> &'static Pool<Self> {
                static POOL: Pool<$kind> = Pool::new();
                &POOL
            }
        })*
    };
}

keep!(u8, u16, u32, u64);

/// Gives all blocks that wait to the allocator.
pub fn give_back() {
    u8::pool().clear();
    u16::pool().clear();
    u32::pool().clear();
    u64::pool().clear();
}

/// Values of an output; their memory is kept when nobody holds it any more.
pub struct Output<T: Keep>(Vec<T>);

impl<T: Keep> Output<T> {
    /// Room for so many values. It may hold anything: every one of them is to be written.
    pub fn new(len: usize) -> Self {
        let large = len.saturating_mul(size_of::<T>()) >= BLOCK_BYTES_LOW;
        let kept = if large { T::pool().take(len) } else { None };
        Self(kept.unwrap_or_else(|| memory::zeros(len)))
    }

    /// All values.
    pub fn values(&mut self) -> &mut [T] {
        &mut self.0
    }

    fn into_buffer(self) -> Buffer {
        let (place, bytes) = (NonNull::from(self.0.as_slice()).cast::<u8>(), size_of_val(self.0.as_slice()));
        // SAFETY: the place is that of the vector's values, which the owner beside it holds until the buffer is gone and
        // does not change.
        unsafe { Buffer::from_custom_allocation(place, bytes, Arc::new(self)) }
    }

    /// The values as those of an Arrow array.
    pub fn into_values(self) -> ScalarBuffer<T> {
        self.into_buffer().into()
    }

    /// The values' bytes.
    pub fn into_bytes(self) -> Buffer {
        self.into_buffer()
    }
}

impl<T: Keep> Drop for Output<T> {
    fn drop(&mut self) {
        T::pool().keep(std::mem::take(&mut self.0));
    }
}
