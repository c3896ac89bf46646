//! Sums by group: the inner loops of every fold over a table. Exact: unsigned 64-bit integers,
//! and a sum that does not fit is an error, never a wrong number.

use crate::error::{Error, Result};
use crate::memory::{self, Zero};

/// The error of a sum that does not fit 64 bits.
#[must_use]
pub fn overflow() -> Error {
    Error::Parameter("the weights add up to more than 2^64; choose a smaller unit".to_owned())
}

pub(crate) fn outside(what: &str, number: u32, count: usize) -> Error {
    Error::Parameter(format!("{what} is {number}; expected less than {count}, the number of sums"))
}

pub(crate) fn equal_lengths(what: &str, found: usize, rows: usize) -> Result<()> {
    if found == rows {
        return Ok(());
    }
    Err(Error::Parameter(format!("{what} has {found} rows; expected {rows}, as many as the groups")))
}

/// Zeros for a matrix of `height` times `width` numbers, `per_element` of them in each element.
///
/// # Errors
/// If there are more of them than memory holds.
pub fn zeros<T: Zero>(height: usize, width: usize, per_element: usize) -> Result<Vec<T>> {
    let count = height.checked_mul(width).map(|count| count.div_ceil(per_element));
    count
        .and_then(memory::try_zeros)
        .ok_or_else(|| Error::Parameter(format!("{height} x {width} sums do not fit memory; ask for fewer groups")))
}

/// Adds each row's weight (1 if there are none) to the sum of its group.
///
/// # Errors
/// If a sum does not fit 64 bits, a group is not below `sums.len()`, or the lengths differ.
pub fn sum_by(groups: &[u32], weights: Option<&[u64]>, sums: &mut [u64]) -> Result<()> {
    let count = sums.len();
    match weights {
        None => {
            for group in groups {
                // A count of rows in memory fits 64 bits; what came before may be near the end.
                let sum = sums.get_mut(*group as usize).ok_or_else(|| outside("a group", *group, count))?;
                *sum = sum.checked_add(1).ok_or_else(overflow)?;
            }
        }
        Some(weights) => {
            equal_lengths("weights", weights.len(), groups.len())?;
            for (group, weight) in groups.iter().zip(weights) {
                let sum = sums.get_mut(*group as usize).ok_or_else(|| outside("a group", *group, count))?;
                *sum = sum.checked_add(*weight).ok_or_else(overflow)?;
            }
        }
    }
    Ok(())
}

/// Adds each row's weight to the cell (`from`, `to`) of a matrix with `width` columns.
///
/// # Errors
/// If a sum does not fit 64 bits, a number is out of the matrix, or the lengths differ.
pub fn sum_pairs(from: &[u32], to: &[u32], weights: Option<&[u64]>, width: usize, sums: &mut [u64]) -> Result<()> {
    equal_lengths("to", to.len(), from.len())?;
    if let Some(weights) = weights {
        equal_lengths("weights", weights.len(), from.len())?;
    }
    let count = sums.len();
    for (row, (from, to)) in from.iter().zip(to).enumerate() {
        if *to as usize >= width {
            return Err(outside("a column of the matrix", *to, width));
        }
        let cell = *from as usize * width + *to as usize;
        let sum = sums.get_mut(cell).ok_or_else(|| outside("a row of the matrix", *from, count / width))?;
        *sum = sum.checked_add(weights.map_or(1, |weights| weights[row])).ok_or_else(overflow)?;
    }
    Ok(())
}

/// Sets the bit (`group`, `partition`) of a bit matrix of `height` rows and `width` columns for each row.
///
/// # Errors
/// If a number is out of the matrix, or the lengths differ.
///
/// # Panics
/// If `bits` is shorter than the matrix.
pub fn mark_pairs(groups: &[u32], partitions: &[u32], height: usize, width: usize, bits: &mut [u8]) -> Result<()> {
    equal_lengths("partitions", partitions.len(), groups.len())?;
    for (group, partition) in groups.iter().zip(partitions) {
        if *partition as usize >= width {
            return Err(outside("a partition", *partition, width));
        }
        if *group as usize >= height {
            return Err(outside("a group", *group, height));
        }
        let bit = *group as usize * width + *partition as usize;
        bits[bit >> 3] |= 1 << (bit & 7);
    }
    Ok(())
}

