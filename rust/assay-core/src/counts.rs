//! Counts in the narrowest type that holds them: most keys have few rows, and there are many keys.
//!
//! A count of 64 bits for each of 15 million keys takes 120 MB; of orders with seven rows at most, 15 MB.
//! [`Counts`] borrows them in any width, [`Tally`] counts and grows wider where a count no longer fits.
//! Cost: a branch on the width for each count that is read, always taken alike.

use crate::error::{Error, Result};
use crate::fold::{NO_GROUP, equal_lengths, outside, overflow};

/// Borrowed counts, one for each key.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub enum Counts<'a> {
    U8(&'a [u8]),
    U16(&'a [u16]),
    U32(&'a [u32]),
    U64(&'a [u64]),
}

impl<'a> Counts<'a> {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::U8(counts) => counts.len(),
            Self::U16(counts) => counts.len(),
            Self::U32(counts) => counts.len(),
            Self::U64(counts) => counts.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of them.
    ///
    /// # Panics
    /// If there is none at this place.
    #[inline]
    #[must_use]
    pub fn get(&self, place: usize) -> u64 {
        match self {
            Self::U8(counts) => u64::from(counts[place]),
            Self::U16(counts) => u64::from(counts[place]),
            Self::U32(counts) => u64::from(counts[place]),
            Self::U64(counts) => counts[place],
        }
    }

    /// All of them, in order.
    pub fn iter(self) -> impl Iterator<Item = u64> + 'a {
        (0..self.len()).map(move |place| self.get(place))
    }

    /// Their sum; None if it does not fit 64 bits.
    #[must_use]
    pub fn sum(self) -> Option<u64> {
        self.iter().try_fold(0_u64, u64::checked_add)
    }

    /// Whether both are the same memory, so that what is summed of one need not be summed of the other.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let place = |counts: &Self| match counts {
            Self::U8(counts) => (counts.as_ptr() as usize, 1),
            Self::U16(counts) => (counts.as_ptr() as usize, 2),
            Self::U32(counts) => (counts.as_ptr() as usize, 4),
            Self::U64(counts) => (counts.as_ptr() as usize, 8),
        };
        place(self) == place(other) && self.len() == other.len()
    }
}

impl<'a> From<&'a [u64]> for Counts<'a> {
    fn from(counts: &'a [u64]) -> Self {
        Self::U64(counts)
    }
}

impl<'a> From<&'a Vec<u64>> for Counts<'a> {
    fn from(counts: &'a Vec<u64>) -> Self {
        Self::U64(counts)
    }
}

impl<'a, const N: usize> From<&'a [u64; N]> for Counts<'a> {
    fn from(counts: &'a [u64; N]) -> Self {
        Self::U64(counts)
    }
}

/// Counts that grow over many batches, all in the narrowest type that holds the greatest so far.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum Tally {
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
}

impl Default for Tally {
    fn default() -> Self {
        Self::U8(Vec::new())
    }
}

/// Adds to counts of one type until one would not fit; the row where it stopped.
fn add_while_fitting<T: TryFrom<u64> + Into<u64> + Copy>(
    counts: &mut [T],
    numbers: &[u32],
    more: Option<Counts<'_>>,
    from: usize,
) -> Result<Option<usize>> {
    let known = counts.len();
    for (row, number) in numbers.iter().enumerate().skip(from) {
        if *number == NO_GROUP {
            continue;
        }
        let count = counts.get_mut(*number as usize).ok_or_else(|| outside("a group", *number, known))?;
        let sum = (*count).into().checked_add(more.map_or(1, |more| more.get(row))).ok_or_else(overflow)?;
        match T::try_from(sum) {
            Ok(sum) => *count = sum,
            Err(_) => return Ok(Some(row)),
        }
    }
    Ok(None)
}

