//! Arrays of one length, by number, in pages that never move once they are full.
//!
//! A vector that grows copies everything; a page is copied at most until it is full, and the last one is no larger than
//! twice what is in it. Every array begins at a cache line.

use assay_core::memory;

/// So many elements in whole cache lines; arrays are whole lines too.
pub const LINE: usize = 16;
const CACHE_LINE_BYTES: usize = 64;
/// Pages are at least so large, many huge pages of the operating system.
const PAGE_BYTES: usize = 16 << 20;

/// Elements that begin at a cache line.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C, align(64))]
struct Line<T>([T; LINE]);

/// Arrays of `LINE * lines` elements, by number.
#[derive(Debug, Clone)]
pub struct Paged<T> {
    pages: Vec<Vec<Line<T>>>,
    /// The lines of an array.
    lines: usize,
    /// A page holds two to the power of this many arrays.
    bits: u32,
}

impl<T: Copy + Default> Paged<T> {
    /// None yet, each of so many elements, a multiple of [`LINE`].
    pub fn new(elements: usize) -> Self {
        const { assert!(size_of::<Line<T>>() == LINE * size_of::<T>(), "lines have no gaps") }
        assert!(elements > 0 && elements.is_multiple_of(LINE), "arrays are whole lines");
        let bits = (PAGE_BYTES / (elements * size_of::<T>())).next_power_of_two().ilog2();
        Self { pages: Vec::new(), lines: elements / LINE, bits }
    }

    #[inline(always)]
    fn per_page(&self) -> usize {
        1 << self.bits
    }

    /// Makes room for so many arrays, exactly; there is none yet.
    pub fn reserve(&mut self, mut arrays: usize) {
        debug_assert!(self.pages.is_empty());
        while arrays > 0 {
            let here = arrays.min(self.per_page());
            self.pages.push(page(here * self.lines));
            arrays -= here;
        }
    }

    /// Appends an array, of the number that is next.
    pub fn push(&mut self, number: u32) {
        let (at, slot) = self.place(number);
        if at == self.pages.len() {
            self.pages.push(Vec::new());
        }
        let full = self.per_page() * self.lines;
        let page = &mut self.pages[at];
        debug_assert_eq!(page.len(), slot);
        if page.len() + self.lines > page.capacity() {
            let mut larger = self::page((2 * page.capacity()).clamp(self.lines, full));
            larger.extend_from_slice(page);
            *page = larger;
        }
        page.resize(page.len() + self.lines, Line::default());
    }

    #[inline(always)]
    fn place(&self, number: u32) -> (usize, usize) {
        let number = number as usize;
        (number >> self.bits, (number & (self.per_page() - 1)) * self.lines)
    }

    /// The array of this number.
    #[inline(always)]
    pub fn of(&self, number: u32) -> &[T] {
        let (page, start) = self.place(number);
        let lines = &self.pages[page][start..start + self.lines];
        // SAFETY: a line is its elements and nothing else, as `new` checks, so lines in a row are elements in a row.
        unsafe { std::slice::from_raw_parts(lines.as_ptr().cast(), lines.len() * LINE) }
    }

    /// The array of this number, to be changed.
    #[inline(always)]
    pub fn of_mut(&mut self, number: u32) -> &mut [T] {
        let (page, start) = self.place(number);
        let lines = &mut self.pages[page][start..start + self.lines];
        // SAFETY: as in `of`; the lines are borrowed for as long as the elements.
        unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), lines.len() * LINE) }
    }

    /// Asks for the cache lines of an array ahead of time.
    #[inline(always)]
    pub fn prefetch(&self, number: u32) {
        for element in self.of(number).iter().step_by(CACHE_LINE_BYTES / size_of::<T>()) {
            memory::prefetch(element);
        }
    }

    /// The bytes of all pages.
    pub fn memory_bytes(&self) -> u64 {
        let lines: usize = self.pages.iter().map(Vec::capacity).sum();
        (lines * size_of::<Line<T>>() + self.pages.capacity() * size_of::<Vec<Line<T>>>()) as u64
    }
}

/// Room for so many lines, in huge pages where it is worth it.
fn page<T>(lines: usize) -> Vec<Line<T>> {
    let mut page = Vec::with_capacity(lines);
    memory::advise(page.spare_capacity_mut());
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_keep_what_is_written_while_pages_fill_up() {
        let mut paged = Paged::<u64>::new(1 << 17); // 1 MiB each, 16 a page
        for number in 0..40 {
            paged.push(number);
            paged.of_mut(number).fill(u64::from(number));
            assert_eq!(paged.of(number).as_ptr() as usize % CACHE_LINE_BYTES, 0);
        }
        assert!((0..40).all(|number| paged.of(number).iter().all(|value| *value == u64::from(number))));
        assert_eq!((paged.pages.len(), paged.pages[2].capacity()), (3, (8 << 17) / LINE));
    }
}
