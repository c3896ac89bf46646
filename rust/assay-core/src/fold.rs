//! Sums by group: the inner loops of every fold over a table. Exact: unsigned 64-bit integers,
//! and a sum that does not fit is an error, never a wrong number.

use crate::error::{Error, Result};
use crate::memory::{self, Zero};

fn overflow() -> Error {
    Error::Parameter("the weights add up to more than 2^64; choose a smaller unit".to_owned())
}

fn outside(what: &str, number: u32, count: usize) -> Error {
    Error::Parameter(format!("{what} is {number}; expected less than {count}, the number of sums"))
}

fn equal_lengths(what: &str, found: usize, rows: usize) -> Result<()> {
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
