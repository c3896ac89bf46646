//! What a batch of lookups found: the rows of each probe, one after the other.

use assay_core::memory;

/// No row.
pub const NONE: u32 = u32::MAX;

/// The rows of each probe.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where the rows of each probe end.
    pub ends: Vec<i64>,
    /// The rows, those of a probe ascending.
    pub rows: Vec<u64>,
}

impl Found {
    /// Room for so many probes.
    #[must_use]
    pub fn with_capacity(probes: usize) -> Self {
        Self { ends: memory::with_capacity(probes), rows: memory::with_capacity(probes) }
    }

    /// Makes room for so many more rows.
    pub fn reserve(&mut self, rows: usize) {
        if self.rows.capacity() - self.rows.len() < rows {
            self.rows.reserve(rows);
            memory::advise(self.rows.spare_capacity_mut());
        }
    }

    /// Takes another row of the probe at hand.
    #[inline]
    pub fn push(&mut self, row: u32) {
        self.rows.push(u64::from(row));
    }

    /// Takes more rows of the probe at hand.
    #[inline]
    pub fn extend(&mut self, rows: &[u32]) {
        self.rows.extend(rows.iter().map(|row| u64::from(*row)));
    }

    /// Ends the probe at hand.
    #[inline]
    #[allow(clippy::cast_possible_wrap)]
    pub fn end(&mut self) {
        self.ends.push(self.rows.len() as i64);
    }

    /// Ends the probe at hand, whose rows came in any order.
    pub fn end_sorted(&mut self) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let start = self.ends.last().map_or(0, |end| *end as usize);
        self.rows[start..].sort_unstable();
        self.end();
    }
}
