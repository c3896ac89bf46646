//! Memory: large vectors in huge pages, and cache lines asked for ahead of time.
//!
//! A fresh page costs a fault, which for columns of millions of rows takes longer than the hashes that
//! are written to them; tables that are read at random miss the page table too. Pages of 2 MiB are asked
//! for from 4 MiB up. Source: Linux, `madvise(2)`, MADV_HUGEPAGE.

/// Below so many bytes pages stay as they are.
const BYTES_WORTH_HUGE_PAGES: usize = 4 << 20;

/// A number whose zero is all zero bits, so that fresh memory needs no writing.
pub trait Zero: Copy {
    /// So many zeros.
    fn zeros(len: usize) -> Vec<Self>;
}

macro_rules! zero {
    ($($kind:ty),*) => {
        $(impl Zero for $kind {
            fn zeros(len: usize) -> Vec<Self> {
                vec![0; len]
            }
        })*
    };
}

zero!(u8, u16, u32, u64, u128);

/// So many zeros.
#[must_use]
pub fn zeros<T: Zero>(len: usize) -> Vec<T> {
    let made = T::zeros(len);
    advise(&made);
    made
}

/// So many zeros, or None if there is no room for them, where `vec!` would end the process.
#[must_use]
pub fn try_zeros<T: Zero>(len: usize) -> Option<Vec<T>> {
    Vec::<T>::new().try_reserve_exact(len).ok()?;
    Some(zeros(len))
}

/// Room for so many values, in huge pages if they are many.
#[must_use]
pub fn with_capacity<T>(len: usize) -> Vec<T> {
    let mut made = Vec::with_capacity(len);
    advise(made.spare_capacity_mut());
    made
}

/// Asks for huge pages under these values; a hint that changes nothing else.
pub fn advise<T>(values: &[T]) {
    #[cfg(target_os = "linux")]
    if size_of_val(values) >= BYTES_WORTH_HUGE_PAGES {
        const PAGE_BYTES: usize = 4096;
        let place = values.as_ptr() as usize;
        let (start, end) = (place.next_multiple_of(PAGE_BYTES), (place + size_of_val(values)) & !(PAGE_BYTES - 1));
        // SAFETY: the advice is about whole pages of memory that is borrowed here; it changes how they are backed, not
        // what they hold. Where pages are larger it is refused, and nothing is lost.
        unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = values;
}

/// Lets the operating system take these values back when it wants memory; until they are written again, any of them
/// may become zero. Whole huge pages only, for parts of one would break it up. Elsewhere nothing is done.
pub fn offer_back<T>(values: &[T]) {
    #[cfg(target_os = "linux")]
    {
        const PAGE_BYTES: usize = 2 << 20;
        let place = values.as_ptr() as usize;
        let (start, end) = (place.next_multiple_of(PAGE_BYTES), (place + size_of_val(values)) & !(PAGE_BYTES - 1));
        if start < end {
            // SAFETY: the advice is about whole pages of memory that the caller has no use for until it is written again.
            unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_FREE) };
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = values;
}

/// Gives memory that was freed back to the operating system.
///
/// The allocator of glibc keeps freed blocks below 32 MiB for later; after a scan by several threads these can be
/// more than all that is in use. Elsewhere nothing is done.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: it may be called at any time, from any thread; it changes which pages are mapped, not what is in use.
        unsafe { libc::malloc_trim(0) };
    }
}

/// Asks for the cache line of `place`; a hint that changes nothing.
#[inline]
pub fn prefetch<T>(place: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch of a borrowed place reads nothing and cannot fault.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(place).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_zeros_at_every_size() {
        for len in [0, 1, 1000, BYTES_WORTH_HUGE_PAGES / 8 - 1, BYTES_WORTH_HUGE_PAGES / 8 + 12_345] {
            let mut made = zeros::<u64>(len);
            assert!(made.len() == len && made.iter().all(|value| *value == 0));
            made.iter_mut().for_each(|value| *value = 1);
            assert_eq!(made.iter().sum::<u64>(), len as u64);
        }
        assert!(try_zeros::<u64>(usize::MAX / 4).is_none());
        assert_eq!(try_zeros::<u8>(3), Some(vec![0; 3]));
    }
}