/// So many groups are counted in the nearest cache.
const FEW_GROUPS: usize = 512;

/// The group that no row belongs to: it is passed over.
pub const NO_GROUP: u32 = u32::MAX;

/// Exact sums by group that grow over many batches, without a vector of all groups for each of them.
#[derive(Debug, Clone, Default)]
pub struct Sums {
    values: Vec<u64>,
}

impl Sums {
    /// So many zeros.
    ///
    /// # Errors
    /// If there are more of them than memory holds.
    pub fn new(count: usize) -> Result<Self> {
        Ok(Self { values: zeros(count, 1, 1)? })
    }

    /// The sum of each group.
    #[must_use]
    pub fn values(&self) -> &[u64] {
        &self.values
    }

    /// The sum of each group, handed over.
    #[must_use]
    pub fn into_values(self) -> Vec<u64> {
        self.values
    }

    /// Makes room for groups below `count`.
    pub fn grow(&mut self, count: usize) {
        if count > self.values.len() {
            self.values.resize(count, 0);
        }
    }

    /// Adds each row's weight (1 if there are none) to its group's sum; [`NO_GROUP`] is passed over.
    ///
    /// # Errors
    /// If a sum does not fit 64 bits, a group is not below the number of sums, or the lengths differ.
    pub fn add(&mut self, groups: &[u32], weights: Option<&[u64]>) -> Result<()> {
        let count = self.values.len();
        if let Some(weights) = weights {
            equal_lengths("weights", weights.len(), groups.len())?;
        } else if count <= FEW_GROUPS && groups.len() >= FEW_GROUPS {
            return self.count_few(groups);
        }
        for (row, group) in groups.iter().enumerate() {
            if *group == NO_GROUP {
                continue;
            }
            let sum = self.values.get_mut(*group as usize).ok_or_else(|| outside("a group", *group, count))?;
            *sum = sum.checked_add(weights.map_or(1, |weights| weights[row])).ok_or_else(overflow)?;
        }
        Ok(())
    }

    /// Counts rows of at most [`FEW_GROUPS`] groups: four counts of each, so that equal neighbours need not wait.
    #[allow(clippy::cast_possible_truncation)]
    fn count_few(&mut self, groups: &[u32]) -> Result<()> {
        for part in groups.chunks(u32::MAX as usize) {
            let greatest = part.iter().copied().filter(|group| *group != NO_GROUP).max().unwrap_or(0);
            if greatest as usize >= self.values.len() {
                return Err(outside("a group", greatest, self.values.len()));
            }
            let mut counts = [[0_u32; FEW_GROUPS + 1]; 4];
            let mut quads = part.chunks_exact(4);
            for quad in &mut quads {
                for (counts, group) in counts.iter_mut().zip(quad) {
                    counts[(*group as usize).min(FEW_GROUPS)] += 1; // no group falls behind the last
                }
            }
            for group in quads.remainder() {
                counts[0][(*group as usize).min(FEW_GROUPS)] += 1;
            }
            for (group, sum) in self.values.iter_mut().enumerate() {
                let more = counts.iter().map(|counts| u64::from(counts[group])).sum();
                *sum = sum.checked_add(more).ok_or_else(overflow)?;
            }
        }
        Ok(())
    }

    /// Adds sums of the same groups that were made elsewhere.
    ///
    /// # Errors
    /// If there are not as many, or a sum does not fit 64 bits.
    pub fn merge(&mut self, other: &[u64]) -> Result<()> {
        equal_lengths("the other sums", other.len(), self.values.len())?;
        for (sum, more) in self.values.iter_mut().zip(other) {
            *sum = sum.checked_add(*more).ok_or_else(overflow)?;
        }
        Ok(())
    }
}

/// A bit matrix in which pairs (group, partition) are marked over many batches.
#[derive(Debug, Clone)]
pub struct Marks {
    height: usize,
    width: usize,
    bits: Vec<u8>,
}

impl Marks {
    /// No mark yet.
    ///
    /// # Errors
    /// If the matrix does not fit memory.
    pub fn new(height: usize, width: usize) -> Result<Self> {
        Ok(Self { height, width, bits: zeros(height, width, 8)? })
    }

