//! Sums by group: the inner loops of every fold over a table. Exact: unsigned 64-bit integers,
//! and a sum that does not fit is an error, never a wrong number.

use crate::error::{Error, Result};

fn overflow() -> Error {
    Error::Parameter("the weights add up to more than 2^64; choose a smaller unit".to_owned())
}

/// Adds each row's weight (1 if there are none) to the sum of its group.
///
/// # Errors
/// If a sum does not fit 64 bits.
///
/// # Panics
/// If a group number is not below `sums.len()`, or the lengths differ.
pub fn sum_by(groups: &[u32], weights: Option<&[u64]>, sums: &mut [u64]) -> Result<()> {
    match weights {
        None => {
            for group in groups {
                sums[*group as usize] += 1;
            }
        }
        Some(weights) => {
            assert_eq!(groups.len(), weights.len(), "a weight for each row");
            for (group, weight) in groups.iter().zip(weights) {
                let sum = &mut sums[*group as usize];
                *sum = sum.checked_add(*weight).ok_or_else(overflow)?;
            }
        }
    }
    Ok(())
}

/// Adds each row's weight to the cell (`from`, `to`) of a matrix with `width` columns.
///
/// # Errors
/// If a sum does not fit 64 bits.
///
/// # Panics
/// If a number is out of the matrix, or the lengths differ.
pub fn sum_pairs(from: &[u32], to: &[u32], weights: Option<&[u64]>, width: usize, sums: &mut [u64]) -> Result<()> {
    assert_eq!(from.len(), to.len(), "a pair for each row");
    for (row, (from, to)) in from.iter().zip(to).enumerate() {
        assert!((*to as usize) < width, "column {to} of {width}");
        let sum = &mut sums[*from as usize * width + *to as usize];
        *sum = sum.checked_add(weights.map_or(1, |weights| weights[row])).ok_or_else(overflow)?;
    }
    Ok(())
}

/// Sets the bit (`group`, `partition`) of a bit matrix with `width` columns for each row.
///
/// # Panics
/// If a number is out of the matrix, or the lengths differ.
pub fn mark_pairs(groups: &[u32], partitions: &[u32], width: usize, bits: &mut [u8]) {
    assert_eq!(groups.len(), partitions.len(), "a partition for each row");
    for (group, partition) in groups.iter().zip(partitions) {
        assert!((*partition as usize) < width, "partition {partition} of {width}");
        let bit = *group as usize * width + *partition as usize;
        bits[bit >> 3] |= 1 << (bit & 7);
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
        mark_pairs(&[0, 1], &[2, 0], 3, &mut bits);
        assert_eq!(bits, [0b1100]);
    }
}