impl Tally {
    /// As they are.
    #[must_use]
    pub fn counts(&self) -> Counts<'_> {
        match self {
            Self::U8(counts) => Counts::U8(counts),
            Self::U16(counts) => Counts::U16(counts),
            Self::U32(counts) => Counts::U32(counts),
            Self::U64(counts) => Counts::U64(counts),
        }
    }

    /// The bytes that they take.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        (match self {
            Self::U8(counts) => counts.capacity(),
            Self::U16(counts) => 2 * counts.capacity(),
            Self::U32(counts) => 4 * counts.capacity(),
            Self::U64(counts) => 8 * counts.capacity(),
        }) as u64
    }

    /// Makes room for keys below `count`, counted 0 so far.
    pub fn grow(&mut self, count: usize) {
        fn to<T: Default + Clone>(counts: &mut Vec<T>, count: usize) {
            if count > counts.len() {
                counts.resize(count, T::default());
            }
        }
        match self {
            Self::U8(counts) => to(counts, count),
            Self::U16(counts) => to(counts, count),
            Self::U32(counts) => to(counts, count),
            Self::U64(counts) => to(counts, count),
        }
    }

    /// Adds 1, or `more` of each row, to the counts of the rows' keys; [`NO_GROUP`] is passed over.
    ///
    /// # Errors
    /// If a count does not fit 64 bits, a number is not below the number of keys, or the lengths differ.
    pub fn add(&mut self, numbers: &[u32], more: Option<Counts<'_>>) -> Result<()> {
        if let Some(more) = more {
            equal_lengths("weights", more.len(), numbers.len())?;
        }
        let mut from = 0;
        loop {
            let stopped = match self {
                Self::U8(counts) => add_while_fitting(counts, numbers, more, from),
                Self::U16(counts) => add_while_fitting(counts, numbers, more, from),
                Self::U32(counts) => add_while_fitting(counts, numbers, more, from),
                Self::U64(counts) => add_while_fitting(counts, numbers, more, from),
            }?;
            match stopped {
                None => return Ok(()),
                Some(row) => from = row,
            }
            self.widen();
        }
    }

    /// Adds counts of the same keys that were made elsewhere.
    ///
    /// # Errors
    /// If there are not as many, or a count does not fit 64 bits.
    pub fn merge(&mut self, other: Counts<'_>) -> Result<()> {
        fn add<T: TryFrom<u64> + Into<u64> + Copy>(own: &mut [T], other: Counts<'_>, from: usize) -> Result<usize> {
            for (place, count) in own.iter_mut().enumerate().skip(from) {
                let sum = (*count).into().checked_add(other.get(place)).ok_or_else(overflow)?;
                match T::try_from(sum) {
                    Ok(sum) => *count = sum,
                    Err(_) => return Ok(place),
                }
            }
            Ok(own.len())
        }
        let count = self.counts().len();
        equal_lengths("the other sums", other.len(), count)?;
        let mut from = 0;
        loop {
            from = match self {
                Self::U8(counts) => add(counts, other, from),
                Self::U16(counts) => add(counts, other, from),
                Self::U32(counts) => add(counts, other, from),
                Self::U64(counts) => add(counts, other, from),
            }?;
            if from == count {
                return Ok(());
            }
            self.widen();
        }
    }

    /// The same counts in the next wider type.
    fn widen(&mut self) {
        *self = match std::mem::take(self) {
            Self::U8(counts) => Self::U16(counts.into_iter().map(u16::from).collect()),
            Self::U16(counts) => Self::U32(counts.into_iter().map(u32::from).collect()),
            Self::U32(counts) => Self::U64(counts.into_iter().map(u64::from).collect()),
            Self::U64(counts) => Self::U64(counts),
        };
    }
}

/// What is promised of counts that are summed: that the sum fits.
///
/// # Errors
/// If it does not.
pub fn check_sum(name: &str, counts: Counts<'_>) -> Result<()> {
    match counts.sum() {
        Some(_) => Ok(()),
        None => Err(Error::Parameter(format!("the {name} add up to more than 2^64; choose a smaller unit"))),
    }
}

/// Sums of the first of some counts, in an order: one in so many is kept, so that they take little beside the counts.
pub struct RunningSums<'a> {
    counts: Counts<'a>,
    order: crate::order::Order<'a>,
    kept: Vec<u64>,
}

/// One running sum in so many is kept.
const KEPT_EVERY: usize = 256;

impl<'a> RunningSums<'a> {
    /// Of counts in this order.
    #[must_use]
    pub fn new(counts: Counts<'a>, order: crate::order::Order<'a>) -> Self {
        let (mut kept, mut sum) = (Vec::with_capacity(order.len() / KEPT_EVERY + 1), 0);
        for (place, row) in order.iter().enumerate() {
            if place % KEPT_EVERY == 0 {
                kept.push(sum);
            }
            sum += counts.get(row as usize);
        }
        if order.len().is_multiple_of(KEPT_EVERY) {
            kept.push(sum);
        }
        Self { counts, order, kept }
    }