    /// The matrix, row-major, the least bit of each byte first.
    #[must_use]
    pub fn bits(&self) -> &[u8] {
        &self.bits
    }

    /// Marks the pair of each row; [`NO_GROUP`] is passed over.
    ///
    /// # Errors
    /// If a number is out of the matrix, or the lengths differ.
    pub fn mark(&mut self, groups: &[u32], partitions: &[u32]) -> Result<()> {
        equal_lengths("partitions", partitions.len(), groups.len())?;
        for (group, partition) in groups.iter().zip(partitions) {
            if *group == NO_GROUP {
                continue;
            }
            if *partition as usize >= self.width {
                return Err(outside("a partition", *partition, self.width));
            }
            if *group as usize >= self.height {
                return Err(outside("a group", *group, self.height));
            }
            let bit = *group as usize * self.width + *partition as usize;
            self.bits[bit >> 3] |= 1 << (bit & 7);
        }
        Ok(())
    }

    /// Joins marks of the same matrix that were made elsewhere.
    ///
    /// # Errors
    /// If they are not as many.
    pub fn merge(&mut self, other: &[u8]) -> Result<()> {
        equal_lengths("the other marks", other.len(), self.bits.len())?;
        self.bits.iter_mut().zip(other).for_each(|(own, more)| *own |= more);
        Ok(())
    }

    /// How many partitions are marked for each group.
    #[must_use]
    pub fn counts(&self) -> Vec<u64> {
        (0..self.height)
            .map(|group| {
                let (start, end) = (group * self.width, (group + 1) * self.width);
                let mut count = 0;
                let mut bit = start;
                while bit < end {
                    // A whole byte at a time where the row covers one.
                    if bit & 7 == 0 && bit + 8 <= end {
                        count += u64::from(self.bits[bit >> 3].count_ones());
                        bit += 8;
                    } else {
                        count += u64::from(self.bits[bit >> 3] >> (bit & 7) & 1);
                        bit += 1;
                    }
                }
                count
            })
            .collect()
    }
}

/// A number of one of the widths in which tables of partitions are kept.
pub trait Narrow: Copy {
    /// The number; the greatest of a narrow type stands for [`NO_GROUP`].
    fn wide(self) -> u32;
}

macro_rules! narrow {
    ($($kind:ty),*) => {
        $(impl Narrow for $kind {
            #[inline]
            fn wide(self) -> u32 {
                if self == <$kind>::MAX { NO_GROUP } else { u32::from(self) }
            }
        })*
    };
}

narrow!(u8, u16, u32);

/// The entry of `table` that each row's number names; the greatest entry of its type becomes [`NO_GROUP`].
///
/// # Errors
/// If a number is not below the table's length.
pub fn gather<T: Narrow>(table: &[T], numbers: &[u32]) -> Result<Vec<u32>> {
    let mut out = memory::zeros(numbers.len());
    for (slot, number) in out.iter_mut().zip(numbers) {
        *slot = table.get(*number as usize).ok_or_else(|| outside("a number", *number, table.len()))?.wide();
    }
    Ok(out)
}

/// The weight of the rows whose two groups differ, of those that have a first one ([`NO_GROUP`]: none).
///
/// # Errors
/// If the sum does not fit 64 bits, or the lengths differ.
pub fn weight_apart(first: &[u32], second: &[u32], weights: Option<&[u64]>) -> Result<u64> {
    equal_lengths("the second groups", second.len(), first.len())?;
    let apart = |pair: (&u32, &u32)| pair.0 != pair.1 && *pair.0 != NO_GROUP;
    let Some(weights) = weights else {
        return Ok(first.iter().zip(second).map(|pair| u64::from(apart(pair))).sum());
    };
    equal_lengths("weights", weights.len(), first.len())?;
    let mut sum = 0_u64;
    for (pair, weight) in first.iter().zip(second).zip(weights) {
        if apart(pair) {
            sum = sum.checked_add(*weight).ok_or_else(overflow)?;
        }
    }
    Ok(sum)
}

