//! Little-endian words of a byte string, for hash functions that read them.

/// The word of eight bytes from `at` on.
///
/// # Panics
/// If they are not there.
#[inline(always)]
pub(crate) fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("a word is 8 bytes"))
}

/// The word of four bytes from `at` on.
///
/// # Panics
/// If they are not there.
#[inline(always)]
pub(crate) fn half(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("half a word is 4 bytes"))
}

/// Fewer than eight bytes as the word that they begin.
#[inline(always)]
pub(crate) fn tail(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    if length >= 4 {
        // Both halves may cover the same bytes, which then agree.
        u64::from(half(bytes, 0)) | u64::from(half(bytes, length - 4)) << (8 * (length - 4))
    } else if length > 0 {
        let middle = length / 2;
        u64::from(bytes[0])
            | u64::from(bytes[middle]) << (8 * middle)
            | u64::from(bytes[length - 1]) << (8 * (length - 1))
    } else {
        0
    }
}

/// The low and the high half of a product.
#[inline(always)]
#[allow(clippy::cast_possible_truncation)]
pub(crate) fn product(left: u64, right: u64) -> (u64, u64) {
    let whole = u128::from(left) * u128::from(right);
    (whole as u64, (whole >> 64) as u64)
}

/// Both halves of a product, folded into one.
#[inline(always)]
pub(crate) fn fold(left: u64, right: u64) -> u64 {
    let (low, high) = product(left, right);
    low ^ high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_its_bytes_with_zeros_above() {
        let bytes = [0x11, 0x82, 0x93, 0xa4, 0xb5, 0xc6, 0xd7];
        for length in 0..8 {
            let mut whole = [0; 8];
            whole[..length].copy_from_slice(&bytes[..length]);
            assert_eq!(tail(&bytes[..length]), u64::from_le_bytes(whole), "{length} bytes");
        }
    }
}