    /// The sum of the first so many.
    #[must_use]
    pub fn of_first(&self, many: usize) -> u64 {
        let whole = many / KEPT_EVERY;
        let rest = whole * KEPT_EVERY..many;
        self.kept[whole] + rest.map(|place| self.counts.get(self.order.get(place) as usize)).sum::<u64>()
    }

    /// The place within `range` of the first count by which the sum from the range's start is beyond `rank`, or its end.
    #[must_use]
    pub fn beyond(&self, range: std::ops::Range<usize>, rank: u64) -> usize {
        let before = self.of_first(range.start);
        // The last kept sum that is not beyond; from there on one by one.
        let kept = self.kept.partition_point(|sum| *sum <= before + rank).saturating_sub(1);
        let mut place = (kept * KEPT_EVERY).max(range.start);
        let mut sum = self.of_first(place) - before;
        while place < range.end {
            sum += self.counts.get(self.order.get(place) as usize);
            if sum > rank {
                break;
            }
            place += 1;
        }
        place.min(range.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::Order;
    use proptest::prelude::*;

    #[test]
    fn a_tally_grows_wider_where_a_count_no_longer_fits() {
        let mut tally = Tally::default();
        tally.grow(3);
        tally.add(&[0, 0, 2, NO_GROUP], None).unwrap();
        assert!(matches!(tally, Tally::U8(_)));
        tally.add(&[1, 0, 2], Some((&[255, 1, 5]).into())).unwrap();
        assert!(matches!(tally, Tally::U8(_)));
        tally.add(&[0, 1, 2], None).unwrap();
        assert!(matches!(tally, Tally::U16(_)));
        assert_eq!(tally.counts().iter().collect::<Vec<_>>(), [4, 256, 7]);
        tally.add(&[2, 0], Some((&[1 << 40, 1]).into())).unwrap();
        assert_eq!(tally.counts().iter().collect::<Vec<_>>(), [5, 256, (1 << 40) + 7]);
        assert!(tally.add(&[2], Some((&[u64::MAX]).into())).unwrap_err().to_string().contains("2^64"));
        assert!(tally.add(&[3], None).unwrap_err().to_string().contains("a group is 3"));
        assert!(tally.merge((&[u64::MAX, 0, 0]).into()).unwrap_err().to_string().contains("2^64"));
        assert!(tally.merge((&[1]).into()).unwrap_err().to_string().contains("has 1 rows; expected 3"));
        assert!(tally.add(&[0], Some((&[1, 2]).into())).unwrap_err().to_string().contains("weights has 2 rows"));
    }

    proptest! {
        #[test]
        fn a_tally_is_the_sum_of_what_was_added_and_merged(
            batches in proptest::collection::vec(proptest::collection::vec((0_u32..9, 0_u64..70_000), 0..40), 0..12),
            merged in proptest::collection::vec(prop_oneof![0_u64..9, 0..300_u64, 0..1_u64 << 40], 9),
        ) {
            let (mut tally, mut oracle) = (Tally::default(), [0_u64; 9]);
            tally.grow(9);
            tally.merge((&merged).into()).unwrap();
            oracle.iter_mut().zip(&merged).for_each(|(sum, more)| *sum += more);
            for batch in &batches {
                let (numbers, more): (Vec<u32>, Vec<u64>) = batch.iter().copied().unzip();
                tally.add(&numbers, Some((&more).into())).unwrap();
                batch.iter().for_each(|(number, more)| oracle[*number as usize] += more);
            }
            prop_assert_eq!(tally.counts().iter().collect::<Vec<_>>(), oracle);
        }

        #[test]
        fn running_sums_are_those_of_a_plain_loop(
            counts in proptest::collection::vec(1_u64..50, 0..1500), from in 0_usize..1500, rank in 0_u64..40_000
        ) {
            let order: Vec<u32> = (0..u32::try_from(counts.len()).unwrap()).rev().collect();
            let sums = RunningSums::new((&counts).into(), Order::rows(&order));
            let mut plain = vec![0];
            order.iter().for_each(|row| plain.push(plain[plain.len() - 1] + counts[*row as usize]));
            for (many, sum) in plain.iter().enumerate() {
                prop_assert_eq!(sums.of_first(many), *sum);
            }
            let from = from.min(counts.len());
            for end in [from, (from + counts.len()) / 2, counts.len()] {
                let expected = from + plain[from + 1..=end].partition_point(|sum| sum - plain[from] <= rank);
                prop_assert_eq!(sums.beyond(from..end, rank), expected);
            }
        }
    }
}