/// What rows do when their partitions change: stay on their node, move from a leaving or to a joining one, or stray
/// between two nodes which are there before and after.
#[derive(Debug)]
pub struct Journeys<'a> {
    before: &'a [u32],
    now: &'a [u32],
    remains: Vec<bool>,
    was_there: Vec<bool>,
}

impl<'a> Journeys<'a> {
    /// From the node of each partition before and after.
    #[must_use]
    pub fn new(before: &'a [u32], now: &'a [u32]) -> Self {
        let old: std::collections::HashSet<u32> = before.iter().copied().collect();
        let new: std::collections::HashSet<u32> = now.iter().copied().collect();
        let remains = before.iter().map(|node| new.contains(node)).collect();
        let was_there = now.iter().map(|node| old.contains(node)).collect();
        Self { before, now, remains, was_there }
    }

    /// Adds the weight that stays, moves and strays to `sums`; `here` and `there` are each key's partition before and
    /// after.
    ///
    /// # Errors
    /// If a sum does not fit 64 bits, a partition has no node, or the lengths differ.
    pub fn add(&self, here: &[u32], there: &[u32], weights: Option<&[u64]>, sums: &mut [u64; 3]) -> Result<()> {
        equal_lengths("the partitions after", there.len(), here.len())?;
        if let Some(weights) = weights {
            equal_lengths("weights", weights.len(), here.len())?;
        }
        let Self { before, now, remains, was_there } = self;
        for (row, (from, to)) in here.iter().zip(there).enumerate() {
            let (from, to) = (*from as usize, *to as usize);
            let left = before.get(from).ok_or_else(|| outside("a partition before", here[row], before.len()))?;
            let reached = now.get(to).ok_or_else(|| outside("a partition after", there[row], now.len()))?;
            let moves = left != reached;
            let kind = usize::from(moves) + usize::from(moves && remains[from] && was_there[to]);
            sums[kind] = sums[kind].checked_add(weights.map_or(1, |weights| weights[row])).ok_or_else(overflow)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_beyond_64_bits_is_refused() {
        let mut sums = [u64::MAX - 1];
        sum_by(&[0], Some(&[1]), &mut sums).unwrap();
        assert!(sum_by(&[0], Some(&[1]), &mut sums).unwrap_err().to_string().contains("2^64"));
    }

    #[test]
    fn pairs_land_in_row_major_order() {
        let mut sums = [0; 6];
        sum_pairs(&[0, 1, 1], &[2, 0, 0], Some(&[5, 1, 2]), 3, &mut sums).unwrap();
        assert_eq!(sums, [0, 0, 5, 3, 0, 0]);
        let mut bits = [0; 1];
        mark_pairs(&[0, 1], &[2, 0], 2, 3, &mut bits).unwrap();
        assert_eq!(bits, [0b1100]);
    }

    #[test]
    fn sums_and_marks_grow_over_batches_and_pass_over_no_group() {
        let mut sums = Sums::new(2).unwrap();
        sums.add(&[0, NO_GROUP, 1, 1], Some(&[5, 9, 2, 3])).unwrap();
        sums.grow(3);
        sums.add(&[2, 0], None).unwrap();
        sums.merge(&[1, 1, 1]).unwrap();
        assert_eq!(sums.values(), [7, 6, 2]);
        assert!(sums.add(&[3], None).unwrap_err().to_string().contains("a group is 3"));
        assert!(sums.merge(&[u64::MAX, 0, 0]).unwrap_err().to_string().contains("2^64"));
        assert!(sums.merge(&[1]).unwrap_err().to_string().contains("has 1 rows"));
        for width in [1, 3, 8, 11, 64] {
            let mut marks = Marks::new(3, width).unwrap();
            let last = u32::try_from(width).unwrap() - 1;
            marks.mark(&[0, 2, NO_GROUP, 2], &[0, last, 0, 0]).unwrap();
            let mut other = Marks::new(3, width).unwrap();
            other.mark(&[1], &[last]).unwrap();
            marks.merge(other.bits()).unwrap();
            assert_eq!(marks.counts(), [1, 1, if last == 0 { 1 } else { 2 }], "width {width}");
            assert!(marks.mark(&[0], &[last + 1]).is_err() && marks.mark(&[3], &[0]).is_err());
        }
    }

    #[test]
    fn many_rows_of_few_groups_are_counted_like_any() {
        for groups in [1, 7, 511, 512] {
            let rows: Vec<u32> =
                (0..2_003).map(|row| if row % 5 == 4 { NO_GROUP } else { row * row % groups }).collect();
            let mut sums = Sums::new(groups as usize).unwrap();
            sums.add(&rows, None).unwrap();
            for (group, sum) in sums.values().iter().enumerate() {
                assert_eq!(*sum, rows.iter().filter(|row| **row as usize == group).count() as u64);
            }
            assert!(sums.add(&vec![groups; 600], None).unwrap_err().to_string().contains("less than"));
        }
    }

    #[test]
    fn gathered_numbers_keep_what_stands_for_none() {
        assert_eq!(gather(&[3_u8, u8::MAX, 7], &[1, 2, 0]).unwrap(), [NO_GROUP, 7, 3]);
        assert_eq!(gather(&[3_u16, u16::MAX, 255], &[1, 2]).unwrap(), [NO_GROUP, 255]);
        assert_eq!(gather(&[3_u32, NO_GROUP], &[1, 0]).unwrap(), [NO_GROUP, 3]);
        assert!(gather(&[3_u8], &[1]).unwrap_err().to_string().contains("a number is 1"));
    }

    #[test]
    fn weight_apart_counts_only_what_has_a_first_group() {
        let (first, second) = ([1, 2, NO_GROUP, 4], [1, 3, 0, 0]);
        assert_eq!(weight_apart(&first, &second, None).unwrap(), 2);
        assert_eq!(weight_apart(&first, &second, Some(&[1, 10, 100, 1000])).unwrap(), 1010);
        assert!(weight_apart(&[1, 1], &[0, 0], Some(&[u64::MAX, 1])).is_err());
        assert!(weight_apart(&[1], &[], None).is_err());
    }

    #[test]
    fn journeys_tell_moves_from_strays_by_nodes() {
        // Nodes 0 1 2 before, 0 1 3 after: a key on 0 stays, one goes 2 to 3, one strays from 0 to 1.
        let (journeys, mut found) = (Journeys::new(&[0, 1, 2], &[0, 1, 3]), [0; 3]);
        journeys.add(&[0, 2, 0], &[0, 2, 1], Some(&[5, 6, 7]), &mut found).unwrap();
        assert_eq!(found, [5, 6, 7]);
        journeys.add(&[0, 2, 0], &[0, 2, 1], None, &mut found).unwrap();
        assert_eq!(found, [6, 7, 8]);
        assert!(journeys.add(&[3], &[0], None, &mut found).unwrap_err().to_string().contains("before is 3"));
    }

    #[test]
    fn numbers_outside_and_lengths_that_differ_are_refused() {
        let message = |result: Result<()>| result.unwrap_err().to_string();
        assert!(message(sum_by(&[2], None, &mut [0; 2])).contains("a group is 2; expected less than 2"));
        assert!(message(sum_by(&[0, 0], Some(&[1]), &mut [0; 2])).contains("weights has 1 rows; expected 2"));
        assert!(message(sum_by(&[0], None, &mut [u64::MAX])).contains("2^64"));
        assert!(message(sum_pairs(&[2], &[0], None, 3, &mut [0; 6])).contains("less than 2"));
        assert!(message(sum_pairs(&[0], &[3], None, 3, &mut [0; 6])).contains("less than 3"));
        assert!(message(sum_pairs(&[0], &[0, 1], None, 3, &mut [0; 6])).contains("to has 2 rows"));
        // Bit 3 exists in the byte, but not in the matrix of 1 x 3.
        assert!(message(mark_pairs(&[1], &[0], 1, 3, &mut [0])).contains("a group is 1"));
        assert!(message(mark_pairs(&[0], &[3], 1, 3, &mut [0])).contains("a partition is 3"));
        assert!(zeros::<u64>(usize::MAX, 2, 1).unwrap_err().to_string().contains("do not fit memory"));
        assert!(zeros::<u64>(1 << 60, 1, 1).is_err());
        assert_eq!(zeros::<u8>(3, 3, 8).unwrap(), [0, 0]);
    }
}
